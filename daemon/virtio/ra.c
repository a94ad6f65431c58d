// SPDX-License-Identifier: GPL-2.0-only
/*
 * ra.c - which network is this?  A router's answer, in IPv6
 *
 * A guest with a network of its own makes itself an address of a prefix, and is
 * told the prefix by us: as with DHCP the question is taken out of what it sends
 * and the answer put into what it receives.  It is RFC 4861's: a prefix for ever,
 * on the link, of which addresses may be made, and the largest packet.
 *
 * We are no default router: what is behind this host is reached by IPv4.  So there
 * is nothing that would have to be said again in time.
 *
 * What must never happen: that anything of the question is in the answer.  That
 * goes to all nodes, of which there is one.
 *
 * Where we stand: net.c has seen that a frame asks for a router.
 *
 * Next: daemon/network.c
 */
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <string.h>

#include "net.h"

#define HOPS 255 /* a router in between would have taken one */

struct question {
	struct ether_header eth;
	struct ip6_hdr ip;
	struct icmp6_hdr icmp;
} __attribute__((packed));

struct mac_option {
	uint8_t type, length;
	uint8_t mac[ETH_ALEN];
} __attribute__((packed));

struct reply {
	struct ether_header eth;
	struct ip6_hdr ip;
	struct nd_router_advert advert;
	struct mac_option mac;
	struct nd_opt_mtu mtu;
	struct nd_opt_prefix_info prefix;
} __attribute__((packed));

_Static_assert(sizeof(struct reply) == RA_FRAME_BYTES, "as net.h has it");

bool ra_asks(const void *start, size_t len)
{
	struct question question;

	if (len < sizeof(question))
		return false;
	memcpy(&question, start, sizeof(question));
	return question.eth.ether_type == htons(ETHERTYPE_IPV6) &&
	       (question.ip.ip6_vfc >> 4) == 6 &&
	       question.ip.ip6_nxt == IPPROTO_ICMPV6 &&
	       question.ip.ip6_hlim == HOPS &&
	       question.icmp.icmp6_type == ND_ROUTER_SOLICIT &&
	       question.icmp.icmp6_code == 0;
}

/* RFC 4291, appendix A: the address that the kernel makes of a card's. */
static struct in6_addr link_local(const uint8_t mac[ETH_ALEN])
{
	return (struct in6_addr){ .s6_addr = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0,
					       mac[0] ^ 2, mac[1], mac[2], 0xff,
					       0xfe, mac[3], mac[4], mac[5] } };
}

static uint32_t sum_of(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
	return sum;
}

/* RFC 8200, 8.1: with addresses, length and kind of what is summed up. */
static uint16_t checksum(const struct reply *reply)
{
	const size_t len = sizeof(*reply) - offsetof(struct reply, advert);
	uint32_t sum = sum_of(&reply->ip.ip6_src, 2 * sizeof(struct in6_addr)) +
		       sum_of(&reply->advert, len) + (uint32_t)len +
		       IPPROTO_ICMPV6;

	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t) ~(sum + (sum >> 16)));
}

static void fill_options(const struct dhcp_lease *lease, struct reply *reply)
{
	reply->mac.type = ND_OPT_SOURCE_LINKADDR;
	reply->mac.length = 1; /* of 8 bytes, as the others */
	memcpy(reply->mac.mac, lease->router_mac, ETH_ALEN);
	reply->mtu.nd_opt_mtu_type = ND_OPT_MTU;
	reply->mtu.nd_opt_mtu_len = 1;
	reply->mtu.nd_opt_mtu_mtu = htonl(lease->mtu);
	reply->prefix.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION;
	reply->prefix.nd_opt_pi_len = 4;
	reply->prefix.nd_opt_pi_prefix_len = 64;
	reply->prefix.nd_opt_pi_flags_reserved =
		ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO;
	reply->prefix.nd_opt_pi_valid_time = ~0U;
	reply->prefix.nd_opt_pi_preferred_time = ~0U;
	reply->prefix.nd_opt_pi_prefix = lease->prefix;
}

size_t ra_answer(const struct dhcp_lease *lease, void *to)
{
	static const uint8_t all_nodes[] = { 0x33, 0x33, 0, 0, 0, 1 };
	struct reply reply = { .advert.nd_ra_hdr.icmp6_type =
				       ND_ROUTER_ADVERT };

	if (IN6_IS_ADDR_UNSPECIFIED(&lease->prefix))
		return 0;
	memcpy(reply.eth.ether_dhost, all_nodes, ETH_ALEN);
	memcpy(reply.eth.ether_shost, lease->router_mac, ETH_ALEN);
	reply.eth.ether_type = htons(ETHERTYPE_IPV6);
	reply.ip.ip6_flow = htonl(6U << 28);
	reply.ip.ip6_plen =
		htons(sizeof(reply) - offsetof(struct reply, advert));
	reply.ip.ip6_nxt = IPPROTO_ICMPV6;
	reply.ip.ip6_hlim = HOPS;
	reply.ip.ip6_src = link_local(lease->router_mac);
	inet_pton(AF_INET6, "ff02::1", &reply.ip.ip6_dst);
	fill_options(lease, &reply);
	reply.advert.nd_ra_hdr.icmp6_cksum = checksum(&reply);
	memcpy(to, &reply, sizeof(reply));
	return sizeof(reply);
}
