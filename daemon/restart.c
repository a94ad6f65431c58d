// SPDX-License-Identifier: GPL-2.0-only
/*
 * restart.c - what becomes of a guest that has come to an end
 *
 * Its configuration says: one of three actions for each of its ends.  Two
 * things it cannot say.  Who was asked to stop stays stopped, whatever its
 * last word was; and who has never run is not worth another try.  Nor is a guest
 * that a newer daemon has left ours to start.
 *
 * A guest that ends again and again is started again later and later: at once,
 * then after a second, two, four.  When it has run well for a while all is
 * forgiven.
 *
 * Next: daemon/ask.c
 */
#include "vm.h"

struct vm_timing vm_timing = {
	.backoff_ms = 1000,
	.backoff_most_ms = 60000,
	.well_ms = 60000,
	.load_ms = 120000,
	.scope_ms = 10000,
	.linger_ms = 30000,
};

enum vm_state restart_after(const struct vm *vm, enum vm_end end)
{
	const struct conf_guest *conf = vm->conf;
	enum conf_action action = conf->on_crash;

	if (end == END_POWEROFF)
		action = conf->on_poweroff;
	else if (end == END_REBOOT)
		action = conf->on_reboot;
	else if (end == END_WATCHDOG && conf->on_watchdog != CONF_AS_CRASH)
		action = conf->on_watchdog;

	/* What it was is for who made it to say. */
	if (vm->foreign)
		return VM_CRASHED;
	if (!vm->ever_ran)
		return VM_GONE;
	if (action == CONF_PRESERVE)
		return vm->crashed ? VM_CRASHED : VM_STOPPED;
	if (action == CONF_RESTART && vm->state != VM_STOPPING &&
	    !vm->lguestd->stopping)
		return VM_WAITING;
	return VM_GONE;
}

unsigned int restart_delay_ms(struct vm *vm)
{
	int64_t ran_ms = (vm_now_us() - vm->started_us) / 1000;
	unsigned int i, delay_ms = vm_timing.backoff_ms;

	if (vm->started_us && ran_ms >= (int64_t)vm_timing.well_ms)
		vm->backoff = 0;
	if (vm->backoff++ == 0)
		return 0;
	for (i = 2; i < vm->backoff && delay_ms < vm_timing.backoff_most_ms;
	     i++)
		delay_ms *= 2;
	return delay_ms < vm_timing.backoff_most_ms ? delay_ms
						    : vm_timing.backoff_most_ms;
}
