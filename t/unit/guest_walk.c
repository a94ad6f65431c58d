// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest_walk.c - every right at every level, for every kind of access
 *
 * A right that is granted by mistake in one combination of four levels is one
 * that nobody meets by trying this and that.  So all of them are counted
 * through, and each answer is compared with one that is worked out in another
 * way: not level by level, but right by right.
 */
#include <errno.h>
#include <stdint.h>

#include "../../hypervisor/guest_walk.h"
#include "tap.h"

#define PAGE   4096
#define TABLES 4
#define GVA    0x0000123456789abcULL
#define LEAF   0x00000abcc0000000ULL /* aligned for pages of all sizes */

static __u64 tables[TABLES][512] __attribute__((aligned(PAGE)));
static unsigned int asked;

/* Table n of the guest's is at gpa (n + 1) * PAGE; there is no other memory. */
static __u64 *table(struct guest_reader *reader, gpa_t gpa)
{
	gpa_t place = gpa / PAGE - 1;

	(void)reader;
	asked++;
	return place < TABLES ? tables[place] : NULL;
}

static struct guest_reader reader = { .table = table };

/* The entry for GVA at a level, 4 the top. */
static __u64 *entry(unsigned int level)
{
	return &tables[4 - level][GVA >> (3 + 9 * level) & 511];
}

/* Four levels that allow everything, down to a page at level `leaf`. */
static void make(unsigned int leaf)
{
	unsigned int level;

	memset(tables, 0, sizeof(tables));
	for (level = 4; level > leaf; level--)
		*entry(level) =
			(5 - level + 1) * PAGE | GPTE_P | GPTE_RW | GPTE_US;
	*entry(leaf) =
		LEAF | GPTE_P | GPTE_RW | GPTE_US | (leaf > 1 ? GPTE_PS : 0);
}

/* Takes a right away, or sets NX: three bits for each level. */
static void set_rights(unsigned int leaf, unsigned int rights)
{
	unsigned int level;

	for (level = leaf; level <= 4; level++, rights >>= 3) {
		__u64 bits = (rights & 1 ? 0 : GPTE_RW) |
			     (rights & 2 ? 0 : GPTE_US) |
			     (rights & 4 ? GPTE_NX : 0);

		*entry(level) &=
			~(GPTE_RW | GPTE_US | GPTE_NX | GPTE_A | GPTE_D);
		*entry(level) |= bits;
	}
}

/* What must come out, from the bits alone: 1 is taken away, anywhere. */
static int may(unsigned int leaf, unsigned int rights, unsigned int access)
{
	unsigned int all = 0, level;
	int user = access & 1, write = access & 2, fetch = access & 4;

	for (level = leaf; level <= 4; level++, rights >>= 3)
		all |= rights & 7;
	if (user && (all & 2))
		return 0;
	if (write && (all & 1))
		return 0;
	/* NX, or kernel code on a page that is the user's. */
	return !fetch || (!(all & 4) && (user || (all & 2)));
}

static struct guest_walk try(unsigned int access, int *ret_err)
{
	struct guest_walk walk = {
		.gva = GVA,
		.user = access & 1,
		.write = access & 2,
		.fetch = access & 4,
	};

	*ret_err = guest_walk(&reader, PAGE, &walk);
	return walk;
}

/* All the bits that are not as a CPU would leave them. */
static int wrong_marks(unsigned int leaf, unsigned int access, int allowed)
{
	unsigned int level;
	int wrong = 0;

	for (level = leaf; level <= 4; level++) {
		__u64 marks = *entry(level) & (GPTE_A | GPTE_D), want = GPTE_A;

		if (level == leaf)
			want = !allowed     ? 0
			       : access & 2 ? GPTE_A | GPTE_D
					    : GPTE_A;
		wrong += marks != want;
	}
	return wrong;
}

static int wrong_answer(const struct guest_walk *walk, unsigned int leaf,
			unsigned int access, int err, int allowed)
{
	__u64 inside = (1ULL << (3 + 9 * leaf)) - 1;
	__u32 error = GPF_P | (access & 1 ? GPF_U : 0) |
		      (access & 2 ? GPF_W : 0) | (access & 4 ? GPF_I : 0);

	if (!allowed)
		return err != -EACCES || walk->error != error;
	return err || walk->gfn != (LEAF | (GVA & inside)) / PAGE ||
	       walk->shift != 3 + 9 * leaf || walk->dirty != !!(access & 2);
}

