// SPDX-License-Identifier: GPL-2.0-only
/*
 * shadow_table.c - the tables of the shadow, and the way to an entry
 *
 * A context has two trees, one for each view, and beside its contexts a vcpu has
 * one tree of the guest's global pages.  Trees are shared in whole slots of
 * 512 GiB, in the two cases that are worth it:
 *
 *	a slot of the kernel's view that so far has user pages only is the
 *	user's own, lent with NX set: kernel code never runs from user pages;
 *	one that so far has global kernel pages only is the global tree's.
 *
 *	user view	| user slot |
 *			      ^ lent, NX
 *	kernel view	| the same  | own slot | global slot |
 *						    ^ lent to every context
 *
 * The first page that does not fit makes the slot the kernel view's own, empty,
 * and it stays so until the context is dropped.
 *
 * What must never happen: a table that is let go while a slot leads there.
 *
 * Where we stand: shadow.c wants the place of an entry.  Start at shadow_slot().
 *
 * Next: hypervisor/shadow_rmap.c
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <asm/io.h>
#include <asm/pgtable.h>
#include "lg.h"

/* ---- pages ---- */

static unsigned int order_of(unsigned int level)
{
	return level <= SHADOW_LEAVES ? SHADOW_LEAVES_ORDER : 0;
}

static void count_pages(struct lg_vcpu *vcpu, long pages)
{
	vcpu->shadow_pages += pages;
	atomic_long_add(pages, &vcpu->vm->shadow_pages);
}

static u64 *new_table(struct lg_vcpu *vcpu, unsigned int level,
		      struct list_head *tables)
{
	struct page *page =
		alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO, order_of(level));

	if (!page)
		return NULL;
	set_page_private(page, level);
	list_add(&page->lru, tables);
	count_pages(vcpu, 1L << order_of(level));
	return page_address(page);
}

static void zap_all(u64 *table)
{
	unsigned int i;

	for (i = 0; i < 512; i++) {
		if (table[i] &&
		    (shadow_level(table) == 1 || (table[i] & _PAGE_PSE)))
			shadow_zap(&table[i]);
	}
}

/* shadow_free_tables - all on a list; the caller has seen that no slot leads there */
void shadow_free_tables(struct lg_vcpu *vcpu, struct list_head *tables)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, tables, lru) {
		unsigned int level = shadow_level(page_address(page));

		if (level <= SHADOW_LEAVES)
			zap_all(page_address(page));
		set_page_private(page, 0);
		list_del(&page->lru);
		__free_pages(page, order_of(level));
		count_pages(vcpu, -(1L << order_of(level)));
		cond_resched();
	}
}

static u64 *table_of(u64 entry)
{
	return __va(entry & PTE_PFN_MASK & ~sme_me_mask);
}

/*
 * shadow_zap - let go of a leaf
 *
 * Flushing the TLB is the caller's: for our own vcpu it may be owed until the
 * next entry, and of another's thread the VM is frozen.
 */
void shadow_zap(u64 *entry)
{
	struct page *page = shadow_page(*entry);
	bool written = *entry & _PAGE_RW;

	rmap_remove(entry);
	WRITE_ONCE(*entry, 0);
	if (written && !PageDirty(page))
		set_page_dirty_lock(page);
	put_page(page);
}

/* ---- one page ---- */

/* All leaves in a table and in those below it, which stay. */
static void zap_below(u64 *table)
{
	unsigned int i;

	for (i = 0; i < 512 && shadow_level(table) == 2; i++) {
		if (table[i] && !(table[i] & _PAGE_PSE))
			zap_all(table_of(table[i]));
		cond_resched();
	}
	zap_all(table);
	virt_to_page(table)->private &= ~SHADOW_PIECES;
}

/*
 * shadow_zap_page - forget the guest's page that gva is in, below a slot
 *
 * It may be larger than ours: then the pieces go with all else in their table.
 * True: there was something, and a flush is owed.
 */
