// SPDX-License-Identifier: GPL-2.0-only
/*
 * net.c - a network card, and drivers of all manners
 *
 * The device is the daemon's, with its rings; the driver is vdriver.h's.  At the
 * other end is a port of the test's own, a pair of sockets in which one message
 * is one frame, or a tap in a network namespace that nobody else is in.
 *
 * Long because it is one list of drivers, and each is a few lines.
 *
 * Start at main().
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "../../daemon/virtio/net.h"
#include "tap.h"
#include "vbus.h"
#include "vdriver.h"

#define BIT(n) (1ULL << (n))
#define SLOT   2
#define SIZE   16 /* of each ring */
#define RINGS  0x10000 /* gpa, and 0x40000 from one to the next */

#define BASE BIT(VIRTIO_F_VERSION_1)

enum {
	RX,
	TX,
	CONTROL
};

static struct vbus vbus;
static struct vdriver driver[3];
static int far_end; /* of the test's port */
static bool port_gone;
static uint64_t offloads;
static uint64_t rings; /* which kind drivers ask for */

/* ---- a port of the test's ---- */

static ssize_t port_receive(struct net_port *port, const struct iovec *iov,
			    int count)
{
	ssize_t n = readv(port->fd, iov, count);

	if (port_gone)
		return -EBADFD;
	return n < 0 ? -errno : n;
}

static int port_send(struct net_port *port, const struct iovec *iov, int count)
{
	if (port_gone)
		return -EBADFD;
	return writev(port->fd, iov, count) < 0 ? -ENOBUFS : 0;
}

static int port_offload(struct net_port *port, uint64_t features)
{
	(void)port;
	offloads = features;
	return 0;
}

static void port_close(struct net_port *port)
{
	close(port->fd);
	free(port);
}

static const struct net_port_ops port_ops = {
	.receive = port_receive,
	.send = port_send,
	.offload = port_offload,
	.close = port_close,
};

static struct net_port *new_port(void)
{
	struct net_port *port = calloc(1, sizeof(*port));
	int pair[2], bytes = 1 << 20;

	if (!port ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0)
		bail_out("no sockets");
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	port->ops = &port_ops;
	port->fd = pair[0];
	port->features = BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
			 BIT(VIRTIO_NET_F_HOST_TSO4) |
			 BIT(VIRTIO_NET_F_GUEST_TSO4);
	strcpy(port->name, "pair");
	far_end = pair[1];
	port_gone = false;
	return port;
}

/* ---- a device with a driver ---- */

static const struct dhcp_lease lease = {
	.mac = { 2, 0, 0, 0, 0, 1 },
	.router_mac = { 2, 0, 0, 0, 0, 2 },
	.mtu = 1500,
	.dns_count = 1,
	.name = "test",
};

static struct dhcp_lease full_lease(void)
{
	struct dhcp_lease full = lease;

	full.address.s_addr = htonl(0x0aba0002);
	full.router.s_addr = htonl(0x0aba0001);
	full.netmask.s_addr = htonl(0xfffffffc);
	full.dns[0].s_addr = htonl(0x08080808);
	return full;
}

static void run(uint64_t features)
{
	unsigned int i;
	int r;

	features |= rings;
	r = vbus_up(&vbus, SLOT, features);
	for (i = RX; i <= CONTROL; i++) {
		vdriver_init(&driver[i], &vbus.mem, RINGS + i * 0x40000, SIZE,
			     features);
		r = r
			    ?: vbus_call(&vbus,
					 (struct lguest_virtio_call){
						 .op = LGUEST_VIRTIO_SET_QUEUE,
						 .slot = SLOT,
						 .index = i,
						 .word = { SIZE, driver[i].desc,
							   driver[i].driver,
							   driver[i].device, 0,
							   33 } });
	}
	r = r ?: vbus_run(&vbus, SLOT);
	if (r)
		bail_out("the device does not start: %s", strerror(-r));
}

static void begin_on(struct net_port *port, uint64_t features)
{
	const struct dhcp_lease full = full_lease();
	const struct net_setup setup = {
		.mac = { 2, 0, 0, 0, 0, 1 },
		.mtu = 1500,
		.lease = &full,
	};
	struct virtio_dev *dev = net_new(0, port, &setup);

	if (!dev)
		bail_out("no memory");
	vbus_start(&vbus);
	vbus_add(&vbus, dev, SLOT);
	run(features);
}

