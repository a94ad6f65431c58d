// SPDX-License-Identifier: GPL-2.0-only
/*
 * dhcp.c - which address may I have?  Always the same one
 *
 * A guest with a network of its own, of two addresses, finds nobody there to ask
 * but us.  So there are no leases to keep, no sockets to bind and no other
 * server to be in the way: the question is taken out of what the guest sends
 * before the host sees it, and the answer put into what it receives.  It is as
 * RFC 2131 has it, and a guest that wants another address is told no.
 *
 * What must never happen: that a length in the frame takes us out of it.  A
 * frame is a copy that stands still, every length in it is held against what is
 * left of it, and nothing of the guest's is in the answer but its own 32 bits of
 * transaction and the address of its card.
 *
 * Where we stand: net.c has seen that a frame is for a DHCP server.  Start at
 * dhcp_answer(), at the end.
 *
 * Next: daemon/virtio/ra.c
 */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>

#include "net.h"

#define SERVER_PORT 67
#define CLIENT_PORT 68
#define LEASE_S     (12 * 60 * 60)
#define MAGIC       0x63825363
#define BROADCAST   0x8000
#define OPTIONS_MAX 308

enum {
	BOOT_REQUEST = 1,
	BOOT_REPLY
};

enum {
	DISCOVER = 1,
	OFFER,
	REQUEST,
	DECLINE,
	ACK,
	NAK,
	RELEASE,
	INFORM,
};

enum {
	OPTION_PAD = 0,
	OPTION_NETMASK = 1,
	OPTION_ROUTER = 3,
	OPTION_DNS = 6,
	OPTION_HOST_NAME = 12,
	OPTION_MTU = 26,
	OPTION_WANTED = 50,
	OPTION_LEASE_S = 51,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_END = 255,
};

struct bootp {
	uint8_t op, htype, hlen, hops;
	uint32_t xid;
	uint16_t secs, flags;
	struct in_addr ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[16];
	char sname[64], file[128];
	uint32_t magic;
} __attribute__((packed));

