// SPDX-License-Identifier: GPL-2.0-only
/*
 * patch.c - the hot four are in line, and still do what they should
 *
 * lguest_patch and lguest_insns[] of the seed.
 */
#include "test.h"

#define CALL_BYTES 7 /* of call *pv_ops+n */

extern const struct pv_site sites_start[], sites_end[];

static const char *const names[4] = {
	"lguest_patch: save_fl is in line everywhere",
	"lguest_patch: restore_fl is in line everywhere",
	"lguest_patch: irq_disable is in line everywhere",
	"lguest_patch: irq_enable is in line everywhere",
};

static void all_in_line(void)
{
	u32 sites[PV_PATCHED] = { 0 }, calls[PV_PATCHED] = { 0 }, i;
	const struct pv_site *site;
	const u8 *text;

	for (site = sites_start; site < sites_end; site++) {
		text = (const u8 *)site->addr;
		sites[site->type]++;
		if (text[0] == 0xff && text[1] == 0x14 && text[2] == 0x25)
			calls[site->type]++;
	}
	for (i = 0; i < 4; i++)
		ok(sites[i] && !calls[i], names[i]);
}

static int untouched(const u8 *buf, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++) {
		if (buf[i] != 0xcc)
			return 0;
	}
	return 1;
}

/* The shortest room that each template fits in, and one byte less. */
static void too_long(void)
{
	u8 buf[PV_BYTES_LONG];
	u32 type, len, used = 0, refused = 0, fitted = 0;

	for (type = 0; type < 4; type++) {
		for (len = 1; len <= sizeof(buf); len++) {
			memset(buf, 0xcc, sizeof(buf));
			used = pv_ops.patch(type, buf, len);
			if (!untouched(buf, len))
				break;
			refused += used == len;
		}
		fitted += used == len &&
			  untouched(buf + len, (u32)sizeof(buf) - len);
	}
	is(fitted, 4, "lguest_insns: each fits in a site, and writes no more");
	ok(refused >= 1, "lguest_patch: what is too long is refused, "
			 "and the call stays");
	memset(buf, 0xcc, sizeof(buf));
	used = pv_ops.patch(77, buf, sizeof(buf));
	ok(used == sizeof(buf) && untouched(buf, used),
	   "lguest_patch: an unknown type is left alone");
}

static void nops(void)
{
	u8 buf[64];
	u32 len, good = 0;

	for (len = 0; len <= 40; len++) {
		memset(buf, 0xcc, sizeof(buf));
		patch_fill(buf, len);
		good += untouched(buf + len, (u32)sizeof(buf) - len) &&
			(!len || buf[0] != 0xcc);
	}
	is(good, 41, "lguest_patch: the rest of a site is filled, no more");
}

/* Through the sites, and through the functions that stand behind them. */
static void they_work(void)
{
	u64 on, off, saved;

	irq_enable();
	on = save_fl();
	irq_disable();
	off = save_fl();
	restore_fl(on);
	saved = save_fl();
	irq_enable();
	is(on & RFLAGS_IF, RFLAGS_IF, "irq_enable: interrupts are on");
	is(off & RFLAGS_IF, 0, "irq_disable: interrupts are off");
	is(saved & RFLAGS_IF, RFLAGS_IF, "restore_fl: they are as they were");

	pv_ops.irq_disable();
	off = pv_ops.save_fl();
	pv_ops.irq_enable();
	on = pv_ops.save_fl();
	pv_ops.restore_fl(off);
	saved = pv_ops.save_fl();
	pv_ops.restore_fl(on);
	ok(!(off & RFLAGS_IF) && on & RFLAGS_IF && !(saved & RFLAGS_IF),
	   "save_fl: the functions in the table do the same");
}

/* What the compiler keeps in registers across a site must be there. */
static void they_keep(void)
{
	u64 rcx, rdx, rsi, r8, r11;

	asm volatile("mov $1, %%ecx\n\tmov $2, %%edx\n\tmov $3, %%esi\n\t"
		     "mov $4, %%r8d\n\tmov $5, %%r11d\n\t"
		     "xor %%edi, %%edi\n\t"
		     "call *pv_ops+16\n\tcall *pv_ops+24\n\t"
		     "call *pv_ops+0\n\tmov %%rax, %%rdi\n\t"
		     "call *pv_ops+8\n\t"
		     "mov %%r8, %3\n\tmov %%r11, %4"
		     : "=&c"(rcx), "=&d"(rdx), "=&S"(rsi), "=r"(r8), "=r"(r11)
		     :
		     : "rax", "rdi", "r8", "r11", "memory", "cc");
	ok(rcx == 1 && rdx == 2 && rsi == 3 && r8 == 4 && r11 == 5,
	   "lguest_insns: they lose nothing but RAX");
}

void init_thread(void)
{
	all_in_line();
	too_long();
	nops();
	they_work();
	they_keep();
	done_testing();
}
