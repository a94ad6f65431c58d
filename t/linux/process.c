// SPDX-License-Identifier: GPL-2.0-only
/*
 * process.c - address spaces come and go, and each has what is its own
 *
 * Fork and the copies made on writing, exec, threads that change what others
 * have mapped, mappings that move, and more processes than there are tags.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"

#define PAGE  4096UL
#define PAGES 512UL

static int exit_of(pid_t child)
{
	int status = -1;

	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void fill(volatile char *at, char value)
{
	unsigned long i;

	for (i = 0; i < PAGES; i++)
		at[i * PAGE] = (char)(value + (char)i);
}

static int has(const volatile char *at, char value)
{
	unsigned long i;

	for (i = 0; i < PAGES; i++) {
		if (at[i * PAGE] != (char)(value + (char)i))
			return 0;
	}
	return 1;
}

static char *map(int flags)
{
	return mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		    flags | MAP_ANONYMOUS, -1, 0);
}

/* ---- fork ---- */

static void check_fork(void)
{
	char *own = map(MAP_PRIVATE), *shared = map(MAP_SHARED);
	pid_t child;

	fill(own, 1);
	fill(shared, 1);
	child = fork();
	if (!child) {
		if (!has(own, 1))
			_exit(1);
		fill(own, 50);
		fill(shared, 50);
		_exit(has(own, 50) ? 0 : 2);
	}
	is((unsigned int)exit_of(child), 0, "fork: the child has a copy");
	ok(has(own, 1), "fork: and what it writes is not in the parent's");
	ok(has(shared, 50), "fork: but where they share it is");
	munmap(own, PAGES * PAGE);
	munmap(shared, PAGES * PAGE);
}

/* More than a CPU has tags, so that each is used for another. */
static void check_many(void)
{
	int to[12][2], from[12][2], i, round, right = 0;
	char byte;

	for (i = 0; i < 12; i++) {
		if (pipe(to[i]) || pipe(from[i]))
			return (void)ok(0, "pipe: %s", strerror(errno));
		if (!fork()) {
			static volatile int mine;

			mine = i;
			for (round = 0; round < 20; round++) {
				if (read(to[i][0], &byte, 1) != 1)
					_exit(1);
				byte = (char)(mine == i ? i : 99);
				if (write(from[i][1], &byte, 1) != 1)
					_exit(1);
			}
			_exit(0);
		}
	}
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 12; i++)
			right += write(to[i][1], "", 1) == 1;
		for (i = 0; i < 12; i++)
			right += read(from[i][0], &byte, 1) == 1 && byte == i;
	}
	is((unsigned int)right, 20 * 24,
	   "many: each of 12 processes is itself");
	while (wait(NULL) > 0)
		;
}

static void check_exec(void)
{
	pid_t child = vfork();

	if (!child) {
		execl("/compat", "compat", NULL);
		_exit(126);
	}
	is((unsigned int)exit_of(child), 42, "exec: another program runs");
}

/* ---- mappings ---- */

static void check_moved(void)
{
	char *from = map(MAP_PRIVATE), *to = map(MAP_PRIVATE), *got;

	fill(from, 3);
	fill(to, 9);
	got = mremap(from, PAGES * PAGE, PAGES * PAGE,
		     MREMAP_MAYMOVE | MREMAP_FIXED, to);
	ok(got == to && has(to, 3), "mremap: takes the pages along");
	madvise(to, PAGES * PAGE, MADV_DONTNEED);
	ok(!to[0] && !to[(PAGES - 1) * PAGE], "madvise: gives zeroes");
	munmap(to, PAGES * PAGE);
}

static void check_file(void)
{
	int fd = open("/tmp/file", O_RDWR | O_CREAT, 0600);
	char byte = 0;
	char *at;

	if (fd < 0 || ftruncate(fd, PAGES * PAGE))
		return (void)ok(0, "/tmp/file: %s", strerror(errno));
	at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		  0);
	fill(at, 5);
	ok(pread(fd, &byte, 1, 7 * PAGE) == 1 && byte == 12,
	   "mmap: a store is in the file");
	byte = 77;
	ok(pwrite(fd, &byte, 1, 9 * PAGE) == 1 && at[9 * PAGE] == 77,
	   "mmap: and a write in memory");
	munmap(at, PAGES * PAGE);
	close(fd);
}

/* ---- threads: one takes away what another uses ---- */

static struct {
	char *page;
	volatile int stop;
	volatile unsigned long rounds, odd;
} race;

/* The page has zeroes, or what we have just stored; never another's. */
static void *store(void *arg)
{
	const char mine = (char)(intptr_t)arg;

	while (!race.stop) {
		volatile char *at = race.page + mine * 64;
		char seen;

		*at = mine;
		seen = *at;
		if (seen && seen != mine)
			race.odd++;
		race.rounds++;
		sched_yield();
	}
	return NULL;
}

static void check_shootdown(void)
{
	pthread_t threads[3];
	unsigned long i;

	race.page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, store, (void *)(i + 1));
	for (i = 0; i < 200 || race.rounds < 300; i++) {
		madvise(race.page, PAGE, MADV_DONTNEED);
		sched_yield();
	}
	race.stop = 1;
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	is(race.odd, 0, "threads: a page that one gives away is fresh to all");
}

void check_process(void)
{
	check_fork();
	check_many();
	check_exec();
	check_moved();
	check_file();
	check_shootdown();
}
