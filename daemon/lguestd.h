/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lguestd.h - the daemon's only private header, in the order of its files
 *
 * One thread, one event loop; nothing here is locked, and nothing may block.
 * An int that is returned is 0 or a negative errno, and a struct why, where
 * there is one, then has the sentence for whoever asked.
 */
#ifndef LGUESTD_H
#define LGUESTD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <event2/event.h>
#include <jansson.h>

#include <lguest/ioctl.h>

#include "conf.h"
#include "log.h"
#include "proto.h"

/* One sentence for a person: `subject: object: what (numbers)`. */
struct why {
	char text[512];
};

/* why_say - leave the sentence and return err, which is negative */
int why_say(struct why *why, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The whole daemon. */
struct lguestd {
	struct event_base *base;
	struct conf_daemon *conf;
	int device; /* /dev/lguest, or -1: device_why says why */
	struct why device_why;
	struct lg_info info; /* of the device */
	struct uring *uring; /* of all disks, or NULL: uring_why says why */
	struct why uring_why;
	TAILQ_HEAD(, vm) vms;
	unsigned int vm_count;
	bool stopping; /* no guest is started any more */
};

/* ---- vm.c: a guest's life upstairs ---- */

enum vm_state {
	VM_STARTING, /* its runner is loading the kernel */
	VM_RUNNING,
	VM_PAUSED,
	VM_STOPPING, /* asked to turn itself off, and given time for it */
	VM_WAITING, /* will be started again in a while */
	VM_STOPPED, /* off, and preserved */
	VM_CRASHED, /* killed, or it said so itself; preserved */
	VM_GONE, /* the last thing its watchers hear */
};

/* What create() is given beside the configuration; -1 where there is none. */
struct vm_files {
	int kernel;
	int initrd;
	int disk[CONF_DISKS_MAX];
};

/* vm_files_init - none; vm_files_close - all that are there */
void vm_files_init(struct vm_files *files);
void vm_files_close(struct vm_files *files);

struct vm; /* in vm.c's company only; others ask by function */

/* Told after each change of state.  Must not destroy the vm. */
struct vm_watch {
	void (*on_state)(struct vm_watch *watch, struct vm *vm,
			 enum vm_state state);
	LIST_ENTRY(vm_watch) link;
};

const char *vm_state_name(enum vm_state state);
struct vm *vm_find(struct lguestd *lguestd, const char *name);
struct vm *vm_first(struct lguestd *lguestd);
struct vm *vm_next(struct vm *vm);
const char *vm_name(const struct vm *vm);
enum vm_state vm_state(const struct vm *vm);

/* vm_why - how it ended last, a sentence; "" if it never has */
const char *vm_why(const struct vm *vm);

/* vm_crashed - was its last end a crash? */
bool vm_crashed(const struct vm *vm);

/* vm_ever_ran - was there a first instruction? */
bool vm_ever_ran(const struct vm *vm);

/*
 * vm_create - a guest, VM_STARTING; watchers learn what becomes of it
 *
 * Takes conf and the files over, also when it fails: -EEXIST, -ENODEV without
 * lg.ko, -ENOSPC for a limit of the daemon's, -ENOMEM, -EMFILE...  If the
 * kernel turns out to be none, the guest goes VM_GONE and vm_why() says it.
 */
int vm_create(struct lguestd *lguestd, struct conf_guest *conf,
	      struct vm_files *files, struct why *why, struct vm **ret_vm);

/*
 * vm_hold - it shall be VM_PAUSED when it is loaded, before its first instruction
 *
 * For who wants to be its audience from the first word on; right after
 * vm_create(), and good for this start only.
 */
void vm_hold(struct vm *vm);

/* vm_device - is there an lg.ko for guests?  If not, device_why says why */
bool vm_device(struct lguestd *lguestd);

/* vm_destroy - at once, whatever it does; VM_GONE follows from the loop */
void vm_destroy(struct vm *vm);

/* vm_stop_timeout_s - what its configuration gives it to turn itself off */
unsigned int vm_stop_timeout_s(const struct vm *vm);

/* vm_stop - press its power button; -EOPNOTSUPP if it has none, -EBUSY ... */
int vm_stop(struct vm *vm, unsigned int timeout_s, struct why *why);
int vm_pause(struct vm *vm, struct why *why);
int vm_resume(struct vm *vm, struct why *why);
int vm_reset(struct vm *vm, struct why *why);

/* vm_balloon - it shall do with that much memory; -EOPNOTSUPP, -EINVAL */
int vm_balloon(struct vm *vm, uint64_t bytes, struct why *why);

/* vm_resize - the window its console is seen in */
int vm_resize(struct vm *vm, unsigned int columns, unsigned int rows,
	      struct why *why);

/* vm_describe - what Guests.Info answers; NULL: ENOMEM */
json_t *vm_describe(struct vm *vm);

void vm_watch_add(struct vm *vm, struct vm_watch *watch);
void vm_watch_remove(struct vm_watch *watch);

/* vm_detach_all - forget them all; they go on, in systemd's care */
void vm_detach_all(struct lguestd *lguestd);

/* vm_adopt_all - take over what a daemon before us has left in systemd's care */
void vm_adopt_all(struct lguestd *lguestd);

/* ---- network.c: the host's end of guests' networks ---- */

/* networks_settle - all guests are adopted: what is not theirs goes */
void networks_settle(const struct lguestd *lguestd);

/* ---- console.c: what guests print, and who listens ---- */

struct console_client {
	bool write; /* its bytes go to the guest; only one may */
	bool force; /* take that from whoever has it */
	bool follow; /* stay for what is to come */
};

/*
 * console_attach - fd, a client's socket, becomes the guest's console
 *
 * Takes fd over if it returns 0.  -EBUSY: somebody else writes.
 */
int console_attach(struct vm *vm, int fd, const struct console_client *client,
		   struct why *why);

/* ---- disks.c: files of guests' disks ---- */

/* disks_open - the ring for all of them, before privileges are dropped */
void disks_open(struct lguestd *lguestd);
void disks_close(struct lguestd *lguestd);

/* ---- lgdev.c: lg.ko ---- */

/* lgdev_open - /dev/lguest, if we and the module understand each other */
int lgdev_open(struct lg_info *ret_info, struct why *why);

/* ---- ctl.c: the control socket, its clients and their messages ---- */

/*
 * One call, from when it is whole until it is answered.  Whoever serves it
 * answers once, now or later: call_reply(), call_error() or call_given().
 */
struct call {
	struct lguestd *lguestd;
	const char *method; /* without PROTO_PREFIX, for messages */
	json_t *parameters; /* an object */
	struct vm *vm; /* parameters' name, where the method has one */
	int fds[PROTO_FDS_MAX]; /* what came with it; -1: none, or taken */
	pid_t pid; /* of the peer */
	uid_t uid;
	struct waiting *waiting; /* wait.c's, until there is an answer */
	struct waiter *shutdown; /* shutdown.c's */
};

/* ctl_open - listen; fd: systemd's socket, or -1 for conf->socket */
int ctl_open(struct lguestd *lguestd, int fd, struct why *why);
void ctl_close(struct lguestd *lguestd);

/*
 * listen_at - conf->socket, a listening descriptor (listen.c)
 *
 * The path is ours for as long as *ret_lock is open.
 */
int listen_at(const struct lguestd *lguestd, int *ret_lock, struct why *why);

/* call_reply - parameters is taken over; NULL: there is nothing to say */
void call_reply(struct call *call, json_t *parameters);

/* call_error - error is a PROTO_E_; the rest is the sentence */
void call_error(struct call *call, const char *error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void call_error_with(struct call *call, const char *error, json_t *parameters);

/* call_fd - the client's socket; call_given - somebody else has it now */
int call_fd(struct call *call);
void call_given(struct call *call);

/* ---- message.c: bytes and descriptors, until they are a call ---- */

struct message {
	char *in; /* what has come and was not served */
	size_t len, size;
	size_t whole; /* bytes of the first message with its NUL; 0: not yet */
	size_t due; /* bytes after len that come with descriptors */
	const char *bad; /* it will never be one: why */
	struct {
		int fd;
		unsigned int skip; /* messages before the one it belongs to */
	} passed[PROTO_FDS_MAX];
	unsigned int passed_count;
	char method[64]; /* of the last one taken */
	char why[256];
};

#define MESSAGE_TOO_MANY_FDS \
	"message: more descriptors than could be taken (at most 16)"

bool message_begun(const struct message *message);
bool message_whole(const struct message *message);

/*
 * message_receive - -EAGAIN: nothing now; another errno: hang up
 *
 * 1: there are `due` bytes that come with descriptors, still in the socket; who
 * has fetched them says message_fetched(), and fds are taken over.
 */
int message_receive(struct message *message, int fd);
void message_fetched(struct message *message, const int *fds, size_t count,
		     const char *why);

/* message_take - the first call; or what is wrong with it, a sentence */
const char *message_take(struct message *message, struct call *call);

/* message_done - end of a call: closes what nobody took of it */
void message_done(struct call *call);
void message_fini(struct message *message, struct call *call);

/* message_charge - bytes held for clients; -ENOMEM if that is too much */
int message_charge(ssize_t bytes);

/* ---- fetch.c: descriptors, taken by who may get stuck ---- */

struct fetch;

/* fds are the callee's; why: what is wrong with the message, or NULL */
typedef void (*fetch_fn)(void *arg, const int *fds, size_t count,
			 const char *why);

/*
 * fetch_start - takes so many bytes and their descriptors out of a client's socket
 *
 * done() is called once and then it is over, or fetch_drop() ends it before.
 * NULL: it cannot be begun.
 */
struct fetch *fetch_start(struct event_base *base, int client, size_t bytes,
			  fetch_fn done, void *arg);
void fetch_drop(struct fetch *fetch);

/* ---- request.c: method -> handler, and what each may be told ---- */

/* request_serve - answers, now or when it can be answered */
void request_serve(struct call *call);

/* ---- call_files.c: descriptors that came with a call ---- */

/*
 * call_files - those of conf, out of the call; -EINVAL
 *
 * What is in files then, also if it fails, is the caller's to close.
 */
int call_files(struct call *call, const struct conf_guest *conf,
	       struct vm_files *files, struct why *why);

/* ---- wait.c: answers that wait for a guest ---- */

void wait_created(struct call *call);
void wait_gone(struct call *call);
void wait_stopped(struct call *call, bool force);
void wait_state(struct call *call, enum vm_state state);
void wait_ended(struct call *call);

/* wait_drop - the client has gone: nobody waits any more */
void wait_drop(struct call *call);

/* wait_refused - answers with what vm.c or console.c said no with */
void wait_refused(struct call *call, int err, const struct why *why);

/* ---- shutdown.c: all guests, in order ---- */

/* shutdown_start - ends every guest, then the daemon */
void shutdown_start(struct lguestd *lguestd);

/* shutdown_begin - the same, and answers call when all have gone */
void shutdown_begin(struct call *call);
void shutdown_drop(struct call *call);

/* ---- autostart.c: the guests of conf->guests_dir ---- */

/* autostart - starts what is there and is not yet here; logs, never fails */
void autostart(struct lguestd *lguestd);

/* ---- notify.c: what systemd hears from us, and asks ---- */

/* notify_status - one line for `systemctl status` */
void notify_status(struct lguestd *lguestd);

void notify_ready(struct lguestd *lguestd);
int notify_watchdog(struct lguestd *lguestd);

/* notify_service_stop - lguestd --service-stop; an exit status */
int notify_service_stop(const char *socket);

/* ---- sandbox.c: privileges, dropped one by one ---- */

void sandbox_enter(void);

#endif /* LGUESTD_H */
