// SPDX-License-Identifier: GPL-2.0-only
/*
 * scarce.c - when there is not enough, nothing half-made is left
 *
 * Each call of lg.ko's fails in turn, then there is each number of descriptors
 * from too few to enough, then memory ends.  A guest is made whole or not at
 * all, with a sentence that says what was lacking; and after hundreds of guests
 * there is nothing left of any of them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "inside.h"
#include "tap.h"

#define MANY 200

static char fail_path[128];
static unsigned int fds;

static void make_fail(const char *call)
{
	int fd =
		open(fail_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || dprintf(fd, "%s\n", call) < 0)
		bail_out("%s: %s", fail_path, strerror(errno));
	close(fd);
}

static void check_calls(void)
{
	static const char *const calls[] = { "vm_create", "slot_add",
					     "vcpu_create" };
	struct why why;
	struct vm *vm;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		make_fail(calls[i]);
		is((unsigned)-inside_create("web", "", "", &why, &vm), ENOMEM,
		   "%s fails: '%s'", calls[i], why.text);
		ok(!vm_find(&inside, "web"), "... and there is no guest");
		is(inside_fds(), fds, "... and no descriptor of it");
	}
	make_fail("");
}

/* A page of RAM cannot be had, see t/unit/guest_mem.c. */
static void check_lost(void)
{
	int fd = memfd_create("nothing", MFD_CLOEXEC);
	struct vm *other = inside_guest("db", "wait\n", "");
	struct vm *vm =
		inside_guest("web", "wait\n", "{\"on_crash\":\"preserve\"}");
	volatile char *ram = guest_mem_ptr(&vm->machine.mem, 4096, 1);

	if (ftruncate(fd, 4096) < 0 ||
	    mmap(vm->machine.mem.base + 4096, 4096, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    ftruncate(fd, 0) < 0)
		bail_out("no hole in RAM: %s", strerror(errno));
	close(fd);
	is((unsigned char)ram[0], 0, "RAM that cannot be had reads as zero");
	inside_until(vm, VM_CRASHED);
	is_str(vm_why(vm),
	       "RAM: a page cannot be had: the host has no memory for it, or "
	       "has lost it",
	       "and the guest ends, and says why");
	ok(vm_state(other) == VM_RUNNING, "the other goes on");
	vm_destroy(vm);
	vm_destroy(other);
	inside_gone("web");
	inside_gone("db");
	is(inside_fds(), fds, "nothing is left of them");
}

/* The host lacks something when a guest is to be started again. */
static void check_restart(void)
{
	struct vm *vm =
		inside_guest("web", "wait\n", "{\"on_crash\":\"restart\"}");

	make_fail("vm_create");
	kill(vm->runner.pid, SIGKILL);
	while (vm->restarts < 3)
		inside_turn();
	ok(strstr(vm_why(vm), "no VM: Cannot allocate memory") != NULL,
	   "it waits until the host has what it needs: '%s'", vm_why(vm));
	make_fail("");
	inside_until(vm, VM_RUNNING);
	ok(1, "and runs when it has");
	make_fail("interrupt\npause");
	is((unsigned)-vm_pause(vm, &(struct why){ "" }), ENOMEM,
	   "what cannot be done is said");
	is_str(vm_state_name(vm->state), "running", "... and has not happened");
	make_fail("exits");
	vm_destroy(vm);
	inside_gone("web");
	make_fail("");
}

static void check_descriptors(void)
{
	struct rlimit limit, old;
	unsigned int refused = 0, tidy = 0, whole = 0;
	struct why why;
	struct vm *vm;

	getrlimit(RLIMIT_NOFILE, &old);
	limit = old;
	for (limit.rlim_cur = fds - 2; !whole; limit.rlim_cur++) {
		int kernel = -1;

		/* The script's own descriptor is not what we try. */
		setrlimit(RLIMIT_NOFILE, &old);
		kernel = inside_script("wait\n");
		setrlimit(RLIMIT_NOFILE, &limit);
		if (inside_create_with("web", kernel, "{\"cpus\":4}", &why,
				       &vm) == 0) {
			whole = 1;
			break;
		}
		refused++;
		setrlimit(RLIMIT_NOFILE, &old);
		tidy += inside_fds() == fds && inside_children() == 0 &&
			!vm_find(&inside, "web");
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	setrlimit(RLIMIT_NOFILE, &old);
	ok(refused > 10, "%u times there are too few descriptors: '%s'",
	   refused, why.text);
	is(tidy, refused, "... and each time all of them come back");
	inside_until(vm, VM_RUNNING);
	vm_destroy(vm);
	inside_gone("web");
	is(inside_fds(), fds, "with enough it runs, and ends");
}

static void check_runner(void)
{
	const char *runner = getenv("LGUEST_RUN");
	char keep[256];
	struct why why;
	struct vm *vm;

	snprintf(keep, sizeof(keep), "%s", runner);
	setenv("LGUEST_RUN", "/usr/nonexistent/lguest-run", 1);
	is((unsigned)-inside_create("web", "", "", &why, &vm), ENOENT,
	   "lguest-run is not there: '%s'", why.text);
	setenv("LGUEST_RUN", "/bin/false", 1);
	if (inside_create("web", "", "", &why, &vm) < 0)
		bail_out("%s", why.text);
	ok(strstr(inside_gone("web"), "exited with status 1") != NULL,
	   "it is something else that ends at once");
	setenv("LGUEST_RUN", keep, 1);
	is(inside_fds(), fds, "nothing is left");
}

static void check_many(void)
{
	unsigned int i;
	struct vm *vm;

	for (i = 0; i < MANY; i++) {
		vm = inside_guest("web", "print x\nrestart\n",
				  i % 2 ? "{\"cpus\":3}" : "");
		if (i % 4 == 0)
			inside_until(vm, VM_WAITING);
		vm_destroy(vm);
		inside_gone("web");
	}
	is(inside_fds(), fds, "after %u guests no descriptor is left", MANY);
	is(inside_children(), 0, "and no process");
}

int main(void)
{
	inside_start();
	snprintf(fail_path, sizeof(fail_path), "%s/fail", inside_dir);
	setenv("FAKE_FAIL", fail_path, 1);
	inside_guest("web", "poweroff\n", "");
	inside_gone("web");
	fds = inside_fds();
	check_calls();
	check_lost();
	check_restart();
	check_descriptors();
	check_runner();
	check_many();
	inside_stop();
	return tap_end();
}
