// SPDX-License-Identifier: GPL-2.0-only
/*
 * sample.c - a profiler looks at every CPU while guests run
 *
 * Story: perf.t.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"

#define CPUS         2
#define RING_BYTES   (64 * 4096ULL)
#define WANT_SAMPLES 1500

static const struct source {
	const char *what;
	__u32 type;
	__u64 config;
} sources[] = {
	{ "the PMU's cycle counter", PERF_TYPE_HARDWARE,
	  PERF_COUNT_HW_CPU_CYCLES },
	{ "the kernel's CPU clock", PERF_TYPE_SOFTWARE,
	  PERF_COUNT_SW_CPU_CLOCK },
};

struct profile {
	int fd;
	struct perf_event_mmap_page *ring;
	__u64 samples, ours;
};

static int open_event(const struct source *source, int cpu)
{
	struct perf_event_attr attr = {
		.type = source->type,
		.size = sizeof(attr),
		.config = source->config,
		.sample_freq = 5000,
		.freq = 1,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID,
		.disabled = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, 0);
}

static bool start(struct profile *profile, const struct source *source, int cpu)
{
	void *ring;

	profile->samples = profile->ours = 0;
	profile->fd = open_event(source, cpu);
	if (profile->fd < 0)
		return false;
	ring = mmap(NULL, 4096 + RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		    profile->fd, 0);
	if (ring == MAP_FAILED)
		bail_out("perf: mmap: %s", strerror(errno));
	profile->ring = ring;
	return ioctl(profile->fd, PERF_EVENT_IOC_ENABLE, 0) == 0;
}

static __u64 word_at(struct profile *profile, __u64 at)
{
	__u64 word;

	memcpy(&word, (char *)profile->ring + 4096 + at % RING_BYTES,
	       sizeof(word));
	return word;
}

/* Records are whole words, so none of these is ever in two pieces. */
static void collect(struct profile *profile)
{
	__u64 head, tail = profile->ring->data_tail, header;

	head = __atomic_load_n(&profile->ring->data_head, __ATOMIC_ACQUIRE);
	while (tail < head) {
		header = word_at(profile, tail);
		if ((__u32)header == PERF_RECORD_SAMPLE) {
			profile->samples++;
			profile->ours +=
				(pid_t)word_at(profile, tail + 16) == getpid();
		}
		tail += header >> 48;
	}
	__atomic_store_n(&profile->ring->data_tail, tail, __ATOMIC_RELEASE);
}

static void stop(struct profile *profile)
{
	munmap(profile->ring, 4096 + RING_BYTES);
	close(profile->fd);
}

static void profile_guests(const struct source *source, int cpus)
{
	static const __u64 ops[] = { OP_SYSCALL, OP_PATTERN, OP_HIGH,
				     OP_HYPERCALL };
	struct profile profiles[CPUS];
	long long end = now_ms() + PATIENCE_MS;
	struct busy busy[4];
	int i, well = 0;

	for (i = 0; i < 4; i++) {
		busy_create(&busy[i], ops[i], 0xffffffff81000000, NULL);
		busy_start(&busy[i], i % cpus);
		busy_await(&busy[i], 1);
	}
	for (i = 0; i < cpus; i++)
		if (!start(&profiles[i], source, i))
			bail_out("perf on CPU %d: %s", i, strerror(errno));
	do {
		nap();
		for (i = 0; i < cpus; i++)
			collect(&profiles[i]);
	} while ((profiles[0].ours < WANT_SAMPLES ||
		  profiles[cpus - 1].ours < WANT_SAMPLES) &&
		 now_ms() < end);
	for (i = 0; i < cpus; i++) {
		ok(profiles[i].ours >= WANT_SAMPLES,
		   "CPU %d was sampled by %s: %llu times, %llu of them here", i,
		   source->what, profiles[i].samples, profiles[i].ours);
		stop(&profiles[i]);
	}
	for (i = 0; i < 4; i++) {
		well += busy_await(&busy[i], 2) && busy_stop(&busy[i]);
		busy_destroy(&busy[i]);
	}
	is((__u64)well, 4, "and no guest has noticed");
}

int main(void)
{
	int cpus = last_cpu() ? CPUS : 1, used = 0, fd;
	size_t i;

	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		fd = open_event(&sources[i], 0);
		if (fd < 0) {
			diag("%s: not on this machine: %s", sources[i].what,
			     strerror(errno));
			continue;
		}
		close(fd);
		diag("used: %s", sources[i].what);
		profile_guests(&sources[i], cpus);
		used++;
	}
	ok(used > 0, "there was something to sample with");
	return tap_end();
}
