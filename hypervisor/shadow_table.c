// SPDX-License-Identifier: GPL-2.0-only
/*
 * shadow_table.c - the tables of the shadow: who owns them, and when they go
 *
 * A vcpu keeps the shadows of several guest address spaces, its contexts, one
 * for each PCID of the guest's.  A context has two trees, one for each view, and
 * beside them the vcpu has one tree of the guest's global pages.  Trees are
 * shared in whole slots of 512 GiB, in the two cases that are worth it:
 *
 *	a slot of the kernel's view that so far has user pages only is the
 *	user's own, lent with NX set: kernel code never runs from user pages;
 *	one that so far has global kernel pages only is the global tree's.
 *
 *	user view	| user slot |                     | (nothing) |
 *			      ^ lent, NX
 *	kernel view	| the same  | own slot | global slot |
 *						    ^ lent to every context
 *
 * The first page that does not fit makes the slot the kernel view's own, empty,
 * and it stays so until the context is dropped.
 *
 * What must never happen: a table that is let go while a slot leads there; a
 * context that runs with a flush owed.
 *
 * Where we stand: shadow.c wants the place of an entry.  Start at shadow_slot().
 *
 * Next: hypervisor/shadow_rmap.c
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <asm/io.h>
#include <asm/pgtable.h>
#include <asm/processor-flags.h>
#include "lg.h"

/* What one fill can take: tables of levels 3, 2 and 1. */
#define FILL_PAGES (1 + 2 * (1 << SHADOW_LEAVES_ORDER))

/*
 * A vcpu may always have so many, whatever the VM's cap.  The most that one
 * instruction can need at once is eight places, two of them its code's, so it
 * gets on even if everything is dropped whenever this is reached.
 */
#define MIN_PAGES 128

#define CR3_KEY (GPTE_ADDR | X86_CR3_PCID_MASK)

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

