// SPDX-License-Identifier: GPL-2.0-only
/*
 * told - what a guest kernel tells of itself: ring, segments, clock, data
 *
 * And the few instructions that lg.ko does for it.
 */
#include "event.h"
#include "test.h"

/* ---- the ring ---- */

static struct lguest_ring ring;

static void queue(u64 number, u64 a, u64 b, u64 c)
{
	struct lguest_async *call = &ring.calls[ring.head % LGUEST_RING_SIZE];

	call->number = number;
	call->arg[0] = a;
	call->arg[1] = b;
	call->arg[2] = c;
	asm volatile("" ::: "memory");
	ring.head++;
}

CASE(async_hcall, "async_hcall: queued calls are made in order before the next")
{
	u32 i;

	hypercall(LHCALL_SET_RING, (u64)&ring, 0, 0, 0);
	for (i = 1; i <= LGUEST_RING_SIZE; i++)
		queue(LHCALL_SET_STACK, LGUEST_KERNEL_DS, i * 0x1000, 1);
	check_is(lguest_data.sp0, 0, "not yet");
	hc_flush_async();
	check_is(lguest_data.sp0, LGUEST_RING_SIZE * 0x1000, "the last one");
	check_is(ring.tail, LGUEST_RING_SIZE, "tail");
	check_is(ask_stat(LG_STAT_QUEUED), LGUEST_RING_SIZE, "how many");
	queue(LHCALL_SET_STACK, LGUEST_KERNEL_DS, 0x5000, 1);
	hc_flush_tlb();
	check_is(lguest_data.sp0, 0x5000, "before any other call");
}

static void skip_two(struct event *event)
{
	event->at.rip += 2;
}

CASE(ring_event, "and before an event is delivered")
{
	on_event(TRAP_UD, NULL);
	hypercall(LHCALL_SET_RING, (u64)&ring, 0, 0, 0);
	on_event(TRAP_UD, skip_two);
	hypercall(LHCALL_LOAD_IDT_ENTRY, TRAP_UD, 0, 0, 0);
	queue(LHCALL_LOAD_IDT_ENTRY, TRAP_UD,
	      (u64)event_stubs + TRAP_UD * EVENT_STUB_BYTES, 0);
	asm volatile("ud2" ::: "memory");
	check_is(event_count[TRAP_UD], 1, "the gate was there in time");
}

CASE(ring_full, "a ring with more calls than it holds is the end",
     DIES(LGUEST_TRAP_SYSCALL), .why = "more than it holds", STEPS(3))
{
	static const u32 heads[] = { LGUEST_RING_SIZE + 1, ~0U, 0x80000000 };

	hypercall(LHCALL_SET_RING, (u64)&ring, 0, 0, 0);
	ring.head = heads[step];
	hc_flush_async();
}

CASE(ring_nonsense, "so is a call that cannot wait in a ring",
     DIES(LGUEST_TRAP_SYSCALL), .why = "for the ring", STEPS(7))
{
	static const u64 numbers[] = {
		LHCALL_LGUEST_INIT, LHCALL_IRET, LHCALL_HALT, LHCALL_SHUTDOWN,
		LHCALL_VCPU_UP,     LHCALL_MAX,  ~0ULL
	};

	hypercall(LHCALL_SET_RING, (u64)&ring, 0, 0, 0);
	queue(numbers[step], 0, 0, 0);
	hc_flush_async();
}

CASE(ring_gone, "a ring that is taken away is not looked at")
{
	hypercall(LHCALL_SET_RING, (u64)&ring, 0, 0, 0);
	hypercall(LHCALL_SET_RING, ~0ULL, 0, 0, 0);
	queue(~0ULL, 0, 0, 0);
	hc_flush_async();
	check_is(ring.tail, 0, "tail");
}

/*
 * It was killed with its lguest_info gone and its lguest_data not; and then
 * the call in the ring had made something pending, and the host looked in the
 * missing page whether the guest has that vector blocked.
 */
