// SPDX-License-Identifier: GPL-2.0-only
/*
 * events - exceptions and interrupts, as a guest kernel gets them
 *
 * Frames first: from the kernel, from user mode, with every kind of error code.
 * Then what makes a vector pending and what holds it up.  Then what goes wrong
 * while an event is being delivered, which is where hypervisors go wrong too.
 */
#include "event.h"
#include "test.h"

#define TIMER_VECTOR LGUEST_IRQ_VECTOR(0)

/* Addresses in the low half that no table has anything at. */
#define HOLE 0x40000000ULL

static u64 page[512] __attribute__((aligned(4096)));

/* ---- frames from the kernel ---- */

static void skip_two(struct event *event)
{
	event->at.rip += 2;
}

CASE(kernel_frame, "an exception of the kernel has the frame hardware makes")
{
	extern const char kernel_ud2[];
	u64 rsp;

	on_event(TRAP_UD, skip_two);
	irq_on_quietly();
	asm volatile("mov %%rsp, %0\n"
		     "	stc\n"
		     "	.globl kernel_ud2\n"
		     "kernel_ud2: ud2\n"
		     : "=r"(rsp)
		     :
		     : "memory", "cc");
	check_is(event_count[TRAP_UD], 1, "how often");
	check_is(event_last.at.rip, (u64)kernel_ud2, "RIP");
	check_is(event_last.at.cs, LGUEST_KERNEL_CS, "CS");
	check_is(event_last.at.ss, LGUEST_KERNEL_DS, "SS");
	check_is(event_last.at.rsp, rsp, "RSP");
	check_is(event_last.at.rflags & (RFLAGS_IF | RFLAGS_CF | RFLAGS_FIXED),
		 RFLAGS_IF | RFLAGS_CF | RFLAGS_FIXED, "RFLAGS");
	check_is(lguest_data.irq_enabled, LGUEST_IF, "the flag comes back");
}

static u32 flag_inside;

static void note_flag(struct event *event)
{
	flag_inside = lguest_data.irq_enabled;
	event->at.rip += 2;
}

CASE(gate_kinds, "an interrupt gate turns the flag off, a trap gate does not")
{
	on_event(TRAP_UD, note_flag);
	irq_on_quietly();
	asm volatile("ud2" ::: "memory");
	check_is(flag_inside, 0, "in an interrupt gate");
	on_event_flags(TRAP_UD, note_flag, LGUEST_GATE_TRAP);
	asm volatile("ud2" ::: "memory");
	check_is(flag_inside, LGUEST_IF, "in a trap gate");
	irq_off();
	asm volatile("ud2" ::: "memory");
	check_is(event_last.at.rflags & RFLAGS_IF, 0, "IF of the frame");
	check_is(lguest_data.irq_enabled, 0, "the flag stays off");
}

static u64 flags_inside;

static void note_rflags(struct event *event)
{
	asm volatile("pushfq\n\tpop %0" : "=r"(flags_inside));
	event->at.rip += 2;
	event->at.rflags &= ~(u64)(RFLAGS_AC | RFLAGS_NT);
}

CASE(clean_flags, "a handler starts without TF, NT, RF and AC")
{
	on_event(TRAP_UD, note_rflags);
	asm volatile("pushfq\n\torq %0, (%%rsp)\n\tpopfq\n\tud2"
		     :
		     : "i"(RFLAGS_AC | RFLAGS_NT)
		     : "memory", "cc");
	check_is(event_last.at.rflags & (RFLAGS_AC | RFLAGS_NT),
		 RFLAGS_AC | RFLAGS_NT, "they are in the frame");
	check_is(flags_inside & (RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC),
		 0, "and not in force");
}

CASE(registers, "every register comes through an exception unharmed")
{
	static const u64 seed = 0x1234567890abcdef;
	u64 out[6];

	on_event(TRAP_UD, skip_two);
	asm volatile("mov %6, %%rcx\n\tmov %6, %%r11\n\tmov %6, %%rax\n\t"
		     "mov %6, %%r8\n\tmov %6, %%r15\n\tmov %6, %%rdx\n\t"
		     "ud2\n\t"
		     "mov %%rcx, %0\n\tmov %%r11, %1\n\tmov %%rax, %2\n\t"
		     "mov %%r8, %3\n\tmov %%r15, %4\n\tmov %%rdx, %5"
		     : "=m"(out[0]), "=m"(out[1]), "=m"(out[2]), "=m"(out[3]),
		       "=m"(out[4]), "=m"(out[5])
		     : "m"(seed)
		     : "rcx", "r11", "rax", "r8", "r15", "rdx", "memory");
	check_is(out[0], seed, "RCX");
	check_is(out[1], seed, "R11");
	check_is(out[2], seed, "RAX");
	check_is(out[3], seed, "R8");
	check_is(out[4], seed, "R15");
	check_is(out[5], seed, "RDX");
}

