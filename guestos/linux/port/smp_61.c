// SPDX-License-Identifier: GPL-2.0-only
/*
 * smp_61.c - how Linux 6.1 wants its CPUs brought up
 *
 * One asks for it and waits, the other tells when it is there; of what is between
 * them most is the kernel's.  smp_612.c is the same for newer kernels.
 *
 * Next: guestos/linux/port/smp_612.c
 */
#include "port.h"
#include "graft.h"

#include <linux/cpu.h>
#include <linux/nmi.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/cpu.h>
#include <asm/hw_irq.h>
#include <asm/smp.h>
#include <asm/spec-ctrl.h>
#include <asm/tlbflush.h>
#include <asm/topology.h>

GRAFT_CHECK_FUNCTION(void, cpu_init_secondary, void);

/* ---- the APIC that is not there ---- */

static u32 get_apic_id_op(unsigned long reg)
{
	return port_apic_id(reg);
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

static void eoi_op(u32 reg, u32 value)
{
}

static void __init no_table(void)
{
}

/* In place of a firmware's table. */
static void __init get_smp_config_op(unsigned int early)
{
	u64 vcpus = port_cpus[0].info.vcpus;
	int cpu;

	if (early)
		return;
	for (cpu = 0; cpu < PORT_MAX_CPUS && vcpus >> cpu & 1; cpu++)
		generic_processor_info(cpu, boot_cpu_apic_version);
	smp_found_config = 1;
}

/* ---- up and down ---- */

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
	int err = common_cpu_up(cpu, idle);

	if (!err)
		err = cpu_check_up_prepare(cpu);
	if (err)
		return err;
	cpumask_set_cpu(cpu, cpu_callout_mask);
	err = port_cpu_wake(cpu, idle);
	while (!err && cpu_report_state(cpu) != CPU_ONLINE) {
		touch_nmi_watchdog();
		cond_resched();
		cpu_relax();
	}
	return err;
}

static void __init cpus_done(unsigned int max_cpus)
{
	calculate_max_logical_packages();
}

static void cpu_die_op(unsigned int cpu)
{
	common_cpu_die(cpu);
}

/* port_smp_version - what is this kernel's way only */
void __init port_smp_version(struct apic *ours)
{
	ours->cpu_present_to_apicid = cpu_present_to_apicid_op;
	ours->get_apic_id = get_apic_id_op;
	ours->phys_pkg_id = phys_pkg_id_op;
	ours->eoi_write = eoi_op;
	boot_cpu_physical_apicid = 0;
	boot_cpu_apic_version = GET_APIC_VERSION(ours->read(APIC_LVR));
	x86_init.mpparse.find_smp_config = no_table;
	x86_init.mpparse.get_smp_config = get_smp_config_op;
	smp_ops.smp_cpus_done = cpus_done;
	smp_ops.cpu_up = cpu_up_op;
	smp_ops.cpu_die = cpu_die_op;
}
