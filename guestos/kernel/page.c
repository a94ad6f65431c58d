// SPDX-License-Identifier: GPL-2.0-only
/*
 * page.c - physical pages
 *
 * A free page is a link of a list; a page in use has a count of its users, so
 * that fork() can share it.  What must never happen is a page on the list with
 * users, or the reverse: page_put() of a free page is a panic.
 *
 * All RAM from the kernel's end is ours.  What the loader left there, its page
 * tables and boot_params, has been used before page_init() and is forgotten.
 *
 * Next: guestos/kernel/pgtable.c
 */
#include "kernel.h"

struct free_page {
	struct free_page *next;
};

static struct spinlock lock;
static struct free_page *free_list; /* lock */
static u64 free_count; /* lock */
static u16 *refs; /* lock; one for each page of RAM */

u64 ram_end;

/* page_init - RAM ends at this physical address */
void page_init(u64 end)
{
	u64 addr = (pa(kernel_end) + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	u64 refs_bytes;

	ram_end = end & ~(PAGE_BYTES - 1);
	refs_bytes = ram_end / PAGE_BYTES * sizeof(*refs);
	refs = va(addr);
	memset(refs, 0, refs_bytes);
	addr += (refs_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	for (; addr < ram_end; addr += PAGE_BYTES) {
		refs[addr / PAGE_BYTES] = 1;
		page_put(addr);
	}
}

/* page_alloc - a page of zeroes with one user; NULL: none is left */
void *page_alloc(void)
{
	struct free_page *page;

	spin_lock(&lock);
	page = free_list;
	if (page) {
		free_list = page->next;
		free_count--;
		refs[pa(page) / PAGE_BYTES] = 1;
	}
	spin_unlock(&lock);
	if (page)
		memset(page, 0, PAGE_BYTES);
	return page;
}

/* page_get - one user more */
void page_get(u64 addr)
{
	spin_lock(&lock);
	refs[addr / PAGE_BYTES]++;
	spin_unlock(&lock);
}

/* page_put - one user less; the last one frees it */
void page_put(u64 addr)
{
	struct free_page *page = va(addr);

	spin_lock(&lock);
	if (!refs[addr / PAGE_BYTES])
		panic("page: %#llx has no users to lose", addr);
	if (!--refs[addr / PAGE_BYTES]) {
		page->next = free_list;
		free_list = page;
		free_count++;
	}
	spin_unlock(&lock);
}

u32 page_refs(u64 addr)
{
	return refs[addr / PAGE_BYTES];
}

u64 page_free_count(void)
{
	return free_count;
}
