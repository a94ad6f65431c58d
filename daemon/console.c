// SPDX-License-Identifier: GPL-2.0-only
/*
 * console.c - what guests print, and who listens
 *
 * All text goes into the guest's ring, and a client is a place in it: where it
 * has read to.  It is given more when it has taken what it was given.  So a
 * slow one costs us nothing, and if the ring has gone once around meanwhile it
 * is told how many bytes it has missed; and one that comes late sees the last
 * megabyte first.
 *
 * One client at a time may write.  What it types waits in a short queue until
 * the guest asks for it, and behind that in the client's own socket.  The queue
 * outlives us with the ring.
 *
 * What must never happen: a guest or a client that makes us wait or hold more
 * than a fixed amount for it.
 *
 * When the guest goes its console stays until every client has had what was
 * left, or has not wanted it for a while, or too many have gone since.  Start at console_attach() and pump().
 *
 * Next: daemon/ring.c
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "vm.h"

#define CLIENTS_MAX 32 /* of one guest */
#define AHEAD_BYTES 65536 /* given to a client before it has taken any */
#define ORPHANS_MAX 64 /* consoles that have outlived their guests */
#define NOTE_MAX    700

struct client {
	TAILQ_ENTRY(client) link;
	struct console *console;
	struct bufferevent *stream;
	uint64_t at; /* place in the ring */
	uint64_t until; /* and no further; UINT64_MAX: follow */
	uint64_t note_at; /* ... where this is put in */
	char note[NOTE_MAX]; /* "" when it has been */
};

struct console {
	struct vm *vm; /* NULL: gone, and only clients are left */
	struct event_base *base;
	char name[CONF_NAME_MAX + 1];
	struct ring ring;
	struct console_log log;
	bool warned, in_line;
	struct client *writer;
	TAILQ_HEAD(, client) clients;
	unsigned int client_count;
	TAILQ_ENTRY(console) link; /* in orphans */
};

static TAILQ_HEAD(, console) orphans = TAILQ_HEAD_INITIALIZER(orphans);
static unsigned int orphan_count;

static void free_console(struct console *console)
{
	if (!console->vm) {
		TAILQ_REMOVE(&orphans, console, link);
		orphan_count--;
	}
	ring_fini(&console->ring);
	console_log_fini(&console->log);
	free(console);
}

static void free_client(struct client *client)
{
	struct console *console = client->console;

	TAILQ_REMOVE(&console->clients, client, link);
	console->client_count--;
	if (console->writer == client)
		console->writer = NULL;
	bufferevent_free(client->stream);
	free(client);
	if (!console->vm && !console->client_count)
		free_console(console);
}

static bool is_done(const struct client *client)
{
	const struct console *console = client->console;

	return client->at >= client->until ||
	       (!console->vm && client->at == console->ring.end);
}

static void say(struct client *client, const char *text)
{
	bufferevent_write(client->stream, text, strlen(text));
}

/* What the ring has overwritten before this client has taken it. */
static void skip_lost(struct client *client)
{
	const struct ring *ring = &client->console->ring;
	uint64_t to = ring->start;
	char text[80];

	if (to > client->until)
		to = client->until;
	snprintf(text, sizeof(text), "\n[... %llu bytes lost]\n",
		 (unsigned long long)(to - client->at));
	say(client, text);
	client->at = to;
}

/* The next piece for a client; false: there is none. */
static bool give_some(struct client *client)
{
	static char text[AHEAD_BYTES]; /* there is one thread */
	const struct ring *ring = &client->console->ring;
	uint64_t room = sizeof(text);
	ssize_t len;

	if (client->at < ring->start)
		skip_lost(client);
	if (*client->note && client->at >= client->note_at) {
		say(client, client->note);
		*client->note = '\0';
	}
	if (room > client->until - client->at)
		room = client->until - client->at;
	if (*client->note && room > client->note_at - client->at)
		room = client->note_at - client->at;
	len = ring_read(ring, client->at, text, (size_t)room);
	if (len <= 0)
		return false;
	client->at += (uint64_t)len;
	return bufferevent_write(client->stream, text, (size_t)len) == 0;
}

/* Give it what it has room for.  The client may be gone afterwards. */
static void pump(struct client *client)
{
	struct evbuffer *output = bufferevent_get_output(client->stream);

	while (evbuffer_get_length(output) < AHEAD_BYTES && give_some(client))
		;
	if (is_done(client) && !evbuffer_get_length(output))
		free_client(client);
}

static void pump_all(struct console *console)
{
	struct client *client, *next;

	for (client = TAILQ_FIRST(&console->clients); client; client = next) {
		next = TAILQ_NEXT(client, link);
		pump(client);
	}
}

