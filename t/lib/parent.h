/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parent.h - the smallest lguestd: one guest, run by lguest-run
 *
 *	struct parent p;
 *
 *	parent_make(&p, 64 << 20, 1);
 *	parent_start(&p, "build/guestos.elf", "init=hello");
 *	is_str(parent_hear(&p), "running", "it runs");
 *	is(parent_serve(&p, NULL), LG_EXIT_SHUTDOWN, "and ends");
 *	parent_end(&p);
 *
 * It makes the VM and its RAM, starts the runner, and answers what the guest
 * wants, which lg.ko queues on the VM's descriptor.  A step that can only fail
 * for want of a machine ends the test with a bail-out.
 */
#ifndef PARENT_H
#define PARENT_H

#include <stddef.h>
#include <sys/types.h>

#include <lguest/guest.h>
#include <lguest/ioctl.h>
#include <lguest/virtio.h>

#define PARENT_VCPUS  8
#define PARENT_SILENT (-1) /* parent_serve: nothing came for too long */
#define PARENT_TEXT   (-2) /* ... the text came */

struct parent {
	int device, vm, ram, vcpus[PARENT_VCPUS];
	unsigned int vcpu_count;
	__u64 ram_bytes;
	pid_t runner; /* 0: none */
	int report;
	int holds; /* do not say "go" */
	char packet[600];
	char console[1 << 16]; /* all that the guest has printed */
	size_t console_len;
	struct lg_exit end; /* its last, LG_EXIT_SHUTDOWN or LG_EXIT_KILLED */
	unsigned int power_vector, input_vector;
	const char *input; /* what LGUEST_TOKEN_GETC still has to give */
};

void parent_make(struct parent *p, __u64 ram_bytes, unsigned int vcpus);

/* parent_start - the runner; kernel NULL: --resume */
void parent_start(struct parent *p, const char *kernel, const char *cmdline);

/* parent_hear - its packet, "" if it ended without one; and "go" */
const char *parent_hear(struct parent *p);

/*
 * parent_serve - answer until the guest ends: LG_EXIT_*; or has printed text
 *
 * PARENT_SILENT: the guest wanted nothing for two minutes.
 */
int parent_serve(struct parent *p, const char *text);

/* parent_interrupt - a vector for vcpu 0 */
void parent_interrupt(struct parent *p, unsigned int vector);

/* parent_wait - how the runner ended, as waitpid() says it */
int parent_wait(struct parent *p);

/* parent_kill - this signal, and wait */
int parent_kill(struct parent *p, int signal);

/* parent_end - give all of it back */
void parent_end(struct parent *p);

#endif /* PARENT_H */
