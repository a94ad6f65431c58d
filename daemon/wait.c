// SPDX-License-Identifier: GPL-2.0-only
/*
 * wait.c - answers that wait until a guest has moved
 *
 * A call that waits leaves a watch with its guest, and each change of state is
 * held against what it waits for: a row of the table below says what each state
 * means to it.  Every row ends at VM_GONE, since after that there is no guest to
 * watch; so no watch outlives its guest, and wait_drop() sees to it that none
 * outlives its client.
 *
 * What must never happen: that a guest is destroyed, or a client dropped, while
 * vm.c tells its watchers.  So an answer given here is only put down, ctl.c sends
 * it in another turn of the loop, and so is a guest destroyed that would not go.
 *
 * Next: daemon/shutdown.c
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event_struct.h>

#include "lguestd.h"

/* What a state means to somebody who waits. */
enum sense {
	NOT_YET,
	DONE, /* answered with the state */
	FAILED, /* an error, with how the guest has ended */
	LATE, /* it was asked to stop, and runs on */
};

enum goal {
	GOAL_CREATED,
	GOAL_GONE,
	GOAL_STOPPED,
	GOAL_ENDED,
	GOAL_STATE,
};

static const enum sense senses[][VM_GONE + 1] = {
	[GOAL_CREATED] = { [VM_STARTING] = NOT_YET,
			   [VM_RUNNING] = DONE,
			   [VM_PAUSED] = DONE,
			   [VM_STOPPING] = DONE,
			   [VM_WAITING] = DONE,
			   [VM_STOPPED] = DONE,
			   [VM_CRASHED] = FAILED,
			   [VM_GONE] = FAILED },
	[GOAL_GONE] = { [VM_GONE] = DONE },
	[GOAL_STOPPED] = { [VM_STARTING] = DONE,
			   [VM_RUNNING] = LATE,
			   [VM_PAUSED] = LATE,
			   [VM_STOPPING] = NOT_YET,
			   [VM_WAITING] = NOT_YET, /* asked to stay off */
			   [VM_STOPPED] = DONE,
			   [VM_CRASHED] = FAILED,
			   [VM_GONE] = DONE },
	[GOAL_ENDED] = { [VM_STOPPED] = DONE,
			 [VM_CRASHED] = DONE,
			 [VM_GONE] = DONE },
	[GOAL_STATE] = { [VM_GONE] = FAILED }, /* before what it waits for */
};

struct waiting {
	struct vm_watch watch;
	struct call *call;
	struct vm *vm;
	enum goal goal;
	enum vm_state state; /* GOAL_STATE */
	bool force; /* GOAL_STOPPED: destroy it if it is late */
	struct event destroy;
};

static void forget(struct waiting *waiting)
{
	waiting->call->waiting = NULL;
	event_del(&waiting->destroy);
	vm_watch_remove(&waiting->watch);
	free(waiting);
}

static void reply_state(struct call *call, struct vm *vm, enum vm_state state)
{
	call_reply(call, json_pack("{s:s,s:s,s:s,s:b}", "name", vm_name(vm),
				   "state", vm_state_name(state), "why",
				   vm_why(vm), "crashed", (int)vm_crashed(vm)));
}

static void reply_failed(struct call *call, struct vm *vm)
{
	const char *why = *vm_why(vm) ? vm_why(vm) : "it has gone";

	if (vm_crashed(vm))
		call_error(call, PROTO_E_CRASHED, "%s", why);
	else
		call_error(call, PROTO_E_FAILED, "%s", why);
}

static enum sense sense_of(const struct waiting *waiting, const struct vm *vm,
			   enum vm_state state)
{
	if (waiting->goal == GOAL_STATE && waiting->state == state)
		return DONE;
	if (waiting->goal == GOAL_STOPPED && state == VM_GONE &&
	    vm_crashed(vm) && !waiting->force)
		return FAILED;
	/* What never began has not ended: it could not be started. */
	if (waiting->goal == GOAL_ENDED && state == VM_GONE && !vm_ever_ran(vm))
		return FAILED;
	return senses[waiting->goal][state];
}

static void wait_on_state(struct vm_watch *watch, struct vm *vm,
			  enum vm_state state)
{
	struct waiting *waiting = (struct waiting *)watch;
	struct call *call = waiting->call;

	switch (sense_of(waiting, vm, state)) {
	case NOT_YET:
		return;
	case DONE:
		forget(waiting);
		reply_state(call, vm, state);
		return;
	case FAILED:
		forget(waiting);
		reply_failed(call, vm);
		return;
	case LATE:
		break;
	}
	if (waiting->force) {
		waiting->goal = GOAL_GONE;
		event_active(&waiting->destroy, EV_TIMEOUT, 0);
		return;
	}
	forget(waiting);
	call_error(call, PROTO_E_TIMEOUT, "it has not turned itself off");
}

static void wait_on_late(evutil_socket_t fd, short what, void *arg)
{
	struct waiting *waiting = arg;

	(void)fd;
	(void)what;
	vm_destroy(waiting->vm);
}

/* From here on the call waits; unless what it waits for is already so. */
static void begin(struct call *call, enum goal goal, enum vm_state state,
		  bool force)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));

	_Static_assert(offsetof(struct waiting, watch) == 0, "watch is first");
	assert(!call->waiting);
	if (!waiting) {
		call_error(call, PROTO_E_FAILED, "no memory to wait");
		return;
	}
	waiting->watch.on_state = wait_on_state;
	waiting->call = call;
	waiting->vm = call->vm;
	waiting->goal = goal;
	waiting->state = state;
	waiting->force = force;
	evtimer_assign(&waiting->destroy, call->lguestd->base, wait_on_late,
		       waiting);
	vm_watch_add(call->vm, &waiting->watch);
	call->waiting = waiting;
	wait_on_state(&waiting->watch, call->vm, vm_state(call->vm));
}

void wait_created(struct call *call)
{
	begin(call, GOAL_CREATED, VM_RUNNING, /* force= */ false);
}

void wait_gone(struct call *call)
{
	begin(call, GOAL_GONE, VM_GONE, /* force= */ false);
}

void wait_stopped(struct call *call, bool force)
{
	begin(call, GOAL_STOPPED, VM_STOPPED, force);
}

void wait_state(struct call *call, enum vm_state state)
{
	begin(call, GOAL_STATE, state, /* force= */ false);
}

void wait_ended(struct call *call)
{
	begin(call, GOAL_ENDED, VM_STOPPED, /* force= */ false);
}

void wait_drop(struct call *call)
{
	if (call->waiting)
		forget(call->waiting);
}

void wait_refused(struct call *call, int err, const struct why *why)
{
	static const struct {
		int err;
		const char *error;
	} errors[] = {
		{ EEXIST, PROTO_E_STATE },   { EBUSY, PROTO_E_STATE },
		{ EALREADY, PROTO_E_STATE }, { EOPNOTSUPP, PROTO_E_STATE },
		{ EACCES, PROTO_E_DENIED },  { EPERM, PROTO_E_DENIED },
		{ EINVAL, PROTO_E_INVALID }, { ETIMEDOUT, PROTO_E_TIMEOUT },
	};
	const char *error = PROTO_E_FAILED;
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (err == -errors[i].err)
			error = errors[i].error;
	call_error(call, error, "%s", *why->text ? why->text : strerror(-err));
}
