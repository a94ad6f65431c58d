// SPDX-License-Identifier: GPL-2.0-only
/*
 * segment.c - descriptors of the guest's own, and selectors that name them
 *
 * A guest has no GDT, but a few entries of ours for its TLS; and an LDT, which
 * we copy when we are told of it, and clean.  What it may not have there is as
 * good as empty, and whoever loads that gets his #GP from the CPU.
 *
 * We load selectors too, at each entry, where a fault would be the Switcher's.
 * Those in DS to GS were good when the guest loaded them, but since then it may
 * have another LDT: Linux changes it first, and saves a process's selectors
 * after.  So they must not be lost, and an entry that is missing under one of
 * them becomes a byte of data that leads nowhere.  A TLS selector is made null,
 * as Linux expects of a hypervisor, and has a null selector's base.
 *
 * What must never happen: a selector that the Switcher loads and that names
 * nothing it can be loaded with; an entry of an LDT that was not cleaned.
 *
 * Where we stand: the guest has made a call, or is about to be entered.
 *
 * Next: hypervisor/pin.c
 */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/vmalloc.h>
#include "descriptor.h"
#include "lg.h"

#define SELECTOR_LDT 4
#define SELECTOR_RPL 3

/* Their places among the selectors of a vcpu. */
#define SEG_FS 2
#define SEG_GS 3

/* ---- LDT ---- */

/* What a selector of the LDT names; 0 if it names nothing. */
static u64 ldt_entry(const struct lg_vcpu *vcpu, u16 selector)
{
	unsigned int index = selector >> 3;

	if (!(selector & SELECTOR_LDT) || index >= vcpu->ldt_entries)
		return 0;
	return vcpu->ldt[array_index_nospec(index, LGUEST_LDT_ENTRIES)];
}

/* A selector that has to be loaded, whatever it names. */
static void hold_ldt(struct lg_vcpu *vcpu, u16 *selector)
{
	unsigned int index = *selector >> 3;

	if (desc_is_data(ldt_entry(vcpu, *selector)))
		return;
	if (!vcpu->ldt) { /* the daemon's doing */
		*selector = 0;
		return;
	}
	vcpu->ldt[array_index_nospec(index, LGUEST_LDT_ENTRIES)] = DESC_NOWHERE;
	vcpu->ldt_entries = max(vcpu->ldt_entries, index + 1);
}

/* Room for the largest, at the first one: 0 or -ENOMEM. */
static int make_ldt(struct lg_vcpu *vcpu)
{
	if (vcpu->ldt)
		return 0;
	vcpu->ldt = __vmalloc(LGUEST_LDT_ENTRIES * sizeof(u64),
			      GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!vcpu->ldt)
		return -ENOMEM;
	world_leave(vcpu); /* the next entry shows it in the window */
	return 0;
}

/* So many entries; those behind them are empty. */
static void resize_ldt(struct lg_vcpu *vcpu, unsigned int entries)
{
	if (vcpu->ldt_entries > entries)
		memset(vcpu->ldt + entries, 0,
		       (vcpu->ldt_entries - entries) * sizeof(u64));
	vcpu->ldt_entries = entries;
}

/*
 * As mem_gva_read() has it, but cleaned.  Who fills a table an entry at a time
 * has it copied 8192 times, and each part is a walk: so they are not small.
 */
static int copy_ldt(struct lg_vcpu *vcpu, gva_t from)
{
	u64 part[64];
	unsigned int i, n, at;
	u32 ignored;
	int err;

	for (at = 0; at < vcpu->ldt_entries; at += n) {
		n = min_t(unsigned int, vcpu->ldt_entries - at,
			  ARRAY_SIZE(part));
		err = mem_gva_read(vcpu, from + at * sizeof(u64), part,
				   n * sizeof(u64), /* user= */ false,
				   &ignored);
		if (err)
			return err;
		for (i = 0; i < n; i++)
			vcpu->ldt[at + i] = desc_ldt_clean(part[i]);
	}
	return 0;
}

