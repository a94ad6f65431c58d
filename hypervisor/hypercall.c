// SPDX-License-Identifier: GPL-2.0-only
/*
 * hypercall.c - what a guest kernel may ask for
 *
 * A table from number to function.  Each takes its arguments from a struct that
 * is ours by now, checks them, and either does the whole thing or kills the
 * guest with a sentence; there is no half.  A call comes in registers, or it has
 * waited in the ring, and then its turn is before whatever comes next.
 *
 * What must never happen: a call from user mode; or one out of the ring that
 * ends the run of guest code, or that reads or writes its registers.
 *
 * Next: hypervisor/eventfd.c
 */
#include <linux/mm.h>
#include <linux/nospec.h>
#include "lg.h"
#include "trace.h"

/* ---- those that are neither setup.c's nor somebody else's ---- */

/* The ring has been drained already: the shortest way there and back. */
static int hc_flush_async(struct lg_vcpu *vcpu, struct lg_call *call)
{
	return 0;
}

static int hc_shutdown(struct lg_vcpu *vcpu, struct lg_call *call)
{
	if (call->arg[0] < LGUEST_SHUTDOWN_POWEROFF ||
	    call->arg[0] > LGUEST_SHUTDOWN_CRASH) {
		lg_kill(vcpu, "SHUTDOWN: no such kind: %llu", call->arg[0]);
		return 0;
	}
	return exit_with(vcpu, LG_EXIT_SHUTDOWN, call->arg[0], call->arg[1]);
}

static int hc_new_pgtable(struct lg_vcpu *vcpu, struct lg_call *call)
{
	u64 tag = vcpu->told.features & LGUEST_FEATURE_PCID
			  ? X86_CR3_PCID_NOFLUSH | X86_CR3_PCID_MASK
			  : 0;
	gpa_t root = call->arg[0] & ~tag;
	struct page *page = mem_page(vcpu->vm, root >> PAGE_SHIFT);
	int err = PTR_ERR_OR_ZERO(page);

	if (!err)
		put_page(page);
	if (err == -EFAULT || offset_in_page(root)) {
		lg_kill(vcpu, "NEW_PGTABLE: %#llx is not a page of RAM",
			call->arg[0]);
		return 0;
	}
	return err ? err : shadow_load(vcpu, call->arg[0]);
}

static int hc_flush_tlb(struct lg_vcpu *vcpu, struct lg_call *call)
{
	if (call->arg[0] == LGUEST_FLUSH_USER)
		return shadow_new_root(vcpu, vcpu->cr3);
	if (call->arg[0] == LGUEST_FLUSH_ALL)
		shadow_flush_all(vcpu);
	else
		lg_kill(vcpu, "FLUSH_TLB: no such kind: %llu", call->arg[0]);
	return 0;
}

static int hc_flush_page(struct lg_vcpu *vcpu, struct lg_call *call)
{
	shadow_flush_page(vcpu, call->arg[0]);
	return 0;
}

static int hc_release_pgtable(struct lg_vcpu *vcpu, struct lg_call *call)
{
	shadow_release(vcpu, call->arg[0]);
	return 0;
}

/* A hint that we need not take: the entry is found when it faults. */
static int hc_set_pte(struct lg_vcpu *vcpu, struct lg_call *call)
{
	return 0;
}

static int hc_notify(struct lg_vcpu *vcpu, struct lg_call *call)
{
	if (eventfd_notify(vcpu->vm, call->arg[0]))
		return 0;
	return exit_with(vcpu, LG_EXIT_NOTIFY, call->arg[0], 0);
}

/* What is pending is delivered on the way back, as after any hypercall. */
static int hc_send_interrupts(struct lg_vcpu *vcpu, struct lg_call *call)
{
	vcpu->look = true;
	return 0;
}

