// SPDX-License-Identifier: GPL-2.0-only
/*
 * lgirqs.c - a device of a Linux guest's that is nothing but its interrupt
 *
 * It is its own hardware: each CPU sends itself the vector.  What has become of
 * it is in the parameters when the module has been loaded; t/linux/machine.c knows
 * what they have to be.
 *
 *	cpus		that are online
 *	refused		vectors that are not for devices: an exception's, and the
 *			one by which programs come into the kernel
 *	came		interrupts, when each CPU has sent one
 *	held		as many, when it was masked and the last CPU had sent another
 *	released	when it was unmasked, most likely by another CPU
 *	again		after it was given back and had again
 */
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/irq_vectors.h>
#include <asm/trapnr.h>

#define VECTOR   0x3d /* neither the port's nor our other module's */
#define PATIENCE (60 * HZ)

static int cpus, refused, came, held, released, again;
module_param(cpus, int, 0444);
module_param(refused, int, 0444);
module_param(came, int, 0444);
module_param(held, int, 0444);
module_param(released, int, 0444);
module_param(again, int, 0444);

static atomic_t count;

static irqreturn_t on_interrupt(int irq, void *data)
{
	atomic_inc(&count);
	return IRQ_HANDLED;
}

static void raise(void *ignored)
{
	apic->send_IPI(smp_processor_id(), VECTOR);
}

static void nothing(void *ignored)
{
}

static int wait_for(int wanted)
{
	unsigned long end = jiffies + PATIENCE;

	while (atomic_read(&count) < wanted && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	return atomic_read(&count);
}

/* What can come to that CPU has come, once it has been interrupted again. */
static void raise_on(int cpu)
{
	smp_call_function_single(cpu, raise, NULL, /* wait= */ 1);
	smp_call_function_single(cpu, nothing, NULL, 1);
}

/* One after another: what comes while the handler runs elsewhere is merged. */
static int raise_all(void)
{
	int cpu, sent = 0;

	for_each_online_cpu(cpu) {
		raise_on(cpu);
		sent++;
		if (wait_for(sent) != sent)
			break;
	}
	return atomic_read(&count);
}

static int take(void)
{
	unsigned int irq = irq_create_mapping(NULL, VECTOR);
	int err = irq ? request_irq(irq, on_interrupt, 0, "lgirqs", &count)
		      : -ENODEV;

	if (irq && err)
		irq_dispose_mapping(irq);
	return err ? err : irq;
}

static void give_back(unsigned int irq)
{
	free_irq(irq, &count);
	irq_dispose_mapping(irq);
}

static void mask_and_unmask(unsigned int irq)
{
	struct irq_data *data = irq_get_irq_data(irq);

	data->chip->irq_mask(data);
	raise_on(cpumask_last(cpu_online_mask));
	held = atomic_read(&count);
	data->chip->irq_unmask(data);
	released = wait_for(held + 1);
}

static int __init lgirqs_init(void)
{
	int irq;

	cpus = num_online_cpus();
	refused = !irq_create_mapping(NULL, X86_TRAP_MF) +
		  !irq_create_mapping(NULL, IA32_SYSCALL_VECTOR);
	irq = take();
	if (irq < 0)
		return irq;
	came = raise_all();
	mask_and_unmask(irq);
	give_back(irq);
	irq = take();
	if (irq < 0)
		return irq;
	raise_on(0);
	again = wait_for(released + 1);
	give_back(irq);
	return 0;
}

static void __exit lgirqs_exit(void)
{
}

module_init(lgirqs_init);
module_exit(lgirqs_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("what a test asks from inside a guest's kernel");
