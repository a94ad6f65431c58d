// SPDX-License-Identifier: GPL-2.0-only
/*
 * blk.c - the disk device
 *
 * Requests are taken from a queue while others have their turn as well, while
 * the disk's limits allow it, and while there is memory; whatever stops us, we
 * come back to it by ourselves, since the driver has kicked already.
 *
 * What must never happen: a driver that is told it has reset the device while
 * its memory may still be read or written.  So a reset is over when the last
 * request has come home.  And a guest that we have from a daemon before us is
 * served when its last request has: see uring.c.
 *
 * Where we stand: the transport has set up queues and features, and a driver
 * kicks.  Start at on_kick().
 *
 * Next: daemon/virtio/blk_request.c
 */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <jansson.h>
#include <linux/virtio_ids.h>

#include "blk.h"

#define BIT(bit) (1ULL << (bit))

#define PART_MAX (1U << 20) /* bytes of a part of the data */
#define AGAIN_MS 20 /* without memory for one more request */

static const char *const count_names[BLK_COUNTS] = {
	[BLK_READS] = "reads",           [BLK_WRITES] = "writes",
	[BLK_FLUSHES] = "flushes",       [BLK_DISCARDS] = "discards",
	[BLK_ZEROES] = "zeroes",         [BLK_ERRORS] = "errors",
	[BLK_READ_BYTES] = "read_bytes", [BLK_WRITE_BYTES] = "write_bytes",
};

/* The kernel works for them still, and that is all. */
static SLIST_HEAD(, blk) left_behind = SLIST_HEAD_INITIALIZER(left_behind);

static struct blk *blk_of(struct virtio_dev *dev)
{
	return (struct blk *)((char *)dev - offsetof(struct blk, dev));
}

/* ---- the queue ---- */

/* As many as are ever out at once.  Most of one is for long chains. */
static struct blk_req *new_req(struct blk *blk)
{
	struct blk_req *req = malloc(sizeof(*req));

	if (req)
		SLIST_INSERT_HEAD(&blk->all, req, all_link);
	return req;
}

static struct blk_req *take_req(struct blk *blk, struct vq *vq)
{
	struct blk_req *req = SLIST_FIRST(&blk->free);

	if (req)
		SLIST_REMOVE_HEAD(&blk->free, link);
	else
		req = new_req(blk);
	if (!req)
		return NULL;
	req->blk = blk;
	req->vq = vq;
	return req;
}

/* As if the driver had kicked. */
static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct blk *blk = arg;
	unsigned int i;

	(void)fd;
	(void)what;
	for (i = 0; blk->dev.running && i < blk->dev.queue_count; i++)
		if (blk->dev.vqs[i].kick_fd >= 0)
			eventfd_write(blk->dev.vqs[i].kick_fd, 1);
}

static void wait_ns(struct blk *blk, int64_t ns)
{
	struct timeval wait = {
		.tv_sec = ns / 1000000000,
		.tv_usec = ns % 1000000000 / 1000 + 1,
	};

	event_add(&blk->again, &wait);
}

/* May one more be begun?  If not, we come back by ourselves. */
static bool may_begin(struct blk *blk)
{
	int64_t now, ns, other;

	if (!blk->iops.per_s && !blk->bandwidth.per_s)
		return true;
	now = limit_now_ns();
	ns = limit_wait_ns(&blk->iops, now);
	other = limit_wait_ns(&blk->bandwidth, now);
	if (other > ns)
		ns = other;
	if (ns)
		wait_ns(blk, ns);
	return !ns;
}

static void publish_all(struct uring_call *call)
{
	struct blk *blk =
		(struct blk *)((char *)call - offsetof(struct blk, publish));
	unsigned int i;

	for (i = 0; blk->dev.running && i < blk->dev.queue_count; i++) {
		if (!blk->dev.vqs[i].state->size)
			continue;
		vq_publish(&blk->dev.vqs[i]);
		vq_signal(&blk->dev.vqs[i]);
	}
}

