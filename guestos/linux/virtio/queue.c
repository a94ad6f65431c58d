// SPDX-License-Identifier: GPL-2.0-only
/*
 * queue.c - a device's queues: where they are, how they are kicked and signal
 *
 * The rings are the kernel's own; the host is told their addresses.  A kick is a
 * hypercall that the host's module answers by itself; a signal is an interrupt
 * on the queue's own vector, and nothing is acknowledged.  When all vectors have
 * been given away, the queues of a device share one.
 *
 * Queues begin on vcpu 0, which is always there.  A driver that wants one's
 * interrupts on another CPU says so, and takes it back before that CPU goes.
 *
 * What must never happen: a vector is given back while the host may still use it.
 * A driver resets its device before it lets go of the queues.
 *
 * Next: guestos/linux/virtio/hcall.S
 */
#include <linux/cpumask.h>
#include <linux/slab.h>
#include <linux/virtio_ring.h>

#include "virtio_lguest.h"

static bool notify(struct virtqueue *vq)
{
	const struct vl_queue *queue = vq->priv;

	return vl_hcall(LHCALL_NOTIFY, queue->token) != LGUEST_TOKEN_UNKNOWN;
}

static irqreturn_t on_shared(int irq, void *data)
{
	struct vl_dev *dev = data;
	irqreturn_t done = IRQ_NONE;
	struct virtqueue *vq;

	spin_lock(&dev->vdev.vqs_list_lock);
	list_for_each_entry(vq, &dev->vdev.vqs, list)
		done |= vring_interrupt(irq, vq);
	spin_unlock(&dev->vdev.vqs_list_lock);
	return done;
}

/* A vector of its own, or the device's; returns it, or a negative errno. */
static int take_irq(struct vl_dev *dev, struct vl_queue *queue,
		    const char *name)
{
	int r = vl_irq_take_any(&queue->irq, vring_interrupt, name, queue->vq);

	if (!r)
		return queue->irq.vector;
	if (r != -ENOSPC)
		return r;
	if (!dev->shared_irq.vector)
		r = vl_irq_take(&dev->shared_irq, vl_shared_vector(dev->slot),
				on_shared, dev_name(&dev->vdev.dev), dev);
	else
		r = 0;
	return r < 0 ? r : dev->shared_irq.vector;
}

static int tell(struct vl_dev *dev, struct virtqueue *vq, u32 vector)
{
	u64 words[8] = {
		virtqueue_get_vring_size(vq),
		virtqueue_get_desc_addr(vq),
		virtqueue_get_avail_addr(vq),
		virtqueue_get_used_addr(vq),
		0,
		vector,
	};

	return vl_call(dev->bus, dev->slot, LGUEST_VIRTIO_SET_QUEUE, vq->index,
		       0, words);
}

static void del_vq(struct virtqueue *vq)
{
	struct vl_queue *queue = vq->priv;

	vl_irq_drop(&queue->irq);
	vring_del_virtqueue(vq);
	kfree(queue);
}

static struct virtqueue *new_vq(struct vl_dev *dev, u32 index,
				vq_callback_t *callback, const char *name,
				bool ctx)
{
	u64 words[8] = { 0 };
	int r = vl_call(dev->bus, dev->slot, LGUEST_VIRTIO_GET_QUEUE, index, 0,
			words);
	struct vl_queue *queue;
	struct virtqueue *vq;

	if (r < 0 || !words[0])
		return ERR_PTR(r < 0 ? r : -ENOENT);
	queue = kzalloc(sizeof(*queue), GFP_KERNEL);
	if (!queue)
		return ERR_PTR(-ENOMEM);
	vq = vring_create_virtqueue(index, words[0], PAGE_SIZE, &dev->vdev,
				    /* weak_barriers= */ true,
				    /* may_reduce_num= */ true, ctx, notify,
				    callback, name);
	if (!vq) {
		kfree(queue);
		return ERR_PTR(-ENOMEM);
	}
	queue->vq = vq;
	queue->token =
		LGUEST_TOKEN(LGUEST_TOKEN_KICK,
			     LGUEST_VIRTIO_KICK_ARG((u64)dev->slot, index));
	vq->priv = queue;
	/* Nobody wants to hear of a queue without a callback. */
	r = callback ? take_irq(dev, queue, name) : 0;
	if (r >= 0)
		r = tell(dev, vq, r);
	if (r < 0) {
		del_vq(vq);
		return ERR_PTR(r);
	}
	return vq;
}

