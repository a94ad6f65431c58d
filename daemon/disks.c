// SPDX-License-Identifier: GPL-2.0-only
/*
 * disks.c - the disks of a guest's configuration, and their files
 *
 * A disk's file is a descriptor that came with the guest and is its for all of
 * its starts; each start has a device of its own on it.  The file is locked
 * through that descriptor, which systemd keeps as well.
 *
 * A lock has no name on it.  But if it is ours, it is a guest's that we have,
 * and whoever wanted the file as well is told which.
 *
 * Where we stand: a machine is being made, and bus.c asks for its devices.
 *
 * Next: daemon/virtio/blk.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "virtio/disk.h"
#include "vm.h"

void disks_open(struct lguestd *lguestd)
{
	int r = uring_create(lguestd->base, &lguestd->uring);

	if (r < 0) {
		lguestd->uring = NULL;
		why_say(&lguestd->uring_why, r, "io_uring: %s", strerror(-r));
		log_say(LOG_LEVEL_WARNING, NULL, "no guest can have a disk: %s",
			lguestd->uring_why.text);
		return;
	}
	store_put_ring(uring_lifeline(lguestd->uring));
}

void disks_close(struct lguestd *lguestd)
{
	uring_destroy(lguestd->uring);
	lguestd->uring = NULL;
}

void disks_follow(struct lguestd *lguestd, int lifeline)
{
	fcntl(lifeline, F_SETFD, FD_CLOEXEC);
	if (lguestd->uring && uring_follow(lguestd->uring, lifeline) == 0)
		return;
	log_say(LOG_LEVEL_ERR, NULL,
		"ring: that of a lguestd before this one is not waited for");
	close(lifeline);
}

bool disks_here(const struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->conf->disks.count; i++)
		if (vm->files.disk[i] < 0)
			return false;
	return true;
}

/* systemd has them as well, and lets go of them when it comes to it. */
void disks_unlock(const struct vm *vm)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
	unsigned int i;

	for (i = 0; i < vm->conf->disks.count; i++)
		fcntl(vm->files.disk[i], F_OFD_SETLK, &lock);
}

/* Device nodes are many, the device is one. */
static bool is_same(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode))
		return a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* A guest, or this one, that has the file as a disk; NULL: it is nobody of us. */
static const struct vm *find_holder(const struct vm *vm, unsigned int number,
				    unsigned int *ret_number)
{
	struct stat wanted, st;
	struct vm *other;
	unsigned int i;

	if (fstat(vm->files.disk[number], &wanted) < 0)
		return NULL;
	for (i = 0; i < number; i++) {
		*ret_number = i;
		if (fstat(vm->files.disk[i], &st) == 0 && is_same(&st, &wanted))
			return vm;
	}
	TAILQ_FOREACH(other, &vm->lguestd->vms, link) {
		for (i = 0; other != vm && i < other->conf->disks.count; i++) {
			*ret_number = i;
			if (fstat(other->files.disk[i], &st) == 0 &&
			    is_same(&st, &wanted))
				return other;
		}
	}
	return NULL;
}

static int say_busy(const struct vm *vm, unsigned int number, struct why *why)
{
	unsigned int its;
	const struct vm *holder = find_holder(vm, number, &its);

	if (!holder)
		return -EBUSY;
	return why_say(why, -EBUSY, "disk%u '%s': in use by guest %s (disk%u)",
		       number, conf_disk(vm->conf, number)->file,
		       vm_name(holder), its);
}

static int open_disk(struct vm *vm, unsigned int number, const char *label,
		     struct disk **ret_disk, struct why *why)
{
	const struct conf_disk *conf = conf_disk(vm->conf, number);
	const struct disk_conf disk = {
		.guest = vm_name(vm),
		.label = label,
		.path = conf->file,
		.readonly = conf->readonly,
		.direct = conf->cache == CONF_DIRECT,
	};
	int r, fd = fcntl(vm->files.disk[number], F_DUPFD_CLOEXEC, 0);

	_Static_assert(sizeof(why->text) >= DISK_WHY_MAX, "a sentence fits");
	if (fd < 0)
		return why_say(why, -errno, "%s '%s': %s", label, conf->file,
			       strerror(errno));
	r = disk_open(vm->lguestd->uring, fd, &disk, why->text, ret_disk);
	if (r < 0)
		close(fd);
	if (r == 0 && conf->size_bytes > (*ret_disk)->bytes) {
		r = why_say(why, -EINVAL,
			    "%s '%s': is %llu bytes, and its size is %llu",
			    label, conf->file,
			    (unsigned long long)(*ret_disk)->bytes,
			    (unsigned long long)conf->size_bytes);
		disk_close(*ret_disk);
	}
	return r == -EBUSY ? say_busy(vm, number, why) : r;
}

int disks_make(struct vm *vm, unsigned int number, struct virtio_dev **ret_dev,
	       struct why *why)
{
	const struct conf_disk *conf = conf_disk(vm->conf, number);
	struct blk_conf blk = { .queues = 1 };
	struct disk *disk;
	char label[16];
	int r;

	if (!conf)
		return 0;
	snprintf(label, sizeof(label), "disk%u", number);
	if (!vm->lguestd->uring)
		return why_say(why, -EOPNOTSUPP, "%s: %s", label,
			       vm->lguestd->uring_why.text);
	r = open_disk(vm, number, label, &disk, why);
	if (r < 0)
		return r;
	blk.serial = *conf->serial ? conf->serial : label;
	blk.iops = conf->iops;
	blk.bytes_per_s = conf->bandwidth;
	*ret_dev = blk_create(disk, &blk);
	if (*ret_dev)
		return 0;
	disk_close(disk);
	return why_say(why, -ENOMEM, "%s: no memory", label);
}
