// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_balloon.c - balloon: how much of its RAM a guest shall do with
 *
 * The daemon passes the wish on; what comes of it is for `lgctl info` to say,
 * since a guest gives back what it can, and when.
 *
 * Next: daemon/lgctl/cmd_list.c
 */
#include "lgctl.h"

static enum proto_exit run_balloon(struct lgctl *ctl, int argc, char **argv)
{
	json_t *parameters;
	enum proto_exit status;
	struct reply reply;
	uint64_t bytes;

	(void)argc;
	if (conf_size_parse(argv[1], &bytes) < 0 || !bytes)
		return say_error(EXIT_USAGE,
				 "balloon: '%s' is not a size (like 64M or 2G)",
				 argv[1]);
	parameters = client_named(argv[0]);
	json_object_set_new(parameters, "memory_bytes",
			    json_integer((json_int_t)bytes));
	status = client_call(ctl, argv[0], "Guests.Balloon", parameters,
			     CLIENT_PROMPTLY, &reply);
	if (status == EXIT_DONE && ctl->json)
		status = say_json(json_incref(reply.parameters));
	reply_fini(&reply);
	return status;
}

const struct cmd cmd_balloon = {
	.name = "balloon",
	.operands = "NAME SIZE",
	.min = 2,
	.max = 2,
	.options = "",
	.help = "have a guest do with less RAM, or give it back",
	.run = run_balloon,
};
