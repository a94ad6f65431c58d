// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest_mem.c - RAM is reached by pointer, and what cannot be had ends a guest
 *
 * A memfd of ours cannot shrink, so a page that cannot be had is made of another
 * file: one that is mapped over some of RAM, and then has an end before it.  The
 * signal is the same as when the host has no memory.
 *
 * Two guests, and one loses a page; it alone is marked, and whoever looked goes
 * on with zeroes.  A SIGBUS that is not of RAM kills as ever.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../daemon/guest_mem.h"
#include "tap.h"

#define PAGE  4096UL
#define BYTES (16 * PAGE)

static struct guest_mem one, two;

/* A file that ends before what is mapped of it, at an address or anywhere. */
static char *map_nothing(void *at, size_t bytes)
{
	int fd = memfd_create("nothing", MFD_CLOEXEC);
	void *map;

	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		bail_out("no file");
	map = mmap(at, bytes, PROT_READ | PROT_WRITE,
		   MAP_SHARED | (at ? MAP_FIXED : 0), fd, 0);
	if (map == MAP_FAILED || ftruncate(fd, 0) < 0)
		bail_out("no mapping");
	close(fd);
	return map;
}

static void bounds(void)
{
	char *ram = guest_mem_ptr(&one, 0, BYTES);
	char text[8];

	ok(ram != NULL, "all of RAM is RAM");
	ok(guest_mem_ptr(&one, BYTES - 1, 1) == ram + BYTES - 1,
	   "up to its last byte");
	ok(!guest_mem_ptr(&one, BYTES - 1, 2), "and no further");
	ok(!guest_mem_ptr(&one, BYTES, 1), "nor from its end on");
	ok(!guest_mem_ptr(&one, 1, -1ULL), "nor with a length that overflows");
	ok(!guest_mem_ptr(&one, -1ULL, 2), "nor an address that does");
	guest_mem_write(&one, 100, "text", 5);
	is_str(ram + 100, "text", "what is written as a file is there");
	ram[100] = 'n';
	guest_mem_read(&one, 100, text, 5);
	is_str(text, "next", "and what is written there is in the file");
	is_str((char *)guest_mem_ptr(&two, 100, 5), "",
	       "and not in another guest's");
}

static void loss(void)
{
	char *ram = guest_mem_ptr(&one, 0, BYTES);
	volatile char *lost = ram + 4 * PAGE;
	char text[4];

	map_nothing(ram + 4 * PAGE, 2 * PAGE);
	ram[3 * PAGE] = 3;
	ok(!one.lost, "nothing is lost before it is touched");
	is(guest_mem_read(&one, 4 * PAGE, text, 4) == 0, 1,
	   "read as a file, it is not touched");
	errno = 77;
	is((unsigned char)lost[17], 0, "a page that cannot be had reads as 0");
	is((unsigned int)errno, 77, "errno is as it was");
	ok(one.lost, "and its guest is lost");
	ok(!two.lost, "the other is not");
	lost[17] = 5;
	is((unsigned char)lost[17], 5, "one can write there");
	lost[PAGE] = 6;
	is((unsigned char)lost[PAGE], 6, "and to the next, which is lost too");
	is((unsigned char)ram[3 * PAGE], 3, "what was there before is there");
}

static int death(void (*body)(void))
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		body();
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void touch_other(void)
{
	volatile char *other = map_nothing(NULL, PAGE);

	other[0] = 1;
}

static void be_sent(void)
{
	raise(SIGBUS);
}

static void touch_gone(void)
{
	char *ram = guest_mem_ptr(&two, 0, BYTES);

	guest_mem_fini(&two);
	*(volatile char *)map_nothing(ram, PAGE) = 1;
}

static void adopted(void)
{
	struct guest_mem next;
	int fd = dup(one.fd);
	int other = memfd_create("other", MFD_CLOEXEC);

	is((unsigned int)-guest_mem_adopt(&next, fd, BYTES + PAGE), EINVAL,
	   "RAM of another size is not adopted");
	if (ftruncate(other, BYTES) < 0)
		bail_out("no file");
	is((unsigned int)-guest_mem_adopt(&next, other, BYTES), EINVAL,
	   "nor a file that could shrink");
	is((unsigned int)guest_mem_adopt(&next, fd, BYTES), 0, "RAM is");
	is_str(guest_mem_ptr(&next, 100, 5), "next", "with what is in it");
	guest_mem_fini(&next);
	ok(!guest_mem_ptr(&next, 0, 1), "and is none when it is let go");
	close(other);
}

int main(void)
{
	if (guest_mem_create(&one, "one", BYTES) ||
	    guest_mem_create(&two, "two", BYTES))
		bail_out("no RAM");
	bounds();
	loss();
	is((unsigned int)death(touch_other), SIGBUS,
	   "SIGBUS elsewhere is the end");
	is((unsigned int)death(be_sent), SIGBUS, "and so is one that is sent");
	is((unsigned int)death(touch_gone), SIGBUS,
	   "and one of RAM that is no more");
	adopted();
	guest_mem_fini(&one);
	guest_mem_fini(&one);
	ok(1, "to let go twice is once");
	return tap_end();
}
