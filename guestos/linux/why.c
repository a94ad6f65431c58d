// SPDX-License-Identifier: GPL-2.0-only
/*
 * why.c - one sentence when it cannot be, and files that are read once
 *
 * What we read was written by somebody else and may be written again while we
 * look at it.  So a file is copied, the copy is checked, and only the copy is
 * used; every number in it that says where something is goes through
 * bytes_have() first.
 *
 * Next: guestos/linux/image.c
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

enum end why_say(struct why *why, enum end end, const char *fmt, ...)
{
	va_list args;
	char *c;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	for (c = why->text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?'; /* a hostile file's; it shall fit a line */
	}
	return end;
}

static enum end read_all(struct bytes *bytes, int fd, struct why *why)
{
	size_t got = 0;
	ssize_t n;

	while (got < bytes->size) {
		n = read(fd, bytes->data + got, bytes->size - got);
		if (n < 0)
			return why_say(why, END_FAILED, "%s", strerror(errno));
		if (!n)
			break; /* it has become shorter; then it is */
		got += (size_t)n;
	}
	bytes->size = got;
	return END_DONE;
}

/* O_NONBLOCK, so that a fifo does not keep us before we see that it is one. */
enum end bytes_read(struct bytes *bytes, const char *path, size_t max,
		    struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	enum end end = END_DONE;
	struct stat st;

	*bytes = (struct bytes){ NULL, 0 };
	if (fd < 0 || fstat(fd, &st) < 0)
		end = why_say(why, END_FAILED, "%s", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		end = why_say(why, END_REFUSED, "is not a plain file");
	else if (st.st_size <= 0 || (size_t)st.st_size > max)
		end = why_say(why, END_REFUSED,
			      "has %lld bytes; between 1 and %zu MiB would "
			      "make sense",
			      (long long)st.st_size, max >> 20);
	if (end == END_DONE) {
		bytes->size = (size_t)st.st_size;
		bytes->data = malloc(bytes->size);
		end = bytes->data ? read_all(bytes, fd, why)
				  : why_say(why, END_FAILED, "no memory");
	}
	if (fd >= 0)
		close(fd);
	return end;
}

void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){ NULL, 0 };
}

bool bytes_have(const struct bytes *bytes, uint64_t at, uint64_t size)
{
	return at <= bytes->size && size <= bytes->size - at;
}

const char *bytes_string(const struct bytes *bytes, uint64_t at)
{
	if (at >= bytes->size || !memchr(bytes->data + at, 0, bytes->size - at))
		return NULL;
	return (const char *)bytes->data + at;
}
