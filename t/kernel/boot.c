// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot.c - what there is when the kernel has come up
 *
 * Most rows of the seed's lguest_init() are here: the operations that are
 * nothing but a value.
 */
#include "test.h"

static void memory(void)
{
	ok(ram_end > 32ULL << 20 && ram_end <= RAM_MAX,
	   "lguest_memory_setup: RAM ends where the memory map says");
	ok(page_free_count() > 1000, "lguest_memory_setup: and is ours");
	is(kernel_root[256], 0,
	   "reserve_top_address: the Switcher's slot is kept free");
	is(kernel_root[0], 0,
	   "init_pg_tables_end: the loader's page tables are left behind");
}

static void ports(void)
{
	is(probe_count, pv_ops.paravirt && !cmdline_number("probe", 0) ? 0 : 4,
	   "paravirt_disable_iospace: a guest's boot probes no port");
	is(pv_ops.request_ports(0x1f0, 8) == 0, !pv_ops.paravirt,
	   "paravirt_disable_iospace: only a real machine has ports to probe");
}

static void console(void)
{
	char text[] = "# early console\n# is short\n# of breath\n";
	int len = sizeof(text) - 1, done = 0, n, most = 0;

	while (done < len) {
		n = pv_ops.put_chars(text + done, len - done);
		most = n > most ? n : most;
		done += n;
	}
	is((u64)done, (u64)len, "early_put_chars: all of a text is printed");
	ok(!pv_ops.paravirt || most <= 16,
	   "early_put_chars: a guest's writes have at most 16 characters");
}

static void control_registers(void)
{
	u64 cr0 = pv_ops.read_cr0(), cr4 = pv_ops.read_cr4();

	ok((cr0 & (1U << 31)) && (cr0 & CR0_WP),
	   "lguest_read_cr0: paging is on");
	pv_ops.write_cr0(cr0 | CR0_TS);
	ok(pv_ops.read_cr0() & CR0_TS, "lguest_write_cr0: TS can be set");
	pv_ops.clts();
	is(pv_ops.read_cr0() & CR0_TS, 0, "lguest_clts: and cleared");
	pv_ops.write_cr0(cr0);
	ok((cr4 & CR4_PAE) && (cr4 & CR4_OSFXSR),
	   "lguest_read_cr4: what a 64-bit kernel needs is on");
	pv_ops.write_cr4(cr4 | 1 << 2);
	ok(pv_ops.read_cr4() & 1 << 2, "lguest_write_cr4: a bit can be set");
	pv_ops.write_cr4(cr4);
	is(pv_ops.read_cr4(), cr4, "lguest_write_cr4: and cleared");
}

static void features(void)
{
	u32 regs[4];
	u64 value;
	int offered;

	pv_ops.cpuid(0, 0, regs);
	ok(regs[0] >= 1 && regs[1], "cpu_detect: cpuid names the processor");
	pv_ops.cpuid(1, 0, regs);
	ok(regs[3] & 1 && regs[3] >> 25 & 1,
	   "hard_math: there is an FPU, and SSE");
	offered = regs[3] >> 5 & 1;
	is((u64)offered, try_rdmsr(0x1b, &value) == 0,
	   "lguest_cpuid: MSRs are offered if they can be read");
	offered = regs[3] >> 9 & 1;
	is((u64)offered, pv_ops.apic_read(0x30) != 0,
	   "lguest_cpuid: an APIC is offered if it has a version");
	ok(!pv_ops.paravirt || !(regs[3] >> 7 & 1 || regs[3] >> 14 & 1),
	   "mce_disabled: a guest is offered no machine checks");
	ok(!pv_ops.paravirt || !(regs[2] >> 5 & 1 || regs[2] >> 21 & 1),
	   "lguest_cpuid: nor VMX, nor x2APIC");
	pv_ops.cpuid(7, 0, regs);
	ok(!pv_ops.paravirt || !(regs[1] >> 7 & 1 || regs[1] >> 20 & 1),
	   "lguest_cpuid: nor SMEP, nor SMAP");
}

/* The timer's has come; all others are still blocked. */
static void irqs(void)
{
	u64 others = 0;
	u32 irq;

	for (irq = 0; irq < IRQS; irq++) {
		if (irq != TIMER_IRQ)
			others += irq_counts[IRQ_BASE + irq];
	}
	is(others, 0, "lguest_init_IRQ: no irq comes that nobody unblocked");
	sleep_ns(1);
	ok(irq_counts[IRQ_BASE + TIMER_IRQ] > 0,
	   "enable_lguest_irq: and the one that somebody did does");
}

static void apic(void)
{
	u32 before = pv_ops.apic_read(0x80);

	pv_ops.apic_write(0x80, 0x10);
	is(pv_ops.apic_read(0x80), pv_ops.paravirt ? 0 : 0x10,
	   "lguest_apic_read: 0 is all that a guest ever reads");
	pv_ops.apic_write(0x80, 0);
	is(pv_ops.apic_read(0x80), before,
	   "lguest_apic_write: and writes do it no harm");
}

void init_thread(void)
{
	u64 gs_self = (u64)this_cpu();

	ok(pv_ops.name && pv_ops.kernel_rpl == (pv_ops.paravirt ? 3 : 0),
	   "lguest_init: the machine has a name, the kernel a level");
	is(gs_self, (u64)&percpus[this_cpu()->id],
	   "lguest_init: the segment base leads to this CPU's data");
	is(cmdline_number("word", 0), 42,
	   "boot_params: the command line has come through");
	memory();
	ports();
	console();
	control_registers();
	features();
	apic();
	irqs();
	pv_ops.wbinvd();
	ok(1, "lguest_wbinvd: is harmless");
	done_testing();
}