/* ---- page faults ---- */

static u64 resume_at;

static void resume(struct event *event)
{
	event->at.rip = resume_at;
}

/* Does insn with its address in RDI, and goes on after it. */
#define FAULTS(insn, address)                                                 \
	do {                                                                  \
		asm volatile("lea 1f(%%rip), %%rax\n\tmov %%rax, %0\n\t" insn \
			     "\n1:"                                           \
			     : "=m"(resume_at)                                \
			     : "D"(address)                                   \
			     : "rax", "memory");                              \
	} while (0)

CASE(kernel_pf, "a page fault of the kernel has address and code, U clear")
{
	on_event(TRAP_PF, resume);
	FAULTS("mov (%%rdi), %%al", HOLE + 5);
	check_is(event_last.error, 0, "reading what is not there");
	check_is(lguest_data.cr2, HOLE + 5, "cr2");
	FAULTS("mov %%al, (%%rdi)", HOLE + 7);
	check_is(event_last.error, PF_WRITE, "writing what is not there");
	check_is(lguest_data.cr2, HOLE + 7, "cr2");
	FAULTS("jmp *%%rdi", HOLE + 9);
	check_is(event_last.error, PF_FETCH, "running what is not there");
	check_is(event_last.at.rip, HOLE + 9, "RIP is there already");
	pgtable_map((u64)page, (u64)page, PTE_P);
	FAULTS("mov %%al, (%%rdi)", (u64)page);
	check_is(event_last.error, PF_WRITE | PF_PRESENT, "read-only");
	pgtable_map((u64)page, (u64)page, PTE_P | PTE_W | PTE_U);
	FAULTS("jmp *%%rdi", (u64)page);
	check_is(event_last.error, PF_FETCH | PF_PRESENT, "a user page");
	check_is(event_count[TRAP_PF], 5, "how many");
}

static void map_it(struct event *event)
{
	(void)event;
	*pgtable_entry(lguest_data.cr2, 1) = (u64)page | PTE_P | PTE_W;
}

CASE(demand, "an entry made present in the handler needs no flush")
{
	on_event(TRAP_PF, map_it);
	*(volatile u64 *)HOLE = 42;
	check_is(page[0], 42, "what was written");
	check_is(event_count[TRAP_PF], 1, "faults");
}

/* ---- user mode ---- */

static u64 gs_inside;

static void note_gs(struct event *event)
{
	asm volatile("rdgsbase %0" : "=r"(gs_inside));
	event->at.rip += 2;
}

CASE(user_frame, "an exception of user mode comes on sp0, with its own frame",
     BOTH_WAYS)
{
	extern const char user_ud2[], user_after[];
	struct user user;

	asm(".pushsection .user.text, \"ax\"\n"
	    "user_ud2: ud2\n"
	    "user_after: syscall\n\tud2\n"
	    ".popsection");
	event_init();
	on_event(TRAP_UD, note_gs);
	user_init(&user, user_ud2);
	user.gs_base = 0x123000;
	user.rcx = 0xcccc;
	user_run(&user);
	check_is(user.rip, (u64)user_after + 2, "user mode went on");
	check_is(event_last.at.rip, (u64)user_ud2, "RIP");
	check_is(event_last.at.cs, LGUEST_CS, "CS");
	check_is(event_last.at.ss, LGUEST_DS, "SS");
	check_is(event_last.at.rsp, USER_STACK_TOP, "RSP");
	check_is(event_last.at.rflags & RFLAGS_IF, RFLAGS_IF, "IF");
	check_is(gs_inside, (u64)&cpu, "the kernel's GS base in the handler");
	check_is(user.gs_base, 0x123000, "user mode's GS base afterwards");
}

/* User code that calls the kernel. */
extern const char user_end_here[];

asm(".pushsection .user.text, \"ax\"\n"
    "user_end_here: syscall\n\tud2\n"
    ".popsection");

static void end_user(struct event *event)
{
	event->at.rip = (u64)user_end_here;
}

/* Run user code that has an exception; where it is then made to call us. */
static void user_faults(const void *rip, u64 rdi)
{
	struct user user;

	user_init(&user, rip);
	user.rdi = rdi;
	user_run(&user);
}

