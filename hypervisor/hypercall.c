// SPDX-License-Identifier: GPL-2.0-only
/*
 * hypercall.c - what a guest kernel may ask for
 *
 * A table from number to function.  Each takes its arguments out of registers,
 * which are ours by now, checks them, and either does the whole thing or kills
 * the guest with a sentence; there is no half.
 *
 * Also here, because it is the other thing SYSCALL means: the long way of a
 * system call, for when the Switcher's short one is barred.  To the guest the
 * two must look the same.
 *
 * Next: hypervisor/window.c
 */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <asm/tsc.h>
#include "lg.h"
#include "trace.h"

/* ---- system calls, the long way ---- */

static struct lguest_data *data_of(const struct lg_vcpu *vcpu)
{
	return page_address(vcpu->data_page) + vcpu->data_offset;
}

/* hypercall_enter_kernel - SYSCALL in user mode.  False: nowhere to go */
bool hypercall_enter_kernel(struct lg_vcpu *vcpu)
{
	struct sw_state *state = vcpu->state;
	struct lguest_data *data;

	if (!vcpu->data_page || !state->entry)
		return false;
	data = data_of(vcpu);
	WRITE_ONCE(data->user_rip, state->regs.rip);
	WRITE_ONCE(data->user_rflags, state->regs.rflags);
	WRITE_ONCE(data->user_gs_base, state->gs);
	state->gs = state->kernel_gs;
	state->regs.rip = state->entry;
	state->regs.rcx = state->entry;
	state->regs.rflags = SW_RFLAGS_FIXED;
	state->regs.r11 = SW_RFLAGS_FIXED;
	state->flags &= ~SW_USER;
	return true;
}

/* hypercall_leave_kernel - SYSCALL at the exit address.  False: bad words */
bool hypercall_leave_kernel(struct lg_vcpu *vcpu)
{
	struct sw_state *state = vcpu->state;
	struct lguest_data *data;
	u64 rip, rflags, gs;

	if (!vcpu->data_page)
		return false;
	data = data_of(vcpu);
	rip = READ_ONCE(data->user_rip);
	rflags = READ_ONCE(data->user_rflags) & SW_RFLAGS_GUEST;
	gs = READ_ONCE(data->user_gs_base);
	if (rip >> 47 || !lg_good_base(gs))
		return false;
	state->kernel_gs = state->gs;
	state->gs = gs;
	state->regs.rip = rip;
	state->regs.rcx = rip;
	state->regs.rflags = rflags | SW_RFLAGS_FIXED;
	state->regs.r11 = rflags | SW_RFLAGS_FIXED;
	state->flags |= SW_USER;
	return true;
}

/* The Switcher's fast paths are open when all they need is there. */
static void update_direct(struct lg_vcpu *vcpu)
{
	struct sw_state *state = vcpu->state;

	state->flags |= SW_NO_DIRECT;
	if (vcpu->data_page && state->entry && state->exit &&
	    (vcpu->features & LGUEST_FEATURE_DIRECT_SYSCALL))
		state->flags &= ~SW_NO_DIRECT;
}

/* ---- the hypercalls ---- */

/* Nothing is ever pending: the ring does not exist yet. */
static int hc_flush_async(struct lg_vcpu *vcpu, struct sw_regs *regs)
{
	return 0;
}

/* Pins the page of struct lguest_data and remembers where in it. */
static int set_data(struct lg_vcpu *vcpu, gpa_t gpa)
{
	struct page *page = mem_page(vcpu->vm, gpa >> PAGE_SHIFT);

	if (IS_ERR(page))
		return PTR_ERR(page);
	/* The window that shows the old page must go before the page may. */
	preempt_disable();
	world_put(vcpu);
	preempt_enable();
	if (vcpu->data_page)
		put_page(vcpu->data_page);
	set_page_dirty_lock(page);
	vcpu->data_page = page;
	vcpu->data_offset = offset_in_page(gpa);
	vcpu->data_gpa = gpa;
	return 0;
}

static int hc_init(struct lg_vcpu *vcpu, struct sw_regs *regs)
{
	gpa_t data = regs->rdi, where = regs->rsi;
	u64 abi = regs->rdx, features = regs->r10;
	int err;
	struct lguest_info info = {
		.abi_min = LGUEST_ABI_MIN,
		.abi_max = LGUEST_ABI_VERSION,
		.switcher_start = window_area_start(),
		.switcher_end = window_area_end(),
		.tsc_khz = tsc_khz,
		.vcpu = vcpu->id,
	};

	if (abi < LGUEST_ABI_MIN || abi > LGUEST_ABI_VERSION) {
		lg_kill(vcpu,
			"LGUEST_INIT: ABI version %llu, this host has %u to %u",
			abi, LGUEST_ABI_MIN, LGUEST_ABI_VERSION);
		return 0;
	}
	if (data % sizeof(struct lguest_data)) {
		lg_kill(vcpu,
			"LGUEST_INIT: lguest_data at %#llx is not aligned to "
			"%zu",
			data, sizeof(struct lguest_data));
		return 0;
	}
	/* What the guest asks for and the VM was given; the rest it lacks. */
	if (vcpu->vm->features & LG_FEATURE_DIRECT_SYSCALL)
		info.features |= features & LGUEST_FEATURE_DIRECT_SYSCALL;
	if (vcpu->vm->features & LG_FEATURE_PCID)
		info.features |= features & LGUEST_FEATURE_PCID;
	err = mem_write(vcpu->vm, where, &info, sizeof(info));
	if (err == -EFAULT) {
		lg_kill(vcpu, "LGUEST_INIT: lguest_info at %#llx is not in RAM",
			where);
		return 0;
	}
	if (!err)
		err = set_data(vcpu, data);
	if (err == -EFAULT) {
		lg_kill(vcpu, "LGUEST_INIT: lguest_data at %#llx is not in RAM",
			data);
		return 0;
	}
	if (err)
		return err;
	vcpu->features = info.features;
	update_direct(vcpu);
	return 0;
}

