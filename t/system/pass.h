/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pass.h - a descriptor from one process to another, by a socket
 */
#ifndef PASS_H
#define PASS_H

/* pass_send - ends the process with 195 if it cannot */
void pass_send(int socket, int fd);

/* pass_receive - the next one, for the caller to close; -1: none came */
int pass_receive(int socket);

#endif /* PASS_H */
