// SPDX-License-Identifier: GPL-2.0-only
/*
 * event.c - exceptions and interrupts for a test guest; see event.h
 */
#include "event.h"
#include "test.h"

u64 event_stack[EVENT_STACK_WORDS] __attribute__((aligned(64)));
volatile u32 event_count[LGUEST_GATES];
struct event event_last;

static event_fn handlers[LGUEST_GATES];

void event_init(void)
{
	hypercall(LHCALL_SET_STACK, LGUEST_KERNEL_DS, EVENT_STACK_TOP, 1, 0);
}

void on_event_flags(u32 vector, event_fn fn, u64 flags)
{
	handlers[vector] = fn;
	hypercall(LHCALL_LOAD_IDT_ENTRY, vector,
		  (u64)event_stubs + vector * EVENT_STUB_BYTES, flags, 0);
}

void on_event(u32 vector, event_fn fn)
{
	on_event_flags(vector, fn, 0);
}

void event_dispatch(struct event *event)
{
	event_count[event->vector]++;
	event_last = *event;
	if (handlers[event->vector])
		handlers[event->vector](event);
}

/* As a kernel does it: turn the flag, then see whether something has waited. */
void irq_on(void)
{
	irq_on_quietly();
	asm volatile("" ::: "memory");
	if (irq_waits())
		hypercall(LHCALL_SEND_INTERRUPTS, 0, 0, 0, 0);
}
