// SPDX-License-Identifier: GPL-2.0-only
/*
 * views - two shadows of one page table
 *
 * Guest kernel and guest user are both CPL 3, so what keeps them apart is not
 * the CPU's U bit but which of two shadow tables is loaded.  The kernel's has
 * everything, and user pages are not executable in it; the user's has only what
 * the guest marked for user mode.  All rights in both are the guest's own, and
 * a page that a table does not grant must not be had through a stale shadow.
 */
#include "test.h"

asm(".pushsection .user.text, \"ax\"\n"
    "user_reads: mov (%rdi), %rax\n\tsyscall\n\tud2\n"
    "user_writes: mov %rsi, (%rdi)\n\tsyscall\n\tud2\n"
    "user_runs: jmp *%rdi\n"
    ".popsection");
extern const char user_reads[], user_writes[], user_runs[];

#define FREE       0x300000ULL /* RAM that nothing lives in */
#define ELSE       0x40000000ULL /* an address that nothing is mapped at */
#define FLAGS(gva) (*pgtable_entry(gva, 1))

static struct user user;

static u64 user_does(const char *rip, u64 rdi, u64 rsi)
{
	user_init(&user, rip);
	user.rdi = rdi;
	user.rsi = rsi;
	user_run(&user);
	return user.rax;
}

/* ---- who may what ---- */

#define USER_FAULTS(fn, rip, sentence, bits)                               \
	CASE(fn, sentence, DIES(TRAP_PF), BOTH_WAYS)                       \
	{                                                                  \
		/* Seen from the kernel it is there, and in its shadow. */ \
		*(volatile u64 *)FREE = 1;                                 \
		expect_error(PF_USER | (bits), ~(u64)PF_PRESENT);          \
		expect_addr(FREE);                                         \
		expect_user();                                             \
		user_does(rip, FREE, 0);                                   \
	}

USER_FAULTS(user_read, user_reads, "user mode cannot read a kernel page", 0)
USER_FAULTS(user_write, user_writes, "user mode cannot write one", PF_WRITE)
USER_FAULTS(user_run_it, user_runs, "user mode cannot run one", PF_FETCH)

CASE(kernel_runs_user, "the kernel cannot run a user page", DIES(TRAP_PF))
{
	expect_error(PF_USER | PF_FETCH, ~(u64)PF_PRESENT);
	expect_addr((u64)user_reads);
	/* Not even when a read has put it in the shadow already. */
	(void)*(volatile u8 *)user_reads;
	((void (*)(void))user_reads)();
}

CASE(kernel_uses_user, "but it can read and write one", BOTH_WAYS)
{
	pgtable_map(ELSE, FREE, PTE_P | PTE_W | PTE_U);
	*(volatile u64 *)ELSE = 0x1234;
	check_is(user_does(user_reads, ELSE, 0), 0x1234, "user mode reads");
	user_does(user_writes, ELSE, 0x5678);
	check_is(*(volatile u64 *)ELSE, 0x5678, "the kernel reads");
}

CASE(read_only, "a read-only page cannot be written, by either mode", STEPS(2))
{
	pgtable_map(ELSE, FREE, PTE_P | (step ? PTE_U : 0));
	expect_trap(TRAP_PF);
	expect_error(PF_USER | PF_WRITE | PF_PRESENT, ~0ULL);
	expect_addr(ELSE);
	(void)*(volatile u64 *)ELSE;
	if (step)
		user_does(user_reads, ELSE, 0);
	if (step)
		user_does(user_writes, ELSE, 0);
	*(volatile u64 *)ELSE = 1;
}

CASE(no_execute, "an NX page cannot be run, by either mode", STEPS(2))
{
	pgtable_map(ELSE, FREE, PTE_P | PTE_NX | (step ? PTE_U : 0));
	*(volatile u8 *)FREE = 0xc3;
	expect_trap(TRAP_PF);
	expect_error(PF_USER | PF_FETCH, ~(u64)PF_PRESENT);
	expect_addr(ELSE);
	(void)*(volatile u8 *)ELSE;
	if (step)
		user_does(user_reads, ELSE, 0);
	if (step)
		user_does(user_runs, ELSE, 0);
	((void (*)(void))ELSE)();
}

/* A slot of its own in the top level, so that all of it may lose a right. */
#define ALONE 0x500040000000ULL

CASE(upper_rights, "a right must be granted at every level of the tables",
     STEPS(3))
{
	pgtable_map(ALONE, FREE, PTE_P | PTE_W);
	*pgtable_entry(ALONE, (int)step + 2) &= ~PTE_W;
	hc_flush_tlb();
	(void)*(volatile u64 *)ALONE;
	expect_trap(TRAP_PF);
	expect_error(PF_USER | PF_WRITE | PF_PRESENT, ~0ULL);
	*(volatile u64 *)ALONE = 1;
}