/* The caller has seen to it that no slot leads to any of them. */
static void free_tables(struct lg_vcpu *vcpu, struct list_head *tables)
{
	struct page *page, *next;

	list_for_each_entry_safe (page, next, tables, lru) {
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

static u64 entry_of(const u64 *table)
{
	return __sme_pa(table) | SHADOW_TABLE;
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

/* ---- contexts ---- */

static void owe_flush(struct lg_vcpu *vcpu, unsigned int contexts)
{
	vcpu->stale |= contexts;
	vcpu->flush = true;
}

static unsigned int bit_of(const struct lg_vcpu *vcpu,
			   const struct shadow_context *context)
{
	return 1U << (context - vcpu->contexts);
}

/* shadow_owe_flush - something in this slot was taken away or changed */
void shadow_owe_flush(struct lg_vcpu *vcpu, const u64 *slot)
{
	owe_flush(vcpu, shadow_is_global(vcpu, slot)
				? SHADOW_ALL
				: bit_of(vcpu, vcpu->context));
}

/* The window goes too; load_roots() puts it back before the context runs. */
static void drop_context(struct lg_vcpu *vcpu, struct shadow_context *context)
{
	unsigned int i;

	if (!context->used)
		return;
	for (i = 0; i < 4; i++)
		clear_page(context->slots[i / 2][i % 2]);
	free_tables(vcpu, &context->tables);
	owe_flush(vcpu, bit_of(vcpu, context));
}

static void drop_global(struct lg_vcpu *vcpu)
{
	unsigned int i, slot;

	for (i = 0; i < SHADOW_CONTEXTS; i++) {
		struct shadow_context *context = &vcpu->contexts[i];

		for (slot = 0; context->used && slot < 512; slot++) {
			u64 *entry = &context->slots[LG_MODE_KERNEL][slot / 256]
						    [slot];

			if (*entry & SHADOW_OF_GLOBAL)
				WRITE_ONCE(*entry, 0);
		}
	}
	clear_page(vcpu->global_slots);
	free_tables(vcpu, &vcpu->global_tables);
	owe_flush(vcpu, SHADOW_ALL);
}

static void drop_all(struct lg_vcpu *vcpu)
{
	unsigned int i;

	mem_reader_drop(&vcpu->reader);
	for (i = 0; i < SHADOW_CONTEXTS; i++)
		drop_context(vcpu, &vcpu->contexts[i]);
	drop_global(vcpu);
}

static void free_roots(struct shadow_context *context)
{
	unsigned int view, half;

	for (view = 0; view < 2; view++) {
		for (half = 0; half < 2; half++) {
			u64 *slots = context->slots[view][half];

			if (slots != context->root[view])
				free_page((unsigned long)slots);
			context->slots[view][half] = NULL;
		}
		free_page((unsigned long)context->root[view]);
		context->root[view] = NULL;
	}
}

/* A guest has four levels; of a fifth it has the first and the last entry. */
static int make_roots(struct shadow_context *context)
{
	unsigned int view, half;

	for (view = 0; view < 2; view++) {
		u64 *root = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

		context->root[view] = root;
		for (half = 0; half < 2 && root; half++) {
			u64 *slots = root;

			if (window_levels() == 5) {
				slots = (void *)get_zeroed_page(
					GFP_KERNEL_ACCOUNT);
				if (!slots)
					break;
				root[half * 511] = entry_of(slots);
			}
			context->slots[view][half] = slots;
		}
		if (half < 2) {
			free_roots(context);
			return -ENOMEM;
		}
	}
	return 0;
}

/* The context of this PCID; or one that is free; or the one unused longest. */
static struct shadow_context *find_context(struct lg_vcpu *vcpu, u64 cr3)
{
	struct shadow_context *best = NULL;
	unsigned int i;

	for (i = 0; i < SHADOW_CONTEXTS; i++) {
		struct shadow_context *context = &vcpu->contexts[i];

		if (context->used &&
		    !((context->cr3 ^ cr3) & X86_CR3_PCID_MASK))
			return context;
		if (!best || context->used < best->used)
			best = context;
	}
	return best;
}

/* For a PCID of the guest's.  Only the first can fail, when there is no other. */
static struct shadow_context *get_context(struct lg_vcpu *vcpu, u64 cr3)
{
	struct shadow_context *context = find_context(vcpu, cr3);

	if (!context->used && !context->root[0] && make_roots(context)) {
		/* No memory: this one's will have to do. */
		context = vcpu->context;
	}
	return context;
}

static void load_context(struct lg_vcpu *vcpu, struct shadow_context *context,
			 u64 cr3)
{
	bool keep = (cr3 & X86_CR3_PCID_NOFLUSH) && context->used &&
		    context->cr3 == (cr3 & CR3_KEY);

	if (!keep) {
		drop_context(vcpu, context);
		mem_reader_drop(&vcpu->reader); /* look at the tables anew */
	}
	context->cr3 = cr3 & CR3_KEY;
	context->used = ++vcpu->clock;
	vcpu->context = context;
	vcpu->cr3 = context->cr3;
	vcpu->flush = true; /* another root */
}

/*
 * shadow_load - as MOV to CR3 does with PCIDs
 *
 * Bit 63 keeps what is remembered of this PCID, unless that was with another
 * root.  The caller has checked that the root is RAM, or lets the guest find
 * out.  Returns 0.
 */
int shadow_load(struct lg_vcpu *vcpu, u64 cr3)
{
	down_read(&vcpu->vm->mem);
	load_context(vcpu, get_context(vcpu, cr3), cr3);
	up_read(&vcpu->vm->mem);
	return 0;
}

/* shadow_new_root - the same without bit 63.  Returns 0 */
int shadow_new_root(struct lg_vcpu *vcpu, gpa_t cr3)
{
	return shadow_load(vcpu, cr3 & CR3_KEY);
}

/* shadow_release - a root that will not be used again: a hint */
void shadow_release(struct lg_vcpu *vcpu, gpa_t root)
{
	unsigned int i;

	down_read(&vcpu->vm->mem);
	for (i = 0; i < SHADOW_CONTEXTS; i++) {
		if ((vcpu->contexts[i].cr3 & GPTE_ADDR) == root)
			drop_context(vcpu, &vcpu->contexts[i]);
	}
	up_read(&vcpu->vm->mem);
}

/* ---- flushing ---- */

/* shadow_flush_all - forget every translation, global ones too */
void shadow_flush_all(struct lg_vcpu *vcpu)
{
	down_read(&vcpu->vm->mem);
	drop_all(vcpu);
	up_read(&vcpu->vm->mem);
}

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
 * Forgets the guest's page that gva is in, which may be larger than ours: then
 * the pieces go with all else in their table.  True: there was something.
 */
static bool zap_page(u64 *entry, gva_t gva)
{
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

static u64 *slot_of(struct shadow_context *context, unsigned int view,
		    gva_t gva)
{
	return &context->slots[view][gva >> 63][gva >> 39 & 511];
}

static u64 *global_slot(struct lg_vcpu *vcpu, gva_t gva)
{
	return &vcpu->global_slots[gva >> 39 & 511];
}

/*
 * shadow_flush_page - as INVLPG does
 *
 * A global page may be in any context, where it met others in its slot, and we
 * do not keep track: so this address is forgotten in all of them.
 */
void shadow_flush_page(struct lg_vcpu *vcpu, gva_t gva)
{
	unsigned int i;

	if (!lg_guests_own(gva))
		return;
	down_read(&vcpu->vm->mem);
	if (zap_page(global_slot(vcpu, gva), gva))
		owe_flush(vcpu, SHADOW_ALL);
	for (i = 0; i < SHADOW_CONTEXTS; i++) {
		struct shadow_context *context = &vcpu->contexts[i];
		u64 *kernel;

		if (!context->used)
			continue;
		kernel = slot_of(context, LG_MODE_KERNEL, gva);
		if (zap_page(slot_of(context, LG_MODE_USER, gva), gva))
			owe_flush(vcpu, 1U << i);
		if (!(*kernel & (SHADOW_OF_USER | SHADOW_OF_GLOBAL)) &&
		    zap_page(kernel, gva))
			owe_flush(vcpu, 1U << i);
	}
	up_read(&vcpu->vm->mem);
}

/* shadow_serve_flush - LG_REQ_FLUSH; waits while the VM is frozen */
void shadow_serve_flush(struct lg_vcpu *vcpu)
{
	down_read(&vcpu->vm->mem);
	owe_flush(vcpu, SHADOW_ALL);
	up_read(&vcpu->vm->mem);
}

/* shadow_forget - everything, for a thread that has frozen the VM */
void shadow_forget(struct lg_vcpu *vcpu)
{
	drop_all(vcpu);
}

/* ---- the way to an entry ---- */

static bool crowded(const struct lg_vcpu *vcpu)
{
	const struct lg_vm *vm = vcpu->vm;

	return vcpu->shadow_pages + FILL_PAGES > MIN_PAGES &&
	       atomic_long_read(&vm->shadow_pages) + FILL_PAGES >
		       vm->shadow_cap;
}

/* The context other than the current one that was not used for longest. */
static struct shadow_context *find_victim(struct lg_vcpu *vcpu)
{
	struct shadow_context *victim = NULL;
	unsigned int i;

	for (i = 0; i < SHADOW_CONTEXTS; i++) {
		struct shadow_context *context = &vcpu->contexts[i];

		if (context != vcpu->context && context->used &&
		    !list_empty(&context->tables) &&
		    (!victim || context->used < victim->used))
			victim = context;
	}
	return victim;
}

/*
 * shadow_make_room - see that the next fill is within the VM's cap
 *
 * What it takes it takes from this vcpu: another's is not ours to touch, and
 * will be made to pay by its own fills.  So a VM can have its cap and, for each
 * vcpu, MIN_PAGES and its roots.
 */
void shadow_make_room(struct lg_vcpu *vcpu)
{
	while (crowded(vcpu)) {
		struct shadow_context *victim = find_victim(vcpu);

		if (victim)
			drop_context(vcpu, victim);
		else if (!list_empty(&vcpu->global_tables))
			drop_global(vcpu);
		else
			drop_context(vcpu, vcpu->context);
	}
}

static bool fill_slot(struct lg_vcpu *vcpu, u64 *slot, struct list_head *tables)
{
	u64 *table;

	if (*slot)
		return true;
	table = new_table(vcpu, 3, tables);
	if (table)
		WRITE_ONCE(*slot, entry_of(table));
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
	u64 *kernel = slot_of(context, LG_MODE_KERNEL, walk->gva);
	u64 *user = slot_of(context, LG_MODE_USER, walk->gva);
	u64 *global = global_slot(vcpu, walk->gva);

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
			WRITE_ONCE(*entry, entry_of(table));
		}
		table = table_of(*entry);
		if (walk->shift == 12 + 9 * at)
			virt_to_page(table)->private |= SHADOW_PIECES;
		entry = &table[walk->gva >> (3 + 9 * at) & 511];
		if (at == level)
			return entry;
	}
}

/* ---- a vcpu comes and goes ---- */

/* shadow_init - one empty context.  0 or -ENOMEM */
int shadow_init(struct lg_vcpu *vcpu)
{
	unsigned int i;
	int err;

	BUILD_BUG_ON(SHADOW_PCID <= 6);
	BUILD_BUG_ON(SHADOW_PCID + 2 * SHADOW_CONTEXTS > 0x800);
	for (i = 0; i < SHADOW_CONTEXTS; i++)
		INIT_LIST_HEAD(&vcpu->contexts[i].tables);
	INIT_LIST_HEAD(&vcpu->global_tables);
	vcpu->last_cpu = -1;
	vcpu->global_slots = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	err = vcpu->global_slots ? rmap_init(vcpu) : -ENOMEM;
	if (!err)
		err = make_roots(&vcpu->contexts[0]);
	if (!err)
		load_context(vcpu, &vcpu->contexts[0], 0);
	return err;
}

/* shadow_fini - nobody knows this vcpu any more; after a failed init too */
void shadow_fini(struct lg_vcpu *vcpu)
{
	unsigned int i;

	if (vcpu->context)
		drop_all(vcpu);
	for (i = 0; i < SHADOW_CONTEXTS; i++)
		free_roots(&vcpu->contexts[i]);
	rmap_fini(vcpu);
	free_page((unsigned long)vcpu->global_slots);
}
