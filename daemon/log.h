/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.h - one line per event: how bad, about which guest, what happened
 *
 * Goes to the journal with fields of its own when systemd started us, to stderr
 * otherwise.  Never waits for the journal: what it does not take is counted, and
 * said later.  A message is `object: what (numbers)`; the guest's name and the
 * program's are put before it here.
 */
#ifndef LOG_H
#define LOG_H

#include <stdarg.h>
#include <stddef.h>

enum log_level {
	LOG_LEVEL_ERR = 3, /* someone must act */
	LOG_LEVEL_WARNING = 4, /* a guest or a client broke */
	LOG_LEVEL_INFO = 6, /* a state changed */
	LOG_LEVEL_DEBUG = 7,
};

/* Where the journal listens; not constant for the sake of tests. */
extern const char *log_journal_path;

/* log_init - program's name for stderr; and what is too small to be said */
void log_init(const char *program, enum log_level most);

/* log_say - guest: its name, or NULL for the daemon itself */
void log_say(enum log_level level, const char *guest, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * log_event - the same with a fixed message id (32 hex digits, one for each
 * kind of event) and fields "NAME=value" for the journal, NULL at the end
 */
void log_event(enum log_level level, const char *guest, const char *id,
	       const char *const *fields, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/*
 * log_escape - text of a guest's or a client's, made fit to be shown to a person
 *
 * What is not printable ASCII becomes \xNN.  Reads len bytes or up to a NUL,
 * writes at most room bytes, a NUL the last.  Doing it twice changes nothing.
 */
void log_escape(char *to, size_t room, const char *from, size_t len);

#endif /* LOG_H */
