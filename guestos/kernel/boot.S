/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boot.S - the first instructions, on either machine
 *
 * Two doors.  A firmware that speaks PVH finds pvh_start in the note below and
 * jumps to it in 32-bit mode without paging, EBX at its start_info.  lguest
 * jumps to the ELF entry, _start, in 64-bit mode with RAM mapped where it is,
 * RSI at the boot_params.  Both load the same page tables, climb to the high
 * half, set the GS base, because C code reaches its CPU's data through it, and
 * are in kernel_main(), where the two machines become one.
 *
 * What must never happen before that climb is the use of an absolute address:
 * we are linked at KERNEL_BASE and run at the physical address.
 *
 * Next: guestos/kernel/main.c
 */
#include "kernel.h"
#include "pv_ops.h"

#define PHYS(x) ((x) - KERNEL_BASE)

	.section .note.pvh, "a", @note
	.balign	4
	.long	4, 8, 18	/* name and value's sizes; PHYS32_ENTRY */
	.asciz	"Xen"
	.quad	PHYS(pvh_start)

	.section .text.boot, "ax", @progbits
	.code32
pvh_start:
	cld
	mov	%ebx, %ebp
	mov	$PHYS(1f), %ebx
	jmp	to_long_mode
	.code64
1:	mov	$MACHINE_NATIVE, %edi
	mov	%ebp, %esi
	jmp	climb

	.globl	_start
_start:
	mov	%rsi, %rbp
	mov	$LHCALL_NEW_PGTABLE, %eax
	lea	boot_root(%rip), %rdi
	syscall
	mov	$MACHINE_LGUEST, %edi
	mov	%rbp, %rsi
climb:
	movabs	$1f, %rax
	jmp	*%rax
1:	mov	$boot_stack_top, %rsp
	xor	%ebp, %ebp
	mov	$percpus, %rax
	mov	%rax, PCPU_SELF(%rax)
	test	%edi, %edi
	jz	2f
	wrgsbase %rax
	call	kernel_main
2:	mov	%rax, %rdx
	shr	$32, %rdx
	mov	$MSR_GS_BASE, %ecx
	wrmsr
	call	kernel_main
	ud2

/*
 * to_long_mode - 32-bit code without paging goes on at EBX, in 64-bit mode
 *
 * EBP is kept.  All that a page table may say is made to count: NXE and WP.
 */
	.code32
to_long_mode:
	lgdtl	PHYS(gdt_pointer)
	mov	$KERNEL_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%cr4, %eax
	or	$(CR4_PAE | CR4_OSFXSR | CR4_OSXMM), %eax
	mov	%eax, %cr4
	mov	$PHYS(boot_root), %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx	/* EFER: SCE, LME, NXE */
	rdmsr
	or	$0x901, %eax
	wrmsr
	mov	$0x80010033, %eax	/* PG WP NE ET MP PE */
	mov	%eax, %cr0
	ljmp	$KERNEL_CS, $PHYS(1f)
	.code64
1:	mov	%ebx, %ebx
	jmp	*%rbx

/*
 * Another CPU of a real machine wakes here, copied to a page below 1 MiB, in
 * 16-bit mode.  smp.c has said in ap_stack and ap_percpu who it will be.
 */
	.globl	ap_start16, ap_end16
	.code16
ap_start16:
	cli
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	ap_gdt_pointer - ap_start16
	mov	%cr0, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmpl	$KERNEL_CS32, $PHYS(ap_start32)
ap_gdt_pointer:
	.word	gdt_end - gdt - 1
	.long	PHYS(gdt)
ap_end16:
	.code32
ap_start32:
	mov	$KERNEL_DS, %eax
	mov	%eax, %ds
	mov	$PHYS(1f), %ebx
	jmp	to_long_mode
	.code64
1:	movabs	$1f, %rax
	jmp	*%rax
1:	mov	ap_stack, %rsp
	xor	%ebp, %ebp
	mov	ap_percpu, %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	mov	$MSR_GS_BASE, %ecx
	wrmsr
	call	ap_main
	ud2

	.data
	.balign	8
gdt_pointer:
	.word	gdt_end - gdt - 1
	.long	PHYS(gdt)

	.globl	gdt
	.balign	16
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	/* KERNEL_CS32 */
	.quad	0x00af9b000000ffff	/* KERNEL_CS */
	.quad	0x00cf93000000ffff	/* KERNEL_DS */
	.quad	0x00cffb000000ffff	/* 0x23: 32-bit user code */
	.quad	0x00cff3000000ffff	/* USER_DS */
	.quad	0x00affb000000ffff	/* USER_CS */
	.quad	0
gdt_end:

/*
 * The boot page tables: the first GiB at 0, at DIRECT_BASE and at KERNEL_BASE,
 * one table of 2 MiB pages for all three.  kernel_root is the same without the
 * part at 0: what every address space starts with.  The pages are global, for
 * they are the same in all; and accessed and dirty from the first, so that
 * nobody has to find out.
 */
	.balign	4096
	.globl	boot_root, kernel_root
boot_root:
	.quad	PHYS(low_tables) + 0x23
	.fill	272, 8, 0
	.quad	PHYS(low_tables) + 0x23
	.fill	237, 8, 0
	.quad	PHYS(high_tables) + 0x23
kernel_root:
	.fill	273, 8, 0
	.quad	PHYS(low_tables) + 0x23
	.fill	237, 8, 0
	.quad	PHYS(high_tables) + 0x23
low_tables:
	.quad	PHYS(large_pages) + 0x23
	.fill	511, 8, 0
high_tables:
	.fill	510, 8, 0
	.quad	PHYS(large_pages) + 0x23
	.quad	0
large_pages:
	.set	page, 0
	.rept	512
	.quad	page * 0x200000 + 0x1e3	/* G D A, large, W P */
	.set	page, page + 1
	.endr

	.globl	ap_stack, ap_percpu
ap_stack:	.quad	0
ap_percpu:	.quad	0

	.bss
	.balign	4096
	.zero	STACK_BYTES * 2
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
