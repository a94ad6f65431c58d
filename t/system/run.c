// SPDX-License-Identifier: GPL-2.0-only
/*
 * run.c - guests that lguest-run runs, and what it can do besides: see run.t
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "parent.h"
#include "tap.h"

#define KERNEL "build/guestos.elf"
#define MIB    (1ULL << 20)

static struct parent p;

static const char *console_has(const char *text)
{
	return strstr(p.console, text);
}

static void show_console(void)
{
	char *line, *rest = p.console;

	while ((line = strsep(&rest, "\n")) && rest)
		diag("%s", line);
	if (p.end.exit == LG_EXIT_KILLED)
		diag("killed: %.256s", p.end.why);
}

/* ---- a whole life ---- */

static void boot(unsigned int vcpus, const char *words, const char *cpus)
{
	int end;

	parent_make(&p, 64 * MIB, vcpus);
	parent_start(&p, KERNEL, words);
	is_str(parent_hear(&p), "running", "%u vcpus: the runner says so",
	       vcpus);
	end = parent_serve(&p, NULL);
	if (!is((unsigned int)end, LG_EXIT_SHUTDOWN, "the guest ends"))
		show_console();
	is(p.end.data[0], LGUEST_SHUTDOWN_POWEROFF, "by turning itself off");
	ok(console_has("guestos") && console_has(cpus) &&
		   console_has("hello, exec"),
	   "all of its programs have run, on %u vcpus", vcpus);
	is((unsigned int)parent_kill(&p, SIGTERM), 0,
	   "the runner ends when it is asked to");
	parent_end(&p);
}

/* ---- what is there to be found ---- */

/* A line of /proc/PID/status, without its name. */
static const char *status_of(const char *key)
{
	static char line[256];
	char path[64];
	FILE *file;
	size_t len = strlen(key);

	snprintf(path, sizeof(path), "/proc/%d/status", p.runner);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, len) || line[len] != ':')
			continue;
		fclose(file);
		line[strcspn(line, "\n")] = '\0';
		return line + len + 1 + strspn(line + len + 1, "\t ");
	}
	if (file)
		fclose(file);
	return "";
}

/* Lines of one of its files with a word in them. */
static unsigned int lines_with(const char *name, const char *word, long *sum)
{
	unsigned int count = 0;
	char path[400], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", p.runner, name);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strstr(line, word) || (sum && strncmp(line, word, 4)))
			continue;
		count++;
		if (sum)
			*sum += strtol(line + strcspn(line, ":") + 1, NULL, 10);
	}
	if (file)
		fclose(file);
	return count;
}

/* How many of its open files are what; NULL: beyond stdin, stdout, stderr. */
static unsigned int open_files(const char *what)
{
	char path[64], link[350], to[300];
	struct dirent *entry;
	unsigned int count = 0;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", p.runner);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(link, sizeof(link), "%s/%s", path, entry->d_name);
		n = readlink(link, to, sizeof(to) - 1);
		if (n < 0)
			continue;
		to[n] = '\0';
		count += what ? strstr(to, what) != NULL
			      : atoi(entry->d_name) > 2;
	}
	if (dir)
		closedir(dir);
	return count;
}

static void check_threads(void)
{
	unsigned int named = 0, filtered = 0;
	struct dirent *entry;
	char path[300];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", p.runner);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "task/%.20s/comm", entry->d_name);
		named += lines_with(path, "test/0\n", NULL) +
			 lines_with(path, "test/1\n", NULL);
		snprintf(path, sizeof(path), "task/%.20s/status",
			 entry->d_name);
		filtered += lines_with(path, "Seccomp_filters:\t2\n", NULL);
	}
	if (dir)
		closedir(dir);
	is(named, 2, "each vcpu's thread has its name");
	is(filtered, 3, "and both lists hold for all threads");
}

/* A guest that has booted, and waits. */
static void start_idle(unsigned int vcpus)
{
	parent_make(&p, 64 * MIB, vcpus);
	parent_start(&p, KERNEL, "init=clock");
	if (strcmp(parent_hear(&p), "running"))
		bail_out("runner: %s", p.packet);
	if (parent_serve(&p, "clock: line 1,") != PARENT_TEXT) {
		show_console();
		bail_out("guest: no clock");
	}
}

