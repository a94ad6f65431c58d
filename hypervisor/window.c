// SPDX-License-Identifier: GPL-2.0-only
/*
 * window.c - where the Switcher lives
 *
 * The Switcher must be at one address in two worlds.  Linux leaves top-level
 * slot 256 of every address space empty: it is the "guard hole, also reserved
 * for hypervisor" of Documentation/x86/x86_64/mm.rst.  There each CPU has its
 * window (layout.h has the picture), and there are two kinds of table for it:
 *
 *	- the host's, one for all, with every CPU's window, since a thread that
 *	  runs a vcpu moves between CPUs.  attach.c puts it into mm->pgd;
 *	- a guest's, one for each CPU, with that CPU's window alone and without
 *	  its host page.  A shadow root points at the one of the CPU it runs on.
 *
 * What must never happen: a page in a window that is writable and executable,
 * or that CPL 3 may touch; a guest table that leads to another CPU's window.
 *
 * Next: hypervisor/attach.c
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/io.h>
#include <asm/nospec-branch.h>
#include <asm/tlbflush.h>
#include "lg.h"

#define WINDOW_SLOT 256
#define TABLE_BITS  (_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED)
#define PAGE_RX     (_PAGE_PRESENT | _PAGE_ACCESSED)
#define PAGE_RO     (_PAGE_PRESENT | _PAGE_ACCESSED | _PAGE_NX)
#define PAGE_RW     (PAGE_RO | _PAGE_RW | _PAGE_DIRTY)

DEFINE_PER_CPU(struct window, lg_window);

static DEFINE_MUTEX(window_lock); /* the two below, and all the tables */
static LIST_HEAD(window_pages); /* every page allocated here */
static u64 *host_root; /* only slot 256 of it is used */

static struct page *code_pages[SW_CODE_PAGES];
static int hotplug_state;

/* ---- tables ---- */

unsigned int window_levels(void)
{
	return pgtable_l5_enabled() ? 5 : 4;
}

/* The lowest address in slot 256 of the top level. */
u64 window_area_start(void)
{
	return pgtable_l5_enabled() ? 0xff00000000000000 : 0xffff800000000000;
}

/* Where it ends.  The windows fill a small part; no guest has any of it. */
u64 window_area_end(void)
{
	return window_area_start() + (1ULL << (3 + 9 * window_levels()));
}

static u64 entry_of(const struct page *page, u64 bits)
{
	return page_to_phys(page) | bits | sme_me_mask;
}

static u64 *table_at(u64 entry)
{
	return __va(entry & PTE_PFN_MASK & ~sme_me_mask);
}

/* A zeroed page that lives until window_fini().  Caller holds window_lock. */
static struct page *new_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (page)
		list_add(&page->lru, &window_pages);
	return page;
}

/* The last-level entry for gva below root, made if need be; or NULL. */
static u64 *find_pte(u64 *root, u64 gva)
{
	unsigned int level;
	u64 *table = root;

	lockdep_assert_held(&window_lock);
	for (level = window_levels(); level > 1; level--) {
		u64 *entry = &table[gva >> (3 + 9 * level) & 511];

		if (!*entry) {
			struct page *page = new_page();

			if (!page)
				return NULL;
			WRITE_ONCE(*entry, entry_of(page, TABLE_BITS));
		}
		table = table_at(*entry);
	}
	return &table[gva >> PAGE_SHIFT & 511];
}

/* ---- one CPU's window ---- */

/* What the page at this offset is in the host's and the guest's tables. */
static u64 page_bits(unsigned int offset, bool guest)
{
	switch (offset) {
	case 0 ... SW_CODE_PAGES *PAGE_SIZE - 1:
		return PAGE_RX;
	case SW_IDT:
		return PAGE_RO;
	case SW_STACKS:
	case SW_GDT:
		return PAGE_RW;
	case SW_HOST:
		return guest ? 0 : PAGE_RW;
	}
	return 0; /* state, data and LDT come and go with the vcpu */
}

