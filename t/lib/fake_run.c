// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake_run.c - lguest-run and a guest in one, played from a script
 *
 * The "kernel" is text, a word and its argument on each line, and is played over
 * the socket that t/lib/fake_lgdev.c calls a vcpu:
 *
 *	fail SENTENCE	it could not be loaded (only as the first line)
 *	hang		loading never ends (only as the first line)
 *	early		does not wait for "go" (only as the first line)
 *	print TEXT	... and a newline
 *	bytes N		print N bytes, without a newline
 *	power VECTOR, input VECTOR
 *	wait		until the power button is pressed
 *	echo		print what is typed, until then
 *	count		print numbers, until then
 *	drain		ask for input once, all that there is
 *	poweroff, restart, crash REASON
 *	killed REASON	as if lg.ko had
 *	die		kills itself
 *	notify TOKEN	print the result of any token (hex)
 *	shutdown KIND GPA	as is (hex)
 *	exit KIND	of a kind that there is not
 *	fill GPA BYTES	of RAM with 'x' (hex)
 *	store GPA VALUE	64 bits (hex)
 *	load GPA	print them
 *	call OP SLOT INDEX BYTES [WORD]...	a device's; print its result and words
 *	interrupt VECTOR	wait for one
 *
 * After the last line the guest goes on and does nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <lguest/guest.h>
#include <lguest/ioctl.h>
#include <lguest/virtio.h>

#include "fake_lgdev.h"

#define TEXT_GPA 0x1000
#define CALL_GPA 0x4000

static int report = -1, ram = -1, kernel = -1, vcpu = -1;
static uint64_t serial;
static unsigned int power, input;
static bool pending[256], paused;
static struct fake_word answer; /* the last one; it may come while we pause */

/* Eventfds, as lg.ko would have them: the newest of a token or vector counts. */
static struct wire {
	uint64_t kind, value;
	int fd;
} wires[64];
static unsigned int wire_count;

static void add_wire(uint64_t kind, uint64_t value, int fd)
{
	unsigned int i;

	for (i = 0; i < wire_count; i++) {
		if (wires[i].kind == kind && wires[i].value == value)
			break;
	}
	if (i == sizeof(wires) / sizeof(wires[0]))
		exit(7);
	if (i < wire_count)
		close(wires[i].fd);
	else
		wire_count++;
	wires[i] = (struct wire){ kind, value, fd };
}

