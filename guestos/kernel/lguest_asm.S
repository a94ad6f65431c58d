/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lguest_asm.S - the hot operations of a guest, and its way in and out
 *
 * The virtual interrupt flag is a word in this CPU's struct lguest_data, which
 * is the first thing GS points at.  So turning interrupts off is one store, and
 * turning them on is a store and a look whether one is waiting.  The templates
 * from start to end go over the sites, as in native_asm.S.
 *
 * Below is the no-interrupt range.  While RIP is in it nothing is delivered to
 * the kernel, so these instructions may leave the flag on and RSP not yet, or no
 * longer, ours.  That is how a guest returns to its kernel without a hypercall.
 *
 * What must never happen: irq_enabled is set outside of the range and without a
 * look at irq_pending.  The interrupt would wait until the next hypercall.
 *
 * Next: guestos/kernel/lguest.c
 */
#include "kernel.h"
#include "pv_ops.h"

	.macro	START name:req
	.globl	lguest_\name, lguest_start_\name
lguest_\name:
lguest_start_\name:
	.endm

	.macro	END name:req
	.globl	lguest_end_\name
lguest_end_\name:
	ret
	.endm

	.text
	START	save_fl
	mov	%gs:LG_IRQ_ENABLED, %eax
	END	save_fl

	/* Bit 9 is the second byte's second: shorter than a whole word. */
	START	irq_disable
	movb	$0, %gs:LG_IRQ_ENABLED + 1
	END	irq_disable

	START	irq_enable
	movb	$LGUEST_IF >> 8, %gs:LG_IRQ_ENABLED + 1
	cmpl	$0, %gs:LG_IRQ_PENDING
	je	1f
	call	*lguest_send_interrupts_fn
1:
	END	irq_enable

	/* What is due when the flag is off is left alone by the host. */
	START	restore_fl
	mov	%edi, %gs:LG_IRQ_ENABLED
	cmpl	$0, %gs:LG_IRQ_PENDING
	je	1f
	call	*lguest_send_interrupts_fn
1:
	END	restore_fl

	/* lg.ko has changed the GS base before we are here: nothing to do. */
	START	swapgs
	END	swapgs

/* Like the hot four themselves this loses nothing but RAX. */
lguest_send_interrupts:
	push	%rcx
	push	%r11
	mov	$LHCALL_SEND_INTERRUPTS, %eax
	syscall
	pop	%r11
	pop	%rcx
	ret

	.globl	lguest_noirq_start, lguest_noirq_end
lguest_noirq_start:

/*
 * lguest_iret - RSP is at a frame of the hardware's; all registers are live
 *
 * Back to user mode by the SYSCALL that means it, unless the frame has selectors
 * or flags that take the host.  A blocked NMI would stay blocked; but of user
 * mode we never return from one.
 *
 * Back to the kernel through the host when an interrupt waits, or when a flag
 * has to be set that POPF does not set.  Otherwise RIP and
 * RFLAGS go where the interrupted stack ends, over the part of the frame that
 * has been read, and are popped from there.  That is quicker than IRETQ, and
 * some emulators get IRETQ wrong at CPL 3.
 */
	.globl	lguest_iret, lguest_iret_by_host, lguest_user_iret
lguest_iret:
	cmpl	$USER_CS, 8(%rsp)
	jne	lguest_iret_by_host
	cmpl	$USER_DS, 32(%rsp)
	jne	through_host
	testl	$RFLAGS_TF, 16(%rsp)
	jnz	through_host
	mov	%rcx, %gs:LG_USER_RCX
	mov	%r11, %gs:LG_USER_R11
	mov	(%rsp), %rcx		/* RIP, RFLAGS and RSP of the frame */
	mov	%rcx, %gs:LG_USER_RIP
	mov	16(%rsp), %ecx
	mov	%ecx, %gs:LG_USER_RFLAGS
	mov	24(%rsp), %rsp
lguest_user_iret:
	syscall
	ud2

