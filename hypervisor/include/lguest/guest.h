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
#define LHCALL_LGUEST_INIT     1 /* (data gpa, info gpa, abi, features) */
#define LHCALL_SHUTDOWN        2 /* (LGUEST_SHUTDOWN_*, gpa of the reason) */
#define LHCALL_NEW_PGTABLE     4 /* (cr3) */
#define LHCALL_FLUSH_TLB       5 /* (LGUEST_FLUSH_*) */
#define LHCALL_LOAD_IDT_ENTRY  6 /* (vector, handler, LGUEST_GATE_*) */
#define LHCALL_SET_STACK       7 /* (segment, stack, pages) */
#define LHCALL_SET_CLOCKEVENT  9 /* (ns from now, vector) */
#define LHCALL_HALT            10 /* (LGUEST_HALT_*) */
#define LHCALL_SET_PTE         14 /* (root gpa, gva, entry) */
#define LHCALL_LOAD_TLS        16 /* (index, descriptor) */
#define LHCALL_NOTIFY          17 /* (token) */
#define LHCALL_SEND_INTERRUPTS 19 /* () */
#define LHCALL_SET_SYSCALL     32 /* (entry, exit, iret, fault) */
#define LHCALL_SET_DEBUGREG    33 /* (number, value) */
#define LHCALL_GET_DEBUGREG    34 /* (number) */
#define LHCALL_FLUSH_PAGE      35 /* (gva) */
#define LHCALL_RELEASE_PGTABLE 36 /* (root gpa) */
#define LHCALL_IRET            37 /* (), struct lguest_iret at RSP */
#define LHCALL_VCPU_UP         38 /* (vcpu, rip, rsp, argument) */
#define LHCALL_SEND_IPI        39 /* (vcpus, vector) */
#define LHCALL_SET_RING        40 /* (gpa) */
#define LHCALL_SET_CLOCK       41 /* (gpa) */
#define LHCALL_SET_DATA        42 /* (gpa, GS base) */
#define LHCALL_SET_NOIRQ       43 /* (start, end) */
#define LHCALL_LOAD_GS         44 /* (selector) */
#define LHCALL_SET_LDT         45 /* (gva, entries) */
#define LHCALL_MAX             46

/* LHCALL_LGUEST_INIT's features: what the guest understands. */
#define LGUEST_FEATURE_DIRECT_SYSCALL (1 << 0) /* SET_SYSCALL: exit */
#define LGUEST_FEATURE_PCID           (1 << 1) /* NEW_PGTABLE has PCIDs */
#define LGUEST_FEATURE_DIRECT_IRET    (1 << 2) /* SET_SYSCALL: iret */
#define LGUEST_FEATURE_DIRECT_FAULT   (1 << 3) /* SET_SYSCALL: fault */
#define LGUEST_FEATURE_LDT            (1 << 4) /* SET_LDT */
#define LGUEST_FEATURE_ABSENT_FAULT   (1 << 5) /* the fault entry, more often */

#define LGUEST_SHUTDOWN_POWEROFF 1
#define LGUEST_SHUTDOWN_RESTART  2
#define LGUEST_SHUTDOWN_CRASH    3

#define LGUEST_FLUSH_USER 0 /* this root, what is not global */
#define LGUEST_FLUSH_ALL  1 /* every root, global entries too */

#define LGUEST_GATE_USER (1 << 0) /* INT n may be used by user mode */
#define LGUEST_GATE_TRAP (1 << 1) /* leaves the interrupt flag alone */

#define LGUEST_HALT_IDLE 0 /* turn interrupts on, sleep until one comes */
#define LGUEST_HALT_WAIT 1 /* until one is pending, or LGUEST_IPI_WAKE */
#define LGUEST_HALT_DOWN 2 /* until LHCALL_VCPU_UP */

/* LHCALL_SEND_IPI's vectors below 32. */
#define LGUEST_IPI_WAKE 0
#define LGUEST_IPI_NMI  2

/* The virtual interrupt flag: RFLAGS.IF in irq_enabled and in frames. */
#define LGUEST_IF 0x200

/* Interrupt n of lguest's own; 0 is the timer unless another is asked for. */
#define LGUEST_IRQ_VECTOR(n) (32 + (n))

/* The segment selectors of CPL 3.  There are no others but TLS and LDT. */
#define LGUEST_CS   0x33
#define LGUEST_CS32 0x23
#define LGUEST_DS   0x2b

