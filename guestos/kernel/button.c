// SPDX-License-Identifier: GPL-2.0-only
/*
 * button.c - the power button, as a machine has one
 *
 * Whoever wants to stop a guest asks it first, by an interrupt, and a thread of
 * ours turns the machine off in order.  There is nothing to write back and
 * nobody who would want to be told: a kernel that has them does it here.
 * Natively nobody presses it.
 *
 * Next: guestos/kernel/pv_ops.h
 */
#include "kernel.h"

static int pressed; /* sched_lock */

static void button_irq(struct regs *regs)
{
	(void)regs;
	spin_lock(&sched_lock);
	pressed = 1;
	wake_up_locked(&pressed);
	spin_unlock(&sched_lock);
}

static void wait_for_button(u64 arg)
{
	(void)arg;
	spin_lock(&sched_lock);
	while (!pressed)
		sleep_on_locked(&pressed);
	spin_unlock(&sched_lock);
	printk("power button: turning off\n");
	power_off();
}

/* button_init - a thread that waits for it, if there is one */
void button_init(void)
{
	irq_set_handler(IRQ_BASE + BUTTON_IRQ, button_irq);
	irq_unblock(IRQ_BASE + BUTTON_IRQ);
	if (pv_ops.button_irq(IRQ_BASE + BUTTON_IRQ) < 0)
		return;
	if (thread_create("button", wait_for_button, 0, 0) < 0)
		panic("button: no memory for its thread");
}
