// SPDX-License-Identifier: GPL-2.0-only
/*
 * scope.c - a guest's place among systemd's units
 *
 * A runner begins as our child, in our control group, and would go when that
 * is stopped.  So systemd is asked for a scope of its own, machine.slice's
 * lguest-NAME-PID.scope, and moves the runner there: limits, accounting and
 * `systemctl status` are then the guest's.  machined is told of it too, if it
 * is there; it makes nothing possible, but `machinectl` lists the guest.
 *
 * No two runners have a scope of the same name.  We, systemd and machined each
 * stop a scope whose process has died, by its name and when we come to it; were
 * there a next guest's behind that name by then, that would be stopped.
 *
 * All of it is asked and never waited for.  Without systemd, or if it says no,
 * the log does, and the guest goes on where it is.
 *
 * What must never happen: a guest that runs before this is settled, one way or
 * the other; vm_on_loaded() sees to it.
 *
 * Next: daemon/store.c
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "vm.h"

#define MACHINED      "org.freedesktop.machine1"
#define MACHINED_PATH "/org/freedesktop/machine1"

#define BATCH 64 /* messages a turn */

/* A scope that is wanted and not yet there. */
struct scope {
	struct vm *vm;
	sd_bus_slot *call, *match;
	char unit[UNIT_ROOM];
	char *job; /* path of systemd's; NULL: not accepted yet */
	struct event limit;
};

static struct {
	sd_bus *bus;
	struct event event;
	struct event_base *base;
	bool said; /* ... that there is no systemd */
} link_up;

static void settle(struct vm *vm, const char *problem)
{
	if (problem)
		log_say(LOG_LEVEL_WARNING, vm_name(vm),
			"scope: not made: %s: it will end with lguestd's",
			problem);
	scope_forget(vm);
	vm_on_loaded(vm);
}

/* ---- the bus, in libevent's loop ---- */

static void on_bus(evutil_socket_t fd, short what, void *arg);

static int rearm(void)
{
	struct timeval wait = { 0 };
	struct timespec now;
	uint64_t until, now_us;
	int events = sd_bus_get_events(link_up.bus);
	short flags = (short)((events & POLLIN ? EV_READ : 0) |
			      (events & POLLOUT ? EV_WRITE : 0));

	vm_event_del(&link_up.event);
	if (events < 0 || sd_bus_get_timeout(link_up.bus, &until) < 0)
		return -EIO;
	event_assign(&link_up.event, link_up.base, sd_bus_get_fd(link_up.bus),
		     flags, on_bus, NULL);
	if (until == UINT64_MAX)
		return event_add(&link_up.event, NULL) < 0 ? -ENOMEM : 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	now_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	if (until > now_us) {
		wait.tv_sec = (time_t)((until - now_us) / 1000000);
		wait.tv_usec = (suseconds_t)((until - now_us) % 1000000);
	}
	return event_add(&link_up.event, &wait) < 0 ? -ENOMEM : 0;
}

void scope_close(void)
{
	vm_event_del(&link_up.event);
	link_up.bus = sd_bus_close_unref(link_up.bus);
}

/* It is gone, and so is what we have asked; the next guest tries it anew. */
static void lose_bus(int r)
{
	log_say(LOG_LEVEL_WARNING, NULL, "systemd: bus: %s", strerror(-r));
	scope_close();
}

static void on_bus(evutil_socket_t fd, short what, void *arg)
{
	int i, r = 1;

	(void)fd;
	(void)what;
	(void)arg;
	for (i = 0; i < BATCH && r > 0; i++)
		r = sd_bus_process(link_up.bus, NULL);
	if (r >= 0)
		r = rearm();
	if (r < 0)
		lose_bus(r);
}

