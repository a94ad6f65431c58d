/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lg.h - what the files of lg.ko share
 *
 * The structures first, each field with the lock that guards it, then the
 * functions by file, in the order in which README.md's journey meets them.
 *
 * Long because everyone has to look here and should have to only here.
 *
 * Locks, outermost first:
 *	vcpu->lock	held for a whole LG_RUN or other call on the vcpu
 *	vm->lock	the list of vcpus, and who changes RAM slots
 *	vm->mem		RAM slots, and every use of guest memory: see mem.c
 *	vcpu->timer_lock	the clock event, which stands while time does
 *	vm->exit_lock	exits that nobody has answered
 *	window_lock	page tables of the Switcher's windows (window.c)
 *	attach_lock	whose slot 256 is ours (attach.c)
 */
#ifndef LG_H
#define LG_H

#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pgtable.h>
#include <linux/preempt.h>
#include <linux/rwsem.h>
#include <linux/wait.h>
#include <asm/desc_defs.h>
#include <asm/fpu/api.h>
#include <lguest/guest.h>
#include <lguest/ioctl.h>
#include "fail.h"
#include "guest_walk.h"
#include "switcher.h"

typedef phys_addr_t hpa_t;

/* A contiguous piece of guest RAM. */
struct lg_ram {
	gpa_t gpa;
	u64 bytes; /* 0: no slot here */
	pgoff_t first; /* page in the memfd */
	struct file *memfd;
	unsigned long *log; /* a bit for each page written, or NULL: ram.c */
};

struct lg_vm {
	struct kref ref;
	u64 features; /* [I]mmutable */
	struct mutex lock;
	struct rw_semaphore mem;
	struct lg_ram ram[LG_MAX_SLOTS]; /* mem */
	u64 shadow_wanted; /* [I] lg_vm_create.shadow_pages */
	unsigned long shadow_cap; /* mem: pages of shadow tables in all */
	atomic_long_t shadow_pages; /* how many there are */
	struct lg_vcpu *vcpus[LG_MAX_VCPUS]; /* lock */
	u64 clock_base, clock_ns; /* the TSC, and system_time then */
	bool closed; /* the descriptor is: nobody can answer or resume */

	/* eventfd.c */
	struct list_head wires; /* lock */
	unsigned int wire_count; /* lock to write */
	struct hlist_head tokens[64]; /* lock to write, RCU to read */

	/* exit.c */
	spinlock_t exit_lock;
	struct list_head exits; /* of vcpus, the oldest exit first */
	u64 exit_serial; /* of the last one */
	bool exit_killed; /* there is one that says why the guest ended */
	wait_queue_head_t readers;

	/* pause.c */
	bool paused; /* lock; what a vcpu reads before it runs */
	bool stopped; /* lock; its time stands still, too */
	ktime_t turned_at; /* lock; since when it does, or does not */
	atomic_t running; /* vcpus in LG_RUN that do not wait */
	wait_queue_head_t quiet; /* for none of them */
};

/* How guest_walk() reaches the guest's page tables; what is kept is pinned. */
struct mem_reader {
	struct guest_reader reader;
	struct lg_vm *vm;
	int err; /* why the last table() gave NULL */
};

/* A piece of guest memory that stays where it is, in one page. */
struct lg_pin {
	struct page *page; /* or NULL */
	u32 offset; /* in that page */
	gpa_t gpa;
};

enum {
	PIN_DATA,
	PIN_INFO,
	PIN_RING,
	PIN_CLOCK,
	PIN_COUNT
};

/* What a guest kernel has told of itself, and a vcpu hands to the next. */
struct lg_told {
	u64 features; /* LGUEST_FEATURE_* in force */
	u64 entry, exit, iret, fault; /* LHCALL_SET_SYSCALL */
	u64 noirq_start, noirq_end;
	struct lg_gate gates[LGUEST_GATES];
};

