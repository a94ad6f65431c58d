// SPDX-License-Identifier: GPL-2.0-only
/*
 * inside.c - what inside.h promises
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inside.h"
#include "tap.h"

#define PATIENCE_S 120

struct lguestd inside;
char inside_dir[64] = "/tmp/lguest-test-XXXXXX";

static struct {
	struct history history;
	char name[CONF_NAME_MAX + 1];
} gone[64];
static unsigned int gone_count;

static void clean_up(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", inside_dir);
	if (system(command))
		diag("'%s' failed", command);
}

void inside_start(void)
{
	struct conf_report report = { .text = NULL };
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len <= 0 || !mkdtemp(inside_dir))
		bail_out("no directory for a test");
	atexit(clean_up);
	path[len] = '\0';
	strcpy(strstr(path, "t/daemon/"), "asan/fake-run");
	setenv("LGUEST_RUN", path, 0);
	signal(SIGPIPE, SIG_IGN);
	alarm(PATIENCE_S);
	vm_timing = (struct vm_timing){ 1, 8, 3600000, 60000, 1000, 60000 };
	log_init("inside", getenv("INSIDE_LOG") ? LOG_LEVEL_DEBUG : 2);
	TAILQ_INIT(&inside.vms);
	inside.base = event_base_new();
	if (conf_daemon_read(NULL, &report, &inside.conf) < 0)
		bail_out("conf: %s", report.text);
	free(inside.conf->log_dir);
	inside.conf->log_dir = strdup(inside_dir);
	inside.device = -1;
}

void inside_stop(void)
{
	vm_detach_all(&inside);
	event_base_free(inside.base);
	conf_daemon_free(inside.conf);
	if (inside.device >= 0)
		close(inside.device);
}

void inside_turn(void)
{
	event_base_loop(inside.base, EVLOOP_ONCE);
}

int inside_script(const char *script)
{
	int fd = memfd_create("script", MFD_CLOEXEC);

	if (fd < 0 || write(fd, script, strlen(script)) < 0)
		bail_out("memfd: %s", strerror(errno));
	return fd;
}

static json_t *make_conf(const char *name, const char *more)
{
	json_error_t error;
	json_t *conf = json_pack("{ss ss ss}", "name", name, "kernel", "/k",
				 "memory", "4M");
	json_t *extra = json_loads(more && *more ? more : "{}", 0, &error);

	if (!conf || !extra)
		bail_out("conf '%s': %s", more, error.text);
	json_object_update(conf, extra);
	json_decref(extra);
	return conf;
}

static void on_any_state(struct vm_watch *watch, struct vm *vm,
			 enum vm_state state)
{
	struct history *history = (struct history *)watch;
	size_t used = strlen(history->text);

	snprintf(history->text + used, sizeof(history->text) - used, "%s%s",
		 used ? " " : "", vm_state_name(state));
	snprintf(history->why, sizeof(history->why), "%s", vm_why(vm));
	history->crashed = vm_crashed(vm);
}

void history_watch(struct history *history, struct vm *vm)
{
	memset(history, 0, sizeof(*history));
	history->watch.on_state = on_any_state;
	vm_watch_add(vm, &history->watch);
}

int inside_create(const char *name, const char *script, const char *more,
		  struct why *why, struct vm **ret_vm)
{
	return inside_create_with(name, inside_script(script), more, why,
				  ret_vm);
}

int inside_create_with(const char *name, int kernel, const char *more,
		       struct why *why, struct vm **ret_vm)
{
	struct vm_files files;
	struct conf_report report = { .text = NULL };
	json_t *json = make_conf(name, more);
	struct conf_guest *conf;
	int r;

	if (conf_guest_from_json(json, &report, &conf) < 0)
		bail_out("conf: %s", report.text);
	json_decref(json);
	vm_files_init(&files);
	files.kernel = kernel;
	r = vm_create(&inside, conf, &files, why, ret_vm);
	if (r < 0)
		return r;
	gone_count = (gone_count + 1) % 64;
	snprintf(gone[gone_count].name, sizeof(gone[0].name), "%s", name);
	vm_watch_remove(&gone[gone_count].history.watch);
	history_watch(&gone[gone_count].history, *ret_vm);
	return 0;
}

struct vm *inside_guest(const char *name, const char *script, const char *more)
{
	struct why why;
	struct vm *vm;

	if (inside_create(name, script, more, &why, &vm) < 0)
		bail_out("create: %s", why.text);
	inside_until(vm, VM_RUNNING);
	return vm;
}

void inside_until(struct vm *vm, enum vm_state state)
{
	const struct vm *at;

	for (;;) {
		TAILQ_FOREACH(at, &inside.vms, link) {
			if (at == vm)
				break;
		}
		if (!at)
			bail_out("it is gone, and not %s",
				 vm_state_name(state));
		if (vm->state == state && !vm->leaving)
			return;
		inside_turn();
	}
}

const char *inside_gone(const char *name)
{
	unsigned int i;

	while (vm_find(&inside, name))
		inside_turn();
	for (i = gone_count; strcmp(gone[i].name, name); i = (i + 63) % 64)
		;
	return gone[i].history.why;
}

const char *inside_text(struct vm *vm)
{
	static char text[RING_BYTES + 1];
	struct ring ring = { .fd = -1 };
	struct why why;
	uint64_t at;
	ssize_t len;

	if (ring_adopt(&ring, console_ring_fd(vm->console), &why) < 0)
		bail_out("%s", why.text);
	for (at = ring.start; at < ring.end; at += (uint64_t)len) {
		len = ring_read(&ring, at, text + (at - ring.start),
				(size_t)(ring.end - at));
		if (len <= 0)
			bail_out("ring: %zd", len);
	}
	text[ring.end - ring.start] = '\0';
	return text;
}

unsigned int inside_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* Also those that are dead and nobody has asked. */
unsigned int inside_children(void)
{
	char word[16];
	unsigned int count = 0;
	FILE *file = fopen("/proc/thread-self/children", "re");

	while (file && fscanf(file, "%15s", word) == 1)
		count++;
	if (file)
		fclose(file);
	return count;
}
