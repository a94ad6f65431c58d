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

/* The slot that has gpa, or NULL.  Caller holds vm->mem. */
static const struct lg_ram *find_ram(struct lg_vm *vm, gpa_t gpa)
{
	unsigned int i;

	lockdep_assert_held(&vm->mem);
	for (i = 0; i < LG_MAX_SLOTS; i++) {
		const struct lg_ram *ram = &vm->ram[i];

		if (gpa >= ram->gpa && gpa - ram->gpa < ram->bytes)
			return ram;
	}
	return NULL;
}

/*
 * mem_page_locked - the page behind a guest-physical page number
 *
 * Caller holds vm->mem and puts the page.  Returns -EFAULT if the guest has no
 * such RAM; -ENOMEM and the like if the host could not bring it in.  Sleeps.
 */
struct page *mem_page_locked(struct lg_vm *vm, gfn_t gfn)
{
	gpa_t gpa = gfn << PAGE_SHIFT;
	const struct lg_ram *ram;

	if (gfn >= LG_MAX_GPA >> PAGE_SHIFT)
		return ERR_PTR(-EFAULT);
	ram = find_ram(vm, gpa);
	barrier_nospec(); /* no gpa past the slot's end, not even guessed */
	if (!ram)
		return ERR_PTR(-EFAULT);
	return shmem_read_mapping_page(
		ram->memfd->f_mapping,
		ram->first + ((gpa - ram->gpa) >> PAGE_SHIFT));
}

/* mem_page - mem_page_locked() for a caller that does not hold vm->mem */
struct page *mem_page(struct lg_vm *vm, gfn_t gfn)
{
	struct page *page;

	down_read(&vm->mem);
	page = mem_page_locked(vm, gfn);
	up_read(&vm->mem);
	return page;
}

/* Copies within one page. */
static int copy_in_page(struct lg_vm *vm, gpa_t gpa, void *buf, size_t bytes,
			bool write)
{
	struct page *page = mem_page_locked(vm, gpa >> PAGE_SHIFT);

	if (IS_ERR(page))
		return PTR_ERR(page);
	if (write) {
		memcpy_to_page(page, offset_in_page(gpa), buf, bytes);
		set_page_dirty_lock(page);
	} else {
		memcpy_from_page(buf, page, offset_in_page(gpa), bytes);
	}
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
		page = mem_page_locked(vcpu->vm, walk->gfn);
		err = PTR_ERR_OR_ZERO(page);
	}
	if (!err)
		*ret_page = page;
	return err == -EFAULT ? -ENXIO : err;
}

static void copy_at(struct page *page, gva_t gva, void *buf, size_t bytes,
		    bool write)
{
	if (write) {
		memcpy_to_page(page, offset_in_page(gva), buf, bytes);
		set_page_dirty_lock(page);
	} else {
		memcpy_from_page(buf, page, offset_in_page(gva), bytes);
	}
}

/* Both pages, if it is two, are found before either is touched. */
static int access_gva(struct lg_vcpu *vcpu, struct guest_walk *walk, void *buf,
		      size_t bytes, u32 *error)
{
	gva_t gva = walk->gva;
	size_t first = min(bytes, PAGE_SIZE - offset_in_page(gva));
	struct page *pages[2];
	int err;

	if (WARN_ON_ONCE(bytes > 64))
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
 * mem_gva_read - read at most 64 bytes as the guest would, user or kernel
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

static void drop_kept(struct mem_reader *mem, unsigned int i)
{
	struct page *page = mem->kept[i].page;

	if (!page)
		return;
	if (!PageDirty(page))
		set_page_dirty_lock(page); /* the walk sets A and D bits */
	put_page(page);
	mem->kept[i].page = NULL;
}

static u64 *reader_entry(struct guest_reader *reader, gpa_t gpa)
{
	struct mem_reader *mem =
		container_of(reader, struct mem_reader, reader);
	gfn_t gfn = gpa >> PAGE_SHIFT;
	unsigned int i = gfn % MEM_READER_PAGES;
	struct page *page = mem->kept[i].page;

	if (unlikely(!page || mem->kept[i].gfn != gfn)) {
		drop_kept(mem, i);
		page = mem_page_locked(mem->vm, gfn);
		if (IS_ERR(page)) {
			mem->err = PTR_ERR(page);
			return NULL;
		}
		mem->kept[i].gfn = gfn;
		mem->kept[i].page = page;
	}
	return page_address(page) + offset_in_page(gpa);
}

/* mem_reader_init - how guest_walk() reaches this VM's page tables */
void mem_reader_init(struct mem_reader *reader, struct lg_vm *vm)
{
	reader->reader.entry = reader_entry;
	reader->vm = vm;
}

/* mem_reader_drop - let go of the pages it keeps; caller holds vm->mem */
void mem_reader_drop(struct mem_reader *reader)
{
	unsigned int i;

	for (i = 0; i < MEM_READER_PAGES; i++)
		drop_kept(reader, i);
}
