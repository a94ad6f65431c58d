// SPDX-License-Identifier: GPL-2.0-only
/*
 * nmi.c - what one CPU asks another that does not answer
 */
#include "test.h"

#define PATIENCE (60 * NS_PER_S)

static volatile u64 came, depth, deepest, from_user, flags_seen;
static volatile u64 spinning, let_go;
static volatile u64 storming, sent;

static void note(struct regs *regs)
{
	came++;
	from_user += (regs->cs & 3) != 0;
	flags_seen = regs->rflags;
}

/* Waits until *word is `want`, or for so long that it never will be. */
static int comes(const volatile u64 *word, u64 want)
{
	u64 give_up = clock_ns() + PATIENCE;

	while (*word < want && clock_ns() < give_up)
		asm volatile("pause");
	return *word >= want;
}

static void spin_deaf(u64 arg)
{
	(void)arg;
	irq_disable();
	spinning = 1;
	while (!let_go)
		asm volatile("pause");
	irq_enable();
}

static void deaf_cpu(void)
{
	int pid = thread_create("deaf", spin_deaf, 0, 2);

	nmi_set_handler(note);
	ok(comes(&spinning, 1), "nmi: a CPU has turned interrupts off");
	nmi_send(1);
	ok(comes(&came, 1), "LGUEST_IPI_NMI: it comes all the same");
	is(flags_seen & RFLAGS_IF, 0, "nmi: and says that they were off");
	nmi_send(1);
	ok(comes(&came, 2), "LHCALL_IRET: after one there can be another");
	let_go = 1;
	proc_wait_for(pid);
	is(percpus[1].nmis, 2, "nmi: that CPU had them");
	is(percpus[0].nmis, 0, "nmi: and no other");
}

/* The first one sends itself another, and looks whether it comes inside. */
static void nest(struct regs *regs)
{
	u64 i;

	(void)regs;
	depth++;
	deepest = depth > deepest ? depth : deepest;
	if (++came == 1) {
		nmi_send(0);
		for (i = 0; i < 100000; i++)
			asm volatile("pause");
	}
	depth--;
}

static void nested(void)
{
	came = 0;
	nmi_set_handler(nest);
	nmi_send(0);
	ok(comes(&came, 2), "LGUEST_IPI_NMI: two to oneself both come");
	is(deepest, 1, "LHCALL_IRET: and the second after the first");
	nmi_set_handler(note);
}

static void idle_cpu(void)
{
	came = 0;
	sleep_ns(10 * MS);
	nmi_send(1);
	ok(comes(&came, 1), "lguest_safe_halt: a CPU that sleeps has it");
}

/*
 * One at a time, for as long as somebody wants.  One that waits when the last is
 * handled comes before the next instruction, so if this CPU is as quick as that
 * the other does nothing else.
 */
static void storm(u64 arg)
{
	u64 before, i;

	(void)arg;
	while (storming) {
		before = came;
		nmi_send(1);
		if (!comes(&came, before + 1))
			break;
		sent++;
		for (i = 0; i < 2000; i++)
			asm volatile("pause");
	}
}

static void stormy(const char *program, const char *what, const char *name)
{
	int pid;

	storming = 1;
	pid = thread_create("storm", storm, 0, 1);
	runs(program, what, 0, name);
	storming = 0;
	proc_wait_for(pid);
}

static void storms(void)
{
	came = from_user = 0;
	stormy("state", "regs", "nmi: a storm loses no register");
	stormy("state", "copies", "nmi: nor a page fault");
	stormy("calls", "forks", "nmi: nor a system call");
	is(came, sent, "nmi: none is lost");
	ok(from_user > 0, "nmi: some struck a process");
	ok(came > from_user, "nmi: and some the kernel");
}

void init_thread(void)
{
	is(cpus_online, 2, "VCPU_UP: both CPUs are up");
	deaf_cpu();
	nested();
	idle_cpu();
	storms();
	done_testing();
}
