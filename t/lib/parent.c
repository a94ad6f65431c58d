// SPDX-License-Identifier: GPL-2.0-only
/*
 * parent.c - the smallest lguestd: one guest, run by lguest-run
 *
 * Its RAM is never mapped here either: text of the guest's is read from the
 * memfd, so that a guest which prints nonsense costs a short read.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "parent.h"
#include "tap.h"

#define SILENCE_MS 120000
#define ARGS_MAX   (24 + 2 * PARENT_VCPUS)

static void make_ram(struct parent *p)
{
	struct lg_slot slot = { .bytes = p->ram_bytes };

	p->ram = memfd_create("ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (p->ram < 0 || ftruncate(p->ram, (off_t)p->ram_bytes) < 0 ||
	    fcntl(p->ram, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		bail_out("memfd: %llu bytes: %s", p->ram_bytes,
			 strerror(errno));
	slot.memfd = p->ram;
	if (ioctl(p->vm, LG_SLOT_ADD, &slot) < 0)
		bail_out("LG_SLOT_ADD: %s", strerror(errno));
}

void parent_make(struct parent *p, __u64 ram_bytes, unsigned int vcpus)
{
	struct lg_vm_create create = { .abi = LG_ABI_VERSION };
	struct lg_info info;
	unsigned int i;

	memset(p, 0, sizeof(*p));
	p->report = -1;
	p->input = "";
	p->ram_bytes = ram_bytes;
	p->vcpu_count = vcpus;
	p->device = open("/dev/lguest", O_RDWR | O_CLOEXEC);
	if (p->device < 0 || ioctl(p->device, LG_INFO, &info) < 0)
		bail_out("/dev/lguest: %s", strerror(errno));
	create.features = info.features;
	p->vm = ioctl(p->device, LG_VM_CREATE, &create);
	if (p->vm < 0)
		bail_out("LG_VM_CREATE: %s", strerror(errno));
	make_ram(p);
	for (i = 0; i < vcpus; i++) {
		struct lg_vcpu_create vcpu = { .id = i };

		p->vcpus[i] = ioctl(p->vm, LG_VCPU_CREATE, &vcpu);
		if (p->vcpus[i] < 0)
			bail_out("LG_VCPU_CREATE %u: %s", i, strerror(errno));
	}
}

/* ---- the runner ---- */

/* In the child: this descriptor goes with us. */
static const char *keep(int fd)
{
	char *text;

	fcntl(fd, F_SETFD, 0);
	if (asprintf(&text, "%d", fd) < 0)
		_exit(127);
	return text;
}

static int words_of(const char *cmdline)
{
	int fd = memfd_create("cmdline", MFD_CLOEXEC);

	if (fd < 0 || write(fd, cmdline, strlen(cmdline)) < 0)
		_exit(127);
	return fd;
}

static void become_runner(struct parent *p, int report, const char *kernel,
			  const char *cmdline)
{
	const char *args[ARGS_MAX] = { "build/lguest-run", "--name", "test",
				       "--user",           "user",   "--report",
				       keep(report) };
	char bytes[32];
	const gid_t group = 4;
	unsigned int n = 7, i;
	int file;

	/* What it must not keep: a group, and files that came by mistake. */
	if (setgroups(1, &group) < 0 || dup2(STDERR_FILENO, 77) < 0 ||
	    dup2(p->device, 1000) < 0)
		_exit(127);
	if (!kernel) {
		args[n++] = "--resume";
	} else {
		file = open(kernel, O_RDONLY | O_CLOEXEC);
		if (file < 0)
			_exit(127);
		snprintf(bytes, sizeof(bytes), "%llu", p->ram_bytes);
		args[n++] = "--memory";
		args[n++] = bytes;
		args[n++] = "--ram";
		args[n++] = keep(p->ram);
		args[n++] = "--kernel";
		args[n++] = keep(file);
		args[n++] = "--cmdline";
		args[n++] = keep(words_of(cmdline));
	}
	for (i = 0; i < p->vcpu_count; i++) {
		args[n++] = "--vcpu";
		args[n++] = keep(p->vcpus[i]);
	}
	args[n] = NULL;
	execv(args[0], (char *const *)(uintptr_t)args);
	_exit(127);
}

