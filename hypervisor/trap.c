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
#include <linux/nospec.h>
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

/*
 * trap_kill - an event that nobody can have: no gate, or no lguest_data
 *
 * error is its code, if that kind has one.
 */
void trap_kill(struct lg_vcpu *vcpu, u64 vector, u64 error)
{
	struct sw_regs *regs = &vcpu->state->regs;

	regs->trap =
		vector; /* for the run page: what it was, not what led here */
	regs->error = error;
	if (vector >= 32 && vector < 256)
		lg_kill(vcpu, "interrupt %llu has no handler", vector);
	else
		lg_kill(vcpu, "%s (trap %llu, error %#llx) at %#llx in %s mode",
			trap_name(vector), vector, error, regs->rip,
			mode_name(vcpu));
}

/* The guest's own tables have no such page, or do not allow this. */
static int guests_page_fault(struct lg_vcpu *vcpu, int why)
{
	const struct sw_regs *regs = &vcpu->state->regs;

	/* When it is put right our own entry may still be the old one. */
	if (lg_user_mode(vcpu))
		vcpu->state->pf_page = vcpu->cr2 >> PAGE_SHIFT;
	if (event_has_gate(vcpu, 14))
		return event_page_fault(vcpu, vcpu->cr2, vcpu->guest_error);
	lg_kill(vcpu,
		"page fault on %#llx, %s (error %#llx) at %#llx in %s mode",
		vcpu->cr2, why == -ENOENT ? "not mapped" : "not allowed",
		regs->error, regs->rip, mode_name(vcpu));
	return 0;
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
	/* We see this one, so the Switcher may guess again next time. */
	if (lg_user_mode(vcpu) &&
	    vcpu->state->pf_page == vcpu->cr2 >> PAGE_SHIFT)
		vcpu->state->pf_page = SW_NOWHERE;
	err = shadow_fault(vcpu, vcpu->cr2, regs->error);
	if (err == -EAGAIN) /* its tables were changing: it faults again */
		return 0;
	if (err == -EFAULT)
		lg_kill(vcpu, "page tables at %#llx lead out of RAM for %#llx",
			vcpu->cr3, vcpu->cr2);
	else if (err == -ENOENT || err == -EACCES)
		return guests_page_fault(vcpu, err);
	else
		return err;
	return 0;
}

/* SYSCALL, from 64-bit code. */
static int syscall(struct lg_vcpu *vcpu)
{
	const struct sw_state *state = vcpu->state;
	bool iret;

	if (lg_user_mode(vcpu)) {
		lg_count(vcpu, LG_STAT_SYSCALLS);
		if (!setup_enter_kernel(vcpu))
			trap_kill(vcpu, LGUEST_TRAP_SYSCALL, 0);
		return 0;
	}
	iret = state->regs.rip == state->iret;
	if (iret || state->regs.rip == state->exit) {
		if (!setup_leave_kernel(vcpu, iret))
			lg_kill(vcpu, "return to user mode with a bad RIP or "
				      "GS base in lguest_data");
		return 0;
	}
	return hypercall(vcpu);
}

/*
 * What INT n at RIP asks for; -EFAULT if there is none.  It is read from memory:
 * QEMU's emulation gets the error code wrong.
 */
static int soft_vector(struct lg_vcpu *vcpu)
{
	const struct sw_regs *regs = &vcpu->state->regs;
	u64 rip = segment_linear(vcpu, regs->cs, regs->rip);
	bool user = lg_user_mode(vcpu);
	u8 insn, vector;
	u32 ignored;
	int err = mem_gva_read(vcpu, rip, &insn, 1, user, &ignored);

	if (err)
		return err;
	if (insn != 0xcd)
		return -EFAULT;
	err = mem_gva_read(vcpu, rip + 1, &vector, 1, user, &ignored);
	return err ? err : vector;
}

