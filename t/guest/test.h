/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test.h - how to write a test guest
 *
 *	CASE(keeps_rbx, "a hypercall keeps RBX")
 *	{
 *		...
 *		check_is(rbx, 7, "RBX after a hypercall");
 *	}
 *
 *	CASE(hlt, "hlt is a #GP", DIES(TRAP_GP))
 *	{
 *		asm volatile("hlt");
 *	}
 *
 * A case that returns has passed, unless it was to die.  A check that fails
 * ends the guest there and then, with the reason.  What can only be known while
 * running is said by expect_trap() and its friends, just before the deed.
 */
#ifndef TEST_H
#define TEST_H

#include <lguest/ioctl.h> /* for LG_STAT_* and LG_MODE_*; no guest needs more */

#include "case.h"
#include "guestos.h"
#include "hypercall.h"

/* The address as a number; a pointer is no constant of the right width. */
#define CASE(fn, sentence, ...)                                                \
	static void fn(u64 step);                                              \
	static struct guest_case fn##_case                                     \
		__attribute__((section(".cases"), used)) = {                   \
			.name = (u64)(sentence), .run = (u64)fn, ##__VA_ARGS__ \
		};                                                             \
	static void fn(u64 step __attribute__((unused)))

#define DIES(number) .end = CASE_KILLED, .trap = (number)
#define ERROR(value) \
	.checks = CASE_CHECK_ERROR, .error = (value), .error_mask = ~0ULL
#define STEPS(n)  .steps = (n)
#define BOTH_WAYS .flags = CASE_BOTH_WAYS
#define LONG_WAY  .flags = CASE_LONG_WAY
#define RAW       .flags = CASE_RAW

/* How it will end, said at run time.  The trap first, the rest may follow. */
void expect_trap(u32 trap);
void expect_error(u64 error, u64 mask);
void expect_addr(u64 addr);
void expect_rip(u64 rip);
void expect_user(void);
void expect_why(const char *text);
void expect_done(void);

/* skip - end here: not on this machine, and why not */
void skip(const char *why) noreturn;

void check(int holds, const char *what);
void check_is(u64 got, u64 want, const char *what);

/* The runner's answers to tokens. */
u64 ask_stat(u32 number);
void ask(u32 what);
u64 answer(void);

extern struct lguest_info info;

/* The machine below: what it imitates, and how well. */
void cpuid(u32 leaf, u32 subleaf, u32 ret_regs[4]);
int on_tcg(void);
int on_amd(void);
/* The TSC in so many ms; a guess where the host does not trust it, never 0. */
u64 tsc_in(u64 ms);
int has_smap(void);
/*
 * QEMU 7.2 pops the frame of lret and iret as the kernel would, so with SMAP on
 * a return at CPL 3 is a page fault that no CPU has.
 */
int returns_are_broken(void);
int has_umip(void);
int has_pku(void);
int has_avx(void);

/* User mode: a stack of its own, and a struct user ready to run. */
#define USER_STACK_WORDS 2048
#define USER_STACK_TOP   ((u64)&user_stack[USER_STACK_WORDS])
extern u64 user_stack[USER_STACK_WORDS];
void user_init(struct user *user, const void *rip);

/* user_die - run user code that ends in a trap; comes back if it does not */
void user_die(const void *rip);

/* As XSAVE lays it out: the 512 bytes of FXSAVE, a header, and YMM's tops. */
struct fpu_state {
	u16 fcw, fsw;
	u8 ftw, reserved;
	u16 fop;
	u64 fip, fdp;
	u32 mxcsr, mxcsr_mask;
	u64 st[8][2];
	u64 xmm[16][2];
	u8 unused[96];
	u64 header[8];
	u64 ymm_high[16][2];
	u8 room[3072];
} __attribute__((aligned(64)));

/* fpu_fill - a pattern that only this seed has; fpu_compare - or panic */
void fpu_save(struct fpu_state *state);
void fpu_fill(u64 seed);
void fpu_compare(const char *when);

static inline u64 rdtsc(void)
{
	return __builtin_ia32_rdtsc();
}

#define NONCANONICAL 0x8000000000000000ULL
#define LOW_END      0x0000800000000000ULL /* the first address that is none */

#endif /* TEST_H */
