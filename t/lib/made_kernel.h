/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * made_kernel.h - a kernel for a boot loader, made for tests of lguest-graft
 *
 * It has all that lguest-graft looks at and nothing else: a boot header, a packed
 * ELF of one segment, some symbols in either order, some types.  Tests spoil one
 * of these and see what is said.
 */
#ifndef MADE_KERNEL_H
#define MADE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MADE_TEXT   0xffffffff81000000ULL
#define MADE_CODE   0x40 /* offset of made_code, 16 bytes 0xc0 0xc1 ... */
#define MADE_BANNER 0x800
#define MADE_COUNT  1200 /* symbols */
#define MADE_LONG   300 /* characters of the longest name */

struct made_kernel {
	const char *release; /* NULL: 6.1.0-0-made */
	const char *banner; /* the release it has inside; NULL: the same */
	const char *packer; /* xz, zstd, lz4, gzip; NULL: lz4 */
	bool new_order; /* of its symbols, as since 6.5 */
	bool no_symbols, no_xen, no_btf;
	/* what is made: the ELF as it is packed, and all of it */
	uint8_t *elf, *file;
	size_t elf_bytes, bytes;
};

/* made_elf, made_pack - in this order, that the ELF can be spoiled between */
void made_elf(struct made_kernel *made);
void made_pack(struct made_kernel *made);
void made_free(struct made_kernel *made);

/*
 * made_btf - the types in it; returns their size, and at most len are written
 *
 *	struct made_inner { int x; int y; };
 *	struct made_outer { int first; struct made_inner in;
 *			    union { long word; char *text; }; int row[3]; };
 *	typedef unsigned int u32;
 *	enum made_enum { MADE_ENUM };
 *	int made_function(const char *, struct made_outer *, u32);
 *	void made_odd(int (*)(void), char * const, enum made_enum, ...);
 *	typedef made_loop made_pool; typedef made_pool made_loop;
 *	per CPU: struct made_outer made_percpu;
 */
size_t made_btf(uint8_t *btf, size_t len);

#endif /* MADE_KERNEL_H */
