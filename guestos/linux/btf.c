// SPDX-License-Identifier: GPL-2.0-only
/*
 * btf.c - the types that the kernel carries for itself
 *
 * BTF is a list of types that refer to each other by number, and a heap of
 * strings (Documentation/bpf/btf.rst).  We ask four things of it: how large a
 * type is, where a member is, what a function takes, how large a per-CPU
 * variable is.  A library would answer them as well, but trusts what it reads;
 * here each number is checked, and a chain of types has an end.
 *
 * Must never happen: two types that refer to each other keep us for ever.
 *
 * Next: guestos/linux/check.c
 */
#include <linux/btf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define DEPTH 16 /* of types in types; the kernel has some 10 */

static const struct btf_type *type_of(const struct btf *btf, uint32_t id)
{
	if (!id || id >= btf->count)
		return NULL;
	return (const void *)(btf->types.data + btf->at[id]);
}

/* What follows a type of a kind; its count is checked when BTF is read. */
static const void *behind(const struct btf_type *type)
{
	return type + 1;
}

static const char *name_of(const struct btf *btf, uint32_t offset)
{
	const char *name = bytes_string(&btf->strings, offset);

	return name ? name : "";
}

/* ---- reading it ---- */

static size_t size_behind(const struct btf_type *type)
{
	size_t n = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	default:
		return 0;
	}
}

/* Where each of them begins; how many there are is known at the end. */
static bool index_types(struct btf *btf)
{
	size_t at = 0, room = 1 + btf->types.size / sizeof(struct btf_type);

	btf->at = calloc(room, sizeof(*btf->at));
	if (!btf->at)
		return false;
	for (btf->count = 1; at < btf->types.size; btf->count++) {
		const struct btf_type *type;

		if (!bytes_have(&btf->types, at, sizeof(*type)))
			return false;
		type = (const void *)(btf->types.data + at);
		btf->at[btf->count] = (uint32_t)at;
		if (BTF_INFO_KIND(type->info) > BTF_KIND_MAX ||
		    !bytes_have(&btf->types, at + sizeof(*type),
				size_behind(type)))
			return false;
		at += sizeof(*type) + size_behind(type);
	}
	return true;
}

enum end btf_read(struct btf *btf, const uint8_t *data, size_t size,
		  struct why *why)
{
	const struct bytes all = { (uint8_t *)(uintptr_t)data, size };
	struct btf_header header = { .magic = 0 };
	struct bytes body;

	*btf = (struct btf){ .count = 0 };
	if (bytes_have(&all, 0, sizeof(header)))
		memcpy(&header, data, sizeof(header));
	if (header.magic != BTF_MAGIC || header.hdr_len < sizeof(header) ||
	    header.hdr_len > size)
		return why_say(why, END_REFUSED,
			       "a damaged kernel: no BTF header in its BTF "
			       "(%zu bytes)",
			       size);
	body.data = all.data + header.hdr_len;
	body.size = size - header.hdr_len;
	if (bytes_have(&body, header.type_off, header.type_len) &&
	    bytes_have(&body, header.str_off, header.str_len) &&
	    header.type_off % 4 == 0 && header.hdr_len % 4 == 0) {
		btf->types.size = header.type_len;
		btf->strings.size = header.str_len;
		btf->types.data = malloc(header.type_len + 1u);
		btf->strings.data = malloc(header.str_len + 1u);
		if (btf->types.data && btf->strings.data) {
			memcpy(btf->types.data, body.data + header.type_off,
			       header.type_len);
			memcpy(btf->strings.data, body.data + header.str_off,
			       header.str_len);
			if (index_types(btf))
				return END_DONE;
		}
	}
	btf_free(btf);
	return why_say(why, END_REFUSED,
		       "a damaged kernel: its BTF makes no sense");
}

void btf_free(struct btf *btf)
{
	bytes_free(&btf->types);
	bytes_free(&btf->strings);
	free(btf->at);
	*btf = (struct btf){ .count = 0 };
}

