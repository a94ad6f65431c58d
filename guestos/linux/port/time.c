// SPDX-License-Identifier: GPL-2.0-only
/*
 * time.c - what time it is for a guest, and when something is due
 *
 * If the host says how fast the TSC is, the kernel's own clock by it is the
 * best there is: programs read it without the kernel.  If not, it is a page that
 * the host keeps, in nanoseconds, or on a host whose TSC is no clock at all a
 * question each time.  What the host has kept from us (steal time) is on the
 * same page.
 *
 * The clock event comes once, on the vector that the kernel has for a platform
 * of its own, and whose handler it lets the platform choose.
 *
 * What must never happen: two clocks, one of them wrong, for the kernel to
 * compare.  So where the page is the clock the TSC is given up.
 *
 * Next: guestos/linux/port/smp.c
 */
#include "port.h"

#include <linux/clockchips.h>
#include <linux/clocksource.h>
#include <linux/jump_label.h>
#include <linux/static_call.h>
#include <asm/hw_irq.h>
#include <asm/irq_vectors.h>
#include <asm/paravirt.h>
#include <asm/setup.h>
#include <asm/smp.h>
#include <asm/tsc.h>
#include <asm/x86_init.h>

/* Far beyond what a timer is set to; the host takes any. */
#define MAX_DELTA_NS (3600ULL * NSEC_PER_SEC)

/* ---- the page ---- */

static u64 scale(u64 ticks, int shift, u32 mul)
{
	ticks = shift < 0 ? ticks >> -shift : ticks << shift;
	return mul_u64_u64_shr(ticks, mul, 32);
}

/* An odd version is one that is being written. */
static notrace u64 read_page(void)
{
	struct lguest_clock *clock;
	u32 version;
	u64 ns;

	preempt_disable_notrace();
	clock = &port_cpus[raw_smp_processor_id()].clock;
	do {
		version = READ_ONCE(clock->version);
		barrier();
		if (!clock->tsc_mul) /* told where it is, the host writes it */
			hcall(LHCALL_SET_CLOCK, __pa_symbol(clock), 0, 0, 0);
		ns = READ_ONCE(clock->system_time);
		if (clock->tsc_mul)
			ns += scale(rdtsc_ordered() - clock->tsc_timestamp,
				    clock->tsc_shift, clock->tsc_mul);
		barrier();
	} while (clock->tsc_mul &&
		 (version & 1 || version != READ_ONCE(clock->version)));
	preempt_enable_notrace();
	return ns;
}

static u64 read_clocksource(struct clocksource *source)
{
	return read_page();
}

static struct clocksource page_clock = {
	.name = "lguest",
	.rating = 400,
	.read = read_clocksource,
	.mask = CLOCKSOURCE_MASK(64),
	.flags = CLOCK_SOURCE_IS_CONTINUOUS,
};

static void get_wallclock(struct timespec64 *now)
{
	const struct lguest_clock *clock =
		&port_cpus[raw_smp_processor_id()].clock;
	u64 ns = read_page();

	*now = ns_to_timespec64(ns + clock->wall_nsec);
	now->tv_sec += clock->wall_sec;
}

static int set_wallclock(const struct timespec64 *now)
{
	return -ENODEV; /* it is the host's */
}

/* ---- the clock event ---- */

static int set_next_event(unsigned long delta_ns,
			  struct clock_event_device *event)
{
	hcall(LHCALL_SET_CLOCKEVENT, delta_ns, X86_PLATFORM_IPI_VECTOR, 0, 0);
	return 0;
}

static int set_never(struct clock_event_device *event)
{
	hcall(LHCALL_SET_CLOCKEVENT, 0, 0, 0, 0);
	return 0;
}

static void on_event(void)
{
	struct clock_event_device *event = &port_cpus[smp_processor_id()].event;

	if (event->event_handler)
		event->event_handler(event);
}

/* port_clockevent - this CPU has one */
void port_clockevent(void)
{
	unsigned int cpu = smp_processor_id();
	struct clock_event_device *event = &port_cpus[cpu].event;

	*event = (struct clock_event_device){
		.name = "lguest",
		.features = CLOCK_EVT_FEAT_ONESHOT,
		.rating = 1000,
		.irq = -1,
		.cpumask = cpumask_of(cpu),
		.set_next_event = set_next_event,
		.set_state_shutdown = set_never,
		.set_state_oneshot_stopped = set_never,
	};
	clockevents_config_and_register(event, NSEC_PER_SEC,
					port_cpus[cpu].info.min_delta_ns,
					MAX_DELTA_NS);
}

static void __init timer_init(void)
{
	x86_platform_ipi_callback = on_event;
	port_clockevent();
}

/* ---- the TSC ---- */

static unsigned long tsc_khz_op(void)
{
	return port_cpus[0].info.tsc_khz;
}

static void __init no_timer(void)
{
}

static void setup_secondary(void)
{
}

/* port_time_init - what the kernel will call; nothing runs yet */
void __init port_time_init(void)
{
	x86_platform.calibrate_cpu = tsc_khz_op;
	x86_platform.calibrate_tsc = tsc_khz_op;
	x86_platform.get_wallclock = get_wallclock;
	x86_platform.set_wallclock = set_wallclock;
	x86_init.timers.wallclock_init = no_timer;
	x86_init.timers.timer_init = timer_init;
	x86_init.timers.setup_percpu_clockev = no_timer;
	x86_cpuinit.setup_percpu_clockev = setup_secondary;
	if (tsc_khz_op()) {
		port_force_cap(X86_FEATURE_TSC_KNOWN_FREQ);
		port_force_cap(X86_FEATURE_TSC_RELIABLE);
		return;
	}
	paravirt_set_sched_clock(read_page);
}

/* ---- later ---- */

static u64 steal_ns(int cpu)
{
	return READ_ONCE(port_cpus[cpu].clock.steal);
}

/* port_time_late - static calls and keys can be changed by now */
void __init port_time_late(void)
{
	if (!tsc_khz_op())
		clocksource_register_hz(&page_clock, NSEC_PER_SEC);
	static_call_update(pv_steal_clock, steal_ns);
	static_key_slow_inc(&paravirt_steal_enabled);
	static_key_slow_inc(&paravirt_steal_rq_enabled);
}
