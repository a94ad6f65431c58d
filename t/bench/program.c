// SPDX-License-Identifier: GPL-2.0-only
/*
 * program.c - one operation of a kernel, so many times: its argument says which
 *
 * What must be there before is prepared, and done once, so that nothing is
 * counted that only the first one costs.
 */
#include "user.h"
#include "mark.h"

#define PAGES 512

struct op {
	const char *name;
	u64 rounds;
	void (*prepare)(void);
	void (*run)(u64 rounds);
	void (*finish)(void);
};

static volatile u8 *memory;

static void yield(void)
{
	sys(SYS_YIELD, 0, 0, 0);
}

static void nothing(void)
{
}

/* ---- calls and processes ---- */

static void getpid(u64 rounds)
{
	while (rounds--)
		sys(SYS_GETPID, 0, 0, 0);
}

static void fork_once(void)
{
	if (!fork())
		exit(0);
	wait(0);
}

static void forks(u64 rounds)
{
	while (rounds--)
		fork_once();
}

static void exec_once(void)
{
	if (!fork()) {
		sys(SYS_EXEC, (u64) "program", (u64) "exit", 0);
		exit(1);
	}
	wait(0);
}

static void execs(u64 rounds)
{
	while (rounds--)
		exec_once();
}

/* A child that is there whenever we yield, until we write to the pipe. */
static void partner(void)
{
	u8 *shared = map(PAGE_BYTES, MEM_WRITE | MEM_SHARED);

	memory = shared;
	*memory = 0;
	if (!fork()) {
		while (!*memory)
			yield();
		exit(0);
	}
	yield();
	yield();
}

static void end_partner(void)
{
	*memory = 1;
	wait(0);
}

/* Each of ours is there and back: two switches. */
static void switches(u64 rounds)
{
	for (; rounds; rounds -= 2)
		yield();
}

/* ---- memory ---- */

static volatile u8 *area;

static void get_pages(void)
{
	area = map(PAGES * PAGE_BYTES, MEM_WRITE);
}

static void touch(u64 pages)
{
	u64 i;

	for (i = 0; i < pages; i++)
		area[i * PAGE_BYTES] = 1;
}

static void get_away(void)
{
	get_pages();
	partner();
	touch(PAGES);
	yield();
}

static void get_copies(void)
{
	partner();
	get_pages();
	touch(PAGES);
	if (!fork()) {
		while (!*memory)
			yield();
		exit(0);
	}
	yield();
}

static void end_copies(void)
{
	end_partner();
	wait(0);
}

static void protect(u64 rounds)
{
	for (; rounds; rounds--) {
		sys(SYS_MPROTECT, (u64)area, PAGE_BYTES, 0);
		sys(SYS_MPROTECT, (u64)area, PAGE_BYTES, MEM_WRITE);
		*area = 1;
	}
}

static const struct op ops[] = {
	{ "getpid", 1000, nothing, getpid, nothing },
	{ "fork-exit-wait", 50, fork_once, forks, nothing },
	{ "fork-exec-wait", 50, exec_once, execs, nothing },
	{ "context-switch", 1000, partner, switches, end_partner },
	{ "page-touch", PAGES, get_pages, touch, nothing },
	{ "page-touch-again", PAGES, get_away, touch, end_partner },
	{ "mprotect-write", 200, get_pages, protect, nothing },
	{ "copy-fault", PAGES, get_copies, touch, end_copies },
};

static int same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static void measure(const struct op *op)
{
	u64 start;

	op->prepare();
	say("begin\n");
	start = mark_begin();
	op->run(op->rounds);
	start = mark_end(start);
	say("end\n");
	say(op->name);
	say(" ");
	say_number(start);
	say(" ");
	say_number(op->rounds);
	say("\n");
	op->finish();
}

int main(const char *arg)
{
	u32 i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (same(arg, ops[i].name)) {
			measure(&ops[i]);
			return 0;
		}
	}
	return !same(arg, "exit");
}
