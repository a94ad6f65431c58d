// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest-events.c - what the host remembers of a guest, made from a seed
 *
 * Gates, a ring with calls in it, clock events, what is pending: a guest could
 * have said all of it itself, but random instructions hardly ever do.  So it is
 * put there by state records, which are half right; those that are refused have
 * been tried as well.  And while the guest runs somebody scribbles on the pages
 * that the host reads, as another vcpu would.
 *
 * Start at fuzz_events().
 */
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include "guest-fuzz.h"

static void set(struct fuzz *fuzz, __u32 type, void *record, __u32 bytes)
{
	struct lg_state state = {
		.type = type,
		.bytes = bytes,
		.addr = (__u64)(uintptr_t)record,
	};

	fuzz->taken += ioctl(fuzz->vmm->vcpu, LG_STATE_SET, &state) == 0;
}

/* Mostly code that somebody runs; of the kernel's, or not. */
static __u64 handler(struct fuzz *fuzz)
{
	if (fuzz_one_in(fuzz, 200))
		return 0;
	if (fuzz_one_in(fuzz, 16))
		return (__u64)((__s64)fuzz_number(fuzz) << 16 >> 16);
	return FUZZ_CODE + fuzz_next(fuzz) % FUZZ_BYTES;
}

static void set_gates(struct fuzz *fuzz)
{
	static struct lg_gates gates;
	unsigned int i;

	memset(&gates, 0, sizeof(gates));
	for (i = 0; i < LGUEST_GATES; i++)
		if (i != LGUEST_TRAP_SYSCALL)
			gates.gate[i] = (struct lg_gate){ handler(fuzz),
							  fuzz_next(fuzz) & 3 };
	set(fuzz, LG_STATE_GATES, &gates, sizeof(gates));
}

static __u64 descriptor(struct fuzz *fuzz)
{
	__u64 desc = fuzz_next(fuzz);

	if (fuzz_one_in(fuzz, 2))
		return 0;
	/* Present, DPL 3, data. */
	return (desc & ~(1ULL << 43 | 1ULL << 53)) | 0xf0ULL << 40;
}

static void set_setup(struct fuzz *fuzz)
{
	struct lg_setup setup = {
		.features = fuzz_next(fuzz) & 0x2f,
		.data = fuzz->data_gpa,
		.info = FUZZ_INFO,
		.ring = fuzz_one_in(fuzz, 4) ? LG_NOWHERE : FUZZ_RING,
		.clock = fuzz_one_in(fuzz, 4) ? LG_NOWHERE : FUZZ_CLOCK,
		.entry = fuzz->entry,
		.exit = fuzz->exit,
		.noirq_start = FUZZ_CODE + fuzz_next(fuzz) % FUZZ_BYTES,
		.ring_tail = (__u32)fuzz_next(fuzz),
	};
	unsigned int i;

	if (setup.features & LGUEST_FEATURE_DIRECT_IRET)
		setup.iret = fuzz->iret;
	if (setup.features & LGUEST_FEATURE_DIRECT_FAULT)
		setup.fault = fuzz->fault;
	setup.noirq_end = setup.noirq_start + fuzz_next(fuzz) % 4097;
	for (i = 0; i < LGUEST_TLS_COUNT; i++)
		setup.tls[i] = descriptor(fuzz);
	if (fuzz_one_in(fuzz, 10))
		setup.clock = fuzz_number(fuzz); /* anywhere */
	fuzz->ring_tail = setup.ring_tail;
	set(fuzz, LG_STATE_SETUP, &setup, sizeof(setup));
}

static void set_events(struct fuzz *fuzz)
{
	struct lg_events events = {
		.nmi = (__u32)fuzz_next(fuzz) & 7,
		.timer_ns = fuzz_next(fuzz) % 1000000,
		.timer_vector = 32 + (__u32)(fuzz_next(fuzz) % 224),
	};
	unsigned int i;

	for (i = 0; i < 4; i++)
		events.pending[i] = fuzz_next(fuzz) & fuzz_next(fuzz);
	events.pending[0] &= ~0xffffffffULL;
	if (fuzz_one_in(fuzz, 8))
		events.activity = (__u32)(fuzz_next(fuzz) % 4);
	set(fuzz, LG_STATE_EVENTS, &events, sizeof(events));
}

