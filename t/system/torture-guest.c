// SPDX-License-Identifier: GPL-2.0-only
/*
 * torture-guest.c - page tables that change under the vcpu that uses them
 *
 * Vcpu 1 changes what a region means, tells vcpu 0 by an IPI, which flushes and
 * says so, and then poisons what is not meant any longer.  Vcpu 0 uses the
 * region all the while.  While a round is even nothing changes, and what it
 * sees must be exactly what is meant; while it is odd, that or what was meant
 * before.  Poison must never be read, and never be written over.
 *
 * Start at torture(); the ways to change a meaning are in torture-cases.c.
 */
#include "../guest/event.h"
#include "hypercall.h"
#include "smp-guest.h"
#include "torture.h"

#define TORTURE_IPI 0x42
#define NO_FAULT    (~0ULL)
#define POISON(f)   (0xdead000000000000ULL | (f)) /* no entry either */
#define TAG(frame)  ((frame) << 8 | 0x5a) /* as an entry: not present */

/* Where in a frame things are, far from the entries that are in use. */
#define AT_TAG     512 /* whose frame it is */
#define AT_WRITTEN 520 /* what vcpu 0 writes */
#define AT_RET     528 /* code for the kernel */
#define AT_SYSCALL 536 /* code for user mode */

asm(".pushsection .user.text, \"ax\"\n"
    "torture_user_read: mov (%rdi), %rax\n\tsyscall\n\tud2\n"
    "torture_user_write: mov %rsi, (%rdi)\n"
    "torture_user_out: syscall\n\tud2\n"
    ".popsection\n"
    "torture_read: mov (%rdi), %rax\n\tret\n"
    "torture_write: mov %rsi, (%rdi)\n"
    "torture_out: ret\n");
extern const char torture_user_read[], torture_user_write[], torture_user_out[];
extern const char torture_out[];
u64 torture_read(u64 gva);
u64 torture_write(u64 gva, u64 value);

volatile u64 *leaf;
u64 put;
int flush_all;

static const struct torment *torment;
static struct meaning meanings[2]; /* of this round and the other */
static volatile u64 stage; /* twice the round; odd while it changes */
static volatile u64 uses, done, acks;
static u64 flush_gva; /* or 0 for all of them */
static u64 fault, fault_gva;

/* Each vcpu its own. */
u64 below(u64 end)
{
	static u64 states[2];
	u64 *state = &states[me()->id];

	if (!*state)
		*state = words->seed * 0x9e3779b97f4a7c15 + 1 + me()->id;
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (*state >> 11) % end;
}

static u64 frame_of(const struct meaning *m, u64 place)
{
	return m->base + (m->flip ? 511 - place : place) * PAGE_BYTES;
}

/* ---- vcpu 0: one access, and what came of it ---- */

static void on_fault(struct event *event)
{
	fault = event->error;
	fault_gva = me()->data->cr2;
	if (event->at.cs != LGUEST_KERNEL_CS) {
		event->at.rip = (u64)torture_user_out;
	} else if (event->error & PF_FETCH) {
		event->at.rip = *(u64 *)event->at.rsp;
		event->at.rsp += 8;
	} else {
		event->at.rip = (u64)torture_out;
	}
}

static void take_event(struct event *event)
{
	if (event->vector == TRAP_PF)
		on_fault(event);
	if (event->vector != TORTURE_IPI)
		return;
	if (flush_gva)
		hc_flush_page(flush_gva);
	else
		hc_flush_tlb();
	__atomic_add_fetch(&acks, 1, __ATOMIC_SEQ_CST);
}

static u64 user_attempt(u64 gva, u64 access, u64 value)
{
	static struct user user;

	memset(&user, 0, sizeof(user));
	user.rflags = RFLAGS_IF | RFLAGS_FIXED;
	user.rip = access & PF_FETCH   ? gva + AT_SYSCALL
		   : access & PF_WRITE ? (u64)torture_user_write
				       : (u64)torture_user_read;
	user.rdi = gva + (access & PF_WRITE ? AT_WRITTEN : AT_TAG);
	user.rsi = value;
	set_irq(0);
	user_run(&user);
	set_irq(LGUEST_IF);
	return user.rax;
}

/* access is what the error code would say of it; returns what was read. */
static u64 attempt(u64 gva, u64 access, u64 value)
{
	fault = NO_FAULT;
	if (access & PF_USER)
		return user_attempt(gva, access, value);
	if (access & PF_WRITE)
		return torture_write(gva + AT_WRITTEN, value);
	if (access & PF_FETCH)
		((void (*)(void))(gva + AT_RET))();
	else
		return torture_read(gva + AT_TAG);
	return 0;
}

static u64 expected(const struct meaning *m, u64 place, u64 access)
{
	u64 bits = place == m->none ? 0 : m->bits, user = access & PF_USER;

	if (!(bits & PTE_P))
		return access;
	if ((access & PF_WRITE && !(bits & PTE_W)) ||
	    (user && !(bits & PTE_U)) ||
	    (access & PF_FETCH && (bits & PTE_NX || (!user && bits & PTE_U))))
		return access | PF_PRESENT;
	return NO_FAULT;
}

static int fits(const struct meaning *m, u64 place, u64 access, u64 got)
{
	if (fault != expected(m, place, access))
		return 0;
	return fault != NO_FAULT || access & (PF_WRITE | PF_FETCH) ||
	       got == TAG(frame_of(m, place));
}

/* While entries come and go by the dozen: any of them, but nothing else. */
static int fits_loosely(const struct meaning *a, const struct meaning *b,
			u64 access, u64 got)
{
	if (fault != NO_FAULT)
		return (fault & ~(u64)PF_PRESENT) == access;
	return access & (PF_WRITE | PF_FETCH) || got == TAG(a->base) ||
	       got == TAG(b->base);
}

