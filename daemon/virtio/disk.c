// SPDX-License-Identifier: GPL-2.0-only
/*
 * disk.c - the file behind a disk
 *
 * What is in the page cache is read at once, and what can go there is written at
 * once where the file system can tell that it need not wait (XFS and Btrfs can,
 * ext4 cannot): to ask the ring takes longer than to copy.  All else goes through
 * the ring, in pieces if it comes back in pieces, and nothing here ever waits.
 *
 * Flushes are asked for by many and made for all: whoever asks while one is
 * under way is served by the next.  Holes are made one at a time.  So a guest
 * keeps two of the kernel's threads busy and not all there are.
 *
 * What must never happen: that a file which is not what it was - it has been cut
 * short, its device is full or gone - is more than an error to the guest that
 * has it, and a line in the log now and then.
 *
 * Where we stand: blk.c has checked what its guest wants.  Start at
 * disk_start(), at the end.
 *
 * Next: daemon/virtio/disk_open.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>

#include "../log.h"
#include "disk.h"

#define INLINE_MAX   (64 * 1024) /* bytes that are copied while others wait */
#define MAP_MAX      (1024 * 1024) /* bytes whose pages are looked up so */
#define BOUNCE_BYTES (64 * 1024)
#define QUIET_NS     (60 * 1000000000LL) /* between two lines of errors */

/* What is written where the file system knows no better. */
static const char zeros[BOUNCE_BYTES] __attribute__((aligned(DISK_ALIGN_MAX)));

/* ---- the end of a request ---- */

static const char *const names[] = {
	[DISK_READ] = "read",         [DISK_WRITE] = "write",
	[DISK_FLUSH] = "flush",       [DISK_DISCARD] = "discard",
	[DISK_ZERO] = "write zeroes",
};

/* The first is said, and then no more than one a minute. */
static void log_error(struct disk *disk, const struct disk_io *io, int err)
{
	int64_t now = limit_now_ns();

	if (disk->logged_ns && now - disk->logged_ns < QUIET_NS) {
		disk->unlogged++;
		return;
	}
	log_say(LOG_LEVEL_WARNING, disk->conf.guest,
		"%s: '%s': %s of %" PRIu64 " bytes at %" PRIu64
		": %s (%u errors before it were not logged)",
		disk->conf.label, disk->path, names[io->what], io->bytes,
		io->offset, strerror(-err), disk->unlogged);
	disk->logged_ns = now;
	disk->unlogged = 0;
}

static void finish(struct disk_io *io, int err)
{
	free(io->bounce);
	io->bounce = NULL;
	if (err < 0)
		log_error(io->disk, io, err);
	io->done(io, err);
}

/* ---- reading and writing ---- */

/* From here on iov is what is still to come. */
static void advance(struct disk_io *io, size_t len)
{
	size_t part;

	io->offset += len;
	io->bytes -= len;
	while (len) {
		part = len < io->iov->iov_len ? len : io->iov->iov_len;
		io->iov->iov_base = (char *)io->iov->iov_base + part;
		io->iov->iov_len -= part;
		len -= part;
		if (!io->iov->iov_len) {
			io->iov++;
			io->parts--;
		}
	}
}

/* Between the bounce buffer and the first len bytes of iov. */
static void copy(const struct disk_io *io, size_t len)
{
	const struct iovec *part = io->iov;
	char *at = io->bounce;
	size_t some;

	for (; len; len -= some, at += some, part++) {
		some = len < part->iov_len ? len : part->iov_len;
		if (io->what == DISK_READ)
			memcpy(part->iov_base, at, some);
		else
			memcpy(at, part->iov_base, some);
	}
}

static bool is_aligned(const struct disk_io *io)
{
	size_t mask = io->disk->memory_align - 1;
	unsigned int i;

	for (i = 0; i < io->parts; i++)
		if (((size_t)io->iov[i].iov_base | io->iov[i].iov_len) & mask)
			return false;
	return true;
}

