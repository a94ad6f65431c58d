// SPDX-License-Identifier: GPL-2.0-only
/*
 * hello - the smallest guest there is, and the machinery that judges guests
 *
 * If this fails, nothing else in this folder means anything: a guest starts,
 * speaks, reads and writes its memory, and turns itself off.  The last cases
 * try each way in which a guest can end.
 */
#include "test.h"

CASE(speaks, "a guest starts, says hello and turns itself off")
{
	print("hello from CPL 3\n");
}

CASE(starts, "it starts with what the loader promised", RAW, STEPS(2))
{
	u64 rflags, rsp;
	u16 cs, ss;

	asm volatile("mov %%cs, %0\n\tmov %%ss, %1" : "=r"(cs), "=r"(ss));
	asm volatile("pushfq\n\tpop %0\n\tmov %%rsp, %1"
		     : "=r"(rflags), "=r"(rsp));
	check_is(cs, LGUEST_CS, "CS");
	check_is(ss, LGUEST_DS, "SS");
	check_is(rflags & (RFLAGS_IF | RFLAGS_IOPL), RFLAGS_IF,
		 "IF and IOPL of a guest");
	check(step < 2, "the step is in RSI");
	check(rsp < (u64)stack_top, "the stack is ours");
}

CASE(greets, "LHCALL_LGUEST_INIT tells the guest where it is")
{
	check_is(info.abi_min, 1, "oldest ABI");
	check_is(info.abi_max, LGUEST_ABI_VERSION, "newest ABI");
	check(info.switcher_end > info.switcher_start, "there is a window");
	check(info.switcher_start >> 63, "in the high half");
	check_is(info.features & ~(u64)LGUEST_FEATURE_DIRECT_SYSCALL, 0,
		 "features that we did not ask for");
}

CASE(direct, "direct system calls are in force if the VM allows them")
{
	check_is(info.features, LGUEST_FEATURE_DIRECT_SYSCALL, "features");
}

CASE(indirect, "and not if it does not", LONG_WAY)
{
	check_is(info.features, 0, "features");
}

CASE(memory, "memory keeps what is written, every page of 8 MiB")
{
	volatile u64 *word;
	u64 gpa;

	for (gpa = 0x300000; gpa < 0x700000; gpa += PAGE_BYTES) {
		word = (u64 *)gpa;
		check_is(*word, 0, "fresh memory");
		*word = ~gpa;
	}
	for (gpa = 0x300000; gpa < 0x700000; gpa += PAGE_BYTES) {
		word = (u64 *)gpa;
		check_is(*word, ~gpa, "what was written");
	}
}

CASE(large, "the same, mapped in 2 MiB pages", .flags = CASE_LARGE)
{
	memory(step);
}

CASE(dies, "a NULL is a page fault, with address and error code", DIES(TRAP_PF),
     .checks = CASE_CHECK_ADDR | CASE_CHECK_ERROR, .error = PF_USER | PF_WRITE,
     .error_mask = ~0ULL, .addr = 8)
{
	*(volatile u64 *)8 = 1;
}

CASE(past_ram, "so is the first byte after RAM", DIES(TRAP_PF),
     .checks = CASE_CHECK_ADDR, .addr = 16 << 20)
{
	(void)*(volatile u8 *)(16 << 20);
}

CASE(user, "user code runs and its system call comes back", BOTH_WAYS)
{
	extern const char user_code[];
	struct user user;

	asm(".pushsection .user.text, \"ax\"\n"
	    "user_code: mov $42, %eax\n"
	    "	syscall\n"
	    "	ud2\n"
	    ".popsection");
	user_init(&user, user_code);
	user_run(&user);
	check_is(user.rax, 42, "what user mode put in RAX");
	check_is(user.rip, (u64)user_code + 7, "RIP after its SYSCALL");
}
