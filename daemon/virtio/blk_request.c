// SPDX-License-Identifier: GPL-2.0-only
/*
 * blk_request.c - what a disk is asked, and what it answers
 *
 * A request is a header, data, and a byte for how it went.  Where the driver cut
 * them in parts means nothing: the header is the first 16 bytes that we read,
 * the status is the last byte that we write, and what lies between is data.
 *
 * A request that has no room for these two costs the device a reset.  All else
 * that can be wrong with one is its own answer: what is not on the disk or not
 * whole blocks is an I/O error, what we do not know is unsupported.  A header or
 * a range is copied, checked, and the copy is used: the driver may change its
 * own while we look.
 *
 * Where we stand: blk.c has taken a request from a queue.  Start at blk_serve(),
 * at the end.
 *
 * Next: daemon/virtio/disk.c
 */
#include <endian.h>
#include <errno.h>
#include <stddef.h>

#include "blk.h"

/* ---- answers ---- */

/* Without the data, the driver is promised nothing but the byte at the end. */
static void answer(struct blk_req *req, int status, uint64_t data)
{
	uint8_t byte = (uint8_t)status;
	struct blk *blk = req->blk;

	chain_put(&req->chain, req->chain.write_bytes - 1, &byte, 1);
	vq_fill(req->vq, req->chain.head,
		status == VIRTIO_BLK_S_OK ? (size_t)data + 1 : 0);
	if (status != VIRTIO_BLK_S_OK)
		blk->counts[BLK_ERRORS]++;
	SLIST_INSERT_HEAD(&blk->free, req, link);
}

/* One is home.  Whoever waits for a reset waits for the last of them. */
static void come_home(struct blk_req *req, int err)
{
	struct blk *blk = req->blk;
	int status = err < 0 ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
	uint64_t data =
		req->type == VIRTIO_BLK_T_IN ? req->chain.write_bytes - 1 : 0;

	blk->out--;
	if (!blk->resetting && !blk->detached) {
		answer(req, status, data);
		uring_after(blk->disk->uring, &blk->publish);
		return;
	}
	SLIST_INSERT_HEAD(&blk->free, req, link);
	if (!blk->out)
		blk_all_home(blk);
}

/* ---- what is asked ---- */

/* Is it on the disk, in whole blocks? */
static bool in_range(const struct blk *blk, uint64_t sector, uint64_t bytes)
{
	const struct disk *disk = blk->disk;
	uint64_t sectors = disk->bytes / DISK_SECTOR;

	return sector <= sectors && bytes / DISK_SECTOR <= sectors - sector &&
	       sector * DISK_SECTOR % disk->block == 0 &&
	       bytes % disk->block == 0;
}

/* Begins it, or says how it went: a status. */
static int begin(struct blk_req *req)
{
	int r;

	req->blk->out++;
	r = disk_start(req->blk->disk, &req->io);
	if (r == -EINPROGRESS)
		return r;
	req->blk->out--;
	return r < 0 ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
}

static void transfer_done(struct disk_io *io, int err)
{
	come_home((struct blk_req *)((char *)io - offsetof(struct blk_req, io)),
		  err);
}

static int serve_transfer(struct blk_req *req, uint64_t sector)
{
	bool in = req->type == VIRTIO_BLK_T_IN;
	size_t from = in ? 0 : sizeof(struct virtio_blk_outhdr);
	size_t bytes =
		in ? req->chain.write_bytes - 1 : req->chain.read_bytes - from;
	struct blk *blk = req->blk;

	blk->counts[in ? BLK_READS : BLK_WRITES]++;
	if (!in_range(blk, sector, bytes) || (!in && blk->disk->conf.readonly))
		return VIRTIO_BLK_S_IOERR;
	blk->counts[in ? BLK_READ_BYTES : BLK_WRITE_BYTES] += bytes;
	limit_take(&blk->bandwidth, limit_now_ns(), bytes);
	req->io.what = in ? DISK_READ : DISK_WRITE;
	req->io.durable = blk_keep(blk)->write_through ||
			  !virtio_has(&blk->dev, VIRTIO_BLK_F_FLUSH);
	req->io.offset = sector * DISK_SECTOR;
	req->io.bytes = bytes;
	req->io.iov = req->iov;
	req->io.parts = chain_slice(&req->chain, in, from, bytes, req->iov);
	req->io.done = transfer_done;
	return begin(req);
}

static int serve_flush(struct blk_req *req)
{
	req->blk->counts[BLK_FLUSHES]++;
	req->io.what = DISK_FLUSH;
	req->io.offset = req->io.bytes = 0;
	req->io.done = transfer_done;
	return begin(req);
}