static void inspect(void)
{
	long pss = 0;

	start_idle(2);
	is_str(status_of("Uid"), "1000\t1000\t1000\t1000", "it is not root");
	is_str(status_of("Gid"), "1000\t1000\t1000\t1000", "nor of its group");
	is_str(status_of("Groups"), "", "nor of any other");
	is_str(status_of("CapEff"), "0000000000000000", "it has no capability");
	is_str(status_of("CapPrm"), "0000000000000000", "none to take up");
	is_str(status_of("CapBnd"), "0000000000000000", "none to be given");
	is_str(status_of("CapAmb"), "0000000000000000", "or handed on");
	is_str(status_of("NoNewPrivs"), "1", "and nothing can change that");
	is_str(status_of("Seccomp"), "2", "its system calls are filtered");
	is_str(status_of("Seccomp_filters"), "2", "by both lists");
	is_str(status_of("Threads"), "3", "it has a thread for each vcpu");
	is_str(status_of("SigBlk"), "0000000000000000",
	       "and one that signals can reach");
	check_threads();
	is(open_files("lguest-vcpu"), 2, "its open files are its vcpus");
	is(open_files(NULL), 2, "and there are no others");
	is(lines_with("maps", "memfd", NULL), 0,
	   "no memory of the guest's is mapped");
	is(lines_with("limits", "Max core file size        0 ", NULL), 1,
	   "it leaves no core");
	is(lines_with("limits", "Max open files            0 ", NULL), 1,
	   "and can open nothing");
	ok(lines_with("smaps_rollup", "Pss:", &pss) == 1,
	   "its memory is known");
	diag("memory of a runner with 2 vcpus, Pss: %ld KiB", pss);
	pss = 0;
	lines_with("smaps_rollup", "Private", &pss);
	diag("memory of its own: %ld KiB", pss);
	parent_end(&p);
}

/* ---- what it is not allowed ---- */

static void nap(long ns)
{
	struct timespec time = { ns / 1000000000, ns % 1000000000 };

	nanosleep(&time, NULL);
}

/* The runner's first thread, where it waits for ever: we have it by ptrace. */
static void stop_in_pause(struct user_regs_struct *regs)
{
	int status;

	for (;;) {
		if (ptrace(PTRACE_ATTACH, p.runner, NULL, NULL) < 0 ||
		    waitpid(p.runner, &status, 0) < 0 ||
		    ptrace(PTRACE_GETREGS, p.runner, NULL, regs) < 0)
			bail_out("ptrace: %s", strerror(errno));
		if (regs->orig_rax == SYS_pause)
			return;
		ptrace(PTRACE_DETACH, p.runner, NULL, NULL);
		nap(1000000);
	}
}

/* Have it make a system call; how it ends by that. */
static int make_call(long number, unsigned long a, unsigned long b)
{
	struct user_regs_struct regs;

	stop_in_pause(&regs);
	regs.rip -= 2; /* the instruction that it waits in */
	regs.rax = (unsigned long)number;
	regs.orig_rax = ~0UL; /* which is not to be made again */
	regs.rdi = a;
	regs.rsi = b;
	regs.rdx = regs.r10 = regs.r8 = regs.r9 = 0;
	if (ptrace(PTRACE_SETREGS, p.runner, NULL, &regs) < 0 ||
	    ptrace(PTRACE_DETACH, p.runner, NULL, NULL) < 0)
		bail_out("ptrace: %s", strerror(errno));
	return parent_wait(&p);
}

static const struct {
	const char *name;
	long number;
	unsigned long a, b;
} forbidden[] = {
	{ "openat", SYS_openat, 0, 0 },
	{ "socket", SYS_socket, 1, 1 },
	{ "execve", SYS_execve, 0, 0 },
	{ "clone", SYS_clone, 17, 0 },
	{ "mmap", SYS_mmap, 0, 4096 },
	{ "mprotect", SYS_mprotect, 0, 4096 },
	{ "ptrace", SYS_ptrace, 0, 0 },
	{ "kill", SYS_kill, 1, 9 },
	{ "prctl", SYS_prctl, 15, 0 },
	{ "seccomp", SYS_seccomp, 0, 0 },
	{ "write to another file", SYS_write, 1, 0 },
	{ "ioctl LG_STATE_SET", SYS_ioctl, 3, LG_STATE_SET },
	{ "ioctl LG_SLOT_ADD", SYS_ioctl, 3, LG_SLOT_ADD },
};

static void forbid(void)
{
	int status;
	size_t i;

	parent_make(&p, 16 * MIB, 1);
	for (i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		parent_start(&p, NULL, NULL);
		if (strcmp(parent_hear(&p), "running"))
			bail_out("runner: %s", p.packet);
		status = make_call(forbidden[i].number, forbidden[i].a,
				   forbidden[i].b);
		ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
		   "it is killed for %s", forbidden[i].name);
	}
	parent_start(&p, NULL, NULL);
	parent_hear(&p);
	status = make_call(SYS_exit_group, 42, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 42,
	   "what it may do it can do");
	parent_end(&p);
}

/* ---- how it can end ---- */

