// SPDX-License-Identifier: GPL-2.0-only
/*
 * watch.c - consoles: who sees what, who may type, and who is never waited for
 *
 * Clients are our ends of socket pairs.  One that does not read is slow, one
 * that is closed is dead; neither may cost the guest or the daemon anything.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"
#include "tap.h"

#define BUTTON "power 40\ninput 41\n"
#define ROOM   (4 << 20)

static const struct console_client watcher = { .follow = true };
static const struct console_client reader = { 0 };
static const struct console_client writer = { .write = true, .follow = true };
static const struct console_client taker = { .write = true,
					     .force = true,
					     .follow = true };

static char text[ROOM + 1];
static size_t text_len;
static struct why why;

/* A client; or what refused it. */
static int attach(struct vm *vm, const struct console_client *as)
{
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		bail_out("socketpair: %s", strerror(errno));
	r = console_attach(vm, pair[1], as, &why);
	if (r == 0)
		return pair[0];
	close(pair[0]);
	close(pair[1]);
	return r;
}

/* What has come to it, until it is all there or an end. */
static const char *hear(int fd, const char *until)
{
	ssize_t len;

	text_len = 0;
	text[0] = '\0';
	for (;;) {
		len = recv(fd, text + text_len, ROOM - text_len, MSG_DONTWAIT);
		if (len == 0)
			return text;
		if (len < 0) {
			inside_turn();
			continue;
		}
		text_len += (size_t)len;
		text[text_len] = '\0';
		if (until && strstr(text, until))
			return text;
	}
}

static void end(struct vm *vm)
{
	vm_destroy(vm);
	inside_gone("web");
}

static void check_words(void)
{
	struct vm *vm = inside_guest("web",
				     BUTTON "wait\nprint hello\n"
					    "wait\ncrash at last\n",
				     "");
	int fd = attach(vm, &watcher), late;

	while (!vm->input_vector)
		inside_turn();
	is_str(hear(fd, "]\n"), "[web: no output yet]\n",
	       "who watches a silent guest is told that it is");
	vm_stop(vm, 60, &why);
	is_str(hear(fd, "\n"), "hello\n", "what it prints comes");
	vm_event_del(&vm->timer);
	vm_set_state(vm, VM_RUNNING);
	vm_pause(vm, &why);
	late = attach(vm, &reader);
	is_str(hear(late, NULL), "hello\n[web: paused]\n",
	       "who comes late sees it too, and why no more comes; then an "
	       "end");
	close(late);
	vm_stop(vm, 60, &why);
	vm_event_del(&vm->timer);
	vm_set_state(vm, VM_RUNNING);
	inside_until(vm, VM_CRASHED);
	is_str(hear(fd, "]\n"), "[web: crashed: at last]\n",
	       "it hears of a crash");
	late = attach(vm, &reader);
	is_str(hear(late, NULL),
	       "hello\n[web: crashed: at last]\n"
	       "[web: crashed: crashed: at last]\n",
	       "and so does one who comes after it");
	close(late);
	vm_destroy(vm);
	is_str(hear(fd, NULL), "[web: destroyed]\n",
	       "the guest's end is the console's");
	inside_gone("web");
	close(fd);
}

static void check_ring(void)
{
	struct vm *vm = inside_guest("web", BUTTON "bytes 2600000\nprint !\n",
				     "{\"console\":{\"log\":false}}");
	int slow = attach(vm, &watcher), fd;
	unsigned long long lost = 0;
	size_t before = 0;
	const char *note;

	while (vm->console && !strstr(inside_text(vm), "!\n"))
		inside_turn();
	fd = attach(vm, &reader);
	hear(fd, NULL);
	is(text_len, RING_BYTES, "a late one sees the last megabyte");
	is_str(text + text_len - 2, "!\n", "... to its end");
	close(fd);

	hear(slow, "!\n");
	note = strstr(text, "\n[... ");
	if (ok(note != NULL, "a slow one is told what it has missed"))
		sscanf(note, "\n[... %llu bytes lost]\n", &lost);
	before = strlen("[web: no output yet]\n");
	if (note)
		before += strlen("\n[...  bytes lost]\n") +
			  (size_t)snprintf(NULL, 0, "%llu", lost);
	is(text_len - before + lost, 2600002, "to the byte");
	ok(lost > 1000000, "and that is a lot (%llu)", lost);
	close(slow);
	end(vm);
}

static void check_dead(void)
{
	struct vm *vm = inside_guest("web", BUTTON "count\npoweroff\n",
				     "{\"console\":{\"log\":false}}");
	unsigned int i;
	int fd[40], last = 0;

	for (i = 0; i < 40; i++) {
		fd[i] = attach(vm, i % 2 ? &watcher : &reader);
		last = fd[i] < 0 ? fd[i] : last;
	}
	is((unsigned)-last, EBUSY, "there is a limit to watchers: '%s'",
	   why.text);
	for (i = 0; i < 40; i++)
		close(fd[i]);
	fd[0] = -1;
	while (fd[0] < 0) {
		inside_turn();
		fd[0] = attach(vm, &watcher);
	}
	ok(1, "the dead make room for others");
	hear(fd[0], "1\n");
	close(fd[0]);
	vm_stop(vm, 60, &why);
	is_str(inside_gone("web"), "powered off", "and the guest goes on");
}

