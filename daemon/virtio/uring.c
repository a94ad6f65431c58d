// SPDX-License-Identifier: GPL-2.0-only
/*
 * uring.c - requests that the kernel works on while we go on
 *
 * One io_uring for all disks of all guests, one eventfd for all that comes
 * back.  Requests are collected and begun together, since to ask costs more
 * than to be served.  What does not fit in the ring waits here, so there is
 * always room, and nobody has to know that there is a ring.
 *
 * What must never happen: a daemon after us that tells a guest "your request is
 * done" while the kernel still works on the one we began for it.  Our death
 * does not end it: data may go to and from guest memory for as long as a device
 * likes.  But a ring keeps the files that are registered with it until its last
 * request has ended.  So a pipe has its one writing end there and nowhere else,
 * systemd keeps the reading end, and when that hangs up, and not before, there
 * is nothing left of us.  Until then a next daemon begins no request and ends
 * no reset.  (Nor would fdatasync() wait for it, or the end of the process: a
 * transfer with O_DIRECT is neither in the page cache nor in one of our threads.)
 *
 * Where we stand: disk.c has something to read or write that is not at hand.
 *
 * Next: daemon/virtio/limit.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "disk.h"

#define ENTRIES  256 /* of the ring; more wait */
#define BATCH    256 /* that come back before others have their turn */
#define RETRY_MS 10 /* when the kernel has no memory to begin something */

/* A ring of somebody before us, which is not gone yet. */
struct old_ring {
	int lifeline;
	struct event hangup;
	struct uring *uring;
	LIST_ENTRY(old_ring) link;
};

TAILQ_HEAD(calls, uring_call);

struct uring {
	struct io_uring ring;
	struct event back; /* something has come back */
	struct event retry, turn;
	int eventfd, lifeline;
	bool taking; /* on_back() is looking at what came back */
	STAILQ_HEAD(, uring_op) waiting; /* to be begun */
	struct calls after, ready;
	LIST_HEAD(, old_ring) old;
};

/* ---- calls ---- */

static void add_call(struct calls *calls, struct uring_call *call)
{
	if (call->queued)
		return;
	call->queued = true;
	TAILQ_INSERT_TAIL(calls, call, link);
}

/* Those that are there now; what they add is for the next time. */
static void run_calls(struct calls *calls)
{
	struct calls now = TAILQ_HEAD_INITIALIZER(now);
	struct uring_call *call;

	TAILQ_CONCAT(&now, calls, link);
	while ((call = TAILQ_FIRST(&now))) {
		TAILQ_REMOVE(&now, call, link);
		call->queued = false;
		call->run(call);
	}
}

void uring_after(struct uring *uring, struct uring_call *call)
{
	add_call(&uring->after, call);
	if (!uring->taking)
		event_active(&uring->back, EV_READ, 0);
}

void uring_forget(struct uring *uring, struct uring_call *call)
{
	const struct uring_call *one;

	if (!call->queued)
		return;
	TAILQ_FOREACH(one, &uring->after, link)
		if (one == call)
			break;
	if (one)
		TAILQ_REMOVE(&uring->after, call, link);
	else
		TAILQ_REMOVE(&uring->ready, call, link);
	call->queued = false;
}

/* ---- those before us ---- */

static void on_hangup(evutil_socket_t fd, short what, void *arg)
{
	struct old_ring *old = arg;
	struct uring *uring = old->uring;

	(void)what;
	LIST_REMOVE(old, link);
	event_del(&old->hangup);
	close(fd);
	free(old);
	if (LIST_EMPTY(&uring->old))
		run_calls(&uring->ready);
}

int uring_follow(struct uring *uring, int lifeline)
{
	struct old_ring *old = calloc(1, sizeof(*old));

	if (!old)
		return -ENOMEM;
	old->lifeline = lifeline;
	old->uring = uring;
	/* Nobody ever writes to it: readable means that it hung up. */
	event_assign(&old->hangup, event_get_base(&uring->back), lifeline,
		     EV_READ, on_hangup, old);
	if (event_add(&old->hangup, NULL) < 0) {
		free(old);
		return -ENOMEM;
	}
	LIST_INSERT_HEAD(&uring->old, old, link);
	return 0;
}

bool uring_ready(struct uring *uring, struct uring_call *call)
{
	if (LIST_EMPTY(&uring->old))
		return true;
	if (call)
		add_call(&uring->ready, call);
	return false;
}

int uring_lifeline(const struct uring *uring)
{
	return uring->lifeline;
}

/* ---- to the kernel ---- */

void uring_add(struct uring *uring, struct uring_op *op)
{
	STAILQ_INSERT_TAIL(&uring->waiting, op, link);
}

static void fill_ring(struct uring *uring)
{
	struct io_uring_sqe *sqe;
	struct uring_op *op;

	while ((op = STAILQ_FIRST(&uring->waiting)) &&
	       (sqe = io_uring_get_sqe(&uring->ring))) {
		STAILQ_REMOVE_HEAD(&uring->waiting, link);
		op->prepare(op, sqe);
		io_uring_sqe_set_data(sqe, op);
	}
}

