/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * layout.h - addresses and offsets that C and the Switcher must agree on
 *
 * Each CPU has a window of 128 KiB at the same place in every address space
 * that matters: in the host's, and in each shadow root that runs on that CPU.
 * The Switcher finds all it needs at a fixed distance from its own code, so
 * whatever it names is this CPU's by construction.
 *
 * The picture of a window, and who sees which page:
 *
 *	offset	page		host tables	guest tables	belongs to
 *	0x0000	code		r-x		r-x		everyone
 *	0x4000	state		rw-		rw-		the loaded vcpu
 *	0x5000	IST stacks	rw-		rw-		this CPU
 *	0x6000	IDT		r--		r--		this CPU
 *	0x7000	GDT and TSS	rw-		rw-		this CPU
 *	0x8000	guest data	rw-		rw-		the loaded vcpu
 *	0x9000	host		rw-		-		this CPU
 *	0x10000	LDT		r--		r--		the loaded vcpu
 *
 * Everything is supervisor-only.  The host page is missing from the guest's
 * tables so that a CPU which leaks supervisor memory to CPL 3 has nothing of
 * the host's to leak but the physical address of a page table.
 */
#ifndef LG_LAYOUT_H
#define LG_LAYOUT_H

#define WINDOW_SLOT     256 /* of the top-level table */
#define SW_WINDOW_BYTES 0x20000
#define SW_CODE_PAGES   2
#define SW_STATE        0x4000
#define SW_STACKS       0x5000
#define SW_IDT          0x6000
#define SW_GDT          0x7000
#define SW_TSS          0x7800
#define SW_DATA         0x8000
#define SW_HOST         0x9000
#define SW_LDT          0x10000 /* LGUEST_LDT_ENTRIES, to the window's end */

/* IST stacks: same index as Linux's own, for the reason given in switcher.S. */
#define SW_STACK_BYTES 0x400
#define SW_IST_DF      1
#define SW_IST_NMI     2
#define SW_IST_DB      3
#define SW_IST_MC      4

/* The GDT has Linux's own selectors, so that STAR may stay as it is. */
#define SW_KERNEL_CS   0x10
#define SW_KERNEL_DS   0x18
#define SW_TR          0x40
#define SW_LDTR        0x50
#define SW_GDT_ENTRIES 16 /* up to LGUEST_TLS_FIRST + LGUEST_TLS_COUNT */

/* The state page: struct sw_state in lg.h. */
#define ST_FLAGS       0x000
#define ST_LDT         0x004
#define ST_DR7         0x008
#define ST_HOST_CR3    0x010
#define ST_KEEP        0x018
#define ST_CR3         0x020
#define ST_KERNEL_CR3  0x028
#define ST_USER_CR3    0x030
#define ST_ENTRY       0x038
#define ST_EXIT        0x040
#define ST_KERNEL_GS   0x048
#define ST_DATA        0x050
#define ST_FS          0x058
#define ST_GS          0x060
#define ST_SEGS        0x068
#define ST_TMP_RSP     0x070
#define ST_TMP_RIP     0x078
#define ST_TMP_GS      0x080
#define ST_FAULT_TRAP  0x088
#define ST_FAULT_ERROR 0x090
#define ST_FAULT_RIP   0x098
#define ST_FAULT_RSP   0x0a0
#define ST_INSIDE_NMIS 0x0a8
#define ST_INSIDE_DBS  0x0b0
#define ST_INSIDE_RIP  0x0b8
#define ST_ABORTS      0x0c0
#define ST_IRET        0x0c8
#define ST_LOADED      0x0d0
#define ST_WARM_CR3    0x0d8
#define ST_WARM_KERNEL 0x118
#define ST_WARM_USER   0x158
#define ST_PF_ENTRY    0x198
#define ST_PF_PAGE     0x1a0
#define ST_PF_COUNT    0x1a8
#define ST_PF_BLOCK    0x1b0
#define ST_PF_ABSENT   0x1b8
#define ST_PF_DENIED   0x1c0
/* 0x1c8 to 0x200 is room for a resumed event's few words; see ist_resume. */
#define ST_REGS     0x200
#define ST_REGS_END 0x2b0

/* Offsets in the register frame, which is where RSP0 points the CPU. */
#define RG_TRAP   0x78
#define RG_ERROR  0x80
#define RG_RIP    0x88
#define RG_CS     0x90
#define RG_RFLAGS 0x98
#define RG_RSP    0xa0
#define RG_SS     0xa8

/* Address spaces that the Switcher itself may change to. */
#define SW_WARM 8

/* ST_FLAGS.  Zero: guest kernel mode and nothing stands in a fast path's way. */
#define SW_USER      0x01
#define SW_NO_DIRECT 0x02
#define SW_NMI       0x04
#define SW_MCE       0x08
#define SW_DB        0x10
#define SW_FAULT     0x20
#define SW_LOST      0x40
#define SW_IRQ       0x80 /* the guest waits for something to be delivered */
#define SW_EVENTS    (SW_NMI | SW_MCE | SW_DB | SW_FAULT | SW_LOST)

/* The host page: struct sw_host in lg.h. */
#define HO_RSP        0x00
#define HO_GS         0x08
#define HO_FS         0x10
#define HO_SEGS       0x18
#define HO_TSS_DESC   0x20
#define HO_LDT        0x28
#define HO_IDTR       0x30
#define HO_GDTR       0x40
#define HO_GDTR_RW    0x50
#define HO_GUEST_IDTR 0x60
#define HO_GUEST_GDTR 0x70
#define HO_RETURN     0x80

/* struct lguest_data, checked against guest.h in layout.c */
#define DATA_IRQ    0x00
#define DATA_CR2    0x08
#define DATA_RIP    0x10
#define DATA_RFLAGS 0x18
#define DATA_ERROR  0x1c
#define DATA_GS     0x20
#define DATA_RCX    0x28
#define DATA_R11    0x30

/* Page faults' error codes: P W U, and nothing else; or one of the others */
#define SW_WRITE_DENIED 7
#define SW_READ_ABSENT  4
#define SW_WRITE_ABSENT 6
#define SW_FETCH_ABSENT 0x14

/* So many pages, a power of two, have a bit each in ST_PF_ABSENT and _DENIED. */
#define SW_PF_PAGES 16
#define SW_PF_SHIFT 4

/* No address that SYSCALL could have come from. */
#define SW_NOWHERE 0x8000000000000000

/* Traps that only lg.ko sees, beside LGUEST_TRAP_*. */
#define SW_TRAP_NONE  0x1ff /* never got in */
#define SW_TRAP_ABORT 0x1fe /* a direct path given up half-way */

/* CF PF AF ZF SF TF DF OF NT RF AC ID: a guest may have these as it likes. */
#define SW_RFLAGS_GUEST 0x254dd5
#define SW_RFLAGS_FIXED 0x202 /* IF, and the bit that is always one */
/* SYSCALL clears the lot, as Linux's own mask does. */
#define SW_FMASK 0x257fd5

#endif /* LG_LAYOUT_H */
