// SPDX-License-Identifier: GPL-2.0-only
/*
 * descriptor.c - every kind of segment, as a guest's LDT could have it
 *
 * All access bytes with all flags are 4096 descriptors: each is cleaned, and
 * what is left is held against the manual's tables, which are written down here
 * in another way, type by type.
 */
#include <stdbool.h>

#include "../../hypervisor/descriptor.h"
#include "tap.h"

/* SDM volume 3, table 3-1, by the type's upper three bits. */
static const struct {
	bool code, data, stack; /* may be loaded as */
} types[8] = {
	{ .data = true }, /* read-only */
	{ .data = true, .stack = true },
	{ .data = true }, /* read-only, grows down */
	{ .data = true, .stack = true },
	{ .code = true }, /* execute-only */
	{ .code = true, .data = true },
	{ .code = true }, /* conforming, execute-only */
	{ .code = true, .data = true },
};

static __u64 make(unsigned int access, unsigned int flags)
{
	return 0x1204005678009abcULL | (__u64)access << 40 | (__u64)flags << 52;
}

/* May a guest have it at all? */
static bool allowed(unsigned int access, unsigned int flags)
{
	bool system = !(access & 0x10), wide = flags & 4, is_long = flags & 2;

	if (system || (access >> 5 & 3) != 3 || is_long)
		return false;
	return wide || !types[access >> 1 & 7].stack;
}

static void test_all(void)
{
	unsigned int access, flags, wrong = 0, twice = 0, loads = 0;

	for (access = 0; access < 256; access++) {
		for (flags = 0; flags < 16; flags++) {
			__u64 desc = make(access, flags);
			__u64 clean = desc_ldt_clean(desc);
			bool good = allowed(access, flags);
			bool there = good && access & 0x80;

			wrong += clean != (good ? desc | DESC_ACCESSED : 0);
			twice += desc_ldt_clean(clean) != clean;
			loads += desc_is_code(clean) !=
				 (there && types[access >> 1 & 7].code);
			loads += desc_is_data(clean) !=
				 (there && types[access >> 1 & 7].data);
			loads += desc_is_stack(clean) !=
				 (there && types[access >> 1 & 7].stack);
		}
	}
	is(wrong, 0, "code and data of DPL 3 stay, without L and small stacks");
	is(twice, 0, "what is clean stays as it is");
	is(loads, 0, "each can be loaded as what the manual says");
}

static void test_numbers(void)
{
	__u64 desc = 0x12fa34567890abcdULL;

	is(desc_base(desc), 0x12567890, "the base is in three places");
	is(desc_limit(desc), 0xaabcdfff, "the limit is in two, of pages");
	is(desc_limit(0x00cff2000000ffffULL), 0xffffffff, "and all there is");
	is(desc_limit(0x004ff20000000000ULL), 0xf0000, "or of bytes");
	is(desc_ldt_clean(DESC_NOWHERE), DESC_NOWHERE, "nowhere is clean");
	ok(desc_is_data(DESC_NOWHERE), "and is data");
	ok(!desc_is_stack(DESC_NOWHERE), "but no stack");
	is(desc_limit(DESC_NOWHERE), 0, "of one byte");
}

static void test_tls(void)
{
	ok(desc_tls_good(0), "no TLS");
	ok(desc_tls_good(make(0xf2, 0xc)), "data as TLS");
	ok(!desc_tls_good(make(0xfa, 0xc)), "no code as TLS");
	ok(!desc_tls_good(make(0x72, 0xc)), "none that is not present");
	ok(!desc_tls_good(make(0xe2, 0xc)), "no LDT as TLS");
}

int main(void)
{
	test_all();
	test_numbers();
	test_tls();
	return tap_end();
}
