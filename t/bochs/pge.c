// SPDX-License-Identifier: GPL-2.0-only
/*
 * pge.c - shows that the PGE rule does something
 *
 *	pge host-addresses.elf
 *
 * A host kernel's global TLB entries outlive the change to a guest's page
 * table.  So the host keeps none while a guest is loaded that lives among its
 * addresses (hypervisor/world.c), and t/guest/host-addresses.c says that such a
 * guest is served right.  A test which cannot fail says little, and on most
 * CPUs, real or not, this one could not: a supervisor entry that CPL 3 hits may
 * be dropped and looked up anew.  There is one page where that is no way out.
 * With vsyscall=emulate the host has a global page that CPL 3 may read, and so
 * without the rule the guest reads the host's page for its own.  The debug
 * module can be told to forget the rule, and then we want to see just that.
 *
 * Before the guest goes on from each of its exits the host is made to use its
 * own pages, first of all the vsyscall page, by us, at CPL 3.
 */
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "../guest/case.h"
#include "tap.h"
#include "vmm.h"

#define VSYSCALL      0xffffffffff600000ULL
#define VSYSCALL_TIME 0xffffffffff600400ULL
#define BREAK_RULE    "/sys/module/lg/parameters/break_pge_rule"

/* Cases of host-addresses.c, by number; the address goes where a step would. */
#define CASE_ONE  0
#define CASE_NONE 3

/* Symbols of which at least the page is in daily use; more from the module. */
static const char *const symbols[] = {
	"_text",          "init_task",          "jiffies_64",
	"__schedule",     "entry_SYSCALL_64",   "copy_user_generic_string",
	"sys_call_table", "asm_exc_page_fault", "__per_cpu_offset",
	"vcpu_run",       "world_switch",       "switcher_code",
	"lg_init",        "notifier_ops",       "_printk",
	"idt_table",      "gdt_page",           "kfree",
};

#define NUM_SYMBOLS (sizeof(symbols) / sizeof(symbols[0]))

static const __u64 fixed[] = {
	0xffff888000000000, 0xffffea0000000000, 0xffffc90000000000,
	0xfffffe0000000000, 0xfffffe0000001000, 0xfffffe0000002000,
	0xffffffff81000000, 0xffffffffc0000000, VSYSCALL,
};

static const char *elf;

/* The host's own word there, which a guest must never see. */
static __u64 host_word(void)
{
	return *(volatile __u64 *)VSYSCALL;
}

static void touch_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[256];

	if (!file)
		return;
	if (!fgets(line, sizeof(line), file))
		diag("%s: nothing in it", path);
	fclose(file);
}

/* The host uses its own memory, and last what CPL 3 has of it. */
static int on_notify(struct vmm *vmm, __u64 token)
{
	time_t (*host_time)(time_t *) = (time_t(*)(time_t *))VSYSCALL_TIME;

	(void)vmm;
	(void)token;
	touch_file("/proc/self/stat");
	touch_file("/proc/modules");
	touch_file("/proc/kallsyms");
	if (host_time(NULL) == 0)
		diag("time(2) says 1970");
	(void)host_word();
	return 0;
}

/* One guest; true if it ended as it should, else diag says how it did. */
static bool run_guest(struct vmm *vmm, __u64 number, __u64 gva)
{
	if (vmm_create(vmm, NULL) < 0 || vmm_load(vmm, elf) < 0)
		bail_out("%s", vmm_why(vmm));
	vmm->regs.rdi = number;
	vmm->regs.rsi = gva;
	vmm->on_notify = on_notify;
	return vmm_run(vmm) == LG_EXIT_SHUTDOWN &&
	       vmm->run->data[0] == LGUEST_SHUTDOWN_POWEROFF;
}

/* What it said of itself, or what became of it. */
static const char *reason(struct vmm *vmm)
{
	const char *text = vmm_at(vmm, vmm->run->data[1], 1);

	if (vmm->run->exit == LG_EXIT_SHUTDOWN && text)
		return text;
	return vmm_why(vmm);
}

static void keeps_its_page(__u64 gva, const char *what)
{
	struct vmm vmm;

	if (!ok(run_guest(&vmm, CASE_ONE, gva),
		"a guest's page at %#llx is its own (%s)", gva, what))
		diag("%s", reason(&vmm));
	vmm_destroy(&vmm);
}

/* The pages that the symbols are in; once through a file of 200,000 lines. */
static unsigned int find_symbols(__u64 *ret_pages, unsigned int room)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[256], name[128];
	unsigned int i, found = 0;
	__u64 addr;

	if (!file)
		bail_out("/proc/kallsyms: cannot be read");
	while (found < room && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %*c %127s", &addr, name) != 2)
			continue;
		for (i = 0; i < NUM_SYMBOLS && strcmp(name, symbols[i]); i++)
			;
		/* What lies per CPU is counted from zero. */
		if (i < NUM_SYMBOLS && addr >> 63)
			ret_pages[found++] = addr & ~0xfffULL;
	}
	fclose(file);
	return found;
}

static void with_the_rule(void)
{
	__u64 pages[NUM_SYMBOLS];
	unsigned int i, found;

	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		keeps_its_page(fixed[i], "always there");
	found = find_symbols(pages, NUM_SYMBOLS);
	ok(found > NUM_SYMBOLS / 2, "/proc/kallsyms has most of what we want");
	for (i = 0; i < found; i++)
		keeps_its_page(pages[i], "a symbol's");
}

static void set_rule(bool broken)
{
	FILE *file = fopen(BREAK_RULE, "w");

	if (!file || fprintf(file, "%d\n", broken) < 0 || fclose(file))
		bail_out(BREAK_RULE ": cannot be written");
}

static void without_the_rule(void)
{
	struct vmm vmm;
	char want[64];

	snprintf(want, sizeof(want), "read %#llx, which is not ours",
		 host_word());
	set_rule(true);
	ok(!run_guest(&vmm, CASE_ONE, VSYSCALL) && strstr(reason(&vmm), want),
	   "without the rule the guest reads the host's vsyscall page");
	diag("%s", reason(&vmm));
	vmm_destroy(&vmm);
	set_rule(false);
	keeps_its_page(VSYSCALL, "with the rule again");
}

/* A guest with nothing at all in the high half. */
static void has_no_page(void)
{
	struct vmm vmm;

	run_guest(&vmm, CASE_NONE, VSYSCALL);
	if (!ok(vmm.run->exit == LG_EXIT_KILLED && vmm.run->trap == 14,
		"a guest without a page there does not see the host's"))
		diag("%s", reason(&vmm));
	vmm_destroy(&vmm);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: pge host-addresses.elf\n");
		return 2;
	}
	elf = argv[1];
	if (access(BREAK_RULE, W_OK))
		bail_out(BREAK_RULE ": is this the debug module?");
	diag("the host's vsyscall page begins with %#llx", host_word());
	with_the_rule();
	without_the_rule();
	has_no_page();
	return tap_end();
}
