/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conf_schema.h - between the files of conf: tree, schema, complaints
 *
 * A reader makes a tree of what it read, of whichever language, and the checker
 * holds that against a table of fields and fills a structure.  Neither stops at
 * the first fault: each is left with the source, and the end of all is that
 * there are some or there are none.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include <sys/queue.h>

#include "conf.h"

#define CONF_FILE_MAX       (256 * 1024) /* bytes */
#define CONF_DEPTH_MAX      8 /* maps and lists in one another */
#define CONF_NODES_MAX      10000
#define CONF_COMPLAINTS_MAX 20 /* are shown; the others are counted */
#define CONF_QUOTE_MAX      256 /* bytes of what conf_quote() makes */

/* What lg.ko takes at most; t/unit/conf.c compares them with the ABI. */
#define CONF_CPUS_MAX   64
#define CONF_MEMORY_MAX (1ULL << 44)

#define CONF_DISK_MAX (1ULL << 50)

/* Where in a file, as an editor counts: from 1, in characters. */
struct conf_place {
	size_t line; /* 0: nowhere */
	size_t column;
	size_t width; /* characters of the offending word on that line */
};

/* ---- The tree ---- */

enum conf_form {
	CONF_NOTHING, /* no value, or null */
	CONF_PLAIN, /* YAML's word without quotes, which may mean anything */
	CONF_TEXT, /* in quotes */
	CONF_NUMBER, /* JSON's */
	CONF_TRUTH, /* JSON's true and false */
	CONF_MAP,
	CONF_LIST,
};

TAILQ_HEAD(conf_nodes, conf_node);

struct conf_node {
	TAILQ_ENTRY(conf_node) link;
	struct conf_nodes nodes; /* of a map or a list, in order */
	const struct conf_node *parent;
	enum conf_form form;
	size_t index; /* in its parent */
	char *key; /* its name if its parent is a map; ends with NUL */
	size_t key_len;
	char *text; /* of a word; ends with NUL and may hold others */
	size_t len;
	struct conf_place key_at, at;
	bool known_bad; /* the reader has complained already */
};

/* conf_node_add - a new node, the last of parent's if there is one; or NULL */
struct conf_node *conf_node_add(struct conf_node *parent, enum conf_form form);

/* conf_text_copy - with a NUL at its end; NULL without memory */
char *conf_text_copy(const char *text, size_t len);

/* conf_node_say - give it its text; false without memory */
bool conf_node_say(struct conf_node *node, const char *text, size_t len);
bool conf_node_name(struct conf_node *node, const char *key, size_t len);

/* conf_node_free - and all below it; NULL is fine */
void conf_node_free(struct conf_node *node);

/* ---- The schema ---- */

enum conf_type {
	CONF_IS_TEXT, /* char *: min to max bytes */
	CONF_IS_NAME, /* char *: of a guest */
	CONF_IS_PATH, /* char *: absolute once it is read; at most max bytes */
	CONF_IS_SIZE, /* uint64_t: bytes */
	CONF_IS_COUNT, /* unsigned int */
	CONF_IS_TIME, /* unsigned int: seconds */
	CONF_IS_TRUTH, /* bool */
	CONF_IS_CHOICE, /* an enum: the index of a word */
	CONF_IS_MAP, /* more fields of the same structure */
	CONF_IS_LIST, /* struct conf_list: of structures, each from a map */
	CONF_TYPES,
};

struct conf_source;

/* A key and all that is known of it; a table ends with one without a key. */
struct conf_field {
	const char *key;
	enum conf_type type;
	size_t offset; /* of the value, in the structure */
	bool required;
	const char *preset; /* as one would write it; NULL: zero */
	uint64_t min, max; /* max 0: no end; of a list: how many */
	uint64_t multiple; /* 0: of anything */
	const char *zero; /* the word for a size of 0 */
	const char *const *words; /* to choose from; ends with NULL */
	const char *also; /* what others call it, blanks between and around */
	const char *help; /* a few words, for who left it out */
	const struct conf_field
		*fields; /* of the map, or of each in the list */
	size_t item_bytes; /* of a list's structure */
	const char
		*item_key; /* what a word stands for, if one may be an item */

