/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mark.h - the time, and a mark for whoever counts other things than time
 *
 * The mark is a NOP that nobody else has: see cr3_plugin.c.
 */
#ifndef MARK_H
#define MARK_H

#include "ops.h"

#define MARK_STRING(...)  MARK_STRING_(__VA_ARGS__)
#define MARK_STRING_(...) #__VA_ARGS__

static inline unsigned long long mark_tsc(void)
{
	unsigned int low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (unsigned long long)high << 32 | low;
}

static inline unsigned long long mark_begin(void)
{
	asm volatile(".byte " MARK_STRING(MARK_BYTES) : : : "memory");
	return mark_tsc();
}

/* mark_end - the ticks since mark_begin() returned start */
static inline unsigned long long mark_end(unsigned long long start)
{
	unsigned long long ticks = mark_tsc() - start;

	asm volatile(".byte " MARK_STRING(MARK_BYTES) : : : "memory");
	return ticks;
}

#endif /* MARK_H */
