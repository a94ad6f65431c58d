// SPDX-License-Identifier: GPL-2.0-only
/*
 * qemu.c - from a row of model.c to a running QEMU
 *
 * A machine is booted, or cloned.  To clone is to boot once with its RAM in a
 * file, save what is not RAM beside it, and from then on start QEMU with that
 * file mapped privately: every clone sees the saved RAM, and keeps its own
 * writes to itself.  Any number may run at once.
 *
 * Must never happen: a QEMU that outlives its server (the kernel kills it with
 * us), and a clone whose devices are not those of its template: what both have
 * in common is in add_common(), in one order, and is the template's key.
 *
 * Next: t/rig/qmp.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"

#define ARGS_MAX 96
#define RAM      "1G"

struct args {
	char *words[ARGS_MAX + 1];
	size_t n;
};

static void add(struct args *args, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct args *args, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (args->n == ARGS_MAX ||
	    vasprintf(&args->words[args->n++], fmt, ap) < 0)
		abort();
	va_end(ap);
}

static void add_words(struct args *args, const char *words)
{
	char *copy = strdup(words), *word, *rest = copy;

	while ((word = strsep(&rest, " ")))
		if (*word)
			add(args, "%s", word);
	free(copy);
}

/* A path in an option: QEMU wants its commas doubled. */
static void add_path(struct args *args, const char *before, const char *path,
		     const char *after)
{
	char *twice = calloc(2, strlen(path) + 1), *p = twice;

	for (; *path; path++) {
		if (*path == ',')
			*p++ = ',';
		*p++ = *path;
	}
	add(args, "%s%s%s", before, twice, after);
	free(twice);
}

/*
 * A KVM that is itself done in software (PVM) runs only kernels that know it,
 * and Debian's does not: without VMX or SVM below it, it is none for us.
 */
static int cpu_has_virtualization(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char *line = NULL;
	size_t room = 0;
	int has = 0;

	while (file && !has && getline(&line, &room, file) > 0)
		has = !strncmp(line, "flags", 5) &&
		      (strstr(line, " vmx ") || strstr(line, " svm "));
	free(line);
	if (file)
		fclose(file);
	return has;
}

int vm_may_use_kvm(void)
{
	static int may = -1;

	if (may < 0)
		may = access("/dev/kvm", R_OK | W_OK) == 0 &&
		      cpu_has_virtualization();
	return may;
}

static int use_kvm(const struct model *model)
{
	return !model->accel && vm_may_use_kvm();
}

static void add_kernel(struct args *args, const struct vm_args *vm)
{
	const char *name =
		vm->model->flags & MODEL_BZIMAGE ? "bzImage" : "vmlinux";

	add(args, "-kernel");
	add(args, "%s/%s", vm->cache->image, name);
	add(args, "-initrd");
	add(args, "%s/root.cpio", vm->cache->image);
	add(args, "-append");
	/* On a busy machine the timer is late when the kernel tries it out. */
	add(args,
	    "console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check "
	    "cryptomgr.notests printk.devkmsg=on net.ifnames=0 %s %s",
	    vm->model->append ? vm->model->append : "",
	    vm->append ? vm->append : "");
}

static void add_common(struct args *args, const struct vm_args *vm)
{
	const struct model *model = vm->model;

	add_words(args, "qemu-system-x86_64 -nodefaults -no-user-config "
			"-nic none -display none -no-reboot -m");
	add(args, "%s", vm->ram ? vm->ram : RAM);
	add_words(args, "-bios /usr/share/qemu/qboot.rom -cpu");
	add(args, "%s", model->cpu);
	add(args, "-smp");
	add(args, "%u", model->cpus);
	if (!(model->flags & MODEL_ICOUNT))
		add_words(args, use_kvm(model) ? "-accel kvm"
					       : "-accel tcg,thread=multi");
	/* A clone has its kernel in RAM: to load it again costs 0.3 s. */
	if (vm->kind != VM_CLONE)
		add_kernel(args, vm);
	add_words(args, "-device virtio-serial-pci "
			"-device virtserialport,chardev=agent,name=rig "
			"-device virtio-9p-pci,fsdev=lg,mount_tag=lg "
			"-device virtio-9p-pci,fsdev=out,mount_tag=out "
			"-device virtio-9p-pci,fsdev=host,mount_tag=host "
			"-serial chardev:con -mon chardev=qmp,mode=control");
}

static void add_own(struct args *args, const struct vm_args *vm, int qmp_fd,
		    int agent_fd)
{
	static const char how[] = ",security_model=none,multidevs=remap";
	char out[4096];

	if (vm->model->accel)
		add_words(args, vm->model->accel);
	/* For whoever measures: a plugin, a trace.  Cold boots only. */
	if (vm->kind == VM_COLD && getenv("RIG_QEMU_ARGS"))
		add_words(args, getenv("RIG_QEMU_ARGS"));
	add(args, "-chardev");
	add(args, "socket,id=qmp,fd=%d", qmp_fd);
	add(args, "-chardev");
	add(args, "socket,id=agent,fd=%d", agent_fd);
	add(args, "-chardev");
	add_path(args, "file,id=con,append=on,path=", vm->console, "");
	add(args, "-fsdev");
	add_path(args, "local,id=lg,readonly=on,path=", rig_tree, how);
	snprintf(out, sizeof(out), "%s/out", rig_build);
	add(args, "-fsdev");
	add_path(args, "local,id=out,path=", out, how);
	add(args, "-fsdev");
	add(args, "local,id=host,readonly=on,path=/%s", how);
	if (vm->kind == VM_COLD)
		return;
	add(args, "-object");
	add_path(args, "memory-backend-file,id=ram,size=" RAM ",mem-path=",
		 vm->template_dir,
		 vm->kind == VM_CLONE ? "/ram,share=off" : "/ram,share=on");
	add_words(args, "-machine pc,memory-backend=ram");
	if (vm->kind == VM_CLONE)
		add_words(args, "-incoming defer");
}

