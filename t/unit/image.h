/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.h - a good kernel, and loading it into RAM that is a file
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "run.h"
#include "tap.h"

#define MIB        (1ULL << 20)
#define RAM        (16 * MIB)
#define TOP        (RAM - 6 * 4096) /* where the first page tables begin */
#define LOADED     0x200000ULL
#define FILE_BYTES 0x3000

/* A good kernel: two segments, the second one larger in memory. */
struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	uint8_t rest[FILE_BYTES - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr)];
};

static inline int file_of(const void *from, size_t bytes)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	if (fd < 0 || write(fd, from, bytes) != (ssize_t)bytes)
		bail_out("memfd_create: no file of %zu bytes", bytes);
	return fd;
}

static inline int new_ram(uint64_t bytes)
{
	int fd = memfd_create("ram", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		bail_out("memfd_create: no RAM of %llu bytes",
			 (unsigned long long)bytes);
	return fd;
}

static inline void make_image(struct image *image)
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
static inline const char *load_in(int ram_fd, uint64_t bytes, int kernel,
				  int initrd, int cmdline,
				  struct lg_regs *ret_regs)
{
	const struct run run = { .initrd = initrd, .cmdline = cmdline };
	static struct ram ram;
	static struct why why;
	uint64_t entry;

	why.text[0] = '\0';
	if (ram_open(&ram, ram_fd, bytes, &why) == 0 &&
	    boot_reserve(&ram, &why) == 0 &&
	    kernel_load(&ram, kernel, &entry, &why) == 0)
		boot_fill(&ram, &run, entry, ret_regs, &why);
	return why.text;
}

#endif /* IMAGE_H */
