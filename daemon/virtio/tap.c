// SPDX-License-Identifier: GPL-2.0-only
/*
 * tap.c - a network interface of the host's, of which we are the cable
 *
 * A frame that is written to it has come from the cable, and what the host sends
 * on the interface is there to be read.  In front of each is virtio's header, so
 * checksums and segments that the guest left undone stay undone for as long as
 * the frame stays on this machine, and the same the other way round.
 *
 * Nobody asks it to persist.  It is there for as long as somebody holds its
 * descriptor, us or systemd's store; there are no leftovers to look for.
 *
 * What must never happen: a write that waits.  The interface takes a frame or
 * drops it.
 *
 * Next: daemon/virtio/stream.c
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if_tun.h>

#include "net.h"

#define BIT(n) (1ULL << (n))

#define TAP_FLAGS (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)

static ssize_t receive(struct net_port *port, const struct iovec *iov,
		       int count)
{
	ssize_t n;

	do
		n = readv(port->fd, iov, count);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int send_frame(struct net_port *port, const struct iovec *iov, int count)
{
	ssize_t n;

	do
		n = writev(port->fd, iov, count);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	/* Everything else is about this frame, or an interface that is down. */
	return errno == EBADFD ? -errno : -ENOBUFS;
}

/* What the driver takes, in the words of the interface. */
static int offload(struct net_port *port, uint64_t features)
{
	static const struct {
		unsigned int feature, flag;
	} pairs[] = {
		{ VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM },
		{ VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4 },
		{ VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6 },
		{ VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN },
	};
	unsigned long flags = 0;
	size_t i;

	/* Without the first, none of the others means anything. */
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (features & BIT(pairs[i].feature) &&
		    features & BIT(VIRTIO_NET_F_GUEST_CSUM))
			flags |= pairs[i].flag;
	}
	return ioctl(port->fd, TUNSETOFFLOAD, flags) < 0 ? -errno : 0;
}

static void close_port(struct net_port *port)
{
	close(port->fd);
	free(port);
}

static const struct net_port_ops tap_ops = {
	.receive = receive,
	.send = send_frame,
	.offload = offload,
	.close = close_port,
};

/* fd is a tap; now it is one as we want it. */
static int set_up(int fd, const struct ifreq *ifr, struct net_port **ret_port)
{
	int header_bytes = NET_HDR_BYTES, little_endian = 1;
	struct net_port *port;

	if (ioctl(fd, TUNSETVNETHDRSZ, &header_bytes) < 0 ||
	    ioctl(fd, TUNSETVNETLE, &little_endian) < 0)
		return -errno;
	port = calloc(1, sizeof(*port));
	if (!port)
		return -ENOMEM;
	port->ops = &tap_ops;
	port->fd = fd;
	port->features =
		BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
		BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) |
		BIT(VIRTIO_NET_F_HOST_ECN) | BIT(VIRTIO_NET_F_GUEST_TSO4) |
		BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_ECN);
	memcpy(port->name, ifr->ifr_name, sizeof(port->name) - 1);
	*ret_port = port;
	return 0;
}

int tap_open(const char *name, struct net_port **ret_port)
{
	struct ifreq ifr = { .ifr_flags = TAP_FLAGS };
	int r, fd;

	if (strlen(name) >= sizeof(ifr.ifr_name))
		return -EINVAL;
	strcpy(ifr.ifr_name, name);
	fd = open(TAP_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = ioctl(fd, TUNSETIFF, &ifr) < 0 ? -errno : 0;
	if (r == 0)
		r = set_up(fd, &ifr, ret_port);
	if (r < 0)
		close(fd);
	return r;
}

int tap_adopt(int fd, struct net_port **ret_port)
{
	struct ifreq ifr = { .ifr_flags = 0 };

	if (ioctl(fd, TUNGETIFF, &ifr) < 0)
		return errno == EBADFD ? -EBADFD : -EINVAL;
	if ((ifr.ifr_flags & TAP_FLAGS) != TAP_FLAGS)
		return -EINVAL;
	return set_up(fd, &ifr, ret_port);
}
