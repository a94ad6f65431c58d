// SPDX-License-Identifier: GPL-2.0-only
/*
 * shutdown.c - all guests end, in good order, and then the daemon does
 *
 * Every guest has its power button pressed at once and the time that the
 * daemon's configuration gives to all of them together; then whoever is left is
 * destroyed, and so is whoever has no button, or has not started, or waits to be
 * started again, or was kept after its end.  No new guest is started meanwhile.
 *
 * Once begun it goes on, whether or not those who asked for it stay to hear the
 * end.  Each guest is watched; what a change of state asks for is done in another
 * turn of the loop, because a watcher must not destroy what it watches.
 *
 * Where we stand: somebody has called Daemon.Shutdown, `lguestd --service-stop`
 * most often, when systemd stops the service for good.
 *
 * Next: daemon/vm.c
 */
#include <stdlib.h>

#include <event2/event_struct.h>

#include "lguestd.h"

/* Somebody who waits to hear that it is over. */
struct waiter {
	struct call *call;
	LIST_ENTRY(waiter) link;
};

struct watched {
	struct vm_watch watch;
	struct vm *vm;
	bool asked; /* its button was pressed */
	bool destroyed;
	LIST_ENTRY(watched) link;
};

static struct {
	struct lguestd *lguestd;
	LIST_HEAD(, waiter) waiters;
	LIST_HEAD(, watched) guests;
	struct event step, late;
	bool begun;
} all;

static void tell_waiters(void)
{
	struct waiter *waiter;

	while ((waiter = LIST_FIRST(&all.waiters))) {
		LIST_REMOVE(waiter, link);
		waiter->call->shutdown = NULL;
		call_reply(waiter->call, NULL);
		free(waiter);
	}
}

static void destroy(struct watched *guest, const char *why)
{
	if (guest->destroyed)
		return;
	guest->destroyed = true;
	log_say(LOG_LEVEL_INFO, vm_name(guest->vm), "shutdown: destroyed: %s",
		why);
	vm_destroy(guest->vm);
}

static void press(struct watched *guest)
{
	struct why why = { .text = "" };

	if (guest->asked) {
		destroy(guest, "it was asked to stop and runs on");
		return;
	}
	guest->asked = true;
	if (vm_stop(guest->vm, all.lguestd->conf->shutdown_timeout_s, &why) < 0)
		destroy(guest, why.text);
}

/* What this guest needs next on its way out. */
static void urge(struct watched *guest)
{
	switch (vm_state(guest->vm)) {
	case VM_RUNNING:
	case VM_PAUSED: /* it is woken by that */
		press(guest);
		break;
	case VM_STARTING:
	case VM_WAITING:
		destroy(guest, "it had not started yet");
		break;
	case VM_STOPPED:
	case VM_CRASHED:
		destroy(guest, "it had ended before");
		break;
	case VM_STOPPING:
		guest->asked = true;
		break;
	case VM_GONE:
		break;
	}
}

static void shutdown_on_step(evutil_socket_t fd, short what, void *arg)
{
	struct watched *guest, *next;

	(void)fd;
	(void)what;
	(void)arg;
	for (guest = LIST_FIRST(&all.guests); guest; guest = next) {
		next = LIST_NEXT(guest, link);
		urge(guest);
	}
	if (!LIST_EMPTY(&all.guests))
		return;
	log_say(LOG_LEVEL_INFO, NULL, "shutdown: no guest is left");
	event_del(&all.late);
	tell_waiters();
	event_base_loopexit(all.lguestd->base, NULL);
}

static void shutdown_on_late(evutil_socket_t fd, short what, void *arg)
{
	struct watched *guest, *next;

	(void)fd;
	(void)what;
	(void)arg;
	for (guest = LIST_FIRST(&all.guests); guest; guest = next) {
		next = LIST_NEXT(guest, link);
		destroy(guest, "it did not turn itself off in time");
	}
}

static void shutdown_on_state(struct vm_watch *watch, struct vm *vm,
			      enum vm_state state)
{
	struct watched *guest = (struct watched *)watch;

	(void)vm;
	if (state == VM_GONE) {
		vm_watch_remove(watch);
		LIST_REMOVE(guest, link);
		free(guest);
	}
	event_active(&all.step, EV_TIMEOUT, 0);
}

static void watch_guests(void)
{
	struct watched *guest;
	struct vm *vm;

	for (vm = vm_first(all.lguestd); vm; vm = vm_next(vm)) {
		guest = calloc(1, sizeof(*guest));
		if (!guest) {
			vm_destroy(vm);
			continue;
		}
		guest->vm = vm;
		guest->watch.on_state = shutdown_on_state;
		vm_watch_add(vm, &guest->watch);
		LIST_INSERT_HEAD(&all.guests, guest, link);
	}
}

void shutdown_start(struct lguestd *lguestd)
{
	struct timeval late = { .tv_sec = lguestd->conf->shutdown_timeout_s };

	if (all.begun)
		return;
	all.begun = true;
	all.lguestd = lguestd;
	lguestd->stopping = true;
	log_say(LOG_LEVEL_INFO, NULL,
		"shutdown: %u guests have %u s to turn themselves off",
		lguestd->vm_count, lguestd->conf->shutdown_timeout_s);
	evtimer_assign(&all.step, lguestd->base, shutdown_on_step, NULL);
	evtimer_assign(&all.late, lguestd->base, shutdown_on_late, NULL);
	evtimer_add(&all.late, &late);
	watch_guests();
	event_active(&all.step, EV_TIMEOUT, 0);
	notify_status(lguestd);
}

void shutdown_begin(struct call *call)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	if (!waiter) {
		call_error(call, PROTO_E_FAILED, "no memory to wait");
		return;
	}
	waiter->call = call;
	call->shutdown = waiter;
	LIST_INSERT_HEAD(&all.waiters, waiter, link);
	shutdown_start(call->lguestd);
}

void shutdown_drop(struct call *call)
{
	if (!call->shutdown)
		return;
	LIST_REMOVE(call->shutdown, link);
	free(call->shutdown);
	call->shutdown = NULL;
}
