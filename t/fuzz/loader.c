// SPDX-License-Identifier: GPL-2.0-only
/*
 * loader.c - kernels that make no sense, by the thousand
 *
 * A good ELF file with some of its header's numbers replaced by ones that hurt,
 * cut off somewhere, or shot through with noise.  Whatever becomes of it, the
 * guest's memory has something only where the loader has taken an area, nothing
 * at all if the file was refused before it was read, and the pages behind RAM
 * in the same file are as they were.  A seed is said when it failed.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "run.h"
#include "tap.h"

#define RAM        (2560 * 1024ULL)
#define GUARD      (64 * 1024ULL)
#define FILE_BYTES 0x4000
#define SEGMENTS   4

static uint64_t seed;
static uint8_t *mapped; /* RAM and the guard, to be looked at */
static int ram_fd, kernel_fd, words_fd;

static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Numbers that a check forgets. */
static uint64_t nasty(void)
{
	static const uint64_t numbers[] = {
		0,
		1,
		~0ULL,
		~0ULL << 12,
		1ULL << 63,
		1ULL << 31,
		RAM,
		RAM - 1,
		RAM + 1,
		0x10000,
		FILE_BYTES,
		FILE_BYTES + 1,
		0x100000,
		0x1000,
		LG_MAX_GPA,
		LG_MAX_GPA - 1,
		0x11fff,
		0xffff,
		RAM - 0x6000,
		~0ULL - 0x100000,
		0x7fffffff,
		0xfff,
		(1ULL << 63) - 1,
		RAM - 0x5000,
	};

	return numbers[next() % (sizeof(numbers) / sizeof(numbers[0]))] +
	       (next() % 4 ? 0 : next() % 16);
}

static void make_good(uint8_t *file)
{
	Elf64_Ehdr header = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_entry = 0x100000,
		.e_phoff = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = SEGMENTS,
	};
	Elf64_Phdr segment = { .p_type = PT_LOAD };
	unsigned int i;

	memset(file, 0xee, FILE_BYTES);
	memcpy(file, &header, sizeof(header));
	for (i = 0; i < SEGMENTS; i++) {
		segment.p_offset = 0x1000 * (i % 4);
		segment.p_paddr = 0x100000 + 0x1000 * i;
		segment.p_filesz = segment.p_memsz = 0x1000;
		if (i == SEGMENTS - 1)
			segment.p_memsz = 0x20000;
		memcpy(file + sizeof(header) + i * sizeof(segment), &segment,
		       sizeof(segment));
	}
}

/* A few 64-bit or 16-bit numbers of the headers, or a few bytes. */
static size_t spoil(uint8_t *file)
{
	const size_t headers =
		sizeof(Elf64_Ehdr) + SEGMENTS * sizeof(Elf64_Phdr);
	unsigned int times = (unsigned int)(next() % 5);
	uint64_t value;

	while (times--) {
		value = nasty();
		switch (next() % 4) {
		case 0:
			file[16 + next() % (headers - 16)] = (uint8_t)next();
			break;
		case 1:
			memcpy(file + 52 + 2 * (next() % 6), &value, 2);
			break;
		default: /* the 64-bit words of one segment */
			memcpy(file + sizeof(Elf64_Ehdr) +
				       next() % SEGMENTS * sizeof(Elf64_Phdr) +
				       8 + 8 * (next() % 6),
			       &value, 8);
		}
	}
	return next() % 4 ? FILE_BYTES : next() % (FILE_BYTES + 1);
}

/* The first byte of RAM that is not zero and that nobody has taken; or RAM */
static uint64_t find_stray(const struct ram *ram)
{
	static uint8_t page[4096];
	uint64_t at, start, end;
	unsigned int i, j;

	/* A page that the file does not have is zero without being asked. */
	for (at = 0; at < RAM; at += sizeof(page)) {
		at = (uint64_t)lseek(ram_fd, (off_t)at, SEEK_DATA);
		if (at >= RAM)
			break;
		memcpy(page, mapped + at, sizeof(page));
		for (i = 0; i < ram->area_count; i++) {
			start = ram->areas[i].start;
			end = ram->areas[i].end;
			if (start >= at + sizeof(page) || end <= at)
				continue;
			start = start < at ? 0 : start - at;
			end = end - at > sizeof(page) ? sizeof(page) : end - at;
			memset(page + start, 0, end - start);
		}
		for (j = 0; j < sizeof(page); j++) {
			if (page[j])
				return at + j;
		}
	}
	return RAM;
}

