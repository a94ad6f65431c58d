// SPDX-License-Identifier: GPL-2.0-only
/*
 * disk.c - what may be a disk, its lock, its limits, and the end of a ring
 *
 * The last of these is the one that matters: a process with reads under way is
 * killed, and the kernel goes on reading into memory that it shared with us.
 * Nobody may be told that it is over before its lifeline has hung up; and when
 * that has, it is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../daemon/virtio/disk.h"
#include "tap.h"

#define READS      64
#define READ_BYTES (256 * 1024)

static struct event_base *base;
static struct uring *uring;
static char path[] = "/var/tmp/lguest-disk-XXXXXX";

/* ---- what may be a disk ---- */

static int open_as(int fd, bool readonly, char *why, struct disk **ret_disk)
{
	const struct disk_conf conf = { .guest = "web",
					.label = "disk1",
					.path = "/f",
					.readonly = readonly };

	return disk_open(uring, fd, &conf, why, ret_disk);
}

static void refused(int fd, bool readonly, const char *want, const char *name)
{
	char why[DISK_WHY_MAX] = "";
	struct disk *disk;

	ok(open_as(fd, readonly, why, &disk) < 0, "%s is refused", name);
	is_str(why, want, "by name and reason");
	close(fd);
}

static void test_refused(void)
{
	char why[DISK_WHY_MAX];
	struct disk *first, *second;
	int ends[2], fd;

	refused(open("/tmp", O_RDONLY), false, "disk1 '/f': Is a directory",
		"a directory");
	if (pipe(ends) < 0)
		bail_out("no pipe");
	refused(ends[0], true, "disk1 '/f': neither a file nor a block device",
		"a pipe");
	close(ends[1]);
	refused(open(path, O_RDONLY), false, "disk1 '/f': not open for writing",
		"what cannot be written, for a disk that can");
	refused(open(path, O_WRONLY), false, "disk1 '/f': not open for reading",
		"what cannot be read");
	refused(open(path, O_PATH), true, "disk1 '/f': not open for reading",
		"what is a name and no more");
	refused(open(path, O_RDWR), false,
		"disk1 '/f': 0 bytes: not a multiple of 512, or none",
		"an empty file");
	if (truncate(path, 1000) < 0)
		bail_out("%s", path);
	refused(open(path, O_RDWR), false,
		"disk1 '/f': 1000 bytes: not a multiple of 512, or none",
		"one that ends within a sector");
	fd = open(path, O_RDWR);
	if (ftruncate(fd, 4096) < 0 || pwrite(fd, "QFI\xfb", 4, 0) != 4)
		bail_out("%s", path);
	refused(fd, false, "disk1 '/f': a qcow2 image, not raw",
		"another format");
	if (truncate(path, 0) < 0 || truncate(path, 4096) < 0)
		bail_out("%s", path);
	fd = open(path, O_RDWR | O_APPEND | O_NONBLOCK);
	is((unsigned int)open_as(fd, false, why, &first), 0, "a file will do");
	is((unsigned int)fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK), 0,
	   "and is written where we say, however it was opened");

	refused(open(path, O_RDWR), false,
		"disk1 '/f': in use by another program", "it twice");
	refused(open(path, O_RDONLY), true,
		"disk1 '/f': in use by another program",
		"a reader of what is written");
	fd = dup(fd);
	disk_close(first);
	refused(open(path, O_RDWR), false,
		"disk1 '/f': in use by another program",
		"while anybody has that descriptor, it");
	close(fd);
	is((unsigned int)open_as(open(path, O_RDONLY), true, why, &first), 0,
	   "then it is free");
	is((unsigned int)open_as(open(path, O_RDONLY), true, why, &second), 0,
	   "and can be read by many");
	refused(open(path, O_RDWR), false,
		"disk1 '/f': in use by another program",
		"who would write what others read");
	disk_close(first);
	disk_close(second);
}

/* ---- limits ---- */

