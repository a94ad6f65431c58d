/* SPDX-License-Identifier: GPL-2.0-only */
/* smp-guest.h - between the two files of the guest that has several vcpus */
#ifndef SMP_GUEST_H
#define SMP_GUEST_H

#include "guestos.h"
#include "smp.h"

struct event;

#define VCPU_STACK 1024

/* Each vcpu's GS base points at its own; trap.S wants struct cpu first. */
struct vcpu {
	struct cpu cpu;
	u64 id;
	struct lguest_data *data;
	void (*on_event)(struct event *event);
	volatile u64 count[256];
	struct lguest_data own_data;
	struct lguest_info info;
	u64 stack[VCPU_STACK], events[VCPU_STACK];
} __attribute__((aligned(256)));

extern struct vcpu vcpus[SMP_VCPUS];
extern volatile struct smp_words *const words;

static inline struct vcpu *me(void)
{
	struct vcpu *vcpu;

	asm volatile("rdgsbase %0" : "=r"(vcpu));
	return vcpu;
}

extern u64 rounds;

void over(void);
void gate(u32 vector, u64 flags);
void set_irq(u32 flag);
void send(u64 mask, u64 vector);
void halt(u64 how);
u64 try_up(u64 id);
void start_others(void);

/* move-guest.c */
void keep_moving(void);

/* time-guest.c */
void answer_me(void);
void keep_time(void);

/* torture-guest.c */
void torture(void);

#endif /* SMP_GUEST_H */
