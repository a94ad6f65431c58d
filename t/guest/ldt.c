// SPDX-License-Identifier: GPL-2.0-only
/*
 * ldt - a table of segments that the guest's processes fill in
 *
 * modify_ldt(2) of a Linux guest lets any program say what is in it, and its
 * kernel hands that on; and then all the programs' segment registers are the
 * Switcher's to load, at CPL 0, at each entry.  A gate or another privilege
 * there would be the end of the host's; a selector that faults, of the guest; and
 * a table that is changed under a selector in use is what every context switch
 * of Linux does.
 */
#include "event.h"
#include "test.h"

#define SELECTOR(index) ((u32)(index) << 3 | 7)

/* Access bytes, with P, S and DPL 3. */
#define READ_DATA  0xf0
#define WRITE_DATA 0xf2
#define EXEC_CODE  0xf8
#define READ_CODE  0xfa
/* Flags: G and D, D, neither. */
#define FLAT    0xc
#define BYTES32 0x4
#define BYTES16 0x0

static u64 table[LGUEST_LDT_ENTRIES] __attribute__((aligned(4096)));
static u64 word = 0x6c6474;

static u64 segment(u64 base, u64 limit, u64 access, u64 flags)
{
	return (limit & 0xffff) | (base & 0xffffff) << 16 | access << 40 |
	       (limit >> 16 & 0xf) << 48 | flags << 52 | (base >> 24) << 56;
}

static void start(void)
{
	hc_init(&lguest_data, &info, LGUEST_ABI_VERSION,
		LGUEST_FEATURE_DIRECT_SYSCALL | LGUEST_FEATURE_LDT);
	event_init();
}

static u64 set_ldt(const u64 *at, u64 entries)
{
	return hypercall(LHCALL_SET_LDT, (u64)at, entries, 0, 0);
}

/* ---- data ---- */

static void skip_load(struct event *event)
{
	event->at.rip = event->rbx;
}

/* Loads FS; the vector of the fault, or 0. */
static u64 load(u32 selector)
{
	u32 before;

	on_event(TRAP_GP, skip_load);
	on_event(TRAP_NP, skip_load);
	before = event_count[TRAP_GP] + event_count[TRAP_NP];
	asm volatile("lea 1f(%%rip), %%rbx\n\tmov %0, %%fs\n1:"
		     :
		     : "r"(selector)
		     : "rbx", "memory");
	if (event_count[TRAP_GP] + event_count[TRAP_NP] == before)
		return 0;
	check_is(event_last.error, selector & 0xfffc, "error code");
	return event_last.vector;
}

static u64 read_fs(void)
{
	u64 got;

	asm volatile("mov %%fs:0, %0" : "=r"(got));
	return got;
}

CASE(data, "a segment of the LDT is found, and again after an exit")
{
	start();
	table[3] = segment((u64)&word, 7, READ_DATA, BYTES32);
	check_is(set_ldt(table, 4), 0, "SET_LDT");
	check_is(load(SELECTOR(3)), 0, "loading it");
	check_is(read_fs(), 0x6c6474, "what FS leads to");
	hc_flush_async();
	check_is(read_fs(), 0x6c6474, "and after an exit");
	ask(CASE_TOKEN_STATE);
	check_is(read_fs(), 0x6c6474, "and after saving and restoring");
	table[3] = 0;
	check_is(load(SELECTOR(3)), 0, "the guest's own table is not ours");
}

CASE(no_feature, "a guest that did not ask for it has none",
     DIES(LGUEST_TRAP_SYSCALL), .why = "SET_LDT")
{
	event_init();
	set_ldt(table, 0);
}

CASE(all, "there are 8192 entries")
{
	start();
	table[LGUEST_LDT_ENTRIES - 1] =
		segment((u64)&word, 7, READ_DATA, BYTES32);
	set_ldt(table, LGUEST_LDT_ENTRIES);
	check_is(load(SELECTOR(LGUEST_LDT_ENTRIES - 1)), 0, "the last");
	check_is(read_fs(), 0x6c6474, "what it leads to");
	set_ldt(table + 1, LGUEST_LDT_ENTRIES - 1);
	check_is(load(SELECTOR(LGUEST_LDT_ENTRIES - 2)), 0, "it moves");
	set_ldt(NULL, 0);
	check_is(load(0), 0, "null");
	set_ldt(NULL, 0);
	check_is(load(SELECTOR(0)), TRAP_GP, "the first of none");
	check_is(load(SELECTOR(LGUEST_LDT_ENTRIES - 1)), TRAP_GP,
		 "the last of none");
}

