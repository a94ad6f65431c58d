// SPDX-License-Identifier: GPL-2.0-only
/*
 * server.c - keeps one machine, for as long as somebody wants it
 *
 * The server of a session boots its machine and then carries frames between
 * clients and the agent.  It is one poll() loop from the first moment on: while
 * the machine boots, a client may give up or QEMU may die.
 *
 * Must never happen: a machine nobody waits for.  We leave when every owner is
 * dead, when idle for a minute, when our private client goes; and should we be
 * killed instead, the kernel kills QEMU with us.
 *
 * Start at serve(), at the end.
 *
 * Next: t/rig/boot.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "server.h"

#define IDLE_MS      60000
#define TICK_MS      300
#define MARK_POLL_MS 2 /* an end is told within this of its mark */
#define FLUSH_MS     5000
#define OUT_HIGH     (4u << 20) /* a client's backlog that stops the agent */

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* server_note - tell who started us; before anyone has, stderr */
void server_note(struct server *srv, const char *fmt, ...)
{
	char line[1024] = "# rig: ";
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(line + 7, sizeof(line) - 8, fmt, ap);
	va_end(ap);
	n = strlen(line);
	line[n++] = '\n';
	if (srv->first)
		frame_add(&srv->first->out, 0, FRAME_NOTE, line, n);
}

static void flush_clients(struct server *srv)
{
	int64_t until = now_ms() + FLUSH_MS;

	for (size_t i = 0; i < srv->num_jobs; i++) {
		struct job *job = srv->jobs[i];

		while (job->fd >= 0 && job->out.len && now_ms() < until) {
			struct pollfd fd = { job->fd, POLLOUT, 0 };

			poll(&fd, 1, 100);
			if (buf_write(&job->out, job->fd) < 0)
				break;
		}
	}
}

/*
 * server_goodbye - end the machine and ourselves
 *
 * The console's log goes with us, unless server_broken() has put it aside.
 */
void server_goodbye(struct server *srv)
{
	vm_kill(&srv->vm);
	if (srv->args->socket)
		unlink(srv->args->socket);
	unlink(srv->args->console);
	flush_clients(srv);
	exit(0);
}

static void add_registers(struct server *srv, struct buf *report)
{
	struct buf text = { 0 };
	char *line, *rest;

	if (srv->vm.pid <= 0 || srv->vm.why[0] ||
	    qmp_hmp(&srv->vm, "info registers -a", &text) < 0)
		return;
	buf_add(&text, "", 1);
	for (rest = text.data; (line = strsep(&rest, "\n"));) {
		if (!strstr(line, "RIP=") && !strstr(line, "CR3=") &&
		    !strstr(line, "CPU#"))
			continue;
		buf_add(report, "# cpu: ", 7);
		buf_add(report, line, strlen(line));
		buf_add(report, "\n", 1);
	}
	buf_free(&text);
}

/*
 * server_unwell - the machine is not to be used again, and the report says why
 *
 * Everybody who waits is told.  With nobody there, the report is left for who
 * comes next: a kernel that dies between two commands has failed a test too.
 */
void server_unwell(struct server *srv, struct buf *report)
{
	char path[4200], line[4300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/broken-%s.log", rig_build,
		 srv->args->model->name);
	rename(srv->args->console, path);
	snprintf(line, sizeof(line), "# rig: all it said: %s\n", path);
	buf_add(report, line, strlen(line));
	if (job_fail_all(srv, report) == 0 && srv->args->socket) {
		snprintf(path, sizeof(path), "%s.report", srv->args->lock);
		f = fopen(path, "we");
		if (f) {
			fwrite(report->data, 1, report->len, f);
			fclose(f);
		}
	}
	server_goodbye(srv);
}

/* server_broken - the same, with where its CPUs are and what it said last */
void server_broken(struct server *srv, const char *fmt, ...)
{
	struct buf report = { 0 };
	char line[1024];
	va_list ap;
	size_t n;

	n = (size_t)snprintf(line, sizeof(line),
			     "# rig: %s: ", srv->args->model->name);
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	strcat(line, "\n");
	buf_add(&report, line, strlen(line));
	add_registers(srv, &report);
	/* From the first bad line if there is one: the cause, not the end. */
	if (srv->console.file)
		console_read(&srv->console);
	if (!console_judge(&srv->console, NULL, 0, &report))
		console_tail(srv->vm.console, 40, &report);
	server_unwell(srv, &report);
}

void server_add_owner(struct server *srv, pid_t pid)
{
	int fd;

	for (size_t i = 0; i < srv->num_owners; i++)
		if (srv->owners[i].pid == pid)
			return;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return;
	if (srv->num_owners == OWNERS_MAX) {
		close(fd);
		return;
	}
	srv->owners[srv->num_owners++] = (struct owner){ pid, fd };
	srv->had_owner = 1;
}

