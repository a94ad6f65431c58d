// SPDX-License-Identifier: GPL-2.0-only
/*
 * pause.c - a vcpu that may not run now, and a VM none of whose may
 *
 * A vcpu stays out of the guest while its exit is not answered, and while its
 * VM is paused.  It is the thread in LG_RUN that waits, without the vcpu's lock
 * and for signals too: so its state can be read and written meanwhile, and its
 * process can be killed.
 *
 * Time stops for a paused VM: its clock and its clock events go on from where
 * they were.  It is stopped when the last vcpu is out and goes on before the
 * first is in, so a guest sees neither end of the gap.
 *
 * What must never happen: guest code that runs, or lg.ko at work for it, between
 * the ends of LG_PAUSE and of the LG_RESUME that follows.  So who enters counts
 * itself and then looks whether the VM is paused; who pauses it says so, then
 * looks at the count.
 *
 * Next: hypervisor/kick.c
 */
#include "lg.h"

void pause_init(struct lg_vm *vm)
{
	atomic_set(&vm->running, 0);
	init_waitqueue_head(&vm->quiet);
}

static bool counted(const struct lg_vm *vm)
{
	return vm->features & LG_FEATURE_PAUSE;
}

static bool must_wait(struct lg_vcpu *vcpu)
{
	/* Pairs with exit_answer(). */
	return smp_load_acquire(&vcpu->unanswered) || READ_ONCE(vcpu->silent) ||
	       READ_ONCE(vcpu->vm->paused);
}

/*
 * pause_enter - may the vcpu run?  If so, until pause_leave()
 *
 * Caller holds vcpu->lock, and drops it to call pause_wait() if not.
 */
bool pause_enter(struct lg_vcpu *vcpu)
{
	if (counted(vcpu->vm)) {
		atomic_inc(&vcpu->vm->running);
		smp_mb__after_atomic(); /* pairs with pause_vm() */
	}
	if (unlikely(must_wait(vcpu))) {
		pause_leave(vcpu);
		return false;
	}
	exit_settle(vcpu);
	return true;
}

/* pause_leave - it has come out, for whatever reason */
void pause_leave(struct lg_vcpu *vcpu)
{
	struct lg_vm *vm = vcpu->vm;

	if (counted(vm) && atomic_dec_and_test(&vm->running) &&
	    READ_ONCE(vm->paused))
		wake_up(&vm->quiet);
}

/*
 * pause_wait - until pause_enter() could say yes; nothing is held
 *
 * 0; -EINTR; -EPIPE if the call that it waits for can never come.
 */
int pause_wait(struct lg_vcpu *vcpu)
{
	struct lg_vm *vm = vcpu->vm;

	if (wait_event_interruptible(vcpu->sleep,
				     !must_wait(vcpu) || READ_ONCE(vm->closed)))
		return -EINTR;
	/* Or it could run, and now it is paused again. */
	return READ_ONCE(vm->closed) && must_wait(vcpu) ? -EPIPE : 0;
}

static void stop_time(struct lg_vm *vm)
{
	unsigned int i;

	clock_stop(vm);
	for (i = 0; i < LG_MAX_VCPUS; i++) {
		if (vm->vcpus[i])
			interrupt_hold_timer(vm->vcpus[i]);
	}
}

static void start_time(struct lg_vm *vm)
{
	unsigned int i;

	clock_go_on(vm);
	for (i = 0; i < LG_MAX_VCPUS; i++) {
		if (vm->vcpus[i])
			interrupt_release_timer(vm->vcpus[i]);
	}
}

/* No vcpu runs, or somebody has resumed the VM and we need not wait. */
static bool is_quiet(struct lg_vm *vm)
{
	return !atomic_read(&vm->running) || !READ_ONCE(vm->paused);
}

/*
 * pause_vm - LG_PAUSE: when it returns no vcpu runs, until pause_resume()
 *
 * Returns 0, also if it is paused already; or -EINTR, and then it is paused, but
 * vcpus may be about to leave the guest still.
 */
int pause_vm(struct lg_vm *vm)
{
	unsigned int i;
	bool done;

	mutex_lock(&vm->lock);
	WRITE_ONCE(vm->paused, true);
	for (i = 0; i < LG_MAX_VCPUS; i++) {
		if (vm->vcpus[i])
			request(vm->vcpus[i], LG_REQ_PAUSE);
	}
	mutex_unlock(&vm->lock);
	smp_mb(); /* pairs with pause_enter() */
	do {
		if (wait_event_interruptible(vm->quiet, is_quiet(vm)))
			return -EINTR;
		mutex_lock(&vm->lock);
		/* It may have been resumed and paused since, and run. */
		done = is_quiet(vm);
		if (done && vm->paused && !vm->stopped)
			stop_time(vm);
		mutex_unlock(&vm->lock);
	} while (!done);
	return 0;
}

/* pause_resume - LG_RESUME: if it is paused it is so no longer */
void pause_resume(struct lg_vm *vm)
{
	mutex_lock(&vm->lock);
	if (vm->stopped)
		start_time(vm);
	WRITE_ONCE(vm->paused, false);
	vm_wake_all(vm);
	mutex_unlock(&vm->lock);
	wake_up(&vm->quiet);
}
