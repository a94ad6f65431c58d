// SPDX-License-Identifier: GPL-2.0-only
/*
 * queue-killed.c - a daemon that is killed loses no request and repeats none
 *
 * In the first half a process serves a ring by a script that has everything in
 * it, and is stepped through an instruction at a time.  After each one that has
 * changed what is shared, that memory is what a daemon killed there would leave:
 * so another takes over, here, serves what is left, and memory is put back.  The
 * driver is then asleep, or has gone on, taken what it was given and used its
 * place again.  Where something is left half done, that is kept, and later a
 * daemon takes over from there that is stepped through itself until it has, with
 * another one after each of its stores: killed while it takes over from one that
 * was killed.  (A third of these, or with LG_LONG=1 all.)
 *
 * In the second half daemons really are killed, at any time, under a driver that
 * never rests.
 *
 * Every request is answered with something made of its number; a driver's own
 * account says which were answered, and how often.
 */
#include <sched.h>
#include <sys/mman.h>

#include "step.h"
#include "vring.h"

#define SIZE      8
#define KILLS     1000
#define NUMBERS   64 /* of requests under way or checked, at most */
#define RAM_BYTES 0x4000 /* what is kept of it, from VRING_AT on */
#define KEY       0x5a5aa5a5U

static struct {
	struct vq_state state;
	unsigned int mark; /* the script has come to a place of rest */
} * shared;

/* What the driver knows. */
static struct ledger {
	uint32_t next; /* request */
	uint32_t of_head[VQ_SIZE_MAX];
	uint64_t reply[NUMBERS];
	uint8_t done[NUMBERS];
	uint32_t finished;
	uint32_t wrong;
} ledger;

/* All that there is, but for the daemon. */
struct shot {
	char ram[RAM_BYTES];
	struct vq_state state;
	struct vdriver driver;
	struct ledger ledger;
};

static struct shot *shots[4096];
static unsigned int shot_count;

static void take_shot(struct shot *shot)
{
	memcpy(shot->ram, vring.mem.base + VRING_AT, RAM_BYTES);
	shot->state = shared->state;
	shot->driver = vring.driver;
	shot->ledger = ledger;
}

static void put_back(const struct shot *shot)
{
	memcpy(vring.mem.base + VRING_AT, shot->ram, RAM_BYTES);
	shared->state = shot->state;
	vring.driver = shot->driver;
	ledger = shot->ledger;
}

/* ---- the driver ---- */

static void check_reply(const struct vdriver_used *used)
{
	uint32_t number = ledger.of_head[used->head], reply;

	memcpy(&reply,
	       vdriver_at(&vring.driver, ledger.reply[number % NUMBERS]),
	       sizeof(reply));
	ledger.wrong += used->written != 4 || reply != (number ^ KEY);
	ledger.wrong += ledger.done[number % NUMBERS]++ != 0;
	ledger.finished++;
}

/* Of one, two or three descriptors, or a table, in turn; false: full. */
static bool ask(void)
{
	uint32_t number = ledger.next, slot = number % NUMBERS;
	uint64_t room = vring.driver.first + slot * 192;
	struct vdriver_part parts[3] = {
		{ room, 4, false },
		{ room + 16, 4, true },
		{ room + 32, 4, true },
	};
	unsigned int count = 2 + number % 2;
	int head;

	memcpy(vdriver_at(&vring.driver, room), &number, sizeof(number));
	memset(vdriver_at(&vring.driver, room + 16), 0, 4);
	vring.driver.next = room + 64;
	if (number % 3)
		head = vdriver_add(&vring.driver, parts, count);
	else
		head = vring.driver.free_count
			       ? vdriver_add_table(&vring.driver, parts, count)
			       : -1;
	if (head < 0)
		return false;
	ledger.of_head[head] = number;
	ledger.reply[slot] = room + 16;
	ledger.done[slot] = 0;
	ledger.next++;
	return true;
}

/* Takes what it was given, and asks for up to so many more. */
static void drive(unsigned int more)
{
	struct vdriver_used used;

	while (vdriver_used(&vring.driver, &used))
		check_reply(&used);
	while (more-- && ask())
		;
}

