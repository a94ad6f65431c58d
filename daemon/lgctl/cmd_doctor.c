// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmd_doctor.c - doctor: what works here, and what to do about the rest
 *
 * A line for each thing that guests need, and behind an arrow what would mend
 * it.  It is for when nothing works, so it relies on nothing: no daemon, no
 * root, no module.  In what order things are looked at is run_checks().
 *
 * Next: daemon/lgctl/doctor_host.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "doctor.h"
#include "lgctl.h"

/* ---- what the checks are given ---- */

void doctor_say(struct doctor *doctor, enum verdict verdict, const char *about,
		const char *todo, const char *fmt, ...)
{
	struct finding *finding;
	va_list ap;

	if (doctor->count == DOCTOR_MAX)
		return;
	finding = &doctor->findings[doctor->count++];
	finding->verdict = verdict;
	finding->about = about;
	snprintf(finding->todo, sizeof(finding->todo), "%s",
		 verdict != VERDICT_OK && todo ? todo : "");
	va_start(ap, fmt);
	vsnprintf(finding->text, sizeof(finding->text), fmt, ap);
	va_end(ap);
}

const char *doctor_path(const struct doctor *doctor, const char *path,
			char *buf, size_t len)
{
	snprintf(buf, len, "%s%s", doctor->root, path);
	return buf;
}

bool doctor_has(const struct doctor *doctor, const char *path)
{
	char buf[512];

	return access(doctor_path(doctor, path, buf, sizeof(buf)), F_OK) == 0;
}

int doctor_read(const struct doctor *doctor, const char *path, char *buf,
		size_t len)
{
	char where[512];
	ssize_t got;
	int fd;

	buf[0] = '\0';
	fd = open(doctor_path(doctor, path, where, sizeof(where)),
		  O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, buf, len - 1);
	close(fd);
	if (got < 0)
		return -EIO;
	buf[got] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

char *doctor_line(const struct doctor *doctor, const char *path,
		  const char *start)
{
	char where[512], *line = NULL, *rest = NULL;
	size_t size = 0;
	FILE *file;

	file = fopen(doctor_path(doctor, path, where, sizeof(where)), "re");
	while (file && !rest && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, start, strlen(start)))
			rest = strdup(line + strlen(start));
	}
	free(line);
	if (file)
		fclose(file);
	return rest;
}

/* ---- the daemon ---- */

/* Can it be reached at all?  A connection, or a finding and -1. */
static int reach(struct doctor *doctor)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *todo = "systemctl enable --now lguestd.socket";
	int err = 0, sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	doctor_path(doctor, doctor->socket, to.sun_path, sizeof(to.sun_path));
	if (sock >= 0 &&
	    connect(sock, (struct sockaddr *)&to, sizeof(to)) == 0) {
		close(sock);
		return 0;
	}
	err = errno;
	if (err == EACCES)
		todo = "adduser YOU lguest, and log in again";
	else if (err == ECONNREFUSED)
		todo = "systemctl restart lguestd.socket";
	doctor_say(doctor, VERDICT_FAIL, "daemon", todo, "%s: %s",
		   doctor->socket, strerror(err));
	if (sock >= 0)
		close(sock);
	return -1;
}

/* A sentence of the daemon's: "lg.ko: what is wrong (try: what helps)" */
static void say_no_device(struct doctor *doctor, const char *why)
{
	const char *try = strstr(why, " (try: ");
	size_t len = try ? (size_t)(try - why) : strlen(why);
	char todo[160] = "";

	if (try)
		snprintf(todo, sizeof(todo), "%s", try + strlen(" (try: "));
	todo[strcspn(todo, ")")] = '\0';
	doctor_say(doctor, VERDICT_FAIL, "daemon", todo,
		   "lguestd can start no guest: %.*s", (int)len, why);
}

static void judge_info(struct doctor *doctor, json_t *info)
{
	json_t *device = json_object_get(info, "device");
	const char *version =
		json_string_value(json_object_get(info, "version"));
	const char *why = json_string_value(json_object_get(device, "why"));

	doctor_say(
		doctor, VERDICT_OK, "daemon", NULL,
		"lguestd %s answers, pid %lld, guests: %lld",
		version ? version : "?",
		(long long)json_integer_value(json_object_get(info, "pid")),
		(long long)json_integer_value(json_object_get(info, "guests")));
	if (why && *why)
		say_no_device(doctor, why);
}

