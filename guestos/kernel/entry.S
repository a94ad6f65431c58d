/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.S - into the kernel and out again
 *
 * However we come in, by an exception, an interrupt or a system call, what is
 * on the stack in the end is a struct regs: the hardware's five words, an error
 * code, a number, and the general registers.  trap() gets its address, and what
 * it leaves there is what the interrupted code goes on with.
 *
 * Both machines push the same frame, because lg.ko writes what the hardware
 * would.  Three things differ, and each is an operation of the table: swapgs,
 * which lg.ko has done for us; iret, which at CPL 3 is more than one
 * instruction; and where a system call enters: lguest_asm.S has its own door.
 *
 * The GS base belongs to user mode outside of the kernel and to us inside;
 * what must never happen is that the two get mixed up.  So the question is
 * asked of the frame, whose CS the user cannot choose.
 *
 * Next: guestos/kernel/trap.c
 */
#include "kernel.h"
#include "pv_ops.h"

	/* Ours to use before anything is patched, hence never a call. */
	.macro SWITCH_GS
771:	swapgs
	.skip	4, 0x90
772:	.pushsection .pv_sites, "a"
	.quad	771b
	.long	PV_SWAPGS, 772b - 771b
	.popsection
	.endm

	.text
	.globl	trap_stubs, trap_common
	.balign	16
trap_stubs:
	.set	vector, 0
	.rept	VECTORS
	.balign	16
	/* 8, 10-14, 17, 21, 29 and 30 come with an error code. */
	.if	!(vector < 32 && (1 << vector) & 0x60227d00)
	push	$0
	.endif
	push	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr

trap_common:
	testb	$3, 24(%rsp)
	jz	1f
	SWITCH_GS
1:	PUSH_REGS
	xor	%ebp, %ebp
	cld
	mov	%rsp, %rdi
	call	trap

/* Interrupts are off from here on; RSP is at a struct regs. */
	.globl	trap_return, regs_pop
trap_return:
	POP_REGS
	testb	$3, 24(%rsp)
	jz	1f
	SWITCH_GS
1:	add	$16, %rsp
	jmp	*pv_ops + 8 * PV_IRET

/* SYSCALL natively: RCX and R11 are the user's RIP and RFLAGS, RSP is its. */
	.globl	syscall_entry
syscall_entry:
	swapgs
	mov	%rsp, %gs:PCPU_SCRATCH
	mov	%gs:PCPU_SP0, %rsp
	push	$USER_DS
	push	%gs:PCPU_SCRATCH
	push	%r11
	push	$USER_CS
	push	%rcx
	push	$0
	push	$VEC_SYSCALL
	PUSH_REGS
	xor	%ebp, %ebp
	cld
	mov	%rsp, %rdi
	call	trap
	jmp	trap_return

/* switch_stack(&save_rsp, load_rsp) - what a C function must keep is pushed */
	.globl	switch_stack, thread_entry
switch_stack:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, (%rdi)
	mov	%rsi, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

/* A new process or thread: RBX is a function, R12 its argument. */
thread_entry:
	call	sched_finish_switch
	mov	%r12, %rdi
	test	%rbx, %rbx
	jz	trap_return	/* a process: its registers are on the stack */
	call	*%rbx
	xor	%edi, %edi
	call	proc_exit
	ud2

	.section .note.GNU-stack, "", @progbits
