// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel.c - what a whole kernel's operations cost
 *
 * Takes the place of guestos/kernel/init.c, as the tests in t/kernel/ do, and
 * is run natively and under lguest, on machines whose time-stamp counter counts
 * instructions.  Each operation is done by a process of its own, program.c, so
 * that none finds what another has left; only what a process cannot see is done
 * here.
 *
 * It prints "NAME TICKS ROUNDS".  Before and after comes a line for those who
 * count other things meanwhile.
 */
#include "kernel.h"
#include "mark.h"

#define EVENTS 200

/*
 * What an interrupt took from a loop: its longest turn less its shortest.  Where
 * in the turn it came does not matter then.
 */
static u64 wait_for_event(u64 *shortest)
{
	volatile u64 *ticks = &this_cpu()->ticks;
	u64 seen = *ticks, longest = 0, last, now;
	int again = 1;

	timer_arm(clock_ns() + 1);
	irq_enable();
	for (now = mark_tsc(); again;) {
		again = *ticks == seen;
		last = now;
		now = mark_tsc();
		if (now - last < *shortest)
			*shortest = now - last;
		if (now - last > longest)
			longest = now - last;
	}
	irq_disable();
	return longest;
}

static void clock_events(void)
{
	u64 away = 0, shortest = ~0ULL, i;

	printk("begin\n");
	irq_disable();
	mark_begin();
	for (i = 0; i < EVENTS; i++)
		away += wait_for_event(&shortest);
	mark_end(0);
	irq_enable();
	printk("end\n");
	printk("clock-event %llu %u\n", away - EVENTS * shortest, EVENTS);
}

void init_thread(void)
{
	static const char *const ops[] = { "getpid",         "fork-exit-wait",
					   "fork-exec-wait", "context-switch",
					   "page-touch",     "page-touch-again",
					   "mprotect-write", "copy-fault" };
	u32 i;
	int pid;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		pid = proc_start("program", ops[i]);
		if (pid < 0 || proc_wait_for(pid))
			panic("bench: \"%s\" failed", ops[i]);
	}
	clock_events();
}
