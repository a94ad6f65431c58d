// SPDX-License-Identifier: GPL-2.0-only
/*
 * native_apic.c - the local APIC: a timer, and a voice to other CPUs
 *
 * Nothing but the local APIC ever interrupts us: the old controllers are told
 * to be silent.  CPU n has APIC id n, as the machines we boot on have it.
 *
 * Next: guestos/kernel/native_time.c
 */
#include "native.h"

#define APIC_PAGE 0xfee00000
#define APIC_ADDR 0xffffc900fee00000 /* where kernel_map() puts it */
#define APIC_EOI  0xb0
#define APIC_SVR  0xf0
#define APIC_ICR  0x300
#define APIC_ICR2 0x310

#define SVR_ENABLE   (1 << 8)
#define ICR_NMI      0x400
#define ICR_INIT     0x4500
#define ICR_STARTUP  0x4600
#define ICR_PENDING  (1 << 12)
#define PTE_UNCACHED (3 << 3)

#define TRAMPOLINE 0x8000 /* a page below 1 MiB, for ap_start16 */

u32 native_apic_read(u32 reg)
{
	return *(volatile u32 *)(APIC_ADDR + reg);
}

void native_apic_write(u32 reg, u32 value)
{
	*(volatile u32 *)(APIC_ADDR + reg) = value;
}

/* Vectors 32 and up, as everybody has it, and then nothing at all. */
static void silence_pics(void)
{
	static const u8 words[] = { 0x11, IRQ_BASE, 4, 1, 0xff };
	u32 i;

	outb(0x20, words[0]);
	outb(0xa0, words[0]);
	for (i = 1; i < sizeof(words); i++) {
		outb(0x21, words[i]);
		outb(0xa1, i == 1 ? IRQ_BASE + 8 : i == 2 ? 2 : words[i]);
	}
}

void native_init_IRQ(void)
{
	silence_pics();
	native_write_idt_entry(VEC_SPURIOUS, trap_stubs + 16 * VEC_SPURIOUS, 0);
}

/* native_apic_enable - this CPU's; the first one also makes it visible */
void native_apic_enable(void)
{
	static int mapped;

	if (!mapped && kernel_map(APIC_ADDR, APIC_PAGE,
				  PTE_P | PTE_W | PTE_NX | PTE_UNCACHED) < 0)
		panic("apic: no memory to map it");
	mapped = 1;
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 1 << 11);
	native_apic_write(APIC_SVR, SVR_ENABLE | VEC_SPURIOUS);
}

void native_end_irq(void)
{
	native_apic_write(APIC_EOI, 0);
}

static void send(u32 cpu, u32 command)
{
	u64 flags = irq_save();

	native_apic_write(APIC_ICR2, cpu << 24);
	native_apic_write(APIC_ICR, command);
	while (native_apic_read(APIC_ICR) & ICR_PENDING)
		asm volatile("pause");
	restore_fl(flags);
}

void native_send_ipi(u32 cpu, u32 vector)
{
	send(cpu, vector == TRAP_NMI ? ICR_NMI : vector);
}

/* native_start_cpu - INIT, a startup, and one more for the deaf */
int native_start_cpu(struct percpu *cpu, u64 stack_top)
{
	int tries;

	memcpy(va(TRAMPOLINE), ap_start16, (size_t)(ap_end16 - ap_start16));
	ap_stack = stack_top;
	ap_percpu = (u64)cpu;
	send(cpu->id, ICR_INIT);
	udelay(10000);
	for (tries = 0; tries < 2 && !cpu->online; tries++) {
		send(cpu->id, ICR_STARTUP | TRAMPOLINE >> 12);
		udelay(1000);
	}
	return 0;
}
