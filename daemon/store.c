// SPDX-License-Identifier: GPL-2.0-only
/*
 * store.c - what outlives us is in systemd's hands
 *
 * systemd keeps descriptors for a service, each under a name, and gives them to
 * the service's next process.  Ours are called NAME.what:
 *
 *	web.vm web.vcpu0 web.ram	the machine; new ones at each start
 *	web.devices			... and what its devices are about
 *	web.runner			pidfd of the process that runs it
 *	web.net0			the tap of its first network
 *	web.kernel web.initrd		to start it again
 *	web.disk0 ...			what it writes, and our lock on it
 *	web.console web.state		what it has printed; what else we know
 *
 * So killing us takes nothing away.  A guest's name may have dots, the part
 * after the last one is ours.
 *
 * What must never happen: parts of a guest whose state is not there.  So that
 * is the first to come and the first to go.  Nor more than systemd keeps, for it
 * says nothing and lets go of the rest; or than it can give back, since it could
 * then start no daemon again: store_check() comes before every guest.
 *
 * Next: daemon/record.c
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "vm.h"

#define MESSAGE_ROOM 128

#define STORE_MAX   4096 /* FileDescriptorStoreMax= of lguestd.service */
#define NAMES_BYTES (127 * 1024) /* one word of a program's environment */
#define OTHERS      8 /* of a guest's, beside its vcpus */
#define LABEL_BYTES 9 /* ".console:" */

static size_t count_of(const struct conf_guest *conf)
{
	return conf->cpus + conf->disks.count + conf->networks.count + OTHERS;
}

int store_check(const struct lguestd *lguestd, const struct conf_guest *conf,
		struct why *why)
{
	size_t count = count_of(conf), here;
	size_t bytes = count * (strlen(conf->name) + LABEL_BYTES);
	const struct vm *vm;

	if (!getenv("NOTIFY_SOCKET"))
		return 0;
	TAILQ_FOREACH(vm, &lguestd->vms, link) {
		here = count_of(vm->conf);
		count += here;
		bytes += here * (strlen(vm->conf->name) + LABEL_BYTES);
	}
	if (count <= STORE_MAX && bytes <= NAMES_BYTES)
		return 0;
	return why_say(why, -ENOSPC,
		       "%s: more than systemd can keep for a next lguestd: %zu "
		       "descriptors of %d, %zu bytes of names of %d",
		       conf->name, count, STORE_MAX, bytes, NAMES_BYTES);
}

void store_remove(const char *name, const char *what)
{
	char text[MESSAGE_ROOM];

	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s.%s", name,
		 what);
	sd_notify(0, text);
}

void store_put(const struct vm *vm, const char *what, int fd)
{
	char text[MESSAGE_ROOM];
	int r;

	if (fd < 0)
		return;
	/* Polled, a descriptor that reports an error would be let go of. */
	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s.%s\nFDPOLL=0",
		 vm_name(vm), what);
	r = sd_pid_notify_with_fds(0, 0, text, &fd, 1);
	if (r < 0)
		log_say(LOG_LEVEL_WARNING, vm_name(vm),
			"store: %s: %s: it will not outlive lguestd", what,
			strerror(-r));
}

/*
 * Here FDPOLL= has its use: systemd lets go of it when it hangs up, which is
 * when nobody needs it any more.
 */
void store_put_ring(int lifeline)
{
	int r = sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=ring",
				       &lifeline, 1);

	if (r < 0)
		log_say(LOG_LEVEL_WARNING, NULL, "store: ring: %s",
			strerror(-r));
}

void store_put_machine(const struct vm *vm)
{
	char what[16];
	unsigned int i;

	store_put(vm, "vm", vm->machine.vm);
	store_put(vm, "ram", vm->machine.mem.fd);
	store_put(vm, "devices", bus_fd(vm));
	for (i = 0; i < vm->conf->cpus; i++) {
		snprintf(what, sizeof(what), "vcpu%u", i);
		store_put(vm, what, vm->machine.vcpu[i]);
	}
}

void store_remove_machine(const struct vm *vm)
{
	char what[16];
	unsigned int i;

	store_remove(vm_name(vm), "runner");
	store_remove(vm_name(vm), "vm");
	store_remove(vm_name(vm), "ram");
	store_remove(vm_name(vm), "devices");
	for (i = 0; i < vm->conf->cpus; i++) {
		snprintf(what, sizeof(what), "vcpu%u", i);
		store_remove(vm_name(vm), what);
	}
}

void store_put_all(const struct vm *vm)
{
	char what[16];
	unsigned int i;

	store_put(vm, "state", vm->record);
	store_put(vm, "kernel", vm->files.kernel);
	store_put(vm, "initrd", vm->files.initrd);
	for (i = 0; i < vm->conf->disks.count; i++) {
		snprintf(what, sizeof(what), "disk%u", i);
		store_put(vm, what, vm->files.disk[i]);
	}
	store_put(vm, "console", console_ring_fd(vm->console));
}

void store_remove_all(const struct vm *vm)
{
	char what[16];
	unsigned int i;

	store_remove(vm_name(vm), "state");
	store_remove(vm_name(vm), "kernel");
	store_remove(vm_name(vm), "initrd");
	for (i = 0; i < vm->conf->disks.count; i++) {
		snprintf(what, sizeof(what), "disk%u", i);
		store_remove(vm_name(vm), what);
	}
	for (i = 0; i < vm->conf->networks.count; i++) {
		snprintf(what, sizeof(what), "net%u", i);
		store_remove(vm_name(vm), what);
	}
	store_remove(vm_name(vm), "console");
	store_remove_machine(vm);
}
