// SPDX-License-Identifier: GPL-2.0-only
/*
 * autostart.c - the guests that start with the daemon
 *
 * Each *.yaml of conf->guests_dir is a guest, in the order of their names.  This
 * is the only place where we open a path that a file names, with all our rights,
 * and so the file must be nobody's but the one's who gave us those rights: it
 * and its folder are root's (ours, when we are not root) and others cannot write
 * them.  What is judged is what was opened, not what stood at that path before.
 *
 * A guest that cannot be started is a line in the log, and the daemon's start
 * goes on: one broken file must not keep the other guests from their work.
 *
 * Next: daemon/notify.c
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lguestd.h"

#define FILE_MAX (256 * 1024) /* bytes; a guest's file is rarely one page */

/* Is it a file (or folder) that only root, or whoever we are, can change? */
static int check_owner(int fd, const char *path, mode_t type, struct why *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return why_say(why, -errno, "'%s': %s", path, strerror(errno));
	if ((st.st_mode & S_IFMT) != type)
		return why_say(why, -EINVAL, "'%s': not a %s", path,
			       type == S_IFDIR ? "folder" : "file");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return why_say(why, -EPERM,
			       "'%s': belongs to uid %u and not to root", path,
			       (unsigned int)st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return why_say(why, -EPERM,
			       "'%s': others can write it (mode %04o)", path,
			       (unsigned int)st.st_mode & 07777);
	return 0;
}

/* O_NONBLOCK, since opening a fifo would wait for somebody to write to it. */
static int open_own(int dir, const char *name, int flags, mode_t type,
		    struct why *why)
{
	int fd = openat(dir, name,
			flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return why_say(why, -errno, "'%s': %s", name, strerror(errno));
	r = check_owner(fd, name, type, why);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static int read_whole(int fd, char *text, size_t size, size_t *ret_len)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, size - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return -errno;
	if (len == size)
		return -EFBIG;
	*ret_len = len;
	return 0;
}

/* The guest of one file, which was opened and is to be trusted. */
static int read_guest(int fd, const char *path, struct conf_guest **ret_conf,
		      struct why *why)
{
	struct conf_report report = { .text = NULL };
	char *text = malloc(FILE_MAX);
	size_t len = 0;
	int r = text ? read_whole(fd, text, FILE_MAX, &len) : -ENOMEM;

	if (r < 0) {
		free(text);
		return why_say(why, r, "'%s': %s", path, strerror(-r));
	}
	r = conf_guest_parse(path, text, len, &report, ret_conf);
	free(text);
	if (r < 0)
		r = why_say(why, r, "%.*s",
			    (int)strcspn(report.text ? report.text : "", "\n"),
			    report.text ? report.text : "");
	conf_report_fini(&report);
	return r;
}

static int open_file(const char *what, const char *path, struct why *why)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return why_say(why, -errno, "%s '%s': %s", what, path,
			       strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return why_say(why, -EINVAL, "%s '%s': not a file", what, path);
}

/* What kind of file it is, disks.c looks at; it makes none. */
static int open_disk(unsigned int number, const struct conf_disk *disk,
		     struct why *why)
{
	int flags = disk->readonly ? O_RDONLY : O_RDWR;
	int fd = open(disk->file, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return why_say(why, -errno, "disk%u '%s': %s", number,
			       disk->file, strerror(errno));
	return fd;
}

static bool open_files(const struct conf_guest *conf, struct vm_files *files,
		       struct why *why)
{
	unsigned int i;

	files->kernel = open_file("kernel", conf->kernel, why);
	if (files->kernel < 0)
		return false;
	if (conf->initrd) {
		files->initrd = open_file("initrd", conf->initrd, why);
		if (files->initrd < 0)
			return false;
	}
	for (i = 0; i < conf->disks.count; i++) {
		files->disk[i] = open_disk(i, conf_disk(conf, i), why);
		if (files->disk[i] < 0)
			return false;
	}
	return true;
}

/* conf is taken over. */
static int start_guest(struct lguestd *lguestd, struct conf_guest *conf,
		       struct why *why)
{
	struct vm_files files;
	struct vm *vm;

	vm_files_init(&files);
	if (open_files(conf, &files, why))
		return vm_create(lguestd, conf, &files, why, &vm);
	vm_files_close(&files);
	conf_guest_free(conf);
	return -ENOENT;
}

static void start_file(struct lguestd *lguestd, int dir, const char *name)
{
	struct conf_guest *conf = NULL;
	struct why why = { .text = "" };
	char guest[CONF_NAME_MAX + 1];
	char *path = NULL;
	int fd, r;

	fd = open_own(dir, name, 0, S_IFREG, &why);
	if (fd < 0 ||
	    asprintf(&path, "%s/%s", lguestd->conf->guests_dir, name) < 0) {
		log_say(LOG_LEVEL_ERR, NULL, "autostart: %s", why.text);
		return;
	}
	r = read_guest(fd, path, &conf, &why);
	close(fd);
	free(path);
	if (r < 0) {
		log_say(LOG_LEVEL_ERR, NULL, "autostart: %s", why.text);
		return;
	}
	snprintf(guest, sizeof(guest), "%s", conf->name);
	if (vm_find(lguestd, guest)) {
		log_say(LOG_LEVEL_DEBUG, guest, "autostart: is here already");
		conf_guest_free(conf);
		return;
	}
	if (start_guest(lguestd, conf, &why) < 0)
		log_say(LOG_LEVEL_ERR, guest, "autostart: %s", why.text);
}

static int is_guest(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && !strcmp(dot, ".yaml");
}

void autostart(struct lguestd *lguestd)
{
	const char *path = lguestd->conf->guests_dir;
	struct why why = { .text = "" };
	struct dirent **entries;
	int i, count, dir;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return;
	dir = open_own(AT_FDCWD, path, O_DIRECTORY, S_IFDIR, &why);
	if (dir < 0) {
		log_say(LOG_LEVEL_ERR, NULL, "autostart: %s", why.text);
		return;
	}
	count = scandirat(dir, ".", &entries, is_guest, alphasort);
	for (i = 0; i < count; i++) {
		start_file(lguestd, dir, entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	close(dir);
}
