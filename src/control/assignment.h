/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * assignment: what the server assigns a site (tun): addresses, routes, DNS.
 *
 * Keeps the last of it and asks the monitor to act on it, which looks at it
 * with its own eyes and may refuse.  One ask at a time, and a second between
 * two: a server that changes its mind all the time is not passed on.  DNS is
 * set after the routes, once its servers can be reached.
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
 * All of it is in force: `why` is NULL.  Or the session cannot go on: for `why`
 * (borrowed), which the monitor said when it `refused`.
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

/* A welcome or an update: copied, and acted on as soon as may be. */
void assignment_take(struct assignment *assignment, const struct message *msg,
    struct mono now);
/* Every second while the session is up. */
void assignment_tick(struct assignment *assignment, struct mono now);
/* The connection is gone: no callback comes.  What was set stays set. */
void assignment_forget(struct assignment *assignment);
/* The session is over: the monitor takes back what goes with it. */
void assignment_down(struct assignment *assignment);

#endif /* ASSIGNMENT_H */
