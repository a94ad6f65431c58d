/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * switcher.S - the world switch
 *
 * Between the host and a guest there is nothing in common: not the page
 * tables, not the stack, not the GDT, not the IDT.  This is the code that
 * stands on both sides while all of that changes.  It is copied at module load
 * to pages of its own, which appear in every CPU's window just before that
 * CPU's data; so a RIP-relative name below is always this CPU's.  It lives in
 * .rodata here, because here it never runs: nothing may patch it, and objtool
 * has no host stack to reason about.
 *
 * Three things must never happen:
 *
 *	- an iretq between an NMI's arrival and the host's own NMI handler.  It
 *	  would let the next NMI in on top of the first;
 *	- a store or a stack pointer at an address that the guest has chosen;
 *	- an event inside the Switcher that it neither finishes nor hands on.
 *
 * The order in both directions follows from them.  Going in, the IDT changes
 * first: from there an NMI or a machine check is ours, whatever else is still
 * the host's.  The IST numbers are Linux's own, so even before ltr, when the
 * CPU still has the host's TSS, such an event arrives on the host's idle stack
 * for that very event.  Coming back the IDT changes last.  restore_host needs
 * no stack and may be started again from anywhere.
 *
 * Where we stand: world.c has put all the guest may have in the state page and
 * called switcher_enter() in host_entry.S with interrupts off.  Read
 * switcher_in, then common, then lstar; events on their own stacks last.
 *
 * Long because it is one path from end to end, and its windows are ranges of it.
 *
 * Sources: Intel SDM volume 3, 6.12-6.14 (delivery, IST), 6.7 (NMI blocking),
 * 17.3 (debug exceptions and MOV SS); volume 2, SYSCALL, SYSRET, IRET; AMD APM
 * volume 2, 6.1 (SYSCALL, CSTAR).
 *
 * Next: hypervisor/shadow.c
 */
#include <asm/asm.h>
#include <linux/linkage.h>
#include <lguest/guest.h>
#include "layout.h"

#define WIN(off)	switcher_code + (off)(%rip)
#define ST(off)		WIN(SW_STATE + (off))
#define RG(off)		WIN(SW_STATE + ST_REGS + (off))
#define HO(off)		WIN(SW_HOST + (off))

/* ENDBR64 by hand: the assembler's is left out of kernels without IBT. */
#define LANDING_PAD	.byte 0xf3, 0x0f, 0x1e, 0xfa

#define RFLAGS_VM	0x20000

/* Exceptions 8, 10-14, 17, 21, 29 and 30 push an error code. */
#define PUSHES_ERROR	0x60227d00

	.section ".rodata.switcher", "a", @progbits
	.balign 4096
	.globl switcher_code
switcher_code:

/* 256 stubs of 16 bytes; the IDT points at each. */
	.set vector, 0
	.rept 256
	.balign 16
	LANDING_PAD
	.set has_error, 0
	.if vector < 32
	.set has_error, (PUSHES_ERROR >> vector) & 1
	.endif
	.if has_error == 0
	push	$0
	.endif
	push	$vector
	.if vector == 1 || vector == 2 || vector == 8 || vector == 18
	jmp	ist_common
	.elseif vector == 14
	jmp	page_fault
	.else
	jmp	common
	.endif
	.set vector, vector + 1
	.endr

/*
 * switcher_in - host to guest
 *
 * What the host will need that can change from one entry to the next is its
 * stack and its CR3; the rest was put in the host page when the vcpu was
 * loaded.  CR3 is saved with bit 63 so that coming back keeps the host's TLB.
 */
	.balign 64
	.globl switcher_in
switcher_in:
	LANDING_PAD
	pop	%rax		/* where to return, below what we return with */
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rax, HO(HO_RETURN)
	mov	%rsp, HO(HO_RSP)
	mov	%cr3, %rax
	or	ST(ST_KEEP), %rax
	mov	%rax, ST(ST_HOST_CR3)
	lidt	HO(HO_GUEST_IDTR)