static int map_window(struct window *window, u64 *root, bool guest)
{
	unsigned int offset;

	for (offset = 0; offset < SW_WINDOW_BYTES; offset += PAGE_SIZE) {
		struct page *page = window->pages[offset >> PAGE_SHIFT];
		u64 bits = page_bits(offset, guest);
		u64 *pte = find_pte(root, window->start + offset);

		if (!pte)
			return -ENOMEM;
		if (offset == SW_STATE)
			window->state_pte[guest] = pte;
		else if (offset == SW_DATA)
			window->data_pte[guest] = pte;
		else if (offset == SW_LDT)
			window->ldt_pte[guest] = pte;
		else
			WRITE_ONCE(*pte, bits ? entry_of(page, bits) : 0);
	}
	return 0;
}

static void *window_page(struct window *window, unsigned int offset)
{
	return page_address(window->pages[offset >> PAGE_SHIFT]) +
	       offset_in_page(offset);
}

static void make_idt(struct window *window)
{
	gate_desc *idt = window_page(window, SW_IDT);
	unsigned int vector;

	for (vector = 0; vector < 256; vector++) {
		u64 stub = window->start + vector * 16;
		/* INT3 and INTO are for everybody; the rest is #GP. */
		unsigned int dpl = vector == 3 || vector == 4 ? 3 : 0;
		unsigned int ist = vector == 8    ? SW_IST_DF
				   : vector == 2  ? SW_IST_NMI
				   : vector == 1  ? SW_IST_DB
				   : vector == 18 ? SW_IST_MC
						  : 0;

		idt[vector] = (gate_desc){
			.offset_low = stub,
			.segment = SW_KERNEL_CS,
			.bits = { .ist = ist,
				  .type = GATE_INTERRUPT,
				  .dpl = dpl,
				  .p = 1 },
			.offset_middle = stub >> 16,
			.offset_high = stub >> 32,
		};
	}
}

/* A flat segment.  Access and flag bits: SDM volume 3, 3.4.5. */
static u64 flat_segment(u8 access, u8 flags)
{
	return 0xffff | (u64)access << 40 | 0xfULL << 48 | (u64)flags << 52;
}

/* TSS or LDT: two entries. */
static void set_system_segment(u64 *desc, u64 at, u64 limit, u8 access)
{
	desc[0] = limit | (at & 0xffffff) << 16 | (u64)access << 40 |
		  (at >> 24 & 0xff) << 56;
	desc[1] = at >> 32;
}

static void make_gdt(struct window *window)
{
	struct x86_hw_tss *tss = window_page(window, SW_TSS);
	u64 *gdt = window_page(window, SW_GDT);
	u64 at = window->start + SW_TSS;
	unsigned int ist;

	gdt[SW_KERNEL_CS / 8] = flat_segment(0x9b, 0xa);
	gdt[SW_KERNEL_DS / 8] = flat_segment(0x93, 0xc);
	gdt[LGUEST_CS32 / 8] = flat_segment(0xfb, 0xc);
	gdt[LGUEST_DS / 8] = flat_segment(0xf3, 0xc);
	gdt[LGUEST_CS / 8] = flat_segment(0xfb, 0xa);
	set_system_segment(gdt + SW_TR / 8, at, sizeof(*tss) - 1, 0x89);

	tss->sp0 = window->start + SW_STATE + ST_REGS_END;
	for (ist = SW_IST_DF; ist <= SW_IST_MC; ist++)
		tss->ist[ist - 1] =
			window->start + SW_STACKS + ist * SW_STACK_BYTES - 64;
	tss->io_bitmap_base = sizeof(*tss); /* past the limit: no ports */
}

/* Allocates and maps the window of a CPU that never had one. */
static int make_window(struct window *window, unsigned int cpu)
{
	static const unsigned int own[] = { SW_STACKS, SW_IDT, SW_GDT,
					    SW_HOST };
	struct page *guest_root;
	unsigned int i;
	int err;

	window->start = window_area_start() + (u64)cpu * SW_WINDOW_BYTES;
	for (i = 0; i < SW_CODE_PAGES; i++)
		window->pages[i] = code_pages[i];
	for (i = 0; i < ARRAY_SIZE(own); i++) {
		struct page *page = new_page();

		if (!page)
			return -ENOMEM;
		window->pages[own[i] >> PAGE_SHIFT] = page;
	}
	guest_root = new_page();
	if (!guest_root)
		return -ENOMEM;
	window->host = window_page(window, SW_HOST);
	err = map_window(window, host_root, /* guest= */ false);
	if (!err)
		err = map_window(window, page_address(guest_root),
				 /* guest= */ true);
	if (err)
		return err;
	window->top_entry = ((u64 *)page_address(guest_root))[WINDOW_SLOT];
	make_idt(window);
	make_gdt(window);
	window->made = true;
	return 0;
}

