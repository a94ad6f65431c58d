// SPDX-License-Identifier: GPL-2.0-only
/*
 * lgrun.c - runs the cases of a test guest and speaks TAP
 *
 *	lgrun GUEST.elf			every case
 *	lgrun GUEST.elf NAME...		those whose sentence has NAME in it
 *	lgrun -l GUEST.elf		say what there is
 *	lgrun -t MS GUEST.elf ...	give each guest no longer than that
 *
 * Each case, and each step of it, gets a fresh virtual machine, so that none
 * can profit or suffer from another.  How a case has to end is in struct
 * guest_case of t/guest/case.h: a guest that ends any other way has failed, and
 * a guest that does not end has failed too.
 *
 * Start at main(), then run_way(), run_step() and differs().
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../guest/case.h"
#include "tap.h"
#include "vmm.h"

#define MANY_STEPS    64
#define SHOW_FAILURES 3 /* of one case's steps; the rest are counted */

/* The guest's file, in memory, and the cases in it. */
static struct {
	const char *path;
	const __u8 *bytes;
	size_t len;
	const struct guest_case *cases;
	__u64 cases_gpa;
	unsigned int count;
} image;

static unsigned int limit_ms; /* 0: vmm.h's */

/* One guest: which case it runs, and why it failed. */
struct attempt {
	unsigned int number, step;
	bool direct;
	struct guest_case said; /* the case, as the guest left it */
	char complaint[1024];
};

#define COMPLAIN(attempt, ...)                                       \
	snprintf((attempt)->complaint, sizeof((attempt)->complaint), \
		 __VA_ARGS__)

static const void *image_at(size_t offset, size_t bytes)
{
	if (offset > image.len || bytes > image.len - offset)
		bail_out("%s: not a whole ELF file", image.path);
	return image.bytes + offset;
}

static void find_cases(void)
{
	const Elf64_Ehdr *ehdr = image_at(0, sizeof(*ehdr));
	const Elf64_Shdr *shdrs, *names;
	const char *name;
	size_t i;

	shdrs = image_at(ehdr->e_shoff, ehdr->e_shnum * sizeof(*shdrs));
	names = &shdrs[ehdr->e_shstrndx];
	for (i = 0; i < ehdr->e_shnum; i++) {
		name = image_at(names->sh_offset + shdrs[i].sh_name, 1);
		if (strcmp(name, ".cases"))
			continue;
		image.cases = image_at(shdrs[i].sh_offset, shdrs[i].sh_size);
		image.cases_gpa = shdrs[i].sh_addr;
		image.count =
			(unsigned int)(shdrs[i].sh_size / sizeof(*image.cases));
		return;
	}
	bail_out("%s: has no section .cases", image.path);
}

/* The text at a link-time address, as the file has it. */
static const char *text_at(__u64 addr)
{
	const Elf64_Ehdr *ehdr = image_at(0, sizeof(*ehdr));
	const Elf64_Phdr *phdrs, *p;
	size_t i;

	phdrs = image_at(ehdr->e_phoff, ehdr->e_phnum * sizeof(*phdrs));
	for (i = 0; i < ehdr->e_phnum; i++) {
		p = &phdrs[i];
		if (addr >= p->p_vaddr && addr - p->p_vaddr < p->p_filesz)
			return image_at(p->p_offset + (addr - p->p_vaddr), 1);
	}
	bail_out("%s: a case has no name", image.path);
}

static void open_image(const char *path)
{
	struct stat st;
	void *bytes;
	int fd;

	image.path = path;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		bail_out("%s: %s (is it built?)", path, strerror(errno));
	image.len = (size_t)st.st_size;
	bytes = mmap(NULL, image.len, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED)
		bail_out("%s: mmap: %s", path, strerror(errno));
	image.bytes = bytes;
	find_cases();
}

/* Print each line of the guest's as a comment of ours. */
static void on_console(struct vmm *vmm, const char *text)
{
	static bool at_start = true;

	(void)vmm;
	for (; *text; text++) {
		if (at_start)
			fputs("# ", stdout);
		putchar(*text);
		at_start = *text == '\n';
	}
	fflush(stdout);
}

