// SPDX-License-Identifier: GPL-2.0-only
/*
 * paging - a guest's address spaces, and what may be remembered of them
 *
 * The shadow remembers: contexts by PCID, global pages for all of them, slots
 * that two views share, neighbours that were never asked for.  A guest may see
 * nothing of that but in the time it takes.  So what it flushes must be gone,
 * what it maps must be what it finds, and its own tables must say afterwards
 * what it did and nothing else.  That things are remembered at all is seen by
 * counting the entries that had to be made.
 */
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

static u64 user_does(const char *rip, u64 rdi, u64 rsi)
{
	static struct user user;

	user_init(&user, rip);
	user.rdi = rdi;
	user.rsi = rsi;
	user_run(&user);
	return user.rax;
}

/* Another root, with all that this one has. */
static u64 new_root(void)
{
	u64 root = pgtable_new_page();

	memcpy((void *)root, (void *)pgtable_root(), PAGE_BYTES);
	return root;
}

/* A page in another root, which is not the current one. */
static u64 *entry_in(u64 root, u64 gva)
{
	u64 here = pgtable_root(), *entry;

	pgtable_init(root);
	entry = pgtable_entry(gva, 1);
	pgtable_init(here);
	return entry;
}

static u64 fills(void)
{
	return ask_stat(LG_STAT_FILLS);
}

/* Each page of free RAM has its number in it. */
static void number_pages(u64 pages)
{
	u64 i;

	for (i = 0; i < pages; i++)
		AT(PAGE(i)) = i + 1;
}

/* ---- rights ---- */

CASE(alias_write, "tables shared by two addresses allow what each path allows",
     STEPS(6))
{
	int level = (int)(step % 3) + 2;

	pgtable_map(SPARE, FREE, RW);
	pgtable_map(OTHER, PAGE(1), RW);
	/* From this level down both are the same tables, but one is RO. */
	*pgtable_entry(OTHER, level) = *pgtable_entry(SPARE, level) & ~PTE_W;
	hc_flush_tlb();
	AT(FREE) = 5;
	if (step < 3) {
		AT(SPARE) = 6;
		check_is(AT(OTHER), 6, "read by the other path");
	} else {
		check_is(AT(OTHER), 5, "read by the other path");
		AT(SPARE) = 6;
	}
	expect_trap(TRAP_PF);
	expect_error(PF_USER | PF_WRITE | PF_PRESENT, ~0ULL);
	expect_addr(OTHER);
	AT(OTHER) = 7;
}

CASE(alias_user, "and so for user mode", STEPS(6))
{
	int level = (int)(step % 3) + 2;

	pgtable_map(SPARE, FREE, RW | PTE_U);
	pgtable_map(OTHER, PAGE(1), RW | PTE_U);
	*pgtable_entry(OTHER, level) = *pgtable_entry(SPARE, level) & ~PTE_U;
	hc_flush_tlb();
	AT(OTHER) = 5;
	if (step < 3)
		AT(SPARE) = 5;
	check_is(user_does(paging_read, SPARE, 0), 5, "user mode, one path");
	check_is(AT(OTHER), 5, "the kernel, the other");
	expect_trap(TRAP_PF);
	expect_addr(OTHER);
	expect_user();
	user_does(paging_read, OTHER, 0);
}

CASE(alias_execute, "and for execution", STEPS(3))
{
	int level = (int)step + 2;

	*(volatile u8 *)FREE = 0xc3; /* ret */
	pgtable_map(SPARE, FREE, RW);
	pgtable_map(OTHER, PAGE(1), RW);
	*pgtable_entry(OTHER, level) = *pgtable_entry(SPARE, level) | PTE_NX;
	hc_flush_tlb();
	((void (*)(void))SPARE)();
	check_is(*(volatile u8 *)OTHER, 0xc3, "read by the other path");
	expect_trap(TRAP_PF);
	expect_addr(OTHER);
	((void (*)(void))OTHER)();
}

