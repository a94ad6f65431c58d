// SPDX-License-Identifier: GPL-2.0-only
/*
 * terminal.c - bytes between a person and a guest
 *
 * A terminal whose every key goes to the guest needs one that does not: the
 * escape, ^] unless another was chosen.  It does nothing to the guest, whatever
 * is typed after it: it leaves, or is sent, or explains itself.
 *
 * What must never happen is a terminal left as a guest wants it and no shell can
 * use it.  So every way out of terminal_copy(), signals included, puts it back;
 * signals are read like input, and the one that ends us does so afterwards.
 *
 * Neither side can stop the other: we read only what we have room for, and wait
 * for whoever is slow without forgetting the rest.
 *
 * Next: daemon/lgctl/cmd_console.c
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "lgctl.h"

#define QUIET_MS 300
#define SIZE_MS  1000 /* for the daemon to have heard of it */
#define ROOM     4096 /* bytes; a pipe that can be written takes as many */

struct flow {
	char bytes[ROOM];
	size_t at, len; /* what is between them has not been written */
};

struct copy {
	struct terminal *terminal;
	struct flow in, out; /* to the guest; from it */
	struct termios before;
	bool raw, input_over, escaped, done;
	enum terminal_end end;
	int signals;
	int ended_by; /* this signal */
};

/* What was typed, without what was meant for us. */
static const char help[] =
	"\r\n[lgctl: the escape again sends it, . leaves, ? says this]\r\n";

static void tell(const char *text)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));

	(void)n; /* nothing can be done about it */
}

static void set_raw(struct copy *copy)
{
	struct termios raw = copy->before;

	cfmakeraw(&raw);
	/* A guest that says \n alone means a new line, too. */
	raw.c_oflag = copy->before.c_oflag;
	copy->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static void set_back(struct copy *copy)
{
	if (copy->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &copy->before);
	copy->raw = false;
}

/*
 * How large it is, to the guest.  An answer is waited for and not read: whoever has
 * no such console, or no time, is no news to a person in the middle of something.
 */
static void tell_size(const struct copy *copy)
{
	const struct terminal *terminal = copy->terminal;
	enum proto_exit status;
	struct winsize size;
	struct lgctl mute;
	struct pollfd fds;

	if (!copy->raw || !terminal->ctl ||
	    ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col ||
	    !size.ws_row)
		return;
	mute = *terminal->ctl;
	mute.mute = true;
	fds = (struct pollfd){ client_open(&mute, &status), POLLIN, 0 };
	if (fds.fd < 0)
		return;
	status = client_send(fds.fd, "Guests.Resize",
			     json_pack("{s:s,s:i,s:i}", "name", terminal->guest,
				       "columns", (int)size.ws_col, "rows",
				       (int)size.ws_row),
			     NULL, 0);
	if (status == EXIT_DONE)
		poll(&fds, 1, SIZE_MS);
	close(fds.fd);
}

static void finish(struct copy *copy, enum terminal_end end)
{
	copy->done = true;
	copy->end = end;
}

/* The key after the escape; true if it goes to the guest. */
static bool after_escape(struct copy *copy, char key)
{
	if (key == (char)copy->terminal->escape)
		return true;
	if (key == '.' || key == 'q')
		finish(copy, TERMINAL_LEFT);
	else
		tell(help);
	return false;
}

/* Takes our keys out of what was typed; the rest is for the guest. */
static void take_keys(struct copy *copy)
{
	struct flow *in = &copy->in;
	size_t i, kept = 0;

	/* A file may have any byte in it: only who types can escape. */
	if (!copy->raw || copy->terminal->escape < 0)
		return;
	for (i = 0; i < in->len && !copy->done; i++) {
		if (copy->escaped) {
			copy->escaped = false;
			if (after_escape(copy, in->bytes[i]))
				in->bytes[kept++] = in->bytes[i];
		} else if (in->bytes[i] == (char)copy->terminal->escape) {
			copy->escaped = true;
			if (!copy->terminal->quiet)
				tell(help);
		} else {
			in->bytes[kept++] = in->bytes[i];
		}
	}
	in->len = kept;
}

static void read_input(struct copy *copy)
{
	ssize_t n = read(STDIN_FILENO, copy->in.bytes, ROOM);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0) {
		copy->in.at = 0;
		copy->in.len = (size_t)n;
		take_keys(copy);
		return;
	}
	/* A file has been typed; a terminal that ends has been closed. */
	copy->input_over = true;
	if (copy->raw)
		finish(copy, TERMINAL_LEFT);
}

static void read_guest(struct copy *copy)
{
	ssize_t n =
		recv(copy->terminal->sock, copy->out.bytes, ROOM, MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		finish(copy, TERMINAL_CLOSED);
		return;
	}
	copy->out.at = 0;
	copy->out.len = (size_t)n;
}

static void advance(struct flow *flow, ssize_t n)
{
	flow->at += n > 0 ? (size_t)n : 0;
	if (flow->at == flow->len)
		flow->at = flow->len = 0;
}

