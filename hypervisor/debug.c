// SPDX-License-Identifier: GPL-2.0-only
/*
 * debug.c - a guest's breakpoints and watchpoints
 *
 * The debug registers are real ones: while the guest runs they are the guest's,
 * and the CPU compares linear addresses without asking whose they are.  So a
 * breakpoint on the Switcher's own addresses is refused, and the Switcher
 * turns DR7 off before the host's addresses come back.  What the host itself
 * had in them, for perf or a debugger, is put back when the guest is out.
 *
 * What must never happen: DR7 with the guest's bits while host code runs.
 *
 * Next: hypervisor/run.c
 */
#include <linux/nospec.h>
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <asm/debugreg.h>
#include "lg.h"

/* L0-G3, LE, GE, and the four pairs of length and kind.  Not GD, not RTM. */
#define DR7_GUEST  0xffff03ffULL
#define DR7_ENABLE 0xffULL
#define DR7_ALWAYS 0x400ULL
#define DR6_GUEST  0xe00fULL /* B0-B3, BD, BS, BT */

/* Could a breakpoint of up to 8 bytes at gva meet the Switcher? */
static bool meets_switcher(u64 gva)
{
	return gva + 8 > window_area_start() && gva < window_area_end();
}

static void update_state(struct lg_vcpu *vcpu)
{
	u64 dr7 = vcpu->debug.dr7;

	vcpu->state->dr7 = dr7 & DR7_ENABLE ? dr7 | DR7_ALWAYS : 0;
}

/*
 * debug_set - write DR0-DR3, DR6 or DR7 for the guest
 *
 * Returns 0, or -EINVAL for another number, an address that is not canonical
 * or is the Switcher's.  Bits a guest may not have are dropped.
 */
int debug_set(struct lg_vcpu *vcpu, unsigned int number, u64 value)
{
	switch (number) {
	case 0 ... 3:
		if (!lg_canonical(value) || meets_switcher(value))
			return -EINVAL;
		number = array_index_nospec(number, 4);
		vcpu->debug.dr[number] = value;
		return 0;
	case 6:
		vcpu->debug.dr6 = value & DR6_GUEST;
		return 0;
	case 7:
		vcpu->debug.dr7 = value & DR7_GUEST;
		update_state(vcpu);
		return 0;
	}
	return -EINVAL;
}

/* debug_get - what the guest would read; 0 for a register that is not there */
u64 debug_get(struct lg_vcpu *vcpu, unsigned int number)
{
	switch (number) {
	case 0 ... 3:
		return vcpu->debug.dr[array_index_nospec(number, 4)];
	case 6:
		return vcpu->debug.dr6 | DR6_RESERVED;
	case 7:
		return vcpu->debug.dr7 | DR7_ALWAYS;
	}
	return 0;
}

/* debug_set_all - from the daemon: all or nothing.  0 or -EINVAL */
int debug_set_all(struct lg_vcpu *vcpu, const struct lg_debugregs *in)
{
	unsigned int i;

	if (memchr_inv(in->reserved, 0, sizeof(in->reserved)))
		return -EINVAL;
	for (i = 0; i < 4; i++) {
		if (!lg_canonical(in->dr[i]) || meets_switcher(in->dr[i]))
			return -EINVAL;
	}
	memcpy(vcpu->debug.dr, in->dr, sizeof(in->dr));
	vcpu->debug.dr6 = in->dr6 & DR6_GUEST;
	vcpu->debug.dr7 = in->dr7 & DR7_GUEST;
	update_state(vcpu);
	return 0;
}

void debug_get_all(struct lg_vcpu *vcpu, struct lg_debugregs *out)
{
	unsigned int i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < 4; i++)
		out->dr[i] = debug_get(vcpu, i);
	out->dr6 = debug_get(vcpu, 6);
	out->dr7 = debug_get(vcpu, 7);
}

/*
 * debug_load - just before entry, interrupts off, if debug_wanted()
 *
 * Also when the guest has no breakpoints: the host's must not fire in it.
 */
void debug_load(struct lg_vcpu *vcpu)
{
	const u64 *dr = vcpu->debug.dr;

	if (hw_breakpoint_active())
		native_set_debugreg(7, 0);
	if (!vcpu->state->dr7)
		return;
	native_set_debugreg(0, dr[0]);
	native_set_debugreg(1, dr[1]);
	native_set_debugreg(2, dr[2]);
	native_set_debugreg(3, dr[3]);
	native_set_debugreg(6, DR6_RESERVED);
}

/*
 * debug_put - just after exit, interrupts off
 *
 * For whenever debug_load() was called, or the guest could have set a bit of
 * DR6 without a breakpoint: it is sticky, and the host would read it as news.
 * DR7 is 0 by now.
 */
void debug_put(struct lg_vcpu *vcpu)
{
	u64 ours = vcpu->stepping && !vcpu->step_was_set ? DR_STEP : 0;

	vcpu->dr6_now = native_get_debugreg(6) & DR6_GUEST;
	vcpu->debug.dr6 |= vcpu->dr6_now & ~ours;
	native_set_debugreg(6, DR6_RESERVED);
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
}
