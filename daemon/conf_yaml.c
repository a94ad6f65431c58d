// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf_yaml.c - from YAML to a tree that knows where each word was
 *
 * libyaml takes the text apart, and this file decides what of YAML we want: one
 * document of maps, lists and words.  An anchor makes one place of a file depend
 * on another and a small file a large tree; a tag says what a word means, which
 * here the schema says; and both are refused by name, not passed over.
 *
 * Before libyaml sees a byte the text is known to be UTF-8 without a character
 * that does something.  So its lines are an editor's lines, and what is shown of
 * it later is what is there.
 *
 * Where we stand: conf.c has the text of a file.  Start at conf_yaml_read(), at
 * the end.
 *
 * Next: daemon/conf_json.c
 */
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "conf_schema.h"

struct reader {
	struct conf_source *source;
	yaml_parser_t parser;
	struct conf_node *root;
	struct conf_node *inside[CONF_DEPTH_MAX]; /* the last is open */
	size_t depth;
	struct conf_node *keyed; /* has its key and waits for its value */
	bool documents; /* there was one */
};

/* ---- The text ---- */

/* The source from here on cannot be understood. */
static void give_up(struct reader *reader)
{
	reader->source->partial = true;
}

/* A byte order mark, as editors of other systems put it, is nobody's word. */
static void skip_mark(struct conf_source *source)
{
	if (source->len >= 3 && !memcmp(source->text, "\xef\xbb\xbf", 3)) {
		source->text += 3;
		source->len -= 3;
	}
}

/* Says what is wrong with the bytes at text; 0, or how many are right. */
static size_t good_bytes(struct conf_source *source, const char *text,
			 size_t len, const struct conf_place *at)
{
	uint32_t character;
	size_t bytes = conf_utf8(text, len, &character);

	if (!bytes)
		conf_complain(source, NULL, at, "not UTF-8 (byte 0x%02x)",
			      (unsigned char)*text);
	else if (!conf_control(character) || *text == '\t' || *text == '\n' ||
		 (*text == '\r' && len > 1 && text[1] == '\n'))
		return bytes;
	else
		conf_complain(source, NULL, at,
			      "not text (control character U+%04X)", character);
	return 0;
}

/* Is it text that an editor would show as we will? */
static bool check_text(struct conf_source *source)
{
	struct conf_place at = { .line = 1, .column = 1, .width = 1 };
	size_t bytes, i;

	if (source->len > CONF_FILE_MAX) {
		conf_complain(source, NULL, NULL, "is larger than %d KiB",
			      CONF_FILE_MAX / 1024);
		return false;
	}
	skip_mark(source);
	for (i = 0; i < source->len; i += bytes) {
		bytes = good_bytes(source, source->text + i, source->len - i,
				   &at);
		if (!bytes)
			return false;
		at.column++;
		if (source->text[i] == '\n') {
			at.line++;
			at.column = 1;
		}
	}
	return true;
}

/* ---- libyaml's words in ours ---- */

static struct conf_place place_of(const yaml_mark_t *start,
				  const yaml_mark_t *end)
{
	struct conf_place at = {
		.line = start->line + 1,
		.column = start->column + 1,
		.width = CONF_FILE_MAX, /* until the end of that line */
	};

	if (end->line == start->line)
		at.width = end->column - start->column;
	return at;
}

/* The character at a mark, NUL at the end.  libyaml counts them, not bytes. */
static char character_at(const struct conf_source *source,
			 const yaml_mark_t *mark)
{
	size_t i = 0, n;
	uint32_t character;

	for (n = 0; n < mark->index && i < source->len; n++)
		i += conf_utf8(source->text + i, source->len - i, &character);
	return i < source->len ? source->text[i] : '\0';
}

