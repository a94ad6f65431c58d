// SPDX-License-Identifier: GPL-2.0-only
/*
 * print.c - text for the host, and giving up
 *
 * print() formats into a buffer and hands the host its physical address: the
 * early console, which works from the first moment.  This is the end of the
 * library; from here on it is a kernel.
 *
 * Next: guestos/kernel/boot.S
 */
#include "guestos.h"
#include "hypercall.h"

/* print - text for the early console */
void print(const char *fmt, ...)
{
	static char text[512];
	va_list args;

	__builtin_va_start(args, fmt);
	vformat(text, sizeof(text), fmt, args);
	__builtin_va_end(args);
	hc_notify((u64)text);
}

/* panic - crash, and tell the host why */
void panic(const char *fmt, ...)
{
	static char reason[256];
	va_list args;

	__builtin_va_start(args, fmt);
	vformat(reason, sizeof(reason), fmt, args);
	__builtin_va_end(args);
	hc_shutdown(LGUEST_SHUTDOWN_CRASH, reason);
}
