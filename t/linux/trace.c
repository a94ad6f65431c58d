// SPDX-License-Identifier: GPL-2.0-only
/*
 * trace.c - what a debugger does to a program
 *
 * One instruction at a time, breakpoints in code and in the debug registers,
 * watchpoints, system calls announced, registers read and changed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"

#define DEBUGREG(n) offsetof(struct user, u_debugreg[n])

static volatile long watched;

/* Ten stores and ten system calls, and the sum for a status. */
__attribute__((noinline)) static void child_work(void)
{
	int i;

	for (i = 0; i < 10; i++) {
		watched = i;
		syscall(SYS_getppid);
	}
	_exit(3);
}

static pid_t start(void)
{
	pid_t child = fork();
	int status;

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		child_work();
	}
	waitpid(child, &status, 0);
	return child;
}

static unsigned int stopped_by_trap(int status)
{
	return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP ? 1 : 0;
}

/* Go on by how until it does not stop by a trap; how often it did. */
static unsigned int count(pid_t child, int how, int *status)
{
	unsigned int n = 0;

	do {
		ptrace(how, child, NULL, NULL);
		waitpid(child, status, 0);
		n += stopped_by_trap(*status) ? 1 : 0;
	} while (stopped_by_trap(*status) && n < 20000);
	return n;
}

static void check_steps(void)
{
	int status;
	pid_t child = start();
	unsigned int steps = count(child, PTRACE_SINGLESTEP, &status);

	ok(steps > 50 && steps < 20000, "steps: each instruction is one (%u)",
	   steps);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 3,
	   "steps: and the program does not notice");
}

static void check_calls(void)
{
	int status;
	pid_t child = start();
	unsigned int stops = count(child, PTRACE_SYSCALL, &status);

	/* Into and out of each, and into the last. */
	ok(stops >= 21, "calls: each system call is announced (%u)", stops);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 3,
	   "calls: and the program does not notice");
}

/* dr7: local 0 is on, and of which kind */
static void check_register(void *addr, unsigned long kind, unsigned int want,
			   const char *name)
{
	int status, set;
	unsigned long dr6;
	pid_t child = start();

	set = ptrace(PTRACE_POKEUSER, child, DEBUGREG(0), addr) ||
	      ptrace(PTRACE_POKEUSER, child, DEBUGREG(7), kind << 16 | 1);
	ok(!set, "%s: can be set", name);
	ptrace(PTRACE_CONT, child, NULL, NULL);
	waitpid(child, &status, 0);
	errno = 0;
	dr6 = (unsigned long)ptrace(PTRACE_PEEKUSER, child, DEBUGREG(6), NULL);
	is(dr6 & 15, 1, "%s: and says which it was", name);
	is(stopped_by_trap(status) + count(child, PTRACE_CONT, &status), want,
	   "%s: stops the program each time", name);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 3, "%s: and it goes on",
	   name);
}

static void check_kernels_address(void)
{
	pid_t child = start();
	int status;

	ok(ptrace(PTRACE_POKEUSER, child, DEBUGREG(0),
		  (void *)0xffffffff81000000) < 0 ||
		   ptrace(PTRACE_POKEUSER, child, DEBUGREG(7), 1) < 0,
	   "watchpoint: none on the kernel");
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

static void check_registers(void)
{
	struct user_regs_struct regs = { 0 };
	pid_t child = start();
	int status;

	ptrace(PTRACE_SYSCALL, child, NULL, NULL);
	waitpid(child, &status, 0);
	ptrace(PTRACE_GETREGS, child, NULL, &regs);
	is(regs.orig_rax, SYS_getppid, "registers: can be read");
	regs.orig_rax = SYS_exit;
	regs.rdi = 77;
	ptrace(PTRACE_SETREGS, child, NULL, &regs);
	ptrace(PTRACE_CONT, child, NULL, NULL);
	waitpid(child, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 77,
	   "registers: and changed");
}

void check_trace(void)
{
	check_steps();
	check_calls();
	check_register((void *)(unsigned long)&watched, 0xd, 10, "watchpoint");
	check_register((void *)child_work, 0, 1, "breakpoint");
	check_kernels_address();
	check_registers();
}
