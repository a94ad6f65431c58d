// SPDX-License-Identifier: GPL-2.0-only
/*
 * transport.c - what a driver says, taken apart
 *
 * A call is a struct lguest_virtio_call in guest memory.  It is copied once and
 * held against its row in the table here, which says what of it means something:
 * the rest must be zero.  So what an op does not know today can be given a
 * meaning tomorrow.  Then the op does it or says no; and what it has to answer is
 * written back, which is all that we ever write there.
 *
 * A call may be made twice, by a daemon that dies before it has told lg.ko that
 * it is done, and by the next one.  So each must come to the same when it is
 * repeated.
 *
 * What must never happen: a number of the guest's that picks a device, a queue
 * or a byte that is not there.
 *
 * Where we stand: exit.c has a token of a guest's, and bus.c the bus.  Start at
 * virtio_call(), at the end.
 *
 * Next: daemon/virtio/state.c
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "virtio.h"

#define WORDS        8
#define CONFIG_WORDS 6

/* dev is NULL for an empty slot, which only some ops are called for. */
struct op {
	int (*serve)(struct virtio_bus *bus, struct virtio_dev *dev,
		     struct lguest_virtio_call *call);
	bool slot, index, bytes; /* are these used? */
	bool empty; /* may the slot be? */
	bool changes; /* which a device in the middle of a reset cannot */
	unsigned int asks, answers; /* the first so many words */
};

static int serve_probe(struct virtio_bus *bus, struct virtio_dev *dev,
		       struct lguest_virtio_call *call)
{
	(void)bus;
	memset(call->word, 0, sizeof(call->word));
	if (!dev)
		return 0;
	call->word[0] = dev->ops->id;
	call->word[1] = dev->state->serial;
	call->word[2] = dev->queue_count;
	call->word[3] = dev->config_bytes;
	return 0;
}

static int serve_listen(struct virtio_bus *bus, struct virtio_dev *dev,
			struct lguest_virtio_call *call)
{
	struct virtio_head *head = bus->state.head;

	(void)dev;
	if (!virtio_vcpu_vector(call->word[0], call->word[1], bus->vcpus))
		return -EINVAL;
	head->listen_vcpu = (uint32_t)call->word[0];
	head->listen_vector = (uint32_t)call->word[1];
	return 0;
}

static int serve_get_features(struct virtio_bus *bus, struct virtio_dev *dev,
			      struct lguest_virtio_call *call)
{
	(void)bus;
	call->word[0] = dev->offered;
	call->word[1] = 0;
	return 0;
}

static int serve_set_features(struct virtio_bus *bus, struct virtio_dev *dev,
			      struct lguest_virtio_call *call)
{
	(void)bus;
	return virtio_set_features(dev, call->word[0], call->word[1]);
}

static int serve_get_status(struct virtio_bus *bus, struct virtio_dev *dev,
			    struct lguest_virtio_call *call)
{
	(void)bus;
	call->word[0] = virtio_status(dev);
	return 0;
}

static int serve_set_status(struct virtio_bus *bus, struct virtio_dev *dev,
			    struct lguest_virtio_call *call)
{
	(void)bus;
	return virtio_set_status(dev, call->word[0]);
}

static int serve_get_config(struct virtio_bus *bus, struct virtio_dev *dev,
			    struct lguest_virtio_call *call)
{
	uint64_t config[CONFIG_WORDS] = { 0 };
	int r;

	(void)bus;
	if (call->bytes > sizeof(config))
		return -EINVAL;
	r = virtio_get_config(dev, call->index, call->bytes, config);
	if (r < 0)
		return r;
	memcpy(call->word, config, sizeof(config));
	call->word[6] = dev->state->generation;
	return 0;
}

static int serve_set_config(struct virtio_bus *bus, struct virtio_dev *dev,
			    struct lguest_virtio_call *call)
{
	(void)bus;
	if (call->bytes > CONFIG_WORDS * sizeof(call->word[0]))
		return -EINVAL;
	return virtio_set_config(dev, call->index, call->bytes, call->word);
}

