/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peer.h - an lguestd of one's own, and its control socket byte by byte
 *
 * For tests and fuzzers in C that say what lgctl never would.  lguestd is
 * build/asan/lguestd, whose guests are scripts; see t/lib/fake_run.c.
 */
#ifndef PEER_H
#define PEER_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define REPLY_MAX (1 << 20)

static char peer_dir[] = "/tmp/lguest-peer.XXXXXX";
static pid_t peer_daemon;
static char peer_reply[REPLY_MAX]; /* what was received last */

static inline const char *peer_path(const char *name)
{
	static char path[4][128];
	static unsigned int turn;
	char *mine = path[turn++ % 4];

	snprintf(mine, sizeof(path[0]), "%s/%s", peer_dir, name);
	return mine;
}

static inline void peer_write(const char *name, const char *text)
{
	FILE *file = fopen(peer_path(name), "we");

	if (!file || fputs(text, file) < 0 || fclose(file))
		bail_out("cannot write %s", peer_path(name));
}

static inline int peer_connect(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", peer_path("sock"));
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* lguestd in a folder of its own; nofile 0: as many descriptors as we */
static inline void peer_start(unsigned int nofile)
{
	struct rlimit limit = { .rlim_cur = nofile, .rlim_max = nofile };
	char text[256];
	int fd, i;

	alarm(600); /* a test that hangs is broken, and is not to hang prove */
	if (!mkdtemp(peer_dir))
		bail_out("no temporary folder");
	snprintf(text, sizeof(text),
		 "socket: %s/sock\nguests_dir: %s/none\nlog_dir: %s\n",
		 peer_dir, peer_dir, peer_dir);
	peer_write("conf", text);
	peer_daemon = fork();
	if (peer_daemon == 0) {
		/* A test that is killed must not leave it to hold prove. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open(peer_path("log"), O_CREAT | O_WRONLY, 0600);
		dup2(fd, 2);
		if (nofile)
			setrlimit(RLIMIT_NOFILE, &limit);
		execl("build/asan/lguestd", "lguestd", "-f", "-c",
		      peer_path("conf"), "--log-level", "debug", NULL);
		_exit(127);
	}
	for (i = 0; i < 6000; i++) {
		fd = peer_connect();
		if (fd >= 0)
			break;
		if (waitpid(peer_daemon, NULL, WNOHANG) == peer_daemon)
			bail_out("lguestd does not start (is it built?)");
		usleep(10000);
	}
	close(fd);
}

/* Ends it; was it healthy to the end? */
static inline bool peer_stop(void)
{
	char command[256];
	int status;

	kill(peer_daemon, SIGTERM);
	waitpid(peer_daemon, &status, 0);
	if (status) {
		diag("lguestd ended with %#x", status);
		snprintf(command, sizeof(command),
			 "tail -n 40 %s/log | sed 's/^/# /'", peer_dir);
		fflush(stdout);
		if (system(command))
			diag("its log cannot be read");
	}
	snprintf(command, sizeof(command), "rm -rf %s", peer_dir);
	if (system(command))
		diag("%s is left behind", peer_dir);
	return !status;
}

/* How many descriptors lguestd holds. */
static inline int peer_fds(void)
{
	char path[64];
	int count = -3; /* itself, . and .. */
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)peer_daemon);
	dir = opendir(path);
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static inline ssize_t peer_send_fds(int sock, const void *text, size_t len,
				    const int *fds, size_t count)
{
	char control[CMSG_SPACE(64 * sizeof(int))]
		__attribute__((aligned(16))) = "";
	struct iovec iov = { .iov_base = (void *)(uintptr_t)text,
			     .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg = (struct cmsghdr *)control;

	if (count) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL);
}

/* A message and its NUL. */
static inline void peer_say(int sock, const char *text)
{
	size_t len = strlen(text) + 1;

	while (len) {
		ssize_t n = send(sock, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* it has hung up, and may have said why */
		text += n;
		len -= (size_t)n;
	}
}

/* One reply, "" if it hangs up first. */
static inline const char *peer_hear(int sock)
{
	size_t len = 0;

	while (len < REPLY_MAX && recv(sock, peer_reply + len, 1, 0) == 1)
		if (!peer_reply[len++])
			return peer_reply;
	peer_reply[0] = '\0';
	return peer_reply;
}

/* Is this part of the reply that came last?  Shows it if it is not. */
static inline bool peer_said(const char *part)
{
	if (!strstr(peer_reply, part))
		diag("no '%s' in '%.500s'", part, peer_reply);
	return strstr(peer_reply, part);
}

static inline bool peer_hears(int sock, const char *part)
{
	peer_hear(sock);
	return peer_said(part);
}

/* Has it hung up?  Waits until it has, or says something. */
static inline bool peer_gone(int sock)
{
	char byte;

	return recv(sock, &byte, 1, 0) <= 0;
}

/* A call on a connection of its own. */
static inline const char *peer_call(const char *text)
{
	int sock = peer_connect();

	if (sock < 0)
		return "cannot connect";
	peer_say(sock, text);
	peer_hear(sock);
	close(sock);
	return peer_reply;
}

/* The same, and a file that goes with it. */
static inline const char *peer_call_fd(const char *text, const char *path)
{
	int sock = peer_connect(), fd = open(path, O_RDONLY | O_CLOEXEC);

	peer_send_fds(sock, text, strlen(text) + 1, &fd, 1);
	peer_hear(sock);
	close(fd);
	close(sock);
	return peer_reply;
}

static inline bool peer_alive(void)
{
	return strstr(peer_call("{\"method\":\"org.lguest.Daemon.GetInfo\"}"),
		      "\"version\"");
}

/*
 * How many it holds when nobody is connected: the fewest for a while, because it
 * may not have noticed yet that we have hung up.
 */
static inline int peer_fds_settled(void)
{
	int i, now, least;

	peer_alive(); /* and so it has opened all that it opens at first */
	least = peer_fds();
	for (i = 0; i < 50; i++) {
		usleep(10000);
		now = peer_fds();
		least = now < least ? now : least;
	}
	return least;
}

/* All that was ours is closed: does it hold what it held before? */
static inline bool peer_fds_are(int before)
{
	int i;

	for (i = 0; i < 3000 && peer_fds() != before; i++)
		usleep(10000);
	if (peer_fds() != before)
		diag("%d descriptors, and %d before", peer_fds(), before);
	return peer_fds() == before;
}

#endif /* PEER_H */
