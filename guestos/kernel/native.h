/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * native.h - what the native files share: instructions that need CPL 0
 */
#ifndef NATIVE_H
#define NATIVE_H

#include "kernel.h"

#define MSR_APIC_BASE      0x1b
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_FMASK          0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_KERNEL_GS_BASE 0xc0000102

static inline u8 inb(u16 port)
{
	u8 value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void outb(u16 port, u8 value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outw(u16 port, u16 value)
{
	asm volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr"
		     :
		     : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
		     : "memory");
}

/* native_asm.S: functions, and templates between start and end */
void native_save_fl(void);
void native_restore_fl(void);
void native_irq_disable(void);
void native_irq_enable(void);
void native_swapgs(void);
void native_iret(void);
void native_nmi(void);
extern const u8 native_start_save_fl[], native_end_save_fl[];
extern const u8 native_start_restore_fl[], native_end_restore_fl[];
extern const u8 native_start_irq_disable[], native_end_irq_disable[];
extern const u8 native_start_irq_enable[], native_end_irq_enable[];
extern const u8 native_start_swapgs[], native_end_swapgs[];

/* native.c */
void native_init_cpu(struct percpu *cpu);
void native_load_gdt(void);
void native_load_tr_desc(void);
void native_load_tls(const u64 descriptors[TLS_SLOTS]);
void native_write_gdt_entry(u32 index, u64 descriptor);
void native_load_idt(void);
void native_write_idt_entry(u32 vector, const void *entry, u32 dpl);
void native_load_sp0(u64 stack_top);

/* native_apic.c */
void native_init_IRQ(void);
void native_end_irq(void);
u32 native_apic_read(u32 reg);
void native_apic_write(u32 reg, u32 value);
void native_apic_enable(void);
void native_send_ipi(u32 cpu, u32 vector);
int native_start_cpu(struct percpu *cpu, u64 stack_top);

/* native_time.c */
void native_time_init(void);
u64 native_get_wallclock(void);
void native_set_next_event(u64 delta_ns);

/* native_machine.c */
const char *native_memory_setup(u64 boot_info, u64 *ret_end);
int native_put_chars(const char *text, int len);
int native_get_char(void);
u32 native_count_cpus(void);
void native_power_off(void);
void native_restart(void);
void native_crash(void);

#endif /* NATIVE_H */
