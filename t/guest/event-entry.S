/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event-entry.S - where events enter a test guest, and the way back
 *
 * The two words that each stub pushes become, by an exchange with RCX and R11,
 * the words that LHCALL_IRET wants below the frame.  Or, if the case has said so
 * and user mode was running, the return is the direct one.
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

/*
 * Where page faults of user mode enter that the host was not asked about: made
 * what they would be at the gate, and counted.
 */
	.globl	event_fault
event_fault:
	incl	event_faults(%rip)
	mov	%rsp, user_rsp(%rip)
	mov	lguest_data+DATA_SP0(%rip), %rsp
	push	$LGUEST_DS
	push	user_rsp(%rip)
	mov	lguest_data+DATA_RFLAGS(%rip), %ecx
	push	%rcx
	push	$LGUEST_CS
	push	lguest_data+DATA_RIP(%rip)
	mov	lguest_data+DATA_ERROR(%rip), %ecx
	push	%rcx
	push	$TRAP_PF
	mov	lguest_data+DATA_RCX(%rip), %rcx
	mov	lguest_data+DATA_R11(%rip), %r11

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
	cmpl	$0, event_direct(%rip)
	je	1f
	cmpl	$LGUEST_CS, 32(%rsp)
	jne	1f
	mov	8(%rsp), %rcx
	mov	%rcx, lguest_data+DATA_RCX(%rip)
	mov	16(%rsp), %rcx
	mov	%rcx, lguest_data+DATA_R11(%rip)
	mov	24(%rsp), %rcx
	mov	%rcx, lguest_data+DATA_RIP(%rip)
	mov	40(%rsp), %ecx
	mov	%ecx, lguest_data+DATA_RFLAGS(%rip)
	mov	(%rsp), %rax
	mov	48(%rsp), %rsp
	.globl	event_iret
event_iret:
	syscall
	ud2
1:	mov	$LHCALL_IRET, %eax
	syscall
	ud2

	.data
	.globl	event_direct, event_faults
event_direct:
	.long	0
event_faults:
	.long	0
	.balign	8
user_rsp:
	.quad	0

	.section .note.GNU-stack, "", @progbits