static int hc_shutdown(struct lg_vcpu *vcpu, struct sw_regs *regs)
{
	if (regs->rdi < LGUEST_SHUTDOWN_POWEROFF ||
	    regs->rdi > LGUEST_SHUTDOWN_CRASH) {
		lg_kill(vcpu, "SHUTDOWN: no such kind: %llu", regs->rdi);
		return 0;
	}
	vcpu->run->exit = LG_EXIT_SHUTDOWN;
	vcpu->run->data[0] = regs->rdi;
	vcpu->run->data[1] = regs->rsi;
	return 1;
}

static int hc_new_pgtable(struct lg_vcpu *vcpu, struct sw_regs *regs)
{
	u64 tag = vcpu->features & LGUEST_FEATURE_PCID
			  ? X86_CR3_PCID_NOFLUSH | X86_CR3_PCID_MASK
			  : 0;
	gpa_t root = regs->rdi & ~tag;
	struct page *page = mem_page(vcpu->vm, root >> PAGE_SHIFT);
	int err = PTR_ERR_OR_ZERO(page);

	if (!err)
		put_page(page);
	if (err == -EFAULT || offset_in_page(root)) {
		lg_kill(vcpu, "NEW_PGTABLE: %#llx is not a page of RAM",
			regs->rdi);
		return 0;
	}
	return err ? err : shadow_load(vcpu, regs->rdi);
}

static int hc_flush_tlb(struct lg_vcpu *vcpu, struct sw_regs *regs)
{
	if (regs->rdi == LGUEST_FLUSH_CONTEXT)
		return shadow_new_root(vcpu, vcpu->cr3);
	if (regs->rdi == LGUEST_FLUSH_ALL)
		shadow_flush_all(vcpu);
	else
		lg_kill(vcpu, "FLUSH_TLB: no such kind: %llu", regs->rdi);
	return 0;
}

static int hc_flush_page(struct lg_vcpu *vcpu, struct sw_regs *regs)
{
	shadow_flush_page(vcpu, regs->rdi);
	return 0;
}

static int hc_release_pgtable(struct lg_vcpu *vcpu, struct sw_regs *regs)
{
	shadow_release(vcpu, regs->rdi);
	return 0;
}

static int hc_notify(struct lg_vcpu *vcpu, struct sw_regs *regs)
{
	vcpu->run->exit = LG_EXIT_NOTIFY;
	vcpu->run->data[0] = regs->rdi;
	return 1;
}

static int hc_set_syscall(struct lg_vcpu *vcpu, struct sw_regs *regs)
{
	if (!lg_canonical(regs->rdi) || !lg_canonical(regs->rsi)) {
		lg_kill(vcpu, "SET_SYSCALL: %#llx or %#llx is not canonical",
			regs->rdi, regs->rsi);
		return 0;
	}
	vcpu->state->entry = regs->rdi;
	/* SYSCALL tells us the address after itself, which is 2 bytes on. */
	vcpu->state->exit = regs->rsi + 2;
	update_direct(vcpu);
	return 0;
}

static int hc_set_debugreg(struct lg_vcpu *vcpu, struct sw_regs *regs)
{
	if (!(vcpu->vm->features & LG_FEATURE_DEBUGREGS) || regs->rdi > 7 ||
	    debug_set(vcpu, regs->rdi, regs->rsi))
		lg_kill(vcpu, "SET_DEBUGREG: register %llu cannot be %#llx",
			regs->rdi, regs->rsi);
	return 0;
}

static int hc_get_debugreg(struct lg_vcpu *vcpu, struct sw_regs *regs)
{
	regs->rax = regs->rdi > 7 ? 0 : debug_get(vcpu, regs->rdi);
	return 0;
}

typedef int (*hypercall_fn)(struct lg_vcpu *vcpu, struct sw_regs *regs);

static const hypercall_fn handlers[LHCALL_MAX] = {
	[LHCALL_FLUSH_ASYNC] = hc_flush_async,
	[LHCALL_LGUEST_INIT] = hc_init,
	[LHCALL_SHUTDOWN] = hc_shutdown,
	[LHCALL_NEW_PGTABLE] = hc_new_pgtable,
	[LHCALL_FLUSH_TLB] = hc_flush_tlb,
	[LHCALL_NOTIFY] = hc_notify,
	[LHCALL_SET_SYSCALL] = hc_set_syscall,
	[LHCALL_SET_DEBUGREG] = hc_set_debugreg,
	[LHCALL_GET_DEBUGREG] = hc_get_debugreg,
	[LHCALL_FLUSH_PAGE] = hc_flush_page,
	[LHCALL_RELEASE_PGTABLE] = hc_release_pgtable,
};

/*
 * hypercall - SYSCALL in kernel mode
 *
 * The result is 0 unless the function says otherwise.  Returns as trap_serve().
 */
int hypercall(struct lg_vcpu *vcpu)
{
	struct sw_regs *regs = &vcpu->state->regs;
	u64 number = regs->rax;
	hypercall_fn handler = NULL;

	lg_count(vcpu, LG_STAT_HYPERCALLS);
	trace_lg_hypercall(vcpu, number);
	if (number < LHCALL_MAX)
		handler = handlers[array_index_nospec(number, LHCALL_MAX)];
	if (!handler) {
		lg_kill(vcpu, "no such hypercall: %llu at %#llx", number,
			regs->rip);
		return 0;
	}
	regs->rax = 0;
	return handler(vcpu, regs);
}
