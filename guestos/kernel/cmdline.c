// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmdline.c - the words of the command line
 *
 *	cpus=2 end=panic
 *
 * A copy, because the loader's memory becomes ours before anybody asks.
 *
 * Next: guestos/kernel/console.c
 */
#include "kernel.h"

static char line[256];

/* cmdline_set - remember it; what is too long is cut */
void cmdline_set(const char *text)
{
	size_t i;

	for (i = 0; text[i] && i + 1 < sizeof(line); i++)
		line[i] = text[i];
	line[i] = '\0';
}

/* cmdline_word - what follows "key=", up to a space; NULL: not there */
const char *cmdline_word(const char *key)
{
	size_t len = strlen(key);
	const char *at;

	for (at = line; *at; at++) {
		if ((at == line || at[-1] == ' ') && !memcmp(at, key, len) &&
		    at[len] == '=')
			return at + len + 1;
	}
	return NULL;
}

/* cmdline_number - key's value in decimal */
u64 cmdline_number(const char *key, u64 otherwise)
{
	const char *word = cmdline_word(key);
	u64 n = 0;

	if (!word || *word < '0' || *word > '9')
		return otherwise;
	for (; *word >= '0' && *word <= '9'; word++)
		n = n * 10 + (u64)(*word - '0');
	return n;
}
