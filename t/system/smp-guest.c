// SPDX-License-Identifier: GPL-2.0-only
/*
 * smp-guest.c - a guest of several vcpus
 *
 * Vcpu 0 starts the others, and they do together what smp.h has in its list.
 * What they find wrong they say, and crash; what they wait for in vain shows as
 * a count that the host does not see moving.
 *
 * Start at main() and second(); the vcpus' parts are above them.
 */
#include "../guest/event.h"
#include "guestos.h"
#include "hypercall.h"
#include "smp-guest.h"
#include "smp.h"

#define IPI       0x40
#define FLUSH_IPI 0x41
#define SHOT      0x10000000ULL /* the page that changes */

struct vcpu vcpus[SMP_VCPUS];
volatile struct smp_words *const words = (void *)SMP_WORDS;

u64 rounds;
static u64 op, members;
static u64 all_gone; /* bits of vcpus that have done their part */

/* ---- events ---- */

static void flush(void)
{
	hc_flush_page(SHOT);
	__atomic_add_fetch(&words->turn, 1, __ATOMIC_SEQ_CST);
}

void event_dispatch(struct event *event)
{
	struct vcpu *vcpu = me();
	u64 n = event->vector - SMP_FIRST;

	vcpu->count[event->vector]++;
	if (n < SMP_VECTORS)
		words->count[vcpu->id][n]++;
	if (event->vector == FLUSH_IPI)
		flush();
	if (vcpu->on_event)
		vcpu->on_event(event);
}

void gate(u32 vector, u64 flags)
{
	hypercall(LHCALL_LOAD_IDT_ENTRY, vector,
		  (u64)event_stubs + vector * EVENT_STUB_BYTES, flags, 0);
}

void set_irq(u32 flag)
{
	struct lguest_data *data = me()->data;

	*(volatile u32 *)&data->irq_enabled = flag;
	asm volatile("" ::: "memory");
	if (flag && *(volatile u32 *)&data->irq_pending)
		hypercall(LHCALL_SEND_INTERRUPTS, 0, 0, 0, 0);
}

void send(u64 mask, u64 vector)
{
	hypercall(LHCALL_SEND_IPI, mask, vector, 0, 0);
}

void halt(u64 how)
{
	hypercall(LHCALL_HALT, how, 0, 0, 0);
}

static void pause(void)
{
	asm volatile("pause" ::: "memory");
}

/* ---- to start and to end ---- */

static void second(u64 id);

u64 try_up(u64 id)
{
	struct vcpu *vcpu = &vcpus[id];

	return hypercall(LHCALL_VCPU_UP, id, (u64)second,
			 (u64)(vcpu->stack + VCPU_STACK - 1), id);
}

void start_others(void)
{
	u64 id, result;

	for (id = 1; id < members; id++) {
		result = try_up(id);
		if (result)
			panic("VCPU_UP of %llu: %lld", id, result);
	}
}

/* Vcpu 0 waits for the rest, and turns off. */
void over(void)
{
	u64 all = (1ULL << members) - 1, mine = 1ULL << me()->id;

	__atomic_or_fetch(&all_gone, mine, __ATOMIC_SEQ_CST);
	while (me()->id)
		halt(LGUEST_HALT_DOWN);
	while (*(volatile u64 *)&all_gone != all)
		pause();
	hc_shutdown(LGUEST_SHUTDOWN_POWEROFF, NULL);
}

/* ---- an IPI goes round ---- */

/* The n-th has come, and not one more; once in a while without a sleep. */
static void await(u64 n)
{
	volatile u64 *count = &me()->count[IPI];

	for (;;) {
		set_irq(0);
		if (*count >= n)
			break;
		if (n % 16) {
			halt(LGUEST_HALT_IDLE);
			continue;
		}
		set_irq(LGUEST_IF);
		while (*count < n)
			pause();
	}
	if (*count != n)
		panic("vcpu %llu: IPI %llu of %llu", me()->id, *count, n);
}

static void pass_on(void)
{
	u64 next = 1ULL << (me()->id + 1) % members, i;

	for (i = 1; i <= rounds; i++) {
		if (me()->id)
			await(i);
		send(next, IPI);
		if (me()->id == 0)
			await(i);
		words->progress++;
	}
	over();
}

