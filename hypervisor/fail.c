// SPDX-License-Identifier: GPL-2.0-only
/*
 * fail.c - the host is out of memory, when a test wants it to be
 *
 * Only the debug build has this file.  The module's parameter fail_nth counts
 * down with each allocation, and the one that finds 1 there fails; then it is 0
 * and nothing fails any more.  Whoever walks up from 1 meets every one.
 *
 * Next: hypervisor/dev.c
 */
#include <linux/atomic.h>
#include <linux/moduleparam.h>
#include "lg.h"

static int fail_nth;
module_param(fail_nth, int, 0600);

/* fail_now - is this allocation to fail?  Any context */
bool fail_now(void)
{
	int left = READ_ONCE(fail_nth);

	while (left > 0) {
		int found = cmpxchg(&fail_nth, left, left - 1);

		if (found == left)
			return left == 1;
		left = found;
	}
	return false;
}
