// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpu.c - the processor of a guest: registers, segments, gates
 *
 * Control registers are words that the kernel remembers for itself: the real
 * ones are the host's.  Of the model-specific registers three are segment bases,
 * which we have without them; some have one value that the kernel expects; the
 * others are not there, and whoever asks carefully is told so.
 *
 * What must never happen: a descriptor, a gate or a breakpoint address that
 * kills us, when all that is wrong with it is that hardware would have done
 * something else.
 *
 * Next: guestos/linux/port/cpuid.c
 */
#include "port.h"

#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/uaccess.h>
#include <asm/cpu_entry_area.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/io_bitmap.h>
#include <asm/ldt.h>
#include <asm/msr.h>
#include <asm/paravirt.h>
#include <asm/processor.h>
#include <asm/traps.h>

#define PAT_AT_RESET 0x0007040600070406ULL
#define EFER_ALWAYS  (EFER_SCE | EFER_LME | EFER_LMA | EFER_NX)

extern char entry_SYSCALL_compat_after_hwframe[];

/* ---- model-specific registers ---- */

/*
 * The kernel's GS base is where its per-CPU data is, and so our hot words: the
 * host moves both at once.  It may be 0 here, because the kernel loads a null
 * selector first; so it is set before anything else is called.
 */
static void move_gs(unsigned long base)
{
	unsigned long hot = base + (unsigned long)&xen_vcpu_info;

	wrgsbase(base);
	hcall(LHCALL_SET_DATA, slow_virt_to_phys((void *)hot), base, 0, 0);
}

static u64 read_msr_safe(unsigned int msr, int *err)
{
	*err = 0;
	switch (msr) {
	case MSR_FS_BASE:
		return rdfsbase();
	case MSR_GS_BASE:
		return rdgsbase();
	case MSR_KERNEL_GS_BASE:
		return hot_read(user_gs_base);
	case MSR_EFER:
		return EFER_ALWAYS;
	case MSR_IA32_CR_PAT:
		return PAT_AT_RESET;
	case MSR_IA32_APICBASE: /* whether it is the first, and no address */
		return raw_smp_processor_id() ? 0 : MSR_IA32_APICBASE_BSP;
	case MSR_IA32_TSC:
		return rdtsc();
	}
	*err = -EIO;
	return 0;
}

static int write_msr_safe(unsigned int msr, unsigned int low, unsigned int high)
{
	u64 value = low | (u64)high << 32;

	switch (msr) {
	case MSR_GS_BASE:
		move_gs(value);
		return 0;
	case MSR_FS_BASE:
		wrfsbase(value);
		return 0;
	case MSR_KERNEL_GS_BASE:
		hot_write(user_gs_base, value);
		return 0;
	case MSR_STAR: /* where system calls go, LHCALL_SET_SYSCALL says */
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_SYSCALL_MASK:
	case MSR_IA32_SYSENTER_CS:
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
	case MSR_EFER:
	case MSR_IA32_CR_PAT:
		return 0;
	}
	return -EIO;
}

static u64 read_msr(unsigned int msr)
{
	int err;

	return read_msr_safe(msr, &err);
}

static void write_msr(unsigned int msr, unsigned int low, unsigned int high)
{
	write_msr_safe(msr, low, high);
}

static u64 read_pmc(int counter)
{
	return 0;
}

/* ---- control registers ---- */

static unsigned long read_cr0_op(void)
{
	return port_cpus[raw_smp_processor_id()].cr0;
}

static void write_cr0_op(unsigned long value)
{
	port_cpus[raw_smp_processor_id()].cr0 = value;
}

/* The kernel reads it in its own copy. */
static void write_cr4_op(unsigned long value)
{
}

/* ---- debug registers ---- */

static unsigned long get_debugreg_op(int number)
{
	return hcall(LHCALL_GET_DEBUGREG, number, 0, 0, 0);
}

/* The Switcher's addresses are not there, so nothing can happen at them. */
static bool meets_switcher(unsigned long addr)
{
	const struct lguest_info *info = &port_cpus[0].info;

	return addr + 8 > info->switcher_start && addr < info->switcher_end;
}

static void set_debugreg_op(int number, unsigned long value)
{
	if (number < 4 &&
	    (meets_switcher(value) || !__is_canonical_address(value, 48)))
		value = 0;
	hcall(LHCALL_SET_DEBUGREG, number, value, 0, 0);
}

