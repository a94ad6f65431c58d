// SPDX-License-Identifier: GPL-2.0-only
/*
 * adopt.c - guests that a daemon before us has left
 *
 * systemd hands us what it has kept, under the names of store.c.  A guest is
 * what has a state; its record says what was so, or was about to be.  Then
 * either that is so still, and we go on as if nothing had been: a runner that
 * has died meanwhile is readable at once, and exits that nobody has answered
 * are.  Or it was on its way somewhere, and goes on from there.
 *
 * What must never happen: that a guest which runs is disturbed by it.  Nor is
 * one that we do not understand: if a newer daemon has left it, it is shown and
 * nothing else, until somebody has it destroyed.
 *
 * What is nobody's is closed, and taken out of the store.
 *
 * Next: daemon/lgdev.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "vm.h"

/* One descriptor: the guest's name is before the dot, what it is after it. */
struct kept {
	const char *name; /* "" for one that is not like ours */
	const char *what;
	int fd; /* -1: taken */
};

static struct kept *kept;
static unsigned int kept_count;

/* Whoever takes a descriptor owns it; -1: there is none. */
static int take(const char *name, const char *what)
{
	unsigned int i;
	int fd;

	for (i = 0; i < kept_count; i++) {
		if (kept[i].fd < 0 || strcmp(kept[i].name, name) ||
		    strcmp(kept[i].what, what))
			continue;
		fd = kept[i].fd;
		kept[i].fd = -1;
		return fd;
	}
	return -1;
}

/* ---- a record, and the guest that it tells of ---- */

static enum vm_state state_of(const json_t *record, const char *key)
{
	const char *word = json_string_value(json_object_get(record, key));
	unsigned int i;

	for (i = 0; word && i < VM_GONE; i++) {
		if (!strcmp(word, vm_state_name((enum vm_state)i)))
			return (enum vm_state)i;
	}
	return VM_GONE;
}

static unsigned int number_of(const json_t *record, const char *key)
{
	return (unsigned int)json_integer_value(json_object_get(record, key));
}

static void fill_in(struct vm *vm, const json_t *record)
{
	const char *why = json_string_value(json_object_get(record, "why"));

	vm_begin_state(vm, state_of(record, "state"));
	log_escape(vm->why.text, sizeof(vm->why.text), why ? why : "",
		   sizeof(vm->why.text));
	vm->crashed = json_is_true(json_object_get(record, "crashed"));
	vm->ever_ran = json_is_true(json_object_get(record, "ever_ran"));
	vm->since_us = json_integer_value(json_object_get(record, "since_us"));
	vm->started_us =
		json_integer_value(json_object_get(record, "started_us"));
	vm->restarts = number_of(record, "restarts");
	vm->backoff = number_of(record, "backoff");
	vm->power_vector = number_of(record, "power") & 255;
	vm->input_vector = number_of(record, "input") & 255;
	vm->watchdog_ms = number_of(record, "watchdog_ms");
}

static struct vm *new_vm(struct lguestd *lguestd, const json_t *record,
			 struct why *why)
{
	struct conf_report report = { .text = NULL };
	struct vm_files files;
	struct conf_guest *conf;

	if (conf_guest_from_json(json_object_get(record, "config"), &report,
				 &conf) < 0) {
		why_say(why, -EINVAL, "state: config: %.300s",
			report.text ? report.text : "no memory");
		conf_report_fini(&report);
		return NULL;
	}
	vm_files_init(&files);
	return vm_new(lguestd, conf, &files, why);
}

/* ---- its parts ---- */

/* Without them it goes on all the same, though some of it will wait. */
static void take_devices(struct vm *vm)
{
	int fd = take(vm_name(vm), "devices");
	struct why why = { .text = "devices: not kept" };

	if (fd >= 0 && bus_adopt(vm, fd, &why) == 0)
		return;
	log_say(LOG_LEVEL_WARNING, vm_name(vm), "%s", why.text);
	if (fd >= 0)
		close(fd);
}

