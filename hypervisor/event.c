// SPDX-License-Identifier: GPL-2.0-only
/*
 * event.c - exceptions and interrupts, as a guest kernel gets to know of them
 *
 * To the guest they look as hardware would deliver them: a frame on a stack, a
 * gate's handler, the interrupt flag off.  The frame is written here, through
 * the guest's own page tables and with a kernel's rights, so a stack that is
 * not there faults like any other memory: a double fault, and then the end.
 *
 * What is pending waits in a bitmap that any CPU may set bits of; event_look()
 * is where a vcpu decides, between two crossings, whether it can have one now.
 * The guest's interrupt flag is a word of its own memory.
 *
 * What must never happen: guest code running where a frame says it was
 * interrupted and, at once, the handler; or an interrupt that is neither
 * pending, nor delivered, nor what the guest was told of by irq_pending.
 *
 * Where we stand: trap.c has an exception, or run.c is about to cross over.
 *
 * Next: hypervisor/interrupt.c
 */
#include <linux/bitmap.h>
#include <linux/nospec.h>
#include <linux/percpu.h>
#include <asm/processor.h>
#include <asm/debugreg.h>
#include "lg.h"
#include "trace.h"

/* RFLAGS that no handler starts with: TF NT RF AC */
#define RFLAGS_TF      0x100
#define RFLAGS_CLEARED 0x54100

#define VECTOR_DB  1
#define VECTOR_NMI 2
#define VECTOR_DF  8
#define VECTOR_GP  13
#define VECTOR_PF  14

/* Exceptions 8, 10-14, 17, 21, 29 and 30 have an error code. */
#define HAS_ERROR 0x60227d00U

/* What the CPU would push; error is left out where there is none. */
struct frame {
	u64 error, rip, cs, rflags, rsp, ss;
};

/* ---- frames ---- */

static void make_frame(struct lg_vcpu *vcpu, struct frame *frame, u64 error)
{
	const struct sw_regs *regs = &vcpu->state->regs;
	bool user = lg_user_mode(vcpu);

	*frame = (struct frame){
		.error = error,
		.rip = regs->rip,
		.cs = user ? regs->cs & 0xffff : LGUEST_KERNEL_CS,
		.rflags = (regs->rflags & SW_RFLAGS_GUEST) | X86_EFLAGS_FIXED,
		.rsp = regs->rsp,
		.ss = user ? regs->ss & 0xffff : LGUEST_KERNEL_DS,
	};
	if (user || READ_ONCE(data_of(vcpu)->irq_enabled) & LGUEST_IF)
		frame->rflags |= LGUEST_IF;
}

/* Where the frame goes: below this address. */
static u64 stack_for(struct lg_vcpu *vcpu, unsigned int vector)
{
	const struct lguest_info *info = pin_at(&vcpu->pins[PIN_INFO]);
	u64 rsp = vcpu->state->regs.rsp;

	if (lg_user_mode(vcpu))
		rsp = READ_ONCE(data_of(vcpu)->sp0);
	if (vector == VECTOR_DF && READ_ONCE(info->df_stack))
		rsp = READ_ONCE(info->df_stack);
	return rsp & ~15ULL;
}

/* From now on the kernel runs, if user mode did. */
static void enter_kernel_mode(struct lg_vcpu *vcpu)
{
	struct sw_state *state = vcpu->state;

	if (!lg_user_mode(vcpu))
		return;
	WRITE_ONCE(data_of(vcpu)->user_gs_base, state->gs);
	state->gs = state->kernel_gs;
	state->flags &= ~SW_USER;
}

static void enter_handler(struct lg_vcpu *vcpu, unsigned int vector,
			  const struct lg_gate *gate, u64 rsp)
{
	struct sw_regs *regs = &vcpu->state->regs;

	enter_kernel_mode(vcpu);
	regs->rip = gate->handler;
	regs->rsp = rsp;
	regs->cs = LGUEST_CS;
	regs->ss = LGUEST_DS;
	regs->rflags &= ~(u64)RFLAGS_CLEARED;
	/* The flags are user mode's, and kernels have SYSCALL clear this one. */
	if (vector == LGUEST_TRAP_SYSCALL32)
		regs->rflags &= ~(u64)X86_EFLAGS_DF;
	if (!(gate->flags & LGUEST_GATE_TRAP))
		WRITE_ONCE(data_of(vcpu)->irq_enabled, 0);
}

/*
 * 0, and the handler runs; -EFAULT if the frame has no place to be; other
 * errors are the host's.  Or 0 and the vcpu has been killed.
 */
static int try_deliver(struct lg_vcpu *vcpu, unsigned int vector, bool error,
		       u64 code)
{
	size_t bytes = sizeof(struct frame) - (error ? 0 : 8);
	u64 rsp = stack_for(vcpu, vector) - bytes;
	struct frame frame;
	u32 ignored;
	int err;

	make_frame(vcpu, &frame, code);
	err = mem_gva_write(vcpu, rsp, (void *)&frame + sizeof(frame) - bytes,
			    bytes, /* user= */ false, &ignored);
	if (!err)
		enter_handler(vcpu, vector, &vcpu->told.gates[vector], rsp);
	if (err != -ENXIO && err != -EAGAIN)
		return err;
	lg_kill(vcpu, "the stack at %#llx %s", rsp,
		err == -ENXIO ? "is mapped outside RAM"
			      : "has page tables that would not hold still");
	return 0;
}

