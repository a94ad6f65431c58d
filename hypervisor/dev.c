// SPDX-License-Identifier: GPL-2.0-only
/*
 * dev.c - /dev/lguest, VM and vcpu descriptors: every call from outside
 *
 * Each call is copied in once, checked until nothing in it can surprise, and
 * only then passed on to the file that does it.  Words and flags that have no
 * meaning yet must be zero, or one day they could not be given any.
 *
 * Descriptors own what they stand for: the VM's holds the VM, the vcpu's holds
 * the vcpu, which holds its VM.  Closing the last one is how things end, also
 * when the daemon is killed.
 *
 * Next: hypervisor/vm.c
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/tsc.h>
#include "lg.h"

#define ALL_FEATURES                                                          \
	(LG_FEATURE_DIRECT_SYSCALL | LG_FEATURE_DEBUGREGS | LG_FEATURE_PCID | \
	 LG_FEATURE_DISCARD | LG_FEATURE_DIRTY_LOG | LG_FEATURE_QUEUE |       \
	 LG_FEATURE_PAUSE | LG_FEATURE_EVENTFD | LG_FEATURE_LDT)

/* ---- the vcpu's descriptor ---- */

static int read_state_call(struct lg_state *call, void __user *arg)
{
	u32 bytes;

	if (copy_from_user(call, arg, sizeof(*call)))
		return -EFAULT;
	bytes = state_bytes(call->type);
	if (!bytes || call->bytes != bytes ||
	    memchr_inv(call->reserved, 0, sizeof(call->reserved)))
		return -EINVAL;
	return 0;
}

static int get_state(struct lg_vcpu *vcpu, void __user *arg)
{
	struct lg_state call;
	int err = read_state_call(&call, arg);
	void *record;

	if (err)
		return err;
	record = kvzalloc(call.bytes, GFP_KERNEL_ACCOUNT);
	if (!record)
		return -ENOMEM;
	/* No record has a start that the vcpu has not yet noticed ... */
	if (test_and_clear_bit(LG_REQ_START, &vcpu->requests))
		err = interrupt_start(vcpu);
	if (!err)
		state_get(vcpu, call.type, record);
	if (!err &&
	    copy_to_user(u64_to_user_ptr(call.addr), record, call.bytes))
		err = -EFAULT;
	kvfree(record);
	return err;
}

static int set_state(struct lg_vcpu *vcpu, void __user *arg)
{
	struct lg_state call;
	int err = read_state_call(&call, arg);
	void *record;

	if (err)
		return err;
	record = vmemdup_user(u64_to_user_ptr(call.addr), call.bytes);
	if (IS_ERR(record))
		return PTR_ERR(record);
	err = state_set(vcpu, call.type, record);
	kvfree(record);
	return err;
}

static long state_ioctl(struct lg_vcpu *vcpu, unsigned int cmd,
			void __user *arg)
{
	long ret;

	if (mutex_lock_interruptible(&vcpu->lock))
		return -EINTR;
	exit_settle(vcpu); /* ... nor lacks an answer that has been given */
	ret = cmd == LG_STATE_GET ? get_state(vcpu, arg) : set_state(vcpu, arg);
	mutex_unlock(&vcpu->lock);
	return ret;
}

/* As they are at this moment: who runs the vcpu does not wait for us. */
static int get_stats(struct lg_vcpu *vcpu, void __user *arg)
{
	struct lg_stats stats = { 0 };
	unsigned int i;

	for (i = 0; i < LG_STAT_COUNT; i++)
		stats.stat[i] = READ_ONCE(vcpu->stat[i]);
	return copy_to_user(arg, &stats, sizeof(stats)) ? -EFAULT : 0;
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct lg_vcpu *vcpu = file->private_data;

	switch (cmd) {
	case LG_RUN:
		return arg ? -EINVAL : vcpu_run(vcpu);
	case LG_STATE_GET:
	case LG_STATE_SET:
		return state_ioctl(vcpu, cmd, (void __user *)arg);
	case LG_STATS:
		return get_stats(vcpu, (void __user *)arg);
	}
	return -ENOTTY;
}

