// SPDX-License-Identifier: GPL-2.0-only
/*
 * hand-over.c - who made a VM, who runs it and who serves it are three processes
 *
 * Story: hand-over.t.  Start at main(), which is the list.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"
#include "pass.h"
#include "server.h"

#define CHURN  60
#define TOKENS 50

static const struct vmm_options queued = { .and_features = LG_FEATURE_QUEUE };

/* ---- the story ---- */

static int to_runner[2], to_us[2];

static void create(struct busy *busy, __u64 op)
{
	busy_create(busy, op, 0, &queued);
	if (vmm_set_regs(&busy->vmm, &busy->vmm.regs) < 0)
		_exit(194);
}

/* Makes the VM, gives it away, reads its first exit, and is killed over it. */
static pid_t start_maker(void)
{
	struct lg_exit exit;
	struct busy busy;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	create(&busy, OP_ASK);
	pass_send(to_runner[0], busy.vmm.vcpu);
	server_await(busy.vmm.vm, &exit);
	pass_send(to_us[0], busy.vmm.vm);
	for (;;)
		pause();
}

static pid_t start_runner(void)
{
	pid_t pid;
	int vcpu;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	vcpu = pass_receive(to_runner[1]);
	/* All that it will ever do. */
	while (ioctl(vcpu, LG_RUN, 0) && errno == EINTR)
		;
	_exit(errno);
}

/* As many tokens, in order, each answered. */
static int serve(int vm, __u64 first, int count)
{
	struct lg_exit exit;
	int i;

	for (i = 0; i < count; i++) {
		server_await(vm, &exit);
		if (exit.data[0] != OP_TOKEN + first + (__u64)i ||
		    server_answer(vm, &exit, ~exit.data[0]))
			break;
	}
	return i;
}

static void test_story(void)
{
	pid_t maker, runner, server;
	int vm, status;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, to_runner) ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, to_us))
		bail_out("socketpair: %s", strerror(errno));
	runner = start_runner();
	maker = start_maker();
	vm = pass_receive(to_us[1]);
	ok(server_kill(maker), "who made the VM is killed over an exit");
	ok(server_poll(vm, 0), "which is still there for another");
	is((__u64)serve(vm, 1, TOKENS), TOKENS, "who answers it and goes on");
	fflush(stdout);
	server = fork();
	if (server == 0)
		_exit(serve(vm, TOKENS + 1, TOKENS));
	waitpid(server, &status, 0);
	is((__u64)WEXITSTATUS(status), TOKENS, "and after it the next one");
	close(vm);
	waitpid(runner, &status, 0);
	is((__u64)WEXITSTATUS(status), EPIPE,
	   "who runs it has seen none of this, but that it is over");
}

/* ---- to be killed while waiting ---- */

static void test_kill(void)
{
	struct lg_exit exit;
	struct busy busy;
	pid_t pid;

	create(&busy, OP_ASK);
	pid = runner_process(busy.vmm.vcpu);
	server_await(busy.vmm.vm, &exit);
	ok(runner_waits(pid) && server_kill(pid),
	   "a runner can be killed while its exit waits");
	is((__u64)server_answer(busy.vmm.vm, &exit, ~exit.data[0]), 0,
	   "and the exit be answered");
	pid = runner_process(busy.vmm.vcpu);
	server_await(busy.vmm.vm, &exit);
	is(exit.data[0], OP_TOKEN + 2, "the next runner goes on from there");
	server_kill(pid);
	if (ioctl(busy.vmm.vm, LG_PAUSE, 0) ||
	    server_answer(busy.vmm.vm, &exit, ~exit.data[0]))
		bail_out("LG_PAUSE: %s", strerror(errno));
	pid = runner_process(busy.vmm.vcpu);
	ok(runner_waits(pid) && server_kill(pid),
	   "one can be killed while the VM is paused");
	busy_destroy(&busy);
}

static void *serve_forever(void *arg)
{
	const struct busy *busy = arg;
	struct lg_exit exit;

	/* The other one may have been quicker. */
	for (;;)
		if (server_poll(busy->vmm.vm, PATIENCE_MS) &&
		    server_read(busy->vmm.vm, &exit, 1) == 1)
			server_answer(busy->vmm.vm, &exit, ~exit.data[0]);
	return NULL;
}

static void *pause_forever(void *arg)
{
	const struct busy *busy = arg;

	for (;;) {
		ioctl(busy->vmm.vm, LG_PAUSE, 0);
		ioctl(busy->vmm.vm, LG_RESUME, 0);
	}
	return NULL;
}

static void live(void)
{
	struct runner runner;
	struct busy busy;
	pthread_t thread;
	int i;

	create(&busy, OP_ASK);
	runner_start(&runner, busy.vmm.vcpu);
	for (i = 0; i < 2; i++) {
		pthread_create(&thread, NULL, serve_forever, &busy);
		pthread_create(&thread, NULL, pause_forever, &busy);
	}
	for (;;)
		pause();
}

static void test_churn(void)
{
	int i, j, killed = 0;
	pid_t pid;

	srandom(1);
	for (i = 0; i < CHURN; i++) {
		fflush(stdout);
		pid = fork();
		if (pid == 0)
			live();
		for (j = (int)(random() % 40); j; j--)
			nap();
		killed += server_kill(pid);
	}
	is((__u64)killed, CHURN, "a server is killed at any moment");
}

int main(void)
{
	int users = module_users();

	test_story();
	test_kill();
	test_churn();
	is((__u64)module_users(), (__u64)users, "nothing is left open");
	return tap_end();
}
