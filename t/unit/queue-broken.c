// SPDX-License-Identifier: GPL-2.0-only
/*
 * queue-broken.c - a driver that breaks the rules costs its device a reset
 *
 * Each row writes a chain, or a ring, that must not be, and the sentence that is
 * said of it.  Whatever was wrong, the queue is then broken: it gives no more
 * chains, and what is pushed into it goes nowhere.
 *
 * Chains begin with descriptor, or id, 3.  What may be and looks strange is at
 * the end.
 */
#include "vring.h"

#define HEAD 3
#define SIZE 8

#define R 0
#define W VRING_DESC_F_WRITE
#define N VRING_DESC_F_NEXT
#define T VRING_DESC_F_INDIRECT

#define RAM   0x80000U /* somewhere in it */
#define TABLE 0x90000U
#define END   VRING_BYTES

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* A few descriptors, of split rings in places 3, 4, ... */
struct row {
	const char *name, *why;
	struct desc descs[4];
	struct desc table[4];
	uint64_t without; /* a feature */
};

/* The same for both formats: next is only looked at with NEXT in split rings. */
static const struct row rows[] = {
	{ "a part of no bytes",
	  "queue 0: chain 3: descriptor 3: it has no bytes",
	  .descs = { { RAM, 0, R, 0 } } },
	{ "a part at the end of RAM, and one byte beyond",
	  "queue 0: chain 3: descriptor 3: 17 bytes at 0xffff0 are not all RAM",
	  .descs = { { END - 16, 17, R, 0 } } },
	{ "a part that begins beyond RAM",
	  "queue 0: chain 3: descriptor 3: 1 bytes at 0x100000 are not all RAM",
	  .descs = { { END, 1, W, 0 } } },
	{ "an address that overflows with its length",
	  "queue 0: chain 3: descriptor 3: 4096 bytes at 0xfffffffffffffff0 "
	  "are not all RAM",
	  .descs = { { -16ULL, 4096, R, 0 } } },
	{ "a length that is all ones",
	  "queue 0: chain 3: descriptor 3: 4294967295 bytes at 0x80000 are "
	  "not all RAM",
	  .descs = { { RAM, ~0U, R, 0 } } },
	{ "a part to read after one to write",
	  "queue 0: chain 3: descriptor 4: it is to be read, after 1 to be "
	  "written",
	  .descs = { { RAM, 1, W | N, 4 }, { RAM, 1, R, 0 } } },
	{ "a table that was not agreed on",
	  "queue 0: chain 3: descriptor 3: a table, which was not agreed on",
	  .descs = { { TABLE, 16, T, 0 } }, .table = { { RAM, 1, R, 0 } },
	  .without = F_INDIRECT },
	{ "a table with a next",
	  "queue 0: chain 3: descriptor 3: a table, and not the last",
	  .descs = { { TABLE, 16, T | N, 4 }, { RAM, 1, W, 0 } } },
	{ "a table of no bytes",
	  "queue 0: chain 3: descriptor 3: a table of 0 bytes, no multiple of "
	  "16",
	  .descs = { { TABLE, 0, T, 0 } } },
	{ "a table of half a descriptor",
	  "queue 0: chain 3: descriptor 3: a table of 24 bytes, no multiple of "
	  "16",
	  .descs = { { TABLE, 24, T, 0 } } },
	{ "a table of too many",
	  "queue 0: chain 3: descriptor 3: a table of 259, 258 are the most",
	  .descs = { { TABLE, 259 * 16, T, 0 } } },
	{ "a table of 4 GiB",
	  "queue 0: chain 3: descriptor 3: a table of 268435455, 258 are the "
	  "most",
	  .descs = { { TABLE, ~15U, T, 0 } } },
	{ "a table beyond RAM",
	  "queue 0: chain 3: descriptor 3: a table of 32 bytes at 0xffff0 is "
	  "not all RAM",
	  .descs = { { END - 16, 32, T, 0 } } },
	{ "a table in a table",
	  "queue 0: chain 3: of its table 1: a table in a table",
	  .descs = { { TABLE, 32, T, 0 } },
	  .table = { { RAM, 1, N, 1 }, { TABLE, 16, T, 0 } } },
	{ "a table that names itself",
	  "queue 0: chain 3: of its table 0: a table in a table",
	  .descs = { { TABLE, 16, T, 0 } }, .table = { { TABLE, 16, T, 0 } } },
	{ "a part of no bytes, in a table",
	  "queue 0: chain 3: of its table 1: it has no bytes",
	  .descs = { { TABLE, 32, T, 0 } },
	  .table = { { RAM, 1, N, 1 }, { RAM, 0, R, 0 } } },
	{ "a part to read in a table, after one to write outside",
	  "queue 0: chain 3: of its table 0: it is to be read, after 1 to be "
	  "written",
	  .descs = { { RAM, 1, W | N, 4 }, { TABLE, 16, T, 0 } },
	  .table = { { RAM, 1, R, 0 } } },
};

