// SPDX-License-Identifier: GPL-2.0-only
/*
 * compat.c - 32-bit code, in a program of its own and in a 64-bit one
 *
 * The program is compat.S; its exit status says how far it came.
 */
#define _GNU_SOURCE
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"

/* What compat.S exits with when all is well: see there. */
#define ALL_WELL 42

void check_compat(void)
{
	int status = -1, pid;
	pid_t child = fork();

	if (!child) {
		execl("/compat", "compat", NULL);
		_exit(126);
	}
	waitpid(child, &status, 0);
	is((unsigned int)status, ALL_WELL << 8,
	   "compat: a 32-bit program has system calls, segments and signals");

	asm volatile("int $0x80" : "=a"(pid) : "0"(20) : "memory");
	is((unsigned int)pid, (unsigned int)getpid(),
	   "compat: int 0x80 works in a 64-bit program");
}