static ssize_t receive(struct fake_word *word)
{
	struct iovec iov = { word, sizeof(*word) };
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	ssize_t got = recvmsg(vcpu, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *part = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	int fd;

	if (part) {
		memcpy(&fd, CMSG_DATA(part), sizeof(fd));
		add_wire(word->kind, word->value, fd);
	}
	return got;
}

/* What eventfds have raised meanwhile. */
static void look_at_wires(void)
{
	uint64_t count;
	unsigned int i;

	for (i = 0; i < wire_count; i++) {
		if (wires[i].kind == FAKE_IRQFD &&
		    read(wires[i].fd, &count, sizeof(count)) > 0)
			pending[wires[i].value & 255] = true;
	}
}

static bool is_wired(uint64_t token)
{
	const uint64_t one = 1;
	unsigned int i;

	for (i = 0; i < wire_count; i++) {
		if (wires[i].kind == FAKE_NOTIFYFD && wires[i].value == token)
			return write(wires[i].fd, &one, sizeof(one)) > 0;
	}
	return false;
}

/* Until there is something on the socket or one of them is raised. */
static bool wait_ms(int ms)
{
	struct pollfd pollers[65] = { { .fd = vcpu, .events = POLLIN } };
	unsigned int i, count = 1;

	for (i = 0; i < wire_count; i++) {
		if (wires[i].kind == FAKE_IRQFD)
			pollers[count++] = (struct pollfd){
				.fd = wires[i].fd,
				.events = POLLIN,
			};
	}
	if (poll(pollers, count, ms) <= 0)
		return false;
	look_at_wires();
	return pollers[0].revents;
}

/* The next word of the daemon's; false: none came in that time. */
static bool listen_ms(struct fake_word *word, int ms)
{
	ssize_t got;

	do {
		if (!wait_ms(paused ? -1 : ms)) {
			if (paused)
				continue;
			return false;
		}
		got = receive(word);
		if (got != sizeof(*word))
			exit(5); /* nobody holds the VM any more */
		if (word->kind == FAKE_PAUSE)
			paused = true;
		else if (word->kind == FAKE_RESUME)
			paused = false;
		else if (word->kind == FAKE_INTERRUPT)
			pending[word->value & 255] = true;
		else if (word->kind == FAKE_ANSWER)
			answer = *word;
	} while (paused);
	return true;
}

static uint64_t leave(struct lg_exit *exit_)
{
	struct fake_word word;

	exit_->serial = ++serial;
	if (send(vcpu, exit_, sizeof(*exit_), MSG_NOSIGNAL) < 0)
		exit(5);
	while (answer.serial != serial)
		listen_ms(&word, -1);
	return answer.value;
}

static uint64_t notify(uint64_t token)
{
	struct lg_exit exit_ = {
		.exit = LG_EXIT_NOTIFY,
		.data = { token },
	};

	return is_wired(token) ? 0 : leave(&exit_);
}

static void print(const char *text)
{
	if (pwrite(ram, text, strlen(text) + 1, TEXT_GPA) < 0)
		exit(6);
	notify(TEXT_GPA);
}

static void print_line(const char *text)
{
	char line[4096];

	snprintf(line, sizeof(line), "%.4000s\n", text);
	print(line);
}

static void print_bytes(unsigned long count)
{
	char text[8193];
	unsigned long i, len;

	while (count) {
		len = count < 8192 ? count : 8192;
		for (i = 0; i < len; i++)
			text[i] = (char)('a' + i % 26);
		text[len] = '\0';
		print(text);
		count -= len;
	}
}

/* Is the power button pressed?  It is asked once for each press. */
static bool is_off(int ms)
{
	struct fake_word word;
	bool off;

	if (!pending[power])
		listen_ms(&word, ms);
	off = power && pending[power];
	pending[power] = false;
	return off;
}

static void echo_input(void)
{
	uint64_t byte;
	char text[2] = { 0 };

	while ((byte = notify(LGUEST_TOKEN(LGUEST_TOKEN_GETC, 0))) !=
	       LGUEST_TOKEN_UNKNOWN) {
		text[0] = (char)byte;
		print(text);
	}
}

static void echo(void)
{
	do {
		if (input && pending[input]) {
			pending[input] = false;
			echo_input();
		}
	} while (!is_off(input && pending[input] ? 0 : -1));
}

static void count_up(void)
{
	unsigned long number = 0;
	char line[32];

	while (!is_off(0)) {
		snprintf(line, sizeof(line), "%lu\n", ++number);
		print(line);
	}
}

static void end(uint64_t kind, uint64_t gpa)
{
	struct lg_exit exit_ = {
		.exit = LG_EXIT_SHUTDOWN,
		.data = { kind, gpa },
	};

	leave(&exit_);
}

static void end_with(uint64_t kind, const char *reason)
{
	if (pwrite(ram, reason, strlen(reason) + 1, TEXT_GPA) < 0)
		exit(6);
	end(kind, TEXT_GPA);
}

static void be_killed(const char *reason, uint32_t kind)
{
	struct lg_exit exit_ = { .exit = kind, .trap = 14, .rip = 0x1234 };

	/* Not terminated, if the reason is long enough. */
	memset(exit_.why, 'x', sizeof(exit_.why));
	memcpy(exit_.why, reason, strnlen(reason, sizeof(exit_.why) - 1) + 1);
	if (!strcmp(reason, "endless"))
		memset(exit_.why, '\033', sizeof(exit_.why));
	leave(&exit_);
}

static void fill(uint64_t gpa, uint64_t bytes)
{
	for (; bytes; bytes--, gpa++) {
		if (pwrite(ram, "x", 1, (off_t)gpa) < 0)
			exit(6);
	}
}

static void store(uint64_t gpa, uint64_t value)
{
	if (pwrite(ram, &value, sizeof(value), (off_t)gpa) < 0)
		exit(6);
}

static void load(uint64_t gpa)
{
	uint64_t value;
	char text[32];

	if (pread(ram, &value, sizeof(value), (off_t)gpa) < 0)
		exit(6);
	snprintf(text, sizeof(text), "%#" PRIx64, value);
	print_line(text);
}

static void call(const char *rest)
{
	struct lguest_virtio_call call = { 0 };
	uint64_t *w = (uint64_t *)call.word;
	char text[256];

	sscanf(rest,
	       "%x %x %x %x %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64
	       " %" SCNx64 " %" SCNx64,
	       &call.op, &call.slot, &call.index, &call.bytes, &w[0], &w[1],
	       &w[2], &w[3], &w[4], &w[5]);
	if (pwrite(ram, &call, sizeof(call), CALL_GPA) < 0)
		exit(6);
	if (notify(LGUEST_TOKEN(LGUEST_TOKEN_VIRTIO, CALL_GPA)) != 0) {
		print_line("no bus");
		return;
	}
	if (pread(ram, &call, sizeof(call), CALL_GPA) < 0)
		exit(6);
	snprintf(text, sizeof(text),
		 "%d: %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64,
		 call.result, w[0], w[1], w[2], w[3]);
	print_line(text);
}

static void await(unsigned int vector)
{
	struct fake_word word;

	look_at_wires();
	while (!pending[vector & 255])
		listen_ms(&word, -1);
	pending[vector & 255] = false;
}

static void play_end(const char *word, const char *rest, uint64_t a, uint64_t b)
{
	if (!strcmp(word, "poweroff"))
		end_with(LGUEST_SHUTDOWN_POWEROFF, rest);
	else if (!strcmp(word, "restart"))
		end_with(LGUEST_SHUTDOWN_RESTART, rest);
	else if (!strcmp(word, "crash"))
		end_with(LGUEST_SHUTDOWN_CRASH, rest);
	else if (!strcmp(word, "killed"))
		be_killed(rest, LG_EXIT_KILLED);
	else if (!strcmp(word, "exit"))
		be_killed("", (uint32_t)a);
	else if (!strcmp(word, "shutdown"))
		end(a, b);
	else if (!strcmp(word, "die"))
		raise(SIGKILL);
}

static void play(const char *word, const char *rest)
{
	uint64_t a = 0, b = 0;
	char text[32];

	sscanf(rest, "%" SCNx64 " %" SCNx64, &a, &b);
	if (!strcmp(word, "print")) {
		print_line(rest);
	} else if (!strcmp(word, "bytes")) {
		print_bytes(strtoul(rest, NULL, 10));
	} else if (!strcmp(word, "power")) {
		power = (unsigned int)atoi(rest) & 255;
		notify(LGUEST_TOKEN(LGUEST_TOKEN_POWER, power));
	} else if (!strcmp(word, "input")) {
		input = (unsigned int)atoi(rest) & 255;
		notify(LGUEST_TOKEN(LGUEST_TOKEN_INPUT, input));
	} else if (!strcmp(word, "wait")) {
		while (!is_off(-1))
			;
	} else if (!strcmp(word, "echo")) {
		echo();
	} else if (!strcmp(word, "drain")) {
		echo_input();
	} else if (!strcmp(word, "count")) {
		count_up();
	} else if (!strcmp(word, "notify")) {
		snprintf(text, sizeof(text), "%#" PRIx64, notify(a));
		print_line(text);
	} else if (!strcmp(word, "fill")) {
		fill(a, b);
	} else if (!strcmp(word, "store")) {
		store(a, b);
	} else if (!strcmp(word, "load")) {
		load(a);
	} else if (!strcmp(word, "call")) {
		call(rest);
	} else if (!strcmp(word, "interrupt")) {
		await((unsigned int)atoi(rest));
	} else {
		play_end(word, rest, a, b);
	}
}

static void tell_daemon(const char *packet)
{
	if (send(report, packet, strlen(packet), MSG_NOSIGNAL) < 0)
		exit(1);
}

/* Loading, as far as it goes; then the guest waits to be told "go". */
static void start(const char *script)
{
	char sentence[600], go[4];
	size_t len = strcspn(script, "\n");

	if (!strncmp(script, "fail ", 5)) {
		snprintf(sentence, sizeof(sentence), "error: %.*s",
			 (int)(len - 5), script + 5);
		tell_daemon(sentence);
		exit(1);
	}
	while (!strncmp(script, "hang", 4))
		pause();
	tell_daemon("running");
	if (strncmp(script, "early", 5) && recv(report, go, sizeof(go), 0) != 2)
		exit(1);
	close(report);
}

static void take_options(int argc, char **argv)
{
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		int fd = atoi(argv[i + 1]);

		if (!strcmp(argv[i], "--report"))
			report = fd;
		else if (!strcmp(argv[i], "--ram"))
			ram = fd;
		else if (!strcmp(argv[i], "--kernel"))
			kernel = fd;
		else if (!strcmp(argv[i], "--vcpu") && vcpu < 0)
			vcpu = fd;
	}
}

int main(int argc, char **argv)
{
	static char script[65536];
	struct fake_word word;
	char *line, *rest, *next;

	take_options(argc, argv);
	if (pread(kernel, script, sizeof(script) - 1, 0) < 0)
		return 6;
	start(script);
	for (line = script; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		rest = line + strcspn(line, " ");
		if (*rest)
			*rest++ = '\0';
		play(line, rest);
	}
	for (;;)
		listen_ms(&word, -1);
}
