/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proto.h - the control socket: what lgctl and lguestd say to each other
 *
 * A stream socket.  A message is a JSON object and a NUL, as in varlink:
 *
 *	{"method": "org.lguest.Guests.Stop", "parameters": {"name": "web"}}
 *	{"parameters": {}}
 *	{"error": "org.lguest.NoSuchGuest", "parameters": {"message": "..."}}
 *
 * One reply for each call, in order, and no second call is looked at before the
 * first has its reply.  Who closes or shuts down its side has gone: a call that
 * waits is dropped, what it asked for is done all the same.  Nothing but method
 * and parameters is in a call, nothing but the table's is in parameters.
 *
 * Descriptors travel with a call's bytes (SCM_RIGHTS), PROTO_FDS_MAX at most, and
 * are named by their index: "fds": {"kernel": 0, "disk0": 1}.  They belong to the
 * call in which the last of the bytes they were sent with lies; each must be
 * named.  They are taken by a process apart; one that does not answer makes the
 * call a BadMessage.
 *
 * Method              parameters                     reply
 * Daemon.GetInfo                                     version protocol abi pid
 *                                                    guests stopping
 *                                                    device{offered,why,...}
 * Guests.Create       config fds [wait] [paused]     name state (wait: as Wait,
 *                                                    when it runs; paused: when
 *                                                    it could)
 * Guests.Destroy      name                           as Wait (when it is gone)
 * Guests.Stop         name [timeout_s] [force]       as Wait (when it has
 *                                                    stopped; force: destroyed
 *                                                    if it has not in time)
 * Guests.Pause        name
 * Guests.Resume       name
 * Guests.Reset        name
 * Guests.Balloon      name memory_bytes              (it shall do with so much)
 * Guests.Resize       name columns rows              (of who sees its console)
 * Guests.List                                        guests[ as Info ]
 * Guests.Info         name                           name state why pid cpus
 *                                                    memory_bytes since_us
 *                                                    restarts config stats ...
 * Guests.Wait         name [state]                   name state why crashed
 *                                                    (when it is so; default:
 *                                                    it has ended)
 * Guests.Console      name [write] [force]           from here on raw bytes,
 *                     [follow]                       both ways; the last 1 MiB
 *                                                    first
 * Daemon.Shutdown                                    (when all have stopped;
 *                                                    then lguestd ends)
 *
 * "message" of an error is one sentence for a person.  Invalid has "complaints"
 * as well, the text of a struct conf_report.
 *
 * lguestd hangs up after BadMessage, and on who leaves a message half sent or a
 * reply unread for half a minute.  It takes 1024 clients, and some more of root's;
 * when there are so many, the one that has been idle for longest makes room.
 */
#ifndef PROTO_H
#define PROTO_H

#define LGUEST_VERSION "0.1"

#define PROTO_SOCKET      "/run/lguest/lguestd.sock"
#define PROTO_SOCKET_ENV  "LGUEST_SOCKET"
#define PROTO_VERSION     1
#define PROTO_MESSAGE_MAX (256 * 1024) /* bytes, the NUL included */
#define PROTO_FDS_MAX     16 /* with one message */

#define PROTO_PREFIX "org.lguest."

/* Errors, and lgctl's exit code for each. */
#define PROTO_E_FAILED      PROTO_PREFIX "Failed" /* 1 */
#define PROTO_E_NO_METHOD   PROTO_PREFIX "NoSuchMethod" /* 1 */
#define PROTO_E_BAD_MESSAGE PROTO_PREFIX "BadMessage" /* 1, and hangs up */
#define PROTO_E_NO_GUEST    PROTO_PREFIX "NoSuchGuest" /* 3 */
#define PROTO_E_STATE       PROTO_PREFIX "WrongState" /* 4, exists as well */
#define PROTO_E_DENIED      PROTO_PREFIX "Denied" /* 5 */
#define PROTO_E_INVALID     PROTO_PREFIX "Invalid" /* 6 */
#define PROTO_E_TIMEOUT     PROTO_PREFIX "TimedOut" /* 8 */
#define PROTO_E_CRASHED     PROTO_PREFIX "Crashed" /* 9 */

/* lgctl's exit codes; 7 is left alone, it means "stopped" to cluster agents. */
enum proto_exit {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_GUEST = 3,
	EXIT_STATE = 4,
	EXIT_DENIED = 5,
	EXIT_INVALID = 6,
	EXIT_TIMEOUT = 8,
	EXIT_CRASHED = 9,
	EXIT_UNREACHABLE = 10,
};

#endif /* PROTO_H */
