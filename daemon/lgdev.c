// SPDX-License-Identifier: GPL-2.0-only
/*
 * lgdev.c - lg.ko, a function for each of its calls
 *
 * Nobody else in lguestd calls ioctl(), so that a test can put something in
 * this file's place and have a daemon without a module or a privilege.  What is
 * decided here is only which of lg.ko's features a guest of ours is given, and
 * what it must have is in abi.c.
 *
 * We stand at the wall: below is hypervisor/dev.c, and on the other side of it
 * the program that runs what was made here.
 *
 * Next: daemon/abi.c
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vm.h"

#define DEVICE "/dev/lguest"

#define HELPFUL                                                               \
	(LG_FEATURE_DIRECT_SYSCALL | LG_FEATURE_DEBUGREGS | LG_FEATURE_PCID | \
	 LG_FEATURE_DISCARD | LG_FEATURE_LDT)

int lgdev_open(struct lg_info *ret_info, struct why *why)
{
	struct lg_info info;
	int device, r;

	device = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0 && errno == ENOENT)
		return why_say(why, -ENODEV,
			       "lg.ko: no " DEVICE ": is the module loaded? "
			       "(try: modprobe lg)");
	if (device < 0)
		return why_say(why, -errno, "lg.ko: open " DEVICE ": %s",
			       strerror(errno));
	if (ioctl(device, LG_INFO, &info) < 0)
		r = why_say(why, -ENODEV, "lg.ko: LG_INFO: %s",
			    strerror(errno));
	else
		r = abi_check(&info, why);
	if (r < 0) {
		close(device);
		return r;
	}
	*ret_info = info;
	return device;
}

/* Exits are read from the loop, which never waits. */
int lgdev_vm_create(int device, uint64_t features)
{
	struct lg_vm_create create = {
		.abi = LG_ABI_VERSION,
		.features = features & (LGDEV_NEEDED | HELPFUL),
	};
	int vm = ioctl(device, LG_VM_CREATE, &create);

	if (vm < 0)
		return -errno;
	if (fcntl(vm, F_SETFL, O_RDWR | O_NONBLOCK) < 0) {
		close(vm);
		return -EIO;
	}
	return vm;
}

int lgdev_slot_add(int vm, int memfd, uint64_t bytes)
{
	struct lg_slot slot = { .bytes = bytes, .memfd = memfd };

	return ioctl(vm, LG_SLOT_ADD, &slot) < 0 ? -errno : 0;
}

int lgdev_vcpu_create(int vm, unsigned int id)
{
	struct lg_vcpu_create create = { .id = id };
	int vcpu = ioctl(vm, LG_VCPU_CREATE, &create);

	return vcpu < 0 ? -errno : vcpu;
}

int lgdev_interrupt(int vm, unsigned int vcpu, unsigned int vector)
{
	struct lg_interrupt interrupt = { .vcpu = vcpu, .vector = vector };

	return ioctl(vm, LG_INTERRUPT, &interrupt) < 0 ? -errno : 0;
}

int lgdev_irqfd(int vm, int fd, unsigned int vcpu, unsigned int vector)
{
	struct lg_eventfd call = { .fd = fd, .vcpu = vcpu, .vector = vector };

	return ioctl(vm, LG_IRQFD, &call) < 0 ? -errno : 0;
}

int lgdev_notifyfd(int vm, int fd, uint64_t token)
{
	struct lg_eventfd call = { .fd = fd, .token = token };

	return ioctl(vm, LG_NOTIFYFD, &call) < 0 ? -errno : 0;
}

int lgdev_discard(int vm, uint64_t gpa, uint64_t bytes)
{
	struct lg_range range = { .gpa = gpa, .bytes = bytes };

	return ioctl(vm, LG_DISCARD, &range) < 0 ? -errno : 0;
}

int lgdev_pause(int vm)
{
	int r;

	/* A signal of ours is no reason to leave it half paused. */
	do
		r = ioctl(vm, LG_PAUSE, 0) < 0 ? -errno : 0;
	while (r == -EINTR);
	return r;
}

int lgdev_resume(int vm)
{
	return ioctl(vm, LG_RESUME, 0) < 0 ? -errno : 0;
}

int lgdev_exits(int vm, struct lg_exit *exits, unsigned int room)
{
	ssize_t got = read(vm, exits, room * sizeof(*exits));

	return got < 0 ? -errno : (int)((size_t)got / sizeof(*exits));
}

int lgdev_answer(int vm, const struct lg_exit *exit, uint64_t result)
{
	struct lg_answer answer = {
		.vcpu = exit->vcpu,
		.exit = exit->exit,
		.serial = exit->serial,
		.result = result,
	};

	return ioctl(vm, LG_ANSWER, &answer) < 0 ? -errno : 0;
}

int lgdev_vm_info(int vm, struct lg_vm_info *ret_info)
{
	return ioctl(vm, LG_VM_INFO, ret_info) < 0 ? -errno : 0;
}

int lgdev_stats(int vcpu, struct lg_stats *ret_stats)
{
	return ioctl(vcpu, LG_STATS, ret_stats) < 0 ? -errno : 0;
}
