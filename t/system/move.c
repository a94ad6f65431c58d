// SPDX-License-Identifier: GPL-2.0-only
/*
 * move.c - a guest is taken apart and put together again, and must not notice
 *
 * Story: move.t.  Start at main(), then move().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"
#include "crowd.h"

#define MOVES     300 /* or as many as we are told */
#define MAX_BYTES (1 << 17)
#define RECORDS   7

/* Two vectors of one word. */
#define TRIES 300
#define DUE   0x50
#define OTHER 0x51

/* All records of a vcpu, in the order of their types. */
struct records {
	__u32 bytes[RECORDS];
	_Alignas(64) __u8 of[RECORDS][MAX_BYTES];
};

static struct records kept[SMP_VCPUS], now;

static void find_sizes(struct records *records, const struct lg_info *info)
{
	const __u32 sizes[RECORDS] = {
		sizeof(struct lg_regs),   sizeof(struct lg_debugregs),
		sizeof(struct lg_events), sizeof(struct lg_gates),
		sizeof(struct lg_setup),  info->fpu_bytes,
		sizeof(struct lg_ldt),
	};

	memcpy(records->bytes, sizes, sizeof(sizes));
	if (info->fpu_bytes > MAX_BYTES)
		bail_out("FPU records have %u bytes", info->fpu_bytes);
}

/* 0 or an errno. */
static int state(int fd, unsigned long call, int i, __u32 bytes, void *record)
{
	struct lg_state which = {
		.type = (__u32)i + 1,
		.bytes = bytes,
		.addr = (__u64)(uintptr_t)record,
	};

	return ioctl(fd, call, &which) ? errno : 0;
}

static void get_all(struct crowd *crowd, int id, struct records *records)
{
	int i, err;

	find_sizes(records, &crowd->vmm.info);
	for (i = 0; i < RECORDS; i++) {
		err = state(crowd->member[id].fd, LG_STATE_GET, i,
			    records->bytes[i], records->of[i]);
		if (err)
			bail_out("LG_STATE_GET %d: %s", i + 1, strerror(err));
	}
}

/* In any order, which is what shuffles and first say. */
static void set_all(struct crowd *crowd, int id, struct records *records)
{
	int i, at, err, step = random() & 1 ? 1 : 5, first = (int)random();

	for (i = 0; i < RECORDS; i++) {
		at = (int)(((unsigned int)first + (unsigned int)(i * step)) %
			   RECORDS);
		err = state(crowd->member[id].fd, LG_STATE_SET, at,
			    records->bytes[at], records->of[at]);
		if (err)
			bail_out("LG_STATE_SET %d of vcpu %d: %s", at + 1, id,
				 strerror(err));
	}
}

/*
 * The guest has an LDT and one vcpu names it, for what it is worth: it never
 * uses ES, but must find it again.
 */
#define LDT_USED 3
#define LDT_DATA 0x00cff3000000ffffULL
#define LDT_ES   0x17 /* the last of them */

static void give_ldt(struct crowd *crowd)
{
	static struct lg_ldt ldt = {
		.entries = LDT_USED,
		.desc = { LDT_DATA, 0, LDT_DATA },
	};
	struct lg_regs regs;
	int i, fd, err = 0;

	for (i = 0; i < crowd->members; i++)
		err = err
			      ?: state(crowd->member[i].fd, LG_STATE_SET, 6,
				       sizeof(ldt), &ldt);
	fd = crowd->member[0].fd;
	err = err ?: state(fd, LG_STATE_GET, 0, sizeof(regs), &regs);
	regs.es = LDT_ES;
	err = err ?: state(fd, LG_STATE_SET, 0, sizeof(regs), &regs);
	if (err)
		bail_out("an LDT: %s", strerror(err));
}

static bool has_ldt(const struct records *records)
{
	const struct lg_regs *regs = (const void *)records->of[0];
	const struct lg_ldt *ldt = (const void *)records->of[6];

	return regs->es == LDT_ES && ldt->entries == LDT_USED &&
	       ldt->desc[0] == LDT_DATA && ldt->desc[2] == LDT_DATA;
}

static void clock_call(int vm, unsigned long call, struct lg_clock *clock)
{
	if (ioctl(vm, call, clock))
		bail_out("LG_CLOCK_GET or _SET: %s", strerror(errno));
}

