// SPDX-License-Identifier: GPL-2.0-only
/*
 * agent.c - the rig's hand inside the machine
 *
 * It sits on a virtio port, has command.c start what it is told to start, and
 * carries input and output between the commands and the port.
 *
 * Must never happen: a byte on the port that was not asked for.  A machine is
 * saved and cloned with us waiting in poll(), between frames.
 *
 * Start at main(), at the end.
 *
 * Next: t/rig/command.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define PORT     "/dev/vport0p1"
#define OUT_HIGH (1u << 20) /* this much unsent output, and we stop reading */

struct buf port_out;
static struct buf port_in;

void tell(uint32_t id, const char *fmt, ...)
{
	char line[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	frame_add(&port_out, id, FRAME_NOTE, line, strlen(line));
}

static int share(const char *tag, const char *dir, unsigned long flags)
{
	static const char how[] = "trans=virtio,version=9p2000.L,msize=262144";

	if (mount(tag, dir, "9p", flags, how) == 0)
		return 0;
	tell(0, "rig: mounting %s on %s: %s\n", tag, dir, strerror(errno));
	return -1;
}

static void on_ping(const struct ping *ping)
{
	struct timespec now = { ping->time_ns / 1000000000,
				ping->time_ns % 1000000000 };

	if (ping->time_ns)
		clock_settime(CLOCK_REALTIME, &now);
	if (ping->mount &&
	    (share("lg", "/lg", MS_RDONLY) || share("out", "/out", 0)))
		return;
	frame_add(&port_out, 0, FRAME_PONG, NULL, 0);
}

static void on_frame(const struct frame_head *head, const char *data)
{
	struct cmd *cmd = cmd_find(head->id);
	struct run_size size;
	struct ping ping;

	switch (head->type) {
	case FRAME_PING:
		memcpy(&ping, data, sizeof(ping));
		on_ping(&ping);
		return;
	case FRAME_RUN:
		cmd_run(head->id, data, head->len);
		return;
	case FRAME_WHY:
		cmd_why(head->id);
		return;
	}
	if (!cmd) /* it ended while this was on its way */
		return;
	switch (head->type) {
	case FRAME_KILL:
		cmd_kill(cmd);
		break;
	case FRAME_STDIN:
		cmd_stdin(cmd, data, head->len);
		break;
	case FRAME_RESIZE:
		memcpy(&size, data, sizeof(size));
		cmd_resize(cmd, &size);
		break;
	}
}

static void reap(int signal_fd)
{
	struct signalfd_siginfo info;
	int wstatus;
	pid_t pid;

	if (read(signal_fd, &info, sizeof(info)) < 0)
		return;
	while ((pid = waitpid(-1, &wstatus, WNOHANG)) > 0)
		for (int i = 0; i < CMDS_MAX; i++)
			if (cmds[i].pid == pid)
				cmd_end(&cmds[i], wstatus);
}

static void add_poll(struct pollfd *fds, nfds_t *n, int fd, short events)
{
	if (fd >= 0)
		fds[(*n)++] = (struct pollfd){ .fd = fd, .events = events };
}

static void take_frames(int port_fd)
{
	struct frame_head head;
	const char *data;

	if (buf_read(&port_in, port_fd) <= 0)
		return;
	while (frame_peek(&port_in, &head, &data) > 0) {
		on_frame(&head, data);
		frame_eat(&port_in, &head);
	}
}

/* Wait until something can be done, then do all that can be done. */
static int turn(int port_fd, int signal_fd)
{
	struct pollfd fds[2 + 3 * CMDS_MAX];
	int full = port_out.len > OUT_HIGH;
	nfds_t n = 0;

	add_poll(fds, &n, port_fd, port_out.len ? POLLIN | POLLOUT : POLLIN);
	add_poll(fds, &n, signal_fd, full ? 0 : POLLIN);
	for (int i = 0; i < CMDS_MAX; i++) {
		if (!cmds[i].pid || full)
			continue;
		add_poll(fds, &n, cmds[i].out, POLLIN);
		add_poll(fds, &n, cmds[i].err, POLLIN);
		add_poll(fds, &n, cmds[i].pending.len ? cmds[i].in : -1,
			 POLLOUT);
	}
	if (poll(fds, n, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	if (fds[0].revents & POLLIN)
		take_frames(port_fd);
	for (int i = 0; i < CMDS_MAX && !full; i++)
		if (cmds[i].pid)
			cmd_carry(&cmds[i]);
	if (fds[1].revents & POLLIN)
		reap(signal_fd);
	return buf_write(&port_out, port_fd);
}

int main(void)
{
	int port_fd, signal_fd, r;
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	cmd_init();
	port_fd = open(PORT, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (port_fd < 0) {
		fprintf(stderr, PORT ": %s\n", strerror(errno));
		return 1;
	}
	setenv("HOME", "/root", /* overwrite= */ 1);
	setenv("LANG", "C.UTF-8", /* overwrite= */ 1);
	setenv("PATH",
	       "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	       /* overwrite= */ 1);
	umask(022);
	frame_add(&port_out, 0, FRAME_PONG, NULL, 0);
	do {
		r = turn(port_fd, signal_fd);
	} while (r == 0);
	fprintf(stderr, PORT ": %s\n", strerror(-r));
	return 1;
}