static void check_writers(void)
{
	struct vm *vm = inside_guest("web", BUTTON "echo\npoweroff\n", "");
	int one = attach(vm, &writer), two, three;

	is((unsigned)-attach(vm, &writer), EBUSY, "one writes: '%s'", why.text);
	hear(one, "]\n");
	send(one, "abc", 3, 0);
	is_str(hear(one, "abc"), "abc", "what is typed reaches the guest");
	two = attach(vm, &taker);
	is_str(hear(one, "]\n"),
	       "\n[web: somebody else writes now, you watch]\n",
	       "one whose place is taken is told");
	hear(two, "abc");
	send(one, "xyz", 3, 0);
	send(two, "def", 3, 0);
	is_str(hear(one, "def"), "def", "... watches, and types in vain");
	close(two);
	while ((three = attach(vm, &writer)) < 0)
		inside_turn();
	ok(1, "when the writer goes another may come");
	close(three);
	close(one);
	vm_stop(vm, 60, &why);
	inside_gone("web");
}

/* As much as all queues hold. */
static size_t type_a_lot(int fd)
{
	size_t sent = 0, in_vain = 0;
	char byte;

	while (in_vain < 3) {
		byte = (char)('a' + sent % 26);
		if (send(fd, &byte, 1, MSG_DONTWAIT) == 1) {
			sent++;
			in_vain = 0;
			continue;
		}
		in_vain++;
		event_base_loop(inside.base, EVLOOP_NONBLOCK);
	}
	return sent;
}

static void check_flow(void)
{
	struct vm *vm = inside_guest("web", BUTTON "wait\necho\npoweroff\n",
				     "{\"console\":{\"log\":false}}");
	size_t sent, i, wrong = 0;
	int fd = attach(vm, &writer), next;

	hear(fd, "]\n");
	while (!vm->input_vector)
		inside_turn();
	sent = type_a_lot(fd);
	ok(sent > 4096, "who types faster than the guest reads has to wait");
	vm_stop(vm, 60, &why);
	for (text_len = 0; text_len < sent;) {
		ssize_t len = recv(fd, text + text_len, ROOM, MSG_DONTWAIT);

		if (len > 0)
			text_len += (size_t)len;
		else
			inside_turn();
	}
	for (i = 0; i < sent; i++)
		wrong += text[i] != (char)('a' + i % 26);
	is(wrong, 0, "but all of it arrives, in order (%zu bytes)", sent);
	vm_stop(vm, 60, &why);
	is_str(inside_gone("web"), "powered off", "and the guest goes on");
	close(fd);

	vm = inside_guest("web", BUTTON "wait\n", "");
	fd = attach(vm, &writer);
	type_a_lot(fd);
	close(fd);
	next = attach(vm, &writer);
	ok(next >= 0, "a writer who is gone is not in the way, though its last "
		      "words are not read");
	close(next);
	end(vm);
}

