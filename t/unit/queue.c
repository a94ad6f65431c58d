// SPDX-License-Identifier: GPL-2.0-only
/*
 * queue.c - a driver that obeys the rules gets each request back once
 *
 * The daemon's half of a ring against a driver, for both formats, with and
 * without events: in order and out of it, with tables, several at once, back
 * into the queue, around the ring many times, and with a change of daemons.
 * What is told to whom, and when, is counted.
 *
 * What drivers do wrong is in queue-broken.c, and what happens to daemons at any
 * other instruction in queue-killed.c.
 */
#include "vring.h"

static struct vq_chain chain, other;
static struct vdriver_used used;

static void basics(void)
{
	char text[8] = "answer";
	int head;

	vring_open(16, vring.features);
	is((unsigned int)vq_pop(&vring.vq, &chain), 0, "a new ring is empty");
	ok(!vq_has_more(&vring.vq), "and says so");
	head = vring_request(7);
	ok(vq_has_more(&vring.vq), "a chain is seen");
	ok(vdriver_wants_kick(&vring.driver),
	   "the driver kicks for it, after a 0");
	is((unsigned int)vq_pop(&vring.vq, &chain), 1, "and is popped");
	is(chain.head, (unsigned int)head, "with its head");
	is(chain.reads, 1, "one part is read");
	is(chain.read_bytes, 4, "of 4 bytes");
	is(chain.write_bytes, 64, "and another written, of 64");
	is(vring_number(&chain), 7, "it says what the driver wrote");
	is(chain_put(&chain, 60, text, sizeof(text)), 4,
	   "nothing is written beyond its end");
	vq_fill(&vring.vq, chain.head, 64);
	ok(!vdriver_used(&vring.driver, &used), "filled is not published");
	vq_publish(&vring.vq);
	ok(vdriver_used(&vring.driver, &used), "published is");
	is(used.head, (unsigned int)head, "it is that one");
	is(used.written, 64, "with so many bytes");
	ok(!vdriver_used(&vring.driver, &used), "and there is but one");
}

static void order(void)
{
	int first, second;

	vring_open(8, vring.features);
	first = vring_request(1);
	second = vring_request(2);
	vq_pop(&vring.vq, &chain);
	vq_pop(&vring.vq, &other);
	is(vring_number(&other), 2, "two are popped in order");
	vq_push(&vring.vq, other.head, 0);
	vdriver_used(&vring.driver, &used);
	is(used.head, (unsigned int)second, "the second can be ready first");
	vq_push(&vring.vq, chain.head, 1);
	vdriver_used(&vring.driver, &used);
	is(used.head, (unsigned int)first, "and then the first");
}

static void unpop(void)
{
	vring_open(8, vring.features);
	vring_request(1);
	vring_request(2);
	vq_pop(&vring.vq, &chain);
	vq_pop(&vring.vq, &other);
	vq_unpop(&vring.vq, &other);
	vq_unpop(&vring.vq, &chain);
	ok(vq_has_more(&vring.vq), "what was put back is there");
	vring_request(3);
	vq_pop(&vring.vq, &chain);
	is(vring_number(&chain), 1, "two that were put back come again, 1");
	vq_pop(&vring.vq, &chain);
	is(vring_number(&chain), 2, "... 2");
	vq_pop(&vring.vq, &other);
	is(vring_number(&other), 3, "... and then the next");
	is((unsigned int)vq_pop(&vring.vq, &chain), 0, "and no more");
}

static void together(void)
{
	uint16_t heads[4];
	unsigned int i;

	vring_open(8, vring.features);
	for (i = 0; i < 4; i++) {
		vring_request(i);
		vq_pop(&vring.vq, &chain);
		heads[i] = chain.head;
	}
	for (i = 0; i < 4; i++)
		vq_fill(&vring.vq, heads[3 - i], i);
	ok(!vdriver_used(&vring.driver, &used), "four are filled, unseen");
	vq_publish(&vring.vq);
	for (i = 0; vdriver_used(&vring.driver, &used); i++)
		if (used.head != heads[3 - i] || used.written != i)
			break;
	is(i, 4, "and published, in the order of filling");
}

static void tables(void)
{
	struct vdriver_part parts[VQ_CHAIN_MAX];
	unsigned int i;

	if (!(vring.features & F_INDIRECT))
		return;
	vring_open(4, vring.features);
	for (i = 0; i < VQ_CHAIN_MAX; i++)
		parts[i] =
			(struct vdriver_part){ vdriver_room(&vring.driver, 1),
					       i + 1, i >= 100 };
	vdriver_add_table(&vring.driver, parts, VQ_CHAIN_MAX);
	is((unsigned int)vq_pop(&vring.vq, &chain), 1,
	   "a table of %u is a chain", VQ_CHAIN_MAX);
	is(chain.reads, 100, "with 100 to read");
	is(chain.write_bytes, 258 * 259 / 2 - 100 * 101 / 2,
	   "and all bytes of the rest");
	vq_push(&vring.vq, chain.head, 0);
	ok(vdriver_used(&vring.driver, &used), "and is given back");
}

