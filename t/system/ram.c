// SPDX-License-Identifier: GPL-2.0-only
/*
 * ram.c - RAM is taken away, and watched, while two vcpus write to it
 *
 * Story: ram.t.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/tap.h"
#include "busy.h"

#define PAGE   4096ULL
#define VCPUS  2
#define PAGES  256
#define DATA   0x400000ULL /* where the guest writes */
#define CODE   0x10000
#define ROUNDS 40
#define MARK   0x5a5a000000000000ULL
#define WORDS  (VMM_RAM_BYTES / PAGE / 64)
#define FIRST  (DATA / PAGE)

/*
 * A guest without a kernel, a stack or a flush: R8 to a word of each R10th of
 * 256 pages from RSI, and then one more for the word at RDI.
 */
extern const char loop_start[], loop_end[];
asm(".pushsection .rodata\n"
    "loop_start:\n"
    "	mov %rsi, %rbx\n"
    "	mov $256, %ecx\n"
    "1:	mov %r8, (%rbx)\n"
    "	add %r10, %rbx\n"
    "	dec %ecx\n"
    "	jnz 1b\n"
    "	lock incq (%rdi)\n"
    "	jmp loop_start\n"
    "loop_end:\n"
    ".popsection\n");

struct pair {
	struct busy busy[VCPUS]; /* the second has only a vcpu of its own */
};

static __u64 random_state = 88172645463325252ULL;

static __u64 below(__u64 end)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % end;
}

/* The word that a vcpu writes in a page. */
static __u64 word(struct pair *pair, int vcpu, __u64 page)
{
	__u8 *ram = pair->busy[0].vmm.ram;

	return *(volatile __u64 *)(void *)(ram + DATA + page * PAGE +
					   (__u64)vcpu * 512);
}

/* RAM of the options, with a loop that steps so many pages. */
static void make(struct pair *pair, const struct vmm_options *options,
		 __u64 step)
{
	struct lg_vcpu_create create = { .id = 1 };
	struct vmm *first = &pair->busy[0].vmm, *second;
	int i;

	memset(pair, 0, sizeof(*pair));
	if (vmm_create(first, options) < 0)
		bail_out("%s", vmm_why(first));
	/* As a kernel's own map is: used and dirty, which invites neighbours. */
	if (!options->large_pages &&
	    vmm_map(first, DATA, DATA, PAGES * PAGE * step,
		    VMM_P | VMM_W | VMM_A | VMM_D) < 0)
		bail_out("%s", vmm_why(first));
	memcpy(first->ram + CODE, loop_start, (size_t)(loop_end - loop_start));
	first->regs.rip = CODE;
	first->regs.rsi = DATA;
	first->regs.r10 = step * PAGE;
	second = &pair->busy[1].vmm;
	*second = *first;
	second->vcpu = ioctl(first->vm, LG_VCPU_CREATE, &create);
	if (second->vcpu < 0)
		bail_out("LG_VCPU_CREATE: %s", strerror(errno));
	second->run = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, second->vcpu, 0);
	if (second->run == MAP_FAILED)
		bail_out("run page: %s", strerror(errno));
	second->ram += PAGE; /* busy_count() looks one page further */
	for (i = 0; i < VCPUS; i++) {
		struct lg_regs *regs = &pair->busy[i].vmm.regs;

		regs->r8 = MARK + (__u64)i;
		regs->rsi += (__u64)i * 512;
		regs->rdi = PROGRESS_GPA + (__u64)i * PAGE;
	}
}

static void start(struct pair *pair)
{
	busy_start(&pair->busy[0], 0);
	busy_start(&pair->busy[1], last_cpu());
}

static bool await_both(struct pair *pair, __u64 more)
{
	return busy_await(&pair->busy[0], more) &&
	       busy_await(&pair->busy[1], more);
}

static bool stop(struct pair *pair)
{
	bool good = busy_stop(&pair->busy[0]);

	return busy_stop(&pair->busy[1]) && good;
}

static void destroy(struct pair *pair)
{
	struct vmm *second = &pair->busy[1].vmm;

	munmap(second->run, PAGE);
	close(second->vcpu);
	vmm_destroy(&pair->busy[0].vmm);
}

