// SPDX-License-Identifier: GPL-2.0-only
/*
 * pause.c - a VM that stands still, and its time with it
 *
 * Story: pause.t.  Start at main(), which is the list.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"
#include "crowd.h"
#include "server.h"

#define NAPS   50 /* that a pause lasts at least, in which much would happen */
#define PAUSES 300
#define BEATS  4 /* clock events that are waited for */

static int pause_vm(int vm)
{
	return ioctl(vm, LG_PAUSE, 0) ? errno : 0;
}

static int resume_vm(int vm)
{
	return ioctl(vm, LG_RESUME, 0) ? errno : 0;
}

static void rest(void)
{
	int i;

	for (i = 0; i < NAPS; i++)
		nap();
}

/* ---- one vcpu ---- */

/* The loop counts at (%rdi): in another word from now on. */
static void test_registers(struct busy *busy)
{
	volatile __u64 *other = (void *)(busy->vmm.ram + PROGRESS_GPA + 64);
	struct lg_regs regs;

	is((__u64)vmm_get_regs(&busy->vmm, &regs), 0,
	   "a paused vcpu's registers can be read, and who runs it waits");
	is(regs.rdi, PROGRESS_GPA, "and are what they are");
	regs.rdi += 64;
	is((__u64)vmm_set_regs(&busy->vmm, &regs), 0, "and written");
	is(*other, 0, "which has no effect yet");
	is((__u64)resume_vm(busy->vmm.vm), 0, "LG_RESUME");
	while (!*other)
		nap();
	ok(true, "they are the vcpu's when it goes on");
}

static void test_one(void)
{
	struct lg_stats stats[2];
	struct busy busy;
	__u64 count;

	busy_create_loop(&busy);
	is((__u64)resume_vm(busy.vmm.vm), 0, "LG_RESUME of a VM that runs");
	is(server_info(busy.vmm.vm).paused, 0, "LG_VM_INFO: it is not paused");
	busy_start(&busy, ANY_CPU);
	busy_await(&busy, 1000);
	is((__u64)pause_vm(busy.vmm.vm), 0, "LG_PAUSE");
	count = busy_count(&busy);
	ioctl(busy.vmm.vcpu, LG_STATS, &stats[0]);
	is((__u64)pause_vm(busy.vmm.vm), 0, "and again");
	is(server_info(busy.vmm.vm).paused, 1, "LG_VM_INFO: now it is");
	is(server_info(busy.vmm.vm).vcpus, 1, "and has a vcpu");
	rest();
	is(busy_count(&busy), count, "no guest code runs any more");
	ioctl(busy.vmm.vcpu, LG_STATS, &stats[1]);
	ok(!memcmp(&stats[0], &stats[1], sizeof(stats[0])),
	   "nor do its counters count");
	test_registers(&busy);
	busy_destroy(&busy);
}

static void test_new(void)
{
	struct runner runner;
	struct busy busy;

	busy_create_loop(&busy);
	vmm_set_regs(&busy.vmm, &busy.vmm.regs);
	pause_vm(busy.vmm.vm);
	runner_start(&runner, busy.vmm.vcpu);
	rest();
	is(busy_count(&busy), 0, "a vcpu that has not run yet waits, too");
	resume_vm(busy.vmm.vm);
	ok(busy_await(&busy, 100), "and then runs");
	pause_vm(busy.vmm.vm);
	runner_stop(&runner);
	is((__u64)runner.end, EINTR, "a signal ends its wait");
	runner_start(&runner, busy.vmm.vcpu);
	close(busy.vmm.vm);
	busy.vmm.vm = -1;
	pthread_join(runner.thread, NULL);
	is((__u64)runner.end, EPIPE, "and so does closing the VM");
	busy_destroy(&busy);
}

/* ---- asleep ---- */

static void interrupt(struct crowd *crowd, __u32 vcpu, __u32 vector)
{
	struct lg_interrupt call = { .vcpu = vcpu, .vector = vector };

	if (ioctl(crowd->vmm.vm, LG_INTERRUPT, &call))
		bail_out("LG_INTERRUPT: %s", strerror(errno));
}