/* So many that every index has gone around, with up to 5 in flight. */
static void around(void)
{
	uint32_t next = 0, seen = 0, done = 0, wrong = 0;
	uint16_t heads[5];
	unsigned int i, count;

	vring_open(13 & (vring.features & F_PACKED ? 13 : 8), vring.features);
	while (done < 70000) {
		vdriver_rewind(&vring.driver);
		while (next < seen + 5 && vring_request(next) >= 0)
			next++;
		for (count = 0; count < 5; count++) {
			if (vq_pop(&vring.vq, &chain) != 1)
				break;
			wrong += vring_number(&chain) != seen++;
			heads[count] = chain.head;
		}
		for (i = 0; i < count; i++)
			vq_fill(&vring.vq, heads[(i + done) % count], i);
		vq_publish(&vring.vq);
		vq_signal(&vring.vq);
		while (vdriver_used(&vring.driver, &used))
			done++;
	}
	is(wrong, 0, "70000 times around, each is the next");
	is(done, seen, "and all are given back");
	is(vring.failures, 0, "and nothing was found fault with: %s",
	   vring.why);
}

static void signals(void)
{
	vring_open(8, vring.features);
	vring_signalled();
	vdriver_want_signal(&vring.driver, true);
	vring_request(1);
	vring_request(2);
	vq_pop(&vring.vq, &chain);
	vq_pop(&vring.vq, &other);
	vq_signal(&vring.vq);
	ok(!vring_signalled(), "no signal for nothing");
	vq_push(&vring.vq, chain.head, 0);
	vq_signal(&vring.vq);
	ok(vring_signalled(), "one that is wanted is given");
	vq_signal(&vring.vq);
	ok(!vring_signalled(), "once");
	vdriver_want_signal(&vring.driver, false);
	vq_push(&vring.vq, other.head, 0);
	vq_signal(&vring.vq);
	ok(!vring_signalled(), "and one that is not wanted is not");
}

static void kicks(void)
{
	vring_open(8, vring.features);
	vring_request(1);
	vdriver_wants_kick(&vring.driver);
	vq_pop(&vring.vq, &chain);
	vq_pop(&vring.vq, &other);
	vring_request(2);
	ok(vdriver_wants_kick(&vring.driver),
	   "a ring seen empty asks for kicks");
	vq_pop(&vring.vq, &chain);
	vring_request(3);
	ok(!vdriver_wants_kick(&vring.driver), "one that is not, does not");
	vq_pop(&vring.vq, &chain);
	is((unsigned int)vq_pop(&vring.vq, &chain), 0,
	   "what came meanwhile is seen before");
}

/* Three in flight, one given back: the next daemon starts with the others. */
static void successor(void)
{
	int third;

	vring_open(8, vring.features);
	vring_request(1);
	vring_request(2);
	vq_pop(&vring.vq, &chain);
	vq_pop(&vring.vq, &other);
	third = vring_request(3);
	vq_push(&vring.vq, other.head, 0);
	vdriver_used(&vring.driver, &used);
	vring_request(4);
	vq_pop(&vring.vq, &chain);
	vq_fill(&vring.vq, chain.head, 0);
	vring_signalled();

	memset(&vring.vq.format, 0xa5,
	       sizeof(vring.vq) - offsetof(struct vq, format));
	is((unsigned int)vq_start(&vring.vq, vring.features), 0,
	   "another daemon takes over");
	ok(vring_signalled(), "and tells the driver, in case it was not told");
	vq_pop(&vring.vq, &chain);
	is(vring_number(&chain), 1, "what was in flight comes again, 1");
	vq_pop(&vring.vq, &chain);
	is(vring_number(&chain), 3, "... and what was only filled, 3");
	is(chain.head, (unsigned int)third, "with its head");
	vq_pop(&vring.vq, &other);
	is(vring_number(&other), 4, "and then what is new");
	is((unsigned int)vq_pop(&vring.vq, &other), 0, "and no more");
	vq_push(&vring.vq, chain.head, 0);
	ok(vdriver_used(&vring.driver, &used) &&
		   used.head == (unsigned int)third,
	   "it is given back once");
	ok(!vdriver_used(&vring.driver, &used), "and nothing else is");
}

/* A device does not learn that its ring is gone before it has answered. */
static void stopped(void)
{
	vring_open(8, vring.features);
	vring_request(1);
	vq_pop(&vring.vq, &chain);
	vq_stop(&vring.vq);
	vq_push(&vring.vq, chain.head, 0);
	vq_signal(&vring.vq);
	ok(!vdriver_used(&vring.driver, &used),
	   "what is pushed after the stop goes nowhere");
	is((unsigned int)-vq_pop(&vring.vq, &chain), EPROTO,
	   "and there is nothing to pop");
}

int main(void)
{
	static const uint64_t features[] = {
		0,
		F_EVENT | F_INDIRECT,
		F_PACKED,
		F_PACKED | F_EVENT | F_INDIRECT,
	};
	static void (*const cases[])(void) = {
		basics, order,   unpop, together,  tables,
		around, signals, kicks, successor, stopped,
	};
	unsigned int i, j;

	for (i = 0; i < sizeof(features) / sizeof(*features); i++) {
		vring.features = features[i];
		diag("%s%s%s", features[i] & F_PACKED ? "packed" : "split",
		     features[i] & F_EVENT ? ", events" : "",
		     features[i] & F_INDIRECT ? ", tables" : "");
		for (j = 0; j < sizeof(cases) / sizeof(*cases); j++)
			cases[j]();
	}
	return tap_end();
}
