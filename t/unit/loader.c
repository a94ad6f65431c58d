// SPDX-License-Identifier: GPL-2.0-only
/*
 * loader.c - every wrong kernel is refused, in words that help
 *
 * A kernel is a file that anybody may have made.  Each row of `wrong` breaks a
 * good one in one way, or is another kind of file, and has the sentence that a
 * person shall read.  Then a good kernel is loaded, and what it would find is
 * looked at: its bytes, boot_params, and page tables for all of its RAM.
 */
#define _GNU_SOURCE
#include <asm/bootparam.h>
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "run.h"
#include "tap.h"

#define MIB        (1ULL << 20)
#define RAM        (16 * MIB)
#define TOP        (RAM - 6 * 4096) /* where the first page tables begin */
#define LOADED     0x200000ULL
#define FILE_BYTES 0x3000
#define ADDR_BITS  0x000ffffffffff000ULL

/* A good kernel: two segments, the second one larger in memory. */
struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	uint8_t rest[FILE_BYTES - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr)];
};

static struct ram ram;

static int file_of(const void *from, size_t bytes)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	if (fd < 0 || write(fd, from, bytes) != (ssize_t)bytes)
		bail_out("memfd_create: no file of %zu bytes", bytes);
	return fd;
}

static int new_ram(uint64_t bytes)
{
	int fd = memfd_create("ram", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		bail_out("memfd_create: no RAM of %llu bytes",
			 (unsigned long long)bytes);
	return fd;
}

static void make_image(struct image *image)
{
	unsigned int i;

	memset(image, 0, sizeof(*image));
	for (i = 0; i < sizeof(image->rest); i++)
		image->rest[i] = (uint8_t)(i * 7 + 1);
	image->header = (Elf64_Ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_entry = LOADED + 0x10,
		.e_phoff = sizeof(image->header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	image->segments[0] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_offset = 0x1000,
		.p_paddr = LOADED,
		.p_filesz = 0x1000,
		.p_memsz = 0x1000,
	};
	image->segments[1] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_offset = 0x2000,
		.p_paddr = LOADED + 0x1000,
		.p_filesz = 0x1000,
		.p_memsz = 0x5000,
	};
}

/* All of the loading, into RAM of this size; what it said, "" if it went well */
static const char *load_in(int ram_fd, uint64_t bytes, int kernel, int initrd,
			   int cmdline, struct lg_regs *ret_regs)
{
	const struct run run = { .initrd = initrd, .cmdline = cmdline };
	static struct why why;
	uint64_t entry;

	why.text[0] = '\0';
	if (ram_open(&ram, ram_fd, bytes, &why) == 0 &&
	    boot_reserve(&ram, &why) == 0 &&
	    kernel_load(&ram, kernel, &entry, &why) == 0)
		boot_fill(&ram, &run, entry, ret_regs, &why);
	return why.text;
}

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
	  "lguestd loads ELF files, like the vmlinux in it "
	  "(extract-vmlinux)" },
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

/* ---- what comes with it ---- */

/* A good kernel with these; NULL: none */
static const char *load_with(const char *cmdline, uint64_t initrd_bytes,
			     uint64_t ram_bytes)
{
	int initrd = memfd_create("initrd", MFD_CLOEXEC), kernel, words, to;
	struct image image;
	struct lg_regs regs;
	const char *said;

	make_image(&image);
	kernel = file_of(&image, sizeof(image));
	words = file_of(cmdline, strlen(cmdline));
	to = new_ram(RAM);
	if (ftruncate(initrd, (off_t)initrd_bytes) < 0)
		bail_out("ftruncate");
	said = load_in(to, ram_bytes, kernel, initrd, words, &regs);
	close(initrd);
	close(kernel);
	close(words);
	close(to);
	return said;
}

