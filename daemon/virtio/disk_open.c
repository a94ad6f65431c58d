// SPDX-License-Identifier: GPL-2.0-only
/*
 * disk_open.c - what may be a disk
 *
 * Somebody has opened a file, with rights of his own, and it has come to us as a
 * descriptor: a file or a block device, of whole blocks, that can be read and
 * written as the guest was promised.  What is said of one that will not do
 * names disk, file and the reason.
 *
 * What must never happen: two guests that write one file.  It is locked through
 * its open file description, which systemd keeps as well, so the lock outlives
 * us just as the guest does.
 *
 * Where we stand: a guest is being made.  Start at disk_open(), at the end.
 *
 * Next: daemon/virtio/uring.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"

/* ---- what may be a disk ---- */

static int refuse(char *why, const struct disk_conf *conf, int err,
		  const char *what)
{
	snprintf(why, DISK_WHY_MAX, "%s '%s': %s", conf->label, conf->path,
		 what);
	return err;
}

static int check_file(int fd, const struct disk_conf *conf, char *why)
{
	int flags = fcntl(fd, F_GETFL), access = flags & O_ACCMODE;
	struct stat st;

	if (flags < 0 || fstat(fd, &st) < 0)
		return refuse(why, conf, -errno, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return refuse(why, conf, -EISDIR, strerror(EISDIR));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return refuse(why, conf, -ENOTBLK,
			      "neither a file nor a block device");
	if (flags & O_PATH || access == O_WRONLY)
		return refuse(why, conf, -EACCES, "not open for reading");
	if (!conf->readonly && access != O_RDWR)
		return refuse(why, conf, -EACCES, "not open for writing");
	/* It would write all at the end; and who gave us the file may ask. */
	if (fcntl(fd, F_SETFL,
		  (flags & ~(O_APPEND | O_DIRECT | O_NONBLOCK)) |
			  (conf->direct ? O_DIRECT : 0)) < 0)
		return refuse(why, conf, -EINVAL,
			      conf->direct ? "cache: direct: not on this file "
					     "system"
					   : strerror(errno));
	return 0;
}

static int get_bytes(int fd, uint64_t *ret_bytes)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISBLK(st.st_mode))
		return ioctl(fd, BLKGETSIZE64, ret_bytes) < 0 ? -errno : 0;
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

/* What has to be a multiple of what, for O_DIRECT; and what is best anyway. */
static void get_geometry(struct disk *disk)
{
	struct statx stx = { .stx_mask = 0 };
	int sector;

	disk->block = disk->memory_align = DISK_SECTOR;
	disk->best = DISK_ALIGN_MAX;
	if (ioctl(disk->fd, BLKSSZGET, &sector) == 0 && sector > DISK_SECTOR &&
	    sector <= DISK_ALIGN_MAX)
		disk->block = (unsigned int)sector;
	if (statx(disk->fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_DIOALIGN,
		  &stx) < 0)
		stx.stx_mask = 0;
	if (stx.stx_mask && stx.stx_blksize >= DISK_SECTOR &&
	    stx.stx_blksize <= 1U << 20 &&
	    !(stx.stx_blksize & (stx.stx_blksize - 1)))
		disk->best = stx.stx_blksize;
	if (!disk->conf.direct)
		return;
	disk->block = disk->memory_align = DISK_ALIGN_MAX;
	if (!(stx.stx_mask & STATX_DIOALIGN) || !stx.stx_dio_offset_align ||
	    stx.stx_dio_offset_align > DISK_ALIGN_MAX ||
	    stx.stx_dio_mem_align > DISK_ALIGN_MAX)
		return;
	disk->memory_align = stx.stx_dio_mem_align;
	disk->block = stx.stx_dio_offset_align < DISK_SECTOR
			      ? DISK_SECTOR
			      : stx.stx_dio_offset_align;
}

static int check_bytes(struct disk *disk, char *why)
{
	char text[80];
	int r = get_bytes(disk->fd, &disk->bytes);

	if (r < 0)
		return refuse(why, &disk->conf, r, strerror(-r));
	if (disk->bytes && disk->bytes % disk->block == 0)
		return 0;
	snprintf(text, sizeof(text),
		 "%" PRIu64 " bytes: not a multiple of %u, or none",
		 disk->bytes, disk->block);
	return refuse(why, &disk->conf, -EINVAL, text);
}

/*
 * A format that we do not write, since others who did have lost data by it.  As
 * a raw disk it would be garbage to the guest, which then might repair it.  Who
 * opened the file has looked closer: here it is done only if it is no wait.
 */
static int check_format(const struct disk *disk, char *why)
{
	char magic[4] = "";
	struct iovec iov = { magic, sizeof(magic) };

	if (disk->conf.direct ||
	    preadv2(disk->fd, &iov, 1, 0, RWF_NOWAIT) != sizeof(magic) ||
	    memcmp(magic, "QFI\xfb", sizeof(magic)))
		return 0;
	return refuse(why, &disk->conf, -EMEDIUMTYPE, "a qcow2 image, not raw");
}

/* ---- the lock ---- */

static int lock_file(const struct disk *disk, char *why)
{
	struct flock lock = {
		.l_type = disk->conf.readonly ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};
	char text[80] = "in use by another program";

	if (fcntl(disk->fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return refuse(why, &disk->conf, -errno, strerror(errno));
	/* A lock like ours has no pid, and whose it is our caller may know. */
	if (fcntl(disk->fd, F_OFD_GETLK, &lock) == 0 && lock.l_pid > 0)
		snprintf(text, sizeof(text), "in use by pid %d",
			 (int)lock.l_pid);
	return refuse(why, &disk->conf, -EBUSY, text);
}

/* ---- made, and let go of ---- */

int disk_open(struct uring *uring, int fd, const struct disk_conf *conf,
	      char *why, struct disk **ret_disk)
{
	struct disk *disk = calloc(1, sizeof(*disk));
	int r = -ENOMEM;

	if (disk)
		disk->path = strdup(conf->path);
	if (!disk || !disk->path) {
		free(disk);
		return refuse(why, conf, -ENOMEM, strerror(ENOMEM));
	}
	disk->conf = *conf;
	disk->conf.path = disk->path;
	snprintf(disk->label, sizeof(disk->label), "%s", conf->label);
	disk->conf.label = disk->label;
	disk->uring = uring;
	disk->fd = fd;
	disk_ready(disk);
	r = check_file(fd, conf, why);
	if (r == 0) {
		get_geometry(disk);
		r = check_bytes(disk, why);
	}
	if (r == 0)
		r = check_format(disk, why);
	if (r == 0)
		r = lock_file(disk, why);
	if (r < 0) {
		free(disk->path);
		free(disk);
		return r;
	}
	*ret_disk = disk;
	return 0;
}

void disk_close(struct disk *disk)
{
	if (!disk)
		return;
	close(disk->fd);
	free(disk->path);
	free(disk);
}
