// SPDX-License-Identifier: GPL-2.0-only
/*
 * smp.c - vcpus that wake, interrupt, start and end each other
 *
 * Story: smp.t.  Start at main(), which is the list.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"
#include "crowd.h"

#define ROUNDS 2000 /* and LG_ROUNDS times that */
#define DEATHS 25
#define STORM  5000

#define STOLEN_NS 200000000

static const struct {
	__u64 op;
	int members;
	__u64 rounds;
	const char *sentence;
} stories[] = {
	{ SMP_PASS, 2, ROUNDS / 2,
	  "an IPI goes back and forth, and none is lost" },
	{ SMP_PASS, 4, ROUNDS / 8, "or round and round" },
	{ SMP_WAKE, 2, ROUNDS, "no wake is lost between a look and a wait" },
	{ SMP_WAKE, 4, ROUNDS / 8, "nor among four" },
	{ SMP_SHOOT, 4, ROUNDS / 16,
	  "a page that was shot down is seen by none" },
	{ SMP_UP, 3, ROUNDS / 4, "each VCPU_UP that succeeds is one start" },
	{ SMP_GATES, 1, 200, "what waits comes before a handler that lets it" },
};

static void test_stories(void)
{
	struct crowd crowd;
	size_t i;

	for (i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		crowd_create(&crowd, stories[i].op, stories[i].members,
			     rounds(stories[i].rounds));
		crowd_start(&crowd);
		ok(crowd_finish(&crowd), "%s", stories[i].sentence);
		crowd_destroy(&crowd);
	}
}

/* ---- a vcpu is killed ---- */

static void test_killed(void)
{
	long long end = now_ms() + PATIENCE_MS;
	struct crowd crowd;
	int i, dead = 0;

	crowd_create(&crowd, SMP_KILL, 4, 0);
	crowd_start(&crowd);
	while (dead < 4 && now_ms() < end) {
		nap();
		for (dead = 0, i = 0; i < 4; i++)
			dead += crowd_end(&crowd, i) == LG_EXIT_KILLED;
	}
	is((__u64)dead, 4, "when one vcpu is killed all end");
	crowd_stop(&crowd);
	for (i = 0; i < 4; i++)
		ok(!!strstr(crowd.member[i].run->why,
			    i == 1 ? "invalid opcode" : "another vcpu"),
		   "vcpu %d: %s", i, crowd.member[i].run->why);
	crowd_destroy(&crowd);
}

static void live(void)
{
	struct crowd crowd;

	crowd_create(&crowd, SMP_PASS, 4, ~0ULL);
	crowd_start(&crowd);
	for (;;)
		pause();
}

static void test_sigkill(void)
{
	int i, j, killed = 0, status;
	pid_t pid;

	srandom(1);
	for (i = 0; i < DEATHS; i++) {
		fflush(stdout);
		pid = fork();
		if (pid == 0)
			live();
		for (j = (int)(random() % 40); j; j--)
			nap();
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	}
	is((__u64)killed, DEATHS, "a process dies with all its vcpus' threads");
}

/* ---- interrupts from outside ---- */

static int interrupt(struct crowd *crowd, int vcpu, __u32 vector)
{
	struct lg_interrupt call = { .vcpu = (__u32)vcpu, .vector = vector };

	return ioctl(crowd->vmm.vm, LG_INTERRUPT, &call) ? errno : 0;
}

struct sender {
	struct crowd *crowd;
	int vcpu, vector;
	pthread_t thread;
	bool fine;
};

/* One after another, each seen by the guest; then as many as we can. */
static void *send(void *arg)
{
	struct sender *sender = arg;
	struct crowd *crowd = sender->crowd;
	volatile __u64 *count =
		&crowd_words(crowd)->count[sender->vcpu][sender->vector];
	__u32 vector = SMP_FIRST + (__u32)sender->vector;
	__u64 i;

	for (i = 1; i <= ROUNDS / 8; i++) {
		interrupt(crowd, sender->vcpu, vector);
		if (!crowd_await(crowd, count, i) || *count != i)
			return NULL;
	}
	for (i = 0; i < STORM; i++)
		interrupt(crowd, sender->vcpu, vector);
	i = *count;
	interrupt(crowd, sender->vcpu, vector);
	sender->fine = crowd_await(crowd, count, i + 1) &&
		       *count <= ROUNDS / 8 + STORM + 1;
	return NULL;
}

