// SPDX-License-Identifier: GPL-2.0-only
/*
 * notify.c - what systemd hears from us, and what we ask it
 *
 * It hears that we are ready, what we are doing, and twice in each interval of
 * its watchdog that our loop still turns.  Without systemd nobody listens and
 * nothing here does anything.
 *
 * It is asked one thing.  When the service is stopped, systemd runs `lguestd
 * --service-stop` first, and that must find out whether anybody means the guests:
 * in a restart they stay as they are and the next daemon adopts them; only when
 * the service is stopped for good, as it is when the machine goes down, are they
 * to be turned off.  When in doubt they stay.
 *
 * Next: daemon/sandbox.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "lguestd.h"

#define MANAGER      "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"

void notify_status(struct lguestd *lguestd)
{
	sd_notifyf(0, "STATUS=%u guest%s%s%s%s", lguestd->vm_count,
		   lguestd->vm_count == 1 ? "" : "s",
		   lguestd->stopping ? ", being turned off" : "",
		   lguestd->device < 0 ? "; cannot start any: " : "",
		   lguestd->device < 0 ? lguestd->device_why.text : "");
}

void notify_ready(struct lguestd *lguestd)
{
	notify_status(lguestd);
	sd_notify(0, "READY=1");
}

static void notify_on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	sd_notify(0, "WATCHDOG=1");
	notify_status(arg);
}

int notify_watchdog(struct lguestd *lguestd)
{
	static struct event event;
	struct timeval half;
	uint64_t usec;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return 0;
	half.tv_sec = (time_t)(usec / 2 / 1000000);
	half.tv_usec = (suseconds_t)(usec / 2 % 1000000);
	event_assign(&event, lguestd->base, -1, EV_PERSIST, notify_on_watchdog,
		     lguestd);
	return event_add(&event, &half);
}

/* ---- lguestd --service-stop ---- */

/* systemd's own door first: at the end of the day the bus may be gone. */
static int open_manager(sd_bus **ret_bus)
{
	sd_bus *bus = NULL;
	int r = sd_bus_new(&bus);

	if (r >= 0)
		r = sd_bus_set_address(bus, "unix:path=/run/systemd/private");
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r >= 0) {
		*ret_bus = bus;
		return 0;
	}
	sd_bus_unref(bus);
	return sd_bus_open_system(ret_bus);
}

/* What kind of job has the unit?  "" if it has none. */
static int ask_job(sd_bus *bus, const char *unit, char *job, size_t len)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *message = NULL;
	const char *job_path;
	char *path = NULL, *type = NULL;
	uint32_t id;
	int r;

	r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path);
	if (r >= 0)
		r = sd_bus_get_property(bus, MANAGER, path, MANAGER ".Unit",
					"Job", &error, &message, "(uo)");
	if (r >= 0)
		r = sd_bus_message_read(message, "(uo)", &id, &job_path);
	*job = '\0';
	if (r >= 0 && id)
		r = sd_bus_get_property_string(bus, MANAGER, job_path,
					       MANAGER ".Job", "JobType",
					       &error, &type);
	if (r >= 0 && type)
		snprintf(job, len, "%s", type);
	if (r < 0)
		fprintf(stderr, "lguestd: service-stop: %s: %s\n", unit,
			error.message ? error.message : strerror(-r));
	free(type);
	free(path);
	sd_bus_message_unref(message);
	sd_bus_error_free(&error);
	return r;
}

/* Is the service stopped for good?  A machine that goes down stops it too. */
static bool meant(void)
{
	char *unit = NULL, *system = NULL;
	char job[32] = "";
	sd_bus *bus = NULL;
	bool down = false;
	int r = open_manager(&bus);

	if (r < 0) {
		fprintf(stderr, "lguestd: service-stop: systemd: %s\n",
			strerror(-r));
		return false;
	}
	sd_pid_get_unit(0, &unit);
	r = ask_job(bus, unit ? unit : "lguestd.service", job, sizeof(job));
	if (sd_bus_get_property_string(bus, MANAGER, MANAGER_PATH,
				       MANAGER ".Manager", "SystemState", NULL,
				       &system) >= 0)
		down = !strcmp(system, "stopping");
	printf("lguestd: service-stop: the job is '%s', the system is %s\n",
	       job, system ? system : "in a state unknown");
	free(system);
	free(unit);
	sd_bus_unref(bus);
	return down || (r >= 0 && !strcmp(job, "stop"));
}

/* The answer comes when all guests have gone, so this is where we wait. */
static int call_shutdown(int fd)
{
	static const char call[] =
		"{\"method\":\"" PROTO_PREFIX "Daemon.Shutdown\"}";
	char answer[512];
	size_t len = 0;
	ssize_t n;

	if (send(fd, call, sizeof(call), MSG_NOSIGNAL) != sizeof(call))
		return -errno;
	do {
		n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && !memchr(answer, 0, len) && len < sizeof(answer) - 1);
	answer[len] = '\0';
	if (n <= 0)
		return n ? -errno : -ECONNRESET;
	if (!strstr(answer, "\"error\""))
		return 0;
	fprintf(stderr, "lguestd: service-stop: %s\n", answer);
	return -EPROTO;
}

static int shut_down(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int r, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		r = -errno;
	else
		r = call_shutdown(fd);
	if (r < 0)
		fprintf(stderr, "lguestd: service-stop: '%s': %s\n", path,
			strerror(-r));
	if (fd >= 0)
		close(fd);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

int notify_service_stop(const char *path)
{
	/*
	 * systemd runs us also when the daemon has ended by itself, as it does
	 * after Daemon.Shutdown, and tells us of no process then.  systemd has
	 * its socket still: who called would wait for an answer from nobody.
	 */
	if (getenv("INVOCATION_ID") && !getenv("MAINPID"))
		return EXIT_DONE;
	if (!meant())
		return EXIT_DONE;
	return shut_down(path);
}
