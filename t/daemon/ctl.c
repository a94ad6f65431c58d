// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctl.c - messages that are short, long, alien or half, and many of them
 *
 * Whoever may open the control socket is trusted with guests, and still must not
 * be able to stop the daemon for the others by mistake or malice.
 */
#define _GNU_SOURCE
#include "peer.h"

#define MESSAGE_MAX (256 * 1024)

#define INFO "{\"method\":\"org.lguest.Daemon.GetInfo\"}"

static void check_framing(void)
{
	int i, sock = peer_connect();
	char text[4096] = "";
	bool in_order = true;

	peer_say(sock, INFO);
	ok(peer_hears(sock, "\"protocol\":1"), "a call is answered");
	for (i = 0; i < (int)sizeof(INFO); i++)
		if (send(sock, &INFO[i], 1, 0) != 1)
			break;
	ok(peer_hears(sock, "\"version\""),
	   "so is one that comes a byte at a time");

	for (i = 0; i < 100; i++)
		sprintf(text + 17 * i, "{\"method\":\"M%02d\"}\n", i);
	for (i = 0; text[i]; i++)
		text[i] = text[i] == '\n' ? '\0' : text[i];
	ok(send(sock, text, 17 * 100, 0) == 17 * 100,
	   "a hundred calls go in one packet");
	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "'M%02d'", i);
		in_order = in_order && peer_hears(sock, text);
	}
	ok(in_order, "and a hundred answers come back in order");
	close(sock);
}

static void check_aliens(void)
{
	static const struct {
		const char *text, *why;
	} aliens[] = {
		{ "", "not JSON" },
		{ "GET / HTTP/1.1\r\n\r\n", "not JSON" },
		{ "[]", "not a JSON object" },
		{ "{", "not JSON" },
		{ "{}", "method is not a string" },
		{ "{\"method\":1}", "method is not a string" },
		{ "{\"method\":\"a\",\"parameters\":[]}",
		  "parameters is not an object" },
		{ "{\"method\":\"a\",\"method\":\"b\"}", "not JSON" },
		{ "{\"method\":\"a\",\"more\":true}", "more than method" },
		{ "{\"method\":\"a\\u0000b\"}", "not JSON" },
		{ "{\"method\":\"\xff\"}", "not JSON" },
		{ "{\"method\":\"a\"} {}", "not JSON" },
		{ "{\"method\":\"a\",\"parameters\":{\"n\":1e999}}",
		  "not JSON" },
	};
	size_t i;
	int sock;

	for (i = 0; i < sizeof(aliens) / sizeof(aliens[0]); i++) {
		sock = peer_connect();
		peer_say(sock, aliens[i].text);
		peer_hear(sock);
		ok(peer_said("BadMessage") && peer_said(aliens[i].why) &&
			   peer_gone(sock),
		   "'%.40s' is told why, and hung up on",
		   i == 1    ? "GET"
		   : i == 10 ? "{xff}"
			     : aliens[i].text);
		close(sock);
	}
}

static void check_sizes(void)
{
	static char text[MESSAGE_MAX + 64];
	int sock = peer_connect();

	memset(text, ' ', sizeof(text));
	memcpy(text, INFO, sizeof(INFO) - 1);
	text[MESSAGE_MAX - 1] = '\0';
	peer_say(sock, text);
	ok(peer_hears(sock, "\"version\""),
	   "a message of the greatest size is a message");
	text[MESSAGE_MAX - 1] = ' ';
	text[MESSAGE_MAX] = '\0';
	peer_say(sock, text);
	ok(peer_hears(sock, "too long") && peer_gone(sock),
	   "one byte more is too many");
	close(sock);

	sock = peer_connect();
	memset(text, '[', MESSAGE_MAX - 1);
	text[MESSAGE_MAX - 1] = '\0';
	peer_say(sock, text);
	ok(peer_hears(sock, "not JSON") && peer_gone(sock),
	   "a quarter of a million brackets are no bomb");
	close(sock);
}

static void check_parameters(void)
{
	static const struct {
		const char *method, *parameters, *error, *why;
	} calls[] = {
		{ "Nothing", "{}", "NoSuchMethod", "org.lguest.Nothing" },
		{ "Guests.Info", "{}", "Invalid", "'name': Guests.Info needs" },
		{ "Guests.Info", "{\"name\":1}", "Invalid",
		  "'name': not a string" },
		{ "Guests.Info", "{\"name\":\"../x\"}", "Invalid",
		  "not a name for a guest" },
		{ "Guests.Info", "{\"name\":\"web\"}", "NoSuchGuest",
		  "no such guest" },
		{ "Guests.Info", "{\"name\":\"web\",\"colour\":1}", "Invalid",
		  "'colour': Guests.Info has none" },
		{ "Guests.Stop", "{\"name\":\"web\",\"force\":1}", "Invalid",
		  "'force': not true or false" },
		{ "Guests.Stop", "{\"name\":\"web\",\"timeout_s\":\"1\"}",
		  "Invalid", "'timeout_s': not an integer" },
		{ "Guests.Create", "{\"config\":{}}", "Invalid",
		  "'fds': Guests.Create needs" },
		{ "Guests.Create", "{\"config\":{},\"fds\":{}}", "Invalid",
		  "configuration is not valid" },
		{ "Guests.List", "{\"all\":true}", "Invalid", "'all'" },
		{ "Daemon.GetInfo", "{\"x\":null}", "Invalid", "'x'" },
	};
	char text[512];
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		snprintf(text, sizeof(text),
			 "{\"method\":\"org.lguest.%s\",\"parameters\":%s}",
			 calls[i].method, calls[i].parameters);
		peer_call(text);
		ok(peer_said(calls[i].error) && peer_said(calls[i].why),
		   "%s%s is %s", calls[i].method, calls[i].parameters,
		   calls[i].error);
	}
}

