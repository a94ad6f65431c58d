// SPDX-License-Identifier: GPL-2.0-only
/*
 * crossing.c - what each crossing costs, in instructions
 *
 *	crossing GUEST.elf [OPERATION [ROUNDS]]
 *
 * Prints "name value unit" lines.  It is meant for a machine whose time-stamp
 * counter counts instructions (t/bench/run sees to that); anywhere else the
 * numbers are cycles and mean what cycles mean.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/vmm.h"
#include "ops.h"

/* Who hears of a token. */
enum how {
	BY_EXIT,
	BY_QUEUE, /* another thread, which answers */
	BY_EVENTFD, /* whoever reads it some day */
};

struct op {
	const char *name;
	unsigned int number;
	unsigned int rounds;
	enum how how;
};

static const struct op ops[] = {
	{ "hypercall", OP_HYPERCALL, BENCH_ROUNDS, BY_EXIT },
	{ "hypercall-high", OP_HIGH_HYPERCALL, BENCH_ROUNDS, BY_EXIT },
	{ "direct-syscall", OP_DIRECT, BENCH_ROUNDS, BY_EXIT },
	{ "long-way-syscall", OP_LONG_WAY, BENCH_ROUNDS, BY_EXIT },
	{ "daemon-exit", OP_NOTIFY, BENCH_ROUNDS, BY_EXIT },
	{ "queue-exit", OP_NOTIFY, BENCH_ROUNDS, BY_QUEUE },
	{ "notify-eventfd", OP_NOTIFY, BENCH_ROUNDS, BY_EVENTFD },
	{ "shadow-fill", OP_FILL, BENCH_ROUNDS, BY_EXIT },
	{ "shadow-fill-used", OP_FILL_USED, BENCH_ROUNDS, BY_EXIT },
	{ "direct-fault", OP_FAULT, BENCH_ROUNDS, BY_EXIT },
	{ "long-way-fault", OP_LONG_FAULT, BENCH_ROUNDS, BY_EXIT },
	{ "timer-tick", OP_TICK, BENCH_TICKS, BY_EXIT },
};

static __u64 rdtsc(void)
{
	__u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (__u64)high << 32 | low;
}

static int run_to_end(struct vmm *vmm)
{
	int end;

	/* No printing and no timer here: this loop is part of the cost. */
	do
		end = vmm_run_once(vmm);
	while (end == LG_EXIT_NOTIFY || end == VMM_INTERRUPTED);
	return end;
}

/* ---- queued ---- */

static bool over;

static void on_signal(int signal)
{
	(void)signal; /* it ends LG_RUN */
}

static void *run_on(void *arg)
{
	const struct vmm *vmm = arg;

	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE))
		ioctl(vmm->vcpu, LG_RUN, 0);
	return NULL;
}

/* Answers until the guest shuts down; in data what it said then. */
static int serve_to_end(struct vmm *vmm, __u64 *data)
{
	struct lg_exit exit;

	for (;;) {
		struct lg_answer answer = { .exit = LG_EXIT_NOTIFY };

		if (read(vmm->vm, &exit, sizeof(exit)) != sizeof(exit))
			return VMM_ERROR;
		if (exit.exit != LG_EXIT_NOTIFY)
			break;
		answer.serial = exit.serial;
		if (ioctl(vmm->vm, LG_ANSWER, &answer))
			return VMM_ERROR;
	}
	memcpy(data, exit.data, sizeof(exit.data));
	return (int)exit.exit;
}

static int run_queued(struct vmm *vmm, __u64 *data)
{
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t thread;
	int end;

	sigaction(SIGUSR1, &action, NULL);
	if (vmm_set_regs(vmm, &vmm->regs) < 0 ||
	    pthread_create(&thread, NULL, run_on, vmm))
		return VMM_ERROR;
	end = serve_to_end(vmm, data);
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	do
		pthread_kill(thread, SIGUSR1);
	while (usleep(1000), pthread_tryjoin_np(thread, NULL));
	over = false;
	return end;
}

static int connect_eventfd(struct vmm *vmm)
{
	struct lg_eventfd wire = { .fd = eventfd(0, EFD_CLOEXEC),
				   .token = OP_TOKEN };

	return ioctl(vmm->vm, LG_NOTIFYFD, &wire);
}

/* LG_EXIT_*, and what the guest said with it. */
static int run_op(struct vmm *vmm, enum how how, __u64 *data)
{
	int end;

	if (how == BY_QUEUE)
		return run_queued(vmm, data);
	if (how == BY_EVENTFD && connect_eventfd(vmm))
		return VMM_ERROR;
	end = run_to_end(vmm);
	memcpy(data, vmm->run->data, sizeof(vmm->run->data));
	return end;
}

static int measure(const struct op *op, const char *guest, unsigned int rounds)
{
	struct vmm_options options = {
		.and_features = op->how == BY_QUEUE ? LG_FEATURE_QUEUE : 0,
	};
	struct lg_stats stats = { 0 };
	struct vmm vmm;
	__u64 data[3];
	int ok;

	ok = vmm_create(&vmm, &options) == 0 && vmm_load(&vmm, guest) == 0;
	vmm.regs.rdi = op->number;
	vmm.regs.rsi = rounds;
	if (ok) /* a fill should not include the host's first touch of RAM */
		memset(vmm.ram + FILL_START, 0, FILL_BYTES);
	ok = ok && run_op(&vmm, op->how, data) == LG_EXIT_SHUTDOWN &&
	     data[0] == LGUEST_SHUTDOWN_POWEROFF &&
	     ioctl(vmm.vcpu, LG_STATS, &stats) == 0;
	if (!ok) {
		fprintf(stderr, "crossing: %s: %s%s\n", op->name, vmm_why(&vmm),
			vmm.run ? vmm.run->why : "");
		vmm_destroy(&vmm);
		return -1;
	}
	printf("%s %.2f instructions\n", op->name, (double)data[1] / rounds);
	printf("%s.entries %.2f world-switches\n", op->name,
	       (double)stats.stat[LG_STAT_ENTRIES] / rounds);
	vmm_destroy(&vmm);
	return 0;
}

/* What the host's own system calls cost, to compare with. */
static void measure_host(void)
{
	__u64 start = rdtsc();
	int i;

	for (i = 0; i < BENCH_ROUNDS; i++)
		syscall(SYS_getppid);
	printf("host-getppid %.2f instructions\n",
	       (double)(rdtsc() - start) / BENCH_ROUNDS);
	start = rdtsc();
	for (i = 0; i < BENCH_ROUNDS; i++)
		ioctl(-1, 0);
	printf("host-bad-ioctl %.2f instructions\n",
	       (double)(rdtsc() - start) / BENCH_ROUNDS);
}

int main(int argc, char **argv)
{
	const char *only = argc > 2 ? argv[2] : NULL;
	unsigned int i;

	if (argc < 2 || argc > 4) {
		fprintf(stderr,
			"usage: crossing GUEST.elf [OPERATION [ROUNDS]]\n");
		return 2;
	}
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (only && strcmp(only, ops[i].name) != 0)
			continue;
		if (measure(&ops[i], argv[1],
			    argc > 3 ? (unsigned int)atoi(argv[3])
				     : ops[i].rounds) < 0)
			return 1;
	}
	if (!only)
		measure_host();
	return 0;
}
