// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf.c - files and messages that make no sense, to whoever reads guests
 *
 *	conf-fuzz [--seed N] [--runs N] [--forever]
 *
 * A run takes something that is right, in YAML or JSON, breaks it in a few
 * places, often with words that mean something there, and reads it.  Now and
 * then memory runs out on the way.  Whatever was read:
 *
 *	- there is a guest, or there are complaints, and never both;
 *	- complaints are text that a terminal can show, and not too much of it;
 *	- a guest comes out of JSON as it went in, and out of YAML as well, for
 *	  JSON is YAML;
 *	- nothing is held afterwards.
 *
 * The sanitizers look for everything else.  A run that fails prints its seed:
 * see that one alone with --seed N --runs 1.
 *
 * Start at run().
 */
#include <errno.h>
#include <sanitizer/common_interface_defs.h>
#include <stdint.h>
#include <unistd.h>

#include "../../daemon/conf_schema.h"
#include "../lib/starve.h"
#include "../lib/tap.h"

#define RUNS       20000
#define TEXT_MAX   4096
#define REPORT_MAX (16 * 1024)
#define LINE_MAX   1024

static const char *const sources[] = {
	"kernel: /k\n",
	"{\"name\": \"web\", \"kernel\": \"/k\", \"cpus\": 2, \"memory\": "
	"\"1G\", \"console\": {\"log\": false, \"log_size\": \"4K\"}}",
	"# a guest\nname: web\nkernel: vmlinux\ninitrd: \"/i\"\ncmdline: >-\n"
	"  console=hvc0\n  quiet\nmemory: 64M\ncpus: 1\non_crash: restart\n"
	"stop_timeout: 30s\nconsole:\n  log: true\n  log_size: 1M\n",
	"---\nkernel: 'k'\nconsole: { log: true, log_size: 64K }\n...\n",
	"{\"name\": \"a\", \"kernel\": \"/\\u00e9\", \"on_reboot\": "
	"\"destroy\","
	" \"on_poweroff\": \"preserve\", \"stop_timeout\": \"1h\"}",
};

static const char *const words[] = {
	"name",
	"kernel",
	"initrd",
	"cmdline",
	"memory",
	"cpus",
	"on_crash",
	"console",
	"log",
	"log_size",
	": ",
	"- ",
	"? ",
	"{",
	"}",
	"[",
	"]",
	",",
	"\"",
	"'",
	"&a ",
	"*a",
	"!!str ",
	"!x ",
	"|\n",
	">-\n",
	"\n",
	"\r\n",
	"\r",
	"\t",
	"  ",
	"#",
	"---\n",
	"...\n",
	"%YAML 1.1\n",
	"%TAG ! x\n",
	"<<: ",
	"~",
	"null",
	"true",
	"yes",
	"64M",
	"64",
	"30s",
	"0",
	"-1",
	"1e999",
	"/",
	"../",
	"\xff",
	"\xc3\xa9",
	"\xe6\x97",
	"\xf0\x9f",
	"\xe2\x80\xae",
	"\xef\xbb\xbf",
	"\xc2\x85",
	"\x1b[31m",
	"\\u0000",
	"\\x00",
	"\\e",
	"restart",
	"unlimited",
	"[[[[[[",
	"{a: {a: {a: ",
	"guests_dir: x\n",
};

static uint64_t state, seed;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static size_t below(size_t limit)
{
	return limit ? next_random() % limit : 0;
}

static void on_death(void)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "# seed %llu\n",
			   (unsigned long long)seed);

	if (write(STDOUT_FILENO, line, (size_t)len) < 0)
		_exit(1);
}

__attribute__((format(printf, 1, 2), noreturn)) static void
fail(const char *fmt, ...)
{
	va_list args;

	on_death();
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\nnot ok - conf keeps its promises\n");
	fflush(stdout);
	_exit(1);
}

/* ---- Nonsense ---- */

struct nonsense {
	char text[TEXT_MAX];
	size_t len;
};

/* Replaces `out` bytes at a place by those of a word. */
static void splice(struct nonsense *what, size_t at, size_t out,
		   const char *word, size_t len)
{
	if (out > what->len - at)
		out = what->len - at;
	if (what->len - out + len > TEXT_MAX)
		return;
	memmove(what->text + at + len, what->text + at + out,
		what->len - at - out);
	memcpy(what->text + at, word, len);
	what->len += len - out;
}

static void break_once(struct nonsense *what)
{
	size_t at = below(what->len + 1), len = below(16), from;
	char copy[64], byte = (char)next_random();
	const char *word = words[below(sizeof(words) / sizeof(*words))];

	switch (below(6)) {
	case 0:
		splice(what, at, 1, &byte, 1);
		break;
	case 1:
		splice(what, at, len, "", 0);
		break;
	case 2:
		splice(what, at, 0, word, strlen(word));
		break;
	case 3:
		splice(what, at, len, word, strlen(word));
		break;
	case 4: /* some of it again, somewhere else */
		from = below(what->len);
		len = below(sizeof(copy));
		if (len > what->len - from)
			len = what->len - from;
		memcpy(copy, what->text + from, len);
		splice(what, at, 0, copy, len);
		break;
	default: /* a lot of the same */
		for (len = below(300); len; len--)
			splice(what, at, 0, word, strlen(word));
		break;
	}
}

