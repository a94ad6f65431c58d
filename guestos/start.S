/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * start.S - the first guest instruction
 *
 * The guest wakes in 64-bit mode with paging on, because whoever loaded it has
 * built page tables: every byte of RAM is at its own physical address.  What is
 * left to do before C can run is a stack, and a GS base, through which a system
 * call will find the stack again when it has nothing but garbage in RSP.
 *
 * Arguments are in registers already: RDI and RSI from whoever started us, RDX
 * how much RAM there is, RCX where the page tables are.
 *
 * Next: guestos/hypercall.h
 */
#include "guestos.h"

	.section .text.start, "ax", @progbits
	.globl _start
_start:
	lea	stack_top(%rip), %rsp
	lea	cpu(%rip), %rax
	wrgsbase %rax
	xor	%ebp, %ebp
	call	main
	ud2

	.bss
	.balign	64
	.globl cpu
cpu:	.zero	64
	.balign	4096
	.zero	65536
	.globl stack_top
stack_top:

	.section .note.GNU-stack, "", @progbits
