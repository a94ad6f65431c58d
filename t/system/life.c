// SPDX-License-Identifier: GPL-2.0-only
/*
 * life.c - a guest's process is stopped, killed, forked, exchanged
 *
 * Story: life.t.  Start at main(), which is the list.
 *
 * Long because it is a list of short stories that share nothing but their props.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"
#include "pass.h"

#define CHURN 60

static void on_alarm(int signal)
{
	(void)signal;
}

/* A child that does what its parent would do, and does not come back. */
static pid_t start_child(void (*what)(struct busy *), struct busy *busy)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		bail_out("fork: %s", strerror(errno));
	if (pid == 0) {
		what(busy);
		_exit(0);
	}
	return pid;
}

static int end_of(pid_t pid)
{
	int status = -1;

	if (waitpid(pid, &status, 0) != pid)
		bail_out("waitpid: %s", strerror(errno));
	return status;
}

static void run_forever(struct busy *busy)
{
	do
		busy->end = vmm_run_once(&busy->vmm);
	while (busy->end == VMM_INTERRUPTED || busy->end == LG_EXIT_NOTIFY);
}

/* LG_RUN, again for as long as the kernel only wants the thread. */
static int run_vcpu(int vcpu)
{
	int r;

	do
		r = ioctl(vcpu, LG_RUN, 0);
	while (r < 0 && errno == EINTR);
	return r;
}

/* To one exit; the exit status says which token came, counted from 1. */
static void run_to_token(struct busy *busy)
{
	if (run_vcpu(busy->vmm.vcpu))
		_exit(200);
	_exit(busy->vmm.run->exit == LG_EXIT_NOTIFY
		      ? (int)(busy->vmm.run->data[0] & 0x7f)
		      : 199);
}

static __u64 next_token(struct busy *busy)
{
	int end = vmm_run_on(&busy->vmm);

	if (end != LG_EXIT_NOTIFY)
		return (__u64)end;
	return busy->vmm.run->data[0] & ~OP_TOKEN;
}

/* ---- signals ---- */

static void test_alarm(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct busy busy;
	int i, ends = 0;

	sigaction(SIGALRM, &action, NULL);
	busy_create(&busy, OP_SPIN, 0, NULL);
	for (i = 0; i < 20; i++) {
		ualarm(20000, 20000); /* again and again: one may be early */
		ends += vmm_run_once(&busy.vmm) == VMM_INTERRUPTED;
		ualarm(0, 0);
	}
	is((__u64)ends, 20, "a signal ends LG_RUN in a guest's endless loop");
	ok(busy_count(&busy) > 0, "which goes on where it was");
	busy_destroy(&busy);
}

static void test_kill(void)
{
	struct busy busy;
	pid_t pid;
	int status;

	busy_create(&busy, OP_SPIN, 0, NULL);
	pid = start_child(run_forever, &busy);
	ok(busy_await(&busy, 10), "a guest runs in a process of its own");
	kill(pid, SIGKILL);
	status = end_of(pid);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	   "SIGKILL ends that process at once");
	busy_destroy(&busy);
}

static void test_stop(void)
{
	struct busy busy;
	int status = 0, i;
	__u64 count;
	pid_t pid;

	busy_create(&busy, OP_SPIN, 0, NULL);
	pid = start_child(run_forever, &busy);
	busy_await(&busy, 10);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	ok(WIFSTOPPED(status), "SIGSTOP stops a guest's process");
	count = busy_count(&busy);
	for (i = 0; i < 50; i++)
		nap();
	is(busy_count(&busy), count, "and the guest with it");
	kill(pid, SIGCONT);
	ok(busy_await(&busy, 10), "and SIGCONT lets it go on");
	kill(pid, SIGKILL);
	end_of(pid);
	busy_destroy(&busy);
}

/* ---- many at once ---- */

static void test_crowd(void)
{
	static const __u64 ops[] = { OP_PATTERN, OP_SYSCALL, OP_PATTERN,
				     OP_FAULT };
	struct busy busy[4];
	int i, lived = 0;

	for (i = 0; i < 4; i++)
		busy_create(&busy[i], ops[i], (__u64)i << 40, NULL);
	for (i = 0; i < 4; i++)
		busy_start(&busy[i], ANY_CPU);
	for (i = 0; i < 4; i++)
		lived += busy_await(&busy[i], 20);
	is((__u64)lived, 4, "four guests share %d CPUs", last_cpu() + 1);
	for (i = 0; i < 4; i++)
		lived -= busy_stop(&busy[i]);
	is((__u64)lived, 0, "and none sees anything of the others");
	for (i = 0; i < 4; i++)
		busy_destroy(&busy[i]);
}