/* Another VM on the same memory. */
static void renew_vm(struct crowd *crowd)
{
	struct lg_vm_create create = {
		.abi = LG_ABI_VERSION,
		.features = crowd->vmm.info.features,
	};
	struct lg_slot slot = {
		.bytes = crowd->vmm.ram_bytes,
		.memfd = crowd->vmm.memfd,
	};
	int i;

	for (i = 0; i < crowd->members; i++) {
		munmap(crowd->member[i].run, 4096);
		close(crowd->member[i].fd);
	}
	close(crowd->vmm.vm);
	crowd->vmm.vm = ioctl(crowd->vmm.device, LG_VM_CREATE, &create);
	if (crowd->vmm.vm < 0 || ioctl(crowd->vmm.vm, LG_SLOT_ADD, &slot))
		bail_out("another VM: %s", strerror(errno));
	for (i = 0; i < crowd->members; i++)
		crowd_vcpu(crowd, i);
	crowd->vmm.vcpu = crowd->member[0].fd;
}

static void move(struct crowd *crowd)
{
	struct lg_clock clock = { 0 };
	int i, late = random() & 1;

	clock_call(crowd->vmm.vm, LG_CLOCK_GET, &clock);
	for (i = 0; i < crowd->members; i++)
		get_all(crowd, i, &kept[i]);
	renew_vm(crowd);
	if (!late)
		clock_call(crowd->vmm.vm, LG_CLOCK_SET, &clock);
	for (i = 0; i < crowd->members; i++)
		set_all(crowd, i, &kept[i]);
	if (late)
		clock_call(crowd->vmm.vm, LG_CLOCK_SET, &clock);
}

/* How many of each kind of moment have been met. */
static struct {
	unsigned int user, halted, helped, pending, blocked, timer;
} met;

static void note_moment(void)
{
	const struct lg_regs *regs = (void *)kept[0].of[0];
	const struct lg_events *events = (void *)kept[0].of[2];
	const struct lg_events *others = (void *)kept[1].of[2];

	met.user += regs->mode == LG_MODE_USER;
	met.halted += events->activity != LG_ACTIVITY_RUN;
	met.helped += others->activity != LG_ACTIVITY_DOWN;
	met.pending += events->pending[0] || events->pending[1];
	met.blocked += !!(events->nmi & LG_NMI_BLOCKED);
	met.timer += !!events->timer_ns;
}

static bool moves(struct crowd *crowd, int times)
{
	int i, j;

	for (i = 0; i < times; i++) {
		crowd_start(crowd);
		/* Sometimes at once, sometimes not before it has gone on. */
		if (i % 4 == 0 &&
		    !crowd_await(crowd, &crowd_words(crowd)->progress,
				 crowd_words(crowd)->progress + 1))
			return false;
		for (j = (int)(random() % 40000); j; j--)
			__asm__ volatile("pause");
		crowd_stop(crowd);
		for (j = 0; j < crowd->members; j++)
			if (crowd_end(crowd, j) != CROWD_RUNNING)
				return crowd_finish(crowd);
		move(crowd);
		note_moment();
	}
	return true;
}

static void test_moves(int times)
{
	struct crowd crowd;

	crowd_create(&crowd, SMP_MOVE, 2, 0);
	give_ldt(&crowd);
	ok(moves(&crowd, times), "a guest does not notice that it is moved");
	ok(has_ldt(&kept[0]), "and its LDT comes with it");
	crowd_start(&crowd);
	ok(crowd_await(&crowd, &crowd_words(&crowd)->progress,
		       crowd_words(&crowd)->progress + 5),
	   "and goes on, after %llu rounds", crowd_words(&crowd)->progress);
	diag("of %d: in user mode %u, halted %u, helped %u, pending %u, NMI "
	     "blocked %u, timer %u",
	     times, met.user, met.halted, met.helped, met.pending, met.blocked,
	     met.timer);
	crowd_destroy(&crowd);
}

/* ---- a clock event that is due ---- */

/* With another one pending, at rest: nobody runs the vcpu. */
static void due_at_once(struct lg_events *events)
{
	memset(events, 0, sizeof(*events));
	events->pending[DUE / 64] = 1ULL << OTHER % 64;
	events->activity = LG_ACTIVITY_IDLE;
	events->timer_vector = DUE;
	events->timer_ns = 1;
}