/* event_has_gate - would the guest get an event of this vector? */
bool event_has_gate(const struct lg_vcpu *vcpu, unsigned int vector)
{
	vector = array_index_nospec(vector, LGUEST_GATES);
	return vcpu->pins[PIN_DATA].page && vcpu->told.gates[vector].handler;
}

/*
 * Delivers, or kills if it cannot be done.  error: this kind of event has an
 * error code.  Returns 0, or the host's failure.
 */
static int deliver(struct lg_vcpu *vcpu, unsigned int vector, bool error,
		   u64 code)
{
	int err;

	vector = array_index_nospec(vector, LGUEST_GATES);
	err = ring_drain(vcpu);
	if (err || vcpu->killed)
		return err;
	if (!event_has_gate(vcpu, vector)) {
		trap_kill(vcpu, vector, code);
		return 0;
	}
	trace_lg_event(vcpu, vector, code);
	if (vcpu->pins[PIN_CLOCK].page && !clock_tsc_khz())
		clock_publish(vcpu);
	err = try_deliver(vcpu, vector, error, code);
	if (err != -EFAULT)
		return err;
	if (vector != VECTOR_DF && event_has_gate(vcpu, VECTOR_DF))
		err = try_deliver(vcpu, VECTOR_DF, true, 0);
	if (err != -EFAULT)
		return err;
	lg_kill(vcpu,
		"triple fault: no stack at %#llx for a handler of vector %u at "
		"%#llx in %s mode",
		stack_for(vcpu, vector), vector, vcpu->state->regs.rip,
		lg_user_mode(vcpu) ? "user" : "kernel");
	return 0;
}

/* event_exception - vector is below 32; code counts if that vector has one */
int event_exception(struct lg_vcpu *vcpu, unsigned int vector, u64 code)
{
	return deliver(vcpu, vector, HAS_ERROR >> (vector & 31) & 1, code);
}

/* event_page_fault - and where; the address is nobody's business elsewhere */
int event_page_fault(struct lg_vcpu *vcpu, gva_t gva, u64 code)
{
	if (event_has_gate(vcpu, VECTOR_PF))
		WRITE_ONCE(data_of(vcpu)->cr2, gva);
	return event_exception(vcpu, VECTOR_PF, code);
}

/* event_soft - INT n, RIP is past it; or SYSCALL from 32-bit code */
int event_soft(struct lg_vcpu *vcpu, unsigned int vector)
{
	return deliver(vcpu, vector, false, 0);
}

/* ---- what is pending ---- */

/* The highest vector that is pending and not blocked, or 0. */
static unsigned int next_vector(struct lg_vcpu *vcpu)
{
	const struct lguest_info *info = pin_at(&vcpu->pins[PIN_INFO]);
	int i;

	for (i = 3; i >= 0; i--) {
		u64 some = READ_ONCE(vcpu->pending[i]) &
			   ~READ_ONCE(info->blocked[i]);

		if (some)
			return i * 64 + fls64(some) - 1;
	}
	return 0;
}

static bool in_noirq_range(const struct lg_vcpu *vcpu)
{
	u64 rip = vcpu->state->regs.rip;

	return !lg_user_mode(vcpu) && rip >= vcpu->told.noirq_start &&
	       rip < vcpu->told.noirq_end;
}

/* event_can_run - is there what ends an idle sleep? */
bool event_can_run(struct lg_vcpu *vcpu)
{
	if (!vcpu->pins[PIN_DATA].page)
		return false;
	return next_vector(vcpu) || (test_bit(NMI_PENDING, &vcpu->nmi) &&
				     !test_bit(NMI_BLOCKED, &vcpu->nmi));
}

/* An NMI that may come now.  0, or the host's failure. */
static int look_for_nmi(struct lg_vcpu *vcpu)
{
	int err;

	if (!test_bit(NMI_PENDING, &vcpu->nmi) ||
	    test_bit(NMI_BLOCKED, &vcpu->nmi))
		return 0;
	if (in_noirq_range(vcpu)) {
		vcpu->stepping = true;
		return 0;
	}
	clear_bit(NMI_PENDING, &vcpu->nmi);
	set_bit(NMI_BLOCKED, &vcpu->nmi);
	err = deliver(vcpu, VECTOR_NMI, false, 0);
	if (err) {
		set_bit(NMI_PENDING, &vcpu->nmi);
		clear_bit(NMI_BLOCKED, &vcpu->nmi);
	}
	return err;
}

/*
 * Tells the guest, the Switcher and ourselves whether something waits: the
 * direct paths are barred meanwhile, so that nothing is passed over.
 */
static void set_waiting(struct lg_vcpu *vcpu, bool interrupt)
{
	WRITE_ONCE(data_of(vcpu)->irq_pending, interrupt);
	vcpu->look = interrupt || vcpu->stepping;
	if (vcpu->look)
		vcpu->state->flags |= SW_IRQ;
	else
		vcpu->state->flags &= ~SW_IRQ;
}

