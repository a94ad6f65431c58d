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
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/vmm.h"
#include "ops.h"

struct op {
	const char *name;
	unsigned int number;
	unsigned int rounds;
};

static const struct op ops[] = {
	{ "hypercall", OP_HYPERCALL, BENCH_ROUNDS },
	{ "hypercall-high", OP_HIGH_HYPERCALL, BENCH_ROUNDS },
	{ "direct-syscall", OP_DIRECT, BENCH_ROUNDS },
	{ "long-way-syscall", OP_LONG_WAY, BENCH_ROUNDS },
	{ "daemon-exit", OP_NOTIFY, BENCH_ROUNDS },
	{ "shadow-fill", OP_FILL, BENCH_ROUNDS },
	{ "shadow-fill-used", OP_FILL_USED, BENCH_ROUNDS },
	{ "direct-fault", OP_FAULT, BENCH_ROUNDS },
	{ "long-way-fault", OP_LONG_FAULT, BENCH_ROUNDS },
	{ "timer-tick", OP_TICK, BENCH_TICKS },
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

static int measure(const struct op *op, const char *guest, unsigned int rounds)
{
	struct vmm vmm;
	__u64 entries;
	int ok;

	ok = vmm_create(&vmm, NULL) == 0 && vmm_load(&vmm, guest) == 0;
	vmm.regs.rdi = op->number;
	vmm.regs.rsi = rounds;
	if (ok) /* a fill should not include the host's first touch of RAM */
		memset(vmm.ram + FILL_START, 0, FILL_BYTES);
	ok = ok && run_to_end(&vmm) == LG_EXIT_SHUTDOWN &&
	     vmm.run->data[0] == LGUEST_SHUTDOWN_POWEROFF;
	if (!ok) {
		fprintf(stderr, "crossing: %s: %s%s\n", op->name, vmm_why(&vmm),
			vmm.run ? vmm.run->why : "");
		vmm_destroy(&vmm);
		return -1;
	}
	entries = vmm.run->stat[LG_STAT_ENTRIES];
	printf("%s %.2f instructions\n", op->name,
	       (double)vmm.run->data[1] / rounds);
	printf("%s.entries %.2f world-switches\n", op->name,
	       (double)entries / rounds);
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
