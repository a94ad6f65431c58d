// SPDX-License-Identifier: GPL-2.0-only
/*
 * shadow_context.c - a guest's address spaces, and what the TLB knows of them
 *
 * A vcpu keeps the shadows of several guest address spaces, its contexts, one
 * for each PCID of the guest's, so that to come back to one costs nothing.  The
 * guest flushes as on a CPU, and what it flushes is dropped from the tables here
 * at once.  The CPU's own TLB hears of it later: each context has two PCIDs of
 * the host's, one for each view, and owes them a flush (vcpu->stale) from when
 * something is taken out of its tables until it runs again.
 *
 * vm->mem is held for reading by all that the vcpu's own thread does here.
 * Another thread may do it with the VM frozen.
 *
 * What must never happen: a context that runs with a flush owed; a vcpu that
 * cannot get on because its VM has used up its cap.
 *
 * Where we stand: a guest has written to CR3.  Start at shadow_load().
 *
 * Next: hypervisor/shadow_table.c
 */
#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/invpcid.h>
#include <asm/io.h>
#include <asm/pgtable.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>
#include "lg.h"

/* What one fill can take: tables of levels 3, 2 and 1. */
#define FILL_PAGES (1 + 2 * (1 << SHADOW_LEAVES_ORDER))

/*
 * A vcpu may always have so many, whatever the VM's cap.  The most that one
 * instruction can need at once is eight places, two of them its code's, so it
 * gets on even if everything is dropped whenever this is reached.
 */
#define MIN_PAGES 128

#define CR3_KEY (GPTE_ADDR | X86_CR3_PCID_MASK)

/* ---- dropping ---- */

static void owe_flush(struct lg_vcpu *vcpu, unsigned int contexts)
{
	vcpu->stale |= contexts;
	vcpu->flush = true;
}

static unsigned int bit_of(const struct lg_vcpu *vcpu,
			   const struct shadow_context *context)
{
	return 1U << (context - vcpu->contexts);
}

/* shadow_owe_flush - something in this slot was taken away or changed */
void shadow_owe_flush(struct lg_vcpu *vcpu, const u64 *slot)
{
	owe_flush(vcpu, shadow_is_global(vcpu, slot)
				? SHADOW_ALL
				: bit_of(vcpu, vcpu->context));
}

/* The window goes too; shadow_load_roots() puts it back before the context runs. */
static void drop_context(struct lg_vcpu *vcpu, struct shadow_context *context)
{
	unsigned int i;

	if (!context->used)
		return;
	for (i = 0; i < 4; i++)
		clear_page(context->slots[i / 2][i % 2]);
	shadow_free_tables(vcpu, &context->tables);
	owe_flush(vcpu, bit_of(vcpu, context));
}

static void drop_global(struct lg_vcpu *vcpu)
{
	unsigned int i, slot;

	for (i = 0; i < SHADOW_CONTEXTS; i++) {
		struct shadow_context *context = &vcpu->contexts[i];

		for (slot = 0; context->used && slot < 512; slot++) {
			u64 *entry = &context->slots[LG_MODE_KERNEL][slot / 256]
						    [slot];

			if (*entry & SHADOW_OF_GLOBAL)
				WRITE_ONCE(*entry, 0);
		}
	}
	clear_page(vcpu->global_slots);
	bitmap_zero(vcpu->globals, 512);
	shadow_free_tables(vcpu, &vcpu->global_tables);
	owe_flush(vcpu, SHADOW_ALL);
}

static void drop_all(struct lg_vcpu *vcpu)
{
	unsigned int i;

	mem_reader_drop(&vcpu->reader);
	for (i = 0; i < SHADOW_CONTEXTS; i++)
		drop_context(vcpu, &vcpu->contexts[i]);
	drop_global(vcpu);
}

static bool crowded(const struct lg_vcpu *vcpu)
{
	const struct lg_vm *vm = vcpu->vm;

	return vcpu->shadow_pages + FILL_PAGES > MIN_PAGES &&
	       atomic_long_read(&vm->shadow_pages) + FILL_PAGES >
		       vm->shadow_cap;
}

/* The context other than the current one that was not used for longest. */
static struct shadow_context *find_victim(struct lg_vcpu *vcpu)
{
	struct shadow_context *victim = NULL;
	unsigned int i;

