// SPDX-License-Identifier: GPL-2.0-only
/*
 * kallsyms.c - the symbols that the kernel carries for itself
 *
 * The ELF has lost its symbol table, but a kernel needs one to print an oops,
 * and that one is always there.  Nothing says where; it is found by what it
 * looks like:
 *
 *	names		each: its length, then as many token numbers
 *	markers		where every 256th of them begins
 *	[seqs]		since 6.2, and not needed here
 *	tokens		256 strings; most are pieces of names, and the digits,
 *			like letters, stand for themselves: "0\0001\0002\000..."
 *	token index	where each of these begins, so it cannot be mistaken
 *
 * Around it are a number of 4 bytes for every symbol, the address these are
 * relative to, which is the kernel's first, and how many there are; the two
 * layouts differ in the order.
 *
 *	to 6.4		offsets, base, count, names, markers, seqs, tokens, index
 *	since 6.5	count, names, markers, tokens, index, offsets, base, seqs
 *
 * A guess is right when all names can be decoded and all markers agree.  All
 * parts begin at multiples of 8.
 *
 * Must never happen: a table that is nearly right is taken.
 *
 * Next: guestos/linux/btf.c
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define TOKENS    256
#define ALIGN8(n) (((n) + 7) & ~(size_t)7)
#define COUNT_MIN 1000u /* with fewer it would be another table */
#define COUNT_MAX 4000000u
#define LENGTH    512 /* KSYM_NAME_LEN */
#define EVERY     256 /* names, a marker */

/* Offsets into data, which is the segment they are all in. */
struct table {
	struct bytes data;
	uint64_t base;
	size_t token[TOKENS], tokens, index_end;
	size_t names, offsets;
	uint32_t count;
};

static uint32_t get32(const struct table *table, size_t at)
{
	uint32_t value;

	memcpy(&value, table->data.data + at, sizeof(value));
	return value;
}

static uint64_t get64(const struct table *table, size_t at)
{
	uint64_t value;

	memcpy(&value, table->data.data + at, sizeof(value));
	return value;
}

/* ---- the tokens ---- */

static bool tokens_begin(struct table *table, size_t at)
{
	const struct bytes *data = &table->data;
	const char *token;
	uint16_t index;
	size_t i, end = at;

	for (i = 0; i < TOKENS; i++) {
		token = bytes_string(data, end);
		if (!token)
			return false;
		table->token[i] = end;
		end += strlen(token) + 1;
	}
	end = ALIGN8(end);
	if (!bytes_have(data, end, TOKENS * sizeof(index)))
		return false;
	for (i = 0; i < TOKENS; i++) {
		memcpy(&index, data->data + end + i * sizeof(index),
		       sizeof(index));
		if (index != table->token[i] - at)
			return false;
	}
	table->tokens = at;
	table->index_end = end + TOKENS * sizeof(index);
	return true;
}

/* Those before the digits are '0' strings, of which the first is on a multiple
 * of 8 and has nothing before it that would end. */
static bool tokens_around(struct table *table, size_t digits)
{
	const uint8_t *data = table->data.data;
	unsigned int nuls = 0;
	size_t at = digits;

	while (at && nuls <= '0') {
		if (nuls == '0' && at % 8 == 0 && tokens_begin(table, at))
			return true;
		nuls += !data[--at];
	}
	return false;
}

static bool find_tokens(struct table *table)
{
	static const char digits[] = "0\0"
				     "1\0"
				     "2\0"
				     "3\0"
				     "4\0"
				     "5\0"
				     "6\0"
				     "7\0"
				     "8\0"
				     "9";
	const struct bytes *data = &table->data;
	const uint8_t *found = data->data;

	while ((found = memmem(found, data->size - (size_t)(found - data->data),
			       digits, sizeof(digits)))) {
		if (tokens_around(table, (size_t)(found - data->data)))
			return true;
		found++;
	}
	return false;
}

/* ---- the names ---- */

