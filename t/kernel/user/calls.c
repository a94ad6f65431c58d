// SPDX-License-Identifier: GPL-2.0-only
/*
 * calls.c - system calls: processes, memory, pipes
 */
#include "checks.h"

static int run_calls(void)
{
	struct proc_info info;

	SAID_NO(sys(SYS_GETPID, 0, 0, 0) > 0);
	SAID_NO(sys(9999, 0, 0, 0) < 0);
	SAID_NO(sys(-1, 0, 0, 0) < 0);
	SAID_NO(sys(SYS_WRITE, 0xffffffff80200000, 8, 0) < 0);
	SAID_NO(sys(SYS_WRITE, 8, 8, 0) < 0);
	SAID_NO(sys(SYS_WRITE, 0x7fffffffffff, 8, 0) < 0);
	SAID_NO(sys(SYS_WRITE, 0x8000000000000000, 8, 0) < 0);
	SAID_NO(sys(SYS_EXEC, (u64) "nobody", (u64) "", 0) < 0);
	SAID_NO(sys(SYS_EXEC, 8, 8, 0) < 0);
	SAID_NO(sys(SYS_MMAP, 0, 0, 0) < 0);
	SAID_NO(sys(SYS_MMAP, 1, 0, 0) < 0);
	SAID_NO(sys(SYS_MUNMAP, 0xffff888000200000, 4096, 0) < 0);
	SAID_NO(wait(0) < 0);
	SAID_NO(sys(SYS_SHUTDOWN, 99, 0, 0) < 0);
	SAID_NO(sys(SYS_PROC, 0, 0xffffffff80200000, 0) < 0);
	SAID_NO(sys(SYS_PROC, -1, (u64)&info, 0) < 0);
	SAID_NO(sys(SYS_PROC, 0, (u64)&info, 0) == 0 && info.name[0]);
	SAID_NO(sys(SYS_READ, (u64)&info, 0, 0) == 0);
	SAID_NO(sys(SYS_MEMORY, 0, 0, 0) > PAGE_BYTES);
	/* Neither machine that this runs on has a bus. */
	SAID_NO(sys(SYS_NETWORK, (u64)&info, 0, 0) < 0);
	SAID_NO(sys(SYS_BALLOON, 0, 0, 0) < 0);
	return 0;
}

static volatile int value = 1;

static int run_fork(void)
{
	int status, pid = fork();

	SAID_NO(pid >= 0);
	if (!pid) {
		value = 2;
		yield();
		exit(value == 2 ? 33 : 1);
	}
	value = 3;
	SAID_NO(wait(&status) == pid);
	SAID_NO(status == 33 && value == 3);
	return 0;
}

/* The page that wait() writes to is shared when it does. */
static int run_cow(void)
{
	volatile int *page = map(PAGE_BYTES, MEM_WRITE);
	int pid, inner;

	page[0] = 5;
	pid = fork();
	if (!pid) {
		inner = fork();
		if (!inner)
			exit(page[0]);
		if (wait((int *)page) != inner || page[0] != 5)
			exit(1);
		page[0] = 6;
		exit(page[0]);
	}
	SAID_NO(wait((int *)&page[1]) == pid);
	SAID_NO(page[0] == 5 && page[1] == 6);
	return 0;
}

static int run_forks(void)
{
	int i, status, sum = 0;

	for (i = 0; i < 20; i++) {
		if (!fork()) {
			yield();
			exit(i);
		}
	}
	for (i = 0; i < 20; i++) {
		SAID_NO(wait(&status) > 0);
		sum += status;
	}
	SAID_NO(sum == 190);
	SAID_NO(wait(&status) < 0);
	return 0;
}

static int run_exec(void)
{
	int status;

	if (!fork()) {
		sys(SYS_EXEC, (u64) "hello", (u64) "exec", 0);
		exit(1);
	}
	SAID_NO(wait(&status) > 0);
	SAID_NO(status == 7);
	return 0;
}