/* A hypercall: copied from registers, or out of the ring. */
struct lg_call {
	u64 number, arg[4], result;
};

/* Bits of struct lg_vcpu.nmi */
enum {
	NMI_PENDING,
	NMI_BLOCKED,
	NMI_WOKEN
};
/*
 * One guest address space as the CPU sees it, in two views: LG_MODE_KERNEL and
 * LG_MODE_USER.  A slot is an entry of the guest's top level, 512 GiB.
 */
struct shadow_context {
	u64 cr3; /* the guest's: root and PCID */
	u64 used; /* vcpu->clock when it was loaded last; 0: never */
	u64 *root[2]; /* what the CPU's CR3 gets */
	u64 *slots[2][2]; /* by view, then by half of the address space */
	struct list_head tables; /* all that its slots own */
};

#define SHADOW_CONTEXTS 8
#define SHADOW_ALL      ((1U << SHADOW_CONTEXTS) - 1)

/* Host PCIDs, one for each view of a context.  Linux's end at 6, or'ed 0x800. */
#define SHADOW_PCID 0x10

/* What struct lg_debugregs is to the outside. */
struct lg_debug {
	u64 dr[4], dr6, dr7;
};

struct lg_vcpu {
	struct lg_vm *vm; /* [I], holds a reference */
	u32 id; /* [I] */
	u64 serial; /* [I] of all vcpus ever made, never used again */
	struct mutex lock; /* all below, unless marked */
	struct sw_state *state; /* [I] the page; its contents: lock */
	struct lg_run *run; /* [I] shared with the daemon: write only */
	struct lg_exit exit; /* what LG_RUN ends with, if it does */
	bool killed;
	bool told_others; /* that it has been, or by whom */
	bool taken_along; /* it was another one that told us */
	u64 stat[LG_STAT_COUNT];

	/* exit.c */
	struct list_head waiting; /* exit_lock: in vm->exits, or empty */
	bool unanswered; /* exit_lock to write: it is in the list */
	bool answered; /* and the result is still to be taken */
	bool silent; /* it has ended, and another one says why */
	u64 answer;

	/* kick.c */
	unsigned long requests; /* [atomic] bits LG_REQ_* */
	int inside; /* the CPU that runs guest code for us, or -1 */
	wait_queue_head_t sleep; /* of a vcpu that has nothing to do */

	/* world.c */
	struct preempt_notifier notifier;
	int cpu; /* [IRQs off] where loaded, or -1 */
	struct mm_struct *mm; /* whose slot 256 we hold a reference on */
	struct fpu_guest fpu;
	u32 pkru;
	struct lg_debug debug;
	u64 dr6_now; /* what the last exit added to DR6 */
	bool step_was_set; /* TF, while we step */
	bool high; /* has guest mappings where the host has global ones */
	bool pge_off; /* [IRQs off] we cleared CR4.PGE, at load */
	bool flush; /* roots or what the TLB says of them have changed */
	unsigned int stale; /* contexts that owe a flush before they run */
	int last_cpu; /* where the TLB knows them */
	struct page *last_data; /* what it saw in the window */
	u64 host_star, host_lstar, host_cstar, host_fmask; /* while loaded */
	u64 host_sysenter_cs;
	u64 host_debugctl, host_pebs; /* while inside */
	u32 host_pkru;

	/* setup.c */
	struct lg_pin pins[PIN_COUNT];
	struct lg_told told;
	u32 ring_tail;
	struct lg_call
		call; /* the one being made; not on the stack, for speed */

	/* segment.c */
	u64 tls[LGUEST_TLS_COUNT];
	u64 *ldt; /* LGUEST_LDT_ENTRIES, zero from ldt_entries on; or NULL */
	unsigned int ldt_entries;