static bool on_kick(struct virtio_dev *dev, struct vq *vq)
{
	struct blk *blk = blk_of(dev);
	unsigned int left = VQ_BATCH;
	struct blk_req *req;

	while (left && may_begin(blk)) {
		req = take_req(blk, vq);
		if (!req) {
			wait_ns(blk, AGAIN_MS * 1000000LL);
			break;
		}
		if (vq_pop(vq, &req->chain) <= 0) {
			SLIST_INSERT_HEAD(&blk->free, req, link);
			break;
		}
		left--;
		if (blk->iops.per_s)
			limit_take(&blk->iops, limit_now_ns(), 1);
		if (!blk_serve(req))
			break;
	}
	vq_publish(vq);
	vq_signal(vq);
	uring_submit(blk->disk->uring);
	return !left;
}

/* ---- the device ---- */

static int start(struct virtio_dev *dev)
{
	struct blk *blk = blk_of(dev);

	/* Not before: it is the bus that knows whose loop it is. */
	if (!event_initialized(&blk->again))
		evtimer_assign(&blk->again, dev->base, on_again, blk);
	blk->config.wce = !blk_keep(blk)->write_through;
	return 0;
}

static void on_ready(struct uring_call *call)
{
	struct blk *blk =
		(struct blk *)((char *)call - offsetof(struct blk, ready));

	virtio_resume(&blk->dev);
}

static bool resume(struct virtio_dev *dev)
{
	struct blk *blk = blk_of(dev);

	return uring_ready(blk->disk->uring, &blk->ready);
}

static bool reset(struct virtio_dev *dev)
{
	struct blk *blk = blk_of(dev);

	event_del(&blk->again);
	blk->config.wce = 1;
	blk->resetting = blk->out;
	return !blk->resetting;
}

static int set_config(struct virtio_dev *dev, size_t offset, size_t len)
{
	struct blk *blk = blk_of(dev);

	if (offset != offsetof(struct virtio_blk_config, wce) || len != 1 ||
	    blk->config.wce > 1 || !virtio_has(dev, VIRTIO_BLK_F_CONFIG_WCE)) {
		blk->config.wce = !blk_keep(blk)->write_through;
		return -EINVAL;
	}
	blk_keep(blk)->write_through = !blk->config.wce;
	return 0;
}

static void describe(struct virtio_dev *dev, void *json)
{
	struct blk *blk = blk_of(dev);
	unsigned int i;

	json_object_set_new(json, "file", json_string(blk->disk->path));
	json_object_set_new(json, "bytes",
			    json_integer((json_int_t)blk->disk->bytes));
	json_object_set_new(json, "readonly",
			    json_boolean(blk->disk->conf.readonly));
	json_object_set_new(
		json, "cache",
		json_string(blk->disk->conf.direct ? "direct" : "writeback"));
	for (i = 0; i < BLK_COUNTS; i++)
		json_object_set_new(json, count_names[i],
				    json_integer((json_int_t)blk->counts[i]));
}

static void let_go(struct blk *blk)
{
	struct blk_req *req;

	while ((req = SLIST_FIRST(&blk->all))) {
		SLIST_REMOVE_HEAD(&blk->all, all_link);
		free(req);
	}
	disk_close(blk->disk);
	free(blk->vqs);
	free(blk);
}

/* It may be the end of us. */
void blk_all_home(struct blk *blk)
{
	if (blk->detached) {
		SLIST_REMOVE(&left_behind, blk, blk, link);
		let_go(blk);
	} else if (blk->resetting) {
		blk->resetting = false;
		virtio_reset_done(&blk->dev);
	}
}

/*
 * We may end with requests out, which the next daemon begins once more.  What
 * the kernel still works with must then stay where it is.
 */
