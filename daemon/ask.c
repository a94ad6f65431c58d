// SPDX-License-Identifier: GPL-2.0-only
/*
 * ask.c - what people ask of a guest
 *
 * Each is legal in some states and refused in the others, with the state in the
 * sentence.  A guest that is asked to stop has its power button pressed: it may
 * take its time, and when that is over it runs on and whoever waited is told.
 * Nobody is made to stop; who wants that destroys it.
 *
 * Next: daemon/facts.c
 */
#include <string.h>

#include "vm.h"

/* May it be asked for this at all?  `may` has a bit for each state. */
static int check_state(const struct vm *vm, unsigned int may, const char *verb,
		       struct why *why)
{
	if (vm->foreign)
		return why_say(why, -EOPNOTSUPP, "%s: %s: %s", vm_name(vm),
			       verb, vm->why.text);
	if (vm->leaving)
		return why_say(why, -EBUSY, "%s: %s: it is about to be %s",
			       vm_name(vm), verb, vm_state_name(vm->then));
	if (!(may & 1U << vm->state))
		return why_say(why, -EBUSY, "%s: %s: it is %s", vm_name(vm),
			       verb, vm_state_name(vm->state));
	return 0;
}

static int press_button(struct vm *vm, unsigned int timeout_s, struct why *why)
{
	int r;

	if (!vm->power_vector)
		return why_say(why, -EOPNOTSUPP,
			       "%s: stop: its kernel has no power button",
			       vm_name(vm));
	r = lgdev_interrupt(vm->machine.vm, 0, vm->power_vector);
	if (r < 0)
		return why_say(why, r, "%s: stop: vector %u: %s", vm_name(vm),
			       vm->power_vector, strerror(-r));
	if (vm->state != VM_STOPPING)
		vm_set_state(vm, VM_STOPPING);
	if (!vm->leaving)
		vm_arm(vm, timeout_s * 1000);
	return 0;
}

int vm_stop(struct vm *vm, unsigned int timeout_s, struct why *why)
{
	int r = check_state(vm,
			    1U << VM_RUNNING | 1U << VM_STOPPING |
				    1U << VM_PAUSED | 1U << VM_WAITING,
			    "stop", why);

	if (r < 0)
		return r;
	if (vm->state == VM_WAITING) {
		/* It is off, and now it stays so, which is no crash. */
		why_say(&vm->why, 0, "stopped before it was started again");
		vm->crashed = false;
		vm_leave(vm, vm->conf->on_poweroff == CONF_PRESERVE ? VM_STOPPED
								    : VM_GONE);
		return 0;
	}
	if (vm->state == VM_PAUSED && vm->power_vector) {
		r = vm_resume(vm, why);
		if (r < 0)
			return r;
	}
	if (timeout_s > 24 * 3600)
		timeout_s = 24 * 3600;
	return press_button(vm, timeout_s, why);
}

void vm_hold(struct vm *vm)
{
	vm->held = true;
}

int vm_pause(struct vm *vm, struct why *why)
{
	int r = check_state(vm, 1U << VM_RUNNING, "pause", why);

	if (r < 0)
		return r;
	r = lgdev_pause(vm->machine.vm);
	if (r < 0)
		return why_say(why, r, "%s: pause: %s", vm_name(vm),
			       strerror(-r));
	vm_set_state(vm, VM_PAUSED);
	return 0;
}

int vm_resume(struct vm *vm, struct why *why)
{
	int r = check_state(vm, 1U << VM_PAUSED, "resume", why);

	if (r < 0)
		return r;
	r = lgdev_resume(vm->machine.vm);
	if (r < 0)
		return why_say(why, r, "%s: resume: %s", vm_name(vm),
			       strerror(-r));
	vm_set_state(vm, VM_RUNNING);
	return 0;
}

int vm_reset(struct vm *vm, struct why *why)
{
	int r = check_state(vm, ~(1U << VM_STARTING), "reset", why);

	if (r < 0)
		return r;
	vm_leave(vm, VM_STARTING);
	return 0;
}

void vm_destroy(struct vm *vm)
{
	if (vm->leaving && vm->then == VM_GONE)
		return;
	/* How it ends, unless it was ending already. */
	if (!vm->leaving) {
		why_say(&vm->why, 0, "destroyed");
		vm->crashed = false;
	}
	vm_leave(vm, VM_GONE);
}
