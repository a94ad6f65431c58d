/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * checks.h - programs of small tests, one for each word
 *
 * A test returns 0 if all is well and a number that says where it was not, if
 * not; or it is killed by the trap it provokes.
 */
#ifndef CHECKS_H
#define CHECKS_H

#include "user.h"

struct check {
	const char *word;
	int (*run)(void);
};

#define SAID_NO(cond)                    \
	do {                             \
		if (!(cond))             \
			return __LINE__; \
	} while (0)

static inline int kill_status(int vector)
{
	return -(0x100 + vector);
}

static inline u64 clock(void)
{
	return (u64)sys(SYS_CLOCK, 0, 0, 0);
}

static inline void yield(void)
{
	sys(SYS_YIELD, 0, 0, 0);
}

static inline int run_check(const char *word, const struct check *checks,
			    u32 count)
{
	const char *a, *b;
	u32 i;

	for (i = 0; i < count; i++) {
		for (a = word, b = checks[i].word; *a && *a == *b; a++)
			b++;
		if (*a == *b)
			return checks[i].run();
	}
	say("# no such check\n");
	return 255;
}

#endif /* CHECKS_H */
