// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf.c - a guest's file means what it says, in both languages
 *
 * What is right is read right: every key, every way to write a word, and the
 * paths that start from the file's folder.  What becomes of it in JSON comes
 * back as the same guest.  A list of maps is tried on a schema of this test's
 * own, since no key has one yet.
 */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lguest/ioctl.h>

#include "../../daemon/conf_schema.h"
#include "../../daemon/proto.h"
#include "tap.h"

/* A guest from text, which is right, or a complaint in the test's log. */
static struct conf_guest *parse(const char *path, const char *text)
{
	struct conf_report report = { .text = NULL };
	struct conf_guest *guest = NULL;
	int r = conf_guest_parse(path, text, strlen(text), &report, &guest);

	if (r)
		bail_out("%s: %d: %s", text, r, report.text);
	if (report.text || report.complaints)
		bail_out("%s: taken, with complaints: %s", text, report.text);
	conf_report_fini(&report);
	return guest;
}

static void test_defaults(void)
{
	struct conf_guest *guest = parse("/etc/web.yaml", "kernel: /k\n");

	is_str(guest->name, "web", "a guest is called like its file");
	is_str(guest->kernel, "/k", "and has the kernel it was given");
	is_str(guest->initrd, NULL, "no initrd");
	is_str(guest->cmdline, "", "an empty command line");
	is(guest->memory_bytes, 64 << 20, "64 MiB");
	is(guest->cpus, 1, "one CPU");
	is(guest->on_poweroff, CONF_DESTROY, "it is gone when it is off");
	is(guest->on_reboot, CONF_RESTART, "starts again when it wants to");
	is(guest->on_crash, CONF_PRESERVE, "and a crash can be looked at");
	is(guest->stop_timeout_s, 30, "it has 30 s to stop");
	ok(guest->console_log, "its console is logged");
	is(guest->console_log_bytes, 1 << 20, "up to 1 MiB");
	conf_guest_free(guest);
	conf_guest_free(NULL);
}

static const char everything[] = "\xef\xbb\xbf%YAML 1.1\r\n"
				 "--- # byte order mark, carriage returns\r\n"
				 "name: 'a.B-9_'\r\n"
				 "kernel: \"/boot/vm linux\"\r\n"
				 "initrd: /boot/\xc3\xa9\xe6\x97\xa5\r\n"
				 "cmdline: >-\r\n"
				 "  console=hvc0\r\n"
				 "  quiet # not a comment\r\n"
				 "memory: 2GiB\r\n"
				 "cpus: 64\r\n"
				 "on_poweroff: preserve\r\n"
				 "on_reboot: destroy\r\n"
				 "on_crash: restart\r\n"
				 "stop_timeout: 2m\r\n"
				 "console: { log: false, log_size: '64K' }\r\n"
				 "...\r\n";

static void test_everything(void)
{
	struct conf_guest *guest = parse("x", everything);

	is_str(guest->name, "a.B-9_", "every key: a name");
	is_str(guest->kernel, "/boot/vm linux", "a kernel");
	is_str(guest->initrd, "/boot/\xc3\xa9\xe6\x97\xa5", "an initrd");
	is_str(guest->cmdline, "console=hvc0 quiet # not a comment",
	       "a command line of two lines");
	is(guest->memory_bytes, 2ULL << 30, "memory");
	is(guest->cpus, 64, "CPUs");
	is(guest->on_poweroff, CONF_PRESERVE, "what to do when it is off");
	is(guest->on_reboot, CONF_DESTROY, "when it starts again");
	is(guest->on_crash, CONF_RESTART, "when it crashed");
	is(guest->stop_timeout_s, 120, "time to stop");
	ok(!guest->console_log, "no log");
	is(guest->console_log_bytes, 64 << 10, "of a size");
	conf_guest_free(guest);
}

