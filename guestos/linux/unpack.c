// SPDX-License-Identifier: GPL-2.0-only
/*
 * unpack.c - four ways to pack a kernel
 *
 * A distribution chooses one when it configures its kernel: Debian's are xz and
 * lz4 in version 6.1, and zstd in 6.12.  The last four bytes of what was packed
 * are the size of what comes out; that is how much room is made, never more
 * than a kernel can have, and it must come out to the byte.
 *
 * Next: guestos/linux/kallsyms.c
 */
#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "tool.h"

#define KERNEL_MAX  (512u << 20) /* KERNEL_IMAGE_SIZE, the smaller one */
#define SIZE_BYTES  4
#define XZ_MEMORY   (256ULL << 20) /* a dictionary has 128 MiB at most here */
#define MAGIC(text) text, sizeof(text) - 1

/* Each puts at most to->size bytes there and sets that to what it put. */
static bool unpack_xz(const uint8_t *from, size_t bytes, struct bytes *to)
{
	uint64_t memory = XZ_MEMORY;
	size_t in = 0, out = 0;
	lzma_ret r = lzma_stream_buffer_decode(&memory, 0, NULL, from, &in,
					       bytes, to->data, &out, to->size);

	to->size = out;
	return r == LZMA_OK;
}

static bool unpack_zstd(const uint8_t *from, size_t bytes, struct bytes *to)
{
	size_t n = ZSTD_decompress(to->data, to->size, from, bytes);

	if (ZSTD_isError(n))
		return false;
	to->size = n;
	return true;
}

/* The legacy format: no frame, but blocks that begin with their size. */
static bool unpack_lz4(const uint8_t *from, size_t bytes, struct bytes *to)
{
	size_t at = SIZE_BYTES, out = 0;
	uint32_t block;
	int n;

	while (at + sizeof(block) <= bytes) {
		memcpy(&block, from + at, sizeof(block));
		at += sizeof(block);
		if (block > bytes - at)
			return false;
		n = LZ4_decompress_safe((const char *)from + at,
					(char *)to->data + out, (int)block,
					(int)(to->size - out));
		if (n < 0)
			return false;
		at += block;
		out += (size_t)n;
	}
	to->size = out;
	return at == bytes;
}

/* gzip has the size as its own last word, so here it belongs to the input. */
static bool unpack_gzip(const uint8_t *from, size_t bytes, struct bytes *to)
{
	z_stream stream = {
		.next_in = (z_const Bytef *)(uintptr_t)from,
		.avail_in = (uInt)(bytes + SIZE_BYTES),
		.next_out = to->data,
		.avail_out = (uInt)to->size,
	};
	int r;

	if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK)
		return false;
	r = inflate(&stream, Z_FINISH);
	to->size = stream.total_out;
	inflateEnd(&stream);
	return r == Z_STREAM_END;
}

/* Those without a function are known, and refused by their name. */
static const struct packer {
	const char *magic;
	size_t bytes;
	const char *name;
	bool (*unpack)(const uint8_t *from, size_t bytes, struct bytes *to);
} packers[] = {
	{ MAGIC("\xfd"
		"7zXZ\0"),
	  "xz", unpack_xz },
	{ MAGIC("\x28\xb5\x2f\xfd"), "zstd", unpack_zstd },
	{ MAGIC("\x02\x21\x4c\x18"), "lz4", unpack_lz4 },
	{ MAGIC("\x1f\x8b\x08"), "gzip", unpack_gzip },
	{ MAGIC("BZh"), "bzip2", NULL },
	{ MAGIC("\x5d\0\0"), "lzma", NULL },
	{ MAGIC("\x89LZO"), "lzo", NULL },
	{ MAGIC(ELFMAG), "nothing", NULL },
};

static const struct packer *packer_of(const uint8_t *from, size_t bytes)
{
	size_t i;

	for (i = 0; i < sizeof(packers) / sizeof(packers[0]); i++) {
		if (bytes >= packers[i].bytes &&
		    !memcmp(from, packers[i].magic, packers[i].bytes))
			return &packers[i];
	}
	return NULL;
}

const char *unpack_name(const uint8_t *from, size_t bytes)
{
	const struct packer *packer = packer_of(from, bytes);

	return packer ? packer->name : NULL;
}

enum end unpack(const uint8_t *from, size_t bytes, struct bytes *ret_to,
		struct why *why)
{
	const struct packer *packer = packer_of(from, bytes);
	struct bytes to;
	uint32_t size;

	if (!packer)
		return why_say(why, END_REFUSED,
			       "a kernel that is packed in some unknown way "
			       "(it begins with %02x %02x %02x %02x), or a "
			       "damaged one",
			       from[0], from[1], from[2], from[3]);
	if (!packer->unpack)
		return why_say(
			why, END_REFUSED,
			"a kernel packed with %s; xz, zstd, lz4 and gzip "
			"can be unpacked here",
			packer->name);
	memcpy(&size, from + bytes - SIZE_BYTES, sizeof(size));
	if (!size || size > KERNEL_MAX)
		return why_say(why, END_REFUSED,
			       "a damaged kernel: unpacked it would have %u "
			       "bytes",
			       size);
	to.size = size;
	to.data = malloc(to.size);
	if (!to.data)
		return why_say(why, END_FAILED, "no memory");
	if (packer->unpack(from, bytes - SIZE_BYTES, &to) && to.size == size) {
		*ret_to = to;
		return END_DONE;
	}
	free(to.data);
	return why_say(why, END_REFUSED,
		       "a damaged kernel: its %s data (%zu bytes) cannot be "
		       "unpacked; install its package again",
		       packer->name, bytes);
}
