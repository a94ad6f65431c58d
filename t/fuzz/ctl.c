// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctl.c - clients that make no sense, by seed
 *
 * What they say begins as calls that are right, has bytes changed, taken out and
 * put in, is cut into pieces anywhere, comes with descriptors or without, and is
 * followed by hanging up or by a guest that is destroyed under a waiting client.
 * The sanitizers in lguestd are the judges, and the count of its descriptors.
 *
 *	FUZZ_SEED=N	another seed than 1
 *	FUZZ_ROUNDS=N	more or fewer than 3000 connections
 */
#define _GNU_SOURCE
#include "peer.h"

#define CALL(method, parameters) \
	"{\"method\":\"org.lguest." method "\",\"parameters\":{" parameters "}}"

static const char *const calls[] = {
	"{\"method\":\"org.lguest.Daemon.GetInfo\"}",
	CALL("Guests.List", ""),
	CALL("Guests.Create",
	     "\"config\":{\"name\":\"a\",\"kernel\":\"/k\",\"cpus\":2},"
	     "\"fds\":{\"kernel\":0},\"wait\":true"),
	CALL("Guests.Create",
	     "\"config\":{\"name\":\"b\",\"kernel\":\"/k\",\"initrd\":\"/i\"},"
	     "\"fds\":{\"kernel\":0,\"initrd\":1}"),
	CALL("Guests.Info", "\"name\":\"a\""),
	CALL("Guests.Wait", "\"name\":\"a\""),
	CALL("Guests.Wait", "\"name\":\"b\",\"state\":\"paused\""),
	CALL("Guests.Pause", "\"name\":\"b\""),
	CALL("Guests.Resume", "\"name\":\"b\""),
	CALL("Guests.Reset", "\"name\":\"a\""),
	CALL("Guests.Stop", "\"name\":\"a\",\"timeout_s\":0,\"force\":true"),
	CALL("Guests.Console",
	     "\"name\":\"a\",\"write\":true,\"force\":true,\"follow\":true"),
	CALL("Guests.Destroy", "\"name\":\"a\""),
	CALL("Guests.Destroy", "\"name\":\"b\""),
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))
#define TEXT  8192

static uint64_t state;

/* xorshift64: the same everywhere */
static uint32_t any(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

static size_t change(char *text, size_t len)
{
	static const char odd[] = "\0\"{}[]:,\\u0\xff\x80-9e";
	size_t at = any((uint32_t)len);

	switch (any(4)) {
	case 0:
		text[at] = (char)any(256);
		return len;
	case 1:
		text[at] = odd[any(sizeof(odd))];
		return len;
	case 2:
		memmove(text + at, text + at + 1, len - at - 1);
		return len - 1;
	default:
		memmove(text + at + 1, text + at, len - at);
		text[at] = odd[any(sizeof(odd))];
		return len + 1;
	}
}

/* Some calls in a row, and then perhaps not quite. */
static size_t make_text(char *text)
{
	size_t len = 0, call;
	uint32_t i;

	for (i = 1 + any(4); i; i--) {
		call = any(CALLS);
		memcpy(text + len, calls[call], strlen(calls[call]) + 1);
		len += strlen(calls[call]) + 1;
	}
	if (any(2))
		for (i = any(8); i && len > 2; i--)
			len = change(text, len);
	return len;
}

static void talk(const int *files)
{
	char text[TEXT];
	size_t len = make_text(text), at = 0, piece;
	int sock = peer_connect(), fds[10], i;

	if (sock < 0)
		return;
	for (i = 0; i < 10; i++)
		fds[i] = files[any(3)];
	while (at < len) {
		piece = any(3) ? len - at : 1 + any((uint32_t)(len - at));
		if (peer_send_fds(sock, text + at, piece, fds,
				  any(2)    ? any(3)
				  : any(40) ? 0
					    : any(10)) < 0)
			break;
		at += piece;
	}
	if (any(2))
		recv(sock, peer_reply, sizeof(peer_reply), MSG_DONTWAIT);
	if (any(4) == 0)
		shutdown(sock, SHUT_WR);
	close(sock);
}

int main(void)
{
	const char *seed = getenv("FUZZ_SEED"), *count = getenv("FUZZ_ROUNDS");
	int rounds = count ? atoi(count) : 3000, i, before, files[3];

	state = 0x9e3779b97f4a7c15u * (seed ? strtoull(seed, NULL, 0) : 1);
	signal(SIGPIPE, SIG_IGN);
	peer_start(/* nofile= */ 0);
	peer_write("k", "power 40\nprint hello\nwait\npoweroff\n");
	files[0] = files[1] = open(peer_path("k"), O_RDONLY);
	files[2] = open("/dev/null", O_RDWR);
	before = peer_fds_settled();
	diag("seed %s, %d connections", seed ? seed : "1", rounds);
	for (i = 0; i < rounds; i++)
		talk(files);
	ok(peer_alive(), "lguestd answers as it did before");
	peer_call(CALL("Guests.Destroy", "\"name\":\"a\""));
	peer_call(CALL("Guests.Destroy", "\"name\":\"b\""));
	peer_call(CALL("Guests.List", ""));
	is_str(peer_reply, "{\"parameters\":{\"guests\":[]}}",
	       "and its guests are gone");
	ok(peer_fds_are(before), "it holds no more than at first");
	ok(peer_stop(), "and is well to its end");
	return tap_end();
}
