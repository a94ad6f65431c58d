/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * step.h - a process of ours, an instruction at a time
 *
 * What it shares with us we can look at, and change, between any two.
 */
#ifndef STEP_H
#define STEP_H

#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

/*
 * step_start - a child that stands before body()
 *
 * There is as little as possible on either side of it, for each step is slow.
 */
static inline pid_t step_start(void (*body)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(2);
		raise(SIGSTOP);
		__asm__ volatile("int3");
		body();
		__asm__ volatile("syscall" : : "a"(SYS_exit_group), "D"(0));
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		bail_out("no process to step through");
	if (!WIFSTOPPED(status))
		bail_out("no right to step through a process of ours");
	ptrace(PTRACE_CONT, child, NULL, NULL);
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    WSTOPSIG(status) != SIGTRAP)
		bail_out("the process stepped through does not stop");
	return child;
}

/* step_done - wait for what it does; true: that was the last */
static inline bool step_done(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) != child)
		bail_out("the process stepped through is gone");
	if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP)
		return false;
	if (WIFSTOPPED(status) || WIFSIGNALED(status) || WEXITSTATUS(status))
		bail_out("the process stepped through has died: %#x",
			 (unsigned int)status);
	return true;
}

/* step_once - one instruction; false: that was its end */
static inline bool step_once(pid_t child)
{
	ptrace(PTRACE_SINGLESTEP, child, NULL, NULL);
	return !step_done(child);
}

/* step_rest - all that are left */
static inline void step_rest(pid_t child)
{
	ptrace(PTRACE_CONT, child, NULL, NULL);
	step_done(child);
}

#endif /* STEP_H */
