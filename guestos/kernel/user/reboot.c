// SPDX-License-Identifier: GPL-2.0-only
/*
 * reboot.c - a machine that wants to start again as soon as it is up
 *
 * Next: guestos/kernel/user/spin.c
 */
#include "user.h"

int main(const char *arg)
{
	(void)arg;
	return (int)sys(SYS_SHUTDOWN, SHUTDOWN_RESTART, 0, 0);
}
