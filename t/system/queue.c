// SPDX-License-Identifier: GPL-2.0-only
/*
 * queue.c - exits that are read, answered, missed, and answered twice
 *
 * Story: queue.t.  Start at main(), which is the list.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"
#include "crowd.h"
#include "server.h"

#define ROUNDS    2000
#define ANSWERERS 3

static const struct vmm_options queued = { .and_features = LG_FEATURE_QUEUE };

static void create(struct busy *busy, __u64 op)
{
	busy_create(busy, op, 0, &queued);
	if (vmm_set_regs(&busy->vmm, &busy->vmm.regs) < 0)
		bail_out("%s", vmm_why(&busy->vmm));
}

/* ---- one exit ---- */

static void test_exit(struct busy *busy, struct lg_exit *exit)
{
	struct lg_exit again, many[3];

	server_await(busy->vmm.vm, exit);
	ok(exit->vcpu == 0 && exit->exit == LG_EXIT_NOTIFY && exit->serial,
	   "an exit can be read");
	is(exit->data[0], OP_TOKEN + 1, "and says the token");
	is((__u64)server_read(busy->vmm.vm, many, 3), 1,
	   "read again it is the only one");
	server_await(busy->vmm.vm, &again);
	ok(!memcmp(exit, &again, sizeof(again)) &&
		   !memcmp(exit, many, sizeof(many[0])),
	   "and the same, for as long as it is not answered");
	is(server_info(busy->vmm.vm).exits, 1, "LG_VM_INFO knows of it");
}

/* While it waits, from outside. */
static void test_state(struct busy *busy)
{
	struct lg_stats stats = { 0 };
	struct lg_regs regs;

	is((__u64)vmm_get_regs(&busy->vmm, &regs), 0,
	   "a vcpu that waits with an exit has registers");
	is(regs.rax, 0, "its call has no result yet");
	is((__u64)vmm_set_regs(&busy->vmm, &regs), 0, "they can be set");
	is((__u64)ioctl(busy->vmm.vcpu, LG_STATS, &stats), 0, "and counters");
	ok(stats.stat[LG_STAT_ENTRIES] && stats.stat[LG_STAT_HYPERCALLS],
	   "which have counted");
}

static void test_wrong(struct busy *busy, const struct lg_exit *exit)
{
	int vm = busy->vmm.vm, wrong = 0;
	struct lg_exit other = *exit;

	other.serial++;
	wrong += server_answer(vm, &other, 0) != ENOENT;
	other.serial = 0;
	wrong += server_answer(vm, &other, 0) != ENOENT;
	other = *exit;
	other.vcpu = 1;
	wrong += server_answer(vm, &other, 0) != ENOENT;
	other.vcpu = 0;
	other.exit = LG_EXIT_KILLED;
	wrong += server_answer(vm, &other, 0) != EINVAL;
	is((__u64)wrong, 0, "an answer to another exit is refused");
	ok(server_poll(vm, 0), "and answers none");
}

static void test_one(void)
{
	struct runner runner;
	struct lg_exit exit;
	struct lg_regs regs;
	struct busy busy;

	create(&busy, OP_ASK);
	ok(!server_poll(busy.vmm.vm, 0), "a VM has no exit by itself");
	runner_start(&runner, busy.vmm.vcpu);
	test_exit(&busy, &exit);
	test_state(&busy);
	test_wrong(&busy, &exit);
	runner_stop(&runner);
	is((__u64)runner.end, EINTR, "a signal ends the wait");
	ok(server_poll(busy.vmm.vm, 0), "but not the exit");
	is((__u64)server_answer(busy.vmm.vm, &exit, ~exit.data[0]), 0,
	   "it is answered while nobody runs the vcpu");
	is((__u64)server_answer(busy.vmm.vm, &exit, 0), ENOENT, "once");
	ok(!server_poll(busy.vmm.vm, 0), "and there is none any more");
	vmm_get_regs(&busy.vmm, &regs);
	is(regs.rax, ~exit.data[0], "the result is where it belongs");
	runner_start(&runner, busy.vmm.vcpu);
	server_await(busy.vmm.vm, &exit);
	is(exit.data[0], OP_TOKEN + 2, "the guest goes on with it");
	runner_stop(&runner);
	busy_destroy(&busy);
}

