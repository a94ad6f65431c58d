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

	.macro	START name:req
	.globl	native_\name, native_start_\name
native_\name:
native_start_\name:
	.endm

	.macro	END name:req
	.globl	native_end_\name
native_end_\name:
	ret
	.endm

	.text
	START	save_fl
	pushfq
	pop	%rax
	END	save_fl

	START	restore_fl
	push	%rdi
	popfq
	END	restore_fl

	START	irq_disable
	cli
	END	irq_disable

	START	irq_enable
	sti
	END	irq_enable

	START	swapgs
	swapgs
	END	swapgs

	.globl	native_iret
native_iret:
	iretq

	.section .note.GNU-stack, "", @progbits
