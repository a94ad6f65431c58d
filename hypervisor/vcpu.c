// SPDX-License-Identifier: GPL-2.0-only
/*
 * vcpu.c - the life of a vcpu, and its registers as the daemon sees them
 *
 * A vcpu is its state page, which the Switcher works on in place, and what the
 * host keeps about it.  Registers come from outside here and nowhere else, so
 * here is where they are made fit to be loaded: an entry into the guest must
 * not be able to fault at CPL 0.
 *
 * Next: hypervisor/state.c
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/pgtable.h>
#include "lg.h"

static int alloc_pages_of(struct lg_vcpu *vcpu)
{
	vcpu->state = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->state || !vcpu->run)
		return -ENOMEM;
	if (!fpu_alloc_guest_fpstate(&vcpu->fpu))
		return -ENOMEM;
	return shadow_init(vcpu);
}

static void free_vcpu(struct lg_vcpu *vcpu)
{
	shadow_fini(vcpu);
	if (vcpu->fpu.fpstate)
		fpu_free_guest_fpstate(&vcpu->fpu);
	free_page((unsigned long)vcpu->run);
	free_page((unsigned long)vcpu->state);
	mutex_destroy(&vcpu->timer_lock);
	mutex_destroy(&vcpu->lock);
	vfree(vcpu->ldt);
	kfree(vcpu);
}

/* Puts vcpu in the VM's list.  -EEXIST if the id is taken. */
static int enlist(struct lg_vcpu *vcpu)
{
	struct lg_vm *vm = vcpu->vm;
	int err = -EEXIST;

	mutex_lock(&vm->lock);
	if (!vm->vcpus[vcpu->id]) {
		vm->vcpus[vcpu->id] = vcpu;
		vm_get(vm);
		err = 0;
	}
	mutex_unlock(&vm->lock);
	return err;
}

/*
 * vcpu_create - a vcpu in kernel mode with all registers zero
 *
 * id is below LG_MAX_VCPUS.  Returns the vcpu, which holds the VM; -EEXIST or
 * -ENOMEM.
 */
struct lg_vcpu *vcpu_create(struct lg_vm *vm, u32 id)
{
	static atomic64_t serials;
	struct lg_vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	int err;

	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->serial = atomic64_inc_return(&serials);
	vcpu->cpu = -1;
	vcpu->inside = -1;
	vcpu->exit.vcpu = id;
	INIT_LIST_HEAD(&vcpu->waiting);
	init_waitqueue_head(&vcpu->sleep);
	interrupt_init(vcpu);
	pin_none(vcpu);
	vcpu->fresh = true;
	if (id)
		vcpu->activity = LG_ACTIVITY_DOWN;
	mutex_init(&vcpu->lock);
	mem_reader_init(&vcpu->reader, vm);
	world_notifier_init(vcpu);
	err = alloc_pages_of(vcpu);
	if (!err) {
		setup_update(vcpu);
		vcpu->state->regs.cs = LGUEST_CS;
		vcpu->state->regs.ss = LGUEST_DS;
		err = enlist(vcpu);
	}
	if (err) {
		free_vcpu(vcpu);
		return ERR_PTR(err);
	}
	return vcpu;
}

/* vcpu_destroy - the last descriptor is closed, so nobody runs it */
void vcpu_destroy(struct lg_vcpu *vcpu)
{
	struct lg_vm *vm = vcpu->vm;

	mutex_lock(&vm->lock);
	vm->vcpus[vcpu->id] = NULL;
	mutex_unlock(&vm->lock);
	eventfd_forget(vm, vcpu);
	exit_forget(vcpu);
	if (vcpu->mm)
		attach_put(vcpu->mm);
	pin_none(vcpu);
	interrupt_fini(vcpu);
	free_vcpu(vcpu);
	vm_put(vm);
}

