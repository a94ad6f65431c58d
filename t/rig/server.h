/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * server.h - one machine and those it serves, as three files share it
 *
 * A job is a command on its way through the machine, and its client the
 * connection that asked; they begin and end together, so one struct is both.
 * The server asks for commands of its own too: a job whose fd is -1.
 */
#ifndef SERVER_H
#define SERVER_H

#include "rig.h"

#define JOBS_MAX   64
#define OWNERS_MAX 16

enum job_state {
	JOB_NEW, /* connected, has not said what it wants */
	JOB_RUNNING,
	JOB_KILLED, /* its time is up or its client gone; END must come */
	JOB_ENDED, /* END came; its mark in the log is awaited */
	JOB_DONE, /* all is said: flush and close */
};

struct job {
	enum job_state state;
	uint32_t id;
	int fd; /* -1: ours, or its client has gone */
	int ours;
	int timed_out;
	int asked_why;
	int marked; /* its mark was read from the console */
	struct buf in, out; /* from and to the client */
	uint32_t status;
	int64_t since_ms; /* when this state began */
	int64_t deadline_ms;
	regex_t expect; /* log lines that are no failure of it */
	int has_expect;
};

/* Somebody whose session this is, held by pidfd so the pid stays his. */
struct owner {
	pid_t pid;
	int fd;
};

struct server {
	const struct serve_args *args;
	struct vm vm;
	struct console console;
	struct buf agent_in, agent_out;
	struct job *jobs[JOBS_MAX];
	size_t num_jobs;
	struct job *first; /* who started us, for progress and errors */
	struct owner owners[OWNERS_MAX];
	size_t num_owners;
	int had_owner;
	int ready; /* requests are taken */
	int pongs; /* heard from the agent, in this machine */
	int retiring;
	uint32_t last_id;
	int64_t idle_ms; /* since when nobody is there */
	int64_t bad_ms; /* when the log was first seen to be bad; or 0 */
};

int64_t now_ms(void);

/* server.c */
void server_note(struct server *srv, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void server_unwell(struct server *srv, struct buf *report)
	__attribute__((noreturn));
void server_broken(struct server *srv, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
void server_turn(struct server *srv);
void server_add_owner(struct server *srv, pid_t pid);
void server_goodbye(struct server *srv) __attribute__((noreturn));

/* boot.c */
void boot(struct server *srv);

/* job.c */
struct job *job_add(struct server *srv, int fd);
void job_free(struct server *srv, struct job *job);
struct job *job_start_own(struct server *srv, const char *line);
/* Take what the client said; the client's end is no error. */
void job_on_client(struct server *srv, struct job *job);
void job_on_agent(struct server *srv);
/* What time alone brings: deadlines, and ends whose mark has come. */
void job_on_tick(struct server *srv);
/* Is one only waiting for its mark?  Then look at the console often. */
int job_is_ending(const struct server *srv);
/* End all with EXIT_BROKEN; to how many clients that is news. */
int job_fail_all(struct server *srv, const struct buf *report);

#endif