static bool is_linked(struct lguestd *lguestd)
{
	int r;

	if (link_up.bus)
		return true;
	if (!sd_booted()) {
		if (!link_up.said)
			log_say(LOG_LEVEL_WARNING, NULL,
				"no systemd here: guests have no scopes");
		link_up.said = true;
		return false;
	}
	r = sd_bus_open_system(&link_up.bus);
	link_up.base = lguestd->base;
	if (r >= 0)
		r = rearm();
	if (r < 0)
		lose_bus(r);
	return r >= 0;
}

struct sd_bus *scope_bus(struct lguestd *lguestd)
{
	return is_linked(lguestd) ? link_up.bus : NULL;
}

void scope_said(void)
{
	int r = link_up.bus ? rearm() : 0;

	if (r < 0)
		lose_bus(r);
}

/* ---- one scope ---- */

/* Only [a-zA-Z0-9:_.] stand for themselves in a unit's name; so with guests. */
void scope_name_unit(char unit[UNIT_ROOM], const struct vm *vm, int number,
		     const char *kind)
{
	const char *name = vm_name(vm);
	size_t used = (size_t)snprintf(unit, UNIT_ROOM, "lguest-");

	for (; *name && used < UNIT_ROOM - 32; name++) {
		if (*name == '-')
			used += (size_t)snprintf(unit + used, UNIT_ROOM - used,
						 "\\x2d");
		else
			unit[used++] = *name;
	}
	snprintf(unit + used, UNIT_ROOM - used, "-%d.%s", number, kind);
}

static void name_unit(char *unit, const struct vm *vm)
{
	scope_name_unit(unit, vm, (int)vm->runner.pid, "scope");
}

/* An answer is not waited for; that it was not there is as good. */
static void stop_unit(const char *unit)
{
	sd_bus_call_method_async(link_up.bus, NULL, SYSTEMD, SYSTEMD_PATH,
				 SYSTEMD_MANAGER, "StopUnit", NULL, NULL, "ss",
				 unit, "replace");
}

static int on_machine(sd_bus_message *reply, void *arg, sd_bus_error *error)
{
	const sd_bus_error *said = sd_bus_message_get_error(reply);

	(void)arg;
	(void)error;
	/* Not there, or it does not like the name: it is only a list. */
	if (said)
		log_say(LOG_LEVEL_DEBUG, NULL, "machined: %s", said->message);
	return 0;
}

static void tell_machined(const struct vm *vm)
{
	sd_bus_message *call = NULL;
	int r;

	r = sd_bus_message_new_method_call(link_up.bus, &call, MACHINED,
					   MACHINED_PATH, MACHINED ".Manager",
					   "RegisterMachine");
	if (r >= 0)
		r = sd_bus_message_append(call, "s", vm_name(vm));
	if (r >= 0) /* no id: it makes none up */
		r = sd_bus_message_append_array(call, 'y', NULL, 0);
	if (r >= 0)
		r = sd_bus_message_append(call, "ssus", "lguestd", "vm",
					  (uint32_t)vm->runner.pid, "");
	if (r >= 0)
		sd_bus_call_async(link_up.bus, NULL, call, on_machine, NULL, 0);
	sd_bus_message_unref(call);
}

/* JobRemoved(id, job, unit, result): "done", or a word that says why not. */
static int on_job(sd_bus_message *signal, void *arg, sd_bus_error *error)
{
	const char *job, *unit, *result;
	struct scope *scope = arg;
	struct vm *vm = scope->vm;
	uint32_t id;

	(void)error;
	if (!scope->job ||
	    sd_bus_message_read(signal, "uoss", &id, &job, &unit, &result) <
		    0 ||
	    strcmp(job, scope->job))
		return 0;
	if (strcmp(result, "done")) {
		settle(vm, result);
		return 0;
	}
	tell_machined(vm);
	settle(vm, NULL);
	return 0;
}

static int on_accepted(sd_bus_message *reply, void *arg, sd_bus_error *error)
{
	const sd_bus_error *said = sd_bus_message_get_error(reply);
	struct scope *scope = arg;
	const char *job;

	(void)error;
	if (!said && sd_bus_message_read(reply, "o", &job) >= 0)
		scope->job = strdup(job);
	if (!scope->job)
		settle(scope->vm, said ? said->message : "bad answer");
	return 0;
}

