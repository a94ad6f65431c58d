// SPDX-License-Identifier: GPL-2.0-only
/*
 * tls.c - where a process's FS and GS lead
 *
 * A base of 64 bits, or the base of a segment: a process has a few descriptors
 * of its own in the table of segments, and a selector that names one.  Loading
 * a selector loads its base, so the selector comes first, and the base that was
 * in force after it.
 *
 * Next: guestos/kernel/exec.c
 */
#include "kernel.h"

/* A data segment of privilege 3, 4 GiB, writable; the base is missing. */
#define TLS_DESCRIPTOR 0x00cff3000000ffff

/* tls_store - what the CPU has now is the process's */
void tls_store(struct proc *proc)
{
	asm volatile("mov %%fs, %0" : "=rm"(proc->fs));
	proc->fs_base = pv_ops.store_fs_base();
	proc->gs_base = pv_ops.store_user_gs();
}

/* tls_load - after load_tls(), whose descriptors the selector may need */
void tls_load(const struct proc *proc)
{
	load_fs(proc->fs);
	pv_ops.load_fs_base(proc->fs_base);
	pv_ops.load_user_gs(proc->gs_base);
}

/* tls_set_slot - of the current process; returns the selector */
long tls_set_slot(struct proc *proc, u64 slot, u64 base)
{
	if (slot >= TLS_SLOTS || base >> 32)
		return -EINVAL;
	proc->tls[slot] = TLS_DESCRIPTOR | (base & 0xffffff) << 16 |
			  (base >> 24 & 0xff) << 56;
	pv_ops.load_tls(proc->tls);
	return (long)((TLS_FIRST + slot) * 8 + 3);
}
