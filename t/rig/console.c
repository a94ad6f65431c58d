// SPDX-License-Identifier: GPL-2.0-only
/*
 * console.c - what the host kernel inside says, and whether it is well
 *
 * A test that passes while the kernel under it warns has found a bug and not
 * seen it.  So all that the kernel prints goes through here, and a line of the
 * list below fails the command that was running.
 *
 * Must never happen: a report taken for another command's.  The agent prints a
 * mark when a command ends, and server.c judges up to that mark.
 *
 * Next: t/rig/server.c
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define REPORT_LINES 70

/* What a kernel prints when it is broken, and at no other time. */
static const char *const bad[] = {
	"BUG:",
	"BUG ",
	"Oops",
	"WARNING:",
	"Kernel panic",
	"general protection fault,",
	"general protection fault:",
	"double fault:",
	"divide error:",
	"invalid opcode:",
	"stack segment:",
	"unable to handle",
	"unchecked MSR access",
	"rcu: INFO",
	"INFO: rcu",
	"INFO: task",
	"soft lockup",
	"hard LOCKUP",
	"scheduling while atomic",
	"sleeping function called",
	"list_add corruption",
	"list_del corruption",
	"Slab corruption",
	"Objects remaining in",
	"refcount_t:",
	"KASAN",
	"UBSAN",
	"possible circular locking",
	"possible recursive locking",
	"inconsistent lock state",
	"suspicious RCU usage",
	"still has locks held",
	"stack-protector",
	"corrupted stack",
};

int console_open(struct console *con, const char *path)
{
	*con = (struct console){ .file = fopen(path, "re") };
	return con->file ? 0 : -errno;
}

void console_read(struct console *con)
{
	char data[8192];
	size_t n;

	clearerr(con->file);
	while ((n = fread(data, 1, sizeof(data), con->file)) > 0)
		buf_add(&con->text, data, n);
}

void console_forget(struct console *con)
{
	con->text.len = 0;
}

/* Past the time stamp: "[   12.345678] ". */
static const char *skip_stamp(const char *line)
{
	const char *end = *line == '[' ? strstr(line, "] ") : NULL;

	return end ? end + 2 : line;
}

/* Does the line have the word, and not as the end of a longer one? */
static int has_word(const char *line, const char *word)
{
	const char *p = line;

	while ((p = strstr(p, word))) {
		if (p == line || !isalpha((unsigned char)p[-1]))
			return 1;
		p++;
	}
	return 0;
}

static int is_bad(const char *line)
{
	line = skip_stamp(line);
	if (strncmp(line, "rig: ", 5) == 0) /* our marks quote commands */
		return 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (has_word(line, bad[i]))
			return 1;
	return 0;
}

int console_judge(const struct console *con, regex_t *const *expected,
		  size_t num_expected, struct buf *ret_report)
{
	char *text =
		strndup(con->text.len ? con->text.data : "", con->text.len);
	char *line, *rest = text;
	int found = 0, lines = 0;

	while ((line = strsep(&rest, "\n"))) {
		int wrong = is_bad(line);

		line[strcspn(line, "\r")] = '\0';
		for (size_t i = 0; wrong && i < num_expected; i++)
			if (regexec(expected[i], line, 0, NULL, 0) == 0)
				wrong = 0;
		found += wrong;
		if (!found || !*line || lines++ > REPORT_LINES)
			continue;
		buf_add(ret_report, "# host log: ", 12);
		buf_add(ret_report, line, strlen(line));
		buf_add(ret_report, "\n", 1);
	}
	free(text);
	return found;
}

void console_tail(const char *path, unsigned lines, struct buf *ret_report)
{
	char line[1024];
	unsigned total = 0;
	FILE *f = fopen(path, "re");

	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		total++;
	rewind(f);
	for (unsigned i = 0; fgets(line, sizeof(line), f); i++) {
		if (i + lines < total)
			continue;
		line[strcspn(line, "\r\n")] = '\0';
		buf_add(ret_report, "# console: ", 11);
		buf_add(ret_report, line, strlen(line));
		buf_add(ret_report, "\n", 1);
	}
	fclose(f);
}
