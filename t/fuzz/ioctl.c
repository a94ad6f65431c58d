// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioctl.c - every call, with anything in it, from several threads at once
 *
 *	ioctl-fuzz [--seed N] [--runs N] [--forever]
 *
 * A run is a process: it starts with a device, makes what descriptors it can,
 * and passes them and others to every call of lg.ko, with structures that are
 * half of the time almost right.  Three threads share all of it.  Nobody looks
 * at results: what counts is that the host stays well, that the process ends,
 * and that afterwards nothing is left.  The seed of each run is printed when
 * it fails; run that one alone with --seed N --runs 1.
 *
 * Start at run(), then act().
 *
 * Long because each kind of call needs its own kind of nonsense.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "../system/busy.h"

#define FDS       24
#define THREADS   3
#define ACTIONS   150
#define RAM_PAGES 64
#define LEAK_KB   1024
#define RUN_S     60 /* none takes a second */

/* What all threads of a run pass around; races between them are welcome. */
static int fds[FDS];

/* How many calls of each number were not refused, in all runs. */
static __u64 *taken;

static int call(int fd, unsigned long cmd, const void *arg)
{
	int r = ioctl(fd, cmd, arg);

	if (r >= 0)
		__atomic_add_fetch(&taken[_IOC_NR(cmd)], 1, __ATOMIC_RELAXED);
	return r;
}

