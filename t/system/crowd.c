// SPDX-License-Identifier: GPL-2.0-only
/*
 * crowd.c - a guest of several vcpus, each in a thread of its own
 *
 * Start at run().  What a crowd that stands still has to say is at the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"
#include "crowd.h"

#define GUEST "build/t/system/smp.elf"

/* Where it is linked to be: guestos.lds. */
#define GUEST_CODE     0x200000
#define GUEST_CODE_END 0x210000

static void on_signal(int signal)
{
	(void)signal; /* it has interrupted LG_RUN, and was meant to */
}

volatile struct smp_words *crowd_words(struct crowd *crowd)
{
	return (void *)(crowd->vmm.ram + SMP_WORDS);
}

static void map_run(struct member *member)
{
	member->run = mmap(NULL, 4096, PROT_READ, MAP_SHARED, member->fd, 0);
	if (member->run == MAP_FAILED)
		bail_out("run page: %s", strerror(errno));
}

void crowd_vcpu(struct crowd *crowd, int id)
{
	struct lg_vcpu_create create = { .id = (__u32)id };
	struct member *member = &crowd->member[id];

	*member = (struct member){ .crowd = crowd, .end = CROWD_RUNNING };
	member->fd = ioctl(crowd->vmm.vm, LG_VCPU_CREATE, &create);
	if (member->fd < 0)
		bail_out("LG_VCPU_CREATE: %d: %s", id, strerror(errno));
	map_run(member);
}

void crowd_create(struct crowd *crowd, __u64 op, int members, __u64 rounds)
{
	crowd_create_with(crowd, op, members, rounds, NULL);
}

void crowd_create_with(struct crowd *crowd, __u64 op, int members, __u64 rounds,
		       const struct vmm_options *options)
{
	struct vmm *vmm = &crowd->vmm;
	int i;

	memset(crowd, 0, sizeof(*crowd));
	if (vmm_create(vmm, options) < 0 || vmm_load(vmm, GUEST) < 0)
		bail_out("%s", vmm_why(vmm));
	vmm->regs.rdi = op;
	vmm->regs.rsi = (__u64)members;
	vmm->regs.rdx = rounds;
	if (vmm_set_regs(vmm, &vmm->regs) < 0)
		bail_out("%s", vmm_why(vmm));
	crowd->members = members;
	crowd->member[0] = (struct member){
		.crowd = crowd,
		.fd = vmm->vcpu,
		.end = CROWD_RUNNING,
	};
	map_run(&crowd->member[0]);
	for (i = 1; i < members; i++)
		crowd_vcpu(crowd, i);
}

void crowd_destroy(struct crowd *crowd)
{
	int i;

	crowd_stop(crowd);
	for (i = 0; i < crowd->members; i++) {
		munmap(crowd->member[i].run, 4096);
		close(crowd->member[i].fd);
	}
	crowd->vmm.vcpu = -1;
	vmm_destroy(&crowd->vmm);
}

static void say(struct crowd *crowd, const char *what, __u64 gpa)
{
	const char *text = vmm_at(&crowd->vmm, gpa, 1);

	diag("%s: %.200s", what, text && gpa ? text : "");
}

/* As a daemon does: until there is something to be done about it. */
static void *run(void *arg)
{
	struct member *member = arg;
	struct crowd *crowd = member->crowd;
	int end = CROWD_RUNNING;

	__atomic_store_n(&member->tid, (int)syscall(SYS_gettid),
			 __ATOMIC_RELAXED);
	while (end == CROWD_RUNNING &&
	       !__atomic_load_n(&crowd->stop, __ATOMIC_ACQUIRE)) {
		if (ioctl(member->fd, LG_RUN, 0) == 0)
			end = (int)member->run->exit;
		else if (errno != EINTR)
			end = VMM_ERROR;
		if (end != LG_EXIT_NOTIFY)
			continue;
		say(crowd, "the guest", member->run->data[0]);
		end = CROWD_RUNNING;
	}
	__atomic_store_n(&member->end, end, __ATOMIC_RELEASE);
	return NULL;
}

