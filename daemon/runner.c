// SPDX-License-Identifier: GPL-2.0-only
/*
 * runner.c - the process in which a guest's vcpus run
 *
 * lguest-run is given descriptors and nothing else: RAM, a kernel, vcpus, and a
 * socket to report on.  It loads the kernel, says "running" and waits; we say
 * "go" when the guest is where it shall be and systemd has all that it takes to
 * find it again.  From then on we know the process by its pidfd alone, and that
 * works as well for one that a daemon before us has started.
 *
 * What must never happen: a runner that nobody knows.  If we die before "go" it
 * finds nobody at the other end of the socket, and ends.
 *
 * Next: daemon/scope.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vm.h"

#define RUNNER     "/usr/lib/lguest/lguest-run"
#define RUNNER_ENV "LGUEST_RUN"
#define FIRST_FD   3
#define FDS_MAX    (LG_MAX_VCPUS + 8)
#define ARGS_MAX   (2 * FDS_MAX + 16)

/* What lguest-run is told, as it is put together. */
struct order {
	const char *argv[ARGS_MAX];
	char digits[FDS_MAX][12];
	int fd[FDS_MAX]; /* ours, to be its FIRST_FD and so on */
	unsigned int args, fds;
};

void runner_init(struct vm *vm)
{
	vm->runner.pidfd = -1;
	vm->runner.report = -1;
}

/* An option, and the descriptor it names, which gets the next place. */
static void add_fd(struct order *order, const char *option, int fd)
{
	char *digits = order->digits[order->fds];

	snprintf(digits, sizeof(order->digits[0]), "%u", FIRST_FD + order->fds);
	order->fd[order->fds++] = fd;
	order->argv[order->args++] = option;
	order->argv[order->args++] = digits;
}

static void add_word(struct order *order, const char *option, const char *word)
{
	order->argv[order->args++] = option;
	order->argv[order->args++] = word;
}

static void add_all(struct order *order, const struct vm *vm, int report,
		    int cmdline)
{
	static char memory[24]; /* until it is told, and that is now */
	unsigned int i;

	order->argv[order->args++] = "lguest-run";
	snprintf(memory, sizeof(memory), "%llu",
		 (unsigned long long)vm->conf->memory_bytes);
	add_word(order, "--name", vm_name(vm));
	add_fd(order, "--report", report);
	add_word(order, "--memory", memory);
	add_fd(order, "--ram", vm->machine.mem.fd);
	add_fd(order, "--kernel", vm->files.kernel);
	if (vm->files.initrd >= 0)
		add_fd(order, "--initrd", vm->files.initrd);
	add_fd(order, "--cmdline", cmdline);
	for (i = 0; i < vm->conf->cpus; i++)
		add_fd(order, "--vcpu", vm->machine.vcpu[i]);
	if (vm->lguestd->conf->runner_user)
		add_word(order, "--user", vm->lguestd->conf->runner_user);
	order->argv[order->args] = NULL;
}

/*
 * Descriptors go to their places in order, so none may be in another's place:
 * one that is gets a number above them all.  Returns 0 or -errno.
 */
static int lift_fds(struct order *order, int *lifted)
{
	unsigned int i;

	for (i = 0; i < order->fds; i++)
		lifted[i] = -1;
	for (i = 0; i < order->fds; i++) {
		if (order->fd[i] >= FIRST_FD + (int)order->fds)
			continue;
		lifted[i] = fcntl(order->fd[i], F_DUPFD_CLOEXEC,
				  FIRST_FD + (int)order->fds);
		if (lifted[i] < 0)
			return -errno;
		order->fd[i] = lifted[i];
	}
	return 0;
}

static int set_actions(posix_spawn_file_actions_t *actions,
		       const struct order *order)
{
	unsigned int i;
	int r;

	r = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY,
					     0);
	if (!r)
		r = posix_spawn_file_actions_addopen(actions, 1, "/dev/null",
						     O_WRONLY, 0);
	for (i = 0; !r && i < order->fds; i++)
		r = posix_spawn_file_actions_adddup2(actions, order->fd[i],
						     FIRST_FD + (int)i);
	if (!r)
		r = posix_spawn_file_actions_addclosefrom_np(
			actions, FIRST_FD + (int)order->fds);
	return r;
}