static void test_paths(void)
{
	static const struct {
		const char *file, *kernel,
			*want; /* of want % is where we are */
	} rows[] = {
		{ "/etc/lguest/g.yaml", "vmlinux", "/etc/lguest/vmlinux" },
		{ "/etc/lguest/g.yaml", "../k", "/etc/lguest/../k" },
		{ "/etc/lguest/g.yaml", "/k", "/k" },
		{ "/g.yaml", "k", "/k" },
		{ "g.yaml", "k", "%/k" },
		{ "./g.yaml", ".//./k", "%/k" },
		{ ".//d/g.yaml", "./k", "%/d/k" },
		{ "g.yaml", "~", NULL },
	};
	char cwd[PATH_MAX], text[64], want[2 * PATH_MAX];
	struct conf_guest *guest;
	size_t i;

	if (!getcwd(cwd, sizeof(cwd)))
		bail_out("no current directory");
	for (i = 0; rows[i].want; i++) {
		snprintf(text, sizeof(text), "kernel: %s\n", rows[i].kernel);
		snprintf(want, sizeof(want), "%s%s",
			 *rows[i].want == '%' ? cwd : "",
			 rows[i].want + (*rows[i].want == '%'));
		guest = parse(rows[i].file, text);
		is_str(guest->kernel, want, "%s of %s", rows[i].kernel,
		       rows[i].file);
		is_str(guest->name, "g", "which is called g");
		conf_guest_free(guest);
	}
}

static void test_sizes(void)
{
	static const struct {
		const char *word;
		uint64_t bytes; /* 0: it is none */
	} rows[] = {
		{ "1K", 1024 },
		{ "64M", 64 << 20 },
		{ "512MiB", 512 << 20 },
		{ "3G", 3ULL << 30 },
		{ "1TiB", 1ULL << 40 },
		{ "16777215T", 16777215ULL << 40 },
		{ "16777216T", 0 }, /* 2^64 */
		{ "99999999999999999999K", 0 },
		{ "", 0 },
		{ "64", 0 },
		{ "M", 0 },
		{ "64m", 0 },
		{ "64MB", 0 },
		{ "64Mi", 0 },
		{ "64MiBs", 0 },
		{ "64 M", 0 },
		{ "064M", 0 },
		{ "-1M", 0 },
		{ "+1M", 0 },
		{ "1.5G", 0 },
		{ "0x1M", 0 },
	};
	uint64_t bytes;
	size_t i;
	int r;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bytes = 77;
		r = conf_size_parse(rows[i].word, &bytes);
		if (rows[i].bytes)
			is(r ? 0 : bytes, rows[i].bytes, "%s", rows[i].word);
		else
			ok(r == -EINVAL && bytes == 77, "\"%s\" is not a size",
			   rows[i].word);
	}
	ok(!conf_size_parse("0K", &bytes) && !bytes, "0K is a size");
}

