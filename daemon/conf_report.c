// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf_report.c - say what is wrong, where, and what was meant
 *
 * A complaint names the file, the place and the key, and shows the line with the
 * word underlined, so that nobody has to look anything up.  What a file says may
 * be meant for the terminal of whoever reads the complaint, so nothing of it is
 * shown but characters whose width we know; all others are shown by number.
 *
 * Complaints are kept until the end and sorted by place, for the readers find
 * them in an order of their own.  A hostile file gets no more than a few.
 *
 * Where we stand: behind everything in conf_*.c that found a fault.
 *
 * Next: daemon/ctl.c
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "conf_schema.h"

#define MESSAGE_MAX   512
#define KEYS_MAX      128 /* bytes of a key's path */
#define QUOTE_COLUMNS 48
#define EXCERPT       72 /* columns of a line that are shown */
#define BEFORE        48 /* of them before the word, if it is that far */
#define TAB           8
#define WORD_MAX      32 /* characters of a key or a word to choose */

/* ---- Text that grows ---- */

struct text {
	char *text;
	size_t len;
	bool no_memory;
};

static void add_bytes(struct text *to, const char *bytes, size_t len)
{
	char *text =
		to->no_memory ? NULL : realloc(to->text, to->len + len + 1);

	if (!text) {
		to->no_memory = true;
		return;
	}
	memcpy(text + to->len, bytes, len);
	to->text = text;
	to->len += len;
	text[to->len] = '\0';
}

static void add_many(struct text *to, char character, size_t count)
{
	while (count--)
		add_bytes(to, &character, 1);
}

__attribute__((format(printf, 2, 3))) static void add(struct text *to,
						      const char *fmt, ...)
{
	char line[MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	add_bytes(to, line, strlen(line));
}

/* ---- Characters ---- */

size_t conf_utf8(const char *text, size_t len, uint32_t *ret_char)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = len ? (unsigned char)*text : 0xff;
	size_t bytes = first < 0x80   ? 1
		       : first < 0xc0 ? 0
		       : first < 0xe0 ? 2
		       : first < 0xf0 ? 3
		       : first < 0xf8 ? 4
				      : 0;
	uint32_t character;
	size_t i;

	if (!bytes || bytes > len)
		return 0;
	character = bytes == 1 ? first : first & (0x7fU >> bytes);
	for (i = 1; i < bytes; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (text[i] & 0x3f);
	}
	if (character < least[bytes] || character > 0x10ffff ||
	    (character >= 0xd800 && character < 0xe000))
		return 0;
	*ret_char = character;
	return bytes;
}

bool conf_control(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0) ||
	       character == 0x2028 || character == 0x2029 || /* lines end */
	       character == 0xfeff || (character & 0xfffe) == 0xfffe;
}

/*
 * The columns of a character, 0 if it is not to be shown: nobody would see it,
 * or it does something to its neighbours.  libc knows, but in the daemon's own
 * locale it would know no more than ASCII.
 */
static size_t columns_of(uint32_t character)
{
	static locale_t locale;
	locale_t old;
	int columns;

	if (character < 0x80)
		return !conf_control(character);
	if (!locale)
		locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!locale)
		return 0;
	old = uselocale(locale);
	columns = iswspace(character) ? 0 : wcwidth((wchar_t)character);
	uselocale(old);

	if (conf_control(character) || columns < 0 || character == 0xa0 ||
	    character == 0xad || /* blank, hyphen */
	    character == 0x2007 || character == 0x202f)
		return 0;
	return (size_t)columns;
}

/* What is shown in place of one character of a source. */
struct cell {
	char text[16];
	size_t bytes; /* that it was */
	size_t columns;
};

static struct cell cell_of(const char *text, size_t len)
{
	struct cell cell = { .bytes = 1 };
	uint32_t character;
	size_t bytes = conf_utf8(text, len, &character);

	if (!bytes) {
		snprintf(cell.text, sizeof(cell.text), "<%02X>",
			 (unsigned char)*text);
		cell.columns = 4;
		return cell;
	}
	cell.bytes = bytes;
	cell.columns = columns_of(character);
	if (cell.columns) {
		memcpy(cell.text, text, bytes);
	} else {
		snprintf(cell.text, sizeof(cell.text), "<U+%04X>", character);
		cell.columns = strlen(cell.text);
	}
	return cell;
}

const char *conf_quote(char quote[CONF_QUOTE_MAX], const char *text, size_t len)
{
	size_t i = 0, used = 1, columns = 0;
	struct cell cell;

	quote[0] = '"';
	while (i < len && columns < QUOTE_COLUMNS) {
		cell = cell_of(text + i, len - i);
		memcpy(quote + used, cell.text, strlen(cell.text));
		used += strlen(cell.text);
		columns += cell.columns;
		i += cell.bytes;
	}
	snprintf(quote + used, CONF_QUOTE_MAX - used, "%s",
		 i < len ? "...\"" : "\"");
	return quote;
}

