// SPDX-License-Identifier: GPL-2.0-only
/*
 * hypercalls - what the host is asked, and what it is asked wrongly
 *
 * A hypercall is the one door into lg.ko that a guest opens on purpose, so
 * everything a guest can put in its registers gets tried here: numbers that do
 * not exist, addresses that are not RAM, and a right one ten thousand times
 * over, with a look at every register after each.
 */
#include "test.h"

#define BAD_NUMBER DIES(LGUEST_TRAP_SYSCALL), .why = "no such hypercall"
#define BAD(text)  DIES(LGUEST_TRAP_SYSCALL), .why = (text)

/* ---- numbers ---- */

CASE(numbers, "a number that means nothing is refused", BAD_NUMBER, STEPS(11))
{
	static const u64 numbers[] = {
		3,
		8,
		15,
		18,
		31,
		LHCALL_MAX,
		0x7fffffff,
		0x80000000,
		0x100000000 | LHCALL_FLUSH_ASYNC,
		0x8000000000000000,
		~0ULL,
	};

	hypercall(numbers[step], 0, 0, 0, 0);
}

CASE(before_init, "a bad number is refused before LHCALL_LGUEST_INIT too",
     BAD_NUMBER, RAW)
{
	hypercall(~0ULL, 0, 0, 0, 0);
}

CASE(early_text, "text can be printed before LHCALL_LGUEST_INIT", RAW)
{
	hc_notify((u64) "early\n");
}

CASE(result, "the answer to a hypercall that has none is 0")
{
	check_is(hc_flush_async(), 0, "FLUSH_ASYNC");
	check_is(hc_flush_tlb(), 0, "FLUSH_TLB");
	check_is(hc_new_pgtable(pgtable_root()), 0, "NEW_PGTABLE");
	check_is(hc_notify(CASE_TOKEN(CASE_TOKEN_NOTHING, 0)), 0, "NOTIFY");
}

/* ---- arguments ---- */

static char page_of_ram[4096] __attribute__((aligned(4096)));

#define RAM_END (16ULL << 20)

CASE(init_abi, "LGUEST_INIT with an ABI that is not ours is refused",
     BAD("ABI"), RAW, STEPS(4))
{
	static const u64 abis[] = { 0, LGUEST_ABI_VERSION + 1, 0x100000001,
				    ~0ULL };

	hypercall(LHCALL_LGUEST_INIT, (u64)&lguest_data, (u64)&info, abis[step],
		  0);
}

CASE(init_unaligned, "LGUEST_INIT with lguest_data out of line is refused",
     BAD("aligned"), RAW, STEPS(4))
{
	static const u64 off_by[] = { 1, 8, 32, 63 };

	hypercall(LHCALL_LGUEST_INIT, (u64)page_of_ram + off_by[step],
		  (u64)&info, LGUEST_ABI_VERSION, 0);
}

CASE(init_info_unaligned, "LGUEST_INIT with lguest_info out of line is refused",
     BAD("aligned"), RAW, STEPS(4))
{
	static const u64 off_by[] = { 1, 64, 128, 255 };

	hypercall(LHCALL_LGUEST_INIT, (u64)&lguest_data,
		  (u64)page_of_ram + off_by[step], LGUEST_ABI_VERSION, 0);
}

CASE(init_nowhere, "LGUEST_INIT without one of its pages is refused",
     BAD("both pages"), RAW, STEPS(2))
{
	hypercall(LHCALL_LGUEST_INIT, step ? (u64)&lguest_data : ~0ULL,
		  step ? ~0ULL : (u64)&info, LGUEST_ABI_VERSION, 0);
}

static const u64 not_ram[] = { RAM_END,
			       1ULL << 44,
			       0x000ffffffffff000,
			       0x0010000000000000,
			       0x8000000000000000,
			       0xffffffffffffff00,
			       0xffffffff81000000 };

CASE(init_data, "LGUEST_INIT with lguest_data that is not in RAM is refused",
     BAD("not in RAM"), RAW, STEPS(ARRAY_SIZE(not_ram)))
{
	hypercall(LHCALL_LGUEST_INIT, not_ram[step], (u64)&info,
		  LGUEST_ABI_VERSION, 0);
}

CASE(init_info, "LGUEST_INIT with lguest_info that is not in RAM is refused",
     BAD("not in RAM"), RAW, STEPS(ARRAY_SIZE(not_ram)))
{
	hypercall(LHCALL_LGUEST_INIT, (u64)&lguest_data, not_ram[step],
		  LGUEST_ABI_VERSION, 0);
}

CASE(init_features, "features that do not exist are not given", RAW)
{
	hypercall(LHCALL_LGUEST_INIT, (u64)&lguest_data, (u64)&info,
		  LGUEST_ABI_VERSION, ~0ULL);
	check_is(info.features,
		 LGUEST_FEATURE_DIRECT_SYSCALL | LGUEST_FEATURE_PCID |
			 LGUEST_FEATURE_DIRECT_IRET |
			 LGUEST_FEATURE_DIRECT_FAULT | LGUEST_FEATURE_LDT |
			 LGUEST_FEATURE_ABSENT_FAULT,
		 "features");
}

