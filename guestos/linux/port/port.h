/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * port.h - what the port's files share: asking the host, and a CPU's words
 *
 * The port runs inside a kernel that was linked without it.  So it has no
 * per-CPU section, no initcalls and no exception table: what a CPU needs is in
 * two places.  The hot words are where GS points, in 64 bytes that the kernel
 * has per CPU for a hypervisor that is not there; all else is in port_cpus[].
 */
#ifndef PORT_H
#define PORT_H

/* Ours to know, for we are linked into the kernel, whatever Kbuild thinks. */
#undef MODULE

#include <asm/segment.h>
#include <lguest/guest.h>

/* Words of struct lguest_data, for entry.S. */
#define LG_IRQ_ENABLED 0
#define LG_IRQ_PENDING 4
#define LG_CR2         8
#define LG_USER_RIP    16
#define LG_USER_RFLAGS 24
#define LG_USER_ERROR  28
#define LG_USER_GS     32
#define LG_USER_RCX    40
#define LG_USER_R11    48
#define LG_SP0         56

#ifndef __ASSEMBLY__

#include <linux/clockchips.h>
#include <linux/init.h>
#include <linux/percpu.h>
#include <linux/types.h>

#define PORT_MAX_CPUS 64

/* A CPU's cold words; physically in one piece, as all of the port is. */
struct port_cpu {
	struct lguest_info info;
	struct lguest_clock clock;
	struct clock_event_device event;
	unsigned long cr0, cr3; /* as the kernel has set them */
	u64 tls[LGUEST_TLS_COUNT]; /* as the host has them */
	unsigned int ldt_entries;
	char text[256]; /* on its way to the console */
};

extern struct port_cpu port_cpus[PORT_MAX_CPUS];

/* The hot words.  The kernel has the place for Xen, and is not on Xen. */
DECLARE_PER_CPU(struct lguest_data, xen_vcpu_info);
#define hot_read(field)         this_cpu_read(xen_vcpu_info.field)
#define hot_write(field, value) this_cpu_write(xen_vcpu_info.field, value)

/* hcall - ask the host, now; addresses among the arguments are physical */
static __always_inline u64 hcall(u64 number, u64 a, u64 b, u64 c, u64 d)
{
	register u64 r10 asm("r10") = d;

	/* "memory": the host may read or write what an argument points at. */
	asm volatile("syscall"
		     : "+a"(number)
		     : "D"(a), "S"(b), "d"(c), "r"(r10)
		     : "rcx", "r11", "memory", "cc");
	return number;
}

/* entry.S */
void port_save_fl(void);
void port_irq_disable(void);
void port_irq_enable(void);
void port_read_cr2(void);
void port_iret(void);
void port_nmi(void);
void port_return(void);
void port_ap_start(void);
extern const char port_noirq_start[], port_noirq_end[];
extern const char port_syscall_entry[], port_syscall_exit[];
extern const char port_user_iret[], port_fault_entry[];

/* boot.c */
void port_start(unsigned long boot_info);
void port_register_cpu(unsigned int cpu);
void port_force_cap(unsigned int cap);

/* patch.c */
void port_patch_kernel(void);
void port_set_returns(void);
void port_protect(void);

/* cpu.c, cpuid.c */
void port_cpu_ops(void);
void port_cpu_init(void);
void port_cpu_late(void);
void port_df_stack(unsigned int cpu);
void port_load_gate(unsigned int vector, unsigned long handler,
		    unsigned int flags);
void port_cpuid(unsigned int *eax, unsigned int *ebx, unsigned int *ecx,
		unsigned int *edx);

/* mmu.c */
void port_mmu_init(void);

/* irq.c */
void port_irq_init(void);
void port_irq_online(unsigned int cpu);
int port_irq_map(unsigned int vector);

/* time.c */
void port_time_init(void);
void port_time_late(void);
void port_clockevent(void);

/* smp.c */
struct apic;
struct task_struct;
void port_smp_init(void);
void port_spinlocks(void);
u32 port_apic_id(u32 reg);
int port_cpu_wake(unsigned int cpu, struct task_struct *idle);

/* smp_61.c, smp_612.c: whichever is this kernel's */
void port_smp_version(struct apic *ours);

/* console.c */
void port_console_early(void);
void port_console_late(void);

/* machine.c */
void port_machine_init(void);
void port_machine_late(void);
void __noreturn port_crash(const char *reason);

#endif /* !__ASSEMBLY__ */
#endif /* PORT_H */