/* One or two bytes: in the first, the high bit says that there is another. */
static size_t name_length(const struct table *table, size_t *at)
{
	const struct bytes *data = &table->data;
	size_t length;

	if (!bytes_have(data, *at, 2))
		return 0;
	length = data->data[(*at)++];
	if (length & 0x80)
		length = (length & 0x7f) | (size_t)data->data[(*at)++] << 7;
	return bytes_have(data, *at, length) ? length : 0;
}

/* Are there count names at `at`, and the markers that belong to them? */
static bool names_are(struct table *table, size_t at, uint32_t count)
{
	size_t next = at, length, marker;
	uint32_t i;

	if (count < COUNT_MIN || count > COUNT_MAX || at >= table->tokens)
		return false;
	for (i = 0; i < count; i++) {
		length = name_length(table, &next);
		if (!length || length > LENGTH)
			return false;
		next += length;
	}
	if (next > table->tokens)
		return false;
	marker = ALIGN8(next);
	next = at;
	for (i = 0; i < count; i++) {
		if (i % EVERY == 0) {
			if (!bytes_have(&table->data, marker, 4) ||
			    get32(table, marker) != next - at)
				return false;
			marker += 4;
		}
		length = name_length(table, &next);
		next += length;
	}
	table->names = at;
	table->count = count;
	return true;
}

/* offsets, base, count, names: all before the tokens */
static bool find_old(struct table *table)
{
	size_t at, offsets;

	for (at = table->tokens; at >= 8; at -= 8) {
		if (get64(table, at - 8) != table->base ||
		    !names_are(table, at + 8, get32(table, at)))
			continue;
		offsets = ALIGN8((size_t)table->count * 4);
		if (offsets > at - 8)
			continue;
		table->offsets = at - 8 - offsets;
		return true;
	}
	return false;
}

static bool find_count(struct table *table, uint32_t count)
{
	size_t at;

	for (at = table->tokens; at >= 8; at -= 8) {
		if (get32(table, at - 8) == count &&
		    names_are(table, at, count))
			return true;
	}
	return false;
}

/* offsets and base behind the tokens: their distance is the count, rounded */
static bool find_new(struct table *table)
{
	size_t start = ALIGN8(table->index_end), at;
	uint32_t most;

	for (at = start; bytes_have(&table->data, at, 8); at += 8) {
		if (get64(table, at) != table->base)
			continue;
		if ((at - start) / 4 > COUNT_MAX)
			break;
		most = (uint32_t)((at - start) / 4);
		table->offsets = start;
		if (find_count(table, most) || find_count(table, most - 1))
			return true;
	}
	return false;
}

/* ---- what they say ---- */

/* Per-CPU symbols are small numbers, and the others relative. */
static uint64_t address_of(const struct table *table, uint32_t i)
{
	int32_t offset = (int32_t)get32(table, table->offsets + (size_t)i * 4);

	if (offset >= 0)
		return (uint64_t)offset;
	return table->base - 1 - (uint64_t)(int64_t)offset;
}

/* The tokens of a name, one after another; where it does not fit it ends. */
static size_t decode(const struct table *table, size_t at, size_t length,
		     char *name)
{
	size_t i, n, used = 0;

	for (i = 0; i < length; i++) {
		const char *token = (const char *)table->data.data +
				    table->token[table->data.data[at + i]];

		n = strlen(token);
		if (n > LENGTH - used)
			break;
		memcpy(name + used, token, n);
		used += n;
	}
	name[used] = '\0';
	return used;
}

static bool add_name(struct symbols *symbols, size_t *room, const char *name,
		     size_t bytes)
{
	struct bytes *names = &symbols->names;
	uint8_t *more;

	if (bytes > *room - names->size) {
		*room = *room * 2 + LENGTH;
		more = realloc(names->data, *room);
		if (!more)
			return false;
		names->data = more;
	}
	memcpy(names->data + names->size, name, bytes);
	names->size += bytes;
	return true;
}

