/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client: a site's end: connects to its hub, logs in, and reconnects.
 *
 *          a connection           TLS, login
 *   CONNECT -----------> LOGIN ---------------> UP
 *    ^  ^ |                |                    | |
 *    |  | v  none left     v   any failure      | | the session is over
 *    |  +-WAIT <----------------------------------+
 *    |   pause                                  |
 *    +---- the session is adrift ---------------+
 *
 * connector.c does the work of CONNECT, session.c that of a session.  If the
 * server asks for something that only a person knows, WAIT lasts until a person
 * comes (client_login); otherwise as long as retry_pause.c says.  The device,
 * its addresses and its routes stay, so the users' TCP connections only see a
 * pause.
 *
 * If only the connection broke, the session is adrift: its lanes stay in use,
 * and the next connection asks to continue it (PROTOCOL 4.9).
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <ev.h>

#include "base/mono.h"
#include "conf/conf.h"
#include "control/auth/auth_client.h"
#include "control/assignment.h"
#include "control/reach/connector.h"
#include "control/reach/retry_pause.h"
#include "dataplane/dataplane.h"
#include "control/conn/conn.h"
#include "control/session.h"
#include "control/conn/tls_context.h"
#include "engine/ask/keeper_ask.h"
#include "engine/ask/monitor_ask.h"

enum client_state {
	CLIENT_CONNECT,
	CLIENT_LOGIN,
	CLIENT_UP,
	CLIENT_WAIT,
	CLIENT_STOPPED
};

struct client {
	struct ev_loop	   *loop;
	const struct conf  *conf;
	struct dataplane	   *dataplane;
	struct monitor_ask *monitor;
	struct tls_context *tls;
	enum client_state   state;
	struct ev_timer	    timer; /* the pause */
	struct ev_timer	    tick;
	struct retry_pause  pause;
	struct connector   *connector;

	/* the login under way */
	struct endpoint	  server; /* whom it is connected to */
	struct auth_client auth;
	struct lane_share share;
	unsigned	  offered; /* features */
	unsigned	  mtu; /* of the device */

	uint16_t	  port; /* of the switch: the hub's */
	struct session	 *session; /* without UP: it is adrift; NULL: none */
	struct assignment assignment; /* tun: by the server */
	bool		  settled; /* the session's first is in force */

	/* for status */
	struct mono since, retry_at;
	struct mono_sleep sleep; /* of the host */
	char	    last_error[TLS_WHY_SIZE];
	uint64_t    sessions, reconnects;
};

/* Begins at once; `mtu` is the device's.  Everything is borrowed but `tls`.  NULL on failure. */
struct client *client_new(struct ev_loop *loop, const struct conf *conf,
    struct dataplane *dataplane, struct keeper_ask *keeper,
    struct monitor_ask *monitor, struct tls_context *tls, unsigned mtu);
/* Sends a bye, and does not reconnect. */
void client_bye(struct client *client, const char *why);
void client_free(struct client *client);

/*
 * A person is at the local socket (`tombolo login`) for the next
 * AUTH_CLIENT_PERSON_SEC, to answer by auth_client_typed() what the hub asks
 * (client->auth) and the stored password does not: connects at once unless the
 * session is up.
 */
void client_login(struct client *client);
/*
 * Addresses or routes of this host changed: ends a pause, restarts (once) an
 * attempt that hangs, limits the time of a login, and probes a session that is
 * up.
 */
void client_network_changed(struct client *client);
/* From now on this configuration (borrowed) instead of the one before. */
void client_reconfigure(struct client *client, const struct conf *conf);
/* From now on another context (consumed). */
void client_set_tls(struct client *client, struct tls_context *tls);

/*
 * "connecting", "up", "adrift", "waiting": the words of status.  "up" only when
 * what the server assigned is in force, too.
 */
const char *client_state_name(const struct client *client);

/* Its lanes; NULL: none yet, or no session. */
static inline struct dataplane_peer *
client_peer(const struct client *client)
{
	return client->session != NULL ? client->session->peer : NULL;
}

/* What it waits for, as text; "" when it is up. */
const char *client_waits_for(const struct client *client);

#endif /* CLIENT_H */
