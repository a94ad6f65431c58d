/* SPDX-License-Identifier: GPL-2.0-only */
/* blk.h - between blk.c, the measures, and vhost.c, a peer */
#ifndef BENCH_BLK_H
#define BENCH_BLK_H

#include <stdbool.h>

#include "vdriver.h"

#define BLOCK     4096
#define RING_GPA  0x10000
#define RING_SIZE 256

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
