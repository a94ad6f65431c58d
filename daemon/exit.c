// SPDX-License-Identifier: GPL-2.0-only
/*
 * exit.c - what guests ask of us
 *
 * A vcpu that wants something waits in lg.ko, and its VM's descriptor is
 * readable for as long as it does.  Reading takes nothing away, only answering
 * does: so between the two we may die, and who comes after us reads the same
 * again.  Text may be printed twice by that, and is never lost.
 *
 * A guest says what it wants by a token.  An address in its RAM is text to be
 * printed; any other has a row in the table here, or is unknown.
 *
 * What must never happen: that one guest keeps us from the others.  A turn
 * serves each of its vcpus once, and each costs no more than TEXT_MAX bytes.
 *
 * Next: daemon/virtio/queue.c
 */
#include <errno.h>
#include <string.h>

#include <lguest/guest.h>
#include <lguest/virtio.h>

#include "vm.h"

#define TEXT_MAX   16384 /* of one call: more of it is cut off */
#define TEXT_FIRST 256 /* as much as most of it needs */
#define REASON_MAX 200

/* A table of tokens: each returns the guest's result. */
typedef uint64_t (*token_fn)(struct vm *vm, uint64_t arg);

static bool is_vector(uint64_t arg)
{
	return arg == 0 || (arg >= 32 && arg <= 255);
}

static uint64_t token_power(struct vm *vm, uint64_t arg)
{
	if (!is_vector(arg))
		return LGUEST_TOKEN_UNKNOWN;
	vm->power_vector = (unsigned int)arg;
	record_save(vm);
	return 0;
}

static uint64_t token_input(struct vm *vm, uint64_t arg)
{
	if (!is_vector(arg))
		return LGUEST_TOKEN_UNKNOWN;
	vm->input_vector = (unsigned int)arg;
	record_save(vm);
	/* What came before it could listen would else wait for more. */
	if (arg && console_has_input(vm->console))
		lgdev_interrupt(vm->machine.vm, 0, vm->input_vector);
	else if (bus_takes_input(vm))
		bus_input(vm);
	return 0;
}

static uint64_t token_getc(struct vm *vm, uint64_t arg)
{
	int byte = console_getc(vm->console);

	(void)arg;
	if (byte < 0)
		return LGUEST_TOKEN_UNKNOWN;
	return (uint64_t)byte;
}

static uint64_t token_virtio(struct vm *vm, uint64_t arg)
{
	return bus_call(vm, arg);
}

static uint64_t token_kick(struct vm *vm, uint64_t arg)
{
	return bus_kick(vm, arg);
}

static uint64_t token_watchdog(struct vm *vm, uint64_t arg)
{
	if (arg &&
	    (arg < LGUEST_WATCHDOG_MIN_MS || arg > LGUEST_WATCHDOG_MAX_MS))
		return LGUEST_TOKEN_UNKNOWN;
	vm_pet(vm, (unsigned int)arg);
	return 0;
}

static const token_fn tokens[256] = {
	[LGUEST_TOKEN_POWER] = token_power,
	[LGUEST_TOKEN_INPUT] = token_input,
	[LGUEST_TOKEN_GETC] = token_getc,
	[LGUEST_TOKEN_VIRTIO] = token_virtio,
	[LGUEST_TOKEN_KICK] = token_kick,
	[LGUEST_TOKEN_WATCHDOG] = token_watchdog,
};

/* Early console: text that ends with a NUL, or with RAM, or when we say so. */
static uint64_t print(struct vm *vm, uint64_t gpa)
{
	static char text[TEXT_MAX]; /* there is one thread */
	size_t done = 0, room = TEXT_FIRST;
	ssize_t len;

	do {
		len = guest_mem_text(&vm->machine.mem, gpa + done, text + done,
				     room);
		if (len <= 0)
			break;
		done += (size_t)len;
		if ((size_t)len < room)
			break;
		room = TEXT_MAX - done;
	} while (room);
	console_print(vm->console, text, done);
	return 0;
}

static void on_notify(struct vm *vm, const struct lg_exit *exit)
{
	uint64_t token = exit->data[0], result = LGUEST_TOKEN_UNKNOWN;
	token_fn fn = tokens[LGUEST_TOKEN_WHAT(token)];
	int r;

	if (guest_mem_has(&vm->machine.mem, token, 1))
		result = print(vm, token);
	else if (fn)
		result = fn(vm, LGUEST_TOKEN_ARG(token));
	r = lgdev_answer(vm->machine.vm, exit, result);
	if (r < 0 && r != -ENOENT)
		log_say(LOG_LEVEL_WARNING, vm_name(vm),
			"vcpu %u: answer to token %#llx: %s", exit->vcpu,
			(unsigned long long)token, strerror(-r));
}

