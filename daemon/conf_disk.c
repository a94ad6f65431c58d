// SPDX-License-Identifier: GPL-2.0-only
/*
 * conf_disk.c - what a disk is, in a guest's file
 *
 * More rows of conf.c's table: each of a guest's `disks` is a map of these.  None
 * is lguestd's to make: size and base are for lgctl, which has the rights of
 * whoever calls it.
 *
 * Next: daemon/conf_yaml.c
 */
#include <limits.h>

#include "conf_schema.h"

#define KIB (1ULL << 10)
#define MIB (1ULL << 20)

static const char *const cache_words[] = {
	[CONF_WRITEBACK] = "writeback",
	[CONF_DIRECT] = "direct",
	NULL,
};

#define DISK(member) .offset = offsetof(struct conf_disk, member)

const struct conf_field conf_disk_fields[] = {
	{
		.key = "file",
		.type = CONF_IS_PATH,
		DISK(file),
		.required = true,
		.max = PATH_MAX - 1,
		.also = " path image source device filename ",
		.help = "the file or block device that it is",
	},
	{
		.key = "size",
		.type = CONF_IS_SIZE,
		DISK(size_bytes),
		.preset = "any",
		.zero = "any",
		.min = MIB,
		.max = CONF_DISK_MAX,
		.multiple = 4 * KIB,
		.also = " capacity bytes ",
		.help = "how large it is made if it is not there",
	},
	{
		.key = "base",
		.type = CONF_IS_PATH,
		DISK(base),
		.max = PATH_MAX - 1,
		.also = " backing template parent clone ",
		.help = "what it begins as if it is not there",
	},
	{
		.key = "readonly",
		.type = CONF_IS_TRUTH,
		DISK(readonly),
		.preset = "false",
		.also = " ro read_only ",
		.help = "nobody writes it",
	},
	{
		.key = "cache",
		.type = CONF_IS_CHOICE,
		DISK(cache),
		.preset = "writeback",
		.words = cache_words,
		.also = " direct aio ",
		.help = "whether the host's page cache is used",
	},
	{
		.key = "serial",
		.type = CONF_IS_TEXT,
		DISK(serial),
		.preset = "",
		.max = 20,
		.also = " id ",
		.help = "what the guest sees as its serial number",
	},
	{
		.key = "iops",
		.type = CONF_IS_COUNT,
		DISK(iops),
		.preset = "0",
		.max = 100 * 1000 * 1000,
		.help = "how many requests a second, or 0 for any number",
	},
	{
		.key = "bandwidth",
		.type = CONF_IS_SIZE,
		DISK(bandwidth),
		.preset = "unlimited",
		.zero = "unlimited",
		.min = 64 * KIB,
		.max = 1ULL << 40,
		.also = " bps rate throughput ",
		.help = "how many bytes a second",
	},
	{ .key = NULL },
};

const struct conf_disk *conf_disk(const struct conf_guest *guest,
				  unsigned int i)
{
	const struct conf_disk *disks = guest->disks.items;

	return i < guest->disks.count ? &disks[i] : NULL;
}