/* What only a split ring has: heads and links. */
static const struct row split_rows[] = {
	{ "a next beyond the ring",
	  "queue 0: chain 3: descriptor 3: next is 8, and there are 8",
	  .descs = { { RAM, 1, N, SIZE } } },
	{ "a descriptor that is its own next",
	  "queue 0: chain 3: descriptor 3: it goes on after all 8",
	  .descs = { { RAM, 1, N, 3 } } },
	{ "two that are each other's next",
	  "queue 0: chain 3: descriptor 4: it goes on after all 8",
	  .descs = { { RAM, 1, N, 4 }, { RAM, 1, N, 3 } } },
	{ "a next beyond the table",
	  "queue 0: chain 3: of its table 0: next is 2, and there are 2",
	  .descs = { { TABLE, 32, T, 0 } }, .table = { { RAM, 1, N, 2 } } },
	{ "a loop in a table",
	  "queue 0: chain 3: of its table 1: it goes on after all 2",
	  .descs = { { TABLE, 32, T, 0 } },
	  .table = { { RAM, 1, N, 1 }, { RAM, 1, N, 0 } } },
};

static struct vq_chain chain;

static void put_packed(struct vring_packed_desc *to, const struct desc *desc,
		       uint16_t extra)
{
	to->addr = desc->addr;
	to->len = desc->len;
	to->id = HEAD;
	to->flags = desc->flags | extra;
}

static void put_split(struct vring_desc *to, const struct desc *desc)
{
	to->addr = desc->addr;
	to->len = desc->len;
	to->flags = desc->flags;
	to->next = desc->next;
}

/* A head in the next place of the available ring. */
static void offer(uint16_t head)
{
	struct vdriver *driver = &vring.driver;

	driver->split.avail->ring[driver->avail++ % driver->size] = head;
	driver->split.avail->idx = driver->avail;
}

static void write_row(const struct row *row, bool packed)
{
	struct vdriver *driver = &vring.driver;
	struct vring_packed_desc *packed_table;
	struct vring_desc *table;
	unsigned int i;

	packed_table = vdriver_at(driver, TABLE);
	table = vdriver_at(driver, TABLE);
	for (i = 0; i < 4; i++) {
		if (packed) {
			put_packed(&driver->packed.desc[i], &row->descs[i],
				   1 << VRING_PACKED_DESC_F_AVAIL);
			put_packed(&packed_table[i], &row->table[i], 0);
		} else {
			put_split(&driver->split.desc[HEAD + i],
				  &row->descs[i]);
			put_split(&table[i], &row->table[i]);
		}
	}
	if (!packed)
		offer(HEAD);
}

static void is_broken(const char *name, const char *why)
{
	is((unsigned int)-vq_pop(&vring.vq, &chain), EPROTO, "%s", name);
	is_str(vring.why, why, "... and why");
	if (vring.failures != 1 || vq_has_more(&vring.vq) ||
	    vq_pop(&vring.vq, &chain) != -EPROTO || vring.failures != 1)
		ok(0, "... and said once, and then there is nothing more");
}