/* ---- segments ---- */

/* Most processes have none, and so had the one before. */
static void load_tls_entry(struct port_cpu *our, unsigned int i, u64 desc)
{
	if (our->tls[i] == desc)
		return;
	our->tls[i] = desc;
	hcall(LHCALL_LOAD_TLS, i, desc, 0, 0);
}

static u64 desc_word(const void *desc)
{
	u64 word;

	memcpy(&word, desc, sizeof(word));
	return word;
}

static void load_tls_op(struct thread_struct *thread, unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < GDT_ENTRY_TLS_ENTRIES; i++)
		load_tls_entry(&port_cpus[cpu], i,
			       desc_word(&thread->tls_array[i]));
}

/*
 * Of the GDT the host wants the entries that user mode may name: a thread's own
 * ones and the one whose limit is the CPU's number.
 */
static void write_gdt_entry_op(struct desc_struct *gdt, int index,
			       const void *desc, int type)
{
	unsigned int i = index - LGUEST_TLS_FIRST;

	native_write_gdt_entry(gdt, index, desc, type);
	if (type == DESCTYPE_S && i < LGUEST_TLS_COUNT)
		load_tls_entry(&port_cpus[raw_smp_processor_id()], i,
			       desc_word(desc));
}

static void load_gs_index_op(unsigned int selector)
{
	hcall(LHCALL_LOAD_GS, selector & 0xffff, 0, 0, 0);
}

/*
 * The host copies it, and leaves out what it cannot have.  Nearly nobody has one.
 * Where the host knows none, a program that has made one may not load it.
 */
static void set_ldt_op(const void *table, unsigned int entries)
{
	struct port_cpu *our = &port_cpus[raw_smp_processor_id()];

	if (!entries && !our->ldt_entries)
		return;
	if (!(our->info.features & LGUEST_FEATURE_LDT))
		return;
	our->ldt_entries = entries;
	hcall(LHCALL_SET_LDT, (u64)table, entries, 0, 0);
}

/*
 * A stack of 16 bits the host leaves out, and so who makes one is told, as on Xen,
 * which has none either, and not killed when it uses it.  No operation asks us; the
 * tracer's call at the beginning of write_ldt(ptr, bytes, oldmode) can.
 */
static int on_write_ldt(struct kprobe *probe, struct pt_regs *regs)
{
	struct user_desc desc;

	if (regs->si != sizeof(desc) ||
	    copy_from_user_nofault(&desc, (void __user *)regs->di,
				   sizeof(desc)))
		return 0;
	if (desc.seg_32bit || desc.read_exec_only ||
	    desc.contents >= MODIFY_LDT_CONTENTS_CODE)
		return 0;
	if (regs->dx && !desc.base_addr && !desc.limit)
		return 0; /* is to be taken away */
	regs->ax = -EINVAL;
	regs->ip = (unsigned long)port_return;
	return 1;
}

static struct kprobe write_ldt_probe = {
	.symbol_name = "write_ldt",
	.pre_handler = on_write_ldt,
};

static void load_sp0_op(unsigned long sp0)
{
	hot_write(sp0, sp0);
}

static unsigned long store_tr_op(void)
{
	return 0;
}

/* ---- gates ---- */

/* What the host has.  All CPUs have the same, from the one that woke them. */
static struct lg_gate {
	unsigned long handler;
	unsigned int flags;
} gates[LGUEST_GATES];

/* port_load_gate - LHCALL_LOAD_IDT_ENTRY, if it is news */
void port_load_gate(unsigned int vector, unsigned long handler,
		    unsigned int flags)
{
	struct lg_gate *gate = &gates[vector];

	if (gate->handler == handler && gate->flags == flags)
		return;
	gate->handler = handler;
	gate->flags = flags;
	hcall(LHCALL_LOAD_IDT_ENTRY, vector, handler, flags, 0);
}

/* A kernel built without has no such gate, either. */
#ifdef CONFIG_X86_MCE
static unsigned long of_machine_check(unsigned long handler)
{
	if (handler == (unsigned long)asm_exc_machine_check)
		return (unsigned long)asm_xenpv_exc_machine_check;
	return handler;
}
#else
static unsigned long of_machine_check(unsigned long handler)
{
	return handler;
}
#endif

