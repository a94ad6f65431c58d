// SPDX-License-Identifier: GPL-2.0-only
/*
 * spin.c - guests that run until they are told to stop, for scripts
 *
 *	spin COUNT [CPU]	so many guests, each checking its patterns, on
 *				that CPU or anywhere, until SIGTERM; "running"
 *				on stdout when all have started
 *	spin bounce COUNT	each is sent from CPU to CPU all the time
 *	spin once [CPU]		one guest, until it turns itself off
 *	spin hold		a VM that does not run, until SIGTERM
 *
 * Exit status: 0 if every guest was well to the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"

#define MAX_GUESTS 8

static volatile sig_atomic_t stopping;

static void on_term(int signal)
{
	(void)signal;
	stopping = 1;
}

static int run_once(int cpu)
{
	struct busy busy;

	pin(cpu);
	busy_create(&busy, OP_SHUTDOWN, 100, NULL);
	busy.end = vmm_run(&busy.vmm);
	if (busy.end != LG_EXIT_SHUTDOWN)
		diag("%s", vmm_why(&busy.vmm));
	vmm_destroy(&busy.vmm);
	return busy.end != LG_EXIT_SHUTDOWN;
}

static int hold(void)
{
	struct busy busy;

	busy_create(&busy, OP_SPIN, 0, NULL);
	puts("running");
	fflush(stdout);
	while (!stopping)
		nap();
	busy_destroy(&busy);
	return 0;
}

/* Whatever CPU there is; one that has just gone is no matter. */
static void send_elsewhere(struct busy *busy, int turn)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((unsigned int)turn % (unsigned int)(last_cpu() + 1), &cpus);
	pthread_setaffinity_np(busy->thread, sizeof(cpus), &cpus);
}

static int run_many(int guests, int cpu, int bounce)
{
	static struct busy busy[MAX_GUESTS];
	__u64 loads = 0;
	int i, turn, ill = 0;

	for (i = 0; i < guests; i++) {
		/* One in three where the host's kernel has its own pages. */
		busy_create(&busy[i], i % 3 == 2 ? OP_HIGH : OP_PATTERN,
			    i % 3 == 2 ? 0xffffffff81000000 : (__u64)i << 40,
			    NULL);
		busy_start(&busy[i], cpu);
	}
	for (i = 0; i < guests; i++)
		ill += !busy_await(&busy[i], 1);
	puts("running");
	fflush(stdout);
	for (turn = 0; !stopping; turn++) {
		for (i = 0; bounce && i < guests; i++)
			send_elsewhere(&busy[i], turn + i);
		nap();
	}
	for (i = 0; i < guests; i++) {
		ill += !busy_await(&busy[i], 2);
		ill += !busy_stop(&busy[i]);
		loads += busy[i].vmm.run->stat[LG_STAT_LOADS];
		busy_destroy(&busy[i]);
	}
	printf("loads %llu\n", loads);
	return !!ill;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_term };
	const char *what = argc > 1 ? argv[1] : "";
	const char *arg = argc > 2 ? argv[2] : NULL;

	sigaction(SIGTERM, &action, NULL);
	if (!strcmp(what, "once"))
		return run_once(arg ? atoi(arg) : ANY_CPU);
	if (!strcmp(what, "hold"))
		return hold();
	if (!strcmp(what, "bounce") && arg && atoi(arg) <= MAX_GUESTS)
		return run_many(atoi(arg), ANY_CPU, 1);
	if (atoi(what) > 0 && atoi(what) <= MAX_GUESTS)
		return run_many(atoi(what), arg ? atoi(arg) : ANY_CPU, 0);
	fprintf(stderr, "usage: spin COUNT [CPU] | bounce COUNT | once [CPU] "
			"| hold\n");
	return 2;
}
