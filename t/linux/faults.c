// SPDX-License-Identifier: GPL-2.0-only
/*
 * faults.c - what a program does wrong arrives as the signal it should
 *
 * A fault is the guest's own business, and goes to its kernel by one of two
 * ways; in the signal's frame is what the kernel was told of it.  Trap numbers
 * and error codes are those of the processor's manual, and so is what a return
 * from a signal with impossible registers has to be: a fault of the program's.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "checks.h"

#define ERROR_P     1
#define ERROR_W     2
#define ERROR_U     4
#define ERROR_FETCH 16

static sigjmp_buf after;
static volatile struct caught caught;
static volatile unsigned long nowhere = 0x10; /* the compiler cannot know */
static char *page; /* of which a case wants something */

static void on_signal(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *user = context;

	caught.signal = signal;
	caught.trap = (unsigned long long)user->uc_mcontext.gregs[REG_TRAPNO];
	caught.error = (unsigned long long)user->uc_mcontext.gregs[REG_ERR];
	caught.addr = (unsigned long long)info->si_addr;
	siglongjmp(after, 1);
}

static void on_all(const struct sigaction *action)
{
	static const int signals[] = { SIGSEGV, SIGILL, SIGFPE, SIGTRAP,
				       SIGBUS };
	unsigned int i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], action, NULL);
}

/* What faults later may not come back to here, where nobody waits: it would for ever. */
struct caught caught_by(void (*what)(void))
{
	const struct sigaction ours = { .sa_sigaction = on_signal,
					.sa_flags = SA_SIGINFO | SA_NODEFER };
	const struct sigaction none = { .sa_handler = SIG_DFL };

	caught.signal = 0;
	on_all(&ours);
	if (!sigsetjmp(after, 1))
		what();
	on_all(&none);
	return caught;
}

/* ---- what can be done wrong ---- */

static void write_null(void)
{
	*(volatile int *)nowhere = 1;
}

static void read_null(void)
{
	(void)*(volatile int *)(nowhere + 8);
}

static void read_kernel(void)
{
	(void)*(volatile int *)0xffffffff81000000;
}

static void write_not_canonical(void)
{
	*(volatile int *)0x8000000000000000 = 1;
}

static void write_page(void)
{
	*(volatile char *)page = 1;
}

static void run_page(void)
{
	((void (*)(void))page)();
}

static void ud2(void)
{
	asm volatile("ud2");
}

static void int3(void)
{
	asm volatile("int3");
}

static void cli(void)
{
	asm volatile("cli");
}

static void hlt(void)
{
	asm volatile("hlt");
}

static void int_0x21(void)
{
	asm volatile("int $0x21");
}

static void mov_cr3(void)
{
	asm volatile("mov %%cr3, %%rax" : : : "rax");
}

static void wrmsr(void)
{
	asm volatile("wrmsr" : : "c"(0xc0000080), "a"(0), "d"(0));
}

static void out(void)
{
	asm volatile("outb %%al, $0x80" : : "a"(0));
}

static void divide(void)
{
	asm volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; div %%ecx"
		     :
		     : "a"(1)
		     : "rcx", "rdx");
}

static void far_return(void)
{
	asm volatile("push $0x1230; push $0; lretq");
}

static void step(void)
{
	asm volatile("pushfq; orq $0x100, (%rsp); popfq; nop; nop");
}

/* A hypercall is for kernels; here the number is one of a system call: none. */
static void hypercall(void)
{
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "0"(41 + 4096L), "D"(0)
		     : "rcx", "r11", "memory");
	if (result == -38)
		asm volatile("int3");
}

/* ---- a signal's frame with what cannot be ---- */

static void (*spoil)(ucontext_t *user);

static void on_spoilt(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	spoil(context);
}

static void return_spoilt(void)
{
	struct sigaction action = { .sa_sigaction = on_spoilt,
				    .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

static void spoil_cs(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_CSGSFS] &= ~0xffffLL;
	user->uc_mcontext.gregs[REG_CSGSFS] |= 0x1230;
}

static void spoil_rip(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_RIP] = (long long)0x800000000000;
}

static void kernels_cs(ucontext_t *user)
{
	user->uc_mcontext.gregs[REG_CSGSFS] &= ~0xffffLL;
	user->uc_mcontext.gregs[REG_CSGSFS] |= 0x10;
}

