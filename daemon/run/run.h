/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * run.h - what the files of lguest-run share, in the order of its life
 *
 * Functions that can fail return 0, or -1 and leave one sentence: `object: what
 * (numbers)`.  The guest's name and the program's are put before it elsewhere.
 */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lguest/guest.h>
#include <lguest/ioctl.h>

#define RUN_WHY_BYTES     500 /* of a sentence in a packet, the end included */
#define RUN_CMDLINE_BYTES 2048 /* of a command line, the NUL included */

struct why {
	char text[RUN_WHY_BYTES];
};

/* How lguest-run ends; lguestd reads the same from waitid(). */
enum run_status {
	RUN_ASKED = 0, /* SIGTERM: others may run the vcpus on */
	RUN_REPORTED = 1, /* it never ran; the packet, if any, says why */
	RUN_USAGE = 2,
	RUN_NO_MEMORY = 3, /* LG_RUN: the host has none left */
	RUN_NO_SLOT = 4, /* LG_RUN: this process has no place for a guest */
	RUN_NO_VM = 5, /* LG_RUN: nobody holds the VM any more */
	RUN_FAILED = 6, /* LG_RUN: anything else */
};

/* What we are told; a descriptor that was not given is -1. */
struct run {
	const char *name;
	const char *user; /* who we become, if we are root */
	uint64_t ram_bytes;
	int report, ram, kernel, initrd, cmdline;
	int vcpus[LG_MAX_VCPUS];
	unsigned int vcpu_count;
	bool resume; /* they have run before: there is nothing to load */
};

/* ---- report.c: the two things that we say ---- */

/* why_say - leave the sentence; -1 */
int why_say(struct why *why, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* report_running, report_error - the packet; -1: nobody is there to read it */
int report_running(const struct run *run);
int report_await_go(const struct run *run); /* -1: nobody says it */
int report_error(const struct run *run, const struct why *why);

/* ---- sandbox.c: all that we may not do ---- */

/* sandbox_enter - no privilege, no other files, few system calls */
int sandbox_enter(const struct run *run, struct why *why);

/* sandbox_tighten - for all threads: LG_RUN, one report, and the end */
int sandbox_tighten(const struct run *run, struct why *why);

/* ---- ram.c: the guest's memory, from outside ---- */

#define RAM_AREAS 160

/* A part of RAM that is taken, and what by. */
struct ram_area {
	uint64_t start, end;
	const char *what;
};

struct ram {
	int fd;
	uint64_t bytes;
	uint64_t top; /* what is from here on is the loader's */
	struct ram_area areas[RAM_AREAS];
	unsigned int area_count;
};

/* A file that somebody else may be changing while we read it. */
struct run_file {
	const char *what; /* "kernel" */
	int fd;
	uint64_t bytes;
};

/* ram_open - all of it zero, and none of it taken */
int ram_open(struct ram *ram, int fd, uint64_t bytes, struct why *why);

/* ram_take - [start, start + bytes) is what's, and nobody else's */
int ram_take(struct ram *ram, const char *what, uint64_t start, uint64_t bytes,
	     struct why *why);

/* ram_write, ram_copy - fill it from memory, or from a part of a file */
int ram_write(const struct ram *ram, uint64_t gpa, const void *from,
	      size_t bytes, struct why *why);
int ram_copy(const struct ram *ram, uint64_t gpa, const struct run_file *file,
	     uint64_t offset, uint64_t bytes, struct why *why);

/* file_open - fd is a regular file that is not empty */
int file_open(struct run_file *file, const char *what, int fd, struct why *why);

/* file_read - these bytes of it, all of them */
int file_read(const struct run_file *file, uint64_t offset, void *to,
	      size_t bytes, struct why *why);

/* ---- kernel.c: an ELF file becomes a kernel in RAM ---- */

int kernel_load(struct ram *ram, int fd, uint64_t *ret_entry, struct why *why);

/* ---- kind.c: a file that is no kernel, and what it is instead ---- */

#define KIND_BYTES 1024 /* of a file's start are enough to tell */

/* kind_say - why a file that starts so is not one that we load */
int kind_say(const uint8_t *head, size_t bytes, struct why *why);

/* ---- boot.c: what a kernel finds when it wakes ---- */

/* boot_reserve - take the places that a kernel must leave alone */
int boot_reserve(struct ram *ram, struct why *why);

/* boot_fill - fill them, and say what vcpu 0 starts with */
int boot_fill(struct ram *ram, const struct run *run, uint64_t entry,
	      struct lg_regs *ret_regs, struct why *why);

/* ---- vcpus.c: a thread for each vcpu ---- */

/* vcpus_start - vcpu 0 gets its registers */
int vcpus_start(const struct run *run, const struct lg_regs *regs,
		struct why *why);

/* vcpus_make - the threads, which wait for vcpus_go() */
int vcpus_make(const struct run *run, struct why *why);
void vcpus_go(void);

#endif /* RUN_H */
