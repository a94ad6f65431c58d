// SPDX-License-Identifier: GPL-2.0-only
/*
 * direct-fault - page faults that the host is not asked about
 *
 * When user mode writes to a page that the host's tables have without that
 * right, the Switcher takes it for the guest's own business and calls the fault
 * entry.  It may be wrong: the host withdraws the right of its own accord to see
 * the first store to a page.  Then the guest's handler finds nothing to do, and
 * what must not happen is that it is called again and again.  So the second
 * fault running on one page is the host's to judge.
 *
 * Everything else takes the long way, as do these when direct paths are barred;
 * but for the counters the guest cannot tell.
 */
#include "event.h"
#include "test.h"

#define PAGE      0x40000000ULL /* pages of ours, from here on */
#define FRAME     0xa00000ULL /* free RAM */
#define READ_ONLY (PTE_P | PTE_U | PTE_A | PTE_D)
#define SENTRY    0xfacade

asm(".pushsection .user.text, \"ax\"\n"
    /* As a program that knows the page already, and then writes to it. */
    "user_writes: mov (%rdi), %r15\n"
    "user_store: mov %rsi, (%rdi)\n"
    "user_stored: syscall\n\tud2\n"
    /* The two registers that are lost at other crossings, on the stack. */
    "user_keeps: mov (%rdi), %r15\n"
    "	mov %rax, %rcx\n"
    "	mov %rbx, %r11\n"
    "	mov %rsi, (%rdi)\n"
    "	push %rcx\n"
    "	push %r11\n"
    "	lea 16(%rsp), %rsp\n"
    "user_kept: syscall\n\tud2\n"
    /* RDX pages, each read and then written. */
    "user_sweeps: mov (%rdi), %r15\n"
    "	mov %rsi, (%rdi)\n"
    "	add $4096, %rdi\n"
    "	dec %rdx\n"
    "	jnz user_sweeps\n"
    "	syscall\n\tud2\n"
    "user_only_writes: mov %rsi, (%rdi)\n\tsyscall\n\tud2\n"
    "user_reads: mov (%rdi), %rax\n\tsyscall\n\tud2\n"
    "user_jumps: mov (%rdi), %rax\n\tjmp *%rdi\n"
    /* Both ways round, so that none of them is the last one's page. */
    "user_both: mov (%rdi), %r15\n"
    "	mov (%rbx), %r15\n"
    "	mov %rsi, (%rdi)\n"
    "	mov %rsi, (%rbx)\n"
    "	mov %rsi, (%rdi)\n"
    "	syscall\n\tud2\n"
    "user_steps: mov (%rdi), %r15\n"
    "	pushfq\n"
    "	orl $0x100, (%rsp)\n"
    "	popfq\n"
    "	mov %rsi, (%rdi)\n"
    "user_stepped: syscall\n\tud2\n"
    "user_loads_ss: mov (%rdi), %r15\n"
    "	mov %edx, %ss\n"
    "	mov %rsi, (%rdi)\n"
    "	syscall\n\tud2\n"
    "user_watched: mov (%rdi), %r15\n"
    "	mov user_selector(%rip), %ss\n"
    "	mov %rsi, (%rdi)\n"
    "	syscall\n\tud2\n"
    "user_far: mov (%rdi), %r15\n"
    "	mov $0x2b, %eax\n" /* 32-bit code asks DS */
    "	mov %eax, %ds\n"
    "	movl $0x23, 4(%rsp)\n"
    "	movl $user_code32, (%rsp)\n"
    "	ljmpl *(%rsp)\n" /* QEMU's lret has a fault of its own under SMAP */
    "	.code32\n"
    "user_code32: mov %esi, (%edi)\n"
    "	.code64\n"
    "	ud2\n"
    ".popsection\n"
    ".pushsection .user.data, \"aw\"\n"
    "user_selector: .short 0x2b\n"
    ".popsection");
extern const char user_writes[], user_store[], user_stored[], user_keeps[],
	user_kept[], user_sweeps[], user_only_writes[], user_reads[],
	user_jumps[], user_both[], user_steps[], user_stepped[],
	user_loads_ss[], user_watched[], user_far[], user_selector[];

static struct user user;
static u32 spare; /* faults that the handler leaves as they are */
static u64 fault_rsp, fault_gs, fault_flags;

static void allow(u64 page)
{
	*pgtable_entry(page, 1) |= PTE_W;
}

/* Puts it right, if it is not; no flush, as no right is taken away. */
static void put_right(struct event *event)
{
	(void)event;
	asm volatile("rdgsbase %0\n\tmov %%rsp, %1\n\tpushfq\n\tpopq %2"
		     : "=r"(fault_gs), "=r"(fault_rsp), "=r"(fault_flags));
	check_is(lguest_data.irq_enabled, 0, "the interrupt flag");
	if (spare)
		spare--;
	else
		allow(lguest_data.cr2);
}

