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
 * none; 0: for none any more.  Result 0.  LGUEST_TOKEN_GETC: the result is the
 * next byte, or LGUEST_TOKEN_UNKNOWN if there is none.
 */
#define LGUEST_TOKEN_INPUT 2
#define LGUEST_TOKEN_GETC  3

#endif /* LGUEST_VIRTIO_H */
