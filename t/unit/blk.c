// SPDX-License-Identifier: GPL-2.0-only
/*
 * blk.c - a disk, and drivers of all manners
 *
 * The device is the daemon's, with its rings, its io_uring and a file below; the
 * driver is vdriver.h's.  What a request does to the file is looked at in the
 * file, and what a wrong one is told is looked at in its last byte.
 *
 * Long because each way to ask, and each way to ask wrongly, is a check.
 *
 * Start at main().
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>

#include "../../daemon/virtio/disk.h"
#include "tap.h"
#include "vbus.h"
#include "vdriver.h"

#define BIT(n)  (1ULL << (n))
#define SECTORS 256
#define SIZE    (SECTORS * 512)
#define RING    0x10000 /* gpa */
#define SLOT    3

#define FEATURES                                             \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_BLK_F_FLUSH) | \
	 BIT(VIRTIO_BLK_F_DISCARD) | BIT(VIRTIO_BLK_F_WRITE_ZEROES))

#define SEGMENT struct virtio_blk_discard_write_zeroes

enum {
	NO_ANSWER = 0xee
};

static struct vbus vbus;
static struct vdriver driver;
static struct uring *uring;
static char path[] = "/var/tmp/lguest-blk-XXXXXX";
static int held; /* the file, as systemd would have it */
static char pattern[SIZE], back[SIZE];
static uint64_t rings; /* which kind drivers ask for */

/* ---- a device with a driver ---- */

static int new_file(void)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_TRUNC);

	if (fd < 0 || write(fd, pattern, SIZE) != SIZE)
		bail_out("%s: cannot be written", path);
	held = dup(fd);
	return fd;
}

static struct virtio_dev *new_device(int fd, const struct disk_conf *disk_conf,
				     const struct blk_conf *blk_conf)
{
	struct disk_conf disk = *disk_conf;
	struct blk_conf blk = *blk_conf;
	char why[DISK_WHY_MAX] = "";
	struct disk *made;

	disk.guest = "test";
	disk.label = "disk0";
	disk.path = path;
	blk.serial = "serial-of-20-bytes-x";
	blk.queues = 1;
	if (disk_open(uring, fd, &disk, why, &made) < 0)
		bail_out("%s", why);
	return blk_create(made, &blk);
}

static void run(uint64_t features)
{
	int r;

	features |= rings;
	r = vbus_up(&vbus, SLOT, features);
	vdriver_init(&driver, &vbus.mem, RING, 128, features);
	r = r
		    ?: vbus_call(&vbus,
				 (struct lguest_virtio_call){
					 .op = LGUEST_VIRTIO_SET_QUEUE,
					 .slot = SLOT,
					 .word = { driver.size, driver.desc,
						   driver.driver, driver.device,
						   0, 33 },
				 });
	r = r ?: vbus_run(&vbus, SLOT);
	if (r)
		bail_out("the device does not start: %s", strerror(-r));
}

static void begin_with(const struct disk_conf *disk, const struct blk_conf *blk,
		       uint64_t features)
{
	vbus_start(&vbus);
	if (uring_create(vbus.bus.base, &uring) < 0)
		bail_out("no io_uring");
	vbus_add(&vbus, new_device(new_file(), disk, blk), SLOT);
	run(features);
}

static void begin(void)
{
	const struct disk_conf disk = { .path = NULL };
	const struct blk_conf blk = { .serial = NULL };

	begin_with(&disk, &blk, FEATURES);
}

static void end(void)
{
	struct flock unlock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	/* A ring that ends may have the file for a little longer. */
	fcntl(held, F_OFD_SETLK, &unlock);
	vbus_stop(&vbus);
	uring_destroy(uring);
	close(held);
}

static void kick(void)
{
	eventfd_write(vbus.bus.devs[SLOT]->vqs[0].kick_fd, 1);
}

/* The next one that comes back; the loop is where this waits. */
static struct vdriver_used wait_used(void)
{
	struct vdriver_used used;

	alarm(60);
	while (!vdriver_used(&driver, &used))
		event_base_loop(vbus.bus.base, EVLOOP_ONCE);
	alarm(0);
	return used;
}

/* ---- requests ---- */

static uint64_t status_at;
static uint32_t written;

