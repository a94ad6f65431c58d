// SPDX-License-Identifier: GPL-2.0-only
/*
 * time.c - clocks that agree, and timers that come, not too early
 *
 * How late a timer is nobody can say on a busy machine, so nobody does.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "checks.h"

#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

static long long now(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return at.tv_sec * NS_PER_S + at.tv_nsec;
}

/* Asked of the kernel, not of the page that it shares with us. */
static long long kernels(clockid_t clock)
{
	struct timespec at;

	syscall(SYS_clock_gettime, clock, &at);
	return at.tv_sec * NS_PER_S + at.tv_nsec;
}

static void check_clocks(void)
{
	long long last = now(CLOCK_MONOTONIC), next;
	int i, right = 1;

	for (i = 0; i < 1000; i++) {
		next = i & 1 ? kernels(CLOCK_MONOTONIC) : now(CLOCK_MONOTONIC);
		right &= next >= last;
		last = next;
	}
	ok(right, "clock: never goes back, whoever is asked");
	ok(line_of("/sys/devices/system/clocksource/clocksource0/"
		   "current_clocksource",
		   "tsc") != NULL,
	   "clock: the TSC is the source where the host says how fast it is");
	/* 2024: the rig's clock is a real one's, or set to later than that. */
	ok(now(CLOCK_REALTIME) / NS_PER_S > 1704067200,
	   "wallclock: the time of day is the host's");
}

static void check_sleep(void)
{
	const struct timespec wish = { .tv_nsec = 20 * NS_PER_MS };
	long long before = now(CLOCK_MONOTONIC), idle;

	idle = now(CLOCK_PROCESS_CPUTIME_ID);
	nanosleep(&wish, NULL);
	ok(now(CLOCK_MONOTONIC) - before >= 20 * NS_PER_MS,
	   "sleep: as long as it was to be, or longer");
	ok(now(CLOCK_PROCESS_CPUTIME_ID) >= idle,
	   "sleep: CPU time does not go back");
}

static volatile int rang;

static void on_alarm(int signal)
{
	(void)signal;
	rang++;
}

static void check_alarm(void)
{
	struct itimerval often = { { 0, 5000 }, { 0, 5000 } };
	struct itimerval never = { { 0, 0 }, { 0, 0 } };

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	while (rang < 10)
		; /* in user mode, which can always be interrupted */
	setitimer(ITIMER_REAL, &never, NULL);
	ok(1, "alarm: comes while a program computes");
}

static void check_timerfd(void)
{
	struct itimerspec soon = { .it_value.tv_nsec = 3 * NS_PER_MS };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t times = 0;

	timerfd_settime(fd, 0, &soon, NULL);
	ok(read(fd, &times, sizeof(times)) == sizeof(times) && times == 1,
	   "timerfd: comes while nobody computes");
	close(fd);
}

/* user, nice, system, idle, iowait, irq, softirq, and then it. */
static unsigned long long stolen(void)
{
	const char *line = line_of("/proc/stat", "cpu ");
	unsigned long long ticks = 0;

	if (line)
		sscanf(line, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &ticks);
	return ticks;
}

static void burn(unsigned int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	while (now(CLOCK_PROCESS_CPUTIME_ID) < 300 * NS_PER_MS)
		;
}

/* The rig has two CPUs, so of three that compute all the time one waits. */
static void check_steal(void)
{
	unsigned long long before = stolen();
	unsigned int cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN), i;

	if (cpus < 3)
		return skip(1, "the host may have as many CPUs as we");
	for (i = 0; i < cpus; i++) {
		if (!fork()) {
			burn(i);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	ok(stolen() > before, "steal: the kernel knows what it did not get");
}

void check_time(void)
{
	check_steal();
	check_clocks();
	check_sleep();
	check_alarm();
	check_timerfd();
}
