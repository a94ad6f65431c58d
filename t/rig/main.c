// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - the rig's command line
 *
 * rig exec runs a command in a machine that boots Debian's kernel, and is that
 * command to whoever called it: output, errors, exit status.  Two statuses are
 * the rig's own: 124, the time was up; 125, the rig or the kernel inside broke.
 *
 * Where we stand: the wrapper t/rig/rig has built us, if our sources were newer.
 * Read the table of commands at the end.
 *
 * Next: t/rig/model.c
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

#define TIMEOUT_S 300

const char *rig_source, *rig_tree, *rig_build;

void complain(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "# rig: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
}

static int usage(void)
{
	fprintf(stderr, "usage: rig exec [-fi] [-m model] [-t seconds] "
			"[--append arguments] [--ram size]\n"
			"                [--] command...\n"
			"       rig bench [options of exec] [--] command...\n"
			"       rig shell [-f] [-m model]\n"
			"       rig hmp [-m model] line | nmi [-m model] | "
			"mce [-m model] argument...\n"
			"       rig models | image | stop\n");
	return 2;
}

static int parse_model(const char *name, struct request *req)
{
	req->model = model_find(name);
	if (!req->model)
		complain("no model '%s': see rig models", name);
	return req->model ? 0 : -1;
}

/* The options all commands share; what is left are words. */
static int parse(int argc, char **argv, struct request *req)
{
	static const struct option options[] = {
		{ "append", required_argument, NULL, 'a' },
		{ "ram", required_argument, NULL, 'r' },
		{ 0 },
	};
	const char *env = getenv("RIG_TIMEOUT");
	int opt;

	req->timeout_s = env ? (unsigned)atoi(env) : TIMEOUT_S;
	req->dir = "/lg";
	while ((opt = getopt_long(argc, argv, "+fim:t:", options, NULL)) !=
	       -1) {
		switch (opt) {
		case 'a':
			req->append = optarg;
			req->private = 1;
			break;
		case 'r':
			req->ram = optarg;
			req->private = 1;
			break;
		case 'f':
			req->private = 1;
			break;
		case 'i':
			req->flags |= RUN_STDIN;
			break;
		case 'm':
			if (parse_model(optarg, req) < 0)
				return -1;
			break;
		case 't':
			req->timeout_s = (unsigned)atoi(optarg);
			break;
		default:
			return -1;
		}
	}
	if (!req->timeout_s) {
		complain("a timeout is a number of seconds, at least 1");
		return -1;
	}
	req->words = argv + optind;
	return 0;
}

static int cmd_exec(struct request *req)
{
	return req->words[0] ? client_run(req) : usage();
}

static int cmd_shell(struct request *req)
{
	static char bash[] = "bash", login[] = "-l";
	static char *words[] = { bash, login, NULL };

	req->words = words;
	req->flags |= RUN_STDIN | (isatty(0) ? RUN_TTY : 0);
	req->timeout_s = INT_MAX;
	return client_run(req);
}

static int cmd_hmp(struct request *req)
{
	return req->words[0] ? client_hmp(req->model, req->words[0]) : usage();
}

static int cmd_nmi(struct request *req)
{
	return client_hmp(req->model, "nmi");
}

static int cmd_mce(struct request *req)
{
	char line[512] = "mce";
	size_t len = 3;

	for (char **word = req->words; *word; word++)
		len += (size_t)snprintf(line + len, sizeof(line) - len, " %s",
					*word);
	return len < sizeof(line) ? client_hmp(req->model, line) : usage();
}

static int cmd_models(struct request *req)
{
	(void)req;
	model_list(stdout);
	return 0;
}

static int cmd_image(struct request *req)
{
	struct cache cache;

	(void)req;
	return cache_open(&cache) < 0 ? EXIT_BROKEN : 0;
}

static int cmd_stop(struct request *req)
{
	(void)req;
	return session_stop_all();
}

static const struct {
	const char *name;
	int (*run)(struct request *req);
	const char *model; /* NULL: $LG_MODEL, or amd */
	int private;
} commands[] = {
	{ .name = "exec", .run = cmd_exec },
	{ .name = "bench", .run = cmd_exec, .model = "icount", .private = 1 },
	{ .name = "shell", .run = cmd_shell },
	{ .name = "nmi", .run = cmd_nmi },
	{ .name = "mce", .run = cmd_mce },
	{ .name = "hmp", .run = cmd_hmp },
	{ .name = "models", .run = cmd_models },
	{ .name = "image", .run = cmd_image },
	{ .name = "stop", .run = cmd_stop },
};

static int find_model(const char *name, struct request *req)
{
	const char *env = getenv("LG_MODEL");

	if (!name)
		name = env && *env ? env : "amd";
	return parse_model(name, req);
}

/* We live in build/rig of the tree we test. */
static int find_tree(void)
{
	static char build[PATH_MAX], tree[PATH_MAX], source[PATH_MAX + 16];
	ssize_t n = readlink("/proc/self/exe", build, sizeof(build) - 1);

	if (n < 0)
		return -1;
	build[n] = '\0';
	rig_build = dirname(build);
	strcpy(tree, rig_build);
	rig_tree = dirname(dirname(tree));
	snprintf(source, sizeof(source), "%s/t/rig", rig_tree);
	rig_source = source;
	return 0;
}

int main(int argc, char **argv)
{
	struct request req = { 0 };

	if (argc < 2)
		return usage();
	if (find_tree() < 0)
		return EXIT_BROKEN;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		if (find_model(commands[i].model, &req) < 0)
			return EXIT_BROKEN;
		req.private = commands[i].private;
		if (parse(argc - 1, argv + 1, &req) < 0)
			return usage();
		return commands[i].run(&req);
	}
	return usage();
}
