// SPDX-License-Identifier: GPL-2.0-only
/*
 * nmi.c - the interrupt that cannot be turned off
 *
 * It is how one CPU asks what another is doing that does not answer: the other
 * may have interrupts off, hold any lock, and be half-way through anything.  So
 * its way in and out is its own on both machines, and a handler has little that
 * it may do: no lock, no schedule(), nothing that could fault, because the way
 * back from a fault would let the next one in.
 *
 * Next: guestos/kernel/lock.c
 */
#include "kernel.h"

static nmi_fn handler;

/* nmi_set_handler - who is called; without one it means broken hardware */
void nmi_set_handler(nmi_fn fn)
{
	__atomic_store_n(&handler, fn, __ATOMIC_RELEASE);
}

/* nmi_send - to any CPU, our own too.  Two that are sent may come as one */
void nmi_send(u32 cpu)
{
	pv_ops.send_ipi(cpu, TRAP_NMI);
}

/* nmi - native_nmi and lguest_nmi call, with what was interrupted */
void nmi(struct regs *regs)
{
	nmi_fn fn = __atomic_load_n(&handler, __ATOMIC_ACQUIRE);

	this_cpu()->nmis++;
	if (!fn)
		panic_regs(regs, "nmi");
	fn(regs);
}
