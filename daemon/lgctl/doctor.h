/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * doctor.h - what lgctl's doctor looks at, and what it has found
 *
 * A check reads files below root, which is "" but for tests, and leaves one or
 * more findings.  It changes nothing and needs neither root nor the daemon.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include <lguest/ioctl.h>

enum verdict {
	VERDICT_OK,
	VERDICT_WARN, /* guests run, but somebody may mind */
	VERDICT_FAIL, /* guests do not run */
};

#define DOCTOR_MAX 64

struct finding {
	enum verdict verdict;
	const char *about; /* one word */
	char text[256]; /* what is so */
	char todo[160]; /* what to do about it, or "" */
};

struct doctor {
	const char *root;
	const char *socket;
	char release[128]; /* of the kernel that runs */
	bool loaded; /* lg.ko is */
	unsigned int count;
	struct finding findings[DOCTOR_MAX];
};

/* doctor_say - one more finding; todo may be NULL */
void doctor_say(struct doctor *doctor, enum verdict verdict, const char *about,
		const char *todo, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* doctor_path - where path is below root; in buf, which is returned */
const char *doctor_path(const struct doctor *doctor, const char *path,
			char *buf, size_t len);

/* doctor_has - is there such a file, whoever may read it? */
bool doctor_has(const struct doctor *doctor, const char *path);

/*
 * doctor_read - the beginning of a file, as a string without its last newline
 *
 * Returns 0 or a negative errno; buf is "" then.
 */
int doctor_read(const struct doctor *doctor, const char *path, char *buf,
		size_t len);

/* doctor_line - the rest of the first line that starts so; NULL: there is none */
char *doctor_line(const struct doctor *doctor, const char *path,
		  const char *start);

/* ---- doctor_host.c ---- */

void doctor_cpu(struct doctor *doctor);
void doctor_below(struct doctor *doctor);
void doctor_kernel(struct doctor *doctor);
void doctor_leaks(struct doctor *doctor);
void doctor_memory(struct doctor *doctor);

/* ---- doctor_parts.c ---- */

void doctor_module(struct doctor *doctor);
void doctor_device(struct doctor *doctor);
void doctor_users(struct doctor *doctor);
void doctor_systemd(struct doctor *doctor);

/* doctor_abi - can this lguest and a module that says so work together? */
void doctor_abi(struct doctor *doctor, const struct lg_info *info);

#endif /* DOCTOR_H */