	/* event.c, interrupt.c */
	unsigned long pending[4]; /* [atomic] a bit for each vector */
	unsigned long nmi; /* [atomic] bits NMI_* */
	u32 activity; /* LG_ACTIVITY_* */
	bool fresh; /* activity is what we gave it */
	bool look; /* something is pending that the guest could have */
	bool masked; /* something is pending that the guest has blocked */
	bool stepping; /* through the no-interrupt range */
	struct mutex timer_lock;
	struct hrtimer timer; /* timer_lock, and the next two */
	u32 timer_vector; /* set while the timer is not */
	u64 timer_left_ns; /* while time stands still; 0: none */
	struct lg_start *start; /* vm->lock */

	/* clock.c */
	u64 run_delay; /* of the thread below, when last looked at */
	const struct task_struct *runner; /* only to know it again */
	u64 steal;

	/* mem.c */
	struct mem_reader reader; /* vm->mem */

	/* shadow_context.c: vm->mem too; the VM frozen, if not our own thread */
	u64 cr3; /* the guest's: the root's gpa, and its PCID */
	struct shadow_context contexts[SHADOW_CONTEXTS];
	struct shadow_context *context; /* the one that runs */
	u64 *global_slots; /* of the guest's global pages, for all contexts */
	struct list_head global_tables;
	DECLARE_BITMAP(globals, 512); /* which of these slots lead somewhere */
	u64 clock; /* counts loads of contexts */
	unsigned long shadow_pages; /* of all these tables */

	/* shadow_rmap.c */
	struct hlist_head *rmap;

	/* trap.c */
	u64 cr2;
	u32 guest_error; /* of the fault that is the guest's: GPF_* */
	gva_t gva_fault; /* where mem_gva_read() or mem_gva_write() met it */
	u32 async_pf; /* with cr2: a message from a KVM host below this one */
};

/* main.c */
extern struct miscdevice lg_device;

/* dev.c: the calls from outside; nothing here is for the inside */

/* vm.c */
struct lg_vm *vm_create(u64 features, u64 shadow_pages);
void vm_get(struct lg_vm *vm);
void vm_put(struct lg_vm *vm);
void vm_close(struct lg_vm *vm);
void vm_info(struct lg_vm *vm, struct lg_vm_info *info);
void vm_wake_all(struct lg_vm *vm);
void vm_freeze(struct lg_vm *vm);
void vm_thaw(struct lg_vm *vm);
__printf(2, 3) void lg_kill(struct lg_vcpu *vcpu, const char *fmt, ...);

/* ram.c */
int ram_add(struct lg_vm *vm, const struct lg_slot *slot);
int ram_remove(struct lg_vm *vm, u32 slot);
void ram_put(struct lg_ram *ram);
int ram_discard(struct lg_vm *vm, const struct lg_range *range);
int ram_get_log(struct lg_vm *vm, const struct lg_dirty_log *call);

/* mem.c */
const struct lg_ram *mem_ram(struct lg_vm *vm, gfn_t gfn);
struct page *mem_ram_page(const struct lg_ram *ram, gfn_t gfn, bool wait);
bool mem_may_write(const struct lg_ram *ram, gfn_t gfn);
void mem_log(const struct lg_ram *ram, gfn_t gfn);
struct page *mem_page(struct lg_vm *vm, gfn_t gfn);
int mem_read(struct lg_vm *vm, gpa_t gpa, void *buf, size_t bytes);
int mem_write(struct lg_vm *vm, gpa_t gpa, const void *buf, size_t bytes);
int mem_gva_read(struct lg_vcpu *vcpu, gva_t gva, void *buf, size_t bytes,
		 bool user, u32 *error);
int mem_gva_write(struct lg_vcpu *vcpu, gva_t gva, const void *buf,
		  size_t bytes, bool user, u32 *error);
void mem_reader_init(struct mem_reader *reader, struct lg_vm *vm);
void mem_reader_drop(struct mem_reader *reader);

