// SPDX-License-Identifier: GPL-2.0-only
/*
 * graft.c - a distribution's kernel, made a guest's on the way
 *
 * `kernel: /boot/vmlinuz-VERSION` is what everybody would write, and it is a
 * packed kernel that knows nothing of us.  lguest-graft makes another file of
 * it, once, and finds that again by itself; so all there is to do here is to see
 * that it is such a kernel, to ask, and to let it speak for itself.
 *
 * It runs as the caller, with the caller's rights: neither lguestd nor a guest's
 * other files are any business of it.
 *
 * Next: daemon/lgctl/cmd_create.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lgctl.h"

#define HEADER_AT 0x202 /* of a bzImage: what a boot loader looks for */
#define HEADER    "HdrS"
#define UNMADE    5 /* what lguest-graft -n ends with */

bool graft_wanted(int fd)
{
	char magic[sizeof(HEADER) - 1];

	return pread(fd, magic, sizeof(magic), HEADER_AT) ==
		       (ssize_t)sizeof(magic) &&
	       !memcmp(magic, HEADER, sizeof(magic));
}

/* Beside us in the tree, and two doors on when installed. */
static const char *find_program(char *path, size_t len)
{
	static const char *const places[] = { ".", "../sbin" };
	const char *told = getenv("LGUEST_GRAFT");
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *folder;
	size_t i;

	if (told && *told)
		return told;
	self[n < 0 ? 0 : n] = '\0';
	folder = dirname(self);
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, len, "%s/%s/lguest-graft", folder, places[i]);
		if (!access(path, X_OK))
			return path;
	}
	return "/usr/sbin/lguest-graft";
}

/* What it prints, which is a path, less its newline. */
static void read_answer(int fd, char *ret, size_t len)
{
	size_t used = 0;
	ssize_t n = 1;

	while (n > 0 && used < len - 1) {
		n = read(fd, ret + used, len - 1 - used);
		used += n > 0 ? (size_t)n : 0;
	}
	if (used && ret[used - 1] == '\n')
		used--;
	ret[used] = '\0';
}

/* Its exit status; -1: it could not be run, and errno says why. */
static int ask(const char *options, const char *kernel, char *ret, size_t len)
{
	char place[PATH_MAX];
	const char *program = find_program(place, sizeof(place));
	int fds[2], status = -1;
	pid_t pid;

	if (access(program, X_OK) < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		if (*options)
			execl(program, program, options, "--", kernel, NULL);
		else
			execl(program, program, "--", kernel, NULL);
		_exit(127);
	}
	close(fds[1]);
	if (pid > 0) {
		read_answer(fds[0], ret, len);
		waitpid(pid, &status, 0);
	}
	close(fds[0]);
	if (pid < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

/* It has said why itself. */
static enum proto_exit refuse(const char *guest, const char *kernel)
{
	return say_error(EXIT_FAILED,
			 "vm '%s': kernel '%s': no guest could be made of it",
			 guest, kernel);
}

enum proto_exit graft_look(const char *guest, const char *kernel,
			   bool *ret_made, char *ret_path, size_t len)
{
	int status = ask("-nq", kernel, ret_path, len);

	*ret_made = !status;
	if (!status || status == UNMADE)
		return EXIT_DONE;
	if (status > 0)
		return refuse(guest, kernel);
	return say_error(EXIT_FAILED,
			 "vm '%s': kernel '%s': a distribution's, and "
			 "lguest-graft, which makes a guest of it, cannot be "
			 "run: %s",
			 guest, kernel, strerror(errno));
}

enum proto_exit graft_make(const struct lgctl *ctl, const char *guest,
			   const char *kernel, char *ret_path, size_t len)
{
	enum proto_exit status;
	bool made;

	status = graft_look(guest, kernel, &made, ret_path, len);
	if (status != EXIT_DONE || made)
		return status;
	say_note(ctl,
		 "vm '%s': kernel '%s': making a guest of it, which takes a "
		 "minute, once",
		 guest, kernel);
	return ask(ctl->quiet ? "-q" : "", kernel, ret_path, len)
		       ? refuse(guest, kernel)
		       : EXIT_DONE;
}
