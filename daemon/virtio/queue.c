// SPDX-License-Identifier: GPL-2.0-only
/*
 * queue.c - requests of a driver's, each served once whoever is killed
 *
 * A queue gives a device chains, and gives them back to the driver.  How they
 * lie in memory is split.c's and packed.c's; what is the same for both is here:
 * when the driver is to kick and we to signal, and which chains are in flight,
 * that is, popped and not published.
 *
 * What is in flight is written into memory that outlives us, while we work, so
 * that a daemon after us can take over at whatever instruction we were killed.
 * The driver runs on meanwhile.  Each step is one store, released after all that
 * it vouches for, and each moment between two of them has one meaning:
 *
 *	pop	flight.filled = 0, filled_at, count, saved
 *	     A	flight.seq = n			it is in flight
 *	fill	the used element, which the driver does not see yet
 *		flight.filled_at = its place
 *	     B	flight.filled = 1		that place is spoken for
 *	publish
 *	     C	the ring's used index, or the first element's flags
 *	     D	next_used = after the last one
 *	     E	flight.seq = 0, one after the other
 *
 * Killed before A, the chain was not popped: next_avail is not written down, it
 * is next_used and what is in flight.  Between A and C the driver has not seen
 * it, and it is popped again; it may be served twice, and is given back once.
 * Between C and D the ring says that it was published, and next_used does not:
 * that is the one thing we have to ask guest memory, and of a split ring there
 * are two answers and any other is a lie.  Between D and E it was filled at a
 * place before next_used: it is done.  Whoever takes over takes these steps too,
 * in the same order, and may be killed at any of them.
 *
 * The stores of a process that is killed are seen by the next in the order in
 * which it made them.  So release, which keeps the compiler and other
 * processors from changing that order, is all that is needed.
 *
 * What must never happen: a chain that is lost, or given back twice; a guest
 * that is asleep waiting for us while we are asleep waiting for it; two chains
 * in flight with one head.
 *
 * Where we stand: a device was kicked.  Start at vq_pop(), vq_fill() and
 * vq_publish(); vq_start() is at the end.
 *
 * Next: daemon/virtio/split.c
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "queue.h"

/* A step of those above. */
#define COMMIT(to, value) __atomic_store_n(&(to), (value), __ATOMIC_RELEASE)

