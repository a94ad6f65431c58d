// SPDX-License-Identifier: GPL-2.0-only
/*
 * devices.c - a driver that says anything, to all devices but disks
 *
 * libFuzzer makes up a device's driver: its calls, with every field as it likes,
 * what is in its rings and buffers, kicks, and turns of the loop.  Between them
 * the host types, resizes, wishes for memory, sends frames and what is none, and
 * is another daemon.  Whatever came:
 *
 *	- what is dropped is whole pages of RAM;
 *	- a device that is reset answers to a driver that behaves;
 *	- a turn of the loop ends.
 *
 * The sanitizers look for everything else.  The first byte says which device.
 *
 * Start at LLVMFuzzerTestOneInput().
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "../../daemon/virtio/net.h"
#include "vbus.h"

enum {
	RNG,
	CONSOLE,
	BALLOON,
	NET
};

#define QUEUES  4
#define STEPS   200
#define RINGS   0x1000U /* a page each for three areas of each queue */
#define BUFFERS 0x20000U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vbus vbus;

/* ---- what is made up ---- */

static const uint8_t *input;
static size_t input_left;

static uint64_t take(unsigned int bytes)
{
	uint64_t value = 0;

	if (bytes > input_left)
		bytes = (unsigned int)input_left;
	memcpy(&value, input, bytes);
	input += bytes;
	input_left -= bytes;
	return value;
}

/* ---- the host's side ---- */

static size_t typed;

static void do_print(void *arg, const char *text, size_t len)
{
	volatile char sum = 0;
	size_t i;

	(void)arg;
	for (i = 0; i < len; i++)
		sum = (char)(sum + text[i]);
}

static uint64_t do_printed(void *arg)
{
	(void)arg;
	return 77;
}

static bool do_has_input(void *arg)
{
	(void)arg;
	return typed > 0;
}

static size_t do_read(void *arg, char *to, size_t room)
{
	size_t len = room < typed ? room : typed;

	(void)arg;
	memset(to, 't', len);
	typed -= len;
	return len;
}

static int do_discard(void *arg, uint64_t gpa, uint64_t bytes)
{
	(void)arg;
	assert(gpa % 4096 == 0 && bytes % 4096 == 0 && bytes);
	assert(guest_mem_has(&vbus.mem, gpa, bytes));
	return 0;
}

/* ---- a network, which is we ---- */

static int cable[2] = { -1, -1 }; /* the device's end is a copy of the first */

static struct virtio_dev *make_net(void)
{
	static const struct dhcp_lease lease = {
		.mac = { 2, 0, 0, 0, 0, 1 },
		.router_mac = { 2, 0, 0, 0, 0, 2 },
		.prefix = { .s6_addr = { 0xfd } },
		.mtu = 1500,
	};
	const struct net_setup setup = { .mtu = 1500, .lease = &lease };
	struct net_port *port;

	assert(stream_adopt(fcntl(cable[0], F_DUPFD_CLOEXEC, 0), "cable",
			    &port) == 0);
	return net_new(0, port, &setup);
}

