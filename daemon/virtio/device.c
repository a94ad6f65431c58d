// SPDX-License-Identifier: GPL-2.0-only
/*
 * device.c - what every device has in common
 *
 * A driver takes a device through the steps of virtio 1.2, section 3.1: it is
 * acknowledged, features are agreed on, queues are set up, DRIVER_OK.  Only then
 * is guest memory looked at, and only until a reset.  What differs between
 * devices is in struct virtio_ops, and is called from here.
 *
 * Steps are refused when it is not their turn, and nothing has happened then.
 * A driver that breaks the rules of its rings is another matter: the device
 * stops, says DEVICE_NEEDS_RESET, and has written down why.
 *
 * What must never happen: that a device touches guest memory after its reset is
 * over; or that one guest, with one queue, keeps us from all others.  So a
 * device that is not done yet says so, and a kick that was not served to its end
 * has another turn behind everybody else.
 *
 * Where we stand: transport.c knows what the driver wants and of which device.
 * Start at virtio_set_status(), at the end.
 *
 * Next: daemon/virtio/transport.c
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "../log.h"
#include "virtio.h"

#define BIT(n) (1ULL << (n))

/* Of all rings.  Without VERSION_1 we do not understand each other. */
#define RING_FEATURES                                          \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_PACKED) | \
	 BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_RING_F_INDIRECT_DESC))

#define STATUS_BITS                                                \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |    \
	 VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FEATURES_OK | \
	 VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED)

/* ---- kicks ---- */

static void write_event(int fd)
{
	const uint64_t one = 1;

	/* It fails if it is full, and then one is under way. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

/* A timer that is due: the loop looks at everybody's events first. */
void virtio_again(struct vq *vq)
{
	static const struct timeval now = { .tv_sec = 0 };

	event_add(&vq->turn, &now);
}

/*
 * A kick or our turn.  Nobody reads the eventfd, so as not to pay for it: each
 * kick is an edge, also one that comes while we look, and nothing else is asked.
 */
static void on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct vq *vq = arg;

	(void)fd;
	(void)what;
	if (vq->broken || !vq->dev->running)
		return;
	if (vq->dev->ops->on_kick(vq->dev, vq))
		virtio_again(vq);
}

static int watch_kicks(struct vq *vq)
{
	evtimer_assign(&vq->turn, vq->dev->base, on_kick, vq);
	event_assign(&vq->kick, vq->dev->base, vq->kick_fd,
		     EV_READ | EV_PERSIST | EV_ET, on_kick, vq);
	return event_add(&vq->kick, NULL) < 0 ? -ENOMEM : 0;
}

/* Also of a queue that has none, or that was never watched. */
static void ignore_kicks(struct vq *vq)
{
	if (!event_initialized(&vq->kick))
		return;
	event_del(&vq->kick);
	event_del(&vq->turn);
}

/* ---- on a bus, and off ---- */

static void place(struct virtio_bus *bus, struct virtio_dev *dev,
		  unsigned int slot)
{
	const struct virtio_state *state = &bus->state;
	unsigned int i;

	dev->bus = bus;
	dev->guest = bus->guest;
	dev->base = bus->base;
	dev->mem = bus->mem;
	dev->slot = slot;
	dev->state = &state->devs[slot];
	dev->offered |= RING_FEATURES;
	for (i = 0; i < dev->queue_count; i++) {
		dev->vqs[i].dev = dev;
		dev->vqs[i].index = i;
		dev->vqs[i].state =
			&state->vqs[slot * LGUEST_VIRTIO_QUEUES + i];
		dev->vqs[i].kick_fd = -1;
		dev->vqs[i].call_fd = -1;
		if (!dev->vqs[i].size_max)
			dev->vqs[i].size_max = VQ_SIZE_MAX;
	}
	bus->devs[slot] = dev;
}

int virtio_attach(struct virtio_bus *bus, struct virtio_dev *dev,
		  unsigned int slot)
{
	int r = virtio_state_room(&bus->state, slot, dev->queue_count);
	unsigned int i;

	if (r < 0)
		return r;
	place(bus, dev, slot);
	for (i = 0; i < dev->queue_count; i++)
		memset(dev->vqs[i].state, 0, sizeof(*dev->vqs[i].state));
	*dev->state = (struct virtio_dev_state){
		.serial = ++bus->state.head->serial,
		.queue_count = dev->queue_count,
	};
	memcpy(dev->state->label, dev->label, sizeof(dev->label));
	dev->state->id = dev->ops->id; /* from here on it is there */
	return 0;
}

