// SPDX-License-Identifier: GPL-2.0-only
/*
 * blk.c - how fast a disk is, at this machine's full speed
 *
 *	blk FILE [MS]
 *
 * A driver in a process of its own and the daemon's device in another have rings
 * and eventfds in common, as a guest and lguestd would; there is no guest in
 * between, so this is what the device can do and not what lg.ko costs.  Beside
 * it, in turn and on the same file: threads that pread() or pwrite(), io_uring,
 * and qemu-storage-daemon, which gets the very same driver through vhost-user.
 *
 * Blocks of 4 KiB at random, one at a time and 32, through the page cache and
 * past it; each for MS milliseconds (default 1000).  What comes out is a name,
 * requests a second, and "iops".  A driver that has nothing to do sleeps, like a
 * guest that waits for an interrupt.
 *
 * Start at main().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>

#include "blk.h"
#include "disk.h"
#include "tap.h"
#include "vbus.h"

#define FILE_BYTES (128ULL << 20)
#define DEPTH_MAX  32
#define LOOK       16 /* requests between two looks at the clock */

struct load {
	bool write, direct;
	unsigned int depth;
};

static const char *path;
static int64_t run_ns = 1000000000;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static uint64_t next_block(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*seed >> 33) % (FILE_BYTES / BLOCK);
}

static int open_file(const struct load *load)
{
	int fd = open(path, (load->write ? O_RDWR : O_RDONLY) | O_CLOEXEC |
				    (load->direct ? O_DIRECT : 0));

	if (fd < 0)
		bail_out("%s: %s", path, strerror(errno));
	return fd;
}

static void row(const struct load *load, const char *who, double value,
		const char *unit)
{
	printf("blk-%s-%s-qd%u%s %.0f %s\n", load->write ? "write" : "read",
	       load->direct ? "direct" : "cached", load->depth, who, value,
	       unit);
	fflush(stdout);
}

/* ---- a driver ---- */

/* They lie where they are for good: a header and a status, and a block. */
struct requests {
	uint64_t heads[DEPTH_MAX];
	unsigned int which_of[RING_SIZE]; /* by what the ring calls it */
};

static void add(struct peer *peer, struct requests *all, unsigned int which,
		const struct load *load, uint64_t *seed)
{
	uint64_t head = all->heads[which],
		 data = RING_GPA + 0x10000 + which * BLOCK;
	struct virtio_blk_outhdr *out = vdriver_at(&peer->driver, head);
	int id;

	out->type = load->write ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN;
	out->sector = next_block(seed) * (BLOCK / 512);
	id = vdriver_add(
		&peer->driver,
		(struct vdriver_part[]){ { head, sizeof(*out), false },
					 { data, BLOCK, !load->write },
					 { head + sizeof(*out), 1, true } },
		3);
	all->which_of[id] = which;
}

static void kick(struct peer *peer)
{
	if (vdriver_wants_kick(&peer->driver))
		eventfd_write(peer->kick, 1);
}

/* The next one that is done.  Asks for a signal before it sleeps. */
static void wait_one(struct peer *peer, struct vdriver_used *used)
{
	struct pollfd poll_fd = { .fd = peer->call, .events = POLLIN };
	eventfd_t count;

	while (!vdriver_used(&peer->driver, used)) {
		vdriver_want_signal(&peer->driver, true);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (vdriver_used(&peer->driver, used))
			return;
		poll(&poll_fd, 1, 1000);
		eventfd_read(peer->call, &count);
	}
}

static double drive(struct peer *peer, const struct load *load)
{
	static struct requests all;
	uint64_t seed = 1, done = 0;
	struct vdriver_used used;
	int64_t start, now;
	unsigned int i, which;

	for (i = 0; i < load->depth; i++)
		all.heads[i] = vdriver_room(&peer->driver, 32);
	start = now = now_ns();
	for (i = 0; i < load->depth; i++)
		add(peer, &all, i, load, &seed);
	kick(peer);
	while (now - start < run_ns) {
		wait_one(peer, &used);
		do {
			which = all.which_of[used.head];
			if (*(uint8_t *)vdriver_at(&peer->driver,
						   all.heads[which] + 16))
				bail_out("a request failed");
			add(peer, &all, which, load, &seed);
			if (++done % LOOK == 0)
				now = now_ns();
		} while (vdriver_used(&peer->driver, &used));
		kick(peer);
	}
	return (double)done * 1e9 / (double)(now - start);
}

/* ---- the daemon's device ---- */