static void on_accept(struct server *srv)
{
	int fd = accept4(srv->args->listen_fd, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		job_add(srv, fd);
}

/*
 * Leave if nobody needs us.  A client may be on its way to the socket just
 * then: it holds the lock while it connects, so with the lock in our hand
 * either it is in the queue or it will find no socket.
 */
static void leave_if_idle(struct server *srv)
{
	size_t jobs = srv->num_jobs;
	int fd;

	if (!jobs && !srv->args->socket)
		server_goodbye(srv);
	if (jobs)
		srv->idle_ms = now_ms();
	if (srv->had_owner && !srv->num_owners)
		server_goodbye(srv);
	if (jobs || (!srv->retiring && now_ms() < srv->idle_ms + IDLE_MS))
		return;
	fd = open(srv->args->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd >= 0)
		flock(fd, LOCK_EX);
	on_accept(srv);
	if (srv->num_jobs == 0)
		server_goodbye(srv);
	close(fd);
}

static void on_vm_end(struct server *srv)
{
	qmp_events(&srv->vm);
	server_broken(srv, "the machine ended: %s",
		      srv->vm.why[0] ? srv->vm.why : "QEMU died");
}

/* What the loop waits for, in the order of its poll() array. */
enum {
	VM,
	QMP,
	AGENT,
	LISTEN,
	OWNERS
};

struct waiting {
	struct pollfd fds[OWNERS + OWNERS_MAX + JOBS_MAX];
	struct job *jobs[JOBS_MAX]; /* as their fds come, after the owners' */
	size_t num_jobs, num_owners;
};

static struct pollfd wait_on(int fd, int in, int out)
{
	struct pollfd fd_events = { .fd = fd };

	fd_events.events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0));
	return fd_events;
}

static void gather(const struct server *srv, struct waiting *w)
{
	struct pollfd *fd = w->fds + OWNERS;
	int full = 0;

	w->num_owners = srv->num_owners;
	w->num_jobs = srv->num_jobs;
	for (size_t i = 0; i < w->num_owners; i++)
		*fd++ = wait_on(srv->owners[i].fd, 1, 0);
	for (size_t i = 0; i < w->num_jobs; i++, fd++) {
		struct job *job = w->jobs[i] = srv->jobs[i];

		full |= job->fd >= 0 && job->out.len > OUT_HIGH;
		*fd = wait_on(job->fd, srv->ready, job->out.len > 0);
		/* While we boot, requests wait; only a hang-up is seen. */
		if (!srv->ready)
			fd->events |= POLLRDHUP;
	}
	w->fds[VM] = wait_on(srv->vm.pidfd, 1, 0);
	w->fds[QMP] = wait_on(srv->vm.qmp_fd, 1, 0);
	w->fds[AGENT] =
		wait_on(srv->vm.agent_fd, !full, srv->agent_out.len > 0);
	w->fds[LISTEN] = wait_on(
		srv->ready && !srv->retiring ? srv->args->listen_fd : -1, 1, 0);
}

static void serve_vm(struct server *srv, const struct pollfd *fds)
{
	if (fds[VM].revents)
		on_vm_end(srv);
	if (fds[QMP].revents & POLLIN)
		qmp_events(&srv->vm);
	if (fds[AGENT].revents & POLLIN)
		job_on_agent(srv);
	if (fds[AGENT].revents & POLLOUT)
		buf_write(&srv->agent_out, srv->vm.agent_fd);
}

static void serve_jobs(struct server *srv, const struct waiting *w)
{
	const struct pollfd *fd = w->fds + OWNERS + w->num_owners;

	for (size_t i = 0; i < w->num_jobs; i++, fd++) {
		struct job *job = w->jobs[i];

		if (fd->revents & POLLOUT && buf_write(&job->out, job->fd) < 0)
			job->out.len = 0;
		if (fd->revents & ~POLLOUT)
			job_on_client(srv, job);
		if (job->state == JOB_DONE && !job->ours &&
		    (job->fd < 0 || !job->out.len))
			job_free(srv, job);
	}
}

/* server_turn - one turn of the loop: wait, carry, judge */
void server_turn(struct server *srv)
{
	struct waiting w;

	gather(srv, &w);
	poll(w.fds, OWNERS + w.num_owners + w.num_jobs,
	     job_is_ending(srv) ? MARK_POLL_MS : TICK_MS);
	serve_vm(srv, w.fds);
	for (size_t i = w.num_owners; i-- > 0;) {
		if (!w.fds[OWNERS + i].revents)
			continue;
		close(srv->owners[i].fd);
		srv->owners[i] = srv->owners[--srv->num_owners];
	}
	job_on_tick(srv);
	serve_jobs(srv, &w);
	if (w.fds[LISTEN].revents)
		on_accept(srv);
	leave_if_idle(srv);
}

static void detach(int keep_stderr)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, 0);
	dup2(null, 1);
	if (!keep_stderr)
		dup2(null, 2);
	close(null);
}

/* serve - be the server: boot, then carry until nobody needs us */
void serve(const struct serve_args *args)
{
	struct server srv = { .args = args };

	prctl(PR_SET_NAME, "rig-server");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	detach(/* keep_stderr= */ 1);
	srv.vm.pidfd = srv.vm.qmp_fd = srv.vm.agent_fd = -1;
	fcntl(args->first_fd, F_SETFL, O_NONBLOCK);
	srv.first = job_add(&srv, args->first_fd);
	srv.idle_ms = now_ms();
	boot(&srv);
	detach(/* keep_stderr= */ 0);
	srv.ready = 1;
	for (;;)
		server_turn(&srv);
}
