/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rig.h - the driver's only private header
 *
 * Prototypes are grouped by file, in reading order: what a machine is
 * (model.c), where its parts are kept (cache.c), how one is started (qemu.c,
 * qmp.c), what its kernel says (console.c), who serves it (server.c, boot.c, job.c),
 * who asks (client.c, session.c, main.c).
 */
#ifndef RIG_H
#define RIG_H

#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "wire.h"

#define EXIT_TIMEOUT 124
#define EXIT_BROKEN  125 /* the rig, or the host kernel inside it, broke */

/* model.c */
struct model {
	const char *name;
	const char *what; /* one line, for `rig models` */
	const char *cpu; /* QEMU's -cpu */
	unsigned cpus;
	const char *append; /* for the kernel's command line, or NULL */
	const char *accel; /* more QEMU arguments, apart by spaces; or NULL */
	const char *like; /* clones are made of that one's template */
	unsigned flags;
};

#define MODEL_COLD    1u /* never cloned, always booted */
#define MODEL_BZIMAGE 2u /* boots as a disk would: unpacks, randomises */
#define MODEL_ICOUNT  4u /* time is instructions: one thread, no KVM */

extern const struct model models[];
const struct model *model_find(const char *name);
void model_list(FILE *to);

/* cache.c */
struct cache {
	char dir[3072]; /* ${XDG_CACHE_HOME:-~/.cache}/lguest-rig */
	char image[4000]; /* the image's directory in it */
};

extern const char *rig_source; /* directory of the rig's sources */
extern const char *rig_tree; /* the tree that is tested */
extern const char *rig_build; /* build/rig in that tree */

int cache_open(struct cache *ret_cache);
uint64_t hash_bytes(uint64_t hash, const void *data, size_t len);
uint64_t hash_string(uint64_t hash, const char *string);
uint64_t hash_file(uint64_t hash, const char *path);
#define HASH_START 0xcbf29ce484222325ull

/* qemu.c */
struct vm {
	const struct model *model;
	pid_t pid;
	int pidfd;
	int qmp_fd;
	int agent_fd;
	char console[4096]; /* path of what its kernel prints */
	struct buf qmp_in;
	char why[256]; /* how it ended, once it has */
};

enum vm_kind {
	VM_COLD,
	VM_TEMPLATE,
	VM_CLONE
};

struct vm_args {
	const struct model *model;
	const struct cache *cache;
	const char *append; /* free-form kernel arguments, or NULL */
	const char *ram; /* as QEMU writes it, or NULL; for VM_COLD */
	const char *console;
	const char *template_dir; /* for VM_TEMPLATE, VM_CLONE */
	enum vm_kind kind;
};

int vm_start(struct vm *vm, const struct vm_args *args);
void vm_kill(struct vm *vm);
int vm_may_use_kvm(void);
/* Key of the template a clone of this model is made of. */
uint64_t vm_template_key(const struct model *model, const struct cache *cache);
int vm_save(struct vm *vm, const char *template_dir);
int vm_restore(struct vm *vm, const char *template_dir);

/* qmp.c */
int qmp_open(struct vm *vm);
/* One command, its answer in ret_answer if not NULL; -EIO if refused. */
int qmp_run(struct vm *vm, const char *command, struct buf *ret_answer);
/* One line for the human monitor, what it says in ret_text. */
int qmp_hmp(struct vm *vm, const char *line, struct buf *ret_text);
/* Read events that nobody asked for; remembers how the machine ended. */
void qmp_events(struct vm *vm);

/* console.c */
struct console {
	FILE *file;
	struct buf text; /* since the last command ended */
};

int console_open(struct console *con, const char *path);
void console_read(struct console *con);
/* Forget what was said so far: it has been judged. */
void console_forget(struct console *con);
/*
 * Report lines that mean the kernel broke, except those that one of the
 * expressions matches.  Returns how many began a report.
 */
int console_judge(const struct console *con, regex_t *const *expected,
		  size_t num_expected, struct buf *ret_report);
/* The last lines of all it ever said. */
void console_tail(const char *path, unsigned lines, struct buf *ret_report);

/* server.c */
struct serve_args {
	const struct model *model;
	const struct cache *cache;
	const char *append, *ram;
	const char *console;
	const char *socket; /* where clients come to; NULL serves only first */
	const char *lock; /* held by whoever looks at the socket */
	int listen_fd;
	int first_fd; /* the client that started us */
};

/* Serve until there is no reason to; never returns. */
void serve(const struct serve_args *args) __attribute__((noreturn));

/* session.c */
/* A connection to the model's session, which is started if start is set. */
int session_connect(const struct model *model, int start);
/* A connection to a machine of one's own; append and ram may be NULL. */
int session_private(const struct model *model, const char *append,
		    const char *ram);
int session_stop_all(void);
pid_t session_owner(void);

/* client.c */
struct request {
	const struct model *model;
	const char *append, *ram;
	const char *dir; /* to start in */
	unsigned timeout_s;
	unsigned flags; /* RUN_* */
	int private; /* a machine of its own */
	char **words;
};

int client_run(const struct request *req);
int client_hmp(const struct model *model, const char *line);

void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