#define ANSWER_S 10 /* it may have to be started first */

static void check_daemon(struct doctor *doctor, const struct lgctl *ctl)
{
	struct lgctl quiet = *ctl;
	struct reply reply = { 0 };

	if (reach(doctor) < 0)
		return;
	quiet.quiet = true;
	if (client_call(&quiet, NULL, "Daemon.GetInfo", json_object(), ANSWER_S,
			&reply) == EXIT_DONE)
		judge_info(doctor, reply.parameters);
	else
		doctor_say(doctor, VERDICT_FAIL, "daemon",
			   "journalctl -u lguestd", "lguestd does not answer");
	reply_fini(&reply);
}

/* ---- the command ---- */

static void run_checks(struct doctor *doctor, const struct lgctl *ctl)
{
	if (doctor_read(doctor, "/proc/sys/kernel/osrelease", doctor->release,
			sizeof(doctor->release)) < 0)
		snprintf(doctor->release, sizeof(doctor->release), "?");
	doctor->loaded = doctor_has(doctor, "/sys/module/lg");

	doctor_cpu(doctor);
	doctor_below(doctor);
	doctor_kernel(doctor);
	doctor_leaks(doctor);
	doctor_memory(doctor);
	doctor_module(doctor);
	doctor_device(doctor);
	doctor_users(doctor);
	doctor_systemd(doctor);
	check_daemon(doctor, ctl);
}

static const char *const verdict_names[] = { "ok", "warn", "fail" };

static enum verdict worst_of(const struct doctor *doctor)
{
	enum verdict worst = VERDICT_OK;
	unsigned int i;

	for (i = 0; i < doctor->count; i++)
		if (doctor->findings[i].verdict > worst)
			worst = doctor->findings[i].verdict;
	return worst;
}

static void print_json(const struct doctor *doctor)
{
	json_t *checks = json_array();
	unsigned int i;

	for (i = 0; i < doctor->count; i++) {
		const struct finding *finding = &doctor->findings[i];

		json_array_append_new(checks,
				      json_pack("{ss ss ss ss}", "about",
						finding->about, "verdict",
						verdict_names[finding->verdict],
						"text", finding->text, "todo",
						finding->todo));
	}
	say_json(json_pack("{ss so}", "verdict",
			   verdict_names[worst_of(doctor)], "checks", checks));
}

static void print_text(const struct doctor *doctor)
{
	static const char *const sums[] = {
		"Guests can run here.",
		"Guests can run here; look at the warnings.",
		"Guests cannot run here yet: see what failed.",
	};
	char shown[1024];
	unsigned int i;

	for (i = 0; i < doctor->count; i++) {
		const struct finding *finding = &doctor->findings[i];

		printf("%-5s%-9s%s%s%s\n", verdict_names[finding->verdict],
		       finding->about,
		       conf_show(finding->text, shown, sizeof(shown)),
		       finding->todo[0] ? " -> " : "", finding->todo);
	}
	printf("%s\n", sums[worst_of(doctor)]);
}

static enum proto_exit run_doctor(struct lgctl *ctl, int argc, char **argv)
{
	struct doctor *doctor = calloc(1, sizeof(*doctor));
	enum proto_exit status;

	(void)argc;
	(void)argv;
	if (!doctor)
		return say_error(EXIT_FAILED, "out of memory");
	doctor->root = ctl->root ? ctl->root : "";
	doctor->socket = ctl->socket;
	run_checks(doctor, ctl);
	if (ctl->json)
		print_json(doctor);
	else
		print_text(doctor);
	status = worst_of(doctor) == VERDICT_FAIL ? EXIT_FAILED : EXIT_DONE;
	free(doctor);
	return status;
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.operands = "",
	.min = 0,
	.max = 0,
	.options = "R",
	.help = "say what works here and what to do about the rest",
	.run = run_doctor,
};
