// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf_word.c - one word, as its key wants it
 *
 * Each function reads a word into the structure, or complains: what the word is,
 * what it is not, and if it can be guessed, what was meant.  A number without a
 * unit is refused where there are units, for other tools have taken it for bytes
 * and for megabytes.  Nothing is ever adjusted.
 *
 * Where we stand: conf_check.c has found the field of a node.
 *
 * Next: daemon/conf_network.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "conf_schema.h"

#define DIGITS_MAX 19 /* that many always fit 64 bits */

/* ---- Numbers with units ---- */

/* How many digits word begins with, if it is a number as we write them. */
static size_t read_digits(const char *word, uint64_t *ret_number)
{
	size_t digits = strspn(word, "0123456789"), i;

	/* A zero in front would mean octal to some. */
	if (!digits || digits > DIGITS_MAX || (digits > 1 && *word == '0'))
		return 0;
	*ret_number = 0;
	for (i = 0; i < digits; i++)
		*ret_number = *ret_number * 10 + (uint64_t)(word[i] - '0');
	return digits;
}

int conf_size_parse(const char *word, uint64_t *ret_bytes)
{
	static const char units[] = "KMGT";
	uint64_t number;
	size_t digits = read_digits(word, &number);
	const char *unit = word + digits;
	const char *at = digits && *unit ? strchr(units, *unit) : NULL;
	unsigned int shift;

	if (!at || (unit[1] && strcmp(unit + 1, "iB") != 0))
		return -EINVAL;
	shift = 10 * (unsigned int)(at - units + 1);
	if (number > UINT64_MAX >> shift)
		return -EINVAL;
	*ret_bytes = number << shift;
	return 0;
}

const char *conf_size_word(char word[CONF_WORD_MAX], uint64_t bytes)
{
	static const char units[] = "KMGT";
	uint64_t number = bytes / 1024;
	unsigned int unit = 0;

	while (unit < 3 && number && number % 1024 == 0) {
		number /= 1024;
		unit++;
	}
	snprintf(word, CONF_WORD_MAX, "%" PRIu64 "%c", number, units[unit]);
	return word;
}

/* "30s" to seconds. */
static bool read_time(const char *word, uint64_t *ret_seconds)
{
	static const struct {
		char letter;
		unsigned int seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 60 * 60 } };
	uint64_t number;
	size_t digits = read_digits(word, &number), i;

	if (!digits || !word[digits] || word[digits + 1] || number > UINT_MAX)
		return false;
	for (i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (word[digits] != units[i].letter)
			continue;
		*ret_seconds = number * units[i].seconds;
		return true;
	}
	return false;
}

const char *conf_time_word(char word[CONF_WORD_MAX], uint64_t seconds)
{
	if (seconds && seconds % 3600 == 0)
		snprintf(word, CONF_WORD_MAX, "%" PRIu64 "h", seconds / 3600);
	else
		snprintf(word, CONF_WORD_MAX, "%" PRIu64 "s", seconds);
	return word;
}

/* ---- Words that are read ---- */

/* Is a number what the field allows?  print makes a word of it. */
static bool in_range(const struct conf_word *word, uint64_t number,
		     const char *(*print)(char *, uint64_t))
{
	const struct conf_field *field = word->field;
	char quote[CONF_QUOTE_MAX], limit[CONF_WORD_MAX];

	conf_quote(quote, word->text, word->len);
	if (number < field->min)
		CONF_SAY(word, "%s is less than %s", quote,
			 print(limit, field->min));
	else if (field->max && number > field->max)
		CONF_SAY(word, "%s is more than %s", quote,
			 print(limit, field->max));
	else if (field->multiple && number % field->multiple)
		CONF_SAY(word, "%s is not a multiple of %s", quote,
			 print(limit, field->multiple));
	else
		return true;
	return false;
}

