// SPDX-License-Identifier: GPL-2.0-only
/*
 * storm.c - lguestd is killed a hundred times, and no guest hears of it
 *
 * At moments that nobody chooses, while guests print, end and start again, are
 * made and destroyed.  Afterwards those that were there are there, in the same
 * processes, and what they have printed has no gap: a number may be there twice,
 * which is a daemon that was killed between hearing and answering.
 *
 *	storm [KILLS [SEED]]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "client.h"
#include "fdstore.h"
#include "tap.h"

#define COUNTERS 3

static struct fdstore store;
static char *daemon_argv[] = { NULL, NULL, NULL, NULL, NULL, NULL };

static void start(void)
{
	fdstore_start(&store, daemon_argv);
}

static void keep_listening(void)
{
	fdstore_listen(&store, 5);
}

/* Runners whose daemon has been killed are ours to bury. */
static void bury(void)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, WNOHANG | __WNOTHREAD);
	while (pid > 0 && pid != store.pid);
}

static void make_guests(const char *path)
{
	char name[16];
	int i;

	for (i = 0; i < COUNTERS; i++) {
		snprintf(name, sizeof(name), "count%d", i);
		client_create(path, name, "power 40\ncount\npoweroff\n",
			      "{\"on_crash\":\"preserve\"}");
	}
	client_create(path, "again", "print x\nrestart\n", "{}");
	client_create(path, "falls", "print x\ndie\n",
		      "{\"on_crash\":\"restart\"}");
	client_create(path, "still", "power 40\nwait\npoweroff\n", "{}");
	client_create(path, "off", "print bye\npoweroff\n",
		      "{\"on_poweroff\":\"preserve\"}");
}

static void storm(unsigned int kills)
{
	char name[16];
	unsigned int i;
	int fd;

	for (i = 0; i < kills; i++) {
		if (rand() % 4)
			fdstore_until_ready(&store);
		/* One is made, or destroyed, and nobody waits for the answer. */
		snprintf(name, sizeof(name), "churn%d", rand() % 4);
		fd = rand() % 3 ? client_begin_create(store.path, name,
						      "print x\n")
				: client_begin(store.path, "Guests.Destroy",
					       json_pack("{ss}", "name", name));
		fdstore_listen(&store, rand() % 8);
		usleep((useconds_t)(rand() % 6000));
		fdstore_end(&store, SIGKILL);
		close(fd);
		bury();
		start();
	}
	fdstore_until_ready(&store);
}

/* Numbers, each on a line and after the one before it, or the same. */
static void check_numbers(const char *name)
{
	char *text = client_console(store.path, name), *at = text, *line;
	unsigned long last = 0, number, lines = 0, gaps = 0, twice = 0;

	at = strchr(at, '\n'); /* the first line may be half of one */
	while (at && (line = strsep(&at, "\n")) && at) {
		if (!*line || *line == '[')
			continue;
		number = strtoul(line, NULL, 10);
		if (lines++ && number != last + 1 && number != last) {
			diag("%s: after %lu: '%s'", name, last, line);
			gaps++;
		}
		twice += lines > 1 && number == last;
		last = number;
	}
	is(gaps, 0, "%s: %lu lines to %lu and no gap (%lu of them twice)", name,
	   lines, last, twice);
	free(text);
}

static void destroy(const char *name)
{
	json_decref(client_call(store.path, "Guests.Destroy",
				json_pack("{ss}", "name", name)));
}

static void check_end(unsigned int fds)
{
	static const char *const names[] = { "count0", "count1", "count2",
					     "again",  "falls",  "still",
					     "off",    "churn0", "churn1",
					     "churn2", "churn3" };
	char word[16];
	unsigned int i, children = 0, left = 0;
	FILE *file;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		destroy(names[i]);
	fdstore_listen(&store, 0);
	/* What has no dot is the daemon's own, and of no guest. */
	for (i = 0; i < store.count; i++) {
		if (!strchr(store.kept[i].name, '.'))
			continue;
		diag("still stored: %s", store.kept[i].name);
		left++;
	}
	is(left, 0, "with the guests all that was stored has gone");
	while (client_fds_of(store.pid) > fds)
		keep_listening();
	ok(1, "lguestd has as few descriptors as at first");
	bury();
	file = fopen("/proc/thread-self/children", "re");
	while (file && fscanf(file, "%15s", word) == 1)
		children += atoi(word) != store.pid;
	if (file)
		fclose(file);
	is(children, 0, "and no runner is left");
	is((unsigned)fdstore_end(&store, SIGTERM), 0,
	   "it ends in peace, without leaks");
}

int main(int argc, char **argv)
{
	unsigned int kills = argc > 1 ? (unsigned int)atoi(argv[1]) : 100;
	unsigned int seed =
		argc > 2 ? (unsigned int)atoi(argv[2]) : (unsigned int)getpid();
	char name[16], want[32], conf[128];
	long pids[COUNTERS];
	unsigned int fds;
	int i;

	diag("%u kills, seed %u", kills, seed);
	srand(seed);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	alarm(600);
	setenv("FAKE_TIMES", "1 20 3600000 60000 1000 1", 1);
	client_meanwhile = keep_listening;
	fdstore_init(&store);
	client_write_conf(store.dir, conf, sizeof(conf));
	daemon_argv[0] = client_program(argv[0], "lguestd");
	daemon_argv[1] = strdup("-c");
	daemon_argv[2] = conf;
	daemon_argv[3] = strdup("--log-level");
	daemon_argv[4] = strdup(getenv("STORM_LOG") ? "info" : "err");
	start();
	fdstore_until_ready(&store);
	/* What it has open for a moment only is not counted. */
	for (i = 0, fds = ~0U; i < 20; i++) {
		keep_listening();
		if (client_fds_of(store.pid) < fds)
			fds = client_fds_of(store.pid);
	}
	make_guests(store.path);
	for (i = 0; i < COUNTERS; i++) {
		snprintf(name, sizeof(name), "count%d", i);
		pids[i] = client_number(store.path, name, "pid");
	}
	storm(kills);
	for (i = 0; i < COUNTERS; i++) {
		snprintf(name, sizeof(name), "count%d", i);
		is_str(client_word(store.path, name, "state", want), "running",
		       "%s runs", name);
		is((unsigned long)client_number(store.path, name, "pid"),
		   (unsigned long)pids[i], "... in the same process");
		check_numbers(name);
	}
	ok(client_number(store.path, "again", "restarts") > 0,
	   "one that reboots all the time has done so %ld times",
	   client_number(store.path, "again", "restarts"));
	ok(client_number(store.path, "falls", "restarts") > 0,
	   "one that dies all the time has been started %ld times",
	   client_number(store.path, "falls", "restarts"));
	is_str(client_word(store.path, "still", "state", want), "running",
	       "one that does nothing does so still");
	is_str(client_word(store.path, "off", "state", want), "stopped",
	       "one that was off is off");
	check_end(fds);
	fdstore_fini(&store);
	return tap_end();
}
