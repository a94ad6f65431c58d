// SPDX-License-Identifier: GPL-2.0-only
/*
 * adopt.c - what a daemon finds in the store, and what it makes of it
 *
 * Whole guests, guests whose process has died while nobody looked, guests that
 * were only half way there, parts of guests, things that are no guests', and a
 * guest that a newer daemon has left.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "fdstore.h"
#include "tap.h"

#define VERSION_AT 8 /* of a record: see daemon/record.c */

static struct fdstore store;
static char *daemon_argv[6];
static char word[32];

static void keep_listening(void)
{
	fdstore_listen(&store, 5);
}

static void kill_daemon(void)
{
	fdstore_end(&store, SIGKILL);
}

static void next_daemon(void)
{
	fdstore_start(&store, daemon_argv);
	fdstore_until_ready(&store);
}

static const char *state(const char *name)
{
	return client_word(store.path, name, "state", word);
}

static void until(const char *name, const char *want)
{
	while (strcmp(state(name), want))
		keep_listening();
}

static void destroy(const char *name)
{
	json_decref(client_call(store.path, "Guests.Destroy",
				json_pack("{ss}", "name", name)));
}

static int has_error(const char *method, const char *name)
{
	json_t *json = client_call(store.path, method,
				   json_pack("{ss}", "name", name));
	int error = json_object_get(json, "error") != NULL;

	json_decref(json);
	return error;
}

static void check_whole(void)
{
	long pid, since;
	char *text;

	client_create(store.path, "web",
		      "print hello\npower 40\nwait\n"
		      "poweroff bye\n",
		      "{\"on_poweroff\":\"preserve\"}");
	while (!strstr(text = client_console(store.path, "web"), "hello"))
		free(text);
	free(text);
	pid = client_number(store.path, "web", "pid");
	since = client_number(store.path, "web", "since_us");
	kill_daemon();
	next_daemon();
	is_str(state("web"), "running", "a guest goes on");
	is((unsigned long)client_number(store.path, "web", "pid"),
	   (unsigned long)pid, "in its process");
	is((unsigned long)client_number(store.path, "web", "since_us"),
	   (unsigned long)since, "since when it did");
	text = client_console(store.path, "web");
	is_str(text, "hello\n", "what it has printed is there");
	free(text);
	ok(!has_error("Guests.Pause", "web"), "it can be paused");
	kill_daemon();
	next_daemon();
	is_str(state("web"), "paused", "it stays paused");
	ok(!has_error("Guests.Stop", "web"), "it has its power button still");
	is_str(state("web"), "stopped", "... and heeds it");
	kill_daemon();
	next_daemon();
	is_str(state("web"), "stopped", "it stays stopped");
	text = client_console(store.path, "web");
	ok(strstr(text, "powered off: bye") != NULL, "and why is known");
	free(text);
	destroy("web");
}

/* How much it has printed. */
static size_t text_of(const char *name)
{
	char *text = client_console(store.path, name);
	size_t len = strlen(text);

	free(text);
	return len;
}

static void check_paused(void)
{
	size_t before;
	int i;

	client_create(store.path, "web", "power 40\ncount\npoweroff\n", "{}");
	while (text_of("web") < 100)
		keep_listening();
	ok(!has_error("Guests.Pause", "web"), "one that prints is paused");
	kill_daemon();
	next_daemon();
	before = text_of("web");
	for (i = 0; i < 20; i++)
		keep_listening();
	is(text_of("web"), before, "... and prints no more under the next");
	ok(!has_error("Guests.Resume", "web"), "... until it is resumed");
	while (text_of("web") <= before)
		keep_listening();
	destroy("web");
}

/* A writer of a guest's console; the answer, which ends with a NUL, was read. */
static int writer_of(const char *name)
{
	int fd = client_begin(
		store.path, "Guests.Console",
		json_pack("{ss sb sb}", "name", name, "write", 1, "follow", 1));
	char byte = 1;

	while (recv(fd, &byte, 1, MSG_DONTWAIT) < 0 || byte)
		keep_listening();
	return fd;
}

