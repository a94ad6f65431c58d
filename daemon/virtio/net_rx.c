// SPDX-License-Identifier: GPL-2.0-only
/*
 * net_rx.c - from the port into the guest's memory, without a stop in between
 *
 * The driver gives us buffers before there is anything to put in them.  We hold
 * enough of them for the largest frame there may be, side by side in one array
 * of parts, and let the kernel read a frame right into it.  What of them it has
 * filled goes back to the driver; the rest is there for the next frame.
 *
 *	held:  [ chain 7 ][ chain 2 ][ chain 9 ] ...
 *	iov:   [12][1514] [12][1514] [12][1514]  ... [spill]
 *
 * A port has no way to say how long its next frame is, and cuts off what does
 * not fit.  So behind the guest's buffers there is one of our own, the spill: if
 * a frame reaches into it, it waits there until the driver has given us more, or
 * it is lost, when that will not happen.  A frame that we have made ourselves is
 * one that is all spill.
 *
 * What must never happen: that the driver is shown a buffer before all of its
 * frame is there; so all buffers of a frame are published at once.
 *
 * Next: daemon/virtio/tap.c
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "virtio.h"

#define PARTS_MAX 1023 /* UIO_MAXIOV, without the spill */

struct held {
	uint16_t head;
	uint16_t parts;
	size_t bytes;
};

struct net_rx {
	struct vq *vq;
	bool mergeable;
	size_t wanted; /* bytes of the largest frame, with its header */

	/* What we hold begins at first, and at first_part. */
	struct held held[VQ_SIZE_MAX];
	unsigned int first, held_count;
	struct iovec iov[PARTS_MAX + 1];
	unsigned int first_part, part_count;
	size_t room; /* bytes of all that */

	/* A frame of which the end is in the spill. */
	size_t frame; /* bytes; 0: there is none */
	size_t placed; /* bytes of it that are in the guest's memory already */
	unsigned char spill[NET_HDR_BYTES + NET_FRAME_MAX];
};

struct net_rx *net_rx_new(void)
{
	return calloc(1, sizeof(struct net_rx));
}

void net_rx_free(struct net_rx *rx)
{
	free(rx);
}

void net_rx_reset(struct net_rx *rx)
{
	rx->vq = NULL;
	rx->first = rx->held_count = 0;
	rx->first_part = rx->part_count = 0;
	rx->room = 0;
	rx->frame = 0;
}

void net_rx_start(struct net_rx *rx, struct vq *vq, bool mergeable,
		  size_t frame_bytes)
{
	net_rx_reset(rx);
	rx->vq = vq;
	rx->mergeable = mergeable;
	rx->wanted = NET_HDR_BYTES + frame_bytes;
}

/* ---- holding buffers ---- */

/* To the front of the arrays, when their ends are near. */
static void close_up(struct net_rx *rx)
{
	memmove(rx->held, rx->held + rx->first,
		rx->held_count * sizeof(rx->held[0]));
	memmove(rx->iov, rx->iov + rx->first_part,
		rx->part_count * sizeof(rx->iov[0]));
	rx->first = 0;
	rx->first_part = 0;
}

/* One more; false if it is not for us to hold. */
static bool hold(struct net_rx *rx, const struct vq_chain *chain)
{
	if (rx->first + rx->held_count == VQ_SIZE_MAX ||
	    rx->first_part + rx->part_count + chain->writes > PARTS_MAX)
		close_up(rx);
	if (rx->held_count == VQ_SIZE_MAX ||
	    rx->part_count + chain->writes > PARTS_MAX)
		return false;
	rx->held[rx->first + rx->held_count++] = (struct held){
		.head = chain->head,
		.parts = (uint16_t)chain->writes,
		.bytes = chain->write_bytes,
	};
	memcpy(rx->iov + rx->first_part + rx->part_count, chain->iov,
	       chain->writes * sizeof(chain->iov[0]));
	rx->part_count += chain->writes;
	rx->room += chain->write_bytes;
	return true;
}

/*
 * As many as the next frame may need.  0; -ENOBUFS: fewer, and there are no
 * more; -ENOSPC: fewer, and more we cannot hold; -EPROTO: the device has failed.
 */
