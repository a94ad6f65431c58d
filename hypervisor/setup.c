// SPDX-License-Identifier: GPL-2.0-only
/*
 * setup.c - what a guest kernel tells of itself
 *
 * Where its pages are, its gates, its stack, where system calls go: what each
 * hypercall says is checked here, and then believed by all others.
 *
 * Also here, because these words are all it needs, is the long way of a system
 * call, for when the Switcher's short one is barred.  To the guest the two must
 * look the same.
 *
 * What must never happen: an address among these that is not canonical; the
 * Switcher would fault on it.
 *
 * Next: hypervisor/segment.c
 */
#include <linux/mm.h>
#include <linux/nospec.h>
#include "lg.h"

#define NOWHERE LG_NOWHERE

/* ---- system calls, the long way ---- */

/* setup_enter_kernel - SYSCALL in user mode.  False: nowhere to go */
bool setup_enter_kernel(struct lg_vcpu *vcpu)
{
	struct sw_state *state = vcpu->state;
	struct lguest_data *data = data_of(vcpu);

	if (!vcpu->pins[PIN_DATA].page || !state->entry)
		return false;
	WRITE_ONCE(data->user_rip, state->regs.rip);
	WRITE_ONCE(data->user_rflags, state->regs.rflags);
	WRITE_ONCE(data->user_gs_base, state->gs);
	WRITE_ONCE(data->irq_enabled, 0);
	state->gs = state->kernel_gs;
	state->regs.rip = state->entry;
	state->regs.rcx = state->entry;
	state->regs.rflags = SW_RFLAGS_FIXED;
	state->regs.r11 = SW_RFLAGS_FIXED;
	state->flags &= ~SW_USER;
	return true;
}

/*
 * setup_leave_kernel - SYSCALL at an exit address.  False: bad words
 *
 * iret: RCX and R11 come from lguest_data too.
 */
bool setup_leave_kernel(struct lg_vcpu *vcpu, bool iret)
{
	struct sw_state *state = vcpu->state;
	struct lguest_data *data = data_of(vcpu);
	u64 rip, rflags, gs;

	if (!vcpu->pins[PIN_DATA].page)
		return false;
	rip = READ_ONCE(data->user_rip);
	rflags = READ_ONCE(data->user_rflags) & SW_RFLAGS_GUEST;
	gs = READ_ONCE(data->user_gs_base);
	if (rip >> 47 || !lg_good_base(gs))
		return false;
	state->kernel_gs = state->gs;
	state->gs = gs;
	state->regs.rip = rip;
	state->regs.rflags = rflags | SW_RFLAGS_FIXED;
	state->regs.rcx = iret ? READ_ONCE(data->user_rcx) : rip;
	state->regs.r11 =
		iret ? READ_ONCE(data->user_r11) : rflags | SW_RFLAGS_FIXED;
	state->flags |= SW_USER;
	return true;
}

/* setup_update - the Switcher's fast paths are open when they have all */
void setup_update(struct lg_vcpu *vcpu)
{
	struct sw_state *state = vcpu->state;

	state->entry = vcpu->told.entry;
	/* SYSCALL tells us the address after itself, which is 2 bytes on. */
	state->exit = vcpu->told.exit ? vcpu->told.exit + 2 : SW_NOWHERE;
	state->iret = vcpu->told.iret ? vcpu->told.iret + 2 : SW_NOWHERE;
	state->pf_entry = vcpu->told.fault;
	state->pf_block = SW_NOWHERE;
	state->flags |= SW_NO_DIRECT;
	if (vcpu->pins[PIN_DATA].page && state->entry &&
	    (vcpu->told.features & LGUEST_FEATURE_DIRECT_SYSCALL))
		state->flags &= ~SW_NO_DIRECT;
}

/* setup_told - all at once: from another vcpu, or from the daemon, checked */
void setup_told(struct lg_vcpu *vcpu, const struct lg_told *told)
{
	vcpu->told = *told;
	setup_update(vcpu);
}

/* setup_forget - a vcpu that was down begins with no pages of its own */
void setup_forget(struct lg_vcpu *vcpu)
{
	world_leave(vcpu); /* it has the old segments, too */
	pin_none(vcpu);
	segment_forget(vcpu);
	vcpu->ring_tail = 0;
	vcpu->stepping = false;
	clear_bit(NMI_BLOCKED, &vcpu->nmi);
	setup_update(vcpu);
}

