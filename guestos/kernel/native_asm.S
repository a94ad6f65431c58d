/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * native_asm.S - the hot operations of a real machine
 *
 * Each is there twice: as a template, from its start label to its end label,
 * which patch.c copies over the sites, and as a function for sites that could
 * not be patched.  An instruction of a template must not care where it stands.
 *
 * Next: guestos/kernel/native.c
 */
#include "kernel.h"
#include "pv_ops.h"

	.macro OP name:req, body:vararg
	.globl	native_\name, native_start_\name, native_end_\name
native_\name:
native_start_\name:
	\body
native_end_\name:
	ret
	.endm

	.text
	OP save_fl,	pushfq; pop %rax
	OP irq_disable,	cli
	OP irq_enable,	sti
	OP swapgs,	swapgs

	.globl	native_restore_fl, native_start_restore_fl
	.globl	native_end_restore_fl
native_restore_fl:
native_start_restore_fl:
	push	%rdi
	popfq
native_end_restore_fl:
	ret

	.globl	native_iret
native_iret:
	iretq

	.section .note.GNU-stack, "", @progbits
