// SPDX-License-Identifier: GPL-2.0-only
/*
 * canonical - addresses that are none
 *
 * SYSRET and WRGSBASE with a non-canonical operand fault at CPL 0, and the
 * first of them with the guest's stack pointer: a famous way to own a host.
 * The Switcher looks before it leaps.  Everything here is one of: the guest's
 * own #GP, harmless, or a return that lg.ko refuses in words.
 *
 * QEMU says #GP where a CPU says #SS, and takes any value for a base.
 */
#include "test.h"

/* None of these is canonical, with 48 bits or with 57. */
static const u64 bad[] = { 0x8000000000000000, 0x7fffffffffffffff,
			   0x0100000000000000, 0xfeffffffffffffff,
			   0xdeadbeefdeadbeef };

/* Neither are these with 48; with 57 they are merely not mapped. */
static const u64 bad_48[] = { LOW_END, 0xffff7fffffffffff, 0x0000ffff00000000 };

#define ALL (ARRAY_SIZE(bad) + ARRAY_SIZE(bad_48))

static u64 bad_at(u64 step)
{
	return step < ARRAY_SIZE(bad) ? bad[step]
				      : bad_48[step - ARRAY_SIZE(bad)];
}

static int has_57_bits(void)
{
	return info.switcher_start < 0xffff800000000000;
}

static void expect_fault(u64 step, u32 trap)
{
	expect_trap(step >= ARRAY_SIZE(bad) && has_57_bits() ? TRAP_PF : trap);
}

CASE(load, "a load from there is a #GP", STEPS(ALL))
{
	expect_fault(step, TRAP_GP);
	(void)*(volatile u8 *)bad_at(step);
}

CASE(jump, "a jump there is a #GP", STEPS(ALL))
{
	expect_fault(step, TRAP_GP);
	((void (*)(void))bad_at(step))();
}

CASE(push, "a push there is a #SS", STEPS(ALL))
{
	expect_fault(step, on_tcg() ? TRAP_GP : TRAP_SS);
	asm volatile("mov %0, %%rsp\n\tpush %%rax" : : "r"(bad_at(step) + 8));
}

CASE(rsp_int3, "with RSP there, a #BP is a #BP", DIES(TRAP_BP), STEPS(ALL))
{
	asm volatile("mov %0, %%rsp\n\tint3" : : "r"(bad_at(step)));
}

CASE(rsp_int_n, "and an INT $0x80 a #GP", DIES(TRAP_GP), STEPS(ALL))
{
	asm volatile("mov %0, %%rsp\n\tint $0x80" : : "r"(bad_at(step)));
}

CASE(rsp_hypercall, "with RSP there, a hypercall is a hypercall", STEPS(ALL))
{
	u64 after;

	asm volatile("mov %%rsp, %%r12\n\t"
		     "mov %1, %%rsp\n\t"
		     "xor %%eax, %%eax\n\t"
		     "syscall\n\t"
		     "mov %%rsp, %0\n\t"
		     "mov %%r12, %%rsp"
		     : "=&r"(after)
		     : "r"(bad_at(step))
		     : "rax", "rcx", "r11", "r12", "memory");
	check_is(after, bad_at(step), "RSP after it");
}

/* ---- bases ---- */

CASE(wrgsbase, "WRGSBASE of it is a #GP", STEPS(ARRAY_SIZE(bad)))
{
	if (!on_tcg())
		expect_trap(TRAP_GP);
	asm volatile("wrgsbase %0" : : "r"(bad[step]));
	hc_flush_async();
	ask(CASE_TOKEN_NOTHING);
}

CASE(wrfsbase, "WRFSBASE of it is a #GP", STEPS(ARRAY_SIZE(bad)))
{
	if (!on_tcg())
		expect_trap(TRAP_GP);
	asm volatile("wrfsbase %0" : : "r"(bad[step]));
	hc_flush_async();
	ask(CASE_TOKEN_NOTHING);
}