/* ---- a word goes round ---- */

static void take_turns(void)
{
	u64 id = me()->id, next = 1ULL << (id + 1) % members, i;

	set_irq(0);
	for (i = 0; i < rounds; i++) {
		while (words->turn % members != id)
			halt(LGUEST_HALT_WAIT);
		words->turn++;
		words->progress++;
		send(next, LGUEST_IPI_WAKE);
	}
	over();
}

/* ---- a page changes ---- */

static u64 shot_pages[2][512] __attribute__((aligned(4096)));
static u64 shot_round; /* odd while it changes */

static void shoot(void)
{
	u64 *entry = pgtable_entry(SHOT, 1), i;

	for (i = 0; i < rounds; i++) {
		words->turn = 0;
		__atomic_add_fetch(&shot_round, 1, __ATOMIC_SEQ_CST);
		*(volatile u64 *)entry = (u64)shot_pages[i & 1] | PTE_P;
		hc_flush_page(SHOT);
		send(((1ULL << members) - 1) & ~1ULL, FLUSH_IPI);
		while (words->turn != members - 1)
			pause();
		__atomic_add_fetch(&shot_round, 1, __ATOMIC_SEQ_CST);
		words->progress++;
	}
	__atomic_store_n(&shot_round, ~0ULL, __ATOMIC_SEQ_CST);
	over();
}

static void be_shot_at(void)
{
	u64 round = 0, got;

	set_irq(LGUEST_IF);
	__atomic_add_fetch(&words->ready, 1, __ATOMIC_SEQ_CST);
	while (round != ~0ULL) {
		round = *(volatile u64 *)&shot_round;
		if (round & 1 || !round)
			continue;
		got = *(volatile u64 *)SHOT;
		if (round == *(volatile u64 *)&shot_round &&
		    got != (round / 2 - 1) % 2)
			panic("vcpu %llu: page %llu in round %llu", me()->id,
			      got, round / 2 - 1);
	}
	over();
}

static void shoot_down(void)
{
	if (me()->id) {
		be_shot_at();
		return;
	}
	shot_pages[1][0] = 1;
	*pgtable_entry(SHOT, 1) = (u64)shot_pages[1] | PTE_P;
	start_others();
	while (words->ready != members - 1)
		pause();
	shoot();
}

/* ---- up and down ---- */

static u64 starts, wins;

/* With no pages of its own, and a descriptor that the next life must not find. */
static void live_once(void)
{
	u64 selector = LGUEST_TLS_FIRST << 3 | 3, got = 0;

	asm volatile("lar %1, %0" : "+r"(got) : "r"(selector) : "cc");
	if (got)
		panic("a TLS entry of a former life: %#llx", got);
	hypercall(LHCALL_LOAD_TLS, 0, 0x00cff2000000ffff, 0, 0);
	asm volatile("mov %0, %%fs" : : "r"(selector));
	asm volatile("mov %%fs, %0" : "=r"(got));
	if (got != selector)
		panic("FS is %#llx", got);
	__atomic_add_fetch(&starts, 1, __ATOMIC_SEQ_CST);
	for (;;)
		halt(LGUEST_HALT_DOWN);
}

static void bring_up(void)
{
	u64 won = 0, result;

	while (won < rounds) {
		result = try_up(1);
		if (result && result != -16ULL)
			panic("VCPU_UP: %lld", result);
		if (result)
			continue;
		won++;
		words->progress++;
		__atomic_add_fetch(&wins, 1, __ATOMIC_SEQ_CST);
	}
	__atomic_or_fetch(&all_gone, 1ULL << me()->id, __ATOMIC_SEQ_CST);
	if (me()->id)
		halt(LGUEST_HALT_DOWN);
	while (*(volatile u64 *)&all_gone != 5 ||
	       *(volatile u64 *)&starts != *(volatile u64 *)&wins)
		pause();
	hc_shutdown(LGUEST_SHUTDOWN_POWEROFF, NULL);
}

static void up_and_down(void)
{
	if (me()->id == 0)
		try_up(2);
	bring_up();
}

/* ---- to be killed, to be interrupted ---- */