static void try_company(void)
{
	char words[2049];

	memset(words, 'x', sizeof(words));
	words[2047] = '\0';
	is_str(load_with(words, 1, RAM), "", "2047 characters are accepted");
	words[2047] = 'x';
	words[2048] = '\0';
	is_str(load_with(words, 1, RAM), "cmdline: more than 2047 characters",
	       "2048 are not");
	is_str(load_with("", 0, RAM), "initrd: is an empty file",
	       "an empty initrd is told of");
	is_str(load_with("", RAM, RAM),
	       "initrd: 16384 KiB do not fit in the "
	       "guest's memory of 16384 KiB",
	       "so is one that does not fit");
	is_str(load_with("", TOP - 0x205fff, RAM),
	       "initrd: 14630913 bytes at 0x205000 overlap with kernel "
	       "(0x201000 to 0x206000)",
	       "and one that does not fit beside the kernel");
	is_str(load_with("", TOP - 0x206000, RAM), "", "the next one does");
	is_str(load_with("", 1, RAM + 4096),
	       "memory: its file has 16777216 bytes, not 16781312",
	       "RAM is as large as it is said to be");
	is_str(load_with("", 1, RAM - 1),
	       "memory: 16777215 bytes: not whole pages from 2097152 to "
	       "17592186044416",
	       "and whole pages");
	is_str(load_with("", 1, 0x203000),
	       "kernel: needs 2096 KiB of memory, and the guest has 2060 KiB",
	       "a kernel that needs more RAM says how much");
}

/* The host's memory is full: no signal, and a sentence. */
static void try_exhaustion(void)
{
	int kernel, words = file_of("", 0), to = new_ram(RAM);
	struct rlimit old, few;
	struct image image;
	struct lg_regs regs;

	getrlimit(RLIMIT_FSIZE, &old);
	few = old;
	few.rlim_cur = LOADED + 0x1800;
	signal(SIGXFSZ, SIG_IGN);
	make_image(&image);
	kernel = file_of(&image, sizeof(image));
	setrlimit(RLIMIT_FSIZE, &few);
	is_str(load_in(to, RAM, kernel, -1, words, &regs),
	       "memory: the host has none left for the guest's page at "
	       "0x201800: File too large",
	       "RAM that cannot be had is told of");
	setrlimit(RLIMIT_FSIZE, &old);
	close(kernel);
	close(words);
	close(to);
}

/* ---- a good one ---- */

static uint64_t read_entry(int fd, uint64_t table, uint64_t index)
{
	uint64_t entry = 0;

	if (pread(fd, &entry, 8, (off_t)((table & ADDR_BITS) + 8 * index)) != 8)
		return 0;
	return entry;
}

/* Where gva is in these tables; ~0: nowhere. */
static uint64_t walk(int fd, uint64_t root, uint64_t gva)
{
	uint64_t entry = root | 1;
	int shift;

	for (shift = 39; shift >= 12; shift -= 9) {
		entry = read_entry(fd, entry, gva >> shift & 511);
		if (!(entry & 1))
			return ~0ULL;
		if (shift > 12 && entry & 0x80)
			break;
	}
	if (shift < 12)
		shift = 12;
	return (entry & ADDR_BITS) | (gva & ((1ULL << shift) - 1));
}

static void check_tables(uint64_t bytes)
{
	const uint64_t at[] = {
		0x1000,       0x1fffff,         0x200000,  bytes - 1,
		bytes - 4096, bytes - 0x200001, bytes / 2,
	};
	int kernel, words = file_of("", 0), to = new_ram(bytes);
	struct lg_regs regs = { 0 };
	struct image image;
	int right = 1;
	size_t i;

	make_image(&image);
	kernel = file_of(&image, sizeof(image));
	is_str(load_in(to, bytes, kernel, -1, words, &regs), "",
	       "%#llx bytes of RAM can be had", (unsigned long long)bytes);
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		right = right && walk(to, regs.cr3, at[i]) == at[i];
	ok(right, "and are all where they are");
	ok(walk(to, regs.cr3, 0) == ~0ULL &&
		   walk(to, regs.cr3, 0xfff) == ~0ULL &&
		   walk(to, regs.cr3, bytes) == ~0ULL &&
		   walk(to, regs.cr3, 1ULL << 47) == ~0ULL,
	   "but for page 0, and nothing is behind them");
	close(kernel);
	close(words);
	close(to);
}

