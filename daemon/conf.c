// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf.c - what a guest is, and what the daemon is, in their own words
 *
 * The two tables in this file are all there is to know about the keys of our
 * files: whoever adds a key adds a row, a field of the structure and the words
 * of the manual, and both languages, all checks and all complaints have it.
 *
 * A file is worth nothing until all of it has been understood.  There is no
 * guest with a few keys ignored and no daemon with half of its limits: either
 * the structure comes out whole, or complaints do.
 *
 * Long because its tables are all keys of both files.
 *
 * Where we stand: main.c wants to know what to do, or someone has a guest to
 * start.  Start at conf_guest_parse(), at the end.
 *
 * Next: daemon/conf_disk.c
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf_schema.h"

#define KIB (1ULL << 10)
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

#define DAY_S     (24 * 60 * 60)
#define GROUP_MAX 32 /* bytes of a user's or a group's name */

/* ---- The schema ---- */

static const char *const action_words[] = {
	[CONF_DESTROY] = "destroy",
	[CONF_RESTART] = "restart",
	[CONF_PRESERVE] = "preserve",
	NULL,
};

/* The same, or none of its own. */
static const char *const watchdog_words[] = {
	[CONF_DESTROY] = "destroy",
	[CONF_RESTART] = "restart",
	[CONF_PRESERVE] = "preserve",
	[CONF_AS_CRASH] = "on_crash",
	NULL,
};

#define GUEST(member)  .offset = offsetof(struct conf_guest, member)
#define DAEMON(member) .offset = offsetof(struct conf_daemon, member)

static const struct conf_field console_fields[] = {
	{
		.key = "device",
		.type = CONF_IS_TRUTH,
		GUEST(console_device),
		.preset = "true",
		.also = " virtio hvc hvc0 ",
		.help = "a virtio console",
	},
	{
		.key = "log",
		.type = CONF_IS_TRUTH,
		GUEST(console_log),
		.preset = "true",
		.help = "keep what the console prints in a file",
	},
	{
		.key = "log_size",
		.type = CONF_IS_SIZE,
		GUEST(console_log_bytes),
		.preset = "1M",
		.min = 4 * KIB,
		.max = GIB,
		.help = "how long each of its two files may become",
	},
	{ .key = NULL },
};

