// SPDX-License-Identifier: GPL-2.0-only
/*
 * shadow.c - the page tables the CPU really uses
 *
 * The guest writes what it likes in its own tables and the CPU never reads a
 * word of them.  It reads the tables made here, an entry at a time, each when a
 * fault has shown that it is wanted.  They are a TLB made of memory: empty is
 * always right, and whatever the guest flushes, or we run out of room for, is
 * simply dropped.  There are two views, since guest kernel and guest user both
 * run at CPL 3 and the CPU's own U bit cannot keep them apart: a kernel page is
 * in the kernel's view only, and a user page cannot be executed there.
 *
 * Two things must never happen:
 *
 *	- an entry that names a page this guest does not own, or a page that
 *	  has been let go while an entry or a TLB could still name it;
 *	- an entry with a right that the guest's tables did not grant.
 *
 * So an entry is put together here from a short list of bits, never copied;
 * each holds a reference on its page; and pages are let go only with a flush
 * owed, which world_cross() pays before the next entry.  From the walk of the
 * guest's tables until the entry is in place vm->mem is held, so nobody takes
 * away in between what was found.
 *
 * Where we stand: trap.c has a page fault.  Start at shadow_fault().
 *
 * Next: hypervisor/shadow_context.c
 */
#include <linux/mm.h>
#include <asm/io.h>
#include <asm/pgtable.h>
#include "lg.h"
#include "trace.h"

#define SPTE_LEAF (_PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED | _PAGE_DIRTY)

/* A fill brings in neighbours too, if the guest has used them: so many. */
#define NEIGHBOURS SW_PF_PAGES

/* What there is to say about one page, from the guest's entry for it. */
struct leaf {
	gfn_t gfn;
	u64 prot; /* GPTE_RW | GPTE_US | GPTE_NX */
	bool dirty;
	bool global;
};

/* Where leaves go: a slot takes some and others not. */
struct place {
	u64 *slot;
	bool users, globals; /* only such */
	u64 *entry;
	unsigned int level; /* 2 MiB: 2, 4 KiB: 1 */
};

static u64 make_spte(const struct leaf *leaf, const struct lg_ram *ram,
		     struct page *page, const struct place *place)
{
	u64 spte = page_to_phys(page) | sme_me_mask | SPTE_LEAF;

	if (place->level == 2)
		spte |= _PAGE_PSE;
	/* The store that would set the guest's dirty bit must be seen. */
	if ((leaf->prot & GPTE_RW) && leaf->dirty &&
	    mem_may_write(ram, leaf->gfn))
		spte |= _PAGE_RW;
	/* The user's slots have NX above, where they are lent to the kernel. */
	if ((leaf->prot & GPTE_NX) || (!place->users && (leaf->prot & GPTE_US)))
		spte |= _PAGE_NX;
	return spte;
}

/* Makes place->entry a leaf.  Takes over the reference on page. */
static void set_leaf(struct lg_vcpu *vcpu, const struct place *place,
		     const struct leaf *leaf, const struct lg_ram *ram,
		     struct page *page)
{
	u64 *entry = place->entry, old = *entry;

	if (old) {
		/* The same page with more rights needs no flush: it faulted. */
		if (shadow_page(old) != page)
			shadow_owe_flush(vcpu, place->slot);
		shadow_zap(entry);
	}
	rmap_add(vcpu, entry, leaf->gfn);
	WRITE_ONCE(*entry, make_spte(leaf, ram, page, place));
	lg_count(vcpu, LG_STAT_FILLS);
}

/* ---- large pages ---- */

/*
 * Is this page part of a huge page of the host's that can stand for the guest's
 * large page in one entry?  Then all of both is in the slot.
 */
static bool is_large(const struct guest_walk *walk, const struct lg_ram *ram,
		     struct page *page)
{
	gfn_t base = ALIGN_DOWN(walk->gfn, 512);
	gfn_t start = ram->gpa >> PAGE_SHIFT;
	struct page *head = compound_head(page);

	return walk->shift > PAGE_SHIFT && !ram->log && base >= start &&
	       base + 512 <= start + (ram->bytes >> PAGE_SHIFT) &&
	       PageHead(head) && compound_order(head) == HPAGE_PMD_ORDER &&
	       page - head == walk->gfn - base;
}

