/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * queue.h - between queue.c and what knows how a ring is laid out
 *
 * A place is where in a ring something is, as a number that says in which lap,
 * too: a free-running index for split rings, an index and a wrap counter in bit
 * 15 for packed ones.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include "virtio.h"

/* An area of the driver's. */
struct vq_area {
	uint64_t bytes, align;
};

/* What differs between split and packed rings. */
struct vq_format {
	uint16_t first_place;
	bool any_size; /* or powers of two only */

	/* areas - of descriptors, driver and device */
	void (*areas)(const struct vq *vq, struct vq_area areas[3]);

	/* place - the one that is by places after at */
	uint16_t (*place)(const struct vq *vq, uint16_t at, unsigned int by);

	/* distance - how many places on to is; at least half is backwards */
	unsigned int (*distance)(const struct vq *vq, uint16_t from,
				 uint16_t to);
	unsigned int (*half)(const struct vq *vq);

	/* ready - how many chains there are from next_avail on, or at least */
	uint16_t (*ready)(const struct vq *vq);

	/*
	 * take - the chain at next_avail, whole and checked; walk - one that is
	 * in flight, again.  0, or -EPROTO after vq_fail().
	 */
	int (*take)(struct vq *vq, struct vq_chain *chain);
	int (*walk)(struct vq *vq, struct vq_chain *chain);

	/* fill - a used element in fill_at, which the driver does not see */
	void (*fill)(struct vq *vq, uint16_t head, uint32_t written);

	/* publish - it sees all that were filled, at once */
	void (*publish)(struct vq *vq);

	/* landed - flight is over; may be NULL */
	void (*landed)(struct vq *vq, const struct vq_flight *flight);

	/* ask_kicks - or say that there need be none */
	void (*ask_kicks)(struct vq *vq, bool wanted);

	/* wants_signal - does the driver, for the last pushed places? */
	bool (*wants_signal)(const struct vq *vq);

	/*
	 * was_published - was what had been filled?  1, 0, or -EPROTO after
	 * vq_fail(); unfill - if not, what fill() and publish() may have begun
	 */
	int (*was_published)(struct vq *vq, unsigned int filled);
	void (*unfill)(struct vq *vq, const struct vq_flight *flight);

	/* adopt_saved - before chains are taken; may be NULL */
	int (*adopt_saved)(struct vq *vq);
};

extern const struct vq_format vq_split, vq_packed;

/* vq_fail - the guest broke a rule: the sentence is virtio_fail()'s; -EPROTO */
int vq_fail(struct vq *vq, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* vq_check_head - could it be a chain's that is not in flight?  0, -EPROTO */
int vq_check_head(struct vq *vq, uint16_t head);

/* ---- chain.c ---- */

/* A descriptor, our copy. */
struct vq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next; /* or a packed ring's id */
};

/* Whose it is, for what is said of it. */
struct vq_where {
	const char *kind; /* "descriptor" */
	unsigned int index;
};

/* vq_copy_desc - read it once: it is guest memory, at any address */
static inline struct vq_desc vq_copy_desc(const void *at)
{
	struct vq_desc desc;

	__builtin_memcpy(&desc, at, sizeof(desc));
	/* What comes after may not be read from there again. */
	__asm__ volatile("" ::: "memory");
	return desc;
}

void chain_init(struct vq_chain *chain, uint16_t head, uint16_t count);

/* chain_add - the next part, if it may be one; 0 or -EPROTO */
int chain_add(struct vq *vq, struct vq_chain *chain, struct vq_where where,
	      const struct vq_desc *desc);

/* chain_table - where desc's table of *ret_count is; NULL after vq_fail() */
const void *chain_table(struct vq *vq, const struct vq_chain *chain,
			struct vq_where where, const struct vq_desc *desc,
			unsigned int *ret_count);

/* chain_fail - vq_fail() about a descriptor of chain's */
int chain_fail(struct vq *vq, const struct vq_chain *chain,
	       struct vq_where where, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif /* QUEUE_H */
