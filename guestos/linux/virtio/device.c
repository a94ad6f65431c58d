// SPDX-License-Identifier: GPL-2.0-only
/*
 * device.c - one virtio device, as its driver is to see it
 *
 * What a driver asks of its transport is a call of the host's each time: status,
 * features, configuration.  None of it is done while data flows.
 *
 * A device that is gone answers nothing.  Its status is 0 then, which is what one
 * is that has been reset, and a driver that lets go of it waits for no more.
 *
 * What must never happen: that a device is freed while its interrupt may come.
 *
 * Next: guestos/linux/virtio/queue.c
 */
#include <linux/delay.h>
#include <linux/slab.h>
#include <linux/virtio_ring.h>

#include "virtio_lguest.h"

#define VENDOR     0x746c /* nobody asks */
#define CALL_BYTES 48 /* of configuration, at most */
#define GENERATION 6 /* the word that answers it */

/* ---- what is one word or two ---- */

static u64 ask(struct virtio_device *vdev, u32 op)
{
	struct vl_dev *dev = vl_dev_of(vdev);
	u64 words[8] = { 0 };

	if (vl_call(dev->bus, dev->slot, op, 0, 0, words) < 0)
		return 0;
	return words[0];
}

static int tell(struct virtio_device *vdev, u32 op, u64 a, u64 b)
{
	struct vl_dev *dev = vl_dev_of(vdev);
	u64 words[8] = { a, b };

	return vl_call(dev->bus, dev->slot, op, 0, 0, words);
}

static u8 get_status(struct virtio_device *vdev)
{
	return ask(vdev, LGUEST_VIRTIO_GET_STATUS);
}

static void set_status(struct virtio_device *vdev, u8 status)
{
	tell(vdev, LGUEST_VIRTIO_SET_STATUS, status, 0);
}

/* What is under way is brought to its end first, and that may take a while. */
static void reset(struct virtio_device *vdev)
{
	tell(vdev, LGUEST_VIRTIO_SET_STATUS, 0, 0);
	while (get_status(vdev))
		msleep(1);
}

static u64 get_features(struct virtio_device *vdev)
{
	return ask(vdev, LGUEST_VIRTIO_GET_FEATURES);
}

static int finalize_features(struct virtio_device *vdev)
{
	int r;

	vring_transport_features(vdev);
	if (!__virtio_test_bit(vdev, VIRTIO_F_VERSION_1)) {
		dev_err(&vdev->dev, "the driver is one for old devices only\n");
		return -EINVAL;
	}
	r = tell(vdev, LGUEST_VIRTIO_SET_FEATURES, vdev->features, 0);
	if (r < 0)
		return r;
	/* A reset forgets vectors, and there was one before this. */
	return tell(vdev, LGUEST_VIRTIO_CONFIG_VECTOR, 0,
		    vl_dev_of(vdev)->config_irq.vector);
}

/* ---- configuration ---- */

/* A part that one call has room for; also without any: the generation. */
static int get_part(struct vl_dev *dev, u32 at, void *to, u32 bytes,
		    u32 *ret_generation)
{
	u64 words[8] = { 0 };
	int r = vl_call(dev->bus, dev->slot, LGUEST_VIRTIO_GET_CONFIG, at,
			bytes, words);

	if (r < 0) {
		memset(to, 0, bytes);
		return r;
	}
	memcpy(to, words, bytes);
	*ret_generation = words[GENERATION];
	return 0;
}

static u32 generation(struct virtio_device *vdev)
{
	u32 now = 0;

	get_part(vl_dev_of(vdev), 0, &now, 0, &now);
	return now;
}

/* Parts of one generation, however many there are. */
static void get(struct virtio_device *vdev, unsigned int offset, void *buf,
		unsigned int len)
{
	struct vl_dev *dev = vl_dev_of(vdev);
	u32 first = 0, now = 0;
	unsigned int at, part;

	do {
		for (at = 0; at < len; at += part) {
			part = min_t(unsigned int, len - at, CALL_BYTES);
			if (get_part(dev, offset + at, buf + at, part, &now))
				dev_dbg(&vdev->dev, "no such configuration\n");
			if (!at)
				first = now;
		}
	} while (now != first);
}