void crowd_start(struct crowd *crowd)
{
	struct sigaction action = { .sa_handler = on_signal };
	int i;

	sigaction(SIGUSR1, &action, NULL);
	crowd->stop = false;
	for (i = 0; i < crowd->members; i++) {
		struct member *member = &crowd->member[i];

		member->end = CROWD_RUNNING;
		if (pthread_create(&member->thread, NULL, run, member))
			bail_out("no thread");
		member->started = true;
	}
}

void crowd_stop(struct crowd *crowd)
{
	int i;

	__atomic_store_n(&crowd->stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < crowd->members; i++)
		if (crowd->member[i].started)
			pthread_kill(crowd->member[i].thread, SIGUSR1);
	for (i = 0; i < crowd->members; i++) {
		struct member *member = &crowd->member[i];

		/* One that came just before LG_RUN slept on it is made good. */
		while (member->started &&
		       pthread_tryjoin_np(member->thread, NULL)) {
			pthread_kill(member->thread, SIGUSR1);
			nap();
		}
		member->started = false;
	}
}

int crowd_end(struct crowd *crowd, int id)
{
	return __atomic_load_n(&crowd->member[id].end, __ATOMIC_ACQUIRE);
}

/* The first vcpu that has come to an end, or -1. */
static int who_ended(struct crowd *crowd)
{
	int i;

	for (i = 0; i < crowd->members; i++)
		if (crowd_end(crowd, i) != CROWD_RUNNING)
			return i;
	return -1;
}

/* ---- why it stands still ---- */

/* A word of a thread's from /proc, which does not stop it. */
static const char *of_thread(int tid, const char *name, char *text,
			     size_t bytes)
{
	char path[64];
	ssize_t len = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/%s", tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		len = read(fd, text, bytes - 1);
		close(fd);
	}
	text[len > 0 ? len : 0] = '\0';
	return text;
}

/* Before it is stopped: does it run, or what does it sleep in? */
static void say_thread(struct crowd *crowd, int id)
{
	int tid = __atomic_load_n(&crowd->member[id].tid, __ATOMIC_RELAXED);
	char stat[256], place[64];
	const char *state =
		strrchr(of_thread(tid, "stat", stat, sizeof(stat)), ')');

	diag("vcpu %d: its thread: %.2s in %s", id, state ? state + 1 : " ?",
	     of_thread(tid, "wchan", place, sizeof(place)));
}

static int get(struct crowd *crowd, int id, __u32 type, __u32 bytes, void *to)
{
	struct lg_state state = {
		.type = type,
		.bytes = bytes,
		.addr = (__u64)(uintptr_t)to,
	};

	return ioctl(crowd->member[id].fd, LG_STATE_GET, &state);
}

/* Where the kernel is and who called: what on its stack could be code. */
static void say_place(struct crowd *crowd, int id)
{
	struct lg_regs regs;
	const __u64 *stack;
	char text[256];
	int i, at = 0;

	if (get(crowd, id, LG_STATE_REGS, sizeof(regs), &regs))
		bail_out("LG_STATE_GET: %s", strerror(errno));
	stack = vmm_at(&crowd->vmm, regs.rsp & ~7ULL, 16 * 8);
	for (i = 0; stack && i < 16; i++)
		if (stack[i] >= GUEST_CODE && stack[i] < GUEST_CODE_END)
			at += snprintf(text + at, sizeof(text) - (size_t)at,
				       " %llx", stack[i]);
	text[at] = '\0';
	diag("vcpu %d: mode %u, rip %llx, rsp %llx, rax %llx, rdi %llx; "
	     "callers:%s",
	     id, regs.mode, regs.rip, regs.rsp, regs.rax, regs.rdi, text);
}

