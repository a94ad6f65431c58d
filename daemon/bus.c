// SPDX-License-Identifier: GPL-2.0-only
/*
 * bus.c - the devices of a guest, and their wires
 *
 * A guest's devices are those its configuration asks for, in slots of a bus that
 * is made with its machine and ends with it.  A device tells a driver of its
 * answers by an eventfd that lg.ko turns into an interrupt, and is told of kicks
 * by one that lg.ko writes when the guest says a token.  Both are ours alone:
 * who comes after us makes new ones, and lg.ko lets go of a wire when its
 * eventfd is closed.  What has to survive is in state.c's memory.
 *
 * Three ends.  A guest that is over has its devices reset, and only when that is
 * done does its machine go, since a disk may be writing to its RAM until then.  A
 * device that is taken out is reset, and its slot is empty when that is done.  And
 * if it is us who end, the devices are let go of just as they are.
 *
 * What must never happen: that anything of this waits.
 *
 * Where we stand: at door 6.  machine.c makes a bus, exit.c hears guests say
 * tokens, and the files of virtio/ know what they mean.
 *
 * Next: daemon/devices.c
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "virtio/virtio.h"
#include "vm.h"

struct bus {
	struct virtio_bus virtio;
	struct vm *vm;
	bool stopping; /* bus_stop() waits for resets */
	struct event work; /* on_work(): a device has become idle */
};

static struct bus *bus_of(struct virtio_bus *virtio)
{
	return (struct bus *)virtio; /* its first member */
}

/* ---- wires ---- */

