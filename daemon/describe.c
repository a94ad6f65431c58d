// SPDX-License-Identifier: GPL-2.0-only
/*
 * describe.c - all that can be said of a guest, for a client
 *
 * Whoever knows a part of it is asked here; none of it changes anything.
 *
 * Next: daemon/machine.c
 */
#include "vm.h"

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
