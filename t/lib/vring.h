/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vring.h - both ends of one ring, for tests of the ring itself
 *
 * A queue without a device behind it, and its driver, over the same memory.  What
 * the queue says when it fails is in vring.why.
 */
#ifndef VRING_H
#define VRING_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "tap.h"
#include "vdriver.h"

#define VRING_AT    0x1000
#define VRING_BYTES (1U << 20)

#define F_PACKED   (1ULL << VIRTIO_F_RING_PACKED)
#define F_EVENT    (1ULL << VIRTIO_RING_F_EVENT_IDX)
#define F_INDIRECT (1ULL << VIRTIO_RING_F_INDIRECT_DESC)

static struct {
	struct guest_mem mem;
	struct virtio_dev dev;
	struct vq_state state;
	struct vq vq;
	struct vdriver driver;
	uint64_t features;
	char why[256];
	unsigned int failures;
} vring;

void virtio_fail(struct virtio_dev *dev, const char *fmt, ...)
{
	va_list args;

	(void)dev;
	va_start(args, fmt);
	vsnprintf(vring.why, sizeof(vring.why), fmt, args);
	va_end(args);
	vring.failures++;
}

/* vring_lay - both ends anew, not started; state may be somewhere else */
static inline void vring_lay(struct vq_state *state, uint16_t size,
			     uint64_t features)
{
	if (!vring.mem.base && guest_mem_create(&vring.mem, "t", VRING_BYTES))
		bail_out("no memory for a guest");
	if (!vring.vq.dev)
		vring.vq.call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vring.dev.mem = &vring.mem;
	vring.vq.dev = &vring.dev;
	vring.vq.state = state;
	vring.vq.kick_fd = -1;
	vring.vq.broken = false;
	vring.features = features;
	vring.why[0] = '\0';
	vring.failures = 0;
	memset(state, 0, sizeof(*state));
	vdriver_init(&vring.driver, &vring.mem, VRING_AT, size, features);
	vdriver_tell(&vring.driver, state);
}

/* vring_open - and started */
static inline void vring_open(uint16_t size, uint64_t features)
{
	vring_lay(&vring.state, size, features);
	if (vq_start(&vring.vq, features) < 0)
		bail_out("a good ring is refused: %s", vring.why);
}

/* vring_request - one part to read, one to write; its head, -1: full */
static inline int vring_request(uint32_t number)
{
	const struct vdriver_part parts[] = {
		{ vdriver_put(&vring.driver, &number, sizeof(number)),
		  sizeof(number), false },
		{ vdriver_room(&vring.driver, 64), 64, true },
	};

	return vdriver_add(&vring.driver, parts, 2);
}

/* vring_number - which request it is */
static inline uint32_t vring_number(const struct vq_chain *chain)
{
	uint32_t number = 0;

	chain_get(chain, 0, &number, sizeof(number));
	return number;
}

/* vring_signalled - was the driver interrupted since? */
static inline bool vring_signalled(void)
{
	uint64_t count;

	return read(vring.vq.call_fd, &count, sizeof(count)) > 0;
}

#endif /* VRING_H */
