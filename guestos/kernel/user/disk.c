// SPDX-License-Identifier: GPL-2.0-only
/*
 * disk.c - a disk, looked at and written from end to end
 *
 *	disk sum N		its CRC-32
 *	disk fill N SEED	writes every sector; each says which it is
 *	disk check N SEED	are all as a fill has left them?
 *	disk load N ROUNDS	several at once write, read back and compare
 *	disk drop N		discards all of it
 *
 * A sector's words are made of its number and the seed, so that one which is
 * lost, old, or in another's place is found out.
 *
 * Next: guestos/kernel/user/clock.c
 */
#include "user.h"

#define SECTOR  512
#define WORDS   (SECTOR / 8)
#define CHUNK   (16 * PAGE_BYTES)
#define WORKERS 4

static u64 number; /* which disk */
static u64 *buffer;

static long ask(u64 op, u64 sector, u64 bytes)
{
	const struct disk_request request = {
		.disk = number,
		.op = op,
		.sector = sector,
		.addr = (u64)buffer,
		.bytes = bytes,
	};

	return sys(SYS_DISK, (u64)&request, 0, 0);
}

static void report(const char *what, u64 value)
{
	say("disk: ");
	say(what);
	say(" ");
	say_number(value);
	say("\n");
}

static int fail(const char *what, u64 sector)
{
	report(what, sector);
	return 1;
}

static u64 word_of(u64 sector, u64 seed, u64 i)
{
	u64 mixed =
		(sector + 1) * 0x9e3779b97f4a7c15ULL + seed * 0x100000001b3ULL;

	return mixed ^ (mixed >> 29) ^ i * 0xbf58476d1ce4e5b9ULL;
}

static void make(u64 *at, u64 sector, u64 seed)
{
	u64 i;

	for (i = 0; i < WORDS; i++)
		at[i] = word_of(sector, seed, i);
}

static int is_made(const u64 *at, u64 sector, u64 seed)
{
	u64 i;

	for (i = 0; i < WORDS; i++)
		if (at[i] != word_of(sector, seed, i))
			return 0;
	return 1;
}

/* ---- what is there ---- */

static u32 crc_table[256];

