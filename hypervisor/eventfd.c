// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd.c - interrupts and tokens without a call, by wire
 *
 * A wire leads from an eventfd to a vector of a vcpu, or from a token to an
 * eventfd.  Who writes to the eventfd of the first kind, be it the host's kernel
 * in an interrupt, makes the vector pending; a guest that says the token of the
 * second kind writes to its eventfd and goes on at once, without an exit.
 *
 * A wire is in the wait queue of its eventfd, whose lock is held when it is
 * called: so once it has been taken out of there, nobody is about to call it.
 * It goes when it is removed, when its vcpu or the VM's descriptor is closed, or
 * when the last descriptor of its eventfd is, which is where it is told so by
 * the eventfd itself and may not sleep: a workqueue does the rest.
 *
 * What must never happen: a wire that is called when its vcpu is gone.  So it is
 * cut with vm->lock held, and a vcpu goes on to end only after that.
 *
 * Where we stand: a guest has made LHCALL_NOTIFY; or we are in the context of
 * anybody at all who has written to an eventfd.
 *
 * Next: hypervisor/setup.c
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/hash.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/workqueue.h>
#include "lg.h"

struct wire {
	struct list_head list; /* vm->lock: of vm->wires, until it is cut */
	bool is_cut; /* vm->lock */
	struct hlist_node node; /* RCU: of vm->tokens, if there is no vcpu */
	struct lg_vm *vm; /* all from here on is [I] */
	struct lg_vcpu *vcpu; /* NULL: it leads from the token */
	u32 vector;
	u64 token;
	struct eventfd_ctx *ctx; /* held */
	wait_queue_head_t *queue; /* its wait queue, where we are */
	wait_queue_entry_t entry;
	poll_table table;
	struct work_struct hung_up;
};

/* For wires whose eventfd has been closed. */
static struct workqueue_struct *cutters;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
static void signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx);
}
#else
static void signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx, 1);
}
#endif

static struct hlist_head *bucket(struct lg_vm *vm, u64 token)
{
	return &vm->tokens[hash_64(token, ilog2(ARRAY_SIZE(vm->tokens)))];
}

/*
 * eventfd_notify - a guest says a token: has somebody a wire for it?
 *
 * Does not sleep.  False: the daemon must be told by an exit.
 */