/* In packed rings a chain's descriptors are counted from 0, as places wrap. */
static const char *renamed(const char *why)
{
	static char text[256];
	char *at;

	snprintf(text, sizeof(text), "%s", why);
	at = strstr(text, "descriptor ");
	if (at)
		at[11] = (char)(at[11] - HEAD);
	return text;
}

static void run_rows(const struct row *row, size_t count, bool packed)
{
	uint64_t features = F_INDIRECT | (packed ? F_PACKED : 0);

	for (; count--; row++) {
		vring_open(SIZE, features & ~row->without);
		write_row(row, packed);
		is_broken(row->name, packed ? renamed(row->why) : row->why);
	}
}

/* ---- rings ---- */

static void available_too_many(void)
{
	vring_open(SIZE, 0);
	vring.driver.split.avail->idx = SIZE + 1;
	is_broken("an available index beyond the ring",
		  "queue 0: 9 chains are available in a ring of 8");
	vring_open(SIZE, 0);
	vring.driver.split.avail->idx = 65535;
	is_broken("an available index that goes back",
		  "queue 0: 65535 chains are available in a ring of 8");
}

static void heads(void)
{
	vring_open(SIZE, 0);
	offer(SIZE);
	is_broken("a head beyond the ring",
		  "queue 0: chain 8: there are 8 places");
	vring_open(SIZE, 0);
	put_split(&vring.driver.split.desc[HEAD],
		  &(struct desc){ RAM, 1, R, 0 });
	offer(HEAD);
	vq_pop(&vring.vq, &chain);
	offer(HEAD);
	is_broken("a head that is in flight",
		  "queue 0: chain 3: it is in flight already");
}

static void offer_packed(unsigned int at, uint16_t id, uint16_t flags)
{
	vring.driver.packed.desc[at] = (struct vring_packed_desc){
		.addr = RAM,
		.len = 1,
		.id = id,
		.flags = flags | 1 << VRING_PACKED_DESC_F_AVAIL,
	};
}

static void ids(void)
{
	unsigned int i;

	vring_open(SIZE, F_PACKED);
	offer_packed(0, SIZE, 0);
	is_broken("an id beyond the ring",
		  "queue 0: chain 8: there are 8 places");
	vring_open(SIZE, F_PACKED);
	offer_packed(0, HEAD, 0);
	vq_pop(&vring.vq, &chain);
	offer_packed(1, HEAD, 0);
	is_broken("an id that is in flight",
		  "queue 0: chain 3: it is in flight already");
	vring_open(SIZE, F_PACKED);
	for (i = 0; i < SIZE; i++)
		offer_packed(i, 0, N);
	is_broken("a chain that goes around for ever",
		  "queue 0: place 0: a chain of more than 8, which are left "
		  "of 8");
	vring_open(SIZE, F_PACKED);
	offer_packed(0, 0, 0);
	vq_pop(&vring.vq, &chain);
	for (i = 1; i < SIZE; i++)
		offer_packed(i, 1, N);
	is_broken("a chain into the places of another",
		  "queue 0: place 1: a chain of more than 7, which are left "
		  "of 8");
	vring_open(1, F_PACKED);
	offer_packed(0, 0, 0);
	vq_pop(&vring.vq, &chain);
	vring.driver.packed.desc[0].flags = 1 << VRING_PACKED_DESC_F_USED;
	is_broken("a chain more than there are places",
		  "queue 0: place 0: a chain of more than 0, which are left "
		  "of 1");
}

/* ---- more than there may be ---- */

