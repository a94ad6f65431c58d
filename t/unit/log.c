// SPDX-License-Identifier: GPL-2.0-only
/*
 * log.c - a journal that is stuck keeps nobody waiting
 *
 * libsystemd waits until the journal has room, and the daemon did with it: its
 * guests stood still, until the watchdog killed it.  The journal is a socket of
 * ours here, which is read when we like.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../daemon/log.h"
#include "tap.h"

#define LINES 10000

static char dir[] = "/tmp/lguest-log.XXXXXX", path[64];

static int listen_there(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		bail_out("socket: %s", strerror(errno));
	return fd;
}

/* As systemd starts a service: stderr is what the variable says. */
static void start(void)
{
	char stream[64];
	struct stat st;

	if (fstat(2, &st) < 0)
		bail_out("stderr: %s", strerror(errno));
	snprintf(stream, sizeof(stream), "%llu:%llu",
		 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	if (!mkdtemp(dir))
		bail_out("mkdtemp: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s/journal", dir);
	log_journal_path = path;
	log_init("test", LOG_LEVEL_INFO);
}

/* The next entry; "" if there is none. */
static const char *hear(int journal)
{
	static char entry[16384];
	ssize_t len = recv(journal, entry, sizeof(entry) - 1, MSG_DONTWAIT);

	entry[len > 0 ? len : 0] = '\0';
	return entry;
}

static void check_entry(int journal)
{
	const char *const fields[] = { "LGUEST_STATE=gone\nPRIORITY=0", NULL };

	log_event(LOG_LEVEL_INFO, "web", "abc", fields, "gone: %s", "a\nb");
	is_str(hear(journal),
	       "MESSAGE=web: gone: a\\x0ab\nPRIORITY=6\n"
	       "SYSLOG_IDENTIFIER=test\nLGUEST_NAME=web\nMESSAGE_ID=abc\n"
	       "LGUEST_STATE=gone\\x0aPRIORITY=0\n",
	       "an entry has a line for each field, and no other");
}

static void check_stuck(int journal)
{
	unsigned int i, had = 0;
	char lost[128];
	const char *entry;

	alarm(60); /* it would wait for ever */
	for (i = 0; i < LINES; i++)
		log_say(LOG_LEVEL_INFO, NULL, "line %u", i);
	ok(1, "who says much to a journal that is stuck goes on");
	while (*(entry = hear(journal))) {
		snprintf(lost, sizeof(lost), "MESSAGE=line %u\n", had);
		had += !strncmp(entry, lost, strlen(lost));
	}
	ok(had > 0 && had < LINES, "it has what it had room for (%u)", had);
	log_say(LOG_LEVEL_INFO, NULL, "and on");
	snprintf(lost, sizeof(lost),
		 "MESSAGE=%u lines are lost: the journal did not take them\n"
		 "PRIORITY=4\nSYSLOG_IDENTIFIER=test\n",
		 LINES - had);
	is_str(hear(journal), lost, "then it hears how many it has missed");
	is_str(hear(journal),
	       "MESSAGE=and on\nPRIORITY=6\nSYSLOG_IDENTIFIER=test\n",
	       "and what comes after them");
}

static void check_away(int journal)
{
	close(journal);
	unlink(path);
	log_say(LOG_LEVEL_INFO, NULL, "to nobody");
	journal = listen_there();
	log_say(LOG_LEVEL_INFO, NULL, "to somebody");
	ok(!!strstr(hear(journal), "MESSAGE=1 lines are lost"),
	   "one that was away is told as well");
	ok(!!strstr(hear(journal), "MESSAGE=to somebody"), "and goes on");
	close(journal);
}

int main(void)
{
	int journal;

	start();
	journal = listen_there();
	check_entry(journal);
	check_stuck(journal);
	check_away(journal);
	unlink(path);
	rmdir(dir);
	return tap_end();
}
