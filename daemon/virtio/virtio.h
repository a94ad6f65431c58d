/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio.h - rings, what all devices have in common, and each device
 *
 * Four layers, each of which knows only the next: the bus of a guest (bus.c of
 * the daemon) knows slots, transport.c a device and its registers, a device its
 * queues, and a queue descriptors, which nobody else ever sees.  A back end
 * knows files or frames, and no device.  None of them knows lg.ko: what it does
 * for us is behind struct virtio_bus_ops, so that a test can be the bus.
 *
 * One thread; nothing blocks.  An int is 0 or a negative errno.  A guest that
 * breaks the rules costs that device a reset: virtio_fail() has the reason.
 *
 * What a daemon after us must know lies in shared memory (state.c) and is
 * written there and nowhere else, so that to be killed loses nothing.
 */
#ifndef VIRTIO_H
#define VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include <lguest/virtio.h>

#include "../guest_mem.h"

struct virtio_bus;
struct virtio_dev;
struct vq;

/* ---- state.c: what outlives us, of a guest's devices ---- */

#define VIRTIO_STATE_VERSION 1

#define VQ_SIZE_MAX 256 /* descriptors in a ring */
#define VQ_CHAIN_MAX \
	258 /* parts of a chain: Linux's 256, a head and a status */

/* A chain that was popped and is not published yet, by its head or buffer id. */
struct vq_flight {
	uint64_t seq; /* order of popping, 0: not in flight */
	uint16_t filled_at; /* the place of its used element */
	uint16_t count; /* places it takes: 1, or of packed rings descriptors */
	uint16_t saved; /* packed: the first of them in vq_state.saved */
	uint8_t filled; /* that element is written, and perhaps published */
	uint8_t reserved;
};

/* A descriptor of a packed ring, whose place may be taken before it is served. */
struct vq_saved {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/*
 * All zero but where the driver's areas are, size and vector: never started.
 * From started on it is queue.c's, which has the order in which it is written.
 */
struct vq_state {
	uint64_t desc, driver, device; /* gpa */
	uint32_t vcpu, vector; /* vector 0: none */
	uint16_t size; /* 0: not set up */
	uint16_t started;
	uint16_t next_used; /* packed: the wrap counter is bit 15 */
	uint16_t reserved;
	struct vq_flight flight[VQ_SIZE_MAX];
	struct vq_saved saved[VQ_SIZE_MAX];
};

#define VIRTIO_LABEL_MAX 16

/* Room for what a kind of device wants to keep: its own struct fits in. */
#define VIRTIO_KEEP_BYTES 1024

struct virtio_dev_state {
	uint32_t id; /* virtio's; 0: the slot is empty */
	uint32_t serial; /* of the device in this slot */
	uint32_t status;
	uint32_t generation; /* of the configuration */
	uint64_t features; /* negotiated */
	uint32_t vcpu, vector; /* of configuration changes */
	uint32_t queue_count;
	uint32_t reserved;
	char label[VIRTIO_LABEL_MAX]; /* "disk0" */
	char why[256]; /* DEVICE_NEEDS_RESET: the reason */
	uint8_t keep[VIRTIO_KEEP_BYTES];
};

/* Of status, beside virtio's eight bits: a reset has begun and is not over. */
#define VIRTIO_STATUS_RESETTING 0x100

/* What is of the guest and of no device. */
struct virtio_head {
	uint64_t magic;
	uint32_t version;
	uint32_t head_bytes, dev_bytes, vq_bytes; /* of these structures */
	uint32_t slots, queues; /* ... and how many, queues of each slot */
	uint32_t serial; /* the last one given to a device */
	uint32_t listen_vcpu, listen_vector; /* LGUEST_VIRTIO_LISTEN */
	uint32_t reserved[4];
};

/*
 * The memfd, mapped.  What is used of it has memory (virtio_state_room()), or a
 * host that has none left would end us when we touch it.
 */
struct virtio_state {
	int fd; /* -1: none */
	void *map;
	struct virtio_head *head;
	struct virtio_dev_state *devs; /* one of each slot */
	struct vq_state *vqs; /* LGUEST_VIRTIO_QUEUES of each slot */
};

/* virtio_state_create - all slots empty; 0 or -errno */
int virtio_state_create(struct virtio_state *state, const char *guest);

/*
 * virtio_state_adopt - fd is what a daemon before us has left of such a guest
 *
 * Takes fd over if it returns 0.  -EINVAL, and *ret_why, which is not to be
 * freed, if it is not as it must be.
 */
int virtio_state_adopt(struct virtio_state *state, int fd, unsigned int vcpus,
		       const char **ret_why);
void virtio_state_fini(struct virtio_state *state);

/* virtio_state_room - memory for so many queues of a slot; -ENOMEM */
int virtio_state_room(const struct virtio_state *state, unsigned int slot,
		      unsigned int queues);

/* virtio_vcpu_vector - may an interrupt go there?  Vector 0: nowhere. */
static inline bool virtio_vcpu_vector(uint64_t vcpu, uint64_t vector,
				      unsigned int vcpus)
{
	return vector ? vcpu < vcpus && vector >= 32 && vector <= 255
		      : vcpu == 0;
}

/* ---- queue.c, split.c, packed.c, chain.c: descriptors stop here ---- */

/*
 * A request of the driver's.  iov points into guest memory that is checked to
 * be RAM, and that the guest may change under our eyes: what is looked at is
 * copied out with chain_get() first.  All that we read comes first.
 */
struct vq_chain {
	uint16_t head;
	uint16_t count; /* places in the ring */
	unsigned int reads, writes; /* parts */
	size_t read_bytes, write_bytes;
	struct iovec iov[VQ_CHAIN_MAX];
};

struct vq {
	struct virtio_dev *dev;
	unsigned int index;
	uint16_t size_max; /* the device's wish; 0: VQ_SIZE_MAX */
	struct vq_state *state; /* shared */
	int kick_fd, call_fd; /* eventfds; -1: none */
	struct event kick, turn; /* the driver's, and one that we give it */
	bool broken; /* until a reset */

