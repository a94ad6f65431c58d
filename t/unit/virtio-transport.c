// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that says what it may not is told so, and nothing has happened.
 *
 * transport.c and device.c with a device that only counts, and with rings that
 * are none: what happens inside a queue is for other tests.
 *
 * Long because it is one list of all that a driver may not say.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "tap.h"
#include "vbus.h"

#define VERSION_1 (1ULL << VIRTIO_F_VERSION_1)
#define SLOT      3
#define ID        200

/* ---- rings that are none ---- */

static unsigned int started, stopped;
static int start_result;

int vq_start(struct vq *vq, uint64_t features)
{
	(void)features;
	started++;
	if (start_result < 0)
		virtio_fail(vq->dev, "queue %u: it is bad", vq->index);
	return start_result;
}

void vq_stop(struct vq *vq)
{
	(void)vq;
	stopped++;
}

/* ---- a device that counts ---- */

static struct counter {
	struct virtio_dev dev;
	struct vq vqs[2];
	uint8_t config[10];
	unsigned int starts, kicks, resets, detaches, destroys, more;
	unsigned int set_at, set_len;
	bool resets_later, resumes_later;
	int set_result;
} dev;

static int on_start(struct virtio_dev *d)
{
	(void)d;
	dev.starts++;
	return 0;
}

static bool on_kick(struct virtio_dev *d, struct vq *vq)
{
	(void)d;
	(void)vq;
	dev.kicks++;
	return dev.more && dev.more--;
}

static bool on_reset(struct virtio_dev *d)
{
	(void)d;
	dev.resets++;
	return !dev.resets_later;
}

static bool on_resume(struct virtio_dev *d)
{
	(void)d;
	return !dev.resumes_later;
}

static void on_detach(struct virtio_dev *d)
{
	(void)d;
	dev.detaches++;
}

static int on_set_config(struct virtio_dev *d, size_t offset, size_t len)
{
	(void)d;
	dev.set_at = (unsigned int)offset;
	dev.set_len = (unsigned int)len;
	return dev.set_result;
}

static void on_destroy(struct virtio_dev *d)
{
	(void)d;
	dev.destroys++;
}

static const struct virtio_ops counter_ops = {
	.name = "counter",
	.id = ID,
	.features = 0,
	.start = on_start,
	.on_kick = on_kick,
	.reset = on_reset,
	.resume = on_resume,
	.detach = on_detach,
	.set_config = on_set_config,
	.destroy = on_destroy,
};

static struct virtio_dev *make(void)
{
	memset(&dev, 0, sizeof(dev));
	dev.dev.ops = &counter_ops;
	strcpy(dev.dev.label, "counter0");
	dev.dev.queue_count = 2;
	dev.dev.vqs = dev.vqs;
	dev.dev.config = dev.config;
	dev.dev.config_bytes = sizeof(dev.config);
	dev.dev.offered = 1;
	dev.vqs[1].size_max = 16;
	memcpy(dev.config, "0123456789", 10);
	started = 0;
	stopped = 0;
	return &dev.dev;
}

static struct vbus vbus;

static int ask(uint32_t op, uint64_t a, uint64_t b)
{
	return vbus_ask(&vbus, op, SLOT, a, b);
}

static uint64_t status(void)
{
	return ask(LGUEST_VIRTIO_GET_STATUS, 0, 0) ? ~0ULL : vbus.words[0];
}

/* ---- calls ---- */

