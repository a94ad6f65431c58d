// SPDX-License-Identifier: GPL-2.0-only
/*
 * patch.c - the machine's own instructions, over the calls of the hot four
 *
 * A site is a call through pv_ops with room behind it.  Each machine has a
 * template for each of the hot operations, and if it fits it is copied in and
 * what is left becomes NOPs.  If it does not fit, the call stays: slower, and
 * just as right.  (lguest_patch and lguest_insns[] of the seed.)
 *
 * Sites are patched once, at boot, before there is a second CPU, with
 * interrupts off.  The text is written at its direct address, which is the one
 * that may be written.
 *
 * Next: guestos/kernel/native_asm.S
 */
#include "kernel.h"

extern const struct pv_site sites_start[], sites_end[];

/* The longest NOP that every x86-64 processor has in one piece. */
static const u8 nops[9][9] = {
	{ 0x90 },
	{ 0x66, 0x90 },
	{ 0x0f, 0x1f, 0x00 },
	{ 0x0f, 0x1f, 0x40, 0x00 },
	{ 0x0f, 0x1f, 0x44, 0x00, 0x00 },
	{ 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 },
	{ 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00 },
	{ 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
	{ 0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
};

/* patch_fill - as few NOPs as will do */
void patch_fill(u8 *from, u32 bytes)
{
	u32 n;

	for (; bytes; bytes -= n, from += n) {
		n = bytes < 9 ? bytes : 9;
		memcpy(from, nops[n - 1], n);
	}
}

/* patch_default - leave what is there; returns how much of it is in use */
u32 patch_default(u32 type, void *buf, u32 len)
{
	(void)type;
	(void)buf;
	return len;
}

/*
 * patch_copy - a template over the site, if it fits
 *
 * insns: the machine's templates, one for each type.  buf holds the site as it
 * stands.  Returns how many bytes of it are in use afterwards.
 */
u32 patch_copy(u32 type, const struct pv_insns *insns, void *buf, u32 len)
{
	u32 bytes;

	if (type >= PV_PATCHED || !insns[type].start)
		return patch_default(type, buf, len);
	bytes = (u32)(insns[type].end - insns[type].start);
	if (bytes > len)
		return patch_default(type, buf, len);
	memcpy(buf, insns[type].start, bytes);
	return bytes;
}

/* patch_all - every site; returns how many were changed */
u32 patch_all(void)
{
	const struct pv_site *site;
	u32 used, regs[4], changed = 0;
	u8 buf[PV_BYTES_LONG];
	u8 *text;

	for (site = sites_start; site < sites_end; site++) {
		if (site->bytes > sizeof(buf))
			panic("patch: site at %#llx: %u bytes", site->addr,
			      site->bytes);
		text = va(pa((void *)site->addr));
		memcpy(buf, text, site->bytes);
		used = pv_ops.patch(site->type, buf, site->bytes);
		if (used > site->bytes)
			panic("patch: type %u: %u bytes in %u", site->type,
			      used, site->bytes);
		patch_fill(buf + used, site->bytes - used);
		changed += memcmp(text, buf, site->bytes) != 0;
		memcpy(text, buf, site->bytes);
	}
	/* Code written at another address is only sure to be seen after this. */
	pv_ops.cpuid(0, 0, regs);
	return changed;
}
