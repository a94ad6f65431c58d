// SPDX-License-Identifier: GPL-2.0-only
/*
 * link.c - kernel and port become one
 *
 * The linker does it: it is here anyway, as the compiler needs it, and knows
 * every relocation that a compiler may think of.  It gets a script in which each
 * name that the port lacks is an address of the kernel's; the port is placed
 * behind the kernel, on the next 2 MiB.
 *
 * The script has all the sections that the port may have.  Some are dropped:
 * they are lists of places that a kernel rewrites when it boots, and what the
 * compiler put there is right without that.  One that is not in the script would
 * need somebody to read it, and is an error.
 *
 * Must never happen: a name that the kernel has twice is linked to one of them.
 *
 * Next: guestos/linux/detour.c
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

#define NAMES_SAID 4

/* ---- the names ---- */

static const char *const ours[] = { "graft_start", "graft_text_end",
				    "graft_rodata_end", "graft_end" };

static bool is_ours(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (!strcmp(name, ours[i]))
			return true;
	}
	return false;
}

/* The boot CPU's copy of a per-CPU variable, as vmlinux.lds.S makes it. */
static enum symbols_found find(const struct symbols *symbols, const char *name,
			       uint64_t *ret)
{
	static const char initial[] = "init_per_cpu__";
	uint64_t load, offset;

	if (strncmp(name, initial, sizeof(initial) - 1) != 0)
		return symbols_find(symbols, name, ret);
	name += sizeof(initial) - 1;
	if (symbols_find(symbols, "__per_cpu_load", &load) != SYMBOL_ONE ||
	    symbols_find(symbols, name, &offset) != SYMBOL_ONE)
		return SYMBOL_NONE;
	*ret = load + offset;
	return SYMBOL_ONE;
}

struct names {
	char text[300];
	size_t used;
	unsigned int count;
};

static void add(struct names *names, const char *name)
{
	if (names->count++ >= NAMES_SAID)
		return;
	snprintf(names->text + names->used, sizeof(names->text) - names->used,
		 "%s%.60s", names->used ? ", " : "", name);
	names->used = strlen(names->text);
}

static const char *and_more(struct names *names)
{
	if (names->count > NAMES_SAID)
		snprintf(names->text + names->used,
			 sizeof(names->text) - names->used, " and %u more",
			 names->count - NAMES_SAID);
	return names->text;
}

static enum end put_names(const struct graft *graft,
			  const struct object *object, FILE *script,
			  struct why *why)
{
	struct names missing = { .count = 0 }, many = { .count = 0 };
	uint64_t address;
	size_t i;

	for (i = 0; i < object->symbol_count; i++) {
		const char *name = object_undefined(object, i);

		if (!name || is_ours(name))
			continue;
		switch (find(graft->symbols, name, &address)) {
		case SYMBOL_ONE:
			fprintf(script, "\"%s\" = %#" PRIx64 ";\n", name,
				address);
			break;
		case SYMBOL_MANY:
			add(&many, name);
			break;
		case SYMBOL_NONE:
			add(&missing, name);
		}
	}
	if (missing.count)
		return why_say(why, END_REFUSED,
			       "kernel %s has no %s, which the port needs",
			       graft->image->release, and_more(&missing));
	if (many.count)
		return why_say(why, END_REFUSED,
			       "kernel %s has more than one %s, and the port "
			       "cannot tell which it needs",
			       graft->image->release, and_more(&many));
	return END_DONE;
}

/* ---- the places ---- */

static const char layout[] =
	"PHDRS { text PT_LOAD FLAGS(5);\n"
	"  rodata PT_LOAD FLAGS(4); data PT_LOAD FLAGS(6); }\n"
	"ENTRY(graft_start)\n"
	"SECTIONS {\n"
	"  . = %#" PRIx64 "; graft_start = .;\n"
	"  .text : { *(.text .text.* .noinstr.text .entry.text\n"
	"    .init.text .ref.text .altinstr_aux .altinstr_replacement\n"
	"    .plt .iplt) } :text\n"
	"  . = ALIGN(4096); graft_text_end = .;\n"
	"  .rodata : { *(.rodata .rodata.* .init.rodata) } :rodata\n"
	"  . = ALIGN(4096); graft_rodata_end = .;\n"
	"  .data : { *(.data .data.[!.]* .data..ro_after_init\n"
	"    .data..read_mostly .data..cacheline_aligned\n"
	"    .data..page_aligned .init.data .ref.data\n"
	"    .got .got.plt .igot.plt) } :data\n"
	"  .bss : { *(.bss .bss.* COMMON) } :data\n"
	"  . = ALIGN(4096); graft_end = .;\n"
	"  .lguest.port 0 (INFO) : { *(.lguest.port) } :NONE\n"
	"  .lguest.check 0 (INFO) : { *(.lguest.check) }\n"
	"  .lguest.detour 0 (INFO) : { *(.lguest.detour) }\n"
	"  .rela 0 (INFO) : { *(.rela.*) }\n"
	"  /DISCARD/ : { *(.altinstructions .parainstructions\n"
	"    .smp_locks .static_call_sites .retpoline_sites\n"
	"    .return_sites .call_sites .ibt_endbr_seal\n"
	"    __jump_table __mcount_loc\n"
	"    __patchable_function_entries .orc_* .discard.*\n"
	"    .comment .note .note.* .modinfo .export_symbol\n"
	"    .eh_frame .debug* .BTF* .llvm* .gnu.*) }\n"
	"}\n"
	"ASSERT(SIZEOF(.rela) == 0, \"relocations are left\")\n";