/* All of the machine that conf asks for, or what there is of it. */
static bool take_machine(struct vm *vm)
{
	struct machine *machine = &vm->machine;
	const char *name = vm_name(vm);
	bool whole = true;
	char what[16];
	unsigned int i;
	int ram;

	machine->vm = take(name, "vm");
	ram = take(name, "ram");
	if (ram >= 0 &&
	    guest_mem_adopt(&machine->mem, ram, vm->conf->memory_bytes) < 0)
		close(ram);
	for (i = 0; i < vm->conf->cpus && i < LG_MAX_VCPUS; i++) {
		snprintf(what, sizeof(what), "vcpu%u", i);
		machine->vcpu[i] = take(name, what);
		whole = whole && machine->vcpu[i] >= 0;
	}
	whole = whole && machine->vm >= 0 && machine->mem.fd >= 0;
	if (whole)
		take_devices(vm);
	return whole;
}

static bool take_runner(struct vm *vm, const json_t *record, struct why *why)
{
	int pidfd = take(vm_name(vm), "runner");

	if (pidfd < 0) {
		why_say(why, 0, "its runner was not kept");
		return false;
	}
	return runner_adopt(vm, pidfd, (pid_t)number_of(record, "pid"), why) ==
	       0;
}

static int take_words(struct vm *vm, struct why *why)
{
	int ring = take(vm_name(vm), "console");
	char what[16];
	unsigned int i;
	int fd;

	vm->files.kernel = take(vm_name(vm), "kernel");
	vm->files.initrd = take(vm_name(vm), "initrd");
	for (i = 0; i < vm->conf->disks.count; i++) {
		snprintf(what, sizeof(what), "disk%u", i);
		vm->files.disk[i] = take(vm_name(vm), what);
	}
	for (i = 0; conf_network(vm->conf, i); i++) {
		snprintf(what, sizeof(what), "net%u", i);
		fd = take(vm_name(vm), what);
		if (fd >= 0)
			networks_adopt(vm, i, fd);
	}
	vm->record = take(vm_name(vm), "state");
	vm->console = console_new(vm, ring, why);
	if (vm->console)
		return 0;
	/* Its text is lost, it need not be. */
	log_say(LOG_LEVEL_WARNING, vm_name(vm), "%s", why->text);
	if (ring >= 0)
		close(ring);
	vm->console = console_new(vm, -1, why);
	if (!vm->console)
		return -ENOMEM;
	store_remove(vm_name(vm), "console");
	store_put(vm, "console", console_ring_fd(vm->console));
	return 0;
}

/* ---- and where it goes from here ---- */

/* It ran: so it does still, or it has ended meanwhile. */
static void go_on(struct vm *vm, bool whole, const struct why *lost)
{
	struct why why = *lost;

	if (whole && exit_watch(vm) < 0) {
		why_say(&why, 0, "exits: no memory to watch them");
		whole = false;
	}
	if (!whole) {
		log_say(LOG_LEVEL_WARNING, vm_name(vm), "adopted in part: %s",
			why.text);
		vm_ended(vm, END_CRASH, why.text);
		return;
	}
	/* What was recorded may be a moment older than what was done. */
	if (vm->state == VM_PAUSED)
		lgdev_pause(vm->machine.vm);
	else
		lgdev_resume(vm->machine.vm);
	if (vm->watchdog_ms)
		vm_pet(vm, vm->watchdog_ms);
	console_adopted(vm->console);
	if (vm->state == VM_STOPPING)
		vm_arm(vm, vm->conf->stop_timeout_s * 1000);
}

static void resume_life(struct vm *vm, const json_t *record)
{
	struct why why = { .text = "its machine was not kept" };
	bool has_machine = take_machine(vm);
	bool has_runner = take_runner(vm, record, has_machine ? &why : NULL);

	vm_list(vm);
	if (json_is_string(json_object_get(record, "then"))) {
		vm_leave(vm, state_of(record, "then"));
		return;
	}
	switch (vm->state) {
	case VM_STARTING: /* nobody has said "go", so it has not run */
		vm_leave(vm, VM_STARTING);
		break;
	case VM_WAITING:
		vm_arm(vm, restart_delay_ms(vm));
		break;
	case VM_STOPPED:
	case VM_CRASHED:
		break;
	default:
		go_on(vm, has_machine && has_runner, &why);
	}
}

