// SPDX-License-Identifier: GPL-2.0-only
/*
 * crowd.c - a guest of several vcpus, each in a thread of its own
 *
 * Start at run().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"
#include "crowd.h"

#define GUEST "build/t/system/smp.elf"

static void on_signal(int signal)
{
	(void)signal; /* it has interrupted LG_RUN, and was meant to */
}

volatile struct smp_words *crowd_words(struct crowd *crowd)
{
	return (void *)(crowd->vmm.ram + SMP_WORDS);
}

static void map_run(struct member *member)
{
	member->run = mmap(NULL, 4096, PROT_READ, MAP_SHARED, member->fd, 0);
	if (member->run == MAP_FAILED)
		bail_out("run page: %s", strerror(errno));
}

void crowd_vcpu(struct crowd *crowd, int id)
{
	struct lg_vcpu_create create = { .id = (__u32)id };
	struct member *member = &crowd->member[id];

	*member = (struct member){ .crowd = crowd, .end = CROWD_RUNNING };
	member->fd = ioctl(crowd->vmm.vm, LG_VCPU_CREATE, &create);
	if (member->fd < 0)
		bail_out("LG_VCPU_CREATE: %d: %s", id, strerror(errno));
	map_run(member);
}

void crowd_create(struct crowd *crowd, __u64 op, int members, __u64 rounds)
{
	crowd_create_with(crowd, op, members, rounds, NULL);
}

void crowd_create_with(struct crowd *crowd, __u64 op, int members, __u64 rounds,
		       const struct vmm_options *options)
{
	struct vmm *vmm = &crowd->vmm;
	int i;

	memset(crowd, 0, sizeof(*crowd));
	if (vmm_create(vmm, options) < 0 || vmm_load(vmm, GUEST) < 0)
		bail_out("%s", vmm_why(vmm));
	vmm->regs.rdi = op;
	vmm->regs.rsi = (__u64)members;
	vmm->regs.rdx = rounds;
	if (vmm_set_regs(vmm, &vmm->regs) < 0)
		bail_out("%s", vmm_why(vmm));
	crowd->members = members;
	crowd->member[0] = (struct member){
		.crowd = crowd,
		.fd = vmm->vcpu,
		.end = CROWD_RUNNING,
	};
	map_run(&crowd->member[0]);
	for (i = 1; i < members; i++)
		crowd_vcpu(crowd, i);
}

void crowd_destroy(struct crowd *crowd)
{
	int i;

	crowd_stop(crowd);
	for (i = 0; i < crowd->members; i++) {
		munmap(crowd->member[i].run, 4096);
		close(crowd->member[i].fd);
	}
	crowd->vmm.vcpu = -1;
	vmm_destroy(&crowd->vmm);
}

static void say(struct crowd *crowd, const char *what, __u64 gpa)
{
	const char *text = vmm_at(&crowd->vmm, gpa, 1);

	diag("%s: %.200s", what, text && gpa ? text : "");
}

/* As a daemon does: until there is something to be done about it. */
static void *run(void *arg)
{
	struct member *member = arg;
	struct crowd *crowd = member->crowd;
	int end = CROWD_RUNNING;

	while (end == CROWD_RUNNING &&
	       !__atomic_load_n(&crowd->stop, __ATOMIC_ACQUIRE)) {
		if (ioctl(member->fd, LG_RUN, 0) == 0)
			end = (int)member->run->exit;
		else if (errno != EINTR)
			end = VMM_ERROR;
		if (end != LG_EXIT_NOTIFY)
			continue;
		say(crowd, "the guest", member->run->data[0]);
		end = CROWD_RUNNING;
	}
	__atomic_store_n(&member->end, end, __ATOMIC_RELEASE);
	return NULL;
}

void crowd_start(struct crowd *crowd)
{
	struct sigaction action = { .sa_handler = on_signal };
	int i;

	sigaction(SIGUSR1, &action, NULL);
	crowd->stop = false;
	for (i = 0; i < crowd->members; i++) {
		struct member *member = &crowd->member[i];

		member->end = CROWD_RUNNING;
		if (pthread_create(&member->thread, NULL, run, member))
			bail_out("no thread");
		member->started = true;
	}
}

void crowd_stop(struct crowd *crowd)
{
	int i;

	__atomic_store_n(&crowd->stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < crowd->members; i++)
		if (crowd->member[i].started)
			pthread_kill(crowd->member[i].thread, SIGUSR1);
	for (i = 0; i < crowd->members; i++) {
		struct member *member = &crowd->member[i];

		/* One that came just before LG_RUN slept on it is made good. */
		while (member->started &&
		       pthread_tryjoin_np(member->thread, NULL)) {
			pthread_kill(member->thread, SIGUSR1);
			nap();
		}
		member->started = false;
	}
}

int crowd_end(struct crowd *crowd, int id)
{
	return __atomic_load_n(&crowd->member[id].end, __ATOMIC_ACQUIRE);
}

/* The first vcpu that has come to an end, or -1. */
static int who_ended(struct crowd *crowd)
{
	int i;

	for (i = 0; i < crowd->members; i++)
		if (crowd_end(crowd, i) != CROWD_RUNNING)
			return i;
	return -1;
}

static void say_end(struct crowd *crowd, int id)
{
	const struct lg_run *run = crowd->member[id].run;

	if (id < 0)
		diag("no progress after %llu", crowd_words(crowd)->progress);
	else if (crowd_end(crowd, id) == LG_EXIT_SHUTDOWN)
		say(crowd, "crash", run->data[1]);
	else
		diag("vcpu %d: exit %d: %.200s", id, crowd_end(crowd, id),
		     run->why);
}

bool crowd_finish(struct crowd *crowd)
{
	long long end = now_ms() + PATIENCE_MS;
	__u64 progress = 0;
	int who;

	while ((who = who_ended(crowd)) < 0 && now_ms() < end) {
		if (crowd_words(crowd)->progress != progress)
			end = now_ms() + PATIENCE_MS;
		progress = crowd_words(crowd)->progress;
		nap();
	}
	crowd_stop(crowd);
	if (who >= 0 && crowd_end(crowd, who) == LG_EXIT_SHUTDOWN &&
	    crowd->member[who].run->data[0] == LGUEST_SHUTDOWN_POWEROFF)
		return true;
	say_end(crowd, who);
	return false;
}

bool crowd_await(struct crowd *crowd, volatile __u64 *word, __u64 value)
{
	long long end = now_ms() + PATIENCE_MS;

	while (*word < value && now_ms() < end && who_ended(crowd) < 0)
		nap();
	if (*word < value)
		say_end(crowd, who_ended(crowd));
	return *word >= value;
}
