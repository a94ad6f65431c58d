// SPDX-License-Identifier: GPL-2.0-only
/*
 * packed.c - rings of one area: virtio 1.2, section 2.8
 *
 * The driver writes the descriptors of a chain into the next places of the ring,
 * we write used elements over them, and both go around.  Two bits of a
 * descriptor, against the wrap counter of who asks, tell whose it is:
 *
 *		AVAIL	USED
 *	lap 1	1	0	available: the driver wrote it
 *	lap 1	1	1	used: we wrote it
 *	lap 0	0	1	available, one lap on
 *
 * Elements are used in the order in which we finish, so an element is written
 * over descriptors of chains that are still in flight.  These we have saved
 * before, in memory that outlives us; what a chain says is read from there and
 * never from the ring again.
 *
 * Several elements are published at once by the flags of the first, which are
 * written last: the driver looks at one place, and does not go past it.  But it
 * may have gone past it, and around, when a daemon after us looks there.  So a
 * place is marked as still available when it is filled, and the daemon sees
 * that, or else it was published.
 *
 * What must never happen: an element beyond the first that says used when the
 * first does not, and stays so; places of two chains that are the same.
 *
 * Where we stand: queue.c keeps what is in flight and asks for the next chain.
 * Start at take().
 *
 * Next: daemon/virtio/chain.c
 */
#include <errno.h>

#include <linux/virtio_ring.h>

#include "queue.h"

/* Guest memory that changes under our eyes: one load, one store. */
#define LOAD(at)         __atomic_load_n(&(at), __ATOMIC_RELAXED)
#define STORE(at, value) __atomic_store_n(&(at), (value), __ATOMIC_RELAXED)

#define WRAP  (1U << VRING_PACKED_EVENT_F_WRAP_CTR)
#define AVAIL (1U << VRING_PACKED_DESC_F_AVAIL)
#define USED  (1U << VRING_PACKED_DESC_F_USED)

/* An event area, as one word: whoever reads it sees both halves or neither. */
#define EVENT(flags, at) ((uint32_t)(flags) << 16 | (uint32_t)(at))

static unsigned int index_of(uint16_t at)
{
	return at & (WRAP - 1);
}

static struct vring_packed_desc *desc_at(const struct vq *vq, uint16_t at)
{
	return (struct vring_packed_desc *)vq->desc + index_of(at);
}

static void areas(const struct vq *vq, struct vq_area areas[3])
{
	areas[0] =
		(struct vq_area){ vq->size * sizeof(struct vring_packed_desc),
				  16 };
	areas[1] = (struct vq_area){ sizeof(uint32_t), 4 };
	areas[2] = areas[1];
}

/* Places of two laps in a row: 0 to twice the size. */
static unsigned int number_of(const struct vq *vq, uint16_t at)
{
	return index_of(at) + (at & WRAP ? 0 : vq->size);
}

/* Neither is ever more than two laps too far, and a division takes long. */
static unsigned int within(const struct vq *vq, unsigned int number)
{
	return number < 2U * vq->size ? number : number - 2U * vq->size;
}

static uint16_t place(const struct vq *vq, uint16_t at, unsigned int by)
{
	unsigned int number = within(vq, number_of(vq, at) + by);

	return (uint16_t)(number < vq->size ? number | WRAP
					    : number - vq->size);
}

static unsigned int distance(const struct vq *vq, uint16_t from, uint16_t to)
{
	return within(vq,
		      number_of(vq, to) + 2U * vq->size - number_of(vq, from));
}

static unsigned int half(const struct vq *vq)
{
	return vq->size;
}

/* The two bits of an available descriptor of at's lap, and of a used one. */
static uint16_t avail_bits(uint16_t at)
{
	return at & WRAP ? AVAIL : USED;
}

static uint16_t used_bits(uint16_t at)
{
	return at & WRAP ? AVAIL | USED : 0;
}