/* ---- what is in force ---- */

/* segment_forget - a vcpu starts without any */
void segment_forget(struct lg_vcpu *vcpu)
{
	memset(vcpu->tls, 0, sizeof(vcpu->tls));
	resize_ldt(vcpu, 0);
}

/* The TLS entry that a selector names, if that is one. */
static unsigned int tls_of(u16 selector)
{
	return selector & SELECTOR_LDT ? LGUEST_TLS_COUNT
				       : (selector >> 3) - LGUEST_TLS_FIRST;
}

/* A selector that is null now.  Of GS it is user mode's base: that is who has it. */
static void drop_base(struct lg_vcpu *vcpu, unsigned int seg)
{
	if (seg == SEG_FS)
		vcpu->state->fs = 0;
	else if (seg == SEG_GS && lg_user_mode(vcpu))
		vcpu->state->gs = 0;
	else if (seg == SEG_GS && vcpu->pins[PIN_DATA].page)
		WRITE_ONCE(data_of(vcpu)->user_gs_base, 0);
}

/* segment_settle - see above: no selector is left that cannot be loaded */
void segment_settle(struct lg_vcpu *vcpu)
{
	u16 *segs = vcpu->state->segs;
	unsigned int i, tls;

	for (i = 0; i < 4; i++) {
		tls = tls_of(segs[i]);
		if (segs[i] & SELECTOR_LDT)
			hold_ldt(vcpu, &segs[i]);
		else if (tls < LGUEST_TLS_COUNT &&
			 !vcpu->tls[array_index_nospec(tls,
						       LGUEST_TLS_COUNT)]) {
			segs[i] = 0;
			drop_base(vcpu, i);
		}
	}
}

/* If it is not loaded, whoever loads it does this. */
static void settle_here(struct lg_vcpu *vcpu)
{
	struct window *window;

	preempt_disable();
	window = this_cpu_ptr(&lg_window);
	if (window->loaded == vcpu) {
		segment_settle(vcpu);
		window_segments(window, vcpu);
	}
	preempt_enable();
}

/* segment_tls - one of the guest's own descriptors */
void segment_tls(struct lg_vcpu *vcpu, unsigned int index, u64 desc)
{
	vcpu->tls[index] = desc ? desc | DESC_ACCESSED : 0;
	settle_here(vcpu);
}

/* segment_set_ldt - entries that are clean; 0, -EINVAL if not, or -ENOMEM */
int segment_set_ldt(struct lg_vcpu *vcpu, const u64 *table,
		    unsigned int entries)
{
	unsigned int i;
	int err;

	for (i = 0; i < entries; i++) {
		if (table[i] != desc_ldt_clean(table[i]))
			return -EINVAL;
	}
	err = entries ? make_ldt(vcpu) : 0;
	if (err)
		return err;
	resize_ldt(vcpu, entries);
	if (entries)
		memcpy(vcpu->ldt, table, entries * sizeof(u64));
	settle_here(vcpu);
	return 0;
}

/* segment_is_data - could a guest's DS be this, at some time? */
bool segment_is_data(const struct lg_vcpu *vcpu, u16 selector)
{
	u16 any_rpl = selector | SELECTOR_RPL;

	if (selector & SELECTOR_LDT)
		return vcpu->vm->features & LG_FEATURE_LDT;
	return any_rpl == SELECTOR_RPL || any_rpl == LGUEST_DS ||
	       any_rpl == LGUEST_CS || any_rpl == LGUEST_CS32 ||
	       tls_of(selector) < LGUEST_TLS_COUNT;
}

/* segment_is_code - could CS be this?  The same for SS, if it is not code. */
bool segment_is_code(const struct lg_vcpu *vcpu, u64 selector, bool code)
{
	const u64 ldt = SELECTOR_LDT | SELECTOR_RPL;

	if (!(selector >> 16) && (selector & ldt) == ldt)
		return vcpu->vm->features & LG_FEATURE_LDT;
	return code ? selector == LGUEST_CS || selector == LGUEST_CS32
		    : selector == LGUEST_DS;
}

