/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine.h - what C and assembly must agree on
 *
 * Addresses, selectors, vectors, and the two structures that assembly knows
 * the inside of: a trap's registers, and the page of a CPU.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "guestos.h"

#define KERNEL_BASE 0xffffffff80000000 /* physical 0 in the image's eyes */
#define DIRECT_BASE 0xffff888000000000 /* physical 0 in everybody else's */
#define RAM_MAX     0x40000000 /* what the boot page tables map: 1 GiB */
#define USER_END    0x0000800000000000

#define STACK_BYTES 0x2000
#define MAX_CPUS    8

/* Selectors, natively and in every frame under lguest. */
#define KERNEL_CS32 0x08
#define KERNEL_CS   0x10
#define KERNEL_DS   0x18
#define USER_CS     0x33
#define USER_DS     0x2b
#define TSS_SEL     0x40
#define TLS_FIRST   12 /* GDT entries of a process's own */
#define TLS_SLOTS   3

/* Vectors.  An irq is a vector less IRQ_BASE; IPIs have the last ones. */
#define IRQ_BASE     32
#define IRQS         16
#define TIMER_IRQ    0
#define INPUT_IRQ    1
#define BUTTON_IRQ   2
#define DEVICE_IRQ   3 /* the first of those that devices share */
#define VEC_RESCHED  48
#define VEC_CALL     49
#define VEC_SPURIOUS 50
#define VECTORS      51
#define VEC_SYSCALL  0x100 /* in struct regs only */

/* Offsets into struct percpu, for assembly. */
#define PCPU_SELF    0x100
#define PCPU_CURRENT 0x108
#define PCPU_SP0     0x110
#define PCPU_SCRATCH 0x118

/* Its first 64 bytes are struct lguest_data. */
#define LG_IRQ_ENABLED 0x00
#define LG_IRQ_PENDING 0x04
#define LG_USER_RIP    0x10
#define LG_USER_RFLAGS 0x18
#define LG_USER_ERROR  0x1c
#define LG_USER_RCX    0x28
#define LG_USER_R11    0x30

#define MSR_GS_BASE 0xc0000101

/* Offsets into struct regs. */
#define REGS_VECTOR 0x78
#define REGS_RIP    0x88
#define REGS_CS     0x90
#define REGS_BYTES  0xb0
#define REGS_FRAME  0x88 /* from here on as the processor has it */

/* Which machine kernel_main() is told it runs on. */
#define MACHINE_NATIVE 0
#define MACHINE_LGUEST 1

#define CR0_TS      (1 << 3)
#define CR0_WP      (1 << 16)
#define CR4_PAE     (1 << 5)
#define CR4_PGE     (1 << 7)
#define CR4_OSFXSR  (1 << 9)
#define CR4_OSXMM   (1 << 10)
#define CR4_OSXSAVE (1 << 18)

#ifdef __ASSEMBLY__

/* clang-format off */
/* All general registers, as struct regs ends with them. */
	.macro PUSH_REGS
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	.endm

	.macro POP_REGS
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rbp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rbx
	pop	%rax
	.endm
/* clang-format on */

#else /* !__ASSEMBLY__ */

struct proc;

/* A trap's or system call's registers, as entry.S has pushed them. */
struct regs {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

/* One page for each CPU, that its GS base points at. */
struct percpu {
	struct lguest_data lg; /* under lguest shared with the host */
	u8 room[PCPU_SELF - sizeof(struct lguest_data)];
	struct percpu *self;
	struct proc *current;
	u64 sp0; /* stack for traps from user mode */
	u64 scratch; /* for entry.S */
	u32 id;
	u32 need_resched;
	volatile u32 online;
	u32 lazy_mmu; /* inside lazy_enter .. lazy_leave */
	u32 lazy_cpu; /* the same for the CPU's operations */
	u64 cr0, cr3, cr4; /* what we last asked for */
	u64 ticks, ipis, calls, nmis;
	struct proc *idle;
	struct proc *to_free; /* exited; somebody is still on its stack */
	volatile u64 call_pending;
	u64 timer_ns; /* when the clock event is due; 0: none */
	struct lguest_info info; /* under lguest; the host's to fill in */
	struct lguest_clock clock;
} __attribute__((aligned(4096)));

#define this_cpu()                              \
	({                                      \
		struct percpu *cpu_;            \
		asm volatile("mov %%gs:%c1, %0" \
			     : "=r"(cpu_)       \
			     : "i"(PCPU_SELF)); \
		cpu_;                           \
	})
#define current() (this_cpu()->current)

_Static_assert(sizeof(struct regs) == REGS_BYTES, "entry.S knows it");
_Static_assert(__builtin_offsetof(struct regs, rip) == REGS_RIP, "entry.S");
_Static_assert(__builtin_offsetof(struct percpu, self) == PCPU_SELF, "gs");
_Static_assert(__builtin_offsetof(struct lguest_data, user_rflags) ==
		       LG_USER_RFLAGS,
	       "lguest_asm.S");
_Static_assert(__builtin_offsetof(struct lguest_data, user_error) ==
		       LG_USER_ERROR,
	       "lguest_asm.S");
_Static_assert(__builtin_offsetof(struct lguest_data, user_r11) == LG_USER_R11,
	       "lguest_asm.S");
_Static_assert(sizeof(struct percpu) == PAGE_BYTES, "no two share a page");
_Static_assert(__builtin_offsetof(struct percpu, sp0) == PCPU_SP0, "gs");

#endif /* !__ASSEMBLY__ */
#endif /* MACHINE_H */
