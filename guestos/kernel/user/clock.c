// SPDX-License-Identifier: GPL-2.0-only
/*
 * clock.c - a line each second, for ever
 *
 * Who sees the numbers go on knows that this guest lives, whatever was done to
 * those who run it.  A second that nobody could give us is not made up for.
 *
 * Next: guestos/kernel/user/noise.c
 */
#include "user.h"

#define NS_PER_S 1000000000ULL

int main(const char *arg)
{
	u64 line, now;

	(void)arg;
	for (line = 1;; line++) {
		now = (u64)sys(SYS_CLOCK, 0, 0, 0);
		sys(SYS_SLEEP, NS_PER_S - now % NS_PER_S, 0, 0);
		now = (u64)sys(SYS_CLOCK, 0, 0, 0);
		say("clock: line ");
		say_number(line);
		say(", up ");
		say_number(now / NS_PER_S);
		say(" s\n");
	}
}