uint32_t btf_find(const struct btf *btf, const char *name, uint32_t kind,
		  uint32_t after)
{
	uint32_t id;

	for (id = after + 1; id < btf->count; id++) {
		const struct btf_type *type = type_of(btf, id);

		if (BTF_INFO_KIND(type->info) == kind &&
		    !strcmp(name_of(btf, type->name_off), name))
			return id;
	}
	return 0;
}

/* ---- sizes and members ---- */

/* The type behind typedefs and qualifiers; 0 is void, or too many of them. */
static uint32_t plain(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type;
	unsigned int depth;

	for (depth = 0; depth < DEPTH; depth++) {
		type = type_of(btf, id);
		if (!type)
			return 0;
		switch (BTF_INFO_KIND(type->info)) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = type->type;
			break;
		default:
			return id;
		}
	}
	return 0;
}

bool btf_size(const struct btf *btf, uint32_t id, uint64_t *ret_bytes)
{
	const struct btf_array *array;
	const struct btf_type *type;
	uint64_t times = 1;
	unsigned int depth;

	for (depth = 0; depth < DEPTH; depth++) {
		id = plain(btf, id);
		type = type_of(btf, id);
		if (!type)
			return false;
		switch (BTF_INFO_KIND(type->info)) {
		case BTF_KIND_PTR:
			*ret_bytes = times * sizeof(uint64_t);
			return true;
		case BTF_KIND_INT:
		case BTF_KIND_FLOAT:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			return !__builtin_mul_overflow(times, type->size,
						       ret_bytes);
		case BTF_KIND_ARRAY:
			array = behind(type);
			if (__builtin_mul_overflow(times, array->nelems,
						   &times) ||
			    times > UINT32_MAX)
				return false;
			id = array->type;
			break;
		default:
			return false;
		}
	}
	return false;
}

static bool find_member(const struct btf *btf, uint32_t id, const char *name,
			size_t len, struct btf_place *ret, unsigned int depth)
{
	const struct btf_type *type = type_of(btf, plain(btf, id));
	const struct btf_member *members;
	uint32_t i, kind, bits;

	kind = type ? BTF_INFO_KIND(type->info) : BTF_KIND_UNKN;
	if ((kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION) || !depth)
		return false;
	members = behind(type);
	for (i = 0; i < BTF_INFO_VLEN(type->info); i++) {
		const char *here = name_of(btf, members[i].name_off);

		bits = members[i].offset;
		if (BTF_INFO_KFLAG(type->info))
			bits = BTF_MEMBER_BIT_OFFSET(bits);
		/* a structure without a name: its members are ours */
		if (*here ? strlen(here) != len || memcmp(here, name, len) != 0
			  : !find_member(btf, members[i].type, name, len, ret,
					 depth - 1))
			continue;
		if (*here)
			*ret = (struct btf_place){ members[i].type, 0 };
		ret->offset += bits / 8;
		return true;
	}
	return false;
}

bool btf_member(const struct btf *btf, uint32_t type, const char *path,
		struct btf_place *ret)
{
	struct btf_place here = { type, 0 }, next;
	size_t len;

	for (;; path += len + 1) {
		len = strcspn(path, ".");
		if (!find_member(btf, here.type, path, len, &next, DEPTH))
			return false;
		here.type = next.type;
		here.offset += next.offset;
		if (!path[len])
			break;
	}
	*ret = here;
	return true;
}

uint32_t btf_percpu(const struct btf *btf, const char *name)
{
	uint32_t section = btf_find(btf, ".data..percpu", BTF_KIND_DATASEC, 0);
	const struct btf_type *type = type_of(btf, section), *variable;
	const struct btf_var_secinfo *variables;
	uint32_t i;

	for (i = 0; type && i < BTF_INFO_VLEN(type->info); i++) {
		variables = behind(type);
		variable = type_of(btf, variables[i].type);
		if (variable && !strcmp(name_of(btf, variable->name_off), name))
			return variables[i].size;
	}
	return 0;
}

