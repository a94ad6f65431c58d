/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * switcher.h - what C and the Switcher share: pages, as structures, and code
 *
 * Offsets are in layout.h, for assembly; layout.c checks that they agree.
 */
#ifndef LG_SWITCHER_H
#define LG_SWITCHER_H

#include <linux/types.h>
#include <asm/desc_defs.h>
#include "layout.h"

/* A vcpu's registers, as switcher.S pushes them. */
struct sw_regs {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	u64 rax, rcx, rdx, rsi, rdi;
	u64 trap, error;
	u64 rip, cs, rflags, rsp, ss;
};

/*
 * The state page: all that the Switcher needs to know of a vcpu.  It appears
 * in the window of the CPU that has the vcpu loaded, and in no other.
 */
struct sw_state {
	u32 flags; /* SW_*: SW_USER is the virtual mode */
	u32 ldt; /* selector: SW_LDTR, or 0 without an LDT */
	u64 dr7; /* what to load, or 0 to leave the register alone */
	u64 host_cr3;
	u64 keep; /* bit 63 if CR3 has PCIDs: do not flush */
	u64 cr3; /* the root to enter with */
	u64 kernel_cr3, user_cr3;
	u64 entry, exit; /* LHCALL_SET_SYSCALL */
	u64 kernel_gs; /* the kernel's GS base while user mode runs */
	u64 data; /* struct lguest_data, in the window */
	u64 fs, gs; /* bases */
	u16 segs[4]; /* ds es fs gs */
	u64 tmp_rsp, tmp_rip, tmp_gs;
	u64 fault_trap, fault_error, fault_rip, fault_rsp;
	u64 inside_nmis, inside_dbs, inside_rip, aborts;
	u64 iret; /* LHCALL_SET_SYSCALL */
	u64 loaded; /* 1 + which of these the Switcher changed to, or 0 */
	u64 warm_cr3[SW_WARM]; /* as LHCALL_NEW_PGTABLE has it */
	u64 warm_kernel[SW_WARM], warm_user[SW_WARM]; /* roots */
	u64 pf_entry; /* LHCALL_SET_SYSCALL: fault; 0: all of them come to us */
	u64 pf_page; /* the page whose fault was a guest's last; a hint */
	u64 pf_count; /* of those that it got directly */
	/* What its tables said of SW_PF_PAGES pages when they were last read. */
	u64 pf_block; /* the first page's number by SW_PF_PAGES */
	u64 pf_absent; /* no such page, once; and not for a write */
	u64 pf_denied;
	u8 room[ST_REGS - 0x1c8]; /* see ist_resume in switcher.S */
	struct sw_regs regs;
};

/* The host page of a CPU: how to become the host again. */
struct sw_host {
	u64 rsp;
	u64 gs, fs; /* bases */
	u16 segs[4]; /* ds es fs gs */
	u64 tss_desc; /* in the writable GDT */
	u64 ldt;
	struct desc_ptr idtr __aligned(16);
	struct desc_ptr gdtr __aligned(16); /* the read-only map of the GDT */
	struct desc_ptr gdtr_rw __aligned(16);
	struct desc_ptr guest_idtr __aligned(16);
	struct desc_ptr guest_gdtr __aligned(16);
	u64 return_to __aligned(16); /* in host_entry.S */
};

/* host_entry.S */
void switcher_enter(void *in, bool fill_rsb);
extern char host_reraise_table[];

/* switcher.S, as it lies in .rodata before it is copied */
extern char switcher_code[], switcher_end[];
extern char switcher_in[], switcher_lstar[], switcher_cstar[];
extern char switcher_verw[], switcher_verw_end[];
extern char switcher_retpoline[], switcher_retpoline_end[];
extern char switcher_shl_end[], switcher_sar_end[];
extern char switcher_iret_shl_end[], switcher_iret_sar_end[];

#endif /* LG_SWITCHER_H */
