// SPDX-License-Identifier: GPL-2.0-only
/*
 * step - the trap flag
 *
 * TF is a flag like any other until an instruction has run with it; then it is
 * a #DB.  In the guest that is the guest's.  In the Switcher it must never
 * happen: the CPU clears TF when it delivers an exception, and SYSCALL clears
 * it because the mask we give it says so.  What the guest set is back when it
 * runs again, one step after the crossing.
 */
#include "test.h"

#define SET_TF "pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\t"

CASE(kernel, "a step in kernel mode is a #DB, one instruction after POPF",
     DIES(TRAP_DB))
{
	extern const char kernel_stepped[];

	expect_rip((u64)kernel_stepped);
	asm volatile(SET_TF "nop\n"
			    "kernel_stepped: nop"
		     :
		     :
		     : "memory", "cc");
}

CASE(across_hypercall, "a step does not stop in a hypercall, but after it",
     DIES(TRAP_DB))
{
	extern const char hypercall_stepped[];

	expect_rip((u64)hypercall_stepped);
	asm volatile(SET_TF "syscall\n\t"
			    "nop\n"
			    "hypercall_stepped: nop"
		     :
		     : "a"(LHCALL_FLUSH_ASYNC)
		     : "rcx", "r11", "memory", "cc");
}

CASE(across_fault, "nor in a page fault that the guest need not hear of",
     DIES(TRAP_DB))
{
	extern const char fault_stepped[];

	expect_rip((u64)fault_stepped);
	asm volatile(SET_TF "mov %%rax, 0x400000\n"
			    "fault_stepped: nop"
		     :
		     :
		     : "memory", "cc");
}

CASE(int3, "with TF set, INT3 is still a #BP", DIES(TRAP_BP))
{
	asm volatile(SET_TF "int3" : : : "memory", "cc");
}

CASE(int_n, "and INT $0x80 a #GP", DIES(TRAP_GP))
{
	asm volatile(SET_TF "int $0x80" : : : "memory", "cc");
}

asm(".pushsection .user.text, \"ax\"\n"
    "user_steps: pushfq\n"
    "	orl $0x100, (%rsp)\n"
    "	popfq\n"
    "	nop\n"
    "user_stepped: nop\n"
    "	syscall\n"
    "user_calls: pushfq\n"
    "	orl $0x100, (%rsp)\n"
    "	popfq\n"
    "	syscall\n"
    "user_called: nop\n"
    "	nop\n"
    "	ud2\n"
    ".popsection");
extern const char user_steps[], user_stepped[], user_calls[], user_called[];

CASE(user, "a step in user mode is a #DB there", DIES(TRAP_DB), BOTH_WAYS)
{
	expect_rip((u64)user_stepped);
	expect_user();
	user_die(user_steps);
}

/* The CPU may report the step before or after the first instruction. */
CASE(user_starts, "user mode can be entered stepping", DIES(TRAP_DB), BOTH_WAYS)
{
	struct user user;

	expect_user();
	user_init(&user, user_called);
	user.rflags |= RFLAGS_TF;
	user_run(&user);
}

CASE(user_syscall, "a stepped system call reaches the kernel, which is not",
     BOTH_WAYS)
{
	struct user user;

	user_init(&user, user_calls);
	user_run(&user);
	check_is(user.rip, (u64)user_called, "RIP of the system call");
	check(user.rflags & RFLAGS_TF, "user mode's flags have TF");
	check_is(user.entry_rflags, RFLAGS_IF | RFLAGS_FIXED, "ours do not");
	expect_trap(TRAP_DB);
	expect_user();
	user_run(&user);
}

CASE(user_syscalls, "a thousand stepped system calls, and the host is unmoved",
     BOTH_WAYS)
{
	struct user user;
	u64 dbs;
	int i;

	for (i = 0; i < 1000; i++) {
		user_init(&user, user_calls);
		user_run(&user);
	}
	/*
	 * SYSCALL has cleared TF by the time the CPU looks for a step, says
	 * QEMU; no, says Bochs, and reports each at the Switcher's first
	 * instruction.  Either will do, but not something in between.
	 */
	dbs = ask_stat(LG_STAT_DBS);
	check(dbs == 0 || dbs == 1000, "LG_STAT_DBS is none or all");
}