/* ---- clients that stay ---- */

#define IDLE 1000

/* As many as fit: 1024, and sixteen more of root's. */
static unsigned int places(void)
{
	return 1024 + (getuid() ? 0 : 16);
}

static void check_crowd(void)
{
	int idle[IDLE], i, answered = 0;
	int before = peer_fds_settled();

	for (i = 0; i < IDLE; i++)
		idle[i] = peer_connect();
	ok(idle[IDLE - 1] >= 0 && peer_alive(),
	   "a thousand idle clients leave room for another");
	for (i = 0; i < IDLE; i += 10)
		peer_say(idle[i], INFO);
	for (i = 0; i < IDLE; i += 10)
		answered += !!strstr(peer_hear(idle[i]), "\"version\"");
	is((unsigned int)answered, IDLE / 10, "and are not forgotten");
	for (i = 0; i < IDLE; i++)
		close(idle[i]);
	ok(peer_fds_are(before), "and nothing is left of them");
}

/*
 * Clients that said nothing had their places for ever, and nobody else got in.
 * Now who is idle makes room; who has begun a message does not, and is dealt
 * with by check_late().
 */
static void check_places(void)
{
	static int begun[2048];
	int first, second, begins, before = peer_fds_settled();
	unsigned int i;

	begins = peer_connect();
	send(begins, INFO, 1, 0);
	first = peer_connect();
	second = peer_connect();
	peer_say(first, INFO);
	peer_hear(first); /* so it is the second that is idle for longest */
	for (i = 3; i < places(); i++)
		begun[i] = peer_connect();
	ok(peer_alive(), "one more than there are places gets in");
	ok(peer_gone(second), "who was idle for longest has made room");
	peer_say(first, INFO);
	ok(peer_hears(first, "\"version\""), "and nobody else");
	send(begins, INFO + 1, sizeof(INFO) - 1, 0);
	ok(peer_hears(begins, "\"version\""),
	   "who has begun to speak may go on");

	/* Each of these takes the place of one that is idle. */
	for (i = 3; i < places(); i++)
		close(begun[i]);
	close(first);
	close(begins);
	for (i = 0; i < places(); i++) {
		begun[i] = peer_connect();
		send(begun[i], INFO, 1, 0);
	}
	first = peer_connect();
	peer_say(first, INFO);
	ok(peer_hears(first, "too many clients"),
	   "if all have begun, one more is told that they are too many");
	for (i = 0; i < places(); i++)
		close(begun[i]);
	close(first);
	close(second);
	ok(peer_fds_are(before), "and nothing is left of them");
}

/*
 * fill - say so much on sock that lguestd does not take it; is it full?
 *
 * That it does not go is no proof: lguestd may have had no time yet, take it all
 * later and have room for all the answers, which this test then waited for the end
 * of for ever.  So it is stopped at first, as if the machine were busy, questions
 * are as long as answers, and it has a turn between one try and the next.
 */
static bool fill(int sock)
{
	char text[1024];
	bool took, alive = true;
	ssize_t n;

	snprintf(text, sizeof(text), "%-*s", (int)sizeof(text) - 1, INFO);
	kill(peer_daemon, SIGSTOP);
	do {
		for (took = false;; took = true) {
			n = send(sock, text, sizeof(text),
				 MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n < 0)
				break;
		}
		alive = alive && errno == EAGAIN;
		kill(peer_daemon, SIGCONT);
		alive = alive && peer_alive();
	} while (took);
	return alive;
}

/* Two who wait for nothing, and are waited for. */
static void check_late(void)
{
	static const char half[] = "{\"method\":";
	int deaf = peer_connect(), slow = peer_connect(), quiet;
	int devnull = open("/dev/null", O_RDONLY), only_fds = peer_connect();

	quiet = peer_connect();
	ok(fill(deaf), "who never reads is not read from for ever");
	ok(peer_alive(), "and keeps no answer from others");
	peer_send_fds(slow, half, sizeof(half) - 1, NULL, 0);
	peer_send_fds(only_fds, half, 1, &devnull, 1);
	ok(peer_gone(slow), "who sends half a message is hung up on, in time");
	ok(peer_gone(only_fds), "descriptors do not make it whole");
	while (recv(deaf, peer_reply, sizeof(peer_reply), 0) > 0)
		;
	ok(1, "who never reads is hung up on, in time");
	peer_say(quiet, INFO);
	ok(peer_hears(quiet, "\"version\""),
	   "who said nothing all the while may stay");
	close(deaf);
	close(slow);
	close(only_fds);
	close(quiet);
	close(devnull);
}

int main(void)
{
	struct rlimit limit;
	int before;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	signal(SIGPIPE, SIG_IGN);
	peer_start(/* nofile= */ 0);
	before = peer_fds_settled();
	check_framing();
	check_aliens();
	check_sizes();
	check_parameters();
	check_crowd();
	check_places();
	check_late();
	ok(peer_fds_are(before), "lguestd holds what it held at first");
	ok(peer_stop(), "and ends as it should");
	return tap_end();
}
