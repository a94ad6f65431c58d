// SPDX-License-Identifier: GPL-2.0-only
/*
 * sandbox.c - all that we may not do
 *
 * A guest's way out of lg.ko, should there be one, leads to the process that
 * runs it.  So that process must be a place where there is nothing to be had:
 * nobody's user, no capability, no file but a vcpu, and a list of system calls
 * so short that it can be read here.  What is not on it kills the process, for
 * no honest way leads there.
 *
 * There are two lists.  With the first a kernel can be read and threads be
 * made; the second, which holds as well from sandbox_tighten() on, is for
 * running.  The kernel of the host makes sure that none of it can be undone
 * (no_new_privs).
 *
 * Next: daemon/run/ram.c
 */
#define _GNU_SOURCE
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run.h"

/* The sanitizers read /proc, map memory and more: tests with them run free. */
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* A call, and which of its arguments must be what; arg -1: it does not matter */
struct rule {
	int call;
	int arg;
	uint64_t value;
};

static const struct rule load_rules[] = {
	/* reading a kernel, and writing it to the guest's RAM */
	{ SCMP_SYS(fstat), -1, 0 },
	{ SCMP_SYS(newfstatat), -1, 0 }, /* is fstat() in this libc */
	{ SCMP_SYS(pread64), -1, 0 },
	{ SCMP_SYS(pwrite64), -1, 0 },
	{ SCMP_SYS(fallocate), -1, 0 },
	{ SCMP_SYS(close), -1, 0 },
	{ SCMP_SYS(ioctl), 1, LG_STATE_SET },
	/* memory, and threads with a name */
	{ SCMP_SYS(brk), -1, 0 },
	{ SCMP_SYS(mmap), -1, 0 },
	{ SCMP_SYS(munmap), -1, 0 },
	{ SCMP_SYS(mprotect), -1, 0 },
	{ SCMP_SYS(madvise), -1, 0 },
	{ SCMP_SYS(clone), -1, 0 },
	{ SCMP_SYS(clone3), -1, 0 },
	{ SCMP_SYS(set_robust_list), -1, 0 },
	{ SCMP_SYS(rseq), -1, 0 },
	{ SCMP_SYS(rt_sigprocmask), -1, 0 },
	{ SCMP_SYS(rt_sigaction), -1, 0 }, /* libc, for its own signals */
	{ SCMP_SYS(prctl), 0, PR_SET_NAME },
	{ SCMP_SYS(seccomp), -1, 0 }, /* for the second list */
};

static const struct rule run_rules[] = {
	{ SCMP_SYS(ioctl), 1, LG_RUN },
	{ SCMP_SYS(futex), -1, 0 },
	{ SCMP_SYS(pause), -1, 0 },
	{ SCMP_SYS(restart_syscall), -1, 0 },
	{ SCMP_SYS(rt_sigreturn), -1, 0 },
	{ SCMP_SYS(exit), -1, 0 },
	{ SCMP_SYS(exit_group), -1, 0 },
	{ SCMP_SYS(write), 0, STDERR_FILENO },
};

static int add_rules(scmp_filter_ctx filter, const struct rule *rules,
		     size_t count)
{
	int err = 0;
	size_t i;

	for (i = 0; i < count && !err; i++) {
		if (rules[i].arg < 0)
			err = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
					       rules[i].call, 0);
		else
			err = seccomp_rule_add(
				filter, SCMP_ACT_ALLOW, rules[i].call, 1,
				SCMP_CMP((unsigned int)rules[i].arg,
					 SCMP_CMP_EQ, rules[i].value));
	}
	return err;
}

/* What both lists have: running, and a packet each way. */
static int add_common(scmp_filter_ctx filter, const struct run *run)
{
	const scmp_datum_t report = (scmp_datum_t)run->report;
	int err = add_rules(filter, run_rules,
			    sizeof(run_rules) / sizeof(run_rules[0]));

	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto),
				       1, SCMP_A0(SCMP_CMP_EQ, report));
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
				       SCMP_SYS(recvfrom), 1,
				       SCMP_A0(SCMP_CMP_EQ, report));
	return err;
}

