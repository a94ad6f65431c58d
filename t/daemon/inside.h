/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inside.h - a daemon inside of its test: vm.c and all below, and no clients
 *
 * Guests are scripts of t/lib/fake_run.c.  Nothing here waits for a time: the
 * loop turns until what the test waits for is so, and an alarm ends a test in
 * which it never will be.
 */
#ifndef INSIDE_H
#define INSIDE_H

#include "vm.h"

extern struct lguestd inside; /* the daemon */
extern char inside_dir[64]; /* of logs; gone when the test ends */

/* inside_start - the daemon; times are short */
void inside_start(void);
void inside_stop(void);

/* inside_turn - the loop, once */
void inside_turn(void);

/* inside_create - vm_create() of a script; `more` is JSON added to its conf */
int inside_create(const char *name, const char *script, const char *more,
		  struct why *why, struct vm **ret_vm);

/* inside_create_with - the same, with a descriptor of inside_script() */
int inside_create_with(const char *name, int kernel, const char *more,
		       struct why *why, struct vm **ret_vm);
int inside_script(const char *script);

/* inside_guest - the same, which must succeed, and then be running */
struct vm *inside_guest(const char *name, const char *script, const char *more);

/* inside_until - it is in that state; bails out if it is gone instead */
void inside_until(struct vm *vm, enum vm_state state);

/* inside_gone - no guest is called that, and its why when it went */
const char *inside_gone(const char *name);

/* All states a guest had, as words: "running crashed gone". */
struct history {
	struct vm_watch watch;
	char text[512];
	char why[512]; /* of the last one */
	bool crashed;
};

void history_watch(struct history *history, struct vm *vm);

/* inside_text - all of its ring */
const char *inside_text(struct vm *vm);

/* inside_fds, inside_children - how many there are of us */
unsigned int inside_fds(void);
unsigned int inside_children(void);

#endif /* INSIDE_H */