static void complain_syntax(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const yaml_mark_t *mark = &parser->problem_mark;
	struct conf_source *source = reader->source;
	const char *problem = parser->problem ? parser->problem : "";
	struct conf_place at;

	give_up(reader);
	/* For a tag it forgets to say so: t/fuzz/conf.c, seed 1005761. */
	if (parser->error == YAML_MEMORY_ERROR ||
	    parser->error == YAML_NO_ERROR) {
		source->no_memory = true;
		return;
	}
	/* What does not end is better looked at where it begins. */
	if (parser->context && !character_at(source, mark))
		mark = &parser->context_mark;
	at = place_of(mark, mark);

	if (character_at(source, mark) == '\t')
		conf_complain(source, NULL, &at,
			      "not YAML: a tab, where only blanks may be");
	else if (!parser->context)
		conf_complain(source, NULL, &at, "not YAML: %s", problem);
	else if (parser->context_mark.line == mark->line)
		conf_complain(source, NULL, &at, "not YAML: %s (%s)", problem,
			      parser->context);
	else
		conf_complain(source, NULL, &at,
			      "not YAML: %s (%s that began on line %zu)",
			      problem, parser->context,
			      parser->context_mark.line + 1);
}

/* ---- From events to nodes ---- */

/* What an event brings beside its kind, whatever kind it is. */
struct properties {
	const yaml_char_t *anchor, *tag, *text;
	size_t len;
	bool plain;
};

static struct properties properties_of(const yaml_event_t *event)
{
	struct properties has = { .anchor = NULL };

	switch (event->type) {
	case YAML_SCALAR_EVENT:
		has.anchor = event->data.scalar.anchor;
		has.tag = event->data.scalar.tag;
		has.text = event->data.scalar.value;
		has.len = event->data.scalar.length;
		has.plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		break;
	case YAML_SEQUENCE_START_EVENT:
		has.anchor = event->data.sequence_start.anchor;
		has.tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		has.anchor = event->data.mapping_start.anchor;
		has.tag = event->data.mapping_start.tag;
		break;
	default:
		break;
	}
	return has;
}

static void refuse_properties(struct reader *reader,
			      const struct properties *has,
			      const struct conf_place *at)
{
	char quote[CONF_QUOTE_MAX];

	if (has->anchor)
		conf_complain(
			reader->source, NULL, at,
			"anchor %s: anchors and aliases are not supported",
			conf_quote(quote, (const char *)has->anchor,
				   strlen((const char *)has->anchor)));
	if (has->tag)
		conf_complain(reader->source, NULL, at,
			      "tag %s: tags are not supported",
			      conf_quote(quote, (const char *)has->tag,
					 strlen((const char *)has->tag)));
}

static bool is_nothing(const struct properties *has)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };
	size_t i;

	for (i = 0; has->plain && i < sizeof(words) / sizeof(*words); i++) {
		if (has->len == strlen(words[i]) &&
		    !memcmp(has->text, words[i], has->len))
			return true;
	}
	return false;
}

static enum conf_form form_of(const yaml_event_t *event,
			      const struct properties *has)
{
	if (event->type == YAML_MAPPING_START_EVENT)
		return CONF_MAP;
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return CONF_LIST;
	if (event->type == YAML_ALIAS_EVENT || is_nothing(has))
		return CONF_NOTHING;
	return has->plain ? CONF_PLAIN : CONF_TEXT;
}

/* The node that an event is about: one that has its key already, or a new. */
static struct conf_node *new_node(struct reader *reader)
{
	struct conf_source *source = reader->source;
	struct conf_node *node = reader->keyed;

	reader->keyed = NULL;
	if (node)
		return node;
	if (++source->nodes > CONF_NODES_MAX) {
		conf_complain(source, NULL, NULL,
			      "has too much in it (more than %d values)",
			      CONF_NODES_MAX);
		give_up(reader);
		return NULL;
	}
	node = conf_node_add(reader->depth ? reader->inside[reader->depth - 1]
					   : NULL,
			     CONF_NOTHING);
	if (!node)
		source->no_memory = true;
	else if (!reader->root)
		reader->root = node;
	return node;
}

