// SPDX-License-Identifier: GPL-2.0-only
/*
 * facts.c - what a guest is called, how it is, and why
 *
 * The ground of all files that have to do with a guest: it asks nobody, and none
 * of it changes anything.
 *
 * Next: daemon/describe.c
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
