// SPDX-License-Identifier: GPL-2.0-only
/*
 * patterns - every register holds a number, for as long as it takes
 *
 * General registers, segment bases, x87, SSE and AVX are filled from a seed and
 * compared after each of: a spin that interrupts land in, a hypercall, an exit.
 * By itself that is one more test of a guest alone.  It is meant for company:
 * build/t/patterns runs several of these on each CPU at once, each with a seed
 * of its own, and what the host mixes up between them is found here.
 */
#include "test.h"

#define ALONE_ROUNDS 300

/* RBX RBP RSI RDI RDX R8-R10 R12-R15, then FS and GS base. */
u64 pattern[14];

/* Rounds of spinning, hypercalls and exits; returns the first that was wrong */
u64 pattern_round(u64 spins, u64 number, u64 token);

#define LOAD(i, reg) "mov pattern+" #i "*8(%rip), %" #reg "\n\t"
#define SAME(i, reg) "cmp %" #reg ", pattern+" #i "*8(%rip)\n\tjne 9f\n\t"

#define ALL(WHAT)    \
	WHAT(0, rbx) \
	WHAT(1, rbp) \
	WHAT(2, rsi) \
	WHAT(4, rdx) \
	WHAT(5, r8)  \
	WHAT(6, r9)  \
	WHAT(7, r10) \
	WHAT(8, r12) WHAT(9, r13) WHAT(10, r14) WHAT(11, r15)

/*
 * RDI is the token, RAX the counter and then the number; RCX and R11 belong to
 * SYSCALL.  The arguments wait on the stack, which is one more thing to keep.
 */
asm(".pushsection .text\n"
    "pattern_round:\n\t"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"
    "push %rsi\n\tpush %rdx\n\tmov %rdi, %rax\n\tmov %rdx, %rdi\n\t"
    "mov %rsp, saved_rsp(%rip)\n\t" ALL(
	    LOAD) "mov pattern+12*8(%rip), %rcx\n\twrfsbase %rcx\n\t"
		  "mov pattern+13*8(%rip), %rcx\n\twrgsbase %rcx\n"
		  "1:	pause\n\tdec %rax\n\tjnz 1b\n\t"
		  "mov 8(%rsp), %rax\n\tsyscall\n\t"
		  "test %rax, %rax\n\tjne 9f\n\t"
		  "cmp %rsp, saved_rsp(%rip)\n\tjne 9f\n\t"
		  "cmp %rdi, (%rsp)\n\tjne 9f\n\t" ALL(
			  SAME) "rdfsbase %rcx\n\tcmp %rcx, "
				"pattern+12*8(%rip)\n\tjne 9f\n\t"
				"rdgsbase %rcx\n\tcmp %rcx, "
				"pattern+13*8(%rip)\n\tjne 9f\n\t"
				"xor %eax, %eax\n\tjmp 8f\n"
				"9:	mov $1, %eax\n"
				"8:	add $16, %rsp\n\t"
				"pop %r15; pop %r14; pop %r13; pop %r12; pop "
				"%rbp; pop %rbx\n\t"
				"ret\n.popsection\n"
				".pushsection .bss\nsaved_rsp: .quad "
				"0\n.popsection\n");

static void fill(u64 seed)
{
	u64 i;

	for (i = 0; i < ARRAY_SIZE(pattern); i++)
		pattern[i] = (seed * 0x9e3779b97f4a7c15) ^ i << 56 ^ i;
	/* Bases have to be canonical. */
	pattern[12] = pattern[12] << 17 >> 17;
	pattern[13] = (u64)((long long)(pattern[13] << 16) >> 16);
	fpu_fill(seed);
}

/*
 * Alone it ends after some rounds.  In company the step is the seed, and who
 * gave it ends us when it has seen enough.
 */
CASE(rounds, "patterns in all registers survive spins, hypercalls and exits")
{
	u64 round, seed = step + 1;

	for (round = 0; step || round < ALONE_ROUNDS; round++) {
		if (round % 16 == 0)
			fill(seed + (round << 20));
		check_is(pattern_round(2000, LHCALL_FLUSH_ASYNC, seed), 0,
			 "general registers after a hypercall");
		fpu_compare("hypercall");
		check_is(pattern_round(200, LHCALL_NOTIFY,
				       CASE_TOKEN(CASE_TOKEN_NOTHING, 0)),
			 0, "general registers after an exit");
		fpu_compare("exit");
	}
}
