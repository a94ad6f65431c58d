// SPDX-License-Identifier: GPL-2.0-only
/*
 * shell.c - a prompt
 *
 * One line, one command; a word that is none is a program to run.  What a
 * terminal does for a shell elsewhere is done here: what is typed is shown, and
 * what was mistyped can be taken back.
 *
 * Next: guestos/kernel/user/devices.c
 */
#include "user.h"

#define LINE_BYTES 64
#define NS_PER_S   1000000000ULL

struct command {
	const char *name, *help;
	void (*run)(const char *arg);
};

static void cmd_help(const char *arg);

static void cmd_echo(const char *arg)
{
	say(arg);
	say("\n");
}

static void cmd_ps(const char *arg)
{
	struct proc_info info;
	char state[2] = "";
	u64 i;

	(void)arg;
	for (i = 0; sys(SYS_PROC, i, (u64)&info, 0) == 0; i++) {
		say_number(info.pid);
		say(" ");
		state[0] = info.state;
		say(state);
		say(" ");
		say(info.name);
		say("\n");
	}
}

static void cmd_free(const char *arg)
{
	(void)arg;
	say_number((u64)sys(SYS_MEMORY, 0, 0, 0) / 1024);
	say(" KiB\n");
}

static void cmd_uptime(const char *arg)
{
	(void)arg;
	say_number((u64)sys(SYS_CLOCK, 0, 0, 0) / NS_PER_S);
	say(" s\n");
}

static void cmd_fork(const char *arg)
{
	int i, ended = 0;

	(void)arg;
	for (i = 0; i < 100; i++) {
		if (!fork())
			exit(0);
		ended += wait(0) > 0;
	}
	say_number((u64)ended);
	say(" children, born and mourned\n");
}

static void cmd_fault(const char *arg)
{
	(void)arg;
	if (!fork())
		*(volatile int *)16 = 0;
	wait(0);
}

static void cmd_off(const char *arg)
{
	(void)arg;
	sys(SYS_SHUTDOWN, SHUTDOWN_OFF, 0, 0);
}

static void cmd_exit(const char *arg)
{
	(void)arg;
	exit(0);
}

static const struct command commands[] = {
	{ "help", "what there is", cmd_help },
	{ "echo", "say it again", cmd_echo },
	{ "ps", "processes and threads", cmd_ps },
	{ "free", "memory that nobody has", cmd_free },
	{ "uptime", "since when", cmd_uptime },
	{ "fork", "a hundred children", cmd_fork },
	{ "fault", "a child that does what it may not", cmd_fault },
	{ "off", "turn the machine off", cmd_off },
	{ "exit", "end this shell", cmd_exit },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void cmd_help(const char *arg)
{
	u64 i;

	(void)arg;
	for (i = 0; i < COMMANDS; i++) {
		say(commands[i].name);
		say(" - ");
		say(commands[i].help);
		say("\n");
	}
	say("or a program: init hello devices disk clock crash reboot spin\n");
}

static int same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static void run_program(const char *name, const char *arg)
{
	int status = 0;

	if (!fork()) {
		sys(SYS_EXEC, (u64)name, (u64)arg, 0);
		say(name);
		say(": there is no such command or program\n");
		exit(1);
	}
	wait(&status);
}

/* Split at the first blank, and find who does it. */
static void obey(char *line)
{
	char *arg = line;
	u64 i;

	while (*arg && *arg != ' ')
		arg++;
	while (*arg == ' ')
		*arg++ = '\0';
	for (i = 0; i < COMMANDS; i++) {
		if (same(line, commands[i].name)) {
			commands[i].run(arg);
			return;
		}
	}
	if (*line)
		run_program(line, arg);
}

/* One key into the line; returns whether that ends it. */
static int take_key(char *line, u64 *len, char key)
{
	if (key == '\r' || key == '\n') {
		say("\n");
		return 1;
	}
	if ((key == '\b' || key == 0x7f) && *len) {
		(*len)--;
		say("\b \b");
	} else if (key >= ' ' && key < 0x7f && *len + 1 < LINE_BYTES) {
		line[(*len)++] = key;
		sys(SYS_WRITE, (u64)&key, 1, 0);
	}
	return 0;
}

int main(const char *arg)
{
	char line[LINE_BYTES], key;
	u64 len;

	(void)arg;
	say("shell: \"help\" says what there is\n");
	for (;;) {
		say("> ");
		len = 0;
		do {
			if (sys(SYS_READ, (u64)&key, 1, 0) != 1)
				return 1;
		} while (!take_key(line, &len, key));
		line[len] = '\0';
		obey(line);
	}
}