/*
 * segment_fit - may IRET go there?  RIP of other than 64-bit code has 32 bits
 *
 * It is the Switcher's IRET, at CPL 0, so all that the CPU would check is
 * checked before; the descriptors in use are our copies.
 */
bool segment_fit(const struct lg_vcpu *vcpu, u64 cs, u64 ss, u64 rip)
{
	if (!segment_is_code(vcpu, cs, true) ||
	    !segment_is_code(vcpu, ss, false))
		return false;
	if (ss != LGUEST_DS && !desc_is_stack(ldt_entry(vcpu, ss)))
		return false;
	if (cs == LGUEST_CS)
		return lg_canonical(rip);
	if (cs == LGUEST_CS32)
		return !(rip >> 32);
	return desc_is_code(ldt_entry(vcpu, cs)) &&
	       rip <= desc_limit(ldt_entry(vcpu, cs));
}

/* segment_linear - where the code at CS:RIP is */
gva_t segment_linear(const struct lg_vcpu *vcpu, u64 cs, u64 rip)
{
	if (cs == LGUEST_CS || cs == LGUEST_CS32)
		return rip;
	return (u32)(desc_base(ldt_entry(vcpu, cs)) + rip);
}

/* ---- the hypercalls ---- */

int hc_load_tls(struct lg_vcpu *vcpu, struct lg_call *call)
{
	u64 index = call->arg[0], desc = call->arg[1];

	if (index >= LGUEST_TLS_COUNT || !desc_tls_good(desc)) {
		lg_kill(vcpu, "LOAD_TLS: entry %llu cannot be %#llx", index,
			desc);
		return 0;
	}
	segment_tls(vcpu, array_index_nospec(index, LGUEST_TLS_COUNT), desc);
	return 0;
}

int hc_set_ldt(struct lg_vcpu *vcpu, struct lg_call *call)
{
	u64 from = call->arg[0], entries = call->arg[1];
	int err;

	if (!(vcpu->told.features & LGUEST_FEATURE_LDT) ||
	    entries > LGUEST_LDT_ENTRIES) {
		lg_kill(vcpu,
			"SET_LDT: %llu entries, or the feature is not in force",
			entries);
		return 0;
	}
	err = entries ? make_ldt(vcpu) : 0;
	if (err)
		return err;
	resize_ldt(vcpu, entries);
	err = copy_ldt(vcpu, from);
	settle_here(
		vcpu); /* in part, if the host failed: it will be asked again */
	if (err != -EFAULT && err != -ENXIO && err != -EAGAIN)
		return err;
	lg_kill(vcpu, "SET_LDT: there are not %llu entries at %#llx", entries,
		from);
	return 0;
}

int hc_load_gs(struct lg_vcpu *vcpu, struct lg_call *call)
{
	u16 selector = call->arg[0];
	unsigned int tls = tls_of(selector);
	u64 desc = 0;

	if (call->arg[0] >> 16) {
		lg_kill(vcpu, "LOAD_GS: %#llx is no selector", call->arg[0]);
		return 0;
	}
	if ((selector & SELECTOR_RPL) == SELECTOR_RPL && tls < LGUEST_TLS_COUNT)
		desc = vcpu->tls[array_index_nospec(tls, LGUEST_TLS_COUNT)];
	if (desc_is_data(ldt_entry(vcpu, selector)))
		desc = ldt_entry(vcpu, selector);
	/* What is not there is as good as null. */
	if (desc || selector == LGUEST_DS || selector == LGUEST_CS ||
	    selector == LGUEST_CS32)
		vcpu->state->segs[3] = selector;
	else
		vcpu->state->segs[3] = 0;
	call->result = desc_base(desc);
	if (vcpu->pins[PIN_DATA].page)
		WRITE_ONCE(data_of(vcpu)->user_gs_base, call->result);
	return 0;
}
