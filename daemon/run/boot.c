// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot.c - what a kernel finds when it wakes
 *
 * Linux's 64-bit boot protocol, as far as a guest needs it: RSI at a page of
 * boot_params with a map of the memory, the command line and the initrd, and
 * page tables in which every address is the physical one.  The first entry of
 * the map is all of RAM.
 *
 *	0x10000		boot_params, and the command line in the next page
 *	...		the kernel, wherever it wants to be
 *	initrd		as high as it can be
 *	end of RAM	page tables
 *
 * The tables are made of the largest pages that fit, so that there are six
 * pages of them, however large RAM is, and one more for each 512 GiB.  Page 0
 * is left out: a NULL is a fault.  They are the guest's own memory, and it will
 * soon leave them for better ones.
 *
 * Next: daemon/run/vcpus.c
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

#define PAGE       4096ULL
#define PT_ENTRIES 512
#define PT_P       (1ULL << 0)
#define PT_W       (1ULL << 1)
#define PT_LARGE   (1ULL << 7)

#define PARAMS_GPA     0x10000ULL
#define CMDLINE_GPA    (PARAMS_GPA + PAGE)
#define LOADER_UNKNOWN 0xff
#define SUBARCH_LGUEST 1

_Static_assert(sizeof(struct boot_params) == 4096, "a page");
_Static_assert(RUN_CMDLINE_BYTES <= 4096, "a page as well");

/* ---- page tables ---- */

struct tables {
	const struct ram *ram;
	uint64_t next; /* gpa of the next table */
	uint64_t end; /* of what is mapped */
	struct why *why;
};

/* The top, those of 512 GiB each, and two at either end that are not full. */
static uint64_t tables_bytes(uint64_t ram_bytes)
{
	const uint64_t tops = (ram_bytes + (1ULL << 39) - 1) >> 39;

	return (1 + tops + 4) * PAGE;
}

static uint64_t page_bytes(int level)
{
	return PAGE << (9 * (level - 1));
}

/*
 * make_table - for [start, ...) at a level (1: of 4 KiB pages); its gpa in
 * ret_gpa.  At most four deep.
 */
static int make_table(struct tables *tables, int level, uint64_t start,
		      uint64_t *ret_gpa)
{
	const uint64_t step = page_bytes(level), gpa = tables->next;
	uint64_t table[PT_ENTRIES] = { 0 }, at, below;
	unsigned int i;

	tables->next += PAGE;
	for (i = 0; i < PT_ENTRIES; i++) {
		at = start + i * step;
		if (at >= tables->end || (level == 1 && !at))
			continue;
		if (level == 1) {
			table[i] = at | PT_P | PT_W;
		} else if (level < 4 && at && step <= tables->end - at) {
			table[i] = at | PT_P | PT_W | PT_LARGE;
		} else {
			if (make_table(tables, level - 1, at, &below) < 0)
				return -1;
			table[i] = below | PT_P | PT_W;
		}
	}
	*ret_gpa = gpa;
	return ram_write(tables->ram, gpa, table, sizeof(table), tables->why);
}

static int make_tables(const struct ram *ram, uint64_t *ret_root,
		       struct why *why)
{
	struct tables tables = {
		.ram = ram,
		.next = ram->top,
		.end = ram->bytes,
		.why = why,
	};

	return make_table(&tables, 4, 0, ret_root);
}

/* ---- boot_params ---- */

/* All of a command line, with a NUL; or it is too long. */
static int read_cmdline(int fd, char text[RUN_CMDLINE_BYTES], struct why *why)
{
	char more[RUN_CMDLINE_BYTES + 1];
	size_t len = 0;
	ssize_t n;

	do {
		n = pread(fd, more + len, sizeof(more) - len, (off_t)len);
		if (n < 0 && errno != EINTR)
			return why_say(why, "cmdline: cannot be read: %s",
				       strerror(errno));
		len += n > 0 ? (size_t)n : 0;
	} while (n && len < sizeof(more));
	len = strnlen(more, len);
	if (len >= RUN_CMDLINE_BYTES)
		return why_say(why, "cmdline: more than %d characters",
			       RUN_CMDLINE_BYTES - 1);
	memset(text, 0, RUN_CMDLINE_BYTES);
	memcpy(text, more, len);
	return 0;
}

/* As high as it can be, so that it is in nobody's way. */
static int load_initrd(struct ram *ram, int fd, struct boot_params *params,
		       struct why *why)
{
	struct run_file file;
	uint64_t gpa;

	if (fd < 0)
		return 0;
	if (file_open(&file, "initrd", fd, why) < 0)
		return -1;
	if (file.bytes > ram->top)
		return why_say(why,
			       "initrd: %" PRIu64 " KiB do not fit in the "
			       "guest's memory of %" PRIu64 " KiB",
			       file.bytes / 1024, ram->bytes / 1024);
	gpa = (ram->top - file.bytes) & ~(PAGE - 1);
	if (ram_take(ram, "initrd", gpa, file.bytes, why) < 0 ||
	    ram_copy(ram, gpa, &file, 0, file.bytes, why) < 0)
		return -1;
	params->hdr.ramdisk_image = (uint32_t)gpa;
	params->ext_ramdisk_image = (uint32_t)(gpa >> 32);
	params->hdr.ramdisk_size = (uint32_t)file.bytes;
	params->ext_ramdisk_size = (uint32_t)(file.bytes >> 32);
	return 0;
}

static void fill_params(struct boot_params *params, const struct ram *ram)
{
	params->e820_entries = 1;
	params->e820_table[0].size = ram->bytes;
	params->e820_table[0].type = 1; /* RAM */
	params->hdr.boot_flag = 0xaa55;
	memcpy(&params->hdr.header, "HdrS", 4);
	params->hdr.version = 0x20c; /* the first with 64-bit addresses */
	params->hdr.type_of_loader = LOADER_UNKNOWN;
	params->hdr.loadflags = LOADED_HIGH;
	params->hdr.cmd_line_ptr = CMDLINE_GPA;
	params->hdr.cmdline_size = RUN_CMDLINE_BYTES - 1;
	params->hdr.hardware_subarch = SUBARCH_LGUEST;
}

int boot_reserve(struct ram *ram, struct why *why)
{
	const uint64_t bytes = tables_bytes(ram->bytes);

	ram->top = ram->bytes - bytes;
	if (ram_take(ram, "the first page tables", ram->top, bytes, why) < 0)
		return -1;
	return ram_take(ram, "boot_params", PARAMS_GPA, 2 * PAGE, why);
}

int boot_fill(struct ram *ram, const struct run *run, uint64_t entry,
	      struct lg_regs *ret_regs, struct why *why)
{
	struct boot_params params = { 0 };
	char cmdline[RUN_CMDLINE_BYTES];
	uint64_t root;

	fill_params(&params, ram);
	if (load_initrd(ram, run->initrd, &params, why) < 0 ||
	    read_cmdline(run->cmdline, cmdline, why) < 0 ||
	    ram_write(ram, PARAMS_GPA, &params, sizeof(params), why) < 0 ||
	    ram_write(ram, CMDLINE_GPA, cmdline, sizeof(cmdline), why) < 0 ||
	    make_tables(ram, &root, why) < 0)
		return -1;
	*ret_regs = (struct lg_regs){
		.rip = entry,
		.rsi = PARAMS_GPA,
		.rflags = 0x202,
		.cr3 = root,
		.cs = LGUEST_CS,
		.ss = LGUEST_DS,
		.mode = LG_MODE_KERNEL,
	};
	return 0;
}
