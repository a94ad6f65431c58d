// SPDX-License-Identifier: GPL-2.0-only
/*
 * made_kernel.c - a kernel for a boot loader, made for tests of lguest-graft
 *
 * As a program it writes one:
 *
 *	made-kernel FILE [release=R] [banner=R] [packer=P] [order=new]
 *		[symbols=no] [xen=no] [btf=no]
 */
#include <elf.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "made_kernel.h"

#define ROOM      0x40000 /* of the segment */
#define AT        0x1000 /* of it in the ELF */
#define BTF_AT    0x1000 /* of the types in it */
#define TABLES_AT 0x2000
#define SETUP     0x600 /* two sectors of setup, and the first */

/* ---- a buffer that is filled from the left ---- */

struct fill {
	uint8_t *data;
	size_t used;
};

static void put(struct fill *fill, const void *data, size_t bytes)
{
	memcpy(fill->data + fill->used, data, bytes);
	fill->used += bytes;
}

static void put32(struct fill *fill, uint32_t value)
{
	put(fill, &value, sizeof(value));
}

static void align(struct fill *fill)
{
	while (fill->used % 8)
		fill->data[fill->used++] = 0;
}

/* ---- symbols ---- */

static const struct {
	const char *name; /* its type before it */
	uint64_t address;
} named[] = {
	{ "T_text", MADE_TEXT },
	{ "Txen_start_kernel", MADE_TEXT + 0x20 },
	{ "Tmade_code", MADE_TEXT + MADE_CODE },
	{ "Rlinux_banner", MADE_TEXT + MADE_BANNER },
	{ "R__start_BTF", MADE_TEXT + BTF_AT },
	{ "R__stop_BTF", 0 }, /* when it is known */
	{ "D__per_cpu_load", MADE_TEXT + 0x3000 },
	{ "Amade_percpu", 0x340 },
	{ "T__x86_return_thunk", MADE_TEXT + 0x30 },
	{ "tmade_twice", MADE_TEXT + 0x100 },
	{ "tmade_twice", MADE_TEXT + 0x110 },
	{ "Tmade_alias", MADE_TEXT + 0x120 },
	{ "Tmade_alias", MADE_TEXT + 0x120 },
};

#define NAMED (sizeof(named) / sizeof(named[0]))

/* Symbol i: those above, one very long one, and many more. */
static void symbol(const struct made_kernel *made, size_t btf, size_t i,
		   char *name, uint64_t *address)
{
	*address = MADE_TEXT + 0x200 + i;
	if (i < NAMED) {
		strcpy(name, named[i].name);
		*address = named[i].address ? named[i].address
					    : MADE_TEXT + BTF_AT + btf;
	} else {
		sprintf(name, "Tf%04zu", i);
	}
	if (i == NAMED)
		sprintf(name, "T%0*d", MADE_LONG, 0);
	if (i < NAMED && ((made->no_xen && strstr(name, "xen_")) ||
			  (made->no_btf && strstr(name, "BTF"))))
		sprintf(name, "Tg%04zu", i);
}

/* Characters stand for themselves; one token is a piece of a name. */
static void token(unsigned int c, char *text)
{
	text[0] = c > ' ' && c < 0x7f ? (char)c : '\0';
	text[1] = '\0';
	if (c == 1)
		strcpy(text, "made_");
}

static void put_name(struct fill *fill, const char *name)
{
	uint8_t codes[MADE_LONG + 8];
	size_t n = 0;

	while (*name) {
		if (!strncmp(name, "made_", 5)) {
			codes[n++] = 1;
			name += 5;
		} else {
			codes[n++] = (uint8_t)*name++;
		}
	}
	if (n < 0x80) {
		put(fill, &(uint8_t){ (uint8_t)n }, 1);
	} else {
		put(fill, &(uint8_t){ (uint8_t)(n | 0x80) }, 1);
		put(fill, &(uint8_t){ (uint8_t)(n >> 7) }, 1);
	}
	put(fill, codes, n);
}

