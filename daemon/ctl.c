// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctl.c - the control socket: who may come in, and how long he may stay
 *
 * A client is in one of a few states, and each state waits for one thing: for
 * bytes of a message, for the answer to be known, for room to write it.  So a
 * client has one call at a time, one event, one message each way, and nothing
 * it does can make us hold more than that.
 *
 * What must never happen: that a client who is silent, slow, mute or mad costs
 * others their answers.  Each turn of the loop does one call of one client; half
 * a message and an answer nobody reads are given LATE_S seconds; who is idle
 * when places are short loses his; what all of them together make us hold has a
 * limit; and when descriptors run out we look
 * away from the door for a second instead of asking again and again.
 *
 * Where we stand: main.c has called ctl_open() before it dropped its privileges.
 * Whoever can open the socket may do everything; its mode says who that is.
 * message.c has the bytes, request.c what they mean.  Read from ctl_on_accept().
 *
 * Long because a client's states and all that leads from one to another are here.
 *
 * Next: daemon/listen.c
 */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "lguestd.h"

#define CLIENTS_MAX  1024
#define CLIENTS_ROOT 16 /* more, for root, who must get in to look */
#define ACCEPT_BATCH 16 /* each turn */
#define LATE_S       30

enum client_state {
	CLIENT_READING, /* the next message is not whole yet */
	CLIENT_FETCHING, /* fetch.c looks at the descriptors with it */
	CLIENT_SERVED, /* request.c has its call */
	CLIENT_WRITING, /* the answer is on its way */
	CLIENT_LEAVING, /* the same, and then we hang up */
	CLIENT_GIVEN, /* its socket has gone elsewhere */
};

struct client {
	struct call call;
	struct message message;
	struct fetch *fetch; /* CLIENT_FETCHING */
	TAILQ_ENTRY(client) link;
	struct event event; /* what its state waits for */
	enum client_state state;
	int fd;
	char *answer; /* JSON and its NUL */
	size_t answer_len, answer_sent;
};

static struct {
	int fd;
	struct event *accept, *pause;
	bool paused;
	int lock; /* -1: systemd's; else the path is ours, to be removed */
	TAILQ_HEAD(, client) clients;
	unsigned int count;
} door = { .fd = -1, .lock = -1 };

static void ctl_on_readable(evutil_socket_t fd, short what, void *arg);
static void ctl_on_closed(evutil_socket_t fd, short what, void *arg);
static void ctl_on_writable(evutil_socket_t fd, short what, void *arg);

static struct client *client_of(struct call *call)
{
	return (struct client *)((char *)call - offsetof(struct client, call));
}

/* The only one who changes a client's state; from then on it waits for that. */
static void set_state(struct client *client, enum client_state state)
{
	static const struct {
		short what;
		event_callback_fn call;
	} waits[] = {
		[CLIENT_READING] = { EV_READ, ctl_on_readable },
		[CLIENT_FETCHING] = { 0, NULL },
		[CLIENT_SERVED] = { EV_CLOSED, ctl_on_closed },
		[CLIENT_WRITING] = { EV_WRITE, ctl_on_writable },
		[CLIENT_LEAVING] = { EV_WRITE, ctl_on_writable },
		[CLIENT_GIVEN] = { 0, NULL },
	};
	struct timeval late = { .tv_sec = LATE_S };
	bool hurry =
		waits[state].what == EV_WRITE ||
		(state == CLIENT_READING && message_begun(&client->message));

	/* Who has been idle for longest is the first of those who are. */
	if (state == CLIENT_READING && client->state != CLIENT_READING) {
		TAILQ_REMOVE(&door.clients, client, link);
		TAILQ_INSERT_TAIL(&door.clients, client, link);
	}
	client->state = state;
	if (event_initialized(&client->event))
		event_del(&client->event);
	if (!waits[state].call)
		return;
	event_assign(&client->event, client->call.lguestd->base, client->fd,
		     waits[state].what, waits[state].call, client);
	event_add(&client->event, hurry ? &late : NULL);
}

static void drop_client(struct client *client)
{
	wait_drop(&client->call);
	shutdown_drop(&client->call);
	if (client->fetch)
		fetch_drop(client->fetch);
	event_del(&client->event);
	message_fini(&client->message, &client->call);
	message_charge(-(ssize_t)client->answer_len);
	free(client->answer);
	if (client->state != CLIENT_GIVEN)
		close(client->fd);
	TAILQ_REMOVE(&door.clients, client, link);
	door.count--;
	if (door.paused)
		event_active(door.pause, EV_TIMEOUT, 0);
	free(client);
}

/* As a sentence about a client starts, for the log. */
static void say_client(const struct client *client, const char *what)
{
	log_say(LOG_LEVEL_WARNING, NULL, "client: %s (pid %d, uid %u)", what,
		(int)client->call.pid, (unsigned int)client->call.uid);
}