/* Of a newer daemon: what it is called, and that it is there. */
static void show_only(struct vm *vm, const json_t *record, unsigned int version)
{
	struct why why;

	take_runner(vm, record, &why);
	take_machine(vm);
	machine_destroy(vm); /* the runner has it as well */
	vm_begin_state(vm, VM_RUNNING);
	vm->foreign = true;
	why_say(&vm->why, 0,
		"a newer lguestd has left it (record version %u, not %u): it "
		"is not touched",
		version, RECORD_VERSION);
	close(vm->record); /* what it says is not ours to change */
	vm->record = -1;
	log_say(LOG_LEVEL_WARNING, vm_name(vm), "%s", vm->why.text);
	vm_list(vm);
}

static int adopt(struct lguestd *lguestd, const json_t *record,
		 unsigned int version, struct why *why)
{
	struct vm *vm;
	int r;

	if (version <= RECORD_VERSION && state_of(record, "state") == VM_GONE)
		return why_say(why, -EINVAL, "state: no such state");
	vm = new_vm(lguestd, record, why);
	if (!vm)
		return -EINVAL;
	r = take_words(vm, why);
	if (r < 0) {
		vm_free(vm);
		return r;
	}
	fill_in(vm, record);
	if (version > RECORD_VERSION)
		show_only(vm, record, version);
	else
		resume_life(vm, record);
	log_say(LOG_LEVEL_INFO, vm_name(vm), "adopted: %s",
		vm_state_name(vm->state));
	return 0;
}

/* It cannot even be shown: but it goes on, and systemd keeps all of it. */
static void leave_alone(const char *name)
{
	unsigned int i;

	for (i = 0; i < kept_count; i++) {
		if (kept[i].fd < 0 || strcmp(kept[i].name, name))
			continue;
		close(kept[i].fd);
		kept[i].fd = -1;
	}
}

static void adopt_one(struct lguestd *lguestd, const struct kept *state)
{
	struct why why = { .text = "" };
	unsigned int version = 0;
	json_t *record = record_load(state->fd, &version, &why);
	const char *name = json_string_value(json_object_get(record, "name"));

	if (record &&
	    (!name || strcmp(name, state->name) || vm_find(lguestd, name)))
		why_say(&why, -EINVAL, "state: of another guest");
	else if (record && adopt(lguestd, record, version, &why) == 0)
		why.text[0] = '\0';
	json_decref(record);
	if (!*why.text)
		return;
	log_say(LOG_LEVEL_WARNING, state->name,
		"not adopted (record version %u): %s", version, why.text);
	if (version > RECORD_VERSION)
		leave_alone(state->name);
}

/* ---- what was kept, and what of it is left over ---- */

/* A runner that nobody knows must not run. */
static void discard(struct kept *one)
{
	log_say(LOG_LEVEL_WARNING, *one->name ? one->name : NULL,
		"store: '%s' belongs to no guest: let go of", one->what);
	if (!strcmp(one->what, "runner"))
		pidfd_send_signal(one->fd, SIGKILL, NULL, 0);
	if (*one->name)
		store_remove(one->name, one->what);
	close(one->fd);
	one->fd = -1;
}

static void take_in(int fd, char *label)
{
	char *dot = strrchr(label, '.');

	/* The socket that clients come to, whatever it is called. */
	if (sd_is_socket(fd, AF_UNSPEC, 0, 1) > 0)
		return;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (dot)
		*dot = '\0';
	kept[kept_count++] = (struct kept){
		.name = dot ? label : "",
		.what = dot ? dot + 1 : label,
		.fd = fd,
	};
}

void vm_adopt_all(struct lguestd *lguestd)
{
	char **names = NULL;
	unsigned int i;
	int j, count = sd_listen_fds_with_names(0, &names);

	if (count <= 0)
		return;
	kept = calloc((size_t)count, sizeof(*kept));
	kept_count = 0;
	for (j = 0; kept && j < count; j++)
		take_in(SD_LISTEN_FDS_START + j, names[j]);
	while (kept_count && (j = take("", "ring")) >= 0)
		disks_follow(lguestd, j);
	for (i = 0; i < kept_count; i++) {
		if (kept[i].fd >= 0 && !strcmp(kept[i].what, "state"))
			adopt_one(lguestd, &kept[i]);
	}
	for (i = 0; i < kept_count; i++) {
		if (kept[i].fd >= 0)
			discard(&kept[i]);
	}
	if (!kept)
		log_say(LOG_LEVEL_ERR, NULL, "store: no memory to look at it");
	free(kept);
	kept = NULL;
	kept_count = 0;
	for (j = 0; j < count; j++)
		free(names[j]);
	free(names);
}
