/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vm.h - a guest's insides, for vm.c and the files that help it
 *
 * In the order of those files.  Nobody else includes this: who serves clients
 * asks by the functions of lguestd.h.
 */
#ifndef VM_H
#define VM_H

#include <event2/event_struct.h>

#include "guest_mem.h"
#include "lguestd.h"

struct bus;
struct console;
struct network;
struct scope;
struct virtio_dev;

/* What a start makes and an end lets go of; -1 where there is none. */
struct machine {
	int vm; /* exits are read here */
	struct guest_mem mem;
	int vcpu[LG_MAX_VCPUS];
	struct bus *bus; /* NULL: none */
};

/* The process that runs the vcpus. */
struct runner {
	pid_t pid;
	int pidfd; /* -1: there is none */
	int report; /* it says here how loading went; -1: it is running */
	bool loaded; /* ... and waits for runner_go() */
	bool ours; /* our child, to be waited for */
	struct event exit_event, report_event, limit_event;
	struct why error; /* what it said last */
};

struct vm {
	TAILQ_ENTRY(vm) link;
	struct lguestd *lguestd;
	struct conf_guest *conf;
	struct vm_files files;

	enum vm_state state;
	bool leaving; /* its state; but not before its runner is gone */
	enum vm_state then; /* ... what it will be then */
	struct why why; /* how it ended last */
	bool crashed; /* ... which was a crash */
	bool held; /* vm_hold(): this start is to a pause */
	bool ever_ran;
	bool foreign; /* kept by a newer daemon: we only look */
	bool listed; /* in lguestd->vms, so that it counts */

	int64_t since_us; /* wall clock, when it got into its state */
	int64_t started_us; /* ... when it began to run last */
	unsigned int restarts;
	unsigned int backoff; /* restarts in a row, none of which went well */
	struct event timer; /* of VM_STOPPING and VM_WAITING */
	struct event work; /* leave() with no runner to wait for */

	struct machine machine;
	struct runner runner;
	struct scope *scope; /* NULL: settled, one way or the other */
	struct event exits;
	struct event lost; /* some of its RAM is */
	unsigned int power_vector, input_vector; /* 0: none */
	unsigned int watchdog_ms; /* 0: nobody watches */
	struct event watchdog;

	struct network *networks[CONF_NETWORKS_MAX]; /* NULL: not yet */
	struct console *console;
	int record; /* memfd: what a daemon after us must know */
	LIST_HEAD(, vm_watch) watches;
};

/* Why a guest came to an end, and which of conf's three actions that asks. */
enum vm_end {
	END_POWEROFF,
	END_REBOOT,
	END_CRASH,
	END_WATCHDOG,
};

/* Times; not constant for the sake of tests. */
extern struct vm_timing {
	unsigned int backoff_ms; /* the second restart in a row waits this */
	unsigned int
		backoff_most_ms; /* each later one twice that, up to this */
	unsigned int well_ms; /* ran this long: all is forgiven */
	unsigned int load_ms; /* for reading the kernel */
	unsigned int scope_ms; /* for systemd to make a scope */
	unsigned int linger_ms; /* for a watcher of a guest that is gone */
} vm_timing;

/* ---- vm.c ---- */

/* vm_ended - its machine has; sentence becomes vm_why(), already escaped */
void vm_ended(struct vm *vm, enum vm_end end, const char *sentence);

/* vm_pet - its watchdog bites in so many ms, or 0 for never */
void vm_pet(struct vm *vm, unsigned int ms);

/* vm_on_loaded - the runner is ready to run, or the scope is settled */
void vm_on_loaded(struct vm *vm);

/* vm_on_runner_gone - it is dead, and this is all that is known of why */
void vm_on_runner_gone(struct vm *vm, const char *sentence);

/* vm_on_devices_idle - bus_stop() has come to its end */
void vm_on_devices_idle(struct vm *vm);

