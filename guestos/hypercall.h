/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hypercall.h - asking the host: one function per hypercall
 *
 * The number goes in RAX, arguments in RDI RSI RDX R10, and SYSCALL asks.  RCX
 * and R11 come back with other values, because that is what the instruction
 * does to them; the answer is in RAX and everything else is as it was.
 *
 * All of these are for kernel mode.  In user mode the same instruction is a
 * system call, which lands in our own entry point.
 *
 * Next: guestos/trap.S
 */
#ifndef HYPERCALL_H
#define HYPERCALL_H

#include "guestos.h"

static inline u64 hypercall(u64 number, u64 a, u64 b, u64 c, u64 d)
{
	register u64 r10 asm("r10") = d;

	/* "memory": the host may read or write what an argument points at. */
	asm volatile("syscall"
		     : "+a"(number)
		     : "D"(a), "S"(b), "d"(c), "r"(r10)
		     : "rcx", "r11", "memory");
	return number;
}

/* hc_flush_async - do what is queued; nothing is yet, so: just ask and return */
static inline u64 hc_flush_async(void)
{
	return hypercall(LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
}

/* hc_init - say who we are, learn where we are; both at physical addresses */
static inline u64 hc_init(struct lguest_data *data, struct lguest_info *info,
			  u32 abi, u32 features)
{
	return hypercall(LHCALL_LGUEST_INIT, (u64)data, (u64)info, abi,
			 features);
}

/* hc_shutdown - LGUEST_SHUTDOWN_*, and why, or NULL */
static inline void noreturn hc_shutdown(u64 how, const char *reason)
{
	hypercall(LHCALL_SHUTDOWN, how, (u64)reason, 0, 0);
	__builtin_trap();
}

/* hc_new_pgtable - from now on, the page table at this physical address */
static inline u64 hc_new_pgtable(u64 cr3)
{
	return hypercall(LHCALL_NEW_PGTABLE, cr3, 0, 0, 0);
}

/* hc_flush_tlb - we took rights away in the page table */
static inline u64 hc_flush_tlb(void)
{
	return hypercall(LHCALL_FLUSH_TLB, LGUEST_FLUSH_USER, 0, 0, 0);
}

/* hc_flush_all - ... in global pages, or in other address spaces too */
static inline u64 hc_flush_all(void)
{
	return hypercall(LHCALL_FLUSH_TLB, LGUEST_FLUSH_ALL, 0, 0, 0);
}

/* hc_flush_page - ... for this one page, of whatever size */
static inline u64 hc_flush_page(u64 gva)
{
	return hypercall(LHCALL_FLUSH_PAGE, gva, 0, 0, 0);
}

/* hc_release_pgtable - we shall not need this page table again */
static inline u64 hc_release_pgtable(u64 root)
{
	return hypercall(LHCALL_RELEASE_PGTABLE, root, 0, 0, 0);
}

/* hc_notify - the address of text to print, or another token */
static inline u64 hc_notify(u64 token)
{
	return hypercall(LHCALL_NOTIFY, token, 0, 0, 0);
}

/* hc_set_syscall - where user mode's system calls go, and the way back */
static inline u64 hc_set_syscall(const void *entry, const void *exit)
{
	return hypercall(LHCALL_SET_SYSCALL, (u64)entry, (u64)exit, 0, 0);
}

static inline u64 hc_set_debugreg(u64 number, u64 value)
{
	return hypercall(LHCALL_SET_DEBUGREG, number, value, 0, 0);
}

static inline u64 hc_get_debugreg(u64 number)
{
	return hypercall(LHCALL_GET_DEBUGREG, number, 0, 0, 0);
}

#endif /* HYPERCALL_H */
