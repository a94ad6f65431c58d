// SPDX-License-Identifier: GPL-2.0-only
/*
 * faults - the exceptions that any program can cause
 *
 * They are the guest's own, and the host must see from each that it is: with
 * the right number, the right error code, the address of the instruction, and
 * the virtual mode it happened in.  A guest that could have handled them would
 * have been told; these guests have no way yet, so each ends in a kill.
 */
#include "test.h"

/* Where user mode faults, and what a kernel function of the same name does. */
#define USER_CODE(name, insns)                                      \
	extern const char name[];                                   \
	asm(".pushsection .user.text, \"ax\"\n" #name ":\n\t" insns \
	    "\n\tsyscall\n\tud2\n.popsection")

USER_CODE(user_divides, "xor %ecx, %ecx; xor %edx, %edx; div %ecx");
USER_CODE(user_overflows, "mov $1, %ecx; mov $2, %edx; div %ecx");

CASE(divide, "division by zero is a #DE", STEPS(2))
{
	expect_trap(TRAP_DE);
	if (step) {
		expect_user();
		user_die(user_divides);
	}
	asm volatile("div %%ecx" : : "a"(1), "c"(0), "d"(0));
}

CASE(overflow, "and so is a quotient that does not fit", STEPS(2))
{
	expect_trap(TRAP_DE);
	if (step) {
		expect_user();
		user_die(user_overflows);
	}
	asm volatile("div %%ecx" : : "a"(1), "c"(1), "d"(2));
}

CASE(where, "the reason names the instruction", DIES(TRAP_UD))
{
	extern const char where_ud2[];

	expect_rip((u64)where_ud2);
	asm volatile("where_ud2: ud2");
}

CASE(read_absent, "reading what is not mapped is a #PF, error 4", DIES(TRAP_PF),
     ERROR(PF_USER))
{
	expect_addr(0x123456789abc);
	(void)*(volatile u8 *)0x123456789abc;
}

CASE(write_absent, "writing what is not mapped is a #PF, error 6",
     DIES(TRAP_PF), ERROR(PF_USER | PF_WRITE))
{
	*(volatile u8 *)0x123456789abc = 1;
}

CASE(fetch_absent, "running what is not mapped is a #PF, error 0x14",
     DIES(TRAP_PF), ERROR(PF_USER | PF_FETCH))
{
	expect_addr(0x123456789000);
	((void (*)(void))0x123456789000)();
}

CASE(high_absent, "the same in the high half", STEPS(4))
{
	static const u64 addresses[] = { 0xffff900000000000, 0xffffffff81000000,
					 0xffffffffff600000,
					 0xfffffffffffffff8 };

	expect_trap(TRAP_PF);
	expect_error(PF_USER, ~0ULL);
	expect_addr(addresses[step]);
	(void)*(volatile u64 *)addresses[step];
}

CASE(straddle, "a word across two pages faults at the page that is missing",
     DIES(TRAP_PF))
{
	*pgtable_entry(0x301000, 1) = 0;
	hc_flush_tlb();
	(void)*(volatile u8 *)0x300fff;
	expect_trap(TRAP_PF);
	expect_addr(0x301000);
	(void)*(volatile u64 *)0x300ffc;
}

USER_CODE(user_misaligned,
	  "pushfq; orl $0x40000, (%rsp); popfq; mov 1(%rsp), %rax");

/* Linux keeps CR0.AM set, so AC in the flags is all it takes. */
CASE(alignment, "a misaligned word with AC set is an #AC", STEPS(2))
{
	/* That emulator knows the flag and not the exception. */
	if (on_tcg())
		skip("TCG has no #AC");
	expect_trap(TRAP_AC);
	expect_error(0, ~0ULL);
	if (step) {
		expect_user();
		user_die(user_misaligned);
	}
	asm volatile("pushfq\n\torl $0x40000, (%%rsp)\n\tpopfq\n\t"
		     "mov 1(%%rsp), %%rax"
		     :
		     :
		     : "rax", "memory", "cc");
}

CASE(x87, "an unmasked x87 exception is an #MF", DIES(TRAP_MF))
{
	static const u16 fcw = 0x37b; /* zero divide unmasked */

	asm volatile("fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\t"
		     "fdivrp\n\tfwait"
		     :
		     : "m"(fcw));
}

CASE(sse, "an unmasked SSE exception is an #XF", DIES(TRAP_XF))
{
	static const u32 mxcsr = 0x1d80; /* zero divide unmasked */
	static const float one = 1;

	if (on_tcg())
		skip("TCG has no #XF");
	asm volatile("ldmxcsr %0\n\txorps %%xmm0, %%xmm0\n\t"
		     "movss %1, %%xmm1\n\tdivss %%xmm0, %%xmm1"
		     :
		     : "m"(mxcsr), "m"(one));
}

CASE(stack_gone, "a push with no stack behind it is a #PF", DIES(TRAP_PF),
     ERROR(PF_USER | PF_WRITE))
{
	asm volatile("mov $0x5000000, %%esp\n\tpush %%rax" : : : "memory");
}

CASE(stack_gone_trap, "a #BP with no stack behind it is still a #BP",
     DIES(TRAP_BP))
{
	asm volatile("mov $0x5000000, %%esp\n\tint3" : : : "memory");
}