static int hc_set_clockevent(struct lg_vcpu *vcpu, struct lg_call *call)
{
	u64 vector = call->arg[1] ? call->arg[1] : LGUEST_IRQ_VECTOR(0);

	if (vector < 32 || vector >= 256)
		lg_kill(vcpu, "SET_CLOCKEVENT: no such vector: %llu", vector);
	else
		interrupt_set_timer(vcpu, call->arg[0], vector);
	return 0;
}

static int hc_halt(struct lg_vcpu *vcpu, struct lg_call *call)
{
	if (call->arg[0] > LGUEST_HALT_DOWN)
		lg_kill(vcpu, "HALT: no such kind: %llu", call->arg[0]);
	else
		interrupt_halt(vcpu, call->arg[0]);
	return 0;
}

static int hc_send_ipi(struct lg_vcpu *vcpu, struct lg_call *call)
{
	u64 vector = call->arg[1];

	if (vector != LGUEST_IPI_WAKE && !interrupt_good(vector))
		lg_kill(vcpu, "SEND_IPI: no such vector: %llu", vector);
	else
		interrupt_send(vcpu->vm, call->arg[0], vector);
	return 0;
}

static int hc_vcpu_up(struct lg_vcpu *vcpu, struct lg_call *call)
{
	int err;

	if (!lg_canonical(call->arg[1])) {
		lg_kill(vcpu, "VCPU_UP: RIP %#llx is not canonical",
			call->arg[1]);
		return 0;
	}
	err = interrupt_vcpu_up(vcpu, call->arg[0], call->arg[1], call->arg[2],
				call->arg[3]);
	if (err == -ENOMEM)
		return err;
	call->result = err;
	return 0;
}

static int hc_set_debugreg(struct lg_vcpu *vcpu, struct lg_call *call)
{
	if (!(vcpu->vm->features & LG_FEATURE_DEBUGREGS) || call->arg[0] > 7 ||
	    debug_set(vcpu, call->arg[0], call->arg[1]))
		lg_kill(vcpu, "SET_DEBUGREG: register %llu cannot be %#llx",
			call->arg[0], call->arg[1]);
	return 0;
}

static int hc_get_debugreg(struct lg_vcpu *vcpu, struct lg_call *call)
{
	call->result = call->arg[0] > 7 ? 0 : debug_get(vcpu, call->arg[0]);
	return 0;
}

/* ---- the table ---- */

struct handler {
	int (*call)(struct lg_vcpu *vcpu, struct lg_call *call);
	bool async; /* may wait in the ring */
};

static const struct handler handlers[LHCALL_MAX] = {
	[LHCALL_FLUSH_ASYNC] = { hc_flush_async },
	[LHCALL_LGUEST_INIT] = { hc_init },
	[LHCALL_SHUTDOWN] = { hc_shutdown },
	[LHCALL_NEW_PGTABLE] = { hc_new_pgtable, true },
	[LHCALL_FLUSH_TLB] = { hc_flush_tlb, true },
	[LHCALL_LOAD_IDT_ENTRY] = { hc_load_idt_entry, true },
	[LHCALL_SET_STACK] = { hc_set_stack, true },
	[LHCALL_SET_CLOCKEVENT] = { hc_set_clockevent, true },
	[LHCALL_HALT] = { hc_halt },
	[LHCALL_SET_PTE] = { hc_set_pte, true },
	[LHCALL_LOAD_TLS] = { hc_load_tls, true },
	[LHCALL_NOTIFY] = { hc_notify },
	[LHCALL_SEND_INTERRUPTS] = { hc_send_interrupts },
	[LHCALL_SET_SYSCALL] = { hc_set_syscall },
	[LHCALL_SET_DEBUGREG] = { hc_set_debugreg, true },
	[LHCALL_GET_DEBUGREG] = { hc_get_debugreg },
	[LHCALL_FLUSH_PAGE] = { hc_flush_page, true },
	[LHCALL_RELEASE_PGTABLE] = { hc_release_pgtable, true },
	[LHCALL_VCPU_UP] = { hc_vcpu_up },
	[LHCALL_SEND_IPI] = { hc_send_ipi, true },
	[LHCALL_SET_RING] = { hc_set_ring },
	[LHCALL_SET_CLOCK] = { hc_set_clock },
	[LHCALL_SET_DATA] = { hc_set_data },
	[LHCALL_SET_NOIRQ] = { hc_set_noirq },
	[LHCALL_LOAD_GS] = { hc_load_gs },
	[LHCALL_SET_LDT] = { hc_set_ldt },
};

