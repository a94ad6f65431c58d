// SPDX-License-Identifier: GPL-2.0-only
/*
 * spin.c - a process that never sleeps
 *
 * Next: guestos/linux/graft.c
 */
#include "user.h"

int main(const char *arg)
{
	(void)arg;
	say("spin: busy\n");
	for (;;)
		__builtin_ia32_pause();
}
