// SPDX-License-Identifier: GPL-2.0-only
/*
 * lgtest.c - what a test can only ask from inside the host's kernel
 *
 * Four files under lgtest in debugfs.  A line written to one is an experiment,
 * which is over when the write returns; what is read afterwards says how it
 * went, as "name number" lines.
 *
 *	nmi	"CPU COUNT BURST": NMIs, as many, to that CPU, up to BURST of
 *		them before it has answered
 *	msrs	"COUNT": be a hypervisor of KVM's kind on this CPU, that leaves
 *		its guest's MSRs live whenever it sleeps
 *	remap	"NUMBER": let a page with that number in it take the place of
 *		another, at the same kernel address; reading says what is there
 *	cpus	only to read: the registers that nobody may leave changed
 *
 * This is for tests.  It trusts whoever may write to these files.
 */
#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/preempt.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/user-return-notifier.h>
#include <linux/vmalloc.h>
#include <asm/apic.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/nmi.h>

#define ANSWER_BYTES 4096
#define NMI_PATIENCE (20 * HZ) /* a lost NMI costs that; a slow one is not */
#define NMI_SPREAD   1024 /* turns of an idle loop between two of them */

static DEFINE_MUTEX(lock); /* one experiment at a time; and the answer */
static char answer[ANSWER_BYTES];
static int answer_len;

static __printf(1, 2) void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	answer_len += vscnprintf(answer + answer_len, ANSWER_BYTES - answer_len,
				 fmt, args);
	va_end(args);
}

/* ---- nmi ---- */

/* Where NMIs are ours, and how many came. */
static int nmi_cpu = -1;
static atomic_t nmi_seen;

static int on_nmi(unsigned int type, struct pt_regs *regs)
{
	if (raw_smp_processor_id() != READ_ONCE(nmi_cpu))
		return NMI_DONE;
	atomic_inc(&nmi_seen);
	return NMI_HANDLED;
}

static void idle_about(struct rnd_state *rnd)
{
	unsigned int turns = prandom_u32_state(rnd) % NMI_SPREAD;

	while (turns--)
		cpu_relax();
}

/* Until one more than before has been seen.  0, -ETIME or -EINTR. */
static int await_nmi(int before)
{
	unsigned long end = jiffies + NMI_PATIENCE;

	while (atomic_read(&nmi_seen) == before) {
		if (signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, end))
			return -ETIME;
		cond_resched();
	}
	return 0;
}

/*
 * A CPU holds one NMI back while it serves another, and no more, so of a burst
 * only the last is sure to be seen after it was sent.  With a burst of one,
 * each is answered before the next: then what is sent and what is seen are the
 * same number, or something is wrong.
 */
static int storm(int cpu, unsigned int count, unsigned int burst)
{
	unsigned int sent = 0, lost = 0, left;
	struct rnd_state rnd;
	int before, err = 0;

	prandom_seed_state(&rnd, get_random_u64());
	atomic_set(&nmi_seen, 0);
	WRITE_ONCE(nmi_cpu, cpu);
	while (sent < count && lost < 3 && err != -EINTR) {
		left = 1 + prandom_u32_state(&rnd) % burst;
		do {
			idle_about(&rnd);
			before = atomic_read(&nmi_seen);
			apic->send_IPI(cpu, NMI_VECTOR);
			sent++;
		} while (--left && sent < count);
		err = await_nmi(before);
		lost += err == -ETIME;
	}
	say("sent %u\nseen %u\nlost %u\n", sent, atomic_read(&nmi_seen), lost);
	return err == -EINTR ? err : 0;
}

static int run_nmi(const char *line)
{
	unsigned int count, burst;
	int cpu, err = -EINVAL;

	if (sscanf(line, "%d %u %u", &cpu, &count, &burst) != 3 || !burst)
		return -EINVAL;
	migrate_disable();
	cpus_read_lock();
	if (cpu >= 0 && cpu < nr_cpu_ids && cpu_online(cpu) &&
	    cpu != raw_smp_processor_id())
		err = storm(cpu, count, burst);
	cpus_read_unlock();
	migrate_enable();
	return err;
}

/* ---- msrs ---- */

static const u32 msrs[] = { MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK };

/* As KVM has it: the host's values come back when a thread returns to user. */
static struct alien {
	struct user_return_notifier notifier;
	bool live;
	u64 host[ARRAY_SIZE(msrs)];
	unsigned int returns;
} alien;

/* The host would not survive any of these for long; nor is it to. */
static u64 alien_value(unsigned int i)
{
	return alien.host[i] ^ 0x1000;
}

static void on_return(struct user_return_notifier *notifier)
{
	unsigned long flags;
	unsigned int i;

	local_irq_save(flags);
	if (alien.live) {
		for (i = 0; i < ARRAY_SIZE(msrs); i++)
			wrmsrl(msrs[i], alien.host[i]);
		alien.live = false;
		alien.returns++;
		user_return_notifier_unregister(notifier);
	}
	local_irq_restore(flags);
}

static void go_alien(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		rdmsrl(msrs[i], alien.host[i]);
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		wrmsrl(msrs[i], alien_value(i));
	alien.live = true;
	alien.notifier.on_user_return = on_return;
	user_return_notifier_register(&alien.notifier);
}

static unsigned int count_changed(void)
{
	unsigned int i, changed = 0;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		rdmsrl(msrs[i], value);
		changed += value != alien_value(i);
	}
	return changed;
}

static int run_msrs(const char *line)
{
	unsigned int count, held = 0, changed = 0;

	if (kstrtouint(line, 0, &count))
		return -EINVAL;
	migrate_disable();
	alien.returns = 0;
	while (count-- && !signal_pending(current)) {
		preempt_disable();
		if (alien.live) {
			held++;
			changed += count_changed();
		} else {
			go_alien();
		}
		preempt_enable();
		usleep_range(500, 1000); /* let others have the CPU */
	}
	migrate_enable();
	say("held %u\nchanged %u\nreturns %u\n", held, changed, alien.returns);
	return 0;
}

