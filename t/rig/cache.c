// SPDX-License-Identifier: GPL-2.0-only
/*
 * cache.c - where images and templates are kept, and what names them
 *
 * Nothing in the cache is ever changed: its name is a hash of all that went
 * into it, so what is there is right, and what is not there is made.  image.sh
 * makes images, server.c templates; here is only the way to them.
 *
 * Next: t/rig/qemu.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

/* FNV-1a: we guard against mistakes, not against malice. */
uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--)
		hash = (hash ^ *p++) * 0x100000001b3ull;
	return hash;
}

uint64_t hash_string(uint64_t hash, const char *string)
{
	return hash_bytes(hash, string, strlen(string) + 1);
}

/* A file that is not there is hashed as such. */
uint64_t hash_file(uint64_t hash, const char *path)
{
	char data[65536];
	ssize_t r = -1;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		while ((r = read(fd, data, sizeof(data))) > 0)
			hash = hash_bytes(hash, data, (size_t)r);
		close(fd);
	}
	return hash_bytes(hash, &r, sizeof(r));
}

/* Run image.sh; the line it prints is the image's directory. */
static int find_image(struct cache *cache)
{
	char script[4096], agent[4096];
	int fds[2], wstatus;
	size_t len = 0;
	ssize_t r;
	pid_t pid;

	snprintf(script, sizeof(script), "%s/image.sh", rig_source);
	snprintf(agent, sizeof(agent), "%s/agent", rig_build);
	if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return -errno;
	if (pid == 0) {
		dup2(fds[1], 1);
		execl("/bin/sh", "sh", script, agent, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	while ((r = read(fds[0], cache->image + len,
			 sizeof(cache->image) - 1 - len)) > 0)
		len += (size_t)r;
	close(fds[0]);
	cache->image[len] = '\0';
	cache->image[strcspn(cache->image, "\n")] = '\0';
	if (waitpid(pid, &wstatus, 0) < 0 || wstatus != 0 || !len) {
		complain("image: %s failed", script);
		return -EIO;
	}
	return 0;
}

/* Was the file changed after time?  One that is not there was not. */
static int is_newer(const char *path, const struct stat *than)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return 0;
	return st.st_mtim.tv_sec > than->st_mtim.tv_sec ||
	       (st.st_mtim.tv_sec == than->st_mtim.tv_sec &&
		st.st_mtim.tv_nsec > than->st_mtim.tv_nsec);
}

/*
 * image.sh asks dpkg for versions, which takes longer than to clone a machine.
 * So its answer is kept in the tree, for as long as nothing it looks at changed.
 */
static int remember_image(struct cache *cache, const char *stamp)
{
	static const char *const tree[] = { "t/rig/image.sh",
					    "t/rig/agent.service",
					    "build/rig/agent" };
	char path[4300];
	struct stat st;
	FILE *f;

	if (stat(stamp, &st) < 0 || is_newer("/var/lib/dpkg/status", &st))
		return -ENOENT;
	for (size_t i = 0; i < sizeof(tree) / sizeof(*tree); i++) {
		snprintf(path, sizeof(path), "%s/%s", rig_tree, tree[i]);
		if (is_newer(path, &st))
			return -ENOENT;
	}
	f = fopen(stamp, "re");
	if (!f)
		return -errno;
	if (!fgets(cache->image, sizeof(cache->image), f))
		cache->image[0] = '\0';
	fclose(f);
	snprintf(path, sizeof(path), "%s/root.cpio", cache->image);
	if (access(path, R_OK) < 0)
		return -ENOENT;
	utimensat(AT_FDCWD, cache->image, NULL, 0);
	return 0;
}

static void keep_stamp(const struct cache *cache, const char *stamp)
{
	char path[4200];
	FILE *f;

	snprintf(path, sizeof(path), "%s.%d", stamp, (int)getpid());
	f = fopen(path, "we");
	if (!f)
		return;
	fputs(cache->image, f);
	fclose(f);
	rename(path, stamp);
}

/* cache_open - find the cache and this tree's image, made if need be */
int cache_open(struct cache *ret_cache)
{
	const char *base = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char stamp[4100];
	int r;

	if (base && *base) {
		snprintf(ret_cache->dir, sizeof(ret_cache->dir),
			 "%s/lguest-rig", base);
	} else if (home && *home) {
		snprintf(ret_cache->dir, sizeof(ret_cache->dir),
			 "%s/.cache/lguest-rig", home);
	} else {
		complain("neither XDG_CACHE_HOME nor HOME is set");
		return -ENOENT;
	}
	snprintf(stamp, sizeof(stamp), "%s/image", rig_build);
	if (remember_image(ret_cache, stamp) == 0 &&
	    strncmp(ret_cache->image, ret_cache->dir, strlen(ret_cache->dir)) ==
		    0)
		return 0;
	r = find_image(ret_cache);
	if (r == 0)
		keep_stamp(ret_cache, stamp);
	return r;
}
