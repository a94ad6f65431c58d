// SPDX-License-Identifier: GPL-2.0-only
/*
 * blk.c - requests that make no sense, to a disk
 *
 *	blk-fuzz [CORPUS] [libFuzzer's options]
 *
 * The input is a program for a driver: which parts a request has, what is in
 * them, when it kicks, resets the device, changes its configuration or lets the
 * loop turn.  The ring itself obeys the rules, since it has a fuzzer of its own.
 * Whatever was asked:
 *
 *	- who has an answer has it once, and it is one of the three;
 *	- the file is as long as it was;
 *	- a disk to be read is as it was.
 *
 * The sanitizers look for everything else.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>

#include "disk.h"
#include "log.h"
#include "tap.h"
#include "vbus.h"
#include "vdriver.h"

#define BIT(n)   (1ULL << (n))
#define SIZE     (64 * 1024)
#define RING     0x10000
#define PARTS    6
#define REQUESTS 32

#define FEATURES                                                           \
	(BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_DISCARD) |             \
	 BIT(VIRTIO_BLK_F_WRITE_ZEROES) | BIT(VIRTIO_BLK_F_CONFIG_WCE) |   \
	 BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
	 BIT(VIRTIO_F_RING_PACKED))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What is left of the input; zeros when it is at its end. */
static const uint8_t *input;
static size_t left;

static void take(void *to, size_t len)
{
	size_t some = len < left ? len : left;

	memset(to, 0, len);
	if (some)
		memcpy(to, input, some);
	input += some;
	left -= some;
}

static uint8_t take_byte(void)
{
	uint8_t byte;

	take(&byte, 1);
	return byte;
}

static struct vbus vbus;
static struct vdriver driver;
static struct uring *uring;
static bool readonly;
static unsigned int out;

static int new_file(void)
{
	int fd = memfd_create("disk", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, SIZE) < 0)
		abort();
	return fd;
}

static void start(void)
{
	uint64_t features = FEATURES;

	take(&features, 8);
	features &= FEATURES & vbus.bus.devs[0]->offered;
	features |= BIT(VIRTIO_F_VERSION_1);
	vdriver_init(&driver, &vbus.mem, RING, 64, features);
	out = 0;
	if (vbus_up(&vbus, 0, features) ||
	    vbus_call(&vbus,
		      (struct lguest_virtio_call){
			      .op = LGUEST_VIRTIO_SET_QUEUE,
			      .word = { 64, driver.desc, driver.driver,
					driver.device, 0, 33 } }) ||
	    vbus_run(&vbus, 0))
		abort();
}

/* A request out of the input: mostly a header, some data and a status. */
static void add(void)
{
	struct vdriver_part parts[PARTS];
	struct virtio_blk_outhdr head;
	unsigned int count = 0, i, more = take_byte() % (PARTS - 1);
	uint32_t bytes;

	if (out == REQUESTS)
		return;
	take(&head, sizeof(head));
	head.type &= 15;
	if (take_byte() & 3)
		head.sector %= SIZE / 512;
	bytes = take_byte() & 15 ? sizeof(head) : take_byte() % 20 + 1;
	parts[count++] = (struct vdriver_part){
		vdriver_put(&driver, &head, sizeof(head)), bytes, false
	};
	for (i = 0; i < more; i++) {
		uint64_t at = vdriver_room(&driver, 4096);

		take(vdriver_at(&driver, at), take_byte());
		bytes = take_byte() & 1 ? 512U * (take_byte() % 8 + 1)
					: take_byte() + 1U;
		parts[count] =
			(struct vdriver_part){ at, bytes, take_byte() & 1 };
		/* What it reads comes first, or it is the ring's fault. */
		if (parts[count - 1].writes)
			parts[count].writes = true;
		count++;
	}
	if (take_byte() & 15) {
		const uint8_t none = 0xee;
		uint64_t at = vdriver_put(&driver, &none, 1);

		parts[count++] = (struct vdriver_part){ at, 1, true };
	}
	if (vdriver_add(&driver, parts, count) >= 0)
		out++;
}

static void look(void)
{
	struct vdriver_used used;

	while (vdriver_used(&driver, &used))
		if (!out--)
			abort();
}

static bool has_failed(void)
{
	return vbus.bus.devs[0]->state->status & VIRTIO_CONFIG_S_NEEDS_RESET;
}

/* Until all that were asked have their answer, or never will. */
static void settle(void)
{
	unsigned int idle = vbus.idle;

	eventfd_write(vbus.bus.devs[0]->vqs[0].kick_fd, 1);
	while (out && !has_failed()) {
		event_base_loop(vbus.bus.base, EVLOOP_ONCE);
		look();
	}
	vbus_ask(&vbus, LGUEST_VIRTIO_SET_STATUS, 0, 0, 0);
	while (vbus.idle == idle)
		event_base_loop(vbus.bus.base, EVLOOP_ONCE);
	vdriver_rewind(&driver);
}

static void act(void)
{
	struct virtio_dev *dev = vbus.bus.devs[0];
	uint8_t bytes[8];

	switch (take_byte() % 8) {
	default:
		if (driver.next < VBUS_RAM - PARTS * 4200)
			add();
		break;
	case 5:
		eventfd_write(dev->vqs[0].kick_fd, 1);
		vbus_turn(&vbus);
		look();
		break;
	case 6:
		take(bytes, sizeof(bytes));
		virtio_set_config(dev, bytes[0], bytes[1] % 5, bytes + 2);
		break;
	case 7:
		settle();
		start();
		break;
	}
}

static void check_file(int fd)
{
	char got[4096];
	struct stat st;
	ssize_t n, i;
	off_t at;

	if (fstat(fd, &st) < 0 || st.st_size != SIZE)
		abort();
	for (at = 0; readonly && at < SIZE; at += n) {
		n = pread(fd, got, sizeof(got), at);
		for (i = 0; i < n; i++)
			if (got[i])
				abort();
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_init("fuzz", LOG_LEVEL_ERR);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct blk_conf blk = { .serial = "fuzz", .queues = 1 };
	struct disk_conf conf = { .guest = "fuzz",
				  .label = "disk0",
				  .path = "disk" };
	char why[DISK_WHY_MAX];
	struct disk *disk;
	int fd = new_file(), held = dup(fd);

	input = data;
	left = len;
	conf.readonly = readonly = take_byte() & 1;
	vbus_start(&vbus);
	if (uring_create(vbus.bus.base, &uring) < 0 ||
	    disk_open(uring, fd, &conf, why, &disk) < 0)
		abort();
	vbus_add(&vbus, blk_create(disk, &blk), 0);
	start();
	while (left)
		act();
	settle();
	check_file(held);
	close(held);
	vbus_stop(&vbus);
	uring_destroy(uring);
	return 0;
}
