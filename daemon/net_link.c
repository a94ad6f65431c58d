// SPDX-License-Identifier: GPL-2.0-only
/*
 * net_link.c - interfaces of the host's, as far as guests need them
 *
 * What `ip link` and `ip address` would do, and a few questions: is this a
 * bridge, which addresses are taken, does this host forward what is not for it.
 * The kernel answers each at once; a socket to it is opened for a call and
 * closed after it, for calls are few.
 *
 * Where we stand: network.c has a tap, and it shall be of some use.
 *
 * Next: daemon/net_nat.c
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <netlink/addr.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/neightbl.h>
#include <netlink/route/netconf.h>
#include <netlink/route/route.h>

#include "network.h"

/* libnl has errors of its own; most of them are ours. */
static int errno_of(int nl_error)
{
	static const struct {
		int nl, ours;
	} pairs[] = {
		{ NLE_EXIST, -EEXIST },         { NLE_NOMEM, -ENOMEM },
		{ NLE_PERM, -EPERM },           { NLE_NOACCESS, -EACCES },
		{ NLE_OBJ_NOTFOUND, -ENODEV },  { NLE_NODEV, -ENODEV },
		{ NLE_OPNOTSUPP, -EOPNOTSUPP }, { NLE_BUSY, -EBUSY },
		{ NLE_RANGE, -ERANGE },
	};
	size_t i;

	if (nl_error >= 0)
		return 0;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i].nl == -nl_error)
			return pairs[i].ours;
	}
	return -EINVAL;
}

static int open_socket(struct nl_sock **ret_socket)
{
	struct nl_sock *sock = nl_socket_alloc();
	int r;

	if (!sock)
		return -ENOMEM;
	r = nl_connect(sock, NETLINK_ROUTE);
	if (r < 0)
		nl_socket_free(sock);
	else
		*ret_socket = sock;
	return errno_of(r);
}

/* ---- an interface ---- */

static int change(struct nl_sock *sock, const char *name,
		  const struct link_wish *wish)
{
	struct rtnl_link *old, *new;
	int r = rtnl_link_get_kernel(sock, 0, name, &old);

	if (r < 0)
		return errno_of(r);
	new = rtnl_link_alloc();
	if (new) {
		rtnl_link_set_ifalias(new, wish->alias);
		rtnl_link_set_mtu(new, wish->mtu);
		if (wish->bridge)
			rtnl_link_set_master(new, wish->bridge);
		rtnl_link_set_flags(new, IFF_UP);
		r = errno_of(rtnl_link_change(sock, old, new, 0));
	} else {
		r = -ENOMEM;
	}
	rtnl_link_put(new);
	rtnl_link_put(old);
	return r;
}

int link_set(const char *name, const struct link_wish *wish)
{
	struct nl_sock *sock = NULL;
	int r = open_socket(&sock);

	if (r < 0)
		return r;
	r = change(sock, name, wish);
	nl_socket_free(sock);
	return r;
}

int link_mac(const char *name, uint8_t mac[ETH_ALEN])
{
	struct rtnl_link *link;
	struct nl_addr *addr;
	struct nl_sock *sock = NULL;
	int r = open_socket(&sock);

	if (r < 0)
		return r;
	r = errno_of(rtnl_link_get_kernel(sock, 0, name, &link));
	if (r == 0) {
		addr = rtnl_link_get_addr(link);
		if (addr && nl_addr_get_len(addr) == ETH_ALEN)
			memcpy(mac, nl_addr_get_binary_addr(addr), ETH_ALEN);
		else
			r = -EINVAL;
		rtnl_link_put(link);
	}
	nl_socket_free(sock);
	return r;
}

int link_bridge(const char *name, int *ret_index)
{
	struct rtnl_link *link;
	struct nl_sock *sock = NULL;
	const char *type;
	int r = open_socket(&sock);

	if (r < 0)
		return r;
	r = errno_of(rtnl_link_get_kernel(sock, 0, name, &link));
	if (r == 0) {
		type = rtnl_link_get_type(link);
		if (type && !strcmp(type, "bridge"))
			*ret_index = rtnl_link_get_ifindex(link);
		else
			r = -EMEDIUMTYPE;
		rtnl_link_put(link);
	}
	nl_socket_free(sock);
	return r;
}

/* ---- addresses ---- */

static int add_address(const char *name, struct nl_addr *local, int prefix,
		       unsigned int flags)
{
	unsigned int index = if_nametoindex(name);
	struct rtnl_addr *addr = rtnl_addr_alloc();
	struct nl_sock *sock = NULL;
	int r;

	r = addr && local ? open_socket(&sock) : -ENOMEM;
	if (r == 0) {
		nl_addr_set_prefixlen(local, prefix);
		rtnl_addr_set_ifindex(addr, (int)index);
		rtnl_addr_set_flags(addr, flags);
		r = errno_of(rtnl_addr_set_local(addr, local));
		if (r == 0)
			r = errno_of(rtnl_addr_add(sock, addr, 0));
		nl_socket_free(sock);
	}
	nl_addr_put(local);
	rtnl_addr_put(addr);
	return r;
}

