// SPDX-License-Identifier: GPL-2.0-only
/*
 * init.c - the first process of a Linux guest, and all that runs in it
 *
 * It is linked statically and alone in its initramfs, so that what is tried is
 * the kernel, and through it the hypervisor.  Each group of checks is a process;
 * one that dies is a failed check and not the end.  At last it does what the
 * word end= of the command line says: off, restart, panic, or halt.
 *
 * Start at main(); the groups are in the files beside this one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"

/* What tap.h counts in each process, for all of them. */
static struct totals {
	unsigned int count, failed;
} *totals;

static void group(const char *name, void (*checks)(void))
{
	int status = -1;
	pid_t child = fork();

	if (!child) {
		tap_count = totals->count;
		tap_failed = totals->failed;
		checks();
		totals->count = tap_count;
		totals->failed = tap_failed;
		_exit(0);
	}
	if (child > 0)
		waitpid(child, &status, 0);
	tap_count = totals->count;
	tap_failed = totals->failed;
	ok(!status, "%s: came to its end (status %#x)", name, status);
	totals->count = tap_count;
	totals->failed = tap_failed;
}

static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR);

	if (fd < 0)
		return;
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (fd > 2)
		close(fd);
}

static void make_folders(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mkdir("/tmp", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
}

const char *line_of(const char *path, const char *start)
{
	static char line[4096];
	FILE *file = fopen(path, "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line + strspn(line, " "), start, strlen(start))) {
			fclose(file);
			return line;
		}
	}
	if (file)
		fclose(file);
	return NULL;
}

/* The word of the command line that begins so, or "". */
static const char *word(const char *start)
{
	static char line[4096];
	const char *from = line_of("/proc/cmdline", "");
	char *at, *save = NULL;

	snprintf(line, sizeof(line), "%s", from ? from : "");
	for (at = strtok_r(line, " \n", &save); at;
	     at = strtok_r(NULL, " \n", &save)) {
		if (!strncmp(at, start, strlen(start)))
			return at + strlen(start);
	}
	return "";
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		diag("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void end(const char *how)
{
	sync();
	if (!strcmp(how, "restart"))
		reboot(RB_AUTOBOOT);
	if (!strcmp(how, "panic"))
		write_text("/proc/sysrq-trigger", "c");
	if (!strcmp(how, "halt"))
		reboot((int)RB_HALT_SYSTEM);
	if (!strcmp(how, "button"))
		for (;;)
			pause(); /* /sbin/poweroff is who ends it */
	reboot(RB_POWER_OFF);
}

int main(int argc, char **argv)
{
	const char *only;

	(void)argc;
	/* The kernel's orderly_poweroff() runs a program of this name. */
	if (strstr(argv[0], "poweroff")) {
		reboot(RB_POWER_OFF);
		return 1;
	}
	make_folders();
	open_console();
	setvbuf(stdout, NULL, _IOLBF, 0);
	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (totals == MAP_FAILED)
		bail_out("mmap: %s", strerror(errno));
	only = word("checks=");
	if (strcmp(only, "none")) {
		group("faults", check_faults);
		group("state", check_state);
		group("trace", check_trace);
		group("process", check_process);
		group("time", check_time);
		group("compat", check_compat);
		group("machine", check_machine);
		plan(tap_count);
	}
	end(word("end="));
	for (;;)
		pause();
}