static void test_interrupts(void)
{
	struct sender senders[4];
	struct crowd crowd;
	int i, fine = 0;

	crowd_create(&crowd, SMP_COUNT, 3, 0);
	crowd_start(&crowd);
	crowd_await(&crowd, &crowd_words(&crowd)->ready, 3);
	for (i = 0; i < 4; i++) {
		senders[i] = (struct sender){ .crowd = &crowd,
					      .vcpu = i % 3,
					      .vector = 2 * i };
		pthread_create(&senders[i].thread, NULL, send, &senders[i]);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(senders[i].thread, NULL);
		fine += senders[i].fine;
	}
	is((__u64)fine, 4, "every interrupt from outside is accounted for");
	is((__u64)interrupt(&crowd, 3, SMP_FIRST), ENOENT,
	   "but for a vcpu that is not there");
	crowd_destroy(&crowd);
}

/* From outside too: what the guest did not prepare for is its end, once. */
static void test_no_gate(void)
{
	struct crowd crowd;
	int i;

	crowd_create(&crowd, SMP_COUNT, 2, 0);
	crowd_start(&crowd);
	crowd_await(&crowd, &crowd_words(&crowd)->ready, 2);
	for (i = 0; i < STORM; i++)
		interrupt(&crowd, i & 1, 0xf0);
	crowd_stop(&crowd);
	ok(crowd_end(&crowd, 0) == LG_EXIT_KILLED ||
		   crowd_end(&crowd, 1) == LG_EXIT_KILLED,
	   "an interrupt without a gate ends the guest");
	crowd_destroy(&crowd);
}

/* ---- vcpus and memory that go away ---- */

static void test_closed(void)
{
	struct lg_vcpu_create create = { .id = 3 };
	struct crowd crowd;
	__u64 progress;
	int i, fd;

	crowd_create(&crowd, SMP_STORM, 3, 0);
	crowd_start(&crowd);
	for (i = 0; i < ROUNDS / 4; i++) {
		fd = ioctl(crowd.vmm.vm, LG_VCPU_CREATE, &create);
		if (fd < 0)
			bail_out("LG_VCPU_CREATE: %s", strerror(errno));
		close(fd);
	}
	progress = crowd_words(&crowd)->progress;
	ok(crowd_await(&crowd, &crowd_words(&crowd)->progress, progress + 100),
	   "a vcpu comes and goes while all send it IPIs");
	crowd_destroy(&crowd);
}