static void prepare_transfer(struct uring_op *op, struct io_uring_sqe *sqe)
{
	struct disk_io *io =
		(struct disk_io *)((char *)op - offsetof(struct disk_io, op));
	struct disk *disk = io->disk;

	if (io->bounce && io->what == DISK_READ)
		io_uring_prep_read(sqe, disk->fd, io->bounce,
				   (unsigned int)io->bounced, io->offset);
	else if (io->bounce)
		io_uring_prep_write(sqe, disk->fd, io->bounce,
				    (unsigned int)io->bounced, io->offset);
	else if (io->what == DISK_READ)
		io_uring_prep_readv(sqe, disk->fd, io->iov, io->parts,
				    io->offset);
	else
		io_uring_prep_writev(sqe, disk->fd, io->iov, io->parts,
				     io->offset);
	if (io->what == DISK_WRITE && io->durable)
		sqe->rw_flags = RWF_DSYNC;
	/* The kernel would copy or look up all of it before it came back. */
	if (io->bytes > (disk->conf.direct ? MAP_MAX : INLINE_MAX))
		sqe->flags |= IOSQE_ASYNC;
}

/* The next piece; -EINPROGRESS. */
static int transfer(struct disk_io *io)
{
	if (io->bounce) {
		io->bounced =
			io->bytes < BOUNCE_BYTES ? io->bytes : BOUNCE_BYTES;
		if (io->what == DISK_WRITE)
			copy(io, io->bounced);
	}
	uring_add(io->disk->uring, &io->op);
	return -EINPROGRESS;
}

/* A file ends before its disk does only if somebody has cut it short. */
static void transfer_done(struct uring_op *op, int res)
{
	struct disk_io *io =
		(struct disk_io *)((char *)op - offsetof(struct disk_io, op));

	if (res == 0)
		res = -EIO;
	if (res == -EINTR) {
		transfer(io);
		return;
	}
	if (res < 0) {
		finish(io, res);
		return;
	}
	if (io->bounce && io->what == DISK_READ)
		copy(io, (size_t)res);
	advance(io, (size_t)res);
	if (io->bytes)
		transfer(io);
	else
		finish(io, 0);
}

/*
 * From and to the page cache, as far as that needs no wait; 0 if that was all,
 * -EAGAIN if there is more.
 *
 * Not by mapping the file, though a copy takes half as long as a call: a page
 * that is not there would keep everybody waiting, and one beyond the end of a
 * file that was cut short is a signal.
 */
static int transfer_cached(struct disk_io *io)
{
	struct disk *disk = io->disk;
	ssize_t n;

	if (disk->conf.direct || disk->waits[io->what] ||
	    io->bytes > INLINE_MAX || (io->what == DISK_WRITE && io->durable))
		return -EAGAIN;
	if (io->what == DISK_READ)
		n = preadv2(disk->fd, io->iov, (int)io->parts,
			    (off_t)io->offset, RWF_NOWAIT);
	else
		n = pwritev2(disk->fd, io->iov, (int)io->parts,
			     (off_t)io->offset, RWF_NOWAIT);
	if (n < 0) {
		disk->waits[io->what] = errno == EOPNOTSUPP;
		return -EAGAIN; /* the ring will have the same error */
	}
	advance(io, (size_t)n);
	return io->bytes ? -EAGAIN : 0;
}

static int start_transfer(struct disk_io *io)
{
	if (transfer_cached(io) == 0)
		return 0;
	if (io->disk->conf.direct && !is_aligned(io)) {
		io->bounce = aligned_alloc(DISK_ALIGN_MAX, BOUNCE_BYTES);
		if (!io->bounce)
			return -ENOMEM;
	}
	io->op.prepare = prepare_transfer;
	io->op.done = transfer_done;
	return transfer(io);
}

/* ---- flushes, each for all who wait ---- */

static void prepare_flush(struct uring_op *op, struct io_uring_sqe *sqe)
{
	const struct disk *disk =
		(struct disk *)((char *)op - offsetof(struct disk, flush_op));

	io_uring_prep_fsync(sqe, disk->fd, IORING_FSYNC_DATASYNC);
}

static void begin_flush(struct disk *disk)
{
	if (!STAILQ_EMPTY(&disk->flush_now) || STAILQ_EMPTY(&disk->flush_next))
		return;
	STAILQ_CONCAT(&disk->flush_now, &disk->flush_next);
	uring_add(disk->uring, &disk->flush_op);
}

/* The last done() may be the disk's end: what it needs is begun before. */
static void flush_done(struct uring_op *op, int res)
{
	struct disk *disk =
		(struct disk *)((char *)op - offsetof(struct disk, flush_op));
	struct disk_ios now = STAILQ_HEAD_INITIALIZER(now);
	struct disk_io *io;

	STAILQ_CONCAT(&now, &disk->flush_now);
	begin_flush(disk);
	while ((io = STAILQ_FIRST(&now))) {
		STAILQ_REMOVE_HEAD(&now, link);
		finish(io, res < 0 ? res : 0);
	}
}

