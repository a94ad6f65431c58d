// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest-words.c - memory and registers that make no sense, made from a seed
 *
 * Pure noise dies of its third instruction, of something dull.  So half of it
 * is sprinkled with instructions that touch what the Switcher must get right,
 * and numbers are mostly of the sort that matters somewhere: addresses of the
 * guest's, the window's, edges of the address space, hypercalls.
 *
 * Start at fuzz_fill() and fuzz_regs().
 */
#include <string.h>

#include "guest-fuzz.h"

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

/*
 * The guest's part that makes sense.  Linked here, run at FUZZ_STUB.  clang-format
 * would have each line further right than the one before.
 */
/* clang-format off */
asm("	.pushsection .rodata\n"
    "	.balign 16\n"
    "fuzz_stub:\n"
    "	mov $" STRING(LHCALL_LGUEST_INIT) ", %eax\n"
    "	mov %rbx, %rdi\n"
    "	mov $0x101000, %esi\n"
    "	mov $" STRING(LGUEST_ABI_VERSION) ", %edx\n"
    "	mov $0xd, %r10d\n" /* direct system calls, returns and faults */
    "	syscall\n"
    "	mov $" STRING(LHCALL_SET_SYSCALL) ", %eax\n"
    "	mov %r12, %rdi\n"
    "	mov %r13, %rsi\n"
    "	mov %r14, %rdx\n"
    "	mov %r15, %r10\n"
    "	syscall\n"
    "	mov $" STRING(LHCALL_NOTIFY) ", %eax\n"
    "	mov $1, %edi\n"
    "	shl $63, %rdi\n"
    "	syscall\n"
    "	ud2\n"
    /* The next image to lguest_data, whose address is behind the count. */
    "	.balign 16\n"
    "fuzz_entry:\n"
    "	mov 0x104000, %ecx\n"
    "	cmp $64, %ecx\n"
    "	jae fuzz_over\n"
    "	incl 0x104000\n"
    "	shl $6, %ecx\n"
    "	mov 0x104008, %r11\n"
    "	.irp word, 0, 16, 24, 32, 40, 48\n"
    "	mov 0x103000 + \\word(%rcx), %rax\n"
    "	mov %rax, \\word(%r11)\n"
    "	.endr\n"
    "	testl $1, 0x104000\n"
    "	jz fuzz_iret\n"
    "fuzz_exit: syscall\n"
    "	ud2\n"
    "fuzz_iret: syscall\n"
    "	ud2\n"
    "fuzz_over: mov $" STRING(LHCALL_SHUTDOWN) ", %eax\n"
    "	mov $1, %edi\n"
    "	syscall\n"
    "fuzz_stub_end:\n"
    "	.popsection\n");
/* clang-format on */

extern const char fuzz_stub[], fuzz_entry[], fuzz_exit[], fuzz_iret[],
	fuzz_stub_end[];

