// SPDX-License-Identifier: GPL-2.0-only
/*
 * vcpus.c - a thread for each vcpu, and all that it does
 *
 * A thread is a loop of one call.  LG_RUN comes back when the host has other
 * work for the thread, and then it is called again; what the guest wants goes
 * from lg.ko to lguestd without passing here.  So there is nothing in this
 * process that a guest could confuse.
 *
 * glibc registers a restartable sequence for every thread, which would bring
 * LG_RUN back after each preemption.  We take that back ourselves, whatever
 * GLIBC_TUNABLES says, for we are told of it only by being slow.
 *
 * Next: guestos/start.S
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run.h"

#define STACK_BYTES 32768
#define RSEQ_BYTES  32 /* what glibc registers, whatever it uses of it */

static struct vcpu {
	const char *name; /* the guest's */
	unsigned int id;
	int fd;
} vcpus[LG_MAX_VCPUS];

/* Two meetings of all threads: they are there; they may go. */
static pthread_barrier_t here, go;

int vcpus_start(const struct run *run, const struct lg_regs *regs,
		struct why *why)
{
	struct lg_state state = {
		.type = LG_STATE_REGS,
		.bytes = sizeof(*regs),
		.addr = (uint64_t)(uintptr_t)regs,
	};

	if (ioctl(run->vcpus[0], LG_STATE_SET, &state) < 0)
		return why_say(why, "vcpu 0: LG_STATE_SET (rip %#llx): %s",
			       regs->rip, strerror(errno));
	return 0;
}

static void leave_rseq(void)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (__rseq_size)
		syscall(SYS_rseq, area, RSEQ_BYTES, RSEQ_FLAG_UNREGISTER,
			RSEQ_SIG);
}

/* Why this process cannot go on: for the log, and for waitid(). */
static void end(const struct vcpu *vcpu, const char *what, int status)
{
	char line[256];
	int len = snprintf(line, sizeof(line),
			   "lguest-run: %s: vcpu %u: LG_RUN: %s\n", vcpu->name,
			   vcpu->id, what);

	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		status = status ? status : RUN_FAILED;
	_exit(status);
}

static int status_of(int error)
{
	switch (error) {
	case ENOMEM:
		return RUN_NO_MEMORY;
	case EBUSY:
		return RUN_NO_SLOT;
	case EPIPE:
		return RUN_NO_VM;
	default:
		return RUN_FAILED;
	}
}

static void *run_vcpu(void *arg)
{
	const struct vcpu *vcpu = arg;
	char name[16]; /* as much as the kernel keeps */

	leave_rseq();
	snprintf(name, sizeof(name), "%.12s/%u", vcpu->name, vcpu->id);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	pthread_barrier_wait(&here);
	pthread_barrier_wait(&go);
	for (;;) {
		if (ioctl(vcpu->fd, LG_RUN, 0) == 0)
			end(vcpu, "an exit for us: the VM has no queue",
			    RUN_FAILED);
		if (errno != EINTR)
			end(vcpu, strerror(errno), status_of(errno));
	}
	return NULL;
}

/* No signal is for a vcpu's thread; the first one takes them all. */
static int make_threads(const struct run *run, pthread_attr_t *attr)
{
	pthread_t thread;
	sigset_t all, before;
	unsigned int i;
	int err = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (i = 0; i < run->vcpu_count && !err; i++) {
		vcpus[i] = (struct vcpu){ run->name, i, run->vcpus[i] };
		err = pthread_create(&thread, attr, run_vcpu, &vcpus[i]);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

int vcpus_make(const struct run *run, struct why *why)
{
	pthread_attr_t attr;
	int err;

	pthread_barrier_init(&here, NULL, run->vcpu_count + 1);
	pthread_barrier_init(&go, NULL, run->vcpu_count + 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = make_threads(run, &attr);
	pthread_attr_destroy(&attr);
	if (err)
		return why_say(why, "vcpus: %u threads: %s", run->vcpu_count,
			       strerror(err));
	pthread_barrier_wait(&here);
	return 0;
}

void vcpus_go(void)
{
	pthread_barrier_wait(&go);
}
