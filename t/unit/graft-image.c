// SPDX-License-Identifier: GPL-2.0-only
/*
 * graft-image.c - a packed kernel is opened, or it is said what it is instead
 *
 * Each refusal has its exact sentence here: it is all that whoever named the
 * wrong file gets to see.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/made_kernel.h"
#include "tap.h"
#include "tool.h"

static struct why why;

/* As from a file, which has no name. */
static enum end open_bytes(struct image *image, const void *data, size_t bytes)
{
	char path[40];
	enum end end;
	int fd = memfd_create("kernel", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes)
		bail_out("memfd");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	strcpy(why.text, "");
	end = image_open(image, path, &why);
	close(fd);
	return end;
}

static void test_packers(void)
{
	static const char *const packers[] = { "xz", "zstd", "lz4", "gzip" };
	struct made_kernel made;
	struct image image;
	size_t i;

	for (i = 0; i < 4; i++) {
		made = (struct made_kernel){ .packer = packers[i] };
		made_elf(&made);
		made_pack(&made);
		is(open_bytes(&image, made.file, made.bytes), END_DONE,
		   "a kernel packed with %s is one", packers[i]);
		is_str(unpack_name(image.file.data + image.payload,
				   image.payload_bytes),
		       packers[i], "which is seen");
		ok(image_unpack(&image, &why) == END_DONE &&
			   image.elf.size == made.elf_bytes &&
			   !memcmp(image.elf.data, made.elf, made.elf_bytes),
		   "and what was packed comes out");
		image_close(&image);
		made_free(&made);
	}
}

static void test_addresses(void)
{
	struct made_kernel made = { .packer = NULL };
	struct image image;

	made_elf(&made);
	made_pack(&made);
	if (open_bytes(&image, made.file, made.bytes) != END_DONE ||
	    image_unpack(&image, &why) != END_DONE)
		bail_out("a good kernel: %s", why.text);
	is_str(image.release, "6.1.0-0-made", "a kernel has a release");
	is(image.text, MADE_TEXT, "a first address");
	is(image.end, MADE_TEXT + 0x200000, "an end, on 2 MiB");
	ok(image_at(&image, MADE_TEXT + MADE_CODE, 16) &&
		   *image_at(&image, MADE_TEXT + MADE_CODE, 16) == 0xc0,
	   "and bytes at its addresses");
	ok(image_at(&image, MADE_TEXT + 0x3ffff, 1) &&
		   !image_at(&image, MADE_TEXT + 0x3ffff, 2) &&
		   !image_at(&image, MADE_TEXT - 1, 1) &&
		   !image_at(&image, MADE_TEXT, ~0ULL) &&
		   !image_at(&image, 0, 1),
	   "but none beyond them");
	image_close(&image);
	made_free(&made);
}

#define TAKE             "; give the vmlinuz of a kernel's package"
#define AT(offset, text) offset, text, sizeof(text) - 1

static void test_others(void)
{
	static const struct {
		size_t offset;
		const char *bytes;
		size_t len;
		const char *said;
	} rows[] = {
		{ AT(0x38, "ARM\x64"),
		  "a kernel for arm64; guests are x86-64" },
		{ AT(4, "zimg"), "a kernel for EFI without a boot header, as "
				 "arm64 has; guests are x86-64" },
		{ AT(0, "\xfd"
			"7zXZ\0"),
		  "packed with xz: a module or an initrd, not a kernel" TAKE },
		{ AT(0, "\x1f\x8b"),
		  "packed with gzip: a module, an initrd or an arm64 "
		  "kernel" TAKE },
		{ AT(0, "\x28\xb5\x2f\xfd"), "packed with zstd: a module or an "
					     "initrd, not a kernel" TAKE },
		{ AT(0, "070701"), "a cpio archive: an initrd" TAKE },
		{ AT(0, "!<arch>\n"),
		  "a package; install it, or give the vmlinuz in it" },
		{ AT(0, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\1\0"),
		  "a kernel module or an object" TAKE },
		{ AT(0, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0"),
		  "an ELF file: a program or a vmlinux" TAKE },
		{ AT(0, "poem"), "not a kernel: no boot header in it (4096 "
				 "bytes)" TAKE },
	};
	static char file[4096];
	struct image image;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(file, 0, sizeof(file));
		memcpy(file + rows[i].offset, rows[i].bytes, rows[i].len);
		is(open_bytes(&image, file, sizeof(file)), END_REFUSED,
		   "it is refused, being");
		is_str(why.text, rows[i].said, "%.50s", rows[i].said);
	}
	is(open_bytes(&image, "x", 1), END_REFUSED, "one byte is no kernel");
	is_str(why.text, "not a kernel: no boot header in it (1 bytes)" TAKE,
	       "and told as such");
	is(image_open(&image, "/", &why), END_REFUSED, "nor is a folder");
	is_str(why.text, "is not a plain file", "which is told, too");
	is(image_open(&image, "/nonexistent", &why), END_FAILED,
	   "nor what is not there");
	is_str(why.text, "No such file or directory", "as errno says it");
}

/* Spoilt: the number of that many bytes at that place becomes value. */
static const struct {
	const char *name;
	size_t at, bytes;
	uint32_t value;
	const char *said;
} headers[] = {
	{ "an old boot protocol", 0x206, 2, 0x20b,
	  "a kernel too old to be a guest: boot protocol 2.11, and 2.12 "
	  "(Linux 3.8) is needed" },
	{ "a 32-bit kernel", 0x236, 2, 0,
	  "a 32-bit kernel; guests are x86-64" },
	{ "a version beyond the file", 0x20e, 2, 0xffff,
	  "a damaged kernel: no version in its boot header" },
	{ "a version that is a path", 0x302, 1, '/',
	  "a damaged kernel: no version in its boot header" },
	{ "a version that is none", 0x300, 1, 'x',
	  "a damaged kernel: no version in its boot header" },
	{ "a payload beyond the file", 0x248, 4, 0xfffffff0, NULL },
	{ "no payload", 0x24c, 4, 3, NULL },
	{ "bzip2", 0x600, 4, 0x68685a42,
	  "a kernel packed with bzip2; xz, zstd, lz4 and gzip can be unpacked "
	  "here" },
	{ "lzma", 0x600, 3, 0x5d,
	  "a kernel packed with lzma; xz, zstd, lz4 and gzip can be unpacked "
	  "here" },
	{ "lzo", 0x600, 4, 0x4f5a4c89,
	  "a kernel packed with lzo; xz, zstd, lz4 and gzip can be unpacked "
	  "here" },
	{ "a kernel that is not packed", 0x600, 4, 0x464c457f,
	  "a kernel packed with nothing; xz, zstd, lz4 and gzip can be "
	  "unpacked "
	  "here" },
	{ "something else", 0x600, 4, 0x04030201,
	  "a kernel that is packed in some unknown way (it begins with 01 02 "
	  "03 04), or a damaged one" },
};

static void test_headers(void)
{
	struct made_kernel made = { .packer = NULL };
	struct image image;
	enum end end;
	size_t i;

	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		made_elf(&made);
		made_pack(&made);
		memcpy(made.file + headers[i].at, &headers[i].value,
		       headers[i].bytes);
		end = open_bytes(&image, made.file, made.bytes);
		if (end == END_DONE) {
			end = image_unpack(&image, &why);
			image_close(&image);
		}
		is(end, END_REFUSED, "%s: refused", headers[i].name);
		if (headers[i].said)
			is_str(why.text, headers[i].said, "%s: told",
			       headers[i].name);
		else
			ok(!strncmp(why.text,
				    "a damaged kernel: it was cut off, or is "
				    "a stub (",
				    48),
			   "%s: told", headers[i].name);
		made_free(&made);
	}
}

