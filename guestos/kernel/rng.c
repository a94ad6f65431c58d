// SPDX-License-Identifier: GPL-2.0-only
/*
 * rng.c - random bytes of the host's: daemon/virtio/rng.c
 *
 * The smallest of drivers: one queue, one request at a time.
 *
 * Next: guestos/kernel/balloon.c
 */
#include "virtio.h"

static struct virtio rng;
static struct virtq vq;
static u8 *page; /* what the device writes to; NULL: there is none */
static int busy; /* sched_lock */

void rng_init(void)
{
	if (virtio_find(&rng, VIRTIO_RNG, 0) < 0)
		return;
	if (virtio_begin(&rng, 0) < 0 || virtq_init(&vq, &rng, 0, NULL) < 0 ||
	    virtio_run(&rng) < 0) {
		printk("rng: slot %u: it does not start\n", rng.slot);
		return;
	}
	page = page_alloc();
	printk("rng: slot %u\n", rng.slot);
}

static void take_turn(void)
{
	spin_lock(&sched_lock);
	while (busy)
		sleep_on_locked(&busy);
	busy = 1;
	spin_unlock(&sched_lock);
}

static void give_turn(void)
{
	spin_lock(&sched_lock);
	busy = 0;
	wake_up_locked(&busy);
	spin_unlock(&sched_lock);
}

long rng_read(void *to, size_t bytes)
{
	struct virtq_buf buf = { .device_writes = 1 };
	u32 got = 0;

	if (!page || !bytes)
		return 0;
	take_turn();
	buf.addr = page;
	buf.bytes = bytes < PAGE_BYTES ? (u32)bytes : (u32)PAGE_BYTES;
	if (virtq_add(&vq, &buf, 1, page) == 0) {
		virtq_kick(&vq);
		virtq_wait(&vq);
		virtq_take(&vq, &got);
		if (got > buf.bytes)
			panic("rng: %u bytes in a buffer of %u", got,
			      buf.bytes);
		memcpy(to, page, got);
	}
	give_turn();
	return got;
}
