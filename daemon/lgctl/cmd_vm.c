// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_vm.c - destroy, stop, pause, resume, reset, wait: one guest's next state
 *
 * Each is a call with a guest's name in it, for every name that was given.  One
 * that fails does not keep the others from it: the first failure is the status.
 *
 * Next: daemon/lgctl/cmd_balloon.c
 */
#include <string.h>

#include "lgctl.h"

/* Says what came back, for whoever wants to know. */
static enum proto_exit answer(const struct lgctl *ctl, const char *guest,
			      enum proto_exit status, struct reply *reply)
{
	if (status == EXIT_DONE && ctl->json) {
		if (!json_object_get(reply->parameters, "name"))
			json_object_set_new(reply->parameters, "name",
					    json_string(guest));
		status = say_json(json_incref(reply->parameters));
	}
	reply_fini(reply);
	return status;
}

static enum proto_exit call_all(struct lgctl *ctl, int argc, char **argv,
				const char *method, int timeout_s)
{
	enum proto_exit status = EXIT_DONE, now;
	struct reply reply;
	int i;

	for (i = 0; i < argc && status != EXIT_UNREACHABLE; i++) {
		now = client_call(ctl, argv[i], method, client_named(argv[i]),
				  timeout_s, &reply);
		now = answer(ctl, argv[i], now, &reply);
		status = worse(status, now);
	}
	return status;
}

static enum proto_exit run_destroy(struct lgctl *ctl, int argc, char **argv)
{
	return call_all(ctl, argc, argv, "Guests.Destroy", CLIENT_PROMPTLY);
}

static enum proto_exit run_pause(struct lgctl *ctl, int argc, char **argv)
{
	return call_all(ctl, argc, argv, "Guests.Pause", CLIENT_PROMPTLY);
}

static enum proto_exit run_resume(struct lgctl *ctl, int argc, char **argv)
{
	return call_all(ctl, argc, argv, "Guests.Resume", CLIENT_PROMPTLY);
}

static enum proto_exit run_reset(struct lgctl *ctl, int argc, char **argv)
{
	return call_all(ctl, argc, argv, "Guests.Reset", CLIENT_PROMPTLY);
}

/* ---- stop ---- */

static enum proto_exit stop_one(struct lgctl *ctl, const char *guest)
{
	json_t *parameters = client_named(guest);
	struct reply reply;
	enum proto_exit status;

	if (ctl->timeout_s >= 0)
		json_object_set_new(parameters, "timeout_s",
				    json_integer(ctl->timeout_s));
	if (ctl->force)
		json_object_set_new(parameters, "force", json_true());
	status = client_call(ctl, guest, "Guests.Stop", parameters,
			     /* timeout_s= */ -1, &reply);
	if (status == EXIT_TIMEOUT || status == EXIT_STATE)
		if (!ctl->force)
			say_note(ctl,
				 "vm '%s': to end it all the same: lgctl "
				 "stop --force %s",
				 guest, guest);
	return answer(ctl, guest, status, &reply);
}

/* Those that run, or will: one that has ended needs no stopping. */
static enum proto_exit stop_everyone(struct lgctl *ctl)
{
	enum proto_exit status;
	struct reply reply;
	const char *state;
	json_t *guest;
	size_t i;

	status = client_call(ctl, NULL, "Guests.List", NULL, CLIENT_PROMPTLY,
			     &reply);
	json_array_foreach(json_object_get(reply.parameters, "guests"), i,
			   guest) {
		state = json_string_value(json_object_get(guest, "state"));
		if (!state || !strcmp(state, "stopped") ||
		    !strcmp(state, "crashed"))
			continue;
		status = worse(status,
			       stop_one(ctl, json_string_value(json_object_get(
						     guest, "name"))));
	}
	reply_fini(&reply);
	return status;
}

static enum proto_exit run_stop(struct lgctl *ctl, int argc, char **argv)
{
	enum proto_exit status = EXIT_DONE;
	int i;

	if (ctl->all && argc)
		return say_error(EXIT_USAGE,
				 "stop: --all or '%s', not both: see lgctl "
				 "stop --help",
				 argv[0]);
	if (!ctl->all && !argc)
		return say_error(EXIT_USAGE,
				 "stop: needs NAME... or --all: see lgctl stop "
				 "--help");
	if (ctl->all)
		return stop_everyone(ctl);
	for (i = 0; i < argc && status != EXIT_UNREACHABLE; i++)
		status = worse(status, stop_one(ctl, argv[i]));
	return status;
}

/* ---- wait ---- */

static enum proto_exit run_wait(struct lgctl *ctl, int argc, char **argv)
{
	json_t *parameters = client_named(argv[0]);
	enum proto_exit status;
	struct reply reply;
	bool crashed;

	(void)argc;
	if (ctl->state)
		json_object_set_new(parameters, "state",
				    json_string(ctl->state));
	status = client_call(ctl, argv[0], "Guests.Wait", parameters,
			     ctl->timeout_s, &reply);
	crashed = !ctl->state &&
		  json_is_true(json_object_get(reply.parameters, "crashed"));
	if (status == EXIT_DONE && crashed)
		say_error(EXIT_CRASHED, "vm '%s': %s", argv[0],
			  json_string_value(
				  json_object_get(reply.parameters, "why")));
	status = answer(ctl, argv[0], status, &reply);
	return status == EXIT_DONE && crashed ? EXIT_CRASHED : status;
}

const struct cmd cmd_destroy = {
	.name = "destroy",
	.operands = "NAME...",
	.min = 1,
	.max = -1,
	.options = "",
	.help = "end a guest at once, and forget it",
	.run = run_destroy,
};

const struct cmd cmd_stop = {
	.name = "stop",
	.operands = "[NAME...]",
	.min = 0,
	.max = -1,
	.options = "aFt",
	.help = "have a guest turn itself off; --force: or destroy it then",
	.run = run_stop,
};

const struct cmd cmd_pause = {
	.name = "pause",
	.operands = "NAME...",
	.min = 1,
	.max = -1,
	.options = "",
	.help = "stop a guest's CPUs, and nothing else",
	.run = run_pause,
};

const struct cmd cmd_resume = {
	.name = "resume",
	.operands = "NAME...",
	.min = 1,
	.max = -1,
	.options = "",
	.help = "let a paused guest go on",
	.run = run_resume,
};

const struct cmd cmd_reset = {
	.name = "reset",
	.operands = "NAME...",
	.min = 1,
	.max = -1,
	.options = "",
	.help = "start a guest anew, whatever it does",
	.run = run_reset,
};

const struct cmd cmd_wait = {
	.name = "wait",
	.operands = "NAME",
	.min = 1,
	.max = 1,
	.options = "Ot",
	.help = "wait until a guest has ended, or --for another state",
	.run = run_wait,
};
