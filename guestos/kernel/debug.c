// SPDX-License-Identifier: GPL-2.0-only
/*
 * debug.c - breakpoints and watchpoints
 *
 * The processor has four, for whoever runs.  A process brings its own with it;
 * the kernel's are in force while no process has any.  A hit is counted, and
 * the program goes on.  (lguest_set_debugreg, of which the seed says that it
 * would not do debugging under a guest.)
 *
 * Next: guestos/kernel/proc.c
 */
#include "kernel.h"

#define DR6_HITS          0xf
#define DR7_ON(n)         (2ULL << (2 * (n))) /* across tasks */
#define DR7_TYPE(n, type) ((u64)(type) << (16 + 4 * (n)))

struct debug_state kernel_debug;

static void load(const struct debug_state *state)
{
	u32 i;

	pv_ops.set_debugreg(7, 0);
	if (!state->dr7)
		return;
	for (i = 0; i < DEBUGREGS; i++)
		pv_ops.set_debugreg(i, state->addr[i]);
	pv_ops.set_debugreg(7, state->dr7);
}

/* debug_set - breakpoint number of a state that is loaded now */
int debug_set(struct debug_state *state, u32 number, u64 addr, u32 type)
{
	if (number >= DEBUGREGS)
		return -EINVAL;
	state->addr[number] = addr;
	state->dr7 &= ~(DR7_ON(number) | DR7_TYPE(number, 15));
	if (type != DEBUG_OFF)
		state->dr7 |= DR7_ON(number) | DR7_TYPE(number, type);
	load(state);
	return 0;
}

/* debug_switch - to the breakpoints of another process */
void debug_switch(const struct proc *from, const struct proc *to)
{
	const struct debug_state *old =
		from->root ? &from->debug : &kernel_debug;
	const struct debug_state *new = to->root ? &to->debug : &kernel_debug;

	if (old != new && (old->dr7 || new->dr7))
		load(new);
}

/* debug_trap - a #DB; returns whether one of ours was hit */
int debug_trap(struct regs *regs)
{
	struct proc *proc = current();
	struct debug_state *state = proc->root ? &proc->debug : &kernel_debug;
	u64 dr6 = pv_ops.get_debugreg(6);
	u32 i;

	pv_ops.set_debugreg(6, 0);
	if (!(dr6 & DR6_HITS))
		return 0;
	for (i = 0; i < DEBUGREGS; i++) {
		/* A breakpoint comes before its instruction: once is enough. */
		if (dr6 >> i & 1 && !(state->dr7 >> (16 + 4 * i) & 3))
			regs->rflags |= RFLAGS_RF;
	}
	state->hits++;
	state->last_rip = regs->rip;
	return 1;
}
