// SPDX-License-Identifier: GPL-2.0-only
/*
 * fpu-state.c - a pattern in every x87, SSE and AVX register
 *
 * Guests are compiled without these registers, so nothing but what is here ever
 * touches them: what fpu_fill() put there, fpu_compare() has to find.
 */
#include "test.h"

static struct fpu_state pattern, got;

static u64 noise(u64 seed)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1d;
}

void fpu_save(struct fpu_state *state)
{
	memset(state, 0, sizeof(*state));
	if (has_avx())
		asm volatile("xsave64 %0"
			     : "+m"(*state)
			     : "a"(7), "d"(0)
			     : "memory");
	else
		asm volatile("fxsave64 %0" : "=m"(*state) : : "memory");
}

static void load(const struct fpu_state *state)
{
	if (has_avx())
		asm volatile("xrstor64 %0" : : "m"(*state), "a"(7), "d"(0));
	else
		asm volatile("fxrstor64 %0" : : "m"(*state));
}

void fpu_fill(u64 seed)
{
	int i;

	fpu_save(&pattern);
	pattern.fcw = 0x0e7f; /* all masked, round to zero, 53 bits */
	pattern.mxcsr = 0x7f80; /* all masked, round to zero */
	pattern.ftw = 0xff;
	for (i = 0; i < 16; i++) {
		pattern.xmm[i][0] = seed = noise(seed + 1);
		pattern.xmm[i][1] = seed = noise(seed);
		pattern.ymm_high[i][0] = seed = noise(seed);
		pattern.ymm_high[i][1] = seed = noise(seed);
	}
	for (i = 0; i < 8; i++) {
		pattern.st[i][0] = noise(seed + (u64)i) | 1ULL << 63;
		pattern.st[i][1] = 0x3fff;
	}
	if (has_avx())
		pattern.header[0] = 7;
	load(&pattern);
}

void fpu_compare(const char *when)
{
	int i;

	fpu_save(&got);
	if (got.fcw != pattern.fcw)
		panic("%s: FCW is %#x, was %#x", when, got.fcw, pattern.fcw);
	if (got.mxcsr != pattern.mxcsr)
		panic("%s: MXCSR is %#x, was %#x", when, got.mxcsr,
		      pattern.mxcsr);
	for (i = 0; i < 8; i++) {
		if (got.st[i][0] != pattern.st[i][0])
			panic("%s: ST%d is %#llx, was %#llx", when, i,
			      got.st[i][0], pattern.st[i][0]);
	}
	for (i = 0; i < 16; i++) {
		if (memcmp(got.xmm[i], pattern.xmm[i], 16))
			panic("%s: XMM%d is %#llx, was %#llx", when, i,
			      got.xmm[i][0], pattern.xmm[i][0]);
		if (has_avx() &&
		    memcmp(got.ymm_high[i], pattern.ymm_high[i], 16))
			panic("%s: YMM%d's high half is %#llx, was %#llx", when,
			      i, got.ymm_high[i][0], pattern.ymm_high[i][0]);
	}
}