/* Vcpus 1 to 3 of the same VM count in words of their own. */
static void add_vcpus(struct busy *first, struct busy *others)
{
	struct lg_vcpu_create create = { 0 };
	int i;

	for (i = 0; i < 3; i++) {
		others[i] = *first;
		create.id = (__u32)(i + 1);
		others[i].vmm.vcpu =
			ioctl(first->vmm.vm, LG_VCPU_CREATE, &create);
		if (others[i].vmm.vcpu < 0)
			bail_out("LG_VCPU_CREATE: %s", strerror(errno));
		others[i].vmm.run = mmap(NULL, 4096, PROT_READ, MAP_SHARED,
					 others[i].vmm.vcpu, 0);
		others[i].vmm.regs.rdi += 8 * create.id;
	}
}

static void test_vcpus(void)
{
	struct busy first, others[3];
	volatile __u64 *words;
	long long end = now_ms() + PATIENCE_MS;
	int i, lived = 0;

	busy_create_loop(&first);
	add_vcpus(&first, others);
	words = (void *)(first.vmm.ram + PROGRESS_GPA);
	busy_start(&first, ANY_CPU);
	for (i = 0; i < 3; i++)
		busy_start(&others[i], ANY_CPU);
	while ((!words[0] || !words[1] || !words[2] || !words[3]) &&
	       now_ms() < end)
		nap();
	ok(words[0] && words[1] && words[2] && words[3],
	   "four vcpus of one VM run in four threads of one process");
	for (i = 0; i < 3; i++) {
		lived += busy_stop(&others[i]);
		munmap(others[i].vmm.run, 4096);
		close(others[i].vmm.vcpu);
	}
	is((__u64)lived, 3, "and can be stopped one by one");
	ok(busy_await(&first, 10) && busy_stop(&first),
	   "while the last goes on without them");
	busy_destroy(&first);
}

/* ---- from one process to another ---- */

static void test_fork(void)
{
	struct busy busy;
	int status;

	busy_create(&busy, OP_NOTIFY, 0, NULL);
	is(next_token(&busy), 1, "a guest runs in a process");
	status = end_of(start_child(run_to_token, &busy));
	is((__u64)WEXITSTATUS(status), 2, "and goes on in its child");
	is(next_token(&busy), 3, "and again in the process itself");
	busy_destroy(&busy);
}

/* 'S' and 'D' are waiting; 'R' is not. */
static char thread_state(pid_t tid)
{
	char path[64], text[512], *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	state = fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
	fclose(f);
	return state && state[1] ? state[2] : 0;
}

static pid_t waiter_tid;

static void *wait_and_run(void *arg)
{
	struct busy *busy = arg;

	__atomic_store_n(&waiter_tid, (pid_t)syscall(SYS_gettid),
			 __ATOMIC_RELEASE);
	/* Also for other work than signals: that is not what we wait for. */
	do
		busy->end = vmm_run_once(&busy->vmm);
	while (busy->end == VMM_INTERRUPTED &&
	       !__atomic_load_n(&busy->stop, __ATOMIC_ACQUIRE));
	return NULL;
}

static void test_both(void)
{
	long long end = now_ms() + PATIENCE_MS;
	struct busy busy;
	pthread_t thread;
	pid_t pid, tid;
	char state;

	busy_create(&busy, OP_SPIN, 0, NULL);
	ualarm(20000, 20000);
	vmm_run_once(&busy.vmm);
	ualarm(0, 0);
	pid = start_child(run_forever, &busy);
	busy_await(&busy, 10);
	pthread_create(&thread, NULL, wait_and_run, &busy);
	/*
	 * It may spin for a while first, as the kernel's mutexes do.  And it may
	 * be the one that runs: then the other waits.
	 */
	do {
		nap();
		tid = __atomic_load_n(&waiter_tid, __ATOMIC_ACQUIRE);
		state = tid ? thread_state(tid) : 'R';
		if (tid && state == 'R')
			state = thread_state(pid);
	} while (state == 'R' && now_ms() < end);
	ok(state == 'D' || state == 'S',
	   "of two LG_RUNs on the vcpu, in two processes, one waits");
	kill(pid, SIGKILL);
	end_of(pid);
	ok(busy_await(&busy, 1000), "and has its turn when the first is gone");
	__atomic_store_n(&busy.stop, true, __ATOMIC_RELEASE);
	do
		pthread_kill(thread, SIGALRM);
	while (nap(), pthread_tryjoin_np(thread, NULL));
	is((__u64)busy.end, VMM_INTERRUPTED, "and can be interrupted then");
	busy_destroy(&busy);
}

