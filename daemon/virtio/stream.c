// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream.c - a program that is a guest's network, at the other end of a socket
 *
 * passt is one: it makes connections of this host's out of a guest's frames, with
 * nobody's privilege.  Frames go through a stream, each after its length in four
 * bytes, as QEMU has it.  They have no header of virtio's, so nothing is left
 * undone on either side.
 *
 * Frames come out of the socket whole or stay in it, since who comes after us
 * begins where we have ended, and must begin with a length.  While a part of one
 * is there the socket is readable and there is nothing to be done: so we are told
 * of news, and of nothing else.
 *
 * What must never happen: half a frame in the socket.  The kernel takes what is
 * no longer than FRAME_MAX as one piece, or says that there is no room.
 *
 * Next: daemon/virtio/dhcp.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "net.h"

#define PARTS_MAX 1024 /* UIO_MAXIOV */
#define FRAME_MAX (NET_STREAM_MTU_MAX + ETH_HLEN + 4) /* a VLAN's */

struct stream {
	struct net_port port; /* first: the one is the other */
	struct iovec parts[PARTS_MAX]; /* of what is sent */
	struct {
		uint32_t len;
		unsigned char frame[NET_FRAME_MAX];
	} __attribute__((packed)) in;
};

static bool hung_up(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLRDHUP };

	return poll(&poller, 1, 0) > 0 &&
	       poller.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

/* Bytes of the frame that is there; -EAGAIN if it is not whole. */
static ssize_t next_bytes(int fd)
{
	uint32_t len;
	ssize_t n = recv(fd, &len, sizeof(len), MSG_PEEK | MSG_DONTWAIT);
	int waiting;

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (n == 0)
		return -EPIPE;
	if (n == sizeof(len) &&
	    (ntohl(len) < ETH_HLEN || ntohl(len) > NET_FRAME_MAX))
		return -EBADMSG;
	if (ioctl(fd, SIOCINQ, &waiting) < 0)
		return -errno;
	if (n == sizeof(len) && (size_t)waiting >= sizeof(len) + ntohl(len))
		return (ssize_t)ntohl(len);
	return hung_up(fd) ? -EPIPE : -EAGAIN;
}

/* As much of it as fits. */
static void scatter(const struct iovec *iov, int count, const void *from,
		    size_t offset, size_t len)
{
	const unsigned char *at = from;
	size_t n;

	for (; count && len; iov++, count--) {
		if (offset >= iov->iov_len) {
			offset -= iov->iov_len;
			continue;
		}
		n = iov->iov_len - offset < len ? iov->iov_len - offset : len;
		memcpy((char *)iov->iov_base + offset, at, n);
		at += n;
		len -= n;
		offset = 0;
	}
}

static ssize_t receive(struct net_port *port, const struct iovec *iov,
		       int count)
{
	static const struct virtio_net_hdr_v1 nothing;
	struct stream *stream = (struct stream *)port;
	ssize_t n, len = next_bytes(port->fd);

	if (len < 0)
		return len;
	n = recv(port->fd, &stream->in, sizeof(stream->in.len) + (size_t)len,
		 MSG_DONTWAIT);
	if (n != len + (ssize_t)sizeof(stream->in.len))
		return n < 0 ? -errno : -EBADMSG;
	scatter(iov, count, &nothing, 0, sizeof(nothing));
	scatter(iov, count, stream->in.frame, sizeof(nothing), (size_t)len);
	return (ssize_t)sizeof(nothing) + len;
}

static int send_frame(struct net_port *port, const struct iovec *iov, int count)
{
	struct stream *stream = (struct stream *)port;
	struct msghdr message = { .msg_iov = stream->parts,
				  .msg_iovlen = (size_t)count };
	size_t bytes = 0;
	uint32_t len;
	ssize_t n;
	int i;

	/* The first part is the header; its place is the length's. */
	for (i = 1; i < count && i < PARTS_MAX; i++) {
		stream->parts[i] = iov[i];
		bytes += iov[i].iov_len;
	}
	if (i < count || bytes > FRAME_MAX)
		return -ENOBUFS;
	len = htonl((uint32_t)bytes);
	stream->parts[0] = (struct iovec){ &len, sizeof(len) };
	do
		n = sendmsg(port->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)(sizeof(len) + bytes))
		return 0;
	if (n < 0)
		return errno == EPIPE || errno == ECONNRESET ? -errno
							     : -ENOBUFS;
	return -EBADMSG; /* and nobody at the other end knows where he is */
}

/* None is offered, so none is asked for. */
static int offload(struct net_port *port, uint64_t features)
{
	(void)port;
	(void)features;
	return 0;
}

static void close_port(struct net_port *port)
{
	close(port->fd);
	free(port);
}

static const struct net_port_ops stream_ops = {
	.receive = receive,
	.send = send_frame,
	.offload = offload,
	.close = close_port,
};

bool stream_is(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

int stream_adopt(int fd, const char *name, struct net_port **ret_port)
{
	struct stream *stream;

	if (hung_up(fd))
		return -EBADFD;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	stream->port.ops = &stream_ops;
	stream->port.fd = fd;
	stream->port.tells_news = true;
	strncpy(stream->port.name, name, sizeof(stream->port.name) - 1);
	*ret_port = &stream->port;
	return 0;
}
