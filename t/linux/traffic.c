// SPDX-License-Identifier: GPL-2.0-only
/*
 * traffic.c - bytes that come back, and are known again
 *
 *	traffic serve PORT		send back whatever is sent, for ever
 *	traffic talk SECONDS ADDRESS PORT
 *
 * What is sent is a sequence that its number makes, as long as its number says;
 * what comes back must be that sequence, and all of it.  It is linked statically,
 * so that it runs in a guest as it runs beside it.
 *
 * What must never happen: an end without an error after less than was asked for.
 * So a peer that is slow has minutes, and one that hangs is a failure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LONGEST   (512u << 10)
#define PATIENCE  120 /* seconds for one answer */
#define SAY_AFTER 20 /* seconds between two lines of progress */

struct head {
	uint32_t number, bytes; /* network order */
};

static unsigned char sent[LONGEST], back[LONGEST];

static void fail(const char *what)
{
	printf("traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* All of it, one way or the other; -1 with errno if that cannot be. */
static int move_all(int fd, void *data, size_t bytes, int out)
{
	char *at = data;
	ssize_t n;

	while (bytes) {
		n = out ? send(fd, at, bytes, MSG_NOSIGNAL)
			: recv(fd, at, bytes, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return -1;
		at += n;
		bytes -= (size_t)n;
	}
	return 0;
}

/* ---- who answers ---- */

/* The whole of a message is here before its first byte goes back. */
static void answer(int fd)
{
	struct head head;
	uint32_t bytes;

	while (move_all(fd, &head, sizeof(head), 0) == 0) {
		bytes = ntohl(head.bytes);
		if (bytes > LONGEST || move_all(fd, sent, bytes, 0) < 0 ||
		    move_all(fd, &head, sizeof(head), 1) < 0 ||
		    move_all(fd, sent, bytes, 1) < 0)
			break;
	}
}

static int serve(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), fd;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    listen(listener, 16) < 0)
		fail("listen");
	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd >= 0 && fork() == 0) {
			answer(fd);
			_exit(0);
		}
		close(fd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

/* ---- who asks ---- */

static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* The message of that number; returns its length. */
static uint32_t make(uint32_t number)
{
	uint32_t state = number * 2654435761u + 1, bytes, i;

	bytes = next(&state) % LONGEST + 1;
	for (i = 0; i < bytes; i++)
		sent[i] = (unsigned char)(next(&state) >> 24);
	return bytes;
}

/* There and back: what has come is what has gone, or that is the end. */
static uint32_t talk_once(int fd, uint32_t number)
{
	uint32_t bytes = make(number);
	struct head head = { htonl(number), htonl(bytes) }, came;

	if (move_all(fd, &head, sizeof(head), 1) < 0 ||
	    move_all(fd, sent, bytes, 1) < 0)
		fail("send");
	if (move_all(fd, &came, sizeof(came), 0) < 0 ||
	    move_all(fd, back, bytes, 0) < 0)
		fail("receive");
	if (memcmp(&head, &came, sizeof(head)) || memcmp(sent, back, bytes)) {
		printf("traffic: message %u came back as another\n", number);
		exit(1);
	}
	return bytes;
}

static int call(const char *address, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	struct timeval limit = { .tv_sec = PATIENCE };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail(address);
	return fd;
}

/* Each call is for a few messages, so that there are many calls, too. */
static int talk(int64_t seconds, const char *address, uint16_t port)
{
	int64_t end = now_s() + seconds, say = 0;
	uint32_t number = 0;
	uint64_t bytes = 0;
	int fd;

	do {
		fd = call(address, port);
		do
			bytes += talk_once(fd, ++number);
		while (number % 8 && now_s() < end);
		close(fd);
		if (now_s() < say && now_s() < end)
			continue;
		say = now_s() + SAY_AFTER;
		printf("talk %s: %u messages, %llu KiB\n", address, number,
		       (unsigned long long)(bytes >> 10));
	} while (now_s() < end);
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve((uint16_t)atoi(argv[2]));
	if (argc == 5 && !strcmp(argv[1], "talk"))
		return talk(atoi(argv[2]), argv[3], (uint16_t)atoi(argv[4]));
	fprintf(stderr, "usage: traffic serve PORT\n"
			"       traffic talk SECONDS ADDRESS PORT\n");
	return 2;
}