static void die(void)
{
	u64 id = me()->id;

	__atomic_add_fetch(&words->ready, 1, __ATOMIC_SEQ_CST);
	while (id == 0)
		hc_flush_async();
	while (id == 1 && words->ready < members)
		pause();
	while (id == 2)
		halt(LGUEST_HALT_IDLE);
	while (id == 3)
		pause();
	asm volatile("ud2");
}

static void count(void)
{
	__atomic_add_fetch(&words->ready, 1, __ATOMIC_SEQ_CST);
	for (;;)
		halt(LGUEST_HALT_IDLE);
}

static void storm(void)
{
	set_irq(LGUEST_IF);
	for (;; words->progress++) {
		send(~0ULL, IPI);
		hypercall(LHCALL_SET_CLOCKEVENT, 1, 0, 0, 0);
	}
}

static void count_in_extra(void)
{
	volatile u64 *word = (u64 *)SMP_EXTRA;

	*pgtable_entry(SMP_EXTRA, 1) = SMP_EXTRA | PTE_P | PTE_W;
	for (;; (*word)++)
		words->progress = 1;
}

static void say_steal(void)
{
	static struct lguest_clock clocks[SMP_VCPUS];
	u64 id = me()->id;

	hypercall(LHCALL_SET_CLOCK, (u64)&clocks[id], 0, 0, 0);
	for (;;)
		words->count[id][0] = *(volatile u64 *)&clocks[id].steal;
}

/*
 * The handler of a gate that leaves the flag on is itself interrupted, at once:
 * it never comes to turn the flag off.
 */
static void see_waiting(struct event *event)
{
	(void)event;
	words->turn += *(volatile u32 *)&me()->data->irq_pending;
}

static void leave_on(void)
{
	u64 i;

	me()->on_event = see_waiting;
	for (i = 0; i < SMP_VECTORS; i++)
		gate(SMP_FIRST + (u32)i, LGUEST_GATE_TRAP);
	for (; rounds--; words->progress++) {
		set_irq(0);
		for (i = 0; i < SMP_VECTORS; i++)
			send(1, SMP_FIRST + i);
		set_irq(LGUEST_IF);
		for (i = 0; i < SMP_VECTORS; i++)
			if (words->count[0][i] != words->progress + 1)
				panic("vector %llu: %llu", i,
				      words->count[0][i]);
		if (words->turn)
			panic("%llu found another one waiting", words->turn);
	}
	over();
}

/* ---- all of it ---- */

static void (*const parts[])(void) = {
	[SMP_PASS] = pass_on,
	[SMP_WAKE] = take_turns,
	[SMP_SHOOT] = shoot_down,
	[SMP_UP] = up_and_down,
	[SMP_KILL] = die,
	[SMP_COUNT] = count,
	[SMP_STORM] = storm,
	[SMP_MOVE] = keep_moving,
	[SMP_REMOVE] = count_in_extra,
	[SMP_GATES] = leave_on,
	[SMP_ASK] = answer_me,
	[SMP_TIME] = keep_time,
	[SMP_STEAL] = say_steal,
	[SMP_TORTURE] = torture,
};

static void begin(u64 id)
{
	struct vcpu *vcpu = &vcpus[id];

	vcpu->id = id;
	vcpu->data = id ? &vcpu->own_data : &lguest_data;
	asm volatile("wrgsbase %0" : : "r"(vcpu));
	hc_init(vcpu->data, &vcpu->info, LGUEST_ABI_VERSION,
		LGUEST_FEATURE_DIRECT_SYSCALL);
	hypercall(LHCALL_SET_STACK, LGUEST_KERNEL_DS,
		  (u64)(vcpu->events + VCPU_STACK), 1, 0);
}

static void second(u64 id)
{
	if (op == SMP_UP && id == 1)
		live_once();
	begin(id);
	parts[op]();
}

void main(u64 what, u64 how_many, u64 how_often, u64 root)
{
	u32 vector;

	op = what;
	members = how_many;
	rounds = how_often;
	pgtable_init(root);
	begin(0);
	hc_set_syscall(user_entry, user_exit);
	for (vector = 32; vector < SMP_FIRST + SMP_VECTORS; vector++)
		gate(vector, 0);
	if (op != SMP_SHOOT && op != SMP_UP && op != SMP_MOVE &&
	    op != SMP_TORTURE)
		start_others();
	parts[op]();
	__builtin_unreachable();
}
