// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each of the small devices does what its driver asks, once, and no more.
 *
 * The real device.c, transport.c, state.c and rings, on a bus of the test's; the
 * driver is t/lib/vdriver.c.  What is typed, printed and dropped ends here.
 *
 * Long because it has three devices.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#include "tap.h"
#include "vbus.h"
#include "vdriver.h"

#define BASE (1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX)
#define SIZE 16
#define AREA 0x20000 /* of a queue: its ring and its buffers */

static struct vbus vbus;
static struct vdriver drivers[4]; /* one of each queue */
static uint64_t rings; /* which kind drivers ask for */

static uint64_t area_of(unsigned int queue)
{
	return 0x10000 + queue * AREA;
}

/* A driver of the device in slot 0, to DRIVER_OK. */
static void drive(unsigned int queues, uint64_t features)
{
	unsigned int i;
	int r;

	features |= BASE | rings;
	r = vbus_up(&vbus, 0, features);
	for (i = 0; i < queues && !r; i++) {
		struct vdriver *driver = &drivers[i];

		vdriver_init(driver, &vbus.mem, area_of(i), SIZE, features);
		r = vbus_call(
			&vbus,
			(struct lguest_virtio_call){
				.op = LGUEST_VIRTIO_SET_QUEUE,
				.index = i,
				.word = { SIZE, driver->desc, driver->driver,
					  driver->device, 0, 40 + i },
			});
	}
	if (!r)
		r = vbus_run(&vbus, 0);
	if (r || vbus_ask(&vbus, LGUEST_VIRTIO_GET_STATUS, 0, 0, 0) ||
	    vbus.words[0] != 15)
		bail_out("the device does not start: %d, %s", r,
			 vbus.bus.devs[0]->state->why);
}

static void kick(unsigned int queue)
{
	virtio_kick(&vbus.bus, LGUEST_VIRTIO_KICK_ARG(0U, queue));
}

static void settle(void)
{
	unsigned int i;

	for (i = 0; i < 64; i++)
		vbus_turn(&vbus);
}

static uint64_t status(void)
{
	vbus_ask(&vbus, LGUEST_VIRTIO_GET_STATUS, 0, 0, 0);
	return vbus.words[0];
}

/* ---- rng ---- */

static void test_rng(void)
{
	static const char zeroes[300];
	struct vdriver_used used;
	uint64_t gpa;

	vbus_add(&vbus, rng_create(), 0);
	drive(1, 0);
	gpa = vdriver_room(&drivers[0], 300);
	memset(vdriver_at(&drivers[0], gpa), 0, 300);
	vdriver_add(&drivers[0], &(struct vdriver_part){ gpa, 300, true }, 1);
	kick(0);
	settle();
	ok(vdriver_used(&drivers[0], &used), "rng: a request is served");
	is(used.written, 256, "with as much as there is in one piece");
	ok(memcmp(vdriver_at(&drivers[0], gpa), zeroes, 256) != 0,
	   "and something in it");
	ok(!memcmp((char *)vdriver_at(&drivers[0], gpa) + 256, zeroes, 44),
	   "but not behind it");
	is(vbus_signals(&vbus, 0, 0), 1, "the driver is told");
	vdriver_add(&drivers[0], &(struct vdriver_part){ gpa, 16, false }, 1);
	kick(0);
	settle();
	ok(vdriver_used(&drivers[0], &used) && used.written == 0,
	   "one that has no room is given nothing");
	is(status(), 15, "and is no reason to stop");
	virtio_release(vbus.bus.devs[0]);
}

/* ---- console ---- */

static struct {
	char printed[300000], typed[2000];
	size_t len, typed_len, typed_at;
	uint64_t count; /* of bytes ever, as the ring would have it */
	int die_at; /* half pieces until we are killed; -1: never */
} screen, screen_then;

/*
 * A process cannot be killed inside of a test: so what outlives it is looked at
 * when it would have been, and put back later.
 */
static void die_perhaps(void)
{
	if (screen.die_at < 0 || screen.die_at--)
		return;
	vbus_remember(&vbus);
	screen_then = screen;
}

static void do_print(void *arg, const char *text, size_t len)
{
	(void)arg;
	die_perhaps();
	if (screen.len + len > sizeof(screen.printed))
		bail_out("too much is printed");
	memcpy(screen.printed + screen.len, text, len);
	screen.len += len;
	screen.count += len;
	die_perhaps();
}

static uint64_t do_printed(void *arg)
{
	(void)arg;
	return screen.count;
}

