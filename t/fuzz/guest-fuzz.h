/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guest-fuzz.h - where a guest of the fuzzer has what
 *
 * guest-fuzz.c runs guests and judges how they end; guest-words.c and
 * guest-events.c make them up, out of one number each.
 */
#ifndef GUEST_FUZZ_H
#define GUEST_FUZZ_H

#include <stdbool.h>

#include "vmm.h"

#define FUZZ_RAM     (4ULL << 20)
#define FUZZ_STUB    0x100000ULL /* what runs first, and the system call loop */
#define FUZZ_INFO    0x101000ULL
#define FUZZ_DATA    0x102000ULL /* struct lguest_data, somewhere in here */
#define FUZZ_IMAGES  0x103000ULL /* 64 of them, to be copied there */
#define FUZZ_COUNTER 0x104000ULL /* how many have been */
#define FUZZ_RING    0x105000ULL
#define FUZZ_CLOCK   0x106000ULL
#define FUZZ_CODE    0x110000ULL
#define FUZZ_STACK   0x120000ULL
#define FUZZ_USER    0x130000ULL
#define FUZZ_DENIED  0x140000ULL /* user mode may read it */
#define FUZZ_BYTES   0x4000ULL /* of each of the last four */
#define FUZZ_READY   (1ULL << 63)

enum fuzz_kind {
	FUZZ_KIND_CODE, /* random instructions */
	FUZZ_KIND_DATA, /* random words in lguest_data, the direct path */
	FUZZ_KIND_TABLES, /* random page tables below random instructions */
	FUZZ_KIND_EVENTS, /* random gates, events, calls in the ring */
	FUZZ_KINDS,
};

struct fuzz {
	struct vmm *vmm;
	__u64 state; /* of the generator */
	enum fuzz_kind kind;
	__u64 data_gpa;
	__u64 entry, exit, iret, fault; /* LHCALL_SET_SYSCALL */
	__u32 ring_tail;
	unsigned int taken; /* records */
	__u64 denied; /* stores that user mode may not make */
};

__u64 fuzz_next(struct fuzz *fuzz);
bool fuzz_one_in(struct fuzz *fuzz, unsigned int n);

/* guest-words.c */

/* fuzz_fill - the run's kind, and all of its memory */
void fuzz_fill(struct fuzz *fuzz);

/* fuzz_number - one of the sort that matters */
__u64 fuzz_number(struct fuzz *fuzz);

/* fuzz_regs - registers to start the run with */
void fuzz_regs(struct fuzz *fuzz, struct lg_regs *ret_regs);

/* guest-events.c */

/* fuzz_events - what the host remembers of the guest, once that is prepared */
void fuzz_events(struct fuzz *fuzz);

/* fuzz_scribble - on what the host reads, in some of the runs */
void fuzz_scribble(struct fuzz *fuzz);
void fuzz_scribble_end(void);

#endif /* GUEST_FUZZ_H */