in_begin:	/* an event from here to the iretq gives the entry up */
	lgdt	HO(HO_GUEST_GDTR)
	andb	$~2, WIN(SW_GDT + SW_TR + 5)	/* ltr wants it not busy */
	mov	$SW_TR, %eax
	ltr	%ax
	lldt	ST(ST_LDT)
	mov	ST(ST_SEGS), %rax
	or	HO(HO_SEGS), %rax
	jnz	in_segments
in_bases:
	mov	ST(ST_GS), %rax
	wrgsbase %rax
	mov	ST(ST_FS), %rax
	wrfsbase %rax
	mov	ST(ST_DR7), %rax
	test	%rax, %rax
	jnz	in_dr7
in_cr3:
	mov	ST(ST_CR3), %rax
	mov	%rax, %cr3
	lea	RG(0), %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	add	$16, %rsp
	/* The host's leavings go out of the CPU's buffers (MDS, TAA, MMIO). */
	.globl switcher_verw, switcher_verw_end
switcher_verw:
	verw	verw_selector(%rip)
switcher_verw_end:
	iretq
in_segments:
	mov	ST(ST_SEGS + 0), %ds
	mov	ST(ST_SEGS + 2), %es
	mov	ST(ST_SEGS + 4), %fs
	mov	ST(ST_SEGS + 6), %gs
	jmp	in_bases
in_dr7:
	mov	%rax, %dr7
	jmp	in_cr3
in_end:

/*
 * common - guest to host
 *
 * The CPU has pushed its frame where RSP0 says, which is the top of regs in
 * the state page; pushing the rest completes the frame in place.
 */
	.balign 64
common:
	testb	$3, 24(%rsp)
	jz	common_cpl0
common_save:
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	rdgsbase %rax
	mov	%rax, ST(ST_GS)
	rdfsbase %rax
	mov	%rax, ST(ST_FS)
	mov	%ds, ST(ST_SEGS + 0)
	mov	%es, ST(ST_SEGS + 2)
	mov	%fs, ST(ST_SEGS + 4)
	mov	%gs, ST(ST_SEGS + 6)

	/*
	 * Debug registers go quiet before the host's addresses come back, or
	 * a guest's breakpoint could go off inside the host.
	 */
restore_host:
	cmpq	$0, ST(ST_DR7)
	je	1f
	xor	%eax, %eax
	mov	%rax, %dr7
1:	mov	ST(ST_HOST_CR3), %rax
	mov	%rax, %cr3
	/* Linux's GDT is mapped read-only, and ltr writes: use the other map. */
	lgdt	HO(HO_GDTR_RW)
	mov	HO(HO_TSS_DESC), %rax
	andb	$~2, 5(%rax)
	mov	$SW_TR, %eax
	ltr	%ax
	lgdt	HO(HO_GDTR)
	lldt	HO(HO_LDT)
	mov	$SW_KERNEL_DS, %eax
	mov	%eax, %ss
	mov	ST(ST_SEGS), %rax
	or	HO(HO_SEGS), %rax
	jnz	out_segments
out_bases:
	mov	HO(HO_GS), %rax
	wrgsbase %rax
	mov	HO(HO_FS), %rax
	wrfsbase %rax
	lidt	HO(HO_IDTR)
	mov	HO(HO_RSP), %rsp
	pushq	$2	/* IF AC DF NT TF: all clear */
	popfq
	/*
	 * No value of the guest's stays for the host to speculate with; the
	 * six registers that are not here get the host's own values next.
	 */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	/*
	 * Back to host_entry.S, where the host's own measures against what a
	 * guest may have trained begin; until then no plain ret and no plain
	 * indirect jump.  One of the two ways is cut out at module load.
	 */
	mov	HO(HO_RETURN), %rax
	.globl switcher_retpoline, switcher_retpoline_end