CASE(upper_user, "and so must user mode's", STEPS(3), BOTH_WAYS)
{
	pgtable_map(ALONE, FREE, PTE_P | PTE_W | PTE_U);
	*pgtable_entry(ALONE, (int)step + 2) &= ~PTE_U;
	hc_flush_tlb();
	expect_trap(TRAP_PF);
	expect_error(PF_USER, ~(u64)PF_PRESENT);
	expect_user();
	user_does(user_reads, ALONE, 0);
}

/* ---- taking back ---- */

CASE(unmapped, "what is unmapped and flushed is gone", DIES(TRAP_PF),
     ERROR(PF_USER))
{
	pgtable_map(ELSE, FREE, PTE_P | PTE_W);
	*(volatile u64 *)ELSE = 1;
	pgtable_map(ELSE, 0, 0);
	(void)*(volatile u64 *)ELSE;
}

CASE(remapped, "what is mapped to another page and flushed is that page")
{
	*(volatile u64 *)FREE = 1;
	*(volatile u64 *)(FREE + PAGE_BYTES) = 2;
	pgtable_map(ELSE, FREE, PTE_P);
	check_is(*(volatile u64 *)ELSE, 1, "the first page");
	pgtable_map(ELSE, FREE + PAGE_BYTES, PTE_P);
	check_is(*(volatile u64 *)ELSE, 2, "the second page");
}

CASE(made_present, "what comes into being needs no flush")
{
	u64 *entry = pgtable_entry(ELSE, 1);

	*(volatile u64 *)FREE = 7;
	*(volatile u64 *)entry = FREE | PTE_P;
	check_is(*(volatile u64 *)ELSE, 7, "the page");
}

CASE(two_tables, "each page table has its own mappings", STEPS(2))
{
	u64 *mine = (u64 *)pgtable_root();
	u64 *other = (u64 *)pgtable_new_page();

	*(volatile u64 *)FREE = 1;
	*(volatile u64 *)(FREE + PAGE_BYTES) = 2;
	pgtable_map(0x500000000000, FREE, PTE_P);
	memcpy(other, mine, PAGE_BYTES);
	other[0x500000000000 >> 39] = 0;
	pgtable_init((u64)other);
	pgtable_map(0x500000000000, FREE + PAGE_BYTES, PTE_P);
	check_is(*(volatile u64 *)0x500000000000, 1, "the first table");
	hc_new_pgtable((u64)other);
	check_is(*(volatile u64 *)0x500000000000, 2, "the second table");
	hc_new_pgtable((u64)mine);
	check_is(*(volatile u64 *)0x500000000000, 1, "the first again");
}

/* ---- accessed and dirty ---- */

CASE(accessed, "a read sets A and not D, a write sets both")
{
	pgtable_map(ELSE, FREE, PTE_P | PTE_W);
	check_is(FLAGS(ELSE) & (PTE_A | PTE_D), 0, "untouched");
	(void)*(volatile u64 *)ELSE;
	check_is(FLAGS(ELSE) & (PTE_A | PTE_D), PTE_A, "after a read");
	*(volatile u64 *)ELSE = 1;
	check_is(FLAGS(ELSE) & (PTE_A | PTE_D), PTE_A | PTE_D, "after a write");
}

CASE(accessed_upper, "A is set on the way down as well")
{
	pgtable_map(0x500000000000, FREE, PTE_P | PTE_W);
	(void)*(volatile u64 *)0x500000000000;
	check(*pgtable_entry(0x500000000000, 2) & PTE_A, "in level 2");
	check(*pgtable_entry(0x500000000000, 3) & PTE_A, "in level 3");
	check(*pgtable_entry(0x500000000000, 4) & PTE_A, "in level 4");
}

CASE(cleaned, "D, when cleared and flushed, is set by the next write")
{
	pgtable_map(ELSE, FREE, PTE_P | PTE_W);
	*(volatile u64 *)ELSE = 1;
	FLAGS(ELSE) &= ~(PTE_D | PTE_A);
	hc_flush_tlb();
	*(volatile u64 *)ELSE = 2;
	check_is(FLAGS(ELSE) & PTE_D, PTE_D, "D");
}

CASE(user_dirty, "user mode sets them too", BOTH_WAYS)
{
	pgtable_map(ELSE, FREE, PTE_P | PTE_W | PTE_U);
	user_does(user_reads, ELSE, 0);
	check_is(FLAGS(ELSE) & (PTE_A | PTE_D), PTE_A, "after a read");
	user_does(user_writes, ELSE, 1);
	check_is(FLAGS(ELSE) & (PTE_A | PTE_D), PTE_A | PTE_D, "after a write");
}

