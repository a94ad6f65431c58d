// SPDX-License-Identifier: GPL-2.0-only
/*
 * doctor_parts.c - are the parts of lguest here, and do they fit together?
 *
 * Module, device, users, systemd: each is looked for where it has to be, so that
 * what is missing is said with the command that brings it.
 *
 * Next: daemon/lgctl/cmd_help.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"

/* ---- the module ---- */

/* Where depmod knows it to be, for one kernel; NULL: nowhere */
static char *module_for(struct doctor *doctor, const char *release)
{
	char path[256], place[512], *line = NULL, *found = NULL, *end;
	size_t size = 0;
	FILE *file;

	snprintf(place, sizeof(place), "/lib/modules/%s/modules.dep", release);
	doctor_path(doctor, place, path, sizeof(path));
	file = fopen(path, "re");
	while (file && !found && getline(&line, &size, file) > 0) {
		end = strchr(line, ':');
		if (!end)
			continue;
		*end = '\0';
		if (strstr(line, "/lg.ko"))
			found = strdup(line);
	}
	free(line);
	if (file)
		fclose(file);
	return found;
}

/* Some other kernel that it is built for, in buf; or "" */
static void module_elsewhere(struct doctor *doctor, char *buf, size_t len)
{
	char path[256], *place;
	const char *release;
	glob_t found;
	size_t i;

	buf[0] = '\0';
	doctor_path(doctor, "/lib/modules/*", path, sizeof(path));
	if (glob(path, 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc && !buf[0]; i++) {
		release = strrchr(found.gl_pathv[i], '/') + 1;
		place = module_for(doctor, release);
		if (place)
			snprintf(buf, len, "%s", release);
		free(place);
	}
	globfree(&found);
}

void doctor_module(struct doctor *doctor)
{
	char other[128], *place;

	if (doctor->loaded) {
		doctor_say(doctor, VERDICT_OK, "module", NULL, "lg is loaded");
		return;
	}
	place = module_for(doctor, doctor->release);
	module_elsewhere(doctor, other, sizeof(other));
	if (place)
		doctor_say(doctor, VERDICT_FAIL, "module",
			   "modprobe lg; if it refuses, dmesg says why",
			   "lg is installed (%s) and not loaded", place);
	else if (other[0])
		doctor_say(doctor, VERDICT_FAIL, "module",
			   "boot that, or install lguest for this one",
			   "lg is installed for Linux %s, this is %s", other,
			   doctor->release);
	else
		doctor_say(doctor, VERDICT_FAIL, "module",
			   "install lguest (make install)",
			   "lg is not installed");
	free(place);
}

/* ---- its device ---- */

void doctor_abi(struct doctor *doctor, const struct lg_info *info)
{
	if (LG_ABI_VERSION < info->abi_min)
		doctor_say(doctor, VERDICT_FAIL, "abi",
			   "upgrade lguestd and lgctl",
			   "the module speaks %u to %u, this lguest %u",
			   info->abi_min, info->abi_max, LG_ABI_VERSION);
	else if (LG_ABI_VERSION > info->abi_max)
		doctor_say(doctor, VERDICT_FAIL, "abi",
			   "stop guests, rmmod lg, modprobe lg",
			   "the module speaks %u to %u, this lguest %u",
			   info->abi_min, info->abi_max, LG_ABI_VERSION);
	else
		doctor_say(doctor, VERDICT_OK, "abi", NULL,
			   "module and lguest agree on %u", LG_ABI_VERSION);
}

static void ask_device(struct doctor *doctor, int fd)
{
	struct lg_info info = { 0 };

	if (ioctl(fd, LG_INFO, &info) == 0)
		doctor_abi(doctor, &info);
	else
		doctor_say(doctor, VERDICT_FAIL, "abi", "rmmod lg, modprobe lg",
			   "/dev/lguest does not answer LG_INFO: %s",
			   strerror(errno));
}

void doctor_device(struct doctor *doctor)
{
	char path[256];
	struct stat st;
	int fd;

	doctor_path(doctor, "/dev/lguest", path, sizeof(path));
	if (stat(path, &st) != 0) {
		if (doctor->loaded)
			doctor_say(doctor, VERDICT_FAIL, "device",
				   "systemctl restart systemd-udevd",
				   "/dev/lguest: %s, though lg is loaded",
				   strerror(errno));
		return;
	}
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		doctor_say(
			doctor, VERDICT_OK, "device", NULL,
			"/dev/lguest is there; it is root's, you ask lguestd");
		return;
	}
	doctor_say(doctor, VERDICT_OK, "device", NULL,
		   "/dev/lguest is there, and open to you");
	ask_device(doctor, fd);
	close(fd);
}

