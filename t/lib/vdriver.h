/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vdriver.h - the driver's half of a ring, for tests of devices
 *
 *	static struct guest_mem mem;
 *	struct vdriver driver;
 *	struct vdriver_used used;
 *
 *	guest_mem_create(&mem, "test", 1 << 20);
 *	vdriver_init(&driver, &mem, 0x1000, 16, features);
 *	vdriver_tell(&driver, vq->state);	(or SET_QUEUE with driver.desc ...)
 *	vq_start(vq, features);
 *
 *	gpa = vdriver_put(&driver, &request, sizeof(request));
 *	head = vdriver_add(&driver, (struct vdriver_part[]){
 *		{ gpa, sizeof(request), false },
 *		{ vdriver_room(&driver, 512), 512, true },
 *	}, 2);
 *	...the device is kicked...
 *	if (vdriver_used(&driver, &used))
 *		...used.head, used.written, vdriver_at(&driver, gpa)...
 *
 * Split and packed rings, whichever features say.  It obeys the rules; a test
 * that does not want to writes through driver.split or driver.packed.  Buffers
 * are taken from after the ring on, one after the other, and are not given back
 * but all at once.  One thread per driver; the device may be in another.
 *
 * What it needs of the daemon is daemon/guest_mem.c.
 */
#ifndef VDRIVER_H
#define VDRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_ring.h>

#include "../../daemon/virtio/virtio.h"

struct vdriver_part {
	uint64_t gpa;
	uint32_t len;
	bool writes; /* the device does */
};

struct vdriver_used {
	uint16_t head;
	uint32_t written;
};

struct vdriver {
	const struct guest_mem *mem;
	uint64_t desc, driver, device; /* gpa: its areas */
	uint64_t first, next; /* gpa: of buffers */
	uint16_t size;
	bool is_packed, event_idx;
	uint16_t free_count;
	uint16_t avail, used; /* places, as queue.h has it */
	uint16_t kicked; /* avail, when a kick was last thought of */

	struct { /* as it lies in memory */
		struct vring_desc *desc;
		struct vring_avail *avail;
		struct vring_used *used;
	} split;
	struct {
		struct vring_packed_desc *desc;
		struct vring_packed_desc_event *driver, *device;
	} packed;
	uint16_t free[VQ_SIZE_MAX]; /* split: descriptors; packed: ids */
	uint16_t ids;
	uint16_t
		counts[VQ_SIZE_MAX]; /* of a chain in flight: its descriptors */
	uint16_t links[VQ_SIZE_MAX]; /* split: what we said comes next */
};

/* vdriver_init - an empty ring at gpa, a multiple of 4096; buffers follow it */
void vdriver_init(struct vdriver *driver, const struct guest_mem *mem,
		  uint64_t gpa, uint16_t size, uint64_t features);

/* vdriver_tell - where it is, into a fresh state of a queue */
void vdriver_tell(const struct vdriver *driver, struct vq_state *state);

/* vdriver_room, vdriver_put - a buffer's gpa; put: with that in it */
uint64_t vdriver_room(struct vdriver *driver, size_t bytes);
uint64_t vdriver_put(struct vdriver *driver, const void *from, size_t bytes);

/* vdriver_rewind - all buffers are free again */
void vdriver_rewind(struct vdriver *driver);

/* vdriver_at - a buffer, by pointer */
void *vdriver_at(const struct vdriver *driver, uint64_t gpa);

/* vdriver_add - make a chain available; its head, -1: the ring is full */
int vdriver_add(struct vdriver *driver, const struct vdriver_part *parts,
		unsigned int count);

/* vdriver_add_table - the same, as one descriptor that names a table */
int vdriver_add_table(struct vdriver *driver, const struct vdriver_part *parts,
		      unsigned int count);

/* vdriver_used - take one that the device has given back; is there one? */
bool vdriver_used(struct vdriver *driver, struct vdriver_used *ret_used);

/* vdriver_wants_kick - is the device to be told of what was added since? */
bool vdriver_wants_kick(struct vdriver *driver);

/* vdriver_want_signal - with the next one used, or not at all */
void vdriver_want_signal(struct vdriver *driver, bool wanted);

#endif /* VDRIVER_H */
