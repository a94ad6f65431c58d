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
 * One reply for each call, in order.  Descriptors travel with a call's bytes
 * (SCM_RIGHTS) and are named by their index: "fds": {"kernel": 0}.
 *
 * Method              parameters                     reply
 * Daemon.GetInfo                                     version abi pid guests
 *                                                    device{offered,why,...}
 * Guests.Create       config fds [wait]              name state
 * Guests.Destroy      name                           (when it is gone)
 * Guests.Stop         name [timeout_s] [force]       (when it has stopped)
 * Guests.Pause        name
 * Guests.Resume       name
 * Guests.Reset        name
 * Guests.List                                        guests[ as Info ]
 * Guests.Info         name                           name state why pid cpus
 *                                                    memory_bytes since_us
 *                                                    restarts config stats ...
 * Guests.Wait         name [state]                   state why  (when it is so;
 *                                                    default: it has ended)
 * Guests.Console      name [write] [force]           from here on raw bytes,
 *                     [follow]                       both ways; the last 1 MiB
 *                                                    first
 * Daemon.Shutdown                                    (when all have stopped)
 *
 * "message" of an error is one sentence for a person.  Invalid has "complaints"
 * as well, the text of a struct conf_report.
 */
#ifndef PROTO_H
#define PROTO_H

#define LGUEST_VERSION "0.1"

#define PROTO_SOCKET      "/run/lguest/lguestd.sock"
#define PROTO_SOCKET_ENV  "LGUEST_SOCKET"
#define PROTO_VERSION     1
#define PROTO_MESSAGE_MAX (256 * 1024) /* bytes, the NUL included */
#define PROTO_FDS_MAX     8 /* with one message */

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
