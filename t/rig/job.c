// SPDX-License-Identifier: GPL-2.0-only
/*
 * job.c - a command, from its client's request to its exit status
 *
 * Frames go through almost untouched, only the id changes.  What we add is
 * judgement: how long a command may take, and whether the host kernel was still
 * well when it ended.
 *
 * Must never happen: a command reported as good while the kernel's complaint
 * about it is still on its way.  An end is passed on only when its mark was
 * read from the console, and everything before the mark with it.
 *
 * Start at job_on_client().
 *
 * Next: t/rig/session.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

#define MARK_MS  5000 /* longest wait for the mark of an end */
#define KILL_MS  15000 /* what is killed must be gone by then */
#define WHY_MS   3000 /* and has this long to say why it is not */
#define WATCH_MS 1500 /* a report may still be growing */

struct job *job_add(struct server *srv, int fd)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job || srv->num_jobs == JOBS_MAX) {
		free(job);
		close(fd);
		return NULL;
	}
	job->fd = fd;
	job->id = ++srv->last_id;
	job->since_ms = now_ms();
	srv->jobs[srv->num_jobs++] = job;
	return job;
}

void job_free(struct server *srv, struct job *job)
{
	for (size_t i = 0; i < srv->num_jobs; i++)
		if (srv->jobs[i] == job)
			srv->jobs[i] = srv->jobs[--srv->num_jobs];
	if (srv->first == job)
		srv->first = NULL;
	if (job->fd >= 0)
		close(job->fd);
	if (job->has_expect)
		regfree(&job->expect);
	buf_free(&job->in);
	buf_free(&job->out);
	free(job);
}

static void set_state(struct job *job, enum job_state state)
{
	job->state = state;
	job->since_ms = now_ms();
}

static void reply(struct job *job, enum frame_type type, const void *data,
		  size_t len)
{
	frame_add(&job->out, 0, type, data, len);
}

static void finish(struct job *job, uint32_t status)
{
	reply(job, FRAME_END, &status, sizeof(status));
	set_state(job, JOB_DONE);
}

static void kill_job(struct server *srv, struct job *job)
{
	frame_add(&srv->agent_out, job->id, FRAME_KILL, NULL, 0);
	set_state(job, JOB_KILLED);
}

static void start_job(struct server *srv, struct job *job, const char *data,
		      size_t len)
{
	struct run_head head;
	const char *expect;

	if (len <= sizeof(head) || data[len - 1]) {
		finish(job, EXIT_BROKEN);
		return;
	}
	memcpy(&head, data, sizeof(head));
	expect = data + sizeof(head);
	if (*expect) {
		if (regcomp(&job->expect, expect, REG_EXTENDED | REG_NOSUB)) {
			static const char why[] = "rig: RIG_EXPECT_LOG: not a "
						  "regular expression\n";

			reply(job, FRAME_NOTE, why, sizeof(why) - 1);
			finish(job, EXIT_BROKEN);
			return;
		}
		job->has_expect = 1;
	}
	if (head.owner)
		server_add_owner(srv, (pid_t)head.owner);
	frame_add(&srv->agent_out, job->id, FRAME_RUN, data, len);
	/* Tells the client that to try again is no longer safe. */
	reply(job, FRAME_NOTE, NULL, 0);
	set_state(job, JOB_RUNNING);
	job->deadline_ms = job->since_ms + 1000 * (int64_t)head.timeout_s;
}

/* job_start_own - run a line of sh of the server's own */
struct job *job_start_own(struct server *srv, const char *line)
{
	struct run_head head = { .timeout_s = 120 };
	struct job *job = job_add(srv, -1);
	struct buf run = { 0 };

	if (!job)
		return NULL;
	job->ours = 1;
	buf_add(&run, &head, sizeof(head));
	buf_add(&run, "\0dumb\0/", 8);
	buf_add(&run, line, strlen(line) + 1);
	start_job(srv, job, run.data, run.len);
	buf_free(&run);
	return job;
}

static void run_hmp(struct server *srv, struct job *job, const char *data,
		    size_t len)
{
	char *line = strndup(data, len);
	struct buf text = { 0 };
	int r = qmp_hmp(&srv->vm, line, &text);

	reply(job, FRAME_OUT, text.data, text.len);
	finish(job, r < 0 ? EXIT_BROKEN : 0);
	buf_free(&text);
	free(line);
}

static void on_request(struct server *srv, struct job *job,
		       const struct frame_head *head, const char *data)
{
	switch (head->type) {
	case FRAME_RUN:
		if (job->state == JOB_NEW)
			start_job(srv, job, data, head->len);
		break;
	case FRAME_STDIN:
	case FRAME_RESIZE:
		if (job->state == JOB_RUNNING)
			frame_add(&srv->agent_out, job->id, head->type, data,
				  head->len);
		break;
	case FRAME_HMP:
		run_hmp(srv, job, data, head->len);
		break;
	case FRAME_RETIRE:
		srv->retiring = 1;
		finish(job, 0);
		break;
	case FRAME_STOP:
		server_goodbye(srv);
	}
}

static void on_requests(struct server *srv, struct job *job)
{
	struct frame_head head;
	const char *data;

	while (srv->ready && frame_peek(&job->in, &head, &data) > 0) {
		on_request(srv, job, &head, data);
		frame_eat(&job->in, &head);
	}
}

void job_on_client(struct server *srv, struct job *job)
{
	ssize_t r = buf_read(&job->in, job->fd);

	if (r > 0) {
		on_requests(srv, job);
		return;
	}
	if (r == -EAGAIN || r == -EINTR)
		return;
	close(job->fd);
	job->fd = -1;
	if (srv->args->socket == NULL && job == srv->first)
		server_goodbye(srv);
	if (job->state == JOB_RUNNING)
		kill_job(srv, job);
	else if (job->state == JOB_NEW)
		set_state(job, JOB_DONE);
}

