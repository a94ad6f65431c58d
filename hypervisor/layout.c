// SPDX-License-Identifier: GPL-2.0-only
/*
 * layout.c - C and the Switcher agree, or this does not compile
 *
 * switcher.S knows structures by the numbers in layout.h, and nothing else would
 * notice if one of them moved.  There is no code here.
 *
 * Next: hypervisor/host_entry.S
 */
#include "lg.h"

#define CHECK(type, field, offset) \
	static_assert(offsetof(type, field) == (offset))
CHECK(struct sw_state, ldt, ST_LDT);
CHECK(struct sw_state, dr7, ST_DR7);
CHECK(struct sw_state, host_cr3, ST_HOST_CR3);
CHECK(struct sw_state, keep, ST_KEEP);
CHECK(struct sw_state, cr3, ST_CR3);
CHECK(struct sw_state, kernel_cr3, ST_KERNEL_CR3);
CHECK(struct sw_state, user_cr3, ST_USER_CR3);
CHECK(struct sw_state, entry, ST_ENTRY);
CHECK(struct sw_state, exit, ST_EXIT);
CHECK(struct sw_state, kernel_gs, ST_KERNEL_GS);
CHECK(struct sw_state, data, ST_DATA);
CHECK(struct sw_state, fs, ST_FS);
CHECK(struct sw_state, gs, ST_GS);
CHECK(struct sw_state, segs, ST_SEGS);
CHECK(struct sw_state, tmp_rsp, ST_TMP_RSP);
CHECK(struct sw_state, tmp_rip, ST_TMP_RIP);
CHECK(struct sw_state, tmp_gs, ST_TMP_GS);
CHECK(struct sw_state, fault_trap, ST_FAULT_TRAP);
CHECK(struct sw_state, fault_error, ST_FAULT_ERROR);
CHECK(struct sw_state, fault_rip, ST_FAULT_RIP);
CHECK(struct sw_state, fault_rsp, ST_FAULT_RSP);
CHECK(struct sw_state, inside_nmis, ST_INSIDE_NMIS);
CHECK(struct sw_state, inside_dbs, ST_INSIDE_DBS);
CHECK(struct sw_state, inside_rip, ST_INSIDE_RIP);
CHECK(struct sw_state, aborts, ST_ABORTS);
CHECK(struct sw_state, iret, ST_IRET);
CHECK(struct sw_state, loaded, ST_LOADED);
CHECK(struct sw_state, warm_cr3, ST_WARM_CR3);
CHECK(struct sw_state, warm_kernel, ST_WARM_KERNEL);
CHECK(struct sw_state, warm_user, ST_WARM_USER);
CHECK(struct sw_state, pf_entry, ST_PF_ENTRY);
CHECK(struct sw_state, pf_page, ST_PF_PAGE);
CHECK(struct sw_state, pf_count, ST_PF_COUNT);
CHECK(struct sw_state, pf_block, ST_PF_BLOCK);
CHECK(struct sw_state, pf_absent, ST_PF_ABSENT);
CHECK(struct sw_state, pf_denied, ST_PF_DENIED);
CHECK(struct sw_state, regs, ST_REGS);
CHECK(struct sw_regs, trap, RG_TRAP);
CHECK(struct sw_regs, error, RG_ERROR);
CHECK(struct sw_regs, rip, RG_RIP);
CHECK(struct sw_regs, cs, RG_CS);
CHECK(struct sw_regs, rflags, RG_RFLAGS);
CHECK(struct sw_regs, rsp, RG_RSP);
CHECK(struct sw_regs, ss, RG_SS);
CHECK(struct sw_host, rsp, HO_RSP);
CHECK(struct sw_host, gs, HO_GS);
CHECK(struct sw_host, fs, HO_FS);
CHECK(struct sw_host, segs, HO_SEGS);
CHECK(struct sw_host, tss_desc, HO_TSS_DESC);
CHECK(struct sw_host, ldt, HO_LDT);
CHECK(struct sw_host, idtr, HO_IDTR);
CHECK(struct sw_host, gdtr, HO_GDTR);
CHECK(struct sw_host, gdtr_rw, HO_GDTR_RW);
CHECK(struct sw_host, guest_idtr, HO_GUEST_IDTR);
CHECK(struct sw_host, guest_gdtr, HO_GUEST_GDTR);
CHECK(struct sw_host, return_to, HO_RETURN);
CHECK(struct lguest_data, cr2, DATA_CR2);
CHECK(struct lguest_data, user_rip, DATA_RIP);
CHECK(struct lguest_data, user_rflags, DATA_RFLAGS);
CHECK(struct lguest_data, user_error, DATA_ERROR);
CHECK(struct lguest_data, user_gs_base, DATA_GS);
CHECK(struct lguest_data, user_rcx, DATA_RCX);
CHECK(struct lguest_data, user_r11, DATA_R11);
CHECK(struct lguest_data, irq_enabled, DATA_IRQ);
static_assert(SW_WRITE_DENIED == (GPF_P | GPF_W | GPF_U));
static_assert(SW_READ_ABSENT == GPF_U);
static_assert(SW_WRITE_ABSENT == (GPF_W | GPF_U));
static_assert(SW_FETCH_ABSENT == (GPF_I | GPF_U));
static_assert(SW_PF_PAGES == 1 << SW_PF_SHIFT);
static_assert(sizeof(struct sw_regs) == ST_REGS_END - ST_REGS);
static_assert(sizeof(struct sw_state) <= PAGE_SIZE);