static void say_events(struct crowd *crowd, int id)
{
	const __u64 *stat = crowd->member[id].run->stat;
	struct lg_events events;

	if (get(crowd, id, LG_STATE_EVENTS, sizeof(events), &events))
		bail_out("LG_STATE_GET: %s", strerror(errno));
	diag("vcpu %d: activity %u, nmi %u, pending %llx %llx %llx %llx, "
	     "vector %u in %llu ns",
	     id, events.activity, events.nmi, events.pending[0],
	     events.pending[1], events.pending[2], events.pending[3],
	     events.timer_vector, events.timer_ns);
	diag("vcpu %d: %llu entries, %llu hypercalls, %llu interrupts", id,
	     stat[LG_STAT_ENTRIES], stat[LG_STAT_HYPERCALLS],
	     stat[LG_STAT_INTERRUPTS]);
}

/* Its own pages, as it finds them. */
static void say_pages(struct crowd *crowd, int id)
{
	const struct lguest_data *data;
	const struct lguest_info *info;
	const struct lguest_ring *ring;
	struct lg_setup setup;

	if (get(crowd, id, LG_STATE_SETUP, sizeof(setup), &setup))
		bail_out("LG_STATE_GET: %s", strerror(errno));
	data = vmm_at(&crowd->vmm, setup.data, sizeof(*data));
	info = vmm_at(&crowd->vmm, setup.info, sizeof(*info));
	ring = vmm_at(&crowd->vmm, setup.ring, sizeof(*ring));
	if (data && info)
		diag("vcpu %d: irq_enabled %x, irq_pending %x, blocked %llx "
		     "%llx %llx %llx",
		     id, data->irq_enabled, data->irq_pending, info->blocked[0],
		     info->blocked[1], info->blocked[2], info->blocked[3]);
	if (ring)
		diag("vcpu %d: ring: head %u, tail %u, done %u", id, ring->head,
		     ring->tail, setup.ring_tail);
}

/* All that is known of a crowd which has no reason to stand still. */
static void say_standstill(struct crowd *crowd)
{
	const volatile struct smp_words *words = crowd_words(crowd);
	int i;

	diag("no progress after %llu; ready %llu, turn %llu", words->progress,
	     words->ready, words->turn);
	for (i = 0; i < crowd->members; i++)
		say_thread(crowd, i);
	crowd_stop(crowd);
	for (i = 0; i < crowd->members; i++) {
		say_place(crowd, i);
		say_events(crowd, i);
		say_pages(crowd, i);
	}
}

/* Stops the crowd and says why; nobody is waiting for it any more. */
static void say_end(struct crowd *crowd, int id)
{
	const struct lg_run *run;

	if (id < 0) {
		say_standstill(crowd);
		return;
	}
	crowd_stop(crowd);
	run = crowd->member[id].run;
	if (crowd_end(crowd, id) == LG_EXIT_SHUTDOWN)
		say(crowd, "crash", run->data[1]);
	else
		diag("vcpu %d: exit %d: %.200s", id, crowd_end(crowd, id),
		     run->why);
}

/* ---- to wait for it ---- */

bool crowd_finish(struct crowd *crowd)
{
	long long end = now_ms() + PATIENCE_MS;
	__u64 progress = 0;
	int who;

	while ((who = who_ended(crowd)) < 0 && now_ms() < end) {
		if (crowd_words(crowd)->progress != progress)
			end = now_ms() + PATIENCE_MS;
		progress = crowd_words(crowd)->progress;
		nap();
	}
	if (who >= 0 && crowd_end(crowd, who) == LG_EXIT_SHUTDOWN &&
	    crowd->member[who].run->data[0] == LGUEST_SHUTDOWN_POWEROFF) {
		crowd_stop(crowd);
		return true;
	}
	say_end(crowd, who);
	return false;
}

bool crowd_await(struct crowd *crowd, volatile __u64 *word, __u64 value)
{
	static pthread_mutex_t one_speaker = PTHREAD_MUTEX_INITIALIZER;
	long long end = now_ms() + PATIENCE_MS;

	while (*word < value && now_ms() < end && who_ended(crowd) < 0)
		nap();
	if (*word >= value)
		return true;
	pthread_mutex_lock(&one_speaker);
	say_end(crowd, who_ended(crowd));
	pthread_mutex_unlock(&one_speaker);
	return false;
}