/* Long enough for most of the moments below to be of interest. */
static long time_to_run(void)
{
	struct timespec from, to;

	parent_make(&p, 64 * MIB, 1);
	clock_gettime(CLOCK_MONOTONIC, &from);
	parent_start(&p, KERNEL, "");
	parent_hear(&p);
	clock_gettime(CLOCK_MONOTONIC, &to);
	parent_end(&p);
	return (to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec -
	       from.tv_nsec;
}

/* Wherever it is killed, nothing is left of it, and another may go on. */
static void kill_anywhere(void)
{
	const long whole_ns = time_to_run();
	unsigned int seed = 1, loading = 0, running = 0, i;
	int status, bad = 0;

	for (i = 0; i < 40; i++) {
		parent_make(&p, 64 * MIB, 1 + i % 3);
		parent_start(&p, KERNEL, "");
		seed = seed * 1103515245 + 12345;
		nap((long)(seed >> 8) * 16 % whole_ns * 3);
		kill(p.runner, SIGKILL);
		status = parent_wait(&p);
		bad += !WIFSIGNALED(status);
		if (strcmp(parent_hear(&p), "running"))
			loading++;
		else
			running++;
		parent_end(&p);
	}
	is((unsigned int)bad, 0, "a runner can be killed at any moment");
	diag("%u while loading, %u while running", loading, running);
}

/* Many runners, one after the other: the guest notices none of it. */
static void hand_over(int signal, const char *how)
{
	int end = PARENT_SILENT, status = 0, i;
	char until[32];

	start_idle(2);
	for (i = 2; i < 5; i++) {
		status = parent_kill(&p, signal);
		parent_start(&p, NULL, NULL);
		if (strcmp(parent_hear(&p), "running"))
			break;
		snprintf(until, sizeof(until), "clock: line %d,", i);
		end = parent_serve(&p, until);
		if (end != PARENT_TEXT)
			break;
	}
	ok(i == 5, "the guest goes on in another runner, the first %s", how);
	if (i != 5)
		show_console();
	if (signal == SIGTERM)
		is((unsigned int)status, 0, "which ends with status 0");
	parent_end(&p);
}

/* Nobody has the VM, so nobody will ever answer. */
static void lose_vm(void)
{
	int status;

	start_idle(1);
	close(p.vm);
	status = parent_wait(&p);
	is((unsigned int)WEXITSTATUS(status), 5,
	   "a runner without a VM ends by itself");
	p.vm = -1;
	parent_end(&p);
}

/* What a guest is told and given from outside, by tokens. */
static void talk(void)
{
	parent_make(&p, 64 * MIB, 1);
	parent_start(&p, KERNEL, "init=shell");
	parent_hear(&p);
	is((unsigned int)parent_serve(&p, "> "), (unsigned int)PARENT_TEXT,
	   "a shell waits for input");
	p.input = "echo it is heard\r";
	parent_interrupt(&p, p.input_vector);
	is((unsigned int)parent_serve(&p, "it is heard\n> "),
	   (unsigned int)PARENT_TEXT, "and gets it");
	parent_interrupt(&p, p.power_vector);
	is((unsigned int)parent_serve(&p, NULL), LG_EXIT_SHUTDOWN,
	   "its power button ends it");
	ok(p.end.data[0] == LGUEST_SHUTDOWN_POWEROFF &&
		   console_has("power button: turning off"),
	   "in order");
	parent_end(&p);
}

static void end_badly(const char *words, __u64 how, const char *name)
{
	parent_make(&p, 64 * MIB, 2);
	parent_start(&p, KERNEL, words);
	parent_hear(&p);
	is((unsigned int)parent_serve(&p, NULL), LG_EXIT_SHUTDOWN,
	   "a guest with %s ends", words);
	is(p.end.data[0], how, "%s", name);
	parent_end(&p);
}

/* A daemon that dies before it says "go" leaves no guest behind. */
static void say_nothing(void)
{
	int status;

	parent_make(&p, 64 * MIB, 1);
	p.holds = 1;
	parent_start(&p, KERNEL, "");
	is_str(parent_hear(&p), "running", "a guest is ready");
	close(p.report);
	p.report = -1;
	status = parent_wait(&p);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 1,
	   "and its runner ends if nobody says \"go\"");
	is_str(p.console, "", "without having run anything");
	parent_end(&p);
}

static void refuse(void)
{
	int status;

	parent_make(&p, 16 * MIB, 1);
	parent_start(&p, "build/lg.ko", "");
	is_str(parent_hear(&p),
	       "error: kernel: is an ELF object or a kernel module; it must "
	       "be linked",
	       "a wrong kernel is refused with a sentence");
	status = parent_wait(&p);
	is((unsigned int)status, 1 << 8, "and status 1");
	parent_end(&p);
}

int main(void)
{
	boot(1, "", "cpus: 1");
	boot(4, "", "cpus: 4");
	inspect();
	forbid();
	talk();
	end_badly("init=crash", LGUEST_SHUTDOWN_CRASH, "by a crash");
	end_badly("init=reboot", LGUEST_SHUTDOWN_RESTART,
		  "to be started again");
	refuse();
	say_nothing();
	kill_anywhere();
	hand_over(SIGKILL, "killed");
	hand_over(SIGTERM, "asked to end");
	lose_vm();
	return tap_end();
}
