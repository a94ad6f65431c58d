// SPDX-License-Identifier: GPL-2.0-only
/*
 * life.c - a guest's states: what follows what, and when nothing may
 *
 * Three ends and three actions for each; what people may ask in which state;
 * and that there is nothing left of a guest when it is gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"
#include "tap.h"

#define BUTTON "power 40\n"

static struct history history;

/* One row: how it ends, what conf says of that, and what the guest becomes. */
static void check_end(const char *script, const char *more, const char *want,
		      const char *why, const char *name)
{
	struct why sentence;
	struct vm *vm;

	if (inside_create("web", script, more, &sentence, &vm) < 0)
		bail_out("create: %s", sentence.text);
	history_watch(&history, vm);
	while (strncmp(history.text, want, strlen(want)) != 0 &&
	       strlen(history.text) < strlen(want))
		inside_turn();
	history.text[strlen(want)] = '\0'; /* one turn may do more than that */
	is_str(history.text, want, "%s", name);
	ok(strstr(history.why, why) != NULL, "... and says why: '%s'",
	   history.why);
	if (!vm_find(&inside, "web"))
		return;
	vm_watch_remove(&history.watch);
	vm_destroy(vm);
	inside_gone("web");
}

static void check_ends(void)
{
	check_end("poweroff bye\n", "{\"on_poweroff\":\"destroy\"}",
		  "running gone", "powered off: bye", "off, destroyed");
	check_end("poweroff\n", "{\"on_poweroff\":\"preserve\"}",
		  "running stopped", "powered off", "off, preserved");
	check_end("poweroff\n", "{\"on_poweroff\":\"restart\"}",
		  "running waiting starting running waiting", "powered off",
		  "off, started again and again");
	check_end("restart\n", "{\"on_reboot\":\"restart\"}",
		  "running waiting starting running", "restarted",
		  "reboot, started again");
	check_end("restart x\n", "{\"on_reboot\":\"destroy\"}", "running gone",
		  "restarted: x", "reboot, destroyed");
	check_end("restart x\n", "{\"on_reboot\":\"preserve\"}",
		  "running stopped", "restarted: x", "reboot, preserved");
	check_end("crash oops\n", "{\"on_crash\":\"preserve\"}",
		  "running crashed", "crashed: oops", "crash, preserved");
	check_end("crash oops\n", "{\"on_crash\":\"destroy\"}", "running gone",
		  "crashed: oops", "crash, destroyed");
	check_end("killed bad table\n", "{\"on_crash\":\"restart\"}",
		  "running waiting starting running",
		  "killed: bad table (vcpu 0, trap 14", "killed, again");
	check_end("die\n", "{\"on_crash\":\"preserve\"}", "running crashed",
		  "was killed by signal 9 (Killed): out of memory?",
		  "a runner that dies is a crash");
	check_end("exit 77\n", "{\"on_crash\":\"preserve\"}", "running crashed",
		  "unknown exit 119", "an exit that there is not is a crash");
}

static void check_hostile_words(void)
{
	check_end("killed endless\n", "{\"on_crash\":\"preserve\"}",
		  "running crashed", "killed: \\x1b\\x1b",
		  "a sentence without an end is cut and escaped");
	check_end("shutdown 3 3fffff\n", "{\"on_crash\":\"preserve\"}",
		  "running crashed", "crashed",
		  "a reason in RAM's last byte is one byte");
	check_end("shutdown 1 ffffffffffffffff\n",
		  "{\"on_poweroff\":\"preserve\"}", "running stopped",
		  "powered off", "a reason that is nowhere is none");
	check_end("shutdown 99 0\n", "{\"on_crash\":\"preserve\"}",
		  "running crashed", "crashed", "an end of no kind is a crash");
}

static void check_loading(void)
{
	check_end("fail kernel: not an ELF file\n",
		  "{\"on_crash\":\"restart\"}", "gone",
		  "kernel: not an ELF file", "no kernel, no guest");
	is(history.crashed, 0, "... and that is no crash");
	vm_timing.load_ms = 1;
	check_end("hang\n", "{\"on_crash\":\"restart\"}", "gone",
		  "not loaded after 1 ms", "who loads for ever is ended");
	vm_timing.load_ms = 60000;
	check_end("early\npoweroff\n", "", "running gone", "powered off",
		  "a runner that does not wait for \"go\" runs as well");
}

/* ---- what people ask ---- */

static void check_stop(void)
{
	struct why why;
	struct vm *vm = inside_guest("web", BUTTON "wait\npoweroff off\n",
				     "{\"on_poweroff\":\"restart\"}");

	while (!vm->power_vector)
		inside_turn();
	history_watch(&history, vm);
	is((unsigned)vm_stop(vm, 60, &why), 0, "a power button is pressed");
	is_str(inside_gone("web"), "powered off: off", "it has stopped");
	is_str(history.text, "stopping gone",
	       "who was asked to stop is not started again");

	vm = inside_guest("web", "print x\n", "");
	is((unsigned)-vm_stop(vm, 1, &why), EOPNOTSUPP, "no button, no stop");
	ok(strstr(why.text, "no power button") != NULL, "... '%s'", why.text);
	vm_destroy(vm);
	is_str(inside_gone("web"), "destroyed", "destroyed it is");
}

