// SPDX-License-Identifier: GPL-2.0-only
/*
 * balloon.c - pages that the host may have: daemon/virtio/balloon.c
 *
 * The host writes into the configuration how many pages it wishes for, and a
 * thread of ours takes as many out of our allocator, or back, and says how many
 * they are.  The host drops what is in them.  It asks for numbers, too: a buffer
 * with the latest lies with the device until it wants others.
 *
 * What must never happen: that we give away what we are about to need.  So some
 * always stay here.
 *
 * Next: guestos/kernel/init.c
 */
#include "virtio.h"

#define INFLATE 0
#define DEFLATE 1
#define STATS   2

#define F_STATS 1 /* a bit of features */

#define RESERVE     512 /* pages that are not given away */
#define PIECE_PAGES 256 /* named in one request */
#define LIST_PAGES  1024 /* numbers on a page */

#define STAT_FREE  4
#define STAT_TOTAL 5

struct config {
	u32 wanted, given;
};

struct stat {
	u16 tag;
	u64 value;
} __attribute__((packed));

static struct virtio balloon;
static struct virtq vqs[3];
static u32 *lists[RAM_MAX / PAGE_BYTES / LIST_PAGES]; /* of numbers given */
static u32 given;
static int runs;
static u32 *piece; /* a page: the request */
static struct stat *stats; /* a page, the device's but when we fill it */
static int changed; /* sched_lock: there may be something to do */

long balloon_bytes(void)
{
	return runs ? (long)(given * PAGE_BYTES) : -ENOENT;
}

/* Where the number of the nth page stands; NULL: no memory for that. */
static u32 *slot(u32 nth)
{
	u32 **list = &lists[nth / LIST_PAGES];

	if (!*list)
		*list = page_alloc();
	return *list ? &(*list)[nth % LIST_PAGES] : NULL;
}

/* The device has seen the first count of piece when this returns.  Sleeps. */
static void tell(u32 queue, u32 count)
{
	const struct virtq_buf buf = { piece, count * (u32)sizeof(*piece), 0 };

	virtq_add(&vqs[queue], &buf, 1, piece);
	virtq_kick(&vqs[queue]);
	virtq_wait(&vqs[queue]);
	virtq_take(&vqs[queue], NULL);
	virtio_config_set(&balloon, __builtin_offsetof(struct config, given),
			  &given, sizeof(given));
}

static u32 inflate(u32 wanted)
{
	u32 count = 0;

	while (given < wanted && count < PIECE_PAGES &&
	       page_free_count() > RESERVE) {
		u32 *at = slot(given);
		void *page = at ? page_alloc_dirty() : NULL;

		if (!page)
			break;
		*at = (u32)(pa(page) / PAGE_BYTES);
		piece[count++] = *at;
		given++;
	}
	if (count)
		tell(INFLATE, count);
	return count;
}

static u32 deflate(u32 wanted)
{
	u32 i, count = 0;

	while (given > wanted && count < PIECE_PAGES)
		piece[count++] = *slot(--given);
	if (count)
		tell(DEFLATE, count);
	for (i = 0; i < count; i++)
		page_put(piece[i] * PAGE_BYTES);
	return count;
}

static void give_stats(void)
{
	const struct virtq_buf buf = { stats, 2 * sizeof(*stats), 0 };

	stats[0] = (struct stat){ STAT_FREE, page_free_count() * PAGE_BYTES };
	stats[1] = (struct stat){ STAT_TOTAL, ram_end };
	virtq_add(&vqs[STATS], &buf, 1, stats);
	virtq_kick(&vqs[STATS]);
}

static void come(void)
{
	spin_lock(&sched_lock);
	changed = 1;
	wake_up_locked(&changed);
	spin_unlock(&sched_lock);
}

static void on_stats(struct virtq *vq)
{
	(void)vq;
	come();
}

static void run(u64 arg)
{
	struct config config = { 0, 0 };

	(void)arg;
	for (;;) {
		if (virtq_take(&vqs[STATS], NULL))
			give_stats();
		virtio_config_get(&balloon, 0, &config, sizeof(config));
		if (inflate(config.wanted) || deflate(config.wanted))
			continue;
		spin_lock(&sched_lock);
		while (!changed)
			sleep_on_locked(&changed);
		changed = 0;
		spin_unlock(&sched_lock);
	}
}

static int start(void)
{
	int r = virtio_begin(&balloon, 1 << F_STATS);

	if (r == 0)
		r = virtio_config_irq(&balloon, come);
	if (r == 0)
		r = virtq_init(&vqs[INFLATE], &balloon, INFLATE, NULL);
	if (r == 0)
		r = virtq_init(&vqs[DEFLATE], &balloon, DEFLATE, NULL);
	if (r == 0)
		r = virtq_init(&vqs[STATS], &balloon, STATS, on_stats);
	return r < 0 ? r : virtio_run(&balloon);
}

void balloon_init(void)
{
	if (virtio_find(&balloon, VIRTIO_BALLOON, 0) < 0)
		return;
	piece = page_alloc();
	stats = page_alloc();
	if (!piece || !stats || start() < 0) {
		printk("balloon: slot %u: it does not start\n", balloon.slot);
		return;
	}
	runs = 1;
	give_stats();
	printk("balloon: slot %u\n", balloon.slot);
	if (thread_create("balloon", run, 0, 0) < 0)
		panic("balloon: no memory for its thread");
}