/* What had been typed and not been read was gone with the daemon. */
static void check_typed(void)
{
	char *text = NULL;
	int fd;

	client_create(store.path, "web",
		      "print hello\npower 40\ninput 41\nwait\necho\n", "{}");
	while (strcmp(state("web"), "running") || text_of("web") < 6)
		keep_listening();
	fd = writer_of("web");
	ok(send(fd, "typed before", 12, MSG_NOSIGNAL) == 12,
	   "somebody types to one that does not read");
	state("web");
	state("web"); /* a turn of the loop after that it has the text */
	kill_daemon();
	next_daemon();
	close(fd);
	fd = writer_of("web");
	send(fd, ", and after", 11, MSG_NOSIGNAL);
	close(client_begin(store.path, "Guests.Stop",
			   json_pack("{ss}", "name", "web")));
	do {
		free(text);
		text = client_console(store.path, "web");
		keep_listening();
	} while (!strstr(text, "after") || !strstr(text, "stopping]"));
	*strstr(text, "\n[web: stopping]") = '\0';
	is_str(text, "hello\ntyped before, and after",
	       "under the next daemon it reads all of it, in order");
	free(text);
	close(fd);
	destroy("web");
}

static void check_dead(void)
{
	json_t *json;
	long pid;

	client_create(store.path, "web", "wait\n", "{}");
	client_create(store.path, "again", "wait\n",
		      "{\"on_crash\":\"restart\"}");
	pid = client_number(store.path, "web", "pid");
	kill_daemon();
	kill((pid_t)pid, SIGKILL);
	next_daemon();
	until("web", "crashed");
	json = client_call(store.path, "Guests.Info",
			   json_pack("{ss}", "name", "web"));
	ok(strstr(json_string_value(json_object_get(
			  json_object_get(json, "parameters"), "why")),
		  "has died") != NULL,
	   "one that died while nobody looked has crashed");
	json_decref(json);
	destroy("web");
	pid = client_number(store.path, "again", "pid");
	kill_daemon();
	kill((pid_t)pid, SIGKILL);
	next_daemon();
	while (client_number(store.path, "again", "restarts") != 1)
		keep_listening();
	until("again", "running");
	ok(1, "... or is started again, as its configuration says");
	destroy("again");
}

static void drop(const char *name)
{
	unsigned int i;

	for (i = 0; i < store.count; i++) {
		if (strcmp(store.kept[i].name, name))
			continue;
		close(store.kept[i].fd);
		store.kept[i] = store.kept[--store.count];
		return;
	}
	bail_out("'%s' is not stored", name);
}

static void check_parts(void)
{
	long pid;
	int runner;

	client_create(store.path, "web", "wait\n",
		      "{\"on_crash\":\"restart\"}");
	pid = client_number(store.path, "web", "pid");
	kill_daemon();
	drop("web.vcpu0");
	next_daemon();
	while (client_number(store.path, "web", "restarts") != 1)
		keep_listening();
	until("web", "running");
	ok(client_number(store.path, "web", "pid") != pid,
	   "one of which a part was not kept is started again");
	kill_daemon();
	runner = fcntl(fdstore_find(&store, "web.runner"), F_DUPFD_CLOEXEC, 0);
	drop("web.state");
	next_daemon();
	is_str(state("web"), "", "one whose state was not kept is none");
	fdstore_listen(&store, 0);
	is(fdstore_guests(&store), 0, "... and nothing of it is kept");
	while (pidfd_send_signal(runner, 0, NULL, 0) == 0 &&
	       waitid(P_PIDFD, (id_t)runner, &(siginfo_t){ 0 },
		      WEXITED | WNOHANG) < 0)
		keep_listening();
	ok(1, "... nor does it run");
	close(runner);
}

static void add_memfd(const char *name, const char *text)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		bail_out("memfd: %s", strerror(errno));
	fdstore_add(&store, name, fd);
}

static void check_alien(void)
{
	pid_t child = fork();

	if (child == 0) {
		for (;;)
			pause();
	}
	kill_daemon();
	add_memfd("foo", "");
	add_memfd("x.vm", "");
	add_memfd("y.state", "{}");
	add_memfd("y.ram", "");
	add_memfd(".state", "");
	add_memfd("..", "");
	fdstore_add(&store, "z.runner", pidfd_open(child, 0));
	next_daemon();
	waitpid(child, NULL, 0);
	ok(1, "a runner that nobody knows is not left to run");
	keep_listening();
	ok(fdstore_find(&store, "x.vm") < 0 &&
		   fdstore_find(&store, "y.ram") < 0 &&
		   fdstore_find(&store, "y.state") < 0 &&
		   fdstore_find(&store, "z.runner") < 0,
	   "what is no guest's is let go of");
	is_str(state("y"), "", "... and no guest");
	while (store.count)
		close(store.kept[--store.count].fd);
}

