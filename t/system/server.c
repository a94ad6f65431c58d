// SPDX-License-Identifier: GPL-2.0-only
/*
 * server.c - the other side of exits that are queued
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"
#include "server.h"

bool server_poll(int vm, int timeout_ms)
{
	struct pollfd pollfd = { .fd = vm, .events = POLLIN };

	return poll(&pollfd, 1, timeout_ms) == 1 && (pollfd.revents & POLLIN);
}

int server_read(int vm, struct lg_exit *exits, int room)
{
	ssize_t got;

	fcntl(vm, F_SETFL, O_RDWR | O_NONBLOCK);
	got = read(vm, exits, (size_t)room * sizeof(*exits));
	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got < 0 || (size_t)got % sizeof(*exits))
		bail_out("read of a VM: %zd: %s", got, strerror(errno));
	return (int)((size_t)got / sizeof(*exits));
}

void server_await(int vm, struct lg_exit *exit)
{
	if (!server_poll(vm, PATIENCE_MS) || server_read(vm, exit, 1) != 1)
		bail_out("no exit comes");
}

int server_answer(int vm, const struct lg_exit *exit, __u64 result)
{
	struct lg_answer answer = {
		.vcpu = exit->vcpu,
		.exit = exit->exit,
		.serial = exit->serial,
		.result = result,
	};

	return ioctl(vm, LG_ANSWER, &answer) ? errno : 0;
}

struct lg_vm_info server_info(int vm)
{
	struct lg_vm_info info;

	if (ioctl(vm, LG_VM_INFO, &info))
		bail_out("LG_VM_INFO: %s", strerror(errno));
	return info;
}

static void on_signal(int signal)
{
	(void)signal; /* it has interrupted LG_RUN, and was meant to */
}

static void *run(void *arg)
{
	struct runner *runner = arg;

	do
		runner->end = ioctl(runner->vcpu, LG_RUN, 0) ? errno : 0;
	while (runner->end == EINTR &&
	       !__atomic_load_n(&runner->stop, __ATOMIC_ACQUIRE));
	return NULL;
}

void runner_start(struct runner *runner, int vcpu)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	*runner = (struct runner){ .vcpu = vcpu };
	if (pthread_create(&runner->thread, NULL, run, runner))
		bail_out("no thread");
	runner->started = true;
}

void runner_stop(struct runner *runner)
{
	if (!runner->started)
		return;
	__atomic_store_n(&runner->stop, true, __ATOMIC_RELEASE);
	/* One that came just before LG_RUN slept on it is made good. */
	do
		pthread_kill(runner->thread, SIGUSR1);
	while (nap(), pthread_tryjoin_np(runner->thread, NULL));
	runner->started = false;
}

pid_t runner_process(int vcpu)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		bail_out("fork: %s", strerror(errno));
	while (pid == 0)
		if (!ioctl(vcpu, LG_RUN, 0) || errno != EINTR)
			_exit(errno);
	return pid;
}

/* 'S' is what waits for a call of ours. */
static char thread_state(pid_t tid)
{
	char path[64], text[512], *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	state = fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
	fclose(f);
	return state && state[1] ? state[2] : 0;
}

bool runner_waits(pid_t tid)
{
	long long end = now_ms() + PATIENCE_MS;
	int times = 0;

	while (times < 10 && now_ms() < end) {
		times = thread_state(tid) == 'S' ? times + 1 : 0;
		nap();
	}
	return times >= 10;
}

bool server_kill(pid_t pid)
{
	int status = 0;

	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		bail_out("waitpid: %s", strerror(errno));
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}
