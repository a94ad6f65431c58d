// SPDX-License-Identifier: GPL-2.0-only
/*
 * time.c - clocks, and being interrupted by one
 *
 * No check asks whether something was quick.  They ask whether it came at all,
 * not too early, and not more often than it was asked for.
 */
#include "native.h"
#include "test.h"

#define APIC_IRR 0x200 /* a word of 32 vectors every 16 bytes */

static volatile u64 shots;
static volatile u64 shot_ns;

static int chained; /* have another interrupt come while we handle this one */

static void count_shot(struct regs *regs)
{
	(void)regs;
	if (chained)
		pv_ops.send_ipi(this_cpu()->id, VEC_RESCHED);
	shots++;
	shot_ns = clock_ns();
	this_cpu()->timer_ns = 0;
}

/* Have it to ourselves: nobody else is running, and nobody sleeps. */
static void clock_event(void)
{
	u64 start, end;

	irq_disable();
	irq_set_handler(IRQ_BASE + TIMER_IRQ, count_shot);
	shots = 0;
	start = clock_ns();
	pv_ops.set_next_event(5 * MS);
	while (!shots)
		pv_ops.safe_halt();
	ok(shot_ns >= start + 5 * MS - MS / 10,
	   "lguest_clockevent: a one-shot event is not early");
	ok(1, "lguest_safe_halt: an interrupt ends it");
	irq_enable();
	end = clock_ns() + 30 * MS;
	while (clock_ns() < end)
		asm volatile("pause");
	is(shots, 1, "lguest_clockevent: and comes once");

	start = clock_ns();
	pv_ops.set_next_event(1);
	while (!shots || shots == 1)
		asm volatile("pause");
	is(shots, 2, "lguest_clockevent: the shortest delta comes too");

	pv_ops.set_next_event(20 * MS);
	pv_ops.set_next_event(0);
	end = clock_ns() + 60 * MS;
	while (clock_ns() < end)
		asm volatile("pause");
	is(shots, 2, "lguest_clockevent: one that is taken back does not");

	pv_ops.set_next_event(3 * NS_PER_S);
	pv_ops.set_next_event(2 * MS);
	while (shots == 2)
		asm volatile("pause");
	is(shots, 3, "lguest_clockevent: a new one replaces the one before");
	pv_ops.set_next_event(0);
}

/* An emulator's timer may be late, so the time alone does not tell. */
static int waits(void)
{
	if (pv_ops.paravirt)
		return this_cpu()->lg.irq_pending != 0;
	return native_apic_read(APIC_IRR + IRQ_BASE / 32 * 0x10) & 1;
}

static void until_one_waits(void)
{
	u64 end;

	irq_disable();
	pv_ops.set_next_event(1 * MS);
	end = clock_ns() + 10 * MS;
	while (clock_ns() < end || !waits())
		asm volatile("pause");
}

static void while_off(void)
{
	u64 before = shots;

	until_one_waits();
	is(shots, before, "irq_disable: no interrupt comes while they are off");
	irq_enable();
	asm volatile("nop");
	is(shots, before + 1, "irq_enable: the one that waited comes at once");

	until_one_waits();
	restore_fl(RFLAGS_IF);
	asm volatile("nop");
	is(shots, before + 2, "restore_fl: and so it does here");
}

/* It must be there before the instruction that was interrupted is done. */
static void right_after(void)
{
	u64 i, before, good = 0;

	chained = 1;
	for (i = 0; i < 20; i++) {
		before = shots;
		this_cpu()->ipis = 0;
		pv_ops.set_next_event(MS);
		while (shots == before)
			asm volatile("pause");
		good += *(volatile u64 *)&this_cpu()->ipis == 1;
	}
	chained = 0;
	is(good, 20, "lguest_iret: what came meanwhile comes right after");
}

static void clocks(void)
{
	u64 last = clock_ns(), now, i, back = 0, wall;

	for (i = 0; i < 10000; i++) {
		now = clock_ns();
		back += now < last;
		last = now;
	}
	is(back, 0, "lguest_clock_read: time does not go back");
	wall = wallclock_s();
	ok(wall + 5 >= cmdline_number("now", 0) &&
		   wall < cmdline_number("now", 0) + 600,
	   "lguest_get_wallclock: the host knows what day it is");
	last = clock_ns();
	now = sched_clock();
	sleep_ns(300 * MS);
	now = sched_clock() - now;
	last = clock_ns() - last;
	ok(now >= 300 * MS && last >= now,
	   "lguest_sched_clock: the scheduler's clock is the same");
	ok(wallclock_s() - wall <= 60 && wallclock_s() >= wall,
	   "lguest_get_wallclock: and it goes on from there");
}

static void sleeping(void)
{
	u64 start = clock_ns(), ticks = irq_counts[IRQ_BASE + TIMER_IRQ];

	sleep_ns(50 * MS);
	ok(clock_ns() - start >= 50 * MS,
	   "lguest_time_irq: a sleeper is woken, and not too early");
	ok(irq_counts[IRQ_BASE + TIMER_IRQ] > ticks,
	   "lguest_time_irq: by interrupt 0");
}

static u64 read_nothing(void)
{
	return 0;
}

static int has_tsc(void)
{
	return !cmdline_number("notsc", 0) && this_cpu()->info.tsc_khz;
}

static void ratings(void)
{
	static const struct clock dumb = { "dumb", 200, read_nothing };
	const struct clock *was = best_clock;

	clock_register(&dumb);
	ok(best_clock == was && was->rating > 200,
	   "lguest_clock: its rating is above that of any other");
	is(best_clock->rating,
	   !pv_ops.paravirt ? 300
	   : has_tsc()      ? 400
			    : 390,
	   "lguest_clock: by the TSC if the host knows it, else in ns");
}

/* The last two take the timer's interrupt away from the kernel for good. */
void init_thread(void)
{
	sleeping();
	ratings();
	clocks();
	is(early_ticks, 0, "lguest_time_init: irq 0 was unblocked last");
	clock_event();
	while_off();
	right_after();
	done_testing();
}