char *conf_show(const char *text, char *to, size_t room)
{
	size_t len = strlen(text), used = 0, add_len;
	struct cell cell;

	to[0] = '\0';
	for (; len; text += cell.bytes, len -= cell.bytes) {
		cell = cell_of(text, len);
		add_len = strlen(cell.text);
		if (used + add_len >= room)
			break;
		memcpy(to + used, cell.text, add_len + 1);
		used += add_len;
	}
	return to;
}

/* ---- The line, and what is wrong in it ---- */

/* The line of a place, without its end; false: there is none. */
static bool find_line(const struct conf_source *source, size_t line,
		      const char **ret_text, size_t *ret_len)
{
	const char *text = source->text, *end = text + source->len, *stop;

	while (--line) {
		text = memchr(text, '\n', (size_t)(end - text));
		if (!text)
			return false;
		text++;
	}
	stop = memchr(text, '\n', (size_t)(end - text));
	stop = stop ? stop : end;
	if (stop > text && stop[-1] == '\r')
		stop--;
	*ret_text = text;
	*ret_len = (size_t)(stop - text);
	return true;
}

/* Tabs become blanks: behind what we put before the line they would not fit. */
static struct cell cell_at(const char *text, size_t len, size_t column)
{
	struct cell cell = cell_of(text, len);

	if (*text != '\t')
		return cell;
	cell.columns = TAB - column % TAB;
	snprintf(cell.text, sizeof(cell.text), "%*s", (int)cell.columns, "");
	return cell;
}

/* The columns of the characters from first to behind last; returns all. */
static size_t measure(const char *text, size_t len, size_t first, size_t last,
		      size_t *ret_from, size_t *ret_to)
{
	size_t i = 0, n, column = 0;
	struct cell cell;

	*ret_from = *ret_to = SIZE_MAX;
	for (n = 0; i < len; n++) {
		if (n == first)
			*ret_from = column;
		if (n == last)
			*ret_to = column;
		cell = cell_at(text + i, len - i, column);
		column += cell.columns;
		i += cell.bytes;
	}
	if (*ret_from == SIZE_MAX)
		*ret_from = column;
	if (*ret_to == SIZE_MAX)
		*ret_to = column;
	return column;
}

/* The columns from `from` on that there is room for. */
static void add_window(struct text *to, const char *text, size_t len,
		       size_t from)
{
	size_t i, column = 0;
	struct cell cell;

	for (i = 0; i < len; i += cell.bytes) {
		cell = cell_at(text + i, len - i, column);
		if (column + cell.columns > from + EXCERPT)
			break;
		if (column >= from)
			add(to, "%s", cell.text);
		else if (column + cell.columns > from) /* half of it */
			add_many(to, ' ', column + cell.columns - from);
		column += cell.columns;
	}
	if (i < len)
		add(to, "...");
}

static void add_excerpt(struct text *to, const struct conf_source *source,
			const struct conf_place *at)
{
	size_t len, from, start, stop, all;
	const char *text;

	if (!source->text || !at->line ||
	    !find_line(source, at->line, &text, &len) || !len)
		return;
	all = measure(text, len, at->column - 1, at->column - 1 + at->width,
		      &start, &stop);
	from = all > EXCERPT && start > BEFORE ? start - BEFORE : 0;
	if (from > all - EXCERPT)
		from = all - EXCERPT; /* its end, with more before the word */
	if (stop > from + EXCERPT)
		stop = from + EXCERPT;

	add(to, "%5zu | %s", at->line, from ? "..." : "");
	add_window(to, text, len, from);
	add(to, "\n%5s | ", "");
	add_many(to, ' ', start - from + (from ? 3 : 0));
	add(to, "^");
	if (stop > start + 1)
		add_many(to, '~', stop - start - 1);
	add(to, "\n");
}

/* ---- Complaints ---- */

/* A key as it was written, if it is a decent one. */
static void put_key(char *keys, const struct conf_node *node)
{
	char quote[CONF_QUOTE_MAX];
	size_t i;

	for (i = 0; i < node->key_len; i++) {
		if (!isalnum((unsigned char)node->key[i]) &&
		    node->key[i] != '_' && node->key[i] != '-')
			break;
	}
	if (node->key_len && node->key_len < WORD_MAX && i == node->key_len)
		snprintf(keys, KEYS_MAX, "%s", node->key);
	else
		snprintf(keys, KEYS_MAX, "%.*s", KEYS_MAX - 1,
			 conf_quote(quote, node->key, node->key_len));
}