static int serve_config_vector(struct virtio_bus *bus, struct virtio_dev *dev,
			       struct lguest_virtio_call *call)
{
	if (!virtio_vcpu_vector(call->word[0], call->word[1], bus->vcpus))
		return -EINVAL;
	dev->state->vcpu = (uint32_t)call->word[0];
	dev->state->vector = (uint32_t)call->word[1];
	return 0;
}

static struct vq *find_queue(struct virtio_dev *dev, uint32_t index)
{
	return index < dev->queue_count ? &dev->vqs[index] : NULL;
}

static int serve_get_queue(struct virtio_bus *bus, struct virtio_dev *dev,
			   struct lguest_virtio_call *call)
{
	const struct vq *vq = find_queue(dev, call->index);

	(void)bus;
	call->word[0] = vq ? vq->size_max : 0;
	return 0;
}

/* Once more is as good as once, until DRIVER_OK.  vq_start() looks closer. */
static int serve_set_queue(struct virtio_bus *bus, struct virtio_dev *dev,
			   struct lguest_virtio_call *call)
{
	struct vq *vq = find_queue(dev, call->index);
	uint32_t status = dev->state->status;
	int r;

	if (!vq)
		return -ENOENT;
	if (!(status & VIRTIO_CONFIG_S_FEATURES_OK) ||
	    status & VIRTIO_CONFIG_S_DRIVER_OK)
		return -EBUSY;
	if (!call->word[0] || call->word[0] > vq->size_max ||
	    !virtio_vcpu_vector(call->word[4], call->word[5], bus->vcpus))
		return -EINVAL;
	r = bus->ops->wire(vq, (uint32_t)call->word[4],
			   (uint32_t)call->word[5]);
	if (r < 0)
		return r;
	*vq->state = (struct vq_state){
		.desc = call->word[1],
		.driver = call->word[2],
		.device = call->word[3],
		.vcpu = (uint32_t)call->word[4],
		.vector = (uint32_t)call->word[5],
		.size = (uint16_t)call->word[0],
	};
	return 0;
}

static int serve_queue_vector(struct virtio_bus *bus, struct virtio_dev *dev,
			      struct lguest_virtio_call *call)
{
	struct vq *vq = find_queue(dev, call->index);
	int r;

	if (!vq || !vq->state->size)
		return -ENOENT;
	if (!virtio_vcpu_vector(call->word[0], call->word[1], bus->vcpus))
		return -EINVAL;
	r = bus->ops->wire(vq, (uint32_t)call->word[0],
			   (uint32_t)call->word[1]);
	if (r < 0)
		return r;
	vq->state->vcpu = (uint32_t)call->word[0];
	vq->state->vector = (uint32_t)call->word[1];
	return 0;
}

static const struct op ops[] = {
	[LGUEST_VIRTIO_PROBE] = { serve_probe, .slot = true, .empty = true,
				  .answers = 4 },
	[LGUEST_VIRTIO_LISTEN] = { serve_listen, .empty = true, .asks = 2 },
	[LGUEST_VIRTIO_GET_FEATURES] = { serve_get_features, .slot = true,
					 .answers = 2 },
	[LGUEST_VIRTIO_SET_FEATURES] = { serve_set_features, .slot = true,
					 .changes = true, .asks = 2 },
	[LGUEST_VIRTIO_GET_STATUS] = { serve_get_status, .slot = true,
				       .answers = 1 },
	[LGUEST_VIRTIO_SET_STATUS] = { serve_set_status, .slot = true,
				       .asks = 1 },
	[LGUEST_VIRTIO_GET_CONFIG] = { serve_get_config, .slot = true,
				       .index = true, .bytes = true,
				       .answers = 7 },
	[LGUEST_VIRTIO_SET_CONFIG] = { serve_set_config, .slot = true,
				       .index = true, .bytes = true,
				       .changes = true, .asks = CONFIG_WORDS },
	[LGUEST_VIRTIO_CONFIG_VECTOR] = { serve_config_vector, .slot = true,
					  .changes = true, .asks = 2 },
	[LGUEST_VIRTIO_GET_QUEUE] = { serve_get_queue, .slot = true,
				      .index = true, .answers = 1 },
	[LGUEST_VIRTIO_SET_QUEUE] = { serve_set_queue, .slot = true,
				      .index = true, .changes = true,
				      .asks = 6 },
	[LGUEST_VIRTIO_QUEUE_VECTOR] = { serve_queue_vector, .slot = true,
					 .index = true, .changes = true,
					 .asks = 2 },
};

