/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.h - what the files of the kernel share
 *
 * The kernel lives in the high half of every address space: its image in the
 * last 2 GiB, all of RAM once more at DIRECT_BASE.  Processes live in the low
 * half.  Prototypes are grouped by file, in reading order.
 *
 * A function that may sleep says so.  Kernel code is never preempted, so the
 * CPU it runs on stays the same until it sleeps.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include "machine.h"

#ifndef __ASSEMBLY__

#define NS_PER_S  1000000000ULL
#define NS_PER_MS 1000000ULL

#define PTE_COW    (1ULL << 9) /* ours: writable once it is copied */
#define PTE_SHARED (1ULL << 10) /* ours: stays one page across fork */

#define barrier() asm volatile("" : : : "memory")

/* Errors, as system calls return them, negated. */
#define ENOENT 2
#define EIO    5
#define ECHILD 10
#define EAGAIN 11
#define ENOMEM 12
#define EFAULT 14
#define EINVAL 22
#define EPIPE  32
#define ENOSYS 38

struct pv_insns;

struct spinlock {
	u32 taken;
	u32 irqs_were_on; /* before spin_lock() turned them off */
};

enum proc_state {
	PROC_FREE,
	PROC_NEW,
	PROC_READY,
	PROC_RUNNING,
	PROC_ASLEEP,
	PROC_ZOMBIE
};

#define DEBUGREGS 4

struct debug_state {
	u64 addr[DEBUGREGS];
	u64 dr7;
	u64 hits;
	u64 last_rip;
};

/* A process or, if it has no address space of its own, a kernel thread. */
struct proc {
	enum proc_state state; /* sched_lock */
	u32 pid;
	u32 cpu; /* where it ran last */
	u32 only_cpu; /* 1 + the only CPU it may run on; 0: any */
	const void *waits_for; /* sched_lock */
	u64 wake_ns; /* sched_lock; 0: no alarm */
	int status; /* what it exited with */
	struct proc *parent;
	u64 root; /* physical address of its page table */
	u32 warm_cpu; /* 1 + the CPU that root was loaded on last; 0: none */
	u64 rsp; /* where switch_to() left its kernel stack */
	u8 *stack; /* STACK_BYTES of kernel stack */
	void *fpu;
	u64 fs_base, gs_base;
	u64 tls[TLS_SLOTS]; /* descriptors */
	u16 fs; /* selector */
	u64 brk; /* where the next mmap goes */
	void (*thread)(u64 arg);
	u64 arg;
	struct pipe *pipe;
	struct debug_state debug;
	char name[16];
	char arg_text[64];
};

static inline u64 pa(const volatile void *p)
{
	u64 addr = (u64)p;

	return addr >= KERNEL_BASE ? addr - KERNEL_BASE : addr - DIRECT_BASE;
}

static inline void *va(u64 pa)
{
	return (void *)(pa + DIRECT_BASE);
}

/* boot.S */
extern u64 boot_root[], kernel_root[];
extern u8 ap_start16[], ap_end16[];
extern u64 ap_stack, ap_percpu;
extern u8 gdt[];
extern char kernel_start[], text_end[], kernel_end[];
void kernel_main(u64 machine, u64 boot_info) noreturn;
void ap_main(void) noreturn;

/* main.c */
extern u32 cpus_online;
void init_thread(void);
void boot_mark(const char *what);

/* cmdline.c */
void cmdline_set(const char *text);
const char *cmdline_word(const char *key);
u64 cmdline_number(const char *key, u64 otherwise);

/* console.c */
void printk(const char *fmt, ...) printf_like(1, 2);
void console_write(const char *text, size_t len);
void console_use(void (*write)(const char *text, size_t len));

/* input.c */
void input_init(void);
void input_use(int (*get)(void));
void input_came(void);
long input_read(char *to, size_t bytes);

/* button.c */
void button_init(void);

/* patch.c */
u32 patch_all(void);
u32 patch_default(u32 type, void *buf, u32 len);
u32 patch_copy(u32 type, const struct pv_insns *insns, void *buf, u32 len);
void patch_fill(u8 *from, u32 bytes);

/* page.c */
void page_init(u64 ram_end);
void *page_alloc(void);
void *page_alloc_dirty(void);
void page_get(u64 pa);
void page_put(u64 pa);
u32 page_refs(u64 pa);
u64 page_free_count(void);
extern u64 ram_end;

/* pgtable.c */
void pgtable_boot(void);
void pt_load(struct proc *proc);
u64 pt_create(void);
void pt_destroy(u64 root);
u64 *pt_entry(u64 root, u64 addr, int make);
void pt_set(u64 *entry, u64 value, u64 addr);
u64 pt_clone(u64 from);
int kernel_map(u64 addr, u64 pa, u64 bits);
void kernel_unmap(u64 addr);

