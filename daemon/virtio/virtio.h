/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio.h - rings, what all devices have in common, and each device
 *
 * Four layers, each of which knows only the next: the bus of a guest (bus.c of
 * the daemon) knows slots, transport.c a device and its registers, a device its
 * queues, and a queue descriptors, which nobody else ever sees.  A back end
 * knows files or frames, and no device.
 *
 * One thread; nothing blocks.  An int is 0 or a negative errno.  A guest that
 * breaks the rules costs that device a reset: virtio_fail() has the reason.
 *
 * What a daemon after us must know lies in shared memory (state.c) and is
 * written there and nowhere else, so that to be killed loses nothing.
 */
#ifndef VIRTIO_H
#define VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "../guest_mem.h"

struct virtio_dev;
struct vq;

/* ---- state.c: what outlives us, of a guest's devices ---- */

#define VIRTIO_STATE_VERSION 1

#define VQ_SIZE_MAX 256 /* descriptors in a ring */
#define VQ_CHAIN_MAX \
	258 /* parts of a chain: Linux's 256, a head and a status */

/* A chain that was popped and is not published yet, by its head or buffer id. */
struct vq_flight {
	uint64_t seq; /* order of popping, 0: not in flight */
	uint16_t filled_at; /* the place of its used element */
	uint16_t count; /* places it takes: 1, or of packed rings descriptors */
	uint16_t saved; /* packed: the first of them in vq_state.saved */
	uint8_t filled; /* that element is written, and perhaps published */
	uint8_t reserved;
};

/* A descriptor of a packed ring, whose place may be taken before it is served. */
struct vq_saved {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/*
 * All zero but where the driver's areas are, size and vector: never started.
 * From started on it is queue.c's, which has the order in which it is written.
 */
struct vq_state {
	uint64_t desc, driver, device; /* gpa */
	uint32_t vcpu, vector; /* vector 0: none */
	uint16_t size; /* 0: not set up */
	uint16_t started;
	uint16_t next_used; /* packed: the wrap counter is bit 15 */
	uint16_t reserved;
	struct vq_flight flight[VQ_SIZE_MAX];
	struct vq_saved saved[VQ_SIZE_MAX];
};

/* Room for what one kind of device wants to keep; its own struct fits in. */
#define VIRTIO_KEEP_BYTES 1024

struct virtio_dev_state {
	uint32_t id; /* virtio's; 0: the slot is empty */
	uint32_t serial; /* of the device in this slot */
	uint32_t status;
	uint32_t generation; /* of the configuration */
	uint64_t features; /* negotiated */
	uint32_t vcpu, vector; /* of configuration changes */
	uint32_t queue_count;
	uint32_t first_queue; /* in the array of all queues of the guest */
	char why[256]; /* DEVICE_NEEDS_RESET: the reason */
	uint8_t keep[VIRTIO_KEEP_BYTES];
};

/* ---- queue.c, split.c, packed.c, chain.c: descriptors stop here ---- */

/*
 * A request of the driver's.  iov points into guest memory that is checked to
 * be RAM, and that the guest may change under our eyes: what is looked at is
 * copied out with chain_get() first.  All that we read comes first.
 */
struct vq_chain {
	uint16_t head;
	uint16_t count; /* places in the ring */
	unsigned int reads, writes; /* parts */
	size_t read_bytes, write_bytes;
	struct iovec iov[VQ_CHAIN_MAX];
};

struct vq {
	struct virtio_dev *dev;
	unsigned int index;
	struct vq_state *state; /* shared */
	int kick_fd, call_fd; /* eventfds; -1: none */
	struct event kick;
	bool broken; /* until a reset */

