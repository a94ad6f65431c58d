// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctl-nofile.c - an lguestd that may have forty descriptors
 *
 * A socket one cannot accept from stays readable, and a loop that asks it again
 * and again does nothing else.
 */
#define _GNU_SOURCE
#include "peer.h"

#define NOFILE  40
#define CLIENTS 60

#define INFO "{\"method\":\"org.lguest.Daemon.GetInfo\"}"

static unsigned int count_in_log(const char *what)
{
	FILE *file = fopen(peer_path("log"), "re");
	char line[1024];
	unsigned int count = 0;

	while (file && fgets(line, sizeof(line), file))
		count += !!strstr(line, what);
	if (file)
		fclose(file);
	return count;
}

/* Of those who all are looked at at once. */
static int first_to_hear(const int *clients, int count)
{
	struct pollfd pollers[CLIENTS];
	int i;

	for (i = 0; i < count; i++)
		pollers[i] = (struct pollfd){ clients[i], POLLIN, 0 };
	poll(pollers, (nfds_t)count, -1);
	for (i = 0; i < count - 1 && !pollers[i].revents; i++)
		;
	return i;
}

int main(void)
{
	int clients[CLIENTS], i, fds[8], sock, answered = 0;
	char half[] = "{";

	signal(SIGPIPE, SIG_IGN);
	peer_start(NOFILE);
	for (i = 0; i < CLIENTS; i++) {
		clients[i] = peer_connect();
		peer_say(clients[i], INFO);
	}
	ok(peer_hears(clients[0], "\"version\""),
	   "who came while there was room is served");
	while (!count_in_log("no one gets in for now"))
		usleep(10000);
	ok(count_in_log("no one gets in for now") < 5,
	   "the others wait, and the log is not full of them");
	for (i = 0; i < CLIENTS; i++) {
		if (i)
			answered += peer_hears(clients[i], "\"version\"");
		close(clients[i]);
	}
	is((unsigned int)answered, CLIENTS - 1,
	   "they get in when somebody goes");

	/* Descriptors that cannot be taken in are an error, not a loss. */
	sock = peer_connect();
	for (i = 0; i < 8; i++)
		fds[i] = sock;
	for (i = 0; i < 4; i++) {
		clients[i] = peer_connect();
		peer_send_fds(clients[i], half, 1, fds, 8);
	}
	i = first_to_hear(clients, 4);
	ok(peer_hears(clients[i], "more descriptors than could be taken") &&
		   peer_gone(clients[i]),
	   "who sends more than there is room for is told so");
	for (i = 0; i < 4; i++)
		close(clients[i]);
	close(sock);
	ok(peer_alive(), "and everybody else is served on");
	ok(peer_stop(), "lguestd ends as it should");
	return tap_end();
}
