// SPDX-License-Identifier: GPL-2.0-only
/*
 * fetch.c - descriptors of clients are taken by a process that may get stuck
 *
 * A file may be on a file system that is a program of the client's, and then
 * looking at it, reading it and even closing it wait for that program; no signal
 * ends the waiting.  So we let the kernel show us a message without what comes
 * with it, and if that is something a child of ours takes both out of the socket,
 * looks, and passes on what will never keep anybody waiting:
 *
 *	a file or disk where only root can mount	as it is
 *	any other file that can only be read	a copy in memory
 *	one that can be written as well		a refusal: no copy is its like
 *	all else				/dev/null, which is no file
 *
 * What must never happen: that a descriptor which comes from outside is ours, if
 * only to be closed.  And who is stuck must hold nothing of ours: the child has
 * the client's socket and one to us, and we do not wait for its end.
 *
 * Where we stand: message.c has seen bytes with descriptors, and ctl.c has put
 * the client aside until we know more.  Start at fetch_start().
 *
 * Next: daemon/request.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "lguestd.h"

#define LATE_S     30
#define FETCH_MAX  16 /* at a time, those that are stuck included */
#define COPY_MAX   (512L << 20) /* bytes of one file */
#define COPY_CHUNK 65536

/* Of the same kind as those in linux/magic.h. */
#define XFS_MAGIC   0x58465342
#define EXFAT_MAGIC 0x2011bab0
#define ZFS_MAGIC   0x2fc12fc1
#define ISO_MAGIC   0x9660
#define GFS2_MAGIC  0x01161970

/* What the child says, and the descriptors come with it. */
struct packet {
	char why[160]; /* "" or what is wrong with the whole message */
};

struct fetch {
	LIST_ENTRY(fetch) link;
	struct event event;
	int from; /* the child's other socket; -1: nobody wants it any more */
	pid_t pid;
	fetch_fn done;
	void *arg;
};

static struct {
	LIST_HEAD(, fetch) all;
	unsigned int count;
	struct event child;
} fetches = { .all = LIST_HEAD_INITIALIZER(fetches.all) };

/* ---- in the child ---- */

/*
 * Is it of a file system that only root can mount?  Not among them is who has
 * others below: overlayfs needs no root, and what it has below may be FUSE.
 */
static bool is_roots(int fd)
{
	static const unsigned int magics[] = {
		EXT4_SUPER_MAGIC,
		XFS_MAGIC,
		BTRFS_SUPER_MAGIC,
		F2FS_SUPER_MAGIC,
		ZFS_MAGIC,
		EROFS_SUPER_MAGIC_V1,
		SQUASHFS_MAGIC,
		ISO_MAGIC,
		MSDOS_SUPER_MAGIC,
		EXFAT_MAGIC,
		/* of memory, which anybody may have */
		TMPFS_MAGIC,
		RAMFS_MAGIC,
		HUGETLBFS_MAGIC,
		/* of other machines that root has chosen */
		NFS_SUPER_MAGIC,
		CIFS_SUPER_MAGIC,
		SMB2_SUPER_MAGIC,
		CEPH_SUPER_MAGIC,
		OCFS2_SUPER_MAGIC,
		GFS2_MAGIC,
		V9FS_MAGIC,
	};
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if ((unsigned int)fs.f_type == magics[i])
			return true;
	return false;
}

/* A file or block device that can be read; *ret_flags: how it is open */
static bool is_file(int fd, int *ret_flags)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (flags < 0 || flags & O_PATH || (flags & O_ACCMODE) == O_WRONLY ||
	    fstat(fd, &st) < 0)
		return false;
	*ret_flags = flags;
	return S_ISREG(st.st_mode) || S_ISBLK(st.st_mode);
}

