/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmm.h - the smallest user of /dev/lguest, for tests
 *
 * One struct vmm is a virtual machine with one vcpu, its RAM, and the page
 * tables it starts with:
 *
 *	struct vmm vmm;
 *
 *	if (vmm_create(&vmm, NULL) < 0 || vmm_load(&vmm, "hello.elf") < 0)
 *		bail_out("%s", vmm_why(&vmm));
 *	vmm.on_console = print_it;
 *	is(vmm_run(&vmm), LG_EXIT_SHUTDOWN, "the guest turns itself off");
 *	vmm_destroy(&vmm);
 *
 * A guest starts in kernel mode with its RAM mapped where it is: address and
 * physical address are the same from VMM_RAM_START to the end of RAM, all of it
 * writable and executable and not for user mode.  Page 0 is left out, so that
 * a NULL is a fault.  The tables are at the end of RAM.  Registers at entry:
 *
 *	RDI RSI		vmm.regs.rdi and .rsi, whatever the caller put there
 *	RDX		bytes of RAM
 *	RCX		physical address of the top-level page table
 *
 * A test must end even if its guest does not: vmm_run() gives up after a time
 * that no healthy guest needs.  Only the hung guest's test fails then.
 *
 * Every call that can fail returns -1 and leaves in vmm_why() one sentence
 * that names what was tried, on what, and why not.  A struct vmm belongs to one
 * thread at a time; different ones are independent.
 */
#ifndef VMM_H
#define VMM_H

#include <stddef.h>

#include <lguest/guest.h>
#include <lguest/ioctl.h>

#define VMM_RAM_BYTES   (16ULL << 20)
#define VMM_RAM_START   0x1000ULL
#define VMM_TABLE_BYTES (1ULL << 20) /* room for page tables, at the end */
#define VMM_LIMIT_MS    60000

/* Page table bits, as vmm_map() takes them. */
#define VMM_P     (1ULL << 0)
#define VMM_W     (1ULL << 1)
#define VMM_U     (1ULL << 2)
#define VMM_A     (1ULL << 5)
#define VMM_D     (1ULL << 6)
#define VMM_LARGE (1ULL << 7) /* a 2 MiB page, aligned so */
#define VMM_NX    (1ULL << 63)

/* What vmm_run() returns beside LG_EXIT_KILLED, _SHUTDOWN and _NOTIFY. */
#define VMM_ERROR       (-1) /* an ioctl failed as it should not have */
#define VMM_INTERRUPTED 0x100 /* vmm_run_once() only: a signal came */
#define VMM_TIMEOUT     0x101 /* no end after limit_ms */

/* A zero anywhere means the default. */
struct vmm_options {
	__u64 ram_bytes;
	__u64 but_features; /* LG_FEATURE_* the guest may not opt in to */
	__u64 and_features; /* LG_FEATURE_QUEUE, which is not there by itself */
	int large_pages; /* map RAM in 2 MiB pages where that fits */
	__u64 shadow_pages; /* the cap of struct lg_vm_create */
	__u32 slot_flags; /* LG_SLOT_* for RAM */
	unsigned int limit_ms;
};

struct vmm {
	int device, vm, vcpu, memfd;
	__u8 *ram; /* at gpa 0 */
	__u64 ram_bytes;
	__u64 root; /* gpa of the top-level page table */
	__u64 next_table; /* gpa of the next free page for one */
	int large_pages;
	unsigned int limit_ms;
	struct lg_info info;
	struct lg_run *run; /* lg.ko's answers, read-only */

	/* Set by vmm_load() and the caller, written by the first vmm_run(). */
	struct lg_regs regs;
	int regs_written;

	/* NUL-terminated text from the guest; NULL: thrown away. */
	void (*on_console)(struct vmm *vmm, const char *text);
	/* A token that is no text; returns 0 to go on.  NULL: vmm_run ends. */
	int (*on_notify)(struct vmm *vmm, __u64 token);
	void *arg; /* the caller's own */

	char why[512];
};

/* vmm_create - a VM with RAM, page tables and vcpu 0; options may be NULL */
int vmm_create(struct vmm *vmm, const struct vmm_options *options);

/* vmm_destroy - give all of it back; harmless on one that was not created */
void vmm_destroy(struct vmm *vmm);

/*
 * vmm_reset - a new vcpu and new page tables, as after vmm_create()
 *
 * The rest of RAM keeps what is in it.  Much faster than a new VM, and the only
 * way on after a kill, which is for good.
 */
int vmm_reset(struct vmm *vmm);

/* vmm_load - put an ELF file into RAM and regs.rip at its entry point */
int vmm_load(struct vmm *vmm, const char *path);

/* vmm_load_image - the same for an ELF file that is in memory already */
int vmm_load_image(struct vmm *vmm, const void *image, size_t bytes);

/* vmm_map - make [gva, gva + bytes) mean [gpa, ...), with VMM_* rights */
int vmm_map(struct vmm *vmm, __u64 gva, __u64 gpa, __u64 bytes, __u64 rights);

/* vmm_at - our own pointer to guest memory, NULL if it is not all there */
void *vmm_at(struct vmm *vmm, __u64 gpa, __u64 bytes);

/* vmm_set_regs, vmm_get_regs - the vcpu's registers, now */
int vmm_set_regs(struct vmm *vmm, const struct lg_regs *regs);
int vmm_get_regs(struct vmm *vmm, struct lg_regs *regs);

/* vmm_run_once - one LG_RUN; LG_EXIT_*, VMM_INTERRUPTED or VMM_ERROR */
int vmm_run_once(struct vmm *vmm);

/* vmm_run_on - to the next exit, however often the kernel wants the thread */
int vmm_run_on(struct vmm *vmm);

/* vmm_run - run to an end: LG_EXIT_*, VMM_TIMEOUT or VMM_ERROR */
int vmm_run(struct vmm *vmm);

/* vmm_why - the last failure, or how vmm_run() ended, as a sentence */
const char *vmm_why(const struct vmm *vmm);

#endif /* VMM_H */
