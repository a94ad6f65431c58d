// SPDX-License-Identifier: GPL-2.0-only
/*
 * net_lease.c - which addresses a guest has on a network of its own
 *
 * A pair of them, the host's and the guest's, out of a range of the daemon's
 * configuration.  Which one is made of the guest's name, as the address of its
 * card is, so that both are the same the next time; but none that this host
 * knows already, whoever it belongs to.
 *
 * Next: daemon/net_user.c
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"
#include "virtio/net.h"
#include "vm.h"

/* ---- what is made of a name ---- */

/* FNV-1a: the same everywhere and for ever, and nothing is secret here. */
static uint64_t hash(const char *name, unsigned int number)
{
	uint64_t sum = 0xcbf29ce484222325;

	for (; *name; name++)
		sum = (sum ^ (unsigned char)*name) * 0x100000001b3;
	return (sum ^ number) * 0x100000001b3;
}

void lease_mac(const struct vm *vm, unsigned int number, uint8_t mac[ETH_ALEN])
{
	const struct conf_network *conf = conf_network(vm->conf, number);
	uint64_t sum = hash(vm_name(vm), number);

	if (conf->mac && conf_mac_parse(conf->mac, mac))
		return;
	memcpy(mac, &sum, ETH_ALEN);
	mac[0] = (uint8_t)((mac[0] & ~1) | 2); /* given here, and to one card */
}

/* ---- a pair of addresses ---- */

struct pairs {
	uint32_t first, count; /* of addresses, host order */
	unsigned char *taken; /* a byte for each four of them */
};

static void mark_taken(const struct link_address *found, void *arg)
{
	const struct pairs *pairs = arg;
	uint64_t bits = 32 - (unsigned int)found->prefix;
	uint64_t first = ntohl(found->address.s_addr) >> bits << bits;
	uint64_t last = first + (1ULL << bits) - 1;
	uint64_t end = (uint64_t)pairs->first + pairs->count - 1;

	if (last < pairs->first || first > end)
		return;
	first = first < pairs->first ? 0 : first - pairs->first;
	last = (last > end ? end : last) - pairs->first;
	memset(pairs->taken + first / 4, 1, last / 4 - first / 4 + 1);
}

int lease_find_pair(const struct vm *vm, unsigned int number,
		    uint32_t *ret_host, struct why *why)
{
	const char *range = vm->lguestd->conf->local_range;
	struct pairs pairs = { .taken = NULL };
	uint32_t i, at, pair_count;
	int r = -ENOMEM;

	if (!conf_range_parse(range, &pairs.first, &pairs.count))
		return why_say(why, -EINVAL, "local_range %s: is none", range);
	pair_count = pairs.count / 4;
	pairs.taken = calloc(1, pair_count);
	if (pairs.taken)
		r = link_addresses(mark_taken, &pairs);
	if (r < 0) {
		free(pairs.taken);
		return why_say(why, r, "addresses: %s", strerror(-r));
	}
	at = (uint32_t)(hash(vm_name(vm), number) % pair_count);
	for (i = 0; i < pair_count && pairs.taken[at]; i++)
		at = (at + 1) % pair_count;
	r = pairs.taken[at] ? -EADDRNOTAVAIL : 0;
	free(pairs.taken);
	*ret_host = pairs.first + at * 4 + 1;
	return r == 0 ? 0
		      : why_say(why, r,
				"local_range %s: none of %u pairs is "
				"free",
				range, pair_count);
}

/* ---- what a guest is told by DHCP ---- */

/* Of a resolv.conf, those that a guest can reach. */
static void read_dns(const char *path, struct dhcp_lease *lease)
{
	FILE *file = fopen(path, "re");
	struct in_addr address;
	char line[256], word[64];

	while (file && lease->dns_count < DHCP_DNS_MAX &&
	       fgets(line, sizeof(line), file)) {
		if (sscanf(line, "nameserver %63s", word) == 1 &&
		    inet_pton(AF_INET, word, &address) == 1 &&
		    ntohl(address.s_addr) >> 24 != IN_LOOPBACKNET)
			lease->dns[lease->dns_count++] = address;
	}
	if (file)
		fclose(file);
}

void lease_fill(const struct vm *vm, unsigned int number, uint32_t host,
		struct dhcp_lease *lease)
{
	memset(lease, 0, sizeof(*lease));
	lease_mac(vm, number, lease->mac);
	lease->router.s_addr = htonl(host);
	lease->address.s_addr = htonl(host + 1);
	/* RFC 4193: nobody's; fd, ours, and the host's address: it is the link's. */
	memcpy(lease->prefix.s6_addr, "\xfd\x6c\x67", 3);
	memcpy(lease->prefix.s6_addr + 3, &lease->router, 4);
	lease->netmask.s_addr = htonl(~0U << (32 - PAIR_PREFIX));
	lease->mtu = (uint16_t)conf_network(vm->conf, number)->mtu;
	snprintf(lease->name, sizeof(lease->name), "%s", vm_name(vm));
	read_dns("/etc/resolv.conf", lease);
	/* systemd-resolved's own is on the loopback, and it knows others. */
	if (!lease->dns_count)
		read_dns("/run/systemd/resolve/resolv.conf", lease);
}