static const struct handler *find(u64 number)
{
	if (number >= LHCALL_MAX)
		return NULL;
	return &handlers[array_index_nospec(number, LHCALL_MAX)];
}

/* ---- the ring ---- */

static int make_queued(struct lg_vcpu *vcpu, const struct lguest_async *queued)
{
	struct lg_call call = {
		.number = READ_ONCE(queued->number),
		.arg[0] = READ_ONCE(queued->arg[0]),
		.arg[1] = READ_ONCE(queued->arg[1]),
		.arg[2] = READ_ONCE(queued->arg[2]),
	};
	const struct handler *handler = find(call.number);

	if (!handler || !handler->async) {
		lg_kill(vcpu, "no hypercall for the ring: %llu", call.number);
		return 0;
	}
	lg_count(vcpu, LG_STAT_QUEUED);
	return handler->call(vcpu, &call);
}

static noinline int drain(struct lg_vcpu *vcpu, struct lguest_ring *ring,
			  u32 count)
{
	int err = 0;

	if (count > LGUEST_RING_SIZE) {
		lg_kill(vcpu, "the ring has %u calls, more than it holds",
			count);
		return 0;
	}
	while (count-- && !vcpu->killed) {
		u32 at = vcpu->ring_tail % LGUEST_RING_SIZE;

		err = make_queued(vcpu, &ring->calls[at]);
		if (err)
			break;
		vcpu->ring_tail++;
	}
	WRITE_ONCE(ring->tail, vcpu->ring_tail);
	return err;
}

/*
 * ring_drain - make the calls that are in the ring
 *
 * Returns 0, or the host's failure; the vcpu may have been killed.
 */
int ring_drain(struct lg_vcpu *vcpu)
{
	struct lguest_ring *ring = pin_at(&vcpu->pins[PIN_RING]);
	u32 count;

	if (!vcpu->pins[PIN_RING].page)
		return 0;
	count = READ_ONCE(ring->head) - vcpu->ring_tail;
	return count ? drain(vcpu, ring, count) : 0;
}

/*
 * hypercall - SYSCALL in kernel mode
 *
 * The result is 0 unless the function says otherwise.  Returns as trap_serve();
 * what the host has failed to do, the guest asks for again when it next runs.
 */
int hypercall(struct lg_vcpu *vcpu)
{
	struct sw_regs *regs = &vcpu->state->regs;
	struct lg_call *call = &vcpu->call;
	const struct handler *handler;
	int ret;

	call->number = regs->rax;
	call->arg[0] = regs->rdi;
	call->arg[1] = regs->rsi;
	call->arg[2] = regs->rdx;
	call->arg[3] = regs->r10;
	call->result = 0;
	lg_count(vcpu, LG_STAT_HYPERCALLS);
	trace_lg_hypercall(vcpu, call->number);
	vcpu->look |= vcpu->masked;
	if (vcpu->pins[PIN_RING].page) {
		ret = ring_drain(vcpu);
		if (unlikely(ret))
			regs->rip -= 2;
		if (ret || vcpu->killed)
			return ret;
	}
	/* The one that sets RAX and all the rest itself. */
	if (call->number == LHCALL_IRET)
		return event_iret(vcpu);
	handler = find(call->number);
	if (unlikely(!handler || !handler->call)) {
		lg_kill(vcpu, "no such hypercall: %llu at %#llx", call->number,
			regs->rip);
		return 0;
	}
	ret = handler->call(vcpu, call);
	if (unlikely(ret < 0))
		regs->rip -= 2;
	else
		regs->rax = call->result;
	return ret;
}
