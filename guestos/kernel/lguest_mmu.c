// SPDX-License-Identifier: GPL-2.0-only
/*
 * lguest_mmu.c - page tables of a guest
 *
 * They are ordinary memory.  The host builds the real ones from them when a
 * fault proves that an entry is wanted, and remembers, exactly as a processor's
 * TLB does: so making an entry is a store, and taking a right away is a store
 * and a flush.
 *
 * Between lazy_enter() and lazy_leave() the flushes wait in the ring.  When
 * lazy_leave() returns they have been made; nobody may count on it before.
 *
 * Next: guestos/kernel/lguest_irq.c
 */
#include "lguest.h"

#define CR3_KEEP (1ULL << 63)

void lguest_write_cr3(u64 root)
{
	this_cpu()->cr3 = root;
	hcall(LHCALL_NEW_PGTABLE, root, 0, 0, 0);
}

/* A tag is a PCID, if the host has agreed to them. */
void lguest_switch_mm(u64 root, u32 tag, int keep)
{
	u64 cr3 = root;

	if (this_cpu()->info.features & LGUEST_FEATURE_PCID)
		cr3 |= tag | (keep ? CR3_KEEP : 0);
	this_cpu()->cr3 = root;
	hcall(LHCALL_NEW_PGTABLE, cr3, 0, 0, 0);
}

u64 lguest_read_cr3(void)
{
	return this_cpu()->cr3;
}

u64 lguest_read_cr2(void)
{
	return this_cpu()->lg.cr2;
}

void lguest_flush_tlb_user(void)
{
	hcall(LHCALL_FLUSH_TLB, LGUEST_FLUSH_USER, 0, 0, 0);
}

void lguest_flush_tlb_kernel(void)
{
	hcall(LHCALL_FLUSH_TLB, LGUEST_FLUSH_ALL, 0, 0, 0);
}

void lguest_flush_tlb_single(u64 addr)
{
	if (this_cpu()->lazy_mmu)
		lazy_hcall(LHCALL_FLUSH_PAGE, addr, 0, 0);
	else
		hcall(LHCALL_FLUSH_PAGE, addr, 0, 0, 0);
}

/* The host may give back what it built for this one. */
void lguest_release_pgtable(u64 root)
{
	hcall(LHCALL_RELEASE_PGTABLE, root, 0, 0, 0);
}

void lguest_set_pte(u64 *entry, u64 value)
{
	*(volatile u64 *)entry = value;
}

/* Where the address is known, an entry that comes to be is worth a hint. */
void lguest_set_pte_at(u64 addr, u64 *entry, u64 value)
{
	u64 old = *entry;

	lguest_set_pte(entry, value);
	if (this_cpu()->lazy_mmu && value & PTE_P && !(old & PTE_P))
		lazy_hcall(LHCALL_SET_PTE, this_cpu()->cr3, addr, value);
}

void lguest_set_pmd(u64 *entry, u64 value)
{
	*(volatile u64 *)entry = value;
}

void lguest_lazy_enter(void)
{
	this_cpu()->lazy_mmu++;
}

void lguest_lazy_leave(void)
{
	if (!--this_cpu()->lazy_mmu)
		lazy_done();
}
