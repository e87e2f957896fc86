/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server_session: what a server says to one site (PROTOCOL 4).
 *
 *            hello            login.c: yes
 *   HELLO ---------> LOGIN ------------------> UP
 *     |                | no                     |
 *     +----------------+------> CLOSED <--------+
 *
 * How a site proves who it is, is login.c's; every no ends with the same words.
 */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include <stdbool.h>
#include <sys/queue.h>

#include "base/addr.h"
#include "base/mono.h"
#include "conf/conf.h"
#include "control/hub.h"
#include "control/login.h"
#include "control/session.h"
#include "datapath/lane_keys.h"

struct server;

enum server_state { SERVER_HELLO, SERVER_LOGIN, SERVER_UP, SERVER_CLOSED };

struct server_session {
	struct server	 *server;
	struct session	  session;
	enum server_state state;
	struct addr	  from;
	char		  address[ENDPOINT_STRLEN]; /* with the port */
	bool		  is_usual; /* a site of ours last came from there */
	struct login	  login;
	char		  site[CONF_NAME_MAX + 1]; /* claimed, then proved */
	unsigned	  workers;
	char		  asked[PREFIX_STRLEN]; /* a subnet it may not have */
	uint8_t		  share[LANE_KEYS_SHARE]; /* the site's */
	struct hub_peer	 *peer;
	struct mono	  up_since;
	bool		  lanes_reported;
	char		 *told; /* the addresses and routes it knows; owned */
	LIST_ENTRY(server_session) entry;
};

/* For an accepted connection; owns `fd`.  It is in server->sessions then. */
void server_session_start(struct server *server, int fd,
    const struct endpoint *from);

/* Tells the site its addresses and routes, if they are not what it knows. */
void server_session_update(struct server_session *ss);

/* Ends it with these words to the site; off the data path at once. */
void server_session_end(struct server_session *ss, const char *why);

/*
 * Makes room for a new connection: ends the oldest that waits for the other
 * end, of the network that has most of them; before hello rather than behind
 * it, and from where sites live last of all.  False when there is none.
 */
bool server_session_evict(struct server *server);

/* Every second: lanes that died. */
void server_session_tick(struct server_session *ss, struct mono now);

/*
 * tls-srp: the credential of who is claimed in the handshake of this connection
 * (a struct session): an attempt, and held off like any other.  0 or a negative
 * errno value.
 */
int server_session_srp_user(struct server *server, void *connection,
    const char *name, struct keeper_tls_srp *user);

/* At once, without a word. */
void server_session_free(struct server_session *ss);

#endif /* SERVER_SESSION_H */
