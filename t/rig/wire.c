// SPDX-License-Identifier: GPL-2.0-only
/*
 * wire.c - frames, and the queues of bytes they travel in
 *
 * Every loop of the rig reads what there is into a buf, looks at whole frames,
 * and writes from a buf what the other side will take.  So nobody ever waits in
 * the middle of a frame, and two ends that both want to talk cannot lock up.
 *
 * Must never happen: a frame longer than FRAME_MAX is believed.
 *
 * Linked into the driver and into the agent.
 *
 * Next: t/rig/agent.c
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire.h"

static void reserve(struct buf *buf, size_t room)
{
	size_t cap = buf->cap ? buf->cap : 4096;

	while (cap - buf->len < room)
		cap *= 2;
	if (cap == buf->cap)
		return;
	buf->data = realloc(buf->data, cap);
	if (!buf->data) {
		fprintf(stderr, "rig: out of memory (%zu bytes)\n", cap);
		abort();
	}
	buf->cap = cap;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
	if (!len)
		return;
	reserve(buf, len);
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
}

void buf_eat(struct buf *buf, size_t len)
{
	buf->len -= len;
	memmove(buf->data, buf->data + len, buf->len);
}

void buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}

ssize_t buf_read(struct buf *buf, int fd)
{
	ssize_t r;

	reserve(buf, FRAME_MAX);
	r = read(fd, buf->data + buf->len, FRAME_MAX);
	if (r < 0)
		return -errno;
	buf->len += (size_t)r;
	return r;
}

int buf_write(struct buf *buf, int fd)
{
	ssize_t r;

	if (!buf->len)
		return 0;
	r = write(fd, buf->data, buf->len < FRAME_MAX ? buf->len : FRAME_MAX);
	if (r < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	buf_eat(buf, (size_t)r);
	return 0;
}

void frame_add(struct buf *buf, uint32_t id, enum frame_type type,
	       const void *data, size_t len)
{
	struct frame_head head = { .id = id, .type = type };

	head.len = (uint32_t)(len < FRAME_MAX ? len : FRAME_MAX);
	buf_add(buf, &head, sizeof(head));
	buf_add(buf, data, head.len);
}

int frame_peek(const struct buf *buf, struct frame_head *ret_head,
	       const char **ret_data)
{
	struct frame_head head;

	if (buf->len < sizeof(head))
		return 0;
	memcpy(&head, buf->data, sizeof(head));
	if (head.len > FRAME_MAX)
		return -EPROTO;
	if (buf->len < sizeof(head) + head.len)
		return 0;
	*ret_head = head;
	*ret_data = buf->data + sizeof(head);
	return 1;
}

void frame_eat(struct buf *buf, const struct frame_head *head)
{
	buf_eat(buf, sizeof(*head) + head->len);
}