/* What every op does not use must be zero, and is looked at. */
static void test_spare(void)
{
	static const struct {
		uint32_t op;
		unsigned int words;
		bool slot, index, bytes;
	} ops[] = {
		{ LGUEST_VIRTIO_PROBE, 4, true, false, false },
		{ LGUEST_VIRTIO_LISTEN, 2, false, false, false },
		{ LGUEST_VIRTIO_GET_FEATURES, 2, true, false, false },
		{ LGUEST_VIRTIO_SET_FEATURES, 2, true, false, false },
		{ LGUEST_VIRTIO_GET_STATUS, 1, true, false, false },
		{ LGUEST_VIRTIO_SET_STATUS, 1, true, false, false },
		{ LGUEST_VIRTIO_GET_CONFIG, 7, true, true, true },
		{ LGUEST_VIRTIO_SET_CONFIG, 6, true, true, true },
		{ LGUEST_VIRTIO_CONFIG_VECTOR, 2, true, false, false },
		{ LGUEST_VIRTIO_GET_QUEUE, 1, true, true, false },
		{ LGUEST_VIRTIO_SET_QUEUE, 6, true, true, false },
		{ LGUEST_VIRTIO_QUEUE_VECTOR, 2, true, true, false },
	};
	unsigned int i, word, wrong = 0;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct lguest_virtio_call clean = {
			.op = ops[i].op,
			.slot = ops[i].slot ? SLOT : 0,
		};
		struct lguest_virtio_call call = clean;

		call.reserved0 = 1;
		wrong += vbus_call(&vbus, call) != -EINVAL;
		call = clean;
		call.slot = ops[i].slot ? LGUEST_VIRTIO_SLOTS : 1;
		wrong += vbus_call(&vbus, call) != -EINVAL;
		call = clean;
		call.index = 1;
		wrong += !ops[i].index && vbus_call(&vbus, call) != -EINVAL;
		call = clean;
		call.bytes = 1;
		wrong += !ops[i].bytes && vbus_call(&vbus, call) != -EINVAL;
		for (word = ops[i].words; word < 8; word++) {
			call = clean;
			call.word[word] = 1ULL << 63;
			wrong += vbus_call(&vbus, call) != -EINVAL;
		}
		call = clean;
		call.slot = SLOT + 1;
		wrong += ops[i].slot && ops[i].op != LGUEST_VIRTIO_PROBE &&
			 vbus_call(&vbus, call) != -ENODEV;
	}
	is(wrong, 0, "what an op does not use must be zero, and its slot full");
	is(status(), 0, "and nothing has happened by that");
}

static void test_places(void)
{
	const struct lguest_virtio_call probe = {
		.op = LGUEST_VIRTIO_PROBE,
		.slot = SLOT,
	};

	is(virtio_call(&vbus.bus, VBUS_CALL + 4), LGUEST_TOKEN_UNKNOWN,
	   "a call has to be at a multiple of 8");
	is(virtio_call(&vbus.bus, VBUS_RAM), LGUEST_TOKEN_UNKNOWN,
	   "a call out of RAM is none");
	is(virtio_call(&vbus.bus, VBUS_RAM - 80), LGUEST_TOKEN_UNKNOWN,
	   "nor is one whose end is");
	is(virtio_call(&vbus.bus, (1ULL << 56) - 8), LGUEST_TOKEN_UNKNOWN,
	   "nor one at the largest address of all");
	if (guest_mem_write(&vbus.mem, VBUS_RAM - sizeof(probe), &probe,
			    sizeof(probe)) < 0)
		bail_out("RAM cannot be written");
	is(virtio_call(&vbus.bus, VBUS_RAM - sizeof(probe)), 0,
	   "one at the very end of it is one");
	comes_to(ask(0, 0, 0), -ENOSYS, "there is no op 0");
	comes_to(ask(13, 0, 0), -ENOSYS, "nor one after the last");
	comes_to(ask(~0U, 0, 0), -ENOSYS, "nor the largest");
}

static void test_probe(void)
{
	comes_to(ask(LGUEST_VIRTIO_PROBE, 5, 5), 0, "a slot is probed");
	is(vbus.words[0], ID, "its device has an ID");
	is(vbus.words[1], 1, "and a serial");
	is(vbus.words[2], 2, "queues");
	is(vbus.words[3], 10, "and bytes of configuration");
	comes_to(vbus_ask(&vbus, LGUEST_VIRTIO_PROBE, 0, 5, 0), 0,
		 "an empty slot is probed");
	is(vbus.words[0], 0, "and says that it is");
}

static int get_config(uint32_t index, uint32_t bytes)
{
	return vbus_call(&vbus, (struct lguest_virtio_call){
					.op = LGUEST_VIRTIO_GET_CONFIG,
					.slot = SLOT,
					.index = index,
					.bytes = bytes,
				});
}

static int set_config(uint32_t index, uint32_t bytes)
{
	struct lguest_virtio_call call = {
		.op = LGUEST_VIRTIO_SET_CONFIG,
		.slot = SLOT,
		.index = index,
		.bytes = bytes,
	};

	memset(call.word, 'x', 48);
	return vbus_call(&vbus, call);
}