/* vm_leave - stop what it is doing, and when that is done be `then` */
void vm_leave(struct vm *vm, enum vm_state then);

/* vm_new - with no machine, not listed; takes conf and files over */
struct vm *vm_new(struct lguestd *lguestd, struct conf_guest *conf,
		  struct vm_files *files, struct why *why);
void vm_free(struct vm *vm);

/* vm_list - from now on others see it */
void vm_list(struct vm *vm);

/* vm_arm - its timer rings in ms */
void vm_arm(struct vm *vm, unsigned int ms);

/* vm_launch - machine, runner and scope of a guest that is VM_STARTING */
int vm_launch(struct vm *vm, struct why *why);

/* vm_event_del - also of one that was never assigned */
static inline void vm_event_del(struct event *event)
{
	if (event_initialized(event))
		event_del(event);
}

/* ---- state.c: the only writer of vm->state ---- */

void vm_set_state(struct vm *vm, enum vm_state state);

/* vm_begin_state - where it starts from: nobody is told */
void vm_begin_state(struct vm *vm, enum vm_state state);

/* vm_now_us - the wall clock, as it outlives us */
int64_t vm_now_us(void);

/* ---- restart.c: whether and when ---- */

/* restart_delay_ms - of the next one; counts it */
unsigned int restart_delay_ms(struct vm *vm);

/* restart_after - what becomes of the guest after such an end */
enum vm_state restart_after(const struct vm *vm, enum vm_end end);

/* ---- exit.c: what the guest wants ---- */

int exit_watch(struct vm *vm);
void exit_unwatch(struct vm *vm);

/* ---- machine.c: descriptors of lg.ko's ---- */

void machine_init(struct machine *machine);
int machine_create(struct vm *vm, struct why *why);
void machine_destroy(struct vm *vm);

/* machine_stats - LG_STAT_* of all vcpus together; NULL: ENOMEM */
json_t *machine_stats(const struct vm *vm);

/* ---- bus.c: devices ---- */

/* bus_create - with the devices of conf; what fails is for bus_free() */
int bus_create(struct vm *vm, struct why *why);

/* bus_adopt - fd has what a daemon before us left of them; taken if 0 */
int bus_adopt(struct vm *vm, int fd, struct why *why);

/* bus_stop - reset them all; false: vm_on_devices_idle() follows */
bool bus_stop(struct vm *vm);

/* bus_free - without a bus_stop() they are as they were for the next daemon */
void bus_free(struct vm *vm);

/* bus_fd - what a next daemon must have; -1: there is no bus */
int bus_fd(const struct vm *vm);

/* bus_add - one more, which is destroyed if it fails; the guest is told */
int bus_add(struct vm *vm, struct virtio_dev *dev, struct why *why);

/* bus_remove - the guest is told when it is gone */
int bus_remove(struct vm *vm, const char *label, struct why *why);
struct virtio_dev *bus_find(const struct vm *vm, const char *label);

/* bus_call, bus_kick - LGUEST_TOKEN_VIRTIO, LGUEST_TOKEN_KICK: their results */
uint64_t bus_call(struct vm *vm, uint64_t gpa);
uint64_t bus_kick(struct vm *vm, uint64_t arg);

/* bus_describe - an array; NULL: ENOMEM */
json_t *bus_describe(const struct vm *vm);

/* ---- devices.c: which ones, and what they need of us ---- */

/*
 * One kind: the number-th that a guest has, NULL and 0 for no more.  What it says
 * if it fails begins with the device's label.
 */
struct device_maker {
	const char *what; /* its label, or the beginning of it; NULL: the end */
	int (*make)(struct vm *vm, unsigned int number,
		    struct virtio_dev **ret_dev, struct why *why);
};

/* In the order of their slots, which is that in which a guest finds them. */
extern const struct device_maker device_makers[];

/* bus_input - the console has some, and did not; bus_takes_input - is it heard? */
void bus_input(struct vm *vm);
bool bus_takes_input(const struct vm *vm);

