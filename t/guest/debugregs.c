// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugregs - breakpoints and watchpoints of the guest's own
 *
 * The CPU compares linear addresses and does not ask whose they are, so while
 * the guest runs its debug registers are real and its alone, and when the host
 * runs they are off.  A watch on the Switcher's addresses would go off in the
 * Switcher: it is refused.
 */
#include "test.h"

#define ENABLE(n)        (1 << (n)*2)
#define KIND(n, rw, len) (((u64)(rw) | (u64)(len) << 2) << (16 + (n)*4))
#define RUN              0
#define WRITE            1
#define READ_WRITE       3
#define BYTES_1          0
#define BYTES_4          3
#define BYTES_8          2
#define DR7_GD           (1 << 13)
#define DR7_ALWAYS       0x400

static volatile u64 word;

static void watch(u32 n, const volatile void *where, u64 rw, u64 len)
{
	hc_set_debugreg(n, (u64)where);
	hc_set_debugreg(7, ENABLE(n) | KIND(n, rw, len));
}

CASE(run, "a breakpoint stops before its instruction, each register",
     DIES(TRAP_DB), STEPS(4))
{
	extern const char breakpoint[];

	watch((u32)step, breakpoint, RUN, BYTES_1);
	expect_rip((u64)breakpoint);
	asm volatile("nop\nbreakpoint: nop");
}

CASE(write, "a watch for writes stops after one, each register", DIES(TRAP_DB),
     STEPS(4))
{
	extern const char written[];

	watch((u32)step, &word, WRITE, BYTES_8);
	(void)word;
	expect_rip((u64)written);
	asm volatile("mov %%rax, %0\nwritten: nop" : "=m"(word));
}

CASE(read, "a watch for reads stops after one", DIES(TRAP_DB))
{
	extern const char read_it[];

	watch(1, &word, READ_WRITE, BYTES_4);
	expect_rip((u64)read_it);
	asm volatile("mov %0, %%rax\nread_it: nop" : : "m"(word) : "rax");
}

CASE(push, "a watch on the stack stops after the push", DIES(TRAP_DB))
{
	extern const char pushed[];
	u64 slot;

	asm volatile("lea -8(%%rsp), %0" : "=r"(slot));
	watch(2, (void *)slot, WRITE, BYTES_8);
	expect_rip((u64)pushed);
	asm volatile("push %%rax\npushed: pop %%rax" : : : "memory");
}

CASE(in_user, "a breakpoint in user code stops user mode", DIES(TRAP_DB),
     BOTH_WAYS)
{
	extern const char user_code[], user_breakpoint[];

	asm(".pushsection .user.text, \"ax\"\n"
	    "user_code: nop\n"
	    "user_breakpoint: nop\n"
	    "	syscall\n\tud2\n"
	    ".popsection");
	watch(0, user_breakpoint, RUN, BYTES_1);
	expect_rip((u64)user_breakpoint);
	expect_user();
	user_die(user_code);
}

CASE(kept, "what was set is read back, across exits to the daemon")
{
	u32 n;

	for (n = 0; n < 4; n++)
		hc_set_debugreg(n, 0x1000 + n);
	hc_set_debugreg(7, ENABLE(0) | KIND(0, WRITE, BYTES_1));
	ask(CASE_TOKEN_STATE);
	for (n = 0; n < 4; n++)
		check_is(hc_get_debugreg(n), 0x1000 + n, "DR0 to DR3");
	check_is(hc_get_debugreg(7),
		 DR7_ALWAYS | ENABLE(0) | KIND(0, WRITE, BYTES_1), "DR7");
}

CASE(fresh, "a fresh vcpu has none set")
{
	check_is(hc_get_debugreg(0), 0, "DR0");
	check_is(hc_get_debugreg(6), 0xffff0ff0, "DR6");
	check_is(hc_get_debugreg(7), DR7_ALWAYS, "DR7");
}

