// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm.c - a guest of KVM's and one of ours on the same CPU
 *
 * Story: perf.t's neighbour, kvm.t.  KVM's guest is in real mode and does one
 * thing: it writes the MSRs of SYSCALL, and looks whether they keep what it
 * wrote.  Each time a byte is zero it tells us, by an OUT.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"

#define PORT      0x10
#define CODE_GPA  0x1000
#define RAM_BYTES 0x10000
#define OUTS      60

extern char real_mode_start[], real_mode_end[];
asm(".pushsection .rodata\n"
    "	.code16\n"
    "	.macro write_msr msr\n"
    "	mov $\\msr, %ecx\n"
    "	mov %ebx, %eax\n"
    "	mov %ebx, %edx\n"
    "	and $0xffff, %edx\n"
    "	wrmsr\n"
    "	.endm\n"
    "	.macro read_msr msr\n"
    "	mov $\\msr, %ecx\n"
    "	rdmsr\n"
    "	cmp %ebx, %eax\n"
    "	jne 3f\n"
    "	mov %ebx, %ecx\n"
    "	and $0xffff, %ecx\n"
    "	cmp %ecx, %edx\n"
    "	jne 3f\n"
    "	.endm\n"
    "	.globl real_mode_start, real_mode_end\n"
    "real_mode_start:\n"
    "	xor %ebx, %ebx\n"
    "1:	inc %bx\n"
    "	and $0x7fff, %bx\n" /* so that LSTAR is canonical */
    "	write_msr 0xc0000081\n" /* STAR */
    "	write_msr 0xc0000082\n" /* LSTAR */
    "	write_msr 0xc0000083\n" /* CSTAR */
    "	mov $1000, %si\n"
    "2:	dec %si\n"
    "	jnz 2b\n"
    "	read_msr 0xc0000081\n"
    "	read_msr 0xc0000082\n"
    "	read_msr 0xc0000083\n"
    "	test %bl, %bl\n"
    "	jnz 1b\n"
    "	out %al, $0x10\n"
    "	jmp 1b\n"
    "3:	hlt\n"
    "real_mode_end:\n"
    "	.code64\n"
    "	.popsection\n");

struct kvm {
	int device, vm, vcpu;
	char *ram;
	struct kvm_run *run;
	size_t run_bytes;
};

static void kvm_create(struct kvm *kvm)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = RAM_BYTES,
	};

	kvm->device = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm->device < 0)
		bail_out("/dev/kvm: %s", strerror(errno));
	kvm->vm = ioctl(kvm->device, KVM_CREATE_VM, 0);
	kvm->ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memcpy(kvm->ram + CODE_GPA, real_mode_start,
	       (size_t)(real_mode_end - real_mode_start));
	region.userspace_addr = (__u64)kvm->ram;
	if (ioctl(kvm->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		bail_out("KVM_SET_USER_MEMORY_REGION: %s", strerror(errno));
	kvm->vcpu = ioctl(kvm->vm, KVM_CREATE_VCPU, 0);
	kvm->run_bytes = (size_t)ioctl(kvm->device, KVM_GET_VCPU_MMAP_SIZE, 0);
	kvm->run = mmap(NULL, kvm->run_bytes, PROT_READ | PROT_WRITE,
			MAP_SHARED, kvm->vcpu, 0);
	if (kvm->vcpu < 0 || kvm->run == MAP_FAILED)
		bail_out("KVM_CREATE_VCPU: %s", strerror(errno));
}

/* Without long mode in its CPUID there would be no such MSRs. */
static void kvm_start(struct kvm *kvm)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[100];
	} cpuid;
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = CODE_GPA, .rflags = 2 };

	cpuid.head.nent = 100;
	if (ioctl(kvm->device, KVM_GET_SUPPORTED_CPUID, &cpuid) < 0 ||
	    ioctl(kvm->vcpu, KVM_SET_CPUID2, &cpuid) < 0 ||
	    ioctl(kvm->vcpu, KVM_GET_SREGS, &sregs) < 0)
		bail_out("KVM: cpuid, sregs: %s", strerror(errno));
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(kvm->vcpu, KVM_SET_SREGS, &sregs) < 0 ||
	    ioctl(kvm->vcpu, KVM_SET_REGS, &regs) < 0)
		bail_out("KVM: set registers: %s", strerror(errno));
}

/* How often it has told us, with all its MSRs as it left them. */
static int kvm_await(struct kvm *kvm, int outs)
{
	int seen = 0;

	while (seen < outs) {
		if (ioctl(kvm->vcpu, KVM_RUN, 0) < 0) {
			if (errno == EINTR)
				continue;
			diag("KVM_RUN: %s", strerror(errno));
			break;
		}
		if (kvm->run->exit_reason != KVM_EXIT_IO) {
			diag("KVM's guest ended: reason %u",
			     kvm->run->exit_reason);
			break;
		}
		seen++;
	}
	return seen;
}

int main(void)
{
	struct busy busy;
	struct kvm kvm;

	pin(last_cpu());
	kvm_create(&kvm);
	kvm_start(&kvm);
	is((__u64)kvm_await(&kvm, 3), 3, "a guest of KVM's runs alone");
	busy_create(&busy, OP_SYSCALL, 0, NULL);
	busy_start(&busy, last_cpu());
	ok(busy_await(&busy, 10), "one of ours joins it on the same CPU");
	is((__u64)kvm_await(&kvm, OUTS), OUTS,
	   "KVM's guest keeps what it writes to STAR, LSTAR and CSTAR");
	ok(busy_await(&busy, 10), "and ours its direct system calls");
	ok(busy_stop(&busy), "ours has not noticed");
	ok(busy.vmm.run->stat[LG_STAT_LOADS] > 5,
	   "they did take turns (%llu times)",
	   busy.vmm.run->stat[LG_STAT_LOADS]);
	busy_destroy(&busy);
	is((__u64)kvm_await(&kvm, 3), 3, "nor has KVM's, now alone again");
	return tap_end();
}
