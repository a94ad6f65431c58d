// SPDX-License-Identifier: GPL-2.0-only
/*
 * client.c - one call over the control socket, and what came of it
 *
 * A reply is read up to its NUL and not a byte further, since what follows it
 * may be a guest's console.  There is no daemon until it has answered: one that
 * cannot be reached, or hangs up, or answers with something else, is a status of
 * its own, and never mistaken for a guest that is not there.
 *
 * Next: daemon/lgctl/guest_file.c
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lgctl.h"

#define PROMPT_S  60
#define REPLY_MAX (64U << 20) /* bytes; a list of all guests is long */

static const struct {
	const char *error;
	enum proto_exit status;
} statuses[] = {
	{ PROTO_E_NO_GUEST, EXIT_NO_GUEST }, { PROTO_E_STATE, EXIT_STATE },
	{ PROTO_E_DENIED, EXIT_DENIED },     { PROTO_E_INVALID, EXIT_INVALID },
	{ PROTO_E_TIMEOUT, EXIT_TIMEOUT },   { PROTO_E_CRASHED, EXIT_CRASHED },
};

int client_open(const struct lgctl *ctl, enum proto_exit *ret_status)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = { .tv_sec = PROMPT_S };
	const char *hint = "";
	int err;

	*ret_status = EXIT_UNREACHABLE;
	if (strlen(ctl->socket) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
	} else if (sock >= 0) {
		strcpy(addr.sun_path, ctl->socket);
		setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience,
			   sizeof(patience));
		if (!connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
			return sock;
	}
	err = errno;
	if (err == ENOENT || err == ECONNREFUSED)
		hint = ": is it running? (try: systemctl start lguestd)";
	else if (err == EACCES || err == EPERM)
		hint = ": are you in group lguest?";
	if (*hint == ':' && (err == EACCES || err == EPERM))
		*ret_status = EXIT_DENIED;
	if (!ctl->mute)
		say_error(*ret_status, "lguestd: cannot connect to '%s': %s%s",
			  ctl->socket, strerror(err), hint);
	if (sock >= 0)
		close(sock);
	return -1;
}

json_t *client_named(const char *guest)
{
	return json_pack("{s:s}", "name", guest);
}

static enum proto_exit say_hung_up(int err)
{
	return say_error(EXIT_UNREACHABLE,
			 "lguestd: hung up before it answered%s%s (guests that "
			 "run go on; try again)",
			 err ? ": " : "", err ? strerror(err) : "");
}

