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

/*
 * native_nmi - it may strike before swapgs or after the last one
 *
 * So GS tells nothing, and RSP may be a process's.  It has a stack of its own on
 * each CPU, and at the end of that the CPU's struct percpu.
 */
	.globl native_nmi
native_nmi:
	push	$0
	push	$TRAP_NMI
	PUSH_REGS
	xor	%ebp, %ebp
	cld
	mov	$MSR_GS_BASE, %ecx
	rdmsr
	mov	%eax, %ebx
	mov	%edx, %r12d
	mov	REGS_BYTES(%rsp), %eax
	mov	REGS_BYTES + 4(%rsp), %edx
	wrmsr
	mov	%rsp, %rdi
	call	nmi
	mov	$MSR_GS_BASE, %ecx
	mov	%ebx, %eax
	mov	%r12d, %edx
	wrmsr
	POP_REGS
	add	$16, %rsp
	iretq

	.section .note.GNU-stack, "", @progbits
