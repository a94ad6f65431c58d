// SPDX-License-Identifier: GPL-2.0-only
/*
 * calls.c - calls with a word in them that should not be there
 *
 * Story: calls.t.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"

#define UNMAPPED ((void *)16)

static int call(int fd, unsigned long cmd, void *arg)
{
	int r = ioctl(fd, cmd, arg);

	if (r > 0)
		close(r); /* a descriptor that should not have been */
	return r < 0 ? errno : 0;
}

/*
 * Every 4-byte word in [from, to) of a good struct, set to 1 and to the highest
 * bit.  Returns how many of them were not refused with EINVAL.
 */
static int spoil(int fd, unsigned long cmd, const void *good, size_t bytes,
		 size_t from, size_t to)
{
	static const __u32 values[] = { 1, 1U << 31 };
	__u32 words[128];
	size_t at;
	int i, missed = 0;

	for (at = from; at < to; at += 4) {
		for (i = 0; i < 2; i++) {
			memcpy(words, good, bytes);
			words[at / 4] = values[i];
			missed += call(fd, cmd, words) != EINVAL;
		}
	}
	return missed;
}

#define SPOIL(fd, cmd, good, field, end)                         \
	is((__u64)spoil(fd, cmd, &(good), sizeof(good),          \
			offsetof(__typeof__(good), field), end), \
	   0, #cmd ": each spare word must be zero (from ." #field ")")

/* From this field to the end of the struct. */
#define SPOIL_REST(fd, cmd, good, field) \
	SPOIL(fd, cmd, good, field, sizeof(good))

static void test_device(int device)
{
	struct lg_vm_create create = { .abi = LG_ABI_VERSION };

	is((__u64)call(device, LG_INFO, UNMAPPED), EFAULT,
	   "LG_INFO: to nowhere");
	is((__u64)call(device, LG_VM_CREATE, UNMAPPED), EFAULT,
	   "LG_VM_CREATE: from nowhere");
	SPOIL(device, LG_VM_CREATE, create, flags, 8);
	SPOIL_REST(device, LG_VM_CREATE, create, reserved);
	create.features = 1ULL << 40;
	is((__u64)call(device, LG_VM_CREATE, &create), EINVAL,
	   "LG_VM_CREATE: a feature that there is not");
	create.features = 0;
	create.abi = LG_ABI_MIN - 1;
	is((__u64)call(device, LG_VM_CREATE, &create), EPROTO,
	   "LG_VM_CREATE: too old a caller");
	create.abi = LG_ABI_VERSION + 1;
	is((__u64)call(device, LG_VM_CREATE, &create), EPROTO,
	   "LG_VM_CREATE: too new a caller");
	create.abi = ~0U;
	is((__u64)call(device, LG_VM_CREATE, &create), EPROTO,
	   "LG_VM_CREATE: an absurd one");
}

static void test_eventfd(struct vmm *vmm)
{
	struct lg_eventfd irq = { .fd = eventfd(0, EFD_CLOEXEC), .vector = 32 };
	struct lg_eventfd token = { .fd = irq.fd, .token = LG_MAX_GPA };

	is((__u64)call(vmm->vm, LG_IRQFD, UNMAPPED), EFAULT,
	   "LG_IRQFD: from nowhere");
	SPOIL_REST(vmm->vm, LG_IRQFD, irq, token);
	is((__u64)call(vmm->vm, LG_NOTIFYFD, UNMAPPED), EFAULT,
	   "LG_NOTIFYFD: from nowhere");
	SPOIL(vmm->vm, LG_NOTIFYFD, token, vcpu, 16);
	SPOIL_REST(vmm->vm, LG_NOTIFYFD, token, reserved);
	irq.flags = token.flags = LG_EVENTFD_REMOVE << 1;
	is((__u64)call(vmm->vm, LG_IRQFD, &irq), EINVAL,
	   "LG_IRQFD: a flag that there is not");
	is((__u64)call(vmm->vm, LG_NOTIFYFD, &token), EINVAL,
	   "LG_NOTIFYFD: neither");
	close(irq.fd);
}

static void test_vm(struct vmm *vmm)
{
	struct lg_slot slot = {
		.slot = 5, .bytes = 4096, .gpa = 1ULL << 40, .memfd = vmm->memfd
	};
	struct lg_slot remove = { .slot = 0 };
	struct lg_range range = { .bytes = 4096 };
	struct lg_dirty_log log = { .slot = 0, .pages = 1 };
	struct lg_vcpu_create create = { .id = 1 };

	is((__u64)call(vmm->vm, LG_SLOT_ADD, UNMAPPED), EFAULT,
	   "LG_SLOT_ADD: from nowhere");
	slot.flags = LG_SLOT_DIRTY_LOG << 1;
	is((__u64)call(vmm->vm, LG_SLOT_ADD, &slot), EINVAL,
	   "LG_SLOT_ADD: a flag that there is not");
	slot.flags = 0;
	SPOIL_REST(vmm->vm, LG_SLOT_ADD, slot, reserved0);
	is((__u64)call(vmm->vm, LG_SLOT_REMOVE, UNMAPPED), EFAULT,
	   "LG_SLOT_REMOVE: from nowhere");
	SPOIL_REST(vmm->vm, LG_SLOT_REMOVE, remove, flags);
	is((__u64)call(vmm->vm, LG_DISCARD, UNMAPPED), EFAULT,
	   "LG_DISCARD: from nowhere");
	SPOIL_REST(vmm->vm, LG_DISCARD, range, reserved);
	is((__u64)call(vmm->vm, LG_DIRTY_LOG, UNMAPPED), EFAULT,
	   "LG_DIRTY_LOG: from nowhere");
	SPOIL(vmm->vm, LG_DIRTY_LOG, log, reserved0, 8);
	SPOIL_REST(vmm->vm, LG_DIRTY_LOG, log, reserved);
	is((__u64)call(vmm->vm, LG_PAUSE, (void *)1), EINVAL,
	   "LG_PAUSE has no argument");
	is((__u64)call(vmm->vm, LG_RESUME, (void *)1), EINVAL,
	   "nor has LG_RESUME");
	is((__u64)call(vmm->vm, LG_VM_INFO, UNMAPPED), EFAULT,
	   "LG_VM_INFO: to nowhere");
	is((__u64)call(vmm->vcpu, LG_STATS, UNMAPPED), EFAULT,
	   "LG_STATS: to nowhere");
	is((__u64)call(vmm->vm, LG_VCPU_CREATE, UNMAPPED), EFAULT,
	   "LG_VCPU_CREATE: from nowhere");
	SPOIL_REST(vmm->vm, LG_VCPU_CREATE, create, flags);
	create.id = LG_MAX_VCPUS;
	is((__u64)call(vmm->vm, LG_VCPU_CREATE, &create), EINVAL,
	   "LG_VCPU_CREATE: one more than there can be");
	create.id = ~0U;
	is((__u64)call(vmm->vm, LG_VCPU_CREATE, &create), EINVAL,
	   "LG_VCPU_CREATE: an absurd number");
	create.id = 0;
	is((__u64)call(vmm->vm, LG_VCPU_CREATE, &create), EEXIST,
	   "LG_VCPU_CREATE: a number that is taken");
	create.id = LG_MAX_VCPUS - 1;
	is((__u64)call(vmm->vm, LG_VCPU_CREATE, &create), 0,
	   "LG_VCPU_CREATE: the highest number");
	is((__u64)call(vmm->vm, LG_VCPU_CREATE, &create), 0,
	   "and again, when the first has been closed");
}

static int set(struct vmm *vmm, __u32 type, void *record, __u32 bytes)
{
	struct lg_state state = { .type = type,
				  .bytes = bytes,
				  .addr = (__u64)(uintptr_t)record };

	return call(vmm->vcpu, LG_STATE_SET, &state);
}

static void test_state(struct vmm *vmm)
{
	struct lg_regs regs;
	struct lg_state state = { .type = LG_STATE_REGS,
				  .bytes = sizeof(regs),
				  .addr = (__u64)(uintptr_t)&regs };
	static const __u32 sizes[] = { 0, 8, sizeof(regs) - 8, sizeof(regs) + 8,
				       ~0U };
	int i, missed = 0;

	vmm_get_regs(vmm, &regs);
	is((__u64)call(vmm->vcpu, LG_STATE_GET, UNMAPPED), EFAULT,
	   "LG_STATE_GET: from nowhere");
	is((__u64)call(vmm->vcpu, LG_STATE_SET, UNMAPPED), EFAULT,
	   "LG_STATE_SET: from nowhere");
	SPOIL_REST(vmm->vcpu, LG_STATE_GET, state, reserved);
	SPOIL_REST(vmm->vcpu, LG_STATE_SET, state, reserved);
	for (i = 0; i < 5; i++) {
		state.bytes = sizes[i];
		missed += call(vmm->vcpu, LG_STATE_GET, &state) != EINVAL;
		missed += call(vmm->vcpu, LG_STATE_SET, &state) != EINVAL;
	}
	is((__u64)missed, 0, "LG_STATE_*: a record has its size and no other");
	state.bytes = sizeof(regs);
	for (i = 0; i < 40; i++) {
		state.type = i < 38 ? (__u32)(i + 7) : i == 38 ? 0 : ~0U;
		missed += call(vmm->vcpu, LG_STATE_GET, &state) != EINVAL;
	}
	is((__u64)missed, 0, "LG_STATE_*: there are six types");
	state.type = LG_STATE_REGS;
	state.addr = 16;
	is((__u64)call(vmm->vcpu, LG_STATE_GET, &state), EFAULT,
	   "LG_STATE_GET: a record to nowhere");
	is((__u64)call(vmm->vcpu, LG_STATE_SET, &state), EFAULT,
	   "LG_STATE_SET: a record from nowhere");
	state.addr = 0xffffffff81000000;
	is((__u64)call(vmm->vcpu, LG_STATE_GET, &state), EFAULT,
	   "LG_STATE_GET: a record into the kernel");
}

#define BAD_REGS(change, what)                                          \
	do {                                                            \
		regs = good;                                            \
		regs.change;                                            \
		is((__u64)set(vmm, LG_STATE_REGS, &regs, sizeof(regs)), \
		   EINVAL, "registers: " what);                         \
	} while (0)

static void test_regs(struct vmm *vmm)
{
	const __u64 noncanonical = 1ULL << 47;
	/* A base is the CPU's affair, which may have five levels. */
	const __u64 never_canonical = 1ULL << 62;
	struct lg_regs good, regs;
	size_t i;
	int missed = 0;

	vmm_get_regs(vmm, &good);
	is((__u64)set(vmm, LG_STATE_REGS, &good, sizeof(good)), 0,
	   "registers: as they are");
	BAD_REGS(rip = noncanonical, "RIP is not canonical");
	BAD_REGS(fs_base = never_canonical, "FS base is not canonical");
	BAD_REGS(gs_base = 1ULL << 63, "GS base is not canonical");
	BAD_REGS(user_gs_base = never_canonical, "nor is the user's");
	BAD_REGS(mode = 2, "mode 2");
	BAD_REGS(mode = ~0U, "an absurd mode");
	BAD_REGS(cs = 0x10, "CS is the host kernel's");
	BAD_REGS(cs = 0, "CS is null");
	BAD_REGS(ss = 0x18, "SS is the host kernel's");
	BAD_REGS(ss = 0, "SS is null");
	BAD_REGS(ds = 0x40, "DS is the task register's");
	BAD_REGS(es = 0x1b, "ES is nothing");
	BAD_REGS(gs = 0xfff8, "GS is past the end");
	BAD_REGS(reserved0 = 1, "a spare word");
	for (i = 0; i < sizeof(good.reserved) / 8; i++) {
		regs = good;
		regs.reserved[i] = 1ULL << (i * 9);
		missed +=
			set(vmm, LG_STATE_REGS, &regs, sizeof(regs)) != EINVAL;
	}
	is((__u64)missed, 0, "registers: every other spare word");
	vmm_get_regs(vmm, &regs);
	ok(!memcmp(&regs, &good, sizeof(regs)), "none of them was taken");
}

static void test_debugregs(struct vmm *vmm)
{
	struct lg_debugregs good = { .dr6 = 0 }, debug;
	const __u32 bytes = sizeof(debug);

	is((__u64)set(vmm, LG_STATE_DEBUGREGS, &good, bytes), 0,
	   "breakpoints: none");
	debug = good;
	debug.reserved[0] = 1;
	is((__u64)set(vmm, LG_STATE_DEBUGREGS, &debug, bytes), EINVAL,
	   "breakpoints: a spare word");
	debug = good;
	debug.reserved[1] = 1ULL << 63;
	is((__u64)set(vmm, LG_STATE_DEBUGREGS, &debug, bytes), EINVAL,
	   "breakpoints: the other one");
	debug = good;
	debug.dr[3] = 1ULL << 47;
	is((__u64)set(vmm, LG_STATE_DEBUGREGS, &debug, bytes), EINVAL,
	   "breakpoints: an address that is not canonical");
	debug.dr[3] = vmm->info.switcher_start;
	is((__u64)set(vmm, LG_STATE_DEBUGREGS, &debug, bytes), EINVAL,
	   "breakpoints: on the Switcher");
	debug.dr[3] = vmm->info.switcher_start - 1;
	is((__u64)set(vmm, LG_STATE_DEBUGREGS, &debug, bytes), EINVAL,
	   "breakpoints: almost on the Switcher");
}

static void refuse_map(int fd, size_t bytes, off_t at, const char *what)
{
	void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, at);

	is(map == MAP_FAILED ? (__u64)errno : 0, EINVAL, "mmap: %s", what);
	if (map != MAP_FAILED)
		munmap(map, bytes);
}

