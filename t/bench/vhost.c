// SPDX-License-Identifier: GPL-2.0-only
/*
 * vhost.c - the front end of a vhost-user disk, as small as it can be
 *
 * The protocol is QEMU's docs/interop/vhost-user: a header, a payload, and
 * descriptors beside it.  What is needed to have one ring served, and no more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>

#include "blk.h"

enum {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	SET_VRING_ENABLE = 18,
};

#define VERSION         1
#define PROTOCOL        (1ULL << 30) /* of features: there are more of them */
#define PROTOCOL_CONFIG (1ULL << 9) /* which such a disk insists on */

struct message {
	uint32_t request, flags, bytes;
	union {
		uint64_t word;
		struct {
			uint32_t index, value;
		} vring;
		struct {
			uint32_t index, flags;
			uint64_t desc, used, avail, log;
		} addr;
		struct {
			uint32_t regions, padding;
			uint64_t gpa, bytes, user, offset;
		} memory;
	};
} __attribute__((packed));

#define HEADER offsetof(struct message, word)

static int tell(int sock, struct message *message, uint32_t request,
		size_t bytes, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { message, HEADER + bytes };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	message->request = request;
	message->flags = VERSION;
	message->bytes = (uint32_t)bytes;
	if (fd >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	return sendmsg(sock, &msg, 0) < 0 ? -errno : 0;
}

static int tell_word(int sock, uint32_t request, uint64_t word)
{
	struct message message = { .word = word };

	return tell(sock, &message, request, sizeof(word), -1);
}

static int ask_word(int sock, uint32_t request, uint64_t *ret_word)
{
	struct message message = { .word = 0 };
	int r = tell(sock, &message, request, 0, -1);

	if (r == 0 && recv(sock, &message, HEADER + 8, MSG_WAITALL) !=
			      (ssize_t)HEADER + 8)
		r = -EPROTO;
	*ret_word = message.word;
	return r;
}

static int tell_memory(int sock, const struct guest_mem *mem)
{
	struct message message = {
		.memory = { .regions = 1,
			    .bytes = mem->bytes,
			    .user = (uint64_t)mem->base },
	};

	return tell(sock, &message, SET_MEM_TABLE, sizeof(message.memory),
		    mem->fd);
}

static int tell_vring(int sock, uint32_t request, uint32_t value)
{
	struct message message = { .vring = { .value = value } };

	return tell(sock, &message, request, sizeof(message.vring), -1);
}

static int tell_fd(int sock, uint32_t request, int fd)
{
	struct message message = { .word = 0 };

	return tell(sock, &message, request, sizeof(message.word), fd);
}

static int tell_ring(int sock, const struct peer *peer)
{
	uint64_t base = (uint64_t)peer->mem->base;
	struct message message = {
		.addr = { .desc = base + peer->driver.desc,
			  .used = base + peer->driver.device,
			  .avail = base + peer->driver.driver },
	};
	int r = tell_vring(sock, SET_VRING_NUM, RING_SIZE);

	r = r ?: tell_vring(sock, SET_VRING_BASE, 0);
	r = r ?: tell(sock, &message, SET_VRING_ADDR, sizeof(message.addr), -1);
	r = r ?: tell_fd(sock, SET_VRING_KICK, peer->kick);
	r = r ?: tell_fd(sock, SET_VRING_CALL, peer->call);
	return r ?: tell_vring(sock, SET_VRING_ENABLE, 1);
}

static int open_socket(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(name.sun_path, path, sizeof(name.sun_path) - 1);
	if (sock < 0 ||
	    connect(sock, (struct sockaddr *)&name, sizeof(name)) < 0)
		return -errno;
	return sock;
}

int vhost_connect(const char *path, const struct guest_mem *mem,
		  struct peer *ret_peer)
{
	const uint64_t wanted = 1ULL << VIRTIO_F_VERSION_1 |
				1ULL << VIRTIO_RING_F_EVENT_IDX |
				1ULL << VIRTIO_BLK_F_FLUSH | PROTOCOL;
	uint64_t features = 0, more = 0;
	int r, sock = open_socket(path);

	if (sock < 0)
		return sock;
	ret_peer->mem = mem;
	ret_peer->kick = eventfd(0, EFD_CLOEXEC);
	ret_peer->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = ask_word(sock, GET_FEATURES, &features);
	features &= wanted;
	if (r == 0 && features & PROTOCOL) {
		r = ask_word(sock, GET_PROTOCOL_FEATURES, &more);
		r = r
			    ?: tell_word(sock, SET_PROTOCOL_FEATURES,
					 more & PROTOCOL_CONFIG);
	}
	vdriver_init(&ret_peer->driver, mem, RING_GPA, RING_SIZE, features);
	r = r ?: tell_word(sock, SET_OWNER, 0);
	r = r ?: tell_word(sock, SET_FEATURES, features);
	r = r ?: tell_memory(sock, mem);
	return r ?: tell_ring(sock, ret_peer);
}