static void test_limits(void)
{
	const int64_t second = 1000000000, start = 5 * second;
	struct limit none = { 0 }, limit = { .per_s = 100 },
		     wide = { .per_s = 1ULL << 40 };
	unsigned int taken = 0;
	int64_t now;

	limit_take(&none, start, ~0ULL);
	is((unsigned long long)limit_wait_ns(&none, start), 0,
	   "no limit is none");
	for (now = start; now < start + 10 * second;
	     now += limit_wait_ns(&limit, now)) {
		limit_take(&limit, now, 1);
		taken++;
	}
	ok(taken >= 1000 && taken <= 1012,
	   "100 a second are 1000 in 10, and what was in hand (%u)", taken);
	limit_take(&limit, now, 500);
	ok(limit_wait_ns(&limit, now) >= 4 * second &&
		   limit_wait_ns(&limit, now) <= 6 * second,
	   "who takes five seconds' worth waits for so long");
	is((unsigned long long)limit_wait_ns(&limit, now + 100 * second), 0,
	   "and after a long time for nothing");
	limit_take(&wide, start, ~0ULL);
	ok(limit_wait_ns(&wide, start) > 0,
	   "numbers do not wrap, however large");
}

/* ---- what need not wait ---- */

/* A file system that can, at most so many bytes at a time; or else why not. */
static size_t can_write;
static int cannot;
static unsigned int asked;

ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t at,
		 int flags)
{
	struct iovec some = iov[0];

	ok(count == 1 && flags == RWF_NOWAIT, "it is asked not to wait");
	asked++;
	if (cannot) {
		errno = cannot;
		return -1;
	}
	if (some.iov_len > can_write)
		some.iov_len = can_write;
	return pwrite(fd, some.iov_base, some.iov_len, at);
}

static int came_to;

static void on_done(struct disk_io *io, int err)
{
	(void)io;
	came_to = err;
	event_base_loopbreak(base);
}

/* Is it written, and how often was the file system asked first? */
static void writes(struct disk *disk, bool durable, bool at_once,
		   unsigned int asks, const char *name)
{
	static char text[4096], back[4096];
	struct iovec iov = { text, sizeof(text) };
	struct disk_io io = { .what = DISK_WRITE,
			      .durable = durable,
			      .bytes = sizeof(text),
			      .iov = &iov,
			      .parts = 1,
			      .done = on_done };
	int r;

	text[0]++;
	memset(text + 1, text[0], sizeof(text) - 1);
	asked = 0;
	came_to = 0;
	r = disk_start(disk, &io);
	if (r == -EINPROGRESS) {
		uring_submit(uring);
		event_base_dispatch(base);
	}
	ok((r == 0) == at_once && came_to == 0, "%s", name);
	is(asked, asks, "which the file system was asked so often for");
	if (pread(disk->fd, back, sizeof(back), 0) != sizeof(back))
		bail_out("%s", path);
	ok(!memcmp(text, back, sizeof(text)), "and it is in the file");
}

static void test_nowait(void)
{
	char why[DISK_WHY_MAX];
	struct disk *disk;

	if (open_as(open(path, O_RDWR), false, why, &disk) < 0)
		bail_out("%s", why);
	can_write = 4096;
	writes(disk, false, true, 1, "what can be written at once is");
	can_write = 1000;
	writes(disk, false, false, 1, "what is left of it takes longer");
	cannot = EAGAIN;
	writes(disk, false, false, 1, "and so does what cannot be now");
	can_write = 4096;
	cannot = 0;
	writes(disk, false, true, 1, "but it may be another time");
	writes(disk, true, false, 0,
	       "what is to be safe as well is none of it");
	cannot = EOPNOTSUPP;
	writes(disk, false, false, 1,
	       "nor is anything where that is not known");
	cannot = 0;
	writes(disk, false, false, 0, "and will not be");
	disk_close(disk);
}

/* ---- the end of a ring ---- */

struct read_op {
	struct uring_op op;
	unsigned int index;
};

static char *memory;
static int file;

