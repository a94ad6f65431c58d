// SPDX-License-Identifier: GPL-2.0-only
/*
 * abi.c - the layout that daemons and guests already out there rely on
 *
 * Every word of every ABI structure is written down here a second time, as
 * numbers.  If this fails, the ABI has changed: that is a decision, with a line
 * in CHANGES.md and perhaps a new LG_ABI_VERSION, and never a way to make this
 * pass.  A new word takes the place of a reserved one and a line below.
 *
 * Fields stand in order and leave no gap, so nothing is padded by a compiler's
 * leave and nothing can be added without being noticed.
 *
 * Long because it is one list, with a line for each word that was promised.
 */
#include <stddef.h>

#include <lguest/guest.h>
#include <lguest/ioctl.h>
#include <lguest/virtio.h>

#include "tap.h"

struct row {
	const char *type;
	const char *field; /* NULL: the whole structure, after its fields */
	size_t at, bytes; /* what the compiler says */
	size_t want_at, want_bytes; /* what we promised */
};

/* clang-format off */
#define F(type, field, at, bytes)                                           \
	{ #type, #field, offsetof(struct type, field),                      \
	  sizeof(((struct type *)0)->field), at, bytes }
#define END(type, bytes)                                                    \
	{ #type, NULL, 0, sizeof(struct type), 0, bytes }

static const struct row rows[] = {
	/* guest.h */
	F(lguest_data, irq_enabled,	0, 4),
	F(lguest_data, irq_pending,	4, 4),
	F(lguest_data, cr2,		8, 8),
	F(lguest_data, user_rip,		16, 8),
	F(lguest_data, user_rflags,	24, 4),
	F(lguest_data, user_error,	28, 4),
	F(lguest_data, user_gs_base,	32, 8),
	F(lguest_data, user_rcx,		40, 8),
	F(lguest_data, user_r11,		48, 8),
	F(lguest_data, sp0,		56, 8),
	END(lguest_data, 64),

	F(lguest_info, abi_min,		0, 4),
	F(lguest_info, abi_max,		4, 4),
	F(lguest_info, features,		8, 8),
	F(lguest_info, switcher_start,	16, 8),
	F(lguest_info, switcher_end,	24, 8),
	F(lguest_info, tsc_khz,		32, 4),
	F(lguest_info, vcpu,		36, 4),
	F(lguest_info, vcpus,		40, 8),
	F(lguest_info, min_delta_ns,	48, 4),
	F(lguest_info, reserved0,	52, 4),
	F(lguest_info, reserved1,	56, 8),
	F(lguest_info, blocked,		64, 32),
	F(lguest_info, df_stack,		96, 8),
	F(lguest_info, reserved2,	104, 152),
	END(lguest_info, 256),

	F(lguest_async, number,		0, 8),
	F(lguest_async, arg,		8, 24),
	END(lguest_async, 32),

	F(lguest_ring, head,		0, 4),
	F(lguest_ring, tail,		4, 4),
	F(lguest_ring, reserved,		8, 56),
	F(lguest_ring, calls,		64, 2048),
	F(lguest_ring, reserved1,	2112, 1984),
	END(lguest_ring, 4096),

	F(lguest_clock, version,		0, 4),
	F(lguest_clock, reserved0,	4, 4),
	F(lguest_clock, tsc_timestamp,	8, 8),
	F(lguest_clock, system_time,	16, 8),
	F(lguest_clock, tsc_mul,		24, 4),
	F(lguest_clock, tsc_shift,	28, 1),
	F(lguest_clock, flags,		29, 1),
	F(lguest_clock, reserved1,	30, 2),
	F(lguest_clock, steal,		32, 8),
	F(lguest_clock, wall_sec,	40, 8),
	F(lguest_clock, wall_nsec,	48, 4),
	F(lguest_clock, reserved2,	52, 12),
	END(lguest_clock, 64),

	F(lguest_iret, rax,		0, 8),
	F(lguest_iret, rcx,		8, 8),
	F(lguest_iret, r11,		16, 8),
	F(lguest_iret, rip,		24, 8),
	F(lguest_iret, cs,		32, 8),
	F(lguest_iret, rflags,		40, 8),
	F(lguest_iret, rsp,		48, 8),
	F(lguest_iret, ss,		56, 8),
	END(lguest_iret, 64),

	/* ioctl.h */
	F(lg_info, abi_min,			0, 4),
	F(lg_info, abi_max,			4, 4),
	F(lg_info, features,			8, 8),
	F(lg_info, switcher_start,		16, 8),
	F(lg_info, switcher_end,		24, 8),
	F(lg_info, max_vcpus,			32, 4),
	F(lg_info, max_slots,			36, 4),
	F(lg_info, max_gpa,			40, 8),
	F(lg_info, tsc_khz,			48, 4),
	F(lg_info, host_levels,			52, 4),
	F(lg_info, fpu_bytes,			56, 4),
	F(lg_info, reserved0,			60, 4),
	F(lg_info, reserved,			64, 56),
	END(lg_info, 120),

	F(lg_vm_create, abi,			0, 4),
	F(lg_vm_create, flags,			4, 4),
	F(lg_vm_create, features,		8, 8),
	F(lg_vm_create, shadow_pages,		16, 8),
	F(lg_vm_create, reserved,		24, 40),
	END(lg_vm_create, 64),

	F(lg_slot, slot,			0, 4),
	F(lg_slot, flags,			4, 4),
	F(lg_slot, gpa,				8, 8),
	F(lg_slot, bytes,			16, 8),
	F(lg_slot, offset,			24, 8),
	F(lg_slot, memfd,			32, 4),
	F(lg_slot, reserved0,			36, 4),
	F(lg_slot, reserved,			40, 24),
	END(lg_slot, 64),

	F(lg_range, gpa,			0, 8),
	F(lg_range, bytes,			8, 8),
	F(lg_range, reserved,			16, 16),
	END(lg_range, 32),

	F(lg_dirty_log, slot,			0, 4),
	F(lg_dirty_log, reserved0,		4, 4),
	F(lg_dirty_log, addr,			8, 8),
	F(lg_dirty_log, first,			16, 8),
	F(lg_dirty_log, pages,			24, 8),
	F(lg_dirty_log, reserved,		32, 16),
	END(lg_dirty_log, 48),

	F(lg_vcpu_create, id,			0, 4),
	F(lg_vcpu_create, flags,		4, 4),
	F(lg_vcpu_create, reserved,		8, 24),
	END(lg_vcpu_create, 32),

	F(lg_state, type,			0, 4),
	F(lg_state, bytes,			4, 4),
	F(lg_state, addr,			8, 8),
	F(lg_state, reserved,			16, 16),
	END(lg_state, 32),

	F(lg_regs, rax,				0, 8),
	F(lg_regs, rbx,				8, 8),
	F(lg_regs, rcx,				16, 8),
	F(lg_regs, rdx,				24, 8),
	F(lg_regs, rsi,				32, 8),
	F(lg_regs, rdi,				40, 8),
	F(lg_regs, rbp,				48, 8),
	F(lg_regs, rsp,				56, 8),
	F(lg_regs, r8,				64, 8),
	F(lg_regs, r9,				72, 8),
	F(lg_regs, r10,				80, 8),
	F(lg_regs, r11,				88, 8),
	F(lg_regs, r12,				96, 8),
	F(lg_regs, r13,				104, 8),
	F(lg_regs, r14,				112, 8),
	F(lg_regs, r15,				120, 8),
	F(lg_regs, rip,				128, 8),
	F(lg_regs, rflags,			136, 8),
	F(lg_regs, fs_base,			144, 8),
	F(lg_regs, gs_base,			152, 8),
	F(lg_regs, user_gs_base,		160, 8),
	F(lg_regs, cr3,				168, 8),
	F(lg_regs, cs,				176, 2),
	F(lg_regs, ss,				178, 2),
	F(lg_regs, ds,				180, 2),
	F(lg_regs, es,				182, 2),
	F(lg_regs, fs,				184, 2),
	F(lg_regs, gs,				186, 2),
	F(lg_regs, pkru,			188, 4),
	F(lg_regs, mode,			192, 4),
	F(lg_regs, reserved0,			196, 4),
	F(lg_regs, reserved,			200, 56),
	END(lg_regs, 256),

	F(lg_debugregs, dr,			0, 32),
	F(lg_debugregs, dr6,			32, 8),
	F(lg_debugregs, dr7,			40, 8),
	F(lg_debugregs, reserved,		48, 16),
	END(lg_debugregs, 64),

	F(lg_events, pending,		0, 32),
	F(lg_events, activity,		32, 4),
	F(lg_events, nmi,		36, 4),
	F(lg_events, timer_ns,		40, 8),
	F(lg_events, timer_vector,	48, 4),
	F(lg_events, reserved0,		52, 4),
	F(lg_events, reserved,		56, 72),
	END(lg_events, 128),

	F(lg_gate, handler,		0, 8),
	F(lg_gate, flags,		8, 8),
	END(lg_gate, 16),

	F(lg_gates, gate,		0, 4128),
	END(lg_gates, 4128),

	F(lg_setup, features,		0, 8),
	F(lg_setup, data,		8, 8),
	F(lg_setup, info,		16, 8),
	F(lg_setup, ring,		24, 8),
	F(lg_setup, clock,		32, 8),
	F(lg_setup, entry,		40, 8),
	F(lg_setup, exit,		48, 8),
	F(lg_setup, iret,		56, 8),
	F(lg_setup, fault,		64, 8),
	F(lg_setup, noirq_start,		72, 8),
	F(lg_setup, noirq_end,		80, 8),
	F(lg_setup, tls,			88, 32),
	F(lg_setup, ring_tail,		120, 4),
	F(lg_setup, reserved0,		124, 4),
	F(lg_setup, reserved,		128, 128),
	END(lg_setup, 256),

	F(lg_ldt, entries,		0, 4),
	F(lg_ldt, reserved0,		4, 4),
	F(lg_ldt, reserved,		8, 56),
	F(lg_ldt, desc,			64, 65536),
	END(lg_ldt, 65600),

	F(lg_interrupt, vcpu,		0, 4),
	F(lg_interrupt, vector,		4, 4),
	F(lg_interrupt, reserved,	8, 24),
	END(lg_interrupt, 32),

	F(lg_eventfd, fd,		0, 4),
	F(lg_eventfd, flags,		4, 4),
	F(lg_eventfd, vcpu,		8, 4),
	F(lg_eventfd, vector,		12, 4),
	F(lg_eventfd, token,		16, 8),
	F(lg_eventfd, reserved,		24, 24),
	END(lg_eventfd, 48),

	F(lg_clock, ns,			0, 8),
	F(lg_clock, reserved,		8, 24),
	END(lg_clock, 32),

	F(lg_exit, vcpu,			0, 4),
	F(lg_exit, exit,			4, 4),
	F(lg_exit, serial,			8, 8),
	F(lg_exit, data,			16, 24),
	F(lg_exit, trap,			40, 4),
	F(lg_exit, mode,			44, 4),
	F(lg_exit, trap_error,			48, 8),
	F(lg_exit, trap_addr,			56, 8),
	F(lg_exit, rip,				64, 8),
	F(lg_exit, why,				72, 256),
	F(lg_exit, reserved,			328, 184),
	END(lg_exit, 512),

	F(lg_answer, vcpu,			0, 4),
	F(lg_answer, exit,			4, 4),
	F(lg_answer, serial,			8, 8),
	F(lg_answer, result,			16, 8),
	F(lg_answer, reserved,			24, 40),
	END(lg_answer, 64),

	F(lguest_virtio_call, op,		0, 4),
	F(lguest_virtio_call, slot,		4, 4),
	F(lguest_virtio_call, index,		8, 4),
	F(lguest_virtio_call, bytes,		12, 4),
	F(lguest_virtio_call, result,		16, 4),
	F(lguest_virtio_call, reserved0,	20, 4),
	F(lguest_virtio_call, word,		24, 64),
	END(lguest_virtio_call, 88),

	F(lg_vm_info, features,			0, 8),
	F(lg_vm_info, vcpus,			8, 8),
	F(lg_vm_info, exits,			16, 8),
	F(lg_vm_info, shadow_pages,		24, 8),
	F(lg_vm_info, shadow_cap,		32, 8),
	F(lg_vm_info, paused,			40, 4),
	F(lg_vm_info, reserved0,		44, 4),
	F(lg_vm_info, reserved,			48, 80),
	END(lg_vm_info, 128),

	F(lg_stats, stat,			0, 192),
	F(lg_stats, reserved,			192, 64),
	END(lg_stats, 256),

	F(lg_run, exit,				0, 4),
	F(lg_run, reserved0,			4, 4),
	F(lg_run, data,				8, 24),
	F(lg_run, trap,				32, 4),
	F(lg_run, mode,				36, 4),
	F(lg_run, trap_error,			40, 8),
	F(lg_run, trap_addr,			48, 8),
	F(lg_run, rip,				56, 8),
	F(lg_run, why,				64, 256),
	F(lg_run, stat,				320, 192),
	F(lg_run, reserved,			512, 128),
	END(lg_run, 640),
};

#undef F
#undef END

#define C(constant, value) { #constant, constant, value }

static const struct {
	const char *name;
	unsigned long long is, want;
} constants[] = {
	C(LG_ABI_MIN,			1),
	C(LG_ABI_VERSION,		1),
	C(LG_FEATURE_DIRECT_SYSCALL,	0x1),
	C(LG_FEATURE_DEBUGREGS,		0x2),
	C(LG_FEATURE_PCID,		0x4),
	C(LG_FEATURE_EVENTFD,		0x20),
	C(LG_FEATURE_QUEUE,		0x40),
	C(LG_FEATURE_PAUSE,		0x80),
	C(LG_FEATURE_LDT,		0x100),
	C(LG_NOWHERE,			0xffffffffffffffff),
	C(LG_FEATURE_DISCARD,		0x8),
	C(LG_FEATURE_DIRTY_LOG,		0x10),
	C(LG_SLOT_DIRTY_LOG,		0x1),
	C(LG_MAX_LOG_PAGES,		0x100000),
	C(LG_INFO,			0x8078b600),
	C(LG_VM_CREATE,			0x4040b601),
	C(LG_SLOT_ADD,			0x4040b610),
	C(LG_SLOT_REMOVE,		0x4040b611),
	C(LG_VCPU_CREATE,		0x4020b612),
	C(LG_DISCARD,			0x4020b613),
	C(LG_DIRTY_LOG,			0x4030b614),
	C(LG_RUN,			0x0000b620),
	C(LG_STATE_GET,			0x4020b621),
	C(LG_STATE_SET,			0x4020b622),
	C(LG_IOC_MAGIC,			0xb6),
	C(LG_STATE_REGS,		1),
	C(LG_STATE_DEBUGREGS,		2),
	C(LG_MODE_KERNEL,		0),
	C(LG_MODE_USER,			1),
	C(LG_EXIT_NONE,			0),
	C(LG_EXIT_KILLED,		1),
	C(LG_EXIT_SHUTDOWN,		2),
	C(LG_EXIT_NOTIFY,		3),
	C(LG_STAT_ENTRIES,		0),
	C(LG_STAT_IRQS,			1),
	C(LG_STAT_NMIS,			2),
	C(LG_STAT_SWITCHER_NMIS,	3),
	C(LG_STAT_ABORTS,		4),
	C(LG_STAT_HYPERCALLS,		5),
	C(LG_STAT_FILLS,		6),
	C(LG_STAT_LOADS,		7),
	C(LG_STAT_SYSCALLS,		8),
	C(LG_STAT_MCES,			9),
	C(LG_STAT_DBS,			10),
	C(LG_STAT_INTERRUPTS,		11),
	C(LG_STAT_QUEUED,		12),
	C(LG_STAT_SWITCHES,		13),
	C(LG_STAT_FAULTS,		14),
	C(LGUEST_ABI_MIN,		1),
	C(LGUEST_ABI_VERSION,		1),
	C(LGUEST_FEATURE_DIRECT_SYSCALL, 0x1),
	C(LGUEST_SHUTDOWN_POWEROFF,	1),
	C(LGUEST_SHUTDOWN_RESTART,	2),
	C(LGUEST_SHUTDOWN_CRASH,	3),
	C(LGUEST_TOKEN_POWER,		1),
	C(LGUEST_TOKEN_INPUT,		2),
	C(LGUEST_TOKEN_GETC,		3),
	C(LGUEST_TOKEN_UNKNOWN,		~0ULL),
	C(LGUEST_TOKEN(3, 5),		0x300000000000005),
	C(LGUEST_TOKEN_VIRTIO,		4),
	C(LGUEST_TOKEN_KICK,		5),
	C(LGUEST_TOKEN_WATCHDOG,	6),
	C(LGUEST_WATCHDOG_MIN_MS,	100),
	C(LGUEST_WATCHDOG_MAX_MS,	86400000),
	C(LGUEST_VIRTIO_KICK_ARG(3, 5),	0x30005),
	C(LGUEST_VIRTIO_SLOTS,		32),
	C(LGUEST_VIRTIO_QUEUES,		64),
	C(LGUEST_VIRTIO_CONFIG_BYTES,	256),
	C(LGUEST_VIRTIO_PROBE,		1),
	C(LGUEST_VIRTIO_LISTEN,		2),
	C(LGUEST_VIRTIO_GET_FEATURES,	3),
	C(LGUEST_VIRTIO_SET_FEATURES,	4),
	C(LGUEST_VIRTIO_GET_STATUS,	5),
	C(LGUEST_VIRTIO_SET_STATUS,	6),
	C(LGUEST_VIRTIO_GET_CONFIG,	7),
	C(LGUEST_VIRTIO_SET_CONFIG,	8),
	C(LGUEST_VIRTIO_CONFIG_VECTOR,	9),
	C(LGUEST_VIRTIO_GET_QUEUE,	10),
	C(LGUEST_VIRTIO_SET_QUEUE,	11),
	C(LGUEST_VIRTIO_QUEUE_VECTOR,	12),
	C(LGUEST_TOKEN_WHAT(0x1200000000000034), 0x12),
	C(LGUEST_TOKEN_ARG(0x1200000000000034), 0x34),
	C(LGUEST_CS,			0x33),
	C(LGUEST_CS32,			0x23),
	C(LGUEST_DS,			0x2b),
	C(LGUEST_TRAP_SYSCALL,		0x100),
	C(LGUEST_TRAP_SYSCALL32,	0x101),
	C(LHCALL_FLUSH_ASYNC,		0),
	C(LHCALL_LGUEST_INIT,		1),
	C(LHCALL_SHUTDOWN,		2),
	C(LHCALL_NEW_PGTABLE,		4),
	C(LHCALL_FLUSH_TLB,		5),
	C(LHCALL_NOTIFY,		17),
	C(LHCALL_SET_SYSCALL,		32),
	C(LHCALL_SET_DEBUGREG,		33),
	C(LHCALL_GET_DEBUGREG,		34),
	C(LGUEST_FEATURE_PCID,		0x2),
	C(LGUEST_FEATURE_DIRECT_IRET,	0x4),
	C(LGUEST_FEATURE_DIRECT_FAULT,	0x8),
	C(LGUEST_FEATURE_LDT,		0x10),
	C(LGUEST_FEATURE_ABSENT_FAULT,	0x20),
	C(LGUEST_FLUSH_USER,		0),
	C(LGUEST_FLUSH_ALL,		1),
	C(LGUEST_GATE_USER,		1),
	C(LGUEST_GATE_TRAP,		2),
	C(LGUEST_HALT_IDLE,		0),
	C(LGUEST_HALT_WAIT,		1),
	C(LGUEST_HALT_DOWN,		2),
	C(LGUEST_IPI_WAKE,		0),
	C(LGUEST_IPI_NMI,		2),
	C(LGUEST_IF,			0x200),
	C(LGUEST_IRQ_VECTOR(0),		32),
	C(LGUEST_KERNEL_CS,		0x10),
	C(LGUEST_KERNEL_DS,		0x18),
	C(LGUEST_TLS_FIRST,		12),
	C(LGUEST_TLS_COUNT,		4),
	C(LGUEST_LDT_ENTRIES,		8192),
	C(LGUEST_GATES,			258),
	C(LGUEST_RING_SIZE,		64),
	C(LGUEST_CLOCK_STABLE,		1),
	C(LHCALL_LOAD_IDT_ENTRY,		6),
	C(LHCALL_SET_STACK,		7),
	C(LHCALL_SET_CLOCKEVENT,		9),
	C(LHCALL_HALT,			10),
	C(LHCALL_SET_PTE,		14),
	C(LHCALL_LOAD_TLS,		16),
	C(LHCALL_SEND_INTERRUPTS,	19),
	C(LHCALL_FLUSH_PAGE,		35),
	C(LHCALL_RELEASE_PGTABLE,	36),
	C(LHCALL_IRET,			37),
	C(LHCALL_VCPU_UP,		38),
	C(LHCALL_SEND_IPI,		39),
	C(LHCALL_SET_RING,		40),
	C(LHCALL_SET_CLOCK,		41),
	C(LHCALL_SET_DATA,		42),
	C(LHCALL_SET_NOIRQ,		43),
	C(LHCALL_LOAD_GS,		44),
	C(LHCALL_SET_LDT,		45),
	C(LG_STATE_EVENTS,		3),
	C(LG_STATE_GATES,		4),
	C(LG_STATE_SETUP,		5),
	C(LG_STATE_FPU,			6),
	C(LG_STATE_LDT,			7),
	C(LG_ACTIVITY_RUN,		0),
	C(LG_ACTIVITY_IDLE,		1),
	C(LG_ACTIVITY_WAIT,		2),
	C(LG_ACTIVITY_DOWN,		3),
	C(LG_NMI_PENDING,		1),
	C(LG_NMI_BLOCKED,		2),
	C(LG_NMI_WOKEN,			4),
	C(LG_EVENTFD_REMOVE,		1),
	C(LG_MAX_EVENTFDS,		1024),
	C(LG_INTERRUPT,			0x4020b615),
	C(LG_IRQFD,			0x4030b616),
	C(LG_NOTIFYFD,			0x4030b617),
	C(LG_CLOCK_GET,			0x8020b618),
	C(LG_CLOCK_SET,			0x4020b619),
	C(LG_ANSWER,			0x4040b61a),
	C(LG_PAUSE,			0x0000b61b),
	C(LG_RESUME,			0x0000b61c),
	C(LG_VM_INFO,			0x8080b61d),
	C(LG_STATS,			0x8100b623),
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* check_field - where it is, how large, and that it touches the one before */
static int check_field(const struct row *row, size_t end)
{
	if (row->at == row->want_at && row->bytes == row->want_bytes &&
	    row->at == end)
		return 1;
	diag("%s.%s is %zu bytes at %zu, promised %zu at %zu, after byte %zu",
	     row->type, row->field, row->bytes, row->at, row->want_bytes,
	     row->want_at, end);
	return 0;
}

/* check_end - its size is what we promised, and what its fields add up to */
static int check_end(const struct row *row, size_t end)
{
	if (row->bytes == row->want_bytes && row->bytes == end)
		return 1;
	diag("%s is %zu bytes, promised %zu, and its fields end at %zu",
	     row->type, row->bytes, row->want_bytes, end);
	return 0;
}

static void check_structs(void)
{
	size_t end = 0;
	size_t i;
	int good = 1;

	for (i = 0; i < COUNT(rows); i++) {
		if (rows[i].field) {
			good &= check_field(&rows[i], end);
			end = rows[i].at + rows[i].bytes;
			continue;
		}
		good &= check_end(&rows[i], end);
		ok(good, "struct %s is laid out as promised", rows[i].type);
		good = 1;
		end = 0;
	}
}

int main(void)
{
	size_t i;

	check_structs();
	for (i = 0; i < COUNT(constants); i++)
		is(constants[i].is, constants[i].want, "%s keeps its value",
		   constants[i].name);
	ok(LG_STAT_COUNT <= COUNT(((struct lg_run *)0)->stat),
	   "struct lg_run has room for every statistic");
	return tap_end();
}