/*
 * Spoil what the guest would see if its registers were not kept for it.  It
 * stays spoilt, too: we have no use for these.
 */
static void scribble(void)
{
	static const __u32 mxcsr = 0x1fc0;
	static const __u16 fcw = 0x0f7f;

	asm volatile("pcmpeqd %%xmm0, %%xmm0\n\t"
		     "movdqa %%xmm0, %%xmm1\n\tmovdqa %%xmm0, %%xmm2\n\t"
		     "movdqa %%xmm0, %%xmm3\n\tmovdqa %%xmm0, %%xmm4\n\t"
		     "movdqa %%xmm0, %%xmm5\n\tmovdqa %%xmm0, %%xmm6\n\t"
		     "movdqa %%xmm0, %%xmm7\n\tmovdqa %%xmm0, %%xmm8\n\t"
		     "movdqa %%xmm0, %%xmm9\n\tmovdqa %%xmm0, %%xmm10\n\t"
		     "movdqa %%xmm0, %%xmm11\n\tmovdqa %%xmm0, %%xmm12\n\t"
		     "movdqa %%xmm0, %%xmm13\n\tmovdqa %%xmm0, %%xmm14\n\t"
		     "movdqa %%xmm0, %%xmm15\n\t"
		     "fninit\n\tfld1\n\tfldpi\n\tfldcw %1\n\tldmxcsr %0"
		     :
		     : "m"(mxcsr), "m"(fcw)
		     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
		       "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
		       "xmm13", "xmm14", "xmm15", "memory");
}

/* A word that the host watches for us, and the descriptor of its watch. */
static __u64 watched __attribute__((aligned(4096)));
static int watch_fd = -1;

/* watch - have each write of this program to the word counted; 0 or -1 */
static int watch(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (__u64)(uintptr_t)&watched,
		.bp_len = HW_BREAKPOINT_LEN_8,
	};

	if (watch_fd >= 0)
		close(watch_fd);
	watch_fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	return watch_fd < 0 ? -1 : 0;
}

/* seen_by_watch - write the word once; how many writes have been seen */
static __u64 seen_by_watch(void)
{
	__u64 count;

	*(volatile __u64 *)&watched = 1;
	if (read(watch_fd, &count, sizeof(count)) != sizeof(count))
		count = ~0ULL;
	close(watch_fd);
	watch_fd = -1;
	return count;
}

/* LG_STATE_LDT read and written back. */
static int same_ldt(struct vmm *vmm)
{
	static struct lg_ldt ldt;
	struct lg_state state = {
		.type = LG_STATE_LDT,
		.bytes = sizeof(ldt),
		.addr = (__u64)(uintptr_t)&ldt,
	};

	return ioctl(vmm->vcpu, LG_STATE_GET, &state) ||
	       ioctl(vmm->vcpu, LG_STATE_SET, &state);
}

static int on_notify(struct vmm *vmm, __u64 token)
{
	struct attempt *attempt = vmm->arg;
	__u64 gpa = image.cases_gpa + attempt->number * sizeof(*image.cases);
	struct guest_case *in_guest = vmm_at(vmm, gpa, sizeof(*in_guest));
	__u32 arg = (__u32)token;
	struct lg_regs regs;

	switch (token >> 32 & 0x7fffffff) {
	case CASE_TOKEN_STAT:
		if (arg >= LG_STAT_COUNT)
			return -1;
		in_guest->answer = vmm->run->stat[arg];
		return 0;
	case CASE_TOKEN_SCRIBBLE:
		scribble();
		return 0;
	case CASE_TOKEN_STATE:
		if (vmm_get_regs(vmm, &regs) == 0 &&
		    vmm_set_regs(vmm, &regs) == 0 && same_ldt(vmm) == 0)
			return 0;
		COMPLAIN(attempt, "%s", vmm_why(vmm));
		return -1;
	case CASE_TOKEN_NOTHING:
		return 0;
	case CASE_TOKEN_WATCH:
		in_guest->answer = watch() < 0 ? 0 : (__u64)(uintptr_t)&watched;
		return 0;
	case CASE_TOKEN_WATCHED:
		in_guest->answer = seen_by_watch();
		return 0;
	}
	return -1;
}

