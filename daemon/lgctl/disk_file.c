// SPDX-License-Identifier: GPL-2.0-only
/*
 * disk_file.c - a disk's file, opened or made
 *
 * With the rights of whoever called us, as all that a guest's YAML names.  A
 * file that is there is opened as it is.  One that is not there is made if the
 * YAML says how large, or as what it begins: then it has no name until it is
 * whole, so that there is all of it or nothing.
 *
 * An instance of a base shares what they have in common, where the file system
 * knows how; elsewhere it is a copy, with holes where the base has some, and we
 * say so, since that can take long.  Formats of others are refused by name: a
 * guest would take what is in such a file for a disk in ruins.
 *
 * Next: daemon/lgctl/graft.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lgctl.h"

#define SECTOR 512
#define MODE   0600 /* a disk holds what its guest's user keeps to himself */

/* What is being opened, for messages. */
struct disk_file {
	const char *guest;
	unsigned int number;
	const struct conf_disk *conf;
	bool named; /* it has its name, and loses it if we fail */
};

/* A reason; an errno of 0 if it is not the system that said no.  Returns -1. */
static int refuse(const struct disk_file *file, const char *path,
		  enum proto_exit *ret_status, int err, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

static int refuse(const struct disk_file *file, const char *path,
		  enum proto_exit *ret_status, int err, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	*ret_status = say_error(
		err == EACCES || err == EPERM ? EXIT_DENIED : EXIT_FAILED,
		"vm '%s': disk%u '%s': %s%s%s", file->guest, file->number, path,
		text, err && *text ? ": " : "", err ? strerror(err) : "");
	return -1;
}

/* ---- what is there ---- */

static const char *format_of(int fd)
{
	static const struct {
		const char *magic, *name;
	} formats[] = {
		{ "QFI\xfb", "qcow2" },
		{ "KDMV", "VMDK" },
		{ "vhdxfile", "VHDX" },
	};
	char head[8] = "";
	size_t i;

	if (pread(fd, head, sizeof(head), 0) < 0)
		return NULL;
	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!memcmp(head, formats[i].magic, strlen(formats[i].magic)))
			return formats[i].name;
	return NULL;
}

static int get_bytes(int fd, const struct stat *st, uint64_t *ret_bytes)
{
	if (S_ISBLK(st->st_mode))
		return ioctl(fd, BLKGETSIZE64, ret_bytes);
	*ret_bytes = (uint64_t)st->st_size;
	return 0;
}

static int check(const struct disk_file *file, int fd, const char *path,
		 enum proto_exit *ret_status, uint64_t *ret_bytes)
{
	const char *format;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return refuse(file, path, ret_status, errno, "%s", "");
	if (S_ISDIR(st.st_mode))
		return refuse(file, path, ret_status, EISDIR, "%s", "");
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return refuse(file, path, ret_status, 0,
			      "neither a file nor a block device");
	if (get_bytes(fd, &st, ret_bytes) < 0)
		return refuse(file, path, ret_status, errno, "%s", "");
	format = format_of(fd);
	if (format)
		return refuse(
			file, path, ret_status, 0,
			"is a %s image, not a raw one (try: qemu-img "
			"convert -O raw; or see lguest-guest(5), FORMATS)",
			format);
	if (!*ret_bytes || *ret_bytes % SECTOR)
		return refuse(file, path, ret_status, 0,
			      "%llu bytes: not a multiple of %d, or none",
			      (unsigned long long)*ret_bytes, SECTOR);
	return 0;
}

static int check_size(const struct disk_file *file, int fd,
		      enum proto_exit *ret_status)
{
	uint64_t bytes, size = file->conf->size_bytes;

	if (check(file, fd, file->conf->file, ret_status, &bytes) < 0)
		return -1;
	if (bytes < size)
		return refuse(file, file->conf->file, ret_status, 0,
			      "is %llu bytes, and its size is %llu",
			      (unsigned long long)bytes,
			      (unsigned long long)size);
	return 0;
}

/* ---- what is made ---- */

