// SPDX-License-Identifier: GPL-2.0-only
/*
 * loader.c - every wrong kernel is refused, in words that help
 *
 * A kernel is a file that anybody may have made.  Each row of `broken` breaks a
 * good one in one way, each of `others` is another kind of file, and has the
 * sentence that a person shall read.
 */
#define _GNU_SOURCE
#include <fcntl.h>

#include "image.h"

static const char *load(const void *kernel, size_t bytes)
{
	int fd = file_of(kernel, bytes), to = new_ram(RAM);
	int cmdline = file_of("", 0);
	struct lg_regs regs;
	const char *said = load_in(to, RAM, fd, -1, cmdline, &regs);

	close(fd);
	close(to);
	close(cmdline);
	return said;
}

/* ---- a good one, broken ---- */

static void cut(struct image *i)
{
	i->segments[1].p_offset = FILE_BYTES - 0xfff;
}

static void far(struct image *i)
{
	i->segments[1].p_offset = ~0ULL - 0xfff;
}

static void fat(struct image *i)
{
	i->segments[1].p_filesz = 0x5001;
}

static void huge_file(struct image *i)
{
	i->segments[1].p_filesz = i->segments[1].p_memsz = 1ULL << 63;
}

static void wrap(struct image *i)
{
	i->segments[1].p_paddr = ~0ULL - 0x1fff;
}

static void wide(struct image *i)
{
	i->segments[1].p_memsz = ~0ULL;
}

static void beyond(struct image *i)
{
	i->segments[1].p_memsz = RAM;
}

static void on_tables(struct image *i)
{
	i->segments[1].p_paddr = TOP - 0x4000;
}

static void on_params(struct image *i)
{
	i->segments[1].p_paddr = 0xe000;
}

static void on_itself(struct image *i)
{
	i->segments[1].p_paddr = LOADED + 0xfff;
}

static void entry_low(struct image *i)
{
	i->header.e_entry = LOADED - 1;
}

static void entry_virtual(struct image *i)
{
	i->header.e_entry = 0xffffffff81000000;
}

static void entry_in_bss(struct image *i)
{
	i->header.e_entry = LOADED + 0x2000;
}

static void headers_far(struct image *i)
{
	i->header.e_phoff = FILE_BYTES - 2 * sizeof(Elf64_Phdr) + 1;
}

static void headers_wrap(struct image *i)
{
	i->header.e_phoff = ~0ULL - 8;
}

static void headers_small(struct image *i)
{
	i->header.e_phentsize = 32;
}

static void headers_many(struct image *i)
{
	i->header.e_phnum = 0xffff;
}

static void headers_none(struct image *i)
{
	i->header.e_phnum = 0;
}

static void no_load(struct image *i)
{
	i->segments[0].p_type = i->segments[1].p_type = PT_NOTE;
}

static void elf32(struct image *i)
{
	i->header.e_ident[EI_CLASS] = ELFCLASS32;
}

static void big_endian(struct image *i)
{
	i->header.e_ident[EI_DATA] = ELFDATA2MSB;
}

static void arm64(struct image *i)
{
	i->header.e_machine = EM_AARCH64;
}

static void alien(struct image *i)
{
	i->header.e_machine = 0xfeed;
}

static void shared(struct image *i)
{
	i->header.e_type = ET_DYN;
}

static void object(struct image *i)
{
	i->header.e_type = ET_REL;
}

static void core(struct image *i)
{
	i->header.e_type = ET_CORE;
}

static void no_type(struct image *i)
{
	i->header.e_type = 0xfe00;
}

static const struct {
	void (*spoil)(struct image *image);
	const char *said;
} broken[] = {
	{ cut, "kernel: segment at 0x201000: 4096 bytes at offset 8193 of a "
	       "file of 12288: it is cut off, or broken" },
	{ far, "kernel: segment at 0x201000: 4096 bytes at offset "
	       "18446744073709547520 of a file of 12288: it is cut off, or "
	       "broken" },
	{ fat, "kernel: segment at 0x201000: more in the file (20481) than in "
	       "memory (20480 bytes): a broken ELF file" },
	{ huge_file, "kernel: segment at 0x201000: 9223372036854775808 bytes "
		     "at offset 8192 of a file of 12288: it is cut off, or "
		     "broken" },
	{ wrap, "kernel: segment at 0xffffffffffffe000, 20480 bytes: no "
		"physical address (up to 0x100000000000)" },
	{ wide, "kernel: segment at 0x201000, 18446744073709551615 bytes: no "
		"physical address (up to 0x100000000000)" },
	{ beyond, "kernel: needs 18460 KiB of memory, and the guest has 16384 "
		  "KiB" },
	{ on_tables, "kernel: needs 16388 KiB of memory, and the guest has "
		     "16384 KiB" },
	{ on_params, "kernel: 20480 bytes at 0xe000 overlap with boot_params "
		     "(0x10000 to 0x12000)" },
	{ on_itself, "kernel: 20480 bytes at 0x200fff overlap with kernel "
		     "(0x200000 to 0x201000)" },
	{ entry_low, "kernel: starts at 0x1fffff, where nothing of it is "
		     "loaded: the entry must be a physical address" },
	{ entry_virtual, "kernel: starts at 0xffffffff81000000, where nothing "
			 "of it is loaded: the entry must be a physical "
			 "address" },
	{ entry_in_bss, "kernel: starts at 0x202000, where nothing of it is "
			"loaded: the entry must be a physical address" },
	{ headers_far, "kernel: ends before it should (12288 bytes)" },
	{ headers_wrap, "kernel: ends before it should (12288 bytes)" },
	{ headers_small, "kernel: its program headers have 32 bytes, not 56: "
			 "a broken ELF file" },
	{ headers_many, "kernel: 65535 program headers, at most 128" },
	{ headers_none, "kernel: an ELF file with nothing to load" },
	{ no_load, "kernel: an ELF file with nothing to load" },
	{ elf32, "kernel: is a 32-bit ELF file; it must be a 64-bit one" },
	{ big_endian, "kernel: is an ELF file for a big-endian machine; it "
		      "must be x86-64" },
	{ arm64, "kernel: is an ELF file for arm64 (machine 183); it must be "
		 "x86-64" },
	{ alien, "kernel: is an ELF file for another machine (machine 65261); "
		 "it must be x86-64" },
	{ shared, "kernel: is an ELF shared object or a position-independent "
		  "program; a kernel is linked to an address (-no-pie)" },
	{ object, "kernel: is an ELF object or a kernel module; it must be "
		  "linked" },
	{ core, "kernel: is a core dump" },
	{ no_type, "kernel: is an ELF file of type 65024; it must be an "
		   "executable" },
};

