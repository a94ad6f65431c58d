/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hcall.S - the hypercall: one instruction
 *
 * In a guest's kernel SYSCALL asks the hypervisor, which returns behind it with
 * RCX and R11 lost and nothing else touched; the stack is not looked at.  It is
 * a function, and not a line of C, so that objtool can be told so.
 *
 * Next: guestos/linux/virtio/irq.c
 */
#include <linux/linkage.h>
#include <asm/unwind_hints.h>

SYM_FUNC_START(vl_hcall)
	movq	%rdi, %rax
	movq	%rsi, %rdi
	syscall
	UNWIND_HINT_FUNC
	RET
SYM_FUNC_END(vl_hcall)
