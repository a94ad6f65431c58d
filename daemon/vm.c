// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm.c - a guest's life upstairs
 *
 * A guest is a configuration and the files it was made with; a machine comes
 * and goes with each start.  Every way out of a running machine is the same
 * way: vm_leave() says what shall be then, and kills the runner; when that is
 * dead and devices are idle arrive() lets go of it, and makes it so.  What shall be then is
 * in the record before anything is done about it, so if we are killed in
 * between, the next daemon goes on from there.
 *
 * What must never happen: a guest of which something is left.  Who creates one
 * has all of it or nothing, and who destroys one keeps nothing.
 *
 * Where we stand: a client has asked for something, and request.c knows that it
 * may.  Start at vm_create(), launch() and arrive().
 *
 * Next: daemon/state.c
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vm.h"

/* ---- made, and let go of ---- */

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void vm_files_init(struct vm_files *files)
{
	unsigned int i;

	files->kernel = files->initrd = -1;
	for (i = 0; i < CONF_DISKS_MAX; i++)
		files->disk[i] = -1;
}

void vm_files_close(struct vm_files *files)
{
	unsigned int i;

	close_fd(files->kernel);
	close_fd(files->initrd);
	for (i = 0; i < CONF_DISKS_MAX; i++)
		close_fd(files->disk[i]);
	vm_files_init(files);
}

static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_work(evutil_socket_t fd, short what, void *arg);
static void on_watchdog(evutil_socket_t fd, short what, void *arg);

struct vm *vm_new(struct lguestd *lguestd, struct conf_guest *conf,
		  struct vm_files *files, struct why *why)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm) {
		why_say(why, -ENOMEM, "%s: no memory", conf->name);
		vm_files_close(files);
		conf_guest_free(conf);
		return NULL;
	}
	vm->lguestd = lguestd;
	vm->conf = conf;
	vm->files = *files;
	vm->record = -1;
	LIST_INIT(&vm->watches);
	machine_init(&vm->machine);
	runner_init(vm);
	vm_begin_state(vm, VM_STARTING);
	event_assign(&vm->timer, lguestd->base, -1, 0, on_timer, vm);
	event_assign(&vm->work, lguestd->base, -1, 0, on_work, vm);
	event_assign(&vm->watchdog, lguestd->base, -1, 0, on_watchdog, vm);
	return vm;
}

static void unlist(struct vm *vm)
{
	if (!vm->listed)
		return;
	TAILQ_REMOVE(&vm->lguestd->vms, vm, link);
	vm->lguestd->vm_count--;
	vm->listed = false;
}

void vm_list(struct vm *vm)
{
	TAILQ_INSERT_TAIL(&vm->lguestd->vms, vm, link);
	vm->lguestd->vm_count++;
	vm->listed = true;
}

void vm_free(struct vm *vm)
{
	struct vm_watch *watch;

	while ((watch = LIST_FIRST(&vm->watches)))
		vm_watch_remove(watch);
	unlist(vm);
	scope_forget(vm);
	exit_unwatch(vm);
	runner_fini(vm);
	machine_destroy(vm);
	console_free(vm->console);
	vm_event_del(&vm->timer);
	vm_event_del(&vm->work);
	vm_event_del(&vm->watchdog);
	close_fd(vm->record);
	vm_files_close(&vm->files);
	networks_free(vm);
	conf_guest_free(vm->conf);
	free(vm);
}

void vm_detach_all(struct lguestd *lguestd)
{
	struct vm *vm;

	while ((vm = vm_first(lguestd)))
		vm_free(vm);
	console_close_all();
	scope_close();
}

static void arm(struct event *timer, unsigned int ms)
{
	const struct timeval wait = {
		.tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000,
	};

	event_add(timer, &wait);
}

void vm_arm(struct vm *vm, unsigned int ms)
{
	arm(&vm->timer, ms);
}

void vm_pet(struct vm *vm, unsigned int ms)
{
	bool changed = vm->watchdog_ms != ms;

	vm->watchdog_ms = ms;
	if (ms)
		arm(&vm->watchdog, ms);
	else
		event_del(&vm->watchdog);
	if (changed)
		record_save(vm);
}

/* ---- starting ---- */

/* They may not have outlived the daemon that had them. */
static bool has_files(const struct vm *vm)
{
	return vm->files.kernel >= 0 &&
	       (vm->files.initrd >= 0 || !vm->conf->initrd) && disks_here(vm);
}

