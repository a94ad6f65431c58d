// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuse.c - files of a file system that is a program, and does not answer
 *
 * Who may use guests can send any descriptor.  One on a file system of his own
 * kept the daemon for as long as he liked, in fstat() or in close(), and then the
 * watchdog could not even kill it: no signal ends that waiting.  Here the
 * program is a child of ours, and answers what it shall for each file.
 */
#define _GNU_SOURCE
#include <linux/fuse.h>
#include <sched.h>
#include <sys/mount.h>

#include "peer.h"

#define KERNEL "print hello\n"
#define BUFFER (128 * 1024)

static char mnt[] = "/tmp/lguest-fuse.XXXXXX";
static pid_t server;

/* Files, and the one request about each that gets no answer. */
static const struct {
	const char *name;
	uint32_t silent;
} files[] = {
	{ "good", 0 },
	{ "close", FUSE_FLUSH },
	{ "look", FUSE_GETATTR },
	{ "system", FUSE_STATFS },
	{ "read", FUSE_READ },
};

#define FILES    (sizeof(files) / sizeof(files[0]))
#define FIRST_ID 2 /* 1 is the folder they are in */

/* ---- the program ---- */

static struct fuse_attr attr_of(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.size = node < FIRST_ID ? 0 : strlen(KERNEL),
		.mode = node < FIRST_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
		.nlink = 1,
	};
}

static void reply(int dev, uint64_t unique, int error, const void *out,
		  size_t len)
{
	static char buffer[BUFFER];
	struct fuse_out_header head = { .len = (uint32_t)(sizeof(head) + len),
					.error = error,
					.unique = unique };

	memcpy(buffer, &head, sizeof(head));
	if (len)
		memcpy(buffer + sizeof(head), out, len);
	if (write(dev, buffer, head.len) < 0 && errno != ENOENT)
		_exit(1);
}

static void reply_lookup(int dev, uint64_t unique, const char *name)
{
	struct fuse_entry_out out = { .entry_valid = 1000 };
	size_t i;

	for (i = 0; i < FILES && strcmp(files[i].name, name); i++)
		;
	out.nodeid = FIRST_ID + i;
	out.attr = attr_of(out.nodeid);
	reply(dev, unique, i < FILES ? 0 : -ENOENT, &out,
	      i < FILES ? sizeof(out) : 0);
}

static void serve(int dev, const struct fuse_in_header *in, const void *arg)
{
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
				      .minor = 31,
				      .max_write = 4096 };
	struct fuse_attr_out attr = { .attr = attr_of(in->nodeid) };
	struct fuse_open_out file = { .open_flags = FOPEN_DIRECT_IO };
	struct fuse_statfs_out fs = { .st = { .bsize = 4096 } };
	const struct fuse_read_in *read_in = arg;
	size_t from;

	switch (in->opcode) {
	case FUSE_INIT:
		reply(dev, in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		reply_lookup(dev, in->unique, arg);
		break;
	case FUSE_GETATTR:
		reply(dev, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		reply(dev, in->unique, 0, &file, sizeof(file));
		break;
	case FUSE_STATFS:
		reply(dev, in->unique, 0, &fs, sizeof(fs));
		break;
	case FUSE_READ:
		from = read_in->offset ? strlen(KERNEL) : 0;
		reply(dev, in->unique, 0, KERNEL + from, strlen(KERNEL + from));
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		reply(dev, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break; /* there is no answer to these */
	default:
		reply(dev, in->unique, -ENOSYS, NULL, 0);
	}
}

static void be_server(int dev)
{
	static char buffer[BUFFER] __attribute__((aligned(8)));
	const struct fuse_in_header *in = (struct fuse_in_header *)buffer;
	ssize_t len;

	for (;;) {
		len = read(dev, buffer, sizeof(buffer));
		if (len < 0 && errno != EINTR && errno != ENOENT)
			_exit(0);
		if (len < (ssize_t)sizeof(*in))
			continue;
		if (in->nodeid >= FIRST_ID &&
		    files[in->nodeid - FIRST_ID].silent == in->opcode &&
		    in->opcode)
			continue;
		serve(dev, in, buffer + sizeof(*in));
	}
}

/* Why not, or NULL: it is mounted, for nobody but us. */
static const char *mount_it(void)
{
	char how[128];
	int dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (dev < 0)
		return "there is no /dev/fuse for us";
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return "nothing may be mounted here";
	snprintf(how, sizeof(how),
		 "fd=%d,rootmode=40000,user_id=%u,group_id=%u,allow_other", dev,
		 getuid(), getgid());
	if (!mkdtemp(mnt))
		bail_out("mkdtemp: %s", strerror(errno));
	if (mount("lguest-test", mnt, "fuse", MS_NOSUID | MS_NODEV, how) < 0) {
		rmdir(mnt);
		return "no FUSE may be mounted here";
	}
	server = fork();
	if (server == 0)
		be_server(dev);
	close(dev); /* so that it ends with its program */
	return NULL;
}

/* ---- the test ---- */

static int clients[FILES + 1];

/* None of them is closed before the program has gone: we would wait, too. */
static void send_file(size_t i, int client, int how)
{
	char call[512], path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", mnt, files[i].name);
	fd = open(path, how | O_CLOEXEC);
	if (fd < 0)
		bail_out("%s: %s", path, strerror(errno));
	snprintf(call, sizeof(call),
		 "{\"method\":\"org.lguest.Guests.Create\",\"parameters\":{"
		 "\"config\":{\"name\":\"%s\",\"kernel\":\"/k\"},"
		 "\"fds\":{\"kernel\":0},\"wait\":true}}",
		 files[i].name);
	clients[client] = peer_connect();
	peer_send_fds(clients[client], call, strlen(call) + 1, &fd, 1);
}

static void check_silent(void)
{
	size_t i;

	for (i = 0; i < FILES; i++)
		send_file(i, (int)i, O_RDONLY);
	ok(peer_hears(clients[0], "\"running\""),
	   "a kernel on a file system of the client's can be run");
	ok(peer_hears(clients[1], "\"running\""),
	   "also where closing it gets no answer");
	send_file(0, FILES, O_RDWR);
	ok(peer_hears(clients[FILES], "can be written, and is on"),
	   "one that could be written is not copied, but refused");
	ok(peer_alive(), "and nobody else waits for what has none");
	ok(peer_alive() && peer_alive(), "nor after that");
	for (i = 2; i < FILES; i++)
		ok(peer_hears(clients[i], "descriptors do not answer") &&
			   peer_gone(clients[i]),
		   "who sends a file that does not answer is told so (%s)",
		   files[i].name);
	ok(peer_alive(), "and all the others are served on");
}

int main(void)
{
	char command[128];
	const char *why;
	int status;

	signal(SIGPIPE, SIG_IGN);
	peer_start(/* nofile= */ 0);
	why = mount_it();
	if (why) {
		skip(10, why);
		peer_stop();
		return tap_end();
	}
	check_silent();
	kill(peer_daemon, SIGTERM);
	waitpid(peer_daemon, &status, 0);
	is((unsigned int)status, 0,
	   "lguestd ends when it is told to, though some still wait");
	/* Before anything is run: it would have to close those files. */
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	umount2(mnt, MNT_DETACH);
	rmdir(mnt);
	snprintf(command, sizeof(command), "rm -rf %s", peer_dir);
	if (system(command))
		diag("%s is left behind", peer_dir);
	return tap_end();
}
