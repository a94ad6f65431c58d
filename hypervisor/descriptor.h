/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * descriptor.h - what the bits of a segment descriptor say
 *
 * Plain C without the kernel, so that t/unit/descriptor.c can count through all
 * of them.  SDM volume 3, 3.4.5.
 *
 * What must never happen: a descriptor that desc_ldt_clean() lets through and
 * that is of a system's kind, of another privilege than 3, 64-bit code, or a
 * stack of 16 bits, with which IRET would keep half of the Switcher's RSP.
 */
#ifndef LG_DESCRIPTOR_H
#define LG_DESCRIPTOR_H

#include <linux/types.h>

#define DESC_ACCESSED (1ULL << 40)
#define DESC_RW       (1ULL << 41) /* data: writable; code: readable */
#define DESC_CODE     (1ULL << 43)
#define DESC_S        (1ULL << 44) /* code or data */
#define DESC_DPL3     (3ULL << 45)
#define DESC_P        (1ULL << 47)
#define DESC_L        (1ULL << 53) /* 64-bit code */
#define DESC_B        (1ULL << 54) /* D of code: 32 bits and not 16 */
#define DESC_G        (1ULL << 55) /* the limit counts pages */

/* Data of one byte that cannot be written: any data register may hold it. */
#define DESC_NOWHERE (DESC_P | DESC_DPL3 | DESC_S | DESC_ACCESSED | DESC_B)

static inline __u64 desc_base(__u64 desc)
{
	return (desc >> 16 & 0xffffff) | (desc >> 56 << 24);
}

/* The last byte's offset. */
static inline __u64 desc_limit(__u64 desc)
{
	__u64 limit = (desc & 0xffff) | (desc >> 32 & 0xf0000);

	return desc & DESC_G ? limit << 12 | 0xfff : limit;
}

/* May DS, ES, FS and GS be loaded with it at any privilege? */
static inline bool desc_is_data(__u64 desc)
{
	const __u64 must = DESC_P | DESC_S | DESC_DPL3;

	return (desc & must) == must &&
	       (desc & (DESC_CODE | DESC_RW)) != DESC_CODE;
}

/* May IRET to CPL 3 load CS ... */
static inline bool desc_is_code(__u64 desc)
{
	const __u64 must = DESC_P | DESC_S | DESC_DPL3 | DESC_CODE;

	return (desc & must) == must;
}

/* ... and SS with it? */
static inline bool desc_is_stack(__u64 desc)
{
	const __u64 must = DESC_P | DESC_S | DESC_DPL3 | DESC_RW;

	return (desc & (must | DESC_CODE)) == must;
}

/*
 * desc_ldt_clean - an entry of a guest's LDT as the CPU gets it
 *
 * What a guest may not have is as good as empty, and that is 0.  What is not
 * present may stay, to be #NP and not #GP.
 */
static inline __u64 desc_ldt_clean(__u64 desc)
{
	const __u64 must = DESC_S | DESC_DPL3;

	if ((desc & must) != must || desc & DESC_L)
		return 0;
	if ((desc & (DESC_CODE | DESC_RW | DESC_B)) == DESC_RW)
		return 0;
	return desc | DESC_ACCESSED;
}

/* desc_tls_good - nothing, or data that a selector may name */
static inline bool desc_tls_good(__u64 desc)
{
	const __u64 must = DESC_S | DESC_DPL3 | DESC_P;

	return !desc ||
	       ((desc & must) == must && !(desc & (DESC_CODE | DESC_L)));
}

#endif /* LG_DESCRIPTOR_H */
