// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd.c - interrupts and tokens by eventfd, and who goes away first
 *
 * Story: eventfd.t.  Start at main(), which is the list.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"
#include "crowd.h"

#define EACH  500 /* interrupts that are waited for */
#define STORM 20000
#define ROWS  300
#define CHURN 40

static int make_eventfd(unsigned int count)
{
	int fd = eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		bail_out("eventfd: %s", strerror(errno));
	return fd;
}

static __u64 take(int fd)
{
	__u64 count;

	return read(fd, &count, sizeof(count)) < 0 ? 0 : count;
}

static void ring(int fd)
{
	const __u64 one = 1;

	if (write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		diag("eventfd: write: %s", strerror(errno));
}

static int irqfd(int vm, int fd, __u32 vcpu, __u32 vector, __u32 flags)
{
	struct lg_eventfd call = {
		.fd = fd, .flags = flags, .vcpu = vcpu, .vector = vector
	};

	return ioctl(vm, LG_IRQFD, &call) ? errno : 0;
}

static int notifyfd(int vm, int fd, __u64 token, __u32 flags)
{
	struct lg_eventfd call = { .fd = fd, .flags = flags, .token = token };

	return ioctl(vm, LG_NOTIFYFD, &call) ? errno : 0;
}

/* ---- interrupts ---- */

static void test_errors(int vm)
{
	int fd = make_eventfd(0), other = make_eventfd(0);

	is((__u64)irqfd(vm, -1, 0, SMP_FIRST, 0), EBADF, "no descriptor");
	is((__u64)irqfd(vm, vm, 0, SMP_FIRST, 0), EINVAL, "not an eventfd");
	is((__u64)irqfd(vm, fd, 9, SMP_FIRST, 0), ENOENT, "no such vcpu");
	is((__u64)irqfd(vm, fd, 0, 31, 0), EINVAL, "not an interrupt");
	is((__u64)notifyfd(vm, fd, LG_MAX_GPA - 1, 0), EINVAL, "not a token");
	is((__u64)irqfd(vm, fd, 0, SMP_FIRST, LG_EVENTFD_REMOVE), ENOENT,
	   "nothing to remove");
	is((__u64)irqfd(vm, fd, 0, SMP_FIRST, 0), 0, "an interrupt");
	is((__u64)irqfd(vm, fd, 0, SMP_FIRST, 0), EEXIST, "the same again");
	is((__u64)irqfd(vm, fd, 0, SMP_FIRST + 1, 0), 0, "another by the same");
	is((__u64)irqfd(vm, other, 0, SMP_FIRST, 0), 0, "the same by another");
	is((__u64)notifyfd(vm, fd, LG_MAX_GPA, 0), 0, "a token");
	is((__u64)notifyfd(vm, other, LG_MAX_GPA, 0), EEXIST,
	   "the same by another");
	is((__u64)notifyfd(vm, other, LG_MAX_GPA, LG_EVENTFD_REMOVE), ENOENT,
	   "who cannot remove it, either");
	is((__u64)notifyfd(vm, fd, LG_MAX_GPA, LG_EVENTFD_REMOVE), 0,
	   "a token, removed");
	is((__u64)notifyfd(vm, other, LG_MAX_GPA, 0), 0, "and connected again");
	close(fd);
	close(other);
}

struct ringer {
	struct crowd *crowd;
	int vcpu, vector, fd;
	pthread_t thread;
	bool fine;
};

static void *ring_on(void *arg)
{
	struct ringer *ringer = arg;
	volatile __u64 *count = &crowd_words(ringer->crowd)
					 ->count[ringer->vcpu][ringer->vector];
	__u64 i;

	for (i = 1; i <= EACH; i++) {
		ring(ringer->fd);
		if (!crowd_await(ringer->crowd, count, i) || *count != i)
			return NULL;
	}
	for (i = 0; i < STORM; i++)
		ring(ringer->fd);
	i = *count;
	ring(ringer->fd);
	ringer->fine = crowd_await(ringer->crowd, count, i + 1) &&
		       *count <= EACH + STORM + 1 && !take(ringer->fd);
	return NULL;
}

static void test_rings(struct crowd *crowd)
{
	struct ringer ringers[3];
	int i, fine = 0;

	for (i = 0; i < 3; i++) {
		ringers[i] = (struct ringer){ .crowd = crowd,
					      .vcpu = i,
					      .vector = 2 + i,
					      .fd = make_eventfd(0) };
		irqfd(crowd->vmm.vm, ringers[i].fd, (__u32)i,
		      SMP_FIRST + 2 + (__u32)i, 0);
		pthread_create(&ringers[i].thread, NULL, ring_on, &ringers[i]);
	}
	for (i = 0; i < 3; i++) {
		pthread_join(ringers[i].thread, NULL);
		fine += ringers[i].fine;
		close(ringers[i].fd);
	}
	is((__u64)fine, 3, "every write is accounted for, and none left over");
}

static void test_order(struct crowd *crowd)
{
	volatile __u64 *count = &crowd_words(crowd)->count[1][7];
	int fd = make_eventfd(1), vm = crowd->vmm.vm;

	irqfd(vm, fd, 1, SMP_FIRST + 7, 0);
	ok(crowd_await(crowd, count, 1),
	   "what was written before it was connected counts");
	take(fd);
	irqfd(vm, fd, 1, SMP_FIRST + 7, LG_EVENTFD_REMOVE);
	ring(fd);
	is(take(fd), 1, "what is written after it was removed does not");
	is(*count, 1, "and makes no interrupt");
	close(fd);
}

static void test_irq(void)
{
	struct crowd crowd;

	crowd_create(&crowd, SMP_COUNT, 3, 0);
	test_errors(crowd.vmm.vm);
	crowd_start(&crowd);
	crowd_await(&crowd, &crowd_words(&crowd)->ready, 3);
	test_rings(&crowd);
	test_order(&crowd);
	crowd_destroy(&crowd);
}

/* ---- tokens ---- */

static __u64 next_token(struct busy *busy)
{
	return vmm_run_on(&busy->vmm) == LG_EXIT_NOTIFY
		       ? busy->vmm.run->data[0] - OP_TOKEN
		       : 0;
}

static void test_token(void)
{
	int fd = make_eventfd(0);
	struct busy busy;

	busy_create(&busy, OP_NOTIFY, 0, NULL);
	notifyfd(busy.vmm.vm, fd, OP_TOKEN + 1, 0);
	notifyfd(busy.vmm.vm, fd, OP_TOKEN + 3, 0);
	notifyfd(busy.vmm.vm, fd, OP_TOKEN + 5, 0);
	is(next_token(&busy), 2, "a token with an eventfd is no exit");
	is(take(fd), 1, "but a write");
	is(next_token(&busy), 4, "and others are exits");
	is(take(fd), 1, "once each");
	notifyfd(busy.vmm.vm, fd, OP_TOKEN + 5, LG_EVENTFD_REMOVE);
	is(next_token(&busy), 5, "as is one that is removed");
	close(fd);
	busy_destroy(&busy);
}

/* ---- who goes first ---- */

/* Who takes over from one that has died has the same tokens for new eventfds. */
static void test_next(void)
{
	unsigned int i, refused = 0;
	struct vmm vmm;
	int fd;

	if (vmm_create(&vmm, NULL) < 0)
		bail_out("%s", vmm_why(&vmm));
	for (i = 0; i < CHURN; i++) {
		fd = make_eventfd(0);
		refused += notifyfd(vmm.vm, fd, LG_MAX_GPA, 0) != 0;
		close(fd);
	}
	is(refused, 0, "a token whose eventfd is closed has another at once");
	vmm_destroy(&vmm);
}

/* Closed, they go, if not at once; until then the VM is full. */
static void test_limit(void)
{
	long long end = now_ms() + PATIENCE_MS;
	int fd = make_eventfd(0), other = make_eventfd(0), err;
	struct vmm vmm;
	__u64 i;

	if (vmm_create(&vmm, NULL) < 0)
		bail_out("%s", vmm_why(&vmm));
	for (i = 0; i <= LG_MAX_EVENTFDS; i++)
		if (notifyfd(vmm.vm, fd, LG_MAX_GPA + i, 0))
			break;
	is(i, LG_MAX_EVENTFDS, "there is a limit");
	is((__u64)irqfd(vmm.vm, other, 0, 32, 0), ENOSPC, "for both kinds");
	close(fd);
	do {
		nap();
		err = notifyfd(vmm.vm, other, LG_MAX_GPA, 0);
	} while (err && now_ms() < end);
	is((__u64)err, 0, "an eventfd that is closed makes room");
	vmm_destroy(&vmm);
	ring(other);
	is(take(other), 1, "one whose VM is closed is still an eventfd");
	close(other);
}

static void test_vcpu_closed(void)
{
	struct vmm vmm;
	int fd = make_eventfd(0), i, ok = 0;

	if (vmm_create(&vmm, NULL) < 0)
		bail_out("%s", vmm_why(&vmm));
	for (i = 0; i < ROWS; i++) {
		ok += !irqfd(vmm.vm, fd, 0, 40, 0);
		ring(fd);
		vmm_reset(&vmm);
		ring(fd);
	}
	is((__u64)ok, ROWS, "a vcpu takes its own along");
	close(vmm.vm);
	vmm.vm = -1;
	ring(fd);
	close(fd);
	vmm_destroy(&vmm);
}

static int shared[4];

static void *ring_all(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0;; i++) {
		const __u64 one = 1;

		if (write(shared[i % 4], &one, sizeof(one)) < 0)
			sched_yield();
	}
	return NULL;
}