/* A session of its own: what a terminal says to us is not for guests. */
static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;
	int r;

	sigfillset(&all);
	sigemptyset(&none);
	r = posix_spawnattr_setsigdefault(attributes, &all);
	if (!r)
		r = posix_spawnattr_setsigmask(attributes, &none);
	if (!r)
		r = posix_spawnattr_setflags(attributes,
					     POSIX_SPAWN_SETSIGDEF |
						     POSIX_SPAWN_SETSIGMASK |
						     POSIX_SPAWN_SETSID);
	return r;
}

/* The new process, or -errno; that its program is missing shows here. */
static pid_t spawn(const struct order *order)
{
	/* A registered rseq ends LG_RUN at each preemption. */
	static char tunables[] = "GLIBC_TUNABLES=glibc.pthread.rseq=0";
	char *const envp[] = { tunables, NULL };
	const char *path = getenv(RUNNER_ENV);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char *argv[ARGS_MAX];
	pid_t pid = -1;
	int r;

	memcpy(argv, order->argv, sizeof(argv));
	r = posix_spawn_file_actions_init(&actions);
	if (r)
		return -r;
	r = posix_spawnattr_init(&attributes);
	if (!r) {
		r = set_actions(&actions, order);
		if (!r)
			r = set_attributes(&attributes);
		if (!r)
			r = posix_spawn(&pid, path ? path : RUNNER, &actions,
					&attributes, argv, envp);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return r ? -r : pid;
}

static pid_t spawn_with(const struct vm *vm, int report, int cmdline)
{
	int lifted[FDS_MAX];
	struct order order = { .args = 0 };
	unsigned int i;
	pid_t pid;

	add_all(&order, vm, report, cmdline);
	pid = lift_fds(&order, lifted);
	if (pid == 0)
		pid = spawn(&order);
	for (i = 0; i < order.fds; i++) {
		if (lifted[i] >= 0)
			close(lifted[i]);
	}
	return pid;
}

static int make_cmdline(const struct vm *vm)
{
	const char *text = vm->conf->cmdline;
	size_t len = strlen(text);
	int fd = memfd_create("cmdline", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (pwrite(fd, text, len, 0) != (ssize_t)len) {
		close(fd);
		return -ENOMEM;
	}
	return fd;
}

static void close_report(struct runner *runner)
{
	if (runner->report < 0)
		return;
	vm_event_del(&runner->report_event);
	vm_event_del(&runner->limit_event);
	close(runner->report);
	runner->report = -1;
}

void runner_fini(struct vm *vm)
{
	struct runner *runner = &vm->runner;

	close_report(runner);
	if (runner->pidfd >= 0) {
		vm_event_del(&runner->exit_event);
		close(runner->pidfd);
	}
	/* The pid of a dead one is still part of its scope's name. */
	*runner = (struct runner){
		.pid = runner->pid,
		.pidfd = -1,
		.report = -1,
	};
}

void runner_kill(struct vm *vm)
{
	if (vm->runner.pidfd >= 0)
		pidfd_send_signal(vm->runner.pidfd, SIGKILL, NULL, 0);
}

/* Its exit status in words: enum run_status of daemon/run/run.h. */
static const char *meaning(int status)
{
	static const char *const words[] = {
		[3] = ": the host has no memory for the guest",
		[4] = ": it had no room for a guest",
		[5] = ": nobody held the VM",
	};
	size_t count = sizeof(words) / sizeof(words[0]);

	if (status < 0 || (size_t)status >= count || !words[status])
		return "";
	return words[status];
}

/* How it ended, as far as we can know; only a parent learns more than that. */
static void describe_end(struct runner *runner, struct why *why)
{
	siginfo_t info = { .si_pid = 0 };
	int pid = (int)runner->pid;
	bool known = runner->ours &&
		     waitid(P_PIDFD, (id_t)runner->pidfd, &info,
			    WEXITED | WNOHANG) == 0 &&
		     info.si_pid;

	if (*runner->error.text)
		*why = runner->error;
	else if (!known)
		why_say(why, 0, "its runner (process %d) has died", pid);
	else if (info.si_code == CLD_EXITED)
		why_say(why, 0,
			"its runner (process %d) exited with status %d%s", pid,
			info.si_status, meaning(info.si_status));
	else
		why_say(why, 0,
			"its runner (process %d) was killed by signal %d "
			"(%s)%s",
			pid, info.si_status, strsignal(info.si_status),
			info.si_status == SIGKILL ? ": out of memory?" : "");
}

/* Its one packet: "running", "error: SENTENCE", or none because it is dead. */
static void take_report(struct vm *vm)
{
	struct runner *runner = &vm->runner;
	const char *at;
	char packet[600];
	ssize_t len;

	len = recv(runner->report, packet, sizeof(packet), MSG_DONTWAIT);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	vm_event_del(&runner->report_event);
	vm_event_del(&runner->limit_event);
	if (len == 7 && !memcmp(packet, "running", 7)) {
		runner->loaded = true;
		return;
	}
	if (len > 0) {
		at = len > 7 && !memcmp(packet, "error: ", 7) ? packet + 7
							      : packet;
		log_escape(runner->error.text, sizeof(runner->error.text), at,
			   (size_t)(packet + len - at));
	}
	/* It should be going; see to it. */
	runner_kill(vm);
}

static void on_report(evutil_socket_t fd, short what, void *arg)
{
	struct vm *vm = arg;

	(void)fd;
	(void)what;
	take_report(vm);
	if (vm->runner.loaded)
		vm_on_loaded(vm);
}

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct vm *vm = arg;

	(void)fd;
	(void)what;
	why_say(&vm->runner.error, 0, "kernel: not loaded after %u ms",
		vm_timing.load_ms);
	runner_kill(vm);
}

static void on_exit_of(evutil_socket_t fd, short what, void *arg)
{
	struct vm *vm = arg;
	struct why why;

	(void)fd;
	(void)what;
	if (vm->runner.report >= 0 && !vm->runner.loaded &&
	    !*vm->runner.error.text)
		take_report(vm); /* what it said with its last breath */
	describe_end(&vm->runner, &why);
	runner_fini(vm);
	vm_on_runner_gone(vm, why.text);
}

static int watch_exit(struct vm *vm)
{
	struct runner *runner = &vm->runner;

	event_assign(&runner->exit_event, vm->lguestd->base, runner->pidfd,
		     EV_READ, on_exit_of, vm);
	return event_add(&runner->exit_event, NULL) < 0 ? -ENOMEM : 0;
}

static int watch_report(struct vm *vm)
{
	const struct timeval limit = {
		.tv_sec = vm_timing.load_ms / 1000,
		.tv_usec = vm_timing.load_ms % 1000 * 1000,
	};
	struct runner *runner = &vm->runner;

	event_assign(&runner->report_event, vm->lguestd->base, runner->report,
		     EV_READ | EV_PERSIST, on_report, vm);
	event_assign(&runner->limit_event, vm->lguestd->base, -1, 0, on_limit,
		     vm);
	if (event_add(&runner->report_event, NULL) < 0 ||
	    event_add(&runner->limit_event, &limit) < 0)
		return -ENOMEM;
	return 0;
}

/* One that is there, but cannot be watched, must not be. */
static int abandon(struct vm *vm, pid_t pid, int r)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	runner_fini(vm);
	return r;
}