static void on_shutdown(struct vm *vm, const struct lg_exit *exit)
{
	static const struct {
		const char *verb;
		enum vm_end end;
	} kinds[] = {
		[LGUEST_SHUTDOWN_POWEROFF] = { "powered off", END_POWEROFF },
		[LGUEST_SHUTDOWN_RESTART] = { "restarted", END_REBOOT },
		[LGUEST_SHUTDOWN_CRASH] = { "crashed", END_CRASH },
	};
	/* lg.ko lets no other kind through; one that does is newer than us. */
	uint64_t kind = exit->data[0] && exit->data[0] < 4
				? exit->data[0]
				: LGUEST_SHUTDOWN_CRASH;
	char raw[REASON_MAX], reason[4 * REASON_MAX];
	struct why why;
	ssize_t len;

	len = guest_mem_text(&vm->machine.mem, exit->data[1], raw, sizeof(raw));
	log_escape(reason, sizeof(reason), raw, len > 0 ? (size_t)len : 0);
	why_say(&why, 0, "%s%s%s", kinds[kind].verb, *reason ? ": " : "",
		reason);
	vm_ended(vm, kinds[kind].end, why.text);
}

static void on_killed(struct vm *vm, const struct lg_exit *exit)
{
	char said[sizeof(exit->why) + 1];
	struct why why;

	log_escape(said, sizeof(said), exit->why, sizeof(exit->why));
	why_say(&why, 0,
		"killed: %s (vcpu %u, trap %u, error %#llx, address %#llx, "
		"rip %#llx in %s mode)",
		said, exit->vcpu, exit->trap,
		(unsigned long long)exit->trap_error,
		(unsigned long long)exit->trap_addr,
		(unsigned long long)exit->rip,
		exit->mode == LG_MODE_USER ? "user" : "kernel");
	vm_ended(vm, END_CRASH, why.text);
}

static void serve(struct vm *vm, const struct lg_exit *exit)
{
	struct why why;

	switch (exit->exit) {
	case LG_EXIT_NOTIFY:
		on_notify(vm, exit);
		break;
	case LG_EXIT_SHUTDOWN:
		on_shutdown(vm, exit);
		break;
	case LG_EXIT_KILLED:
		on_killed(vm, exit);
		break;
	default:
		why_say(&why, 0, "vcpu %u: lg.ko: unknown exit %u", exit->vcpu,
			exit->exit);
		vm_ended(vm, END_CRASH, why.text);
	}
}

static void on_exits(evutil_socket_t fd, short what, void *arg)
{
	static struct lg_exit exits[LG_MAX_VCPUS];
	struct vm *vm = arg;
	struct why why;
	int count, i;

	(void)what;
	count = lgdev_exits(fd, exits, LG_MAX_VCPUS);
	if (count < 0 && count != -EAGAIN && count != -EINTR) {
		why_say(&why, 0, "lg.ko: exits: %s", strerror(-count));
		vm_ended(vm, END_CRASH, why.text);
		return;
	}
	/* One of them may be the guest's end, and then no more are served. */
	for (i = 0; i < count && !vm->leaving; i++)
		serve(vm, &exits[i]);
}

/* It goes on with zeroes where there was something: it must not go far. */
static void on_lost(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	vm_ended(arg, END_CRASH,
		 "RAM: a page cannot be had: the host has no memory for it, or "
		 "has lost it");
}

static void say_lost(void *arg)
{
	struct vm *vm = arg;

	event_active(&vm->lost, 0, 0);
}

int exit_watch(struct vm *vm)
{
	event_assign(&vm->lost, vm->lguestd->base, -1, 0, on_lost, vm);
	vm->machine.mem.on_lost_arg = vm;
	vm->machine.mem.on_lost = say_lost;
	event_assign(&vm->exits, vm->lguestd->base, vm->machine.vm,
		     EV_READ | EV_PERSIST, on_exits, vm);
	return event_add(&vm->exits, NULL) < 0 ? -ENOMEM : 0;
}

void exit_unwatch(struct vm *vm)
{
	vm->machine.mem.on_lost = NULL;
	vm_event_del(&vm->lost);
	vm_event_del(&vm->exits);
}
