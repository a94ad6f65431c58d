// SPDX-License-Identifier: GPL-2.0-only
/*
 * net_user.c - passt, the way out of a host that lets no frame out
 *
 * passt makes connections of its own out of what a guest sends, as any program
 * may, so it needs nothing of the host: no interface, no forwarding, no rule.
 * There is one for each network of a guest's, at the other end of a socket, and
 * it ends when our end is closed.
 *
 * It cannot be a child of ours, since it would have all that we have given up:
 * what it is made of are the network's sockets and namespaces of its own.  So
 * systemd starts it, a service beside the guest's scope in machine.slice, as the
 * user that runners are.  It goes on while we are replaced, and its frames wait
 * in the socket.
 *
 * What must never happen: that a guest gets at what listens on this host's
 * loopback, which passt would make of its router's address unless told not to.
 *
 * Where we stand: network.c wants such a network, or has found its own shut in.
 *
 * Next: daemon/net_link.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "network.h"
#include "virtio/net.h"
#include "vm.h"

#define PASST    "/usr/bin/passt"
#define ARGS_MAX 32
#define TRIES    500 /* for the bus to be there */
#define TRY_MS   20

/* What systemd will be told once the bus is up; its fd is in the message. */
struct order {
	struct lguestd *lguestd;
	sd_bus_message *message;
	unsigned int tries;
	char guest[CONF_NAME_MAX + 1];
};

int user_possible(struct lguestd *lguestd, unsigned int mtu, struct why *why)
{
	if (access(PASST, X_OK) < 0)
		return why_say(why, -errno,
			       PASST ": %s (Debian's package is called passt)",
			       strerror(errno));
	if (mtu > NET_STREAM_MTU_MAX)
		return why_say(why, -EINVAL,
			       "passt: an mtu of %u is more than %u", mtu,
			       NET_STREAM_MTU_MAX);
	if (!scope_bus(lguestd))
		return why_say(why, -EOPNOTSUPP,
			       "passt: there is no systemd to start it");
	if (!link_has_way_out())
		return why_say(why, -ENETUNREACH,
			       "passt: this host has no default route");
	return 0;
}

/* ---- the message ---- */

struct args {
	const char *word[ARGS_MAX];
	unsigned int count;
};

static void add_arg(struct args *args, const char *option, const char *value)
{
	args->word[args->count++] = option;
	if (value)
		args->word[args->count++] = value;
}

/* Value of an option, for as long as the message is being put together. */
static const char *address_text(struct in_addr address)
{
	static char rooms[8][INET_ADDRSTRLEN];
	static unsigned int next;

	return inet_ntop(AF_INET, &address, rooms[next++ % 8], INET_ADDRSTRLEN);
}

static void add_args(struct args *args, const struct dhcp_lease *lease)
{
	static char mtu[8];
	unsigned int i;

	snprintf(mtu, sizeof(mtu), "%u", lease->mtu);
	add_arg(args, PASST, NULL);
	add_arg(args, "--foreground", NULL);
	add_arg(args, "--quiet", NULL);
	add_arg(args, "--ipv4-only", NULL);
	add_arg(args, "--no-map-gw", NULL);
	add_arg(args, "--address", address_text(lease->address));
	add_arg(args, "--netmask", address_text(lease->netmask));
	add_arg(args, "--gateway", address_text(lease->router));
	add_arg(args, "--mtu", mtu);
	for (i = 0; i < lease->dns_count; i++)
		add_arg(args, "--dns", address_text(lease->dns[i]));
	if (!lease->dns_count)
		add_arg(args, "--dns", "none");
	add_arg(args, "--search", "none");
	add_arg(args, "--fd", "0");
}

static int add_command(sd_bus_message *message, const struct args *args)
{
	unsigned int i;
	int r;

	r = sd_bus_message_open_container(message, 'r', "sv");
	if (r >= 0)
		r = sd_bus_message_append(message, "s", "ExecStart");
	if (r >= 0)
		r = sd_bus_message_open_container(message, 'v', "a(sasb)");
	if (r >= 0)
		r = sd_bus_message_open_container(message, 'a', "(sasb)");
	if (r >= 0)
		r = sd_bus_message_open_container(message, 'r', "sasb");
	if (r >= 0)
		r = sd_bus_message_append(message, "s", PASST);
	if (r >= 0)
		r = sd_bus_message_open_container(message, 'a', "s");
	for (i = 0; r >= 0 && i < args->count; i++)
		r = sd_bus_message_append(message, "s", args->word[i]);
	if (r >= 0)
		r = sd_bus_message_close_container(message);
	if (r >= 0)
		r = sd_bus_message_append(message, "b", 0);
	for (i = 0; r >= 0 && i < 4; i++)
		r = sd_bus_message_close_container(message);
	return r;
}