CASE(user_pf, "a page fault of user mode says so")
{
	extern const char user_reads[], user_writes[], user_jumps[];

	asm(".pushsection .user.text, \"ax\"\n"
	    "user_reads: mov (%rdi), %al\n"
	    "user_writes: mov %al, (%rdi)\n"
	    "user_jumps: jmp *%rdi\n"
	    ".popsection");
	event_init();
	on_event(TRAP_PF, end_user);
	user_faults(user_reads, HOLE);
	check_is(event_last.error, PF_USER, "reading what is not there");
	user_faults(user_writes, HOLE);
	check_is(event_last.error, PF_USER | PF_WRITE, "writing");
	user_faults(user_jumps, HOLE);
	check_is(event_last.error, PF_USER | PF_FETCH, "running");
	user_faults(user_reads, (u64)page);
	check_is(event_last.error, PF_USER | PF_PRESENT, "the kernel's page");
	check_is(lguest_data.cr2, (u64)page, "cr2");
	user_faults(user_writes, (u64)page);
	check_is(event_last.error, PF_USER | PF_PRESENT | PF_WRITE, "writing");
	check_is(event_last.at.cs, LGUEST_CS, "CS");
}

CASE(soft, "INT n of user mode needs a gate that allows it")
{
	extern const char user_int80[], user_int81[], user_int3[];

	asm(".pushsection .user.text, \"ax\"\n"
	    "user_int80: int $0x80\n\tsyscall\n\tud2\n"
	    "user_int81: int $0x81\n\tud2\n"
	    "user_int3: int3\n\tsyscall\n\tud2\n"
	    ".popsection");
	event_init();
	on_event(TRAP_GP, end_user);
	on_event_flags(0x80, NULL, LGUEST_GATE_USER);
	on_event(0x81, NULL);
	on_event(TRAP_BP, NULL);
	user_faults(user_int80, 0);
	check_is(event_count[0x80], 1, "INT 0x80");
	check_is(event_last.at.rip, (u64)user_int80 + 2, "RIP after it");
	user_faults(user_int81, 0);
	check_is(event_count[0x81], 0, "INT 0x81");
	check_is(event_last.vector, TRAP_GP, "is a #GP");
	check_is(event_last.error, 0x81 << 3 | 2, "with the error code");
	check_is(event_last.at.rip, (u64)user_int81, "and RIP at it");
	user_faults(user_int3, 0);
	check_is(event_last.vector, TRAP_BP, "INT3");
	check_is(event_last.at.rip, (u64)user_int3 + 1, "RIP after it");
	asm volatile("int $0x81");
	check_is(event_count[0x81], 1, "the kernel's own INT 0x81");
}

/* Leaves the guest's kernel by a frame of our making; returns by the next. */
extern void iret_to(const struct lguest_iret *frame);
extern const char came_back[];

asm(".pushsection .text.aside, \"ax\"\n"
    "iret_to: push %rbp\n"
    "	push %rbx\n"
    "	mov %rsp, saved_rsp(%rip)\n"
    "	mov %rdi, %rsp\n"
    "	mov $37, %eax\n"
    "	syscall\n"
    "	ud2\n"
    "came_back: pop %rbx\n"
    "	pop %rbp\n"
    "	ret\n"
    ".popsection\n"
    ".pushsection .bss\n"
    "saved_rsp: .zero 8\n"
    ".popsection");
extern u64 saved_rsp;

static void back_to_kernel(struct event *event)
{
	event->at.rip = (u64)came_back;
	event->at.cs = LGUEST_KERNEL_CS;
	event->at.ss = LGUEST_KERNEL_DS;
	event->at.rsp = saved_rsp;
}

CASE(bad_iret, "IRET to selectors that user mode cannot have is its #GP",
     STEPS(5))
{
	static const struct {
		u64 cs, ss, rip, error;
	} bad[] = {
		{ 0x2b, LGUEST_DS, 0x1000, 0x28 },
		{ LGUEST_CS, 0x33, 0x1000, 0x30 },
		{ 0x1b, LGUEST_DS, 0x1000, 0x18 },
		{ LGUEST_CS, LGUEST_DS, NONCANONICAL, 0x30 },
		{ LGUEST_CS32, LGUEST_DS, 1ULL << 32, 0x20 },
	};
	struct lguest_iret frame = {
		.rip = bad[step].rip,
		.cs = bad[step].cs,
		.ss = bad[step].ss,
		.rflags = RFLAGS_IF,
		.rsp = 0x7000,
	};

	event_init();
	on_event(TRAP_GP, back_to_kernel);
	iret_to(&frame);
	check_is(event_count[TRAP_GP], 1, "#GP");
	check_is(event_last.error, bad[step].error, "error code");
	check_is(event_last.at.cs, frame.cs, "CS of the frame");
	check_is(event_last.at.ss, frame.ss, "SS of the frame");
	check_is(event_last.at.rip, frame.rip, "RIP of the frame");
	check_is(event_last.at.rsp, 0x7000, "RSP of the frame");
}

CASE(iret_nowhere, "IRET with no frame at RSP is the end",
     DIES(LGUEST_TRAP_SYSCALL), .why = "no frame")
{
	asm volatile("mov %0, %%rsp\n\t"
		     "mov %1, %%eax\n\t"
		     "syscall"
		     :
		     : "i"(HOLE), "i"(LHCALL_IRET)
		     : "memory");
}

