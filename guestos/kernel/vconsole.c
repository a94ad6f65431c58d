// SPDX-License-Identifier: GPL-2.0-only
/*
 * vconsole.c - hvc0, the other half of daemon/virtio/console.c
 *
 * When there is such a device, the console and input go through it from then on:
 * no exit for each sixteen characters, and none for each that is typed.  Text may
 * be printed from anywhere, so whoever finds all buffers in use looks until one
 * is given back, and nobody sleeps for it.
 *
 * A panic does not come here.  It has the early console, which needs nothing.
 *
 * Next: guestos/kernel/blk.c
 */
#include "virtio.h"

#define RECEIVE  0
#define TRANSMIT 1

#define OUT_BYTES 512
#define OUT_COUNT 16
#define IN_COUNT  4

struct out {
	char text[OUT_BYTES];
};

struct in {
	u8 *page;
	u32 bytes, at;
};

static struct virtio console;
static struct virtq in_vq, out_vq;
static struct out *outs[OUT_COUNT]; /* console_lock: those that are free */
static u32 free_outs;
static struct in ins[IN_COUNT], *current_in; /* input's only reader */

/* ---- out ---- */

static struct out *take_out(void)
{
	struct out *out;

	while ((out = virtq_take(&out_vq, NULL)) != NULL)
		outs[free_outs++] = out;
	return free_outs ? outs[--free_outs] : NULL;
}

/* Caller is console.c, who lets in one at a time. */
static void write_text(const char *text, size_t len)
{
	struct virtq_buf buf = { .device_writes = 0 };

	while (len) {
		struct out *out = take_out();

		if (!out) {
			virtq_kick(&out_vq);
			asm volatile("pause");
			continue;
		}
		buf.addr = out;
		buf.bytes = len < OUT_BYTES ? (u32)len : OUT_BYTES;
		memcpy(out->text, text, buf.bytes);
		virtq_add(&out_vq, &buf, 1, out);
		text += buf.bytes;
		len -= buf.bytes;
	}
	virtq_kick(&out_vq);
}

/* ---- in ---- */

static void offer(struct in *in)
{
	const struct virtq_buf buf = { in->page, PAGE_BYTES, 1 };

	in->at = 0;
	virtq_add(&in_vq, &buf, 1, in);
	virtq_kick(&in_vq);
}

static int get_char(void)
{
	u32 bytes = 0;

	if (!current_in) {
		current_in = virtq_take(&in_vq, &bytes);
		if (!current_in)
			return -1;
		current_in->bytes = bytes < PAGE_BYTES ? bytes : PAGE_BYTES;
	}
	if (current_in->at < current_in->bytes)
		return current_in->page[current_in->at++];
	offer(current_in);
	current_in = NULL;
	return get_char();
}

static void on_input(struct virtq *vq)
{
	(void)vq;
	input_came();
}

/* ---- */

static int start(void)
{
	int r = virtio_begin(&console, 0);

	if (r == 0)
		r = virtq_init(&in_vq, &console, RECEIVE, on_input);
	if (r == 0)
		r = virtq_init(&out_vq, &console, TRANSMIT, NULL);
	virtq_quiet(&out_vq);
	return r < 0 ? r : virtio_run(&console);
}

void vconsole_init(void)
{
	u32 i;

	if (virtio_find(&console, VIRTIO_CONSOLE, 0) < 0)
		return;
	if (start() < 0) {
		printk("hvc0: slot %u: it does not start\n", console.slot);
		return;
	}
	for (i = 0; i < OUT_COUNT; i++) {
		/* A page has room for some. */
		if (i % (PAGE_BYTES / OUT_BYTES) == 0)
			outs[i] = page_alloc();
		else
			outs[i] = outs[i - 1] + 1;
	}
	free_outs = OUT_COUNT;
	printk("hvc0: slot %u\n", console.slot);
	console_use(write_text);
	for (i = 0; i < IN_COUNT; i++) {
		ins[i].page = page_alloc();
		offer(&ins[i]);
	}
	input_use(get_char);
}
