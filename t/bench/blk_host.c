// SPDX-License-Identifier: GPL-2.0-only
/*
 * blk_host.c - what the host itself can do with a file
 *
 * Threads that each have one pread() or pwrite() under way, as many as a driver
 * has requests, and one thread with an io_uring.  Nothing lies between them and
 * the file, so nothing that serves a guest can be much better.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "blk.h"
#include "tap.h"

struct thread {
	pthread_t thread;
	const struct load *load;
	int fd;
	uint64_t seed, done;
};

static volatile bool stop;

static void *read_and_write(void *arg)
{
	struct thread *thread = arg;
	char *block = aligned_alloc(BLOCK, BLOCK);
	off_t at;

	memset(block, 'b', BLOCK);
	while (!stop) {
		at = (off_t)(bench_next_block(&thread->seed) * BLOCK);
		if ((thread->load->write
			     ? pwrite(thread->fd, block, BLOCK, at)
			     : pread(thread->fd, block, BLOCK, at)) != BLOCK)
			bail_out("%s: %s", bench_path, strerror(errno));
		thread->done++;
	}
	free(block);
	return NULL;
}

/* As many threads as there are requests at a time. */
struct measured measure_threads(const struct load *load)
{
	static struct thread threads[DEPTH_MAX];
	int fd = bench_open(load);
	double work = bench_work_ns();
	uint64_t done = 0;
	int64_t start = bench_now_ns(), end;
	unsigned int i;

	stop = false;
	for (i = 0; i < load->depth; i++) {
		threads[i] = (struct thread){ .load = load,
					      .fd = fd,
					      .seed = i + 1 };
		pthread_create(&threads[i].thread, NULL, read_and_write,
			       &threads[i]);
	}
	poll(NULL, 0, (int)(bench_run_ns / 1000000));
	end = bench_now_ns();
	for (i = 0; i < load->depth; i++)
		done += threads[i].done;
	work = bench_work_ns() - work;
	stop = true;
	for (i = 0; i < load->depth; i++)
		pthread_join(threads[i].thread, NULL);
	close(fd);
	return bench_measured(done, end - start, work);
}

static void prepare(struct io_uring *ring, int fd, char *block,
		    const struct load *load, uint64_t *seed)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	uint64_t at = bench_next_block(seed) * BLOCK;

	if (load->write)
		io_uring_prep_write(sqe, fd, block, BLOCK, at);
	else
		io_uring_prep_read(sqe, fd, block, BLOCK, at);
	io_uring_sqe_set_data(sqe, block);
}

struct measured measure_uring(const struct load *load)
{
	char *blocks = aligned_alloc(BLOCK, DEPTH_MAX * BLOCK);
	uint64_t seed = 1, done = 0;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int64_t start, now;
	unsigned int i;
	int fd = bench_open(load);

	if (io_uring_queue_init(DEPTH_MAX, &ring, 0) < 0)
		bail_out("no io_uring");
	memset(blocks, 'b', DEPTH_MAX * BLOCK);
	start = now = bench_now_ns();
	for (i = 0; i < load->depth; i++)
		prepare(&ring, fd, blocks + i * BLOCK, load, &seed);
	while (now - start < bench_run_ns) {
		io_uring_submit_and_wait(&ring, 1);
		while (io_uring_peek_cqe(&ring, &cqe) == 0) {
			if (cqe->res != BLOCK)
				bail_out("io_uring: %s", strerror(-cqe->res));
			prepare(&ring, fd, io_uring_cqe_get_data(cqe), load,
				&seed);
			io_uring_cqe_seen(&ring, cqe);
			if (++done % LOOK == 0)
				now = bench_now_ns();
		}
	}
	io_uring_queue_exit(&ring);
	free(blocks);
	close(fd);
	return bench_measured(done, now - start, 0);
}
