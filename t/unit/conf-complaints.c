// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf-complaints.c - what is wrong in a file is said in exactly these words
 *
 * A complaint is for a person, who has a file with a mistake in it and may have
 * got it from somebody else.  So the words are the behaviour here: what is said,
 * of which place, under which character the caret stands, and that no character
 * of a hostile file reaches the terminal that could do something there.
 *
 * Long because every mistake that we know of is an example.
 */
#include <errno.h>

#include "../../daemon/conf_schema.h"
#include "tap.h"

#define TEXT(text) text, sizeof(text) - 1

static const struct {
	const char *name, *text;
	size_t len;
	const char *want;
} rows[] = {
	{ "a file without a kernel", TEXT("memory: 64M\n"),
	  "web.yaml: kernel: is missing (the ELF file that is started)\n" },
	{ "a file of nothing", TEXT(""),
	  "web.yaml: kernel: is missing (the ELF file that is started)\n" },
	{ "a file of one word", TEXT("kernel\n"),
	  "web.yaml:1:1: is a word, but a map (key: value) is wanted\n"
	  "    1 | kernel\n"
	  "      | ^~~~~~\n" },
	{ "a file of a list", TEXT("- kernel: /k\n"),
	  "web.yaml:1:1: is a list, but a map (key: value) is wanted\n"
	  "    1 | - kernel: /k\n"
	  "      | ^\n" },
	{ "a file of null", TEXT("~\n"),
	  "web.yaml:1:1: is nothing, but a map (key: value) is wanted\n"
	  "    1 | ~\n"
	  "      | ^\n" },
	{ "keys that are none, and what they were to be",
	  TEXT("kernel: /k\n"
	       "memroy: 64M\n"
	       "Memory: 64M\n"
	       "vcpus: 2\n"
	       "ram: 1G\n"
	       "log_size: 1M\n"
	       "on-crash: restart\n"
	       "x: y\n"
	       "colour: red\n"
	       "? 2\n"),
	  "web.yaml:2:1: memroy: no such key; did you mean \"memory\"?\n"
	  "    2 | memroy: 64M\n"
	  "      | ^~~~~~\n"
	  "web.yaml:3:1: Memory: no such key; did you mean \"memory\"?\n"
	  "    3 | Memory: 64M\n"
	  "      | ^~~~~~\n"
	  "web.yaml:4:1: vcpus: no such key; did you mean \"cpus\"?\n"
	  "    4 | vcpus: 2\n"
	  "      | ^~~~~\n"
	  "web.yaml:5:1: ram: no such key; did you mean \"memory\"?\n"
	  "    5 | ram: 1G\n"
	  "      | ^~~\n"
	  "web.yaml:6:1: log_size: no such key; did you mean "
	  "\"console.log_size\"?\n"
	  "    6 | log_size: 1M\n"
	  "      | ^~~~~~~~\n"
	  "web.yaml:7:1: on-crash: no such key; did you mean \"on_crash\"?\n"
	  "    7 | on-crash: restart\n"
	  "      | ^~~~~~~~\n"
	  "web.yaml:8:1: x: no such key\n"
	  "    8 | x: y\n"
	  "      | ^\n"
	  "web.yaml:9:1: colour: no such key\n"
	  "    9 | colour: red\n"
	  "      | ^~~~~~\n"
	  "web.yaml:10:3: 2: no such key\n"
	  "   10 | ? 2\n"
	  "      |   ^\n" },
	{ "networks that are none",
	  TEXT("kernel: /k\n"
	       "network:\n"
	       "- { mode: user, bridge: br0 }\n"
	       "- { mode: user, mtu: 20000 }\n"
	       "- { mode: none, bridge: br0 }\n"
	       "- { mode: usr }\n"
	       "- { mac: 11:22 }\n"),
	  "web.yaml:3:3: network[0]: bridge: is not for the mode \"user\"\n"
	  "    3 | - { mode: user, bridge: br0 }\n"
	  "      |   ^\n"
	  "web.yaml:4:3: network[1]: mtu: 20000 is more than 16384, the most "
	  "that the mode \"user\" can have\n"
	  "    4 | - { mode: user, mtu: 20000 }\n"
	  "      |   ^\n"
	  "web.yaml:5:3: network[2]: bridge: there is no network to be "
	  "connected\n"
	  "    5 | - { mode: none, bridge: br0 }\n"
	  "      |   ^\n"
	  "web.yaml:6:11: network[3].mode: \"usr\" is none of local, bridge, "
	  "user, none; did you mean \"user\"?\n"
	  "    6 | - { mode: usr }\n"
	  "      |           ^~~\n"
	  "web.yaml:7:3: network[4]: mac: \"11:22\" is not the address of a "
	  "card (like 52:54:00:12:34:56)\n"
	  "    7 | - { mac: 11:22 }\n"
	  "      |   ^\n" },
	{ "keys that are there twice, also if one is wrong",
	  TEXT("kernel: /k\n"
	       "cpus: 3Q\n"
	       "cpus: 2\n"
	       "kernel: /l\n"
	       "cpus: 4\n"),
	  "web.yaml:2:7: cpus: \"3Q\" is not a number from 1 to 64\n"
	  "    2 | cpus: 3Q\n"
	  "      |       ^~\n"
	  "web.yaml:3:1: cpus: is there twice (first on line 2)\n"
	  "    3 | cpus: 2\n"
	  "      | ^~~~\n"
	  "web.yaml:4:1: kernel: is there twice (first on line 1)\n"
	  "    4 | kernel: /l\n"
	  "      | ^~~~~~\n"
	  "web.yaml:5:1: cpus: is there twice (first on line 2)\n"
	  "    5 | cpus: 4\n"
	  "      | ^~~~\n" },
	{ "a size that is none",
	  TEXT("kernel: /k\n"
	       "memory: 64Q\n"),
	  "web.yaml:2:9: memory: \"64Q\" is not a size (like 64M or 2G)\n"
	  "    2 | memory: 64Q\n"
	  "      |         ^~~\n" },
	{ "a size in bytes or in nothing",
	  TEXT("kernel: /k\n"
	       "memory: 64\n"
	       "console: {log_size: 1048576}\n"),
	  "web.yaml:2:9: memory: \"64\" is not a size (like 64M or 2G); did "
	  "you mean \"64M\"?\n"
	  "    2 | memory: 64\n"
	  "      |         ^~\n"
	  "web.yaml:3:21: console.log_size: \"1048576\" is not a size (like "
	  "64M or 2G); did you mean \"1M\"?\n"
	  "    3 | console: {log_size: 1048576}\n"
	  "      |                     ^~~~~~~\n" },
	{ "a size in other people's words",
	  TEXT("kernel: /k\n"
	       "memory: 64 mb\n"),
	  "web.yaml:2:9: memory: \"64 mb\" is not a size (like 64M or 2G); did "
	  "you mean \"64M\"?\n"
	  "    2 | memory: 64 mb\n"
	  "      |         ^~~~~\n" },
	{ "a size in fractions",
	  TEXT("kernel: /k\n"
	       "memory: 1.5G\n"),
	  "web.yaml:2:9: memory: \"1.5G\" is not a size (like 64M or 2G)\n"
	  "    2 | memory: 1.5G\n"
	  "      |         ^~~~\n" },
	{ "a size that would be eight exbibytes too large",
	  TEXT("kernel: /k\n"
	       "memory: 8388608T\n"),
	  "web.yaml:2:9: memory: \"8388608T\" is more than 16T\n"
	  "    2 | memory: 8388608T\n"
	  "      |         ^~~~~~~~\n" },
	{ "sizes out of range",
	  TEXT("kernel: /k\n"
	       "memory: 1M\n"
	       "console: { log_size: 2G }\n"),
	  "web.yaml:2:9: memory: \"1M\" is less than 4M\n"
	  "    2 | memory: 1M\n"
	  "      |         ^~\n"
	  "web.yaml:3:22: console.log_size: \"2G\" is more than 1G\n"
	  "    3 | console: { log_size: 2G }\n"
	  "      |                      ^~\n" },
	{ "a size between pages",
	  TEXT("kernel: /k\n"
	       "memory: 4097K\n"),
	  "web.yaml:2:9: memory: \"4097K\" is not a multiple of 4K\n"
	  "    2 | memory: 4097K\n"
	  "      |         ^~~~~\n" },
	{ "CPUs without number",
	  TEXT("kernel: /k\n"
	       "cpus: many\n"),
	  "web.yaml:2:7: cpus: \"many\" is not a number from 1 to 64\n"
	  "    2 | cpus: many\n"
	  "      |       ^~~~\n" },
	{ "no CPUs",
	  TEXT("kernel: /k\n"
	       "cpus: 0\n"),
	  "web.yaml:2:7: cpus: \"0\" is not a number from 1 to 64\n"
	  "    2 | cpus: 0\n"
	  "      |       ^\n" },
	{ "an octal number of CPUs",
	  TEXT("kernel: /k\n"
	       "cpus: 010\n"),
	  "web.yaml:2:7: cpus: \"010\" is not a number from 1 to 64\n"
	  "    2 | cpus: 010\n"
	  "      |       ^~~\n" },
	{ "a number that is text",
	  TEXT("kernel: /k\n"
	       "cpus: \"2\"\n"),
	  "web.yaml:2:7: cpus: is text in quotes, but a number is wanted\n"
	  "    2 | cpus: \"2\"\n"
	  "      |       ^~~\n" },
	{ "booleans of YAML 1.1",
	  TEXT("kernel: /k\n"
	       "console:\n"
	       "  log: Yes\n"),
	  "web.yaml:3:8: console.log: \"Yes\" is neither true nor false; did "
	  "you mean \"true\"?\n"
	  "    3 |   log: Yes\n"
	  "      |        ^~~\n" },
	{ "a boolean that is text",
	  TEXT("kernel: /k\n"
	       "console:\n"
	       "  log: \"true\"\n"),
	  "web.yaml:3:8: console.log: is text in quotes, but true or false is "
	  "wanted\n"
	  "    3 |   log: \"true\"\n"
	  "      |        ^~~~~~\n" },
	{ "a boolean that is nothing of the kind",
	  TEXT("kernel: /k\n"
	       "console:\n"
	       "  log: maybe\n"),
	  "web.yaml:3:8: console.log: \"maybe\" is neither true nor false\n"
	  "    3 |   log: maybe\n"
	  "      |        ^~~~~\n" },
	{ "a word that is not to choose",
	  TEXT("kernel: /k\n"
	       "on_crash: restrat\n"
	       "on_reboot: explode\n"),
	  "web.yaml:2:11: on_crash: \"restrat\" is none of destroy, restart, "
	  "preserve; did you mean \"restart\"?\n"
	  "    2 | on_crash: restrat\n"
	  "      |           ^~~~~~~\n"
	  "web.yaml:3:12: on_reboot: \"explode\" is none of destroy, restart, "
	  "preserve\n"
	  "    3 | on_reboot: explode\n"
	  "      |            ^~~~~~~\n" },
	{ "times",
	  TEXT("kernel: /k\n"
	       "stop_timeout: 30\n"),
	  "web.yaml:2:15: stop_timeout: \"30\" is not a time (like 30s or 2m); "
	  "did you mean \"30s\"?\n"
	  "    2 | stop_timeout: 30\n"
	  "      |               ^~\n" },
	{ "a time without a unit that we know",
	  TEXT("kernel: /k\n"
	       "stop_timeout: 2 days\n"),
	  "web.yaml:2:15: stop_timeout: \"2 days\" is not a time (like 30s or "
	  "2m)\n"
	  "    2 | stop_timeout: 2 days\n"
	  "      |               ^~~~~~\n" },
	{ "a time out of range",
	  TEXT("kernel: /k\n"
	       "stop_timeout: 25h\n"),
	  "web.yaml:2:15: stop_timeout: \"25h\" is more than 24h\n"
	  "    2 | stop_timeout: 25h\n"
	  "      |               ^~~\n" },
	{ "values that are not there",
	  TEXT("kernel:\n"
	       "memory: ~\n"
	       "cmdline: null\n"
	       "name: ''\n"),
	  "web.yaml:1:1: kernel: has no value\n"
	  "    1 | kernel:\n"
	  "      | ^~~~~~\n"
	  "web.yaml:2:1: memory: has no value; without the key it is 64M\n"
	  "    2 | memory: ~\n"
	  "      | ^~~~~~\n"
	  "web.yaml:3:1: cmdline: has no value\n"
	  "    3 | cmdline: null\n"
	  "      | ^~~~~~~\n"
	  "web.yaml:4:7: name: \"\" cannot be a guest's name (letters, digits, "
	  ". _ -; a letter or digit first; at most 48)\n"
	  "    4 | name: ''\n"
	  "      |       ^~\n" },
	{ "values of other shapes",
	  TEXT("kernel: [a, b]\n"
	       "memory:\n"
	       "  max: 64M\n"
	       "console: true\n"
	       "cmdline: { a: b }\n"),
	  "web.yaml:1:9: kernel: is a list, but a path is wanted\n"
	  "    1 | kernel: [a, b]\n"
	  "      |         ^\n"
	  "web.yaml:3:3: memory: is a map, but a size (like 64M or 2G) is "
	  "wanted\n"
	  "    3 |   max: 64M\n"
	  "      |   ^\n"
	  "web.yaml:4:10: console: is a word, but a map (key: value) is "
	  "wanted\n"
	  "    4 | console: true\n"
	  "      |          ^~~~\n"
	  "web.yaml:5:10: cmdline: is a map, but text is wanted\n"
	  "    5 | cmdline: { a: b }\n"
	  "      |          ^\n" },
	{ "a command line with a line break",
	  TEXT("kernel: /k\n"
	       "cmdline: |\n"
	       "  console=hvc0\n"
	       "  quiet\n"),
	  "web.yaml:2:10: cmdline: has a line break in it (after >- lines "
	  "become one)\n"
	  "    2 | cmdline: |\n"
	  "      |          ^\n" },
	{ "text with what no text has",
	  TEXT("kernel: /k\n"
	       "cmdline: \"a\\0b\"\n"
	       "initrd: \"/i\\e[31m\"\n"),
	  "web.yaml:2:10: cmdline: has a control character in it (U+0000)\n"
	  "    2 | cmdline: \"a\\0b\"\n"
	  "      |          ^~~~~~\n"
	  "web.yaml:3:9: initrd: has a control character in it (U+001B)\n"
	  "    3 | initrd: \"/i\\e[31m\"\n"
	  "      |         ^~~~~~~~~~\n" },
	{ "a name for no guest",
	  TEXT("kernel: /k\n"
	       "name: ../../etc/passwd\n"),
	  "web.yaml:2:7: name: \"../../etc/passwd\" cannot be a guest's name "
	  "(letters, digits, . _ -; a letter or digit first; at most 48)\n"
	  "    2 | name: ../../etc/passwd\n"
	  "      |       ^~~~~~~~~~~~~~~~\n" },
	{ "an anchor and an alias",
	  TEXT("kernel: &k /k\n"
	       "initrd: *k\n"
	       "<<: *x\n"),
	  "web.yaml:1:9: anchor \"k\": anchors and aliases are not supported\n"
	  "    1 | kernel: &k /k\n"
	  "      |         ^~~~~\n"
	  "web.yaml:2:9: initrd: anchors and aliases are not supported\n"
	  "    2 | initrd: *k\n"
	  "      |         ^~\n"
	  "web.yaml:3:1: \"<<\": no such key\n"
	  "    3 | <<: *x\n"
	  "      | ^~\n"
	  "web.yaml:3:5: \"<<\": anchors and aliases are not supported\n"
	  "    3 | <<: *x\n"
	  "      |     ^~\n" },
	{ "a tag",
	  TEXT("kernel: /k\n"
	       "cpus: !!int 2\n"
	       "name: !x y\n"),
	  "web.yaml:2:7: tag \"tag:yaml.org,2002:int\": tags are not "
	  "supported\n"
	  "    2 | cpus: !!int 2\n"
	  "      |       ^~~~~~~\n"
	  "web.yaml:3:7: tag \"!x\": tags are not supported\n"
	  "    3 | name: !x y\n"
	  "      |       ^~~~\n" },
	{ "a second document",
	  TEXT("kernel: /k\n"
	       "---\n"
	       "kernel: /k\n"),
	  "web.yaml:2:1: a second document begins here; a file holds one\n"
	  "    2 | ---\n"
	  "      | ^~~\n" },
	{ "a key that is a map",
	  TEXT("kernel: /k\n"
	       "{ a: b }: c\n"),
	  "web.yaml:2:1: a key must be a word\n"
	  "    2 | { a: b }: c\n"
	  "      | ^\n" },
	{ "things in one another",
	  TEXT("kernel: /k\n"
	       "a: [[[[[[[[[[1]]]]]]]]]]\n"),
	  "web.yaml:2:1: a: no such key\n"
	  "    2 | a: [[[[[[[[[[1]]]]]]]]]]\n"
	  "      | ^\n"
	  "web.yaml:2:11: too many things in one another (more than 8)\n"
	  "    2 | a: [[[[[[[[[[1]]]]]]]]]]\n"
	  "      |           ^\n" },
	{ "a missing colon",
	  TEXT("kernel /k\n"
	       "memory: 64Q\n"),
	  "web.yaml:1:1: is a word, but a map (key: value) is wanted\n"
	  "    1 | kernel /k\n"
	  "      | ^~~~~~~~~\n"
	  "web.yaml:2:7: not YAML: mapping values are not allowed in this "
	  "context\n"
	  "    2 | memory: 64Q\n"
	  "      |       ^\n" },
	{ "a syntax error, and what was wrong before it",
	  TEXT("memory: 64Q\n"
	       "cpus: 0\n"
	       "name: [\n"),
	  "web.yaml:1:9: memory: \"64Q\" is not a size (like 64M or 2G)\n"
	  "    1 | memory: 64Q\n"
	  "      |         ^~~\n"
	  "web.yaml:2:7: cpus: \"0\" is not a number from 1 to 64\n"
	  "    2 | cpus: 0\n"
	  "      |       ^\n"
	  "web.yaml:3:7: name: is a list, but a name is wanted\n"
	  "    3 | name: [\n"
	  "      |       ^\n"
	  "web.yaml:4:1: not YAML: did not find expected node content (while "
	  "parsing a flow node)\n" },
	{ "a tab",
	  TEXT("kernel: /k\n"
	       "console:\n"
	       "\tlog: true\n"),
	  "web.yaml:3:1: not YAML: a tab, where only blanks may be\n"
	  "    3 |         log: true\n"
	  "      | ^\n" },
	{ "a quote that does not end",
	  TEXT("kernel: \"/k\n"
	       "cpus: 2\n"),
	  "web.yaml:1:9: not YAML: found unexpected end of stream (while "
	  "scanning a quoted scalar)\n"
	  "    1 | kernel: \"/k\n"
	  "      |         ^\n" },
	{ "a byte that is not UTF-8",
	  TEXT("kernel: /k\n"
	       "# caf\xe9\n"),
	  "web.yaml:2:6: not UTF-8 (byte 0xe9)\n"
	  "    2 | # caf<E9>\n"
	  "      |      ^~~~\n" },
	{ "UTF-8 that is longer than need be",
	  TEXT("kernel: /k\n"
	       "# \xc0\xaf\n"),
	  "web.yaml:2:3: not UTF-8 (byte 0xc0)\n"
	  "    2 | # <C0><AF>\n"
	  "      |   ^~~~\n" },
	{ "a NUL",
	  TEXT("kernel: /k\n"
	       "cpus:\x00 2\n"),
	  "web.yaml:2:6: not text (control character U+0000)\n"
	  "    2 | cpus:<U+0000> 2\n"
	  "      |      ^~~~~~~~\n" },
	{ "a file that plays with the terminal",
	  TEXT("kernel: /k\n"
	       "\x1b]0;gotcha\x07"
	       "cpus: 2\n"),
	  "web.yaml:2:1: not text (control character U+001B)\n"
	  "    2 | <U+001B>]0;gotcha<U+0007>cpus: 2\n"
	  "      | ^~~~~~~~\n" },
	{ "a carriage return that hides the line",
	  TEXT("kernel: /k\n"
	       "cpus: 65\rcpus: 1\n"),
	  "web.yaml:2:9: not text (control character U+000D)\n"
	  "    2 | cpus: 65<U+000D>cpus: 1\n"
	  "      |         ^~~~~~~~\n" },
	{ "a character that turns the line around",
	  TEXT("kernel: /k\n"
	       "cpus: \"\xe2\x80\xae"
	       "2\"\n"
	       "memory: \xc2\xa0"
	       "64M\n"),
	  "web.yaml:2:7: cpus: is text in quotes, but a number is wanted\n"
	  "    2 | cpus: \"<U+202E>2\"\n"
	  "      |       ^~~~~~~~~~~\n"
	  "web.yaml:3:9: memory: \"<U+00A0>64M\" is not a size (like 64M or "
	  "2G)\n"
	  "    3 | memory: <U+00A0>64M\n"
	  "      |         ^~~~~~~~~~~\n" },
	{ "a tab before the word",
	  TEXT("kernel: /k\n"
	       "console: {\tlog:\tno }\n"),
	  "web.yaml:2:17: console.log: \"no\" is neither true nor false; did "
	  "you mean \"false\"?\n"
	  "    2 | console: {      log:    no }\n"
	  "      |                         ^~\n" },
	{ "wide and narrow characters before the word",
	  TEXT("kernel: /k\n"
	       "\"\xe6\x97\xa5\xe6\x9c\xac\xc3\xa9\": {e\xcc\x81: 1}\n"),
	  "web.yaml:2:1: \"\xe6\x97\xa5\xe6\x9c\xac\xc3\xa9\": no such key\n"
	  "    2 | \"\xe6\x97\xa5\xe6\x9c\xac\xc3\xa9\": {e<U+0301>: 1}\n"
	  "      | ^~~~~~~\n" },
	{ "a word at the end of a long line",
	  TEXT("kernel: /k\n"
	       "console: { log: true,                                          "
	       "                                                          "
	       "log_size: 64Q }\n"),
	  "web.yaml:2:132: console.log_size: \"64Q\" is not a size (like 64M "
	  "or 2G)\n"
	  "    2 | ...                                                         "
	  "log_size: 64Q }\n"
	  "      |                                                             "
	  "          ^~~\n" },
	{ "a word in the middle of a long line",
	  TEXT("kernel: /k\n"
	       "console: { log: maybe,                              log_size: "
	       "64Q,                                                           "
	       "                                         log: true }\n"),
	  "web.yaml:2:17: console.log: \"maybe\" is neither true nor false\n"
	  "    2 | console: { log: maybe,                              "
	  "log_size: 64Q,      ...\n"
	  "      |                 ^~~~~\n"
	  "web.yaml:2:63: console.log_size: \"64Q\" is not a size (like 64M or "
	  "2G)\n"
	  "    2 | ...: maybe,                              log_size: 64Q,     "
	  "               ...\n"
	  "      |                                                    ^~~\n"
	  "web.yaml:2:167: console.log: is there twice (first on line 2)\n"
	  "    2 | ...                                                         "
	  "    log: true }\n"
	  "      |                                                             "
	  "    ^~~\n" },
	{ "a line with carriage return",
	  TEXT("kernel: /k\r\n"
	       "cpus: none\r\n"),
	  "web.yaml:2:7: cpus: \"none\" is not a number from 1 to 64\n"
	  "    2 | cpus: none\n"
	  "      |       ^~~~\n" },
};

