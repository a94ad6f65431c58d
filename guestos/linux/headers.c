// SPDX-License-Identifier: GPL-2.0-only
/*
 * headers.c - the kernel's headers, and the compiler it was built with
 *
 * The port is the kernel's own code as far as the compiler can tell, so it needs
 * what a module needs: the headers of that very kernel.  A kernel that is to be
 * a guest is often not the one that runs here, so both places are looked at:
 * where modules are built, and where Debian unpacks the headers.
 *
 * Next: guestos/linux/key.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

#define FILE_MAX (16u << 20)

/* The word between quotes that follows key in a file of the headers'. */
static bool read_word(const char *folder, const char *name, const char *key,
		      char *ret, size_t len)
{
	struct bytes bytes;
	struct why ignored;
	char path[512];
	char *at, *end;
	bool found = false;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (bytes_read(&bytes, path, FILE_MAX, &ignored) == END_DONE) {
		bytes.data[bytes.size - 1] = '\0'; /* its newline */
		at = strstr((char *)bytes.data, key);
		end = at ? strpbrk(at + strlen(key), "\" \n") : NULL;
		if (end && (size_t)(end - at) - strlen(key) < len) {
			snprintf(ret, len, "%.*s",
				 (int)((size_t)(end - at) - strlen(key)),
				 at + strlen(key));
			found = true;
		}
	}
	bytes_free(&bytes);
	return found;
}

static bool read_release(const char *folder, char *ret, size_t len)
{
	return read_word(folder, "include/generated/utsrelease.h",
			 "#define UTS_RELEASE \"", ret, len);
}

static bool in_path(const char *program)
{
	const char *path = getenv("PATH");
	char file[512];
	int n;

	for (path = path ? path : "/usr/bin"; *path; path += *path == ':') {
		n = (int)strcspn(path, ":");
		snprintf(file, sizeof(file), "%.*s/%s", n, path, program);
		if (!access(file, X_OK))
			return true;
		path += n;
	}
	return false;
}

static enum end find_tools(struct headers *headers, const char *release,
			   struct why *why)
{
	if (!read_word(headers->path, "include/generated/autoconf.h",
		       "CONFIG_CC_VERSION_TEXT \"", headers->compiler,
		       sizeof(headers->compiler)))
		snprintf(headers->compiler, sizeof(headers->compiler), "gcc");
	if (!in_path(headers->compiler))
		return why_say(
			why, END_LACKING,
			"kernel %s was built with %s, which is not here; "
			"apt-get install %s",
			release, headers->compiler, headers->compiler);
	if (!in_path("ld"))
		return why_say(why, END_LACKING,
			       "needs ld to link the port; apt-get install "
			       "binutils");
	if (!in_path("make"))
		return why_say(
			why, END_LACKING,
			"needs make to compile the port; apt-get install "
			"make");
	return END_DONE;
}

static enum end find_wanted(struct headers *headers, const char *release,
			    const char *wanted, struct why *why)
{
	char there[RELEASE_BYTES];

	if (!read_release(wanted, there, sizeof(there)))
		return why_say(why, END_LACKING,
			       "headers '%s': not a kernel's: no "
			       "include/generated/utsrelease.h",
			       wanted);
	if (strcmp(there, release) != 0)
		return why_say(
			why, END_LACKING,
			"headers '%s' are for kernel %s, and this is %s; "
			"apt-get install linux-headers-%s",
			wanted, there, release, release);
	snprintf(headers->path, sizeof(headers->path), "%s", wanted);
	return END_DONE;
}

enum end headers_find(struct headers *headers, const char *release,
		      const char *wanted, struct why *why)
{
	char places[2][256];
	enum end end;
	size_t i;

	if (wanted) {
		end = find_wanted(headers, release, wanted, why);
		return end == END_DONE ? find_tools(headers, release, why)
				       : end;
	}
	snprintf(places[0], sizeof(places[0]), "/lib/modules/%s/build",
		 release);
	snprintf(places[1], sizeof(places[1]), "/usr/src/linux-headers-%s",
		 release);
	for (i = 0; i < 2; i++) {
		if (access(places[i], X_OK) < 0)
			continue;
		end = find_wanted(headers, release, places[i], why);
		return end == END_DONE ? find_tools(headers, release, why)
				       : end;
	}
	return why_say(why, END_LACKING,
		       "needs the headers of kernel %s, which are neither "
		       "in /lib/modules/%s/build nor in "
		       "/usr/src/linux-headers-%s; apt-get install "
		       "linux-headers-%s",
		       release, release, release, release);
}
