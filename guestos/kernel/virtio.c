// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio.c - what all drivers of devices have in common
 *
 * Under lguest devices are in the slots of a bus.  They are set up by calls
 * through memory, and then used through rings: we write what we want into
 * memory that both sides see, kick, and are interrupted when it is done.  A
 * machine of our own has no such bus, and is found to have no devices.
 *
 * A ring has three parts: descriptors, each a piece of memory; what we make
 * available, by the first descriptor of each request; and what has been used.
 * Each side says in the other's ring how far it wants to be left in peace
 * (EVENT_IDX), so that who is busy is not interrupted.
 *
 * What must never happen: that we look at what is used before we have seen that
 * it is, or ask whether to kick before others can see what for.  Hence the
 * barriers.
 *
 * Next: guestos/kernel/vconsole.c
 */
#include <lguest/virtio.h>

#include "virtio.h"

#define F_EVENT_IDX (1ULL << 29)
#define F_VERSION_1 (1ULL << 32)

#define S_ACKNOWLEDGE 1
#define S_DRIVER      2
#define S_DRIVER_OK   4
#define S_FEATURES_OK 8

#define DESC_NEXT  1
#define DESC_WRITE 2

#define FAR 0x8000 /* used elements that it will take a while to get to */

/* Available and used parts share a page. */
#define USED_AT 1024

static struct spinlock call_lock, list_lock;
static struct virtq *queues; /* list_lock; only ever grows */
static void (*config_handlers[IRQS])(void);
static u32 next_irq;

/* ---- calls ---- */

static int call(const struct virtio *dev, u32 op, u32 index, u32 bytes,
		u64 words[8])
{
	static struct lguest_virtio_call shared __attribute__((aligned(8)));
	int r;

	spin_lock(&call_lock);
	memset(&shared, 0, sizeof(shared));
	shared.op = op;
	shared.slot = dev->slot;
	shared.index = index;
	shared.bytes = bytes;
	memcpy(shared.word, words, sizeof(shared.word));
	if (pv_ops.notify(LGUEST_TOKEN(LGUEST_TOKEN_VIRTIO, pa(&shared))) != 0)
		r = -ENOSYS;
	else
		r = shared.result;
	memcpy(words, shared.word, sizeof(shared.word));
	spin_unlock(&call_lock);
	return r;
}

static int set(const struct virtio *dev, u32 op, u64 a, u64 b)
{
	u64 words[8] = { a, b };

	return call(dev, op, 0, 0, words);
}

static u64 get(const struct virtio *dev, u32 op)
{
	u64 words[8] = { 0 };

	return call(dev, op, 0, 0, words) < 0 ? 0 : words[0];
}

/* ---- a device ---- */

int virtio_find(struct virtio *dev, u32 id, u32 nth)
{
	u32 slot;

	memset(dev, 0, sizeof(*dev));
	for (slot = 0; slot < LGUEST_VIRTIO_SLOTS; slot++) {
		u64 words[8] = { 0 };

		dev->slot = slot;
		if (call(dev, LGUEST_VIRTIO_PROBE, 0, 0, words) < 0)
			return -ENOENT;
		if (words[0] != id || nth--)
			continue;
		dev->id = id;
		dev->queues = (u32)words[2];
		dev->config_bytes = (u32)words[3];
		return 0;
	}
	return -ENOENT;
}

u64 virtio_status(const struct virtio *dev)
{
	return get(dev, LGUEST_VIRTIO_GET_STATUS);
}

int virtio_has(const struct virtio *dev, u32 feature)
{
	return dev->features >> feature & 1;
}