/* Write what will go; a client may be gone after this. */
static void write_answer(struct client *client)
{
	ssize_t n = send(client->fd, client->answer + client->answer_sent,
			 client->answer_len - client->answer_sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		drop_client(client);
		return;
	}
	if (n > 0)
		client->answer_sent += (size_t)n;
	if (client->answer_sent < client->answer_len) {
		set_state(client, client->state);
		return;
	}
	message_charge(-(ssize_t)client->answer_len);
	free(client->answer);
	client->answer = NULL;
	client->answer_len = client->answer_sent = 0;
	if (client->state == CLIENT_LEAVING) {
		drop_client(client);
		return;
	}
	/* More calls may have come with the last one: their turn comes. */
	set_state(client, CLIENT_READING);
	if (message_whole(&client->message))
		event_active(&client->event, EV_READ, 0);
}

/* We end: what the socket does not take at once is lost. */
static void write_last(struct client *client)
{
	send(client->fd, client->answer + client->answer_sent,
	     client->answer_len - client->answer_sent,
	     MSG_NOSIGNAL | MSG_DONTWAIT);
	drop_client(client);
}

static void ctl_on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;

	(void)fd;
	if (what & EV_TIMEOUT) {
		say_client(client, "hung up: it does not read its answer");
		drop_client(client);
		return;
	}
	write_answer(client);
}

/* The answer waits for a guest, and nobody waits for the answer any more. */
static void ctl_on_closed(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	drop_client(arg);
}

/* The answer is {"parameters": ...}, with "error" before it if it is one. */
static void answer(struct call *call, const char *error, json_t *parameters)
{
	struct client *client = client_of(call);
	json_t *json = json_object();
	char *text = NULL;

	assert(client->state == CLIENT_SERVED && !client->answer);
	if (error)
		json_object_set_new(json, "error", json_string(error));
	if (parameters && json_object_set_new(json, "parameters", parameters))
		text = NULL;
	else
		text = json_dumps(json, JSON_COMPACT);
	json_decref(json);

	client->answer = text;
	client->answer_len = text ? strlen(text) + 1 : 0;
	if (!text || message_charge((ssize_t)client->answer_len) < 0) {
		say_client(client, "hung up: no memory for its answer");
		client->answer_sent = client->answer_len; /* nothing to say */
		set_state(client, CLIENT_LEAVING);
		return;
	}
	set_state(client, CLIENT_WRITING);
}

void call_reply(struct call *call, json_t *parameters)
{
	answer(call, NULL, parameters ? parameters : json_object());
}

void call_error_with(struct call *call, const char *error, json_t *parameters)
{
	struct client *client = client_of(call);

	log_say(LOG_LEVEL_DEBUG, NULL, "client: %s: %s: %s (pid %d)",
		call->method, error + strlen(PROTO_PREFIX),
		json_string_value(json_object_get(parameters, "message")),
		(int)call->pid);
	answer(call, error, parameters);
	/* Whoever does not speak our language would only go on with that. */
	if (!strcmp(error, PROTO_E_BAD_MESSAGE))
		set_state(client, CLIENT_LEAVING);
}

void call_error(struct call *call, const char *error, const char *fmt, ...)
{
	char text[1024];
	va_list args;
	json_t *json;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	json = json_string(text);
	if (!json)
		json = json_string("not a sentence in UTF-8");
	call_error_with(call, error, json_pack("{s:o}", "message", json));
}

int call_fd(struct call *call)
{
	struct client *client = client_of(call);

	/* Bytes meant for a guest must not have come before we said yes. */
	return client->message.len ? -1 : client->fd;
}

/*
 * The yes goes out at once and before anything else, which it can: the socket is
 * empty, as one call's answer was read before the next call was made.  If it is
 * not, this client has not waited for answers, and does not get this one.
 */
void call_given(struct call *call)
{
	static const char yes[] = "{\"parameters\":{}}";
	struct client *client = client_of(call);

	assert(client->state == CLIENT_SERVED);
	if (send(client->fd, yes, sizeof(yes), MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    sizeof(yes))
		shutdown(client->fd, SHUT_RDWR);
	set_state(client, CLIENT_GIVEN);
}

/* One message is whole: it is a call, or a reason to hang up. */
static void serve(struct client *client)
{
	struct call *call = &client->call;
	const char *bad;

	set_state(client, CLIENT_SERVED);
	bad = message_take(&client->message, call);
	if (bad)
		call_error(call, PROTO_E_BAD_MESSAGE, "%s", bad);
	else
		request_serve(call);
	message_done(call);

	if (client->state == CLIENT_GIVEN)
		drop_client(client);
	else if (client->state != CLIENT_SERVED)
		write_answer(client);
}

static void go_on(struct client *client)
{
	if (message_whole(&client->message))
		serve(client);
	else
		set_state(client, CLIENT_READING);
}

static void ctl_on_fetched(void *arg, const int *fds, size_t count,
			   const char *why)
{
	struct client *client = arg;

	client->fetch = NULL;
	message_fetched(&client->message, fds, count, why);
	go_on(client);
}

static void fetch(struct client *client)
{
	set_state(client, CLIENT_FETCHING);
	client->fetch =
		fetch_start(client->call.lguestd->base, client->fd,
			    client->message.due, ctl_on_fetched, client);
	if (!client->fetch)
		ctl_on_fetched(client, NULL, 0,
			       "message: nobody is left to look at its "
			       "descriptors");
}

static void ctl_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;
	int r = 0;

	if (what & EV_TIMEOUT) {
		say_client(client,
			   "hung up: half a message, and no more of it");
		drop_client(client);
		return;
	}
	if (!message_whole(&client->message))
		r = message_receive(&client->message, fd);
	if (r > 0)
		fetch(client);
	else if (r < 0 && r != -EAGAIN)
		drop_client(client);
	else
		go_on(client);
}

