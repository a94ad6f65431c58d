// SPDX-License-Identifier: GPL-2.0-only
/*
 * test.c - what every test guest has in common
 *
 * Start at main(): it finds the case it was told to run, greets the host and
 * gives user mode its pages.  Verdicts leave through hc_shutdown(): power off
 * is a pass, a crash with its reason is a failure.
 */
#include "test.h"

extern struct guest_case cases_start[], cases_end[];

struct lguest_info info;
static struct guest_case *this_case;

user_data u64 user_stack[USER_STACK_WORDS];

static void begin(u64 root)
{
	pgtable_init(root);
	if (this_case->flags & CASE_RAW)
		return;
	hc_init(&lguest_data, &info, LGUEST_ABI_VERSION,
		LGUEST_FEATURE_DIRECT_SYSCALL);
	hc_set_syscall(user_entry, user_exit);
	pgtable_give_to_user((u64)user_start, (u64)user_end);
}

void main(u64 number, u64 step, u64 ram_bytes, u64 root)
{
	(void)ram_bytes;
	if (number >= (u64)(cases_end - cases_start))
		panic("there is no case %llu", number);
	this_case = &cases_start[number];
	begin(root);
	((void (*)(u64))this_case->run)(step);
	hc_shutdown(LGUEST_SHUTDOWN_POWEROFF, NULL);
}

void expect_done(void)
{
	this_case->end = CASE_DONE;
}

void expect_trap(u32 trap)
{
	this_case->end = CASE_KILLED;
	this_case->trap = trap;
	this_case->checks = 0;
}

void expect_error(u64 error, u64 mask)
{
	this_case->checks |= CASE_CHECK_ERROR;
	this_case->error = error;
	this_case->error_mask = mask;
}

void expect_addr(u64 addr)
{
	this_case->checks |= CASE_CHECK_ADDR;
	this_case->addr = addr;
}

void expect_rip(u64 rip)
{
	this_case->checks |= CASE_CHECK_RIP;
	this_case->rip = rip;
}

void expect_user(void)
{
	this_case->checks |= CASE_CHECK_MODE;
	this_case->mode = LG_MODE_USER;
}

static void set_why(const char *text)
{
	size_t i;

	for (i = 0; text[i] && i + 1 < sizeof(this_case->why); i++)
		this_case->why[i] = text[i];
	this_case->why[i] = '\0';
}

void expect_why(const char *text)
{
	set_why(text);
}

void skip(const char *why)
{
	this_case->end = CASE_SKIPPED;
	set_why(why);
	hc_shutdown(LGUEST_SHUTDOWN_POWEROFF, NULL);
}

void check(int holds, const char *what)
{
	if (!holds)
		panic("%s: it is not so", what);
}

void check_is(u64 got, u64 want, const char *what)
{
	if (got != want)
		panic("%s: got %#llx, want %#llx", what, got, want);
}

void ask(u32 what)
{
	hc_notify(CASE_TOKEN(what, 0));
}

/* answer - to the last token; the runner has written it behind our back */
u64 answer(void)
{
	return *(volatile u64 *)&this_case->answer;
}

u64 ask_stat(u32 number)
{
	hc_notify(CASE_TOKEN(CASE_TOKEN_STAT, number));
	return answer();
}

void cpuid(u32 leaf, u32 subleaf, u32 ret_regs[4])
{
	asm volatile("cpuid"
		     : "=a"(ret_regs[0]), "=b"(ret_regs[1]), "=c"(ret_regs[2]),
		       "=d"(ret_regs[3])
		     : "a"(leaf), "c"(subleaf));
}

static u32 cpuid_bit(u32 leaf, int reg, int bit)
{
	u32 regs[4];

	cpuid(0, 0, regs);
	if (leaf > regs[0])
		return 0;
	cpuid(leaf, 0, regs);
	return regs[reg] >> bit & 1;
}

int on_tcg(void)
{
	u32 regs[4];

	if (!cpuid_bit(1, 2, 31))
		return 0;
	cpuid(0x40000000, 0, regs);
	return !memcmp(&regs[1], "TCGTCGTCGTCG", 12);
}

int on_amd(void)
{
	u32 regs[4];

	cpuid(0, 0, regs);
	return regs[1] == 0x68747541; /* "Auth", of AuthenticAMD */
}

u64 tsc_in(u64 ms)
{
	return rdtsc() + ms * (info.tsc_khz ?: 100000);
}

int has_smap(void)
{
	return (int)cpuid_bit(7, 1, 20);
}

int returns_are_broken(void)
{
	return on_tcg() && has_smap();
}

int has_umip(void)
{
	return (int)cpuid_bit(7, 2, 2);
}

/* OSPKE and OSXSAVE: not only is it there, the host has turned it on. */
int has_pku(void)
{
	return (int)cpuid_bit(7, 2, 4);
}

int has_avx(void)
{
	u32 low, high;

	if (!cpuid_bit(1, 2, 28) || !cpuid_bit(1, 2, 27))
		return 0;
	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & 6) == 6;
}

void user_init(struct user *user, const void *rip)
{
	memset(user, 0, sizeof(*user));
	user->rip = (u64)rip;
	user->rsp = USER_STACK_TOP;
	user->rflags = RFLAGS_IF | RFLAGS_FIXED;
}

void user_die(const void *rip)
{
	static struct user user;

	user_init(&user, rip);
	user_run(&user);
	panic("user mode made a system call, rip %#llx", user.rip);
}
