// SPDX-License-Identifier: GPL-2.0-only
/*
 * syscalls - user mode to kernel mode and back, twice
 *
 * There is a direct way, which never leaves the Switcher, and a long way
 * through the host, for when the direct one is not allowed or an event got in
 * its way.  A guest must not be able to tell which it was: every case here runs
 * both ways and expects the same.  The counters can tell, and are asked.
 */
#include "test.h"

asm(".pushsection .user.text, \"ax\"\n"
    "user_returns: syscall\n\tud2\n"
    /* RDI times a system call with number 1, then one with number 2. */
    "user_loops: mov $1, %eax\n"
    "	syscall\n"
    "	dec %rdi\n"
    "	jnz user_loops\n"
    "	mov $2, %eax\n"
    "	syscall\n\tud2\n"
    "user_says_gs: rdgsbase %rax\n\tsyscall\n\tud2\n"
    "user_says_fs: rdfsbase %rax\n\tsyscall\n\tud2\n"
    "user_pushes: push %rdi\n\tpop %rax\n\tsyscall\n\tud2\n"
    "user_jumps: jmp *%rdi\n"
    ".popsection");
extern const char user_returns[], user_loops[], user_says_gs[], user_says_fs[],
	user_pushes[], user_jumps[];

static struct user user;

CASE(registers, "every register passes through, both ways", BOTH_WAYS)
{
	struct user was;
	u64 *regs = (u64 *)&was;
	u64 i;

	user_init(&was, user_returns);
	for (i = 0; i < 16; i++)
		regs[i] = 0x1111111111111111 * i ^ 0xfedcba9876543210;
	user = was;
	user_run(&user);
	check_is(user.rip, (u64)user_returns + 2, "RIP");
	/* RCX and R11 are nobody's, and neither side saves them. */
	for (i = 0; i < 16; i++)
		check_is(((u64 *)&user)[i], regs[i], "a register");
}

CASE(gs, "GS base is swapped, and swapped back", BOTH_WAYS)
{
	u64 base;

	user_init(&user, user_says_gs);
	user.gs_base = 0x1234567000;
	user_run(&user);
	check_is(user.rax, 0x1234567000, "GS base in user mode");
	check_is(user.gs_base, 0x1234567000, "GS base in lguest_data");
	asm volatile("rdgsbase %0" : "=r"(base));
	check_is(base, (u64)&cpu, "GS base in the kernel");
}

CASE(gs_high, "a GS base in the high half is one like any other", BOTH_WAYS)
{
	user_init(&user, user_says_gs);
	user.gs_base = 0xffff888812345678;
	user_run(&user);
	check_is(user.rax, 0xffff888812345678, "GS base in user mode");
}

CASE(gs_moves, "the kernel's GS base may be another at each return", BOTH_WAYS)
{
	static struct cpu other;
	u64 base;

	asm volatile("wrgsbase %0" : : "r"(&other));
	user_init(&user, user_returns);
	user_run(&user);
	asm volatile("rdgsbase %0" : "=r"(base));
	check_is(base, (u64)&other, "GS base in the kernel");
}

CASE(fs, "FS base is one for both modes", BOTH_WAYS)
{
	asm volatile("wrfsbase %0" : : "r"(0xabcdef000ULL));
	user_init(&user, user_says_fs);
	user_run(&user);
	check_is(user.rax, 0xabcdef000, "FS base in user mode");
}

CASE(stack, "user mode has its own stack", BOTH_WAYS)
{
	user_init(&user, user_pushes);
	user.rdi = 0x77;
	user_run(&user);
	check_is(user.rax, 0x77, "what it pushed");
	check_is(user_stack[USER_STACK_WORDS - 1], 0x77, "its stack");
}

/* As many as a busy program makes in a blink. */
#define MANY 10000

CASE(many, "ten thousand of them, one like the other", BOTH_WAYS)
{
	u64 calls = 0;

	user_init(&user, user_loops);
	user.rdi = MANY;
	do {
		user_run(&user);
		calls++;
	} while (user.rax == 1);
	check_is(calls, MANY + 1, "system calls");
	check_is(user.rdi, 0, "RDI");
}