static void start_device(struct vbus *vbus, const struct load *load,
			 struct peer *ret_peer)
{
	const uint64_t features = 1ULL << VIRTIO_F_VERSION_1 |
				  1ULL << VIRTIO_RING_F_EVENT_IDX |
				  1ULL << VIRTIO_BLK_F_FLUSH;
	const struct disk_conf conf = { .guest = "bench",
					.label = "disk0",
					.path = path,
					.direct = load->direct };
	const struct blk_conf blk = { .serial = "", .queues = 1 };
	char why[DISK_WHY_MAX] = "io_uring";
	struct load as = { .write = true };
	struct uring *uring;
	struct disk *disk;
	struct vdriver *driver = &ret_peer->driver;

	vbus_start(vbus);
	if (uring_create(vbus->bus.base, &uring) < 0 ||
	    disk_open(uring, open_file(&as), &conf, why, &disk) < 0)
		bail_out("%s", why);
	vbus_add(vbus, blk_create(disk, &blk), 0);
	vdriver_init(driver, &vbus->mem, RING_GPA, RING_SIZE, features);
	if (vbus_up(vbus, 0, features) ||
	    vbus_call(vbus,
		      (struct lguest_virtio_call){
			      .op = LGUEST_VIRTIO_SET_QUEUE,
			      .word = { RING_SIZE, driver->desc, driver->driver,
					driver->device, 0, 33 } }) ||
	    vbus_run(vbus, 0))
		bail_out("the device does not start");
	ret_peer->mem = &vbus->mem;
	ret_peer->kick = vbus->bus.devs[0]->vqs[0].kick_fd;
	ret_peer->call = vbus->bus.devs[0]->vqs[0].call_fd;
}

static void on_end(evutil_socket_t fd, short what, void *base)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(base);
}

/* In a process of its own that ends with the measure: so does the ring. */
static double measure_device(const struct load *load)
{
	static struct vbus vbus;
	static struct peer peer;
	struct event end;
	double value = 0;
	int result[2];
	pid_t server, driver;

	if (pipe(result) < 0)
		bail_out("no pipe");
	server = fork();
	if (server == 0) {
		start_device(&vbus, load, &peer);
		driver = fork();
		if (driver == 0) {
			value = drive(&peer, load);
			_exit(write(result[1], &value, sizeof(value)) < 0);
		}
		event_assign(&end, vbus.bus.base, SIGCHLD, EV_SIGNAL, on_end,
			     vbus.bus.base);
		event_add(&end, NULL);
		event_base_dispatch(vbus.bus.base);
		_exit(0);
	}
	waitpid(server, NULL, 0);
	close(result[1]);
	if (read(result[0], &value, sizeof(value)) != sizeof(value))
		bail_out("the driver has died");
	close(result[0]);
	return value;
}

/* ---- qemu-storage-daemon ---- */

static pid_t start_qsd(const struct load *load, const char *sock)
{
	char blockdev[512], export[512];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(blockdev, sizeof(blockdev),
		 "driver=file,node-name=f,filename=%s,cache.direct=%s,aio=%s",
		 path, load->direct ? "on" : "off",
		 load->direct ? "io_uring" : "threads");
	snprintf(export, sizeof(export),
		 "type=vhost-user-blk,id=e,node-name=f,writable=on,iothread=t,"
		 "addr.type=unix,addr.path=%s",
		 sock);
	execlp("qemu-storage-daemon", "qemu-storage-daemon", "--object",
	       "iothread,id=t", "--blockdev", blockdev, "--export", export,
	       NULL);
	_exit(127);
}

/* 0: there is none on this machine */
static double measure_qsd(const struct load *load)
{
	static struct guest_mem mem;
	struct peer peer;
	char sock[64];
	double value = 0;
	int tries, status, r = -ENOENT;
	pid_t pid;

	snprintf(sock, sizeof(sock), "/tmp/lguest-bench-%d.sock",
		 (int)getpid());
	pid = start_qsd(load, sock);
	if (guest_mem_create(&mem, "bench", VBUS_RAM) < 0)
		bail_out("no memory");
	for (tries = 0; r < 0 && tries < 300; tries++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		r = vhost_connect(sock, &mem, &peer);
		if (r < 0)
			poll(NULL, 0, 10);
	}
	if (r == 0)
		value = drive(&peer, load);
	if (r == 0 || tries == 300) {
		kill(pid, SIGKILL); /* it would wait for us to leave */
		waitpid(pid, NULL, 0);
	}
	guest_mem_fini(&mem);
	unlink(sock);
	return value;
}