const struct conf_field conf_guest_fields[] = {
	{
		.key = "name",
		.type = CONF_IS_NAME,
		GUEST(name),
		.required = true, /* from a file's name at the latest */
		.help = "what to call the guest",
	},
	{
		.key = "kernel",
		.type = CONF_IS_PATH,
		GUEST(kernel),
		.required = true,
		.max = PATH_MAX - 1,
		.also = " image bzimage vmlinuz vmlinux ",
		.help = "the ELF file that is started",
	},
	{
		.key = "initrd",
		.type = CONF_IS_PATH,
		GUEST(initrd),
		.max = PATH_MAX - 1,
		.also = " ramdisk initramfs ",
		.help = "its first file system",
	},
	{
		.key = "cmdline",
		.type = CONF_IS_TEXT,
		GUEST(cmdline),
		.preset = "",
		.max = 2047, /* Linux has room for that and a NUL */
		.also = " append args arguments bootargs extra params ",
		.help = "the arguments of the kernel",
	},
	{
		.key = "memory",
		.type = CONF_IS_SIZE,
		GUEST(memory_bytes),
		.preset = "64M",
		.min = 4 * MIB,
		.max = CONF_MEMORY_MAX,
		.multiple = 4 * KIB,
		.also = " ram maxmem memory_mb memory_bytes mem_size ",
		.help = "how much RAM it has",
	},
	{
		.key = "cpus",
		.type = CONF_IS_COUNT,
		GUEST(cpus),
		.preset = "1",
		.min = 1,
		.max = CONF_CPUS_MAX,
		.also = " smp cores processors ",
		.help = "how many CPUs it has",
	},
	{
		.key = "disks",
		.type = CONF_IS_LIST,
		GUEST(disks),
		.max = CONF_DISKS_MAX,
		.fields = conf_disk_fields,
		.item_bytes = sizeof(struct conf_disk),
		.also = " disk drives drive block blk volumes ",
		.help = "its disks",
	},
	{
		.key = "network",
		.type = CONF_IS_LIST,
		GUEST(networks),
		.max = CONF_NETWORKS_MAX,
		.fields = conf_network_fields,
		.item_bytes = sizeof(struct conf_network),
		.item_key = "mode",
		.item_check = conf_network_check,
		.also = " networks net nic nics vif interfaces ",
		.help = "what its network devices are connected to",
	},
	{
		.key = "on_poweroff",
		.type = CONF_IS_CHOICE,
		GUEST(on_poweroff),
		.preset = "destroy",
		.words = action_words,
		.also = " on_shutdown on_halt ",
		.help = "what to do when it has turned itself off",
	},
	{
		.key = "on_reboot",
		.type = CONF_IS_CHOICE,
		GUEST(on_reboot),
		.preset = "restart",
		.words = action_words,
		.also = " on_restart on_reset ",
		.help = "what to do when it wants to start again",
	},
	{
		/*
		 * To destroy would take away what one comes to see: why it
		 * died, the end of its console and its memory.  What this costs
		 * is that memory and the name, until `lgctl destroy`.
		 */
		.key = "on_crash",
		.type = CONF_IS_CHOICE,
		GUEST(on_crash),
		.preset = "preserve",
		.words = action_words,
		.also = " on_panic on_failure ",
		.help = "what to do when it was killed, or gave up",
	},
	{
		.key = "on_watchdog",
		.type = CONF_IS_CHOICE,
		GUEST(on_watchdog),
		.preset = "on_crash",
		.words = watchdog_words,
		.also = " watchdog on_hang ",
		.help = "what to do when its watchdog was not petted in time",
	},
	{
		.key = "stop_timeout",
		.type = CONF_IS_TIME,
		GUEST(stop_timeout_s),
		.preset = "30s",
		.min = 1,
		.max = DAY_S,
		.also = " timeout shutdown_timeout ",
		.help = "how long it may take to turn itself off",
	},
	{
		.key = "console",
		.type = CONF_IS_MAP,
		.fields = console_fields,
		.also = " serial ",
		.help = "what becomes of the things it prints",
	},
	{
		.key = "rng",
		.type = CONF_IS_TRUTH,
		GUEST(rng),
		.preset = "true",
		.also = " random entropy virtio_rng ",
		.help = "a device that gives it random bytes",
	},
	{
		.key = "balloon",
		.type = CONF_IS_TRUTH,
		GUEST(balloon),
		.preset = "true",
		.also = " memballoon virtio_balloon ",
		.help = "a device by which it gives RAM back",
	},
	{ .key = NULL },
};