/* vcpu.c */
struct lg_vcpu *vcpu_create(struct lg_vm *vm, u32 id);
void vcpu_destroy(struct lg_vcpu *vcpu);
int vcpu_get_regs(struct lg_vcpu *vcpu, struct lg_regs *regs);
int vcpu_set_regs(struct lg_vcpu *vcpu, const struct lg_regs *regs);

/* state.c */
int state_init(void);
u32 state_bytes(u32 type);
void state_get(struct lg_vcpu *vcpu, u32 type, void *record);
int state_set(struct lg_vcpu *vcpu, u32 type, const void *record);

/* debug.c */
int debug_set(struct lg_vcpu *vcpu, unsigned int number, u64 value);
u64 debug_get(struct lg_vcpu *vcpu, unsigned int number);
int debug_set_all(struct lg_vcpu *vcpu, const struct lg_debugregs *regs);
void debug_get_all(struct lg_vcpu *vcpu, struct lg_debugregs *regs);
void debug_load(struct lg_vcpu *vcpu);
void debug_put(struct lg_vcpu *vcpu);

/* run.c */
int vcpu_run(struct lg_vcpu *vcpu);

/* exit.c */
void exit_init(struct lg_vm *vm);
void exit_publish(struct lg_vcpu *vcpu);
void exit_settle(struct lg_vcpu *vcpu);
void exit_forget(struct lg_vcpu *vcpu);
int exit_answer(struct lg_vm *vm, const struct lg_answer *answer);
ssize_t exit_read(struct lg_vm *vm, struct lg_exit __user *to, size_t room,
		  bool wait);
bool exit_waits(struct lg_vm *vm);
u64 exit_vcpus(struct lg_vm *vm);

/* pause.c */
void pause_init(struct lg_vm *vm);
int pause_vm(struct lg_vm *vm);
void pause_resume(struct lg_vm *vm);
bool pause_enter(struct lg_vcpu *vcpu);
void pause_leave(struct lg_vcpu *vcpu);
int pause_wait(struct lg_vcpu *vcpu);

/* kick.c */
#define LG_REQ_FLUSH 0 /* forget what the TLB says of our roots */
#define LG_REQ_LOOK  1 /* something has become pending */
#define LG_REQ_START 2 /* LHCALL_VCPU_UP */
#define LG_REQ_STOP  3 /* another vcpu has been killed */
#define LG_REQ_CLOCK 4 /* the time of day has changed */
#define LG_REQ_PAUSE 5 /* the VM is to pause */
#define LG_REQ_TRAP  6 /* the guest has still to get the last trap */

void kick(struct lg_vcpu *vcpu);
void request(struct lg_vcpu *vcpu, unsigned int what);
void request_all(struct lg_vm *vm, unsigned int what);

/* window.c */
struct window {
	u64 start; /* its address */
	struct sw_host *host;
	/* In host tables, guest tables. */
	u64 *state_pte[2], *data_pte[2], *ldt_pte[2];
	u64 top_entry; /* what a guest root's slot 256 must hold here */
	struct lg_vcpu *loaded;
	u64 last; /* serial of the vcpu that was loaded last */
	struct page *pages[SW_WINDOW_BYTES / PAGE_SIZE];
	bool made; /* all of the above is there, for as long as the module */
	bool ready; /* and the CPU is up */
	bool has_ldt; /* shows one */
};

DECLARE_PER_CPU(struct window, lg_window);
int window_init(void);
void window_fini(void);
u64 window_area_start(void);
u64 window_area_end(void);
unsigned int window_levels(void);
u64 window_host_entry(void);
void window_show(struct window *window, struct lg_vcpu *vcpu);
void window_hide(struct window *window);
void window_segments(struct window *window, const struct lg_vcpu *vcpu);

/* attach.c */
int attach_get(struct mm_struct *mm);
void attach_put(struct mm_struct *mm);

/* world.c */
void world_init(void);
void world_put(struct lg_vcpu *vcpu);
void world_leave(struct lg_vcpu *vcpu);
void world_notifier_init(struct lg_vcpu *vcpu);
bool world_cross(struct lg_vcpu *vcpu);

