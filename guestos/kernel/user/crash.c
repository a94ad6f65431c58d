// SPDX-License-Identifier: GPL-2.0-only
/*
 * crash.c - a machine that crashes as soon as it is up
 *
 * Next: guestos/kernel/user/reboot.c
 */
#include "user.h"

int main(const char *arg)
{
	(void)arg;
	return (int)sys(SYS_SHUTDOWN, SHUTDOWN_CRASH, 0, 0);
}
