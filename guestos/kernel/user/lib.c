// SPDX-License-Identifier: GPL-2.0-only
/*
 * lib.c - a little help for programs
 *
 * Next: guestos/kernel/user/init.c
 */
#include "user.h"

u64 length(const char *text)
{
	u64 n = 0;

	while (text[n])
		n++;
	return n;
}

void say(const char *text)
{
	sys(SYS_WRITE, (u64)text, length(text), 0);
}

const char *decimal(u64 n, char room[NUMBER_BYTES])
{
	int i = NUMBER_BYTES - 1;

	room[i] = '\0';
	do {
		room[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	return &room[i];
}

void say_number(u64 n)
{
	char room[NUMBER_BYTES];

	say(decimal(n, room));
}

int fork(void)
{
	return (int)sys(SYS_FORK, 0, 0, 0);
}

int wait(int *ret_status)
{
	return (int)sys(SYS_WAIT, (u64)ret_status, 0, 0);
}

void exit(int status)
{
	sys(SYS_EXIT, (u64)status, 0, 0);
	__builtin_trap();
}

void *map(u64 bytes, u64 how)
{
	return (void *)sys(SYS_MMAP, bytes, how, 0);
}
