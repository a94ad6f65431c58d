// SPDX-License-Identifier: GPL-2.0-only
/*
 * native.c - the operations of a machine of our own: one instruction each
 *
 * Read this beside lguest.c: the two files answer the same questions.  Where
 * the answer here is an instruction that needs CPL 0, the answer there is a
 * hypercall, or a word of memory, or nothing at all.
 *
 * Next: guestos/kernel/native_desc.c
 */
#include "native.h"

static u32 native_patch(u32 type, void *buf, u32 len)
{
	static const struct pv_insns insns[PV_PATCHED] = {
		[PV_SAVE_FL] = { native_start_save_fl, native_end_save_fl },
		[PV_RESTORE_FL] = { native_start_restore_fl,
				    native_end_restore_fl },
		[PV_IRQ_DISABLE] = { native_start_irq_disable,
				     native_end_irq_disable },
		[PV_IRQ_ENABLE] = { native_start_irq_enable,
				    native_end_irq_enable },
		[PV_SWAPGS] = { native_start_swapgs, native_end_swapgs },
	};

	return patch_copy(type, insns, buf, len);
}

static void safe_halt(void)
{
	/* STI holds interrupts off for one instruction more: none gets lost. */
	asm volatile("sti\n\thlt" : : : "memory");
}

static void nothing(void)
{
}

static void cpuid(u32 leaf, u32 subleaf, u32 regs[4])
{
	asm volatile("cpuid"
		     : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]),
		       "=d"(regs[3])
		     : "a"(leaf), "c"(subleaf));
}

static void set_ldt(void)
{
	asm volatile("lldt %0" : : "r"((u16)0));
}

static void load_fs_base(u64 fs_base)
{
	wrmsr(MSR_FS_BASE, fs_base);
}

static u64 store_fs_base(void)
{
	return rdmsr(MSR_FS_BASE);
}

static void load_user_gs(u64 gs_base)
{
	wrmsr(MSR_KERNEL_GS_BASE, gs_base);
}

static u64 store_user_gs(void)
{
	return rdmsr(MSR_KERNEL_GS_BASE);
}

#define WRITE_REG(reg, value) asm volatile("mov %0, %%" reg : : "r"(value))

static void set_debugreg(u32 number, u64 value)
{
	switch (number) {
	case 0:
		WRITE_REG("db0", value);
		break;
	case 1:
		WRITE_REG("db1", value);
		break;
	case 2:
		WRITE_REG("db2", value);
		break;
	case 3:
		WRITE_REG("db3", value);
		break;
	case 6:
		WRITE_REG("db6", value);
		break;
	case 7:
		WRITE_REG("db7", value);
		break;
	}
}

/* Only the two that tell something new. */
static u64 get_debugreg(u32 number)
{
	u64 value = 0;

	if (number == 6)
		asm volatile("mov %%db6, %0" : "=r"(value));
	else if (number == 7)
		asm volatile("mov %%db7, %0" : "=r"(value));
	return value;
}

