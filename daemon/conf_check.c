// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf_check.c - does the tree mean what the schema allows?
 *
 * Maps and keys are looked at here and words in the next file.  What was wrong
 * with one key says nothing about the next, so all are tried.  A key that is not
 * there has its preset, which is a word like any other and is read by the same
 * function, so no default can be what a file may not say.
 *
 * Where we stand: a reader has made the tree.  Start at conf_check(), at the end.
 *
 * Next: daemon/conf_word.c
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_schema.h"

/* ---- The tree ---- */

struct conf_node *conf_node_add(struct conf_node *parent, enum conf_form form)
{
	struct conf_node *node = calloc(1, sizeof(*node));
	const struct conf_node *last;

	if (!node)
		return NULL;
	node->form = form;
	TAILQ_INIT(&node->nodes);
	if (parent) {
		last = TAILQ_LAST(&parent->nodes, conf_nodes);
		node->index = last ? last->index + 1 : 0;
		node->parent = parent;
		TAILQ_INSERT_TAIL(&parent->nodes, node, link);
	}
	return node;
}

char *conf_text_copy(const char *text, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

bool conf_node_say(struct conf_node *node, const char *text, size_t len)
{
	node->text = conf_text_copy(text, len);
	node->len = len;
	return node->text;
}

bool conf_node_name(struct conf_node *node, const char *key, size_t len)
{
	node->key = conf_text_copy(key, len);
	node->key_len = len;
	return node->key;
}

void conf_node_free(struct conf_node *node)
{
	struct conf_node *child;

	if (!node)
		return;
	while ((child = TAILQ_FIRST(&node->nodes))) {
		TAILQ_REMOVE(&node->nodes, child, link);
		conf_node_free(child);
	}
	free(node->key);
	free(node->text);
	free(node);
}

/* ---- Any node for its field ---- */

static void set_map(const struct conf_word *word)
{
	conf_check(word->source, word->field->fields, word->node, word->base);
}

static void set_field(const struct conf_word *word);
static void set_absent(struct conf_source *source,
		       const struct conf_field *field,
		       const struct conf_node *map, void *base);

/* Not a map, but a word: it is the value of one key, and the only one. */
static void set_one_key(const struct conf_word *word)
{
	const struct conf_field *list = word->field;
	struct conf_word value = *word;

	for (value.field = list->fields; value.field->key; value.field++) {
		if (!strcmp(value.field->key, list->item_key))
			set_field(&value);
		else
			set_absent(word->source, value.field, NULL, word->base);
	}
}

static void set_item(const struct conf_word *list, const struct conf_node *node,
		     void *base)
{
	const struct conf_field *field = list->field;
	const struct conf_word item = {
		.source = list->source,
		.field = field,
		.node = node,
		.text = node->text,
		.len = node->len,
		.base = base,
	};

	if (field->item_key && node->form != CONF_MAP)
		set_one_key(&item);
	else
		conf_check(list->source, field->fields, node, base);
	if (field->item_check)
		field->item_check(list->source, node, base);
}

static void set_list(const struct conf_word *word)
{
	const struct conf_field *field = word->field;
	struct conf_list *list = CONF_AT(struct conf_list, word->base, field);
	const struct conf_node *node;
	size_t count = 0;

	TAILQ_FOREACH(node, &word->node->nodes, link)
		count++;
	/* Without a list around it, it is the only one there is. */
	if (word->node->form != CONF_LIST)
		count = 1;
	if (field->max && count > field->max) {
		CONF_SAY(word, "has %zu of them, and may have %" PRIu64, count,
			 field->max);
		return;
	}
	list->items = count ? calloc(count, field->item_bytes) : NULL;
	if (count && !list->items) {
		word->source->no_memory = true;
		return;
	}
	if (word->node->form != CONF_LIST) {
		list->count = 1;
		set_item(word, word->node, list->items);
		return;
	}
	TAILQ_FOREACH(node, &word->node->nodes, link) {
		set_item(word, node,
			 (char *)list->items + list->count * field->item_bytes);
		list->count++;
	}
}

#define FORM(name) (1U << CONF_##name)
#define WORD       (FORM(PLAIN) | FORM(TEXT))

static const struct {
	const char *wanted;
	unsigned int forms;
	void (*set)(const struct conf_word *word);
} types[CONF_TYPES] = {
	[CONF_IS_TEXT] = { "text", WORD, conf_set_text },
	[CONF_IS_NAME] = { "a name", WORD, conf_set_name },
	[CONF_IS_PATH] = { "a path", WORD, conf_set_path },
	[CONF_IS_SIZE] = { "a size (like 64M or 2G)", WORD | FORM(NUMBER),
			   conf_set_size },
	[CONF_IS_COUNT] = { "a number", FORM(PLAIN) | FORM(NUMBER),
			    conf_set_count },
	[CONF_IS_TIME] = { "a time (like 30s or 2m)", WORD | FORM(NUMBER),
			   conf_set_time },
	[CONF_IS_TRUTH] = { "true or false", FORM(PLAIN) | FORM(TRUTH),
			    conf_set_truth },
	[CONF_IS_CHOICE] = { "a word", WORD, conf_set_choice },
	[CONF_IS_MAP] = { "a map (key: value)", FORM(MAP), set_map },
	[CONF_IS_LIST] = { "a list", FORM(LIST), set_list },
};

static const char *const form_names[] = {
	[CONF_NOTHING] = "nothing",     [CONF_PLAIN] = "a word",
	[CONF_TEXT] = "text in quotes", [CONF_NUMBER] = "a number",
	[CONF_TRUTH] = "true or false", [CONF_MAP] = "a map",
	[CONF_LIST] = "a list",
};

/* Words of a file come to be shown and logged, and never do anything there. */
static bool is_harmless(const struct conf_word *word)
{
	uint32_t character;
	size_t i, bytes;

	for (i = 0; i < word->len; i += bytes) {
		bytes = conf_utf8(word->text + i, word->len - i, &character);
		if (bytes && !conf_control(character))
			continue;
		if (!bytes)
			CONF_SAY(word, "is not UTF-8");
		else if (character == '\n')
			CONF_SAY(word, "has a line break in it "
				       "(after >- lines become one)");
		else
			CONF_SAY(word, "has a control character in it (U+%04X)",
				 character);
		return false;
	}
	return true;
}

static bool may_be(const struct conf_field *field, enum conf_form form)
{
	unsigned int forms = types[field->type].forms;

	if (field->item_key)
		forms |= WORD | FORM(MAP);
	return forms & 1U << form;
}

static void set_field(const struct conf_word *word)
{
	const struct conf_field *field = word->field;
	const struct conf_node *node = word->node;

	if (node->known_bad)
		return;
	if (node->form == CONF_NOTHING && field->preset && *field->preset)
		conf_complain(word->source, node, &node->key_at,
			      "has no value; without the key it is %s",
			      field->preset);
	else if (node->form == CONF_NOTHING)
		conf_complain(word->source, node, &node->key_at,
			      "has no value");
	else if (!may_be(field, node->form))
		CONF_SAY(word, "is %s, but %s is wanted",
			 form_names[node->form], types[field->type].wanted);
	else if (is_harmless(word))
		types[field->type].set(word);
}

/* ---- A map for its fields ---- */

static bool is_key(const struct conf_node *node, const char *key)
{
	return node->key_len == strlen(key) &&
	       !memcmp(node->key, key, node->key_len);
}

/* The first with that key. */
static const struct conf_node *find_node(const struct conf_node *map,
					 const char *key)
{
	const struct conf_node *node;

	if (!map)
		return NULL;
	TAILQ_FOREACH(node, &map->nodes, link) {
		if (is_key(node, key))
			return node;
	}
	return NULL;
}

/* Is it one of the other names for this field? */
static bool is_also(const struct conf_field *field, const char *key)
{
	char word[CONF_WORD_MAX];

	snprintf(word, sizeof(word), " %.20s ", key);
	return field->also && strcasestr(field->also, word);
}

/* The field's key, or, if what was meant is inside a map, both with a dot. */
static const struct conf_field *guess_field(const struct conf_field *fields,
					    const struct conf_node *node,
					    const struct conf_field **ret_in)
{
	unsigned int best = UINT_MAX, distance;
	const struct conf_field *field, *in, *meant = NULL;

	for (field = fields; field->key; field++) {
		distance = is_also(field, node->key)
				   ? 0
				   : conf_distance(node->key, node->key_len,
						   field->key);
		if (distance < best) {
			best = distance;
			meant = field;
		}
		for (in = field->fields; in && in->key; in++) {
			if (field->type == CONF_IS_MAP &&
			    is_key(node, in->key)) {
				*ret_in = field;
				return in;
			}
		}
	}
	return meant;
}

static void complain_unknown(struct conf_source *source,
			     const struct conf_field *fields,
			     const struct conf_node *node)
{
	const struct conf_field *in = NULL;
	const struct conf_field *meant = guess_field(fields, node, &in);

	if (meant)
		conf_complain(source, node, &node->key_at,
			      "no such key; did you mean \"%s%s%s\"?",
			      in ? in->key : "", in ? "." : "", meant->key);
	else
		conf_complain(source, node, &node->key_at, "no such key");
}

static void check_node(struct conf_source *source,
		       const struct conf_field *fields,
		       const struct conf_node *map,
		       const struct conf_node *node, void *base)
{
	struct conf_word word = {
		.source = source,
		.field = fields,
		.node = node,
		.text = node->text,
		.len = node->len,
		.base = base,
	};
	const struct conf_node *first;

	while (word.field->key && !is_key(node, word.field->key))
		word.field++;
	if (!word.field->key) {
		complain_unknown(source, fields, node);
		return;
	}
	first = find_node(map, word.field->key);
	if (first == node)
		set_field(&word);
	else
		conf_complain(source, node, &node->key_at,
			      "is there twice (first on line %zu)",
			      first->key_at.line);
}

static void set_absent(struct conf_source *source,
		       const struct conf_field *field,
		       const struct conf_node *map, void *base)
{
	const struct conf_word word = {
		.source = source,
		.field = field,
		.text = field->preset,
		.len = field->preset ? strlen(field->preset) : 0,
		.base = base,
	};

	if (field->type == CONF_IS_MAP)
		conf_check(source, field->fields, NULL, base);
	else if (field->preset)
		types[field->type].set(&word);
	else if (field->required && !source->partial)
		conf_complain(source, map, map && map->parent ? &map->at : NULL,
			      "%s: is missing (%s)", field->key, field->help);
}

void conf_check(struct conf_source *source, const struct conf_field *fields,
		const struct conf_node *map, void *base)
{
	const struct conf_field *field;
	const struct conf_node *node;

	if (map && map->form != CONF_MAP) {
		conf_complain(source, map, &map->at,
			      "is %s, but a map (key: value) is wanted",
			      form_names[map->form]);
		return;
	}
	if (map) {
		TAILQ_FOREACH(node, &map->nodes, link)
			check_node(source, fields, map, node, base);
	}
	for (field = fields; field->key; field++) {
		if (!find_node(map, field->key))
			set_absent(source, field, map, base);
	}
}

/* ---- And its end ---- */

static void free_list(const struct conf_field *field, struct conf_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		conf_fields_free(field->fields,
				 (char *)list->items + i * field->item_bytes);
	free(list->items);
}

void conf_fields_free(const struct conf_field *fields, void *base)
{
	const struct conf_field *field;

	for (field = fields; field->key; field++) {
		switch (field->type) {
		case CONF_IS_TEXT:
		case CONF_IS_NAME:
		case CONF_IS_PATH:
			free(*CONF_AT(char *, base, field));
			break;
		case CONF_IS_MAP:
			conf_fields_free(field->fields, base);
			break;
		case CONF_IS_LIST:
			free_list(field,
				  CONF_AT(struct conf_list, base, field));
			break;
		default:
			break;
		}
	}
}