/* ---- remap ---- */

static struct page *remap_pages[2];
static u64 *remap_at, *remap_before;
static unsigned int remap_turn, remap_same;

static void unmap_page(void)
{
	if (!remap_at)
		return;
	vunmap(remap_at);
	vm_unmap_aliases(); /* the flush, and the address is free again */
	remap_at = NULL;
}

static int run_remap(const char *line)
{
	struct page *page;
	u64 number;

	if (kstrtou64(line, 0, &number))
		return -EINVAL;
	unmap_page();
	page = remap_pages[remap_turn++ % 2];
	*(u64 *)page_address(page) = number;
	remap_at = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	if (!remap_at)
		return -ENOMEM;
	remap_same += remap_at == remap_before;
	remap_before = remap_at;
	return 0;
}

static void tell_remap(void)
{
	if (remap_at)
		say("number %llu\nsame %u\n", READ_ONCE(*remap_at), remap_same);
}

/* ---- cpus ---- */

struct registers {
	u64 star, lstar, cstar, fmask, sysenter_cs;
	unsigned long cr4, dr7, tr;
	struct desc_ptr idt, gdt;
};

static void read_registers(void *arg)
{
	struct registers *r = arg;

	rdmsrl(MSR_STAR, r->star);
	rdmsrl(MSR_LSTAR, r->lstar);
	rdmsrl(MSR_CSTAR, r->cstar);
	rdmsrl(MSR_SYSCALL_MASK, r->fmask);
	rdmsrl(MSR_IA32_SYSENTER_CS, r->sysenter_cs);
	r->cr4 = native_read_cr4();
	get_debugreg(r->dr7, 7);
	r->dr7 &= ~DR_GLOBAL_SLOWDOWN; /* Linux itself forgets that one */
	store_idt(&r->idt);
	native_store_gdt(&r->gdt);
	asm volatile("str %0" : "=r"(r->tr));
}

static void tell_cpus(void)
{
	struct registers r;
	int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		memset(&r, 0, sizeof(r));
		if (smp_call_function_single(cpu, read_registers, &r, 1))
			continue;
		say("cpu %d cr4 %lx dr7 %lx star %llx lstar %llx cstar %llx "
		    "fmask %llx sysenter %llx idt %lx gdt %lx tr %lx\n",
		    cpu, r.cr4, r.dr7, r.star, r.lstar, r.cstar, r.fmask,
		    r.sysenter_cs, r.idt.address, r.gdt.address, r.tr);
	}
	cpus_read_unlock();
}

/* ---- the files ---- */

struct experiment {
	const char *name;
	int (*run)(const char *line);
	void (*tell)(void); /* NULL: what run() left */
};

static const struct experiment experiments[] = {
	{ "nmi", run_nmi, NULL },
	{ "msrs", run_msrs, NULL },
	{ "remap", run_remap, tell_remap },
	{ "cpus", NULL, tell_cpus },
};

static ssize_t on_write(struct file *file, const char __user *from,
			size_t bytes, loff_t *pos)
{
	const struct experiment *experiment = file_inode(file)->i_private;
	char line[64];
	int err;

	if (!experiment->run || bytes >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, from, bytes))
		return -EFAULT;
	line[bytes] = '\0';
	if (mutex_lock_interruptible(&lock))
		return -EINTR;
	answer_len = 0;
	err = experiment->run(line);
	mutex_unlock(&lock);
	return err ? err : bytes;
}

static ssize_t on_read(struct file *file, char __user *to, size_t bytes,
		       loff_t *pos)
{
	const struct experiment *experiment = file_inode(file)->i_private;
	ssize_t ret;

	if (mutex_lock_interruptible(&lock))
		return -EINTR;
	if (experiment->tell && !*pos) {
		answer_len = 0;
		experiment->tell();
	}
	ret = simple_read_from_buffer(to, bytes, pos, answer, answer_len);
	mutex_unlock(&lock);
	return ret;
}

/* What is written does not move where the answer is read from. */
static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = on_read,
	.write = on_write,
	.llseek = default_llseek,
};

static struct dentry *folder;

static void lgtest_free(void)
{
	debugfs_remove(folder);
	unregister_nmi_handler(NMI_LOCAL, "lgtest");
	unmap_page();
	__free_page(remap_pages[0]);
	__free_page(remap_pages[1]);
}

static int __init lgtest_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < 2; i++) {
		remap_pages[i] = alloc_page(GFP_KERNEL);
		if (!remap_pages[i])
			return -ENOMEM; /* a page lost, in a test's machine */
	}
	err = register_nmi_handler(NMI_LOCAL, on_nmi, 0, "lgtest");
	if (err)
		return err;
	/*
	 * Turns the scheduler's hooks on, and leaves them.  lg.ko does that by
	 * patching running code, twice for each time it comes and goes, and
	 * an emulated CPU now and then goes on with what it had translated:
	 * then it takes the same INT3 for ever.
	 */
	preempt_notifier_inc();
	folder = debugfs_create_dir("lgtest", NULL);
	for (i = 0; i < ARRAY_SIZE(experiments); i++)
		debugfs_create_file(experiments[i].name, 0600, folder,
				    (void *)&experiments[i], &fops);
	return 0;
}

static void __exit lgtest_exit(void)
{
	lgtest_free();
	preempt_notifier_dec();
}

module_init(lgtest_init);
module_exit(lgtest_exit);
MODULE_DESCRIPTION("lguest: experiments for its tests");
MODULE_LICENSE("GPL");