static void test_config(void)
{
	comes_to(get_config(0, 10), 0, "configuration is read");
	ok(!memcmp(vbus.words, "0123456789", 10), "as it is");
	is(vbus.words[6], 0, "with its generation");
	virtio_config_changed(&dev.dev);
	comes_to(get_config(9, 1), 0, "its last byte is read");
	is(vbus.words[0], '9', "... alone");
	is(vbus.words[6], 1, "and its generation has changed");
	comes_to(get_config(10, 1), -EINVAL, "there is no byte after it");
	comes_to(get_config(9, 2), -EINVAL, "nor in one piece with it");
	comes_to(get_config(~0U, 2), -EINVAL, "nor around the corner");
	comes_to(get_config(0, 49), -EINVAL, "a call has room for 48");
	comes_to(get_config(10, 0), 0, "nothing at the end is nothing wrong");
	comes_to(set_config(2, 3), 0, "configuration is written");
	ok(dev.set_at == 2 && dev.set_len == 3 &&
		   !memcmp(dev.config, "01xxx56789", 10),
	   "and the device knows where");
	dev.set_result = -EPERM;
	comes_to(set_config(0, 10), -EPERM, "unless it will not have it");
	ok(!memcmp(dev.config, "01xxx56789", 10), "and then it is as it was");
	comes_to(set_config(9, 2), -EINVAL,
		 "nothing is written behind its end");
}

/* ---- the steps ---- */

static void test_steps(void)
{
	comes_to(ask(LGUEST_VIRTIO_SET_FEATURES, VERSION_1, 0), -EBUSY,
		 "no features before there is a driver");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 2, 0), -EINVAL,
		 "no driver before it acknowledges");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 1, 0), 0, "it does");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 9, 0), -EINVAL,
		 "no FEATURES_OK before there is a driver");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 3, 0), 0, "there is");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 7, 0), -EINVAL,
		 "no DRIVER_OK before FEATURES_OK");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 15, 0), -EINVAL,
		 "not even at once");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 2, 0), -EINVAL,
		 "no step goes back");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 0x43, 0), -EINVAL,
		 "a driver cannot say NEEDS_RESET");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 0x13, 0), -EINVAL,
		 "or what has no meaning");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 0x103, 0), -EINVAL,
		 "or what is ours");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 3 | 1ULL << 32, 0), -EINVAL,
		 "or what does not fit");
	is(status(), 3, "and it has not");
}

static void test_features(void)
{
	static const struct {
		uint64_t low, high;
		const char *what;
	} bad[] = {
		{ 0, 0, "nothing" },
		{ 1, 0, "no VERSION_1" },
		{ VERSION_1 | 2, 0, "a feature that is not offered" },
		{ VERSION_1, 1, "one of the upper 64" },
	};
	unsigned int i;

	comes_to(ask(LGUEST_VIRTIO_GET_FEATURES, 0, 0), 0,
		 "features are offered");
	ok(vbus.words[0] & VERSION_1 && vbus.words[0] & 1 && !vbus.words[1],
	   "those of the device and those of rings");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ask(LGUEST_VIRTIO_SET_FEATURES, bad[i].low, bad[i].high);
		ask(LGUEST_VIRTIO_SET_STATUS, 11, 0);
		is(status(), 3, "FEATURES_OK does not stay set for %s",
		   bad[i].what);
	}
	comes_to(ask(LGUEST_VIRTIO_SET_FEATURES, VERSION_1 | 1, 0), 0,
		 "what is offered is wanted");
	comes_to(vbus_queue(&vbus, SLOT, 0, 8, 0x1000, 40), -EBUSY,
		 "no queue before that is settled");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 11, 0), 0, "FEATURES_OK");
	is(status(), 11, "stays set");
	comes_to(ask(LGUEST_VIRTIO_SET_FEATURES, VERSION_1, 0), -EBUSY,
		 "and then it is settled");
	ok(virtio_has(&dev.dev, 0) && !virtio_has(&dev.dev, 1),
	   "the device knows what");
}

