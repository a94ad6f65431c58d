// SPDX-License-Identifier: GPL-2.0-only
/*
 * doctor_host.c - is this a machine that guests can run on?
 *
 * The module refuses to load where the Switcher cannot work, and says why in the
 * kernel's log, which few may read.  What it asks the processor is asked here of
 * /proc and /sys, before anybody has built or loaded anything; the two lists are
 * kept alike.
 *
 * Next: daemon/lgctl/doctor_parts.c
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor.h"

/* Is word among those of a list that spaces separate? */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);
	const char *at = list;

	while ((at = strstr(at, word)) != NULL) {
		if ((at == list || at[-1] == ' ') &&
		    (at[len] == ' ' || at[len] == '\0'))
			return true;
		at += len;
	}
	return false;
}

/* What unsupported() of hypervisor/main.c refuses, as /proc/cpuinfo has it. */
static const struct {
	const char *flag;
	bool wanted;
	const char *text, *todo;
} cpu_rules[] = {
	{ "lm", true, "not a 64-bit processor", "use another machine" },
	{ "fsgsbase", true, "no FSGSBASE, which the module cannot do without",
	  "remove nofsgsbase from the kernel's command line, or use a CPU of "
	  "2012 or later" },
	{ "nx", true, "no NX, which keeps data from being executed",
	  "remove noexec=off from the kernel's command line, or turn it on in "
	  "the firmware" },
	{ "fred", false, "FRED event delivery is on", "boot with fred=off" },
	{ "lass", false, "LASS is on", "boot with clearcpuid=lass" },
	{ "tdx_guest", false, "this is a confidential virtual machine (TDX)",
	  "use one that is not" },
};

void doctor_cpu(struct doctor *doctor)
{
	char *flags = doctor_line(doctor, "/proc/cpuinfo", "flags\t");
	unsigned int i, bad = 0;

	if (!flags) {
		doctor_say(doctor, VERDICT_FAIL, "cpu",
			   "use an x86-64 machine with /proc",
			   "/proc/cpuinfo names no flags");
		return;
	}
	for (i = 0; i < sizeof(cpu_rules) / sizeof(cpu_rules[0]); i++) {
		if (has_word(flags, cpu_rules[i].flag) == cpu_rules[i].wanted)
			continue;
		doctor_say(doctor, VERDICT_FAIL, "cpu", cpu_rules[i].todo, "%s",
			   cpu_rules[i].text);
		bad++;
	}
	if (!bad)
		doctor_say(doctor, VERDICT_OK, "cpu", NULL,
			   "can run guests; %s",
			   has_word(flags, "pcid")
				   ? "PCID keeps their translations"
				   : "without PCID each crossing costs more");
	free(flags);
}

/* doctor_below - what this machine itself is a guest of */
void doctor_below(struct doctor *doctor)
{
	char type[64], kind[64];

	doctor_read(doctor, "/sys/hypervisor/type", type, sizeof(type));
	doctor_read(doctor, "/sys/hypervisor/guest_type", kind, sizeof(kind));
	if (!strcmp(type, "xen") && !strcmp(kind, "PV"))
		doctor_say(doctor, VERDICT_FAIL, "host",
			   "use a PVH or HVM instance",
			   "a Xen PV guest itself; Xen owns the addresses the "
			   "module needs");
	else if (doctor_has(doctor, "/dev/sev-guest"))
		doctor_say(doctor, VERDICT_FAIL, "host", "use one that is not",
			   "this is a confidential virtual machine (SEV)");
	else if (type[0])
		doctor_say(doctor, VERDICT_OK, "host", NULL,
			   "a virtual machine (%s), which does not matter",
			   type);
	else
		doctor_say(doctor, VERDICT_OK, "host", NULL,
			   "nothing below it is in the way");
}

/* ---- the kernel, and whether it takes modules ---- */

/* What lg.ko is linked with beyond what every kernel has. */
static void check_config(struct doctor *doctor)
{
	char path[256], *value;

	snprintf(path, sizeof(path), "/boot/config-%s", doctor->release);
	if (!doctor_has(doctor, path))
		return;
	value = doctor_line(doctor, path, "CONFIG_PREEMPT_NOTIFIERS=");
	if (!value)
		doctor_say(doctor, VERDICT_FAIL, "kernel",
			   "use a kernel that was built with KVM",
			   "CONFIG_PREEMPT_NOTIFIERS is not set, which KVM "
			   "would bring");
	free(value);
}

static void check_modules(struct doctor *doctor)
{
	const enum verdict bad = doctor->loaded ? VERDICT_OK : VERDICT_FAIL;
	char word[128];

	if (!doctor_has(doctor, "/proc/modules"))
		doctor_say(doctor, VERDICT_FAIL, "kernel",
			   "use a kernel with loadable modules",
			   "it has no loadable modules");
	doctor_read(doctor, "/proc/sys/kernel/modules_disabled", word,
		    sizeof(word));
	if (!strcmp(word, "1"))
		doctor_say(doctor, bad, "kernel",
			   "reboot, and load lg before modules_disabled is set",
			   "no more modules can be loaded "
			   "(kernel.modules_disabled)");
	doctor_read(doctor, "/sys/module/module/parameters/sig_enforce", word,
		    sizeof(word));
	if (!strcmp(word, "Y"))
		doctor_say(
			doctor, bad, "kernel",
			"sign lg.ko with a key the kernel knows",
			"only signed modules are loaded (module.sig_enforce)");
	doctor_read(doctor, "/sys/kernel/security/lockdown", word,
		    sizeof(word));
	if (strstr(word, "[integrity]") || strstr(word, "[confidentiality]"))
		doctor_say(doctor, bad, "kernel",
			   "sign lg.ko with a key the kernel knows, or turn "
			   "Secure Boot off",
			   "it is locked down and takes signed modules only");
}

