/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * agent.h - what the agent's two files share
 *
 * agent.c has the loop and the port, command.c the commands.  What is to be
 * said to the server goes into port_out, whole frames at a time.
 */
#ifndef AGENT_H
#define AGENT_H

#include "wire.h"

#define CMDS_MAX 64

/* A running command.  With a terminal, err is -1. */
struct cmd {
	uint32_t id;
	pid_t pid; /* 0: this slot is free */
	int in, out, err; /* our ends; -1 once closed */
	struct buf pending; /* stdin that it has not taken yet */
	int closing; /* stdin ends once pending is empty */
};

extern struct cmd cmds[CMDS_MAX];
extern struct buf port_out;

/* agent.c */
void tell(uint32_t id, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* command.c */
void cmd_init(void);
struct cmd *cmd_find(uint32_t id);
/* Start what a RUN frame asks for; its failure is told as any end is. */
void cmd_run(uint32_t id, const char *data, size_t len);
/* Move what can be moved between its files and the port. */
void cmd_carry(struct cmd *cmd);
void cmd_stdin(struct cmd *cmd, const char *data, size_t len);
void cmd_resize(struct cmd *cmd, const struct run_size *size);
void cmd_end(struct cmd *cmd, int wstatus);
void cmd_kill(struct cmd *cmd);
/* Tell what keeps the processes of a command alive. */
void cmd_why(uint32_t id);

#endif
