// SPDX-License-Identifier: GPL-2.0-only
/*
 * limit.c - so many a second
 *
 * A bucket of tokens, told the other way round: what was taken has a time at
 * which it is paid for, and whoever comes before that waits.  Nothing has to be
 * filled again while nobody comes, and one number is all there is.
 *
 * What is taken may be more than there is, since how much a request costs is
 * known only once it is there; the next then waits for longer.  Who has taken
 * nothing for a while has a little in hand, and no more than that.
 *
 * Next: daemon/virtio/net.c
 */
#include <time.h>

#include "disk.h"

#define SECOND_NS 1000000000LL
#define SPARE_NS  (SECOND_NS / 10) /* what one can have in hand */

int64_t limit_wait_ns(const struct limit *limit, int64_t now_ns)
{
	if (!limit->per_s || limit->due_ns <= now_ns)
		return 0;
	return limit->due_ns - now_ns;
}

void limit_take(struct limit *limit, int64_t now_ns, uint64_t amount)
{
	uint64_t whole, rest;

	if (!limit->per_s)
		return;
	if (limit->due_ns < now_ns - SPARE_NS)
		limit->due_ns = now_ns - SPARE_NS;
	/* In two steps, for amount * SECOND_NS is too much for a word. */
	whole = amount / limit->per_s;
	rest = amount % limit->per_s;
	if (whole > 3600)
		whole = 3600;
	limit->due_ns += (int64_t)whole * SECOND_NS +
			 (int64_t)((double)rest / (double)limit->per_s *
				   (double)SECOND_NS);
}

int64_t limit_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}