switcher_retpoline:
	call	2f
1:	pause
	lfence
	jmp	1b
2:	mov	%rax, (%rsp)
	ret
	int3
switcher_retpoline_end:
	lfence
	jmp	*%rax
	int3
out_segments:
	mov	HO(HO_SEGS + 0), %ds
	mov	HO(HO_SEGS + 2), %es
	mov	HO(HO_SEGS + 4), %fs
	mov	HO(HO_SEGS + 6), %gs
	jmp	out_bases

/*
 * lstar - SYSCALL from 64-bit code
 *
 * The flags word decides everything at once: exactly SW_USER, or exactly zero
 * at one of the two addresses registered as exits, are the fast paths; all else
 * takes the long way through the host.  The guest's stack pointer is given up
 * in the second instruction, so that an event below always finds a stack of
 * ours; one that comes before that (lstar to lstar_stack) takes the long way.
 */
	.balign 64
	.globl switcher_lstar
switcher_lstar:
	LANDING_PAD
	mov	%rsp, ST(ST_TMP_RSP)
	lea	ST(ST_REGS_END), %rsp
lstar_stack:
	cmpl	$SW_USER, ST(ST_FLAGS)
	jne	from_kernel

	mov	%rcx, ST(ST_TMP_RIP)
	mov	ST(ST_DATA), %rcx
	mov	%r11d, DATA_RFLAGS(%rcx)
	mov	ST(ST_TMP_RIP), %r11
	mov	%r11, DATA_RIP(%rcx)
	/* RCX is at struct lguest_data; R11 is nobody's. */
.macro	ENTER_KERNEL entry
	movl	$0, DATA_IRQ(%rcx)
	rdgsbase %r11
	mov	%r11, DATA_GS(%rcx)
	mov	ST(ST_KERNEL_GS), %r11
	wrgsbase %r11
	mov	ST(ST_KERNEL_CR3), %rcx
	mov	%rcx, %cr3
	mov	ST(\entry), %rcx
	mov	$SW_RFLAGS_FIXED, %r11d
.endm
	ENTER_KERNEL ST_ENTRY
to_kernel:
	andl	$~SW_USER, ST(ST_FLAGS)
	/* That was the mode, and a last look whether an event waits. */
to_kernel_begin:
	jnz	abort
	mov	ST(ST_TMP_RSP), %rsp
	sysretq
to_kernel_end:

from_kernel:
	cmpl	$0, ST(ST_FLAGS)
	jne	long_way
	cmp	ST(ST_EXIT), %rcx
	je	to_user
	cmp	ST(ST_IRET), %rcx
	je	to_anywhere
	cmp	$LHCALL_NEW_PGTABLE, %rax
	je	load_cr3
	jmp	long_way

	/*
	 * Each word of the guest's is read once, then checked, then used:
	 * sysretq to a non-canonical RIP would fault at CPL 0 on the guest's
	 * stack, and so would wrgsbase with a non-canonical base on ours.  After
	 * this TMP_RIP and R11 are fit for user mode, and GS base is its own.
	 */
.macro	LEAVE_KERNEL bad, shl_end, sar_end
	mov	ST(ST_DATA), %r11
	mov	DATA_RIP(%r11), %rcx
	mov	%rcx, ST(ST_TMP_RIP)
	shr	$47, %rcx
	jnz	\bad
	mov	DATA_GS(%r11), %rcx
	mov	%rcx, ST(ST_TMP_GS)
	/* The shift is 64 less the CPU's address width, set at module load. */
	.globl	\shl_end, \sar_end
	shl	$16, %rcx
\shl_end:
	sar	$16, %rcx