static int new_event(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

/* The way in, once for as long as the device is there. */
static int wire_kick(const struct vm *vm, struct vq *vq)
{
	uint64_t token = LGUEST_TOKEN(
		LGUEST_TOKEN_KICK,
		LGUEST_VIRTIO_KICK_ARG((uint64_t)vq->dev->slot, vq->index));
	int r, fd;

	if (vq->kick_fd >= 0)
		return 0;
	fd = new_event();
	if (fd < 0)
		return fd;
	r = lgdev_notifyfd(vm->machine.vm, fd, token);
	if (r < 0) {
		close(fd);
		return r;
	}
	vq->kick_fd = fd;
	return 0;
}

/* To cut a wire by a call means to wait for all CPUs; to close it does not. */
static int wire(struct vq *vq, uint32_t vcpu, uint32_t vector)
{
	const struct vm *vm = bus_of(vq->dev->bus)->vm;
	int fd = -1, r = wire_kick(vm, vq);

	if (r < 0)
		return r;
	if (vector) {
		fd = new_event();
		if (fd < 0)
			return fd;
		r = lgdev_irqfd(vm->machine.vm, fd, vcpu, vector);
		if (r < 0) {
			close(fd);
			return r;
		}
		/* What was for the old vector may not have been heard. */
		if (vq->dev->running)
			eventfd_write(fd, 1);
	}
	if (vq->call_fd >= 0)
		close(vq->call_fd);
	vq->call_fd = fd;
	return 0;
}

static void unwire(struct vq *vq)
{
	if (vq->kick_fd >= 0)
		close(vq->kick_fd);
	if (vq->call_fd >= 0)
		close(vq->call_fd);
	vq->kick_fd = -1;
	vq->call_fd = -1;
}

static void interrupt(struct virtio_bus *virtio, uint32_t vcpu, uint32_t vector)
{
	lgdev_interrupt(bus_of(virtio)->vm->machine.vm, vcpu, vector);
}

/* Who is in the middle of a reset is not freed under his own feet. */
static void idle(struct virtio_dev *dev)
{
	struct bus *bus = bus_of(dev->bus);

	if (dev->leaving || bus->stopping)
		event_active(&bus->work, 0, 0);
}

static const struct virtio_bus_ops ops = {
	.wire = wire,
	.unwire = unwire,
	.interrupt = interrupt,
	.idle = idle,
};

/* ---- devices that come and go ---- */

static void tell_listener(struct bus *bus)
{
	const struct virtio_head *head = bus->virtio.state.head;

	if (head->listen_vector)
		interrupt(&bus->virtio, head->listen_vcpu, head->listen_vector);
}

static struct virtio_dev *find_dev(const struct bus *bus, const char *label)
{
	unsigned int slot;

	for (slot = 0; slot < LGUEST_VIRTIO_SLOTS; slot++) {
		struct virtio_dev *dev = bus->virtio.devs[slot];

		if (dev && !strcmp(dev->label, label))
			return dev;
	}
	return NULL;
}

/* The first empty slot; or the one it had, which was `adopted`. */
static int place(struct bus *bus, struct virtio_dev *dev, bool adopted)
{
	struct virtio_bus *virtio = &bus->virtio;
	unsigned int slot;

	for (slot = 0; slot < LGUEST_VIRTIO_SLOTS; slot++) {
		const struct virtio_dev_state *state =
			&virtio->state.devs[slot];

		if (!adopted && !state->id)
			return virtio_attach(virtio, dev, slot);
		if (adopted && state->id && !virtio->devs[slot] &&
		    !strcmp(state->label, dev->label))
			return virtio_adopt(virtio, dev, slot);
	}
	return adopted ? -ENOENT : -ENOSPC;
}

int bus_add(struct vm *vm, struct virtio_dev *dev, struct why *why)
{
	struct bus *bus = vm->machine.bus;
	int r = -ENODEV;

	if (bus && find_dev(bus, dev->label))
		r = -EEXIST;
	else if (bus)
		r = place(bus, dev, /* adopted= */ false);
	if (r < 0) {
		why_say(why, r, "%s: %s: no device: %s", vm_name(vm),
			dev->label, strerror(-r));
		dev->ops->destroy(dev);
		return r;
	}
	tell_listener(bus);
	return 0;
}

int bus_remove(struct vm *vm, const char *label, struct why *why)
{
	struct bus *bus = vm->machine.bus;
	struct virtio_dev *dev = bus ? find_dev(bus, label) : NULL;

	if (!dev || dev->leaving)
		return why_say(why, -ENOENT, "%s: %s: no such device",
			       vm_name(vm), label);
	dev->leaving = true;
	virtio_reset(dev);
	return 0;
}

struct virtio_dev *bus_find(const struct vm *vm, const char *label)
{
	return vm->machine.bus ? find_dev(vm->machine.bus, label) : NULL;
}

static bool is_idle(const struct virtio_dev *dev)
{
	return !dev->running && !dev->state->status;
}

static bool all_idle(const struct bus *bus)
{
	unsigned int slot;

	for (slot = 0; slot < LGUEST_VIRTIO_SLOTS; slot++) {
		if (bus->virtio.devs[slot] && !is_idle(bus->virtio.devs[slot]))
			return false;
	}
	return true;
}

static void on_work(evutil_socket_t fd, short what, void *arg)
{
	struct bus *bus = arg;
	unsigned int slot;

	(void)fd;
	(void)what;
	for (slot = 0; slot < LGUEST_VIRTIO_SLOTS; slot++) {
		struct virtio_dev *dev = bus->virtio.devs[slot];

		if (!dev || !dev->leaving || !is_idle(dev))
			continue;
		virtio_release(dev);
		tell_listener(bus);
	}
	if (bus->stopping && all_idle(bus)) {
		bus->stopping = false;
		vm_on_devices_idle(bus->vm);
	}
}

bool bus_stop(struct vm *vm)
{
	struct bus *bus = vm->machine.bus;
	struct virtio_dev *dev;
	unsigned int slot;

	if (!bus)
		return true;
	dev = find_dev(bus, "console");
	if (dev)
		vconsole_drain(dev); /* its last words */
	for (slot = 0; slot < LGUEST_VIRTIO_SLOTS; slot++) {
		if (bus->virtio.devs[slot] && !is_idle(bus->virtio.devs[slot]))
			virtio_reset(bus->virtio.devs[slot]);
	}
	bus->stopping = !all_idle(bus);
	return !bus->stopping;
}

/* ---- what a configuration asks for ---- */

/* A device that a daemon before us had and that we cannot have is no more. */
static void lose(struct bus *bus, const struct virtio_dev *dev, int r)
{
	log_say(LOG_LEVEL_WARNING, bus->virtio.guest, "%s: not adopted: %s",
		dev->label, r == -ENOENT ? "it was not there" : strerror(-r));
}

static int make_all(struct bus *bus, const struct device_maker *maker,
		    bool adopted, struct why *why)
{
	struct vm *vm = bus->vm;
	struct virtio_dev *dev;
	unsigned int number;
	int r;

	for (number = 0;; number++) {
		dev = NULL;
		r = maker->make(vm, number, &dev, why);
		if (r < 0 && *why->text)
			return why_say(why, r, "%s: %s", vm_name(vm),
				       why->text);
		if (r < 0)
			return why_say(why, r, "%s: %s: %s", vm_name(vm),
				       maker->what, strerror(-r));
		if (!dev)
			return 0;
		r = place(bus, dev, adopted);
		if (r < 0 && adopted)
			lose(bus, dev, r);
		if (r < 0)
			dev->ops->destroy(dev);
		if (r < 0 && !adopted)
			return why_say(why, r, "%s: %s: no device: %s",
				       vm_name(vm), maker->what, strerror(-r));
	}
}

/* Slots whose device nobody has made again: the guest sees it go. */
static void empty_others(struct bus *bus)
{
	struct virtio_state *state = &bus->virtio.state;
	unsigned int slot;

	for (slot = 0; slot < LGUEST_VIRTIO_SLOTS; slot++) {
		if (!state->devs[slot].id || bus->virtio.devs[slot])
			continue;
		state->devs[slot].id = 0;
		tell_listener(bus);
	}
}

static struct bus *new_bus(struct vm *vm)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return NULL;
	bus->vm = vm;
	bus->virtio = (struct virtio_bus){
		.ops = &ops,
		.guest = vm_name(vm),
		.base = vm->lguestd->base,
		.mem = &vm->machine.mem,
		.vcpus = vm->conf->cpus,
		.state = { .fd = -1 },
	};
	event_assign(&bus->work, vm->lguestd->base, -1, 0, on_work, bus);
	return bus;
}

