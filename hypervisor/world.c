// SPDX-License-Identifier: GPL-2.0-only
/*
 * world.c - a vcpu comes to a CPU, crosses over, and goes away again
 *
 * What the Switcher cannot do in a few instructions is done here, at two
 * distances.  At load, once for as long as the thread stays on the CPU: the
 * window shows the vcpu's pages, the MSRs of SYSCALL point at the Switcher,
 * CR4.PGE goes off if the guest lives where the host has global mappings.  At
 * each entry: debug registers, PKRU, and whatever writes to memory by itself.
 *
 * What must never happen: another thread, or this one outside LG_RUN, finding
 * any of that.  So the preempt notifier puts it back before the scheduler
 * changes the mm, and LG_RUN before it returns; never later.
 *
 * The PGE rule in full: with global pages on, the TLB may answer a guest's
 * access with a host translation that no table of the guest has.  CR4 is
 * changed through the kernel's own helper, or its shadow copy would bring the
 * bit back; and nothing that runs another mm may happen while it is off, as
 * without PGE the kernel's INVLPG reaches the current PCID only.
 *
 * Next: hypervisor/layout.c
 */
#include <linux/entry-kvm.h>
#include <linux/kprobes.h>
#include <linux/moduleparam.h>
#include <linux/vtime.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/fpu/api.h>
#include <asm/kvm_para.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/tlbflush.h>
#include <asm/vsyscall.h>
#include "lg.h"
#include "trace.h"

/* What DEBUGCTL may not have while the host's addresses are gone. */
#define DEBUGCTL_BTS (DEBUGCTLMSR_TR | DEBUGCTLMSR_BTS | DEBUGCTLMSR_BTINT)

/* The kernel exports it to us and to KVM, and declares it to neither. */
void do_machine_check(struct pt_regs *regs);

#ifdef LG_DEBUG
/* For the test that shows what the PGE rule is good for. */
static bool break_pge_rule;
module_param(break_pge_rule, bool, 0600);
#else
#define break_pge_rule false
#endif

/* ---- load and put ---- */

static u64 at_code(const struct window *window, const char *symbol)
{
	return window->start + (symbol - switcher_code);
}

/* Reads an MSR, and writes it only if it is not yet what we want. */
static u64 swap_msr(u32 msr, u64 ours)
{
	u64 theirs;

	rdmsrl(msr, theirs);
	if (theirs != ours)
		wrmsrl(msr, ours);
	return theirs;
}

/*
 * What we find must be Linux's own.  After a KVM vcpu was preempted by us its
 * guest's values are live, and a promise to undo that is attached to this
 * thread (TIF_USER_RETURN_NOTIFY).  Were we to save and restore those, KVM could
 * keep its promise in between, by an IPI, and ours would last for ever.  So
 * world_cross() has the thread go by user space first, where it is kept.
 */
static void load_msrs(struct lg_vcpu *vcpu, const struct window *window)
{
	const u64 star = (u64)SW_KERNEL_CS << 32 | (u64)LGUEST_CS32 << 48;

	vcpu->host_star = swap_msr(MSR_STAR, star);
	vcpu->host_lstar = swap_msr(MSR_LSTAR, at_code(window, switcher_lstar));
	vcpu->host_cstar = swap_msr(MSR_CSTAR, at_code(window, switcher_cstar));
	vcpu->host_fmask = swap_msr(MSR_SYSCALL_MASK, SW_FMASK);
	if (boot_cpu_has(X86_FEATURE_SEP))
		vcpu->host_sysenter_cs = swap_msr(MSR_IA32_SYSENTER_CS, 0);
}

static void put_msrs(struct lg_vcpu *vcpu)
{
	swap_msr(MSR_STAR, vcpu->host_star);
	swap_msr(MSR_LSTAR, vcpu->host_lstar);
	swap_msr(MSR_CSTAR, vcpu->host_cstar);
	swap_msr(MSR_SYSCALL_MASK, vcpu->host_fmask);
	if (boot_cpu_has(X86_FEATURE_SEP))
		swap_msr(MSR_IA32_SYSENTER_CS, vcpu->host_sysenter_cs);
}

/* Has the host a global page that CPL 3 may touch?  See world_init(). */
static bool host_has_user_page;

/* Must CR4.PGE be off while this guest is loaded? */
static bool wants_pge_off(const struct lg_vcpu *vcpu)
{
	return (vcpu->high || host_has_user_page) && !break_pge_rule;
}

static void load_pge(struct lg_vcpu *vcpu)
{
	vcpu->pge_off =
		wants_pge_off(vcpu) && (cr4_read_shadow() & X86_CR4_PGE);
	if (vcpu->pge_off)
		cr4_update_irqsoff(0, X86_CR4_PGE);
}