static void set_version(uint32_t version)
{
	if (pwrite(fdstore_find(&store, "web.state"), &version, sizeof(version),
		   VERSION_AT) != sizeof(version))
		bail_out("record: %s", strerror(errno));
}

static void check_newer(void)
{
	unsigned int count;
	long pid;

	client_create(store.path, "web", "power 40\nwait\npoweroff\n", "{}");
	pid = client_number(store.path, "web", "pid");
	kill_daemon();
	count = fdstore_guests(&store);
	set_version(2);
	next_daemon();
	is_str(state("web"), "running", "a newer daemon's guest is shown");
	ok(has_error("Guests.Stop", "web") && has_error("Guests.Pause", "web"),
	   "... and not touched");
	kill_daemon();
	is(fdstore_guests(&store), count, "... nor is what is kept of it");
	is((unsigned)kill((pid_t)pid, 0), 0, "... and it runs");
	set_version(1);
	next_daemon();
	ok(!has_error("Guests.Stop", "web"), "who knows it has it back");
	until("web", "");
}

/* It was started again by one who did not know what it had been. */
static void check_newer_dead(void)
{
	long pid;

	client_create(store.path, "web", "wait\n",
		      "{\"on_crash\":\"restart\"}");
	pid = client_number(store.path, "web", "pid");
	kill_daemon();
	set_version(2);
	next_daemon();
	kill((pid_t)pid, SIGKILL);
	until("web", "crashed");
	is((unsigned)client_number(store.path, "web", "restarts"), 0,
	   "a newer daemon's guest that dies is dead, whatever it has asked");
	ok(has_error("Guests.Reset", "web"), "... and not started anew");
	destroy("web");
	until("web", "");
}

static void check_half_way(void)
{
	long pid;
	int fd;

	fd = client_begin_create(store.path, "slow", "hang\n");
	until("slow", "starting");
	pid = client_number(store.path, "slow", "pid");
	kill_daemon();
	close(fd);
	next_daemon();
	until("slow", "starting");
	while (client_number(store.path, "slow", "pid") == pid)
		keep_listening();
	ok(1, "one that was still loading loads anew");
	destroy("slow");
}

/*
 * The daemon was killed between the first and the second thing that it put in
 * the store.  A guest without a kernel was then tried again and again, for ever.
 */
static void check_no_kernel(void)
{
	int fd = client_begin_create(store.path, "slow", "hang\n");

	until("slow", "starting");
	kill_daemon();
	close(fd);
	drop("slow.kernel");
	next_daemon();
	until("slow", "");
	ok(1, "one that can never start is none");
	client_create(store.path, "web", "wait\n", "{}");
	kill_daemon();
	drop("web.kernel");
	next_daemon();
	is_str(state("web"), "running", "one that runs needs no kernel");
	ok(!has_error("Guests.Reset", "web"), "... until it is started anew");
	until("web", "crashed");
	ok(1, "... and then it is kept for who wants to know why");
	destroy("web");
}

/*
 * A plain kill of the daemon was an end that systemd took for wanted, and it let
 * go of all guests: lguestd.service has it started again after this status.
 */
static void check_term(void)
{
	int status;

	client_create(store.path, "web", "wait\n", "{}");
	status = fdstore_end(&store, SIGTERM);
	is((unsigned)WEXITSTATUS(status), 75,
	   "an end that leaves guests says so");
	next_daemon();
	is_str(state("web"), "running", "... and they wait for the next");
	destroy("web");
}

int main(int argc, char **argv)
{
	char conf[128];

	(void)argc;
	alarm(300);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	setenv("FAKE_TIMES", "1 20 3600000 60000 1000 1", 1);
	client_meanwhile = keep_listening;
	fdstore_init(&store);
	client_write_conf(store.dir, conf, sizeof(conf));
	daemon_argv[0] = client_program(argv[0], "lguestd");
	daemon_argv[1] = strdup("-c");
	daemon_argv[2] = conf;
	daemon_argv[3] = strdup("--log-level");
	daemon_argv[4] = strdup(getenv("STORM_LOG") ? "info" : "err");
	next_daemon();
	check_whole();
	check_paused();
	check_typed();
	check_dead();
	check_parts();
	check_alien();
	check_newer();
	check_newer_dead();
	check_half_way();
	check_no_kernel();
	check_term();
	keep_listening();
	is(fdstore_guests(&store), 0,
	   "nothing is stored of guests that are gone");
	is((unsigned)fdstore_end(&store, SIGTERM), 0, "no leak");
	fdstore_fini(&store);
	return tap_end();
}
