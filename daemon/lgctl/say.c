// SPDX-License-Identifier: GPL-2.0-only
/*
 * say.c - messages, tables, sizes, ages
 *
 * Answers go to stdout and nothing else does; an error is one line on stderr
 * that begins with our name and says what, which, why and what to do.
 *
 * What must never happen: that text which is not ours does something to a
 * terminal.  A guest's last sentence or a file's name may have escape sequences
 * in it, or marks that turn the rest of the line around.
 *
 * Next: daemon/lgctl/client.c
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "lgctl.h"

static void say(const char *fmt, va_list args)
{
	char text[4096], shown[2 * sizeof(text)];

	vsnprintf(text, sizeof(text), fmt, args);
	fflush(stdout);
	fprintf(stderr, "lgctl: %s\n", conf_show(text, shown, sizeof(shown)));
}

enum proto_exit say_error(enum proto_exit status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
	return status;
}

void say_note(const struct lgctl *ctl, const char *fmt, ...)
{
	va_list args;

	if (ctl->quiet)
		return;
	va_start(args, fmt);
	say(fmt, args);
	va_end(args);
}

enum proto_exit say_json(json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

	json_decref(value);
	if (!text)
		return say_error(EXIT_FAILED, "no memory");
	puts(text);
	free(text);
	return EXIT_DONE;
}

const char *say_size(uint64_t bytes, char *buf, size_t len)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB",
					     "TiB" };
	size_t unit = 0;
	uint64_t rest = 0;

	while (bytes >= 1024 && unit < 4) {
		rest = bytes % 1024;
		bytes /= 1024;
		unit++;
	}
	if (rest)
		snprintf(buf, len, "%llu.%llu %s", (unsigned long long)bytes,
			 (unsigned long long)rest * 10 / 1024, units[unit]);
	else
		snprintf(buf, len, "%llu %s", (unsigned long long)bytes,
			 units[unit]);
	return buf;
}

const char *say_age(uint64_t since_us, char *buf, size_t len)
{
	static const struct {
		uint64_t s;
		const char *unit;
	} units[] = { { 2 * 86400, "days" },
		      { 2 * 3600, "h" },
		      { 120, "min" } };
	static const uint64_t each_s[] = { 86400, 3600, 60 };
	struct timeval now;
	uint64_t now_us, age_s;
	size_t i;

	gettimeofday(&now, NULL);
	now_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_usec;
	age_s = now_us > since_us ? (now_us - since_us) / 1000000 : 0;
	for (i = 0; i < 3; i++)
		if (age_s >= units[i].s) {
			snprintf(buf, len, "%llu %s",
				 (unsigned long long)(age_s / each_s[i]),
				 units[i].unit);
			return buf;
		}
	snprintf(buf, len, "%llu s", (unsigned long long)age_s);
	return buf;
}

void table_add(struct table *table, const char *cell)
{
	char shown[4096];
	char **cells = realloc(table->cell,
			       sizeof(*cells) * (size_t)(table->cells + 1));

	if (!cells)
		abort();
	table->cell = cells;
	cells[table->cells] =
		strdup(conf_show(cell ? cell : "", shown, sizeof(shown)));
	if (!cells[table->cells++])
		abort();
}

static int column_width(const struct table *table, int column)
{
	int i, len, width = 0;

	for (i = column; i < table->cells; i += table->columns) {
		len = (int)strlen(table->cell[i]);
		width = len > width ? len : width;
	}
	return width;
}

void table_print(struct table *table)
{
	int i, column, padding = 0;

	for (i = 0; i < table->cells; i++) {
		column = i % table->columns;
		/* Nothing is padded but what has something to its right. */
		if (*table->cell[i])
			printf("%*s%s", column ? padding + 2 : 0, "",
			       table->cell[i]);
		padding = *table->cell[i] || !column ? 0 : padding + 2;
		padding += column_width(table, column) -
			   (int)strlen(table->cell[i]);
		if (column == table->columns - 1)
			putchar('\n');
	}
	for (i = 0; i < table->cells; i++)
		free(table->cell[i]);
	free(table->cell);
	table->cell = NULL;
	table->cells = 0;
}

enum proto_exit say_end(enum proto_exit status)
{
	/* Whoever reads no further has what was wanted: head(1) does that. */
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno == EPIPE)
		return status;
	return worse(status,
		     say_error(EXIT_FAILED, "stdout: %s", strerror(errno)));
}

enum proto_exit worse(enum proto_exit so_far, enum proto_exit now)
{
	return so_far == EXIT_DONE ? now : so_far;
}