static enum end write_script(const struct graft *graft,
			     const struct object *object, const char *path,
			     struct why *why)
{
	FILE *script = fopen(path, "we");
	enum end end;

	if (!script)
		return why_say(why, END_FAILED, "'%s': %s", path,
			       strerror(errno));
	end = put_names(graft, object, script, why);
	fprintf(script, layout, graft->image->end);
	if (fclose(script) && end == END_DONE)
		end = why_say(why, END_FAILED, "'%s': %s", path,
			      strerror(errno));
	return end;
}

enum end link_port(struct graft *graft, const struct build *build,
		   const char *path, struct why *why)
{
	char script[300], linked[300];
	const char *argv[] = {
		"ld",
		"-melf_x86_64",
		"--no-relax",
		"--build-id=none",
		"-zmax-page-size=4096",
		"-znoexecstack",
		"--orphan-handling=error",
		"-T",
		script,
		"-o",
		linked,
		path,
		NULL,
	};
	struct object object;
	enum end end = object_read(&object, path, why);

	if (end != END_DONE)
		return end;
	snprintf(script, sizeof(script), "%s/port.lds", build->folder);
	snprintf(linked, sizeof(linked), "%s/port.elf", build->folder);
	end = write_script(graft, &object, script, why);
	if (end == END_DONE)
		end = build_run(build, argv, "linking the port", why);
	if (end == END_DONE)
		end = object_read(&graft->port, linked, why);
	object_close(&object);
	return end;
}

/* ---- what the port says of itself ---- */

static enum end read_port(struct graft *graft, struct why *why)
{
	const char *release = graft->image->release;
	const struct graft_port *port;
	size_t bytes = 0;

	port = (const void *)object_section(&graft->port, ".lguest.port",
					    &bytes);
	if (!port || bytes != sizeof(*port) || port->version != GRAFT_VERSION)
		return why_say(why, END_FAILED,
			       "the port: not one GRAFT_PORT of version %d in "
			       "it (%zu bytes)",
			       GRAFT_VERSION, bytes);
	if (strncmp(port->release, release, sizeof(port->release)) != 0)
		return why_say(
			why, END_LACKING,
			"the port was compiled for kernel %.*s, and this "
			"is %s",
			(int)sizeof(port->release), port->release, release);
	if (port->entry < graft->image->end || port->entry >= KERNEL_MAP_END)
		return why_say(
			why, END_FAILED,
			"the port: it begins at %#llx, which is not in it",
			port->entry);
	graft->entry = port->entry - KERNEL_MAP;
	return END_DONE;
}

static enum end read_types(const struct graft *graft, struct btf *btf,
			   struct why *why)
{
	uint64_t start, stop;
	const uint8_t *data = NULL;

	if (symbols_find(graft->symbols, "__start_BTF", &start) == SYMBOL_ONE &&
	    symbols_find(graft->symbols, "__stop_BTF", &stop) == SYMBOL_ONE &&
	    stop > start)
		data = image_at(graft->image, start, stop - start);
	if (!data)
		return why_say(why, END_REFUSED,
			       "kernel %s was built without "
			       "CONFIG_DEBUG_INFO_BTF, by which the port is "
			       "checked",
			       graft->image->release);
	return btf_read(btf, data, stop - start, why);
}

enum end link_check(struct graft *graft, struct why *why)
{
	const struct graft_check *rows;
	enum end end = read_port(graft, why);
	size_t bytes = 0;
	struct btf btf;

	if (end != END_DONE)
		return end;
	end = read_types(graft, &btf, why);
	if (end != END_DONE)
		return end;
	rows = (const void *)object_section(&graft->port, ".lguest.check",
					    &bytes);
	if (!rows || bytes % sizeof(*rows))
		end = why_say(why, END_FAILED,
			      "the port: nothing in it to be checked "
			      "(%zu bytes)",
			      bytes);
	else
		end = check_all(&btf, rows, bytes / sizeof(*rows), why);
	btf_free(&btf);
	return end;
}