static int start(struct vm *vm, const int report[2], int cmdline)
{
	struct runner *runner = &vm->runner;
	pid_t pid = spawn_with(vm, report[1], cmdline);
	int r;

	if (pid < 0) {
		close(report[0]);
		return pid;
	}
	*runner = (struct runner){
		.pid = pid,
		.ours = true,
		.report = report[0],
		.pidfd = pidfd_open(pid, 0),
	};
	r = runner->pidfd < 0 ? -errno : watch_report(vm);
	if (r == 0)
		r = watch_exit(vm);
	return r < 0 ? abandon(vm, pid, r) : 0;
}

int runner_start(struct vm *vm, struct why *why)
{
	int report[2], cmdline, r;

	cmdline = make_cmdline(vm);
	if (cmdline < 0)
		return why_say(why, cmdline, "%s: command line: %s",
			       vm_name(vm), strerror(-cmdline));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report) < 0) {
		r = -errno;
	} else {
		r = start(vm, report, cmdline);
		close(report[1]);
	}
	close(cmdline);
	if (r < 0)
		return why_say(why, r, "%s: lguest-run: %s", vm_name(vm),
			       strerror(-r));
	return 0;
}

int runner_adopt(struct vm *vm, int pidfd, pid_t pid, struct why *why)
{
	int r;

	vm->runner = (struct runner){
		.pid = pid,
		.pidfd = pidfd,
		.report = -1,
	};
	r = watch_exit(vm);
	if (r < 0) {
		close(pidfd);
		runner_init(vm);
		return why_say(why, r, "runner: %s", strerror(-r));
	}
	return 0;
}

void runner_go(struct vm *vm)
{
	/* One that does not wait for it has closed its end already. */
	send(vm->runner.report, "go", 2, MSG_NOSIGNAL | MSG_DONTWAIT);
	close_report(&vm->runner);
}