static void test_asleep(void)
{
	volatile struct smp_words *words;
	struct crowd crowd;

	crowd_create(&crowd, SMP_COUNT, 3, 0);
	words = crowd_words(&crowd);
	crowd_start(&crowd);
	crowd_await(&crowd, &words->ready, 3);
	pause_vm(crowd.vmm.vm);
	is(server_info(crowd.vmm.vm).vcpus, 7, "vcpus that sleep are paused");
	interrupt(&crowd, 2, SMP_FIRST);
	rest();
	is(words->count[2][0], 0, "an interrupt does not wake one");
	resume_vm(crowd.vmm.vm);
	ok(crowd_await(&crowd, &words->count[2][0], 1), "but comes afterwards");
	is(words->count[2][0], 1, "once");
	crowd_destroy(&crowd);
}

/* ---- time ---- */

static __u64 get_clock(int vm)
{
	struct lg_clock clock;

	if (ioctl(vm, LG_CLOCK_GET, &clock))
		bail_out("LG_CLOCK_GET: %s", strerror(errno));
	return clock.ns;
}

static struct lg_events get_events(int vcpu)
{
	struct lg_events events;
	struct lg_state state = {
		.type = LG_STATE_EVENTS,
		.bytes = sizeof(events),
		.addr = (__u64)(uintptr_t)&events,
	};

	if (ioctl(vcpu, LG_STATE_GET, &state))
		bail_out("LG_STATE_EVENTS: %s", strerror(errno));
	return events;
}

static __u64 progress(struct crowd *crowd)
{
	volatile struct smp_words *words = crowd_words(crowd);
	__u64 sum = words->progress;
	int i;

	for (i = 0; i < SMP_VCPUS; i++)
		sum += words->steps[i];
	return sum;
}

/* Paused for a while: does anything move?  True if not. */
static bool stands(struct crowd *crowd)
{
	struct lg_events events = get_events(crowd->member[0].fd), later;
	__u64 ns = get_clock(crowd->vmm.vm), sum = progress(crowd);

	rest();
	later = get_events(crowd->member[0].fd);
	if (ns == get_clock(crowd->vmm.vm) && sum == progress(crowd) &&
	    !memcmp(&events, &later, sizeof(events)))
		return true;
	diag("clock %llu, then %llu; event in %llu, then %llu; %llu, then %llu",
	     ns, get_clock(crowd->vmm.vm), events.timer_ns, later.timer_ns, sum,
	     progress(crowd));
	return false;
}

static __s64 real_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* The guest's idea of the time of day, less ours. */
static __s64 wall_error(struct crowd *crowd)
{
	volatile struct lguest_clock *clock =
		vmm_at(&crowd->vmm, crowd_words(crowd)->clock, sizeof(*clock));
	__s64 base = (__s64)clock->wall_sec * 1000000000LL + clock->wall_nsec;

	return base + (__s64)get_clock(crowd->vmm.vm) - real_ns();
}

static void test_time(void)
{
	volatile struct smp_words *words;
	__u64 start, i, stood = 0, pauses = 0;
	struct crowd crowd;
	__s64 error;

	crowd_create(&crowd, SMP_TIME, 3, 0);
	words = crowd_words(&crowd);
	crowd_start(&crowd);
	crowd_await(&crowd, &words->ready, 3);
	/* Each clock event would come while we pause, if time went on. */
	for (i = 1; i <= BEATS && crowd_end(&crowd, 0) == CROWD_RUNNING;) {
		pause_vm(crowd.vmm.vm);
		stood += stands(&crowd);
		pauses++;
		resume_vm(crowd.vmm.vm);
		nap();
		i = words->progress + 1;
	}
	diag("%llu pauses", pauses);
	is(stood, pauses, "time stands still in a pause");
	ok(crowd_await(&crowd, &words->progress, BEATS),
	   "clock events come, and none too early");
	pause_vm(crowd.vmm.vm);
	for (i = 0; i < 1000 / NAPS; i++)
		rest();
	resume_vm(crowd.vmm.vm);
	start = words->steps[0];
	crowd_await(&crowd, &words->steps[0], start + 100);
	error = wall_error(&crowd);
	ok(error < 500000000 && error > -500000000,
	   "the time of day is right again (%lld ms)", error / 1000000);
	crowd_destroy(&crowd);
}

