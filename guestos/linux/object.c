// SPDX-License-Identifier: GPL-2.0-only
/*
 * object.c - ELF files that our own compiler and linker made
 *
 * Two of them: the port before it is linked, of which we want the names that it
 * has not got, and after, of which we want the tables that graft.h describes.
 * They are read as carefully as what comes from strangers, which costs nothing.
 *
 * Next: guestos/linux/link.c
 */
#include <string.h>

#include "tool.h"

#define OBJECT_MAX (64u << 20)

static const char *section_name(const struct object *object, unsigned int i)
{
	const Elf64_Ehdr *header = (const void *)object->file.data;
	const Elf64_Shdr *names;
	const char *name = NULL;

	if (header->e_shstrndx < object->count) {
		names = &object->sections[header->e_shstrndx];
		if (bytes_have(&object->file, names->sh_offset,
			       object->sections[i].sh_name))
			name = bytes_string(
				&object->file,
				names->sh_offset + object->sections[i].sh_name);
	}
	return name ? name : "";
}

static const void *section_data(const struct object *object, unsigned int i)
{
	const Elf64_Shdr *section = &object->sections[i];

	if (section->sh_type == SHT_NOBITS || section->sh_offset % 8 ||
	    !bytes_have(&object->file, section->sh_offset, section->sh_size))
		return NULL;
	return object->file.data + section->sh_offset;
}

static bool read_symbols(struct object *object)
{
	unsigned int i, link;

	for (i = 0; i < object->count; i++) {
		if (object->sections[i].sh_type != SHT_SYMTAB)
			continue;
		link = object->sections[i].sh_link;
		object->symbols = section_data(object, i);
		if (!object->symbols || link >= object->count ||
		    !bytes_have(&object->file, object->sections[link].sh_offset,
				object->sections[link].sh_size))
			return false;
		object->symbol_count =
			object->sections[i].sh_size / sizeof(Elf64_Sym);
		object->strings.data =
			object->file.data + object->sections[link].sh_offset;
		object->strings.size = object->sections[link].sh_size;
		return true;
	}
	return false;
}

enum end object_read(struct object *object, const char *path, struct why *why)
{
	const Elf64_Ehdr *header;
	enum end end;

	*object = (struct object){ .count = 0 };
	end = bytes_read(&object->file, path, OBJECT_MAX, why);
	if (end != END_DONE)
		return end;
	header = (const void *)object->file.data;
	if (bytes_have(&object->file, 0, sizeof(*header)) &&
	    !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
	    header->e_machine == EM_X86_64 && header->e_shoff % 8 == 0 &&
	    bytes_have(&object->file, header->e_shoff,
		       header->e_shnum * sizeof(Elf64_Shdr))) {
		object->sections =
			(const void *)(object->file.data + header->e_shoff);
		object->count = header->e_shnum;
		if (read_symbols(object))
			return END_DONE;
	}
	object_close(object);
	return why_say(why, END_FAILED,
		       "'%s': not what a compiler makes for x86-64", path);
}

void object_close(struct object *object)
{
	bytes_free(&object->file);
	*object = (struct object){ .count = 0 };
}

const uint8_t *object_section(const struct object *object, const char *name,
			      size_t *ret_bytes)
{
	unsigned int i;

	for (i = 0; i < object->count; i++) {
		if (!strcmp(section_name(object, i), name)) {
			*ret_bytes = object->sections[i].sh_size;
			return section_data(object, i);
		}
	}
	return NULL;
}

const char *object_undefined(const struct object *object, size_t i)
{
	const Elf64_Sym *symbol = &object->symbols[i];
	const char *name = bytes_string(&object->strings, symbol->st_name);

	return symbol->st_shndx == SHN_UNDEF && name && *name ? name : NULL;
}