/* vcpu_get_regs - the registers as the guest would find them.  Returns 0. */
int vcpu_get_regs(struct lg_vcpu *vcpu, struct lg_regs *out)
{
	const struct sw_state *state = vcpu->state;
	const struct sw_regs *regs = &state->regs;

	*out = (struct lg_regs){
		.rax = regs->rax,
		.rbx = regs->rbx,
		.rcx = regs->rcx,
		.rdx = regs->rdx,
		.rsi = regs->rsi,
		.rdi = regs->rdi,
		.rbp = regs->rbp,
		.rsp = regs->rsp,
		.r8 = regs->r8,
		.r9 = regs->r9,
		.r10 = regs->r10,
		.r11 = regs->r11,
		.r12 = regs->r12,
		.r13 = regs->r13,
		.r14 = regs->r14,
		.r15 = regs->r15,
		.rip = regs->rip,
		.rflags = regs->rflags,
		.fs_base = state->fs,
		.gs_base = state->gs,
		.user_gs_base = state->kernel_gs,
		.cr3 = vcpu->cr3,
		.cs = regs->cs,
		.ss = regs->ss,
		.ds = state->segs[0],
		.es = state->segs[1],
		.fs = state->segs[2],
		.gs = state->segs[3],
		.pkru = vcpu->pkru,
		.mode = lg_user_mode(vcpu) ? LG_MODE_USER : LG_MODE_KERNEL,
	};
	return 0;
}

/* What they name is looked at when they are loaded. */
static bool good_selectors(const struct lg_vcpu *vcpu,
			   const struct lg_regs *regs)
{
	return segment_is_code(vcpu, regs->cs, true) &&
	       segment_is_code(vcpu, regs->ss, false) &&
	       segment_is_data(vcpu, regs->ds) &&
	       segment_is_data(vcpu, regs->es) &&
	       segment_is_data(vcpu, regs->fs) &&
	       segment_is_data(vcpu, regs->gs);
}

static bool good_regs(const struct lg_vcpu *vcpu, const struct lg_regs *regs)
{
	return lg_canonical(regs->rip) && lg_good_base(regs->fs_base) &&
	       lg_good_base(regs->gs_base) && regs->mode <= LG_MODE_USER &&
	       lg_good_base(regs->user_gs_base) && !regs->reserved0 &&
	       good_selectors(vcpu, regs) &&
	       !memchr_inv(regs->reserved, 0, sizeof(regs->reserved));
}

/*
 * vcpu_set_regs - all registers at once
 *
 * Returns 0; -EINVAL if they could not be loaded; -ENOMEM.  Flags a guest may
 * not have are dropped at entry, not refused.
 */
int vcpu_set_regs(struct lg_vcpu *vcpu, const struct lg_regs *in)
{
	struct sw_state *state = vcpu->state;
	int err;

	if (!good_regs(vcpu, in))
		return -EINVAL;
	/* Its memory may be another's that was saved with these registers. */
	shadow_flush_all(vcpu);
	err = shadow_new_root(vcpu, in->cr3);
	if (err)
		return err;
	clear_bit(LG_REQ_TRAP, &vcpu->requests);
	state->regs = (struct sw_regs){
		.rax = in->rax,
		.rbx = in->rbx,
		.rcx = in->rcx,
		.rdx = in->rdx,
		.rsi = in->rsi,
		.rdi = in->rdi,
		.rbp = in->rbp,
		.rsp = in->rsp,
		.r8 = in->r8,
		.r9 = in->r9,
		.r10 = in->r10,
		.r11 = in->r11,
		.r12 = in->r12,
		.r13 = in->r13,
		.r14 = in->r14,
		.r15 = in->r15,
		.rip = in->rip,
		.rflags = in->rflags,
		.cs = in->cs,
		.ss = in->ss,
	};
	state->fs = in->fs_base;
	state->gs = in->gs_base;
	state->kernel_gs = in->user_gs_base;
	state->segs[0] = in->ds;
	state->segs[1] = in->es;
	state->segs[2] = in->fs;
	state->segs[3] = in->gs;
	vcpu->pkru = in->pkru;
	/* Down, but only because nobody has said what it is to do. */
	if (vcpu->fresh)
		WRITE_ONCE(vcpu->activity, LG_ACTIVITY_RUN);
	state->flags &= ~SW_USER;
	if (in->mode == LG_MODE_USER)
		state->flags |= SW_USER;
	return 0;
}