static int get_queue(uint32_t index)
{
	return vbus_call(&vbus, (struct lguest_virtio_call){
					.op = LGUEST_VIRTIO_GET_QUEUE,
					.slot = SLOT,
					.index = index,
				});
}

static int set_vector(uint32_t index, uint64_t vcpu, uint64_t vector)
{
	return vbus_call(&vbus, (struct lguest_virtio_call){
					.op = LGUEST_VIRTIO_QUEUE_VECTOR,
					.slot = SLOT,
					.index = index,
					.word = { vcpu, vector },
				});
}

/* Vcpu and vector, by whatever call: how many that cannot be were let be. */
static unsigned int bad_vectors(int (*call)(uint64_t vcpu, uint64_t vector))
{
	static const uint64_t bad[][2] = {
		{ 0, 31 },
		{ 0, 256 },
		{ 0, 1 },
		{ VBUS_VCPUS, 40 },
		{ 1, 0 },
		{ 1ULL << 32, 40 },
		{ 0, 40 | 1ULL << 32 },
	};
	unsigned int i, wrong = 0;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		wrong += call(bad[i][0], bad[i][1]) != -EINVAL;
	return wrong;
}

static int by_queue(uint64_t vcpu, uint64_t vector)
{
	return vbus_call(&vbus, (struct lguest_virtio_call){
					.op = LGUEST_VIRTIO_SET_QUEUE,
					.slot = SLOT,
					.word = { 8, 0x1000, 0x2000, 0x3000,
						  vcpu, vector },
				});
}

static int by_queue_vector(uint64_t vcpu, uint64_t vector)
{
	return set_vector(0, vcpu, vector);
}

static int by_config(uint64_t vcpu, uint64_t vector)
{
	return ask(LGUEST_VIRTIO_CONFIG_VECTOR, vcpu, vector);
}

static int by_listen(uint64_t vcpu, uint64_t vector)
{
	return vbus_ask(&vbus, LGUEST_VIRTIO_LISTEN, 0, vcpu, vector);
}

static void test_queues(void)
{
	comes_to(get_queue(0), 0, "a queue is asked for");
	is(vbus.words[0], VQ_SIZE_MAX, "it may be as large as any");
	get_queue(1);
	is(vbus.words[0], 16, "another as large as its device wants");
	get_queue(2);
	is(vbus.words[0], 0, "one that is not there has no size");
	get_queue(~0U);
	is(vbus.words[0], 0, "nor has the largest number");
	comes_to(vbus_queue(&vbus, SLOT, 2, 8, 0x1000, 40), -ENOENT,
		 "nor can it be set up");
	comes_to(vbus_queue(&vbus, SLOT, 0, 0, 0x1000, 40), -EINVAL,
		 "a queue has a size");
	comes_to(vbus_queue(&vbus, SLOT, 1, 17, 0x1000, 40), -EINVAL,
		 "which is not too large");
	is(bad_vectors(by_queue), 0, "and vectors that there are");
	comes_to(set_vector(0, 0, 40), -ENOENT,
		 "one that is not set up has no vector");
	vbus.wire_result = -ENOSPC;
	comes_to(vbus_queue(&vbus, SLOT, 0, 8, 0x1000, 40), -ENOSPC,
		 "where lg.ko has no room there is no queue");
	comes_to(set_vector(0, 0, 40), -ENOENT, "not even half of one");
	vbus.wire_result = 0;
	comes_to(vbus_queue(&vbus, SLOT, 0, 8, 0x1000, 40), 0,
		 "a queue is set up");
	comes_to(vbus_queue(&vbus, SLOT, 0, 8, 0x4000, 41), 0, "and once more");
	is(dev.vqs[0].state->desc, 0x4000, "the last word counts");
	is(bad_vectors(by_queue_vector), 0, "its vector is one there is");
	is(bad_vectors(by_config), 0, "and so is the configuration's");
	is(bad_vectors(by_listen), 0, "and the listener's");
	comes_to(set_vector(0, 1, 50), 0, "another vector");
	ok(dev.vqs[0].state->vcpu == 1 && dev.vqs[0].state->vector == 50,
	   "is what it has");
	comes_to(set_vector(0, 0, 0), 0, "none is one, too");
	is(virtio_kick(&vbus.bus, LGUEST_VIRTIO_KICK_ARG(SLOT, 0)), 0,
	   "it is kicked");
	is(virtio_kick(&vbus.bus, LGUEST_VIRTIO_KICK_ARG(SLOT, 1)),
	   LGUEST_TOKEN_UNKNOWN, "one that is not set up is not");
	is(virtio_kick(&vbus.bus, LGUEST_VIRTIO_KICK_ARG(SLOT, 2)),
	   LGUEST_TOKEN_UNKNOWN, "nor one that is not there");
	is(virtio_kick(&vbus.bus, LGUEST_VIRTIO_KICK_ARG(SLOT + 1, 0)),
	   LGUEST_TOKEN_UNKNOWN, "nor one of no device");
	is(virtio_kick(&vbus.bus, LGUEST_VIRTIO_KICK_ARG(1ULL << 39, 0)),
	   LGUEST_TOKEN_UNKNOWN, "nor one of a slot that cannot be");
	vbus_turn(&vbus);
	is(dev.kicks, 0, "before DRIVER_OK nobody hears of it");
}