/* ---- disks.c ---- */

/* disks_make - the number-th of the guest's, NULL and 0 for no more */
int disks_make(struct vm *vm, unsigned int number, struct virtio_dev **ret_dev,
	       struct why *why);

/* disks_here - has every disk its file? */
bool disks_here(const struct vm *vm);

/* disks_unlock - others may have the files, which this guest will not use again */
void disks_unlock(const struct vm *vm);

/* disks_follow - the ring of a daemon before us; takes its lifeline over */
void disks_follow(struct lguestd *lguestd, int lifeline);

/* ---- network.c ---- */

/* networks_make - as disks_make(); the first time it opens what there is not */
int networks_make(struct vm *vm, unsigned int number,
		  struct virtio_dev **ret_dev, struct why *why);

/* networks_adopt - fd is the tap, or passt's socket, that a daemon before us had for it */
void networks_adopt(struct vm *vm, unsigned int number, int fd);

int networks_fd(const struct vm *vm, unsigned int number);

/* networks_free - a next daemon has them; networks_end - nobody does */
void networks_free(struct vm *vm);
void networks_end(struct vm *vm);

/* ---- console.c ---- */

/* console_new - with what ring has (it is taken over), or a new one for -1 */
struct console *console_new(struct vm *vm, int ring, struct why *why);

/* console_free - watchers get what is left, and then an end */
void console_free(struct console *console);

/* console_close_all - of guests that are gone, whoever still listens */
void console_close_all(void);
int console_ring_fd(const struct console *console);

/* console_print - the guest's text, any bytes */
void console_print(struct console *console, const char *text, size_t len);