static void test_names(void)
{
	static const char *const good[] = {
		"a",     "Z9",
		"0",     "web.example.org",
		"a-b_c", "123456789012345678901234567890123456789012345678",
	};
	static const char *const bad[] = {
		"",         ".",
		"..",       "-a",
		"_a",       "a/b",
		"a b",      "a\n",
		"\xc3\xa9", "1234567890123456789012345678901234567890123456789",
	};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		ok(conf_name_good(good[i]), "'%s' is a name", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(!conf_name_good(bad[i]), "bad name %zu is none", i);
	is_str(conf_action_name(CONF_RESTART), "restart", "actions have names");
}

/* ---- Both languages ---- */

/* There and back, in both languages: JSON is YAML, too. */
static void test_round_trip(const char *text)
{
	struct conf_guest *guest = parse("web.yaml", text), *other = NULL;
	struct conf_report report = { .text = NULL };
	json_t *json = conf_guest_to_json(guest), *again;
	char *dump = json_dumps(json, 0);

	conf_guest_free(guest);
	is((unsigned int)conf_guest_from_json(json, &report, &other), 0,
	   "what comes out as JSON is taken: %s", dump);
	again = conf_guest_to_json(other);
	ok(json_equal(json, again), "and is the same guest");
	conf_guest_free(other);
	json_decref(again);

	guest = parse("other.yaml", dump);
	again = conf_guest_to_json(guest);
	ok(json_equal(json, again), "and the same again, read as YAML");
	conf_guest_free(guest);
	json_decref(again);
	json_decref(json);
	free(dump);
	conf_report_fini(&report);
}

static void test_every_key_comes_out(void)
{
	struct conf_guest *guest = parse("web.yaml", everything);
	json_t *json = conf_guest_to_json(guest);
	const struct conf_field *field;

	for (field = conf_guest_fields; field->key; field++)
		ok(json_object_get(json, field->key) != NULL,
		   "JSON has its \"%s\"", field->key);
	is(json_object_size(json), (unsigned int)(field - conf_guest_fields),
	   "and nothing else");
	json_decref(json);
	conf_guest_free(guest);
}

/* ---- The daemon's file ---- */

static struct conf_daemon *parse_daemon(const char *path)
{
	struct conf_report report = { .text = NULL };
	struct conf_daemon *daemon = NULL;
	int r = conf_daemon_read(path, &report, &daemon);

	if (r)
		bail_out("%s: %d: %s", path ? path : "-", r, report.text);
	conf_report_fini(&report);
	return daemon;
}

static void test_daemon_defaults(void)
{
	struct conf_daemon *daemon = parse_daemon(NULL);

	is_str(daemon->guests_dir, "/etc/lguest/guests.d", "guests.d");
	is_str(daemon->log_dir, "/var/log/lguest", "logs");
	is_str(daemon->socket, PROTO_SOCKET, "the socket clients look for");
	is_str(daemon->socket_group, "lguest", "its group");
	is_str(daemon->runner_user, "_lguest", "runners have a user");
	is(daemon->max_guests, 256, "256 guests at most");
	is(daemon->max_memory_bytes, 0, "with no limit to their memory");
	is(daemon->shutdown_timeout_s, 60, "which have a minute to stop");
	conf_daemon_free(daemon);
	conf_daemon_free(NULL);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file))
		bail_out("%s: cannot be written", path);
}