static uint64_t put_status(void)
{
	const uint8_t byte = NO_ANSWER;

	return status_at = vdriver_put(&driver, &byte, 1);
}

static uint64_t put_head(uint32_t type, uint64_t sector)
{
	const struct virtio_blk_outhdr head = { .type = type,
						.sector = sector };

	return vdriver_put(&driver, &head, sizeof(head));
}

static uint8_t status(void)
{
	return *(const uint8_t *)vdriver_at(&driver, status_at);
}

static uint8_t serve(const struct vdriver_part *parts, unsigned int count)
{
	vdriver_add(&driver, parts, count);
	kick();
	written = wait_used().written;
	return status();
}

/* Data is to or from `data`, in one part. */
static uint8_t ask(uint32_t type, uint64_t sector, void *data, uint32_t len)
{
	bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	struct vdriver_part parts[3] = {
		{ put_head(type, sector), sizeof(struct virtio_blk_outhdr),
		  false },
	};
	unsigned int count = 1;
	uint64_t at = 0;
	uint8_t said;

	if (len) {
		at = vdriver_put(&driver, data, len);
		parts[count++] = (struct vdriver_part){ at, len, in };
	}
	parts[count++] = (struct vdriver_part){ put_status(), 1, true };
	said = serve(parts, count);
	if (in && len)
		memcpy(data, vdriver_at(&driver, at), len);
	vdriver_rewind(&driver);
	return said;
}

static bool file_is(off_t offset, const void *want, size_t len)
{
	static char got[SIZE];
	int fd = open(path, O_RDONLY);
	bool same = pread(fd, got, len, offset) == (ssize_t)len &&
		    !memcmp(got, want, len);

	close(fd);
	return same;
}

/* ---- what is right ---- */

static void test_transfers(void)
{
	static char other[8192];
	char id[20];

	begin();
	memset(other, 'w', sizeof(other));
	is(ask(VIRTIO_BLK_T_IN, 8, back, 4096), VIRTIO_BLK_S_OK, "a read");
	ok(!memcmp(back, pattern + 4096, 4096), "gives what the file has");
	is(written, 4097, "and says how much, the status included");
	is(ask(VIRTIO_BLK_T_OUT, 1, other, 8192), VIRTIO_BLK_S_OK, "a write");
	ok(file_is(512, other, 8192), "is in the file");
	is(written, 1, "and wrote a status to the driver");
	ok(file_is(0, pattern, 512) && file_is(8704, pattern + 8704, 512),
	   "and is where it was wanted, and nowhere else");
	is(ask(VIRTIO_BLK_T_FLUSH, 0, NULL, 0), VIRTIO_BLK_S_OK, "a flush");
	is(ask(VIRTIO_BLK_T_IN, 0, back, SIZE), VIRTIO_BLK_S_OK,
	   "all of it at once");
	ok(!memcmp(back + 512, other, 8192) &&
		   !memcmp(back + 8704, pattern + 8704, SIZE - 8704),
	   "is all of it");
	is(ask(VIRTIO_BLK_T_IN, SECTORS - 1, back, 512), VIRTIO_BLK_S_OK,
	   "the last sector");
	is(ask(VIRTIO_BLK_T_IN, SECTORS, back, 0), VIRTIO_BLK_S_OK,
	   "nothing, right behind it");
	is(ask(VIRTIO_BLK_T_GET_ID, 0, id, 20), VIRTIO_BLK_S_OK, "its serial");
	ok(!memcmp(id, "serial-of-20-bytes-x", 20), "is as it was told");
	is(ask(VIRTIO_BLK_T_GET_ID, 0, id, 4), VIRTIO_BLK_S_OK,
	   "or as much of it as there is room for");
	end();
}

