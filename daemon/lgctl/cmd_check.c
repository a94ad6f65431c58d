// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_check.c - check: is that a guest's file?
 *
 * Asks nobody but the reader that create uses, so it works where there is no
 * daemon; the files it names need not be here either.
 *
 * Next: daemon/lgctl/cmd_vm.c
 */
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "lgctl.h"

/* Nothing is made here, but it can be said that create would. */
static void look_at_kernel(const struct lgctl *ctl,
			   const struct conf_guest *conf)
{
	int fd = open(conf->kernel, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char path[PATH_MAX];
	bool made;

	if (fd < 0)
		return;
	if (graft_wanted(fd) &&
	    graft_look(conf->name, conf->kernel, &made, path, sizeof(path)) ==
		    EXIT_DONE &&
	    !made)
		say_note(ctl,
			 "vm '%s': kernel '%s': create will make a guest of "
			 "it, which takes a minute, once",
			 conf->name, conf->kernel);
	close(fd);
}

static enum proto_exit run_check(struct lgctl *ctl, int argc, char **argv)
{
	enum proto_exit status = EXIT_DONE, now;
	struct conf_guest *conf;
	char shown[8192];
	json_t *complaints;
	int i;

	for (i = 0; i < argc; i++) {
		complaints = NULL;
		now = guest_file_read(argv[i], &conf,
				      ctl->json ? &complaints : NULL);
		if (ctl->json)
			say_json(json_pack("{s:s,s:b,s:s*,s:o*}", "file",
					   argv[i], "ok", now == EXIT_DONE,
					   "name", now ? NULL : conf->name,
					   "complaints", complaints));
		else if (ctl->verbose && now == EXIT_DONE)
			printf("%s: ok\n",
			       conf_show(argv[i], shown, sizeof(shown)));
		if (now == EXIT_DONE) {
			look_at_kernel(ctl, conf);
			conf_guest_free(conf);
		}
		status = worse(status, now);
	}
	return status;
}

const struct cmd cmd_check = {
	.name = "check",
	.operands = "FILE...",
	.min = 1,
	.max = -1,
	.options = "v",
	.help = "say what is wrong with guests' YAML files",
	.run = run_check,
};
