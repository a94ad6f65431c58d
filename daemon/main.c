// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - lguestd: the table of contents
 *
 * start() is everything that happens before the loop turns, in order: whatever
 * needs a privilege comes before the privileges go, and whatever a client could
 * say comes after.  stop() is the way out, and a short one, because it is not the
 * end of the guests: their vcpus run in processes of their own, and what they are
 * made of is in systemd's keeping until a daemon after us adopts them.  So
 * SIGTERM only lets go.  Who means the guests as well says Daemon.Shutdown.
 *
 * In the foreground there is nobody to adopt them, and SIGTERM means them too.
 *
 * Where we stand: lgctl has a message, and somebody has to be there to read it.
 *
 * Next: daemon/autostart.c
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "lguestd.h"

#define CONFIG "/etc/lguest/lguestd.yaml"

/* It has left guests to the next of us, and so there must be one. */
#define EXIT_GUESTS 75

/* Not on the stack, so that what is still there at the end counts as in use. */
static struct lguestd lguestd;

static struct {
	const char *config; /* NULL: CONFIG, if it is there */
	enum log_level level;
	bool foreground, check_config, service_stop;
} options = { .level = LOG_LEVEL_INFO };

/* ---- options ---- */

static const char usage[] =
	"usage: lguestd [OPTION]...\n"
	"Starts lguest's guests and keeps them.  lgctl talks to it.\n"
	"\n"
	"  -c, --config FILE      instead of " CONFIG "\n"
	"  -f, --foreground       for a terminal: when it ends, guests end "
	"too\n"
	"      --log-level LEVEL  err, warning, info (default) or debug\n"
	"      --check-config     read the configuration, complain, and end\n"
	"      --service-stop     for systemd: guests end if the service does\n"
	"      --version          say which lguest this is\n"
	"      --help             say this\n";

static enum log_level parse_level(const char *word)
{
	if (!strcmp(word, "err"))
		return LOG_LEVEL_ERR;
	if (!strcmp(word, "warning"))
		return LOG_LEVEL_WARNING;
	if (!strcmp(word, "info"))
		return LOG_LEVEL_INFO;
	if (!strcmp(word, "debug"))
		return LOG_LEVEL_DEBUG;
	fprintf(stderr,
		"lguestd: --log-level '%s': not err, warning, info or debug\n",
		word);
	exit(EXIT_USAGE);
}

static void parse_options(int argc, char **argv)
{
	static const struct option table[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "log-level", required_argument, NULL, 'l' },
		{ "check-config", no_argument, NULL, 'k' },
		{ "service-stop", no_argument, NULL, 's' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "c:f", table, NULL)) != -1) {
		switch (opt) {
		case 'c':
			options.config = optarg;
			break;
		case 'f':
			options.foreground = true;
			break;
		case 'l':
			options.level = parse_level(optarg);
			break;
		case 'k':
			options.check_config = true;
			break;
		case 's':
			options.service_stop = true;
			break;
		case 'V':
			printf("lguestd " LGUEST_VERSION "\n");
			exit(EXIT_DONE);
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_DONE);
		default:
			fprintf(stderr, "lguestd: see lguestd --help\n");
			exit(EXIT_USAGE);
		}
	}
	if (optind == argc)
		return;
	fprintf(stderr,
		"lguestd: '%s': takes no such word, see lguestd --help\n",
		argv[optind]);
	exit(EXIT_USAGE);
}

/* ---- configuration ---- */

/* Complaints go to stderr, which a journal reads as well as a person. */
static int read_config(struct conf_daemon **ret_conf)
{
	struct conf_report report = { .text = NULL };
	const char *path = options.config;
	int r;

	if (!path && (access(CONFIG, F_OK) == 0 || errno != ENOENT))
		path = CONFIG;
	r = conf_daemon_read(path, &report, ret_conf);
	if (r < 0)
		fputs(report.text ? report.text : "lguestd: no memory\n",
		      stderr);
	conf_report_fini(&report);
	return r;
}

/* Guests are not to be lost at a stop because a file was spoilt since. */
static int read_config_to_stop(struct conf_daemon **ret_conf)
{
	struct conf_report report = { .text = NULL };
	int r = read_config(ret_conf);

	if (r == 0)
		return 0;
	fputs("lguestd: service-stop: takes the default socket\n", stderr);
	r = conf_daemon_read(NULL, &report, ret_conf);
	conf_report_fini(&report);
	return r;
}

