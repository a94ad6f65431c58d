/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * host_entry.S - the host's end of the bridge
 *
 * The Switcher runs where the kernel cannot patch it, so what depends on this
 * machine's mitigations is kept here, in ordinary module text: the kernel
 * patches these macros by its own verdict, as it does in its own entry code.
 * A guest can train the branch predictors just as a process can, and no ret may
 * run between the Switcher's last jump and the end of that list.
 *
 * Where we stand: world.c calls switcher_enter() with interrupts off and all
 * the guest's state in place, and host_reraise_table once we are back and the
 * event that brought us back is the host's.
 *
 * Next: hypervisor/switcher.S
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>

	.text

/*
 * void switcher_enter(void *switcher_in, bool fill_rsb)
 *
 * To the guest and back.  The Switcher keeps our registers and stack, and
 * returns by a jump to the address that this call pushed.
 *
 * fill_rsb: the return stack may hold addresses that are code here, because the
 * guest has pages where the host has its own, or because nothing keeps the
 * kernel from running user pages.  It is a third of what a hypercall costs, and
 * for other guests the 80 instructions would do nothing.
 */
SYM_FUNC_START(switcher_enter)
	push	%rsi
	CALL_NOSPEC rdi
	.byte	0xf3, 0x0f, 0x1e, 0xfa	/* ENDBR64: we may come by a jump */
	ALTERNATIVE "jmp .Lno_ibrs", "", X86_FEATURE_KERNEL_IBRS
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	PER_CPU_VAR(x86_spec_ctrl_current), %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	wrmsr
.Lno_ibrs:
	UNTRAIN_RET
	CLEAR_BRANCH_HISTORY
	pop	%rsi
	test	%sil, %sil
	jz	.Lno_fill
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_CTXSW
.Lno_fill:
	lfence	/* the branch above is predicted too */
	RET
SYM_FUNC_END(switcher_enter)

/*
 * host_reraise_table - 256 functions of 16 bytes: function n does int $n
 *
 * That is how an interrupt which struck while the guest ran gets to the host's
 * own handler: through the host's own IDT, with the frame it expects.
 * SYM_START and not SYM_FUNC_START, whose padding would change the stride.
 */
.macro	RERAISE vector
SYM_START(host_reraise_\vector, SYM_L_LOCAL, .balign 16)
	.byte	0xf3, 0x0f, 0x1e, 0xfa
	.byte	0xcd, \vector
	RET
SYM_FUNC_END(host_reraise_\vector)
.endm

	.altmacro
	.balign 16
	.globl host_reraise_table
host_reraise_table:
	.set vector, 0
	.rept 256
	RERAISE %vector
	.set vector, vector + 1
	.endr