CASE(init_half, "LGUEST_INIT without one of its pages ends the guest alone",
     DIES(LGUEST_TRAP_SYSCALL), .why = "both pages", STEPS(2))
{
	u64 data = step ? ~0ULL : (u64)&lguest_data;

	hypercall(LHCALL_SET_RING, (u64)&ring, 0, 0, 0);
	queue(LHCALL_SEND_IPI, 1, 0x40, 0);
	hypercall(LHCALL_LGUEST_INIT, data, step ? (u64)&info : ~0ULL,
		  LGUEST_ABI_VERSION, 0);
}

/* ---- stacks ---- */

CASE(lguest_load_esp0, "lguest_load_esp0: SET_STACK sets sp0")
{
	check_is(hypercall(LHCALL_SET_STACK, LGUEST_KERNEL_DS, 0x7000, 2, 0), 0,
		 "result");
	check_is(lguest_data.sp0, 0x7000, "sp0");
	hypercall(LHCALL_SET_STACK, LGUEST_DS, 0x8000, 0, 0);
	check_is(lguest_data.sp0, 0x8000, "sp0");
}

CASE(bad_stack, "a stack of another privilege, or none, is refused",
     DIES(LGUEST_TRAP_SYSCALL), .why = "SET_STACK", STEPS(5))
{
	static const struct {
		u64 segment, stack, pages;
	} bad[] = {
		{ 0, 0x7000, 1 },
		{ 0x19, 0x7000, 1 },
		{ LGUEST_CS, 0x7000, 1 },
		{ LGUEST_KERNEL_DS, NONCANONICAL, 1 },
		{ LGUEST_KERNEL_DS, 0x7000, 65 },
	};

	hypercall(LHCALL_SET_STACK, bad[step].segment, bad[step].stack,
		  bad[step].pages, 0);
}

/* ---- segments ---- */

static u64 word_of_tls = 0x746c73;

/* A data segment of 32 bits at base, without a limit. */
static u64 descriptor(u64 base)
{
	return 0x00cff2000000ffff | (base & 0xffffff) << 16 |
	       (base >> 24 & 0xff) << 56;
}

#define TLS_SELECTOR(index) ((LGUEST_TLS_FIRST + (index)) << 3 | 3)

CASE(lguest_load_tls, "lguest_load_tls: descriptors of the guest's own",
     STEPS(LGUEST_TLS_COUNT))
{
	u32 selector = TLS_SELECTOR(step);
	u64 got;

	hypercall(LHCALL_LOAD_TLS, step, descriptor((u64)&word_of_tls), 0, 0);
	asm volatile("mov %1, %%fs\n\tmov %%fs:0, %0"
		     : "=r"(got)
		     : "r"(selector));
	check_is(got, 0x746c73, "what FS leads to");
	hc_flush_async();
	asm volatile("mov %%fs:0, %0" : "=r"(got));
	check_is(got, 0x746c73, "and after an exit");
}

/* Linux looks at the selectors then, and loads none that are null already. */
CASE(tls_gone, "a selector whose descriptor is taken away is null")
{
	u32 selector = TLS_SELECTOR(1), got = 0;
	u64 base = ~0ULL;

	hypercall(LHCALL_LOAD_TLS, 1, descriptor(0x1000), 0, 0);
	asm volatile("mov %0, %%es\n\tmov %0, %%fs" : : "r"(selector));
	hypercall(LHCALL_LOAD_GS, selector, 0, 0, 0);
	check_is(lguest_data.user_gs_base, 0x1000, "GS base");
	hypercall(LHCALL_LOAD_TLS, 1, 0, 0, 0);
	asm volatile("rdfsbase %0" : "=r"(base));
	check_is(base, 0, "FS base, then");
	check_is(lguest_data.user_gs_base, 0, "GS base, then");
	asm volatile("mov %%es, %0" : "=r"(got));
	check_is(got, 0, "ES");
	asm volatile("mov %%fs, %0" : "=r"(got));
	check_is(got, 0, "FS");
}

