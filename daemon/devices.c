// SPDX-License-Identifier: GPL-2.0-only
/*
 * devices.c - which devices a guest has, and what they need of its daemon
 *
 * A row of the table here is a kind of device and how one is made for a guest,
 * from its configuration and with what it needs beyond its rings: where text
 * goes and comes from, how RAM is dropped.  No device knows a guest; this file
 * knows both.
 *
 * Next: daemon/virtio/device.c
 */
#include <errno.h>
#include <string.h>

#include "virtio/virtio.h"
#include "vm.h"

/* ---- what some devices need us for ---- */

static void print(void *arg, const char *text, size_t len)
{
	console_print(((struct vm *)arg)->console, text, len);
}

static uint64_t printed(void *arg)
{
	return console_printed(((struct vm *)arg)->console);
}

/* Who asked for an interrupt when there is some has it, and nobody else. */
static bool has_input(void *arg)
{
	const struct vm *vm = arg;

	return !vm->input_vector && console_has_input(vm->console);
}

static size_t read_input(void *arg, char *to, size_t room)
{
	return console_read(((struct vm *)arg)->console, to, room);
}

static int discard(void *arg, uint64_t gpa, uint64_t bytes)
{
	return lgdev_discard(((struct vm *)arg)->machine.vm, gpa, bytes);
}

bool bus_takes_input(const struct vm *vm)
{
	const struct virtio_dev *dev = bus_find(vm, "console");

	return !vm->input_vector && dev && vconsole_listens(dev);
}

void bus_input(struct vm *vm)
{
	struct virtio_dev *dev = bus_find(vm, "console");

	if (dev)
		vconsole_input(dev);
}

int vm_balloon(struct vm *vm, uint64_t bytes, struct why *why)
{
	struct virtio_dev *dev = bus_find(vm, "balloon");

	if (!dev || dev->leaving)
		return why_say(why, -EOPNOTSUPP, "%s: it has no balloon",
			       vm_name(vm));
	if (bytes > vm->conf->memory_bytes)
		return why_say(why, -EINVAL,
			       "%s: memory: %llu bytes: it has %llu",
			       vm_name(vm), (unsigned long long)bytes,
			       (unsigned long long)vm->conf->memory_bytes);
	balloon_set(dev, vm->conf->memory_bytes - bytes);
	return 0;
}

int vm_resize(struct vm *vm, unsigned int columns, unsigned int rows,
	      struct why *why)
{
	struct virtio_dev *dev = bus_find(vm, "console");

	if (!dev || dev->leaving)
		return why_say(why, -EOPNOTSUPP, "%s: its console has no size",
			       vm_name(vm));
	vconsole_resize(dev, (uint16_t)columns, (uint16_t)rows);
	return 0;
}

/* ---- what a configuration asks for ---- */

static int make_rng(struct vm *vm, unsigned int number,
		    struct virtio_dev **ret_dev, struct why *why)
{
	(void)why;
	if (number || !vm->conf->rng)
		return 0;
	*ret_dev = rng_create();
	return *ret_dev ? 0 : -ENOMEM;
}

static int make_console(struct vm *vm, unsigned int number,
			struct virtio_dev **ret_dev, struct why *why)
{
	const struct vconsole_host host = {
		.print = print,
		.printed = printed,
		.has_input = has_input,
		.read = read_input,
		.arg = vm,
	};

	(void)why;
	if (number || !vm->conf->console_device)
		return 0;
	*ret_dev = vconsole_create(&host);
	return *ret_dev ? 0 : -ENOMEM;
}

static int make_balloon(struct vm *vm, unsigned int number,
			struct virtio_dev **ret_dev, struct why *why)
{
	const struct balloon_host host = { .discard = discard, .arg = vm };

	(void)why;
	if (number || !vm->conf->balloon)
		return 0;
	*ret_dev = balloon_create(&host);
	return *ret_dev ? 0 : -ENOMEM;
}

/* In the order of their slots, which is that in which a guest finds them. */
const struct device_maker device_makers[] = {
	{ "console", make_console }, { "disk", disks_make },
	{ "net", networks_make },    { "rng", make_rng },
	{ "balloon", make_balloon }, { NULL, NULL },
};