/* ---- exits without an answer ---- */

static void test_last(__u64 op, __u32 kind, const char *what)
{
	struct runner runner;
	struct lg_exit exit;
	struct lg_regs regs;
	struct busy busy;

	create(&busy, op);
	runner_start(&runner, busy.vmm.vcpu);
	server_await(busy.vmm.vm, &exit);
	is(exit.exit, kind, "%s is an exit", what);
	is((__u64)server_answer(busy.vmm.vm, &exit, 0), EINVAL,
	   "which has no answer");
	ok(!vmm_get_regs(&busy.vmm, &regs) &&
		   (kind == LG_EXIT_SHUTDOWN || exit.rip == regs.rip),
	   "and leaves its registers: %s", exit.why);
	runner_stop(&runner);
	is((__u64)runner.end, EINTR, "LG_RUN waits then, too");
	ok(server_poll(busy.vmm.vm, 0), "it stays ...");
	vmm_reset(&busy.vmm);
	ok(!server_poll(busy.vmm.vm, 0), "... until the vcpu is gone");
	busy_destroy(&busy);
}

static void test_again(void)
{
	struct runner runner;
	struct lg_exit exit;
	struct busy busy;

	create(&busy, OP_INVALID);
	runner_start(&runner, busy.vmm.vcpu);
	server_await(busy.vmm.vm, &exit);
	runner_stop(&runner);
	if (vmm_reset(&busy.vmm) < 0 || vmm_load(&busy.vmm, BUSY_GUEST) < 0)
		bail_out("%s", vmm_why(&busy.vmm));
	busy.vmm.regs.rdi = OP_INVALID;
	vmm_set_regs(&busy.vmm, &busy.vmm.regs);
	runner_start(&runner, busy.vmm.vcpu);
	server_await(busy.vmm.vm, &exit);
	ok(exit.exit == LG_EXIT_KILLED && strstr(exit.why, "invalid opcode"),
	   "the VM's next guest says what it died of, too: %s", exit.why);
	runner_stop(&runner);
	busy_destroy(&busy);
}

/* Nobody can answer: not to wait for ever is all that is left. */
static void test_closed(void)
{
	struct runner runner;
	struct lg_exit exit;
	struct busy busy;

	create(&busy, OP_ASK);
	runner_start(&runner, busy.vmm.vcpu);
	server_await(busy.vmm.vm, &exit);
	close(busy.vmm.vm);
	busy.vmm.vm = -1;
	pthread_join(runner.thread, NULL);
	is((__u64)runner.end, EPIPE, "closing the VM ends the wait");
	is((__u64)ioctl(busy.vmm.vcpu, LG_RUN, 0) ? (__u64)errno : 0, EPIPE,
	   "for good");
	busy_destroy(&busy);
	create(&busy, OP_SPIN);
	close(busy.vmm.vm);
	busy.vmm.vm = -1;
	runner_start(&runner, busy.vmm.vcpu);
	ok(busy_await(&busy, 100), "a vcpu without an exit runs all the same");
	runner_stop(&runner);
	busy_destroy(&busy);
}

static void *read_blocking(void *arg)
{
	static struct lg_exit exits[64];
	const int *vm = arg;

	return (void *)(uintptr_t)(read(*vm, exits, sizeof(exits)) ==
				   sizeof(exits[0]));
}

static void test_blocking(void)
{
	void *volatile nowhere = (void *)16; /* the compiler would object */
	struct runner runner;
	pthread_t thread;
	struct busy busy;
	void *one;

	create(&busy, OP_ASK);
	pthread_create(&thread, NULL, read_blocking, &busy.vmm.vm);
	nap();
	runner_start(&runner, busy.vmm.vcpu);
	pthread_join(thread, &one);
	ok(one != NULL, "read waits until there is an exit");
	is(read(busy.vmm.vm, nowhere, 512) < 0 ? (__u64)errno : 0, EFAULT,
	   "and copies it to memory");
	runner_stop(&runner);
	busy_destroy(&busy);
}

