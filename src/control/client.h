/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client: a satellite's end: finds the server, logs in, and comes back.
 *
 *            addresses        a socket           TLS, log-in
 *   RESOLVE -----------> CONNECT -----> SESSION -------------> UP
 *      ^                    |              |                    |
 *      |                    v  none left   v   any failure      v
 *      +----- pause ----- WAIT <--------------------------------+
 *
 * Where the server asks what only a person knows, WAIT lasts until one comes
 * (client_login).  The pause doubles from 1 s to 30 s, jittered, and begins anew after a session
 * that stood.  Meanwhile the device, its addresses and its routes stay, so the
 * users' TCP connections only see a pause.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <ev.h>

#include "base/mono.h"
#include "conf/conf.h"
#include "control/answer.h"
#include "control/hub.h"
#include "control/session.h"
#include "control/tls.h"
#include "keeper/keeper_ask.h"
#include "monitor/monitor_ask.h"

enum client_state {
	CLIENT_RESOLVE,
	CLIENT_CONNECT,
	CLIENT_SESSION,
	CLIENT_UP,
	CLIENT_WAIT
};

struct client {
	struct ev_loop	   *loop;
	const struct conf  *conf;
	struct hub	   *hub;
	struct keeper_ask  *keeper;
	struct monitor_ask *monitor;
	struct tls_context *tls;
	enum client_state   state;
	struct ev_timer	    timer; /* the pause */
	struct ev_timer	    tick;
	double		    pause_sec;
	unsigned	    retry_after_sec; /* the server asked for it */
	struct endpoint	    servers[REQUEST_MAX_ENDPOINTS];
	unsigned	    nservers, current;

	/* the session under way */
	struct session	   session;
	bool		   has_session;
	bool		   stopping;
	bool		   refused;
	struct answer	   answer; /* how this site proves who it is */
	struct lane_share  share;
	struct lane_secret secret;
	uint32_t	   session_id;
	unsigned	   lanes, keepalive_sec, dead_peer_sec;
	struct hub_peer	  *peer;

	/*
	 * tun: what the server assigned last (owned).  One ask of the monitor
	 * at a time, and a second between two: a server that changes its mind
	 * all the time is not passed on.
	 */
	struct prefix *addresses, *routes;
	size_t	       naddresses, nroutes;
	bool	       assignment_is_new, assigning;
	struct mono    assign_next;
	bool		   lanes_reported;

	/* for status */
	struct mono since, retry_at;
	char	    address[ENDPOINT_STRLEN];
	char	    last_error[TLS_WHY_SIZE];
	uint64_t    sessions;
};

/* Begins at once.  Everything is borrowed but `tls`.  NULL on failure. */
struct client *client_new(struct ev_loop *loop, const struct conf *conf,
    struct hub *hub, struct keeper_ask *keeper, struct monitor_ask *monitor,
    struct tls_context *tls);
/* Says goodbye, and does not come back. */
void client_bye(struct client *client, const char *why);
void client_free(struct client *client);

/*
 * A person is at the local socket (`tombolo login`) for the next
 * ANSWER_PERSON_SEC, to answer what the server asks and the stored password does not: connects at
 * once unless the session is up.
 */
void client_login(struct client *client);
/* Addresses or routes of this host changed: a pause ends at once. */
void client_network_changed(struct client *client);
/* From now on this configuration (borrowed) instead of the one before. */
void client_set_conf(struct client *client, const struct conf *conf);
/* From now on another context (consumed). */
void client_set_tls(struct client *client, struct tls_context *tls);
/* What the server asks now, for that person; NULL: nothing. Borrowed. */
const char *client_question(const struct client *client, bool *echo);
/* Their answer; copied.  False when nothing is asked. */
bool client_answer(struct client *client, const char *text, size_t len);

/* "connecting", "up", "waiting": the words of status. */
const char *client_state_name(const struct client *client);

#endif /* CLIENT_H */