CASE(lent_nx, "the kernel cannot run a user page that user mode ran",
     DIES(TRAP_PF))
{
	/* A slot with user pages alone, which the kernel's view borrows. */
	pgtable_map(SPARE, PAGE(0), RW | PTE_U);
	memcpy((void *)SPARE, paging_read, 16);
	check_is(user_does((const char *)SPARE, SPARE, 0), AT(SPARE), "read");
	expect_addr(SPARE);
	((void (*)(u64))SPARE)(SPARE);
}

CASE(neighbour_rights, "a neighbour of a page that is read is not writable",
     DIES(TRAP_PF))
{
	number_pages(2); /* so that the host has them */
	pgtable_map(SPARE, PAGE(0), USED);
	pgtable_map(SPARE + PAGE_BYTES, PAGE(1), PTE_P | PTE_A | PTE_D);
	AT(SPARE) = 1;
	check_is(AT(SPARE + PAGE_BYTES), AT(PAGE(1)), "the neighbour");
	expect_addr(SPARE + PAGE_BYTES);
	AT(SPARE + PAGE_BYTES) = 1;
}

CASE(neighbour_user, "nor there for user mode, if it is the kernel's",
     DIES(TRAP_PF))
{
	number_pages(2);
	pgtable_map(SPARE, PAGE(0), USED | PTE_U);
	pgtable_map(SPARE + PAGE_BYTES, PAGE(1), USED);
	user_does(paging_read, SPARE, 0);
	expect_addr(SPARE + PAGE_BYTES);
	expect_user();
	user_does(paging_read, SPARE + PAGE_BYTES, 0);
}

CASE(reserved, "reserved bits are an error code of their own", STEPS(4),
     DIES(TRAP_PF), .why = "not allowed")
{
	pgtable_map(SPARE, FREE, RW);
	if (step == 0)
		*pgtable_entry(SPARE, 4) |= PTE_LARGE;
	if (step == 1)
		*pgtable_entry(SPARE, 1) |= 1ULL << 46;
	if (step == 2)
		*pgtable_entry(SPARE, 2) = 0x402000 | RW | PTE_LARGE;
	if (step == 3)
		*pgtable_entry(SPARE, 3) = 0x200000 | RW | PTE_LARGE;
	AT(SPARE) = 1;
}

/* ---- accessed and dirty ---- */

CASE(neighbour_bits, "what is brought in unasked has no new A or D", STEPS(2))
{
	const u64 marks = PTE_A | PTE_D;
	u64 i, bits = RW | (step ? PTE_A : 0);

	number_pages(32);
	for (i = 0; i < 32; i++)
		ENTRY(SPARE + i * PAGE_BYTES) = PAGE(i) | bits;
	hc_flush_tlb();
	(void)AT(SPARE + 5 * PAGE_BYTES);
	for (i = 0; i < 32; i++)
		check_is(ENTRY(SPARE + i * PAGE_BYTES) & marks,
			 step || i == 5 ? PTE_A : 0, "after a read");
	AT(SPARE + 6 * PAGE_BYTES) = 1;
	for (i = 0; i < 32; i++)
		check_is(ENTRY(SPARE + i * PAGE_BYTES) & PTE_D,
			 i == 6 ? PTE_D : 0, "after a write");
	(void)AT(SPARE + 7 * PAGE_BYTES);
	check_is(ENTRY(SPARE + 7 * PAGE_BYTES) & marks, PTE_A,
		 "a neighbour after a read of its own");
}

CASE(large_bits, "D of a large page is set by the first write anywhere in it")
{
	volatile u64 *large = pgtable_entry(SPARE, 2);

	*large = 0x400000 | RW | PTE_LARGE;
	(void)AT(SPARE + 0x5000);
	(void)AT(SPARE + 0x123000);
	check_is(*large & (PTE_A | PTE_D), PTE_A, "after reads");
	AT(SPARE + 0x5008) = 1;
	check_is(*large & (PTE_A | PTE_D), PTE_A | PTE_D, "after a write");
}

CASE(upper_clean, "D is a leaf's alone")
{
	int level;

	pgtable_map(SPARE, FREE, RW);
	AT(SPARE) = 1;
	for (level = 2; level <= 4; level++)
		check_is(*pgtable_entry(SPARE, level) & (PTE_A | PTE_D), PTE_A,
			 "an upper entry");
}

