// SPDX-License-Identifier: GPL-2.0-only
/*
 * interrupts - what makes a vector pending, and what holds it up
 *
 * Nothing here asks how long something took: a clock event comes, or the case
 * never ends and the runner says so.
 */
#include "event.h"
#include "test.h"

#define TIMER     LGUEST_IRQ_VECTOR(0)
#define SELF(vec) hypercall(LHCALL_SEND_IPI, 1, (vec), 0, 0)

static void set_clockevent(u64 ns, u64 vector)
{
	hypercall(LHCALL_SET_CLOCKEVENT, ns, vector, 0, 0);
}

static void halt(void)
{
	hypercall(LHCALL_HALT, LGUEST_HALT_IDLE, 0, 0, 0);
}

static void pause(void)
{
	asm volatile("pause" ::: "memory");
}

/* ---- the clock event ---- */

CASE(lguest_clockevent, "lguest_clockevent: a clock event comes, and once")
{
	on_event(TIMER, NULL);
	irq_on();
	set_clockevent(info.min_delta_ns, 0);
	while (!event_count[TIMER])
		pause();
	on_event(0x77, NULL);
	set_clockevent(20 * info.min_delta_ns, 0x77);
	while (!event_count[0x77])
		pause();
	check_is(event_count[TIMER], 1, "the first one");
	check_is(event_count[0x77], 1, "the second, on its own vector");
}

CASE(replaced, "a new clock event replaces the one before; 0 ends it")
{
	on_event(TIMER, NULL);
	on_event(0x77, NULL);
	irq_off();
	set_clockevent(1ULL << 40, TIMER);
	set_clockevent(1, 0x77);
	while (!irq_waits())
		pause();
	set_clockevent(1ULL << 40, TIMER);
	set_clockevent(0, 0);
	irq_on();
	check_is(event_count[0x77], 1, "the second");
	check_is(event_count[TIMER], 0, "those that were replaced");
}

CASE(lguest_safe_halt, "lguest_safe_halt: HALT sleeps until an interrupt comes")
{
	u64 entries;

	on_event(TIMER, NULL);
	irq_off();
	entries = ask_stat(LG_STAT_ENTRIES);
	set_clockevent(200 * info.min_delta_ns, 0);
	halt();
	check_is(event_count[TIMER], 1, "it came");
	check_is(event_last.at.rflags & RFLAGS_IF, RFLAGS_IF, "IF was on");
	entries = ask_stat(LG_STAT_ENTRIES) - entries;
	check(entries < 12, "and nothing ran meanwhile");
}

CASE(halt_pending, "HALT does not sleep when one is pending already")
{
	on_event(0x40, NULL);
	irq_off();
	SELF(0x40);
	halt();
	check_is(event_count[0x40], 1, "it came");
}

CASE(wait, "a wait ends by a wake that came before it, or a pending vector")
{
	on_event(0x40, NULL);
	irq_off();
	SELF(LGUEST_IPI_WAKE);
	hypercall(LHCALL_HALT, LGUEST_HALT_WAIT, 0, 0, 0);
	SELF(0x40);
	hypercall(LHCALL_HALT, LGUEST_HALT_WAIT, 0, 0, 0);
	check_is(event_count[0x40], 0, "the flag is off still");
	check(irq_waits() != 0, "and it waits");
	irq_on();
	check_is(event_count[0x40], 1, "now it came");
}

/* ---- the interrupt flag ---- */

CASE(irq_disable, "irq_disable, irq_enable: what is pending waits for the flag")
{
	on_event(0x40, NULL);
	irq_off();
	check_is(irq_waits(), 0, "nothing waits");
	SELF(0x40);
	SELF(0x40);
	check(irq_waits() != 0, "irq_pending");
	check_is(event_count[0x40], 0, "not yet");
	hypercall(LHCALL_SEND_INTERRUPTS, 0, 0, 0, 0);
	check_is(event_count[0x40], 0, "nor by asking");
	irq_on();
	check_is(event_count[0x40], 1, "once");
	check_is(irq_waits(), 0, "nothing waits any more");
}

