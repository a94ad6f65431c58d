// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - lgctl: the commands, and which of them was meant
 *
 * A command is a row of facts and a function, and all that is said about it, its
 * usage, its help, what it is completed to, is made of the row.  So a command
 * that is in the table is documented, and one that is not does not exist.
 *
 * lgctl has no rights that its caller lacks, and is not trusted by anybody: what
 * it knows better than lguestd is who called it.  It reads that person's files
 * as that person, and hands over what it has opened.
 *
 * Where we stand: somebody has typed `lgctl create web.yaml`.  The guest begins
 * in cmd_create.c; what every command needs comes first.
 *
 * Next: daemon/lgctl/options.c
 */
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lgctl.h"

const struct cmd *const commands[] = {
	&cmd_create,  &cmd_destroy, &cmd_list,  &cmd_info,   &cmd_console,
	&cmd_logs,    &cmd_stop,    &cmd_pause, &cmd_resume, &cmd_reset,
	&cmd_balloon, &cmd_wait,    &cmd_run,   &cmd_check,  &cmd_doctor,
	&cmd_version, &cmd_help,    NULL,
};

const struct cmd *command_find(const char *name)
{
	int i;

	for (i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static enum proto_exit no_such_command(const char *word)
{
	const char *meant = suggest(word);

	if (meant)
		return say_error(EXIT_USAGE,
				 "there is no command '%s': did you mean '%s'?",
				 word, meant);
	return say_error(EXIT_USAGE, "there is no command '%s': see lgctl help",
			 word);
}

static enum proto_exit check_operands(const struct cmd *cmd, int count,
				      char **operands)
{
	if (cmd->max >= 0 && count > cmd->max)
		return say_error(EXIT_USAGE,
				 "%s: '%s' is one word too many: see lgctl %s "
				 "--help",
				 cmd->name, operands[cmd->max], cmd->name);
	if (count < cmd->min)
		return say_error(EXIT_USAGE,
				 "%s: needs %s: see lgctl %s --help", cmd->name,
				 cmd->operands, cmd->name);
	return EXIT_DONE;
}

static enum proto_exit run_command(struct lgctl *ctl, int argc, char **argv)
{
	const struct cmd *cmd = command_find(argv[0]);
	enum proto_exit status;

	if (!cmd)
		return no_such_command(argv[0]);
	ctl->cmd = cmd;
	status = options_parse(ctl, cmd, argc, argv);
	if (status != EXIT_DONE)
		return status;
	argc -= optind;
	argv += optind;
	if (ctl->help) {
		options_usage(cmd);
		return EXIT_DONE;
	}
	status = check_operands(cmd, argc, argv);
	return status == EXIT_DONE ? cmd->run(ctl, argc, argv) : status;
}

int main(int argc, char **argv)
{
	const char *socket = getenv(PROTO_SOCKET_ENV);
	struct lgctl ctl = {
		.socket = socket && *socket ? socket : PROTO_SOCKET,
		.timeout_s = -1,
		.escape = ']' & 0x1f,
	};
	enum proto_exit status;

	signal(SIGPIPE, SIG_IGN);
	status = options_parse(&ctl, /* cmd= */ NULL, argc, argv);
	if (status != EXIT_DONE)
		return status;
	if (ctl.version)
		return say_end(cmd_version.run(&ctl, 0, NULL));
	if (ctl.help && optind == argc) {
		options_usage(NULL);
		return say_end(EXIT_DONE);
	}
	if (optind == argc)
		return say_error(EXIT_USAGE, "needs a command: see lgctl help");
	return say_end(run_command(&ctl, argc - optind, argv + optind));
}
