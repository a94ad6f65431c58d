/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * entry.S - the ways into the kernel and out of it, and its hot operations
 *
 * The virtual interrupt flag is a word where GS points.  So turning interrupts
 * off is one store, and turning them on is a store and a look whether one waits.
 *
 * Below is the no-interrupt range: while RIP is in it nothing is delivered to
 * the kernel.  The ways in stand there until they have a stack, and then go on
 * at the kernel's own labels, behind what it does for hardware; the way out
 * stands there because it turns the flag on before it has left.
 *
 * What must never happen: irq_enabled is set outside of the range and without a
 * look at irq_pending.  The interrupt would wait until the next hypercall.
 *
 * Where we stand: lguest-run has loaded the kernel with us behind it, and
 * jumps to port_entry, at its physical address, in the loader's page tables.
 *
 * Next: guestos/linux/port/boot.c
 */
#include <linux/linkage.h>
#include <linux/version.h>
#include <asm/asm.h>
#include <asm/asm-offsets.h>
#include <asm/page_types.h>
#include <asm/percpu.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include "port.h"

#define HOT(word)	PER_CPU_VAR(xen_vcpu_info + (word))
#define SCRATCH		PER_CPU_VAR(cpu_tss_rw + TSS_sp2)
#define PHYS(x)		((x) - __START_KERNEL_map)

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#define FIRST_STACK	movq initial_stack(%rip), %rsp
#else
#define FIRST_STACK	leaq __top_init_kernel_stack(%rip), %rsp
#endif

	.section .text, "ax"

/*
 * port_entry - the first instruction: RSI at the boot_params
 *
 * The kernel's own first tables have all that we need: RAM where it is, the
 * kernel where it was linked.
 */
SYM_CODE_START(port_entry)
	cld
	movq	%rsi, %rbx
	movl	$LHCALL_NEW_PGTABLE, %eax
	movq	$PHYS(init_top_pgt), %rdi
	syscall
	movq	$1f, %rax
	jmp	*%rax
1:	FIRST_STACK
	leaq	init_per_cpu__fixed_percpu_data(%rip), %rax
	wrgsbase %rax
	xorl	%ebp, %ebp
	movq	%rbx, %rdi
	call	port_start
	ud2
SYM_CODE_END(port_entry)

/* Another CPU wakes here: RDI is its GS base, RSP its stack. */
SYM_CODE_START(port_ap_start)
	cld
	wrgsbase %rdi
	xorl	%ebp, %ebp
	call	port_ap_main
	ud2
SYM_CODE_END(port_ap_start)

/* ---- the hot operations: nothing is lost but RAX ---- */

SYM_CODE_START(port_save_fl)
	movl	HOT(LG_IRQ_ENABLED), %eax
	RET
SYM_CODE_END(port_save_fl)

SYM_CODE_START(port_irq_disable)
	movb	$0, HOT(LG_IRQ_ENABLED + 1)
	RET
SYM_CODE_END(port_irq_disable)

SYM_CODE_START(port_irq_enable)
	movb	$(LGUEST_IF >> 8), HOT(LG_IRQ_ENABLED + 1)
	cmpl	$0, HOT(LG_IRQ_PENDING)
	jne	1f
	RET
1:	pushq	%rcx
	pushq	%r11
	movl	$LHCALL_SEND_INTERRUPTS, %eax
	syscall
	popq	%r11
	popq	%rcx
	RET
SYM_CODE_END(port_irq_enable)

SYM_CODE_START(port_read_cr2)
	movq	HOT(LG_CR2), %rax
	RET
SYM_CODE_END(port_read_cr2)

/* For a function that is not to run. */
SYM_CODE_START(port_return)
	RET
SYM_CODE_END(port_return)

/*
 * Where our functions return.  A newer kernel makes of each of its own returns what
 * its processor needs, and warns of any other that comes to its label of this name.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
SYM_CODE_START(__x86_return_thunk)
SYM_INNER_LABEL(port_thunk, SYM_L_GLOBAL)
	ret
	.skip	4, 0xcc			/* port_set_returns() puts a jump here */
SYM_CODE_END(__x86_return_thunk)
#endif

/* ---- the no-interrupt range ---- */

SYM_CODE_START(port_noirq_start)

/*
 * A system call comes with user mode's registers, RSP too.  What is pushed is
 * what hardware leaves to the kernel's entry to push.
 */
SYM_INNER_LABEL(port_syscall_entry, SYM_L_GLOBAL)
	movq	%rsp, SCRATCH
	movq	HOT(LG_SP0), %rsp
	movl	HOT(LG_USER_RFLAGS), %r11d
	movq	HOT(LG_USER_RIP), %rcx
	pushq	$__USER_DS
	pushq	SCRATCH
	pushq	%r11
	pushq	$__USER_CS
	pushq	%rcx
	jmp	entry_SYSCALL_64_after_hwframe

