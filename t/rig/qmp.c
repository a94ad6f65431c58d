// SPDX-License-Identifier: GPL-2.0-only
/*
 * qmp.c - talks to QEMU's monitor
 *
 * QMP is a line of JSON each way.  We send a handful of fixed commands and ask
 * of the answers no more than which of three kinds they are and whether they
 * contain a word, so a JSON parser would be one more thing to install.
 *
 * Must never happen: waiting for ever for an answer; QEMU may be dying.
 *
 * Next: t/rig/console.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

#define ANSWER_MS 30000

/* The end of a machine is announced with its reason, well before EOF. */
static void remember_event(struct vm *vm, const char *line)
{
	const char *why;

	if (!strstr(line, "\"event\": \"SHUTDOWN\""))
		return;
	why = strstr(line, "guest-reset")      ? "it reset itself (a panic, a "
						 "triple fault or a reboot)"
	      : strstr(line, "guest-shutdown") ? "it was powered off"
					       : "QEMU was told to quit";
	snprintf(vm->why, sizeof(vm->why), "%s", why);
}

/* Next whole line, ended by NUL, in place; NULL if there is none. */
static char *next_line(struct buf *in)
{
	char *end = in->len ? memchr(in->data, '\n', in->len) : NULL;

	if (!end)
		return NULL;
	*end = '\0';
	return in->data;
}

static int fill(struct vm *vm, int timeout_ms)
{
	struct pollfd fd = { .fd = vm->qmp_fd, .events = POLLIN };
	ssize_t r;

	if (poll(&fd, 1, timeout_ms) == 0)
		return -ETIMEDOUT;
	r = buf_read(&vm->qmp_in, vm->qmp_fd);
	return r > 0 ? 0 : -EPIPE;
}

/* Skip events until a line with the key is there: an answer, a greeting. */
static int wait_line(struct vm *vm, const char *key, struct buf *ret_answer)
{
	for (;;) {
		char *line = next_line(&vm->qmp_in);
		int answer, refused, r;

		if (!line) {
			r = fill(vm, ANSWER_MS);
			if (r < 0)
				return r;
			continue;
		}
		answer = strncmp(line, key, strlen(key)) == 0;
		refused = strncmp(line, "{\"error\"", 8) == 0;
		if (!answer && !refused)
			remember_event(vm, line);
		else if (ret_answer)
			buf_add(ret_answer, line, strlen(line) + 1);
		if (refused && !ret_answer)
			complain("qemu refuses: %s", line);
		buf_eat(&vm->qmp_in, strlen(line) + 1);
		if (answer || refused)
			return refused ? -EIO : 0;
	}
}

int qmp_run(struct vm *vm, const char *command, struct buf *ret_answer)
{
	size_t len = strlen(command);

	if (write(vm->qmp_fd, command, len) != (ssize_t)len)
		return -EPIPE;
	return wait_line(vm, "{\"return\"", ret_answer);
}

int qmp_open(struct vm *vm)
{
	int r = wait_line(vm, "{\"QMP\"", NULL);

	if (r == 0)
		r = qmp_run(vm, "{\"execute\":\"qmp_capabilities\"}", NULL);
	return r;
}

void qmp_events(struct vm *vm)
{
	char *line;

	if (fill(vm, 0) < 0)
		return;
	while ((line = next_line(&vm->qmp_in))) {
		remember_event(vm, line);
		buf_eat(&vm->qmp_in, strlen(line) + 1);
	}
}

/* Take the string out of {"return": "..."}; JSON's escapes undone. */
static void unquote(const char *answer, struct buf *ret_text)
{
	const char *p = strchr(answer, ':');

	p = p ? strchr(p, '"') : NULL;
	for (p = p ? p + 1 : ""; *p && *p != '"'; p++) {
		char c = *p;

		if (c == '\\' && p[1]) {
			c = *++p;
			if (c == 'r')
				continue;
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
		}
		buf_add(ret_text, &c, 1);
	}
}

int qmp_hmp(struct vm *vm, const char *line, struct buf *ret_text)
{
	struct buf command = { 0 }, answer = { 0 };
	static const char head[] = "{\"execute\":\"human-monitor-command\","
				   "\"arguments\":{\"command-line\":\"";
	int r;

	buf_add(&command, head, sizeof(head) - 1);
	for (; *line; line++) {
		if (*line == '"' || *line == '\\')
			buf_add(&command, "\\", 1);
		buf_add(&command, line, 1);
	}
	buf_add(&command, "\"}}", 4);
	r = qmp_run(vm, command.data, &answer);
	if (answer.len)
		unquote(answer.data, ret_text);
	buf_free(&command);
	buf_free(&answer);
	return r;
}
