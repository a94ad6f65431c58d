// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuid.c - what the kernel gets to know of its processor
 *
 * CPUID is not trapped: programs see the host's.  But the kernel asks us, and
 * what it finds here it uses.  So there is a row for each register of each leaf
 * that has something we cannot have, and README.md has the reasons.  A leaf
 * of which nothing is left is zero; one that is unknown is, too.
 *
 * What must never happen: a feature that takes an instruction of CPL 0 which no
 * operation stands for.
 *
 * Next: guestos/linux/port/mmu.c
 */
#include "port.h"

#include <linux/kernel.h>
#include <linux/math.h>
#include <asm/cpufeatures.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/processor.h>

/* The legacy area and the header, before any other component. */
#define XSAVE_START_BYTES 576

#define BIT_OF(feature) (1U << ((feature)&31))

enum {
	EAX,
	EBX,
	ECX,
	EDX
};

/* Only these bits, of a register that has more. */
struct keep {
	u32 leaf, subleaf;
	u8 reg;
	u32 bits;
};

/* Leaf 1, ECX: all but what CPL 0 alone can use, or a machine with firmware. */
#define KEEP_1_ECX                                                  \
	(BIT_OF(X86_FEATURE_XMM3) | BIT_OF(X86_FEATURE_PCLMULQDQ) | \
	 BIT_OF(X86_FEATURE_SSSE3) | BIT_OF(X86_FEATURE_FMA) |      \
	 BIT_OF(X86_FEATURE_CX16) | BIT_OF(X86_FEATURE_XMM4_1) |    \
	 BIT_OF(X86_FEATURE_XMM4_2) | BIT_OF(X86_FEATURE_MOVBE) |   \
	 BIT_OF(X86_FEATURE_POPCNT) | BIT_OF(X86_FEATURE_AES) |     \
	 BIT_OF(X86_FEATURE_XSAVE) | BIT_OF(X86_FEATURE_OSXSAVE) |  \
	 BIT_OF(X86_FEATURE_AVX) | BIT_OF(X86_FEATURE_F16C) |       \
	 BIT_OF(X86_FEATURE_RDRAND))
#define KEEP_1_EDX                                               \
	(BIT_OF(X86_FEATURE_FPU) | BIT_OF(X86_FEATURE_PSE) |     \
	 BIT_OF(X86_FEATURE_TSC) | BIT_OF(X86_FEATURE_MSR) |     \
	 BIT_OF(X86_FEATURE_PAE) | BIT_OF(X86_FEATURE_CX8) |     \
	 BIT_OF(X86_FEATURE_PGE) | BIT_OF(X86_FEATURE_CMOV) |    \
	 BIT_OF(X86_FEATURE_PAT) | BIT_OF(X86_FEATURE_PSE36) |   \
	 BIT_OF(X86_FEATURE_CLFLUSH) | BIT_OF(X86_FEATURE_MMX) | \
	 BIT_OF(X86_FEATURE_FXSR) | BIT_OF(X86_FEATURE_XMM) |    \
	 BIT_OF(X86_FEATURE_XMM2) | BIT_OF(X86_FEATURE_SELFSNOOP))
#define KEEP_7_EBX                                                        \
	(BIT_OF(X86_FEATURE_FSGSBASE) | BIT_OF(X86_FEATURE_BMI1) |        \
	 BIT_OF(X86_FEATURE_AVX2) | BIT_OF(X86_FEATURE_FDP_EXCPTN_ONLY) | \
	 BIT_OF(X86_FEATURE_BMI2) | BIT_OF(X86_FEATURE_ERMS) |            \
	 BIT_OF(X86_FEATURE_ZERO_FCS_FDS) | BIT_OF(X86_FEATURE_AVX512F) | \
	 BIT_OF(X86_FEATURE_AVX512DQ) | BIT_OF(X86_FEATURE_RDSEED) |      \
	 BIT_OF(X86_FEATURE_ADX) | BIT_OF(X86_FEATURE_AVX512IFMA) |       \
	 BIT_OF(X86_FEATURE_CLFLUSHOPT) | BIT_OF(X86_FEATURE_CLWB) |      \
	 BIT_OF(X86_FEATURE_AVX512PF) | BIT_OF(X86_FEATURE_AVX512ER) |    \
	 BIT_OF(X86_FEATURE_AVX512CD) | BIT_OF(X86_FEATURE_SHA_NI) |      \
	 BIT_OF(X86_FEATURE_AVX512BW) | BIT_OF(X86_FEATURE_AVX512VL))
