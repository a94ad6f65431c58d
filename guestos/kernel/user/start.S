/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * start.S - the first instruction of a program
 *
 * RDI is at the text of its argument, and RSP at the end of a stack.
 *
 * Next: guestos/kernel/user/lib.c
 */
	.text
	.globl _start
_start:
	xor	%ebp, %ebp
	call	main
	mov	%eax, %edi
	xor	%eax, %eax	/* SYS_EXIT */
	syscall
	ud2

	.section .note.GNU-stack, "", @progbits
