// SPDX-License-Identifier: GPL-2.0-only
/*
 * traps.c - exceptions of the kernel's, and of processes
 */
#include "test.h"

static void fixups(void)
{
	u64 value = 0;

	is((u64)try_read((void *)0x1000, &value), (u64)-EFAULT,
	   "fixup: the kernel survives a page fault it was ready for");
	is(pv_ops.read_cr2(), 0x1000, "lguest_read_cr2: and knows where");
	is((u64)try_read(kernel_start, &value), 0,
	   "fixup: what is there can be read");
	is((u64)try_read((void *)0x8000000000000000, &value), (u64)-EFAULT,
	   "fixup: and an address that can be none");
	is(save_fl() & RFLAGS_IF, RFLAGS_IF,
	   "lguest_iret: interrupts are still on after that");
	irq_disable();
	try_read((void *)0x2000, &value);
	is(save_fl() & RFLAGS_IF, 0, "lguest_iret: or off, if they were");
	irq_enable();
}

static void processes(void)
{
	runs("faults", "ud2", KILLED(TRAP_UD), "trap: ud2 ends a process");
	runs("faults", "div", KILLED(TRAP_DE), "trap: a division by 0 does");
	runs("faults", "int3", KILLED(TRAP_BP),
	     "lguest_write_idt_entry: int3 is allowed");
	runs("faults", "int80", KILLED(TRAP_GP),
	     "lguest_write_idt_entry: int 80 is not");
	runs("faults", "int32", KILLED(TRAP_GP),
	     "lguest_write_idt_entry: nor is calling an interrupt's gate");
	runs("faults", "hlt", KILLED(TRAP_GP),
	     "trap: hlt is not for user mode");
	runs("faults", "cli", KILLED(TRAP_GP), "trap: nor is cli");
	runs("faults", "in", KILLED(TRAP_GP), "trap: nor is in");
	runs("faults", "rdmsr", KILLED(TRAP_GP), "trap: nor is rdmsr");
	runs("faults", "cr3", KILLED(TRAP_GP), "trap: nor is cr3");
	runs("faults", "kernel-segment", KILLED(TRAP_GP),
	     "lguest_load_gdt: a segment of the kernel's is refused");
	runs("faults", "gdt-end", KILLED(TRAP_GP),
	     "lguest_load_gdt: and what is past the end of the table");
	runs("faults", "no-tls", KILLED(TRAP_GP),
	     "lguest_write_gdt_entry: and one that was never written");
	runs("faults", "ldt", KILLED(TRAP_GP), "lguest_set_ldt: there is none");
	runs("faults", "wild", KILLED(TRAP_GP),
	     "trap: an address that can be none");
	runs("faults", "null", KILLED(TRAP_PF), "trap: NULL is not mapped");
	runs("faults", "kernel-read", KILLED(TRAP_PF),
	     "trap: the kernel is not readable");
	runs("faults", "kernel-write", KILLED(TRAP_PF), "trap: nor writable");
	runs("faults", "kernel-jump", KILLED(TRAP_PF),
	     "trap: nor can it be called");
	runs("faults", "text", KILLED(TRAP_PF),
	     "trap: a program's text is not writable");
	runs("faults", "nx", KILLED(TRAP_PF),
	     "trap: its stack is not executable");
	runs("faults", "deep", KILLED(TRAP_PF), "trap: and comes to an end");
}

static void after_all_that(void)
{
	u64 before = page_free_count();

	runs("faults", "ok", 0, "trap: others live on");
	runs("faults", "null", KILLED(TRAP_PF), "trap: and more can die");
	is(page_free_count(), before, "trap: which loses no memory");
}

void init_thread(void)
{
	fixups();
	processes();
	after_all_that();
	done_testing();
}