static void begin(uint64_t features)
{
	begin_on(new_port(), features);
}

static void end(void)
{
	vbus_stop(&vbus);
	close(far_end);
}

static void kick(unsigned int queue)
{
	eventfd_write(vbus.bus.devs[SLOT]->vqs[queue].kick_fd, 1);
	vbus_turn(&vbus);
	vbus_turn(&vbus);
}

static bool needs_reset(void)
{
	return vbus.bus.devs[SLOT]->state->status & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static uint64_t buffer_of[SIZE]; /* by what the ring calls it: gpa */

static void offer(uint32_t bytes, unsigned int count)
{
	struct vdriver_part part = { .len = bytes, .writes = true };
	int id;

	while (count--) {
		part.gpa = vdriver_room(&driver[RX], bytes);
		id = vdriver_add(&driver[RX], &part, 1);
		if (id >= 0)
			buffer_of[id] = part.gpa;
	}
	kick(RX);
}

static unsigned char frame[NET_HDR_BYTES + NET_FRAME_MAX + 8];

/* A frame of so many bytes with a header of zeros arrives at the port. */
static void arrive(size_t bytes)
{
	size_t i;

	memset(frame, 0, NET_HDR_BYTES);
	for (i = 0; i < bytes; i++)
		frame[NET_HDR_BYTES + i] = (unsigned char)(i * 7 + 1);
	if (send(far_end, frame, NET_HDR_BYTES + bytes, 0) < 0)
		bail_out("send: %s", strerror(errno));
	vbus_turn(&vbus);
	vbus_turn(&vbus);
}

/* The next frame that the driver has got, in `frame`; bytes, or 0. */
static size_t got(unsigned int *ret_buffers)
{
	const struct virtio_net_hdr_v1 *hdr;
	struct vdriver_used used;
	unsigned int left = 1;
	size_t at = 0;

	*ret_buffers = 0;
	while (left-- && vdriver_used(&driver[RX], &used)) {
		memcpy(frame + at,
		       vdriver_at(&driver[RX], buffer_of[used.head]),
		       used.written);
		hdr = (const void *)frame;
		if (!at)
			left = hdr->num_buffers - 1U;
		at += used.written;
		(*ret_buffers)++;
	}
	return at ? at - NET_HDR_BYTES : 0;
}

static bool is_pattern(size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++) {
		if (frame[NET_HDR_BYTES + i] != (unsigned char)(i * 7 + 1))
			return false;
	}
	return true;
}

static void give(const struct virtio_net_hdr_v1 *hdr, const void *bytes,
		 size_t len)
{
	unsigned char whole[4096] = { 0 };

	memcpy(whole, hdr, sizeof(*hdr));
	memcpy(whole + sizeof(*hdr), bytes, len);
	vdriver_add(&driver[TX],
		    &(struct vdriver_part){
			    vdriver_put(&driver[TX], whole, sizeof(*hdr) + len),
			    (uint32_t)(sizeof(*hdr) + len), false },
		    1);
	kick(TX);
}

static ssize_t sent(void)
{
	return recv(far_end, frame, sizeof(frame), 0);
}

/* ---- what is sent ---- */

static void test_send(void)
{
	struct virtio_net_hdr_v1 hdr = { .num_buffers = 9, .flags = 6 };
	struct vdriver_used used;

	begin(BASE);
	give(&hdr, "abcdefghijklmnopqrst", 20);
	is((unsigned long)sent(), NET_HDR_BYTES + 20, "a frame is sent");
	ok(!memcmp(frame + NET_HDR_BYTES, "abcdefghijklmnopqrst", 20),
	   "as it is");
	ok(!memcmp(frame, "\0\0\0\0\0\0\0\0\0\0\0", NET_HDR_BYTES),
	   "with nothing in its header that was not agreed on");
	ok(vdriver_used(&driver[TX], &used) && !used.written,
	   "and its buffer comes back");
	end();
}

static void refuse(uint64_t features, const struct virtio_net_hdr_v1 *hdr,
		   const char *what)
{
	begin(BASE | features);
	give(hdr, "abcdefghijklmnopqrst", 20);
	ok(needs_reset() && sent() < 0, "%s is refused", what);
	end();
}

