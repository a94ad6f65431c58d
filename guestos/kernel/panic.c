// SPDX-License-Identifier: GPL-2.0-only
/*
 * panic.c - the three ways out: off, again, and never mind
 *
 * Before a panic ends the machine, everybody on the list of notifiers hears
 * the reason; under lguest one of them tells the host, with the physical
 * address of the text (lguest_panic).
 *
 * Next: guestos/kernel/probe.c
 */
#include "kernel.h"

#define NOTIFIERS 4

static void (*notifiers[NOTIFIERS])(const char *reason);
static u32 notifier_count;

/* panic_notify - have this called with the reason of a panic */
void panic_notify(void (*call)(const char *reason))
{
	if (notifier_count == NOTIFIERS)
		panic("panic: more than %d want to know", NOTIFIERS);
	notifiers[notifier_count++] = call;
}

void power_off(void)
{
	boot_mark("power off");
	for (;;)
		pv_ops.power_off();
}

void restart(void)
{
	boot_mark("restart");
	for (;;)
		pv_ops.restart();
}

/* panic - it cannot go on; says why, and does not return */
void panic(const char *fmt, ...)
{
	static char reason[256];
	static u32 again;
	va_list args;
	u32 i;

	irq_disable();
	__builtin_va_start(args, fmt);
	vformat(reason, sizeof(reason), fmt, args);
	__builtin_va_end(args);
	/* A panic while we panic: no more attempts to be helpful. */
	if (!__atomic_exchange_n(&again, 1, __ATOMIC_ACQ_REL)) {
		pv_ops.put_chars("panic: ", 7);
		for (i = 0; reason[i]; i++)
			pv_ops.put_chars(&reason[i], 1);
		pv_ops.put_chars("\n", 1);
		for (i = 0; i < notifier_count; i++)
			notifiers[i](reason);
	}
	for (;;)
		pv_ops.crash();
}

/* show_regs - for whoever has to find out what happened */
void show_regs(const struct regs *r)
{
	printk("rip %#llx cs %#llx rflags %#llx rsp %#llx ss %#llx\n", r->rip,
	       r->cs, r->rflags, r->rsp, r->ss);
	printk("rax %#llx rbx %#llx rcx %#llx rdx %#llx\n", r->rax, r->rbx,
	       r->rcx, r->rdx);
	printk("rsi %#llx rdi %#llx rbp %#llx r8 %#llx r9 %#llx\n", r->rsi,
	       r->rdi, r->rbp, r->r8, r->r9);
	printk("r10 %#llx r11 %#llx r12 %#llx r13 %#llx r14 %#llx r15 %#llx\n",
	       r->r10, r->r11, r->r12, r->r13, r->r14, r->r15);
}

/* panic_regs - the kernel did what it must not: what, and where */
void panic_regs(const struct regs *regs, const char *what)
{
	show_regs(regs);
	panic("%s: vector %llu error %#llx cr2 %#llx rip %#llx", what,
	      regs->vector, regs->error, pv_ops.read_cr2(), regs->rip);
}
