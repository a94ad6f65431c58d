/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pv_ops.h - one kernel, two machines
 *
 * Whatever a kernel at CPL 3 may not do itself goes through this table.
 * native.c fills it for a machine of our own, lguest.c for a guest: there is
 * no other place that asks which of the two it is.
 *
 * Four of the operations are so frequent that even a call through a table is
 * too much: turning interrupts off and on, and saving and restoring whether
 * they are on.  Every place that uses one is a site: a call, room behind it,
 * and a note in the section .pv_sites.  At boot patch.c writes the machine's
 * own instructions over it.
 *
 * Next: guestos/kernel/patch.c
 */
#ifndef PV_OPS_H
#define PV_OPS_H

/* The hot four, their place in struct pv_ops, and the bytes at a site. */
#define PV_SAVE_FL     0
#define PV_RESTORE_FL  1
#define PV_IRQ_DISABLE 2
#define PV_IRQ_ENABLE  3
#define PV_SWAPGS      4 /* entry.S only: natively it is one instruction */
#define PV_IRET        5 /* entry.S only: jumped to, never patched */
#define PV_PATCHED     5

/* The longest template is lguest's "turn on, and ask whether one is due". */
#define PV_BYTES_SHORT 10
#define PV_BYTES_LONG  28

#ifndef __ASSEMBLY__

/* A template: the instructions from start up to end. */
struct pv_insns {
	const u8 *start, *end;
};

struct pv_site {
	u64 addr;
	u32 type, bytes;
};

struct pv_ops {
	/* Called by assembly with nothing to spare: these keep all but RAX. */
	u64 (*save_fl)(void);
	void (*restore_fl)(u64 flags);
	void (*irq_disable)(void);
	void (*irq_enable)(void);
	void (*swapgs)(void);
	void (*iret)(void);

	/* pv_info */
	const char *name;
	u32 paravirt, kernel_rpl;

	/* pv_irq_ops */
	void (*init_IRQ)(void);
	void (*enable_irq)(u32 vector); /* the last step of unblocking it */
	void (*end_irq)(void);
	void (*safe_halt)(void); /* turn on, and wait for one */

	/* pv_init_ops */
	const char *(*memory_setup)(u64 boot_info, u64 *ret_end);
	u32 (*patch)(u32 type, void *buf, u32 len);

	/* pv_cpu_ops */
	void (*init_cpu)(struct percpu *cpu);
	void (*load_gdt)(void);
	void (*load_tr_desc)(void);
	void (*set_ldt)(void); /* none */
	void (*load_idt)(void);
	void (*write_idt_entry)(u32 vector, const void *entry, u32 dpl);
	void (*nmi)(void); /* where they enter; not to be called */
	void (*cpuid)(u32 leaf, u32 subleaf, u32 ret_regs[4]);
	void (*load_sp0)(u64 stack_top);
	void (*load_tls)(const u64 descriptors[TLS_SLOTS]);
	void (*write_gdt_entry)(u32 index, u64 descriptor);
	void (*load_fs_base)(u64 fs_base);
	u64 (*store_fs_base)(void);
	void (*load_user_gs)(u64 gs_base);
	u64 (*store_user_gs)(void);
	void (*set_debugreg)(u32 number, u64 value);
	u64 (*get_debugreg)(u32 number);
	void (*clts)(void);
	u64 (*read_cr0)(void);
	void (*write_cr0)(u64 value);
	u64 (*read_cr4)(void);
	void (*write_cr4)(u64 value);
	void (*wbinvd)(void);
	void (*lazy_cpu_enter)(void); /* the next few may be made later */
	void (*lazy_cpu_leave)(void); /* all of them have been made */

	/* pv_mmu_ops */
	void (*write_cr3)(u64 root);
	/* ... with a tag below 4096; keep: nothing has to be forgotten */
	void (*switch_mm)(u64 root, u32 tag, int keep);
	u64 (*read_cr3)(void);
	u64 (*read_cr2)(void);
	void (*flush_tlb_user)(void);
	void (*flush_tlb_single)(u64 addr);
	void (*flush_tlb_kernel)(void);
	void (*release_pgtable)(u64 root);
	void (*set_pte)(u64 *entry, u64 value);
	void (*set_pte_at)(u64 addr, u64 *entry, u64 value);
	void (*set_pmd)(u64 *entry, u64 value);
	void (*lazy_enter)(void);
	void (*lazy_leave)(void);

	/* pv_apic_ops */
	u32 (*apic_read)(u32 reg);
	void (*apic_write)(u32 reg, u32 value);

	/* pv_time_ops */
	void (*time_init)(void); /* registers clocks, on the first CPU */
	u64 (*get_wallclock)(void); /* seconds since 1970 */
	void (*set_next_event)(u64 delta_ns);

	/* io ports: none, or those of a machine */
	int (*request_ports)(u32 first, u32 count); /* 0, or they are taken */

	/* pv_smp_ops */
	u32 (*count_cpus)(void);
	int (*start_cpu)(struct percpu *cpu, u64 stack_top);
	void (*send_ipi)(u32 cpu, u32 vector); /* or TRAP_NMI */

	/* the way out */
	int (*put_chars)(const char *text, int len);
	int (*get_char)(void); /* the next byte of input, or -1 */

	/* What shall be interrupts of ours; else -1: nobody presses it, or
	 * input has to be looked for. */
	int (*input_irq)(u32 vector);
	int (*button_irq)(u32 vector);
	/* a token for the daemon, of lguest/virtio.h; natively nobody knows */
	u64 (*notify)(u64 token);
	void (*power_off)(void);
	void (*restart)(void);
	void (*crash)(void);
};

extern struct pv_ops pv_ops;

/* native.c and lguest.c: fill the table */
void native_init(void);
void lguest_init(void);

#define PV_STR_(x) #x
#define PV_STR(x)  PV_STR_(x)

/* A site: the call, room for something longer, and the note for patch.c. */
#define PV_SITE(type, bytes)                                                   \
	"771: call *pv_ops+8*" PV_STR(                                         \
		type) "\n"                                                     \
		      "772: .skip " PV_STR(                                    \
			      bytes) "-(772b-771b), 0x90\n"                    \
				     ".pushsection .pv_sites, \"a\"\n"         \
				     ".quad 771b\n.long " PV_STR(              \
					     type) ", " PV_STR(bytes) "\n"     \
								      ".popse" \
								      "ction"

static inline __attribute__((always_inline)) u64 save_fl(void)
{
	u64 flags;

	asm volatile(PV_SITE(PV_SAVE_FL, PV_BYTES_SHORT)
		     : "=a"(flags)
		     :
		     : "memory", "cc");
	return flags;
}

static inline __attribute__((always_inline)) void restore_fl(u64 flags)
{
	asm volatile(PV_SITE(PV_RESTORE_FL, PV_BYTES_LONG)
		     :
		     : "D"(flags)
		     : "rax", "memory", "cc");
}

static inline __attribute__((always_inline)) void irq_disable(void)
{
	asm volatile(PV_SITE(PV_IRQ_DISABLE, PV_BYTES_SHORT)
		     :
		     :
		     : "rax", "memory", "cc");
}

static inline __attribute__((always_inline)) void irq_enable(void)
{
	asm volatile(PV_SITE(PV_IRQ_ENABLE, PV_BYTES_LONG)
		     :
		     :
		     : "rax", "memory", "cc");
}

/* irq_save - turn them off; returns what restore_fl() wants */
static inline u64 irq_save(void)
{
	u64 flags = save_fl();

	irq_disable();
	return flags;
}

#endif /* !__ASSEMBLY__ */
#endif /* PV_OPS_H */