/* disks[1].path: from the root to the node. */
static void add_keys(struct text *to, const struct conf_node *node)
{
	char keys[KEYS_MAX];

	if (!node->parent)
		return;
	add_keys(to, node->parent);
	if (!node->key) {
		add(to, "[%zu]", node->index);
		return;
	}
	put_key(keys, node);
	add(to, "%s%s", node->parent->parent ? "." : "", keys);
}

/* The path, whatever somebody has called his file. */
static void add_path(struct text *to, const char *path)
{
	size_t i, len = strlen(path);
	struct cell cell;

	for (i = 0; i < len; i += cell.bytes) {
		cell = cell_of(path + i, len - i);
		add(to, "%s", cell.text);
	}
}

static void add_subject(struct text *to, const struct conf_source *source,
			const struct conf_node *node,
			const struct conf_place *at)
{
	if (source->path)
		add_path(to, source->path);
	if (source->path && at->line)
		add(to, ":%zu:%zu", at->line, at->column);
	if (source->path)
		add(to, ": ");
	if (node && node->parent) {
		add_keys(to, node);
		add(to, ": ");
	}
}

void conf_complain(struct conf_source *source, const struct conf_node *node,
		   const struct conf_place *at, const char *fmt, ...)
{
	const struct conf_place nowhere = { .line = 0 };
	struct conf_complaint *complaint;
	struct text text = { .text = NULL };
	char what[MESSAGE_MAX];
	va_list args;

	if (source->complaints++ >= CONF_COMPLAINTS_MAX)
		return;
	complaint = &source->kept[source->complaints - 1];
	complaint->at = at ? *at : nowhere;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	add_subject(&text, source, node, &complaint->at);
	add_bytes(&text, what, strlen(what));
	add_bytes(&text, "\n", 1);
	add_excerpt(&text, source, &complaint->at);
	source->no_memory |= text.no_memory;
	complaint->text = text.text;
}

/* In the order of the source; sort() must not change what is found at a place. */
static void sort_complaints(struct conf_source *source, unsigned int count)
{
	struct conf_complaint *kept = source->kept, moved;
	unsigned int i, j;

	for (i = 1; i < count; i++) {
		moved = kept[i];
		for (j = i; j && (kept[j - 1].at.line > moved.at.line ||
				  (kept[j - 1].at.line == moved.at.line &&
				   kept[j - 1].at.column > moved.at.column));
		     j--)
			kept[j] = kept[j - 1];
		kept[j] = moved;
	}
}

int conf_source_end(struct conf_source *source, struct conf_report *report)
{
	struct text text = { .text = report->text, .len = report->len };
	unsigned int count = source->complaints, i;

	if (count > CONF_COMPLAINTS_MAX)
		count = CONF_COMPLAINTS_MAX;
	sort_complaints(source, count);
	for (i = 0; i < count; i++) {
		if (source->kept[i].text)
			add_bytes(&text, source->kept[i].text,
				  strlen(source->kept[i].text));
		free(source->kept[i].text);
	}
	if (source->complaints > count)
		add(&text, "... and %u more\n", source->complaints - count);

	report->text = text.text;
	report->len = text.len;
	report->complaints += source->complaints;
	if (source->no_memory || text.no_memory)
		return -ENOMEM;
	return source->complaints ? -EINVAL : 0;
}

void conf_report_fini(struct conf_report *report)
{
	free(report->text);
	*report = (struct conf_report){ .text = NULL };
}

/* ---- What was meant ---- */

/* Letters are the same in either case, and so are - and _. */
static int fold(char character)
{
	return character == '-' ? '_' : tolower((unsigned char)character);
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Letters added, left out, changed, or in the place of their neighbours. */
unsigned int conf_distance(const char *word, size_t len, const char *wanted)
{
	unsigned int row[3][WORD_MAX + 1] = { 0 };
	unsigned int *old = row[0], *last = row[1], *now = row[2], *spare;
	size_t want = strlen(wanted), i, j;

	if (len >= WORD_MAX || want >= WORD_MAX)
		return UINT_MAX;
	for (j = 0; j <= want; j++)
		last[j] = (unsigned int)j;
	for (i = 1; i <= len; i++) {
		now[0] = (unsigned int)i;
		for (j = 1; j <= want; j++) {
			now[j] = least(last[j], now[j - 1]) + 1;
			now[j] = least(now[j],
				       last[j - 1] + (fold(word[i - 1]) !=
						      fold(wanted[j - 1])));
			if (i > 1 && j > 1 &&
			    fold(word[i - 1]) == fold(wanted[j - 2]) &&
			    fold(word[i - 2]) == fold(wanted[j - 1]))
				now[j] = least(now[j], old[j - 2] + 1);
		}
		spare = old;
		old = last;
		last = now;
		now = spare;
	}
	return last[want] <= least(3, 1 + (unsigned int)want / 4) ? last[want]
								  : UINT_MAX;
}
