// SPDX-License-Identifier: GPL-2.0-only
/*
 * vdriver.c - see vdriver.h
 *
 * Written after virtio 1.2, sections 2.7 and 2.8, and not after the daemon's
 * half, so that the two can disagree.
 */
#include <assert.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "vdriver.h"

#define ALIGN(n, to) (((n) + (to)-1) / (to) * (to))
#define WRAP         0x8000U

#define LOAD(at)           __atomic_load_n(&(at), __ATOMIC_RELAXED)
#define ACQUIRE(at)        __atomic_load_n(&(at), __ATOMIC_ACQUIRE)
#define STORE(at, value)   __atomic_store_n(&(at), (value), __ATOMIC_RELAXED)
#define RELEASE(at, value) __atomic_store_n(&(at), (value), __ATOMIC_RELEASE)

void *vdriver_at(const struct vdriver *driver, uint64_t gpa)
{
	void *at = guest_mem_ptr(driver->mem, gpa, 1);

	assert(at);
	return at;
}

void vdriver_init(struct vdriver *driver, const struct guest_mem *mem,
		  uint64_t gpa, uint16_t size, uint64_t features)
{
	uint16_t i;

	assert(gpa % 4096 == 0 && size && size <= VQ_SIZE_MAX);
	*driver = (struct vdriver){
		.mem = mem,
		.desc = gpa,
		.driver = gpa + 16UL * size,
		.size = size,
		.is_packed = features >> VIRTIO_F_RING_PACKED & 1,
		.event_idx = features >> VIRTIO_RING_F_EVENT_IDX & 1,
		.free_count = size,
		.ids = size,
	};
	driver->device = ALIGN(driver->driver + 6 + 2UL * size, 64);
	driver->first = ALIGN(driver->device + 6 + 8UL * size, 4096);
	driver->next = driver->first;
	assert(guest_mem_has(mem, gpa, driver->first - gpa));
	memset(vdriver_at(driver, gpa), 0, driver->first - gpa);
	for (i = 0; i < size; i++)
		driver->free[i] = (uint16_t)(size - 1 - i);
	driver->split.desc = vdriver_at(driver, driver->desc);
	driver->split.avail = vdriver_at(driver, driver->driver);
	driver->split.used = vdriver_at(driver, driver->device);
	driver->packed.desc = vdriver_at(driver, driver->desc);
	driver->packed.driver = vdriver_at(driver, driver->driver);
	driver->packed.device = vdriver_at(driver, driver->device);
	if (driver->is_packed)
		driver->avail = driver->used = driver->kicked = WRAP;
	vdriver_want_signal(driver, true);
}

void vdriver_tell(const struct vdriver *driver, struct vq_state *state)
{
	state->desc = driver->desc;
	state->driver = driver->driver;
	state->device = driver->device;
	state->size = driver->size;
}

uint64_t vdriver_room(struct vdriver *driver, size_t bytes)
{
	uint64_t gpa = driver->next;

	assert(guest_mem_has(driver->mem, gpa, bytes));
	driver->next = ALIGN(gpa + bytes, 16);
	return gpa;
}

uint64_t vdriver_put(struct vdriver *driver, const void *from, size_t bytes)
{
	uint64_t gpa = vdriver_room(driver, bytes);

	memcpy(vdriver_at(driver, gpa), from, bytes);
	return gpa;
}

void vdriver_rewind(struct vdriver *driver)
{
	driver->next = driver->first;
}

static uint16_t flags_of(const struct vdriver_part *part)
{
	return part->writes ? VRING_DESC_F_WRITE : 0;
}

/* ---- split ---- */

static int split_add(struct vdriver *driver, const struct vdriver_part *parts,
		     unsigned int count, uint16_t extra)
{
	uint16_t head = 0, last = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		uint16_t at = driver->free[--driver->free_count];

		driver->split.desc[at] = (struct vring_desc){
			.addr = parts[i].gpa,
			.len = parts[i].len,
			.flags = flags_of(&parts[i]) | extra,
		};
		if (i) {
			driver->split.desc[last].flags |= VRING_DESC_F_NEXT;
			driver->split.desc[last].next = at;
			driver->links[last] = at;
		} else {
			head = at;
		}
		last = at;
	}
	driver->counts[head] = (uint16_t)count;
	STORE(driver->split.avail->ring[driver->avail % driver->size], head);
	driver->avail++;
	RELEASE(driver->split.avail->idx, driver->avail);
	return head;
}

