// SPDX-License-Identifier: GPL-2.0-only
/*
 * interrupt.c - where interrupts come from, and a vcpu that waits for one
 *
 * Another vcpu, the daemon, or the vcpu's own timer: whoever it is sets a bit
 * and has the vcpu look.  A vcpu with nothing to do sleeps in LG_RUN like any
 * thread that waits, and costs nothing.
 *
 * What must never happen: a vcpu that sleeps on while something it waits for
 * is pending.  So going to sleep is itself a reason to look once more.
 *
 * Next: hypervisor/hypercall.c
 */
#include <linux/hrtimer.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include "lg.h"

/* ---- sources ---- */

/*
 * interrupt_raise - a vector becomes pending; any context
 *
 * vector is 32 to 255, LGUEST_IPI_NMI or LGUEST_IPI_WAKE.  Caller keeps the
 * vcpu from going away.
 */
void interrupt_raise(struct lg_vcpu *vcpu, unsigned int vector)
{
	if (vector == LGUEST_IPI_NMI)
		set_bit(NMI_PENDING, &vcpu->nmi);
	else if (vector == LGUEST_IPI_WAKE)
		set_bit(NMI_WOKEN, &vcpu->nmi);
	else
		set_bit(array_index_nospec(vector, 256), vcpu->pending);
	request(vcpu, LG_REQ_LOOK);
}

/* interrupt_good - may this vector be raised from outside? */
bool interrupt_good(u64 vector)
{
	return vector == LGUEST_IPI_NMI || (vector >= 32 && vector < 256);
}

/* interrupt_send - to each vcpu of the VM that has its bit in the mask */
void interrupt_send(struct lg_vm *vm, u64 mask, unsigned int vector)
{
	mutex_lock(&vm->lock);
	while (mask) {
		unsigned int id = __ffs64(mask);

		mask &= mask - 1;
		if (vm->vcpus[id])
			interrupt_raise(vm->vcpus[id], vector);
	}
	mutex_unlock(&vm->lock);
}

/* ---- the clock event ---- */

static enum hrtimer_restart timer_fires(struct hrtimer *timer)
{
	struct lg_vcpu *vcpu = container_of(timer, struct lg_vcpu, timer);

	interrupt_raise(vcpu, vcpu->timer_vector);
	return HRTIMER_NORESTART;
}

