// SPDX-License-Identifier: GPL-2.0-only
/*
 * write.c - the one file that lguest-run loads
 *
 * An ELF file of the simplest kind: the kernel's segments, the port's, and a
 * note with the key by which we know it again.  Addresses are physical ones, as
 * a guest wakes with its RAM mapped where it is.  Zeros at the end of a segment
 * are left out; that is the kernel's .bss and more, 6 MiB of Debian's.
 *
 * Must never happen: somebody loads half of one.  It gets its name when all of
 * it is on the disk.
 *
 * Next: guestos/linux/port/graft.h
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

#define PAGE      4096ULL
#define PARTS_MAX (SEGMENTS_MAX + 8)
#define NOTE_NAME "lguest"
#define NOTE_KEY  1
#define MODE      0644

/* Elf64_Nhdr, its name on a multiple of 4, and what it says. */
struct note {
	Elf64_Nhdr header;
	char name[8];
	uint64_t key;
};

struct parts {
	struct {
		Elf64_Ehdr elf;
		Elf64_Phdr list[PARTS_MAX];
		struct note note;
	} head;
	const uint8_t *data[PARTS_MAX]; /* of each */
	unsigned int count;
};

static bool add(struct parts *parts, const Elf64_Phdr *segment,
		const uint8_t *data, uint64_t physical)
{
	Elf64_Phdr *part = &parts->head.list[parts->count];
	uint64_t bytes = segment->p_filesz;

	if (parts->count == PARTS_MAX)
		return false;
	while (bytes && !data[bytes - 1])
		bytes--;
	*part = *segment;
	part->p_filesz = bytes;
	part->p_paddr = physical;
	part->p_align = PAGE;
	parts->data[parts->count++] = data;
	return true;
}

/* The port's segments are where ld said, and their numbers are ld's. */
static bool add_port(struct parts *parts, const struct graft *graft)
{
	const struct bytes *file = &graft->port.file;
	const Elf64_Ehdr *header = (const void *)file->data;
	Elf64_Phdr segment;
	unsigned int i;

	for (i = 0; i < header->e_phnum; i++) {
		uint64_t at = header->e_phoff + i * sizeof(segment);

		if (!bytes_have(file, at, sizeof(segment)))
			return false;
		memcpy(&segment, file->data + at, sizeof(segment));
		if (segment.p_type != PT_LOAD || !segment.p_memsz)
			continue;
		if (!bytes_have(file, segment.p_offset, segment.p_filesz) ||
		    segment.p_vaddr < graft->image->end ||
		    !add(parts, &segment, file->data + segment.p_offset,
			 segment.p_vaddr - KERNEL_MAP))
			return false;
	}
	return true;
}

static bool gather(struct parts *parts, const struct graft *graft, uint64_t key)
{
	const struct image *image = graft->image;
	uint64_t offset = sizeof(parts->head);
	unsigned int i;

	*parts = (struct parts){ .head.elf = {
					 .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2,
						      ELFMAG3, ELFCLASS64,
						      ELFDATA2LSB, EV_CURRENT },
					 .e_type = ET_EXEC,
					 .e_machine = EM_X86_64,
					 .e_version = EV_CURRENT,
					 .e_entry = graft->entry,
					 .e_phoff = sizeof(Elf64_Ehdr),
					 .e_ehsize = sizeof(Elf64_Ehdr),
					 .e_phentsize = sizeof(Elf64_Phdr),
				 } };
	for (i = 0; i < image->count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		add(parts, segment, image->elf.data + segment->p_offset,
		    segment->p_paddr);
	}
	if (!add_port(parts, graft))
		return false;
	for (i = 0; i < parts->count; i++) {
		offset = (offset + PAGE - 1) & ~(PAGE - 1);
		parts->head.list[i].p_offset = offset;
		offset += parts->head.list[i].p_filesz;
	}
	parts->head.note = (struct note){
		{ sizeof(NOTE_NAME), sizeof(key), NOTE_KEY }, NOTE_NAME, key
	};
	parts->head.list[i] = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_flags = PF_R,
		.p_offset = offsetof(struct parts, head.note),
		.p_filesz = sizeof(struct note),
		.p_memsz = sizeof(struct note),
		.p_align = 4,
	};
	parts->head.elf.e_phnum = (Elf64_Half)(parts->count + 1);
	return true;
}

static bool write_at(int fd, const void *data, uint64_t bytes, uint64_t at)
{
	const uint8_t *from = data;
	ssize_t n;

	while (bytes) {
		n = pwrite(fd, from, bytes, (off_t)at);
		if (n <= 0)
			return false;
		from += n;
		at += (uint64_t)n;
		bytes -= (uint64_t)n;
	}
	return true;
}

static bool write_parts(const struct parts *parts, int fd)
{
	const Elf64_Phdr *list = parts->head.list;
	unsigned int i;

	if (!write_at(fd, &parts->head, sizeof(parts->head), 0))
		return false;
	for (i = 0; i < parts->count; i++) {
		if (!write_at(fd, parts->data[i], list[i].p_filesz,
			      list[i].p_offset))
			return false;
	}
	return !fchmod(fd, MODE) && !fsync(fd);
}

enum end write_graft(const struct graft *graft, const char *path, uint64_t key,
		     struct why *why)
{
	static struct parts parts;
	char fresh[600];
	bool done;
	int fd;

	if (!gather(&parts, graft, key))
		return why_say(why, END_FAILED,
			       "the port: what was linked of it is not "
			       "behind the kernel");
	snprintf(fresh, sizeof(fresh), "%s.XXXXXX", path);
	fd = mkstemp(fresh);
	done = fd >= 0 && write_parts(&parts, fd);
	if (fd >= 0 && close(fd) < 0)
		done = false;
	if (done && !rename(fresh, path))
		return END_DONE;
	why_say(why, END_FAILED, "'%s': %s", path, strerror(errno));
	if (fd >= 0)
		unlink(fresh);
	return END_FAILED;
}

/* Only the head is read: we wrote it in one piece. */
uint64_t write_key(const char *path)
{
	static struct parts parts;
	const struct note *note = &parts.head.note;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint64_t key = 0;

	if (fd >= 0 &&
	    read(fd, &parts.head, sizeof(parts.head)) ==
		    (ssize_t)sizeof(parts.head) &&
	    !memcmp(parts.head.elf.e_ident, ELFMAG, SELFMAG) &&
	    note->header.n_type == NOTE_KEY &&
	    note->header.n_descsz == sizeof(key) &&
	    !memcmp(note->name, NOTE_NAME, sizeof(NOTE_NAME)))
		key = note->key;
	if (fd >= 0)
		close(fd);
	return key;
}