/* Where the base has data; its holes are holes of the copy. */
static int copy(int from, int to, off_t bytes)
{
	off_t at = 0, end, out;
	ssize_t n;

	while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
		end = lseek(from, at, SEEK_HOLE);
		for (out = at; end > at;) {
			n = copy_file_range(from, &at, to, &out,
					    (size_t)(end - at), 0);
			if (n == 0)
				errno = EIO; /* it has become shorter */
			if (n <= 0)
				return -1;
		}
		if (end < 0 || at >= bytes)
			break;
	}
	return at < 0 && errno != ENXIO ? -1 : 0;
}

static int fill_from(const struct disk_file *file, int fd, int base,
		     uint64_t bytes, enum proto_exit *ret_status)
{
	char size[32];

	if (ioctl(fd, FICLONE, base) == 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EXDEV && errno != EINVAL &&
	    errno != ENOTTY)
		return refuse(file, file->conf->file, ret_status, errno,
			      "an instance of '%s'", file->conf->base);
	say_error(EXIT_DONE,
		  "vm '%s': disk%u '%s': copies the %s of '%s': this file "
		  "system cannot share them",
		  file->guest, file->number, file->conf->file,
		  say_size(bytes, size, sizeof(size)), file->conf->base);
	if (ftruncate(fd, (off_t)bytes) < 0 || copy(base, fd, (off_t)bytes) < 0)
		return refuse(file, file->conf->file, ret_status, errno,
			      "a copy of '%s'", file->conf->base);
	return 0;
}

static int fill(const struct disk_file *file, int fd,
		enum proto_exit *ret_status)
{
	const struct conf_disk *conf = file->conf;
	uint64_t bytes = 0;
	int base, r;

	if (conf->base) {
		base = open(conf->base, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (base < 0)
			return refuse(file, conf->base, ret_status, errno,
				      "base");
		r = check(file, base, conf->base, ret_status, &bytes);
		if (r == 0 && conf->size_bytes && conf->size_bytes < bytes)
			r = refuse(file, conf->base, ret_status, 0,
				   "base: is %llu bytes, and size is %llu",
				   (unsigned long long)bytes,
				   (unsigned long long)conf->size_bytes);
		if (r == 0)
			r = fill_from(file, fd, base, bytes, ret_status);
		close(base);
		if (r < 0)
			return r;
	}
	if (conf->size_bytes > bytes &&
	    ftruncate(fd, (off_t)conf->size_bytes) < 0)
		return refuse(file, conf->file, ret_status, errno, "size");
	return 0;
}

/* A file with no name yet, or, where there is no such thing, with its name. */
static int new_file(struct disk_file *file)
{
	const char *path = file->conf->file;
	char *copied = strdup(path);
	int fd = -1;

	if (!copied)
		return -1;
	fd = open(dirname(copied), O_TMPFILE | O_RDWR | O_CLOEXEC, MODE);
	free(copied);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, MODE);
	file->named = fd >= 0;
	return fd;
}

static int give_name(struct disk_file *file, int fd)
{
	char link[64];

	if (file->named)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, link, AT_FDCWD, file->conf->file,
		      AT_SYMLINK_FOLLOW);
}

static int make(struct disk_file *file, enum proto_exit *ret_status)
{
	const char *path = file->conf->file;
	int r, fd = new_file(file);

	if (fd < 0)
		return refuse(file, path, ret_status, errno, "cannot be made");
	r = fill(file, fd, ret_status);
	if (r == 0 && give_name(file, fd) < 0)
		r = refuse(file, path, ret_status, errno, "cannot be made");
	if (r == 0)
		return fd;
	if (file->named)
		unlink(path);
	close(fd);
	return -1;
}

/* ---- one or the other ---- */

int disk_file_open(const char *guest, unsigned int number,
		   const struct conf_disk *conf, enum proto_exit *ret_status)
{
	struct disk_file file = { guest, number, conf, .named = false };
	int flags = conf->readonly ? O_RDONLY : O_RDWR;
	int fd = open(conf->file, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ENOENT && (conf->size_bytes || conf->base)) {
		fd = make(&file, ret_status);
		if (fd < 0)
			return -1;
	} else if (fd < 0) {
		return refuse(&file, conf->file, ret_status, errno, "%s",
			      errno == ENOENT ? "with a size or a base it "
						"would be made"
					      : "");
	}
	if (check_size(&file, fd, ret_status) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}
