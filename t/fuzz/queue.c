// SPDX-License-Identifier: GPL-2.0-only
/*
 * queue.c - a ring in which anything may stand, at any time
 *
 * libFuzzer makes up what a guest writes into its ring and its tables, and what
 * the device does meanwhile: it takes chains, gives them back in any order, puts
 * them back, and is now and then another daemon, which takes over.  Whatever was
 * written:
 *
 *	- a chain is RAM, all of it, what is read before what is written;
 *	- its head is one of the ring's, and of no other chain in flight;
 *	- who takes over gets what was in flight, oldest first, before the rest,
 *	  but for what the ring says was published;
 *	- a queue that has failed has said why, and gives no more.
 *
 * The sanitizers look for everything else, and behind the end of RAM, and before
 * its beginning, there is nothing.
 *
 * Start at LLVMFuzzerTestOneInput().
 */
#define _GNU_SOURCE
#include <assert.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "../../daemon/virtio/virtio.h"

#define RAM_BYTES 0x10000U
#define RING      0x1000U
#define DRIVER    0x3000U
#define DEVICE    0x4000U
#define TABLES    0x5000U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct guest_mem mem;
static struct virtio_dev dev = { .mem = &mem };
static struct vq_state state;
static struct vq vq;
static struct vq_chain chain;
static uint64_t features;
static unsigned int failures;

/* What we have popped and not given back, oldest first; and filled, of these. */
static uint16_t out[VQ_SIZE_MAX];
static bool filled[VQ_SIZE_MAX];
static unsigned int out_count, again; /* how many of them are to come again */

void virtio_fail(struct virtio_dev *failed, const char *fmt, ...)
{
	char text[256];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	assert(failed == &dev && len > 0 && (size_t)len < sizeof(text));
	failures++;
}

/* ---- what the fuzzer wants ---- */

static const uint8_t *input, *input_end;

static uint8_t byte(void)
{
	return input < input_end ? *input++ : 0;
}

static uint16_t word(void)
{
	uint16_t low = byte();

	return (uint16_t)(low | byte() << 8);
}

static char *ram(uint64_t gpa)
{
	return guest_mem_ptr(&mem, gpa, 1);
}

/* ---- the guest ---- */

/* Anything, anywhere in the areas and tables. */
static void scribble(void)
{
	uint64_t at = RING + word() % (TABLES + 0x1000 - RING);
	unsigned int count = byte() % 16;

	while (count--)
		*ram(at++) = (char)byte();
}

/* A descriptor that is nearly right, in the ring or in a table. */
static void describe(void)
{
	uint8_t kind = byte(), index = byte();
	uint64_t table = kind & 64 ? TABLES : RING;
	struct vring_desc desc = {
		.addr = word(),
		.len = byte(),
		.flags = kind & 7,
		.next = byte(),
	};
	uint16_t flags = word();

	if (desc.flags & VRING_DESC_F_INDIRECT) {
		desc.addr = TABLES;
		desc.len = desc.len % 20 * 16;
	}
	if (kind & 8)
		desc.addr = RAM_BYTES - desc.len;
	if (features >> VIRTIO_F_RING_PACKED & 1) {
		flags = (uint16_t)((flags & 0x8080) | desc.flags);
		desc.flags = desc.next;
		desc.next = flags;
	}
	memcpy(ram(table + 16UL * index), &desc, sizeof(desc));
}

/* One more chain, as a driver would say it. */
static void offer(void)
{
	struct vring_avail *avail = (void *)ram(DRIVER);
	uint8_t index = byte();

	if (features >> VIRTIO_F_RING_PACKED & 1) {
		struct vring_packed_desc *desc = (void *)ram(RING);
		uint16_t at = vq.next_avail & 0x7fff;

		desc[at].id = index;
		desc[at].flags =
			(uint16_t)((desc[at].flags & 7) |
				   (vq.next_avail & 0x8000 ? 0x80 : 0x8000));
		return;
	}
	avail->ring[avail->idx++ % vq.size] = index;
}

/* ---- the device ---- */

static void check_chain(void)
{
	unsigned int i, parts = chain.reads + chain.writes;
	size_t bytes[2] = { 0, 0 };

	assert(parts && parts <= VQ_CHAIN_MAX);
	for (i = 0; i < parts; i++) {
		const char *at = chain.iov[i].iov_base;
		size_t len = chain.iov[i].iov_len;

		assert(len && at >= ram(0) && len <= RAM_BYTES &&
		       at + len <= ram(0) + RAM_BYTES);
		bytes[i >= chain.reads] += len;
	}
	assert(bytes[0] == chain.read_bytes && bytes[1] == chain.write_bytes);
	assert(chain.head < vq.size);
}

