// SPDX-License-Identifier: GPL-2.0-only
/*
 * trap.c - the guest stopped: whose business is it?
 *
 * By now the host's own interrupts have been served.  What is left is the
 * guest's: a page fault that the shadow explains, a SYSCALL that is a system
 * call, a return from one, or a hypercall, and everything else, for which a
 * guest has no handlers yet and is killed with the trap's name.
 *
 * Next: hypervisor/guest_walk.c
 */
#include <linux/kernel.h>
#include <asm/kvm_para.h>
#include "lg.h"

static const char *const trap_names[32] = {
	[0] = "divide error",
	[1] = "debug exception",
	[3] = "breakpoint",
	[4] = "overflow",
	[5] = "bound range exceeded",
	[6] = "invalid opcode",
	[7] = "device not available",
	[10] = "invalid TSS",
	[11] = "segment not present",
	[12] = "stack fault",
	[13] = "general protection fault",
	[14] = "page fault",
	[16] = "x87 error",
	[17] = "alignment check",
	[19] = "SIMD error",
	[21] = "control protection fault",
};

static const char *trap_name(u64 trap)
{
	if (trap == LGUEST_TRAP_SYSCALL)
		return "system call";
	if (trap == LGUEST_TRAP_SYSCALL32)
		return "32-bit system call";
	if (trap < ARRAY_SIZE(trap_names) && trap_names[trap])
		return trap_names[trap];
	return "unknown trap";
}

static const char *mode_name(const struct lg_vcpu *vcpu)
{
	return lg_user_mode(vcpu) ? "user" : "kernel";
}

static void kill_for_trap(struct lg_vcpu *vcpu)
{
	const struct sw_regs *regs = &vcpu->state->regs;

	lg_kill(vcpu, "%s (trap %llu, error %#llx) at %#llx in %s mode",
		trap_name(regs->trap), regs->trap, regs->error, regs->rip,
		mode_name(vcpu));
}

/* 0: try again, or the vcpu has been killed.  Negative: the host's failure. */
static int page_fault(struct lg_vcpu *vcpu)
{
	const struct sw_regs *regs = &vcpu->state->regs;
	int err;

	/*
	 * The host is itself a KVM guest, and what looks like a fault is KVM
	 * saying that a page of ours has to be fetched: CR2 is a ticket.
	 */
	if (unlikely(vcpu->async_pf & KVM_PV_REASON_PAGE_NOT_PRESENT)) {
		local_irq_disable();
		kvm_async_pf_task_wait_schedule((u32)vcpu->cr2);
		local_irq_enable();
		return 0;
	}
	err = shadow_fault(vcpu, vcpu->cr2, regs->error);
	switch (err) {
	case 0:
	case -EAGAIN: /* its tables were changing: the guest faults again */
		return 0;
	case -ENOENT:
	case -EACCES:
		lg_kill(vcpu,
			"page fault on %#llx, %s (error %#llx) at %#llx in %s "
			"mode",
			vcpu->cr2,
			err == -ENOENT ? "not mapped" : "not allowed",
			regs->error, regs->rip, mode_name(vcpu));
		return 0;
	case -EFAULT:
		lg_kill(vcpu, "page tables at %#llx lead out of RAM for %#llx",
			vcpu->cr3, vcpu->cr2);
		return 0;
	}
	return err;
}

static int syscall(struct lg_vcpu *vcpu)
{
	const struct sw_state *state = vcpu->state;

	if (lg_user_mode(vcpu)) {
		lg_count(vcpu, LG_STAT_SYSCALLS);
		if (!hypercall_enter_kernel(vcpu))
			kill_for_trap(vcpu);
		return 0;
	}
	if (state->exit && state->regs.rip == state->exit) {
		if (!hypercall_leave_kernel(vcpu))
			lg_kill(vcpu, "return to user mode with a bad RIP or "
				      "GS base in lguest_data");
		return 0;
	}
	return hypercall(vcpu);
}

/*
 * trap_serve - do what the guest needs to go on
 *
 * Returns 0 to go on (or to find that the vcpu has been killed); 1 if the run
 * page holds something for the daemon; negative if the host failed.
 */
int trap_serve(struct lg_vcpu *vcpu)
{
	u64 trap = vcpu->state->regs.trap;

	if (vcpu->killed)
		return 0;
	switch (trap) {
	case 14:
		return page_fault(vcpu);
	case LGUEST_TRAP_SYSCALL:
		return syscall(vcpu);
	case 2: /* the host's, and served */
	case 18:
	case 32 ... 255:
	case SW_TRAP_NONE:
	case SW_TRAP_ABORT:
		return 0;
	}
	kill_for_trap(vcpu);
	return 0;
}
