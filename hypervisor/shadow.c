// SPDX-License-Identifier: GPL-2.0-only
/*
 * shadow.c - the page tables the CPU really uses
 *
 * The guest writes what it likes in its own tables and the CPU never reads a
 * word of them.  It reads the tables made here, one entry at a time, each when
 * a fault has shown that it is wanted.  They are a TLB made of memory: empty is
 * always right, and whatever the guest flushes, or we run out of room for, is
 * simply dropped.  There are two roots, since guest kernel and guest user both
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
 * owed (vcpu->flush), which world_cross() pays before the next entry.
 *
 * Where we stand: trap.c has a page fault.  Start at shadow_fault().
 *
 * Next: guestos/start.S
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <asm/io.h>
#include <asm/pgtable.h>
#include "lg.h"
#include "trace.h"

/* Pages of tables a vcpu may have before it starts from nothing: 8 MiB. */
#define MAX_TABLES 2048

#define SPTE_TABLE \
	(_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED | _PAGE_DIRTY)
#define SPTE_LEAF (_PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED | _PAGE_DIRTY)

static struct page *spte_page(u64 spte)
{
	return pfn_to_page((spte & PTE_PFN_MASK & ~sme_me_mask) >> PAGE_SHIFT);
}

/* ---- tables ---- */

/* A new table; level 1 has the leaves. */
static u64 *new_table(struct lg_vcpu *vcpu, unsigned int level)
{
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

	if (!page)
		return NULL;
	set_page_private(page, level);
	list_add(&page->lru, &vcpu->tables);
	vcpu->num_tables++;
	return page_address(page);
}

static void put_leaf(u64 spte)
{
	struct page *page = spte_page(spte);

	if (spte & _PAGE_RW)
		set_page_dirty_lock(page);
	put_page(page);
}

static void free_tables(struct lg_vcpu *vcpu)
{
	struct page *page, *next;
	unsigned int i;

	list_for_each_entry_safe (page, next, &vcpu->tables, lru) {
		const u64 *table = page_address(page);

		for (i = 0; page_private(page) == 1 && i < 512; i++) {
			if (table[i] & _PAGE_PRESENT)
				put_leaf(table[i]);
		}
		set_page_private(page, 0);
		list_del(&page->lru);
		__free_page(page);
		cond_resched();
	}
	vcpu->num_tables = 0;
}

/* Empty roots.  The windows are put in when the vcpu is loaded. */
int shadow_init(struct lg_vcpu *vcpu)
{
	unsigned int view;

	for (view = 0; view < 2; view++) {
		vcpu->root[view] = new_table(vcpu, window_levels());
		if (!vcpu->root[view])
			return -ENOMEM;
	}
	vcpu->flush = true;
	return 0;
}

void shadow_fini(struct lg_vcpu *vcpu)
{
	free_tables(vcpu);
}

/* All but the two pages of the roots.  Caller holds vm->mem. */
static void drop(struct lg_vcpu *vcpu)
{
	unsigned int view;

	for (view = 0; view < 2; view++) {
		struct page *page = virt_to_page(vcpu->root[view]);

		list_del(&page->lru);
		clear_page(vcpu->root[view]);
	}
	free_tables(vcpu);
	for (view = 0; view < 2; view++) {
		list_add(&virt_to_page(vcpu->root[view])->lru, &vcpu->tables);
		vcpu->num_tables++;
	}
	vcpu->flush = true;
}

/*
 * shadow_new_root - the guest has another page table, or flushed this one
 *
 * Never fails for a running guest.  Returns 0.
 */
int shadow_new_root(struct lg_vcpu *vcpu, gpa_t cr3)
{
	down_read(&vcpu->vm->mem);
	drop(vcpu);
	vcpu->cr3 = cr3;
	up_read(&vcpu->vm->mem);
	return 0;
}

/* shadow_forget - drop all there is; the VM is frozen, or gone */
void shadow_forget(struct lg_vcpu *vcpu)
{
	drop(vcpu);
	mem_reader_drop(&vcpu->reader);
}