/* Everything at once: it has no end but a SIGKILL. */
static void live(void)
{
	struct lg_vcpu_create create = { .id = 3 };
	struct crowd crowd;
	pthread_t thread;
	int i, vcpu;

	for (i = 0; i < 4; i++)
		shared[i] = make_eventfd(0);
	crowd_create(&crowd, SMP_STORM, 3, 0);
	crowd_start(&crowd);
	pthread_create(&thread, NULL, ring_all, NULL);
	pthread_create(&thread, NULL, ring_all, NULL);
	for (i = 0;; i++) {
		vcpu = ioctl(crowd.vmm.vm, LG_VCPU_CREATE, &create);
		irqfd(crowd.vmm.vm, shared[i % 4], 3, 64, 0);
		irqfd(crowd.vmm.vm, shared[(i + 1) % 4], 1, 64, 0);
		notifyfd(crowd.vmm.vm, shared[i % 4], LG_MAX_GPA, 0);
		if (i % 3 == 0)
			irqfd(crowd.vmm.vm, shared[(i + 1) % 4], 1, 64,
			      LG_EVENTFD_REMOVE);
		if (i % 5 == 0) {
			int fresh = make_eventfd(0);

			/* The last descriptor of what was there. */
			dup2(fresh, shared[i % 4]);
			close(fresh);
		}
		close(vcpu);
	}
}

static void test_churn(void)
{
	int i, j, killed = 0, status;
	pid_t pid;

	srandom(1);
	for (i = 0; i < CHURN; i++) {
		fflush(stdout);
		pid = fork();
		if (pid == 0)
			live();
		for (j = (int)(random() % 60); j; j--)
			nap();
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	}
	is((__u64)killed, CHURN, "all of it goes at any moment");
}

int main(void)
{
	int users = module_users();

	test_irq();
	test_token();
	test_next();
	test_limit();
	test_vcpu_closed();
	test_churn();
	is((__u64)module_users(), (__u64)users, "nothing is left open");
	return tap_end();
}
