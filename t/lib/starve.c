// SPDX-License-Identifier: GPL-2.0-only
/*
 * starve.c - everybody's malloc(), which fails when it is told to
 *
 * The linker turns each malloc() of the program into __wrap_malloc(), and leaves
 * the true one as __real_malloc(), which may be a sanitizer's.  What libc takes
 * for itself is not seen here.
 */
#include "starve.h"

#include <stdlib.h>
#include <string.h>

static unsigned int left; /* allocations until one fails */
static bool failed;
static long held;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t number, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void __real_free(void *memory);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t number, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
char *__wrap_strdup(const char *text);
void __wrap_free(void *memory);

void starve(unsigned int n)
{
	left = n;
	failed = false;
}

bool starved(void)
{
	return failed;
}

long starve_held(void)
{
	return held;
}

static bool fails(void)
{
	bool now = left && --left == 0;

	failed |= now;
	return now;
}

static void *count(void *memory)
{
	held += !!memory;
	return memory;
}

void *__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : count(__real_malloc(bytes));
}

void *__wrap_calloc(size_t number, size_t bytes)
{
	return fails() ? NULL : count(__real_calloc(number, bytes));
}

void *__wrap_realloc(void *memory, size_t bytes)
{
	void *moved = fails() ? NULL : __real_realloc(memory, bytes);

	held += moved && !memory;
	return moved;
}

char *__wrap_strdup(const char *text)
{
	char *copy = fails() ? NULL : count(__real_malloc(strlen(text) + 1));

	return copy ? strcpy(copy, text) : NULL;
}

void __wrap_free(void *memory)
{
	held -= !!memory;
	__real_free(memory);
}
