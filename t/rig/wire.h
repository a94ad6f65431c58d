/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire.h - what client, server and agent say to each other
 *
 * One kind of message on both roads: a client's Unix socket to the session's
 * server, and the server's virtio port to the agent inside.  A frame is a head
 * and at most FRAME_MAX bytes; the id says which command it belongs to.  The
 * server gives the ids, so that a client's own frames all carry 0.
 *
 * Both ends are built from this one file and are always of one age: a session
 * is keyed by the driver's build, an image by the agent's.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FRAME_MAX 65536u

enum frame_type {
	FRAME_RUN = 1, /* struct run_head, then strings: see there */
	FRAME_STDIN, /* bytes for the command; none means end of file */
	FRAME_RESIZE, /* struct run_size, for a command on a terminal */
	FRAME_OUT, /* the command's stdout */
	FRAME_ERR, /* the command's stderr */
	FRAME_END, /* uint32_t exit status; nothing follows for this id */
	FRAME_NOTE, /* text for a person, to stderr */
	/* client to server */
	FRAME_HMP, /* a line for QEMU's monitor; answered by OUT and END */
	FRAME_RETIRE, /* take nobody new, go when the last is done */
	FRAME_STOP, /* go at once */
	/* server to agent */
	FRAME_PING, /* struct ping; answered by PONG, or NOTE and no PONG */
	FRAME_PONG, /* also sent unasked, once, when the agent starts */
	FRAME_KILL, /* kill all of the command; END follows as ever */
	FRAME_WHY, /* what does it still do? answered by NOTEs */
};

struct frame_head {
	uint32_t id;
	uint32_t type;
	uint32_t len;
};

/*
 * After the head of a RUN: three strings (the log lines it expects, as an
 * extended regular expression; TERM; the folder to start in), then the words of
 * the command, all ended by NUL.  A single word is a line for sh.
 */
struct run_head {
	uint32_t owner; /* pid whose death ends the session; 0 is nobody */
	uint32_t timeout_s;
	uint32_t flags;
	uint16_t rows, cols; /* of the terminal, with RUN_TTY */
};

#define RUN_TTY     1u /* give the command a terminal */
#define RUN_STDIN   2u /* STDIN frames will come; otherwise /dev/null */
#define RUN_STRINGS 3

struct run_size {
	uint16_t rows, cols;
};

struct ping {
	int64_t time_ns; /* set the clock to this; 0 leaves it alone */
	uint32_t mount; /* mount the shared folders now */
	uint32_t pad;
};

/* A queue of bytes: filled at the end, eaten from the front. */
struct buf {
	char *data;
	size_t len, cap;
};

void buf_add(struct buf *buf, const void *data, size_t len);
void buf_eat(struct buf *buf, size_t len);
void buf_free(struct buf *buf);

/* One read of fd into buf: bytes read, 0 at end of file, -errno. */
ssize_t buf_read(struct buf *buf, int fd);
/* One write of what is in buf: 0 or -errno; -EAGAIN is not told. */
int buf_write(struct buf *buf, int fd);

void frame_add(struct buf *buf, uint32_t id, enum frame_type type,
	       const void *data, size_t len);
/* 1 and the frame at the front, 0 if it is not whole yet, -EPROTO. */
int frame_peek(const struct buf *buf, struct frame_head *ret_head,
	       const char **ret_data);
void frame_eat(struct buf *buf, const struct frame_head *head);

#endif