static void check_stubborn(void)
{
	struct vm *vm =
		inside_guest("web", BUTTON "wait\nwait\npoweroff\n", "");
	struct why why;

	while (!vm->power_vector)
		inside_turn();
	history_watch(&history, vm);
	vm_stop(vm, 0, &why);
	is_str(vm_state_name(vm->state), "stopping", "it has been asked");
	is((unsigned)-vm_pause(vm, &why), EBUSY, "it is not paused now");
	inside_until(vm, VM_RUNNING);
	is_str(history.text, "stopping running", "its time is over: runs on");
	is((unsigned)vm_pause(vm, &why), 0, "now it is");
	is((unsigned)vm_stop(vm, 60, &why), 0, "a paused one is woken to stop");
	inside_gone("web");
	is_str(history.text, "stopping running paused running stopping gone",
	       "asked twice, it stops");
}

static void check_pause(void)
{
	struct vm *vm = inside_guest("web", BUTTON "count\npoweroff\n", "");
	struct why why;

	is((unsigned)-vm_resume(vm, &why), EBUSY, "who runs is not resumed");
	is((unsigned)vm_pause(vm, &why), 0, "it is paused");
	is_str(vm_state_name(vm->state), "paused", "... and says so");
	is((unsigned)-vm_pause(vm, &why), EBUSY, "not twice");
	is((unsigned)vm_resume(vm, &why), 0, "it is resumed");
	is((unsigned)vm_pause(vm, &why), 0, "paused again");
	kill(vm->runner.pid, SIGKILL);
	inside_until(vm, VM_CRASHED);
	ok(strstr(vm_why(vm), "signal 9") != NULL,
	   "a paused one may crash: '%s'", vm_why(vm));
	is((unsigned)-vm_stop(vm, 1, &why), EBUSY,
	   "what is off is not stopped");
	is((unsigned)-vm_pause(vm, &why), EBUSY, "... nor paused");
	is((unsigned)vm_reset(vm, &why), 0, "but may begin anew");
	is((unsigned)-vm_reset(vm, &why), EBUSY, "which it is about to do");
	inside_until(vm, VM_RUNNING);
	is(vm->restarts, 1, "it runs, for the second time");
	vm_destroy(vm);
	vm_destroy(vm);
	is((unsigned)-vm_reset(vm, &why), EBUSY, "destroyed is destroyed");
	inside_gone("web");
}

static void check_waiting(void)
{
	struct why why;
	struct vm *vm;

	vm_timing.backoff_ms = vm_timing.backoff_most_ms = 3600000;
	vm = inside_guest("web", "restart\n", "{\"on_poweroff\":\"preserve\"}");
	inside_until(vm, VM_WAITING);
	inside_until(vm, VM_RUNNING);
	inside_until(vm, VM_WAITING);
	ok(strstr(inside_text(vm), "starts again in 3600.000 s") != NULL,
	   "its console says when it will start again");
	is((unsigned)vm_reset(vm, &why), 0, "one need not wait for that");
	inside_until(vm, VM_RUNNING);
	inside_until(vm, VM_WAITING);
	is((unsigned)vm_stop(vm, 1, &why), 0, "who waits can be stopped");
	inside_until(vm, VM_STOPPED);
	vm_destroy(vm);
	inside_gone("web");
	vm = inside_guest("web", "restart\n", "");
	inside_until(vm, VM_WAITING);
	inside_until(vm, VM_RUNNING);
	inside_until(vm, VM_WAITING);
	vm_destroy(vm);
	inside_gone("web");
	ok(1, "and destroyed");
	vm_timing.backoff_ms = 1;
	vm_timing.backoff_most_ms = 8;
}

static void check_backoff(void)
{
	static const unsigned int want[] = { 0,     1000,  2000,  4000, 8000,
					     16000, 32000, 60000, 60000 };
	struct vm *vm = inside_guest("web", "wait\n", "");
	unsigned int i, right = 0;

	vm_timing.backoff_ms = 1000;
	vm_timing.backoff_most_ms = 60000;
	for (i = 0; i < 9; i++)
		right += restart_delay_ms(vm) == want[i];
	is(right, 9, "each restart in a row waits twice as long, to a limit");
	for (i = 0; i < 100; i++)
		restart_delay_ms(vm);
	is(restart_delay_ms(vm), 60000, "... and never overflows");
	vm->started_us = vm_now_us() - vm_timing.well_ms * 1000LL;
	is(restart_delay_ms(vm), 0, "who ran well is forgiven");
	vm_timing.backoff_ms = 1;
	vm_timing.backoff_most_ms = 8;
	vm_destroy(vm);
	inside_gone("web");
}

