/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vbus.h - a bus of virtio devices inside of a test
 *
 * RAM is a memfd, wires are eventfds that lead to the test, and what a device
 * would interrupt is counted.  vbus_call() is a driver's hypercall.
 */
#ifndef VBUS_H
#define VBUS_H

#include "tap.h"
#include "virtio.h"

#define VBUS_RAM   (1024 * 1024)
#define VBUS_CALL  0x800 /* gpa of the call */
#define VBUS_VCPUS 2

struct vbus {
	struct virtio_bus bus;
	struct guest_mem mem;
	unsigned int interrupts[256]; /* configuration's, by vector */
	unsigned int idle; /* resets that have come to their end */
	int wire_result; /* what the next wires come to */
	uint64_t words[8]; /* answers of the last call */
	void *then[2]; /* RAM and state, as vbus_remember() saw them */
};

/* vbus_start - an empty one; bails out if it cannot be had */
void vbus_start(struct vbus *vbus);
void vbus_stop(struct vbus *vbus);

/* vbus_add - dev in that slot */
void vbus_add(struct vbus *vbus, struct virtio_dev *dev, unsigned int slot);

/* vbus_restart - as if we had been killed: another bus with the same memory */
void vbus_restart(struct vbus *vbus);

/*
 * vbus_remember - what outlives us, as it is now; vbus_forget - and it is so
 * again, and nobody is on the bus: as if we had been killed then
 */
void vbus_remember(struct vbus *vbus);
void vbus_forget(struct vbus *vbus);

/* vbus_call - its result; answers are in words */
int vbus_call(struct vbus *vbus, struct lguest_virtio_call call);

/* vbus_ask - a call with at most two words */
int vbus_ask(struct vbus *vbus, uint32_t op, uint32_t slot, uint64_t a,
	     uint64_t b);

/* vbus_up - a driver takes the device to FEATURES_OK with these features */
int vbus_up(struct vbus *vbus, uint32_t slot, uint64_t features);

/* vbus_queue - SET_QUEUE with its areas from gpa on */
int vbus_queue(struct vbus *vbus, uint32_t slot, uint32_t index, uint16_t size,
	       uint64_t gpa, uint32_t vector);

/* vbus_run - DRIVER_OK */
int vbus_run(struct vbus *vbus, uint32_t slot);

/* vbus_turn - the loop, once, without waiting */
void vbus_turn(struct vbus *vbus);

/* vbus_signals - how often the queue has been signalled since the last time */
uint64_t vbus_signals(struct vbus *vbus, uint32_t slot, uint32_t index);

/* comes_to - one check: what returns 0 or a negative errno did return that */
#define comes_to(got, want, ...) \
	is((unsigned int)(got), (unsigned int)(want), __VA_ARGS__)

#endif /* VBUS_H */
