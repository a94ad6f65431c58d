// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest_file.c - a guest's YAML, and the files it names
 *
 * This is where a path becomes a descriptor, with the rights of whoever called
 * us; lguestd never opens it.  A path that is no plain file is refused here, by
 * its name: a directory, or a fifo that would have us wait for a writer.
 *
 * Next: daemon/lgctl/disk_file.c
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lgctl.h"

enum proto_exit guest_file_read(const char *path, struct conf_guest **ret,
				json_t **ret_complaints)
{
	struct conf_report report = { .text = NULL };
	int r = conf_guest_read(path, &report, ret);

	if (r < 0 && ret_complaints) {
		*ret_complaints = json_string(report.text);
	} else if (r < 0) {
		fflush(stdout);
		fputs(report.text ? report.text : "lgctl: no memory\n", stderr);
	}
	conf_report_fini(&report);
	switch (r) {
	case 0:
		return EXIT_DONE;
	case -EACCES:
	case -EPERM:
		return EXIT_DENIED;
	default:
		return EXIT_INVALID;
	}
}

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return NULL;
	case S_IFDIR:
		return "is a directory";
	case S_IFIFO:
		return "is a fifo";
	case S_IFSOCK:
		return "is a socket";
	default:
		return "is a device";
	}
}

static void add_file(struct guest_file *file, const char *what, int fd)
{
	json_object_set_new(json_object_get(file->parameters, "fds"), what,
			    json_integer((json_int_t)file->fd_count));
	file->fds[file->fd_count++] = fd;
}

/* O_NONBLOCK, so that a fifo does not keep us before we see that it is one. */
static enum proto_exit open_file(const struct guest_file *file,
				 const char *what, const char *path,
				 int *ret_fd)
{
	const char *name = file->conf->name, *kind;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return say_error(errno == EACCES ? EXIT_DENIED : EXIT_FAILED,
				 "vm '%s': %s '%s': %s", name, what, path,
				 strerror(errno));
	kind = fstat(fd, &st) < 0 ? strerror(errno) : kind_of(st.st_mode);
	if (kind) {
		close(fd);
		return say_error(EXIT_FAILED,
				 "vm '%s': %s '%s': %s, not a file", name, what,
				 path, kind);
	}
	*ret_fd = fd;
	return EXIT_DONE;
}

static enum proto_exit open_disks(struct guest_file *file)
{
	enum proto_exit status = EXIT_DONE;
	const struct conf_disk *disk;
	char what[16];
	unsigned int i;
	int fd;

	for (i = 0; (disk = conf_disk(file->conf, i)); i++) {
		fd = disk_file_open(file->conf->name, i, disk, &status);
		if (fd < 0)
			return status;
		snprintf(what, sizeof(what), "disk%u", i);
		add_file(file, what, fd);
	}
	return EXIT_DONE;
}

/* What the file names, or what lguest-graft has made of it. */
static enum proto_exit open_kernel(const struct lgctl *ctl,
				   struct guest_file *file)
{
	const struct conf_guest *conf = file->conf;
	char path[PATH_MAX];
	enum proto_exit status;
	int fd;

	status = open_file(file, "kernel", conf->kernel, &fd);
	if (status == EXIT_DONE && !ctl->dry_run && graft_wanted(fd)) {
		close(fd);
		status = graft_make(ctl, conf->name, conf->kernel, path,
				    sizeof(path));
		if (status == EXIT_DONE)
			status = open_file(file, "kernel", path, &fd);
	}
	if (status == EXIT_DONE)
		add_file(file, "kernel", fd);
	return status;
}

static enum proto_exit open_initrd(struct guest_file *file)
{
	enum proto_exit status;
	int fd;

	if (!file->conf->initrd)
		return EXIT_DONE;
	status = open_file(file, "initrd", file->conf->initrd, &fd);
	if (status == EXIT_DONE)
		add_file(file, "initrd", fd);
	return status;
}

enum proto_exit guest_file_open(const struct lgctl *ctl, const char *path,
				struct guest_file *ret_file)
{
	struct guest_file file = { .fd_count = 0 };
	enum proto_exit status = guest_file_read(path, &file.conf, NULL);

	if (status != EXIT_DONE)
		return status;
	file.parameters = json_pack("{s:o,s:{}}", "config",
				    conf_guest_to_json(file.conf), "fds");
	if (!file.parameters)
		status = say_error(EXIT_FAILED, "no memory");
	if (status == EXIT_DONE)
		status = open_kernel(ctl, &file);
	if (status == EXIT_DONE)
		status = open_initrd(&file);
	if (status == EXIT_DONE)
		status = open_disks(&file);
	if (status == EXIT_DONE)
		*ret_file = file;
	else
		guest_file_close(&file);
	return status;
}

void guest_file_close(struct guest_file *file)
{
	while (file->fd_count)
		close(file->fds[--file->fd_count]);
	json_decref(file->parameters);
	conf_guest_free(file->conf);
	memset(file, 0, sizeof(*file));
}