/* As much as is taken of it, or 8 MiB. */
static size_t flood(int fd)
{
	static const char block[4096];
	size_t sent = 0, in_vain = 0;
	ssize_t n;

	while (in_vain < 3 && sent < 8 << 20) {
		n = send(fd, block, sizeof(block), MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		in_vain = n > 0 ? 0 : in_vain + 1;
		event_base_loop(inside.base, EVLOOP_NONBLOCK);
	}
	return sent;
}

/*
 * A guest went while its writer had not read all of its last words.  Whatever
 * that one typed from then on was kept, for nobody, until there was no memory.
 */
static void check_typed_in_vain(void)
{
	struct vm *vm = inside_guest("web", "bytes 900000\npoweroff\n",
				     "{\"console\":{\"log\":false}}");
	int fd = attach(vm, &writer);

	inside_gone("web");
	ok(flood(fd) < 8 << 20, "what is typed to who is gone is not kept");
	hear(fd, NULL);
	ok(text_len >= 900000, "... and its last words come all the same");
	close(fd);
}

/*
 * Each guest that went with a slow watcher left its megabyte behind for as long
 * as that one took; and who can create guests can create and destroy many.
 */
static void check_many_last_words(void)
{
	unsigned int i, kept = 0;
	int fd[100];

	for (i = 0; i < 100; i++) {
		fd[i] = attach(inside_guest("web", "bytes 900000\npoweroff\n",
					    "{\"console\":{\"log\":false}}"),
			       &watcher);
		inside_gone("web");
	}
	for (i = 0; i < 10; i++)
		event_base_loop(inside.base, EVLOOP_NONBLOCK);
	for (i = 0; i < 100; i++) {
		text_len = 0;
		while (text_len < 900000) {
			ssize_t len = recv(fd[i], text, ROOM, MSG_DONTWAIT);

			if (len == 0)
				break;
			if (len > 0)
				text_len += (size_t)len;
			else
				inside_turn();
		}
		kept += text_len >= 900000;
		close(fd[i]);
	}
	is(kept, 64, "so many guests leave last words behind, and no more");
}

/* It had typed more than the queue holds, and was never listened to again. */
static void check_typed_before(void)
{
	struct vm *vm = inside_guest("web", BUTTON "wait\necho\npoweroff\n",
				     "{\"console\":{\"log\":false}}");
	int fd = attach(vm, &writer);
	unsigned int i;

	hear(fd, "]\n");
	type_a_lot(fd);
	vm_reset(vm, &why);
	inside_until(vm, VM_STARTING);
	inside_until(vm, VM_RUNNING);
	while (!vm->input_vector)
		inside_turn();
	vm_stop(vm, 60, &why);
	vm_event_del(&vm->timer);
	vm_set_state(vm, VM_RUNNING);
	for (i = 0; i < 1000 && send(fd, "!", 1, MSG_DONTWAIT) != 1; i++)
		event_base_loop(inside.base, EVLOOP_NONBLOCK);
	ok(i < 1000 && strchr(hear(fd, "!"), '!') != NULL,
	   "who typed too much to a guest can type to it when it starts anew");
	close(fd);
	end(vm);
}

static void check_hostile_text(void)
{
	struct vm *vm = inside_guest(
		"web",
		BUTTON "fill 3ffff0 10\nnotify 3ffff8\nnotify 400000\n"
		       "notify 200000\nfill 100000 5000\nnotify 100000\n"
		       "notify 0500000000000000\nnotify 0100000000000007\n"
		       "print done\n",
		"");
	const char *at;
	size_t run;

	while (!strstr(inside_text(vm), "done"))
		inside_turn();
	at = inside_text(vm);
	ok(!strncmp(at, "xxxxxxxx0\n", 10), "text ends where RAM does");
	at += 10;
	ok(!strncmp(at, "0xffffffffffffffff\n", 19), "what is behind is none");
	at += 19;
	ok(!strncmp(at, "0\n", 2), "RAM that is not there yet is empty text");
	at += 2;
	run = strspn(at, "x");
	is(run, 16384, "text without an end is cut off");
	at += run;
	is_str(at, "0\n0xffffffffffffffff\n0xffffffffffffffff\ndone\n",
	       "unknown tokens and vectors that are none are refused");
	end(vm);
}

static void check_log(void)
{
	struct vm *vm = inside_guest("web", BUTTON "bytes 100000\nprint !\n",
				     "{\"console\":{\"log_size\":\"64K\"}}");
	char path[128], old[160];
	struct stat st, st_old;

	while (!strstr(inside_text(vm), "!\n"))
		inside_turn();
	snprintf(path, sizeof(path), "%s/web.console", inside_dir);
	snprintf(old, sizeof(old), "%s.1", path);
	ok(stat(path, &st) == 0 && stat(old, &st_old) == 0,
	   "there are two files");
	ok(st.st_size <= 65536 && st_old.st_size <= 65536,
	   "neither is larger than was asked (%lld, %lld)",
	   (long long)st.st_size, (long long)st_old.st_size);
	is(st.st_mode & 0777, 0640, "they are not for everybody");
	end(vm);
	unlink(path);
	if (symlink("/dev/null", path) < 0)
		bail_out("symlink: %s", strerror(errno));
	vm = inside_guest("web", "print x\n", "");
	while (!strstr(inside_text(vm), "x\n"))
		inside_turn();
	ok(lstat(path, &st) == 0 && S_ISLNK(st.st_mode),
	   "a link is not followed, and the guest prints all the same");
	end(vm);
	unlink(path);
}

/* All that it said, to one who has not read a byte of it before the end. */
static void check_last_words(void)
{
	struct vm *vm = inside_guest("web", "bytes 900000\npoweroff\n",
				     "{\"console\":{\"log\":false}}");
	int fd = attach(vm, &watcher), deaf = attach(vm, &watcher);

	vm_timing.linger_ms = 1;
	inside_gone("web");
	/* Nobody reads, so all that there is to wait for is that time. */
	inside_turn();
	inside_turn();
	hear(fd, NULL);
	ok(text_len < 900000, "who is too slow at the end is left (%zu)",
	   text_len);
	close(fd);
	close(deaf);
	vm_timing.linger_ms = 60000;
	vm = inside_guest("web", "bytes 900000\npoweroff\n",
			  "{\"console\":{\"log\":false}}");
	fd = attach(vm, &watcher);
	inside_gone("web");
	hear(fd, NULL);
	ok(text_len >= 900000, "others get all of it (%zu)", text_len);
	close(fd);
}

int main(void)
{
	unsigned int fds;

	inside_start();
	inside_guest("web", "poweroff\n", "");
	inside_gone("web");
	fds = inside_fds();
	check_words();
	check_ring();
	check_dead();
	check_writers();
	check_flow();
	check_typed_in_vain();
	check_typed_before();
	check_many_last_words();
	check_hostile_text();
	check_log();
	check_last_words();
	is(inside_fds(), fds, "no descriptor is left");
	inside_stop();
	return tap_end();
}