static u32 order[8], ordered;

static void note_order(struct event *event)
{
	order[ordered++ & 7] = (u32)event->vector;
}

CASE(priority, "the highest vector comes first")
{
	static const u8 vectors[] = { 0x41, 0xff, 0x20, 0x80 };
	u32 i;

	irq_off();
	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		on_event(vectors[i], note_order);
		SELF(vectors[i]);
	}
	irq_on();
	while (ordered < 4)
		pause();
	check_is(order[0], 0xff, "first");
	check_is(order[1], 0x80, "second");
	check_is(order[2], 0x41, "third");
	check_is(order[3], 0x20, "last");
}

CASE(enable_lguest_irq, "enable_lguest_irq: a blocked vector waits, unblocked")
{
	on_event(TIMER, NULL);
	on_event(0x40, NULL);
	info.blocked[0] = 1ULL << TIMER;
	irq_on();
	SELF(TIMER);
	SELF(0x40);
	check_is(event_count[0x40], 1, "another one comes");
	check_is(event_count[TIMER], 0, "the blocked one does not");
	check_is(irq_waits(), 0, "and nothing is said of it");
	info.blocked[0] = 0;
	hypercall(LHCALL_SEND_INTERRUPTS, 0, 0, 0, 0);
	check_is(event_count[TIMER], 1, "until it is unblocked");
}

static u64 stop user_data;

static void stop_user(struct event *event)
{
	(void)event;
	stop = 1;
}

CASE(in_user, "user mode can always be interrupted", BOTH_WAYS)
{
	extern const char spins[];
	struct user user;

	asm(".pushsection .user.text, \"ax\"\n"
	    "spins: cmpq $0, (%rdi)\n"
	    "	je spins\n"
	    "	syscall\n\tud2\n"
	    ".popsection");
	event_init();
	on_event(TIMER, stop_user);
	irq_off();
	set_clockevent(1, 0);
	user_init(&user, spins);
	user.rdi = (u64)&stop;
	user_run(&user);
	check_is(event_count[TIMER], 1, "it came");
	check_is(event_last.at.cs, LGUEST_CS, "user mode was running");
	check_is(event_last.at.rflags & RFLAGS_IF, RFLAGS_IF, "with IF");
}

static u32 ticks;

static void tick_on(struct event *event)
{
	(void)event;
	if (++ticks == 200)
		stop = 1;
	else
		set_clockevent(1, 0);
}

/*
 * User mode counts in three registers, two of which SYSCALL loses; they must
 * agree when it is told to stop.
 */
static void count_in_user(void)
{
	extern const char counts[];
	struct user user;

	asm(".pushsection .user.text, \"ax\"\n"
	    "counts: xor %ecx, %ecx\n"
	    "	xor %r11d, %r11d\n"
	    "	xor %eax, %eax\n"
	    "1:	inc %rcx\n"
	    "	inc %r11\n"
	    "	inc %rax\n"
	    "	cmpq $0, (%rdi)\n"
	    "	je 1b\n"
	    "	mov %rcx, %rbx\n"
	    "	mov %r11, %rdx\n"
	    "	syscall\n\tud2\n"
	    ".popsection");
	event_init();
	on_event(TIMER, tick_on);
	set_clockevent(1, 0);
	user_init(&user, counts);
	user.rdi = (u64)&stop;
	user.gs_base = 0x654321;
	user_run(&user);
	check_is(ticks, 200, "interrupts");
	check_is(user.rbx, user.rax, "RCX");
	check_is(user.rdx, user.rax, "R11");
	check_is(user.gs_base, 0x654321, "GS base");
}

CASE(iret, "two hundred interrupts of user mode leave no trace", BOTH_WAYS)
{
	count_in_user();
}

