// SPDX-License-Identifier: GPL-2.0-only
/*
 * input.c - what somebody types
 *
 * The other direction of console.c.  Under lguest an interrupt says that there
 * is input where there was none, and a token asks for it; natively we look at
 * the serial port, a few times a second while somebody waits, because its
 * interrupt would need a controller that we have silenced.
 *
 * Who finds nothing sleeps until the interrupt.  It may have come between the
 * look and the sleep: so it leaves a flag, under the lock of whoever sleeps.
 *
 * Next: guestos/kernel/button.c
 */
#include "kernel.h"

#define LOOK_NS (20 * NS_PER_MS)

static int irq_comes; /* whether input is announced by one */
static int came; /* sched_lock: one did, and nobody has looked since */

static int (*use)(void); /* NULL: the machine's own */

/* input_came - there is some; an interrupt says so */
void input_came(void)
{
	spin_lock(&sched_lock);
	came = 1;
	wake_up_locked(&came);
	spin_unlock(&sched_lock);
}

static void input_irq(struct regs *regs)
{
	(void)regs;
	input_came();
}

/* input_use - from now on get() has the next byte or -1, and announces it */
void input_use(int (*get)(void))
{
	use = get;
	pv_ops.input_irq(0); /* or the other way would have it */
	irq_comes = 1;
	input_came(); /* who waits already looks there from now on */
}

/* input_init - ask for an interrupt when there is something to read */
void input_init(void)
{
	irq_set_handler(IRQ_BASE + INPUT_IRQ, input_irq);
	irq_unblock(IRQ_BASE + INPUT_IRQ);
	irq_comes = pv_ops.input_irq(IRQ_BASE + INPUT_IRQ) == 0;
}

static void wait_for_input(void)
{
	spin_lock(&sched_lock);
	if (!irq_comes)
		sleep_on_for_locked(&came, LOOK_NS);
	while (irq_comes && !came)
		sleep_on_locked(&came);
	came = 0;
	spin_unlock(&sched_lock);
}

/* input_read - sleeps until there is some; how many bytes, at least one */
long input_read(char *to, size_t bytes)
{
	size_t done = 0;
	int byte;

	while (done < bytes) {
		byte = use ? use() : pv_ops.get_char();
		if (byte >= 0)
			to[done++] = (char)byte;
		else if (done)
			break;
		else
			wait_for_input();
	}
	return (long)done;
}
