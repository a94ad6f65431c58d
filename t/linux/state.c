// SPDX-License-Identifier: GPL-2.0-only
/*
 * state.c - what a program has in its registers is still there afterwards
 *
 * After a system call, after a fault that was put right, and after others have
 * run on the CPU: general registers, flags, FPU and AVX, segment bases and
 * selectors.  Several processes do the same with different values, so that one
 * that gets another's is noticed.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"

#define PROCESSES 4
#define ROUNDS    200

/* Each of them in a process of its own, all at once: how many were content? */
static unsigned int together(int (*what)(unsigned long seed))
{
	unsigned int content = 0, i;
	pid_t children[PROCESSES];
	int status;

	for (i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (!children[i])
			_exit(what(i + 1) ? 0 : 1);
	}
	for (i = 0; i < PROCESSES; i++) {
		waitpid(children[i], &status, 0);
		content += !status;
	}
	return content;
}

/* ---- general registers and flags ---- */

/* A system call loses RCX and R11 and has its result in RAX. */
static int syscall_keeps(unsigned long seed)
{
	unsigned long in[6], out[6], rcx, r11, here, i;

	for (i = 0; i < 6; i++)
		in[i] = seed * 0x0123456789abcdefUL + i;
	asm volatile("mov 0(%[in]), %%rbx; mov 8(%[in]), %%r12\n\t"
		     "mov 16(%[in]), %%r13; mov 24(%[in]), %%r14\n\t"
		     "mov 32(%[in]), %%r15; mov 40(%[in]), %%r9\n\t"
		     "mov %[nr], %%eax\n\t"
		     "syscall\n"
		     "1:\n\t"
		     "mov %%rbx, 0(%[out]); mov %%r12, 8(%[out])\n\t"
		     "mov %%r13, 16(%[out]); mov %%r14, 24(%[out])\n\t"
		     "mov %%r15, 32(%[out]); mov %%r9, 40(%[out])\n\t"
		     "lea 1b(%%rip), %[here]"
		     : "=c"(rcx), [here] "=&a"(here)
		     : [in] "S"(in), [out] "D"(out), [nr] "i"(SYS_sched_yield)
		     : "rbx", "r9", "r11", "r12", "r13", "r14", "r15",
		       "memory");
	asm volatile("mov %%eax, %%eax; syscall; mov %%r11, %0"
		     : "=r"(r11)
		     : "a"(SYS_getpid)
		     : "rcx", "r11", "memory");
	/* IF and the bit that is always 1 */
	return !memcmp(in, out, sizeof(in)) && rcx == here &&
	       (r11 & 0x202) == 0x202;
}

/* The last page of four is not there yet: the fault in the middle is put right. */
static int fault_keeps(unsigned long seed)
{
	char *fresh = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long rcx = seed, r11 = ~seed, rax = seed * 3, flags;

	asm volatile("mov %[r11], %%r11\n\t"
		     "std; stc\n\t"
		     "movb $1, (%[fresh])\n\t"
		     "pushfq; pop %[flags]; cld\n\t"
		     "mov %%r11, %[r11]"
		     : "+c"(rcx), [r11] "+r"(r11),
		       "+a"(rax), [flags] "=r"(flags)
		     : [fresh] "r"(fresh)
		     : "r11", "memory", "cc");
	munmap(fresh, 4096);
	return rcx == seed && r11 == ~seed && rax == seed * 3 &&
	       (flags & 0x401) == 0x401;
}

static int registers(unsigned long seed)
{
	int i, content = 1;

	for (i = 0; i < ROUNDS; i++)
		content &= syscall_keeps(seed + (unsigned long)i) &
			   fault_keeps(seed + (unsigned long)i);
	return content;
}

/* ---- FPU ---- */

static int has_avx(void)
{
	return __builtin_cpu_supports("avx");
}

__attribute__((target("avx"))) static int avx(unsigned long seed)
{
	unsigned long in[4] = { seed, ~seed, seed * 5, seed * 7 }, out[4];
	int i, content = 1;

	for (i = 0; i < ROUNDS; i++) {
		asm volatile("vmovups (%[in]), %%ymm3\n\t"
			     "mov %[nr], %%eax\n\t"
			     "syscall\n\t"
			     "vmovups %%ymm3, (%[out])"
			     :
			     : [in] "r"(in), [out] "r"(out),
			       [nr] "i"(SYS_sched_yield)
			     : "rax", "rcx", "r11", "xmm3", "memory");
		content &= !memcmp(in, out, sizeof(in));
	}
	return content;
}

