/* SPDX-License-Identifier: GPL-2.0-only */
/* blk.h - between blk.c, the device, and blk_request.c, what it is asked */
#ifndef BLK_H
#define BLK_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_blk.h>

#include "disk.h"
#include "virtio.h"

#define BLK_SEGMENTS_MAX 16 /* of DISCARD and WRITE_ZEROES */
#define BLK_RANGE_MAX    (1U << 22) /* sectors of one of them */

/* What `lgctl info` counts. */
enum blk_count {
	BLK_READS,
	BLK_WRITES,
	BLK_FLUSHES,
	BLK_DISCARDS,
	BLK_ZEROES,
	BLK_ERRORS,
	BLK_READ_BYTES,
	BLK_WRITE_BYTES,
	BLK_COUNTS,
};

/* What a next daemon must know, and no one else does. */
struct blk_keep {
	uint8_t write_through; /* the driver turned the write cache off */
};

struct blk;

struct blk_req {
	struct disk_io io;
	struct blk *blk;
	struct vq *vq;
	SLIST_ENTRY(blk_req) link; /* of those that are free */
	SLIST_ENTRY(blk_req) all_link;
	uint32_t type;
	unsigned int segment; /* the next one, of DISCARD and WRITE_ZEROES */
	struct vq_chain chain;
	struct iovec iov[VQ_CHAIN_MAX];
};

struct blk {
	struct virtio_dev dev;
	struct vq *vqs;
	struct disk *disk;
	struct virtio_blk_config config;
	char serial[VIRTIO_BLK_ID_BYTES];
	struct limit iops, bandwidth;
	struct event again; /* when a limit, or memory, lets us go on */
	struct uring_call ready; /* those before us are gone */
	struct uring_call publish; /* what came back is to be seen */
	SLIST_HEAD(, blk_req) free, all;
	unsigned int out; /* the disk has them */
	bool resetting; /* until they are home */
	bool detached; /* ... and nobody waits for them any more */
	SLIST_ENTRY(blk) link; /* of those of which that is so */
	uint64_t counts[BLK_COUNTS];
};

static inline struct blk_keep *blk_keep(struct blk *blk)
{
	_Static_assert(sizeof(struct blk_keep) <= VIRTIO_KEEP_BYTES, "keep");
	return (struct blk_keep *)blk->dev.state->keep;
}

/*
 * blk_serve - what a chain asks for; req is free again when it is answered
 *
 * false: there is no room for an answer, and the device has failed.
 */
bool blk_serve(struct blk_req *req);

/* blk_all_home - the last request is, and someone waits for that */
void blk_all_home(struct blk *blk);

#endif /* BLK_H */
