// SPDX-License-Identifier: GPL-2.0-only
/*
 * uaccess.c - touching what may not be there
 *
 * A system call's pointer is a user's word.  The kernel just tries, and a
 * fault at one of the instructions in the section .fixups goes on at the place
 * that stands beside it.  (Exception fix-up; trap.c looks it up.)
 *
 * Next: guestos/kernel/entry.S
 */
#include "kernel.h"

/* A fault at 1 goes on at 2: always behind it, never at it again. */
#define FIXUP(from, to)                 \
	".pushsection .fixups, \"a\"\n" \
	".quad " from ", " to "\n"      \
	".popsection\n"

/* copy - returns how many bytes were not copied */
static size_t copy(void *to, const void *from, size_t bytes)
{
	asm volatile("1: rep movsb\n"
		     "2:\n" FIXUP("1b", "2b")
		     : "+D"(to), "+S"(from), "+c"(bytes)
		     :
		     : "memory");
	return bytes;
}

static int bad_user(u64 addr, size_t bytes)
{
	return addr >= USER_END || bytes > USER_END - addr;
}

/* copy_from_user - all of it, or -EFAULT */
int copy_from_user(void *to, u64 from, size_t bytes)
{
	if (bad_user(from, bytes) || copy(to, (void *)from, bytes))
		return -EFAULT;
	return 0;
}

/* copy_to_user - all of it, or -EFAULT and part of it */
int copy_to_user(u64 to, const void *from, size_t bytes)
{
	if (bad_user(to, bytes) || copy((void *)to, from, bytes))
		return -EFAULT;
	return 0;
}

/* copy_string - up to bytes - 1 characters, and always a NUL */
int copy_string(char *to, u64 from, size_t bytes)
{
	size_t i;

	for (i = 0; i + 1 < bytes; i++) {
		if (copy_from_user(&to[i], from + i, 1) < 0)
			return -EFAULT;
		if (!to[i])
			return 0;
	}
	to[i] = '\0';
	return 0;
}

/* try_read - eight bytes of the kernel's, if they are there */
int try_read(const void *from, u64 *ret_value)
{
	return copy(ret_value, from, sizeof(*ret_value)) ? -EFAULT : 0;
}

/* try_write - eight bytes of the kernel's, if they may be written */
int try_write(void *to, u64 value)
{
	return copy(to, &value, sizeof(value)) ? -EFAULT : 0;
}

/* load_fs - a segment that a process has named, or none if it is none */
void load_fs(u16 selector)
{
	asm volatile("mov %w0, %%fs\n"
		     "1: mov %w1, %%fs\n"
		     "2:\n" FIXUP("1b", "2b")
		     :
		     : "r"(0), "r"(selector));
}

/* try_rdmsr - a model-specific register, if there is one and we may */
int try_rdmsr(u32 msr, u64 *ret_value)
{
	u32 low = 0, high = 0, failed = 1;

	asm volatile("1: rdmsr\n"
		     "xor %2, %2\n"
		     "2:\n" FIXUP("1b", "2b")
		     : "+a"(low), "+d"(high), "+r"(failed)
		     : "c"(msr)
		     : "memory");
	if (failed)
		return -EFAULT;
	*ret_value = (u64)high << 32 | low;
	return 0;
}
