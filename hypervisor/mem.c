// SPDX-License-Identifier: GPL-2.0-only
/*
 * mem.c - guest memory from the host
 *
 * The only file that turns a guest-physical address into a page.  A page comes
 * from the memfd's page cache, so no particular process has to be around, and
 * with a reference, so it stays while anybody here uses it.
 *
 * vm->mem is held for reading from before a page is looked up until what was
 * made of it is in place, be it a copy or a shadow entry.  Who takes memory away
 * holds it for writing, so nobody can still have an old page in hand.
 *
 * What must never happen: a page that is not in one of this VM's slots.
 *
 * Next: hypervisor/emulate.c
 */
#include <linux/highmem.h>
#include <linux/nospec.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include "lg.h"

/* mem_ram - the slot that has this page, or NULL.  Caller holds vm->mem. */
const struct lg_ram *mem_ram(struct lg_vm *vm, gfn_t gfn)
{
	gpa_t gpa = gfn << PAGE_SHIFT;
	unsigned int i;

	lockdep_assert_held(&vm->mem);
	if (gfn >= LG_MAX_GPA >> PAGE_SHIFT)
		return NULL;
	for (i = 0; i < LG_MAX_SLOTS; i++) {
		const struct lg_ram *ram = &vm->ram[i];

		if (gpa - ram->gpa < ram->bytes) {
			/* No gpa past the slot's end, not even guessed. */
			barrier_nospec();
			return ram;
		}
	}
	return NULL;
}

/* What find_get_page() does, in half as many instructions. */
static struct page *find_in_cache(struct address_space *mapping, pgoff_t index)
{
	XA_STATE(xas, &mapping->i_pages, index);
	struct folio *folio;

	rcu_read_lock();
	folio = xas_load(&xas);
	if (xas_retry(&xas, folio) || xa_is_value(folio))
		folio = NULL; /* it comes, goes, or is swapped out: ask shmem */
	if (folio && !folio_try_get_rcu(folio))
		folio = NULL;
	if (folio && unlikely(folio != xas_reload(&xas))) {
		folio_put(folio);
		folio = NULL;
	}
	rcu_read_unlock();
	return folio ? folio_file_page(folio, index) : NULL;
}

/*
 * mem_ram_page - the page of a slot behind a guest-physical page number
 *
 * Caller holds vm->mem and puts the page.  Unless it will wait, it gets only
 * what is in memory already, or NULL.  Otherwise -ENOMEM and the like if the
 * host could not bring it in.
 */
struct page *mem_ram_page(const struct lg_ram *ram, gfn_t gfn, bool wait)
{
	struct address_space *mapping = ram->memfd->f_mapping;
	pgoff_t index = ram->first + (gfn - (ram->gpa >> PAGE_SHIFT));
	struct page *page;

	if (wait && fail_now())
		return ERR_PTR(-ENOMEM);
	page = find_in_cache(mapping, index);
	if (likely(page)) {
		if (PageUptodate(page) && !PageHWPoison(page))
			return page;
		put_page(page);
	}
	return wait ? shmem_read_mapping_page(mapping, index) : NULL;
}

static unsigned long log_bit(const struct lg_ram *ram, gfn_t gfn)
{
	return gfn - (ram->gpa >> PAGE_SHIFT);
}

/* mem_may_write - may the guest write here without us seeing it? */
bool mem_may_write(const struct lg_ram *ram, gfn_t gfn)
{
	return !ram->log || test_bit(log_bit(ram, gfn), ram->log);
}

/* mem_log - this page is written, now or from now on; ram may be NULL */
void mem_log(const struct lg_ram *ram, gfn_t gfn)
{
	if (ram && ram->log && !test_bit(log_bit(ram, gfn), ram->log))
		set_bit(log_bit(ram, gfn), ram->log);
}

/* For reading or writing, in any way.  Caller holds vm->mem; -EFAULT: no RAM */
static struct page *find_page(struct lg_vm *vm, gfn_t gfn, bool write)
{
	const struct lg_ram *ram = mem_ram(vm, gfn);

	if (!ram)
		return ERR_PTR(-EFAULT);
	if (write)
		mem_log(ram, gfn);
	return mem_ram_page(ram, gfn, /* wait= */ true);
}

/*
 * mem_page - the page behind a guest-physical page number
 *
 * Caller puts it, and must not hold vm->mem.  Returns -EFAULT if the guest has
 * no such RAM; -ENOMEM and the like if the host could not bring it in.
 */
struct page *mem_page(struct lg_vm *vm, gfn_t gfn)
{
	struct page *page;

	down_read(&vm->mem);
	page = find_page(vm, gfn, /* write= */ false);
	up_read(&vm->mem);
	return page;
}

/* Copies within one page. */
static void copy_at(struct page *page, u64 address, void *buf, size_t bytes,
		    bool write)
{
	if (write) {
		memcpy_to_page(page, offset_in_page(address), buf, bytes);
		set_page_dirty_lock(page);
	} else {
		memcpy_from_page(buf, page, offset_in_page(address), bytes);
	}
}

static int copy_in_page(struct lg_vm *vm, gpa_t gpa, void *buf, size_t bytes,
			bool write)
{
	struct page *page = find_page(vm, gpa >> PAGE_SHIFT, write);

	if (IS_ERR(page))
		return PTR_ERR(page);
	copy_at(page, gpa, buf, bytes, write);
	put_page(page);
	return 0;
}