int vq_fail(struct vq *vq, const char *fmt, ...)
{
	char said[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(said, sizeof(said), fmt, args);
	va_end(args);
	vq->broken = true;
	virtio_fail(vq->dev, "queue %u: %s", vq->index, said);
	return -EPROTO;
}

static bool is_up(const struct vq *vq)
{
	return vq->desc && !vq->broken;
}

/* ---- from the driver ---- */

int vq_check_head(struct vq *vq, uint16_t head)
{
	if (head >= vq->size)
		return vq_fail(vq, "chain %u: there are %u places", head,
			       vq->size);
	if (vq->state->flight[head].seq)
		return vq_fail(vq, "chain %u: it is in flight already", head);
	return 0;
}

/* The oldest of those that are to be popped once more. */
static int pop_again(struct vq *vq, struct vq_chain *chain)
{
	const struct vq_flight *flight = vq->state->flight;
	unsigned int i, best = vq->size;

	for (i = 0; i < vq->size; i++)
		if (flight[i].seq >= vq->again_seq && flight[i].seq &&
		    (best == vq->size || flight[i].seq < flight[best].seq))
			best = i;
	assert(best < vq->size);
	chain_init(chain, (uint16_t)best, flight[best].count);
	if (vq->format->walk(vq, chain) < 0)
		return -EPROTO;
	vq->again--;
	vq->again_seq = flight[best].seq + 1;
	return 1;
}

/* Step A. */
static void board(struct vq *vq, const struct vq_chain *chain)
{
	struct vq_flight *flight = &vq->state->flight[chain->head];

	flight->filled = 0;
	flight->count = chain->count;
	COMMIT(flight->seq, vq->seq);
	vq->seq++;
	vq->next_avail = vq->format->place(vq, vq->next_avail, chain->count);
}

static void ask_kicks(struct vq *vq, bool wanted)
{
	if (vq->armed == wanted)
		return;
	vq->format->ask_kicks(vq, wanted);
	vq->armed = wanted;
	/*
	 * The driver writes that there is more, and then looks whether we want
	 * to be told.  We ask to be told, and then look whether there is more.
	 * With its barrier and this one, one of us sees the other.
	 */
	if (wanted)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static bool look(struct vq *vq)
{
	if (!vq->ready)
		vq->ready = vq->format->ready(vq);
	return vq->ready;
}

int vq_pop(struct vq *vq, struct vq_chain *chain)
{
	if (!is_up(vq))
		return -EPROTO;
	if (vq->again)
		return pop_again(vq, chain);
	if (!look(vq)) {
		ask_kicks(vq, true);
		if (!look(vq))
			return 0;
	}
	if (vq->ready > vq->size)
		return vq_fail(vq, "%u chains are available in a ring of %u",
			       vq->ready, vq->size);
	ask_kicks(vq, false);
	if (vq->format->take(vq, chain) < 0)
		return -EPROTO;
	board(vq, chain);
	vq->ready--;
	return 1;
}

void vq_unpop(struct vq *vq, const struct vq_chain *chain)
{
	const struct vq_flight *flight;

	if (!is_up(vq))
		return;
	/* It stays in flight, and its turn comes before what is in the ring. */
	flight = &vq->state->flight[chain->head];
	assert(flight->seq && !flight->filled);
	vq->again++;
	vq->again_seq = flight->seq;
}

bool vq_has_more(const struct vq *vq)
{
	return is_up(vq) && (vq->again || vq->ready || vq->format->ready(vq));
}

/* ---- and back ---- */

void vq_fill(struct vq *vq, uint16_t head, size_t written)
{
	struct vq_flight *flight;

	if (!is_up(vq))
		return;
	flight = &vq->state->flight[head];
	assert(head < vq->size && flight->seq && !flight->filled);
	vq->format->fill(vq, head, (uint32_t)written);
	flight->filled_at = vq->fill_at;
	COMMIT(flight->filled, 1); /* step B */
	vq->filled_heads[vq->filled++] = head;
	vq->fill_at = vq->format->place(vq, vq->fill_at, flight->count);
}

static void land(struct vq *vq, struct vq_flight *flight)
{
	if (vq->format->landed)
		vq->format->landed(vq, flight);
	COMMIT(flight->seq, 0); /* step E */
}

void vq_publish(struct vq *vq)
{
	struct vq_state *state = vq->state;
	unsigned int i;

	if (!is_up(vq) || !vq->filled)
		return;
	vq->pushed += vq->format->distance(vq, state->next_used, vq->fill_at);
	vq->format->publish(vq); /* step C */
	COMMIT(state->next_used, vq->fill_at); /* step D */
	for (i = 0; i < vq->filled; i++)
		land(vq, &state->flight[vq->filled_heads[i]]);
	vq->filled = 0;
}

void vq_push(struct vq *vq, uint16_t head, size_t written)
{
	vq_fill(vq, head, written);
	vq_publish(vq);
}

static void interrupt(const struct vq *vq)
{
	const uint64_t one = 1;

	/* It can fail if the counter is full, and then one is under way. */
	if (vq->call_fd >= 0 && write(vq->call_fd, &one, sizeof(one)) < 0)
		return;
}

void vq_signal(struct vq *vq)
{
	if (!is_up(vq) || !vq->pushed)
		return;
	/*
	 * We have written that there is more, and now look whether the driver
	 * wants to be told.  It does these in the other order, with a barrier.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (vq->pushed > vq->size || vq->format->wants_signal(vq))
		interrupt(vq);
	vq->pushed = 0;
}

/* ---- taking over ---- */

/* Its place was before next_used: published by step D, and E is missing. */
static bool is_done(const struct vq *vq, const struct vq_flight *flight)
{
	return flight->seq && flight->filled &&
	       vq->format->distance(vq, vq->state->next_used,
				    flight->filled_at) >= vq->format->half(vq);
}

static bool is_filled(const struct vq *vq, const struct vq_flight *flight)
{
	return flight->seq && flight->filled && !is_done(vq, flight);
}

static bool is_place(const struct vq *vq, uint16_t at)
{
	return vq->format->place(vq, at, 0) == at;
}

/* The record was written by a program of ours, which may have been broken. */
static bool makes_sense(const struct vq *vq)
{
	const struct vq_flight *flight = vq->state->flight;
	unsigned int i, places = 0;

	if (!is_place(vq, vq->state->next_used))
		return false;
	for (i = 0; i < VQ_SIZE_MAX; i++) {
		if (!flight[i].seq)
			continue;
		if (i >= vq->size || !flight[i].count ||
		    (flight[i].filled && !is_place(vq, flight[i].filled_at)))
			return false;
		/* Those that are done have given their places back. */
		if (!is_done(vq, &flight[i]))
			places += flight[i].count;
	}
	return places <= vq->size;
}

/* Steps C to E, or back to before B. */
static int settle(struct vq *vq)
{
	struct vq_state *state = vq->state;
	unsigned int i, places = 0;
	int r;

	for (i = 0; i < vq->size; i++)
		if (is_filled(vq, &state->flight[i]))
			places += state->flight[i].count;
	r = vq->format->was_published(vq, places);
	if (r < 0)
		return r;
	if (r)
		COMMIT(state->next_used,
		       vq->format->place(vq, state->next_used, places));
	for (i = 0; i < vq->size; i++)
		if (is_filled(vq, &state->flight[i]))
			vq->format->unfill(vq, &state->flight[i]);
	for (i = 0; i < vq->size; i++)
		if (is_filled(vq, &state->flight[i]))
			COMMIT(state->flight[i].filled, 0);
		else if (is_done(vq, &state->flight[i]))
			COMMIT(state->flight[i].seq, 0);
	return 0;
}

static int recover(struct vq *vq)
{
	const struct vq_flight *flight = vq->state->flight;
	unsigned int i, places = 0;

	if (!makes_sense(vq)) {
		vq_fail(vq, "its record of what is in flight makes no sense");
		return -EINVAL;
	}
	if (settle(vq) < 0)
		return -EPROTO;
	for (i = 0; i < vq->size; i++) {
		if (!flight[i].seq)
			continue;
		vq->again++;
		places += flight[i].count;
		if (flight[i].seq >= vq->seq)
			vq->seq = flight[i].seq + 1;
	}
	vq->next_avail = vq->format->place(vq, vq->state->next_used, places);
	return 0;
}

/* ---- from the start to the end ---- */

static int map_areas(struct vq *vq)
{
	static const char *const names[] = { "descriptors", "the driver",
					     "the device" };
	const struct vq_state *state = vq->state;
	const uint64_t gpas[] = { state->desc, state->driver, state->device };
	void **const ptrs[] = { &vq->desc, &vq->driver, &vq->device };
	struct vq_area areas[3];
	unsigned int i;

	vq->format->areas(vq, areas);
	for (i = 0; i < 3; i++) {
		*ptrs[i] = guest_mem_ptr(vq->dev->mem, gpas[i], areas[i].bytes);
		if (!*ptrs[i])
			return vq_fail(vq,
				       "area of %s: %llu bytes at %#llx are "
				       "not all RAM",
				       names[i],
				       (unsigned long long)areas[i].bytes,
				       (unsigned long long)gpas[i]);
		if (gpas[i] % areas[i].align)
			return vq_fail(vq,
				       "area of %s: %#llx: no multiple of %llu",
				       names[i], (unsigned long long)gpas[i],
				       (unsigned long long)areas[i].align);
	}
	return 0;
}

static int check_size(struct vq *vq)
{
	if (!vq->size || vq->size > VQ_SIZE_MAX)
		return vq_fail(vq, "size %u: 1 to %u are possible", vq->size,
			       VQ_SIZE_MAX);
	if (!vq->format->any_size && vq->size & (vq->size - 1))
		return vq_fail(vq, "size %u: no power of two", vq->size);
	return 0;
}

static void forget(struct vq *vq)
{
	vq->desc = vq->driver = vq->device = NULL;
	vq->armed = false;
	vq->ready = 0;
	vq->filled = 0;
	vq->pushed = 0;
	vq->again = 0;
	vq->again_seq = 1;
	vq->seq = 1;
}

/* Never started, or going on. */
static int take_over(struct vq *vq)
{
	struct vq_state *state = vq->state;
	int r;

	if (!state->started) {
		state->next_used = vq->format->first_place;
		COMMIT(state->started, 1);
	}
	r = recover(vq);
	if (r == 0 && vq->format->adopt_saved)
		r = vq->format->adopt_saved(vq);
	vq->fill_at = state->next_used;
	return r;
}

int vq_start(struct vq *vq, uint64_t features)
{
	bool ran = vq->state->started;
	int r;

	vq->format =
		features >> VIRTIO_F_RING_PACKED & 1 ? &vq_packed : &vq_split;
	vq->event_idx = features >> VIRTIO_RING_F_EVENT_IDX & 1;
	vq->indirect = features >> VIRTIO_RING_F_INDIRECT_DESC & 1;
	vq->size = vq->state->size;
	forget(vq);
	if (check_size(vq) < 0 || map_areas(vq) < 0)
		r = -EINVAL;
	else
		r = take_over(vq);
	if (r < 0)
		forget(vq);
	else if (ran)
		interrupt(vq);
	return r;
}

void vq_stop(struct vq *vq)
{
	forget(vq);
}
