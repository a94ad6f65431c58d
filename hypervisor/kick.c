// SPDX-License-Identifier: GPL-2.0-only
/*
 * kick.c - a word with a vcpu that runs, perhaps on another CPU
 *
 * Somebody wants a vcpu to do something before it runs guest code again: forget
 * TLB entries, look at a new interrupt, stop.  He sets a bit in its requests,
 * and then kicks it.  The vcpu, with interrupts off, says that it is inside and
 * then looks at the bits; so either it sees the bit, or he sees it inside and
 * sends it an interrupt, which no guest can hold off.
 *
 * What must never happen: guest code that runs after kick_and_wait() has
 * returned, with a request that was made before it still undone.
 *
 * Next: hypervisor/trap.c
 */
#include <linux/smp.h>
#include <linux/sched.h>
#include "lg.h"

/*
 * kick - have vcpu look at its requests soon; any context, does not wait
 *
 * Caller keeps the vcpu from going away.
 */
void kick(struct lg_vcpu *vcpu)
{
	int cpu;

	smp_mb__after_atomic(); /* pairs with smp_store_mb() in world_cross() */
	cpu = READ_ONCE(vcpu->inside);
	if (cpu >= 0) {
		preempt_disable();
		if (cpu != smp_processor_id())
			smp_send_reschedule(cpu);
		preempt_enable();
	}
	if (wq_has_sleeper(&vcpu->sleep))
		wake_up(&vcpu->sleep);
}

/* request - ask for LG_REQ_*, and kick */
void request(struct lg_vcpu *vcpu, unsigned int what)
{
	set_bit(what, &vcpu->requests);
	kick(vcpu);
}

static void out_by_now(void *unused)
{
	/* That this runs at all means that the guest does not. */
}

/*
 * request_all - ask every vcpu of a VM for LG_REQ_*, and wait
 *
 * When it returns no vcpu runs guest code that has not done what was asked.
 * Caller holds vm->lock and has interrupts on.
 */
void request_all(struct lg_vm *vm, unsigned int what)
{
	unsigned int i;

	lockdep_assert_held(&vm->lock);
	for (i = 0; i < LG_MAX_VCPUS; i++) {
		struct lg_vcpu *vcpu = vm->vcpus[i];
		int cpu;

		if (!vcpu)
			continue;
		request(vcpu, what);
		cpu = READ_ONCE(vcpu->inside);
		if (cpu >= 0)
			smp_call_function_single(cpu, out_by_now, NULL,
						 /* wait= */ 1);
	}
}
