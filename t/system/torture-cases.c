// SPDX-License-Identifier: GPL-2.0-only
/*
 * torture-cases.c - the ways in which page tables change under their user
 *
 * Each case says what the region means next, and then makes it so, with one
 * store that counts: what is prepared before is reached from nowhere.
 *
 * Start at torments[], the list.
 */
#include "hypercall.h"
#include "smp-guest.h"
#include "torture.h"

#define SOME    16 /* frames that a single page goes round among */
#define RAM_END (16ULL << 20)
#define WINDOW  0x700000000000ULL /* the slot that is the tables themselves */

volatile u64 *large;
static u64 *tables[2];
static u64 use_table; /* which of them is in use, or 2: none */

static void store(volatile u64 *entry, u64 value)
{
	put = value;
	leaf = entry;
	__atomic_store_n(entry, value, __ATOMIC_SEQ_CST);
}

/* One page, by tables[0]. */
static void begin(struct meaning *first)
{
	*first = (struct meaning){ RWU, FRAMES, 0, NO_PLACE };
	large = pgtable_entry(REGION, 2);
	tables[0] = (u64 *)pgtable_new_page();
	tables[1] = (u64 *)pgtable_new_page();
	*large = (u64)tables[0] | RWU;
	store(&tables[0][0], FRAMES | RWU);
}

static void choose_frame(struct meaning *next)
{
	next->base =
		FRAMES + (next->base + PAGE_BYTES * (1 + below(SOME - 1))) %
				 (SOME * PAGE_BYTES);
}

/* ---- large and small ---- */

static void begin_large(struct meaning *first)
{
	begin(first);
	use_table = 2;
	store(large, FRAMES | RWU | PTE_LARGE);
}

static void choose_same(struct meaning *next)
{
	(void)next;
	use_table = use_table == 2 ? below(2) : 2;
}

/* The other 2 MiB, and in a table the other way round. */
static void choose_other(struct meaning *next)
{
	choose_same(next);
	next->base ^= FRAMES ^ (FRAMES + LARGE_BYTES);
	next->flip = use_table != 2;
}

static void apply_large(const struct meaning *next)
{
	u64 *table = tables[use_table & 1], i, n;

	/* No flush of one small page is one of all that are large now. */
	flush_all = words->what == TORTURE_LARGE_TO && use_table == 2;
	if (use_table == 2) {
		store(large, next->base | RWU | PTE_LARGE);
		return;
	}
	for (i = 0; i < 512; i++) {
		n = next->flip ? 511 - i : i;
		table[i] = (next->base + n * PAGE_BYTES) | RWU |
			   (i && below(2) ? PTE_A | PTE_D : 0);
	}
	put = table[0];
	leaf = table;
	__atomic_store_n(large, (u64)table | RWU, __ATOMIC_SEQ_CST);
}

/* ---- rights ---- */

static u64 taken; /* the bits that differ from RWU now */
static u64 changed, level; /* those that change, and where */

static volatile u64 *rights[5]; /* the region's entry of each level */

static void begin_rights(struct meaning *first)
{
	int i;

	begin(first);
	for (i = 1; i <= 4; i++)
		rights[i] = pgtable_entry(REGION, i);
}

static void choose_rights(struct meaning *next, u64 some)
{
	if (!taken) {
		level = 1 + below(4);
		taken = changed = some;
	} else {
		taken = 0;
	}
	next->bits ^= changed;
}

static void choose_write(struct meaning *next)
{
	choose_rights(next, PTE_W);
}

static void choose_present(struct meaning *next)
{
	choose_rights(next, PTE_P);
}

static void choose_user_nx(struct meaning *next)
{
	static const u64 some[] = { PTE_U, PTE_NX, PTE_U | PTE_NX };

	choose_rights(next, some[below(3)]);
}

static void apply_rights(const struct meaning *next)
{
	(void)next;
	__atomic_fetch_xor(rights[level], changed, __ATOMIC_SEQ_CST);
	put = 0; /* what the flush finds there */
}

/* ---- one page ---- */

static void apply_move(const struct meaning *next)
{
	store(leaf, next->base | next->bits);
}

static void choose_move(struct meaning *next)
{
	choose_frame(next);
	next->bits = RW | (below(2) ? PTE_U : 0);
}

static u64 base_before;

static void choose_between(struct meaning *next)
{
	base_before = next->base;
	choose_frame(next);
}

/*
 * A value that was there for a moment has the marks that it may have, and its
 * successor none of them.
 */
