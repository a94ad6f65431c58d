// SPDX-License-Identifier: GPL-2.0-only
/*
 * log.c - says what happened, once, to whoever reads it
 *
 * A line of the journal's has fields beside its text, so that
 * `journalctl LGUEST_NAME=web` is one guest's history.  Without a journal the
 * text goes to stderr, a line for each event.
 *
 * What must never happen: a guest or a client that writes a line of its own
 * here.  So everything is escaped on its way out, wherever it came from.  Nor
 * that a journal which is stuck keeps us from our guests, as libsystemd would
 * have it: what it does not take at once is lost, and how much that was is said
 * as soon as it listens.
 *
 * Next: daemon/conf.c
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "log.h"

#define TEXT_MAX   1024 /* bytes of a message or a field, NUL included */
#define FIELDS_MAX 12

static const char *log_program = "lguestd";
static enum log_level log_most = LOG_LEVEL_INFO;
static int log_journal = -1; /* a socket; -1: stderr it is */
static unsigned long log_lost; /* entries, since it last took one */

const char *log_journal_path = "/run/systemd/journal/socket";

/* Is stderr what systemd connected to the journal, and not a file since? */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(2, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_init(const char *program, enum log_level most)
{
	log_program = program;
	log_most = most;
	if (log_journal < 0 && stderr_is_journal())
		log_journal = socket(
			AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void log_escape(char *to, size_t room, const char *from, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t i, used = 0;

	for (i = 0; i < len && from[i]; i++) {
		unsigned char byte = (unsigned char)from[i];
		bool plain = byte >= ' ' && byte <= '~';

		if (used + (plain ? 1 : 4) >= room)
			break;
		if (plain) {
			to[used++] = (char)byte;
			continue;
		}
		to[used++] = '\\';
		to[used++] = 'x';
		to[used++] = digits[byte >> 4];
		to[used++] = digits[byte & 15];
	}
	to[used] = '\0';
}

/* One entry of the journal's, as it is put together: lines of NAME=text. */
struct entry {
	struct iovec iov[FIELDS_MAX];
	char text[FIELDS_MAX][TEXT_MAX + 1];
	int count;
};

__attribute__((format(printf, 2, 3))) static void add(struct entry *entry,
						      const char *fmt, ...)
{
	char raw[TEXT_MAX];
	va_list args;
	char *text;

	if (entry->count == FIELDS_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(raw, sizeof(raw), fmt, args);
	va_end(args);
	text = entry->text[entry->count];
	log_escape(text, TEXT_MAX, raw, sizeof(raw));
	strcat(text, "\n");
	entry->iov[entry->count].iov_base = text;
	entry->iov[entry->count].iov_len = strlen(text);
	entry->count++;
}

/* Nothing in it can end a line, so there is no more to the protocol. */
static bool put_entry(struct entry *entry)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct msghdr msg = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = entry->iov,
		.msg_iovlen = (size_t)entry->count,
	};
	ssize_t sent;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", log_journal_path);
	do
		sent = sendmsg(log_journal, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent >= 0;
}

static bool say_lost(struct entry *entry)
{
	if (!log_lost)
		return true;
	entry->count = 0;
	add(entry, "MESSAGE=%lu lines are lost: the journal did not take them",
	    log_lost);
	add(entry, "PRIORITY=%d", (int)LOG_LEVEL_WARNING);
	add(entry, "SYSLOG_IDENTIFIER=%s", log_program);
	if (!put_entry(entry))
		return false;
	log_lost = 0;
	return true;
}

static void send_to_journal(enum log_level level, const char *guest,
			    const char *id, const char *const *fields,
			    const char *text)
{
	static struct entry entry; /* large, and there is one thread */

	if (!say_lost(&entry)) {
		log_lost++;
		return;
	}
	entry.count = 0;
	if (guest)
		add(&entry, "MESSAGE=%s: %s", guest, text);
	else
		add(&entry, "MESSAGE=%s", text);
	add(&entry, "PRIORITY=%d", (int)level);
	add(&entry, "SYSLOG_IDENTIFIER=%s", log_program);
	if (guest)
		add(&entry, "LGUEST_NAME=%s", guest);
	if (id)
		add(&entry, "MESSAGE_ID=%s", id);
	for (; fields && *fields; fields++)
		add(&entry, "%s", *fields);
	log_lost += !put_entry(&entry);
}

static void say(enum log_level level, const char *guest, const char *id,
		const char *const *fields, const char *fmt, va_list args)
{
	char raw[TEXT_MAX], text[TEXT_MAX];

	if (level > log_most)
		return;
	vsnprintf(raw, sizeof(raw), fmt, args);
	log_escape(text, sizeof(text), raw, sizeof(raw));
	if (log_journal >= 0) {
		send_to_journal(level, guest, id, fields, text);
		return;
	}
	/* One call for one line, so that others' do not get into it. */
	fprintf(stderr, "%s: %s%s%s\n", log_program, guest ? guest : "",
		guest ? ": " : "", text);
}

void log_say(enum log_level level, const char *guest, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(level, guest, NULL, NULL, fmt, args);
	va_end(args);
}

void log_event(enum log_level level, const char *guest, const char *id,
	       const char *const *fields, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(level, guest, id, fields, fmt, args);
	va_end(args);
}