static void put_names(struct fill *fill, const struct made_kernel *made,
		      size_t btf)
{
	uint32_t markers[MADE_COUNT / 256 + 1];
	char name[MADE_LONG + 8];
	size_t i, start;
	uint64_t address;

	align(fill);
	put32(fill, MADE_COUNT);
	align(fill);
	start = fill->used;
	for (i = 0; i < MADE_COUNT; i++) {
		if (i % 256 == 0)
			markers[i / 256] = (uint32_t)(fill->used - start);
		symbol(made, btf, i, name, &address);
		put_name(fill, name);
	}
	align(fill);
	put(fill, markers, (MADE_COUNT + 255) / 256 * sizeof(markers[0]));
}

static void put_tokens(struct fill *fill)
{
	uint16_t index[256];
	char text[8];
	unsigned int i;
	size_t start;

	align(fill);
	start = fill->used;
	for (i = 0; i < 256; i++) {
		index[i] = (uint16_t)(fill->used - start);
		token(i, text);
		put(fill, text, strlen(text) + 1);
	}
	align(fill);
	put(fill, index, sizeof(index));
}

static void put_offsets(struct fill *fill, const struct made_kernel *made,
			size_t btf)
{
	char name[MADE_LONG + 8];
	const uint64_t base = MADE_TEXT;
	uint64_t address;
	size_t i;

	align(fill);
	for (i = 0; i < MADE_COUNT; i++) {
		symbol(made, btf, i, name, &address);
		put32(fill, (uint32_t)(address < MADE_TEXT
					       ? address
					       : MADE_TEXT - 1 - address));
	}
	align(fill);
	put(fill, &base, sizeof(base));
}

static void put_symbols(struct fill *fill, const struct made_kernel *made,
			size_t btf)
{
	if (!made->new_order)
		put_offsets(fill, made, btf);
	put_names(fill, made, btf);
	put_tokens(fill);
	if (made->new_order)
		put_offsets(fill, made, btf);
}

/* ---- types ---- */

static struct fill strings, types;
static uint8_t string_data[1024], type_data[2048];

static uint32_t string(const char *text)
{
	uint32_t at = (uint32_t)strings.used;

	put(&strings, text, strlen(text) + 1);
	return at;
}

static void type(const char *name, uint32_t kind, uint32_t n, uint32_t to)
{
	put32(&types, string(name));
	put32(&types, kind << 24 | n);
	put32(&types, to);
}

static void member(const char *name, uint32_t to, uint32_t offset)
{
	put32(&types, string(name));
	put32(&types, to);
	put32(&types, offset);
}

static void param(uint32_t to)
{
	put32(&types, 0);
	put32(&types, to);
}

enum {
	INT = 1,
	CHAR,
	LONG,
	CONST_CHAR,
	CONST_TEXT,
	TEXT,
	INNER,
	OUTER,
	EITHER,
	ROW,
	UNSIGNED,
	U32,
	ENUM,
	PROTO,
	OUTER_POINTER,
	ODD_PROTO,
	GIVER,
	GIVER_POINTER,
	TEXT_CONST,
	LOOP,
	POOL,
	VAR
};

