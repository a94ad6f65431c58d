// SPDX-License-Identifier: GPL-2.0-only
/*
 * ram.c - the guest's memory, from outside
 *
 * RAM is a file, and we treat it as one: what is to be in it is written there,
 * and nothing is ever mapped.  So the host's memory can run out, or a hostile
 * header name any address, and what comes of it is an errno and a sentence,
 * not a signal.
 *
 * Each thing that we put there takes its area first.  Two that overlap, or one
 * that is not in RAM, is refused before a byte is written: that is the
 * invariant, and the reason why nobody else needs to check.
 *
 * The files that we read belong to others, who may change them at any moment.
 * Nothing is read twice to be checked the first time and used the second.
 *
 * Next: daemon/run/kernel.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"

#define PAGE         4096ULL
#define RAM_LEAST    (2ULL << 20) /* page tables and boot_params, and then some */
#define BUFFER_BYTES (256 * 1024)

int ram_open(struct ram *ram, int fd, uint64_t bytes, struct why *why)
{
	struct stat st;

	*ram = (struct ram){ .fd = fd, .bytes = bytes, .top = bytes };
	if (bytes < RAM_LEAST || bytes > LG_MAX_GPA || bytes % PAGE)
		return why_say(why,
			       "memory: %" PRIu64
			       " bytes: not whole pages from "
			       "%llu to %llu",
			       bytes, RAM_LEAST, LG_MAX_GPA);
	if (fstat(fd, &st) < 0)
		return why_say(why, "memory: %s", strerror(errno));
	if ((uint64_t)st.st_size < bytes)
		return why_say(why,
			       "memory: its file has %llu bytes, not %" PRIu64,
			       (unsigned long long)st.st_size, bytes);
	/* What a guest before this one has left is not for this one to see. */
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		      (off_t)bytes) < 0)
		return why_say(why, "memory: cannot be emptied: %s",
			       strerror(errno));
	return 0;
}

static const struct ram_area *find_overlap(const struct ram *ram,
					   uint64_t start, uint64_t end)
{
	unsigned int i;

	for (i = 0; i < ram->area_count; i++) {
		if (start < ram->areas[i].end && ram->areas[i].start < end)
			return &ram->areas[i];
	}
	return NULL;
}

int ram_take(struct ram *ram, const char *what, uint64_t start, uint64_t bytes,
	     struct why *why)
{
	const struct ram_area *other;

	if (start > ram->bytes || bytes > ram->bytes - start)
		return why_say(why,
			       "%s: %" PRIu64 " bytes at %#" PRIx64
			       ": the guest's memory ends at %#" PRIx64,
			       what, bytes, start, ram->bytes);
	other = find_overlap(ram, start, start + bytes);
	if (other)
		return why_say(why,
			       "%s: %" PRIu64 " bytes at %#" PRIx64
			       " overlap with %s (%#" PRIx64 " to %#" PRIx64
			       ")",
			       what, bytes, start, other->what, other->start,
			       other->end);
	if (ram->area_count == RAM_AREAS)
		return why_say(why, "%s: memory is in too many pieces (%d)",
			       what, RAM_AREAS);
	ram->areas[ram->area_count++] = (struct ram_area){
		.start = start,
		.end = start + bytes,
		.what = what,
	};
	return 0;
}

int ram_write(const struct ram *ram, uint64_t gpa, const void *from,
	      size_t bytes, struct why *why)
{
	const char *at = from;
	ssize_t n;

	if (gpa > ram->bytes || bytes > ram->bytes - gpa)
		return why_say(why,
			       "memory: %zu bytes at %#" PRIx64
			       ": a fault of ours",
			       bytes, gpa);
	for (; bytes; bytes -= (size_t)n, at += n, gpa += (uint64_t)n) {
		n = pwrite(ram->fd, at, bytes, (off_t)gpa);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return why_say(why,
				       "memory: the host has none left for "
				       "the guest's page at %#" PRIx64 ": %s",
				       gpa, strerror(n ? errno : ENOSPC));
	}
	return 0;
}

int file_open(struct run_file *file, const char *what, int fd, struct why *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return why_say(why, "%s: %s", what, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return why_say(why, "%s: is a directory, not a file", what);
	if (!S_ISREG(st.st_mode))
		return why_say(why, "%s: is not a regular file", what);
	if (!st.st_size)
		return why_say(why, "%s: is an empty file", what);
	*file = (struct run_file){
		.what = what,
		.fd = fd,
		.bytes = (uint64_t)st.st_size,
	};
	return 0;
}

int file_read(const struct run_file *file, uint64_t offset, void *to,
	      size_t bytes, struct why *why)
{
	char *at = to;
	ssize_t n;

	if (offset > file->bytes || bytes > file->bytes - offset)
		return why_say(why,
			       "%s: ends before it should (%" PRIu64 " bytes)",
			       file->what, file->bytes);
	for (; bytes; bytes -= (size_t)n, at += n, offset += (uint64_t)n) {
		n = pread(file->fd, at, bytes, (off_t)offset);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return why_say(why, "%s: cannot be read: %s",
				       file->what, strerror(errno));
		else if (n == 0)
			return why_say(why,
				       "%s: became shorter while it was "
				       "read (%" PRIu64 " of %" PRIu64
				       " bytes)",
				       file->what, offset, file->bytes);
	}
	return 0;
}

int ram_copy(const struct ram *ram, uint64_t gpa, const struct run_file *file,
	     uint64_t offset, uint64_t bytes, struct why *why)
{
	char *buffer = malloc(BUFFER_BYTES); /* so much that it is given back */
	int ret = 0;
	size_t n;

	if (!buffer)
		return why_say(why, "%s: no memory to read it", file->what);
	for (; bytes && !ret; bytes -= n, gpa += n, offset += n) {
		n = bytes < BUFFER_BYTES ? bytes : BUFFER_BYTES;
		ret = file_read(file, offset, buffer, n, why);
		if (!ret)
			ret = ram_write(ram, gpa, buffer, n, why);
	}
	free(buffer);
	return ret;
}
