// SPDX-License-Identifier: GPL-2.0-only
/*
 * message.c - from bytes and descriptors to one call
 *
 * Bytes come as they like: half a message, three and a half, or garbage.  They
 * are kept until there is a NUL among them, and what is before it is JSON or a
 * reason to hang up.  No more than one message's worth is ever kept.
 *
 * Descriptors come with bytes, and belong to the message in which the last of
 * those bytes lies; the kernel never gives us bytes of two sendings together
 * when the first had descriptors, so for a client that sends its descriptors with
 * the message that names them there is no doubt.  What must never happen is that
 * one is lost: each is in `passed` or in the call, and closed if nobody took it.
 *
 * Where we stand: ctl.c calls message_receive() when there is something to read,
 * has fetch.c fetch what we must not touch, and calls message_take() once for each
 * whole message.
 *
 * Next: daemon/fetch.c
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lguestd.h"

#define HELD_MAX   (64L << 20) /* bytes, for all clients together */
#define FIRST_SIZE 2048 /* a call is rarely longer */

static ssize_t held_bytes;

int message_charge(ssize_t bytes)
{
	held_bytes += bytes;
	return held_bytes > HELD_MAX ? -ENOMEM : 0;
}

bool message_begun(const struct message *message)
{
	return message->len || message->passed_count;
}

bool message_whole(const struct message *message)
{
	return message->bad || message->whole;
}

/* Where the first message ends, or what is wrong with it. */
static void look(struct message *message)
{
	const char *nul = memchr(message->in, 0, message->len);

	message->whole = nul ? (size_t)(nul - message->in) + 1 : 0;
	if (!nul && message->len >= PROTO_MESSAGE_MAX)
		message->bad = "message: too long (at most 262144 bytes)";
}

/* Room for more, always less than a message too long. */
static int make_room(struct message *message)
{
	size_t size = message->size ? message->size * 2 : FIRST_SIZE;
	char *in;

	if (message->len < message->size)
		return 0;
	if (message_charge((ssize_t)(size - message->size)) < 0) {
		message_charge(-(ssize_t)(size - message->size));
		return -ENOMEM;
	}
	in = realloc(message->in, size);
	if (!in) {
		message_charge(-(ssize_t)(size - message->size));
		return -ENOMEM;
	}
	message->in = in;
	message->size = size;
	return 0;
}

static void shrink(struct message *message)
{
	if (message->len)
		return;
	message_charge(-(ssize_t)message->size);
	free(message->in);
	message->in = NULL;
	message->size = 0;
}

/* How many messages end before the last of the bytes that have just come. */
static unsigned int messages_before(const struct message *message)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i + 1 < message->len; i++)
		count += !message->in[i];
	return count;
}

static void take_passed(struct message *message, const int *fds, size_t count)
{
	unsigned int before = messages_before(message);
	size_t i;

	for (i = 0; i < count; i++) {
		if (message->passed_count == PROTO_FDS_MAX) {
			message->bad =
				"message: too many descriptors (at most 16)";
			close(fds[i]);
			continue;
		}
		message->passed[message->passed_count].fd = fds[i];
		message->passed[message->passed_count].skip = before;
		message->passed_count++;
	}
}

int message_receive(struct message *message, int fd)
{
	struct msghdr msg = { .msg_iovlen = 1 };
	struct iovec iov;
	ssize_t n;

	if (make_room(message) < 0)
		return -ENOMEM;
	iov.iov_base = message->in + message->len;
	iov.iov_len = message->size - message->len;
	msg.msg_iov = &iov;
	/* Shown, and not taken: nor is what comes with it, as we must not. */
	n = recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT);
	if (n > 0 && msg.msg_flags & MSG_CTRUNC) {
		message->due = (size_t)n;
		return 1;
	}
	if (n > 0)
		n = recv(fd, iov.iov_base, (size_t)n, MSG_DONTWAIT);
	if (n <= 0) {
		n = n ? -errno : -EPIPE;
		shrink(message);
		return n == -EINTR ? -EAGAIN : (int)n;
	}
	message->len += (size_t)n;
	look(message);
	return 0;
}

void message_fetched(struct message *message, const int *fds, size_t count,
		     const char *why)
{
	message->len += message->due;
	message->due = 0;
	take_passed(message, fds, count);
	look(message);
	if (!why)
		return;
	snprintf(message->why, sizeof(message->why), "%s", why);
	message->bad = message->why;
}

/* What came with this message goes with it; the others are one message nearer. */
static void hand_over(struct message *message, struct call *call)
{
	unsigned int i, kept = 0, given = 0;

	for (i = 0; i < message->passed_count; i++) {
		if (message->passed[i].skip == 0) {
			call->fds[given++] = message->passed[i].fd;
			continue;
		}
		message->passed[i].skip--;
		message->passed[kept++] = message->passed[i];
	}
	message->passed_count = kept;
}

/* The call that a message's JSON is, or what is wrong with it. */
static const char *read_call(struct message *message, json_t *json,
			     struct call *call)
{
	json_t *method, *parameters, *value;
	const char *key;

	if (!json_is_object(json))
		return "message: not a JSON object";
	method = json_object_get(json, "method");
	parameters = json_object_get(json, "parameters");
	json_object_foreach(json, key, value)
		if (strcmp(key, "method") && strcmp(key, "parameters"))
			return "message: has more than "
			       "method and parameters";
	if (!json_is_string(method))
		return "message: method is not a string";
	if (parameters && !json_is_object(parameters))
		return "message: parameters is not an object";
	snprintf(message->method, sizeof(message->method), "%s",
		 json_string_value(method));
	call->method = message->method;
	call->parameters = parameters ? json_incref(parameters) : json_object();
	return call->parameters ? NULL : "message: no memory for it";
}

const char *message_take(struct message *message, struct call *call)
{
	const char *bad = message->bad;
	json_error_t error;
	json_t *json;

	call->method = "message";
	hand_over(message, call);
	if (bad)
		return bad;
	json = json_loadb(message->in, message->whole - 1,
			  JSON_REJECT_DUPLICATES, &error);
	if (json) {
		bad = read_call(message, json, call);
		json_decref(json);
	} else {
		snprintf(message->why, sizeof(message->why),
			 "message: not JSON: %s (byte %d)", error.text,
			 error.position);
		bad = message->why;
	}
	message->len -= message->whole;
	memmove(message->in, message->in + message->whole, message->len);
	look(message);
	shrink(message);
	return bad;
}

void message_done(struct call *call)
{
	unsigned int i;

	for (i = 0; i < PROTO_FDS_MAX; i++) {
		if (call->fds[i] >= 0)
			close(call->fds[i]);
		call->fds[i] = -1;
	}
	json_decref(call->parameters);
	call->parameters = NULL;
}

void message_fini(struct message *message, struct call *call)
{
	unsigned int i;

	message_done(call);
	for (i = 0; i < message->passed_count; i++)
		close(message->passed[i].fd);
	message->len = 0;
	shrink(message);
}