static void put_data_types(void)
{
	type("int", BTF_KIND_INT, 0, 4);
	put32(&types, 32);
	type("char", BTF_KIND_INT, 0, 1);
	put32(&types, 8);
	type("long int", BTF_KIND_INT, 0, 8);
	put32(&types, 64);
	type("", BTF_KIND_CONST, 0, CHAR);
	type("", BTF_KIND_PTR, 0, CONST_CHAR);
	type("", BTF_KIND_PTR, 0, CHAR);
	type("made_inner", BTF_KIND_STRUCT, 2, 8);
	member("x", INT, 0);
	member("y", INT, 32);
	type("made_outer", BTF_KIND_STRUCT, 4, 40);
	member("first", INT, 0);
	member("in", INNER, 32);
	member("", EITHER, 128);
	member("row", ROW, 192);
	type("", BTF_KIND_UNION, 2, 8);
	member("word", LONG, 0);
	member("text", TEXT, 0);
	type("", BTF_KIND_ARRAY, 0, 0);
	put32(&types, INT);
	put32(&types, INT);
	put32(&types, 3);
	type("unsigned int", BTF_KIND_INT, 0, 4);
	put32(&types, 32);
	type("u32", BTF_KIND_TYPEDEF, 0, UNSIGNED);
	type("made_enum", BTF_KIND_ENUM, 1, 4);
	put32(&types, string("MADE_ENUM"));
	put32(&types, 0);
}

static void put_other_types(void)
{
	type("", BTF_KIND_FUNC_PROTO, 3, INT);
	param(CONST_TEXT);
	param(OUTER_POINTER);
	param(U32);
	type("", BTF_KIND_PTR, 0, OUTER);
	type("", BTF_KIND_FUNC_PROTO, 4, 0);
	param(GIVER_POINTER);
	param(TEXT_CONST);
	param(ENUM);
	param(0);
	type("", BTF_KIND_FUNC_PROTO, 0, INT);
	type("", BTF_KIND_PTR, 0, GIVER);
	type("", BTF_KIND_CONST, 0, TEXT);
	type("made_loop", BTF_KIND_TYPEDEF, 0, POOL);
	type("made_pool", BTF_KIND_TYPEDEF, 0, LOOP);
	type("made_percpu", BTF_KIND_VAR, 0, OUTER);
	put32(&types, 1);
	type(".data..percpu", BTF_KIND_DATASEC, 1, 0);
	member("", 0, 0); /* three words: type, offset, size */
	memcpy(types.data + types.used - 12, &(uint32_t[]){ VAR, 0x340, 40 },
	       12);
	type("made_function", BTF_KIND_FUNC, 0, PROTO);
	type("made_odd", BTF_KIND_FUNC, 0, ODD_PROTO);
}

size_t made_btf(uint8_t *btf, size_t len)
{
	struct btf_header header = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(header),
	};
	struct fill all = { btf, 0 };

	strings = (struct fill){ string_data, 0 };
	types = (struct fill){ type_data, 0 };
	string("");
	put_data_types();
	put_other_types();
	header.type_len = (uint32_t)types.used;
	header.str_off = header.type_len;
	header.str_len = (uint32_t)strings.used;
	if (sizeof(header) + types.used + strings.used > len)
		abort();
	put(&all, &header, sizeof(header));
	put(&all, types.data, types.used);
	put(&all, strings.data, strings.used);
	return all.used;
}

/* ---- the ELF, and what is around it ---- */

void made_elf(struct made_kernel *made)
{
	const Elf64_Ehdr header = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_phoff = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
	};
	const Elf64_Phdr segment = {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = AT,
		.p_vaddr = MADE_TEXT,
		.p_paddr = MADE_TEXT - 0xffffffff80000000,
		.p_filesz = ROOM,
		.p_memsz = ROOM + 0x1000,
	};
	struct fill fill = { NULL, TABLES_AT };
	size_t btf, i;

	made->release = made->release ? made->release : "6.1.0-0-made";
	made->elf_bytes = AT + ROOM;
	made->elf = calloc(1, made->elf_bytes);
	if (!made->elf)
		abort();
	memcpy(made->elf, &header, sizeof(header));
	memcpy(made->elf + sizeof(header), &segment, sizeof(segment));
	fill.data = made->elf + AT;
	for (i = 0; i < 16; i++)
		fill.data[MADE_CODE + i] = (uint8_t)(0xc0 + i);
	sprintf((char *)fill.data + MADE_BANNER, "Linux version %.60s (made)",
		made->banner ? made->banner : made->release);
	btf = made_btf(fill.data + BTF_AT, TABLES_AT - BTF_AT);
	if (!made->no_symbols)
		put_symbols(&fill, made, btf);
}

