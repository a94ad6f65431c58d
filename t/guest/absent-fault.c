// SPDX-License-Identifier: GPL-2.0-only
/*
 * absent-fault - page faults on what is not there, that the host is not asked
 * about
 *
 * A page that the host's tables do not have is most often one that they do not
 * have yet.  But where the host brings one in, it has seen the guest's entries
 * beside it, and notes which of them are not there or not to be written.  With
 * LGUEST_FEATURE_ABSENT_FAULT the Switcher calls the fault entry for those.  The
 * guest may have changed its mind since, and need not say so.  Then its handler
 * finds nothing to do, and must not be called for that again: a note is good for
 * one fault, and for the address space it was taken in.
 *
 * direct-fault is about the entry itself, and about the pages that are there.
 */
#include "event.h"
#include "test.h"

#define PAGE      0x40000000ULL /* pages of ours, from here on */
#define BESIDE    (PAGE + PAGE_BYTES)
#define FRAME     0xa00000ULL /* free RAM */
#define READ_ONLY (PTE_P | PTE_U | PTE_A | PTE_D)
#define SENTRY    0xfacade
#define MANY      64

asm(".pushsection .user.text, \"ax\"\n"
    /* A page that is there, and then the one beside it. */
    "user_beside: mov (%rdi), %r15\n"
    "	mov %rsi, 4096(%rdi)\n"
    "	syscall\n\tud2\n"
    "user_reads_beside: mov (%rdi), %r15\n"
    "	mov 4096(%rdi), %rbx\n"
    "	syscall\n\tud2\n"
    "user_jumps_beside: mov (%rdi), %r15\n"
    "	lea 4096(%rdi), %rbx\n"
    "	jmp *%rbx\n"
    /* RDX pages, each written. */
    "user_fills: mov %rsi, (%rdi)\n"
    "	add $4096, %rdi\n"
    "	dec %rdx\n"
    "	jnz user_fills\n"
    "	syscall\n\tud2\n"
    "user_only_writes: mov %rsi, (%rdi)\n"
    "user_stored: syscall\n\tud2\n"
    "user_reads: mov (%rdi), %rax\n\tsyscall\n\tud2\n"
    ".popsection");
extern const char user_beside[], user_reads_beside[], user_jumps_beside[],
	user_fills[], user_only_writes[], user_stored[], user_reads[];

static struct user user;
static u32 spare; /* faults that the handler leaves as they are */
static u32 wrong; /* error codes that are not as the tables are */

static void begin_with(u64 features)
{
	event_init();
	hc_init(&lguest_data, &info, LGUEST_ABI_VERSION,
		LGUEST_FEATURE_DIRECT_SYSCALL | LGUEST_FEATURE_DIRECT_IRET |
			LGUEST_FEATURE_DIRECT_FAULT | LGUEST_FEATURE_PCID |
			features);
	event_direct = !!(info.features & LGUEST_FEATURE_DIRECT_FAULT);
	if (event_direct)
		hypercall(LHCALL_SET_SYSCALL, (u64)user_entry, (u64)user_exit,
			  (u64)event_iret, (u64)event_fault);
}

static void run_at(const void *code, u64 page)
{
	user_init(&user, code);
	user.rdi = page;
	user.rsi = SENTRY;
	user.rdx = MANY;
	user_run(&user);
}

static void run(const void *code)
{
	run_at(code, PAGE);
}

/* How many faults there were, and that the direct ones were direct. */
static void check_faults(u32 all, u32 direct)
{
	check_is(event_count[TRAP_PF], all, "page faults");
	check_is(event_faults, event_direct ? direct : 0, "direct ones");
	check_is(ask_stat(LG_STAT_FAULTS), event_faults, "LG_STAT_FAULTS");
}

static u64 is_present(u64 page)
{
	return *pgtable_entry(page, 1) & PTE_P ? PF_PRESENT : 0;
}

/* Puts there what was asked for; no flush, as there was nothing or less. */
static void bring(struct event *event)
{
	u64 page = lguest_data.cr2 & ~(PAGE_BYTES - 1);

	wrong += (event->error & PF_PRESENT) != is_present(page);
	if (spare) {
		spare--;
		return;
	}
	*pgtable_entry(page, 1) = (FRAME + page - PAGE) | READ_ONLY | PTE_W;
}

