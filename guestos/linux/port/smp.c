// SPDX-License-Identifier: GPL-2.0-only
/*
 * smp.c - more than one CPU
 *
 * The host has a bit for each vcpu that there is.  The kernel is told of them as
 * a table of its firmware would, each one a package of its own, and brings them
 * up by our hypercall; then they interrupt each other by the vectors that the
 * kernel has for it.  There is no local APIC: reads are 0, writes go nowhere, and
 * what matters of one, to send an interrupt, is a call.
 *
 * A CPU that waits for a spinlock stops until it is woken, for the one that
 * has the lock may not be running.
 *
 * What must never happen: a CPU that is woken while its interrupt flag or its
 * page table is still what some other CPU had.
 *
 * Next: guestos/linux/port/smp_61.c
 */
#include "port.h"
#include "graft.h"

#include <linux/cpu.h>
#include <linux/nmi.h>
#include <linux/sched/hotplug.h>
#include <linux/sched/task_stack.h>
#include <linux/smp.h>
#include <linux/tick.h>
#include <asm/apic.h>
#include <asm/cpu.h>
#include <asm/cpu_entry_area.h>
#include <asm/hw_irq.h>
#include <asm/paravirt.h>
#include <asm/qspinlock.h>
#include <asm/smp.h>
#include <asm/spec-ctrl.h>
#include <asm/tlbflush.h>
#include <asm/topology.h>

#define APIC_VERSION_OF_OURS 0x14

extern struct apic apic_noop;

static struct apic port_apic;

/* ---- from one CPU to others ---- */

static void send(u64 cpus, int vector)
{
	hcall(LHCALL_SEND_IPI, cpus,
	      vector == NMI_VECTOR ? LGUEST_IPI_NMI : vector, 0, 0);
}

static u64 bits_of(const struct cpumask *mask)
{
	u64 bits = 0;
	int cpu;

	for_each_cpu(cpu, mask) bits |= 1ULL << cpu;
	return bits;
}

static u64 this_bit(void)
{
	return 1ULL << smp_processor_id();
}

static void send_IPI(int cpu, int vector)
{
	send(1ULL << cpu, vector);
}

static void send_IPI_mask(const struct cpumask *mask, int vector)
{
	send(bits_of(mask), vector);
}

static void send_IPI_mask_allbutself(const struct cpumask *mask, int vector)
{
	send(bits_of(mask) & ~this_bit(), vector);
}

static void send_IPI_allbutself(int vector)
{
	send(bits_of(cpu_online_mask) & ~this_bit(), vector);
}

static void send_IPI_all(int vector)
{
	send(bits_of(cpu_online_mask), vector);
}

static void send_IPI_self(int vector)
{
	send(this_bit(), vector);
}

/* ---- the APIC that is not there ---- */

static u32 apic_read_op(u32 reg)
{
	if (reg == APIC_ID)
		return raw_smp_processor_id() << 24;
	return reg == APIC_LVR ? APIC_VERSION_OF_OURS : 0;
}

static void apic_write_op(u32 reg, u32 value)
{
}

/* port_apic_id - of what is read as one */
u32 port_apic_id(u32 reg)
{
	return reg >> 24 & 0xff;
}

static void __init make_apic(void)
{
	port_apic = apic_noop;
	port_apic.name = "lguest";
	port_apic.send_IPI = send_IPI;
	port_apic.send_IPI_mask = send_IPI_mask;
	port_apic.send_IPI_mask_allbutself = send_IPI_mask_allbutself;
	port_apic.send_IPI_allbutself = send_IPI_allbutself;
	port_apic.send_IPI_all = send_IPI_all;
	port_apic.send_IPI_self = send_IPI_self;
	port_apic.read = apic_read_op;
	port_apic.write = apic_write_op;
	port_smp_version(&port_apic);
	apic = &port_apic;
}

/* ---- a CPU comes up ---- */

/*
 * port_cpu_wake - it begins in port_ap_start, on the stack of its idle task
 *
 * For whoever has told the kernel of it; returns 0, or -EIO if there is none.
 */
int port_cpu_wake(unsigned int cpu, struct task_struct *idle)
{
	unsigned long stack = (unsigned long)task_pt_regs(idle) & ~15UL;

	memset(per_cpu_ptr(&xen_vcpu_info, cpu), 0, sizeof(xen_vcpu_info));
	memset(port_cpus[cpu].tls, 0, sizeof(port_cpus[cpu].tls));
	port_cpus[cpu].ldt_entries = 0;
	if (hcall(LHCALL_VCPU_UP, cpu, (u64)port_ap_start, stack,
		  cpu_kernelmode_gs_base(cpu)))
		return -EIO;
	return 0;
}

static void __init prepare_cpus(unsigned int max_cpus)
{
	port_set_returns();
	smp_prepare_cpus_common();
	speculative_store_bypass_ht_init();
}

static void __init prepare_boot_cpu(void)
{
	native_smp_prepare_boot_cpu();
	port_spinlocks();
}

/* ---- and goes down ---- */

static int cpu_disable_op(void)
{
	cpu_disable_common();
	return 0;
}

/* Whoever wakes it has it begin anew, in port_ap_main(). */
static void play_dead_op(void)
{
	play_dead_common();
	hcall(LHCALL_SET_CLOCKEVENT, 0, 0, 0, 0);
	for (;;)
		hcall(LHCALL_HALT, LGUEST_HALT_DOWN, 0, 0, 0);
}

static void stop_self(void *ignored)
{
	set_cpu_online(smp_processor_id(), false);
	for (;;)
		hcall(LHCALL_HALT, LGUEST_HALT_DOWN, 0, 0, 0);
}

static void stop_other_cpus_op(int wait)
{
	smp_call_function(stop_self, NULL, wait);
}

/* ---- spinlocks ---- */

/* Until a kick, or an interrupt, unless the byte has changed before. */
static void lock_wait(u8 *byte, u8 value)
{
	unsigned long flags;

	if (in_nmi())
		return;
	local_irq_save(flags);
	if (READ_ONCE(*byte) == value)
		hcall(LHCALL_HALT, LGUEST_HALT_WAIT, 0, 0, 0);
	local_irq_restore(flags);
}

static void lock_kick(int cpu)
{
	send(1ULL << cpu, LGUEST_IPI_WAKE);
}

/* port_spinlocks - before the kernel makes its calls direct */
void __init port_spinlocks(void)
{
	if (num_possible_cpus() == 1)
		return;
	__pv_init_lock_hash();
	pv_ops.lock.queued_spin_lock_slowpath = __pv_queued_spin_lock_slowpath;
	pv_ops.lock.queued_spin_unlock =
		PV_CALLEE_SAVE(__pv_queued_spin_unlock);
	pv_ops.lock.wait = lock_wait;
	pv_ops.lock.kick = lock_kick;
	static_branch_disable(&virt_spin_lock_key);
}

void __init port_smp_init(void)
{
	make_apic();
	smp_ops.smp_prepare_boot_cpu = prepare_boot_cpu;
	smp_ops.smp_prepare_cpus = prepare_cpus;
	smp_ops.cpu_disable = cpu_disable_op;
	smp_ops.play_dead = play_dead_op;
	smp_ops.stop_other_cpus = stop_other_cpus_op;
	smp_ops.crash_stop_other_cpus = NULL;
}
