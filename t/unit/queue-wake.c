// SPDX-License-Identifier: GPL-2.0-only
/*
 * queue-wake.c - nobody sleeps while the other one waits for him
 *
 * A driver and a device, in a thread each, go to sleep whenever they have nothing
 * to do, and are woken by the other's kicks and signals and by nothing else.  If
 * one of these is lost both sleep for ever; the alarm that ends the test then is
 * no measure of anything.
 *
 * Most kicks and signals are not wanted, and it is counted that they are not
 * given: that is what the whole exercise is for.
 */
#include <pthread.h>
#include <sched.h>

#include "vring.h"

#define SIZE 16

static unsigned int requests; /* how many there will be */
static int kick_fd;
static unsigned int kicks, signals;

static void wait_for(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		bail_out("an eventfd cannot be read");
}

static void wake(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		bail_out("an eventfd cannot be written");
}

static unsigned int chance(uint32_t *seed, unsigned int of)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % of;
}

/* Serves some at once, and sleeps when there are none. */
static void *be_device(void *arg)
{
	static struct vq_chain chain;
	uint32_t seed = 1, done = 0;
	int r;

	(void)arg;
	while (done < requests) {
		r = vq_pop(&vring.vq, &chain);
		if (r < 0)
			break;
		if (r == 0) {
			wait_for(kick_fd);
			continue;
		}
		vq_fill(&vring.vq, chain.head, vring_number(&chain) % 65);
		done++;
		if (chance(&seed, 4) && vq_has_more(&vring.vq))
			continue;
		vq_publish(&vring.vq);
		vq_signal(&vring.vq);
		if (!chance(&seed, 8))
			sched_yield();
	}
	vq_publish(&vring.vq);
	vq_signal(&vring.vq);
	return NULL;
}

static uint32_t of_head[VQ_SIZE_MAX], wrong, finished;

static bool collect(void)
{
	struct vdriver_used used;
	uint32_t before = finished;

	while (vdriver_used(&vring.driver, &used)) {
		wrong += used.written != of_head[used.head] % 65;
		finished++;
	}
	return finished != before;
}

/* One chain, of two descriptors, whose buffers are its head's own. */
static bool ask(uint32_t number)
{
	uint64_t room = vring.driver.first + number % SIZE * 128;
	struct vdriver_part parts[] = { { room, 4, false },
					{ room + 16, 64, true } };
	int head;

	memcpy(vdriver_at(&vring.driver, room), &number, sizeof(number));
	head = vdriver_add(&vring.driver, parts, 2);
	if (head >= 0)
		of_head[head] = number;
	return head >= 0;
}

static void sleep_for_signal(void)
{
	vdriver_want_signal(&vring.driver, true);
	if (!collect()) {
		wait_for(vring.vq.call_fd);
		signals++;
	}
	vdriver_want_signal(&vring.driver, false);
}

static void be_driver(void)
{
	uint32_t seed = 2, next = 0;
	unsigned int more;

	vdriver_want_signal(&vring.driver, false);
	while (finished < requests) {
		more = 1 + chance(&seed, 4);
		while (next < requests && next - finished < SIZE && more-- &&
		       ask(next))
			next++;
		if (vdriver_wants_kick(&vring.driver)) {
			wake(kick_fd);
			kicks++;
		}
		if (!collect() &&
		    (next == requests || vring.driver.free_count < 2 ||
		     !chance(&seed, 4)) &&
		    next != finished)
			sleep_for_signal();
	}
}

static void both(uint64_t features, const char *name)
{
	pthread_t device;

	wrong = finished = kicks = signals = 0;
	vring_lay(&vring.state, SIZE, features);
	vring.vq.call_fd = eventfd(0, EFD_CLOEXEC);
	kick_fd = eventfd(0, EFD_CLOEXEC);
	if (kick_fd < 0 || vring.vq.call_fd < 0)
		bail_out("no eventfds");
	if (vq_start(&vring.vq, features) < 0)
		bail_out("a good ring is refused: %s", vring.why);
	if (pthread_create(&device, NULL, be_device, NULL))
		bail_out("no thread");
	be_driver();
	pthread_join(device, NULL);
	is(finished, requests, "%s: nobody sleeps for ever", name);
	is(wrong, 0, "%s: and every answer is the right one", name);
	ok(kicks < requests && signals < requests,
	   "%s: fewer kicks (%u) and signals (%u) than requests", name, kicks,
	   signals);
	close(kick_fd);
	close(vring.vq.call_fd);
}

int main(void)
{
	alarm(300);
	requests = (unsigned int)rounds(10000);
	both(0, "split");
	both(F_EVENT, "split with events");
	both(F_PACKED, "packed");
	both(F_PACKED | F_EVENT, "packed with events");
	return tap_end();
}