/* touch - what becomes of a child that writes, or reads, there */
static int touch(volatile u8 *addr, int write)
{
	int status = 0;

	if (!fork()) {
		if (write)
			*addr = 1;
		else
			(void)*addr;
		exit(0);
	}
	wait(&status);
	return status;
}

static int run_mmap(void)
{
	volatile u8 *memory = map(4 * PAGE_BYTES, MEM_WRITE);
	int i;

	for (i = 0; i < 4 * PAGE_BYTES; i += 64)
		SAID_NO(memory[i] == 0);
	for (i = 0; i < 4 * PAGE_BYTES; i += 64)
		memory[i] = (u8)i;
	SAID_NO(!sys(SYS_MUNMAP, (u64)memory + PAGE_BYTES, PAGE_BYTES, 0));
	SAID_NO(touch(memory + PAGE_BYTES, 0) == kill_status(14));
	SAID_NO(touch(memory, 1) == 0);
	SAID_NO(memory[2 * PAGE_BYTES + 64] == 64);
	SAID_NO(!sys(SYS_MUNMAP, (u64)memory, 4 * PAGE_BYTES, 0));
	return 0;
}

static int run_protect(void)
{
	volatile u8 *memory = map(2 * PAGE_BYTES, MEM_WRITE);

	memory[0] = 0xc3;
	memory[PAGE_BYTES] = 1;
	SAID_NO(!sys(SYS_MPROTECT, (u64)memory, 2 * PAGE_BYTES, 0));
	SAID_NO(touch(memory, 0) == 0);
	SAID_NO(touch(memory, 1) == kill_status(14));
	SAID_NO(touch(memory + PAGE_BYTES, 1) == kill_status(14));
	SAID_NO(!sys(SYS_MPROTECT, (u64)memory, PAGE_BYTES, MEM_WRITE));
	SAID_NO(touch(memory, 1) == 0);
	SAID_NO(touch(memory + PAGE_BYTES, 1) == kill_status(14));
	memory[0] = 0xc3;
	SAID_NO(!sys(SYS_MPROTECT, (u64)memory, PAGE_BYTES, MEM_EXEC));
	((void (*)(void))(u64)memory)();
	SAID_NO(touch(memory, 1) == kill_status(14));
	return 0;
}

static int run_shared(void)
{
	volatile int *page = map(PAGE_BYTES, MEM_WRITE | MEM_SHARED);
	int status;

	page[0] = 1;
	if (!fork()) {
		page[0] = 2;
		exit(0);
	}
	wait(&status);
	SAID_NO(page[0] == 2);
	return 0;
}

static int run_pipe(void)
{
	u32 i, sum = 0, want = 0;
	u8 bytes[100];
	long n;

	SAID_NO(!sys(SYS_PIPE, 0, 0, 0));
	if (!fork()) {
		for (i = 0; i < 5000; i++) {
			bytes[0] = (u8)(i * 7);
			if (sys(SYS_PIPE_WRITE, (u64)bytes, 1, 0) != 1)
				exit(1);
		}
		exit(0);
	}
	for (i = 0; i < 5000; i++)
		want = want * 31 + (u8)(i * 7);
	i = 0;
	while ((n = sys(SYS_PIPE_READ, (u64)bytes, sizeof(bytes), 0)) > 0) {
		i += (u32)n;
		for (u8 *at = bytes; at < bytes + n; at++)
			sum = sum * 31 + *at;
	}
	SAID_NO(n == 0 && i == 5000);
	SAID_NO(sum == want);
	return 0;
}

static int run_sleep(void)
{
	u64 start = clock();

	sys(SYS_SLEEP, 20000000, 0, 0);
	SAID_NO(clock() - start >= 20000000);
	return 0;
}

static const struct check checks[] = {
	{ "calls", run_calls },     { "fork", run_fork },
	{ "cow", run_cow },         { "forks", run_forks },
	{ "exec", run_exec },       { "mmap", run_mmap },
	{ "protect", run_protect }, { "shared", run_shared },
	{ "pipe", run_pipe },       { "sleep", run_sleep },
};

int main(const char *arg)
{
	return run_check(arg, checks, sizeof(checks) / sizeof(checks[0]));
}