static int serve_id(struct blk_req *req)
{
	size_t room = req->chain.write_bytes - 1;
	size_t len = sizeof(req->blk->serial);

	chain_put(&req->chain, 0, req->blk->serial, len < room ? len : room);
	return VIRTIO_BLK_S_OK;
}

static int check_segment(const struct blk_req *req,
			 const struct virtio_blk_discard_write_zeroes *segment)
{
	uint32_t flags = le32toh(segment->flags);
	uint32_t sectors = le32toh(segment->num_sectors);
	uint32_t known = req->type == VIRTIO_BLK_T_WRITE_ZEROES
				 ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP
				 : 0;

	if (flags & ~known)
		return VIRTIO_BLK_S_UNSUPP;
	if (sectors > BLK_RANGE_MAX ||
	    !in_range(req->blk, le64toh(segment->sector),
		      (uint64_t)sectors * DISK_SECTOR))
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

/* The next range, until there is none or one does not go well: a status. */
static int next_segment(struct blk_req *req)
{
	struct virtio_blk_discard_write_zeroes segment;
	size_t at;
	int r;

	for (;;) {
		at = sizeof(struct virtio_blk_outhdr) +
		     req->segment * sizeof(segment);
		if (at == req->chain.read_bytes)
			return VIRTIO_BLK_S_OK;
		chain_get(&req->chain, at, &segment, sizeof(segment));
		r = check_segment(req, &segment);
		if (r != VIRTIO_BLK_S_OK)
			return r;
		req->segment++;
		req->io.unmap = le32toh(segment.flags) &
				VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
		req->io.offset = le64toh(segment.sector) * DISK_SECTOR;
		req->io.bytes =
			(uint64_t)le32toh(segment.num_sectors) * DISK_SECTOR;
		r = begin(req);
		if (r != VIRTIO_BLK_S_OK)
			return r;
	}
}

static void segment_done(struct disk_io *io, int err)
{
	struct blk_req *req =
		(struct blk_req *)((char *)io - offsetof(struct blk_req, io));
	int r = VIRTIO_BLK_S_OK;

	/* A driver that has reset the device may not find more of it gone. */
	if (err == 0 && !req->blk->resetting && !req->blk->detached) {
		req->blk->out--;
		r = next_segment(req);
		if (r == -EINPROGRESS)
			return;
		req->blk->out++;
	}
	come_home(req, err < 0 || r != VIRTIO_BLK_S_OK ? -EIO : 0);
}

static int serve_ranges(struct blk_req *req)
{
	bool discard = req->type == VIRTIO_BLK_T_DISCARD;
	size_t bytes = req->chain.read_bytes - sizeof(struct virtio_blk_outhdr);
	size_t size = sizeof(struct virtio_blk_discard_write_zeroes);
	struct blk *blk = req->blk;

	if (!virtio_has(&blk->dev, discard ? VIRTIO_BLK_F_DISCARD
					   : VIRTIO_BLK_F_WRITE_ZEROES))
		return VIRTIO_BLK_S_UNSUPP;
	blk->counts[discard ? BLK_DISCARDS : BLK_ZEROES]++;
	if (!bytes || bytes % size || bytes / size > BLK_SEGMENTS_MAX)
		return VIRTIO_BLK_S_IOERR;
	req->io.what = discard ? DISK_DISCARD : DISK_ZERO;
	req->io.done = segment_done;
	req->segment = 0;
	return next_segment(req);
}

/* A status, or -EINPROGRESS. */
static int serve_type(struct blk_req *req, uint64_t sector)
{
	switch (req->type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		return serve_transfer(req, sector);
	case VIRTIO_BLK_T_FLUSH:
		return serve_flush(req);
	case VIRTIO_BLK_T_GET_ID:
		return serve_id(req);
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return serve_ranges(req);
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

bool blk_serve(struct blk_req *req)
{
	struct virtio_blk_outhdr head;
	int status;

	if (req->chain.write_bytes < 1 ||
	    chain_get(&req->chain, 0, &head, sizeof(head)) != sizeof(head)) {
		virtio_fail(&req->blk->dev,
			    "queue %u: a request of %zu bytes to read and %zu "
			    "to write: no header of %zu or no status",
			    req->vq->index, req->chain.read_bytes,
			    req->chain.write_bytes, sizeof(head));
		SLIST_INSERT_HEAD(&req->blk->free, req, link);
		return false;
	}
	req->type = le32toh(head.type);
	status = serve_type(req, le64toh(head.sector));
	if (status != -EINPROGRESS)
		answer(req, status,
		       req->type == VIRTIO_BLK_T_IN ||
				       req->type == VIRTIO_BLK_T_GET_ID
			       ? req->chain.write_bytes - 1
			       : 0);
	return true;
}