	for (i = 0; i < SHADOW_CONTEXTS; i++) {
		struct shadow_context *context = &vcpu->contexts[i];

		if (context != vcpu->context && context->used &&
		    !list_empty(&context->tables) &&
		    (!victim || context->used < victim->used))
			victim = context;
	}
	return victim;
}

/*
 * shadow_make_room - see that the next fill is within the VM's cap
 *
 * What it takes it takes from this vcpu: another's is not ours to touch, and
 * will be made to pay by its own fills.  So a VM can have its cap and, for each
 * vcpu, MIN_PAGES and its roots.
 */
void shadow_make_room(struct lg_vcpu *vcpu)
{
	while (crowded(vcpu)) {
		struct shadow_context *victim = find_victim(vcpu);

		if (victim)
			drop_context(vcpu, victim);
		else if (!list_empty(&vcpu->global_tables))
			drop_global(vcpu);
		else
			drop_context(vcpu, vcpu->context);
	}
}

/* ---- contexts ---- */

static void free_roots(struct shadow_context *context)
{
	unsigned int view, half;

	for (view = 0; view < 2; view++) {
		for (half = 0; half < 2; half++) {
			u64 *slots = context->slots[view][half];

			if (slots != context->root[view])
				free_page((unsigned long)slots);
			context->slots[view][half] = NULL;
		}
		free_page((unsigned long)context->root[view]);
		context->root[view] = NULL;
	}
}

/* A guest has four levels; of a fifth it has the first and the last entry. */
static int make_roots(struct shadow_context *context)
{
	unsigned int view, half;

	for (view = 0; view < 2; view++) {
		u64 *root = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

		context->root[view] = root;
		for (half = 0; half < 2 && root; half++) {
			u64 *slots = root;

			if (window_levels() == 5) {
				slots = (void *)get_zeroed_page(
					GFP_KERNEL_ACCOUNT);
				if (!slots)
					break;
				root[half * 511] = shadow_table_entry(slots);
			}
			context->slots[view][half] = slots;
		}
		if (half < 2) {
			free_roots(context);
			return -ENOMEM;
		}
	}
	return 0;
}

/* The context of this PCID; or one that is free; or the one unused longest. */
static struct shadow_context *find_context(struct lg_vcpu *vcpu, u64 cr3)
{
	struct shadow_context *best = NULL;
	unsigned int i;

	for (i = 0; i < SHADOW_CONTEXTS; i++) {
		struct shadow_context *context = &vcpu->contexts[i];

		if (context->used &&
		    !((context->cr3 ^ cr3) & X86_CR3_PCID_MASK))
			return context;
		if (!best || context->used < best->used)
			best = context;
	}
	return best;
}

/* For a PCID of the guest's.  Only the first can fail, when there is no other. */
static struct shadow_context *get_context(struct lg_vcpu *vcpu, u64 cr3)
{
	struct shadow_context *context = find_context(vcpu, cr3);

	if (!context->used && !context->root[0] && make_roots(context)) {
		/* No memory: this one's will have to do. */
		context = vcpu->context;
	}
	return context;
}

/* What global pages there are, an empty context has from the first. */
static void lend_globals(struct lg_vcpu *vcpu, struct shadow_context *context)
{
	unsigned int slot;

	for_each_set_bit(slot, vcpu->globals, 512)
		context->slots[LG_MODE_KERNEL][slot / 256][slot] =
			vcpu->global_slots[slot] | SHADOW_OF_GLOBAL;
}

static void load_context(struct lg_vcpu *vcpu, struct shadow_context *context,
			 u64 cr3)
{
	bool keep = (cr3 & X86_CR3_PCID_NOFLUSH) && context->used &&
		    context->cr3 == (cr3 & CR3_KEY);

	if (!keep) {
		drop_context(vcpu, context);
		lend_globals(vcpu, context);
		mem_reader_drop(&vcpu->reader); /* look at the tables anew */
	}
	context->cr3 = cr3 & CR3_KEY;
	context->used = ++vcpu->clock;
	vcpu->context = context;
	vcpu->cr3 = context->cr3;
	vcpu->flush = true; /* another root */
	vcpu->state->pf_block = SW_NOWHERE;
}

/*
 * shadow_load - as MOV to CR3 does with PCIDs
 *
 * Bit 63 keeps what is remembered of this PCID, unless that was with another
 * root.  The caller has checked that the root is RAM, or lets the guest find
 * out.  Returns 0.
 */
