// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf-json.c - whoever speaks to the daemon gets no guest but a right one
 *
 * A client may send anything that jansson takes for JSON, and a few things of
 * this test's no client could: the daemon must refuse it with the key's name,
 * and must not be kept busy, or be made to recurse, by what it refuses.
 */
#include <errno.h>

#include "../../daemon/conf_schema.h"
#include "tap.h"

#define RIGHT "\"name\": \"web\", \"kernel\": \"/k\""

static const struct {
	const char *name, *json, *want;
} rows[] = {
	{ "not an object", "[]",
	  "is a list, but a map (key: value) is wanted\n" },
	{ "null", "null", "is nothing, but a map (key: value) is wanted\n" },
	{ "an empty object", "{}",
	  "name: is missing (what to call the guest)\n"
	  "kernel: is missing (the ELF file that is started)\n" },
	{ "keys that are none",
	  "{" RIGHT ", \"vcpus\": 2, \"\": 1, \"\\u001b[31m\": 1, "
	  "\"console\": {\"colour\": true}}",
	  "vcpus: no such key; did you mean \"cpus\"?\n"
	  "\"\": no such key\n"
	  "\"<U+001B>[31m\": no such key\n"
	  "console.colour: no such key\n" },
	{ "a path from nowhere", "{\"name\": \"a\", \"kernel\": \"vmlinux\"}",
	  "kernel: \"vmlinux\" is not an absolute path\n" },
	{ "wrong types",
	  "{\"name\": 7, \"kernel\": true, \"initrd\": [], \"cmdline\": {},"
	  "\"memory\": [], \"cpus\": \"1\", \"on_crash\": 1,"
	  "\"stop_timeout\": false, \"console\": []}",
	  "name: is a number, but a name is wanted\n"
	  "kernel: is true or false, but a path is wanted\n"
	  "initrd: is a list, but a path is wanted\n"
	  "cmdline: is a map, but text is wanted\n"
	  "memory: is a list, but a size (like 64M or 2G) is wanted\n"
	  "cpus: is text in quotes, but a number is wanted\n"
	  "on_crash: is a number, but a word is wanted\n"
	  "stop_timeout: is true or false, but a time (like 30s or 2m) is "
	  "wanted\n"
	  "console: is a list, but a map (key: value) is wanted\n" },
	{ "booleans that are none",
	  "{" RIGHT ", \"console\": {\"log\": \"true\"}}",
	  "console.log: is text in quotes, but true or false is wanted\n" },
	{ "null for values", "{" RIGHT ", \"cpus\": null, \"initrd\": null}",
	  "cpus: has no value; without the key it is 1\n"
	  "initrd: has no value\n" },
	{ "numbers out of range",
	  "{" RIGHT ", \"cpus\": -1, \"memory\": 67108864}",
	  "cpus: \"-1\" is not a number from 1 to 64\n"
	  "memory: \"67108864\" is not a size (like 64M or 2G); did you mean "
	  "\"64M\"?\n" },
	{ "numbers with a fraction",
	  "{" RIGHT ", \"cpus\": 1.5, \"memory\": 1e300}",
	  "cpus: \"1.5\" is not a number from 1 to 64\n"
	  "memory: \"1e+300\" is not a size (like 64M or 2G)\n" },
	{ "a number that is too large for any",
	  "{" RIGHT ", \"cpus\": 9223372036854775807}",
	  "cpus: \"9223372036854775807\" is not a number from 1 to 64\n" },
	{ "text with a NUL", "{" RIGHT ", \"cmdline\": \"a\\u0000b\"}",
	  "cmdline: has a control character in it (U+0000)\n" },
	{ "text with more than one line", "{" RIGHT ", \"cmdline\": \"a\\nb\"}",
	  "cmdline: has a line break in it (after >- lines become one)\n" },
	{ "a name that is a path", "{\"name\": \"../x\", \"kernel\": \"/k\"}",
	  "name: \"../x\" cannot be a guest's name (letters, digits, . _ -; "
	  "a letter or digit first; at most 48)\n" },
};

