// SPDX-License-Identifier: GPL-2.0-only
/*
 * peers.c - what Linux asks of the machine below it, an operation at a time
 *
 *	peers [restart]		as the first process of a kernel: all operations
 *	peers -m		a mark, and nothing else
 *	peers -x		nothing at all: this is what is executed
 *
 * The same file is the first process natively, as our guest and as Xen's, alone
 * in its initramfs with busybox.  It knows nothing of numbers: each operation
 * stands between two marks, and what lies between them is counted from outside,
 * by cr3_plugin.c.  So the count is whole, hypervisor and all, and neither a
 * clock nor idle time has a say in it.  Its first mark is that init runs.
 *
 * "begin" and "end" are lines for `osrun -s`, whose counts follow each; last is
 * "NAME ROUNDS".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mark.h"

#define PAGE  4096UL
#define PAGES 2048

struct op {
	const char *name;
	unsigned int rounds;
	void (*prepare)(void);
	void (*run)(unsigned int rounds);
	void (*finish)(void);
};

static void die(const char *what)
{
	perror(what);
	reboot(RB_AUTOBOOT);
	_exit(1);
}

static void nothing(void)
{
}

static void expect_child(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) < 0 || status)
		die("child");
}

/* ---- calls and processes ---- */

static void getpids(unsigned int rounds)
{
	while (rounds--)
		syscall(SYS_getpid);
}

static void forks(unsigned int rounds)
{
	pid_t child;

	while (rounds--) {
		child = fork();
		if (!child)
			_exit(0);
		expect_child(child);
	}
}

static void run_program(const char *path, const char *a, const char *b)
{
	pid_t child = fork();

	if (!child) {
		execl(path, path, a, b, NULL);
		_exit(1);
	}
	expect_child(child);
}

static void execs(unsigned int rounds)
{
	while (rounds--)
		run_program("/init", "-x", NULL);
}

/* What a shell does with itself, and a program of ours in each turn. */
static void shell(unsigned int rounds, const char *body)
{
	char script[200];

	snprintf(script, sizeof(script),
		 "i=0; while [ $i -lt %u ]; do i=$((i + 1)); %s; done", rounds,
		 body);
	run_program("/bin/sh", "-c", script);
}

static void shell_turns(unsigned int rounds)
{
	shell(rounds, ":");
}

static void shell_programs(unsigned int rounds)
{
	shell(rounds, "/init -x");
}

/* ---- two who talk ---- */

static int there[2], back[2];
static pid_t partner;

static void start_partner(void)
{
	char byte;

	if (pipe(there) || pipe(back))
		die("pipe");
	partner = fork();
	if (!partner) {
		close(there[1]);
		close(back[0]);
		while (read(there[0], &byte, 1) == 1 &&
		       write(back[1], &byte, 1) == 1)
			;
		_exit(0);
	}
	close(there[0]);
	close(back[1]);
}

/* Each of ours is there and back: two switches. */
static void switches(unsigned int rounds)
{
	char byte = 0;

	for (; rounds; rounds -= 2) {
		if (write(there[1], &byte, 1) != 1 ||
		    read(back[0], &byte, 1) != 1)
			die("pipe");
	}
}

static void end_partner(void)
{
	close(there[1]);
	close(back[0]);
	expect_child(partner);
}

/* ---- memory ---- */

static char *area;

static void get_area(void)
{
	void *start = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		die("mmap");
	madvise(start, PAGES * PAGE, MADV_NOHUGEPAGE);
	area = start;
}

static void drop_area(void)
{
	munmap(area, PAGES * PAGE);
}

static void touch(unsigned int pages)
{
	unsigned int i;

	for (i = 0; i < pages; i++)
		*(volatile char *)&area[i * PAGE] = 1;
}

static void get_used_area(void)
{
	get_area();
	touch(PAGES);
}

/* Write to what a child still has: each page is copied, or found to be ours. */
static void copies(unsigned int pages)
{
	pid_t child = fork();

	if (!child) {
		touch(pages);
		_exit(0);
	}
	expect_child(child);
}

static void protect(unsigned int rounds)
{
	for (; rounds; rounds--) {
		mprotect(area, PAGE, PROT_READ);
		mprotect(area, PAGE, PROT_READ | PROT_WRITE);
		touch(1);
	}
}

/* Map, touch and unmap, four at once: nothing lasts. */
#define STORM_PAGES 64

static void storm(unsigned int pages)
{
	pid_t children[4];
	unsigned int i, at;

	for (i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i])
			continue;
		for (at = 0; at < pages / 4; at += STORM_PAGES) {
			get_area();
			touch(STORM_PAGES);
			drop_area();
		}
		_exit(0);
	}
	for (i = 0; i < 4; i++)
		expect_child(children[i]);
}

static const struct op ops[] = {
	{ "getpid", 10000, nothing, getpids, nothing },
	{ "fork", 100, nothing, forks, nothing },
	{ "fork-exec", 100, nothing, execs, nothing },
	{ "pipe-switch", 2000, start_partner, switches, end_partner },
	{ "page-touch", PAGES, get_area, touch, drop_area },
	{ "mprotect-fault", 1000, get_used_area, protect, drop_area },
	{ "copy-on-write", PAGES, get_used_area, copies, drop_area },
	{ "fault-storm", 4 * PAGES, nothing, storm, nothing },
	{ "shell-loop", 5000, nothing, shell_turns, nothing },
	{ "shell-loop-programs", 50, nothing, shell_programs, nothing },
};

/* Once before it counts: the kernel has its pages, and the host them. */
static void measure(const struct op *op)
{
	op->prepare();
	op->run(op->rounds);
	op->finish();
	op->prepare();
	printf("begin\n");
	mark_begin();
	op->run(op->rounds);
	mark_end(0);
	printf("end\n");
	printf("%s %u\n", op->name, op->rounds);
	op->finish();
}

static void open_console(void)
{
	int fd;

	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	fd = open("/dev/console", O_RDWR);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/* The kernel leaves us the words that it does not know itself. */
static void end(char **argv)
{
	int how = RB_POWER_OFF;

	while (*++argv) {
		if (!strcmp(*argv, "restart"))
			how = RB_AUTOBOOT;
	}
	reboot(how);
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc > 1 && !strcmp(argv[1], "-x"))
		return 0;
	mark_begin();
	if (argc > 1 && !strcmp(argv[1], "-m"))
		return 0;
	open_console();
	printf("init\n");
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		measure(&ops[i]);
	printf("peers: done\n");
	end(argv);
	return 1;
}
