// SPDX-License-Identifier: GPL-2.0-only
/*
 * chain.c - what a request is made of
 *
 * A driver describes a request by parts: an address, a length and a direction.
 * split.c and packed.c find them, one after the other, and each comes here and
 * is held against the rules before it becomes an iovec.  So a device that has a
 * chain has nothing left to check but what is written in it.
 *
 * What must never happen: an iovec that is not RAM, all of it; a chain whose
 * lengths overflow when they are added; a part that is read after one that is
 * written, for the two halves of iov would be wrong.
 *
 * Below are the ways to get at what is in them, which stop at the end of a chain
 * whatever they are asked for.
 *
 * Next: daemon/guest_mem.c
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/virtio_ring.h>

#include "queue.h"

#define DESC_BYTES sizeof(struct vq_desc)

_Static_assert(DESC_BYTES == 16, "a descriptor's size is virtio's");

int chain_fail(struct vq *vq, const struct vq_chain *chain,
	       struct vq_where where, const char *fmt, ...)
{
	char said[120];
	va_list args;

	va_start(args, fmt);
	vsnprintf(said, sizeof(said), fmt, args);
	va_end(args);
	return vq_fail(vq, "chain %u: %s %u: %s", chain->head, where.kind,
		       where.index, said);
}

void chain_init(struct vq_chain *chain, uint16_t head, uint16_t count)
{
	chain->head = head;
	chain->count = count;
	chain->reads = 0;
	chain->writes = 0;
	chain->read_bytes = 0;
	chain->write_bytes = 0;
}

int chain_add(struct vq *vq, struct vq_chain *chain, struct vq_where where,
	      const struct vq_desc *desc)
{
	void *at = guest_mem_ptr(vq->dev->mem, desc->addr, desc->len);
	bool writes = desc->flags & VRING_DESC_F_WRITE;
	unsigned int parts = chain->reads + chain->writes;

	if (!desc->len)
		return chain_fail(vq, chain, where, "it has no bytes");
	if (!at)
		return chain_fail(vq, chain, where,
				  "%u bytes at %#llx are not all RAM",
				  desc->len, (unsigned long long)desc->addr);
	if (!writes && chain->writes)
		return chain_fail(vq, chain, where,
				  "it is to be read, after %u to be written",
				  chain->writes);
	if (parts == VQ_CHAIN_MAX)
		return chain_fail(vq, chain, where, "the chain has %u already",
				  parts);
	if (chain->read_bytes + chain->write_bytes + desc->len > UINT32_MAX)
		return chain_fail(vq, chain, where,
				  "%u bytes make it more than 4 GiB",
				  desc->len);
	chain->iov[parts].iov_base = at;
	chain->iov[parts].iov_len = desc->len;
	if (writes) {
		chain->writes++;
		chain->write_bytes += desc->len;
	} else {
		chain->reads++;
		chain->read_bytes += desc->len;
	}
	return 0;
}

const void *chain_table(struct vq *vq, const struct vq_chain *chain,
			struct vq_where where, const struct vq_desc *desc,
			unsigned int *ret_count)
{
	const void *table = guest_mem_ptr(vq->dev->mem, desc->addr, desc->len);

	if (!vq->indirect)
		chain_fail(vq, chain, where,
			   "a table, which was not agreed on");
	else if (desc->flags & VRING_DESC_F_NEXT)
		chain_fail(vq, chain, where, "a table, and not the last");
	else if (!desc->len || desc->len % DESC_BYTES)
		chain_fail(vq, chain, where,
			   "a table of %u bytes, no multiple of %zu", desc->len,
			   DESC_BYTES);
	else if (desc->len / DESC_BYTES > VQ_CHAIN_MAX)
		chain_fail(vq, chain, where, "a table of %zu, %u are the most",
			   desc->len / DESC_BYTES, VQ_CHAIN_MAX);
	else if (!table)
		chain_fail(vq, chain, where,
			   "a table of %u bytes at %#llx is not all RAM",
			   desc->len, (unsigned long long)desc->addr);
	else
		*ret_count = (unsigned int)(desc->len / DESC_BYTES);
	return vq->broken ? NULL : table;
}

/* ---- what is in it ---- */

unsigned int chain_slice(const struct vq_chain *chain, bool writes,
			 size_t offset, size_t len, struct iovec *iov)
{
	const struct iovec *part = chain->iov + (writes ? chain->reads : 0);
	unsigned int left = writes ? chain->writes : chain->reads, count = 0;

	for (; left && len; left--, part++) {
		size_t bytes = part->iov_len;

		if (offset >= bytes) {
			offset -= bytes;
			continue;
		}
		bytes -= offset;
		if (bytes > len)
			bytes = len;
		iov[count].iov_base = (char *)part->iov_base + offset;
		iov[count++].iov_len = bytes;
		len -= bytes;
		offset = 0;
	}
	return count;
}

size_t chain_get(const struct vq_chain *chain, size_t offset, void *to,
		 size_t len)
{
	struct iovec iov[VQ_CHAIN_MAX];
	unsigned int i, count = chain_slice(chain, false, offset, len, iov);
	size_t done = 0;

	for (i = 0; i < count; done += iov[i++].iov_len)
		memcpy((char *)to + done, iov[i].iov_base, iov[i].iov_len);
	/* What the caller checks is the copy, and not what it came from. */
	__asm__ volatile("" ::: "memory");
	return done;
}

size_t chain_put(const struct vq_chain *chain, size_t offset, const void *from,
		 size_t len)
{
	struct iovec iov[VQ_CHAIN_MAX];
	unsigned int i, count = chain_slice(chain, true, offset, len, iov);
	size_t done = 0;

	for (i = 0; i < count; done += iov[i++].iov_len)
		memcpy(iov[i].iov_base, (const char *)from + done,
		       iov[i].iov_len);
	return done;
}
