/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fdstore.h - as much of systemd as lguestd speaks with
 *
 * Starts it with a socket and what it has stored, listens to what it says, and
 * when it is killed keeps what it had stored for the next.
 */
#ifndef FDSTORE_H
#define FDSTORE_H

#include <stdbool.h>
#include <sys/types.h>

#define FDSTORE_MAX 4096

struct fdstore {
	char dir[64]; /* of sockets */
	char path[128]; /* the control socket */
	int listener, notify;
	pid_t pid; /* of the daemon; 0: none */
	bool ready; /* it has said so */
	unsigned int count;
	struct {
		char name[256];
		int fd;
		bool polled; /* let go of when it hangs up */
	} kept[FDSTORE_MAX];
};

void fdstore_init(struct fdstore *store);

/* fdstore_fini - sockets, folder, and all that is kept */
void fdstore_fini(struct fdstore *store);

/* fdstore_start - argv as of exec(); it may not be ready yet */
void fdstore_start(struct fdstore *store, char *const argv[]);

/* fdstore_listen - to all it has said until now; after ms at the latest */
void fdstore_listen(struct fdstore *store, int ms);
void fdstore_until_ready(struct fdstore *store);

/* fdstore_end - by this signal; its status, as of waitpid() */
int fdstore_end(struct fdstore *store, int signal);

/* fdstore_add, fdstore_find - as if it had stored that; -1: there is none */
void fdstore_add(struct fdstore *store, const char *name, int fd);
int fdstore_find(const struct fdstore *store, const char *name);

/* fdstore_guests - how many are kept that are a guest's, as "web.vm" is */
unsigned int fdstore_guests(const struct fdstore *store);

#endif /* FDSTORE_H */
