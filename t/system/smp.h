/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * smp.h - what smp-guest.c can be asked to do, and the words it shares with us
 *
 * RDI says which, RSI how many vcpus take part, RDX how many rounds.
 */
#ifndef SMP_H
#define SMP_H

#include <linux/types.h>

#define SMP_VCPUS 4

#define SMP_PASS    0 /* an IPI goes round */
#define SMP_WAKE    1 /* a word says whose turn it is; LGUEST_IPI_WAKE */
#define SMP_SHOOT   2 /* a page changes under all vcpus, flushed by IPI */
#define SMP_UP      3 /* vcpu 1 comes up and goes down, for two others */
#define SMP_KILL    4 /* vcpu 1 ends in ud2, the others do something */
#define SMP_COUNT   5 /* all idle, and count the interrupts of the host's */
#define SMP_STORM   6 /* everybody sends IPIs to everybody, for ever */
#define SMP_MOVE    7 /* use everything, check everything, for ever */
#define SMP_REMOVE  8 /* count in the page at SMP_EXTRA, for ever */
#define SMP_GATES   9 /* gates that leave the flag on */
#define SMP_ASK     10 /* tokens with answers, among interrupts */
#define SMP_TIME    11 /* a clock and a clock event that both behave */
#define SMP_STEAL   12 /* say what time was stolen, for ever: the first count */
#define SMP_TORTURE 13 /* page tables change under vcpu 0, as words->what */

#define SMP_TOKEN(vcpu, n) (1ULL << 63 | (__u64)(vcpu) << 56 | (n))

/* Vectors that SMP_COUNT has handlers for, each with a word to count in. */
#define SMP_FIRST   0x50
#define SMP_VECTORS 8

/* Guest memory: the words, and where a second slot may be. */
#define SMP_WORDS 0x1000
#define SMP_EXTRA 0x10000000ULL

struct smp_words {
	__u64 progress;
	__u64 ready; /* vcpus that are where they should be */
	__u64 turn;
	__u64 count[SMP_VCPUS][SMP_VECTORS];
	__u64 steps[SMP_VCPUS]; /* SMP_TIME: they move for as long as it runs */
	__u64 set_at, came_at; /* ... its clock event, in system_time */
	__u64 clock; /* ... gpa of vcpu 0's struct lguest_clock */
	__u64 what, seed; /* SMP_TORTURE: which of torture.h */
	__u64 latest; /* ... the latest time that any of them has seen */
};

#endif /* SMP_H */