/* The variable is four bytes of attributes and one of truth. */
static void check_secure_boot(struct doctor *doctor)
{
	char path[256];
	unsigned char bytes[5] = { 0 };
	size_t len = 0;
	FILE *file;

	doctor_path(doctor,
		    "/sys/firmware/efi/efivars/"
		    "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
		    path, sizeof(path));
	file = fopen(path, "re");
	if (!file)
		return;
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	if (len == sizeof(bytes) && bytes[4] == 1)
		doctor_say(doctor, VERDICT_WARN, "kernel",
			   "enrol a key with mokutil and sign lg.ko with it",
			   "Secure Boot is on, a module of one's own needs a "
			   "signature");
}

void doctor_kernel(struct doctor *doctor)
{
	if (strncmp(doctor->release, "6.1.", 4) != 0)
		doctor_say(doctor, VERDICT_WARN, "kernel", NULL,
			   "Linux %s; the module is tried on 6.1, Debian 12's",
			   doctor->release);
	else
		doctor_say(doctor, VERDICT_OK, "kernel", NULL, "Linux %s",
			   doctor->release);
	check_config(doctor);
	check_modules(doctor);
	check_secure_boot(doctor);
}

/* ---- what processors give away ---- */

#define VULNERABILITIES "/sys/devices/system/cpu/vulnerabilities"

/* Those whose cure is taken at each world switch. */
static const struct {
	const char *name, *sign;
} costs[] = {
	{ "meltdown", "PTI" },
	{ "mds", "Clear CPU buffers" },
	{ "tsx_async_abort", "Clear CPU buffers" },
	{ "mmio_stale_data", "Clear CPU buffers" },
	{ "reg_file_data_sampling", "Clear Register File" },
	{ "retbleed", "untrained return thunk" },
	{ "spec_rstack_overflow", "Safe RET" },
};

static void add_word(char *list, size_t len, const char *word)
{
	size_t used = strlen(list);
	int put = snprintf(list + used, len - used, "%s%s", used ? ", " : "",
			   word);

	/* One that has no room is left out whole. */
	if (put < 0 || (size_t)put >= len - used)
		list[used] = '\0';
}

/*
 * doctor_leaks - a host that leaks leaks to guests, and a cure has its price
 *
 * What a guest could learn, and what lg.ko does about it, is in
 * hypervisor/speculation.md; here it is only whether the host did its part.
 */
void doctor_leaks(struct doctor *doctor)
{
	char open[160] = "", paid[160] = "", path[320], text[256];
	struct dirent **names = NULL;
	int i, count;
	unsigned int j;

	doctor_path(doctor, VULNERABILITIES, path, sizeof(path));
	count = scandir(path, &names, NULL, alphasort);
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), VULNERABILITIES "/%s",
			 names[i]->d_name);
		if (doctor_read(doctor, path, text, sizeof(text)) == 0 &&
		    !strncmp(text, "Vulnerable", 10))
			add_word(open, sizeof(open), names[i]->d_name);
		for (j = 0; j < sizeof(costs) / sizeof(costs[0]); j++)
			if (!strcmp(names[i]->d_name, costs[j].name) &&
			    strstr(text, costs[j].sign))
				add_word(paid, sizeof(paid), costs[j].name);
		free(names[i]);
	}
	free(names);
	if (open[0])
		doctor_say(doctor, VERDICT_WARN, "leaks",
			   "update kernel and microcode, or trust your guests",
			   "a guest could learn what is not its own: %s", open);
	if (paid[0])
		doctor_say(
			doctor, VERDICT_OK, "leaks", NULL,
			"what is done about these costs at each crossing: %s",
			paid);
	else if (!open[0] && count > 0)
		doctor_say(doctor, VERDICT_OK, "leaks", NULL,
			   "nothing that costs at a crossing");
}

/* ---- memory ---- */

static unsigned long long kib_of(struct doctor *doctor, const char *what)
{
	char *value = doctor_line(doctor, "/proc/meminfo", what);
	unsigned long long kib = value ? strtoull(value, NULL, 10) : 0;

	free(value);
	return kib;
}

void doctor_memory(struct doctor *doctor)
{
	unsigned long long available = kib_of(doctor, "MemAvailable:") / 1024;
	unsigned long long limit = kib_of(doctor, "CommitLimit:") / 1024;
	unsigned long long used = kib_of(doctor, "Committed_AS:") / 1024;
	char mode[16];

	if (available < 128)
		doctor_say(doctor, VERDICT_WARN, "memory",
			   "end something, or add memory",
			   "%llu MiB are left for guests", available);
	else
		doctor_say(doctor, VERDICT_OK, "memory", NULL,
			   "%llu MiB are left for guests", available);
	doctor_read(doctor, "/proc/sys/vm/overcommit_memory", mode,
		    sizeof(mode));
	if (!strcmp(mode, "2"))
		doctor_say(
			doctor, VERDICT_WARN, "memory",
			"raise vm.overcommit_ratio if guests cannot be created",
			"overcommit is off: %llu MiB of %llu can still be "
			"promised",
			used < limit ? limit - used : 0, limit);
}