static vm_fault_t run_page_fault(struct vm_fault *vmf)
{
	struct lg_vcpu *vcpu = vmf->vma->vm_file->private_data;

	if (vmf->pgoff)
		return VM_FAULT_SIGBUS;
	vmf->page = virt_to_page(vcpu->run);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct run_page_ops = {
	.fault = run_page_fault,
};

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != PAGE_SIZE)
		return -EINVAL;
	vma->vm_ops = &run_page_ops;
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	vcpu_destroy(file->private_data);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vcpu_ioctl,
	.mmap = vcpu_mmap,
	.release = vcpu_release,
	.llseek = noop_llseek,
};

/* ---- the VM's descriptor ---- */

/* Whole pages of what a guest may call memory; some of it need not be. */
static bool good_range(u64 gpa, u64 bytes)
{
	return bytes && !((gpa | bytes) & ~PAGE_MASK) && gpa < LG_MAX_GPA &&
	       bytes <= LG_MAX_GPA - gpa;
}

static int slot_add(struct lg_vm *vm, void __user *arg)
{
	struct lg_slot slot;

	if (copy_from_user(&slot, arg, sizeof(slot)))
		return -EFAULT;
	if (slot.slot >= LG_MAX_SLOTS || slot.flags & ~LG_SLOT_DIRTY_LOG ||
	    slot.reserved0 ||
	    memchr_inv(slot.reserved, 0, sizeof(slot.reserved)))
		return -EINVAL;
	if (slot.flags && !(vm->features & LG_FEATURE_DIRTY_LOG))
		return -EINVAL;
	if (!good_range(slot.gpa, slot.bytes) || slot.offset & ~PAGE_MASK)
		return -EINVAL;
	slot.slot = array_index_nospec(slot.slot, LG_MAX_SLOTS);
	return ram_add(vm, &slot);
}

static int slot_remove(struct lg_vm *vm, void __user *arg)
{
	struct lg_slot slot, only;

	if (copy_from_user(&slot, arg, sizeof(slot)))
		return -EFAULT;
	only = (struct lg_slot){ .slot = slot.slot };
	if (slot.slot >= LG_MAX_SLOTS || memcmp(&slot, &only, sizeof(slot)))
		return -EINVAL;
	return ram_remove(vm, array_index_nospec(slot.slot, LG_MAX_SLOTS));
}

static int discard(struct lg_vm *vm, void __user *arg)
{
	struct lg_range range;

	if (!(vm->features & LG_FEATURE_DISCARD))
		return -ENOTTY;
	if (copy_from_user(&range, arg, sizeof(range)))
		return -EFAULT;
	if (!good_range(range.gpa, range.bytes) ||
	    memchr_inv(range.reserved, 0, sizeof(range.reserved)))
		return -EINVAL;
	return ram_discard(vm, &range);
}

static int dirty_log(struct lg_vm *vm, void __user *arg)
{
	struct lg_dirty_log call;

	if (!(vm->features & LG_FEATURE_DIRTY_LOG))
		return -ENOTTY;
	if (copy_from_user(&call, arg, sizeof(call)))
		return -EFAULT;
	if (call.slot >= LG_MAX_SLOTS || call.reserved0 || call.first % 64 ||
	    !call.pages || call.pages > LG_MAX_LOG_PAGES ||
	    memchr_inv(call.reserved, 0, sizeof(call.reserved)))
		return -EINVAL;
	call.slot = array_index_nospec(call.slot, LG_MAX_SLOTS);
	return ram_get_log(vm, &call);
}

static int vcpu_create_fd(struct lg_vm *vm, void __user *arg)
{
	struct lg_vcpu_create call;
	struct lg_vcpu *vcpu;
	int fd;

	if (copy_from_user(&call, arg, sizeof(call)))
		return -EFAULT;
	if (call.id >= LG_MAX_VCPUS || call.flags ||
	    memchr_inv(call.reserved, 0, sizeof(call.reserved)))
		return -EINVAL;
	vcpu = vcpu_create(vm, array_index_nospec(call.id, LG_MAX_VCPUS));
	if (IS_ERR(vcpu))
		return PTR_ERR(vcpu);
	fd = anon_inode_getfd("lguest-vcpu", &vcpu_fops, vcpu,
			      O_RDWR | O_CLOEXEC);
	if (fd < 0)
		vcpu_destroy(vcpu);
	return fd;
}

