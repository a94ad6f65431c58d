// SPDX-License-Identifier: GPL-2.0-only
/*
 * balloon.c - RAM that a guest does not need goes back to the host
 *
 * In three ways.  The host wishes a guest to be smaller: its driver takes pages
 * from its own kernel and names them on the first queue, and they are the host's
 * until it names them on the second, or just uses them if it has no memory else.
 * And all the time, if it agreed to report, its driver says which pages are free
 * at the moment.  We do the same with all of them: lg.ko drops the pages, and
 * should the guest look there again, it finds zeroes.
 *
 * A third queue has numbers about the guest's memory: one buffer, which we keep
 * until somebody asks, and then give back to be filled again.
 *
 * What must never happen: that a guest has us drop pages and do nothing else.  A
 * turn is TURN_CALLS of lg.ko's calls.
 *
 * Next: daemon/disks.c
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>

#include "../log.h"
#include "virtio.h"

#define INFLATE 0 /* queues; the next are there if their features are */
#define DEFLATE 1
#define QUEUES  4

#define PAGE_BYTES 4096ULL
#define PIECE_MAX  256 /* page numbers, as many as Linux sends */
#define TURN_CALLS 64
#define STATS_MAX  16

struct keep {
	uint32_t target; /* pages the host wishes to have */
	uint32_t actual; /* pages it has, says the driver */
};

struct balloon {
	struct virtio_dev dev;
	struct vq vqs[QUEUES];
	struct virtio_balloon_config config;
	struct balloon_host host;
	struct vq_chain chain; /* pages that are being dropped */
	size_t done; /* bytes of their numbers */
	bool busy, warned;
	uint16_t stats_head; /* of the buffer we keep */
	bool has_stats;
	uint64_t stats[VIRTIO_BALLOON_S_NR];
	uint32_t stats_seen; /* a bit for each */
};

static struct balloon *balloon_of(struct virtio_dev *dev)
{
	return (struct balloon *)dev; /* its first member */
}

static struct keep *keep_of(struct balloon *balloon)
{
	return (struct keep *)balloon->dev.state->keep;
}

static void drop(struct balloon *balloon, uint64_t gpa, uint64_t bytes)
{
	int r = balloon->host.discard(balloon->host.arg, gpa, bytes);

	if (r == 0 || balloon->warned)
		return;
	balloon->warned = true;
	log_say(LOG_LEVEL_WARNING, balloon->dev.guest,
		"balloon: RAM at %#llx, %llu bytes: not given back: %s",
		(unsigned long long)gpa, (unsigned long long)bytes,
		strerror(-r));
}

/* ---- pages by number ---- */

