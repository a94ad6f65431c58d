// SPDX-License-Identifier: GPL-2.0-only
/*
 * shadow_rmap.c - from a guest-physical page back to the entries that name it
 *
 * For whoever takes a page away from a guest, or wants to know when it is
 * written: all leaves of a vcpu's shadow by the page number they were made for.
 * Each table with leaves has a node for each of its entries right behind it, so
 * nothing is allocated or can fail, and there are never more nodes than tables
 * allow.  The number in a node is what was said when the leaf was made, and the
 * leaf is taken out by its node alone: what the guest's tables say later has no
 * part in it.  However many entries name one page, taking one out is one step.
 *
 * What must never happen: a leaf without its node in the list.
 *
 * Where we stand: shadow.c has made a leaf, or ram.c takes a page away.
 *
 * Next: daemon/bus.c
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include "lg.h"

#define RMAP_BITS 12

/* A leaf of 2 MiB is kept by its first page. */
struct rmap {
	struct hlist_node node;
	gfn_t gfn;
};

#define TABLE_BYTES (PAGE_SIZE << SHADOW_LEAVES_ORDER)
static_assert(PAGE_SIZE + 512 * sizeof(struct rmap) == TABLE_BYTES);

static struct rmap *rmap_of(u64 *entry)
{
	u64 *table = PTR_ALIGN_DOWN(entry, PAGE_SIZE);
	struct rmap *nodes = (void *)table + PAGE_SIZE;

	return nodes + (entry - table);
}

static u64 *entry_of(struct rmap *rmap)
{
	u64 *table = PTR_ALIGN_DOWN((u64 *)rmap, TABLE_BYTES);
	struct rmap *nodes = (void *)table + PAGE_SIZE;

	return table + (rmap - nodes);
}

static unsigned int pages_of(u64 *entry)
{
	return shadow_level(PTR_ALIGN_DOWN(entry, PAGE_SIZE)) == 2 ? 512 : 1;
}

static struct hlist_head *bucket(struct lg_vcpu *vcpu, gfn_t gfn)
{
	return &vcpu->rmap[hash_64(gfn, RMAP_BITS)];
}

/* rmap_init - 0 or -ENOMEM */
int rmap_init(struct lg_vcpu *vcpu)
{
	vcpu->rmap = kvcalloc(1 << RMAP_BITS, sizeof(*vcpu->rmap),
			      GFP_KERNEL_ACCOUNT);
	return vcpu->rmap ? 0 : -ENOMEM;
}

void rmap_fini(struct lg_vcpu *vcpu)
{
	kvfree(vcpu->rmap);
}

/* rmap_add - this entry has become a leaf for gfn */
void rmap_add(struct lg_vcpu *vcpu, u64 *entry, gfn_t gfn)
{
	struct rmap *rmap = rmap_of(entry);

	rmap->gfn = gfn;
	hlist_add_head(&rmap->node, bucket(vcpu, gfn));
}

/* rmap_remove - this entry is a leaf no longer */
void rmap_remove(u64 *entry)
{
	__hlist_del(&rmap_of(entry)->node);
}

/* ---- by page ---- */

typedef void (*leaf_fn)(u64 *entry);

/* A write will fault, and be seen. */
static void protect(u64 *entry)
{
	if (!(*entry & _PAGE_RW))
		return;
	WRITE_ONCE(*entry, *entry & ~_PAGE_RW);
	set_page_dirty_lock(shadow_page(*entry));
}

/* Of the leaves kept under gfn, those with at least so many pages. */
static void each_kept(struct lg_vcpu *vcpu, gfn_t gfn, unsigned int pages,
		      leaf_fn fn)
{
	struct hlist_node *next;
	struct rmap *rmap;

	hlist_for_each_entry_safe(rmap, next, bucket(vcpu, gfn), node) {
		if (rmap->gfn == gfn && pages_of(entry_of(rmap)) >= pages)
			fn(entry_of(rmap));
	}
}

static void each_in_table(u64 *table, gfn_t first, gfn_t end, leaf_fn fn)
{
	unsigned int i;

	for (i = 0; i < 512; i++) {
		gfn_t gfn = rmap_of(&table[i])->gfn;

		if (!table[i] ||
		    (shadow_level(table) == 2 && !(table[i] & _PAGE_PSE)))
			continue;
		if (gfn < end && gfn + pages_of(&table[i]) > first)
			fn(&table[i]);
	}
}

static void each_in_list(struct list_head *tables, gfn_t first, gfn_t end,
			 leaf_fn fn)
{
	struct page *page;

	list_for_each_entry(page, tables, lru) {
		if (shadow_level(page_address(page)) <= SHADOW_LEAVES)
			each_in_table(page_address(page), first, end, fn);
		cond_resched();
	}
}

/* A range is looked up page by page, or if it is long all leaves are looked at. */
static void each_in_range(struct lg_vcpu *vcpu, gfn_t first, gfn_t end,
			  leaf_fn fn)
{
	gfn_t gfn, large = ALIGN_DOWN(first, 512);
	unsigned int i;

	if (end - first <= 512) {
		if (large < first)
			each_kept(vcpu, large, 512, fn);
		for (gfn = first; gfn < end; gfn++)
			each_kept(vcpu, gfn, 1, fn);
		return;
	}
	each_in_list(&vcpu->global_tables, first, end, fn);
	for (i = 0; i < SHADOW_CONTEXTS; i++)
		each_in_list(&vcpu->contexts[i].tables, first, end, fn);
}

/* rmap_zap - no entry names a page in [first, end).  The VM is frozen. */
void rmap_zap(struct lg_vcpu *vcpu, gfn_t first, gfn_t end)
{
	each_in_range(vcpu, first, end, shadow_zap);
}

/* rmap_protect - no entry lets the guest write there.  The VM is frozen. */
void rmap_protect(struct lg_vcpu *vcpu, gfn_t first, gfn_t end)
{
	each_in_range(vcpu, first, end, protect);
}
