/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tool.h - what the files of lguest-graft share, in the order of its work
 *
 * A function that can fail returns END_DONE, or what to exit with and leaves
 * one sentence.  The program's name and the image's are put before it elsewhere.
 */
#ifndef TOOL_H
#define TOOL_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/graft.h"

#define WHY_BYTES     600
#define RELEASE_BYTES GRAFT_RELEASE_BYTES
#define SEGMENTS_MAX  16 /* of a kernel; Linux has five */

/* Where a kernel lives: physical address 0, and the first module. */
#define KERNEL_MAP     0xffffffff80000000ULL
#define KERNEL_MAP_END 0xffffffffc0000000ULL

/* How lguest-graft ends. */
enum end {
	END_DONE = 0, /* made, or it was there already */
	END_FAILED = 1, /* this machine's fault: no room, no permission */
	END_USAGE = 2,
	END_REFUSED = 3, /* the image's: it cannot be a guest */
	END_LACKING = 4, /* something is to be installed first */
	END_UNMADE = 5, /* -n: it would have to be made */
};

struct why {
	char text[WHY_BYTES];
};

/* ---- why.c: one sentence, and one file as a whole ---- */

/* why_say - leave the sentence; returns end */
enum end why_say(struct why *why, enum end end, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

struct bytes {
	uint8_t *data;
	size_t size;
};

/* bytes_read - a plain file, copied once; END_FAILED if it cannot be */
enum end bytes_read(struct bytes *bytes, const char *path, size_t max,
		    struct why *why);
void bytes_free(struct bytes *bytes);

/* bytes_have - size bytes at `at` are there */
bool bytes_have(const struct bytes *bytes, uint64_t at, uint64_t size);

/* bytes_string - the string at `at` if it ends where they do, or NULL */
const char *bytes_string(const struct bytes *bytes, uint64_t at);

/* ---- image.c: the file that a boot loader would load, and the ELF in it ---- */

struct image {
	struct bytes file; /* the bzImage */
	size_t payload, payload_bytes; /* in it */
	char release[RELEASE_BYTES]; /* fit for a path: no slash, no space */
	struct bytes elf; /* what was packed in it */
	Elf64_Phdr segments[SEGMENTS_MAX]; /* those to be loaded */
	unsigned int count;
	uint64_t text; /* the kernel's first virtual address */
	uint64_t end; /* behind its last, on a 2 MiB boundary */
};

/* image_open - is this a kernel, and which; nothing is unpacked yet */
enum end image_open(struct image *image, const char *path, struct why *why);

/* image_unpack - the ELF in it, all its numbers checked */
enum end image_unpack(struct image *image, struct why *why);
void image_close(struct image *image);

/* image_at - size bytes of the kernel at a virtual address, or NULL */
uint8_t *image_at(const struct image *image, uint64_t address, uint64_t size);

/* ---- unpack.c: four ways to pack a kernel ---- */

/* unpack_name - "xz"; NULL: nothing we know */
const char *unpack_name(const uint8_t *from, size_t bytes);
enum end unpack(const uint8_t *from, size_t bytes, struct bytes *ret_to,
		struct why *why);

/* ---- kallsyms.c: the symbols that the kernel carries for itself ---- */

struct symbol {
	uint64_t address;
	uint32_t name; /* in names */
	char type; /* as nm says it */
};

struct symbols {
	struct symbol *list; /* by name, then address */
	size_t count;
	struct bytes names;
};

enum end symbols_read(struct symbols *symbols, const struct image *image,
		      struct why *why);
void symbols_free(struct symbols *symbols);

enum symbols_found {
	SYMBOL_NONE,
	SYMBOL_ONE,
	SYMBOL_MANY
};

/* symbols_find - MANY: that name is at several addresses */
enum symbols_found symbols_find(const struct symbols *symbols, const char *name,
				uint64_t *ret_address);

/* symbols_near - "xen_iret+0x4", for people */
const char *symbols_near(const struct symbols *symbols, uint64_t address,
			 char *buf, size_t len);

/* ---- btf.c: the types that it carries for itself ---- */

struct btf {
	struct bytes types, strings;
	uint32_t *at; /* of type i, in types */
	uint32_t count; /* type 0 is void and counts */
};

enum end btf_read(struct btf *btf, const uint8_t *data, size_t size,
		  struct why *why);
void btf_free(struct btf *btf);

/* btf_find - the next type of that name and kind after `after`; 0: no more */
uint32_t btf_find(const struct btf *btf, const char *name, uint32_t kind,
		  uint32_t after);

/* btf_size - false: it has none, or none that makes sense */
bool btf_size(const struct btf *btf, uint32_t type, uint64_t *ret_bytes);

struct btf_place {
	uint32_t type;
	uint64_t offset;
};

/* btf_member - "oem.arch_setup" of a structure; true: there it is */
bool btf_member(const struct btf *btf, uint32_t type, const char *path,
		struct btf_place *ret);

/* btf_percpu - the bytes of a per-CPU variable; 0: there is none */
uint32_t btf_percpu(const struct btf *btf, const char *name);

/* btf_spell - a type as C has it; false: it does not fit or makes no sense */
bool btf_spell(const struct btf *btf, uint32_t type, char *buf, size_t len);

/* ---- check.c: what the port takes for granted is so ---- */

/* check_all - the first row that is not so is told */
enum end check_all(const struct btf *btf, const struct graft_check *rows,
		   size_t count, struct why *why);

/* ---- object.c: ELF files that our own compiler and linker made ---- */

struct object {
	struct bytes file;
	const Elf64_Shdr *sections;
	unsigned int count;
	const Elf64_Sym *symbols;
	size_t symbol_count;
	struct bytes strings; /* of symbols; part of file */
};

enum end object_read(struct object *object, const char *path, struct why *why);
void object_close(struct object *object);

/* object_section - its bytes; NULL: there is none of that name */
const uint8_t *object_section(const struct object *object, const char *name,
			      size_t *ret_bytes);

/* object_undefined - the name of symbol i if it is to be found elsewhere */
const char *object_undefined(const struct object *object, size_t i);

/* ---- headers.c: the kernel's headers and its compiler ---- */

struct headers {
	char path[256];
	char compiler[64];
};

/* headers_find - those of that kernel; wanted NULL: wherever they belong */
enum end headers_find(struct headers *headers, const char *release,
		      const char *wanted, struct why *why);

/* ---- build.c: the port, compiled ---- */

struct build {
	char folder[256]; /* ours, and gone when we end */
	const char *port, *abi; /* its sources, and <lguest/...> */
	bool quiet;
};

/* build_knows - has the port been made to fit that kernel's version? */
enum end build_knows(const struct build *build, const char *release,
		     struct why *why);

enum end build_begin(struct build *build, struct why *why);
void build_end(struct build *build);

/* build_port - FOLDER/.../port.o, whose path is put in ret */
enum end build_port(const struct build *build, const struct headers *headers,
		    char *ret, size_t len, struct why *why);

/* build_run - a program with its words in a log, shown if it fails */
enum end build_run(const struct build *build, const char *const *argv,
		   const char *what, struct why *why);

/* ---- link.c: kernel and port become one ---- */

struct graft {
	struct image *image;
	const struct symbols *symbols;
	struct object port; /* linked */
	uint64_t entry; /* physical */
};

/* link_port - FOLDER/port.elf, with the kernel's addresses in it */
enum end link_port(struct graft *graft, const struct build *build,
		   const char *object, struct why *why);

/* link_check - the port's own table against image, types and release */
enum end link_check(struct graft *graft, struct why *why);

/* ---- detour.c: the kernel's text, changed as the port asks ---- */

enum end detour_all(const struct graft *graft, struct why *why);

/* ---- key.c: has all this been put together before ---- */

/* key_of - one number for all that a graft is made of, never 0 */
enum end key_of(const struct image *image, const struct headers *headers,
		const struct build *build, uint64_t *ret_key, struct why *why);

/* ---- write.c: the one file that lguest-run loads ---- */

/* write_graft - whole or not at all, with key in a note */
enum end write_graft(const struct graft *graft, const char *path, uint64_t key,
		     struct why *why);

/* write_key - of a graft that is there; 0: none, or not one of ours */
uint64_t write_key(const char *path);

#endif /* TOOL_H */