static u64 read_cr0(void)
{
	u64 value;

	asm volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

static void write_cr0(u64 value)
{
	WRITE_REG("cr0", value);
}

static void clts(void)
{
	asm volatile("clts");
}

static u64 read_cr4(void)
{
	u64 value;

	asm volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

static void write_cr4(u64 value)
{
	WRITE_REG("cr4", value);
}

static void wbinvd(void)
{
	asm volatile("wbinvd" : : : "memory");
}

static void write_cr3(u64 root)
{
	asm volatile("mov %0, %%cr3" : : "r"(root) : "memory");
}

/* Tags want CR4.PCIDE, which not every processor has: we do without. */
static void switch_mm(u64 root, u32 tag, int keep)
{
	(void)tag;
	(void)keep;
	write_cr3(root);
}

static u64 read_cr3(void)
{
	u64 value;

	asm volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

static u64 read_cr2(void)
{
	u64 value;

	asm volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

/* We have no global entries, so this is everything. */
static void flush_tlb(void)
{
	write_cr3(read_cr3());
}

static void flush_tlb_single(u64 addr)
{
	asm volatile("invlpg (%0)" : : "r"(addr) : "memory");
}

static void release_pgtable(u64 root)
{
	(void)root;
}

static void set_pte(u64 *entry, u64 value)
{
	*(volatile u64 *)entry = value;
}

static void set_pte_at(u64 addr, u64 *entry, u64 value)
{
	(void)addr;
	set_pte(entry, value);
}

static void enable_irq(u32 vector)
{
	(void)vector; /* the gate that is there now was all that was missing */
}

/* request_ports - all of them are there to be probed */
static int request_ports(u32 first, u32 count)
{
	return first + count <= 0x10000 ? 0 : -EINVAL;
}

/* The old controllers, which would bring it, are silent: see native_apic.c. */
static u64 no_daemon(u64 token)
{
	(void)token;
	return ~0ULL;
}

static int no_irq(u32 vector)
{
	(void)vector;
	return -1;
}

static const struct pv_ops native_ops = {
	.save_fl = (u64(*)(void))native_save_fl,
	.restore_fl = (void (*)(u64))native_restore_fl,
	.irq_disable = native_irq_disable,
	.irq_enable = native_irq_enable,
	.swapgs = native_swapgs,
	.iret = native_iret,
	.name = "a machine of its own",
	.init_IRQ = native_init_IRQ,
	.enable_irq = enable_irq,
	.end_irq = native_end_irq,
	.safe_halt = safe_halt,
	.memory_setup = native_memory_setup,
	.patch = native_patch,
	.init_cpu = native_init_cpu,
	.nmi = native_nmi,
	.load_gdt = native_load_gdt,
	.load_tr_desc = native_load_tr_desc,
	.set_ldt = set_ldt,
	.load_idt = native_load_idt,
	.write_idt_entry = native_write_idt_entry,
	.cpuid = cpuid,
	.load_sp0 = native_load_sp0,
	.load_tls = native_load_tls,
	.write_gdt_entry = native_write_gdt_entry,
	.load_fs_base = load_fs_base,
	.store_fs_base = store_fs_base,
	.load_user_gs = load_user_gs,
	.store_user_gs = store_user_gs,
	.set_debugreg = set_debugreg,
	.get_debugreg = get_debugreg,
	.clts = clts,
	.read_cr0 = read_cr0,
	.write_cr0 = write_cr0,
	.read_cr4 = read_cr4,
	.write_cr4 = write_cr4,
	.wbinvd = wbinvd,
	.lazy_cpu_enter = nothing,
	.lazy_cpu_leave = nothing,
	.write_cr3 = write_cr3,
	.switch_mm = switch_mm,
	.read_cr3 = read_cr3,
	.read_cr2 = read_cr2,
	.flush_tlb_user = flush_tlb,
	.flush_tlb_single = flush_tlb_single,
	.flush_tlb_kernel = flush_tlb,
	.release_pgtable = release_pgtable,
	.set_pte = set_pte,
	.set_pte_at = set_pte_at,
	.set_pmd = set_pte,
	.lazy_enter = nothing,
	.lazy_leave = nothing,
	.apic_read = native_apic_read,
	.apic_write = native_apic_write,
	.time_init = native_time_init,
	.get_wallclock = native_get_wallclock,
	.set_next_event = native_set_next_event,
	.request_ports = request_ports,
	.count_cpus = native_count_cpus,
	.start_cpu = native_start_cpu,
	.send_ipi = native_send_ipi,
	.put_chars = native_put_chars,
	.get_char = native_get_char,
	.input_irq = no_irq,
	.button_irq = no_irq,
	.notify = no_daemon,
	.power_off = native_power_off,
	.restart = native_restart,
	.crash = native_crash,
};

void native_init(void)
{
	pv_ops = native_ops;
}