static bool split_used(struct vdriver *driver, struct vdriver_used *ret)
{
	const struct vring_used_elem *elem;
	uint16_t i, at;

	if (ACQUIRE(driver->split.used->idx) == driver->used)
		return false;
	elem = &driver->split.used->ring[driver->used % driver->size];
	ret->head = at = (uint16_t)LOAD(elem->id);
	ret->written = LOAD(elem->len);
	assert(ret->head < driver->size && driver->counts[ret->head]);
	driver->used++;
	for (i = 0; i < driver->counts[ret->head]; i++) {
		driver->free[driver->free_count++] = at;
		at = driver->links[at];
	}
	driver->counts[ret->head] = 0;
	return true;
}

static bool split_wants_kick(const struct vdriver *driver)
{
	uint16_t *event = (uint16_t *)&driver->split.used->ring[driver->size];

	if (!driver->event_idx)
		return !(LOAD(driver->split.used->flags) &
			 VRING_USED_F_NO_NOTIFY);
	return vring_need_event(LOAD(*event), driver->avail, driver->kicked);
}

static void split_want_signal(struct vdriver *driver, bool wanted)
{
	uint16_t *event = &driver->split.avail->ring[driver->size];

	if (driver->event_idx)
		STORE(*event, (uint16_t)(driver->used + (wanted ? 0 : 0x8000)));
	else
		STORE(driver->split.avail->flags,
		      wanted ? 0 : VRING_AVAIL_F_NO_INTERRUPT);
}

/* ---- packed ---- */

static uint16_t step(const struct vdriver *driver, uint16_t at, uint16_t by)
{
	uint16_t index = (uint16_t)((at & (WRAP - 1)) + by);

	if (index < driver->size)
		return (uint16_t)(index | (at & WRAP));
	return (uint16_t)((index - driver->size) | (~at & WRAP));
}

static bool bit(uint16_t flags, unsigned int which)
{
	return flags >> which & 1;
}

static int packed_add(struct vdriver *driver, const struct vdriver_part *parts,
		      unsigned int count, uint16_t extra)
{
	uint16_t id = driver->free[--driver->ids], at = driver->avail;
	uint16_t first = 0, flags;
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct vring_packed_desc *desc =
			&driver->packed.desc[at & (WRAP - 1)];

		STORE(desc->addr, parts[i].gpa);
		STORE(desc->len, parts[i].len);
		STORE(desc->id, id);
		flags = (uint16_t)(flags_of(&parts[i]) | extra |
				   (i + 1 < count ? VRING_DESC_F_NEXT : 0) |
				   1U << (at & WRAP
						  ? VRING_PACKED_DESC_F_AVAIL
						  : VRING_PACKED_DESC_F_USED));
		if (i)
			STORE(desc->flags, flags);
		else
			first = flags;
		at = step(driver, at, 1);
	}
	/* The first one's flags are the last we write. */
	RELEASE(driver->packed.desc[driver->avail & (WRAP - 1)].flags, first);
	driver->avail = at;
	driver->free_count = (uint16_t)(driver->free_count - count);
	driver->counts[id] = (uint16_t)count;
	return id;
}

static bool packed_used(struct vdriver *driver, struct vdriver_used *ret)
{
	struct vring_packed_desc *desc =
		&driver->packed.desc[driver->used & (WRAP - 1)];
	uint16_t flags = ACQUIRE(desc->flags);
	bool wrap = driver->used & WRAP;

	if (bit(flags, VRING_PACKED_DESC_F_AVAIL) != wrap ||
	    bit(flags, VRING_PACKED_DESC_F_USED) != wrap)
		return false;
	ret->head = LOAD(desc->id);
	ret->written = flags & VRING_DESC_F_WRITE ? LOAD(desc->len) : 0;
	assert(ret->head < driver->size && driver->counts[ret->head]);
	driver->used = step(driver, driver->used, driver->counts[ret->head]);
	driver->free_count += driver->counts[ret->head];
	driver->counts[ret->head] = 0;
	driver->free[driver->ids++] = ret->head;
	return true;
}