CASE(bad_table, "a table that is too long, or is not there, is the end",
     DIES(LGUEST_TRAP_SYSCALL), .why = "SET_LDT", STEPS(5))
{
	static const struct {
		u64 at, entries;
	} bad[] = {
		{ 0, LGUEST_LDT_ENTRIES + 1 }, { 0, ~0ULL }, { 0x40000000, 1 },
		{ NONCANONICAL - 8, 2 },       { -8ULL, 2 },
	};

	start();
	set_ldt((void *)bad[step].at, bad[step].entries);
}

/* What the CPU says when it is loaded into a data register. */
static const struct {
	u64 access, flags, vector;
	const char *what;
} kinds[] = {
	{ READ_DATA, BYTES32, 0, "data" },
	{ READ_DATA, BYTES16, 0, "data of 16 bits, if it is not written" },
	{ WRITE_DATA, FLAT, 0, "data that is written" },
	{ READ_CODE, BYTES16, 0, "code that is read" },
	{ 0xfe, BYTES32, 0, "conforming code" },
	{ EXEC_CODE, FLAT, TRAP_GP, "code that is not read" },
	{ 0x70, BYTES32, TRAP_NP, "what is not present" },
	{ WRITE_DATA, BYTES16, TRAP_GP, "a stack of 16 bits" },
	{ 0xf6, BYTES16, TRAP_GP, "one that grows down" },
	{ READ_CODE, 0x2, TRAP_GP, "64-bit code" },
	{ READ_CODE, 0x6, TRAP_GP, "code of both kinds" },
	{ READ_DATA, 0x2, TRAP_GP, "data with L" },
	{ 0xd2, FLAT, TRAP_GP, "data of DPL 2" },
	{ 0x92, FLAT, TRAP_GP, "data of DPL 0" },
	{ 0x9a, FLAT, TRAP_GP, "code of DPL 0" },
	{ 0xe2, 0, TRAP_GP, "an LDT" },
	{ 0xe9, 0, TRAP_GP, "a TSS" },
	{ 0xec, 0, TRAP_GP, "a call gate" },
	{ 0xee, 0, TRAP_GP, "an interrupt gate" },
	{ 0x60, 0, TRAP_GP, "a system segment that is not present" },
};

CASE(hostile, "what a guest may not have is as good as empty",
     STEPS(ARRAY_SIZE(kinds)))
{
	start();
	table[1] = segment((u64)&word, 0xff, kinds[step].access,
			   kinds[step].flags);
	set_ldt(table, 2);
	check_is(load(SELECTOR(1)), kinds[step].vector, kinds[step].what);
	hc_flush_async();
}

CASE(call_gate, "there is no gate to the host's privilege")
{
	struct {
		u32 offset;
		u16 selector;
	} __attribute__((packed)) to = { 0, SELECTOR(1) };

	start();
	on_event(TRAP_GP, skip_load);
	/* To the Switcher's code segment. */
	table[1] = 0x0000ec0000100000;
	set_ldt(table, 3);
	asm volatile("lea 1f(%%rip), %%rbx\n\tlcall *%0\n1:"
		     :
		     : "m"(to)
		     : "rbx", "memory");
	check_is(event_count[TRAP_GP], 1, "#GP");
	check_is(event_last.error, SELECTOR(1) & 0xfffc, "error code");
}

/* As Linux does: the next process's table first, its registers after. */
CASE(under_it, "a selector in use outlives the table, and leads nowhere")
{
	u32 selector = SELECTOR(700), got;

	start();
	table[700] = segment((u64)&word, 7, READ_DATA, BYTES32);
	set_ldt(table, 701);
	asm volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %0, %%fs\n\t"
		     "mov %0, %%gs"
		     :
		     : "r"(selector));
	set_ldt(NULL, 0);
	ask(CASE_TOKEN_STATE);
	asm volatile("mov %%ds, %0" : "=r"(got));
	check_is(got, selector, "DS");
	asm volatile("mov %%es, %0" : "=r"(got));
	check_is(got, selector, "ES");
	asm volatile("mov %%fs, %0" : "=r"(got));
	check_is(got, selector, "FS");
	asm volatile("mov %%gs, %0" : "=r"(got));
	check_is(got, selector, "GS");
	check_is(load(SELECTOR(699)), TRAP_GP, "the one beside it");
	/* Nothing that could be a stack, or code. */
	asm volatile("lar %1, %0" : "=r"(got) : "r"(selector));
	check_is(got >> 8 & 0xff, 0xf1, "what it is");
	set_ldt(table, 701);
	check_is(load(selector), 0, "loading it again");
	check_is(read_fs(), 0x6c6474, "what it leads to");
	asm volatile("wrgsbase %0" : : "r"(&cpu));
}

