// SPDX-License-Identifier: GPL-2.0-only
/*
 * queue-window.c - whenever the driver looks, nobody falls asleep for ever
 *
 * A device that looks for requests, finds none and goes to sleep is stepped
 * through, and at each of its instructions in turn the driver adds one: the
 * device has seen it, or else the driver knows that it has to kick.  The same the
 * other way round: a device gives a request back and signals, and at each
 * instruction the driver goes to sleep: it has seen it, or is woken.
 *
 * What this cannot show is that a processor might do two of the instructions in
 * another order; queue-wake.c lets it try.
 */
#include <sys/mman.h>

#include "step.h"
#include "vring.h"

static int *popped; /* shared: what the device has got */
static struct vq_chain chain;
static uint16_t head;

/* A queue that was busy: nobody has asked for kicks since. */
static void make_busy(uint64_t features)
{
	vring_open(8, features);
	vq_pop(&vring.vq, &chain);
	vring_request(1);
	vdriver_wants_kick(&vring.driver);
	vq_pop(&vring.vq, &chain);
	head = chain.head;
}

/* ---- a kick ---- */

static void look_once(void)
{
	*popped = vq_pop(&vring.vq, &chain);
}

static void look_twice(void)
{
	*popped = vq_pop(&vring.vq, &chain);
	if (!*popped)
		*popped = vq_pop(&vring.vq, &chain);
}

/* The driver comes after so many steps; false: it was over before. */
static bool kick_after(void (*look)(void), unsigned int steps,
		       unsigned int *asleep)
{
	pid_t child = step_start(look);
	bool wanted;

	while (steps--)
		if (!step_once(child))
			return false;
	vring_request(2);
	wanted = vdriver_wants_kick(&vring.driver);
	step_rest(child);
	*asleep += *popped != 1 && !wanted;
	return true;
}

static void kicks(uint64_t features, void (*look)(void), const char *name)
{
	unsigned int steps = 0, asleep = 0;

	for (;; steps++) {
		make_busy(features);
		vq_push(&vring.vq, head, 0);
		if (!kick_after(look, steps, &asleep))
			break;
	}
	is(asleep, 0, "%s: no device sleeps, whichever of %u steps is next",
	   name, steps);
}

/* ---- a signal ---- */

static void give_back(void)
{
	vq_push(&vring.vq, head, 0);
	vq_signal(&vring.vq);
}

static bool sleep_after(unsigned int steps, unsigned int *asleep)
{
	pid_t child = step_start(give_back);
	struct vdriver_used used;
	bool seen;

	while (steps--)
		if (!step_once(child))
			return false;
	vdriver_want_signal(&vring.driver, true);
	seen = vdriver_used(&vring.driver, &used);
	step_rest(child);
	*asleep += !vring_signalled() && !seen;
	return true;
}

static void signals(uint64_t features, const char *name)
{
	unsigned int steps = 0, asleep = 0;

	for (;; steps++) {
		make_busy(features);
		vdriver_want_signal(&vring.driver, false);
		vring_signalled();
		if (!sleep_after(steps, &asleep))
			break;
	}
	is(asleep, 0, "%s: no driver sleeps, whichever of %u steps is next",
	   name, steps);
}

int main(void)
{
	static const struct {
		uint64_t features;
		const char *name;
	} rings[] = {
		{ 0, "split" },
		{ F_EVENT, "split with events" },
		{ F_PACKED, "packed" },
		{ F_PACKED | F_EVENT, "packed with events" },
	};
	unsigned int i;

	popped = mmap(NULL, sizeof(*popped), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (popped == MAP_FAILED)
		bail_out("no memory to share");
	for (i = 0; i < sizeof(rings) / sizeof(*rings); i++) {
		kicks(rings[i].features, look_once, rings[i].name);
		kicks(rings[i].features, look_twice, rings[i].name);
		signals(rings[i].features, rings[i].name);
	}
	return tap_end();
}
