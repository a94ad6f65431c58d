// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest_mem.c - RAM from outside
 *
 * RAM is a memfd and is read and written as a file.  A mapping would be quicker
 * by a system call, and could end the daemon: a page that nobody has touched is
 * made when it is, and where memory is short that is SIGBUS.  Here it is an
 * errno, and only this guest's business.
 *
 * What must never happen: an address of a guest's that is used before it is
 * checked, or RAM that is read twice as if it were the same.  So this is the
 * only file that knows where RAM begins, and all it gives are copies.
 *
 * Next: daemon/console.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest_mem.h"

/*
 * No holes at its end for lg.ko and us to fall into; and no more seals, as one
 * against writing would be the runner's way to stop both.
 */
#define RAM_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

int guest_mem_create(struct guest_mem *mem, const char *name, uint64_t bytes)
{
	char label[64];
	int fd, r;

	snprintf(label, sizeof(label), "%s.ram", name);
	fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)bytes) < 0 ||
	    fcntl(fd, F_ADD_SEALS, RAM_SEALS) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	mem->fd = fd;
	mem->bytes = bytes;
	return 0;
}

int guest_mem_adopt(struct guest_mem *mem, int fd, uint64_t bytes)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & RAM_SEALS) != RAM_SEALS ||
	    fstat(fd, &st) < 0 || (uint64_t)st.st_size != bytes)
		return -EINVAL;
	mem->fd = fd;
	mem->bytes = bytes;
	return 0;
}

void guest_mem_fini(struct guest_mem *mem)
{
	if (mem->fd >= 0)
		close(mem->fd);
	mem->fd = -1;
	mem->bytes = 0;
}

bool guest_mem_has(const struct guest_mem *mem, uint64_t gpa, uint64_t len)
{
	return gpa <= mem->bytes && len <= mem->bytes - gpa;
}

int guest_mem_read(const struct guest_mem *mem, uint64_t gpa, void *to,
		   size_t len)
{
	ssize_t got;

	if (!guest_mem_has(mem, gpa, len))
		return -EFAULT;
	got = pread(mem->fd, to, len, (off_t)gpa);
	if (got < 0)
		return -errno;
	return (size_t)got == len ? 0 : -EFAULT;
}

int guest_mem_write(const struct guest_mem *mem, uint64_t gpa, const void *from,
		    size_t len)
{
	ssize_t put;

	if (!guest_mem_has(mem, gpa, len))
		return -EFAULT;
	put = pwrite(mem->fd, from, len, (off_t)gpa);
	if (put < 0)
		return -errno;
	return (size_t)put == len ? 0 : -ENOMEM;
}

ssize_t guest_mem_text(const struct guest_mem *mem, uint64_t gpa, char *to,
		       size_t room)
{
	uint64_t left = gpa < mem->bytes ? mem->bytes - gpa : 0;
	size_t len = room < left ? room : (size_t)left;
	int r;

	if (!len)
		return -EFAULT;
	r = guest_mem_read(mem, gpa, to, len);
	return r < 0 ? r : (ssize_t)strnlen(to, len);
}
