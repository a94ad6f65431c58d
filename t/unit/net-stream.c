// SPDX-License-Identifier: GPL-2.0-only
/*
 * net-stream.c - a network card whose frames go through a stream
 *
 * We are the program at the other end.  It says things in pieces, in heaps and
 * wrongly, it does not listen, and it goes; and daemons follow one another in
 * between.  Whole frames go on, in order, and nobody is kept busy by half a one.
 *
 * Start at main().
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "../../daemon/virtio/net.h"
#include "tap.h"
#include "vbus.h"
#include "vdriver.h"

#define SLOT  2
#define SIZE  256
#define RINGS 0x10000 /* gpa, and 0x40000 from one to the next */
#define NONE  (~0U)
#define BATCH 200 /* frames at once, more than a turn's */

enum {
	RX,
	TX
};

static struct vbus vbus;
static struct vdriver driver[2];
static int ours, kept; /* the program's end; what systemd would have */
static struct net_port_ops counting;
static const struct net_port_ops *real;
static unsigned int asked; /* how often the port was */

static ssize_t count_receive(struct net_port *port, const struct iovec *iov,
			     int count)
{
	asked++;
	return real->receive(port, iov, count);
}

static struct virtio_dev *new_dev(void)
{
	const struct net_setup setup = { .mac = { 2, 0, 0, 0, 0, 1 },
					 .mtu = 1500 };
	struct virtio_dev *dev;
	struct net_port *port;

	if (stream_adopt(fcntl(kept, F_DUPFD_CLOEXEC, 0), "there", &port) < 0)
		bail_out("no port");
	real = port->ops;
	counting = *real;
	counting.receive = count_receive;
	port->ops = &counting;
	dev = net_new(0, port, &setup);
	if (!dev)
		bail_out("no memory");
	return dev;
}