/* Was that the way to go?  Leaves a complaint if not. */
static void differs_kill(struct vmm *vmm, struct attempt *attempt)
{
	const struct guest_case *want = &attempt->said;
	const struct lg_run *run = vmm->run;

	if (run->trap != want->trap)
		COMPLAIN(attempt, "want trap %u; %s", want->trap, vmm_why(vmm));
	else if ((want->checks & CASE_CHECK_ERROR) &&
		 (run->trap_error ^ want->error) & want->error_mask)
		COMPLAIN(attempt, "want error %#llx (mask %#llx); %s",
			 want->error, want->error_mask, vmm_why(vmm));
	else if ((want->checks & CASE_CHECK_ADDR) &&
		 run->trap_addr != want->addr)
		COMPLAIN(attempt, "want address %#llx; %s", want->addr,
			 vmm_why(vmm));
	else if ((want->checks & CASE_CHECK_RIP) && run->rip != want->rip)
		COMPLAIN(attempt, "want rip %#llx; %s", want->rip,
			 vmm_why(vmm));
	else if ((want->checks & CASE_CHECK_MODE) && run->mode != want->mode)
		COMPLAIN(attempt, "want mode %u; %s", want->mode, vmm_why(vmm));
	else if (!strstr(run->why, want->why))
		COMPLAIN(attempt, "want '%s' in the reason; %s", want->why,
			 vmm_why(vmm));
	else if (!run->why[0])
		COMPLAIN(attempt, "killed without a reason: %s", vmm_why(vmm));
}

static void differs_shutdown(struct vmm *vmm, struct attempt *attempt)
{
	const char *reason = vmm_at(vmm, vmm->run->data[1], 1);

	if (vmm->run->data[0] == LGUEST_SHUTDOWN_CRASH)
		COMPLAIN(attempt, "%s",
			 reason && *reason ? reason
					   : "crashed, without reason");
	else if (vmm->run->data[0] != LGUEST_SHUTDOWN_POWEROFF)
		COMPLAIN(attempt, "%s", vmm_why(vmm));
	else if (attempt->said.end == CASE_KILLED)
		COMPLAIN(attempt, "want trap %u; it lived on",
			 attempt->said.trap);
}

/* differs - compare an end with what the case says it should be */
static void differs(struct vmm *vmm, int end, struct attempt *attempt)
{
	__u64 gpa = image.cases_gpa + attempt->number * sizeof(*image.cases);

	memcpy(&attempt->said, vmm_at(vmm, gpa, sizeof(attempt->said)),
	       sizeof(attempt->said));
	attempt->said.why[sizeof(attempt->said.why) - 1] = '\0';

	if (attempt->complaint[0])
		return;
	if (end == LG_EXIT_KILLED && attempt->said.end == CASE_KILLED)
		differs_kill(vmm, attempt);
	else if (end == LG_EXIT_SHUTDOWN)
		differs_shutdown(vmm, attempt);
	else
		COMPLAIN(attempt, "%s", vmm_why(vmm));
}

/* run_step - one guest from birth to verdict: an empty complaint is a pass */
static void run_step(struct attempt *attempt)
{
	const struct guest_case *c = &image.cases[attempt->number];
	struct vmm_options options = {
		.but_features = attempt->direct ? 0 : LG_FEATURE_DIRECT_SYSCALL,
		.large_pages = c->flags & CASE_LARGE,
		.shadow_pages = c->flags & CASE_TINY ? 1 : 0,
		.limit_ms = limit_ms,
	};
	struct vmm vmm;

	attempt->complaint[0] = '\0';
	if (vmm_create(&vmm, &options) < 0 ||
	    vmm_load_image(&vmm, image.bytes, image.len) < 0) {
		COMPLAIN(attempt, "%s", vmm_why(&vmm));
		vmm_destroy(&vmm);
		return;
	}
	vmm.regs.rdi = attempt->number;
	vmm.regs.rsi = attempt->step;
	vmm.on_console = on_console;
	vmm.on_notify = on_notify;
	vmm.arg = attempt;
	differs(&vmm, vmm_run(&vmm), attempt);
	vmm_destroy(&vmm);
}