/* trap.c */
int trap_serve(struct lg_vcpu *vcpu);
int trap_serve_again(struct lg_vcpu *vcpu);
void trap_put_off(struct lg_vcpu *vcpu, u64 trap, u64 error);
void trap_kill(struct lg_vcpu *vcpu, u64 vector, u64 error);

/* emulate.c */
int emulate(struct lg_vcpu *vcpu, bool *done);

/* event.c */
bool event_has_gate(const struct lg_vcpu *vcpu, unsigned int vector);
int event_exception(struct lg_vcpu *vcpu, unsigned int vector, u64 code);
int event_page_fault(struct lg_vcpu *vcpu, gva_t gva, u64 code);
int event_soft(struct lg_vcpu *vcpu, unsigned int vector);
bool event_can_run(struct lg_vcpu *vcpu);
int event_look(struct lg_vcpu *vcpu);
bool event_stepped(struct lg_vcpu *vcpu);
int event_iret(struct lg_vcpu *vcpu);

/* interrupt.c */
#define LG_MIN_DELTA_NS 50000

void interrupt_init(struct lg_vcpu *vcpu);
void interrupt_fini(struct lg_vcpu *vcpu);
bool interrupt_good(u64 vector);
void interrupt_raise(struct lg_vcpu *vcpu, unsigned int vector);
void interrupt_send(struct lg_vm *vm, u64 mask, unsigned int vector);
void interrupt_set_timer(struct lg_vcpu *vcpu, u64 ns, unsigned int vector);
void interrupt_hold_timer(struct lg_vcpu *vcpu);
void interrupt_release_timer(struct lg_vcpu *vcpu);
void interrupt_halt(struct lg_vcpu *vcpu, unsigned int how);
void interrupt_wake(struct lg_vcpu *vcpu);
int interrupt_sleep(struct lg_vcpu *vcpu);
int interrupt_vcpu_up(struct lg_vcpu *vcpu, u64 id, u64 rip, u64 rsp, u64 arg);
int interrupt_start(struct lg_vcpu *vcpu);

/* pin.c */
int pin_or_kill(struct lg_vcpu *vcpu, const char *call, unsigned int which,
		gpa_t gpa);
int pin_all(struct lg_vcpu *vcpu, const u64 gpas[PIN_COUNT]);
void pin_none(struct lg_vcpu *vcpu);

/* clock.c */
void clock_init(struct lg_vm *vm);
u32 clock_tsc_khz(void);
u64 clock_get(struct lg_vm *vm);
void clock_set(struct lg_vm *vm, u64 ns);
void clock_stop(struct lg_vm *vm);
void clock_go_on(struct lg_vm *vm);
void clock_publish(struct lg_vcpu *vcpu);
void clock_resume(struct lg_vcpu *vcpu);
void clock_steal(struct lg_vcpu *vcpu);

/* hypercall.c */
int hypercall(struct lg_vcpu *vcpu);
int ring_drain(struct lg_vcpu *vcpu);

/* eventfd.c */
int eventfd_init(void);
void eventfd_fini(void);
bool eventfd_notify(struct lg_vm *vm, u64 token);
int eventfd_call(struct lg_vm *vm, const struct lg_eventfd *call, bool to_vcpu);
void eventfd_forget(struct lg_vm *vm, const struct lg_vcpu *vcpu);