/* ---- a type as C has it ---- */

struct text {
	char *buf;
	size_t len, used;
	bool sane;
};

static void put(struct text *text, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void spell(const struct btf *btf, uint32_t id, struct text *text,
		  unsigned int depth);

static void put(struct text *text, const char *fmt, ...)
{
	size_t room = text->len - text->used;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text->buf + text->used, room, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room)
		text->sane = false;
	else
		text->used += (size_t)n;
}

static void spell_function(const struct btf *btf, const struct btf_type *type,
			   const char *middle, struct text *text,
			   unsigned int depth)
{
	const struct btf_param *params = behind(type);
	uint32_t i, n = BTF_INFO_VLEN(type->info);

	spell(btf, type->type, text, depth);
	put(text, " %s(%s", middle, n ? "" : "void");
	for (i = 0; i < n && text->sane; i++) {
		put(text, "%s", i ? ", " : "");
		if (i == n - 1 && !params[i].type)
			put(text, "...");
		else
			spell(btf, params[i].type, text, depth);
	}
	put(text, ")");
}

static void spell_pointer(const struct btf *btf, uint32_t to, struct text *text,
			  unsigned int depth)
{
	const struct btf_type *type = type_of(btf, to);

	if (type && BTF_INFO_KIND(type->info) == BTF_KIND_FUNC_PROTO) {
		spell_function(btf, type, "(*)", text, depth);
		return;
	}
	spell(btf, to, text, depth);
	put(text, "%s",
	    text->used && text->buf[text->used - 1] == '*' ? "*" : " *");
}

/* `const char *`, but `char * const`. */
static void spell_const(const struct btf *btf, uint32_t to, struct text *text,
			unsigned int depth)
{
	const struct btf_type *type = type_of(btf, to);
	bool pointer = type && BTF_INFO_KIND(type->info) == BTF_KIND_PTR;

	put(text, "%s", pointer ? "" : "const ");
	spell(btf, to, text, depth);
	put(text, "%s", pointer ? " const" : "");
}

static void spell_name(const struct btf *btf, const struct btf_type *type,
		       struct text *text)
{
	const char *word = "";

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_STRUCT:
		word = "struct ";
		break;
	case BTF_KIND_UNION:
		word = "union ";
		break;
	case BTF_KIND_FWD:
		word = BTF_INFO_KFLAG(type->info) ? "union " : "struct ";
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		word = "enum ";
		break;
	}
	put(text, "%s%s", word, name_of(btf, type->name_off));
}

static void spell(const struct btf *btf, uint32_t id, struct text *text,
		  unsigned int depth)
{
	const struct btf_type *type = type_of(btf, id);

	if (!depth-- || !text->sane || (id && !type)) {
		text->sane = false;
		return;
	}
	switch (type ? BTF_INFO_KIND(type->info) : BTF_KIND_UNKN) {
	case BTF_KIND_UNKN:
		put(text, "void");
		break;
	case BTF_KIND_PTR:
		spell_pointer(btf, type->type, text, depth);
		break;
	case BTF_KIND_CONST:
		spell_const(btf, type->type, text, depth);
		break;
	case BTF_KIND_VOLATILE:
		put(text, "volatile ");
		spell(btf, type->type, text, depth);
		break;
	case BTF_KIND_FUNC:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG: /* __user, __percpu */
		spell(btf, type->type, text, depth);
		break;
	case BTF_KIND_FUNC_PROTO:
		spell_function(btf, type, "", text, depth);
		break;
	default:
		spell_name(btf, type, text);
	}
}

bool btf_spell(const struct btf *btf, uint32_t type, char *buf, size_t len)
{
	struct text text = { buf, len, 0, true };

	buf[0] = '\0';
	spell(btf, type, &text, DEPTH);
	return text.sane;
}
