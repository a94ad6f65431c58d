// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - the table of contents
 *
 * boot.S has brought us into the high half, on one CPU, with interrupts off
 * and knowing one thing: which machine this is.  What follows is the order in
 * which a kernel can come to life, each step standing on those before it.
 * After init_thread() has a thread of its own, this first thread is idle.
 *
 * Lines that begin with "mark:" are for those who measure a boot.
 *
 * Next: guestos/kernel/cmdline.c
 */
#include "virtio.h"

#define VERSION "0.1"

struct pv_ops pv_ops;

/* boot_mark - how far we are, for whoever times it */
void boot_mark(const char *what)
{
	printk("mark: %s, tsc %llu\n", what, __builtin_ia32_rdtsc());
}

/* The first thread of all: it starts the rest, and ends with the last word. */
static void run_main(u64 arg)
{
	(void)arg;
	boot_mark("threads");
	init_thread();
	power_off();
}

static void memory_init(u64 boot_info)
{
	const char *name;
	u64 end = 0;

	name = pv_ops.memory_setup(boot_info, &end);
	page_init(end < RAM_MAX ? end : RAM_MAX);
	printk("memory: %llu KiB, says %s\n", ram_end / 1024, name);
}

/* What each CPU has to be told; GS is at its data already. */
static void cpu_init(struct percpu *cpu)
{
	pv_ops.load_gdt();
	pv_ops.load_tr_desc();
	pv_ops.set_ldt();
	pv_ops.init_cpu(cpu);
}

/* kernel_main - boot_info is physical: start_info natively, else boot_params */
void kernel_main(u64 machine, u64 boot_info)
{
	if (machine == MACHINE_NATIVE)
		native_init();
	else
		lguest_init();
	boot_mark("start");
	printk("guestos " VERSION " on %s\n", pv_ops.name);
	memory_init(boot_info);
	pgtable_boot();
	printk("patch: %u sites changed\n", patch_all());
	cpu_init(this_cpu());
	trap_init();
	irq_init();
	fpu_init();
	sched_init();
	boot_mark("traps");
	time_start();
	boot_mark("clock");
	smp_init();
	boot_mark("cpus");
	input_init();
	button_init();
	probe_disks();
	boot_mark("disks");
	vconsole_init();
	blk_init();
	net_init();
	rng_init();
	balloon_init();
	boot_mark("devices");
	if (thread_create("main", run_main, 0, 0) < 0)
		panic("main: no memory for the first thread");
	idle_loop();
}

/* ap_main - where every other CPU begins */
void ap_main(void)
{
	struct percpu *cpu = this_cpu();

	pv_ops.write_cr3(pa(kernel_root));
	cpu_init(cpu);
	pv_ops.load_idt();
	fpu_init();
	pv_ops.time_init();
	cpu->online = 1;
	idle_loop();
}