/* The driver cuts where it likes. */
static void test_parts(void)
{
	const struct virtio_blk_outhdr head = { .type = VIRTIO_BLK_T_OUT,
						.sector = 2 };
	const struct virtio_blk_outhdr in = { .sector = 2 };
	static char data[1024], all[16 + 1024];
	uint64_t at;

	begin();
	memset(data, 'p', sizeof(data));
	memcpy(all, &head, 16);
	memcpy(all + 16, data, sizeof(data));
	at = vdriver_put(&driver, all, sizeof(all));
	is(serve((struct vdriver_part[]){ { at, 1, false },
					  { at + 1, 14, false },
					  { at + 15, 700, false },
					  { at + 715, 325, false },
					  { put_status(), 1, true } },
		 5),
	   VIRTIO_BLK_S_OK, "a header and data that share a part");
	ok(file_is(1024, data, 1024), "come apart");

	at = vdriver_put(&driver, &in, sizeof(in));
	status_at = vdriver_room(&driver, 1025) + 1024;
	is(serve((struct vdriver_part[]){ { at, 16, false },
					  { status_at - 1024, 3, true },
					  { status_at - 1021, 1022, true } },
		 3),
	   VIRTIO_BLK_S_OK, "data and a status that share one");
	ok(!memcmp(vdriver_at(&driver, status_at - 1024), data, 1024),
	   "are where they belong");
	end();
}

static SEGMENT segment(uint64_t sector, uint32_t sectors, uint32_t flags)
{
	return (SEGMENT){ sector, sectors, flags };
}

static void test_ranges(void)
{
	static const char zeros[8192];
	const uint32_t unmap = VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	SEGMENT many[17] = { segment(16, 8, 0), segment(32, 8, 0) };

	begin();
	is(ask(VIRTIO_BLK_T_DISCARD, 0, many, 2 * sizeof(SEGMENT)),
	   VIRTIO_BLK_S_OK, "two ranges are discarded");
	ok(file_is(8192, zeros, 4096) && file_is(16384, zeros, 4096) &&
		   file_is(12288, pattern + 12288, 4096),
	   "and no others");
	many[0] = segment(64, 16, 0);
	many[1] = segment(96, 16, unmap);
	is(ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, many, 2 * sizeof(SEGMENT)),
	   VIRTIO_BLK_S_OK, "zeroes, with and without a hole");
	ok(file_is(32768, zeros, 8192) && file_is(49152, zeros, 8192),
	   "are there");
	many[0] = segment(0, 8, unmap);
	is(ask(VIRTIO_BLK_T_DISCARD, 0, many, sizeof(SEGMENT)),
	   VIRTIO_BLK_S_UNSUPP, "a flag that a discard does not have");
	many[0] = segment(0, 8, 2);
	is(ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, many, sizeof(SEGMENT)),
	   VIRTIO_BLK_S_UNSUPP, "one that nobody has");
	many[0] = segment(SECTORS - 1, 2, 0);
	is(ask(VIRTIO_BLK_T_DISCARD, 0, many, sizeof(SEGMENT)),
	   VIRTIO_BLK_S_IOERR, "a range over the end");
	many[0] = segment(~0ULL, 2, 0);
	is(ask(VIRTIO_BLK_T_DISCARD, 0, many, sizeof(SEGMENT)),
	   VIRTIO_BLK_S_IOERR, "a range beyond all numbers");
	many[0] = segment(0, ~0U, 0);
	is(ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, many, sizeof(SEGMENT)),
	   VIRTIO_BLK_S_IOERR, "one that is too long");
	is(ask(VIRTIO_BLK_T_DISCARD, 0, NULL, 0), VIRTIO_BLK_S_IOERR,
	   "no range");
	is(ask(VIRTIO_BLK_T_DISCARD, 0, many, 17), VIRTIO_BLK_S_IOERR,
	   "a range and a bit");
	is(ask(VIRTIO_BLK_T_DISCARD, 0, many, 17 * sizeof(SEGMENT)),
	   VIRTIO_BLK_S_IOERR, "more than there may be");
	ok(file_is(0, pattern, 4096), "none of which has done anything");
	end();
}

/* ---- what is wrong ---- */