/* So many pages that user mode may read, from PAGE on. */
static void give(u64 pages)
{
	u64 i;

	for (i = 0; i < pages; i++)
		*pgtable_entry(PAGE + i * PAGE_BYTES, 1) =
			(FRAME + i * PAGE_BYTES) | READ_ONLY;
	hc_flush_tlb();
}

static void begin_at(const void *entry)
{
	event_init();
	hc_init(&lguest_data, &info, LGUEST_ABI_VERSION,
		LGUEST_FEATURE_DIRECT_SYSCALL | LGUEST_FEATURE_DIRECT_IRET |
			LGUEST_FEATURE_DIRECT_FAULT);
	event_direct = !!(info.features & LGUEST_FEATURE_DIRECT_FAULT);
	if (event_direct)
		hypercall(LHCALL_SET_SYSCALL, (u64)user_entry, (u64)user_exit,
			  (u64)event_iret, (u64)entry);
}

static void begin(u64 pages)
{
	give(pages);
	begin_at(event_fault);
	on_event(TRAP_PF, put_right);
}

static void run(const void *code)
{
	user_init(&user, code);
	user.rdi = PAGE;
	user.rsi = SENTRY;
	user_run(&user);
}

/* How many faults there were, and that the direct ones were direct. */
static void check_faults(u32 all, u32 direct)
{
	check_is(event_count[TRAP_PF], all, "page faults");
	check_is(event_faults, event_direct ? direct : 0, "direct ones");
	check_is(ask_stat(LG_STAT_FAULTS), event_faults, "LG_STAT_FAULTS");
}

/* ---- what it is like ---- */

CASE(whole, "nothing is lost on the way to the fault entry and back", BOTH_WAYS)
{
	struct user was;
	u64 *regs = (u64 *)&was, i;

	begin(1);
	user_init(&was, user_keeps);
	for (i = 0; i < 16; i++)
		regs[i] = 0x1111111111111111 * i ^ 0xfedcba9876543210;
	was.rsp = USER_STACK_TOP;
	was.rdi = PAGE + 0x128;
	was.r15 = 0; /* what user mode reads there */
	was.rflags |= RFLAGS_CF | RFLAGS_DF | RFLAGS_AC | RFLAGS_ID;
	was.gs_base = 0x1234567000;
	*(volatile u64 *)(FRAME + 0x128) = 0;
	user = was;
	user_run(&user);
	for (i = 0; i < 16; i++)
		check_is(((u64 *)&user)[i], regs[i], "a register");
	check_is(user_stack[USER_STACK_WORDS - 1], was.rax, "RCX");
	check_is(user_stack[USER_STACK_WORDS - 2], was.rbx, "R11");
	check_is(user.rip, (u64)user_kept + 2, "RIP");
	check_is(user.rflags, was.rflags, "RFLAGS");
	check_is(user.gs_base, was.gs_base, "GS base");
	check_is(*(volatile u64 *)(FRAME + 0x128), was.rsi, "what it wrote");
	check_faults(1, 1);
}

CASE(handler, "the handler is told what, where and by whom", BOTH_WAYS)
{
	const struct lguest_iret *at = &event_last.at;

	begin(1);
	run(user_writes);
	check_is(event_last.error, PF_PRESENT | PF_WRITE | PF_USER, "error");
	check_is(lguest_data.cr2, PAGE, "cr2");
	check_is(at->rip, (u64)user_store, "RIP");
	check_is(at->cs, LGUEST_CS, "CS");
	check_is(at->ss, LGUEST_DS, "SS");
	check_is(at->rsp, USER_STACK_TOP, "RSP");
	check_is(at->rflags & RFLAGS_IF, RFLAGS_IF, "IF");
	check_is(fault_gs, (u64)&cpu, "the kernel's GS base");
	check(fault_rsp > (u64)event_stack && fault_rsp < EVENT_STACK_TOP,
	      "its stack");
	check_is(fault_flags & (RFLAGS_TF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC),
		 0, "its flags");
	check_faults(1, 1);
}

CASE(step, "with the trap flag on, the store is one step", BOTH_WAYS)
{
	begin(1);
	on_event(TRAP_DB, NULL);
	run(user_steps);
	check_faults(1, 1);
	/* After the store, and at most one more: SYSCALL takes the flag off. */
	check(event_count[TRAP_DB] == 1 || event_count[TRAP_DB] == 2, "#DB");
	check_is(*(volatile u64 *)FRAME, SENTRY, "what it wrote");
}

