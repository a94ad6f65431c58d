// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest.c - a guest that does one thing, for ever
 *
 * The tests of this folder are about the host: what happens to it, and to a
 * guest, when the host is disturbed.  So this guest only keeps busy in a way
 * that it is told, and counts in its memory so that others see that it lives.
 * What it finds wrong it says, and crashes.
 */
#include "guestos.h"
#include "hypercall.h"
#include "ops.h"

#define PAGES    32
#define LOW_BASE 0x10000000ULL
#define RAM_FREE 0xa00000ULL /* nobody's: behind the image */

static volatile u64 *const progress = (u64 *)PROGRESS_GPA;

static struct lguest_info info;
user_data static char user_stack[4096];

/* pattern.S: 0, or the number of the register that did not stay */
u64 pattern_round(u64 seed);

user_text static void user_spin(void)
{
	volatile u64 *count = (u64 *)PROGRESS_GPA;

	for (;;)
		(*count)++;
}

user_text static void user_call(void)
{
	for (;;)
		asm volatile("syscall" : : "a"(1) : "rcx", "r11", "memory");
}

/*
 * Stores to pages that it may only read.  Behind the loads, the host's tables
 * have them, and a store to each is a fault that the host need not see.
 */
#define DENIED (LOW_BASE + PAGES * PAGE_BYTES)

user_text static void user_writes(void)
{
	volatile u64 *count = (u64 *)PROGRESS_GPA;

	for (;; (*count)++)
		asm volatile("mov (%0), %%rax\n\tmov (%1), %%rax\n"
			     "mov %%rax, (%0)\n\tmov %%rax, (%1)"
			     :
			     : "D"(DENIED), "S"(DENIED + PAGE_BYTES)
			     : "rax", "memory");
}

/* Each store is three bytes long, and the handlers go on behind it. */
extern char denied_fault[], denied_iret[], denied_gate[];
asm(".pushsection .text\n"
    "denied_fault:\n"
    "	addq $3, lguest_data + 0x10(%rip)\n"
    "denied_iret:\n"
    "	syscall\n"
    "	ud2\n"
    "denied_gate:\n"
    "	add $8, %rsp\n"
    "	addq $3, (%rsp)\n"
    "	push %r11\n"
    "	push %rcx\n"
    "	push %rax\n"
    "	mov $37, %eax\n" /* LHCALL_IRET */
    "	syscall\n"
    "	ud2\n"
    ".popsection");

static void prepare_denied(void)
{
	static u64 stack[512] __attribute__((aligned(16)));
	u64 i, features =
		       LGUEST_FEATURE_DIRECT_IRET | LGUEST_FEATURE_DIRECT_FAULT;

	features &= info.features;
	/* Dirty from now on, or user mode's first store there is a fault, too. */
	*progress = 0;
	hypercall(LHCALL_LOAD_IDT_ENTRY, 14, (u64)denied_gate, 0, 0);
	hypercall(LHCALL_SET_STACK, LGUEST_KERNEL_DS, (u64)&stack[512], 1, 0);
	hypercall(LHCALL_SET_SYSCALL, (u64)user_entry, (u64)user_exit,
		  features ? (u64)denied_iret : 0,
		  features ? (u64)denied_fault : 0);
	for (i = 0; i < 2; i++)
		pgtable_map(DENIED + i * PAGE_BYTES, RAM_FREE, PTE_P | PTE_U);
}

static void run_user(void (*code)(void))
{
	static struct user user;

	user.rip = (u64)code;
	user.rsp = (u64)(user_stack + sizeof(user_stack) - 8);
	user.rflags = RFLAGS_IF | RFLAGS_FIXED;
	pgtable_give_to_user((u64)user_start, (u64)user_end);
	pgtable_give_to_user(PROGRESS_GPA, PROGRESS_GPA + PAGE_BYTES);
	for (;;) {
		user_run(&user);
		(*progress)++;
	}
}

/* Each page has its number in it, and must have it wherever it appears. */
static void touch(u64 base)
{
	u64 i, *page;

	for (i = 0; i < PAGES; i++)
		*pgtable_entry(base + i * PAGE_BYTES, 1) =
			(RAM_FREE + i * PAGE_BYTES) | PTE_P | PTE_W;
	for (;; (*progress)++) {
		for (i = 0; i < PAGES; i++) {
			page = (u64 *)(base + i * PAGE_BYTES);
			*page = *progress + i;
		}
		hc_flush_tlb();
		for (i = 0; i < PAGES; i++) {
			page = (u64 *)(base + i * PAGE_BYTES);
			if (*(volatile u64 *)page != *progress + i)
				panic("page %#llx: %llu, not %llu", (u64)page,
				      *page, *progress + i);
		}
	}
}

static void keep_patterns(u64 seed)
{
	u64 wrong;

	for (;; (*progress)++) {
		wrong = pattern_round(seed + *progress);
		if (wrong)
			panic("register %llu did not stay", wrong);
	}
}

static void ask(void)
{
	u64 token, answer;

	for (;; (*progress)++) {
		token = OP_TOKEN + *progress + 1;
		answer = hc_notify(token);
		if (answer != ~token)
			panic("%#llx was answered %#llx", token, answer);
	}
}

static void do_and_stop(u64 op, u64 arg)
{
	if (op == OP_INVALID)
		asm volatile("ud2");
	while (op == OP_SHUTDOWN && arg--)
		hc_flush_async();
	if (op == OP_WATCH) {
		hc_set_debugreg(0, arg);
		hc_set_debugreg(7, 0xd0001); /* 8 bytes, when written */
		*(volatile u64 *)arg = 1;
		panic("the watchpoint did not go off");
	}
	hc_shutdown(LGUEST_SHUTDOWN_POWEROFF, NULL);
}

void main(u64 op, u64 arg, u64 ram_bytes, u64 root)
{
	(void)ram_bytes;
	pgtable_init(root);
	hc_init(&lguest_data, &info, LGUEST_ABI_VERSION,
		LGUEST_FEATURE_DIRECT_SYSCALL | LGUEST_FEATURE_DIRECT_IRET |
			LGUEST_FEATURE_DIRECT_FAULT);
	hc_set_syscall(user_entry, user_exit);
	if (op == OP_USER_SPIN)
		run_user(user_spin);
	if (op == OP_SYSCALL)
		run_user(user_call);
	if (op == OP_DENIED) {
		prepare_denied();
		run_user(user_writes);
	}
	if (op == OP_FAULT)
		touch(LOW_BASE);
	if (op == OP_HIGH)
		touch(arg);
	if (op == OP_ASK)
		ask();
	if (op == OP_PATTERN)
		keep_patterns(arg);
	while (op == OP_SPIN || op == OP_HYPERCALL || op == OP_NOTIFY) {
		(*progress)++;
		if (op == OP_HYPERCALL)
			hc_flush_async();
		else if (op == OP_NOTIFY)
			hc_notify(OP_TOKEN + *progress);
	}
	do_and_stop(op, arg);
	__builtin_unreachable();
}
