// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_help.c - version, help
 *
 * Next: daemon/main.c
 */
#include "lgctl.h"

static enum proto_exit run_version(struct lgctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (ctl->json)
		return say_json(json_pack("{s:s,s:i}", "version",
					  LGUEST_VERSION, "protocol",
					  PROTO_VERSION));
	printf("lgctl " LGUEST_VERSION "\n");
	return EXIT_DONE;
}

static enum proto_exit run_help(struct lgctl *ctl, int argc, char **argv)
{
	const struct cmd *cmd = argc ? command_find(argv[0]) : NULL;
	const char *meant;
	int i;

	if (ctl->names) {
		for (i = 0; commands[i]; i++)
			puts(commands[i]->name);
		return EXIT_DONE;
	}
	if (!argc || cmd) {
		options_usage(cmd);
		return EXIT_DONE;
	}
	meant = suggest(argv[0]);
	return say_error(EXIT_USAGE, "there is no command '%s'%s%s%s", argv[0],
			 meant ? ": did you mean '" : ": see lgctl help",
			 meant ? meant : "", meant ? "'?" : "");
}

const struct cmd cmd_version = {
	.name = "version",
	.operands = "",
	.min = 0,
	.max = 0,
	.options = "",
	.help = "say which lgctl this is",
	.run = run_version,
};

const struct cmd cmd_help = {
	.name = "help",
	.operands = "[COMMAND]",
	.min = 0,
	.max = 1,
	.options = "N",
	.help = "say this, or all about a command",
	.run = run_help,
};