static void make(struct nonsense *what)
{
	const char *source = sources[below(sizeof(sources) / sizeof(*sources))];
	size_t times = below(6);

	what->len = strlen(source);
	memcpy(what->text, source, what->len);
	while (times--)
		break_once(what);
}

/* ---- Promises ---- */

static void check_report(const struct conf_report *report)
{
	size_t i, bytes, column = 0;
	uint32_t character = 0;

	if (!report->text || !report->len || !report->complaints)
		fail("refused without a word");
	if (report->len > REPORT_MAX || report->text[report->len] ||
	    report->text[report->len - 1] != '\n')
		fail("a report of %zu bytes", report->len);
	for (i = 0; i < report->len; i += bytes) {
		bytes = conf_utf8(report->text + i, report->len - i,
				  &character);
		column = character == '\n' ? 0 : column + 1;
		if (!bytes || column > LINE_MAX ||
		    (character != '\n' && conf_control(character)) ||
		    (character >= 0x202a && character <= 0x202e))
			fail("byte %zu is nothing for a terminal", i);
	}
}

/* Is it one or the other?  True if there is a guest. */
static bool check_result(int r, const struct conf_report *report,
			 const struct conf_guest *guest)
{
	if (r == -ENOMEM && starved() && !guest)
		return false;
	if (starved() || !r != !!guest || (r && r != -EINVAL))
		fail("returned %d%s%s", r, guest ? ", a guest" : "",
		     starved() ? ", starved" : "");
	if (r)
		check_report(report);
	else if (report->text || report->complaints)
		fail("taken, with complaints");
	return !r;
}

/* Reads dump as YAML (or what json is) and wants the same guest of it. */
static void check_same(const json_t *json, const char *dump)
{
	struct conf_report report = { .text = NULL };
	struct conf_guest *guest = NULL;
	json_t *again;
	int r;

	if (dump)
		r = conf_guest_parse("x", dump, strlen(dump), &report, &guest);
	else
		r = conf_guest_from_json(json, &report, &guest);
	if (r)
		fail("not taken again: %s", report.text);
	again = conf_guest_to_json(guest);
	if (!json_equal(again, json))
		fail("not the same again");
	json_decref(again);
	conf_guest_free(guest);
}

static void check_guest(const struct conf_guest *guest)
{
	json_t *json = conf_guest_to_json(guest);
	char *dump = json_dumps(json, 0);

	if (!conf_name_good(guest->name) || *guest->kernel != '/' ||
	    !guest->cpus || !guest->memory_bytes || !guest->cmdline)
		fail("a guest that cannot be");
	check_same(json, NULL);
	check_same(json, dump);
	free(dump);
	json_decref(json);
}

static void finish(int r, struct conf_report *report, struct conf_guest *guest,
		   unsigned int *taken)
{
	bool good = check_result(r, report, guest);

	starve(0);
	*taken += good;
	if (good)
		check_guest(guest);
	conf_guest_free(guest);
	conf_report_fini(report);
}

static void run(unsigned int *taken)
{
	struct conf_report report = { .text = NULL };
	struct conf_guest *guest = NULL;
	size_t flags = below(2) ? JSON_DECODE_ANY : JSON_ALLOW_NUL;
	unsigned int n = below(4) ? 0 : 1 + (unsigned int)below(100);
	static struct nonsense what;
	json_t *json;
	int r;

	make(&what);
	starve(n);
	r = conf_guest_parse("web.yaml", what.text, what.len, &report, &guest);
	finish(r, &report, guest, &taken[0]);

	json = json_loadb(what.text, what.len, flags, NULL);
	if (json) {
		guest = NULL;
		starve(n);
		r = conf_guest_from_json(json, &report, &guest);
		finish(r, &report, guest, &taken[1]);
	}
	json_decref(json);
}

static uint64_t option(int argc, char **argv, const char *name,
		       uint64_t otherwise)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return i + 1 < argc ? strtoull(argv[i + 1], NULL, 0)
					    : 1;
	return otherwise;
}

int main(int argc, char **argv)
{
	uint64_t first = option(argc, argv, "--seed", 1);
	uint64_t runs = option(argc, argv, "--runs", RUNS);
	bool forever = option(argc, argv, "--forever", 0);
	unsigned int taken[2] = { 0, 0 };
	long held;

	__sanitizer_set_death_callback(on_death);
	json_object_seed(1);
	for (seed = first; forever || seed < first + runs; seed++) {
		state = seed * 0x9e3779b97f4a7c15ULL | 1;
		held = starve_held();
		run(taken);
		/* The first complaint makes what is never freed. */
		if (starve_held() != held && seed != first)
			fail("%ld are lost", starve_held() - held);
		if (forever && seed % 100000 == 0)
			diag("seed %llu", (unsigned long long)seed);
	}
	diag("seeds %llu to %llu: %u were a guest in YAML, %u in JSON",
	     (unsigned long long)first, (unsigned long long)(seed - 1),
	     taken[0], taken[1]);
	ok(1, "conf keeps its promises, whatever it reads");
	ok(runs < 1000 || (taken[0] > runs / 100 && taken[1] > runs / 100),
	   "and some of it was a guest");
	return tap_end();
}
