// SPDX-License-Identifier: GPL-2.0-only
/*
 * options.c - one table of all options, and usage made of it
 *
 * An option means the same wherever it may stand; which may stand where is in
 * the commands' rows.  Those that every command has may stand before it, too.
 * An option's letter is its name in here; on the command line only those have it
 * that are used often.
 *
 * Next: daemon/lgctl/suggest.c
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "lgctl.h"

#define EVERYWHERE  "jqsh" /* for each command, and before it */
#define TIMEOUT_MAX 86400

struct option_row {
	char letter;
	bool is_short; /* -LETTER can be typed */
	const char *name;
	const char *value; /* NULL: has none */
	const char *help;
};

static const struct option_row rows[] = {
	{ 'a', true, "all", NULL, "every guest there is" },
	{ 'n', true, "dry-run", NULL,
	  "say what would be created, and create nothing" },
	{ 'e', true, "escape", "CHAR", "instead of ^]; 'none' for none" },
	{ 'f', true, "follow", NULL, "and what is printed from now on" },
	{ 'O', false, "for", "STATE", "until it is in that state" },
	{ 'F', false, "force", NULL, "whatever the guest or others want" },
	{ 'G', false, "foreground", NULL, "be the guest's terminal meanwhile" },
	{ 'N', false, "names", NULL, "nothing but names, one a line" },
	{ 'W', false, "no-wait", NULL, "return before it runs" },
	{ 'R', false, "root", "FOLDER", "look there instead of in /" },
	{ 't', true, "timeout", "TIME", "wait no longer (like 90 or 5m)" },
	{ 'v', true, "verbose", NULL, "say what is well, too" },
	{ 'w', true, "watch", NULL, "type nothing, let others do that" },
	{ 'j', true, "json", NULL, "answers as JSON, one object a line" },
	{ 'q', true, "quiet", NULL, "nothing but answers and errors" },
	{ 's', false, "socket", "PATH",
	  "lguestd's (or $" PROTO_SOCKET_ENV ")" },
	{ 'V', false, "version", NULL, "say which lgctl this is" },
	{ 'h', false, "help", NULL, "say this" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool is_allowed(const struct option_row *row, const struct cmd *cmd)
{
	if (strchr(EVERYWHERE, row->letter))
		return true;
	return cmd ? strchr(cmd->options, row->letter) != NULL
		   : row->letter == 'V';
}

/* "90", "90s", "5m" or "2h", in seconds; -1 if it is none of these. */
static int parse_time(const char *word)
{
	static const char units[] = "smh";
	static const long seconds[] = { 1, 60, 3600 };
	char *end;
	const char *unit;
	long count;

	errno = 0;
	count = strtol(word, &end, 10);
	if (end == word || *word < '0' || *word > '9' || errno || count < 0 ||
	    count > TIMEOUT_MAX)
		return -1;
	if (*end) {
		unit = strchr(units, *end);
		if (!unit || end[1])
			return -1;
		count *= seconds[unit - units];
	}
	return count > TIMEOUT_MAX ? -1 : (int)count;
}

/* "^]", "x" or "none"; -2 if it is none of these. */
static int parse_escape(const char *word)
{
	if (!strcmp(word, "none"))
		return -1;
	if (word[0] && !word[1])
		return (unsigned char)word[0];
	if (word[0] == '^' && word[1] >= '@' && word[1] <= '_' && !word[2])
		return word[1] & 0x1f;
	return -2;
}

static enum proto_exit bad_value(const struct lgctl *ctl, const char *name,
				 const char *value, const char *want)
{
	return say_error(EXIT_USAGE, "%s%s--%s '%s': not %s",
			 ctl->cmd ? ctl->cmd->name : "", ctl->cmd ? ": " : "",
			 name, value, want);
}

static enum proto_exit take_value(struct lgctl *ctl, int letter,
				  const char *value)
{
	switch (letter) {
	case 'e':
		ctl->escape = parse_escape(value);
		if (ctl->escape == -2)
			return bad_value(ctl, "escape", value,
					 "a character, ^ and a letter, or "
					 "none");
		break;
	case 't':
		ctl->timeout_s = parse_time(value);
		if (ctl->timeout_s < 0)
			return bad_value(ctl, "timeout", value,
					 "a time up to a day (like 90 or 5m)");
		break;
	case 'O':
		ctl->state = value;
		break;
	case 'R':
		ctl->root = value;
		break;
	case 's':
		ctl->socket = value;
		break;
	}
	return EXIT_DONE;
}

static void take_flag(struct lgctl *ctl, int letter)
{
	bool *const flags[128] = {
		['a'] = &ctl->all,        ['n'] = &ctl->dry_run,
		['f'] = &ctl->follow,     ['F'] = &ctl->force,
		['G'] = &ctl->foreground, ['N'] = &ctl->names,
		['W'] = &ctl->no_wait,    ['v'] = &ctl->verbose,
		['w'] = &ctl->watch,      ['j'] = &ctl->json,
		['q'] = &ctl->quiet,      ['V'] = &ctl->version,
		['h'] = &ctl->help,
	};

	*flags[letter] = true;
}

/* What getopt_long() wants to know, of the rows that are allowed. */
static void fill_tables(const struct cmd *cmd, struct option *longs,
			char *shorts)
{
	size_t i;

	/* Before the verb the first word is it; after it they may be mixed. */
	if (!cmd)
		*shorts++ = '+';
	*shorts++ = ':';
	for (i = 0; i < ROWS; i++) {
		if (!is_allowed(&rows[i], cmd))
			continue;
		longs->name = rows[i].name;
		longs->has_arg =
			rows[i].value ? required_argument : no_argument;
		longs->flag = NULL;
		longs->val = rows[i].letter;
		longs++;
		if (!rows[i].is_short)
			continue;
		*shorts++ = rows[i].letter;
		if (rows[i].value)
			*shorts++ = ':';
	}
	memset(longs, 0, sizeof(*longs));
	*shorts = '\0';
}

/* getopt() has stopped at a word that is not as it should be. */
static enum proto_exit bad_option(const struct cmd *cmd, int opt, char **argv)
{
	const char *word = argv[optind - 1];
	const char *name = cmd ? cmd->name : "", *sep = cmd ? ": " : "";
	const char *space = cmd ? " " : "";
	char letter[3] = { '-', (char)optopt, '\0' };

	if (opt == '?' && optopt && strncmp(word, "--", 2) != 0)
		word = letter;
	if (opt == ':')
		return say_error(EXIT_USAGE,
				 "%s%s'%s' needs a value: see lgctl %s%s--help",
				 name, sep, word, name, space);
	return say_error(EXIT_USAGE,
			 "%s%s'%s' is no option of %s: see lgctl %s%s--help",
			 name, sep, word, cmd ? "its" : "lgctl", name, space);
}

enum proto_exit options_parse(struct lgctl *ctl, const struct cmd *cmd,
			      int argc, char **argv)
{
	struct option longs[ROWS + 1];
	char shorts[2 * ROWS + 3];
	const char *escape = getenv("LGCTL_ESCAPE");
	enum proto_exit status = EXIT_DONE;
	int opt;

	if (!cmd && escape && *escape)
		status = take_value(ctl, 'e', escape);
	fill_tables(cmd, longs, shorts);
	optind = 0; /* glibc's way to begin again */
	opterr = 0;
	while (status == EXIT_DONE &&
	       (opt = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (opt == '?' || opt == ':')
			return bad_option(cmd, opt, argv);
		if (optarg)
			status = take_value(ctl, opt, optarg);
		else
			take_flag(ctl, opt);
	}
	return status;
}

static void print_options(const struct cmd *cmd, bool everywhere)
{
	char left[64];
	size_t i;

	for (i = 0; i < ROWS; i++) {
		if (!is_allowed(&rows[i], cmd) ||
		    everywhere != !!strchr(EVERYWHERE, rows[i].letter))
			continue;
		snprintf(left, sizeof(left), "%c%c%c --%s%s%s",
			 rows[i].is_short ? '-' : ' ',
			 rows[i].is_short ? rows[i].letter : ' ',
			 rows[i].is_short ? ',' : ' ', rows[i].name,
			 rows[i].value ? " " : "",
			 rows[i].value ? rows[i].value : "");
		printf("  %-22s %s\n", left, rows[i].help);
	}
}

static void print_commands(void)
{
	char left[64];
	int i;

	for (i = 0; commands[i]; i++) {
		snprintf(left, sizeof(left), "%s %s", commands[i]->name,
			 commands[i]->operands);
		printf("  %-22s %s\n", left, commands[i]->help);
	}
}

void options_usage(const struct cmd *cmd)
{
	if (cmd) {
		printf("usage: lgctl %s [OPTION]...%s%s\n", cmd->name,
		       *cmd->operands ? " " : "", cmd->operands);
		printf("%s\n\n", cmd->help);
		print_options(cmd, /* everywhere= */ false);
	} else {
		printf("usage: lgctl [OPTION]... COMMAND [OPTION]... "
		       "[OPERAND]...\n");
		printf("Tells lguestd what to do with lguest's guests.\n\n");
		print_commands();
		printf("\n");
		print_options(NULL, /* everywhere= */ false);
	}
	print_options(cmd, /* everywhere= */ true);
	printf("\nExit status: 0 done, 1 failed, 2 usage, 3 no such guest, "
	       "4 wrong state,\n5 denied, 6 configuration not valid, 8 timed "
	       "out, 9 guest crashed,\n10 lguestd not reachable.\n");
}
