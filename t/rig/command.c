// SPDX-License-Identifier: GPL-2.0-only
/*
 * command.c - the commands that run inside the machine
 *
 * Each gets a session and a cgroup of its own, so that killing one kills all of
 * it, whatever it forked.  It is over when its first process is, as in a shell:
 * what it left in the background lives on, for the next command to talk to.
 *
 * Must never happen: an end that is reported before what was said until then,
 * on the command's own files or in the kernel's log.  So both come first, and a
 * mark in the log lets the server know that it has read that far.
 *
 * Start at cmd_run().
 *
 * Next: the end
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define CGROUP    "/sys/fs/cgroup/system.slice/rig-agent.service"
#define WORDS_MAX 1024

struct cmd cmds[CMDS_MAX];
static int kmsg_fd;

static void set_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	close(fd);
}

static void mark_log(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

static void mark_log(const char *fmt, ...)
{
	char line[256] = "<6>rig: ";
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + 8, sizeof(line) - 9, fmt, ap);
	va_end(ap);
	n = strlen(line);
	for (size_t i = 8; i < n; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	line[n++] = '\n'; /* without it, printk waits for the rest */
	if (write(kmsg_fd, line, n) < 0)
		return;
}

void cmd_init(void)
{
	kmsg_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
}

struct cmd *cmd_find(uint32_t id)
{
	for (int i = 0; i < CMDS_MAX; i++)
		if (cmds[i].pid && cmds[i].id == id)
			return &cmds[i];
	return NULL;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* In the child: the leader of a session and of a cgroup, then the command. */
static void become(struct cmd *cmd, int tty, const int fds[3], char **words,
		   const char *dir)
{
	char path[128];
	sigset_t none;

	setsid();
	snprintf(path, sizeof(path), CGROUP "/cmd-%u", cmd->id);
	mkdir(path, 0755);
	strcat(path, "/cgroup.procs");
	set_file(path, "0");
	for (int i = 0; i < 3; i++)
		dup2(fds[i], i);
	if (tty)
		ioctl(0, TIOCSCTTY, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (chdir(dir) < 0 && chdir("/") < 0)
		_exit(127);
	if (words[1] == NULL)
		execl("/bin/sh", "sh", "-c", words[0], (char *)NULL);
	else
		execvp(words[0], words);
	fprintf(stderr, "rig: %s: %s\n", words[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Make the command's three files: child's ends in fds, ours in cmd. */
static int open_files(struct cmd *cmd, const struct run_head *head, int fds[3])
{
	int out[2], err[2], in[2] = { -1, -1 };

	if (head->flags & RUN_TTY) {
		struct winsize size = { .ws_row = head->rows,
					.ws_col = head->cols };

		cmd->in = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (cmd->in < 0 || unlockpt(cmd->in) < 0)
			return -errno;
		fds[0] = open(ptsname(cmd->in), O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (fds[0] < 0)
			return -errno;
		ioctl(fds[0], TIOCSWINSZ, &size);
		fds[1] = fds[2] = fds[0];
		cmd->out = dup(cmd->in);
		cmd->err = -1;
		return 0;
	}
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		return -errno;
	if (head->flags & RUN_STDIN) {
		if (pipe2(in, O_CLOEXEC) < 0)
			return -errno;
	} else {
		in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	cmd->in = in[1];
	cmd->out = out[0];
	cmd->err = err[0];
	fds[0] = in[0];
	fds[1] = out[1];
	fds[2] = err[1];
	return 0;
}

static void cmd_start(struct cmd *cmd, const struct run_head *head,
		      char **words, const char *dir)
{
	uint32_t status = 126;
	int fds[3], r;

	set_file("/proc/sys/kernel/printk", "7");
	mark_log("command %u: %s %s %s", cmd->id, words[0],
		 words[1] ? words[1] : "",
		 words[1] && words[2] ? words[2] : "");
	r = open_files(cmd, head, fds);
	if (r == 0) {
		cmd->pid = fork();
		if (cmd->pid == 0)
			become(cmd, head->flags & RUN_TTY, fds, words, dir);
		if (cmd->pid < 0)
			r = -errno;
	}
	if (r < 0) {
		tell(cmd->id, "rig: %s: cannot start: %s\n", words[0],
		     strerror(-r));
		frame_add(&port_out, cmd->id, FRAME_END, &status,
			  sizeof(status));
		cmd->pid = 0;
		return;
	}
	for (int i = 0; i < 3; i++)
		if (i == 0 || fds[i] != fds[0])
			close(fds[i]);
	fcntl(cmd->out, F_SETFL, O_NONBLOCK);
	if (cmd->err >= 0)
		fcntl(cmd->err, F_SETFL, O_NONBLOCK);
	if (cmd->in >= 0)
		fcntl(cmd->in, F_SETFL, O_NONBLOCK);
}

/* FRAME_RUN: take the strings apart, then start. */
void cmd_run(uint32_t id, const char *data, size_t len)
{
	char *copy = malloc(len + 1), *p, *words[WORDS_MAX + 1];
	const char *strings[RUN_STRINGS] = { "", "", "/" };
	struct cmd *cmd = NULL;
	struct run_head head;
	int n = 0;

	memcpy(&head, data, sizeof(head));
	memcpy(copy, data, len);
	copy[len] = '\0';
	for (p = copy + sizeof(head); p < copy + len; p += strlen(p) + 1) {
		if (n < RUN_STRINGS)
			strings[n] = p;
		else if (n < RUN_STRINGS + WORDS_MAX)
			words[n - RUN_STRINGS] = p;
		n++;
	}
	n -= RUN_STRINGS;
	for (int i = 0; i < CMDS_MAX && !cmd; i++)
		if (!cmds[i].pid)
			cmd = &cmds[i];
	if (n < 1 || n > WORDS_MAX || !cmd) {
		uint32_t status = 126;

		tell(id, "rig: too many words or commands at once\n");
		frame_add(&port_out, id, FRAME_END, &status, sizeof(status));
	} else {
		words[n] = NULL;
		*cmd = (struct cmd){ .id = id };
		setenv("TERM", strings[1], /* overwrite= */ 1);
		cmd_start(cmd, &head, words, strings[2]);
	}
	free(copy);
}

/* Pass on what is there on a command's stdout or stderr. */
static void carry(struct cmd *cmd, int *fd, enum frame_type type)
{
	char data[16384];
	ssize_t r = read(*fd, data, sizeof(data));

	if (r > 0) {
		frame_add(&port_out, cmd->id, type, data, (size_t)r);
		return;
	}
	if (r == 0 || (errno != EAGAIN && errno != EINTR))
		close_fd(fd);
}

static void feed(struct cmd *cmd)
{
	if (cmd->in < 0)
		return;
	if (buf_write(&cmd->pending, cmd->in) < 0) {
		cmd->pending.len = 0;
		cmd->closing = 1;
	}
	if (cmd->closing && !cmd->pending.len)
		close_fd(&cmd->in);
}

void cmd_carry(struct cmd *cmd)
{
	feed(cmd);
	if (cmd->out >= 0)
		carry(cmd, &cmd->out, FRAME_OUT);
	if (cmd->err >= 0)
		carry(cmd, &cmd->err, FRAME_ERR);
}

void cmd_stdin(struct cmd *cmd, const char *data, size_t len)
{
	buf_add(&cmd->pending, data, len);
	cmd->closing |= !len;
	feed(cmd);
}

void cmd_resize(struct cmd *cmd, const struct run_size *size)
{
	struct winsize win = { .ws_row = size->rows, .ws_col = size->cols };

	ioctl(cmd->out, TIOCSWINSZ, &win);
}

void cmd_end(struct cmd *cmd, int wstatus)
{
	uint32_t status =
		(uint32_t)(WIFSIGNALED(wstatus) ? 128 + WTERMSIG(wstatus)
						: WEXITSTATUS(wstatus));
	char path[128];

	/* What it left running may still write: take what a pipe can hold. */
	for (int i = 0; i < 8; i++)
		cmd_carry(cmd);
	close_fd(&cmd->in);
	close_fd(&cmd->out);
	close_fd(&cmd->err);
	buf_free(&cmd->pending);
	snprintf(path, sizeof(path), CGROUP "/cmd-%u", cmd->id);
	rmdir(path);
	mark_log("command %u ended: %u", cmd->id, status);
	frame_add(&port_out, cmd->id, FRAME_END, &status, sizeof(status));
	cmd->pid = 0;
}

void cmd_kill(struct cmd *cmd)
{
	char path[128];

	snprintf(path, sizeof(path), CGROUP "/cmd-%u/cgroup.kill", cmd->id);
	set_file(path, "1");
	kill(-cmd->pid, SIGKILL);
}

/* What keeps pid alive: its name, its state, its way into the kernel. */
static void tell_stack(uint32_t id, const char *pid)
{
	static const char *const files[] = { "comm", "wchan", "stack" };
	char path[64], text[3000];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		ssize_t r;
		int fd;

		snprintf(path, sizeof(path), "/proc/%.10s/%s", pid, files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
		close_fd(&fd);
		if (r <= 0)
			continue;
		text[r] = '\0';
		tell(id, "# rig: pid %s: %s: %s%s", pid, files[i], text,
		     text[r - 1] == '\n' ? "" : "\n");
	}
}

void cmd_why(uint32_t id)
{
	char path[128], pid[32];
	FILE *f;

	snprintf(path, sizeof(path), CGROUP "/cmd-%u/cgroup.procs", id);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(pid, sizeof(pid), f)) {
		pid[strcspn(pid, "\n")] = '\0';
		tell_stack(id, pid);
	}
	fclose(f);
}
