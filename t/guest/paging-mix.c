// SPDX-License-Identifier: GPL-2.0-only
/*
 * paging-mix - everything about page tables at once, by chance
 *
 * A few dozen pages, in slots that user, kernel and global pages share, in
 * several address spaces, change their meaning again and again, as the rules
 * of a CPU's TLB allow; and each access must find what the tables say, and leave
 * in them what a CPU would.  The same with so little room for the shadow that it
 * forgets all the time.  A mistake in what is shared, or kept, or dropped, ends
 * in somebody's page being another's.
 */
#include "test.h"

#define NOFLUSH  (1ULL << 63)
#define FREE     0x400000ULL
#define FREES    1024
#define SPACES   4
#define PLACES   40
#define ROUNDS   6000
#define AT(gva)  (*(volatile u64 *)(gva))
#define PAGE(n)  (FREE + (u64)(n)*PAGE_BYTES)
#define RW       (PTE_P | PTE_W)
#define ALL_BITS (PTE_P | PTE_W | PTE_U | PTE_G | PTE_NX)

asm(".pushsection .user.text, \"ax\"\n"
    "mix_read: mov (%rdi), %rax\n\tsyscall\n\tud2\n"
    "mix_write: mov %rsi, (%rdi)\n\tsyscall\n\tud2\n"
    ".popsection");
extern const char mix_read[], mix_write[];

static u64 roots[SPACES];
static volatile u64 *entries[SPACES][PLACES]; /* where each page's entry is */
static u64 random_state, now;

static u64 below(u64 end)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % end;
}

static u64 user_does(const char *rip, u64 rdi, u64 rsi)
{
	static struct user user;

	user_init(&user, rip);
	user.rdi = rdi;
	user.rsi = rsi;
	user_run(&user);
	return user.rax;
}

/*
 * Three slots: one low, one high, and the one that the guest itself lives in.
 * The last eight places are global when they are anything, and alike in all
 * spaces, as global pages have to be.
 */
static u64 gva_of(u64 place)
{
	static const u64 bases[] = { 0x600000000000, 0xffffff8000000000,
				     0x30000000 };
	u64 at = place / 3;

	return bases[place % 3] + (at & 7) * PAGE_BYTES +
	       (at >> 3) * LARGE_BYTES;
}

static int is_global(u64 place)
{
	return place >= PLACES - 8;
}

static void begin(u64 seed)
{
	u64 here = pgtable_root(), space, place;

	random_state = seed * 0x9e3779b97f4a7c15 + 1;
	hc_init(&lguest_data, &info, LGUEST_ABI_VERSION,
		LGUEST_FEATURE_DIRECT_SYSCALL | LGUEST_FEATURE_PCID);
	for (place = 0; place < FREES; place++)
		AT(PAGE(place)) = place;
	for (space = 0; space < SPACES; space++) {
		roots[space] = pgtable_new_page();
		/* The guest's own slot: tables of its own from level 3 on. */
		*(u64 *)roots[space] = pgtable_new_page() | RW | PTE_U;
		memcpy((void *)(*(u64 *)roots[space] & PTE_ADDR),
		       (void *)(*(u64 *)here & PTE_ADDR), PAGE_BYTES);
	}
	for (space = 0; space < SPACES; space++) {
		u64 *first = (u64 *)(*(u64 *)roots[space] & PTE_ADDR);
		u64 *second = (u64 *)pgtable_new_page();

		memcpy(second, (void *)(first[0] & PTE_ADDR), PAGE_BYTES);
		first[0] = (u64)second | RW | PTE_U;
		pgtable_init(roots[space]);
		for (place = 0; place < PLACES; place++)
			entries[space][place] = pgtable_entry(gva_of(place), 1);
	}
	pgtable_init(here);
}

/* Gives a place a new meaning, in one space or in all. */
static void change(u64 space, u64 place)
{
	u64 bits = PTE_P;

	bits |= below(3) ? PTE_W : 0;
	bits |= below(2) ? PTE_U : 0;
	bits |= below(3) ? 0 : PTE_NX;
	bits |= below(2) ? PTE_A : 0;
	bits |= bits & PTE_A && below(2) ? PTE_D : 0;
	bits |= PAGE(below(FREES));
	if (is_global(place)) {
		bits |= PTE_G;
		for (space = 0; space < SPACES; space++)
			*entries[space][place] = bits;
		hc_flush_page(gva_of(place));
		return;
	}
	*entries[space][place] = bits;
	if (space == now)
		hc_flush_page(gva_of(place));
}

static void go_to(u64 space, u64 flags)
{
	now = space;
	hc_new_pgtable(roots[space] | (space + 1) | flags);
}