static void make_table(void)
{
	u32 i, bit, crc;

	for (i = 0; i < 256; i++) {
		crc = i;
		for (bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
		crc_table[i] = crc;
	}
}

static u32 crc_add(u32 crc, u8 byte)
{
	return crc >> 8 ^ crc_table[(crc ^ byte) & 255];
}

static u64 part_of(u64 left)
{
	return left < CHUNK ? left : CHUNK;
}

static int sum(u64 bytes)
{
	const u8 *at = (const u8 *)buffer;
	u64 done, i, some;
	u32 crc = ~0U;

	make_table();
	for (done = 0; done < bytes; done += some) {
		some = part_of(bytes - done);
		if (ask(DISK_READ, done / SECTOR, some) < 0)
			return fail("cannot read from sector", done / SECTOR);
		for (i = 0; i < some; i++)
			crc = crc_add(crc, at[i]);
	}
	report("sum", ~crc);
	return 0;
}

/* ---- all of it ---- */

static int fill(u64 bytes, u64 seed)
{
	u64 done, i, some;

	for (done = 0; done < bytes; done += some) {
		some = part_of(bytes - done);
		for (i = 0; i < some / SECTOR; i++)
			make(buffer + i * WORDS, done / SECTOR + i, seed);
		if (ask(DISK_WRITE, done / SECTOR, some) < 0)
			return fail("cannot write from sector", done / SECTOR);
	}
	if (ask(DISK_FLUSH, 0, 0) < 0)
		return fail("cannot flush", 0);
	report("filled", bytes);
	return 0;
}

static int check(u64 bytes, u64 seed)
{
	u64 done, i, some;

	for (done = 0; done < bytes; done += some) {
		some = part_of(bytes - done);
		if (ask(DISK_READ, done / SECTOR, some) < 0)
			return fail("cannot read from sector", done / SECTOR);
		for (i = 0; i < some / SECTOR; i++)
			if (!is_made(buffer + i * WORDS, done / SECTOR + i,
				     seed))
				return fail("wrong in sector",
					    done / SECTOR + i);
	}
	report("good", bytes);
	return 0;
}

/* ---- under load ---- */

/*
 * One sector after the other of every fourth page, from a fill with seed 0: what
 * was there must be of the round before, and what we write must be there.
 */
static int work(u64 pages, u64 worker, u64 rounds)
{
	u64 round, page, sector, i;

	for (round = 0; round < rounds; round++) {
		for (page = worker; page < pages; page += WORKERS) {
			sector = page * (PAGE_BYTES / SECTOR);
			if (ask(DISK_READ, sector, PAGE_BYTES) < 0)
				return fail("cannot read from sector", sector);
			for (i = 0; i < PAGE_BYTES / SECTOR; i++) {
				if (!is_made(buffer + i * WORDS, sector + i,
					     round))
					return fail("old in sector",
						    sector + i);
				make(buffer + i * WORDS, sector + i, round + 1);
			}
			if (ask(DISK_WRITE, sector, PAGE_BYTES) < 0)
				return fail("cannot write to sector", sector);
		}
		if (worker == 0)
			report("round", round + 1);
		if (ask(DISK_FLUSH, 0, 0) < 0)
			return fail("cannot flush", 0);
	}
	return 0;
}

static int load(u64 bytes, u64 rounds)
{
	int bad = 0, status;
	u64 i;

	for (i = 0; i < WORKERS; i++)
		if (!fork())
			exit(work(bytes / PAGE_BYTES, i, rounds));
	for (i = 0; i < WORKERS; i++) {
		wait(&status);
		bad |= status;
	}
	return bad || check(bytes, rounds);
}

/* ---- what is wanted ---- */

/* The next word of *text, cut at a blank or a comma. */
static u64 next_number(const char **text)
{
	const char *at = *text;
	u64 n = 0;

	while (*at == ' ' || *at == ',')
		at++;
	while (*at >= '0' && *at <= '9')
		n = n * 10 + (u64)(*at++ - '0');
	*text = at;
	return n;
}

static int begins(const char **text, const char *word)
{
	const char *at = *text;

	while (*word && *at == *word) {
		at++;
		word++;
	}
	if (*word)
		return 0;
	*text = at;
	return 1;
}

static int run(const char *arg)
{
	enum {
		SUM,
		FILL,
		CHECK,
		LOAD,
		DROP
	} what;
	u64 value;
	long bytes;

	if (begins(&arg, "sum"))
		what = SUM;
	else if (begins(&arg, "fill"))
		what = FILL;
	else if (begins(&arg, "check"))
		what = CHECK;
	else if (begins(&arg, "load"))
		what = LOAD;
	else if (begins(&arg, "drop"))
		what = DROP;
	else
		return fail("sum, fill, check, load or drop, and a disk", 0);
	number = next_number(&arg);
	value = next_number(&arg);
	bytes = ask(DISK_SIZE, 0, 0);
	if (bytes < 0)
		return fail("there is none of that number:", number);
	switch (what) {
	case SUM:
		return sum((u64)bytes);
	case FILL:
		return fill((u64)bytes, value);
	case CHECK:
		return check((u64)bytes, value);
	case LOAD:
		return load((u64)bytes, value);
	case DROP:
		return ask(DISK_DISCARD, 0, (u64)bytes) < 0
			       ? fail("cannot discard", 0)
			       : 0;
	}
	return 1;
}

int main(const char *arg)
{
	int status;

	buffer = map(CHUNK, MEM_WRITE);
	status = run(arg);
	say(status ? "disk: failed\n" : "disk: done\n");
	return status;
}
