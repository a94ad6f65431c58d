// SPDX-License-Identifier: GPL-2.0-only
/*
 * checks.c - a program of small tests, one for each word
 *
 * A test returns 0 if all is well and a number that says where it was not, if
 * not; or it is killed by the trap it provokes.
 */
#include "user.h"

struct check {
	const char *word;
	int (*run)(void);
};

#define SAID_NO(cond)                    \
	do {                             \
		if (!(cond))             \
			return __LINE__; \
	} while (0)

static int same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static int kill_status(int vector)
{
	return -(0x100 + vector);
}

static u64 clock(void)
{
	return (u64)sys(SYS_CLOCK, 0, 0, 0);
}

static void yield(void)
{
	sys(SYS_YIELD, 0, 0, 0);
}

/* Traps, most of which do not come back. */

static int run_ok(void)
{
	return 0;
}

static int run_ud2(void)
{
	asm volatile("ud2");
	return 1;
}

static int run_div(void)
{
	asm volatile("xor %%ecx, %%ecx\n\tdiv %%ecx"
		     :
		     : "a"(1), "d"(0)
		     : "ecx");
	return 1;
}

static int run_int3(void)
{
	asm volatile("int3");
	return 1;
}

static int run_int80(void)
{
	asm volatile("int $0x80");
	return 1;
}

static int run_int32(void)
{
	asm volatile("int $32");
	return 1;
}

static int run_hlt(void)
{
	asm volatile("hlt");
	return 1;
}

static int run_cli(void)
{
	asm volatile("cli");
	return 1;
}

static int run_in(void)
{
	asm volatile("inb $0x80, %%al" : : : "eax");
	return 1;
}

static int run_rdmsr(void)
{
	asm volatile("rdmsr" : : "c"(0x1b) : "eax", "edx");
	return 1;
}

static int run_cr3(void)
{
	asm volatile("mov %%cr3, %%rax" : : : "rax");
	return 1;
}

static int run_wild(void)
{
	return *(volatile int *)0x8000000000000000;
}

static int run_null(void)
{
	return *(volatile int *)8;
}

static int run_kernel_read(void)
{
	return *(volatile int *)0xffffffff80200000;
}

static int run_kernel_write(void)
{
	*(volatile int *)0xffff888000200000 = 1;
	return 1;
}

static int run_kernel_jump(void)
{
	asm volatile("jmp *%0" : : "r"(0xffffffff80200000));
	return 1;
}

static int run_text(void)
{
	*(volatile u8 *)run_text = 0xc3;
	return 1;
}

static int run_nx(void)
{
	volatile u8 code[16] = { 0xc3 };

	((void (*)(void))(u64)code)();
	return 1;
}

static volatile int bottom;

static __attribute__((noinline)) int deeper(int n)
{
	volatile char room[512];

	room[0] = (char)n;
	if (bottom)
		return n;
	return deeper(n + 1) + room[0];
}

static int run_deep(void)
{
	return deeper(0);
}

/* System calls and memory. */