CASE(counted_direct, "a direct one does not reach lg.ko")
{
	u64 before = ask_stat(LG_STAT_SYSCALLS);

	check_is(info.features, LGUEST_FEATURE_DIRECT_SYSCALL, "features");
	many(0);
	/* An interrupt in the middle of one makes it a long one. */
	check(ask_stat(LG_STAT_SYSCALLS) - before < MANY / 100,
	      "nearly none took the long way");
}

CASE(counted_long, "a long one does", LONG_WAY)
{
	u64 before = ask_stat(LG_STAT_SYSCALLS);

	many(0);
	check_is(ask_stat(LG_STAT_SYSCALLS) - before, MANY + 1,
		 "LG_STAT_SYSCALLS");
}

CASE(no_hypercalls, "user mode cannot make a hypercall, whatever the number",
     BOTH_WAYS, STEPS(LHCALL_MAX + 1))
{
	user_init(&user, user_returns);
	user.rax = step;
	user.rdi = LGUEST_SHUTDOWN_CRASH;
	user_run(&user);
	check_is(user.rax, step, "its number, here in our entry point");
}

CASE(exit_address, "user mode cannot leave by the kernel's exit", BOTH_WAYS,
     DIES(TRAP_PF))
{
	user_init(&user, user_jumps);
	user.rdi = (u64)user_exit;
	expect_addr((u64)user_exit);
	expect_user();
	user_run(&user);
}

/* The exit is one address; the same instruction elsewhere is a hypercall. */
CASE(elsewhere, "SYSCALL next to the exit address is a hypercall", BOTH_WAYS,
     DIES(LGUEST_TRAP_SYSCALL), .why = "no such hypercall")
{
	user_init(&user, user_returns);
	user_run(&user);
	hypercall(LHCALL_MAX, 0, 0, 0, 0);
}

CASE(entry_absent, "an entry point that is not mapped is a kernel page fault",
     BOTH_WAYS, DIES(TRAP_PF), ERROR(PF_USER | PF_FETCH))
{
	hc_set_syscall((void *)0x123456000, user_exit);
	expect_addr(0x123456000);
	user_init(&user, user_returns);
	user_run(&user);
}

CASE(entry_high, "an entry point in the high half works", BOTH_WAYS)
{
	u64 gpa = (u64)user_entry & ~(PAGE_BYTES - 1);
	u64 gva = 0xffffffff80000000 + gpa;

	/* Its code, and the two words it finds relative to itself. */
	pgtable_map(gva, gpa, PTE_P);
	pgtable_map(gva + PAGE_BYTES, gpa + PAGE_BYTES, PTE_P);
	pgtable_map(((u64)&lguest_data & ~(PAGE_BYTES - 1)) + gva - gpa,
		    (u64)&lguest_data & ~(PAGE_BYTES - 1), PTE_P | PTE_W);
	hc_set_syscall((void *)(gva + ((u64)user_entry - gpa)), user_exit);
	user_init(&user, user_returns);
	user_run(&user);
	check_is(user.rip, (u64)user_returns + 2, "RIP");
}

CASE(no_entry, "without an entry point there is no user mode to speak of", RAW,
     DIES(LGUEST_TRAP_SYSCALL))
{
	/* Nothing registered: SYSCALL at user_exit is a hypercall, of RAX. */
	user_init(&user, user_returns);
	user.rax = LHCALL_MAX;
	user_run(&user);
}

CASE(data_shared, "the words of lguest_data are in the guest's own page",
     BOTH_WAYS)
{
	/* Another address for the same page sees them change. */
	u64 page = (u64)&lguest_data & ~(PAGE_BYTES - 1);
	volatile struct lguest_data *alias;

	pgtable_map(0x40000000, page, PTE_P);
	alias = (void *)(0x40000000 + (u64)&lguest_data - page);
	user_init(&user, user_returns);
	user_run(&user);
	check_is(alias->user_rip, (u64)user_returns + 2, "RIP");
}
