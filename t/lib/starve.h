/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * starve.h - let memory run out at the n-th allocation
 *
 * For programs that are linked with @t/lib/starve-flags, and whose libraries are
 * archives: malloc() and its family are then starve.c's for all of them, libc
 * excepted.
 */
#ifndef STARVE_H
#define STARVE_H

#include <stdbool.h>

/* starve - the n-th allocation from now fails, and only that; 0: none does */
void starve(unsigned int n);

/* starved - has it failed? */
bool starved(void);

/* starve_held - allocations that have not been freed */
long starve_held(void);

#endif /* STARVE_H */