static int same(int fd, uint64_t gpa, const void *want, size_t bytes)
{
	static uint8_t got[FILE_BYTES];

	return pread(fd, got, bytes, (off_t)gpa) == (ssize_t)bytes &&
	       !memcmp(got, want, bytes);
}

static void check_good(void)
{
	static const uint8_t zeroes[0x4000 - 0x1000];
	int kernel, words = file_of("a=b c", 5), to = new_ram(RAM), initrd;
	struct boot_params params;
	struct image image;
	const char *file = (const char *)&image;
	struct lg_regs regs;
	uint64_t gpa;

	make_image(&image);
	kernel = file_of(&image, sizeof(image));
	initrd = file_of("initrd!", 7);
	/* A guest was here before. */
	if (pwrite(to, "old", 3, LOADED + 0x3000) != 3)
		bail_out("pwrite");
	is_str(load_in(to, RAM, kernel, initrd, words, &regs), "",
	       "a good kernel is loaded");
	ok(same(to, LOADED, file + 0x1000, 0x1000) &&
		   same(to, LOADED + 0x1000, file + 0x2000, 0x1000),
	   "its segments are where it wants them");
	ok(same(to, LOADED + 0x2000, zeroes, sizeof(zeroes)),
	   "and zeroes where the file has nothing");
	is(regs.rip, LOADED + 0x10, "it starts at its entry");
	is(regs.mode, LG_MODE_KERNEL, "in kernel mode");
	if (pread(to, &params, sizeof(params), (off_t)regs.rsi) !=
	    sizeof(params))
		bail_out("pread");
	is(params.e820_entries, 1, "RSI is at boot_params with a memory map");
	is(params.e820_table[0].size, RAM, "whose first entry is all of RAM");
	is(params.hdr.hardware_subarch, 1, "and which say that it is a guest");
	ok(same(to, params.hdr.cmd_line_ptr, "a=b c", 6),
	   "the command line is there, with a NUL");
	gpa = params.hdr.ramdisk_image | (uint64_t)params.ext_ramdisk_image
						 << 32;
	is(gpa, TOP - 4096, "the initrd is right below the tables");
	ok(params.hdr.ramdisk_size == 7 && same(to, gpa, "initrd!", 8),
	   "all of it");
	close(kernel);
	close(words);
	close(initrd);
	close(to);
}

/* It is read in pieces; between two of them it is made shorter. */
static void check_shrinking(void)
{
	static char big[300 * 1024];
	struct run_file file;
	struct why why;
	int fd = file_of(big, sizeof(big));

	ok(file_open(&file, "kernel", fd, &why) == 0 &&
		   ftruncate(fd, 200 * 1024) == 0 &&
		   file_read(&file, 0, big, sizeof(big), &why) < 0,
	   "a file that becomes shorter is not read to its end");
	is_str(why.text,
	       "kernel: became shorter while it was read (204800 of "
	       "307200 bytes)",
	       "and that is what is said");
	close(fd);
}

int main(void)
{
	try_broken();
	try_others();
	try_no_files();
	try_company();
	try_exhaustion();
	check_good();
	check_shrinking();
	check_tables(2 * MIB + 0x7000 + LOADED);
	check_tables(64 * MIB);
	check_tables(1024 * MIB);
	check_tables(1024 * MIB + 4096);
	check_tables(5 * 1024 * MIB + 3 * MIB);
	check_tables(1024 * 1024 * MIB + 4096);
	return tap_end();
}
