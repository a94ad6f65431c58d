// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf_json.c - the same guest in the language of the control socket
 *
 * The keys and words are those of the YAML file, `{"memory": "64M"}`, so there
 * is one thing to learn and one schema.  What jansson has made of a client's
 * message becomes the same tree, and is held against the same table: that lgctl
 * has checked it already is nothing that lguestd could know.
 *
 * A message has no lines, so complaints name the key alone.  And it has no
 * folder: a path in it is absolute or refused.
 *
 * Where we stand: ctl.c has a message, or lgctl a guest to send.
 *
 * Next: daemon/conf_check.c
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_schema.h"

/* ---- From JSON ---- */

static struct conf_node *tree_of(struct conf_source *source, const json_t *json,
				 struct conf_node *parent, unsigned int depth);

/* Iterators of jansson take no const, though they change nothing. */
static json_t *iterable(const json_t *json)
{
	union {
		const json_t *in;
		json_t *out;
	} pointer = { .in = json };

	return pointer.out;
}

static void add_members(struct conf_source *source, const json_t *json,
			struct conf_node *map, unsigned int depth)
{
	json_t *object = iterable(json);
	struct conf_node *node;
	const char *key;
	void *i;

	for (i = json_object_iter(object); i && !source->partial;
	     i = json_object_iter_next(object, i)) {
		node = tree_of(source, json_object_iter_value(i), map, depth);
		key = json_object_iter_key(i);
		if (node && !conf_node_name(node, key, strlen(key)))
			source->no_memory = true;
	}
}

static void add_items(struct conf_source *source, const json_t *json,
		      struct conf_node *list, unsigned int depth)
{
	size_t i;

	for (i = 0; i < json_array_size(json) && !source->partial; i++)
		tree_of(source, json_array_get(json, i), list, depth);
}

static void say_number(struct conf_source *source, struct conf_node *node,
		       const json_t *json)
{
	char word[64];
	int len;

	if (json_is_integer(json))
		len = snprintf(word, sizeof(word), "%" JSON_INTEGER_FORMAT,
			       json_integer_value(json));
	else
		len = snprintf(word, sizeof(word), "%.15g",
			       json_real_value(json));
	if (!conf_node_say(node, word, (size_t)len))
		source->no_memory = true;
}

static void say_word(struct conf_source *source, struct conf_node *node,
		     const json_t *json)
{
	bool said = true;

	if (json_is_string(json))
		said = conf_node_say(node, json_string_value(json),
				     json_string_length(json));
	else if (json_is_true(json))
		said = conf_node_say(node, "true", 4);
	else if (json_is_false(json))
		said = conf_node_say(node, "false", 5);
	source->no_memory |= !said;
}

static enum conf_form form_of(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return CONF_MAP;
	case JSON_ARRAY:
		return CONF_LIST;
	case JSON_STRING:
		return CONF_TEXT;
	case JSON_INTEGER:
	case JSON_REAL:
		return CONF_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return CONF_TRUTH;
	default:
		return CONF_NOTHING;
	}
}

/* May there be one more, so deep? */
static bool room_for(struct conf_source *source, unsigned int depth)
{
	if (++source->nodes > CONF_NODES_MAX)
		conf_complain(source, NULL, NULL,
			      "has too much in it (more than %d values)",
			      CONF_NODES_MAX);
	else if (depth > CONF_DEPTH_MAX)
		conf_complain(source, NULL, NULL,
			      "too many things in one another (more than %d)",
			      CONF_DEPTH_MAX);
	else
		return true;
	source->partial = true;
	return false;
}

static struct conf_node *tree_of(struct conf_source *source, const json_t *json,
				 struct conf_node *parent, unsigned int depth)
{
	struct conf_node *node;

	if (!room_for(source, depth))
		return NULL;
	node = conf_node_add(parent, form_of(json));
	if (!node) {
		source->no_memory = source->partial = true;
		return NULL;
	}
	if (node->form == CONF_MAP)
		add_members(source, json, node, depth + 1);
	else if (node->form == CONF_LIST)
		add_items(source, json, node, depth + 1);
	else if (node->form == CONF_NUMBER)
		say_number(source, node, json);
	else
		say_word(source, node, json);
	return node;
}

int conf_guest_from_json(const json_t *json, struct conf_report *report,
			 struct conf_guest **ret_guest)
{
	struct conf_source source = { .path = NULL };
	struct conf_node *root;

	if (json)
		root = tree_of(&source, json, NULL, 0);
	else
		root = conf_node_add(NULL, CONF_NOTHING);
	source.no_memory |= !root;
	return conf_guest_check(&source, root, report, ret_guest);
}

/* ---- To JSON ---- */

static json_t *value_of(const struct conf_field *field, void *base)
{
	char word[CONF_WORD_MAX];
	uint64_t bytes;

	switch (field->type) {
	case CONF_IS_TEXT:
	case CONF_IS_NAME:
	case CONF_IS_PATH:
		return json_string(*CONF_AT(char *, base, field));
	case CONF_IS_SIZE:
		bytes = *CONF_AT(uint64_t, base, field);
		return json_string(bytes || !field->zero
					   ? conf_size_word(word, bytes)
					   : field->zero);
	case CONF_IS_COUNT:
		return json_integer(*CONF_AT(unsigned int, base, field));
	case CONF_IS_TIME:
		return json_string(conf_time_word(
			word, *CONF_AT(unsigned int, base, field)));
	case CONF_IS_TRUTH:
		return json_boolean(*CONF_AT(bool, base, field));
	case CONF_IS_CHOICE:
		return json_string(
			field->words[*CONF_AT(unsigned int, base, field)]);
	case CONF_IS_MAP:
		return conf_fields_to_json(field->fields, base);
	default:
		return NULL;
	}
}

static json_t *items_of(const struct conf_field *field, void *base)
{
	const struct conf_list *list = CONF_AT(struct conf_list, base, field);
	json_t *array = json_array();
	size_t i;

	for (i = 0; array && i < list->count; i++) {
		const char *item =
			(const char *)list->items + i * field->item_bytes;

		if (json_array_append_new(
			    array, conf_fields_to_json(field->fields, item))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* Text that is not there is a key that is not there. */
static bool is_unset(const struct conf_field *field, void *base)
{
	return (field->type == CONF_IS_TEXT || field->type == CONF_IS_NAME ||
		field->type == CONF_IS_PATH) &&
	       !*CONF_AT(char *, base, field);
}

json_t *conf_fields_to_json(const struct conf_field *fields, const void *base)
{
	union {
		const void *in;
		void *out;
	} pointer = { .in = base };
	const struct conf_field *field;
	json_t *object = json_object();
	json_t *value;

	for (field = fields; object && field->key; field++) {
		if (is_unset(field, pointer.out))
			continue;
		if (field->type == CONF_IS_LIST)
			value = items_of(field, pointer.out);
		else
			value = value_of(field, pointer.out);
		/* It takes the value over, and refuses NULL. */
		if (json_object_set_new(object, field->key, value)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

json_t *conf_guest_to_json(const struct conf_guest *guest)
{
	return conf_fields_to_json(conf_guest_fields, guest);
}
