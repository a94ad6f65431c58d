// SPDX-License-Identifier: GPL-2.0-only
/*
 * irq.c - which vector is whose
 *
 * The port's interrupt domain is the kernel's default one, and the number of an
 * interrupt in it is its vector.  Those below 0x3f are the port's own; from there
 * on they are ours:
 *
 *	0x3f		devices come and go
 *	0x40 to 0x5f	a device's configuration, by its slot
 *	0x60 to 0x7f	a device's queues that share one, by its slot
 *	0x81 and up	queues, as long as there are some
 *
 * 0x80 is a program's way into the kernel, which the port refuses to map.
 *
 * Next: the end
 */
#include <linux/bitmap.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/module.h>
#include <asm/irq_vectors.h>

#include "virtio_lguest.h"

#define CONFIG_FIRST 0x40
#define SHARED_FIRST 0x60
#define QUEUE_FIRST  0x81
#define QUEUE_COUNT  (FIRST_SYSTEM_VECTOR - QUEUE_FIRST)

static DECLARE_BITMAP(taken, QUEUE_COUNT);

static unsigned int vectors = QUEUE_COUNT;
module_param(vectors, uint, 0444);
MODULE_PARM_DESC(vectors, "how many queues have one to themselves");

unsigned int vl_config_vector(u32 slot)
{
	return CONFIG_FIRST + slot;
}

unsigned int vl_shared_vector(u32 slot)
{
	return SHARED_FIRST + slot;
}

/* vl_irq_take - `handler` runs when that vector comes; sleeps */
int vl_irq_take(struct vl_irq *irq, unsigned int vector, irq_handler_t handler,
		const char *name, void *data)
{
	unsigned int number = irq_create_mapping(NULL, vector);
	int r;

	if (!number)
		return -EINVAL;
	r = request_irq(number, handler, 0, name, data);
	if (r < 0) {
		irq_dispose_mapping(number);
		return r;
	}
	*irq = (struct vl_irq){
		.vector = vector,
		.irq = number,
		.data = data,
	};
	return 0;
}

/* vl_irq_take_any - the same on a vector that is free; -ENOSPC: none is */
int vl_irq_take_any(struct vl_irq *irq, irq_handler_t handler, const char *name,
		    void *data)
{
	unsigned int bit;
	int r;

	do {
		bit = find_first_zero_bit(taken, QUEUE_COUNT);
		if (bit >= min_t(unsigned int, vectors, QUEUE_COUNT))
			return -ENOSPC;
	} while (test_and_set_bit(bit, taken));
	r = vl_irq_take(irq, QUEUE_FIRST + bit, handler, name, data);
	if (r < 0)
		clear_bit(bit, taken);
	return r;
}

/* vl_irq_drop - also of one that was never taken; its handler does not run */
void vl_irq_drop(struct vl_irq *irq)
{
	if (!irq->vector)
		return;
	free_irq(irq->irq, irq->data);
	irq_dispose_mapping(irq->irq);
	if (irq->vector >= QUEUE_FIRST)
		clear_bit(irq->vector - QUEUE_FIRST, taken);
	irq->vector = 0;
}
