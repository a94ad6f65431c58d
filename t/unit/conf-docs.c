// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf-docs.c - the manuals and the files we install know every key
 *
 * The schema is what is true.  Each of its keys, with its default, must be found
 * in the manual and in the file that shows them all, in the same order, and no
 * other key may be there.  And what these files show is taken, as it is and with
 * everything in it that was only a comment.
 *
 * In a manual a key is an item `.It Cm KEY : ...`, and its default is said by
 * one of a few phrases.  In a file a comment that is a key begins "#key:", or
 * "#  key:" inside a map, "#- key:" where one of a list begins, and one that is
 * for people "# A word".
 */
#include <ctype.h>
#include <errno.h>

#include "../../daemon/conf_schema.h"
#include "tap.h"

#define TEXT_MAX (64 * 1024)

static void add(char *list, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(char *list, const char *fmt, ...)
{
	size_t len = strlen(list);
	va_list args;

	va_start(args, fmt);
	vsnprintf(list + len, TEXT_MAX - len, fmt, args);
	va_end(args);
}

static char *slurp(const char *path)
{
	char *text = calloc(1, TEXT_MAX);
	FILE *file = fopen(path, "r");

	if (!file || fread(text, 1, TEXT_MAX - 1, file) == 0)
		bail_out("%s: cannot be read", path);
	fclose(file);
	return text;
}

/* ---- Lists of keys and defaults, one a line ---- */

static void list_schema(const struct conf_field *fields, char *list,
			bool defaults)
{
	for (; fields->key; fields++) {
		add(list, "%s", fields->key);
		if (!defaults)
			add(list, "\n");
		else if (fields->fields)
			add(list, " with\n");
		else if (fields->type == CONF_IS_NAME)
			add(list, " of the file\n");
		else if (fields->required)
			add(list, " required\n");
		else if (!fields->preset)
			add(list, " none\n");
		else
			add(list, " %s\n",
			    *fields->preset ? fields->preset : "\\(dq\\(dq");
		if (fields->fields)
			list_schema(fields->fields, list, defaults);
	}
}

/* The next line of *text, without its end, or NULL. */
static char *next_line(char **text)
{
	char *line = *text;

	if (!*line)
		return NULL;
	*text += strcspn(line, "\n");
	if (**text)
		*(*text)++ = '\0';
	return line;
}

static void list_manual(const char *path, char *list)
{
	char *all = slurp(path), *text = all, *line, key[64];
	bool keys = false, wanted = false;

	while ((line = next_line(&text))) {
		if (!strncmp(line, ".Sh ", 4))
			keys = !strcmp(line, ".Sh KEYS");
		if (!keys)
			continue;
		if (sscanf(line, ".It Cm %63s :", key) == 1)
			add(list, "%s", key);
		else if (!strcmp(line, ".Bl -tag -width Ds") && *list)
			add(list, " with\n");
		else if (!strcmp(line, "Required."))
			add(list, " required\n");
		else if (!strcmp(line, "There is no default."))
			add(list, " none\n");
		else if (!strncmp(line, "The default is the name", 23))
			add(list, " of the file\n");
		else if (wanted && sscanf(line, ".Cm %63s .", key) == 1)
			add(list, " %s\n", key);
		wanted = !strcmp(line, "The default is");
	}
	free(all);
}

/* Is it a key, if only in a comment? */
static bool is_key(const char *line)
{
	const char *key = line + (*line == '#');

	if (!strncmp(key, "  ", 2) || !strncmp(key, "- ", 2))
		key += 2;
	return islower((unsigned char)*key) &&
	       key[strspn(key, "abcdefghijklmnopqrstuvwxyz_")] == ':';
}

/* The keys of a file, and the file with none of them a comment. */
static void list_sample(const char *path, char *list, char *bare)
{
	char *all = slurp(path), *text = all, *line;

	while ((line = next_line(&text))) {
		line += is_key(line) && *line == '#';
		add(bare, "%s\n", line);
		if (is_key(line)) {
			line += strspn(line, "- ");
			add(list, "%.*s\n", (int)strcspn(line, ":"), line);
		}
	}
	free(all);
}

/* ---- Checks ---- */

static void test_lists(const struct conf_field *fields, const char *manual,
		       const char *sample, char *bare)
{
	char *want = calloc(1, TEXT_MAX), *got = calloc(1, TEXT_MAX);

	list_schema(fields, want, true);
	list_manual(manual, got);
	is_str(got, want, "%s has every key and its default", manual);

	*want = *got = '\0';
	list_schema(fields, want, false);
	list_sample(sample, got, bare);
	is_str(got, want, "%s has every key", sample);
	free(want);
	free(got);
}

static json_t *daemon_of(const char *path)
{
	struct conf_report report = { .text = NULL };
	struct conf_daemon *daemon;
	json_t *json;

	if (conf_daemon_read(path, &report, &daemon))
		bail_out("%s: %s", path ? path : "-", report.text);
	json = conf_fields_to_json(conf_daemon_fields, daemon);
	conf_daemon_free(daemon);
	return json;
}

static void test_daemon(void)
{
	char path[] = "/tmp/lguest-conf-XXXXXX";
	json_t *preset = daemon_of(NULL), *shown;
	char *bare = calloc(1, TEXT_MAX);
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	test_lists(conf_daemon_fields, "config/lguestd.yaml.5",
		   "config/lguestd.yaml", bare);
	shown = daemon_of("config/lguestd.yaml");
	ok(json_equal(shown, preset), "lguestd.yaml changes nothing");
	json_decref(shown);

	fputs(bare, file);
	fclose(file);
	shown = daemon_of(path);
	ok(json_equal(shown, preset), "nor with all it shows");
	json_decref(shown);
	json_decref(preset);
	remove(path);
	free(bare);
}

static json_t *guest_of(const char *text)
{
	struct conf_report report = { .text = NULL };
	struct conf_guest *guest;
	json_t *json;

	if (conf_guest_parse("/etc/hello.yaml", text, strlen(text), &report,
			     &guest))
		bail_out("%s: %s", text, report.text);
	json = conf_guest_to_json(guest);
	conf_guest_free(guest);
	return json;
}

static void forget_devices(json_t *guest)
{
	json_array_clear(json_object_get(guest, "disks"));
	json_array_clear(json_object_get(guest, "network"));
	json_object_set_new(guest, "cmdline", json_string(""));
}

static void test_guest(void)
{
	char *sample = slurp("config/guests/hello.yaml");
	char *bare = calloc(1, TEXT_MAX);
	json_t *preset, *shown;

	test_lists(conf_guest_fields, "config/lguest-guest.5",
		   "config/guests/hello.yaml", bare);
	preset = guest_of("kernel: /usr/lib/lguest/guestos.elf\n");
	shown = guest_of(sample);
	is(json_array_size(json_object_get(shown, "network")), 1,
	   "hello.yaml has a network");
	is(json_array_size(json_object_get(shown, "disks")), 1, "and a disk");
	is_str(json_string_value(json_object_get(shown, "cmdline")),
	       "init=devices", "and is told to use them");
	forget_devices(shown);
	ok(json_equal(shown, preset), "and says no more than a kernel");
	json_decref(shown);

	shown = guest_of(bare);
	is_str(json_string_value(json_object_get(shown, "initrd")),
	       "/etc/initrd.img", "with all it shows it has an initrd");
	json_object_del(shown, "initrd");
	forget_devices(shown);
	ok(json_equal(shown, preset), "and nothing else that is new");
	json_decref(shown);
	json_decref(preset);
	free(bare);
	free(sample);
}

int main(void)
{
	test_daemon();
	test_guest();
	return tap_end();
}