void interrupt_init(struct lg_vcpu *vcpu)
{
	mutex_init(&vcpu->timer_lock);
	hrtimer_init(&vcpu->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	vcpu->timer.function = timer_fires;
	vcpu->timer_vector = LGUEST_IRQ_VECTOR(0);
}

void interrupt_fini(struct lg_vcpu *vcpu)
{
	hrtimer_cancel(&vcpu->timer);
	kfree(vcpu->start);
}

/*
 * interrupt_set_timer - one clock event, ns from now; 0: none
 *
 * One that is nearer than LG_MIN_DELTA_NS is put off to then, so that a guest
 * cannot keep the host busy with nothing but its timer.  Time may stand still,
 * and whoever stops it or lets it go on comes by here before or after: it is
 * either he who finds our timer, or we who see what he has said.
 */
void interrupt_set_timer(struct lg_vcpu *vcpu, u64 ns, unsigned int vector)
{
	mutex_lock(&vcpu->timer_lock);
	hrtimer_cancel(&vcpu->timer);
	vcpu->timer_left_ns = 0;
	if (ns) {
		vcpu->timer_vector = vector;
		ns = clamp_t(u64, ns, LG_MIN_DELTA_NS, KTIME_MAX / 2);
		if (READ_ONCE(vcpu->vm->stopped))
			vcpu->timer_left_ns = ns;
		else
			hrtimer_start(&vcpu->timer, ns_to_ktime(ns),
				      HRTIMER_MODE_REL);
	}
	mutex_unlock(&vcpu->timer_lock);
}

/* interrupt_hold_timer - vm->stopped has been set: the clock event waits */
void interrupt_hold_timer(struct lg_vcpu *vcpu)
{
	ktime_t left;

	mutex_lock(&vcpu->timer_lock);
	if (hrtimer_cancel(&vcpu->timer)) {
		left = ktime_sub(hrtimer_get_expires(&vcpu->timer),
				 vcpu->vm->turned_at);
		vcpu->timer_left_ns = max_t(s64, 1, ktime_to_ns(left));
	}
	mutex_unlock(&vcpu->timer_lock);
}

/* interrupt_release_timer - vm->stopped is no longer: it comes as late as then */
void interrupt_release_timer(struct lg_vcpu *vcpu)
{
	ktime_t at;

	mutex_lock(&vcpu->timer_lock);
	at = ktime_add_ns(vcpu->vm->turned_at, vcpu->timer_left_ns);
	if (vcpu->timer_left_ns)
		hrtimer_start(&vcpu->timer, at, HRTIMER_MODE_ABS);
	vcpu->timer_left_ns = 0;
	mutex_unlock(&vcpu->timer_lock);
}

/* ---- sleeping and waking ---- */

/* interrupt_halt - LHCALL_HALT; the loop in run.c does the sleeping */
void interrupt_halt(struct lg_vcpu *vcpu, unsigned int how)
{
	static const u32 activities[] = {
		[LGUEST_HALT_IDLE] = LG_ACTIVITY_IDLE,
		[LGUEST_HALT_WAIT] = LG_ACTIVITY_WAIT,
		[LGUEST_HALT_DOWN] = LG_ACTIVITY_DOWN,
	};
	struct lguest_data *data = data_of(vcpu);

	how = array_index_nospec(how, ARRAY_SIZE(activities));
	if (how == LGUEST_HALT_IDLE && vcpu->pins[PIN_DATA].page)
		WRITE_ONCE(data->irq_enabled, LGUEST_IF);
	WRITE_ONCE(vcpu->activity, activities[how]);
	set_bit(LG_REQ_LOOK, &vcpu->requests);
}

/* interrupt_wake - something has been raised: is it what we wait for? */
void interrupt_wake(struct lg_vcpu *vcpu)
{
	bool woken = false;

	if (vcpu->activity == LG_ACTIVITY_DOWN)
		return;
	if (vcpu->activity == LG_ACTIVITY_WAIT)
		woken = test_and_clear_bit(NMI_WOKEN, &vcpu->nmi);
	if (woken || event_can_run(vcpu))
		WRITE_ONCE(vcpu->activity, LG_ACTIVITY_RUN);
}

/*
 * interrupt_sleep - until there is a request
 *
 * The scheduler takes the vcpu off this CPU as for any sleep.  Returns 0 or
 * -EINTR.
 */
int interrupt_sleep(struct lg_vcpu *vcpu)
{
	if (wait_event_interruptible(vcpu->sleep, READ_ONCE(vcpu->requests)))
		return -EINTR;
	return 0;
}

/* ---- another vcpu comes up ---- */

/* What LHCALL_VCPU_UP leaves at the door of a vcpu that is down. */
struct lg_start {
	u64 rip, rsp, arg, cr3;
	struct lg_told told;
};

/* On success it is the target's.  Caller holds vm->lock. */
static int leave_start(struct lg_vcpu *target, struct lg_start *start)
{
	if (!target)
		return -ENOENT;
	if (READ_ONCE(target->activity) != LG_ACTIVITY_DOWN || target->start)
		return -EBUSY;
	target->start = start;
	request(target, LG_REQ_START);
	return 0;
}

/* From here on it is not down, and nobody leaves it another one. */
static struct lg_start *take_start(struct lg_vcpu *vcpu)
{
	struct lg_start *start;

	mutex_lock(&vcpu->vm->lock);
	start = vcpu->start;
	vcpu->start = NULL;
	if (start && vcpu->activity == LG_ACTIVITY_DOWN) {
		WRITE_ONCE(vcpu->activity, LG_ACTIVITY_RUN);
		vcpu->fresh = false;
	} else {
		kfree(start);
		start = NULL;
	}
	mutex_unlock(&vcpu->vm->lock);
	return start;
}

/*
 * interrupt_vcpu_up - LHCALL_VCPU_UP: wake id at rip, with what we have told
 *
 * Returns 0, -ENOENT or -EBUSY, which are the guest's to know; or -ENOMEM.
 */
int interrupt_vcpu_up(struct lg_vcpu *vcpu, u64 id, u64 rip, u64 rsp, u64 arg)
{
	struct lg_start *start = kmalloc(sizeof(*start), GFP_KERNEL_ACCOUNT);
	int err = -ENOENT;

	if (!start)
		return -ENOMEM;
	*start = (struct lg_start){
		.rip = rip,
		.rsp = rsp,
		.arg = arg,
		.cr3 = vcpu->cr3,
	};
	start->told = vcpu->told;
	mutex_lock(&vcpu->vm->lock);
	if (id < LG_MAX_VCPUS)
		err = leave_start(
			vcpu->vm->vcpus[array_index_nospec(id, LG_MAX_VCPUS)],
			start);
	mutex_unlock(&vcpu->vm->lock);
	if (err)
		kfree(start);
	return err;
}

/* The host had no memory for it: down as before, and asked again. */
static void put_start_back(struct lg_vcpu *vcpu, struct lg_start *start)
{
	mutex_lock(&vcpu->vm->lock);
	vcpu->start = start;
	WRITE_ONCE(vcpu->activity, LG_ACTIVITY_DOWN);
	mutex_unlock(&vcpu->vm->lock);
	set_bit(LG_REQ_START, &vcpu->requests);
}

/* interrupt_start - LG_REQ_START, by who holds the vcpu.  0 or -ENOMEM */
int interrupt_start(struct lg_vcpu *vcpu)
{
	struct lg_start *start = take_start(vcpu);
	struct lg_regs regs = { .cs = LGUEST_CS, .ss = LGUEST_DS };
	int err;

	if (!start)
		return 0;
	regs.rip = start->rip;
	regs.rsp = start->rsp;
	regs.rdi = start->arg;
	regs.cr3 = start->cr3;
	setup_forget(vcpu);
	setup_told(vcpu, &start->told);
	vcpu->look = true;
	err = vcpu_set_regs(vcpu, &regs);
	if (err)
		put_start_back(vcpu, start);
	else
		kfree(start);
	return err;
}