static uint16_t ready(const struct vq *vq)
{
	/* The driver's: it releases the chain by the first one's flags. */
	uint16_t flags = __atomic_load_n(&desc_at(vq, vq->next_avail)->flags,
					 __ATOMIC_ACQUIRE);

	return (flags & (AVAIL | USED)) == avail_bits(vq->next_avail);
}

/* An id and then the flags are last here; in split rings flags and then next. */
static struct vq_desc copy_desc(const void *at)
{
	struct vq_desc desc = vq_copy_desc(at);
	uint16_t id = desc.flags;

	desc.flags = desc.next;
	desc.next = id;
	return desc;
}

/* Each descriptor of the table is a part: there is no next. */
static int follow_table(struct vq *vq, struct vq_chain *chain,
			struct vq_where from, const struct vq_desc *desc)
{
	struct vq_where where = { .kind = "of its table" };
	unsigned int count = 0;
	const char *table = chain_table(vq, chain, from, desc, &count);
	struct vq_desc part;

	if (!table)
		return -EPROTO;
	for (; where.index < count; where.index++) {
		part = copy_desc(table + where.index * sizeof(part));
		if (part.flags & VRING_DESC_F_INDIRECT)
			return chain_fail(vq, chain, where,
					  "a table in a table");
		if (chain_add(vq, chain, where, &part) < 0)
			return -EPROTO;
	}
	return 0;
}

static int walk(struct vq *vq, struct vq_chain *chain)
{
	const struct vq_state *state = vq->state;
	struct vq_where where = { .kind = "descriptor" };
	unsigned int slot = state->flight[chain->head].saved;
	struct vq_desc desc;

	for (; where.index < chain->count; where.index++) {
		const struct vq_saved *saved = &state->saved[slot];

		desc = (struct vq_desc){ saved->addr, saved->len, saved->flags,
					 0 };
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return follow_table(vq, chain, where, &desc);
		if (chain_add(vq, chain, where, &desc) < 0)
			return -EPROTO;
		slot = saved->next;
	}
	return 0;
}

/* A free slot of vq_state.saved: there are as many as there are places. */
static uint16_t save(struct vq *vq, const struct vq_desc *desc)
{
	uint16_t slot = vq->saved_slots[--vq->saved_free];

	vq->state->saved[slot] = (struct vq_saved){
		.addr = desc->addr,
		.len = desc->len,
		.flags = desc->flags,
	};
	return slot;
}

static int take(struct vq *vq, struct vq_chain *chain)
{
	struct vq_state *state = vq->state;
	unsigned int room =
		vq->size - distance(vq, state->next_used, vq->next_avail);
	uint16_t at = vq->next_avail, first = 0, last = 0, count = 0;
	struct vq_desc desc;

	do {
		if (count == room)
			return vq_fail(vq,
				       "place %u: a chain of more than %u, "
				       "which are left of %u",
				       index_of(vq->next_avail), room,
				       vq->size);
		desc = copy_desc(desc_at(vq, at));
		if (count++)
			last = state->saved[last].next = save(vq, &desc);
		else
			last = first = save(vq, &desc);
		at = place(vq, at, 1);
	} while (desc.flags & VRING_DESC_F_NEXT);

	/* The last one's id is the chain's. */
	if (vq_check_head(vq, desc.next) < 0)
		return -EPROTO;
	state->flight[desc.next].saved = first;
	chain_init(chain, desc.next, count);
	return walk(vq, chain);
}

static void landed(struct vq *vq, const struct vq_flight *flight)
{
	unsigned int i;
	uint16_t slot = flight->saved;

	for (i = 0; i < flight->count; i++) {
		vq->saved_slots[vq->saved_free++] = slot;
		slot = vq->state->saved[slot].next;
	}
}

