/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * server.h - the other side of exits that are queued
 *
 * A runner is a thread or a process that calls LG_RUN and nothing else; a server
 * has the VM's descriptor, reads exits and answers them.
 */
#ifndef SERVER_H
#define SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include <lguest/ioctl.h>

/* server_poll - is there an exit, or will there be one this soon? */
bool server_poll(int vm, int timeout_ms);

/* server_read - as many as there are now; 0 if there are none */
int server_read(int vm, struct lg_exit *exits, int room);

/* server_await - wait for the first; ends the test if none comes */
void server_await(int vm, struct lg_exit *exit);

/* server_answer - 0 or the errno */
int server_answer(int vm, const struct lg_exit *exit, __u64 result);

struct lg_vm_info server_info(int vm);

/* A runner in a thread; whatever else than EINTR LG_RUN says, ends it. */
struct runner {
	int vcpu;
	pthread_t thread;
	bool started, stop;
	int end; /* errno of the last LG_RUN, or 0 */
};

void runner_start(struct runner *runner, int vcpu);
void runner_stop(struct runner *runner);

/* runner_process - the same in a child, for good */
pid_t runner_process(int vcpu);

/* runner_waits - does this thread or process sleep, and not only for a moment? */
bool runner_waits(pid_t tid);

/* server_kill - SIGKILL, and wait; true if that was what it died of */
bool server_kill(pid_t pid);

#endif /* SERVER_H */
