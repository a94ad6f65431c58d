// SPDX-License-Identifier: GPL-2.0-only
/*
 * net_header.c - what a guest wants done to a frame of its own
 *
 * Before each frame comes a header with work that the driver has left to us:
 * a checksum to be filled in, a packet to be cut into segments.  The port does
 * that, which is the host's kernel, so it gets to see only what makes sense: a
 * copy with every field either checked against the frame or zero.
 *
 * What must never happen: that the kernel reads an offset from guest memory that
 * was another one when we looked.  So it never reads one there.
 *
 * Next: daemon/virtio/net_rx.c
 */
#include <endian.h>
#include <string.h>

#include "net.h"

static bool has(uint64_t features, unsigned int bit)
{
	return features >> bit & 1;
}

static const char *check_checksum(const struct virtio_net_hdr_v1 *hdr,
				  size_t frame_bytes, uint64_t features)
{
	/* Two 16-bit numbers: this cannot overflow. */
	size_t end = (size_t)le16toh(hdr->csum_start) +
		     le16toh(hdr->csum_offset) + 2;

	if (!has(features, VIRTIO_NET_F_CSUM))
		return "a checksum that was not negotiated";
	if (end > frame_bytes)
		return "a checksum outside of its frame";
	return NULL;
}

/* Which feature allows it?  -1: there is no such thing. */
static int gso_feature(uint8_t gso_type)
{
	switch (gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return VIRTIO_NET_F_HOST_TSO4;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return VIRTIO_NET_F_HOST_TSO6;
	}
	return -1;
}

static const char *check_gso(const struct virtio_net_hdr_v1 *hdr,
			     size_t frame_bytes, uint64_t features)
{
	int feature = gso_feature(hdr->gso_type);

	if (feature < 0 || !has(features, (unsigned int)feature) ||
	    (hdr->gso_type & VIRTIO_NET_HDR_GSO_ECN &&
	     !has(features, VIRTIO_NET_F_HOST_ECN)))
		return "a segmentation that was not negotiated";
	if (!(hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return "a segmentation without a checksum";
	if (!hdr->gso_size || le16toh(hdr->hdr_len) > frame_bytes)
		return "a segmentation that makes no sense";
	return NULL;
}

const char *net_header_check(struct virtio_net_hdr_v1 *hdr, size_t frame_bytes,
			     uint64_t features)
{
	const char *wrong;

	/* It may not vouch for a checksum, nor is it told how many buffers. */
	hdr->flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	hdr->num_buffers = 0;

	if (hdr->flags) {
		wrong = check_checksum(hdr, frame_bytes, features);
		if (wrong)
			return wrong;
	} else {
		hdr->csum_start = 0;
		hdr->csum_offset = 0;
	}
	if (hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return check_gso(hdr, frame_bytes, features);
	hdr->gso_size = 0;
	hdr->hdr_len = 0;
	return NULL;
}
