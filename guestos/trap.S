/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trap.S - into user mode and out again
 *
 * Both directions are one SYSCALL, and neither is a trap to the host if the
 * Switcher can help it.  At user_exit the instruction means "to user mode":
 * RIP, RFLAGS and GS base come from lguest_data, all else is as we leave it.
 * In user mode it means "system call": the same three words are back in
 * lguest_data, the GS base is ours again, and we are at user_entry with user
 * mode's registers, its RSP too.  Only RCX and R11 are nobody's.
 *
 * What must never happen is a push before RSP is ours.
 *
 * Where we stand: the kernel called user_run().  To it, user mode looks like a
 * function that returns with the registers of the next system call.
 *
 * Next: guestos/pgtable.c
 */
#include "guestos.h"

	.text
	.globl user_run, user_exit, user_entry

user_run:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rdi, %gs:CPU_USER
	mov	%rsp, %gs:CPU_RSP

	lea	lguest_data(%rip), %rax
	mov	USER_RIP(%rdi), %rcx
	mov	%rcx, DATA_RIP(%rax)
	mov	USER_RFLAGS(%rdi), %rcx
	mov	%ecx, DATA_RFLAGS(%rax)
	mov	USER_GS_BASE(%rdi), %rcx
	mov	%rcx, DATA_GS_BASE(%rax)

	mov	USER_RAX(%rdi), %rax
	mov	USER_RBX(%rdi), %rbx
	mov	USER_RDX(%rdi), %rdx
	mov	USER_RSI(%rdi), %rsi
	mov	USER_RBP(%rdi), %rbp
	mov	USER_RSP(%rdi), %rsp
	mov	USER_R8(%rdi), %r8
	mov	USER_R9(%rdi), %r9
	mov	USER_R10(%rdi), %r10
	mov	USER_R12(%rdi), %r12
	mov	USER_R13(%rdi), %r13
	mov	USER_R14(%rdi), %r14
	mov	USER_R15(%rdi), %r15
	mov	USER_RDI(%rdi), %rdi
user_exit:
	syscall
	ud2	/* the host never comes back to here */

user_entry:
	mov	%gs:CPU_USER, %rcx
	mov	%rax, USER_RAX(%rcx)
	mov	%rbx, USER_RBX(%rcx)
	mov	%rdx, USER_RDX(%rcx)
	mov	%rsi, USER_RSI(%rcx)
	mov	%rdi, USER_RDI(%rcx)
	mov	%rbp, USER_RBP(%rcx)
	mov	%rsp, USER_RSP(%rcx)
	mov	%r8, USER_R8(%rcx)
	mov	%r9, USER_R9(%rcx)
	mov	%r10, USER_R10(%rcx)
	mov	%r12, USER_R12(%rcx)
	mov	%r13, USER_R13(%rcx)
	mov	%r14, USER_R14(%rcx)
	mov	%r15, USER_R15(%rcx)

	mov	%gs:CPU_RSP, %rsp
	pushfq
	popq	USER_ENTRY(%rcx)
	lea	lguest_data(%rip), %rax
	mov	DATA_RIP(%rax), %rdx
	mov	%rdx, USER_RIP(%rcx)
	mov	DATA_RFLAGS(%rax), %edx
	mov	%rdx, USER_RFLAGS(%rcx)
	mov	DATA_GS_BASE(%rax), %rdx
	mov	%rdx, USER_GS_BASE(%rcx)
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.bss
	.balign	64
	.globl lguest_data
lguest_data:
	.zero	64

	.section .note.GNU-stack, "", @progbits
