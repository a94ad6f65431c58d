// SPDX-License-Identifier: GPL-2.0-only
/*
 * ctl-wait.c - answers that wait, and those who do not wait for them
 *
 * A call that waits ties a client to a guest, and either may go first.  Whoever
 * is left must neither look for the other nor keep anything of it.
 */
#define _GNU_SOURCE
#include "peer.h"

#define INFO "{\"method\":\"org.lguest.Daemon.GetInfo\"}"
#define CALL(method, parameters) \
	"{\"method\":\"org.lguest." method "\",\"parameters\":{" parameters "}}"
#define WEB(method) CALL("Guests." method, "\"name\":\"web\"")

#define WAITERS 50

static void create(const char *wait)
{
	char call[512];

	snprintf(call, sizeof(call),
		 CALL("Guests.Create",
		      "\"config\":{\"name\":\"web\",\"kernel\":\"/k\"},"
		      "\"fds\":{\"kernel\":0},\"wait\":%s"),
		 wait);
	peer_call_fd(call, peer_path("k"));
}

/* Until its script has come to where it has a power button. */
static void wait_for_button(void)
{
	while (!strstr(peer_call(WEB("Info")), "\"power_button\":true"))
		usleep(10000);
}

static void check_ends(void)
{
	int waiting[WAITERS], i, heard = 0;
	int before = peer_fds_settled();

	create("true");
	ok(peer_said("\"running\""), "create answers when the guest runs");
	create("true");
	ok(peer_said("WrongState"), "and one of a name is enough");

	wait_for_button();
	for (i = 0; i < WAITERS; i++) {
		waiting[i] = peer_connect();
		peer_say(waiting[i], WEB("Wait"));
	}
	for (i = 0; i < WAITERS; i += 2)
		close(waiting[i]);
	peer_call(WEB("Stop"));
	ok(peer_said("\"gone\"") && peer_said("\"crashed\":false"),
	   "stop answers when it has stopped");
	for (i = 1; i < WAITERS; i += 2) {
		heard += peer_hears(waiting[i], "\"gone\"");
		close(waiting[i]);
	}
	is((unsigned int)heard, WAITERS / 2,
	   "all who waited for the end and stayed have heard of it");
	ok(peer_fds_are(before), "and nothing is left of those who went");
}

static void check_one_at_a_time(void)
{
	static const char three[] = WEB("Wait") "\0" INFO "\0" WEB("Info");
	int sock = peer_connect();
	struct pollfd poll_sock = { .fd = sock, .events = POLLIN };

	create("true");
	ok(send(sock, three, sizeof(three), 0) == sizeof(three) &&
		   peer_alive() && poll(&poll_sock, 1, 0) == 0,
	   "a call behind one that waits waits as well");
	peer_call(WEB("Destroy"));
	ok(peer_said("\"gone\""), "destroy answers when the guest has gone");
	ok(peer_hears(sock, "\"gone\""), "then the first is answered");
	ok(peer_hears(sock, "\"version\""), "then the second");
	ok(peer_hears(sock, "NoSuchGuest"),
	   "and the third, by what is so then");
	close(sock);
}

static void check_states(void)
{
	static const char early[] = WEB("Console") "\0more";
	int sock = peer_connect(), gone = peer_connect();

	create("true");
	peer_call(
		CALL("Guests.Wait", "\"name\":\"web\",\"state\":\"running\""));
	ok(peer_said("\"running\""), "a state that is already so is answered");
	peer_call(CALL("Guests.Wait", "\"name\":\"web\",\"state\":\"happy\""));
	ok(peer_said("never 'happy'"), "one that there is not is refused");
	peer_say(gone,
		 CALL("Guests.Wait", "\"name\":\"web\",\"state\":\"paused\""));
	if (send(sock, early, sizeof(early) - 1, 0) < 0)
		bail_out("send: %s", strerror(errno));
	ok(peer_hears(sock, "more bytes before its answer") && peer_gone(sock),
	   "what is typed before the console is there is not lost, but "
	   "refused");
	peer_call(WEB("Destroy"));
	ok(peer_hears(gone, "Failed") && peer_said("destroyed"),
	   "who waits for a state that cannot come is told so");
	close(sock);
	close(gone);
}

static void check_failed_start(void)
{
	peer_write("k", "fail this is no kernel\n");
	create("true");
	ok(peer_said("this is no kernel") && peer_said("Failed"),
	   "a kernel that is none is create's failure");
	create("false");
	ok(peer_said("\"starting\""), "unless one does not wait for it");
	/* Its name is free when it has failed, and not before. */
	while (!strstr(peer_call(WEB("Info")), "NoSuchGuest"))
		usleep(10000);
}

/*
 * Stop was answered at once with "waiting", as if nothing had been done; and the
 * guest went a moment later.  It is off already and is to stay so: the answer
 * comes when it has, and that it crashed before is not how it ended.
 */
static void check_stop_of_waiting(void)
{
	/* The one before, whom nobody has waited for, still has that name. */
	do
		peer_call(WEB("Info"));
	while (!peer_said("NoSuchGuest"));
	peer_write("k", "crash boom\n");
	peer_call_fd(CALL("Guests.Create",
			  "\"config\":{\"name\":\"web\",\"kernel\":\"/k\","
			  "\"on_crash\":\"restart\"},"
			  "\"fds\":{\"kernel\":0}"),
		     peer_path("k"));
	do
		peer_call(WEB("Info"));
	while (!strstr(peer_reply, "\"waiting\"") ||
	       strstr(peer_reply, "\"restarts\":0,"));
	peer_call(WEB("Stop"));
	ok(peer_said("\"gone\"") && peer_said("\"crashed\":false") &&
		   peer_said("stopped before it was started again"),
	   "stop of one that waits for its next start: it stays off");
	peer_call(WEB("Info"));
	ok(peer_said("NoSuchGuest"), "and it is no more when that is answered");
}

/* Shutdown ends guests of all kinds; the daemon follows by itself. */
static void check_shutdown(void)
{
	int first = peer_connect(), second = peer_connect(), status;

	peer_write("k", "power 40\nwait\npoweroff\n");
	create("true");
	wait_for_button();
	peer_say(first, "{\"method\":\"org.lguest.Daemon.Shutdown\"}");
	peer_say(second, "{\"method\":\"org.lguest.Daemon.Shutdown\"}");
	ok(!strcmp(peer_hear(first), "{\"parameters\":{}}"),
	   "shutdown answers when all have gone");
	/* Or it came when the last guest had gone, and so had lguestd. */
	ok(strcmp(peer_hear(second), "{\"parameters\":{}}") <= 0,
	   "everybody who asked for it in time");
	ok(waitpid(peer_daemon, &status, 0) == peer_daemon && status == 0,
	   "and lguestd ends, as it should");
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	/* The second restart in a row is ten minutes away. */
	setenv("FAKE_TIMES", "600000 600000", 1);
	peer_start(/* nofile= */ 0);
	peer_write("k", "power 40\nprint hello\nwait\npoweroff\n");
	peer_alive();
	check_ends();
	check_one_at_a_time();
	check_states();
	check_failed_start();
	check_stop_of_waiting();
	check_shutdown();
	return tap_end();
}
