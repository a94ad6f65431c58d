// SPDX-License-Identifier: GPL-2.0-only
/*
 * console_log.c - what a guest has printed, in a file
 *
 * NAME.console in the log folder, and NAME.console.1 when the first was full:
 * so a guest fills twice what its configuration says and no more.  We turn the
 * files over ourselves, as one who truncates a file behind its writer leaves
 * holes in it.
 *
 * What must never happen: that a disk which is full, or a folder which is gone,
 * is the guest's trouble.  It is said once, tried again, and that is all.  One
 * that does not answer at all is everybody's: there is no writing to a file
 * that does not wait for it but from elsewhere, and this is done from the loop.
 *
 * Next: daemon/runner.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vm.h"

void console_log_init(struct console_log *log, const struct vm *vm)
{
	const char *dir = vm->lguestd->conf->log_dir;

	*log = (struct console_log){ .fd = -1 };
	if (!vm->conf->console_log || !dir)
		return;
	log->most_bytes = vm->conf->console_log_bytes;
	/* Without memory for its name there is no file, and a guest still. */
	if (asprintf(&log->path, "%s/%s.console", dir, vm_name(vm)) < 0)
		log->path = NULL;
	if (asprintf(&log->old_path, "%s/%s.console.1", dir, vm_name(vm)) < 0)
		log->old_path = NULL;
}

void console_log_fini(struct console_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	free(log->path);
	free(log->old_path);
	*log = (struct console_log){ .fd = -1 };
}

static void warn(struct console_log *log, const char *guest, const char *what,
		 int err)
{
	if (!log->warned)
		log_say(LOG_LEVEL_WARNING, guest, "console log: %s %s: %s",
			what, log->path, strerror(err));
	log->warned = true;
}

/* Neither a link nor a pipe that somebody may have put there. */
static int open_log(struct console_log *log, const char *guest)
{
	struct stat st;

	log->fd = open(log->path,
		       O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
			       O_NONBLOCK | O_NOCTTY,
		       0640);
	if (log->fd < 0) {
		warn(log, guest, "open", errno);
		return -1;
	}
	if (fstat(log->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		warn(log, guest, "open", EINVAL);
		close(log->fd);
		log->fd = -1;
		return -1;
	}
	log->bytes = (uint64_t)st.st_size;
	return 0;
}

static void turn_over(struct console_log *log, const char *guest)
{
	close(log->fd);
	log->fd = -1;
	if (!log->old_path || rename(log->path, log->old_path) < 0) {
		warn(log, guest, "rename", errno);
		/* Full, and nowhere to go: the limit is what was promised. */
		if (truncate(log->path, 0) < 0)
			warn(log, guest, "truncate", errno);
	}
}

void console_log_write(struct console_log *log, const char *guest,
		       const char *text, size_t len)
{
	ssize_t put;

	if (!log->path || !len)
		return;
	if (log->fd < 0 && open_log(log, guest) < 0)
		return;
	if (log->bytes && log->bytes + len > log->most_bytes) {
		turn_over(log, guest);
		if (open_log(log, guest) < 0)
			return;
	}
	put = write(log->fd, text, len);
	if (put < 0) {
		warn(log, guest, "write", errno);
		return;
	}
	log->bytes += (uint64_t)put;
	if ((size_t)put == len)
		log->warned = false;
	else
		warn(log, guest, "write", ENOSPC);
}
