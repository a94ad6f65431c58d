/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boot.S - a boot loader for a kernel that is not packed
 *
 * Debian's kernel unpacks itself at each boot, which takes Bochs a minute.  The
 * rig keeps it unpacked, so here is a disk with this on its first sectors, then
 * the kernel as it lies in memory, then the initramfs, all in one piece.  The
 * boot sector reads that to KERNEL and does what the kernel's 64-bit boot
 * protocol wants (Documentation/x86/boot.rst): long mode, the first GiB mapped
 * one to one, flat segments 0x10 and 0x18, RSI at struct boot_params.
 *
 * The BIOS is there as on any machine, with its ACPI tables and the other CPUs;
 * only its memory map is written down here and not asked for.
 */
#define BUFFER 0x30000
#define PARAMS 0x10000
#define TABLES 0x20000
#define KERNEL 0x1000000

#ifndef CMDLINE /* t/bochs/check says what these are */
#define CMDLINE      ""
#define KERNEL_BYTES 0
#define INITRD_BYTES 0
#define RAM_BYTES    0x20000000
#endif
#define ACPI_BYTES   0x10000 /* the BIOS puts its tables at the end of RAM */

#define SECTORS      64 /* at a time */
#define PARAM_START  1
#define KERNEL_START 16
#define CHUNKS       ((KERNEL_BYTES + INITRD_BYTES) / 512 / SECTORS + 1)

#define E820_RAM      1
#define E820_RESERVED 2
#define E820_ACPI     3

	.section .sector, "awx", @progbits
	.code16
start:	cli
	xor	%eax, %eax
	mov	%ax, %ds
	mov	%ax, %ss
	mov	$0x7c00, %sp
	in	$0x92, %al /* A20 */
	or	$2, %al
	out	%al, $0x92

	call	read
	movw	$SECTORS, request + 2
	movw	$(BUFFER >> 4), request + 6
	movl	$KERNEL_START, request + 8
	mov	$KERNEL, %edi
	mov	$CHUNKS, %ebx
1:	call	read
	/* ES and DS may reach beyond 1 MiB once they were loaded in 32 bits. */
	cli
	lgdtl	gdtr
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	mov	$0x18, %cx
	mov	%cx, %ds
	mov	%cx, %es
	and	$0xfe, %al
	mov	%eax, %cr0
	xor	%cx, %cx
	mov	%cx, %ds
	mov	%cx, %es
	mov	$BUFFER, %esi
	mov	$(SECTORS * 128), %ecx
	addr32 rep movsl
	addl	$SECTORS, request + 8
	dec	%ebx
	jnz	1b
	jmp	enter

	/* What the request says, from the first disk. */
read:	pushal
	mov	$0x42, %ah
	mov	$0x80, %dl
	mov	$request, %si
	int	$0x13
	jc	.
	popal
	ret

	.balign	4
request: .word	16, KERNEL_START - PARAM_START, 0, PARAMS >> 4
	.quad	PARAM_START

enter:	cli
	/* Three tables: one entry, one entry, 512 pages of 2 MiB. */
	mov	$(TABLES >> 4), %ax
	mov	%ax, %es
	xor	%di, %di
	xor	%eax, %eax
	mov	$(3 * 1024), %cx
	rep stosl
	movl	$(TABLES + 0x1003), %es:0
	movl	$(TABLES + 0x2003), %es:0x1000
	mov	$0x83, %eax
	mov	$0x2000, %di
1:	mov	%eax, %es:(%di)
	add	$0x200000, %eax
	add	$8, %di
	cmp	$0x3000, %di
	jne	1b

	mov	$TABLES, %eax
	mov	%eax, %cr3
	mov	$0x20, %eax /* PAE */
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x100, %ax /* LME */
	wrmsr
	mov	%cr0, %eax
	or	$0x80000001, %eax /* PG, PE */
	mov	%eax, %cr0
	ljmpl	$0x10, $2f

	.code64
2:	mov	$0x18, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%eax, %ss
	mov	$PARAMS, %esi
	mov	$KERNEL, %eax
	jmp	*%rax

	.balign	8
gdt:	.quad	0, 0
	.quad	0x00af9b000000ffff /* 0x10: 64-bit code */
	.quad	0x00cf93000000ffff /* 0x18: data */
gdtr:	.word	. - gdt - 1
	.long	gdt

	.org	start + 510
	.word	0xaa55

	/* struct boot_params; what is not named stays zero. */
	.section .params, "aw", @progbits
params:
	.org	params + 0x1e8
	.byte	(e820_end - e820) / 20
	.org	params + 0x1fe
	.word	0xaa55
	.org	params + 0x202
	.ascii	"HdrS"
	.word	0x20f /* version of the protocol */
	.org	params + 0x210
	.byte	0xff, 1 /* a loader unknown to Linux; it is loaded high */
	.org	params + 0x218
	.long	KERNEL + KERNEL_BYTES, INITRD_BYTES
	.org	params + 0x228
	.long	PARAMS + cmdline - params
	.long	RAM_BYTES - ACPI_BYTES - 1
	.org	params + 0x238
	.long	2047 /* of the command line */
	.org	params + 0x2d0
e820:	.quad	0, 0x9fc00; .long E820_RAM
	.quad	0x9fc00, 0x400; .long E820_RESERVED
	.quad	0xe8000, 0x18000; .long E820_RESERVED
	.quad	0x100000, RAM_BYTES - 0x100000 - ACPI_BYTES; .long E820_RAM
	.quad	RAM_BYTES - ACPI_BYTES, ACPI_BYTES; .long E820_ACPI
	.quad	0xfffc0000, 0x40000; .long E820_RESERVED
e820_end:
	.org	params + 0x1000
cmdline: .asciz	CMDLINE

	.section .note.GNU-stack, "", @progbits
