// SPDX-License-Identifier: GPL-2.0-only
/*
 * hello.c - the smallest program there is
 *
 * Next: guestos/kernel/user/shell.c
 */
#include "user.h"

int main(const char *arg)
{
	say("hello, ");
	say(arg);
	say("\n");
	return 7;
}
