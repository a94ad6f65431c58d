// SPDX-License-Identifier: GPL-2.0-only
/*
 * host-addresses - a guest may live where the host kernel itself does
 *
 * Linux guests do: their text is linked to the address that the host's is.  The
 * page tables tell the two apart, but a TLB entry that is global answers for
 * every page table there is, so a guest could read the host's memory for its
 * own, or fault for ever where it has a page.  The host keeps no global entry
 * while such a guest is loaded (the PGE rule in hypervisor/world.c), and here
 * we look whether that is so: the guest puts pages of its own at addresses that
 * the host is known to use, lets the host use them, and looks again.
 *
 * A CPU emulated without global entries has nothing to show; t/bochs/pge.c runs
 * the first case on one that has.
 */
#include "test.h"

#define ROUNDS 50

/* With the host's KASLR off these are in use; with it on, some are. */
static const u64 places[] = {
	0xffff888000000000, /* all of memory */
	0xffff888001000000, 0xffffc90000000000, /* vmalloc: stacks */
	0xffffea0000000000, /* struct page */
	0xfffffe0000000000, /* the IDT, global even under PTI */
	0xfffffe0000001000, /* the first CPU's GDT */
	0xffffff0000000000, 0xffffffff81000000, /* text */
	0xffffffff82000000, /* data */
	0xffffffffc0000000, /* modules */
	0xffffffffff5fc000, /* fixmap */
	0xffffffffff600000, /* vsyscall: CPL 3 may read it in some hosts */
	0xfffffffffffff000,
};

/* What one of our pages holds, one for each place. */
struct page {
	u64 tag;
	u64 count;
	u8 code[16]; /* mov $tag, %rax; ret */
	u8 rest[4096 - 32];
};

static struct page pages[ARRAY_SIZE(places)] __attribute__((aligned(4096)));

static void put_page(struct page *page, u64 gva, u64 tag)
{
	page->tag = tag;
	page->code[0] = 0x48;
	page->code[1] = 0xb8;
	memcpy(&page->code[2], &tag, 8);
	page->code[10] = 0xc3;
	pgtable_map(gva & ~0xfffULL, (u64)page, PTE_P | PTE_W);
}

/* Read, write and execute, after the host has been there. */
static void visit(struct page *page, u64 gva, u64 round)
{
	volatile struct page *there = (void *)(gva & ~0xfffULL);
	u64 got;

	/* Into a register first: no other access between the host and this. */
	got = there->tag;
	if (got != page->tag)
		panic("%#llx, round %llu: read %#llx, which is not ours", gva,
		      round, got);
	there->count = round + 1;
	if (page->count != round + 1)
		panic("%#llx, round %llu: what we wrote went elsewhere", gva,
		      round);
	got = ((u64(*)(void))there->code)();
	if (got != page->tag)
		panic("%#llx, round %llu: ran code that is not ours", gva,
		      round);
}

static void stay_at(u64 gva)
{
	u64 round;

	put_page(&pages[0], gva, 0x7a67000000000001);
	for (round = 0; round < ROUNDS; round++) {
		ask(CASE_TOKEN_NOTHING);
		visit(&pages[0], gva, round);
	}
}

/* For pge.c, a step that is no index is an address. */
CASE(one, "a guest's page is its own wherever the host has one of its own",
     STEPS(ARRAY_SIZE(places)))
{
	stay_at(step < ARRAY_SIZE(places) ? places[step] : step);
}

CASE(all, "and so are many at a time, in kernel mode and after a flush")
{
	u64 round, i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		put_page(&pages[i], places[i], 0x7a67000000000000 + i);
	for (round = 0; round < ROUNDS; round++) {
		if (round % 8)
			ask(CASE_TOKEN_NOTHING);
		else
			hc_flush_tlb();
		for (i = 0; i < ARRAY_SIZE(places); i++)
			visit(&pages[i], places[i], round);
	}
}

/*
 * XCHG BX, BX is nothing to a CPU, but t/bochs/check has its emulator stop there
 * and tell what CR3 and CR4 are while a guest runs.
 */
CASE(stops, "a guest among the host's addresses says so to who wants to know")
{
	put_page(&pages[0], places[0], 1);
	visit(&pages[0], places[0], 0);
	asm volatile("xchg %bx, %bx");
}

/*
 * For pge.c too, with the address as the step; a host's page must not become
 * the guest's because the guest has none.
 */
CASE(none, "where a guest has no page, the host's is none of its business",
     STEPS(ARRAY_SIZE(places)))
{
	u64 gva = step < ARRAY_SIZE(places) ? places[step] : step;

	expect_trap(TRAP_PF);
	expect_addr(gva);
	ask(CASE_TOKEN_NOTHING);
	panic("read %#llx at %#llx", *(volatile u64 *)gva, gva);
}

CASE(interrupted, "nor does it see the host's when an interrupt runs the host")
{
	u64 before = ask_stat(LG_STAT_IRQS), round, i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		put_page(&pages[i], places[i], 0x7a67000000000000 + i);
	/* Asking is an exit, which takes the interrupt away from us: seldom. */
	for (round = 0; round % 64 || ask_stat(LG_STAT_IRQS) < before + 20;
	     round++) {
		for (i = 0; i < ARRAY_SIZE(places); i++)
			visit(&pages[i], places[i], round);
	}
}

asm(".pushsection .user.text, \"ax\"\n"
    "user_reads: mov (%rdi), %rax\n\tsyscall\n\tud2\n"
    ".popsection");
extern const char user_reads[];

CASE(for_user, "all of that is true of user mode's pages there", BOTH_WAYS)
{
	struct user user;
	u64 round, i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		put_page(&pages[i], places[i], 0x7a67000000000000 + i);
		*pgtable_entry(places[i], 1) |= PTE_U;
	}
	hc_flush_tlb();
	for (round = 0; round < ROUNDS; round++) {
		if (round % 8 == 0)
			ask(CASE_TOKEN_NOTHING);
		for (i = 0; i < ARRAY_SIZE(places); i++) {
			user_init(&user, user_reads);
			user.rdi = places[i];
			user_run(&user);
			check_is(user.rax, pages[i].tag, "what it reads");
		}
	}
}