static bool do_has_input(void *arg)
{
	(void)arg;
	return screen.typed_at < screen.typed_len;
}

static size_t do_read(void *arg, char *to, size_t room)
{
	size_t left = screen.typed_len - screen.typed_at;

	(void)arg;
	if (room > left)
		room = left;
	memcpy(to, screen.typed + screen.typed_at, room);
	screen.typed_at += room;
	return room;
}

static const struct vconsole_host console_host = {
	.print = do_print,
	.printed = do_printed,
	.has_input = do_has_input,
	.read = do_read,
};

static void clear_screen(void)
{
	memset(&screen, 0, sizeof(screen));
	screen.die_at = -1;
	screen.count = 12345; /* others have printed before */
}

static void say(const char *text)
{
	uint64_t gpa = vdriver_put(&drivers[1], text, strlen(text));

	vdriver_add(
		&drivers[1],
		&(struct vdriver_part){ gpa, (uint32_t)strlen(text), false },
		1);
}

static void test_console_out(void)
{
	const struct vdriver_part parts[] = {
		{ vdriver_put(&drivers[1], "one, ", 5), 5, false },
		{ vdriver_put(&drivers[1], "two\n", 4), 4, false },
	};
	struct vdriver_used used;

	vdriver_add(&drivers[1], parts, 2);
	say("three\n");
	kick(1);
	settle();
	ok(screen.len == 15 && !memcmp(screen.printed, "one, two\nthree\n", 15),
	   "console: text is printed, in order");
	ok(vdriver_used(&drivers[1], &used) && vdriver_used(&drivers[1], &used),
	   "and its buffers are given back");
	is(vbus_signals(&vbus, 0, 1), 1, "with one word");
}

static void test_console_in(void)
{
	struct vdriver_used used;
	uint64_t gpa[2];
	unsigned int i;

	memcpy(screen.typed, "typed before it is wanted", 25);
	screen.typed_len = 25;
	vconsole_input(vbus.bus.devs[0]);
	is(screen.typed_at, 0, "what is typed waits until there is room");
	for (i = 0; i < 2; i++) {
		gpa[i] = vdriver_room(&drivers[0], 20);
		vdriver_add(&drivers[0],
			    &(struct vdriver_part){ gpa[i], 20, true }, 1);
	}
	kick(0);
	settle();
	ok(vdriver_used(&drivers[0], &used) && used.written == 20 &&
		   vdriver_used(&drivers[0], &used) && used.written == 5 &&
		   !memcmp(vdriver_at(&drivers[0], gpa[0]),
			   "typed before it is w", 20) &&
		   !memcmp(vdriver_at(&drivers[0], gpa[1]), "anted", 5),
	   "and comes as much at a time as there is");
	vdriver_add(&drivers[0], &(struct vdriver_part){ gpa[0], 20, true }, 1);
	kick(0);
	settle();
	ok(!vdriver_used(&drivers[0], &used), "room alone is no input");
	screen.typed[25] = '!';
	screen.typed_len = 26;
	vconsole_input(vbus.bus.devs[0]);
	ok(vdriver_used(&drivers[0], &used) && used.written == 1,
	   "until there is some");
}

static void test_console_size(void)
{
	struct virtio_console_config config;
	unsigned int told;

	vbus_ask(&vbus, LGUEST_VIRTIO_CONFIG_VECTOR, 0, 0, 99);
	told = vbus.interrupts[99];
	vconsole_resize(vbus.bus.devs[0], 132, 43);
	is(vbus.interrupts[99], told + 1, "a new window is told");
	virtio_get_config(vbus.bus.devs[0], 0, sizeof(config), &config);
	ok(config.cols == 132 && config.rows == 43, "with its size");
	screen.len = 0;
	comes_to(vbus_call(
			 &vbus,
			 (struct lguest_virtio_call){
				 .op = LGUEST_VIRTIO_SET_CONFIG,
				 .index = offsetof(struct virtio_console_config,
						   emerg_wr),
				 .bytes = 4,
				 .word = { '?' },
			 }),
		 0, "a character by the emergency way");
	ok(screen.len == 1 && screen.printed[0] == '?', "is printed");
	comes_to(vbus_call(&vbus,
			   (struct lguest_virtio_call){
				   .op = LGUEST_VIRTIO_SET_CONFIG,
				   .bytes = 4,
			   }),
		 -EPERM, "the size is not the driver's to write");
}