int vm_launch(struct vm *vm, struct why *why)
{
	int r;

	if (!has_files(vm))
		return why_say(why, -ENOENT,
			       "%s: kernel, initrd or a disk: not kept for a "
			       "next start",
			       vm_name(vm));
	vm->power_vector = 0;
	vm->input_vector = 0;
	vm->watchdog_ms = 0;
	console_restarted(vm->console);
	r = machine_create(vm, why);
	if (r < 0)
		return r;
	store_put_machine(vm);
	r = runner_start(vm, why);
	if (r < 0) {
		store_remove_machine(vm);
		machine_destroy(vm);
		return r;
	}
	store_put(vm, "runner", vm->runner.pidfd);
	record_save(vm);
	scope_start(vm);
	return 0;
}

void vm_on_loaded(struct vm *vm)
{
	struct why why;
	int r;

	if (vm->state != VM_STARTING || vm->leaving || !vm->runner.loaded ||
	    vm->scope)
		return;
	if (exit_watch(vm) < 0) {
		why_say(&why, 0, "exits: no memory to watch them");
		vm_ended(vm, END_CRASH, why.text);
		return;
	}
	r = vm->held ? lgdev_pause(vm->machine.vm) : 0;
	if (r < 0) {
		why_say(&why, 0, "pause: %s", strerror(-r));
		vm_ended(vm, END_CRASH, why.text);
		return;
	}
	/*
	 * If we are killed between these two, the next daemon starts it anew.
	 * The other way round it would find a guest that has never run.
	 */
	runner_go(vm);
	vm->ever_ran = true;
	vm->started_us = vm_now_us();
	vm_set_state(vm, vm->held ? VM_PAUSED : VM_RUNNING);
	vm->held = false;
}

static int check_limits(struct lguestd *lguestd, const struct conf_guest *conf,
			struct why *why)
{
	uint64_t most = lguestd->conf->max_memory_bytes, used = 0;
	struct vm *vm;

	TAILQ_FOREACH(vm, &lguestd->vms, link)
		used += vm->conf->memory_bytes;
	if (lguestd->vm_count >= lguestd->conf->max_guests)
		return why_say(why, -ENOSPC,
			       "%s: there are %u guests, and may be %u",
			       conf->name, lguestd->vm_count,
			       lguestd->conf->max_guests);
	if (most && (used > most || conf->memory_bytes > most - used))
		return why_say(
			why, -ENOSPC,
			"%s: memory: %llu bytes: %llu of %llu are in use",
			conf->name, (unsigned long long)conf->memory_bytes,
			(unsigned long long)used, (unsigned long long)most);
	return store_check(lguestd, conf, why);
}

bool vm_device(struct lguestd *lguestd)
{
	/* It may have come, or come back, since we looked last. */
	if (lguestd->device < 0)
		lguestd->device =
			lgdev_open(&lguestd->info, &lguestd->device_why);
	return lguestd->device >= 0;
}

static int check_device(struct lguestd *lguestd, const struct conf_guest *conf,
			struct why *why)
{
	const struct lg_info *info = &lguestd->info;

	if (!vm_device(lguestd))
		return why_say(why, -ENODEV, "%s", lguestd->device_why.text);
	if (!conf->cpus || conf->cpus > info->max_vcpus ||
	    conf->cpus > LG_MAX_VCPUS)
		return why_say(why, -EINVAL, "%s: cpus: %u: 1 to %u",
			       conf->name, conf->cpus, info->max_vcpus);
	if (!conf->memory_bytes || conf->memory_bytes % 4096 ||
	    conf->memory_bytes > info->max_gpa)
		return why_say(why, -EINVAL,
			       "%s: memory: %llu bytes: not whole pages, or "
			       "more than %llu",
			       conf->name,
			       (unsigned long long)conf->memory_bytes,
			       (unsigned long long)info->max_gpa);
	return 0;
}

static int check(struct lguestd *lguestd, const struct conf_guest *conf,
		 struct why *why)
{
	int r;

	if (lguestd->stopping)
		return why_say(why, -ESHUTDOWN, "%s: lguestd is stopping",
			       conf->name);
	if (vm_find(lguestd, conf->name))
		return why_say(why, -EEXIST, "%s: exists", conf->name);
	r = check_limits(lguestd, conf, why);
	return r < 0 ? r : check_device(lguestd, conf, why);
}

/* What it has for all of its starts, and then the first of them. */
static int build(struct vm *vm, struct why *why)
{
	int r = record_create(vm, why);

	if (r < 0)
		return r;
	vm->console = console_new(vm, -1, why);
	if (!vm->console)
		return -ENOMEM;
	vm->since_us = vm_now_us();
	record_save(vm);
	store_put_all(vm);
	r = vm_launch(vm, why);
	if (r < 0) {
		disks_unlock(vm);
		store_remove_all(vm);
		machine_destroy(vm);
		networks_end(vm);
	}
	return r;
}

int vm_create(struct lguestd *lguestd, struct conf_guest *conf,
	      struct vm_files *files, struct why *why, struct vm **ret_vm)
{
	struct vm *vm;
	int r = check(lguestd, conf, why);

