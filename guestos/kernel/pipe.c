// SPDX-License-Identifier: GPL-2.0-only
/*
 * pipe.c - bytes from one process to another
 *
 * A process has at most one pipe, which it shares with the children it forks:
 * a page of bytes, and whoever finds it full or empty sleeps.  A reader that
 * is the pipe's last user gets the end, a writer -EPIPE.
 *
 * Next: guestos/kernel/syscall.c
 */
#include "kernel.h"

struct pipe {
	u32 users; /* sched_lock, as all of it */
	u32 head, tail;
	u8 bytes[2048];
};

/* pipe_new - an empty one with one user, or NULL */
struct pipe *pipe_new(void)
{
	struct pipe *pipe = page_alloc();

	if (pipe)
		pipe->users = 1;
	return pipe;
}

/* pipe_share - one user more; NULL is no pipe */
void pipe_share(struct pipe *pipe)
{
	if (!pipe)
		return;
	spin_lock(&sched_lock);
	pipe->users++;
	spin_unlock(&sched_lock);
}

/* pipe_close - one user less; whoever waits has to know */
void pipe_close(struct pipe *pipe)
{
	u32 left;

	if (!pipe)
		return;
	spin_lock(&sched_lock);
	left = --pipe->users;
	wake_up_locked(pipe);
	spin_unlock(&sched_lock);
	if (!left)
		page_put(pa(pipe));
}

/* One byte goes in or out; 0: it cannot, now or (*end) ever. */
static int put(struct pipe *pipe, u8 byte)
{
	if (pipe->head - pipe->tail == sizeof(pipe->bytes))
		return 0;
	pipe->bytes[pipe->head++ % sizeof(pipe->bytes)] = byte;
	return 1;
}

static int get(struct pipe *pipe, u8 *ret_byte)
{
	if (pipe->head == pipe->tail)
		return 0;
	*ret_byte = pipe->bytes[pipe->tail++ % sizeof(pipe->bytes)];
	return 1;
}

/* pipe_write - sleeps until all are in; how many, or an error */
long pipe_write(struct pipe *pipe, u64 addr, u64 bytes)
{
	u64 done;
	u8 byte;

	for (done = 0; done < bytes; done++) {
		if (copy_from_user(&byte, addr + done, 1) < 0)
			return -EFAULT;
		spin_lock(&sched_lock);
		while (pipe->users > 1 && !put(pipe, byte)) {
			wake_up_locked(pipe);
			sleep_on_locked(pipe);
		}
		if (pipe->users < 2) {
			spin_unlock(&sched_lock);
			return -EPIPE;
		}
		spin_unlock(&sched_lock);
	}
	wake_up(pipe);
	return (long)done;
}

/* pipe_read - sleeps until there are some; how many, 0 at the end */
long pipe_read(struct pipe *pipe, u64 addr, u64 bytes)
{
	u64 done = 0;
	u8 byte;
	int got;

	while (done < bytes) {
		spin_lock(&sched_lock);
		got = get(pipe, &byte);
		while (!got && !done && pipe->users > 1) {
			sleep_on_locked(pipe);
			got = get(pipe, &byte);
		}
		spin_unlock(&sched_lock);
		if (!got)
			break;
		if (copy_to_user(addr + done, &byte, 1) < 0)
			return -EFAULT;
		done++;
	}
	wake_up(pipe);
	return (long)done;
}