static void test_wrong(void)
{
	static const struct {
		uint32_t type;
		uint64_t sector;
		uint32_t len;
		int status;
		const char *what;
	} wrong[] = {
		{ VIRTIO_BLK_T_IN, SECTORS, 512, VIRTIO_BLK_S_IOERR,
		  "a read beyond the end" },
		{ VIRTIO_BLK_T_OUT, SECTORS - 1, 1024, VIRTIO_BLK_S_IOERR,
		  "a write over it" },
		{ VIRTIO_BLK_T_OUT, ~0ULL, 512, VIRTIO_BLK_S_IOERR,
		  "the last sector there is" },
		{ VIRTIO_BLK_T_IN, 1ULL << 55, 512, VIRTIO_BLK_S_IOERR,
		  "one that is 0 as a byte" },
		{ VIRTIO_BLK_T_IN, 0, 100, VIRTIO_BLK_S_IOERR,
		  "a read of part of a sector" },
		{ VIRTIO_BLK_T_OUT, 0, 513, VIRTIO_BLK_S_IOERR,
		  "a write of more than one" },
		{ VIRTIO_BLK_T_SCSI_CMD, 0, 512, VIRTIO_BLK_S_UNSUPP,
		  "a SCSI command" },
		{ VIRTIO_BLK_T_SECURE_ERASE, 0, 16, VIRTIO_BLK_S_UNSUPP,
		  "what was not offered" },
		{ 0xffffffff, 0, 0, VIRTIO_BLK_S_UNSUPP, "what is unknown" },
	};
	size_t i;

	begin();
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		is(ask(wrong[i].type, wrong[i].sector, back, wrong[i].len),
		   (unsigned int)wrong[i].status, "%s: %s", wrong[i].what,
		   wrong[i].status == VIRTIO_BLK_S_IOERR ? "an I/O error"
							 : "unsupported");
		is(written, 0, "... and no data");
	}
	ok(file_is(0, pattern, SIZE), "the file is as it was");
	is(ask(VIRTIO_BLK_T_IN, 0, back, 512), VIRTIO_BLK_S_OK,
	   "and the device goes on");
	end();
}

/* Where an answer has no room, there is none but a reset. */
static void test_no_room(void)
{
	struct virtio_dev *dev;

	begin();
	dev = vbus.bus.devs[SLOT];
	vdriver_add(&driver,
		    &(struct vdriver_part){ put_head(VIRTIO_BLK_T_FLUSH, 0), 16,
					    false },
		    1);
	kick();
	vbus_turn(&vbus);
	ok(dev->state->status & VIRTIO_CONFIG_S_NEEDS_RESET,
	   "a request with no status: the device needs a reset");
	is_str(dev->state->why,
	       "queue 0: a request of 16 bytes to read and 0 to write: no "
	       "header of 16 or no status",
	       "and says why");
	run(FEATURES);
	vdriver_add(&driver,
		    (struct vdriver_part[]){
			    { put_head(VIRTIO_BLK_T_IN, 0), 15, false },
			    { put_status(), 1, true } },
		    2);
	kick();
	vbus_turn(&vbus);
	ok(dev->state->status & VIRTIO_CONFIG_S_NEEDS_RESET,
	   "the same for one with no header");
	is(status(), NO_ANSWER, "to which there is no answer");
	run(FEATURES);
	is(ask(VIRTIO_BLK_T_IN, 0, back, 512), VIRTIO_BLK_S_OK,
	   "after a reset it works again");
	end();
}

/* ---- what a driver was not offered, or did not want ---- */

static void test_readonly(void)
{
	const struct disk_conf disk = { .readonly = true };
	const struct blk_conf blk = { .serial = NULL };
	const uint64_t features =
		BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_BLK_F_RO);
	SEGMENT one = segment(0, 8, 0);

	begin_with(&disk, &blk, features);
	is(vbus.bus.devs[SLOT]->offered &
		   (BIT(VIRTIO_BLK_F_DISCARD) | BIT(VIRTIO_BLK_F_WRITE_ZEROES)),
	   0, "a disk to be read offers no way to write it");
	is(ask(VIRTIO_BLK_T_IN, 0, back, 512), VIRTIO_BLK_S_OK, "is read");
	is(ask(VIRTIO_BLK_T_OUT, 0, back, 512), VIRTIO_BLK_S_IOERR,
	   "and not written");
	is(ask(VIRTIO_BLK_T_DISCARD, 0, &one, 16), VIRTIO_BLK_S_UNSUPP,
	   "nor discarded");
	ok(file_is(0, pattern, SIZE), "and is as it was");
	end();
}

