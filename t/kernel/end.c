// SPDX-License-Identifier: GPL-2.0-only
/*
 * end.c - the ways out: end=off, restart, panic, oops or stack
 */
#include "test.h"

static int wants(const char *how)
{
	const char *word = cmdline_word("end");

	return word && !memcmp(word, how, strlen(how));
}

void init_thread(void)
{
	ok(1, "end: this far it has come");
	done_testing();
	if (wants("restart"))
		restart();
	if (wants("panic"))
		panic("end: it was asked for (%d)", 42);
	if (wants("stack"))
		asm volatile("mov $0x2000, %esp\n\tpush $0");
	if (wants("oops"))
		*(volatile u64 *)0x3000 = 0;
}