/* More than one turn's worth in a buffer; others have a turn in between. */
static void test_console_flood(void)
{
	uint32_t len = 0x18000;
	uint64_t gpa;
	char *text;
	unsigned int i, wrong = 0;

	vdriver_rewind(&drivers[1]);
	gpa = vdriver_room(&drivers[1], len);
	text = vdriver_at(&drivers[1], gpa);
	for (i = 0; i < len; i++)
		text[i] = (char)(i % 251);
	screen.len = 0;
	vdriver_add(&drivers[1], &(struct vdriver_part){ gpa, len, false }, 1);
	kick(1);
	vbus_turn(&vbus);
	is(screen.len, 65536, "a flood: a turn is 64 KiB");
	settle();
	is(screen.len, len, "and the rest comes in others");
	for (i = 0; i < len; i++)
		wrong += screen.printed[i] != (char)(i % 251);
	is(wrong, 0, "as it is");
}

/* We are killed at any piece of a buffer, before or after it is printed. */
static void test_console_killed(void)
{
	struct virtio_console_config config;
	enum {
		LEN = 3 * 4096 + 100
	};
	static char want[LEN + 5];
	unsigned int i, wrong = 0;
	int die;

	for (i = 0; i < LEN; i++)
		want[i] = (char)('a' + i % 23);
	memcpy(want + LEN, "after", 5);
	for (die = 0; die < 10; die++) {
		drive(2, 0);
		clear_screen();
		screen.die_at = die;
		vdriver_add(&drivers[1],
			    &(struct vdriver_part){
				    vdriver_put(&drivers[1], want, LEN), LEN,
				    false },
			    1);
		say("after");
		kick(1);
		settle();
		if (screen.die_at >= 0)
			bail_out("nobody has been killed");
		vbus_forget(&vbus);
		screen = screen_then;
		screen.die_at = -1;
		if (virtio_adopt(&vbus.bus, vconsole_create(&console_host), 0))
			bail_out("not adopted");
		settle();
		wrong += screen.len != sizeof(want) ||
			 memcmp(screen.printed, want, sizeof(want)) != 0;
	}
	is(wrong, 0, "killed at any piece, all is printed and nothing twice");
	virtio_get_config(vbus.bus.devs[0], 0, sizeof(config), &config);
	ok(config.cols == 132 && config.rows == 43,
	   "and its window is as large as it was");
}

static void test_console(void)
{
	clear_screen();
	vbus_add(&vbus, vconsole_create(&console_host), 0);
	drive(2, 1ULL << VIRTIO_CONSOLE_F_SIZE);
	test_console_out();
	test_console_in();
	test_console_size();
	test_console_flood();
	test_console_killed();
	vbus_ask(&vbus, LGUEST_VIRTIO_SET_STATUS, 0, 0, 0);
	virtio_release(vbus.bus.devs[0]);
}

/* ---- balloon ---- */

static struct {
	uint64_t bytes; /* dropped */
	unsigned int calls;
	uint64_t last_gpa, last_bytes;
} dropped;

static int do_discard(void *arg, uint64_t gpa, uint64_t bytes)
{
	(void)arg;
	dropped.bytes += bytes;
	dropped.calls++;
	dropped.last_gpa = gpa;
	dropped.last_bytes = bytes;
	return 0;
}

static const struct balloon_host balloon_host = { .discard = do_discard };

#define BALLOON                                    \
	(1ULL << VIRTIO_BALLOON_F_STATS_VQ |       \
	 1ULL << VIRTIO_BALLOON_F_DEFLATE_ON_OOM | \
	 1ULL << VIRTIO_BALLOON_F_REPORTING)

static void name_pages(unsigned int queue, const uint32_t *pages,
		       unsigned int count)
{
	uint32_t bytes = (uint32_t)(count * sizeof(*pages));
	uint64_t gpa;

	memset(&dropped, 0, sizeof(dropped));
	vdriver_rewind(&drivers[queue]);
	gpa = vdriver_put(&drivers[queue], pages, bytes);
	vdriver_add(&drivers[queue],
		    &(struct vdriver_part){ gpa, bytes, false }, 1);
	kick(queue);
	settle();
}