void virtio_detach(struct virtio_dev *dev)
{
	unsigned int i;

	if (dev->running && dev->ops->detach)
		dev->ops->detach(dev);
	for (i = 0; i < dev->queue_count; i++) {
		ignore_kicks(&dev->vqs[i]);
		if (dev->running && dev->vqs[i].state->size)
			vq_stop(&dev->vqs[i]);
		dev->bus->ops->unwire(&dev->vqs[i]);
	}
	dev->bus->devs[dev->slot] = NULL;
	dev->ops->destroy(dev);
}

void virtio_release(struct virtio_dev *dev)
{
	dev->state->id = 0;
	virtio_detach(dev);
}

/* ---- the reset ---- */

static void finish_reset(struct virtio_dev *dev)
{
	struct virtio_dev_state *state = dev->state;
	unsigned int i;

	for (i = 0; i < dev->queue_count; i++) {
		if (dev->running && dev->vqs[i].state->size)
			vq_stop(&dev->vqs[i]);
		memset(dev->vqs[i].state, 0, sizeof(*dev->vqs[i].state));
		dev->vqs[i].broken = false;
	}
	dev->running = false;
	state->features = 0;
	state->vcpu = 0;
	state->vector = 0;
	state->why[0] = '\0';
	state->status = 0; /* the last, for who comes after us */
	dev->bus->ops->idle(dev);
}

void virtio_reset_done(struct virtio_dev *dev)
{
	if (dev->state->status & VIRTIO_STATUS_RESETTING)
		finish_reset(dev);
}

static void break_queues(struct virtio_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->queue_count; i++) {
		dev->vqs[i].broken = true;
		ignore_kicks(&dev->vqs[i]);
	}
}

void virtio_reset(struct virtio_dev *dev)
{
	if (dev->state->status & VIRTIO_STATUS_RESETTING)
		return;
	dev->state->status |= VIRTIO_STATUS_RESETTING;
	break_queues(dev);
	if (dev->resuming)
		return; /* and virtio_resume() ends it */
	if (!dev->running || !dev->ops->reset || dev->ops->reset(dev))
		finish_reset(dev);
}

/* ---- it goes wrong, or is another ---- */

static void tell_config(struct virtio_dev *dev)
{
	if (dev->state->vector)
		dev->bus->ops->interrupt(dev->bus, dev->state->vcpu,
					 dev->state->vector);
}