/* What this CPU's host state is, as long as the CPU is up. */
static void note_host(struct window *window)
{
	struct sw_host *host = window->host;
	unsigned long tr;

	store_idt(&host->idtr);
	native_store_gdt(&host->gdtr);
	host->gdtr_rw = host->gdtr;
	host->gdtr_rw.address = (unsigned long)this_cpu_ptr(&gdt_page);
	asm volatile("str %0" : "=r"(tr));
	host->tss_desc = host->gdtr_rw.address + tr;
	host->gs = rdgsbase();
	host->guest_idtr.size = 256 * sizeof(gate_desc) - 1;
	host->guest_idtr.address = window->start + SW_IDT;
	host->guest_gdtr.size = SW_GDT_ENTRIES * 8 - 1;
	host->guest_gdtr.address = window->start + SW_GDT;
}

/* A CPU has come up: runs there, and may sleep. */
static int cpu_came(unsigned int cpu)
{
	struct window *window = this_cpu_ptr(&lg_window);
	int err = 0;

	mutex_lock(&window_lock);
	if (!window->made)
		err = make_window(window, cpu);
	if (!err) {
		note_host(window);
		window->ready = true;
	}
	mutex_unlock(&window_lock);
	return err;
}

/* Its threads have left, so no vcpu is loaded there. */
static int cpu_goes(unsigned int cpu)
{
	this_cpu_ptr(&lg_window)->ready = false;
	return 0;
}

static void set_pte_here(u64 *ptes[2], unsigned int i, u64 entry, u64 gva)
{
	WRITE_ONCE(ptes[0][i], entry);
	WRITE_ONCE(ptes[1][i], entry);
	asm volatile("invlpg (%0)" : : "r"(gva) : "memory");
}

/* A table in one piece: they are last-level entries of one table each. */
static void set_ldt_here(struct window *window, const u64 *ldt)
{
	unsigned int at;

	for (at = 0; at < SW_WINDOW_BYTES - SW_LDT; at += PAGE_SIZE)
		set_pte_here(window->ldt_pte, at >> PAGE_SHIFT,
			     ldt ? entry_of(vmalloc_to_page((void *)ldt + at),
					    PAGE_RO)
				 : 0,
			     window->start + SW_LDT + at);
}

/*
 * window_show - map a vcpu's pages in this CPU's window
 *
 * Preemption off.  Only this CPU ever uses these addresses, so only this CPU's
 * TLB must hear of it; the guest's PCIDs are flushed by world.c.
 */
void window_show(struct window *window, struct lg_vcpu *vcpu)
{
	struct page *data = vcpu->pins[PIN_DATA].page;

	set_pte_here(window->state_pte, 0,
		     entry_of(virt_to_page(vcpu->state), PAGE_RW),
		     window->start + SW_STATE);
	set_pte_here(window->data_pte, 0, data ? entry_of(data, PAGE_RW) : 0,
		     window->start + SW_DATA);
	window->has_ldt = vcpu->ldt;
	if (vcpu->ldt)
		set_ldt_here(window, vcpu->ldt);
	window_segments(window, vcpu);
}

/* window_segments - the guest's own descriptors; preemption off */
void window_segments(struct window *window, const struct lg_vcpu *vcpu)
{
	u64 *gdt = window_page(window, SW_GDT);
	u64 at = window->start + SW_LDT;

	memcpy(gdt + LGUEST_TLS_FIRST, vcpu->tls, sizeof(vcpu->tls));
	/* One that was just made is not in the window yet: the next load. */
	vcpu->state->ldt = window->has_ldt && vcpu->ldt_entries ? SW_LDTR : 0;
	if (vcpu->state->ldt)
		set_system_segment(gdt + SW_LDTR / 8, at,
				   vcpu->ldt_entries * sizeof(u64) - 1, 0x82);
}