/* Is what the op does not use zero? */
static bool is_clean(const struct op *op, const struct lguest_virtio_call *call)
{
	unsigned int named = op->asks > op->answers ? op->asks : op->answers;
	unsigned int i;

	if (call->reserved0 || (call->slot && !op->slot) ||
	    (call->index && !op->index) || (call->bytes && !op->bytes))
		return false;
	for (i = named; i < WORDS; i++) {
		if (call->word[i])
			return false;
	}
	return true;
}

static struct virtio_dev *find_dev(struct virtio_bus *bus, uint32_t slot)
{
	struct virtio_dev *dev =
		slot < LGUEST_VIRTIO_SLOTS ? bus->devs[slot] : NULL;

	return dev && !dev->leaving ? dev : NULL;
}

static int serve(struct virtio_bus *bus, const struct op *op,
		 struct lguest_virtio_call *call)
{
	struct virtio_dev *dev = NULL;

	if (!is_clean(op, call) || call->slot >= LGUEST_VIRTIO_SLOTS)
		return -EINVAL;
	if (op->slot)
		dev = find_dev(bus, call->slot);
	if (!dev && !op->empty)
		return -ENODEV;
	if (op->changes && dev->state->status & VIRTIO_STATUS_RESETTING)
		return -EBUSY;
	return op->serve(bus, dev, call);
}

/* result and the words that are answers. */
static int answer(const struct virtio_bus *bus, uint64_t gpa,
		  const struct lguest_virtio_call *call, unsigned int words)
{
	int r = 0;

	if (words)
		r = guest_mem_write(
			bus->mem,
			gpa + offsetof(struct lguest_virtio_call, word),
			call->word, words * sizeof(call->word[0]));
	if (r == 0)
		r = guest_mem_write(
			bus->mem,
			gpa + offsetof(struct lguest_virtio_call, result),
			&call->result, sizeof(call->result));
	return r;
}

uint64_t virtio_call(struct virtio_bus *bus, uint64_t gpa)
{
	struct lguest_virtio_call call;
	const struct op *op = NULL;

	if (gpa % 8 || guest_mem_read(bus->mem, gpa, &call, sizeof(call)) < 0)
		return LGUEST_TOKEN_UNKNOWN;
	if (call.op < sizeof(ops) / sizeof(ops[0]) && ops[call.op].serve)
		op = &ops[call.op];
	call.result = op ? serve(bus, op, &call) : -ENOSYS;
	if (answer(bus, gpa, &call, op && !call.result ? op->answers : 0) < 0)
		return LGUEST_TOKEN_UNKNOWN;
	return 0;
}

uint64_t virtio_kick(struct virtio_bus *bus, uint64_t arg)
{
	uint64_t slot = arg >> 16, index = arg & 0xffff;
	const uint64_t one = 1;
	struct virtio_dev *dev;
	const struct vq *vq;

	dev = slot < LGUEST_VIRTIO_SLOTS ? find_dev(bus, (uint32_t)slot) : NULL;
	vq = dev ? find_queue(dev, (uint32_t)index) : NULL;
	if (!vq || vq->kick_fd < 0)
		return LGUEST_TOKEN_UNKNOWN;
	/* Full is as good as kicked. */
	if (write(vq->kick_fd, &one, sizeof(one)) < 0)
		return 0;
	return 0;
}