/* Those that no chain in flight holds are free. */
static int adopt_saved(struct vq *vq)
{
	const struct vq_state *state = vq->state;
	bool held[VQ_SIZE_MAX] = { false };
	unsigned int i, j, slot;

	for (i = 0; i < vq->size; i++) {
		slot = state->flight[i].saved;
		for (j = 0; state->flight[i].seq && j < state->flight[i].count;
		     j++) {
			if (slot >= VQ_SIZE_MAX || held[slot]) {
				vq_fail(vq, "its record of descriptors makes "
					    "no sense");
				return -EINVAL;
			}
			held[slot] = true;
			slot = state->saved[slot].next;
		}
	}
	vq->saved_free = 0;
	for (i = 0; i < VQ_SIZE_MAX; i++)
		if (!held[i])
			vq->saved_slots[vq->saved_free++] = (uint16_t)i;
	return 0;
}

static void fill(struct vq *vq, uint16_t head, uint32_t written)
{
	struct vring_packed_desc *desc = desc_at(vq, vq->fill_at);

	STORE(desc->id, head);
	STORE(desc->len, written);
	STORE(desc->flags, (uint16_t)(avail_bits(vq->fill_at) |
				      (written ? VRING_DESC_F_WRITE : 0)));
}

static void publish(struct vq *vq)
{
	unsigned int i = vq->filled;

	while (i--) {
		uint16_t at = vq->state->flight[vq->filled_heads[i]].filled_at;
		uint16_t *flags = &desc_at(vq, at)->flags;
		uint16_t kept = LOAD(*flags) & VRING_DESC_F_WRITE;

		/* The driver's acquire: it sees elements, and data, before. */
		__atomic_store_n(flags, (uint16_t)(kept | used_bits(at)),
				 __ATOMIC_RELEASE);
	}
}

static void ask_kicks(struct vq *vq, bool wanted)
{
	uint32_t event = EVENT(VRING_PACKED_EVENT_FLAG_DISABLE, 0);

	if (wanted && vq->event_idx)
		event = EVENT(VRING_PACKED_EVENT_FLAG_DESC, vq->next_avail);
	else if (wanted)
		event = EVENT(VRING_PACKED_EVENT_FLAG_ENABLE, 0);
	STORE(*(uint32_t *)vq->device, event);
}

static bool wants_signal(const struct vq *vq)
{
	uint32_t event = LOAD(*(uint32_t *)vq->driver);
	uint16_t at = (uint16_t)event;
	unsigned int ago;

	switch (event >> 16) {
	case VRING_PACKED_EVENT_FLAG_DISABLE:
		return false;
	case VRING_PACKED_EVENT_FLAG_DESC:
		break;
	default:
		return true;
	}
	if (!vq->event_idx || index_of(at) >= vq->size)
		return true;
	/* Has what was pushed just now gone past it? */
	ago = distance(vq, at, vq->state->next_used);
	return ago && ago <= vq->pushed;
}

static int was_published(struct vq *vq, unsigned int filled)
{
	uint16_t at = vq->state->next_used, flags;
	unsigned int i;

	if (!filled)
		return 0;
	for (i = 0; i < vq->size; i++)
		if (vq->state->flight[i].seq && vq->state->flight[i].filled &&
		    vq->state->flight[i].filled_at == at)
			break;
	/* The first one is not: whoever took over before us was at unfill(). */
	if (i == vq->size)
		return 0;
	flags = LOAD(desc_at(vq, at)->flags);
	return (flags & (AVAIL | USED)) != avail_bits(at);
}

static void unfill(struct vq *vq, const struct vq_flight *flight)
{
	STORE(desc_at(vq, flight->filled_at)->flags,
	      avail_bits(flight->filled_at));
}

const struct vq_format vq_packed = {
	.first_place = WRAP,
	.any_size = true,
	.areas = areas,
	.place = place,
	.distance = distance,
	.half = half,
	.ready = ready,
	.take = take,
	.walk = walk,
	.landed = landed,
	.fill = fill,
	.publish = publish,
	.ask_kicks = ask_kicks,
	.wants_signal = wants_signal,
	.was_published = was_published,
	.unfill = unfill,
	.adopt_saved = adopt_saved,
};
