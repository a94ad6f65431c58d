// SPDX-License-Identifier: GPL-2.0-only
/*
 * client.c - what client.h promises
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "tap.h"

void (*client_meanwhile)(void);

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		bail_out("connect %s: %s", path, strerror(errno));
	return fd;
}

/* The call and at most one descriptor with it. */
static int begin(const char *path, const char *method, json_t *parameters,
		 int passed)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	char whole[64];
	json_t *call;
	char *text;
	struct iovec iov;
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = connect_to(path);

	snprintf(whole, sizeof(whole), "org.lguest.%s", method);
	call = json_pack("{ss so}", "method", whole, "parameters", parameters);
	text = json_dumps(call, JSON_COMPACT);
	iov.iov_base = text;
	iov.iov_len = strlen(text) + 1;
	if (passed >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &passed, sizeof(int));
	}
	if (sendmsg(fd, &message, MSG_NOSIGNAL) != (ssize_t)iov.iov_len)
		bail_out("%s: send: %s", method, strerror(errno));
	free(text);
	json_decref(call);
	return fd;
}

int client_begin(const char *path, const char *method, json_t *parameters)
{
	return begin(path, method, parameters, -1);
}

static json_t *make_conf(const char *name, const char *more)
{
	json_t *conf = json_pack("{ss ss ss}", "name", name, "kernel", "/k",
				 "memory", "4M");
	json_t *extra = json_loads(more, 0, NULL);

	json_object_update(conf, extra);
	json_decref(extra);
	return json_pack("{so s{si} sb}", "config", conf, "fds", "kernel", 0,
			 "wait", 1);
}

static int begin_create(const char *path, const char *name, const char *script,
			const char *more)
{
	int kernel = memfd_create("script", MFD_CLOEXEC), fd;

	if (kernel < 0 || write(kernel, script, strlen(script)) < 0)
		bail_out("memfd: %s", strerror(errno));
	fd = begin(path, "Guests.Create", make_conf(name, more), kernel);
	close(kernel);
	return fd;
}

int client_begin_create(const char *path, const char *name)
{
	return begin_create(path, name, "print churn\n", "{}");
}

/* Bytes until a NUL, or to the end if there is none; to be freed. */
static char *hear(int fd, int to_the_end)
{
	size_t len = 0, room = 4096;
	char *text = malloc(room);
	ssize_t got = 1;

	while (got > 0 && (to_the_end || !len || text[len - 1])) {
		if (room - len < 2)
			text = realloc(text, room *= 2);
		if (!text)
			bail_out("no memory");
		/* The answer and what follows it are not read together. */
		do {
			got = recv(fd, text + len,
				   to_the_end ? room - len - 1 : 1,
				   MSG_DONTWAIT);
			if (got < 0 && errno == EAGAIN)
				client_meanwhile();
		} while (got < 0 && errno == EAGAIN);
		len += got > 0 ? (size_t)got : 0;
	}
	text[len] = '\0';
	return text;
}

static json_t *answer(int fd)
{
	char *text = hear(fd, 0);
	json_t *json = json_loads(text, 0, NULL);

	free(text);
	return json ? json : json_object();
}

json_t *client_call(const char *path, const char *method, json_t *parameters)
{
	int fd = client_begin(path, method, parameters);
	json_t *json = answer(fd);

	close(fd);
	return json;
}

void client_create(const char *path, const char *name, const char *script,
		   const char *more)
{
	int fd = begin_create(path, name, script, more);
	json_t *json = answer(fd);
	char *text = json_dumps(json, 0);

	if (json_object_get(json, "error"))
		bail_out("create %s: %s", name, text);
	free(text);
	json_decref(json);
	close(fd);
}

static json_t *info(const char *path, const char *name)
{
	return client_call(path, "Guests.Info",
			   json_pack("{ss}", "name", name));
}

long client_number(const char *path, const char *name, const char *key)
{
	json_t *json = info(path, name), *number;
	long value;

	number = json_object_get(json_object_get(json, "parameters"), key);
	value = json_is_integer(number) ? (long)json_integer_value(number) : -1;
	json_decref(json);
	return value;
}

const char *client_word(const char *path, const char *name, const char *key,
			char word[32])
{
	json_t *json = info(path, name);
	const char *value = json_string_value(
		json_object_get(json_object_get(json, "parameters"), key));

	snprintf(word, 32, "%s", value ? value : "");
	json_decref(json);
	return word;
}

char *client_console(const char *path, const char *name)
{
	int fd = client_begin(path, "Guests.Console",
			      json_pack("{ss}", "name", name));
	char *text;

	free(hear(fd, 0));
	text = hear(fd, 1);
	close(fd);
	return text;
}

unsigned int client_fds_of(pid_t pid)
{
	char path[32];
	unsigned int count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

void client_write_conf(const char *dir, char *path, size_t room)
{
	FILE *file;

	snprintf(path, room, "%s/lguestd.yaml", dir);
	file = fopen(path, "we");
	if (!file)
		bail_out("%s: %s", path, strerror(errno));
	fprintf(file, "socket: %s/control\nlog_dir: %s\nguests_dir: %s/none\n",
		dir, dir, dir);
	fclose(file);
}

char *client_program(const char *self, const char *name)
{
	const char *at = strstr(self, "t/daemon/");
	char *path = NULL;

	if (!at ||
	    asprintf(&path, "%.*sasan/%s", (int)(at - self), self, name) < 0)
		bail_out("%s: not in build/t/daemon", self);
	return path;
}