/* A call is known to one kind of descriptor and to no other. */
static void test_strangers(struct vmm *vmm)
{
	static const unsigned long calls[] = {
		LG_INFO,        LG_VM_CREATE, LG_SLOT_ADD,  LG_SLOT_REMOVE,
		LG_VCPU_CREATE, LG_RUN,       LG_STATE_GET, LG_STATE_SET,
		LG_ANSWER,      LG_PAUSE,     LG_RESUME,    LG_VM_INFO,
		LG_STATS,       LG_IRQFD,     LG_NOTIFYFD,
	};
	const int fds[] = { vmm->device, vmm->vm, vmm->vcpu };
	static const int owner[] = {
		0, 0, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 2, 1, 1
	};
	int i, j, missed = 0;

	for (i = 0; i < 15; i++)
		for (j = 0; j < 3; j++)
			missed += owner[i] != j &&
				  call(fds[j], calls[i], NULL) != ENOTTY;
	is((__u64)missed, 0, "each call is known to one kind of descriptor");
	for (i = 0, missed = 0; i < 256; i++)
		for (j = 0; j < 3; j++)
			missed += call(fds[j], _IO(0xb7, (unsigned)i), NULL) !=
				  ENOTTY;
	is((__u64)missed, 0, "and calls that are not ours to none");
	is((__u64)call(vmm->vcpu, LG_RUN, (void *)1), EINVAL,
	   "LG_RUN has no argument");
	is((__u64)call(vmm->vcpu, LG_RUN, UNMAPPED), EINVAL, "not any");
	refuse_map(vmm->vcpu, 8192, 0, "two pages of a vcpu");
	refuse_map(vmm->vcpu, 4096, 4096, "its second page");
	is(mmap(NULL, 4096, PROT_READ, MAP_SHARED, vmm->vm, 0) == MAP_FAILED
		   ? (__u64)errno
		   : 0,
	   ENODEV, "mmap: a VM has no page");
}