int shadow_load(struct lg_vcpu *vcpu, u64 cr3)
{
	down_read(&vcpu->vm->mem);
	load_context(vcpu, get_context(vcpu, cr3), cr3);
	up_read(&vcpu->vm->mem);
	return 0;
}

/* shadow_new_root - the same without bit 63.  Returns 0 */
int shadow_new_root(struct lg_vcpu *vcpu, gpa_t cr3)
{
	return shadow_load(vcpu, cr3 & CR3_KEY);
}

/* shadow_release - a root that will not be used again: a hint */
void shadow_release(struct lg_vcpu *vcpu, gpa_t root)
{
	unsigned int i;

	down_read(&vcpu->vm->mem);
	for (i = 0; i < SHADOW_CONTEXTS; i++) {
		if ((vcpu->contexts[i].cr3 & GPTE_ADDR) == root)
			drop_context(vcpu, &vcpu->contexts[i]);
	}
	up_read(&vcpu->vm->mem);
}

/* ---- flushing ---- */

/* shadow_flush_all - forget every translation, global ones too */
void shadow_flush_all(struct lg_vcpu *vcpu)
{
	down_read(&vcpu->vm->mem);
	drop_all(vcpu);
	up_read(&vcpu->vm->mem);
}

/*
 * shadow_flush_page - as INVLPG does
 *
 * A global page may be in any context, where it met others in its slot, and we
 * do not keep track: so this address is forgotten in all of them.
 */
void shadow_flush_page(struct lg_vcpu *vcpu, gva_t gva)
{
	unsigned int i;

	if (!lg_guests_own(gva))
		return;
	down_read(&vcpu->vm->mem);
	if (shadow_zap_page(shadow_global_slot(vcpu, gva), gva))
		owe_flush(vcpu, SHADOW_ALL);
	for (i = 0; i < SHADOW_CONTEXTS; i++) {
		struct shadow_context *context = &vcpu->contexts[i];
		u64 *kernel;

		if (!context->used)
			continue;
		kernel = shadow_slot_of(context, LG_MODE_KERNEL, gva);
		if (shadow_zap_page(shadow_slot_of(context, LG_MODE_USER, gva),
				    gva))
			owe_flush(vcpu, 1U << i);
		if (!(*kernel & (SHADOW_OF_USER | SHADOW_OF_GLOBAL)) &&
		    shadow_zap_page(kernel, gva))
			owe_flush(vcpu, 1U << i);
	}
	up_read(&vcpu->vm->mem);
}

/* shadow_serve_flush - LG_REQ_FLUSH; waits while the VM is frozen */
void shadow_serve_flush(struct lg_vcpu *vcpu)
{
	down_read(&vcpu->vm->mem);
	owe_flush(vcpu, SHADOW_ALL);
	up_read(&vcpu->vm->mem);
}

/* shadow_forget - everything, for a thread that has frozen the VM */
void shadow_forget(struct lg_vcpu *vcpu)
{
	drop_all(vcpu);
}

/* ---- this CPU ---- */

/* CR3 has PCIDs, and we can flush one of them: then roots stay warm. */
static bool keeps_pcids(void)
{
	return (cr4_read_shadow() & X86_CR4_PCIDE) &&
	       boot_cpu_has(X86_FEATURE_INVPCID);
}

static u64 cr3_of(const u64 *root, u64 pcid)
{
	u64 cr3 = __sme_pa(root);

	if (cr4_read_shadow() & X86_CR4_PCIDE)
		cr3 |= pcid;
	return keeps_pcids() ? cr3 | CR3_NOFLUSH : cr3;
}

/*
 * The address spaces that the Switcher may change to by itself: those that owe
 * nothing.  With calls in a ring each hypercall has to come to us first.
 */
static void publish(struct lg_vcpu *vcpu, const struct window *window)
{
	bool may = (vcpu->told.features & LGUEST_FEATURE_PCID) &&
		   !vcpu->pins[PIN_RING].page;
	struct sw_state *state = vcpu->state;
	unsigned int i, view;

	BUILD_BUG_ON(SW_WARM != SHADOW_CONTEXTS);
	for (i = 0; i < SW_WARM; i++) {
		const struct shadow_context *context = &vcpu->contexts[i];
		u64 pcid = SHADOW_PCID + 2 * i;

		state->warm_cr3[i] = SW_NOWHERE;
		if (!may || !context->used || (vcpu->stale & BIT(i)))
			continue;
		for (view = 0; view < 2; view++)
			WRITE_ONCE(context->root[view][WINDOW_SLOT],
				   window->top_entry);
		state->warm_cr3[i] = context->cr3;
		state->warm_kernel[i] =
			cr3_of(context->root[LG_MODE_KERNEL], pcid);
		state->warm_user[i] =
			cr3_of(context->root[LG_MODE_USER], pcid + 1);
	}
}

