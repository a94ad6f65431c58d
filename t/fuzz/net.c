// SPDX-License-Identifier: GPL-2.0-only
/*
 * net.c - frames, headers and requests that make no sense, for libFuzzer
 *
 * The first byte says what the rest is: a question for DHCP, the header of a
 * frame with its length and features, or the network of a guest's file.  An
 * answer of DHCP's must be whole, and a header that is let through must not lead
 * out of its frame.
 */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "../../daemon/virtio/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dhcp_lease lease = {
	.mac = { 2, 0, 0, 0, 0, 1 },
	.router_mac = { 2, 0, 0, 0, 0, 2 },
	.address = { 0x0200ba0a },
	.router = { 0x0100ba0a },
	.netmask = { 0xfcffffff },
	.dns = { { 1 }, { 2 }, { 3 } },
	.dns_count = DHCP_DNS_MAX,
	.mtu = 1500,
	.name = "a name that is as long as the name of a guest may ever be",
};

/* The options of an answer, which must come to an end. */
static void check_answer(const uint8_t *answer, size_t len)
{
	size_t at = 282;

	assert(len == DHCP_FRAME_BYTES);
	while (answer[at] != 255) {
		at += 2U + answer[at + 1];
		assert(at < len);
	}
	assert(!memcmp(answer + 6, lease.router_mac, ETH_ALEN));
}

static void ask(const uint8_t *frame, size_t len)
{
	uint8_t answer[DHCP_FRAME_BYTES];
	size_t got;

	dhcp_asks(frame, len < 64 ? len : 64);
	ra_asks(frame, len);
	got = dhcp_answer(&lease, frame, len, answer);
	if (got)
		check_answer(answer, got);
}

static void check(const uint8_t *data, size_t size)
{
	struct virtio_net_hdr_v1 hdr;
	uint64_t features;
	uint16_t len;

	if (size < sizeof(hdr) + sizeof(features) + sizeof(len))
		return;
	memcpy(&hdr, data, sizeof(hdr));
	memcpy(&features, data + sizeof(hdr), sizeof(features));
	memcpy(&len, data + sizeof(hdr) + sizeof(features), sizeof(len));
	if (net_header_check(&hdr, len, features))
		return;
	assert(!hdr.num_buffers && !(hdr.flags & ~1));
	assert(!hdr.flags ||
	       le16toh(hdr.csum_start) + le16toh(hdr.csum_offset) + 2 <= len);
	assert(le16toh(hdr.hdr_len) <= len);
	assert(!hdr.gso_type || (hdr.gso_size && hdr.flags));
}

/* A question that is nearly one: what is read first is right already. */
static void ask_nearly(const uint8_t *data, size_t size)
{
	uint8_t frame[1514] = { 0 };
	size_t len = size < sizeof(frame) - 282 ? size : sizeof(frame) - 282;

	frame[12] = 8;
	frame[14] = 0x45;
	frame[23] = 17;
	frame[37] = 67;
	frame[42] = frame[43] = 1;
	frame[44] = ETH_ALEN;
	memcpy(frame + 278, "\x63\x82\x53\x63", 4);
	memcpy(frame + 282, data, len);
	ask(frame, 282 + len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (*data % 3) {
	case 0:
		ask(data + 1, size - 1);
		break;
	case 1:
		ask_nearly(data + 1, size - 1);
		break;
	default:
		check(data + 1, size - 1);
	}
	return 0;
}
