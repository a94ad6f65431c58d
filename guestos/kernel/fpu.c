// SPDX-License-Identifier: GPL-2.0-only
/*
 * fpu.c - the registers the kernel does not use
 *
 * The kernel is built without them, so they keep the process's values while it
 * runs, and change hands only when another process does.  Saved with XSAVE
 * where the processor has it turned on, else with FXSAVE.
 *
 * Next: guestos/kernel/debug.c
 */
#include "kernel.h"

#define XSAVE_MASK 7 /* x87, SSE and AVX: they fit in a page */

static int has_xsave;

/* fpu_init - on each CPU, once */
void fpu_init(void)
{
	u32 regs[4];

	pv_ops.clts();
	pv_ops.cpuid(1, 0, regs);
	has_xsave = (regs[2] >> 27 & 1) != 0; /* OSXSAVE: and it is on */
	asm volatile("fninit");
}

void fpu_save(void *state)
{
	if (has_xsave)
		asm volatile("xsave64 (%0)"
			     :
			     : "r"(state), "a"(XSAVE_MASK), "d"(0)
			     : "memory");
	else
		asm volatile("fxsave64 (%0)" : : "r"(state) : "memory");
}

void fpu_load(const void *state)
{
	if (has_xsave)
		asm volatile("xrstor64 (%0)"
			     :
			     : "r"(state), "a"(XSAVE_MASK), "d"(0)
			     : "memory");
	else
		asm volatile("fxrstor64 (%0)" : : "r"(state) : "memory");
}

/* fpu_new - a page of state: a copy, or (NULL) what a program starts with */
void *fpu_new(const void *from)
{
	u8 *state = page_alloc();

	if (!state)
		return NULL;
	if (from) {
		memcpy(state, from, PAGE_BYTES);
		return state;
	}
	*(u16 *)state = 0x37f; /* FCW: every exception masked */
	*(u32 *)(state + 24) = 0x1f80; /* MXCSR: the same */
	return state;
}