/* ---- neighbours ---- */

/* The guest's entry so many after walk's. */
static u64 read_neighbour(const struct guest_walk *walk, int distance)
{
	if (walk->shift > PAGE_SHIFT) /* the same entry, so far */
		return GPTE_P | GPTE_RW | GPTE_A;
	return READ_ONCE(
		walk->entries[(walk->gva >> PAGE_SHIFT & 511) + distance]);
}

/* What it says about its page. */
static struct leaf read_leaf(const struct guest_walk *walk, u64 entry,
			     int distance)
{
	if (walk->shift > PAGE_SHIFT)
		return (struct leaf){
			.gfn = walk->gfn + distance,
			.prot = walk->prot,
			.dirty = walk->dirty,
			.global = walk->global,
		};
	return (struct leaf){
		.gfn = (entry & GPTE_ADDR) >> PAGE_SHIFT,
		.prot = (walk->above & (entry | GPTE_NX)) | (entry & GPTE_NX),
		.dirty = entry & GPTE_D,
		.global = entry & GPTE_G,
	};
}

static bool fits(const struct place *place, const struct leaf *leaf)
{
	if (place->users)
		return leaf->prot & GPTE_US;
	return !place->globals || (leaf->global && !(leaf->prot & GPTE_US));
}

/* Only what costs no wait is taken, and from the same slot of RAM. */
static void fill_neighbour(struct lg_vcpu *vcpu, const struct place *place,
			   const struct leaf *leaf, const struct lg_ram *ram)
{
	struct page *page;

	if (!fits(place, leaf) ||
	    leaf->gfn - (ram->gpa >> PAGE_SHIFT) >= ram->bytes >> PAGE_SHIFT)
		return;
	page = mem_ram_page(ram, leaf->gfn, /* wait= */ false);
	if (page)
		set_leaf(vcpu, place, leaf, ram, page);
}

/*
 * For the Switcher: faults of user mode that are the guest's own if its tables
 * stay as they are.  If not, it finds nothing to put right, and tries again.
 */
static void note_refused(struct lg_vcpu *vcpu, const struct guest_walk *walk,
			 unsigned int absent, unsigned int denied)
{
	struct sw_state *state = vcpu->state;

	state->pf_block = walk->gva >> (PAGE_SHIFT + SW_PF_SHIFT);
	state->pf_absent = absent;
	state->pf_denied = denied;
}

/*
 * Entries beside one that faulted, if the guest has used them before: what a
 * CPU may have in its TLB at any time.
 */
static void fill_neighbours(struct lg_vcpu *vcpu, const struct guest_walk *walk,
			    struct place place, const struct lg_ram *ram)
{
	const u64 used = GPTE_P | GPTE_A;
	int before = walk->gva >> PAGE_SHIFT & (NEIGHBOURS - 1), i;
	u64 *first = place.entry - before;
	unsigned int absent = 0, denied = 0;

	for (i = 0; i < NEIGHBOURS; i++) {
		struct leaf leaf;
		u64 entry;

		if (first[i])
			continue;
		entry = read_neighbour(walk, i - before);
		absent |= !(entry & GPTE_P) << i;
		denied |= ((entry & (GPTE_P | GPTE_RW)) != (GPTE_P | GPTE_RW))
			  << i;
		if ((entry & (used | GPTE_RSVD)) != used)
			continue;
		leaf = read_leaf(walk, entry, i - before);
		place.entry = &first[i];
		fill_neighbour(vcpu, &place, &leaf, ram);
	}
	if (place.users && (vcpu->told.features & LGUEST_FEATURE_ABSENT_FAULT))
		note_refused(vcpu, walk, absent, denied);
}

/* ---- faults ---- */