static void forget_queues(const struct virtio *dev)
{
	struct virtq **at;

	spin_lock(&list_lock);
	for (at = &queues; *at;) {
		if ((*at)->dev == dev)
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
	spin_unlock(&list_lock);
}

void virtio_reset(struct virtio *dev)
{
	set(dev, LGUEST_VIRTIO_SET_STATUS, 0, 0);
	while (virtio_status(dev))
		udelay(10);
	forget_queues(dev);
}

int virtio_begin(struct virtio *dev, u64 features)
{
	const u64 driver = S_ACKNOWLEDGE | S_DRIVER;
	int r;

	virtio_reset(dev);
	set(dev, LGUEST_VIRTIO_SET_STATUS, S_ACKNOWLEDGE, 0);
	set(dev, LGUEST_VIRTIO_SET_STATUS, driver, 0);
	dev->features = get(dev, LGUEST_VIRTIO_GET_FEATURES) &
			(features | F_EVENT_IDX | F_VERSION_1);
	r = set(dev, LGUEST_VIRTIO_SET_FEATURES, dev->features, 0);
	if (r == 0)
		r = set(dev, LGUEST_VIRTIO_SET_STATUS, driver | S_FEATURES_OK,
			0);
	if (r == 0 && !(virtio_status(dev) & S_FEATURES_OK))
		r = -EINVAL;
	return r;
}

int virtio_run(struct virtio *dev)
{
	return set(dev, LGUEST_VIRTIO_SET_STATUS,
		   S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK, 0);
}

int virtio_config_get(const struct virtio *dev, u32 offset, void *to, u32 bytes)
{
	u64 words[8] = { 0 };
	int r = call(dev, LGUEST_VIRTIO_GET_CONFIG, offset, bytes, words);

	if (r == 0)
		memcpy(to, words, bytes);
	return r;
}

int virtio_config_set(const struct virtio *dev, u32 offset, const void *from,
		      u32 bytes)
{
	u64 words[8] = { 0 };

	memcpy(words, from, bytes);
	return call(dev, LGUEST_VIRTIO_SET_CONFIG, offset, bytes, words);
}

/* ---- interrupts ---- */

/* Of a queue whose driver sleeps until something is done. */
static void wake_sleepers(struct virtq *vq)
{
	wake_up(vq);
}

static void device_irq(struct regs *regs)
{
	struct virtq *vq;

	if (config_handlers[regs->vector - IRQ_BASE])
		config_handlers[regs->vector - IRQ_BASE]();
	/* The list grows at its front, and a queue goes when it is silent. */
	for (vq = __atomic_load_n(&queues, __ATOMIC_ACQUIRE); vq; vq = vq->next)
		if (vq->vector == regs->vector && virtq_has_used(vq))
			vq->on_used(vq);
}

/* When all have been given to somebody they are shared. */
static u32 take_vector(void)
{
	u32 vector;

	spin_lock(&list_lock);
	vector = IRQ_BASE + DEVICE_IRQ + next_irq;
	next_irq = (next_irq + 1) % (IRQS - DEVICE_IRQ);
	spin_unlock(&list_lock);
	irq_set_handler(vector, device_irq);
	irq_unblock(vector);
	return vector;
}

int virtio_config_irq(struct virtio *dev, void (*on_change)(void))
{
	u32 vector = take_vector();

	config_handlers[vector - IRQ_BASE] = on_change;
	return set(dev, LGUEST_VIRTIO_CONFIG_VECTOR, 0, vector);
}

/* ---- a queue ---- */

/* What stands behind a ring of this size is the other side's wish. */
static int lay_out(struct virtq *vq)
{
	u8 *rings = page_alloc();
	u32 i;

	vq->desc = page_alloc();
	if (!rings || !vq->desc)
		return -ENOMEM;
	vq->avail = (void *)rings;
	vq->used = (void *)(rings + USED_AT);
	vq->used_event = &vq->avail->ring[vq->size];
	vq->avail_event = (void *)&vq->used->ring[vq->size];
	for (i = 0; i < vq->size; i++)
		vq->desc[i].next = (u16)(i + 1);
	vq->free_count = vq->size;
	return 0;
}

static int tell(struct virtq *vq)
{
	u64 words[8] = { vq->size, pa(vq->desc), pa(vq->avail), pa(vq->used),
			 0,        vq->vector };

	return call(vq->dev, LGUEST_VIRTIO_SET_QUEUE, vq->index, 0, words);
}

int virtq_init(struct virtq *vq, struct virtio *dev, u32 index,
	       void (*on_used)(struct virtq *vq))
{
	u64 words[8] = { 0 };
	int r = call(dev, LGUEST_VIRTIO_GET_QUEUE, index, 0, words);

	if (r == 0 && !words[0])
		r = -ENOENT;
	if (r < 0)
		return r;
	memset(vq, 0, sizeof(*vq));
	vq->dev = dev;
	vq->index = index;
	vq->size = words[0] < VIRTQ_MAX ? (u16)words[0] : VIRTQ_MAX;
	vq->on_used = on_used ? on_used : wake_sleepers;
	vq->vector = take_vector();
	r = lay_out(vq);
	if (r == 0)
		r = tell(vq);
	if (r < 0)
		return r;
	spin_lock(&list_lock);
	vq->next = queues;
	__atomic_store_n(&queues, vq, __ATOMIC_RELEASE);
	spin_unlock(&list_lock);
	return 0;
}

int virtq_add(struct virtq *vq, const struct virtq_buf *bufs, u32 count,
	      void *cookie)
{
	u16 at, head;
	u32 i;

	spin_lock(&vq->lock);
	if (!count || count > vq->free_count) {
		spin_unlock(&vq->lock);
		return -EAGAIN;
	}
	head = at = vq->free;
	for (i = 0; i < count; i++) {
		struct virtq_desc *desc = &vq->desc[at];

		desc->addr = pa(bufs[i].addr);
		desc->bytes = bufs[i].bytes;
		desc->flags = (u16)((bufs[i].device_writes ? DESC_WRITE : 0) |
				    (i + 1 < count ? DESC_NEXT : 0));
		at = desc->next;
	}
	vq->free = at;
	vq->free_count = (u16)(vq->free_count - count);
	vq->cookies[head] = cookie;
	vq->avail->ring[vq->avail->idx % vq->size] = head;
	/* The request before its place in the ring: the device's acquire. */
	__atomic_store_n(&vq->avail->idx, (u16)(vq->avail->idx + 1),
			 __ATOMIC_RELEASE);
	spin_unlock(&vq->lock);
	return 0;
}

/* Did idx pass the place at which the device wants to hear of it? */
static int wants_kick(const struct virtq *vq, u16 idx)
{
	if (!(vq->dev->features & F_EVENT_IDX))
		return !(*(volatile u16 *)&vq->used->flags & 1);
	return (u16)(idx - *vq->avail_event - 1) < (u16)(idx - vq->kicked);
}

void virtq_kick(struct virtq *vq)
{
	int wanted;
	u16 idx;

	spin_lock(&vq->lock);
	idx = vq->avail->idx;
	/* What is available before its wish: the device does it in reverse. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	wanted = wants_kick(vq, idx);
	vq->kicked = idx;
	spin_unlock(&vq->lock);
	if (wanted)
		pv_ops.notify(LGUEST_TOKEN(
			LGUEST_TOKEN_KICK,
			LGUEST_VIRTIO_KICK_ARG((u64)vq->dev->slot, vq->index)));
}

void virtq_quiet(struct virtq *vq)
{
	vq->is_quiet = 1;
	*vq->used_event = (u16)(vq->taken + FAR);
}

int virtq_listen(struct virtq *vq)
{
	vq->is_quiet = 0;
	*vq->used_event = vq->taken;
	/* Either the device sees that, or we see what it has done. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return virtq_has_used(vq);
}

int virtq_has_used(const struct virtq *vq)
{
	return __atomic_load_n(&vq->used->idx, __ATOMIC_ACQUIRE) != vq->taken;
}

static void give_back(struct virtq *vq, u16 head)
{
	u16 last = head, count = 1;

	while (vq->desc[last].flags & DESC_NEXT) {
		last = vq->desc[last].next;
		count++;
	}
	vq->desc[last].next = vq->free;
	vq->free = head;
	vq->free_count = (u16)(vq->free_count + count);
}

void *virtq_take(struct virtq *vq, u32 *ret_bytes)
{
	void *cookie = NULL;
	u32 at;

	spin_lock(&vq->lock);
	if (virtq_has_used(vq)) {
		at = vq->taken % vq->size;
		if (vq->used->ring[at].id >= vq->size)
			panic("virtio: slot %u: used %u of %u", vq->dev->slot,
			      vq->used->ring[at].id, vq->size);
		if (ret_bytes)
			*ret_bytes = vq->used->ring[at].bytes;
		cookie = vq->cookies[vq->used->ring[at].id];
		give_back(vq, (u16)vq->used->ring[at].id);
		vq->taken++;
		/* We want to hear of the next one, whoever looks for it. */
		*vq->used_event = (u16)(vq->taken + (vq->is_quiet ? FAR : 0));
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
	spin_unlock(&vq->lock);
	return cookie;
}

void virtq_wait(struct virtq *vq)
{
	spin_lock(&sched_lock);
	while (!virtq_has_used(vq))
		sleep_on_locked(vq);
	spin_unlock(&sched_lock);
}
