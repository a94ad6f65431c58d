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
 * Next: hypervisor/kick.c
 */
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include "lg.h"

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
 * and not in the guest.  So what the guest has made of RIP and CS is looked at
 * first; other registers cannot hurt.
 */
static bool fit_to_enter(struct lg_vcpu *vcpu)
{
	struct sw_regs *regs = &vcpu->state->regs;

	if (regs->ss != LGUEST_DS)
		return false;
	if (regs->cs == LGUEST_CS32) {
		regs->rip = (u32)regs->rip;
		return true;
	}
	return regs->cs == LGUEST_CS && lg_canonical(regs->rip);
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

static void serve_requests(struct lg_vcpu *vcpu)
{
	if (test_and_clear_bit(LG_REQ_FLUSH, &vcpu->requests))
		shadow_serve_flush(vcpu);
}

static int run_until_exit(struct lg_vcpu *vcpu)
{
	int ret = 0;

	while (!ret) {
		if (!fit_to_enter(vcpu))
			lg_kill(vcpu,
				"no way to go on at %#llx, selectors %#llx and "
				"%#llx",
				vcpu->state->regs.rip, vcpu->state->regs.cs,
				vcpu->state->regs.ss);
		if (vcpu->killed) {
			vcpu->run->exit = LG_EXIT_KILLED;
			return 0;
		}
		if (unlikely(READ_ONCE(vcpu->requests)))
			serve_requests(vcpu);
		if (world_cross(vcpu))
			ret = trap_serve(vcpu);
		else
			ret = host_work();
	}
	return ret < 0 ? ret : 0;
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

/*
 * vcpu_run - LG_RUN: run until the daemon must know something
 *
 * Caller holds vcpu->lock.  Returns 0 with the reason in the run page; -EINTR
 * for a signal, or for other work that is done on the way out, after which the
 * call is to be made again; -EINVAL if the thread has LDT or TLS selectors;
 * -EBUSY if this process's slot 256 is taken; -ENOMEM.
 */
int vcpu_run(struct lg_vcpu *vcpu)
{
	int ret;

	if (!selectors_are_plain())
		return -EINVAL;
	ret = adopt(vcpu);
	if (ret)
		return ret;
	vcpu->run->exit = LG_EXIT_NONE;
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
	memcpy(vcpu->run->stat, vcpu->stat, sizeof(vcpu->stat));
	return ret;
}
