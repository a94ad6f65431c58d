// SPDX-License-Identifier: GPL-2.0-only
/*
 * devices.c - a guest's bus, from its configuration to what lgctl is told
 *
 * Story: devices.t.  A guest's calls are lines of its script, as fake_run.c has
 * them: call OP SLOT INDEX BYTES WORD...
 */
#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "virtio/virtio.h"
#include "tap.h"

#define NONE "{\"rng\":false,\"balloon\":false,\"console\":{\"device\":false}}"

/* Turns the loop until the guest has printed that. */
static void until_printed(struct vm *vm, const char *text)
{
	while (!strstr(inside_text(vm), text))
		inside_turn();
}

/* A word of the nth device in what is told of the guest. */
static const char *word_of(struct vm *vm, unsigned int n, const char *key)
{
	static char text[512];
	json_t *info = vm_describe(vm);
	const char *word = json_string_value(json_object_get(
		json_array_get(json_object_get(info, "devices"), n), key));

	snprintf(text, sizeof(text), "%s", word ? word : "-");
	json_decref(info);
	return text;
}

static void end(struct vm *vm)
{
	vm_destroy(vm);
	inside_gone("web");
}

static void test_there(void)
{
	struct vm *vm =
		inside_guest("web",
			     "call 1 0 0 0\ncall 1 1 0 0\ncall 1 2 0 0\n"
			     "call 1 3 0 0\nprint done\n",
			     "");

	until_printed(vm, "done\n");
	is_str(inside_text(vm),
	       "0: 3 1 2 c\n0: 4 2 1 0\n0: 5 3 4 10\n0: 0 0 0 0\ndone\n",
	       "a console, a random generator and a balloon are on the bus");
	is_str(word_of(vm, 0, "name"), "console", "lgctl hears of them");
	is_str(word_of(vm, 1, "status"), "idle", "and that nobody drives them");
	end(vm);
	vm = inside_guest("web", "call 1 0 0 0\nprint done\n", NONE);
	until_printed(vm, "done\n");
	is_str(inside_text(vm), "0: 0 0 0 0\ndone\n",
	       "who wants none has none");
	is_str(word_of(vm, 0, "name"), "-", "and nothing is told");
	end(vm);
}

/* The random generator, with a queue whose areas are not RAM. */
#define UP                                                         \
	"call 6 1 0 0 1\ncall 6 1 0 0 3\ncall 4 1 0 0 100000000\n" \
	"call 6 1 0 0 b\n"

static void test_broken(void)
{
	struct vm *vm =
		inside_guest("web",
			     UP "call b 1 0 0 8 7fffffff000 1000 2000 0 30\n"
				"call 6 1 0 0 f\ncall 5 1 0 0\nprint done\n",
			     "");

	until_printed(vm, "done\n");
	ok(strstr(inside_text(vm), "0: 4f ") != NULL,
	   "a queue that is not in RAM is the device's end");
	is_str(word_of(vm, 1, "status"), "needs reset", "lgctl hears of it");
	ok(strstr(word_of(vm, 1, "why"), "queue 0") != NULL, "and why (%s)",
	   word_of(vm, 1, "why"));
	is_str(word_of(vm, 0, "status"), "idle",
	       "the others are none the worse");
	is(vm_state(vm), VM_RUNNING, "nor is the guest");
	end(vm);
}

/* One request: a descriptor at 10000, ring at 11000, used at 12000. */
#define ASK                                                             \
	"store 10000 20000\nstore 10008 200000010\nstore 11000 10000\n" \
	"notify 0500000000010000\n"

static void test_served(void)
{
	struct vm *vm = inside_guest(
		"web",
		UP "call b 1 0 0 8 10000 11000 12000 0 30\n"
		   "call 6 1 0 0 f\n" ASK "interrupt 48\nload 12000\n"
		   "load 12008\nprint done\n",
		"");

	until_printed(vm, "done\n");
	ok(strstr(inside_text(vm), "0x10000\n0x10\ndone") != NULL,
	   "a kick by wire is served, and the interrupt comes");
	is_str(word_of(vm, 1, "status"), "running", "lgctl sees it run");
	vm_reset(vm, NULL);
	inside_until(vm, VM_STARTING);
	inside_until(vm, VM_RUNNING);
	end(vm);
}

static void test_refused(void)
{
	struct why why;
	struct vm *vm = inside_guest("web", "print up\n", "");

	until_printed(vm, "up\n");
	ok(vm_balloon(vm, 4097ULL << 20, &why) < 0,
	   "a guest cannot have more than it was made with");
	ok(bus_remove(vm, "disk7", &why) < 0, "what is not there cannot go");
	is((unsigned int)bus_remove(vm, "rng", &why), 0, "what is can");
	while (bus_find(vm, "rng"))
		inside_turn();
	is_str(word_of(vm, 1, "name"), "balloon", "and it is gone");
	is((unsigned int)bus_add(vm, rng_create(), &why), 0,
	   "another comes in its place");
	is_str(word_of(vm, 1, "name"), "rng", "where the first one was");
	ok(bus_add(vm, rng_create(), &why) < 0, "two of a name there are not");
	end(vm);
}

static void test_watchdog(void)
{
	struct history history;
	struct vm *vm = inside_guest("web", "notify 0600000000000064\n", "");

	history_watch(&history, vm);
	inside_until(vm, VM_CRASHED);
	is_str(history.why, "hung: its watchdog was not petted for 100 ms",
	       "a guest that does not pet its watchdog has hung");
	ok(history.crashed, "which is a crash");
	end(vm);
	inside_guest("web", "notify 0600000000000064\n",
		     "{\"on_watchdog\":\"destroy\"}");
	ok(strstr(inside_gone("web"), "hung") != NULL,
	   "what becomes of it is for its configuration to say");
	vm = inside_guest("web",
			  "notify 0600000000000063\nnotify 0600000005265c01\n"
			  "notify 0600000000000064\nnotify 0600000000000000\n"
			  "print done\n",
			  "");
	until_printed(vm, "done\n");
	ok(!strncmp(inside_text(vm),
		    "0xffffffffffffffff\n0xffffffffffffffff\n0\n0\n", 38),
	   "its time has limits, and it can be called off");
	ok(!event_pending(&vm->watchdog, EV_TIMEOUT, NULL),
	   "and then nobody watches");
	end(vm);
}

int main(void)
{
	unsigned int fds;

	inside_start();
	inside_guest("web", "poweroff\n", "");
	inside_gone("web");
	fds = inside_fds();
	test_there();
	test_broken();
	test_served();
	test_refused();
	test_watchdog();
	is(inside_fds(), fds, "no descriptor is left");
	inside_stop();
	return tap_end();
}
