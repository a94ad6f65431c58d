// SPDX-License-Identifier: GPL-2.0-only
/*
 * slots.c - what may be RAM, and the errno of all that may not
 *
 * Story: slots.t.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"

#define PAGE  4096ULL
#define PAGES 16ULL
#define HUGE  (1ULL << 63)

static int vm;

static int memfd(unsigned int flags, int seals)
{
	int fd = memfd_create("slot", flags | MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)(PAGES * PAGE)) < 0 ||
	    (seals && fcntl(fd, F_ADD_SEALS, seals) < 0))
		bail_out("memfd: %s", strerror(errno));
	return fd;
}

static int add(struct lg_slot slot)
{
	return ioctl(vm, LG_SLOT_ADD, &slot) ? errno : 0;
}

static int remove_slot(__u32 number)
{
	struct lg_slot slot = { .slot = number };

	return ioctl(vm, LG_SLOT_REMOVE, &slot) ? errno : 0;
}

/* Another description of the same file, opened some other way. */
static int reopen(int fd, int flags)
{
	char path[64];
	int other;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, flags | O_CLOEXEC);
	if (other < 0)
		bail_out("%s: %s", path, strerror(errno));
	return other;
}

static void refuse_file(int fd, int want, const char *what)
{
	struct lg_slot slot = { .bytes = PAGE, .memfd = fd };

	is((__u64)add(slot), (__u64)want, "%s: %s", what, strerror(want));
	if (fd >= 0)
		close(fd);
}

static void test_files(void)
{
	int good = memfd(0, F_SEAL_SHRINK), pipes[2], fd;

	if (pipe(pipes))
		bail_out("pipe: %s", strerror(errno));
	refuse_file(-1, EBADF, "no file");
	refuse_file(12345, EBADF, "no such descriptor");
	refuse_file(pipes[0], EINVAL, "a pipe");
	close(pipes[1]);
	refuse_file(open("/dev/zero", O_RDWR), EINVAL, "/dev/zero");
	refuse_file(open("/dev/lguest", O_RDWR), EINVAL, "/dev/lguest");
	refuse_file(dup(vm), EINVAL, "the VM itself");
	refuse_file(open("/proc/self/exe", O_RDONLY), EINVAL, "a program");
	refuse_file(open("/dev", O_PATH), EBADF, "a path");
	refuse_file(memfd(0, 0), EPERM, "a memfd without a seal");
	refuse_file(memfd(0, F_SEAL_GROW), EPERM, "with the wrong seal");
	refuse_file(memfd(0, F_SEAL_SHRINK | F_SEAL_WRITE), EPERM,
		    "sealed against writing");
	refuse_file(memfd(0, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE), EPERM,
		    "sealed against writing in future");
	refuse_file(reopen(good, O_RDONLY), EACCES, "open for reading only");
	refuse_file(reopen(good, O_WRONLY), EACCES, "open for writing only");
	fd = memfd_create("huge", MFD_HUGETLB | MFD_ALLOW_SEALING);
	if (fd < 0)
		skip(1, "this kernel has no huge pages");
	else
		refuse_file(fd, EINVAL, "a memfd of huge pages");
	close(good);
}

/* A slot of RAM keeps the file as it is, from all sides. */
static void test_seals(void)
{
	int fd = memfd(0, F_SEAL_SHRINK);

	is((__u64)add((struct lg_slot){ .bytes = PAGE, .memfd = fd }), 0,
	   "a sealed memfd is RAM");
	errno = 0;
	fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE);
	is((__u64)errno, EBUSY, "while it is, it cannot be sealed for writing");
	errno = 0;
	ftruncate(fd, 0);
	is((__u64)errno, EPERM, "nor become smaller");
	is((__u64)ftruncate(fd, (off_t)(2 * PAGES * PAGE)), 0,
	   "it may become larger");
	is((__u64)add((struct lg_slot){ .slot = 1,
					.gpa = PAGE,
					.bytes = PAGE,
					.offset = (2 * PAGES - 1) * PAGE,
					.memfd = fd }),
	   0, "and what has been added be RAM too");
	is((__u64)(remove_slot(0) | remove_slot(1)), 0, "slots are removed");
	is((__u64)fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0,
	   "then it can be sealed");
	close(fd);
}

