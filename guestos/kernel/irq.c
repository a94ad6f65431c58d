// SPDX-License-Identifier: GPL-2.0-only
/*
 * irq.c - interrupts: who wants which
 *
 * An irq is a vector from IRQ_BASE on, and irq 0 is the timer on both machines.
 * All of them start blocked; the one who has a handler unblocks it as its last
 * step, so that none can come too early.  (lguest_init_IRQ, enable_lguest_irq.)
 *
 * Next: guestos/kernel/nmi.c
 */
#include "kernel.h"

static void (*handlers[VECTORS])(struct regs *regs);
u64 irq_counts[VECTORS];

/* irq_init - every irq of the machine is ours, and blocked */
void irq_init(void)
{
	pv_ops.init_IRQ();
}

void irq_set_handler(u32 vector, void (*handler)(struct regs *regs))
{
	handlers[vector] = handler;
}

/* irq_unblock - from now on it may come */
void irq_unblock(u32 vector)
{
	pv_ops.write_idt_entry(vector, trap_stubs + 16 * vector, 0);
	pv_ops.enable_irq(vector);
}

/* irq_handle - one came; interrupts are off.  Returns whether it was wanted */
int irq_handle(struct regs *regs)
{
	u32 vector = (u32)regs->vector;

	if (vector >= VECTORS)
		panic_regs(regs, "unexpected interrupt");
	irq_counts[vector]++;
	if (vector != VEC_SPURIOUS)
		pv_ops.end_irq();
	if (!handlers[vector])
		return 0;
	handlers[vector](regs);
	return 1;
}
