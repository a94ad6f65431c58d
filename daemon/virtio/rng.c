// SPDX-License-Identifier: GPL-2.0-only
/*
 * rng.c - random bytes, the smallest of devices
 *
 * A driver puts up buffers, and we fill them from the host's own generator,
 * which never waits once the host is up.  So this is where to see what a device
 * is: facts, a start, and what to do about a kick.
 *
 * What must never happen: that a guest has us make random bytes and nothing
 * else.  A request gets REQUEST_MAX of them at most, as it may, and a turn no
 * more than TURN_MAX.
 *
 * Next: daemon/virtio/console.c
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <linux/virtio_ids.h>

#include "virtio.h"

#define REQUEST_MAX 256 /* as much as getrandom() gives in one piece */
#define TURN_MAX    8192

struct rng {
	struct virtio_dev dev;
	struct vq vq;
};

/* How many bytes it was given; 0 if the host has none, and it may ask again. */
static size_t serve(const struct vq_chain *chain)
{
	char bytes[REQUEST_MAX];
	size_t len = chain->write_bytes;
	ssize_t got;

	if (len > sizeof(bytes))
		len = sizeof(bytes);
	got = getrandom(bytes, len, GRND_NONBLOCK);
	return got < 0 ? 0 : chain_put(chain, 0, bytes, (size_t)got);
}

static bool rng_on_kick(struct virtio_dev *dev, struct vq *vq)
{
	static struct vq_chain chain; /* it is large, and there is one thread */
	unsigned int i;
	size_t done = 0;
	int r = 1;

	(void)dev;
	for (i = 0; i < VQ_BATCH && done < TURN_MAX; i++) {
		size_t len;

		r = vq_pop(vq, &chain);
		if (r <= 0)
			break;
		len = serve(&chain);
		done += len;
		vq_push(vq, chain.head, len);
	}
	vq_signal(vq);
	return r > 0;
}

static void rng_destroy(struct virtio_dev *dev)
{
	free(dev);
}

static const struct virtio_ops rng_ops = {
	.name = "rng",
	.id = VIRTIO_ID_RNG,
	.on_kick = rng_on_kick,
	.destroy = rng_destroy,
};

struct virtio_dev *rng_create(void)
{
	struct rng *rng = calloc(1, sizeof(*rng));

	if (!rng)
		return NULL;
	rng->dev.ops = &rng_ops;
	strcpy(rng->dev.label, "rng");
	rng->dev.queue_count = 1;
	rng->dev.vqs = &rng->vq;
	return &rng->dev;
}