CASE(init_again, "LGUEST_INIT can be said again, with data elsewhere",
     BOTH_WAYS)
{
	extern const char init_again_user[];
	struct lguest_data *moved = (struct lguest_data *)page_of_ram + 5;
	struct user user;

	asm(".pushsection .user.text, \"ax\"\n"
	    "init_again_user: syscall\n\tud2\n.popsection");
	user_init(&user, init_again_user);
	user_run(&user);
	hc_init(moved, &info, LGUEST_ABI_VERSION,
		LGUEST_FEATURE_DIRECT_SYSCALL);
	/* user_run() knows the old place only: put the words in the new. */
	moved->user_rip = (u64)init_again_user;
	moved->user_rflags = RFLAGS_IF;
	moved->user_gs_base = 0x5000;
	lguest_data.user_rip = 0xdead;
	user.rip = 0xbeef;
	user_run(&user);
	check_is(moved->user_rip, (u64)init_again_user + 2, "RIP, new place");
	check_is(moved->user_gs_base, 0x5000, "GS base, new place");
	check_is(lguest_data.user_rip, 0xbeef, "RIP, old place");
}

CASE(pgtable_not_ram, "NEW_PGTABLE outside of RAM is refused",
     BAD("NEW_PGTABLE"), STEPS(ARRAY_SIZE(not_ram)))
{
	hc_new_pgtable(not_ram[step]);
}

CASE(pgtable_unaligned, "NEW_PGTABLE of half a page is refused",
     BAD("NEW_PGTABLE"), STEPS(3))
{
	static const u64 off_by[] = { 1, 8, 0x800 };

	hc_new_pgtable(pgtable_root() + off_by[step]);
}

CASE(pgtable_empty, "an empty page table is the guest's own page fault",
     DIES(TRAP_PF), ERROR(PF_USER | PF_FETCH))
{
	hc_new_pgtable((u64)page_of_ram);
}

CASE(entry_noncanonical, "SET_SYSCALL with a bad entry is refused",
     BAD("SET_SYSCALL"), STEPS(4))
{
	static const u64 bad[] = { NONCANONICAL, 0x7fffffffffffffff,
				   0x0800000000000000, 0xf000000000000000 };

	hc_set_syscall((void *)bad[step], user_exit);
}

CASE(exit_noncanonical, "SET_SYSCALL with a bad exit is refused",
     BAD("SET_SYSCALL"))
{
	hc_set_syscall(user_entry, (void *)NONCANONICAL);
}

CASE(shutdown_kind, "SHUTDOWN of an unknown kind is refused", BAD("SHUTDOWN"),
     STEPS(4))
{
	static const u64 kinds[] = { 0, LGUEST_SHUTDOWN_CRASH + 1, 0x100000001,
				     ~0ULL };

	hypercall(LHCALL_SHUTDOWN, kinds[step], 0, 0, 0);
}

CASE(debugreg_number, "SET_DEBUGREG of one that is not there is refused",
     BAD("SET_DEBUGREG"), STEPS(5))
{
	static const u64 numbers[] = { 4, 5, 8, 0x100000000, ~0ULL };

	hc_set_debugreg(numbers[step], 0);
}

/* ---- registers ---- */

/*
 * Ten thousand hypercalls with a pattern in every register, compared after
 * each.  RAX is 0 then, RCX and R11 belong to the instruction.
 */