/* Who cannot flush is never told of a write before it is safe. */
static void test_cache(void)
{
	const struct disk_conf disk = { .path = NULL };
	const struct blk_conf blk = { .serial = NULL };
	struct virtio_dev *dev;
	uint8_t on = 1, off = 0, wrong = 2, both[2] = { 0, 0 };
	size_t at = offsetof(struct virtio_blk_config, wce);
	SEGMENT one = segment(0, 8, 0);

	begin_with(&disk, &blk, BIT(VIRTIO_F_VERSION_1));
	is(ask(VIRTIO_BLK_T_OUT, 0, back, 512), VIRTIO_BLK_S_OK,
	   "a driver that knows no flush can write");
	is(ask(VIRTIO_BLK_T_WRITE_ZEROES, 0, &one, 16), VIRTIO_BLK_S_UNSUPP,
	   "and not what it has not asked to have");
	run(FEATURES);
	dev = vbus.bus.devs[SLOT];
	is((unsigned int)-virtio_set_config(dev, at, 1, &off), EINVAL,
	   "the cache is left alone by who has not asked for that either");
	run(FEATURES | BIT(VIRTIO_BLK_F_CONFIG_WCE));
	is((unsigned int)virtio_set_config(dev, at, 1, &off), 0,
	   "it can be turned off");
	is(ask(VIRTIO_BLK_T_OUT, 0, back, 512), VIRTIO_BLK_S_OK,
	   "and writes go on");
	is((unsigned int)-virtio_set_config(dev, at, 1, &wrong), EINVAL,
	   "not half on");
	is((unsigned int)-virtio_set_config(dev, at - 1, 2, both), EINVAL,
	   "nor with what is beside it");
	is((unsigned int)virtio_set_config(dev, at, 1, &on), 0, "and on");
	end();
}

static void test_direct(void)
{
	const struct disk_conf disk = { .direct = true };
	const struct blk_conf blk = { .serial = NULL };
	const struct virtio_blk_config *config;
	uint32_t block;
	uint64_t head, at;

	begin_with(&disk, &blk, FEATURES);
	config = vbus.bus.devs[SLOT]->config;
	block = config->blk_size;
	ok(block >= 512 && block <= 4096, "past the cache: blocks of %u",
	   block);
	head = put_head(VIRTIO_BLK_T_IN, 8);
	at = vdriver_room(&driver, 70000) + 3; /* suits no device */
	is(serve((struct vdriver_part[]){ { head, 16, false },
					  { at, 1001, true },
					  { at + 1001, 65536 - 1001, true },
					  { put_status(), 1, true } },
		 4),
	   VIRTIO_BLK_S_OK, "buffers that lie anyhow are read into");
	ok(!memcmp(vdriver_at(&driver, at), pattern + 4096, 65536),
	   "in pieces, all of it");
	vdriver_rewind(&driver);
	memset(back, 'd', 4096);
	is(ask(VIRTIO_BLK_T_OUT, 16, back, 4096), VIRTIO_BLK_S_OK,
	   "and written from");
	ok(file_is(8192, back, 4096), "to the file");
	is(ask(VIRTIO_BLK_T_IN, 0, back, block / 2),
	   block > 512 ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_IOERR,
	   "half a block is an error");
	end();
}

/* ---- the host has its own troubles ---- */

static void test_host(void)
{
	struct rlimit none = { 4096, RLIM_INFINITY }, before;
	SEGMENT one = segment(128, 8, 0);

	begin();
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	none.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_FSIZE, &none);
	is(ask(VIRTIO_BLK_T_OUT, 64, back, 512), VIRTIO_BLK_S_IOERR,
	   "a write that the host refuses is an error");
	setrlimit(RLIMIT_FSIZE, &before);
	is(ask(VIRTIO_BLK_T_OUT, 64, back, 512), VIRTIO_BLK_S_OK,
	   "and works when it does not");
	if (truncate(path, 4096) < 0)
		bail_out("%s: not cut", path);
	is(ask(VIRTIO_BLK_T_IN, 4, back, 4096), VIRTIO_BLK_S_IOERR,
	   "a file that was cut short: what is gone is an error");
	is(ask(VIRTIO_BLK_T_IN, 4, back, 2048), VIRTIO_BLK_S_OK,
	   "what is left is read");
	is(ask(VIRTIO_BLK_T_DISCARD, 0, &one, 16), VIRTIO_BLK_S_OK,
	   "to discard what is gone is none");
	end();
}