static void write_guest(struct copy *copy)
{
	ssize_t n =
		send(copy->terminal->sock, copy->in.bytes + copy->in.at,
		     copy->in.len - copy->in.at, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		/* It has hung up, and may have said something before that. */
		copy->input_over = true;
		n = (ssize_t)(copy->in.len - copy->in.at);
	}
	advance(&copy->in, n);
}

static void write_output(struct copy *copy)
{
	ssize_t n = write(STDOUT_FILENO, copy->out.bytes + copy->out.at,
			  copy->out.len - copy->out.at);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		if (errno != EPIPE)
			say_error(EXIT_FAILED, "stdout: %s", strerror(errno));
		finish(copy, errno == EPIPE ? TERMINAL_LEFT : TERMINAL_FAILED);
		return;
	}
	advance(&copy->out, n);
}

static void read_signal(struct copy *copy)
{
	struct signalfd_siginfo info;

	if (read(copy->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH) {
		tell_size(copy);
		return;
	}
	if (info.ssi_signo == SIGCONT) {
		/* How it is now says nothing: perhaps we have made it so. */
		if (copy->raw)
			set_raw(copy);
		return;
	}
	if (copy->terminal->on_signal &&
	    (info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM)) {
		copy->terminal->on_signal(copy->terminal, (int)info.ssi_signo);
		return;
	}
	copy->ended_by = (int)info.ssi_signo;
	finish(copy, TERMINAL_LEFT);
}

static void wait_and_copy(struct copy *copy)
{
	bool typing = copy->terminal->input && !copy->input_over;
	struct pollfd fds[] = {
		{ .fd = copy->signals, .events = POLLIN },
		{ .fd = copy->terminal->sock,
		  .events = (short)((copy->out.len ? 0 : POLLIN) |
				    (copy->in.len ? POLLOUT : 0)) },
		{ .fd = copy->out.len ? STDOUT_FILENO : -1, .events = POLLOUT },
		{ .fd = typing && !copy->in.len ? STDIN_FILENO : -1,
		  .events = POLLIN },
		{ .fd = copy->terminal->also[0], .events = POLLIN },
		{ .fd = copy->terminal->also[1], .events = POLLIN },
	};
	int i;

	/* A socket that has hung up is of no interest until there is room. */
	if (!fds[1].events)
		fds[1].fd = -1;
	if (poll(fds, 6, -1) < 0)
		return;
	if (fds[0].revents)
		read_signal(copy);
	if (fds[1].revents & POLLOUT && copy->in.len)
		write_guest(copy);
	if (fds[1].revents & (POLLIN | POLLHUP | POLLERR) && !copy->out.len)
		read_guest(copy);
	if (fds[2].revents)
		write_output(copy);
	if (fds[3].revents)
		read_input(copy);
	for (i = 0; i < 2; i++)
		if (fds[4 + i].revents && !copy->done &&
		    copy->terminal->on_also(copy->terminal, i))
			finish(copy, TERMINAL_ALSO);
}

static void write_all(const char *text, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(STDOUT_FILENO, text, len);
		if (n < 0 && errno != EINTR)
			return;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

/*
 * A guest's last words and the news of its end come by different ways.  When it
 * has gone its console ends as well; if it is kept, its console stays, and is
 * given a moment to fall silent.
 */
void terminal_drain(const struct terminal *terminal)
{
	struct pollfd fds = { .fd = terminal->sock, .events = POLLIN };
	char text[ROOM];
	ssize_t n;

	while (terminal->sock >= 0 && poll(&fds, 1, QUIET_MS) > 0) {
		n = recv(terminal->sock, text, sizeof(text), MSG_DONTWAIT);
		if (n <= 0)
			return;
		write_all(text, (size_t)n);
	}
}

void terminal_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGHUP);
}

void terminal_die(int signo)
{
	sigset_t it;

	sigemptyset(&it);
	sigaddset(&it, signo);
	signal(signo, SIG_DFL);
	raise(signo);
	sigprocmask(SIG_UNBLOCK, &it, NULL);
}

enum terminal_end terminal_copy(struct terminal *terminal)
{
	struct copy copy = { .terminal = terminal };
	sigset_t ours, before;

	terminal_signals(&ours);
	sigaddset(&ours, SIGQUIT);
	sigaddset(&ours, SIGCONT);
	sigaddset(&ours, SIGWINCH);
	sigprocmask(SIG_BLOCK, &ours, &before);
	copy.signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	if (copy.signals < 0) {
		say_error(EXIT_FAILED, "signals: %s", strerror(errno));
		return TERMINAL_FAILED;
	}
	if (terminal->input && tcgetattr(STDIN_FILENO, &copy.before) == 0)
		set_raw(&copy);
	tell_size(&copy);
	while (!copy.done)
		wait_and_copy(&copy);
	set_back(&copy);
	write_all(copy.out.bytes + copy.out.at, copy.out.len - copy.out.at);
	close(copy.signals);
	if (copy.ended_by)
		terminal_die(copy.ended_by);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return copy.end;
}
