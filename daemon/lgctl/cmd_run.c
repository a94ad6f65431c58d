// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_run.c - run: a guest as if it were a program
 *
 * It is created, its console is our terminal, and when it ends so do we, with a
 * status that says how.  A signal that would end a program turns the guest off;
 * a second one destroys it.  Whoever supervises programs can so supervise guests.
 *
 * Three connections: one waits for its end, one is its console, and one stops it.
 * It is created paused and goes on when the first two are there, so that nothing
 * of a guest which ends at once is missed.  lguestd may be replaced meanwhile,
 * for guests outlive it: then we ask the next one.
 *
 * Next: daemon/lgctl/cmd_doctor.c
 */
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lgctl.h"

#define RETRIES 60 /* a second apart, for the next lguestd to be there */

static struct {
	struct lgctl *ctl;
	int stop; /* the call that asks it to stop; -1: nobody asked yet */
	bool destroyed;
	bool begun; /* it is paused no longer */
} run = { .stop = -1 };

static void send_end(const char *guest, const char *method)
{
	enum proto_exit status;

	if (run.stop >= 0)
		close(run.stop);
	run.stop = client_open(run.ctl, &status);
	if (run.stop >= 0)
		client_send(run.stop, method, client_named(guest), NULL, 0);
}

static void run_on_signal(struct terminal *terminal, int signo)
{
	(void)signo;
	if (run.destroyed)
		return;
	if (run.stop < 0) {
		say_note(run.ctl,
			 "vm '%s': is told to turn itself off; again destroys "
			 "it",
			 terminal->guest);
		send_end(terminal->guest, "Guests.Stop");
	} else {
		run.destroyed = true;
		say_note(run.ctl, "vm '%s': is destroyed", terminal->guest);
		send_end(terminal->guest, "Guests.Destroy");
	}
	terminal->also[1] = run.stop;
}

/* Its end is the end; whether it will stop is something to be said. */
static bool run_on_also(struct terminal *terminal, int which)
{
	struct reply reply;

	if (which == 0)
		return true;
	client_receive(run.stop, terminal->guest, CLIENT_PROMPTLY, &reply);
	reply_fini(&reply);
	terminal->also[1] = -1;
	return false;
}

/* The end of the guest in words and as a status. */
static enum proto_exit say_ended(const char *guest, const struct reply *reply)
{
	const char *why =
		json_string_value(json_object_get(reply->parameters, "why"));
	bool crashed =
		json_is_true(json_object_get(reply->parameters, "crashed"));

	why = why && *why ? why : "it has ended";
	if (crashed)
		return say_error(EXIT_CRASHED, "vm '%s': %s", guest, why);
	say_note(run.ctl, "vm '%s': %s", guest, why);
	if (run.ctl->json)
		return say_json(json_incref(reply->parameters));
	return EXIT_DONE;
}

static int send_wait(const char *guest, enum proto_exit *ret_status)
{
	int sock = client_open(run.ctl, ret_status);

	if (sock < 0)
		return -1;
	*ret_status =
		client_send(sock, "Guests.Wait", client_named(guest), NULL, 0);
	if (*ret_status == EXIT_DONE)
		return sock;
	close(sock);
	return -1;
}

static int send_console(const char *guest, bool write,
			enum proto_exit *ret_status)
{
	struct reply reply = { .message = NULL };
	int sock = client_open(run.ctl, ret_status);

	if (sock < 0)
		return -1;
	*ret_status = client_send(sock, "Guests.Console",
				  json_pack("{s:s,s:b,s:b}", "name", guest,
					    "write", write, "follow", 1),
				  NULL, 0);
	if (*ret_status == EXIT_DONE)
		*ret_status =
			client_receive(sock, guest, CLIENT_PROMPTLY, &reply);
	reply_fini(&reply);
	if (*ret_status == EXIT_DONE)
		return sock;
	close(sock);
	return -1;
}

/* Its console until its end; then the status that this is. */
static enum proto_exit be_terminal(struct terminal *terminal)
{
	enum terminal_end end = terminal_copy(terminal);
	enum proto_exit status;
	struct reply reply;