/* Something comes, and everything is taken. */
static void use_cable(void)
{
	uint8_t bytes[600], shape = (uint8_t)take(1);
	size_t i, len = 4 + take(1) * 2;
	uint32_t prefix = htonl((uint32_t)(len - 4));

	for (i = 0; i < len; i++)
		bytes[i] = i < 80 ? (uint8_t)take(1) : 0;
	if (shape & 3)
		memcpy(bytes, &prefix, sizeof(prefix));
	send(cable[1], bytes, shape & 4 ? len / 2 : len, MSG_DONTWAIT);
	while (recv(cable[1], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

static struct virtio_dev *make(unsigned int which)
{
	static const struct vconsole_host console = {
		.print = do_print,
		.printed = do_printed,
		.has_input = do_has_input,
		.read = do_read,
	};
	static const struct balloon_host balloon = { .discard = do_discard };

	switch (which) {
	case RNG:
		return rng_create();
	case CONSOLE:
		return vconsole_create(&console);
	case BALLOON:
		return balloon_create(&balloon);
	default:
		return make_net();
	}
}

static void poke_host(unsigned int which)
{
	struct virtio_dev *dev = vbus.bus.devs[0];
	json_t *json = json_object();

	typed = take(1) * 8;
	if (which == NET) {
		use_cable();
	} else if (which == CONSOLE) {
		vconsole_input(dev);
		vconsole_resize(dev, (uint16_t)take(2), (uint16_t)take(2));
		if (take(1) & 1)
			vconsole_drain(dev);
	} else if (which == BALLOON) {
		balloon_set(dev, take(4));
	}
	if (dev->ops->describe)
		dev->ops->describe(dev, json);
	json_decref(json);
}

/* ---- the driver's side ---- */

static void any_call(void)
{
	struct lguest_virtio_call call = { 0 };
	uint8_t shape = (uint8_t)take(1);
	unsigned int i;

	call.op = (uint32_t)take(1) % 15;
	call.index = shape & 1 ? (uint32_t)take(4) : (uint32_t)take(1) % 8;
	call.bytes = (uint32_t)take(1);
	call.slot = shape & 2 ? (uint32_t)take(1) : 0;
	call.reserved0 = (shape & 0xfc) == 0xfc;
	for (i = 0; i < 8 && shape & 4; i++)
		call.word[i] = take(1 + (shape >> 3) % 8);
	vbus_call(&vbus, call);
}

static void good_driver(uint64_t features)
{
	unsigned int i;

	if (vbus_up(&vbus, 0, features | 1ULL << VIRTIO_F_VERSION_1))
		return;
	for (i = 0; i < QUEUES; i++)
		vbus_queue(&vbus, 0, i, 16, RINGS + i * 0x3000, 40);
	vbus_run(&vbus, 0);
}

/* Descriptors that mostly make sense, and an index that offers them. */
static void offer(void)
{
	unsigned int i, queue = (unsigned int)take(1) % QUEUES;
	bool packed = virtio_has(vbus.bus.devs[0], VIRTIO_F_RING_PACKED);
	uint64_t at = RINGS + queue * 0x3000;
	uint16_t ring[18] = { 0 }, flags;

	for (i = 0; i < 16; i++) {
		struct {
			uint64_t addr;
			uint32_t len;
			uint16_t flags, next;
		} desc = {
			.addr = BUFFERS + take(2) * 16,
			.len = (uint32_t)take(2),
			.flags = (uint16_t)(take(1) & 3),
			.next = (uint16_t)(take(1) % 17),
		};

		if (packed) { /* an id and then the flags, of the first lap */
			flags = desc.flags | 1 << VRING_PACKED_DESC_F_AVAIL;
			desc.flags = desc.next;
			desc.next = flags;
		}
		guest_mem_write(&vbus.mem, at + i * 16, &desc, sizeof(desc));
		ring[2 + i] = (uint16_t)(take(1) % 16);
	}
	ring[1] = (uint16_t)take(1);
	guest_mem_write(&vbus.mem, at + 0x1000, ring, sizeof(ring));
	virtio_kick(&vbus.bus, LGUEST_VIRTIO_KICK_ARG(0U, queue));
}

static void write_ram(void)
{
	uint64_t at = take(3) % VBUS_RAM, value = take(8);

	guest_mem_write(&vbus.mem, at, &value, sizeof(value));
}

static void change_daemons(unsigned int which)
{
	vbus_restart(&vbus);
	if (virtio_adopt(&vbus.bus, make(which), 0) < 0)
		assert(!"it is adopted");
}

static void step(unsigned int which)
{
	switch (take(1) % 8) {
	case 0:
	case 1:
		any_call();
		break;
	case 2:
		good_driver(take(1) | take(1) << 28);
		break;
	case 3:
	case 4:
		offer();
		break;
	case 5:
		write_ram();
		break;
	case 6:
		poke_host(which);
		break;
	default:
		change_daemons(which);
	}
	vbus_turn(&vbus);
}

/* Whatever has been, a reset and a driver that behaves make it good again. */
static void check_good(void)
{
	vbus_ask(&vbus, LGUEST_VIRTIO_SET_STATUS, 0, 0, 0);
	vbus_ask(&vbus, LGUEST_VIRTIO_GET_STATUS, 0, 0, 0);
	assert(vbus.words[0] == 0);
	assert(vbus_up(&vbus, 0, 1ULL << VIRTIO_F_VERSION_1) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int which, i;

	input = data;
	input_left = size;
	typed = 0;
	which = (unsigned int)take(1);
	which = which >= 192 ? NET : which % NET;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, cable) < 0)
		return -1;
	vbus_start(&vbus);
	vbus_add(&vbus, make(which), 0);
	if (take(1) & 1)
		good_driver(~0ULL & take(5));
	for (i = 0; i < STEPS && input_left; i++)
		step(which);
	check_good();
	vbus_stop(&vbus);
	close(cable[0]);
	close(cable[1]);
	return 0;
}