/* Instructions, length first. */
static const char *const words[] = {
	"\x02\x0f\x05", /* syscall */
	"\x02\x0f\x05",
	"\x02\x0f\x05",
	"\x02\x0f\x34", /* sysenter */
	"\x02\x0f\x35", /* sysexit */
	"\x03\x48\x0f\x07", /* sysret */
	"\x01\xcc", /* int3 */
	"\x02\xcd\x04",
	"\x02\xcd\x80",
	"\x02\xcd\x02",
	"\x02\xcd\x0e",
	"\x01\xf1", /* icebp */
	"\x01\x9c", /* pushf */
	"\x01\x9d", /* popf */
	"\x03\x9d\x0f\x05", /* popf; syscall */
	"\x02\x48\xcf", /* iretq */
	"\x01\xcf", /* iret */
	"\x02\x48\xcb", /* lretq */
	"\x01\xcb", /* lret */
	"\x02\x8e\xd8", /* mov eax, ds */
	"\x02\x8e\xc0", /* mov eax, es */
	"\x02\x8e\xe0", /* mov eax, fs */
	"\x02\x8e\xe8", /* mov eax, gs */
	"\x02\x8e\xd0", /* mov eax, ss */
	"\x04\x8e\xd0\x0f\x05", /* mov eax, ss; syscall */
	"\x05\xb8\x2b\x00\x00\x00", /* mov $0x2b, eax */
	"\x05\xb8\x23\x00\x00\x00",
	"\x05\xb8\x00\x00\x00\x00",
	"\x05\xb8\x11\x00\x00\x00", /* a hypercall's number */
	"\x05\xb8\x05\x00\x00\x00",
	"\x05\xb8\x21\x00\x00\x00",
	"\x05\xb8\x20\x00\x00\x00",
	"\x05\xb8\x04\x00\x00\x00",
	"\x05\xb8\x06\x00\x00\x00",
	"\x05\xb8\x07\x00\x00\x00",
	"\x05\xb8\x09\x00\x00\x00",
	"\x05\xb8\x0a\x00\x00\x00",
	"\x05\xb8\x0e\x00\x00\x00",
	"\x05\xb8\x10\x00\x00\x00",
	"\x05\xb8\x13\x00\x00\x00",
	"\x05\xb8\x16\x00\x00\x00",
	"\x05\xb8\x22\x00\x00\x00",
	"\x05\xb8\x23\x00\x00\x00",
	"\x05\xb8\x24\x00\x00\x00",
	"\x05\xb8\x25\x00\x00\x00",
	"\x05\xb8\x26\x00\x00\x00",
	"\x05\xb8\x27\x00\x00\x00",
	"\x05\xb8\x28\x00\x00\x00",
	"\x05\xb8\x29\x00\x00\x00",
	"\x05\xb8\x2a\x00\x00\x00",
	"\x05\xb8\x2b\x00\x00\x00",
	"\x05\xb8\x2c\x00\x00\x00",
	"\x05\xf3\x48\x0f\xae\xd8", /* wrgsbase rax */
	"\x05\xf3\x48\x0f\xae\xd0", /* wrfsbase rax */
	"\x05\xf3\x48\x0f\xae\xc8", /* rdgsbase rax */
	"\x03\x0f\x01\xf8", /* swapgs */
	"\x02\x0f\xa1", /* pop fs */
	"\x02\x0f\xa9", /* pop gs */
	"\x02\x0f\xa0", /* push fs */
	"\x03\x0f\x01\xef", /* wrpkru */
	"\x03\x0f\x01\xd0", /* xgetbv */
	"\x02\x0f\xa2", /* cpuid */
	"\x02\x0f\x31", /* rdtsc */
	"\x02\xdb\xe3", /* fninit */
	"\x03\x0f\xae\x14\x24" + 0, /* ldmxcsr (rsp), cut short */
	"\x04\x0f\xae\x14\x24",
	"\x04\x0f\xae\x0c\x24", /* fxrstor (rsp) */
	"\x02\xff\x28", /* ljmp (rax) */
	"\x02\xff\x18", /* lcall (rax) */
	"\x03\x48\x89\xc4", /* mov rax, rsp */
	"\x06\x48\x8b\x07\x48\x89\x07", /* mov (rdi), rax and back */
	"\x06\x48\x8b\x06\x48\x89\x06", /* mov (rsi), rax and back */
	"\x01\xf4", /* hlt */
	"\x02\xcd\x40", /* int of an interrupt's vector */
	"\x03\x0f\x20\xd0", /* mov cr2, rax */
	"\x03\x0f\x20\xd8", /* mov cr3, rax */
	"\x02\x0f\x32", /* rdmsr */
	"\x01\xec", /* in dx, al */
	"\x02\x0f\x09", /* wbinvd */
	"\x01\x90", /* where the flag is looked at */
	"\x01\xfc", /* cld */
	"\x01\xfd", /* std */
	"\x02\xeb\xfe", /* jmp . */
	"\x01\x90",
};

#define WORDS (sizeof(words) / sizeof(words[0]))

__u64 fuzz_number(struct fuzz *fuzz)
{
	const struct lg_info *info = &fuzz->vmm->info;
	__u64 r = fuzz_next(fuzz);

	switch (r % 16) {
	case 0:
		return FUZZ_CODE + r / 16 % FUZZ_BYTES;
	case 1:
		return (r & 16 ? FUZZ_USER : FUZZ_DENIED) + r / 32 % FUZZ_BYTES;
	case 2:
	case 3:
		return FUZZ_STACK + (r / 16 % FUZZ_BYTES & ~7ULL);
	case 4:
		return info->switcher_start + r / 16 % 0x20000;
	case 5:
		return 0x7fffffffffffULL - r / 16 % 4;
	case 6:
		return 0x800000000000ULL + r / 16 % 4;
	case 7:
		return 0xffffffff81000000ULL + r / 16 % 0x1000;
	case 8:
		return r / 16 % LHCALL_MAX;
	case 9:
		return r / 16 % FUZZ_RAM;
	case 10:
		return fuzz->data_gpa + r / 16 % 64;
	case 11:
		return 1ULL << (r / 16 % 64);
	case 12:
		return ~0ULL - r / 16 % 4096;
	default:
		return fuzz_next(fuzz);
	}
}

static void fill_noise(struct fuzz *fuzz, __u8 *at, size_t bytes)
{
	__u64 r;
	size_t i;

	for (i = 0; i + 8 <= bytes; i += 8) {
		r = fuzz_next(fuzz);
		memcpy(at + i, &r, 8);
	}
}