void shadow_serve_flush(struct lg_vcpu *vcpu)
{
	down_read(&vcpu->vm->mem);
	vcpu->flush = true;
	up_read(&vcpu->vm->mem);
}

int shadow_load(struct lg_vcpu *vcpu, u64 cr3)
{
	return shadow_new_root(vcpu, cr3 & ~(1ULL << 63));
}

void shadow_flush_all(struct lg_vcpu *vcpu)
{
	shadow_new_root(vcpu, vcpu->cr3);
}

void shadow_flush_page(struct lg_vcpu *vcpu, gva_t gva)
{
	shadow_new_root(vcpu, vcpu->cr3);
}

void shadow_release(struct lg_vcpu *vcpu, gpa_t root)
{
}

/* The leaf entry for gva in this view, with the tables to get there; or NULL. */
static u64 *find_spte(struct lg_vcpu *vcpu, unsigned int view, gva_t gva)
{
	u64 *table = vcpu->root[view];
	unsigned int level;

	for (level = window_levels(); level > 1; level--) {
		u64 *entry = &table[gva >> (3 + 9 * level) & 511];

		if (!*entry) {
			u64 *lower = new_table(vcpu, level - 1);

			if (!lower)
				return NULL;
			WRITE_ONCE(*entry, __sme_pa(lower) | SPTE_TABLE);
		}
		table = __va(*entry & PTE_PFN_MASK & ~sme_me_mask);
	}
	return &table[gva >> PAGE_SHIFT & 511];
}

/* ---- faults ---- */

static u64 make_spte(const struct guest_walk *walk, struct page *page)
{
	u64 spte = page_to_phys(page) | sme_me_mask | SPTE_LEAF;

	/* The store that would set the guest's dirty bit must be seen. */
	if ((walk->prot & GPTE_RW) && walk->dirty)
		spte |= _PAGE_RW;
	if ((walk->prot & GPTE_NX) || (!walk->user && (walk->prot & GPTE_US)))
		spte |= _PAGE_NX;
	return spte;
}

/* The walk has said what the guest means; say it in our table. */
static int fill(struct lg_vcpu *vcpu, const struct guest_walk *walk)
{
	struct page *page;
	u64 *sptep, old;

	if (vcpu->num_tables > MAX_TABLES)
		drop(vcpu);
	sptep = find_spte(vcpu, walk->user ? LG_MODE_USER : LG_MODE_KERNEL,
			  walk->gva);
	if (!sptep)
		return -ENOMEM;
	page = mem_page_locked(vcpu->vm, walk->gfn);
	if (IS_ERR(page))
		return PTR_ERR(page);

	old = *sptep;
	WRITE_ONCE(*sptep, make_spte(walk, page));
	if (old & _PAGE_PRESENT) {
		/* The same page with more rights needs no flush: it faulted. */
		vcpu->flush |= spte_page(old) != page;
		put_leaf(old);
	}
	lg_count(vcpu, LG_STAT_FILLS);
	trace_lg_shadow_fill(vcpu, walk);
	return 0;
}

/* From the first mapping up there, host and guest must not share a TLB. */
static void note_high(struct lg_vcpu *vcpu, gva_t gva)
{
	if (vcpu->high || (s64)gva >= 0)
		return;
	vcpu->high = true;
	preempt_disable();
	world_put(vcpu); /* CR4 is changed at load */
	preempt_enable();
}

/*
 * shadow_fault - a page fault in the guest; error is the CPU's code
 *
 * Returns 0 if there is now an entry; -ENOENT or -EACCES if the guest's own
 * tables have none or do not allow it, -EFAULT if they lead out of its RAM,
 * -EAGAIN if they would not hold still: all these are the guest's doing.
 * -ENOMEM and others are the host's.
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
	 * U clear at CPL 3 is the CPU looking at a descriptor table; PK is the
	 * guest's own key.  No entry of ours would help against either.
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
		/* the guest's doing only if it is the same */
		err = vcpu->reader.err;
	}
	up_read(&vcpu->vm->mem);
	vcpu->guest_error = walk.error;
	return err;
}