/* ---- odd tables ---- */

#define LARGE_AT 0x600000000000ULL

CASE(large_2m, "a 2 MiB page is 512 pages in a row")
{
	u64 i;

	*pgtable_entry(LARGE_AT, 2) = 0x400000 | PTE_P | PTE_W | PTE_LARGE;
	for (i = 0; i < LARGE_BYTES; i += PAGE_BYTES) {
		*(volatile u64 *)(0x400000 + i) = i;
		check_is(*(volatile u64 *)(LARGE_AT + i), i, "by 2 MiB page");
	}
	check(*pgtable_entry(LARGE_AT, 2) & PTE_A, "A of the large page");
}

CASE(large_1g, "a 1 GiB page reaches as far as RAM does", DIES(TRAP_PF))
{
	*pgtable_entry(LARGE_AT, 3) = PTE_P | PTE_W | PTE_LARGE;
	*(volatile u64 *)(LARGE_AT + FREE) = 0x99;
	check_is(*(volatile u64 *)FREE, 0x99, "by 1 GiB page");
	expect_addr(LARGE_AT + (16 << 20));
	expect_why("RAM");
	(void)*(volatile u64 *)(LARGE_AT + (16 << 20));
}

CASE(leaf_not_ram, "an entry that names what is not RAM is a page fault",
     DIES(TRAP_PF), .why = "RAM", STEPS(3))
{
	static const u64 gpas[] = { 16 << 20, 0xfee00000, 1ULL << 45 };

	*pgtable_entry(ELSE, 1) = gpas[step] | PTE_P | PTE_W;
	(void)*(volatile u64 *)ELSE;
}

CASE(table_not_ram, "and so is a table that is not in RAM", DIES(TRAP_PF),
     .why = "RAM", STEPS(3))
{
	pgtable_entry(LARGE_AT, 1);
	*pgtable_entry(LARGE_AT, (int)step + 2) = 1ULL << 40 | PTE_P | PTE_W;
	hc_flush_tlb();
	(void)*(volatile u64 *)LARGE_AT;
}

CASE(reserved_bits, "a reserved bit in an entry is a fault, with its bit",
     DIES(TRAP_PF))
{
	*pgtable_entry(ELSE, 1) = FREE | PTE_P | PTE_W | 1ULL << 51;
	(void)*(volatile u64 *)ELSE;
}

CASE(linear, "a table that maps itself shows the tables as memory")
{
	u64 *root = (u64 *)pgtable_root();
	/* Slot 300 points at the root: each level once more is a table. */
	u64 self = 0xffff000000000000 | 300ULL << 39;
	u64 pte_of_free = self | FREE >> 9;

	root[300] = pgtable_root() | PTE_P | PTE_W;
	check_is(*(volatile u64 *)pte_of_free & PTE_ADDR, FREE,
		 "the entry of a page, through slot 300");
	*(volatile u64 *)(self | 300ULL << 30 | 300ULL << 21 | 300ULL << 12 |
			  301 * 8) = root[0];
	check_is(root[301], root[0], "an entry of the root, written so");
}

CASE(own_page, "a table whose own page it maps, where data is too")
{
	u64 table = pgtable_new_page();
	u64 *entries = (u64 *)table;

	/* The last-level table for LARGE_AT is also mapped at LARGE_AT. */
	pgtable_entry(LARGE_AT, 1);
	*pgtable_entry(LARGE_AT, 2) = table | PTE_P | PTE_W;
	entries[0] = table | PTE_P | PTE_W;
	entries[1] = FREE | PTE_P | PTE_W;
	hc_flush_tlb();
	*(volatile u64 *)FREE = 5;
	check_is(*(volatile u64 *)(LARGE_AT + 8) & PTE_ADDR, FREE,
		 "its entry 1, as data");
	check_is(*(volatile u64 *)(LARGE_AT + PAGE_BYTES), 5, "the page");
	*(volatile u64 *)(LARGE_AT + 16) = FREE | PTE_P;
	check_is(*(volatile u64 *)(LARGE_AT + 2 * PAGE_BYTES), 5,
		 "a page mapped through it");
}

CASE(many, "more pages than the shadow keeps come and go")
{
	u64 i, *table;

	/* One page of RAM at 4096 places, each in a table of its own. */
	for (i = 0; i < 40; i++) {
		table = pgtable_entry(LARGE_AT + i * LARGE_BYTES, 1);
		table[0] = FREE | PTE_P | PTE_W;
	}
	for (i = 0; i < 4000; i++) {
		*(volatile u64 *)(LARGE_AT + i % 40 * LARGE_BYTES) = i;
		check_is(*(volatile u64 *)FREE, i, "the page");
		if (i % 100 == 0)
			hc_flush_tlb();
	}
}
