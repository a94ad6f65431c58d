/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lguest.h - what the guest's files share: asking the host
 *
 * hypercall.h of the library asks at once.  lazy_hcall() asks by and by: a call
 * in this CPU's ring is made, in order, before the next one that asks at once
 * and before the next event, at the latest by lazy_done().
 */
#ifndef LGUEST_H
#define LGUEST_H

#include "hypercall.h"
#include "kernel.h"

/* hcall - now; addresses among the arguments are physical */
static inline u64 hcall(u64 number, u64 a, u64 b, u64 c, u64 d)
{
	return hypercall(number, a, b, c, d);
}

/* lguest_asm.S */
void lguest_save_fl(void);
void lguest_restore_fl(void);
void lguest_irq_disable(void);
void lguest_irq_enable(void);
void lguest_swapgs(void);
void lguest_iret(void);
void lguest_iret_by_host(void);
void lguest_nmi(void);
extern const u8 lguest_start_save_fl[], lguest_end_save_fl[];
extern const u8 lguest_start_restore_fl[], lguest_end_restore_fl[];
extern const u8 lguest_start_irq_disable[], lguest_end_irq_disable[];
extern const u8 lguest_start_irq_enable[], lguest_end_irq_enable[];
extern const u8 lguest_start_swapgs[], lguest_end_swapgs[];
extern const u8 lguest_noirq_start[], lguest_noirq_end[];
extern const u8 lguest_syscall_entry[], lguest_syscall_exit[];
extern const u8 lguest_user_iret[], lguest_fault_entry[];
extern const u8 lguest_ap_start[];

/* lguest.c */
void lazy_hcall(u64 number, u64 a, u64 b, u64 c);
void lazy_done(void);

/* lguest_cpu.c */
void lguest_cpuid(u32 leaf, u32 subleaf, u32 regs[4]);
void lguest_load_sp0(u64 stack_top);
void lguest_load_tls(const u64 descriptors[TLS_SLOTS]);
void lguest_write_gdt_entry(u32 index, u64 descriptor);
void lguest_load_fs_base(u64 fs_base);
u64 lguest_store_fs_base(void);
void lguest_lazy_cpu_enter(void);
void lguest_lazy_cpu_leave(void);
void lguest_load_user_gs(u64 gs_base);
u64 lguest_store_user_gs(void);
void lguest_set_debugreg(u32 number, u64 value);
u64 lguest_get_debugreg(u32 number);
void lguest_clts(void);
u64 lguest_read_cr0(void);
void lguest_write_cr0(u64 value);
u64 lguest_read_cr4(void);
void lguest_write_cr4(u64 value);
void lguest_wbinvd(void);
u32 lguest_apic_read(u32 reg);
void lguest_apic_write(u32 reg, u32 value);

/* lguest_mmu.c */
void lguest_write_cr3(u64 root);
void lguest_switch_mm(u64 root, u32 tag, int keep);
u64 lguest_read_cr3(void);
u64 lguest_read_cr2(void);
void lguest_flush_tlb_user(void);
void lguest_flush_tlb_single(u64 addr);
void lguest_flush_tlb_kernel(void);
void lguest_release_pgtable(u64 root);
void lguest_set_pte(u64 *entry, u64 value);
void lguest_set_pte_at(u64 addr, u64 *entry, u64 value);
void lguest_set_pmd(u64 *entry, u64 value);
void lguest_lazy_enter(void);
void lguest_lazy_leave(void);

/* lguest_irq.c */
void lguest_init_IRQ(void);
void lguest_enable_irq(u32 vector);
void lguest_load_idt(void);
void lguest_write_idt_entry(u32 vector, const void *entry, u32 dpl);
void lguest_safe_halt(void);
u32 lguest_count_cpus(void);
int lguest_start_cpu(struct percpu *cpu, u64 stack_top);
void lguest_send_ipi(u32 cpu, u32 vector);

/* lguest_time.c */
void lguest_time_init(void);
u64 lguest_get_wallclock(void);
void lguest_set_next_event(u64 delta_ns);

/* lguest_machine.c */
const char *lguest_memory_setup(u64 boot_info, u64 *ret_end);
int early_put_chars(const char *text, int len);
int lguest_get_char(void);
int lguest_input_irq(u32 vector);
int lguest_button_irq(u32 vector);
u64 lguest_notify(u64 token);
void lguest_power_off(void);
void lguest_restart(void);
void lguest_crash(void);

#endif /* LGUEST_H */
