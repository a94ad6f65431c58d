// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpus.c - CPUs go and come while programs run on them
 *
 * There are twice as many programs as CPUs.  Each maps memory, fills it, has it
 * copied by a child through a pipe, adds up what comes and unmaps it: so it is
 * moved from CPU to CPU, waits, and makes others forget translations.  Meanwhile
 * each CPU but the first is taken away and given back, one after another and then
 * all of them at once.  A sum that is wrong is a register, a page or a wake-up that
 * went with a CPU.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"

#define PROGRAMS_MAX 32
#define BYTES        (96u << 10)
#define TURNS        4

struct shared {
	volatile int stop;
	volatile unsigned int rounds[PROGRAMS_MAX];
};

static int set_online(long cpu, const char *word)
{
	char path[80];
	int fd, n;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%ld/online",
		 cpu);
	fd = open(path, O_WRONLY);
	n = fd < 0 ? -1 : (int)write(fd, word, 1);
	if (fd >= 0)
		close(fd);
	return n == 1;
}

static uint32_t add_up(uint32_t sum, const uint8_t *at, size_t bytes)
{
	while (bytes--)
		sum = (sum ^ *at++) * 16777619u;
	return sum;
}

/* A child writes it all into a pipe; what comes out is added up. */
static uint32_t through_pipe(const uint8_t *from)
{
	static uint8_t part[4096];
	uint32_t sum = 1;
	int ends[2];
	ssize_t n;
	pid_t child;

	if (pipe(ends) < 0)
		return 0;
	child = fork();
	if (child == 0)
		_exit(write(ends[1], from, BYTES) != BYTES);
	close(ends[1]);
	while ((n = read(ends[0], part, sizeof(part))) > 0)
		sum = add_up(sum, part, (size_t)n);
	close(ends[0]);
	waitpid(child, NULL, 0);
	return sum;
}

static int one_round(unsigned int seed)
{
	uint8_t *map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i;
	int same;

	if (map == MAP_FAILED)
		return 0;
	for (i = 0; i < BYTES; i++)
		map[i] =
			(uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
	same = add_up(1, map, BYTES) == through_pipe(map);
	return munmap(map, BYTES) == 0 && same;
}

static void program(struct shared *shared, unsigned int number)
{
	unsigned int seed = number;

	while (!shared->stop) {
		if (!one_round(seed++))
			_exit(1);
		shared->rounds[number]++;
	}
	_exit(0);
}

/* Each program does something between two changes, unless one has died. */
static void let_run(const struct shared *shared, unsigned int programs)
{
	unsigned int i, before[PROGRAMS_MAX];
	siginfo_t dead = { .si_pid = 0 };

	for (i = 0; i < programs; i++)
		before[i] = shared->rounds[i];
	for (i = 0; i < programs && !dead.si_pid; i++) {
		while (shared->rounds[i] == before[i] && !dead.si_pid) {
			usleep(1000);
			waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT);
		}
	}
}

/* How many of the changes were made: two for each CPU but the first. */
static unsigned int turn_all(const struct shared *shared, unsigned int programs,
			     long cpus, int at_once)
{
	unsigned int made = 0;
	long cpu;

	for (cpu = 1; cpu < cpus; cpu++) {
		made += (unsigned int)set_online(cpu, "0");
		if (at_once)
			continue;
		let_run(shared, programs);
		made += (unsigned int)set_online(cpu, "1");
	}
	let_run(shared, programs);
	for (cpu = 1; at_once && cpu < cpus; cpu++)
		made += (unsigned int)set_online(cpu, "1");
	return made;
}

/* Somebody can be where he wants to be. */
static int is_in_use(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0 &&
	       sched_getcpu() == cpu;
}

static void check_under_load(struct shared *shared, long cpus)
{
	unsigned int programs = 2 * (unsigned int)cpus, i, made = 0, well = 0;
	unsigned int turn;
	int status;

	for (i = 0; i < programs; i++)
		if (fork() == 0)
			program(shared, i);
	for (turn = 0; turn < TURNS; turn++)
		made += turn_all(shared, programs, cpus, turn % 2);
	is(made, TURNS * 2 * (unsigned int)(cpus - 1),
	   "cpus: %ld of %ld go and come, and again", cpus - 1, cpus);
	shared->stop = 1;
	for (i = 0; i < programs; i++)
		well += wait(&status) > 0 && status == 0;
	is(well, programs, "cpus: and no program has noticed");
}

void check_cpus(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF), cpu, used = 0;
	struct shared *shared =
		mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (cpus < 2 || cpus * 2 > PROGRAMS_MAX || shared == MAP_FAILED) {
		skip(3, "not for so many CPUs");
		return;
	}
	check_under_load(shared, cpus);
	for (cpu = 0; cpu < cpus; cpu++)
		used += is_in_use(cpu);
	is((unsigned long long)used, (unsigned long long)cpus,
	   "cpus: each of %ld can be used", cpus);
}