/* ---- the table ---- */

static const struct fault {
	const char *name;
	void (*what)(void);
	int signal;
	unsigned long long trap, error;
	unsigned long long addr; /* ~0: do not look */
} faults[] = {
	{ "a write to nowhere", write_null, SIGSEGV, 14, ERROR_U | ERROR_W,
	  0x10 },
	{ "a read from nowhere", read_null, SIGSEGV, 14, ERROR_U, 0x18 },
	{ "a read of the kernel", read_kernel, SIGSEGV, 14, ERROR_U | ERROR_P,
	  0xffffffff81000000 },
	{ "no address at all", write_not_canonical, SIGSEGV, 13, 0, ~0ULL },
	{ "ud2", ud2, SIGILL, 6, 0, ~0ULL },
	{ "int3", int3, SIGTRAP, 3, 0, ~0ULL },
	{ "cli", cli, SIGSEGV, 13, 0, ~0ULL },
	{ "hlt", hlt, SIGSEGV, 13, 0, ~0ULL },
	{ "int 0x21", int_0x21, SIGSEGV, 13, 0x21 * 8 + 2, ~0ULL },
	{ "mov cr3", mov_cr3, SIGSEGV, 13, 0, ~0ULL },
	{ "wrmsr", wrmsr, SIGSEGV, 13, 0, ~0ULL },
	{ "out", out, SIGSEGV, 13, 0, ~0ULL },
	{ "a division by 0", divide, SIGFPE, 0, 0, ~0ULL },
	{ "a far return to no segment", far_return, SIGSEGV, 13, 0x1230,
	  ~0ULL },
	{ "a step", step, SIGTRAP, 1, 0, ~0ULL },
	{ "a system call of no number", hypercall, SIGTRAP, 3, 0, ~0ULL },
};

static void check_fault(const struct fault *fault)
{
	const struct caught got = caught_by(fault->what);

	ok(got.signal == fault->signal && got.trap == fault->trap &&
		   got.error == fault->error &&
		   (fault->addr == ~0ULL || got.addr == fault->addr),
	   "%s: signal %d of trap %llu, error %#llx", fault->name,
	   fault->signal, fault->trap, fault->error);
	if (got.signal != fault->signal || got.trap != fault->trap ||
	    got.error != fault->error)
		diag("got signal %d, trap %llu, error %#llx, address %#llx",
		     got.signal, got.trap, got.error, got.addr);
}

static void check_page(int rights, void (*what)(void), unsigned long long error,
		       const char *name)
{
	struct caught got;

	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*page = (char)0xc3;
	mprotect(page, 4096, rights);
	got = caught_by(what);
	ok(got.signal == SIGSEGV && got.error == error &&
		   got.addr == (unsigned long long)page,
	   "%s: SIGSEGV with error %#llx", name, error);
	if (got.error != error)
		diag("got signal %d, error %#llx", got.signal, got.error);
	mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
	is((unsigned int)caught_by(what).signal, 0,
	   "%s: and not after mprotect", name);
	munmap(page, 4096);
}

static void check_spoilt(void (*how)(ucontext_t *user), const char *name)
{
	spoil = how;
	is((unsigned int)caught_by(return_spoilt).signal, SIGSEGV, "%s", name);
}

static long old;

static void vsyscall_time(void)
{
	old = ((long (*)(long *))0xffffffffff600400)(NULL);
}

/* The old page of system calls at a fixed address: executable and no more. */
static void check_vsyscall(void)
{
	long before = time(NULL);

	is((unsigned int)caught_by(vsyscall_time).signal, 0,
	   "vsyscall: can be called");
	ok(old >= before && old <= time(NULL), "vsyscall: tells the time");
}

void check_faults(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		check_fault(&faults[i]);
	check_page(PROT_READ, write_page, ERROR_P | ERROR_W | ERROR_U,
		   "a write to what may be read");
	check_page(PROT_NONE, write_page, ERROR_W | ERROR_U,
		   "a write to what nobody may touch");
	check_page(PROT_READ, run_page, ERROR_P | ERROR_U | ERROR_FETCH,
		   "running what is not code");
	check_spoilt(spoil_cs, "a return to no segment is a fault");
	check_spoilt(kernels_cs, "a return to the kernel's segment is one");
	check_spoilt(spoil_rip, "a return to no address is one");
	check_vsyscall();
}
