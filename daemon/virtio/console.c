// SPDX-License-Identifier: GPL-2.0-only
/*
 * console.c - hvc0: text in both directions
 *
 * One port, two queues: buffers that the guest wants filled with what is typed,
 * and buffers with what it prints.  Where that goes and comes from is the host's
 * business, who is behind struct vconsole_host.
 *
 * What is printed is printed once, though we may be killed at any moment.  A
 * piece of a buffer goes to the host, whose count of bytes outlives us; before
 * it does, the place in the buffer and that count are put down in shared memory.
 * Who comes after us subtracts, and knows how much of the buffer was printed.
 *
 * What must never happen: that a guest prints and nobody else has a turn.  A turn
 * is TURN_MAX bytes.  Nor that what is typed is taken from the host when the
 * guest has no room for it: it stays where it is, and so does who types.
 *
 * Next: daemon/virtio/balloon.c
 */
#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>

#include "virtio.h"

#define RECEIVE  0 /* queues */
#define TRANSMIT 1

#define PIECE_MAX  4096
#define TURN_MAX   65536
#define LAST_TURNS 16 /* of a guest that is over */

/* Where a piece of a buffer began. */
struct place {
	uint64_t seq; /* of the buffer, as the queue counts them; 0: none */
	uint64_t head;
	uint64_t done; /* bytes of it before this piece */
	uint64_t printed; /* the host's count then */
};

struct keep {
	struct place places[2];
	uint32_t which; /* counts; the other may be half written */
	uint16_t columns, rows; /* of who looks at it; 0: nobody has said */
};

_Static_assert(sizeof(struct keep) <= VIRTIO_KEEP_BYTES, "it fits");

struct vconsole {
	struct virtio_dev dev;
	struct vq vqs[2];
	struct virtio_console_config config;
	struct vconsole_host host;
	struct vq_chain chain; /* what is being printed */
	size_t done; /* bytes of it */
	bool busy;
	struct place resumed; /* of the buffer that a daemon before us had */
};

static struct vconsole *vconsole_of(struct virtio_dev *dev)
{
	return (struct vconsole *)dev; /* its first member */
}

static struct keep *keep_of(struct vconsole *console)
{
	return (struct keep *)console->dev.state->keep;
}

/* ---- out ---- */

static void put_down(struct vconsole *console)
{
	const struct vq_state *state = console->vqs[TRANSMIT].state;
	struct keep *keep = keep_of(console);
	uint32_t other = !keep->which;

	keep->places[other] = (struct place){
		.seq = state->flight[console->chain.head].seq,
		.head = console->chain.head,
		.done = console->done,
		.printed = console->host.printed(console->host.arg),
	};
	__atomic_store_n(&keep->which, other, __ATOMIC_RELEASE);
}

/* The next piece; true if that was the last. */
static bool print_piece(struct vconsole *console)
{
	static char text[PIECE_MAX]; /* there is one thread */
	size_t len;

	len = chain_get(&console->chain, console->done, text, sizeof(text));
	if (len) {
		put_down(console);
		console->host.print(console->host.arg, text, len);
		console->done += len;
	}
	return len < sizeof(text);
}

/* How much of this buffer has been printed before our time? */
static size_t printed_before(struct vconsole *console)
{
	struct place *place = &console->resumed;
	size_t done = (size_t)place->done;

	if (!place->seq || place->head != console->chain.head)
		return 0;
	place->seq = 0; /* what a head is used for later is another */
	return done < console->chain.read_bytes ? done
						: console->chain.read_bytes;
}

static int next_buffer(struct vconsole *console)
{
	int r;

	if (console->busy)
		return 1;
	r = vq_pop(&console->vqs[TRANSMIT], &console->chain);
	if (r <= 0)
		return r;
	console->busy = true;
	console->done = printed_before(console);
	return 1;
}

static bool print(struct vconsole *console)
{
	struct vq *vq = &console->vqs[TRANSMIT];
	size_t pieces = 0;
	unsigned int i = 0;
	int r = 1;

	while (i < VQ_BATCH && pieces < TURN_MAX / PIECE_MAX) {
		r = next_buffer(console);
		if (r <= 0)
			break;
		pieces++;
		if (!print_piece(console))
			continue;
		console->busy = false;
		vq_push(vq, console->chain.head, 0);
		i++;
	}
	vq_signal(vq);
	return r > 0;
}

/* ---- in ---- */

static bool take_input(struct vconsole *console)
{
	static struct vq_chain chain; /* it is large, and there is one thread */
	struct vq *vq = &console->vqs[RECEIVE];
	char text[512];
	unsigned int i;
	size_t len;
	int r = 1;

	for (i = 0; i < VQ_BATCH; i++) {
		if (!console->host.has_input(console->host.arg))
			break;
		r = vq_pop(vq, &chain);
		if (r <= 0)
			break;
		len = chain.write_bytes < sizeof(text) ? chain.write_bytes
						       : sizeof(text);
		len = console->host.read(console->host.arg, text, len);
		vq_push(vq, chain.head, chain_put(&chain, 0, text, len));
	}
	vq_signal(vq);
	return i == VQ_BATCH && r > 0;
}

