// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot.c - a stock kernel finds out that it is a guest
 *
 * On a machine of its own a kernel begins with code that we cannot let run; so
 * we begin in its place, set every operation that a kernel at CPL 3 cannot do
 * itself, and enter where its own first C code would.  The order is that of the
 * kernel's entry for Xen, the only other one of this kind.
 *
 * It must believe three things: that its alternatives for Xen are the ones to
 * take, for they are made for CPL 3; that it is not on Xen; and that there is
 * nothing of a PC but memory and CPUs.
 *
 * What must never happen: code of the kernel's that needs GS, a gate or an
 * operation before it is there.
 *
 * Where we stand: entry.S is on the kernel's first stack and page tables, GS is
 * at the first CPU's words.
 *
 * Next: guestos/linux/port/patch.c
 */
#include "port.h"
#include "graft.h"

#include <linux/acpi.h>
#include <linux/console.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/smp.h>
#include <linux/version.h>
#include <asm/apic.h>
#include <asm/bios_ebda.h>
#include <asm/cpu.h>
#include <asm/desc.h>
#include <asm/e820/api.h>
#include <asm/hypervisor.h>
#include <asm/i8259.h>
#include <asm/paravirt.h>
#include <asm/pci_x86.h>
#include <asm/processor.h>
#include <asm/proto.h>
#include <asm/setup.h>
#include <asm/tlbflush.h>
#include <generated/utsrelease.h>

/* The kernel's own tables and, where that is not so yet, its per-CPU data. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#define switch_gdt switch_to_new_gdt
#else
#define switch_gdt switch_gdt_and_percpu_base
#endif

extern char port_entry[];

GRAFT_PORT(port_entry);

/* The kernel's own, which no installed header declares. */
extern pgd_t early_top_pgt[PTRS_PER_PGD];
GRAFT_CHECK_FUNCTION(void, get_cpu_cap, struct cpuinfo_x86 *);
GRAFT_CHECK_FUNCTION(void, get_cpu_address_sizes, struct cpuinfo_x86 *);

GRAFT_CHECK_PERCPU(xen_vcpu_info, 64);
GRAFT_CHECK_TYPE(struct paravirt_patch_template);
GRAFT_CHECK_TYPE(struct x86_init_ops);
GRAFT_CHECK_TYPE(struct x86_platform_ops);
GRAFT_CHECK_TYPE(struct smp_ops);
GRAFT_CHECK_TYPE(struct apic);
GRAFT_CHECK_TYPE(struct boot_params);

#define USER_BITS 47

struct port_cpu port_cpus[PORT_MAX_CPUS];

/*
 * port_register_cpu - this CPU tells where its pages are, and what it can do
 *
 * Interrupts are off; nothing may come before the gates are there, and with no
 * vector pending nothing does.
 */
void port_register_cpu(unsigned int cpu)
{
	struct port_cpu *our = &port_cpus[cpu];
	phys_addr_t hot = slow_virt_to_phys(this_cpu_ptr(&xen_vcpu_info));

	hcall(LHCALL_LGUEST_INIT, hot, __pa_symbol(&our->info),
	      LGUEST_ABI_VERSION,
	      LGUEST_FEATURE_DIRECT_SYSCALL | LGUEST_FEATURE_DIRECT_IRET |
		      LGUEST_FEATURE_DIRECT_FAULT | LGUEST_FEATURE_PCID |
		      LGUEST_FEATURE_LDT | LGUEST_FEATURE_ABSENT_FAULT);
	hcall(LHCALL_SET_CLOCK, __pa_symbol(&our->clock), 0, 0, 0);
	our->cr0 = X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE |
		   X86_CR0_WP | X86_CR0_AM | X86_CR0_PG;
	port_cpu_init();
}

/* ---- what is done in the course of the kernel's own start ---- */

static void __init nothing(void)
{
}

/* The first entry of the loader's map is the memory limit. */
static char *__init memory_setup(void)
{
	unsigned int i;

	for (i = 0; i < boot_params.e820_entries; i++) {
		const struct boot_e820_entry *entry =
			&boot_params.e820_table[i];

		e820__range_add(entry->addr, entry->size, entry->type);
	}
	e820__update_table(e820_table);
	return "LGUEST";
}

/* There is RAM and there are command line and console; we are in RAM. */
static void __init arch_setup(void)
{
	memblock_reserve(__pa_symbol(graft_start), graft_end - graft_start);
	port_console_early();
	port_patch_kernel();
}

static void __init banner(void)
{
	pr_info("Booting as a guest of lguest, ABI %u to %u, features %#llx\n",
		port_cpus[0].info.abi_min, port_cpus[0].info.abi_max,
		port_cpus[0].info.features);
}