#define KEEP_7_ECX                                                             \
	(BIT_OF(X86_FEATURE_AVX512VBMI) | BIT_OF(X86_FEATURE_AVX512_VBMI2) |   \
	 BIT_OF(X86_FEATURE_GFNI) | BIT_OF(X86_FEATURE_VAES) |                 \
	 BIT_OF(X86_FEATURE_VPCLMULQDQ) | BIT_OF(X86_FEATURE_AVX512_VNNI) |    \
	 BIT_OF(X86_FEATURE_AVX512_BITALG) |                                   \
	 BIT_OF(X86_FEATURE_AVX512_VPOPCNTDQ) | BIT_OF(X86_FEATURE_CLDEMOTE) | \
	 BIT_OF(X86_FEATURE_MOVDIRI) | BIT_OF(X86_FEATURE_MOVDIR64B))
#define KEEP_7_EDX                                                      \
	(BIT_OF(X86_FEATURE_AVX512_4VNNIW) |                            \
	 BIT_OF(X86_FEATURE_AVX512_4FMAPS) | BIT_OF(X86_FEATURE_FSRM) | \
	 BIT_OF(X86_FEATURE_AVX512_VP2INTERSECT) |                      \
	 BIT_OF(X86_FEATURE_MD_CLEAR) | BIT_OF(X86_FEATURE_SERIALIZE) | \
	 BIT_OF(X86_FEATURE_AVX512_FP16))
#define KEEP_EXT_ECX                                                           \
	(BIT_OF(X86_FEATURE_LAHF_LM) | BIT_OF(X86_FEATURE_CR8_LEGACY) |        \
	 BIT_OF(X86_FEATURE_ABM) | BIT_OF(X86_FEATURE_SSE4A) |                 \
	 BIT_OF(X86_FEATURE_MISALIGNSSE) | BIT_OF(X86_FEATURE_3DNOWPREFETCH) | \
	 BIT_OF(X86_FEATURE_XOP) | BIT_OF(X86_FEATURE_FMA4) |                  \
	 BIT_OF(X86_FEATURE_TBM))
/* Bits 0 to 17, and two more, are leaf 1's again.  RDTSCP would tell of the
 * host's CPUs. */
#define KEEP_EXT_EDX                                                  \
	((KEEP_1_EDX & 0x3ffff) | BIT_OF(X86_FEATURE_MMX) |           \
	 BIT_OF(X86_FEATURE_FXSR) | BIT_OF(X86_FEATURE_SYSCALL) |     \
	 BIT_OF(X86_FEATURE_NX) | BIT_OF(X86_FEATURE_MMXEXT) |        \
	 BIT_OF(X86_FEATURE_FXSR_OPT) | BIT_OF(X86_FEATURE_GBPAGES) | \
	 BIT_OF(X86_FEATURE_LM) | BIT_OF(X86_FEATURE_3DNOWEXT) |      \
	 BIT_OF(X86_FEATURE_3DNOW))

static const struct keep keeps[] = {
	{ 1, 0, ECX, KEEP_1_ECX },
	{ 1, 0, EDX, KEEP_1_EDX },
	{ 4, ~0U, EAX, 0x3fff }, /* one CPU to a cache, and to a package */
	{ 7, 0, EBX, KEEP_7_EBX },
	{ 7, 0, ECX, KEEP_7_ECX },
	{ 7, 0, EDX, KEEP_7_EDX },
	{ 7, 1, EAX,
	  BIT_OF(X86_FEATURE_AVX_VNNI) | BIT_OF(X86_FEATURE_AVX512_BF16) },
	{ 7, 1, EBX, 0 },
	{ 7, 1, ECX, 0 },
	{ 7, 1, EDX, 0 },
	{ 0x80000001, 0, ECX, KEEP_EXT_ECX },
	{ 0x80000001, 0, EDX, KEEP_EXT_EDX },
	{ 0x80000007, 0, EAX, 0 },
	{ 0x80000007, 0, EBX, 0 },
	{ 0x80000007, 0, ECX, 0 },
	{ 0x80000007, 0, EDX, 1 << 8 }, /* the TSC is constant */
	{ 0x80000008, 0, EBX,
	  BIT_OF(X86_FEATURE_CLZERO) | BIT_OF(X86_FEATURE_XSAVEERPTR) },
	{ 0x80000008, 0, ECX, 0 },
	/* LFENCE serializes; a null selector clears the base. */
	{ 0x80000021, 0, EAX, 1 << 2 | 1 << 6 },
	{ 0x80000021, 0, EBX, 0 },
	{ 0x80000021, 0, ECX, 0 },
	{ 0x80000021, 0, EDX, 0 },
};