/* What belongs to a feature is not there without it. */
static void test_without(void)
{
	struct vmm_options options = {
		.but_features = LG_FEATURE_QUEUE | LG_FEATURE_PAUSE |
				LG_FEATURE_EVENTFD,
	};
	struct pollfd pollfd = { .events = POLLIN | POLLOUT };
	struct lg_answer answer = { .exit = LG_EXIT_NOTIFY };
	struct lg_eventfd wire = { .vector = 32 };
	struct lg_exit exits[2];
	struct busy busy;

	busy_create(&busy, OP_NOTIFY, 0, &options);
	is((__u64)call(busy.vmm.vm, LG_ANSWER, &answer), ENOTTY,
	   "LG_ANSWER: not of a VM without a queue");
	is((__u64)call(busy.vmm.vm, LG_PAUSE, NULL), ENOTTY,
	   "LG_PAUSE: not without the feature");
	is((__u64)call(busy.vmm.vm, LG_RESUME, NULL), ENOTTY,
	   "LG_RESUME: neither");
	is((__u64)call(busy.vmm.vm, LG_IRQFD, &wire), ENOTTY,
	   "LG_IRQFD: not without the feature");
	is((__u64)call(busy.vmm.vm, LG_NOTIFYFD, &wire), ENOTTY,
	   "LG_NOTIFYFD: neither");
	is(read(busy.vmm.vm, exits, sizeof(exits)) < 0 ? (__u64)errno : 0,
	   EINVAL, "read: not of a VM without a queue");
	pollfd.fd = busy.vmm.vm;
	is((__u64)poll(&pollfd, 1, 0), 1, "poll: says nothing of one");
	is((__u64)vmm_run_on(&busy.vmm), LG_EXIT_NOTIFY,
	   "its exits end LG_RUN");
	busy_destroy(&busy);
}