static int by_number(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/* Pages that follow each other are one call.  How many calls, or -EFAULT. */
static int drop_pages(struct balloon *balloon, uint32_t *pages, size_t count)
{
	size_t first, next;
	int calls = 0;

	qsort(pages, count, sizeof(*pages), by_number);
	if (!guest_mem_has(balloon->dev.mem, pages[count - 1] * PAGE_BYTES,
			   PAGE_BYTES)) {
		virtio_fail(&balloon->dev, "inflate: page %#x is not RAM",
			    pages[count - 1]);
		return -EFAULT;
	}
	for (first = 0; first < count; first = next) {
		for (next = first + 1; next < count; next++) {
			if (pages[next] - pages[next - 1] > 1)
				break;
		}
		drop(balloon, pages[first] * PAGE_BYTES,
		     (pages[next - 1] - pages[first] + 1ULL) * PAGE_BYTES);
		calls++;
	}
	return calls;
}

static bool inflate(struct balloon *balloon)
{
	struct vq *vq = &balloon->vqs[INFLATE];
	uint32_t pages[PIECE_MAX];
	int r = 1, calls = 0;
	size_t len;

	while (calls < TURN_CALLS) {
		if (!balloon->busy) {
			r = vq_pop(vq, &balloon->chain);
			if (r <= 0)
				break;
			balloon->busy = true;
			balloon->done = 0;
		}
		len = chain_get(&balloon->chain, balloon->done, pages,
				sizeof(pages));
		balloon->done += len;
		r = len < 4 ? 0 : drop_pages(balloon, pages, len / 4);
		if (r < 0)
			return false;
		calls += r + 1;
		r = 1;
		if (len == sizeof(pages))
			continue;
		balloon->busy = false;
		vq_push(vq, balloon->chain.head, 0);
	}
	vq_signal(vq);
	return r > 0;
}

/* They are the guest's again when it touches them: nothing to do. */
static bool deflate(struct vq *vq)
{
	static struct vq_chain chain; /* it is large, and there is one thread */
	unsigned int i;
	int r = 1;

	for (i = 0; i < VQ_BATCH; i++) {
		r = vq_pop(vq, &chain);
		if (r <= 0)
			break;
		vq_push(vq, chain.head, 0);
	}
	vq_signal(vq);
	return r > 0;
}

/* ---- pages that are free ---- */

/* Whole pages of a part; a guest that names less has nothing to give. */
static void drop_part(struct balloon *balloon, const struct iovec *part)
{
	uint64_t gpa = guest_mem_gpa(balloon->dev.mem, part->iov_base);
	uint64_t first = (gpa + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	uint64_t end = (gpa + part->iov_len) & ~(PAGE_BYTES - 1);

	if (first < end)
		drop(balloon, first, end - first);
}

static bool report(struct balloon *balloon, struct vq *vq)
{
	static struct vq_chain chain;
	unsigned int i, calls = 0;
	int r = 1;

	while (calls < TURN_CALLS) {
		r = vq_pop(vq, &chain);
		if (r <= 0)
			break;
		for (i = 0; i < chain.writes; i++)
			drop_part(balloon, &chain.iov[chain.reads + i]);
		calls += chain.writes + 1;
		vq_push(vq, chain.head, 0);
	}
	vq_signal(vq);
	return r > 0;
}

/* ---- numbers ---- */

static void read_stats(struct balloon *balloon, const struct vq_chain *chain)
{
	struct virtio_balloon_stat stats[STATS_MAX];
	size_t i, len = chain_get(chain, 0, stats, sizeof(stats));

	balloon->stats_seen = 0;
	for (i = 0; i < len / sizeof(stats[0]); i++) {
		if (stats[i].tag >= VIRTIO_BALLOON_S_NR)
			continue;
		balloon->stats[stats[i].tag] = stats[i].val;
		balloon->stats_seen |= 1U << stats[i].tag;
	}
}

/* There is one buffer, and if there are more they are answered at once. */
static bool take_stats(struct balloon *balloon, struct vq *vq)
{
	static struct vq_chain chain;
	unsigned int i;
	int r = 1;

	for (i = 0; i < VQ_BATCH; i++) {
		r = vq_pop(vq, &chain);
		if (r <= 0)
			break;
		if (balloon->has_stats)
			vq_push(vq, balloon->stats_head, 0);
		balloon->stats_head = chain.head;
		balloon->has_stats = true;
		read_stats(balloon, &chain);
	}
	vq_signal(vq);
	return r > 0;
}

static struct vq *stats_queue(struct balloon *balloon)
{
	return virtio_has(&balloon->dev, VIRTIO_BALLOON_F_STATS_VQ)
		       ? &balloon->vqs[2]
		       : NULL;
}

static void ask_stats(struct balloon *balloon)
{
	struct vq *vq = stats_queue(balloon);

	if (!vq || !balloon->has_stats || vq->broken)
		return;
	balloon->has_stats = false;
	vq_push(vq, balloon->stats_head, 0);
	vq_signal(vq);
}

static json_t *describe_stats(const struct balloon *balloon)
{
	static const char *const names[] = VIRTIO_BALLOON_S_NAMES;
	json_t *stats = json_object();
	unsigned int i;

	for (i = 0; i < VIRTIO_BALLOON_S_NR; i++) {
		if (balloon->stats_seen >> i & 1)
			json_object_set_new(
				stats, names[i],
				json_integer((json_int_t)balloon->stats[i]));
	}
	return stats;
}

/* ---- the device ---- */

static bool balloon_on_kick(struct virtio_dev *dev, struct vq *vq)
{
	struct balloon *balloon = balloon_of(dev);

	if (vq->index == INFLATE)
		return inflate(balloon);
	if (vq->index == DEFLATE)
		return deflate(vq);
	if (vq == stats_queue(balloon))
		return take_stats(balloon, vq);
	return report(balloon, vq);
}

/* A daemon before us may have had other wishes, and the driver's word. */
static int balloon_start(struct virtio_dev *dev)
{
	struct balloon *balloon = balloon_of(dev);

	balloon->busy = false;
	balloon->has_stats = false;
	balloon->config.num_pages = keep_of(balloon)->target;
	balloon->config.actual = keep_of(balloon)->actual;
	return 0;
}

static bool balloon_reset(struct virtio_dev *dev)
{
	struct balloon *balloon = balloon_of(dev);

	balloon->busy = false;
	balloon->has_stats = false;
	balloon->stats_seen = 0;
	balloon->config.actual = 0;
	keep_of(balloon)->actual = 0;
	return true;
}

static int balloon_set_config(struct virtio_dev *dev, size_t offset, size_t len)
{
	struct balloon *balloon = balloon_of(dev);

	if (offset != offsetof(struct virtio_balloon_config, actual) ||
	    len != sizeof(balloon->config.actual))
		return -EPERM;
	keep_of(balloon)->actual = balloon->config.actual;
	return 0;
}

static void balloon_describe(struct virtio_dev *dev, void *json)
{
	struct balloon *balloon = balloon_of(dev);

	ask_stats(balloon); /* for the next who asks */
	json_object_set_new(json, "target_bytes",
			    json_integer((json_int_t)(keep_of(balloon)->target *
						      PAGE_BYTES)));
	json_object_set_new(json, "actual_bytes",
			    json_integer((json_int_t)(keep_of(balloon)->actual *
						      PAGE_BYTES)));
	json_object_set_new(json, "stats", describe_stats(balloon));
}

static void balloon_destroy(struct virtio_dev *dev)
{
	free(dev);
}

static const struct virtio_ops balloon_ops = {
	.name = "balloon",
	.id = VIRTIO_ID_BALLOON,
	.start = balloon_start,
	.on_kick = balloon_on_kick,
	.reset = balloon_reset,
	.set_config = balloon_set_config,
	.describe = balloon_describe,
	.destroy = balloon_destroy,
};

void balloon_set(struct virtio_dev *dev, uint64_t bytes)
{
	struct balloon *balloon = balloon_of(dev);

	keep_of(balloon)->target = (uint32_t)(bytes / PAGE_BYTES);
	balloon->config.num_pages = keep_of(balloon)->target;
	virtio_config_changed(dev);
}

struct virtio_dev *balloon_create(const struct balloon_host *host)
{
	struct balloon *balloon = calloc(1, sizeof(*balloon));

	if (!balloon)
		return NULL;
	balloon->host = *host;
	balloon->dev.ops = &balloon_ops;
	strcpy(balloon->dev.label, "balloon");
	balloon->dev.queue_count = QUEUES;
	balloon->dev.vqs = balloon->vqs;
	balloon->dev.config = &balloon->config;
	balloon->dev.config_bytes = sizeof(balloon->config);
	balloon->dev.offered = 1ULL << VIRTIO_BALLOON_F_STATS_VQ |
			       1ULL << VIRTIO_BALLOON_F_DEFLATE_ON_OOM |
			       1ULL << VIRTIO_BALLOON_F_REPORTING;
	return &balloon->dev;
}
