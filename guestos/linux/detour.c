// SPDX-License-Identifier: GPL-2.0-only
/*
 * detour.c - the kernel's text, changed as the port asks
 *
 * A few places of a kernel cannot be reached by its tables of operations.  The
 * port names each, says what must be there before, and what shall be: a jump or
 * a call to the port, or other instructions.  What is left over of the old ones
 * is filled, so that nobody runs into the middle of one.
 *
 * Must never happen: a place is changed that is not what the port thinks.
 *
 * Next: guestos/linux/write.c
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

#define CALL 0xe8
#define JUMP 0xe9
#define INT3 0xcc
#define NOP  0x90

static const char *in_hex(const uint8_t *bytes, size_t n, char *buf, size_t len)
{
	size_t i;

	buf[0] = '\0';
	for (i = 0; i < n && 3 * i + 3 < len; i++)
		snprintf(buf + 3 * i, len - 3 * i, "%02x ", bytes[i]);
	if (i)
		buf[3 * i - 1] = '\0';
	return buf;
}

/* What the port has at a virtual address of its own. */
static const uint8_t *port_at(const struct graft *graft, uint64_t address,
			      uint64_t bytes)
{
	unsigned int i;

	for (i = 0; i < graft->port.count; i++) {
		const Elf64_Shdr *section = &graft->port.sections[i];
		uint64_t offset = address - section->sh_addr;

		if (section->sh_flags & SHF_ALLOC &&
		    section->sh_type != SHT_NOBITS &&
		    address >= section->sh_addr && offset <= section->sh_size &&
		    bytes <= section->sh_size - offset &&
		    bytes_have(&graft->port.file, section->sh_offset + offset,
			       bytes))
			return graft->port.file.data + section->sh_offset +
			       offset;
	}
	return NULL;
}

static bool put_branch(uint8_t *place, const struct graft_detour *row)
{
	int64_t distance = (int64_t)(row->to - (row->at + GRAFT_JUMP_BYTES));
	int32_t rel32 = (int32_t)distance;
	bool call = row->kind == GRAFT_CALL;

	if (distance != rel32 || row->bytes < GRAFT_JUMP_BYTES)
		return false;
	place[0] = call ? CALL : JUMP;
	memcpy(place + 1, &rel32, sizeof(rel32));
	memset(place + GRAFT_JUMP_BYTES, call ? NOP : INT3,
	       row->bytes - GRAFT_JUMP_BYTES);
	return true;
}

static bool put(const struct graft *graft, uint8_t *place,
		const struct graft_detour *row)
{
	const uint8_t *bytes = port_at(graft, row->to, row->bytes);

	switch (row->kind) {
	case GRAFT_JUMP:
	case GRAFT_CALL:
		return put_branch(place, row);
	case GRAFT_BYTES:
		if (bytes)
			memcpy(place, bytes, row->bytes);
		return bytes;
	default:
		return false;
	}
}

static enum end make_detour(const struct graft *graft,
			    const struct graft_detour *row, struct why *why)
{
	char near[120], here[3 * GRAFT_EXPECTED_BYTES + 1], want[sizeof(here)];
	uint8_t *place = image_at(graft->image, row->at, row->bytes);

	symbols_near(graft->symbols, row->at, near, sizeof(near));
	if (!place || row->expected_bytes > row->bytes ||
	    row->expected_bytes > GRAFT_EXPECTED_BYTES)
		return why_say(why, END_FAILED,
			       "the port: detour at %s: %u bytes there, %u of "
			       "them expected, make no sense",
			       near, row->bytes, row->expected_bytes);
	if (memcmp(place, row->expected, row->expected_bytes) != 0)
		return why_say(
			why, END_REFUSED,
			"kernel %s has `%s` at %s, and the port expects "
			"`%s`",
			graft->image->release,
			in_hex(place, row->expected_bytes, here, sizeof(here)),
			near,
			in_hex(row->expected, row->expected_bytes, want,
			       sizeof(want)));
	if (!put(graft, place, row))
		return why_say(why, END_FAILED,
			       "the port: detour at %s: kind %u, %u bytes, to "
			       "%#llx: cannot be made",
			       near, row->kind, row->bytes, row->to);
	return END_DONE;
}

enum end detour_all(const struct graft *graft, struct why *why)
{
	const struct graft_detour *rows;
	enum end end = END_DONE;
	size_t i, bytes = 0;

	rows = (const void *)object_section(&graft->port, ".lguest.detour",
					    &bytes);
	if (bytes % sizeof(*rows) || (bytes && !rows))
		return why_say(why, END_FAILED,
			       "the port: its detours have %zu bytes, %zu each",
			       bytes, sizeof(*rows));
	for (i = 0; i < bytes / sizeof(*rows) && end == END_DONE; i++)
		end = make_detour(graft, &rows[i], why);
	return end;
}