/* Finds where the leaf goes, and whether it is a large one.  0 or -ENOMEM */
static int find_place(struct lg_vcpu *vcpu, const struct guest_walk *walk,
		      bool large, struct place *place)
{
	shadow_make_room(vcpu);
	place->slot = shadow_slot(vcpu, walk);
	if (!place->slot)
		return -ENOMEM;
	place->globals = shadow_is_global(vcpu, place->slot);
	place->users = shadow_is_user(vcpu, place->slot);
	place->level = 1;
	if (large) {
		place->entry = shadow_entry(vcpu, place->slot, walk, 2);
		/* A table that is there already stays. */
		if (place->entry &&
		    (!*place->entry || (*place->entry & _PAGE_PSE)))
			place->level = 2;
	}
	if (place->level == 1)
		place->entry = shadow_entry(vcpu, place->slot, walk, 1);
	return place->entry ? 0 : -ENOMEM;
}

/* The walk has said what the guest means; say it in our table. */
static int fill(struct lg_vcpu *vcpu, const struct guest_walk *walk)
{
	const struct lg_ram *ram = mem_ram(vcpu->vm, walk->gfn);
	struct leaf leaf = {
		.gfn = walk->gfn,
		.prot = walk->prot,
		.dirty = walk->dirty,
	};
	struct place place;
	struct page *page;
	int err;

	if (!ram)
		return -EFAULT;
	page = mem_ram_page(ram, walk->gfn, /* wait= */ true);
	if (IS_ERR(page))
		return PTR_ERR(page);
	err = find_place(vcpu, walk, is_large(walk, ram, page), &place);
	if (err) {
		put_page(page);
		return err;
	}
	if (walk->write)
		mem_log(ram, walk->gfn);
	if (place.level == 2) {
		leaf.gfn = ALIGN_DOWN(leaf.gfn, 512);
		page = compound_head(page); /* which has the reference */
	}
	set_leaf(vcpu, &place, &leaf, ram, page);
	if (place.level == 1)
		fill_neighbours(vcpu, walk, place, ram);
	trace_lg_shadow_fill(vcpu, walk);
	return 0;
}

/* From the first mapping up there, host and guest must not share a TLB. */
static void note_high(struct lg_vcpu *vcpu, gva_t gva)
{
	if (vcpu->high || (s64)gva >= 0)
		return;
	vcpu->high = true;
	world_leave(vcpu); /* CR4 is changed at load */
}

/*
 * shadow_fault - a page fault in the guest; error is the CPU's code
 *
 * Returns 0 if there is now an entry; -ENOENT or -EACCES if the guest's own
 * tables have none or do not allow it, with the code it should see in
 * vcpu->guest_error; -EFAULT if they lead out of its RAM, -EAGAIN if they would
 * not hold still: all these are the guest's doing.  Others are the host's.
 */
int shadow_fault(struct lg_vcpu *vcpu, gva_t gva, u32 error)
{
	struct guest_walk walk = {
		.gva = gva,
		.user = lg_user_mode(vcpu),
		.write = error & GPF_W,
		.fetch = error & GPF_I,
	};
	int err;

	if (WARN_ON_ONCE(error & GPF_RSVD))
		return -EINVAL;
	walk.error = (error & (GPF_W | GPF_I)) | (walk.user ? GPF_U : 0);
	vcpu->guest_error = walk.error;
	/*
	 * A kernel's pages have no keys, but ours are all user pages: a program
	 * with WRPKRU would take its kernel's stack away.
	 */
	if ((error & GPF_PK) && !walk.user) {
		vcpu->pkru = 0;
		return 0;
	}
	/*
	 * U clear at CPL 3 is the CPU looking at a descriptor table; PK is the
	 * program's own key.  No entry of ours would help against either.
	 */
	if (!(error & GPF_U) || (error & GPF_PK)) {
		vcpu->guest_error |= GPF_P | (error & GPF_PK);
		return -EACCES;
	}
	if (!lg_guests_own(gva))
		return -ENOENT;
	down_read(&vcpu->vm->mem);
	err = guest_walk(&vcpu->reader.reader, vcpu->cr3, &walk);
	if (!err) {
		note_high(vcpu, gva);
		err = fill(vcpu, &walk);
	} else if (err == -EFAULT) {
		/* The guest's doing only if this is the same. */
		err = vcpu->reader.err;
	}
	up_read(&vcpu->vm->mem);
	vcpu->guest_error = walk.error;
	return err;
}
