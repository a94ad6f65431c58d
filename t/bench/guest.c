// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest.c - the guest's half of the bench
 *
 * Does one operation so many times, reads the time-stamp counter before and
 * after, and leaves the difference in the argument of its shutdown.  Where the
 * counter counts instructions, the difference is exact and includes the few of
 * the loop itself.
 */
#include "guestos.h"
#include "hypercall.h"
#include "mark.h"

#define HIGH_PAGE 0xffffffff90000000ULL

static struct lguest_info info;
static u64 rounds;

user_data static char user_stack[4096];
user_data static u64 user_rounds;
user_data static u64 user_ticks;

static void noreturn done(u64 ticks)
{
	hc_shutdown(LGUEST_SHUTDOWN_POWEROFF, (const char *)ticks);
}

/* The shortest system call there can be: straight back. */
extern char null_entry[], null_exit[];
asm(".text\n"
    "null_entry:\n"
    "	cmp $2, %eax\n"
    "	je 1f\n"
    "null_exit:\n"
    "	syscall\n"
    "	ud2\n"
    "1:	mov %r12, %rdi\n"
    "	jmp user_finished\n");

void user_finished(u64 ticks);
void user_finished(u64 ticks)
{
	done(ticks);
}

user_text static void user_loop(void)
{
	u64 start, left;

	/* The first call brings in pages that the others then find. */
	asm volatile("syscall" : : "a"(1) : "rcx", "r11", "memory");
	start = mark_begin();
	for (left = user_rounds; left; left--)
		asm volatile("syscall" : : "a"(1) : "rcx", "r11", "memory");
	user_ticks = mark_end(start);
	asm volatile("mov %0, %%r12\n\tsyscall"
		     :
		     : "r"(user_ticks), "a"(2)
		     : "r12", "rcx", "r11");
}

/*
 * Two pages that user mode may read, and a store to each: so none is on the page
 * of the one before.  The shortest handlers there can be go on behind it.
 */
#define PAGES_START 0x40000000ULL

extern char null_fault[], null_iret[], null_gate[];
asm(".pushsection .text\n"
    "null_fault:\n"
    "	addq $3, lguest_data + 0x10(%rip)\n"
    "null_iret:\n"
    "	syscall\n"
    "	ud2\n"
    "null_gate:\n"
    "	mov %rcx, lguest_data + 0x28(%rip)\n"
    "	mov %r11, lguest_data + 0x30(%rip)\n"
    "	mov 8(%rsp), %rcx\n"
    "	add $3, %rcx\n"
    "	mov %rcx, lguest_data + 0x10(%rip)\n"
    "	mov 24(%rsp), %ecx\n"
    "	mov %ecx, lguest_data + 0x18(%rip)\n"
    "	mov 32(%rsp), %rsp\n"
    "	jmp null_iret\n"
    ".popsection");

user_text static void user_faults(void)
{
	u64 start, left;

	asm volatile("mov %0, %%rax\n\tmov 4096 + %0, %%rax"
		     :
		     : "m"(*(u64 *)PAGES_START)
		     : "rax");
	start = mark_begin();
	for (left = user_rounds / 2; left; left--)
		asm volatile("mov %%rax, (%0)\n\tmov %%rax, (%1)"
			     :
			     : "D"(PAGES_START), "S"(PAGES_START + PAGE_BYTES)
			     : "memory");
	user_ticks = mark_end(start);
	asm volatile("mov %0, %%r12\n\tsyscall"
		     :
		     : "r"(user_ticks), "a"(2)
		     : "r12", "rcx", "r11");
}

static void prepare_faults(u64 op)
{
	static u64 stack[512] __attribute__((aligned(16)));

	hypercall(LHCALL_LOAD_IDT_ENTRY, 14, (u64)null_gate, 0, 0);
	hypercall(LHCALL_SET_STACK, LGUEST_KERNEL_DS, (u64)&stack[512], 1, 0);
	hypercall(LHCALL_SET_SYSCALL, (u64)null_entry, (u64)null_exit,
		  (u64)null_iret, op == OP_FAULT ? (u64)null_fault : 0);
	pgtable_map(PAGES_START, FILL_START, PTE_P | PTE_U | PTE_A);
	pgtable_map(PAGES_START + PAGE_BYTES, FILL_START,
		    PTE_P | PTE_U | PTE_A);
}

static void run_user(void (*code)(void))
{
	user_rounds = rounds;
	pgtable_give_to_user((u64)user_start, (u64)user_end);
	lguest_data.user_rip = (u64)code;
	lguest_data.user_rflags = RFLAGS_IF;
	asm volatile("mov %0, %%rsp\n\tjmp null_exit"
		     :
		     : "r"(user_stack + sizeof(user_stack) - 8)
		     : "memory");
	__builtin_unreachable();
}

static void hypercalls(void)
{
	u64 start, left;

	hc_flush_async();
	start = mark_begin();
	for (left = rounds; left; left--)
		hc_flush_async();
	done(mark_end(start));
}

/* One page there is enough for lg.ko to take more care. */
static void go_high(void)
{
	pgtable_map(HIGH_PAGE, FILL_START, PTE_P | PTE_W);
	(void)*(volatile u64 *)HIGH_PAGE;
}

static void notifies(void)
{
	u64 start, left;

	hc_notify(OP_TOKEN);
	start = mark_begin();
	for (left = rounds; left; left--)
		hc_notify(OP_TOKEN);
	done(mark_end(start));
}

/* As a kernel's own map has it: accessed and dirty from the first. */
static void mark_used(void)
{
	u64 gva;

	for (gva = FILL_START; gva < FILL_START + FILL_BYTES; gva += PAGE_BYTES)
		*pgtable_entry(gva, 1) |= PTE_A | PTE_D;
}

/* Only first touches, so as many pages as rounds; and they are in order. */
static void fills(void)
{
	volatile u64 *word = (u64 *)FILL_START;
	u64 start, left;

	start = mark_begin();
	for (left = rounds; left; left--, word += PAGE_BYTES / 8)
		(void)*word;
	done(mark_end(start));
}

/*
 * A loop notices that it has been away by the counter: it is not away when the
 * difference is that of one turn.
 */
static void ticks(void)
{
	u64 last = mark_begin(), away = 0, seen = 0, now, turn = ~0ULL;

	while (seen < BENCH_TICKS) {
		now = mark_tsc();
		if (now - last < turn)
			turn = now - last;
		if (now - last > turn + 200) {
			away += now - last - turn;
			seen++;
		}
		last = now;
	}
	mark_end(0);
	done(away);
}

void main(u64 op, u64 how_many, u64 ram_bytes, u64 root)
{
	(void)ram_bytes;
	rounds = how_many;
	pgtable_init(root);
	hc_init(&lguest_data, &info, LGUEST_ABI_VERSION,
		op == OP_LONG_WAY ? 0
				  : LGUEST_FEATURE_DIRECT_SYSCALL |
					    LGUEST_FEATURE_DIRECT_IRET |
					    LGUEST_FEATURE_DIRECT_FAULT);
	switch (op) {
	case OP_HIGH_HYPERCALL:
		go_high();
		hypercalls();
		break;
	case OP_HYPERCALL:
		hypercalls();
		break;
	case OP_DIRECT:
	case OP_LONG_WAY:
		hc_set_syscall(null_entry, null_exit);
		run_user(user_loop);
		break;
	case OP_FAULT:
	case OP_LONG_FAULT:
		prepare_faults(op);
		run_user(user_faults);
		break;
	case OP_NOTIFY:
		notifies();
		break;
	case OP_FILL_USED:
		mark_used();
		fills();
		break;
	case OP_FILL:
		fills();
		break;
	case OP_TICK:
		ticks();
		break;
	}
	panic("no such operation: %llu", op);
}
