/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace.h - one tracepoint for each crossing, under events/lguest in tracefs
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM lguest

#if !defined(LG_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define LG_TRACE_H

#include <linux/tracepoint.h>
#include "lg.h"

/* Lists more than code: */
/* clang-format off */

/* Where the guest is: all the crossings tell the same. */
DECLARE_EVENT_CLASS(lg_crossing,
	TP_PROTO(const struct lg_vcpu *vcpu),
	TP_ARGS(vcpu),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, flags)
		__field(u64, trap)
		__field(u64, error)
		__field(u64, rip)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->flags = vcpu->state->flags;
		__entry->trap = vcpu->state->regs.trap;
		__entry->error = vcpu->state->regs.error;
		__entry->rip = vcpu->state->regs.rip;
	),
	TP_printk("vcpu %u %s trap %#llx error %#llx rip %#llx",
		  __entry->vcpu, __entry->flags & SW_USER ? "user" : "kernel",
		  __entry->trap, __entry->error, __entry->rip)
);

DEFINE_EVENT(lg_crossing, lg_enter,
	TP_PROTO(const struct lg_vcpu *vcpu), TP_ARGS(vcpu));
DEFINE_EVENT(lg_crossing, lg_exit,
	TP_PROTO(const struct lg_vcpu *vcpu), TP_ARGS(vcpu));
DEFINE_EVENT(lg_crossing, lg_kill,
	TP_PROTO(const struct lg_vcpu *vcpu), TP_ARGS(vcpu));
DEFINE_EVENT(lg_crossing, lg_load,
	TP_PROTO(const struct lg_vcpu *vcpu), TP_ARGS(vcpu));
DEFINE_EVENT(lg_crossing, lg_put,
	TP_PROTO(const struct lg_vcpu *vcpu), TP_ARGS(vcpu));

TRACE_EVENT(lg_hypercall,
	TP_PROTO(const struct lg_vcpu *vcpu, u64 number),
	TP_ARGS(vcpu, number),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u64, number)
		__field(u64, rdi)
		__field(u64, rsi)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->number = number;
		__entry->rdi = vcpu->state->regs.rdi;
		__entry->rsi = vcpu->state->regs.rsi;
	),
	TP_printk("vcpu %u number %llu (%#llx, %#llx)", __entry->vcpu,
		  __entry->number, __entry->rdi, __entry->rsi)
);

TRACE_EVENT(lg_event,
	TP_PROTO(const struct lg_vcpu *vcpu, u32 vector, u64 error),
	TP_ARGS(vcpu, vector, error),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, vector)
		__field(u64, error)
		__field(u64, rip)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->vector = vector;
		__entry->error = error;
		__entry->rip = vcpu->state->regs.rip;
	),
	TP_printk("vcpu %u vector %u error %#llx rip %#llx", __entry->vcpu,
		  __entry->vector, __entry->error, __entry->rip)
);

TRACE_EVENT(lg_shadow_fill,
	TP_PROTO(const struct lg_vcpu *vcpu, const struct guest_walk *walk),
	TP_ARGS(vcpu, walk),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u64, gva)
		__field(u64, gfn)
		__field(u64, prot)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu->id;
		__entry->gva = walk->gva;
		__entry->gfn = walk->gfn;
		__entry->prot = walk->prot;
	),
	TP_printk("vcpu %u gva %#llx gfn %#llx prot %#llx", __entry->vcpu,
		  __entry->gva, __entry->gfn, __entry->prot)
);

#endif /* LG_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
