// SPDX-License-Identifier: GPL-2.0-only
/*
 * clock.c - what time it is for a guest
 *
 * A page of the guest's has the formula from the TSC to nanoseconds since its
 * VM was made, so that asking costs it no exit.  Where the host itself does not
 * trust its TSC the formula has no slope, and we write the time each time the
 * guest is going to look: when it gets an event.
 *
 * What must never happen: two vcpus of a VM that disagree on the time.
 *
 * Next: hypervisor/window.c
 */
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <asm/tsc.h>
#include "lg.h"

/* ns = (ticks << shift) * mul >> 32; a negative shift is to the right */
struct scale {
	u32 mul;
	s8 shift;
};

/* Puts mul in [2^31, 2^32), where it says most. */
static struct scale scale_of(u32 khz)
{
	u64 mul = div_u64(1000000ULL << 32, khz);
	struct scale scale = { .shift = 0 };

	for (; mul >> 32; mul >>= 1)
		scale.shift++;
	for (; !(mul >> 31); mul <<= 1)
		scale.shift--;
	scale.mul = mul;
	return scale;
}

static u64 ns_of(u64 ticks, struct scale scale)
{
	ticks = scale.shift < 0 ? ticks >> -scale.shift : ticks << scale.shift;
	return mul_u64_u64_shr(ticks, scale.mul, 32);
}

/* clock_tsc_khz - of a TSC that is fit for a clock, or 0 */
u32 clock_tsc_khz(void)
{
	return check_tsc_unstable() ? 0 : tsc_khz;
}

/* clock_get - ns since the VM was made, which is its guest's system_time */
u64 clock_get(struct lg_vm *vm)
{
	u32 khz = clock_tsc_khz();

	if (unlikely(READ_ONCE(vm->stopped)))
		return vm->clock_ns;
	if (!khz)
		return ktime_get_ns() - vm->clock_base + vm->clock_ns;
	return ns_of(rdtsc_ordered() - vm->clock_base, scale_of(khz)) +
	       vm->clock_ns;
}

static void start_at(struct lg_vm *vm, u64 ns)
{
	vm->clock_base = clock_tsc_khz() ? rdtsc_ordered() : ktime_get_ns();
	vm->clock_ns = ns;
}

void clock_init(struct lg_vm *vm)
{
	start_at(vm, 0);
}

/* clock_set - from now on it is so late, and no vcpu shows anything else */
void clock_set(struct lg_vm *vm, u64 ns)
{
	mutex_lock(&vm->lock);
	start_at(vm, ns);
	request_all(vm, LG_REQ_CLOCK);
	mutex_unlock(&vm->lock);
}

/*
 * clock_stop - it will be as late as now until clock_go_on(); vm->lock held
 *
 * When that was by the host's clock tells what is left of a clock event.  The
 * two are read in such an order that one comes late by that, never early, and
 * at once, or a thousand pauses would add up to something.
 */
void clock_stop(struct lg_vm *vm)
{
	unsigned long flags;

	local_irq_save(flags);
	vm->turned_at = ktime_get();
	vm->clock_ns = clock_get(vm);
	local_irq_restore(flags);
	WRITE_ONCE(vm->stopped, true);
}

/* clock_go_on - from where it stood, and no vcpu shows anything else */
void clock_go_on(struct lg_vm *vm)
{
	unsigned long flags;

	local_irq_save(flags);
	start_at(vm, vm->clock_ns);
	vm->turned_at = ktime_get();
	local_irq_restore(flags);
	WRITE_ONCE(vm->stopped, false);
	request_all(vm, LG_REQ_CLOCK);
}

static void fill_in(struct lg_vcpu *vcpu, struct lguest_clock *clock)
{
	struct lg_vm *vm = vcpu->vm;
	u32 khz = clock_tsc_khz();
	struct timespec64 wall;

	ktime_get_real_ts64(&wall);
	wall = timespec64_sub(wall, ns_to_timespec64(clock_get(vm)));
	WRITE_ONCE(clock->wall_sec, wall.tv_sec);
	WRITE_ONCE(clock->wall_nsec, wall.tv_nsec);
	if (khz) {
		struct scale scale = scale_of(khz);

		WRITE_ONCE(clock->tsc_timestamp, vm->clock_base);
		WRITE_ONCE(clock->system_time, vm->clock_ns);
		WRITE_ONCE(clock->tsc_mul, scale.mul);
		WRITE_ONCE(clock->tsc_shift, scale.shift);
		WRITE_ONCE(clock->flags, LGUEST_CLOCK_STABLE);
	} else {
		WRITE_ONCE(clock->system_time, clock_get(vm));
	}
	WRITE_ONCE(clock->steal, vcpu->steal);
}

/*
 * clock_publish - write the vcpu's page, which is pinned, anew
 *
 * The version goes on from what is there: the guest may have been moved here
 * between its two looks at it.
 */
void clock_publish(struct lg_vcpu *vcpu)
{
	struct lguest_clock *clock = pin_at(&vcpu->pins[PIN_CLOCK]);
	u32 version = (READ_ONCE(clock->version) + 1) | 1;

	WRITE_ONCE(clock->version, version);
	smp_wmb();
	fill_in(vcpu, clock);
	smp_wmb();
	WRITE_ONCE(clock->version, version + 1);
}

/* clock_resume - a page that was written elsewhere, before a move */
void clock_resume(struct lg_vcpu *vcpu)
{
	const struct lguest_clock *clock = pin_at(&vcpu->pins[PIN_CLOCK]);

	vcpu->steal = READ_ONCE(clock->steal);
	clock_publish(vcpu);
}

/* clock_steal - we come to a CPU: for how long have we wanted to? */
void clock_steal(struct lg_vcpu *vcpu)
{
	u64 delay = current->sched_info.run_delay;
	s64 more = delay - vcpu->run_delay;

	vcpu->run_delay = delay;
	/* What a thread has waited for before it ran this vcpu is not ours. */
	if (vcpu->runner != current) {
		vcpu->runner = current;
		return;
	}
	if (more <= 0) /* or it only looks like the same thread */
		return;
	vcpu->steal += more;
	if (vcpu->pins[PIN_CLOCK].page)
		clock_publish(vcpu);
}
