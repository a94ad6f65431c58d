// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - lguest-run: the process that a guest's vcpus run in
 *
 *	lguest-run --name NAME --report FD --memory BYTES --ram FD --kernel FD
 *		[--initrd FD] --cmdline FD --vcpu FD [--vcpu FD]...
 *		[--user NAME]
 *	lguest-run --resume --name NAME --report FD --vcpu FD [--vcpu FD]...
 *
 * lguestd starts one for each guest, and may end and be replaced while it goes
 * on.  The idea is to have next to nothing: when the guest's first instruction
 * runs this process has the descriptors of its vcpus, no privilege, no memory
 * of the guest's, and one ioctl that it may make.
 *
 * The order is what matters.  First we give up what we can, then we look at the
 * kernel, a file that may have been made to hurt whoever reads it; then we
 * give up the rest, and only then is anything run.  One packet on --report says
 * "running", and is answered with "go"; or it says "error: " and a sentence.
 * After that our exit status is all there is to say: enum run_status.
 *
 * With --resume the vcpus have run before, in another process that is gone,
 * and all that there is of the guest is in their descriptors.
 *
 * Where we stand: lguestd has made the VM, its RAM and its vcpus, and has
 * forked.  Everything happens in the order of main().
 *
 * Next: daemon/run/report.c
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "run.h"

#define FD_MAX 1024 /* descriptors we are given are below that */

enum option_id {
	OPT_NAME = 'a',
	OPT_REPORT,
	OPT_MEMORY,
	OPT_RAM,
	OPT_KERNEL,
	OPT_INITRD,
	OPT_CMDLINE,
	OPT_VCPU,
	OPT_USER,
	OPT_RESUME,
};

static const struct option options[] = {
	{ "name", required_argument, NULL, OPT_NAME },
	{ "report", required_argument, NULL, OPT_REPORT },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "ram", required_argument, NULL, OPT_RAM },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "cmdline", required_argument, NULL, OPT_CMDLINE },
	{ "vcpu", required_argument, NULL, OPT_VCPU },
	{ "user", required_argument, NULL, OPT_USER },
	{ "resume", no_argument, NULL, OPT_RESUME },
	{ NULL, 0, NULL, 0 },
};

static void usage(const char *option, const char *what)
{
	fprintf(stderr, "lguest-run: %s: %s; only lguestd should start it\n",
		option, what);
	exit(RUN_USAGE);
}

static uint64_t number(const char *option, const char *text)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno)
		usage(option, "not a number");
	return n;
}

/* One that is open, and is not where a program expects its own. */
static int descriptor(const char *option, const char *text)
{
	uint64_t fd = number(option, text);

	if (fd <= STDERR_FILENO || fd >= FD_MAX || fcntl((int)fd, F_GETFD) < 0)
		usage(option, "not an open descriptor from 3 to 1023");
	return (int)fd;
}

static void take_option(struct run *run, int id, const char *option)
{
	switch (id) {
	case OPT_NAME:
		run->name = optarg;
		break;
	case OPT_REPORT:
		run->report = descriptor(option, optarg);
		break;
	case OPT_MEMORY:
		run->ram_bytes = number(option, optarg);
		break;
	case OPT_RAM:
		run->ram = descriptor(option, optarg);
		break;
	case OPT_KERNEL:
		run->kernel = descriptor(option, optarg);
		break;
	case OPT_INITRD:
		run->initrd = descriptor(option, optarg);
		break;
	case OPT_CMDLINE:
		run->cmdline = descriptor(option, optarg);
		break;
	case OPT_VCPU:
		if (run->vcpu_count == LG_MAX_VCPUS)
			usage(option, "too many of them");
		run->vcpus[run->vcpu_count++] = descriptor(option, optarg);
		break;
	case OPT_USER:
		run->user = optarg;
		break;
	case OPT_RESUME:
		run->resume = true;
		break;
	default:
		exit(RUN_USAGE);
	}
}

static void take_options(struct run *run, int argc, char **argv)
{
	int id, index = 0;

	while ((id = getopt_long(argc, argv, "", options, &index)) != -1)
		take_option(run, id, options[index].name);
	if (optind != argc)
		usage(argv[optind], "not an option");
	if (!run->name || run->report < 0 || !run->vcpu_count)
		usage("name, report, vcpu", "all of them must be given");
	if (!run->resume && (!run->ram_bytes || run->ram < 0 ||
			     run->kernel < 0 || run->cmdline < 0))
		usage("memory, ram, kernel, cmdline", "all must be given");
}

static void close_all(const struct run *run)
{
	const int fds[] = { run->ram, run->kernel, run->initrd, run->cmdline };
	unsigned int i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

/* All that looks at files, and at what is in them. */
static int load(const struct run *run, struct why *why)
{
	static struct ram ram;
	struct lg_regs regs;
	uint64_t entry;

	if (ram_open(&ram, run->ram, run->ram_bytes, why) < 0 ||
	    boot_reserve(&ram, why) < 0 ||
	    kernel_load(&ram, run->kernel, &entry, why) < 0 ||
	    boot_fill(&ram, run, entry, &regs, why) < 0)
		return -1;
	return vcpus_start(run, &regs, why);
}

static int prepare(const struct run *run, struct why *why)
{
	if (sandbox_enter(run, why) < 0)
		return -1;
	if (!run->resume && load(run, why) < 0)
		return -1;
	close_all(run);
	if (vcpus_make(run, why) < 0)
		return -1;
	return sandbox_tighten(run, why);
}

static void on_term(int signal)
{
	(void)signal;
	_exit(RUN_ASKED);
}

int main(int argc, char **argv)
{
	struct run run = {
		.user = "_lguest",
		.report = -1,
		.ram = -1,
		.kernel = -1,
		.initrd = -1,
		.cmdline = -1,
	};
	struct sigaction term = { .sa_handler = on_term };
	struct why why = { "" };

	take_options(&run, argc, argv);
	sigaction(SIGTERM, &term, NULL);
	signal(SIGXFSZ, SIG_IGN); /* a write says it by itself */
	if (prepare(&run, &why) < 0) {
		report_error(&run, &why);
		return RUN_REPORTED;
	}
	if (report_running(&run) < 0 || report_await_go(&run) < 0)
		return RUN_REPORTED;
	close(run.report);
	vcpus_go();
	for (;;)
		pause();
}