bool shadow_zap_page(u64 *slot, gva_t gva)
{
	u64 *entry = slot;
	unsigned int level;

	for (level = 3; level; level--) {
		u64 *table;

		if (!*entry)
			return false;
		if (*entry & _PAGE_PSE)
			break;
		table = table_of(*entry);
		if (virt_to_page(table)->private & SHADOW_PIECES) {
			zap_below(table);
			return true;
		}
		entry = &table[gva >> (3 + 9 * level) & 511];
	}
	if (!*entry)
		return false;
	shadow_zap(entry);
	return true;
}

/* ---- the way to an entry ---- */

static bool fill_slot(struct lg_vcpu *vcpu, u64 *slot, struct list_head *tables)
{
	u64 *table;

	if (*slot)
		return true;
	table = new_table(vcpu, 3, tables);
	if (table)
		WRITE_ONCE(*slot, shadow_table_entry(table));
	return table;
}

/*
 * shadow_slot - the slot in which a page belongs that the guest can reach
 *
 * That of the user's view, of the global pages, or the kernel view's own.  It
 * leads to a table, and the view that asks sees it.  NULL: no memory.
 */
u64 *shadow_slot(struct lg_vcpu *vcpu, const struct guest_walk *walk)
{
	struct shadow_context *context = vcpu->context;
	u64 *kernel = shadow_slot_of(context, LG_MODE_KERNEL, walk->gva);
	u64 *user = shadow_slot_of(context, LG_MODE_USER, walk->gva);
	u64 *global = shadow_global_slot(vcpu, walk->gva);

	if (walk->user || ((walk->prot & GPTE_US) &&
			   (!*kernel || (*kernel & SHADOW_OF_USER)))) {
		if (!fill_slot(vcpu, user, &context->tables))
			return NULL;
		if (!*kernel)
			WRITE_ONCE(*kernel, *user | _PAGE_NX | SHADOW_OF_USER);
		return user;
	}
	if (walk->global && !(walk->prot & GPTE_US) &&
	    (!*kernel || (*kernel & SHADOW_OF_GLOBAL))) {
		if (!fill_slot(vcpu, global, &vcpu->global_tables))
			return NULL;
		__set_bit(walk->gva >> 39 & 511, vcpu->globals);
		if (!*kernel)
			WRITE_ONCE(*kernel, *global | SHADOW_OF_GLOBAL);
		return global;
	}
	if (*kernel & (SHADOW_OF_USER | SHADOW_OF_GLOBAL)) {
		WRITE_ONCE(*kernel, 0);
		shadow_owe_flush(vcpu, kernel);
	}
	return fill_slot(vcpu, kernel, &context->tables) ? kernel : NULL;
}

/*
 * shadow_entry - the entry for an address at a level below its slot
 *
 * Level 2 is 2 MiB, 1 is 4 KiB.  Makes what tables are missing on the way, and
 * has a large page make room for one.  NULL: no memory.
 */
u64 *shadow_entry(struct lg_vcpu *vcpu, u64 *slot,
		  const struct guest_walk *walk, unsigned int level)
{
	struct list_head *tables = shadow_is_global(vcpu, slot)
					   ? &vcpu->global_tables
					   : &vcpu->context->tables;
	u64 *table, *entry = slot;
	unsigned int at;

	for (at = 3;; at--) {
		if (*entry & _PAGE_PSE) {
			shadow_zap(entry);
			shadow_owe_flush(vcpu, slot);
		}
		if (!*entry) {
			table = new_table(vcpu, at, tables);
			if (!table)
				return NULL;
			WRITE_ONCE(*entry, shadow_table_entry(table));
		}
		table = table_of(*entry);
		if (walk->shift == 12 + 9 * at)
			virt_to_page(table)->private |= SHADOW_PIECES;
		entry = &table[walk->gva >> (3 + 9 * at) & 511];
		if (at == level)
			return entry;
	}
}