/* PAGE can be read; the entry beside it is this. */
static void begin(u64 entry)
{
	*pgtable_entry(PAGE, 1) = FRAME | READ_ONLY;
	*pgtable_entry(BESIDE, 1) = entry;
	hc_flush_tlb();
	begin_with(LGUEST_FEATURE_ABSENT_FAULT);
	on_event(TRAP_PF, bring);
}

CASE(absent, "a page beside one that came in is known to be absent", BOTH_WAYS)
{
	begin(0);
	run(user_beside);
	check_is(event_last.error, PF_WRITE | PF_USER, "error");
	check_is(lguest_data.cr2, BESIDE, "cr2");
	check_is(*(volatile u64 *)(FRAME + PAGE_BYTES), SENTRY, "the store");
	check_faults(1, 1);
}

CASE(absent_read, "for reading, too", BOTH_WAYS)
{
	begin(0);
	run(user_reads_beside);
	check_is(event_last.error, PF_USER, "error");
	check_faults(1, 1);
}

static void end_jump(struct event *event)
{
	event->at.rip = (u64)user_stored;
}

CASE(absent_code, "and for running", BOTH_WAYS)
{
	begin(0);
	on_event(TRAP_PF, end_jump);
	run(user_jumps_beside);
	check_is(event_last.error, PF_FETCH | PF_USER, "error");
	check_faults(1, 1);
}

/* It has not been used, so it did not come in. */
CASE(denied, "or not to be written, and then present is said", BOTH_WAYS)
{
	begin((FRAME + PAGE_BYTES) | PTE_P | PTE_U);
	run(user_beside);
	check_is(event_last.error, PF_PRESENT | PF_WRITE | PF_USER, "error");
	check_faults(1, 1);
}

CASE(denied_read, "but to read what is not to be written is no fault",
     BOTH_WAYS)
{
	begin((FRAME + PAGE_BYTES) | PTE_P | PTE_U);
	run(user_reads_beside);
	check_faults(0, 0);
}

CASE(fresh, "many absent pages: the first of sixteen is looked for", BOTH_WAYS)
{
	u32 i;

	begin(0);
	for (i = 0; i < MANY; i++)
		*pgtable_entry(PAGE + i * PAGE_BYTES, 1) = 0;
	hc_flush_tlb();
	run(user_fills);
	for (i = 0; i < MANY; i++)
		check_is(*(volatile u64 *)(FRAME + i * PAGE_BYTES), SENTRY,
			 "a store");
	check_is(wrong, 0, "codes that are not as the tables were");
	check_faults(MANY, MANY - MANY / 16);
}

CASE(once, "a note is good for one fault", BOTH_WAYS)
{
	begin(0);
	spare = 4;
	run(user_beside);
	check_is(*(volatile u64 *)(FRAME + PAGE_BYTES), SENTRY, "the store");
	check_faults(5, 1);
}

CASE(outdated, "one that is no longer true costs that fault and no more",
     BOTH_WAYS)
{
	begin(0);
	run(user_reads);
	*pgtable_entry(BESIDE, 1) = (FRAME + PAGE_BYTES) | READ_ONLY | PTE_W;
	spare = 1;
	run(user_reads_beside);
	check_faults(event_direct ? 1 : 0, 1);
}

#define NOFLUSH (1ULL << 63)

/* To one that is new, by lg.ko; to one that was there before, by the Switcher. */
CASE(elsewhere, "and in another address space there is none", STEPS(2))
{
	begin(0);
	hc_new_pgtable(pgtable_root() | 1);
	run(user_reads);
	hc_new_pgtable(pgtable_root() | 2);
	if (step) {
		run(user_reads);
		hc_new_pgtable(pgtable_root() | 1 | NOFLUSH);
		check(ask_stat(LG_STAT_SWITCHES) > 0, "LG_STAT_SWITCHES");
	}
	run_at(user_only_writes, BESIDE);
	check_faults(1, 0);
}

CASE(unwanted, "nor for a guest that did not ask for it")
{
	begin(0);
	begin_with(0);
	on_event(TRAP_PF, bring);
	run(user_beside);
	check_faults(1, 0);
}