	/* item_check - the keys of an item together; node is for complaints */
	void (*item_check)(struct conf_source *source,
			   const struct conf_node *node, void *item);
};

extern const struct conf_field conf_network_fields[];
extern const struct conf_field conf_guest_fields[];
extern const struct conf_field conf_disk_fields[];
extern const struct conf_field conf_daemon_fields[];

/* ---- Complaints ---- */

struct conf_complaint {
	struct conf_place at;
	char *text;
};

/* What is being read, and all that is wrong with it. */
struct conf_source {
	const char *path; /* NULL: it is no file */
	const char *text; /* to show lines of */
	size_t len;
	size_t nodes;
	bool partial; /* the rest could not be read */
	bool no_memory;
	unsigned int complaints; /* CONF_COMPLAINTS_MAX of them are kept */
	struct conf_complaint kept[CONF_COMPLAINTS_MAX];
};

/*
 * conf_complain - about node (or NULL), at a place (or NULL)
 *
 * What comes of the source in the message must have gone through conf_quote().
 */
void conf_complain(struct conf_source *source, const struct conf_node *node,
		   const struct conf_place *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * conf_source_end - put the complaints, in order, into the report
 *
 * Returns 0 if there were none, -EINVAL, or -ENOMEM.
 */
int conf_source_end(struct conf_source *source, struct conf_report *report);

/* conf_quote - text in quotes, safe for a terminal, and not too long */
const char *conf_quote(char quote[CONF_QUOTE_MAX], const char *text,
		       size_t len);

/* conf_utf8 - bytes of the character at text, 0 if that is none */
size_t conf_utf8(const char *text, size_t len, uint32_t *ret_char);

/* conf_control - is it a character that does something? */
bool conf_control(uint32_t character);

/* conf_distance - slips from wanted to word; UINT_MAX: it is another word */
unsigned int conf_distance(const char *word, size_t len, const char *wanted);

/* ---- Words ---- */

/* A word, and the field of base that it is for. */
struct conf_word {
	struct conf_source *source;
	const struct conf_field *field;
	const struct conf_node *node; /* NULL: it is the preset, and is right */
	const char *text; /* ends with NUL, and has no other */
	size_t len;
	void *base;
};

#define CONF_SAY(word, ...)                                            \
	conf_complain((word)->source, (word)->node, &(word)->node->at, \
		      __VA_ARGS__)

void conf_set_text(const struct conf_word *word);
void conf_set_name(const struct conf_word *word);
void conf_set_path(const struct conf_word *word);
void conf_set_size(const struct conf_word *word);
void conf_set_count(const struct conf_word *word);
void conf_set_time(const struct conf_word *word);
void conf_set_truth(const struct conf_word *word);
void conf_set_choice(const struct conf_word *word);

#define CONF_WORD_MAX 24 /* bytes of these */
const char *conf_size_word(char word[CONF_WORD_MAX], uint64_t bytes);
const char *conf_time_word(char word[CONF_WORD_MAX], uint64_t seconds);

/* ---- conf_network.c ---- */

void conf_network_check(struct conf_source *source,
			const struct conf_node *node, void *item);

/* ---- The two readers and the checker ---- */

/* conf_yaml_read - NULL if it is not YAML, as the complaints will say */
struct conf_node *conf_yaml_read(struct conf_source *source);

/* conf_check - what the tree means; base must be zeros and is freed by caller */
void conf_check(struct conf_source *source, const struct conf_field *fields,
		const struct conf_node *map, void *base);

/* conf_fields_free - what conf_check() put there, if only half of it */
void conf_fields_free(const struct conf_field *fields, void *base);

/* conf_fields_to_json - the way back; NULL: ENOMEM */
json_t *conf_fields_to_json(const struct conf_field *fields, const void *base);

/* conf_guest_check - the end of both readers: tree to guest; takes the tree */
int conf_guest_check(struct conf_source *source, struct conf_node *root,
		     struct conf_report *report, struct conf_guest **ret_guest);

/* CONF_AT - the value of a field */
#define CONF_AT(type, base, field) ((type *)((char *)(base) + (field)->offset))

#endif /* CONF_SCHEMA_H */
