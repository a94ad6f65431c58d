// SPDX-License-Identifier: GPL-2.0-only
/*
 * pgtable.c - page tables, and the machine that must hear of them
 *
 * Four levels.  The upper half of every one is the kernel's and the same
 * everywhere; the lower half is the process's own.  Entries are written
 * through the table of operations (set_pte, set_pte_at, set_pmd).  Making an
 * entry or giving a right needs no flush, taking a right away does: the
 * processor, or lg.ko's shadow, may remember.
 *
 * Entries are accessed and dirty from the first.  We never ask which they are,
 * and a processor that need not say so, or lg.ko, is spared a second look.
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
		       pa(table) | PTE_P | PTE_W | PTE_A);
	pv_ops.write_cr3(pa(kernel_root));
	/* RAM was at 0 by global entries, too. */
	pv_ops.flush_tlb_kernel();
	if (kernel_root[SWITCHER_SLOT])
		panic("pgtable: slot %d is in use", SWITCHER_SLOT);
}

/*
 * pt_load - the address space of this process; of a kernel thread, the kernel's
 *
 * Each has a tag, and where the machine knows tags it may remember what it knew
 * when the process was here last.  That is true if it was nowhere else since,
 * for its entries change only where it runs.
 */
void pt_load(struct proc *proc)
{
	u32 here = this_cpu()->id + 1;

	if (!proc->root) {
		pv_ops.switch_mm(pa(kernel_root), 0, 1);
		return;
	}
	pv_ops.switch_mm(proc->root, (u32)(proc - procs) + 1,
			 proc->warm_cpu == here);
	proc->warm_cpu = here;
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
				       pa(page) | PTE_P | PTE_W | PTE_A |
					       (addr < USER_END ? PTE_U : 0));
		}
		table = va(*entry & PTE_ADDR);
	}
}

/* Would somebody who remembers old do what value does not allow? */
static int takes_away(u64 old, u64 value)
{
	return old & PTE_P &&
	       ((old ^ value) & (PTE_ADDR | PTE_P) ||
		old & ~value & (PTE_W | PTE_U) || value & ~old & PTE_NX);
}

/*
 * pt_set - write an entry, and have a right that is gone forgotten
 *
 * Who remembers too few rights finds out by a fault: vm_fault() expects it.
 */
void pt_set(u64 *entry, u64 value, u64 addr)
{
	u64 old = *entry;

	pv_ops.set_pte_at(addr, entry, value);
	if (takes_away(old, value))
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

#define TAKEN_MAX 32

/* Pages that the parent may not write any more. */
struct taken {
	u32 count; /* so many; the first TAKEN_MAX are in addr */
	u64 addr[TAKEN_MAX];
};

/* One by one while they are few; a few more in one go; or all that is known. */
static void flush_taken(const struct taken *taken)
{
	u32 i, lazy = taken->count > 2;

	if (taken->count > TAKEN_MAX) {
		pv_ops.flush_tlb_user();
		return;
	}
	if (lazy)
		pv_ops.lazy_enter();
	for (i = 0; i < taken->count; i++)
		pv_ops.flush_tlb_single(taken->addr[i]);
	if (lazy)
		pv_ops.lazy_leave();
}

/* One entry of the parent's, twice: written to by either, it is copied. */
static void clone_entry(u64 *from, u64 *to, u64 addr, struct taken *taken)
{
	if (*from & PTE_W && !(*from & PTE_SHARED)) {
		pv_ops.set_pte(from, (*from & ~PTE_W) | PTE_COW);
		if (taken->count < TAKEN_MAX)
			taken->addr[taken->count] = addr;
		taken->count++;
	}
	page_get(*from & PTE_ADDR);
	pv_ops.set_pte(to, *from);
}

static int clone_below(u64 from_pa, u64 to_root, u64 base, int level,
		       struct taken *taken)
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
					level - 1, taken) < 0)
				return -ENOMEM;
			continue;
		}
		to = pt_entry(to_root, addr, 1);
		if (!to)
			return -ENOMEM;
		clone_entry(&from[i], to, addr, taken);
	}
	return 0;
}

/* pt_clone - for fork(); from is loaded on this CPU.  0: no memory */
u64 pt_clone(u64 from)
{
	u64 to = pt_create();
	struct taken taken;
	int error;

	if (!to)
		return 0;
	taken.count = 0;
	error = clone_below(from, to, 0, 4, &taken);
	flush_taken(&taken);
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
