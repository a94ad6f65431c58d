// SPDX-License-Identifier: GPL-2.0-only
/*
 * network.c - the host's end of a guest's network
 *
 * A guest that asks for a network gets a tap, which it keeps for all its starts,
 * as it keeps its console.  The tap is a port of a bridge that is there already,
 * or it is a network of its own, `local`: two addresses out of a range, the
 * host's and the guest's, which is told its own by DHCP and gets out by NAT.
 * Which two, is made of the guest's name as long as they are free, and so is the
 * address of its card, so both are the same next time.
 *
 * A tap is there for as long as one descriptor of it is, ours, systemd's or the
 * device's; addresses and routes go with it.  The rules are one table, written
 * as a whole by whoever comes after us.  So a crash leaves nothing that has to be
 * looked for.
 *
 * What must never happen: half a network.  It is whole or it is closed; only the
 * way out may be missing, when this host does not forward, and then the log says
 * by name what is in the way.
 *
 * Where we stand: bus.c makes the devices of a guest.  Start at networks_make().
 *
 * Next: daemon/net_link.c
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "network.h"
#include "virtio/net.h"
#include "vm.h"

#define LOCAL_NAME  LOCAL_PREFIX "%d"
#define BRIDGE_NAME "lgb%d"
#define PAIR_PREFIX 30 /* four addresses; the outer two mean something else */
#define PATIENCE_S  60 /* that nobody serves it; the host's own would be 3 */

struct network {
	LIST_ENTRY(network) link; /* of those that are local */
	bool is_local;
	int fd; /* of its tap */
	char name[IF_NAMESIZE];
	struct dhcp_lease lease; /* if it is local */
};

static LIST_HEAD(, network) locals = LIST_HEAD_INITIALIZER(locals);

/* ---- what is made of a name ---- */

/* FNV-1a: the same everywhere and for ever, and nothing is secret here. */
static uint64_t hash(const char *name, unsigned int number)
{
	uint64_t sum = 0xcbf29ce484222325;

	for (; *name; name++)
		sum = (sum ^ (unsigned char)*name) * 0x100000001b3;
	return (sum ^ number) * 0x100000001b3;
}

static void make_mac(const struct vm *vm, unsigned int number,
		     uint8_t mac[ETH_ALEN])
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

