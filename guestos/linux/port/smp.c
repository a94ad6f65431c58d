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
 * Next: guestos/linux/port/console.c
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
GRAFT_CHECK_FUNCTION(void, cpu_init_secondary, void);

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

static u32 get_apic_id_op(unsigned long reg)
{
	return reg >> 24 & 0xff;
}

/* A package has one CPU, whose number it has. */
static int phys_pkg_id_op(int id, int bits)
{
	return id >> bits;
}

static int cpu_present_to_apicid_op(int cpu)
{
	return cpu_present(cpu) ? per_cpu(x86_cpu_to_apicid, cpu) : BAD_APICID;
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
	port_apic.cpu_present_to_apicid = cpu_present_to_apicid_op;
	port_apic.get_apic_id = get_apic_id_op;
	port_apic.phys_pkg_id = phys_pkg_id_op;
	port_apic.read = apic_read_op;
	port_apic.write = apic_write_op;
	port_apic.eoi_write = apic_write_op;
	apic = &port_apic;
	boot_cpu_physical_apicid = 0;
	boot_cpu_apic_version = APIC_VERSION_OF_OURS;
}

/* In place of a firmware's table. */
static void __init get_smp_config_op(unsigned int early)
{
	u64 vcpus = port_cpus[0].info.vcpus;
	int cpu;

	if (early)
		return;
	for (cpu = 0; cpu < PORT_MAX_CPUS && vcpus >> cpu & 1; cpu++)
		generic_processor_info(cpu, APIC_VERSION_OF_OURS);
	smp_found_config = 1;
}

/* ---- a CPU comes up ---- */

/* port_ap_main - from entry.S, interrupts off, on the page table of the waker */
void port_ap_main(void)
{
	unsigned int cpu = raw_smp_processor_id();

	port_register_cpu(cpu);
	write_cr3(__pa_symbol(swapper_pg_dir));
	cr4_init();
	cpu_init_secondary();
	port_df_stack(cpu);
	rcu_cpu_starting(cpu);
	smp_store_cpu_info(cpu);
	cpu_data(cpu).x86_max_cores = 1;
	set_cpu_sibling_map(cpu);
	speculative_store_bypass_ht_init();
	port_clockevent();
	notify_cpu_starting(cpu);
	lock_vector_lock();
	set_cpu_online(cpu, true);
	lapic_online();
	port_irq_online(cpu);
	unlock_vector_lock();
	cpu_set_state_online(cpu);
	local_irq_enable();
	cpu_startup_entry(CPUHP_AP_ONLINE_IDLE);
}

static int cpu_up_op(unsigned int cpu, struct task_struct *idle)
{
	unsigned long stack = (unsigned long)task_pt_regs(idle) & ~15UL;
	int err = common_cpu_up(cpu, idle);

	if (err)
		return err;
	err = cpu_check_up_prepare(cpu);
	if (err)
		return err;
	cpumask_set_cpu(cpu, cpu_callout_mask);
	memset(per_cpu_ptr(&xen_vcpu_info, cpu), 0, sizeof(xen_vcpu_info));
	memset(port_cpus[cpu].tls, 0, sizeof(port_cpus[cpu].tls));
	port_cpus[cpu].ldt_entries = 0;
	if (hcall(LHCALL_VCPU_UP, cpu, (u64)port_ap_start, stack,
		  cpu_kernelmode_gs_base(cpu)))
		return -EIO;
	while (cpu_report_state(cpu) != CPU_ONLINE) {
		touch_nmi_watchdog();
		cond_resched();
		cpu_relax();
	}
	return 0;
}

static void __init prepare_cpus(unsigned int max_cpus)
{
	smp_prepare_cpus_common();
	speculative_store_bypass_ht_init();
}

static void __init prepare_boot_cpu(void)
{
	native_smp_prepare_boot_cpu();
	port_spinlocks();
}

static void __init cpus_done(unsigned int max_cpus)
{
	calculate_max_logical_packages();
}

/* ---- and goes down ---- */

static int cpu_disable_op(void)
{
	cpu_disable_common();
	return 0;
}

static void cpu_die_op(unsigned int cpu)
{
	common_cpu_die(cpu);
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
	x86_init.mpparse.get_smp_config = get_smp_config_op;
	smp_ops.smp_prepare_boot_cpu = prepare_boot_cpu;
	smp_ops.smp_prepare_cpus = prepare_cpus;
	smp_ops.smp_cpus_done = cpus_done;
	smp_ops.cpu_up = cpu_up_op;
	smp_ops.cpu_disable = cpu_disable_op;
	smp_ops.cpu_die = cpu_die_op;
	smp_ops.play_dead = play_dead_op;
	smp_ops.stop_other_cpus = stop_other_cpus_op;
	smp_ops.crash_stop_other_cpus = NULL;
}