/* ---- the hypercalls ---- */

/* setup_agree - of what the guest wants, what the VM was given */
u64 setup_agree(const struct lg_vcpu *vcpu, u64 wanted)
{
	u64 offered = 0;

	if (vcpu->vm->features & LG_FEATURE_DIRECT_SYSCALL)
		offered |= LGUEST_FEATURE_DIRECT_SYSCALL |
			   LGUEST_FEATURE_DIRECT_IRET |
			   LGUEST_FEATURE_DIRECT_FAULT |
			   LGUEST_FEATURE_ABSENT_FAULT;
	if (vcpu->vm->features & LG_FEATURE_PCID)
		offered |= LGUEST_FEATURE_PCID;
	if (vcpu->vm->features & LG_FEATURE_LDT)
		offered |= LGUEST_FEATURE_LDT;
	return wanted & offered;
}

static u64 vcpus_of(struct lg_vm *vm)
{
	u64 mask = 0;
	unsigned int i;

	mutex_lock(&vm->lock);
	for (i = 0; i < LG_MAX_VCPUS; i++)
		mask |= vm->vcpus[i] ? 1ULL << i : 0;
	mutex_unlock(&vm->lock);
	return mask;
}

int hc_init(struct lg_vcpu *vcpu, struct lg_call *call)
{
	const char *name = "LGUEST_INIT";
	u64 abi = call->arg[2];
	struct lguest_info *info;
	int err;

	if (abi < LGUEST_ABI_MIN || abi > LGUEST_ABI_VERSION) {
		lg_kill(vcpu, "%s: ABI version %llu, this host has %u to %u",
			name, abi, LGUEST_ABI_MIN, LGUEST_ABI_VERSION);
		return 0;
	}
	/* First: who has lguest_data is taken to have lguest_info too. */
	if (call->arg[0] == NOWHERE || call->arg[1] == NOWHERE) {
		lg_kill(vcpu, "%s: both pages are needed", name);
		return 0;
	}
	err = pin_or_kill(vcpu, name, PIN_INFO, call->arg[1]);
	if (!err && !vcpu->killed)
		err = pin_or_kill(vcpu, name, PIN_DATA, call->arg[0]);
	if (err || vcpu->killed)
		return err;
	vcpu->told.features = setup_agree(vcpu, call->arg[3]);
	info = pin_at(&vcpu->pins[PIN_INFO]);
	*info = (struct lguest_info){
		.abi_min = LGUEST_ABI_MIN,
		.abi_max = LGUEST_ABI_VERSION,
		.features = vcpu->told.features,
		.switcher_start = window_area_start(),
		.switcher_end = window_area_end(),
		.tsc_khz = clock_tsc_khz(),
		.vcpu = vcpu->id,
		.vcpus = vcpus_of(vcpu->vm),
		.min_delta_ns = LG_MIN_DELTA_NS,
	};
	setup_update(vcpu);
	vcpu->look = true;
	return 0;
}

int hc_set_data(struct lg_vcpu *vcpu, struct lg_call *call)
{
	struct lguest_data data;
	int err;

	if (!vcpu->pins[PIN_DATA].page || call->arg[0] == NOWHERE ||
	    !lg_good_base(call->arg[1])) {
		lg_kill(vcpu, "SET_DATA: from nowhere, or GS base %#llx",
			call->arg[1]);
		return 0;
	}
	memcpy(&data, data_of(vcpu), sizeof(data));
	err = pin_or_kill(vcpu, "SET_DATA", PIN_DATA, call->arg[0]);
	if (err || vcpu->killed)
		return err;
	memcpy(data_of(vcpu), &data, sizeof(data));
	vcpu->state->gs = call->arg[1];
	return 0;
}

int hc_set_ring(struct lg_vcpu *vcpu, struct lg_call *call)
{
	struct lguest_ring *ring;
	int err = pin_or_kill(vcpu, "SET_RING", PIN_RING, call->arg[0]);

	if (err || vcpu->killed || !vcpu->pins[PIN_RING].page)
		return err;
	ring = pin_at(&vcpu->pins[PIN_RING]);
	vcpu->ring_tail = 0;
	WRITE_ONCE(ring->head, 0);
	WRITE_ONCE(ring->tail, 0);
	return 0;
}

