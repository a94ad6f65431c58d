// SPDX-License-Identifier: GPL-2.0-only
/*
 * state.c - what a guest may be after what, and who is told
 *
 * A guest is in one state, and only this file changes it.
 * Each change is in the table, in the log, in the record that outlives us, and
 * told to whoever waits for it, in this order: who is told may ask, and who
 * asks sees what is so.
 *
 * Next: daemon/restart.c
 */
#include <assert.h>
#include <string.h>
#include <sys/time.h>

#include "vm.h"

static const char *const state_names[] = {
	[VM_STARTING] = "starting", [VM_RUNNING] = "running",
	[VM_PAUSED] = "paused",     [VM_STOPPING] = "stopping",
	[VM_WAITING] = "waiting",   [VM_STOPPED] = "stopped",
	[VM_CRASHED] = "crashed",   [VM_GONE] = "gone",
};

#define MAY(state) (1U << (state))
#define ENDS                                                    \
	(MAY(VM_STARTING) | MAY(VM_WAITING) | MAY(VM_STOPPED) | \
	 MAY(VM_CRASHED) | MAY(VM_GONE))

/* VM_STARTING may follow itself: what a daemon before us began is begun anew. */
static const unsigned int may_go[] = {
	[VM_STARTING] = MAY(VM_RUNNING) | MAY(VM_PAUSED) | ENDS,
	[VM_RUNNING] = MAY(VM_PAUSED) | MAY(VM_STOPPING) | ENDS,
	[VM_PAUSED] = MAY(VM_RUNNING) | ENDS,
	[VM_STOPPING] = MAY(VM_RUNNING) | ENDS,
	[VM_WAITING] = MAY(VM_STARTING) | MAY(VM_STOPPED) | MAY(VM_GONE),
	[VM_STOPPED] = MAY(VM_STARTING) | MAY(VM_GONE),
	[VM_CRASHED] = MAY(VM_STARTING) | MAY(VM_GONE),
	[VM_GONE] = 0,
};

/* `journalctl MESSAGE_ID=` finds all changes of state. */
#define STATE_CHANGED "5d1f1a6c0f2b4c9e8a7d3b60e14f92c7"

const char *vm_state_name(enum vm_state state)
{
	return state_names[state];
}

static void log_state(const struct vm *vm, bool with_why)
{
	char event[64], state[64], reason[sizeof(vm->why.text) + 16];
	const char *fields[] = { event, state, with_why ? reason : NULL, NULL };
	const char *name = vm_state_name(vm->state);
	enum log_level level =
		with_why && vm->crashed ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO;

	snprintf(event, sizeof(event), "LGUEST_EVENT=state");
	snprintf(state, sizeof(state), "LGUEST_STATE=%s", name);
	snprintf(reason, sizeof(reason), "LGUEST_REASON=%s", vm->why.text);
	log_event(level, vm_name(vm), STATE_CHANGED, fields, "%s%s%s", name,
		  with_why ? ": " : "", with_why ? vm->why.text : "");
}

/*
 * A watcher may leave while it is told, or make others leave: so those that
 * are still to be told are in a list of their own.
 */
static void tell_watchers(struct vm *vm)
{
	LIST_HEAD(, vm_watch) untold = LIST_HEAD_INITIALIZER(untold);
	struct vm_watch *watch;

	while ((watch = LIST_FIRST(&vm->watches))) {
		LIST_REMOVE(watch, link);
		LIST_INSERT_HEAD(&untold, watch, link);
	}
	while ((watch = LIST_FIRST(&untold))) {
		vm_watch_remove(watch);
		/* Nobody watches what is gone, so there is nothing to leave. */
		if (vm->state != VM_GONE)
			vm_watch_add(vm, watch);
		watch->on_state(watch, vm, vm->state);
	}
}

int64_t vm_now_us(void)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	return (int64_t)now.tv_sec * 1000000 + now.tv_usec;
}

void vm_set_state(struct vm *vm, enum vm_state state)
{
	bool is_end = state == VM_WAITING || state == VM_STOPPED ||
		      state == VM_CRASHED || state == VM_GONE;

	assert(may_go[vm->state] & MAY(state));
	vm->state = state;
	vm->leaving = false;
	vm->since_us = vm_now_us();
	log_state(vm, is_end && *vm->why.text);
	if (state != VM_GONE)
		record_save(vm);
	tell_watchers(vm);
}

void vm_begin_state(struct vm *vm, enum vm_state state)
{
	vm->state = state;
	vm->leaving = false;
}

void vm_watch_add(struct vm *vm, struct vm_watch *watch)
{
	LIST_INSERT_HEAD(&vm->watches, watch, link);
}

void vm_watch_remove(struct vm_watch *watch)
{
	if (!watch->link.le_prev)
		return;
	LIST_REMOVE(watch, link);
	watch->link.le_prev = NULL;
}