static void begin(void)
{
	const uint64_t features = 1ULL << VIRTIO_F_VERSION_1;
	int pair[2], r;
	unsigned int i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		bail_out("no sockets");
	kept = pair[0];
	ours = pair[1];
	vbus_start(&vbus);
	vbus_add(&vbus, new_dev(), SLOT);
	r = vbus_up(&vbus, SLOT, features);
	for (i = RX; i <= TX; i++) {
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

static void end(void)
{
	vbus_stop(&vbus);
	close(ours);
	close(kept);
}

static void turn(unsigned int times)
{
	while (times--)
		vbus_turn(&vbus);
}

static void kick(unsigned int queue)
{
	eventfd_write(vbus.bus.devs[SLOT]->vqs[queue].kick_fd, 1);
	turn(4);
}

static void offer(unsigned int count)
{
	while (count--)
		vdriver_add(&driver[RX],
			    &(struct vdriver_part){
				    vdriver_room(&driver[RX], 512), 512, true },
			    1);
	kick(RX);
}

static void say(const void *bytes, size_t len)
{
	if (send(ours, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		bail_out("send: %s", strerror(errno));
}

/* A frame of 60 bytes that has a number. */
static void make_frame(unsigned char to[64], unsigned int number)
{
	const uint32_t len = htonl(60);

	memset(to, 0, 64);
	memcpy(to, &len, 4);
	memcpy(to + 4 + ETH_HLEN, &number, sizeof(number));
}

static void say_frame(unsigned int number)
{
	unsigned char frame[64];

	make_frame(frame, number);
	say(frame, sizeof(frame));
}

/* The number of the next frame that the driver has got, or NONE. */
static unsigned int got(void)
{
	const unsigned char *at;
	struct vdriver_used used;
	unsigned int number;

	if (!vdriver_used(&driver[RX], &used))
		return NONE;
	if (used.written != NET_HDR_BYTES + 60)
		return NONE - 1;
	at = vdriver_at(&driver[RX], driver[RX].split.desc[used.head].addr);
	memcpy(&number, at + NET_HDR_BYTES + ETH_HLEN, sizeof(number));
	return number;
}

static bool link_is_up(void)
{
	vbus_call(&vbus,
		  (struct lguest_virtio_call){ .op = LGUEST_VIRTIO_GET_CONFIG,
					       .slot = SLOT,
					       .index = 6,
					       .bytes = 2 });
	return vbus.words[0] & 1;
}

static void test_pieces(void)
{
	unsigned char frame[64];
	unsigned int i, before;

	begin();
	offer(8);
	make_frame(frame, 7);
	for (i = 0; i < sizeof(frame) - 1; i++) {
		say(frame + i, 1);
		turn(1);
	}
	is(got(), NONE, "a frame that is not whole is none");
	before = asked;
	turn(100);
	is(asked, before, "and keeps nobody busy");
	say(frame + i, 1);
	turn(2);
	is(got(), 7, "then it is one");
	end();
}

static void test_heap(void)
{
	unsigned int i;

	begin();
	for (i = 0; i < BATCH; i++)
		say_frame(i);
	turn(4);
	is(got(), NONE, "frames wait for buffers");
	offer(10);
	for (i = 0; i < 10; i++)
		if (got() != i)
			break;
	is(i, 10, "as many come as there are");
	offer(SIZE - 20);
	turn(10);
	for (; i < BATCH; i++)
		if (got() != i)
			break;
	is(i, BATCH, "and then all others, without news of them");
	end();
}

/* A daemon in the middle of a frame, of which the next has to know nothing. */
static void test_restart(void)
{
	unsigned char frame[64];

	begin();
	offer(8);
	say_frame(1);
	make_frame(frame, 2);
	say(frame, 30);
	turn(4);
	vbus_restart(&vbus);
	if (virtio_adopt(&vbus.bus, new_dev(), SLOT) < 0)
		bail_out("not adopted");
	turn(4);
	is(got(), 1, "what came to one daemon is there");
	is(got(), NONE, "and half a frame not yet");
	say(frame + 30, sizeof(frame) - 30);
	turn(4);
	is(got(), 2, "the next has all of it");
	is(got(), NONE, "and nothing else");
	end();
}

/* ---- what is sent ---- */

static void give(const void *bytes, size_t len)
{
	static unsigned char whole[NET_HDR_BYTES + 65536];

	memset(whole, 0, NET_HDR_BYTES);
	memcpy(whole + NET_HDR_BYTES, bytes, len);
	vdriver_add(&driver[TX],
		    &(struct vdriver_part){ vdriver_put(&driver[TX], whole,
							NET_HDR_BYTES + len),
					    (uint32_t)(NET_HDR_BYTES + len),
					    false },
		    1);
	kick(TX);
}

static void test_send(void)
{
	static unsigned char large[20000];
	unsigned char frame[64], read[256];
	struct vdriver_used used;
	ssize_t n;

	begin();
	make_frame(frame, 5);
	give(frame + 4, 60);
	n = recv(ours, read, sizeof(read), MSG_DONTWAIT);
	is((size_t)n, 64, "a frame is sent after its length");
	ok(!memcmp(frame, read, 64), "and as it is");
	give(large, sizeof(large));
	ok(vdriver_used(&driver[TX], &used), "one that is too large");
	ok(recv(ours, read, sizeof(read), MSG_DONTWAIT) < 0, "is lost");
	end();
}

/* The program does not listen; and then it does. */
static void test_full(void)
{
	unsigned char frame[64], read[64];
	unsigned int i, last = 0, number, whole = 0;
	struct vdriver_used used;

	begin();
	for (i = 0; i < 2000; i++) {
		make_frame(frame, i);
		give(frame + 4, 60);
		while (vdriver_used(&driver[TX], &used))
			;
	}
	ok(link_is_up(), "who does not listen loses frames and no more");
	for (i = 0; recv(ours, read, 64, MSG_DONTWAIT) == 64; i++) {
		memcpy(&number, read + 4 + ETH_HLEN, sizeof(number));
		whole +=
			ntohl(*(uint32_t *)read) == 60 && (!i || number > last);
		last = number;
	}
	ok(i > 0 && i < 2000, "of %u there are some", 2000);
	is(whole, i, "which are whole and in order");
	end();
}

/* ---- what is wrong, and the end ---- */

static void test_nonsense(uint32_t len, const char *what)
{
	begin();
	offer(8);
	len = htonl(len);
	say(&len, sizeof(len));
	turn(4);
	is(got(), NONE, "a length of %s is no frame", what);
	ok(!link_is_up(), "and the link is down");
	end();
}

static void test_end(void)
{
	struct net_port *port;
	unsigned char frame[64];

	begin();
	offer(8);
	say_frame(3);
	make_frame(frame, 4);
	say(frame, 20);
	turn(2);
	shutdown(ours, SHUT_RDWR);
	turn(4);
	is(got(), 3, "what came before the end has come");
	ok(!link_is_up(), "then the link is down");
	give(frame + 4, 60);
	ok(!(vbus.bus.devs[SLOT]->state->status & VIRTIO_CONFIG_S_NEEDS_RESET),
	   "and the device is well");
	ok(stream_adopt(kept, "there", &port) == -EBADFD,
	   "nobody begins with such a socket");
	end();
}

int main(void)
{
	plan(27);
	test_pieces();
	test_heap();
	test_restart();
	test_send();
	test_full();
	test_nonsense(0, "0");
	test_nonsense(13, "13");
	test_nonsense(NET_FRAME_MAX + 1, "more than there is");
	test_end();
	return tap_end();
}