/* One access that the tables allow, and what must be true after it. */
static void use(u64 place)
{
	volatile u64 *entry = entries[now][place];
	u64 gva = gva_of(place), before = *entry;
	u64 gpa = before & PTE_ADDR, user = (before & PTE_U) && below(2);
	u64 write = (before & PTE_W) && below(2);
	u64 value = below(1ULL << 60), got;

	if (!(before & PTE_P))
		return;
	if (write) {
		if (user)
			user_does(mix_write, gva, value);
		else
			AT(gva) = value;
		check_is(AT(gpa), value, "written");
	} else {
		got = user ? user_does(mix_read, gva, 0) : AT(gva);
		check_is(got, AT(gpa), "read");
	}
	/* A global one may be known from another space, whose entry has it. */
	if (is_global(place))
		before |= *entry & (PTE_A | PTE_D);
	else
		before |= PTE_A | (write ? PTE_D : 0);
	check_is(*entry, before, "the entry");
}

static void mix(u64 seed, u64 rounds)
{
	u64 i, space;

	begin(seed);
	go_to(0, 0);
	for (i = 0; i < rounds; i++) {
		switch (below(16)) {
		case 0:
			go_to(below(SPACES), NOFLUSH);
			break;
		case 1:
			/* Change another space's, then flush that. */
			space = below(SPACES);
			change(space, below(PLACES));
			if (space != now)
				go_to(space, 0);
			break;
		case 2:
			hc_flush_tlb();
			break;
		case 3:
			if (below(20) == 0)
				hc_flush_all();
			else if (below(20) == 0)
				hc_release_pgtable(roots[below(SPACES)]);
			break;
		case 4:
		case 5:
		case 6:
			change(now, below(PLACES));
			break;
		default:
			use(below(PLACES));
		}
	}
}

CASE(mixed, "user, kernel and global pages mix in all ways", STEPS(6))
{
	mix(step + 1, ROUNDS);
}

CASE(mixed_tiny, "and with hardly any room for the shadow", STEPS(4),
     .flags = CASE_TINY)
{
	mix(step + 100, ROUNDS);
}

CASE(mixed_long_way, "and with system calls the long way", LONG_WAY)
{
	mix(1000, ROUNDS);
}

/* ---- too much ---- */

CASE(far_apart, "a guest that uses all slots at once gets on", STEPS(2),
     .flags = CASE_TINY)
{
	u64 i, slot, before = ask_stat(LG_STAT_FILLS);

	/* One lower half for all slots, to have enough pages for tables. */
	pgtable_map(0x8000000000, FREE, RW | (step ? PTE_G : 0));
	for (slot = 2; slot < 512; slot++)
		if (slot != 256)
			((u64 *)pgtable_root())[slot] =
				((u64 *)pgtable_root())[1];
	for (i = 0; i < 3000; i++) {
		slot = 1 + i * 7 % 511;
		if (slot == 256)
			continue;
		AT((u64)((long)(slot << 55) >> 16)) = i;
		check_is(AT(FREE), i, "the page");
	}
	check(ask_stat(LG_STAT_FILLS) - before > 1000,
	      "entries were dropped and made again");
}

CASE(spaces, "thousands of address spaces come and go", STEPS(2),
     .flags = CASE_TINY)
{
	static u64 own[8];
	u64 here = pgtable_root(), i, n;

	hc_init(&lguest_data, &info, LGUEST_ABI_VERSION,
		LGUEST_FEATURE_DIRECT_SYSCALL | LGUEST_FEATURE_PCID);
	for (n = 0; n < 8; n++) {
		own[n] = pgtable_new_page();
		memcpy((void *)own[n], (void *)here, PAGE_BYTES);
		pgtable_init(own[n]);
		*pgtable_entry(0x600000000000, 1) = PAGE(n) | RW;
		AT(PAGE(n)) = n;
	}
	for (i = 0; i < 4000; i++) {
		n = i % 8;
		hc_new_pgtable(own[n] | (i & 4095) | (i & 64 ? NOFLUSH : 0));
		check_is(AT(0x600000000000), n, "the page of this space");
		if (step)
			hc_release_pgtable(own[n]);
	}
}

CASE(aliases, "one page at very many addresses is taken away from all")
{
	u64 i, *table = (u64 *)pgtable_new_page();

	for (i = 0; i < 512; i++)
		table[i] = FREE | RW | PTE_A | PTE_D;
	for (i = 0; i < 512; i++)
		*pgtable_entry(0x600000000000 + i * LARGE_BYTES, 2) =
			(u64)table | RW;
	for (i = 0; i < 512 * 512; i += 61) {
		AT(0x600000000000 + i * PAGE_BYTES) = i;
		check_is(AT(FREE), i, "the page");
	}
	for (i = 0; i < 512; i++)
		table[i] = PAGE(1) | RW;
	hc_flush_tlb();
	AT(PAGE(1)) = 7;
	for (i = 0; i < 512; i++)
		check_is(AT(0x600000000000 + i * LARGE_BYTES), 7, "after");
}
