// SPDX-License-Identifier: GPL-2.0-only
/*
 * state.c - a vcpu from outside: records that are read and written whole
 *
 * Together with RAM and the clock they are all there is of a guest: whoever
 * reads them all and writes them to a new vcpu elsewhere has moved it.  What is
 * written comes from the daemon, which may have it from a file that anybody
 * made, so it is checked like a hypercall's arguments, by the same functions
 * where there are any, and either taken whole or refused.
 *
 * What must never happen: state that a guest could not have got into by itself.
 *
 * Where we stand: dev.c has copied a record in, or is about to copy one out;
 * nothing runs the vcpu.
 *
 * Next: hypervisor/debug.c
 */
#include <linux/hrtimer.h>
#include <linux/slab.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include "descriptor.h"
#include "lg.h"

/* ---- events ---- */

/*
 * The clock event stops meanwhile: it is either in the record, or among what is
 * pending there, and never in both or neither.
 */
static void get_events(struct lg_vcpu *vcpu, struct lg_events *out)
{
	unsigned int i;
	bool active;

	mutex_lock(&vcpu->timer_lock);
	active = hrtimer_cancel(&vcpu->timer);
	*out = (struct lg_events){
		.activity = vcpu->activity,
		.nmi = READ_ONCE(vcpu->nmi),
		.timer_ns = vcpu->timer_left_ns,
		.timer_vector = vcpu->timer_vector,
	};
	for (i = 0; i < 4; i++)
		out->pending[i] = READ_ONCE(vcpu->pending[i]);
	if (active) {
		out->timer_ns =
			max_t(s64, 1,
			      ktime_to_ns(hrtimer_get_remaining(&vcpu->timer)));
		hrtimer_restart(&vcpu->timer);
	}
	mutex_unlock(&vcpu->timer_lock);
}

/*
 * The clock event stops first and starts last: it may fire before we are done,
 * and a vector that has become pending must not be overwritten.
 */
static int set_events(struct lg_vcpu *vcpu, const struct lg_events *in)
{
	const u32 nmi = LG_NMI_PENDING | LG_NMI_BLOCKED | LG_NMI_WOKEN;
	unsigned int i;

	if (in->activity > LG_ACTIVITY_DOWN || in->nmi & ~nmi ||
	    in->pending[0] & 0xffffffff || in->timer_vector < 32 ||
	    in->timer_vector > 255 || in->reserved0 ||
	    memchr_inv(in->reserved, 0, sizeof(in->reserved)))
		return -EINVAL;
	interrupt_set_timer(vcpu, 0, 0);
	vcpu->timer_vector = in->timer_vector;
	for (i = 0; i < 4; i++)
		WRITE_ONCE(vcpu->pending[i], in->pending[i]);
	WRITE_ONCE(vcpu->nmi, in->nmi);
	WRITE_ONCE(vcpu->activity, in->activity);
	vcpu->fresh = false;
	set_bit(LG_REQ_LOOK, &vcpu->requests);
	interrupt_set_timer(vcpu, in->timer_ns, in->timer_vector);
	return 0;
}

/* ---- what the guest has told ---- */

static void get_setup(const struct lg_vcpu *vcpu, struct lg_setup *out)
{
	*out = (struct lg_setup){
		.features = vcpu->told.features,
		.data = vcpu->pins[PIN_DATA].gpa,
		.info = vcpu->pins[PIN_INFO].gpa,
		.ring = vcpu->pins[PIN_RING].gpa,
		.clock = vcpu->pins[PIN_CLOCK].gpa,
		.entry = vcpu->told.entry,
		.exit = vcpu->told.exit,
		.iret = vcpu->told.iret,
		.fault = vcpu->told.fault,
		.noirq_start = vcpu->told.noirq_start,
		.noirq_end = vcpu->told.noirq_end,
		.ring_tail = vcpu->ring_tail,
	};
	memcpy(out->tls, vcpu->tls, sizeof(out->tls));
}

static bool good_setup(const struct lg_vcpu *vcpu, const struct lg_setup *in)
{
	unsigned int i;

	for (i = 0; i < LGUEST_TLS_COUNT; i++) {
		if (!desc_tls_good(in->tls[i]))
			return false;
	}
	/* Both or none; see hc_init(). */
	if ((in->data == LG_NOWHERE) != (in->info == LG_NOWHERE))
		return false;
	return in->features == setup_agree(vcpu, in->features) &&
	       setup_good_exits(in->features, in->entry, in->exit, in->iret,
				in->fault) &&
	       in->noirq_end >= in->noirq_start &&
	       in->noirq_end - in->noirq_start <= PAGE_SIZE && !in->reserved0 &&
	       !memchr_inv(in->reserved, 0, sizeof(in->reserved));
}

