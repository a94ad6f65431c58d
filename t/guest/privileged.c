// SPDX-License-Identifier: GPL-2.0-only
/*
 * privileged - instructions that are not for CPL 3
 *
 * A guest kernel runs at CPL 3 like any program, so whatever would change the
 * machine for all of us has to fault.  Most are #GP with error code 0.  Each is
 * tried in guest kernel mode (step 0) and in guest user mode (step 1): the
 * Switcher must tell the two apart, whatever the CPU thinks.  The few that lg.ko
 * does for a kernel are in emulate.t, with what they do.
 */
#include "test.h"

/* One instruction, twice: where kernel mode and where user mode can reach it. */
#define INSN(fn, insn, trap_number, sentence)                         \
	asm(".pushsection .text\n" #fn "_kernel:\n\t" insn            \
	    "\n\tret\n.popsection\n"                                  \
	    ".pushsection .user.text, \"ax\"\n" #fn "_user:\n\t" insn \
	    "\n\tsyscall\n\tud2\n.popsection");                       \
	extern const char fn##_kernel[], fn##_user[];                 \
	CASE(fn, sentence, STEPS(2))                                  \
	{                                                             \
		try(step, fn##_kernel, fn##_user, trap_number);       \
	}

#define LIVES 0xffff

/* Both ways, with the error code that an instruction's own fault has. */
static void try(u64 step, const char *in_kernel, const char *in_user, u32 trap)
{
	if (trap != LIVES) {
		expect_trap(trap);
		expect_error(0, ~0ULL);
	}
	if (step) {
		expect_user();
		user_die(in_user);
	}
	((void (*)(void))in_kernel)();
}

#define GP(fn, insn) INSN(fn, insn, TRAP_GP, "'" insn "' is a #GP")

/* What lg.ko does for a kernel, and for user mode does not. */
#define EMULATED(fn, insn)                     \
	INSN(fn, insn, step ? TRAP_GP : LIVES, \
	     "'" insn "' is done for the kernel, and a #GP for user mode")
#define UD(fn, insn) INSN(fn, insn, TRAP_UD, "'" insn "' is a #UD")

GP(hlt, "hlt")
GP(cli, "cli")
GP(sti, "sti")
EMULATED(in_8, "in $0x60, %al")
EMULATED(in_dx, "in %dx, %eax")
EMULATED(out_8, "out %al, $0x80")
GP(outsb, "lea -8(%rsp), %rsi; outsb")
GP(insb, "lea -8(%rsp), %rdi; insb")
GP(lgdt, "lgdt -16(%rsp)")
GP(lidt, "lidt -16(%rsp)")
GP(lldt, "xor %eax, %eax; lldt %ax")
GP(ltr, "mov $0x40, %eax; ltr %ax")
GP(lmsw, "lmsw %ax")
GP(clts, "clts")
GP(swapgs, "swapgs")
GP(rdmsr, "mov $0xc0000082, %ecx; rdmsr")
GP(wrmsr, "mov $0xc0000082, %ecx; wrmsr")
GP(rdpmc, "xor %ecx, %ecx; rdpmc")
GP(invd, "invd")
EMULATED(wbinvd, "wbinvd")
GP(invlpg, "invlpg (%rsp)")
GP(sysretl, "sysretl")
GP(sysretq, "sysretq")
EMULATED(read_cr0, "mov %cr0, %rax")
EMULATED(read_cr2, "mov %cr2, %rax")
EMULATED(read_cr3, "mov %cr3, %rax")
EMULATED(read_cr4, "mov %cr4, %rax")
GP(read_cr8, "mov %cr8, %rax")
GP(write_cr0, "mov %rax, %cr0")
GP(write_cr2, "mov %rax, %cr2")
GP(write_cr3, "mov %rax, %cr3")
GP(write_cr4, "mov %rax, %cr4")
GP(write_cr8, "mov %rax, %cr8")
GP(read_dr0, "mov %dr0, %rax")
GP(read_dr7, "mov %dr7, %rax")
GP(write_dr0, "mov %rax, %dr0")
GP(write_dr6, "mov %rax, %dr6")
GP(write_dr7, "mov %rax, %dr7")

UD(ud2, "ud2")
UD(ud1, "ud1 %eax, %eax")
UD(vmcall, "vmcall")
UD(vmlaunch, "vmlaunch")
UD(monitor, "monitor")
UD(mwait, "mwait")
UD(rsm, "rsm")
UD(into, ".byte 0xce")
UD(bound, ".byte 0x62, 0x00") /* without a valid EVEX behind it */
UD(stac, "stac")
UD(clac, "clac")

INSN(int3, "int3", TRAP_BP, "'int3' is a #BP")
/* QEMU 7.2 does not know it, and says so. */
INSN(icebp, ".byte 0xf1", on_tcg() ? TRAP_UD : TRAP_DB, "'icebp' is a #DB")

/* Where the host has not turned XSAVE on, there is not even the instruction. */
static u32 xsetbv_trap(u64 step)
{
	u32 regs[4];

	cpuid(1, 0, regs);
	if (!(regs[2] >> 27 & 1))
		return TRAP_UD;
	return step ? TRAP_GP : LIVES;
}

INSN(xsetbv, "xor %ecx, %ecx; xgetbv; xsetbv", xsetbv_trap(step),
     "'xsetbv' of what is there does nothing for the kernel")

/*
 * What UMIP, where there is one, makes a #GP.  Without it these only show
 * where the Switcher's tables are, which is no secret, and the guest lives.
 */
#define UMIP(fn, insn)                                                      \
	CASE(fn, "'" insn "' is a #GP, or harmless without UMIP")           \
	{                                                                   \
		if (has_umip())                                             \
			expect_trap(TRAP_GP);                               \
		asm volatile("sub $64, %%rsp\n\t" insn "\n\tadd $64, %%rsp" \
			     :                                              \
			     :                                              \
			     : "rax", "memory");                            \
	}

UMIP(sgdt, "sgdt (%%rsp)")
UMIP(sidt, "sidt (%%rsp)")
UMIP(sldt, "sldt %%eax")
UMIP(str, "str %%eax")
UMIP(smsw_memory, "smsw (%%rsp)")
UMIP(smsw, "smsw %%eax")

/*
 * Intel: SYSENTER_CS is zero while a guest runs, so it is a #GP.  AMD: there is
 * no SYSENTER and no SYSEXIT in long mode.
 */
static u32 sysenter_trap(void)
{
	return on_amd() ? TRAP_UD : TRAP_GP;
}

INSN(sysenter, "sysenter", sysenter_trap(),
     "'sysenter' is a #GP on Intel, a #UD on AMD")
INSN(sysexit, "sysexitq", sysenter_trap(),
     "'sysexit' is a #GP on Intel, a #UD on AMD")

CASE(harmless, "'cpuid', 'rdtsc', 'rdfsbase', 'xgetbv' and 'verr' just work")
{
	u32 regs[4];
	u64 before = rdtsc(), base = 0x1234567890, got;

	cpuid(0, 0, regs);
	check(rdtsc() > before, "time goes on");
	asm volatile("wrfsbase %1\n\trdfsbase %0" : "=r"(got) : "r"(base));
	check_is(got, base, "FS base");
	asm volatile("mov $0x10, %%eax\n\tverr %%ax\n\tlsl %%eax, %%edx\n\t"
		     "lar %%eax, %%edx"
		     :
		     :
		     : "rax", "rdx", "cc");
}