/*
 * Of very many steps half are left out, unless LG_ROUNDS wants more: but not one
 * in three, nor, as these may be selectors, any of RPL 3.
 */
static bool left_out(unsigned int step, unsigned int steps)
{
	return steps > MANY_STEPS && rounds(1) == 1 && step % 3 &&
	       step % 4 != 3;
}

/* run_way - the steps of a case; one line of TAP */
static void run_way(unsigned int number, bool direct, const char *suffix)
{
	const struct guest_case *c = &image.cases[number];
	struct attempt attempt = { .number = number, .direct = direct };
	unsigned int steps = c->steps ? c->steps : 1, failed = 0;
	bool skipped = false;

	for (attempt.step = 0; attempt.step < steps; attempt.step++) {
		if (left_out(attempt.step, steps))
			continue;
		run_step(&attempt);
		if (attempt.complaint[0] && failed++ < SHOW_FAILURES)
			diag("step %u of %u: %s", attempt.step, steps,
			     attempt.complaint);
		skipped |= attempt.said.end == CASE_SKIPPED;
	}
	if (failed > SHOW_FAILURES)
		diag("%u of %u steps failed", failed, steps);
	if (skipped && !failed)
		skip(1, attempt.said.why);
	else
		ok(!failed, "%s%s", text_at(c->name), suffix);
}

static void run_case(unsigned int number)
{
	const __u32 flags = image.cases[number].flags;

	if (flags & CASE_BOTH_WAYS) {
		run_way(number, true, ", directly");
		run_way(number, false, ", the long way");
	} else {
		run_way(number, !(flags & CASE_LONG_WAY), "");
	}
}

static bool wanted(unsigned int number, char **words)
{
	const char *name = text_at(image.cases[number].name);

	if (!*words)
		return true;
	for (; *words; words++) {
		if (strstr(name, *words))
			return true;
	}
	return false;
}

/*
 * Cases about interrupts need some.  A CPU with nohz_full has none while one
 * thread runs there; CPU 0 never is such a CPU.
 */
static void stay_where_the_tick_is(void)
{
	char cpus[64] = "";
	FILE *file = fopen("/sys/devices/system/cpu/nohz_full", "r");
	cpu_set_t only;

	if (file && fgets(cpus, sizeof(cpus), file) && cpus[0] >= '0' &&
	    cpus[0] <= '9') {
		CPU_ZERO(&only);
		CPU_SET(0, &only);
		if (sched_setaffinity(0, sizeof(only), &only) < 0)
			bail_out("sched_setaffinity: %s", strerror(errno));
	}
	if (file)
		fclose(file);
}

int main(int argc, char **argv)
{
	unsigned int i, ran = 0;
	bool list = false;
	int opt;

	while ((opt = getopt(argc, argv, "lt:")) != -1) {
		list |= opt == 'l';
		if (opt == 't')
			limit_ms = (unsigned int)strtoul(optarg, NULL, 10);
		if (opt == '?')
			return 2;
	}
	if (optind == argc) {
		fprintf(stderr,
			"usage: lgrun [-l] [-t MS] GUEST.elf [NAME...]\n");
		return 2;
	}
	argv += optind;
	open_image(*argv++);
	stay_where_the_tick_is();
	for (i = 0; i < image.count; i++) {
		if (!wanted(i, argv))
			continue;
		ran++;
		if (list)
			printf("%s\n", text_at(image.cases[i].name));
		else
			run_case(i);
	}
	if (!ran)
		bail_out("%s: no such case", image.path);
	return list ? 0 : tap_end();
}