/* May interrupts come, as far as the guest's flag goes? */
static bool is_open(struct lg_vcpu *vcpu)
{
	return lg_user_mode(vcpu) ||
	       READ_ONCE(data_of(vcpu)->irq_enabled) & LGUEST_IF;
}

/* The highest that is pending goes to its handler. */
static int interrupt(struct lg_vcpu *vcpu, unsigned int vector)
{
	int err;

	clear_bit(vector, vcpu->pending);
	err = deliver(vcpu, vector, false, 0);
	if (err) {
		set_bit(vector, vcpu->pending); /* the host's: it comes again */
		return err;
	}
	if (vcpu->killed)
		return 0;
	lg_count(vcpu, LG_STAT_INTERRUPTS);
	vector = next_vector(vcpu);
	set_waiting(vcpu, vector);
	/* Its gate leaves the flag on: the next one, after a look at the host */
	if (vector && is_open(vcpu))
		set_bit(LG_REQ_LOOK, &vcpu->requests);
	return 0;
}

/*
 * event_look - deliver what is pending, if the guest can have it now
 *
 * Called before a crossing while vcpu->look is set.  Returns 0, or the host's
 * failure; the vcpu may have been killed.
 */
int event_look(struct lg_vcpu *vcpu)
{
	unsigned int vector;
	bool open;
	int err;

	vcpu->stepping = false;
	if (!vcpu->pins[PIN_DATA].page) {
		vcpu->look = false; /* LGUEST_INIT looks again */
		return 0;
	}
	err = look_for_nmi(vcpu);
	if (err || vcpu->killed)
		return err;
	vector = next_vector(vcpu);
	if (!vector) {
		set_waiting(vcpu, false);
		vcpu->masked = !bitmap_empty(vcpu->pending, 256);
		return 0;
	}
	open = is_open(vcpu);
	if (!open || in_noirq_range(vcpu)) {
		vcpu->stepping |= open;
		set_waiting(vcpu, true);
		return 0;
	}
	return interrupt(vcpu, vector);
}

/*
 * event_stepped - #DB: was it ours, to see the no-interrupt range left?
 *
 * world.c sets TF in the flags of a guest that is stepping, and clears it.
 */
bool event_stepped(struct lg_vcpu *vcpu)
{
	if (!vcpu->stepping || !(vcpu->dr6_now & DR_STEP) ||
	    (vcpu->state->regs.rflags & RFLAGS_TF))
		return false;
	return !(vcpu->dr6_now & DR_TRAP_BITS);
}

/* ---- the way back ---- */

static void iret_to_user(struct lg_vcpu *vcpu)
{
	struct sw_state *state = vcpu->state;
	u64 gs = READ_ONCE(data_of(vcpu)->user_gs_base);

	state->kernel_gs = state->gs;
	state->gs = lg_good_base(gs) ? gs : 0;
	state->flags |= SW_USER;
}

/*
 * event_iret - LHCALL_IRET: go where the words on the stack say
 *
 * A frame that user mode cannot have is the guest's #GP, with that very frame,
 * so that its kernel can see whose it was.
 */
int event_iret(struct lg_vcpu *vcpu)
{
	struct sw_regs *regs = &vcpu->state->regs;
	struct lguest_iret frame;
	u32 ignored;
	int err;

	if (!vcpu->pins[PIN_DATA].page) {
		lg_kill(vcpu, "IRET before LGUEST_INIT");
		return 0;
	}
	err = mem_gva_read(vcpu, regs->rsp, &frame, sizeof(frame),
			   /* user= */ false, &ignored);
	if (err == -EFAULT || err == -ENXIO || err == -EAGAIN) {
		lg_kill(vcpu, "IRET: no frame at %#llx", regs->rsp);
		return 0;
	}
	if (err) {
		regs->rip -= 2; /* the host's: it asks again */
		return err;
	}
	clear_bit(NMI_BLOCKED, &vcpu->nmi);
	vcpu->look = true;
	regs->rax = frame.rax;
	regs->rcx = frame.rcx;
	regs->r11 = frame.r11;
	regs->rip = frame.rip;
	regs->rsp = frame.rsp;
	regs->rflags = frame.rflags & SW_RFLAGS_GUEST;
	if ((u16)frame.cs == LGUEST_KERNEL_CS) {
		WRITE_ONCE(data_of(vcpu)->irq_enabled,
			   frame.rflags & LGUEST_IF);
		regs->cs = LGUEST_CS;
		regs->ss = LGUEST_DS;
		return 0; /* a bad RIP: fit_to_enter() in run.c */
	}
	iret_to_user(vcpu);
	regs->cs = (u16)frame.cs;
	regs->ss = (u16)frame.ss;
	if (segment_fit(vcpu, (u16)frame.cs, (u16)frame.ss, frame.rip))
		return 0;
	err = event_exception(vcpu, VECTOR_GP, frame.cs & 0xfffc);
	if (err)
		trap_put_off(vcpu, VECTOR_GP, frame.cs & 0xfffc);
	return err;
}