CASE(direct_iret, "nor with the direct return", BOTH_WAYS)
{
	hc_init(&lguest_data, &info, LGUEST_ABI_VERSION,
		LGUEST_FEATURE_DIRECT_SYSCALL | LGUEST_FEATURE_DIRECT_IRET);
	if (info.features & LGUEST_FEATURE_DIRECT_IRET) {
		hypercall(LHCALL_SET_SYSCALL, (u64)user_entry, (u64)user_exit,
			  (u64)event_iret, 0);
		event_direct = 1;
	}
	count_in_user();
}

CASE(iret_unasked, "which has to be asked for", DIES(LGUEST_TRAP_SYSCALL),
     .why = "SET_SYSCALL", LONG_WAY)
{
	hypercall(LHCALL_SET_SYSCALL, (u64)user_entry, (u64)user_exit,
		  (u64)event_iret, 0);
}

/* ---- NMI ---- */

static u32 nmi_depth, nmi_deepest;

static void nmi(struct event *event)
{
	(void)event;
	if (++nmi_depth > nmi_deepest)
		nmi_deepest = nmi_depth;
	if (event_count[TRAP_NMI] == 1)
		SELF(LGUEST_IPI_NMI);
	nmi_depth--;
}

CASE(nmis, "an NMI comes with the flag off, the next one after IRET")
{
	on_event(TRAP_NMI, nmi);
	irq_off();
	SELF(LGUEST_IPI_NMI);
	check_is(event_count[TRAP_NMI], 2, "both");
	check_is(nmi_deepest, 1, "one in the other");
	check_is(lguest_data.irq_enabled, 0, "the flag");
}

/* ---- the no-interrupt range ---- */

/*
 * The range turns the flag on and goes on for a while; what is pending must
 * come at its very end.
 */
extern void in_range(volatile u32 *flag, u32 value);
extern const char range_start[], range_end[];

asm(".pushsection .text.aside, \"ax\"\n"
    "in_range:\n"
    "range_start:\n"
    "	mov %esi, (%rdi)\n"
    "	mov $20, %ecx\n"
    "1:	dec %ecx\n"
    "	jnz 1b\n"
    "	nop\n"
    "range_end:\n"
    "	ret\n"
    ".popsection");

CASE(noirq, "an interrupt waits for the end of the no-interrupt range")
{
	on_event(0x40, NULL);
	hypercall(LHCALL_SET_NOIRQ, (u64)range_start, (u64)range_end, 0, 0);
	irq_off();
	SELF(0x40);
	in_range(&lguest_data.irq_enabled, LGUEST_IF);
	/* Nothing made the host look while we were inside, maybe; now it must. */
	irq_on();
	check_is(event_count[0x40], 1, "it came");
	check(event_last.at.rip < (u64)range_start ||
		      event_last.at.rip >= (u64)range_end,
	      "not within the range");
}

static void ret_in_range(struct event *event)
{
	/* As if the fault handler's return led into the range. */
	SELF(0x40);
	SELF(LGUEST_IPI_NMI);
	event->at.rip += 2;
	event->at.rflags |= RFLAGS_IF;
}

CASE(stepping, "after an exit inside the range it comes just behind its end")
{
	extern void with_fault(void);
	extern const char fault_start[], fault_end[];

	asm(".pushsection .text.aside, \"ax\"\n"
	    "with_fault:\n"
	    "fault_start:\n"
	    "	ud2\n"
	    "	mov $20, %ecx\n"
	    "1:	dec %ecx\n"
	    "	jnz 1b\n"
	    "	pushfq\n"
	    "	pop %rdx\n"
	    "	nop\n"
	    "fault_end:\n"
	    "	nop\n"
	    "	ret\n"
	    ".popsection");
	on_event(0x40, note_order);
	on_event(TRAP_NMI, note_order);
	on_event(TRAP_UD, ret_in_range);
	on_event(TRAP_DB, NULL);
	hypercall(LHCALL_SET_NOIRQ, (u64)fault_start, (u64)fault_end, 0, 0);
	irq_off();
	with_fault();
	check_is(event_count[TRAP_NMI], 1, "the NMI");
	check_is(event_count[0x40], 1, "the interrupt");
	check_is(order[0], TRAP_NMI, "the NMI first");
	check_is(event_count[TRAP_DB], 0, "and no step was seen");
	check_is(event_last.vector, 0x40, "the last event");
	check_is(event_last.at.rip, (u64)fault_end, "right behind the range");
	check_is(event_last.at.rflags & RFLAGS_TF, 0, "TF");
}

