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

/* ---- net_nat.c: our own table of nftables, and those of others ---- */

#define NAT_TABLE "inet lguest"

struct nat_guest {
	char name
		[IF_NAMESIZE]; /* of its interface, LOCAL_PREFIX and a number */
	struct in_addr address;
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
