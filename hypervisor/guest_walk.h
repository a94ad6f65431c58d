/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guest_walk.h - what a guest's page tables say about one address
 *
 * Plain C without kernel headers, so that a test can build it in user space
 * and count through every combination of rights.
 */
#ifndef LG_GUEST_WALK_H
#define LG_GUEST_WALK_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

typedef __u64 gva_t; /* guest-virtual address */
typedef __u64 gpa_t; /* guest-physical address */
typedef __u64 gfn_t; /* guest-physical page number */

/* Page-table entry bits, and page-fault error bits (SDM volume 3, 4.5, 4.7) */
#define GPTE_P    (1ULL << 0)
#define GPTE_RW   (1ULL << 1)
#define GPTE_US   (1ULL << 2)
#define GPTE_A    (1ULL << 5)
#define GPTE_D    (1ULL << 6)
#define GPTE_PS   (1ULL << 7)
#define GPTE_G    (1ULL << 8)
#define GPTE_NX   (1ULL << 63)
#define GPTE_ADDR 0x000ffffffffff000ULL
#define GPTE_RSVD 0x000fc00000000000ULL /* physical addresses have 46 bits */

#define GPF_P    (1U << 0)
#define GPF_W    (1U << 1)
#define GPF_U    (1U << 2)
#define GPF_RSVD (1U << 3)
#define GPF_I    (1U << 4)
#define GPF_PK   (1U << 5)

/*
 * How the walk reaches guest memory: table() returns the page at gpa, which is
 * a whole page's address, or NULL if there is no such memory.  It stays until
 * the next call.  What it returned it may also leave in kept[], in the place
 * that the page's number says, and take it out of there later; what the walk
 * finds there it does not ask for.
 */
#define GUEST_READER_KEEPS 32

struct guest_reader {
	__u64 *(*table)(struct guest_reader *reader, gpa_t gpa);
	struct {
		gpa_t gpa;
		__u64 *table; /* or NULL */
	} kept[GUEST_READER_KEEPS];
};

static inline unsigned int guest_reader_place(gpa_t gpa)
{
	return gpa >> 12 & (GUEST_READER_KEEPS - 1);
}

struct guest_walk {
	/* asked */
	gva_t gva;
	bool user; /* in guest user mode */
	bool write;
	bool fetch;
	/* answered, when guest_walk() returned 0 */
	gfn_t gfn;
	__u64 prot; /* GPTE_RW | GPTE_US | GPTE_NX as they add up */
	__u64 above; /* the same without the last entry */
	bool dirty; /* the last entry's D bit */
	bool global; /* its G bit */
	unsigned int shift; /* what it maps: 12, 21 or 30 bits */
	const __u64 *entries; /* its table, until the reader is asked again */
	/* answered, when it returned -ENOENT or -EACCES */
	__u32 error; /* what a CPU would push for this fault: GPF_* */
};

int guest_walk(struct guest_reader *reader, gpa_t cr3, struct guest_walk *walk);

#endif /* LG_GUEST_WALK_H */