\sar_end:
	cmp	%rcx, ST(ST_TMP_GS)
	jne	\bad
	mov	DATA_RFLAGS(%r11), %r11d
	and	$SW_RFLAGS_GUEST, %r11d
	or	$SW_RFLAGS_FIXED, %r11d
	rdgsbase %rcx
	mov	%rcx, ST(ST_KERNEL_GS)
	mov	ST(ST_TMP_GS), %rcx
	wrgsbase %rcx
	mov	ST(ST_USER_CR3), %rcx
	mov	%rcx, %cr3
.endm

to_user:
	LEAVE_KERNEL exit_long_way, switcher_shl_end, switcher_sar_end
	mov	ST(ST_TMP_RIP), %rcx
	orl	$SW_USER, ST(ST_FLAGS)
	cmpl	$SW_USER, ST(ST_FLAGS)
to_user_begin:
	jne	abort
	mov	ST(ST_TMP_RSP), %rsp
	sysretq
to_user_end:

/*
 * The same with RCX and R11 of the guest's choice, for the end of an exception
 * or interrupt of user mode.  The frame is where an exit would want it.
 */
to_anywhere:
	LEAVE_KERNEL iret_long_way, switcher_iret_shl_end, switcher_iret_sar_end
	push	$LGUEST_DS
	push	ST(ST_TMP_RSP)
	push	%r11
	push	$LGUEST_CS
	push	ST(ST_TMP_RIP)
	mov	ST(ST_DATA), %r11
	mov	DATA_RCX(%r11), %rcx
	mov	DATA_R11(%r11), %r11
	orl	$SW_USER, ST(ST_FLAGS)
	cmpl	$SW_USER, ST(ST_FLAGS)
to_anywhere_begin:
	jne	abort_iret
	iretq
to_anywhere_end:

/*
 * Another of the guest's address spaces, with nothing to forget: if lg.ko has
 * said that it is ready to be run in, we are there by two loads and three
 * stores.  RAX, RCX and R11 are a hypercall's to lose, and R11 has RFLAGS.
 */
load_cr3:
	mov	%rcx, ST(ST_TMP_RIP)
	mov	%rdi, %rcx
	btr	$63, %rcx
	jnc	load_cr3_long_way
.macro	IF_WARM i
	cmp	ST(ST_WARM_CR3 + 8 * \i), %rcx
	je	warm_\i
.endm
.macro	GO_WARM i
warm_\i:
	movq	$\i + 1, ST(ST_LOADED)
	mov	ST(ST_WARM_USER + 8 * \i), %rcx
	mov	%rcx, ST(ST_USER_CR3)
	mov	ST(ST_WARM_KERNEL + 8 * \i), %rcx
	jmp	load_warm
.endm
	.irp	i, 0, 1, 2, 3, 4, 5, 6, 7
	IF_WARM \i
	.endr
load_cr3_long_way:
	mov	ST(ST_TMP_RIP), %rcx
	jmp	long_way
	.irp	i, 0, 1, 2, 3, 4, 5, 6, 7
	GO_WARM \i
	.endr
load_warm:
	movq	$-1, ST(ST_PF_BLOCK)	/* that was of another one's pages */
	mov	%rcx, ST(ST_KERNEL_CR3)
	mov	%rcx, %cr3
	mov	ST(ST_TMP_RIP), %rcx
	xor	%eax, %eax
	cmpl	$0, ST(ST_FLAGS)
to_same_begin:
	jne	abort
	mov	ST(ST_TMP_RSP), %rsp
	sysretq
to_same_end:

/*
 * page_fault - #PF, whoever's
 *
 * A write of user mode to a page that our tables have, without that right, is
 * nearly always refused by the guest's own tables too, so its kernel gets it
 * here.  A guess: the right may be missing only so that lg.ko sees the store.
 * Then the guest finds nothing wrong and tries again; and the second fault on
 * the page that had the last one goes to lg.ko, which looks at the tables.
 *
 * A page that our tables do not have is as likely an entry of ours that is not
 * there yet.  But lg.ko, whenever it makes one, notes of which pages beside it
 * the guest has none, or none to write to; those are guessed at, too, each once.
 * Any other fault goes to lg.ko.
 *
 * The error code sets it apart from KVM's message to the host that one of its
 * pages is away: that is a #PF too, and has none.
 */
	.balign 64
