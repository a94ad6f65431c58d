// SPDX-License-Identifier: GPL-2.0-only
/*
 * listen.c - the control socket's place among files, when systemd has made none
 *
 * A daemon that was killed leaves its socket behind, at which nobody listens; a
 * daemon that runs has one that answers.  The first is removed, the second is
 * not, and a file that is no socket is nobody's business here.  The mode decides
 * who may connect, and is right from the start: nobody but us, and then our
 * group too.
 *
 * What must never happen: that one of two daemons which start together takes the
 * other's new socket for an old one.  So a file beside it, SOCKET.lock, is locked
 * before we look and until we have gone; it stays, as who removes a lock can
 * never know that nobody waits for it.
 *
 * Next: daemon/message.c
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lguestd.h"

/* A socket that nobody listens at is what a daemon that was killed has left. */
static int clear_path(const struct sockaddr_un *addr, struct why *why)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	int r;

	if (fd < 0)
		return why_say(why, -errno, "control socket: %s",
			       strerror(errno));
	r = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) ? errno
								      : 0;
	close(fd);
	if (r == 0 || r == EAGAIN)
		return why_say(why, -EADDRINUSE,
			       "control socket '%s': another lguestd listens "
			       "there",
			       addr->sun_path);
	if (r != ECONNREFUSED)
		return 0; /* bind() has the last word */
	if (lstat(addr->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return why_say(why, -EEXIST,
			       "control socket '%s': there is a file that is "
			       "no socket",
			       addr->sun_path);
	unlink(addr->sun_path);
	return 0;
}

/* Its group may come in, once the group is known to the system. */
static void let_group_in(const struct lguestd *lguestd)
{
	const char *path = lguestd->conf->socket;
	const struct group *group = getgrnam(lguestd->conf->socket_group);

	if (!group)
		log_say(LOG_LEVEL_INFO, NULL,
			"control socket: no group '%s': only uid %u may "
			"connect",
			lguestd->conf->socket_group, (unsigned int)geteuid());
	else if (chown(path, (uid_t)-1, group->gr_gid) || chmod(path, 0660))
		log_say(LOG_LEVEL_INFO, NULL,
			"control socket: not for group '%s': %s",
			group->gr_name, strerror(errno));
}

/* The right to SOCKET until it is closed; or what keeps us from it. */
static int lock_path(const char *socket, struct why *why)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 8];
	int fd, r;

	snprintf(path, sizeof(path), "%s.lock", socket);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_say(why, -errno, "control socket '%s': lock: %s",
			       socket, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	r = errno;
	close(fd);
	if (r == EWOULDBLOCK)
		return why_say(why, -EADDRINUSE,
			       "control socket '%s': another lguestd has it",
			       socket);
	return why_say(why, -r, "control socket '%s': lock: %s", socket,
		       strerror(r));
}

static int bind_at(const struct sockaddr_un *addr, struct why *why)
{
	int r, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			   0);
	mode_t mask = umask(0177);

	r = fd < 0 || bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) ||
			    listen(fd, SOMAXCONN)
		    ? -errno
		    : 0;
	umask(mask);
	if (r == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return why_say(why, r, "control socket '%s': %s", addr->sun_path,
		       strerror(-r));
}

int listen_at(const struct lguestd *lguestd, int *ret_lock, struct why *why)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = lguestd->conf->socket;
	int fd, lock;

	if (strlen(path) >= sizeof(addr.sun_path))
		return why_say(why, -ENAMETOOLONG,
			       "control socket '%s': the path is too long (%zu "
			       "bytes, at most %zu)",
			       path, strlen(path), sizeof(addr.sun_path) - 1);
	strcpy(addr.sun_path, path);
	lock = lock_path(path, why);
	if (lock < 0)
		return lock;
	fd = clear_path(&addr, why);
	if (fd == 0)
		fd = bind_at(&addr, why);
	if (fd < 0) {
		close(lock);
		return fd;
	}
	let_group_in(lguestd);
	*ret_lock = lock;
	return fd;
}