static void put_pge(struct lg_vcpu *vcpu)
{
	if (vcpu->pge_off)
		cr4_update_irqsoff(X86_CR4_PGE, 0);
	vcpu->pge_off = false;
}

/* What of the host's state is the thread's, and stays while it is loaded. */
static void note_thread(struct sw_host *host)
{
	savesegment(ds, host->segs[0]);
	savesegment(es, host->segs[1]);
	savesegment(fs, host->segs[2]);
	savesegment(gs, host->segs[3]);
	host->fs = rdfsbase();
}

/* Makes this CPU ready to enter vcpu.  Interrupts off. */
static noinline void load(struct lg_vcpu *vcpu, struct window *window)
{
	if (window->loaded == vcpu) {
		shadow_load_roots(vcpu, window);
		return;
	}
	if (WARN_ON_ONCE(!window->ready || window->loaded)) {
		lg_kill(vcpu, "no window on CPU %d", smp_processor_id());
		return;
	}
	window->loaded = vcpu;
	vcpu->cpu = smp_processor_id();
	/* What another guest has trained must not steer this one. */
	if (window->last != vcpu->serial)
		indirect_branch_prediction_barrier();
	shadow_check_tlb(vcpu, window);
	segment_settle(vcpu);
	window_show(window, vcpu);
	vcpu->state->data =
		window->start + SW_DATA + vcpu->pins[PIN_DATA].offset;
	note_thread(window->host);
	shadow_load_roots(vcpu, window);
	load_msrs(vcpu, window);
	load_pge(vcpu);
	lg_count(vcpu, LG_STAT_LOADS);
	trace_lg_load(vcpu);
}

/*
 * world_put - this CPU is the host's alone again; preemption off
 *
 * For sched_out, for the end of LG_RUN, and whenever something that is decided
 * at load has changed: the next entry loads anew.
 */
void world_put(struct lg_vcpu *vcpu)
{
	struct window *window = this_cpu_ptr(&lg_window);
	unsigned long flags;

	local_irq_save(flags);
	if (window->loaded == vcpu) {
		put_pge(vcpu);
		put_msrs(vcpu);
		window_hide(window);
		window->loaded = NULL;
		vcpu->cpu = -1;
		trace_lg_put(vcpu);
	}
	local_irq_restore(flags);
}

/* world_leave - the same from where preemption is on: the next entry loads */
void world_leave(struct lg_vcpu *vcpu)
{
	preempt_disable();
	world_put(vcpu);
	preempt_enable();
}

static void on_sched_in(struct preempt_notifier *notifier, int cpu)
{
	/* Nothing: the next entry loads. */
}

static void on_sched_out(struct preempt_notifier *notifier,
			 struct task_struct *next)
{
	world_put(container_of(notifier, struct lg_vcpu, notifier));
}

static struct preempt_ops notifier_ops = {
	.sched_in = on_sched_in,
	.sched_out = on_sched_out,
};

void world_notifier_init(struct lg_vcpu *vcpu)
{
	preempt_notifier_init(&vcpu->notifier, &notifier_ops);
}

/* ---- there and back ---- */

/* Branch and event records go to linear addresses that are the host's. */
static noinline void stop_recorders(struct lg_vcpu *vcpu)
{
	rdmsrl(MSR_IA32_DEBUGCTLMSR, vcpu->host_debugctl);
	if (vcpu->host_debugctl & DEBUGCTL_BTS)
		wrmsrl(MSR_IA32_DEBUGCTLMSR,
		       vcpu->host_debugctl & ~DEBUGCTL_BTS);
	if (rdmsrl_safe(MSR_IA32_PEBS_ENABLE, &vcpu->host_pebs))
		vcpu->host_pebs = 0;
	if (vcpu->host_pebs)
		wrmsrl(MSR_IA32_PEBS_ENABLE, 0);
}

static noinline void start_recorders(struct lg_vcpu *vcpu)
{
	if (vcpu->host_debugctl & DEBUGCTL_BTS)
		wrmsrl(MSR_IA32_DEBUGCTLMSR, vcpu->host_debugctl);
	if (vcpu->host_pebs)
		wrmsrl(MSR_IA32_PEBS_ENABLE, vcpu->host_pebs);
}

/* Nobody's breakpoints, or bits in DR6 that are no news. */
static bool debug_wanted(const struct lg_vcpu *vcpu)
{
	return vcpu->state->dr7 || hw_breakpoint_active();
}