int hc_set_clock(struct lg_vcpu *vcpu, struct lg_call *call)
{
	int err = pin_or_kill(vcpu, "SET_CLOCK", PIN_CLOCK, call->arg[0]);

	if (err || vcpu->killed || !vcpu->pins[PIN_CLOCK].page)
		return err;
	memset(pin_at(&vcpu->pins[PIN_CLOCK]), 0, sizeof(struct lguest_clock));
	clock_publish(vcpu);
	return 0;
}

/* setup_good_exits - of LHCALL_SET_SYSCALL, if these features are in force */
bool setup_good_exits(u64 features, u64 entry, u64 exit, u64 iret, u64 fault)
{
	if ((iret && !(features & LGUEST_FEATURE_DIRECT_IRET)) ||
	    (fault && !(features & LGUEST_FEATURE_DIRECT_FAULT)))
		return false;
	return lg_canonical(entry) && lg_canonical(exit) &&
	       lg_canonical(iret) && lg_canonical(fault);
}

int hc_set_syscall(struct lg_vcpu *vcpu, struct lg_call *call)
{
	if (!setup_good_exits(vcpu->told.features, call->arg[0], call->arg[1],
			      call->arg[2], call->arg[3])) {
		lg_kill(vcpu,
			"SET_SYSCALL: %#llx, %#llx, %#llx, %#llx: not "
			"canonical, or the feature is not in force",
			call->arg[0], call->arg[1], call->arg[2], call->arg[3]);
		return 0;
	}
	vcpu->told.entry = call->arg[0];
	vcpu->told.exit = call->arg[1];
	vcpu->told.iret = call->arg[2];
	vcpu->told.fault = call->arg[3];
	setup_update(vcpu);
	return 0;
}

/* setup_good_gate - may this vector have such a handler? */
bool setup_good_gate(u64 vector, u64 handler, u64 flags)
{
	const u64 known = LGUEST_GATE_USER | LGUEST_GATE_TRAP;

	if (vector >= 256 && vector != LGUEST_TRAP_SYSCALL32)
		return !handler && !flags && vector < LGUEST_GATES;
	return lg_canonical(handler) && !(flags & ~known);
}

int hc_load_idt_entry(struct lg_vcpu *vcpu, struct lg_call *call)
{
	u64 vector = call->arg[0], handler = call->arg[1];
	u64 flags = call->arg[2];

	if (!setup_good_gate(vector, handler, flags)) {
		lg_kill(vcpu,
			"LOAD_IDT_ENTRY: vector %llu cannot be %#llx, flags "
			"%#llx",
			vector, handler, flags);
		return 0;
	}
	vector = array_index_nospec(vector, LGUEST_GATES);
	vcpu->told.gates[vector] = (struct lg_gate){ handler, flags };
	return 0;
}

/* The privilege of a stack is the kernel's own, or it is not this guest's. */
int hc_set_stack(struct lg_vcpu *vcpu, struct lg_call *call)
{
	u64 segment = call->arg[0], stack = call->arg[1];

	if ((segment != LGUEST_KERNEL_DS && segment != LGUEST_DS) ||
	    !lg_canonical(stack) || call->arg[2] > 64 ||
	    !vcpu->pins[PIN_DATA].page) {
		lg_kill(vcpu,
			"SET_STACK: segment %#llx, stack %#llx, %llu pages",
			segment, stack, call->arg[2]);
		return 0;
	}
	WRITE_ONCE(data_of(vcpu)->sp0, stack);
	return 0;
}

int hc_set_noirq(struct lg_vcpu *vcpu, struct lg_call *call)
{
	u64 start = call->arg[0], end = call->arg[1];

	if (end < start || end - start > PAGE_SIZE) {
		lg_kill(vcpu, "SET_NOIRQ: from %#llx to %#llx", start, end);
		return 0;
	}
	vcpu->told.noirq_start = start;
	vcpu->told.noirq_end = end;
	return 0;
}
