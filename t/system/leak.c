// SPDX-License-Identifier: GPL-2.0-only
/*
 * leak.c - VMs come and go, and all their memory with them
 *
 * Story: leak.t.
 */
#include <stdio.h>

#include "../lib/tap.h"
#include "busy.h"

#define WARM   25
#define ROUNDS 200
#define BOUND  (ROUNDS * 4 / 2) /* half a page for each VM, in kB */

static int one(unsigned int i)
{
	static const __u64 ops[] = { OP_SHUTDOWN, OP_INVALID, OP_NOTIFY };
	struct busy busy;
	int end;

	busy_create(&busy, ops[i % 3], 10, NULL);
	end = vmm_run_on(&busy.vmm);
	busy_destroy(&busy);
	return end == LG_EXIT_SHUTDOWN || end == LG_EXIT_KILLED ||
	       end == LG_EXIT_NOTIFY;
}

static unsigned int many(unsigned int count)
{
	unsigned int i, good = 0;

	for (i = 0; i < count; i++)
		good += (unsigned int)one(i);
	return good;
}

/* What is freed late, by RCU or a worker, comes back if one waits for it. */
static long long await_free(long long want_kb)
{
	long long end = now_ms() + PATIENCE_MS / 3, got;

	do {
		got = free_kb();
		nap();
	} while (got < want_kb && now_ms() < end);
	return got;
}

int main(void)
{
	int users = module_users();
	long long before, after;

	many(WARM);
	before = await_free(0);
	is(many(ROUNDS), ROUNDS, "%d VMs come, run and go", ROUNDS);
	after = await_free(before - BOUND);
	ok(after >= before - BOUND,
	   "their memory is back: %lld kB were free, now %lld (less than %d "
	   "kB are missing)",
	   before, after, BOUND);
	is((__u64)module_users(), (__u64)users, "and nothing is left open");
	return tap_end();
}