/* setup.c: one for each hypercall that tells us something */
bool setup_leave_kernel(struct lg_vcpu *vcpu, bool iret);
bool setup_enter_kernel(struct lg_vcpu *vcpu);
void setup_told(struct lg_vcpu *vcpu, const struct lg_told *told);
void setup_forget(struct lg_vcpu *vcpu);
u64 setup_agree(const struct lg_vcpu *vcpu, u64 wanted);
void setup_update(struct lg_vcpu *vcpu);
bool setup_good_exits(u64 features, u64 entry, u64 exit, u64 iret, u64 fault);
bool setup_good_gate(u64 vector, u64 handler, u64 flags);
int hc_init(struct lg_vcpu *vcpu, struct lg_call *call);
int hc_load_idt_entry(struct lg_vcpu *vcpu, struct lg_call *call);
int hc_set_stack(struct lg_vcpu *vcpu, struct lg_call *call);
int hc_set_syscall(struct lg_vcpu *vcpu, struct lg_call *call);
int hc_set_ring(struct lg_vcpu *vcpu, struct lg_call *call);
int hc_set_clock(struct lg_vcpu *vcpu, struct lg_call *call);
int hc_set_data(struct lg_vcpu *vcpu, struct lg_call *call);
int hc_set_noirq(struct lg_vcpu *vcpu, struct lg_call *call);

/* segment.c */
void segment_forget(struct lg_vcpu *vcpu);
void segment_settle(struct lg_vcpu *vcpu);
void segment_tls(struct lg_vcpu *vcpu, unsigned int index, u64 desc);
int segment_set_ldt(struct lg_vcpu *vcpu, const u64 *table,
		    unsigned int entries);
bool segment_is_data(const struct lg_vcpu *vcpu, u16 selector);
bool segment_is_code(const struct lg_vcpu *vcpu, u64 selector, bool code);
bool segment_fit(const struct lg_vcpu *vcpu, u64 cs, u64 ss, u64 rip);
gva_t segment_linear(const struct lg_vcpu *vcpu, u64 cs, u64 rip);
int hc_load_tls(struct lg_vcpu *vcpu, struct lg_call *call);
int hc_set_ldt(struct lg_vcpu *vcpu, struct lg_call *call);
int hc_load_gs(struct lg_vcpu *vcpu, struct lg_call *call);

/* shadow.c */
int shadow_fault(struct lg_vcpu *vcpu, gva_t gva, u32 error);

/* shadow_context.c */
int shadow_init(struct lg_vcpu *vcpu);
void shadow_fini(struct lg_vcpu *vcpu);
int shadow_load(struct lg_vcpu *vcpu, u64 cr3);
int shadow_new_root(struct lg_vcpu *vcpu, gpa_t cr3);
void shadow_release(struct lg_vcpu *vcpu, gpa_t root);
void shadow_flush_all(struct lg_vcpu *vcpu);
void shadow_flush_page(struct lg_vcpu *vcpu, gva_t gva);
void shadow_serve_flush(struct lg_vcpu *vcpu);
void shadow_forget(struct lg_vcpu *vcpu);
void shadow_owe_flush(struct lg_vcpu *vcpu, const u64 *slot);
void shadow_make_room(struct lg_vcpu *vcpu);
void shadow_loaded(struct lg_vcpu *vcpu);
void shadow_load_roots(struct lg_vcpu *vcpu, const struct window *window);
void shadow_check_tlb(struct lg_vcpu *vcpu, struct window *window);

static inline u64 *shadow_slot_of(struct shadow_context *context,
				  unsigned int view, gva_t gva)
{
	return &context->slots[view][gva >> 63][gva >> 39 & 511];
}

static inline u64 *shadow_global_slot(struct lg_vcpu *vcpu, gva_t gva)
{
	return &vcpu->global_slots[gva >> 39 & 511];
}

/* shadow_table.c */
#define SHADOW_TABLE \
	(_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED | _PAGE_DIRTY)
#define SHADOW_OF_USER   (1ULL << 9) /* a kernel's slot: lent by the user's */
#define SHADOW_OF_GLOBAL (1ULL << 10) /* ... by the global pages' */

/* In the page_private() of a table. */
#define SHADOW_LEVEL  7 /* 3, 2 or 1 */
#define SHADOW_PIECES 8 /* has parts of a guest's page that is larger */

