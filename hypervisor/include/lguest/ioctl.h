/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * ioctl.h - the contract between lguestd and lg.ko
 *
 * Three kinds of file descriptor, each with the few calls that make sense on
 * it: /dev/lguest itself, a VM, a vcpu.  A VM belongs to its descriptor and to
 * no process: whoever holds the descriptors may run it.
 *
 * Every structure has a fixed size and spare words that must be zero; lg.ko
 * refuses with EINVAL what it does not know, so that a word can be given a
 * meaning later without an old module misunderstanding it.  README.md beside
 * this file is the specification; this file is its spelling.
 */
#ifndef LGUEST_IOCTL_H
#define LGUEST_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define LG_ABI_MIN     1 /* the oldest daemon this module serves */
#define LG_ABI_VERSION 1 /* the newest */

#define LG_MAX_VCPUS 64
#define LG_MAX_SLOTS 32
#define LG_MAX_GPA   (1ULL << 44) /* guest-physical addresses end here */

/* struct lg_info.features and struct lg_vm_create.features */
#define LG_FEATURE_DIRECT_SYSCALL (1ULL << 0) /* see LHCALL_SET_SYSCALL */
#define LG_FEATURE_DEBUGREGS      (1ULL << 1) /* LHCALL_SET_DEBUGREG */
#define LG_FEATURE_PCID           (1ULL << 2) /* LHCALL_NEW_PGTABLE */
#define LG_FEATURE_DISCARD        (1ULL << 3) /* LG_DISCARD */
#define LG_FEATURE_DIRTY_LOG      (1ULL << 4) /* LG_DIRTY_LOG */
#define LG_FEATURE_EVENTFD        (1ULL << 5) /* LG_IRQFD, LG_NOTIFYFD */
#define LG_FEATURE_QUEUE          (1ULL << 6) /* exits: struct lg_exit */
#define LG_FEATURE_PAUSE          (1ULL << 7) /* LG_PAUSE, LG_RESUME */
#define LG_FEATURE_LDT            (1ULL << 8) /* LHCALL_SET_LDT */

/* LG_INFO on /dev/lguest: what this module and this machine offer. */
struct lg_info {
	__u32 abi_min;
	__u32 abi_max;
	__u64 features;
	__u64 switcher_start; /* gva: the guest may not use [start, end) */
	__u64 switcher_end;
	__u32 max_vcpus;
	__u32 max_slots;
	__u64 max_gpa;
	__u32 tsc_khz;
	__u32 host_levels; /* of the host's page tables: 4 or 5 */
	__u32 fpu_bytes; /* of LG_STATE_FPU */
	__u32 reserved0;
	__u64 reserved[7];
};

/* LG_VM_CREATE on /dev/lguest; returns the VM's descriptor. */
struct lg_vm_create {
	__u32 abi; /* the version the caller was built for */
	__u32 flags; /* none yet */
	__u64 features; /* what the guest may opt in to */
	__u64 shadow_pages; /* 4 KiB each, for page tables; 0: by RAM size */
	__u64 reserved[5];
};

/*
 * LG_SLOT_ADD on a VM: guest-physical [gpa, gpa + bytes) is the part of memfd
 * that starts at offset.  All three in whole pages.  The memfd must be sealed
 * with F_SEAL_SHRINK, and open for writing.
 */
struct lg_slot {
	__u32 slot;
	__u32 flags; /* LG_SLOT_* below */
	__u64 gpa;
	__u64 bytes;
	__u64 offset;
	__s32 memfd;
	__u32 reserved0;
	__u64 reserved[3];
};

#define LG_SLOT_DIRTY_LOG (1U << 0) /* for LG_DIRTY_LOG */

/* LG_DISCARD on a VM: what is there is not needed and shall be zero. */
struct lg_range {
	__u64 gpa;
	__u64 bytes;
	__u64 reserved[2];
};

/*
 * LG_DIRTY_LOG on a VM: which pages of a slot were written since the last call,
 * a bit for each, in 64-bit words; and from now on they count as not written.
 */
