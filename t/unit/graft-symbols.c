// SPDX-License-Identifier: GPL-2.0-only
/*
 * graft-symbols.c - the symbols and the types that a kernel carries are read
 *
 * Symbols in both orders; names of all kinds; and tables that are nearly right,
 * which must not be taken.  Types: sizes, members, spelling, and a loop.
 */
#define _GNU_SOURCE
#include <linux/btf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/made_kernel.h"
#include "tap.h"
#include "tool.h"

static struct why why;

/* The image is what was made, unpacked; nothing is packed for that. */
static void image_of(struct image *image, const struct made_kernel *made)
{
	*image = (struct image){
		.release = "6.1.0-0-made",
		.elf = { made->elf, made->elf_bytes },
		.count = 1,
		.text = MADE_TEXT,
	};
	memcpy(image->segments, made->elf + sizeof(Elf64_Ehdr),
	       sizeof(Elf64_Phdr));
}

static enum end read_made(struct made_kernel *made, struct symbols *symbols)
{
	struct image image;

	image_of(&image, made);
	return symbols_read(symbols, &image, &why);
}

static void test_names(const struct symbols *symbols)
{
	char longest[MADE_LONG + 1], buf[64];
	uint64_t at;

	is(symbols->count, MADE_COUNT, "all symbols are read");
	ok(symbols_find(symbols, "made_code", &at) == SYMBOL_ONE &&
		   at == MADE_TEXT + MADE_CODE,
	   "one whose name is a token and letters");
	ok(symbols_find(symbols, "made_percpu", &at) == SYMBOL_ONE &&
		   at == 0x340,
	   "one of a per-CPU variable, which is a small number");
	memset(longest, '0', MADE_LONG);
	longest[MADE_LONG] = '\0';
	is(symbols_find(symbols, longest, &at), SYMBOL_ONE,
	   "one whose length takes two bytes");
	ok(symbols_find(symbols, "f1199", &at) == SYMBOL_ONE &&
		   at == MADE_TEXT + 0x200 + 1199,
	   "and the last");
	is(symbols_find(symbols, "made_twice", &at), SYMBOL_MANY,
	   "a name at two addresses is ambiguous");
	is(symbols_find(symbols, "made_alias", &at), SYMBOL_ONE,
	   "but not if it is twice at one");
	is(symbols_find(symbols, "made_", &at), SYMBOL_NONE,
	   "the beginning of a name is none");
	is_str(symbols_near(symbols, MADE_TEXT + MADE_CODE + 4, buf,
			    sizeof(buf)),
	       "made_code+0x4", "an address has a name for people");
}

static void test_orders(void)
{
	struct made_kernel made;
	struct symbols symbols;
	int order;

	for (order = 0; order < 2; order++) {
		made = (struct made_kernel){ .new_order = order };
		made_elf(&made);
		is(read_made(&made, &symbols), END_DONE,
		   "symbols in the %s order", order ? "new" : "old");
		test_names(&symbols);
		symbols_free(&symbols);
		made_free(&made);
	}
}

/* Where a name, a count, a token is, in either order: by what it looks like. */
static uint8_t *find_behind(const struct made_kernel *made, size_t at,
			    const void *what, size_t bytes)
{
	uint8_t *found =
		memmem(made->elf + at, made->elf_bytes - at, what, bytes);

	if (!found)
		bail_out("what was made is not there");
	return found;
}

static uint8_t *find(const struct made_kernel *made, const void *what,
		     size_t bytes)
{
	return find_behind(made, 0, what, bytes);
}

/* Names 255 and 256 become one byte longer and shorter: the marker is wrong. */
static void swap_names(const struct made_kernel *made)
{
	uint8_t *names = find(made, "\6Tf0255\6Tf0256", 14);

	memcpy(names, "\7Tf0255x\5Tf025", 14);
}

/* A name of many tokens would be longer than any name is. */
static void test_too_long(void)
{
	struct made_kernel made = { .release = NULL };
	char zeros[MADE_LONG];
	struct symbols symbols;

	memset(zeros, '0', sizeof(zeros));
	made_elf(&made);
	memset(find(&made, zeros, sizeof(zeros)), 1, sizeof(zeros));
	is(read_made(&made, &symbols), END_DONE, "a name beyond all bounds");
	is(symbols.count, MADE_COUNT, "is cut off, and others are read");
	symbols_free(&symbols);
	made_free(&made);
}

static void refuse(struct made_kernel *made, const char *said, const char *name)
{
	struct symbols symbols;

	is(read_made(made, &symbols), END_REFUSED, "%s: refused", name);
	is_str(why.text, said, "%s: told", name);
	symbols_free(&symbols);
	made_free(made);
}

#define NONE                                                    \
	"kernel 6.1.0-0-made has no symbols that can be read: " \
	"CONFIG_KALLSYMS is off, or they are in a way unknown here"

