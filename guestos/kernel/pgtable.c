// SPDX-License-Identifier: GPL-2.0-only
/*
 * pgtable.c - page tables, and the machine that must hear of them
 *
 * Four levels.  The upper half of every one is the kernel's and the same
 * everywhere; the lower half is the process's own.  Entries are written
 * through the table of operations (set_pte, set_pte_at, set_pmd).  Making an
 * entry needs no flush, taking a right away does: the processor, or lg.ko's
 * shadow, may remember.
 *
 * Slot 256, the lowest of the upper half, is the Switcher's under lguest and
 * nobody's natively; what must never happen is an entry there.
 *
 * Next: guestos/kernel/vm.c
 */
#include "kernel.h"

#define KERNEL_MAP_SLOT 402 /* of 0xffffc90000000000: kernel_map() */
#define SWITCHER_SLOT   256

/* pgtable_boot - leave the boot page tables: nothing below the high half */
void pgtable_boot(void)
{
	void *table = page_alloc();

	/* Here before there is another address space, so all of them have it. */
	pv_ops.set_pmd(&kernel_root[KERNEL_MAP_SLOT],
		       pa(table) | PTE_P | PTE_W);
	pv_ops.write_cr3(pa(kernel_root));
	if (kernel_root[SWITCHER_SLOT])
		panic("pgtable: slot %d is in use", SWITCHER_SLOT);
}

/* pt_create - an empty address space; returns its root, 0: no memory */
u64 pt_create(void)
{
	u64 *root = page_alloc();

	if (!root)
		return 0;
	memcpy(root + 256, kernel_root + 256, 256 * sizeof(*root));
	return pa(root);
}

/*
 * pt_entry - where the entry of addr is; NULL: there is none, or no memory
 *
 * make: tables on the way are made.  They allow everything; the last entry says
 * who may do what.
 */
u64 *pt_entry(u64 root, u64 addr, int make)
{
	u64 *table = va(root), *entry;
	void *page;
	int level;

	for (level = 4;; level--) {
		entry = &table[addr >> (3 + 9 * level) & 511];
		if (level == 1)
			return entry;
		if (!(*entry & PTE_P)) {
			page = make ? page_alloc() : NULL;
			if (!page)
				return NULL;
			pv_ops.set_pmd(entry,
				       pa(page) | PTE_P | PTE_W |
					       (addr < USER_END ? PTE_U : 0));
		}
		table = va(*entry & PTE_ADDR);
	}
}

/* pt_set - write an entry, and have a right that is gone forgotten */
void pt_set(u64 *entry, u64 value, u64 addr)
{
	u64 old = *entry;

	pv_ops.set_pte_at(addr, entry, value);
	if (old & PTE_P)
		pv_ops.flush_tlb_single(addr);
}

/* Everything below a table of the low half, and the table. */
static void free_below(u64 table_pa, int level)
{
	u64 *table = va(table_pa);
	int i, count = level == 4 ? 256 : 512;

	for (i = 0; i < count; i++) {
		if (!(table[i] & PTE_P))
			continue;
		if (level == 1)
			page_put(table[i] & PTE_ADDR);
		else
			free_below(table[i] & PTE_ADDR, level - 1);
	}
	page_put(table_pa);
}

/* pt_destroy - an address space that no CPU has loaded */
void pt_destroy(u64 root)
{
	pv_ops.release_pgtable(root);
	free_below(root, 4);
}

/* One entry of the parent's, twice: written to by either, it is copied. */
static void clone_entry(u64 *from, u64 *to, u64 addr)
{
	if (*from & PTE_W && !(*from & PTE_SHARED))
		pt_set(from, (*from & ~PTE_W) | PTE_COW, addr);
	page_get(*from & PTE_ADDR);
	pv_ops.set_pte(to, *from & ~(PTE_A | PTE_D));
}

static int clone_below(u64 from_pa, u64 to_root, u64 base, int level)
{
	u64 *from = va(from_pa), *to;
	int i, count = level == 4 ? 256 : 512;
	u64 addr;

	for (i = 0; i < count; i++) {
		if (!(from[i] & PTE_P))
			continue;
		addr = base + ((u64)i << (3 + 9 * level));
		if (level > 1) {
			if (clone_below(from[i] & PTE_ADDR, to_root, addr,
					level - 1) < 0)
				return -ENOMEM;
			continue;
		}
		to = pt_entry(to_root, addr, 1);
		if (!to)
			return -ENOMEM;
		clone_entry(&from[i], to, addr);
	}
	return 0;
}

/* pt_clone - for fork(); from is loaded on this CPU.  0: no memory */
u64 pt_clone(u64 from)
{
	u64 to = pt_create();
	int error;

	if (!to)
		return 0;
	/* Many rights go at once: let the machine hear of them in one go. */
	pv_ops.lazy_enter();
	error = clone_below(from, to, 0, 4);
	pv_ops.lazy_leave();
	if (!error)
		return to;
	pt_destroy(to);
	return 0;
}

/* kernel_map - a page for the kernel at an address of KERNEL_MAP_SLOT */
int kernel_map(u64 addr, u64 page, u64 bits)
{
	u64 *entry = pt_entry(pa(kernel_root), addr, 1);

	if (!entry)
		return -ENOMEM;
	pv_ops.set_pte(entry, page | bits);
	return 0;
}

/* kernel_unmap - gone for every CPU when this returns */
void kernel_unmap(u64 addr)
{
	u64 *entry = pt_entry(pa(kernel_root), addr, 0);

	if (!entry)
		return;
	pv_ops.set_pte(entry, 0);
	tlb_flush_kernel_everywhere();
}
