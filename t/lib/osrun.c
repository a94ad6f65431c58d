// SPDX-License-Identifier: GPL-2.0-only
/*
 * osrun.c - boots a kernel under lguest, as a daemon would
 *
 *	osrun [-bs] [-c CPUS] [-i INITRD] [-m MIB] [-t MS] KERNEL.elf [WORD...]
 *
 * The kernel wakes in 64-bit mode at its ELF entry, RAM mapped where it is,
 * with RSI at a page of boot_params: a memory map of one entry and the words as
 * its command line; INITRD is as high in RAM as it can be.  Each vcpu has a thread; all but the first wait inside of
 * LG_RUN until the guest wakes them.
 *
 * What the guest prints goes to stdout as it is, and stdin is what somebody
 * types; of all other tokens we know nothing, and say so, as a daemon would that
 * has no power button.  The last line is ours and
 * says how it ended, and so does the exit status: 0 off, 1 a crash, 3 again.
 * With -s each line of the guest's is followed by one of ours, lg.ko's counts,
 * and none is written before the end: this is for those who measure.  -b makes
 * a mark of theirs (t/bench/mark.h) when the guest begins.
 * If the guest says a plan of TAP, its console is a test's output.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <lguest/virtio.h>

#include "../bench/mark.h"
#include "vmm.h"

#define PAGE        4096
#define MAX_VCPUS   8
#define PARAMS_GPA  0x10000 /* a page of boot_params, and the words behind it */
#define CMDLINE_GPA (PARAMS_GPA + PAGE)

/* Where boot_params has what we fill in. */
#define BOOT_E820_COUNT 0x1e8
#define BOOT_LOADER     0x210
#define BOOT_INITRD     0x218 /* and its size, in the next word */
#define BOOT_CMDLINE    0x228
#define BOOT_SUBARCH    0x23c
#define BOOT_E820       0x2d0
#define SUBARCH_LGUEST  1

static struct vmm vmms[MAX_VCPUS];
static pthread_mutex_t ending = PTHREAD_MUTEX_INITIALIZER;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "osrun: %s: %s\n", what, why);
	exit(2);
}

static int want_counts;

static void say_counts(const struct vmm *vmm)
{
	const __u64 *stat = vmm->run->stat;

	printf("osrun: entries %llu hypercalls %llu queued %llu fills %llu",
	       stat[LG_STAT_ENTRIES], stat[LG_STAT_HYPERCALLS],
	       stat[LG_STAT_QUEUED], stat[LG_STAT_FILLS]);
	printf(" irqs %llu syscalls %llu switches %llu faults %llu\n",
	       stat[LG_STAT_IRQS], stat[LG_STAT_SYSCALLS],
	       stat[LG_STAT_SWITCHES], stat[LG_STAT_FAULTS]);
}

/* ---- tokens ---- */

static struct {
	pthread_mutex_t lock;
	unsigned int vector; /* 0: nobody wants to know */
	unsigned char bytes[4096]; /* that nobody has asked for */
	unsigned int head, tail;
} input = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* What is typed, as it comes: an interrupt where there was none. */
static void take_input(const unsigned char *bytes, ssize_t n)
{
	struct lg_interrupt call = { .vcpu = 0 };
	unsigned int before;

	pthread_mutex_lock(&input.lock);
	before = input.head - input.tail;
	while (n-- > 0 && input.head - input.tail < sizeof(input.bytes))
		input.bytes[input.head++ % sizeof(input.bytes)] = *bytes++;
	call.vector = input.vector;
	pthread_mutex_unlock(&input.lock);
	if (!before && call.vector)
		ioctl(vmms[0].vm, LG_INTERRUPT, &call);
}

