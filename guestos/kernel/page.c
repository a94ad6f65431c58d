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
 * Pages that were never used are not on the list, for to put them there is to
 * touch them: a host would have to find memory for all of ours while we boot.
 *
 * Next: guestos/kernel/pgtable.c
 */
#include "kernel.h"

struct free_page {
	struct free_page *next;
};

static struct spinlock lock;
static struct free_page *free_list; /* lock */
static u64 untouched; /* lock; from here to ram_end nothing was ever used */
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
	untouched = addr + ((refs_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1));
	free_count = (ram_end - untouched) / PAGE_BYTES;
}

/* page_alloc_dirty - whatever is in it, with one user; NULL: none is left */
void *page_alloc_dirty(void)
{
	struct free_page *page;

	spin_lock(&lock);
	page = free_list;
	if (page) {
		free_list = page->next;
	} else if (untouched < ram_end) {
		page = va(untouched);
		untouched += PAGE_BYTES;
	}
	if (page) {
		free_count--;
		refs[pa(page) / PAGE_BYTES] = 1;
	}
	spin_unlock(&lock);
	return page;
}

/* page_alloc - a page of zeroes with one user; NULL: none is left */
void *page_alloc(void)
{
	void *page = page_alloc_dirty();

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