static __always_inline bool has_recorders(void)
{
	return static_cpu_has(X86_FEATURE_DTES64);
}

/* Gives an interrupt to the host's own handler, through the host's own IDT. */
static __always_inline void reraise(unsigned int vector)
{
	void (*handler)(void) = (void *)&host_reraise_table[vector * 16];

	handler();
}

/*
 * As KVM does: the machine check hit code at CPL 3, so the host need not panic
 * for it.  int $18 would say that it hit the kernel.
 */
static void machine_check(struct lg_vcpu *vcpu)
{
	struct pt_regs regs = { .cs = 3, .flags = X86_EFLAGS_IF };

	lg_count(vcpu, LG_STAT_MCES);
	do_machine_check(&regs);
}

/* Our own bug, whatever the guest did.  It costs this VM its life. */
static void switcher_faulted(struct lg_vcpu *vcpu)
{
	const struct sw_state *state = vcpu->state;
	u64 start = per_cpu(lg_window, smp_processor_id()).start;

	lg_kill(vcpu,
		"the Switcher faulted: trap %llu, error %#llx, at offset %#llx "
		"of its window",
		state->fault_trap, state->fault_error,
		state->fault_rip - start);
	WARN_ONCE(1,
		  "lguest: trap %llu, error %#llx in the Switcher, offset "
		  "%#llx, rsp %#llx, cr2 %#lx\n",
		  state->fault_trap, state->fault_error,
		  state->fault_rip - start, state->fault_rsp,
		  native_read_cr2());
}

static noinline void nmi(struct lg_vcpu *vcpu)
{
	struct sw_state *state = vcpu->state;

	reraise(2);
	if (state->regs.trap == 2)
		lg_count(vcpu, LG_STAT_NMIS);
	state->flags &= ~SW_NMI;
	vcpu->stat[LG_STAT_SWITCHER_NMIS] = state->inside_nmis;
}
NOKPROBE_SYMBOL(nmi);

/* What struck inside the Switcher and was only noted there. */
static void noted_events(struct lg_vcpu *vcpu)
{
	struct sw_state *state = vcpu->state;
	u32 events = state->flags & SW_EVENTS;

	state->flags &= ~SW_EVENTS;
	if (events & SW_MCE)
		machine_check(vcpu);
	if (events & SW_LOST)
		lg_kill(vcpu, "a machine check struck in the middle of a "
			      "system call");
	if (events & SW_FAULT)
		switcher_faulted(vcpu);
	vcpu->stat[LG_STAT_DBS] = state->inside_dbs;
}

/* Interrupts are still off. */
static noinline void host_events(struct lg_vcpu *vcpu)
{
	u64 trap = vcpu->state->regs.trap;

	if (vcpu->state->flags & SW_EVENTS)
		noted_events(vcpu);
	vcpu->stat[LG_STAT_ABORTS] = vcpu->state->aborts;
	if (trap == 18) {
		machine_check(vcpu);
	} else if (trap >= 32 && trap < 256) {
		lg_count(vcpu, LG_STAT_IRQS);
		reraise(trap);
	} else if (trap == 7 && cpu_feature_enabled(X86_FEATURE_XFD)) {
		/* A guest's use of what it was not given is no news. */
		wrmsrl(MSR_IA32_XFD_ERR, 0);
	}
}

/* What must be the guest's while it runs, and is cheap to ask about. */
static void put_on(struct lg_vcpu *vcpu, const struct window *window)
{
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
	/* Another thread of the process may make an LDT at any time. */
	asm volatile("sldt %0" : "=m"(window->host->ldt));
	if (has_recorders())
		stop_recorders(vcpu);
	if (unlikely(debug_wanted(vcpu)))
		debug_load(vcpu);
	/* Governs our own accesses to user memory too: last on, first off. */
	if (cpu_feature_enabled(X86_FEATURE_OSPKE)) {
		vcpu->host_pkru = rdpkru();
		if (vcpu->host_pkru != vcpu->pkru)
			wrpkru(vcpu->pkru);
	}
}

static void take_off(struct lg_vcpu *vcpu)
{
	struct sw_state *state = vcpu->state;

	if (cpu_feature_enabled(X86_FEATURE_OSPKE)) {
		vcpu->pkru = rdpkru();
		if (vcpu->host_pkru != vcpu->pkru)
			wrpkru(vcpu->host_pkru);
	}
	if (unlikely(debug_wanted(vcpu) || state->regs.trap == 1 ||
		     (state->flags & SW_DB)))
		debug_put(vcpu);
	if (has_recorders())
		start_recorders(vcpu);
}

