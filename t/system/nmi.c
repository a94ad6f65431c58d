// SPDX-License-Identifier: GPL-2.0-only
/*
 * nmi.c - NMIs at a CPU that runs guests, and each of them counted
 *
 *	nmi [COUNT]	so many NMIs for each kind of guest; needs lgtest.ko
 *
 * Story: nmi-storm.t.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/tap.h"
#include "busy.h"

#define HIGH_BASE 0xffffffff81000000ULL

static const struct kind {
	const char *what;
	__u64 op, arg;
	int long_way;
} kinds[] = {
	{ "a loop in kernel mode", OP_SPIN, 0, 0 },
	{ "a loop in user mode", OP_USER_SPIN, 0, 0 },
	{ "hypercalls", OP_HYPERCALL, 0, 0 },
	{ "direct system calls", OP_SYSCALL, 0, 0 },
	{ "system calls the long way", OP_SYSCALL, 0, 1 },
	{ "direct page faults", OP_DENIED, 0, 0 },
	{ "the same the long way", OP_DENIED, 0, 1 },
	{ "page faults", OP_FAULT, 0, 0 },
	{ "page faults where the host has its text", OP_HIGH, HIGH_BASE, 0 },
	{ "notifications of the daemon", OP_NOTIFY, 0, 0 },
};

static unsigned int count = 1000;
static unsigned long long in_guest, in_switcher, aborts;

/* A storm, and what has to be true of every one. */
static void storm(int burst, const char *what)
{
	long long sent, seen, lost;
	char line[64];

	snprintf(line, sizeof(line), "%d %u %d", last_cpu(), count, burst);
	if (ask_lgtest("nmi", line) < 0)
		bail_out("lgtest: nmi '%s': %s", line, strerror(errno));
	sent = lgtest_number("nmi", "sent");
	seen = lgtest_number("nmi", "seen");
	lost = lgtest_number("nmi", "lost");
	diag("%s: %lld sent, %lld seen, %lld lost", what, sent, seen, lost);
	if (burst == 1)
		ok(sent == count && seen == sent && lost == 0,
		   "%s: every NMI is seen once", what);
	else
		ok(sent == count && seen <= sent && lost == 0,
		   "%s: no burst of NMIs goes unanswered", what);
}

static void storm_at(const struct kind *kind, int burst)
{
	struct vmm_options options = {
		.but_features = kind->long_way ? LG_FEATURE_DIRECT_SYSCALL : 0,
	};
	struct busy busy;
	char what[80];

	snprintf(what, sizeof(what), "%s%s", kind->what,
		 burst > 1 ? ", in bursts" : "");
	busy_create(&busy, kind->op, kind->arg, &options);
	busy_start(&busy, last_cpu());
	if (!busy_await(&busy, 1))
		bail_out("%s: the guest does not start", what);
	storm(burst, what);
	ok(busy_await(&busy, 1) && busy_stop(&busy),
	   "%s: the guest goes on as if nothing had been", what);
	in_guest += busy.vmm.run->stat[LG_STAT_NMIS];
	in_switcher += busy.vmm.run->stat[LG_STAT_SWITCHER_NMIS];
	aborts += busy.vmm.run->stat[LG_STAT_ABORTS];
	diag("%s: %llu struck the guest, %llu the Switcher", what,
	     busy.vmm.run->stat[LG_STAT_NMIS],
	     busy.vmm.run->stat[LG_STAT_SWITCHER_NMIS]);
	busy_destroy(&busy);
}

/* VMs that come and go, each for a few hypercalls. */
static bool churn_stop;
static unsigned int churned, churn_failures;

static void *churn(void *arg)
{
	struct busy busy;

	(void)arg;
	pin(last_cpu());
	while (!__atomic_load_n(&churn_stop, __ATOMIC_ACQUIRE)) {
		busy_create(&busy, OP_SHUTDOWN, 20, NULL);
		while ((busy.end = vmm_run_once(&busy.vmm)) == VMM_INTERRUPTED)
			;
		churn_failures += busy.end != LG_EXIT_SHUTDOWN;
		churned++;
		in_guest += busy.vmm.run->stat[LG_STAT_NMIS];
		in_switcher += busy.vmm.run->stat[LG_STAT_SWITCHER_NMIS];
		busy_destroy(&busy);
	}
	return NULL;
}

static void storm_at_churn(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, churn, NULL))
		bail_out("no thread");
	storm(1, "VMs that come and go");
	__atomic_store_n(&churn_stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	diag("%u VMs came and went", churned);
	ok(churned && !churn_failures, "all of them turned themselves off");
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc > 1)
		count = (unsigned int)atoi(argv[1]);
	if (last_cpu() < 1)
		skip_all("one CPU cannot send itself NMIs while it runs a "
			 "guest");
	pin(0);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		storm_at(&kinds[i], 1);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (i % 3 != 1)
			storm_at(&kinds[i], 3);
	storm_at_churn();
	ok(in_guest > 0, "some struck a guest (%llu)", in_guest);
	ok(in_switcher > 0, "some struck the Switcher itself (%llu)",
	   in_switcher);
	diag("%llu entries or direct paths were given up for one", aborts);
	return tap_end();
}