CASE(refused_bits, "an access that is refused leaves no D", DIES(TRAP_PF))
{
	/* Nothing to look at afterwards but that it is refused each time. */
	pgtable_map(SPARE, FREE, PTE_P | PTE_A);
	(void)AT(SPARE);
	AT(SPARE) = 1;
}

/* ---- one page ---- */

CASE(one_page, "FLUSH_PAGE forgets that page and keeps its neighbours")
{
	u64 before;

	number_pages(4);
	pgtable_map(SPARE, PAGE(0), USED);
	pgtable_map(SPARE + PAGE_BYTES, PAGE(1), USED);
	check_is(AT(SPARE) + AT(SPARE + PAGE_BYTES), 3, "at first");
	ENTRY(SPARE) = PAGE(2) | PTE_P;
	ENTRY(SPARE + PAGE_BYTES) = PAGE(3) | PTE_P;
	before = fills();
	hc_flush_page(SPARE + 123);
	check_is(AT(SPARE), 3, "the page that was flushed");
	check_is(AT(SPARE + PAGE_BYTES), 2, "the one that was not");
	check_is(fills() - before, 1, "entries made");
}

CASE(one_page_user, "and in both views", STEPS(2))
{
	number_pages(4);
	pgtable_map(SPARE, PAGE(0), USED | PTE_U);
	if (step) /* a kernel page in the slot: then the views share nothing */
		pgtable_map(SPARE + LARGE_BYTES, PAGE(3), USED);
	if (step)
		check_is(AT(SPARE + LARGE_BYTES), 4, "the kernel's page");
	check_is(AT(SPARE), 1, "the kernel's view");
	check_is(user_does(paging_read, SPARE, 0), 1, "the user's view");
	ENTRY(SPARE) = PAGE(1) | PTE_P | PTE_U;
	hc_flush_page(SPARE);
	check_is(user_does(paging_read, SPARE, 0), 2, "the user's view");
	check_is(AT(SPARE), 2, "the kernel's view");
}

CASE(large_page, "FLUSH_PAGE anywhere in a large page forgets all of it",
     STEPS(4))
{
	int level = step & 1 ? 3 : 2;
	u64 i;

	number_pages(1024);
	*pgtable_entry(SPARE, level) = (level == 2 ? FREE : 0) | RW |
				       PTE_LARGE | (step & 2 ? PTE_U : 0);
	for (i = 0; i < 512; i++)
		check_is(AT(SPARE + (level == 2 ? 0 : FREE) + i * PAGE_BYTES),
			 i + 1, "before");
	*pgtable_entry(SPARE, level) = 0;
	for (i = 0; i < 512; i++)
		*pgtable_entry(SPARE + (level == 2 ? 0 : FREE) + i * PAGE_BYTES,
			       1) = PAGE(i + 512) | RW;
	hc_flush_page(SPARE + (level == 2 ? 0 : FREE) + 0x77123);
	for (i = 0; i < 512; i++)
		check_is(AT(SPARE + (level == 2 ? 0 : FREE) + i * PAGE_BYTES),
			 i + 513, "after");
}

CASE(flips, "a large page becomes a table and a table a large page, often")
{
	volatile u64 *entry = pgtable_entry(SPARE, 2);
	u64 i, table;

	number_pages(1024);
	table = pgtable_new_page();
	for (i = 0; i < 512; i++)
		((u64 *)table)[i] = PAGE(1023 - i) | RW | (i & 1 ? PTE_A : 0);
	for (i = 0; i < 200; i++) {
		u64 n = i * 37 % 512;

		*entry = i & 1 ? table | RW | PTE_U : FREE | RW | PTE_LARGE;
		hc_flush_page(SPARE + i * 4099 % LARGE_BYTES);
		check_is(AT(SPARE + n * PAGE_BYTES), i & 1 ? 1024 - n : n + 1,
			 "the page");
	}
}

