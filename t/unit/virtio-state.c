// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices' state has its memory whatever signals come meanwhile.
 *
 * Once, of many guests that were created while others ended, one was refused:
 * "devices: Interrupted system call".  A child's end is a signal, and space in a
 * memfd is what a signal interrupts.  Here it comes three times out of four.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tap.h"
#include "virtio.h"

static unsigned int calls;
static int other_error;

int __real_fallocate(int fd, int mode, off_t at, off_t bytes);
int __wrap_fallocate(int fd, int mode, off_t at, off_t bytes);

int __wrap_fallocate(int fd, int mode, off_t at, off_t bytes)
{
	if (++calls % 4 || other_error) {
		errno = other_error ?: EINTR;
		return -1;
	}
	return __real_fallocate(fd, mode, at, bytes);
}

int main(void)
{
	struct virtio_state state = { .fd = -1 };
	int r = virtio_state_create(&state, "guest");

	if (!ok(r == 0, "it is made while signals come"))
		return tap_end();
	is(calls, 4, "at the fourth try");
	ok(virtio_state_room(&state, 0, 2) == 0, "so is a device's part of it");
	is(calls, 8, "at the fourth try, too");
	other_error = ENOSPC;
	is((unsigned long long)-virtio_state_room(&state, 1, 2), ENOSPC,
	   "but where there is no space there is none");
	virtio_state_fini(&state);
	return tap_end();
}