/* window_hide - nothing of a vcpu stays mapped on a CPU it has left */
void window_hide(struct window *window)
{
	set_pte_here(window->state_pte, 0, 0, window->start + SW_STATE);
	set_pte_here(window->data_pte, 0, 0, window->start + SW_DATA);
	if (window->has_ldt)
		set_ldt_here(window, NULL);
}

/* window_host_entry - what slot 256 of a host address space must hold */
u64 window_host_entry(void)
{
	return host_root[WINDOW_SLOT];
}

/* ---- module load and unload ---- */

/* A block of the copied code that this machine does without: jump over it. */
static void cut_out(void *copy, const char *from, const char *to)
{
	u8 *block = copy + (from - switcher_code);

	memset(block, 0xcc, to - from);
	block[0] = 0xeb; /* jmp, with a displacement of one byte */
	block[1] = to - from - 2;
}

/* How many of a base's upper bits must be like the one below them. */
static void set_width(u8 *copy)
{
	u8 shift = pgtable_l5_enabled() ? 64 - 57 : 64 - 48;

	/* The last byte of each instruction is its count. */
	copy[switcher_shl_end - switcher_code - 1] = shift;
	copy[switcher_sar_end - switcher_code - 1] = shift;
	copy[switcher_iret_shl_end - switcher_code - 1] = shift;
	copy[switcher_iret_sar_end - switcher_code - 1] = shift;
}

/* Copies the Switcher and fits it to this CPU's weaknesses. */
static int make_code(void)
{
	size_t bytes = switcher_end - switcher_code;
	unsigned int i;
	void *copy;

	if (WARN_ON(bytes > SW_CODE_PAGES * PAGE_SIZE))
		return -E2BIG;
	copy = kzalloc(SW_CODE_PAGES * PAGE_SIZE, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	memset(copy, 0xcc, SW_CODE_PAGES * PAGE_SIZE);
	memcpy(copy, switcher_code, bytes);
	set_width(copy);
	if (!boot_cpu_has(X86_FEATURE_CLEAR_CPU_BUF))
		cut_out(copy, switcher_verw, switcher_verw_end);
	/*
	 * Where returns themselves are predicted from what a guest trained, a
	 * retpoline is no help, and lfence before the jump is what there is.
	 */
	if (boot_cpu_has(X86_FEATURE_RETPOLINE_LFENCE) ||
	    boot_cpu_has(X86_FEATURE_UNRET) ||
	    boot_cpu_has(X86_FEATURE_ENTRY_IBPB))
		cut_out(copy, switcher_retpoline, switcher_retpoline_end);
	for (i = 0; i < SW_CODE_PAGES; i++) {
		code_pages[i] = new_page();
		if (!code_pages[i])
			break;
		memcpy(page_address(code_pages[i]), copy + i * PAGE_SIZE,
		       PAGE_SIZE);
	}
	kfree(copy);
	return i == SW_CODE_PAGES ? 0 : -ENOMEM;
}

static void flush_here(void *unused)
{
	__flush_tlb_all();
}

static void free_pages_of_windows(void)
{
	struct page *page, *next;
	unsigned int cpu;

	on_each_cpu(flush_here, NULL, /* wait= */ 1);
	list_for_each_entry_safe(page, next, &window_pages, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
	for_each_possible_cpu(cpu)
		memset(&per_cpu(lg_window, cpu), 0, sizeof(struct window));
}

/* window_init - a window for each CPU, now and as they come.  0 or -ENOMEM */
int window_init(void)
{
	struct page *root;
	int err;

	mutex_lock(&window_lock);
	root = new_page();
	err = root ? make_code() : -ENOMEM;
	mutex_unlock(&window_lock);
	if (err)
		goto fail;
	host_root = page_address(root);
	err = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "lguest:online", cpu_came,
				cpu_goes);
	if (err < 0)
		goto fail;
	hotplug_state = err;
	return 0;
fail:
	free_pages_of_windows();
	return err;
}

/* window_fini - nobody runs a vcpu any more */
void window_fini(void)
{
	cpuhp_remove_state(hotplug_state);
	free_pages_of_windows();
}
