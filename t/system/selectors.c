// SPDX-License-Identifier: GPL-2.0-only
/*
 * selectors.c - a daemon with odd segment registers
 *
 * Story: selectors.t.  What can be put into DS is in the GDT for good, or in a
 * thread's own TLS entries, or in its process's LDT; the last two can be taken
 * away again while DS still holds them.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"

#define USER_DS 0x2b
#define LDT_0   0x07

static void set_ds(unsigned int selector)
{
	asm volatile("mov %0, %%ds" : : "r"(selector) : "memory");
}

/* Data, or nothing at all: an entry like this is what clears one. */
static void describe(struct user_desc *entry, int number, int present)
{
	memset(entry, 0, sizeof(*entry));
	entry->entry_number = (unsigned int)number;
	entry->read_exec_only = !present;
	entry->seg_not_present = !present;
	if (present) {
		entry->limit = 0xfffff;
		entry->seg_32bit = 1;
		entry->limit_in_pages = 1;
		entry->useable = 1;
	}
}

/* set_thread_area is a call of 32-bit code, which takes a 32-bit pointer. */
static int set_tls(struct user_desc *low, int number, int present)
{
	int r;

	describe(low, number, present);
	asm volatile("int $0x80"
		     : "=a"(r)
		     : "a"(243), "b"(low)
		     : "memory", "r8", "r9", "r10", "r11");
	return r;
}

static int run(struct busy *busy)
{
	return vmm_run_on(&busy->vmm) == LG_EXIT_NOTIFY ? 0 : errno;
}

static void test_tls(struct busy *busy)
{
	struct user_desc *low =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	unsigned int selector;
	int r;

	r = set_tls(low, -1, 1);
	is((__u64)r, 0, "a thread has a TLS entry");
	selector = low->entry_number << 3;
	set_ds(selector | 3);
	r = run(busy);
	set_ds(0);
	is((__u64)r, EINVAL,
	   "with its selector in DS the thread runs no guest");

	/* With RPL 0 the kernel forgets to take it out of DS with the entry. */
	set_ds(selector);
	set_tls(low, (int)(selector >> 3), 0);
	r = run(busy);
	set_ds(0);
	is((__u64)r, EINVAL, "nor with one whose entry is gone");
	munmap(low, 4096);
}

static void test_ldt(struct busy *busy)
{
	struct user_desc entry;
	int r;

	describe(&entry, 0, 1);
	is((__u64)syscall(SYS_modify_ldt, 1, &entry, sizeof(entry)), 0,
	   "a process has an LDT");
	r = run(busy);
	is((__u64)r, 0, "its threads run guests");
	set_ds(LDT_0);
	r = run(busy);
	set_ds(0);
	is((__u64)r, EINVAL, "but not with an LDT selector in DS");
}

static void test_plain(struct busy *busy)
{
	unsigned int after;
	int r;

	set_ds(USER_DS);
	r = run(busy);
	asm volatile("mov %%ds, %0" : "=r"(after));
	set_ds(0);
	is((__u64)r, 0, "with the kernel's own data segment in DS it does");
	is((__u64)after & 0xffff, USER_DS, "and DS is the same afterwards");
}

int main(void)
{
	struct busy busy;

	busy_create(&busy, OP_NOTIFY, 0, NULL);
	is((__u64)run(&busy), 0, "a guest runs");
	test_plain(&busy);
	test_tls(&busy);
	test_ldt(&busy);
	is((__u64)run(&busy), 0, "the guest has not noticed any of it");
	busy_destroy(&busy);
	return tap_end();
}
