/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * disk.h - a disk, from the kernel's ring up to the device
 *
 * uring.c gives requests to the kernel and knows no file; disk.c knows a file
 * and no guest; limit.c counts; blk.c is the device, and the only one of them
 * that has heard of virtio.  In the order of these files.
 */
#ifndef DISK_H
#define DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <event2/event.h>

struct io_uring_sqe;
struct virtio_dev;

/* ---- uring.c: requests that the kernel works on while we go on ---- */

struct uring;

/* One request.  Its owner has it again in done(), and not before. */
struct uring_op {
	void (*prepare)(struct uring_op *op, struct io_uring_sqe *sqe);
	void (*done)(struct uring_op *op, int res); /* as of the system call */
	STAILQ_ENTRY(uring_op) link; /* uring.c's */
};

/* Somebody to be called once, after what is going on now. */
struct uring_call {
	void (*run)(struct uring_call *call);
	bool queued; /* uring.c's */
	TAILQ_ENTRY(uring_call) link;
};

/* uring_create - one for the whole daemon; 0 or -errno */
int uring_create(struct event_base *base, struct uring **ret_uring);

/* uring_destroy - NULL is fine; nothing may be out that is still wanted */
void uring_destroy(struct uring *uring);

/*
 * uring_lifeline - to be kept for the next daemon, which gives it to
 * uring_follow(): it hangs up when the last request of this ring is done, also
 * if we have been dead for a while by then
 */
int uring_lifeline(const struct uring *uring);

/* uring_follow - nothing is begun before that ring is gone; takes the fd over */
int uring_follow(struct uring *uring, int lifeline);

/*
 * uring_ready - are the rings of those before us gone?
 *
 * If not, guest memory may still be read and written by the kernel, and nobody
 * may tell a guest that it is not.  call, if there is one, then hears of it.
 */
bool uring_ready(struct uring *uring, struct uring_call *call);

/* uring_add - begun by the next uring_submit(), in this order */
void uring_add(struct uring *uring, struct uring_op *op);
void uring_submit(struct uring *uring);

/* uring_after - call runs when all that has come back now is done() */
void uring_after(struct uring *uring, struct uring_call *call);

/* uring_forget - call has not run and shall not */
void uring_forget(struct uring *uring, struct uring_call *call);

/* ---- disk.c, disk_open.c: the file behind a disk ---- */

#define DISK_SECTOR    512 /* bytes */
#define DISK_ALIGN_MAX 4096 /* what suits each file and device we know */

struct disk_conf {
	const char *guest, *label; /* "disk0" */
	const char *path; /* for messages */
	bool readonly;
	bool direct; /* past the host's page cache */
};

enum disk_what {
	DISK_READ, /* these two are indices */
	DISK_WRITE,
	DISK_FLUSH, /* all that is done before this is begun */
	DISK_DISCARD, /* these bytes are not needed any more */
	DISK_ZERO,
};

/* A request.  The first part is whoever starts it's, and stays until done(). */
struct disk_io {
	enum disk_what what;
	bool durable; /* a write that is also its own flush */
	bool unmap; /* DISK_ZERO: the file may have a hole there */
	uint64_t offset, bytes;
	struct iovec *iov; /* of bytes; is used up */
	unsigned int parts;
	void (*done)(struct disk_io *io, int err); /* 0 or -errno */
	/* disk.c's */
	struct disk *disk;
	struct uring_op op;
	void *bounce;
	size_t bounced;
	unsigned int attempt; /* DISK_ZERO: how, see there */
	STAILQ_ENTRY(disk_io) link;
};

STAILQ_HEAD(disk_ios, disk_io);

struct disk {
	struct disk_conf conf;
	char label[16], *path;
	struct uring *uring;
	int fd;
	uint64_t bytes;
	unsigned int block; /* offsets and sizes are multiples of this */
	unsigned int memory_align; /* of buffers, if direct */
	unsigned int best; /* bytes it likes to be written at once */
	bool waits[2]; /* DISK_READ, DISK_WRITE: this file system cannot but */
	struct disk_ios flush_next, flush_now; /* waiting; of flush_op */
	struct uring_op flush_op;
	struct disk_ios holes; /* DISK_DISCARD, DISK_ZERO: one at a time */
	int64_t logged_ns; /* when an error was, last; 0: never */
	unsigned int unlogged; /* errors since */
};

/* disk_why - room for one sentence that says why not */
#define DISK_WHY_MAX 512

/*
 * disk_open - what may be a disk; takes fd over if it returns 0
 *
 * Locks it, for as long as anybody has that descriptor: against writers, or,
 * readonly, for all readers.  -EBUSY: it is locked.  why is of DISK_WHY_MAX.
 */
int disk_open(struct uring *uring, int fd, const struct disk_conf *conf,
	      char *why, struct disk **ret_disk);

/* disk_ready - no request is out (disk.c, for disk_open.c) */
void disk_ready(struct disk *disk);

/* disk_close - nothing of it may be out; NULL is fine */
void disk_close(struct disk *disk);

/* disk_start - 0: done; -EINPROGRESS: done() will be called; or -errno */
int disk_start(struct disk *disk, struct disk_io *io);

/* ---- limit.c: so many a second ---- */

struct limit {
	uint64_t per_s; /* 0: no limit */
	int64_t due_ns; /* when what was taken is paid for */
};

/* limit_wait_ns - until something may be taken; 0: now */
int64_t limit_wait_ns(const struct limit *limit, int64_t now_ns);
void limit_take(struct limit *limit, int64_t now_ns, uint64_t amount);

/* limit_now_ns - the clock of both */
int64_t limit_now_ns(void);

/* ---- blk.c: the device ---- */

struct blk_conf {
	const char *serial; /* at most 20 characters */
	unsigned int queues;
	unsigned int iops; /* 0: no limit, as for the next */
	uint64_t bytes_per_s;
};

/* blk_create - takes disk over; NULL: ENOMEM.  virtio_bus_add() follows. */
struct virtio_dev *blk_create(struct disk *disk, const struct blk_conf *conf);

#endif /* DISK_H */