static int discard(struct vmm *vmm, __u64 gpa, __u64 bytes)
{
	struct lg_range range = { .gpa = gpa, .bytes = bytes };

	return ioctl(vmm->vm, LG_DISCARD, &range) ? errno : 0;
}

static int get_log(struct vmm *vmm, __u64 *bits)
{
	struct lg_dirty_log call = {
		.addr = (__u64)(uintptr_t)bits,
		.pages = VMM_RAM_BYTES / PAGE,
	};

	return ioctl(vmm->vm, LG_DIRTY_LOG, &call) ? errno : 0;
}

static long long blocks(struct vmm *vmm)
{
	struct stat st;

	if (fstat(vmm->memfd, &st) < 0)
		bail_out("fstat: %s", strerror(errno));
	return (long long)st.st_blocks;
}

/* ---- discard ---- */

/* How many pages lack what the vcpus write: they went to other pages. */
static unsigned int lost(struct pair *pair)
{
	unsigned int missing = 0;
	__u64 i;
	int vcpu;

	for (i = 0; i < PAGES; i++)
		for (vcpu = 0; vcpu < VCPUS; vcpu++)
			missing += word(pair, vcpu, i) != MARK + (__u64)vcpu;
	return missing;
}

static void test_discard(const struct vmm_options *options, const char *how)
{
	struct pair pair;
	struct vmm *vmm = &pair.busy[0].vmm;
	unsigned int missing = 0, failed = 0, i;
	long long before;

	make(&pair, options, 1);
	start(&pair);
	await_both(&pair, 1);
	for (i = 0; i < ROUNDS; i++) {
		__u64 first = below(PAGES), pages = below(PAGES - first) + 1;

		if (i % 10 == 0) /* more than is looked up page by page */
			failed += !!discard(vmm, DATA, 3 << 20);
		else
			failed += !!discard(vmm, DATA + first * PAGE,
					    pages * PAGE);
		if (!await_both(&pair, 2))
			break;
		missing += lost(&pair);
	}
	is(i, ROUNDS, "%s: both vcpus go on while pages are discarded", how);
	is(failed, 0, "%s: each discard succeeds", how);
	is(missing, 0, "%s: what they write then is in the new pages", how);
	ok(stop(&pair), "%s: and they could go on for ever", how);
	before = blocks(vmm);
	discard(vmm, DATA, PAGES * PAGE);
	ok(blocks(vmm) <= before - (long long)(PAGES * PAGE / 512),
	   "%s: the host has the memory back", how);
	is(word(&pair, 0, 7), 0, "%s: and zeroes are there", how);
	destroy(&pair);
}

/* Page tables are pages too, and lg.ko keeps some of them. */
static void test_discard_tables(void)
{
	struct vmm_options options = { 0 };
	struct pair pair;
	struct vmm *vmm = &pair.busy[0].vmm;

	make(&pair, &options, 1);
	start(&pair);
	await_both(&pair, 1);
	is((__u64)discard(vmm, vmm->root, VMM_TABLE_BYTES), 0,
	   "a guest's page tables can be discarded");
	is((__u64)discard(vmm, DATA, PAGES * PAGE), 0, "and then its data");
	pthread_join(pair.busy[0].thread, NULL);
	pthread_join(pair.busy[1].thread, NULL);
	ok(pair.busy[0].end == LG_EXIT_KILLED &&
		   pair.busy[1].end == LG_EXIT_KILLED,
	   "which it finds empty: %s", vmm->run->why);
	destroy(&pair);
}