void uring_submit(struct uring *uring)
{
	const struct timeval soon = { .tv_usec = RETRY_MS * 1000 };
	int r;

	do {
		fill_ring(uring);
		if (!io_uring_sq_ready(&uring->ring))
			return;
		r = io_uring_submit(&uring->ring);
	} while (r > 0 || r == -EINTR);
	/* What the ring has already, it keeps; the order stays as it is. */
	event_add(&uring->retry, &soon);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	uring_submit(arg);
}

/* ---- and back ---- */

/*
 * The entry is free again before done(), which may begin the next.  If the kernel
 * has some that are not in the ring yet, to peek fetches them.
 */
static bool take_one(struct uring *uring)
{
	struct io_uring_cqe *cqe;
	struct uring_op *op;
	int res;

	if (io_uring_peek_cqe(&uring->ring, &cqe) != 0)
		return false;
	op = io_uring_cqe_get_data(cqe);
	res = cqe->res;
	io_uring_cqe_seen(&uring->ring, cqe);
	op->done(op, res);
	return true;
}

/*
 * Is there more?  Where the kernel says so there need not be: it may say it of
 * what we have just taken, and go on saying it.  So we ask, and believe the ring.
 */
static bool has_more(struct uring *uring)
{
	struct io_uring *ring = &uring->ring;

	if (!io_uring_cq_ready(ring) &&
	    IO_URING_READ_ONCE(*ring->sq.kflags) &
		    (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW))
		io_uring_get_events(ring);
	return io_uring_cq_ready(ring);
}

static void on_back(evutil_socket_t fd, short what, void *arg)
{
	struct uring *uring = arg;
	const struct timeval now = { .tv_sec = 0 };
	unsigned int left = BATCH;

	(void)fd;
	(void)what;
	/* What we see ourselves would wake us as well. */
	io_uring_cq_eventfd_toggle(&uring->ring, false);
	uring->taking = true;
	while (left && take_one(uring))
		left--;
	uring->taking = false;
	run_calls(&uring->after);
	uring_submit(uring);
	io_uring_cq_eventfd_toggle(&uring->ring, true);
	/* The kernel says that there is more, and then looks whether to wake us. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (has_more(uring))
		event_add(&uring->turn, &now);
}

/* ---- made, and let go of ---- */

/* The pipe whose writing end only the ring has. */
static int make_lifeline(struct uring *uring)
{
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	r = io_uring_register_files(&uring->ring, &ends[1], 1);
	close(ends[1]);
	if (r < 0)
		close(ends[0]);
	else
		uring->lifeline = ends[0];
	return r;
}

/* Not every kernel has them all, and it works without. */
static int make_ring(struct uring *uring)
{
	static const unsigned int flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			IORING_SETUP_TASKRUN_FLAG,
		0,
	};
	struct io_uring_params params;
	size_t i;
	int r = -EINVAL;

	for (i = 0; r == -EINVAL && i < sizeof(flags) / sizeof(flags[0]); i++) {
		memset(&params, 0, sizeof(params));
		params.flags = flags[i];
		r = io_uring_queue_init_params(ENTRIES, &uring->ring, &params);
	}
	if (r < 0)
		return r;
	r = io_uring_register_eventfd(&uring->ring, uring->eventfd);
	if (r == 0)
		r = make_lifeline(uring);
	if (r < 0)
		io_uring_queue_exit(&uring->ring);
	return r;
}

int uring_create(struct event_base *base, struct uring **ret_uring)
{
	struct uring *uring = calloc(1, sizeof(*uring));
	int r;

	if (!uring)
		return -ENOMEM;
	STAILQ_INIT(&uring->waiting);
	TAILQ_INIT(&uring->after);
	TAILQ_INIT(&uring->ready);
	LIST_INIT(&uring->old);
	uring->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = uring->eventfd < 0 ? -errno : make_ring(uring);
	if (r < 0) {
		if (uring->eventfd >= 0)
			close(uring->eventfd);
		free(uring);
		return r;
	}
	/* What comes while we look is another edge, so nobody has to read it. */
	event_assign(&uring->back, base, uring->eventfd,
		     EV_READ | EV_PERSIST | EV_ET, on_back, uring);
	evtimer_assign(&uring->turn, base, on_back, uring);
	evtimer_assign(&uring->retry, base, on_retry, uring);
	event_add(&uring->back, NULL);
	*ret_uring = uring;
	return 0;
}

void uring_destroy(struct uring *uring)
{
	struct old_ring *old;

	if (!uring)
		return;
	while ((old = LIST_FIRST(&uring->old))) {
		LIST_REMOVE(old, link);
		event_del(&old->hangup);
		close(old->lifeline);
		free(old);
	}
	event_del(&uring->back);
	event_del(&uring->turn);
	event_del(&uring->retry);
	io_uring_queue_exit(&uring->ring);
	close(uring->lifeline);
	close(uring->eventfd);
	free(uring);
}
