// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_console.c - console, logs: what a guest prints, and typing to it
 *
 * Both show the last mebibyte first.  One who finds an empty screen wants to
 * know why it is empty, so what keeps the guest silent is said before; and why it
 * fell silent for good is said after.
 *
 * Next: daemon/lgctl/cmd_run.c
 */
#include <string.h>
#include <unistd.h>

#include "lgctl.h"

/* A console's socket, after its reply; -1 with a status. */
static int open_console(struct lgctl *ctl, const char *guest, bool write,
			bool follow, enum proto_exit *ret_status)
{
	json_t *parameters =
		json_pack("{s:s,s:b,s:b,s:b}", "name", guest, "write", write,
			  "force", ctl->force, "follow", follow);
	struct reply reply = { .message = NULL };
	int sock = client_open(ctl, ret_status);

	if (sock < 0) {
		json_decref(parameters);
		return -1;
	}
	*ret_status = client_send(sock, "Guests.Console", parameters, NULL, 0);
	if (*ret_status == EXIT_DONE)
		*ret_status =
			client_receive(sock, guest, CLIENT_PROMPTLY, &reply);
	if (*ret_status == EXIT_STATE && write && !ctl->force)
		say_note(ctl,
			 "vm '%s': --watch shows it all the same, --force "
			 "takes over",
			 guest);
	reply_fini(&reply);
	if (*ret_status == EXIT_DONE)
		return sock;
	close(sock);
	return -1;
}

/* What a guest does that is silent; its status if it has crashed. */
static enum proto_exit say_state(struct lgctl *ctl, const char *guest)
{
	enum proto_exit status;
	struct reply reply;
	const char *state, *why;

	status = client_call(ctl, guest, "Guests.Info", client_named(guest),
			     CLIENT_PROMPTLY, &reply);
	if (status == EXIT_DONE) {
		state = json_string_value(
			json_object_get(reply.parameters, "state"));
		why = json_string_value(
			json_object_get(reply.parameters, "why"));
		if (state && strcmp(state, "running") != 0)
			say_note(ctl, "vm '%s': it is %s%s%s", guest, state,
				 why && *why ? ": " : "", why ? why : "");
		if (state && !strcmp(state, "crashed"))
			status = EXIT_CRASHED;
	}
	reply_fini(&reply);
	return status;
}

static void say_escape(const struct lgctl *ctl, const char *guest)
{
	if (ctl->escape < 0)
		say_note(ctl, "vm '%s': there is no escape", guest);
	else if (ctl->escape < ' ')
		say_note(ctl, "vm '%s': the escape is ^%c, and ^%c . leaves",
			 guest, ctl->escape | 0x40, ctl->escape | 0x40);
	else
		say_note(ctl, "vm '%s': the escape is %c, and %c . leaves",
			 guest, ctl->escape, ctl->escape);
}

static bool lists(const struct reply *reply, const char *guest)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(reply->parameters, "guests"), i, one)
		if (!strcmp(json_string_value(json_object_get(one, "name")),
			    guest))
			return true;
	return false;
}

/* Has the guest gone, or only its console? */
static enum proto_exit after_close(struct lgctl *ctl, const char *guest)
{
	struct reply reply;
	enum proto_exit status;
	bool there;

	status = client_call(ctl, NULL, "Guests.List", NULL, CLIENT_PROMPTLY,
			     &reply);
	there = lists(&reply, guest);
	reply_fini(&reply);
	if (status == EXIT_DONE && there)
		return say_state(ctl, guest);
	if (status == EXIT_DONE)
		say_note(ctl, "vm '%s': has gone", guest);
	return status;
}

static enum proto_exit run_console(struct lgctl *ctl, int argc, char **argv)
{
	bool typed = !ctl->watch && isatty(STDIN_FILENO);
	struct terminal terminal = {
		.escape = ctl->escape,
		.input = !ctl->watch,
		.ctl = ctl,
		.guest = argv[0],
		.quiet = ctl->quiet,
		.also = { -1, -1 },
	};
	enum proto_exit status = say_state(ctl, argv[0]);
	enum terminal_end end;

	(void)argc;
	if (status != EXIT_DONE && status != EXIT_CRASHED)
		return status;
	terminal.sock = open_console(ctl, argv[0], terminal.input,
				     /* follow= */ true, &status);
	if (terminal.sock < 0)
		return status;
	if (typed)
		say_escape(ctl, argv[0]);
	end = terminal_copy(&terminal);
	close(terminal.sock);
	if (typed && end == TERMINAL_LEFT)
		say_note(ctl, "vm '%s': left, it goes on", argv[0]);
	if (end == TERMINAL_CLOSED)
		return after_close(ctl, argv[0]);
	return end == TERMINAL_FAILED ? EXIT_FAILED : EXIT_DONE;
}

static enum proto_exit run_logs(struct lgctl *ctl, int argc, char **argv)
{
	struct terminal terminal = {
		.escape = -1,
		.guest = argv[0],
		.also = { -1, -1 },
	};
	enum proto_exit status;
	enum terminal_end end;

	(void)argc;
	terminal.sock = open_console(ctl, argv[0], /* write= */ false,
				     ctl->follow, &status);
	if (terminal.sock < 0)
		return status;
	end = terminal_copy(&terminal);
	close(terminal.sock);
	return end == TERMINAL_FAILED ? EXIT_FAILED : EXIT_DONE;
}

const struct cmd cmd_console = {
	.name = "console",
	.operands = "NAME",
	.min = 1,
	.max = 1,
	.options = "Fwe",
	.help = "be a guest's terminal; ^] . leaves",
	.run = run_console,
};

const struct cmd cmd_logs = {
	.name = "logs",
	.operands = "NAME",
	.min = 1,
	.max = 1,
	.options = "f",
	.help = "show what a guest has printed",
	.run = run_logs,
};