static void test_headers(void)
{
	struct virtio_net_hdr_v1 hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = 14,
		.csum_offset = 4,
	};
	const uint64_t both =
		BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4);

	refuse(0, &hdr, "a checksum that was not negotiated");
	begin(BASE | BIT(VIRTIO_NET_F_CSUM));
	give(&hdr, "abcdefghijklmnopqrst", 20);
	ok(sent() > 0, "one that was, and ends with its frame, is sent");
	end();
	hdr.csum_offset = 5;
	refuse(BIT(VIRTIO_NET_F_CSUM), &hdr, "a checksum after the end");
	hdr.csum_start = hdr.csum_offset = 0xffff;
	refuse(BIT(VIRTIO_NET_F_CSUM), &hdr, "a checksum far after the end");
	hdr.csum_start = hdr.csum_offset = 0;
	hdr.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	hdr.gso_size = 1000;
	refuse(BIT(VIRTIO_NET_F_CSUM), &hdr, "a segmentation not agreed on");
	hdr.gso_size = 0;
	refuse(both, &hdr, "a segmentation into nothing");
	hdr.gso_size = 1000;
	hdr.hdr_len = 21;
	refuse(both, &hdr, "headers longer than their frame");
	hdr.hdr_len = 20;
	hdr.flags = 0;
	refuse(both, &hdr, "a segmentation without a checksum");
	hdr.gso_type = 5;
	hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	refuse(both, &hdr, "a segmentation of an unknown kind");
	hdr.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
	refuse(both, &hdr, "a segmentation of another protocol");
}

static void test_shapes(void)
{
	struct vdriver_part part[2];

	begin(BASE);
	part[0] = (struct vdriver_part){ vdriver_room(&driver[TX], 64), 25,
					 false };
	vdriver_add(&driver[TX], part, 1);
	kick(TX);
	ok(needs_reset(), "a frame shorter than an Ethernet header is refused");
	end();

	begin(BASE);
	part[0] = (struct vdriver_part){ vdriver_room(&driver[TX], 64), 64,
					 false };
	part[1] = (struct vdriver_part){ vdriver_room(&driver[TX], 64), 64,
					 true };
	vdriver_add(&driver[TX], part, 2);
	kick(TX);
	ok(needs_reset(), "a frame to send that is to be written is refused");
	end();

	begin(BASE);
	part[0] = (struct vdriver_part){ 0x1000, 65535, false };
	part[1] = (struct vdriver_part){ 0x1000, 31, false };
	vdriver_add(&driver[TX], part, 2);
	kick(TX);
	ok(needs_reset(), "a frame larger than any is refused");
	end();

	begin(BASE);
	part[0] = (struct vdriver_part){ vdriver_room(&driver[RX], 64), 11,
					 true };
	vdriver_add(&driver[RX], part, 1);
	kick(RX);
	ok(needs_reset(), "a buffer without room for a header is refused");
	end();

	begin(BASE);
	part[0] = (struct vdriver_part){ vdriver_room(&driver[RX], 64), 64,
					 false };
	vdriver_add(&driver[RX], part, 1);
	kick(RX);
	ok(needs_reset(), "and so is one that is to be read");
	end();
}

/* ---- what is received ---- */

static void test_receive(void)
{
	unsigned int buffers;

	begin(BASE);
	arrive(60);
	is(got(&buffers), 0, "without buffers nothing is received");
	offer(2048, 2);
	is(got(&buffers), 60, "with buffers, what has waited is");
	ok(buffers == 1 && is_pattern(60), "in one buffer, as it was");
	arrive(1514);
	is(got(&buffers), 1514, "and so is what comes later");
	offer(100, 2);
	arrive(200);
	is(got(&buffers), 0, "what is too large for its buffer is lost");
	arrive(80);
	is(got(&buffers), 80, "and the buffer is for the next");
	ok(!needs_reset(), "which is nobody's fault");
	end();
}

static void test_mergeable(void)
{
	const uint64_t features = BASE | BIT(VIRTIO_NET_F_MRG_RXBUF);
	unsigned int buffers;

	begin(features);
	offer(100, 8);
	arrive(250);
	is(got(&buffers), 250, "a frame may need several buffers");
	is(buffers, 3, "as many as it needs");
	ok(is_pattern(250), "and is whole");
	arrive(88);
	ok(got(&buffers) == 88 && buffers == 1, "one that just fits needs one");
	arrive(600);
	is(got(&buffers), 0, "one that needs more than there are waits");
	arrive(10);
	offer(100, 4);
	is(got(&buffers), 600, "until there are");
	ok(buffers == 7 && is_pattern(600), "and is whole all the same");
	is(got(&buffers), 10, "and those behind it come after it");
	end();

	begin(features);
	offer(64, SIZE);
	arrive(1500);
	arrive(20);
	is(got(&buffers), 20,
	   "one that can never fit is lost, and the next is not");
	end();
}

