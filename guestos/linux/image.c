// SPDX-License-Identifier: GPL-2.0-only
/*
 * image.c - the file that a boot loader would load, and the ELF in it
 *
 * A bzImage is a small program that unpacks a large one.  Its boot header says
 * where the packed kernel is, so it need not run: what it would unpack is the
 * vmlinux of the build, without symbols, linked to the addresses it will have.
 * It is used there, unmoved; no relocation is applied.
 *
 * Whoever names the wrong file wants to hear what it is and what to name
 * instead, so that is a table.
 *
 * Must never happen: a number of the file's is used that was not checked.
 *
 * Next: guestos/linux/unpack.c
 */
#include <inttypes.h>
#include <string.h>

#include "tool.h"

#define FILE_MAX (256u << 20)
#define HUGE     (2ULL << 20)
#define SECTOR   512u

/* Of the boot header: Documentation/arch/x86/boot.rst. */
#define SETUP_SECTS    0x1f1
#define MAGIC_AT       0x202
#define PROTOCOL       0x206
#define VERSION_AT     0x20e /* less SECTOR */
#define LOADFLAGS64    0x236
#define PAYLOAD_OFFSET 0x248
#define PAYLOAD_LENGTH 0x24c
#define HEADER_END     0x268
#define PROTOCOL_MIN   0x20c /* 2.12: xloadflags */
#define KERNEL_64      1u

#define PHYSICAL_MAX (KERNEL_MAP_END - KERNEL_MAP)

#define THE_VMLINUZ "give the vmlinuz of a kernel's package"
#define MAGIC(text) text, sizeof(text) - 1

static const struct {
	unsigned int offset;
	const char *magic;
	size_t bytes;
	const char *text;
} others[] = {
	{ 0x38, MAGIC("ARM\x64"), "a kernel for arm64; guests are x86-64" },
	{ 4, MAGIC("zimg"),
	  "a kernel for EFI without a boot header, as arm64 "
	  "has; guests are x86-64" },
	{ 0,
	  MAGIC("\xfd"
		"7zXZ\0"),
	  "packed with xz: a module or an initrd, not a kernel; " THE_VMLINUZ },
	{ 0, MAGIC("\x1f\x8b"),
	  "packed with gzip: a module, an initrd or an "
	  "arm64 kernel; " THE_VMLINUZ },
	{ 0, MAGIC("\x28\xb5\x2f\xfd"),
	  "packed with zstd: a module or an initrd, not a "
	  "kernel; " THE_VMLINUZ },
	{ 0, MAGIC("070701"), "a cpio archive: an initrd; " THE_VMLINUZ },
	{ 0, MAGIC("!<arch>\n"),
	  "a package; install it, or give the vmlinuz in it" },
};

static uint16_t word(const struct image *image, size_t at)
{
	uint16_t value;

	memcpy(&value, image->file.data + at, sizeof(value));
	return value;
}

static uint32_t dword(const struct image *image, size_t at)
{
	uint32_t value;

	memcpy(&value, image->file.data + at, sizeof(value));
	return value;
}

static enum end say_elf(const struct image *image, struct why *why)
{
	Elf64_Ehdr header = { .e_type = ET_NONE };

	if (bytes_have(&image->file, 0, sizeof(header)))
		memcpy(&header, image->file.data, sizeof(header));
	if (header.e_type == ET_REL)
		return why_say(why, END_REFUSED,
			       "a kernel module or an object; " THE_VMLINUZ);
	return why_say(why, END_REFUSED,
		       "an ELF file: a program or a vmlinux; " THE_VMLINUZ);
}

static enum end say_other(const struct image *image, struct why *why)
{
	const struct bytes *file = &image->file;
	size_t i;

	if (bytes_have(file, 0, SELFMAG) &&
	    !memcmp(file->data, ELFMAG, SELFMAG))
		return say_elf(image, why);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (bytes_have(file, others[i].offset, others[i].bytes) &&
		    !memcmp(file->data + others[i].offset, others[i].magic,
			    others[i].bytes))
			return why_say(why, END_REFUSED, "%s", others[i].text);
	}
	return why_say(
		why, END_REFUSED,
		"not a kernel: no boot header in it (%zu bytes); " THE_VMLINUZ,
		file->size);
}

/* It becomes part of paths, so it has what a release has and nothing else. */
static enum end read_release(struct image *image, struct why *why)
{
	static const char fit[] = "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+~_-";
	const char *version =
		bytes_string(&image->file, word(image, VERSION_AT) + SECTOR);
	size_t n = version ? strspn(version, fit) : 0;

	if (!n || n >= sizeof(image->release) || *version < '0' ||
	    *version > '9' || (version[n] && version[n] != ' '))
		return why_say(why, END_REFUSED,
			       "a damaged kernel: no version in its boot "
			       "header");
	memcpy(image->release, version, n);
	image->release[n] = '\0';
	return END_DONE;
}

static enum end find_payload(struct image *image, struct why *why)
{
	uint64_t sectors = image->file.data[SETUP_SECTS];
	uint64_t at = ((sectors ? sectors : 4) + 1) * SECTOR +
		      dword(image, PAYLOAD_OFFSET);
	uint64_t bytes = dword(image, PAYLOAD_LENGTH);

