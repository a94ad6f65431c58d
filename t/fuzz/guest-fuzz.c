// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest-fuzz.c - guests that make no sense
 *
 *	guest-fuzz [--seed N] [--runs N]	bounded; the seed is printed
 *	guest-fuzz --forever			until it finds something
 *
 * Whatever bytes a guest runs, and whatever it leaves in its registers, its
 * page tables and its struct lguest_data, it can end only itself.  Each run is
 * one guest of one of four kinds (enum kind), made from a seed of its own, so
 * that a run which found something is found again by its number alone.
 *
 * A run may end in any kill, a shutdown, or its time being up.  What may not
 * be: a fault inside the Switcher, an ioctl that fails as it never should, an
 * exit nobody has heard of.  A host that complains in its log fails the test
 * too, but that is seen by the rig.
 *
 * Start at main() and one_run().
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest-fuzz.h"
#include "tap.h"

#define RUNS_PER_VM 64
#define LIMIT_MS    20
#define TRAPS       0x102

static struct {
	unsigned long long runs, timeouts, shutdowns, refused, switches;
	unsigned long long kills[TRAPS], odd_kills, records, interrupts, faults;
} seen;

/* Random, and enough of it to have a life of its own in each run. */
__u64 fuzz_next(struct fuzz *fuzz)
{
	__u64 x = fuzz->state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

bool fuzz_one_in(struct fuzz *fuzz, unsigned int n)
{
	return fuzz_next(fuzz) % n == 0;
}

/* Tokens are answered by going on; text goes nowhere. */
static int on_notify(struct vmm *vmm, __u64 token)
{
	(void)vmm;
	return token == FUZZ_READY ? -1 : 0;
}

/*
 * The stub tells lg.ko about lguest_data and the two addresses and says that it
 * is ready; then the vcpu gets the registers of the run.
 */
static int prepare(struct fuzz *fuzz)
{
	struct vmm *vmm = fuzz->vmm;
	struct lg_regs regs;
	int end;

	fuzz_fill(fuzz);
	vmm->regs.rip = FUZZ_STUB;
	vmm->regs.rbx = fuzz->data_gpa;
	vmm->regs.r12 = fuzz->entry;
	vmm->regs.r13 = fuzz->exit;
	vmm->regs.r14 = fuzz->iret;
	vmm->regs.r15 = fuzz->fault;
	end = vmm_run(vmm);
	/* The stub itself may run out of time on a busy machine. */
	if (end == VMM_TIMEOUT)
		return 1;
	if (end != LG_EXIT_NOTIFY)
		return -1;
	fuzz_regs(fuzz, &regs);
	if (vmm_set_regs(vmm, &regs) == 0) {
		fuzz_events(fuzz);
		seen.records += fuzz->taken;
		return 0;
	}
	seen.refused++;
	return errno == EINVAL ? 1 : -1;
}

/* What must not be said of a run; NULL if all is well. */
static const char *judge(struct vmm *vmm, int end)
{
	const struct lg_run *run = vmm->run;

	switch (end) {
	case VMM_TIMEOUT:
		seen.timeouts++;
		return NULL;
	case LG_EXIT_SHUTDOWN:
		seen.shutdowns++;
		return NULL;
	case LG_EXIT_KILLED:
		if (run->trap < TRAPS)
			seen.kills[run->trap]++;
		else
			seen.odd_kills++;
		if (strstr(run->why, "witcher"))
			return "the Switcher faulted";
		return run->why[0] ? NULL : "a kill without a reason";
	case VMM_ERROR:
		return "an ioctl failed";
	}
	return "an exit of an unknown kind";
}

static bool one_run(struct vmm *vmm, __u64 seed)
{
	struct fuzz fuzz = { .vmm = vmm, .state = seed };
	const char *wrong = NULL;
	int end;

	seen.runs++;
	end = prepare(&fuzz);
	if (end == 0) {
		fuzz_scribble(&fuzz);
		end = vmm_run(vmm);
		fuzz_scribble_end();
		wrong = judge(vmm, end);
		seen.interrupts += vmm->run->stat[LG_STAT_INTERRUPTS];
		seen.faults += vmm->run->stat[LG_STAT_FAULTS];
		seen.switches += *(__u32 *)vmm_at(vmm, FUZZ_COUNTER, 4) % 65;
	} else if (end < 0) {
		wrong = "the stub did not come to its end";
	}
	if (!wrong)
		return true;
	diag("run with seed %llu: %s: %s", seed, wrong, vmm_why(vmm));
	diag("to see it again: guest-fuzz --seed %llu --runs 1", seed);
	return false;
}

/* A VM for a while, a vcpu for each run. */
static bool some_runs(__u64 seed, unsigned long long runs)
{
	struct vmm_options options = { .ram_bytes = FUZZ_RAM,
				       .limit_ms = LIMIT_MS };
	unsigned long long i;
	bool fine = true;
	struct vmm vmm;

	if (vmm_create(&vmm, &options) < 0)
		bail_out("%s", vmm_why(&vmm));
	vmm.on_notify = on_notify;
	for (i = 0; i < runs && fine; i++) {
		if (i && vmm_reset(&vmm) < 0)
			bail_out("%s", vmm_why(&vmm));
		fine = one_run(&vmm, seed + i);
	}
	vmm_destroy(&vmm);
	return fine;
}

static void report(void)
{
	unsigned int i;

	printf("# %llu runs: %llu shutdowns, %llu out of time, %llu refused",
	       seen.runs, seen.shutdowns, seen.timeouts, seen.refused);
	for (i = 0; i < TRAPS; i++) {
		if (seen.kills[i])
			printf(", trap %#x: %llu", i, seen.kills[i]);
	}
	printf(", others: %llu\n# %llu records taken, %llu interrupts",
	       seen.odd_kills, seen.records, seen.interrupts);
	printf("\n# %llu returns to user mode with random "
	       "words, %llu page faults that came directly\n",
	       seen.switches, seen.faults);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "runs", required_argument, NULL, 'n' },
		{ "forever", no_argument, NULL, 'f' },
		{ 0 },
	};
	unsigned long long runs = 1500, done = 0, part;
	__u64 seed = (__u64)time(NULL) * 1000003;
	bool fine = true;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 'n')
			runs = strtoull(optarg, NULL, 0);
		else if (opt == 'f')
			runs = ~0ULL;
		else
			return 2;
	}
	plan(3);
	diag("seed %llu", seed);
	while (fine && done < runs) {
		part = runs - done < RUNS_PER_VM ? runs - done : RUNS_PER_VM;
		fine = some_runs(seed + done, part);
		done += part;
		if (done % (RUNS_PER_VM * 100) == 0)
			report();
	}
	report();
	ok(fine, "no guest ended anything but itself");
	ok(runs < 500 || (seen.switches > runs / 10 && seen.faults > runs / 10),
	   "and the direct paths were taken often enough to matter");
	ok(runs < 500 ||
		   (seen.records > runs / 4 && seen.interrupts > runs / 20),
	   "and what the host remembers was good enough, too");
	return tap_end();
}
