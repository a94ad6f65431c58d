// SPDX-License-Identifier: GPL-2.0-only
/*
 * build.c - the port, compiled
 *
 * By the kernel's own build, which knows all the flags that matter.  It wants to
 * write beside the sources, so it gets a folder of links to them, in the shape
 * of our tree, for that is how the sources find what they include:
 *
 *	guestos/linux/port/	the port
 *	hypervisor/include/	<lguest/...>
 *
 * What the programs say is kept, and shown if one of them fails.
 *
 * Next: guestos/linux/object.c
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool.h"

#define LOG_LINES 20
#define LIST_MAX  (1u << 16)
#define PORT      "guestos/linux/port"
#define ABI       "hypervisor/include/lguest"

static enum end make_folders(const char *base, const char *path,
			     struct why *why)
{
	char name[512];
	size_t at = 0;

	while (path[at]) {
		at += strcspn(path + at, "/");
		snprintf(name, sizeof(name), "%s/%.*s", base, (int)at, path);
		if (mkdir(name, 0700) < 0 && errno != EEXIST)
			return why_say(why, END_FAILED, "'%s': %s", name,
				       strerror(errno));
		at += path[at] == '/';
	}
	return END_DONE;
}

/* A link to every file of a folder; the files stay where they are. */
static enum end link_files(const char *base, const char *path, const char *from,
			   struct why *why)
{
	enum end end = make_folders(base, path, why);
	char *folder = realpath(from, NULL), target[600], name[600];
	DIR *dir = folder ? opendir(folder) : NULL;
	const struct dirent *entry;

	if (end == END_DONE && !dir)
		end = why_say(why, END_FAILED, "'%s': %s", from,
			      strerror(errno));
	while (end == END_DONE && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(target, sizeof(target), "%s/%s", folder,
			 entry->d_name);
		snprintf(name, sizeof(name), "%s/%s/%s", base, path,
			 entry->d_name);
		if (symlink(target, name) < 0)
			end = why_say(why, END_FAILED, "'%s': %s", name,
				      strerror(errno));
	}
	if (dir)
		closedir(dir);
	free(folder);
	return end;
}

/*
 * Its folder has a list, `kernels`; a port without one may be tried on any.  A
 * kernel that is not known would only be told by a compiler's many words.
 */
enum end build_knows(const struct build *build, const char *release,
		     struct why *why)
{
	char path[600], known[200] = "", *line, *rest = NULL;
	struct why ignored;
	struct bytes list;
	bool found = false;
	size_t n;

	snprintf(path, sizeof(path), "%s/kernels", build->port);
	if (bytes_read(&list, path, LIST_MAX, &ignored) == END_DONE) {
		list.data[list.size - 1] = '\0'; /* its newline */
		line = strtok_r((char *)list.data, "\n", &rest);
		for (; line; line = strtok_r(NULL, "\n", &rest)) {
			n = strlen(line);
			if (*line == '#')
				continue;
			found |= !strncmp(release, line, n) &&
				 !isdigit((unsigned char)release[n]);
			snprintf(known + strlen(known),
				 sizeof(known) - strlen(known), " %s", line);
		}
	}
	bytes_free(&list);
	if (found || !*known)
		return END_DONE;
	return why_say(why, END_REFUSED,
		       "kernel %s is of a version that the port does not know; "
		       "it knows%s",
		       release, known);
}

enum end build_begin(struct build *build, struct why *why)
{
	const char *tmp = getenv("TMPDIR");
	enum end end;

	snprintf(build->folder, sizeof(build->folder), "%s/lguest-graft.XXXXXX",
		 tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(build->folder)) {
		end = why_say(why, END_FAILED, "'%s': %s", build->folder,
			      strerror(errno));
		build->folder[0] = '\0';
		return end;
	}
	end = link_files(build->folder, PORT, build->port, why);
	if (end == END_DONE)
		end = link_files(build->folder, ABI, build->abi, why);
	return end;
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void build_end(struct build *build)
{
	if (build->folder[0])
		nftw(build->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	build->folder[0] = '\0';
}

/* Its last lines, which say what went wrong. */
static void show(const char *path)
{
	struct why ignored;
	struct bytes log;
	size_t at, lines = 0;

	if (bytes_read(&log, path, 64u << 20, &ignored) == END_DONE) {
		for (at = log.size; at && lines <= LOG_LINES; at--)
			lines += log.data[at - 1] == '\n';
		at += lines > LOG_LINES;
		at += lines > LOG_LINES;
		fwrite(log.data + at, 1, log.size - at, stderr);
	}
	bytes_free(&log);
}

/* A make that is above us has nothing to say to the one below us. */
static void become(const char *const *argv, const char *log)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	unsetenv("MAKEFLAGS");
	unsetenv("MFLAGS");
	unsetenv("MAKELEVEL");
	setenv("LC_ALL", "C", 1);
	if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 &&
	    dup2(fd, STDERR_FILENO) >= 0)
		execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

enum end build_run(const struct build *build, const char *const *argv,
		   const char *what, struct why *why)
{
	char log[300];
	int status;
	pid_t pid;

	snprintf(log, sizeof(log), "%s/log", build->folder);
	fflush(NULL);
	pid = fork();
	if (!pid)
		become(argv, log);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return why_say(why, END_FAILED, "%s: %s", argv[0],
			       strerror(errno));
	if (!status)
		return END_DONE;
	show(log);
	if (WIFSIGNALED(status))
		return why_say(why, END_FAILED, "%s: %s was ended by signal %d",
			       what, argv[0], WTERMSIG(status));
	return why_say(why, END_FAILED, "%s: %s ended with status %d", what,
		       argv[0], WEXITSTATUS(status));
}

enum end build_port(const struct build *build, const struct headers *headers,
		    char *ret, size_t len, struct why *why)
{
	char folder[300], jobs[24];
	const char *argv[] = { "make",        "-s",   jobs,     "-C",
			       headers->path, folder, "port.o", NULL };

	snprintf(folder, sizeof(folder), "M=%s/%s", build->folder, PORT);
	snprintf(jobs, sizeof(jobs), "-j%ld", sysconf(_SC_NPROCESSORS_ONLN));
	snprintf(ret, len, "%s/%s/port.o", build->folder, PORT);
	return build_run(build, argv, "compiling the port", why);
}
