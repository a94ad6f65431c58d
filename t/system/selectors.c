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
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
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

static unsigned int get_ds(void)
{
	unsigned int selector;

	asm volatile("mov %%ds, %0" : "=r"(selector));
	return selector;
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
	unsigned int selector, tries = 0;
	int r;

	r = set_tls(low, -1, 1);
	is((__u64)r, 0, "a thread has a TLS entry");
	selector = low->entry_number << 3;
	set_ds(selector | 3);
	r = run(busy);
	set_ds(0);
	is((__u64)r, EINVAL,
	   "with its selector in DS the thread runs no guest");

	/*
	 * With RPL 0 the kernel forgets to take it out of DS with the entry.  Who
	 * loses the CPU meanwhile has 0 there when it comes back, so: once more.
	 */
	do {
		set_tls(low, (int)(selector >> 3), 1);
		set_ds(selector);
		set_tls(low, (int)(selector >> 3), 0);
		r = run(busy);
	} while (!r && !get_ds() && ++tries < 100);
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

static __u32 word_of_host = 0x686f7374;

/* What the process's own LDT leads to, now. */
static __u32 read_by_ldt(void)
{
	__u32 got;

	asm volatile("mov %1, %%gs\n\tmov %%gs:0, %0\n\tmov %2, %%gs"
		     : "=r"(got)
		     : "r"(LDT_0), "r"(0)
		     : "memory");
	return got;
}

static struct lg_ldt table, got;

static int guest_ldt(struct busy *busy, unsigned long call, struct lg_ldt *ldt)
{
	struct lg_state state = {
		.type = LG_STATE_LDT,
		.bytes = sizeof(*ldt),
		.addr = (__u64)(uintptr_t)ldt,
	};

	return ioctl(busy->vmm.vcpu, call, &state) ? errno : 0;
}

/* Both have one, and selector 7 is something else in each. */
static void test_both(struct busy *busy)
{
	struct user_desc entry;

	describe(&entry, 0, 1);
	entry.base_addr = (unsigned int)(uintptr_t)&word_of_host;
	is((__u64)syscall(SYS_modify_ldt, 1, &entry, sizeof(entry)), 0,
	   "a process has a word in its LDT");
	is(read_by_ldt(), word_of_host, "and reads it");
	table.entries = 1;
	table.desc[0] = 0x00cff3000000ffff;
	is((__u64)guest_ldt(busy, LG_STATE_SET, &table), 0,
	   "a guest has an LDT");
	is((__u64)run(busy), 0, "and runs");
	is(read_by_ldt(), word_of_host, "the process has its own afterwards");
	is((__u64)run(busy), 0, "the guest runs again");
	guest_ldt(busy, LG_STATE_GET, &got);
	ok(!memcmp(&table, &got, sizeof(got)), "and has its own");
}

static void test_record(struct busy *busy)
{
	static const __u64 bad[] = {
		0x00cff2000000ffff, /* not accessed */
		0x004093000000ffff, /* DPL 0 */
		0x000000000000ec01, 0x0000ec0000000000, /* gates */
		0x00aff3000000ffff, /* L */
		0x000ff3000000ffff, /* a stack of 16 bits */
	};
	unsigned int i, taken = 0;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		table.desc[0] = bad[i];
		taken += guest_ldt(busy, LG_STATE_SET, &table) != EINVAL;
	}
	is(taken, 0, "a record with what no guest may have is refused");
	table.desc[0] = 0;
	table.desc[1] = 0x00cff3000000ffff;
	is((__u64)guest_ldt(busy, LG_STATE_SET, &table), EINVAL,
	   "or with entries behind the last");
	table.entries = 8193;
	is((__u64)guest_ldt(busy, LG_STATE_SET, &table), EINVAL,
	   "or with too many");
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
	test_both(&busy);
	test_record(&busy);
	is((__u64)run(&busy), 0, "the guest has not noticed any of it");
	busy_destroy(&busy);
	return tap_end();
}