CASE(iret_everything, "IRET loads every register, in the kernel as well")
{
	struct lguest_iret frame = {
		.rax = 0x1111,
		.rcx = 0x2222,
		.r11 = 0x3333,
		.cs = LGUEST_KERNEL_CS,
		.ss = LGUEST_KERNEL_DS,
		.rflags = RFLAGS_IF | RFLAGS_CF,
	};
	u64 rax, rcx, r11;
	u8 carry;

	irq_off();
	asm volatile("lea 1f(%%rip), %%rax\n\t"
		     "mov %%rax, 24(%4)\n\t"
		     "mov %%rsp, 48(%4)\n\t"
		     "mov %4, %%rsp\n\t"
		     "mov %5, %%eax\n\t"
		     "syscall\n\t"
		     "ud2\n"
		     "1:\tmov %%r11, %2\n\t"
		     "setc %3"
		     : "=&a"(rax), "=&c"(rcx), "=&d"(r11), "=&q"(carry)
		     : "S"(&frame), "i"(LHCALL_IRET)
		     : "r11", "memory", "cc");
	check_is(rax, 0x1111, "RAX");
	check_is(rcx, 0x2222, "RCX");
	check_is(r11, 0x3333, "R11");
	check(carry, "CF");
	check_is(lguest_data.irq_enabled, LGUEST_IF, "the interrupt flag");
	irq_off();
}

/* ---- delivery that fails ---- */

static void note_df(struct event *event)
{
	(void)event;
	hc_shutdown(LGUEST_SHUTDOWN_POWEROFF, NULL);
}

CASE(double_fault, "no stack for a frame is a double fault, on df_stack")
{
	on_event(TRAP_UD, NULL);
	on_event(TRAP_DF, note_df);
	info.df_stack = EVENT_STACK_TOP;
	asm volatile("mov %0, %%rsp\n\tud2" : : "r"(HOLE) : "memory");
	panic("the kernel went on without a stack");
}

CASE(triple_fault, "and no stack for that is the end", DIES(TRAP_UD),
     .why = "triple fault")
{
	on_event(TRAP_UD, NULL);
	on_event(TRAP_DF, NULL);
	asm volatile("mov %0, %%rsp\n\tud2" : : "r"(HOLE) : "memory");
}

CASE(bad_stacks, "a stack that is the Switcher's, or not canonical, is none",
     DIES(TRAP_UD), .why = "triple fault", STEPS(3))
{
	const u64 stacks[] = { info.switcher_start + 0x4800, NONCANONICAL,
			       info.switcher_start + 0x9800 };

	on_event(TRAP_UD, NULL);
	asm volatile("mov %0, %%rsp\n\tud2" : : "r"(stacks[step]) : "memory");
}

CASE(read_only_stack, "a stack that is read-only is none", DIES(TRAP_UD),
     .why = "triple fault")
{
	on_event(TRAP_UD, NULL);
	pgtable_map((u64)page, (u64)page, PTE_P);
	asm volatile("mov %0, %%rsp\n\tud2"
		     :
		     : "r"((u64)page + 2048)
		     : "memory");
}

CASE(crossing_stack, "a frame may lie across two pages")
{
	u64 top = (u64)event_stack + PAGE_BYTES + 16;

	top = (top & ~(PAGE_BYTES - 1)) + 16;
	on_event(TRAP_UD, skip_two);
	asm volatile("mov %%rsp, %%rbx\n\tmov %0, %%rsp\n\tud2\n\t"
		     "mov %%rbx, %%rsp"
		     :
		     : "r"(top)
		     : "rbx", "memory");
	check_is(event_last.at.rsp, top, "RSP");
	check_is(event_last.at.ss, LGUEST_KERNEL_DS, "SS");
}

CASE(no_handler, "an exception without a gate is the end, with its name",
     DIES(TRAP_DE), .why = "divide error")
{
	on_event(TRAP_UD, NULL);
	asm volatile("xor %%ecx, %%ecx\n\tdiv %%ecx" : : : "rax", "rcx", "rdx");
}

CASE(bad_gates, "gates that cannot be are refused", DIES(LGUEST_TRAP_SYSCALL),
     .why = "LOAD_IDT_ENTRY", STEPS(5))
{
	static const struct {
		u64 vector, handler, flags;
	} bad[] = {
		{ 256, 0x200000, 0 },   { LGUEST_GATES, 0x200000, 0 },
		{ ~0ULL, 0x200000, 0 }, { 14, NONCANONICAL, 0 },
		{ 14, 0x200000, 4 },
	};

	hypercall(LHCALL_LOAD_IDT_ENTRY, bad[step].vector, bad[step].handler,
		  bad[step].flags, 0);
}
