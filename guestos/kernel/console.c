// SPDX-License-Identifier: GPL-2.0-only
/*
 * console.c - text, from the first instruction on
 *
 * Until a driver offers to do it, the machine prints a few characters at a time and says how many it took: a
 * serial port natively, and under lguest LHCALL_NOTIFY on plain memory
 * (early_put_chars of the seed).  Neither needs anything that is not there
 * when the kernel wakes.
 *
 * Next: guestos/kernel/input.c
 */
#include "kernel.h"

static struct spinlock console_lock;
static void (*use)(const char *text, size_t len); /* NULL: the machine's own */

static void write_locked(const char *text, size_t len)
{
	int done;

	if (use) {
		use(text, len);
		return;
	}
	for (; len; text += done, len -= (size_t)done) {
		done = pv_ops.put_chars(text, len > 64 ? 64 : (int)len);
		if (done <= 0)
			return;
	}
}

/* console_use - from now on text goes there, one caller at a time */
void console_use(void (*write)(const char *text, size_t len))
{
	spin_lock(&console_lock);
	use = write;
	spin_unlock(&console_lock);
}

/* console_write - all of it in one piece, whatever other CPUs print */
void console_write(const char *text, size_t len)
{
	spin_lock(&console_lock);
	write_locked(text, len);
	spin_unlock(&console_lock);
}

/* printk - may be called from anywhere, interrupts on or off */
void printk(const char *fmt, ...)
{
	char text[256];
	va_list args;
	size_t len;

	__builtin_va_start(args, fmt);
	len = vformat(text, sizeof(text), fmt, args);
	__builtin_va_end(args);
	console_write(text, len < sizeof(text) ? len : sizeof(text) - 1);
}