static size_t pack_gzip(const struct made_kernel *made, uint8_t *to,
			size_t room)
{
	z_stream stream = {
		.next_in = made->elf,
		.avail_in = (uInt)made->elf_bytes,
		.next_out = to,
		.avail_out = (uInt)room,
	};

	if (deflateInit2(&stream, 1, Z_DEFLATED, MAX_WBITS + 16, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK ||
	    deflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	deflateEnd(&stream);
	return stream.total_out - 4; /* its last word is put by our caller */
}

static size_t pack(const struct made_kernel *made, uint8_t *to, size_t room)
{
	const char *packer = made->packer ? made->packer : "lz4";
	uint32_t block;
	size_t n = 0;

	if (!strcmp(packer, "gzip"))
		return pack_gzip(made, to, room);
	if (!strcmp(packer, "zstd"))
		return ZSTD_compress(to, room, made->elf, made->elf_bytes, 1);
	if (!strcmp(packer, "xz")) {
		if (lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL,
					    made->elf, made->elf_bytes, to, &n,
					    room) != LZMA_OK)
			abort();
		return n;
	}
	block = (uint32_t)LZ4_compress_default(
		(const char *)made->elf, (char *)to + 8, (int)made->elf_bytes,
		(int)room - 8);
	memcpy(to, "\x02\x21\x4c\x18", 4);
	memcpy(to + 4, &block, 4);
	return 8 + block;
}

static void set(uint8_t *at, uint32_t value, size_t bytes)
{
	memcpy(at, &value, bytes);
}

void made_pack(struct made_kernel *made)
{
	size_t room = made->elf_bytes * 2 + 4096, n;

	made->file = calloc(1, SETUP + room);
	if (!made->file)
		abort();
	n = pack(made, made->file + SETUP, room);
	set(made->file + SETUP + n, (uint32_t)made->elf_bytes, 4);
	made->bytes = SETUP + n + 4;
	made->file[0x1f1] = 2;
	memcpy(made->file + 0x202, "HdrS", 4);
	set(made->file + 0x206, 0x20f, 2);
	set(made->file + 0x20e, 0x300 - 0x200, 2);
	set(made->file + 0x236, 1, 2);
	set(made->file + 0x248, 0, 4);
	set(made->file + 0x24c, (uint32_t)n + 4, 4);
	sprintf((char *)made->file + 0x300, "%.80s (made) #1", made->release);
}

void made_free(struct made_kernel *made)
{
	free(made->elf);
	free(made->file);
	*made = (struct made_kernel){ .elf = NULL };
}

#ifdef MADE_KERNEL_PROGRAM
static const char *word(const char *argument, const char *key)
{
	size_t n = strlen(key);

	return !strncmp(argument, key, n) ? argument + n : NULL;
}

int main(int argc, char **argv)
{
	struct made_kernel made = { .elf = NULL };
	const char *value;
	FILE *file;
	int i;

	for (i = 2; i < argc; i++) {
		if ((value = word(argv[i], "release=")))
			made.release = value;
		if ((value = word(argv[i], "banner=")))
			made.banner = value;
		if ((value = word(argv[i], "packer=")))
			made.packer = value;
		made.new_order |= !strcmp(argv[i], "order=new");
		made.no_symbols |= !strcmp(argv[i], "symbols=no");
		made.no_xen |= !strcmp(argv[i], "xen=no");
		made.no_btf |= !strcmp(argv[i], "btf=no");
	}
	made_elf(&made);
	made_pack(&made);
	file = fopen(argv[1], "we");
	if (!file || fwrite(made.file, 1, made.bytes, file) != made.bytes ||
	    fclose(file))
		return 1;
	made_free(&made);
	return 0;
}
#endif