static int copy(struct lg_vm *vm, gpa_t gpa, void *buf, size_t bytes,
		bool write)
{
	int err = 0;

	down_read(&vm->mem);
	while (bytes && !err) {
		size_t part = min(bytes, PAGE_SIZE - offset_in_page(gpa));

		err = copy_in_page(vm, gpa, buf, part, write);
		gpa += part;
		buf += part;
		bytes -= part;
	}
	up_read(&vm->mem);
	return err;
}

/* mem_read - copy from guest memory.  0, or -EFAULT if some of it is not RAM */
int mem_read(struct lg_vm *vm, gpa_t gpa, void *buf, size_t bytes)
{
	return copy(vm, gpa, buf, bytes, /* write= */ false);
}

/* mem_write - copy to guest memory.  0, or -EFAULT if some of it is not RAM */
int mem_write(struct lg_vm *vm, gpa_t gpa, const void *buf, size_t bytes)
{
	return copy(vm, gpa, (void *)buf, bytes, /* write= */ true);
}

/* ---- through the guest's own page tables ---- */

/* The page for one access, for the caller to put.  Returns as mem_gva_write() */
static int find_gva(struct lg_vcpu *vcpu, struct guest_walk *walk,
		    struct page **ret_page, u32 *error)
{
	int err = lg_guests_own(walk->gva) ? 0 : -ENOENT;
	struct page *page;

	walk->error = (walk->user ? GPF_U : 0) | (walk->write ? GPF_W : 0);
	if (!err)
		err = guest_walk(&vcpu->reader.reader, vcpu->cr3, walk);
	if (err == -ENOENT || err == -EACCES) {
		*error = walk->error;
		vcpu->gva_fault = walk->gva;
		return -EFAULT;
	}
	if (err == -EFAULT)
		err = vcpu->reader.err;
	if (!err) {
		page = find_page(vcpu->vm, walk->gfn, walk->write);
		err = PTR_ERR_OR_ZERO(page);
	}
	if (!err)
		*ret_page = page;
	return err == -EFAULT ? -ENXIO : err;
}

/* Both pages, if it is two, are found before either is touched. */
static int access_gva(struct lg_vcpu *vcpu, struct guest_walk *walk, void *buf,
		      size_t bytes, u32 *error)
{
	gva_t gva = walk->gva;
	size_t first = min(bytes, PAGE_SIZE - offset_in_page(gva));
	struct page *pages[2];
	int err;

	if (WARN_ON_ONCE(bytes > PAGE_SIZE))
		return -EINVAL;
	err = find_gva(vcpu, walk, &pages[0], error);
	if (err)
		return err;
	if (first < bytes) {
		walk->gva = gva + first;
		err = find_gva(vcpu, walk, &pages[1], error);
		if (err)
			goto put_first;
		copy_at(pages[1], walk->gva, buf + first, bytes - first,
			walk->write);
		put_page(pages[1]);
	}
	copy_at(pages[0], gva, buf, first, walk->write);
put_first:
	put_page(pages[0]);
	return err;
}

/*
 * mem_gva_read - read at most a page, as the guest would, user or kernel
 *
 * Sets accessed bits.  Returns 0; -EFAULT if the guest's tables do not allow
 * it, with the page-fault code in error and the address in vcpu->gva_fault;
 * -ENXIO if they lead out of RAM; -EAGAIN if they would not hold still: all the
 * guest's doing.  Others are the host's.  Sleeps.
 */
int mem_gva_read(struct lg_vcpu *vcpu, gva_t gva, void *buf, size_t bytes,
		 bool user, u32 *error)
{
	struct guest_walk walk = { .gva = gva, .user = user };
	int err;

	down_read(&vcpu->vm->mem);
	err = access_gva(vcpu, &walk, buf, bytes, error);
	up_read(&vcpu->vm->mem);
	return err;
}

/* mem_gva_write - the same for a write, which sets dirty bits; all or nothing */
int mem_gva_write(struct lg_vcpu *vcpu, gva_t gva, const void *buf,
		  size_t bytes, bool user, u32 *error)
{
	struct guest_walk walk = { .gva = gva, .user = user, .write = true };
	int err;

	down_read(&vcpu->vm->mem);
	err = access_gva(vcpu, &walk, (void *)buf, bytes, error);
	up_read(&vcpu->vm->mem);
	return err;
}

/* ---- for guest_walk() ---- */

static void drop_kept(struct guest_reader *reader, unsigned int place)
{
	u64 *table = reader->kept[place].table;
	struct page *page;

	if (!table)
		return;
	page = virt_to_page(table);
	if (!PageDirty(page))
		set_page_dirty_lock(page); /* the walk sets A and D bits */
	put_page(page);
	reader->kept[place].table = NULL;
}

static u64 *reader_table(struct guest_reader *reader, gpa_t gpa)
{
	struct mem_reader *mem =
		container_of(reader, struct mem_reader, reader);
	unsigned int place = guest_reader_place(gpa);
	struct page *page;

	drop_kept(reader, place);
	page = find_page(mem->vm, gpa >> PAGE_SHIFT, /* write= */ true);
	if (IS_ERR(page)) {
		mem->err = PTR_ERR(page);
		return NULL;
	}
	reader->kept[place].gpa = gpa;
	reader->kept[place].table = page_address(page);
	return page_address(page);
}

/* mem_reader_init - how guest_walk() reaches this VM's page tables */
void mem_reader_init(struct mem_reader *mem, struct lg_vm *vm)
{
	mem->reader.table = reader_table;
	mem->vm = vm;
}

/* mem_reader_drop - let go of the pages it keeps; caller holds vm->mem */
void mem_reader_drop(struct mem_reader *mem)
{
	unsigned int i;

	for (i = 0; i < GUEST_READER_KEEPS; i++)
		drop_kept(&mem->reader, i);
}
