// SPDX-License-Identifier: GPL-2.0-only
/*
 * pin.c - guest memory that stays where it is
 *
 * Some of what a guest registers are pages of its memory that we, or the
 * Switcher, look at often.  They are pinned, so that their address is good for
 * as long as they are registered.  What is in them is read when it is needed,
 * once, and then checked; it is the guest's to change at any time.
 *
 * What must never happen: a pinned page put while the window still shows it; or
 * a pin in RAM that has been removed.
 *
 * Where we stand: setup.c has been told where, or state.c.
 *
 * Next: hypervisor/clock.c
 */
#include <linux/mm.h>
#include "lg.h"

#define NOWHERE LG_NOWHERE

static const struct {
	const char *name;
	u32 bytes; /* and alignment: so it is in one page */
} pin_kinds[PIN_COUNT] = {
	[PIN_DATA] = { "lguest_data", sizeof(struct lguest_data) },
	[PIN_INFO] = { "lguest_info", sizeof(struct lguest_info) },
	[PIN_RING] = { "lguest_ring", sizeof(struct lguest_ring) },
	[PIN_CLOCK] = { "lguest_clock", sizeof(struct lguest_clock) },
};

static void unpin(struct lg_vcpu *vcpu, unsigned int which)
{
	struct lg_pin *pin = &vcpu->pins[which];

	if (!pin->page)
		return;
	if (which == PIN_DATA)
		world_leave(vcpu);
	/* We wrote it, and it may have been swapped out clean meanwhile. */
	set_page_dirty_lock(pin->page);
	put_page(pin->page);
	*pin = (struct lg_pin){ .gpa = NOWHERE };
}

/* A page for pin_new(), or an error.  Caller holds vm->mem until then. */
static int find_pin(struct lg_vcpu *vcpu, unsigned int which, gpa_t gpa,
		    struct lg_pin *ret_pin)
{
	const struct lg_ram *ram = mem_ram(vcpu->vm, gpa >> PAGE_SHIFT);
	struct page *page;

	*ret_pin = (struct lg_pin){ .gpa = NOWHERE };
	if (gpa == NOWHERE)
		return 0;
	if (gpa % pin_kinds[which].bytes)
		return -EINVAL;
	if (!ram)
		return -EFAULT;
	page = mem_ram_page(ram, gpa >> PAGE_SHIFT, /* wait= */ true);
	if (IS_ERR(page))
		return PTR_ERR(page);
	mem_log(ram, gpa >> PAGE_SHIFT);
	*ret_pin = (struct lg_pin){
		.page = page,
		.offset = offset_in_page(gpa),
		.gpa = gpa,
	};
	return 0;
}

static void pin_new(struct lg_vcpu *vcpu, unsigned int which,
		    const struct lg_pin *pin)
{
	unpin(vcpu, which);
	if (which == PIN_DATA)
		world_leave(vcpu);
	if (which == PIN_RING)
		vcpu->flush = true; /* see publish() in shadow_context.c */
	vcpu->pins[which] = *pin;
}

/*
 * From now on this page of the vcpu's is at gpa, or LG_NOWHERE
 *
 * Returns 0, -EINVAL if it is not aligned, -EFAULT if it is not in RAM, or the
 * host's failure; on failure the old one stays.  Who removes RAM finds either
 * the pin or nobody who could still make it: see ram_remove().
 */
static int pin_one(struct lg_vcpu *vcpu, unsigned int which, gpa_t gpa)
{
	struct lg_pin pin;
	int err;

	down_read(&vcpu->vm->mem);
	err = find_pin(vcpu, which, gpa, &pin);
	if (!err)
		pin_new(vcpu, which, &pin);
	up_read(&vcpu->vm->mem);
	return err;
}

/*
 * pin_all - every page of the vcpu's, or LG_NOWHERE; all or none
 *
 * Returns 0, -EINVAL, -EFAULT, or the host's failure.
 */
int pin_all(struct lg_vcpu *vcpu, const u64 gpas[PIN_COUNT])
{
	struct lg_pin pins[PIN_COUNT];
	unsigned int which, found;
	int err = 0;

	down_read(&vcpu->vm->mem);
	for (found = 0; found < PIN_COUNT && !err; found++)
		err = find_pin(vcpu, found, gpas[found], &pins[found]);
	for (which = 0; which < found; which++) {
		if (!err)
			pin_new(vcpu, which, &pins[which]);
		else if (pins[which].page)
			put_page(pins[which].page);
	}
	up_read(&vcpu->vm->mem);
	return err;
}

/* pin_or_kill - for a hypercall: what is wrong with the guest's gpa kills it */
int pin_or_kill(struct lg_vcpu *vcpu, const char *call, unsigned int which,
		gpa_t gpa)
{
	int err = pin_one(vcpu, which, gpa);

	if (err == -EINVAL)
		lg_kill(vcpu, "%s: %s at %#llx is not aligned to %u", call,
			pin_kinds[which].name, gpa, pin_kinds[which].bytes);
	else if (err == -EFAULT)
		lg_kill(vcpu, "%s: %s at %#llx is not in RAM", call,
			pin_kinds[which].name, gpa);
	else
		return err;
	return 0;
}

/* pin_none - the vcpu ends, or begins anew */
void pin_none(struct lg_vcpu *vcpu)
{
	unsigned int which;

	for (which = 0; which < PIN_COUNT; which++) {
		unpin(vcpu, which);
		vcpu->pins[which].gpa = NOWHERE;
	}
}
