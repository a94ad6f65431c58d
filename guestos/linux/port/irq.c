// SPDX-License-Identifier: GPL-2.0-only
/*
 * irq.c - interrupts of a guest
 *
 * The host has the gates and what is pending; we have the flag, and a bit for
 * each vector that must wait.  Nothing is acknowledged.  Between CPUs and from
 * the clock they have the vectors that the kernel has on any machine, and its
 * handlers.  Those of devices are mapped here: the number in our domain is the
 * vector, and whoever drives a device asks for it with irq_create_mapping(NULL,
 * vector), for the domain is the default one.  Vectors up to 0x3e are the port's
 * own; those above belong to the module that drives the host's bus of devices.
 *
 * What must never happen: a bit of blocked that goes without the host looking
 * again, on each CPU that the vector may be pending on.  What came meanwhile
 * would wait for something else to happen.
 *
 * Next: guestos/linux/port/time.c
 */
#include "port.h"

#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <asm/apic.h>
#include <asm/hw_irq.h>
#include <asm/i8259.h>
#include <asm/irq_vectors.h>
#include <asm/paravirt.h>
#include <asm/x86_init.h>

static struct irq_domain *domain;

/* STOP, until an interrupt comes in. */
static void safe_halt_op(void)
{
	hcall(LHCALL_HALT, LGUEST_HALT_IDLE, 0, 0, 0);
}

/* With interrupts off it is for good. */
static void halt_op(void)
{
	hcall(LHCALL_HALT, LGUEST_HALT_DOWN, 0, 0, 0);
}

/* ---- devices ---- */

static void block(unsigned int vector, bool yes)
{
	unsigned int cpu;

	/* Also of a CPU that is down: it does not look at what others have. */
	for_each_possible_cpu(cpu) {
		unsigned long *blocked =
			(unsigned long *)port_cpus[cpu].info.blocked;

		if (yes)
			set_bit(vector, blocked);
		else
			clear_bit(vector, blocked);
	}
}

static void mask(struct irq_data *data)
{
	block(data->hwirq, true);
}

static void unmask(struct irq_data *data)
{
	block(data->hwirq, false);
	hcall(LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
	/* Something new is what makes the host look for another CPU. */
	if (num_online_cpus() > 1)
		apic->send_IPI_allbutself(RESCHEDULE_VECTOR);
}

static void acknowledge(struct irq_data *data)
{
}

static struct irq_chip chip = {
	.name = "lguest",
	.irq_mask = mask,
	.irq_unmask = unmask,
	.irq_ack = acknowledge,
	.flags = IRQCHIP_SKIP_SET_WAKE,
};

/* On whichever CPU it comes, this is whose it is. */
static int map(struct irq_domain *of, unsigned int irq, irq_hw_number_t vector)
{
	unsigned int cpu;

	if (vector < FIRST_EXTERNAL_VECTOR || vector >= FIRST_SYSTEM_VECTOR ||
	    vector == IA32_SYSCALL_VECTOR)
		return -EINVAL;
	irq_set_chip_and_handler(irq, &chip, handle_edge_irq);
	for_each_possible_cpu(cpu)
		per_cpu(vector_irq, cpu)[vector] = irq_to_desc(irq);
	return 0;
}

/* Its handler is gone already, and nobody is in it. */
static void unmap(struct irq_domain *of, unsigned int irq)
{
	unsigned int vector = irq_get_irq_data(irq)->hwirq;
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		per_cpu(vector_irq, cpu)[vector] = VECTOR_UNUSED;
	irq_set_chip_and_handler(irq, NULL, NULL);
}

static const struct irq_domain_ops domain_ops = { .map = map, .unmap = unmap };

/* port_irq_map - the kernel's number for a vector; 0: it cannot be had */
int port_irq_map(unsigned int vector)
{
	if (!domain) {
		domain = irq_domain_add_linear(NULL, FIRST_SYSTEM_VECTOR,
					       &domain_ops, NULL);
		irq_set_default_host(domain);
	}
	return domain ? irq_create_mapping(domain, vector) : 0;
}

/*
 * The host has cleared blocked of a CPU that comes up.  One that is unmasked
 * between our two looks is not left blocked; the other way round it is only
 * masked once more.
 */
static void block_as_others(unsigned int cpu, unsigned int vector)
{
	unsigned long *first = (unsigned long *)port_cpus[0].info.blocked;
	unsigned long *ours = (unsigned long *)port_cpus[cpu].info.blocked;

	if (!test_bit(vector, first))
		return;
	set_bit(vector, ours);
	if (!test_bit(vector, first))
		clear_bit(vector, ours);
}

/* port_irq_online - the kernel has forgotten all vectors of a CPU that comes up */
void port_irq_online(unsigned int cpu)
{
	unsigned int i;

	for (i = FIRST_EXTERNAL_VECTOR; i < FIRST_SYSTEM_VECTOR; i++) {
		per_cpu(vector_irq, cpu)[i] = per_cpu(vector_irq, 0)[i];
		block_as_others(cpu, i);
	}
}

/* port_irq_init - the operations; the interrupt flag's are in entry.S */
void __init port_irq_init(void)
{
	pv_ops.irq.save_fl = __PV_IS_CALLEE_SAVE(port_save_fl);
	pv_ops.irq.irq_disable = __PV_IS_CALLEE_SAVE(port_irq_disable);
	pv_ops.irq.irq_enable = __PV_IS_CALLEE_SAVE(port_irq_enable);
	pv_ops.irq.safe_halt = safe_halt_op;
	pv_ops.irq.halt = halt_op;
}
