// SPDX-License-Identifier: GPL-2.0-only
/*
 * record.c - what the next daemon must know of a guest, in words
 *
 * JSON in a memfd, written whole each time: into the one of two places that
 * does not count, and then the page before them says that it does.  Whenever
 * we are killed, one of the two is whole.
 *
 * The page has a version, for a daemon that is not this one.  An older one must
 * not touch a guest whose record it cannot understand, and a newer one reads
 * all versions before its own.
 *
 * Next: daemon/adopt.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vm.h"

#define RECORD_MAGIC 0x6574617473756775ULL /* "ugustate" */
#define PAGE         4096
#define PLACE_BYTES  (512 * 1024) /* a message to us cannot be so long */
#define RECORD_BYTES (PAGE + 2 * PLACE_BYTES)
#define RECORD_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct header {
	uint64_t magic;
	uint32_t version;
	uint32_t which; /* place that counts: 0, 1; 2: none yet */
	uint32_t len[2];
};

static int put_header(int fd, const struct header *header)
{
	return pwrite(fd, header, sizeof(*header), 0) == sizeof(*header)
		       ? 0
		       : -ENOMEM;
}

int record_create(struct vm *vm, struct why *why)
{
	const struct header header = {
		.magic = RECORD_MAGIC,
		.version = RECORD_VERSION,
		.which = 2,
	};
	char label[64];
	int r = 0;

	snprintf(label, sizeof(label), "%s.state", vm_name(vm));
	vm->record = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (vm->record < 0 || ftruncate(vm->record, RECORD_BYTES) < 0 ||
	    fcntl(vm->record, F_ADD_SEALS, RECORD_SEALS) < 0)
		r = -errno;
	else
		r = put_header(vm->record, &header);
	if (r < 0)
		return why_say(why, r, "%s: state: %s", vm_name(vm),
			       strerror(-r));
	return 0;
}

static json_t *describe(struct vm *vm)
{
	return json_pack(
		"{ss so ss ss? ss sb sb sI sI si si si si si si}", "name",
		vm_name(vm), "config", conf_guest_to_json(vm->conf), "state",
		vm_state_name(vm->state), "then",
		vm->leaving ? vm_state_name(vm->then) : NULL, "why",
		vm->why.text, "crashed", vm->crashed, "ever_ran", vm->ever_ran,
		"since_us", (json_int_t)vm->since_us, "started_us",
		(json_int_t)vm->started_us, "restarts", (int)vm->restarts,
		"backoff", (int)vm->backoff, "power", (int)vm->power_vector,
		"input", (int)vm->input_vector, "watchdog_ms",
		(int)vm->watchdog_ms, "pid", (int)vm->runner.pid);
}

/* The page is written once before the text and once after: see above. */
static int save(int fd, const char *text, size_t len)
{
	struct header header;
	uint32_t to;
	off_t at;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return -EIO;
	if (len > PLACE_BYTES)
		return -E2BIG;
	to = header.which == 0;
	at = PAGE + (off_t)to * PLACE_BYTES;
	if (pwrite(fd, text, len, at) != (ssize_t)len)
		return -ENOMEM;
	header.which = to;
	header.len[to] = (uint32_t)len;
	return put_header(fd, &header);
}

void record_save(struct vm *vm)
{
	json_t *json;
	char *text;
	int r = -ENOMEM;

	if (vm->record < 0)
		return;
	json = describe(vm);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (text)
		r = save(vm->record, text, strlen(text));
	free(text);
	json_decref(json);
	if (r < 0)
		log_say(LOG_LEVEL_WARNING, vm_name(vm),
			"state: not saved: %s: a next lguestd will not know it",
			strerror(-r));
}

static json_t *load(int fd, const struct header *header, struct why *why)
{
	uint32_t len = header->len[header->which];
	json_error_t error;
	json_t *json = NULL;
	char *text = malloc(len ? len : 1);
	off_t at = PAGE + (off_t)header->which * PLACE_BYTES;

	if (!text || pread(fd, text, len, at) != (ssize_t)len)
		why_say(why, -EIO, "state: %u bytes cannot be read", len);
	else if (!(json = json_loadb(text, len, 0, &error)))
		why_say(why, -EINVAL, "state: not JSON: %s", error.text);
	free(text);
	return json;
}

json_t *record_load(int fd, unsigned int *ret_version, struct why *why)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct header header;

	if (seals < 0 || (seals & RECORD_SEALS) != RECORD_SEALS ||
	    pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    header.magic != RECORD_MAGIC) {
		why_say(why, -EINVAL, "state: not a record of ours");
		return NULL;
	}
	*ret_version = header.version;
	if (header.which > 1 || header.len[header.which] > PLACE_BYTES) {
		why_say(why, -EINVAL, "state: nothing is written there");
		return NULL;
	}
	return load(fd, &header, why);
}
