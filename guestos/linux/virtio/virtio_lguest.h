/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio_lguest.h - what the files of the module share
 *
 * A bus has slots, a slot a device or none, a device queues and their
 * interrupts.  Where memory is named to the host, it is by physical address.
 */
#ifndef VIRTIO_LGUEST_H
#define VIRTIO_LGUEST_H

#include <linux/interrupt.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/version.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/workqueue.h>
#include <lguest/guest.h>
#include <lguest/virtio.h>

/* An interrupt of the host's: a vector, and the kernel's number for it. */
struct vl_irq {
	unsigned int vector; /* 0: there is none */
	unsigned int irq;
	void *data; /* as request_irq() was given it */
};

struct vl_bus {
	struct device *parent;
	struct mutex call_lock;
	struct lguest_virtio_call *call; /* call_lock; physically one piece */
	struct vl_irq listen;
	struct work_struct scan; /* the only one that touches devs */
	struct vl_dev *devs[LGUEST_VIRTIO_SLOTS];
};

struct vl_dev {
	struct virtio_device vdev;
	struct vl_bus *bus;
	u32 slot;
	u64 serial; /* another device in this slot has another */
	struct vl_irq config_irq;
	struct vl_irq shared_irq; /* of queues that have none to themselves */
	struct work_struct look; /* what a change of configuration means */
	bool failed;
};

/* Behind vq->priv. */
struct vl_queue {
	struct virtqueue *vq;
	struct vl_irq irq;
	u64 token; /* of its kick */
};

#define vl_dev_of(device) container_of(device, struct vl_dev, vdev)

/* hcall.S: ask the host, now; addresses among the arguments are physical */
u64 vl_hcall(u64 number, u64 a);

/* bus.c */
int vl_call(struct vl_bus *bus, u32 slot, u32 op, u32 index, u32 bytes,
	    u64 words[8]);

/* device.c */
struct vl_dev *vl_dev_create(struct vl_bus *bus, u32 slot, const u64 words[8]);
void vl_dev_destroy(struct vl_dev *dev, bool gone);

/* queue.c */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
int vl_find_vqs(struct virtio_device *vdev, unsigned int count,
		struct virtqueue *vqs[], vq_callback_t *callbacks[],
		const char *const names[], const bool *ctx,
		struct irq_affinity *affinity);
#else
int vl_find_vqs(struct virtio_device *vdev, unsigned int count,
		struct virtqueue *vqs[], struct virtqueue_info infos[],
		struct irq_affinity *affinity);
#endif
void vl_del_vqs(struct virtio_device *vdev);
int vl_set_vq_affinity(struct virtqueue *vq, const struct cpumask *cpus);
void vl_synchronize_cbs(struct virtio_device *vdev);

/* irq.c */
#define VL_LISTEN_VECTOR 0x3f
unsigned int vl_config_vector(u32 slot);
unsigned int vl_shared_vector(u32 slot);
int vl_irq_take(struct vl_irq *irq, unsigned int vector, irq_handler_t handler,
		const char *name, void *data);
int vl_irq_take_any(struct vl_irq *irq, irq_handler_t handler, const char *name,
		    void *data);
void vl_irq_drop(struct vl_irq *irq);

#endif /* VIRTIO_LGUEST_H */