/* A page of its own for SMP_EXTRA; where we see it too. */
static __u64 *add_extra(struct crowd *crowd)
{
	struct lg_slot slot = { .slot = 1, .gpa = SMP_EXTRA, .bytes = 4096 };
	void *page;

	slot.memfd = memfd_create("extra", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (slot.memfd < 0 || ftruncate(slot.memfd, 4096) ||
	    fcntl(slot.memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		bail_out("memfd: %s", strerror(errno));
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, slot.memfd,
		    0);
	if (page == MAP_FAILED || ioctl(crowd->vmm.vm, LG_SLOT_ADD, &slot))
		bail_out("a second slot: %s", strerror(errno));
	close(slot.memfd);
	return page;
}

/* Is the page left alone once LG_SLOT_REMOVE has returned? */
static bool removal_counts(void)
{
	struct lg_slot slot = { .slot = 1 };
	struct crowd crowd;
	__u64 value, *word;
	int i;

	crowd_create(&crowd, SMP_REMOVE, 2, 0);
	word = add_extra(&crowd);
	crowd_start(&crowd);
	crowd_await(&crowd, word, 100);
	if (ioctl(crowd.vmm.vm, LG_SLOT_REMOVE, &slot))
		bail_out("LG_SLOT_REMOVE: %s", strerror(errno));
	value = *(volatile __u64 *)word;
	for (i = 0; i < 1000 && *(volatile __u64 *)word == value; i++)
		sched_yield();
	value -= *(volatile __u64 *)word;
	crowd_destroy(&crowd);
	munmap(word, 4096);
	return value == 0;
}

/* A vcpu was in the guest again while its tables were let go. */
static void test_remove(void)
{
	int i, good = 0;

	for (i = 0; i < 50; i++)
		good += removal_counts();
	is((__u64)good, 50, "RAM that has been removed is written no more");
}

/* ---- time that is stolen ---- */

/* Ns since the VM was made. */
static __u64 age_of(struct crowd *crowd)
{
	struct lg_clock clock;

	if (ioctl(crowd->vmm.vm, LG_CLOCK_GET, &clock))
		bail_out("LG_CLOCK_GET: %s", strerror(errno));
	return clock.ns;
}

/* Ns that this thread has waited for a CPU in its life. */
static __u64 waited(void)
{
	unsigned long long ran = 0, waited = 0;
	FILE *file = fopen("/proc/thread-self/schedstat", "re");

	if (!file || fscanf(file, "%llu %llu", &ran, &waited) != 2)
		bail_out("no schedstat of this thread");
	fclose(file);
	return waited;
}

static void on_alarm(int signal)
{
	(void)signal;
}

/*
 * All that a thread had waited for before it ran a vcpu was stolen from the
 * vcpu once, a life of a daemon's if it came to that.
 */
static void test_first_run(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	volatile __u64 *count;
	struct crowd crowd;

	sigaction(SIGALRM, &action, NULL);
	crowd_create(&crowd, SMP_STEAL, 1, 0);
	count = &crowd_words(&crowd)->count[0][0];
	*count = ~0ULL;
	ualarm(10000, 10000); /* again and again: one may be early */
	while (*count == ~0ULL)
		if (ioctl(crowd.member[0].fd, LG_RUN, 0) == 0)
			bail_out("it ended: %s", crowd.member[0].run->why);
	ualarm(0, 0);
	ok(*count <= age_of(&crowd),
	   "what this thread waited before, %llu ns, was not stolen: %llu",
	   waited(), *count);
	crowd_destroy(&crowd);
}

/*
 * Two that never rest have one CPU.  Each wants to run whenever the other does,
 * so what is stolen from both is about all the time there was; but never more
 * than all of it from one.
 */
static void test_steal(void)
{
	struct crowd crowd;
	cpu_set_t cpus;
	__u64 stolen[2], age;
	int i;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		bail_out("sched_getaffinity: %s", strerror(errno));
	crowd_create(&crowd, SMP_STEAL, 2, 0);
	pin(0); /* and with us the threads we make */
	crowd_start(&crowd);
	while (waited() < 4ULL * STOLEN_NS)
		continue; /* we rest as little as they do */
	sched_setaffinity(0, sizeof(cpus), &cpus);
	for (i = 0; i < 2; i++)
		ok(crowd_await(&crowd, &crowd_words(&crowd)->count[i][0],
			       STOLEN_NS),
		   "vcpu %d is stolen from while the other runs", i);
	for (i = 0; i < 2; i++)
		stolen[i] = crowd_words(&crowd)->count[i][0];
	age = age_of(&crowd);
	ok(stolen[0] <= age && stolen[1] <= age,
	   "%llu and %llu ns, in a life of %llu", stolen[0], stolen[1], age);
	ok(stolen[0] + stolen[1] >= age / 8, "and that is much of it");
	crowd_destroy(&crowd);
}

int main(void)
{
	int users = module_users();

	test_stories();
	test_killed();
	test_sigkill();
	test_interrupts();
	test_no_gate();
	test_closed();
	test_remove();
	test_steal();
	test_first_run();
	is((__u64)module_users(), (__u64)users, "nothing is left open");
	return tap_end();
}