/* ---- users ---- */

/* Is there such a line in /etc/passwd or /etc/group? */
static bool has_name(struct doctor *doctor, const char *path, const char *name)
{
	char start[64], *rest;

	snprintf(start, sizeof(start), "%s:", name);
	rest = doctor_line(doctor, path, start);
	free(rest);
	return rest != NULL;
}

/* Is the caller in the group whose id stands in this line of /etc/group? */
static bool is_member(const char *line)
{
	const char *colon = strchr(line, ':');
	gid_t gid = colon ? (gid_t)strtoul(colon + 1, NULL, 10) : 0;
	gid_t groups[256];
	int i, count = getgroups(256, groups);

	if (getegid() == gid)
		return true;
	for (i = 0; i < count; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

void doctor_users(struct doctor *doctor)
{
	char *group = doctor_line(doctor, "/etc/group", "lguest:");
	bool user = has_name(doctor, "/etc/passwd", "_lguest");

	if (!group || !user)
		doctor_say(doctor, VERDICT_FAIL, "users",
			   "systemd-sysusers lguest.conf", "there is no %s",
			   group ? "user _lguest for guests to run as"
				 : "group lguest of people who may use guests");
	else if (geteuid() != 0 && !is_member(group))
		doctor_say(doctor, VERDICT_WARN, "users",
			   "adduser YOU lguest, and log in again",
			   "you are not in the group lguest and may not use "
			   "guests");
	else
		doctor_say(doctor, VERDICT_OK, "users", NULL,
			   "there are _lguest and lguest%s",
			   geteuid() ? ", and you are in it" : "");
	free(group);
}

/* ---- systemd ---- */

#define FDSTORE_SINCE 246 /* FDPOLL=0 */

/* The version is part of the name of a library; 0: it cannot be found. */
static int systemd_version(struct doctor *doctor)
{
	char path[512];
	const char *at;
	int version = 0;
	glob_t found;

	doctor_path(doctor, "/usr/lib/{,*/}systemd/libsystemd-shared-*.so",
		    path, sizeof(path));
	if (glob(path, GLOB_BRACE, NULL, &found))
		return 0;
	at = strstr(found.gl_pathv[0], "shared-");
	if (at)
		version = atoi(at + strlen("shared-"));
	globfree(&found);
	return version;
}

void doctor_systemd(struct doctor *doctor)
{
	int version = systemd_version(doctor);

	if (!doctor_has(doctor, "/run/systemd/system")) {
		doctor_say(
			doctor, VERDICT_WARN, "systemd",
			"boot with systemd for that",
			"it does not run here; guests end when lguestd does");
		return;
	}
	if (version && version < FDSTORE_SINCE)
		doctor_say(doctor, VERDICT_WARN, "systemd", "upgrade to 246",
			   "%d cannot keep guests while lguestd restarts",
			   version);
	else
		doctor_say(doctor, VERDICT_OK, "systemd", NULL,
			   "keeps guests while lguestd restarts");
	if (!doctor_has(doctor, "/usr/lib/systemd/systemd-machined"))
		doctor_say(doctor, VERDICT_WARN, "systemd",
			   "apt install systemd-container",
			   "no machined: machinectl does not know guests");
}