/* Handlers that count on a stack of their own have a second form, for Xen. */
static unsigned long without_ist(unsigned long handler)
{
	if (handler == (unsigned long)asm_exc_debug)
		return (unsigned long)asm_xenpv_exc_debug;
	if (handler == (unsigned long)asm_exc_nmi)
		return (unsigned long)port_nmi;
	if (handler == (unsigned long)asm_exc_double_fault)
		return (unsigned long)asm_xenpv_exc_double_fault;
	return of_machine_check(handler);
}

static const gate_desc *loaded_idt;

static void tell_gate(unsigned int vector, const gate_desc *gate)
{
	unsigned long handler = gate->bits.p ? gate_offset(gate) : 0;

	port_load_gate(vector, without_ist(handler),
		       handler && gate->bits.dpl == 3 ? LGUEST_GATE_USER : 0);
}

static void write_idt_entry_op(gate_desc *idt, int vector,
			       const gate_desc *gate)
{
	memcpy(&idt[vector], gate, sizeof(*gate));
	if (idt == loaded_idt)
		tell_gate(vector, gate);
}

static void load_idt_op(const struct desc_ptr *ptr)
{
	unsigned int count = (ptr->size + 1) / sizeof(gate_desc), i;

	loaded_idt = (const gate_desc *)ptr->address;
	for (i = 0; i < count; i++)
		tell_gate(i, &loaded_idt[i]);
}

/* ---- the table, and what a CPU says of itself ---- */

/* port_cpu_ops - what is not named here stays the kernel's own */
void __init port_cpu_ops(void)
{
	struct pv_cpu_ops *ops = &pv_ops.cpu;

	ops->io_delay = paravirt_nop;
	ops->cpuid = port_cpuid;
	ops->get_debugreg = get_debugreg_op;
	ops->set_debugreg = set_debugreg_op;
	ops->read_cr0 = read_cr0_op;
	ops->write_cr0 = write_cr0_op;
	ops->write_cr4 = write_cr4_op;
	ops->wbinvd = paravirt_nop;
	ops->read_msr = read_msr;
	ops->write_msr = write_msr;
	ops->read_msr_safe = read_msr_safe;
	ops->write_msr_safe = write_msr_safe;
	ops->read_pmc = read_pmc;
	ops->load_tr_desc = paravirt_nop;
	ops->store_tr = store_tr_op;
	ops->set_ldt = set_ldt_op;
	ops->load_gdt = paravirt_nop;
	ops->write_gdt_entry = write_gdt_entry_op;
	ops->load_idt = load_idt_op;
	ops->write_idt_entry = write_idt_entry_op;
	ops->load_tls = load_tls_op;
	ops->load_gs_index = load_gs_index_op;
	ops->load_sp0 = load_sp0_op;
	ops->invalidate_io_bitmap = paravirt_nop;
	ops->update_io_bitmap = paravirt_nop;
}

/*
 * port_cpu_init - for each CPU: where system calls go, and what may not be
 * interrupted
 *
 * port_iret() has no other way to user mode than the host's second exit, so a host
 * without is none for us.
 */
void port_cpu_init(void)
{
	u64 features = port_cpus[0].info.features;
	bool fault = features & LGUEST_FEATURE_DIRECT_FAULT;

	if (!(features & LGUEST_FEATURE_DIRECT_IRET))
		port_crash("port: the host does not offer direct returns");
	hcall(LHCALL_SET_SYSCALL, (u64)port_syscall_entry,
	      (u64)port_syscall_exit, (u64)port_user_iret,
	      fault ? (u64)port_fault_entry : 0);
	hcall(LHCALL_SET_NOIRQ, (u64)port_noirq_start, (u64)port_noirq_end, 0,
	      0);
	port_load_gate(LGUEST_TRAP_SYSCALL32,
		       (unsigned long)entry_SYSCALL_compat_after_hwframe, 0);
}

/* port_cpu_late - if it cannot be done, a program is killed that could be told */
void __init port_cpu_late(void)
{
	if (port_cpus[0].info.features & LGUEST_FEATURE_LDT)
		register_kprobe(&write_ldt_probe);
}

/*
 * port_df_stack - a double fault has the stack that the kernel has for it
 *
 * Before the kernel has made these stacks it comes on the one in use.
 */
void port_df_stack(unsigned int cpu)
{
	port_cpus[cpu].info.df_stack =
		CEA_ESTACK_TOP(per_cpu(cea_exception_stacks, cpu), DF);
}
