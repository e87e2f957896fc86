/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connector: how a satellite reaches its server; delivers a connected socket.
 *
 * A round takes the servers of the configuration in their order.  The name of
 * each is looked up anew, and its addresses race (happy_eyeballs.h).  With a
 * proxy it is
 * the proxy's name and addresses, and the server's name goes to the proxy.
 *
 *            names       sockets      (login, CONNECT)
 *   IDLE --> RESOLVE --> CONNECT ----> PROXY --> IDLE, delivered
 *              ^           | none left   | no
 *              +-----------+-------------+   next server; none left: failed
 *
 * When what was delivered is no good, connector_next() goes on with what is left
 * of the round.  Whether and when there is another is the client's business.
 *
 * The sockets are made by the monitor: it is asked by index into what the
 * configuration says, never by address.
 */
#ifndef CONNECTOR_H
#define CONNECTOR_H

#include <ev.h>
#include <stdbool.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "engine/ask/keeper_ask.h"
#include "engine/ask/monitor_ask.h"

#define CONNECTOR_AGAIN 1 /* a server in a round */

struct connector;

/* Always from the loop, never from within another call of this interface. */
struct connector_events {
	/*
	 * `fd` is the callee's: TCP, connected to `server` (borrowed; len 0:
	 * only the proxy knows where that is), whose certificate must say
	 * `name` (borrowed from the configuration).
	 */
	void (*on_connected)(void *arg, int fd, const struct endpoint *server,
	    const char *name);
	/* The round is over, and this was its last trouble. */
	void (*on_failed)(void *arg, const char *why);
};

/* Idle at first.  Everything is borrowed.  NULL when out of memory. */
struct connector *connector_new(struct ev_loop *loop, const struct conf *conf,
    struct keeper_ask *keeper, struct monitor_ask *monitor,
    const struct connector_events *events, void *arg);
void connector_free(struct connector *connector);

/*
 * From now on this configuration (borrowed) instead of the one before; a round
 * under way begins anew.
 */
void connector_reconfigure(struct connector *connector,
    const struct conf *conf);

/* Begins a round; one under way is given up. */
void connector_start(struct connector *connector);
/*
 * The network changed: the server under way is tried anew, unless that was done
 * CONNECTOR_AGAIN times: others are to have their turn.  Whether it was.
 */
bool connector_again(struct connector *connector);
/* What was delivered was no good: the rest of the round. */
void connector_next(struct connector *connector, const char *why);
/* The same, and that server's other addresses would be no better. */
void connector_next_server(struct connector *connector, const char *why);
/* It was good: trouble from now on is news. */
void connector_good(struct connector *connector);
/* No event comes any more. */
void connector_stop(struct connector *connector);

/*
 * UDP sockets for lanes to the server delivered last, if its endpoint is known;
 * as monitor_ask_lanes(), and forgotten by monitor_ask_cancel() with the same
 * `arg`.
 */
int connector_lanes(struct connector *connector, unsigned count,
    void (*done)(void *arg, const int *fds, unsigned n, int error), void *arg);

/*
 * For people, borrowed: the server as configured, the address tried or
 * connected to, the proxy, and what it waits for ("" when it is idle).
 */
const char *connector_server(const struct connector *connector);
const char *connector_address(const struct connector *connector);
const char *connector_proxy(const struct connector *connector); /* or "" */
const char *connector_doing(const struct connector *connector);
/* Why server `which` could not be reached last; "": it was not tried. */
const char *connector_trouble(const struct connector *connector,
    unsigned which);
/*
 * From now on the refusals of `server` count, whom a session is missed of (len
 * 0: only a proxy knows where that is); whether they last (connect_refusals.h).
 */
void connector_miss(struct connector *connector, const struct endpoint *server);
bool connector_is_refused(const struct connector *connector);

#endif /* CONNECTOR_H */