CASE(off, "a disabled watch does nothing, thousands of times")
{
	int i;

	watch(0, &word, WRITE, BYTES_8);
	hc_set_debugreg(7, 0);
	for (i = 0; i < 5000; i++) {
		word = (u64)i;
		hc_flush_async();
	}
}

CASE(elsewhere, "an enabled one that is not met does nothing either")
{
	int i;

	watch(3, (void *)0x700000, WRITE, BYTES_8);
	for (i = 0; i < 5000; i++) {
		word = (u64)i;
		hc_flush_async();
		if (i % 1000 == 0)
			ask(CASE_TOKEN_SCRIBBLE);
	}
}

CASE(gd, "DR7's GD bit is not the guest's to set")
{
	hc_set_debugreg(7, DR7_GD);
	check_is(hc_get_debugreg(7) & DR7_GD, 0, "GD");
	ask(CASE_TOKEN_NOTHING);
}

CASE(high_bits, "bits that are not there are not kept, and hurt nobody",
     STEPS(2))
{
	hc_set_debugreg(step ? 7 : 6, 0xffffffff00000000);
	check_is(hc_get_debugreg(step ? 7 : 6) >> 32, 0, "the high half");
	ask(CASE_TOKEN_NOTHING);
}

/* A port watch needs CR4.DE, which is the host's business either way. */
CASE(ports, "a watch on a port is harmless")
{
	watch(0, (void *)0x60, 2, BYTES_1);
	hc_flush_async();
	ask(CASE_TOKEN_NOTHING);
}

CASE(window, "a watch on the Switcher's addresses is refused",
     DIES(LGUEST_TRAP_SYSCALL), .why = "SET_DEBUGREG", STEPS(6))
{
	static const u64 offsets[] = { 0, 0x1000, 0x4200, 0x5000, 0x10000 };
	u64 where = step < 5 ? info.switcher_start + offsets[step]
			     : info.switcher_end - 1;

	hc_set_debugreg(0, where);
}

CASE(before_window, "so is one that reaches into them",
     DIES(LGUEST_TRAP_SYSCALL), .why = "SET_DEBUGREG")
{
	/* Below 0xffff800000000000 is no address; with five levels one is. */
	hc_set_debugreg(0, info.switcher_start - 7);
}

CASE(noncanonical, "so is one on an address that is none",
     DIES(LGUEST_TRAP_SYSCALL), .why = "SET_DEBUGREG")
{
	hc_set_debugreg(0, NONCANONICAL);
}

CASE(syscalls, "a watch on lguest_data sees the guest, not the Switcher",
     BOTH_WAYS)
{
	extern const char comes_back[];
	struct user user;

	asm(".pushsection .user.text, \"ax\"\n"
	    "comes_back: syscall\n\tud2\n.popsection");
	user_init(&user, comes_back);
	user_run(&user);
	/* user_run() writes the words; so the watch is on one it does not. */
	watch(0, &lguest_data.user_rcx, READ_WRITE, BYTES_8);
	user_init(&user, comes_back);
	user_run(&user);
	check_is(ask_stat(LG_STAT_DBS), 0, "LG_STAT_DBS");
}

/*
 * The runner has the host watch a word of its own and says where it is; we use
 * the same address for a page of ours.  The runner's one write has to be the
 * only one that its watch has seen.
 */
CASE(of_the_host, "the host's own watch sees the host and nothing of ours",
     STEPS(2))
{
	volatile u64 *there;
	u64 i;

	ask(CASE_TOKEN_WATCH);
	there = (u64 *)answer();
	check(there != NULL, "the host can watch a word");
	pgtable_map((u64)there & ~(PAGE_BYTES - 1), 0x300000, PTE_P | PTE_W);
	if (step)
		watch(0, &word, WRITE, BYTES_8);
	for (i = 0; i < 1000; i++) {
		*there = i;
		hc_flush_async();
	}
	hc_set_debugreg(7, 0);
	ask(CASE_TOKEN_WATCHED);
	check_is(answer(), 1, "writes that the host's watch has seen");
}