void parent_start(struct parent *p, const char *kernel, const char *cmdline)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		bail_out("socketpair: %s", strerror(errno));
	p->runner = fork();
	if (p->runner < 0)
		bail_out("fork: %s", strerror(errno));
	if (!p->runner)
		become_runner(p, pair[1], kernel, cmdline);
	close(pair[1]);
	if (p->report >= 0)
		close(p->report);
	p->report = pair[0];
}

const char *parent_hear(struct parent *p)
{
	ssize_t n = recv(p->report, p->packet, sizeof(p->packet) - 1, 0);

	p->packet[n < 0 ? 0 : n] = '\0';
	if (!p->holds && n > 0)
		send(p->report, "go", 2, MSG_NOSIGNAL);
	return p->packet;
}

int parent_wait(struct parent *p)
{
	int status = 0;

	if (waitpid(p->runner, &status, 0) != p->runner)
		bail_out("waitpid: %s", strerror(errno));
	p->runner = 0;
	return status;
}

int parent_kill(struct parent *p, int signal)
{
	kill(p->runner, signal);
	return parent_wait(p);
}

/* ---- what the guest wants ---- */

static void take_text(struct parent *p, __u64 gpa)
{
	char text[256] = "";
	ssize_t n = pread(p->ram, text, sizeof(text) - 1, (off_t)gpa);
	size_t len = strnlen(text, n < 0 ? 0 : (size_t)n);

	if (len > sizeof(p->console) - 1 - p->console_len)
		return;
	memcpy(p->console + p->console_len, text, len + 1);
	p->console_len += len;
}

static __u64 answer_to(struct parent *p, __u64 token)
{
	const unsigned int arg = (unsigned int)LGUEST_TOKEN_ARG(token);

	if (token < p->ram_bytes) {
		take_text(p, token);
		return 0;
	}
	switch (LGUEST_TOKEN_WHAT(token)) {
	case LGUEST_TOKEN_POWER:
		p->power_vector = arg;
		return 0;
	case LGUEST_TOKEN_INPUT:
		p->input_vector = arg;
		return 0;
	case LGUEST_TOKEN_GETC:
		return *p->input ? (unsigned char)*p->input++
				 : LGUEST_TOKEN_UNKNOWN;
	}
	return LGUEST_TOKEN_UNKNOWN;
}

/* One exit; false: it was the last. */
static int take_exit(struct parent *p, const struct lg_exit *exit)
{
	struct lg_answer answer = {
		.vcpu = exit->vcpu,
		.exit = exit->exit,
		.serial = exit->serial,
	};

	if (exit->exit != LG_EXIT_NOTIFY) {
		p->end = *exit;
		return 0;
	}
	answer.result = answer_to(p, exit->data[0]);
	if (ioctl(p->vm, LG_ANSWER, &answer) < 0)
		bail_out("LG_ANSWER: %s", strerror(errno));
	return 1;
}

int parent_serve(struct parent *p, const char *text)
{
	struct pollfd poll_vm = { .fd = p->vm, .events = POLLIN };
	struct lg_exit exit;

	while (poll(&poll_vm, 1, SILENCE_MS) > 0) {
		if (read(p->vm, &exit, sizeof(exit)) != sizeof(exit))
			bail_out("VM: read: %s", strerror(errno));
		if (!take_exit(p, &exit))
			return (int)exit.exit;
		if (text && strstr(p->console, text))
			return PARENT_TEXT;
	}
	return PARENT_SILENT;
}

void parent_interrupt(struct parent *p, unsigned int vector)
{
	struct lg_interrupt interrupt = { .vcpu = 0, .vector = vector };

	if (ioctl(p->vm, LG_INTERRUPT, &interrupt) < 0)
		bail_out("LG_INTERRUPT %u: %s", vector, strerror(errno));
}

void parent_end(struct parent *p)
{
	unsigned int i;

	if (p->runner)
		parent_kill(p, SIGKILL);
	for (i = 0; i < p->vcpu_count; i++)
		close(p->vcpus[i]);
	close(p->vm);
	close(p->ram);
	close(p->device);
	close(p->report);
}
