// SPDX-License-Identifier: GPL-2.0-only
/*
 * mov-ss - a debug exception that arrives one instruction late
 *
 * MOV SS holds all debug exceptions back until the next instruction is done.
 * If its operand was watched, and that next instruction is SYSCALL or INT n,
 * the #DB is delivered at CPL 0, on the first instruction of whoever handles
 * that: in our case in the Switcher, and for SYSCALL with RSP still the
 * guest's.  Whole families of kernels fell to this (CVE-2018-8897).  Here #DB
 * has a stack of its own, is noted, and changes nothing else.
 *
 * QEMU does not hold a watchpoint back, so there the guest has its #DB at once;
 * a trap flag it does hold back.
 */
#include "test.h"

/* DR7: slot 0 enabled, on reads and writes, of two bytes. */
#define WATCH_2 (0x1 | 3 << 16 | 1 << 18)

static u16 selector = LGUEST_DS;

/* The trap that must end the guest, unless QEMU's #DB does. */
static void watch_selector(u32 trap)
{
	hc_set_debugreg(0, (u64)&selector);
	hc_set_debugreg(7, WATCH_2);
	expect_trap(on_tcg() ? TRAP_DB : trap);
}

CASE(watch_syscall, "MOV SS, watchpoint, SYSCALL: the host lives, so do we")
{
	watch_selector(0);
	if (!on_tcg())
		expect_done();
	asm volatile("mov %0, %%ss\n\tsyscall"
		     :
		     : "m"(selector), "a"(LHCALL_FLUSH_ASYNC)
		     : "rcx", "r11", "memory");
	hc_set_debugreg(7, 0);
	check_is(ask_stat(LG_STAT_DBS), 1, "LG_STAT_DBS");
}

CASE(watch_int3, "MOV SS, watchpoint, INT3")
{
	watch_selector(TRAP_BP);
	asm volatile("mov %0, %%ss\n\tint3" : : "m"(selector));
}

CASE(watch_int_n, "MOV SS, watchpoint, INT $0x80")
{
	watch_selector(TRAP_GP);
	asm volatile("mov %0, %%ss\n\tint $0x80" : : "m"(selector));
}

CASE(watch_sysenter, "MOV SS, watchpoint, SYSENTER")
{
	watch_selector(on_amd() ? TRAP_UD : TRAP_GP);
	asm volatile("mov %0, %%ss\n\tsysenter" : : "m"(selector));
}

asm(".pushsection .user.data, \"aw\"\n"
    "user_selector: .short 0x2b\n"
    ".popsection\n"
    ".pushsection .user.text, \"ax\"\n"
    "user_watched: mov user_selector(%rip), %ss\n"
    "	syscall\n\tud2\n"
    "user_stepped: pushfq\n"
    "	orl $0x100, (%rsp)\n"
    "	popfq\n"
    "	mov user_selector(%rip), %ss\n"
    "	syscall\n\tud2\n"
    ".popsection");
extern const char user_selector[], user_watched[], user_stepped[];

CASE(user_syscall, "MOV SS, watchpoint, system call", BOTH_WAYS)
{
	struct user user;

	hc_set_debugreg(0, (u64)user_selector);
	hc_set_debugreg(7, WATCH_2);
	if (on_tcg())
		expect_trap(TRAP_DB);
	user_init(&user, user_watched);
	user_run(&user);
	hc_set_debugreg(7, 0);
	check_is(ask_stat(LG_STAT_DBS), 1, "LG_STAT_DBS");
}

/* SYSCALL masks TF, so what was held back has nothing left to report. */
CASE(user_step, "TF, MOV SS, system call")
{
	struct user user;

	expect_trap(TRAP_DB);
	user_init(&user, user_stepped);
	/* POPF sets TF and the next one instruction runs: it is the MOV. */
	user_run(&user);
	check(user.rflags & RFLAGS_TF, "TF is in lguest_data");
	expect_done();
}

#define STEP_THEN(insn)                                       \
	asm volatile("pushfq\n\t"                             \
		     "orl $0x100, (%%rsp)\n\t"                \
		     "popfq\n\t"                              \
		     "mov %0, %%ss\n\t" insn                  \
		     :                                        \
		     : "m"(selector), "a"(LHCALL_FLUSH_ASYNC) \
		     : "rcx", "r11", "memory", "cc")

CASE(step_syscall, "TF, MOV SS, SYSCALL: one step after the hypercall",
     DIES(TRAP_DB))
{
	STEP_THEN("syscall");
}

CASE(step_int3, "TF, MOV SS, INT3", DIES(TRAP_BP))
{
	STEP_THEN("int3");
}

CASE(step_int_n, "TF, MOV SS, INT $0x80", DIES(TRAP_GP))
{
	STEP_THEN("int $0x80");
}