/* All of it; the descriptors go with the first byte. */
static int send_all(int sock, const char *text, size_t len, const int *fds,
		    size_t fd_count)
{
	union {
		char room[CMSG_SPACE(PROTO_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = { .room = "" };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)text,
			     .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	ssize_t n;

	if (fd_count) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
	}
	while (iov.iov_len) {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		iov.iov_base = (char *)iov.iov_base + n;
		iov.iov_len -= (size_t)n;
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
	}
	return 0;
}

enum proto_exit client_send(int sock, const char *method, json_t *parameters,
			    const int *fds, size_t fd_count)
{
	json_t *call = json_pack("{s:s+,s:o*}", "method", PROTO_PREFIX, method,
				 "parameters", parameters);
	char *text = call ? json_dumps(call, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) + 1 : 0;
	int r;

	json_decref(call);
	if (!text)
		return say_error(EXIT_FAILED, "no memory");
	if (len > PROTO_MESSAGE_MAX) {
		free(text);
		return say_error(EXIT_FAILED,
				 "%s: the message is too long (%zu bytes)",
				 method, len);
	}
	r = send_all(sock, text, len, fds, fd_count);
	free(text);
	return r < 0 ? say_hung_up(-r) : EXIT_DONE;
}

/*
 * The second call's bytes come with the last one of the first, so that lguestd
 * serves both before anything else can happen.
 */
enum proto_exit client_send_both(int sock, const char *method,
				 json_t *parameters, const int *fds,
				 size_t fd_count, const char *then,
				 const char *guest)
{
	json_t *call = json_pack("{s:s+,s:o}", "method", PROTO_PREFIX, method,
				 "parameters", parameters);
	char *text = call ? json_dumps(call, JSON_COMPACT) : NULL;
	char second[256];
	int r, len;

	json_decref(call);
	if (!text)
		return say_error(EXIT_FAILED, "no memory");
	len = snprintf(second, sizeof(second),
		       "%c{\"method\":\"" PROTO_PREFIX
		       "%s\",\"parameters\":{\"name\":\"%s\"}}",
		       '\0', then, guest);
	r = send_all(sock, text, strlen(text), fds, fd_count);
	if (r == 0)
		r = send_all(sock, second, (size_t)len + 1, NULL, 0);
	free(text);
	return r < 0 ? say_hung_up(-r) : EXIT_DONE;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Up to the NUL, which is taken; 1, 0 at the end of all, or -errno. */
static int read_some(int sock, char **text, size_t *len)
{
	char buf[65536], *more;
	const char *nul;
	ssize_t n = recv(sock, buf, sizeof(buf), MSG_PEEK);
	size_t take;

	if (n <= 0)
		return n ? -errno : -ECONNRESET;
	nul = memchr(buf, 0, (size_t)n);
	take = nul ? (size_t)(nul - buf) + 1 : (size_t)n;
	if (*len + take > REPLY_MAX)
		return -EMSGSIZE;
	more = realloc(*text, *len + take);
	if (!more)
		return -ENOMEM;
	*text = more;
	n = recv(sock, *text + *len, take, 0);
	if (n < 0)
		return -errno;
	*len += (size_t)n;
	return nul ? 1 : 0;
}

/* A whole reply in *ret_text, or -errno; -ETIMEDOUT. */
static int read_reply(int sock, int timeout_s, char **ret_text)
{
	int64_t start_ms = now_ms(), left_ms;
	struct pollfd poll_sock = { .fd = sock, .events = POLLIN };
	char *text = NULL;
	size_t len = 0;
	int r;

	do {
		left_ms = start_ms + timeout_s * 1000LL - now_ms();
		if (timeout_s < 0)
			left_ms = -1;
		else if (left_ms < 0)
			left_ms = 0;
		r = poll(&poll_sock, 1, (int)left_ms);
		if (r == 0)
			r = -ETIMEDOUT;
		else
			r = r < 0 ? -errno : read_some(sock, &text, &len);
	} while (r == 0 || r == -EINTR);
	if (r < 0) {
		free(text);
		return r;
	}
	*ret_text = text;
	return 0;
}

/* Complaints have lines of their own, with the place and a caret. */
static void say_reply(const char *guest, const struct reply *reply)
{
	const char *text = json_string_value(
		json_object_get(reply->parameters, "message"));
	const char *more = json_string_value(
		json_object_get(reply->parameters, "complaints"));
	size_t len = guest ? strlen(guest) : 0;

	text = text ? text : reply->error;
	/* Some sentences name the guest already. */
	if (guest && !strncmp(text, guest, len) &&
	    !strncmp(text + len, ": ", 2))
		text += len + 2;
	if (guest)
		say_error(reply->status, "vm '%s': %s", guest, text);
	else
		say_error(reply->status, "%s", text);
	if (more)
		fputs(more, stderr);
}

/* The text is a reply; or it is not, and who sent it is no lguestd. */
static int parse_reply(const char *text, struct reply *reply)
{
	const char *error;
	size_t i;

	reply->message = json_loads(text, 0, NULL);
	reply->parameters = json_object_get(reply->message, "parameters");
	if (!json_is_object(reply->parameters))
		return -EPROTO;
	error = json_string_value(json_object_get(reply->message, "error"));
	if (!error)
		return 0;
	reply->status = EXIT_FAILED;
	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (!strcmp(error, statuses[i].error))
			reply->status = statuses[i].status;
	reply->error = strncmp(error, PROTO_PREFIX, strlen(PROTO_PREFIX))
			       ? error
			       : error + strlen(PROTO_PREFIX);
	return 0;
}

enum proto_exit client_receive(int sock, const char *guest, int timeout_s,
			       struct reply *ret_reply)
{
	struct reply reply = { .status = EXIT_DONE };
	bool promptly = timeout_s == CLIENT_PROMPTLY;
	char *text = NULL;
	int r = read_reply(sock, promptly ? PROMPT_S : timeout_s, &text);

	memset(ret_reply, 0, sizeof(*ret_reply));
	ret_reply->status = EXIT_UNREACHABLE;
	if (r == -ETIMEDOUT && promptly)
		return say_error(EXIT_UNREACHABLE,
				 "lguestd: no answer for %d s", PROMPT_S);
	if (r == -ETIMEDOUT)
		return ret_reply->status = EXIT_TIMEOUT;
	if (r < 0)
		return say_hung_up(r == -ECONNRESET ? 0 : -r);
	r = parse_reply(text, &reply);
	free(text);
	if (r < 0) {
		json_decref(reply.message);
		return say_error(EXIT_UNREACHABLE,
				 "lguestd: answers with something that is no "
				 "answer");
	}
	if (reply.error)
		say_reply(guest, &reply);
	*ret_reply = reply;
	return reply.status;
}

void reply_fini(struct reply *reply)
{
	json_decref(reply->message);
	memset(reply, 0, sizeof(*reply));
}

enum proto_exit client_call(const struct lgctl *ctl, const char *guest,
			    const char *method, json_t *parameters,
			    int timeout_s, struct reply *ret_reply)
{
	struct reply reply = { .message = NULL };
	enum proto_exit status;
	int sock = client_open(ctl, &status);

	if (sock < 0) {
		json_decref(parameters);
	} else {
		status = client_send(sock, method, parameters, NULL, 0);
		if (status == EXIT_DONE)
			status = client_receive(sock, guest, timeout_s, &reply);
		close(sock);
	}
	if (status == EXIT_TIMEOUT && !reply.error)
		say_error(status, "vm '%s': waited %d s in vain", guest,
			  timeout_s);
	if (ret_reply)
		*ret_reply = reply;
	else
		reply_fini(&reply);
	return status;
}