/* Leaves of which nothing is hidden; those in keeps[] are there as well. */
static bool is_plain(u32 leaf)
{
	return leaf == 0 || leaf == 2 ||
	       (leaf >= 0x80000000 && leaf <= 0x80000006) ||
	       leaf == 0x80000019 /* TLBs of 1 GiB pages */;
}

/* Components of the FPU's state that there are for the kernel. */
static u64 xfeatures(void)
{
	const u64 known = XFEATURE_MASK_FP | XFEATURE_MASK_SSE |
			  XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512;

	return xgetbv(XCR_XFEATURE_ENABLED_MASK) & known;
}

/* How large the area is, for these components alone. */
static u32 xsave_bytes(bool compacted)
{
	u32 bytes = XSAVE_START_BYTES, eax, ebx, ecx, edx, i;
	u64 features = xfeatures();

	for (i = FIRST_EXTENDED_XFEATURE; i < 63; i++) {
		if (!(features >> i & 1))
			continue;
		eax = 0xd;
		ecx = i;
		native_cpuid(&eax, &ebx, &ecx, &edx);
		if (!compacted)
			bytes = max(bytes, ebx + eax);
		else
			bytes = (ecx & 2 ? ALIGN(bytes, 64) : bytes) + eax;
	}
	return bytes;
}

/* The FPU's state: XCR0 is the host's, and XSAVES takes CPL 0. */
static void xsave_leaf(u32 subleaf, u32 regs[4])
{
	u64 features = xfeatures();

	if (subleaf == 0) {
		regs[EAX] = features;
		regs[EBX] = xsave_bytes(false);
		regs[ECX] = regs[EBX];
		regs[EDX] = features >> 32;
	} else if (subleaf == 1) {
		regs[EAX] &= BIT_OF(X86_FEATURE_XSAVEOPT) |
			     BIT_OF(X86_FEATURE_XSAVEC) |
			     BIT_OF(X86_FEATURE_XGETBV1);
		regs[EBX] = xsave_bytes(true);
		regs[ECX] = 0;
		regs[EDX] = 0;
	} else if (!(features >> subleaf & 1)) {
		memset(regs, 0, 4 * sizeof(regs[0]));
	}
}

/* Who we are, in leaf 1: one of many packages with one CPU. */
static void name_cpu(u32 regs[4])
{
	regs[EBX] =
		(regs[EBX] & 0xffff) | 1 << 16 | raw_smp_processor_id() << 24;
	regs[ECX] |= BIT_OF(X86_FEATURE_HYPERVISOR);
	if (port_cpus[0].info.features & LGUEST_FEATURE_PCID)
		regs[ECX] |= BIT_OF(X86_FEATURE_PCID);
}

static void filter(u32 leaf, u32 subleaf, u32 regs[4])
{
	bool known = is_plain(leaf);
	const struct keep *keep;

	for (keep = keeps; keep < keeps + ARRAY_SIZE(keeps); keep++) {
		if (keep->leaf != leaf ||
		    (keep->subleaf != ~0U && keep->subleaf != subleaf))
			continue;
		regs[keep->reg] &= keep->bits;
		known = true;
	}
	if (!known)
		memset(regs, 0, 4 * sizeof(regs[0]));
}

/* port_cpuid - with what we cannot have left out */
void port_cpuid(unsigned int *eax, unsigned int *ebx, unsigned int *ecx,
		unsigned int *edx)
{
	u32 leaf = *eax, subleaf = *ecx, regs[4];

	native_cpuid(eax, ebx, ecx, edx);
	regs[EAX] = *eax;
	regs[EBX] = *ebx;
	regs[ECX] = *ecx;
	regs[EDX] = *edx;
	if (leaf == 0xd)
		xsave_leaf(subleaf, regs);
	else
		filter(leaf, subleaf, regs);
	if (leaf == 1)
		name_cpu(regs);
	if (leaf == 7 && !subleaf)
		regs[EAX] = min(regs[EAX], 1U);
	if (leaf == 0x80000008) /* of addresses: physical, virtual */
		regs[EAX] = min(regs[EAX] & 0xff, 46U) | 48 << 8;
	if (leaf == 0x40000000) { /* "lguest", twice */
		regs[EAX] = leaf;
		regs[EBX] = 0x7565676c;
		regs[ECX] = 0x676c7473;
		regs[EDX] = 0x74736575;
	}
	*eax = regs[EAX];
	*ebx = regs[EBX];
	*ecx = regs[ECX];
	*edx = regs[EDX];
}