static void try_broken(void)
{
	struct image image;
	size_t i;

	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		make_image(&image);
		broken[i].spoil(&image);
		is_str(load(&image, sizeof(image)), broken[i].said, "%s",
		       broken[i].said);
	}
	make_image(&image);
	is_str(load(&image, 63),
	       "kernel: is an ELF file that was cut off (63 "
	       "bytes)",
	       "an ELF file shorter than its header is told of");
	is_str(load(&image, 64), "kernel: ends before it should (64 bytes)",
	       "and one that ends with it");
}

/* ---- something else ---- */

static const struct {
	unsigned int at;
	const char *magic;
	unsigned int bytes;
	const char *said;
} others[] = {
#define AT(at, magic) at, magic, sizeof(magic) - 1
	{ AT(0, "\x1f\x8b\x08"), "kernel: is packed with gzip; unpack it first "
				 "(gzip -dc <FILE >NEW)" },
	{ AT(0, "\xfd\x37zXZ"), "kernel: is packed with xz; unpack it first "
				"(xz -dc <FILE >NEW)" },
	{ AT(0, "\x28\xb5\x2f\xfd"), "kernel: is packed with zstd; unpack it "
				     "first (zstd -dc <FILE >NEW)" },
	{ AT(0x202, "HdrS"),
	  "kernel: is a bzImage, a Linux kernel packed for a boot loader; "
	  "lguest-graft makes a guest of it, and lgctl asks it to" },
	{ AT(0x38, "ARM\x64"), "kernel: is a kernel for arm64; it must be "
			       "x86-64" },
	{ AT(0, " \n<!DOCTYPE html>"), "kernel: is a web page (HTML), perhaps "
				       "of a download that failed" },
	{ AT(0, "<HTML><head>"), "kernel: is a web page (HTML), perhaps of a "
				 "download that failed" },
	{ AT(0, "070701"), "kernel: is a cpio archive; are initrd and kernel "
			   "exchanged?" },
	{ AT(0, "#!/bin/sh"), "kernel: is a script, not a kernel" },
	{ AT(510, "\x55\xaa"), "kernel: is a disk or a boot sector, not a "
			       "kernel" },
	{ AT(0, "\1\2\3"), "kernel: is not an ELF file (it begins with 01 02 "
			   "03 00)" },
};

static void try_others(void)
{
	uint8_t file[2048];
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		memset(file, 0, sizeof(file));
		memcpy(file + others[i].at, others[i].magic, others[i].bytes);
		is_str(load(file, sizeof(file)), others[i].said, "%s",
		       others[i].said);
	}
	is_str(load("", 0), "kernel: is an empty file", "an empty file");
	is_str(load("\n", 1), "kernel: is not an ELF file (it begins with 0a)",
	       "a file of one byte");
	is_str(load("<html", 5),
	       "kernel: is a web page (HTML), perhaps of a "
	       "download that failed",
	       "a web page that is all of a file");
	is_str(load("   ", 3),
	       "kernel: is not an ELF file (it begins with 20 "
	       "20 20)",
	       "a file of blanks");
}

static void try_no_files(void)
{
	int dir = open("/", O_RDONLY | O_DIRECTORY), pipes[2];
	int to = new_ram(RAM);
	struct lg_regs regs;

	is_str(load_in(to, RAM, dir, -1, -1, &regs),
	       "kernel: is a directory, not a file", "a directory");
	if (pipe(pipes) < 0)
		bail_out("pipe");
	is_str(load_in(to, RAM, pipes[0], -1, -1, &regs),
	       "kernel: is not a regular file", "a pipe");
	close(dir);
	close(to);
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	try_broken();
	try_others();
	try_no_files();
	return tap_end();
}
