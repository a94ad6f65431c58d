// SPDX-License-Identifier: GPL-2.0-only
/*
 * devices.c - each device is used once, and says so; then there is a prompt
 *
 * Random bytes, the first disk, the network and the balloon, and all of it on the
 * console.  The disk counts how often this was done, so one that is kept can be
 * told from one that is new.
 *
 * What must never happen: that a disk with something on it is written to.  Its
 * first sector is zero or ours, or it is left as it is.
 *
 * Next: guestos/kernel/user/disk.c
 */
#include "user.h"

#define SECTOR   512
#define MIB      (1024 * 1024)
#define NS_PER_S 1000000000ULL
#define LOOK_NS  (NS_PER_S / 100)
#define LOOKS    1000 /* ten seconds of them */

/* What is in the sector that we write. */
struct count {
	char magic[16];
	u64 starts;
};

static const char magic[16] = "lguest: hello";

/* ---- a line, said as a whole: the kernel has things to say, too ---- */

static char line[200];
static u64 line_bytes;

static void add(const char *text)
{
	while (*text && line_bytes + 2 < sizeof(line))
		line[line_bytes++] = *text++;
}

static void add_number(u64 n)
{
	char room[NUMBER_BYTES];

	add(decimal(n, room));
}

static void add_hex(const u8 *bytes, u64 count)
{
	static const char digits[] = "0123456789abcdef";
	char text[3] = "";
	u64 i;

	for (i = 0; i < count; i++) {
		text[0] = digits[bytes[i] >> 4];
		text[1] = digits[bytes[i] & 15];
		add(text);
	}
}

static void add_ip(u32 address)
{
	const u8 *ip = (const u8 *)&address;
	int i;

	for (i = 0; i < 4; i++) {
		if (i)
			add(".");
		add_number(ip[i]);
	}
}

static void end(const char *text)
{
	add(text);
	line[line_bytes++] = '\n';
	line[line_bytes] = '\0';
	say(line);
	line_bytes = 0;
}

/* ---- random bytes ---- */

static void use_random(void)
{
	u8 bytes[16];

	if (sys(SYS_RANDOM, (u64)bytes, sizeof(bytes), 0) <= 0) {
		end("rng: there is none");
		return;
	}
	add("rng: ");
	add_hex(bytes, sizeof(bytes));
	end("");
}

/* ---- a disk ---- */

static long ask_disk(u64 op, void *sector)
{
	const struct disk_request request = {
		.op = op,
		.addr = (u64)sector,
		.bytes = sector ? SECTOR : 0,
	};

	return sys(SYS_DISK, (u64)&request, 0, 0);
}

static int is_zero(const u8 *bytes)
{
	u64 i;

	for (i = 0; i < SECTOR && !bytes[i]; i++)
		;
	return i == SECTOR;
}

static int is_ours(const struct count *count)
{
	u64 i;

	for (i = 0; i < sizeof(magic) && count->magic[i] == magic[i]; i++)
		;
	return i == sizeof(magic);
}

/* One more; NULL, or what did not work. */
static const char *count_start(struct count *count)
{
	u64 i, starts = count->starts + 1;

	for (i = 0; i < sizeof(magic); i++)
		count->magic[i] = magic[i];
	count->starts = starts;
	if (ask_disk(DISK_WRITE, count) < 0)
		return "cannot be written";
	if (ask_disk(DISK_FLUSH, 0) < 0)
		return "cannot be flushed";
	count->starts = 0;
	if (ask_disk(DISK_READ, count) < 0 || count->starts != starts)
		return "does not keep what was written";
	return 0;
}

static void use_disk(void)
{
	struct count *count = map(PAGE_BYTES, MEM_WRITE);
	long bytes = ask_disk(DISK_SIZE, 0);
	const char *wrong = 0;

	if (bytes < 0) {
		end("disk: there is none");
		return;
	}
	add("disk: ");
	add_number((u64)bytes / MIB);
	add(" MiB, ");
	if (ask_disk(DISK_READ, count) < 0)
		wrong = "cannot be read";
	else if (!is_zero((const u8 *)count) && !is_ours(count))
		wrong = "has something on it, and is left as it is";
	else
		wrong = count_start(count);
	if (wrong) {
		add(wrong);
	} else {
		add("written and read, start number ");
		add_number(count->starts);
	}
	end("");
}

/* ---- the network ---- */

/* The card has asked for an address by itself, and then for its router. */
static void use_network(void)
{
	struct network_info info = { 0 };
	int left = LOOKS;
	long r;

	while ((r = sys(SYS_NETWORK, (u64)&info, 0, 0)) == 0 &&
	       !info.router_answers && left--)
		sys(SYS_SLEEP, LOOK_NS, 0, 0);
	if (r < 0) {
		end("network: there is none");
		return;
	}
	add("network: ");
	if (!info.address) {
		end("nobody has given it an address");
		return;
	}
	add_ip(info.address);
	add(", router ");
	add_ip(info.router);
	end(info.router_answers ? " answers" : " does not answer");
}

/* ---- the balloon ---- */

static void use_balloon(void)
{
	long bytes = sys(SYS_BALLOON, 0, 0, 0);

	if (bytes < 0) {
		end("balloon: there is none");
		return;
	}
	add("balloon: the host has ");
	add_number((u64)bytes / 1024);
	add(" KiB of ours, and may have of ");
	add_number((u64)sys(SYS_MEMORY, 0, 0, 0) / 1024);
	end(" KiB that are free");
}

int main(const char *arg)
{
	(void)arg;
	end("devices: hello from user mode");
	use_random();
	use_disk();
	use_network();
	use_balloon();
	sys(SYS_EXEC, (u64) "shell", (u64) "", 0);
	return 1;
}