/* ---- more than one ---- */

static unsigned int add_reads(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (vdriver_add(
			    &driver,
			    (struct vdriver_part[]){
				    { put_head(VIRTIO_BLK_T_IN, 0), 16, false },
				    { vdriver_room(&driver, 512), 512, true },
				    { put_status(), 1, true } },
			    3) < 0)
			break;
	return i;
}

static unsigned int count_used(void)
{
	struct vdriver_used used;
	unsigned int count = 0;

	while (vdriver_used(&driver, &used))
		count++;
	return count;
}

static void test_turns(void)
{
	const struct disk_conf disk = { .path = NULL };
	const struct blk_conf blk = { .iops = 1000 };
	struct virtio_dev *dev;
	unsigned int got;

	begin();
	is(ask(VIRTIO_BLK_T_IN, 0, back, 512), VIRTIO_BLK_S_OK, "in the cache");
	vdriver_init(&driver, &vbus.mem, RING, 256, FEATURES);
	end();

	begin();
	dev = vbus.bus.devs[SLOT];
	is(add_reads(42), 42, "42 requests at once");
	ok(!dev->ops->on_kick(dev, &dev->vqs[0]), "are served in a turn");
	while ((got = count_used()) == 0)
		event_base_loop(vbus.bus.base, EVLOOP_ONCE);
	end();

	begin_with(&disk, &blk, FEATURES);
	dev = vbus.bus.devs[SLOT];
	is(add_reads(42), 42, "with a limit of 1000 a second");
	ok(!dev->ops->on_kick(dev, &dev->vqs[0]),
	   "it is no use to be called again at once");
	alarm(60);
	for (got = count_used(); got < 42; got += count_used())
		event_base_loop(vbus.bus.base, EVLOOP_ONCE);
	alarm(0);
	is(got, 42, "and nobody has to kick for all to be served");
	end();
}

/* A write is with the kernel, and nobody has heard of it yet. */
static void begin_write(void)
{
	struct virtio_dev *dev = vbus.bus.devs[SLOT];

	memset(back, 'r', 512);
	vdriver_add(&driver,
		    (struct vdriver_part[]){
			    { put_head(VIRTIO_BLK_T_OUT, 0), 16, false },
			    { vdriver_put(&driver, back, 512), 512, false },
			    { put_status(), 1, true } },
		    3);
	dev->ops->on_kick(dev, &dev->vqs[0]);
}

static void test_reset(void)
{
	struct vdriver_used used;

	begin();
	begin_write();
	vbus_ask(&vbus, LGUEST_VIRTIO_SET_STATUS, SLOT, 0, 0);
	vbus_ask(&vbus, LGUEST_VIRTIO_GET_STATUS, SLOT, 0, 0);
	ok(vbus.words[0] != 0, "a reset is not over while a request is out");
	is(vbus.idle, 1, "nor is the bus told so");
	alarm(60);
	while (vbus.idle < 2)
		event_base_loop(vbus.bus.base, EVLOOP_ONCE);
	alarm(0);
	vbus_ask(&vbus, LGUEST_VIRTIO_GET_STATUS, SLOT, 0, 0);
	is(vbus.words[0], 0, "when that is home, it is");
	ok(!vdriver_used(&driver, &used), "and the driver was told nothing");
	run(FEATURES);
	is(ask(VIRTIO_BLK_T_IN, 0, back, 512), VIRTIO_BLK_S_OK,
	   "it starts again");
	end();
}

/* What was asked before a request that fails the device is under way. */
static void test_failed_reset(void)
{
	struct virtio_dev *dev;

	begin();
	dev = vbus.bus.devs[SLOT];
	vdriver_add(&driver,
		    (struct vdriver_part[]){
			    { put_head(VIRTIO_BLK_T_FLUSH, 0), 16, false },
			    { put_status(), 1, true } },
		    2);
	vdriver_add(&driver,
		    &(struct vdriver_part){ put_head(VIRTIO_BLK_T_IN, 0), 16,
					    false },
		    1);
	dev->ops->on_kick(dev, &dev->vqs[0]);
	ok(dev->state->status & VIRTIO_CONFIG_S_NEEDS_RESET,
	   "a flush, and then a request with no status");
	vbus_ask(&vbus, LGUEST_VIRTIO_SET_STATUS, SLOT, 0, 0);
	alarm(60);
	while (dev->state->status)
		event_base_loop(vbus.bus.base, EVLOOP_ONCE);
	alarm(0);
	run(FEATURES);
	is(ask(VIRTIO_BLK_T_IN, 0, back, 512), VIRTIO_BLK_S_OK,
	   "the reset does come to its end");
	end();
}

