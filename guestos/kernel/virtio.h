/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio.h - what a driver of a device is given
 *
 *	struct virtio dev;
 *	struct virtq vq;
 *
 *	if (virtio_find(&dev, VIRTIO_RNG, 0) < 0 ||
 *	    virtio_begin(&dev, 0) < 0 ||
 *	    virtq_init(&vq, &dev, 0, NULL) < 0 || virtio_run(&dev) < 0)
 *		return;
 *	virtq_add(&vq, bufs, count, cookie);
 *	virtq_kick(&vq);
 *	virtq_wait(&vq);
 *	cookie = virtq_take(&vq, &bytes);
 *
 * Buffers are memory of the kernel's, each within a page or pages that follow
 * each other; they are the device's until they are taken.
 */
#ifndef VIRTIO_H
#define VIRTIO_H

#include "kernel.h"

/* Kinds of devices. */
#define VIRTIO_NET     1
#define VIRTIO_BLK     2
#define VIRTIO_CONSOLE 3
#define VIRTIO_RNG     4
#define VIRTIO_BALLOON 5

#define VIRTQ_MAX 256 /* descriptors */

struct virtio {
	u32 slot, id;
	u32 queues, config_bytes;
	u64 features; /* agreed on */
};

/* A piece of a request. */
struct virtq_buf {
	const void *addr;
	u32 bytes;
	int device_writes; /* all that it reads comes before all it writes */
};

struct virtq_desc {
	u64 addr;
	u32 bytes;
	u16 flags, next;
};

struct virtq_avail {
	u16 flags, idx;
	u16 ring[VIRTQ_MAX + 1]; /* after the last: used_event */
};

struct virtq_used {
	u16 flags, idx;
	struct {
		u32 id, bytes;
	} ring[VIRTQ_MAX];
};

struct virtq {
	struct virtio *dev;
	struct spinlock lock;
	u32 index, vector;
	u16 size, free, free_count;
	u16 kicked; /* avail->idx at the last kick */
	u16 taken; /* used elements so far */
	struct virtq_desc *desc;
	struct virtq_avail *avail;
	struct virtq_used *used;
	volatile u16 *used_event, *avail_event;
	void *cookies[VIRTQ_MAX];
	void (*on_used)(struct virtq *vq); /* in its interrupt */
	int is_quiet;
	struct virtq *next; /* of all */
};

/* virtio_find - the nth device of a kind; 0 or -ENOENT */
int virtio_find(struct virtio *dev, u32 id, u32 nth);

/* virtio_begin - reset, and agree on what is offered of these features */
int virtio_begin(struct virtio *dev, u64 features);

/* virtq_init - a queue, before virtio_run(); on_used NULL: it wakes sleepers */
int virtq_init(struct virtq *vq, struct virtio *dev, u32 index,
	       void (*on_used)(struct virtq *vq));

/* virtio_run - from here on it may be used */
int virtio_run(struct virtio *dev);

/* virtio_reset - it lets go of all queues */
void virtio_reset(struct virtio *dev);
u64 virtio_status(const struct virtio *dev);
int virtio_has(const struct virtio *dev, u32 feature);

/* virtio_config_irq - told when the configuration changes; sleeps as virtq's */
int virtio_config_irq(struct virtio *dev, void (*on_change)(void));

/* virtio_config_get, _set - at most 48 bytes; 0 or a negative errno */
int virtio_config_get(const struct virtio *dev, u32 offset, void *to,
		      u32 bytes);
int virtio_config_set(const struct virtio *dev, u32 offset, const void *from,
		      u32 bytes);

/* virtq_quiet - no interrupts: who wants to know looks */
void virtq_quiet(struct virtq *vq);

/* virtq_listen - after virtq_quiet(); is there something to take already? */
int virtq_listen(struct virtq *vq);

/* virtq_add - a request; 0, or -EAGAIN if there is no room for it now */
int virtq_add(struct virtq *vq, const struct virtq_buf *bufs, u32 count,
	      void *cookie);

/* virtq_kick - the device is told, if it wants to be */
void virtq_kick(struct virtq *vq);

/* virtq_take - the cookie of one that is done, or NULL; bytes it has written */
void *virtq_take(struct virtq *vq, u32 *ret_bytes);
int virtq_has_used(const struct virtq *vq);

/* virtq_wait - sleeps until there is something to take */
void virtq_wait(struct virtq *vq);

/* The drivers, in the order in which main.c has them look for their devices. */
void vconsole_init(void);
void blk_init(void);
void net_init(void);
void rng_init(void);
void balloon_init(void);

/* rng_read - random bytes; how many, 0 if there is no such device.  Sleeps. */
long rng_read(void *to, size_t bytes);

/* blk_serve - SYS_DISK, of a request that was copied; sleeps */
struct disk_request;
long blk_serve(const struct disk_request *ask);

/* net_info - what the network has told us; 0, or -ENOENT: there is no card */
struct network_info;
int net_info(struct network_info *ret_info);

/* balloon_bytes - how much of our RAM the host has; -ENOENT: no such device */
long balloon_bytes(void);

#endif /* VIRTIO_H */