static void test_discard_refused(void)
{
	struct vmm_options options = { .but_features = LG_FEATURE_DISCARD };
	struct vmm vmm;

	if (vmm_create(&vmm, NULL) < 0)
		bail_out("%s", vmm_why(&vmm));
	is((__u64)discard(&vmm, 0, 0), EINVAL, "no bytes");
	is((__u64)discard(&vmm, 8, PAGE), EINVAL, "inside a page");
	is((__u64)discard(&vmm, 0, PAGE + 1), EINVAL, "not whole pages");
	is((__u64)discard(&vmm, LG_MAX_GPA, PAGE), EINVAL, "past the limit");
	is((__u64)discard(&vmm, PAGE, -PAGE), EINVAL, "a range that wraps");
	is((__u64)discard(&vmm, VMM_RAM_BYTES, PAGE), ENOENT, "not RAM");
	is((__u64)discard(&vmm, VMM_RAM_BYTES - PAGE, 2 * PAGE), ENOENT,
	   "not all of it RAM");
	is((__u64)discard(&vmm, 0, LG_MAX_GPA), ENOENT, "all there could be");
	is((__u64)discard(&vmm, VMM_RAM_BYTES - PAGE, PAGE), 0,
	   "the last page");
	vmm_destroy(&vmm);
	if (vmm_create(&vmm, &options) < 0)
		bail_out("%s", vmm_why(&vmm));
	is((__u64)discard(&vmm, 0, PAGE), ENOTTY, "without the feature");
	vmm_destroy(&vmm);
}

/* ---- the dirty log ---- */

static unsigned int bit(const __u64 *bits, __u64 page)
{
	return bits[page / 64] >> page % 64 & 1 ? 1 : 0;
}

/* How many bits of the data are not as they should be: each step-th page. */
static unsigned int wrong_bits(const __u64 *bits, __u64 step, bool written)
{
	unsigned int wrong = 0;
	__u64 i;

	for (i = 0; i < PAGES * step; i++)
		wrong += bit(bits, FIRST + i) !=
			 (written && i % step == 0 ? 1U : 0U);
	return wrong;
}

static void test_log(void)
{
	struct vmm_options options = { .slot_flags = LG_SLOT_DIRTY_LOG };
	__u64 bits[WORDS], all[WORDS] = { 0 };
	struct pair pair;
	struct vmm *vmm = &pair.busy[0].vmm;
	unsigned int i, wrong = 0, round;

	make(&pair, &options, 3);
	memset(vmm->ram + DATA, 0, 3 * PAGES * PAGE); /* for neighbours */
	is((__u64)get_log(vmm, bits), 0, "the log of a new slot");
	is(wrong_bits(bits, 3, 0), 0, "has nothing");
	for (round = 0; round < 20; round++) {
		start(&pair);
		await_both(&pair, 2);
		stop(&pair);
		get_log(vmm, bits);
		wrong += wrong_bits(bits, 3, 1);
		wrong += bit(bits, PROGRESS_GPA / PAGE) != 1;
		wrong += bit(bits, CODE / PAGE) != 0;
		get_log(vmm, bits);
		wrong += wrong_bits(bits, 3, 0);
	}
	is(wrong, 0, "the log has what was written since the last, exactly");
	start(&pair);
	for (round = 0; round < 50; round++) {
		get_log(vmm, bits);
		for (i = 0; i < WORDS; i++)
			all[i] |= bits[i];
		nap();
	}
	await_both(&pair, 2);
	get_log(vmm, bits);
	is(wrong_bits(bits, 3, 1), 0, "also while they run");
	is(wrong_bits(all, 3, 1), 0, "and never another page");
	ok(stop(&pair), "and they go on");
	destroy(&pair);
}

static unsigned int count(const __u64 *bits)
{
	unsigned int i, n = 0;

	for (i = 0; i < WORDS; i++)
		n += (unsigned int)__builtin_popcountll(bits[i]);
	return n;
}