static int run_calls(void)
{
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

/* Being interrupted. */

static int run_preempt(void)
{
	volatile u64 *page = map(PAGE_BYTES, MEM_WRITE | MEM_SHARED);
	int i, status;

	for (i = 0; i < 4; i++) {
		if (fork())
			continue;
		while (!page[8])
			page[i]++;
		exit(0);
	}
	while (!page[0] || !page[1] || !page[2] || !page[3])
		asm volatile("pause");
	page[8] = 1;
	for (i = 0; i < 4; i++)
		SAID_NO(wait(&status) > 0 && !status);
	return 0;
}

/* All registers but RSP and RCX keep a pattern while time passes. */
static int spin_with(u64 seed)
{
	u64 bad;

	asm volatile("push %%rbp\n\t"
		     "mov %%rax, %%rbx\n\tmov %%rax, %%rdx\n\t"
		     "mov %%rax, %%rsi\n\tmov %%rax, %%rdi\n\t"
		     "mov %%rax, %%rbp\n\tmov %%rax, %%r8\n\t"
		     "mov %%rax, %%r9\n\tmov %%rax, %%r10\n\t"
		     "mov %%rax, %%r11\n\tmov %%rax, %%r12\n\t"
		     "mov %%rax, %%r13\n\tmov %%rax, %%r14\n\t"
		     "mov %%rax, %%r15\n\t"
		     "1: dec %%rcx\n\tjnz 1b\n\t"
		     "sub %%rax, %%rbx\n\tsub %%rax, %%rdx\n\t"
		     "sub %%rax, %%rsi\n\tsub %%rax, %%rdi\n\t"
		     "sub %%rax, %%rbp\n\tsub %%rax, %%r8\n\t"
		     "sub %%rax, %%r9\n\tsub %%rax, %%r10\n\t"
		     "sub %%rax, %%r11\n\tsub %%rax, %%r12\n\t"
		     "sub %%rax, %%r13\n\tsub %%rax, %%r14\n\t"
		     "sub %%rax, %%r15\n\t"
		     "or %%rdx, %%rbx\n\tor %%rsi, %%rbx\n\t"
		     "or %%rdi, %%rbx\n\tor %%rbp, %%rbx\n\t"
		     "or %%r8, %%rbx\n\tor %%r9, %%rbx\n\t"
		     "or %%r10, %%rbx\n\tor %%r11, %%rbx\n\t"
		     "or %%r12, %%rbx\n\tor %%r13, %%rbx\n\t"
		     "or %%r14, %%rbx\n\tor %%r15, %%rbx\n\t"
		     "mov %%rbx, %%rax\n\tpop %%rbp"
		     : "=a"(bad)
		     : "0"(seed), "c"(3000000ULL)
		     : "rbx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
		       "r12", "r13", "r14", "r15", "memory", "cc");
	return bad != 0;
}

static int run_regs(void)
{
	int i, status, bad = 0;

	for (i = 0; i < 3; i++) {
		if (!fork())
			exit(spin_with(0x0123456789abcdef * (u64)(i + 1)));
	}
	bad = spin_with(0xfedcba9876543210);
	for (i = 0; i < 3; i++) {
		SAID_NO(wait(&status) > 0);
		bad |= status;
	}
	return bad;
}

/* Several of us fill the same registers with other things, and take turns. */
static int turns_with(u64 seed)
{
	u64 got0, got15, st = 0;
	int i;

	asm volatile("fninit\n\tmovq %0, %%xmm0\n\tmovq %0, %%xmm15\n\t"
		     "push %0\n\tfildll (%%rsp)\n\tpop %0"
		     :
		     : "r"(seed)
		     : "memory");
	for (i = 0; i < 50; i++) {
		yield();
		asm volatile("movq %%xmm0, %0\n\tmovq %%xmm15, %1"
			     : "=r"(got0), "=r"(got15));
		if (got0 != seed || got15 != seed)
			return 1;
	}
	asm volatile("fistpll %0" : "=m"(st));
	return st != seed;
}

static int run_fpu(void)
{
	int i, status;

	for (i = 0; i < 3; i++) {
		if (!fork())
			exit(turns_with(0x1111111111 * (u64)(i + 1)));
	}
	SAID_NO(!turns_with(0x123456789abc));
	for (i = 0; i < 3; i++)
		SAID_NO(wait(&status) > 0 && !status);
	return 0;
}

static u64 tls[2];

static int tls_with(u64 seed)
{
	u64 got;
	int i;

	tls[1] = seed;
	if (sys(SYS_TLS, (u64)tls, 0, 0))
		return 1;
	for (i = 0; i < 50; i++) {
		asm volatile("mov %%fs:8, %0" : "=r"(got));
		if (got != seed)
			return 2;
		yield();
	}
	return 0;
}

static int run_tls(void)
{
	int status;

	SAID_NO(sys(SYS_TLS, 0xffff888000000000, 0, 0) < 0);
	if (!fork())
		exit(tls_with(1));
	SAID_NO(!tls_with(2));
	SAID_NO(wait(&status) > 0 && !status);
	return 0;
}

static int gs_with(u64 seed)
{
	u64 got;
	int i;

	tls[1] = seed;
	asm volatile("wrgsbase %0" : : "r"(tls));
	for (i = 0; i < 50; i++) {
		asm volatile("mov %%gs:8, %0" : "=r"(got));
		if (got != seed)
			return 2;
		yield();
	}
	asm volatile("wrgsbase %0" : : "r"(0x7000 + seed));
	for (i = 0; i < 50; i++) {
		asm volatile("rdgsbase %0" : "=r"(got));
		if (got != 0x7000 + seed)
			return 3;
		yield();
	}
	return 0;
}

static int run_gs(void)
{
	int status;

	if (!fork())
		exit(gs_with(1));
	SAID_NO(!gs_with(2));
	SAID_NO(wait(&status) > 0 && !status);
	return 0;
}

/* Each generation waits in the kernel for the next one. */
static int run_deep_fork(void)
{
	int depth, status = 0;

	for (depth = 0; depth < 12; depth++) {
		if (fork()) {
			wait(&status);
			if (!depth)
				return status == 100 - 11 ? 0 : __LINE__;
			exit(status - 1);
		}
	}
	exit(100);
}

/* Breakpoints. */

static volatile u32 watched, unwatched;

static int watch_some(u32 times)
{
	u32 i;

	if (sys(SYS_WATCH, 0, (u64)&watched, 0xd))
		return 1;
	for (i = 0; i < times; i++) {
		watched++;
		unwatched++;
		yield();
	}
	return sys(SYS_WATCHED, 0, 0, 0) == times ? 0 : 2;
}

static int run_watch(void)
{
	return watch_some(5);
}

static int run_watch_two(void)
{
	int i, status;

	if (!fork()) {
		for (i = 0; i < 20; i++) {
			watched++;
			yield();
		}
		exit((int)sys(SYS_WATCHED, 0, 0, 0));
	}
	SAID_NO(!watch_some(20));
	SAID_NO(wait(&status) > 0 && !status);
	return 0;
}

static __attribute__((noinline)) void stop_here(void)
{
	asm volatile("");
}

static int run_break(void)
{
	int i;

	SAID_NO(!sys(SYS_WATCH, 3, (u64)stop_here, 0));
	for (i = 0; i < 4; i++)
		stop_here();
	SAID_NO(sys(SYS_WATCHED, 0, 0, 0) == 4);
	return 0;
}

static int run_watch_kernel(void)
{
	SAID_NO(sys(SYS_WATCH, 0, 0xffff888000200000, 0xd) < 0);
	SAID_NO(sys(SYS_WATCH, 4, (u64)&watched, 0xd) < 0);
	return 0;
}

static const struct check checks[] = {
	{ "ok", run_ok },
	{ "ud2", run_ud2 },
	{ "div", run_div },
	{ "int3", run_int3 },
	{ "int80", run_int80 },
	{ "int32", run_int32 },
	{ "hlt", run_hlt },
	{ "cli", run_cli },
	{ "in", run_in },
	{ "rdmsr", run_rdmsr },
	{ "cr3", run_cr3 },
	{ "wild", run_wild },
	{ "null", run_null },
	{ "kernel-read", run_kernel_read },
	{ "kernel-write", run_kernel_write },
	{ "kernel-jump", run_kernel_jump },
	{ "text", run_text },
	{ "nx", run_nx },
	{ "deep", run_deep },
	{ "calls", run_calls },
	{ "fork", run_fork },
	{ "cow", run_cow },
	{ "forks", run_forks },
	{ "exec", run_exec },
	{ "mmap", run_mmap },
	{ "protect", run_protect },
	{ "shared", run_shared },
	{ "pipe", run_pipe },
	{ "sleep", run_sleep },
	{ "preempt", run_preempt },
	{ "regs", run_regs },
	{ "fpu", run_fpu },
	{ "tls", run_tls },
	{ "gs", run_gs },
	{ "deep-fork", run_deep_fork },
	{ "watch", run_watch },
	{ "watch-two", run_watch_two },
	{ "break", run_break },
	{ "watch-kernel", run_watch_kernel },
};

int main(const char *arg)
{
	u32 i;

	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (same(checks[i].word, arg))
			return checks[i].run();
	}
	say("# checks: no such word\n");
	return 255;
}
