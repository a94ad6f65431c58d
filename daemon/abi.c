// SPDX-License-Identifier: GPL-2.0-only
/*
 * abi.c - do lguestd and lg.ko understand each other?
 *
 * Either may be upgraded first, as the daemon can be replaced while guests run
 * and the module cannot.  The module says which versions of the ABI it serves,
 * from its oldest daemon to its newest; we speak one.  If that is among them all
 * is well, whichever of us is newer; if not, no guest is started, and who asks
 * for one, or asks the doctor, hears which of the two is to be replaced.
 *
 * What must never happen: a guest under a module that takes our words for
 * something else.
 *
 * Next: daemon/run/main.c
 */
#include <errno.h>

#include "vm.h"

int abi_check(const struct lg_info *info, struct why *why)
{
	if (LG_ABI_VERSION < info->abi_min)
		return why_say(why, -ENODEV,
			       "lg.ko: newer than lguestd: it speaks ABI %u to "
			       "%u, lguestd %u (try: upgrade lguest)",
			       info->abi_min, info->abi_max, LG_ABI_VERSION);
	if (LG_ABI_VERSION > info->abi_max)
		return why_say(why, -ENODEV,
			       "lg.ko: older than lguestd: it speaks ABI %u to "
			       "%u, lguestd %u (try: stop guests, rmmod lg, "
			       "modprobe lg)",
			       info->abi_min, info->abi_max, LG_ABI_VERSION);
	if ((info->features & LGDEV_NEEDED) != LGDEV_NEEDED)
		return why_say(why, -ENODEV,
			       "lg.ko: lacks what a guest needs: it has "
			       "features %#llx of %#llx (try: upgrade lguest)",
			       (unsigned long long)info->features &
				       LGDEV_NEEDED,
			       (unsigned long long)LGDEV_NEEDED);
	return 0;
}
