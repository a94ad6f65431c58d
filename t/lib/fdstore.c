// SPDX-License-Identifier: GPL-2.0-only
/*
 * fdstore.c - what fdstore.h promises, as systemd 252 does it
 *
 * A message is lines of NAME=value, with descriptors beside it.  A descriptor
 * of a file that is there already, under that name, is not kept twice.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fdstore.h"
#include "tap.h"

#define FDS_MAX 64 /* with one message */

static int open_socket(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		bail_out("socket %s: %s", path, strerror(errno));
	return fd;
}

void fdstore_init(struct fdstore *store)
{
	char path[128];

	memset(store, 0, sizeof(*store));
	strcpy(store->dir, "/tmp/lguest-store-XXXXXX");
	if (!mkdtemp(store->dir))
		bail_out("%s: %s", store->dir, strerror(errno));
	snprintf(store->path, sizeof(store->path), "%s/control", store->dir);
	snprintf(path, sizeof(path), "%s/notify", store->dir);
	store->listener = open_socket(store->path, SOCK_STREAM);
	store->notify = open_socket(path, SOCK_DGRAM);
	if (listen(store->listener, 64) < 0)
		bail_out("listen: %s", strerror(errno));
}

void fdstore_fini(struct fdstore *store)
{
	char command[128];

	while (store->count)
		close(store->kept[--store->count].fd);
	close(store->listener);
	close(store->notify);
	snprintf(command, sizeof(command), "rm -rf '%s'", store->dir);
	if (system(command))
		diag("'%s' failed", command);
}

static void set_environment(const struct fdstore *store)
{
	static char names[FDSTORE_MAX * 64];
	char text[128];
	unsigned int i;

	snprintf(text, sizeof(text), "%s/notify", store->dir);
	setenv("NOTIFY_SOCKET", text, 1);
	snprintf(text, sizeof(text), "%u", 1 + store->count);
	setenv("LISTEN_FDS", text, 1);
	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("LISTEN_PID", text, 1);
	strcpy(names, "lguestd.socket");
	for (i = 0; i < store->count; i++) {
		strcat(names, ":");
		strcat(names, store->kept[i].name);
	}
	setenv("LISTEN_FDNAMES", names, 1);
}

/* First out of the way of each other, and then to where they belong. */
static void place_fds(const struct fdstore *store)
{
	static int high[FDSTORE_MAX + 1];
	unsigned int i;

	for (i = 0; i <= store->count; i++)
		high[i] = fcntl(i ? store->kept[i - 1].fd : store->listener,
				F_DUPFD_CLOEXEC, FDSTORE_MAX + 8);
	for (i = 0; i <= store->count; i++) {
		if (high[i] < 0 || dup2(high[i], 3 + (int)i) < 0)
			_exit(126);
	}
}

void fdstore_start(struct fdstore *store, char *const argv[])
{
	fflush(stdout);
	store->ready = false;
	store->pid = fork();
	if (store->pid < 0)
		bail_out("fork: %s", strerror(errno));
	if (store->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* nor does it outlive its test */
	set_environment(store);
	place_fds(store);
	execv(argv[0], argv);
	_exit(127);
}

int fdstore_find(const struct fdstore *store, const char *name)
{
	unsigned int i;

	for (i = 0; i < store->count; i++) {
		if (!strcmp(store->kept[i].name, name))
			return store->kept[i].fd;
	}
	return -1;
}

static void forget(struct fdstore *store, const char *name)
{
	unsigned int i = 0;

	while (i < store->count) {
		if (strcmp(store->kept[i].name, name)) {
			i++;
			continue;
		}
		close(store->kept[i].fd);
		store->kept[i] = store->kept[--store->count];
	}
}

void fdstore_add(struct fdstore *store, const char *name, int fd)
{
	if (store->count == FDSTORE_MAX)
		bail_out("fdstore: full");
	snprintf(store->kept[store->count].name, sizeof(store->kept[0].name),
		 "%s", name);
	store->kept[store->count].polled = false;
	store->kept[store->count++].fd = fd;
}

static void apply(struct fdstore *store, char *text, const int *fds,
		  unsigned int count)
{
	char *line, *name = NULL, *rest = NULL;
	bool put = false, drop = false, polled = true;
	unsigned int i;

	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (!strncmp(line, "FDNAME=", 7))
			name = line + 7;
		put = put || !strcmp(line, "FDSTORE=1");
		polled = polled && strcmp(line, "FDPOLL=0") != 0;
		drop = drop || !strcmp(line, "FDSTOREREMOVE=1");
		store->ready = store->ready || !strcmp(line, "READY=1");
	}
	if (drop && name)
		forget(store, name);
	for (i = 0; i < count; i++) {
		if (!put || !name) {
			close(fds[i]);
			continue;
		}
		fdstore_add(store, name, fds[i]);
		store->kept[store->count - 1].polled = polled;
	}
}

static bool take_message(struct fdstore *store)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	char text[4096];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	int fds[FDS_MAX];
	unsigned int count = 0;
	ssize_t len = recvmsg(store->notify, &message,
			      MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (len < 0)
		return false;
	text[len] = '\0';
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS) {
		count = (unsigned int)((header->cmsg_len - CMSG_LEN(0)) /
				       sizeof(int));
		memcpy(fds, CMSG_DATA(header), count * sizeof(int));
	}
	apply(store, text, fds, count);
	return true;
}

/* What has hung up, of those that it may look at. */
static void let_go(struct fdstore *store)
{
	unsigned int i = 0;

	while (i < store->count) {
		struct pollfd poller = { .fd = store->kept[i].fd };

		if (!store->kept[i].polled || poll(&poller, 1, 0) != 1) {
			i++;
			continue;
		}
		close(store->kept[i].fd);
		store->kept[i] = store->kept[--store->count];
	}
}

unsigned int fdstore_guests(const struct fdstore *store)
{
	unsigned int i, count = 0;

	for (i = 0; i < store->count; i++)
		count += strchr(store->kept[i].name, '.') != NULL;
	return count;
}

void fdstore_listen(struct fdstore *store, int ms)
{
	struct pollfd poller = { .fd = store->notify, .events = POLLIN };

	poll(&poller, 1, ms);
	while (take_message(store))
		;
	let_go(store);
}

void fdstore_until_ready(struct fdstore *store)
{
	while (!store->ready) {
		fdstore_listen(store, 10);
		if (!store->ready && waitpid(store->pid, NULL, WNOHANG) != 0)
			bail_out("lguestd has ended before it was ready");
	}
}

int fdstore_end(struct fdstore *store, int signal)
{
	int status = 0;

	kill(store->pid, signal);
	while (waitpid(store->pid, &status, WNOHANG) == 0)
		fdstore_listen(store, 10);
	store->pid = 0;
	fdstore_listen(store, 0);
	return status;
}