CASE(moved, "lguest_data may be elsewhere", BOTH_WAYS)
{
	u64 page = (u64)&lguest_data & ~(PAGE_BYTES - 1), to = FRAME + 0x10000;
	u64 *entry = pgtable_entry(page, 1);

	begin(1);
	run(user_writes);
	give(1);
	memcpy((void *)to, (void *)page, PAGE_BYTES);
	*entry = to | PTE_P | PTE_W;
	hc_flush_tlb();
	hypercall(LHCALL_SET_DATA, to + (u64)&lguest_data - page, (u64)&cpu, 0,
		  0);
	run(user_writes);
	check_faults(2, 2);
	check_is(((struct lguest_data *)(to + (u64)&lguest_data - page))->cr2,
		 PAGE, "cr2, new place");
}

/* ---- the guess ---- */

#define MANY 64

CASE(many, "one page after another, each once", BOTH_WAYS)
{
	begin(MANY);
	user_init(&user, user_sweeps);
	user.rdi = PAGE;
	user.rdx = MANY;
	user_run(&user);
	/* The host sees the first of sixteen before it has any. */
	check_faults(MANY, MANY);
}

CASE(not_twice, "the second fault on a page is the host's to judge", BOTH_WAYS)
{
	begin(1);
	spare = 4;
	run(user_writes);
	check_faults(5, 1);
	check_is(*(volatile u64 *)FRAME, SENTRY, "what it wrote");
}

CASE(again, "when the host has seen it, the next may be direct", BOTH_WAYS)
{
	u32 i;

	begin(1);
	for (i = 0; i < 10; i++) {
		give(1);
		run(user_writes);
	}
	check_faults(10, 10);
}

CASE(alternating, "of two pages each has its own", BOTH_WAYS)
{
	begin(2);
	user_init(&user, user_both);
	user.rdi = PAGE;
	user.rbx = PAGE + PAGE_BYTES;
	user_run(&user);
	check_faults(2, 2);
}

/* The host leaves W out of its entry, to set D when it is wanted. */
CASE(clean, "a first store to a clean page comes to nothing", BOTH_WAYS)
{
	begin(1);
	*pgtable_entry(PAGE, 1) |= PTE_W;
	*pgtable_entry(PAGE, 1) &= ~PTE_D;
	hc_flush_tlb();
	run(user_writes);
	check_is(*(volatile u64 *)FRAME, SENTRY, "what it wrote");
	check(*pgtable_entry(PAGE, 1) & PTE_D, "D");
	check_faults(event_direct ? 1 : 0, 1);
}

CASE(stale, "nor does one after the right was given, without a flush",
     BOTH_WAYS)
{
	begin(1);
	run(user_reads);
	allow(PAGE);
	run(user_writes);
	check_is(*(volatile u64 *)FRAME, SENTRY, "what it wrote");
	check_faults(event_direct ? 1 : 0, 1);
}

/* ---- what is not guessed at ---- */

static void skip_store(struct event *event)
{
	check_is(event_faults, 0, "direct page faults");
	event->at.rip = (u64)user_stored;
}

CASE(others, "reads, fetches and absent pages take the long way", STEPS(4))
{
	static const u64 errors[] = { PF_WRITE, 0, PF_FETCH | PF_PRESENT,
				      PF_WRITE | PF_PRESENT };
	static const char *const code[] = { user_only_writes, user_reads,
					    user_jumps, user_only_writes };

	begin(1);
	on_event(TRAP_PF, skip_store);
	if (step < 2)
		*pgtable_entry(PAGE, 1) = 0;
	else
		*pgtable_entry(PAGE, 1) |= PTE_NX;
	hc_flush_tlb();
	run(code[step]);
	check_is(event_last.error, errors[step] | PF_USER, "error");
	check_faults(1, 0);
}

CASE(window, "the Switcher's own pages are absent, as ever", STEPS(3))
{
	u64 at[] = { info.switcher_start, info.switcher_start + 0x8000,
		     info.switcher_end - 8 };

	begin(1);
	on_event(TRAP_PF, skip_store);
	user_init(&user, user_only_writes);
	user.rdi = at[step];
	user_run(&user);
	check_is(event_last.error, PF_WRITE | PF_USER, "error");
	check_is(lguest_data.cr2, at[step], "cr2");
	check_faults(1, 0);
}

CASE(high, "nor is the high half user mode's to be quick in")
{
	const u64 high = 0xffffc00000000000;

	begin(1);
	on_event(TRAP_PF, skip_store);
	pgtable_map(high, FRAME, READ_ONLY);
	user_init(&user, user_writes);
	user.rdi = high;
	user_run(&user);
	check_is(event_last.error, PF_PRESENT | PF_WRITE | PF_USER, "error");
	check_faults(1, 0);
}

