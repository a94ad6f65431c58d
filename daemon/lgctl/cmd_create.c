// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_create.c - create: a guest from its file, running when we return
 *
 * Next: daemon/lgctl/cmd_check.c
 */
#include <unistd.h>

#include "lgctl.h"

/* What create would send, defaults and all; JSON is YAML, so it can be used. */
static enum proto_exit show_config(const struct lgctl *ctl,
				   const struct guest_file *file)
{
	json_t *config = json_object_get(file->parameters, "config");
	enum proto_exit status;

	if (ctl->json)
		return say_json(json_incref(config));
	status = json_dumpf(config, stdout, JSON_INDENT(2)) < 0 ? EXIT_FAILED
								: EXIT_DONE;
	putchar('\n');
	return status;
}

static enum proto_exit send_create(const struct lgctl *ctl,
				   struct guest_file *file)
{
	json_t *parameters = json_incref(file->parameters);
	struct reply reply = { .message = NULL };
	enum proto_exit status;
	int sock = client_open(ctl, &status);

	if (!ctl->no_wait)
		json_object_set_new(parameters, "wait", json_true());
	if (sock < 0) {
		json_decref(parameters);
		return status;
	}
	status = client_send(sock, "Guests.Create", parameters, file->fds,
			     file->fd_count);
	if (status == EXIT_DONE)
		status = client_receive(sock, file->conf->name, ctl->timeout_s,
					&reply);
	if (status == EXIT_TIMEOUT && !reply.error)
		say_error(status, "vm '%s': not running after %d s",
			  file->conf->name, ctl->timeout_s);
	if (status == EXIT_DONE && ctl->json)
		status = say_json(json_incref(reply.parameters));
	reply_fini(&reply);
	close(sock);
	return status;
}

static enum proto_exit run_create(struct lgctl *ctl, int argc, char **argv)
{
	enum proto_exit status = EXIT_DONE, now;
	struct guest_file file;
	int i;

	for (i = 0; i < argc && status != EXIT_UNREACHABLE; i++) {
		now = guest_file_open(ctl, argv[i], &file);
		if (now == EXIT_DONE) {
			now = ctl->dry_run ? show_config(ctl, &file)
					   : send_create(ctl, &file);
			guest_file_close(&file);
		}
		status = worse(status, now);
	}
	return status;
}

const struct cmd cmd_create = {
	.name = "create",
	.operands = "FILE...",
	.min = 1,
	.max = -1,
	.options = "nWt",
	.help = "start the guest that a YAML file describes",
	.run = run_create,
};