void virtio_fail(struct virtio_dev *dev, const char *fmt, ...)
{
	struct virtio_dev_state *state = dev->state;
	va_list args;

	/* One reason is enough, and enough of a guest in our log. */
	if (state->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	va_start(args, fmt);
	vsnprintf(state->why, sizeof(state->why), fmt, args);
	va_end(args);
	state->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	break_queues(dev);
	log_say(LOG_LEVEL_WARNING, dev->guest, "%s: needs a reset: %s",
		dev->label, state->why);
	tell_config(dev);
}

void virtio_config_changed(struct virtio_dev *dev)
{
	dev->state->generation++;
	if (dev->running)
		tell_config(dev);
}

int virtio_get_config(const struct virtio_dev *dev, size_t offset, size_t len,
		      void *to)
{
	if (offset > dev->config_bytes || len > dev->config_bytes - offset)
		return -EINVAL;
	if (len) /* a device may have no configuration at all */
		memcpy(to, (const char *)dev->config + offset, len);
	return 0;
}

int virtio_set_config(struct virtio_dev *dev, size_t offset, size_t len,
		      const void *from)
{
	char old[LGUEST_VIRTIO_CONFIG_BYTES];
	char *config = dev->config;
	int r;

	if (offset > dev->config_bytes || len > dev->config_bytes - offset ||
	    len > sizeof(old))
		return -EINVAL;
	if (!dev->ops->set_config)
		return -EPERM;
	memcpy(old, config + offset, len);
	memcpy(config + offset, from, len);
	r = dev->ops->set_config(dev, offset, len);
	if (r < 0)
		memcpy(config + offset, old, len);
	return r;
}

/* ---- the steps of a driver ---- */

static int wire(struct vq *vq)
{
	return vq->dev->bus->ops->wire(vq, vq->state->vcpu, vq->state->vector);
}

/* Queues that the driver has set up, then the device itself. */
static int start_device(struct virtio_dev *dev)
{
	unsigned int i;
	int r = 0;

	dev->running = true;
	for (i = 0; i < dev->queue_count && r == 0; i++) {
		if (!dev->vqs[i].state->size)
			continue;
		if (dev->vqs[i].kick_fd < 0)
			r = wire(&dev->vqs[i]);
		if (r == 0)
			r = vq_start(&dev->vqs[i], dev->state->features);
	}
	if (r == 0 && dev->ops->start)
		r = dev->ops->start(dev);
	for (i = 0; i < dev->queue_count && r == 0; i++) {
		if (dev->vqs[i].state->size && !dev->vqs[i].broken)
			r = watch_kicks(&dev->vqs[i]);
	}
	if (r < 0)
		virtio_fail(dev, "it cannot start: %s", strerror(-r));
	return r;
}

int virtio_set_features(struct virtio_dev *dev, uint64_t low, uint64_t high)
{
	uint32_t status = dev->state->status;

	if (!(status & VIRTIO_CONFIG_S_DRIVER) ||
	    status & VIRTIO_CONFIG_S_FEATURES_OK)
		return -EBUSY;
	/* What we do not have is no error: FEATURES_OK will not stay set. */
	dev->state->features = high ? 0 : low;
	return 0;
}

static bool features_will_do(const struct virtio_dev *dev)
{
	uint64_t wanted = dev->state->features;

	return !(wanted & ~dev->offered) && wanted & BIT(VIRTIO_F_VERSION_1);
}

/* May these come on top of what is there? */
static bool is_next_step(uint32_t old, uint32_t new)
{
	uint32_t added = new & ~old;

	if (added & VIRTIO_CONFIG_S_NEEDS_RESET)
		return false; /* that is ours to say */
	if (added & VIRTIO_CONFIG_S_DRIVER &&
	    !(new &VIRTIO_CONFIG_S_ACKNOWLEDGE))
		return false;
	if (added & VIRTIO_CONFIG_S_FEATURES_OK &&
	    !(old & VIRTIO_CONFIG_S_DRIVER))
		return false;
	return !(added & VIRTIO_CONFIG_S_DRIVER_OK) ||
	       old & VIRTIO_CONFIG_S_FEATURES_OK;
}

uint64_t virtio_status(const struct virtio_dev *dev)
{
	return dev->state->status & 0xff;
}

int virtio_set_status(struct virtio_dev *dev, uint64_t status)
{
	uint32_t old = dev->state->status, new = (uint32_t)status;

	if (status == 0) {
		virtio_reset(dev);
		return 0;
	}
	if (old & VIRTIO_STATUS_RESETTING)
		return -EBUSY;
	/* Only a reset takes steps back. */
	if (status & ~(uint64_t)STATUS_BITS || old & ~new ||
	    !is_next_step(old, new))
		return -EINVAL;
	if (new & ~old & VIRTIO_CONFIG_S_FEATURES_OK && !features_will_do(dev))
		new &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
	dev->state->status = new;
	if (new & ~old & VIRTIO_CONFIG_S_DRIVER_OK &&
	    !(new &VIRTIO_CONFIG_S_NEEDS_RESET))
		start_device(dev);
	return 0;
}

/* ---- a daemon before us had it ---- */

static bool is_served(const struct virtio_dev *dev)
{
	uint32_t status = dev->state->status;

	return status & VIRTIO_CONFIG_S_DRIVER_OK &&
	       !(status &
		 (VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_STATUS_RESETTING));
}

void virtio_resume(struct virtio_dev *dev)
{
	unsigned int i;

	/* Its driver may have had other plans meanwhile. */
	dev->resuming = false;
	if (dev->state->status & VIRTIO_STATUS_RESETTING) {
		finish_reset(dev);
		return;
	}
	if (dev->running || !is_served(dev) || start_device(dev) < 0)
		return;
	/*
	 * Kicks and interrupts that were under way went with the old one's
	 * eventfds.  One too many is nothing, one too few is for ever.
	 */
	for (i = 0; i < dev->queue_count; i++) {
		if (!dev->vqs[i].state->size || dev->vqs[i].broken)
			continue;
		write_event(dev->vqs[i].kick_fd);
		if (dev->vqs[i].call_fd >= 0)
			write_event(dev->vqs[i].call_fd);
	}
	tell_config(dev);
}

int virtio_adopt(struct virtio_bus *bus, struct virtio_dev *dev,
		 unsigned int slot)
{
	const struct virtio_dev_state *state = &bus->state.devs[slot];
	int r;

	if (state->id != dev->ops->id || state->queue_count != dev->queue_count)
		return -EINVAL;
	/* Until they are agreed on they are a driver's wish, and may be any. */
	if (state->status & VIRTIO_CONFIG_S_FEATURES_OK &&
	    state->features & ~(dev->offered | RING_FEATURES))
		return -EINVAL;
	r = virtio_state_room(&bus->state, slot, dev->queue_count);
	if (r < 0)
		return r;
	place(bus, dev, slot);
	if (!(state->status &
	      (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_STATUS_RESETTING)))
		return 0;
	/* Failed or in its reset: what was under way then may still be so. */
	dev->resuming = dev->ops->resume && !dev->ops->resume(dev);
	if (!dev->resuming)
		virtio_resume(dev);
	return 0;
}