	/* What follows is queue.c's, and can all be found out again. */
	const struct vq_format *format;
	void *desc, *driver, *device; /* the ring, for us; NULL: not started */
	bool event_idx, indirect;
	bool armed; /* the driver will kick for what comes next */
	uint16_t size;
	uint16_t next_avail; /* as next_used */
	uint16_t ready; /* chains that are known to be there */
	uint16_t fill_at, filled; /* after next_used, not published */
	uint16_t saved_free;
	unsigned int pushed; /* places published since the last vq_signal() */
	unsigned int again; /* chains in flight that are to be popped again */
	uint64_t again_seq; /* ... from this one on */
	uint64_t seq; /* the next chain's */
	uint16_t filled_heads[VQ_SIZE_MAX];
	uint16_t saved_slots[VQ_SIZE_MAX]; /* of vq_state.saved: free ones */
};

/*
 * vq_start - the driver's areas are as vq->state says
 *
 * -EINVAL, and virtio_fail() has been told why, if a size is no power of two
 * (split) or too large, or an area is not RAM, or not aligned.  For a queue that
 * was running under a daemon before us, what it had in flight is then given by
 * vq_pop() once more, oldest first; -EPROTO if the guest has meanwhile written
 * what only we write.  The driver is interrupted then, and the owner is to go on
 * as if it had been kicked: either may have been lost.
 */
int vq_start(struct vq *vq, uint64_t features);

/* vq_stop - guest memory is not touched any more; what is pushed goes nowhere */
void vq_stop(struct vq *vq);

/*
 * vq_pop - the next request; 1, 0 for none, -errno: dev has failed
 *
 * After 0, and only then, the driver will kick for the next one.  A chain
 * belongs to the caller until it is pushed; any number may be out.
 */
int vq_pop(struct vq *vq, struct vq_chain *chain);

/*
 * vq_unpop - the last popped chain was not looked at and is still to come
 *
 * And then the one before it, and so on, if they have not been pushed.
 */
void vq_unpop(struct vq *vq, const struct vq_chain *chain);

/*
 * vq_fill - head has been served, written bytes of it; for the driver to see,
 * with all that was filled before, when it is published
 *
 * Both do nothing for a queue that is broken or stopped.
 */
void vq_fill(struct vq *vq, uint16_t head, size_t written);
void vq_publish(struct vq *vq);

/* vq_push - both */
void vq_push(struct vq *vq, uint16_t head, size_t written);

/* vq_signal - an interrupt if the driver wants one for what was published */
void vq_signal(struct vq *vq);

/* vq_has_more - is there anything to pop?  Does not ask for kicks. */
bool vq_has_more(const struct vq *vq);

/* chain_get, chain_put - len bytes from offset of what we read, or write */
size_t chain_get(const struct vq_chain *chain, size_t offset, void *to,
		 size_t len);
size_t chain_put(const struct vq_chain *chain, size_t offset, const void *from,
		 size_t len);

/*
 * chain_slice - the parts that make up [offset, offset + len) of what we read
 * (writes false) or write, into iov of VQ_CHAIN_MAX; how many parts
 */
unsigned int chain_slice(const struct vq_chain *chain, bool writes,
			 size_t offset, size_t len, struct iovec *iov);

/* ---- device.c: what every device has in common ---- */

#define VQ_BATCH 64 /* requests of one queue before others have their turn */

/* What differs from one kind of device to another. */
struct virtio_ops {
	const char *name; /* "blk" */
	uint32_t id; /* VIRTIO_ID_* */
	uint64_t features; /* beside those of all rings, which device.c adds */