/* shadow_loaded - the Switcher has changed to another context; IRQs off */
void shadow_loaded(struct lg_vcpu *vcpu)
{
	unsigned int index = (vcpu->state->loaded - 1) % SHADOW_CONTEXTS;

	vcpu->state->loaded = 0;
	vcpu->context = &vcpu->contexts[index];
	vcpu->context->used = ++vcpu->clock;
	vcpu->cr3 = vcpu->context->cr3;
	lg_count(vcpu, LG_STAT_SWITCHES);
}

/*
 * shadow_load_roots - tell the Switcher which roots to use, and this CPU's TLB
 * to forget what it should no longer know
 *
 * Interrupts off.  Other contexts pay what they owe when they are loaded.
 */
void shadow_load_roots(struct lg_vcpu *vcpu, const struct window *window)
{
	const struct shadow_context *context = vcpu->context;
	unsigned int index = context - vcpu->contexts;
	u64 pcid = SHADOW_PCID + 2 * index;
	struct sw_state *state = vcpu->state;
	unsigned int view;

	for (view = 0; view < 2; view++)
		WRITE_ONCE(context->root[view][WINDOW_SLOT], window->top_entry);
	state->kernel_cr3 = cr3_of(context->root[LG_MODE_KERNEL], pcid);
	state->user_cr3 = cr3_of(context->root[LG_MODE_USER], pcid + 1);
	state->keep = cr4_read_shadow() & X86_CR4_PCIDE ? CR3_NOFLUSH : 0;
	if (keeps_pcids() && (vcpu->stale & BIT(index))) {
		invpcid_flush_single_context(pcid);
		invpcid_flush_single_context(pcid + 1);
	}
	vcpu->stale &= ~BIT(index);
	vcpu->flush = false;
	publish(vcpu, window);
}

/*
 * shadow_check_tlb - a vcpu comes to this CPU, window's; interrupts off
 *
 * What the TLB has under our PCIDs is true only if we were here last, and it was
 * here that we were last, and the window's pages are the same.
 */
void shadow_check_tlb(struct lg_vcpu *vcpu, struct window *window)
{
	if (window->last != vcpu->serial || vcpu->last_cpu != vcpu->cpu ||
	    vcpu->last_data != vcpu->pins[PIN_DATA].page)
		vcpu->stale = SHADOW_ALL;
	window->last = vcpu->serial;
	vcpu->last_cpu = vcpu->cpu;
	vcpu->last_data = vcpu->pins[PIN_DATA].page;
}

/* ---- a vcpu comes and goes ---- */

/* shadow_init - one empty context.  0 or -ENOMEM */
int shadow_init(struct lg_vcpu *vcpu)
{
	unsigned int i;
	int err;

	BUILD_BUG_ON(SHADOW_PCID <= 6);
	BUILD_BUG_ON(SHADOW_PCID + 2 * SHADOW_CONTEXTS > 0x800);
	for (i = 0; i < SHADOW_CONTEXTS; i++)
		INIT_LIST_HEAD(&vcpu->contexts[i].tables);
	INIT_LIST_HEAD(&vcpu->global_tables);
	vcpu->last_cpu = -1;
	vcpu->global_slots = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	err = vcpu->global_slots ? rmap_init(vcpu) : -ENOMEM;
	if (!err)
		err = make_roots(&vcpu->contexts[0]);
	if (!err)
		load_context(vcpu, &vcpu->contexts[0], 0);
	return err;
}

/* shadow_fini - nobody knows this vcpu any more; after a failed init too */
void shadow_fini(struct lg_vcpu *vcpu)
{
	unsigned int i;

	if (vcpu->context)
		drop_all(vcpu);
	for (i = 0; i < SHADOW_CONTEXTS; i++)
		free_roots(&vcpu->contexts[i]);
	rmap_fini(vcpu);
	free_page((unsigned long)vcpu->global_slots);
}
