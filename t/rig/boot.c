// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot.c - a machine from nothing to ready for the first command
 *
 * A model's first machine boots with its RAM in a file, is saved when systemd
 * has settled, and is the template of all that follow; what changes with each
 * (the time, the shared folders, our module) is done after the clone, since
 * QEMU saves no machine with a shared folder mounted.
 *
 * Must never happen: a template found half made, or a bad one for ever.  It is
 * made under another name and renamed, and one whose clone does not answer is
 * thrown away.
 *
 * Start at boot(), at the end.
 *
 * Next: t/rig/job.c
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server.h"

#define BOOT_MS  180000
#define AGENT_MS 60000
#define UNUSED_S 3600 /* a model's older templates go after this */
#define STALE_S  86400 /* and any template after this */

static void start_vm(struct server *srv, const struct vm_args *how)
{
	int r;

	srv->pongs = 0;
	srv->agent_in.len = srv->agent_out.len = 0;
	close(open(how->console, O_WRONLY | O_CREAT | O_TRUNC, 0666));
	r = vm_start(&srv->vm, how);
	if (srv->console.file)
		fclose(srv->console.file);
	if (console_open(&srv->console, how->console) < 0 || r < 0)
		server_broken(srv, "QEMU did not start: %s", strerror(-r));
}

/* Until the agent is heard; what the kernel said before is not judged. */
static int wait_agent(struct server *srv, int64_t timeout_ms)
{
	int64_t until = now_ms() + timeout_ms;

	while (!srv->pongs) {
		server_turn(srv);
		if (now_ms() > until)
			return -ETIMEDOUT;
	}
	console_read(&srv->console);
	console_forget(&srv->console);
	return 0;
}

/* Run a line inside for ourselves; its status. */
static uint32_t run_own(struct server *srv, const char *line)
{
	struct job *job = job_start_own(srv, line);
	uint32_t status;

	if (!job)
		return EXIT_BROKEN;
	while (job->state != JOB_DONE)
		server_turn(srv);
	status = job->status;
	job_free(srv, job);
	return status;
}

static void wait_systemd(struct server *srv)
{
	if (wait_agent(srv, BOOT_MS) < 0)
		server_broken(srv, "it did not boot in %d s", BOOT_MS / 1000);
	if (run_own(srv, "systemctl is-system-running --wait >/run/rig.state ||"
			 "{ cat /run/rig.state; systemctl --failed --no-legend;"
			 "} >&2"))
		server_note(srv, "systemd inside is not quite well");
}

static void remove_template(const char *path)
{
	static const char *const files[] = { "ram", "state", "console" };
	char file[4300];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, files[i]);
		unlink(file);
	}
	rmdir(path);
}

/* Old templates go, and what a killed server was making. */
static void prune(const struct serve_args *args, const char *model)
{
	char prefix[128], path[4200];
	struct dirent *entry;
	struct stat st;
	int pid;
	DIR *dir;

	snprintf(prefix, sizeof(prefix), "template-%s-", model);
	dir = opendir(args->cache->dir);
	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;
		const char *key = name + strlen(prefix);
		int ours = strncmp(name, prefix, strlen(prefix)) == 0 &&
			   !strchr(key, '-'); /* not a longer model's name */
		int dead = sscanf(name, "new-template-%d", &pid) == 1 &&
			   kill(pid, 0) < 0;

		snprintf(path, sizeof(path), "%s/%s", args->cache->dir, name);
		if (strncmp(name, "template-", 9) == 0 && stat(path, &st) == 0)
			dead = time(NULL) - st.st_mtime >
			       (ours ? UNUSED_S : STALE_S);
		if (dead)
			remove_template(path);
	}
	if (dir)
		closedir(dir);
}

static void make_template(struct server *srv, const struct model *model,
			  const char *path)
{
	const struct serve_args *args = srv->args;
	struct vm_args how = { .model = model,
			       .cache = args->cache,
			       .kind = VM_TEMPLATE };
	char new[4000], console[4100];

	server_note(srv, "%s: booting a template (once, some seconds)",
		    model->name);
	prune(args, model->name);
	snprintf(new, sizeof(new), "%s/new-template-%d", args->cache->dir,
		 (int)getpid());
	snprintf(console, sizeof(console), "%s/console", new);
	mkdir(new, 0777);
	how.template_dir = new;
	how.console = console;
	start_vm(srv, &how);
	wait_systemd(srv);
	if (vm_save(&srv->vm, new) < 0)
		server_broken(srv, "the template cannot be saved");
	vm_kill(&srv->vm);
	if (rename(new, path) < 0)
		server_broken(srv, "%s: %s", path, strerror(errno));
}

/*
 * Give the running machine the time and the shared folders.  Its answer is also
 * the first sign of life of a clone.
 */
static int greet(struct server *srv, int64_t timeout_ms)
{
	struct ping ping = { .mount = 1 };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (!(srv->args->model->flags & MODEL_ICOUNT))
		ping.time_ns = now.tv_sec * 1000000000ll + now.tv_nsec;
	srv->pongs = 0;
	frame_add(&srv->agent_out, 0, FRAME_PING, &ping, sizeof(ping));
	return wait_agent(srv, timeout_ms);
}

static void boot_clone(struct server *srv)
{
	const struct serve_args *args = srv->args;
	const struct model *model = args->model;
	struct vm_args how = { .model = model,
			       .cache = args->cache,
			       .console = args->console,
			       .kind = VM_CLONE };
	char path[3800], lock[3800];
	int fd;

	if (model->like)
		model = model_find(model->like);
	snprintf(path, sizeof(path), "%s/template-%s-%016llx", args->cache->dir,
		 model->name,
		 (unsigned long long)vm_template_key(model, args->cache));
	snprintf(lock, sizeof(lock), "%s/template-%s.lock", args->cache->dir,
		 model->name);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		server_broken(srv, "%s: %s", lock, strerror(errno));
	if (access(path, F_OK) < 0)
		make_template(srv, model, path);
	utimensat(AT_FDCWD, path, NULL, 0);
	how.template_dir = path;
	start_vm(srv, &how);
	close(fd);
	if (vm_restore(&srv->vm, path) == 0 && greet(srv, AGENT_MS) == 0)
		return;
	remove_template(path);
	server_broken(srv, "the clone does not answer; its template is gone");
}

static void boot_cold(struct server *srv)
{
	struct vm_args how = { .model = srv->args->model,
			       .cache = srv->args->cache,
			       .append = srv->args->append,
			       .ram = srv->args->ram,
			       .console = srv->args->console,
			       .kind = VM_COLD };

	start_vm(srv, &how);
	wait_systemd(srv);
	if (greet(srv, AGENT_MS) < 0)
		server_broken(srv, "no answer from inside in %d s",
			      AGENT_MS / 1000);
}

/* boot - make the server's machine ready for its first command */
void boot(struct server *srv)
{
	const struct serve_args *args = srv->args;

	if (args->append || args->ram || args->model->flags & MODEL_COLD ||
	    (args->model->like && vm_may_use_kvm()))
		boot_cold(srv);
	else
		boot_clone(srv);
	if (run_own(srv, "[ ! -e /lg/t/rig/session.sh ] || "
			 "sh /lg/t/rig/session.sh"))
		server_note(srv, "session.sh failed");
}