/* Killed with a request out: who comes after us waits for our ring's end. */
static void test_successor(void)
{
	const struct disk_conf disk = { .path = NULL };
	const struct blk_conf blk = { .serial = NULL };
	struct uring *first;
	struct virtio_dev *dev;
	struct vdriver_used used;
	int lifeline;

	begin();
	first = uring;
	lifeline = dup(uring_lifeline(first));
	begin_write();
	vbus_restart(&vbus);
	if (uring_create(vbus.bus.base, &uring) < 0 ||
	    uring_follow(uring, lifeline) < 0)
		bail_out("no second ring");
	dev = new_device(dup(held), &disk, &blk);
	is((unsigned int)virtio_adopt(&vbus.bus, dev, SLOT), 0,
	   "the next daemon has the device");
	kick();
	vbus_turn(&vbus);
	ok(!vdriver_used(&driver, &used) && !dev->running,
	   "and serves nothing while the ring before it is there");
	vbus_ask(&vbus, LGUEST_VIRTIO_GET_STATUS, SLOT, 0, 0);
	is(vbus.words[0], 15, "of which the driver sees nothing");
	uring_destroy(first);
	wait_used();
	is(status(), VIRTIO_BLK_S_OK, "when that is gone, it is served");
	ok(file_is(0, back, 512), "and done");
	vbus_turn(&vbus);
	ok(!vdriver_used(&driver, &used), "once");
	end();
}

/* The same, but the driver resets it meanwhile. */
static void test_successor_reset(void)
{
	const struct disk_conf disk = { .path = NULL };
	const struct blk_conf blk = { .serial = NULL };
	struct uring *first;
	unsigned int idle;
	int lifeline;

	begin();
	first = uring;
	lifeline = dup(uring_lifeline(first));
	begin_write();
	vbus_restart(&vbus);
	if (uring_create(vbus.bus.base, &uring) < 0 ||
	    uring_follow(uring, lifeline) < 0)
		bail_out("no second ring");
	virtio_adopt(&vbus.bus, new_device(dup(held), &disk, &blk), SLOT);
	idle = vbus.idle;
	vbus_ask(&vbus, LGUEST_VIRTIO_SET_STATUS, SLOT, 0, 0);
	vbus_ask(&vbus, LGUEST_VIRTIO_GET_STATUS, SLOT, 0, 0);
	ok(vbus.words[0] && vbus.idle == idle,
	   "a reset does not end before a ring of a daemon before us");
	uring_destroy(first);
	alarm(60);
	while (vbus.idle == idle)
		event_base_loop(vbus.bus.base, EVLOOP_ONCE);
	alarm(0);
	vbus_ask(&vbus, LGUEST_VIRTIO_GET_STATUS, SLOT, 0, 0);
	is(vbus.words[0], 0, "but with it");
	run(FEATURES);
	is(ask(VIRTIO_BLK_T_IN, 0, back, 512), VIRTIO_BLK_S_OK,
	   "and the device can be had again");
	end();
}

static void all(void)
{
	test_transfers();
	test_parts();
	test_ranges();
	test_wrong();
	test_no_room();
	test_readonly();
	test_cache();
	test_direct();
	test_host();
	test_turns();
	test_reset();
	test_failed_reset();
	test_successor();
	test_successor_reset();
}

int main(void)
{
	size_t i;
	int fd = mkstemp(path);

	if (fd < 0)
		bail_out("%s: not made", path);
	close(fd);
	for (i = 0; i < SIZE; i++)
		pattern[i] = (char)(i / 512 + i % 512 * 7);
	all();
	rings = BIT(VIRTIO_F_RING_PACKED);
	diag("and all of it with packed rings");
	all();
	unlink(path);
	return tap_end();
}
