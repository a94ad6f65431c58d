// SPDX-License-Identifier: GPL-2.0-only
/*
 * time.c - what time it is, and being woken
 *
 * A clock counts nanoseconds from boot: the TSC where its frequency is known,
 * else whatever the machine has.  A clock event is one interrupt, once, after
 * some time, on irq 0 of each CPU.  There is no periodic tick: whoever wants
 * another interrupt asks for it.
 *
 * Next: guestos/kernel/sched.c
 */
#include "kernel.h"

#define MIN_DELTA_NS 20000 /* sooner would be over before we are back */

const struct clock *best_clock;
static u64 clock_base;
u64 early_ticks; /* that came before they could: for a test */

/* cycles_to_ns - cycles * 10^6 / khz, without losing the upper half */
u64 cycles_to_ns(u64 cycles, u64 khz)
{
	u64 ns, rest;

	asm("mul %3\n\tdiv %4"
	    : "=&a"(ns), "=&d"(rest)
	    : "0"(cycles), "r"(1000000ULL), "r"(khz)
	    : "cc");
	return ns;
}

/* clock_register - use this one if it is better than what we have */
void clock_register(const struct clock *clock)
{
	if (!best_clock || clock->rating > best_clock->rating)
		best_clock = clock;
}

/* sched_clock - the scheduler's clock is the best one too */
u64 sched_clock(void)
{
	return best_clock->read();
}

/* clock_ns - since boot; never goes back on one CPU */
u64 clock_ns(void)
{
	return sched_clock() - clock_base;
}

/* wallclock_s - seconds since 1970 */
u64 wallclock_s(void)
{
	return pv_ops.get_wallclock();
}

/* timer_arm - this CPU's clock event at clock_ns() == when_ns; 0: none */
void timer_arm(u64 when_ns)
{
	struct percpu *cpu = this_cpu();
	u64 now;

	if (cpu->timer_ns == when_ns)
		return;
	cpu->timer_ns = when_ns;
	if (!when_ns) {
		pv_ops.set_next_event(0);
		return;
	}
	now = clock_ns();
	pv_ops.set_next_event(when_ns > now + MIN_DELTA_NS ? when_ns - now
							   : MIN_DELTA_NS);
}

/* lguest_time_irq, and the native timer's: the same one for both */
static void timer_irq(struct regs *regs)
{
	struct percpu *cpu = this_cpu();

	(void)regs;
	cpu->ticks++;
	cpu->timer_ns = 0;
	sched_tick(clock_ns());
}

/* udelay - busy for so many microseconds */
void udelay(u64 us)
{
	u64 end = clock_ns() + us * 1000;

	while (clock_ns() < end)
		asm volatile("pause");
}

/* time_start - a clock, then a clock event; its interrupt unblocked last */
void time_start(void)
{
	irq_set_handler(IRQ_BASE + TIMER_IRQ, timer_irq);
	pv_ops.time_init();
	clock_base = sched_clock();
	printk("clock: %s, rating %u\n", best_clock->name, best_clock->rating);
	early_ticks = this_cpu()->ticks;
	irq_unblock(IRQ_BASE + TIMER_IRQ);
}
