/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * paging.h - what the guests about paging share: addresses, roots, pages
 */
#ifndef PAGING_H
#define PAGING_H

#include "test.h"

#define NOFLUSH  (1ULL << 63)
#define FREE     0x400000ULL /* RAM that nothing lives in, 8 MiB of it */
#define SPARE    0x600000000000ULL /* a slot that nothing is in */
#define OTHER    0x680000000000ULL /* another */
#define RAM_END  (16ULL << 20)
#define AT(gva)  (*(volatile u64 *)(gva))
#define PAGE(n)  (FREE + (u64)(n)*PAGE_BYTES)
#define ENTRY(a) (*(volatile u64 *)pgtable_entry(a, 1))
#define RW       (PTE_P | PTE_W)
#define USED     (PTE_P | PTE_W | PTE_A | PTE_D)
#define KEEP_IT()                                         \
	(hc_init(&lguest_data, &info, LGUEST_ABI_VERSION, \
		 LGUEST_FEATURE_DIRECT_SYSCALL | LGUEST_FEATURE_PCID))

asm(".pushsection .user.text, \"ax\"\n"
    "paging_read: mov (%rdi), %rax\n\tsyscall\n\tud2\n"
    "paging_write: mov %rsi, (%rdi)\n\tsyscall\n\tud2\n"
    ".popsection");
extern const char paging_read[], paging_write[];

static inline u64 user_does(const char *rip, u64 rdi, u64 rsi)
{
	static struct user user;

	user_init(&user, rip);
	user.rdi = rdi;
	user.rsi = rsi;
	user_run(&user);
	return user.rax;
}

/* Another root, with all that this one has. */
static inline u64 new_root(void)
{
	u64 root = pgtable_new_page();

	memcpy((void *)root, (void *)pgtable_root(), PAGE_BYTES);
	return root;
}

/* A page in another root, which is not the current one. */
static inline u64 *entry_in(u64 root, u64 gva)
{
	u64 here = pgtable_root(), *entry;

	pgtable_init(root);
	entry = pgtable_entry(gva, 1);
	pgtable_init(here);
	return entry;
}

static inline u64 fills(void)
{
	return ask_stat(LG_STAT_FILLS);
}

/* Each page of free RAM has its number in it. */
static inline void number_pages(u64 pages)
{
	u64 i;

	for (i = 0; i < pages; i++)
		AT(PAGE(i)) = i + 1;
}

#endif /* PAGING_H */
