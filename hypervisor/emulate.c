// SPDX-License-Identifier: GPL-2.0-only
/*
 * emulate.c - the few instructions of a guest kernel that nothing replaces
 *
 * Stock kernels have some privileged instructions that no paravirtual operation
 * stands for.  They are listed here, one by one, and that is all: whoever wants
 * another one has to bring a reason, because an instruction emulator in the
 * host's kernel is where hypervisors have been broken into.
 *
 * CLI and STI are not here on purpose: the interrupt flag is a word of memory,
 * and a stray CLI without its STI would turn it off for good.
 *
 * What must never happen: an effect on anything but the guest's registers.
 *
 * Where we stand: the kernel of a guest has had #GP(0).
 *
 * Next: hypervisor/event.c
 */
#include <linux/types.h>
#include <asm/fpu/xcr.h>
#include "lg.h"

/* PE MP ET NE WP AM PG */
#define GUEST_CR0 0x80050033ULL
/* PAE OSFXSR OSXMMEXCPT FSGSBASE, as every CPU that we run on has them */
#define GUEST_CR4 0x10620ULL

#define MSR_MICROCODE_LEVEL 0x8b

/* One instruction, as far as it has been read. */
struct insn {
	u8 bytes[15];
	unsigned int len, at;
	u8 rex;
};

/* As ModRM numbers them, as struct sw_regs orders them. */
static u64 *gpr(struct sw_regs *regs, unsigned int number)
{
	u64 *const table[16] = {
		&regs->rax, &regs->rcx, &regs->rdx, &regs->rbx,
		&regs->rsp, &regs->rbp, &regs->rsi, &regs->rdi,
		&regs->r8,  &regs->r9,  &regs->r10, &regs->r11,
		&regs->r12, &regs->r13, &regs->r14, &regs->r15,
	};

	return table[number & 15];
}

/* Is it the guest's doing that its memory could not be read? */
static bool guests_own(int err)
{
	return err == -EFAULT || err == -ENXIO || err == -EAGAIN;
}

/* The bytes at RIP, as many as are there.  0, or the host's failure. */
static int fetch(struct lg_vcpu *vcpu, struct insn *insn)
{
	u64 rip = vcpu->state->regs.rip;
	unsigned int part = PAGE_SIZE - offset_in_page(rip);
	u32 ignored;
	int err;

	*insn = (struct insn){ .len = min_t(unsigned int, part, 15) };
	err = mem_gva_read(vcpu, rip, insn->bytes, insn->len, /* user= */ false,
			   &ignored);
	if (err) {
		insn->len = 0;
		return guests_own(err) ? 0 : err;
	}
	if (insn->len == 15)
		return 0;
	err = mem_gva_read(vcpu, rip + part, insn->bytes + part, 15 - part,
			   /* user= */ false, &ignored);
	if (!err)
		insn->len = 15;
	return guests_own(err) ? 0 : err;
}

/* The next byte; 0x06, which no 64-bit code has, if there is none. */
static u8 next(struct insn *insn)
{
	return insn->at < insn->len ? insn->bytes[insn->at++] : 0x06;
}

static bool mov_from_cr(struct lg_vcpu *vcpu, struct insn *insn)
{
	const struct lguest_data *data = data_of(vcpu);
	u8 modrm = next(insn);
	unsigned int cr = (modrm >> 3 & 7) | (insn->rex & 4 ? 8 : 0);
	unsigned int reg = (modrm & 7) | (insn->rex & 1 ? 8 : 0);
	u64 value;

	switch (cr) {
	case 0:
		value = GUEST_CR0;
		break;
	case 2:
		if (!vcpu->pins[PIN_DATA].page)
			return false;
		value = READ_ONCE(data->cr2);
		break;
	case 3:
		value = vcpu->cr3;
		break;
	case 4:
		value = GUEST_CR4;
		if (vcpu->told.features & LGUEST_FEATURE_PCID)
			value |= X86_CR4_PCIDE | X86_CR4_PGE;
		if (boot_cpu_has(X86_FEATURE_OSXSAVE))
			value |= X86_CR4_OSXSAVE;
		break;
	default:
		return false;
	}
	*gpr(&vcpu->state->regs, reg) = value;
	return true;
}

/* XCR0 is the host's, and stays so; saying it once more does no harm. */
static bool same_xcr0(const struct sw_regs *regs)
{
	return boot_cpu_has(X86_FEATURE_OSXSAVE) && !(u32)regs->rcx &&
	       (regs->rdx << 32 | (u32)regs->rax) == xgetbv(0);
}

static bool two_bytes(struct lg_vcpu *vcpu, struct insn *insn)
{
	struct sw_regs *regs = &vcpu->state->regs;

	switch (next(insn)) {
	case 0x01:
		return next(insn) == 0xd1 && same_xcr0(regs);
	case 0x09: /* WBINVD */
		return true;
	case 0x20:
		return mov_from_cr(vcpu, insn);
	case 0x30: /* WRMSR */
		return (u32)regs->rcx == MSR_MICROCODE_LEVEL;
	case 0x32: /* RDMSR */
		if ((u32)regs->rcx != MSR_MICROCODE_LEVEL)
			return false;
		regs->rax = 0;
		regs->rdx = 0;
		return true;
	}
	return false;
}

/* Nothing is there: all ones, as on a bus that nobody drives. */
static bool port_read(struct sw_regs *regs, unsigned int bytes)
{
	if (bytes == 4)
		regs->rax = 0xffffffff;
	else
		regs->rax |= (1ULL << bytes * 8) - 1;
	return true;
}

static bool run(struct lg_vcpu *vcpu, struct insn *insn)
{
	struct sw_regs *regs = &vcpu->state->regs;
	unsigned int wide = 4;
	u8 byte = next(insn);

	if (byte == 0x66) {
		wide = 2;
		byte = next(insn);
	}
	if ((byte & 0xf0) == 0x40) {
		insn->rex = byte;
		byte = next(insn);
	}
	switch (byte) {
	case 0x0f:
		return two_bytes(vcpu, insn);
	case 0xe4: /* IN, port in the next byte */
	case 0xe5:
		next(insn);
		return port_read(regs, byte & 1 ? wide : 1);
	case 0xec: /* IN, port in DX */
	case 0xed:
		return port_read(regs, byte & 1 ? wide : 1);
	case 0xe6: /* OUT */
	case 0xe7:
		next(insn);
		return true;
	case 0xee:
	case 0xef:
		return true;
	}
	return false;
}

/*
 * emulate - do the instruction at RIP, if it is one of ours
 *
 * The guest's kernel runs, in 64-bit code.  Returns 0, and in *done whether;
 * or the host's failure.
 */
int emulate(struct lg_vcpu *vcpu, bool *done)
{
	struct insn insn;
	int err;

	*done = false;
	if (vcpu->state->regs.cs != LGUEST_CS)
		return 0;
	err = fetch(vcpu, &insn);
	if (err)
		return err;
	*done = insn.len && run(vcpu, &insn);
	if (*done)
		vcpu->state->regs.rip += insn.at;
	return 0;
}
