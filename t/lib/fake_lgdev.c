// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake_lgdev.c - lg.ko for those who have none
 *
 * Takes the place of daemon/lgdev.c.  Descriptors are real ones, and outlive the
 * daemon as lg.ko's do; the guest is t/lib/fake_run.c, a program that plays one.
 * An exit stays to be read until it has been answered, because reading only
 * looks at it.  Answering is first the answer, then taking the exit away: who is
 * killed in between answers twice, which the guest knows by the serial.
 *
 * From the environment:
 *	FAKE_FAIL	a file; a call whose name is a line of it fails
 *	FAKE_ABI	a file: the versions it speaks, "MIN MAX", and features
 *	FAKE_TIMES	milliseconds: the fields of struct vm_timing, in order
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_lgdev.h"
#include "vm.h"

/* Where build/asan/lguestd is there is the program that plays guests. */
__attribute__((constructor)) static void find_runner(void)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 16);
	char *slash;

	if (len <= 0)
		return;
	path[len] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash, "/fake-run");
	if (access(path, X_OK) == 0)
		setenv("LGUEST_RUN", path, /* overwrite= */ 0);
}

__attribute__((constructor)) static void set_times(void)
{
	const char *times = getenv("FAKE_TIMES");

	if (times)
		sscanf(times, "%u %u %u %u %u %u", &vm_timing.backoff_ms,
		       &vm_timing.backoff_most_ms, &vm_timing.well_ms,
		       &vm_timing.load_ms, &vm_timing.scope_ms,
		       &vm_timing.linger_ms);
}

static int may_fail(const char *call)
{
	const char *path = getenv("FAKE_FAIL");
	FILE *file = path ? fopen(path, "re") : NULL;
	char line[64];
	int r = 0;

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, call))
			r = -ENOMEM;
	}
	if (file)
		fclose(file);
	return r;
}

static void read_abi(struct lg_info *info)
{
	const char *path = getenv("FAKE_ABI");
	FILE *file = path ? fopen(path, "re") : NULL;
	unsigned long long features = info->features;

	if (!file)
		return;
	if (fscanf(file, "%u %u %llx", &info->abi_min, &info->abi_max,
		   &features) < 2)
		abort();
	info->features = features;
	fclose(file);
}

int lgdev_open(struct lg_info *ret_info, struct why *why)
{
	struct lg_info info = {
		.abi_min = LG_ABI_MIN,
		.abi_max = LG_ABI_VERSION,
		.features = ~0ULL,
		.max_vcpus = LG_MAX_VCPUS,
		.max_slots = LG_MAX_SLOTS,
		.max_gpa = LG_MAX_GPA,
	};
	int fd, r;

	if (may_fail("open") < 0)
		return why_say(why, -ENODEV, "lg.ko: no such device");
	read_abi(&info);
	r = abi_check(&info, why);
	if (r < 0)
		return r;
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	*ret_info = info;
	return fd < 0 ? -errno : fd;
}

/* A socket as soon as it has a vcpu to be connected to. */
int lgdev_vm_create(int device, uint64_t features)
{
	int fd, r = may_fail("vm_create");

	(void)device;
	(void)features;
	if (r < 0)
		return r;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int lgdev_slot_add(int vm, int memfd, uint64_t bytes)
{
	int seals = fcntl(memfd, F_GET_SEALS), r = may_fail("slot_add");

	(void)vm;
	(void)bytes;
	if (r < 0)
		return r;
	return seals < 0 || !(seals & F_SEAL_SHRINK) ? -EPERM : 0;
}

int lgdev_vcpu_create(int vm, unsigned int id)
{
	int pair[2], fd, r = may_fail("vcpu_create");

	if (r < 0)
		return r;
	if (id > 0) {
		fd = eventfd(0, EFD_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	if (dup3(pair[0], vm, O_CLOEXEC) < 0) {
		r = -errno;
		close(pair[1]);
	}
	close(pair[0]);
	return r < 0 ? r : pair[1];
}

static int tell(int vm, enum fake_kind kind, uint64_t serial, uint64_t value)
{
	const struct fake_word word = {
		.kind = kind,
		.serial = serial,
		.value = value,
	};

	return send(vm, &word, sizeof(word), MSG_DONTWAIT | MSG_NOSIGNAL) < 0
		       ? -errno
		       : 0;
}

int lgdev_interrupt(int vm, unsigned int vcpu, unsigned int vector)
{
	int r = may_fail("interrupt");

	(void)vcpu;
	return r < 0 ? r : tell(vm, FAKE_INTERRUPT, 0, vector);
}

/* The eventfd goes to the guest, who plays lg.ko's part of it too. */
static int tell_with(int vm, enum fake_kind kind, uint64_t value, int fd)
{
	struct fake_word word = { .kind = kind, .value = value };
	struct iovec iov = { &word, sizeof(word) };
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .room = { 0 } };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *part = CMSG_FIRSTHDR(&message);

	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_RIGHTS;
	part->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(part), &fd, sizeof(fd));
	return sendmsg(vm, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno
								      : 0;
}

int lgdev_irqfd(int vm, int fd, unsigned int vcpu, unsigned int vector)
{
	int r = may_fail("irqfd");

	(void)vcpu;
	return r < 0 ? r : tell_with(vm, FAKE_IRQFD, vector, fd);
}

int lgdev_notifyfd(int vm, int fd, uint64_t token)
{
	int r = may_fail("notifyfd");

	return r < 0 ? r : tell_with(vm, FAKE_NOTIFYFD, token, fd);
}

int lgdev_discard(int vm, uint64_t gpa, uint64_t bytes)
{
	(void)vm;
	(void)gpa;
	(void)bytes;
	return may_fail("discard");
}

int lgdev_pause(int vm)
{
	int r = may_fail("pause");

	return r < 0 ? r : tell(vm, FAKE_PAUSE, 0, 0);
}

int lgdev_resume(int vm)
{
	int r = may_fail("resume");

	return r < 0 ? r : tell(vm, FAKE_RESUME, 0, 0);
}

int lgdev_exits(int vm, struct lg_exit *exits, unsigned int room)
{
	ssize_t got;
	int r = may_fail("exits");

	(void)room;
	if (r < 0)
		return r;
	got = recv(vm, exits, sizeof(*exits), MSG_PEEK | MSG_DONTWAIT);
	if (got < 0)
		return -errno;
	return got == sizeof(*exits) ? 1 : -EAGAIN;
}

int lgdev_answer(int vm, const struct lg_exit *exit, uint64_t result)
{
	struct lg_exit oldest;
	int r;

	if (lgdev_exits(vm, &oldest, 1) != 1 || oldest.serial != exit->serial)
		return -ENOENT;
	r = tell(vm, FAKE_ANSWER, exit->serial, result);
	recv(vm, &oldest, sizeof(oldest), MSG_DONTWAIT);
	return r;
}

int lgdev_vm_info(int vm, struct lg_vm_info *ret_info)
{
	(void)vm;
	*ret_info = (struct lg_vm_info){ .vcpus = 1 };
	return 0;
}

int lgdev_stats(int vcpu, struct lg_stats *ret_stats)
{
	(void)vcpu;
	*ret_stats = (struct lg_stats){ .stat = { [LG_STAT_ENTRIES] = 1 } };
	return 0;
}
