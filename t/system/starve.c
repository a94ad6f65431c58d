// SPDX-License-Identifier: GPL-2.0-only
/*
 * starve.c - each allocation in the life of a VM fails, one life for each
 *
 * Story: starve.t.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"

#define FAIL_NTH "/sys/module/lg/parameters/fail_nth"
#define WALKS    4
#define MOST     5000 /* more allocations than a life can have */
#define KB_EACH  2 /* a life may cost so much less than a page */

static void set_nth(unsigned int nth)
{
	FILE *file = fopen(FAIL_NTH, "w");

	if (!file || fprintf(file, "%u\n", nth) < 0 || fclose(file))
		bail_out(FAIL_NTH ": cannot be written");
}

/* How many would still have to come; 0: it has failed. */
static unsigned int get_nth(void)
{
	FILE *file = fopen(FAIL_NTH, "r");
	unsigned int nth;

	if (!file || fscanf(file, "%u", &nth) != 1)
		bail_out(FAIL_NTH ": cannot be read");
	fclose(file);
	return nth;
}

static int set_ldt(struct vmm *vmm)
{
	static struct lg_ldt ldt = { .entries = 1 };
	struct lg_state state = {
		.type = LG_STATE_LDT,
		.bytes = sizeof(ldt),
		.addr = (__u64)(uintptr_t)&ldt,
	};

	return ioctl(vmm->vcpu, LG_STATE_SET, &state);
}

static int set_wire(struct vmm *vmm)
{
	struct lg_eventfd wire = { .fd = eventfd(0, EFD_CLOEXEC),
				   .vector = 40 };
	int r = ioctl(vmm->vm, LG_IRQFD, &wire), err = errno;

	close(wire.fd);
	errno = err;
	return r;
}

static int get_log(struct vmm *vmm)
{
	static __u64 bits[64];
	struct lg_dirty_log log = { .pages = 4096,
				    .addr = (__u64)(uintptr_t)bits };

	return ioctl(vmm->vm, LG_DIRTY_LOG, &log);
}

/* What is refused once is done when asked again: that is what *again counts. */
static int ask(struct vmm *vmm, int (*what)(struct vmm *), unsigned int *again)
{
	if (what(vmm) == 0)
		return 0;
	if (errno != ENOMEM)
		return -1;
	(*again)++;
	return what(vmm);
}

static int run_it(struct vmm *vmm, unsigned int *again)
{
	int end = vmm_run_on(vmm);

	if (end == VMM_ERROR && strstr(vmm_why(vmm), strerror(ENOMEM))) {
		(*again)++;
		end = vmm_run_on(vmm);
	}
	return end == LG_EXIT_SHUTDOWN ? 0 : -1;
}

/* A whole life.  0, or the host had no memory for it, or -1: something else. */
static int live(unsigned int *again)
{
	struct vmm_options options = { .slot_flags = LG_SLOT_DIRTY_LOG };
	struct vmm vmm;
	int r = -1;

	memset(&vmm, 0, sizeof(vmm));
	if (vmm_create(&vmm, &options) < 0 || vmm_load(&vmm, BUSY_GUEST) < 0) {
		r = strstr(vmm_why(&vmm), strerror(ENOMEM)) ? ENOMEM : -1;
	} else {
		vmm.regs.rdi = OP_SHUTDOWN;
		if (ask(&vmm, set_ldt, again) == 0 &&
		    ask(&vmm, set_wire, again) == 0 &&
		    run_it(&vmm, again) == 0 && ask(&vmm, get_log, again) == 0)
			r = 0;
	}
	if (r < 0)
		diag("%s (errno %d)", vmm_why(&vmm), errno);
	vmm_destroy(&vmm);
	return r;
}

struct walk {
	unsigned int lives, refused, again, wrong;
};

static void walk_on(struct walk *walk)
{
	unsigned int nth, left;
	int r;

	for (nth = 1; nth < MOST; nth++) {
		set_nth(nth);
		r = live(&walk->again);
		left = get_nth();
		set_nth(0);
		walk->lives++;
		walk->refused += r == ENOMEM;
		walk->wrong += r < 0;
		if (r < 0)
			diag("allocation %u", nth);
		if (left)
			return;
	}
	walk->wrong++;
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
	struct walk walk = { 0 };
	long long before, after, bound;
	int users = module_users();
	unsigned int i;

	walk_on(&walk); /* warm */
	before = await_free(0);
	for (i = 0; i < WALKS; i++)
		walk_on(&walk);
	bound = walk.lives * KB_EACH;
	after = await_free(before - bound);
	diag("%u lives, %u refused, %u times asked again", walk.lives,
	     walk.refused, walk.again);
	is(walk.wrong, 0, "no life ends but well, or for want of memory");
	ok(walk.refused > 10, "some could not begin");
	ok(walk.again > 10, "some had to ask again");
	ok(after >= before - bound,
	   "their memory is back: %lld kB were free, now %lld (less than %lld "
	   "kB are missing)",
	   before, after, bound);
	is((__u64)module_users(), (__u64)users, "and nothing is left open");
	i = 0;
	is((__u64)live(&i), 0, "and a guest lives after that");
	return tap_end();
}