/* ---- several vcpus ---- */

static void test_killed(void)
{
	struct lg_exit exits[SMP_VCPUS];
	struct crowd crowd;
	int i;

	for (i = 0; i < 20; i++) {
		crowd_create_with(&crowd, SMP_KILL, 4, 0, &queued);
		crowd_start(&crowd);
		server_await(crowd.vmm.vm, &exits[0]);
		crowd_stop(&crowd);
		if (server_read(crowd.vmm.vm, exits, SMP_VCPUS) != 1 ||
		    exits[0].vcpu != 1 || exits[0].exit != LG_EXIT_KILLED ||
		    !strstr(exits[0].why, "invalid opcode"))
			break;
		crowd_destroy(&crowd);
	}
	is((__u64)i, 20, "of vcpus that end together one says why: %s",
	   exits[0].why);
	if (i < 20)
		crowd_destroy(&crowd);
}

struct answerer {
	struct crowd *crowd;
	pthread_t thread;
	__u64 answered, late;
};

/* Whoever is first; the others have nothing to answer any more. */
static void *answer_all(void *arg)
{
	struct answerer *answerer = arg;
	struct lg_exit exits[SMP_VCPUS];
	int i, n, vm = answerer->crowd->vmm.vm;

	for (;;) {
		if (!server_poll(vm, PATIENCE_MS))
			return NULL;
		n = server_read(vm, exits, SMP_VCPUS);
		for (i = 0; i < n; i++) {
			if (exits[i].exit != LG_EXIT_NOTIFY)
				return NULL;
			if (server_answer(vm, &exits[i], ~exits[i].data[0]))
				answerer->late++;
			else
				answerer->answered++;
		}
	}
}

static void interrupt_runners(struct crowd *crowd)
{
	while (!server_poll(crowd->vmm.vm, 0) ||
	       server_info(crowd->vmm.vm).exits) {
		struct lg_exit exit;
		int i;

		for (i = 0; i < crowd->members; i++)
			pthread_kill(crowd->member[i].thread, SIGUSR1);
		nap();
		if (server_read(crowd->vmm.vm, &exit, 1) == 1 &&
		    exit.exit != LG_EXIT_NOTIFY)
			return;
	}
}

static void test_many(void)
{
	struct answerer answerers[ANSWERERS];
	__u64 answered = 0, late = 0;
	struct lg_exit exit;
	struct crowd crowd;
	int i;

	crowd_create_with(&crowd, SMP_ASK, 4, ROUNDS, &queued);
	crowd_start(&crowd);
	for (i = 0; i < ANSWERERS; i++) {
		answerers[i] = (struct answerer){ .crowd = &crowd };
		pthread_create(&answerers[i].thread, NULL, answer_all,
			       &answerers[i]);
	}
	interrupt_runners(&crowd);
	for (i = 0; i < ANSWERERS; i++) {
		pthread_join(answerers[i].thread, NULL);
		answered += answerers[i].answered;
		late += answerers[i].late;
	}
	diag("%llu answers came too late", late);
	is(answered, 4 * ROUNDS, "every exit is answered, by one of many");
	server_await(crowd.vmm.vm, &exit);
	ok(exit.exit == LG_EXIT_SHUTDOWN &&
		   exit.data[0] == LGUEST_SHUTDOWN_POWEROFF,
	   "and every vcpu got its own answer: %s%s", exit.why,
	   exit.exit == LG_EXIT_SHUTDOWN && exit.data[1]
		   ? (char *)crowd.vmm.ram + exit.data[1]
		   : "");
	crowd_destroy(&crowd);
}

int main(void)
{
	int users = module_users();

	test_one();
	test_last(OP_INVALID, LG_EXIT_KILLED, "a killed guest");
	test_last(OP_SHUTDOWN, LG_EXIT_SHUTDOWN, "a guest that turns off");
	test_again();
	test_closed();
	test_blocking();
	test_killed();
	test_many();
	is((__u64)module_users(), (__u64)users, "nothing is left open");
	return tap_end();
}