static void prepare(struct uring_op *op, struct io_uring_sqe *sqe)
{
	unsigned int i = ((struct read_op *)op)->index;

	io_uring_prep_read(sqe, file, memory + (size_t)i * READ_BYTES,
			   READ_BYTES, (uint64_t)i * READ_BYTES);
}

static void done(struct uring_op *op, int res)
{
	(void)op;
	(void)res;
}

/* Begins the reads, sends the lifeline, and waits to be killed. */
static void live(int sock)
{
	static struct read_op ops[READS];
	struct event_base *its = event_base_new();
	char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { control, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	struct uring *ring;
	unsigned int i;
	int fd;

	if (uring_create(its, &ring) < 0)
		_exit(1);
	fd = uring_lifeline(ring);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	for (i = 0; i < READS; i++) {
		ops[i].op.prepare = prepare;
		ops[i].op.done = done;
		ops[i].index = i;
		uring_add(ring, &ops[i].op);
	}
	uring_submit(ring);
	sendmsg(sock, &msg, 0);
	pause();
}

static int receive(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(sock, &msg, 0) < 0 || !CMSG_FIRSTHDR(&msg))
		bail_out("no lifeline came");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static bool called;

static void on_ready(struct uring_call *call)
{
	(void)call;
	called = true;
}

static void fill_file(void)
{
	char *block = aligned_alloc(4096, READ_BYTES);
	unsigned int i;

	memset(block, 'x', READ_BYTES);
	file = open(path, O_RDWR | O_DIRECT);
	for (i = 0; i < READS; i++)
		if (pwrite(file, block, READ_BYTES, (off_t)i * READ_BYTES) !=
		    READ_BYTES)
			bail_out("%s: not written", path);
	free(block);
}

static void test_lifeline(void)
{
	size_t bytes = (size_t)READS * READ_BYTES;
	struct uring_call call = { .run = on_ready };
	char *seen = malloc(bytes);
	struct pollfd poll_fd = { .events = POLLIN };
	int socks[2];
	pid_t pid;

	fill_file();
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, socks) < 0)
		bail_out("no socket");
	pid = fork();
	if (pid == 0)
		live(socks[1]);
	poll_fd.fd = receive(socks[0]);
	is((unsigned int)poll(&poll_fd, 1, 0), 0,
	   "a lifeline says nothing while its ring is there");
	is((unsigned int)uring_follow(uring, poll_fd.fd), 0,
	   "another ring can follow it");
	ok(!uring_ready(uring, &call), "and is not ready");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	diag("killed: of %u reads %s had ended then", READS,
	     memory[bytes - 1] ? "the last" : "not all");
	alarm(60);
	while (!called)
		event_base_loop(base, EVLOOP_ONCE);
	alarm(0);
	ok(uring_ready(uring, NULL), "until it is told that the end has come");
	/* As long as all those reads took, to let a late one land. */
	memcpy(seen, memory, bytes);
	fill_file();
	ok(!memcmp(seen, memory, bytes), "after which nothing lands any more");
	free(seen);
}

static void test_forget(void)
{
	struct uring_call call = { .run = on_ready };
	int ends[2];

	if (pipe(ends) < 0 || uring_follow(uring, ends[0]) < 0)
		bail_out("no pipe");
	called = false;
	ok(!uring_ready(uring, &call), "who waits for a ring");
	uring_forget(uring, &call);
	close(ends[1]);
	event_base_loop(base, EVLOOP_ONCE);
	ok(uring_ready(uring, NULL) && !called,
	   "and has left is not called when it ends");
}

int main(void)
{
	int fd = mkstemp(path);

	base = event_base_new();
	if (fd < 0 || uring_create(base, &uring) < 0)
		bail_out("no file, or no io_uring");
	close(fd);
	test_refused();
	test_limits();
	test_nowait();
	test_lifeline();
	test_forget();
	uring_destroy(uring);
	event_base_free(base);
	unlink(path);
	return tap_end();
}
