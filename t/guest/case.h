/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * case.h - the contract between a test guest and the program that runs it
 *
 * A guest file is a theme with many cases.  Each is a struct in the section
 * .cases, so the runner (t/lib/lgrun.c) finds it in the ELF file, and finds it
 * again in the guest's memory when the guest has ended: a case may change its
 * mind about how it is going to end, up to the moment that it does.
 *
 * For each case, and each step of it, the runner starts a fresh guest with the
 * number of the case in RDI and of the step in RSI.
 */
#ifndef CASE_H
#define CASE_H

#include <linux/types.h>

/* How a case ends when it passes. */
#define CASE_DONE    0 /* its own checks hold, and it turns itself off */
#define CASE_KILLED  1 /* lg.ko ends it, and says why */
#define CASE_SKIPPED 2 /* not on this machine; why[] says why not */

/* struct guest_case.flags */
#define CASE_BOTH_WAYS 0x01 /* once with direct system calls, once without */
#define CASE_RAW       0x02 /* no LHCALL_LGUEST_INIT before it starts */
#define CASE_LARGE     0x04 /* RAM mapped in 2 MiB pages */
#define CASE_LONG_WAY  0x08 /* only without direct system calls */
#define CASE_TINY      0x10 /* with the least room for the shadow */

/* struct guest_case.checks: which words of a kill matter, beside the trap */
#define CASE_CHECK_ERROR 0x01
#define CASE_CHECK_ADDR  0x02
#define CASE_CHECK_MODE  0x04
#define CASE_CHECK_RIP   0x08

/*
 * Tokens of LHCALL_NOTIFY that the runner itself answers.  No physical address
 * has bit 63, so they are never text.
 */
#define CASE_TOKEN(what, arg) (1ULL << 63 | (__u64)(what) << 32 | (arg))
#define CASE_TOKEN_STAT       1 /* LG_STAT_* number arg to case.answer */
#define CASE_TOKEN_SCRIBBLE   2 /* spoil every register the runner has */
#define CASE_TOKEN_STATE      3 /* LG_STATE_GET, then SET the same */
#define CASE_TOKEN_NOTHING    4
#define CASE_TOKEN_WATCH      5 /* watch a word of ours; case.answer: where */
#define CASE_TOKEN_WATCHED    6 /* write it; case.answer: what the watch saw */

struct guest_case {
	__u64 name; /* a sentence that is true when the case passes */
	__u64 run; /* where it starts */
	__u32 steps; /* 0 is like 1 */
	__u32 flags;
	__u32 end;
	__u32 trap;
	__u32 mode;
	__u32 checks;
	__u64 error, error_mask;
	__u64 addr;
	__u64 rip;
	__u64 answer; /* the runner's, to a token */
	__u64 reserved;
	char why[48]; /* text that lg.ko's reason has in it */
} __attribute__((aligned(64))); /* or the compiler leaves gaps between them */

#endif /* CASE_H */