static void too_many_parts(uint64_t features)
{
	struct vdriver_part parts[VQ_CHAIN_MAX];
	unsigned int i;
	int head;

	vring_open(SIZE, features | F_INDIRECT);
	for (i = 0; i < VQ_CHAIN_MAX; i++)
		parts[i] = (struct vdriver_part){ RAM, 1, false };
	vdriver_add_table(&vring.driver, parts, VQ_CHAIN_MAX);
	is((unsigned int)vq_pop(&vring.vq, &chain), 1, "%u parts are a chain",
	   VQ_CHAIN_MAX);
	head = vdriver_add_table(&vring.driver, parts, VQ_CHAIN_MAX);
	/* The table gets a descriptor before it. */
	if (features) {
		vring.driver.packed.desc[2] = vring.driver.packed.desc[1];
		offer_packed(1, (uint16_t)head, N);
	} else {
		vring.driver.split.desc[5] = vring.driver.split.desc[head];
		put_split(&vring.driver.split.desc[head],
			  &(struct desc){ RAM, 1, N, 5 });
	}
	is_broken("and one more are not",
		  "queue 0: chain 1: of its table 257: the chain has 258 "
		  "already");
}

static void too_many_bytes(void)
{
	static struct guest_mem large;
	const struct vdriver_part parts[] = {
		{ RAM, 0x80000000U, false },
		{ RAM + 1, 0x7fffffffU, true },
		{ RAM + 2, 1, true },
	};

	if (guest_mem_create(&large, "large", 3ULL << 30))
		bail_out("no address space for 3 GiB");
	vring_lay(&vring.state, SIZE, 0);
	vring.dev.mem = &large;
	vdriver_init(&vring.driver, &large, VRING_AT, SIZE, 0);
	vq_start(&vring.vq, 0);
	vdriver_add(&vring.driver, parts, 2);
	is((unsigned int)vq_pop(&vring.vq, &chain), 1,
	   "4 GiB less a byte are a chain");
	is(chain.read_bytes + chain.write_bytes, ~0U, "... all of them");
	vdriver_add(&vring.driver, parts, 3);
	is_broken("and 4 GiB are not",
		  "queue 0: chain 2: descriptor 4: 1 bytes make it more than "
		  "4 GiB");
	guest_mem_fini(&large);
}

/* ---- areas and sizes ---- */

static void is_refused(uint64_t features, const char *name, const char *why)
{
	int r;

	vring.why[0] = '\0';
	vring.vq.broken = false;
	r = vq_start(&vring.vq, features);
	is((unsigned int)-r, EINVAL, "%s", name);
	is_str(vring.why, why, "... and why");
	if (vring.vq.desc || vq_has_more(&vring.vq))
		ok(0, "... and it is not started");
}

static void starts(void)
{
	struct vq_state *state = &vring.state;

	vring_lay(state, SIZE, 0);
	state->size = 0;
	is_refused(0, "no size", "queue 0: size 0: 1 to 256 are possible");
	state->size = 512;
	is_refused(0, "a large size",
		   "queue 0: size 512: 1 to 256 are possible");
	state->size = 12;
	is_refused(0, "an uneven size", "queue 0: size 12: no power of two");
	is((unsigned int)vq_start(&vring.vq, F_PACKED), 0,
	   "which packed rings may have");

	vring_lay(state, SIZE, 0);
	state->desc += 8;
	is_refused(0, "descriptors that are not aligned",
		   "queue 0: area of descriptors: 0x1008: no multiple of 16");
	vring_lay(state, SIZE, 0);
	state->device += 2;
	is_refused(0, "a device's area that is not aligned",
		   "queue 0: area of the device: 0x10c2: no multiple of 4");
	vring_lay(state, SIZE, 0);
	state->driver++;
	is_refused(0, "a driver's area that is not aligned",
		   "queue 0: area of the driver: 0x1081: no multiple of 2");
	vring_lay(state, SIZE, F_PACKED);
	state->driver += 2;
	is_refused(F_PACKED, "or not enough for a packed ring",
		   "queue 0: area of the driver: 0x1082: no multiple of 4");
	vring_lay(state, SIZE, 0);
	state->desc = END - 112;
	is_refused(0, "descriptors beyond RAM",
		   "queue 0: area of descriptors: 128 bytes at 0xfff90 are "
		   "not all RAM");
	vring_lay(state, SIZE, 0);
	state->driver = -16ULL;
	is_refused(0, "a driver's area that overflows",
		   "queue 0: area of the driver: 22 bytes at "
		   "0xfffffffffffffff0 are not all RAM");
	vring_lay(state, SIZE, 0);
	state->device = END - 64;
	is_refused(0, "a device's area beyond RAM",
		   "queue 0: area of the device: 70 bytes at 0xfffc0 are not "
		   "all RAM");
}