void vl_del_vqs(struct virtio_device *vdev)
{
	struct virtqueue *vq, *next;

	/* It goes over the list that the next loop takes apart. */
	vl_irq_drop(&vl_dev_of(vdev)->shared_irq);
	list_for_each_entry_safe(vq, next, &vdev->vqs, list)
		del_vq(vq);
}

/* As newer kernels say it. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
struct virtqueue_info {
	const char *name;
	vq_callback_t *callback;
	bool ctx;
};
#endif

/* Queues without a name are left out, and do not count. */
static int find_vqs(struct virtio_device *vdev, unsigned int count,
		    struct virtqueue *vqs[], const struct virtqueue_info *infos)
{
	unsigned int i, index = 0;

	for (i = 0; i < count; i++) {
		vqs[i] = NULL;
		if (!infos[i].name)
			continue;
		vqs[i] = new_vq(vl_dev_of(vdev), index++, infos[i].callback,
				infos[i].name, infos[i].ctx);
		if (IS_ERR(vqs[i])) {
			int r = PTR_ERR(vqs[i]);

			vl_del_vqs(vdev);
			return r;
		}
	}
	return 0;
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
int vl_find_vqs(struct virtio_device *vdev, unsigned int count,
		struct virtqueue *vqs[], vq_callback_t *callbacks[],
		const char *const names[], const bool *ctx,
		struct irq_affinity *affinity)
{
	struct virtqueue_info *infos =
		kcalloc(count, sizeof(*infos), GFP_KERNEL);
	unsigned int i;
	int r;

	if (!infos)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		infos[i].name = names[i];
		infos[i].callback = callbacks[i];
		infos[i].ctx = ctx && ctx[i];
	}
	r = find_vqs(vdev, count, vqs, infos);
	kfree(infos);
	return r;
}
#else
int vl_find_vqs(struct virtio_device *vdev, unsigned int count,
		struct virtqueue *vqs[], struct virtqueue_info infos[],
		struct irq_affinity *affinity)
{
	return find_vqs(vdev, count, vqs, infos);
}
#endif

/* NULL: none in particular. */
int vl_set_vq_affinity(struct virtqueue *vq, const struct cpumask *cpus)
{
	struct vl_dev *dev = vl_dev_of(vq->vdev);
	const struct vl_queue *queue = vq->priv;
	u64 words[8] = { 0, queue->irq.vector };

	/* What several queues share stays where it is. */
	if (!queue->irq.vector)
		return 0;
	if (cpus)
		words[0] = cpumask_any_and(cpus, cpu_online_mask);
	if (words[0] >= nr_cpu_ids)
		return -EINVAL;
	return vl_call(dev->bus, dev->slot, LGUEST_VIRTIO_QUEUE_VECTOR,
		       vq->index, 0, words);
}

/* Whoever was in a callback when this began is out of it. */
void vl_synchronize_cbs(struct virtio_device *vdev)
{
	const struct vl_dev *dev = vl_dev_of(vdev);
	struct virtqueue *vq;

	list_for_each_entry(vq, &vdev->vqs, list) {
		const struct vl_queue *queue = vq->priv;

		if (queue->irq.vector)
			synchronize_irq(queue->irq.irq);
	}
	if (dev->shared_irq.vector)
		synchronize_irq(dev->shared_irq.irq);
}