CASE(last_table, "a page table in the last page of RAM is one like others")
{
	volatile u64 *table = (u64 *)(RAM_END - PAGE_BYTES);

	number_pages(512);
	memset((void *)table, 0, PAGE_BYTES);
	pgtable_entry(SPARE, 1);
	*pgtable_entry(SPARE, 2) = (u64)table | RW;
	hc_flush_tlb();
	table[0] = PAGE(0) | USED;
	table[511] = PAGE(511) | RW;
	check_is(AT(SPARE + 511 * PAGE_BYTES), 512, "its last entry");
	check_is(AT(SPARE), 1, "its first");
	/* And neighbours whose pages are not RAM are no harm. */
	table[2] = RAM_END | USED;
	table[3] = (1ULL << 43) | USED;
	table[4] = PAGE(4) | USED;
	check_is(AT(SPARE + 4 * PAGE_BYTES), 5, "one beside pages of nothing");
}

/* ---- address spaces ---- */

CASE(tags_kept, "two address spaces with PCIDs cost nothing to switch")
{
	u64 here = pgtable_root(), there, before, i;

	KEEP_IT();
	number_pages(2);
	there = new_root();
	pgtable_map(SPARE, PAGE(0), USED);
	((u64 *)there)[SPARE >> 39 & 511] = 0;
	*entry_in(there, SPARE) = PAGE(1) | USED;
	hc_new_pgtable(there | 2);
	check_is(AT(SPARE), 2, "there");
	fills();
	hc_new_pgtable(here | 1);
	check_is(AT(SPARE), 1, "here");
	before = fills();
	for (i = 0; i < 50; i++) {
		hc_new_pgtable(there | 2 | NOFLUSH);
		check_is(AT(SPARE), 2, "there, again");
		hc_new_pgtable(here | 1 | NOFLUSH);
		check_is(AT(SPARE), 1, "here, again");
	}
	check_is(fills() - before, 0, "entries made");
}

CASE(tags_dropped, "without bit 63 the PCID is forgotten", STEPS(2))
{
	u64 here = pgtable_root();

	KEEP_IT();
	number_pages(2);
	pgtable_map(SPARE, PAGE(0), USED | PTE_U);
	hc_new_pgtable(here | 7);
	check_is(AT(SPARE), 1, "before");
	check_is(user_does(paging_read, SPARE, 0), 1, "user mode, before");
	if (step)
		hc_new_pgtable(here | 8);
	ENTRY(SPARE) = PAGE(1) | USED | PTE_U;
	hc_new_pgtable(here | 7);
	check_is(user_does(paging_read, SPARE, 0), 2, "user mode, after");
	check_is(AT(SPARE), 2, "after");
}

CASE(tag_reused, "a PCID with another root has nothing of the old one's")
{
	u64 here = pgtable_root(), there;

	KEEP_IT();
	number_pages(2);
	there = new_root();
	pgtable_map(SPARE, PAGE(0), USED);
	((u64 *)there)[SPARE >> 39 & 511] = 0;
	*entry_in(there, SPARE) = PAGE(1) | USED;
	hc_new_pgtable(here | 3);
	check_is(AT(SPARE), 1, "with one root");
	hc_new_pgtable(there | 3 | NOFLUSH);
	check_is(AT(SPARE), 2, "with the other");
	hc_new_pgtable(here | 3 | NOFLUSH);
	check_is(AT(SPARE), 1, "and back");
}

CASE(tags_many, "there may be more PCIDs than are remembered")
{
	u64 here = pgtable_root(), roots[12], i;

	KEEP_IT();
	number_pages(12);
	for (i = 0; i < 12; i++) {
		roots[i] = new_root();
		((u64 *)roots[i])[SPARE >> 39 & 511] = 0;
	}
	for (i = 0; i < 12; i++)
		*entry_in(roots[i], SPARE) = PAGE(i) | USED;
	for (i = 0; i < 200; i++) {
		u64 n = i * 7 % 12;

		hc_new_pgtable(roots[n] | (n + 100) | NOFLUSH);
		check_is(AT(SPARE), n + 1, "the page of this root");
	}
	hc_new_pgtable(here);
}

CASE(no_tags, "bits of a PCID are refused to a guest that has none",
     DIES(LGUEST_TRAP_SYSCALL), .why = "NEW_PGTABLE", STEPS(2))
{
	hc_new_pgtable(pgtable_root() | (step ? NOFLUSH : 1));
}

