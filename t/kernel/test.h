/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test.h - how to write a test that is a kernel
 *
 *	void init_thread(void)
 *	{
 *		is(irq_counts[32], 1, "lguest_clockevent: it comes once");
 *		done_testing();
 *	}
 *
 * A test is linked with the kernel in the place of its init.c, and runs as its
 * first thread, on a machine of its own and under lguest.  It must say the same
 * on both, so a name tells what is so, never which of the two it is.  A row of
 * the seed's checklist begins with the seed's own name for it.
 */
#ifndef KERNEL_TEST_H
#define KERNEL_TEST_H

#include "kernel.h"

#define MS NS_PER_MS

int ok(int holds, const char *name);
int is(u64 got, u64 want, const char *name);
void done_testing(void);

/* runs - user/PROGRAM.c, with this argument, ends with this status */
void runs(const char *program, const char *arg, int status, const char *name);

/* status of a process that was killed by a trap */
#define KILLED(vector) (-(0x100 + (vector)))

#endif /* KERNEL_TEST_H */