	/* start - DRIVER_OK: queues and features are settled; may be NULL */
	int (*start)(struct virtio_dev *dev);

	/*
	 * on_kick - the driver says there is something, or perhaps not
	 *
	 * Serves at most VQ_BATCH and returns true if more is left, in which
	 * case it is called again when others have had their turn.
	 */
	bool (*on_kick)(struct virtio_dev *dev, struct vq *vq);

	/*
	 * resume - a daemon before us has served it, and is gone; then start()
	 * follows.  True: nothing that one began is under way any more; false:
	 * virtio_resume() will say so.  May be NULL.
	 */
	bool (*resume)(struct virtio_dev *dev);

	/*
	 * detach - we end, and the guest goes on.  What is out may be pushed
	 * still; what is not will be given to the next daemon.  May be NULL.
	 */
	void (*detach)(struct virtio_dev *dev);

	/*
	 * reset - let go of guest memory; true: done, false: requests are still
	 * out, and virtio_reset_done() follows.  What it pushes meanwhile the
	 * driver does not see.  May be NULL.
	 */
	bool (*reset)(struct virtio_dev *dev);

	/* set_config - the driver wrote; NULL: it may write nothing */
	int (*set_config)(struct virtio_dev *dev, size_t offset, size_t len);

	/* describe - for `lgctl info`, into a json_t object; may be NULL */
	void (*describe)(struct virtio_dev *dev, void *json);

	/* destroy - the end of it; reset or detach have been called */
	void (*destroy)(struct virtio_dev *dev);
};

/* The first is the device's own, and all it sets before it is on a bus. */
struct virtio_dev {
	const struct virtio_ops *ops;
	char label[VIRTIO_LABEL_MAX]; /* "disk0": letters and a number */
	unsigned int queue_count;
	struct vq *vqs;
	void *config; /* as the driver reads it, little-endian */
	size_t config_bytes;
	uint64_t offered; /* features; the bus adds those of all rings */

	/* The bus's. */
	struct virtio_bus *bus;
	const char *guest; /* its name, for messages */
	struct event_base *base;
	const struct guest_mem *mem;
	struct virtio_dev_state *state; /* shared */
	unsigned int slot;
	bool running; /* from DRIVER_OK to reset */
	bool resuming; /* until virtio_resume() */
	bool leaving; /* to be destroyed when its reset is done */
};

/* What a bus does for its devices: bus.c of the daemon, or a test. */
struct virtio_bus_ops {
	/*
	 * wire - its kick_fd is there, and its call_fd leads to that vector
	 *
	 * Only the driver's choice of a vector changes after the first time;
	 * -errno, and nothing has changed.
	 */
	int (*wire)(struct vq *vq, uint32_t vcpu, uint32_t vector);
	void (*unwire)(struct vq *vq);

	void (*interrupt)(struct virtio_bus *bus, uint32_t vcpu,
			  uint32_t vector);