CASE(registers, "ten thousand hypercalls keep every register, RSP and flags")
{
	u64 left, bad;

	asm volatile("push %%rbp\n\t"
		     "mov $0xbbbb000011112222, %%rbx\n\t"
		     "mov $0xdddd000011112222, %%rdx\n\t"
		     "mov $0x5151000011112222, %%rsi\n\t"
		     "mov $0xd1d1000011112222, %%rdi\n\t"
		     "mov $0xbebe000011112222, %%rbp\n\t"
		     "mov $0x0808000011112222, %%r8\n\t"
		     "mov $0x0909000011112222, %%r9\n\t"
		     "mov $0x1010000011112222, %%r10\n\t"
		     "mov $0x1212000011112222, %%r12\n\t"
		     "mov $0x1313000011112222, %%r13\n\t"
		     "mov %%rsp, %%r14\n\t"
		     "mov $10000, %%r15d\n\t"
		     "1: xor %%eax, %%eax\n\t"
		     "stc\n\t"
		     "syscall\n\t"
		     "jnc 2f\n\t"
		     "test %%rax, %%rax\n\t"
		     "jnz 2f\n\t"
		     "cmp %%rsp, %%r14\n\t"
		     "jne 2f\n\t"
		     "mov $0xbbbb000011112222, %%rax\n\t"
		     "cmp %%rax, %%rbx\n\tjne 2f\n\t"
		     "mov $0xdddd000011112222, %%rax\n\t"
		     "cmp %%rax, %%rdx\n\tjne 2f\n\t"
		     "mov $0x5151000011112222, %%rax\n\t"
		     "cmp %%rax, %%rsi\n\tjne 2f\n\t"
		     "mov $0xd1d1000011112222, %%rax\n\t"
		     "cmp %%rax, %%rdi\n\tjne 2f\n\t"
		     "mov $0xbebe000011112222, %%rax\n\t"
		     "cmp %%rax, %%rbp\n\tjne 2f\n\t"
		     "mov $0x0808000011112222, %%rax\n\t"
		     "cmp %%rax, %%r8\n\tjne 2f\n\t"
		     "mov $0x0909000011112222, %%rax\n\t"
		     "cmp %%rax, %%r9\n\tjne 2f\n\t"
		     "mov $0x1010000011112222, %%rax\n\t"
		     "cmp %%rax, %%r10\n\tjne 2f\n\t"
		     "mov $0x1212000011112222, %%rax\n\t"
		     "cmp %%rax, %%r12\n\tjne 2f\n\t"
		     "mov $0x1313000011112222, %%rax\n\t"
		     "cmp %%rax, %%r13\n\tjne 2f\n\t"
		     "dec %%r15\n\t"
		     "jnz 1b\n\t"
		     "jmp 3f\n\t"
		     "2: mov $1, %%r14d\n\t"
		     "jmp 4f\n\t"
		     "3: xor %%r14d, %%r14d\n\t"
		     "4: pop %%rbp\n\t"
		     "mov %%r15, %0\n\tmov %%r14, %1"
		     : "=m"(left), "=m"(bad)
		     :
		     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9",
		       "r10", "r11", "r12", "r13", "r14", "r15", "memory",
		       "cc");
	check_is(bad, 0, "registers changed, rounds left");
}

CASE(saved_by_cpu, "RCX and R11 are what SYSCALL makes of them")
{
	extern const char after_syscall[];
	u64 rcx, r11;

	asm volatile("xor %%eax, %%eax\n\tsyscall\n"
		     "after_syscall: mov %%rcx, %0\n\tmov %%r11, %1"
		     : "=&r"(rcx), "=&r"(r11)
		     :
		     : "rax", "rcx", "r11", "memory");
	check_is(rcx, (u64)after_syscall, "RCX");
	check_is(r11 & ~0x8d5ULL, RFLAGS_IF | RFLAGS_FIXED, "R11");
}

CASE(bases, "a hypercall keeps FS base, GS base and the data selectors")
{
	u64 fs = 0x123456789000, gs = 0xffff888012345000, got;
	u16 ds, es, fs_sel, gs_sel;

	asm volatile("mov %0, %%ds\n\tmov %1, %%es" : : "r"(0x2b), "r"(0x33));
	asm volatile("mov %0, %%fs\n\tmov %1, %%gs" : : "r"(0x2b), "r"(0x23));
	asm volatile("wrfsbase %0\n\twrgsbase %1" : : "r"(fs), "r"(gs));
	hc_flush_async();
	hc_notify(CASE_TOKEN(CASE_TOKEN_NOTHING, 0));
	asm volatile("rdfsbase %0" : "=r"(got));
	check_is(got, fs, "FS base");
	asm volatile("rdgsbase %0" : "=r"(got));
	check_is(got, gs, "GS base");
	asm volatile("mov %%ds, %0\n\tmov %%es, %1\n\tmov %%fs, %2\n\t"
		     "mov %%gs, %3"
		     : "=r"(ds), "=r"(es), "=r"(fs_sel), "=r"(gs_sel));
	check_is(ds, 0x2b, "DS");
	check_is(es, 0x33, "ES");
	check_is(fs_sel, 0x2b, "FS");
	check_is(gs_sel, 0x23, "GS");
}

CASE(state, "what LG_STATE_GET says, LG_STATE_SET takes, and nothing changes",
     STEPS(4))
{
	static const u16 selectors[] = { 0x2b, 0, 0x28, 0x31 };
	u64 fs = 0x123456789000, gs = 0xffff888012345000, got;
	u16 es;

	asm volatile("mov %0, %%es" : : "r"(selectors[step]));
	asm volatile("wrfsbase %0\n\twrgsbase %1" : : "r"(fs), "r"(gs));
	ask(CASE_TOKEN_STATE);
	asm volatile("rdfsbase %0" : "=r"(got));
	check_is(got, fs, "FS base");
	asm volatile("rdgsbase %0" : "=r"(got));
	check_is(got, gs, "GS base");
	asm volatile("mov %%es, %0" : "=r"(es));
	check_is(es, selectors[step], "ES");
}

CASE(many, "a hundred thousand hypercalls, and all of them are counted")
{
	u64 before = ask_stat(LG_STAT_HYPERCALLS), i;

	for (i = 0; i < 100000; i++)
		hc_flush_async();
	check_is(ask_stat(LG_STAT_HYPERCALLS) - before, 100001,
		 "LG_STAT_HYPERCALLS");
}
