// SPDX-License-Identifier: GPL-2.0-only
/*
 * window - the Switcher's own addresses
 *
 * The Switcher's pages are in every guest's page tables, because for a few
 * instructions it stands in both worlds.  They are supervisor pages and the
 * guest is at CPL 3, so a touch is a page fault; what this file pins down is
 * that the fault is the end of the guest, not something that lg.ko tries to
 * mend, and that nothing a guest does with the mere address, as a stack
 * pointer or a segment base or in its page tables, makes the Switcher use it.
 */
#include "test.h"

#define WINDOW_PAGES 16
#define CPUS         2 /* windows to try: ours and a neighbour's */
#define PAGES        ((CPUS * WINDOW_PAGES) + 1)

/* The first pages of the area; and, last, the last page of all of it. */
static u64 page_at(u64 step)
{
	if (step == CPUS * WINDOW_PAGES)
		return info.switcher_end - PAGE_BYTES;
	return info.switcher_start + step * PAGE_BYTES;
}

/* Present or not depends on the page; U is certain. */
static void expect_window_fault(u64 gva, u64 error)
{
	expect_trap(TRAP_PF);
	expect_addr(gva);
	expect_error(error | PF_USER, ~(u64)PF_PRESENT);
}

CASE(kernel_reads, "guest kernel cannot read any page of it", STEPS(PAGES))
{
	expect_window_fault(page_at(step) + 0x100, 0);
	(void)*(volatile u64 *)(page_at(step) + 0x100);
}

CASE(kernel_writes, "guest kernel cannot write any page of it", STEPS(PAGES))
{
	expect_window_fault(page_at(step) + 0xff8, PF_WRITE);
	*(volatile u64 *)(page_at(step) + 0xff8) = 0;
}

CASE(kernel_runs, "guest kernel cannot run any page of it", STEPS(PAGES))
{
	expect_window_fault(page_at(step), PF_FETCH);
	((void (*)(void))page_at(step))();
}

asm(".pushsection .user.text, \"ax\"\n"
    "user_reads: mov (%rdi), %rax\n\tsyscall\n"
    "user_writes: mov %rax, (%rdi)\n\tsyscall\n"
    "user_runs: jmp *%rdi\n\tsyscall\n"
    "user_comes_back: syscall\n\tud2\n"
    ".popsection");
extern const char user_reads[], user_writes[], user_runs[], user_comes_back[];

static void run_user_at(const char *rip, u64 gva, u64 error)
{
	struct user user;

	expect_window_fault(gva, error);
	expect_user();
	user_init(&user, rip);
	user.rdi = gva;
	user_run(&user);
}

CASE(reads, "guest user cannot read any page of it", STEPS(PAGES))
{
	run_user_at(user_reads, page_at(step), 0);
}

CASE(writes, "guest user cannot write any page of it", STEPS(PAGES))
{
	run_user_at(user_writes, page_at(step), PF_WRITE);
}

CASE(runs, "guest user cannot run any page of it", STEPS(PAGES))
{
	run_user_at(user_runs, page_at(step), PF_FETCH);
}

CASE(mapped, "a guest page mapped there is not seen", STEPS(PAGES))
{
	/* With five levels there is no address for it in a guest's four. */
	if (info.switcher_start < 0xffff800000000000)
		skip("the window is beyond the guest's tables");
	pgtable_map(page_at(step), 0x300000, PTE_P | PTE_W | PTE_U);
	expect_window_fault(page_at(step), 0);
	(void)*(volatile u64 *)page_at(step);
}

CASE(neighbour, "a guest page right after its end is the guest's own")
{
	volatile u64 *there = (u64 *)info.switcher_end;

	if (info.switcher_start < 0xffff800000000000)
		skip("the window is beyond the guest's tables");
	pgtable_map(info.switcher_end, 0x300000, PTE_P | PTE_W);
	*there = 0x1234567;
	hc_flush_async();
	check_is(*there, 0x1234567, "what was written there");
	check_is(*(volatile u64 *)0x300000, 0x1234567, "its page");
}

/* ---- the address as a stack pointer ---- */

/* Places that matter: the state page, the middle and the tops of stacks. */
static u64 stack_at(u64 step)
{
	static const u64 offsets[] = { 0x0008, 0x4000, 0x42b0, 0x5400,
				       0x5800, 0x7800, 0x8040, 0x9010 };

	return info.switcher_start + offsets[step % 8] +
	       (step / 8) * WINDOW_PAGES * PAGE_BYTES;
}

#define STACKS (8 * CPUS)

