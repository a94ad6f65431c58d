// SPDX-License-Identifier: GPL-2.0-only
/*
 * report.c - the two things that we say: it is ready, or it cannot be
 *
 * One packet, once.  Whoever gets it shows it to a person or puts it in a log,
 * so it is one sentence without control characters, whatever a hostile file
 * has brought into it.
 *
 * The answer to "running" is "go".  A guest that runs and that nobody knows of
 * must never be: if the daemon ends before it has said so, there is nobody at
 * the other end of the socket, and the guest does not run.
 *
 * Next: daemon/run/sandbox.c
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run.h"

int why_say(struct why *why, const char *fmt, ...)
{
	va_list args;
	char *c;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	for (c = why->text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	return -1;
}

static int send_packet(const struct run *run, const char *packet)
{
	char line[RUN_WHY_BYTES + 100];
	int len;

	if (send(run->report, packet, strlen(packet), MSG_NOSIGNAL) >= 0)
		return 0;
	/* Not by stdio, which would look at what kind of file that is. */
	len = snprintf(line, sizeof(line),
		       "lguest-run: %.48s: nobody reads this: %s\n", run->name,
		       packet);
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return -1; /* nor that; the status says it as well */
	return -1;
}

int report_running(const struct run *run)
{
	return send_packet(run, "running");
}

int report_await_go(const struct run *run)
{
	char packet[8];
	ssize_t n;

	do
		n = recv(run->report, packet, sizeof(packet), 0);
	while (n < 0 && errno == EINTR);
	return n == 2 && !memcmp(packet, "go", 2) ? 0 : -1;
}

int report_error(const struct run *run, const struct why *why)
{
	char packet[RUN_WHY_BYTES];

	snprintf(packet, sizeof(packet), "error: %.480s", why->text);
	return send_packet(run, packet);
}
