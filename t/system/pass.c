// SPDX-License-Identifier: GPL-2.0-only
/*
 * pass.c - a descriptor from one process to another, by a socket
 *
 * A VM belongs to whoever holds its descriptors; here they change hands.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pass.h"

void pass_send(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	if (sendmsg(socket, &msg, 0) != 1)
		_exit(195);
}

int pass_receive(int socket)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg;
	int fd = -1;

	if (recvmsg(socket, &msg, 0) == 1) {
		cmsg = CMSG_FIRSTHDR(&msg);
		if (cmsg)
			memcpy(&fd, CMSG_DATA(cmsg), sizeof(int));
	}
	return fd;
}
