// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf_network.c - the keys of a network, and what they must be together
 *
 * A network is one word, or a map with more to say, or there is a list of them:
 *
 *	network: local
 *	network: { bridge: br0, mac: 52:54:00:12:34:56 }
 *	network: [ local, { bridge: br0 } ]
 *
 * Next: daemon/conf_report.c
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "conf_schema.h"

#define INTERFACE_MAX 15 /* bytes of an interface's name */

static const char *const mode_words[] = {
	[CONF_LOCAL] = "local",
	[CONF_BRIDGE] = "bridge",
	[CONF_USER] = "user",
	[CONF_NO_NETWORK] = "none",
	NULL,
};

#define NETWORK(member) .offset = offsetof(struct conf_network, member)

const struct conf_field conf_network_fields[] = {
	{
		.key = "mode",
		.type = CONF_IS_CHOICE,
		NETWORK(mode),
		.preset = "local",
		.words = mode_words,
		.also = " type kind ",
		.help = "what it is connected to",
	},
	{
		.key = "bridge",
		.type = CONF_IS_TEXT,
		NETWORK(bridge),
		.min = 1,
		.max = INTERFACE_MAX,
		.also = " switch br ",
		.help = "the bridge of the host that it is a port of",
	},
	{
		.key = "mac",
		.type = CONF_IS_TEXT,
		NETWORK(mac),
		.max = 17,
		.also = " hwaddr lladdr macaddr address ",
		.help = "the address of its card",
	},
	{
		.key = "mtu",
		.type = CONF_IS_COUNT,
		NETWORK(mtu),
		.preset = "1500",
		.min = CONF_MTU_MIN,
		.max = CONF_MTU_MAX,
		.help = "bytes of its largest packet",
	},
	{ .key = NULL },
};

bool conf_mac_parse(const char *word, uint8_t mac[6])
{
	char end;
	int i = 0;

	if (strspn(word, "0123456789abcdefABCDEF:") != 17 ||
	    sscanf(word, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &mac[0],
		   &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &end) != 6)
		return false;
	while (i < 6 && !mac[i])
		i++;
	return i < 6 && !(mac[0] & 1); /* nobody's, or a group's */
}

bool conf_range_parse(const char *word, uint32_t *ret_first,
		      uint32_t *ret_count)
{
	unsigned int a, b, c, d, prefix;
	uint32_t first, count;
	char end;

	if (strspn(word, "0123456789./") != strlen(word) ||
	    sscanf(word, "%3u.%3u.%3u.%3u/%2u%c", &a, &b, &c, &d, &prefix,
		   &end) != 5 ||
	    a < 1 || a > 223 || b > 255 || c > 255 || d > 255 || prefix < 8 ||
	    prefix > 30)
		return false;
	first = a << 24 | b << 16 | c << 8 | d;
	count = 1U << (32 - prefix);
	if (first & (count - 1))
		return false;
	*ret_first = first;
	*ret_count = count;
	return true;
}

const struct conf_network *conf_network(const struct conf_guest *guest,
					unsigned int i)
{
	const struct conf_network *networks = guest->networks.items;
	size_t n;

	for (n = 0; n < guest->networks.count; n++) {
		if (networks[n].mode != CONF_NO_NETWORK && !i--)
			return &networks[n];
	}
	return NULL;
}

/* A name that the kernel and `ip` take. */
static bool is_interface(const char *name)
{
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       !strpbrk(name, "/: \t\"%");
}

void conf_network_check(struct conf_source *source,
			const struct conf_node *node, void *item)
{
	struct conf_network *network = item;
	char quote[CONF_QUOTE_MAX];
	uint8_t mac[6];

	if (network->bridge && network->mode == CONF_NO_NETWORK)
		conf_complain(source, node, &node->at,
			      "bridge: there is no network to be connected");
	else if (network->bridge && network->mode == CONF_USER)
		conf_complain(source, node, &node->at,
			      "bridge: is not for the mode \"user\"");
	else if (network->bridge)
		network->mode = CONF_BRIDGE;
	else if (network->mode == CONF_BRIDGE && !source->complaints)
		conf_complain(source, node, &node->at,
			      "bridge: is missing (which one)");
	if (network->bridge && !is_interface(network->bridge))
		conf_complain(source, node, &node->at,
			      "bridge: %s is no name of an interface",
			      conf_quote(quote, network->bridge,
					 strlen(network->bridge)));
	if (network->mode == CONF_USER && network->mtu > CONF_USER_MTU_MAX)
		conf_complain(source, node, &node->at,
			      "mtu: %u is more than %u, the most that the mode "
			      "\"user\" can have",
			      network->mtu, CONF_USER_MTU_MAX);
	if (network->mac && !conf_mac_parse(network->mac, mac))
		conf_complain(
			source, node, &node->at,
			"mac: %s is not the address of a card (like "
			"52:54:00:12:34:56)",
			conf_quote(quote, network->mac, strlen(network->mac)));
}
