// SPDX-License-Identifier: GPL-2.0-only
/*
 * state.c - what must not die with us, of a guest's devices
 *
 * One memfd for each start of a guest, kept by systemd like its RAM and mapped
 * by whichever daemon serves it: what a driver has negotiated, where its rings
 * are, and which of its requests are out.  It is not a copy that is saved now
 * and then.  It is where the rings and devices keep these things, so there is no
 * moment at which to be killed would lose any.
 *
 * What must never happen: that we believe it.  It was written by a program of
 * ours, perhaps an older one, perhaps one that crashed.  So it is looked at as a
 * file first, and whatever is used as an index or a number of things is held
 * against its limits before it is mapped.  What it says of addresses is for
 * vq_start() to check, as it does for a driver.
 *
 * Nor may a page of it be touched that there may be no memory for: see
 * virtio_state_room().
 *
 * Next: daemon/virtio/rng.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "virtio.h"

#define STATE_MAGIC 0x73656369766564ULL /* "devices" */
#define STATE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

#define QUEUES ((size_t)LGUEST_VIRTIO_SLOTS * LGUEST_VIRTIO_QUEUES)

/* Head, devices, queues, one after the other. */
#define DEVS_AT     sizeof(struct virtio_head)
#define VQS_AT      (DEVS_AT + LGUEST_VIRTIO_SLOTS * sizeof(struct virtio_dev_state))
#define STATE_BYTES (VQS_AT + QUEUES * sizeof(struct vq_state))

_Static_assert(sizeof(struct virtio_head) % 8 == 0 &&
		       sizeof(struct virtio_dev_state) % 8 == 0,
	       "what follows is aligned");

static const struct virtio_head fresh = {
	.magic = STATE_MAGIC,
	.version = VIRTIO_STATE_VERSION,
	.head_bytes = sizeof(struct virtio_head),
	.dev_bytes = sizeof(struct virtio_dev_state),
	.vq_bytes = sizeof(struct vq_state),
	.slots = LGUEST_VIRTIO_SLOTS,
	.queues = LGUEST_VIRTIO_QUEUES,
};

static off_t vq_at(unsigned int slot, unsigned int queue)
{
	return (off_t)(VQS_AT + (slot * LGUEST_VIRTIO_QUEUES + queue) *
					sizeof(struct vq_state));
}

static int map_state(struct virtio_state *state, int fd)
{
	char *map = mmap(NULL, STATE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			 fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	state->fd = fd;
	state->map = map;
	state->head = (void *)map;
	state->devs = (void *)(map + DEVS_AT);
	state->vqs = (void *)(map + VQS_AT);
	return 0;
}

/* A signal, a child's end say, interrupts this one; it has no other limit. */
static int have(int fd, off_t at, off_t bytes)
{
	int r;

	do
		r = fallocate(fd, 0, at, bytes);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static int fill(int fd)
{
	int r;

	if (ftruncate(fd, STATE_BYTES) < 0 ||
	    fcntl(fd, F_ADD_SEALS, STATE_SEALS) < 0)
		return -errno;
	r = have(fd, 0, VQS_AT);
	if (r < 0)
		return r;
	return pwrite(fd, &fresh, sizeof(fresh), 0) == sizeof(fresh) ? 0
								     : -ENOMEM;
}

int virtio_state_create(struct virtio_state *state, const char *guest)
{
	char label[64];
	int fd, r;

	snprintf(label, sizeof(label), "%s.devices", guest);
	fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	r = fill(fd);
	if (r == 0)
		r = map_state(state, fd);
	if (r < 0)
		close(fd);
	return r;
}

/* ---- one that a daemon before us has left ---- */

static const char *check_head(int fd, unsigned int vcpus)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct virtio_head head;
	struct stat st;

	if (seals < 0 || (seals & STATE_SEALS) != STATE_SEALS ||
	    fstat(fd, &st) < 0)
		return "not a file of ours";
	if (pread(fd, &head, sizeof(head), 0) != sizeof(head) ||
	    head.magic != fresh.magic)
		return "not the state of devices";
	if (head.version != fresh.version)
		return "of another version";
	if (head.head_bytes != fresh.head_bytes ||
	    head.dev_bytes != fresh.dev_bytes ||
	    head.vq_bytes != fresh.vq_bytes || head.slots != fresh.slots ||
	    head.queues != fresh.queues || st.st_size != STATE_BYTES)
		return "of other sizes";
	if (!virtio_vcpu_vector(head.listen_vcpu, head.listen_vector, vcpus))
		return "it listens on no such vector";
	return NULL;
}

static const char *check_queues(int fd, unsigned int slot, unsigned int count,
				unsigned int vcpus)
{
	struct vq_state vq;
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (pread(fd, &vq, sizeof(vq), vq_at(slot, i)) != sizeof(vq))
			return "a queue cannot be read";
		if (vq.size > VQ_SIZE_MAX)
			return "a queue is too large";
		if (!virtio_vcpu_vector(vq.vcpu, vq.vector, vcpus))
			return "a queue has no such vector";
	}
	return NULL;
}

static const char *check_dev(int fd, unsigned int slot, unsigned int vcpus)
{
	struct virtio_dev_state dev;
	off_t at = (off_t)(DEVS_AT + slot * sizeof(dev));

	if (pread(fd, &dev, sizeof(dev), at) != sizeof(dev))
		return "a device cannot be read";
	if (!dev.id)
		return NULL;
	if (dev.status & ~(0xffU | VIRTIO_STATUS_RESETTING))
		return "a device has no such status";
	if (dev.queue_count > LGUEST_VIRTIO_QUEUES)
		return "a device has too many queues";
	if (!virtio_vcpu_vector(dev.vcpu, dev.vector, vcpus))
		return "a device has no such vector";
	if (!memchr(dev.label, '\0', sizeof(dev.label)) ||
	    !memchr(dev.why, '\0', sizeof(dev.why)))
		return "a device's text has no end";
	return check_queues(fd, slot, dev.queue_count, vcpus);
}

int virtio_state_adopt(struct virtio_state *state, int fd, unsigned int vcpus,
		       const char **ret_why)
{
	const char *why = check_head(fd, vcpus);
	unsigned int slot;
	int r;

	for (slot = 0; !why && slot < LGUEST_VIRTIO_SLOTS; slot++)
		why = check_dev(fd, slot, vcpus);
	if (why) {
		*ret_why = why;
		return -EINVAL;
	}
	r = have(fd, 0, VQS_AT);
	if (r == 0)
		r = map_state(state, fd);
	if (r < 0)
		*ret_why = strerror(-r);
	return r;
}

int virtio_state_room(const struct virtio_state *state, unsigned int slot,
		      unsigned int queues)
{
	off_t bytes = (off_t)(queues * sizeof(struct vq_state));

	if (!queues)
		return 0;
	return have(state->fd, vq_at(slot, 0), bytes);
}

void virtio_state_fini(struct virtio_state *state)
{
	if (state->fd < 0)
		return;
	munmap(state->map, STATE_BYTES);
	close(state->fd);
	*state = (struct virtio_state){ .fd = -1 };
}