/* Complaints about a guest of a file, for free(). */
static char *complaints_of(const char *text, size_t len)
{
	struct conf_report report = { .text = NULL };
	struct conf_guest *guest = NULL;
	int r = conf_guest_parse("web.yaml", text, len, &report, &guest);

	if (r != -EINVAL || guest || !report.complaints)
		bail_out("'%s': %d, and not refused", text, r);
	return report.text;
}

static void test_rows(void)
{
	size_t i;
	char *got;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		got = complaints_of(rows[i].text, rows[i].len);
		is_str(got, rows[i].want, "%s", rows[i].name);
		free(got);
	}
}

static void test_many(void)
{
	char text[64 * 30] = "", *got;
	unsigned int i;

	for (i = 0; i < 30; i++)
		strcat(text, i ? "a: 1\n" : "kernel: /k\n");
	got = complaints_of(text, strlen(text));
	ok(strstr(got, "web.yaml:21:1: a: no such key\n") &&
		   strstr(got, "\n... and 9 more\n"),
	   "twenty complaints are shown, and the others counted");
	free(got);
}

/* Nobody pays for a hostile file by more than a line. */
static void test_long(void)
{
	size_t len = CONF_FILE_MAX;
	char *text = malloc(len), *got;

	memset(text, '9', len);
	memcpy(text, "kernel: /k\ncpus: ", 17);
	got = complaints_of(text, len);
	ok(strlen(got) < 400, "a word of 256 KiB is not repeated");
	free(got);

	memset(text, '\n', len);
	memcpy(text, "- - - - - - - - - - -", 21);
	free(complaints_of(text, len));
	memset(text, '[', len);
	got = complaints_of(text, len);
	ok(!!strstr(got, "too many things in one another"),
	   "nor are brackets followed to their end");
	free(got);

	for (len = 0; len + 4 < CONF_FILE_MAX; len += 4)
		memcpy(text + len, "- 1\n", 4);
	got = complaints_of(text, len);
	ok(!!strstr(got,
		    "web.yaml: has too much in it (more than 10000 values)"),
	   "nor is a list of everything taken in");
	free(got);
	free(text);
}

/* The report of one file goes on where that of another ended. */
static void test_report(void)
{
	struct conf_report report = { .text = NULL };
	struct conf_guest *guest = NULL;

	conf_guest_parse("a.yaml", "", 0, &report, &guest);
	conf_guest_parse("b\x1b.yaml", "", 0, &report, &guest);
	is_str(report.text,
	       "a.yaml: kernel: is missing (the ELF file that is started)\n"
	       "b<U+001B>.yaml: name: has a control character in it "
	       "(U+001B)\n"
	       "b<U+001B>.yaml: kernel: is missing (the ELF file that is "
	       "started)\n",
	       "a report has complaints about many files");
	is(report.len, strlen(report.text), "and knows its length");
	is(report.complaints, 3, "and their number");
	conf_report_fini(&report);
	ok(!report.text && !report.len && !report.complaints,
	   "and can be emptied");
}

int main(void)
{
	test_rows();
	test_many();
	test_long();
	test_report();
	return tap_end();
}
