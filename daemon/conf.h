/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conf.h - what guests and the daemon are told by their files
 *
 * One schema, two readers.  lgctl reads a guest's YAML as the person who called
 * it, and sends what it means to lguestd as JSON; lguestd, which trusts nobody,
 * holds the JSON against the same schema.  A reader complains about everything
 * it finds, not just about the first.
 */
#ifndef CONF_H
#define CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define CONF_NAME_MAX 48 /* characters of a guest's name: a-z A-Z 0-9 . _ - */

/* What to do when a guest has come to an end. */
enum conf_action {
	CONF_DESTROY, /* let go of everything */
	CONF_RESTART, /* start it again, after a while if it keeps ending */
	CONF_PRESERVE, /* keep it as it is, to be looked at */
	CONF_AS_CRASH, /* on_watchdog alone: as on_crash says */
};

struct conf_list {
	void *items; /* one after the other */
	size_t count;
};

enum conf_cache {
	CONF_WRITEBACK, /* the host's page cache is the disk's */
	CONF_DIRECT, /* past it */
};

struct conf_disk {
	char *file; /* absolute path */
	uint64_t size_bytes; /* of one that is made; 0: it must be there */
	char *base; /* it is made as an instance of this one, or NULL */
	bool readonly;
	enum conf_cache cache;
	char *serial; /* never NULL */
	unsigned int iops; /* 0: no limit, as for the next */
	uint64_t bandwidth; /* bytes in a second */
};

#define CONF_DISKS_MAX 8

/* What is at the other end of a guest's network device. */
enum conf_network_mode {
	CONF_LOCAL, /* this host, and what is behind it, by NAT */
	CONF_BRIDGE, /* a bridge of this host's */
	CONF_USER, /* a program that makes connections of this host's of it */
	CONF_NO_NETWORK,
};

struct conf_network {
	enum conf_network_mode mode;
	char *bridge; /* its name; NULL: none */
	char *mac; /* of the guest's end; NULL: made of its name */
	unsigned int mtu;
};

#define CONF_NETWORKS_MAX 8
#define CONF_MTU_MIN      68
#define CONF_MTU_MAX      65521
#define CONF_USER_MTU_MAX 16384

struct conf_guest {
	char *name;
	char *kernel; /* absolute path */
	char *initrd; /* absolute path, or NULL */
	char *cmdline; /* never NULL */
	uint64_t memory_bytes;
	unsigned int cpus;
	struct conf_list disks; /* of struct conf_disk */
	struct conf_list networks; /* of struct conf_network */
	enum conf_action on_poweroff, on_reboot, on_crash, on_watchdog;
	unsigned int stop_timeout_s; /* before `stop` gives up asking */
	bool console_log; /* keep what it prints in a file as well */
	uint64_t console_log_bytes; /* of each of the two files kept */
	bool console_device; /* hvc0 */
	bool rng; /* a device that gives random bytes */
	bool balloon; /* a device by which RAM is given back */
};

struct conf_daemon {
	char *guests_dir; /* started with the daemon, if root owns it */
	char *log_dir; /* of console logs */
	char *socket; /* used without socket activation */
	char *socket_group;
	char *runner_user; /* who lguest-run becomes */
	unsigned int max_guests;
	uint64_t max_memory_bytes; /* of all guests together; 0: no limit */
	unsigned int shutdown_timeout_s; /* for all guests, at a real stop */
	char *local_range; /* a.b.c.d/n: where `network: local` has addresses */
};

/*
 * Complaints, as a person wants to read them: one paragraph each,
 *
 *	web.yaml:3:9: memory: "64Q" is not a size (like 64M or 2G)
 *	    3 | memory: 64Q
 *	      |         ^~~
 */
struct conf_report {
	char *text; /* NULL or everything so far, newline at the end */
	size_t len;
	unsigned int complaints;
};

/* conf_report_fini - free its text; the struct can be used again */
void conf_report_fini(struct conf_report *report);

/*
 * conf_guest_read - a guest from a YAML file
 *
 * path is for messages, and relative paths in the file start from its folder.
 * Returns 0 and the guest, which conf_guest_free() ends; -EINVAL with
 * complaints in report; -ENOMEM, perhaps without one; or another -errno with one
 * complaint, if the file could not be read.  A report can be used for many
 * files.  conf_guest_parse() is the same for text that is in memory.
 */
int conf_guest_read(const char *path, struct conf_report *report,
		    struct conf_guest **ret_guest);
int conf_guest_parse(const char *path, const char *text, size_t len,
		     struct conf_report *report, struct conf_guest **ret_guest);

/*
 * conf_guest_to_json - what it means, every default written out; NULL: ENOMEM
 *
 * Keys and words are those of the file, {"memory": "64M", "cpus": 1}; so it is
 * YAML as well.  The name is always there, and paths are absolute.
 */
json_t *conf_guest_to_json(const struct conf_guest *guest);

/*
 * conf_guest_from_json - 0, -EINVAL with complaints that name the key, -ENOMEM
 *
 * Who parses the text must refuse keys that are there twice, as jansson's
 * JSON_REJECT_DUPLICATES does: here only one of them would be left.
 */
int conf_guest_from_json(const json_t *json, struct conf_report *report,
			 struct conf_guest **ret_guest);

/* conf_disk - the i-th of conf->disks, or NULL */
const struct conf_disk *conf_disk(const struct conf_guest *guest,
				  unsigned int i);

/* conf_network - the i-th of conf->networks that is one, or NULL */
const struct conf_network *conf_network(const struct conf_guest *guest,
					unsigned int i);

/* conf_mac_parse - 52:54:00:12:34:56, of one card; false: it is none */
bool conf_mac_parse(const char *word, uint8_t mac[6]);

/* conf_range_parse - 10.0.0.0/8, in host order; at least four addresses */
bool conf_range_parse(const char *word, uint32_t *ret_first,
		      uint32_t *ret_count);

/* conf_guest_free - NULL is fine */
void conf_guest_free(struct conf_guest *guest);

/* conf_name_good - may this be the name of a guest? */
bool conf_name_good(const char *name);

/*
 * conf_show - text as it may go to a terminal, whoever it came from; returns to
 *
 * What would not be seen, or would do something, becomes <U+202E> or <FF>.
 */
char *conf_show(const char *text, char *to, size_t room);

const char *conf_action_name(enum conf_action action);

/* conf_daemon_read - the daemon's own file; path NULL: all defaults */
int conf_daemon_read(const char *path, struct conf_report *report,
		     struct conf_daemon **ret_daemon);
void conf_daemon_free(struct conf_daemon *daemon);

/* conf_size_parse - "64M" to bytes; 0 or -EINVAL.  K M G T, KiB MiB GiB TiB */
int conf_size_parse(const char *word, uint64_t *ret_bytes);

#endif /* CONF_H */
