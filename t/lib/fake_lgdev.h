/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_lgdev.h - what fake_lgdev.c and fake_run.c say to each other
 *
 * A VM is one end of a socket pair and its first vcpu the other: the guest sends
 * a struct lg_exit, the daemon a struct fake_word.
 */
#ifndef FAKE_LGDEV_H
#define FAKE_LGDEV_H

#include <stdint.h>

enum fake_kind {
	FAKE_ANSWER = 1, /* serial, value: the result */
	FAKE_INTERRUPT, /* value: the vector */
	FAKE_PAUSE,
	FAKE_RESUME,
	FAKE_IRQFD, /* value: the vector; an eventfd comes with it */
	FAKE_NOTIFYFD, /* value: the token; the same */
};

struct fake_word {
	uint64_t kind, serial, value;
};

#endif /* FAKE_LGDEV_H */