lguest_iret_by_host:
	testb	$3, 8(%rsp)
	jnz	through_host
	push	%rax
	push	%rcx
	push	%rdx
	mov	40(%rsp), %rcx		/* RFLAGS */
	test	$(RFLAGS_TF | RFLAGS_RF), %ecx
	jnz	2f
	mov	%ecx, %eax
	and	$LGUEST_IF, %eax
	mov	%eax, %gs:LG_IRQ_ENABLED
	jz	1f
	cmpl	$0, %gs:LG_IRQ_PENDING
	jne	2f
1:	mov	24(%rsp), %rax		/* RIP */
	mov	48(%rsp), %rdx		/* RSP */
	mov	%rax, -8(%rdx)
	mov	%rcx, -16(%rdx)
	lea	-16(%rdx), %rax
	mov	%rax, 24(%rsp)
	pop	%rdx
	pop	%rcx
	pop	%rax
	mov	(%rsp), %rsp
	popfq
	ret
2:	movl	$0, %gs:LG_IRQ_ENABLED
	pop	%rdx
	pop	%rcx
	pop	%rax

through_host:
	push	%r11
	push	%rcx
	push	%rax
	mov	$LHCALL_IRET, %eax
	syscall				/* struct lguest_iret is at RSP */
	ud2

/*
 * A system call enters with user mode's registers, RSP too; RCX and R11 are
 * nobody's, and get what the real instruction would leave in them.
 */
	.globl	lguest_syscall_entry, lguest_syscall_exit
lguest_syscall_entry:
	mov	%rsp, %gs:PCPU_SCRATCH
	mov	%gs:PCPU_SP0, %rsp
	mov	%gs:LG_USER_RFLAGS, %r11d
	mov	%gs:LG_USER_RIP, %rcx
	push	$USER_DS
	push	%gs:PCPU_SCRATCH
	push	%r11
	push	$USER_CS
	push	%rcx
	push	$0
	push	$VEC_SYSCALL
	PUSH_REGS
	xor	%ebp, %ebp
	cld
	mov	%rsp, %rdi
	call	trap

	POP_REGS
	mov	16(%rsp), %rcx		/* RIP, RFLAGS and RSP of the frame */
	mov	32(%rsp), %r11
	mov	%rcx, %gs:LG_USER_RIP
	mov	%r11d, %gs:LG_USER_RFLAGS
	mov	40(%rsp), %rsp
lguest_syscall_exit:
	syscall
	ud2

/*
 * A page fault of user mode that the host was not asked about comes in the same
 * way, with all registers live.  On the stack it becomes what it would be on any
 * machine.
 */
	.globl	lguest_fault_entry
lguest_fault_entry:
	mov	%rsp, %gs:PCPU_SCRATCH
	mov	%gs:PCPU_SP0, %rsp
	mov	%gs:LG_USER_RFLAGS, %ecx
	push	$USER_DS
	push	%gs:PCPU_SCRATCH
	push	%rcx
	push	$USER_CS
	push	%gs:LG_USER_RIP
	mov	%gs:LG_USER_ERROR, %ecx
	push	%rcx
	push	$TRAP_PF
	mov	%gs:LG_USER_RCX, %rcx
	mov	%gs:LG_USER_R11, %r11
	jmp	trap_common
lguest_noirq_end:

/*
 * lguest_nmi - the way back is by the host alone, which lets the next one in
 *
 * The kernel's stack is ours wherever an NMI can strike, which is not within the
 * range above, and so is GS.
 */
	.globl	lguest_nmi
lguest_nmi:
	push	$0
	push	$TRAP_NMI
	PUSH_REGS
	xor	%ebp, %ebp
	cld
	mov	%rsp, %rdi
	call	nmi
	POP_REGS
	add	$16, %rsp
	jmp	through_host

/* Another vcpu wakes here: RDI is its struct percpu, RSP its stack. */
	.globl	lguest_ap_start
lguest_ap_start:
	wrgsbase %rdi
	xor	%ebp, %ebp
	call	ap_main
	ud2

	/* By address, because a template may not care where it stands. */
	.data
	.balign	8
lguest_send_interrupts_fn:
	.quad	lguest_send_interrupts

	.section .note.GNU-stack, "", @progbits
