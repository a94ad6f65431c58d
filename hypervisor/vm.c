// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm.c - the life of a VM, and its death with a reason
 *
 * A VM is RAM and vcpus.  It is made by an ioctl, it is held by its descriptor
 * and by each vcpu, and it goes when the last of them does.  RAM is a memfd of
 * the daemon's: sealed so that it cannot shrink, because a page that vanished
 * under a shadow entry would be somebody else's page a moment later.
 *
 * lg_kill() is here too: what a guest gets for asking the impossible.
 *
 * Next: hypervisor/vcpu.c
 */
#include <linux/file.h>
#include <linux/fcntl.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include "lg.h"
#include "trace.h"

/* vm_create - a VM with no RAM and no vcpus, or NULL */
struct lg_vm *vm_create(u64 features)
{
	struct lg_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);

	if (!vm)
		return NULL;
	kref_init(&vm->ref);
	mutex_init(&vm->lock);
	init_rwsem(&vm->mem);
	vm->features = features;
	clock_init(vm);
	return vm;
}

static void put_ram(struct lg_ram *ram)
{
	mapping_unmap_writable(ram->memfd->f_mapping);
	fput(ram->memfd);
	memset(ram, 0, sizeof(*ram));
}

static void free_vm(struct kref *ref)
{
	struct lg_vm *vm = container_of(ref, struct lg_vm, ref);
	unsigned int i;

	for (i = 0; i < LG_MAX_SLOTS; i++) {
		if (vm->ram[i].bytes)
			put_ram(&vm->ram[i]);
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

/* Is this a file whose pages stay for as long as we hold it? */
static int check_memfd(struct file *file, const struct lg_slot *slot)
{
	const fmode_t mode = FMODE_READ | FMODE_WRITE;
	struct inode *inode = file_inode(file);
	unsigned int seals;
	u64 end;

	if (!shmem_file(file))
		return -EINVAL;
	if ((file->f_mode & mode) != mode)
		return -EACCES;
	seals = SHMEM_I(inode)->seals;
	if (!(seals & F_SEAL_SHRINK) ||
	    (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EPERM;
	if (check_add_overflow(slot->offset, slot->bytes, &end))
		return -EINVAL;
	return end > (u64)i_size_read(inode) ? -EINVAL : 0;
}

static bool overlaps(const struct lg_ram *ram, const struct lg_slot *slot)
{
	return ram->bytes && ram->gpa < slot->gpa + slot->bytes &&
	       slot->gpa < ram->gpa + ram->bytes;
}

/*
 * vm_add_ram - give the guest a piece of RAM
 *
 * slot has been checked for sizes and alignment.  Returns 0; -EEXIST if the
 * slot or some of its addresses are taken; -EBADF, -EINVAL, -EACCES or -EPERM
 * if the file is none, not a memfd, not open both ways, or not sealed.
 */
int vm_add_ram(struct lg_vm *vm, const struct lg_slot *slot)
{
	struct file *file = fget(slot->memfd);
	unsigned int i;
	int err;

	if (!file)
		return -EBADF;
	err = check_memfd(file, slot);
	/* From here on nobody can seal it against writing. */
	if (!err)
		err = mapping_map_writable(file->f_mapping);
	if (err)
		goto put_file;

	down_write(&vm->mem);
	if (vm->ram[slot->slot].bytes)
		err = -EEXIST;
	for (i = 0; i < LG_MAX_SLOTS && !err; i++) {
		if (overlaps(&vm->ram[i], slot))
			err = -EEXIST;
	}
	if (!err)
		vm->ram[slot->slot] = (struct lg_ram){
			.gpa = slot->gpa,
			.bytes = slot->bytes,
			.first = slot->offset >> PAGE_SHIFT,
			.memfd = file,
		};
	up_write(&vm->mem);
	if (!err)
		return 0;
	mapping_unmap_writable(file->f_mapping);
put_file:
	fput(file);
	return err;
}

/*
 * vm_freeze - nobody uses guest memory, and no vcpu runs, until vm_thaw()
 *
 * Who has been asked to flush waits for vm->mem before it enters the guest
 * again: see shadow_serve_flush().  So meanwhile a vcpu's shadow is the
 * caller's, and a page that it takes from there can be let go at once.
 * Returns with vm->lock and vm->mem held.  Sleeps.
 */
void vm_freeze(struct lg_vm *vm)
{
	mutex_lock(&vm->lock);
	down_write(&vm->mem);
	request_all(vm, LG_REQ_FLUSH);
}

/* vm_thaw - let them go on */
void vm_thaw(struct lg_vm *vm)
{
	up_write(&vm->mem);
	mutex_unlock(&vm->lock);
}

/* Has a vcpu a page pinned here?  We, or the window, will go on using it. */
static bool holds_pins(const struct lg_vm *vm, const struct lg_ram *ram)
{
	unsigned int i;

	for (i = 0; i < LG_MAX_VCPUS * PIN_COUNT; i++) {
		const struct lg_vcpu *vcpu = vm->vcpus[i / PIN_COUNT];

		if (vcpu &&
		    READ_ONCE(vcpu->pins[i % PIN_COUNT].gpa) - ram->gpa <
			    ram->bytes)
			return true;
	}
	return false;
}

/*
 * vm_remove_ram - take a piece of RAM away again, from running vcpus too
 *
 * Returns 0; -ENOENT if there is no such slot; -EBUSY if a vcpu has
 * registered a page there.
 */
int vm_remove_ram(struct lg_vm *vm, u32 slot)
{
	struct lg_ram *ram = &vm->ram[slot];
	unsigned int i;
	int err = 0;

	vm_freeze(vm);
	if (!ram->bytes)
		err = -ENOENT;
	else if (holds_pins(vm, ram))
		err = -EBUSY;
	for (i = 0; i < LG_MAX_VCPUS && !err; i++) {
		if (vm->vcpus[i])
			shadow_forget(vm->vcpus[i]);
	}
	if (!err)
		put_ram(ram);
	vm_thaw(vm);
	return err;
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