struct lg_dirty_log {
	__u32 slot;
	__u32 reserved0;
	__u64 addr; /* of the words, in the caller's memory */
	__u64 first; /* page in the slot, a multiple of 64 */
	__u64 pages; /* at most LG_MAX_LOG_PAGES */
	__u64 reserved[2];
};

#define LG_MAX_LOG_PAGES (1U << 20)

/* LG_VCPU_CREATE on a VM; returns the vcpu's descriptor. */
struct lg_vcpu_create {
	__u32 id; /* below LG_MAX_VCPUS, each only once */
	__u32 flags; /* none yet */
	__u64 reserved[3];
};

/* LG_INTERRUPT on a VM: a vector becomes pending. */
struct lg_interrupt {
	__u32 vcpu;
	__u32 vector; /* 32 to 255, or LGUEST_IPI_NMI */
	__u64 reserved[3];
};

/*
 * LG_IRQFD: a write to the eventfd makes a vector pending, without a call.
 * LG_NOTIFYFD: LHCALL_NOTIFY of a token writes to the eventfd, without an exit.
 */
struct lg_eventfd {
	__s32 fd;
	__u32 flags; /* LG_EVENTFD_REMOVE */
	__u32 vcpu; /* LG_IRQFD */
	__u32 vector;
	__u64 token; /* LG_NOTIFYFD: from LG_MAX_GPA up */
	__u64 reserved[3];
};

#define LG_EVENTFD_REMOVE (1 << 0)
#define LG_MAX_EVENTFDS   1024 /* of both kinds, of a VM */

/* LG_CLOCK_GET and LG_CLOCK_SET on a VM: struct lguest_clock's system_time. */
struct lg_clock {
	__u64 ns; /* since the VM was made */
	__u64 reserved[3];
};

/*
 * read() of a VM made with LG_FEATURE_QUEUE: exits that nobody has answered,
 * the oldest first, at most one of each vcpu.
 */
struct lg_exit {
	__u32 vcpu;
	__u32 exit; /* LG_EXIT_* */
	__u64 serial; /* for LG_ANSWER; no two exits of a VM have the same */
	__u64 data[3]; /* from here on as in struct lg_run */
	__u32 trap;
	__u32 mode;
	__u64 trap_error;
	__u64 trap_addr;
	__u64 rip;
	char why[256];
	__u64 reserved[23];
};

/* LG_ANSWER on a VM: the vcpu goes on. */
struct lg_answer {
	__u32 vcpu; /* this and the next two as in struct lg_exit */
	__u32 exit; /* LG_EXIT_NOTIFY: the others have no answer */
	__u64 serial;
	__u64 result; /* of LHCALL_NOTIFY */
	__u64 reserved[5];
};

/* LG_VM_INFO on a VM: what somebody who has it from another must know. */
struct lg_vm_info {
	__u64 features; /* those it was made with */
	__u64 vcpus; /* a bit for each that there is */
	__u64 exits; /* ... that has an exit which nobody has answered */
	__u64 shadow_pages; /* in use for page tables */
	__u64 shadow_cap; /* how many these may be */
	__u32 paused; /* 1: LG_PAUSE, and no LG_RESUME since */
	__u32 reserved0;
	__u64 reserved[10];
};

/* LG_STATS on a vcpu, which may be running. */
struct lg_stats {
	__u64 stat[24]; /* LG_STAT_* */
	__u64 reserved[8];
};

/* LG_STATE_GET and LG_STATE_SET on a vcpu: one record of its state. */
struct lg_state {
	__u32 type; /* LG_STATE_* */
	__u32 bytes; /* must be the record's size */
	__u64 addr; /* of the record, in the caller's memory */
	__u64 reserved[2];
};