bool eventfd_notify(struct lg_vm *vm, u64 token)
{
	bool found = false;
	struct wire *wire;

	if (!READ_ONCE(vm->wire_count))
		return false;
	rcu_read_lock();
	hlist_for_each_entry_rcu(wire, bucket(vm, token), node) {
		if (wire->token == token) {
			signal(wire->ctx);
			found = true;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/* Interrupts are off, and the lock of the eventfd's wait queue is held. */
static int on_event(wait_queue_entry_t *entry, unsigned int mode, int sync,
		    void *key)
{
	struct wire *wire = container_of(entry, struct wire, entry);
	__poll_t events = key_to_poll(key);
	u64 ignored;

	if (wire->vcpu && (events & EPOLLIN)) {
		/* It is ours, or one day it would be full. */
		eventfd_ctx_do_read(wire->ctx, &ignored);
		interrupt_raise(wire->vcpu, wire->vector);
	}
	if (events & EPOLLHUP)
		queue_work(cutters, &wire->hung_up);
	return 0;
}

static void on_poll(struct file *file, wait_queue_head_t *queue,
		    poll_table *table)
{
	struct wire *wire = container_of(table, struct wire, table);

	wire->queue = queue;
	add_wait_queue(queue, &wire->entry);
}

/* ---- to cut wires ---- */

/* When it returns nobody calls it.  Caller holds vm->lock. */
static void cut(struct wire *wire)
{
	lockdep_assert_held(&wire->vm->lock);
	remove_wait_queue(wire->queue, &wire->entry);
	list_del(&wire->list);
	if (!wire->vcpu)
		hlist_del_rcu(&wire->node);
	WRITE_ONCE(wire->vm->wire_count, wire->vm->wire_count - 1);
	wire->is_cut = true;
}

/* One that has been cut, when no guest can be about to use it either. */
static void free_wire(struct wire *wire)
{
	eventfd_ctx_put(wire->ctx);
	kfree(wire);
}

/* All of these have been cut. */
static void free_wires(struct list_head *wires)
{
	struct wire *wire, *next;

	if (list_empty(wires))
		return;
	synchronize_rcu();
	list_for_each_entry_safe(wire, next, wires, list) {
		cancel_work_sync(&wire->hung_up);
		free_wire(wire);
	}
}

/* The eventfd's last descriptor is closed.  Or somebody was quicker than us. */
static void on_hung_up(struct work_struct *work)
{
	struct wire *wire = container_of(work, struct wire, hung_up);
	struct lg_vm *vm = wire->vm;
	bool was_cut;

	mutex_lock(&vm->lock);
	was_cut = wire->is_cut;
	if (!was_cut)
		cut(wire);
	mutex_unlock(&vm->lock);
	if (was_cut)
		return; /* he waits for us, and then frees it */
	if (!wire->vcpu)
		synchronize_rcu(); /* a guest may be about to say its token */
	free_wire(wire);
}

static void cut_to(struct wire *wire, struct list_head *wires)
{
	cut(wire);
	list_add(&wire->list, wires);
}

/* eventfd_forget - cut all wires to a vcpu that ends, or, if NULL, of the VM */
void eventfd_forget(struct lg_vm *vm, const struct lg_vcpu *vcpu)
{
	struct wire *wire, *next;
	LIST_HEAD(wires);

	mutex_lock(&vm->lock);
	list_for_each_entry_safe(wire, next, &vm->wires, list) {
		if (!vcpu || wire->vcpu == vcpu)
			cut_to(wire, &wires);
	}
	mutex_unlock(&vm->lock);
	free_wires(&wires);
	/* Those that have hung up by themselves still need the VM. */
	if (!vcpu)
		flush_workqueue(cutters);
}

/* ---- the calls ---- */

/* Do both do the same, as far as the guest can see?  With ctx: and the host? */
static struct wire *find(struct lg_vm *vm, const struct wire *like,
			 const struct eventfd_ctx *ctx)
{
	struct wire *wire;

	list_for_each_entry(wire, &vm->wires, list) {
		if (wire->vcpu == like->vcpu && wire->vector == like->vector &&
		    wire->token == like->token && (!ctx || wire->ctx == ctx))
			return wire;
	}
	return NULL;
}

/* Caller holds vm->lock and, so that it cannot hang up meanwhile, the file. */
static int connect(struct lg_vm *vm, struct wire *wire, struct file *file)
{
	if (find(vm, wire, wire->vcpu ? wire->ctx : NULL))
		return -EEXIST;
	if (vm->wire_count == LG_MAX_EVENTFDS)
		return -ENOSPC;
	WRITE_ONCE(vm->wire_count, vm->wire_count + 1);
	list_add(&wire->list, &vm->wires);
	/* Something may have been written before we came. */
	if ((vfs_poll(file, &wire->table) & EPOLLIN) && wire->vcpu)
		interrupt_raise(wire->vcpu, wire->vector);
	if (!wire->vcpu)
		hlist_add_head_rcu(&wire->node, bucket(vm, wire->token));
	return 0;
}

static struct wire *make(struct lg_vm *vm, const struct lg_eventfd *call,
			 struct file *file)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);
	struct wire *wire;

	if (IS_ERR(ctx))
		return ERR_CAST(ctx);
	wire = kzalloc(sizeof(*wire), GFP_KERNEL_ACCOUNT);
	if (!wire) {
		eventfd_ctx_put(ctx);
		return ERR_PTR(-ENOMEM);
	}
	wire->vm = vm;
	wire->vector = call->vector;
	wire->token = call->token;
	wire->ctx = ctx;
	init_waitqueue_func_entry(&wire->entry, on_event);
	init_poll_funcptr(&wire->table, on_poll);
	INIT_WORK(&wire->hung_up, on_hung_up);
	return wire;
}

/* Makes it, or cuts the one that is like it and hands it out to be freed. */
static int do_call(struct lg_vm *vm, const struct lg_eventfd *call,
		   bool to_vcpu, struct wire *wire, struct file *file,
		   struct list_head *old)
{
	struct wire *same;

	wire->vcpu = to_vcpu ? vm->vcpus[call->vcpu] : NULL;
	if (to_vcpu && !wire->vcpu)
		return -ENOENT;
	if (!(call->flags & LG_EVENTFD_REMOVE))
		return connect(vm, wire, file);
	same = find(vm, wire, wire->ctx);
	if (!same)
		return -ENOENT;
	cut_to(same, old);
	return 0;
}

static int locked_call(struct lg_vm *vm, const struct lg_eventfd *call,
		       bool to_vcpu, struct wire *wire, struct file *file,
		       struct list_head *old)
{
	int err;

	mutex_lock(&vm->lock);
	err = do_call(vm, call, to_vcpu, wire, file, old);
	mutex_unlock(&vm->lock);
	return err;
}

/*
 * eventfd_call - LG_IRQFD if it leads to a vcpu, or LG_NOTIFYFD
 *
 * The call has been checked for numbers.  What has hung up but is not cut yet is
 * not in the way: a daemon that has died has closed its eventfds, and the next
 * one has the same tokens for new ones.  Sleeps.  Returns 0; -EBADF or -EINVAL if it has
 * no eventfd; -ENOENT if there is no such vcpu, or nothing to remove; -EEXIST;
 * -ENOSPC if the VM has LG_MAX_EVENTFDS already; -ENOMEM.
 */
int eventfd_call(struct lg_vm *vm, const struct lg_eventfd *call, bool to_vcpu)
{
	struct file *file = fget(call->fd);
	struct wire *wire;
	LIST_HEAD(old);
	int err;

	if (!file)
		return -EBADF;
	wire = make(vm, call, file);
	err = PTR_ERR_OR_ZERO(wire);
	if (err)
		goto put_file;
	err = locked_call(vm, call, to_vcpu, wire, file, &old);
	if (err == -EEXIST) {
		flush_workqueue(cutters);
		err = locked_call(vm, call, to_vcpu, wire, file, &old);
	}
	if (err || (call->flags & LG_EVENTFD_REMOVE))
		free_wire(wire); /* it was only to compare with */
	free_wires(&old);
put_file:
	fput(file);
	return err;
}

/* ---- */

/* eventfd_init - once for the module.  0 or -ENOMEM */
int eventfd_init(void)
{
	cutters = alloc_workqueue("lguest", WQ_UNBOUND, 0);
	return cutters ? 0 : -ENOMEM;
}

void eventfd_fini(void)
{
	destroy_workqueue(cutters);
}