/* ---- the daemon ---- */

static void answer(struct vq *vq, const struct vq_chain *chain)
{
	uint32_t reply = vring_number(chain) ^ KEY;

	chain_put(chain, 0, &reply, sizeof(reply));
	vq_fill(vq, chain->head, sizeof(reply));
}

static struct vq new_queue(void)
{
	return (struct vq){
		.dev = &vring.dev,
		.state = &shared->state,
		.kick_fd = -1,
		.call_fd = -1,
	};
}

static void rest(void)
{
	__atomic_store_n(&shared->mark, shared->mark + 1, __ATOMIC_SEQ_CST);
}

static void script(void)
{
	static struct vq_chain a, b, c, d;
	struct vq vq = new_queue();

	vq_start(&vq, vring.features);
	vq_pop(&vq, &a);
	vq_pop(&vq, &b);
	answer(&vq, &b); /* the second before the first */
	vq_publish(&vq);
	vq_signal(&vq);
	rest();
	vq_pop(&vq, &c);
	vq_pop(&vq, &b);
	vq_unpop(&vq, &b);
	vq_pop(&vq, &b);
	answer(&vq, &b); /* three at once, and not in order */
	answer(&vq, &a);
	vq_pop(&vq, &d);
	answer(&vq, &d);
	vq_publish(&vq);
	vq_signal(&vq);
	rest();
	while (vq_pop(&vq, &a) == 1)
		answer(&vq, &a); /* all the rest, and the oldest of all last */
	answer(&vq, &c);
	vq_publish(&vq);
	rest();
	while (vq_pop(&vq, &a) == 1) {
		answer(&vq, &a);
		vq_publish(&vq);
	}
}

/* Only this much: what it does then, script() has been seen to do. */
static void take_over(void)
{
	struct vq vq = new_queue();

	vq_start(&vq, vring.features);
}

/* ---- a daemon after that ---- */

static unsigned int checks;

/* The last first; each by itself, with the driver looking, or all at once. */
static void serve_rest(struct vq *vq, bool at_once)
{
	static struct vq_chain chains[SIZE];
	unsigned int i, count;

	do {
		for (count = 0; vq_pop(vq, &chains[count]) == 1; count++)
			;
		for (i = count; i--;) {
			answer(vq, &chains[i]);
			if (at_once && i)
				continue;
			vq_publish(vq);
			drive(0);
		}
	} while (count);
}

/* What is there is enough to answer all, once. */
static bool is_whole(bool at_once)
{
	struct vq vq = new_queue();

	vring.why[0] = '\0';
	if (vq_start(&vq, vring.features) < 0)
		return false;
	serve_rest(&vq, at_once);
	drive(2);
	serve_rest(&vq, at_once);
	checks++;
	return ledger.finished == ledger.next && !ledger.wrong && !vq.broken &&
	       vring.driver.free_count == SIZE;
}

static unsigned int bad;

static void complain(const char *when)
{
	if (bad++)
		return;
	diag("%s: %u of %u answered, %u wrong, %u free: %s", when,
	     ledger.finished, ledger.next, ledger.wrong,
	     vring.driver.free_count, vring.why);
}

static void check_here(void)
{
	static struct shot here;

	take_shot(&here);
	if (!is_whole(false))
		complain("the driver asleep");
	put_back(&here);
	drive(2);
	if (!is_whole(true))
		complain("the driver awake");
	put_back(&here);
}

/* ---- a daemon, an instruction at a time ---- */

static unsigned long steps, stores;

static bool has_changed(struct shot *last)
{
	const char *ram = vring.mem.base + VRING_AT;

	return memcmp(last->ram, ram, RAM_BYTES) != 0 ||
	       memcmp(&last->state, &shared->state, sizeof(last->state)) != 0;
}

static void keep(const struct shot *shot)
{
	if (shot_count == sizeof(shots) / sizeof(*shots))
		bail_out("more than %u states", shot_count);
	shots[shot_count] = malloc(sizeof(*shot));
	if (!shots[shot_count])
		bail_out("no memory");
	*shots[shot_count++] = *shot;
}