static int add_properties(sd_bus_message *message, const struct vm *vm,
			  unsigned int number, int fd)
{
	const char *user = vm->lguestd->conf->runner_user ?: "nobody";
	char description[CONF_NAME_MAX + 32];
	int r;

	snprintf(description, sizeof(description), "lguest guest %s, net%u",
		 vm_name(vm), number);
	r = sd_bus_message_append(message, "(sv)(sv)(sv)(sv)(sv)",
				  "Description", "s", description, "Slice", "s",
				  "machine.slice", "CollectMode", "s",
				  "inactive-or-failed", "User", "s", user,
				  "NoNewPrivileges", "b", 1);
	/* At the host's end lguestd comes first, and turns guests off. */
	if (r >= 0)
		r = sd_bus_message_append(
			message, "(sv)(sv)(sv)(sv)", "Description", "s",
			description, "Slice", "s", "machine.slice",
			"CollectMode", "s", "inactive-or-failed", "User", "s",
			user);
	/* It has a root of its own when it has started; this is until then. */
	if (r >= 0)
		r = sd_bus_message_append(message, "(sv)(sv)(sv)",
					  "NoNewPrivileges", "b", 1,
					  "ProtectSystem", "s", "strict",
					  "ProtectHome", "s", "yes");
	/* At the host's end lguestd comes first, and turns guests off. */
	if (r >= 0)
		r = sd_bus_message_append(
			message, "(sv)(sv)(sv)(sv)", "Before", "as", 1,
			"lguestd.service", "StandardOutput", "s", "journal",
			"StandardError", "s", "journal",
			"StandardInputFileDescriptor", "h", fd);
	return r;
}

static int make_message(struct vm *vm, unsigned int number,
			const struct dhcp_lease *lease, int fd,
			sd_bus_message **ret_message)
{
	/* No two have a name in common, even if the one before still ends. */
	static unsigned int serial;
	sd_bus_message *message = NULL;
	struct args args = { .count = 0 };
	char unit[UNIT_ROOM], kind[48];
	int r;

	snprintf(kind, sizeof(kind), "net%u-%u.service", number, ++serial);
	scope_name_unit(unit, vm, (int)getpid(), kind);
	add_args(&args, lease);
	r = sd_bus_message_new_method_call(
		scope_bus(vm->lguestd), &message, SYSTEMD, SYSTEMD_PATH,
		SYSTEMD_MANAGER, "StartTransientUnit");
	if (r >= 0)
		r = sd_bus_message_append(message, "ss", unit, "fail");
	if (r >= 0)
		r = sd_bus_message_open_container(message, 'a', "(sv)");
	if (r >= 0)
		r = add_properties(message, vm, number, fd);
	if (r >= 0)
		r = add_command(message, &args);
	if (r >= 0)
		r = sd_bus_message_close_container(message);
	if (r >= 0)
		r = sd_bus_message_append(message, "a(sa(sv))", 0);
	if (r >= 0)
		*ret_message = message;
	else
		sd_bus_message_unref(message);
	return r;
}

/* ---- said, when the bus is up ---- */

static void forget(struct order *order, const char *problem)
{
	/* The socket goes with the message, and the link is down by that. */
	if (problem)
		log_say(LOG_LEVEL_WARNING, order->guest,
			"passt: not started: %s", problem);
	sd_bus_message_unref(order->message);
	free(order);
}

static int on_answer(sd_bus_message *reply, void *arg, sd_bus_error *error)
{
	const sd_bus_error *said = sd_bus_message_get_error(reply);

	(void)error;
	forget(arg, said ? said->message : NULL);
	return 0;
}

/* To speak with descriptors before it is up would be to wait until it is. */
static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval later = { .tv_usec = TRY_MS * 1000L };
	struct order *order = arg;
	sd_bus *bus = sd_bus_message_get_bus(order->message);
	int r = sd_bus_is_ready(bus);

	(void)fd;
	(void)what;
	if (r == 0 && order->tries++ < TRIES) {
		r = event_base_once(order->lguestd->base, -1, EV_TIMEOUT,
				    on_turn, order, &later);
		if (r < 0)
			forget(order, "no memory");
		return;
	}
	if (r == 0)
		r = -ETIMEDOUT;
	if (r > 0)
		r = sd_bus_call_async(bus, NULL, order->message, on_answer,
				      order, 0);
	scope_said();
	if (r < 0)
		forget(order, strerror(-r));
}

int user_open(struct vm *vm, unsigned int number,
	      const struct dhcp_lease *lease, int *ret_fd, struct why *why)
{
	struct order *order = calloc(1, sizeof(*order));
	int r, fds[2];

	if (!order)
		return why_say(why, -ENOMEM, "passt: no memory");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		r = -errno;
		free(order);
		return why_say(why, r, "passt: %s", strerror(-r));
	}
	r = make_message(vm, number, lease, fds[1], &order->message);
	close(fds[1]);
	if (r < 0) {
		free(order);
		close(fds[0]);
		return why_say(why, r, "passt: %s", strerror(-r));
	}
	order->lguestd = vm->lguestd;
	snprintf(order->guest, sizeof(order->guest), "%s", vm_name(vm));
	on_turn(-1, 0, order);
	*ret_fd = fds[0];
	return 0;
}
