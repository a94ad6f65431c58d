/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * checks.h - the groups of checks that a Linux guest's first process makes
 *
 * Each runs in a process of its own and says TAP.  The numbers go on from one
 * group to the next, because what has been counted is in memory that all share.
 */
#ifndef CHECKS_H
#define CHECKS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAYS(fmt, args) __attribute__((format(printf, fmt, args)))

/* As in tap.h, but counted for all processes together. */
int ok(int pass, const char *fmt, ...) SAYS(2, 3);
int is(unsigned long long got, unsigned long long want, const char *fmt, ...)
	SAYS(3, 4);
void skip(unsigned int checks, const char *why);
void diag(const char *fmt, ...) SAYS(1, 2);

/* What a signal was about. */
struct caught {
	int signal; /* 0: there was none */
	unsigned long long trap, error, addr;
};

/* caught_by - run what may fault, and say how that ended */
struct caught caught_by(void (*what)(void));

void check_faults(void);
void check_state(void);
void check_ldt(void);
void check_trace(void);
void check_process(void);
void check_time(void);
void check_compat(void);
void check_cpus(void);
void check_machine(void);

/* line_of - of a file's lines, one that begins so; its text, or NULL */
const char *line_of(const char *path, const char *start);

/* word - what follows that on the command line, or "" */
const char *word(const char *start);

#endif /* CHECKS_H */
