// SPDX-License-Identifier: GPL-2.0-only
/*
 * smp.c - two CPUs
 */
#include "test.h"

#define ADDR   0xffffc90000200000
#define ROUNDS 1000

static struct spinlock lock;
static volatile u64 counter;
static volatile u64 seen[MAX_CPUS];

static void note_cpu(u64 arg)
{
	seen[arg] = 1 + this_cpu()->id;
}

static void count_up(u64 n)
{
	while (n--) {
		spin_lock(&lock);
		counter = counter + 1;
		spin_unlock(&lock);
		if (n % 64 == 0)
			schedule();
	}
}

static void called(void *arg)
{
	(*(volatile u64 *)arg)++;
}

static void look(void *arg)
{
	u64 value;

	*(int *)arg = try_read((void *)ADDR, &value);
}

static void calls(void)
{
	u64 *page = page_alloc();
	volatile u64 hits = 0;
	u64 i, fresh = 0, stale = 0;
	int error;

	for (i = 0; i < 100; i++)
		smp_call(called, (void *)&hits);
	is(hits, 100, "ipi: the other CPU calls a function, each time");
	for (i = 0; i < 20; i++) {
		kernel_map(ADDR, pa(page), PTE_P | PTE_W | PTE_NX);
		smp_call(look, &error);
		fresh += error == 0;
		kernel_unmap(ADDR);
		smp_call(look, &error);
		stale += error == 0;
	}
	is(fresh, 20, "flush_tlb_kernel: a page is there for all CPUs");
	is(stale, 0, "flush_tlb_kernel: and gone for all of them");
}

void init_thread(void)
{
	int a, b;

	is(cpus_online, 2, "VCPU_UP: both CPUs are up");
	a = thread_create("a", note_cpu, 0, 1);
	b = thread_create("b", note_cpu, 1, 2);
	proc_wait_for(a);
	proc_wait_for(b);
	ok(seen[0] == 1 && seen[1] == 2, "smp: each has its own data");
	a = thread_create("a", count_up, 20 * ROUNDS, 1);
	b = thread_create("b", count_up, 20 * ROUNDS, 2);
	proc_wait_for(a);
	proc_wait_for(b);
	is(counter, 40 * ROUNDS, "spin_lock: nothing is counted twice or lost");
	calls();
	runs("calls", "forks", 0, "smp: processes run on both");
	runs("state", "preempt", 0, "smp: and are preempted on both");
	runs("calls", "pipe", 0, "smp: and wake each other");
	ok(percpus[1].ticks > 0, "lguest_clockevent: each CPU has its own");
	ok(percpus[1].ipis > 0, "ipi: an idle CPU is told of work");
	done_testing();
}
