// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmu.c - page tables mean what they say, when they must
 *
 * A processor may remember an entry until it is told to forget it, and so may
 * lg.ko: no check asks what happens before the flush, only after.
 */
#include "test.h"

#define ADDR        0xffffc90000100000 /* kernel_map()'s part, where nothing is */
#define OTHER       (ADDR + PAGE_BYTES)
#define KERNEL_BITS (PTE_P | PTE_W | PTE_NX)

static volatile u64 *const word = (volatile u64 *)ADDR;
static u64 *page_a, *page_b;

static u64 *entry(u64 addr)
{
	return pt_entry(pa(kernel_root), addr, 1);
}

static void one_page(void)
{
	u64 value;

	*page_a = 0xa;
	*page_b = 0xb;
	pv_ops.set_pte(entry(ADDR), pa(page_a) | KERNEL_BITS);
	is(*word, 0xa, "lguest_set_pte: a new entry needs no flush");
	pv_ops.set_pte_at(ADDR, entry(ADDR), pa(page_b) | KERNEL_BITS);
	pv_ops.flush_tlb_single(ADDR);
	is(*word, 0xb, "lguest_flush_tlb_single: a changed one does");
	*word = 0xbb;
	is(*page_b, 0xbb, "lguest_set_pte_at: it is the page it names");
	ok(*entry(ADDR) & PTE_D && *entry(ADDR) & PTE_A,
	   "lguest_set_pte: accessed and dirty are set");

	pv_ops.set_pte_at(ADDR, entry(ADDR), pa(page_a) | KERNEL_BITS);
	pv_ops.flush_tlb_user();
	pv_ops.flush_tlb_single(ADDR);
	is(*word, 0xa, "lguest_flush_tlb_user: and then flush_tlb_single");
	pv_ops.set_pte(entry(ADDR), 0);
	pv_ops.flush_tlb_kernel();
	is((u64)try_read((void *)ADDR, &value), (u64)-EFAULT,
	   "lguest_flush_tlb_kernel: what is gone is gone");
	pv_ops.set_pte(entry(ADDR), pa(page_a) | KERNEL_BITS);
	is((u64)try_read((void *)ADDR, &value), 0,
	   "lguest_set_pte: and is there again without a flush");
}

static void rights(void)
{
	int failed;

	pv_ops.set_pte(entry(ADDR), pa(page_a) | PTE_P | PTE_NX);
	pv_ops.flush_tlb_single(ADDR);
	is(*word, 0xa, "lguest_set_pte: a read-only page is readable");
	failed = try_write((void *)ADDR, 0xc);
	is((u64)failed, (u64)-EFAULT,
	   "lguest_write_cr0: WP: and not writable, for the kernel either");
	is(*page_a, 0xa, "lguest_set_pte: and has not changed");
	pv_ops.set_pte(entry(ADDR), pa(page_a) | KERNEL_BITS);
	pv_ops.flush_tlb_single(ADDR);
	is((u64)try_write((void *)ADDR, 0xc), 0,
	   "lguest_set_pte: a right given is a right");
}

static void lazy(void)
{
	volatile u64 *other = (volatile u64 *)OTHER;
	u64 i, good, first, second;

	pv_ops.set_pte(entry(ADDR), pa(page_a) | KERNEL_BITS);
	pv_ops.set_pte(entry(OTHER), pa(page_a) | KERNEL_BITS);
	pv_ops.flush_tlb_kernel();
	*page_a = 0xaa;
	*page_b = 0xbb;
	good = *word == 0xaa && *other == 0xaa;
	pv_ops.lazy_enter();
	for (i = 0; i < 200; i++) {
		pv_ops.set_pte_at(ADDR, entry(ADDR),
				  pa(i & 1 ? page_b : page_a) | KERNEL_BITS);
		pv_ops.flush_tlb_single(ADDR);
	}
	good += *other == 0xaa; /* still in use when it changes */
	pv_ops.set_pte_at(OTHER, entry(OTHER), pa(page_b) | KERNEL_BITS);
	pv_ops.flush_tlb_single(OTHER);
	pv_ops.lazy_leave();
	/* At once, before a word is printed: printing asks the host, too. */
	second = *other;
	first = *word;
	is(good, 2, "paravirt_enter_lazy_mmu: two pages, the same before");
	is(first, 0xbb, "paravirt_enter_lazy_mmu: 200 changes in one batch");
	is(second, 0xbb, "lguest_leave_lazy_mode: all of them have been made");
}

