/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * torture.h - between torture-guest.c, its cases and the host's program
 */
#ifndef TORTURE_H
#define TORTURE_H

/* struct smp_words.what: rows of torments[] */
#define TORTURE_LARGE     0
#define TORTURE_LARGE_TO  1
#define TORTURE_WRITE     2
#define TORTURE_PRESENT   3
#define TORTURE_USER_NX   4
#define TORTURE_MOVE      5
#define TORTURE_BETWEEN   6
#define TORTURE_RECURSIVE 7
#define TORTURE_LAST      8
#define TORTURE_DATA      9
#define TORTURE_BESIDE    10
#define TORTURE_CASES     11

#ifdef GUESTOS_H

#define REGION   0x600000000000ULL /* 2 MiB in a slot of their own */
#define FRAMES   0x400000ULL /* RAM that nothing lives in: 2 MiB twice */
#define RW       (PTE_P | PTE_W)
#define RWU      (RW | PTE_U)
#define NO_PLACE (~0ULL)

/* What the region means: its pages in order, or in the opposite one. */
struct meaning {
	u64 bits; /* what all levels together allow */
	u64 base, flip;
	u64 none; /* the place that is not there */
};

struct torment {
	u64 places; /* pages of the region that are used */
	u64 (*place)(void); /* which one now, if not any of them */
	int kernel_only; /* no user mode */
	int all; /* no flush of just a page will do */
	int loose; /* many changes come before a flush */
	void (*begin)(struct meaning *first); /* by vcpu 0, alone */
	void (*choose)(struct meaning *next); /* from what is meant now */
	void (*apply)(const struct meaning *next);
};

extern const struct torment torments[TORTURE_CASES];

/* The entry of the first place, and what was put there last. */
extern volatile u64 *leaf;
extern u64 put;

/* The region's entry of level 2; not to be flushed page by page this time. */
extern volatile u64 *large;
extern int flush_all;

u64 below(u64 end);
void check_entry(u64 now, u64 was, u64 bits);

#endif /* GUESTOS_H */
#endif /* TORTURE_H */
