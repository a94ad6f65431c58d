// SPDX-License-Identifier: GPL-2.0-only
/*
 * process.c - what processes can do, and what they cannot do to each other
 */
#include "test.h"

static volatile u64 turns;

static void count_turns(u64 n)
{
	while (n--) {
		turns++;
		schedule();
	}
}

static void threads(void)
{
	int a = thread_create("a", count_turns, 100, 0);
	int b = thread_create("b", count_turns, 100, 1);

	ok(a > 0 && b > 0 && a != b, "thread: two are made");
	ok(proc_wait_for(a) == 0 && proc_wait_for(b) == 0, "thread: both end");
	is((u64)proc_wait_for(a), (u64)-ECHILD, "thread: and only once");
}

void init_thread(void)
{
	u64 before;

	threads();
	runs("faults", "ok", 0, "exec: a program runs");
	before = page_free_count();
	runs("calls", "calls", 0,
	     "syscall: bad numbers and pointers are errors");
	runs("calls", "fork", 0,
	     "fork: parent and child have memory of their own");
	runs("calls", "cow", 0, "fork: the kernel's writes are copied too");
	runs("calls", "forks", 0,
	     "wait: twenty children, each with its status");
	runs("calls", "exec", 0, "exec: one program becomes another");
	runs("calls", "mmap", 0, "mmap: memory comes and goes");
	runs("calls", "protect", 0, "mprotect: rights are taken and given");
	runs("calls", "shared", 0, "mmap: shared memory is one page");
	runs("calls", "pipe", 0,
	     "pipe: bytes arrive, in order, and then the end");
	runs("calls", "sleep", 0, "sleep: it is as long as it was to be");
	runs("state", "preempt", 0,
	     "lguest_time_irq: who does not yield is preempted");
	runs("state", "regs", 0, "lguest_iret: an interrupt loses no register");
	runs("state", "copies", 0, "lguest_iret: nor does a page fault");
	runs("state", "fpu", 0,
	     "switch: each process has its own FPU registers");
	runs("state", "tls", 0,
	     "lguest_load_tls: each process has its own FS base");
	runs("state", "tls-slot", 0, "lguest_load_tls: and its own segments");
	runs("state", "gs", 0, "switch: and its own GS base");
	runs("state", "deep-fork", 0,
	     "lguest_load_esp0: each has its own kernel stack");
	is(page_free_count(), before, "exit: no memory is lost");
	done_testing();
}
