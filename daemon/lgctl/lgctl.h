/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lgctl.h - what the commands of lgctl share, in the order of its files
 *
 * A command is a row of facts and one function, in a file with its relatives.
 * An option means the same wherever it is allowed, so there is one table of
 * them all, in options.c, and a command lists the letters of those it takes.
 */
#ifndef LGCTL_H
#define LGCTL_H

#include <stdbool.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "../conf.h"
#include "../proto.h"

/* What the command line said, all of it checked. */
struct lgctl {
	const struct cmd *cmd;
	const char *socket;
	bool json, quiet, verbose, help, version;
	bool mute; /* an lguestd that is not there is no news */
	bool all, dry_run, follow, force, foreground, names, no_wait, watch;
	int timeout_s; /* -1: not said */
	const char *state; /* --for */
	int escape; /* a character; -1: none */
	const char *root; /* doctor's; NULL: "/" */
};

struct cmd {
	const char *name;
	const char *operands; /* as in its usage */
	int min, max; /* how many operands; max -1: no limit */
	const char *options; /* letters of rows in options.c */
	const char *help; /* one line */
	enum proto_exit (*run)(struct lgctl *ctl, int argc, char **argv);
};

/* ---- main.c ---- */

extern const struct cmd *const commands[]; /* NULL at the end */

const struct cmd *command_find(const char *name);

/* ---- options.c: the options, and usage made of them ---- */

/*
 * options_parse - cmd NULL: those before the verb, and it stops there
 *
 * argv[0] is the program or the verb; optind is where the operands begin.
 */
enum proto_exit options_parse(struct lgctl *ctl, const struct cmd *cmd,
			      int argc, char **argv);

/* options_usage - all that `lgctl VERB --help` says; cmd NULL: lgctl's own */
void options_usage(const struct cmd *cmd);

/* ---- say.c: messages, tables, sizes, ages ---- */