static void *watch_input(void *arg)
{
	unsigned char bytes[512];
	ssize_t n;

	while ((n = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
		take_input(bytes, n);
	return arg;
}

/* The first question starts the thread: a guest that does not ask costs none. */
static __u64 set_input(unsigned int vector)
{
	static int watched;
	pthread_t thread;

	pthread_mutex_lock(&input.lock);
	input.vector = vector;
	pthread_mutex_unlock(&input.lock);
	if (!watched++ && pthread_create(&thread, NULL, watch_input, NULL))
		die("pthread_create", "no thread for input");
	return 0;
}

static __u64 get_input(void)
{
	__u64 byte = LGUEST_TOKEN_UNKNOWN;

	pthread_mutex_lock(&input.lock);
	if (input.head != input.tail)
		byte = input.bytes[input.tail++ % sizeof(input.bytes)];
	pthread_mutex_unlock(&input.lock);
	return byte;
}

static __u64 answer_to(__u64 token)
{
	switch (want_counts ? 0 : LGUEST_TOKEN_WHAT(token)) {
	case LGUEST_TOKEN_INPUT:
		return set_input((unsigned int)LGUEST_TOKEN_ARG(token));
	case LGUEST_TOKEN_GETC:
		return get_input();
	}
	return LGUEST_TOKEN_UNKNOWN;
}

/* lg.ko's answer was 0 when it came to us; the guest has not seen it yet. */
static int on_token(struct vmm *vmm, __u64 token)
{
	struct lg_regs regs;

	if (vmm_get_regs(vmm, &regs) < 0)
		return -1;
	regs.rax = answer_to(token);
	return vmm_set_regs(vmm, &regs);
}

static void on_console(struct vmm *vmm, const char *text)
{
	fputs(text, stdout);
	if (want_counts && *text && text[strlen(text) - 1] == '\n')
		say_counts(vmm);
	if (!want_counts)
		fflush(stdout);
}

/* Waiting, to write or to have a page of ours read, would count as the guest's. */
static void prepare_counts(void)
{
	static char buffer[1 << 20];

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	if (mlockall(MCL_CURRENT) < 0)
		die("mlockall", strerror(errno));
	want_counts = 1;
}

/* The first vcpu to come to an end ends all of it. */
static void *run(void *arg)
{
	struct vmm *vmm = arg;
	const char *reason = "", *at;
	int end = vmm_run(vmm), status = 2;
	__u64 how;

	pthread_mutex_lock(&ending);
	how = vmm->run->data[0];
	if (end == LG_EXIT_SHUTDOWN) {
		at = vmm_at(vmm, vmm->run->data[1], 1);
		reason = at ? at : "no reason";
		status = how == LGUEST_SHUTDOWN_POWEROFF  ? 0
			 : how == LGUEST_SHUTDOWN_RESTART ? 3
							  : 1;
	}
	printf("osrun: %s: %s\n", vmm_why(vmm), reason);
	fflush(stdout);
	_exit(status);
}

static void fill_params(struct vmm *vmm, char **words)
{
	__u8 *params = vmm_at(vmm, PARAMS_GPA, 2 * PAGE);
	char *line = (char *)params + PAGE;
	const __u32 cmdline = CMDLINE_GPA, subarch = SUBARCH_LGUEST, ram = 1;
	const __u64 start = 0, bytes = vmm->ram_bytes;
	size_t len = 0;

	params[BOOT_E820_COUNT] = 1;
	memcpy(params + BOOT_CMDLINE, &cmdline, sizeof(cmdline));
	memcpy(params + BOOT_SUBARCH, &subarch, sizeof(subarch));
	memcpy(params + BOOT_E820, &start, sizeof(start));
	memcpy(params + BOOT_E820 + 8, &bytes, sizeof(bytes));
	memcpy(params + BOOT_E820 + 16, &ram, sizeof(ram));
	for (; *words; words++)
		len += (size_t)snprintf(line + len, PAGE - len, "%s%s",
					len ? " " : "", *words);
	vmm->regs.rsi = PARAMS_GPA;
}

/* As high as it can be, below the page tables. */
static void load_initrd(struct vmm *vmm, const char *path)
{
	__u8 *params = vmm_at(vmm, PARAMS_GPA, PAGE);
	FILE *file = fopen(path, "r");
	__u32 place[2];
	long bytes;

	if (!file || fseek(file, 0, SEEK_END) || (bytes = ftell(file)) < 0)
		die(path, strerror(errno));
	rewind(file);
	if ((__u64)bytes > vmm->root)
		die(path, "does not fit in the guest's memory");
	place[0] = (__u32)((vmm->root - (__u64)bytes) & ~(PAGE - 1ULL));
	place[1] = (__u32)bytes;
	if (fread(vmm->ram + place[0], 1, place[1], file) != place[1])
		die(path, "cannot be read");
	params[BOOT_LOADER] = 0xff; /* of no name, but one that can do it */
	memcpy(params + BOOT_INITRD, place, sizeof(place));
	fclose(file);
}

/* Another vcpu of the same machine, down until the guest wakes it. */
static void add_vcpu(struct vmm *vmm, unsigned int id)
{
	struct lg_vcpu_create create = { .id = id };
	void *page;

	*vmm = vmms[0];
	vmm->regs_written = 1;
	vmm->vcpu = ioctl(vmm->vm, LG_VCPU_CREATE, &create);
	if (vmm->vcpu < 0)
		die("LG_VCPU_CREATE", strerror(errno));
	page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, vmm->vcpu, 0);
	if (page == MAP_FAILED)
		die("vcpu: mmap", strerror(errno));
	vmm->run = page;
}

int main(int argc, char **argv)
{
	struct vmm_options options = { .ram_bytes = 64ULL << 20 };
	const char *initrd = NULL;
	unsigned int vcpus = 1, i;
	pthread_t thread;
	int opt, mark = 0;

	while ((opt = getopt(argc, argv, "bc:i:m:st:")) != -1) {
		if (opt == 'c')
			vcpus = (unsigned int)atoi(optarg);
		else if (opt == 'i')
			initrd = optarg;
		else if (opt == 'm')
			options.ram_bytes = strtoull(optarg, NULL, 10) << 20;
		else if (opt == 's')
			prepare_counts();
		else if (opt == 'b')
			mark = 1;
		else if (opt == 't')
			options.limit_ms = (unsigned int)atoi(optarg);
		else
			return 2;
	}
	if (optind == argc || !vcpus || vcpus > MAX_VCPUS) {
		fprintf(stderr,
			"usage: osrun [-bs] [-c CPUS] [-i INITRD] [-m MIB] "
			"[-t MS] KERNEL.elf [WORD...]\n");
		return 2;
	}
	options.large_pages = 1;
	if (vmm_create(&vmms[0], &options) < 0 ||
	    vmm_load(&vmms[0], argv[optind]) < 0)
		die(argv[optind], vmm_why(&vmms[0]));
	fill_params(&vmms[0], argv + optind + 1);
	if (initrd)
		load_initrd(&vmms[0], initrd);
	vmms[0].on_console = on_console;
	vmms[0].on_notify = on_token;
	for (i = 1; i < vcpus; i++)
		add_vcpu(&vmms[i], i);
	for (i = 1; i < vcpus; i++) {
		if (pthread_create(&thread, NULL, run, &vmms[i]))
			die("pthread_create", "no thread for a vcpu");
	}
	if (mark)
		mark_begin();
	run(&vmms[0]);
	return 2;
}
