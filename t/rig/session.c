// SPDX-License-Identifier: GPL-2.0-only
/*
 * session.c - which server a client talks to
 *
 * The clients of one test run share a machine per model.  Its server is found
 * by a socket in the tree, named for the module under test and for the rig's
 * own build: with either rebuilt the name changes, and the old server is told
 * to go when it has finished.
 *
 * Must never happen: two servers for one name, or a test on yesterday's module.
 * So a folder is looked at, and a server started, only under its lock.
 *
 * Start at session_connect().
 *
 * Next: t/rig/client.c
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"

#define REPORT_S 60

/* Name and parent of a process, from /proc; 0 if there is no such process. */
static pid_t parent_of(pid_t pid, char *name, size_t len)
{
	char path[64], line[512];
	char *start, *end;
	int parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f) && (start = strchr(line, '(')) &&
	    (end = strrchr(line, ')'))) {
		*end = '\0';
		snprintf(name, len, "%s", start + 1);
		if (sscanf(end + 1, " %*c %d", &parent) != 1)
			parent = 0;
	}
	fclose(f);
	return parent;
}

/* session_owner - whose death should end the session; 0 if nobody's */
pid_t session_owner(void)
{
	const char *env = getenv("RIG_OWNER");
	char name[64] = "";
	pid_t pid;

	if (env && atoi(env) > 1)
		return atoi(env);
	for (pid = getppid(); pid > 1; pid = parent_of(pid, name, 64)) {
		char self[64] = "";

		if (parent_of(pid, self, sizeof(self)) == 0)
			break;
		if (!strcmp(self, "prove") || !strcmp(self, "make"))
			return pid;
	}
	pid = getsid(0);
	return pid > 1 && kill(pid, 0) == 0 ? pid : 0;
}

static uint64_t session_key(void)
{
	static const char *const files[] = { "../lg.ko", "../debug/lg.ko",
					     "rig", "agent" };
	uint64_t hash = HASH_START;
	char path[4200];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", rig_build, files[i]);
		hash = hash_file(hash, path);
	}
	return hash;
}

static int make_dir(const struct model *model, char *ret_dir, size_t len)
{
	const char *env = getenv("RIG_SESSION");
	char path[4096];

	snprintf(path, sizeof(path), "%s/out", rig_build);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/run", rig_build);
	mkdir(path, 0777);
	/* Who breaks machines on purpose has a session of another name. */
	snprintf(ret_dir, len, "%s/run/%s%s%s", rig_build, model->name,
		 env ? "." : "", env ? env : "");
	if (mkdir(ret_dir, 0777) < 0 && errno != EEXIST) {
		complain("%s: %s", ret_dir, strerror(errno));
		return -errno;
	}
	return 0;
}

/* An address has room for 108 bytes only: name the socket by its folder. */
static int open_socket(const char *dir, const char *name,
		       struct sockaddr_un *ret_addr, int *ret_dir_fd)
{
	*ret_dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*ret_addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ret_addr->sun_path, sizeof(ret_addr->sun_path),
		 "/proc/self/fd/%d/%s", *ret_dir_fd, name);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int connect_to(const char *dir, const char *name)
{
	struct sockaddr_un addr;
	int dir_fd, fd, r;

	fd = open_socket(dir, name, &addr, &dir_fd);
	r = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
	close(dir_fd);
	if (r == 0)
		return fd;
	close(fd);
	return -1;
}

static int listen_at(const char *dir, const char *name)
{
	struct sockaddr_un addr;
	int dir_fd, fd, r;

	fd = open_socket(dir, name, &addr, &dir_fd);
	unlinkat(dir_fd, name, 0);
	r = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	close(dir_fd);
	if (r == 0 && listen(fd, 64) == 0) {
		fcntl(fd, F_SETFL, O_NONBLOCK);
		return fd;
	}
	complain("%s/%s: %s", dir, name, strerror(errno));
	close(fd);
	return -1;
}

static int send_word(const char *dir, const char *name, enum frame_type type)
{
	int fd = connect_to(dir, name);
	struct buf out = { 0 };

	if (fd < 0)
		return -1;
	frame_add(&out, 0, type, NULL, 0);
	buf_write(&out, fd);
	buf_free(&out);
	return fd;
}

/* Servers of another build retire; what a killed one left is cleared away. */
static void sweep(const char *dir, const char *ours)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	int pid, fd;

	while (d && (entry = readdir(d))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (sscanf(entry->d_name, "private-%d.log", &pid) == 1 &&
		    kill(pid, 0) < 0)
			unlinkat(dirfd(d), entry->d_name, 0);
		if (!dot || strcmp(dot, ".sock") ||
		    !strcmp(entry->d_name, ours))
			continue;
		fd = send_word(dir, entry->d_name, FRAME_RETIRE);
		if (fd >= 0)
			close(fd);
		else
			unlinkat(dirfd(d), entry->d_name, 0);
	}
	if (d)
		closedir(d);
}