/* vm.c */
int vm_map(struct proc *proc, u64 addr, u64 bytes, u64 bits);
int vm_unmap(struct proc *proc, u64 addr, u64 bytes);
int vm_protect(struct proc *proc, u64 addr, u64 bytes, u64 bits);
int vm_fault(struct proc *proc, u64 addr, u64 error);

/* uaccess.c */
int copy_from_user(void *to, u64 from, size_t bytes);
int copy_to_user(u64 to, const void *from, size_t bytes);
int copy_string(char *to, u64 from, size_t bytes);
int try_read(const void *from, u64 *ret_value);
int try_write(void *to, u64 value);
void load_fs(u16 selector);
int try_rdmsr(u32 msr, u64 *ret_value);

/* entry.S */
extern u8 trap_stubs[]; /* one every 16 bytes */
extern u8 syscall_entry[], trap_return[], thread_entry[];
void switch_stack(u64 *save_rsp, u64 load_rsp);

/* trap.c */
void trap_init(void);
void trap(struct regs *regs);
int fixup(struct regs *regs);

/* irq.c */
void irq_init(void);
void irq_set_handler(u32 vector, void (*handler)(struct regs *regs));
void irq_unblock(u32 vector);
int irq_handle(struct regs *regs);
extern u64 irq_counts[VECTORS];

/* nmi.c */
typedef void (*nmi_fn)(struct regs *regs);
void nmi_set_handler(nmi_fn fn);
void nmi_send(u32 cpu);
void nmi(struct regs *regs);

/* lock.c */
void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);

/* time.c */
struct clock {
	const char *name;
	u32 rating; /* the highest one is used */
	u64 (*read)(void); /* nanoseconds, from any beginning */
};

void clock_register(const struct clock *clock);
extern const struct clock *best_clock;
extern u64 early_ticks;
u64 sched_clock(void);
void time_start(void);
u64 clock_ns(void);
u64 wallclock_s(void);
void timer_arm(u64 when_ns);
u64 cycles_to_ns(u64 cycles, u64 khz);
void udelay(u64 us);

/* fpu.c */
void fpu_init(void);
void *fpu_new(const void *from);
void fpu_save(void *state);
void fpu_load(const void *state);

/* debug.c */
int debug_set(struct debug_state *state, u32 number, u64 addr, u32 type);
void debug_switch(const struct proc *from, const struct proc *to);
int debug_trap(struct regs *regs);
extern struct debug_state kernel_debug;

/* Types of breakpoint, as DR7 has them. */
#define DEBUG_EXEC  0x0
#define DEBUG_WRITE 0xd /* four bytes */
#define DEBUG_OFF   0x100

/* sched.c */
extern struct spinlock sched_lock;
extern struct proc procs[];
#define MAX_PROCS 64
void sched_init(void);
void schedule(void);
void sched_leave(void) noreturn;
void sched_finish_switch(void);
void sleep_on_locked(const void *what);
void sleep_on_for_locked(const void *what, u64 ns);
void wake_up(const void *what);
void wake_up_locked(const void *what);
void sleep_ns(u64 ns);
void sched_tick(u64 now_ns);
u64 sched_next_alarm(void);
void sched_make_ready(struct proc *proc);
void idle_loop(void) noreturn;

/* proc.c */
void proc_free(struct proc *proc);
struct proc *proc_new(const char *name);
int thread_create(const char *name, void (*run)(u64 arg), u64 arg, u32 cpu);
void proc_launch(struct proc *proc, const struct regs *regs);
int proc_fork(struct regs *regs);
int proc_wait(int *ret_status);
int proc_wait_for(int pid);
void proc_exit(int status) noreturn;

/* exec.c */
int proc_exec(struct proc *proc, const char *name, const char *arg,
	      struct regs *regs);
int proc_start(const char *name, const char *arg);

/* tls.c */
void tls_store(struct proc *proc);
void tls_load(const struct proc *proc);
long tls_set_slot(struct proc *proc, u64 slot, u64 base);

/* pipe.c */
struct pipe *pipe_new(void);
void pipe_share(struct pipe *pipe);
void pipe_close(struct pipe *pipe);
long pipe_write(struct pipe *pipe, u64 addr, u64 bytes);
long pipe_read(struct pipe *pipe, u64 addr, u64 bytes);

/* syscall.c */
void syscall(struct regs *regs);

/* smp.c */
extern struct percpu percpus[MAX_CPUS];
void smp_init(void);
void smp_call(void (*call)(void *arg), void *arg);
void smp_kick(u32 cpu);
void tlb_flush_kernel_everywhere(void);

/* probe.c */
extern u32 probe_count;
void probe_disks(void);

/* panic.c */
void panic_notify(void (*call)(const char *reason));
void power_off(void) noreturn;
void restart(void) noreturn;
void show_regs(const struct regs *regs);
void panic_regs(const struct regs *regs, const char *what) noreturn;

#include "pv_ops.h"

#endif /* !__ASSEMBLY__ */
#endif /* KERNEL_H */
