/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * network.h - what a guest's network is on the host's side, by file
 *
 * For network.c and who helps it.  Nothing of this is asked for while frames
 * pass: it is what happens when a guest is made, adopted or gone.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

struct dhcp_lease;
struct lguestd;
struct vm;

/* ---- net_lease.c: which addresses a guest has ---- */

#define PAIR_PREFIX 30 /* four addresses; the outer two mean something else */

/* lease_mac - of its card */
void lease_mac(const struct vm *vm, unsigned int number, uint8_t mac[ETH_ALEN]);

/* lease_find_pair - the host's of two that are free; the guest's is the next */
int lease_find_pair(const struct vm *vm, unsigned int number,
		    uint32_t *ret_host, struct why *why);

/* lease_fill - all of it but router_mac, and whether there is IPv6 is to be seen */
void lease_fill(const struct vm *vm, unsigned int number, uint32_t host,
		struct dhcp_lease *lease);

/* ---- net_link.c: interfaces, addresses, forwarding ---- */

struct link_wish {
	const char *alias; /* what `ip link` shows beside it */
	unsigned int mtu;
	int bridge; /* its index; 0: none */
};

/* link_set - and it is up */
int link_set(const char *name, const struct link_wish *wish);
int link_mac(const char *name, uint8_t mac[ETH_ALEN]);

/* link_bridge - -ENODEV: there is nothing of that name; -EMEDIUMTYPE: no bridge */
int link_bridge(const char *name, int *ret_index);

int link_add_address(const char *name, struct in_addr address, int prefix);

/* link_add_address6 - of 64 bits; 0 if it was there already */
int link_add_address6(const char *name, const struct in6_addr *address);

/*
 * link_set_patience - for how long this host sends to who does not answer
 *
 * While nobody serves a guest it does not even say that it is there; what is
 * sent to it shall wait in its tap all the same.
 */
int link_set_patience(const char *name, unsigned int patience_s);

struct link_address {
	char name[IF_NAMESIZE]; /* of the interface */
	struct in_addr address;
	int prefix;
};

/* link_addresses - fn is told each IPv4 address this host has */
int link_addresses(void (*fn)(const struct link_address *address, void *arg),
		   void *arg);

/* link_forwards - does this host pass on what is not for it? 1, 0, -errno */
int link_forwards(void);

/* link_has_way_out - has this host a default route? */
bool link_has_way_out(void);

/* ---- net_user.c: a program that makes connections of frames ---- */

/* user_possible - 0, or -errno and what is missing */
int user_possible(struct lguestd *lguestd, unsigned int mtu, struct why *why);

/*
 * user_open - our end of its socket, at whose other end it will be soon
 *
 * lease says what it shall tell the guest.  If it does not start, the log says
 * so and the socket hangs up.
 */
int user_open(struct vm *vm, unsigned int number,
	      const struct dhcp_lease *lease, int *ret_fd, struct why *why);

/* ---- net_nat.c: our own table of nftables, and those of others ---- */

#define NAT_TABLE "inet lguest"

struct nat_guest {
	char name
		[IF_NAMESIZE]; /* of its interface, LOCAL_PREFIX and a number */
	struct in_addr address;
	struct in6_addr prefix; /* zero: it has no IPv6 */
};

#define LOCAL_PREFIX "lg-"

/*
 * nat_set - these guests get out, in other addresses of the range than ours
 *
 * All that there was before is no more; with no guests nothing is left at all.
 */
int nat_set(const struct nat_guest *guests, size_t count, const char *range,
	    struct why *why);

/*
 * nat_blocked - would the host's own rules drop what guests send?
 *
 * The sentence names the chain.
 */
bool nat_blocked(struct why *why);

#endif /* NETWORK_H */