page_fault:
	cmpl	$SW_WRITE_DENIED, 8(%rsp)
	je	1f
	cmpl	$SW_WRITE_ABSENT, 8(%rsp)
	je	1f
	cmpl	$SW_READ_ABSENT, 8(%rsp)
	je	1f
	cmpl	$SW_FETCH_ABSENT, 8(%rsp)
	jne	common
1:	cmpl	$SW_USER, ST(ST_FLAGS)
	jne	common
	/* Nobody is there, for SYSRET, but user mode with these two. */
	cmpl	$LGUEST_CS, 24(%rsp)
	jne	common
	cmpl	$LGUEST_DS, 48(%rsp)
	jne	common
	cmpq	$0, ST(ST_PF_ENTRY)
	je	common
	mov	%rcx, ST(ST_TMP_RIP)
	mov	%r11, ST(ST_TMP_GS)
	mov	%cr2, %rcx
	mov	%rcx, %r11
	shr	$12, %r11
	cmp	%r11, ST(ST_PF_PAGE)
	je	fault_long_way
	cmpl	$SW_WRITE_DENIED, 8(%rsp)
	jne	fault_absent
fault_guess:
	mov	%r11, ST(ST_PF_PAGE)
	/* Above is the Switcher, which is not there as far as a guest knows. */
	shr	$(47 - 12), %r11
	jnz	fault_long_way
	mov	%rcx, %r11
	mov	ST(ST_DATA), %rcx
	mov	%r11, DATA_CR2(%rcx)
	mov	RG(RG_ERROR), %r11
	mov	%r11d, DATA_ERROR(%rcx)
	mov	ST(ST_TMP_RIP), %r11
	mov	%r11, DATA_RCX(%rcx)
	mov	ST(ST_TMP_GS), %r11
	mov	%r11, DATA_R11(%rcx)
	mov	RG(RG_RIP), %r11
	mov	%r11, DATA_RIP(%rcx)
	mov	RG(RG_RFLAGS), %r11
	mov	%r11d, DATA_RFLAGS(%rcx)
	mov	RG(RG_RSP), %r11
	mov	%r11, ST(ST_TMP_RSP)
	incq	ST(ST_PF_COUNT)
	ENTER_KERNEL ST_PF_ENTRY
	jmp	to_kernel
	/* R11 is the page; RCX is CR2, and may be had again. */
fault_absent:
	mov	%r11, %rcx
	shr	$SW_PF_SHIFT, %r11
	cmp	%r11, ST(ST_PF_BLOCK)
	jne	fault_long_way
	and	$(SW_PF_PAGES - 1), %ecx
	testl	$(SW_WRITE_ABSENT ^ SW_READ_ABSENT), 8(%rsp)
	jz	1f
	btrq	%rcx, ST(ST_PF_DENIED)
	jnc	fault_long_way
	btrq	%rcx, ST(ST_PF_ABSENT)
	jc	2f
	orl	$(SW_WRITE_DENIED ^ SW_WRITE_ABSENT), 8(%rsp)
	jmp	2f
1:	btrq	%rcx, ST(ST_PF_ABSENT)
	jnc	fault_long_way
2:	mov	%cr2, %rcx
	mov	%rcx, %r11
	shr	$12, %r11
	jmp	fault_guess
fault_long_way:
	mov	ST(ST_TMP_RIP), %rcx
	mov	ST(ST_TMP_GS), %r11
	jmp	common_save

iret_long_way:
	mov	ST(ST_IRET), %rcx
	mov	$SW_RFLAGS_FIXED, %r11d
	jmp	long_way
