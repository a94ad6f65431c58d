// SPDX-License-Identifier: GPL-2.0-only
/*
 * graft.c - kernels that make no sense, for lguest-graft
 *
 * A made kernel, spoilt before it is packed or after, at places that hurt: its
 * headers, its tables of symbols, its types.  Whatever becomes of it, what is
 * read is in it, and what is asked of it has an end; the sanitizers watch.  If it
 * is refused there is a sentence.  A seed is said when that failed.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/made_kernel.h"
#include "tap.h"
#include "tool.h"

#define TABLES 0x2000 /* where they begin in the ELF: types, then symbols */
#define ENDED  0x9000 /* and end */

static uint64_t seed;
static struct why why;

static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint64_t nasty(void)
{
	static const uint64_t numbers[] = {
		0,
		1,
		~0ULL,
		1ULL << 63,
		1ULL << 31,
		0x7fffffff,
		MADE_TEXT,
		0xffffffff80000000,
		0xffffffffbfffffff,
		0x1000,
		MADE_COUNT,
		0x41000,
		0x40000,
		0xff,
		0x80,
		0x20000000,
		0x0f000001,
	};

	return numbers[next() % (sizeof(numbers) / sizeof(numbers[0]))] +
	       (next() % 4 ? 0 : next() % 16);
}

/* A few numbers of 1 to 8 bytes, between two places. */
static void spoil(uint8_t *data, size_t from, size_t to)
{
	unsigned int times = 1 + (unsigned int)(next() % 4);
	uint64_t value;
	size_t bytes, at;

	while (times--) {
		value = next() % 2 ? nasty() : next();
		bytes = 1ULL << next() % 4;
		at = from + next() % (to - from - bytes);
		if (next() % 2)
			at &= ~(bytes - 1);
		memcpy(data + at, &value, bytes);
	}
}

/* Everything that is asked of a kernel before the port is looked at. */
static enum end read_kernel(struct image *image)
{
	struct graft_check row = { .kind = GRAFT_MEMBER,
				   .name = "struct made_outer",
				   .text = "in.y" };
	struct symbols symbols;
	uint64_t start, stop;
	const uint8_t *types;
	char text[80];
	struct btf btf;
	enum end end = symbols_read(&symbols, image, &why);

	if (end == END_DONE) {
		symbols_near(&symbols, next(), text, sizeof(text));
		types = symbols_find(&symbols, "__start_BTF", &start) ==
						SYMBOL_ONE &&
					symbols_find(&symbols, "__stop_BTF",
						     &stop) == SYMBOL_ONE &&
					stop > start
				? image_at(image, start, stop - start)
				: NULL;
		if (types)
			end = btf_read(&btf, types, stop - start, &why);
		if (types && end == END_DONE) {
			for (row.kind = 1; row.kind <= 5; row.kind++)
				check_all(&btf, &row, 1, &why);
			for (uint32_t i = 0; i <= btf.count; i++)
				btf_spell(&btf, i, text, sizeof(text));
			btf_free(&btf);
		}
	}
	symbols_free(&symbols);
	return end;
}

static enum end read_file(const struct made_kernel *made, size_t bytes)
{
	struct image image;
	char path[40];
	int fd = memfd_create("kernel", MFD_CLOEXEC);
	enum end end;

	if (fd < 0 || write(fd, made->file, bytes) != (ssize_t)bytes)
		bail_out("memfd");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	end = image_open(&image, path, &why);
	close(fd);
	if (end != END_DONE)
		return end;
	end = image_unpack(&image, &why);
	if (end == END_DONE)
		end = read_kernel(&image);
	image_close(&image);
	return end;
}

static int try_one(uint64_t number, unsigned int *read)
{
	static const char *const packers[] = { "lz4", "lz4", "lz4", "zstd",
					       "gzip" };
	struct made_kernel made = { .packer = NULL };
	enum end end;
	size_t bytes;

	seed = number * 0x9e3779b97f4a7c15 + 1;
	made.packer = packers[next() % 5];
	made.new_order = next() % 2;
	made_elf(&made);
	if (next() % 4)
		spoil(made.elf, TABLES, ENDED);
	if (next() % 4 == 0)
		spoil(made.elf, 0, 0x80);
	made_pack(&made);
	bytes = made.bytes;
	if (next() % 4 == 0)
		spoil(made.file, 0x1f0, 0x700);
	if (next() % 8 == 0)
		bytes = next() % (made.bytes + 1);
	strcpy(why.text, "");
	end = read_file(&made, bytes);
	made_free(&made);
	*read += end == END_DONE;
	if (end == END_DONE || *why.text)
		return 1;
	diag("seed %llu: refused without a word", (unsigned long long)number);
	return 0;
}

int main(void)
{
	const char *text = getenv("GRAFT_RUNS");
	const uint64_t runs = text ? strtoull(text, NULL, 10) : 1000;
	unsigned int read = 0, bad = 0;
	uint64_t i;

	for (i = 0; i < runs && bad < 10; i++)
		bad += !try_one(i, &read);
	is(bad, 0, "%llu kernels: each is read or refused with a sentence",
	   (unsigned long long)runs);
	ok(read > runs / 20 && read < runs,
	   "some of them can be read, and others cannot");
	diag("%u of them could be read", read);
	return tap_end();
}
