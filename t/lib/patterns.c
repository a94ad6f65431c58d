// SPDX-License-Identifier: GPL-2.0-only
/*
 * patterns.c - several guests to a CPU, all registers full, nobody mixed up
 *
 *	patterns [SECONDS]
 *
 * Two threads for each CPU, pinned to it, each with a guest of its own, which
 * is t/guest/patterns.c with a seed of its own.  The guests look after their
 * registers; the threads have patterns in theirs, XMM and MXCSR and x87, put
 * there just before LG_RUN and looked at just after it, and a GS base.  Threads
 * of one CPU take turns at the scheduler's whim, so each entry finds registers
 * that somebody else has used.
 *
 * The time only says how long to look.  What decides is that no register was
 * wrong and that every guest got somewhere.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"
#include "vmm.h"

#define PER_CPU    2
#define MAX_GUESTS 64
#define FEW_ROUNDS 16 /* fewer is no test */
#define LIMIT_S    120 /* for which even a slow emulator has time */

/* The guest, as it was built. */
asm("	.pushsection .rodata\n"
    "	.balign 16\n"
    "guest_image: .incbin \"build/t/guest/patterns.elf\"\n"
    "guest_image_end:\n"
    "	.popsection\n");
extern const char guest_image[], guest_image_end[];

/* What FXSAVE writes. */
struct fxsave {
	__u16 fcw, fsw, ftw, fop;
	__u64 fip, fdp;
	__u32 mxcsr, mxcsr_mask;
	__u64 st[8][2];
	__u64 xmm[16][2];
	__u64 unused[12];
} __attribute__((aligned(16)));

_Static_assert(sizeof(struct fxsave) == 512, "as the processor has it");

struct guest {
	unsigned int number, cpu;
	bool without_rseq;
	pthread_t thread;
	unsigned long long rounds, runs;
	char complaint[600];
};

static atomic_bool stop;

static void make_pattern(struct fxsave *pattern, __u64 seed)
{
	unsigned int i;

	asm volatile("fxsave64 %0" : "=m"(*pattern) : : "memory");
	pattern->fcw = 0x0a7f; /* all masked, round up, 53 bits */
	pattern->mxcsr = 0x5f80; /* all masked, round up */
	for (i = 0; i < 16; i++) {
		pattern->xmm[i][0] = seed * 0x9e3779b97f4a7c15 + i;
		pattern->xmm[i][1] = ~pattern->xmm[i][0];
	}
}

/*
 * LG_RUN with nothing of the compiler's between the pattern and the system call
 * or between the system call and the look.  Returns what the kernel returned.
 */
