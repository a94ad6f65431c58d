// SPDX-License-Identifier: GPL-2.0-only
/*
 * smp.c - more than one CPU
 *
 * Each has a page of its own, found through GS.  One CPU asks another for
 * something by an interrupt: to look for work (VEC_RESCHED), or to call a
 * function (VEC_CALL), of which forgetting a translation is the most important.
 *
 * The first CPU wakes the others, one after the other, each on the stack of
 * its idle thread.
 *
 * Next: guestos/kernel/panic.c
 */
#include "kernel.h"

struct percpu percpus[MAX_CPUS];
u32 cpus_online = 1;

/* One call at a time; all CPUs but the caller's make it. */
static u32 call_taken;
static void (*call_fn)(void *arg);
static void *call_arg;

static void resched_irq(struct regs *regs)
{
	(void)regs;
	this_cpu()->ipis++;
	this_cpu()->need_resched = 1;
}

static void make_call(struct percpu *cpu)
{
	if (!__atomic_load_n(&cpu->call_pending, __ATOMIC_ACQUIRE))
		return;
	call_fn(call_arg);
	cpu->calls++;
	__atomic_store_n(&cpu->call_pending, 0, __ATOMIC_RELEASE);
}

static void call_irq(struct regs *regs)
{
	(void)regs;
	make_call(this_cpu());
}

/* smp_kick - have a CPU look whether there is something else to run */
void smp_kick(u32 cpu)
{
	pv_ops.send_ipi(cpu, VEC_RESCHED);
}

/*
 * smp_call - every other CPU calls it, and has when this returns
 *
 * Interrupts must be on, or two CPUs could wait for each other.
 */
void smp_call(void (*call)(void *arg), void *arg)
{
	struct percpu *us;
	u32 i;

	while (__atomic_exchange_n(&call_taken, 1, __ATOMIC_ACQUIRE))
		asm volatile("pause");
	us = this_cpu();
	call_fn = call;
	call_arg = arg;
	for (i = 0; i < cpus_online; i++) {
		if (&percpus[i] == us)
			continue;
		__atomic_store_n(&percpus[i].call_pending, 1, __ATOMIC_RELEASE);
		pv_ops.send_ipi(i, VEC_CALL);
	}
	for (i = 0; i < cpus_online; i++) {
		while (__atomic_load_n(&percpus[i].call_pending,
				       __ATOMIC_ACQUIRE))
			asm volatile("pause");
	}
	__atomic_store_n(&call_taken, 0, __ATOMIC_RELEASE);
}

static void flush_kernel(void *arg)
{
	(void)arg;
	pv_ops.flush_tlb_kernel();
}

/* tlb_flush_kernel_everywhere - a right to a kernel page is gone for all */
void tlb_flush_kernel_everywhere(void)
{
	flush_kernel(NULL);
	smp_call(flush_kernel, NULL);
}

static void start_cpu(u32 id)
{
	struct percpu *cpu = &percpus[id];
	struct proc *idle = proc_new("idle");
	u64 give_up;

	if (!idle)
		panic("smp: no thread for cpu %u", id);
	cpu->self = cpu;
	cpu->id = id;
	cpu->current = cpu->idle = idle;
	idle->state = PROC_RUNNING;
	idle->only_cpu = id + 1;
	if (pv_ops.start_cpu(cpu, (u64)idle->stack + STACK_BYTES) < 0)
		panic("smp: cpu %u cannot be started", id);
	give_up = clock_ns() + 10 * NS_PER_S;
	while (!cpu->online && clock_ns() < give_up)
		asm volatile("pause");
	if (!cpu->online)
		panic("smp: cpu %u does not answer", id);
	cpus_online = id + 1;
}

/* smp_init - all that the machine has, or as many as cpus= allows */
void smp_init(void)
{
	u64 count = pv_ops.count_cpus();
	u64 allowed = cmdline_number("cpus", MAX_CPUS);
	u32 id;

	irq_set_handler(VEC_RESCHED, resched_irq);
	irq_set_handler(VEC_CALL, call_irq);
	irq_unblock(VEC_RESCHED);
	irq_unblock(VEC_CALL);
	count = count < allowed ? count : allowed;
	this_cpu()->online = 1;
	for (id = 1; id < count && id < MAX_CPUS; id++)
		start_cpu(id);
	printk("cpus: %u\n", cpus_online);
}
