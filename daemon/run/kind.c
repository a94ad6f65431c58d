// SPDX-License-Identifier: GPL-2.0-only
/*
 * kind.c - a file that is no kernel, and what it is instead
 *
 * Who names the wrong file wants to hear which file that was, and what to do:
 * a packed kernel is unpacked, a page of a web server's is downloaded again.
 * So here are the first bytes of everything that people try.  A row says what
 * a file is that has these bytes there; the first row that fits is told.
 *
 * Next: daemon/run/boot.c
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "run.h"

#define UNPACK(tool) "unpack it first (" tool " <FILE >NEW)"

struct kind {
	unsigned int offset;
	const char *magic;
	unsigned int bytes; /* of magic, which may have a NUL in it */
	const char *text;
};

#define MAGIC(text) text, sizeof(text) - 1

static const struct kind kinds[] = {
	{ 0, MAGIC("\x1f\x8b"), "is packed with gzip; " UNPACK("gzip -dc") },
	{ 0,
	  MAGIC("\xfd"
		"7zXZ"),
	  "is packed with xz; " UNPACK("xz -dc") },
	{ 0, MAGIC("\x28\xb5\x2f\xfd"),
	  "is packed with zstd; " UNPACK("zstd -dc") },
	{ 0, MAGIC("BZh"), "is packed with bzip2; " UNPACK("bzip2 -dc") },
	{ 0, MAGIC("\x02\x21\x4c\x18"),
	  "is packed with lz4; " UNPACK("lz4 -dc") },
	{ 0, MAGIC("\x04\x22\x4d\x18"),
	  "is packed with lz4; " UNPACK("lz4 -dc") },
	{ 0, MAGIC("\x5d\x00\x00"),
	  "is packed with lzma; " UNPACK("xz -dc --format=lzma") },
	{ 0x202, MAGIC("HdrS"),
	  "is a bzImage, a Linux kernel packed for a boot loader; "
	  "lguest-graft makes a guest of it, and lgctl asks it to" },
	{ 0x38, MAGIC("ARM\x64"), "is a kernel for arm64; it must be x86-64" },
	{ 0, MAGIC("MZ"),
	  "is a program for EFI or Windows; lguestd loads "
	  "ELF files" },
	{ 0, MAGIC("070701"),
	  "is a cpio archive; are initrd and kernel "
	  "exchanged?" },
	{ 257, MAGIC("ustar"), "is a tar archive; unpack it first" },
	{ 0, MAGIC("PK\x03\x04"), "is a zip archive; unpack it first" },
	{ 0, MAGIC("hsqs"), "is a squashfs file system, not a kernel" },
	{ 0, MAGIC("QFI\xfb"), "is a qcow2 disk, not a kernel" },
	{ 510, MAGIC("\x55\xaa"), "is a disk or a boot sector, not a kernel" },
	{ 0, MAGIC("!<arch>\n"), "is a package or a library, not a kernel" },
	{ 0, MAGIC("#!"), "is a script, not a kernel" },
};

static const struct {
	uint16_t machine;
	const char *name;
} machines[] = {
	{ EM_386, "32-bit x86" }, { EM_AARCH64, "arm64" }, { EM_ARM, "arm" },
	{ EM_RISCV, "riscv" },    { EM_PPC64, "ppc64" },   { EM_S390, "s390" },
};

static const char *machine_name(uint16_t machine)
{
	size_t i;

	for (i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (machines[i].machine == machine)
			return machines[i].name;
	}
	return "another machine";
}

/* An ELF file, but not one that we load. */
static int say_elf(const uint8_t *head, size_t bytes, struct why *why)
{
	Elf64_Ehdr header;

	if (bytes < sizeof(header))
		return why_say(why,
			       "kernel: is an ELF file that was cut off "
			       "(%zu bytes)",
			       bytes);
	memcpy(&header, head, sizeof(header));
	if (header.e_ident[EI_CLASS] != ELFCLASS64)
		return why_say(why, "kernel: is a 32-bit ELF file; it must be "
				    "a 64-bit one");
	if (header.e_ident[EI_DATA] != ELFDATA2LSB)
		return why_say(why, "kernel: is an ELF file for a big-endian "
				    "machine; it must be x86-64");
	if (header.e_machine != EM_X86_64)
		return why_say(why,
			       "kernel: is an ELF file for %s (machine "
			       "%u); it must be x86-64",
			       machine_name(header.e_machine),
			       header.e_machine);
	if (header.e_type == ET_DYN)
		return why_say(why, "kernel: is an ELF shared object or a "
				    "position-independent program; a kernel is "
				    "linked to an address (-no-pie)");
	if (header.e_type == ET_REL)
		return why_say(why, "kernel: is an ELF object or a kernel "
				    "module; it must be linked");
	if (header.e_type == ET_CORE)
		return why_say(why, "kernel: is a core dump");
	return why_say(why,
		       "kernel: is an ELF file of type %u; it must be an "
		       "executable",
		       header.e_type);
}

static bool is_html(const uint8_t *head, size_t bytes)
{
	while (bytes && strchr(" \t\r\n", *head)) {
		head++;
		bytes--;
	}
	return (bytes >= 9 &&
		!strncasecmp((const char *)head, "<!doctype", 9)) ||
	       (bytes >= 5 && !strncasecmp((const char *)head, "<html", 5));
}

int kind_say(const uint8_t *head, size_t bytes, struct why *why)
{
	char hex[16] = "";
	size_t i;

	if (bytes >= SELFMAG && !memcmp(head, ELFMAG, SELFMAG))
		return say_elf(head, bytes, why);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (bytes >= kinds[i].offset + kinds[i].bytes &&
		    !memcmp(head + kinds[i].offset, kinds[i].magic,
			    kinds[i].bytes))
			return why_say(why, "kernel: %s", kinds[i].text);
	}
	if (is_html(head, bytes))
		return why_say(why, "kernel: is a web page (HTML), perhaps of "
				    "a download that failed");
	for (i = 0; i < 4 && i < bytes; i++)
		snprintf(hex + 3 * i, 4, " %02x", head[i]);
	return why_say(why, "kernel: is not an ELF file (it begins with%s)",
		       hex);
}