CASE(bad_tls, "code, gates and other privileges are refused",
     DIES(LGUEST_TRAP_SYSCALL), .why = "LOAD_TLS", STEPS(8))
{
	const u64 good = descriptor(0);
	const u64 bad[] = {
		good | 1ULL << 43, /* code */
		good | 1ULL << 53, /* long */
		good & ~(1ULL << 44), /* a system segment */
		good & ~(1ULL << 45), /* DPL 2 */
		good & ~(3ULL << 45), /* DPL 0 */
		good & ~(1ULL << 47), /* not present */
		0x0000e90000000000, /* a TSS */
		1,
	};

	hypercall(LHCALL_LOAD_TLS, step, bad[step], 0, 0);
}

CASE(load_gs, "LOAD_GS says the base of what is user mode's now")
{
	hypercall(LHCALL_LOAD_TLS, 0, descriptor(0x12345678), 0, 0);
	check_is(hypercall(LHCALL_LOAD_GS, TLS_SELECTOR(0), 0, 0, 0),
		 0x12345678, "base");
	check_is(lguest_data.user_gs_base, 0x12345678, "user_gs_base");
	check_is(hypercall(LHCALL_LOAD_GS, TLS_SELECTOR(1), 0, 0, 0), 0,
		 "of one that is not there");
	check_is(hypercall(LHCALL_LOAD_GS, 0x10, 0, 0, 0), 0, "the host's");
	check_is(hypercall(LHCALL_LOAD_GS, 0, 0, 0, 0), 0, "null");
}

/* ---- lguest_data on the move ---- */

CASE(set_data, "SET_DATA moves lguest_data with what is in it", BOTH_WAYS)
{
	static struct lguest_data other;
	u64 base;

	irq_on();
	lguest_data.sp0 = 0x9000;
	hypercall(LHCALL_SET_DATA, (u64)&other, 0x1234000, 0, 0);
	asm volatile("rdgsbase %0" : "=r"(base));
	check_is(base, 0x1234000, "GS base");
	check_is(other.irq_enabled, LGUEST_IF, "irq_enabled");
	check_is(other.sp0, 0x9000, "sp0");
	hypercall(LHCALL_SET_STACK, LGUEST_DS, 0xa000, 1, 0);
	check_is(other.sp0, 0xa000, "what lg.ko writes from now on");
	check_is(lguest_data.sp0, 0x9000, "and no longer");
}

/* ---- the clock ---- */

static struct lguest_clock clock;

static u64 now(void)
{
	volatile struct lguest_clock *c = &clock;
	unsigned __int128 ns;
	u64 delta, base;
	u32 version;

	do {
		version = c->version;
		delta = rdtsc() - c->tsc_timestamp;
		delta = c->tsc_shift < 0 ? delta >> -c->tsc_shift
					 : delta << c->tsc_shift;
		ns = (unsigned __int128)delta * c->tsc_mul;
		base = c->system_time;
	} while (version & 1 || version != c->version);
	return base + (u64)(ns >> 32);
}

CASE(lguest_clock_read, "lguest_clock_read: time passes, and not backwards")
{
	u64 before, after, took, i;

	hypercall(LHCALL_SET_CLOCK, (u64)&clock, 0, 0, 0);
	if (!info.tsc_khz)
		skip("the host does not trust its TSC");
	check(clock.flags & LGUEST_CLOCK_STABLE, "the same for all vcpus");
	before = now();
	for (i = 0; i < 10000; i++) {
		after = now();
		check(after >= before, "not backwards");
		before = after;
	}
	on_event(LGUEST_IRQ_VECTOR(0), NULL);
	before = now();
	hypercall(LHCALL_SET_CLOCKEVENT, 1000000, 0, 0, 0);
	hypercall(LHCALL_HALT, LGUEST_HALT_IDLE, 0, 0, 0);
	took = now() - before;
	if (took < 900000)
		check_is(took, 1000000, "a millisecond in ns");
}