static int fill(struct bus *bus, bool adopted, struct why *why)
{
	struct why said;
	size_t i;
	int r = 0;

	for (i = 0; device_makers[i].what; i++) {
		said.text[0] = '\0';
		r = make_all(bus, &device_makers[i], adopted, &said);
		if (r < 0 && !adopted)
			return why_say(why, r, "%s", said.text);
		if (r < 0)
			log_say(LOG_LEVEL_WARNING, bus->virtio.guest, "%s",
				said.text);
	}
	return 0;
}

int bus_create(struct vm *vm, struct why *why)
{
	struct bus *bus = new_bus(vm);
	int r = -ENOMEM;

	vm->machine.bus = bus;
	if (bus)
		r = virtio_state_create(&bus->virtio.state, vm_name(vm));
	if (r < 0)
		return why_say(why, r, "%s: devices: %s", vm_name(vm),
			       strerror(-r));
	return fill(bus, /* adopted= */ false, why);
}

int bus_adopt(struct vm *vm, int fd, struct why *why)
{
	struct bus *bus = new_bus(vm);
	const char *said = "no memory";
	int r = -ENOMEM;

	vm->machine.bus = bus;
	if (bus)
		r = virtio_state_adopt(&bus->virtio.state, fd, vm->conf->cpus,
				       &said);
	if (r < 0) {
		bus_free(vm);
		return why_say(why, r, "devices: %s", said);
	}
	fill(bus, /* adopted= */ true, why);
	empty_others(bus);
	return 0;
}

void bus_free(struct vm *vm)
{
	struct bus *bus = vm->machine.bus;
	unsigned int slot;

	if (!bus)
		return;
	for (slot = 0; slot < LGUEST_VIRTIO_SLOTS; slot++) {
		if (bus->virtio.devs[slot])
			virtio_detach(bus->virtio.devs[slot]);
	}
	event_del(&bus->work);
	virtio_state_fini(&bus->virtio.state);
	free(bus);
	vm->machine.bus = NULL;
}

int bus_fd(const struct vm *vm)
{
	return vm->machine.bus ? vm->machine.bus->virtio.state.fd : -1;
}

/* ---- what the guest says, and what can be said of it ---- */

uint64_t bus_call(struct vm *vm, uint64_t gpa)
{
	return vm->machine.bus ? virtio_call(&vm->machine.bus->virtio, gpa)
			       : LGUEST_TOKEN_UNKNOWN;
}

uint64_t bus_kick(struct vm *vm, uint64_t arg)
{
	return vm->machine.bus ? virtio_kick(&vm->machine.bus->virtio, arg)
			       : LGUEST_TOKEN_UNKNOWN;
}

static const char *status_word(const struct virtio_dev *dev)
{
	uint32_t status = dev->state->status;

	if (dev->leaving)
		return "leaving";
	if (status & VIRTIO_STATUS_RESETTING)
		return "resetting";
	if (status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return "needs reset";
	if (status & VIRTIO_CONFIG_S_FAILED)
		return "failed";
	if (status & VIRTIO_CONFIG_S_DRIVER_OK)
		return "running";
	return status & VIRTIO_CONFIG_S_DRIVER ? "starting" : "idle";
}

static json_t *describe(struct virtio_dev *dev)
{
	char why[4 * sizeof(dev->state->why)];
	json_t *json;

	log_escape(why, sizeof(why), dev->state->why, sizeof(dev->state->why));
	json = json_pack("{ss ss si ss ss}", "name", dev->label, "device",
			 dev->ops->name, "slot", (int)dev->slot, "status",
			 status_word(dev), "why", why);
	if (json && dev->ops->describe)
		dev->ops->describe(dev, json);
	return json;
}

json_t *bus_describe(const struct vm *vm)
{
	json_t *devices = json_array();
	unsigned int slot;

	for (slot = 0; vm->machine.bus && slot < LGUEST_VIRTIO_SLOTS; slot++) {
		if (vm->machine.bus->virtio.devs[slot])
			json_array_append_new(
				devices,
				describe(vm->machine.bus->virtio.devs[slot]));
	}
	return devices;
}
