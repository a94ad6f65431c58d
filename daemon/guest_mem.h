/* SPDX-License-Identifier: GPL-2.0-only */
/* guest_mem.h - a guest's RAM, as its daemon may touch it */
#ifndef GUEST_MEM_H
#define GUEST_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* It stays where it is in memory from create or adopt to fini. */
struct guest_mem {
	int fd; /* memfd of RAM, which starts at gpa 0; -1: none */
	uint64_t bytes;
	char *base; /* all of it, mapped */
	volatile bool lost; /* some of it could not be had: end this guest */
	void (*on_lost)(void *arg); /* told so, in the middle of an access */
	void *on_lost_arg;
	struct guest_mem *next; /* of all that are mapped */
};

/* guest_mem_create - RAM that can neither shrink nor grow; 0 or -errno */
int guest_mem_create(struct guest_mem *mem, const char *name, uint64_t bytes);

/*
 * guest_mem_adopt - a memfd from elsewhere, if it could be from us
 *
 * fd is mem's if this is 0.  -EINVAL, or what mmap() says.
 */
int guest_mem_adopt(struct guest_mem *mem, int fd, uint64_t bytes);
void guest_mem_fini(struct guest_mem *mem);

/* guest_mem_has - is all of this RAM? */
bool guest_mem_has(const struct guest_mem *mem, uint64_t gpa, uint64_t len);

/*
 * guest_mem_ptr - where it is for us; NULL if not all of it is RAM
 *
 * The guest writes there while we look: what is checked is copied first.
 */
void *guest_mem_ptr(const struct guest_mem *mem, uint64_t gpa, uint64_t len);

/* guest_mem_gpa - the way back, of what guest_mem_ptr() has given */
static inline uint64_t guest_mem_gpa(const struct guest_mem *mem,
				     const void *at)
{
	return (uint64_t)((const char *)at - mem->base);
}

/* guest_mem_read, guest_mem_write - all of it, or -EFAULT, -ENOMEM ... */
int guest_mem_read(const struct guest_mem *mem, uint64_t gpa, void *to,
		   size_t len);
int guest_mem_write(const struct guest_mem *mem, uint64_t gpa, const void *from,
		    size_t len);

/*
 * guest_mem_text - bytes before a NUL, the end of RAM or room's, whichever is
 * first; copied, not terminated.  How many, or -errno
 */
ssize_t guest_mem_text(const struct guest_mem *mem, uint64_t gpa, char *to,
		       size_t room);

#endif /* GUEST_MEM_H */
