// SPDX-License-Identifier: GPL-2.0-only
/*
 * init.c - the first program: everything that a process can do, once
 *
 * It is what a newcomer sees, and a small measure of how fast this kernel is.
 *
 * Next: guestos/kernel/user/hello.c
 */
#include "user.h"

#define ROUNDS 1000

static void time_of(const char *what, u64 since, u64 rounds)
{
	u64 ns = (u64)sys(SYS_CLOCK, 0, 0, 0) - since;

	say(what);
	say(": ");
	say_number(ns / rounds);
	say(" ns\n");
}

static void measure_calls(void)
{
	u64 start = (u64)sys(SYS_CLOCK, 0, 0, 0);
	int i;

	for (i = 0; i < ROUNDS; i++)
		sys(SYS_GETPID, 0, 0, 0);
	time_of("getpid", start, ROUNDS);
}

static void measure_forks(void)
{
	u64 start = (u64)sys(SYS_CLOCK, 0, 0, 0);
	int i;

	for (i = 0; i < ROUNDS / 10; i++) {
		if (!fork())
			exit(0);
		wait(0);
	}
	time_of("fork, exit and wait", start, ROUNDS / 10);
}

int main(const char *arg)
{
	(void)arg;
	say("init: hello from user mode\n");
	measure_calls();
	measure_forks();
	if (!fork()) {
		sys(SYS_EXEC, (u64) "hello", (u64) "exec", 0);
		exit(1);
	}
	wait(0);
	return 0;
}