/* Tables of these levels have leaves, and the reverse map's nodes behind. */
#define SHADOW_LEAVES       2
#define SHADOW_LEAVES_ORDER 2

u64 *shadow_slot(struct lg_vcpu *vcpu, const struct guest_walk *walk);
u64 *shadow_entry(struct lg_vcpu *vcpu, u64 *slot,
		  const struct guest_walk *walk, unsigned int level);
void shadow_zap(u64 *entry);
bool shadow_zap_page(u64 *slot, gva_t gva);
void shadow_free_tables(struct lg_vcpu *vcpu, struct list_head *tables);

static inline u64 shadow_table_entry(const u64 *table)
{
	return __sme_pa(table) | SHADOW_TABLE;
}

static inline struct page *shadow_page(u64 entry)
{
	return pfn_to_page((entry & PTE_PFN_MASK & ~sme_me_mask) >> PAGE_SHIFT);
}

static inline unsigned int shadow_level(const u64 *table)
{
	return page_private(virt_to_page(table)) & SHADOW_LEVEL;
}

/* Is it a slot of the table of global pages? */
static inline bool shadow_is_global(const struct lg_vcpu *vcpu, const u64 *slot)
{
	return PTR_ALIGN_DOWN(slot, PAGE_SIZE) == vcpu->global_slots;
}

/* ... or one of the current context's user view? */
static inline bool shadow_is_user(const struct lg_vcpu *vcpu, const u64 *slot)
{
	u64 *const *slots = vcpu->context->slots[LG_MODE_USER];
	const u64 *table = PTR_ALIGN_DOWN(slot, PAGE_SIZE);

	return table == slots[0] || table == slots[1];
}

/* shadow_rmap.c */
int rmap_init(struct lg_vcpu *vcpu);
void rmap_fini(struct lg_vcpu *vcpu);
void rmap_add(struct lg_vcpu *vcpu, u64 *entry, gfn_t gfn);
void rmap_remove(u64 *entry);
void rmap_zap(struct lg_vcpu *vcpu, gfn_t first, gfn_t end);
void rmap_protect(struct lg_vcpu *vcpu, gfn_t first, gfn_t end);

/* What LG_RUN is to end with: the caller returns 1.  See run.c. */
static inline int exit_with(struct lg_vcpu *vcpu, u32 exit, u64 data0,
			    u64 data1)
{
	vcpu->exit.exit = exit;
	vcpu->exit.data[0] = data0;
	vcpu->exit.data[1] = data1;
	return 1;
}

/* LG_STATS, and the run page when LG_RUN returns. */
static inline void lg_count(struct lg_vcpu *vcpu, unsigned int what)
{
	vcpu->stat[what]++;
}

/* Ours, wherever in guest memory it is; garbage if it is nowhere. */
static inline void *pin_at(const struct lg_pin *pin)
{
	return page_address(pin->page) + pin->offset;
}

/* Only while that pin is in place. */
static inline struct lguest_data *data_of(const struct lg_vcpu *vcpu)
{
	return pin_at(&vcpu->pins[PIN_DATA]);
}

static inline bool lg_user_mode(const struct lg_vcpu *vcpu)
{
	return vcpu->state->flags & SW_USER;
}

/* Canonical for a guest, whose page tables have four levels. */
static inline bool lg_canonical(u64 gva)
{
	return (u64)((s64)(gva << 16) >> 16) == gva;
}

/* May a guest have anything at this address? */
static inline bool lg_guests_own(gva_t gva)
{
	return lg_canonical(gva) &&
	       (gva < window_area_start() || gva >= window_area_end());
}

/* A base that this CPU loads without a fault, whatever the guest's tables. */
static inline bool lg_good_base(u64 base)
{
	unsigned int shift = pgtable_l5_enabled() ? 64 - 57 : 64 - 48;

	return (u64)((s64)(base << shift) >> shift) == base;
}

#endif /* LG_H */
