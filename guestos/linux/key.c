// SPDX-License-Identifier: GPL-2.0-only
/*
 * key.c - has all this been put together before?
 *
 * A graft is made of a kernel's image, its headers, the port's sources and us.
 * One number is made of them all and written into the graft; when the same
 * number comes out again, nothing has to be done.  It guards against having
 * forgotten something, not against anybody: who can choose the image can
 * choose the graft.
 *
 * Next: guestos/linux/build.c
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define FILE_MAX (64u << 20)

static enum end add_file(uint64_t *key, const char *folder, const char *name,
			 struct why *why)
{
	struct bytes bytes;
	char path[600];
	enum end end;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	end = bytes_read(&bytes, path, FILE_MAX, why);
	if (end == END_DONE) {
		*key = lzma_crc64((const uint8_t *)name, strlen(name), *key);
		*key = lzma_crc64(bytes.data, bytes.size, *key);
	} else {
		why_say(why, end, "'%s': %s", path,
			strdupa(why->text)); /* which one it was */
	}
	bytes_free(&bytes);
	return end;
}

static int is_plain(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && entry->d_type != DT_DIR;
}

static enum end add_folder(uint64_t *key, const char *folder, struct why *why)
{
	enum end end = END_DONE;
	struct dirent **list;
	int i, n = scandir(folder, &list, is_plain, alphasort);

	if (n < 0)
		return why_say(why, END_FAILED, "'%s': %s", folder,
			       strerror(errno));
	for (i = 0; i < n; i++) {
		if (end == END_DONE)
			end = add_file(key, folder, list[i]->d_name, why);
		free(list[i]);
	}
	free(list);
	return end;
}

enum end key_of(const struct image *image, const struct headers *headers,
		const struct build *build, uint64_t *ret_key, struct why *why)
{
	static const char *const files[] = {
		"include/generated/utsrelease.h",
		"include/generated/autoconf.h",
		"include/config/auto.conf",
	};
	uint64_t key = lzma_crc64(image->file.data, image->file.size, 0);
	enum end end = add_file(&key, "/proc/self", "exe", why);
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (end == END_DONE)
			end = add_file(&key, headers->path, files[i], why);
	}
	if (end == END_DONE)
		end = add_folder(&key, build->port, why);
	if (end == END_DONE)
		end = add_folder(&key, build->abi, why);
	*ret_key = key ? key : 1;
	return end;
}
