// SPDX-License-Identifier: GPL-2.0-only
/*
 * init.c - the first thread: one program, and then off
 *
 * The command line may name another, and what to tell it: init=disk,sum,0.  A test puts an init_thread()
 * of its own in the place of this one.
 *
 * Next: guestos/kernel/user/start.S
 */
#include "kernel.h"

/* init_thread - main.c calls when everything is there */
void init_thread(void)
{
	const char *word = cmdline_word("init");
	char name[16] = "init", arg[64] = "";
	size_t i;
	int pid;

	for (i = 0;
	     word && word[i] && word[i] != ' ' && word[i] != ',' && i < 15;
	     i++) {
		name[i] = word[i];
		name[i + 1] = '\0';
	}
	word = word && word[i] == ',' ? word + i + 1 : 0;
	for (i = 0; word && word[i] && word[i] != ' ' && i < 63; i++)
		arg[i] = word[i];
	pid = proc_start(name, arg);
	if (pid < 0)
		panic("init: \"%s\": cannot be started (%d)", name, -pid);
	printk("init: \"%s\" ended with %d\n", name, proc_wait_for(pid));
}
