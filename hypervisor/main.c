// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - load and unload
 *
 * lg.ko is an ordinary module: it uses exported symbols only and leaves the
 * host kernel as it found it.  This file is the table of contents: what is set
 * up, in order, and taken down backwards.  A machine on which the Switcher
 * cannot work is refused here, with the reason in the log, because later there
 * would be nobody left to say it.
 *
 * Next: hypervisor/fail.c
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cc_platform.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <asm/cpufeature.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>
#include "lg.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* Not in every kernel's headers (SDM volume 3, 2.5; FRED specification). */
#define CR4_LASS (1UL << 27)
#define CR4_FRED (1UL << 32)

/* Why the Switcher cannot work on this machine; NULL if it can. */
static const char *unsupported(void)
{
	unsigned long cr4 = __read_cr4();

	if (boot_cpu_has(X86_FEATURE_XENPV))
		return "this host is itself a Xen PV guest, which owns the "
		       "address range the Switcher needs";
	if (cc_platform_has(CC_ATTR_GUEST_STATE_ENCRYPT) ||
	    boot_cpu_has(X86_FEATURE_TDX_GUEST))
		return "this host is a confidential VM, whose CPUID and I/O "
		       "raise exceptions a guest could not answer";
	if (!(cr4 & X86_CR4_FSGSBASE))
		return "the CPU or the kernel command line has no FSGSBASE";
	if (!boot_cpu_has(X86_FEATURE_NX))
		return "the CPU or the kernel command line has no NX";
	if (cr4 & CR4_FRED)
		return "FRED event delivery is on; boot with fred=off";
	if (cr4 & CR4_LASS)
		return "LASS is on; boot with clearcpuid=lass";
	return NULL;
}

static int __init lg_init(void)
{
	const char *why = unsupported();
	int err;

	if (why) {
		pr_err("cannot run here: %s\n", why);
		return -ENODEV;
	}
	world_init();
	err = state_init();
	if (!err)
		err = eventfd_init();
	if (err)
		return err;
	err = window_init();
	if (err) {
		eventfd_fini();
		return err;
	}
	preempt_notifier_inc();
	err = misc_register(&lg_device);
	if (err) {
		pr_err("/dev/lguest: cannot register: error %d\n", err);
		preempt_notifier_dec();
		window_fini();
		eventfd_fini();
	}
	return err;
}

/* No descriptor of ours is open any more: each holds the module. */
static void __exit lg_exit(void)
{
	misc_deregister(&lg_device);
	preempt_notifier_dec();
	window_fini();
	eventfd_fini();
}

module_init(lg_init);
module_exit(lg_exit);
MODULE_DESCRIPTION("lguest: virtual machines without hardware virtualization");
MODULE_LICENSE("GPL");