CASE(kernel, "a store of the kernel's is not user mode's")
{
	extern const char kernel_store[];

	begin(1);
	(void)*(volatile u64 *)PAGE;
	asm volatile("kernel_store: mov %1, %0"
		     : "=m"(*(volatile u64 *)PAGE)
		     : "r"((u64)SENTRY));
	check_is(event_last.error, PF_PRESENT | PF_WRITE, "error");
	check_is(event_last.at.rip, (u64)kernel_store, "RIP");
	check_faults(1, 0);
}

static void skip_code32(struct event *event)
{
	check_is(event->at.cs, LGUEST_CS32, "CS");
	event->at.cs = LGUEST_CS;
	event->at.rip = (u64)user_stored;
}

CASE(code32, "32-bit code has no direct way back, and so none here")
{
	begin(1);
	on_event(TRAP_PF, skip_code32);
	user_init(&user, user_far);
	user.rsp -= 64;
	user.rdi = PAGE;
	user_run(&user);
	check_is(event_last.error, PF_PRESENT | PF_WRITE | PF_USER, "error");
	check_faults(1, 0);
}

static void see_ss(struct event *event)
{
	check_is(event->at.ss, LGUEST_TLS_FIRST << 3 | 3, "SS");
	event->at.ss = LGUEST_DS;
	event->at.rip = (u64)user_stored;
}

CASE(odd_stack, "nor has a stack segment of user mode's own")
{
	begin(1);
	on_event(TRAP_PF, see_ss);
	/* Flat, DPL 3, data. */
	hypercall(LHCALL_LOAD_TLS, 0, 0x00cff3000000ffff, 0, 0);
	user_init(&user, user_loads_ss);
	user.rdi = PAGE;
	user.rdx = LGUEST_TLS_FIRST << 3 | 3;
	user_run(&user);
	check_faults(1, 0);
}

/* A #DB that MOV SS puts off; QEMU does not, some drop it: it may come once. */
CASE(mov_ss, "MOV SS, watchpoint, page fault: all come through it")
{
	begin(1);
	on_event(TRAP_DB, NULL);
	hc_set_debugreg(0, (u64)user_selector);
	hc_set_debugreg(7, 0x1 | 3 << 16 | 1 << 18);
	run(user_watched);
	hc_set_debugreg(7, 0);
	check(event_count[TRAP_DB] <= 1, "#DB");
	check_is(*(volatile u64 *)FRAME, SENTRY, "what it wrote");
	check_is(event_count[TRAP_PF], 1, "page faults");
}

/* ---- nonsense ---- */

CASE(unasked, "a fault entry has to be asked for", DIES(LGUEST_TRAP_SYSCALL),
     .why = "SET_SYSCALL")
{
	hypercall(LHCALL_SET_SYSCALL, (u64)user_entry, (u64)user_exit, 0,
		  (u64)event_fault);
}

CASE(noncanonical, "one that is not canonical is refused", STEPS(3),
     DIES(LGUEST_TRAP_SYSCALL), .why = "SET_SYSCALL")
{
	static const u64 bad[] = { NONCANONICAL, LOW_END, 0xffff7fffffffffff };

	begin_at((void *)bad[step]);
}

/* Not mapped, the Switcher, a page of user mode's, the last address. */
CASE(nowhere, "one that cannot be run is a page fault of the kernel's",
     DIES(TRAP_PF), STEPS(4))
{
	u64 entry[] = { 0x123456000, info.switcher_start + 0x1000,
			(u64)user_store, LOW_END - 1 };

	/* On a host of five levels the Switcher is where no guest can point. */
	if (info.switcher_start < 0xffff800000000000)
		entry[1] = entry[0];
	give(1);
	begin_at((void *)entry[step]);
	expect_error(PF_USER | PF_FETCH, PF_USER | PF_FETCH);
	expect_addr(entry[step]);
	expect_rip(entry[step]);
	run(user_writes);
}

CASE(no_stack, "without a stack it comes to no good", DIES(TRAP_PF),
     .why = "triple fault")
{
	begin(1);
	hypercall(LHCALL_SET_STACK, LGUEST_KERNEL_DS, 0x123456000, 1, 0);
	run(user_writes);
}

/* Leaves things as they are, and lg.ko finds no gate the second time. */
CASE(no_gate, "without a gate the second one is the last", DIES(TRAP_PF),
     .why = "not allowed")
{
	begin(1);
	hypercall(LHCALL_LOAD_IDT_ENTRY, TRAP_PF, 0, 0, 0);
	spare = 1;
	expect_addr(PAGE);
	expect_user();
	run(user_writes);
}

CASE(none, "and 0 is no fault entry")
{
	give(1);
	begin_at(NULL);
	on_event(TRAP_PF, put_right);
	run(user_writes);
	check_faults(1, 0);
}