static void tell_guest(const struct console *console)
{
	struct vm *vm = console->vm;

	if (!vm || !ring_typed(&console->ring) || vm->machine.vm < 0)
		return;
	if (bus_takes_input(vm))
		bus_input(vm);
	else if (vm->input_vector)
		lgdev_interrupt(vm->machine.vm, 0, vm->input_vector);
}

/*
 * From the writer's socket to the queue.  What the queue has no room for stops us
 * from reading more.  (A watermark would do it, and libevent would call us for
 * ever to say that it has been reached.)
 */
static void fill_queue(struct console *console)
{
	struct ring *ring = &console->ring;
	uint64_t had = ring_typed(ring);
	struct bufferevent *stream;
	struct evbuffer *input;
	char text[RING_INPUT];
	int len;

	if (!console->writer || !console->vm)
		return;
	stream = console->writer->stream;
	input = bufferevent_get_input(stream);
	len = evbuffer_remove(input, text, (size_t)(RING_INPUT - had));
	if (len > 0)
		ring_type(ring, text, (size_t)len); /* there is room */
	if (evbuffer_get_length(input))
		bufferevent_disable(stream, EV_READ);
	else
		bufferevent_enable(stream, EV_READ);
}

/* The same, and the guest hears of the first. */
static void take_input(struct console *console)
{
	bool had = console_has_input(console);

	fill_queue(console);
	if (!had)
		tell_guest(console);
}

static void drop_input(struct client *client)
{
	struct evbuffer *input = bufferevent_get_input(client->stream);

	evbuffer_drain(input, evbuffer_get_length(input));
	bufferevent_enable(client->stream, EV_READ);
}

static void on_readable(struct bufferevent *stream, void *arg)
{
	struct client *client = arg;

	(void)stream;
	if (client->console->writer == client)
		take_input(client->console);
	else
		drop_input(client);
}

static void on_written(struct bufferevent *stream, void *arg)
{
	(void)stream;
	pump(arg);
}

/* Hung up, broken, or too slow to see the end of a guest that is gone. */
static void on_event(struct bufferevent *stream, short what, void *arg)
{
	(void)stream;
	(void)what;
	free_client(arg);
}

struct console *console_new(struct vm *vm, int ring, struct why *why)
{
	struct console *console = calloc(1, sizeof(*console));
	int r = -ENOMEM;

	if (console && ring >= 0)
		r = ring_adopt(&console->ring, ring, why);
	else if (console)
		r = ring_create(&console->ring, vm_name(vm), why);
	else
		why_say(why, r, "%s: console: no memory", vm_name(vm));
	if (r < 0) {
		free(console);
		return NULL;
	}
	console->vm = vm;
	console->base = vm->lguestd->base;
	snprintf(console->name, sizeof(console->name), "%s", vm_name(vm));
	TAILQ_INIT(&console->clients);
	console_log_init(&console->log, vm);
	return console;
}

/* The last client takes its console along. */
static void free_oldest(void)
{
	unsigned int left = orphan_count;

	while (orphan_count == left)
		free_client(TAILQ_FIRST(&TAILQ_FIRST(&orphans)->clients));
}

void console_free(struct console *console)
{
	const struct timeval linger = {
		.tv_sec = vm_timing.linger_ms / 1000,
		.tv_usec = vm_timing.linger_ms % 1000 * 1000,
	};
	struct client *client;

	if (!console)
		return;
	console_log_fini(&console->log);
	if (!console->client_count) {
		free_console(console);
		return;
	}
	console->vm = NULL;
	if (orphan_count == ORPHANS_MAX)
		free_oldest();
	TAILQ_INSERT_TAIL(&orphans, console, link);
	orphan_count++;
	TAILQ_FOREACH(client, &console->clients, link) {
		bufferevent_set_timeouts(client->stream, NULL, &linger);
		/* Nobody takes what is typed now: it would only be kept. */
		bufferevent_disable(client->stream, EV_READ);
	}
	pump_all(console);
}

void console_close_all(void)
{
	while (orphan_count)
		free_oldest();
}

int console_ring_fd(const struct console *console)
{
	return console->ring.fd;
}

void console_print(struct console *console, const char *text, size_t len)
{
	int r;

	if (!len)
		return;
	console->in_line = text[len - 1] != '\n';
	console_log_write(&console->log, console->name, text, len);
	r = ring_write(&console->ring, text, len);
	if (r < 0 && !console->warned)
		log_say(LOG_LEVEL_WARNING, console->name,
			"console: text is lost: %s", strerror(-r));
	console->warned = r < 0;
	pump_all(console);
}

