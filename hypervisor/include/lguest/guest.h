/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * guest.h - the contract between a guest kernel and lg.ko
 *
 * Guest kernel and guest user both run at CPL 3; lg.ko knows which of the two
 * it is.  A guest kernel asks for something with the SYSCALL instruction: the
 * number in RAX, arguments in RDI RSI RDX R10, the answer in RAX.  RCX and R11
 * are lost, everything else is kept.  The same instruction in guest user mode
 * is the guest's own system call and reaches lg.ko only if it must.
 *
 * A guest that asks for nonsense is killed, with a sentence that says why.
 * README.md beside this file is the specification.
 */
#ifndef LGUEST_GUEST_H
#define LGUEST_GUEST_H

#include <linux/types.h>

#define LGUEST_ABI_MIN     1
#define LGUEST_ABI_VERSION 1

#define LHCALL_FLUSH_ASYNC     0 /* () */
#define LHCALL_LGUEST_INIT     1 /* (hot gpa, info gpa, abi, features) */
#define LHCALL_SHUTDOWN        2 /* (LGUEST_SHUTDOWN_*, gpa of the reason) */
#define LHCALL_NEW_PGTABLE     4 /* (cr3) */
#define LHCALL_FLUSH_TLB       5 /* (LGUEST_FLUSH_*) */
#define LHCALL_NOTIFY          17 /* (token) */
#define LHCALL_SET_SYSCALL     32 /* (entry, exit) */
#define LHCALL_SET_DEBUGREG    33 /* (number, value) */
#define LHCALL_GET_DEBUGREG    34 /* (number) */
#define LHCALL_FLUSH_PAGE      35 /* (gva) */
#define LHCALL_RELEASE_PGTABLE 36 /* (gpa of the top-level table) */
#define LHCALL_MAX             37

/* LHCALL_LGUEST_INIT's features: what the guest understands. */
#define LGUEST_FEATURE_DIRECT_SYSCALL (1 << 0)
#define LGUEST_FEATURE_PCID           (1 << 1) /* see LHCALL_NEW_PGTABLE */

#define LGUEST_FLUSH_CONTEXT 0 /* all but global pages, of this context */
#define LGUEST_FLUSH_ALL     1

#define LGUEST_SHUTDOWN_POWEROFF 1
#define LGUEST_SHUTDOWN_RESTART  2
#define LGUEST_SHUTDOWN_CRASH    3

/* The segment selectors of CPL 3.  There are no others. */
#define LGUEST_CS   0x33
#define LGUEST_CS32 0x23
#define LGUEST_DS   0x2b

/* Traps beyond the processor's own 32 exceptions, in struct lg_run.trap. */
#define LGUEST_TRAP_SYSCALL   0x100
#define LGUEST_TRAP_SYSCALL32 0x101 /* SYSCALL from 32-bit code */

#ifndef __ASSEMBLY__

/*
 * The hot part: one cache line of guest memory that the Switcher itself reads
 * and writes.  The guest chooses where it is, at a multiple of its size.
 *
 * On a direct system call the Switcher puts the first three words here, makes
 * the guest kernel's GS base current and jumps to the entry point; all other
 * registers, RSP too, are as user code left them, but RCX and R11, which are
 * lost.  SYSCALL executed exactly at the exit address goes back: RIP, RFLAGS
 * and GS base from here, all else as it stands.
 */
struct lguest_data {
	__u64 user_rip;
	__u64 user_rflags;
	__u64 user_gs_base;
	__u64 reserved[5];
};

/* What LHCALL_LGUEST_INIT tells the guest. */
struct lguest_info {
	__u32 abi_min;
	__u32 abi_max;
	__u64 features; /* LGUEST_FEATURE_* in force from now on */
	__u64 switcher_start; /* no guest mapping in [start, end) is seen */
	__u64 switcher_end;
	__u32 tsc_khz;
	__u32 vcpu;
	__u64 reserved[3];
};

#endif /* !__ASSEMBLY__ */
#endif /* LGUEST_GUEST_H */
