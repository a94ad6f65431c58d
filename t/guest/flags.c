// SPDX-License-Identifier: GPL-2.0-only
/*
 * flags - RFLAGS, in and out
 *
 * Three kinds of flag.  Those that are the guest's to play with have to survive
 * every crossing and must not mean anything on the other side: a Switcher that
 * ran with the guest's DF or AC or NT would be a broken one.  Those that are
 * privileges (IOPL, IF, the virtual-8086 ones) a guest never has.  And TF,
 * which is both, has a file of its own.
 */
#include "test.h"

#define ARITHMETIC \
	(RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)
#define PLAY (ARITHMETIC | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_ID)

/* One set of flags per step: each alone, then all. */
static const u64 sets[] = { RFLAGS_CF, RFLAGS_PF, RFLAGS_AF, RFLAGS_ZF,
			    RFLAGS_SF, RFLAGS_OF, RFLAGS_DF, RFLAGS_NT,
			    RFLAGS_AC, RFLAGS_ID, PLAY,      0 };

/* POPF, a hypercall with this number and argument, PUSHF. */
static u64 flags_after(u64 flags, u64 number, u64 arg)
{
	u64 after;

	asm volatile("push %1\n\t"
		     "popfq\n\t"
		     "syscall\n\t"
		     "pushfq\n\t"
		     "pop %0\n\t"
		     "push $2\n\t"
		     "popfq"
		     : "=&r"(after)
		     : "r"(flags), "a"(number), "D"(arg)
		     : "rcx", "r11", "memory", "cc");
	return after;
}

CASE(hypercall_keeps, "a hypercall keeps each flag that is the guest's",
     STEPS(ARRAY_SIZE(sets)))
{
	u64 want = sets[step] | RFLAGS_IF | RFLAGS_FIXED;

	check_is(flags_after(sets[step], LHCALL_FLUSH_ASYNC, 0), want,
		 "after a hypercall");
	check_is(flags_after(sets[step], LHCALL_NOTIFY,
			     CASE_TOKEN(CASE_TOKEN_NOTHING, 0)),
		 want, "after an exit to the daemon");
	check_is(flags_after(sets[step], LHCALL_NOTIFY,
			     CASE_TOKEN(CASE_TOKEN_STATE, 0)),
		 want, "after LG_STATE_GET and _SET");
}

CASE(interrupts_keep, "the host's interrupts keep them too",
     STEPS(ARRAY_SIZE(sets)))
{
	u64 end = tsc_in(50), after;
	/* The loop has arithmetic of its own; and it must stay in line. */
	u64 keep = sets[step] & ~(u64)ARITHMETIC;

	asm volatile("push %1\n\t"
		     "popfq\n"
		     "1: rdtsc\n\t"
		     "shl $32, %%rdx\n\t"
		     "or %%rdx, %%rax\n\t"
		     "cmp %2, %%rax\n\t"
		     "jb 1b\n\t"
		     "pushfq\n\t"
		     "pop %0\n\t"
		     "push $2\n\t"
		     "popfq"
		     : "=&r"(after)
		     : "r"(keep), "r"(end)
		     : "rax", "rdx", "memory", "cc");
	check_is(after & ~(u64)ARITHMETIC, keep | RFLAGS_IF | RFLAGS_FIXED,
		 "after interrupts");
}

CASE(privileges, "IOPL cannot be raised and IF cannot be cleared by POPF")
{
	check_is(flags_after(RFLAGS_IOPL, 0, 0), RFLAGS_IF | RFLAGS_FIXED,
		 "RFLAGS");
}

asm(".pushsection .user.text, \"ax\"\n"
    "user_flags: pushfq\n\tpop %rax\n\tsyscall\n\tud2\n"
    "user_sets: push %rdi\n\tpopfq\n\tsyscall\n\tud2\n"
    ".popsection");
extern const char user_flags[], user_sets[];

/*
 * A first run fills the shadow.  Without it the second would begin with a page
 * fault, from which lg.ko returns with flags that it has looked at itself.
 */
static void run_twice(struct user *user, const char *rip, u64 rflags, u64 rdi)
{
	user_init(user, rip);
	user_run(user);
	user_init(user, rip);
	user->rflags = rflags;
	user->rdi = rdi;
	user_run(user);
}

CASE(to_user, "user mode gets the flags it was given, each one", BOTH_WAYS,
     STEPS(ARRAY_SIZE(sets)))
{
	struct user user;

	run_twice(&user, user_flags, sets[step], 0);
	check_is(user.rax, sets[step] | RFLAGS_IF | RFLAGS_FIXED,
		 "what it finds");
	check_is(user.rflags, user.rax, "what it leaves");
}

CASE(to_kernel, "the kernel's entry point has clean flags, whatever user's are",
     BOTH_WAYS, STEPS(ARRAY_SIZE(sets)))
{
	struct user user;

	run_twice(&user, user_sets, RFLAGS_IF, sets[step] | RFLAGS_IOPL);
	check_is(user.entry_rflags, RFLAGS_IF | RFLAGS_FIXED,
		 "at the entry point");
	check_is(user.rflags, sets[step] | RFLAGS_IF | RFLAGS_FIXED,
		 "in lguest_data");
}

CASE(garbage, "a return with every bit set gives no privilege", BOTH_WAYS,
     STEPS(3))
{
	static const u64 garbage[] = { ~0x100ULL, 0xffffffff00000000,
				       0x1a3000 };
	struct user user;

	run_twice(&user, user_flags, garbage[step], 0);
	check_is(user.rax, (garbage[step] & PLAY) | RFLAGS_IF | RFLAGS_FIXED,
		 "what user mode finds");
}
