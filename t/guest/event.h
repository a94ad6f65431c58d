/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event.h - exceptions and interrupts for a test guest
 *
 * event_init() gives the guest a stack for events from user mode; on_event()
 * says which function a vector has.  A handler may change anything in the
 * struct event it gets, and that is what goes on after it.
 */
#ifndef EVENT_H
#define EVENT_H

#include "guestos.h"

struct event {
	u64 vector, error;
	u64 r15, r14, r13, r12, r10, r9, r8, rdi, rsi, rbp, rbx, rdx;
	struct lguest_iret at; /* with rax, rcx and r11 */
};

typedef void (*event_fn)(struct event *event);

#define EVENT_STACK_WORDS 2048
extern u64 event_stack[EVENT_STACK_WORDS];
#define EVENT_STACK_TOP ((u64)&event_stack[EVENT_STACK_WORDS])

/* event.S: where vector n enters */
#define EVENT_STUB_BYTES 16
extern char event_stubs[];

/* The way back to user mode: not by LHCALL_IRET if event_direct is set. */
extern char event_iret[];
extern u32 event_direct;

/* Where page faults enter that come directly, and how many have. */
extern char event_fault[];
extern volatile u32 event_faults;

void event_init(void);
void on_event(u32 vector, event_fn fn);
void on_event_flags(u32 vector, event_fn fn, u64 flags);
void event_dispatch(struct event *event);

/* How often each vector came, and the last one of all. */
extern volatile u32 event_count[LGUEST_GATES];
extern struct event event_last;

/* The virtual interrupt flag, as a kernel turns it. */
static inline void irq_off(void)
{
	*(volatile u32 *)&lguest_data.irq_enabled = 0;
}

static inline void irq_on_quietly(void)
{
	*(volatile u32 *)&lguest_data.irq_enabled = LGUEST_IF;
}

static inline u32 irq_waits(void)
{
	return *(volatile u32 *)&lguest_data.irq_pending;
}

void irq_on(void);

#endif /* EVENT_H */
