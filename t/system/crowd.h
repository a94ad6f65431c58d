/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crowd.h - a guest of several vcpus, each in a thread of its own
 *
 * The guest is smp-guest.c.  Whatever cannot be set up ends the test with the
 * reason; a crowd that makes no progress is stopped, and has not ended.
 */
#ifndef CROWD_H
#define CROWD_H

#include <pthread.h>
#include <stdbool.h>

#include "../lib/vmm.h"
#include "smp.h"

#define CROWD_RUNNING 0x200 /* crowd_end(): none of LG_EXIT_* yet */

struct crowd;

struct member {
	struct crowd *crowd;
	int fd;
	struct lg_run *run;
	pthread_t thread;
	bool started;
	int tid; /* of that thread */
	int end; /* LG_EXIT_*, VMM_ERROR, or CROWD_RUNNING */
};

struct crowd {
	struct vmm vmm; /* its vcpu is member 0's, too */
	int members;
	struct member member[SMP_VCPUS];
	bool stop;
};

/* crowd_create - op of smp.h, for so many vcpus and rounds */
void crowd_create(struct crowd *crowd, __u64 op, int members, __u64 rounds);
void crowd_create_with(struct crowd *crowd, __u64 op, int members, __u64 rounds,
		       const struct vmm_options *options);
void crowd_destroy(struct crowd *crowd);

/* crowd_vcpu - a new vcpu for that place, which has none */
void crowd_vcpu(struct crowd *crowd, int id);

/* crowd_start, crowd_stop - all threads; stopping can be gone on from */
void crowd_start(struct crowd *crowd);
void crowd_stop(struct crowd *crowd);

/* crowd_end - how vcpu id has ended */
int crowd_end(struct crowd *crowd, int id);

/*
 * crowd_finish - wait until the guest shuts down, and stop
 *
 * True if it was a power off; otherwise says what happened.
 */
bool crowd_finish(struct crowd *crowd);

volatile struct smp_words *crowd_words(struct crowd *crowd);

/*
 * crowd_await - until a word of the guest's is at least that
 *
 * False: it never will.  Then the crowd has been stopped, and all that is known
 * of it is said.
 */
bool crowd_await(struct crowd *crowd, volatile __u64 *word, __u64 value);

#endif /* CROWD_H */