#define LG_STATE_REGS      1 /* struct lg_regs */
#define LG_STATE_DEBUGREGS 2 /* struct lg_debugregs */
#define LG_STATE_EVENTS    3 /* struct lg_events */
#define LG_STATE_GATES     4 /* struct lg_gates */
#define LG_STATE_SETUP     5 /* struct lg_setup */
#define LG_STATE_FPU       6 /* lg_info.fpu_bytes of XSAVE area */
#define LG_STATE_LDT       7 /* struct lg_ldt */

struct lg_regs {
	__u64 rax, rbx, rcx, rdx;
	__u64 rsi, rdi, rbp, rsp;
	__u64 r8, r9, r10, r11;
	__u64 r12, r13, r14, r15;
	__u64 rip, rflags;
	__u64 fs_base, gs_base;
	__u64 user_gs_base; /* what LHCALL_SET_SYSCALL's entry finds swapped */
	__u64 cr3; /* of the guest: a gpa */
	__u16 cs, ss, ds, es, fs, gs;
	__u32 pkru;
	__u32 mode; /* LG_MODE_* */
	__u32 reserved0;
	__u64 reserved[7];
};

#define LG_MODE_KERNEL 0
#define LG_MODE_USER   1

struct lg_debugregs {
	__u64 dr[4];
	__u64 dr6, dr7;
	__u64 reserved[2];
};

/* What waits, and what the vcpu is doing. */
struct lg_events {
	__u64 pending[4]; /* a bit for each vector */
	__u32 activity; /* LG_ACTIVITY_* */
	__u32 nmi; /* LG_NMI_* */
	__u64 timer_ns; /* from now; 0: no clock event is set */
	__u32 timer_vector;
	__u32 reserved0;
	__u64 reserved[9];
};

#define LG_ACTIVITY_RUN  0
#define LG_ACTIVITY_IDLE 1 /* LHCALL_HALT's three */
#define LG_ACTIVITY_WAIT 2
#define LG_ACTIVITY_DOWN 3 /* as every vcpu but the first one starts */

#define LG_NMI_PENDING (1 << 0)
#define LG_NMI_BLOCKED (1 << 1) /* until LHCALL_IRET */
#define LG_NMI_WOKEN   (1 << 2) /* LGUEST_IPI_WAKE came before the wait */

/* LHCALL_LOAD_IDT_ENTRY's; handler 0: none. */
struct lg_gate {
	__u64 handler;
	__u64 flags; /* LGUEST_GATE_* */
};

struct lg_gates {
	struct lg_gate gate[258]; /* LGUEST_GATES */
};

/* What the guest has told of itself.  LG_NOWHERE: not yet. */
struct lg_setup {
	__u64 features; /* LGUEST_FEATURE_* in force */
	__u64 data, info, ring, clock; /* gpa, or LG_NOWHERE */
	__u64 entry, exit, iret, fault; /* LHCALL_SET_SYSCALL */
	__u64 noirq_start, noirq_end;
	__u64 tls[4]; /* LGUEST_TLS_COUNT */
	__u32 ring_tail;
	__u32 reserved0;
	__u64 reserved[16];
};

#define LG_NOWHERE (~0ULL)

/* LHCALL_SET_LDT's, as the CPU gets them; zero from `entries` on. */
struct lg_ldt {
	__u32 entries;
	__u32 reserved0;
	__u64 reserved[7];
	__u64 desc[8192]; /* LGUEST_LDT_ENTRIES */
};

/*
 * mmap() of a vcpu's descriptor at offset 0 gives this page.  lg.ko writes it
 * and never reads it, so nothing that others scribble there can hurt.
 */
struct lg_run {
	__u32 exit; /* LG_EXIT_*, valid when LG_RUN has returned 0 */
	__u32 reserved0;
	__u64 data[3]; /* see LG_EXIT_* */
	__u32 trap; /* LG_EXIT_KILLED: the trap that could not be served */
	__u32 mode; /* LG_MODE_* the guest was in */
	__u64 trap_error;
	__u64 trap_addr; /* of a page fault */
	__u64 rip;
	char why[256]; /* LG_EXIT_KILLED: one sentence, NUL-terminated */
	__u64 stat[24]; /* LG_STAT_*, counted since the vcpu was made */
	__u64 reserved[16];
};