const struct conf_field conf_daemon_fields[] = {
	{
		.key = "guests_dir",
		.type = CONF_IS_PATH,
		DAEMON(guests_dir),
		.preset = "/etc/lguest/guests.d",
		.max = PATH_MAX - 1,
		.help = "guests that are started with the daemon",
	},
	{
		.key = "log_dir",
		.type = CONF_IS_PATH,
		DAEMON(log_dir),
		.preset = "/var/log/lguest",
		.max = PATH_MAX - 1,
		.help = "where consoles are logged",
	},
	{
		.key = "socket",
		.type = CONF_IS_PATH,
		DAEMON(socket),
		.preset = "/run/lguest/lguestd.sock",
		.max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
		.help = "where to listen without socket activation",
	},
	{
		.key = "socket_group",
		.type = CONF_IS_TEXT,
		DAEMON(socket_group),
		.preset = "lguest",
		.min = 1,
		.max = GROUP_MAX,
		.also = " group ",
		.help = "who may connect to that",
	},
	{
		.key = "runner_user",
		.type = CONF_IS_TEXT,
		DAEMON(runner_user),
		.preset = "_lguest",
		.min = 1,
		.max = GROUP_MAX,
		.also = " user ",
		.help = "who lguest-run becomes",
	},
	{
		.key = "max_guests",
		.type = CONF_IS_COUNT,
		DAEMON(max_guests),
		.preset = "256",
		.min = 1,
		.max = 10000,
		.help = "how many guests there may be",
	},
	{
		.key = "max_memory",
		.type = CONF_IS_SIZE,
		DAEMON(max_memory_bytes),
		.preset = "unlimited",
		.min = 4 * MIB,
		.max = CONF_MEMORY_MAX,
		.zero = "unlimited",
		.help = "how much RAM all of them may have together",
	},
	{
		.key = "shutdown_timeout",
		.type = CONF_IS_TIME,
		DAEMON(shutdown_timeout_s),
		.preset = "60s",
		.min = 1,
		.max = DAY_S,
		.also = " stop_timeout timeout ",
		.help = "how long all of them may take to stop",
	},
	{
		/* Not among those that others are known to take. */
		.key = "local_range",
		.type = CONF_IS_TEXT,
		DAEMON(local_range),
		.preset = "10.186.0.0/16",
		.min = 1,
		.max = sizeof("255.255.255.255/32"),
		.also = " range subnet ",
		.help = "where guests with a network of their own are",
	},
	{ .key = NULL },
};

const char *conf_action_name(enum conf_action action)
{
	return action_words[action];
}

bool conf_name_good(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t i, len = strnlen(name, CONF_NAME_MAX + 1);

	/* Not a dot or a dash: it names files, and it is an argument. */
	if (!len || len > CONF_NAME_MAX || !strchr(letters, name[0]))
		return false;
	for (i = 1; i < len; i++) {
		if (!strchr(letters, name[i]) && !strchr("._-", name[i]))
			return false;
	}
	return true;
}

/* ---- Lives ---- */

void conf_guest_free(struct conf_guest *guest)
{
	if (guest)
		conf_fields_free(conf_guest_fields, guest);
	free(guest);
}

void conf_daemon_free(struct conf_daemon *daemon)
{
	if (daemon)
		conf_fields_free(conf_daemon_fields, daemon);
	free(daemon);
}

/* A guest without a name has its file's, without what that ends with. */
static void name_after_file(struct conf_source *source, struct conf_node *root)
{
	const char *file = strrchr(source->path, '/');
	struct conf_node *node;
	size_t len;

	TAILQ_FOREACH(node, &root->nodes, link) {
		if (!strcmp(node->key, "name"))
			return;
	}

	file = file ? file + 1 : source->path;
	len = strlen(file);
	if (len > 5 && !strcmp(file + len - 5, ".yaml"))
		len -= 5;
	else if (len > 4 && !strcmp(file + len - 4, ".yml"))
		len -= 4;

	node = conf_node_add(root, CONF_TEXT);
	if (!node || !conf_node_name(node, "name", 4) ||
	    !conf_node_say(node, file, len))
		source->no_memory = true;
}

int conf_guest_check(struct conf_source *source, struct conf_node *root,
		     struct conf_report *report, struct conf_guest **ret_guest)
{
	struct conf_guest *guest = calloc(1, sizeof(*guest));
	int r;

	/* Without memory the tree may lack any key or word. */
	source->no_memory |= !guest;
	if (root && !source->no_memory && root->form == CONF_MAP &&
	    source->path)
		name_after_file(source, root);
	if (root && !source->no_memory)
		conf_check(source, conf_guest_fields, root, guest);
	conf_node_free(root);

	r = conf_source_end(source, report);
	if (r) {
		conf_guest_free(guest);
		return r;
	}
	*ret_guest = guest;
	return 0;
}

int conf_guest_parse(const char *path, const char *text, size_t len,
		     struct conf_report *report, struct conf_guest **ret_guest)
{
	struct conf_source source = { .path = path, .text = text, .len = len };
	struct conf_node *root = conf_yaml_read(&source);

	return conf_guest_check(&source, root, report, ret_guest);
}

