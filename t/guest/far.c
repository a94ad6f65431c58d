// SPDX-License-Identifier: GPL-2.0-only
/*
 * far - far returns and selectors
 *
 * A guest sees the Switcher's GDT through its effects.  Two code segments and
 * one data segment in it are for CPL 3; a return to, or a load of, anything
 * else has to fault in the guest, where it costs the guest its life, and never
 * in the Switcher, which uses the very same table.
 *
 * Each test tries all 128 selectors from 0 to 0x7f: both tables, each RPL.  The
 * #GP carries the selector without its RPL.
 */
#include "test.h"

#define SELECTORS 128

static void expect_return(u64 cs)
{
	if (returns_are_broken()) {
		expect_trap(TRAP_PF);
	} else if (cs == LGUEST_CS || cs == LGUEST_CS32) {
		expect_done();
	} else {
		expect_trap(TRAP_GP);
		expect_error(cs & ~3ULL, ~0ULL);
	}
}

/*
 * The place to come back to is the same instruction in both code segments: a
 * far jump to 64-bit code, which 64-bit code does not have, so there it must
 * be skipped.  XOR EAX, EAX; INC EAX; the latter is a REX prefix of a NOP in
 * 64-bit code, so EAX tells which we are in.
 */
asm("	.pushsection .text\n"
    "either:	xor %eax, %eax\n"
    "	.byte 0x40, 0x90\n"
    "	test %eax, %eax\n"
    "	jz 1f\n"
    "	.byte 0xea\n" /* ljmp $0x33, $1f */
    "	.long 1f\n"
    "	.short 0x33\n"
    "1:	jmp *%rbx\n"
    "	.popsection");

CASE(lret, "lret reaches 0x33 and 0x23 and no other selector", STEPS(SELECTORS))
{
	expect_return(step);
	asm volatile("lea 1f(%%rip), %%rbx\n\t"
		     "push %0\n\t"
		     "push $either\n\t"
		     "lretq\n"
		     "1:"
		     :
		     : "r"(step)
		     : "rax", "rbx", "memory", "cc");
}

CASE(iret, "iretq reaches 0x33 and 0x23 and no other selector",
     STEPS(SELECTORS))
{
	expect_return(step);
	asm volatile("lea 1f(%%rip), %%rbx\n\t"
		     "mov %%rsp, %%rax\n\t"
		     "push $0x2b\n\t"
		     "push %%rax\n\t"
		     "push $0x202\n\t"
		     "push %0\n\t"
		     "push $either\n\t"
		     "iretq\n"
		     "1:"
		     :
		     : "r"(step)
		     : "rax", "rbx", "memory", "cc");
}

CASE(iret_ss, "iretq takes 0x2b for SS and no other selector", STEPS(SELECTORS))
{
	if (returns_are_broken()) {
		expect_trap(TRAP_PF);
	} else if (step != LGUEST_DS) {
		expect_trap(TRAP_GP);
		expect_error(step & ~3ULL, ~0ULL);
	}
	asm volatile("lea 1f(%%rip), %%rbx\n\t"
		     "mov %%rsp, %%rax\n\t"
		     "push %0\n\t"
		     "push %%rax\n\t"
		     "push $0x202\n\t"
		     "push $0x33\n\t"
		     "push %%rbx\n\t"
		     "iretq\n"
		     "1:"
		     :
		     : "r"(step)
		     : "rax", "rbx", "memory", "cc");
}

CASE(iret_rip, "iretq to an address that is none is the guest's fault")
{
	expect_trap(returns_are_broken() ? TRAP_PF : TRAP_GP);
	asm volatile("mov %%rsp, %%rax\n\t"
		     "push $0x2b\n\t"
		     "push %%rax\n\t"
		     "push $0x202\n\t"
		     "push $0x33\n\t"
		     "push %0\n\t"
		     "iretq"
		     :
		     : "r"(NONCANONICAL)
		     : "rax", "memory");
}