/* Pages of one size: 2^(3 * levels) rights, eight accesses each. */
static void test_rights(unsigned int leaf)
{
	unsigned int rights, access, end = 1U << 3 * (5 - leaf);
	unsigned int answers = 0, marks = 0;

	make(leaf);
	for (rights = 0; rights < end; rights++) {
		for (access = 0; access < 8; access++) {
			int allowed = may(leaf, rights, access), err;
			struct guest_walk walk;

			set_rights(leaf, rights);
			walk = try(access, &err);
			answers += !!wrong_answer(&walk, leaf, access, err,
						  allowed);
			marks += !!wrong_marks(leaf, access, allowed);
		}
	}
	is(answers, 0, "%u combinations, leaf at level %u: the answer", end * 8,
	   leaf);
	is(marks, 0, "%u combinations, leaf at level %u: A and D", end * 8,
	   leaf);
}

static void test_absent(void)
{
	unsigned int level;
	struct guest_walk walk;
	int err;

	for (level = 1; level <= 4; level++) {
		make(1);
		*entry(level) &= ~GPTE_P;
		walk = try(3, &err);
		ok(err == -ENOENT && walk.error == (GPF_U | GPF_W),
		   "not present at level %u", level);
		ok(!(*entry(level) & GPTE_A), "and no A there");
	}
}

static void test_reserved(void)
{
	static const struct {
		unsigned int leaf, level;
		__u64 bits;
		int bad;
	} rows[] = {
		{ 1, 4, GPTE_PS, 1 },    { 1, 1, GPTE_PS, 0 },
		{ 1, 1, 1ULL << 46, 1 }, { 1, 2, 1ULL << 51, 1 },
		{ 1, 3, 1ULL << 48, 1 }, { 1, 4, 1ULL << 47, 1 },
		{ 1, 1, 1ULL << 52, 0 }, { 1, 1, 1ULL << 62, 0 },
		{ 2, 2, 1ULL << 12, 0 }, { 2, 2, 1ULL << 13, 1 },
		{ 2, 2, 1ULL << 20, 1 }, { 2, 2, 1ULL << 21, 0 },
		{ 3, 3, 1ULL << 12, 0 }, { 3, 3, 1ULL << 13, 1 },
		{ 3, 3, 1ULL << 29, 1 }, { 1, 1, 1ULL << 9, 0 },
		{ 2, 2, 1ULL << 46, 1 }, { 3, 3, 1ULL << 50, 1 },
	};
	size_t i;
	int err;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct guest_walk walk;

		make(rows[i].leaf);
		*entry(rows[i].level) |= rows[i].bits;
		walk = try(0, &err);
		ok(rows[i].bad
			   ? err == -EACCES && walk.error == (GPF_P | GPF_RSVD)
			   : err == 0,
		   "bits %#llx at level %u of %u: %s",
		   (unsigned long long)rows[i].bits, rows[i].level,
		   rows[i].leaf, rows[i].bad ? "reserved" : "not reserved");
	}
}

static void test_memory(void)
{
	unsigned int level;
	struct guest_walk walk;
	int err;

	for (level = 2; level <= 4; level++) {
		make(1);
		*entry(level) |= 1ULL << 40;
		walk = try(0, &err);
		is((__u64)-err, EFAULT, "level %u leads out of memory", level);
	}
	make(1);
	*entry(1) |= GPTE_G | GPTE_D;
	walk = try(0, &err);
	ok(!err && walk.global && walk.dirty, "G and D are told");
	ok(walk.entries == tables[3], "and which table it was");
	asked = 0;
	reader.kept[guest_reader_place(4 * PAGE)].gpa = 4 * PAGE;
	reader.kept[guest_reader_place(4 * PAGE)].table = tables[3];
	try(0, &err);
	is(asked, 3, "what the reader keeps it is not asked for");
	reader.kept[guest_reader_place(4 * PAGE)].table = NULL;
}

int main(void)
{
	unsigned int leaf;

	for (leaf = 1; leaf <= 3; leaf++)
		test_rights(leaf);
	test_absent();
	test_reserved();
	test_memory();
	return tap_end();
}