static int take_buffers(struct net_rx *rx, size_t wanted)
{
	struct vq_chain chain;
	int r;

	while (rx->room < wanted) {
		/* All there are, or the ring is not what it was. */
		if (rx->held_count == rx->vq->state->size)
			return -ENOSPC;
		r = vq_pop(rx->vq, &chain);
		if (r <= 0)
			return r < 0 ? -EPROTO : -ENOBUFS;
		if (chain.reads || chain.write_bytes < NET_HDR_BYTES) {
			virtio_fail(rx->vq->dev,
				    "a buffer to receive in has %zu bytes to "
				    "read, and %zu to write",
				    chain.read_bytes, chain.write_bytes);
			return -EPROTO;
		}
		if (!hold(rx, &chain)) {
			vq_unpop(rx->vq, &chain);
			return -ENOSPC;
		}
	}
	return 0;
}

/* ---- frames into them ---- */

/* Bytes of ours into those we hold, from offset on; as many as fit. */
static void put(struct net_rx *rx, size_t offset, const void *from, size_t len)
{
	const unsigned char *bytes = from;
	const struct iovec *part = rx->iov + rx->first_part;
	const struct iovec *end = part + rx->part_count;
	size_t n;

	for (; part < end && len; part++) {
		if (offset >= part->iov_len) {
			offset -= part->iov_len;
			continue;
		}
		n = part->iov_len - offset < len ? part->iov_len - offset : len;
		memcpy((char *)part->iov_base + offset, bytes, n);
		bytes += n;
		len -= n;
		offset = 0;
	}
}

static unsigned int buffers_of(const struct net_rx *rx, size_t len)
{
	unsigned int count = 0;
	size_t bytes = 0;

	while (bytes < len)
		bytes += rx->held[rx->first + count++].bytes;
	return count;
}

/* The first len bytes of what we hold are a frame: back to the driver. */
static void give(struct net_rx *rx, size_t len)
{
	unsigned int i, count = buffers_of(rx, len);
	const uint16_t buffers = htole16((uint16_t)count);
	const struct held *held;

	put(rx, offsetof(struct virtio_net_hdr_v1, num_buffers), &buffers,
	    sizeof(buffers));
	for (i = 0; i < count; i++) {
		held = &rx->held[rx->first++];
		vq_fill(rx->vq, held->head,
			len < held->bytes ? len : held->bytes);
		len -= len < held->bytes ? len : held->bytes;
		rx->first_part += held->parts;
		rx->part_count -= held->parts;
		rx->room -= held->bytes;
	}
	rx->held_count -= count;
	vq_publish(rx->vq);
}

/* What one frame may have of what we hold. */
static size_t room_for_one(const struct net_rx *rx)
{
	return rx->mergeable ? rx->room : rx->held[rx->first].bytes;
}

/*
 * The frame of which the end is in the spill, if there is room by now.  err is
 * why there was not more of it.
 */
static ssize_t finish(struct net_rx *rx, int err)
{
	size_t frame = rx->frame;

	if (room_for_one(rx) < frame) {
		if (rx->mergeable && err == -ENOBUFS)
			return err;
		rx->frame = 0;
		return 0;
	}
	put(rx, rx->placed, rx->spill, frame - rx->placed);
	rx->frame = 0;
	give(rx, frame);
	return (ssize_t)frame;
}

ssize_t net_rx_receive(struct net_rx *rx, struct net_port *port)
{
	struct iovec *iov, behind;
	unsigned int parts;
	size_t room;
	ssize_t n;
	int r = take_buffers(rx, rx->frame ?: rx->wanted);

	if (r == -EPROTO || !rx->held_count)
		return r;
	if (rx->frame)
		return finish(rx, r);

	iov = rx->iov + rx->first_part;
	parts = rx->mergeable ? rx->part_count : rx->held[rx->first].parts;
	room = room_for_one(rx);
	behind = iov[parts];
	iov[parts] = (struct iovec){ rx->spill, sizeof(rx->spill) };
	n = port->ops->receive(port, iov, (int)parts + 1);
	iov[parts] = behind;

	if (n > (ssize_t)room) {
		rx->frame = (size_t)n;
		rx->placed = room;
		return finish(rx, take_buffers(rx, rx->frame));
	}
	if (n > 0)
		give(rx, (size_t)n);
	return n;
}

bool net_rx_insert(struct net_rx *rx, const void *frame, size_t len)
{
	if (!rx->vq || rx->frame || len > NET_FRAME_MAX)
		return false;
	memset(rx->spill, 0, NET_HDR_BYTES);
	memcpy(rx->spill + NET_HDR_BYTES, frame, len);
	rx->frame = NET_HDR_BYTES + len;
	rx->placed = 0;
	return true;
}