CASE(load_gs, "LOAD_GS knows them, and what is not there is null")
{
	u32 got;

	start();
	table[2] = segment(0x12345678, 0xfffff, WRITE_DATA, FLAT);
	table[3] = segment(0x12345678, 0xfffff, EXEC_CODE, FLAT);
	set_ldt(table, 4);
	check_is(hypercall(LHCALL_LOAD_GS, SELECTOR(2), 0, 0, 0), 0x12345678,
		 "base");
	asm volatile("mov %%gs, %0" : "=r"(got));
	check_is(got, SELECTOR(2), "GS");
	check_is(hypercall(LHCALL_LOAD_GS, SELECTOR(3), 0, 0, 0), 0, "code");
	asm volatile("mov %%gs, %0" : "=r"(got));
	check_is(got, 0, "GS");
	check_is(hypercall(LHCALL_LOAD_GS, SELECTOR(9), 0, 0, 0), 0, "none");
}

/* ---- code ---- */

/*
 * Code of 32 bits at any base.  It is entered in user mode with the number of
 * turns in ESI.
 */
asm(".pushsection .user.text, \"ax\"\n"
    "	.balign 16\n"
    "	.code32\n"
    "code_32:\n"
    "1:	dec %esi\n"
    "	jnz 1b\n"
    "	push $0x77\n"
    "	pop %eax\n"
    "	int $0x80\n"
    "	ud2\n"
    "	.code16\n"
    "	.balign 16\n"
    "code_16: mov $0x1234, %ax\n"
    "	int $0x80\n"
    "	.code64\n"
    "	.fill 1024, 1, 0xcc\n"
    ".popsection");
extern const char code_32[], code_16[];

/* Goes where the frame says with RSI; comes back by the next event. */
extern void go(const struct lguest_iret *frame, u64 rsi);
extern const char came_back[];

asm(".pushsection .text.aside, \"ax\"\n"
    "go:	push %rbp\n"
    "	push %rbx\n"
    "	push %r12\n"
    "	push %r13\n"
    "	push %r14\n"
    "	push %r15\n"
    "	mov %rsp, went_with(%rip)\n"
    "	mov %rdi, %rsp\n"
    "	mov $37, %eax\n"
    "	syscall\n"
    "	ud2\n"
    "came_back: pop %r15\n"
    "	pop %r14\n"
    "	pop %r13\n"
    "	pop %r12\n"
    "	pop %rbx\n"
    "	pop %rbp\n"
    "	ret\n"
    ".popsection\n"
    ".pushsection .bss\n"
    "went_with: .zero 8\n"
    ".popsection");
extern u64 went_with;

static struct event came_with; /* as it was */

static void come_back(struct event *event)
{
	came_with = *event;
	event->at.rip = (u64)came_back;
	event->at.cs = LGUEST_KERNEL_CS;
	event->at.ss = LGUEST_KERNEL_DS;
	event->at.rsp = went_with;
}

static void start_code(void)
{
	u32 vector;

	start();
	for (vector = 0; vector < 32; vector++)
		on_event(vector, come_back);
	on_event_flags(0x80, come_back, LGUEST_GATE_USER);
	table[1] = segment((u64)code_32, 0xff, READ_CODE, BYTES32);
	table[2] = segment(0, 0xfffff, WRITE_DATA, FLAT);
	table[3] = segment((u64)code_16, 0xff, EXEC_CODE, BYTES16);
	table[4] = segment(0, 0xfffff, READ_DATA, FLAT);
	table[5] = segment((u64)code_32, 0xff, 0x7a, BYTES32);
	table[6] = segment((u64)code_32, 0xff, 0xfe, BYTES32);
	table[7] = segment(0, 0xffff, WRITE_DATA, BYTES16);
	table[8] = segment(0, 0xfffff, 0x72, FLAT);
	set_ldt(table, 9);
}

static struct lguest_iret frame_of(u64 cs, u64 ss, u64 rip)
{
	return (struct lguest_iret){
		.rip = rip,
		.cs = cs,
		.ss = ss,
		.rflags = RFLAGS_IF,
		.rsp = USER_STACK_TOP,
	};
}

CASE(code, "code and a stack of the LDT, and its INT", STEPS(2))
{
	u64 cs = SELECTOR(step ? 6 : 1);
	struct lguest_iret frame = frame_of(cs, SELECTOR(2), 0);

	start_code();
	go(&frame, 5);
	check_is(came_with.vector, 0x80, "vector");
	check_is(came_with.at.cs, cs, "CS");
	check_is(came_with.at.ss, SELECTOR(2), "SS");
	check_is((u32)came_with.at.rax, 0x77, "what it pushed");
	check_is(came_with.at.rsp, USER_STACK_TOP, "RSP");
}

CASE(code_of_16, "code of 16 bits")
{
	struct lguest_iret frame = frame_of(SELECTOR(3), LGUEST_DS, 0);

	start_code();
	go(&frame, 0);
	check_is(came_with.vector, 0x80, "vector");
	check_is((u16)came_with.at.rax, 0x1234, "AX");
}