static void use_chain(void)
{
	char text[64];
	size_t offset = word(), len = byte() % sizeof(text);
	size_t left = offset < chain.read_bytes ? chain.read_bytes - offset : 0;

	assert(chain_get(&chain, offset, text, len) ==
	       (len < left ? len : left));
	left = offset < chain.write_bytes ? chain.write_bytes - offset : 0;
	memset(text, 0x5a, sizeof(text));
	assert(chain_put(&chain, offset, text, len) ==
	       (len < left ? len : left));
}

static void pop(void)
{
	int r = vq_pop(&vq, &chain);
	unsigned int i;

	assert(r == 1 || r == 0 || (r < 0 && vq.broken && failures == 1));
	if (r != 1)
		return;
	check_chain();
	if (again) {
		assert(out[out_count - again] == chain.head);
		again--;
	} else {
		for (i = 0; i < out_count; i++)
			assert(out[i] != chain.head);
		assert(out_count < vq.size);
		out[out_count++] = chain.head;
	}
	if (byte() & 1)
		use_chain();
}

static void unpop(void)
{
	unsigned int last = out_count - again - 1;

	if (again == out_count || filled[out[last]])
		return;
	chain.head = out[last];
	vq_unpop(&vq, &chain);
	again++;
}

static void publish(void)
{
	unsigned int i, left = 0;

	vq_publish(&vq);
	for (i = 0; i < out_count; i++)
		if (filled[out[i]])
			filled[out[i]] = false;
		else
			out[left++] = out[i];
	out_count = left;
}

static void fill(void)
{
	unsigned int held = out_count - again;
	uint16_t head;

	if (!held || vq.broken)
		return;
	head = out[byte() % held];
	if (filled[head])
		return;
	vq_fill(&vq, head, byte());
	filled[head] = true;
}

/*
 * What was filled comes again, or all of it is done: that is the one thing that
 * only guest memory knows, and there a guest may lie, at its own cost.
 */
static void recount(void)
{
	unsigned int i, left = 0, done = 0, were_filled = 0;

	for (i = 0; i < out_count; i++) {
		were_filled += filled[out[i]];
		if (state.flight[out[i]].seq) {
			out[left++] = out[i];
			continue;
		}
		assert(filled[out[i]]);
		done++;
	}
	assert(!done || done == were_filled);
	out_count = again = left;
	memset(filled, 0, sizeof(filled));
}

/* Somebody else takes over: false if the guest has spoiled it. */
static bool restart(void)
{
	struct vq next = {
		.dev = &dev,
		.state = &state,
		.kick_fd = -1,
		.call_fd = -1,
	};
	int r;

	vq = next;
	r = vq_start(&vq, features);
	assert(r == 0 || (vq.broken && failures == 1));
	if (r == 0)
		recount();
	return r == 0;
}

static bool start(void)
{
	uint8_t what = byte();

	features = (what & 1 ? 1ULL << VIRTIO_F_RING_PACKED : 0) |
		   (what & 2 ? 1ULL << VIRTIO_RING_F_EVENT_IDX : 0) |
		   (what & 4 ? 1ULL << VIRTIO_RING_F_INDIRECT_DESC : 0);
	memset(&state, 0, sizeof(state));
	state.desc = RING;
	state.driver = DRIVER;
	state.device = DEVICE;
	state.size = what & 1 ? 1 + (what >> 3) : 1 << (what >> 3) % 9;
	if (what == 255) {
		state.desc = word() * 16UL;
		state.size = word();
	}
	out_count = failures = 0;
	memset(filled, 0, sizeof(filled));
	return restart();
}

static bool act(void)
{
	switch (byte() % 12) {
	case 0:
		scribble();
		break;
	case 1:
	case 2:
		describe();
		break;
	case 3:
	case 4:
		offer();
		break;
	case 5:
	case 6:
		pop();
		break;
	case 7:
		unpop();
		break;
	case 8:
		fill();
		break;
	case 9:
		publish();
		break;
	case 10:
		vq_signal(&vq);
		break;
	default:
		assert(!(vq_has_more(&vq) && vq.broken));
		return byte() & 1 || restart();
	}
	return !vq.broken;
}

/* There is nothing on either side of it to fall into. */
static void make_ram(void)
{
	char *room = mmap(NULL, RAM_BYTES + 0x2000, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert(room != MAP_FAILED);
	assert(guest_mem_create(&mem, "fuzz", RAM_BYTES) == 0);
	assert(mremap(mem.base, RAM_BYTES, RAM_BYTES,
		      MREMAP_MAYMOVE | MREMAP_FIXED,
		      room + 0x1000) == room + 0x1000);
	mem.base = room + 0x1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = data;
	input_end = data + size;
	if (!mem.base)
		make_ram();
	memset(ram(0), 0, TABLES + 0x1000);
	if (!start())
		return 0;
	while (input < input_end && act())
		;
	return 0;
}
