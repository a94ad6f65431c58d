// SPDX-License-Identifier: GPL-2.0-only
/*
 * machine.c - the machine a guest is given each time it starts
 *
 * A VM of lg.ko's, RAM, vcpus and devices, all of them descriptors and all new:
 * what one start left behind never reaches the next.  A VM has no owner but its
 * descriptors, so we, systemd's store and the runner each hold it, and it is
 * gone when the last of us lets go.
 *
 * What must never happen: half a machine.  It is made here, whole, or not.
 *
 * Next: daemon/exit.c
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vm.h"

void machine_init(struct machine *machine)
{
	unsigned int i;

	machine->vm = -1;
	machine->mem = (struct guest_mem){ .fd = -1 };
	for (i = 0; i < LG_MAX_VCPUS; i++)
		machine->vcpu[i] = -1;
	machine->bus = NULL;
}

static int make(struct vm *vm, struct why *why)
{
	struct machine *machine = &vm->machine;
	const struct conf_guest *conf = vm->conf;
	unsigned int i;
	int r;

	machine->vm = r = lgdev_vm_create(vm->lguestd->device,
					  vm->lguestd->info.features);
	if (r < 0)
		return why_say(why, r, "%s: lg.ko: no VM: %s", conf->name,
			       strerror(-r));
	r = guest_mem_create(&machine->mem, conf->name, conf->memory_bytes);
	if (r == 0)
		r = lgdev_slot_add(machine->vm, machine->mem.fd,
				   conf->memory_bytes);
	if (r < 0)
		return why_say(why, r, "%s: RAM of %llu bytes: %s", conf->name,
			       (unsigned long long)conf->memory_bytes,
			       strerror(-r));
	for (i = 0; i < conf->cpus; i++) {
		machine->vcpu[i] = r = lgdev_vcpu_create(machine->vm, i);
		if (r < 0)
			return why_say(why, r, "%s: vcpu %u of %u: %s",
				       conf->name, i, conf->cpus, strerror(-r));
	}
	return bus_create(vm, why);
}

int machine_create(struct vm *vm, struct why *why)
{
	int r = make(vm, why);

	if (r < 0)
		machine_destroy(vm);
	return r;
}

void machine_destroy(struct vm *vm)
{
	struct machine *machine = &vm->machine;
	unsigned int i;

	bus_free(vm);
	for (i = 0; i < LG_MAX_VCPUS; i++) {
		if (machine->vcpu[i] >= 0)
			close(machine->vcpu[i]);
	}
	guest_mem_fini(&machine->mem);
	if (machine->vm >= 0)
		close(machine->vm);
	machine_init(machine);
}

json_t *machine_stats(const struct vm *vm)
{
	static const char *const names[LG_STAT_COUNT] = {
		[LG_STAT_ENTRIES] = "entries",
		[LG_STAT_IRQS] = "irqs",
		[LG_STAT_NMIS] = "nmis",
		[LG_STAT_SWITCHER_NMIS] = "switcher_nmis",
		[LG_STAT_ABORTS] = "aborts",
		[LG_STAT_HYPERCALLS] = "hypercalls",
		[LG_STAT_FILLS] = "fills",
		[LG_STAT_LOADS] = "loads",
		[LG_STAT_SYSCALLS] = "syscalls",
		[LG_STAT_MCES] = "mces",
		[LG_STAT_DBS] = "dbs",
		[LG_STAT_INTERRUPTS] = "interrupts",
		[LG_STAT_QUEUED] = "queued",
		[LG_STAT_SWITCHES] = "switches",
	};
	json_t *stats = json_object();
	uint64_t sums[LG_STAT_COUNT] = { 0 };
	struct lg_stats one;
	unsigned int i, j;

	for (i = 0; i < LG_MAX_VCPUS; i++) {
		if (vm->machine.vcpu[i] < 0 ||
		    lgdev_stats(vm->machine.vcpu[i], &one) < 0)
			continue;
		for (j = 0; j < LG_STAT_COUNT; j++)
			sums[j] += one.stat[j];
	}
	for (j = 0; j < LG_STAT_COUNT; j++)
		json_object_set_new(stats, names[j],
				    json_integer((json_int_t)sums[j]));
	return stats;
}
