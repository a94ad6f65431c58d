// SPDX-License-Identifier: GPL-2.0-only
/*
 * compat - a guest in 32-bit code
 *
 * Selector 0x23 is in the Switcher's GDT, because an operating system's 32-bit
 * programs need it; so a guest can far-jump there whenever it likes, kernel or
 * user, told or not.  There SYSCALL goes to another MSR on AMD and does not
 * exist on Intel (QEMU has AMD's way whatever it calls itself), SYSENTER is not
 * AMD's, INTO and BOUND are back, and the top halves of registers are out of
 * sight.  The host has to live through all of it, and the guest too where it
 * did nothing wrong.
 */
#include "test.h"

struct far_pointer {
	u32 offset;
	u16 selector;
} __attribute__((packed));

/* 32-bit code is on a page that kernel and user mode each have a copy of. */
#define CODE_32                                                            \
	"	.code32\n"                                                       \
	"nothing: jmp 9f\n"                                                \
	"	.balign 16\n"                                                    \
	"does_syscall: syscall\n\tjmp 9f\n"                                \
	"	.balign 16\n"                                                    \
	"does_sysenter: sysenter\n\tjmp 9f\n"                              \
	"	.balign 16\n"                                                    \
	"does_int80: int $0x80\n\tjmp 9f\n"                                \
	"	.balign 16\n"                                                    \
	"does_int3: int3\n\tjmp 9f\n"                                      \
	"	.balign 16\n"                                                    \
	"does_into: mov $0x7fffffff, %eax\n\tinc %eax\n\tinto\n\tjmp 9f\n" \
	"	.balign 16\n"                                                    \
	"skips_into: xor %eax, %eax\n\tinto\n\tjmp 9f\n"                   \
	"	.balign 16\n"                                                    \
	"does_bound: push $0\n\tpush $0\n\tmov $5, %eax\n"                 \
	"	bound %eax, (%esp)\n\tjmp 9f\n"                                  \
	"	.balign 16\n"                                                    \
	"does_hlt: hlt\n\tjmp 9f\n"                                        \
	"	.balign 16\n"                                                    \
	"does_lcall: lcall $0x10, $0x200000\n\tjmp 9f\n"                   \
	"	.balign 16\n"                                                    \
	"does_wild: jmp *%esi\n"                                           \
	"	.balign 16\n"                                                    \
	"does_spin: dec %esi\n\tjnz does_spin\n\tjmp 9f\n"                 \
	"	.balign 16\n"                                                    \
	"9:	ljmp $0x33, $back_64\n"                                        \
	"	.code64\n"                                                       \
	"back_64: jmp *%rbx\n"

asm(".pushsection .text\n" CODE_32 ".popsection");

extern const char nothing[], does_syscall[], does_sysenter[], does_int80[],
	does_int3[], does_into[], skips_into[], does_bound[], does_hlt[],
	does_lcall[], does_wild[], does_spin[];

/* To 32-bit code and back; ESI is its argument.  Returns ESI. */
static u64 run_32(const char *code, u64 rsi)
{
	struct far_pointer to = { (u32)(u64)code, LGUEST_CS32 };

	asm volatile("lea 1f(%%rip), %%rbx\n\t"
		     "ljmpl *%1\n"
		     "1:"
		     : "+S"(rsi)
		     : "m"(to)
		     : "rax", "rbx", "rcx", "rdx", "rdi", "r8", "r9", "r10",
		       "r11", "r12", "r13", "r14", "r15", "memory", "cc");
	return rsi;
}

CASE(there_and_back, "to 32-bit code and back, a thousand times")
{
	int i;

	for (i = 0; i < 1000; i++) {
		run_32(nothing, 0);
		hc_flush_async();
	}
}

CASE(halves, "the low halves of registers survive it, and RSP")
{
	struct far_pointer to = { (u32)(u64)nothing, LGUEST_CS32 };
	u64 r12 = 0xaaaa5555aaaa5555, rdx = 0x123456789abcdef0, moved;

	asm volatile("mov %%rsp, %%r13\n\t"
		     "lea 1f(%%rip), %%rbx\n\t"
		     "mov %2, %%r12\n\t"
		     "mov %3, %%rdx\n\t"
		     "ljmpl *%4\n"
		     "1: mov %%r12, %0\n\t"
		     "sub %%rsp, %%r13\n\t"
		     "mov %%r13, %1"
		     : "=&r"(r12), "=&r"(moved)
		     : "0"(r12), "c"(rdx), "m"(to)
		     : "rax", "rbx", "rdx", "r12", "r13", "memory", "cc");
	check_is(moved, 0, "how far RSP moved");
	check_is((u32)r12, 0xaaaa5555, "low half of R12");
	print("the high half of R12 is %skept\n",
	      r12 == 0xaaaa5555aaaa5555 ? "" : "not ");
}