CASE(bad_flush, "FLUSH_TLB of an unknown kind is refused",
     DIES(LGUEST_TRAP_SYSCALL), .why = "FLUSH_TLB", STEPS(2))
{
	hypercall(LHCALL_FLUSH_TLB, step ? ~0ULL : 2, 0, 0, 0);
}

CASE(odd_arguments, "FLUSH_PAGE and RELEASE_PGTABLE take any number", STEPS(7))
{
	static const u64 numbers[] = { 0,
				       1,
				       NONCANONICAL,
				       LOW_END,
				       0xffff800000000000,
				       0xff00000000000000,
				       ~0ULL };

	hc_flush_page(numbers[step]);
	hc_release_pgtable(numbers[step]);
	hc_flush_page(info.switcher_start);
	hc_release_pgtable(pgtable_root());
	AT(FREE) = 1;
	check_is(AT(FREE), 1, "memory");
}

/* ---- global pages ---- */

CASE(global_kept, "a global page survives a new CR3, others do not")
{
	u64 here = pgtable_root(), before;

	number_pages(2);
	pgtable_map(SPARE, PAGE(0), USED | PTE_G);
	pgtable_map(OTHER, PAGE(1), USED);
	check_is(AT(SPARE) + AT(OTHER), 3, "before");
	fills(); /* what the asking itself needs is there now */
	hc_new_pgtable(here);
	fills();
	before = fills();
	check_is(AT(SPARE), 1, "the global page");
	check_is(fills() - before, 0, "entries made for it");
	check_is(AT(OTHER), 2, "the other");
	check_is(fills() - before, 1, "entries made for the other");
}

CASE(global_dropped, "but not FLUSH_PAGE in any context, nor FLUSH_ALL",
     STEPS(8))
{
	u64 here = pgtable_root();

	KEEP_IT();
	number_pages(2);
	/* With a page that is not global in its slot it is kept elsewhere. */
	if (step & 4)
		pgtable_map(SPARE + LARGE_BYTES, PAGE(1), USED);
	pgtable_map(SPARE, PAGE(0), USED | PTE_G | (step & 2 ? PTE_U : 0));
	hc_new_pgtable(here | 1);
	if (step & 4)
		check_is(AT(SPARE + LARGE_BYTES), 2, "the other page");
	check_is(AT(SPARE), 1, "before");
	if (step & 2)
		check_is(user_does(paging_read, SPARE, 0), 1, "user, before");
	ENTRY(SPARE) = PAGE(1) | USED | PTE_G | (step & 2 ? PTE_U : 0);
	hc_new_pgtable(here | 2);
	if (step & 1)
		hc_flush_all();
	else
		hc_flush_page(SPARE);
	check_is(AT(SPARE), 2, "in the context that flushed it");
	hc_new_pgtable(here | 1 | NOFLUSH);
	check_is(AT(SPARE), 2, "in the other");
	if (step & 2)
		check_is(user_does(paging_read, SPARE, 0), 2, "user, after");
}

/* ---- how much at once ---- */

CASE(in_order, "pages used before and touched in order come several at once")
{
	u64 i, before;

	number_pages(256); /* so that the host has them */
	for (i = 0; i < 256; i++)
		ENTRY(SPARE + i * PAGE_BYTES) = PAGE(i) | USED;
	hc_flush_tlb();
	ask_stat(LG_STAT_ENTRIES);
	before = ask_stat(LG_STAT_ENTRIES);
	for (i = 0; i < 256; i++)
		AT(SPARE + i * PAGE_BYTES) = i;
	i = ask_stat(LG_STAT_ENTRIES) - before;
	check(i <= 256 / 8, "at most one exit for 8 pages");
}

CASE(large_in_order, "and so do those of a large page", .flags = CASE_LARGE)
{
	u64 i, before;

	number_pages(256);
	hc_flush_tlb();
	ask_stat(LG_STAT_ENTRIES);
	before = ask_stat(LG_STAT_ENTRIES);
	for (i = 0; i < 256; i++)
		AT(PAGE(i)) = i;
	i = ask_stat(LG_STAT_ENTRIES) - before;
	check(i <= 256 / 8, "at most one exit for 8 pages");
}