static long run_with(int fd, const struct fxsave *pattern, struct fxsave *got)
{
	long r;

	asm volatile("fxrstor64 %[pattern]\n\t"
		     "syscall\n\t"
		     "fxsave64 %[got]\n\t"
		     "fninit\n\t"
		     "ldmxcsr %[usual]"
		     : "=a"(r), [got] "=m"(*got)
		     : "a"((long)SYS_ioctl), "D"((long)fd), "S"((long)LG_RUN),
		       "d"(0L), [pattern] "m"(*pattern),
		       [usual] "m"((const __u32){ 0x1f80 })
		     : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3",
		       "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
		       "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	return r;
}

static bool same(const struct fxsave *got, const struct fxsave *pattern)
{
	return got->fcw == pattern->fcw && got->mxcsr == pattern->mxcsr &&
	       !memcmp(got->xmm, pattern->xmm, sizeof(got->xmm));
}

/* One LG_RUN.  False: the guest is over, or something is wrong. */
static bool run_once(struct guest *guest, struct vmm *vmm,
		     const struct fxsave *pattern)
{
	struct fxsave got;
	__u64 gs = 0x123400000000 + guest->number, gs_after;
	long r;

	asm volatile("wrgsbase %0" : : "r"(gs));
	r = run_with(vmm->vcpu, pattern, &got);
	asm volatile("rdgsbase %0" : "=r"(gs_after));
	guest->runs++;
	if (!same(&got, pattern) || gs_after != gs) {
		snprintf(guest->complaint, sizeof(guest->complaint),
			 "the thread's own registers: xmm0 %#llx, was %#llx; "
			 "mxcsr %#x; GS base %#llx, was %#llx",
			 got.xmm[0][0], pattern->xmm[0][0], got.mxcsr, gs_after,
			 gs);
		return false;
	}
	if (r == -EINTR)
		return true;
	if (r == 0 && vmm->run->exit == LG_EXIT_NOTIFY) {
		guest->rounds++;
		return true;
	}
	snprintf(guest->complaint, sizeof(guest->complaint),
		 "LG_RUN: %ld, exit %u: %s: %s", r, vmm->run->exit,
		 vmm->run->exit == LG_EXIT_KILLED ? "killed" : "guest says",
		 vmm->run->exit == LG_EXIT_KILLED
			 ? vmm->run->why
			 : (char *)vmm_at(vmm, vmm->run->data[1], 200));
	return false;
}

/*
 * A thread with rseq, which the C library gives it, goes back to user space
 * each time it has been preempted.  One without stays in LG_RUN and finds its
 * registers taken there, so every second thread does without.
 */
static int leave_rseq(void)
{
	char *rseq = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (!__rseq_size)
		return 0;
	return (int)syscall(SYS_rseq, rseq, sizeof(struct rseq),
			    RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

static void *run_guest(void *arg)
{
	struct guest *guest = arg;
	struct fxsave pattern;
	struct vmm vmm;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(guest->cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0 ||
	    (guest->without_rseq && leave_rseq() < 0)) {
		snprintf(guest->complaint, sizeof(guest->complaint),
			 "sched_setaffinity or rseq: %s", strerror(errno));
		return NULL;
	}
	if (vmm_create(&vmm, NULL) < 0 ||
	    vmm_load_image(&vmm, guest_image,
			   (size_t)(guest_image_end - guest_image)) < 0) {
		snprintf(guest->complaint, sizeof(guest->complaint), "%s",
			 vmm_why(&vmm));
		vmm_destroy(&vmm);
		return NULL;
	}
	vmm.regs.rsi = guest->number + 1; /* its seed */
	make_pattern(&pattern, ~(__u64)guest->number);
	if (vmm_set_regs(&vmm, &vmm.regs) == 0)
		while (!stop && run_once(guest, &vmm, &pattern))
			;
	vmm_destroy(&vmm);
	return NULL;
}

/* Nobody is still on the way to its few rounds. */
static bool all_done(const struct guest *guests, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (!guests[i].complaint[0] &&
		    *(const volatile __u64 *)&guests[i].rounds < FEW_ROUNDS)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct guest guests[MAX_GUESTS];
	unsigned int seconds = argc > 1 ? (unsigned int)atoi(argv[1]) : 3;
	unsigned int cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int i, n = cpus * PER_CPU;

	n = n < MAX_GUESTS ? n : MAX_GUESTS;
	for (i = 0; i < n; i++) {
		guests[i].number = i;
		guests[i].cpu = i % cpus;
		guests[i].without_rseq = i / cpus % 2;
		if (pthread_create(&guests[i].thread, NULL, run_guest,
				   &guests[i]))
			bail_out("pthread_create: %s", strerror(errno));
	}
	/* So long at least, and until all have had their share of the CPU. */
	for (i = 0; i < seconds || (i < LIMIT_S && !all_done(guests, n)); i++)
		nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
	stop = true;
	for (i = 0; i < n; i++)
		pthread_join(guests[i].thread, NULL);

	for (i = 0; i < n; i++) {
		ok(!guests[i].complaint[0],
		   "guest %u of %u, on CPU %u, and its thread kept their "
		   "registers",
		   i + 1, n, guests[i].cpu);
		if (guests[i].complaint[0])
			diag("%s", guests[i].complaint);
		ok(guests[i].rounds >= FEW_ROUNDS, "for %llu rounds",
		   guests[i].rounds);
	}
	return tap_end();
}