static void test_queue(void)
{
	struct vmm_options options = { .and_features = LG_FEATURE_QUEUE };
	struct lg_answer answer = { .exit = LG_EXIT_NOTIFY };
	struct lg_exit exits[2];
	struct vmm vmm;

	if (vmm_create(&vmm, &options) < 0)
		bail_out("%s", vmm_why(&vmm));
	is((__u64)call(vmm.vm, LG_ANSWER, UNMAPPED), EFAULT,
	   "LG_ANSWER: from nowhere");
	SPOIL_REST(vmm.vm, LG_ANSWER, answer, reserved);
	is((__u64)call(vmm.vm, LG_ANSWER, &answer), ENOENT,
	   "LG_ANSWER: there is nothing to answer");
	answer.vcpu = LG_MAX_VCPUS;
	is((__u64)call(vmm.vm, LG_ANSWER, &answer), EINVAL,
	   "LG_ANSWER: one more vcpu than there can be");
	answer = (struct lg_answer){ .exit = LG_EXIT_SHUTDOWN };
	is((__u64)call(vmm.vm, LG_ANSWER, &answer), EINVAL,
	   "LG_ANSWER: what has none");
	is(read(vmm.vm, exits, sizeof(exits[0]) - 1) < 0 ? (__u64)errno : 0,
	   EINVAL, "read: no room for an exit");
	fcntl(vmm.vm, F_SETFL, O_RDWR | O_NONBLOCK);
	is(read(vmm.vm, exits, sizeof(exits)) < 0 ? (__u64)errno : 0, EAGAIN,
	   "read: nothing yet, and it may not wait");
	vmm_destroy(&vmm);
}

int main(void)
{
	struct busy busy;
	int users = module_users();

	test_without();
	test_queue();
	busy_create(&busy, OP_NOTIFY, 0, NULL);
	test_device(busy.vmm.device);
	test_vm(&busy.vmm);
	test_eventfd(&busy.vmm);
	is((__u64)vmm_run_on(&busy.vmm), LG_EXIT_NOTIFY, "a guest runs");
	test_state(&busy.vmm);
	test_regs(&busy.vmm);
	test_debugregs(&busy.vmm);
	test_strangers(&busy.vmm);
	is((__u64)vmm_run_on(&busy.vmm), LG_EXIT_NOTIFY,
	   "the guest has not noticed any of it");
	busy_destroy(&busy);
	is((__u64)module_users(), (__u64)users, "nothing is left open");
	return tap_end();
}
