// SPDX-License-Identifier: GPL-2.0-only
/*
 * client.c - asks a server to run a command, and is that command to its caller
 *
 * Output, errors and exit status are passed on as they come; what the rig has
 * to say itself goes to stderr behind "# ", which TAP takes for a comment.
 *
 * Must never happen: a command run twice.  If the server left before it told
 * us that it took the command, we may ask another; afterwards never.
 *
 * Next: t/rig/wire.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "rig.h"

#define TRIES 5
#define AGAIN (-2)

static volatile sig_atomic_t resized;
static struct termios tty_before;

static void on_winch(int sig)
{
	(void)sig;
	resized = 1;
}

static void tty_restore(void)
{
	tcsetattr(0, TCSADRAIN, &tty_before);
}

static void tty_raw(void)
{
	struct termios raw;

	if (tcgetattr(0, &tty_before) < 0)
		return;
	raw = tty_before;
	cfmakeraw(&raw);
	tcsetattr(0, TCSADRAIN, &raw);
	atexit(tty_restore);
	signal(SIGWINCH, on_winch);
}

static struct run_size tty_size(void)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };

	ioctl(0, TIOCGWINSZ, &size);
	return (struct run_size){ size.ws_row, size.ws_col };
}

static void print(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t r = write(fd, data, len);

		if (r < 0 && errno == EAGAIN) {
			poll(&(struct pollfd){ fd, POLLOUT, 0 }, 1, -1);
			continue;
		}
		if (r < 0 && errno != EINTR) {
			/* Nobody reads us: end as any command would. */
			signal(SIGPIPE, SIG_DFL);
			raise(SIGPIPE);
			exit(EXIT_BROKEN);
		}
		if (r > 0) {
			data += r;
			len -= (size_t)r;
		}
	}
}

static void add_string(struct buf *buf, const char *string)
{
	buf_add(buf, string ? string : "", string ? strlen(string) + 1 : 1);
}

static int add_run(struct buf *out, const struct request *req)
{
	struct run_size size = tty_size();
	struct run_head head = { .owner = (uint32_t)session_owner(),
				 .timeout_s = req->timeout_s,
				 .flags = req->flags,
				 .rows = size.rows,
				 .cols = size.cols };
	struct buf run = { 0 };

	buf_add(&run, &head, sizeof(head));
	add_string(&run, getenv("RIG_EXPECT_LOG"));
	add_string(&run, req->flags & RUN_TTY ? getenv("TERM") : "dumb");
	add_string(&run, req->dir);
	for (char **word = req->words; *word; word++)
		add_string(&run, *word);
	if (run.len > FRAME_MAX) {
		complain("the command is longer than %u bytes", FRAME_MAX);
		return -E2BIG;
	}
	frame_add(out, 0, FRAME_RUN, run.data, run.len);
	buf_free(&run);
	return 0;
}

/* Take what came; the exit status once it is known, else -1. */
static int take(struct buf *in, int *ret_taken)
{
	struct frame_head head;
	const char *data;
	uint32_t status;

	while (frame_peek(in, &head, &data) > 0) {
		switch (head.type) {
		case FRAME_OUT:
			print(1, data, head.len);
			break;
		case FRAME_NOTE:
			*ret_taken |= head.len == 0;
			print(2, data, head.len);
			break;
		case FRAME_ERR:
			print(2, data, head.len);
			break;
		case FRAME_END:
			memcpy(&status, data, sizeof(status));
			return (int)status;
		}
		frame_eat(in, &head);
	}
	return -1;
}

static void send_stdin(struct buf *out, unsigned *flags)
{
	char data[16384];
	ssize_t r = read(0, data, sizeof(data));

	frame_add(out, 0, FRAME_STDIN, data, r > 0 ? (size_t)r : 0);
	if (r <= 0)
		*flags &= ~RUN_STDIN;
}

/* Talk until the end: its status, or AGAIN if our command was never taken. */
static int converse(int fd, struct buf *out, unsigned flags)
{
	struct buf in = { 0 };
	int taken = 0, status;

	for (;;) {
		struct pollfd fds[2] = {
			{ fd, (short)(out->len ? POLLIN | POLLOUT : POLLIN),
			  0 },
			{ flags & RUN_STDIN && !out->len ? 0 : -1, POLLIN, 0 },
		};

		if (resized) {
			struct run_size size = tty_size();

			resized = 0;
			frame_add(out, 0, FRAME_RESIZE, &size, sizeof(size));
		}
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			send_stdin(out, &flags);
		if (out->len && buf_write(out, fd) < 0)
			out->len = 0;
		if (!fds[0].revents)
			continue;
		if (fds[0].revents & ~POLLOUT && buf_read(&in, fd) <= 0)
			break;
		status = take(&in, &taken);
		if (status >= 0)
			return status;
	}
	if (!taken)
		return AGAIN;
	complain("the machine's server went away");
	return EXIT_BROKEN;
}

/* client_run - run the command; the exit status to end with */
int client_run(const struct request *req)
{
	int status = AGAIN;

	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < TRIES && status == AGAIN; i++) {
		struct buf out = { 0 };
		int fd;

		if (add_run(&out, req) < 0)
			return EXIT_BROKEN;
		fd = req->private ? session_private(req->model, req->append,
						    req->ram)
				  : session_connect(req->model, /* start= */ 1);
		if (fd < 0)
			return EXIT_BROKEN;
		if (req->flags & RUN_TTY && i == 0)
			tty_raw();
		fcntl(fd, F_SETFL, O_NONBLOCK);
		status = converse(fd, &out, req->flags);
		close(fd);
		buf_free(&out);
		if (req->private)
			break;
	}
	if (status != AGAIN)
		return status;
	complain("%s: its server left before it took the command",
		 req->model->name);
	return EXIT_BROKEN;
}

/* client_hmp - a line for the monitor of a session that runs */
int client_hmp(const struct model *model, const char *line)
{
	int fd = session_connect(model, /* start= */ 0), status;
	struct buf out = { 0 };

	if (fd < 0) {
		complain("%s: no session is running", model->name);
		return EXIT_BROKEN;
	}
	frame_add(&out, 0, FRAME_HMP, line, strlen(line));
	status = converse(fd, &out, /* flags= */ 0);
	buf_free(&out);
	return status == AGAIN ? EXIT_BROKEN : status;
}