CASE(interrupted, "the host's interrupts come and go there")
{
	struct lguest_iret frame = frame_of(SELECTOR(1), SELECTOR(2), 0);
	u64 before, rounds;

	start_code();
	before = ask_stat(LG_STAT_IRQS);
	for (rounds = 0; rounds < 100 && ask_stat(LG_STAT_IRQS) == before;
	     rounds++) {
		go(&frame, 2000000);
		check_is(came_with.vector, 0x80, "vector");
		check_is((u32)came_with.at.rax, 0x77, "what it pushed");
	}
	check(rounds < 100, "an interrupt came");
}

CASE(bad_iret, "IRET to what cannot be there is a #GP of that frame", STEPS(13))
{
	static const struct {
		u32 cs, ss;
		u64 rip;
	} bad[] = {
		{ SELECTOR(1), SELECTOR(2), 0x100 }, /* beyond its limit */
		{ SELECTOR(1), SELECTOR(2), 1ULL << 32 },
		{ SELECTOR(1) & ~3, SELECTOR(2), 0 }, /* RPL 0 */
		{ SELECTOR(0), SELECTOR(2), 0 }, /* empty */
		{ SELECTOR(9), SELECTOR(2), 0 }, /* beyond the table */
		{ SELECTOR(2), SELECTOR(2), 0 }, /* data */
		{ SELECTOR(5), SELECTOR(2), 0 }, /* not present */
		{ SELECTOR(1), SELECTOR(4), 0 }, /* not a stack */
		{ SELECTOR(1), SELECTOR(1), 0 }, /* code */
		{ SELECTOR(1), SELECTOR(7), 0 }, /* 16 bits */
		{ SELECTOR(1), SELECTOR(8), 0 }, /* not present */
		{ SELECTOR(1), SELECTOR(2) & ~3, 0 }, /* RPL 0 */
		{ LGUEST_CS, SELECTOR(LGUEST_LDT_ENTRIES - 1), 0x1000 },
	};
	struct lguest_iret frame =
		frame_of(bad[step].cs, bad[step].ss, bad[step].rip);

	start_code();
	go(&frame, 1);
	check_is(came_with.vector, TRAP_GP, "vector");
	check_is(came_with.at.cs, bad[step].cs, "CS of the frame");
	check_is(came_with.at.ss, bad[step].ss, "SS of the frame");
	check_is(came_with.at.rip, bad[step].rip, "RIP of the frame");
}

static void take_away(struct event *event)
{
	set_ldt(NULL, 0);
	on_event(TRAP_GP, come_back);
	event->at.rip = 0;
}

CASE(taken_away, "code that is taken away while it waits is a #GP")
{
	struct lguest_iret frame = frame_of(SELECTOR(1), SELECTOR(2), 0);

	start_code();
	on_event_flags(0x80, take_away, LGUEST_GATE_USER);
	go(&frame, 1);
	check_is(came_with.vector, TRAP_GP, "vector");
	check_is(came_with.at.cs, SELECTOR(1), "CS of the frame");
}

/* ---- anything ---- */

static u64 seed = 88172645463325252;

static u64 any(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Half of them such as might do. */
static u64 any_segment(void)
{
	u64 desc = any();

	return any() & 1 ? desc | 0x0000f00000000000 : desc;
}

/*
 * No case can say what happens; only that all of it is the guest's.  What is
 * executed is at most a loop's worth of user code, or a fault.
 */
CASE(anything, "tables, selectors and frames at random hurt nobody")
{
	struct lguest_iret frame;
	u32 i, n, round;

	start_code();
	for (round = 0; round < 2000; round++) {
		n = any() % 64;
		for (i = 0; i < n; i++)
			table[i] = any_segment();
		if (n > 2) {
			table[1] = segment((u64)code_32, any() & 0xff,
					   any() & 0xff, any() & 0xf);
			table[2] =
				segment(0, 0xfffff, any() & 0xff, any() & 0xf);
		}
		set_ldt(table, n);
		for (i = 0; i < 4; i++)
			load((u32)any() & 0x1ff);
		frame = frame_of(any() & 3 ? SELECTOR(1) : any() & 0x1ff,
				 any() & 3 ? SELECTOR(2) : any() & 0x1ff,
				 any() & 7 ? 0 : 0x100 + any() % 0x100);
		on_event(TRAP_GP, come_back);
		on_event(TRAP_NP, come_back);
		if (frame.cs != LGUEST_CS && frame.cs != LGUEST_CS32)
			go(&frame, 1);
	}
	set_ldt(NULL, 0);
	asm volatile("wrgsbase %0" : : "r"(&cpu));
}