static void test_nearly(void)
{
	const uint32_t count = MADE_COUNT;
	const uint64_t base = MADE_TEXT;
	struct made_kernel made;
	int order;

	for (order = 0; order < 2; order++) {
		const struct made_kernel good = { .new_order = order };

		made = good;
		made.no_symbols = true;
		made_elf(&made);
		refuse(&made, NONE, "no symbols");
		made = good;
		made_elf(&made);
		find(&made, "Tf0512", 6)[-1] = 7;
		refuse(&made, NONE, "a name of another length");
		made = good;
		made_elf(&made);
		find(&made,
		     "8\0"
		     "9\0:",
		     5)[1] = 'x';
		refuse(&made, NONE, "tokens that are not what the index says");
		made = good;
		made_elf(&made);
		swap_names(&made);
		refuse(&made, NONE, "a marker that is not where a name is");
		made = good;
		made_elf(&made);
		find(&made, &count, 4)[0] ^= 1;
		refuse(&made, NONE, "another count");
		made = good;
		made_elf(&made);
		memset(find_behind(&made, 0x2000, &base, 8), 0, 8);
		refuse(&made, NONE, "another base");
	}
}

/* ---- types ---- */

static uint8_t data[4096];

static void read_types(struct btf *btf)
{
	size_t bytes = made_btf(data, sizeof(data));

	if (btf_read(btf, data, bytes, &why) != END_DONE)
		bail_out("types: %s", why.text);
}

static void test_sizes(const struct btf *btf)
{
	uint32_t outer = btf_find(btf, "made_outer", BTF_KIND_STRUCT, 0);
	struct btf_place place;
	uint64_t bytes = 0;

	ok(outer && btf_size(btf, outer, &bytes) && bytes == 40,
	   "a structure has a size");
	ok(!btf_find(btf, "made_outer", BTF_KIND_STRUCT, outer),
	   "and is there once");
	ok(!btf_find(btf, "made_outer", BTF_KIND_UNION, 0), "as what it is");
	ok(btf_member(btf, outer, "in.y", &place) && place.offset == 8 &&
		   btf_size(btf, place.type, &bytes) && bytes == 4,
	   "a member of a member is found");
	ok(btf_member(btf, outer, "text", &place) && place.offset == 16 &&
		   btf_size(btf, place.type, &bytes) && bytes == 8,
	   "one of a union without a name, too");
	ok(btf_member(btf, outer, "row", &place) && place.offset == 24 &&
		   btf_size(btf, place.type, &bytes) && bytes == 12,
	   "and an array");
	ok(!btf_member(btf, outer, "in.z", &place) &&
		   !btf_member(btf, outer, "first.x", &place) &&
		   !btf_member(btf, outer, "", &place) &&
		   !btf_member(btf, outer, "in.", &place) &&
		   !btf_member(btf, 0, "in", &place) &&
		   !btf_member(btf, 9999, "in", &place),
	   "others are not");
	is(btf_percpu(btf, "made_percpu"), 40, "per-CPU variables have a size");
	is(btf_percpu(btf, "made_outer"), 0, "and others have not");
	ok(!btf_size(btf, btf_find(btf, "made_loop", BTF_KIND_TYPEDEF, 0),
		     &bytes),
	   "types that are each other's name have none");
}

static void test_spelling(const struct btf *btf)
{
	char text[160], little[20];
	uint32_t id = btf_find(btf, "made_function", BTF_KIND_FUNC, 0);

	ok(btf_spell(btf, id, text, sizeof(text)), "a function can be spelt");
	is_str(text, "int (const char *, struct made_outer *, u32)",
	       "as C has it");
	ok(!btf_spell(btf, id, little, sizeof(little)),
	   "but not where there is no room");
	id = btf_find(btf, "made_odd", BTF_KIND_FUNC, 0);
	ok(btf_spell(btf, id, text, sizeof(text)), "another one, too");
	is_str(text, "void (int (*)(void), char * const, enum made_enum, ...)",
	       "with a function, a constant pointer and more");
	ok(!btf_spell(btf, 9999, text, sizeof(text)),
	   "a type that is not there cannot");
}

static void test_broken(void)
{
	const size_t bytes = made_btf(data, sizeof(data));
	struct btf btf;
	size_t i;

	is(btf_read(&btf, data, 8, &why), END_REFUSED, "half a header");
	is_str(why.text, "a damaged kernel: no BTF header in its BTF (8 bytes)",
	       "is told");
	for (i = 24; i < bytes; i++) {
		if (btf_read(&btf, data, i, &why) == END_DONE)
			break;
	}
	is(i, bytes, "types that were cut off anywhere are refused");
	is_str(why.text, "a damaged kernel: its BTF makes no sense",
	       "and told");
	data[24 + 7] = 0x1f; /* the first type's kind */
	is(btf_read(&btf, data, bytes, &why), END_REFUSED,
	   "and so is a kind that nobody knows");
}

int main(void)
{
	struct btf btf;

	test_orders();
	test_nearly();
	test_too_long();
	read_types(&btf);
	test_sizes(&btf);
	test_spelling(&btf);
	btf_free(&btf);
	test_broken();
	return tap_end();
}
