// SPDX-License-Identifier: GPL-2.0-only
/*
 * time-guest.c - vcpus that ask for answers, and vcpus that watch the time
 *
 * While they ask they are interrupted by each other and by their timers, which
 * must not reach the registers in which an answer comes.  While they watch the
 * time they tell the host how far they are, so that it sees that they stand.
 */
#include "../guest/event.h"
#include "hypercall.h"
#include "smp-guest.h"

#define IPI  0x40
#define LONG 300000000ULL /* ns of the clock event that the host looks at */

void answer_me(void)
{
	u64 id = me()->id, i, token, answer;

	set_irq(LGUEST_IF);
	for (i = 1; i <= rounds; i++) {
		hypercall(LHCALL_SET_CLOCKEVENT, 1, 0, 0, 0);
		send(~0ULL, IPI);
		token = SMP_TOKEN(id, i);
		answer = hypercall(LHCALL_NOTIFY, token, 0, 0, 0);
		if (answer != ~token)
			panic("vcpu %llu: %#llx was answered %#llx", id, token,
			      answer);
		words->progress++;
	}
	over();
}

/* ---- time ---- */

static struct lguest_clock clocks[SMP_VCPUS];

static u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (u64)high << 32 | low;
}

static u64 now(const volatile struct lguest_clock *clock)
{
	u64 ticks, ns;
	u32 version;

	do {
		version = clock->version & ~1U;
		asm volatile("" ::: "memory");
		ticks = rdtsc() - clock->tsc_timestamp;
		ticks = clock->tsc_shift < 0 ? ticks >> -clock->tsc_shift
					     : ticks << clock->tsc_shift;
		ns = clock->system_time +
		     (u64)((unsigned __int128)ticks * clock->tsc_mul >> 32);
		asm volatile("" ::: "memory");
	} while (version != clock->version);
	return ns;
}

/* Nobody may see it earlier than somebody has. */
static void check_time(u64 id)
{
	u64 latest = __atomic_load_n(&words->latest, __ATOMIC_SEQ_CST);
	u64 ns = now(&clocks[id]);

	if (ns < latest)
		panic("vcpu %llu: it was %llu and is %llu", id, latest, ns);
	while (latest < ns &&
	       !__atomic_compare_exchange_n(&words->latest, &latest, ns, 0,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

static void comes(struct event *event)
{
	if (event->vector != LGUEST_IRQ_VECTOR(0))
		return;
	words->came_at = now(&clocks[0]);
	if (words->came_at - words->set_at < LONG - LONG / 100)
		panic("a clock event of %llu ns after %llu", LONG,
		      words->came_at - words->set_at);
	words->progress++;
	words->set_at = now(&clocks[0]);
	hypercall(LHCALL_SET_CLOCKEVENT, LONG, 0, 0, 0);
}

void keep_time(void)
{
	u64 id = me()->id;

	hypercall(LHCALL_SET_CLOCK, (u64)&clocks[id], 0, 0, 0);
	if (id == 0) {
		me()->on_event = comes;
		words->set_at = now(&clocks[0]);
		hypercall(LHCALL_SET_CLOCKEVENT, LONG, 0, 0, 0);
		words->clock = (u64)&clocks[0];
	}
	set_irq(LGUEST_IF);
	__atomic_add_fetch(&words->ready, 1, __ATOMIC_SEQ_CST);
	for (;; words->steps[id]++) {
		check_time(id);
		if (id && words->steps[id] % 64 == 0) {
			hypercall(LHCALL_SET_CLOCKEVENT, 1, 0, 0, 0);
			send(~1ULL, IPI);
		}
	}
}