/* ---- it runs ---- */

static void test_running(void)
{
	comes_to(vbus_run(&vbus, SLOT), 0, "DRIVER_OK");
	is(status(), 15, "is what it is");
	ok(started == 1 && dev.starts == 1, "queues that are set up start");
	vbus_turn(&vbus);
	is(dev.kicks, 1, "the kick is heard now");
	comes_to(vbus_run(&vbus, SLOT), 0, "said twice");
	is(dev.starts, 1, "it is done once");
	comes_to(vbus_queue(&vbus, SLOT, 1, 8, 0x1000, 40), -EBUSY,
		 "no queue comes later");
	dev.more = 2;
	virtio_kick(&vbus.bus, LGUEST_VIRTIO_KICK_ARG(SLOT, 0));
	vbus_turn(&vbus);
	is(dev.kicks, 2, "one that is not done yet has had its turn");
	vbus_turn(&vbus);
	vbus_turn(&vbus);
	is(dev.kicks, 4, "and has others later, without a kick");
	vbus_turn(&vbus);
	is(dev.kicks, 4, "until it is done");
}

static void test_failure(void)
{
	ask(LGUEST_VIRTIO_CONFIG_VECTOR, 0, 77);
	virtio_fail(&dev.dev, "queue %d: first", 0);
	virtio_fail(&dev.dev, "queue %d: second", 1);
	is(status(), 0x4f, "a device that failed says NEEDS_RESET");
	is_str(dev.dev.state->why, "queue 0: first", "the first reason counts");
	is(vbus.interrupts[77], 1, "the driver is told, once");
	dev.kicks = 0;
	virtio_kick(&vbus.bus, LGUEST_VIRTIO_KICK_ARG(SLOT, 0));
	vbus_turn(&vbus);
	is(dev.kicks, 0, "kicks go nowhere");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 0xcf, 0), 0,
		 "the driver gives up");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 0, 0), 0, "a reset");
	is(status(), 0, "is over at once");
	ok(dev.resets == 1 && stopped == 1, "the device and its queue know");
	is_str(dev.dev.state->why, "", "there is nothing wrong any more");
	is(vbus.idle, 1, "and the bus knows");
	virtio_fail(&dev.dev, "again");
	is(vbus.interrupts[77], 1, "nor has it a vector");
	ask(LGUEST_VIRTIO_SET_STATUS, 0, 0);
}

static void test_bad_start(void)
{
	vbus_up(&vbus, SLOT, VERSION_1);
	vbus_queue(&vbus, SLOT, 0, 8, 0x1000, 40);
	start_result = -EINVAL;
	comes_to(vbus_run(&vbus, SLOT), 0, "a queue that cannot start");
	start_result = 0;
	is(status(), 0x4f, "is a device that needs a reset");
	is_str(dev.dev.state->why, "queue 0: it is bad", "for its own reason");
	is(dev.starts, 1, "it has not started");
	ask(LGUEST_VIRTIO_SET_STATUS, 0, 0);
	is(status(), 0, "and can be reset");
}