static int interrupt_call(struct lg_vm *vm, void __user *arg)
{
	struct lg_interrupt call;
	int err = 0;

	if (copy_from_user(&call, arg, sizeof(call)))
		return -EFAULT;
	if (call.vcpu >= LG_MAX_VCPUS || !interrupt_good(call.vector) ||
	    memchr_inv(call.reserved, 0, sizeof(call.reserved)))
		return -EINVAL;
	call.vcpu = array_index_nospec(call.vcpu, LG_MAX_VCPUS);
	mutex_lock(&vm->lock);
	if (vm->vcpus[call.vcpu])
		interrupt_raise(vm->vcpus[call.vcpu], call.vector);
	else
		err = -ENOENT;
	mutex_unlock(&vm->lock);
	return err;
}

static int wire_call(struct lg_vm *vm, void __user *arg, bool to_vcpu)
{
	struct lg_eventfd call;

	if (!(vm->features & LG_FEATURE_EVENTFD))
		return -ENOTTY;
	if (copy_from_user(&call, arg, sizeof(call)))
		return -EFAULT;
	if (call.flags & ~LG_EVENTFD_REMOVE ||
	    memchr_inv(call.reserved, 0, sizeof(call.reserved)))
		return -EINVAL;
	if (to_vcpu ? call.vcpu >= LG_MAX_VCPUS ||
			      !interrupt_good(call.vector) || call.token
		    : call.vcpu || call.vector || call.token < LG_MAX_GPA)
		return -EINVAL;
	call.vcpu = array_index_nospec(call.vcpu, LG_MAX_VCPUS);
	return eventfd_call(vm, &call, to_vcpu);
}

static int clock_get_call(struct lg_vm *vm, void __user *arg)
{
	struct lg_clock call = { .ns = clock_get(vm) };

	return copy_to_user(arg, &call, sizeof(call)) ? -EFAULT : 0;
}

static int clock_set_call(struct lg_vm *vm, void __user *arg)
{
	struct lg_clock call;

	if (copy_from_user(&call, arg, sizeof(call)))
		return -EFAULT;
	if (call.ns > S64_MAX ||
	    memchr_inv(call.reserved, 0, sizeof(call.reserved)))
		return -EINVAL;
	clock_set(vm, call.ns);
	return 0;
}

static int answer_call(struct lg_vm *vm, void __user *arg)
{
	struct lg_answer call;

	if (!(vm->features & LG_FEATURE_QUEUE))
		return -ENOTTY;
	if (copy_from_user(&call, arg, sizeof(call)))
		return -EFAULT;
	if (call.vcpu >= LG_MAX_VCPUS || call.exit != LG_EXIT_NOTIFY ||
	    memchr_inv(call.reserved, 0, sizeof(call.reserved)))
		return -EINVAL;
	return exit_answer(vm, &call);
}

static int pause_call(struct lg_vm *vm, unsigned int cmd, unsigned long arg)
{
	if (!(vm->features & LG_FEATURE_PAUSE))
		return -ENOTTY;
	if (arg)
		return -EINVAL;
	if (cmd == LG_PAUSE)
		return pause_vm(vm);
	pause_resume(vm);
	return 0;
}

