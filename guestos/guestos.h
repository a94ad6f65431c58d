/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guestos.h - what the files of our small kernel share
 *
 * It is freestanding: no library, no floating point, and no red zone below the
 * stack.  Prototypes are grouped by file, in reading order.
 */
#ifndef GUESTOS_H
#define GUESTOS_H

#include <lguest/guest.h>

/* Offsets into struct cpu and struct user, for trap.S. */
#define CPU_USER 0x00
#define CPU_RSP  0x08

#define USER_RAX     0x00
#define USER_RBX     0x08
#define USER_RCX     0x10
#define USER_RDX     0x18
#define USER_RSI     0x20
#define USER_RDI     0x28
#define USER_RBP     0x30
#define USER_RSP     0x38
#define USER_R8      0x40
#define USER_R9      0x48
#define USER_R10     0x50
#define USER_R11     0x58
#define USER_R12     0x60
#define USER_R13     0x68
#define USER_R14     0x70
#define USER_R15     0x78
#define USER_RIP     0x80
#define USER_RFLAGS  0x88
#define USER_GS_BASE 0x90
#define USER_ENTRY   0x98
#define USER_BYTES   0xa0

/* Offsets into struct lguest_data. */
#define DATA_RIP     0x10
#define DATA_RFLAGS  0x18
#define DATA_ERROR   0x1c
#define DATA_GS_BASE 0x20
#define DATA_RCX     0x28
#define DATA_R11     0x30
#define DATA_SP0     0x38

#define TRAP_DE  0
#define TRAP_DB  1
#define TRAP_NMI 2
#define TRAP_BP  3
#define TRAP_OF  4
#define TRAP_BR  5
#define TRAP_UD  6
#define TRAP_NM  7
#define TRAP_DF  8
#define TRAP_TS  10
#define TRAP_NP  11
#define TRAP_SS  12
#define TRAP_GP  13
#define TRAP_PF  14
#define TRAP_MF  16
#define TRAP_AC  17
#define TRAP_XF  19

/* A page fault's error code. */
#define PF_PRESENT  0x01
#define PF_WRITE    0x02
#define PF_USER     0x04
#define PF_RESERVED 0x08
#define PF_FETCH    0x10
#define PF_PKEY     0x20

#define RFLAGS_CF    (1 << 0)
#define RFLAGS_FIXED (1 << 1)
#define RFLAGS_PF    (1 << 2)
#define RFLAGS_AF    (1 << 4)
#define RFLAGS_ZF    (1 << 6)
#define RFLAGS_SF    (1 << 7)
#define RFLAGS_TF    (1 << 8)
#define RFLAGS_IF    (1 << 9)
#define RFLAGS_DF    (1 << 10)
#define RFLAGS_OF    (1 << 11)
#define RFLAGS_IOPL  (3 << 12)
#define RFLAGS_NT    (1 << 14)
#define RFLAGS_RF    (1 << 16)
#define RFLAGS_AC    (1 << 18)
#define RFLAGS_ID    (1 << 21)

#ifndef __ASSEMBLY__

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __SIZE_TYPE__ size_t;
typedef __builtin_va_list va_list;

#define NULL          ((void *)0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_BYTES    4096ULL
#define LARGE_BYTES   (512 * PAGE_BYTES)

#define printf_like(f, a) __attribute__((format(printf, f, a)))
#define noreturn          __attribute__((noreturn))

/* Code and data that user mode may touch; pages of their own in the image. */
#define user_text __attribute__((section(".user.text"), noinline, used))
#define user_data __attribute__((section(".user.data"), used))

/* Page table bits. */
#define PTE_P     (1ULL << 0)
#define PTE_W     (1ULL << 1)
#define PTE_U     (1ULL << 2)
#define PTE_A     (1ULL << 5)
#define PTE_D     (1ULL << 6)
#define PTE_LARGE (1ULL << 7)
#define PTE_G     (1ULL << 8)
#define PTE_NX    (1ULL << 63)
#define PTE_ADDR  0x000ffffffffff000ULL

/* User mode's registers while the kernel runs. */
struct user {
	u64 rax, rbx, rcx, rdx;
	u64 rsi, rdi, rbp, rsp;
	u64 r8, r9, r10, r11;
	u64 r12, r13, r14, r15;
	u64 rip, rflags;
	u64 gs_base;
	u64 entry_rflags; /* the kernel's own, as its entry point found them */
};

/* What our GS base points at while the kernel runs. */
struct cpu {
	struct user *user; /* whose system call will come */
	u64 rsp; /* where user_run() left the kernel's stack */
	u64 reserved[6];
};

#ifndef GUESTOS_KERNEL /* which has its own */

/* start.S */
extern struct cpu cpu;
extern char stack_top[];
extern char user_start[], user_end[]; /* where .user lies */
void main(u64 arg0, u64 arg1, u64 ram_bytes, u64 root) noreturn;

/* trap.S */
extern struct lguest_data lguest_data;
extern char user_entry[], user_exit[];

/* user_run - into user mode until its next system call */
void user_run(struct user *user);

/* pgtable.c */
void pgtable_init(u64 root);
u64 pgtable_root(void);
u64 pgtable_new_page(void);
u64 *pgtable_entry(u64 gva, int level);
void pgtable_map(u64 gva, u64 gpa, u64 bits);
void pgtable_give_to_user(u64 start, u64 end);

#endif /* !GUESTOS_KERNEL */

/* lib.c */
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *s);
size_t vformat(char *buf, size_t bytes, const char *fmt, va_list args);

/* print.c, and in the kernel panic.c */
void print(const char *fmt, ...) printf_like(1, 2);
void panic(const char *fmt, ...) printf_like(1, 2) noreturn;

_Static_assert(sizeof(struct user) == USER_BYTES, "trap.S knows it");
_Static_assert(__builtin_offsetof(struct user, rip) == USER_RIP, "trap.S");
_Static_assert(__builtin_offsetof(struct cpu, rsp) == CPU_RSP, "trap.S");
_Static_assert(__builtin_offsetof(struct lguest_data, user_gs_base) ==
		       DATA_GS_BASE,
	       "trap.S knows it");

#endif /* !__ASSEMBLY__ */
#endif /* GUESTOS_H */
