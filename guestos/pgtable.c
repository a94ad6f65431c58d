// SPDX-License-Identifier: GPL-2.0-only
/*
 * pgtable.c - our page tables, and telling the host about them
 *
 * They are ordinary memory: the host reads them when it must and is told
 * nothing while an entry only comes into being.  An entry that changes or goes
 * has to be followed by a flush, exactly as on a real CPU, or the old meaning
 * may live on.
 *
 * Physical address and address are the same for all of RAM, so a table can be
 * written where its parent says it is.
 *
 * Next: guestos/lib.c
 */
#include "guestos.h"
#include "hypercall.h"

#define POOL_PAGES 64

static u64 pool[POOL_PAGES][512] __attribute__((aligned(4096)));
static u32 pool_used;
static u64 root;

void pgtable_init(u64 cr3)
{
	root = cr3;
}

u64 pgtable_root(void)
{
	return root;
}

/* pgtable_new_page - a page of zeroes; its address is its physical address */
u64 pgtable_new_page(void)
{
	if (pool_used == POOL_PAGES)
		panic("pgtable: all %d pages are used", POOL_PAGES);
	return (u64)pool[pool_used++];
}

/* A large page becomes a table of 512 smaller ones that mean the same. */
static void split(u64 *entry, int level)
{
	u64 step = level == 3 ? LARGE_BYTES : PAGE_BYTES;
	u64 keep = level == 3 ? 0 : PTE_LARGE;
	u64 *table = (u64 *)pgtable_new_page();
	u64 i;

	for (i = 0; i < 512; i++)
		table[i] = (*entry & ~keep) + i * step;
	*entry = (u64)table | PTE_P | PTE_W | PTE_U;
}

/*
 * pgtable_entry - the entry for gva: level 1 is a page, 2 is 2 MiB, 3 is 1 GiB
 *
 * Tables on the way are made, and large pages split, as needed.  They allow
 * everything; it is the last entry that says who may do what.
 */
u64 *pgtable_entry(u64 gva, int want)
{
	u64 *entry, *table = (u64 *)root;
	int level;

	for (level = 4;; level--) {
		entry = &table[gva >> (3 + 9 * level) & 511];
		if (level == want)
			return entry;
		if (!(*entry & PTE_P))
			*entry = pgtable_new_page() | PTE_P | PTE_W | PTE_U;
		else if (*entry & PTE_LARGE)
			split(entry, level);
		table = (u64 *)(*entry & PTE_ADDR);
	}
}

/* pgtable_map - one page at gva, whatever was there before */
void pgtable_map(u64 gva, u64 gpa, u64 bits)
{
	*pgtable_entry(gva, 1) = gpa | bits;
	hc_flush_tlb();
}

/* pgtable_give_to_user - pages that user mode may read, write and execute */
void pgtable_give_to_user(u64 start, u64 end)
{
	for (; start < end; start += PAGE_BYTES)
		*pgtable_entry(start, 1) |= PTE_U;
	hc_flush_tlb();
}