/* ---- between two daemons ---- */

static void is_no_heir(int want, const char *name, const char *why)
{
	int r;

	vring.why[0] = '\0';
	r = vq_start(&vring.vq, vring.features);
	is((unsigned int)-r, (unsigned int)want, "%s", name);
	is_str(vring.why, why, "... and why");
	vring.vq.broken = false;
}

static void heirs(void)
{
	struct vq_state *state = &vring.state;

	vring_open(SIZE, 0);
	vring.driver.split.used->idx = 1;
	is_no_heir(EPROTO, "a used index that the driver has written",
		   "queue 0: used index 1: we left it at 0, or 0");
	vring_open(SIZE, 0);
	vring_request(1);
	vq_pop(&vring.vq, &chain);
	vq_fill(&vring.vq, chain.head, 0);
	vring.driver.split.used->idx = 2;
	is_no_heir(EPROTO, "or written when one was filled",
		   "queue 0: used index 2: we left it at 0, or 1");
	vring.driver.split.used->idx = 0;
	state->flight[chain.head].count = 9;
	is_no_heir(EINVAL, "more in flight than there is room for",
		   "queue 0: its record of what is in flight makes no sense");
	vring_open(SIZE, 0);
	state->flight[SIZE].seq = 1;
	is_no_heir(EINVAL, "a head in flight that there is not",
		   "queue 0: its record of what is in flight makes no sense");
	vring_open(SIZE, F_PACKED);
	state->next_used = SIZE;
	is_no_heir(EINVAL, "a place that there is not",
		   "queue 0: its record of what is in flight makes no sense");
	vring_open(SIZE, F_PACKED);
	vring_request(1);
	vq_pop(&vring.vq, &chain);
	state->saved[state->flight[chain.head].saved].next = 999;
	is_no_heir(EINVAL, "a descriptor saved where there is no room",
		   "queue 0: its record of descriptors makes no sense");
}

/* ---- strange, and allowed ---- */

static void allowed(bool packed)
{
	static const struct row table = {
		.descs = { { RAM, 1, N, 4 }, { TABLE, 32, T | W, 0 } },
		.table = { { RAM, 1, N, 1 }, { RAM, 7, W, 0 } },
	};
	static const struct row edge = {
		.descs = { { END - 16, 16, R, 0 } },
	};

	vring_open(SIZE, F_INDIRECT | (packed ? F_PACKED : 0));
	write_row(&table, packed);
	is((unsigned int)vq_pop(&vring.vq, &chain), 1,
	   "a table after a descriptor, that says write, is a chain");
	is(chain.reads, 2, "... of two parts to read");
	is(chain.write_bytes, 7, "... and one to write");
	vring_open(SIZE, packed ? F_PACKED : 0);
	write_row(&edge, packed);
	is((unsigned int)vq_pop(&vring.vq, &chain), 1,
	   "as is a part up to the end of RAM");
}

int main(void)
{
	run_rows(rows, sizeof(rows) / sizeof(*rows), false);
	run_rows(split_rows, sizeof(split_rows) / sizeof(*split_rows), false);
	available_too_many();
	heads();
	too_many_parts(0);
	too_many_bytes();
	allowed(false);
	diag("packed");
	run_rows(rows, sizeof(rows) / sizeof(*rows), true);
	ids();
	too_many_parts(F_PACKED);
	allowed(true);
	starts();
	heirs();
	return tap_end();
}