CASE(rsp_hypercall, "with RSP there, a hypercall is only a hypercall",
     STEPS(STACKS))
{
	u64 rsp = stack_at(step), after;

	asm volatile("mov %%rsp, %%r12\n\t"
		     "mov %1, %%rsp\n\t"
		     "xor %%eax, %%eax\n\t"
		     "syscall\n\t"
		     "mov %%rsp, %0\n\t"
		     "mov %%r12, %%rsp"
		     : "=&r"(after)
		     : "r"(rsp)
		     : "rax", "rcx", "r11", "r12", "memory");
	check_is(after, rsp, "RSP after it");
}

CASE(rsp_notify, "and an exit to the daemon is only that", STEPS(STACKS))
{
	u64 rsp = stack_at(step), after;

	asm volatile("mov %%rsp, %%r12\n\t"
		     "mov %1, %%rsp\n\t"
		     "syscall\n\t"
		     "mov %%rsp, %0\n\t"
		     "mov %%r12, %%rsp"
		     : "=&r"(after)
		     : "r"(rsp), "a"(LHCALL_NOTIFY),
		       "D"(CASE_TOKEN(CASE_TOKEN_NOTHING, 0))
		     : "rcx", "r11", "r12", "memory");
	check_is(after, rsp, "RSP after it");
}

CASE(rsp_int3, "with RSP there, a #BP is a #BP", DIES(TRAP_BP), STEPS(STACKS))
{
	asm volatile("mov %0, %%rsp\n\tint3" : : "r"(stack_at(step)));
}

CASE(rsp_push, "with RSP there, a push is a page fault", STEPS(STACKS))
{
	expect_window_fault(stack_at(step) - 8, PF_WRITE);
	asm volatile("mov %0, %%rsp\n\tpush %%rax" : : "r"(stack_at(step)));
}

CASE(rsp_user, "user mode's RSP there passes through a system call",
     STEPS(2 * STACKS), BOTH_WAYS)
{
	u64 rsp = stack_at(step % STACKS);
	struct user user;

	user_init(&user, user_comes_back);
	user.rsp = rsp;
	user_run(&user);
	check_is(user.rsp, rsp, "RSP in the kernel's entry point");
	user.rip = (u64)user_comes_back;
	user_run(&user);
	check_is(user.rsp, rsp, "RSP, second time");
}

CASE(rsp_interrupts, "with RSP there, the host's interrupts come and go")
{
	u64 end = tsc_in(200), rsp = stack_at(2), after;
	u64 before = ask_stat(LG_STAT_IRQS);

	asm volatile("mov %%rsp, %%r12\n\t"
		     "mov %1, %%rsp\n"
		     "1: rdtsc\n\t"
		     "shl $32, %%rdx\n\t"
		     "or %%rdx, %%rax\n\t"
		     "cmp %2, %%rax\n\t"
		     "jb 1b\n\t"
		     "mov %%rsp, %0\n\t"
		     "mov %%r12, %%rsp"
		     : "=&r"(after)
		     : "r"(rsp), "r"(end)
		     : "rax", "rdx", "r12", "memory", "cc");
	check_is(after, rsp, "RSP after them");
	check(ask_stat(LG_STAT_IRQS) > before, "some came");
}

/* ---- the address as a segment base ---- */

CASE(bases, "FS and GS bases may point there, and are kept", BOTH_WAYS)
{
	u64 base = info.switcher_start + 0x4000, got;
	struct user user;

	asm volatile("wrfsbase %0" : : "r"(base));
	hc_flush_async();
	asm volatile("rdfsbase %0" : "=r"(got));
	check_is(got, base, "FS base after a hypercall");

	user_init(&user, user_comes_back);
	user.gs_base = base;
	user_run(&user);
	check_is(user.gs_base, base, "user mode's GS base");
	asm volatile("rdfsbase %0" : "=r"(got));
	check_is(got, base, "FS base after user mode");
}

CASE(base_used, "but not be used", STEPS(2))
{
	u64 base = info.switcher_start + 0x4000;

	expect_window_fault(base, 0);
	asm volatile("wrfsbase %0" : : "r"(base));
	asm volatile("wrgsbase %0" : : "r"(base));
	if (step)
		asm volatile("mov %%gs:0, %%rax" : : : "rax");
	asm volatile("mov %%fs:0, %%rax" : : : "rax");
}

/* ---- the address as a place to go ---- */

CASE(user_rip, "a return to user mode there ends before it begins", BOTH_WAYS,
     DIES(LGUEST_TRAP_SYSCALL))
{
	user_die((void *)info.switcher_start);
}

CASE(entry, "a system call entry there is a page fault in the kernel",
     BOTH_WAYS)
{
	struct user user;

	/* A guest has four levels, so what only five can name is no address. */
	if (info.switcher_start < 0xffff800000000000)
		expect_trap(LGUEST_TRAP_SYSCALL);
	hc_set_syscall((void *)info.switcher_start, user_exit);
	user_init(&user, user_comes_back);
	expect_window_fault(info.switcher_start, PF_FETCH);
	user_run(&user);
}
