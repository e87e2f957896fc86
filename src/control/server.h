/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server: the hub: accepts connections (admission.h has the limits for unknown
 * clients), and keeps routes and sessions true to the configuration while it
 * changes.
 */
#ifndef SERVER_H
#define SERVER_H

#include <stdint.h>

#include <ev.h>

#include "base/log.h"
#include "conf/conf.h"
#include "dataplane/dataplane.h"
#include "control/auth/auth_server.h"
#include "control/sites.h"
#include "control/conn/tls_context.h"
#include "engine/ask/keeper_ask.h"

struct startup_recv;
struct monitor_ask;

/* clang-format off */
/*	member, name in `status` and tombolo(8) */
#define SERVER_COUNTERS(X)						\
	X(accepted,	"connections-accepted")				\
	X(refused,	"connections-refused")				\
	X(turned_away,	"connections-turned-away")			\
	X(waited,	"accepting-paused")				\
	X(held_off,	"connections-held-off")				\
	X(resumed,	"log-ins-resumed")				\
	X(taken_over,	"sessions-taken-over")				\
	X(nunauth,	"connections-unauthenticated") /* those of now */
/* clang-format on */

struct server {
	struct ev_loop	   *loop;
	const struct conf  *conf; /* the engine's */
	struct dataplane	   *dataplane;
	struct tls_context *tls;
	struct admission    admission; /* of those that have not logged in */
	struct auth_server_env auth; /* what each of them needs */
	unsigned	    mtu; /* of the device */
	struct ev_io	    acceptors[CONF_MAX_LISTENS];
	unsigned	    nacceptors;
	struct ev_timer	    pause; /* there is no room, or no descriptor */
	struct ev_timer	    tick;
	struct ev_timer	    updates; /* while a site is stale */
	struct mono	    ticked; /* the last one */
	struct sites	    sites; /* and their sessions */
	struct log_limit refusals;	/* for lines that anybody can cause */
	bool		 waits; /* the next connection does, in the backlog */
#define SERVER_MEMBER(member, name) uint64_t member;
	SERVER_COUNTERS(SERVER_MEMBER)
#undef SERVER_MEMBER
};

/*
 * Starts accepting on the monitor's listeners.  Borrows all arguments, which
 * must outlive it, but consumes `tls`.  Returns NULL on failure.
 */
struct server *server_new(struct ev_loop *loop, const struct conf *conf,
    struct dataplane *dataplane, struct keeper_ask *keeper,
    struct monitor_ask *monitor,
    struct tls_context *tls, const struct startup_recv *startup);
/* Sends bye to every site. */
void server_bye(struct server *server, const char *why);
void server_free(struct server *server);

/*
 * The configuration changed: sites that are gone or disabled are ended, the
 * others are told of their new addresses and routes.
 */
void server_reconfigure(struct server *server, const struct conf *conf);

/*
 * From now on another context (consumed): new certificates, a new CRL.
 * Sessions whose certificate it revokes are ended.
 */
void server_set_tls(struct server *server, struct tls_context *tls);

/*
 * A site's credential was changed or removed: ends its session and any login.
 * The keeper already refuses its tokens.
 */
void server_credential_changed(struct server *server, const char *site);

/* Ends a site's session; false when it has none. */
bool server_kick(struct server *server, const char *site);

/* A line that an unknown client caused: at most ten in ten seconds. */
void server_log_refusal(struct server *server, const char *address,
    const char *site, const char *why);

#endif /* SERVER_H */
