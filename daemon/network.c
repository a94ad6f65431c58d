// SPDX-License-Identifier: GPL-2.0-only
/*
 * network.c - the host's end of a guest's network
 *
 * A guest that asks for a network gets a tap, which it keeps for all its starts,
 * as it keeps its console.  The tap is a port of a bridge that is there already,
 * or it is a network of its own, `local`: two addresses out of a range, the
 * host's and the guest's, which is told its own by DHCP and gets out by NAT.
 * Which two, is made of the guest's name as long as they are free, and so is the
 * address of its card, so both are the same next time.  Where this host lets
 * nothing out, or if that is wished for, a program makes connections of what it
 * sends, and it has no interface here.
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
 * Next: daemon/net_lease.c
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
#define USER_NAME   "passt"
#define PATIENCE_S  60 /* that nobody serves it; the host's own would be 3 */

struct network {
	LIST_ENTRY(network) link; /* of those that are local */
	bool is_local;
	int fd; /* of its tap */
	char name[IF_NAMESIZE];
	struct dhcp_lease lease; /* if it is local */
};

static LIST_HEAD(, network) locals = LIST_HEAD_INITIALIZER(locals);

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
		guests[count].prefix = network->lease.prefix;
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

/* It is a network with IPv6, where this host has that. */
static void add_ipv6(struct network *network)
{
	struct in6_addr host = network->lease.prefix;

	host.s6_addr[15] = 1;
	if (link_add_address6(network->name, &host) < 0)
		memset(&network->lease.prefix, 0,
		       sizeof(network->lease.prefix));
}

static void enlist(struct network *network)
{
	add_ipv6(network);
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

static void close_network(struct network *network)
{
	delist(network);
	if (network->fd >= 0)
		close(network->fd);
	network->fd = -1;
}

/* ---- a program's, which makes connections of it ---- */

static int open_user(struct vm *vm, unsigned int number,
		     struct network *network, struct why *why)
{
	uint32_t host = 0;
	int r = user_possible(vm->lguestd, conf_network(vm->conf, number)->mtu,
			      why);

	if (r == 0)
		r = lease_find_pair(vm, number, &host, why);
	if (r < 0)
		return r;
	lease_fill(vm, number, host, &network->lease);
	r = user_open(vm, number, &network->lease, &network->fd, why);
	if (r == 0)
		strcpy(network->name, USER_NAME);
	return r;
}

/* This host does not let it out; so a program does, if there is one. */
static void turn_to_user(struct vm *vm, unsigned int number,
			 struct network *network, const struct why *shut_in)
{
	struct network user = { .fd = -1 };
	struct why why;

	if (open_user(vm, number, &user, &why) < 0) {
		log_say(LOG_LEVEL_WARNING, vm_name(vm),
			"net%u: %s: reaches this host and nothing behind it: "
			"%s; nor is it connected by %s",
			number, network->name, shut_in->text, why.text);
		return;
	}
	log_say(LOG_LEVEL_WARNING, vm_name(vm),
		"net%u: is connected by passt, and does not reach this host: "
		"%s",
		number, shut_in->text);
	close_network(network);
	network->fd = user.fd;
	strcpy(network->name, user.name);
	write_rules(vm->lguestd, &why);
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
	int r = lease_find_pair(vm, number, &host, why);

	if (r == 0)
		r = set_link(vm, number, network, 0, why);
	if (r < 0)
		return r;
	r = link_add_address(network->name, (struct in_addr){ htonl(host) },
			     PAIR_PREFIX);
	if (r == 0)
		r = link_set_patience(network->name, PATIENCE_S);
	lease_fill(vm, number, host, &network->lease);
	if (r == 0)
		r = link_mac(network->name, network->lease.router_mac);
	if (r < 0)
		return why_say(why, r, "%s: address: %s", network->name,
			       strerror(-r));
	enlist(network);
	if (is_shut_in(vm->lguestd, &shut_in))
		turn_to_user(vm, number, network, &shut_in);
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

static int open_tap(struct vm *vm, unsigned int number, struct network *network,
		    struct why *why)
{
	bool local = conf_network(vm->conf, number)->mode == CONF_LOCAL;
	struct net_port *port;
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
	if (r < 0)
		close_network(network);
	return r;
}

static int open_network(struct vm *vm, unsigned int number,
			struct network *network, struct why *why)
{
	char what[16];
	int r;

	if (conf_network(vm->conf, number)->mode == CONF_USER)
		r = open_user(vm, number, network, why);
	else
		r = open_tap(vm, number, network, why);
	if (r < 0)
		return r;
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
	r = stream_is(fd) ? stream_adopt(fd, USER_NAME, ret_port)
			  : tap_adopt(fd, ret_port);
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
	lease_mac(vm, number, setup.mac);
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
	if (conf_network(vm->conf, number)->mode != CONF_LOCAL || stream_is(fd))
		return;
	search.name = network->name;
	link_addresses(find_address, &search);
	lease_fill(vm, number, search.host, &network->lease);
	if (search.host &&
	    link_mac(network->name, network->lease.router_mac) == 0)
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
