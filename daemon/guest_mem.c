// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest_mem.c - RAM from outside
 *
 * RAM is a memfd.  Text and calls, which are seldom, are read and written as a
 * file: that gives copies, and what goes wrong is an errno.  Rings and buffers
 * are reached by pointer, through a mapping of all of it.
 *
 * A mapping has its price.  A page that nobody has touched is made when it is,
 * and one that the machine has lost is gone: where there is none to be had, that
 * is SIGBUS, and would be the end of the daemon.  So a page of zeroes is put in
 * its place, for us alone, and the guest is marked as lost.  Whoever used the
 * pointer goes on, with nonsense for data, which is no more than a guest might
 * have written there; and the guest's owner is told, and ends it soon.  In a
 * system call there is no signal: the kernel answers EFAULT.
 *
 * What must never happen: an address of a guest's that is used before it is
 * checked, or RAM that is read twice as if it were the same.  This is the only
 * file that knows where RAM begins; what it gives by pointer, queue.c and its
 * neighbours read once.
 *
 * Next: daemon/console.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

/* All that are mapped, for the handler. */
static struct guest_mem *mapped;
static struct sigaction sigbus_before;

static struct guest_mem *find_mapped(const char *at)
{
	struct guest_mem *mem;

	for (mem = mapped; mem; mem = mem->next)
		if (at >= mem->base && at < mem->base + mem->bytes)
			return mem;
	return NULL;
}

/*
 * It comes of a load or a store of ours, in code that looks at RAM and at
 * nothing else: so the list is not in the middle of a change, nor is libevent,
 * and this is like a function that was called there.  Sent by somebody, or from
 * elsewhere, it ends us as it always did, when it comes again.
 */
static void on_sigbus(int signal, siginfo_t *info, void *context)
{
	uintptr_t page = (uintptr_t)info->si_addr & ~(uintptr_t)4095;
	struct guest_mem *mem = NULL;
	int saved = errno;

	(void)context;
	if (info->si_code > 0)
		mem = find_mapped(info->si_addr);
	if (mem && mmap((void *)page, 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			0) != MAP_FAILED) {
		mem->lost = true;
		if (mem->on_lost)
			mem->on_lost(mem->on_lost_arg);
	} else {
		sigaction(signal, &sigbus_before, NULL);
		if (info->si_code <= 0)
			raise(signal);
	}
	errno = saved;
}

static int catch_sigbus(void)
{
	static const struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO,
	};
	static bool caught;

	if (!caught && sigaction(SIGBUS, &action, &sigbus_before) < 0)
		return -errno;
	caught = true;
	return 0;
}

static int map_ram(struct guest_mem *mem, int fd, uint64_t bytes)
{
	int r = catch_sigbus();
	void *base;

	if (r < 0)
		return r;
	base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	/* Guests' secrets have no place in a core file of ours. */
	madvise(base, bytes, MADV_DONTDUMP);
	*mem = (struct guest_mem){
		.fd = fd,
		.bytes = bytes,
		.base = base,
		.next = mapped,
	};
	mapped = mem;
	return 0;
}

int guest_mem_create(struct guest_mem *mem, const char *name, uint64_t bytes)
{
	char label[64];
	int fd, r = 0;

	snprintf(label, sizeof(label), "%s.ram", name);
	fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)bytes) < 0 ||
	    fcntl(fd, F_ADD_SEALS, RAM_SEALS) < 0)
		r = -errno;
	if (r == 0)
		r = map_ram(mem, fd, bytes);
	if (r < 0)
		close(fd);
	return r;
}

int guest_mem_adopt(struct guest_mem *mem, int fd, uint64_t bytes)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & RAM_SEALS) != RAM_SEALS ||
	    fstat(fd, &st) < 0 || (uint64_t)st.st_size != bytes)
		return -EINVAL;
	return map_ram(mem, fd, bytes);
}

void guest_mem_fini(struct guest_mem *mem)
{
	struct guest_mem **link = &mapped;

	if (mem->fd < 0)
		return;
	while (*link != mem)
		link = &(*link)->next;
	*link = mem->next;
	munmap(mem->base, mem->bytes);
	close(mem->fd);
	*mem = (struct guest_mem){ .fd = -1 };
}

bool guest_mem_has(const struct guest_mem *mem, uint64_t gpa, uint64_t len)
{
	return gpa <= mem->bytes && len <= mem->bytes - gpa;
}

void *guest_mem_ptr(const struct guest_mem *mem, uint64_t gpa, uint64_t len)
{
	return guest_mem_has(mem, gpa, len) ? mem->base + gpa : NULL;
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
