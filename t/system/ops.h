/* SPDX-License-Identifier: GPL-2.0-only */
/* ops.h - what guest.c can be asked to do; RDI says which, RSI is its ARG */
#ifndef OPS_H
#define OPS_H

#define OP_SPIN      0 /* a loop in kernel mode */
#define OP_USER_SPIN 1 /* a loop in user mode */
#define OP_HYPERCALL 2 /* hypercalls */
#define OP_SYSCALL   3 /* system calls: direct, unless the VM may not */
#define OP_FAULT     4 /* touch pages, forget them, again */
#define OP_HIGH      5 /* the same at addresses that are the host's too */
#define OP_PATTERN   6 /* patterns in registers, from ARG, which must stay */
#define OP_NOTIFY    7 /* tell the daemon, with a token that counts */
#define OP_SHUTDOWN  8 /* ARG hypercalls, then power off */
#define OP_INVALID   9 /* ud2 */
#define OP_WATCH     10 /* a watchpoint on ARG, then write there */
#define OP_ASK       11 /* OP_NOTIFY with an answer, the token's complement */
#define OP_DENIED    12 /* page faults of user mode: direct, unless ... */

/* How often it has done it: a word of the guest's memory. */
#define PROGRESS_GPA 0x1000
#define OP_TOKEN     (1ULL << 63) /* OP_NOTIFY's and OP_ASK's, plus the count */

#endif /* OPS_H */
