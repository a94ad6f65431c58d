/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * graft.h - what the port tells lguest-graft about itself
 *
 * The port is compiled for one kernel, against that kernel's headers, and then
 * linked with an image of it that nobody compiled here.  What it takes for
 * granted about the image is therefore written down in it, as rows of tables
 * that lguest-graft reads and no guest ever sees:
 *
 *	.lguest.port	one struct graft_port: for which kernel, where it begins
 *	.lguest.check	structures and functions that the image must have, too
 *	.lguest.detour	places of the image that shall lead to the port
 *
 * The port's Kbuild makes one object of it, port.o (`make -C HEADERS M=FOLDER
 * port.o`; modpost never sees it).  What it needs of the kernel is simply
 * undefined there: functions, variables, per-CPU variables, init_per_cpu__NAME.
 * What would need somebody to read a table of the port's at boot is refused when
 * it is linked: initcalls, exception tables, BUG and WARN, per-CPU variables of
 * its own, exports.
 *
 * Must never happen: a row's layout changes and GRAFT_VERSION does not.
 *
 * Next: guestos/linux/port/entry.S
 */
#ifndef GRAFT_H
#define GRAFT_H

#include <linux/types.h>

#define GRAFT_VERSION        1
#define GRAFT_RELEASE_BYTES  72
#define GRAFT_NAME_BYTES     64
#define GRAFT_TEXT_BYTES     160
#define GRAFT_EXPECTED_BYTES 16
#define GRAFT_JUMP_BYTES     5 /* of `jmp` and of `call` */

/* Exactly one: GRAFT_PORT. */
struct graft_port {
	__u32 version; /* GRAFT_VERSION */
	__u32 reserved;
	__u64 entry; /* the first instruction, a virtual address */
	char release[GRAFT_RELEASE_BYTES]; /* what `uname -r` says there */
};

enum graft_detour_kind {
	GRAFT_JUMP = 1, /* `jmp to`, and int3 for what is left of `bytes` */
	GRAFT_CALL = 2, /* `call to`, and nop for what is left */
	GRAFT_BYTES = 3, /* a copy of the `bytes` bytes at `to` */
};

struct graft_detour {
	__u64 at; /* in the kernel */
	__u64 to; /* in the port */
	__u32 kind;
	__u32 bytes; /* that are replaced */
	__u32 expected_bytes; /* as many must be there before, as follow */
	__u8 expected[GRAFT_EXPECTED_BYTES];
	__u32 reserved;
};

enum graft_check_kind {
	GRAFT_TYPE = 1, /* `name` is a type of `bytes` bytes */
	GRAFT_MEMBER = 2, /* ... whose member `text` is there, and so large */
	GRAFT_PERCPU = 3, /* per-CPU variable `name` has that many, or more */
	GRAFT_FUNCTION = 4, /* function `name` has the type `text` */
};

struct graft_check {
	__u32 kind;
	__u32 offset, bytes;
	__u32 reserved;
	char name[GRAFT_NAME_BYTES];
	char text[GRAFT_TEXT_BYTES];
};

#ifdef __KERNEL__
/*
 * For the port.  Each of these stands alone, ends with a semicolon, and may be
 * in any C file.  Code before and after a detour is the port's to get right.
 */

/* lguest-graft defines these: whole pages, 2 MiB aligned at the start. */
extern char graft_start[], graft_text_end[], graft_rodata_end[], graft_end[];

#define GRAFT_ROW(type, section)                                             \
	static const struct type __UNIQUE_ID(type) __used __section(section) \
		__aligned(__alignof__(struct type))

/* GRAFT_PORT(lguest_entry): once; needs <generated/utsrelease.h>. */
#define GRAFT_PORT(entry_)                        \
	GRAFT_ROW(graft_port, ".lguest.port") = { \
		.version = GRAFT_VERSION,         \
		.entry = (unsigned long)(entry_), \
		.release = UTS_RELEASE,           \
	}

/* GRAFT_DETOUR(GRAFT_JUMP, xen_iret, 0, lguest_iret, 5, 0x6a, 0x00): the last
 * are what must be there before, as many as matter. */
#define GRAFT_DETOUR(kind_, symbol_, offset_, to_, bytes_, ...)    \
	GRAFT_ROW(graft_detour, ".lguest.detour") = {              \
		.at = (unsigned long)(symbol_) + (offset_),        \
		.to = (unsigned long)(to_),                        \
		.kind = (kind_),                                   \
		.bytes = (bytes_),                                 \
		.expected_bytes = sizeof((__u8[]){ __VA_ARGS__ }), \
		.expected = { __VA_ARGS__ },                       \
	}

/* GRAFT_CHECK(struct x86_init_ops, oem.arch_setup): members of members, too */
#define GRAFT_CHECK(type_, member_)                    \
	GRAFT_ROW(graft_check, ".lguest.check") = {    \
		.kind = GRAFT_MEMBER,                  \
		.offset = offsetof(type_, member_),    \
		.bytes = sizeof_field(type_, member_), \
		.name = #type_,                        \
		.text = #member_,                      \
	}

/* GRAFT_CHECK_TYPE(struct paravirt_patch_template): its size */
#define GRAFT_CHECK_TYPE(type_)                     \
	GRAFT_ROW(graft_check, ".lguest.check") = { \
		.kind = GRAFT_TYPE,                 \
		.bytes = sizeof(type_),             \
		.name = #type_,                     \
	}

/* GRAFT_CHECK_PERCPU(mc_buffer, 512): so much of it is there to be used */
#define GRAFT_CHECK_PERCPU(variable_, bytes_)       \
	GRAFT_ROW(graft_check, ".lguest.check") = { \
		.kind = GRAFT_PERCPU,               \
		.bytes = (bytes_),                  \
		.name = #variable_,                 \
	}

/*
 * GRAFT_CHECK_FUNCTION(void, get_cpu_cap, struct cpuinfo_x86 *): declares it, too,
 * for those that no header declares.  Types are spelt as in BTF, that is, as
 * `bpftool btf dump` shows them: long unsigned int, u64, bool, pte_t *; const
 * comes first; a function without arguments has (void).  Assembly is not in BTF.
 */
#define GRAFT_CHECK_FUNCTION(return_, name_, ...)       \
	extern return_ name_(__VA_ARGS__);              \
	GRAFT_ROW(graft_check, ".lguest.check") = {     \
		.kind = GRAFT_FUNCTION,                 \
		.name = #name_,                         \
		.text = #return_ " (" #__VA_ARGS__ ")", \
	}
#endif /* __KERNEL__ */

#endif /* GRAFT_H */