/* Is there anything for a daemon to put right before it goes on? */
static bool is_open(const struct shot *shot)
{
	unsigned int i;

	for (i = 0; i < SIZE; i++)
		if (shot->state.flight[i].seq && shot->state.flight[i].filled)
			return true;
	return !shot->state.started;
}

static void step_through(void (*body)(void), bool keeping)
{
	static struct shot last;
	unsigned int mark = shared->mark;
	pid_t child;

	take_shot(&last);
	for (child = step_start(body); step_once(child); steps++) {
		if (shared->mark != mark) {
			mark = shared->mark;
			drive(SIZE);
		} else if (!has_changed(&last)) {
			continue;
		}
		check_here();
		take_shot(&last);
		stores++;
		if (keeping && is_open(&last))
			keep(&last);
	}
}

static void lay(uint64_t features)
{
	shared->mark = 0;
	ledger = (struct ledger){ 0 };
	vring_lay(&shared->state, SIZE, features);
}

static void stepped(uint64_t features, const char *name)
{
	unsigned int i;

	lay(features);
	while (ask())
		;
	checks = 0;
	bad = 0;
	steps = stores = 0;
	shot_count = 0;
	step_through(script, true);
	ok(!bad, "%s: killed at any of %lu instructions, nothing is lost", name,
	   steps);
	ok(stores > 100, "%s: of which more than 100 are stores (%lu)", name,
	   stores);
	bad = 0;
	steps = 0;
	for (i = 0; i < shot_count; i++) {
		put_back(shots[i]);
		drive(i % 2 * 2);
		if (i % 3 == 0 || getenv("LG_LONG"))
			step_through(take_over, false);
		free(shots[i]);
	}
	ok(!bad, "%s: nor killed while it takes over from there, at any of %lu",
	   name, steps);
	diag("%u daemons have taken over", checks);
}

/* ---- daemons that are killed ---- */

static uint32_t seed = 1;

static unsigned int chance(unsigned int of)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % of;
}

/* In batches, each in some order, for ever. */
static void serve_wildly(void)
{
	static struct vq_chain chains[SIZE];
	struct vq vq = new_queue();
	unsigned int count = 0, pick;
	int r = vq_start(&vq, vring.features);

	while (r >= 0) {
		if (count < SIZE && (r = vq_pop(&vq, &chains[count])) == 1)
			count++;
		if (!count)
			sched_yield();
		if (!count || chance(2))
			continue;
		pick = chance(count);
		answer(&vq, &chains[pick]);
		chains[pick] = chains[--count];
		if (chance(2))
			vq_publish(&vq);
		vq_signal(&vq);
		/* Filled, and there is no more to come that would publish. */
		if (!count)
			vq_publish(&vq);
	}
	fprintf(stderr, "# %s\n", vring.why);
	_exit(1);
}

static void kill_one(void)
{
	uint32_t until = ledger.finished + chance(30);
	pid_t child;
	int status;

	chance(2);
	child = fork();
	if (child == 0)
		serve_wildly();
	if (child < 0)
		bail_out("no process to kill");
	while (ledger.finished < until && !waitpid(child, &status, WNOHANG)) {
		drive(chance(SIZE));
		sched_yield();
	}
	kill(child, SIGKILL);
	if (ledger.finished < until)
		bail_out("a daemon gave up");
	waitpid(child, &status, 0);
}

static void killed(uint64_t features, const char *name)
{
	unsigned int i, kills = KILLS * (getenv("LG_LONG") ? 50 : 1);

	lay(features);
	for (i = 0; i < kills; i++)
		kill_one();
	ok(is_whole(true),
	   "%s: %u are killed, and each request is answered once", name, kills);
	diag("%u requests, %u wrong", ledger.next, ledger.wrong);
}

int main(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		bail_out("no memory to share");
	stepped(F_INDIRECT | F_EVENT, "split");
	stepped(F_INDIRECT | F_EVENT | F_PACKED, "packed");
	killed(F_INDIRECT | F_EVENT, "split");
	killed(F_INDIRECT | F_EVENT | F_PACKED, "packed");
	return tap_end();
}