static void main_on_reload(evutil_socket_t fd, short what, void *arg)
{
	struct conf_daemon *conf;

	(void)fd;
	(void)what;
	(void)arg;
	sd_notify(0, "RELOADING=1");
	if (read_config(&conf) < 0) {
		log_say(LOG_LEVEL_ERR, NULL,
			"config: not valid, the old one stays in force");
	} else {
		if (strcmp(conf->socket, lguestd.conf->socket) != 0)
			log_say(LOG_LEVEL_WARNING, NULL,
				"config: socket: changes at the next start");
		free(conf->socket);
		conf->socket = lguestd.conf->socket;
		lguestd.conf->socket = NULL;
		conf_daemon_free(lguestd.conf);
		lguestd.conf = conf;
		log_say(LOG_LEVEL_INFO, NULL, "config: read again");
	}
	notify_ready(&lguestd);
}

/* ---- start and stop ---- */

static void main_on_goodbye(evutil_socket_t signo, short what, void *arg)
{
	static bool before;

	(void)what;
	(void)arg;
	if (options.foreground && lguestd.vm_count && !before) {
		before = true;
		shutdown_start(&lguestd);
		return;
	}
	log_say(LOG_LEVEL_INFO, NULL, "ends: %s", strsignal(signo));
	event_base_loopbreak(lguestd.base);
}

static void watch_signals(void)
{
	static struct event term, interrupt, hangup;

	signal(SIGPIPE, SIG_IGN);
	evsignal_assign(&term, lguestd.base, SIGTERM, main_on_goodbye, NULL);
	evsignal_assign(&interrupt, lguestd.base, SIGINT, main_on_goodbye,
			NULL);
	evsignal_assign(&hangup, lguestd.base, SIGHUP, main_on_reload, NULL);
	evsignal_add(&term, NULL);
	evsignal_add(&interrupt, NULL);
	evsignal_add(&hangup, NULL);
}

/* systemd's socket among what it passed us; the others are guests'. */
static int find_socket(void)
{
	int i, count = sd_listen_fds(0);

	for (i = SD_LISTEN_FDS_START; i < SD_LISTEN_FDS_START + count; i++)
		if (sd_is_socket_unix(i, SOCK_STREAM, 1, NULL, 0) > 0)
			return i;
	return -1;
}

/* Without a device we serve all the same, and say what is missing. */
static void open_device(void)
{
	lguestd.device = -1;
	if (!vm_device(&lguestd))
		log_say(LOG_LEVEL_WARNING, NULL, "no guest can start: %s",
			lguestd.device_why.text);
}

static int start(void)
{
	struct why why = { .text = "" };

	TAILQ_INIT(&lguestd.vms);
	lguestd.base = event_base_new();
	if (!lguestd.base) {
		log_say(LOG_LEVEL_ERR, NULL, "no memory");
		return -ENOMEM;
	}
	watch_signals();
	if (ctl_open(&lguestd, find_socket(), &why) < 0) {
		log_say(LOG_LEVEL_ERR, NULL, "%s", why.text);
		return -EADDRINUSE;
	}
	disks_open(&lguestd);
	sandbox_enter();
	open_device();
	vm_adopt_all(&lguestd);
	networks_settle(&lguestd);
	autostart(&lguestd);
	notify_watchdog(&lguestd);
	notify_ready(&lguestd);
	log_say(LOG_LEVEL_INFO, NULL,
		"ready: lguestd " LGUEST_VERSION ", %u guests",
		lguestd.vm_count);
	return 0;
}

/* Returns the exit status. */
static int stop(void)
{
	int status = lguestd.vm_count && getenv("NOTIFY_SOCKET") ? EXIT_GUESTS
								 : EXIT_DONE;

	sd_notify(0, "STOPPING=1");
	ctl_close(&lguestd);
	if (lguestd.vm_count && !getenv("NOTIFY_SOCKET"))
		log_say(LOG_LEVEL_WARNING, NULL,
			"%u guests are lost: without systemd nobody keeps them "
			"for the next lguestd",
			lguestd.vm_count);
	else if (lguestd.vm_count)
		log_say(LOG_LEVEL_INFO, NULL,
			"%u guests go on, and wait for the next lguestd",
			lguestd.vm_count);
	vm_detach_all(&lguestd);
	disks_close(&lguestd);
	conf_daemon_free(lguestd.conf);
	return status;
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	log_init("lguestd", options.level);
	if ((options.service_stop ? read_config_to_stop(&lguestd.conf)
				  : read_config(&lguestd.conf)) < 0)
		return EXIT_INVALID;
	if (options.check_config || options.service_stop) {
		int r = options.check_config
				? EXIT_DONE
				: notify_service_stop(lguestd.conf->socket);

		conf_daemon_free(lguestd.conf);
		return r;
	}
	if (start() < 0)
		return EXIT_FAILED;
	event_base_dispatch(lguestd.base);
	return stop();
}