static void on_key(struct reader *reader, const yaml_event_t *event,
		   const struct properties *has, const struct conf_place *at)
{
	struct conf_node *node;

	if (event->type != YAML_SCALAR_EVENT) {
		conf_complain(reader->source, NULL, at, "a key must be a word");
		give_up(reader);
		return;
	}
	node = new_node(reader);
	if (!node)
		return;
	node->key_at = *at;
	if (!conf_node_name(node, (const char *)has->text, has->len))
		reader->source->no_memory = true;
	reader->keyed = node;
}

static void on_value(struct reader *reader, const yaml_event_t *event,
		     const struct properties *has, const struct conf_place *at)
{
	struct conf_node *node = new_node(reader);

	if (!node)
		return;
	node->at = *at;
	node->form = form_of(event, has);
	if (event->type == YAML_ALIAS_EVENT) {
		node->known_bad = true;
		conf_complain(reader->source, node, at,
			      "anchors and aliases are not supported");
	}
	if (has->text &&
	    !conf_node_say(node, (const char *)has->text, has->len))
		reader->source->no_memory = true;
	if (node->form != CONF_MAP && node->form != CONF_LIST)
		return;
	if (reader->depth == CONF_DEPTH_MAX) {
		conf_complain(reader->source, NULL, at,
			      "too many things in one another (more than %d)",
			      CONF_DEPTH_MAX);
		give_up(reader);
		return;
	}
	reader->inside[reader->depth++] = node;
}

static void on_node(struct reader *reader, const yaml_event_t *event)
{
	struct properties has = properties_of(event);
	struct conf_place at = place_of(&event->start_mark, &event->end_mark);

	refuse_properties(reader, &has, &at);
	if (reader->depth && !reader->keyed &&
	    reader->inside[reader->depth - 1]->form == CONF_MAP)
		on_key(reader, event, &has, &at);
	else
		on_value(reader, event, &has, &at);
}

static void on_document(struct reader *reader, const yaml_event_t *event)
{
	struct conf_place at = place_of(&event->start_mark, &event->end_mark);

	if (reader->documents) {
		conf_complain(
			reader->source, NULL, &at,
			"a second document begins here; a file holds one");
		give_up(reader);
	}
	reader->documents = true;
}

/* One event; false: it was the last, or there can be no more. */
static bool read_event(struct reader *reader)
{
	yaml_event_t event;
	bool more = true;

	if (!yaml_parser_parse(&reader->parser, &event)) {
		complain_syntax(reader);
		return false;
	}
	switch (event.type) {
	case YAML_DOCUMENT_START_EVENT:
		on_document(reader, &event);
		break;
	case YAML_ALIAS_EVENT:
	case YAML_SCALAR_EVENT:
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		on_node(reader, &event);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		reader->depth--;
		break;
	case YAML_STREAM_END_EVENT:
		more = false;
		break;
	default:
		break;
	}
	yaml_event_delete(&event);
	return more && !reader->source->partial && !reader->source->no_memory;
}

struct conf_node *conf_yaml_read(struct conf_source *source)
{
	struct reader reader = { .source = source };

	if (!check_text(source))
		return NULL;
	if (!yaml_parser_initialize(&reader.parser)) {
		source->no_memory = true;
		return NULL;
	}
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser,
				     (const unsigned char *)source->text,
				     source->len);
	while (read_event(&reader))
		continue;
	if (reader.keyed) /* its value is what could not be read */
		reader.keyed->known_bad = true;
	yaml_parser_delete(&reader.parser);

	/* A file of comments is a map without keys. */
	if (!reader.root && !source->partial && !source->no_memory) {
		reader.root = conf_node_add(NULL, CONF_MAP);
		source->no_memory |= !reader.root;
	}
	return reader.root;
}
