/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * virtio.h - the contract between a guest and lguestd
 *
 * lg.ko carries it and does not know what it means.  LHCALL_NOTIFY takes a
 * token; one that is no address in RAM is for the daemon, and the daemon's
 * answer is the hypercall's result.  A token is what is wanted and an argument.
 * What the daemon does not know it answers with LGUEST_TOKEN_UNKNOWN, so a
 * guest may ask for anything and find out.
 */
#ifndef LGUEST_VIRTIO_H
#define LGUEST_VIRTIO_H

#include <linux/types.h>

#define LGUEST_TOKEN(what, arg)  ((__u64)(what) << 56 | (__u64)(arg))
#define LGUEST_TOKEN_WHAT(token) ((__u64)(token) >> 56)
#define LGUEST_TOKEN_ARG(token)  ((__u64)(token) & ((1ULL << 56) - 1))

#define LGUEST_TOKEN_UNKNOWN (~0ULL)

/*
 * The power button.  The argument is a vector (32 to 255) that becomes pending
 * on vcpu 0 when the guest is asked to turn itself off; 0: it will not listen
 * any more.  Result 0.
 */
#define LGUEST_TOKEN_POWER 1

/*
 * The early console's other direction.  LGUEST_TOKEN_INPUT: the argument is a
 * vector that becomes pending on vcpu 0 when there is input where there was
 * none; 0: for none any more.  Result 0.  As long as there is one, input is for
 * who asks here, and a virtio console gets none.  LGUEST_TOKEN_GETC: the result is the
 * next byte, or LGUEST_TOKEN_UNKNOWN if there is none.
 */
#define LGUEST_TOKEN_INPUT 2
#define LGUEST_TOKEN_GETC  3

/*
 * A watchdog.  The argument is a time in ms: if the daemon does not hear this
 * token again within it, the guest has hung, and what becomes of it is for its
 * configuration to say.  0: from now on nobody watches.  Result 0.  While the
 * guest is paused no time passes.
 */
#define LGUEST_TOKEN_WATCHDOG 6

#define LGUEST_WATCHDOG_MIN_MS 100
#define LGUEST_WATCHDOG_MAX_MS (24 * 60 * 60 * 1000)

/*
 * Devices are those of virtio 1.2, on a bus of our own: numbered slots, of which
 * some have a device.  LGUEST_TOKEN_VIRTIO sets them up: the argument is the gpa
 * of a struct lguest_virtio_call, a multiple of 8.  The daemon reads it once,
 * does what it says and writes result and the words that are answers.  The
 * token's result is 0, or LGUEST_TOKEN_UNKNOWN if there is no call, or no RAM,
 * at that gpa.
 *
 * LGUEST_TOKEN_KICK: the argument is LGUEST_VIRTIO_KICK_ARG(slot, queue), and
 * the device is told of new buffers.  Once the queue is set up this costs no
 * exit.  Interrupts come on the vector that the queue was given and are not
 * acknowledged.
 */
#define LGUEST_TOKEN_VIRTIO 4
#define LGUEST_TOKEN_KICK   5

#define LGUEST_VIRTIO_KICK_ARG(slot, queue) ((slot) << 16 | (queue))

#define LGUEST_VIRTIO_SLOTS        32
#define LGUEST_VIRTIO_QUEUES       64 /* of a device, at most */
#define LGUEST_VIRTIO_CONFIG_BYTES 256 /* of a device, at most */

struct lguest_virtio_call {
	__u32 op; /* LGUEST_VIRTIO_* */
	__u32 slot;
	__u32 index; /* of a queue, or where in the configuration */
	__u32 bytes; /* of configuration */
	__s32 result; /* 0, or a negative errno of Linux's */
	__u32 reserved0; /* zero, as are words that an op does not name */
	__u64 word[8];
};

/*
 * PROBE: word 0: the virtio device ID, 0 for an empty slot; 1: a number that
 * changes when another device comes to the slot; 2: how many queues; 3: how many
 * bytes of configuration.
 */
#define LGUEST_VIRTIO_PROBE 1

/* LISTEN: words 0, 1: vcpu and vector (0: none) told when devices come and go */
#define LGUEST_VIRTIO_LISTEN 2

/* GET_FEATURES, SET_FEATURES: words 0, 1: the bits that are offered, wanted */
#define LGUEST_VIRTIO_GET_FEATURES 3
#define LGUEST_VIRTIO_SET_FEATURES 4

/*
 * GET_STATUS, SET_STATUS: word 0: virtio's device status.  To set 0 is to reset,
 * which is over when GET_STATUS says 0.
 */
#define LGUEST_VIRTIO_GET_STATUS 5
#define LGUEST_VIRTIO_SET_STATUS 6

/*
 * GET_CONFIG, SET_CONFIG: bytes (at most 48) at index, in words 0 to 5; word 6
 * answers the generation.
 */
#define LGUEST_VIRTIO_GET_CONFIG 7
#define LGUEST_VIRTIO_SET_CONFIG 8

/* CONFIG_VECTOR: words 0, 1: vcpu and vector (0: none) told of changes, resets */
#define LGUEST_VIRTIO_CONFIG_VECTOR 9

/* GET_QUEUE: word 0: its largest size; 0: there is no such queue */
#define LGUEST_VIRTIO_GET_QUEUE 10

/*
 * SET_QUEUE: word 0: size; 1, 2, 3: gpa of the descriptor area, the driver's and
 * the device's; 4, 5: vcpu and vector (0: none).  The queue is enabled.
 */
#define LGUEST_VIRTIO_SET_QUEUE 11

/* QUEUE_VECTOR: words 0, 1: its vcpu and vector from now on */
#define LGUEST_VIRTIO_QUEUE_VECTOR 12

#endif /* LGUEST_VIRTIO_H */