/*
 * A page fault of user mode that the host was not asked about.  The page may have
 * come to be since the host looked, which no processor would do to a kernel; but
 * this one is used to another CPU being quicker, and finds the entry in place.
 */
SYM_INNER_LABEL(port_fault_entry, SYM_L_GLOBAL)
	movq	%rsp, SCRATCH
	movq	HOT(LG_SP0), %rsp
	movl	HOT(LG_USER_RFLAGS), %ecx
	pushq	$__USER_DS
	pushq	SCRATCH
	pushq	%rcx
	pushq	$__USER_CS
	pushq	HOT(LG_USER_RIP)
	movl	HOT(LG_USER_ERROR), %ecx
	pushq	%rcx
	movq	HOT(LG_USER_RCX), %rcx
	movq	HOT(LG_USER_R11), %r11
	jmp	asm_exc_page_fault

/*
 * port_nmi - the gate of vector 2
 *
 * The host holds back the next NMI until LHCALL_IRET, and our ways out are not
 * that.  The kernel copes with an NMI within an NMI, so be done with it at once:
 * a return to where the handler is.
 */
SYM_INNER_LABEL(port_nmi, SYM_L_GLOBAL)
	movq	%rsp, SCRATCH
	pushq	$LGUEST_KERNEL_DS
	pushq	SCRATCH
	pushq	$X86_EFLAGS_FIXED
	pushq	$LGUEST_KERNEL_CS
	pushq	$asm_xenpv_exc_nmi
	jmp	through_host

/*
 * port_iret - RSP is at a frame of the hardware's; all registers are live
 *
 * To user mode by the SYSCALLs that mean it, unless the frame has selectors, an
 * address or flags that take the host.  The end of a system call is known by
 * the two registers that it loses, and the way for it is the shorter one.
 *
 * To the kernel by way of the host when an interrupt waits, or when a flag has
 * to be set that POPF does not set.  Otherwise RIP and RFLAGS go where the
 * interrupted stack ends, over the part of the frame that has been read, and are
 * popped from there: quicker than IRETQ, and some emulators get IRETQ wrong at
 * CPL 3.
 */
SYM_INNER_LABEL(port_iret, SYM_L_GLOBAL)
	cmpl	$__USER_CS, 8(%rsp)
	jne	not_plain_user
	cmpl	$__USER_DS, 32(%rsp)
	jne	through_host
	testl	$X86_EFLAGS_TF, 16(%rsp)
	jnz	through_host
	cmpw	$0, 6(%rsp)		/* RIP below 2^47, or let the host say */
	jne	through_host
	testb	$0x80, 5(%rsp)
	jnz	through_host
	cmpq	%rcx, (%rsp)
	jne	1f
	cmpq	%r11, 16(%rsp)
	jne	1f
	movq	%rcx, HOT(LG_USER_RIP)
	movl	%r11d, HOT(LG_USER_RFLAGS)
	movq	24(%rsp), %rsp
SYM_INNER_LABEL(port_syscall_exit, SYM_L_GLOBAL)
	syscall
	ud2

1:	movq	%rcx, HOT(LG_USER_RCX)
	movq	%r11, HOT(LG_USER_R11)
	movq	(%rsp), %rcx
	movq	%rcx, HOT(LG_USER_RIP)
	movl	16(%rsp), %ecx
	movl	%ecx, HOT(LG_USER_RFLAGS)
	movq	24(%rsp), %rsp
SYM_INNER_LABEL(port_user_iret, SYM_L_GLOBAL)
	syscall
	ud2

not_plain_user:
	testb	$3, 8(%rsp)
	jnz	through_host
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	movq	40(%rsp), %rcx		/* RFLAGS */
	testl	$(X86_EFLAGS_TF | X86_EFLAGS_RF), %ecx
	jnz	3f
	movl	%ecx, %eax
	andl	$LGUEST_IF, %eax
	movl	%eax, HOT(LG_IRQ_ENABLED)
	jz	2f
	cmpl	$0, HOT(LG_IRQ_PENDING)
	jne	3f
2:	movq	24(%rsp), %rax		/* RIP */
	movq	48(%rsp), %rdx		/* RSP */
	movq	%rax, -8(%rdx)
	movq	%rcx, -16(%rdx)
	leaq	-16(%rdx), %rax
	movq	%rax, 24(%rsp)
	popq	%rdx
	popq	%rcx
	popq	%rax
	movq	(%rsp), %rsp
	popfq
	ret
	int3
3:	movl	$0, HOT(LG_IRQ_ENABLED)
	popq	%rdx
	popq	%rcx
	popq	%rax

through_host:
	pushq	%r11
	pushq	%rcx
	pushq	%rax
	movl	$LHCALL_IRET, %eax
	syscall				/* struct lguest_iret is at RSP */
	ud2
SYM_CODE_END(port_noirq_start)
	.globl	port_noirq_end
port_noirq_end:
