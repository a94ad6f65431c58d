// SPDX-License-Identifier: GPL-2.0-only
/*
 * host.c - what is the host's, and what it finds again when guests have run
 *
 * Story: host-state.t.  Needs lgtest.ko.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"

#define HIGH_BASE   0xffffffff81000000ULL
#define WATCHED     0x10000000ULL /* OP_FAULT writes there all the time */
#define WATCHED_RAM 0xa00000ULL
#define WRITES      500
#define ROUNDS      200

/* ---- breakpoints ---- */

/* Counts all writes to 8 bytes at addr on this CPU, of every process. */
static int watch(__u64 addr, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = addr,
		.bp_len = HW_BREAKPOINT_LEN_8,
		.sample_period = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, 0);

	if (fd < 0)
		bail_out("no breakpoint on %#llx: %s", addr, strerror(errno));
	return fd;
}

static __u64 hits(int fd)
{
	__u64 count;

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		bail_out("breakpoint: read: %s", strerror(errno));
	return count;
}

/* Slow enough that the guest has its turns in between. */
static void write_there(volatile __u64 *word, struct busy *busy)
{
	int i;

	for (i = 0; i < WRITES; i++) {
		*word = (__u64)i;
		if (i % 50 == 0)
			busy_await(busy, 1);
	}
}

static void test_breakpoint(void)
{
	volatile __u64 *word;
	struct busy busy;
	int fd = watch(WATCHED, last_cpu());

	word = mmap((void *)WATCHED, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (word == MAP_FAILED)
		bail_out("mmap at %#llx: %s", WATCHED, strerror(errno));
	pin(last_cpu());
	*word = 0; /* the page is there now, and the breakpoint works */
	is(hits(fd), 1, "a breakpoint of the host's goes off in the host");

	busy_create(&busy, OP_FAULT, 0, NULL);
	busy_start(&busy, last_cpu());
	ok(busy_await(&busy, 20), "a guest writes to the same address");
	is(hits(fd), 1, "and the host's breakpoint does not go off");
	write_there(word, &busy);
	is(hits(fd), 1 + WRITES,
	   "the host's own writes in between are all counted");
	ok(busy_stop(&busy), "the guest has not noticed");
	busy_destroy(&busy);
	close(fd);
}

/* Both want the same address, each in its own world. */
static void test_both_breakpoints(void)
{
	int fd = watch(WATCHED_RAM, last_cpu()), other;
	volatile __u64 *word = (void *)WATCHED;
	struct busy busy;
	int i;

	other = watch(WATCHED, last_cpu());
	pin(last_cpu());
	for (i = 1; i <= 20; i++) {
		busy_create(&busy, OP_WATCH, WATCHED_RAM, NULL);
		busy.end = vmm_run(&busy.vmm);
		if (busy.end != LG_EXIT_KILLED || busy.vmm.run->trap != 1)
			break;
		*word = 1;
		busy_destroy(&busy);
	}
	is((__u64)busy.end, LG_EXIT_KILLED,
	   "a guest's own watchpoint ends it: %s", vmm_why(&busy.vmm));
	is(busy.vmm.run ? busy.vmm.run->trap : 1, 1, "by a debug exception");
	is(hits(fd), 0, "which is not the host's for the same address");
	is(hits(other), 20, "and the host's others are kept");
	busy_destroy(&busy);
	close(fd);
	close(other);
}

/* ---- a mapping that changes ---- */

static void reader(int in, int out)
{
	long long number;
	char turn;

	while (read(in, &turn, 1) == 1) {
		number = lgtest_number("remap", "number");
		if (write(out, &number, sizeof(number)) < 0)
			break;
	}
	_exit(0);
}

static unsigned int change_and_compare(int to, int from, struct busy *busy)
{
	unsigned int i, stale = 0;
	long long number;
	char line[32];

	for (i = 1; i <= ROUNDS; i++) {
		snprintf(line, sizeof(line), "%u", i);
		if (ask_lgtest("remap", line) < 0)
			bail_out("lgtest: remap: %s", strerror(errno));
		if (write(to, "", 1) != 1 ||
		    read(from, &number, sizeof(number)) != sizeof(number))
			bail_out("the reader has gone");
		stale += number != i;
		busy_await(busy, 1); /* it has its turn, too */
	}
	return stale;
}

static void test_remap(void)
{
	int there[2], back[2];
	struct busy busy;
	__u64 loads;
	pid_t pid;

	pin(last_cpu());
	if (pipe(there) || pipe(back))
		bail_out("pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(there[1]);
		reader(there[0], back[1]);
	}
	busy_create(&busy, OP_HIGH, HIGH_BASE, NULL);
	busy_start(&busy, last_cpu());
	ok(busy_await(&busy, 1), "a guest lives at the kernel's own addresses");
	is(change_and_compare(there[1], back[0], &busy), 0,
	   "what another process reads through a changed mapping is new");
	ok(lgtest_number("remap", "same") > ROUNDS / 2,
	   "at the same address most times (%lld of %d)",
	   lgtest_number("remap", "same"), ROUNDS);
	ok(busy_stop(&busy), "and the guest saw only its own memory");
	/* The run page has the counts when LG_RUN has returned. */
	loads = busy.vmm.run->stat[LG_STAT_LOADS];
	ok(loads > ROUNDS / 4, "the vcpu came and went (%llu times)", loads);
	busy_destroy(&busy);
	close(there[1]);
	waitpid(pid, NULL, 0);
}

/* ---- MSRs ---- */

static void test_msrs(__u64 op, const char *what)
{
	struct busy busy;

	pin(last_cpu());
	busy_create(&busy, op, HIGH_BASE, NULL);
	busy_start(&busy, last_cpu());
	busy_await(&busy, 1);
	if (ask_lgtest("msrs", "400") < 0)
		bail_out("lgtest: msrs: %s", strerror(errno));
	is((__u64)lgtest_number("msrs", "changed"), 0,
	   "MSRs of another hypervisor live through a guest of %s", what);
	/* How often our thread got the CPU is up to the scheduler: often enough. */
	ok(lgtest_number("msrs", "returns") > 40,
	   "its thread goes by user space before it runs (%lld of 400)",
	   lgtest_number("msrs", "returns"));
	ok(busy_await(&busy, 10) && busy_stop(&busy),
	   "and the guest had its own");
	busy_destroy(&busy);
}

int main(void)
{
	char *before = strdup(lgtest_answer("cpus"));
	int cpu;

	/* Everything moves back to both CPUs between the tests. */
	test_breakpoint();
	test_both_breakpoints();
	test_remap();
	test_msrs(OP_SYSCALL, "system calls");
	test_msrs(OP_HIGH, "page faults");
	for (cpu = 0; cpu <= last_cpu(); cpu++) {
		struct busy busy;

		busy_create(&busy, OP_HIGH, HIGH_BASE, NULL);
		busy_start(&busy, cpu);
		ok(busy_await(&busy, 5) && busy_stop(&busy),
		   "a guest runs on CPU %d", cpu);
		busy_destroy(&busy);
	}
	is_str(lgtest_answer("cpus"), before,
	       "afterwards each CPU has its registers as before");
	free(before);
	return tap_end();
}
