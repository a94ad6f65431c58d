/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fail.h - in the debug build, allocations can be made to fail
 *
 * Debian's kernel has no fault injection, so we bring our own.  It stands over
 * the kernel's names, so that no file has to know and none can forget it: these
 * must be macros.  lg.h has us, after the kernel's headers.
 */
#ifndef LG_FAIL_H
#define LG_FAIL_H

#include <linux/gfp.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/fpu/api.h>

#ifdef LG_DEBUG

bool fail_now(void);

#define kzalloc(...)         (fail_now() ? NULL : kzalloc(__VA_ARGS__))
#define kmalloc(...)         (fail_now() ? NULL : kmalloc(__VA_ARGS__))
#define kvzalloc(...)        (fail_now() ? NULL : kvzalloc(__VA_ARGS__))
#define kvcalloc(...)        (fail_now() ? NULL : kvcalloc(__VA_ARGS__))
#define alloc_pages(...)     (fail_now() ? NULL : alloc_pages(__VA_ARGS__))
#define get_zeroed_page(gfp) (fail_now() ? 0 : get_zeroed_page(gfp))
#define __vmalloc(...)       (fail_now() ? NULL : __vmalloc(__VA_ARGS__))
#define fpu_alloc_guest_fpstate(fpu) \
	(!fail_now() && fpu_alloc_guest_fpstate(fpu))

#else

static inline bool fail_now(void)
{
	return false;
}

#endif
#endif /* LG_FAIL_H */