CASE(iret_nt, "iretq with NT set is a #GP in long mode")
{
	expect_trap(TRAP_GP);
	expect_error(0, ~0ULL);
	asm volatile("mov %%rsp, %%rax\n\t"
		     "push $0x2b\n\t"
		     "push %%rax\n\t"
		     "push $0x202\n\t"
		     "push $0x33\n\t"
		     "lea 1f(%%rip), %%rbx\n\t"
		     "push %%rbx\n\t"
		     "pushfq\n\t"
		     "orl $0x4000, (%%rsp)\n\t"
		     "popfq\n\t"
		     "iretq\n"
		     "1:"
		     :
		     :
		     : "rax", "rbx", "memory");
}

/* ---- loads ---- */

static int is_data(u64 selector)
{
	u64 segment = selector & ~3ULL;

	return segment == 0 || segment == (LGUEST_CS32 & ~3) ||
	       segment == (LGUEST_DS & ~3) || segment == (LGUEST_CS & ~3);
}

/* A return to CPL 3 may make one of the four null selectors. */
static u64 kept(u64 selector)
{
	return selector < 4 ? 0 : selector;
}

#define LOADS(sreg)                                                           \
	CASE(load_##sreg,                                                     \
	     #sreg " takes the segments of CPL 3 and the null one, no other", \
	     STEPS(SELECTORS))                                                \
	{                                                                     \
		u16 got;                                                      \
                                                                              \
		if (!is_data(step)) {                                         \
			expect_trap(TRAP_GP);                                 \
			expect_error(step & ~3ULL, ~0ULL);                    \
		}                                                             \
		asm volatile("mov %0, %%" #sreg : : "r"((u16)step));          \
		/* And it survives the host. */                               \
		hc_flush_async();                                             \
		asm volatile("mov %%" #sreg ", %0" : "=r"(got));              \
		check_is(kept(got), kept(step), "after a hypercall");         \
		ask(CASE_TOKEN_NOTHING);                                      \
		asm volatile("mov %%" #sreg ", %0" : "=r"(got));              \
		check_is(kept(got), kept(step), "after an exit");             \
	}

LOADS(ds)
LOADS(es)
LOADS(fs)
LOADS(gs)

CASE(load_ss, "SS takes 0x2b and no other selector", STEPS(SELECTORS))
{
	if (step != LGUEST_DS) {
		expect_trap(TRAP_GP);
		expect_error(step & ~3ULL, ~0ULL);
	}
	asm volatile("mov %0, %%ss" : : "r"((u16)step));
}

/* ---- calls and jumps ---- */

struct far_pointer {
	u32 offset;
	u16 selector;
} __attribute__((packed));

CASE(ljmp, "a far jump reaches 0x30 to 0x33 and 0x20 to 0x23, no other",
     STEPS(SELECTORS))
{
	extern const char either[];
	struct far_pointer to = { (u32)(u64)either, (u16)step };
	u64 segment = step & ~3ULL;

	/* A jump, unlike a return, does not look at RPL below CPL. */
	if (segment != (LGUEST_CS & ~3) && segment != (LGUEST_CS32 & ~3)) {
		expect_trap(TRAP_GP);
		expect_error(segment, ~0ULL);
	}
	asm volatile("lea 1f(%%rip), %%rbx\n\t"
		     "ljmpl *%0\n"
		     "1:"
		     :
		     : "m"(to)
		     : "rax", "rbx", "memory", "cc");
	hc_flush_async();
}

CASE(lcall, "a far call to a kernel segment, a TSS or nothing is a #GP",
     DIES(TRAP_GP), STEPS(5))
{
	static const u16 selectors[] = { 0, 0x10, 0x13, 0x40, 0x50 };
	struct far_pointer to = { 0x200000, selectors[step] };

	expect_error(selectors[step] & ~3ULL, ~0ULL);
	asm volatile("lcall *%0" : : "m"(to) : "memory");
}