/* What someone meant by a size that is none; false: who knows? */
static bool guess_size(const char *text, char guess[CONF_WORD_MAX])
{
	static const char *const ends[] = { "", "b", "ib" };
	const char *unit = text + strspn(text, "0123456789");
	uint64_t number;
	size_t i;

	if (!read_digits(text, &number))
		return false;
	unit += strspn(unit, " ");
	if (!*unit && number >= 1 << 20 && number % 1024 == 0)
		return conf_size_word(guess, number);
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (*unit && (!strchr("kmgtKMGT", *unit) ||
			      strcasecmp(unit + 1, ends[i]) != 0))
			continue;
		snprintf(guess, CONF_WORD_MAX, "%" PRIu64 "%c", number,
			 *unit ? *unit & ~0x20 : 'M');
		return !conf_size_parse(guess, &number);
	}
	return false;
}

void conf_set_size(const struct conf_word *word)
{
	uint64_t *value = CONF_AT(uint64_t, word->base, word->field);
	char quote[CONF_QUOTE_MAX], guess[CONF_WORD_MAX];
	uint64_t bytes;

	if (word->field->zero && !strcmp(word->text, word->field->zero)) {
		*value = 0;
		return;
	}
	if (!conf_size_parse(word->text, &bytes)) {
		if (!word->node || in_range(word, bytes, conf_size_word))
			*value = bytes;
		return;
	}
	conf_quote(quote, word->text, word->len);
	if (guess_size(word->text, guess))
		CONF_SAY(word,
			 "%s is not a size (like 64M or 2G); did you mean "
			 "\"%s\"?",
			 quote, guess);
	else if (word->field->zero)
		CONF_SAY(word, "%s is not a size (like 64M or 2G) or \"%s\"",
			 quote, word->field->zero);
	else
		CONF_SAY(word, "%s is not a size (like 64M or 2G)", quote);
}

void conf_set_time(const struct conf_word *word)
{
	unsigned int *value = CONF_AT(unsigned int, word->base, word->field);
	char quote[CONF_QUOTE_MAX];
	uint64_t seconds;
	size_t digits;

	if (read_time(word->text, &seconds)) {
		if (!word->node || in_range(word, seconds, conf_time_word))
			*value = (unsigned int)seconds;
		return;
	}
	conf_quote(quote, word->text, word->len);
	digits = read_digits(word->text, &seconds);
	if (digits && !word->text[digits])
		CONF_SAY(word,
			 "%s is not a time (like 30s or 2m); did you mean "
			 "\"%ss\"?",
			 quote, word->text);
	else
		CONF_SAY(word, "%s is not a time (like 30s or 2m)", quote);
}

void conf_set_count(const struct conf_word *word)
{
	const struct conf_field *field = word->field;
	unsigned int *value = CONF_AT(unsigned int, word->base, field);
	char quote[CONF_QUOTE_MAX];
	uint64_t number = 0;
	size_t digits = read_digits(word->text, &number);

	if (digits && !word->text[digits] && number >= field->min &&
	    number <= field->max)
		*value = (unsigned int)number;
	else
		CONF_SAY(word,
			 "%s is not a number from %" PRIu64 " to %" PRIu64,
			 conf_quote(quote, word->text, word->len), field->min,
			 field->max);
}

void conf_set_truth(const struct conf_word *word)
{
	static const char *const other_words[] = { "no",    "yes", "off", "on",
						   "n",     "y",   "0",   "1",
						   "false", "true" };
	bool *value = CONF_AT(bool, word->base, word->field);
	char quote[CONF_QUOTE_MAX];
	size_t i;

	if (!strcmp(word->text, "true") || !strcmp(word->text, "false")) {
		*value = *word->text == 't';
		return;
	}
	conf_quote(quote, word->text, word->len);
	for (i = 0; i < sizeof(other_words) / sizeof(*other_words); i++) {
		if (strcasecmp(word->text, other_words[i]) != 0)
			continue;
		CONF_SAY(word,
			 "%s is neither true nor false; did you mean \"%s\"?",
			 quote, i % 2 ? "true" : "false");
		return;
	}
	CONF_SAY(word, "%s is neither true nor false", quote);
}

