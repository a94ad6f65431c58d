// SPDX-License-Identifier: GPL-2.0-only
/*
 * smp_612.c - how Linux 6.12 wants its CPUs brought up
 *
 * Who asks is told by the kernel's own core when the other has come, and when it
 * has gone; the calls of an APIC are made direct when the machine is set up, from
 * the one that there is then.  smp_61.c is the same for older kernels.
 *
 * Next: guestos/linux/port/console.c
 */
#include "port.h"
#include "graft.h"

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/cpu.h>
#include <asm/fpu/api.h>
#include <asm/hw_irq.h>
#include <asm/processor.h>
#include <asm/smp.h>
#include <asm/spec-ctrl.h>
#include <asm/tlbflush.h>
#include <asm/topology.h>

/* ---- the APIC that is not there ---- */

static u32 cpu_present_to_apicid_op(int cpu)
{
	return cpu_present(cpu) ? per_cpu(x86_cpu_to_apicid, cpu) : BAD_APICID;
}

static void eoi_op(void)
{
}

static void __init no_table(void)
{
}

/* In place of a firmware's table. */
static void __init parse_smp_cfg_op(void)
{
	u64 vcpus = port_cpus[0].info.vcpus;
	int cpu;

	topology_register_boot_apic(0);
	for (cpu = 0; cpu < PORT_MAX_CPUS && vcpus >> cpu & 1; cpu++)
		topology_register_apic(cpu, CPU_ACPIID_INVALID, true);
	smp_found_config = 1;
}

/* ---- up ---- */

/* port_ap_main - from entry.S, interrupts off, on the page table of the waker */
void port_ap_main(void)
{
	unsigned int cpu = raw_smp_processor_id();

	port_register_cpu(cpu);
	write_cr3(__pa_symbol(swapper_pg_dir));
	cr4_init();
	cpu_init_exception_handling(false);
	cpuhp_ap_sync_alive();
	cpu_init();
	fpu__init_cpu();
	port_df_stack(cpu);
	rcutree_report_cpu_starting(cpu);
	smp_store_cpu_info(cpu);
	set_cpu_sibling_map(cpu);
	speculative_store_bypass_ht_init();
	port_clockevent();
	notify_cpu_starting(cpu);
	lock_vector_lock();
	set_cpu_online(cpu, true);
	lapic_online();
	port_irq_online(cpu);
	unlock_vector_lock();
	local_irq_enable();
	cpu_startup_entry(CPUHP_AP_ONLINE_IDLE);
}

static int kick_ap_alive_op(unsigned int cpu, struct task_struct *idle)
{
	int err = common_cpu_up(cpu, idle);

	return err ? err : port_cpu_wake(cpu, idle);
}

static void __init cpus_done(unsigned int max_cpus)
{
}

/* port_smp_version - what is this kernel's way only */
void __init port_smp_version(struct apic *ours)
{
	ours->cpu_present_to_apicid = cpu_present_to_apicid_op;
	ours->get_apic_id = port_apic_id;
	ours->eoi = eoi_op;
	x86_init.mpparse.find_mptable = no_table;
	x86_init.mpparse.early_parse_smp_cfg = no_table;
	x86_init.mpparse.parse_smp_cfg = parse_smp_cfg_op;
	smp_ops.smp_cpus_done = cpus_done;
	smp_ops.kick_ap_alive = kick_ap_alive_op;
	smp_ops.cpu_die = NULL;
}
