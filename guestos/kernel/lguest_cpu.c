// SPDX-License-Identifier: GPL-2.0-only
/*
 * lguest_cpu.c - the processor of a guest
 *
 * Control registers that a guest sets are words it remembers for itself: the
 * real ones are the host's.  CPUID cannot be trapped, so what it says is
 * filtered here: whoever finds a feature in pv_ops.cpuid() can use it.
 *
 * Next: guestos/kernel/lguest_mmu.c
 */
#include "lguest.h"

/* Of leaf 1: MONITOR, VMX, SMX, PCID, x2APIC, TSC deadline. */
#define HIDE_1_ECX (1 << 3 | 1 << 5 | 1 << 6 | 1 << 17 | 1 << 21 | 1 << 24)
#define HYPERVISOR (1U << 31)

/* VME, DE, PSE-36, MSR, MCE, APIC, MTRR, PGE, MCA, PAT, SEP, DTES, ACPI. */
#define HIDE_1_EDX                                                         \
	(1 << 1 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 11 | 1 << 12 | 1 << 13 | \
	 1 << 14 | 1 << 16 | 1 << 17 | 1 << 21 | 1 << 22)

/* Of leaf 7: SMEP, INVPCID, SMAP, PT; UMIP, PKU, LA57; of EDX all but MD_CLEAR. */
#define HIDE_7_EBX (1 << 7 | 1 << 10 | 1 << 20 | 1 << 25)
#define HIDE_7_ECX (1 << 2 | 1 << 3 | 1 << 4 | 1 << 16)
#define KEEP_7_EDX (1 << 10)

#define HIDE_EXT_ECX (1 << 2 | 1 << 3) /* SVM, extended APIC */

/* lguest_cpuid - with what we cannot have left out */
void lguest_cpuid(u32 leaf, u32 subleaf, u32 regs[4])
{
	asm volatile("cpuid"
		     : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]),
		       "=d"(regs[3])
		     : "a"(leaf), "c"(subleaf));
	switch (leaf) {
	case 1:
		regs[2] = (regs[2] & ~(u32)HIDE_1_ECX) | HYPERVISOR;
		regs[3] &= ~(u32)HIDE_1_EDX;
		break;
	case 7:
		regs[1] &= ~(u32)HIDE_7_EBX;
		regs[2] &= ~(u32)HIDE_7_ECX;
		regs[3] &= KEEP_7_EDX;
		break;
	case 0x80000001:
		regs[2] &= ~(u32)HIDE_EXT_ECX;
		break;
	}
}

/*
 * lguest_load_sp0 - where events of user mode put their frame
 *
 * lguest_load_esp0 of the seed: the host looks there when it has an event.
 */
void lguest_load_sp0(u64 stack_top)
{
	this_cpu()->sp0 = stack_top;
	this_cpu()->lg.sp0 = stack_top;
}

/* What each CPU's slots have now; the host begins with zeroes, too. */
static u64 loaded_tls[MAX_CPUS][TLS_SLOTS];

/* By and by while a process is switched to, else at once. */
static void cpu_hcall(u64 number, u64 a, u64 b)
{
	if (this_cpu()->lazy_cpu)
		lazy_hcall(number, a, b, 0);
	else
		hcall(number, a, b, 0, 0);
}

/* lguest_write_gdt_entry - only a process's own are ours to write */
void lguest_write_gdt_entry(u32 index, u64 descriptor)
{
	u64 *known;

	if (index < TLS_FIRST || index >= TLS_FIRST + TLS_SLOTS)
		return;
	/* Most processes have none, and so had the one before. */
	known = &loaded_tls[this_cpu()->id][index - TLS_FIRST];
	if (*known == descriptor)
		return;
	*known = descriptor;
	cpu_hcall(LHCALL_LOAD_TLS, index - TLS_FIRST, descriptor);
}

void lguest_load_tls(const u64 descriptors[TLS_SLOTS])
{
	u32 i;

	for (i = 0; i < TLS_SLOTS; i++)
		lguest_write_gdt_entry(TLS_FIRST + i, descriptors[i]);
}

/* paravirt_enter_lazy_cpu: a switch is a few calls, and one way to the host */
void lguest_lazy_cpu_enter(void)
{
	this_cpu()->lazy_cpu = 1;
}

/* lguest_leave_lazy_mode */
void lguest_lazy_cpu_leave(void)
{
	this_cpu()->lazy_cpu = 0;
	lazy_done();
}

void lguest_load_fs_base(u64 fs_base)
{
	asm volatile("wrfsbase %0" : : "r"(fs_base));
}

u64 lguest_store_fs_base(void)
{
	u64 fs_base;

	asm volatile("rdfsbase %0" : "=r"(fs_base));
	return fs_base;
}

/* While the kernel runs, user mode's GS base is a word of lguest_data. */
void lguest_load_user_gs(u64 gs_base)
{
	this_cpu()->lg.user_gs_base = gs_base;
}

u64 lguest_store_user_gs(void)
{
	return this_cpu()->lg.user_gs_base;
}

void lguest_set_debugreg(u32 number, u64 value)
{
	cpu_hcall(LHCALL_SET_DEBUGREG, number, value);
}

u64 lguest_get_debugreg(u32 number)
{
	return hcall(LHCALL_GET_DEBUGREG, number, 0, 0, 0);
}

u64 lguest_read_cr0(void)
{
	return this_cpu()->cr0;
}

void lguest_write_cr0(u64 value)
{
	this_cpu()->cr0 = value;
}

/* The host saves and loads our FPU with us: there is nothing to be lazy for. */
void lguest_clts(void)
{
	this_cpu()->cr0 &= ~(u64)CR0_TS;
}

u64 lguest_read_cr4(void)
{
	return this_cpu()->cr4;
}

void lguest_write_cr4(u64 value)
{
	this_cpu()->cr4 = value;
}

/* Our devices are not real: nothing waits in a cache for them. */
void lguest_wbinvd(void)
{
}

/* There is no APIC, and it is not programmable. */
u32 lguest_apic_read(u32 reg)
{
	(void)reg;
	return 0;
}

void lguest_apic_write(u32 reg, u32 value)
{
	(void)reg;
	(void)value;
}