/* What frames say instead while the kernel runs. */
#define LGUEST_KERNEL_CS 0x10
#define LGUEST_KERNEL_DS 0x18

/* LHCALL_LOAD_TLS: index 0 is this descriptor, and so on. */
#define LGUEST_TLS_FIRST 12
#define LGUEST_TLS_COUNT 4

#define LGUEST_LDT_ENTRIES 8192

/* Traps beyond the 256 vectors, in struct lg_run.trap. */
#define LGUEST_TRAP_SYSCALL   0x100
#define LGUEST_TRAP_SYSCALL32 0x101 /* SYSCALL from 32-bit code: has a gate */

#define LGUEST_GATES     0x102
#define LGUEST_RING_SIZE 64

#ifndef __ASSEMBLY__

/*
 * The hot part of a vcpu: one cache line that the Switcher itself reads and
 * writes.  The guest chooses where, at a multiple of its size.
 */
struct lguest_data {
	__u32 irq_enabled; /* the guest's: LGUEST_IF or 0 */
	__u32 irq_pending; /* lg.ko's: not 0 if an interrupt waits */
	__u64 cr2; /* lg.ko's, at a page fault */
	__u64 user_rip; /* of user mode, on its way out or back */
	__u32 user_rflags;
	__u32 user_error; /* of a fault that the Switcher delivers */
	__u64 user_gs_base;
	__u64 user_rcx; /* for iret and fault of LHCALL_SET_SYSCALL */
	__u64 user_r11;
	__u64 sp0; /* the guest's: RSP for events from user mode */
} __attribute__((aligned(64)));

/* The cold part, at a multiple of its size.  lg.ko writes it at INIT ... */
struct lguest_info {
	__u32 abi_min;
	__u32 abi_max;
	__u64 features; /* LGUEST_FEATURE_* in force from now on */
	__u64 switcher_start; /* no guest mapping in [start, end) is seen */
	__u64 switcher_end;
	__u32 tsc_khz; /* 0: the TSC is no clock here */
	__u32 vcpu; /* which one this is */
	__u64 vcpus; /* a bit for each that the VM has */
	__u32 min_delta_ns; /* of LHCALL_SET_CLOCKEVENT */
	__u32 reserved0;
	__u64 reserved1;
	/* ... and reads from here on whenever it needs to know. */
	__u64 blocked[4]; /* a bit for each vector that must wait */
	__u64 df_stack; /* RSP for a double fault; 0: where it is */
	__u64 reserved2[19];
} __attribute__((aligned(256)));

/* LHCALL_SET_RING: calls to be made by and by, in a page. */
struct lguest_async {
	__u64 number;
	__u64 arg[3];
};

struct lguest_ring {
	__u32 head; /* the guest's: calls put in, ever */
	__u32 tail; /* lg.ko's: calls made, ever */
	__u32 reserved[14];
	struct lguest_async
		calls[LGUEST_RING_SIZE]; /* call n is in n % LGUEST_RING_SIZE */
	__u64 reserved1[248];
} __attribute__((aligned(4096)));

/*
 * LHCALL_SET_CLOCK, at a multiple of its size.  The first 32 bytes are what
 * KVM's guests know as a pvclock:
 *
 *	ns = system_time + (((tsc - tsc_timestamp) << tsc_shift) * tsc_mul >> 32)
 *
 * with a right shift if tsc_shift is negative, read between two equal even
 * versions.  On a host without a steady TSC tsc_mul is 0, and lg.ko brings
 * system_time up to date whenever it delivers an event.
 */
struct lguest_clock {
	__u32 version;
	__u32 reserved0;
	__u64 tsc_timestamp;
	__u64 system_time; /* ns since the VM was made */
	__u32 tsc_mul;
	__s8 tsc_shift;
	__u8 flags; /* LGUEST_CLOCK_* */
	__u8 reserved1[2];
	__u64 steal; /* ns this vcpu wanted to run and could not */
	__u64 wall_sec; /* the time of day when system_time was 0 */
	__u32 wall_nsec;
	__u32 reserved2[3];
} __attribute__((aligned(64)));

#define LGUEST_CLOCK_STABLE (1 << 0) /* all vcpus' clocks are one */

/* LHCALL_IRET takes these eight words off the stack. */
struct lguest_iret {
	__u64 rax, rcx, r11;
	__u64 rip, cs, rflags, rsp, ss;
};

#endif /* !__ASSEMBLY__ */
#endif /* LGUEST_GUEST_H */
