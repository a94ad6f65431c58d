// SPDX-License-Identifier: GPL-2.0-only
/*
 * blk.c - disks: daemon/virtio/blk.c
 *
 * A request is three buffers in one chain: what we want, where data goes or comes
 * from, and one byte for how it went.  A disk has a few such requests, each with
 * a page, and as many processes can wait for it at a time.
 *
 * What must never happen: that a request is used again before the device has let
 * go of it.  So whoever has begun one waits for its end, whatever happens.
 *
 * Next: guestos/kernel/net.c
 */
#include "virtio.h"
#include "abi.h"

#define SECTOR   512
#define DISKS    4
#define REQUESTS 16 /* of a disk, at a time */

#define F_FLUSH   (1ULL << 9)
#define F_DISCARD (1ULL << 13)

enum {
	T_IN = 0,
	T_OUT = 1,
	T_FLUSH = 4,
	T_DISCARD = 11
};

struct request {
	struct {
		u32 type, ioprio;
		u64 sector;
	} head;
	u8 status;
	u8 *page;
	int busy, done; /* sched_lock */
};

struct disk {
	struct virtio dev;
	struct virtq vq;
	u64 sectors;
	int runs;
	struct request requests[REQUESTS];
};

static struct disk disks[DISKS];

/* In its interrupt. */
static void on_used(struct virtq *vq)
{
	struct request *req;
	u32 bytes;

	spin_lock(&sched_lock);
	while ((req = virtq_take(vq, &bytes))) {
		req->done = 1;
		wake_up_locked(req);
	}
	spin_unlock(&sched_lock);
}

static int start(struct disk *disk)
{
	int i, r = virtio_begin(&disk->dev, F_FLUSH | F_DISCARD);

	if (r == 0)
		r = virtq_init(&disk->vq, &disk->dev, 0, on_used);
	if (r == 0)
		r = virtio_config_get(&disk->dev, 0, &disk->sectors, 8);
	for (i = 0; r == 0 && i < REQUESTS; i++) {
		disk->requests[i].page = page_alloc();
		if (!disk->requests[i].page)
			r = -ENOMEM;
	}
	return r < 0 ? r : virtio_run(&disk->dev);
}

void blk_init(void)
{
	struct disk *disk;
	u32 nth;

	for (nth = 0; nth < DISKS; nth++) {
		disk = &disks[nth];
		if (virtio_find(&disk->dev, VIRTIO_BLK, nth) < 0)
			return;
		disk->runs = start(disk) == 0;
		if (disk->runs)
			printk("disk%u: slot %u, %lu sectors\n", nth,
			       disk->dev.slot, (unsigned long)disk->sectors);
		else
			printk("disk%u: slot %u: it does not start\n", nth,
			       disk->dev.slot);
	}
}

static struct request *take_request(struct disk *disk)
{
	struct request *req = 0;
	int i;

	spin_lock(&sched_lock);
	while (!req) {
		for (i = 0; i < REQUESTS && !req; i++)
			if (!disk->requests[i].busy)
				req = &disk->requests[i];
		if (!req)
			sleep_on_locked(disk);
	}
	req->busy = 1;
	req->done = 0;
	req->status = 0xff;
	spin_unlock(&sched_lock);
	return req;
}

static void give_request(struct disk *disk, struct request *req)
{
	spin_lock(&sched_lock);
	req->busy = 0;
	wake_up_locked(disk);
	spin_unlock(&sched_lock);
}

/* Data is req's page; bytes 0: there is none. */
static long serve(struct disk *disk, struct request *req, u32 bytes)
{
	struct virtq_buf bufs[3] = {
		{ &req->head, sizeof(req->head), 0 },
		{ req->page, bytes, req->head.type == T_IN },
	};
	u32 count = bytes ? 2 : 1;

	bufs[count++] = (struct virtq_buf){ &req->status, 1, 1 };
	/* REQUESTS chains of three fit in any ring that we are given. */
	if (virtq_add(&disk->vq, bufs, count, req) < 0)
		return -EAGAIN;
	virtq_kick(&disk->vq);
	spin_lock(&sched_lock);
	while (!req->done)
		sleep_on_locked(req);
	spin_unlock(&sched_lock);
	return *(volatile u8 *)&req->status == 0 ? 0 : -EIO;
}

/* A page of it at most. */
static long transfer(struct disk *disk, const struct disk_request *ask,
		     u64 done, u32 bytes)
{
	struct request *req = take_request(disk);
	int in = ask->op == DISK_READ;
	long r = 0;

	req->head.type = in ? T_IN : T_OUT;
	req->head.sector = ask->sector + done / SECTOR;
	if (!in)
		r = copy_from_user(req->page, ask->addr + done, bytes);
	if (r == 0)
		r = serve(disk, req, bytes);
	if (r == 0 && in)
		r = copy_to_user(ask->addr + done, req->page, bytes);
	give_request(disk, req);
	return r;
}

static long transfer_all(struct disk *disk, const struct disk_request *ask)
{
	u64 done, left;
	long r;

	if (ask->bytes % SECTOR)
		return -EINVAL;
	for (done = 0; done < ask->bytes; done += PAGE_BYTES) {
		left = ask->bytes - done;
		r = transfer(disk, ask, done,
			     left < PAGE_BYTES ? (u32)left : (u32)PAGE_BYTES);
		if (r < 0)
			return r;
	}
	return (long)ask->bytes;
}

/* Of what has no data, or its own. */
static long other(struct disk *disk, const struct disk_request *ask)
{
	struct request *req = take_request(disk);
	const struct {
		u64 sector;
		u32 sectors, flags;
	} range = { ask->sector, (u32)(ask->bytes / SECTOR), 0 };
	u32 bytes = 0;
	long r;

	req->head.type = T_FLUSH;
	req->head.sector = 0;
	if (ask->op == DISK_DISCARD) {
		req->head.type = T_DISCARD;
		bytes = sizeof(range);
		memcpy(req->page, &range, bytes);
	}
	r = serve(disk, req, bytes);
	give_request(disk, req);
	return r;
}

long blk_serve(const struct disk_request *ask)
{
	struct disk *disk = ask->disk < DISKS ? &disks[ask->disk] : 0;

	if (!disk || !disk->runs)
		return -ENOENT;
	switch (ask->op) {
	case DISK_SIZE:
		return (long)(disk->sectors * SECTOR);
	case DISK_READ:
	case DISK_WRITE:
		return transfer_all(disk, ask);
	case DISK_FLUSH:
	case DISK_DISCARD:
		return other(disk, ask);
	default:
		return -EINVAL;
	}
}