static int vm_info_call(struct lg_vm *vm, void __user *arg)
{
	struct lg_vm_info call;

	vm_info(vm, &call);
	return copy_to_user(arg, &call, sizeof(call)) ? -EFAULT : 0;
}

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct lg_vm *vm = file->private_data;

	switch (cmd) {
	case LG_SLOT_ADD:
		return slot_add(vm, (void __user *)arg);
	case LG_SLOT_REMOVE:
		return slot_remove(vm, (void __user *)arg);
	case LG_DISCARD:
		return discard(vm, (void __user *)arg);
	case LG_DIRTY_LOG:
		return dirty_log(vm, (void __user *)arg);
	case LG_VCPU_CREATE:
		return vcpu_create_fd(vm, (void __user *)arg);
	case LG_INTERRUPT:
		return interrupt_call(vm, (void __user *)arg);
	case LG_IRQFD:
		return wire_call(vm, (void __user *)arg, /* to_vcpu= */ true);
	case LG_NOTIFYFD:
		return wire_call(vm, (void __user *)arg, /* to_vcpu= */ false);
	case LG_CLOCK_GET:
		return clock_get_call(vm, (void __user *)arg);
	case LG_CLOCK_SET:
		return clock_set_call(vm, (void __user *)arg);
	case LG_ANSWER:
		return answer_call(vm, (void __user *)arg);
	case LG_PAUSE:
	case LG_RESUME:
		return pause_call(vm, cmd, arg);
	case LG_VM_INFO:
		return vm_info_call(vm, (void __user *)arg);
	}
	return -ENOTTY;
}

static int vm_release(struct inode *inode, struct file *file)
{
	vm_close(file->private_data);
	vm_put(file->private_data);
	return 0;
}

static ssize_t vm_read(struct file *file, char __user *to, size_t bytes,
		       loff_t *pos)
{
	size_t room = bytes / sizeof(struct lg_exit);
	ssize_t ret;

	if (!room)
		return -EINVAL;
	ret = exit_read(file->private_data, (void __user *)to, room,
			!(file->f_flags & O_NONBLOCK));
	return ret < 0 ? ret : ret * (ssize_t)sizeof(struct lg_exit);
}

static __poll_t vm_poll(struct file *file, poll_table *table)
{
	struct lg_vm *vm = file->private_data;

	poll_wait(file, &vm->readers, table);
	return exit_waits(vm) ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
	.release = vm_release,
	.llseek = noop_llseek,
};

/* ... of one that is made with LG_FEATURE_QUEUE */
static const struct file_operations vm_queue_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
	.read = vm_read,
	.poll = vm_poll,
	.release = vm_release,
	.llseek = noop_llseek,
};

/* ---- /dev/lguest ---- */

static int info(void __user *arg)
{
	struct lg_info info = {
		.abi_min = LG_ABI_MIN,
		.abi_max = LG_ABI_VERSION,
		.features = ALL_FEATURES,
		.switcher_start = window_area_start(),
		.switcher_end = window_area_end(),
		.max_vcpus = LG_MAX_VCPUS,
		.max_slots = LG_MAX_SLOTS,
		.max_gpa = LG_MAX_GPA,
		.tsc_khz = clock_tsc_khz(),
		.host_levels = window_levels(),
		.fpu_bytes = state_bytes(LG_STATE_FPU),
	};

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static int vm_create_fd(void __user *arg)
{
	const struct file_operations *fops = &vm_fops;
	struct lg_vm_create call;
	struct lg_vm *vm;
	int fd;

	if (copy_from_user(&call, arg, sizeof(call)))
		return -EFAULT;
	if (call.abi < LG_ABI_MIN || call.abi > LG_ABI_VERSION)
		return -EPROTO;
	if (call.flags || call.features & ~ALL_FEATURES ||
	    memchr_inv(call.reserved, 0, sizeof(call.reserved)))
		return -EINVAL;
	vm = vm_create(call.features, call.shadow_pages);
	if (!vm)
		return -ENOMEM;
	if (call.features & LG_FEATURE_QUEUE)
		fops = &vm_queue_fops;
	fd = anon_inode_getfd("lguest-vm", fops, vm, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		vm_put(vm);
	return fd;
}

static long lguest_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case LG_INFO:
		return info((void __user *)arg);
	case LG_VM_CREATE:
		return vm_create_fd((void __user *)arg);
	}
	return -ENOTTY;
}

static const struct file_operations lguest_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = lguest_ioctl,
	.llseek = noop_llseek,
};

struct miscdevice lg_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lguest",
	.nodename = "lguest",
	.mode = 0600,
	.fops = &lguest_fops,
};