	if (r < 0) {
		vm_files_close(files);
		conf_guest_free(conf);
		return r;
	}
	vm = vm_new(lguestd, conf, files, why);
	if (!vm)
		return -ENOMEM;
	r = build(vm, why);
	if (r < 0) {
		vm_free(vm);
		return r;
	}
	vm_list(vm);
	log_say(LOG_LEVEL_INFO, vm_name(vm), "starting");
	*ret_vm = vm;
	return 0;
}

/* ---- ending ---- */

void vm_leave(struct vm *vm, enum vm_state then)
{
	/* Destroyed is destroyed, whatever it was about to become. */
	if (vm->leaving && vm->then == VM_GONE)
		return;
	vm->leaving = true;
	vm->then = then;
	record_save(vm);
	exit_unwatch(vm);
	vm_event_del(&vm->timer);
	vm_event_del(&vm->watchdog);
	if (vm->runner.pidfd >= 0)
		runner_kill(vm);
	else
		event_active(&vm->work, 0, 0);
}

static void start_again(struct vm *vm)
{
	struct why why;

	vm_set_state(vm, VM_STARTING);
	vm->restarts += vm->ever_ran;
	if (vm_launch(vm, &why) == 0)
		return;
	vm->why = why;
	vm->crashed = true;
	/* It is the host that lacks something; it may have it later. */
	if (has_files(vm))
		vm_leave(vm, VM_WAITING);
	else
		vm_leave(vm, vm->ever_ran ? VM_CRASHED : VM_GONE);
}

static void wait_to_start(struct vm *vm)
{
	unsigned int ms = restart_delay_ms(vm);

	if (ms)
		console_note(vm->console, "%s; starts again in %u.%03u s",
			     vm->why.text, ms / 1000, ms % 1000);
	else
		console_note(vm->console, "%s; starts again", vm->why.text);
	vm_set_state(vm, VM_WAITING);
	/* A watcher may have had other plans. */
	if (!vm->leaving)
		vm_arm(vm, ms);
}

static void vanish(struct vm *vm)
{
	disks_unlock(vm);
	store_remove_all(vm);
	networks_end(vm);
	unlist(vm);
	vm_set_state(vm, VM_GONE);
	vm_free(vm);
}

/* No runner runs it any more.  The vm may be gone afterwards. */
static void arrive(struct vm *vm)
{
	enum vm_state then = vm->then;
	bool keeps = then == VM_STOPPED || then == VM_CRASHED;

	scope_end(vm);
	store_remove(vm_name(vm), "runner");
	if (!keeps) {
		store_remove_machine(vm);
		machine_destroy(vm);
	}
	if (then != VM_WAITING && then != VM_STARTING)
		console_note(vm->console, "%s", vm->why.text);
	if (then == VM_GONE)
		vanish(vm);
	else if (then == VM_STARTING)
		start_again(vm);
	else if (then == VM_WAITING)
		wait_to_start(vm);
	else
		vm_set_state(vm, then);
}

/* It arrives when its devices have let go of its RAM, too. */
static void let_go(struct vm *vm)
{
	if (bus_stop(vm))
		arrive(vm);
}

void vm_on_devices_idle(struct vm *vm)
{
	if (vm->leaving)
		arrive(vm);
}

static void on_work(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	let_go(arg);
}

void vm_ended(struct vm *vm, enum vm_end end, const char *sentence)
{
	if (vm->leaving)
		return; /* it is on its way out already */
	why_say(&vm->why, 0, "%s", sentence);
	/* What was never there cannot crash. */
	vm->crashed = (end == END_CRASH || end == END_WATCHDOG) && vm->ever_ran;
	vm_leave(vm, restart_after(vm, end));
}

void vm_on_runner_gone(struct vm *vm, const char *sentence)
{
	if (vm->leaving)
		let_go(vm);
	else
		vm_ended(vm, END_CRASH, sentence);
}

/* A guest that is paused cannot pet it. */
static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	struct vm *vm = arg;
	struct why why;

	(void)fd;
	(void)what;
	if (vm->state == VM_PAUSED) {
		arm(&vm->watchdog, vm->watchdog_ms);
		return;
	}
	why_say(&why, 0, "hung: its watchdog was not petted for %u ms",
		vm->watchdog_ms);
	vm_ended(vm, END_WATCHDOG, why.text);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct vm *vm = arg;

	(void)fd;
	(void)what;
	if (vm->state == VM_WAITING) {
		vm_leave(vm, VM_STARTING);
	} else if (vm->state == VM_STOPPING) {
		log_say(LOG_LEVEL_WARNING, vm_name(vm),
			"has not turned itself off in time");
		vm_set_state(vm, VM_RUNNING);
	}
}
