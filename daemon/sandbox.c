// SPDX-License-Identifier: GPL-2.0-only
/*
 * sandbox.c - privileges, dropped one by one
 *
 * What we keep is a list with a reason for each line, and everything that is not
 * on it goes, for us and for whatever we start.  root without its capabilities is
 * still the owner of root's files, so we can read our configuration and open
 * /dev/lguest, and may not read anybody else's file: what belongs to others comes
 * as a descriptor that they have opened.
 *
 * Then the kernel is told that no program we start may gain what we gave up, and
 * which calls a hypervisor's daemon never makes; a bug that makes us try gets an
 * error.  Nothing here is needed to work, so nothing here fails: who is not root
 * has nothing to drop, and systemd has perhaps dropped it already.
 *
 * Where we stand: main.c has opened its socket and not yet read a byte from it.
 *
 * Next: daemon/log.c
 */
#include <cap-ng.h>
#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "lguestd.h"

static const struct {
	unsigned int capability;
	const char *why;
} kept[] = {
	{ CAP_SETUID, "lguest-run becomes the runners' user" },
	{ CAP_SETGID, "... and their group, and leaves all others" },
	{ CAP_SETPCAP, "... and gives all of these up for good" },
	{ CAP_KILL, "which then is not us, and is to be killed" },
	{ CAP_NET_ADMIN, "taps, their addresses, and our table of nftables" },
};

/* An exploit would want these; we, and what we start, never do. */
static const char *const never[] = {
	/* other machines than this one, other kernels, other modules */
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"reboot",
	"swapon",
	"swapoff",
	"acct",
	"syslog",
	/* what the file system looks like */
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"open_by_handle_at",
	"move_mount",
	"open_tree",
	"fsopen",
	"fsmount",
	"mount_setattr",
	"quotactl",
	"mknod",
	"mknodat",
	/* other processes */
	"process_vm_readv",
	"process_vm_writev",
	"kcmp",
	"pidfd_getfd",
#ifndef __SANITIZE_ADDRESS__ /* its search for leaks stops our threads so */
	"ptrace",
#endif
	/* the clock, the processor */
	"settimeofday",
	"clock_settime",
	"adjtimex",
	"clock_adjtime",
	"iopl",
	"ioperm",
	"modify_ldt",
	/* large parts of the kernel that we have nothing to do with */
	"bpf",
	"perf_event_open",
	"userfaultfd",
	"add_key",
	"request_key",
	"keyctl",
	"io_uring_setup",
	"vhangup",
	"nfsservctl",
	"lookup_dcookie",
};

static bool is_kept(unsigned int capability)
{
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (kept[i].capability == capability)
			return true;
	return false;
}

static void drop_capabilities(void)
{
	unsigned int cap, left = 0;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (!is_kept(cap) && prctl(PR_CAPBSET_READ, cap) > 0)
			prctl(PR_CAPBSET_DROP, cap);
	if (capng_get_caps_process() < 0)
		return;
	for (cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		if (is_kept(cap) && capng_have_capability(CAPNG_PERMITTED, cap))
			left++;
		else
			capng_update(CAPNG_DROP,
				     CAPNG_EFFECTIVE | CAPNG_PERMITTED |
					     CAPNG_INHERITABLE,
				     cap);
	}
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		log_say(LOG_LEVEL_WARNING, NULL,
			"sandbox: capabilities stay: %s", strerror(errno));
	log_say(LOG_LEVEL_DEBUG, NULL, "sandbox: %u capabilities kept", left);
}

static void deny_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	size_t i;
	int call, r = 0;

	for (i = 0; filter && i < sizeof(never) / sizeof(never[0]); i++) {
		call = seccomp_syscall_resolve_name(never[i]);
		if (call != __NR_SCMP_ERROR)
			r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
					     call, 0)
				    ?: r;
	}
	if (!filter)
		r = -ENOMEM;
	else
		r = seccomp_load(filter) ?: r;
	if (r < 0)
		log_say(LOG_LEVEL_DEBUG, NULL,
			"sandbox: calls that are not needed stay allowed: %s",
			strerror(-r));
	seccomp_release(filter);
}

/* Ten descriptors a guest and one a client: more than the usual 1024. */
static void raise_nofile(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_say(LOG_LEVEL_DEBUG, NULL, "sandbox: descriptors: %s",
			strerror(errno));
}

void sandbox_enter(void)
{
	raise_nofile();
	drop_capabilities();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		log_say(LOG_LEVEL_DEBUG, NULL, "sandbox: no_new_privs: %s",
			strerror(errno));
	deny_calls();
}