/* No area is in another one, or anywhere but in RAM. */
static int areas_are_apart(const struct ram *ram)
{
	const struct ram_area *a, *b, *end = ram->areas + ram->area_count;

	for (a = ram->areas; a < end; a++) {
		if (a->start > a->end || a->end > RAM)
			return 0;
		for (b = ram->areas; b < a; b++) {
			if (a->start < b->end && b->start < a->end)
				return 0;
		}
	}
	return 1;
}

static int guard_is_whole(void)
{
	static uint8_t whole[GUARD];

	if (!*whole)
		memset(whole, 0xa5, GUARD);
	return !memcmp(mapped + RAM, whole, GUARD) &&
	       lseek(ram_fd, 0, SEEK_END) == (off_t)(RAM + GUARD);
}

/* Is what it starts with sane?  Only after all went well. */
static int starts_well(const struct lg_regs *regs)
{
	return regs->rip < RAM && regs->cr3 < RAM && regs->rsi < RAM &&
	       regs->mode == LG_MODE_KERNEL;
}

static int load(struct ram *ram, struct lg_regs *regs, struct why *why)
{
	const struct run run = { .initrd = -1, .cmdline = words_fd };
	uint64_t entry;

	if (ram_open(ram, ram_fd, RAM, why) < 0 || boot_reserve(ram, why) < 0)
		bail_out("loader: %s", why->text);
	if (kernel_load(ram, kernel_fd, &entry, why) < 0)
		return -1;
	return boot_fill(ram, &run, entry, regs, why);
}

/* One file; returns whether all was well, and counts those that loaded. */
static int try_one(uint64_t number, unsigned int *loaded)
{
	static uint8_t file[FILE_BYTES];
	static struct ram ram;
	struct lg_regs regs;
	struct why why = { "" };
	size_t bytes;
	int good;

	seed = number * 0x9e3779b97f4a7c15 + 1;
	make_good(file);
	bytes = spoil(file);
	if (ftruncate(kernel_fd, 0) < 0 ||
	    pwrite(kernel_fd, file, bytes, 0) != (ssize_t)bytes)
		bail_out("kernel: cannot be written");
	if (load(&ram, &regs, &why) == 0) {
		good = starts_well(&regs);
		(*loaded)++;
	} else {
		good = *why.text && strlen(why.text) < RUN_WHY_BYTES;
	}
	if (good && guard_is_whole() && areas_are_apart(&ram) &&
	    find_stray(&ram) == RAM)
		return 1;
	diag("seed %llu: %s", (unsigned long long)number, why.text);
	return 0;
}

int main(void)
{
	const char *text = getenv("LOADER_RUNS");
	const uint64_t runs = text ? strtoull(text, NULL, 10) : 1000;
	unsigned int loaded = 0, bad = 0;
	uint64_t i;

	ram_fd = memfd_create("ram", MFD_CLOEXEC);
	kernel_fd = memfd_create("kernel", MFD_CLOEXEC);
	words_fd = memfd_create("words", MFD_CLOEXEC);
	if (ram_fd < 0 || ftruncate(ram_fd, RAM + GUARD) < 0)
		bail_out("memfd_create");
	mapped = mmap(NULL, RAM + GUARD, PROT_READ | PROT_WRITE, MAP_SHARED,
		      ram_fd, 0);
	if (mapped == MAP_FAILED)
		bail_out("mmap");
	memset(mapped + RAM, 0xa5, GUARD);
	for (i = 0; i < runs && bad < 10; i++)
		bad += !try_one(i, &loaded);
	is(bad, 0, "%llu kernels: nothing is written where it must not be",
	   (unsigned long long)runs);
	ok(loaded > runs / 20 && loaded < runs,
	   "some of them load, and others do not");
	diag("%u of them loaded", loaded);
	return tap_end();
}