/* We are executed again with a vcpu's descriptor: its next token, please. */
static int executed(const char *fd)
{
	int vcpu = atoi(fd);
	struct lg_run *run = mmap(NULL, 4096, PROT_READ, MAP_SHARED, vcpu, 0);

	if (run == MAP_FAILED || run_vcpu(vcpu))
		return 198;
	return run->exit == LG_EXIT_NOTIFY ? (int)(run->data[0] & 0x7f) : 199;
}

static void execute(struct busy *busy)
{
	char fd[16];

	if (next_token(busy) != 2) /* in the mm that is about to go */
		_exit(197);
	snprintf(fd, sizeof(fd), "%d", busy->vmm.vcpu);
	fcntl(busy->vmm.vcpu, F_SETFD, 0);
	execl("/proc/self/exe", "life", fd, (char *)NULL);
	_exit(196);
}

static void test_exec(void)
{
	struct busy busy;
	int status;

	busy_create(&busy, OP_NOTIFY, 0, NULL);
	next_token(&busy);
	status = end_of(start_child(execute, &busy));
	is((__u64)WEXITSTATUS(status), 3,
	   "a guest goes on in the program that its process becomes");
	is(next_token(&busy), 4, "and later in the first one again");
	busy_destroy(&busy);
}

static int sockets[2];

static void create_and_send(struct busy *busy)
{
	busy_create(busy, OP_NOTIFY, 0, NULL);
	if (next_token(busy) != 1 || next_token(busy) != 2)
		_exit(194);
	pass_send(sockets[0], busy->vmm.vcpu);
}