/* What a processor leaves in an entry that it has used. */
static void check_marks(u64 entry, u64 access)
{
	u64 want = PTE_A | (access & PF_WRITE ? PTE_D : 0);

	if (fault == NO_FAULT && torment->places == 1 && (entry & want) != want)
		panic("round %llu: access %llx left the entry %llx", stage / 2,
		      access, entry);
}

static void use_once(void)
{
	static const u64 kinds[] = { 0, PF_WRITE, PF_FETCH };
	u64 place = torment->place ? torment->place() : below(torment->places);
	u64 access = kinds[below(3)], value = below(1ULL << 60), got;
	u64 gva = REGION + place * PAGE_BYTES, before = stage, after, entry,
	    there;
	const struct meaning *a, *b;

	access |= !torment->kernel_only && below(2) ? PF_USER : 0;
	got = attempt(gva, access, value);
	entry = *leaf;
	there = *(volatile u64 *)(frame_of(&meanings[before / 2 & 1], place) +
				  AT_WRITTEN);
	after = stage; /* so all of this was before the next change */
	a = &meanings[before / 2 & 1];
	b = &meanings[(after + 1) / 2 & 1];
	if (!fits(a, place, access, got) && !fits(b, place, access, got) &&
	    !(a != b && torment->loose && fits_loosely(a, b, access, got)))
		panic("stage %llu-%llu: place %llu, access %llx: error %llx, "
		      "got %llx; bits %llx or %llx, frame %llx or %llx",
		      before, after, place, access, fault, got, a->bits,
		      b->bits, frame_of(a, place), frame_of(b, place));
	if (fault != NO_FAULT && fault_gva - gva >= PAGE_BYTES)
		panic("stage %llu: fault at %llx", before, fault_gva);
	if (before == after && !(before & 1)) {
		check_marks(entry, access);
		if (access & PF_WRITE && fault == NO_FAULT && there != value)
			panic("stage %llu: wrote %llx, there is %llx", before,
			      value, there);
	}
	__atomic_add_fetch(&uses, 1, __ATOMIC_SEQ_CST);
}

/* ---- vcpu 1: change after change ---- */

static volatile u64 *word(const struct meaning *m, u64 place, u64 at)
{
	return (volatile u64 *)(frame_of(m, place) + at);
}

/* What vcpu 0 will find; nobody has used it since it was poisoned. */
static void dress(const struct meaning *m)
{
	u64 i;

	for (i = 0; i < torment->places; i++) {
		*word(m, i, AT_TAG) = TAG(frame_of(m, i));
		*word(m, i, AT_RET) = 0xc3;
		*word(m, i, AT_SYSCALL) = 0x0b0f050f;
	}
}

static void poison(const struct meaning *m)
{
	u64 i;

	for (i = 0; i < torment->places; i++) {
		*word(m, i, AT_TAG) = POISON(frame_of(m, i));
		*word(m, i, AT_WRITTEN) = POISON(frame_of(m, i));
	}
}

static void check_poison(const struct meaning *m, u64 n)
{
	u64 i;

	for (i = 0; i < torment->places; i++)
		if (*word(m, i, AT_WRITTEN) != POISON(frame_of(m, i)))
			panic("round %llu: place %llu's frame %llx was written "
			      "after the shoot-down",
			      n, i, frame_of(m, i));
}

/* A and D came into being where they may, and nothing else did. */
void check_entry(u64 now, u64 was, u64 bits)
{
	u64 may = bits & PTE_P ? PTE_A | (bits & PTE_W ? PTE_D : 0) : 0;

	if ((now & ~may) != (was & ~may) || (was & ~now))
		panic("round %llu: the entry was %llx and is %llx",
		      words->progress + 1, was, now);
}

static void shoot(void)
{
	u64 before = acks;

	flush_gva = torment->all || flush_all || below(4) == 0
			    ? 0
			    : REGION + below(torment->places) * PAGE_BYTES;
	send(1, TORTURE_IPI);
	while (acks == before)
		asm volatile("pause" ::: "memory");
}

static void await_uses(u64 n)
{
	u64 before = uses;

	while (uses - before < n)
		asm volatile("pause" ::: "memory");
}

static void one_round(u64 n)
{
	struct meaning *from = &meanings[(n - 1) & 1], *to = &meanings[n & 1];
	volatile u64 *old_leaf = leaf;
	struct meaning next = *from;
	u64 old = 0, moved;

	torment->choose(&next);
	moved = next.base != from->base || next.flip != from->flip;
	if (moved)
		dress(&next);
	*to = next;
	stage = 2 * n - 1;
	torment->apply(to);
	shoot();
	if (torment->all)
		hc_flush_tlb();
	if (moved)
		poison(from);
	if (old_leaf != leaf)
		old = *old_leaf;
	if (!put)
		put = *leaf;
	stage = 2 * n;
	await_uses(2 + below(8));
	check_entry(*leaf, put, to->bits);
	if (moved)
		check_poison(from, n);
	if (old_leaf != leaf && old_leaf != large && *old_leaf != old)
		panic("round %llu: an entry no more, %llx is %llx", n, old,
		      *old_leaf);
	words->progress = n;
}

static void be_tortured(void)
{
	me()->on_event = take_event;
	gate(TRAP_PF, 0);
	pgtable_give_to_user((u64)user_start, (u64)user_end);
	torment->begin(&meanings[0]);
	dress(&meanings[0]);
	start_others();
	set_irq(LGUEST_IF);
	while (!done)
		use_once();
	over();
}

void torture(void)
{
	u64 n;

	torment = &torments[words->what];
	if (me()->id == 0)
		be_tortured();
	for (n = 1; n <= rounds; n++)
		one_round(n);
	done = 1;
	over();
}
