// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm.c - the memory of a process
 *
 * There is no list of areas: the page table is the only truth.  A page is
 * present or it is not the process's.  After fork() both have the same pages,
 * read-only and marked PTE_COW; whoever writes first gets a copy, and the last
 * one keeps the original.
 *
 * What must never happen is a page left writable in one of two processes that
 * share it: pt_clone() withdraws the right before it gives the page away.
 *
 * Next: guestos/kernel/uaccess.c
 */
#include "kernel.h"

static int bad_range(u64 addr, u64 bytes)
{
	return addr % PAGE_BYTES || bytes % PAGE_BYTES || !bytes ||
	       addr < PAGE_BYTES || bytes > USER_END || addr > USER_END - bytes;
}

/* vm_map - pages of zeroes at [addr, addr + bytes), where nothing is yet */
int vm_map(struct proc *proc, u64 addr, u64 bytes, u64 bits)
{
	u64 *entry, end = addr + bytes;
	void *page;

	if (bad_range(addr, bytes))
		return -EINVAL;
	for (; addr < end; addr += PAGE_BYTES) {
		entry = pt_entry(proc->root, addr, 1);
		if (!entry)
			return -ENOMEM;
		if (*entry & PTE_P)
			return -EINVAL;
		page = page_alloc();
		if (!page)
			return -ENOMEM;
		pv_ops.set_pte_at(addr, entry,
				  pa(page) | bits | PTE_P | PTE_U | PTE_A |
					  PTE_D);
	}
	return 0;
}

/* vm_unmap - give back what is there, in one go */
int vm_unmap(struct proc *proc, u64 addr, u64 bytes)
{
	u64 *entry, page, end = addr + bytes;

	if (bad_range(addr, bytes))
		return -EINVAL;
	for (; addr < end; addr += PAGE_BYTES) {
		entry = pt_entry(proc->root, addr, 0);
		if (!entry || !(*entry & PTE_P))
			continue;
		page = *entry & PTE_ADDR;
		/* Flushed before it is freed, or another process's page shows. */
		pt_set(entry, 0, addr);
		page_put(page);
	}
	return 0;
}

/* vm_protect - PTE_W or not, PTE_NX or not */
int vm_protect(struct proc *proc, u64 addr, u64 bytes, u64 bits)
{
	u64 *entry, value, end = addr + bytes;
	int lazy;

	if (bad_range(addr, bytes))
		return -EINVAL;
	lazy = bytes > PAGE_BYTES;
	if (lazy)
		pv_ops.lazy_enter();
	for (; addr < end; addr += PAGE_BYTES) {
		entry = pt_entry(proc->root, addr, 0);
		if (!entry || !(*entry & PTE_P))
			continue;
		value = *entry & ~(PTE_W | PTE_COW | PTE_NX);
		value |= bits & PTE_NX;
		if (bits & PTE_W && page_refs(*entry & PTE_ADDR) > 1 &&
		    !(*entry & PTE_SHARED))
			value |= PTE_COW;
		else if (bits & PTE_W)
			value |= PTE_W;
		pt_set(entry, value, addr);
	}
	if (lazy)
		pv_ops.lazy_leave();
	return 0;
}

/* vm_fault - a page fault at a low address; 0: it is put right, try again */
int vm_fault(struct proc *proc, u64 addr, u64 error)
{
	u64 *entry, page, bits;
	void *copy;

	if (!proc->root || addr >= USER_END ||
	    (error & (PF_PRESENT | PF_WRITE)) != (PF_PRESENT | PF_WRITE))
		return -EFAULT;
	entry = pt_entry(proc->root, addr, 0);
	if (!entry || !(*entry & PTE_P))
		return -EFAULT;
	/* An old, stricter entry was remembered, until it led here. */
	if (*entry & PTE_W)
		return 0;
	if (!(*entry & PTE_COW))
		return -EFAULT;
	page = *entry & PTE_ADDR;
	bits = (*entry & ~(PTE_ADDR | PTE_COW)) | PTE_W | PTE_A | PTE_D;
	if (page_refs(page) == 1) {
		pt_set(entry, page | bits, addr);
		return 0;
	}
	copy = page_alloc_dirty();
	if (!copy)
		return -ENOMEM;
	memcpy(copy, va(page), PAGE_BYTES);
	pt_set(entry, pa(copy) | bits, addr & ~(PAGE_BYTES - 1));
	page_put(page);
	return 0;
}
