// SPDX-License-Identifier: GPL-2.0-only
/*
 * native_desc.c - what a processor reads from memory: gates and task states
 *
 * lg.ko keeps all of this for a guest.  On a real machine each CPU has a task
 * state, for the two stacks in it: the one for traps from user mode, which
 * changes with the process, and two for what must not trust the one in use: the
 * double fault, and the NMI, which comes when it likes.
 *
 * Next: guestos/kernel/native_apic.c
 */
#include "native.h"

#define GATE_INTERRUPT 0x8e00
#define DF_IST         1
#define NMI_IST        2

struct gate {
	u16 offset0, selector, type, offset1;
	u32 offset2, reserved;
};

struct tss {
	u32 reserved0;
	u64 rsp[3], reserved1, ist[7];
	u64 reserved2;
	u16 reserved3, io_map;
} __attribute__((packed));

struct table_pointer {
	u16 limit;
	u64 base;
} __attribute__((packed));

static u64 gdts[MAX_CPUS][TLS_FIRST + TLS_SLOTS];
static struct gate idt[VECTORS] __attribute__((aligned(16)));
static struct tss tss[MAX_CPUS];
static u8 df_stacks[MAX_CPUS][4096] __attribute__((aligned(16)));
static u64 nmi_stacks[MAX_CPUS][512] __attribute__((aligned(16)));

void native_write_idt_entry(u32 vector, const void *entry, u32 dpl)
{
	u64 addr = (u64)entry;

	idt[vector] = (struct gate){
		.offset0 = (u16)addr,
		.selector = KERNEL_CS,
		.type = (u16)(GATE_INTERRUPT | dpl << 13 |
			      (vector == TRAP_DF    ? DF_IST
			       : vector == TRAP_NMI ? NMI_IST
						    : 0)),
		.offset1 = (u16)(addr >> 16),
		.offset2 = (u32)(addr >> 32),
	};
}

void native_load_idt(void)
{
	struct table_pointer pointer = { sizeof(idt) - 1, (u64)idt };

	asm volatile("lidt %0" : : "m"(pointer));
}

/* native_load_sp0 - where traps from user mode put their frame */
void native_load_sp0(u64 stack_top)
{
	struct percpu *cpu = this_cpu();

	cpu->sp0 = stack_top;
	tss[cpu->id].rsp[0] = stack_top;
}

/* native_load_gdt - one for each CPU: what we booted on, and room for more */
void native_load_gdt(void)
{
	u64 *ours = gdts[this_cpu()->id];
	struct table_pointer pointer = { sizeof(gdts[0]) - 1, (u64)ours };

	memcpy(ours, gdt, TSS_SEL);
	asm volatile("lgdt %0" : : "m"(pointer));
	asm volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %0, %%ss"
		     :
		     : "r"(KERNEL_DS));
}

void native_write_gdt_entry(u32 index, u64 descriptor)
{
	gdts[this_cpu()->id][index] = descriptor;
}

/* native_load_tls - the segments that are the process's own */
void native_load_tls(const u64 descriptors[TLS_SLOTS])
{
	u32 i;

	for (i = 0; i < TLS_SLOTS; i++)
		native_write_gdt_entry(TLS_FIRST + i, descriptors[i]);
}

/* native_load_tr_desc - this CPU's task state, which has its stacks */
void native_load_tr_desc(void)
{
	u32 cpu = this_cpu()->id;
	u64 addr = (u64)&tss[cpu];

	tss[cpu].io_map = sizeof(struct tss); /* past the end: no port at all */
	tss[cpu].ist[DF_IST - 1] = (u64)df_stacks[cpu] + sizeof(df_stacks[0]);
	nmi_stacks[cpu][510] = (u64)this_cpu(); /* native_nmi finds it there */
	tss[cpu].ist[NMI_IST - 1] = (u64)&nmi_stacks[cpu][510];
	native_write_gdt_entry(TSS_SEL / 8, (sizeof(struct tss) - 1) |
						    (addr & 0xffffff) << 16 |
						    0x89ULL << 40 |
						    (addr >> 24 & 0xff) << 56);
	native_write_gdt_entry(TSS_SEL / 8 + 1, addr >> 32);
	asm volatile("ltr %0" : : "r"((u16)TSS_SEL));
}

/* User mode gets AVX and its own bases, as it would have under lguest. */
static void enable_extras(void)
{
	u32 regs[4];
	u64 cr4 = pv_ops.read_cr4();

	pv_ops.cpuid(7, 0, regs);
	if (regs[1] & 1)
		cr4 |= 1 << 16; /* FSGSBASE */
	pv_ops.cpuid(1, 0, regs);
	if (regs[2] >> 26 & 1 && regs[2] >> 28 & 1) {
		pv_ops.write_cr4(cr4 | CR4_OSXSAVE);
		asm volatile("xsetbv" : : "a"(7), "d"(0), "c"(0));
	} else {
		pv_ops.write_cr4(cr4);
	}
}

/* native_init_cpu - each CPU does it for itself */
void native_init_cpu(struct percpu *cpu)
{
	(void)cpu;
	enable_extras();
	wrmsr(MSR_STAR, 0x23ULL << 48 | (u64)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_FMASK,
	      RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC);
	native_apic_enable();
}
