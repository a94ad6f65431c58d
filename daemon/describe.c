// SPDX-License-Identifier: GPL-2.0-only
/*
 * describe.c - what can be said of a guest
 *
 * All that others know of a guest they know from here; none of it changes
 * anything.
 *
 * Next: daemon/machine.c
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vm.h"

int why_say(struct why *why, int err, const char *fmt, ...)
{
	char text[sizeof(why->text)]; /* an argument may be why's own text */
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (why)
		memcpy(why->text, text, sizeof(text));
	return err;
}

struct vm *vm_find(struct lguestd *lguestd, const char *name)
{
	struct vm *vm;

	TAILQ_FOREACH(vm, &lguestd->vms, link) {
		if (!strcmp(vm_name(vm), name))
			return vm;
	}
	return NULL;
}

struct vm *vm_first(struct lguestd *lguestd)
{
	return TAILQ_FIRST(&lguestd->vms);
}

struct vm *vm_next(struct vm *vm)
{
	return TAILQ_NEXT(vm, link);
}

const char *vm_name(const struct vm *vm)
{
	return vm->conf->name;
}

enum vm_state vm_state(const struct vm *vm)
{
	return vm->state;
}

const char *vm_why(const struct vm *vm)
{
	return vm->why.text;
}

bool vm_crashed(const struct vm *vm)
{
	return vm->crashed;
}

bool vm_ever_ran(const struct vm *vm)
{
	return vm->ever_ran;
}

unsigned int vm_stop_timeout_s(const struct vm *vm)
{
	return vm->conf->stop_timeout_s;
}

json_t *vm_describe(struct vm *vm)
{
	json_t *pid = vm->runner.pidfd >= 0 ? json_integer(vm->runner.pid)
					    : json_null();

	return json_pack(
		"{ss ss ss sb so si sI sI si sb so so so}", "name", vm_name(vm),
		"state", vm_state_name(vm->state), "why", vm->why.text,
		"crashed", vm->crashed, "pid", pid, "cpus", (int)vm->conf->cpus,
		"memory_bytes", (json_int_t)vm->conf->memory_bytes, "since_us",
		(json_int_t)vm->since_us, "restarts", (int)vm->restarts,
		"power_button", vm->power_vector != 0, "config",
		conf_guest_to_json(vm->conf), "stats", machine_stats(vm),
		"devices", bus_describe(vm));
}