void console_note(struct console *console, const char *fmt, ...)
{
	char said[NOTE_MAX - CONF_NAME_MAX - 8], text[NOTE_MAX];
	va_list args;
	int len;

	va_start(args, fmt);
	vsnprintf(said, sizeof(said), fmt, args);
	va_end(args);
	len = snprintf(text, sizeof(text), "%s[%s: %s]\n",
		       console->in_line ? "\n" : "", console->name, said);
	console_print(console, text, (size_t)len);
}

int console_getc(struct console *console)
{
	int byte;

	/* Who has a device for it does not ask byte by byte as well. */
	if (bus_takes_input(console->vm))
		return -1;
	byte = ring_getc(&console->ring);
	take_input(console);
	return byte;
}

size_t console_read(struct console *console, char *to, size_t room)
{
	size_t len = ring_take(&console->ring, to, room);

	/* Who asks sees for himself whether there is more. */
	fill_queue(console);
	return len;
}

uint64_t console_printed(const struct console *console)
{
	return console->ring.end;
}

bool console_has_input(const struct console *console)
{
	return ring_typed(&console->ring) > 0;
}

void console_adopted(struct console *console)
{
	tell_guest(console);
}

void console_restarted(struct console *console)
{
	ring_forget_typed(&console->ring);
	/* One who filled the queue is not read from, until this goes too. */
	if (console->writer)
		drop_input(console->writer);
}

/* Why there may be nothing to see, for one who has just come. */
static void explain(struct client *client, const struct vm *vm)
{
	const struct ring *ring = &client->console->ring;
	const char *name = vm_name(vm), *why = vm_why(vm);

	client->note_at = ring->end;
	if (vm_state(vm) != VM_RUNNING)
		snprintf(client->note, sizeof(client->note), "%s[%s: %s%s%s]\n",
			 client->console->in_line ? "\n" : "", name,
			 vm_state_name(vm_state(vm)), *why ? ": " : "", why);
	else if (ring->start == ring->end)
		snprintf(client->note, sizeof(client->note),
			 "[%s: no output yet]\n", name);
}

static struct client *new_client(struct console *console, int fd)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->console = console;
	client->stream = bufferevent_socket_new(console->base, fd,
						BEV_OPT_CLOSE_ON_FREE);
	if (!client->stream) {
		free(client);
		return NULL;
	}
	bufferevent_setcb(client->stream, on_readable, on_written, on_event,
			  client);
	if (bufferevent_enable(client->stream, EV_READ | EV_WRITE) < 0) {
		bufferevent_setfd(client->stream, -1); /* it is not ours yet */
		bufferevent_free(client->stream);
		free(client);
		return NULL;
	}
	return client;
}

/* One who has written until now goes on as a watcher, and knows it. */
static void become_writer(struct client *client)
{
	struct console *console = client->console;
	char text[NOTE_MAX];

	if (console->writer) {
		snprintf(text, sizeof(text),
			 "\n[%s: somebody else writes now, you watch]\n",
			 console->name);
		say(console->writer, text);
		drop_input(console->writer);
	}
	console->writer = client;
}

/* With its input full it is not listened to, and may be gone unnoticed. */
static bool has_hung_up(const struct client *client)
{
	struct pollfd poller = { .fd = bufferevent_getfd(client->stream) };

	return poll(&poller, 1, 0) == 1 && poller.revents & (POLLHUP | POLLERR);
}

int console_attach(struct vm *vm, int fd, const struct console_client *wish,
		   struct why *why)
{
	struct console *console = vm->console;
	struct client *client;

	if (wish->write && console->writer && has_hung_up(console->writer))
		free_client(console->writer);
	if (wish->write && console->writer && !wish->force)
		return why_say(why, -EBUSY, "%s: console: somebody else writes",
			       vm_name(vm));
	if (console->client_count >= CLIENTS_MAX)
		return why_say(why, -EBUSY, "%s: console: %u are watching",
			       vm_name(vm), CLIENTS_MAX);
	if (evutil_make_socket_nonblocking(fd) < 0)
		return why_say(why, -EBADF, "%s: console: not a socket",
			       vm_name(vm));
	client = new_client(console, fd);
	if (!client)
		return why_say(why, -ENOMEM, "%s: console: no memory",
			       vm_name(vm));
	TAILQ_INSERT_TAIL(&console->clients, client, link);
	console->client_count++;
	client->at = console->ring.start;
	client->until = wish->follow ? UINT64_MAX : console->ring.end;
	explain(client, vm);
	if (wish->write)
		become_writer(client);
	pump(client);
	return 0;
}
