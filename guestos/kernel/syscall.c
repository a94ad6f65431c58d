// SPDX-License-Identifier: GPL-2.0-only
/*
 * syscall.c - what a process may ask
 *
 * One function per call, in a table by number.  Nothing a process passes is
 * believed: addresses go through uaccess.c, ranges through vm.c.
 *
 * Next: guestos/kernel/smp.c
 */
#include "abi.h"
#include "virtio.h"

#define TEXT_MAX 256

typedef long (*syscall_fn)(struct regs *regs);

static u64 bits_of(u64 mem)
{
	return (mem & MEM_WRITE ? PTE_W : 0) | (mem & MEM_EXEC ? 0 : PTE_NX) |
	       (mem & MEM_SHARED ? PTE_SHARED : 0);
}

static long sys_exit(struct regs *regs)
{
	proc_exit((int)regs->rdi);
}

static long sys_write(struct regs *regs)
{
	char text[TEXT_MAX];
	u64 bytes = regs->rsi < TEXT_MAX ? regs->rsi : TEXT_MAX;

	if (copy_from_user(text, regs->rdi, bytes) < 0)
		return -EFAULT;
	console_write(text, bytes);
	return (long)bytes;
}

static long sys_getpid(struct regs *regs)
{
	(void)regs;
	return current()->pid;
}

static long sys_yield(struct regs *regs)
{
	(void)regs;
	schedule();
	return 0;
}

static long sys_fork(struct regs *regs)
{
	return proc_fork(regs);
}

static long sys_wait(struct regs *regs)
{
	int status, pid = proc_wait(&status);

	if (pid > 0 && regs->rdi &&
	    copy_to_user(regs->rdi, &status, sizeof(status)) < 0)
		return -EFAULT;
	return pid;
}

static long sys_exec(struct regs *regs)
{
	char name[16], arg[64];

	if (copy_string(name, regs->rdi, sizeof(name)) < 0 ||
	    copy_string(arg, regs->rsi, sizeof(arg)) < 0)
		return -EFAULT;
	return proc_exec(current(), name, arg, regs);
}

static long sys_sleep(struct regs *regs)
{
	sleep_ns(regs->rdi);
	return 0;
}

static long sys_mmap(struct regs *regs)
{
	struct proc *proc = current();
	u64 addr = proc->brk;
	int error = vm_map(proc, addr, regs->rdi, bits_of(regs->rsi));

	if (error < 0)
		return error;
	proc->brk += regs->rdi;
	return (long)addr;
}

static long sys_munmap(struct regs *regs)
{
	return vm_unmap(current(), regs->rdi, regs->rsi);
}

static long sys_mprotect(struct regs *regs)
{
	return vm_protect(current(), regs->rdi, regs->rsi, bits_of(regs->rdx));
}

static long sys_pipe(struct regs *regs)
{
	struct proc *proc = current();

	(void)regs;
	if (proc->pipe)
		return -EINVAL;
	proc->pipe = pipe_new();
	return proc->pipe ? 0 : -ENOMEM;
}

static long sys_pipe_write(struct regs *regs)
{
	if (!current()->pipe)
		return -EINVAL;
	return pipe_write(current()->pipe, regs->rdi, regs->rsi);
}

static long sys_pipe_read(struct regs *regs)
{
	if (!current()->pipe)
		return -EINVAL;
	return pipe_read(current()->pipe, regs->rdi, regs->rsi);
}

static long sys_tls(struct regs *regs)
{
	if (regs->rdi >= USER_END)
		return -EINVAL;
	pv_ops.load_fs_base(regs->rdi);
	return 0;
}

static long sys_tls_slot(struct regs *regs)
{
	return tls_set_slot(current(), regs->rdi, regs->rsi);
}

static long sys_watch(struct regs *regs)
{
	if (regs->rsi >= USER_END || (regs->rdx > 15 && regs->rdx != DEBUG_OFF))
		return -EINVAL;
	return debug_set(&current()->debug, (u32)regs->rdi, regs->rsi,
			 (u32)regs->rdx);
}

static long sys_watched(struct regs *regs)
{
	(void)regs;
	return (long)current()->debug.hits;
}

static long sys_clock(struct regs *regs)
{
	(void)regs;
	return (long)clock_ns();
}

static long sys_cpu(struct regs *regs)
{
	(void)regs;
	return this_cpu()->id;
}

