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
	INIT_LIST_HEAD(&vm->wires);
	exit_init(vm);
	pause_init(vm);
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

/* vm_wake_all - vcpus that wait for something look again.  Caller has vm->lock */
void vm_wake_all(struct lg_vm *vm)
{
	unsigned int i;

	lockdep_assert_held(&vm->lock);
	for (i = 0; i < LG_MAX_VCPUS; i++) {
		if (vm->vcpus[i])
			wake_up(&vm->vcpus[i]->sleep);
	}
}

/* vm_close - its descriptor is: who waits for a call on it waits in vain */
void vm_close(struct lg_vm *vm)
{
	if (vm->features & LG_FEATURE_EVENTFD)
		eventfd_forget(vm, NULL);
	mutex_lock(&vm->lock);
	WRITE_ONCE(vm->closed, true);
	vm_wake_all(vm);
	mutex_unlock(&vm->lock);
}

/* vm_info - LG_VM_INFO */
void vm_info(struct lg_vm *vm, struct lg_vm_info *info)
{
	unsigned int i;

	mutex_lock(&vm->lock);
	*info = (struct lg_vm_info){
		.features = vm->features,
		.exits = exit_vcpus(vm),
		.shadow_pages = atomic_long_read(&vm->shadow_pages),
		.shadow_cap = READ_ONCE(vm->shadow_cap),
		.paused = vm->paused,
	};
	for (i = 0; i < LG_MAX_VCPUS; i++)
		info->vcpus |= vm->vcpus[i] ? BIT_ULL(i) : 0;
	mutex_unlock(&vm->lock);
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
	struct lg_exit *exit = &vcpu->exit;
	va_list args;

	if (vcpu->killed)
		return;
	vcpu->killed = true;
	va_start(args, fmt);
	vsnprintf(exit->why, sizeof(exit->why), fmt, args);
	va_end(args);
	exit->trap = regs->trap;
	exit->trap_error = regs->error;
	exit->trap_addr = vcpu->cr2;
	exit->rip = regs->rip;
	exit->mode = lg_user_mode(vcpu) ? LG_MODE_USER : LG_MODE_KERNEL;
	trace_lg_kill(vcpu);
}