/* say_error - "lgctl: ..." on stderr, a line; returns status */
enum proto_exit say_error(enum proto_exit status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* say_note - the same, but not with --quiet, and not an error */
void say_note(const struct lgctl *ctl, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* say_json - one line on stdout; takes the value over */
enum proto_exit say_json(json_t *value);

/* say_size - "64 MiB"; say_age - "3 min"; both in buf, which is returned */
const char *say_size(uint64_t bytes, char *buf, size_t len);
const char *say_age(uint64_t since_us, char *buf, size_t len);

/*
 * A table is printed when it is whole: columns are as wide as they must be.
 * What comes from elsewhere is made harmless: a terminal gets no control codes.
 */
struct table {
	int columns;
	int cells;
	char **cell;
};

void table_add(struct table *table, const char *cell);
void table_print(struct table *table); /* and frees it */

/* say_end - so that output which could not be written is not a success */
enum proto_exit say_end(enum proto_exit status);

/* worse - of two exit statuses, the one to end with: the first that is bad */
enum proto_exit worse(enum proto_exit so_far, enum proto_exit now);

/* ---- suggest.c: did you mean ---- */

/* suggest - the verb that was perhaps meant, or NULL */
const char *suggest(const char *word);

/* ---- client.c: speaks proto.h ---- */

/* client_open - a connection; -1: it has said why, *ret_status is what to end with */
int client_open(const struct lgctl *ctl, enum proto_exit *ret_status);

/* client_send - method without its prefix; parameters is taken over */
enum proto_exit client_send(int sock, const char *method, json_t *parameters,
			    const int *fds, size_t fd_count);

/* client_send_both - and `then`, about guest, before anything else can happen */
enum proto_exit client_send_both(int sock, const char *method,
				 json_t *parameters, const int *fds,
				 size_t fd_count, const char *then,
				 const char *guest);

/* What came back: parameters, and error if that is what it was. */
struct reply {
	json_t *message;
	json_t *parameters; /* in message */
	const char *error; /* in message, without its prefix; or NULL */
	enum proto_exit status;
};

/*
 * client_receive - one reply; guest, or NULL, is who an error is about
 *
 * timeout_s -1: as long as it takes.  Errors have been said, unless quiet.
 */
enum proto_exit client_receive(int sock, const char *guest, int timeout_s,
			       struct reply *ret_reply);

void reply_fini(struct reply *reply);

/* client_call - a connection for one call; ret_reply may be NULL */
enum proto_exit client_call(const struct lgctl *ctl, const char *guest,
			    const char *method, json_t *parameters,
			    int timeout_s, struct reply *ret_reply);

/* A time to wait for answers that need not wait for a guest. */
#define CLIENT_PROMPTLY (-2)

/* client_named - the parameters {"name": guest} */
json_t *client_named(const char *guest);

/* ---- guest_file.c: a guest's YAML, and the files it names ---- */

struct guest_file {
	struct conf_guest *conf;
	int fds[2 + CONF_DISKS_MAX];
	size_t fd_count;
	json_t *parameters; /* of Guests.Create */
};

/* guest_file_open - reads path and opens what it names, as the caller */
enum proto_exit guest_file_open(const struct lgctl *ctl, const char *path,
				struct guest_file *ret_file);
void guest_file_close(struct guest_file *file);

/*
 * guest_file_read - the YAML alone
 *
 * Complaints are said; or, if ret_complaints is not NULL, they are put there as
 * a string (NULL without memory), which is left alone if there are none.
 */
enum proto_exit guest_file_read(const char *path, struct conf_guest **ret,
				json_t **ret_complaints);

/* ---- disk_file.c: a disk's file, opened or made ---- */

/* disk_file_open - a descriptor; -1: it has said why, *ret_status is for that */
int disk_file_open(const char *guest, unsigned int number,
		   const struct conf_disk *conf, enum proto_exit *ret_status);

/* ---- graft.c: a distribution's kernel, made a guest's on the way ---- */

/* graft_wanted - a kernel for a boot loader, that lguest-run would refuse */
bool graft_wanted(int fd);

/* graft_look - is there one made of that kernel?  ret_path: where, if so */
enum proto_exit graft_look(const char *guest, const char *kernel,
			   bool *ret_made, char *ret_path, size_t len);

/* graft_make - and if not, now */
enum proto_exit graft_make(const struct lgctl *ctl, const char *guest,
			   const char *kernel, char *ret_path, size_t len);

/* ---- terminal.c: bytes between a person and a guest ---- */

struct terminal {
	int sock; /* the guest's console; -1: there is none */
	int escape; /* -1: none */
	bool input; /* what is typed goes there */
	const char *guest;
	const struct lgctl
		*ctl; /* to tell how large it is; NULL: nobody wants to know */
	bool quiet;
	/* called for SIGINT and SIGTERM, which then do not end it; or NULL */
	void (*on_signal)(struct terminal *terminal, int signo);
	/* called when one of these can be read; true: that is the end */
	bool (*on_also)(struct terminal *terminal, int which);
	int also[2]; /* -1: none */
};

enum terminal_end {
	TERMINAL_CLOSED, /* the daemon or the guest has gone */
	TERMINAL_LEFT, /* the person asked to */
	TERMINAL_ALSO, /* on_also() said so */
	TERMINAL_FAILED, /* said */
};

enum terminal_end terminal_copy(struct terminal *terminal);

/*
 * terminal_signals - those of terminal_copy() that would end us
 *
 * Who blocks them before has them kept for it: on_signal() is then called for
 * what came meanwhile.
 */
void terminal_signals(sigset_t *ret);

/* terminal_die - of that signal, blocked or not */
void terminal_die(int signo);

/* terminal_drain - what has been printed until now, when it has ended */
void terminal_drain(const struct terminal *terminal);

/* ---- cmd_*.c ---- */

extern const struct cmd cmd_create, cmd_run, cmd_check;
extern const struct cmd cmd_list, cmd_info;
extern const struct cmd cmd_stop, cmd_destroy, cmd_pause, cmd_resume, cmd_reset;
extern const struct cmd cmd_balloon, cmd_wait, cmd_console, cmd_logs;
extern const struct cmd cmd_doctor, cmd_version, cmd_help;

#endif /* LGCTL_H */
