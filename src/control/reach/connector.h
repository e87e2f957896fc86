/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connector: connects a site to one of its hubs; delivers a connected socket.
 *
 * A round tries the servers of the configuration in order: it resolves the name
 * of each and connects to its addresses (happy_eyeballs.h).  With a proxy,
 * these are the proxy's name and addresses, and the proxy gets the server's
 * name.
 *
 *            names       sockets      (login, CONNECT)
 *   IDLE --> RESOLVE --> CONNECT ----> PROXY --> IDLE, delivered
 *              ^           | none left   | no
 *              +-----------+-------------+   next server; none left: failed
 *
 * If the delivered connection fails, connector_next() continues the round.  The
 * client decides when to begin another round.
 *
 * The monitor makes the sockets; requests name a server by its index in the
 * configuration, never by address.
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

/* Called from the loop, never from within another call of this interface. */
struct connector_events {
	/*
	 * `fd` is the callee's: TCP, connected to `server` (borrowed; len 0:
	 * only the proxy knows where that is), whose certificate must say
	 * `name` (borrowed from the configuration).
	 */
	void (*on_connected)(void *arg, int fd, const struct endpoint *server,
	    const char *name);
	/* The round has failed; `why` is its last error. */
	void (*on_failed)(void *arg, const char *why);
};

/* Starts idle.  Borrows all arguments.  Returns NULL when out of memory. */
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
 * The network changed: tries the current server again and returns true, or
 * false if that was done CONNECTOR_AGAIN times in this round.
 */
bool connector_again(struct connector *connector);
/* The delivered connection failed: continues the round. */
void connector_next(struct connector *connector, const char *why);
/* The same, but skips the other addresses of that server. */
void connector_next_server(struct connector *connector, const char *why);
/* The delivered connection works: errors are logged again from now on. */
void connector_good(struct connector *connector);
/* No event follows. */
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
/* The last error of server `which`; "" if it was not tried. */
const char *connector_trouble(const struct connector *connector,
    unsigned which);
/*
 * From now on the refusals of `server` count, whom a session is missed of (len
 * 0: only a proxy knows where that is); whether they last (connect_refusals.h).
 */
void connector_miss(struct connector *connector, const struct endpoint *server);
bool connector_is_refused(const struct connector *connector);

#endif /* CONNECTOR_H */