/* console_note - ours, in brackets on a line of its own */
void console_note(struct console *console, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* console_adopted - the guest may not have heard of what is typed */
void console_adopted(struct console *console);

/* console_getc - the next byte of input, or -1 */
int console_getc(struct console *console);
bool console_has_input(const struct console *console);

/* console_read - the next bytes of input, for a device; how many */
size_t console_read(struct console *console, char *to, size_t room);

/* console_printed - bytes ever */
uint64_t console_printed(const struct console *console);

/* console_restarted - who starts anew has typed nothing yet */
void console_restarted(struct console *console);

/* ---- ring.c: the last of what was printed, and what is typed ---- */

#define RING_BYTES (1024 * 1024)
#define RING_INPUT 2048

struct ring {
	int fd; /* a memfd, which outlives us */
	uint64_t start, end; /* bytes ever; those in between are there */
	uint64_t in_start, in_end; /* the same of what is typed */
};

int ring_create(struct ring *ring, const char *name, struct why *why);
int ring_adopt(struct ring *ring, int fd, struct why *why);
void ring_fini(struct ring *ring);
int ring_write(struct ring *ring, const char *text, size_t len);

/* ring_read - what is at `at`, which start <= at <= end; bytes, or -errno */
ssize_t ring_read(const struct ring *ring, uint64_t at, char *to, size_t room);

/* ring_typed - how much there is that ring_getc() would give; up to RING_INPUT */
uint64_t ring_typed(const struct ring *ring);

/* ring_type - all of it or, with an error, nothing */
int ring_type(struct ring *ring, const char *text, size_t len);

/* ring_take - the next bytes of it; how many */
size_t ring_take(struct ring *ring, char *to, size_t room);

/* ring_getc - the next byte; -1: there is none */
int ring_getc(struct ring *ring);
void ring_forget_typed(struct ring *ring);

/* ---- console_log.c: what was printed, in files ---- */

struct console_log {
	char *path; /* NULL: not wanted */
	char *old_path;
	int fd;
	uint64_t bytes, most_bytes;
	bool warned;
};

void console_log_init(struct console_log *log, const struct vm *vm);
void console_log_fini(struct console_log *log);
void console_log_write(struct console_log *log, const char *guest,
		       const char *text, size_t len);

/* ---- runner.c ---- */

void runner_init(struct vm *vm);

/* runner_start - lguest-run begins to load; vm_on_loaded() or _gone() follow */
int runner_start(struct vm *vm, struct why *why);

/* runner_adopt - one that a daemon before us has started; takes pidfd over */
int runner_adopt(struct vm *vm, int pidfd, pid_t pid, struct why *why);

/* runner_go - it may run the guest now */
void runner_go(struct vm *vm);
void runner_kill(struct vm *vm);
void runner_fini(struct vm *vm);

/* ---- scope.c: a place of its own among systemd's units ---- */

/* scope_start - vm->scope is NULL when it is settled: vm_on_loaded() is told */
void scope_start(struct vm *vm);
void scope_forget(struct vm *vm);

/* scope_end - its runner is dead, and so shall be its scope */
void scope_end(struct vm *vm);

/* scope_close - the bus, at the daemon's end */
void scope_close(void);

/* For others who have units made; scope_said() after each thing that is said. */
#define SYSTEMD         "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define UNIT_ROOM       256

struct sd_bus *scope_bus(struct lguestd *lguestd); /* NULL: no systemd */
void scope_said(void);
void scope_name_unit(char unit[UNIT_ROOM], const struct vm *vm, int number,
		     const char *kind);

/* ---- store.c: systemd keeps it for whoever comes after us ---- */

/* store_check - may there be one more?  -ENOSPC */
int store_check(const struct lguestd *lguestd, const struct conf_guest *conf,
		struct why *why);

/* store_put_ring - a ring's lifeline, until it hangs up */
void store_put_ring(int lifeline);

/* store_put - as NAME.what; one of that name must have been removed before */
void store_put(const struct vm *vm, const char *what, int fd);
void store_remove(const char *name, const char *what);
void store_put_machine(const struct vm *vm);
void store_remove_machine(const struct vm *vm);

/* store_put_all, store_remove_all - what is of the guest and no start's */
void store_put_all(const struct vm *vm);
void store_remove_all(const struct vm *vm);

/* ---- record.c: the part that is words ---- */

int record_create(struct vm *vm, struct why *why);

/* record_save - as it is now; a warning is all that follows a failure */
void record_save(struct vm *vm);

#define RECORD_VERSION 1

/* record_load - the newest whole record in fd, of any version; or NULL */
json_t *record_load(int fd, unsigned int *ret_version, struct why *why);

/* ---- lgdev.c: lg.ko ---- */

/* Without these there is no serving a guest. */
#define LGDEV_NEEDED (LG_FEATURE_QUEUE | LG_FEATURE_PAUSE | LG_FEATURE_EVENTFD)

int lgdev_vm_create(int device, uint64_t features);
int lgdev_slot_add(int vm, int memfd, uint64_t bytes);
int lgdev_vcpu_create(int vm, unsigned int id);
int lgdev_interrupt(int vm, unsigned int vcpu, unsigned int vector);

/* lgdev_irqfd, lgdev_notifyfd - a wire, which goes when fd is closed */
int lgdev_irqfd(int vm, int fd, unsigned int vcpu, unsigned int vector);
int lgdev_notifyfd(int vm, int fd, uint64_t token);

/* lgdev_discard - the host's again, whole pages */
int lgdev_discard(int vm, uint64_t gpa, uint64_t bytes);
int lgdev_pause(int vm);
int lgdev_resume(int vm);

/* lgdev_exits - those nobody has answered; how many, or -EAGAIN */
int lgdev_exits(int vm, struct lg_exit *exits, unsigned int room);
int lgdev_answer(int vm, const struct lg_exit *exit, uint64_t result);
int lgdev_vm_info(int vm, struct lg_vm_info *ret_info);
int lgdev_stats(int vcpu, struct lg_stats *ret_stats);

/* ---- abi.c ---- */

/* abi_check - may there be guests of ours under such an lg.ko?  -ENODEV */
int abi_check(const struct lg_info *info, struct why *why);

#endif /* VM_H */