/* Some calls that wait, and mostly not too many. */
static void fill_ring(struct fuzz *fuzz)
{
	static const __u8 numbers[] = {
		LHCALL_NEW_PGTABLE,     LHCALL_FLUSH_TLB,
		LHCALL_LOAD_IDT_ENTRY,  LHCALL_SET_STACK,
		LHCALL_SET_CLOCKEVENT,  LHCALL_SET_PTE,
		LHCALL_LOAD_TLS,        LHCALL_SET_DEBUGREG,
		LHCALL_FLUSH_PAGE,      LHCALL_SEND_IPI,
		LHCALL_RELEASE_PGTABLE,
	};
	struct lguest_ring *ring =
		vmm_at(fuzz->vmm, FUZZ_RING, sizeof(struct lguest_ring));
	struct lguest_async *call;
	unsigned int i;

	for (i = 0; i < LGUEST_RING_SIZE; i++) {
		call = &ring->calls[i];
		call->number = numbers[fuzz_next(fuzz) % sizeof(numbers)];
		call->arg[0] = fuzz_one_in(fuzz, 2) ? fuzz_next(fuzz) % 4
						    : fuzz_number(fuzz);
		call->arg[1] = fuzz_number(fuzz);
		call->arg[2] = fuzz_next(fuzz) % 4;
		if (call->number == LHCALL_NEW_PGTABLE)
			call->arg[0] = fuzz->vmm->root;
	}
	ring->head = fuzz->ring_tail + (__u32)(fuzz_next(fuzz) % 4);
}

static void fill_pages(struct fuzz *fuzz)
{
	struct lguest_info *info =
		vmm_at(fuzz->vmm, FUZZ_INFO, sizeof(struct lguest_info));
	struct lguest_data *data =
		vmm_at(fuzz->vmm, fuzz->data_gpa, sizeof(struct lguest_data));
	unsigned int i;

	for (i = 0; i < 4; i++)
		info->blocked[i] = fuzz_next(fuzz) & fuzz_next(fuzz);
	info->df_stack = fuzz_one_in(fuzz, 2) ? 0 : fuzz_number(fuzz);
	data->sp0 = fuzz_one_in(fuzz, 4)
			    ? fuzz_number(fuzz)
			    : FUZZ_STACK + fuzz_next(fuzz) % FUZZ_BYTES;
	data->irq_enabled = (__u32)fuzz_next(fuzz);
	data->irq_pending = (__u32)fuzz_next(fuzz);
}

void fuzz_events(struct fuzz *fuzz)
{
	if (fuzz->kind != FUZZ_KIND_EVENTS)
		return;
	set_gates(fuzz);
	set_setup(fuzz);
	set_events(fuzz);
	fill_ring(fuzz);
	fill_pages(fuzz);
}

/* ---- the other hand ---- */

static pthread_t thread;
static bool scribbling;

static void *scribble(void *arg)
{
	static const __u64 pages[] = { FUZZ_INFO, FUZZ_DATA, FUZZ_RING,
				       FUZZ_STACK };
	struct fuzz fuzz = *(struct fuzz *)arg;
	__u64 gpa;

	while (__atomic_load_n(&scribbling, __ATOMIC_ACQUIRE)) {
		gpa = pages[fuzz_next(&fuzz) % 4] +
		      (fuzz_next(&fuzz) & 0xff8 & fuzz_next(&fuzz));
		*(volatile __u64 *)vmm_at(fuzz.vmm, gpa, 8) =
			fuzz_one_in(&fuzz, 2) ? fuzz_next(&fuzz) % 64
					      : fuzz_number(&fuzz);
	}
	return NULL;
}

void fuzz_scribble(struct fuzz *fuzz)
{
	static struct fuzz copy;

	if (fuzz->kind != FUZZ_KIND_EVENTS || !fuzz_one_in(fuzz, 3))
		return;
	copy = *fuzz;
	scribbling = true;
	if (pthread_create(&thread, NULL, scribble, &copy))
		scribbling = false;
}

void fuzz_scribble_end(void)
{
	if (!scribbling)
		return;
	__atomic_store_n(&scribbling, false, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
}