	/* What follows is queue.c's, and can all be found out again. */
	const struct vq_format *format;
	void *desc, *driver, *device; /* the ring, for us; NULL: not started */
	bool event_idx, indirect;
	bool armed; /* the driver will kick for what comes next */
	uint16_t size;
	uint16_t next_avail; /* as next_used */
	uint16_t ready; /* chains that are known to be there */
	uint16_t fill_at, filled; /* after next_used, not published */
	uint16_t saved_free;
	unsigned int pushed; /* places published since the last vq_signal() */
	unsigned int again; /* chains in flight that are to be popped again */
	uint64_t again_seq; /* ... from this one on */
	uint64_t seq; /* the next chain's */
	uint16_t filled_heads[VQ_SIZE_MAX];
	uint16_t saved_slots[VQ_SIZE_MAX]; /* of vq_state.saved: free ones */
};

/*
 * vq_start - the driver's areas are as vq->state says
 *
 * -EINVAL, and virtio_fail() has been told why, if a size is no power of two
 * (split) or too large, or an area is not RAM, or not aligned.  For a queue that
 * was running under a daemon before us, what it had in flight is then given by
 * vq_pop() once more, oldest first; -EPROTO if the guest has meanwhile written
 * what only we write.  The driver is interrupted then, and the owner is to go on
 * as if it had been kicked: either may have been lost.
 */
int vq_start(struct vq *vq, uint64_t features);

/* vq_stop - guest memory is not touched any more; what is pushed goes nowhere */
void vq_stop(struct vq *vq);

/*
 * vq_pop - the next request; 1, 0 for none, -errno: dev has failed
 *
 * After 0, and only then, the driver will kick for the next one.  A chain
 * belongs to the caller until it is pushed; any number may be out.
 */
int vq_pop(struct vq *vq, struct vq_chain *chain);

/*
 * vq_unpop - the last popped chain was not looked at and is still to come
 *
 * And then the one before it, and so on, if they have not been pushed.
 */
void vq_unpop(struct vq *vq, const struct vq_chain *chain);

/*
 * vq_fill - head has been served, written bytes of it; for the driver to see,
 * with all that was filled before, when it is published
 *
 * Both do nothing for a queue that is broken or stopped.
 */
void vq_fill(struct vq *vq, uint16_t head, size_t written);
void vq_publish(struct vq *vq);

/* vq_push - both */
void vq_push(struct vq *vq, uint16_t head, size_t written);

/* vq_signal - an interrupt if the driver wants one for what was published */
void vq_signal(struct vq *vq);

/* vq_has_more - is there anything to pop?  Does not ask for kicks. */
bool vq_has_more(const struct vq *vq);

/* chain_get, chain_put - len bytes from offset of what we read, or write */
size_t chain_get(const struct vq_chain *chain, size_t offset, void *to,
		 size_t len);
size_t chain_put(const struct vq_chain *chain, size_t offset, const void *from,
		 size_t len);

/*
 * chain_slice - the parts that make up [offset, offset + len) of what we read
 * (writes false) or write, into iov of VQ_CHAIN_MAX; how many parts
 */
unsigned int chain_slice(const struct vq_chain *chain, bool writes,
			 size_t offset, size_t len, struct iovec *iov);

/* ---- device.c: what every device has in common ---- */

#define VQ_BATCH 64 /* requests of one queue before others have their turn */

/* What differs from one kind of device to another. */
struct virtio_ops {
	const char *name; /* "blk" */
	uint32_t id; /* VIRTIO_ID_* */
	uint64_t features; /* beside those of all rings, which device.c adds */

	/* start - DRIVER_OK: queues and features are settled; may be NULL */
	int (*start)(struct virtio_dev *dev);

	/*
	 * on_kick - the driver says there is something, or perhaps not
	 *
	 * Serves at most VQ_BATCH and returns true if more is left, in which
	 * case it is called again when others have had their turn.
	 */
	bool (*on_kick)(struct virtio_dev *dev, struct vq *vq);

	/*
	 * reset - let go of guest memory; true: done, false: requests are still
	 * out, and virtio_reset_done() follows
	 */
	bool (*reset)(struct virtio_dev *dev);

	/* set_config - the driver wrote; NULL: it may write nothing */
	int (*set_config)(struct virtio_dev *dev, size_t offset, size_t len);

	/* describe - for `lgctl info`, into a JSON object; may be NULL */
	void (*describe)(struct virtio_dev *dev, void *json);

	/* destroy - reset has been called and is done */
	void (*destroy)(struct virtio_dev *dev);
};

struct virtio_dev {
	const struct virtio_ops *ops;
	const char *guest; /* its name, and that of the device: for messages */
	char label[32]; /* "disk0" */
	struct event_base *base;
	const struct guest_mem *mem;
	struct virtio_dev_state *state; /* shared */
	unsigned int slot;
	unsigned int queue_count;
	struct vq *vqs;
	void *config; /* as the driver reads it, little-endian */
	size_t config_bytes;
	uint64_t offered; /* features, all of them */
	bool running; /* from DRIVER_OK to reset */
	/* The bus's. */
	struct virtio_bus *bus;
	void (*signal_config)(struct virtio_dev *dev);
};

/*
 * virtio_init - the common part of a device that is about to be in a slot
 *
 * ops, label, config, queue_count and queue sizes are the device's; the rest is
 * the bus's, which calls this from virtio_bus_add().
 */

/* virtio_fail - the guest broke a rule: DEVICE_NEEDS_RESET, logged once */
void virtio_fail(struct virtio_dev *dev, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* virtio_config_changed - after dev->config was: the driver is told */
void virtio_config_changed(struct virtio_dev *dev);

/* virtio_has - was it negotiated?  bit: VIRTIO_*_F_* */
static inline bool virtio_has(const struct virtio_dev *dev, unsigned int bit)
{
	return dev->state->features >> bit & 1;
}

/* virtio_reset_done - what reset() said is still out has come home */
void virtio_reset_done(struct virtio_dev *dev);

#endif /* VIRTIO_H */
