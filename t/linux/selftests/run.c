// SPDX-License-Identifier: GPL-2.0-only
/*
 * run.c - runs one of Linux's selftests, and tells what it says and how it ends
 *
 *	run LIMIT PROGRAM [ARG...]
 *
 * Its output is a terminal, so that what it says comes line by line, and is there
 * although it dies; what it reads is nothing.  Each of its lines is shown behind
 * a bar, and the last one of ours is "= HOW SECONDS": pass, skip, fail-STATUS,
 * signal-NUMBER, or time, which was up after LIMIT seconds.
 *
 * Children of its children keep the terminal open for as long as they like, so it
 * is the program's own end that is waited for, and then what is left is read.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int begun; /* a line that has not ended yet */

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static long now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec;
}

static void show(const char *bytes, ssize_t n)
{
	for (; n > 0; n--, bytes++) {
		if (!begun)
			fputs("| ", stdout);
		putchar(*bytes);
		begun = *bytes != '\n';
	}
	fflush(stdout);
}

/* All that is there; EIO is a terminal's way to say that nobody has it. */
static void relay(int terminal)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(terminal, bytes, sizeof(bytes))) > 0)
		show(bytes, n);
}

static int open_terminal(char *name, size_t bytes)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || grantpt(fd) || unlockpt(fd) || ptsname_r(fd, name, bytes))
		die("run: terminal");
	return fd;
}

/* Nobody's controlling terminal: there is none that a signal could come from. */
static void become(char **argv, const char *terminal)
{
	int in = open("/dev/null", O_RDONLY);
	int out = open(terminal, O_RDWR | O_NOCTTY);
	struct termios mode;

	if (in < 0 || out < 0 || tcgetattr(out, &mode))
		die(terminal);
	mode.c_oflag &= ~(tcflag_t)OPOST;
	tcsetattr(out, TCSANOW, &mode);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	close(in);
	close(out);
	execv(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

/* What kselftest.h has for statuses, as far as they differ for us. */
static void tell_end(int status, int late)
{
	if (WIFSIGNALED(status) && late)
		printf("= time");
	else if (WIFSIGNALED(status))
		printf("= signal-%d", WTERMSIG(status));
	else if (!WEXITSTATUS(status))
		printf("= pass");
	else if (WEXITSTATUS(status) == 4)
		printf("= skip");
	else
		printf("= fail-%d", WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	long start = now(), limit;
	char name[64];
	int status, terminal, end;
	pid_t child;

	if (argc < 3)
		return 2;
	limit = start + atol(argv[1]);
	terminal = open_terminal(name, sizeof(name));
	child = fork();
	if (child < 0)
		die("run: fork");
	if (!child)
		become(argv + 2, name);
	end = (int)syscall(SYS_pidfd_open, child, 0);
	if (end < 0)
		die("run: pidfd_open");
	for (;;) {
		struct pollfd on[] = { { end, POLLIN, 0 },
				       { terminal, POLLIN, 0 } };

		poll(on, 2, 1000);
		relay(terminal);
		if (on[0].revents)
			break;
		/* A terminal that all have closed is always ready. */
		if (on[1].revents & POLLHUP)
			usleep(50000);
		if (now() >= limit)
			kill(child, SIGKILL);
	}
	waitpid(child, &status, 0);
	relay(terminal);
	if (begun)
		putchar('\n');
	tell_end(status, now() >= limit);
	printf(" %ld\n", now() - start);
	return 0;
}
