/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * abi.h - the system calls of this kernel
 *
 * SYSCALL with the number in RAX and arguments in RDI RSI RDX; the answer is in
 * RAX, an error if it is negative.  RCX and R11 are lost.
 */
#ifndef ABI_H
#define ABI_H

#define SYS_EXIT       0 /* (status) */
#define SYS_WRITE      1 /* (text, bytes) to the console */
#define SYS_GETPID     2 /* () */
#define SYS_YIELD      3 /* () */
#define SYS_FORK       4 /* () 0 in the child */
#define SYS_WAIT       5 /* (&status) a child's pid */
#define SYS_EXEC       6 /* (name, argument) */
#define SYS_SLEEP      7 /* (ns) */
#define SYS_MMAP       8 /* (bytes, MEM_*) where it is */
#define SYS_MUNMAP     9 /* (addr, bytes) */
#define SYS_MPROTECT   10 /* (addr, bytes, MEM_*) */
#define SYS_PIPE       11 /* () a new one, shared with children */
#define SYS_PIPE_WRITE 12 /* (addr, bytes) */
#define SYS_PIPE_READ  13 /* (addr, bytes) */
#define SYS_TLS        14 /* (FS base) */
#define SYS_WATCH      15 /* (number, addr, type as DR7 has it) */
#define SYS_WATCHED    16 /* () how often one was hit */
#define SYS_CLOCK      17 /* () ns since boot */
#define SYS_CPU        18 /* () which CPU we are on */
#define SYS_TLS_SLOT   19 /* (slot, base) the selector of that segment */
#define SYS_READ       20 /* (addr, bytes) of console input, at least one */
#define SYS_SHUTDOWN   21 /* (SHUTDOWN_*) does not return */
#define SYS_PROC       22 /* (index, &struct proc_info) -ENOENT: no more */
#define SYS_MEMORY     23 /* () bytes that are free */
#define SYS_RANDOM     24 /* (addr, bytes) how many; 0: there is no such device */
#define SYS_DISK       25 /* (&struct disk_request) its answer; sleeps */
#define SYS_NETWORK    26 /* (&struct network_info) -ENOENT: there is no card */
#define SYS_BALLOON    27 /* () bytes that the host has; -ENOENT */
#define SYS_COUNT      28

#define SHUTDOWN_OFF     0
#define SHUTDOWN_RESTART 1
#define SHUTDOWN_CRASH   2

#ifndef __ASSEMBLY__

/* SYS_PROC: one of the processes and kernel threads that there are. */
struct proc_info {
	unsigned int pid;
	unsigned int cpu; /* where it ran last */
	char state; /* R runs or would, S sleeps, Z has ended */
	char name[15];
};

/* SYS_DISK: DISK_SIZE answers bytes, DISK_READ and _WRITE those they did. */
struct disk_request {
	unsigned long long disk, op, sector, addr, bytes;
};

#define DISK_SIZE    0
#define DISK_READ    1
#define DISK_WRITE   2
#define DISK_FLUSH   3
#define DISK_DISCARD 4

/* SYS_NETWORK: addresses as they are on the wire; 0: not known yet. */
struct network_info {
	unsigned int address, router;
	unsigned int router_answers; /* a ping */
};

#endif /* !__ASSEMBLY__ */

#define MEM_WRITE  1
#define MEM_EXEC   2
#define MEM_SHARED 4 /* one page for parent and children */

#endif /* ABI_H */