void conf_set_choice(const struct conf_word *word)
{
	const char *const *words = word->field->words;
	unsigned int best = UINT_MAX, distance, i;
	char quote[CONF_QUOTE_MAX], list[128] = "";
	const char *meant = NULL;

	for (i = 0; words[i]; i++) {
		if (!strcmp(word->text, words[i])) {
			*CONF_AT(unsigned int, word->base, word->field) = i;
			return;
		}
		distance = conf_distance(word->text, word->len, words[i]);
		if (distance < best) {
			best = distance;
			meant = words[i];
		}
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
			 "%s%s", i ? ", " : "", words[i]);
	}
	conf_quote(quote, word->text, word->len);
	if (meant)
		CONF_SAY(word, "%s is none of %s; did you mean \"%s\"?", quote,
			 list, meant);
	else
		CONF_SAY(word, "%s is none of %s", quote, list);
}

/* The text itself, if it is not too short or too long. */
static void keep_text(const struct conf_word *word, const char *text,
		      size_t len)
{
	const struct conf_field *field = word->field;
	char *copy;

	if (len < field->min) {
		CONF_SAY(word, "is empty");
	} else if (field->max && len > field->max) {
		CONF_SAY(word, "is too long (%zu bytes, at most %" PRIu64 ")",
			 len, field->max);
	} else {
		copy = conf_text_copy(text, len);
		word->source->no_memory |= !copy;
		*CONF_AT(char *, word->base, field) = copy;
	}
}

void conf_set_text(const struct conf_word *word)
{
	keep_text(word, word->text, word->len);
}

void conf_set_name(const struct conf_word *word)
{
	char quote[CONF_QUOTE_MAX];

	if (conf_name_good(word->text))
		keep_text(word, word->text, word->len);
	else
		CONF_SAY(word,
			 "%s cannot be a guest's name (letters, digits, . _ -; "
			 "a letter or digit first; at most %d)",
			 conf_quote(quote, word->text, word->len),
			 CONF_NAME_MAX);
}

/* A path without the "./" it may begin with. */
static const char *skip_here(const char *path)
{
	while (path[0] == '.' && path[1] == '/') {
		path += 2;
		path += strspn(path, "/");
	}
	return path;
}

/* The folder that a file is in, absolute and with "/" at its end; or 0. */
static size_t folder_of(const char *file, char folder[PATH_MAX])
{
	const char *own = *file == '/' ? file : skip_here(file);
	const char *slash = strrchr(own, '/');
	size_t own_len = slash ? (size_t)(slash + 1 - own) : 0;
	size_t len = 0;

	if (*file != '/') {
		if (!getcwd(folder, PATH_MAX) || *folder != '/')
			return 0;
		len = strlen(folder);
		if (len > 1 && len < PATH_MAX - 1)
			folder[len++] = '/';
	}
	if (len + own_len >= PATH_MAX)
		return 0;
	memcpy(folder + len, own, own_len);
	return len + own_len;
}

/* What is not from the root on is from the folder of the file that says it. */
static void keep_relative(const struct conf_word *word)
{
	const char *text = skip_here(word->text);
	char quote[CONF_QUOTE_MAX], path[2 * PATH_MAX];
	size_t len = strlen(text), folder;

	if (len >= PATH_MAX) {
		keep_text(word, text, len); /* which will not */
		return;
	}
	folder = folder_of(word->source->path, path);
	if (!folder) {
		CONF_SAY(word, "%s starts from a folder that has no path",
			 conf_quote(quote, word->text, word->len));
		return;
	}
	memcpy(path + folder, text, len);
	keep_text(word, path, folder + len);
}

void conf_set_path(const struct conf_word *word)
{
	char quote[CONF_QUOTE_MAX];

	if (!word->len)
		CONF_SAY(word, "is empty");
	else if (*word->text == '/')
		keep_text(word, word->text, word->len);
	else if (word->source->path)
		keep_relative(word);
	else
		CONF_SAY(word, "%s is not an absolute path",
			 conf_quote(quote, word->text, word->len));
}