	if (!bytes_have(&image->file, at, bytes) || bytes < 16)
		return why_say(why, END_REFUSED,
			       "a damaged kernel: it was cut off, or is a stub "
			       "(%zu bytes, and %" PRIu64 " of them packed at "
			       "%" PRIu64 "); install its package again",
			       image->file.size, bytes, at);
	image->payload = at;
	image->payload_bytes = bytes;
	return END_DONE;
}

static enum end open_image(struct image *image, struct why *why)
{
	const struct bytes *file = &image->file;
	uint16_t protocol;
	enum end end;

	if (!bytes_have(file, 0, HEADER_END) ||
	    memcmp(file->data + MAGIC_AT, "HdrS", 4) != 0)
		return say_other(image, why);
	protocol = word(image, PROTOCOL);
	if (protocol < PROTOCOL_MIN)
		return why_say(why, END_REFUSED,
			       "a kernel too old to be a guest: boot protocol "
			       "%u.%02u, and 2.12 (Linux 3.8) is needed",
			       protocol >> 8, protocol & 0xffu);
	if (!(word(image, LOADFLAGS64) & KERNEL_64))
		return why_say(why, END_REFUSED,
			       "a 32-bit kernel; guests are x86-64");
	end = read_release(image, why);
	return end == END_DONE ? find_payload(image, why) : end;
}

enum end image_open(struct image *image, const char *path, struct why *why)
{
	enum end end;

	*image = (struct image){ .count = 0 };
	if (write_key(path))
		return why_say(why, END_REFUSED,
			       "a graft already; a guest's kernel: can name it "
			       "as it is");
	end = bytes_read(&image->file, path, FILE_MAX, why);
	if (end == END_DONE)
		end = open_image(image, why);
	if (end != END_DONE)
		image_close(image);
	return end;
}

/* Everything the rest of us computes with a segment, without overflow. */
static bool is_sane(const struct image *image, const Elf64_Phdr *segment)
{
	bool percpu = segment->p_vaddr < HUGE; /* it starts at 0 */

	return segment->p_filesz <= segment->p_memsz &&
	       bytes_have(&image->elf, segment->p_offset, segment->p_filesz) &&
	       segment->p_memsz <= PHYSICAL_MAX &&
	       segment->p_paddr <= PHYSICAL_MAX - segment->p_memsz &&
	       (percpu ||
		(segment->p_vaddr >= KERNEL_MAP &&
		 segment->p_vaddr <= KERNEL_MAP_END - segment->p_memsz &&
		 segment->p_vaddr - segment->p_paddr == KERNEL_MAP));
}

static enum end add_segment(struct image *image, const Elf64_Phdr *segment,
			    struct why *why)
{
	uint64_t end = segment->p_vaddr + segment->p_memsz;

	if (image->count == SEGMENTS_MAX || !is_sane(image, segment))
		return why_say(why, END_REFUSED,
			       "a kernel whose segment at %#" PRIx64
			       " (%" PRIu64
			       " bytes) is nowhere that Linux would be",
			       segment->p_vaddr, segment->p_memsz);
	image->segments[image->count++] = *segment;
	if (segment->p_vaddr < KERNEL_MAP)
		return END_DONE;
	if (!image->text || segment->p_vaddr < image->text)
		image->text = segment->p_vaddr;
	end = (end + HUGE - 1) & ~(HUGE - 1);
	if (end > image->end)
		image->end = end;
	return END_DONE;
}

static enum end read_elf(struct image *image, struct why *why)
{
	const struct bytes *elf = &image->elf;
	enum end end = END_DONE;
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	unsigned int i;

	if (bytes_have(elf, 0, sizeof(header)))
		memcpy(&header, elf->data, sizeof(header));
	if (!bytes_have(elf, 0, sizeof(header)) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_machine != EM_X86_64 || header.e_type != ET_EXEC ||
	    header.e_phentsize != sizeof(segment) ||
	    header.e_phoff > elf->size ||
	    !bytes_have(elf, header.e_phoff,
			(uint64_t)header.e_phnum * sizeof(segment)))
		return why_say(why, END_REFUSED,
			       "a damaged kernel: what is packed in it is no "
			       "x86-64 vmlinux");
	for (i = 0; i < header.e_phnum && end == END_DONE; i++) {
		memcpy(&segment,
		       elf->data + header.e_phoff + i * sizeof(segment),
		       sizeof(segment));
		if (segment.p_type == PT_LOAD && segment.p_memsz)
			end = add_segment(image, &segment, why);
	}
	if (end == END_DONE && !image->text)
		end = why_say(why, END_REFUSED,
			      "a damaged kernel: nothing of it is to be "
			      "loaded");
	return end;
}

enum end image_unpack(struct image *image, struct why *why)
{
	enum end end = unpack(image->file.data + image->payload,
			      image->payload_bytes, &image->elf, why);

	return end == END_DONE ? read_elf(image, why) : end;
}

void image_close(struct image *image)
{
	bytes_free(&image->file);
	bytes_free(&image->elf);
}

uint8_t *image_at(const struct image *image, uint64_t address, uint64_t size)
{
	const Elf64_Phdr *segment = image->segments;
	const Elf64_Phdr *end = segment + image->count;

	for (; segment < end; segment++) {
		uint64_t offset = address - segment->p_vaddr;

		if (address >= KERNEL_MAP && address >= segment->p_vaddr &&
		    offset <= segment->p_filesz &&
		    size <= segment->p_filesz - offset)
			return image->elf.data + segment->p_offset + offset;
	}
	return NULL;
}
