// SPDX-License-Identifier: GPL-2.0-only
/*
 * init.c - the first process of a Linux guest, and all that runs in it
 *
 * It is linked statically and alone in its initramfs, so that what is tried is
 * the kernel, and through it the hypervisor.  Each group of checks is a process;
 * one that dies is a failed check and not the end.  Of the command line's words
 * checks= names one group, which then is alone with the last, or none.  At the end
 * it does what end= says: off, restart, panic, halt; heard, after a line has been
 * typed; or button.
 *
 * Start at main(); the groups are in the files beside this one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "checks.h"

/* Counted in memory that all processes share. */
static unsigned int *count;

/* ---- TAP ---- */

static void verdict(int pass, const char *fmt, va_list args)
{
	printf("%sok %u - ", pass ? "" : "not ", ++*count);
	vprintf(fmt, args);
	printf("\n");
}

int ok(int pass, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	verdict(pass, fmt, args);
	va_end(args);
	return pass;
}

int is(unsigned long long got, unsigned long long want, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	verdict(got == want, fmt, args);
	va_end(args);
	if (got != want)
		diag("got %llu (%#llx), want %llu (%#llx)", got, got, want,
		     want);
	return got == want;
}

void skip(unsigned int checks, const char *why)
{
	while (checks--)
		printf("ok %u # SKIP %s\n", ++*count, why);
}

void diag(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# ");
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
}

/* ---- */

static void group(const char *name, void (*checks)(void))
{
	int status = -1;
	pid_t child = fork();

	if (!child) {
		checks();
		_exit(0);
	}
	if (child > 0)
		waitpid(child, &status, 0);
	ok(!status, "%s: came to its end (status %#x)", name,
	   (unsigned int)status);
}

/* The log is the last thing that is looked at. */
static void groups(const char *only)
{
	static const struct {
		const char *name;
		void (*checks)(void);
	} all[] = {
		{ "faults", check_faults },   { "state", check_state },
		{ "ldt", check_ldt },         { "trace", check_trace },
		{ "process", check_process }, { "time", check_time },
		{ "compat", check_compat },   { "cpus", check_cpus },
		{ "machine", check_machine },
	};
	unsigned int i;

	if (!strcmp(only, "none"))
		return;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!*only || !strcmp(only, all[i].name) ||
		    !strcmp("machine", all[i].name))
			group(all[i].name, all[i].checks);
	printf("1..%u\n", *count);
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

const char *word(const char *start)
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

/* The terminal's own echo is off, so that it is us who have heard it. */
static void repeat_line(void)
{
	struct termios mode;
	char line[80];

	tcgetattr(0, &mode);
	mode.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(0, TCSANOW, &mode);
	printf("init: listening\n");
	if (fgets(line, sizeof(line), stdin))
		printf("init: heard %s", line);
}

/* The kernel starts /sbin/poweroff, and that ends it. */
static void wait_for_button(void)
{
	printf("init: waiting for the button\n");
	for (;;)
		pause();
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
	if (!strcmp(how, "heard"))
		repeat_line();
	if (!strcmp(how, "button"))
		wait_for_button();
	reboot(RB_POWER_OFF);
}

int main(int argc, char **argv)
{
	(void)argc;
	/* The kernel's orderly_poweroff() runs a program of this name. */
	if (strstr(argv[0], "poweroff")) {
		reboot(RB_POWER_OFF);
		return 1;
	}
	make_folders();
	open_console();
	setvbuf(stdout, NULL, _IOLBF, 0);
	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (count == MAP_FAILED)
		printf("Bail out! mmap: %s\n", strerror(errno));
	groups(word("checks="));
	end(word("end="));
	for (;;)
		pause();
}
