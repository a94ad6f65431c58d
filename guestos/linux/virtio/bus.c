// SPDX-License-Identifier: GPL-2.0-only
/*
 * bus.c - virtio_lguest.ko: Linux finds the devices of a guest
 *
 * An ordinary module, of exported symbols only.  Our port, which is linked
 * behind the kernel, tells it of one platform device, and udev loads us for
 * that; on any other machine there is none.  We see what is in the slots of the
 * host's bus, make virtio devices of it, and Linux' own drivers do the rest.
 *
 * The host says when a device comes or goes, and we look at all slots again.
 * What is gone is gone: it was reset before its slot was empty, so its driver
 * is told not to wait for it.
 *
 * What must never happen: two calls at once, for they are made through one piece
 * of memory; or one from where nobody may sleep.
 *
 * Where we stand: the kernel runs, modules are loaded.  Start at probe().
 *
 * Next: guestos/linux/virtio/device.c
 */
#include <linux/io.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "virtio_lguest.h"

/*
 * vl_call - one call of the host's; sleeps
 *
 * 0, and words are the answer; or a negative errno, -ENODEV for an empty slot.
 */
int vl_call(struct vl_bus *bus, u32 slot, u32 op, u32 index, u32 bytes,
	    u64 words[8])
{
	struct lguest_virtio_call *call = bus->call;
	int r;

	mutex_lock(&bus->call_lock);
	*call = (struct lguest_virtio_call){
		.op = op,
		.slot = slot,
		.index = index,
		.bytes = bytes,
	};
	memcpy(call->word, words, sizeof(call->word));
	if (vl_hcall(LHCALL_NOTIFY,
		     LGUEST_TOKEN(LGUEST_TOKEN_VIRTIO, virt_to_phys(call))))
		r = -ENXIO;
	else
		r = call->result;
	memcpy(words, call->word, sizeof(call->word));
	mutex_unlock(&bus->call_lock);
	return r;
}

/* ---- what comes and goes ---- */

static void look_at(struct vl_bus *bus, u32 slot)
{
	u64 words[8] = { 0 };
	struct vl_dev *dev = bus->devs[slot];

	if (vl_call(bus, slot, LGUEST_VIRTIO_PROBE, 0, 0, words) < 0)
		words[0] = 0;
	if (dev && (!words[0] || words[1] != dev->serial)) {
		bus->devs[slot] = NULL;
		vl_dev_destroy(dev, /* gone= */ true);
		dev = NULL;
	}
	if (dev || !words[0])
		return;
	dev = vl_dev_create(bus, slot, words);
	if (IS_ERR(dev))
		dev_err(bus->parent, "slot %u: device %llu: no driver's: %ld\n",
			slot, words[0], PTR_ERR(dev));
	else
		bus->devs[slot] = dev;
}

static void scan(struct work_struct *work)
{
	struct vl_bus *bus = container_of(work, struct vl_bus, scan);
	u32 slot;

	for (slot = 0; slot < LGUEST_VIRTIO_SLOTS; slot++)
		look_at(bus, slot);
}

static irqreturn_t on_change(int irq, void *data)
{
	struct vl_bus *bus = data;

	schedule_work(&bus->scan);
	return IRQ_HANDLED;
}

static int listen(struct vl_bus *bus, unsigned int vector)
{
	u64 words[8] = { 0, vector };

	return vl_call(bus, 0, LGUEST_VIRTIO_LISTEN, 0, 0, words);
}

/* ---- the bus itself ---- */

static int probe(struct platform_device *pdev)
{
	struct device *parent = &pdev->dev;
	struct vl_bus *bus = devm_kzalloc(parent, sizeof(*bus), GFP_KERNEL);
	int r;

	if (!bus)
		return -ENOMEM;
	bus->call = devm_kzalloc(parent, sizeof(*bus->call), GFP_KERNEL);
	if (!bus->call)
		return -ENOMEM;
	bus->parent = parent;
	mutex_init(&bus->call_lock);
	INIT_WORK(&bus->scan, scan);
	r = vl_irq_take(&bus->listen, VL_LISTEN_VECTOR, on_change,
			"virtio-lguest", bus);
	if (r < 0)
		return r;
	/* Before we look, for what comes while we do. */
	r = listen(bus, VL_LISTEN_VECTOR);
	if (r < 0) {
		vl_irq_drop(&bus->listen);
		return r == -ENXIO ? -ENODEV : r; /* there is no daemon */
	}
	platform_set_drvdata(pdev, bus);
	schedule_work(&bus->scan);
	flush_work(&bus->scan);
	return 0;
}

static void let_go(struct platform_device *pdev)
{
	struct vl_bus *bus = platform_get_drvdata(pdev);
	u32 slot;

	listen(bus, 0);
	vl_irq_drop(&bus->listen);
	cancel_work_sync(&bus->scan);
	for (slot = 0; slot < LGUEST_VIRTIO_SLOTS; slot++) {
		if (bus->devs[slot])
			vl_dev_destroy(bus->devs[slot], /* gone= */ false);
	}
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
static int remove_op(struct platform_device *pdev)
{
	let_go(pdev);
	return 0;
}
#else
#define remove_op let_go
#endif

/* A guest that sleeps has nobody to wake it. */
static int refuse_sleep(struct device *device)
{
	dev_err(device, "a guest of lguest cannot sleep\n");
	return -EOPNOTSUPP;
}

static const struct dev_pm_ops pm_ops = { .prepare = refuse_sleep };

static struct platform_driver bus_driver = {
	.probe = probe,
	.remove = remove_op,
	.driver = {
		.name = "virtio-lguest",
		.pm = &pm_ops,
	},
};
module_platform_driver(bus_driver);

MODULE_ALIAS("platform:virtio-lguest");
MODULE_DESCRIPTION("virtio devices of a guest of lguest");
MODULE_LICENSE("GPL");