static int load_filter(scmp_filter_ctx filter, struct why *why)
{
	int err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	/* Set already, and the list does not let us do it twice. */
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	if (!err && !SANITIZED)
		err = seccomp_load(filter);
	seccomp_release(filter);
	if (err)
		return why_say(why, "sandbox: seccomp: %s", strerror(-err));
	return 0;
}

static int limit_calls(const struct run *run, struct why *why)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err;

	if (!filter)
		return why_say(why, "sandbox: seccomp: not to be had here");
	err = add_common(filter, run);
	if (!err)
		err = add_rules(filter, load_rules,
				sizeof(load_rules) / sizeof(load_rules[0]));
	if (!err)
		return load_filter(filter, why);
	seccomp_release(filter);
	return why_say(why, "sandbox: first list: %s", strerror(-err));
}

int sandbox_tighten(const struct run *run, struct why *why)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err;

	if (!filter)
		return why_say(why, "sandbox: seccomp: not to be had any more");
	err = add_common(filter, run);
	if (!err)
		err = seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, SCMP_SYS(close), 1,
			SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)run->report));
	if (!err)
		return load_filter(filter, why);
	seccomp_release(filter);
	return why_say(why, "sandbox: second list: %s", strerror(-err));
}

static bool is_ours(const struct run *run, int fd)
{
	unsigned int i;

	for (i = 0; i < run->vcpu_count; i++) {
		if (fd == run->vcpus[i])
			return true;
	}
	return fd == run->report || fd == run->ram || fd == run->kernel ||
	       fd == run->initrd || fd == run->cmdline;
}

/* A descriptor that came along by mistake is one too many. */
static void close_others(const struct run *run)
{
	int fd, last = STDERR_FILENO;

	for (fd = last + 1; fd < 1024; fd++) {
		if (!is_ours(run, fd))
			continue;
		if (fd > last + 1)
			close_range((unsigned int)last + 1,
				    (unsigned int)fd - 1, 0);
		last = fd;
	}
	close_range((unsigned int)last + 1, ~0U, 0);
}

static int drop_capabilities(const char *name, struct why *why)
{
	const struct passwd *user = getuid() ? NULL : getpwnam(name);
	int err = 0;

	if (!getuid() && !user)
		return why_say(why, "user \"%s\": there is none", name);
	if (user && !user->pw_uid)
		return why_say(why, "user \"%s\": is root", name);
	capng_clear(CAPNG_SELECT_ALL);
	if (user)
		err = capng_change_id((int)user->pw_uid, (int)user->pw_gid,
				      CAPNG_DROP_SUPP_GRP |
					      CAPNG_CLEAR_BOUNDING |
					      CAPNG_CLEAR_AMBIENT);
	else
		capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT);
	if (err)
		return why_say(why, "user \"%s\": privileges: error %d", name,
			       err);
	/* Believe nothing: look. */
	if (capng_get_caps_process() < 0 ||
	    capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE ||
	    (user && (setuid(0) == 0 || getgid() != user->pw_gid)))
		return why_say(why, "user \"%s\": some privilege is left",
			       name);
	return 0;
}

static int limit_process(struct why *why)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return why_say(why, "sandbox: prctl: %s", strerror(errno));
	if (setrlimit(RLIMIT_CORE, &none) < 0 ||
	    (!SANITIZED && setrlimit(RLIMIT_NOFILE, &none) < 0))
		return why_say(why, "sandbox: setrlimit: %s", strerror(errno));
	return 0;
}

/* lguestd is spared when memory is short; a guest is as anybody else. */
static void be_as_others(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	/* Where it cannot be had there is nothing to be given up. */
	if (fd >= 0 && write(fd, "0", 1) < 0)
		fprintf(stderr, "lguest-run: oom_score_adj: %s\n",
			strerror(errno));
	if (fd >= 0)
		close(fd);
}

int sandbox_enter(const struct run *run, struct why *why)
{
	close_others(run);
	be_as_others();
	/* While it may still be root: the last moment to look up a name. */
	if (drop_capabilities(run->user, why) < 0 || limit_process(why) < 0)
		return -1;
	prctl(PR_SET_NAME, run->name, 0, 0, 0);
	return limit_calls(run, why);
}