/* Numbers of places in two laps: what has been added since, and the event. */
static unsigned int since(const struct vdriver *driver, uint16_t at)
{
	unsigned int two = 2U * driver->size;
	unsigned int now = (driver->avail & (WRAP - 1)) +
			   (driver->avail & WRAP ? 0 : driver->size);

	return (now + two - (at & (WRAP - 1)) -
		(at & WRAP ? 0 : driver->size)) %
	       two;
}

static bool packed_wants_kick(const struct vdriver *driver)
{
	uint32_t word = LOAD(*(uint32_t *)driver->packed.device);
	unsigned int ago;

	switch (word >> 16) {
	case VRING_PACKED_EVENT_FLAG_DISABLE:
		return false;
	case VRING_PACKED_EVENT_FLAG_DESC:
		ago = since(driver, (uint16_t)word);
		return ago && ago <= since(driver, driver->kicked);
	default:
		return true;
	}
}

static void packed_want_signal(struct vdriver *driver, bool wanted)
{
	uint32_t word = VRING_PACKED_EVENT_FLAG_DISABLE << 16;

	if (wanted && driver->event_idx)
		word = VRING_PACKED_EVENT_FLAG_DESC << 16 | driver->used;
	else if (wanted)
		word = VRING_PACKED_EVENT_FLAG_ENABLE << 16;
	STORE(*(uint32_t *)driver->packed.driver, word);
}

/* ---- either ---- */

static int add(struct vdriver *driver, const struct vdriver_part *parts,
	       unsigned int count, uint16_t extra)
{
	assert(count);
	if (count > driver->free_count)
		return -1;
	return driver->is_packed ? packed_add(driver, parts, count, extra)
				 : split_add(driver, parts, count, extra);
}

int vdriver_add(struct vdriver *driver, const struct vdriver_part *parts,
		unsigned int count)
{
	return add(driver, parts, count, 0);
}

int vdriver_add_table(struct vdriver *driver, const struct vdriver_part *parts,
		      unsigned int count)
{
	struct vdriver_part table = { .len = 16 * count };
	unsigned int i;

	table.gpa = vdriver_room(driver, table.len);
	for (i = 0; i < count; i++) {
		struct vring_desc desc = {
			.addr = parts[i].gpa,
			.len = parts[i].len,
			.flags = flags_of(&parts[i]),
		};

		if (!driver->is_packed && i + 1 < count) {
			desc.flags |= VRING_DESC_F_NEXT;
			desc.next = (uint16_t)(i + 1);
		} else if (driver->is_packed) {
			/* There, an id and then the flags are last. */
			desc.next = desc.flags;
			desc.flags = 0;
		}
		memcpy(vdriver_at(driver, table.gpa + 16UL * i), &desc,
		       sizeof(desc));
	}
	return add(driver, &table, 1, VRING_DESC_F_INDIRECT);
}

bool vdriver_used(struct vdriver *driver, struct vdriver_used *ret_used)
{
	return driver->is_packed ? packed_used(driver, ret_used)
				 : split_used(driver, ret_used);
}

bool vdriver_wants_kick(struct vdriver *driver)
{
	bool wanted;

	/* What we added is seen before we look at what the device asks for. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	wanted = driver->is_packed ? packed_wants_kick(driver)
				   : split_wants_kick(driver);
	driver->kicked = driver->avail;
	return wanted;
}

void vdriver_want_signal(struct vdriver *driver, bool wanted)
{
	if (driver->is_packed)
		packed_want_signal(driver, wanted);
	else
		split_want_signal(driver, wanted);
	/* And this is seen before we look whether there is something already. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
