// SPDX-License-Identifier: GPL-2.0-only
/*
 * busy.c - guests that keep busy while a test does something to the host
 *
 * Start at busy_start().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"

#define LGTEST    "/sys/kernel/debug/lgtest/"
#define LOOP_CODE 0x10000

void pin(int cpu)
{
	cpu_set_t cpus;

	if (cpu == ANY_CPU)
		return;
	CPU_ZERO(&cpus);
	CPU_SET((unsigned int)cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		bail_out("cannot run on CPU %d: %s", cpu, strerror(errno));
}

int last_cpu(void)
{
	return (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
}

void skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	exit(0);
}

long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

void busy_create(struct busy *busy, __u64 op, __u64 arg,
		 const struct vmm_options *options)
{
	memset(busy, 0, sizeof(*busy));
	if (vmm_create(&busy->vmm, options) < 0 ||
	    vmm_load(&busy->vmm, BUSY_GUEST) < 0)
		bail_out("%s", vmm_why(&busy->vmm));
	busy->vmm.regs.rdi = op;
	busy->vmm.regs.rsi = arg;
}

void busy_create_loop(struct busy *busy)
{
	/* 1: lock incq (%rdi); jmp 1b */
	static const __u8 code[] = { 0xf0, 0x48, 0xff, 0x07, 0xeb, 0xfa };

	memset(busy, 0, sizeof(*busy));
	if (vmm_create(&busy->vmm, NULL) < 0)
		bail_out("%s", vmm_why(&busy->vmm));
	memcpy(busy->vmm.ram + LOOP_CODE, code, sizeof(code));
	busy->vmm.regs.rip = LOOP_CODE;
	busy->vmm.regs.rdi = PROGRESS_GPA;
}

static void on_signal(int signal)
{
	(void)signal; /* it has interrupted LG_RUN, and was meant to */
}

/* Daemons come back after signals and tokens, and so do we. */
static void *run(void *arg)
{
	struct busy *busy = arg;

	pin(busy->cpu);
	do
		busy->end = vmm_run_once(&busy->vmm);
	while ((busy->end == VMM_INTERRUPTED || busy->end == LG_EXIT_NOTIFY) &&
	       !__atomic_load_n(&busy->stop, __ATOMIC_ACQUIRE));
	return NULL;
}

void busy_start(struct busy *busy, int cpu)
{
	struct sigaction action = { .sa_handler = on_signal };
	int err;

	sigaction(SIGUSR1, &action, NULL);
	busy->cpu = cpu;
	busy->stop = false;
	err = pthread_create(&busy->thread, NULL, run, busy);
	if (err)
		bail_out("no thread: %s", strerror(err));
	busy->started = true;
}

__u64 busy_count(struct busy *busy)
{
	return *(volatile __u64 *)(void *)(busy->vmm.ram + PROGRESS_GPA);
}

bool busy_await(struct busy *busy, __u64 more)
{
	long long end = now_ms() + PATIENCE_MS;
	__u64 start = busy_count(busy);

	while (busy_count(busy) - start < more) {
		if (now_ms() > end) {
			diag("the guest has done %llu of %llu: %s",
			     busy_count(busy) - start, more,
			     busy->vmm.run->why);
			return false;
		}
		nap();
	}
	return true;
}

bool busy_stop(struct busy *busy)
{
	struct timespec soon;

	if (!busy->started)
		return false;
	__atomic_store_n(&busy->stop, true, __ATOMIC_RELEASE);
	/* A signal may come just before LG_RUN does, so not only one. */
	do {
		pthread_kill(busy->thread, SIGUSR1);
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec += 10000000;
		if (soon.tv_nsec >= 1000000000) {
			soon.tv_nsec -= 1000000000;
			soon.tv_sec++;
		}
	} while (pthread_timedjoin_np(busy->thread, NULL, &soon));
	busy->started = false;
	if (busy->end == VMM_INTERRUPTED || busy->end == LG_EXIT_NOTIFY)
		return true;
	diag("the guest had ended: %d, %s", busy->end,
	     busy->end == VMM_ERROR ? vmm_why(&busy->vmm) : busy->vmm.run->why);
	if (busy->end == LG_EXIT_SHUTDOWN && busy->vmm.run->data[1])
		diag("its reason: %s",
		     (char *)busy->vmm.ram + busy->vmm.run->data[1]);
	return false;
}

void busy_destroy(struct busy *busy)
{
	if (busy->started)
		busy_stop(busy);
	vmm_destroy(&busy->vmm);
}

/* ---- the host ---- */

int ask_lgtest(const char *name, const char *line)
{
	char path[64];
	ssize_t r;
	int fd;

	snprintf(path, sizeof(path), LGTEST "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		bail_out("%s: %s (is lgtest.ko loaded?)", path,
			 strerror(errno));
	r = write(fd, line, strlen(line));
	close(fd);
	return r < 0 ? -1 : 0;
}

static const char *read_file(const char *path)
{
	static char text[16384];
	size_t len = 0;
	ssize_t r;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		bail_out("%s: %s", path, strerror(errno));
	while ((r = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)r;
	close(fd);
	text[len] = '\0';
	return text;
}

const char *lgtest_answer(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), LGTEST "%s", name);
	return read_file(path);
}

/* The number after a word at the start of a line; -1 if it is not there. */
static long long number_after(const char *text, const char *word)
{
	size_t len = strlen(word);

	while (text && *text) {
		if (!strncmp(text, word, len) && strchr(" \t:", text[len]) &&
		    text[len])
			return strtoll(text + len + 1, NULL, 10);
		text = strchr(text, '\n');
		text += !!text;
	}
	return -1;
}

long long lgtest_number(const char *name, const char *word)
{
	return number_after(lgtest_answer(name), word);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		bail_out("%s: %s", path, strerror(errno));
	close(fd);
}

/* Pages that are free but kept near a CPU count as free for us. */
static long long near_cpus_kb(void)
{
	const char *text = read_file("/proc/zoneinfo");
	long long pages = 0;

	for (; text; text = strchr(text + 1, '\n'))
		if (!strncmp(text, "\n              count:", 21))
			pages += strtoll(text + 21, NULL, 10);
	return pages * 4;
}

long long free_kb(void)
{
	write_file("/proc/sys/vm/drop_caches", "3");
	return number_after(read_file("/proc/meminfo"), "MemFree") +
	       near_cpus_kb();
}

int module_users(void)
{
	return (int)strtol(read_file("/sys/module/lg/refcnt"), NULL, 10);
}