static void test_daemon_file(const char *folder)
{
	struct conf_daemon *daemon;
	char path[PATH_MAX], want[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/d.yaml", folder);
	write_file(path, "log_dir: logs\nmax_memory: 8G\nmax_guests: 1\n");
	daemon = parse_daemon(path);
	snprintf(want, sizeof(want), "%s/logs", folder);
	is_str(daemon->log_dir, want, "the daemon's paths are relative, too");
	is(daemon->max_memory_bytes, 8ULL << 30, "there may be a limit");
	is(daemon->max_guests, 1, "and just one guest");
	conf_daemon_free(daemon);

	write_file(path, "# nothing\n");
	daemon = parse_daemon(path);
	is_str(daemon->socket_group, "lguest", "a file may say nothing at all");
	conf_daemon_free(daemon);

	write_file(path, "max_memory: unlimited\n");
	daemon = parse_daemon(path);
	is(daemon->max_memory_bytes, 0, "and \"unlimited\" in a word");
	conf_daemon_free(daemon);
	unlink(path);
}

static void read_badly(const char *path, int want, const char *complaint)
{
	struct conf_report report = { .text = NULL };
	struct conf_guest *guest = NULL;
	char text[2 * PATH_MAX];
	int r = conf_guest_read(path, &report, &guest);

	snprintf(text, sizeof(text), "%s: %s\n", path, complaint);
	is((unsigned int)-r, (unsigned int)-want, "%s", complaint);
	is_str(report.text, text, "is said as it is");
	is(report.complaints, 1, "once");
	ok(!guest, "and there is no guest");
	conf_report_fini(&report);
}

static void test_files(const char *folder)
{
	char path[PATH_MAX], *big = malloc(CONF_FILE_MAX + 2);
	struct conf_report report = { .text = NULL };
	struct conf_guest *guest = NULL;

	snprintf(path, sizeof(path), "%s/web.yaml", folder);
	read_badly(path, -ENOENT, "cannot be read: No such file or directory");
	read_badly(folder, -EISDIR, "cannot be read: Is a directory");
	if (mkfifo(path, 0600))
		bail_out("no fifo");
	read_badly(path, -EINVAL, "cannot be read: not a regular file");
	unlink(path);

	memset(big, '#', CONF_FILE_MAX + 1);
	big[CONF_FILE_MAX + 1] = '\0';
	write_file(path, big);
	read_badly(path, -EFBIG, "is larger than 256 KiB");
	memcpy(big, "kernel: k\n", 10);
	big[CONF_FILE_MAX] = '\0';
	write_file(path, big);
	is((unsigned int)conf_guest_read(path, &report, &guest), 0,
	   "a file of that size is read");
	is_str(guest->name, "web", "and has its name");
	conf_guest_free(guest);
	unlink(path);
	free(big);
}

/* ---- A schema with a list ---- */

struct disk {
	char *path;
	uint64_t bytes;
};

struct machine {
	struct conf_list disks;
};

static const struct conf_field disk_fields[] = {
	{ .key = "path",
	  .type = CONF_IS_PATH,
	  .offset = offsetof(struct disk, path),
	  .max = 100,
	  .required = true,
	  .help = "what it holds" },
	{ .key = "size",
	  .type = CONF_IS_SIZE,
	  .offset = offsetof(struct disk, bytes),
	  .preset = "1G" },
	{ .key = NULL },
};

static const struct conf_field machine_fields[] = {
	{ .key = "disks",
	  .type = CONF_IS_LIST,
	  .offset = offsetof(struct machine, disks),
	  .fields = disk_fields,
	  .item_bytes = sizeof(struct disk) },
	{ .key = NULL },
};

/* Reads a machine; json and complaints are the caller's to free. */
static void read_machine(const char *text, json_t **ret_json,
			 struct conf_report *ret_report)
{
	struct conf_source source = { .path = "/m.yaml",
				      .text = text,
				      .len = strlen(text) };
	struct machine machine = { .disks.count = 0 };
	struct conf_node *root = conf_yaml_read(&source);

	conf_check(&source, machine_fields, root, &machine);
	conf_node_free(root);
	*ret_report = (struct conf_report){ .text = NULL };
	*ret_json = conf_source_end(&source, ret_report)
			    ? NULL
			    : conf_fields_to_json(machine_fields, &machine);
	conf_fields_free(machine_fields, &machine);
}

static void test_list(void)
{
	struct conf_report report;
	json_t *json;
	char *dump;

	read_machine("disks:\n- path: a\n- { path: /b, size: 2M }\n", &json,
		     &report);
	dump = json_dumps(json, JSON_COMPACT);
	is_str(dump,
	       "{\"disks\":[{\"path\":\"/a\",\"size\":\"1G\"},"
	       "{\"path\":\"/b\",\"size\":\"2M\"}]}",
	       "a list of maps is read, and written");
	free(dump);
	json_decref(json);

	read_machine("disks: []\n", &json, &report);
	is(json_array_size(json_object_get(json, "disks")), 0,
	   "it may be empty");
	json_decref(json);

	read_machine("disks:\n- path: a\n- size: 2Q\n- b\n", &json, &report);
	is_str(report.text,
	       "/m.yaml:3:3: disks[1]: path: is missing (what it holds)\n"
	       "    3 | - size: 2Q\n      |   ^\n"
	       "/m.yaml:3:9: disks[1].size: \"2Q\" is not a size (like 64M or "
	       "2G)\n"
	       "    3 | - size: 2Q\n      |         ^~\n"
	       "/m.yaml:4:3: disks[2]: is a word, but a map (key: value) is "
	       "wanted\n"
	       "    4 | - b\n      |   ^\n",
	       "complaints say which of the list");
	conf_report_fini(&report);
}

int main(void)
{
	char folder[] = "/tmp/lguest-conf-XXXXXX";

	if (!mkdtemp(folder))
		bail_out("no temporary directory");
	is(CONF_CPUS_MAX, LG_MAX_VCPUS, "as many CPUs as lg.ko can do");
	is(CONF_MEMORY_MAX, LG_MAX_GPA, "and as much memory");
	test_defaults();
	test_everything();
	test_paths();
	test_sizes();
	test_names();
	test_round_trip("kernel: /k\n");
	test_round_trip(everything);
	test_every_key_comes_out();
	test_daemon_defaults();
	test_daemon_file(folder);
	test_files(folder);
	test_list();
	rmdir(folder);
	return tap_end();
}
