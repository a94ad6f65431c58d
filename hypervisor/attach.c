// SPDX-License-Identifier: GPL-2.0-only
/*
 * attach.c - which processes have the windows in slot 256
 *
 * A vcpu belongs to no process, but the thread that runs it needs the windows
 * in its own address space.  So the slot is filled when a vcpu is first run in
 * a process and emptied when the last one that was has gone elsewhere or ended.
 * A child does not inherit it: a new address space gets its upper half from the
 * kernel's own, where the slot is empty.
 *
 * What must never happen: a slot that we did not fill being emptied, or a page
 * of tables that a filled slot leads to being freed.
 *
 * Next: hypervisor/world.c
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "lg.h"

/* An mm whose slot 256 is ours, and how many vcpus rely on it. */
struct attached {
	struct list_head list;
	struct mm_struct *mm;
	unsigned int vcpus;
};

static DEFINE_MUTEX(attach_lock);
static LIST_HEAD(attached_mms); /* attach_lock */

static struct attached *find_attached(struct mm_struct *mm)
{
	struct attached *att;

	list_for_each_entry(att, &attached_mms, list) {
		if (att->mm == mm)
			return att;
	}
	return NULL;
}

static u64 *slot_of(struct mm_struct *mm)
{
	return (u64 *)mm->pgd + WINDOW_SLOT;
}

/*
 * attach_get - make the windows visible in mm, the current one
 *
 * The reference keeps the mm's top-level page even when the process is gone.
 * Returns 0; -EBUSY if somebody else uses the slot; -ENOMEM.
 */
int attach_get(struct mm_struct *mm)
{
	struct attached *att;
	int err = 0;

	mutex_lock(&attach_lock);
	att = find_attached(mm);
	if (att) {
		att->vcpus++;
		goto out;
	}
	err = -EBUSY;
	if (READ_ONCE(*slot_of(mm)))
		goto out;
	err = -ENOMEM;
	att = kzalloc(sizeof(*att), GFP_KERNEL_ACCOUNT);
	if (!att)
		goto out;
	mmgrab(mm);
	att->mm = mm;
	att->vcpus = 1;
	list_add(&att->list, &attached_mms);
	WRITE_ONCE(*slot_of(mm), window_host_entry());
	err = 0;
out:
	mutex_unlock(&attach_lock);
	return err;
}

/*
 * attach_put - one vcpu fewer relies on mm
 *
 * After the last, a CPU may still remember where the slot led.  Those tables
 * stay until window_fini() has flushed every CPU, so it can do no harm.
 */
void attach_put(struct mm_struct *mm)
{
	struct attached *att;

	mutex_lock(&attach_lock);
	att = find_attached(mm);
	if (!WARN_ON_ONCE(!att) && !--att->vcpus) {
		WRITE_ONCE(*slot_of(mm), 0);
		list_del(&att->list);
		mmdrop(mm);
		kfree(att);
	}
	mutex_unlock(&attach_lock);
}
