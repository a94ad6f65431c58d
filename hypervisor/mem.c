// SPDX-License-Identifier: GPL-2.0-only
/*
 * mem.c - guest memory from the host
 *
 * The only file that turns a guest-physical address into a page.  A page comes
 * from the memfd's page cache, so no particular process has to be around, and
 * with a reference, so it stays while anybody here uses it.
 *
 * What must never happen: a page that is not in one of this VM's slots.
 *
 * Next: hypervisor/hypercall.c
 */
#include <linux/highmem.h>
#include <linux/nospec.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include "lg.h"

/* The slot that has gpa, or NULL.  Caller holds vm->lock. */
static const struct lg_ram *find_ram(struct lg_vm *vm, gpa_t gpa)
{
	unsigned int i;

	lockdep_assert_held(&vm->lock);
	for (i = 0; i < LG_MAX_SLOTS; i++) {
		const struct lg_ram *ram = &vm->ram[i];

		if (gpa >= ram->gpa && gpa - ram->gpa < ram->bytes)
			return ram;
	}
	return NULL;
}

/*
 * mem_page - the page behind a guest-physical page number
 *
 * Returns it with a reference that the caller puts; -EFAULT if the guest has no
 * such RAM; -ENOMEM and the like if the host could not bring it in.  Sleeps.
 */
struct page *mem_page(struct lg_vm *vm, gfn_t gfn)
{
	gpa_t gpa = gfn << PAGE_SHIFT;
	const struct lg_ram *ram;
	struct page *page;

	if (gfn >= LG_MAX_GPA >> PAGE_SHIFT)
		return ERR_PTR(-EFAULT);
	mutex_lock(&vm->lock);
	ram = find_ram(vm, gpa);
	barrier_nospec(); /* no gpa past the slot's end, not even guessed */
	if (ram)
		page = shmem_read_mapping_page(
			ram->memfd->f_mapping,
			ram->first + ((gpa - ram->gpa) >> PAGE_SHIFT));
	else
		page = ERR_PTR(-EFAULT);
	mutex_unlock(&vm->lock);
	return page;
}

/* Copies within one page. */
static int copy_in_page(struct lg_vm *vm, gpa_t gpa, void *buf, size_t bytes,
			bool write)
{
	struct page *page = mem_page(vm, gpa >> PAGE_SHIFT);

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
	while (bytes) {
		size_t part = min(bytes, PAGE_SIZE - offset_in_page(gpa));
		int err = copy_in_page(vm, gpa, buf, part, write);

		if (err)
			return err;
		gpa += part;
		buf += part;
		bytes -= part;
	}
	return 0;
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

static u64 *reader_entry(struct guest_reader *reader, gpa_t gpa)
{
	struct mem_reader *mem =
		container_of(reader, struct mem_reader, reader);
	struct page *page;

	mem_reader_fini(mem);
	page = mem_page(mem->vm, gpa >> PAGE_SHIFT);
	if (IS_ERR(page)) {
		mem->err = PTR_ERR(page);
		return NULL;
	}
	mem->page = page;
	return page_address(page) + offset_in_page(gpa);
}

/* mem_reader_init - how guest_walk() reaches this VM's page tables */
void mem_reader_init(struct mem_reader *reader, struct lg_vm *vm)
{
	*reader = (struct mem_reader){
		.reader.entry = reader_entry,
		.vm = vm,
	};
}

/* mem_reader_fini - let go of the page it looked at last */
void mem_reader_fini(struct mem_reader *reader)
{
	if (!reader->page)
		return;
	set_page_dirty_lock(reader->page); /* the walk sets A and D bits */
	put_page(reader->page);
	reader->page = NULL;
}
