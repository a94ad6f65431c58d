// SPDX-License-Identifier: GPL-2.0-only
/*
 * machine.c - what the guest's kernel thinks of the machine it is on
 *
 * It knows what it runs on, has the CPUs that it was given, and can do without
 * one; it refuses what it cannot do; NMIs reach whom they are meant for; and
 * nothing so far has made it complain.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/klog.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "checks.h"

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
	int err = n < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

static unsigned long long number_in(const char *path, const char *start)
{
	const char *line = line_of(path, start);

	return line ? strtoull(line + strspn(line, " ") + strlen(start), NULL,
			       10)
		    : 0;
}

/* Of all that the kernel has said, a line with one of these is a complaint. */
static void check_log(void)
{
	static const char *const bad[] = {
		"cut here",      "BUG:",      "Oops:",
		"unchecked MSR", "rcu: INFO", "[Firmware Bug]",
	};
	static char log[1 << 20];
	int len = klogctl(3, log, sizeof(log) - 1);
	unsigned int i, n = 0;

	for (i = 0; len > 0 && i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *at = strstr(log, bad[i]);

		if (at)
			diag("%.200s", at);
		n += at != NULL;
	}
	ok(len > 0 && !n, "log: the kernel has not complained");
}

static void check_refused(void)
{
	is((unsigned int)(syscall(SYS_kexec_load, 0, 0, NULL, 0) < 0 ? errno
								     : 0),
	   EPERM, "kexec: refused");
	ok(write_to("/sys/power/state", "freeze") != 0, "sleep: refused");
	ok(write_to("/sys/power/state", "disk") != 0, "hibernation: refused");
}

static void check_known(void)
{
	static const char online[] = "/sys/devices/system/cpu/cpu1/online";
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned long long before, i;

	ok(line_of("/proc/cpuinfo", "flags") &&
		   strstr(line_of("/proc/cpuinfo", "flags"), " hypervisor"),
	   "cpuid: the kernel knows that it is a guest");
	ok(!strstr(line_of("/proc/cpuinfo", "flags"), " smap") &&
		   !strstr(line_of("/proc/cpuinfo", "flags"), " rdtscp"),
	   "cpuid: and does not know what it cannot have");
	before = number_in("/proc/interrupts", "NMI:");
	is((unsigned int)write_to("/proc/sysrq-trigger", "l"), 0,
	   "nmi: a backtrace of all CPUs");
	if (*word("cpus="))
		is((unsigned long long)cpus, strtoull(word("cpus="), NULL, 10),
		   "cpus: as many as it was given");
	is(number_in("/proc/sys/kernel/softlockup_panic", ""), 1,
	   "lockup: one that comes says where, and ends it");
	if (cpus < 2) {
		skip(3, "one CPU");
		return;
	}
	for (i = 0;
	     i < 1000000 && number_in("/proc/interrupts", "NMI:") == before &&
	     strtoull(strchr(line_of("/proc/interrupts", "NMI:"), ':') + 12,
		      NULL, 10) == 0;
	     i++)
		;
	ok(i < 1000000, "nmi: came to another CPU");
	is((unsigned int)write_to(online, "0"), 0, "cpu 1: goes down");
	is((unsigned int)write_to(online, "1"), 0, "cpu 1: and up again");
}

/* ---- interrupts of devices, by module/lgirqs.c ---- */

static unsigned int irqs_say(const char *what)
{
	char path[80];
	const char *line;

	snprintf(path, sizeof(path), "/sys/module/lgirqs/parameters/%s", what);
	line = line_of(path, "");
	return line ? (unsigned int)atoi(line) : ~0U;
}

/* It was built for the kernel with the usual flavour. */
static bool is_for_us(int fd)
{
	static char file[1 << 20];
	char version[100];
	struct utsname name;
	ssize_t len = pread(fd, file, sizeof(file), 0);

	uname(&name);
	snprintf(version, sizeof(version), "vermagic=%s ", name.release);
	return len > 0 && memmem(file, (size_t)len, version, strlen(version));
}

static void check_irqs(void)
{
	int fd = open("/lgirqs.ko", O_RDONLY);
	unsigned int cpus;

	if (fd >= 0 && !is_for_us(fd)) {
		skip(6, "irq: the module is for a kernel of another flavour");
		close(fd);
		return;
	}
	ok(!syscall(SYS_finit_module, fd, "", 0), "irq: a module is loaded");
	close(fd);
	cpus = irqs_say("cpus");
	is(irqs_say("refused"), 2,
	   "irq: no device may have an exception's vector, nor programs'");
	is(irqs_say("came"), cpus, "irq: comes to each CPU");
	is(irqs_say("held"), cpus, "irq: not while it is masked");
	is(irqs_say("released"), cpus + 1,
	   "irq: but then, also on another CPU");
	is(irqs_say("again"), cpus + 2,
	   "irq: given back and had again, it comes again");
}

void check_machine(void)
{
	check_irqs();
	check_known();
	check_refused();
	check_log();
}