static void test_late_reset(void)
{
	vbus_up(&vbus, SLOT, VERSION_1);
	vbus_queue(&vbus, SLOT, 0, 8, 0x1000, 40);
	vbus_run(&vbus, SLOT);
	dev.resets_later = true;
	dev.resets = 0;
	stopped = 0;
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 0, 0), 0,
		 "a reset that takes time");
	is(status(), 15, "is not over yet");
	is(stopped, 0, "nor are its queues");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 0, 0), 0, "another");
	is(dev.resets, 1, "is the same");
	comes_to(ask(LGUEST_VIRTIO_SET_STATUS, 1, 0), -EBUSY,
		 "no step before it is over");
	comes_to(ask(LGUEST_VIRTIO_SET_FEATURES, VERSION_1, 0), -EBUSY,
		 "of any kind");
	virtio_reset_done(&dev.dev);
	is(status(), 0, "now it is");
	is(stopped, 1, "and so are its queues");
	virtio_reset_done(&dev.dev);
	is(stopped, 1, "which happens once");
}

/* ---- we die, and another comes ---- */

static void bring_up(void)
{
	vbus_up(&vbus, SLOT, VERSION_1);
	vbus_queue(&vbus, SLOT, 0, 8, 0x1000, 40);
	vbus_run(&vbus, SLOT);
}

static void test_restart(void)
{
	bring_up();
	dev.resets = 0;
	vbus_restart(&vbus);
	ok(dev.detaches == 1 && dev.destroys == 1 && dev.resets == 0,
	   "who goes lets go of a device as it is");
	comes_to(virtio_adopt(&vbus.bus, make(), SLOT), 0,
		 "who comes adopts it");
	is(status(), 15, "it is as it was");
	ok(started == 1 && dev.starts == 1, "its queue starts");
	vbus_turn(&vbus);
	is(dev.kicks, 1, "and counts as kicked");
	is(vbus_signals(&vbus, SLOT, 0), 1, "and is signalled");
	ask(LGUEST_VIRTIO_PROBE, 0, 0);
	is(vbus.words[1], 1, "it is the same device still");

	vbus_restart(&vbus);
	make();
	dev.resumes_later = true;
	comes_to(virtio_adopt(&vbus.bus, &dev.dev, SLOT), 0, "one that waits");
	is(dev.starts, 0, "does not start");
	virtio_resume(&dev.dev);
	is(dev.starts, 1, "before it may");
	virtio_resume(&dev.dev);
	is(dev.starts, 1, "and that once");
}

static void test_restart_broken(void)
{
	virtio_fail(&dev.dev, "it is bad");
	vbus_restart(&vbus);
	comes_to(virtio_adopt(&vbus.bus, make(), SLOT), 0,
		 "a failed one is adopted");
	is(status(), 0x4f, "as it is");
	is(dev.starts, 0, "and does not start");
	ask(LGUEST_VIRTIO_SET_STATUS, 0, 0);
	bring_up();
	dev.resets_later = true;
	ask(LGUEST_VIRTIO_SET_STATUS, 0, 0);
	vbus_restart(&vbus);
	comes_to(virtio_adopt(&vbus.bus, make(), SLOT), 0,
		 "one in the middle of a reset is adopted");
	is(status(), 0, "and it is over");
	ask(LGUEST_VIRTIO_SET_STATUS, 1, 0);
	ask(LGUEST_VIRTIO_SET_STATUS, 3, 0);
	ask(LGUEST_VIRTIO_SET_FEATURES, 1ULL << 63, 0);
	vbus_restart(&vbus);
	comes_to(virtio_adopt(&vbus.bus, make(), SLOT), 0,
		 "one whose driver wishes for what there is not is adopted");
	vbus_restart(&vbus);
	make();
	dev.dev.queue_count = 1;
	comes_to(virtio_adopt(&vbus.bus, &dev.dev, SLOT), -EINVAL,
		 "another device is not adopted for it");
}

int main(void)
{
	vbus_start(&vbus);
	vbus_add(&vbus, make(), SLOT);
	test_places();
	test_spare();
	test_probe();
	test_config();
	test_steps();
	test_features();
	test_queues();
	test_running();
	test_failure();
	test_bad_start();
	test_late_reset();
	test_restart();
	test_restart_broken();
	vbus_stop(&vbus);
	return tap_end();
}