/* ---- the words of lguest_data ---- */

asm(".pushsection .user.text, \"ax\"\n"
    "comes_back: syscall\n\tud2\n"
    ".popsection");
extern const char comes_back[];

CASE(user_rip, "a return to user mode there is refused in words", BOTH_WAYS,
     DIES(LGUEST_TRAP_SYSCALL), .why = "bad RIP", STEPS(ALL))
{
	user_die((void *)bad_at(step));
}

CASE(user_rip_high, "so is one to the high half", BOTH_WAYS,
     DIES(LGUEST_TRAP_SYSCALL), .why = "bad RIP", STEPS(3))
{
	static const u64 high[] = { 0xffff800000000000, 0xffffffff81000000,
				    ~0ULL };

	user_die((void *)high[step]);
}

CASE(user_gs, "a return with a GS base there is refused in words", BOTH_WAYS,
     DIES(LGUEST_TRAP_SYSCALL), .why = "GS base", STEPS(ALL))
{
	struct user user;

	if (step >= ARRAY_SIZE(bad) && has_57_bits())
		expect_done();
	user_init(&user, comes_back);
	user.gs_base = bad_at(step);
	user_run(&user);
}

asm(".pushsection .user.text, \"ax\"\n"
    "sets_gs: wrgsbase %rdi\n\tsyscall\n\tud2\n"
    ".popsection");
extern const char sets_gs[];

/* What user mode can load it may keep: it must not cost its kernel's life. */
CASE(wrgsbase_57,
     "a GS base of 57 bits is user mode's #GP, or is like any other", BOTH_WAYS)
{
	struct user user;

	if (!has_57_bits() && on_tcg())
		skip("TCG takes any value for a base");
	if (!has_57_bits()) {
		expect_trap(TRAP_GP);
		expect_user();
	}
	user_init(&user, sets_gs);
	user.rdi = 0x0000900000000000;
	user_run(&user);
	check_is(user.gs_base, user.rdi, "GS base");
	user.rip = (u64)comes_back;
	user_run(&user);
}

/* ---- the last instruction below the hole ---- */

#define LAST_PAGE (LOW_END - PAGE_BYTES)

CASE(last_syscall, "SYSCALL as the last instruction below the hole is served",
     BOTH_WAYS)
{
	struct user user;
	u8 *page = (u8 *)pgtable_new_page();

	page[PAGE_BYTES - 2] = 0x0f;
	page[PAGE_BYTES - 1] = 0x05;
	pgtable_map(LAST_PAGE, (u64)page, PTE_P | PTE_W | PTE_U);
	user_init(&user, (void *)(LOW_END - 2));
	user_run(&user);
	check_is(user.rip, LOW_END, "where user mode would go on");
	/* And going on there is what no SYSRET may be made to do. */
	expect_trap(LGUEST_TRAP_SYSCALL);
	expect_why("bad RIP");
	user_run(&user);
}

CASE(last_hypercall, "a hypercall as that instruction cannot go on after it")
{
	u8 *page = (u8 *)pgtable_new_page();

	page[PAGE_BYTES - 2] = 0x0f;
	page[PAGE_BYTES - 1] = 0x05;
	pgtable_map(LAST_PAGE, (u64)page, PTE_P | PTE_W);
	expect_trap(LGUEST_TRAP_SYSCALL);
	asm volatile("jmp *%0" : : "r"(LOW_END - 2), "a"(LHCALL_FLUSH_ASYNC));
}

CASE(last_nop, "nor can a NOP there")
{
	u8 *page = (u8 *)pgtable_new_page();

	page[PAGE_BYTES - 1] = 0x90;
	pgtable_map(LAST_PAGE, (u64)page, PTE_P | PTE_W);
	expect_trap(has_57_bits() ? TRAP_PF : TRAP_GP);
	((void (*)(void))(LOW_END - 1))();
}