/* No RTC, no keyboard controller, no BIOS and nothing that it left in RAM. */
static void __init legacy_features(void)
{
	x86_platform.legacy.rtc = 0;
	x86_platform.legacy.warm_reset = 0;
	x86_platform.legacy.i8042 = X86_LEGACY_I8042_PLATFORM_ABSENT;
	x86_platform.legacy.reserve_bios_regions = 0;
	x86_platform.legacy.devices.pnpbios = 0;
}

/*
 * An arch_initcall, which we have none of: the scheduler runs, drivers do not.
 * There are no ports to look for devices at (paravirt_disable_iospace).
 */
static int __init late(void)
{
	paravirt_disable_iospace();
	port_protect();
	port_df_stack(0);
	port_cpu_late();
	port_time_late();
	port_console_late();
	port_machine_late();
	return 0;
}

static void __init set_hooks(void)
{
	x86_platform.realmode_reserve = nothing;
	x86_platform.realmode_init = nothing;
	x86_platform.set_legacy_features = legacy_features;
	x86_init.resources.memory_setup = memory_setup;
	x86_init.resources.probe_roms = nothing;
	x86_init.resources.dmi_setup = nothing;
	x86_init.irqs.intr_mode_select = nothing;
	x86_init.irqs.intr_mode_init = nothing;
	x86_init.oem.arch_setup = arch_setup;
	x86_init.oem.banner = banner;
	x86_init.pci.arch_init = late;
	legacy_pic = &null_legacy_pic;
	pci_probe = 0;
	disable_acpi();
}

/* ---- the first page tables ---- */

/*
 * The kernel boots on early_top_pgt, and makes init_top_pgt what it will stay.
 * So the one gets what is in the other: RAM from 0 and the kernel's image.  As on
 * a machine of its own nothing is mapped executable beyond the image; and beyond
 * us nothing is mapped at all.
 */
static void __init set_page_tables(void)
{
	extern pmd_t level2_ident_pgt[PTRS_PER_PMD];
	unsigned int i, end;

	early_top_pgt[511] = init_top_pgt[511];
	early_top_pgt[pgd_index(__PAGE_OFFSET_BASE_L4)] =
		init_top_pgt[pgd_index(__PAGE_OFFSET_BASE_L4)];
	init_top_pgt[0] = __pgd(0);
	init_top_pgt[pgd_index(__PAGE_OFFSET_BASE_L4)] = __pgd(0);
	write_cr3(__pa_symbol(early_top_pgt));
	for (i = 0; i < PTRS_PER_PMD; i++)
		level2_ident_pgt[i].pmd |= _PAGE_NX;
	end = pmd_index((unsigned long)graft_end + PMD_SIZE - 1);
	for (i = end; i < PTRS_PER_PMD; i++)
		level2_kernel_pgt[i] = __pmd(0);
	/* cleanup_highmap() clears what is above this, unless told so: */
	max_pfn_mapped = __pa_symbol(graft_start) >> PAGE_SHIFT;
}

/*
 * The Switcher has to be where the kernel has nothing: in its guard hole, or on
 * a host of five levels below that, where four have no addresses at all.
 */
static void __init check_switcher(void)
{
	const struct lguest_info *info = &port_cpus[0].info;

	if (info->switcher_start < 1UL << USER_BITS ||
	    info->switcher_end > GUARD_HOLE_END_ADDR)
		port_crash("port: the Switcher is where the kernel is");
}

/* port_force_cap - setup_force_cpu_cap(), which may WARN in newer kernels */
void __init port_force_cap(unsigned int cap)
{
	set_cpu_cap(&boot_cpu_data, cap);
	set_bit(cap, (unsigned long *)cpu_caps_set);
}

/*
 * Without PTI: user mode has page tables of its own by the hypervisor.  The
 * kernel decides it by the kind of hypervisor, and knows only Xen's as one that
 * does so.
 */
static void __init set_identity(void)
{
	pv_info.name = "lguest";
	x86_hyper_type = X86_HYPER_XEN_PV;
	port_force_cap(X86_FEATURE_XENPV);
	/* Intel's way for 32-bit programs, which is #GP here. */
	setup_clear_cpu_cap(X86_FEATURE_SYSENTER32);
}

/* port_start - from entry.S; boot_info is the loader's page, physical */
void __init port_start(unsigned long boot_info)
{
	clear_bss();
	port_register_cpu(0);
	check_switcher();
	early_boot_irqs_disabled = true;
	port_cpu_ops();
	port_mmu_init();
	set_hooks();
	port_irq_init();
	port_time_init();
	port_machine_init();
	set_page_tables();

	get_cpu_cap(&boot_cpu_data);
	x86_configure_nx();
	switch_gdt(0);
	get_cpu_address_sizes(&boot_cpu_data);
	idt_setup_early_handler();
	set_identity();
	port_smp_init();
	cr4_init_shadow();
	x86_64_start_reservations((char *)boot_info);
}