/* ---- what the host itself can do ---- */

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
		at = (off_t)(next_block(&thread->seed) * BLOCK);
		if ((thread->load->write
			     ? pwrite(thread->fd, block, BLOCK, at)
			     : pread(thread->fd, block, BLOCK, at)) != BLOCK)
			bail_out("%s: %s", path, strerror(errno));
		thread->done++;
	}
	free(block);
	return NULL;
}

/* As many threads as there are requests at a time. */
static double measure_threads(const struct load *load)
{
	static struct thread threads[DEPTH_MAX];
	int fd = open_file(load);
	uint64_t done = 0;
	int64_t start = now_ns(), end;
	unsigned int i;

	stop = false;
	for (i = 0; i < load->depth; i++) {
		threads[i] = (struct thread){ .load = load,
					      .fd = fd,
					      .seed = i + 1 };
		pthread_create(&threads[i].thread, NULL, read_and_write,
			       &threads[i]);
	}
	poll(NULL, 0, (int)(run_ns / 1000000));
	end = now_ns();
	for (i = 0; i < load->depth; i++)
		done += threads[i].done;
	stop = true;
	for (i = 0; i < load->depth; i++)
		pthread_join(threads[i].thread, NULL);
	close(fd);
	return (double)done * 1e9 / (double)(end - start);
}

static void prepare(struct io_uring *ring, int fd, char *block,
		    const struct load *load, uint64_t *seed)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	uint64_t at = next_block(seed) * BLOCK;

	if (load->write)
		io_uring_prep_write(sqe, fd, block, BLOCK, at);
	else
		io_uring_prep_read(sqe, fd, block, BLOCK, at);
	io_uring_sqe_set_data(sqe, block);
}

static double measure_uring(const struct load *load)
{
	char *blocks = aligned_alloc(BLOCK, DEPTH_MAX * BLOCK);
	uint64_t seed = 1, done = 0;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int64_t start, now;
	unsigned int i;
	int fd = open_file(load);

	if (io_uring_queue_init(DEPTH_MAX, &ring, 0) < 0)
		bail_out("no io_uring");
	memset(blocks, 'b', DEPTH_MAX * BLOCK);
	start = now = now_ns();
	for (i = 0; i < load->depth; i++)
		prepare(&ring, fd, blocks + i * BLOCK, load, &seed);
	while (now - start < run_ns) {
		io_uring_submit_and_wait(&ring, 1);
		while (io_uring_peek_cqe(&ring, &cqe) == 0) {
			if (cqe->res != BLOCK)
				bail_out("io_uring: %s", strerror(-cqe->res));
			prepare(&ring, fd, io_uring_cqe_get_data(cqe), load,
				&seed);
			io_uring_cqe_seen(&ring, cqe);
			if (++done % LOOK == 0)
				now = now_ns();
		}
	}
	io_uring_queue_exit(&ring);
	free(blocks);
	close(fd);
	return (double)done * 1e9 / (double)(now - start);
}

/* ---- all of it ---- */

/* Written and in the page cache, so that nobody meets it cold. */
static void make_file(void)
{
	static char chunk[1 << 20];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint64_t at;

	memset(chunk, 'f', sizeof(chunk));
	for (at = 0; fd >= 0 && at < FILE_BYTES; at += sizeof(chunk))
		if (write(fd, chunk, sizeof(chunk)) != sizeof(chunk))
			bail_out("%s: %s", path, strerror(errno));
	if (fd < 0 || fsync(fd) < 0)
		bail_out("%s: %s", path, strerror(errno));
	close(fd);
}

static void measure(const struct load *load)
{
	double ours, threads, uring, qsd;

	threads = measure_threads(load);
	ours = measure_device(load);
	uring = measure_uring(load);
	qsd = measure_qsd(load);
	row(load, "", ours, "iops");
	row(load, ".threads", threads, "iops");
	row(load, ".io_uring", uring, "iops");
	row(load, ".of-threads", 100 * ours / threads, "%");
	if (qsd <= 0) {
		fprintf(stderr, "bench: qemu-storage-daemon: not to be had\n");
		return;
	}
	row(load, ".qsd", qsd, "iops");
	row(load, ".of-qsd", 100 * ours / qsd, "%");
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc < 2)
		bail_out("blk FILE [MS]");
	path = argv[1];
	if (argc > 2)
		run_ns = atoll(argv[2]) * 1000000;
	signal(SIGPIPE, SIG_IGN);
	make_file();
	for (i = 0; i < 8; i++) {
		const struct load load = { .write = i & 2,
					   .direct = i & 4,
					   .depth = i & 1 ? DEPTH_MAX : 1 };

		measure(&load);
	}
	unlink(path);
	return 0;
}
