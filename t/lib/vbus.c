// SPDX-License-Identifier: GPL-2.0-only
/*
 * vbus.c - what vbus.h promises
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "log.h"
#include "vbus.h"

static struct vbus *vbus_of(struct virtio_bus *bus)
{
	return (struct vbus *)bus;
}

static int wire(struct vq *vq, uint32_t vcpu, uint32_t vector)
{
	int r = vbus_of(vq->dev->bus)->wire_result;

	(void)vcpu;
	if (r < 0)
		return r;
	if (vq->kick_fd < 0)
		vq->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vq->call_fd >= 0)
		close(vq->call_fd);
	vq->call_fd = vector ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
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

static void interrupt(struct virtio_bus *bus, uint32_t vcpu, uint32_t vector)
{
	(void)vcpu;
	vbus_of(bus)->interrupts[vector & 255]++;
}

static void idle(struct virtio_dev *dev)
{
	vbus_of(dev->bus)->idle++;
}

static const struct virtio_bus_ops ops = {
	.wire = wire,
	.unwire = unwire,
	.interrupt = interrupt,
	.idle = idle,
};

void vbus_start(struct vbus *vbus)
{
	*vbus = (struct vbus){
		.bus = {
			.ops = &ops,
			.guest = "test",
			.base = event_base_new(),
			.mem = &vbus->mem,
			.vcpus = VBUS_VCPUS,
		},
	};
	log_init("vbus", getenv("VBUS_LOG") ? LOG_LEVEL_DEBUG : 2);
	if (!vbus->bus.base ||
	    guest_mem_create(&vbus->mem, "test", VBUS_RAM) < 0 ||
	    virtio_state_create(&vbus->bus.state, "test") < 0)
		bail_out("no memory for a bus");
}

static void detach_all(struct vbus *vbus)
{
	unsigned int slot;

	for (slot = 0; slot < LGUEST_VIRTIO_SLOTS; slot++) {
		if (vbus->bus.devs[slot])
			virtio_detach(vbus->bus.devs[slot]);
	}
}

void vbus_stop(struct vbus *vbus)
{
	detach_all(vbus);
	virtio_state_fini(&vbus->bus.state);
	guest_mem_fini(&vbus->mem);
	event_base_free(vbus->bus.base);
}

void vbus_add(struct vbus *vbus, struct virtio_dev *dev, unsigned int slot)
{
	int r = dev ? virtio_attach(&vbus->bus, dev, slot) : -ENOMEM;

	if (r < 0)
		bail_out("no device: %s", strerror(-r));
}

void vbus_restart(struct vbus *vbus)
{
	const char *why = "";
	int fd = fcntl(vbus->bus.state.fd, F_DUPFD_CLOEXEC, 0);

	detach_all(vbus);
	virtio_state_fini(&vbus->bus.state);
	if (virtio_state_adopt(&vbus->bus.state, fd, VBUS_VCPUS, &why) < 0)
		bail_out("not adopted: %s", why);
}

/* All of a file, in memory of our own. */
static void *copy_of(int fd)
{
	struct stat st;
	char *copy;

	if (fstat(fd, &st) < 0)
		bail_out("fstat: %s", strerror(errno));
	copy = malloc((size_t)st.st_size);
	if (!copy || pread(fd, copy, (size_t)st.st_size, 0) != st.st_size)
		bail_out("memory cannot be copied");
	return copy;
}

static void put_back(int fd, void **copy)
{
	struct stat st;

	if (fstat(fd, &st) < 0 ||
	    pwrite(fd, *copy, (size_t)st.st_size, 0) != st.st_size)
		bail_out("memory cannot be put back");
	free(*copy);
	*copy = NULL;
}

void vbus_remember(struct vbus *vbus)
{
	vbus->then[0] = copy_of(vbus->mem.fd);
	vbus->then[1] = copy_of(vbus->bus.state.fd);
}

void vbus_forget(struct vbus *vbus)
{
	detach_all(vbus);
	put_back(vbus->mem.fd, &vbus->then[0]);
	put_back(vbus->bus.state.fd, &vbus->then[1]);
}

int vbus_call(struct vbus *vbus, struct lguest_virtio_call call)
{
	uint64_t token;

	call.result = 1234; /* which no call comes to */
	if (guest_mem_write(&vbus->mem, VBUS_CALL, &call, sizeof(call)) < 0)
		bail_out("RAM cannot be written");
	token = virtio_call(&vbus->bus, VBUS_CALL);
	if (guest_mem_read(&vbus->mem, VBUS_CALL, &call, sizeof(call)) < 0)
		bail_out("RAM cannot be read");
	memcpy(vbus->words, call.word, sizeof(vbus->words));
	return token ? 4321 : call.result;
}

int vbus_ask(struct vbus *vbus, uint32_t op, uint32_t slot, uint64_t a,
	     uint64_t b)
{
	return vbus_call(vbus, (struct lguest_virtio_call){
				       .op = op,
				       .slot = slot,
				       .word = { a, b },
			       });
}

int vbus_up(struct vbus *vbus, uint32_t slot, uint64_t features)
{
	const uint64_t steps[] = { 0, 1, 3 };
	unsigned int i;
	int r = 0;

	for (i = 0; i < 3 && !r; i++)
		r = vbus_ask(vbus, LGUEST_VIRTIO_SET_STATUS, slot, steps[i], 0);
	if (!r)
		r = vbus_ask(vbus, LGUEST_VIRTIO_SET_FEATURES, slot, features,
			     0);
	if (!r)
		r = vbus_ask(vbus, LGUEST_VIRTIO_SET_STATUS, slot, 11, 0);
	if (!r)
		r = vbus_ask(vbus, LGUEST_VIRTIO_GET_STATUS, slot, 0, 0);
	return r ? r : vbus->words[0] == 11 ? 0 : -EPROTO;
}

int vbus_queue(struct vbus *vbus, uint32_t slot, uint32_t index, uint16_t size,
	       uint64_t gpa, uint32_t vector)
{
	/* Descriptors, the driver's area and the device's, a page each. */
	return vbus_call(vbus, (struct lguest_virtio_call){
				       .op = LGUEST_VIRTIO_SET_QUEUE,
				       .slot = slot,
				       .index = index,
				       .word = { size, gpa, gpa + 0x1000,
						 gpa + 0x2000, 0, vector },
			       });
}

int vbus_run(struct vbus *vbus, uint32_t slot)
{
	return vbus_ask(vbus, LGUEST_VIRTIO_SET_STATUS, slot, 15, 0);
}

void vbus_turn(struct vbus *vbus)
{
	event_base_loop(vbus->bus.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

uint64_t vbus_signals(struct vbus *vbus, uint32_t slot, uint32_t index)
{
	const struct vq *vq = &vbus->bus.devs[slot]->vqs[index];
	uint64_t count = 0;

	if (vq->call_fd < 0 || read(vq->call_fd, &count, sizeof(count)) < 0)
		return 0;
	return count;
}