static void test_adoption(void)
{
	struct busy busy;
	struct lg_run *run;
	int vcpu, i, status;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		bail_out("socketpair: %s", strerror(errno));
	status = end_of(start_child(create_and_send, &busy));
	is((__u64)status, 0, "a process makes a VM, sends its vcpu and exits");
	vcpu = pass_receive(sockets[1]);
	run = mmap(NULL, 4096, PROT_READ, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		bail_out("a received vcpu: mmap: %s", strerror(errno));
	for (i = 3; i < 10; i++)
		if (run_vcpu(vcpu) || run->exit != LG_EXIT_NOTIFY ||
		    run->data[0] != OP_TOKEN + (__u64)i)
			break;
	is((__u64)i, 10, "who receives it runs it on, with all its memory");
	munmap(run, 4096);
	close(vcpu);
	close(sockets[0]);
	close(sockets[1]);
}

/* ---- at any moment ---- */

static void live_and_die(struct busy *busy)
{
	static const __u64 ops[] = { OP_SPIN, OP_SYSCALL, OP_FAULT,
				     OP_HYPERCALL, OP_NOTIFY };
	int i = (int)busy->end;

	for (;;) {
		busy_create(busy, ops[i % 5], 0, NULL);
		run_forever(busy);
	}
}

static void test_churn(void)
{
	struct busy busy = { 0 };
	int i, j, killed = 0, status;
	pid_t pid;

	srandom(1);
	for (i = 0; i < CHURN; i++) {
		busy.end = i;
		pid = start_child(live_and_die, &busy);
		for (j = (int)(random() % 8); j; j--)
			nap();
		kill(pid, SIGKILL);
		status = end_of(pid);
		killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	}
	is((__u64)killed, CHURN, "processes are killed at any moment");
}

/* ---- what a guest stands on, taken away ---- */

static void test_closed(void)
{
	struct busy busy;

	busy_create(&busy, OP_NOTIFY, 0, NULL);
	next_token(&busy);
	close(busy.vmm.vm);
	close(busy.vmm.memfd);
	close(busy.vmm.device);
	munmap(busy.vmm.ram, busy.vmm.ram_bytes);
	busy.vmm.ram = NULL;
	busy.vmm.vm = busy.vmm.memfd = busy.vmm.device = -1;
	is(next_token(&busy), 2,
	   "a vcpu runs with the VM, its RAM and the device closed");
	munmap(busy.vmm.run, 4096);
	is((__u64)run_vcpu(busy.vmm.vcpu), 0, "without a run page too");
	busy.vmm.run = NULL;
	busy_destroy(&busy);
}

static void test_ram(void)
{
	struct busy busy;

	busy_create(&busy, OP_FAULT, 0, NULL);
	busy_start(&busy, ANY_CPU);
	busy_await(&busy, 5);
	errno = 0;
	ftruncate(busy.vmm.memfd, 4096);
	is((__u64)errno, EPERM, "RAM cannot be made smaller under a guest");
	errno = 0;
	fcntl(busy.vmm.memfd, F_ADD_SEALS, F_SEAL_WRITE);
	is((__u64)errno, EBUSY, "nor be sealed against writing");
	is((__u64)fallocate(busy.vmm.memfd,
			    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			    (off_t)busy.vmm.ram_bytes),
	   0, "all of it can be punched out");
	/*
	 * It runs on the pages it had until it flushes; then they are zero.  If
	 * its data goes first it may notice, and crash by itself.
	 */
	pthread_join(busy.thread, NULL);
	busy.started = false;
	ok(busy.end == LG_EXIT_KILLED || busy.end == LG_EXIT_SHUTDOWN,
	   "which is the end of the guest: %s", busy.vmm.run->why);
	busy_destroy(&busy);
}

static int remove_slot(struct busy *busy, __u32 number)
{
	struct lg_slot slot = { .slot = number };

	return ioctl(busy->vmm.vm, LG_SLOT_REMOVE, &slot) ? errno : 0;
}

static void test_slot_remove(void)
{
	struct busy busy;

	busy_create_loop(&busy);
	is((__u64)remove_slot(&busy, 1), ENOENT, "no slot, nothing to remove");
	busy_start(&busy, ANY_CPU);
	busy_await(&busy, 1);
	is((__u64)remove_slot(&busy, 0), 0,
	   "RAM can be removed while a vcpu runs");
	pthread_join(busy.thread, NULL);
	busy.started = false;
	is((__u64)busy.end, LG_EXIT_KILLED,
	   "and the guest ends where it was: %s", busy.vmm.run->why);
	busy_destroy(&busy);

	busy_create(&busy, OP_NOTIFY, 0, NULL);
	next_token(&busy);
	is((__u64)remove_slot(&busy, 0), EBUSY,
	   "but not while lguest_data is registered in it");
	is(next_token(&busy), 2, "and the guest goes on");
	busy_destroy(&busy);
}

static void test_killed(void)
{
	struct busy busy;
	struct lg_regs regs;

	busy_create(&busy, OP_INVALID, 0, NULL);
	is((__u64)vmm_run(&busy.vmm), LG_EXIT_KILLED, "ud2 kills a guest");
	ok(strstr(busy.vmm.run->why, "invalid opcode") &&
		   busy.vmm.run->trap == 6,
	   "and the run page says why: %s", busy.vmm.run->why);
	vmm_get_regs(&busy.vmm, &regs);
	regs.rip += 2;
	is((__u64)vmm_set_regs(&busy.vmm, &regs), 0,
	   "its registers may be read and written");
	is((__u64)vmm_run_on(&busy.vmm), LG_EXIT_KILLED,
	   "but nothing brings it back");
	ok(!!strstr(busy.vmm.run->why, "invalid opcode"),
	   "for the same reason");
	busy_destroy(&busy);
}

int main(int argc, char **argv)
{
	int users = module_users();

	if (argc > 1)
		return executed(argv[1]);
	test_alarm();
	test_kill();
	test_stop();
	test_crowd();
	test_vcpus();
	test_fork();
	test_both();
	test_exec();
	test_adoption();
	test_churn();
	test_closed();
	test_ram();
	test_slot_remove();
	test_killed();
	is((__u64)module_users(), (__u64)users,
	   "nothing of all this is left open");
	return tap_end();
}