static void apply_between(const struct meaning *next)
{
	u64 i, spins, old, value;

	put = *leaf;
	for (i = 0; i < 60; i++) {
		u64 bits[] = { PTE_P | PTE_U, RWU, RWU | PTE_A,
			       below(1ULL << 62) << 1 };

		value = bits[below(4)];
		if (value & PTE_P)
			value |= below(2) ? base_before : next->base;
		old = __atomic_exchange_n(leaf, value, __ATOMIC_SEQ_CST);
		if (i)
			check_entry(old, put, put);
		put = value;
		for (spins = below(400); spins; spins--)
			asm volatile("pause" ::: "memory");
	}
	old = __atomic_exchange_n(leaf, next->base | RWU, __ATOMIC_SEQ_CST);
	check_entry(old, put, put);
	put = next->base | RWU;
}

/* ---- through themselves ---- */

static u64 *window(u64 gva)
{
	return (u64 *)(WINDOW + (gva >> 9 & 0x7ffffffff8));
}

static void begin_recursive(struct meaning *first)
{
	begin(first);
	*pgtable_entry(WINDOW, 4) = pgtable_root() | RW;
}

static u64 place_recursive(void)
{
	(void)*(volatile u64 *)window(REGION);
	return 0;
}

/* The entry, or the one above it: another table. */
static void apply_recursive(const struct meaning *next)
{
	u64 *table;

	if (below(2)) {
		put = next->base | RWU;
		__atomic_store_n(window(REGION), put, __ATOMIC_SEQ_CST);
		return;
	}
	use_table ^= 1;
	table = tables[use_table];
	put = table[0] = next->base | RWU;
	leaf = table;
	__atomic_store_n(window((u64)window(REGION)), (u64)table | RWU,
			 __ATOMIC_SEQ_CST);
}

/* ---- tables in odd places ---- */

static void apply_table(const struct meaning *next)
{
	u64 *table;

	use_table ^= 1;
	table = tables[use_table];
	put = table[0] = next->base | RWU;
	leaf = table;
	__atomic_store_n(large, (u64)table | RWU, __ATOMIC_SEQ_CST);
}

static void begin_last(struct meaning *first)
{
	begin(first);
	tables[1] = (u64 *)(RAM_END - PAGE_BYTES);
	memset(tables[1], 0, PAGE_BYTES);
	tables[1][1] = RAM_END | RWU | PTE_A | PTE_D;
	tables[1][511] = (1ULL << 45) | RWU | PTE_A | PTE_D;
}

/* The table that is not in use is the page that is meant. */
static void begin_data(struct meaning *first)
{
	begin(first);
	first->base = (u64)tables[1];
	store(&tables[0][0], first->base | RWU);
}

static void choose_data(struct meaning *next)
{
	next->base = (u64)tables[use_table];
}

/* Vcpu 0's struct lguest_data is the last eight entries. */
static void begin_beside(struct meaning *first)
{
	struct lguest_data *data;
	u64 result;

	begin(first);
	first->bits = RW;
	first->none = 504;
	store(&tables[0][0], FRAMES | RW);
	data = (struct lguest_data *)&tables[0][504];
	result = hypercall(LHCALL_SET_DATA, (u64)data, (u64)me(), 0, 0);
	if (result)
		panic("SET_DATA: %lld", result);
	me()->data = data;
}

static u64 place_beside(void)
{
	return below(4) ? 0 : 504;
}

/* ---- all of them ---- */

const struct torment torments[] = {
	[TORTURE_LARGE] = { .places = 512,
			    .begin = begin_large,
			    .choose = choose_same,
			    .apply = apply_large },
	[TORTURE_LARGE_TO] = { .places = 512,
			       .begin = begin_large,
			       .choose = choose_other,
			       .apply = apply_large },
	[TORTURE_WRITE] = { .places = 1,
			    .begin = begin_rights,
			    .choose = choose_write,
			    .apply = apply_rights },
	[TORTURE_PRESENT] = { .places = 1,
			      .begin = begin_rights,
			      .choose = choose_present,
			      .apply = apply_rights },
	[TORTURE_USER_NX] = { .places = 1,
			      .begin = begin_rights,
			      .choose = choose_user_nx,
			      .apply = apply_rights },
	[TORTURE_MOVE] = { .places = 1,
			   .begin = begin,
			   .choose = choose_move,
			   .apply = apply_move },
	[TORTURE_BETWEEN] = { .places = 1,
			      .loose = 1,
			      .begin = begin,
			      .choose = choose_between,
			      .apply = apply_between },
	[TORTURE_RECURSIVE] = { .places = 1,
				.place = place_recursive,
				.all = 1,
				.begin = begin_recursive,
				.choose = choose_frame,
				.apply = apply_recursive },
	[TORTURE_LAST] = { .places = 1,
			   .begin = begin_last,
			   .choose = choose_frame,
			   .apply = apply_table },
	[TORTURE_DATA] = { .places = 1,
			   .begin = begin_data,
			   .choose = choose_data,
			   .apply = apply_table },
	[TORTURE_BESIDE] = { .places = 1,
			     .place = place_beside,
			     .kernel_only = 1,
			     .begin = begin_beside,
			     .choose = choose_frame,
			     .apply = apply_move },
};