static void check_range(struct conf_source *source,
			const struct conf_node *root,
			const struct conf_daemon *daemon)
{
	char quote[CONF_QUOTE_MAX];
	uint32_t first, count;
	const char *range = daemon ? daemon->local_range : NULL;

	if (range && !conf_range_parse(range, &first, &count))
		conf_complain(source, root, NULL,
			      "local_range: %s is not a range of addresses "
			      "(like 10.186.0.0/16)",
			      conf_quote(quote, range, strlen(range)));
}

static int parse_daemon(const char *path, const char *text, size_t len,
			struct conf_report *report,
			struct conf_daemon **ret_daemon)
{
	struct conf_source source = { .path = path, .text = text, .len = len };
	struct conf_daemon *daemon = calloc(1, sizeof(*daemon));
	struct conf_node *root = conf_yaml_read(&source);
	int r;

	source.no_memory |= !daemon;
	if (root && !source.no_memory)
		conf_check(&source, conf_daemon_fields, root, daemon);
	check_range(&source, root, daemon);
	conf_node_free(root);

	r = conf_source_end(&source, report);
	if (r) {
		conf_daemon_free(daemon);
		return r;
	}
	*ret_daemon = daemon;
	return 0;
}

/* ---- Files ---- */

/* All of fd, and if there is more than may be, one byte of that. */
static ssize_t read_all(int fd, char *text)
{
	size_t len = 0;
	ssize_t r;

	while (len <= CONF_FILE_MAX) {
		r = read(fd, text + len, CONF_FILE_MAX + 1 - len);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (!r)
			break;
		len += (size_t)r;
	}
	return (ssize_t)len;
}

/* The text of a file, for free(); or NULL and -errno in place of its length. */
static char *read_file(const char *path, ssize_t *ret_len)
{
	struct stat st;
	char *text;
	int fd;

	/* Not to wait for the other end of a fifo. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		*ret_len = -errno;
		return NULL;
	}
	text = malloc(CONF_FILE_MAX + 1);
	if (!text)
		*ret_len = -ENOMEM;
	else if (fstat(fd, &st) < 0)
		*ret_len = -errno;
	else if (!S_ISREG(st.st_mode))
		*ret_len = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else
		*ret_len = read_all(fd, text);
	close(fd);
	if (*ret_len >= 0)
		return text;
	free(text);
	return NULL;
}

/* The same, and a complaint if it fails. */
static char *open_source(const char *path, struct conf_report *report,
			 ssize_t *ret_len)
{
	struct conf_source source = { .path = path };
	char *text = read_file(path, ret_len);

	if (text && *ret_len <= CONF_FILE_MAX)
		return text;
	if (text)
		*ret_len = -EFBIG;
	free(text);

	if (*ret_len == -EFBIG)
		conf_complain(&source, NULL, NULL, "is larger than %d KiB",
			      CONF_FILE_MAX / 1024);
	else
		conf_complain(&source, NULL, NULL, "cannot be read: %s",
			      *ret_len == -EINVAL ? "not a regular file"
						  : strerror((int)-*ret_len));
	if (conf_source_end(&source, report) == -ENOMEM)
		*ret_len = -ENOMEM;
	return NULL;
}

int conf_guest_read(const char *path, struct conf_report *report,
		    struct conf_guest **ret_guest)
{
	ssize_t len;
	char *text = open_source(path, report, &len);
	int r;

	if (!text)
		return (int)len;
	r = conf_guest_parse(path, text, (size_t)len, report, ret_guest);
	free(text);
	return r;
}

int conf_daemon_read(const char *path, struct conf_report *report,
		     struct conf_daemon **ret_daemon)
{
	ssize_t len;
	char *text;
	int r;

	if (!path)
		return parse_daemon("defaults", "", 0, report, ret_daemon);
	text = open_source(path, report, &len);
	if (!text)
		return (int)len;
	r = parse_daemon(path, text, (size_t)len, report, ret_daemon);
	free(text);
	return r;
}