/* All of it, in a file that nobody can change; or -errno */
static int copy(int fd)
{
	int to = memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char chunk[COPY_CHUNK];
	off_t at = 0;
	ssize_t n;

	if (to < 0)
		return -errno;
	while ((n = pread(fd, chunk, sizeof(chunk), at)) > 0) {
		if (at + n > COPY_MAX)
			return -EFBIG;
		if (pwrite(to, chunk, (size_t)n, at) != n)
			return -ENOMEM;
		at += n;
	}
	if (n < 0)
		return -errno;
	fcntl(to, F_ADD_SEALS,
	      F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	return to;
}

/* What we are given for it. */
static int stand_in(int fd, unsigned int index, struct packet *packet)
{
	int flags, copied;

	if (!is_file(fd, &flags))
		return open("/dev/null", O_PATH | O_CLOEXEC);
	if (is_roots(fd))
		return fd;
	copied = (flags & O_ACCMODE) == O_RDONLY ? copy(fd) : -EROFS;
	if (copied == -EROFS)
		snprintf(packet->why, sizeof(packet->why),
			 "message: descriptor %u: can be written, and is on a "
			 "file system that may never answer (like FUSE, "
			 "overlay)",
			 index);
	else if (copied < 0)
		snprintf(packet->why, sizeof(packet->why),
			 "message: descriptor %u: cannot be copied from its "
			 "file system: %s",
			 index, strerror(-copied));
	return copied;
}

/* The message out of the client's socket; how many descriptors came with it. */
static unsigned int take(int client, size_t bytes, int fds[PROTO_FDS_MAX],
			 struct packet *packet)
{
	static char text[PROTO_MESSAGE_MAX]; /* is known already */
	union {
		char room[CMSG_SPACE(PROTO_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { text, bytes };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg;
	size_t count = 0;

	if (recvmsg(client, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) !=
	    (ssize_t)bytes)
		snprintf(packet->why, sizeof(packet->why),
			 "message: its descriptors could not be taken");
	if (msg.msg_flags & MSG_CTRUNC)
		snprintf(packet->why, sizeof(packet->why),
			 MESSAGE_TOO_MANY_FDS);
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_level == SOL_SOCKET &&
	    cmsg->cmsg_type == SCM_RIGHTS) {
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(cmsg), count * sizeof(int));
	}
	return (unsigned int)count;
}

static void give(int to, const struct packet *packet, const int *fds,
		 unsigned int count)
{
	union {
		char room[CMSG_SPACE(PROTO_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = { .room = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)packet, sizeof(*packet) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (count) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, count * sizeof(int));
	}
	sendmsg(to, &msg, MSG_NOSIGNAL);
}

/* Of all that was ours it keeps these two. */
static void keep_only(int a, int b)
{
	unsigned int low = (unsigned int)(a < b ? a : b);
	unsigned int high = (unsigned int)(a < b ? b : a);

	if (low > 3)
		close_range(3, low - 1, 0);
	if (high > low + 1)
		close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0U, 0);
}

static void be_child(int client, int to, size_t bytes)
{
	struct packet packet = { .why = "" };
	int fds[PROTO_FDS_MAX];
	unsigned int i, count;

	keep_only(client, to);
	count = take(client, bytes, fds, &packet);
	close(client); /* or it would not see that we have hung up */
	for (i = 0; i < count && !*packet.why; i++)
		fds[i] = stand_in(fds[i], i, &packet);
	give(to, &packet, fds, *packet.why ? 0 : count);
	_exit(0);
}

/* ---- and outside of it ---- */

static void let_go(struct fetch *fetch)
{
	if (fetch->from < 0)
		return;
	event_del(&fetch->event);
	close(fetch->from);
	fetch->from = -1;
}

/* Those that have ended; each is asked for by its number, as others are ours. */
static void on_child(evutil_socket_t signo, short what, void *arg)
{
	struct fetch *fetch, *next;

	(void)signo;
	(void)what;
	(void)arg;
	for (fetch = LIST_FIRST(&fetches.all); fetch; fetch = next) {
		next = LIST_NEXT(fetch, link);
		if (fetch->from >= 0 ||
		    waitpid(fetch->pid, NULL, WNOHANG) != fetch->pid)
			continue;
		LIST_REMOVE(fetch, link);
		free(fetch);
		if (!--fetches.count)
			event_del(&fetches.child);
	}
}

void fetch_drop(struct fetch *fetch)
{
	let_go(fetch);
	kill(fetch->pid, SIGKILL);
	on_child(0, 0, NULL);
}

static void on_packet(evutil_socket_t from, short what, void *arg)
{
	union {
		char room[CMSG_SPACE(PROTO_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct packet packet = { .why = "message: nobody could look at it" };
	struct iovec iov = { &packet, sizeof(packet) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct fetch *fetch = arg;
	fetch_fn done = fetch->done;
	void *done_arg = fetch->arg;
	int fds[PROTO_FDS_MAX];
	struct cmsghdr *cmsg = NULL;
	size_t count = 0;

	if (what & EV_TIMEOUT) {
		snprintf(packet.why, sizeof(packet.why),
			 "message: its descriptors do not answer (%d s)",
			 LATE_S);
		log_say(LOG_LEVEL_WARNING, NULL,
			"client: %s: process %d is left to wait for them",
			packet.why, (int)fetch->pid);
	} else if (recvmsg(from, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) > 0) {
		cmsg = CMSG_FIRSTHDR(&msg);
		if (msg.msg_flags & MSG_CTRUNC)
			snprintf(packet.why, sizeof(packet.why),
				 MESSAGE_TOO_MANY_FDS);
	}
	if (cmsg) {
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(cmsg), count * sizeof(int));
	}
	fetch_drop(fetch);
	done(done_arg, fds, count, *packet.why ? packet.why : NULL);
}

/* from: our socket; to: the child's */
static int begin(struct fetch *fetch, struct event_base *base, int client,
		 size_t bytes, int to)
{
	static const struct timeval late = { .tv_sec = LATE_S };

	event_assign(&fetch->event, base, fetch->from, EV_READ, on_packet,
		     fetch);
	if (event_add(&fetch->event, &late) < 0)
		return -ENOMEM;
	if (!fetches.count++) {
		evsignal_assign(&fetches.child, base, SIGCHLD, on_child, NULL);
		evsignal_add(&fetches.child, NULL);
	}
	LIST_INSERT_HEAD(&fetches.all, fetch, link);
	fetch->pid = fork();
	if (fetch->pid == 0)
		be_child(client, to, bytes);
	if (fetch->pid > 0)
		return 0;
	LIST_REMOVE(fetch, link);
	if (!--fetches.count)
		event_del(&fetches.child);
	event_del(&fetch->event);
	return -EAGAIN;
}

struct fetch *fetch_start(struct event_base *base, int client, size_t bytes,
			  fetch_fn done, void *arg)
{
	struct fetch *fetch;
	int pair[2];

	if (fetches.count == FETCH_MAX)
		return NULL;
	fetch = calloc(1, sizeof(*fetch));
	if (!fetch ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		free(fetch);
		return NULL;
	}
	fetch->from = pair[0];
	fetch->done = done;
	fetch->arg = arg;
	if (begin(fetch, base, client, bytes, pair[1]) < 0) {
		close(pair[0]);
		free(fetch);
		fetch = NULL;
	}
	close(pair[1]);
	return fetch;
}
