/* SPDX-License-Identifier: GPL-2.0-only */
/* blk.h - between blk.c, the measures, blk_host.c, more, and vhost.c, a peer */
#ifndef BENCH_BLK_H
#define BENCH_BLK_H

#include <stdbool.h>

#include "vdriver.h"

#define BLOCK     4096
#define RING_GPA  0x10000
#define RING_SIZE 256

#define DEPTH_MAX 32
#define LOOK      16 /* requests between two looks at the clock */

/* What is asked of a file. */
struct load {
	bool write, direct;
	unsigned int depth;
};

/* What came of it: requests a second, and ns of work of each, 0: not known. */
struct measured {
	double iops, work;
};

/* ---- blk.c, for all ---- */

extern const char *bench_path;
extern int64_t bench_run_ns; /* of one round */

int64_t bench_now_ns(void);

/* bench_work_ns - what this process has had of CPUs */
double bench_work_ns(void);
struct measured bench_measured(uint64_t done, int64_t ns, double work_ns);

/* bench_next_block - any of the file's; bench_open - it, or the end */
uint64_t bench_next_block(uint64_t *seed);
int bench_open(const struct load *load);

/* ---- blk_host.c ---- */

struct measured measure_threads(const struct load *load);
struct measured measure_uring(const struct load *load);

/* ---- vhost.c ---- */

/* A ring whose other end is somebody's; the eventfds may block or not. */
struct peer {
	const struct guest_mem *mem;
	struct vdriver driver;
	int kick, call;
};

/*
 * vhost_connect - the disk behind a vhost-user socket, its queue running
 *
 * Negotiates what the daemon's own device does.  0, or -errno.
 */
int vhost_connect(const char *path, const struct guest_mem *mem,
		  struct peer *ret_peer);

#endif /* BENCH_BLK_H */