/* The host's of two that are free; the guest's is the next. */
static int find_pair(const struct vm *vm, unsigned int number,
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

static int fill_lease(const struct vm *vm, unsigned int number,
		      struct network *network, uint32_t host)
{
	struct dhcp_lease *lease = &network->lease;

	memset(lease, 0, sizeof(*lease));
	make_mac(vm, number, lease->mac);
	lease->router.s_addr = htonl(host);
	lease->address.s_addr = htonl(host + 1);
	lease->netmask.s_addr = htonl(~0U << (32 - PAIR_PREFIX));
	lease->mtu = (uint16_t)conf_network(vm->conf, number)->mtu;
	snprintf(lease->name, sizeof(lease->name), "%s", vm_name(vm));
	read_dns("/etc/resolv.conf", lease);
	/* systemd-resolved's own is on the loopback, and it knows others. */
	if (!lease->dns_count)
		read_dns("/run/systemd/resolve/resolv.conf", lease);
	return link_mac(network->name, lease->router_mac);
}

/* ---- the way out ---- */

static int write_rules(const struct lguestd *lguestd, struct why *why)
{
	struct network *network;
	struct nat_guest *guests;
	size_t count = 0;
	int r;

	LIST_FOREACH(network, &locals, link)
		count++;
	guests = calloc(count + 1, sizeof(*guests));
	if (!guests)
		return why_say(why, -ENOMEM, "nftables: no memory");
	count = 0;
	LIST_FOREACH(network, &locals, link) {
		strcpy(guests[count].name, network->name);
		guests[count++].address = network->lease.address;
	}
	r = nat_set(guests, count, lguestd->conf->local_range, why);
	free(guests);
	return r;
}

/* Why the guest gets to this host and no further; false: it gets out. */
static bool is_shut_in(const struct lguestd *lguestd, struct why *why)
{
	if (write_rules(lguestd, why) < 0)
		return true;
	if (link_forwards() == 0) {
		why_say(why, 0, "the sysctl net.ipv4.ip_forward is 0");
		return true;
	}
	return nat_blocked(why);
}

static void enlist(struct network *network)
{
	if (!network->is_local)
		LIST_INSERT_HEAD(&locals, network, link);
	network->is_local = true;
}

static void delist(struct network *network)
{
	if (network->is_local)
		LIST_REMOVE(network, link);
	network->is_local = false;
}

/* ---- a tap of its own, or on a bridge ---- */

static int set_link(const struct vm *vm, unsigned int number,
		    const struct network *network, int bridge, struct why *why)
{
	char alias[CONF_NAME_MAX + 32];
	const struct link_wish wish = {
		.alias = alias,
		.mtu = conf_network(vm->conf, number)->mtu,
		.bridge = bridge,
	};
	int r;

	snprintf(alias, sizeof(alias), "lguest: %s: net%u", vm_name(vm),
		 number);
	r = link_set(network->name, &wish);
	return r < 0 ? why_say(why, r, "%s: %s", network->name, strerror(-r))
		     : 0;
}

static int set_local(struct vm *vm, unsigned int number,
		     struct network *network, struct why *why)
{
	struct why shut_in;
	uint32_t host = 0;
	int r = find_pair(vm, number, &host, why);

	if (r == 0)
		r = set_link(vm, number, network, 0, why);
	if (r < 0)
		return r;
	r = link_add_address(network->name, (struct in_addr){ htonl(host) },
			     PAIR_PREFIX);
	if (r == 0)
		r = link_set_patience(network->name, PATIENCE_S);
	if (r == 0)
		r = fill_lease(vm, number, network, host);
	if (r < 0)
		return why_say(why, r, "%s: address: %s", network->name,
			       strerror(-r));
	enlist(network);
	if (is_shut_in(vm->lguestd, &shut_in))
		log_say(LOG_LEVEL_WARNING, vm_name(vm),
			"net%u: %s: reaches this host and nothing behind it: "
			"%s",
			number, network->name, shut_in.text);
	return 0;
}

static int set_bridged(struct vm *vm, unsigned int number,
		       struct network *network, struct why *why)
{
	const char *bridge = conf_network(vm->conf, number)->bridge;
	int index = 0, r = link_bridge(bridge, &index);

	if (r < 0)
		return why_say(why, r, "bridge '%s': %s", bridge,
			       r == -EMEDIUMTYPE ? "is no bridge"
						 : strerror(-r));
	return set_link(vm, number, network, index, why);
}

static void close_network(struct network *network)
{
	delist(network);
	if (network->fd >= 0)
		close(network->fd);
	network->fd = -1;
}

static int open_network(struct vm *vm, unsigned int number,
			struct network *network, struct why *why)
{
	bool local = conf_network(vm->conf, number)->mode == CONF_LOCAL;
	struct net_port *port;
	char what[16];
	int r = tap_open(local ? LOCAL_NAME : BRIDGE_NAME, &port);

	if (r < 0)
		return why_say(why, r, TAP_DEVICE ": %s", strerror(-r));
	strcpy(network->name, port->name);
	network->fd = fcntl(port->fd, F_DUPFD_CLOEXEC, 0);
	port->ops->close(port);
	if (network->fd < 0)
		return why_say(why, -errno, "%s: %s", network->name,
			       strerror(errno));
	r = local ? set_local(vm, number, network, why)
		  : set_bridged(vm, number, network, why);
	if (r < 0) {
		close_network(network);
		return r;
	}
	snprintf(what, sizeof(what), "net%u", number);
	store_put(vm, what, network->fd);
	return 0;
}

/* ---- the device ---- */

static struct network *network_of(struct vm *vm, unsigned int number)
{
	if (!vm->networks[number]) {
		vm->networks[number] = calloc(1, sizeof(struct network));
		if (vm->networks[number])
			vm->networks[number]->fd = -1;
	}
	return vm->networks[number];
}

/* A descriptor of its own, which is its device's. */
static int open_port(const struct network *network, struct net_port **ret_port)
{
	int r, fd = network->fd;

	if (fd < 0)
		return -EBADFD;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = tap_adopt(fd, ret_port);
	if (r < 0)
		close(fd);
	return r;
}

int networks_make(struct vm *vm, unsigned int number,
		  struct virtio_dev **ret_dev, struct why *why)
{
	const struct conf_network *conf = conf_network(vm->conf, number);
	struct net_setup setup = { .lease = NULL };
	struct network *network;
	struct net_port *port;
	struct why said;
	char what[16];
	int r;

	if (!conf)
		return 0;
	network = network_of(vm, number);
	if (!network)
		return -ENOMEM;
	r = open_port(network, &port);
	if (r == -EBADFD) {
		/* The first start, or somebody has deleted it meanwhile. */
		snprintf(what, sizeof(what), "net%u", number);
		if (network->fd >= 0)
			store_remove(vm_name(vm), what);
		close_network(network);
		r = open_network(vm, number, network, &said);
		if (r < 0)
			return why_say(why, r, "%s: %.400s", what, said.text);
		r = open_port(network, &port);
	}
	if (r < 0)
		return r;
	make_mac(vm, number, setup.mac);
	setup.mtu = (uint16_t)conf->mtu;
	setup.lease = network->is_local ? &network->lease : NULL;
	*ret_dev = net_new(number, port, &setup);
	return *ret_dev ? 0 : -ENOMEM;
}

/* ---- adopted, and gone ---- */

struct search {
	const char *name;
	uint32_t host;
};

static void find_address(const struct link_address *found, void *arg)
{
	struct search *search = arg;

	if (!strcmp(found->name, search->name) && found->prefix == PAIR_PREFIX)
		search->host = ntohl(found->address.s_addr);
}

void networks_adopt(struct vm *vm, unsigned int number, int fd)
{
	struct network *network = network_of(vm, number);
	struct search search = { .host = 0 };
	struct net_port *port;

	if (network)
		network->fd = fd;
	else
		close(fd);
	/* One that has gone is opened anew, with its device. */
	if (!network || open_port(network, &port) < 0)
		return;
	strcpy(network->name, port->name);
	port->ops->close(port);
	if (conf_network(vm->conf, number)->mode != CONF_LOCAL)
		return;
	search.name = network->name;
	link_addresses(find_address, &search);
	if (search.host && fill_lease(vm, number, network, search.host) == 0)
		enlist(network);
	else
		close_network(network);
}

void networks_settle(const struct lguestd *lguestd)
{
	struct why why;

	/* Who was not started by systemd has nobody's leftovers. */
	if (LIST_EMPTY(&locals) && !getenv("NOTIFY_SOCKET"))
		return;
	if (write_rules(lguestd, &why) < 0)
		log_say(LIST_EMPTY(&locals) ? LOG_LEVEL_DEBUG
					    : LOG_LEVEL_WARNING,
			NULL, "%s", why.text);
}

int networks_fd(const struct vm *vm, unsigned int number)
{
	return vm->networks[number] ? vm->networks[number]->fd : -1;
}

void networks_free(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < CONF_NETWORKS_MAX; i++) {
		if (!vm->networks[i])
			continue;
		close_network(vm->networks[i]);
		free(vm->networks[i]);
		vm->networks[i] = NULL;
	}
}

void networks_end(struct vm *vm)
{
	bool local = false;
	struct why why;
	unsigned int i;

	for (i = 0; i < CONF_NETWORKS_MAX; i++)
		local = local || (vm->networks[i] && vm->networks[i]->is_local);
	networks_free(vm);
	if (local && write_rules(vm->lguestd, &why) < 0)
		log_say(LOG_LEVEL_WARNING, vm_name(vm), "%s", why.text);
}