static __u64 next_random(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static __u32 below(__u64 *state, __u32 limit)
{
	return (__u32)(next_random(state) >> 20) % limit;
}

/* Numbers at which something changes, and any. */
static __u64 edge(__u64 *state)
{
	static const __u64 edges[] = {
		0,
		1,
		2,
		31,
		32,
		63,
		64,
		4095,
		4096,
		8192,
		RAM_PAGES * 4096,
		1ULL << 31,
		1ULL << 32,
		LG_MAX_GPA - 4096,
		LG_MAX_GPA,
		(1ULL << 47) - 4096,
		1ULL << 47,
		1ULL << 63,
		0xffff800000000000,
		0xff00000000000000,
		0xffffffff81000000,
		-4096ULL,
		-1ULL,
	};
	__u32 which = below(state, 30);

	if (which < sizeof(edges) / sizeof(edges[0]))
		return edges[which];
	return next_random(state) >> below(state, 64);
}

static int any_fd(__u64 *state)
{
	return below(state, 20) ? fds[below(state, FDS)] : (int)edge(state);
}

static void keep_fd(__u64 *state, int fd)
{
	int *place = &fds[below(state, FDS)], old;

	if (fd < 0)
		return;
	old = __atomic_exchange_n(place, fd, __ATOMIC_ACQ_REL);
	if (old > 2)
		close(old);
}

/* A few words of something, become anything. */
static void spoil(__u64 *state, void *bytes, size_t len)
{
	__u64 value;
	__u32 at;

	while (below(state, 3) == 0) {
		at = below(state, (__u32)len / 4) * 4;
		value = edge(state);
		memcpy((char *)bytes + at, &value, 4);
	}
}

static int memfd(__u64 *state)
{
	int fd = memfd_create("fuzz", MFD_ALLOW_SEALING | MFD_CLOEXEC |
					      (below(state, 30) ? 0 : 4));

	if (fd < 0)
		return fd;
	ftruncate(fd, (off_t)(below(state, 9) ? RAM_PAGES * 4096
					      : below(state, 1 << 20)));
	if (below(state, 9))
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
	return fd;
}

static void act_slot(__u64 *state, int fd)
{
	struct lg_slot slot = {
		.slot = below(state, 3),
		.gpa = below(state, 3) * RAM_PAGES * 4096ULL,
		.bytes = RAM_PAGES * 4096ULL,
		.memfd = any_fd(state),
	};
	struct lg_slot remove = { .slot = slot.slot };

	struct lg_range range = {
		.gpa = below(state, RAM_PAGES) * 4096ULL,
		.bytes = below(state, RAM_PAGES) * 4096ULL,
	};
	static __u64 bits[RAM_PAGES / 64 + 1];
	struct lg_dirty_log log = {
		.slot = slot.slot,
		.addr = (__u64)(uintptr_t)bits,
		.pages = below(state, RAM_PAGES),
	};

	slot.flags = below(state, 2) ? LG_SLOT_DIRTY_LOG : 0;
	if (below(state, 3) == 0) {
		spoil(state, &range, sizeof(range));
		call(fd, LG_DISCARD, &range);
		spoil(state, &log, sizeof(log));
		if (log.pages <= RAM_PAGES || log.addr != (uintptr_t)bits)
			call(fd, LG_DIRTY_LOG, &log);
		return;
	}
	if (below(state, 4) == 0) {
		spoil(state, &remove, sizeof(remove));
		call(fd, LG_SLOT_REMOVE, &remove);
		return;
	}
	spoil(state, &slot, sizeof(slot));
	call(fd, LG_SLOT_ADD, &slot);
}

static void fill_regs(__u64 *state, struct lg_regs *regs)
{
	__u64 *words = (void *)regs;
	size_t i;

	for (i = 0; i < 16; i++)
		words[i] = edge(state);
	*regs = (struct lg_regs){
		.rip = below(state, 4) ? below(state, RAM_PAGES) * 4096ULL
				       : edge(state),
		.rflags = edge(state),
		.fs_base = below(state, 9) ? 0 : edge(state),
		.gs_base = below(state, 9) ? 0 : edge(state),
		.cr3 = below(state, 3) ? 0 : edge(state),
		.cs = below(state, 9) ? 0x33 : 0x23,
		.ss = 0x2b,
		.ds = below(state, 4) ? 0 : 0x2b,
		.fs = (__u16)(below(state, 4) ? 0 : 7 + 8 * below(state, 5)),
		.pkru = (__u32)edge(state),
		.mode = below(state, 2),
		.rax = below(state, 36),
		.rdi = edge(state),
		.rsi = edge(state),
		.rsp = edge(state),
	};
	spoil(state, regs, sizeof(*regs));
}

#define RECORD_BYTES (1 << 17)

static int state_call(int fd, unsigned long cmd, __u32 type, __u32 bytes,
		      void *record)
{
	struct lg_state which = {
		.type = type,
		.bytes = bytes,
		.addr = (__u64)(uintptr_t)record,
	};

	return call(fd, cmd, &which);
}

static __u32 fpu_bytes;

static void fill_ldt(__u64 *state, struct lg_ldt *ldt)
{
	__u32 i;

	memset(ldt, 0, sizeof(*ldt));
	ldt->entries = below(state, 9) ? below(state, 5) : LGUEST_LDT_ENTRIES;
	for (i = 0; i < ldt->entries; i++)
		ldt->desc[i] = below(state, 2) ? 0x00cff3000000ffff : 0;
}

static void act_state(__u64 *state, int fd)
{
	const __u32 sizes[] = {
		sizeof(struct lg_regs),   sizeof(struct lg_debugregs),
		sizeof(struct lg_events), sizeof(struct lg_gates),
		sizeof(struct lg_setup),  fpu_bytes,
		sizeof(struct lg_ldt),
	};
	__u32 type = below(state, 7), bytes = sizes[type];
	_Alignas(64) char record[RECORD_BYTES] = { 0 };
	struct lg_state which = {
		.type = type + 1,
		.bytes = bytes,
		.addr = (__u64)(uintptr_t)record,
	};

	/* What is there now, with something else in it. */
	state_call(fd, LG_STATE_GET, type + 1, bytes, record);
	if (type == 0 && below(state, 2))
		fill_regs(state, (void *)record);
	if (type == 4 && below(state, 2)) {
		struct lg_setup *setup = (void *)record;

		setup->data = below(state, RAM_PAGES) * 4096ULL;
		setup->info = below(state, RAM_PAGES) * 4096ULL + 1024;
		setup->ring = below(state, RAM_PAGES) * 4096ULL;
		setup->clock = below(state, RAM_PAGES) * 4096ULL + 64;
	}
	if (type == 6 && below(state, 2))
		fill_ldt(state, (void *)record);
	spoil(state, record, bytes);
	/* Reading must not be able to hit what we stand on: not the address. */
	if (below(state, 9) == 0)
		spoil(state, &which, offsetof(struct lg_state, addr));
	if (which.bytes <= RECORD_BYTES)
		call(fd, LG_STATE_SET, &which);
}

static void act_vm(__u64 *state, int fd)
{
	struct lg_interrupt interrupt = {
		.vcpu = below(state, 3),
		.vector = below(state, 8) ? 32 + below(state, 224) : 2,
	};
	struct lg_clock clock = { .ns = edge(state) };

	if (below(state, 3)) {
		spoil(state, &interrupt, sizeof(interrupt));
		call(fd, LG_INTERRUPT, &interrupt);
	} else if (below(state, 2)) {
		spoil(state, &clock, sizeof(clock));
		call(fd, LG_CLOCK_SET, &clock);
	} else {
		call(fd, LG_CLOCK_GET, &clock);
	}
}

/* Exits: what is read, answered, and answered wrongly. */
static void act_exit(__u64 *state, int fd)
{
	static const short events[] = { POLLIN, POLLOUT, POLLIN | POLLRDHUP };
	struct pollfd pollfd = { .fd = fd, .events = events[below(state, 3)] };
	struct lg_exit exits[3];
	struct lg_answer answer;
	ssize_t i, got;

	poll(&pollfd, 1, (int)below(state, 2));
	got = read(fd, exits, below(state, 9) ? sizeof(exits) : 513);
	got = got < 0 ? 0 : got / (ssize_t)sizeof(exits[0]);
	for (i = 0; i < got + 1 && i < 3; i++) {
		answer = (struct lg_answer){ .exit = LG_EXIT_NOTIFY };
		if (i < got)
			answer = (struct lg_answer){
				.vcpu = exits[i].vcpu,
				.exit = exits[i].exit,
				.serial = exits[i].serial,
				.result = edge(state),
			};
		if (below(state, 3) == 0)
			spoil(state, &answer, sizeof(answer));
		call(fd, LG_ANSWER, &answer);
	}
}

/* A wire, there and away again, and what comes through it. */
static void act_eventfd(__u64 *state, int fd)
{
	static const __u64 one = 1;
	struct lg_eventfd wire = { .fd = any_fd(state),
				   .flags = below(state, 3) == 0 };
	bool token = below(state, 2);

	if (below(state, 4) == 0)
		keep_fd(state, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (token)
		wire.token = below(state, 4) ? 1ULL << 63 : edge(state);
	else
		wire.vector = 32 + below(state, 8);
	if (below(state, 4) == 0)
		spoil(state, &wire, sizeof(wire));
	call(fd, token ? LG_NOTIFYFD : LG_IRQFD, &wire);
	if (below(state, 2))
		write(any_fd(state), &one, sizeof(one));
}

static void act_pause(__u64 *state, int fd)
{
	char room[sizeof(struct lg_stats) + sizeof(struct lg_vm_info)];

	if (below(state, 3) == 0)
		call(fd, below(state, 2) ? LG_VM_INFO : LG_STATS, room);
	if (below(state, 3) == 0)
		call(fd, LG_PAUSE, NULL);
	if (below(state, 2))
		call(fd, LG_RESUME, NULL);
}

static void act_map(__u64 *state, int fd)
{
	size_t len = below(state, 9) ? 4096 : 8192;
	void *map = mmap(NULL, len,
			 below(state, 2) ? PROT_READ : PROT_READ | PROT_WRITE,
			 below(state, 4) ? MAP_SHARED : MAP_PRIVATE, fd,
			 (off_t)below(state, 2) * 4096);

	if (map == MAP_FAILED)
		return;
	/* A call may read it where we would get SIGBUS. */
	call(fds[0], LG_VM_CREATE, map);
	munmap(map, len);
}

/* Code and tables for the guests: page 0 maps itself, the rest is noise. */
static void scribble(__u64 *state, int fd)
{
	__u64 words[512];
	int i;

	for (i = 0; i < 512; i++)
		words[i] = below(state, 2) ? next_random(state)
					   : 7 | below(state, RAM_PAGES) * 4096;
	pwrite(fd, words, sizeof(words), below(state, RAM_PAGES) * 4096);
}

static void act_rarely(__u64 *state, int fd)
{
	switch (below(state, 3)) {
	case 0:
		act_eventfd(state, fd);
		break;
	case 1:
		act_exit(state, fd);
		break;
	case 2:
		act_pause(state, fd);
		break;
	}
}

static void act(__u64 *state)
{
	static const __u32 calls[] = { 0x00, 0x01, 0x10, 0x11, 0x12, 0x15,
				       0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b,
				       0x1c, 0x1d, 0x20, 0x21, 0x22, 0x23 };
	struct lg_vm_create vm = { .abi = 1, .features = below(state, 256) };
	struct lg_vcpu_create vcpu = { .id = below(state, 3) };
	char raw[512];
	int fd = any_fd(state);

	switch (below(state, 17)) {
	case 0:
		keep_fd(state, open("/dev/lguest", O_RDWR | O_CLOEXEC));
		break;
	case 1:
		spoil(state, &vm, sizeof(vm));
		keep_fd(state, call(fd, LG_VM_CREATE, &vm));
		break;
	case 2:
		spoil(state, &vcpu, sizeof(vcpu));
		keep_fd(state, call(fd, LG_VCPU_CREATE, &vcpu));
		break;
	case 3:
		keep_fd(state, memfd(state));
		break;
	case 4:
	case 5:
		act_slot(state, fd);
		break;
	case 6:
	case 7:
		act_state(state, fd);
		break;
	case 8:
	case 9:
		call(fd, LG_RUN,
		     below(state, 20) ? NULL : (void *)(uintptr_t)edge(state));
		break;
	case 10:
		act_map(state, fd);
		scribble(state, fd);
		break;
	case 11:
	case 12:
		act_vm(state, fd);
		break;
	default:
		act_rarely(state, fd);
		break;
	case 13:
		memset(raw, 0, sizeof(raw));
		spoil(state, raw, sizeof(raw));
		call(fd,
		     _IOC(below(state, 4), LG_IOC_MAGIC,
			  calls[below(state, 18)], below(state, 512)),
		     below(state, 4) ? raw : (void *)(uintptr_t)edge(state));
		break;
	}
}

static void *thread(void *arg)
{
	__u64 state = (__u64)(uintptr_t)arg;
	int i;

	for (i = 0; i < ACTIONS; i++)
		act(&state);
	return NULL;
}

static void on_alarm(int signal)
{
	(void)signal; /* ends an LG_RUN that would never end */
}

/* Something good to begin with, so that the rest is not all EBADF. */
static void begin(__u64 *state)
{
	struct lg_vm_create vm = { .abi = LG_ABI_VERSION };
	struct lg_vcpu_create vcpu = { .id = 0 };
	struct lg_info info;
	int i;

	if (below(state, 2))
		vm.features = LG_FEATURE_QUEUE | LG_FEATURE_PAUSE |
			      LG_FEATURE_EVENTFD;

	for (i = 0; i < FDS; i++)
		fds[i] = -1;
	fds[0] = open("/dev/lguest", O_RDWR | O_CLOEXEC);
	if (ioctl(fds[0], LG_INFO, &info) || info.fpu_bytes > RECORD_BYTES)
		_exit(1);
	fpu_bytes = info.fpu_bytes;
	for (i = 1; i < 4; i++) {
		struct lg_slot slot = { .bytes = RAM_PAGES * 4096ULL };

		fds[i] = call(fds[0], LG_VM_CREATE, &vm);
		fds[i + 4] = slot.memfd = memfd(state);
		call(fds[i], LG_SLOT_ADD, &slot);
		fds[i + 8] = call(fds[i], LG_VCPU_CREATE, &vcpu);
		scribble(state, fds[i + 4]);
		fds[i + 12] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
}

static void run(__u64 seed)
{
	struct itimerval timer = { .it_interval.tv_usec = 2000,
				   .it_value.tv_usec = 2000 };
	struct sigaction action = { .sa_handler = on_alarm };
	__u64 state = seed * 0x9e3779b97f4a7c15ULL | 1;
	pthread_t threads[THREADS];
	int i;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	begin(&state);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread,
			       (void *)(uintptr_t)(next_random(&state) | 1));
	/* A signal goes to one thread; the others have their own turn. */
	for (i = 0; i < THREADS; i++)
		while (nap(), pthread_tryjoin_np(threads[i], NULL))
			pthread_kill(threads[i], SIGALRM);
	_exit(0);
}

/* False: the run did not end, or not by itself. */
static bool run_apart(__u64 seed)
{
	long long end = now_ms() + RUN_S * 1000;
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run(seed);
	while (waitpid(pid, &status, WNOHANG) == 0 && now_ms() < end)
		nap();
	if (status == 0)
		return true;
	kill(pid, SIGKILL);
	diag("seed %llu: the run did not end well (%#x)", seed, status);
	return false;
}

static bool memory_is_back(long long before)
{
	long long end = now_ms() + 20000, got;

	do {
		got = free_kb();
		nap();
	} while (got < before - LEAK_KB && now_ms() < end);
	diag("free memory: %lld kB before, %lld kB after", before, got);
	return got >= before - LEAK_KB;
}

static __u64 option(int argc, char **argv, const char *name, __u64 otherwise)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return i + 1 < argc ? strtoull(argv[i + 1], NULL, 0)
					    : 1;
	return otherwise;
}

/* Has the guest run, and got what only a good call gives it? */
static bool all_taken(void)
{
	return taken[0x20] && taken[0x22] && taken[0x15] && taken[0x19];
}

int main(int argc, char **argv)
{
	__u64 seed = option(argc, argv, "--seed", (__u64)now_ms());
	__u64 runs = option(argc, argv, "--runs", 100), i, bad = 0;
	bool forever = option(argc, argv, "--forever", 2) != 2;
	int users = module_users();
	long long before;

	diag("seed %llu, %llu runs", seed, runs);
	taken = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (taken == MAP_FAILED)
		bail_out("mmap: %s", strerror(errno));
	bad += !run_apart(seed + 1); /* what is made once is made now */
	before = free_kb();
	/* Chance may leave out the rarest of the good ones, but not for so long. */
	for (i = 0; i < runs || forever || (i < 20 * runs && !all_taken()); i++)
		bad += !run_apart(seed + i);
	is(bad, 0, "%llu runs end by themselves (seed %llu)", runs, seed);
	diag("taken: %llu VMs, %llu slots added, %llu removed, %llu vcpus, "
	     "%llu runs, %llu states got, %llu set, %llu interrupts, %llu "
	     "clocks set, %llu exits answered, %llu pauses, %llu wires",
	     taken[0x01], taken[0x10], taken[0x11], taken[0x12], taken[0x20],
	     taken[0x21], taken[0x22], taken[0x15], taken[0x19], taken[0x1a],
	     taken[0x1b], taken[0x16] + taken[0x17]);
	ok(all_taken(), "some calls were good ones");
	is((__u64)module_users(), (__u64)users, "they leave nothing open");
	ok(memory_is_back(before), "nor any memory behind");
	return tap_end();
}