/* What is said about it, for free(); NULL: it was taken. */
static char *complaints_of(const json_t *json)
{
	struct conf_report report = { .text = NULL };
	struct conf_guest *guest = NULL;
	int r = conf_guest_from_json(json, &report, &guest);

	if (r != (report.complaints ? -EINVAL : 0) || !guest != !!r)
		bail_out("%d with %u complaints", r, report.complaints);
	conf_guest_free(guest);
	return report.text;
}

static void test_rows(void)
{
	json_error_t error;
	json_t *json;
	size_t i;
	char *got;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json = json_loads(rows[i].json,
				  JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
		if (!json)
			bail_out("%s: %s", rows[i].json, error.text);
		got = complaints_of(json);
		is_str(got, rows[i].want, "%s", rows[i].name);
		free(got);
		json_decref(json);
	}
}

/* {"name": "web", "kernel": "/k", KEY: value}; takes the value over */
static void refuse(const char *key, json_t *value, const char *want,
		   const char *name)
{
	json_t *json = json_pack("{s:s, s:s}", "name", "web", "kernel", "/k");
	char *got;

	json_object_set_new_nocheck(json, key, value);
	got = complaints_of(json);
	is_str(got, want, "%s", name);
	free(got);
	json_decref(json);
}

static json_t *nested(unsigned int depth)
{
	json_t *json = json_array();

	while (depth--)
		json = json_pack("[o]", json);
	return json;
}

static json_t *many(unsigned int count)
{
	json_t *json = json_array();

	while (count--)
		json_array_append_new(json, json_null());
	return json;
}

static void test_hostile(void)
{
	static char long_key[100000];

	refuse("cmdline", json_stringn_nocheck("\xff\xfe", 2),
	       "cmdline: is not UTF-8\n", "bytes that are not text");
	refuse("kernel", json_string("/\xe2\x80\xa8"),
	       "kernel: has a control character in it (U+2028)\n",
	       "a path with a line's end in it");
	refuse("console", nested(2000),
	       "too many things in one another (more than 8)\n"
	       "console: is a list, but a map (key: value) is wanted\n",
	       "two thousand lists in one another");
	refuse("console", many(20000),
	       "has too much in it (more than 10000 values)\n"
	       "console: is a list, but a map (key: value) is wanted\n",
	       "twenty thousand values");
	refuse("\xff\x1b", json_null(), "\"<FF><U+001B>\": no such key\n",
	       "a key that is not text");

	memset(long_key, 'a', sizeof(long_key) - 1);
	refuse(long_key, json_null(),
	       "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\": "
	       "no such key\n",
	       "a key without end");
	memset(long_key, '/', sizeof(long_key) - 1);
	refuse("initrd", json_string(long_key),
	       "initrd: is too long (99999 bytes, at most 4095)\n",
	       "a path without end");
	refuse("cmdline", json_string(long_key),
	       "cmdline: is too long (99999 bytes, at most 2047)\n",
	       "a command line without end");
}

static void test_many_complaints(void)
{
	json_t *json = json_pack("{s:s, s:s}", "name", "web", "kernel", "/k");
	char key[16], *got;
	unsigned int i;

	for (i = 0; i < 9000; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		json_object_set_new(json, key, json_integer(i));
	}
	got = complaints_of(json);
	ok(got && strlen(got) < 1000 && strstr(got, "\n... and 8980 more\n"),
	   "nine thousand complaints are few lines");
	free(got);
	json_decref(json);

	got = complaints_of(NULL);
	is_str(got, "is nothing, but a map (key: value) is wanted\n",
	       "no JSON at all is nothing");
	free(got);
}

int main(void)
{
	test_rows();
	test_hostile();
	test_many_complaints();
	return tap_end();
}