static long sys_read(struct regs *regs)
{
	char text[TEXT_MAX];
	u64 bytes = regs->rsi < TEXT_MAX ? regs->rsi : TEXT_MAX;
	long got = input_read(text, bytes);

	if (got > 0 && copy_to_user(regs->rdi, text, (size_t)got) < 0)
		return -EFAULT;
	return got;
}

static long sys_shutdown(struct regs *regs)
{
	switch (regs->rdi) {
	case SHUTDOWN_OFF:
		power_off();
	case SHUTDOWN_RESTART:
		restart();
	case SHUTDOWN_CRASH:
		panic("%s (%u): it asked for a crash", current()->name,
		      current()->pid);
	}
	return -EINVAL;
}

static long sys_proc(struct regs *regs)
{
	static const char states[] = {
		[PROC_NEW] = 'R',    [PROC_READY] = 'R',  [PROC_RUNNING] = 'R',
		[PROC_ASLEEP] = 'S', [PROC_ZOMBIE] = 'Z',
	};
	struct proc_info info = { 0 };
	u64 left = regs->rdi;
	u32 i;

	spin_lock(&sched_lock);
	for (i = 0; i < MAX_PROCS; i++) {
		if (procs[i].state != PROC_FREE && !left--)
			break;
	}
	if (i < MAX_PROCS) {
		info.pid = procs[i].pid;
		info.cpu = procs[i].cpu;
		info.state = states[procs[i].state];
		memcpy(info.name, procs[i].name, sizeof(info.name) - 1);
	}
	spin_unlock(&sched_lock);
	if (i == MAX_PROCS)
		return -ENOENT;
	return copy_to_user(regs->rsi, &info, sizeof(info));
}

static long sys_memory(struct regs *regs)
{
	(void)regs;
	return (long)(page_free_count() * PAGE_BYTES);
}

static long sys_random(struct regs *regs)
{
	u8 bytes[64];
	size_t want = regs->rsi < sizeof(bytes) ? regs->rsi : sizeof(bytes);
	long got = rng_read(bytes, want);

	if (got > 0 && copy_to_user(regs->rdi, bytes, (size_t)got) < 0)
		return -EFAULT;
	return got;
}

static long sys_disk(struct regs *regs)
{
	struct disk_request ask;

	if (copy_from_user(&ask, regs->rdi, sizeof(ask)) < 0)
		return -EFAULT;
	return blk_serve(&ask);
}

static long sys_network(struct regs *regs)
{
	struct network_info info = { 0 };

	if (net_info(&info) < 0)
		return -ENOENT;
	return copy_to_user(regs->rdi, &info, sizeof(info));
}

static long sys_balloon(struct regs *regs)
{
	(void)regs;
	return balloon_bytes();
}

static const syscall_fn table[SYS_COUNT] = {
	[SYS_EXIT] = sys_exit,
	[SYS_WRITE] = sys_write,
	[SYS_GETPID] = sys_getpid,
	[SYS_YIELD] = sys_yield,
	[SYS_FORK] = sys_fork,
	[SYS_WAIT] = sys_wait,
	[SYS_EXEC] = sys_exec,
	[SYS_SLEEP] = sys_sleep,
	[SYS_MMAP] = sys_mmap,
	[SYS_MUNMAP] = sys_munmap,
	[SYS_MPROTECT] = sys_mprotect,
	[SYS_PIPE] = sys_pipe,
	[SYS_PIPE_WRITE] = sys_pipe_write,
	[SYS_PIPE_READ] = sys_pipe_read,
	[SYS_TLS] = sys_tls,
	[SYS_WATCH] = sys_watch,
	[SYS_WATCHED] = sys_watched,
	[SYS_CLOCK] = sys_clock,
	[SYS_CPU] = sys_cpu,
	[SYS_TLS_SLOT] = sys_tls_slot,
	[SYS_READ] = sys_read,
	[SYS_SHUTDOWN] = sys_shutdown,
	[SYS_PROC] = sys_proc,
	[SYS_MEMORY] = sys_memory,
	[SYS_RANDOM] = sys_random,
	[SYS_DISK] = sys_disk,
	[SYS_NETWORK] = sys_network,
	[SYS_BALLOON] = sys_balloon,
};

/* syscall - trap.c calls, with interrupts on */
void syscall(struct regs *regs)
{
	u64 number = regs->rax;
	long result;

	if (number >= SYS_COUNT) {
		regs->rax = (u64)-ENOSYS;
		return;
	}
	result = table[number](regs);
	/* After exec the registers are another program's. */
	if (number != SYS_EXEC || result < 0)
		regs->rax = (u64)result;
}