static int start_flush(struct disk_io *io)
{
	STAILQ_INSERT_TAIL(&io->disk->flush_next, io, link);
	begin_flush(io->disk);
	return -EINPROGRESS;
}

/* ---- holes ---- */

/*
 * How zeros come to be there: io->attempt says which of these it is.  A file
 * system that knows none of the first two is not asked for long.
 */
enum {
	ZERO_RANGE,
	PUNCH_HOLE,
	WRITE_THEM
};

static bool may_punch(const struct disk_io *io)
{
	return io->what == DISK_DISCARD || io->unmap;
}

static void prepare_hole(struct uring_op *op, struct io_uring_sqe *sqe)
{
	const struct disk_io *io =
		(struct disk_io *)((char *)op - offsetof(struct disk_io, op));
	uint64_t some = io->bytes < sizeof(zeros) ? io->bytes : sizeof(zeros);

	if (io->attempt == WRITE_THEM)
		io_uring_prep_write(sqe, io->disk->fd, zeros,
				    (unsigned int)some, io->offset);
	else
		io_uring_prep_fallocate(
			sqe, io->disk->fd,
			FALLOC_FL_KEEP_SIZE | (io->attempt == PUNCH_HOLE
						       ? FALLOC_FL_PUNCH_HOLE
						       : FALLOC_FL_ZERO_RANGE),
			(off_t)io->offset, (off_t)io->bytes);
}

static void begin_hole(struct disk *disk)
{
	struct disk_io *io = STAILQ_FIRST(&disk->holes);

	if (io)
		uring_add(disk->uring, &io->op);
}

/* Is there another way, now that this one is not there? */
static bool try_next(struct disk_io *io)
{
	if (io->what == DISK_DISCARD || io->attempt == WRITE_THEM)
		return false;
	io->attempt = io->attempt == PUNCH_HOLE ? ZERO_RANGE : WRITE_THEM;
	return true;
}

static void hole_done(struct uring_op *op, int res)
{
	struct disk_io *io =
		(struct disk_io *)((char *)op - offsetof(struct disk_io, op));
	struct disk *disk = io->disk;

	if (res == 0 && io->attempt == WRITE_THEM)
		res = -EIO;
	if (res > 0) {
		io->offset += (unsigned int)res;
		io->bytes -= (unsigned int)res;
	}
	if ((res > 0 && io->bytes) || res == -EINTR ||
	    (res == -EOPNOTSUPP && try_next(io))) {
		uring_add(disk->uring, op);
		return;
	}
	/* Who discards does not depend on it. */
	if (res == -EOPNOTSUPP && io->what == DISK_DISCARD)
		res = 0;
	STAILQ_REMOVE_HEAD(&disk->holes, link);
	begin_hole(disk);
	finish(io, res < 0 ? res : 0);
}

static int start_hole(struct disk_io *io)
{
	bool first = STAILQ_EMPTY(&io->disk->holes);

	io->attempt = may_punch(io) ? PUNCH_HOLE : ZERO_RANGE;
	io->op.prepare = prepare_hole;
	io->op.done = hole_done;
	STAILQ_INSERT_TAIL(&io->disk->holes, io, link);
	if (first)
		begin_hole(io->disk);
	return -EINPROGRESS;
}

/* ---- all of them ---- */

void disk_ready(struct disk *disk)
{
	STAILQ_INIT(&disk->flush_next);
	STAILQ_INIT(&disk->flush_now);
	STAILQ_INIT(&disk->holes);
	disk->flush_op.prepare = prepare_flush;
	disk->flush_op.done = flush_done;
}

int disk_start(struct disk *disk, struct disk_io *io)
{
	int r;

	io->disk = disk;
	io->bounce = NULL;
	switch (io->what) {
	case DISK_READ:
	case DISK_WRITE:
		r = io->bytes ? start_transfer(io) : 0;
		break;
	case DISK_FLUSH:
		r = start_flush(io);
		break;
	case DISK_DISCARD:
	case DISK_ZERO:
		r = io->bytes ? start_hole(io) : 0;
		break;
	default:
		r = -EINVAL;
		break;
	}
	if (r < 0 && r != -EINPROGRESS)
		log_error(disk, io, r);
	return r;
}