/* From the record's one place to its other: never in both, nor in neither. */
static bool comes_due(struct crowd *crowd)
{
	const __u64 other = 1ULL << OTHER % 64, both = other | 1ULL << DUE % 64;
	struct lg_events events;
	bool fine = true;
	int err;

	due_at_once(&events);
	err = state(crowd->member[0].fd, LG_STATE_SET, 2, sizeof(events),
		    &events);
	while (!err && events.timer_ns) {
		err = state(crowd->member[0].fd, LG_STATE_GET, 2,
			    sizeof(events), &events);
		fine = fine && events.pending[DUE / 64] ==
				       (events.timer_ns ? other : both);
	}
	if (err)
		bail_out("a record of events: %s", strerror(err));
	return fine;
}

/*
 * It was lost if it fired while its own record was still being set: the timer
 * ran first, and then what is pending was written over what it had raised.  A
 * guest that was moved asleep slept on.
 */
static void test_due(void)
{
	struct crowd crowd;
	int i, good = 0;

	crowd_create(&crowd, SMP_MOVE, 1, 0);
	for (i = 0; i < TRIES; i++)
		good += comes_due(&crowd);
	is((__u64)good, TRIES,
	   "a clock event that is due is in the timer, or else pending");
	crowd_destroy(&crowd);
}

/* ---- what a record may not be ---- */

/* Nobody runs it; when its clock event has come too, it stays as it is. */
static void get_settled(struct crowd *crowd, int id, struct records *records)
{
	const struct lg_events *events = (void *)records->of[2];

	do
		get_all(crowd, id, records);
	while (events->timer_ns);
}

static bool same(const struct records *a, const struct records *b)
{
	int i;

	for (i = 0; i < RECORDS; i++)
		if (memcmp(a->of[i], b->of[i], a->bytes[i])) {
			diag("record %d is another", i + 1);
			return false;
		}
	return true;
}

#define BAD(record, type, field, value)                                    \
	{                                                                  \
		record, offsetof(type, field), sizeof(((type *)0)->field), \
			value, #type "." #field " = " #value               \
	}

static const struct {
	int record;
	size_t offset, bytes;
	__u64 value;
	const char *what;
} bad[] = {
	BAD(0, struct lg_regs, rip, 1ULL << 47),
	BAD(0, struct lg_regs, fs_base, 1ULL << 63),
	BAD(0, struct lg_regs, gs_base, 1ULL << 63),
	BAD(0, struct lg_regs, user_gs_base, 1ULL << 63),
	BAD(0, struct lg_regs, cs, 0x10),
	BAD(0, struct lg_regs, cs, 0),
	BAD(0, struct lg_regs, ss, 0),
	BAD(0, struct lg_regs, ss, 0x63),
	BAD(0, struct lg_regs, ds, 0x40),
	BAD(0, struct lg_regs, es, 0x83),
	BAD(0, struct lg_regs, fs, 0x8b),
	BAD(0, struct lg_regs, gs, 0x5b),
	BAD(0, struct lg_regs, mode, 2),
	BAD(0, struct lg_regs, reserved0, 1),
	BAD(0, struct lg_regs, reserved[6], 1),
	BAD(1, struct lg_debugregs, dr[0], 1ULL << 63),
	BAD(1, struct lg_debugregs, dr[3], 1ULL << 47),
	BAD(1, struct lg_debugregs, reserved[1], 1),
	BAD(2, struct lg_events, pending[0], 1),
	BAD(2, struct lg_events, pending[0], 1U << 31),
	BAD(2, struct lg_events, activity, 4),
	BAD(2, struct lg_events, nmi, 8),
	BAD(2, struct lg_events, timer_vector, 31),
	BAD(2, struct lg_events, timer_vector, 256),
	BAD(2, struct lg_events, reserved0, 1),
	BAD(2, struct lg_events, reserved[8], 1),
	BAD(3, struct lg_gates, gate[0].handler, 1ULL << 47),
	BAD(3, struct lg_gates, gate[0].flags, 4),
	BAD(3, struct lg_gates, gate[256].handler, 1),
	BAD(3, struct lg_gates, gate[256].flags, 1),
	BAD(3, struct lg_gates, gate[257].handler, 1ULL << 63),
	BAD(4, struct lg_setup, features, 1ULL << 40),
	BAD(4, struct lg_setup, features, 1ULL << 63),
	BAD(4, struct lg_setup, data, 8),
	BAD(4, struct lg_setup, data, LG_NOWHERE),
	BAD(4, struct lg_setup, data, 1ULL << 40),
	BAD(4, struct lg_setup, info, 64),
	BAD(4, struct lg_setup, info, LG_NOWHERE),
	BAD(4, struct lg_setup, info, 1ULL << 63),
	BAD(4, struct lg_setup, ring, 2048),
	BAD(4, struct lg_setup, ring, 1ULL << 44),
	BAD(4, struct lg_setup, clock, 1ULL << 43),
	BAD(4, struct lg_setup, clock, 32),
	BAD(4, struct lg_setup, entry, 1ULL << 47),
	BAD(4, struct lg_setup, exit, 1ULL << 63),
	BAD(4, struct lg_setup, iret, 1),
	BAD(4, struct lg_setup, fault, 1),
	BAD(4, struct lg_setup, noirq_end, 4097),
	BAD(4, struct lg_setup, noirq_start, 1),
	BAD(4, struct lg_setup, tls[0], 1),
	BAD(4, struct lg_setup, tls[3], 0x00cffa000000ffff),
	BAD(4, struct lg_setup, reserved0, 1),
	BAD(4, struct lg_setup, reserved[15], 1),
	BAD(6, struct lg_ldt, entries, LGUEST_LDT_ENTRIES + 1),
	BAD(6, struct lg_ldt, entries, LDT_USED - 1),
	BAD(6, struct lg_ldt, reserved0, 1),
	BAD(6, struct lg_ldt, reserved[6], 1),
	BAD(6, struct lg_ldt, desc[0], 0x00cf92000000ffff),
	BAD(6, struct lg_ldt, desc[LDT_USED], LDT_DATA),
};

