// SPDX-License-Identifier: GPL-2.0-only
/*
 * lock.c - one CPU at a time
 *
 * A holder has interrupts off, so that no handler of its own CPU can want the
 * lock it has.  Whoever sleeps with one held stops the machine, so nobody may;
 * sched_lock is the exception, and sched.c says how.
 *
 * Next: guestos/kernel/time.c
 */
#include "kernel.h"

/* spin_lock - wait for it with interrupts off */
void spin_lock(struct spinlock *lock)
{
	u64 flags = irq_save();

	while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE)) {
		while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED))
			asm volatile("pause");
	}
	lock->irqs_were_on = (flags & RFLAGS_IF) != 0;
}

/* spin_unlock - interrupts are what they were before */
void spin_unlock(struct spinlock *lock)
{
	u32 irqs_were_on = lock->irqs_were_on;

	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
	if (irqs_were_on)
		irq_enable();
}
