/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * client.h - a client of lguestd's, a connection for each call
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

/* What is done while an answer is waited for; it waits a little itself. */
extern void (*client_meanwhile)(void);

/* client_begin - a call is made; the descriptor on which the answer comes */
int client_begin(const char *path, const char *method, json_t *parameters);
int client_begin_create(const char *path, const char *name);

/* client_call - its answer, whole */
json_t *client_call(const char *path, const char *method, json_t *parameters);

/* client_create - a guest that plays a script; bails out if there is none */
void client_create(const char *path, const char *name, const char *script,
		   const char *more);

/* client_number, client_word - from Guests.Info; -1, "" */
long client_number(const char *path, const char *name, const char *key);
const char *client_word(const char *path, const char *name, const char *key,
			char word[32]);

/* client_console - all that it has printed, to be freed */
char *client_console(const char *path, const char *name);

/* client_fds_of - how many descriptors a process has */
unsigned int client_fds_of(pid_t pid);

/* client_write_conf - lguestd's, with all folders being dir; its path */
void client_write_conf(const char *dir, char *path, size_t room);

/* client_program - build/asan/NAME, as self is build/t/daemon/SELF */
char *client_program(const char *self, const char *name);

#endif /* CLIENT_H */
