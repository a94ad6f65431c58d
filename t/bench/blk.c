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
 * past it; each for MS milliseconds (default 1000), in five parts, as they take
 * turns.  The middle of five is what counts.  What comes out is a name, a number
 * and its unit: requests a second, and how long CPUs worked for one, in ns.  A
 * driver that has nothing to do looks for a while and then sleeps, as Linux does
 * as a guest (haltpoll).
 *
 * Threads have all CPUs to read with; the device has one, and its driver keeps
 * another busy.  So of two CPUs it can have half of what threads have, if it reads
 * as they do: what it makes of the one that it has is in the rows of work.
 *
 * Start at main().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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
#define ROUNDS     5
#define SPIN_NS    200000 /* a driver looks so long before it sleeps */

const char *bench_path;

/* A program has gone, and its io_uring goes after it, with the file's lock. */
static void wait_unlocked(void)
{
	int fd = open(bench_path, O_RDWR | O_CLOEXEC), tries = 1000;
	struct flock lock;

	do {
		lock = (struct flock){ .l_type = F_WRLCK,
				       .l_whence = SEEK_SET };
		if (fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
			break;
		poll(NULL, 0, 10);
	} while (--tries);
	close(fd);
}
int64_t bench_run_ns = 1000000000 / ROUNDS;

int64_t bench_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

double bench_work_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

struct measured bench_measured(uint64_t done, int64_t ns, double work_ns)
{
	return (struct measured){ .iops = (double)done * 1e9 / (double)ns,
				  .work = work_ns / (double)done };
}

uint64_t bench_next_block(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*seed >> 33) % (FILE_BYTES / BLOCK);
}

int bench_open(const struct load *load)
{
	int fd =
		open(bench_path, (load->write ? O_RDWR : O_RDONLY) | O_CLOEXEC |
					 (load->direct ? O_DIRECT : 0));

	if (fd < 0)
		bail_out("%s: %s", bench_path, strerror(errno));
	return fd;
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
	out->sector = bench_next_block(seed) * (BLOCK / 512);
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
	int64_t until;

	vdriver_want_signal(&peer->driver, false);
	for (until = bench_now_ns() + SPIN_NS; bench_now_ns() < until;)
		if (vdriver_used(&peer->driver, used))
			return;
	while (!vdriver_used(&peer->driver, used)) {
		vdriver_want_signal(&peer->driver, true);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (vdriver_used(&peer->driver, used))
			return;
		poll(&poll_fd, 1, 1000);
		eventfd_read(peer->call, &count);
	}
}

static struct measured drive(struct peer *peer, const struct load *load)
{
	static struct requests all;
	uint64_t seed = 1, done = 0;
	struct vdriver_used used;
	int64_t start, now;
	unsigned int i, which;

	for (i = 0; i < load->depth; i++)
		all.heads[i] = vdriver_room(&peer->driver, 32);
	start = now = bench_now_ns();
	for (i = 0; i < load->depth; i++)
		add(peer, &all, i, load, &seed);
	kick(peer);
	while (now - start < bench_run_ns) {
		wait_one(peer, &used);
		do {
			which = all.which_of[used.head];
			if (*(uint8_t *)vdriver_at(&peer->driver,
						   all.heads[which] + 16))
				bail_out("a request failed");
			add(peer, &all, which, load, &seed);
			if (++done % LOOK == 0)
				now = bench_now_ns();
		} while (vdriver_used(&peer->driver, &used));
		kick(peer);
	}
	return bench_measured(done, now - start, 0);
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
					.path = bench_path,
					.direct = load->direct };
	const struct blk_conf blk = { .serial = "", .queues = 1 };
	char why[DISK_WHY_MAX] = "io_uring";
	struct load as = { .write = true };
	struct uring *uring;
	struct disk *disk;
	struct vdriver *driver = &ret_peer->driver;

	vbus_start(vbus);
	if (uring_create(vbus->bus.base, &uring) < 0 ||
	    disk_open(uring, bench_open(&as), &conf, why, &disk) < 0)
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
static struct measured measure_device(const struct load *load)
{
	static struct vbus vbus;
	static struct peer peer;
	struct event end;
	struct measured value = { .iops = 0 };
	double work;
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
		work = bench_work_ns();
		event_base_dispatch(vbus.bus.base);
		work = bench_work_ns() - work;
		_exit(write(result[1], &work, sizeof(work)) < 0);
	}
	waitpid(server, NULL, 0);
	wait_unlocked();
	close(result[1]);
	if (read(result[0], &value, sizeof(value)) != sizeof(value) ||
	    read(result[0], &work, sizeof(work)) != sizeof(work))
		bail_out("the driver has died");
	close(result[0]);
	value.work = work / (value.iops * (double)bench_run_ns / 1e9);
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
		 bench_path, load->direct ? "on" : "off",
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
static struct measured measure_qsd(const struct load *load)
{
	static struct guest_mem mem;
	struct peer peer;
	char sock[64];
	struct measured value = { .iops = 0 };
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
		wait_unlocked();
	}
	guest_mem_fini(&mem);
	unlink(sock);
	return value;
}

