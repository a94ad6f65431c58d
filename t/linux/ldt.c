// SPDX-License-Identifier: GPL-2.0-only
/*
 * ldt.c - segments of a table that is a process's own
 *
 * Programs that have one are few, so that one which is loaded for the wrong
 * process, or not again on another CPU, would long go unnoticed.  GS is used,
 * because in 64-bit code it has a base like no other but FS, which is taken.
 *
 * What is changed holds for all threads once the system call has returned,
 * wherever they run: the kernel asks the other CPUs, and they the host.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"

#define PAGE        4096UL
#define ENTRY       3U
#define SELECTOR(n) ((n)*8 + 7) /* of the LDT, for user mode */
#define WRITE_LDT   0x11 /* modify_ldt: as get and set agree on it */
#define PROCESSES   4
#define ROUNDS      200

static volatile unsigned int *pages; /* two, where 32 bits reach */

/* What it returns is an int, also of a 64-bit program: errno is not set. */
static int write_entry(const struct user_desc *desc)
{
	return (int)syscall(SYS_modify_ldt, WRITE_LDT, desc, sizeof(*desc));
}

/* Entry n begins at that page; at none it is taken away. */
static int set_entry(unsigned int n, const volatile void *page)
{
	struct user_desc desc = {
		.entry_number = n,
		.base_addr = (unsigned int)(unsigned long)page,
		.limit = page ? 0xfff : 0,
		.seg_32bit = page != NULL,
		.read_exec_only = !page,
		.seg_not_present = !page,
		.useable = page != NULL,
	};

	return write_entry(&desc);
}

static unsigned int read_by(unsigned int selector)
{
	unsigned int got;

	asm volatile("mov %1, %%gs; mov %%gs:0, %0; mov %2, %%gs"
		     : "=&r"(got)
		     : "r"(selector), "r"(0)
		     : "memory");
	return got;
}

static unsigned int read_loaded(void)
{
	unsigned int got;

	asm volatile("mov %%gs:0, %0" : "=r"(got) : : "memory");
	return got;
}

/* ---- one for each process ---- */

static int own(unsigned int value)
{
	int i, content = 1;

	pages[0] = value;
	if (set_entry(ENTRY, pages))
		return 0;
	asm volatile("mov %0, %%gs" : : "r"(SELECTOR(ENTRY)));
	for (i = 0; i < ROUNDS; i++) {
		sched_yield();
		content &= read_loaded() == value;
	}
	return content;
}

static unsigned int exit_of(pid_t child)
{
	int status = -1;

	waitpid(child, &status, 0);
	return (unsigned int)status;
}

static void check_own(void)
{
	pid_t children[PROCESSES];
	unsigned int i, content = 0;

	for (i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (!children[i])
			_exit(own(i + 1) ? 0 : 1);
	}
	for (i = 0; i < PROCESSES; i++)
		content += !exit_of(children[i]);
	is(content, PROCESSES, "ldt: each process has its own");
}

static void check_fork(void)
{
	pid_t child;

	pages[0] = 77;
	is((unsigned int)set_entry(ENTRY, pages), 0, "ldt: can be written");
	is(read_by(SELECTOR(ENTRY)), 77, "ldt: and names what it says");
	child = fork();
	if (!child)
		_exit(read_by(SELECTOR(ENTRY)) == 77 ? 0 : 1);
	is(exit_of(child), 0, "ldt: a child has a copy");
	child = fork();
	if (!child)
		_exit(set_entry(ENTRY, pages + PAGE / sizeof(*pages)) ? 1 : 0);
	is(exit_of(child), 0, "ldt: which it may change");
	is(read_by(SELECTOR(ENTRY)), 77, "ldt: and not ours");
}

/* ---- one for all threads ---- */

static struct {
	volatile unsigned int round, seen, wrong, stop;
} other;

#define CHANGING ~0U

/* What is read between two looks at the same round is of that round. */
static void *watch(void *arg)
{
	unsigned int round, got;

	while (!other.stop) {
		round = other.round;
		asm volatile("" : : : "memory");
		got = read_by(SELECTOR(ENTRY));
		other.wrong += round != CHANGING && round == other.round &&
			       got != (round & 1);
		other.seen = round;
	}
	return arg;
}

static void check_threads(void)
{
	const size_t half = PAGE / sizeof(*pages);
	unsigned int i, bad = 0;
	pthread_t thread;

	pages[0] = 0;
	pages[half] = 1;
	bad += set_entry(ENTRY, pages) != 0;
	if (pthread_create(&thread, NULL, watch, NULL))
		return (void)ok(0, "pthread_create: %s", strerror(errno));
	for (i = 1; i <= ROUNDS; i++) {
		other.round = CHANGING;
		bad += set_entry(ENTRY, i & 1 ? pages + half : pages) != 0;
		other.round = i;
		while (other.seen != i)
			sched_yield();
	}
	other.stop = 1;
	pthread_join(thread, NULL);
	is(bad + other.wrong, 0,
	   "ldt: what one thread has changed is changed for another");
}

/* ---- none ---- */

static void load(void)
{
	asm volatile("mov %0, %%gs" : : "r"(SELECTOR(ENTRY)));
}

static void check_gone(void)
{
	struct caught got;

	is((unsigned int)set_entry(ENTRY, NULL), 0, "ldt: taken away");
	got = caught_by(load);
	ok(got.signal && got.trap == 13 && got.error == SELECTOR(ENTRY) - 3,
	   "ldt: its selector is a fault then (trap %llu, error %#llx)",
	   got.trap, got.error);
}

/*
 * The host would keep half of its stack pointer from it, and so has none.  Other
 * segments of 16 bits a kernel has that was built with them (16bit=y).
 */
static void check_16_bits(void)
{
	struct user_desc desc = {
		.entry_number = ENTRY,
		.base_addr = (unsigned int)(unsigned long)pages,
		.limit = 0xfff,
		.useable = 1,
	};

	is((unsigned int)-write_entry(&desc), EINVAL,
	   "ldt: a stack of 16 bits is refused");
	desc.read_exec_only = 1;
	if (*word("16bit=") != 'y') {
		is((unsigned int)-write_entry(&desc), EINVAL,
		   "ldt: as is all of 16 bits");
		return;
	}
	is((unsigned int)-write_entry(&desc), 0,
	   "ldt: but not data that cannot be one");
	pages[0] = 88;
	is(read_by(SELECTOR(ENTRY)), 88, "ldt: which can be read");
}

void check_ldt(void)
{
	pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (pages == MAP_FAILED)
		return (void)ok(0, "mmap: %s", strerror(errno));
	check_own();
	check_fork();
	check_threads();
	check_gone();
	check_16_bits();
}
