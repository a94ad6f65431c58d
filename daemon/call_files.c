// SPDX-License-Identifier: GPL-2.0-only
/*
 * call_files.c - the descriptors that come with a guest
 *
 * A guest's files have been opened by whoever wants it, and come beside the bytes
 * of the call, which names each by its number.  Everything that came must have
 * been named, and everything that is named must have come: or somebody is
 * mistaken, and there is no guest.
 *
 * Next: daemon/wait.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lguestd.h"

/* The descriptor that "fds" calls name, out of the call: the caller's to close. */
static int take_fd(struct call *call, const char *name, const char *path,
		   struct why *why, int *ret_fd)
{
	json_t *index =
		json_object_get(json_object_get(call->parameters, "fds"), name);
	json_int_t i = json_integer_value(index);

	if (!path && !index)
		return 0;
	if (!path || !index)
		return why_say(why, -EINVAL, "%s: %s", name,
			       path ? "fds does not name its descriptor"
				    : "has a descriptor and is not in config");
	if (!json_is_integer(index) || i < 0 || i >= PROTO_FDS_MAX ||
	    call->fds[i] < 0)
		return why_say(why, -EINVAL,
			       "%s: fds names a descriptor that has not come",
			       name);
	*ret_fd = call->fds[i];
	call->fds[i] = -1;
	return 0;
}

/*
 * It must be a file one can read and seek in, as a kernel is; a pipe or a device
 * could make us wait, and nothing here may wait.
 */
static int take_file(struct call *call, const char *name, const char *path,
		     struct why *why, int *ret_fd)
{
	int flags, r = take_fd(call, name, path, why, ret_fd);
	struct stat st;

	if (r < 0 || *ret_fd < 0)
		return r;
	flags = fcntl(*ret_fd, F_GETFL);
	if (fstat(*ret_fd, &st) == 0 && S_ISREG(st.st_mode) && flags >= 0 &&
	    !(flags & O_PATH) && (flags & O_ACCMODE) != O_WRONLY)
		return 0;
	return why_say(why, -EINVAL, "%s '%s': not a file that can be read",
		       name, path);
}

/* Everything that came must have been named, or somebody is mistaken. */
static int all_taken(const struct call *call, struct why *why)
{
	const char *key;
	json_t *value;
	int i;

	json_object_foreach(json_object_get(call->parameters, "fds"), key,
			    value)
		if (strcmp(key, "kernel") && strcmp(key, "initrd") &&
		    strncmp(key, "disk", 4))
			return why_say(why, -EINVAL,
				       "fds: '%s' is nothing a guest has", key);
	for (i = 0; i < PROTO_FDS_MAX; i++)
		if (call->fds[i] >= 0)
			return why_say(why, -EINVAL,
				       "fds: descriptor %d is not named", i);
	return 0;
}

int call_files(struct call *call, const struct conf_guest *conf,
	       struct vm_files *files, struct why *why)
{
	int r = take_file(call, "kernel", conf->kernel, why, &files->kernel);
	const struct conf_disk *disk;
	char name[16];
	unsigned int i;

	if (r == 0)
		r = take_file(call, "initrd", conf->initrd, why,
			      &files->initrd);
	for (i = 0; r == 0 && i < CONF_DISKS_MAX; i++) {
		disk = conf_disk(conf, i);
		snprintf(name, sizeof(name), "disk%u", i);
		r = take_fd(call, name, disk ? disk->file : NULL, why,
			    &files->disk[i]);
	}
	return r ? r : all_taken(call, why);
}
