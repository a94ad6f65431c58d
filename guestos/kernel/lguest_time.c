// SPDX-License-Identifier: GPL-2.0-only
/*
 * lguest_time.c - what time it is for a guest
 *
 * If the host says how fast the TSC is, it is the clock, and reading it costs
 * one instruction.  If not (a host whose TSC is no clock), we ask for the
 * nanoseconds each time.  (lguest_clock_read)
 *
 * Next: guestos/kernel/lguest_machine.c
 */
#include "lguest.h"

static u32 tsc_khz;

/* The host writes it again when it is told again where it is. */
static u64 ask_ns(void)
{
	struct lguest_clock *clock = &this_cpu()->clock;

	hcall(LHCALL_SET_CLOCK, pa(clock), 0, 0, 0);
	return *(volatile __u64 *)&clock->system_time;
}

u64 lguest_sched_clock(void)
{
	return tsc_khz ? cycles_to_ns(__builtin_ia32_rdtsc(), tsc_khz)
		       : ask_ns();
}

u64 lguest_get_wallclock(void)
{
	u64 ns = ask_ns();

	return this_cpu()->clock.wall_sec +
	       (this_cpu()->clock.wall_nsec + ns) / NS_PER_S;
}

/* lguest_clockevent's only operation: once, so many ns from now; 0: never */
void lguest_set_next_event(u64 delta_ns)
{
	hcall(LHCALL_SET_CLOCKEVENT, delta_ns, 0, 0, 0);
}

/* lguest_time_init */
void lguest_time_init(void)
{
	tsc_khz = cmdline_word("notsc") ? 0 : this_cpu()->info.tsc_khz;
	pv_ops.clock_name = tsc_khz ? "lguest, by the tsc" : "lguest, in ns";
}
