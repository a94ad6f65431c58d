// SPDX-License-Identifier: GPL-2.0-only
/*
 * move-guest.c - a guest that would notice if it were moved
 *
 * Round after round it uses whatever lg.ko remembers for it, and checks that it
 * was remembered: nothing lost, nothing twice.  Somebody takes all of it away
 * at any moment and gives it to other vcpus.
 *
 * Start at keep_moving().
 */
#include "../guest/event.h"
#include "hypercall.h"
#include "smp-guest.h"

#define PENDING  0x44
#define BLOCKED  0x45
#define TIMER    0x46
#define TRAP_ANY 2 /* gates 1 and 2: #DB and NMI */
#define SELECTOR ((LGUEST_TLS_FIRST + 1) << 3 | 3)

static struct lguest_ring ring;
static struct lguest_clock clock;
static u64 tls_word, watched, helped, nmi_depth;

static void check(u64 got, u64 want, const char *what)
{
	if (got != want)
		panic("round %llu: %s: %llu, not %llu", words->progress, what,
		      got, want);
}

/* ---- one thing each; n is the round, from 1 ---- */

static void queue(u64 number, u64 a, u64 b, u64 c)
{
	ring.calls[ring.head % LGUEST_RING_SIZE] =
		(struct lguest_async){ number, { a, b, c } };
	asm volatile("" ::: "memory");
	ring.head++;
}

static void use_ring(u64 n)
{
	u64 top = (u64)(me()->events + VCPU_STACK), i;

	for (i = 1; i <= 8; i++)
		queue(LHCALL_SET_STACK, LGUEST_KERNEL_DS,
		      top - (n + i) % 8 * 256, 1);
	hc_flush_async();
	check(me()->data->sp0, top - n % 8 * 256, "sp0");
	check(*(volatile u32 *)&ring.tail, ring.head, "the ring's tail");
}

static void use_pending(u64 n)
{
	set_irq(0);
	send(1, PENDING);
	check(!!*(volatile u32 *)&me()->data->irq_pending, 1, "irq_pending");
	check(me()->count[PENDING], n - 1, "interrupts, with the flag off");
	set_irq(LGUEST_IF);
	check(me()->count[PENDING], n, "interrupts");
}

static void use_blocked(u64 n)
{
	volatile u64 *blocked = &me()->info.blocked[BLOCKED / 64];

	*blocked = 1ULL << BLOCKED % 64;
	send(1, BLOCKED);
	hc_flush_async();
	check(me()->count[BLOCKED], n - 1, "interrupts that are blocked");
	*blocked = 0;
	hypercall(LHCALL_SEND_INTERRUPTS, 0, 0, 0, 0);
	check(me()->count[BLOCKED], n, "interrupts that were");
}

/* So that here, too, is a moment to be met at. */
static void linger(void)
{
	u32 i;

	for (i = 0; i < 20000; i++)
		asm volatile("" ::: "memory");
}

static void note_event(struct event *event)
{
	if (event->vector != TRAP_NMI)
		return;
	check(nmi_depth++, 0, "NMIs, one in the other");
	linger();
	if (me()->count[TRAP_NMI] & 1)
		send(1, LGUEST_IPI_NMI);
	nmi_depth--;
}

static void use_nmi(u64 n)
{
	send(1, LGUEST_IPI_NMI);
	check(me()->count[TRAP_NMI], 2 * n, "NMIs");
}

static void use_timer(u64 n)
{
	set_irq(0);
	hypercall(LHCALL_SET_CLOCKEVENT, n % 8 * 1000000, TIMER, 0, 0);
	if (n % 8 == 0) /* none: it is the next round's */
		hypercall(LHCALL_SET_CLOCKEVENT, 1, TIMER, 0, 0);
	while (me()->count[TIMER] < n) {
		halt(LGUEST_HALT_IDLE);
		set_irq(0);
	}
	check(me()->count[TIMER], n, "clock events");
}

static void use_watch(u64 n)
{
	*(volatile u64 *)&watched = n;
	check(me()->count[TRAP_DB], n, "watched writes");
	check(hc_get_debugreg(6) & 15, 1, "DR6");
	check(hc_get_debugreg(1), 0x123456789a, "DR1");
	hc_set_debugreg(6, 0);
}