static void test_inflate(void)
{
	static const uint32_t few[] = { 7, 5, 6, 200, 5 };
	static const uint32_t bad[] = { 7, VBUS_RAM / 4096 };
	uint32_t many[700];
	struct vdriver_used used;
	unsigned int i;

	name_pages(0, few, 5);
	is(dropped.calls, 2, "balloon: pages that are neighbours are one call");
	is(dropped.bytes, 4 * 4096, "and are dropped once");
	ok(vdriver_used(&drivers[0], &used), "the driver has its answer");
	for (i = 0; i < 700; i++)
		many[i] = i % 2 ? 100 : 102;
	name_pages(0, many, 700);
	ok(vdriver_used(&drivers[0], &used) && dropped.bytes == 6 * 4096,
	   "a long list is served in pieces");
	name_pages(1, few, 5);
	ok(vdriver_used(&drivers[1], &used) && !dropped.calls,
	   "to deflate is nothing but an answer");
	name_pages(0, bad, 2);
	is(status(), 0x4f, "a page that is not RAM is the device's end");
	is_str(vbus.bus.devs[0]->state->why, "inflate: page 0x100 is not RAM",
	       "and it says which");
	is(dropped.calls, 0, "and nothing was dropped");
	vbus_ask(&vbus, LGUEST_VIRTIO_SET_STATUS, 0, 0, 0);
	drive(4, BALLOON);
}

static void test_report(void)
{
	struct vdriver_used used;
	const struct vdriver_part parts[] = { { 0x90800, 0x3000, true },
					      { 0x98000, 0x800, true } };

	memset(&dropped, 0, sizeof(dropped));
	vdriver_add(&drivers[3], parts, 2);
	kick(3);
	settle();
	ok(vdriver_used(&drivers[3], &used), "free pages are reported");
	ok(dropped.calls == 1 && dropped.last_gpa == 0x91000 &&
		   dropped.last_bytes == 0x2000,
	   "those that are whole are dropped, and no byte beside them");
}

static void test_stats(void)
{
	struct virtio_balloon_stat stats[] = {
		{ VIRTIO_BALLOON_S_MEMFREE, 1234 },
		{ 999, 1 },
		{ VIRTIO_BALLOON_S_MEMTOT, 5678 },
	};
	struct vdriver_used used;
	json_t *json = json_object();
	uint64_t gpa = vdriver_put(&drivers[2], stats, sizeof(stats));

	vdriver_add(&drivers[2],
		    &(struct vdriver_part){ gpa, sizeof(stats), false }, 1);
	kick(2);
	settle();
	ok(!vdriver_used(&drivers[2], &used), "numbers are kept");
	vbus.bus.devs[0]->ops->describe(vbus.bus.devs[0], json);
	is((unsigned long long)json_integer_value(json_object_get(
		   json_object_get(json, "stats"), "free-memory")),
	   1234, "and told to whoever asks");
	is(json_object_size(json_object_get(json, "stats")), 2,
	   "those that are known");
	ok(vdriver_used(&drivers[2], &used), "and then others are wanted");
	json_decref(json);
}

static void test_target(void)
{
	struct virtio_balloon_config config;
	uint32_t actual = 50;

	vbus_ask(&vbus, LGUEST_VIRTIO_CONFIG_VECTOR, 0, 0, 98);
	balloon_set(vbus.bus.devs[0], 100 * 4096);
	is(vbus.interrupts[98], 1, "a wish is told");
	comes_to(vbus_call(&vbus,
			   (struct lguest_virtio_call){
				   .op = LGUEST_VIRTIO_SET_CONFIG,
				   .index = 4,
				   .bytes = 4,
				   .word = { actual },
			   }),
		 0, "what has come of it is heard");
	comes_to(vbus_call(&vbus,
			   (struct lguest_virtio_call){
				   .op = LGUEST_VIRTIO_SET_CONFIG,
				   .bytes = 4,
				   .word = { actual },
			   }),
		 -EPERM, "the wish is not the driver's to write");
	vbus_restart(&vbus);
	if (virtio_adopt(&vbus.bus, balloon_create(&balloon_host), 0))
		bail_out("not adopted");
	virtio_get_config(vbus.bus.devs[0], 0, sizeof(config), &config);
	ok(config.num_pages == 100 && config.actual == 50,
	   "who comes after us knows both");
}

static void test_balloon(void)
{
	vbus_add(&vbus, balloon_create(&balloon_host), 0);
	drive(4, BALLOON);
	test_inflate();
	test_report();
	test_stats();
	test_target();
	vbus_ask(&vbus, LGUEST_VIRTIO_SET_STATUS, 0, 0, 0);
	virtio_release(vbus.bus.devs[0]);
}

static void all(void)
{
	vbus_start(&vbus);
	test_rng();
	test_console();
	test_balloon();
	vbus_stop(&vbus);
}

int main(void)
{
	all();
	rings = 1ULL << VIRTIO_F_RING_PACKED;
	diag("and all of it with packed rings");
	all();
	return tap_end();
}
