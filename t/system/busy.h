/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * busy.h - guests that keep busy while a test does something to the host
 *
 * A struct busy is a VM that runs one operation of ops.h in a thread of its
 * own.  Whatever cannot be set up ends the test with the reason.
 */
#ifndef BUSY_H
#define BUSY_H

#include <pthread.h>
#include <stdbool.h>

#include "../lib/vmm.h"
#include "ops.h"

#define BUSY_GUEST "build/t/system/guest.elf"
#define ANY_CPU    (-1)

struct busy {
	struct vmm vmm;
	pthread_t thread;
	int cpu;
	bool started, stop;
	int end; /* of the last vmm_run_once() */
};

/* busy_create - a guest that would do op; options may be NULL */
void busy_create(struct busy *busy, __u64 op, __u64 arg,
		 const struct vmm_options *options);

/* busy_create_loop - the same with no kernel: two instructions that count */
void busy_create_loop(struct busy *busy);

/* busy_start - run it in a thread, on this CPU */
void busy_start(struct busy *busy, int cpu);

/* busy_count - how often it has done it */
__u64 busy_count(struct busy *busy);

/* busy_await - until it has done it so many times more; false: it will not */
bool busy_await(struct busy *busy, __u64 more);

/* busy_stop - make the thread come back; true if the guest would still go on */
bool busy_stop(struct busy *busy);

void busy_destroy(struct busy *busy);

/* pin - this thread to a CPU; last_cpu - the highest one that is online */
void pin(int cpu);
int last_cpu(void);

/* skip_all - nothing of this program can be tried here */
void skip_all(const char *why) __attribute__((noreturn));

/* now_ms - for deadlines, which only a failing test ever meets */
long long now_ms(void);
#define PATIENCE_MS 60000

/* nap - between two looks at something that will come */
void nap(void);

/* ask_lgtest - write a line to one of lgtest.ko's files; -1 and errno */
int ask_lgtest(const char *name, const char *line);

/* lgtest_says - the answer, or the number behind a word of it */
const char *lgtest_answer(const char *name);
long long lgtest_number(const char *name, const char *word);

/* free_kb - memory that nobody has, after what is only cached was let go */
long long free_kb(void);

/* module_users - the reference count of lg.ko */
int module_users(void);

#endif /* BUSY_H */
