// SPDX-License-Identifier: GPL-2.0-only
/*
 * proc.c - processes: born, copied, ended and mourned
 *
 * A process that has ended keeps its row of the table and its stack until its
 * parent has asked for its status; one without a parent is freed by whoever
 * runs next on its CPU, because nobody can free the stack he stands on.
 *
 * Next: guestos/kernel/tls.c
 */
#include "kernel.h"

static u32 last_pid; /* sched_lock */

static void set_name(struct proc *proc, const char *name)
{
	size_t i;

	for (i = 0; name[i] && i + 1 < sizeof(proc->name); i++)
		proc->name[i] = name[i];
	proc->name[i] = '\0';
}

/* Two pages that follow each other: the table of stacks is fixed. */
static u8 stacks[MAX_PROCS][STACK_BYTES] __attribute__((aligned(4096)));

/* proc_new - a row of the table with a stack; NULL: none is left */
struct proc *proc_new(const char *name)
{
	struct proc *proc = NULL;
	u32 i;

	spin_lock(&sched_lock);
	for (i = 0; i < MAX_PROCS && !proc; i++) {
		if (procs[i].state == PROC_FREE)
			proc = &procs[i];
	}
	if (proc) {
		memset(proc, 0, sizeof(*proc));
		proc->state = PROC_NEW;
		proc->pid = last_pid++;
		proc->stack = stacks[proc - procs];
		set_name(proc, name);
	}
	spin_unlock(&sched_lock);
	return proc;
}

/* proc_free - the row may be used again; under sched_lock */
void proc_free(struct proc *proc)
{
	if (proc->fpu)
		page_put(pa(proc->fpu));
	proc->state = PROC_FREE;
}

/* What switch_stack() finds when the process runs for the first time. */
static void first_frame(struct proc *proc, u64 *top, void (*run)(u64), u64 arg)
{
	u64 *frame = top - 7;

	memset(frame, 0, 7 * sizeof(*frame));
	frame[3] = arg; /* R12 */
	frame[5] = (u64)run; /* RBX */
	frame[6] = (u64)thread_entry;
	proc->rsp = (u64)frame;
}

static void make_ready(struct proc *proc)
{
	spin_lock(&sched_lock);
	sched_make_ready(proc);
	spin_unlock(&sched_lock);
}

static void run_thread(u64 arg)
{
	struct proc *proc = current();

	irq_enable();
	proc->thread(arg);
}

/* thread_create - a kernel thread; cpu: 1 + its only one, or 0.  Its pid */
int thread_create(const char *name, void (*run)(u64 arg), u64 arg, u32 cpu)
{
	struct proc *proc = proc_new(name);

	if (!proc)
		return -EAGAIN;
	proc->thread = run;
	proc->only_cpu = cpu;
	proc->parent = current() == this_cpu()->idle ? NULL : current();
	/* Sixteen bytes for the ABI's sake: a function expects RSP that way. */
	first_frame(proc, (u64 *)(proc->stack + STACK_BYTES - 16), run_thread,
		    arg);
	make_ready(proc);
	return (int)proc->pid;
}

/* proc_launch - a new process goes to user mode with these registers */
void proc_launch(struct proc *proc, const struct regs *regs)
{
	struct regs *at =
		(struct regs *)(proc->stack + STACK_BYTES - sizeof(*at));

	*at = *regs;
	first_frame(proc, (u64 *)at, NULL, 0);
	make_ready(proc);
}

/* proc_fork - a child with the same memory and registers, but RAX 0 */
int proc_fork(struct regs *regs)
{
	struct proc *parent = current();
	struct proc *child = proc_new(parent->name);
	struct regs child_regs = *regs;
	u32 pid;

	if (!child)
		return -EAGAIN;
	pid = child->pid;
	fpu_save(parent->fpu);
	child->fpu = fpu_new(parent->fpu);
	child->root = child->fpu ? pt_clone(parent->root) : 0;
	if (!child->root) {
		spin_lock(&sched_lock);
		proc_free(child);
		spin_unlock(&sched_lock);
		return -ENOMEM;
	}
	child->parent = parent;
	child->brk = parent->brk;
	memcpy(child->tls, parent->tls, sizeof(child->tls));
	tls_store(child);
	child->pipe = parent->pipe;
	pipe_share(child->pipe);
	child_regs.rax = 0;
	proc_launch(child, &child_regs);
	return (int)pid;
}

/* proc_exit - the process's memory goes now, the rest when it is mourned */
void proc_exit(int status)
{
	struct proc *proc = current();
	u64 root = proc->root;
	u32 i;

	if (root) {
		if (proc->debug.dr7)
			pv_ops.set_debugreg(7, 0);
		proc->debug.dr7 = 0;
		proc->root = 0;
		pt_load(proc); /* which has none now */
		pt_destroy(root);
	}
	pipe_close(proc->pipe);
	spin_lock(&sched_lock);
	for (i = 0; i < MAX_PROCS; i++) {
		if (procs[i].parent == proc && procs[i].state == PROC_ZOMBIE)
			proc_free(&procs[i]);
		if (procs[i].parent == proc)
			procs[i].parent = NULL;
	}
	proc->status = status;
	proc->state = PROC_ZOMBIE;
	if (proc->parent)
		wake_up_locked(proc->parent);
	sched_leave();
}

/* A child that has ended, or -ECHILD, or 0: there are some, still alive. */
static int mourn(int pid, int *ret_status)
{
	struct proc *proc = current();
	int found = -ECHILD;
	u32 i;

	for (i = 0; i < MAX_PROCS; i++) {
		if (procs[i].state == PROC_FREE || procs[i].parent != proc ||
		    (pid && procs[i].pid != (u32)pid))
			continue;
		found = 0;
		if (procs[i].state != PROC_ZOMBIE)
			continue;
		*ret_status = procs[i].status;
		found = (int)procs[i].pid;
		proc_free(&procs[i]);
		break;
	}
	return found;
}

static int wait_for(int pid, int *ret_status)
{
	int found;

	spin_lock(&sched_lock);
	for (;;) {
		found = mourn(pid, ret_status);
		if (found)
			break;
		sleep_on_locked(current());
	}
	spin_unlock(&sched_lock);
	return found;
}

/* proc_wait - sleeps until a child has ended; its pid, or -ECHILD */
int proc_wait(int *ret_status)
{
	return wait_for(0, ret_status);
}

/* proc_wait_for - the status of one child, or -ECHILD */
int proc_wait_for(int pid)
{
	int status = 0, error = wait_for(pid, &status);

	return error < 0 ? error : status;
}
