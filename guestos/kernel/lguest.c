// SPDX-License-Identifier: GPL-2.0-only
/*
 * lguest.c - the operations of a guest: what the seed's lguest_init() lists
 *
 * Every operation that a kernel at CPL 3 cannot do itself is replaced, in the
 * order in which native.c has them.  The replacements are in the files that
 * follow, by what they are about; here is the table, how a CPU makes itself
 * known to the host, and the ring of calls that can wait.
 *
 * Next: guestos/kernel/lguest_cpu.c
 */
#include "lguest.h"

#define LGUEST_NO_RING (~0ULL)

static struct lguest_ring rings[MAX_CPUS];
static u8 ring_in_use[MAX_CPUS];
static u8 df_stacks[MAX_CPUS][4096] __attribute__((aligned(16)));

/*
 * lazy_hcall - ask the host by and by
 *
 * An interrupt's handler may use the ring too, so interrupts are off between
 * the look at head and the new one.
 *
 * While we have a ring the host must see each of our hypercalls, if only to look
 * there.  So there is one from the first lazy call until lazy_done().
 */
void lazy_hcall(u64 number, u64 a, u64 b, u64 c)
{
	struct lguest_ring *ring;
	struct lguest_async *call;
	u64 flags = irq_save();
	u32 head;

	ring = &rings[this_cpu()->id];
	if (!ring_in_use[this_cpu()->id]) {
		ring_in_use[this_cpu()->id] = 1;
		hcall(LHCALL_SET_RING, pa(ring), 0, 0, 0);
	}
	head = ring->head;
	if (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) ==
	    LGUEST_RING_SIZE)
		hcall(LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
	call = &ring->calls[head % LGUEST_RING_SIZE];
	call->number = number;
	call->arg[0] = a;
	call->arg[1] = b;
	call->arg[2] = c;
	__atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
	restore_fl(flags);
}

/* lazy_done - all lazy calls have been made when this returns */
void lazy_done(void)
{
	u64 flags = irq_save();

	if (ring_in_use[this_cpu()->id]) {
		ring_in_use[this_cpu()->id] = 0;
		hcall(LHCALL_SET_RING, LGUEST_NO_RING, 0, 0, 0);
	}
	restore_fl(flags);
}

/* Each CPU tells where its pages are, and what it understands. */
static void init_cpu(struct percpu *cpu)
{
	u64 direct, fault;

	hcall(LHCALL_LGUEST_INIT, pa(&cpu->lg), pa(&cpu->info),
	      LGUEST_ABI_VERSION,
	      LGUEST_FEATURE_DIRECT_SYSCALL | LGUEST_FEATURE_DIRECT_IRET |
		      LGUEST_FEATURE_DIRECT_FAULT | LGUEST_FEATURE_PCID);
	direct = cpu->info.features & LGUEST_FEATURE_DIRECT_IRET;
	fault = cpu->info.features & LGUEST_FEATURE_DIRECT_FAULT;
	if (!direct)
		pv_ops.iret = lguest_iret_by_host;
	hcall(LHCALL_SET_CLOCK, pa(&cpu->clock), 0, 0, 0);
	hcall(LHCALL_SET_SYSCALL, (u64)lguest_syscall_entry,
	      (u64)lguest_syscall_exit, direct ? (u64)lguest_user_iret : 0,
	      fault ? (u64)lguest_fault_entry : 0);
	/* The segment is our kernel's; the stack is a word of lguest_data. */
	hcall(LHCALL_SET_STACK, LGUEST_KERNEL_DS, cpu->sp0,
	      STACK_BYTES / PAGE_BYTES, 0);
	hcall(LHCALL_SET_NOIRQ, (u64)lguest_noirq_start, (u64)lguest_noirq_end,
	      0, 0);
	/* The first CPU unblocks irqs one by one, the others find them so. */
	memcpy(cpu->info.blocked, percpus[0].info.blocked,
	       sizeof(cpu->info.blocked));
	cpu->info.df_stack = (u64)df_stacks[cpu->id] + sizeof(df_stacks[0]);
	cpu->cr0 = 0x80010033;
	cpu->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMM;
}

