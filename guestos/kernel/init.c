// SPDX-License-Identifier: GPL-2.0-only
/*
 * init.c - the first thread: one program, and then off
 *
 * The command line may name another: init=hello.  A test puts an init_thread()
 * of its own in the place of this one.
 *
 * Next: guestos/kernel/user/start.S
 */
#include "kernel.h"

/* init_thread - main.c calls when everything is there */
void init_thread(void)
{
	const char *word = cmdline_word("init");
	char name[16] = "init";
	size_t i;
	int pid;

	for (i = 0; word && word[i] && word[i] != ' ' && i < 15; i++) {
		name[i] = word[i];
		name[i + 1] = '\0';
	}
	pid = proc_start(name, "");
	if (pid < 0)
		panic("init: \"%s\": cannot be started (%d)", name, -pid);
	printk("init: \"%s\" ended with %d\n", name, proc_wait_for(pid));
}