static int x87(unsigned long seed)
{
	double in = (double)seed * 1.5, out = 0;
	int i, content = 1;

	for (i = 0; i < ROUNDS; i++) {
		asm volatile("fldl %[in]\n\t"
			     "mov %[nr], %%eax\n\t"
			     "syscall\n\t"
			     "fstpl %[out]"
			     : [out] "=m"(out)
			     : [in] "m"(in), [nr] "i"(SYS_sched_yield)
			     : "rax", "rcx", "r11", "memory");
		content &= !memcmp(&in, &out, sizeof(in));
	}
	return content;
}

/* ---- segments ---- */

static int bases(unsigned long seed)
{
	const unsigned long gs = seed << 32, mine = seed << 24;
	unsigned long got = 0;
	int i, content = 1;

	syscall(SYS_arch_prctl, ARCH_SET_GS, gs);
	for (i = 0; i < ROUNDS; i++) {
		sched_yield();
		asm volatile("rdgsbase %0" : "=r"(got));
		content &= got == gs;
	}
	syscall(SYS_arch_prctl, ARCH_GET_GS, &got);
	content &= got == gs;
	asm volatile("wrgsbase %0" : : "r"(mine));
	for (i = 0; i < ROUNDS; i++)
		sched_yield();
	asm volatile("rdgsbase %0" : "=r"(got));
	return content && got == mine;
}

/* A segment in the GDT, for one thread. */
static int thread_area(unsigned long seed)
{
	static unsigned int word;
	struct user_desc desc = { .entry_number = (unsigned int)-1,
				  .limit = 0xfffff,
				  .seg_32bit = 1,
				  .limit_in_pages = 1,
				  .useable = 1 };
	void *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	unsigned int got = 0, selector;
	int i, content = 1;

	word = (unsigned int)seed;
	memcpy(low, &word, sizeof(word));
	desc.base_addr = (unsigned int)(unsigned long)low;
	if (syscall(SYS_set_thread_area, &desc))
		return errno == ENOSYS;
	selector = desc.entry_number * 8 + 3;
	asm volatile("mov %0, %%gs" : : "r"(selector));
	for (i = 0; i < ROUNDS; i++) {
		sched_yield();
		asm volatile("mov %%gs:0, %0" : "=r"(got));
		content &= got == word;
	}
	asm volatile("mov %0, %%gs" : : "r"(0));
	return content;
}

static void *thread(void *arg)
{
	static __thread unsigned long mine;
	unsigned long seed = (unsigned long)arg, i, bad = 0;

	mine = seed;
	for (i = 0; i < ROUNDS; i++) {
		sched_yield();
		bad += mine != seed;
	}
	return (void *)bad;
}

static int threads(unsigned long seed)
{
	pthread_t all[4];
	unsigned long i, bad = 0;
	void *one;

	for (i = 0; i < 4; i++)
		bad += pthread_create(&all[i], NULL, thread,
				      (void *)(seed * 10 + i)) != 0;
	for (i = 0; i < 4; i++) {
		pthread_join(all[i], &one);
		bad += (unsigned long)one;
	}
	return !bad;
}

/* The number in the limit of a segment is what the kernel says, too. */
static void check_getcpu(void)
{
	unsigned int cpu = ~0U, node, by_limit = ~0U;
	cpu_set_t one;

	sched_getaffinity(0, sizeof(one), &one);
	for (cpu = 0; !CPU_ISSET(cpu, &one); cpu++)
		;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	syscall(SYS_getcpu, &cpu, &node, NULL);
	asm volatile("lsl %1, %0" : "=r"(by_limit) : "r"(15 * 8 + 3));
	is(by_limit & 0xfff, cpu, "getcpu: the segment limit says it");
}

void check_state(void)
{
	is(together(registers), PROCESSES, "registers: kept");
	is(together(x87), PROCESSES, "x87: kept");
	if (has_avx())
		is(together(avx), PROCESSES, "avx: kept");
	else
		skip(1, "no AVX");
	is(together(bases), PROCESSES, "gs base: each process has its own");
	is(together(thread_area), PROCESSES,
	   "load_tls: each process has its own segments");
	is(together(threads), PROCESSES, "threads: each has its own fs base");
	check_getcpu();
}
