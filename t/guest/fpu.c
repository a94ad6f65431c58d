// SPDX-License-Identifier: GPL-2.0-only
/*
 * fpu - x87, SSE, AVX and protection keys
 *
 * Nothing in lg.ko computes with these registers, so it would be easy never to
 * notice that a guest's leaked into the host or the other way round.  A guest
 * fills all of them, crosses over in each way there is, and compares; the
 * runner spoils its own in between.
 */
#include "test.h"

static struct fpu_state got;

CASE(fresh, "a fresh vcpu's are as after a reset, with nothing of the host's")
{
	int i;

	fpu_save(&got);
	check_is(got.fcw, 0x37f, "FCW");
	check_is(got.mxcsr, 0x1f80, "MXCSR");
	for (i = 0; i < 16; i++) {
		check_is(got.xmm[i][0] | got.xmm[i][1], 0, "an XMM register");
		check_is(got.ymm_high[i][0] | got.ymm_high[i][1], 0,
			 "the high half of a YMM register");
	}
	for (i = 0; i < 8; i++)
		check_is(got.st[i][0], 0, "an x87 register");
}

CASE(hypercalls, "they are kept over ten thousand hypercalls")
{
	int i;

	fpu_fill(1);
	for (i = 0; i < 10000; i++) {
		hc_flush_async();
		if (i % 100 == 0)
			fpu_compare("hypercall");
	}
	fpu_compare("hypercall");
}

CASE(exits, "they are kept over exits to a daemon that spoils its own")
{
	int i;

	for (i = 0; i < 500; i++) {
		fpu_fill((u64)i);
		ask(CASE_TOKEN_SCRIBBLE);
		fpu_compare("exit");
	}
}

CASE(state, "and over LG_STATE_GET and _SET")
{
	fpu_fill(3);
	ask(CASE_TOKEN_STATE);
	fpu_compare("state");
}

CASE(interrupts, "they are kept over the host's interrupts")
{
	u64 before = ask_stat(LG_STAT_IRQS), rounds, i;

	fpu_fill(4);
	for (rounds = 0; rounds < 1000 && ask_stat(LG_STAT_IRQS) < before + 20;
	     rounds++) {
		for (i = 0; i < 100000; i++)
			asm volatile("pause");
		fpu_compare("interrupt");
	}
	check(rounds < 1000, "twenty interrupts came");
}

CASE(faults, "they are kept over page faults that the host mends")
{
	u64 gpa;

	fpu_fill(5);
	for (gpa = 0x300000; gpa < 0x700000; gpa += PAGE_BYTES)
		*(volatile u64 *)gpa = 1;
	fpu_compare("page fault");
}

CASE(syscalls, "they are kept over system calls", BOTH_WAYS)
{
	extern const char comes_back[];
	struct user user;
	int i;

	asm(".pushsection .user.text, \"ax\"\n"
	    "comes_back: syscall\n\tud2\n.popsection");
	fpu_fill(6);
	for (i = 0; i < 2000; i++) {
		user_init(&user, comes_back);
		user_run(&user);
		if (i % 100 == 0)
			fpu_compare("system call");
	}
	fpu_compare("system call");
}

/* ---- protection keys ---- */

static u32 rdpkru(void)
{
	u32 pkru, edx;

	asm volatile("rdpkru" : "=a"(pkru), "=d"(edx) : "c"(0));
	return pkru;
}

static void wrpkru(u32 pkru)
{
	asm volatile("wrpkru" : : "a"(pkru), "c"(0), "d"(0) : "memory");
}

CASE(pkru_fresh, "a fresh vcpu's PKRU allows everything")
{
	if (!has_pku())
		skip("no protection keys here");
	check_is(rdpkru(), 0, "PKRU");
}

CASE(pkru_kept, "PKRU is kept over each kind of exit")
{
	u64 before, i;

	if (!has_pku())
		skip("no protection keys here");
	wrpkru(0xfffffff0);
	for (i = 0; i < 1000; i++)
		hc_flush_async();
	ask(CASE_TOKEN_NOTHING);
	ask(CASE_TOKEN_STATE);
	before = ask_stat(LG_STAT_IRQS);
	for (i = 0; i < 1000 && ask_stat(LG_STAT_IRQS) == before; i++)
		asm volatile("pause");
	check_is(rdpkru(), 0xfffffff0, "PKRU");
}

CASE(pkru_all, "a hypercall, and an exit, with no access to anything", STEPS(2))
{
	u64 after = 0;

	if (!has_pku())
		skip("no protection keys here");
	asm volatile("mov $-1, %%eax\n\t"
		     "xor %%ecx, %%ecx\n\t"
		     "xor %%edx, %%edx\n\t"
		     "wrpkru\n\t"
		     "mov %1, %%eax\n\t"
		     "syscall\n\t"
		     "xor %%ecx, %%ecx\n\t"
		     "rdpkru\n\t"
		     "mov %%rax, %%r8\n\t"
		     "xor %%eax, %%eax\n\t"
		     "wrpkru\n\t"
		     "mov %%r8, %0"
		     : "=r"(after)
		     : "r"(step ? LHCALL_NOTIFY : LHCALL_FLUSH_ASYNC),
		       "D"(CASE_TOKEN(CASE_TOKEN_SCRIBBLE, 0))
		     : "rax", "rcx", "rdx", "r8", "r11", "memory");
	check_is(after, 0xffffffff, "PKRU afterwards");
}

/*
 * WRPKRU is anyone's where the host has keys, and to us the kernel's pages are
 * user pages like the program's.  Its next look at its stack was its last.
 */
asm(".pushsection .user.text, \"ax\"\n"
    "user_locks: mov $-1, %eax\n"
    "	xor %ecx, %ecx\n"
    "	xor %edx, %edx\n"
    "	wrpkru\n"
    "	syscall\n"
    "	ud2\n"
    "user_locked: mov $-1, %eax\n"
    "	xor %ecx, %ecx\n"
    "	xor %edx, %edx\n"
    "	wrpkru\n"
    "	mov -8(%rsp), %rbx\n"
    ".popsection\n");
extern const char user_locks[], user_locked[];

CASE(pkru_kernel, "a program's keys do not bind its kernel", BOTH_WAYS)
{
	struct user user;

	if (!has_pku())
		skip("no protection keys here");
	user_init(&user, user_locks);
	user_run(&user);
	check_is(user.rax, 0xffffffff, "RAX, and here we are");
	check_is(rdpkru(), 0, "PKRU");
}

CASE(pkru_fault, "a fault of a program's own key is not mended")
{
	if (!has_pku())
		skip("no protection keys here");
	expect_user();
	expect_trap(TRAP_PF);
	expect_error(PF_PKEY | PF_USER | PF_PRESENT,
		     PF_PKEY | PF_USER | PF_PRESENT);
	user_die(user_locked);
}