static u32 lguest_patch(u32 type, void *buf, u32 len)
{
	static const struct pv_insns lguest_insns[PV_PATCHED] = {
		[PV_SAVE_FL] = { lguest_start_save_fl, lguest_end_save_fl },
		[PV_RESTORE_FL] = { lguest_start_restore_fl,
				    lguest_end_restore_fl },
		[PV_IRQ_DISABLE] = { lguest_start_irq_disable,
				     lguest_end_irq_disable },
		[PV_IRQ_ENABLE] = { lguest_start_irq_enable,
				    lguest_end_irq_enable },
		[PV_SWAPGS] = { lguest_start_swapgs, lguest_end_swapgs },
	};

	return patch_copy(type, lguest_insns, buf, len);
}

/*
 * lguest_load_gdt, lguest_load_tr_desc and lguest_set_ldt: the host has tables
 * with all the segments that we may have, and of its own a task state.
 */
static void nothing(void)
{
}

/*
 * request_ports - they are all taken, by nobody
 *
 * A driver that probes for old hardware waits for answers that never come.
 * (paravirt_disable_iospace)
 */
static int request_ports(u32 first, u32 count)
{
	(void)first;
	(void)count;
	return -EINVAL;
}

static const struct pv_ops lguest_ops = {
	.save_fl = (u64(*)(void))lguest_save_fl,
	.restore_fl = (void (*)(u64))lguest_restore_fl,
	.irq_disable = lguest_irq_disable,
	.irq_enable = lguest_irq_enable,
	.swapgs = lguest_swapgs,
	.iret = lguest_iret,
	.nmi = lguest_nmi,
	.name = "lguest",
	.paravirt = 1,
	.kernel_rpl = 3,
	.init_IRQ = lguest_init_IRQ,
	.enable_irq = lguest_enable_irq,
	.end_irq = nothing,
	.safe_halt = lguest_safe_halt,
	.memory_setup = lguest_memory_setup,
	.patch = lguest_patch,
	.init_cpu = init_cpu,
	.load_gdt = nothing,
	.load_tr_desc = nothing,
	.set_ldt = nothing,
	.load_idt = lguest_load_idt,
	.write_idt_entry = lguest_write_idt_entry,
	.cpuid = lguest_cpuid,
	.load_sp0 = lguest_load_sp0,
	.load_tls = lguest_load_tls,
	.write_gdt_entry = lguest_write_gdt_entry,
	.load_fs_base = lguest_load_fs_base,
	.store_fs_base = lguest_store_fs_base,
	.load_user_gs = lguest_load_user_gs,
	.store_user_gs = lguest_store_user_gs,
	.set_debugreg = lguest_set_debugreg,
	.get_debugreg = lguest_get_debugreg,
	.clts = lguest_clts,
	.read_cr0 = lguest_read_cr0,
	.write_cr0 = lguest_write_cr0,
	.read_cr4 = lguest_read_cr4,
	.write_cr4 = lguest_write_cr4,
	.wbinvd = lguest_wbinvd,
	.lazy_cpu_enter = lguest_lazy_cpu_enter,
	.lazy_cpu_leave = lguest_lazy_cpu_leave,
	.write_cr3 = lguest_write_cr3,
	.switch_mm = lguest_switch_mm,
	.read_cr3 = lguest_read_cr3,
	.read_cr2 = lguest_read_cr2,
	.flush_tlb_user = lguest_flush_tlb_user,
	.flush_tlb_single = lguest_flush_tlb_single,
	.flush_tlb_kernel = lguest_flush_tlb_kernel,
	.release_pgtable = lguest_release_pgtable,
	.set_pte = lguest_set_pte,
	.set_pte_at = lguest_set_pte_at,
	.set_pmd = lguest_set_pmd,
	.lazy_enter = lguest_lazy_enter,
	.lazy_leave = lguest_lazy_leave,
	.apic_read = lguest_apic_read,
	.apic_write = lguest_apic_write,
	.time_init = lguest_time_init,
	.get_wallclock = lguest_get_wallclock,
	.set_next_event = lguest_set_next_event,
	.request_ports = request_ports,
	.count_cpus = lguest_count_cpus,
	.start_cpu = lguest_start_cpu,
	.send_ipi = lguest_send_ipi,
	.put_chars = early_put_chars,
	.get_char = lguest_get_char,
	.input_irq = lguest_input_irq,
	.button_irq = lguest_button_irq,
	.notify = lguest_notify,
	.power_off = lguest_power_off,
	.restart = lguest_restart,
	.crash = lguest_crash,
};

void lguest_init(void)
{
	pv_ops = lguest_ops;
	/* Before the host looks: nothing may come until it is asked for. */
	memset(this_cpu()->info.blocked, 0xff,
	       sizeof(this_cpu()->info.blocked));
}