struct headers {
	struct ether_header eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

struct reply {
	struct headers headers;
	struct bootp bootp;
	uint8_t options[OPTIONS_MAX];
} __attribute__((packed));

_Static_assert(sizeof(struct reply) == DHCP_FRAME_BYTES, "an old limit");

/* What of a question matters. */
struct question {
	struct bootp bootp;
	uint8_t type; /* 0: none, which is BOOTP's */
	struct in_addr wanted, server; /* 0: not said */
};

/* ---- the question ---- */

bool dhcp_asks(const void *start, size_t len)
{
	struct headers headers;

	if (len < sizeof(headers))
		return false;
	memcpy(&headers, start, sizeof(headers));
	return headers.eth.ether_type == htons(ETHERTYPE_IP) &&
	       headers.ip.version == 4 && headers.ip.ihl == 5 &&
	       headers.ip.protocol == IPPROTO_UDP &&
	       !(headers.ip.frag_off & htons(IP_OFFMASK | IP_MF)) &&
	       headers.udp.dest == htons(SERVER_PORT);
}

static void take_option(struct question *question, uint8_t option,
			const uint8_t *value, size_t len)
{
	if (option == OPTION_TYPE && len == 1)
		question->type = *value;
	else if (option == OPTION_WANTED && len == sizeof(question->wanted))
		memcpy(&question->wanted, value, len);
	else if (option == OPTION_SERVER && len == sizeof(question->server))
		memcpy(&question->server, value, len);
}

static void take_options(struct question *question, const uint8_t *at,
			 size_t left)
{
	size_t len;

	while (left && *at != OPTION_END) {
		if (*at == OPTION_PAD) {
			at++;
			left--;
			continue;
		}
		if (left < 2 || left - 2 < at[1])
			return;
		len = at[1];
		take_option(question, *at, at + 2, len);
		at += 2 + len;
		left -= 2 + len;
	}
}

static bool read_question(struct question *question, const uint8_t *frame,
			  size_t len)
{
	const struct bootp *bootp = &question->bootp;

	memset(question, 0, sizeof(*question));
	if (!dhcp_asks(frame, len) ||
	    len < sizeof(struct headers) + sizeof(*bootp))
		return false;
	frame += sizeof(struct headers);
	len -= sizeof(struct headers);
	memcpy(&question->bootp, frame, sizeof(*bootp));
	if (bootp->op != BOOT_REQUEST || bootp->htype != 1 ||
	    bootp->hlen != ETH_ALEN || bootp->magic != htonl(MAGIC))
		return false;
	take_options(question, frame + sizeof(*bootp), len - sizeof(*bootp));
	return true;
}

/* ---- the answer ---- */

/* Does a client that says REQUEST mean us, and the address that it may have? */
static uint8_t answer_request(const struct dhcp_lease *lease,
			      const struct question *question)
{
	struct in_addr wanted = question->wanted;

	if (question->server.s_addr &&
	    question->server.s_addr != lease->router.s_addr)
		return 0;
	if (!wanted.s_addr)
		wanted = question->bootp.ciaddr;
	return wanted.s_addr == lease->address.s_addr ? ACK : NAK;
}

static uint8_t answer_type(const struct dhcp_lease *lease,
			   const struct question *question)
{
	switch (question->type) {
	case DISCOVER:
		return OFFER;
	case REQUEST:
		return answer_request(lease, question);
	case INFORM:
		return ACK;
	}
	return 0;
}

static uint8_t *add(uint8_t *at, uint8_t option, const void *value, size_t len)
{
	*at++ = option;
	*at++ = (uint8_t)len;
	memcpy(at, value, len);
	return at + len;
}

/* At most 3 + 6 + 6 + 6 + 6 + 14 + 4 + 65 + 1 bytes. */
static void add_options(const struct dhcp_lease *lease,
			const struct question *question, uint8_t type,
			uint8_t *at)
{
	const uint32_t lease_s = htonl(LEASE_S);
	const uint16_t mtu = htons(lease->mtu);

	at = add(at, OPTION_TYPE, &type, 1);
	at = add(at, OPTION_SERVER, &lease->router, sizeof(lease->router));
	if (type != NAK) {
		/* Who only informs itself has its address from elsewhere. */
		if (question->type != INFORM)
			at = add(at, OPTION_LEASE_S, &lease_s, sizeof(lease_s));
		at = add(at, OPTION_NETMASK, &lease->netmask,
			 sizeof(lease->netmask));
		at = add(at, OPTION_ROUTER, &lease->router,
			 sizeof(lease->router));
		if (lease->dns_count)
			at = add(at, OPTION_DNS, lease->dns,
				 lease->dns_count * sizeof(lease->dns[0]));
		at = add(at, OPTION_MTU, &mtu, sizeof(mtu));
		if (*lease->name)
			at = add(at, OPTION_HOST_NAME, lease->name,
				 strnlen(lease->name, sizeof(lease->name)));
	}
	*at = OPTION_END;
}

static uint16_t checksum(struct iphdr ip)
{
	uint16_t words[sizeof(ip) / 2];
	uint32_t sum = 0;
	size_t i;

	memcpy(words, &ip, sizeof(words));
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void fill_headers(const struct dhcp_lease *lease,
			 const struct question *question, struct reply *reply)
{
	const size_t before = sizeof(struct ether_header);
	struct headers *headers = &reply->headers;
	bool everybody = question->bootp.flags & htons(BROADCAST) ||
			 !reply->bootp.yiaddr.s_addr;

	memcpy(headers->eth.ether_dhost, question->bootp.chaddr, ETH_ALEN);
	memcpy(headers->eth.ether_shost, lease->router_mac, ETH_ALEN);
	headers->eth.ether_type = htons(ETHERTYPE_IP);
	headers->ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(*reply) - before),
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = lease->router.s_addr,
		.daddr = everybody ? INADDR_BROADCAST
				   : reply->bootp.yiaddr.s_addr,
	};
	if (question->type == INFORM && question->bootp.ciaddr.s_addr)
		headers->ip.daddr = question->bootp.ciaddr.s_addr;
	headers->ip.check = checksum(headers->ip);
	/* A checksum of 0 is none, which IPv4 allows. */
	headers->udp.source = htons(SERVER_PORT);
	headers->udp.dest = htons(CLIENT_PORT);
	headers->udp.len = htons(sizeof(*reply) - before - sizeof(headers->ip));
}

size_t dhcp_answer(const struct dhcp_lease *lease, const void *frame,
		   size_t len, void *to)
{
	struct reply reply = { .bootp.op = BOOT_REPLY };
	struct question question;
	uint8_t type;

	if (!read_question(&question, frame, len))
		return 0;
	type = answer_type(lease, &question);
	if (!type)
		return 0;
	reply.bootp.htype = 1;
	reply.bootp.hlen = ETH_ALEN;
	reply.bootp.xid = question.bootp.xid;
	reply.bootp.flags = question.bootp.flags;
	reply.bootp.magic = htonl(MAGIC);
	memcpy(reply.bootp.chaddr, question.bootp.chaddr, ETH_ALEN);
	if (question.type == INFORM)
		reply.bootp.ciaddr = question.bootp.ciaddr;
	else if (type != NAK)
		reply.bootp.yiaddr = lease->address;
	add_options(lease, &question, type, reply.options);
	fill_headers(lease, &question, &reply);
	memcpy(to, &reply, sizeof(reply));
	return sizeof(reply);
}
