// SPDX-License-Identifier: GPL-2.0-only
/*
 * ring.c - the last megabyte that a guest has printed, and what is typed to it
 *
 * It is a file in memory, written in circles, with a page before it that says
 * from where to where the text goes; systemd keeps the file when we are gone.
 * Bytes are counted from the first that was ever printed, so a place in the
 * text has a number that never changes.
 *
 * The page has room for what has been typed and not been asked for, in a circle
 * of its own; who does not know of it finds a page as it always was.  A byte is
 * taken before the guest has it: killed in between we lose one, and never give
 * one twice.
 *
 * What must never happen: that the page calls text what is none, if we are
 * killed at any moment.  So before old text is written over it is given up, and
 * new text counts when it is there.  There is one writer, and no mapping: a
 * page that cannot be had is an errno.
 *
 * Next: daemon/console_log.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vm.h"

#define RING_MAGIC   0x676e69726775676cULL /* "lgugring" */
#define RING_VERSION 1
#define HEADER_BYTES 4096
#define INPUT_AT     (HEADER_BYTES - RING_INPUT) /* from there to its end */
#define RING_SEALS   (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct header {
	uint64_t magic;
	uint32_t version;
	uint32_t bytes;
	uint64_t start, end;
	uint64_t in_start, in_end;
};

static int put_span(struct ring *ring, uint64_t start, uint64_t end)
{
	const uint64_t span[2] = { start, end };

	if (pwrite(ring->fd, span, sizeof(span),
		   offsetof(struct header, start)) != sizeof(span))
		return -ENOMEM;
	ring->start = start;
	ring->end = end;
	return 0;
}

static int make(int fd)
{
	const struct header header = {
		.magic = RING_MAGIC,
		.version = RING_VERSION,
		.bytes = RING_BYTES,
	};

	if (ftruncate(fd, HEADER_BYTES + RING_BYTES) < 0 ||
	    fcntl(fd, F_ADD_SEALS, RING_SEALS) < 0)
		return -errno;
	if (pwrite(fd, &header, sizeof(header), 0) != sizeof(header))
		return -ENOMEM;
	return 0;
}

int ring_create(struct ring *ring, const char *name, struct why *why)
{
	char label[64];
	int fd, r;

	snprintf(label, sizeof(label), "%s.console", name);
	fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	r = fd < 0 ? -errno : make(fd);
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return why_say(why, r, "%s: console: %s", name, strerror(-r));
	}
	*ring = (struct ring){ .fd = fd };
	return 0;
}

int ring_adopt(struct ring *ring, int fd, struct why *why)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct header header;
	struct stat st;

	if (seals < 0 || (seals & RING_SEALS) != RING_SEALS ||
	    fstat(fd, &st) < 0 || st.st_size != HEADER_BYTES + RING_BYTES ||
	    pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    header.magic != RING_MAGIC)
		return why_say(why, -EINVAL, "console: not a ring of ours");
	if (header.version != RING_VERSION || header.bytes != RING_BYTES ||
	    header.start > header.end || header.end - header.start > RING_BYTES)
		return why_say(why, -EINVAL,
			       "console: a ring of version %u, not %u",
			       header.version, RING_VERSION);
	*ring = (struct ring){
		.fd = fd,
		.start = header.start,
		.end = header.end,
		.in_start = header.in_start,
		.in_end = header.in_end,
	};
	if (ring_typed(ring) > RING_INPUT)
		ring->in_end = ring->in_start;
	return 0;
}

void ring_fini(struct ring *ring)
{
	if (ring->fd >= 0)
		close(ring->fd);
	ring->fd = -1;
}

/* Text that is not longer than the ring, which it may go around the end of. */
static int put_text(const struct ring *ring, const char *text, size_t len)
{
	size_t at = ring->end % RING_BYTES;
	size_t first = len < RING_BYTES - at ? len : RING_BYTES - at;

	if (pwrite(ring->fd, text, first, (off_t)(HEADER_BYTES + at)) !=
	    (ssize_t)first)
		return -ENOMEM;
	if (len > first && pwrite(ring->fd, text + first, len - first,
				  HEADER_BYTES) != (ssize_t)(len - first))
		return -ENOMEM;
	return 0;
}

/* ring_write - add text; -ENOMEM, and then it is not there */
int ring_write(struct ring *ring, const char *text, size_t len)
{
	uint64_t start = ring->start;
	int r = 0;

	if (len > RING_BYTES) {
		text += len - RING_BYTES;
		len = RING_BYTES;
	}
	if (ring->end + len - start > RING_BYTES) {
		start = ring->end + len - RING_BYTES;
		r = put_span(ring, start, ring->end);
	}
	if (r == 0)
		r = put_text(ring, text, len);
	if (r == 0)
		r = put_span(ring, start, ring->end + len);
	return r;
}

ssize_t ring_read(const struct ring *ring, uint64_t at, char *to, size_t room)
{
	uint64_t offset = at % RING_BYTES, left = ring->end - at;
	size_t len = room < left ? room : (size_t)left;
	ssize_t got;

	if (len > RING_BYTES - offset)
		len = (size_t)(RING_BYTES - offset);
	if (!len)
		return 0;
	got = pread(ring->fd, to, len, (off_t)(HEADER_BYTES + offset));
	return got < 0 ? -errno : got;
}

/* ---- what is typed ---- */

static int put_typed_span(struct ring *ring, uint64_t start, uint64_t end)
{
	const uint64_t span[2] = { start, end };

	if (pwrite(ring->fd, span, sizeof(span),
		   offsetof(struct header, in_start)) != sizeof(span))
		return -ENOMEM;
	ring->in_start = start;
	ring->in_end = end;
	return 0;
}

uint64_t ring_typed(const struct ring *ring)
{
	return ring->in_end - ring->in_start;
}

int ring_type(struct ring *ring, const char *text, size_t len)
{
	size_t at = ring->in_end % RING_INPUT, first = RING_INPUT - at;

	if (len > RING_INPUT - ring_typed(ring))
		return -ENOSPC;
	if (first > len)
		first = len;
	if (pwrite(ring->fd, text, first, (off_t)(INPUT_AT + at)) !=
		    (ssize_t)first ||
	    pwrite(ring->fd, text + first, len - first, INPUT_AT) !=
		    (ssize_t)(len - first))
		return -ENOMEM;
	return put_typed_span(ring, ring->in_start, ring->in_end + len);
}

size_t ring_take(struct ring *ring, char *to, size_t room)
{
	uint64_t at = ring->in_start % RING_INPUT, len = ring_typed(ring);

	if (len > RING_INPUT - at)
		len = RING_INPUT - at;
	if (len > room)
		len = room;
	if (!len ||
	    pread(ring->fd, to, (size_t)len, (off_t)(INPUT_AT + at)) !=
		    (ssize_t)len ||
	    put_typed_span(ring, ring->in_start + len, ring->in_end) < 0)
		return 0;
	return (size_t)len;
}

int ring_getc(struct ring *ring)
{
	char byte;

	return ring_take(ring, &byte, 1) ? (unsigned char)byte : -1;
}

void ring_forget_typed(struct ring *ring)
{
	put_typed_span(ring, ring->in_end, ring->in_end);
}
