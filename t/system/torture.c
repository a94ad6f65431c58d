// SPDX-License-Identifier: GPL-2.0-only
/*
 * torture.c - page tables that another vcpu changes while one uses them
 *
 * Story: torture.t.  The guest finds out; here is the list.  Each case with room
 * for the shadow and with hardly any, and a seed of its own.
 */
#include <stdlib.h>

#include "../lib/tap.h"
#include "busy.h"
#include "crowd.h"
#include "torture.h"

#define ROUNDS 150 /* and LG_ROUNDS times that */

static const char *const sentences[TORTURE_CASES] = {
	[TORTURE_LARGE] = "large or small, the same pages are the same pages",
	[TORTURE_LARGE_TO] = "and others are others",
	[TORTURE_WRITE] = "W goes and comes, at any level",
	[TORTURE_PRESENT] = "P does",
	[TORTURE_USER_NX] = "U and NX do",
	[TORTURE_MOVE] = "a frame that was shot down is used no more",
	[TORTURE_BETWEEN] = "no A or D for an entry that has changed since",
	[TORTURE_RECURSIVE] = "tables that change through themselves",
	[TORTURE_LAST] = "a table in the last page of RAM",
	[TORTURE_DATA] = "a table becomes the data, and the data the table",
	[TORTURE_BESIDE] = "struct lguest_data is in a table",
};

static void torture(__u64 what, __u64 seed, __u64 shadow_pages, __u64 times)
{
	struct vmm_options options = { .shadow_pages = shadow_pages };
	struct crowd crowd;

	crowd_create_with(&crowd, SMP_TORTURE, 2, times, &options);
	crowd_words(&crowd)->what = what;
	crowd_words(&crowd)->seed = seed;
	crowd_start(&crowd);
	ok(crowd_finish(&crowd), "%s%s (seed %llu)", sentences[what],
	   shadow_pages ? ", with little room" : "", seed);
	crowd_destroy(&crowd);
}

int main(int argc, char **argv)
{
	__u64 seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1, what;
	__u64 times = argc > 2 ? strtoull(argv[2], NULL, 0) : rounds(ROUNDS);
	int users = module_users();

	what = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
	for (; what < TORTURE_CASES; what++) {
		torture(what, seed + what, 0, times);
		torture(what, seed + what, 1, times / 2);
	}
	is((__u64)module_users(), (__u64)users, "nothing is left open");
	return tap_end();
}