/* INT n, whose gate the CPU has found to be the host's. */
static int soft_interrupt(struct lg_vcpu *vcpu)
{
	struct sw_regs *regs = &vcpu->state->regs;
	const struct lg_gate *gate;
	int err, vector = soft_vector(vcpu);

	if (vector == -EFAULT)
		return event_exception(vcpu, 13, regs->error);
	if (vector < 0) /* its tables lead nowhere, or are changing */
		return vector == -ENXIO || vector == -EAGAIN ? 0 : vector;
	gate = &vcpu->told.gates[array_index_nospec(vector, 256)];
	if (!gate->handler ||
	    (lg_user_mode(vcpu) && !(gate->flags & LGUEST_GATE_USER)))
		return event_exception(vcpu, 13, vector << 3 | 2);
	regs->rip += 2;
	err = event_soft(vcpu, vector);
	if (err)
		regs->rip -= 2;
	return err;
}

static int general_protection(struct lg_vcpu *vcpu)
{
	const struct sw_regs *regs = &vcpu->state->regs;
	bool done = false;
	int err;

	/* Without a gate for it there is nothing to tell; say what it was. */
	if (regs->error & 2 && event_has_gate(vcpu, 13))
		return soft_interrupt(vcpu);
	if (!lg_user_mode(vcpu) && !regs->error && vcpu->pins[PIN_DATA].page) {
		err = emulate(vcpu, &done);
		if (err || done)
			return err;
	}
	return event_exception(vcpu, 13, regs->error);
}

/* All but SYSCALL, which is in a hurry. */
static int serve_other(struct lg_vcpu *vcpu)
{
	const struct sw_regs *regs = &vcpu->state->regs;

	switch (regs->trap) {
	case 14:
		return page_fault(vcpu);
	case LGUEST_TRAP_SYSCALL32:
		return event_soft(vcpu, LGUEST_TRAP_SYSCALL32);
	case 1:
		if (event_stepped(vcpu))
			return 0;
		break;
	case 13:
		return general_protection(vcpu);
	case 2: /* the host's, and served */
	case 18:
	case 32 ... 255:
	case SW_TRAP_NONE:
	case SW_TRAP_ABORT:
		return 0;
	case 8:
		trap_kill(vcpu, 8, regs->error);
		return 0;
	}
	return event_exception(vcpu, regs->trap, regs->error);
}

/* trap_put_off - it is to be served before the guest runs again */
void trap_put_off(struct lg_vcpu *vcpu, u64 trap, u64 error)
{
	vcpu->state->regs.trap = trap;
	vcpu->state->regs.error = error;
	set_bit(LG_REQ_TRAP, &vcpu->requests);
}

/*
 * A fault that the host had no memory for happens again.  But these leave RIP
 * behind the instruction, so it is we who have to remember.
 */
static noinline int serve_trap(struct lg_vcpu *vcpu)
{
	u64 trap = vcpu->state->regs.trap;
	int err = serve_other(vcpu);

	if (unlikely(err < 0) && (trap == 1 || trap == 3 || trap == 4 ||
				  trap == LGUEST_TRAP_SYSCALL32))
		trap_put_off(vcpu, trap, vcpu->state->regs.error);
	return err;
}

/* trap_serve_again - LG_REQ_TRAP: 0, or the host's failure once more */
int trap_serve_again(struct lg_vcpu *vcpu)
{
	const struct sw_regs *regs = &vcpu->state->regs;
	u64 trap = regs->trap, error = regs->error;
	int err = vcpu->killed ? 0 : serve_other(vcpu);

	if (err < 0)
		trap_put_off(vcpu, trap, error);
	return err;
}

/*
 * trap_serve - do what the guest needs to go on
 *
 * Returns 0 to go on (or to find that the vcpu has been killed); 1 if the run
 * page holds something for the daemon; negative if the host failed.
 */
int trap_serve(struct lg_vcpu *vcpu)
{
	if (unlikely(vcpu->killed))
		return 0;
	if (likely(vcpu->state->regs.trap == LGUEST_TRAP_SYSCALL))
		return syscall(vcpu);
	return serve_trap(vcpu);
}
