/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.S - a 32-bit program
 *
 * System calls by INT 0x80, a thread's own segment, which must still be there
 * after others have run, a signal, from which the kernel returns by code of its
 * own, the way in that the kernel itself has chosen for this processor, and an
 * instruction that the kernel imitates, for which it looks up the segment: it once
 * asked the CPU where its table was, which was #GP in the kernel.  It exits with
 * 42, or with the number of what did not work.
 */
#define NR_exit            1
#define NR_getpid          20
#define NR_kill            37
#define NR_sigaction       67
#define NR_sigreturn       119
#define NR_iopl            110
#define NR_sched_yield     158
#define NR_set_thread_area 243

#define AT_SYSINFO 32
#define SIGUSR1    10

	.code32
	.globl	_start
_start:
	movl	$1, %ebp
	movl	$NR_getpid, %eax
	int	$0x80
	testl	%eax, %eax
	jle	bad
	movl	%eax, %esi

	movl	$2, %ebp
	movl	$NR_set_thread_area, %eax
	movl	$user_desc, %ebx
	int	$0x80
	testl	%eax, %eax
	jnz	bad
	movl	user_desc, %eax
	leal	3(, %eax, 8), %eax
	movw	%ax, %gs

	movl	$3, %ebp
	movl	$100, %edi
1:	cmpl	$0x1234, %gs:0
	jne	bad
	movl	$NR_sched_yield, %eax
	int	$0x80
	decl	%edi
	jnz	1b

	movl	$4, %ebp
	movl	$NR_sigaction, %eax
	movl	$SIGUSR1, %ebx
	movl	$action, %ecx
	xorl	%edx, %edx
	int	$0x80
	testl	%eax, %eax
	jnz	bad
	movl	$5, %ebp
	movl	$NR_kill, %eax
	movl	%esi, %ebx
	movl	$SIGUSR1, %ecx
	int	$0x80
	cmpl	$1, handled
	jne	bad

	/* The way that the kernel's own page of 32-bit code knows. */
	movl	$6, %ebp
	movl	%esp, %edx
	movl	(%edx), %eax		/* past arguments and environment */
	leal	8(%edx, %eax, 4), %edx
1:	addl	$4, %edx
	cmpl	$0, -4(%edx)
	jne	1b
2:	movl	(%edx), %eax
	testl	%eax, %eax
	jz	bad
	addl	$8, %edx
	cmpl	$AT_SYSINFO, %eax
	jne	2b
	movl	-4(%edx), %edi
	movl	$NR_getpid, %eax
	call	*%edi
	cmpl	%esi, %eax
	jne	bad

	/* With the right to use ports CLI is nothing; without, a signal. */
	movl	$7, %ebp
	movl	$NR_iopl, %eax
	movl	$3, %ebx
	int	$0x80
	testl	%eax, %eax
	jnz	bad
	cli
	movl	$42, %ebp
bad:	movl	%ebp, %ebx
	movl	$NR_exit, %eax
	int	$0x80

handler:
	incl	handled
	ret

restorer:
	popl	%eax
	movl	$NR_sigreturn, %eax
	int	$0x80

	.data
user_desc:
	.long	-1, word, 0xfffff, 0x51
word:	.long	0x1234
/* handler, mask, flags (SA_RESTORER), restorer */
action:	.long	handler, 0, 0x04000000, restorer
handled:
	.long	0

	.section .note.GNU-stack, "", @progbits