CASE(interrupted, "the host's interrupts in 32-bit code come and go")
{
	u64 before = ask_stat(LG_STAT_IRQS), rounds;

	for (rounds = 0; rounds < 100 && ask_stat(LG_STAT_IRQS) == before;
	     rounds++)
		check_is(run_32(does_spin, 2000000), 0, "ESI at the end");
	check(rounds < 100, "an interrupt came");
}

CASE(syscall_32, "SYSCALL there is refused: #UD on Intel, trap 0x101 on AMD")
{
	expect_trap(on_amd() || on_tcg() ? LGUEST_TRAP_SYSCALL32 : TRAP_UD);
	run_32(does_syscall, 0);
}

/* Its gate's handler goes on where it was, without its frame. */
static u64 rsp_before, flags_inside;

asm(".pushsection .text\n"
    "on_syscall_32: pushfq\n"
    "	popq flags_inside(%rip)\n"
    "	cld\n"
    "	mov rsp_before(%rip), %rsp\n"
    "	jmp *%rbx\n"
    ".popsection");

/*
 * A program once had the kernel's string instructions go backwards: that flag
 * was the program's in the kernel as well, which SYSCALL would have cleared.
 */
CASE(syscall_32_flags, "its handler starts as after SYSCALL: no DF either")
{
	extern const char on_syscall_32[];
	struct far_pointer to = { (u32)(u64)does_syscall, LGUEST_CS32 };

	if (!on_amd() && !on_tcg())
		skip("SYSCALL is none in 32-bit code");
	hypercall(LHCALL_LOAD_IDT_ENTRY, LGUEST_TRAP_SYSCALL32,
		  (u64)on_syscall_32, 0, 0);
	flags_inside = ~0ULL;
	asm volatile("mov %%rsp, %0\n\t"
		     "lea 1f(%%rip), %%rbx\n\t"
		     "std\n\t"
		     "ljmpl *%1\n"
		     "1: cld"
		     : "=m"(rsp_before)
		     : "m"(to)
		     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9",
		       "r10", "r11", "r12", "r13", "r14", "r15", "memory",
		       "cc");
	check_is(flags_inside & (RFLAGS_DF | RFLAGS_TF | RFLAGS_NT | RFLAGS_AC),
		 0, "of DF, TF, NT and AC");
}

CASE(sysenter_32, "SYSENTER there is a #GP on Intel, a #UD on AMD")
{
	/* QEMU's AMD lacks it in 64-bit code only. */
	expect_trap(on_amd() && !on_tcg() ? TRAP_UD : TRAP_GP);
	run_32(does_sysenter, 0);
}

CASE(int80, "INT $0x80 there is a #GP", DIES(TRAP_GP))
{
	run_32(does_int80, 0);
}

CASE(int3, "INT3 there is a #BP", DIES(TRAP_BP))
{
	run_32(does_int3, 0);
}

CASE(into, "INTO there is an #OF when there was an overflow", DIES(TRAP_OF))
{
	run_32(does_into, 0);
}

CASE(no_into, "and nothing when there was none")
{
	run_32(skips_into, 0);
}

CASE(bound, "BOUND there is a #BR", DIES(TRAP_BR))
{
	run_32(does_bound, 0);
}

CASE(hlt, "HLT there is a #GP", DIES(TRAP_GP))
{
	run_32(does_hlt, 0);
}

CASE(lcall, "a far call there to a kernel segment is a #GP", DIES(TRAP_GP))
{
	expect_error(0x10, ~0ULL);
	run_32(does_lcall, 0);
}

CASE(wild, "a jump there to nowhere is a page fault, and 32 bits wide",
     DIES(TRAP_PF))
{
	expect_addr(0xfffff000);
	run_32(does_wild, 0xfffff000);
}

/* ---- user mode ---- */

asm(".pushsection .user.text, \"ax\"\n"
    "user_to_32: ljmpl *%cs:user_far(%rip)\n"
    "	.balign 8\n"
    "user_far: .long user_32\n\t.short 0x23\n"
    "user_back: .long user_64\n\t.short 0x33\n"
    "	.code32\n"
    "user_32: cmp $0, %esi\n"
    "	jne user_32_syscall\n"
    "	ljmp $0x33, $user_64\n"
    "user_32_syscall: syscall\n"
    "	ud2\n"
    "	.code64\n"
    "user_64: mov $7, %eax\n\tsyscall\n\tud2\n"
    ".popsection");
extern const char user_to_32[];

CASE(user_and_back, "user mode may go there and come back", BOTH_WAYS)
{
	struct user user;

	user_init(&user, user_to_32);
	user_run(&user);
	check_is(user.rax, 7, "RAX of its 64-bit system call");
}

CASE(user_syscall, "SYSCALL of 32-bit user code is refused the same way",
     BOTH_WAYS)
{
	struct user user;

	expect_trap(on_amd() || on_tcg() ? LGUEST_TRAP_SYSCALL32 : TRAP_UD);
	expect_user();
	user_init(&user, user_to_32);
	user.rsi = 1;
	user_run(&user);
}
