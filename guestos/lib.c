// SPDX-License-Identifier: GPL-2.0-only
/*
 * lib.c - memcpy, formatting and no more
 *
 * The compiler may call memcpy and memset on its own, so a kernel without a
 * library has to have them.
 *
 * Next: guestos/print.c
 */
#include "guestos.h"

void *memcpy(void *to, const void *from, size_t bytes)
{
	void *start = to;

	size_t words = bytes / 8;

	bytes %= 8;
	asm volatile("rep movsq"
		     : "+D"(to), "+S"(from), "+c"(words)
		     :
		     : "memory");
	asm volatile("rep movsb"
		     : "+D"(to), "+S"(from), "+c"(bytes)
		     :
		     : "memory");
	return start;
}

void *memset(void *to, int value, size_t bytes)
{
	void *start = to;

	u64 word = 0x0101010101010101 * (u8)value;
	size_t words = bytes / 8;

	bytes %= 8;
	asm volatile("rep stosq"
		     : "+D"(to), "+c"(words)
		     : "a"(word)
		     : "memory");
	asm volatile("rep stosb"
		     : "+D"(to), "+c"(bytes)
		     : "a"(word)
		     : "memory");
	return start;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const u8 *x = a, *y = b;

	for (; bytes; bytes--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

size_t strlen(const char *s)
{
	size_t len = 0;

	while (s[len])
		len++;
	return len;
}

/* Where formatted text goes: it stops growing at the end, and keeps counting. */
struct out {
	char *buf;
	size_t bytes, len;
};

static void put(struct out *out, char c)
{
	if (out->len + 1 < out->bytes)
		out->buf[out->len] = c;
	out->len++;
}

static void put_string(struct out *out, const char *s)
{
	while (*s)
		put(out, *s++);
}

static void put_number(struct out *out, u64 n, u32 base)
{
	char digits[24];
	int i = 0;

	do {
		digits[i++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	while (i)
		put(out, digits[--i]);
}

/* One conversion, of those we have: %s %c %d %u %x, with # and l and ll. */
static const char *put_one(struct out *out, const char *fmt, va_list *args)
{
	int hash = 0, longs = 0;
	u64 n;

	for (; *fmt == '#'; fmt++)
		hash = 1;
	for (; *fmt == 'l'; fmt++)
		longs++;

	switch (*fmt) {
	case 's':
		put_string(out, __builtin_va_arg(*args, const char *));
		return fmt + 1;
	case 'c':
		put(out, (char)__builtin_va_arg(*args, int));
		return fmt + 1;
	case 'd':
	case 'u':
	case 'x':
		break;
	default:
		put(out, '%');
		return fmt;
	}

	n = longs ? __builtin_va_arg(*args, u64) : __builtin_va_arg(*args, u32);
	if (*fmt == 'd' && !longs)
		n = (u64)(int)n;
	if (*fmt == 'd' && n >> 63) {
		put(out, '-');
		n = -n;
	}
	if (*fmt == 'x' && hash)
		put_string(out, "0x");
	put_number(out, n, *fmt == 'x' ? 16 : 10);
	return fmt + 1;
}

/* vformat - as vsnprintf: always ends the text, returns how long it would be */
size_t vformat(char *buf, size_t bytes, const char *fmt, va_list args)
{
	struct out out = { buf, bytes, 0 };
	va_list ours;

	__builtin_va_copy(ours, args);
	while (*fmt) {
		if (*fmt == '%')
			fmt = put_one(&out, fmt + 1, &ours);
		else
			put(&out, *fmt++);
	}
	__builtin_va_end(ours);
	buf[out.len < bytes ? out.len : bytes - 1] = '\0';
	return out.len;
}
