// SPDX-License-Identifier: GPL-2.0-only
/*
 * faults.c - what no process may do, each of which should be its end
 */
#include "checks.h"

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

static int load_ds(int selector)
{
	asm volatile("mov %w0, %%ds" : : "r"(selector));
	return 1;
}

static int run_kernel_segment(void)
{
	return load_ds(0x18);
}

static int run_ldt(void)
{
	return load_ds(0x0f);
}

static int run_gdt_end(void)
{
	return load_ds(0x103);
}

static int run_no_tls(void)
{
	return load_ds(12 * 8 + 3);
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
	{ "kernel-segment", run_kernel_segment },
	{ "ldt", run_ldt },
	{ "gdt-end", run_gdt_end },
	{ "no-tls", run_no_tls },
	{ "wild", run_wild },
	{ "null", run_null },
	{ "kernel-read", run_kernel_read },
	{ "kernel-write", run_kernel_write },
	{ "kernel-jump", run_kernel_jump },
	{ "text", run_text },
	{ "nx", run_nx },
	{ "deep", run_deep },
};

int main(const char *arg)
{
	return run_check(arg, checks, sizeof(checks) / sizeof(checks[0]));
}
