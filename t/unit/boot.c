// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot.c - what a kernel finds when it wakes, or why it does not
 *
 * A good kernel is loaded, and we look where it would: at its bytes,
 * boot_params, and page tables for all of its RAM, of several sizes.  And what
 * comes with it can be wrong, too: a long command line, an initrd for which
 * there is no room, memory that the host does not have.
 */
#define _GNU_SOURCE
#include <asm/bootparam.h>
#include <signal.h>
#include <sys/resource.h>

#include "image.h"

#define ADDR_BITS 0x000ffffffffff000ULL

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