/* ---- limits ---- */

static void check_limits(void)
{
	struct vm *vm = inside_guest("web", "wait\n", "{\"memory\":\"4M\"}");
	struct vm *other;
	struct why why;

	is((unsigned)-inside_create("web", "", "", &why, &other), EEXIST,
	   "a name is there once");
	inside.conf->max_guests = 1;
	is((unsigned)-inside_create("b", "", "", &why, &other), ENOSPC,
	   "so many guests: '%s'", why.text);
	inside.conf->max_guests = 100;
	inside.conf->max_memory_bytes = 8 << 20;
	is((unsigned)-inside_create("b", "", "{\"memory\":\"5M\"}", &why,
				    &other),
	   ENOSPC, "so much memory: '%s'", why.text);
	inside.conf->max_memory_bytes = 0;
	inside.stopping = true;
	is((unsigned)-inside_create("b", "", "", &why, &other), ESHUTDOWN,
	   "none when the daemon is about to end");
	inside.stopping = false;
	is(inside.vm_count, 1, "and none of them is there");
	vm_destroy(vm);
	inside_gone("web");
}

/* How many guests of so many cpus there may be; their names end in a number. */
static unsigned int fill_store(const char *name, unsigned int cpus)
{
	struct vm_files none;
	char full[CONF_NAME_MAX + 1], more[32];
	struct conf_guest *conf;
	unsigned int count = 0;
	struct vm *vm, *next;
	struct why why;
	json_t *json;

	vm_files_init(&none);
	for (;;) {
		snprintf(full, sizeof(full), "%s%u", name, count);
		json = json_pack("{ss ss si ss}", "name", full, "kernel", "/k",
				 "cpus", (int)cpus, "memory", "4M");
		if (conf_guest_from_json(json, &(struct conf_report){ 0 },
					 &conf) < 0)
			bail_out("conf of '%s'", full);
		json_decref(json);
		vm = vm_new(&inside, conf, &none, &why);
		if (store_check(&inside, conf, &why) < 0)
			break;
		vm_list(vm);
		count++;
	}
	vm_free(vm);
	snprintf(more, sizeof(more), "{\"cpus\":%u}", cpus);
	if (inside_create(full, "", more, &why, &vm) != -ENOSPC)
		count = 0;
	for (vm = vm_first(&inside); vm; vm = next) {
		next = vm_next(vm);
		vm_free(vm);
	}
	return count;
}

/*
 * systemd lets go of what is too much, and those guests were lost at a restart;
 * and the names of all in one word of the environment could be more than the
 * kernel takes: then no daemon started any more.
 */
static void check_store(void)
{
	struct vm *other;
	struct why why;

	setenv("NOTIFY_SOCKET", "/nonexistent", 1);
	inside.conf->max_guests = 10000;
	is(fill_store("g", 64), 4096 / 72, "as many as systemd keeps");
	is(fill_store("g23456789012345678901234567890123456789012345", 64),
	   127 * 1024 / (72 * (47 + 9)), "as many as it can give back");
	is(fill_store("g", 1), 4096 / 9, "small ones are more");
	is((unsigned)-inside_create("w", "", "{\"cpus\":64}", &why, &other), 0,
	   "and there is room again");
	vm_destroy(other);
	inside_gone("w");
	unsetenv("NOTIFY_SOCKET");
}

/* ---- watchers ---- */

static struct vm_watch leaver, other;
static unsigned int told;

static void on_state_leave(struct vm_watch *watch, struct vm *vm,
			   enum vm_state state)
{
	(void)watch;
	(void)vm;
	(void)state;
	told++;
	vm_watch_remove(&leaver);
	vm_watch_remove(&other);
}

static void check_watchers(void)
{
	struct vm *vm = inside_guest("web", "wait\n", "");
	struct why why;

	leaver.on_state = other.on_state = on_state_leave;
	vm_watch_add(vm, &leaver);
	vm_watch_add(vm, &other);
	vm_pause(vm, &why);
	is(told, 1, "a watcher that takes others along when it leaves");
	vm_watch_add(vm, &leaver);
	vm_destroy(vm);
	inside_gone("web");
	is(told, 2, "... is told of the end");
	vm_watch_remove(&leaver);
	ok(1, "and may leave what is gone");
}

int main(void)
{
	unsigned int fds;

	inside_start();
	check_end("poweroff\n", "", "running gone", "", "a first guest");
	fds = inside_fds();
	check_ends();
	check_hostile_words();
	check_loading();
	check_stop();
	check_stubborn();
	check_pause();
	check_waiting();
	check_backoff();
	check_limits();
	check_store();
	check_watchers();
	is(inside_fds(), fds, "no descriptor is left of any of them");
	is(inside_children(), 0, "and no process");
	inside_stop();
	return tap_end();
}
