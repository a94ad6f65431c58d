// SPDX-License-Identifier: GPL-2.0-only
/*
 * test.c - the Test Anything Protocol, from inside a kernel
 */
#include "test.h"

static int count;

/* ok - one check; returns what it was given */
int ok(int holds, const char *name)
{
	printk("%sok %d - %s\n", holds ? "" : "not ", ++count, name);
	return holds;
}

/* is - two numbers are the same; says both when they are not */
int is(u64 got, u64 want, const char *name)
{
	if (!ok(got == want, name))
		printk("#  got %#llx\n# want %#llx\n", got, want);
	return got == want;
}

/* done_testing - the plan comes last, when it is known */
void done_testing(void)
{
	printk("1..%d\n", count);
}

void runs(const char *program, const char *arg, int status, const char *name)
{
	int pid = proc_start(program, arg), got;

	got = pid < 0 ? pid : proc_wait_for(pid);
	if (!ok(got == status, name))
		printk("# \"%s %s\" ended with %d, not %d\n", program, arg, got,
		       status);
}
