// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf-memory.c - wherever memory runs out, no guest and nothing lost
 *
 * Each thing that conf can do is done again and again, and the n-th time the
 * n-th allocation fails, be it ours, libyaml's or jansson's, until one goes
 * through.  No memory may be lost, which is counted, nor used once it has been
 * freed, which the sanitizer sees.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../daemon/conf_schema.h"
#include "starve.h"
#include "tap.h"

#define TRIES_MAX 3000

/* ---- What is tried: 0 or -errno, and nothing held when it is done ---- */

static const char good[] = "name: web\nkernel: k\ninitrd: /i\ncmdline: >-\n"
			   " a\n b\nmemory: 2G\nconsole: { log: false }\n";
static const char bad[] =
	"memroy: 64M\nmemory: 64Q\ncpus: [1, \"2\", { a: &b c }]\n"
	"cpus: 2\nname: !x y\n? - x\n";

static int parse(const char *text)
{
	struct conf_report report = { .text = NULL };
	struct conf_guest *guest = NULL;
	int r = conf_guest_parse("web.yaml", text, strlen(text), &report,
				 &guest);

	conf_report_fini(&report);
	conf_guest_free(guest);
	return r;
}

static int try_good(void)
{
	return parse(good);
}

static int try_bad(void)
{
	return parse(bad);
}

static int try_broken(void)
{
	return parse("kernel: [\n\"");
}

static int read_path(const char *path)
{
	struct conf_report report = { .text = NULL };
	struct conf_guest *guest = NULL;
	int r = conf_guest_read(path, &report, &guest);

	conf_report_fini(&report);
	conf_guest_free(guest);
	return r;
}

static int try_file(void)
{
	return read_path("config/guests/hello.yaml");
}

static int try_no_file(void)
{
	return read_path("config");
}

static int try_daemon(void)
{
	struct conf_report report = { .text = NULL };
	struct conf_daemon *daemon = NULL;
	int r = conf_daemon_read(NULL, &report, &daemon);

	conf_report_fini(&report);
	conf_daemon_free(daemon);
	return r;
}

static struct conf_guest *a_guest;
static json_t *a_json, *bad_json;

static int take(const json_t *json)
{
	struct conf_report report = { .text = NULL };
	struct conf_guest *guest = NULL;
	int r = conf_guest_from_json(json, &report, &guest);

	conf_report_fini(&report);
	conf_guest_free(guest);
	return r;
}

static int try_from_json(void)
{
	return take(a_json);
}

static int try_from_bad_json(void)
{
	return take(bad_json);
}

static int try_to_json(void)
{
	json_t *json = conf_guest_to_json(a_guest);

	json_decref(json);
	return json ? 0 : -ENOMEM;
}

static const struct {
	const char *name;
	int (*try)(void);
	int r;
} rows[] = {
	{ "a guest from YAML", try_good, 0 },
	{ "a guest that is wrong", try_bad, -EINVAL },
	{ "text that is not YAML", try_broken, -EINVAL },
	{ "a guest from a file", try_file, 0 },
	{ "a file that is none", try_no_file, -EISDIR },
	{ "the daemon's defaults", try_daemon, 0 },
	{ "a guest to JSON", try_to_json, 0 },
	{ "a guest from JSON", try_from_json, 0 },
	{ "a wrong guest from JSON", try_from_bad_json, -EINVAL },
};

/* Fails each allocation in turn; how many there are, 0: something was wrong. */
static unsigned int exhaust(int (*try)(void), int want)
{
	long before = starve_held();
	unsigned int n;
	int r;

	for (n = 1; n < TRIES_MAX; n++) {
		starve(n);
		r = try();
		if (starve_held() != before) {
			diag("allocation %u: %ld are lost", n,
			     starve_held() - before);
			return 0;
		}
		if (r != (starved() ? -ENOMEM : want)) {
			diag("allocation %u: returned %d", n, r);
			return 0;
		}
		if (!starved())
			break;
	}
	starve(0);
	return n < TRIES_MAX ? n - 1 : 0;
}

int main(void)
{
	struct conf_report report = { .text = NULL };
	unsigned int number;
	size_t i;

	/* What libraries keep for ever they get here. */
	if (conf_guest_parse("a.yaml", good, strlen(good), &report, &a_guest))
		bail_out("%s", report.text);
	a_json = conf_guest_to_json(a_guest);
	bad_json =
		json_pack("{s:[i, f], s:{s:s}}", "cpus", 1, 2.5, "a", "b", "c");
	parse(bad);

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		number = exhaust(rows[i].try, rows[i].r);
		ok(number > 0, "%s, without memory: -ENOMEM (%u allocations)",
		   rows[i].name, number);
	}
	json_decref(a_json);
	json_decref(bad_json);
	conf_guest_free(a_guest);
	return tap_end();
}