exit_long_way:
	mov	ST(ST_EXIT), %rcx
	mov	$SW_RFLAGS_FIXED, %r11d
long_way:
	lea	ST(ST_REGS_END), %rsp
	push	$LGUEST_DS
	push	ST(ST_TMP_RSP)
	push	%r11
	push	$LGUEST_CS
	push	%rcx
	push	$0
	push	$LGUEST_TRAP_SYSCALL
	jmp	common_save

/* An event came between the decision and the sysretq: make it an exit. */
abort:
	lea	ST(ST_REGS_END), %rsp
	push	$LGUEST_DS
	push	ST(ST_TMP_RSP)
	push	%r11
	push	$LGUEST_CS
	push	%rcx
	push	$0
	push	$SW_TRAP_ABORT
	jmp	common_save

abort_iret:
	lea	RG(RG_RIP), %rsp
	push	$0
	push	$SW_TRAP_ABORT
	jmp	common_save

/* SYSCALL from 32-bit code, which only AMD has, comes here: the long way. */
	.globl switcher_cstar
switcher_cstar:
	LANDING_PAD
	mov	%rsp, ST(ST_TMP_RSP)
cstar_again:
	lea	ST(ST_REGS_END), %rsp
cstar_stack:
	push	$LGUEST_DS
	push	ST(ST_TMP_RSP)
	push	%r11
	push	$LGUEST_CS32
	push	%rcx
	push	$0
	push	$LGUEST_TRAP_SYSCALL32
	jmp	common_save

/*
 * Was that CPL 0?  No processor enters virtual-8086 mode from CPL 3 (SDM volume
 * 2, IRET), but QEMU's emulation does, and then the low bits of CS are no
 * privilege level.  Such a guest is killed for its selectors.
 */
common_cpl0:
	testl	$RFLAGS_VM, 32(%rsp)
	jnz	common_save

/*
 * fault_inside - an exception at CPL 0: the Switcher itself is wrong
 *
 * Write down what and where, and go home; the C side ends that VM.  If going
 * home is what faults, there is no home: make just enough of the host for its
 * own #UD to tell the tale, none of it the guest's to choose.
 */
fault_inside:
	testl	$SW_FAULT, ST(ST_FLAGS)
	jnz	2f
	orl	$SW_FAULT, ST(ST_FLAGS)
	popq	ST(ST_FAULT_TRAP)
	popq	ST(ST_FAULT_ERROR)
	popq	ST(ST_FAULT_RIP)
	mov	16(%rsp), %rax
	mov	%rax, ST(ST_FAULT_RSP)
	jmp	restore_host
2:	mov	ST(ST_HOST_CR3), %rax
	mov	%rax, %cr3
	lgdt	HO(HO_GDTR_RW)
	mov	HO(HO_TSS_DESC), %rax
	andb	$~2, 5(%rax)
	mov	$SW_TR, %eax
	ltr	%ax
	lgdt	HO(HO_GDTR)
	mov	HO(HO_GS), %rax
	wrgsbase %rax
	lidt	HO(HO_IDTR)
	mov	HO(HO_RSP), %rsp
	ud2

/*
 * ist_common - #DB, NMI, #DF and #MC, each on a stack of its own
 *
 * From the guest: move the frame to where the others are, and leave.  NMIs stay
 * blocked until the host's handler, which world.c calls with int $2, does its
 * own iretq.
 */
	.balign 64
ist_common:
	testb	$3, 24(%rsp)
	jz	ist_cpl0
ist_guest:
	popq	RG(RG_TRAP)
	popq	RG(RG_ERROR)
	popq	RG(RG_RIP)
	popq	RG(RG_CS)
	popq	RG(RG_RFLAGS)
	popq	RG(RG_RSP)
	popq	RG(RG_SS)
	lea	RG(RG_TRAP), %rsp
	jmp	common_save

