// SPDX-License-Identifier: GPL-2.0-only
/*
 * run.c - the loop: into the guest, out again, why, once more
 *
 * The whole host side of a running guest is here in outline: what the kernel
 * wants of this thread comes first (signals, rescheduling), then the guest
 * runs, then what stopped it is dealt with.  The loop ends when the daemon has
 * to know something, or a signal came.
 *
 * What must never happen: an entry with registers that would make the Switcher
 * fault, or with a guest that has been killed.
 *
 * Next: hypervisor/exit.c
 */
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include "lg.h"

/* Why the loop ends without an error. */
enum {
	RUN_EXIT = 1, /* exit_with() has been told why */
	RUN_WAIT, /* it must not run now: see pause.c */
};

/* A vcpu may be run by another process than last time: adopt it. */
static int adopt(struct lg_vcpu *vcpu)
{
	int err;

	if (likely(vcpu->mm == current->mm))
		return 0;
	if (vcpu->mm)
		attach_put(vcpu->mm);
	vcpu->mm = NULL;
	err = attach_get(current->mm);
	if (!err)
		vcpu->mm = current->mm;
	return err;
}

/*
 * iretq at CPL 0 checks what it loads, and on some CPUs a bad RIP faults there
 * and not in the guest.  So what the guest has made of RIP, CS and SS is looked
 * at first; other registers cannot hurt.
 */
static bool fit_to_enter(struct lg_vcpu *vcpu)
{
	struct sw_regs *regs = &vcpu->state->regs;

	if (likely(regs->cs == LGUEST_CS && regs->ss == LGUEST_DS))
		return lg_canonical(regs->rip);
	if (regs->cs != LGUEST_CS)
		regs->rip = (u32)regs->rip;
	return segment_fit(vcpu, regs->cs, regs->ss, regs->rip);
}

/* It cannot go on from here: let its kernel know, if that can. */
static noinline int unfit(struct lg_vcpu *vcpu)
{
	const struct sw_regs *regs = &vcpu->state->regs;
	int err = 0;

	if (event_has_gate(vcpu, 13))
		err = event_exception(vcpu, 13, 0);
	if (!err && !fit_to_enter(vcpu))
		lg_kill(vcpu,
			"no way to go on at %#llx, selectors %#llx and %#llx",
			regs->rip, regs->cs, regs->ss);
	return err;
}

/*
 * The kernel wants this thread before the guest may go on.  The helper that KVM
 * has for it is of no use to us: for a signal it writes to KVM's own vcpu.  So
 * we yield the CPU here, and for the rest go back to where it is always done,
 * the way to user space; the daemon just calls again.
 */
static int host_work(void)
{
	if (signal_pending(current) || test_thread_flag(TIF_NOTIFY_RESUME) ||
	    test_thread_flag(TIF_USER_RETURN_NOTIFY))
		return -EINTR;
	/* Not cond_resched(), which does nothing on a preemptible kernel. */
	if (need_resched())
		schedule();
	return 0;
}

static void stop_others(struct lg_vcpu *vcpu)
{
	struct lg_vm *vm = vcpu->vm;
	unsigned int i;

	mutex_lock(&vm->lock);
	for (i = 0; i < LG_MAX_VCPUS; i++) {
		if (vm->vcpus[i] && vm->vcpus[i] != vcpu)
			request(vm->vcpus[i], LG_REQ_STOP);
	}
	mutex_unlock(&vm->lock);
}

/* It will not run again, and nor will what is left of its guest. */
static noinline int end(struct lg_vcpu *vcpu)
{
	if (!vcpu->told_others)
		stop_others(vcpu);
	vcpu->told_others = true;
	return exit_with(vcpu, LG_EXIT_KILLED, 0, 0);
}

/* 0, RUN_WAIT, or the host's failure */
static noinline int serve_requests(struct lg_vcpu *vcpu)
{
	int err = 0;

	/* It waits here while the VM is frozen, and must: see ram.c. */
	if (test_and_clear_bit(LG_REQ_FLUSH, &vcpu->requests))
		shadow_serve_flush(vcpu);
	if (test_and_clear_bit(LG_REQ_STOP, &vcpu->requests)) {
		vcpu->told_others = true;
		vcpu->taken_along = true;
		lg_kill(vcpu, "another vcpu of this guest has been killed");
	}
	if (test_and_clear_bit(LG_REQ_TRAP, &vcpu->requests))
		err = trap_serve_again(vcpu);
	if (!err && test_and_clear_bit(LG_REQ_START, &vcpu->requests))
		err = interrupt_start(vcpu);
	if (test_and_clear_bit(LG_REQ_CLOCK, &vcpu->requests) &&
	    vcpu->pins[PIN_CLOCK].page)
		clock_publish(vcpu);
	if (test_and_clear_bit(LG_REQ_LOOK, &vcpu->requests)) {
		vcpu->look = true;
		interrupt_wake(vcpu);
	}
	if (test_and_clear_bit(LG_REQ_PAUSE, &vcpu->requests) && !err &&
	    !vcpu->killed && READ_ONCE(vcpu->vm->paused))
		return RUN_WAIT;
	return err;
}