/* Words into the noise, close enough to run into one from most places. */
static void sprinkle(struct fuzz *fuzz, __u8 *at, size_t bytes)
{
	size_t i, len;
	const char *word;

	for (i = fuzz_next(fuzz) % 8; i + 16 < bytes;
	     i += fuzz_next(fuzz) % 12) {
		word = words[fuzz_next(fuzz) % WORDS];
		len = (size_t)word[0];
		memcpy(at + i, word + 1, len);
		i += len;
	}
}

static void fill_code(struct fuzz *fuzz, __u64 gpa)
{
	__u8 *at = vmm_at(fuzz->vmm, gpa, FUZZ_BYTES);

	fill_noise(fuzz, at, FUZZ_BYTES);
	if (!fuzz_one_in(fuzz, 4))
		sprinkle(fuzz, at, FUZZ_BYTES);
}

/*
 * A load from a page that user mode may read, and a store to it: each time the
 * next page, or it is not as direct as we want it.
 */
static void put_denied(struct fuzz *fuzz, __u8 *at)
{
	__u64 page = FUZZ_DENIED + fuzz->denied++ * 4096 % FUZZ_BYTES;
	__u32 to = (__u32)(page + fuzz_next(fuzz) % 4092);

	memcpy(at, "\x8b\x04\x25", 3);
	memcpy(at + 3, &to, 4);
	memcpy(at + 7, "\x89\x04\x25", 3);
	memcpy(at + 10, &to, 4);
}

/*
 * Mostly such that user mode runs, and at a SYSCALL or what the Switcher takes
 * for a fault of the guest's own; else anything.
 */
static void fill_image(struct fuzz *fuzz, struct lguest_data *image)
{
	__u8 *user = vmm_at(fuzz->vmm, FUZZ_USER, FUZZ_BYTES);
	__u64 at = fuzz_next(fuzz) % (FUZZ_BYTES - 16);

	image->irq_enabled = (__u32)fuzz_next(fuzz);
	image->user_rip = FUZZ_USER + at;
	image->user_rflags = (__u32)fuzz_next(fuzz) & ~0x100U;
	image->user_gs_base = fuzz_next(fuzz) & 0x7fffffffffff;
	image->user_rcx = fuzz_number(fuzz);
	image->user_r11 = fuzz_number(fuzz);
	if (fuzz_one_in(fuzz, 3))
		put_denied(fuzz, user + at);
	else if (!fuzz_one_in(fuzz, 8))
		memcpy(user + at, "\x0f\x05", 2);
	if (fuzz_one_in(fuzz, 40))
		image->user_rip = fuzz_number(fuzz);
	if (fuzz_one_in(fuzz, 20))
		image->user_rflags |= 0x100;
	if (fuzz_one_in(fuzz, 40))
		image->user_gs_base = fuzz_number(fuzz);
}

static void fill_images(struct fuzz *fuzz)
{
	__u8 *at = vmm_at(fuzz->vmm, FUZZ_IMAGES, 4096);
	struct lguest_data image = { 0 };
	unsigned int i;

	for (i = 0; i < 64; i++) {
		fill_image(fuzz, &image);
		memcpy(at + i * sizeof(image), &image, sizeof(image));
	}
}

/* Some entries of the tables become what no table should hold. */
static void spoil_tables(struct fuzz *fuzz)
{
	struct vmm *vmm = fuzz->vmm;
	__u64 bytes = vmm->next_table - vmm->root, *entry;
	unsigned int i, n = 1 + (unsigned int)(fuzz_next(fuzz) % 32);

	for (i = 0; i < n; i++) {
		entry = vmm_at(vmm, vmm->root + fuzz_next(fuzz) % bytes / 8 * 8,
			       8);
		switch (fuzz_next(fuzz) % 4) {
		case 0:
			*entry = fuzz_number(fuzz);
			break;
		case 1:
			*entry ^= 1ULL << fuzz_next(fuzz) % 64;
			break;
		case 2:
			*entry = (vmm->root + fuzz_next(fuzz) % bytes) | 7;
			break;
		case 3:
			*entry = (fuzz_next(fuzz) % FUZZ_RAM & ~0xfffULL) |
				 (fuzz_next(fuzz) & 0x80000000000001ff);
		}
	}
}

static __u64 stub_address(const char *symbol)
{
	return FUZZ_STUB + (__u64)(symbol - fuzz_stub);
}

