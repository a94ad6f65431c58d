// SPDX-License-Identifier: GPL-2.0-only
/*
 * exit.c - exits that wait until somebody answers them
 *
 * Who runs a vcpu need not be who serves its guest.  With LG_FEATURE_QUEUE an
 * exit does not end LG_RUN: it is put in the VM's list, where whoever has the
 * VM's descriptor reads it, and the vcpu waits for the answer.  The list is the
 * only record of it.  So the server may be killed between reading and answering
 * and nothing is lost: the next one finds all that is not answered, and nothing
 * else.
 *
 * A vcpu whose exit is in the list runs no code and changes nothing of it, so
 * the record stays as it was published.  Its lock is free meanwhile.
 *
 * What must never happen: an exit that is neither in the list nor answered; or
 * an answer to one exit that another one gets.  Hence the serial.
 *
 * Next: hypervisor/pause.c
 */
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "lg.h"

void exit_init(struct lg_vm *vm)
{
	spin_lock_init(&vm->exit_lock);
	INIT_LIST_HEAD(&vm->exits);
	init_waitqueue_head(&vm->readers);
}

/*
 * One reason is enough: of vcpus that are killed together only the first says
 * it, and those that it takes along say nothing.
 */
static bool is_news(const struct lg_vcpu *vcpu)
{
	return vcpu->exit.exit != LG_EXIT_KILLED ||
	       (!vcpu->taken_along && !vcpu->vm->exit_killed);
}

/*
 * exit_publish - vcpu->exit is complete: from now on it is there to be read
 *
 * Caller holds vcpu->lock, and does not run the vcpu until it is answered.
 */
void exit_publish(struct lg_vcpu *vcpu)
{
	struct lg_vm *vm = vcpu->vm;

	spin_lock(&vm->exit_lock);
	if (is_news(vcpu)) {
		if (vcpu->exit.exit == LG_EXIT_KILLED)
			vm->exit_killed = true;
		vcpu->exit.serial = ++vm->exit_serial;
		WRITE_ONCE(vcpu->unanswered, true);
		list_add_tail(&vcpu->waiting, &vm->exits);
	} else {
		WRITE_ONCE(vcpu->silent, true);
	}
	spin_unlock(&vm->exit_lock);
	wake_up_interruptible_poll(&vm->readers, EPOLLIN | EPOLLRDNORM);
}

/* exit_settle - the answer's result goes where it belongs; vcpu->lock held */
void exit_settle(struct lg_vcpu *vcpu)
{
	/* Pairs with exit_answer(). */
	if (likely(!smp_load_acquire(&vcpu->answered)))
		return;
	vcpu->state->regs.rax = vcpu->answer;
	vcpu->answered = false;
}

/* exit_forget - the vcpu ends, and its exit with it */
void exit_forget(struct lg_vcpu *vcpu)
{
	struct lg_vm *vm = vcpu->vm;

	spin_lock(&vm->exit_lock);
	if (vcpu->unanswered && vcpu->exit.exit == LG_EXIT_KILLED)
		vm->exit_killed = false;
	list_del_init(&vcpu->waiting);
	spin_unlock(&vm->exit_lock);
}

static struct lg_vcpu *find(struct lg_vm *vm, u32 id, u64 serial)
{
	struct lg_vcpu *vcpu;

	list_for_each_entry(vcpu, &vm->exits, waiting) {
		if (vcpu->id == id && vcpu->exit.serial == serial)
			return vcpu;
	}
	return NULL;
}

/*
 * exit_answer - LG_ANSWER of an exit that has an answer
 *
 * 0, and the vcpu goes on; -ENOENT if there is no such exit, or not any more.
 */
int exit_answer(struct lg_vm *vm, const struct lg_answer *answer)
{
	struct lg_vcpu *vcpu;
	int err = -ENOENT;

	spin_lock(&vm->exit_lock);
	vcpu = find(vm, answer->vcpu, answer->serial);
	if (vcpu && vcpu->exit.exit == answer->exit) {
		list_del_init(&vcpu->waiting);
		vcpu->answer = answer->result;
		/* Pairs with exit_settle(), then with pause_enter(). */
		smp_store_release(&vcpu->answered, true);
		smp_store_release(&vcpu->unanswered, false);
		wake_up(&vcpu->sleep);
		err = 0;
	}
	spin_unlock(&vm->exit_lock);
	return err;
}

/* exit_waits - is there anything to read? */
bool exit_waits(struct lg_vm *vm)
{
	return !list_empty_careful(&vm->exits);
}

/* exit_vcpus - a bit for each vcpu that has an exit in the list */
u64 exit_vcpus(struct lg_vm *vm)
{
	struct lg_vcpu *vcpu;
	u64 vcpus = 0;

	spin_lock(&vm->exit_lock);
	list_for_each_entry(vcpu, &vm->exits, waiting)
		vcpus |= BIT_ULL(vcpu->id);
	spin_unlock(&vm->exit_lock);
	return vcpus;
}

/* A copy of the oldest exit after that serial, as they are in order. */
static bool copy_next(struct lg_vm *vm, u64 serial, struct lg_exit *exit)
{
	struct lg_vcpu *vcpu;
	bool found = false;

	spin_lock(&vm->exit_lock);
	list_for_each_entry(vcpu, &vm->exits, waiting) {
		found = vcpu->exit.serial > serial;
		if (found) {
			*exit = vcpu->exit;
			break;
		}
	}
	spin_unlock(&vm->exit_lock);
	return found;
}

/* How many there were; -EFAULT. */
static ssize_t read_some(struct lg_vm *vm, struct lg_exit __user *to,
			 size_t room, struct lg_exit *exit)
{
	u64 newest = READ_ONCE(vm->exit_serial);
	size_t count = 0;

	exit->serial = 0;
	/* Of vcpus that are quick to exit again: once each, all the same. */
	while (count < room && copy_next(vm, exit->serial, exit) &&
	       exit->serial <= newest) {
		if (copy_to_user(to + count, exit, sizeof(*exit)))
			return -EFAULT;
		count++;
	}
	return count;
}

/*
 * exit_read - copy as many exits as there are, or is room for
 *
 * Waits until there is one, if it is to.  Returns how many; -EAGAIN if it is
 * not and there is none; -EINTR; -EFAULT; -ENOMEM.
 */
ssize_t exit_read(struct lg_vm *vm, struct lg_exit __user *to, size_t room,
		  bool wait)
{
	struct lg_exit *exit = kmalloc(sizeof(*exit), GFP_KERNEL_ACCOUNT);
	ssize_t ret;

	if (!exit)
		return -ENOMEM;
	for (;;) {
		ret = read_some(vm, to, room, exit);
		if (ret)
			break;
		ret = -EAGAIN;
		if (!wait)
			break;
		ret = -EINTR;
		if (wait_event_interruptible(vm->readers, exit_waits(vm)))
			break;
	}
	kfree(exit);
	return ret;
}