CASE(lguest_get_wallclock, "lguest_get_wallclock: and it is this century")
{
	hypercall(LHCALL_SET_CLOCK, (u64)&clock, 0, 0, 0);
	check(clock.wall_sec > 1600000000, "after 2020");
	check(clock.wall_nsec < 1000000000, "nanoseconds");
}

CASE(bad_pages, "pages of a vcpu that are not aligned, or not RAM, are refused",
     DIES(LGUEST_TRAP_SYSCALL), .why = "is not", STEPS(6))
{
	static const u64 calls[] = { LHCALL_SET_RING, LHCALL_SET_CLOCK,
				     LHCALL_SET_DATA };

	hypercall(calls[step / 2], step & 1 ? 0x1000000 : 0x201020, 0, 0, 0);
}

/* ---- instructions that lg.ko does ---- */

CASE(cr, "control registers read as a kernel expects")
{
	u64 cr0, cr3, cr4, r12;

	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	asm volatile("mov %%cr3, %0" : "=r"(cr3));
	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	asm volatile("mov %%cr3, %%r12\n\tmov %%r12, %0" : "=r"(r12) : : "r12");
	check_is(cr0 & 0x80010001, 0x80010001, "PG, WP and PE");
	check_is(cr3, pgtable_root(), "CR3");
	check_is(r12, cr3, "in R12 too");
	check_is(cr4 & 1 << 5, 1 << 5, "PAE");
	check_is(cr4 >> 20 & 3, 0, "neither SMEP nor SMAP");
}

CASE(ports, "ports are empty")
{
	u64 rax = 0x1122334455667788;

	asm volatile("in %%dx, %%al" : "+a"(rax) : "d"(0x60));
	check_is(rax, 0x11223344556677ff, "a byte");
	asm volatile("in %%dx, %%ax" : "+a"(rax) : "d"(0x60));
	check_is(rax, 0x112233445566ffff, "two");
	asm volatile("in %%dx, %%eax" : "+a"(rax) : "d"(0x60));
	check_is(rax, 0xffffffff, "four");
	asm volatile("in $0x71, %%al" : "+a"(rax));
	check_is(rax, 0xffffffff, "of an immediate port");
	asm volatile("out %%eax, %%dx\n\tout %%al, $0x80"
		     :
		     : "a"(0), "d"(0x80));
}

CASE(msr, "the one MSR that is read without asking")
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0x8b));
	check_is(low | high, 0, "microcode");
	asm volatile("wrmsr" : : "a"(0), "d"(0), "c"(0x8b));
	asm volatile("wbinvd");
}

CASE(xcr0, "XSETBV of another value is a #GP", DIES(TRAP_GP))
{
	u32 low, high;

	if (!has_avx())
		skip("no AVX");
	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	asm volatile("xsetbv" : : "a"(low & ~4U), "d"(high), "c"(0));
}

/* mov %cr4, %rax; ret */
#define READ_CR4 "\x0f\x20\xe0\xc3"

CASE(across, "an instruction across two pages is done")
{
	static u8 code[8192] __attribute__((aligned(4096)));
	u64 cr4;

	memcpy(code + 4095, READ_CR4, 4);
	cr4 = ((u64(*)(void))(code + 4095))();
	check_is(cr4 & 1 << 5, 1 << 5, "PAE");
}

/* Not after it has run there: Bochs would run it from its own cache. */
CASE(half, "one whose second page is not there is a #PF", DIES(TRAP_PF))
{
	static u8 code[8192] __attribute__((aligned(4096)));

	memcpy(code + 4095, READ_CR4, 4);
	pgtable_map((u64)code + 4096, 0, 0);
	((u64(*)(void))(code + 4095))();
}