/* The client is told, if it will listen, and has not become one. */
static void refuse(int fd, const char *why)
{
	char text[256];
	int len = snprintf(text, sizeof(text),
			   "{\"error\":\"%s\",\"parameters\":{\"message\":"
			   "\"%s\"}}",
			   PROTO_E_FAILED, why);

	send(fd, text, (size_t)len + 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
	log_say(LOG_LEVEL_DEBUG, NULL, "client: refused: %s", why);
}

/* It has begun nothing, and sent nothing we have not seen; or it has gone. */
static bool is_idle(const struct client *client)
{
	char byte;

	return client->state == CLIENT_READING &&
	       !message_begun(&client->message) &&
	       recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 1;
}

/*
 * A place for one more: that of whoever has been idle for longest.  Who has a
 * call pending or an answer to read keeps his, and consoles are not counted.
 */
static bool make_place(void)
{
	struct client *client;

	TAILQ_FOREACH(client, &door.clients, link) {
		if (!is_idle(client))
			continue;
		log_say(LOG_LEVEL_DEBUG, NULL,
			"client: hung up: silent, and its place is needed "
			"(pid %d, uid %u)",
			(int)client->call.pid, (unsigned int)client->call.uid);
		drop_client(client);
		return true;
	}
	return false;
}

static void add_client(struct lguestd *lguestd, int fd)
{
	struct ucred peer = { .pid = 0, .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);
	struct client *client;
	unsigned int i;

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	if (door.count >= CLIENTS_MAX + (peer.uid ? 0 : CLIENTS_ROOT) &&
	    !make_place()) {
		refuse(fd, "too many clients are connected (1024)");
		return;
	}
	client = calloc(1, sizeof(*client));
	if (!client) {
		refuse(fd, "no memory for another client");
		return;
	}
	client->fd = fd;
	client->call.lguestd = lguestd;
	client->call.pid = peer.pid;
	client->call.uid = peer.uid;
	for (i = 0; i < PROTO_FDS_MAX; i++)
		client->call.fds[i] = -1;
	TAILQ_INSERT_TAIL(&door.clients, client, link);
	door.count++;
	set_state(client, CLIENT_READING);
}

static void ctl_on_accept(evutil_socket_t listener, short what, void *arg)
{
	static const struct timeval later = { .tv_sec = 1 };
	int i, fd;

	(void)what;
	for (i = 0; i < ACCEPT_BATCH; i++) {
		fd = accept4(listener, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			add_client(arg, fd);
			continue;
		}
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		if (!door.paused)
			log_say(LOG_LEVEL_WARNING, NULL,
				"control socket: no one gets in for now: %s",
				strerror(errno));
		door.paused = true;
		event_del(door.accept);
		event_add(door.pause, &later);
		return;
	}
}

static void ctl_on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	door.paused = false;
	event_del(door.pause);
	event_add(door.accept, NULL);
}

int ctl_open(struct lguestd *lguestd, int fd, struct why *why)
{
	int flags;

	TAILQ_INIT(&door.clients);
	if (fd < 0)
		fd = listen_at(lguestd, &door.lock, why);
	if (fd < 0)
		return fd;
	door.fd = fd;
	flags = fcntl(fd, F_GETFL);
	door.accept = event_new(lguestd->base, fd, EV_READ | EV_PERSIST,
				ctl_on_accept, lguestd);
	door.pause = evtimer_new(lguestd->base, ctl_on_pause_over, lguestd);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    !door.accept || !door.pause || event_add(door.accept, NULL))
		return why_say(why, -ENOMEM, "control socket: no memory");
	return 0;
}

void ctl_close(struct lguestd *lguestd)
{
	struct client *client;

	if (door.fd < 0)
		return;
	event_free(door.accept);
	door.paused = false;
	while ((client = TAILQ_FIRST(&door.clients))) {
		/* Who was told that all is over should hear it. */
		if (client->state == CLIENT_WRITING)
			client->state = CLIENT_LEAVING;
		if (client->state != CLIENT_LEAVING)
			drop_client(client);
		else
			write_last(client);
	}
	event_free(door.pause);
	close(door.fd);
	door.fd = -1;
	if (door.lock < 0)
		return;
	unlink(lguestd->conf->socket);
	close(door.lock); /* from here on the path is the next one's */
	door.lock = -1;
}