/* What is packed, spoilt before it is. */
static void test_elf(void)
{
	static const struct {
		const char *name;
		size_t at;
		uint64_t value;
		const char *said;
	} rows[] = {
		{ "not an ELF", 0, 0,
		  "a damaged kernel: what is packed in it is no x86-64 "
		  "vmlinux" },
		{ "headers beyond the end", 32, 1ULL << 40,
		  "a damaged kernel: what is packed in it is no x86-64 "
		  "vmlinux" },
		{ "nothing to load", 64, PT_NOTE,
		  "a damaged kernel: nothing of it is to be loaded" },
		{ "a segment beyond the end", 64 + 8, 1ULL << 40,
		  "a kernel whose segment at 0xffffffff81000000 (266240 bytes) "
		  "is nowhere that Linux would be" },
		{ "a segment for user space", 64 + 16, 0x400000,
		  "a kernel whose segment at 0x400000 (266240 bytes) is "
		  "nowhere that Linux would be" },
		{ "a segment where modules are", 64 + 16, 0xffffffffc0000000,
		  "a kernel whose segment at 0xffffffffc0000000 (266240 "
		  "bytes) is nowhere that Linux would be" },
		{ "more in the file than in memory", 64 + 40, 16,
		  "a kernel whose segment at 0xffffffff81000000 (16 bytes) is "
		  "nowhere that Linux would be" },
	};
	struct made_kernel made = { .packer = NULL };
	struct image image;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		made_elf(&made);
		memcpy(made.elf + rows[i].at, &rows[i].value, 8);
		made_pack(&made);
		if (open_bytes(&image, made.file, made.bytes) != END_DONE)
			bail_out("%s", why.text);
		is(image_unpack(&image, &why), END_REFUSED, "%s: refused",
		   rows[i].name);
		is_str(why.text, rows[i].said, "%s: told", rows[i].name);
		image_close(&image);
		made_free(&made);
	}
}

/* Half of it, and one bit of what is packed. */
static void test_damage(void)
{
	struct made_kernel made = { .packer = "xz" };
	struct image image;
	char said[160];

	made_elf(&made);
	made_pack(&made);
	is(open_bytes(&image, made.file, made.bytes / 2), END_REFUSED,
	   "half a kernel is refused");
	snprintf(said, sizeof(said),
		 "a damaged kernel: it was cut off, or is a stub (%zu bytes, "
		 "and %zu of them packed at 1536); install its package again",
		 made.bytes / 2, made.bytes - 1536);
	is_str(why.text, said, "and told to be half");
	made.file[made.bytes / 2] ^= 1;
	is(open_bytes(&image, made.file, made.bytes), END_DONE,
	   "one whose data has changed is opened");
	is(image_unpack(&image, &why), END_REFUSED, "and refused then");
	snprintf(said, sizeof(said),
		 "a damaged kernel: its xz data (%zu bytes) cannot be "
		 "unpacked; install its package again",
		 made.bytes - 1536);
	is_str(why.text, said, "and told to be damaged");
	image_close(&image);
	memset(made.file + made.bytes - 4, 0xff, 4);
	if (open_bytes(&image, made.file, made.bytes) != END_DONE)
		bail_out("%s", why.text);
	is(image_unpack(&image, &why), END_REFUSED, "no size is believed");
	is_str(why.text,
	       "a damaged kernel: unpacked it would have 4294967295 bytes",
	       "that no kernel has");
	image_close(&image);
	made_free(&made);
}

int main(void)
{
	test_packers();
	test_addresses();
	test_others();
	test_headers();
	test_elf();
	test_damage();
	return tap_end();
}
