// SPDX-License-Identifier: GPL-2.0-only
/*
 * lguest_time.c - what time it is for a guest
 *
 * If the host says how fast the TSC is, it is the clock, and reading it costs
 * one instruction.  If not, it is a page that the host keeps, in nanoseconds, or
 * on a host whose TSC is no clock at all a question each time.
 *
 * Next: guestos/kernel/lguest_machine.c
 */
#include "lguest.h"

static u32 tsc_khz;

/* cycles << shift, or >> -shift, times mul >> 32 */
static u64 scale(u64 cycles, int shift, u32 mul)
{
	u64 low, high;

	cycles = shift < 0 ? cycles >> -shift : cycles << shift;
	asm("mul %3"
	    : "=a"(low), "=d"(high)
	    : "0"(cycles), "r"((u64)mul)
	    : "cc");
	return high << 32 | low >> 32;
}

/* The host's page of time; an odd version is one that is being written. */
static u64 read_page(void)
{
	volatile struct lguest_clock *clock = &this_cpu()->clock;
	u64 ns;
	u32 version;

	do {
		version = clock->version;
		barrier();
		if (!clock->tsc_mul) /* told again where it is, it is rewritten */
			hcall(LHCALL_SET_CLOCK, pa(clock), 0, 0, 0);
		ns = clock->system_time;
		if (clock->tsc_mul)
			ns += scale(__builtin_ia32_rdtsc() -
					    clock->tsc_timestamp,
				    clock->tsc_shift, clock->tsc_mul);
		barrier();
	} while (clock->tsc_mul && (version & 1 || version != clock->version));
	return ns;
}

static u64 lguest_clock_read(void)
{
	return cycles_to_ns(__builtin_ia32_rdtsc(), tsc_khz);
}

u64 lguest_get_wallclock(void)
{
	const struct lguest_clock *clock = &this_cpu()->clock;

	return clock->wall_sec + (clock->wall_nsec + read_page()) / NS_PER_S;
}

/* lguest_clockevent's only operation: once, so many ns from now; 0: never */
void lguest_set_next_event(u64 delta_ns)
{
	hcall(LHCALL_SET_CLOCKEVENT, delta_ns, 0, 0, 0);
}

/*
 * lguest_time_init - a clock, so good that no other is ever preferred
 *
 * The word notsc=1 makes it the one for hosts whose TSC is none.
 */
void lguest_time_init(void)
{
	static const struct clock by_tsc = { "lguest, by the tsc", 400,
					     lguest_clock_read };
	static const struct clock by_ns = { "lguest, in ns", 390, read_page };

	clock_register(&by_ns);
	if (cmdline_number("notsc", 0) || !this_cpu()->info.tsc_khz)
		return;
	tsc_khz = this_cpu()->info.tsc_khz;
	clock_register(&by_tsc);
}