/* vm_template_key - what a template of this model depends on */
uint64_t vm_template_key(const struct model *model, const struct cache *cache)
{
	struct vm_args vm = { .model = model, .cache = cache };
	struct args args = { 0 };
	uint64_t hash = HASH_START;

	/* RAM is written back when the kernel likes: not trusted once down. */
	hash = hash_file(hash, "/proc/sys/kernel/random/boot_id");
	add_common(&args, &vm);
	while (args.n) {
		hash = hash_string(hash, args.words[--args.n]);
		free(args.words[args.n]);
	}
	return hash;
}

static void become_qemu(struct args *args, const char *console, pid_t server,
			const int keep[2])
{
	int in = open("/dev/null", O_RDONLY);
	int out = open(console, O_WRONLY | O_CREAT | O_APPEND, 0666);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != server)
		_exit(127);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	for (int i = 0; i < 2; i++)
		fcntl(keep[i], F_SETFD, 0);
	setsid();
	execvp(args->words[0], args->words);
	dprintf(2, "%s: %s\n", args->words[0], strerror(errno));
	_exit(127);
}

/* vm_start - start QEMU; what runs in it is not our concern yet */
int vm_start(struct vm *vm, const struct vm_args *how)
{
	int qmp[2], agent[2];
	pid_t server = getpid();
	struct args args = { 0 };

	*vm = (struct vm){ .model = how->model };
	snprintf(vm->console, sizeof(vm->console), "%s", how->console);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, agent) < 0)
		return -errno;
	add_common(&args, how);
	add_own(&args, how, qmp[1], agent[1]);
	vm->pid = fork();
	if (vm->pid < 0)
		return -errno;
	if (vm->pid == 0)
		become_qemu(&args, how->console, server,
			    (int[]){ qmp[1], agent[1] });
	close(qmp[1]);
	close(agent[1]);
	while (args.n)
		free(args.words[--args.n]);
	vm->qmp_fd = qmp[0];
	vm->agent_fd = agent[0];
	fcntl(vm->agent_fd, F_SETFL, O_NONBLOCK);
	vm->pidfd = (int)syscall(SYS_pidfd_open, vm->pid, 0);
	if (vm->pidfd < 0)
		return -errno;
	return qmp_open(vm);
}

void vm_kill(struct vm *vm)
{
	if (vm->pid <= 0)
		return;
	kill(vm->pid, SIGKILL);
	waitpid(vm->pid, NULL, 0);
	vm->pid = 0;
	close(vm->pidfd);
	close(vm->qmp_fd);
	close(vm->agent_fd);
	vm->pidfd = vm->qmp_fd = vm->agent_fd = -1;
	buf_free(&vm->qmp_in);
}

static int ignore_shared(struct vm *vm)
{
	return qmp_run(vm,
		       "{\"execute\":\"migrate-set-capabilities\","
		       "\"arguments\":{\"capabilities\":[{\"capability\":"
		       "\"x-ignore-shared\",\"state\":true}]}}",
		       NULL);
}

/* Ask until the answer has the word; -EIO once it has the other one. */
static int wait_for(struct vm *vm, const char *query, const char *word,
		    const char *bad)
{
	const struct timespec nap = { .tv_nsec = 3000000 };
	struct buf answer = { 0 };
	int r;

	for (int i = 0; i < 10000; i++) {
		answer.len = 0;
		r = qmp_run(vm, query, &answer);
		if (r < 0)
			break;
		r = 0;
		if (strstr(answer.data, word))
			break;
		r = -EIO;
		if (strstr(answer.data, bad))
			break;
		nanosleep(&nap, NULL);
	}
	if (r < 0)
		complain("qemu: %s: %s", query,
			 answer.len ? answer.data : "no answer");
	buf_free(&answer);
	return r;
}

/* The path goes to QEMU through a shell and through JSON: no quotes in it. */
static int migrate(struct vm *vm, const char *verb, const char *command,
		   const char *template_dir)
{
	char line[8192];

	if (strpbrk(template_dir, "'\"\\")) {
		complain("'%s': quotes in the cache's path", template_dir);
		return -EINVAL;
	}
	snprintf(line, sizeof(line),
		 "{\"execute\":\"%s\",\"arguments\":{\"uri\":"
		 "\"exec:%s '%s/state'\"}}",
		 verb, command, template_dir);
	return qmp_run(vm, line, NULL);
}

/* vm_save - put what is not RAM beside the RAM; the machine is then stopped */
int vm_save(struct vm *vm, const char *template_dir)
{
	int r = ignore_shared(vm);

	if (r == 0)
		r = migrate(vm, "migrate", "cat >", template_dir);
	if (r == 0)
		r = wait_for(vm, "{\"execute\":\"query-migrate\"}",
			     "\"completed\"", "\"failed\"");
	return r;
}

/*
 * vm_restore - make a fresh clone what its template was
 *
 * Until the machine runs, what is sent to it may be lost: we wait for that.
 */
int vm_restore(struct vm *vm, const char *template_dir)
{
	int r = ignore_shared(vm);

	if (r == 0)
		r = migrate(vm, "migrate-incoming", "cat", template_dir);
	if (r == 0)
		r = wait_for(vm, "{\"execute\":\"query-status\"}",
			     "\"running\"", "\"internal-error\"");
	return r;
}