/* What lg.ko itself writes: lguest_info, lguest_data, A and D bits. */
static void test_log_own(void)
{
	struct vmm_options options = { .slot_flags = LG_SLOT_DIRTY_LOG };
	struct lg_dirty_log call = { 0 };
	__u64 bits[WORDS];
	struct busy busy;
	struct vmm *vmm = &busy.vmm;

	busy_create(&busy, OP_NOTIFY, 0, &options);
	vmm_run_on(vmm);
	get_log(vmm, bits);
	ok(bit(bits, vmm->root / PAGE) == 1,
	   "page tables in use are in the log");
	get_log(vmm, bits);
	is(count(bits), 1, "lguest_data is in it each time, nothing else is");
	call.addr = (__u64)(uintptr_t)bits;
	call.pages = 1;
	call.first = 64;
	is((__u64)(ioctl(vmm->vm, LG_DIRTY_LOG, &call) ? errno : 0), 0,
	   "the log of one page");
	call.first = VMM_RAM_BYTES / PAGE;
	is((__u64)(ioctl(vmm->vm, LG_DIRTY_LOG, &call) ? errno : 0), EINVAL,
	   "of one past the end");
	call.first = 0;
	call.pages = VMM_RAM_BYTES / PAGE + 1;
	is((__u64)(ioctl(vmm->vm, LG_DIRTY_LOG, &call) ? errno : 0), EINVAL,
	   "of one more than there are");
	call.pages = 1;
	call.slot = 1;
	is((__u64)(ioctl(vmm->vm, LG_DIRTY_LOG, &call) ? errno : 0), ENOENT,
	   "of no slot");
	call.slot = 0;
	call.addr = 16;
	is((__u64)(ioctl(vmm->vm, LG_DIRTY_LOG, &call) ? errno : 0), EFAULT,
	   "to nowhere");
	busy_destroy(&busy);
}

/* ---- slots ---- */

static void test_slots(void)
{
	struct vmm_options options = { 0 };
	struct pair pair;
	struct vmm *vmm = &pair.busy[0].vmm;
	struct lg_slot slot = {
		.slot = 1, .gpa = 1ULL << 32, .bytes = 1 << 20, .memfd = -1
	};
	struct lg_slot none = { .slot = 1 }, all = { .slot = 0 };
	unsigned int i, failed = 0;

	make(&pair, &options, 1);
	slot.memfd = vmm->memfd;
	start(&pair);
	for (i = 0; i < ROUNDS; i++) {
		failed += ioctl(vmm->vm, LG_SLOT_ADD, &slot) < 0;
		failed += ioctl(vmm->vm, LG_SLOT_REMOVE, &none) < 0;
	}
	is(failed, 0, "slots come and go under running vcpus");
	ok(await_both(&pair, 2) && !lost(&pair), "which do not notice");
	is((__u64)ioctl(vmm->vm, LG_SLOT_REMOVE, &all), 0,
	   "the one they run in is removed");
	pthread_join(pair.busy[0].thread, NULL);
	pthread_join(pair.busy[1].thread, NULL);
	/* Whichever was first; the other one is told that. */
	ok(pair.busy[0].end == LG_EXIT_KILLED &&
		   pair.busy[1].end == LG_EXIT_KILLED &&
		   (strstr(vmm->run->why, "out of RAM") ||
		    strstr(pair.busy[1].vmm.run->why, "out of RAM")),
	   "which they do notice: %s; %s", vmm->run->why,
	   pair.busy[1].vmm.run->why);
	destroy(&pair);
}

/* ---- huge pages ---- */

static bool have_huge(void)
{
	const char *path = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, "force", 5) == 5;

	if (fd >= 0)
		close(fd);
	return good;
}

static void test_huge(void)
{
	struct vmm_options options = { .large_pages = 1 };
	struct pair pair;
	struct vmm *vmm = &pair.busy[0].vmm;
	__u64 fills;

	if (!have_huge()) {
		skip(7, "this kernel has no huge pages for shmem");
		return;
	}
	make(&pair, &options, 4);
	start(&pair);
	ok(await_both(&pair, 2), "vcpus write all over 4 MiB of large pages");
	stop(&pair);
	fills = vmm->run->stat[LG_STAT_FILLS];
	ok(fills < 16, "which took %llu entries", fills);
	is((__u64)discard(vmm, DATA, 4 << 20), 0, "that are discarded");
	is(word(&pair, 0, 5 * 4), 0, "and zero");
	destroy(&pair);
	test_discard(&options, "huge pages");
}

int main(void)
{
	struct vmm_options plain = { 0 }, tiny = { .shadow_pages = 1 };
	struct vmm_options large = { .large_pages = 1 };
	int users = module_users();

	test_discard(&plain, "pages");
	test_discard(&tiny, "a tiny shadow");
	test_discard(&large, "pieces of large pages");
	test_discard_tables();
	test_discard_refused();
	test_log();
	test_log_own();
	test_slots();
	test_huge();
	is((__u64)module_users(), (__u64)users, "nothing is left open");
	return tap_end();
}
