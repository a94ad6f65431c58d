// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched.c - who runs
 *
 * A table of processes and one lock.  schedule() finds the next that is ready,
 * round and round, and switches to it in the middle of the function: the lock
 * is taken by one process and released by another.  That is the trick to
 * understand here.  A process that starts releases it in
 * sched_finish_switch().
 *
 * So nobody sees a process that is half-way off its CPU: whoever holds the
 * lock knows that a process that is not running is not on any stack.
 *
 * Next: guestos/kernel/fpu.c
 */
#include "kernel.h"

#define SLICE_NS (10 * NS_PER_MS)

struct spinlock sched_lock;
struct proc procs[MAX_PROCS];

/* sched_init - what runs now becomes this CPU's idle thread */
void sched_init(void)
{
	struct proc *idle = proc_new("idle");

	idle->state = PROC_RUNNING;
	idle->only_cpu = 1;
	this_cpu()->idle = this_cpu()->current = idle;
}

static int may_run(const struct proc *proc, u32 cpu)
{
	return proc->state == PROC_READY &&
	       (!proc->only_cpu || proc->only_cpu == cpu + 1);
}

static struct proc *pick(struct percpu *cpu)
{
	struct proc *last = cpu->current, *proc;
	u32 i, start = (u32)(last - procs);

	for (i = 1; i <= MAX_PROCS; i++) {
		proc = &procs[(start + i) % MAX_PROCS];
		if (may_run(proc, cpu->id) && proc != cpu->idle)
			return proc;
	}
	return cpu->idle;
}

/* sched_next_alarm - when the next sleeper wakes; 0: nobody sleeps */
u64 sched_next_alarm(void)
{
	u64 next = 0;
	u32 i;

	for (i = 0; i < MAX_PROCS; i++) {
		if (procs[i].state == PROC_ASLEEP && procs[i].wake_ns &&
		    (!next || procs[i].wake_ns < next))
			next = procs[i].wake_ns;
	}
	return next;
}

static void arm_for(const struct percpu *cpu, const struct proc *next)
{
	u64 alarm = sched_next_alarm(), slice;

	if (next != cpu->idle) {
		slice = clock_ns() + SLICE_NS;
		if (!alarm || slice < alarm)
			alarm = slice;
	}
	/* One that comes too early does no harm, and asking is not free. */
	if (cpu->timer_ns && (!alarm || cpu->timer_ns <= alarm))
		return;
	timer_arm(alarm);
}

/*
 * Everything of the CPU that belongs to a process, but stack and registers
 *
 * What comes before lazy_cpu_leave() may wait for it: one way to a host.
 */
static void switch_state(struct proc *from, struct proc *to)
{
	if (from->root) {
		fpu_save(from->fpu);
		tls_store(from);
	}
	pv_ops.lazy_cpu_enter();
	pv_ops.load_sp0((u64)to->stack + STACK_BYTES);
	debug_switch(from, to);
	if (to->root)
		pv_ops.load_tls(to->tls);
	pt_load(to);
	pv_ops.lazy_cpu_leave();
	if (to->root) {
		fpu_load(to->fpu);
		tls_load(to);
	}
}

/* With sched_lock held, and held again when we are back. */
static void schedule_locked(void)
{
	struct percpu *cpu = this_cpu();
	struct proc *from = cpu->current, *to;
	u32 irqs_were_on = sched_lock.irqs_were_on;

	cpu->need_resched = 0;
	if (from->state == PROC_RUNNING)
		from->state = PROC_READY;
	to = pick(cpu);
	arm_for(cpu, to);
	to->state = PROC_RUNNING;
	if (to == from)
		return;
	to->cpu = cpu->id;
	cpu->current = to;
	if (from->state == PROC_ZOMBIE && !from->parent)
		cpu->to_free = from;
	switch_state(from, to);
	switch_stack(&from->rsp, to->rsp);
	/* Another process has brought us back, maybe on another CPU. */
	cpu = this_cpu();
	if (cpu->to_free)
		proc_free(cpu->to_free);
	cpu->to_free = NULL;
	sched_lock.irqs_were_on = irqs_were_on;
}