static void use_segment(void)
{
	u64 got;

	asm volatile("mov %%fs:0, %0" : "=r"(got));
	check(got, tls_word, "what FS leads to");
	asm volatile("mov %%fs, %0" : "=r"(got));
	check(got, SELECTOR, "FS");
}

static void use_clock(void)
{
	static u64 last, last_steal;
	u32 version;
	u64 now, ticks, steal;

	do {
		version = *(volatile u32 *)&clock.version;
		asm volatile("lfence" ::: "memory");
		ticks = __builtin_ia32_rdtsc() - clock.tsc_timestamp;
		ticks = clock.tsc_shift < 0 ? ticks >> -clock.tsc_shift
					    : ticks << clock.tsc_shift;
		now = clock.system_time +
		      (u64)((unsigned __int128)ticks * clock.tsc_mul >> 32);
		steal = clock.steal;
		asm volatile("" ::: "memory");
	} while (version & 1 || version != *(volatile u32 *)&clock.version);
	if (now < last)
		panic("time went from %llu to %llu", last, now);
	if (now - last > 60000000000 && last)
		panic("time leapt from %llu to %llu", last, now);
	if (steal < last_steal)
		panic("stolen time went from %llu to %llu", last_steal, steal);
	last = now;
	last_steal = steal;
}

static void help(void)
{
	helped++;
	send(1, LGUEST_IPI_WAKE);
	halt(LGUEST_HALT_DOWN);
}

static void use_helper(u64 n)
{
	u64 result;

	do
		result = try_up(1);
	while (result == -16ULL); /* on its way down */
	check(result, 0, "VCPU_UP");
	while (*(volatile u64 *)&helped < n)
		halt(LGUEST_HALT_WAIT);
	check(helped, n, "lives of vcpu 1");
}

static void use_wake(void)
{
	set_irq(0);
	send(1, LGUEST_IPI_WAKE);
	halt(LGUEST_HALT_WAIT);
}

user_text static void user_code(void)
{
	asm volatile("1: mov $100000, %ecx\n\t"
		     "2: dec %ecx\n\tjnz 2b\n\t"
		     "add $1, %rdi\n\tsyscall\n\tjmp 1b");
}

static void use_user(u64 n)
{
	static struct user user;

	if (n == 1) {
		user.rip = (u64)user_code;
		user.rflags = RFLAGS_IF | RFLAGS_FIXED;
	}
	user.gs_base = n;
	user_run(&user);
	check(user.rdi, n, "system calls");
	check(user.gs_base, n, "user mode's GS base");
}

/* ---- all of them ---- */

static void set_up(void)
{
	u64 base = (u64)&tls_word;

	me()->on_event = note_event;
	gate(TRAP_DB, 0);
	gate(TRAP_NMI, 0);
	hypercall(LHCALL_LOAD_TLS, 1, 0x00cff2000000ffff | base << 16, 0, 0);
	asm volatile("mov %0, %%fs" : : "r"(SELECTOR));
	hypercall(LHCALL_SET_RING, (u64)&ring, 0, 0, 0);
	hypercall(LHCALL_SET_CLOCK, (u64)&clock, 0, 0, 0);
	hc_set_debugreg(0, (u64)&watched);
	hc_set_debugreg(1, 0x123456789a);
	hc_set_debugreg(7, 0xd0001);
	pgtable_give_to_user((u64)user_start, (u64)user_end);
	hc_flush_tlb();
}

static void round(u64 n)
{
	u64 low, high;

	tls_word = n * 3;
	asm volatile("movq %0, %%xmm3\n\tmovq %0, %%xmm15" : : "r"(n));
	use_ring(n);
	use_pending(n);
	use_blocked(n);
	use_nmi(n);
	use_timer(n);
	use_watch(n);
	use_segment();
	use_clock();
	use_wake();
	use_helper(n);
	use_user(n);
	asm volatile("movq %%xmm3, %0\n\tmovq %%xmm15, %1"
		     : "=r"(low), "=r"(high));
	check(low, n, "XMM3");
	check(high, n, "XMM15");
}

void keep_moving(void)
{
	if (me()->id)
		help();
	set_up();
	for (;; words->progress++)
		round(words->progress + 1);
}
