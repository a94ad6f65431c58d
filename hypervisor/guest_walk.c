// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest_walk.c - what does the guest mean by this address?
 *
 * The walk a CPU would do, over tables that are ordinary guest memory and that
 * another vcpu may be changing meanwhile.  So each entry is read once, and the
 * accessed and dirty bits are set by compare-and-exchange on what was read: if
 * the entry is no longer that, the walk starts over, as a CPU's would.
 *
 * What must never happen: a right in the answer that some level of the tables
 * did not grant at the moment it was read; a bit set in an entry that the
 * access did not use.
 *
 * Where we stand: trap.c has a page fault that shadow.c cannot yet explain.
 *
 * Next: hypervisor/mem.c
 */
#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/errno.h>
#else
#include <stddef.h>
#include <errno.h>
#endif
#include "guest_walk.h"

/* A guest that changes an entry under each of these many walks waits. */
#define WALK_RETRIES 8

static __u64 read_once(const __u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

/* Sets bits in *p if it still is what we read.  False: it is not. */
static bool mark(__u64 *p, __u64 entry, __u64 bits)
{
	if ((entry & bits) == bits)
		return true;
	return __atomic_compare_exchange_n(p, &entry, entry | bits, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* May an access of this kind use a page with these rights? */
static bool allowed(const struct guest_walk *walk, __u64 prot)
{
	if (walk->user && !(prot & GPTE_US))
		return false;
	if (walk->write && !(prot & GPTE_RW))
		return false;
	if (!walk->fetch)
		return true;
	/* Kernel code never runs from user pages: what SMEP would say. */
	return !(prot & GPTE_NX) && (walk->user || !(prot & GPTE_US));
}

/* Has the entry a bit that must be zero there? (SDM volume 3, 4.5.4) */
static bool reserved(__u64 entry, unsigned int shift)
{
	if (entry & GPTE_RSVD)
		return true;
	if (shift == 12 || !(entry & GPTE_PS))
		return false;
	/* The lowest address bit of a large page is its PAT bit. */
	return shift == 39 ||
	       (entry & GPTE_ADDR & ((1ULL << shift) - 1) & ~(1ULL << 12));
}

/* -EACCES, or -ENOENT if present is 0, with the code that goes with it. */
static int refuse(struct guest_walk *walk, __u32 present)
{
	walk->error = present | (walk->user ? GPF_U : 0) |
		      (walk->write ? GPF_W : 0) | (walk->fetch ? GPF_I : 0);
	return present ? -EACCES : -ENOENT;
}

static __u64 *get_table(struct guest_reader *reader, gpa_t gpa)
{
	unsigned int place = guest_reader_place(gpa);

	if (reader->kept[place].gpa == gpa && reader->kept[place].table)
		return reader->kept[place].table;
	return reader->table(reader, gpa);
}

/* One attempt.  -EAGAIN: an entry changed under our feet. */
static int try_walk(struct guest_reader *reader, gpa_t cr3,
		    struct guest_walk *walk)
{
	__u64 prot = GPTE_RW | GPTE_US, entry, *table, *p;
	gpa_t gpa = cr3 & GPTE_ADDR;
	unsigned int shift;
	bool leaf;

	for (shift = 39;; shift -= 9) {
		table = get_table(reader, gpa);
		if (!table)
			return -EFAULT;
		p = table + (walk->gva >> shift & 511);
		entry = read_once(p);
		if (!(entry & GPTE_P))
			return refuse(walk, 0);
		if (reserved(entry, shift))
			return refuse(walk, GPF_P | GPF_RSVD);
		walk->above = prot;
		prot &= entry | GPTE_NX;
		prot |= entry & GPTE_NX;
		leaf = shift == 12 || (shift < 39 && (entry & GPTE_PS));
		if (leaf)
			break;
		if (!mark(p, entry, GPTE_A))
			return -EAGAIN;
		gpa = entry & GPTE_ADDR;
	}
	if (!allowed(walk, prot))
		return refuse(walk, GPF_P);
	if (!mark(p, entry, GPTE_A | (walk->write ? GPTE_D : 0)))
		return -EAGAIN;

	gpa = entry & GPTE_ADDR & ~((1ULL << shift) - 1);
	gpa |= walk->gva & ((1ULL << shift) - 1);
	walk->gfn = gpa >> 12;
	walk->prot = prot;
	walk->dirty = walk->write || (entry & GPTE_D);
	walk->global = entry & GPTE_G;
	walk->shift = shift;
	walk->entries = table;
	return 0;
}

/*
 * guest_walk - find where gva leads, and with what rights
 *
 * Returns 0 with the answer in walk; -ENOENT if no mapping is present, -EACCES
 * if there is one that does not allow this access; -EFAULT if the tables lead
 * out of guest memory; -EAGAIN if they would not hold still.  Sleeps if the
 * reader does.
 */
int guest_walk(struct guest_reader *reader, gpa_t cr3, struct guest_walk *walk)
{
	int tries, err = -EAGAIN;

	for (tries = 0; tries < WALK_RETRIES && err == -EAGAIN; tries++)
		err = try_walk(reader, cr3, walk);
	return err;
}
