// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel.c - an ELF file becomes a kernel in RAM
 *
 * We want little of ELF: which parts of the file go where in physical memory,
 * and where the first instruction is.  Every number of it is somebody else's,
 * chosen perhaps to make us write where we must not; so the headers are copied
 * once, all of them are checked, each segment takes its area of RAM, and only
 * then is the first byte of the guest's memory written.
 *
 * Addresses are physical ones, p_paddr and e_entry, for a guest wakes with its
 * RAM mapped where it is.  What a segment has in memory and not in the file is
 * zero already, as all RAM is.
 *
 * Next: daemon/run/kind.c
 */
#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "run.h"

#define SEGMENTS_MAX 128 /* Linux has five */
#define KIB          1024ULL

struct kernel {
	struct run_file file;
	Elf64_Ehdr header;
	Elf64_Phdr segments[SEGMENTS_MAX]; /* that are to be loaded */
	unsigned int count;
};

static bool is_ours(const Elf64_Ehdr *header)
{
	const unsigned char *ident = header->e_ident;

	return !memcmp(ident, ELFMAG, SELFMAG) &&
	       ident[EI_CLASS] == ELFCLASS64 && ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_machine == EM_X86_64 && header->e_type == ET_EXEC;
}

static int read_header(struct kernel *kernel, struct why *why)
{
	const struct run_file *file = &kernel->file;
	static uint8_t head[KIND_BYTES];
	size_t n = file->bytes < KIND_BYTES ? file->bytes : KIND_BYTES;

	if (file_read(file, 0, head, n, why) < 0)
		return -1;
	memcpy(&kernel->header, head, sizeof(kernel->header));
	if (n < sizeof(kernel->header) || !is_ours(&kernel->header))
		return kind_say(head, n, why);
	return 0;
}

static int read_segments(struct kernel *kernel, struct why *why)
{
	const Elf64_Ehdr *header = &kernel->header;
	static Elf64_Phdr all[SEGMENTS_MAX];
	unsigned int i;

	if (header->e_phentsize != sizeof(all[0]))
		return why_say(why,
			       "kernel: its program headers have %u bytes, not "
			       "%zu: a broken ELF file",
			       header->e_phentsize, sizeof(all[0]));
	if (header->e_phnum > SEGMENTS_MAX)
		return why_say(why, "kernel: %u program headers, at most %d",
			       header->e_phnum, SEGMENTS_MAX);
	if (file_read(&kernel->file, header->e_phoff, all,
		      header->e_phnum * sizeof(all[0]), why) < 0)
		return -1;
	for (i = 0; i < header->e_phnum; i++) {
		if (all[i].p_type == PT_LOAD && all[i].p_memsz)
			kernel->segments[kernel->count++] = all[i];
	}
	if (!kernel->count)
		return why_say(why, "kernel: an ELF file with nothing to load");
	return 0;
}

static int check_segment(const struct kernel *kernel, const Elf64_Phdr *segment,
			 struct why *why)
{
	const uint64_t start = segment->p_paddr, bytes = segment->p_memsz;
	const uint64_t file = kernel->file.bytes;

	if (segment->p_filesz > bytes)
		return why_say(why,
			       "kernel: segment at %#" PRIx64 ": more in the "
			       "file (%" PRIu64 ") than in memory (%" PRIu64
			       " bytes): a broken ELF file",
			       start, segment->p_filesz, bytes);
	if (segment->p_offset > file ||
	    segment->p_filesz > file - segment->p_offset)
		return why_say(
			why,
			"kernel: segment at %#" PRIx64 ": %" PRIu64
			" bytes at offset %" PRIu64 " of a file of %" PRIu64
			": it is cut off, or broken",
			start, segment->p_filesz, segment->p_offset, file);
	if (start > LG_MAX_GPA || bytes > LG_MAX_GPA - start)
		return why_say(why,
			       "kernel: segment at %#" PRIx64 ", %" PRIu64
			       " bytes: no physical address (up to %#llx)",
			       start, bytes, LG_MAX_GPA);
	return 0;
}

/* All the places, before anything is in one of them. */
static int take_segments(const struct kernel *kernel, struct ram *ram,
			 struct why *why)
{
	const Elf64_Phdr *segment = kernel->segments;
	uint64_t end = 0;
	unsigned int i;

	for (i = 0; i < kernel->count; i++) {
		if (check_segment(kernel, &segment[i], why) < 0)
			return -1;
		if (segment[i].p_paddr + segment[i].p_memsz > end)
			end = segment[i].p_paddr + segment[i].p_memsz;
	}
	if (end > ram->top)
		return why_say(
			why,
			"kernel: needs %llu KiB of memory, and the guest "
			"has %llu KiB",
			(end + ram->bytes - ram->top + KIB - 1) / KIB,
			ram->bytes / KIB);
	for (i = 0; i < kernel->count; i++) {
		if (ram_take(ram, "kernel", segment[i].p_paddr,
			     segment[i].p_memsz, why) < 0)
			return -1;
	}
	return 0;
}

static int check_entry(const struct kernel *kernel, struct why *why)
{
	const uint64_t entry = kernel->header.e_entry;
	unsigned int i;

	for (i = 0; i < kernel->count; i++) {
		if (entry >= kernel->segments[i].p_paddr &&
		    entry - kernel->segments[i].p_paddr <
			    kernel->segments[i].p_filesz)
			return 0;
	}
	return why_say(why,
		       "kernel: starts at %#" PRIx64 ", where nothing of it is "
		       "loaded: the entry must be a physical address",
		       entry);
}

int kernel_load(struct ram *ram, int fd, uint64_t *ret_entry, struct why *why)
{
	static struct kernel kernel;
	const Elf64_Phdr *segment = kernel.segments;
	unsigned int i;

	kernel.count = 0;
	if (file_open(&kernel.file, "kernel", fd, why) < 0 ||
	    read_header(&kernel, why) < 0 || read_segments(&kernel, why) < 0 ||
	    take_segments(&kernel, ram, why) < 0 ||
	    check_entry(&kernel, why) < 0)
		return -1;
	for (i = 0; i < kernel.count; i++) {
		if (ram_copy(ram, segment[i].p_paddr, &kernel.file,
			     segment[i].p_offset, segment[i].p_filesz, why) < 0)
			return -1;
	}
	*ret_entry = kernel.header.e_entry;
	return 0;
}