/* A daemon that is killed gives no buffer twice, and forgets none. */
static void test_restart(void)
{
	const struct dhcp_lease full = full_lease();
	const struct net_setup setup = { .mac = { 2 },
					 .mtu = 1500,
					 .lease = &full };
	unsigned int buffers, i;

	begin(BASE);
	offer(2048, 4);
	arrive(100);
	is(got(&buffers), 100, "a daemon that has buffers uses one");
	vbus_restart(&vbus);
	close(far_end);
	if (virtio_adopt(&vbus.bus, net_new(0, new_port(), &setup), SLOT) < 0)
		bail_out("not adopted");
	vbus_turn(&vbus);
	for (i = 0; i < 3; i++) {
		arrive(200 + i);
		is(got(&buffers), 200 + i, "the next one uses the others (%u)",
		   i);
	}
	arrive(300);
	is(got(&buffers), 0, "and none twice");
	end();
}

static void test_reset(void)
{
	unsigned int buffers;

	begin(BASE);
	offer(2048, 4);
	comes_to(vbus_ask(&vbus, LGUEST_VIRTIO_SET_STATUS, SLOT, 0, 0), 0,
		 "it can be reset with buffers out");
	arrive(60);
	run(BASE);
	offer(2048, 2);
	is(got(&buffers), 60, "and works again");
	end();
}

static void test_gone(void)
{
	struct virtio_net_hdr_v1 hdr = { .flags = 0 };
	struct vdriver_used used;
	unsigned int buffers;

	begin(BASE | BIT(VIRTIO_NET_F_STATUS));
	offer(2048, 4);
	port_gone = true;
	arrive(60);
	is(got(&buffers), 0, "a port that has gone gives nothing");
	ok(!needs_reset(), "the device is well");
	comes_to(vbus_call(&vbus,
			   (struct lguest_virtio_call){
				   .op = LGUEST_VIRTIO_GET_CONFIG,
				   .slot = SLOT,
				   .index = 6,
				   .bytes = 2 }),
		 0, "its driver may ask");
	is(vbus.words[0], 0, "and the link is down");
	give(&hdr, "abcdefghijklmnopqrst", 20);
	ok(vdriver_used(&driver[TX], &used), "what is sent is lost");
	end();
}

static uint8_t ask(const void *request, size_t len, bool answered)
{
	struct vdriver_part part[2] = {
		{ vdriver_put(&driver[CONTROL], request, len), (uint32_t)len,
		  false },
		{ vdriver_put(&driver[CONTROL], "\xee", 1), 1, true },
	};

	vdriver_add(&driver[CONTROL], part, answered ? 2 : 1);
	kick(CONTROL);
	return *(uint8_t *)vdriver_at(&driver[CONTROL], part[1].gpa);
}

static void test_control(void)
{
	struct vdriver_used used;

	begin(BASE | BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_CTRL_RX));
	is(ask("\0\0\1", 3, true), VIRTIO_NET_OK, "it may be promiscuous");
	ok(vdriver_used(&driver[CONTROL], &used) && used.written == 1,
	   "with one byte of answer");
	is(ask("\x63\0\0", 3, true), VIRTIO_NET_ERR, "not what it cannot be");
	is(ask("\0", 1, true), VIRTIO_NET_ERR, "nor what is cut off");
	is(ask("\0\0\1", 3, false), 0xee, "without room there is no answer");
	ok(needs_reset(), "and the device needs a reset");
	end();
}

/* ---- DHCP ---- */

/* A question: DISCOVER (1), REQUEST (3) ... for that address. */
static size_t question(uint8_t *to, uint8_t type, uint32_t wanted)
{
	const uint32_t address = htonl(wanted);
	const uint8_t options[] = {
		0x63, 0x82, 0x53, 0x63, 53, 1, type, 50, 4
	};

	memset(to, 0, 300);
	memset(to, 0xff, ETH_ALEN);
	to[6] = 2;
	to[12] = 8;
	to[14] = 0x45;
	to[23] = IPPROTO_UDP;
	to[35] = 68;
	to[37] = 67;
	to[42] = 1;
	to[43] = 1;
	to[44] = ETH_ALEN;
	memcpy(to + 46, "four", 4);
	memcpy(to + 70, "\2\0\0\0\0\1", ETH_ALEN);
	memcpy(to + 278, options, sizeof(options));
	memcpy(to + 278 + sizeof(options), &address, 4);
	to[278 + sizeof(options) + 4] = 255;
	return 278 + sizeof(options) + 5;
}