/*
 * While something waits for the no-interrupt range to be left, the guest makes
 * one step at a time, and does not see the flag that makes it do so.
 */
static noinline void step(struct lg_vcpu *vcpu)
{
	vcpu->step_was_set = vcpu->state->regs.rflags & X86_EFLAGS_TF;
	vcpu->state->regs.rflags |= X86_EFLAGS_TF;
}

static noinline void stepped(struct lg_vcpu *vcpu)
{
	struct sw_regs *regs = &vcpu->state->regs;

	if (vcpu->step_was_set)
		return;
	regs->rflags &= ~(u64)X86_EFLAGS_TF;
	if (regs->trap == LGUEST_TRAP_SYSCALL)
		regs->r11 &= ~(u64)X86_EFLAGS_TF;
}

/* There and back.  Interrupts off, vcpu loaded, registers fit to enter with. */
static void cross(struct lg_vcpu *vcpu, const struct window *window)
{
	struct sw_state *state = vcpu->state;

#ifdef LG_DEBUG
	WARN_ON_ONCE(wants_pge_off(vcpu) && (native_read_cr4() & X86_CR4_PGE));
	WARN_ON_ONCE(native_read_cr4() != cr4_read_shadow());
#endif
	state->cr3 = lg_user_mode(vcpu) ? state->user_cr3 : state->kernel_cr3;
	state->regs.rflags &= SW_RFLAGS_GUEST;
	state->regs.rflags |= SW_RFLAGS_FIXED;
	if (unlikely(vcpu->stepping))
		step(vcpu);
	state->regs.trap = SW_TRAP_NONE;
	lg_count(vcpu, LG_STAT_ENTRIES);
	trace_lg_enter(vcpu);

	put_on(vcpu, window);
	vtime_account_guest_enter();
	switcher_enter((void *)at_code(window, switcher_in),
		       vcpu->high || !static_cpu_has(X86_FEATURE_SMEP));
	/*
	 * NMIs are blocked until the host has had this one.  Until then nothing
	 * may run that could meet a breakpoint or a fault of the kernel's own,
	 * whose iretq would let the next one in.
	 */
	if (unlikely(state->regs.trap == 2 || (state->flags & SW_NMI)))
		nmi(vcpu);
	if (state->regs.trap == 14) {
		vcpu->cr2 = native_read_cr2();
		vcpu->async_pf = kvm_read_and_reset_apf_flags();
	}
	take_off(vcpu);
	if (unlikely(state->loaded))
		shadow_loaded(vcpu);
	if (unlikely(vcpu->stepping))
		stepped(vcpu);
	if (state->regs.trap < 256 || (state->flags & SW_EVENTS))
		host_events(vcpu);
	vtime_account_guest_exit();
	trace_lg_exit(vcpu);
}

/*
 * world_cross - run the guest until something happens
 *
 * The registers in the state page are fit to enter with.  True: the guest has
 * run, the state page has its registers at the trap, cr2 is read, and the host
 * has had its interrupt.  False: the kernel has work for this thread first.
 *
 * Interrupts off is all it takes to stay on this CPU; what they bring meanwhile
 * waits for the guest's first instruction.
 */
bool world_cross(struct lg_vcpu *vcpu)
{
	struct window *window;
	bool crossed = false;

	local_irq_disable();
	xfer_to_guest_mode_prepare();
	smp_store_mb(vcpu->inside, smp_processor_id()); /* see kick.c */
	if (unlikely(xfer_to_guest_mode_work_pending() ||
		     READ_ONCE(vcpu->requests)))
		goto out;
	window = this_cpu_ptr(&lg_window);
	if (unlikely(window->loaded != vcpu || vcpu->flush)) {
		/* Not over a KVM guest's MSRs: see load_msrs(). */
		if (test_thread_flag(TIF_USER_RETURN_NOTIFY))
			goto out;
		load(vcpu, window);
	}
	if (!vcpu->killed)
		cross(vcpu, window);
	crossed = true;
out:
	WRITE_ONCE(vcpu->inside, -1);
	local_irq_enable();
	return crossed;
}
NOKPROBE_SYMBOL(world_cross);

/*
 * world_init - what of the host matters to every guest
 *
 * A guest without pages in the high half may run with PGE on: what the TLB has
 * for it there is supervisor's, and faults as no entry would.  All but one: with
 * vsyscall=emulate the host has a global page that user mode may read, and a
 * guest would read it through the TLB without a fault to tell us.
 */
void world_init(void)
{
	unsigned int level;
	pte_t *pte = lookup_address(VSYSCALL_ADDR, &level);

	host_has_user_page = pte && (pte_flags(*pte) & _PAGE_USER);
}
