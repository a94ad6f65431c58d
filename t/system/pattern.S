/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pattern.S - every register has a number of its own, and keeps it
 *
 * u64 pattern_round(u64 seed): fills them, computes for a while, crosses over
 * to the host and back, and looks.  Returns 0, or which one was wrong: general
 * registers count from 1, XMM0 to XMM15 from 101.
 */
#define COUNT_DOWN 20000

	.macro for_general do
	.set number, 1
	.irp reg, rbx, rbp, rdx, rsi, rdi, r8, r9, r10, r12, r13, r14, r15
	\do \reg, number
	.set number, number + 1
	.endr
	.endm

	.macro for_xmm do
	.set number, 101
	.irp reg, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\do xmm\reg, number
	.set number, number + 1
	.endr
	.endm

	/* RAX is the seed in all of these. */
	.macro fill reg, number
	lea	\number(%rax), %\reg
	.endm

	.macro fill_xmm reg, number
	lea	\number(%rax), %rcx
	movq	%rcx, %\reg
	punpcklqdq %\reg, %\reg
	.endm

	.macro look reg, number
	mov	$\number, %r11d
	lea	\number(%rax), %rcx
	cmp	%rcx, %\reg
	jne	wrong
	.endm

	.macro look_xmm reg, number
	mov	$\number, %r11d
	movq	%\reg, %rdx
	lea	\number(%rax), %rcx
	cmp	%rcx, %rdx
	jne	wrong
	punpckhqdq %\reg, %\reg
	movq	%\reg, %rdx
	cmp	%rcx, %rdx
	jne	wrong
	.endm

	.text
	.globl pattern_round
pattern_round:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rdi, %rax
	push	%rax
	for_xmm fill_xmm
	for_general fill
	mov	$COUNT_DOWN, %ecx
1:	dec	%ecx
	jnz	1b
	xor	%eax, %eax	/* LHCALL_FLUSH_ASYNC, which has no arguments */
	syscall
	pop	%rax
	for_general look
	for_xmm look_xmm
	xor	%r11d, %r11d
wrong:	mov	%r11, %rax
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.section .note.GNU-stack, "", @progbits