static void test_dhcp(void)
{
	struct virtio_net_hdr_v1 hdr = { .flags = 0 };
	const uint8_t *reply = frame + NET_HDR_BYTES;
	uint8_t bytes[400];
	unsigned int buffers;
	size_t len;

	begin(BASE);
	offer(2048, 8);
	give(&hdr, bytes, question(bytes, 1, 0));
	is(got(&buffers), DHCP_FRAME_BYTES, "who wants an address is answered");
	ok(!memcmp(reply + 58, "\x0a\xba\0\2", 4), "with the one there is");
	ok(!memcmp(reply + 46, "four", 4), "and the question's number");
	is(reply[284], 2, "which is an offer");
	ok(sent() < 0, "and the host has not seen the question");
	give(&hdr, bytes, question(bytes, 3, 0x0aba0002));
	ok(got(&buffers) && reply[284] == 5, "who takes it may have it");
	give(&hdr, bytes, question(bytes, 3, 0x0aba0003));
	ok(got(&buffers) && reply[284] == 6, "who wants another may not");
	len = question(bytes, 7, 0);
	give(&hdr, bytes, len);
	is(got(&buffers), 0, "who gives it back hears nothing");
	bytes[37] = 68;
	give(&hdr, bytes, len);
	ok(sent() > 0, "and what is no question goes out");
	end();
}

/* ---- a real tap ---- */

static bool in_netns(void)
{
	return unshare(CLONE_NEWNET) == 0;
}

static int raise_link(const char *name)
{
	struct ifreq ifr = { .ifr_flags = 0 };
	int r, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(ifr.ifr_name, name);
	r = ioctl(fd, SIOCGIFFLAGS, &ifr);
	ifr.ifr_flags |= IFF_UP;
	r = r ?: ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
	return r;
}

static void test_tap(void)
{
	struct virtio_net_hdr_v1 hdr = { .flags = 0 };
	struct net_port *port, *again;
	struct vdriver_used used;
	unsigned int buffers;
	char command[64];
	int r = tap_open("lgt%d", &port);

	if (r < 0)
		bail_out(TAP_DEVICE ": %s", strerror(-r));
	is_str(port->name, "lgt0", "a tap has the first name that is free");
	comes_to(tap_open("lgt0", &again), -EBUSY, "which is then taken");
	comes_to(tap_adopt(0, &again), -EINVAL, "what is no tap is not one");
	if (raise_link("lgt0") < 0)
		bail_out("lgt0: %s", strerror(errno));
	snprintf(command, sizeof(command), "ip link del %s", port->name);
	begin_on(port, BASE);
	offer(2048, 8);
	/* It has a link-local address, and asks who else has. */
	give(&hdr, "\xff\xff\xff\xff\xff\xff\2\0\0\0\0\1\x88\xb5hello", 19);
	ok(vdriver_used(&driver[TX], &used) && !needs_reset(),
	   "a frame can be sent into it");
	while (got(&buffers))
		;
	is((unsigned int)system(command), 0, "it is deleted under us");
	give(&hdr, "\xff\xff\xff\xff\xff\xff\2\0\0\0\0\1\x88\xb5hello", 19);
	ok(!needs_reset(), "the device is well");
	comes_to(vbus_call(&vbus,
			   (struct lguest_virtio_call){
				   .op = LGUEST_VIRTIO_GET_CONFIG,
				   .slot = SLOT,
				   .index = 6,
				   .bytes = 2 }),
		 0, "its driver may ask");
	is(vbus.words[0], 0, "and the link is down");
	far_end = -1;
	end();
}

static void all(void)
{
	test_send();
	test_headers();
	test_shapes();
	test_receive();
	test_mergeable();
	test_restart();
	test_reset();
	test_gone();
	test_control();
	test_dhcp();
}

int main(void)
{
	plan(132);
	all();
	rings = BIT(VIRTIO_F_RING_PACKED);
	diag("and all of it with packed rings");
	all();
	if (in_netns())
		test_tap();
	else
		skip(8, "no network namespace can be made");
	return tap_end();
}