static void refuse(struct crowd *crowd, int record, void *bytes,
		   const char *what)
{
	int err = state(crowd->member[0].fd, LG_STATE_SET, record,
			kept[0].bytes[record], bytes);

	get_all(crowd, 0, &now);
	ok(err == EINVAL && same(&kept[0], &now), "refused whole: %s", what);
}

static void test_bad(void)
{
	static _Alignas(64) __u8 copy[MAX_BYTES];
	struct crowd crowd;
	size_t i;

	crowd_create(&crowd, SMP_MOVE, 2, 0);
	give_ldt(&crowd);
	moves(&crowd, 5);
	get_settled(&crowd, 0, &kept[0]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(copy, kept[0].of[bad[i].record], sizeof(copy));
		memcpy(copy + bad[i].offset, &bad[i].value, bad[i].bytes);
		refuse(&crowd, bad[i].record, copy, bad[i].what);
	}
	memcpy(copy, kept[0].of[1], sizeof(copy));
	memcpy(copy, &crowd.vmm.info.switcher_start, 8);
	refuse(&crowd, 1, copy, "a breakpoint on the Switcher");
	memcpy(copy, kept[0].of[5], sizeof(copy));
	copy[512 + 7] = 0x80; /* XSTATE_BV: what nobody has */
	refuse(&crowd, 5, copy, "an FPU component that is not there");
	memcpy(copy, kept[0].of[5], sizeof(copy));
	copy[512] |= 3;
	memset(copy + 24, 0xff, 4); /* MXCSR */
	refuse(&crowd, 5, copy, "MXCSR with all bits");
	ok(moves(&crowd, 5), "and after all that the guest goes on");
	crowd_destroy(&crowd);
}

/* The guest that is moved asks for no direct returns: here is one that did. */
static void test_asked(void)
{
	struct lg_setup setup, got;
	struct crowd crowd;
	int fd;

	crowd_create(&crowd, SMP_MOVE, 2, 0);
	moves(&crowd, 1);
	fd = crowd.member[0].fd;
	state(fd, LG_STATE_GET, 4, sizeof(setup), &setup);
	setup.features = LGUEST_FEATURE_DIRECT_SYSCALL |
			 LGUEST_FEATURE_DIRECT_IRET |
			 LGUEST_FEATURE_DIRECT_FAULT;
	setup.iret = 0x123456;
	setup.fault = 0x234567;
	is((__u64)state(fd, LG_STATE_SET, 4, sizeof(setup), &setup), 0,
	   "addresses that were asked for are taken");
	state(fd, LG_STATE_GET, 4, sizeof(got), &got);
	ok(!memcmp(&setup, &got, sizeof(got)), "and are still there");
	setup.fault = 1ULL << 47;
	is((__u64)state(fd, LG_STATE_SET, 4, sizeof(setup), &setup), EINVAL,
	   "unless there is no such address");
	crowd_destroy(&crowd);
}

int main(int argc, char **argv)
{
	int users = module_users();

	srandom(1);
	test_moves(argc > 1 ? (int)strtol(argv[1], NULL, 10) : MOVES);
	test_due();
	test_bad();
	test_asked();
	is((__u64)module_users(), (__u64)users, "nothing is left open");
	return tap_end();
}
