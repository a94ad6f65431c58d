// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmu.c - page tables of a guest
 *
 * They are ordinary memory.  The host builds the real ones from them when a
 * fault proves that an entry is wanted, and remembers, exactly as a processor's
 * TLB does.  So all operations that make or change an entry are the kernel's
 * own, and so are its rules when to flush, and its tags (PCIDs), which the host
 * remembers as a processor would.  There is nothing to gather lazily: an entry
 * that comes to be costs no call, one that goes costs the flush.
 *
 * What must never happen: a flush that is put off.
 *
 * Next: guestos/linux/port/irq.c
 */
#include "port.h"
#include "graft.h"

#include <linux/mm.h>
#include <linux/smp.h>
#include <asm/paravirt.h>
#include <asm/pgalloc.h>
#include <asm/tlb.h>
#include <asm/tlbflush.h>

/* The kernel's own; no installed header declares it. */
GRAFT_CHECK_FUNCTION(void, tlb_remove_table, struct mmu_gather *, void *);

static unsigned long read_cr3_op(void)
{
	return port_cpus[raw_smp_processor_id()].cr3;
}

/* Bit 63 is a wish, not part of what is read back. */
static void write_cr3_op(unsigned long value)
{
	port_cpus[raw_smp_processor_id()].cr3 = value & ~X86_CR3_PCID_NOFLUSH;
	hcall(LHCALL_NEW_PGTABLE, value, 0, 0, 0);
}

static void write_cr2_op(unsigned long value)
{
	hot_write(cr2, value);
}

static void flush_user_op(void)
{
	hcall(LHCALL_FLUSH_TLB, LGUEST_FLUSH_USER, 0, 0, 0);
}

static void flush_kernel_op(void)
{
	hcall(LHCALL_FLUSH_TLB, LGUEST_FLUSH_ALL, 0, 0, 0);
}

static void flush_one_op(unsigned long addr)
{
	hcall(LHCALL_FLUSH_PAGE, addr, 0, 0, 0);
}

/* What the host has built of it is of no more use. */
static void pgd_free_op(struct mm_struct *mm, pgd_t *pgd)
{
	hcall(LHCALL_RELEASE_PGTABLE, __pa(pgd), 0, 0, 0);
}

/* port_mmu_init - what is not named here stays the kernel's own */
void __init port_mmu_init(void)
{
	pv_ops.mmu.read_cr2 = __PV_IS_CALLEE_SAVE(port_read_cr2);
	pv_ops.mmu.write_cr2 = write_cr2_op;
	pv_ops.mmu.read_cr3 = read_cr3_op;
	pv_ops.mmu.write_cr3 = write_cr3_op;
	pv_ops.mmu.flush_tlb_user = flush_user_op;
	pv_ops.mmu.flush_tlb_kernel = flush_kernel_op;
	pv_ops.mmu.flush_tlb_one_user = flush_one_op;
	pv_ops.mmu.tlb_remove_table = tlb_remove_table;
	pv_ops.mmu.pgd_free = pgd_free_op;
}