static const struct {
	const char *what;
	struct lg_slot slot; /* of PAGES pages, memfd filled in */
	int want;
} shapes[] = {
	{ "no bytes", { 0 }, EINVAL },
	{ "bytes not whole pages", { .bytes = PAGE + 1 }, EINVAL },
	{ "gpa inside a page", { .bytes = PAGE, .gpa = 8 }, EINVAL },
	{ "offset inside a page", { .bytes = PAGE, .offset = 512 }, EINVAL },
	{ "more than the file", { .bytes = (PAGES + 1) * PAGE }, EINVAL },
	{ "past its end", { .bytes = PAGE, .offset = PAGES * PAGE }, EINVAL },
	{ "across its end",
	  { .bytes = 2 * PAGE, .offset = (PAGES - 1) * PAGE },
	  EINVAL },
	{ "2^63 bytes", { .bytes = HUGE }, EINVAL },
	{ "almost 2^64 bytes", { .bytes = -PAGE }, EINVAL },
	{ "offset 2^63", { .bytes = PAGE, .offset = HUGE }, EINVAL },
	{ "offset that wraps", { .bytes = PAGE, .offset = -PAGE }, EINVAL },
	{ "offset and bytes that wrap",
	  { .bytes = 2 * PAGE, .offset = -PAGE },
	  EINVAL },
	{ "gpa 2^63", { .bytes = PAGE, .gpa = HUGE }, EINVAL },
	{ "gpa that wraps", { .bytes = 2 * PAGE, .gpa = -PAGE }, EINVAL },
	{ "gpa at the limit", { .bytes = PAGE, .gpa = LG_MAX_GPA }, EINVAL },
	{ "gpa across the limit",
	  { .bytes = 2 * PAGE, .gpa = LG_MAX_GPA - PAGE },
	  EINVAL },
	{ "slot 32", { .slot = LG_MAX_SLOTS, .bytes = PAGE }, EINVAL },
	{ "slot 2^32-1", { .slot = ~0U, .bytes = PAGE }, EINVAL },
	{ "the last page there can be",
	  { .slot = 31, .bytes = PAGE, .gpa = LG_MAX_GPA - PAGE },
	  0 },
	{ "pages 4 to 7",
	  { .slot = 0, .bytes = 4 * PAGE, .gpa = 4 * PAGE },
	  0 },
	{ "the slot again", { .bytes = PAGE }, EEXIST },
	{ "the same addresses",
	  { .slot = 1, .bytes = 4 * PAGE, .gpa = 4 * PAGE },
	  EEXIST },
	{ "overlapping its start",
	  { .slot = 1, .bytes = 2 * PAGE, .gpa = 3 * PAGE },
	  EEXIST },
	{ "overlapping its end",
	  { .slot = 1, .bytes = 2 * PAGE, .gpa = 7 * PAGE },
	  EEXIST },
	{ "inside it", { .slot = 1, .bytes = PAGE, .gpa = 5 * PAGE }, EEXIST },
	{ "around it", { .slot = 1, .bytes = PAGES * PAGE }, EEXIST },
	{ "just below it", { .slot = 1, .bytes = 4 * PAGE }, 0 },
	{ "just above it", { .slot = 2, .bytes = PAGE, .gpa = 8 * PAGE }, 0 },
};

static void test_shapes(void)
{
	int fd = memfd(0, F_SEAL_SHRINK);
	struct lg_slot slot;
	size_t i;

	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		slot = shapes[i].slot;
		slot.memfd = fd;
		is((__u64)add(slot), (__u64)shapes[i].want, "%s: %s",
		   shapes[i].what,
		   shapes[i].want ? strerror(shapes[i].want) : "taken");
	}
	is((__u64)remove_slot(0), 0, "a slot in the middle is removed");
	is((__u64)remove_slot(0), ENOENT, "but not twice");
	is((__u64)remove_slot(LG_MAX_SLOTS), EINVAL, "nor one that cannot be");
	is((__u64)add((struct lg_slot){ .slot = 3,
					.bytes = 4 * PAGE,
					.gpa = 4 * PAGE,
					.memfd = fd }),
	   0, "its addresses can be used again");
	close(fd);
}

int main(void)
{
	struct lg_vm_create create = { .abi = LG_ABI_VERSION };
	int device = open("/dev/lguest", O_RDWR | O_CLOEXEC);
	int users = module_users();

	vm = ioctl(device, LG_VM_CREATE, &create);
	if (vm < 0)
		bail_out("LG_VM_CREATE: %s", strerror(errno));
	test_files();
	test_seals();
	test_shapes();
	close(vm);
	is((__u64)module_users(), (__u64)users, "nothing is left open");
	return tap_end();
}
