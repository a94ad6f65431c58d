// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugregs.c - breakpoints and watchpoints (lguest_set_debugreg)
 */
#include "test.h"

static volatile u32 watched, unwatched;

static __attribute__((noinline)) void stop_here(void)
{
	asm volatile("");
}

/* hits - by now: a #DB writes it behind the compiler's back */
static u64 hits(void)
{
	return *(volatile u64 *)&kernel_debug.hits;
}

static void the_kernels(void)
{
	u64 i;

	debug_set(&kernel_debug, 0, (u64)&watched, DEBUG_WRITE);
	for (i = 0; i < 5; i++) {
		watched++;
		unwatched++;
	}
	is(hits(), 5,
	   "lguest_set_debugreg: the kernel watches a word of its own");
	debug_set(&kernel_debug, 0, 0, DEBUG_OFF);
	watched++;
	is(hits(), 5, "lguest_set_debugreg: until it stops");

	kernel_debug.hits = 0;
	pv_ops.lazy_cpu_enter();
	debug_set(&kernel_debug, 0, (u64)&watched, DEBUG_WRITE);
	pv_ops.lazy_cpu_leave();
	watched++;
	is(hits(), 1,
	   "paravirt_enter_lazy_cpu: what was asked for is in force after it");
	debug_set(&kernel_debug, 0, 0, DEBUG_OFF);

	kernel_debug.hits = 0;
	debug_set(&kernel_debug, 1, (u64)stop_here, DEBUG_EXEC);
	for (i = 0; i < 3; i++)
		stop_here();
	is(hits(), 3, "lguest_set_debugreg: it stops at a function");
	is(*(volatile u64 *)&kernel_debug.last_rip, (u64)stop_here,
	   "lguest_set_debugreg: before its first instruction");
	debug_set(&kernel_debug, 1, 0, DEBUG_OFF);
}

void init_thread(void)
{
	the_kernels();
	runs("state", "watch", 0,
	     "lguest_set_debugreg: a process watches its memory");
	runs("state", "watch-two", 0,
	     "lguest_set_debugreg: of two processes only one does");
	runs("state", "break", 0,
	     "lguest_set_debugreg: and stops at its functions");
	runs("state", "watch-kernel", 0,
	     "lguest_set_debugreg: but not at addresses of the kernel");
	done_testing();
}