static void set(struct virtio_device *vdev, unsigned int offset,
		const void *buf, unsigned int len)
{
	struct vl_dev *dev = vl_dev_of(vdev);
	unsigned int at, part;

	for (at = 0; at < len; at += part) {
		u64 words[8] = { 0 };

		part = min_t(unsigned int, len - at, CALL_BYTES);
		memcpy(words, buf + at, part);
		if (vl_call(dev->bus, dev->slot, LGUEST_VIRTIO_SET_CONFIG,
			    offset + at, part, words) < 0)
			dev_dbg(&vdev->dev, "configuration is not ours\n");
	}
}

static const char *bus_name(struct virtio_device *vdev)
{
	return dev_name(vl_dev_of(vdev)->bus->parent);
}

static const struct virtio_config_ops ops = {
	.get = get,
	.set = set,
	.generation = generation,
	.get_status = get_status,
	.set_status = set_status,
	.reset = reset,
	.find_vqs = vl_find_vqs,
	.del_vqs = vl_del_vqs,
	.synchronize_cbs = vl_synchronize_cbs,
	.get_features = get_features,
	.finalize_features = finalize_features,
	.bus_name = bus_name,
	.set_vq_affinity = vl_set_vq_affinity,
};

/* ---- it changes, or fails ---- */

/*
 * Linux has no driver that takes a device out of DEVICE_NEEDS_RESET.  So that
 * nobody waits for one that has stopped, it is broken here, too.
 */
static void look(struct work_struct *work)
{
	struct vl_dev *dev = container_of(work, struct vl_dev, look);

	if (dev->failed ||
	    !(get_status(&dev->vdev) & VIRTIO_CONFIG_S_NEEDS_RESET))
		return;
	dev->failed = true;
	dev_err(&dev->vdev.dev, "it has failed, and the host knows why\n");
	virtio_break_device(&dev->vdev);
}

static irqreturn_t on_config(int irq, void *data)
{
	struct vl_dev *dev = data;

	virtio_config_changed(&dev->vdev);
	schedule_work(&dev->look);
	return IRQ_HANDLED;
}

/* ---- it comes and goes ---- */

static void drop_irq(struct vl_dev *dev)
{
	vl_irq_drop(&dev->config_irq);
	cancel_work_sync(&dev->look);
}

static void release(struct device *device)
{
	kfree(vl_dev_of(dev_to_virtio(device)));
}

/* vl_dev_create - for what PROBE has found in a slot; or ERR_PTR() */
struct vl_dev *vl_dev_create(struct vl_bus *bus, u32 slot, const u64 words[8])
{
	struct vl_dev *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int r;

	if (!dev)
		return ERR_PTR(-ENOMEM);
	dev->bus = bus;
	dev->slot = slot;
	dev->serial = words[1];
	INIT_WORK(&dev->look, look);
	dev->vdev.id.device = words[0];
	dev->vdev.id.vendor = VENDOR;
	dev->vdev.config = &ops;
	dev->vdev.dev.parent = bus->parent;
	dev->vdev.dev.release = release;
	r = vl_irq_take(&dev->config_irq, vl_config_vector(slot), on_config,
			"virtio-config", dev);
	if (r < 0) {
		kfree(dev);
		return ERR_PTR(r);
	}
	r = register_virtio_device(&dev->vdev);
	if (r < 0) {
		drop_irq(dev);
		put_device(&dev->vdev.dev);
		return ERR_PTR(r);
	}
	return dev;
}

/* vl_dev_destroy - `gone`: it is not there any more, so nothing will be done */
void vl_dev_destroy(struct vl_dev *dev, bool gone)
{
	struct device *device = get_device(&dev->vdev.dev);

	if (gone)
		virtio_break_device(&dev->vdev);
	unregister_virtio_device(&dev->vdev);
	drop_irq(dev);
	put_device(device);
}
