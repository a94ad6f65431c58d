// SPDX-License-Identifier: GPL-2.0-only
/*
 * paging-tags - a guest's address spaces, told apart by PCIDs
 *
 * To come back to one must cost nothing, and must bring back nothing that was
 * flushed meanwhile.  The Switcher changes between those that lg.ko has readied
 * without an exit; to the guest there must be no difference.
 */
#include "event.h"
#include "paging.h"

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

/* ---- changed inside the Switcher ---- */

static u64 here, there;

/* Two address spaces that differ in one page, both ready. */
static void make_two(void)
{
	KEEP_IT();
	number_pages(2);
	here = pgtable_root();
	there = new_root();
	pgtable_map(SPARE, PAGE(0), USED | PTE_U);
	((u64 *)there)[SPARE >> 39 & 511] = 0;
	*entry_in(there, SPARE) = PAGE(1) | USED | PTE_U;
	hc_new_pgtable(there | 2);
	check_is(AT(SPARE), 2, "there");
	hc_new_pgtable(here | 1);
	check_is(AT(SPARE), 1, "here");
	hc_new_pgtable(there | 2 | NOFLUSH);
	hc_new_pgtable(here | 1 | NOFLUSH);
}

CASE(inside, "a change to an address space that is ready is no exit")
{
	u64 calls, i;

	make_two();
	calls = ask_stat(LG_STAT_HYPERCALLS);
	for (i = 0; i < 1000; i++) {
		check_is(hc_new_pgtable(there | 2 | NOFLUSH), 0, "result");
		check_is(AT(SPARE), 2, "there");
		check_is(user_does(paging_read, SPARE, 0), 2, "its user mode");
		hc_new_pgtable(here | 1 | NOFLUSH);
		check_is(AT(SPARE), 1, "here");
		check_is(user_does(paging_read, SPARE, 0), 1, "its user mode");
	}
	calls = ask_stat(LG_STAT_HYPERCALLS) - calls;
	/* An interrupt here and there may bring the vcpu to another CPU. */
	check(calls < 500, "two thousand changes, and few hypercalls");
}

CASE(inside_known, "and lg.ko knows of it")
{
	u64 cr3;

	make_two();
	hc_new_pgtable(there | 2 | NOFLUSH);
	asm volatile("mov %%cr3, %0" : "=r"(cr3));
	check_is(cr3, there | 2, "CR3");
	ask(CASE_TOKEN_STATE);
	check_is(AT(SPARE), 2, "after the state was read and set");
	hc_new_pgtable(here | 1 | NOFLUSH);
	asm volatile("mov %%cr3, %0" : "=r"(cr3));
	check_is(cr3, here | 1, "CR3");
}

CASE(inside_flushed, "what was flushed in between is not found again")
{
	u64 i;

	make_two();
	for (i = 0; i < 100; i++) {
		ENTRY(SPARE) = PAGE(i & 1) | USED | PTE_U;
		hc_flush_page(SPARE);
		hc_new_pgtable(there | 2 | NOFLUSH);
		check_is(AT(SPARE), 2, "there");
		hc_new_pgtable(here | 1 | NOFLUSH);
		check_is(AT(SPARE), (i & 1) + 1, "here");
	}
	ENTRY(SPARE) = PAGE(1) | USED | PTE_U;
	hypercall(LHCALL_FLUSH_TLB, LGUEST_FLUSH_ALL, 0, 0, 0);
	hc_new_pgtable(there | 2 | NOFLUSH);
	hc_new_pgtable(here | 1 | NOFLUSH);
	check_is(AT(SPARE), 2, "after everything was flushed");
}

CASE(inside_ring, "with calls in a ring they are made first")
{
	static struct lguest_ring ring;

	make_two();
	hypercall(LHCALL_SET_RING, (u64)&ring, 0, 0, 0);
	hc_new_pgtable(there | 2 | NOFLUSH);
	hc_new_pgtable(here | 1 | NOFLUSH);
	ring.calls[0].number = LHCALL_SET_STACK;
	ring.calls[0].arg[0] = LGUEST_DS;
	ring.calls[0].arg[1] = 0x5000;
	ring.calls[0].arg[2] = 1;
	asm volatile("" ::: "memory");
	ring.head = 1;
	hc_new_pgtable(there | 2 | NOFLUSH);
	check_is(lguest_data.sp0, 0x5000, "sp0");
}

CASE(inside_interrupts, "interrupts find the address space they interrupt")
{
	u64 i;

	make_two();
	on_event(0x40, NULL);
	for (i = 0; i < 200; i++) {
		irq_off();
		hypercall(LHCALL_SEND_IPI, 1, 0x40, 0, 0);
		hc_new_pgtable(there | 2 | NOFLUSH);
		irq_on();
		check_is(AT(SPARE), 2, "there");
		hc_new_pgtable(here | 1 | NOFLUSH);
		check_is(AT(SPARE), 1, "here");
	}
	check_is(event_count[0x40], 200, "interrupts");
}