static void test_clock_set(void)
{
	struct lg_clock clock = { .ns = 12345678901234 };
	struct crowd crowd;

	crowd_create(&crowd, SMP_TIME, 2, 0);
	pause_vm(crowd.vmm.vm);
	if (ioctl(crowd.vmm.vm, LG_CLOCK_SET, &clock))
		bail_out("LG_CLOCK_SET: %s", strerror(errno));
	rest();
	is(get_clock(crowd.vmm.vm), clock.ns,
	   "the clock of a paused VM can be set, and stands there");
	resume_vm(crowd.vmm.vm);
	nap();
	ok(get_clock(crowd.vmm.vm) > clock.ns, "and goes on from there");
	crowd_destroy(&crowd);
}

/* A clock event that is not much nearer than the pause before found it. */
static void test_event_left(void)
{
	struct crowd crowd;
	__u64 before, after;

	crowd_create(&crowd, SMP_TIME, 1, 0);
	crowd_start(&crowd);
	crowd_await(&crowd, &crowd_words(&crowd)->ready, 1);
	pause_vm(crowd.vmm.vm);
	before = get_events(crowd.member[0].fd).timer_ns;
	rest();
	resume_vm(crowd.vmm.vm);
	pause_vm(crowd.vmm.vm);
	after = get_events(crowd.member[0].fd).timer_ns;
	diag("%llu ns before the pause, %llu after", before, after);
	ok(crowd_words(&crowd)->progress || (after <= before && after),
	   "what is left of a clock event is what was left");
	crowd_destroy(&crowd);
}

/* ---- storms ---- */

struct storm {
	struct crowd *crowd;
	pthread_t thread;
	bool stop;
	__u64 pauses;
};

static void *pause_on(void *arg)
{
	struct storm *storm = arg;

	while (!__atomic_load_n(&storm->stop, __ATOMIC_ACQUIRE)) {
		pause_vm(storm->crowd->vmm.vm);
		get_events(storm->crowd->member[1].fd);
		resume_vm(storm->crowd->vmm.vm);
		storm->pauses++;
	}
	return NULL;
}

/* Alone: then what stands must stand. */
static void test_storm(__u64 op, const char *what)
{
	struct crowd crowd;
	__u64 i, moved = 0, sum;

	crowd_create(&crowd, op, 4, 0);
	crowd_start(&crowd);
	for (i = 0; i < PAUSES && crowd_end(&crowd, 0) == CROWD_RUNNING; i++) {
		pause_vm(crowd.vmm.vm);
		sum = progress(&crowd);
		nap();
		moved += progress(&crowd) != sum;
		resume_vm(crowd.vmm.vm);
		if (i % 16 == 0)
			nap();
	}
	is(i, PAUSES, "%s: paused again and again", what);
	is(moved, 0, "%s: and stands each time", what);
	crowd_destroy(&crowd);
}

/*
 * Clock events once lost what went by between the clock's stop and their own,
 * which is nothing, but not after ten thousand pauses.  See comes() of the guest.
 */
static void test_together(void)
{
	struct storm storms[3];
	struct crowd crowd;
	int i;

	crowd_create(&crowd, SMP_TIME, 4, 0);
	crowd_start(&crowd);
	crowd_await(&crowd, &crowd_words(&crowd)->ready, 4);
	for (i = 0; i < 3; i++) {
		storms[i] = (struct storm){ .crowd = &crowd };
		pthread_create(&storms[i].thread, NULL, pause_on, &storms[i]);
	}
	for (i = 0; i < 300; i++) {
		pthread_kill(crowd.member[i % 4].thread, SIGUSR1);
		nap();
	}
	for (i = 0; i < 3; i++) {
		__atomic_store_n(&storms[i].stop, true, __ATOMIC_RELEASE);
		pthread_join(storms[i].thread, NULL);
		diag("%llu pauses", storms[i].pauses);
	}
	is(server_info(crowd.vmm.vm).paused, 0, "the last to come resumes it");
	ok(crowd_await(&crowd, &crowd_words(&crowd)->progress,
		       crowd_words(&crowd)->progress + 2),
	   "three pause it at once, and it goes on");
	crowd_destroy(&crowd);
}

int main(void)
{
	int users = module_users();

	test_one();
	test_new();
	test_asleep();
	test_time();
	test_clock_set();
	test_event_left();
	test_storm(SMP_STORM, "IPIs and timers");
	test_storm(SMP_TIME, "clocks");
	test_together();
	is((__u64)module_users(), (__u64)users, "nothing is left open");
	return tap_end();
}
