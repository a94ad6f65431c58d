// SPDX-License-Identifier: GPL-2.0-only
/*
 * net_nat.c - guests get out under this host's address
 *
 * One table of nftables is ours, and it is always written as a whole, in one
 * transaction: which addresses are behind which interface, and that they are
 * others outside.  So whoever writes it after a crash has cleaned up as well,
 * and to take it all back is to delete it.
 *
 * A packet has to be accepted by every chain there is.  The tables of others are
 * theirs: we only look whether one of them stops what we would let through, since
 * the guest's owner would look for a long time, and then say so by name.
 *
 * What must never happen: that a guest sends in another's name.  What comes out
 * of an interface with a source that is not its own goes no further.
 *
 * Next: daemon/lgctl/main.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <nftables/libnftables.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lguestd.h"
#include "network.h"

#define ELEMENT_BYTES (IF_NAMESIZE + INET6_ADDRSTRLEN + 16)

/* ---- talking to the kernel ---- */

/* 0 and what it says (NULL if nobody wants it), for free(); or -errno and why. */
static int run(const char *commands, bool json, char **ret_said,
	       struct why *why)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	const char *error;
	int r = 0;

	if (!nft)
		return why_say(why, -ENOMEM, "nftables: no memory");
	nft_ctx_buffer_output(nft);
	nft_ctx_buffer_error(nft);
	if (json)
		nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_JSON);
	if (nft_run_cmd_from_buffer(nft, commands)) {
		error = nft_ctx_get_error_buffer(nft);
		r = why_say(why, -EIO, "nftables: %.*s",
			    (int)strcspn(error, "\n"), error);
	} else if (ret_said) {
		*ret_said = strdup(nft_ctx_get_output_buffer(nft));
		r = *ret_said ? 0
			      : why_say(why, -ENOMEM, "nftables: no memory");
	}
	nft_ctx_free(nft);
	return r;
}

/* ---- our table ---- */

/* To delete what is not there is an error, so it is made first. */
#define CLEAR "table " NAT_TABLE "\ndelete table " NAT_TABLE "\n"

static const char table[] =
	CLEAR "table " NAT_TABLE " {\n"
	      "	set guests {\n"
	      "		type ifname . ipv4_addr\n"
	      "		elements = { %s }\n"
	      "	}\n"
	      "	set guests6 {\n"
	      "		type ifname . ipv6_addr\n"
	      "		flags interval\n"
	      "		elements = { %s }\n"
	      "	}\n"
	      "	chain prerouting {\n"
	      "		type filter hook prerouting priority raw\n"
	      "		iifname \"" LOCAL_PREFIX "*\" meta protocol ip "
	      "iifname . ip saddr != @guests drop\n"
	      "		iifname \"" LOCAL_PREFIX "*\" ip6 daddr != "
	      "{ fe80::/10, ff02::/16, fd6c:6700::/24 } drop\n"
	      "		iifname \"" LOCAL_PREFIX "*\" ip6 saddr != "
	      "{ ::, fe80::/10 } iifname . ip6 saddr != @guests6 drop\n"
	      "	}\n"
	      "	chain postrouting {\n"
	      "		type nat hook postrouting priority srcnat\n"
	      "		ip saddr %s oifname != \"" LOCAL_PREFIX
	      "*\" masquerade\n"
	      "	}\n"
	      "}\n";

static char *list_guests(const struct nat_guest *guests, size_t count,
			 int family)
{
	size_t i, at = 0, room = count * ELEMENT_BYTES + 1;
	char address[INET6_ADDRSTRLEN];
	char *list = malloc(room);
	const void *from;

	for (i = 0; list && i < count; i++) {
		from = family == AF_INET ? (const void *)&guests[i].address
					 : &guests[i].prefix;
		inet_ntop(family, from, address, sizeof(address));
		at += (size_t)snprintf(list + at, room - at, "%s\"%s\" . %s%s",
				       i ? ", " : "", guests[i].name, address,
				       family == AF_INET ? "" : "/64");
	}
	return list;
}

int nat_set(const struct nat_guest *guests, size_t count, const char *range,
	    struct why *why)
{
	char *list, *list6, *commands;
	int r = -ENOMEM;

	if (!count)
		return run(CLEAR, false, NULL, why);
	list = list_guests(guests, count, AF_INET);
	list6 = list_guests(guests, count, AF_INET6);
	if (list && list6 &&
	    asprintf(&commands, table, list, list6, range) > 0) {
		r = run(commands, false, NULL, why);
		free(commands);
	} else {
		why_say(why, r, "nftables: no memory");
	}
	free(list6);
	free(list);
	return r;
}

/* ---- the tables of others ---- */

static bool drops(const json_t *verdict)
{
	return json_object_get(verdict, "drop") ||
	       json_object_get(verdict, "reject");
}

/* A rule for everything that has come so far: does it drop that? */
static bool drops_all(const json_t *rule)
{
	json_t *expr = json_object_get(rule, "expr"), *statement;
	size_t i;

	json_array_foreach(expr, i, statement) {
		if (!json_object_get(statement, "counter") &&
		    !json_object_get(statement, "log") && !drops(statement))
			return false;
	}
	return json_array_size(expr) &&
	       drops(json_array_get(expr, json_array_size(expr) - 1));
}

/*
 * Rules that stop everything they are given, and none before that has our
 * interfaces in it, as one that whoever looks after the host has put there.
 */
static bool chain_blocks(const json_t *chain, const char *family,
			 const char *in, const char *name, struct why *why)
{
	const char *policy =
		json_string_value(json_object_get(chain, "policy"));
	bool blocks = policy && !strcmp(policy, "drop");
	char command[512], *said = NULL;
	json_t *answer, *object, *rule;
	size_t i;

	snprintf(command, sizeof(command), "list chain %s %s %s", family, in,
		 name);
	if (run(command, true, &said, why) < 0)
		return false;
	answer = json_loads(said, 0, NULL);
	json_array_foreach(json_object_get(answer, "nftables"), i, object) {
		rule = json_object_get(object, "rule");
		blocks = blocks || (rule && drops_all(rule));
	}
	if (strstr(said, "\"" LOCAL_PREFIX))
		blocks = false;
	json_decref(answer);
	free(said);
	if (blocks)
		why_say(why, 0,
			"the chain \"%s\" of table \"%s %s\" drops what is "
			"forwarded",
			name, family, in);
	return blocks;
}

static const char *word(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static bool is_forward(const json_t *chain)
{
	const char *family = word(chain, "family");

	return !strcmp(word(chain, "hook"), "forward") &&
	       (!strcmp(family, "ip") || !strcmp(family, "inet")) &&
	       strcmp(word(chain, "table"), "lguest") != 0;
}

bool nat_blocked(struct why *why)
{
	json_t *answer, *object, *chain;
	bool blocked = false;
	char *said;
	size_t i;

	if (run("list chains", true, &said, why) < 0)
		return false;
	answer = json_loads(said, 0, NULL);
	free(said);
	json_array_foreach(json_object_get(answer, "nftables"), i, object) {
		chain = json_object_get(object, "chain");
		if (!blocked && chain && is_forward(chain))
			blocked = chain_blocks(chain, word(chain, "family"),
					       word(chain, "table"),
					       word(chain, "name"), why);
	}
	json_decref(answer);
	return blocked;
}
