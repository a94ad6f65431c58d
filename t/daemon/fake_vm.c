// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake_vm.c - guests that are no guests, for tests of the control plane
 *
 * Takes the place of vm.c, console.c and lgdev.c.  A guest here is a state and
 * a console, and does at once what its console is told: "off", "reboot",
 * "crash", "say N" (N bytes).  Words in its command line say how it behaves:
 * "nobutton" has no power button, "stubborn" does not heed it, "slow" starts
 * only when some client connects to its console.  A kernel must begin with
 * "\177ELF", as in life.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "lguestd.h"

#define TEXT_MAX (1 << 20)

struct fake_client {
	struct vm *vm;
	int fd;
	struct console_client what;
	struct event readable, replay;
	bool replayed;
	LIST_ENTRY(fake_client) link;
};

struct vm {
	TAILQ_ENTRY(vm) link;
	struct lguestd *lguestd;
	struct conf_guest *conf;
	struct vm_files files;
	enum vm_state state;
	struct why why;
	bool crashed, ever_ran;
	int64_t since_us;
	struct event work, timer;
	enum vm_state then; /* what work makes of it */
	bool leaving; /* work makes VM_GONE of it */
	LIST_HEAD(, vm_watch) watches;
	LIST_HEAD(, fake_client) clients;
	char *text;
	size_t len;
};

static const char *const names[] = { "starting", "running", "paused",
				     "stopping", "waiting", "stopped",
				     "crashed",  "gone" };

const char *vm_state_name(enum vm_state state)
{
	return names[state];
}

const char *vm_name(const struct vm *vm)
{
	return vm->conf->name;
}