/* What has to be settled before guest code runs.  0, RUN_* or an error. */
static int prepare(struct lg_vcpu *vcpu)
{
	int err;

	if (unlikely(READ_ONCE(vcpu->requests))) {
		err = serve_requests(vcpu);
		if (err)
			return err;
	}
	if (unlikely(vcpu->killed))
		return end(vcpu);
	if (unlikely(vcpu->look && vcpu->activity == LG_ACTIVITY_RUN)) {
		err = event_look(vcpu);
		if (err)
			return err;
	}
	if (unlikely(vcpu->cpu < 0))
		clock_steal(vcpu);
	if (unlikely(!fit_to_enter(vcpu) && !vcpu->killed)) {
		err = unfit(vcpu);
		if (err)
			return err;
	}
	return unlikely(vcpu->killed) ? end(vcpu) : 0;
}

/* RUN_*; negative: -EINTR, or the host's failure */
static int run_until_exit(struct lg_vcpu *vcpu)
{
	int ret;

	do {
		ret = prepare(vcpu);
		if (ret)
			break;
		if (unlikely(vcpu->activity != LG_ACTIVITY_RUN))
			ret = host_work() ?: interrupt_sleep(vcpu);
		else if (world_cross(vcpu))
			ret = trap_serve(vcpu);
		else
			ret = host_work();
	} while (!ret);
	return ret;
}

static bool never_faults(u16 selector)
{
	u16 any_rpl = selector | 3;

	return any_rpl == 3 || any_rpl == __USER_DS || any_rpl == __USER_CS ||
	       any_rpl == __USER32_CS;
}

/*
 * The Switcher loads the thread's selectors anew at each exit, and must not
 * fault.  An LDT or TLS entry can be gone while a selector still names it, so
 * only the entries that are always there will do.
 */
static bool selectors_are_plain(void)
{
	u16 ds, es, fs, gs;

	savesegment(ds, ds);
	savesegment(es, es);
	savesegment(fs, fs);
	savesegment(gs, gs);
	return never_faults(ds) && never_faults(es) && never_faults(fs) &&
	       never_faults(gs);
}

/* The run page is for others to read: what we go by ourselves is our own. */
static void show_exit(struct lg_vcpu *vcpu)
{
	const struct lg_exit *exit = &vcpu->exit;
	struct lg_run *run = vcpu->run;

	run->exit = exit->exit;
	run->data[0] = exit->data[0];
	run->data[1] = exit->data[1];
	if (likely(exit->exit != LG_EXIT_KILLED))
		return;
	run->trap = exit->trap;
	run->mode = exit->mode;
	run->trap_error = exit->trap_error;
	run->trap_addr = exit->trap_addr;
	run->rip = exit->rip;
	memcpy(run->why, exit->why, sizeof(run->why));
}

/* Between pause_enter() and pause_leave().  Returns as run_until_exit(). */
static int run_here(struct lg_vcpu *vcpu)
{
	int ret = adopt(vcpu);

	if (ret)
		return ret;
	vcpu->run->exit = LG_EXIT_NONE;
	if (vcpu->activity != LG_ACTIVITY_DOWN)
		vcpu->fresh = false;
	fpu_swap_kvm_fpstate(&vcpu->fpu, /* enter_guest= */ true);
	preempt_disable();
	preempt_notifier_register(&vcpu->notifier);
	preempt_enable();

	ret = run_until_exit(vcpu);

	preempt_disable();
	world_put(vcpu);
	preempt_notifier_unregister(&vcpu->notifier);
	preempt_enable();
	fpu_swap_kvm_fpstate(&vcpu->fpu, /* enter_guest= */ false);
	vcpu->stat[LG_STAT_FAULTS] = vcpu->state->pf_count;
	memcpy(vcpu->run->stat, vcpu->stat, sizeof(vcpu->stat));
	if (ret == RUN_EXIT)
		show_exit(vcpu);
	return ret;
}

/* With vcpu->lock.  0, RUN_WAIT, or an error. */
static int run_locked(struct lg_vcpu *vcpu)
{
	int ret;

	if (!pause_enter(vcpu))
		return RUN_WAIT;
	ret = run_here(vcpu);
	pause_leave(vcpu);
	if (ret != RUN_EXIT)
		return ret;
	if (!(vcpu->vm->features & LG_FEATURE_QUEUE))
		return 0;
	exit_publish(vcpu);
	return RUN_WAIT;
}

/*
 * vcpu_run - LG_RUN: run until the daemon must know something
 *
 * Takes vcpu->lock, but not while it waits for a call of the daemon's.  Returns
 * 0 with the reason in the run page, unless exits are queued; -EINTR for a
 * signal, or for other work that is done on the way out, after which the call is
 * to be made again; -EINVAL if the thread has LDT or TLS selectors; -EBUSY if
 * this process's slot 256 is taken; -EPIPE if it waits for ever; -ENOMEM.
 */
int vcpu_run(struct lg_vcpu *vcpu)
{
	int ret;

	if (!selectors_are_plain())
		return -EINVAL;
	do {
		if (mutex_lock_interruptible(&vcpu->lock))
			return -EINTR;
		ret = run_locked(vcpu);
		mutex_unlock(&vcpu->lock);
		if (ret == RUN_WAIT)
			ret = pause_wait(vcpu) ?: RUN_WAIT;
	} while (ret == RUN_WAIT);
	return ret;
}