static struct job *job_find(struct server *srv, uint32_t id)
{
	for (size_t i = 0; i < srv->num_jobs; i++)
		if (srv->jobs[i]->id == id)
			return srv->jobs[i];
	return NULL;
}

/* From the agent, about a job; what our own jobs print is mostly dropped. */
static void on_answer(struct server *srv, const struct frame_head *head,
		      const char *data)
{
	struct job *job = job_find(srv, head->id);

	if (head->type == FRAME_PONG) {
		srv->pongs++;
		return;
	}
	if (!job || (job->ours && head->type == FRAME_OUT))
		job = head->type == FRAME_NOTE ? srv->first : NULL;
	else if (job->ours && head->type == FRAME_ERR)
		job = srv->first;
	if (!job)
		return;
	if (head->type != FRAME_END) {
		enum frame_type type = head->type;

		reply(job, job->id == head->id ? type : FRAME_NOTE, data,
		      head->len);
		return;
	}
	memcpy(&job->status, data, sizeof(job->status));
	if (job->timed_out)
		job->status = EXIT_TIMEOUT;
	set_state(job, JOB_ENDED);
}

void job_on_agent(struct server *srv)
{
	struct frame_head head;
	const char *data;
	int r;

	if (buf_read(&srv->agent_in, srv->vm.agent_fd) <= 0)
		return;
	while ((r = frame_peek(&srv->agent_in, &head, &data)) > 0) {
		on_answer(srv, &head, data);
		frame_eat(&srv->agent_in, &head);
	}
	if (r < 0)
		server_broken(srv, "the agent talks nonsense");
}

static int has_mark(struct server *srv, const struct job *job)
{
	const struct buf *text = &srv->console.text;
	char mark[64];
	int n = snprintf(mark, sizeof(mark), "rig: command %u ended", job->id);

	return text->len && memmem(text->data, text->len, mark, (size_t)n);
}

/* Judge the log as all commands that run now would have it judged. */
static int judge(struct server *srv, struct buf *ret_report)
{
	regex_t *expected[JOBS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < srv->num_jobs; i++)
		if (srv->jobs[i]->has_expect)
			expected[n++] = &srv->jobs[i]->expect;
	return console_judge(&srv->console, expected, n, ret_report);
}

int job_fail_all(struct server *srv, const struct buf *report)
{
	int told = 0;

	for (size_t i = 0; i < srv->num_jobs; i++) {
		struct job *job = srv->jobs[i];
		size_t at = 0, n;

		if (job->state == JOB_DONE)
			continue;
		for (; at < report->len; at += n) {
			n = report->len - at;
			n = n < FRAME_MAX ? n : FRAME_MAX;
			reply(job, FRAME_NOTE, report->data + at, n);
		}
		told += job->fd >= 0;
		finish(job, EXIT_BROKEN);
	}
	return told;
}

int job_is_ending(const struct server *srv)
{
	for (size_t i = 0; i < srv->num_jobs; i++)
		if (srv->jobs[i]->state == JOB_ENDED)
			return 1;
	return 0;
}

static int may_end(const struct job *job)
{
	return job->state == JOB_ENDED &&
	       (job->marked || now_ms() > job->since_ms + MARK_MS);
}

/* Pass on the ends that are marked, if the log up to there is clean. */
static void end_jobs(struct server *srv)
{
	struct buf report = { 0 };
	int ending = 0;

	for (size_t i = 0; i < srv->num_jobs; i++) {
		srv->jobs[i]->marked |= has_mark(srv, srv->jobs[i]);
		ending |= may_end(srv->jobs[i]);
	}
	if (!ending)
		return;
	if (judge(srv, &report))
		server_unwell(srv, &report);
	console_forget(&srv->console);
	for (size_t i = 0; i < srv->num_jobs; i++)
		if (may_end(srv->jobs[i]))
			finish(srv->jobs[i], srv->jobs[i]->status);
}

/* A command may hang in the very kernel bug that the log tells of. */
static void watch_log(struct server *srv)
{
	struct buf report = { 0 };

	if (srv->bad_ms ? now_ms() < srv->bad_ms + WATCH_MS
			: !judge(srv, &report)) {
		buf_free(&report);
		return;
	}
	if (!srv->bad_ms) {
		srv->bad_ms = now_ms();
	} else if (judge(srv, &report)) {
		server_unwell(srv, &report);
	} else {
		srv->bad_ms = 0;
	}
	buf_free(&report);
}

static void watch_time(struct server *srv, struct job *job)
{
	int64_t now = now_ms();

	if (job->state == JOB_RUNNING && now > job->deadline_ms) {
		job->timed_out = 1;
		kill_job(srv, job);
	}
	if (job->state != JOB_KILLED || now < job->since_ms + KILL_MS)
		return;
	if (!job->asked_why)
		frame_add(&srv->agent_out, job->id, FRAME_WHY, NULL, 0);
	job->asked_why = 1;
	if (now > job->since_ms + KILL_MS + WHY_MS)
		server_broken(srv, "a command was killed and does not die");
}

void job_on_tick(struct server *srv)
{
	int running = 0;

	console_read(&srv->console);
	for (size_t i = 0; i < srv->num_jobs; i++) {
		watch_time(srv, srv->jobs[i]);
		running |= srv->jobs[i]->state == JOB_RUNNING ||
			   srv->jobs[i]->state == JOB_KILLED;
	}
	end_jobs(srv);
	if (running)
		watch_log(srv);
}
