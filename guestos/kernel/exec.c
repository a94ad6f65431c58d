// SPDX-License-Identifier: GPL-2.0-only
/*
 * exec.c - a program becomes a process
 *
 * There is no file system: programs are ELF files that were linked into the
 * kernel's image, in a table of names.  A program starts with RDI at the text
 * of its argument, on a stack that ends at STACK_TOP.
 *
 * The new address space is complete before the old one goes, so that exec can
 * fail and the caller live on.
 *
 * Next: guestos/kernel/pipe.c
 */
#include "kernel.h"

#define USER_STACK_TOP   0x7ffffffff000
#define USER_STACK_BYTES 0x8000
#define ARG_BYTES        64
#define MMAP_START       0x100000000

#define PT_LOAD 1
#define PF_X    1
#define PF_W    2

struct elf_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_segment {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};

struct program {
	const char *name;
	const u8 *image, *end;
};

extern const struct program programs_start[], programs_end[];

static const struct program *find(const char *name)
{
	const struct program *p;

	for (p = programs_start; p < programs_end; p++) {
		if (strlen(p->name) == strlen(name) &&
		    !memcmp(p->name, name, strlen(name)))
			return p;
	}
	return NULL;
}

/* Copy to another address space, page by page, at its direct address. */
static int poke(u64 root, u64 addr, const void *from, u64 bytes)
{
	u64 *entry, n;

	for (; bytes; bytes -= n, addr += n, from = (const u8 *)from + n) {
		entry = pt_entry(root, addr, 0);
		if (!entry || !(*entry & PTE_P))
			return -EFAULT;
		n = PAGE_BYTES - addr % PAGE_BYTES;
		n = n < bytes ? n : bytes;
		memcpy((u8 *)va(*entry & PTE_ADDR) + addr % PAGE_BYTES, from,
		       n);
	}
	return 0;
}

static int load_segment(struct proc *proc, const struct program *program,
			const struct elf_segment *segment)
{
	u64 start = segment->vaddr & ~(PAGE_BYTES - 1);
	u64 end = (segment->vaddr + segment->memsz + PAGE_BYTES - 1) &
		  ~(PAGE_BYTES - 1);
	u64 bits = (segment->flags & PF_W ? PTE_W : 0) |
		   (segment->flags & PF_X ? 0 : PTE_NX);
	int error;

	if (segment->offset + segment->filesz >
		    (u64)(program->end - program->image) ||
	    segment->filesz > segment->memsz)
		return -EINVAL;
	error = vm_map(proc, start, end - start, bits);
	if (error < 0)
		return error;
	return poke(proc->root, segment->vaddr,
		    program->image + segment->offset, segment->filesz);
}

/* Everything into proc->root, which is new; and where to start. */
static int load(struct proc *proc, const struct program *program,
		const char *arg, struct regs *ret_regs)
{
	const struct elf_header *header = (const void *)program->image;
	const struct elf_segment *segment =
		(const void *)(program->image + header->phoff);
	u64 arg_at = USER_STACK_TOP - ARG_BYTES;
	int i, error;

	for (i = 0; i < header->phnum; i++) {
		if (segment[i].type != PT_LOAD || !segment[i].memsz)
			continue;
		error = load_segment(proc, program, &segment[i]);
		if (error < 0)
			return error;
	}
	error = vm_map(proc, USER_STACK_TOP - USER_STACK_BYTES,
		       USER_STACK_BYTES, PTE_W | PTE_NX);
	if (error < 0)
		return error;
	memset(ret_regs, 0, sizeof(*ret_regs));
	ret_regs->rip = header->entry;
	ret_regs->cs = USER_CS;
	ret_regs->ss = USER_DS;
	ret_regs->rflags = RFLAGS_IF | RFLAGS_FIXED;
	ret_regs->rsp = arg_at;
	ret_regs->rdi = arg_at;
	ret_regs->vector = VEC_SYSCALL;
	return poke(proc->root, arg_at, arg, strlen(arg) + 1);
}

static void set_name(struct proc *proc, const char *name)
{
	size_t i;

	for (i = 0; name[i] && i + 1 < sizeof(proc->name); i++)
		proc->name[i] = name[i];
	proc->name[i] = '\0';
}

/*
 * proc_exec - the process goes on as another program
 *
 * regs: where its registers are to go.  proc may be one that never ran.  On
 * failure it is as it was.
 */
int proc_exec(struct proc *proc, const char *name, const char *arg,
	      struct regs *regs)
{
	const struct program *program = find(name);
	u64 old = proc->root;
	struct regs start;
	int error;

	if (!program)
		return -ENOENT;
	if (strlen(arg) >= ARG_BYTES)
		return -EINVAL;
	proc->root = pt_create();
	error = proc->root ? load(proc, program, arg, &start) : -ENOMEM;
	if (error < 0) {
		if (proc->root)
			pt_destroy(proc->root);
		proc->root = old;
		return error;
	}
	*regs = start;
	proc->warm_cpu = 0; /* nobody knows this root */
	proc->brk = MMAP_START;
	set_name(proc, name);
	if (old) {
		memset(&proc->debug, 0, sizeof(proc->debug));
		pv_ops.set_debugreg(7, 0);
		pt_load(proc);
		memset(proc->tls, 0, sizeof(proc->tls));
		proc->fs = 0;
		proc->fs_base = proc->gs_base = 0;
		pv_ops.load_tls(proc->tls);
		tls_load(proc);
		pt_destroy(old);
	}
	return 0;
}

/* proc_start - a child of ours that runs this program; its pid */
int proc_start(const char *name, const char *arg)
{
	struct proc *proc = proc_new(name);
	struct regs regs;
	int error;
	u32 pid;

	if (!proc)
		return -EAGAIN;
	pid = proc->pid;
	proc->fpu = fpu_new(NULL);
	error = proc->fpu ? proc_exec(proc, name, arg, &regs) : -ENOMEM;
	if (error < 0) {
		spin_lock(&sched_lock);
		proc_free(proc);
		spin_unlock(&sched_lock);
		return error;
	}
	proc->parent = current();
	proc_launch(proc, &regs);
	return (int)pid;
}
