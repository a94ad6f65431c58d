// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm.c - the life of a VM, and its death with a reason
 *
 * A VM is RAM and vcpus.  It is made by an ioctl, it is held by its descriptor
 * and by each vcpu, and it goes when the last of them does.  Now and then
 * somebody has to change what all of them stand on, and freezes the VM.
 *
 * lg_kill() is here too: what a guest gets for asking the impossible.
 *
 * Next: hypervisor/ram.c
 */
#include <linux/slab.h>
#include "lg.h"
#include "trace.h"

/* vm_create - a VM with no RAM and no vcpus, or NULL */
struct lg_vm *vm_create(u64 features, u64 shadow_pages)
{
	struct lg_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);

	if (!vm)
		return NULL;
	kref_init(&vm->ref);
	mutex_init(&vm->lock);
	init_rwsem(&vm->mem);
	vm->features = features;
	clock_init(vm);
	vm->shadow_wanted = shadow_pages;
	vm->shadow_cap = shadow_pages;
	return vm;
}

static void free_vm(struct kref *ref)
{
	struct lg_vm *vm = container_of(ref, struct lg_vm, ref);
	unsigned int i;

	for (i = 0; i < LG_MAX_SLOTS; i++) {
		if (vm->ram[i].bytes)
			ram_put(&vm->ram[i]);
	}
	mutex_destroy(&vm->lock);
	kfree(vm);
}

void vm_get(struct lg_vm *vm)
{
	kref_get(&vm->ref);
}

/* vm_put - let go of a VM; the last to do so frees it.  May sleep. */
void vm_put(struct lg_vm *vm)
{
	kref_put(&vm->ref, free_vm);
}

/*
 * vm_freeze - nobody uses guest memory, and no vcpu runs, until vm_thaw()
 *
 * Who has been asked to flush waits for vm->mem before it enters the guest
 * again: see shadow_serve_flush().  So meanwhile a vcpu's shadow is the
 * caller's, and a page that it takes from there can be let go at once.
 * Caller holds vm->lock, and gets vm->mem.  Sleeps.
 */
void vm_freeze(struct lg_vm *vm)
{
	down_write(&vm->mem);
	request_all(vm, LG_REQ_FLUSH);
}

/* vm_thaw - let them go on */
void vm_thaw(struct lg_vm *vm)
{
	up_write(&vm->mem);
}

/*
 * lg_kill - the guest cannot go on; say why in one sentence
 *
 * The first reason is the one that counts.  We return, and so does the caller:
 * whatever it still does to this vcpu no longer matters, and the run loop finds
 * the word before it would enter the guest again.
 */
void lg_kill(struct lg_vcpu *vcpu, const char *fmt, ...)
{
	struct sw_regs *regs = &vcpu->state->regs;
	struct lg_run *run = vcpu->run;
	va_list args;

	if (vcpu->killed)
		return;
	vcpu->killed = true;
	va_start(args, fmt);
	vsnprintf(run->why, sizeof(run->why), fmt, args);
	va_end(args);
	run->trap = regs->trap;
	run->trap_error = regs->error;
	run->trap_addr = vcpu->cr2;
	run->rip = regs->rip;
	run->mode = lg_user_mode(vcpu) ? LG_MODE_USER : LG_MODE_KERNEL;
	trace_lg_kill(vcpu);
}
