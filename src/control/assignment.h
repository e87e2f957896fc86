/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * assignment: what the server assigns a site (tun): addresses, routes, DNS.
 *
 * Keeps the last assignment and asks the monitor to apply it; the monitor
 * checks it and may refuse.  Sends one request at a time, at most one a second,
 * so that a server that keeps changing it does not load the monitor.  DNS is
 * set after the routes, once its servers are reachable.
 */
#ifndef ASSIGNMENT_H
#define ASSIGNMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mono.h"

struct message;
struct monitor_ask;
struct prefix;

/*
 * `why` is NULL when all of it is in force.  Otherwise the session cannot
 * continue: `why` (borrowed) is the reason, the monitor's if it `refused`.
 */
typedef void assignment_done(void *arg, bool refused, const char *why);

struct assignment {
	struct monitor_ask *monitor;
	bool		    is_tun; /* else all of this does nothing */
	assignment_done	   *on_done;
	void		   *arg;

	struct prefix *addresses, *routes, *dns; /* owned */
	size_t	       naddresses, nroutes, ndns, ndomains;
	char	     **domains; /* owned */
	bool	       is_new, asking;
	struct mono    ask_next; /* not before */
};

/* Everything is borrowed. */
void assignment_init(struct assignment *assignment,
    struct monitor_ask *monitor, bool is_tun, assignment_done *on_done,
    void *arg);

/* Copies a welcome or an update, and applies it as soon as possible. */
void assignment_take(struct assignment *assignment, const struct message *msg,
    struct mono now);
/* Every second while the session is up. */
void assignment_tick(struct assignment *assignment, struct mono now);
/* The connection is gone: no callback follows.  What was set stays. */
void assignment_forget(struct assignment *assignment);
/* The session is over: the monitor removes what belongs to it. */
void assignment_down(struct assignment *assignment);

#endif /* ASSIGNMENT_H */
