// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctl-fds.c - descriptors with messages that want them, and with all others
 *
 * One that is lost is held for as long as lguestd lives, and the next guest may
 * be short of it.  One that goes to the wrong message is worse: some guest boots
 * what was another's.  So after each case lguestd must hold what it held before.
 */
#define _GNU_SOURCE
#include "../../daemon/proto.h"
#include "peer.h"

#define INFO "{\"method\":\"org.lguest.Daemon.GetInfo\"}"
#define HALF "{\"method\":\"org.lgu"

#define CREATE(name, fds)                                           \
	"{\"method\":\"org.lguest.Guests.Create\",\"parameters\":{" \
	"\"config\":{\"name\":\"" name "\",\"kernel\":\"/k\""       \
	"},\"fds\":{" fds "},\"wait\":true}}"
#define CREATE_BOTH(name, fds)                                      \
	"{\"method\":\"org.lguest.Guests.Create\",\"parameters\":{" \
	"\"config\":{\"name\":\"" name "\",\"kernel\":\"/k\","      \
	"\"initrd\":\"/i\"},\"fds\":{" fds "},\"wait\":true}}"
#define DESTROY(name)                                                \
	"{\"method\":\"org.lguest.Guests.Destroy\",\"parameters\":{" \
	"\"name\":\"" name "\"}}"

static int before;

/* A call with descriptors, and a part of what must be answered. */
static void try(const char *call, const int *fds, size_t count,
		const char *part, const char *name)
{
	int sock = peer_connect();
	bool good;

	peer_send_fds(sock, call, strlen(call) + 1, fds, count);
	good = peer_hears(sock, part);
	close(sock);
	ok(good && peer_fds_are(before), "%s", name);
}

static void check_unwanted(void)
{
	int fds[2 * PROTO_FDS_MAX], i, sock,
		devnull = open("/dev/null", O_RDONLY);

	for (i = 0; i < 2 * PROTO_FDS_MAX; i++)
		fds[i] = devnull;
	try(INFO, fds, 3, "takes no descriptors",
	    "a call that wants none refuses three, and closes them");
	try("nonsense", fds, 3, "not JSON", "so does no call at all");
	try("{\"method\":\"org.lguest.X\"}", fds, 1, "NoSuchMethod",
	    "and an unknown one");
	try(INFO, fds, PROTO_FDS_MAX + 1, "at most 16",
	    "seventeen with one message are too many");
	try(INFO, fds, 2 * PROTO_FDS_MAX, "at most 16", "so are thirty-two");

	sock = peer_connect();
	peer_send_fds(sock, HALF, sizeof(HALF) - 1, fds, PROTO_FDS_MAX);
	peer_send_fds(sock, HALF, sizeof(HALF) - 1, fds, 1);
	ok(peer_hears(sock, "too many descriptors") && peer_gone(sock),
	   "seventeen with one message in two parts are too many");
	close(sock);
	ok(peer_fds_are(before), "and are closed");

	sock = peer_connect();
	peer_send_fds(sock, HALF, sizeof(HALF) - 1, fds, 8);
	ok(peer_fds_are(before + 9), "half a message keeps its descriptors");
	close(sock);
	ok(peer_fds_are(before), "until it is clear that there is no more");
	close(devnull);
}

/* Three calls in one packet; the descriptors come with the last one's bytes. */
static void check_order(void)
{
	static const char packet[] = INFO "\0" INFO "\0";
	static const char call[] = CREATE("third", "\"kernel\":0");
	int sock = peer_connect(), kernel = open(peer_path("k"), O_RDONLY);
	bool good;

	peer_send_fds(sock, packet, sizeof(packet) - 1, NULL, 0);
	peer_send_fds(sock, call, sizeof(call), &kernel, 1);
	good = peer_hears(sock, "version") && peer_hears(sock, "version");
	ok(good && peer_hears(sock, "\"running\""),
	   "descriptors wait for the call they came with");
	close(sock);
	peer_call(DESTROY("third"));

	/* ... even when it began in the middle of another sending. */
	sock = peer_connect();
	peer_send_fds(sock, INFO "\0{", sizeof(INFO) + 1, NULL, 0);
	peer_send_fds(sock, call + 1, sizeof(call) - 1, &kernel, 1);
	good = peer_hears(sock, "version");
	ok(good && peer_hears(sock, "\"running\""),
	   "and need not come with its first byte");
	close(sock);
	peer_call(DESTROY("third"));
	close(kernel);
	ok(peer_fds_are(before), "and are gone with the guests");
}

static void check_files(void)
{
	int fds[3], pipes[2], kernel = open(peer_path("k"), O_RDONLY);

	fds[0] = fds[1] = fds[2] = kernel;
	try(CREATE("web", ""), fds, 1, "kernel: fds does not name",
	    "a kernel that fds does not name is missed");
	try(CREATE("web", "\"kernel\":1"), fds, 1, "has not come",
	    "one that has not come is missed");
	try(CREATE("web", "\"kernel\":-1"), fds, 1, "has not come",
	    "there is no descriptor -1");
	try(CREATE("web", "\"kernel\":\"0\""), fds, 1, "has not come",
	    "nor one that is a string");
	try(CREATE("web", "\"kernel\":0"), fds, 2, "descriptor 1 is not named",
	    "one too many is refused");
	try(CREATE("web", "\"kernel\":0,\"initrd\":1"), fds, 2,
	    "initrd: has a descriptor and is not in config",
	    "so is one that the configuration does not know");
	try(CREATE_BOTH("web", "\"kernel\":0,\"initrd\":0"), fds, 1,
	    "initrd: fds names a descriptor that has not come",
	    "one cannot be two things");
	try(CREATE("web", "\"kernel\":0,\"bios\":1"), fds, 2, "'bios'",
	    "what a guest does not have is refused by its name");

	if (pipe(pipes))
		bail_out("no pipe");
	try(CREATE("web", "\"kernel\":0"), pipes, 1,
	    "kernel '/k': not a file that can be read", "a pipe is no kernel");
	fds[0] = open("/tmp", O_RDONLY | O_DIRECTORY);
	try(CREATE("web", "\"kernel\":0"), fds, 1, "not a file",
	    "a directory is no kernel");
	fds[1] = open(peer_path("k"), O_PATH);
	try(CREATE("web", "\"kernel\":0"), fds + 1, 1, "not a file",
	    "a path without a file is no kernel");
	fds[2] = open(peer_path("k"), O_WRONLY);
	try(CREATE("web", "\"kernel\":0"), fds + 2, 1, "not a file",
	    "a file that cannot be read is no kernel");
	close(kernel);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	peer_start(/* nofile= */ 0);
	peer_write("k", "print hello\n");
	before = peer_fds_settled();
	check_unwanted();
	check_order();
	check_files();
	ok(peer_fds_are(before), "lguestd holds what it held at first");
	ok(peer_stop(), "and ends as it should");
	return tap_end();
}
