// SPDX-License-Identifier: GPL-2.0-only
/*
 * split.c - rings of three areas: virtio 1.2, section 2.7
 *
 * The driver writes chains of descriptors into a table, and the number of each
 * chain's first one, its head, into the available ring; we write heads into the
 * used ring.  Each ring has an index that only grows and that says how far it is
 * written, so who reads the index with acquire sees what was written before it.
 * The driver does not touch a descriptor before its chain is in the used ring,
 * and so it can be read there again by who takes over.
 *
 * What must never happen: that we believe an index or a number of the guest's;
 * or that we follow a chain for longer than the table is.
 *
 * Where we stand: queue.c keeps what is in flight and asks for the next chain.
 * Start at take().
 *
 * Next: daemon/virtio/packed.c
 */
#include <errno.h>

#include <linux/virtio_ring.h>

#include "queue.h"

/* Guest memory that changes under our eyes: one load, one store. */
#define LOAD(at)         __atomic_load_n(&(at), __ATOMIC_RELAXED)
#define STORE(at, value) __atomic_store_n(&(at), (value), __ATOMIC_RELAXED)

static uint16_t *used_event(const struct vq *vq)
{
	return &((struct vring_avail *)vq->driver)->ring[vq->size];
}

static uint16_t *avail_event(const struct vq *vq)
{
	return (uint16_t *)&((struct vring_used *)vq->device)->ring[vq->size];
}

static void areas(const struct vq *vq, struct vq_area areas[3])
{
	const uint64_t size = vq->size;

	areas[0] = (struct vq_area){ size * sizeof(struct vring_desc),
				     VRING_DESC_ALIGN_SIZE };
	/* Beside flags and index, an event at the end of each. */
	areas[1] = (struct vq_area){ 6 + size * 2, VRING_AVAIL_ALIGN_SIZE };
	areas[2] = (struct vq_area){ 6 + size * sizeof(struct vring_used_elem),
				     VRING_USED_ALIGN_SIZE };
}

static uint16_t place(const struct vq *vq, uint16_t at, unsigned int by)
{
	(void)vq;
	return (uint16_t)(at + by);
}

static unsigned int distance(const struct vq *vq, uint16_t from, uint16_t to)
{
	(void)vq;
	return (uint16_t)(to - from);
}

static unsigned int half(const struct vq *vq)
{
	(void)vq;
	return 0x8000;
}

static uint16_t ready(const struct vq *vq)
{
	const struct vring_avail *avail = vq->driver;

	/* The driver's: it releases what the index says is there. */
	return (uint16_t)(__atomic_load_n(&avail->idx, __ATOMIC_ACQUIRE) -
			  vq->next_avail);
}

/* A table of descriptors: the ring's own, or one that a descriptor names. */
struct table {
	const struct vring_desc *descs;
	unsigned int count;
	bool inner;
};

/* Each descriptor leads to the next, from at on. */
static int follow(struct vq *vq, struct vq_chain *chain, struct table table,
		  unsigned int at)
{
	struct vq_where where = { table.inner ? "of its table" : "descriptor",
				  at };
	struct table inner = { .inner = true };
	unsigned int left = table.count;
	struct vq_desc desc;

	for (; left--; where.index = desc.next) {
		desc = vq_copy_desc(&table.descs[where.index]);
		if (desc.flags & VRING_DESC_F_INDIRECT)
			break;
		if (chain_add(vq, chain, where, &desc) < 0)
			return -EPROTO;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return 0;
		if (desc.next >= table.count)
			return chain_fail(vq, chain, where,
					  "next is %u, and there are %u",
					  desc.next, table.count);
		if (!left)
			return chain_fail(vq, chain, where,
					  "it goes on after all %u",
					  table.count);
	}
	if (table.inner)
		return chain_fail(vq, chain, where, "a table in a table");
	inner.descs = chain_table(vq, chain, where, &desc, &inner.count);
	return inner.descs ? follow(vq, chain, inner, 0) : -EPROTO;
}

static int walk(struct vq *vq, struct vq_chain *chain)
{
	const struct table ring = { .descs = vq->desc, .count = vq->size };

	return follow(vq, chain, ring, chain->head);
}

static int take(struct vq *vq, struct vq_chain *chain)
{
	const struct vring_avail *avail = vq->driver;
	uint16_t head = LOAD(avail->ring[vq->next_avail % vq->size]);

	if (vq_check_head(vq, head) < 0)
		return -EPROTO;
	chain_init(chain, head, 1);
	return walk(vq, chain);
}

static void fill(struct vq *vq, uint16_t head, uint32_t written)
{
	struct vring_used *used = vq->device;
	struct vring_used_elem *elem = &used->ring[vq->fill_at % vq->size];

	STORE(elem->id, head);
	STORE(elem->len, written);
}

static void publish(struct vq *vq)
{
	struct vring_used *used = vq->device;

	/* The driver's acquire: it sees elements, and data, before the index. */
	__atomic_store_n(&used->idx, vq->fill_at, __ATOMIC_RELEASE);
}

static void ask_kicks(struct vq *vq, bool wanted)
{
	struct vring_used *used = vq->device;

	/* An event that stays where it was is passed once in 65536 chains. */
	if (!vq->event_idx)
		STORE(used->flags, wanted ? 0 : VRING_USED_F_NO_NOTIFY);
	else if (wanted)
		STORE(*avail_event(vq), vq->next_avail);
}

static bool wants_signal(const struct vq *vq)
{
	const struct vring_avail *avail = vq->driver;
	uint16_t now = vq->state->next_used;

	if (!vq->event_idx)
		return !(LOAD(avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	return vring_need_event(LOAD(*used_event(vq)), now,
				(uint16_t)(now - vq->pushed));
}

/* Only we write the used index, so there are two that it can be. */
static int was_published(struct vq *vq, unsigned int filled)
{
	const struct vring_used *used = vq->device;
	uint16_t was = vq->state->next_used, is = LOAD(used->idx);

	if (is == was)
		return 0;
	if (is == (uint16_t)(was + filled))
		return 1;
	return vq_fail(vq, "used index %u: we left it at %u, or %u", is, was,
		       (uint16_t)(was + filled));
}

/* What lies beyond the index is not there. */
static void unfill(struct vq *vq, const struct vq_flight *flight)
{
	(void)vq;
	(void)flight;
}

const struct vq_format vq_split = {
	.first_place = 0,
	.any_size = false,
	.areas = areas,
	.place = place,
	.distance = distance,
	.half = half,
	.ready = ready,
	.take = take,
	.walk = walk,
	.fill = fill,
	.publish = publish,
	.ask_kicks = ask_kicks,
	.wants_signal = wants_signal,
	.was_published = was_published,
	.unfill = unfill,
};
