// SPDX-License-Identifier: GPL-2.0-only
/*
 * lguest_irq.c - interrupts of a guest, and its other CPUs
 *
 * The host has the gates and what is pending; we have the flag, and a bit for
 * each vector that must wait.  Nothing is acknowledged.
 *
 * Next: guestos/kernel/lguest_time.c
 */
#include "lguest.h"

/* All of them wait: lguest_init() has set the bits before the host looked. */
void lguest_init_IRQ(void)
{
	memset(this_cpu()->info.blocked, 0xff,
	       sizeof(this_cpu()->info.blocked));
}

/* enable_lguest_irq - clear the bit, and have the host look at it */
void lguest_enable_irq(u32 vector)
{
	u64 *blocked = this_cpu()->info.blocked;

	__atomic_and_fetch(&blocked[vector / 64], ~(1ULL << vector % 64),
			   __ATOMIC_SEQ_CST);
	hcall(LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
}

/* The gates are told one by one; there is no table to load. */
void lguest_load_idt(void)
{
}

void lguest_write_idt_entry(u32 vector, const void *entry, u32 dpl)
{
	hcall(LHCALL_LOAD_IDT_ENTRY, vector, (u64)entry,
	      dpl ? LGUEST_GATE_USER : 0, 0);
}

/* STOP, until an interrupt comes in. */
void lguest_safe_halt(void)
{
	hcall(LHCALL_HALT, LGUEST_HALT_IDLE, 0, 0, 0);
}

u32 lguest_count_cpus(void)
{
	u64 vcpus = percpus[0].info.vcpus;
	u32 count = 0;

	while (vcpus >> count & 1)
		count++;
	return count ? count : 1;
}

int lguest_start_cpu(struct percpu *cpu, u64 stack_top)
{
	return (int)hcall(LHCALL_VCPU_UP, cpu->id, (u64)lguest_ap_start,
			  stack_top, (u64)cpu);
}

void lguest_send_ipi(u32 cpu, u32 vector)
{
	hcall(LHCALL_SEND_IPI, 1ULL << cpu, vector, 0, 0);
}