#define LG_EXIT_NONE     0
#define LG_EXIT_KILLED   1 /* for good; why[] says what for */
#define LG_EXIT_SHUTDOWN 2 /* data: LGUEST_SHUTDOWN_*, gpa of reason */
#define LG_EXIT_NOTIFY   3 /* data: the token */

#define LG_STAT_ENTRIES       0 /* world switches into the guest */
#define LG_STAT_IRQS          1 /* host interrupts that ended one */
#define LG_STAT_NMIS          2 /* NMIs taken while the guest ran */
#define LG_STAT_SWITCHER_NMIS 3 /* ... while the Switcher itself ran */
#define LG_STAT_ABORTS        4 /* entries given up for one of those */
#define LG_STAT_HYPERCALLS    5
#define LG_STAT_FILLS         6 /* shadow entries made */
#define LG_STAT_LOADS         7 /* times the vcpu came to a CPU */
#define LG_STAT_SYSCALLS      8 /* system calls that took the long way */
#define LG_STAT_MCES          9
#define LG_STAT_DBS           10 /* #DB taken inside the Switcher */
#define LG_STAT_INTERRUPTS    11 /* delivered to the guest */
#define LG_STAT_QUEUED        12 /* hypercalls that came in the ring */
#define LG_STAT_SWITCHES \
	13 /* exits after LHCALL_NEW_PGTABLE was served inside */
#define LG_STAT_FAULTS 14 /* page faults given to the guest inside */
#define LG_STAT_COUNT  15

#define LG_IOC_MAGIC   0xB6
#define LG_INFO        _IOR(LG_IOC_MAGIC, 0x00, struct lg_info)
#define LG_VM_CREATE   _IOW(LG_IOC_MAGIC, 0x01, struct lg_vm_create)
#define LG_SLOT_ADD    _IOW(LG_IOC_MAGIC, 0x10, struct lg_slot)
#define LG_SLOT_REMOVE _IOW(LG_IOC_MAGIC, 0x11, struct lg_slot)
#define LG_VCPU_CREATE _IOW(LG_IOC_MAGIC, 0x12, struct lg_vcpu_create)
#define LG_DISCARD     _IOW(LG_IOC_MAGIC, 0x13, struct lg_range)
#define LG_DIRTY_LOG   _IOW(LG_IOC_MAGIC, 0x14, struct lg_dirty_log)
#define LG_INTERRUPT   _IOW(LG_IOC_MAGIC, 0x15, struct lg_interrupt)
#define LG_IRQFD       _IOW(LG_IOC_MAGIC, 0x16, struct lg_eventfd)
#define LG_NOTIFYFD    _IOW(LG_IOC_MAGIC, 0x17, struct lg_eventfd)
#define LG_CLOCK_GET   _IOR(LG_IOC_MAGIC, 0x18, struct lg_clock)
#define LG_CLOCK_SET   _IOW(LG_IOC_MAGIC, 0x19, struct lg_clock)
#define LG_ANSWER      _IOW(LG_IOC_MAGIC, 0x1a, struct lg_answer)
#define LG_PAUSE       _IO(LG_IOC_MAGIC, 0x1b)
#define LG_RESUME      _IO(LG_IOC_MAGIC, 0x1c)
#define LG_VM_INFO     _IOR(LG_IOC_MAGIC, 0x1d, struct lg_vm_info)
#define LG_RUN         _IO(LG_IOC_MAGIC, 0x20)
#define LG_STATE_GET   _IOW(LG_IOC_MAGIC, 0x21, struct lg_state)
#define LG_STATE_SET   _IOW(LG_IOC_MAGIC, 0x22, struct lg_state)
#define LG_STATS       _IOR(LG_IOC_MAGIC, 0x23, struct lg_stats)

#endif /* LGUEST_IOCTL_H */