/* Two address spaces that differ in one page of the low half. */
static void roots(void)
{
	u64 a = pt_create(), b = pt_create(), was = pv_ops.read_cr3();
	volatile u64 *low = (volatile u64 *)0x400000;
	u64 seen_a, seen_b, i, good = 0, flags;

	*page_a = 1;
	*page_b = 2;
	pv_ops.set_pte(pt_entry(a, 0x400000, 1), pa(page_a) | KERNEL_BITS);
	pv_ops.set_pte(pt_entry(b, 0x400000, 1), pa(page_b) | KERNEL_BITS);
	flags = irq_save();
	for (i = 0; i < 50; i++) {
		pv_ops.write_cr3(a);
		seen_a = *low;
		pv_ops.write_cr3(b);
		seen_b = *low;
		good += seen_a == 1 && seen_b == 2;
	}
	is(pv_ops.read_cr3(), b, "lguest_read_cr3: it is what was written");
	pv_ops.set_pte(pt_entry(b, 0x400000, 1), pa(page_a) | KERNEL_BITS);
	pv_ops.flush_tlb_user();
	seen_b = *low;
	pv_ops.write_cr3(was);
	restore_fl(flags);
	is(good, 50, "lguest_write_cr3: each address space has its own page");
	is(seen_b, 1, "lguest_flush_tlb_user: this address space is flushed");

	pv_ops.set_pte(pt_entry(a, 0x400000, 1), 0);
	pv_ops.set_pte(pt_entry(b, 0x400000, 1), 0);
	pt_destroy(a);
	pt_destroy(b);
}

/* Tags: what may be remembered of two address spaces, and what may not. */
static void tags(void)
{
	u64 a = pt_create(), b = pt_create(), was = pv_ops.read_cr3();
	volatile u64 *low = (volatile u64 *)0x400000;
	u64 *entry_a = pt_entry(a, 0x400000, 1), i, good = 0, seen, flags;

	*page_a = 1;
	*page_b = 2;
	pv_ops.set_pte(entry_a, pa(page_a) | KERNEL_BITS);
	pv_ops.set_pte(pt_entry(b, 0x400000, 1), pa(page_b) | KERNEL_BITS);
	flags = irq_save();
	for (i = 0; i < 50; i++) {
		pv_ops.switch_mm(a, 4094, i > 0);
		good += *low == 1;
		pv_ops.switch_mm(b, 4095, i > 0);
		good += *low == 2;
	}
	/* The tag goes over to another root: nobody may take one for the other. */
	pv_ops.switch_mm(a, 4095, 1);
	good += *low == 1;
	pv_ops.switch_mm(b, 4095, 1);
	good += *low == 2;
	pv_ops.set_pte(entry_a, pa(page_b) | KERNEL_BITS);
	pv_ops.switch_mm(a, 4094, 0);
	seen = *low;
	is(pv_ops.read_cr3(), a, "switch_mm: read_cr3 has no tag");
	pv_ops.write_cr3(was);
	restore_fl(flags);
	is(good, 102, "switch_mm: each address space has its own page");
	is(seen, 2, "switch_mm: what is not kept is forgotten");

	pv_ops.set_pte(entry_a, 0);
	pv_ops.set_pte(pt_entry(b, 0x400000, 1), 0);
	pt_destroy(a);
	pt_destroy(b);
}

static void tables(void)
{
	u64 root = pt_create(), addr = 0x40000000, was = pv_ops.read_cr3();
	u64 *table = page_alloc(), *pmd, flags, seen, old, again;

	*page_a = 3;
	pt_entry(root, addr, 1);
	pmd = (u64 *)va(((u64 *)va(((u64 *)va(root))[0] & PTE_ADDR))[1] &
			PTE_ADDR);
	table[0] = pa(page_a) | KERNEL_BITS;
	flags = irq_save();
	pv_ops.write_cr3(root);
	seen = (u64)try_read((void *)addr, &again);
	old = pmd[0];
	pv_ops.set_pmd(&pmd[0], pa(table) | PTE_P | PTE_W);
	pv_ops.flush_tlb_single(addr);
	again = *(volatile u64 *)addr;
	pv_ops.write_cr3(was);
	restore_fl(flags);
	is(seen, (u64)-EFAULT, "lguest_set_pmd: an empty table has nothing");
	is(again, 3, "lguest_set_pmd: another one has");
	page_put(old & PTE_ADDR);
	table[0] = 0;
	pt_destroy(root);
}

void init_thread(void)
{
	page_a = page_alloc();
	page_b = page_alloc();
	one_page();
	rights();
	lazy();
	roots();
	tags();
	tables();
	done_testing();
}
