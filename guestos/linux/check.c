// SPDX-License-Identifier: GPL-2.0-only
/*
 * check.c - what the port takes for granted is so
 *
 * The port was compiled with headers, the image with the sources they were cut
 * from; they ought to agree, and a release says little (a patch may change a
 * structure, and Debian keeps the number).  A member that has moved would be
 * found at boot, by what it breaks.  So each row of the port's is looked up in
 * the image's own types, and the first that differs is told with both numbers.
 *
 * A name may be that of several types, of files that never meet; one that
 * agrees is enough.
 *
 * Next: guestos/linux/headers.c
 */
#include <inttypes.h>
#include <linux/btf.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

static const struct {
	const char *word;
	size_t bytes;
	uint32_t kind;
} kinds[] = {
	{ "struct ", 7, BTF_KIND_STRUCT },
	{ "union ", 6, BTF_KIND_UNION },
	{ "enum ", 5, BTF_KIND_ENUM },
	{ "", 0, BTF_KIND_TYPEDEF },
};

/* "struct x" is an x of kind struct; what has no such word is a typedef. */
static uint32_t next_type(const struct btf *btf, const char *name,
			  uint32_t after)
{
	size_t i = 0;

	while (strncmp(name, kinds[i].word, kinds[i].bytes) != 0)
		i++;
	return btf_find(btf, name + kinds[i].bytes, kinds[i].kind, after);
}

static enum end check_type(const struct btf *btf, const struct graft_check *row,
			   struct why *why)
{
	uint64_t bytes = 0;
	uint32_t type = 0;
	bool any = false;

	while ((type = next_type(btf, row->name, type))) {
		if (!btf_size(btf, type, &bytes))
			continue;
		if (bytes == row->bytes)
			return END_DONE;
		any = true;
	}
	if (!any)
		return why_say(why, END_REFUSED,
			       "no %s in the kernel, and the port needs it",
			       row->name);
	return why_say(why, END_REFUSED,
		       "%s has %" PRIu64 " bytes in the kernel and %u in its "
		       "headers",
		       row->name, bytes, row->bytes);
}

static enum end check_member(const struct btf *btf,
			     const struct graft_check *row, struct why *why)
{
	struct btf_place place = { 0, 0 };
	uint64_t bytes = 0;
	uint32_t type = 0;
	bool any = false;

	while ((type = next_type(btf, row->name, type))) {
		if (!btf_member(btf, type, row->text, &place) ||
		    !btf_size(btf, place.type, &bytes))
			continue;
		if (place.offset == row->offset && bytes == row->bytes)
			return END_DONE;
		any = true;
	}
	if (!any)
		return why_say(
			why, END_REFUSED,
			"%s has no member %s in the kernel, and the port "
			"needs it",
			row->name, row->text);
	return why_say(why, END_REFUSED,
		       "%s.%s is at %" PRIu64 " (%" PRIu64 " bytes) in the "
		       "kernel and at %u (%u bytes) in its headers",
		       row->name, row->text, place.offset, bytes, row->offset,
		       row->bytes);
}

static enum end check_percpu(const struct btf *btf,
			     const struct graft_check *row, struct why *why)
{
	uint32_t bytes = btf_percpu(btf, row->name);

	if (!bytes)
		return why_say(why, END_REFUSED,
			       "no per-CPU variable %s in the kernel, and the "
			       "port needs it",
			       row->name);
	if (bytes < row->bytes)
		return why_say(
			why, END_REFUSED,
			"per-CPU variable %s has %u bytes in the kernel, "
			"and the port needs %u",
			row->name, bytes, row->bytes);
	return END_DONE;
}

static enum end check_function(const struct btf *btf,
			       const struct graft_check *row, struct why *why)
{
	uint32_t function = btf_find(btf, row->name, BTF_KIND_FUNC, 0);
	char text[GRAFT_TEXT_BYTES];

	if (!function)
		return why_say(why, END_REFUSED,
			       "no function %s in the kernel's types, and the "
			       "port needs it",
			       row->name);
	if (!btf_spell(btf, function, text, sizeof(text)))
		return why_say(why, END_REFUSED,
			       "function %s has a type in the kernel that "
			       "cannot be spelt",
			       row->name);
	if (strcmp(text, row->text) != 0)
		return why_say(
			why, END_REFUSED,
			"function %s is `%s` in the kernel, and the port "
			"takes it for `%s`",
			row->name, text, row->text);
	return END_DONE;
}

static enum end check_row(const struct btf *btf, const struct graft_check *row,
			  struct why *why)
{
	if (!memchr(row->name, 0, sizeof(row->name)) ||
	    !memchr(row->text, 0, sizeof(row->text)))
		return why_say(why, END_FAILED,
			       "the port: a check's name is too long for its "
			       "row (%.32s)",
			       row->name);
	switch (row->kind) {
	case GRAFT_TYPE:
		return check_type(btf, row, why);
	case GRAFT_MEMBER:
		return check_member(btf, row, why);
	case GRAFT_PERCPU:
		return check_percpu(btf, row, why);
	case GRAFT_FUNCTION:
		return check_function(btf, row, why);
	default:
		return why_say(why, END_FAILED, "the port: a check of kind %u",
			       row->kind);
	}
}

enum end check_all(const struct btf *btf, const struct graft_check *rows,
		   size_t count, struct why *why)
{
	enum end end = END_DONE;
	size_t i;

	for (i = 0; i < count && end == END_DONE; i++)
		end = check_row(btf, &rows[i], why);
	return end;
}
