// SPDX-License-Identifier: GPL-2.0-only
/*
 * state.c - what is a process's own: registers, bases, breakpoints
 */
#include "checks.h"

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

/* What of the pattern seed is lost in all registers but RSP and RCX. */
#define LOST(seed, rcx, middle)                                               \
	({                                                                    \
		u64 bad;                                                      \
		asm volatile("push %%rbp\n\t"                                 \
			     "mov %%rax, %%rbx\n\tmov %%rax, %%rdx\n\t"       \
			     "mov %%rax, %%rsi\n\tmov %%rax, %%rdi\n\t"       \
			     "mov %%rax, %%rbp\n\tmov %%rax, %%r8\n\t"        \
			     "mov %%rax, %%r9\n\tmov %%rax, %%r10\n\t"        \
			     "mov %%rax, %%r11\n\tmov %%rax, %%r12\n\t"       \
			     "mov %%rax, %%r13\n\tmov %%rax, %%r14\n\t"       \
			     "mov %%rax, %%r15\n\t" middle                    \
			     "sub %%rax, %%rbx\n\tsub %%rax, %%rdx\n\t"       \
			     "sub %%rax, %%rsi\n\tsub %%rax, %%rdi\n\t"       \
			     "sub %%rax, %%rbp\n\tsub %%rax, %%r8\n\t"        \
			     "sub %%rax, %%r9\n\tsub %%rax, %%r10\n\t"        \
			     "sub %%rax, %%r11\n\tsub %%rax, %%r12\n\t"       \
			     "sub %%rax, %%r13\n\tsub %%rax, %%r14\n\t"       \
			     "sub %%rax, %%r15\n\t"                           \
			     "or %%rdx, %%rbx\n\tor %%rsi, %%rbx\n\t"         \
			     "or %%rdi, %%rbx\n\tor %%rbp, %%rbx\n\t"         \
			     "or %%r8, %%rbx\n\tor %%r9, %%rbx\n\t"           \
			     "or %%r10, %%rbx\n\tor %%r11, %%rbx\n\t"         \
			     "or %%r12, %%rbx\n\tor %%r13, %%rbx\n\t"         \
			     "or %%r14, %%rbx\n\tor %%r15, %%rbx\n\t"         \
			     "mov %%rbx, %%rax\n\tpop %%rbp"                  \
			     : "=a"(bad), "+c"(rcx)                           \
			     : "0"(seed)                                      \
			     : "rbx", "rdx", "rsi", "rdi", "r8", "r9", "r10", \
			       "r11", "r12", "r13", "r14", "r15", "memory",   \
			       "cc");                                         \
		bad;                                                          \
	})

/* They keep it while time passes. */
static int spin_with(u64 seed)
{
	u64 turns = 3000000;

	return LOST(seed, turns, "1: dec %%rcx\n\tjnz 1b\n\t") != 0;
}

/* ... and while pages are copied, which none of the stores may notice. */
static int store_with(u64 seed, u64 to)
{
	u64 rcx = to;

	return LOST(seed, rcx,
		    "mov %%rax, (%%rcx)\n\tmov %%rax, 4096(%%rcx)\n\t"
		    "mov %%rax, 8192(%%rcx)\n\tmov %%rax, 12288(%%rcx)\n\t") ||
	       rcx != to;
}

static int run_copies(void)
{
	volatile u64 *memory = map(4 * PAGE_BYTES, MEM_WRITE);
	int i, status;

	for (i = 0; i < 20; i++) {
		memory[512 * (i % 4)] = 1;
		if (!fork())
			exit(store_with(0x1111111111111111 * (i & 7) + 1,
					(u64)memory));
		SAID_NO(wait(&status) > 0 && !status);
		SAID_NO(memory[512 * (i % 4)] == 1);
		SAID_NO(!store_with(0xfedcba9876543210 + i, (u64)memory));
	}
	return 0;
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

static int slot_with(u64 seed)
{
	long selector;
	u64 got;
	int i;

	tls[1] = seed;
	selector = sys(SYS_TLS_SLOT, 1, (u64)tls, 0);
	if (selector < 0)
		return 1;
	asm volatile("mov %w0, %%fs" : : "r"(selector));
	for (i = 0; i < 50; i++) {
		asm volatile("mov %%fs:8, %0" : "=r"(got));
		if (got != seed)
			return 2;
		yield();
	}
	return 0;
}

static int run_tls_slot(void)
{
	int status;

	SAID_NO(sys(SYS_TLS_SLOT, 99, 0, 0) < 0);
	SAID_NO(sys(SYS_TLS_SLOT, 0, 1ULL << 32, 0) < 0);
	if (!fork())
		exit(slot_with(1));
	SAID_NO(!slot_with(2));
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
	{ "preempt", run_preempt }, { "regs", run_regs },
	{ "copies", run_copies },   { "fpu", run_fpu },
	{ "tls", run_tls },         { "tls-slot", run_tls_slot },
	{ "gs", run_gs },           { "deep-fork", run_deep_fork },
	{ "watch", run_watch },     { "watch-two", run_watch_two },
	{ "break", run_break },     { "watch-kernel", run_watch_kernel },
};

int main(const char *arg)
{
	return run_check(arg, checks, sizeof(checks) / sizeof(checks[0]));
}