/* Keep two descriptors, and none that others wait to see closed. */
static void close_others(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a;

	if (low > 3)
		close_range(3, (unsigned)low - 1, 0);
	if (low < 3)
		low = 2;
	if (high > low + 1)
		close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	close_range((unsigned)high + 1, ~0u, 0);
}

/* Fork a server; the connection it returns is the server's first client. */
static int spawn(struct serve_args *args, const char *dir)
{
	char console[4200];
	int fds[2], wstatus;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		setsid();
		if (fork() != 0)
			_exit(0);
		close_others(fds[1], args->listen_fd);
		args->first_fd = fds[1];
		if (!args->console) {
			snprintf(console, sizeof(console), "%s/private-%d.log",
				 dir, (int)getpid());
			args->console = console;
		}
		serve(args);
	}
	close(fds[1]);
	if (pid < 0 || waitpid(pid, &wstatus, 0) < 0) {
		close(fds[0]);
		return -1;
	}
	return fds[0];
}

/*
 * Did the session before us break with nobody there to hear of it?  Then its
 * report is ours to give, unless it is of a run long past.
 */
static int find_report(const char *lock)
{
	char path[4300], line[1024];
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "%s.report", lock);
	f = fopen(path, "re");
	if (!f)
		return 0;
	unlink(path);
	if (fstat(fileno(f), &st) < 0 || time(NULL) - st.st_mtime > REPORT_S) {
		fclose(f);
		return 0;
	}
	complain("the machine broke after the last command:");
	while (fgets(line, sizeof(line), f))
		fputs(line, stderr);
	fclose(f);
	return 1;
}

static int start_session(const struct model *model, const char *dir,
			 const char *name, const char *lock)
{
	char path[4200], console[4200];
	static struct cache cache;
	struct serve_args args = { .model = model,
				   .cache = &cache,
				   .lock = lock,
				   .socket = path,
				   .console = console };
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(console, sizeof(console), "%s/%.16s.log", dir, name);
	if (find_report(lock) || cache_open(&cache) < 0)
		return -1;
	args.listen_fd = listen_at(dir, name);
	if (args.listen_fd < 0)
		return -1;
	fd = spawn(&args, dir);
	close(args.listen_fd);
	return fd;
}

int session_connect(const struct model *model, int start)
{
	char dir[4096], lock[4200], name[32];
	int lock_fd, fd;

	if (make_dir(model, dir, sizeof(dir)) < 0)
		return -1;
	snprintf(lock, sizeof(lock), "%s/lock", dir);
	snprintf(name, sizeof(name), "%016llx.sock",
		 (unsigned long long)session_key());
	lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (lock_fd < 0 || flock(lock_fd, LOCK_EX) < 0) {
		complain("%s: %s", lock, strerror(errno));
		return -1;
	}
	fd = connect_to(dir, name);
	if (fd < 0 && start) {
		sweep(dir, name);
		fd = start_session(model, dir, name, lock);
	}
	close(lock_fd);
	return fd;
}

int session_private(const struct model *model, const char *append,
		    const char *ram)
{
	static struct cache cache;
	struct serve_args args = { .model = model,
				   .cache = &cache,
				   .append = append,
				   .ram = ram,
				   .listen_fd = -1 };
	char dir[4096];

	if (make_dir(model, dir, sizeof(dir)) < 0 || cache_open(&cache) < 0)
		return -1;
	return spawn(&args, dir);
}

static void stop_dir(const char *dir)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	char byte;

	while (d && (entry = readdir(d))) {
		const char *dot = strrchr(entry->d_name, '.');
		int fd;

		if (!dot || strcmp(dot, ".sock"))
			continue;
		fd = send_word(dir, entry->d_name, FRAME_STOP);
		if (fd < 0)
			continue;
		while (read(fd, &byte, 1) > 0)
			;
		close(fd);
	}
	if (d)
		closedir(d);
}

/* session_stop_all - end the sessions of this tree, and see them gone */
int session_stop_all(void)
{
	const char *env = getenv("RIG_SESSION"), *dot;
	char dir[4096], path[4400];
	struct dirent *entry;
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/run", rig_build);
	d = opendir(dir);
	while (d && (entry = readdir(d))) {
		dot = strchr(entry->d_name, '.');
		if (dot == entry->d_name)
			continue;
		if (env && (!dot || strcmp(dot + 1, env)))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		stop_dir(path);
	}
	if (d)
		closedir(d);
	return 0;
}
