// SPDX-License-Identifier: GPL-2.0-only
/*
 * patch.c - the few bytes of the kernel that we change
 *
 * What a kernel at CPL 3 does differently it nearly always does through an
 * operation or an alternative.  Here is the rest: two returns that the kernel
 * makes by Xen's hypercall, a fall-back that turns interrupts off by CLI, a
 * function that writes XCR0, which is the host's, and one that asks the CPU where
 * the GDT is, which is the host's, too.  And one thing for speed: for
 * Xen a page table's entry must be translated, for us it is what it is, so the
 * calls that translate become the instruction that is there on real machines.
 *
 * The calls to our hot operations are made direct by the kernel itself, when it
 * goes through its paravirtual sites.  Such a site has six bytes, and the
 * shortest store or load by GS has seven: in line it is not to be had.
 *
 * What must never happen: a change where the bytes are not what we think.
 *
 * Next: guestos/linux/port/cpu.c
 */
#include "port.h"
#include "graft.h"

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/version.h>
#include <asm/alternative.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/fpu/api.h>
#include <asm/mmu_context.h>
#include <asm/nospec-branch.h>
#include <asm/set_memory.h>
#include <asm/text-patching.h>
#include <asm/tlbflush.h>

extern char early_xen_iret_patch[], xen_iret[];
extern char this_cpu_cmpxchg16b_emu[];
extern struct alt_instr __alt_instructions[], __alt_instructions_end[];

GRAFT_CHECK_FUNCTION(void, fpu__init_cpu_xstate, void);
GRAFT_CHECK_TYPE(struct alt_instr);

/* swapgs or iretq; a hypercall of Xen's. */
GRAFT_DETOUR(GRAFT_JUMP, early_xen_iret_patch, 0, port_iret, 5, 0xe9);
GRAFT_DETOUR(GRAFT_JUMP, xen_iret, 0, port_iret, 5, 0x6a, 0x00);

/*
 * XCR0 is the host's, and has what port_cpuid() says of it.  The kernel's function
 * does more than to write it; where it has been divided in two, so that what is
 * before it stays, the instruction alone goes.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#define alt_feature cpuid
#define GET_DESC    0x41, 0x54 /* the first register it saves */

void __init port_set_returns(void)
{
}

static void xcr0_is_set(void)
{
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		cr4_set_bits(X86_CR4_OSXSAVE);
}

/* Behind the tracer's call, which the kernel wants to find. */
GRAFT_DETOUR(GRAFT_JUMP, fpu__init_cpu_xstate, 5, xcr0_is_set, 7, 0x48, 0x8b,
	     0x05);
#else
#define alt_feature ft_flags
#define GET_DESC    0x41, 0x55

extern u8 port_thunk[];

/*
 * port_set_returns - ours go where the kernel's go
 *
 * The kernel has chosen, and no other CPU runs.  Our own operations return there,
 * too, so nothing may come between two bytes.
 */
void __init port_set_returns(void)
{
	u8 jump[GRAFT_JUMP_BYTES] = { 0xe9 };
	s32 by = (long)x86_return_thunk - (long)port_thunk - sizeof(jump);
	unsigned long flags;

	if (!boot_cpu_has(X86_FEATURE_RETHUNK))
		return;
	memcpy(jump + 1, &by, sizeof(by));
	local_irq_save(flags);
	memcpy(port_thunk, jump, sizeof(jump));
	local_irq_restore(flags);
}

extern char xstate_part[] asm("fpu__init_cpu_xstate.part.0");
static const u8 nop[] = { 0x0f, 0x1f, 0x00 };

GRAFT_DETOUR(GRAFT_BYTES, xstate_part, 0x64, nop, sizeof(nop), 0x0f, 0x01,
	     0xd1);
#endif

/*
 * Which segment is it that an instruction of user mode has named, for the kernel
 * to imitate it?  What the CPU has is the host's, and SGDT not ours to use; the
 * kernel has the same descriptors, those of a thread in the thread.
 */
static bool find_desc(struct desc_struct *ret_desc, unsigned short selector)
{
	struct mm_struct *mm = current->active_mm;
	unsigned int index = selector >> 3;
	const struct desc_struct *from = NULL;

	if ((selector & SEGMENT_TI_MASK) != SEGMENT_LDT) {
		if (index - GDT_ENTRY_TLS_MIN < GDT_ENTRY_TLS_ENTRIES)
			from = &current->thread
					.tls_array[index - GDT_ENTRY_TLS_MIN];
		else if (index < GDT_ENTRIES)
			from = &get_cpu_gdt_rw(raw_smp_processor_id())[index];
		if (from)
			*ret_desc = *from;
		return from;
	}
	mutex_lock(&mm->context.lock);
	if (mm->context.ldt && index < mm->context.ldt->nr_entries)
		from = &mm->context.ldt->entries[index];
	if (from)
		*ret_desc = *from;
	mutex_unlock(&mm->context.lock);
	return from;
}

GRAFT_CHECK_FUNCTION(bool, get_desc, struct desc_struct *, short unsigned int);
GRAFT_DETOUR(GRAFT_JUMP, get_desc, 5, find_desc, 5, GET_DESC);

/* cmpxchg16b %gs:(%rsi); sete %al; ret; for what begins pushfq; cli */
static const u8 cmpxchg16b[] = { 0x65, 0x48, 0x0f, 0xc7, 0x0e,
				 0x0f, 0x94, 0xc0, 0xc3 };

/* Where an indirect branch may end, an instruction says so. */
#define ENDBR_BYTES (IS_ENABLED(CONFIG_X86_KERNEL_IBT) ? 4 : 0)

GRAFT_DETOUR(GRAFT_BYTES, this_cpu_cmpxchg16b_emu, ENDBR_BYTES, cmpxchg16b,
	     sizeof(cmpxchg16b), 0x9c, 0xfa);

extern int noreplace_smp; /* the kernel's own, by the word of that name */

/*
 * port_patch_kernel - before the kernel goes through its alternatives
 *
 * With one CPU it would take out every lock prefix, each by two changes of the
 * address space: 10,000 calls of the host to save nothing.
 *
 * mov %rdi,%rax is what stands for a translation where there is none; where the
 * kernel would have it only if it is not on Xen's kind of machine, it has it.
 */
void __init port_patch_kernel(void)
{
	static const u8 same[] __initconst = { 0x48, 0x89, 0xf8 };
	struct alt_instr *alt;

	noreplace_smp = 1;
	for (alt = __alt_instructions; alt < __alt_instructions_end; alt++) {
		const u8 *by = (u8 *)&alt->repl_offset + alt->repl_offset;

		if (alt->alt_feature != ALT_NOT(X86_FEATURE_XENPV) ||
		    alt->replacementlen != sizeof(same) ||
		    memcmp(by, same, sizeof(same)))
			continue;
		alt->alt_feature = X86_FEATURE_ALWAYS;
	}
}

/* port_protect - the kernel's text is no longer writable, and nor is ours */
void __init port_protect(void)
{
	const unsigned long start = (unsigned long)graft_start,
			    text_end = (unsigned long)graft_text_end,
			    rodata_end = (unsigned long)graft_rodata_end,
			    end = round_up((unsigned long)graft_end, PMD_SIZE);

	set_memory_nx(text_end, (end - text_end) >> PAGE_SHIFT);
	set_memory_ro(start, (rodata_end - start) >> PAGE_SHIFT);
}