/* The properties of StartTransientUnit: a(sv). */
static int add_properties(sd_bus_message *call, const struct vm *vm)
{
	char description[CONF_NAME_MAX + 16];
	int r;

	snprintf(description, sizeof(description), "lguest guest %s",
		 vm_name(vm));
	r = sd_bus_message_open_container(call, 'a', "(sv)");
	if (r >= 0)
		r = sd_bus_message_append(call, "(sv)(sv)(sv)", "Description",
					  "s", description, "Slice", "s",
					  "machine.slice", "CollectMode", "s",
					  "inactive-or-failed");
	/* At the host's end lguestd comes first, and turns guests off. */
	if (r >= 0)
		r = sd_bus_message_append(call, "(sv)", "Before", "as", 1,
					  "lguestd.service");
	if (r >= 0)
		r = sd_bus_message_append(call, "(sv)", "PIDs", "au", 1,
					  (uint32_t)vm->runner.pid);
	if (r >= 0)
		r = sd_bus_message_close_container(call);
	return r;
}

static int ask(struct scope *scope)
{
	sd_bus_message *call = NULL;
	int r;

	r = sd_bus_message_new_method_call(link_up.bus, &call, SYSTEMD,
					   SYSTEMD_PATH, SYSTEMD_MANAGER,
					   "StartTransientUnit");
	if (r >= 0)
		r = sd_bus_message_append(call, "ss", scope->unit, "fail");
	if (r >= 0)
		r = add_properties(call, scope->vm);
	if (r >= 0)
		r = sd_bus_message_append(call, "a(sa(sv))", 0);
	if (r >= 0)
		r = sd_bus_call_async(link_up.bus, &scope->call, call,
				      on_accepted, scope, 0);
	sd_bus_message_unref(call);
	return r < 0 ? r : rearm();
}

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct scope *scope = arg;

	(void)fd;
	(void)what;
	settle(scope->vm, "systemd does not answer");
}

static int prepare(struct scope *scope)
{
	const struct timeval limit = {
		.tv_sec = vm_timing.scope_ms / 1000,
		.tv_usec = vm_timing.scope_ms % 1000 * 1000,
	};
	struct event_base *base = scope->vm->lguestd->base;
	int r;

	name_unit(scope->unit, scope->vm);
	event_assign(&scope->limit, base, -1, 0, on_limit, scope);
	if (event_add(&scope->limit, &limit) < 0)
		return -ENOMEM;
	r = sd_bus_match_signal_async(link_up.bus, &scope->match, SYSTEMD,
				      SYSTEMD_PATH, SYSTEMD_MANAGER,
				      "JobRemoved", on_job, NULL, scope);
	return r < 0 ? r : ask(scope);
}

void scope_start(struct vm *vm)
{
	int r;

	if (!is_linked(vm->lguestd))
		return;
	vm->scope = calloc(1, sizeof(*vm->scope));
	r = -ENOMEM;
	if (vm->scope) {
		vm->scope->vm = vm;
		r = prepare(vm->scope);
	}
	if (r < 0)
		settle(vm, strerror(-r));
}

void scope_forget(struct vm *vm)
{
	struct scope *scope = vm->scope;

	if (!scope)
		return;
	vm->scope = NULL;
	vm_event_del(&scope->limit);
	sd_bus_slot_unref(scope->call);
	sd_bus_slot_unref(scope->match);
	free(scope->job);
	free(scope);
}

void scope_end(struct vm *vm)
{
	char unit[UNIT_ROOM];

	scope_forget(vm);
	if (!link_up.bus)
		return;
	/*
	 * It goes by itself when its last process does, but not if that was
	 * dead already as systemd took it in.
	 */
	name_unit(unit, vm);
	stop_unit(unit);
	rearm();
}
