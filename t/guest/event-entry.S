/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event-entry.S - where events enter a test guest, and the way back
 *
 * The two words that each stub pushes become, by an exchange with RCX and R11,
 * the words that LHCALL_IRET wants below the frame.
 */
#include "guestos.h"

/* Exceptions 8, 10-14, 17, 21, 29 and 30 come with an error code. */
#define HAS_ERROR 0x60227d00

	.text
	.balign	16
	.globl	event_stubs
event_stubs:
	.set	vector, 0
	.rept	LGUEST_GATES
	.balign	16
	.set	has_error, 0
	.if	vector < 32
	.set	has_error, (HAS_ERROR >> vector) & 1
	.endif
	.if	has_error == 0
	push	$0
	.endif
	push	$vector
	jmp	common
	.set	vector, vector + 1
	.endr

common:
	push	%rax
	xchg	%rcx, 8(%rsp)
	xchg	%r11, 16(%rsp)
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%r11
	push	%rcx
	cld
	mov	%rsp, %rdi
	mov	%rsp, %rbx
	and	$-16, %rsp
	call	event_dispatch
	mov	%rbx, %rsp
	add	$16, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	mov	$LHCALL_IRET, %eax
	syscall
	ud2

	.section .note.GNU-stack, "", @progbits