int why_say(struct why *why, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return err;
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

struct vm *vm_first(struct lguestd *lguestd)
{
	return TAILQ_FIRST(&lguestd->vms);
}

struct vm *vm_next(struct vm *vm)
{
	return TAILQ_NEXT(vm, link);
}

struct vm *vm_find(struct lguestd *lguestd, const char *name)
{
	struct vm *vm;

	TAILQ_FOREACH(vm, &lguestd->vms, link)
	if (!strcmp(vm_name(vm), name))
		return vm;
	return NULL;
}

void vm_watch_add(struct vm *vm, struct vm_watch *watch)
{
	LIST_INSERT_HEAD(&vm->watches, watch, link);
}

void vm_watch_remove(struct vm_watch *watch)
{
	LIST_REMOVE(watch, link);
}

static void set_state(struct vm *vm, enum vm_state state)
{
	struct vm_watch *watch, *next;
	struct timeval now;

	gettimeofday(&now, NULL);
	vm->state = state;
	vm->ever_ran |= state == VM_RUNNING;
	vm->since_us = now.tv_sec * 1000000LL + now.tv_usec;
	for (watch = LIST_FIRST(&vm->watches); watch; watch = next) {
		next = LIST_NEXT(watch, link);
		watch->on_state(watch, vm, state);
	}
}

static void drop_fake_client(struct fake_client *client)
{
	LIST_REMOVE(client, link);
	event_del(&client->readable);
	event_del(&client->replay);
	close(client->fd);
	free(client);
}

static void go(struct vm *vm)
{
	vm->lguestd->vm_count--;
	TAILQ_REMOVE(&vm->lguestd->vms, vm, link);
	while (!LIST_EMPTY(&vm->clients))
		drop_fake_client(LIST_FIRST(&vm->clients));
	set_state(vm, VM_GONE);
	if (!LIST_EMPTY(&vm->watches))
		abort(); /* somebody would watch what is no more */
	event_del(&vm->work);
	event_del(&vm->timer);
	if (vm->files.kernel >= 0)
		close(vm->files.kernel);
	if (vm->files.initrd >= 0)
		close(vm->files.initrd);
	conf_guest_free(vm->conf);
	free(vm->text);
	free(vm);
}

static void say(struct vm *vm, const char *text, size_t len)
{
	struct fake_client *client;
	char *more = realloc(vm->text, vm->len + len + 1);

	if (!more || vm->len + len > TEXT_MAX)
		abort();
	vm->text = more;
	memcpy(vm->text + vm->len, text, len);
	vm->len += len;
	LIST_FOREACH(client, &vm->clients, link)
	if (client->replayed)
		send(client->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void end(struct vm *vm, bool crashed, const char *why,
		enum conf_action action)
{
	static const enum vm_state after[] = { [CONF_DESTROY] = VM_GONE,
					       [CONF_RESTART] = VM_STARTING,
					       [CONF_PRESERVE] = VM_STOPPED };

	vm->crashed = crashed;
	why_say(&vm->why, 0, "%s", why);
	event_del(&vm->timer);
	if (vm->lguestd->stopping || vm->state == VM_STOPPING)
		action = action == CONF_RESTART ? CONF_DESTROY : action;
	vm->then = after[action];
	if (crashed && vm->then == VM_STOPPED)
		vm->then = VM_CRASHED;
	vm->leaving = vm->leaving || vm->then == VM_GONE;
	event_active(&vm->work, EV_TIMEOUT, 0);
}

static void on_work(evutil_socket_t fd, short what, void *arg)
{
	struct vm *vm = arg;
	char magic[4] = "";

	(void)fd;
	(void)what;
	if (vm->leaving) {
		go(vm);
		return;
	}
	if (vm->then == VM_STOPPED || vm->then == VM_CRASHED) {
		set_state(vm, vm->then);
		return;
	}
	if (vm->state != VM_STARTING) /* a restart */
		set_state(vm, VM_STARTING);
	if (pread(vm->files.kernel, magic, 4, 0) != 4 ||
	    memcmp(magic, "\177ELF", 4) != 0) {
		why_say(&vm->why, 0, "kernel '%s': not an ELF file",
			vm->conf->kernel);
		go(vm);
		return;
	}
	set_state(vm, VM_RUNNING);
	say(vm, "hello\r\n", 7);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	set_state(arg, VM_RUNNING);
}

int vm_create(struct lguestd *lguestd, struct conf_guest *conf,
	      const struct vm_files *files, struct why *why, struct vm **ret_vm)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int r = 0;

	if (!vm)
		abort();
	if (vm_find(lguestd, conf->name))
		r = why_say(why, -EEXIST, "a guest of that name exists");
	else if (lguestd->device < 0)
		r = why_say(why, -ENODEV, "%s", lguestd->device_why.text);
	else if (lguestd->vm_count >= lguestd->conf->max_guests)
		r = why_say(why, -ENOSPC, "too many guests (at most %u)",
			    lguestd->conf->max_guests);
	vm->lguestd = lguestd;
	vm->conf = conf;
	vm->files = *files;
	if (r < 0) {
		close(files->kernel);
		if (files->initrd >= 0)
			close(files->initrd);
		conf_guest_free(conf);
		free(vm);
		return r;
	}
	LIST_INIT(&vm->watches);
	LIST_INIT(&vm->clients);
	TAILQ_INSERT_TAIL(&lguestd->vms, vm, link);
	lguestd->vm_count++;
	evtimer_assign(&vm->work, lguestd->base, on_work, vm);
	evtimer_assign(&vm->timer, lguestd->base, on_timer, vm);
	vm->state = vm->then = VM_STARTING;
	if (!strstr(conf->cmdline, "slow"))
		event_active(&vm->work, EV_TIMEOUT, 0);
	*ret_vm = vm;
	return 0;
}

void vm_destroy(struct vm *vm)
{
	vm->leaving = true;
	vm->crashed = false;
	why_say(&vm->why, 0, "destroyed");
	event_active(&vm->work, EV_TIMEOUT, 0);
}

int vm_stop(struct vm *vm, unsigned int timeout_s, struct why *why)
{
	struct timeval tv = { .tv_sec = timeout_s };

	if (vm->state != VM_RUNNING)
		return why_say(why, -EBUSY, "is %s", names[vm->state]);
	if (strstr(vm->conf->cmdline, "nobutton"))
		return why_say(why, -EOPNOTSUPP, "has no power button");
	set_state(vm, VM_STOPPING);
	if (strstr(vm->conf->cmdline, "stubborn"))
		evtimer_add(&vm->timer, &tv);
	else
		end(vm, false, "powered off", vm->conf->on_poweroff);
	return 0;
}

static int change(struct vm *vm, enum vm_state from, enum vm_state to,
		  struct why *why)
{
	if (vm->state != from)
		return why_say(why, -EBUSY, "is %s", names[vm->state]);
	set_state(vm, to);
	return 0;
}

int vm_pause(struct vm *vm, struct why *why)
{
	return change(vm, VM_RUNNING, VM_PAUSED, why);
}

int vm_resume(struct vm *vm, struct why *why)
{
	return change(vm, VM_PAUSED, VM_RUNNING, why);
}

int vm_reset(struct vm *vm, struct why *why)
{
	(void)why;
	end(vm, false, "reset", CONF_RESTART);
	return 0;
}

json_t *vm_describe(struct vm *vm)
{
	return json_pack("{s:s,s:s,s:s,s:i,s:i,s:I,s:I,s:i,s:o,s:{}}", "name",
			 vm_name(vm), "state", names[vm->state], "why",
			 vm->why.text, "pid", (int)getpid(), "cpus",
			 (int)vm->conf->cpus, "memory_bytes",
			 (json_int_t)vm->conf->memory_bytes, "since_us",
			 (json_int_t)vm->since_us, "restarts", 0, "config",
			 conf_guest_to_json(vm->conf), "stats");
}

void vm_adopt_all(struct lguestd *lguestd)
{
	(void)lguestd;
}

/* What is typed is printed, and if it is one of the words it is done. */
static void on_typed(evutil_socket_t fd, short what, void *arg)
{
	struct fake_client *client = arg;
	struct vm *vm = client->vm;
	char line[65536];
	ssize_t n = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT);

	(void)what;
	if (n <= 0) {
		drop_fake_client(client);
		return;
	}
	line[n] = '\0';
	if (!client->what.write)
		return;
	say(vm, line, (size_t)n);
	if (strstr(line, "off"))
		end(vm, false, "powered off", vm->conf->on_poweroff);
	else if (strstr(line, "crash"))
		end(vm, true, "panic: it was told to", vm->conf->on_crash);
	else if (strstr(line, "reboot"))
		end(vm, false, "rebooted", vm->conf->on_reboot);
}

/* First what was said before; a guest that waited for this starts now. */
static void on_replay(evutil_socket_t fd, short what, void *arg)
{
	struct fake_client *client = arg;
	struct vm *vm = client->vm;

	(void)what;
	client->replayed = true;
	send(client->fd, vm->text, vm->len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (!client->what.follow)
		drop_fake_client(client);
	else if (vm->state == VM_STARTING)
		event_active(&vm->work, EV_TIMEOUT, 0);
	(void)fd;
}

int lgdev_open(struct lg_info *ret_info, struct why *why)
{
	const char *device = getenv("FAKE_DEVICE");

	memset(ret_info, 0, sizeof(*ret_info));
	ret_info->abi_min = ret_info->abi_max = LG_ABI_VERSION;
	ret_info->max_vcpus = 64;
	if (device && !strcmp(device, "none"))
		return why_say(why, -ENODEV, "lg.ko: no /dev/lguest");
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int console_attach(struct vm *vm, int fd, const struct console_client *what,
		   struct why *why)
{
	struct fake_client *other, *client = calloc(1, sizeof(*client));

	if (!client)
		abort();
	LIST_FOREACH(other, &vm->clients, link)
	{
		if (!what->write || !other->what.write)
			continue;
		if (!what->force) {
			free(client);
			return why_say(why, -EBUSY, "somebody else types");
		}
		other->what.write = false;
	}
	client->vm = vm;
	client->fd = fd;
	client->what = *what;
	LIST_INSERT_HEAD(&vm->clients, client, link);
	event_assign(&client->readable, vm->lguestd->base, fd,
		     EV_READ | EV_PERSIST, on_typed, client);
	event_add(&client->readable, NULL);
	evtimer_assign(&client->replay, vm->lguestd->base, on_replay, client);
	event_active(&client->replay, EV_TIMEOUT, 0);
	return 0;
}