/*
 * From the Switcher: note it in the flags, then see where it struck.  On the
 * way in, the entry is given up.  Where RSP is still, or already, the guest's,
 * the path is turned into an exit.  Anywhere else we carry on, and a test of
 * the flags further on, or the C side, finds the note.
 *
 * #DB comes here when MOV SS put off a breakpoint past the SYSCALL or INT that
 * followed it.  The guest loses that breakpoint; nobody else notices.
 */
.macro	IN_RANGE from, to, target
	lea	\from(%rip), %rcx
	cmp	%rcx, %rax
	jb	.Lout\@
	lea	\to(%rip), %rcx
	cmp	%rcx, %rax
	jb	\target
.Lout\@:
.endm

ist_cpl0:
	testl	$RFLAGS_VM, 32(%rsp)
	jnz	ist_guest
	cmpl	$8, (%rsp)
	je	fault_inside
	push	%rax
	push	%rcx
	mov	16(%rsp), %rax
	cmp	$2, %eax
	jne	1f
	incq	ST(ST_INSIDE_NMIS)
	orl	$SW_NMI, ST(ST_FLAGS)
	jmp	3f
1:	cmp	$1, %eax
	jne	2f
	incq	ST(ST_INSIDE_DBS)
	orl	$SW_DB, ST(ST_FLAGS)
	jmp	3f
2:	orl	$SW_MCE, ST(ST_FLAGS)
	mov	32(%rsp), %rax
	IN_RANGE switcher_lstar, long_way, ist_lost
3:	mov	32(%rsp), %rax
	mov	%rax, ST(ST_INSIDE_RIP)
	IN_RANGE in_begin, in_end, ist_give_up
	IN_RANGE to_kernel_begin, to_kernel_end, ist_abort
	IN_RANGE to_user_begin, to_user_end, ist_abort
	IN_RANGE to_anywhere_begin, to_anywhere_end, ist_abort_iret
	IN_RANGE to_same_begin, to_same_end, ist_abort
	IN_RANGE switcher_lstar, lstar_stack, ist_lstar
	IN_RANGE switcher_cstar, cstar_stack, ist_cstar

	/*
	 * Carry on, without iretq: RFLAGS, RIP and our two registers go below
	 * the interrupted stack, which is ours here whatever the path.
	 */
ist_resume:
	mov	56(%rsp), %rcx
	mov	32(%rsp), %rax
	mov	%rax, -8(%rcx)
	mov	48(%rsp), %rax
	mov	%rax, -16(%rcx)
	mov	8(%rsp), %rax
	mov	%rax, -24(%rcx)
	mov	(%rsp), %rax
	mov	%rax, -32(%rcx)
	lea	-32(%rcx), %rsp
	pop	%rcx
	pop	%rax
	popfq
	ret
	int3

/*
 * A machine check amid a direct path: the load that found the memory bad would
 * find it so again, and a second one before the host has seen the first stops
 * the CPU.  Registers are half one mode's and half the other's, so this guest
 * ends here.
 */
ist_lost:
	orl	$SW_LOST, ST(ST_FLAGS)
	jmp	restore_host

ist_give_up:
	incq	ST(ST_ABORTS)
	jmp	restore_host

ist_abort:
	incq	ST(ST_ABORTS)
	pop	%rcx
	pop	%rax
	jmp	abort

ist_abort_iret:
	incq	ST(ST_ABORTS)
	pop	%rcx
	pop	%rax
	jmp	abort_iret

ist_lstar:
	mov	56(%rsp), %rcx
	mov	%rcx, ST(ST_TMP_RSP)
	pop	%rcx
	pop	%rax
	jmp	long_way

ist_cstar:
	mov	56(%rsp), %rcx
	mov	%rcx, ST(ST_TMP_RSP)
	pop	%rcx
	pop	%rax
	jmp	cstar_again

verw_selector:
	.word	SW_KERNEL_DS
	.globl switcher_end
switcher_end:
