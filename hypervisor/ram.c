// SPDX-License-Identifier: GPL-2.0-only
/*
 * ram.c - RAM comes, goes, is given back, and says what was written
 *
 * RAM is memfds of the daemon's, each sealed so that it cannot shrink, because a
 * page that vanished under a shadow entry would be somebody else's page a moment
 * later.  A slot says which guest-physical addresses are which part of which.
 *
 * Whatever is taken from a guest that runs is taken while the VM is frozen: no
 * vcpu is in the guest or has looked at a page and not yet used it, and each
 * owes its TLB a flush before it goes on.  So no order of steps can be wrong.
 *
 * What must never happen: a page that is let go while a vcpu can reach it.
 *
 * Next: hypervisor/vcpu.c
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/falloc.h> /* after fs.h, which it needs */
#include <linux/fcntl.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "lg.h"

/* ---- slots ---- */

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

/* How many pages the shadow may have: a 32nd of RAM, unless it was said. */
static void set_cap(struct lg_vm *vm)
{
	u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < LG_MAX_SLOTS; i++)
		bytes += vm->ram[i].bytes;
	if (!vm->shadow_wanted)
		vm->shadow_cap = max(1024ULL, bytes >> PAGE_SHIFT >> 5);
}

static int put_in(struct lg_vm *vm, const struct lg_slot *slot,
		  const struct lg_ram *new)
{
	unsigned int i;
	int err = 0;

	mutex_lock(&vm->lock);
	down_write(&vm->mem);
	if (vm->ram[slot->slot].bytes)
		err = -EEXIST;
	for (i = 0; i < LG_MAX_SLOTS && !err; i++) {
		if (overlaps(&vm->ram[i], slot))
			err = -EEXIST;
	}
	if (!err) {
		vm->ram[slot->slot] = *new;
		set_cap(vm);
	}
	up_write(&vm->mem);
	mutex_unlock(&vm->lock);
	return err;
}

/*
 * ram_add - give the guest a piece of RAM
 *
 * slot has been checked for sizes and alignment.  Returns 0; -EEXIST if the
 * slot or some of its addresses are taken; -EBADF, -EINVAL, -EACCES or -EPERM
 * if the file is none, not a memfd, not open both ways, or not sealed; -ENOMEM.
 */
int ram_add(struct lg_vm *vm, const struct lg_slot *slot)
{
	struct file *file = fget(slot->memfd);
	struct lg_ram new = {
		.gpa = slot->gpa,
		.bytes = slot->bytes,
		.first = slot->offset >> PAGE_SHIFT,
		.memfd = file,
	};
	int err;

	if (!file)
		return -EBADF;
	err = check_memfd(file, slot);
	/* From here on nobody can seal it against writing. */
	if (!err)
		err = mapping_map_writable(file->f_mapping);
	if (err)
		goto put_file;

	if (slot->flags & LG_SLOT_DIRTY_LOG) {
		new.log = kvcalloc(BITS_TO_LONGS(slot->bytes >> PAGE_SHIFT),
				   sizeof(long),
				   GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		err = new.log ? 0 : -ENOMEM;
	}
	if (!err)
		err = put_in(vm, slot, &new);
	if (!err)
		return 0;
	kvfree(new.log);
	mapping_unmap_writable(file->f_mapping);
put_file:
	fput(file);
	return err;
}

/* ram_put - let go of a slot that no vcpu can reach */
void ram_put(struct lg_ram *ram)
{
	mapping_unmap_writable(ram->memfd->f_mapping);
	fput(ram->memfd);
	kvfree(ram->log);
	memset(ram, 0, sizeof(*ram));
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
 * ram_remove - take a piece of RAM away again, from running vcpus too
 *
 * Returns 0; -ENOENT if there is no such slot; -EBUSY if a vcpu has
 * registered a page there.
 */
int ram_remove(struct lg_vm *vm, u32 slot)
{
	struct lg_ram *ram = &vm->ram[slot];
	unsigned int i;
	int err = 0;

	mutex_lock(&vm->lock);
	vm_freeze(vm);
	if (!ram->bytes)
		err = -ENOENT;
	else if (holds_pins(vm, ram))
		err = -EBUSY;
	for (i = 0; i < LG_MAX_VCPUS && !err; i++) {
		if (vm->vcpus[i])
			shadow_forget(vm->vcpus[i]);
	}
	if (!err) {
		ram_put(ram);
		set_cap(vm);
	}
	vm_thaw(vm);
	mutex_unlock(&vm->lock);
	return err;
}

/* ---- discard ---- */

/* What both have in common, as offset and bytes of the slot; false: nothing. */
static bool intersect(const struct lg_ram *ram, const struct lg_range *range,
		      u64 *ret_offset, u64 *ret_bytes)
{
	u64 start = max(ram->gpa, range->gpa);
	u64 end = min(ram->gpa + ram->bytes, range->gpa + range->bytes);

	if (!ram->bytes || start >= end)
		return false;
	*ret_offset = start - ram->gpa;
	*ret_bytes = end - start;
	return true;
}

static bool is_ram(const struct lg_vm *vm, const struct lg_range *range)
{
	u64 offset, bytes, left = range->bytes;
	unsigned int i;

	for (i = 0; i < LG_MAX_SLOTS; i++) {
		if (intersect(&vm->ram[i], range, &offset, &bytes))
			left -= bytes;
	}
	return !left;
}

static int punch(const struct lg_vm *vm, const struct lg_range *range)
{
	u64 offset, bytes;
	unsigned int i;
	int err = 0;

	for (i = 0; i < LG_MAX_SLOTS && !err; i++) {
		const struct lg_ram *ram = &vm->ram[i];

		if (intersect(ram, range, &offset, &bytes))
			err = vfs_fallocate(
				ram->memfd,
				FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				((loff_t)ram->first << PAGE_SHIFT) + offset,
				bytes);
	}
	return err;
}

/*
 * ram_discard - give pages back to the host; the guest finds zeroes there
 *
 * The range has been checked for alignment.  First our own references go, or a
 * huge page of which this is a part could not be taken apart.  Returns 0;
 * -ENOENT if not all of it is RAM; whatever the file says.
 */
int ram_discard(struct lg_vm *vm, const struct lg_range *range)
{
	gfn_t first = range->gpa >> PAGE_SHIFT;
	unsigned int i;
	int err = -ENOENT;

	mutex_lock(&vm->lock);
	vm_freeze(vm);
	if (!is_ram(vm, range))
		goto out;
	for (i = 0; i < LG_MAX_VCPUS; i++) {
		struct lg_vcpu *vcpu = vm->vcpus[i];

		if (!vcpu)
			continue;
		rmap_zap(vcpu, first, first + (range->bytes >> PAGE_SHIFT));
		mem_reader_drop(&vcpu->reader);
	}
	err = punch(vm, range);
out:
	vm_thaw(vm);
	mutex_unlock(&vm->lock);
	return err;
}

/* ---- the dirty log ---- */

/*
 * What is pinned is written at any time, by us: it never is clean.  But for
 * lguest_info, which we write only when it is registered.
 */
static void log_pins(struct lg_vm *vm)
{
	unsigned int i;

	for (i = 0; i < LG_MAX_VCPUS * PIN_COUNT; i++) {
		const struct lg_vcpu *vcpu = vm->vcpus[i / PIN_COUNT];
		gfn_t gfn;

		if (!vcpu || i % PIN_COUNT == PIN_INFO ||
		    !READ_ONCE(vcpu->pins[i % PIN_COUNT].page))
			continue;
		gfn = READ_ONCE(vcpu->pins[i % PIN_COUNT].gpa) >> PAGE_SHIFT;
		mem_log(mem_ram(vm, gfn), gfn);
	}
}

/* Moves bits out of the log.  Returns whether there were any. */
static bool take_bits(const struct lg_ram *ram, u64 first, u64 pages, u64 *bits)
{
	u64 *log = (u64 *)ram->log + first / 64, any = 0, i;

	for (i = 0; i < DIV_ROUND_UP(pages, 64); i++) {
		u64 mask = pages - i * 64 < 64 ? ~(~0ULL << pages % 64) : ~0ULL;

		bits[i] = log[i] & mask;
		log[i] &= ~mask;
		any |= bits[i];
	}
	return any;
}

/* The VM is frozen: what is taken here is written again only with a fault. */
static void take_log(struct lg_vm *vm, const struct lg_ram *ram, u64 first,
		     u64 pages, u64 *bits)
{
	gfn_t gfn = (ram->gpa >> PAGE_SHIFT) + first;
	unsigned int i;

	log_pins(vm);
	if (!take_bits(ram, first, pages, bits))
		return;
	for (i = 0; i < LG_MAX_VCPUS; i++) {
		struct lg_vcpu *vcpu = vm->vcpus[i];

		if (!vcpu)
			continue;
		rmap_protect(vcpu, gfn, gfn + pages);
		mem_reader_drop(&vcpu->reader); /* it logs what it keeps */
	}
}

/*
 * ram_get_log - LG_DIRTY_LOG: which pages were written, and start anew
 *
 * The call has been checked for sizes.  Returns 0; -ENOENT if there is no such
 * slot; -EINVAL if it has no log or not that many pages; -EFAULT; -ENOMEM.
 */
int ram_get_log(struct lg_vm *vm, const struct lg_dirty_log *call)
{
	const struct lg_ram *ram = &vm->ram[call->slot];
	size_t bytes = DIV_ROUND_UP(call->pages, 64) * sizeof(u64);
	void __user *to = u64_to_user_ptr(call->addr);
	u64 *bits, pages;
	int err = 0;

	bits = kvzalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!bits)
		return -ENOMEM;
	mutex_lock(&vm->lock);
	pages = ram->bytes >> PAGE_SHIFT;
	if (!pages)
		err = -ENOENT;
	else if (!ram->log || call->first >= pages ||
		 call->pages > pages - call->first)
		err = -EINVAL;
	/* Before anything is taken, see that it can be delivered. */
	if (!err && clear_user(to, bytes))
		err = -EFAULT;
	if (!err) {
		vm_freeze(vm);
		take_log(vm, ram, call->first, call->pages, bits);
		vm_thaw(vm);
	}
	mutex_unlock(&vm->lock);
	if (!err && copy_to_user(to, bits, bytes))
		err = -EFAULT;
	kvfree(bits);
	return err;
}