CASE(iretq_back, "a return by IRETQ within the range is a point as well")
{
	extern void iretq_back_code(void);
	extern const char iretq_start[], iretq_end[], iretq_there[];

	asm(".pushsection .text.aside, \"ax\"\n"
	    "iretq_back_code:\n"
	    "	mov %rsp, %rax\n"
	    "	push $0x2b\n"
	    "	push %rax\n"
	    "	pushfq\n"
	    "	push $0x33\n"
	    "	lea iretq_there(%rip), %rax\n"
	    "	push %rax\n"
	    "iretq_start:\n"
	    "	ud2\n"
	    "	nop\n"
	    "	iretq\n"
	    "iretq_end:\n"
	    "	ud2\n"
	    "iretq_there:\n"
	    "	ret\n"
	    ".popsection");
	if (returns_are_broken())
		skip("this CPU's iretq is broken");
	on_event(0x40, NULL);
	on_event(TRAP_UD, ret_in_range);
	on_event(TRAP_NMI, NULL);
	hypercall(LHCALL_SET_NOIRQ, (u64)iretq_start, (u64)iretq_end, 0, 0);
	irq_off();
	iretq_back_code();
	check_is(event_count[0x40], 1, "the interrupt");
	check_is(event_last.at.rip, (u64)iretq_there, "right behind the IRETQ");
}

/* ---- nonsense ---- */

CASE(bad_ipi, "vectors that cannot be are refused", DIES(LGUEST_TRAP_SYSCALL),
     .why = "SEND_IPI", STEPS(5))
{
	static const u64 bad[] = { 1, 3, 31, 256, ~0ULL };

	SELF(bad[step]);
}

CASE(bad_timer, "nor can a clock event have them", DIES(LGUEST_TRAP_SYSCALL),
     .why = "SET_CLOCKEVENT", STEPS(3))
{
	static const u64 bad[] = { 1, 31, 256 };

	set_clockevent(1, bad[step]);
}

CASE(bad_halt, "nor is there another kind of HALT", DIES(LGUEST_TRAP_SYSCALL),
     .why = "HALT")
{
	hypercall(LHCALL_HALT, 3, 0, 0, 0);
}

CASE(bad_range, "a range that ends before it starts, or is long, is refused",
     DIES(LGUEST_TRAP_SYSCALL), .why = "SET_NOIRQ", STEPS(3))
{
	static const u64 ends[] = { 0x1fffff, 0x201001, ~0ULL };

	hypercall(LHCALL_SET_NOIRQ, 0x200000, ends[step], 0, 0);
}

CASE(unhandled, "an interrupt without a gate is the end", DIES(0x55),
     .why = "no handler")
{
	irq_on();
	SELF(0x55);
}

CASE(nobody, "an IPI to vcpus that are not there is to nobody")
{
	check_is(hypercall(LHCALL_SEND_IPI, ~1ULL, 0x40, 0, 0), 0, "result");
	check_is(hypercall(LHCALL_VCPU_UP, 5, 0x200000, 0, 0), -2ULL, "5");
	check_is(hypercall(LHCALL_VCPU_UP, 64, 0x200000, 0, 0), -2ULL, "64");
	check_is(hypercall(LHCALL_VCPU_UP, ~0ULL, 0x200000, 0, 0), -2ULL, "-1");
	check_is(hypercall(LHCALL_VCPU_UP, 0, 0x200000, 0, 0), -16ULL,
		 "ourselves");
	check_is(info.vcpus, 1, "who is there");
}

CASE(storm, "ten thousand interrupts, and none is lost")
{
	u32 i;

	on_event(0x40, NULL);
	irq_on();
	for (i = 0; i < 10000; i++)
		SELF(0x40);
	check_is(event_count[0x40], 10000, "how many");
}
