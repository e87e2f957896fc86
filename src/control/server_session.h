/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server_session: what a server says to one site (PROTOCOL 4).
 *
 *            hello            auth_server.c: yes
 *   HELLO ---------> LOGIN ------------------> UP
 *     |                | no                     |
 *     +----------------+------> CLOSED <--------+
 *
 * How a site proves who it is, is auth_server.c's; every no ends with the same
 * words.
 *
 * A session that is UP outlives its connection: when that breaks, and nobody
 * said so, it is adrift.  Its lanes go on, and another connection of the site
 * that names it takes it over.
 */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include <stdbool.h>
#include <sys/queue.h>

#include "base/addr.h"
#include "base/bucket.h"
#include "base/mono.h"
#include "conf/conf.h"
#include "dataplane/dataplane.h"
#include "control/auth_server.h"
#include "control/conn/conn.h"
#include "control/transport.h"
#include "datapath/lane/lane_keys.h"

struct server;

enum server_state { SERVER_HELLO, SERVER_LOGIN, SERVER_UP, SERVER_CLOSED };

struct server_session {
	struct server	 *server;
	struct conn	 *conn; /* NULL: it broke */
	enum server_state state;
	struct addr	  from;
	char		  address[ENDPOINT_STRLEN]; /* with the port */
	bool		  is_usual; /* a site of ours last came from there */
	struct auth_server	  auth;
	char		  site[CONF_NAME_MAX + 1]; /* claimed, then proved */
	char		  srp_user[CONF_NAME_MAX + 1]; /* of the handshake, or "" */
	unsigned	  workers;
	uint32_t	  wanted; /* the session it wants to go on with, or 0 */
	struct prefix	 *asked; /* the subnets it wants; owned, until it is up */
	size_t		  nasked;
	uint8_t		  share[LANE_KEYS_SHARE]; /* the site's */
	uint32_t	  id;	 /* of the session */
	unsigned	  lanes;
	uint8_t		  transcript[32]; /* of hello and welcome */
	struct bucket	  rekeys;
	struct dataplane_peer	 *peer;
	struct mono	  up_since;
	struct mono	  adrift_since; /* while it is */
	struct tls_leaf	 *leaf; /* the certificate it showed; owned, or NULL */
	unsigned	  keepalive_sec, dead_peer_sec; /* as it was told */
	enum conf_transport    transport; /* agreed */
	struct transport_watch watch;
	bool		  stale; /* it is to be told its networks anew */
	LIST_ENTRY(server_session) entry;
};

/* For an accepted connection; owns `fd`.  It is in server->sessions then. */
void server_session_start(struct server *server, int fd,
    const struct endpoint *from);

/* Tells the site its addresses and routes. */
void server_session_update(struct server_session *ss);

/* Ends it with these words to the site; off the data path at once. */
void server_session_end(struct server_session *ss, const char *why);

/*
 * What it proves itself with was changed: its session ends, and so does a
 * log-in that is under way, for it may be about to succeed by what was before.
 */
void server_session_overtaken(struct server_session *ss, const char *why);

/* Whether it is one by a certificate that this context's CRL revokes. */
bool server_session_is_revoked(const struct server_session *ss,
    const struct tls_context *tls);

/*
 * Makes room for a new connection: ends the oldest that waits for the other
 * end, of the network that has most of them; before hello rather than behind
 * it, and from where sites live last of all.  False when there is none.
 */
bool server_session_evict(struct server *server);

/* UP, and without a connection. */
bool server_session_is_adrift(const struct server_session *ss);

/*
 * tls-srp: the credential of who is claimed in the handshake of this connection
 * (a struct conn): an attempt, and held off like any other.  0 or a negative
 * errno value.
 */
int server_session_srp_user(struct server *server, void *connection,
    const char *name, bool *known);

/* At once, without a word. */
void server_session_free(struct server_session *ss);

#endif /* SERVER_SESSION_H */