/* ---- all of it ---- */

/* Written and in the page cache, so that nobody meets it cold. */
static void make_file(void)
{
	static char chunk[1 << 20];
	int fd = open(bench_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint64_t at;

	memset(chunk, 'f', sizeof(chunk));
	for (at = 0; fd >= 0 && at < FILE_BYTES; at += sizeof(chunk))
		if (write(fd, chunk, sizeof(chunk)) != sizeof(chunk))
			bail_out("%s: %s", bench_path, strerror(errno));
	if (fd < 0 || fsync(fd) < 0)
		bail_out("%s: %s", bench_path, strerror(errno));
	close(fd);
}

/* Who writes after others would have to wait for what they have written. */
static void settle(void)
{
	int fd = open(bench_path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		bail_out("%s: %s", bench_path, strerror(errno));
	close(fd);
}

static const struct {
	const char *suffix;
	struct measured (*measure)(const struct load *load);
} all[] = {
	{ "", measure_device },
	{ ".threads", measure_threads },
	{ ".io_uring", measure_uring },
	{ ".qsd", measure_qsd },
};

enum {
	OURS,
	THREADS,
	QSD = 3,
	WHO
};

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

/* The middle of the rounds. */
static void row(const struct load *load, const char *suffix,
		const double values[ROUNDS], const char *unit)
{
	double sorted[ROUNDS];

	memcpy(sorted, values, sizeof(sorted));
	qsort(sorted, ROUNDS, sizeof(sorted[0]), compare);
	printf("blk-%s-%s-qd%u%s %.0f %s\n", load->write ? "write" : "read",
	       load->direct ? "direct" : "cached", load->depth, suffix,
	       sorted[ROUNDS / 2], unit);
	fflush(stdout);
}

static void ratio_row(const struct load *load, const char *suffix,
		      const double ours[ROUNDS], const double theirs[ROUNDS])
{
	double ratios[ROUNDS];
	unsigned int i;

	for (i = 0; i < ROUNDS; i++)
		ratios[i] = 100 * ours[i] / theirs[i];
	row(load, suffix, ratios, "%");
}

static void measure(const struct load *load)
{
	double iops[WHO][ROUNDS], work[WHO][ROUNDS];
	struct measured got;
	unsigned int i, who;

	for (i = 0; i < ROUNDS; i++) {
		for (who = 0; who < WHO; who++) {
			settle();
			got = all[who].measure(load);
			iops[who][i] = got.iops;
			work[who][i] = got.work;
		}
	}
	for (who = 0; who < QSD; who++)
		row(load, all[who].suffix, iops[who], "iops");
	row(load, ".work", work[OURS], "ns");
	row(load, ".threads.work", work[THREADS], "ns");
	ratio_row(load, ".of-threads", iops[OURS], iops[THREADS]);
	ratio_row(load, ".work.of-threads", work[THREADS], work[OURS]);
	if (iops[QSD][0] <= 0) {
		fprintf(stderr, "bench: qemu-storage-daemon: not to be had\n");
		return;
	}
	row(load, ".qsd", iops[QSD], "iops");
	ratio_row(load, ".of-qsd", iops[OURS], iops[QSD]);
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc < 2)
		bail_out("blk FILE [MS]");
	bench_path = argv[1];
	if (argc > 2)
		bench_run_ns = atoll(argv[2]) * 1000000 / ROUNDS;
	signal(SIGPIPE, SIG_IGN);
	make_file();
	for (i = 0; i < 8; i++) {
		const struct load load = { .write = i & 2,
					   .direct = i & 4,
					   .depth = i & 1 ? DEPTH_MAX : 1 };

		measure(&load);
	}
	unlink(bench_path);
	return 0;
}