	if (end == TERMINAL_CLOSED) {
		/* Its end is still to be heard of, and signals are to be heeded. */
		close(terminal->sock);
		terminal->sock = -1;
		terminal->input = false;
		end = terminal_copy(terminal);
	}
	if (end == TERMINAL_FAILED)
		return EXIT_FAILED;
	if (end == TERMINAL_LEFT) {
		say_note(run.ctl, "vm '%s': left, it goes on", terminal->guest);
		return EXIT_DONE;
	}
	terminal_drain(terminal);
	status = client_receive(terminal->also[0], terminal->guest,
				/* timeout_s= */ -1, &reply);
	if (status == EXIT_DONE)
		status = say_ended(terminal->guest, &reply);
	reply_fini(&reply);
	return status;
}

/* The audience is there. */
static enum proto_exit begin(const char *guest)
{
	enum proto_exit status =
		client_call(run.ctl, guest, "Guests.Resume",
			    client_named(guest), CLIENT_PROMPTLY, NULL);

	/* Somebody else may have been quicker. */
	run.begun = status != EXIT_UNREACHABLE;
	return status;
}

/* EXIT_UNREACHABLE: the guest goes on, as far as anybody knows. */
static enum proto_exit follow(const char *guest, int wait)
{
	struct terminal terminal = {
		.escape = run.ctl->escape,
		.input = true,
		.ctl = run.ctl,
		.guest = guest,
		.quiet = run.ctl->quiet,
		.on_signal = run_on_signal,
		.on_also = run_on_also,
		.also = { wait, run.stop },
	};
	enum proto_exit status;

	terminal.sock = send_console(guest, /* write= */ true, &status);
	terminal.input = terminal.sock >= 0;
	if (!run.begun && status != EXIT_UNREACHABLE)
		status = begin(guest);
	if (terminal.sock >= 0 || status != EXIT_UNREACHABLE)
		status = be_terminal(&terminal);
	if (terminal.sock >= 0)
		close(terminal.sock);
	close(terminal.also[0]);
	return status;
}

/* Creates it, and waits for its end: *ret_wait is who will hear of that. */
static enum proto_exit create(struct guest_file *file, int *ret_wait)
{
	enum proto_exit status;
	struct reply reply = { .message = NULL };
	int sock = client_open(run.ctl, &status);

	if (sock < 0)
		return status;
	json_object_set_new(file->parameters, "wait", json_true());
	json_object_set_new(file->parameters, "paused", json_true());
	status = client_send_both(
		sock, "Guests.Create", json_incref(file->parameters), file->fds,
		file->fd_count, "Guests.Wait", file->conf->name);
	/* Loading takes what it takes. */
	if (status == EXIT_DONE)
		status = client_receive(sock, file->conf->name,
					/* timeout_s= */ -1, &reply);
	reply_fini(&reply);
	if (status == EXIT_DONE)
		*ret_wait = sock;
	else
		close(sock);
	return status;
}

/* Whoever wants to go while there is nobody to talk to may. */
static void wait_a_second(const sigset_t *ours)
{
	static const struct timespec second = { .tv_sec = 1 };
	int signo = sigtimedwait(ours, NULL, &second);

	if (signo > 0)
		terminal_die(signo);
}

static enum proto_exit run_run(struct lgctl *ctl, int argc, char **argv)
{
	char guest[CONF_NAME_MAX + 1];
	enum proto_exit status;
	struct guest_file file;
	int i, wait = -1;
	sigset_t ours;

	(void)argc;
	run.ctl = ctl;
	if (!ctl->foreground)
		return say_error(EXIT_USAGE,
				 "run: needs --foreground; in the background: "
				 "lgctl create %s",
				 argv[0]);
	status = guest_file_open(ctl, argv[0], &file);
	if (status != EXIT_DONE)
		return status;
	snprintf(guest, sizeof(guest), "%s", file.conf->name);
	/* Once there is a guest, a signal is for it: it stands still until follow(). */
	terminal_signals(&ours);
	sigprocmask(SIG_BLOCK, &ours, NULL);
	status = create(&file, &wait);
	guest_file_close(&file);
	if (status != EXIT_DONE)
		return status;
	status = follow(guest, wait);
	for (i = 0; i < RETRIES && status == EXIT_UNREACHABLE; i++) {
		ctl->mute = true;
		wait_a_second(&ours);
		wait = send_wait(guest, &status);
		if (wait >= 0)
			status = follow(guest, wait);
	}
	return status;
}

const struct cmd cmd_run = {
	.name = "run",
	.operands = "FILE",
	.min = 1,
	.max = 1,
	.options = "Ge",
	.help = "create a guest, be its terminal, end with it",
	.run = run_run,
};