static bool is_up(const struct virtio_dev *dev, unsigned int queue)
{
	return dev->running && dev->vqs[queue].state->size &&
	       !dev->vqs[queue].broken;
}

void vconsole_input(struct virtio_dev *dev)
{
	if (is_up(dev, RECEIVE) && take_input(vconsole_of(dev)))
		virtio_again(&dev->vqs[RECEIVE]);
}

bool vconsole_listens(const struct virtio_dev *dev)
{
	return is_up(dev, RECEIVE);
}

void vconsole_resize(struct virtio_dev *dev, uint16_t columns, uint16_t rows)
{
	struct vconsole *console = vconsole_of(dev);

	console->config.cols = keep_of(console)->columns = columns;
	console->config.rows = keep_of(console)->rows = rows;
	virtio_config_changed(dev);
}

void vconsole_drain(struct virtio_dev *dev)
{
	unsigned int turns = LAST_TURNS;

	while (is_up(dev, TRANSMIT) && turns-- && print(vconsole_of(dev)))
		;
}

/* ---- the device ---- */

static bool console_on_kick(struct virtio_dev *dev, struct vq *vq)
{
	return vq->index == TRANSMIT ? print(vconsole_of(dev))
				     : take_input(vconsole_of(dev));
}

static void forget_places(struct vconsole *console)
{
	memset(keep_of(console), 0, offsetof(struct keep, columns));
}

/*
 * What the last piece put down, and what of that has been printed.  If its buffer
 * is still out, that is the first to come: buffers are printed one by one.
 */
static int console_start(struct virtio_dev *dev)
{
	struct vconsole *console = vconsole_of(dev);
	struct place place =
		keep_of(console)->places[keep_of(console)->which & 1];
	uint64_t now = console->host.printed(console->host.arg);
	const struct vq_state *state = console->vqs[TRANSMIT].state;

	console->busy = false;
	console->config.cols = keep_of(console)->columns;
	console->config.rows = keep_of(console)->rows;
	console->resumed.seq = 0;
	if (place.seq && place.head < VQ_SIZE_MAX &&
	    state->flight[place.head].seq == place.seq) {
		if (now > place.printed && now - place.printed <= PIECE_MAX)
			place.done += now - place.printed;
		console->resumed = place;
	} else {
		forget_places(console);
	}
	return 0;
}

static bool console_reset(struct virtio_dev *dev)
{
	struct vconsole *console = vconsole_of(dev);

	console->busy = false;
	console->resumed.seq = 0;
	forget_places(console);
	return true;
}

/* One character, of a driver that has no queues yet, or no hope. */
static int console_set_config(struct virtio_dev *dev, size_t offset, size_t len)
{
	struct vconsole *console = vconsole_of(dev);
	char byte = (char)console->config.emerg_wr;

	if (offset != offsetof(struct virtio_console_config, emerg_wr) ||
	    len != sizeof(console->config.emerg_wr))
		return -EPERM;
	console->config.emerg_wr = 0;
	console->host.print(console->host.arg, &byte, 1);
	return 0;
}

static void console_describe(struct virtio_dev *dev, void *json)
{
	const struct virtio_console_config *config = &vconsole_of(dev)->config;

	json_object_set_new(json, "columns", json_integer(config->cols));
	json_object_set_new(json, "rows", json_integer(config->rows));
}

static void console_destroy(struct virtio_dev *dev)
{
	free(dev);
}

static const struct virtio_ops console_ops = {
	.name = "console",
	.id = VIRTIO_ID_CONSOLE,
	.start = console_start,
	.on_kick = console_on_kick,
	.reset = console_reset,
	.set_config = console_set_config,
	.describe = console_describe,
	.destroy = console_destroy,
};

struct virtio_dev *vconsole_create(const struct vconsole_host *host)
{
	struct vconsole *console = calloc(1, sizeof(*console));

	if (!console)
		return NULL;
	console->host = *host;
	console->config.max_nr_ports = 1;
	console->dev.ops = &console_ops;
	strcpy(console->dev.label, "console");
	console->dev.queue_count = 2;
	console->dev.vqs = console->vqs;
	console->dev.config = &console->config;
	console->dev.config_bytes = sizeof(console->config);
	console->dev.offered = 1ULL << VIRTIO_CONSOLE_F_SIZE |
			       1ULL << VIRTIO_CONSOLE_F_EMERG_WRITE;
	return &console->dev;
}
