// SPDX-License-Identifier: GPL-2.0-only
/*
 * suggest.c - did you mean
 *
 * Whoever comes from another hypervisor has its words in the fingers, and they
 * are better met with ours than with a usage message.  What is in no list is
 * compared letter by letter: two letters of difference are a typing error.
 *
 * Next: daemon/lgctl/say.c
 */
#include <string.h>

#include "lgctl.h"

#define WORD_MAX 20
#define TYPOS    2

static const struct {
	const char *theirs, *ours;
} synonyms[] = {
	{ "start", "create" },      { "boot", "create" },
	{ "launch", "create" },     { "define", "create" },
	{ "shutdown", "stop" },     { "poweroff", "stop" },
	{ "halt", "stop" },         { "kill", "destroy" },
	{ "terminate", "destroy" }, { "delete", "destroy" },
	{ "undefine", "destroy" },  { "remove", "destroy" },
	{ "rm", "destroy" },        { "ls", "list" },
	{ "ps", "list" },           { "status", "info" },
	{ "show", "info" },         { "dominfo", "info" },
	{ "describe", "info" },     { "suspend", "pause" },
	{ "freeze", "pause" },      { "unpause", "resume" },
	{ "thaw", "resume" },       { "reboot", "reset" },
	{ "restart", "reset" },     { "attach", "console" },
	{ "log", "logs" },          { "validate", "check" },
	{ "verify", "check" },      { "exec", "run" },
};

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* How many letters must be put in, taken out or changed to make a of b. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], i, j, before, old;
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return WORD_MAX;
	for (j = 0; j <= b_len; j++)
		row[j] = j;
	for (i = 1; i <= a_len; i++) {
		before = row[0];
		row[0] = i;
		for (j = 1; j <= b_len; j++) {
			old = row[j];
			row[j] = least(row[j] + 1, row[j - 1] + 1,
				       before + (a[i - 1] != b[j - 1]));
			before = old;
		}
	}
	return row[b_len];
}

const char *suggest(const char *word)
{
	const char *best = NULL;
	size_t i, d, best_d = TYPOS + 1;

	for (i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++)
		if (!strcmp(word, synonyms[i].theirs))
			return synonyms[i].ours;
	for (i = 0; commands[i]; i++) {
		d = distance(word, commands[i]->name);
		if (d < best_d && d < strlen(word)) {
			best = commands[i]->name;
			best_d = d;
		}
	}
	return best;
}