void fuzz_fill(struct fuzz *fuzz)
{
	struct vmm *vmm = fuzz->vmm;

	fuzz->kind = (enum fuzz_kind)(fuzz_next(fuzz) % FUZZ_KINDS);
	fuzz->data_gpa = FUZZ_DATA + fuzz_next(fuzz) % 64 * 64;
	fuzz->entry = stub_address(fuzz_entry);
	fuzz->exit = stub_address(fuzz_exit);
	fuzz->iret = stub_address(fuzz_iret);
	fuzz->fault = fuzz->entry;
	if (fuzz->kind != FUZZ_KIND_DATA && fuzz_one_in(fuzz, 2))
		fuzz->entry = FUZZ_CODE + fuzz_next(fuzz) % FUZZ_BYTES;
	if (fuzz->kind != FUZZ_KIND_DATA && fuzz_one_in(fuzz, 2))
		fuzz->fault = FUZZ_CODE + fuzz_next(fuzz) % FUZZ_BYTES;
	if (fuzz_one_in(fuzz, 16)) /* anywhere that has an address */
		fuzz->fault = (__u64)((__s64)(fuzz_number(fuzz) << 16) >> 16);

	fill_code(fuzz, FUZZ_CODE);
	fill_code(fuzz, FUZZ_USER);
	fill_noise(fuzz, vmm_at(vmm, FUZZ_STACK, FUZZ_BYTES), FUZZ_BYTES);
	fill_images(fuzz);
	memset(vmm_at(vmm, FUZZ_COUNTER, 4096), 0, 4096);
	memcpy(vmm_at(vmm, FUZZ_COUNTER + 8, 8), &fuzz->data_gpa, 8);
	memcpy(vmm_at(vmm, FUZZ_STUB, 4096), fuzz_stub,
	       (size_t)(fuzz_stub_end - fuzz_stub));
	vmm_map(vmm, FUZZ_USER, FUZZ_USER, FUZZ_BYTES, VMM_P | VMM_W | VMM_U);
	vmm_map(vmm, FUZZ_DENIED, FUZZ_DENIED, FUZZ_BYTES, VMM_P | VMM_U);
}

/* Selectors that LG_STATE_SET takes; it is another test's to try others. */
static __u16 selector(struct fuzz *fuzz)
{
	static const __u16 selectors[] = { 0, LGUEST_DS, LGUEST_CS,
					   LGUEST_CS32 };

	return selectors[fuzz_next(fuzz) % 4];
}

void fuzz_regs(struct fuzz *fuzz, struct lg_regs *regs)
{
	__u64 *gpr = &regs->rax;
	unsigned int i;

	memset(regs, 0, sizeof(*regs));
	for (i = 0; i < 16; i++)
		gpr[i] = fuzz_number(fuzz);
	if (!fuzz_one_in(fuzz, 4))
		regs->rsp = FUZZ_STACK + (fuzz_next(fuzz) % FUZZ_BYTES & ~7ULL);
	regs->rip = FUZZ_CODE + fuzz_next(fuzz) % FUZZ_BYTES;
	regs->rflags =
		fuzz_next(fuzz) & (fuzz_one_in(fuzz, 8) ? ~0ULL : ~0x100ULL);
	regs->fs_base = (__u64)((__s64)fuzz_next(fuzz) >> 17);
	regs->gs_base = (__u64)((__s64)fuzz_next(fuzz) >> 17);
	regs->user_gs_base = (__u64)((__s64)fuzz_next(fuzz) >> 17);
	regs->cr3 = fuzz->vmm->root;
	regs->cs = fuzz_one_in(fuzz, 8) ? LGUEST_CS32 : LGUEST_CS;
	regs->ss = LGUEST_DS;
	regs->ds = selector(fuzz);
	regs->es = selector(fuzz);
	regs->fs = selector(fuzz);
	regs->gs = selector(fuzz);
	regs->pkru = fuzz_one_in(fuzz, 4) ? (__u32)fuzz_next(fuzz) : 0;
	regs->mode = fuzz_one_in(fuzz, 3) ? LG_MODE_USER : LG_MODE_KERNEL;
	if (regs->mode == LG_MODE_USER)
		regs->rip += FUZZ_USER - FUZZ_CODE;
	if (fuzz->kind == FUZZ_KIND_DATA) {
		regs->rip = fuzz->entry;
		regs->cs = LGUEST_CS;
		regs->mode = LG_MODE_KERNEL;
		regs->pkru = 0;
	}
	if (fuzz->kind == FUZZ_KIND_TABLES)
		spoil_tables(fuzz);
	/* Once in a while, something that has to be refused. */
	if (fuzz_one_in(fuzz, 50))
		memcpy((__u8 *)regs + fuzz_next(fuzz) % sizeof(*regs), "\x80",
		       1);
}