int link_add_address(const char *name, struct in_addr address, int prefix)
{
	return add_address(name,
			   nl_addr_build(AF_INET, &address, sizeof(address)),
			   prefix, 0);
}

int link_add_address6(const char *name, const struct in6_addr *address)
{
	/* There is nobody else who could have it. */
	int r = add_address(name,
			    nl_addr_build(AF_INET6, address, sizeof(*address)),
			    64, IFA_F_NODAD);

	return r == -EEXIST ? 0 : r;
}

struct visit {
	void (*visit)(const struct link_address *address, void *arg);
	void *arg;
};

static void visit_object(struct nl_object *object, void *arg)
{
	struct rtnl_addr *addr = (struct rtnl_addr *)object;
	struct nl_addr *local = rtnl_addr_get_local(addr);
	const struct visit *visit = arg;
	struct link_address found = { .name = "" };

	if (rtnl_addr_get_family(addr) != AF_INET || !local ||
	    nl_addr_get_len(local) != sizeof(found.address))
		return;
	memcpy(&found.address, nl_addr_get_binary_addr(local),
	       sizeof(found.address));
	found.prefix = rtnl_addr_get_prefixlen(addr);
	if_indextoname((unsigned int)rtnl_addr_get_ifindex(addr), found.name);
	visit->visit(&found, visit->arg);
}

int link_addresses(void (*fn)(const struct link_address *address, void *arg),
		   void *arg)
{
	struct visit visit = { fn, arg };
	struct nl_cache *cache;
	struct nl_sock *sock = NULL;
	int r = open_socket(&sock);

	if (r < 0)
		return r;
	r = errno_of(rtnl_addr_alloc_cache(sock, &cache));
	if (r == 0) {
		nl_cache_foreach(cache, visit_object, &visit);
		nl_cache_free(cache);
	}
	nl_socket_free(sock);
	return r;
}

/* ---- neighbours ---- */

static int set_probes(struct nl_sock *sock, struct nl_cache *cache, int index,
		      int probes)
{
	/* Of this interface; without an index it would be everybody's. */
	struct rtnl_neightbl *old =
		rtnl_neightbl_get(cache, "arp_cache", index);
	struct rtnl_neightbl *new = rtnl_neightbl_alloc();
	int r = -ENODATA;

	if (old && new &&index) {
		rtnl_neightbl_set_dev(new, index);
		rtnl_neightbl_set_ucast_probes(new, probes);
		r = errno_of(rtnl_neightbl_change(sock, old, new));
	}
	rtnl_neightbl_put(new);
	rtnl_neightbl_put(old);
	return r;
}

int link_set_patience(const char *name, unsigned int patience_s)
{
	struct nl_cache *cache;
	struct nl_sock *sock = NULL;
	int r = open_socket(&sock);

	if (r < 0)
		return r;
	r = errno_of(rtnl_neightbl_alloc_cache(sock, &cache));
	if (r == 0) {
		/* It asks once a second. */
		r = set_probes(sock, cache, (int)if_nametoindex(name),
			       (int)patience_s);
		nl_cache_free(cache);
	}
	nl_socket_free(sock);
	return r;
}

/* ---- forwarding ---- */

static void visit_route(struct nl_object *object, void *arg)
{
	struct rtnl_route *route = (struct rtnl_route *)object;
	struct nl_addr *to = rtnl_route_get_dst(route);
	bool *found = arg;

	if (rtnl_route_get_table(route) == RT_TABLE_MAIN && to &&
	    nl_addr_get_prefixlen(to) == 0)
		*found = true;
}

bool link_has_way_out(void)
{
	struct nl_cache *cache;
	struct nl_sock *sock = NULL;
	bool found = false;

	if (open_socket(&sock) < 0)
		return false;
	if (rtnl_route_alloc_cache(sock, AF_INET, 0, &cache) == 0) {
		nl_cache_foreach(cache, visit_route, &found);
		nl_cache_free(cache);
	}
	nl_socket_free(sock);
	return found;
}

int link_forwards(void)
{
	struct rtnl_netconf *netconf;
	struct nl_cache *cache;
	struct nl_sock *sock = NULL;
	int value = 0, r = open_socket(&sock);

	if (r < 0)
		return r;
	r = errno_of(rtnl_netconf_alloc_cache(sock, &cache));
	if (r == 0) {
		netconf = rtnl_netconf_get_all(cache, AF_INET);
		r = netconf ? errno_of(rtnl_netconf_get_forwarding(netconf,
								   &value))
			    : -ENODATA;
		rtnl_netconf_put(netconf);
		nl_cache_free(cache);
	}
	nl_socket_free(sock);
	return r < 0 ? r : value != 0;
}