/* sched_finish_switch - the first thing a new process does; interrupts off */
void sched_finish_switch(void)
{
	struct percpu *cpu = this_cpu();

	if (cpu->to_free)
		proc_free(cpu->to_free);
	cpu->to_free = NULL;
	sched_lock.irqs_were_on = 0;
	spin_unlock(&sched_lock);
}

/* schedule - let whoever is next run; returns when it is our turn again */
void schedule(void)
{
	spin_lock(&sched_lock);
	schedule_locked();
	spin_unlock(&sched_lock);
}

/* sched_leave - a zombie's last step, with sched_lock held */
void sched_leave(void)
{
	schedule_locked();
	panic("sched: a zombie came back");
}

/* A CPU that is idle and may run it hears of it; ours looks on its way out. */
static void kick_one(const struct proc *proc)
{
	struct percpu *cpu;
	u32 i;

	for (i = 0; i < cpus_online; i++) {
		cpu = &percpus[i];
		if (!may_run(proc, i) || cpu->current != cpu->idle)
			continue;
		cpu->need_resched = 1;
		if (cpu != this_cpu())
			smp_kick(i);
		return;
	}
	if (proc->only_cpu) {
		percpus[proc->only_cpu - 1].need_resched = 1;
		if (proc->only_cpu - 1 != this_cpu()->id)
			smp_kick(proc->only_cpu - 1);
	}
}

/* sched_make_ready - under sched_lock */
void sched_make_ready(struct proc *proc)
{
	proc->state = PROC_READY;
	proc->waits_for = NULL;
	proc->wake_ns = 0;
	kick_one(proc);
}

/* sleep_on_locked - until somebody says wake_up(what); sched_lock is held */
void sleep_on_locked(const void *what)
{
	struct proc *proc = current();

	proc->waits_for = what;
	proc->state = PROC_ASLEEP;
	schedule_locked();
}

void wake_up_locked(const void *what)
{
	u32 i;

	for (i = 0; i < MAX_PROCS; i++) {
		if (procs[i].state == PROC_ASLEEP && procs[i].waits_for == what)
			sched_make_ready(&procs[i]);
	}
}

/* sleep_on_for_locked - the same, but no longer than this */
void sleep_on_for_locked(const void *what, u64 ns)
{
	current()->wake_ns = clock_ns() + ns;
	sleep_on_locked(what);
}

/* wake_up - everybody who sleeps on it */
void wake_up(const void *what)
{
	spin_lock(&sched_lock);
	wake_up_locked(what);
	spin_unlock(&sched_lock);
}

/* sleep_ns - may sleep, obviously: at least so long */
void sleep_ns(u64 ns)
{
	struct proc *proc = current();

	spin_lock(&sched_lock);
	proc->wake_ns = clock_ns() + ns;
	sleep_on_locked(proc);
	spin_unlock(&sched_lock);
}

/* sched_tick - the clock event came: wake the sleepers, end the slice */
void sched_tick(u64 now_ns)
{
	struct percpu *cpu = this_cpu();
	u32 i;

	spin_lock(&sched_lock);
	for (i = 0; i < MAX_PROCS; i++) {
		if (procs[i].state == PROC_ASLEEP && procs[i].wake_ns &&
		    procs[i].wake_ns <= now_ns)
			sched_make_ready(&procs[i]);
	}
	cpu->need_resched = 1;
	/* A kernel thread is not preempted, and the others' alarms go on. */
	arm_for(cpu, cpu->current);
	spin_unlock(&sched_lock);
}

/* idle_loop - this CPU has nothing to do, until an interrupt finds it work */
void idle_loop(void)
{
	for (;;) {
		irq_disable();
		if (this_cpu()->need_resched) {
			irq_enable();
			schedule();
			continue;
		}
		pv_ops.safe_halt();
	}
}