static bool decode_all(struct symbols *symbols, const struct table *table)
{
	size_t at = table->names, room = 0, length;
	char name[LENGTH + 1];
	struct symbol *symbol;
	uint32_t i;

	symbols->list = calloc(table->count, sizeof(*symbols->list));
	if (!symbols->list)
		return false;
	for (i = 0; i < table->count; i++) {
		length = name_length(table, &at);
		if (decode(table, at, length, name) < 2)
			name[1] = '\0'; /* a type without a name */
		at += length;
		symbol = &symbols->list[symbols->count++];
		symbol->address = address_of(table, i);
		symbol->type = name[0];
		symbol->name = (uint32_t)symbols->names.size;
		if (!add_name(symbols, &room, name + 1, strlen(name + 1) + 1))
			return false;
	}
	return true;
}

static const char *name_of(const struct symbols *symbols, size_t i)
{
	return (const char *)symbols->names.data + symbols->list[i].name;
}

static int compare(const void *a, const void *b, void *names)
{
	const struct symbol *one = a, *other = b;
	int r = strcmp((char *)names + one->name, (char *)names + other->name);

	if (r)
		return r;
	return one->address < other->address ? -1
					     : one->address > other->address;
}

enum end symbols_read(struct symbols *symbols, const struct image *image,
		      struct why *why)
{
	struct table table = { .base = image->text };
	uint64_t text;
	unsigned int i;

	*symbols = (struct symbols){ .count = 0 };
	for (i = 0; i < image->count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		table.data.data = image->elf.data + segment->p_offset;
		table.data.size = segment->p_filesz;
		if (segment->p_filesz > 64 && find_tokens(&table))
			break;
	}
	if (i == image->count || (!find_old(&table) && !find_new(&table)))
		return why_say(why, END_REFUSED,
			       "kernel %s has no symbols that can be read: "
			       "CONFIG_KALLSYMS is off, or they are in a way "
			       "unknown here",
			       image->release);
	if (!decode_all(symbols, &table))
		return why_say(why, END_FAILED, "no memory");
	qsort_r(symbols->list, symbols->count, sizeof(*symbols->list), compare,
		symbols->names.data);
	if (symbols_find(symbols, "_text", &text) != SYMBOL_ONE ||
	    text != image->text)
		return why_say(why, END_REFUSED,
			       "kernel %s: its symbols and its segments "
			       "disagree on where it begins (%#" PRIx64 ")",
			       image->release, image->text);
	return END_DONE;
}

void symbols_free(struct symbols *symbols)
{
	free(symbols->list);
	bytes_free(&symbols->names);
	*symbols = (struct symbols){ .count = 0 };
}

enum symbols_found symbols_find(const struct symbols *symbols, const char *name,
				uint64_t *ret_address)
{
	size_t low = 0, high = symbols->count, middle, i;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(name_of(symbols, middle), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == symbols->count || strcmp(name_of(symbols, low), name) != 0)
		return SYMBOL_NONE;
	for (i = low + 1; i < symbols->count; i++) {
		if (strcmp(name_of(symbols, i), name) != 0)
			break;
		if (symbols->list[i].address != symbols->list[low].address)
			return SYMBOL_MANY;
	}
	*ret_address = symbols->list[low].address;
	return SYMBOL_ONE;
}

const char *symbols_near(const struct symbols *symbols, uint64_t address,
			 char *buf, size_t len)
{
	size_t i, best = symbols->count;

	for (i = 0; i < symbols->count; i++) {
		if (symbols->list[i].address <= address &&
		    (best == symbols->count ||
		     symbols->list[i].address > symbols->list[best].address))
			best = i;
	}
	if (best == symbols->count)
		snprintf(buf, len, "%#" PRIx64, address);
	else
		snprintf(buf, len, "%s+0x%" PRIx64, name_of(symbols, best),
			 address - symbols->list[best].address);
	return buf;
}