static void destroy(struct virtio_dev *dev)
{
	struct blk *blk = blk_of(dev);

	if (event_initialized(&blk->again))
		event_del(&blk->again);
	uring_forget(blk->disk->uring, &blk->publish);
	uring_forget(blk->disk->uring, &blk->ready);
	if (!blk->out) {
		let_go(blk);
		return;
	}
	blk->detached = true;
	SLIST_INSERT_HEAD(&left_behind, blk, link);
}

static const struct virtio_ops ops = {
	.name = "blk",
	.id = VIRTIO_ID_BLOCK,
	.start = start,
	.on_kick = on_kick,
	.resume = resume,
	.reset = reset,
	.set_config = set_config,
	.describe = describe,
	.destroy = destroy,
};

/* What cannot be written cannot be discarded either. */
static uint64_t features_of(const struct blk *blk)
{
	uint64_t features =
		BIT(VIRTIO_BLK_F_SIZE_MAX) | BIT(VIRTIO_BLK_F_SEG_MAX) |
		BIT(VIRTIO_BLK_F_BLK_SIZE) | BIT(VIRTIO_BLK_F_TOPOLOGY) |
		BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_CONFIG_WCE);

	if (blk->disk->conf.readonly)
		features |= BIT(VIRTIO_BLK_F_RO);
	else
		features |= BIT(VIRTIO_BLK_F_DISCARD) |
			    BIT(VIRTIO_BLK_F_WRITE_ZEROES);
	if (blk->dev.queue_count > 1)
		features |= BIT(VIRTIO_BLK_F_MQ);
	return features;
}

static void fill_config(struct blk *blk)
{
	const struct disk *disk = blk->disk;
	unsigned int best = disk->best > disk->block ? disk->best : disk->block;

	blk->config = (struct virtio_blk_config){
		.capacity = htole64(disk->bytes / DISK_SECTOR),
		.size_max = htole32(PART_MAX),
		.seg_max = htole32(VQ_SIZE_MAX - 2), /* a head, a status */
		.blk_size = htole32(disk->block),
		.physical_block_exp =
			(uint8_t)__builtin_ctz(best / disk->block),
		.min_io_size = htole16((uint16_t)(best / disk->block)),
		.wce = 1,
		.num_queues = htole16((uint16_t)blk->dev.queue_count),
		.max_discard_sectors = htole32(BLK_RANGE_MAX),
		.max_discard_seg = htole32(BLK_SEGMENTS_MAX),
		.discard_sector_alignment = htole32(best / DISK_SECTOR),
		.max_write_zeroes_sectors = htole32(BLK_RANGE_MAX),
		.max_write_zeroes_seg = htole32(BLK_SEGMENTS_MAX),
		.write_zeroes_may_unmap = 1,
	};
}

struct virtio_dev *blk_create(struct disk *disk, const struct blk_conf *conf)
{
	struct blk *blk = calloc(1, sizeof(*blk));
	size_t len = strnlen(conf->serial, sizeof(blk->serial));

	if (blk)
		blk->vqs = calloc(conf->queues, sizeof(*blk->vqs));
	if (!blk || !blk->vqs) {
		free(blk);
		return NULL;
	}
	SLIST_INIT(&blk->free);
	SLIST_INIT(&blk->all);
	blk->disk = disk;
	blk->ready.run = on_ready;
	blk->publish.run = publish_all;
	blk->iops.per_s = conf->iops;
	blk->bandwidth.per_s = conf->bytes_per_s;
	memcpy(blk->serial, conf->serial, len);
	blk->dev.ops = &ops;
	snprintf(blk->dev.label, sizeof(blk->dev.label), "%s", disk->label);
	blk->dev.queue_count = conf->queues;
	blk->dev.vqs = blk->vqs;
	blk->dev.config = &blk->config;
	blk->dev.config_bytes =
		offsetof(struct virtio_blk_config, write_zeroes_may_unmap) + 4;
	blk->dev.offered = features_of(blk);
	fill_config(blk);
	return &blk->dev;
}