static int set_setup(struct lg_vcpu *vcpu, const struct lg_setup *in)
{
	const u64 gpas[PIN_COUNT] = {
		[PIN_DATA] = in->data,
		[PIN_INFO] = in->info,
		[PIN_RING] = in->ring,
		[PIN_CLOCK] = in->clock,
	};
	unsigned int i;
	int err;

	if (!good_setup(vcpu, in))
		return -EINVAL;
	err = pin_all(vcpu, gpas);
	if (err)
		return err == -EFAULT ? -EINVAL : err;
	vcpu->told.features = in->features;
	vcpu->told.entry = in->entry;
	vcpu->told.exit = in->exit;
	vcpu->told.iret = in->iret;
	vcpu->told.fault = in->fault;
	vcpu->told.noirq_start = in->noirq_start;
	vcpu->told.noirq_end = in->noirq_end;
	vcpu->ring_tail = in->ring_tail;
	for (i = 0; i < LGUEST_TLS_COUNT; i++)
		segment_tls(vcpu, i, in->tls[i]);
	setup_update(vcpu);
	vcpu->look = true;
	if (vcpu->pins[PIN_CLOCK].page)
		clock_resume(vcpu);
	return 0;
}

static int set_gates(struct lg_vcpu *vcpu, const struct lg_gates *in)
{
	unsigned int i;

	for (i = 0; i < LGUEST_GATES; i++) {
		if (!setup_good_gate(i, in->gate[i].handler, in->gate[i].flags))
			return -EINVAL;
	}
	memcpy(vcpu->told.gates, in->gate, sizeof(in->gate));
	return 0;
}

static void get_table(const struct lg_vcpu *vcpu, struct lg_ldt *out)
{
	out->entries = vcpu->ldt_entries;
	if (out->entries)
		memcpy(out->desc, vcpu->ldt, out->entries * sizeof(u64));
}

static int set_table(struct lg_vcpu *vcpu, const struct lg_ldt *in)
{
	if (in->entries > LGUEST_LDT_ENTRIES || in->reserved0 ||
	    (in->entries && !(vcpu->vm->features & LG_FEATURE_LDT)) ||
	    memchr_inv(in->reserved, 0, sizeof(in->reserved)) ||
	    memchr_inv(in->desc + in->entries, 0,
		       (LGUEST_LDT_ENTRIES - in->entries) * sizeof(u64)))
		return -EINVAL;
	return segment_set_ldt(vcpu, in->desc, in->entries);
}

/* ---- FPU ---- */

static u32 fpu_bytes;

/* state_init - how large is an FPU record on this machine?  0 or -ENOMEM */
int state_init(void)
{
	struct fpu_guest fpu = { 0 };

	if (!fpu_alloc_guest_fpstate(&fpu))
		return -ENOMEM;
	fpu_bytes = fpu.uabi_size;
	fpu_free_guest_fpstate(&fpu);
	return 0;
}

static u64 host_xcr0(void)
{
	return boot_cpu_has(X86_FEATURE_OSXSAVE) ? xgetbv(0)
						 : XFEATURE_MASK_FPSSE;
}

/* PKRU is in the registers' record; the kernel keeps it out of this one. */
static int set_fpu(struct lg_vcpu *vcpu, const void *in)
{
	u32 pkru = vcpu->pkru;

	return fpu_copy_uabi_to_guest_fpstate(&vcpu->fpu, in, host_xcr0(),
					      &pkru);
}

/* ---- all of them ---- */

/* state_bytes - of a record of LG_STATE_* type; 0: no such type */
u32 state_bytes(u32 type)
{
	switch (type) {
	case LG_STATE_REGS:
		return sizeof(struct lg_regs);
	case LG_STATE_DEBUGREGS:
		return sizeof(struct lg_debugregs);
	case LG_STATE_EVENTS:
		return sizeof(struct lg_events);
	case LG_STATE_GATES:
		return sizeof(struct lg_gates);
	case LG_STATE_SETUP:
		return sizeof(struct lg_setup);
	case LG_STATE_LDT:
		return sizeof(struct lg_ldt);
	case LG_STATE_FPU:
		return fpu_bytes;
	}
	return 0;
}

/* state_get - fill record, which is zeroes and has state_bytes() of room */
void state_get(struct lg_vcpu *vcpu, u32 type, void *record)
{
	switch (type) {
	case LG_STATE_REGS:
		vcpu_get_regs(vcpu, record);
		break;
	case LG_STATE_DEBUGREGS:
		debug_get_all(vcpu, record);
		break;
	case LG_STATE_EVENTS:
		get_events(vcpu, record);
		break;
	case LG_STATE_GATES:
		memcpy(record, vcpu->told.gates, sizeof(struct lg_gates));
		break;
	case LG_STATE_SETUP:
		get_setup(vcpu, record);
		break;
	case LG_STATE_LDT:
		get_table(vcpu, record);
		break;
	case LG_STATE_FPU:
		fpu_copy_guest_fpstate_to_uabi(&vcpu->fpu, record, fpu_bytes,
					       host_xcr0(), vcpu->pkru);
		break;
	}
}

/* state_set - 0; -EINVAL if the guest could not be so; -ENOMEM */
int state_set(struct lg_vcpu *vcpu, u32 type, const void *record)
{
	switch (type) {
	case LG_STATE_REGS:
		return vcpu_set_regs(vcpu, record);
	case LG_STATE_DEBUGREGS:
		return debug_set_all(vcpu, record);
	case LG_STATE_EVENTS:
		return set_events(vcpu, record);
	case LG_STATE_GATES:
		return set_gates(vcpu, record);
	case LG_STATE_SETUP:
		return set_setup(vcpu, record);
	case LG_STATE_LDT:
		return set_table(vcpu, record);
	case LG_STATE_FPU:
		return set_fpu(vcpu, record);
	}
	return -EINVAL;
}
