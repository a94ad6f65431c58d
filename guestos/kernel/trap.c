// SPDX-License-Identifier: GPL-2.0-only
/*
 * trap.c - why we were interrupted, and whose fault it was
 *
 * One function for all that entry.S brings.  An exception of user mode that
 * the kernel cannot put right ends the process.  One of the kernel's goes on at
 * its fix-up, if it has one, and is a panic if not.
 *
 * Interrupts are off here, and off again when we return.  A system call turns
 * them on for itself.
 *
 * Next: guestos/kernel/irq.c
 */
#include "kernel.h"

struct fixup {
	u64 from, to;
};

extern const struct fixup fixups_start[], fixups_end[];

static const char *const names[20] = {
	"divide error",
	"debug",
	"nmi",
	"breakpoint",
	"overflow",
	"bound",
	"invalid opcode",
	"no fpu",
	"double fault",
	"9",
	"invalid tss",
	"no segment",
	"stack",
	"general protection",
	"page fault",
	"15",
	"x87",
	"alignment",
	"machine check",
	"simd",
};

static const char *name_of(u64 vector)
{
	return vector < ARRAY_SIZE(names) ? names[vector] : "unknown trap";
}

/* trap_init - a gate for every vector; user mode may only call int3 and into */
void trap_init(void)
{
	u32 vector;

	for (vector = 0; vector < IRQ_BASE; vector++)
		pv_ops.write_idt_entry(
			vector, trap_stubs + 16 * vector,
			vector == TRAP_BP || vector == TRAP_OF ? 3 : 0);
	pv_ops.write_idt_entry(TRAP_NMI, (const void *)pv_ops.nmi, 0);
	pv_ops.load_idt();
}

/* fixup - the kernel tried something that can fail; was this it? */
int fixup(struct regs *regs)
{
	const struct fixup *f;

	for (f = fixups_start; f < fixups_end; f++) {
		if (f->from == regs->rip) {
			regs->rip = f->to;
			return 1;
		}
	}
	return 0;
}

static void kill(const struct regs *regs, u64 addr)
{
	struct proc *proc = current();

	printk("%s (%u): killed: %s, error %#llx, address %#llx, rip %#llx\n",
	       proc->name, proc->pid, name_of(regs->vector), regs->error, addr,
	       regs->rip);
	irq_enable();
	proc_exit(-(int)(0x100 + regs->vector));
}

static void exception(struct regs *regs)
{
	int user = (regs->cs & 3) != 0;
	u64 addr = 0;

	if (regs->vector == TRAP_PF) {
		addr = pv_ops.read_cr2();
		if (vm_fault(current(), addr, regs->error) == 0)
			return;
	}
	if (regs->vector == TRAP_DB && debug_trap(regs))
		return;
	if (user)
		kill(regs, addr);
	else if (!fixup(regs))
		panic_regs(regs, name_of(regs->vector));
}

/* trap - entry.S calls, with what was interrupted */
void trap(struct regs *regs)
{
	if (regs->vector == VEC_SYSCALL) {
		irq_enable();
		syscall(regs);
		irq_disable();
	} else if (regs->vector < IRQ_BASE) {
		exception(regs);
	} else {
		irq_handle(regs);
	}
	while (regs->cs & 3 && this_cpu()->need_resched)
		schedule();
}
