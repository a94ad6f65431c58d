// SPDX-License-Identifier: GPL-2.0-only
/*
 * net-ra.c - a guest asks which network this is, in IPv6
 *
 * Who asks is Linux: the kernel of this machine, on the host's side of a tap in a
 * network namespace of the test's own.  It sends its question into the cable, we
 * answer, and it makes itself an address.  What is no such question is looked at
 * byte by byte, and none of it is answered.
 *
 * Start at main().
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../daemon/virtio/net.h"
#include "tap.h"

#define PATIENCE_MS 20000

static struct dhcp_lease lease = {
	.router_mac = { 2, 0, 0, 0, 0, 2 },
	.mtu = 1400,
	.prefix = { .s6_addr = { 0xfd, 0x6c, 0x67, 10, 186, 0, 1 } },
};

/* ---- what is one, and what is not ---- */

static const struct {
	struct ether_header eth;
	struct ip6_hdr ip;
	struct icmp6_hdr icmp;
} __attribute__((packed)) asks = {
	.eth.ether_type = 0xdd86,
	.ip.ip6_flow = 0x60, /* its first byte, on this machine */
	.ip.ip6_nxt = IPPROTO_ICMPV6,
	.ip.ip6_hlim = 255,
	.icmp.icmp6_type = ND_ROUTER_SOLICIT,
};

static void test_questions(void)
{
	static const size_t matter[] = { 12, 13, 14, 20, 21, 54, 55 };
	unsigned char frame[sizeof(asks)];
	unsigned int wrong = 0;
	size_t i, n = 0;
	bool matters;

	memcpy(frame, &asks, sizeof(asks));
	ok(ra_asks(frame, sizeof(frame)), "a question is one");
	for (i = 0; i < sizeof(frame); i++)
		wrong += ra_asks(frame, i);
	is(wrong, 0, "no part of it is");
	for (i = 0; i < sizeof(frame); i++) {
		matters = n < sizeof(matter) / sizeof(matter[0]) &&
			  i == matter[n];
		n += matters;
		frame[i] ^= 0xf1;
		wrong += ra_asks(frame, sizeof(frame)) == matters;
		frame[i] ^= 0xf1;
	}
	is(wrong, 0, "nor one of which a byte that matters is another");
}

static void test_none(void)
{
	struct dhcp_lease none = lease;
	unsigned char reply[RA_FRAME_BYTES];

	memset(&none.prefix, 0, sizeof(none.prefix));
	is(ra_answer(&none, reply), 0, "without a prefix nobody answers");
}

/* ---- and Linux ---- */

static void sh(const char *command)
{
	if (system(command))
		bail_out("%s: failed", command);
}

/* Has it an address of that prefix? */
static bool has_address(const char *name)
{
	struct ifaddrs *list, *one;
	const struct sockaddr_in6 *sin6;
	bool found = false;

	if (getifaddrs(&list) < 0)
		return false;
	for (one = list; one; one = one->ifa_next) {
		sin6 = (const void *)one->ifa_addr;
		found = found || (sin6 && sin6->sin6_family == AF_INET6 &&
				  !strcmp(one->ifa_name, name) &&
				  !memcmp(&sin6->sin6_addr, &lease.prefix, 8));
	}
	freeifaddrs(list);
	return found;
}

/* The next frame that Linux sends, without its header; 0: it says nothing. */
static size_t heard(struct net_port *port, unsigned char *frame, size_t room)
{
	struct virtio_net_hdr_v1 hdr;
	struct iovec iov[2] = { { &hdr, sizeof(hdr) }, { frame, room } };
	struct pollfd poller = { .fd = port->fd, .events = POLLIN };
	ssize_t n;

	if (poll(&poller, 1, PATIENCE_MS) <= 0)
		return 0;
	n = port->ops->receive(port, iov, 2);
	return n > (ssize_t)sizeof(hdr) ? (size_t)n - sizeof(hdr) : 0;
}

static void test_linux(void)
{
	struct virtio_net_hdr_v1 hdr = { .flags = 0 };
	unsigned char frame[2048], reply[RA_FRAME_BYTES];
	struct iovec iov[2] = { { &hdr, sizeof(hdr) },
				{ reply, sizeof(reply) } };
	struct net_port *port;
	size_t len;
	int i;

	if (tap_open("lgra", &port) < 0)
		bail_out("no tap");
	sh("echo 2 >/proc/sys/net/ipv6/conf/lgra/accept_ra");
	sh("ip link set lgra up");
	while ((len = heard(port, frame, sizeof(frame))) &&
	       !ra_asks(frame, len))
		;
	ok(len > 0, "Linux asks");
	is(ra_answer(&lease, reply), sizeof(reply), "and is answered");
	is((unsigned int)port->ops->send(port, iov, 2), 0, "on its cable");
	for (i = 0; i < PATIENCE_MS / 10 && !has_address("lgra"); i++)
		usleep(10000);
	ok(has_address("lgra"), "it makes itself an address of the prefix");
	is((unsigned int)system("ip -6 route show default | grep -q lgra"), 256,
	   "we are not where all other addresses are");
	sh("grep -qx 1400 /proc/sys/net/ipv6/conf/lgra/mtu");
	ok(1, "and it knows the largest packet");
	port->ops->close(port);
}

int main(void)
{
	plan(10);
	test_questions();
	test_none();
	if (unshare(CLONE_NEWNET) == 0)
		test_linux();
	else
		skip(6, "no network namespace can be made");
	return tap_end();
}
