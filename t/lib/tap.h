/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tap.h - the Test Anything Protocol, for tests written in C
 *
 * A test program says one line per thing it checked and prove counts them:
 *
 *	int main(void)
 *	{
 *		plan(2);
 *		ok(ring_is_empty(&ring), "a new ring is empty");
 *		is(ring.size, 16, "and as large as it was asked to be");
 *		return tap_end();
 *	}
 *
 * A name is a sentence that is true when the check passes.  What cannot be
 * tried here is skipped with its reason; a test that cannot run at all bails
 * out, which is an error and never a pass.
 *
 * Plain C that C++ accepts too, because the ABI is tested as both.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAP_PRINTF(fmt, args) __attribute__((unused, format(printf, fmt, args)))
#define TAP_ROUNDS            __attribute__((unused))
#define TAP_NORETURN          __attribute__((noreturn))

static unsigned int tap_planned, tap_count, tap_failed;

/*
 * rounds - how often to do it: `usual` times, or as many times that as LG_ROUNDS
 * says, for those who have the time
 */
TAP_ROUNDS static unsigned long rounds(unsigned long usual)
{
	const char *word = getenv("LG_ROUNDS");
	unsigned long times = word ? strtoul(word, NULL, 10) : 1;

	return usual * (times ? times : 1);
}

/* plan - promise how many checks will follow; or never, and tap_end() says */
static inline void plan(unsigned int checks)
{
	tap_planned = checks;
	printf("1..%u\n", checks);
}

/* tap_line - the one place that prints a verdict */
static inline void tap_line(int pass, const char *fmt, va_list args)
{
	tap_count++;
	tap_failed += !pass;
	printf("%sok %u - ", pass ? "" : "not ", tap_count);
	vprintf(fmt, args);
	printf("\n");
	fflush(stdout);
}

/* ok - one check; returns what it was given, so that more can hang on it */
TAP_PRINTF(2, 3) static int ok(int pass, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	tap_line(pass, fmt, args);
	va_end(args);
	return pass;
}

/* is - two numbers are the same; says both when they are not */
TAP_PRINTF(3, 4)
static int is(unsigned long long got, unsigned long long want, const char *fmt,
	      ...)
{
	va_list args;

	va_start(args, fmt);
	tap_line(got == want, fmt, args);
	va_end(args);
	if (got != want)
		printf("#   got %llu (%#llx)\n#  want %llu (%#llx)\n", got, got,
		       want, want);
	return got == want;
}

/* is_str - the same for strings; a NULL is only like another NULL */
TAP_PRINTF(3, 4)
static int is_str(const char *got, const char *want, const char *fmt, ...)
{
	int same = got && want ? !strcmp(got, want) : got == want;
	va_list args;

	va_start(args, fmt);
	tap_line(same, fmt, args);
	va_end(args);
	if (!same)
		printf("#   got '%s'\n#  want '%s'\n", got ? got : "(null)",
		       want ? want : "(null)");
	return same;
}

/* skip - these many checks cannot be made here, and why */
static inline void skip(unsigned int checks, const char *why)
{
	while (checks--)
		printf("ok %u # SKIP %s\n", ++tap_count, why);
}

/* diag - something a reader of the log will want to know */
TAP_PRINTF(1, 2) static void diag(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# ");
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
}

/* bail_out - the test itself cannot go on; stops all of prove's run */
TAP_PRINTF(1, 2)
TAP_NORETURN static void bail_out(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("Bail out! ");
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
	exit(255);
}

/* tap_end - main()'s last word: its exit status */
static inline int tap_end(void)
{
	if (!tap_planned)
		plan(tap_count);
	return tap_failed || tap_count != tap_planned;
}

#endif /* TAP_H */