	/* idle - its reset is done.  If it is leaving, it is destroyed here. */
	void (*idle)(struct virtio_dev *dev);
};

/* The bus, as the guest sees it. */
struct virtio_bus {
	const struct virtio_bus_ops *ops;
	const char *guest;
	struct event_base *base;
	const struct guest_mem *mem;
	unsigned int vcpus;
	struct virtio_state state;
	struct virtio_dev *devs[LGUEST_VIRTIO_SLOTS];
};

/*
 * virtio_attach - dev is in an empty slot; -ENOMEM
 *
 * virtio_adopt - dev is in the slot in which a daemon before us had it
 *
 * It goes on as it was: every queue counts as kicked, and as signalled.
 * -EINVAL: it is not the device that it was.
 */
int virtio_attach(struct virtio_bus *bus, struct virtio_dev *dev,
		  unsigned int slot);
int virtio_adopt(struct virtio_bus *bus, struct virtio_dev *dev,
		 unsigned int slot);

/* virtio_resume - what resume() said is still under way is over */
void virtio_resume(struct virtio_dev *dev);

/* virtio_reset - let go of guest memory; ops->idle() follows, perhaps at once */
void virtio_reset(struct virtio_dev *dev);

/* virtio_detach - off its bus and destroyed; what is shared stays as it is */
void virtio_detach(struct virtio_dev *dev);

/* virtio_release - off its bus and destroyed, its slot empty; it is idle */
void virtio_release(struct virtio_dev *dev);

/* What a driver asks for; results are its own, negative errnos. */
int virtio_set_features(struct virtio_dev *dev, uint64_t low, uint64_t high);
int virtio_set_status(struct virtio_dev *dev, uint64_t status);
uint64_t virtio_status(const struct virtio_dev *dev);
int virtio_get_config(const struct virtio_dev *dev, size_t offset, size_t len,
		      void *to);
int virtio_set_config(struct virtio_dev *dev, size_t offset, size_t len,
		      const void *from);

/* virtio_fail - the guest broke a rule: DEVICE_NEEDS_RESET, logged once */
void virtio_fail(struct virtio_dev *dev, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* virtio_config_changed - after dev->config was: the driver is told */
void virtio_config_changed(struct virtio_dev *dev);

/* virtio_again - on_kick() of that queue, when others have had their turn */
void virtio_again(struct vq *vq);

/* virtio_has - was it negotiated?  bit: VIRTIO_*_F_* */
static inline bool virtio_has(const struct virtio_dev *dev, unsigned int bit)
{
	return dev->state->features >> bit & 1;
}

/* virtio_reset_done - what reset() said is still out has come home */
void virtio_reset_done(struct virtio_dev *dev);

/* ---- transport.c: the guest's calls ---- */

/*
 * virtio_call - LGUEST_TOKEN_VIRTIO of a call at gpa; the token's result
 *
 * virtio_kick - LGUEST_TOKEN_KICK that came to us and not to the eventfd
 */
uint64_t virtio_call(struct virtio_bus *bus, uint64_t gpa);
uint64_t virtio_kick(struct virtio_bus *bus, uint64_t arg);

/* ---- the kinds of devices; NULL: ENOMEM ---- */

/* rng.c */
struct virtio_dev *rng_create(void);

/* console.c */
struct vconsole_host {
	void (*print)(void *arg, const char *text, size_t len);
	uint64_t (*printed)(void *arg); /* bytes ever; it outlives us */
	bool (*has_input)(void *arg);
	size_t (*read)(void *arg, char *to, size_t room); /* what was typed */
	void *arg;
};

struct virtio_dev *vconsole_create(const struct vconsole_host *host);

/* vconsole_listens - does what is typed go to this console? */
bool vconsole_listens(const struct virtio_dev *dev);

/* vconsole_input - has_input() has become true */
void vconsole_input(struct virtio_dev *dev);
void vconsole_resize(struct virtio_dev *dev, uint16_t columns, uint16_t rows);

/* vconsole_drain - print what the guest has left, when it is over */
void vconsole_drain(struct virtio_dev *dev);

/* balloon.c */
struct balloon_host {
	/* discard - whole pages of RAM are the host's again; 0 or -errno */
	int (*discard)(void *arg, uint64_t gpa, uint64_t bytes);
	void *arg;
};

struct virtio_dev *balloon_create(const struct balloon_host *host);

/* balloon_set - so many bytes of the guest's RAM shall be the host's */
void balloon_set(struct virtio_dev *dev, uint64_t bytes);

#endif /* VIRTIO_H */
